/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gates: their order, what they refuse and what they hold back.
 */
#include "command/dispatch.h"

#include <unistd.h>

#include "command/command_fixture.h"

/* --- gates --- */

START_TEST(gates_in_order_of_rank)
{
    struct toy_bar p = {.letter = 'p'}, m = {.letter = 'm'}, a1 = {.letter = 'a'}, a2 = {.letter = 'b'};
    toy_start(0);
    toy_add_bar(&p, DISPATCH_RANK_PAUSE);
    toy_add_bar(&a1, DISPATCH_RANK_AUTH);
    toy_add_bar(&m, DISPATCH_RANK_MEMORY);
    toy_add_bar(&a2, DISPATCH_RANK_AUTH);
    int a = toy_join();
    toy_say(a, "LOG 1\r\n");
    toy_expect(a, ":1\r\n");
    toy_expect_trace("abmp1 ");
    dispatch_gate_enable(toy.d, m.handle, false);
    toy_say(a, "LOG 2\r\n");
    toy_expect(a, ":1\r\n");
    toy_expect_trace("abmp1 abp2 ");
    dispatch_gate_enable(toy.d, a1.handle, false);
    dispatch_gate_enable(toy.d, a2.handle, false);
    dispatch_gate_enable(toy.d, p.handle, false);
    toy_say(a, "LOG 3\r\n");
    toy_expect(a, ":1\r\n");
    toy_expect_trace("abmp1 abp2 3 ");
    dispatch_gate_enable(toy.d, m.handle, true);
    toy_say(a, "LOG 4\r\n");
    toy_expect(a, ":1\r\n");
    toy_expect_trace("abmp1 abp2 3 m4 ");
    toy_stop();
    close(a);
}
END_TEST

START_TEST(a_gate_refuses)
{
    struct toy_bar first = {.letter = 'f'}, second = {.letter = 's', .verdict = DISPATCH_REFUSED},
                   third = {.letter = 't'};
    toy_start(0);
    toy_add_bar(&third, DISPATCH_RANK_PAUSE);
    toy_add_bar(&second, DISPATCH_RANK_ACL);
    toy_add_bar(&first, DISPATCH_RANK_AUTH);
    int a = toy_join();
    toy_say(a, "LOG 1\r\nPING\r\nLOG too many\r\nnothing\r\nLOG 2\r\n");
    toy_expect(a, "-BAR s\r\n+PONG\r\n-ERR wrong number of arguments for 'log' command\r\n"
                  "-ERR unknown command 'nothing', with args beginning with: \r\n-BAR s\r\n");
    /* Neither the handler nor the gates behind; none at all where the shape is wrong. */
    toy_expect_trace("fsfs");
    toy_expect_row("errorstats", "errorstat_BAR:count=2\r\n");
    struct registry_entry *log = registry_find(dispatch_registry(toy.d), slice_str("log"));
    ck_assert_uint_eq(log->rejected, 3);
    ck_assert_uint_eq(log->calls, 0);
    ck_assert_uint_eq(log->failed, 0);
    toy_stop();
    close(a);
}
END_TEST

START_TEST(a_gate_holds)
{
    struct toy_bar bar = {.letter = 'h', .verdict = DISPATCH_HOLD};
    toy_start(_i);
    toy_add_bar(&bar, DISPATCH_RANK_PAUSE);
    int a = toy_join(), b = toy_join();
    toy_say(a, "PING\r\nLOG \"a 1\"\r\nPING\r\nLOG a2\r\n*2\r\n$3\r\nLO");
    toy_say(b, "PING\r\nPING\r\n");
    toy_expect(a, "+PONG\r\n");
    toy_expect(b, "+PONG\r\n+PONG\r\n");
    peer_expect_nothing(&toy.f, a);
    toy_expect_trace("h");
    /* More comes while it waits; it is still not asked again. */
    toy_say(a, "G\r\n$2\r\na3\r\nPING\r\n");
    toy_say(b, "LOG b1\r\n");
    peer_expect_nothing(&toy.f, a);
    peer_expect_nothing(&toy.f, b);
    toy_expect_trace("hh");
    /* Released while the gate is shut: it holds them once more. */
    dispatch_release(toy.d);
    peer_expect_nothing(&toy.f, a);
    toy_expect_trace("hhhh");
    bar.verdict = DISPATCH_PASS;
    peer_expect_nothing(&toy.f, b);
    dispatch_gate_enable(toy.d, bar.handle, false);
    toy.trace.len = 0;
    dispatch_release(toy.d);
    toy_expect(b, ":1\r\n");
    toy_expect(a, ":1\r\n+PONG\r\n:1\r\n:1\r\n+PONG\r\n");
    ck_assert_ptr_nonnull(strstr(buf_cstr(&toy.trace), "a 1 a2 a3 "));
    ck_assert_uint_eq(toy.trace.len, 13);
    peer_expect_nothing(&toy.f, a);
    toy_stop();
    close(a);
    close(b);
}
END_TEST

