/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The batch: what is parsed and executed together, arguments and hashes that stay right in
 * it, and what must not be parsed ahead.
 */
#include "command/dispatch.h"

#include <unistd.h>

#include "base/heap.h"
#include "command/command_fixture.h"

/* --- the batch --- */

START_TEST(one_batch_of_all)
{
    toy_start(_i);
    int a = toy_join(), b = toy_join(), c = toy_join();
    toy_say(a, "LOG a1\r\nLOG a2\r\n*2\r\n$3\r\nLOG\r\n$2\r\na3\r\n");
    toy_say(b, "log b1\r\n");
    toy_say(c, "Log c1\r\n\r\n*0\r\nLog c2\r\n");
    toy_expect(a, ":1\r\n:1\r\n:1\r\n");
    toy_expect(b, ":1\r\n");
    toy_expect(c, ":1\r\n:1\r\n");
    ck_assert_uint_eq(toy.executes, 1);
    /* Whose turn is first is the kernel's choice; each one's requests stand together. */
    ck_assert_ptr_nonnull(strstr(buf_cstr(&toy.trace), "a1 a2 a3 "));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&toy.trace), "b1 "));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&toy.trace), "c1 c2 "));
    ck_assert_uint_eq(toy.trace.len, 18);
    toy_stop();
    close(a);
    close(b);
    close(c);
}
END_TEST

/* More than one batch holds: none is lost and nobody starves. */
START_TEST(more_than_a_batch)
{
    enum { REQUESTS = 5000 };
    toy_start(0);
    int a = toy_join(), b = toy_join();
    struct buf requests = {0}, replies = {0};
    for (int i = 0; i < REQUESTS; i++) {
        buf_append_str(&requests, "PING\r\n");
        buf_append_str(&replies, "+PONG\r\n");
    }
    toy_say(b, "LOG b\r\n");
    peer_say_bytes(&toy.f, a, requests.data, requests.len);
    char *got = heap_alloc(replies.len);
    int error;
    ck_assert_uint_eq(peer_hear(&toy.f, a, got, replies.len, &error), replies.len);
    ck_assert_int_eq(memcmp(got, replies.data, replies.len), 0);
    toy_expect(b, ":1\r\n");
    ck_assert_uint_ge(toy.executes, REQUESTS / 1024);
    heap_free(got);
    buf_done(&requests);
    buf_done(&replies);
    toy_stop();
    close(a);
    close(b);
}
END_TEST

START_TEST(a_request_in_pieces)
{
    toy_start(_i);
    int a = toy_join(), b = toy_join();
    toy_say(a, "LOG a1\r\n*2\r\n$3\r\nL");
    toy_expect(a, ":1\r\n");
    toy_say(b, "*2\r\n$3\r\nLOG\r\n$2\r\nb1");
    toy_say(a, "OG\r\n$2\r\na");
    peer_expect_nothing(&toy.f, a);
    peer_expect_nothing(&toy.f, b);
    toy_say(b, "\r\nLOG b2\r\n");
    toy_expect(b, ":1\r\n:1\r\n");
    toy_say(a, "2\r\nLOG a3\r\n");
    toy_expect(a, ":1\r\n:1\r\n");
    toy_expect_trace("a1 b1 b2 a2 a3 ");
    toy_stop();
    close(a);
    close(b);
}
END_TEST

START_TEST(quoted_arguments)
{
    toy_start(0);
    int a = toy_join();
    toy_say(a, "LOG \"a 1\"\r\nLOG 'a 2'\r\nLOG \"\"\r\nLOG \"a\\x334\"\r\n*2\r\n$3\r\nLOG\r\n$2\r\na5\r\n");
    toy_expect(a, ":1\r\n:1\r\n:1\r\n:1\r\n:1\r\n");
    toy_expect_trace("a 1 a 2  a34 a5 ");
    ck_assert_uint_eq(toy.executes, 1);
    toy_stop();
    close(a);
}
END_TEST

/* The arguments of the first requests stay while the pool grows behind them. */
START_TEST(arguments_survive_growth)
{
    toy_start(0);
    int a = toy_join(), b = toy_join();
    struct buf requests = {0};
    buf_append_str(&requests, "LOG first\r\n*2\r\n$3\r\nLOG\r\n$6\r\nsecond\r\n");
    for (unsigned n = 100; n < 3200; n *= 2)
        toy_argc(&requests, n);
    buf_append_str(&requests, "LOG last\r\n");
    toy_say(b, "LOG b\r\n");
    peer_say_bytes(&toy.f, a, requests.data, requests.len);
    toy_expect(b, ":1\r\n");
    toy_expect(a, ":1\r\n:1\r\n:100\r\n:200\r\n:400\r\n:800\r\n:1600\r\n:1\r\n");
    ck_assert_ptr_nonnull(strstr(buf_cstr(&toy.trace), "first second last "));
    buf_done(&requests);
    toy_stop();
    close(a);
    close(b);
}
END_TEST

START_TEST(a_hundred_thousand_arguments)
{
    toy_start(_i);
    int a = toy_join(), b = toy_join();
    for (int round = 0; round < 2; round++) {
        struct buf requests = {0};
        buf_append_str(&requests, "LOG first\r\n");
        toy_argc(&requests, 100000);
        buf_append_str(&requests, "LOG last\r\n");
        toy_say(b, "LOG b\r\n");
        peer_say_bytes(&toy.f, a, requests.data, requests.len);
        toy_expect(a, ":1\r\n:100000\r\n:1\r\n");
        toy_expect(b, ":1\r\n");
        buf_done(&requests);
    }
    toy_stop();
    close(a);
    close(b);
}
END_TEST

/* Long replies are given out bit by bit; others are served meanwhile. */
START_TEST(long_replies)
{
    enum { SIZE = 600000, COUNT = 8 };
    toy_start(_i);
    int a = toy_join(), b = toy_join();
    for (int i = 0; i < COUNT; i++)
        toy_say(a, "BIG 600000\r\n");
    toy_say(a, "LOG a\r\n");
    toy_say(b, "LOG b\r\n");
    world_turns(&toy.f, 1);
    toy_expect(b, ":1\r\n");
    size_t each = SIZE + 11;
    char *got = heap_alloc(each * COUNT);
    int error;
    ck_assert_uint_eq(peer_hear(&toy.f, a, got, each * COUNT, &error), each * COUNT);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(memcmp(got + each * (size_t)i, "$600000\r\nb", 10), 0);
        ck_assert_int_eq(memcmp(got + each * (size_t)(i + 1) - 3, "b\r\n", 3), 0);
    }
    toy_expect(a, ":1\r\n");
    toy_expect_trace("b a ");
    heap_free(got);
    toy_stop();
    close(a);
    close(b);
}
END_TEST

/* --- what must not be parsed ahead --- */

START_TEST(barriers)
{
    toy_start(0);
    int a = toy_join();
    toy_say(a, "LOG 1\r\nLOG 2\r\nLOGIN\r\nLOG 3\r\nLOG 4\r\n");
    toy_expect(a, ":1\r\n:1\r\n+OK\r\n:1\r\n:1\r\n");
    ck_assert_uint_eq(toy.executes, 2);
    toy_expect_trace("1 2 3 4 ");
    /* What stands behind is judged as what it has become. */
    struct buf requests = {0};
    buf_append_str(&requests, "LOGOUT\r\n");
    toy_argc(&requests, 11);
    peer_say_bytes(&toy.f, a, requests.data, requests.len);
    toy_expect(a, "+OK\r\n-ERR Protocol error: unauthenticated multibulk length\r\n");
    peer_expect_end(&toy.f, a);
    buf_done(&requests);
    toy_stop();
}
END_TEST

START_TEST(strangers_one_at_a_time)
{
    toy_start(0);
    toy.stranger = true;
    int a = toy_join(), b = toy_join();
    toy_say(a, "LOG 1\r\nLOG 2\r\nLOG 3\r\n");
    toy_expect(a, ":1\r\n:1\r\n:1\r\n");
    ck_assert_uint_eq(toy.executes, 3);
    struct buf requests = {0};
    buf_append_str(&requests, "PING\r\nLOGIN\r\n");
    toy_argc(&requests, 11);
    toy_argc(&requests, 12);
    toy.executes = 0;
    peer_say_bytes(&toy.f, a, requests.data, requests.len);
    toy_expect(a, "+PONG\r\n+OK\r\n:11\r\n:12\r\n");
    ck_assert_uint_eq(toy.executes, 3);
    toy_say(b, "*1\r\n$16385\r\n");
    toy_expect(b, "-ERR Protocol error: unauthenticated bulk length\r\n");
    peer_expect_end(&toy.f, b);
    buf_done(&requests);
    toy_stop();
    close(a);
}
END_TEST