/* A long request that came in pieces is held, goes back, and is whole when it is tried again. */
START_TEST(a_gate_holds_a_long_request)
{
    struct toy_bar bar = {.letter = 'h', .verdict = DISPATCH_HOLD};
    toy_start(0);
    toy_add_bar(&bar, DISPATCH_RANK_PAUSE);
    int a = toy_join();
    struct buf requests = {0};
    toy_argc(&requests, 20000);
    size_t half = requests.len / 2;
    buf_append_str(&requests, "LOG 1\r\n");
    peer_say_bytes(&toy.f, a, requests.data, half);
    peer_expect_nothing(&toy.f, a);
    peer_say_bytes(&toy.f, a, requests.data + half, requests.len - half);
    peer_expect_nothing(&toy.f, a);
    toy_expect_trace("h");
    bar.verdict = DISPATCH_PASS;
    dispatch_release(toy.d);
    toy_expect(a, ":20000\r\n:1\r\n");
    toy_expect_trace("hhh1 ");
    buf_done(&requests);
    toy_stop();
    close(a);
}
END_TEST

/* What was remembered of the incomplete request is about other bytes than those that come again. */
START_TEST(a_gate_holds_before_a_part)
{
    struct toy_bar bar = {.letter = 'h', .verdict = DISPATCH_HOLD};
    toy_start(0);
    toy_add_bar(&bar, DISPATCH_RANK_PAUSE);
    int a = toy_join();
    struct buf requests = {0};
    buf_append_str(&requests, "*2\r\n$3\r\nLOG\r\n$1\r\n1\r\n");
    toy_argc(&requests, 200);
    size_t half = requests.len / 2;
    peer_say_bytes(&toy.f, a, requests.data, half);
    peer_expect_nothing(&toy.f, a);
    bar.verdict = DISPATCH_PASS;
    dispatch_release(toy.d);
    toy_expect(a, ":1\r\n");
    peer_say_bytes(&toy.f, a, requests.data + half, requests.len - half);
    toy_expect(a, ":200\r\n");
    buf_done(&requests);
    toy_stop();
    close(a);
}
END_TEST

START_TEST(the_held_one_goes_away)
{
    struct toy_bar bar = {.letter = 'h', .verdict = DISPATCH_HOLD};
    toy_start(_i);
    toy_add_bar(&bar, DISPATCH_RANK_PAUSE);
    int a = toy_join(), b = toy_join();
    toy_say(a, "LOG a1\r\nLOG a2\r\n");
    peer_expect_nothing(&toy.f, a);
    toy_say(b, "KILL 1\r\n");
    toy_expect(b, "+OK\r\n");
    toy_expect_gone(a);
    ck_assert_uint_eq(dispatch_session_count(toy.d), 1);
    bar.verdict = DISPATCH_PASS;
    dispatch_release(toy.d);
    toy_say(b, "LOG b1\r\n");
    toy_expect(b, ":1\r\n");
    toy_expect_trace("hhb1 ");
    toy_stop();
    close(b);
}
END_TEST

UNIT_SUITE(command_dispatch_gates)
{
    tcase_add_test(tc, gates_in_order_of_rank);
    tcase_add_test(tc, a_gate_refuses);
    tcase_add_loop_test(tc, a_gate_holds, 0, WORLD_KINDS);
    tcase_add_test(tc, a_gate_holds_a_long_request);
    tcase_add_test(tc, a_gate_holds_before_a_part);
    tcase_add_loop_test(tc, the_held_one_goes_away, 0, WORLD_KINDS);
}