START_TEST(unknown_commands_stop_the_parser)
{
    toy_start(0);
    int a = toy_join();
    toy_say(a, "LOG 1\r\nPOST / HTTP/1.1\r\nHost: here\r\nLOG 2\r\n");
    toy_expect_gone(a);
    toy_expect_trace("1 ");
    ck_assert_uint_eq(dispatch_session_count(toy.d), 0);
    toy_stop();
}
END_TEST

/* --- the hash of the first key --- */

static void say_hashes(int fd, const char *before, int count)
{
    struct buf out = {0};
    buf_append_str(&out, before);
    for (int i = 0; i < count; i++)
        buf_printf(&out, "HASH key:%d\r\n", i);
    peer_say_bytes(&toy.f, fd, out.data, out.len);
    buf_done(&out);
}

static void expect_hashes(int fd, int count)
{
    for (int i = 0; i < count; i++)
        toy_expect(fd, ":1\r\n");
}

START_TEST(hash_of_the_first_key)
{
    toy_start(0);
    int a = toy_join(), b = toy_join();
    say_hashes(a, "PING\r\nHASH\r\n", 100);
    say_hashes(b, "HASH \"\"\r\n", 3);
    toy_expect(a, "+PONG\r\n-ERR wrong number of arguments for 'hash' command\r\n");
    expect_hashes(a, 100);
    expect_hashes(b, 4);
    ck_assert_uint_eq(toy.executes, 1);
    toy_stop();
    close(a);
    close(b);
}
END_TEST

/* Behind calls that are not run, in the same session and in one that was killed, the
 * prefetching must still have come along. With COUNT both below and above its distance. */
START_TEST(hash_behind_skipped_calls)
{
    static const int counts[] = {1, 5, 11, 12, 13, 14, 30, 100};
    struct toy_bar bar = {.letter = 'h', .verdict = DISPATCH_HOLD};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        toy_start(0);
        toy_add_bar(&bar, DISPATCH_RANK_PAUSE);
        int a = toy_join(), b = toy_join(), c = toy_join(), d = toy_join(), e = toy_join();
        toy_say(a, "KILL 2\r\n");
        say_hashes(b, "", counts[i]);
        say_hashes(c, "FINISH 3\r\n", counts[i]);
        say_hashes(d, "LOG held\r\n", counts[i]);
        say_hashes(e, "", 40);
        expect_hashes(e, 40);
        toy_expect(a, "+OK\r\n");
        toy_expect_gone(b);
        toy_expect(c, "+OK\r\n");
        peer_expect_end(&toy.f, c);
        ck_assert_uint_eq(toy.executes, 1);
        dispatch_gate_enable(toy.d, bar.handle, false);
        dispatch_release(toy.d);
        toy_expect(d, ":1\r\n");
        expect_hashes(d, counts[i]);
        toy_stop();
        close(a);
        close(d);
        close(e);
    }
}
END_TEST

UNIT_SUITE(command_dispatch)
{
    tcase_add_loop_test(tc, one_batch_of_all, 0, WORLD_KINDS);
    tcase_add_test(tc, more_than_a_batch);
    tcase_add_loop_test(tc, a_request_in_pieces, 0, WORLD_KINDS);
    tcase_add_test(tc, quoted_arguments);
    tcase_add_test(tc, arguments_survive_growth);
    tcase_add_loop_test(tc, a_hundred_thousand_arguments, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, long_replies, 0, WORLD_KINDS);
    tcase_add_test(tc, barriers);
    tcase_add_test(tc, strangers_one_at_a_time);
    tcase_add_test(tc, unknown_commands_stop_the_parser);
    tcase_add_test(tc, hash_of_the_first_key);
    tcase_add_test(tc, hash_behind_skipped_calls);
}
