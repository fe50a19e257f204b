/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocking commands: who is served with what and when, and what becomes of the rest.
 */
#include "command/block.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "command/block_fixture.h"

/* How late a timer may be, at the best of so many tries: a machine that is busy is late now and then,
 * a loop that does not look in time always. */
#define SLACK_US 20000
#define TRIES    100

/* --- keys that become ready --- */

START_TEST(served_in_order)
{
    block_start(_i);
    block_say(0, "TAKE a b 0\r\n");
    block_say(1, "TAKE b 0\r\n");
    block_say(2, "TAKE a 100\r\n");
    toy_expect_row("clients", "\r\nblocked_clients:3\r\n");
    toy_expect_row("clients", "\r\nclients_in_timeout_table:1\r\n");
    toy_expect_row("clients", "\r\ntotal_blocking_keys:2\r\n");
    block_ask(3, "PUSH b x\r\n", "+OK\r\n");
    block_expect(0, "+b:x\r\n");
    block_silent(1);
    block_silent(2);
    block_ask(3, "PUSH b xyz\r\n", "+OK\r\n");
    block_expect(1, "+b:x\r\n");
    /* Nobody waits any more: what is there is taken at once. */
    block_ask(1, "TAKE a b 0\r\n", "+b:y\r\n");
    block_ask(3, "PUSH a q\r\n", "+OK\r\n");
    block_expect(2, "+a:q\r\n");
    block_ask(4, "TAKE b 0\r\n", "+b:z\r\n");
    block_expect_clean();
    ck_assert_uint_eq(db_size(keyspace_db(toy.keyspace, 0)), 0);
    block_stop();
}
END_TEST

/* Behind the command that fills the key: before its own connection's next one, too. */
START_TEST(served_before_anything_else_runs)
{
    block_start(_i);
    block_say(0, "TAKE a 0\r\n");
    block_say(1, "TAKE b 0\r\n");
    toy_say(block_fds[2], "PUSH a 1\r\nTAKE a 0.001\r\nPUSH b 23\r\nTAKE b 0\r\n");
    toy_expect(block_fds[2], "+OK\r\n*-1\r\n+OK\r\n+b:3\r\n");
    block_expect(0, "+a:1\r\n");
    block_expect(1, "+b:2\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

/* One command's letters go to all who wait, as far as they go; the key with the rest stays. */
START_TEST(one_command_serves_many)
{
    block_start(0);
    for (int i = 0; i < 4; i++)
        block_say(i, "TAKE a 0\r\n");
    block_ask(4, "PUSH a abc\r\n", "+OK\r\n");
    block_expect(0, "+a:a\r\n");
    block_expect(1, "+a:b\r\n");
    block_expect(2, "+a:c\r\n");
    block_silent(3);
    block_ask(4, "PUSH a de\r\n", "+OK\r\n");
    block_expect(3, "+a:d\r\n");
    block_ask(4, "TAKE a 0\r\n", "+a:e\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

/* What serves one makes a key ready for the next one. */
START_TEST(chains)
{
    block_start(0);
    block_say(0, "TAKE c 0\r\n");
    block_say(1, "PASS b c 0\r\n");
    block_say(2, "PASS a b 0\r\n");
    block_say(3, "PASS a a 0\r\n");
    block_ask(4, "PUSH a xy\r\n", "+OK\r\n");
    block_expect(2, "$1\r\nx\r\n");
    block_expect(1, "$1\r\nx\r\n");
    block_expect(0, "+c:x\r\n");
    block_expect(3, "$1\r\ny\r\n");
    block_ask(4, "TAKE c b a 0\r\n", "+a:y\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

START_TEST(the_same_key_twice)
{
    block_start(0);
    block_say(0, "TAKE a a b a 0\r\n");
    block_ask(1, "PUSH a xy\r\n", "+OK\r\n");
    block_expect(0, "+a:x\r\n");
    peer_expect_nothing(&toy.f, block_fds[0]);
    block_ask(1, "TAKE a 0\r\n", "+a:y\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

START_TEST(a_value_of_another_type_wakes_nobody)
{
    block_start(0);
    block_say(0, "TAKE a 0\r\n");
    block_ask(1, "OTHER a\r\n", "+OK\r\n");
    block_silent(0);
    block_ask(1, "DROP a\r\n", "+OK\r\n");
    block_silent(0);
    block_ask(1, "OTHER b\r\nOTHER a\r\nPUSH r x\r\nMOVE r 0 a\r\n", "+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
    block_expect(0, "+a:x\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

/* By whatever way a value comes to stand there. */
START_TEST(moved_copied_swapped)
{
    block_start(0);
    block_ask(4, "PUSH r abcdef\r\nPUSH s z\r\n", "+OK\r\n+OK\r\n");
    block_say(0, "TAKE a 0\r\n");
    block_ask(4, "COPY r a\r\n", "+OK\r\n");
    block_expect(0, "+a:a\r\n");
    block_ask(4, "DROP a\r\n", "+OK\r\n");
    block_say(0, "TAKE a 0\r\n");
    block_ask(4, "MOVE r 0 a\r\n", "+OK\r\n");
    block_expect(0, "+a:a\r\n");
    /* In another database. */
    block_ask(1, "GO 1\r\n", "+OK\r\n");
    block_say(1, "TAKE a 0\r\n");
    block_say(2, "TAKE q 0\r\n");
    block_ask(4, "MOVE a 1 q\r\n", "+OK\r\n");
    block_silent(1);
    block_silent(2);
    block_ask(4, "MOVE s 1 a\r\n", "+OK\r\n");
    block_expect(1, "+a:z\r\n");
    /* Q changes its place with the database, to where somebody waits. */
    block_ask(4, "SWAP\r\n", "+OK\r\n");
    block_expect(2, "+q:b\r\n");
    block_ask(1, "GO 0\r\nTAKE q 0\r\n", "+OK\r\n+q:c\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

/* --- those who ask for it are told when a key goes --- */

START_TEST(gone)
{
    static const char *const ways[] = {"DROP a\r\n", "FLUSH\r\n", "SWAP\r\n", "OTHER a\r\n",
                                       "MOVE a 0 b\r\n"};
    block_start(0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        toy.trace.len = 0;
        block_ask(4, "PUSH a abc\r\n", "+OK\r\n");
        block_say(0, "WATCH a 0\r\n");
        block_say(1, "TAKE q 0\r\n");
        toy_expect_row("clients", "\r\ntotal_blocking_keys_on_nokey:1\r\n");
        block_ask(4, "PUSH a d\r\nTAKE a 0\r\n", "+OK\r\n+a:a\r\n");
        block_silent(0);
        toy_expect_trace("ww");
        block_ask(4, ways[i], "+OK\r\n");
        block_expect(0, "-GONE away\r\n");
        block_silent(1);
        block_ask(4, "END 2\r\n", ":1\r\n");
        block_expect(1, "*-1\r\n");
        block_expect_clean();
        block_ask(4, "FLUSH\r\nGO 1\r\nFLUSH\r\nGO 0\r\n", "+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
    }
    block_stop();
}
END_TEST

/* By itself, outside of any command. */
START_TEST(gone_by_its_time)
{
    block_start(0);
    block_ask(4, "PUSH a abc\r\n", "+OK\r\n");
    block_say(0, "WATCH a 0\r\n");
    block_ask(4, "EXPIRE a\r\n", "+OK\r\n");
    while (keyspace_expire(toy.keyspace, clock_ms(), 100))
        continue;
    block_expect(0, "-GONE away\r\n");
    toy_expect_row("errorstats", "errorstat_GONE:count=1\r\n");
    block_stop();
}
END_TEST

/* --- the connection --- */

START_TEST(what_follows_waits)
{
    block_start(_i);
    toy_say(block_fds[0], "LOG 1\r\nTAKE a 0\r\nLOG 2\r\nTAKE a 0\r\nLOG \"3\"\r\n*2\r\n$3\r\nLO");
    toy_expect(block_fds[0], ":1\r\n");
    block_silent(0);
    toy_say(block_fds[0], "G\r\n$1\r\n4\r\n");
    block_silent(0);
    toy_expect_trace("1 ");
    block_ask(1, "PUSH a x\r\n", "+OK\r\n");
    toy_expect(block_fds[0], "+a:x\r\n:1\r\n");
    block_silent(0);
    toy_expect_trace("1 2 ");
    block_ask(1, "PUSH a y\r\n", "+OK\r\n");
    block_expect(0, "+a:y\r\n:1\r\n:1\r\n");
    toy_expect_trace("1 2 3 4 ");
    block_expect_clean();
    block_stop();
}
END_TEST

START_TEST(gone_clients_are_forgotten)
{
    block_start(_i);
    for (int i = 0; i < 4; i++)
        block_say(i, "TAKE a b 0\r\nLOG never\r\n");
    close(block_fds[0]);
    block_fds[0] = -1;
    for (int n = 0; n < WORLD_TURNS && dispatch_session_count(toy.d) == BLOCK_CLIENTS; n++)
        loop_turn(toy.f.loop);
    /* Killed, and in the same breath not given what comes. */
    block_ask(4, "KILL 2\r\nPUSH a x\r\n", "+OK\r\n+OK\r\n");
    block_expect(2, "+a:x\r\n");
    toy_expect_gone(block_fds[1]);
    block_fds[1] = -1;
    /* Its half of the connection is closed: it is as if it had gone. */
    shutdown(block_fds[3], SHUT_WR);
    toy_expect_gone(block_fds[3]);
    block_fds[3] = -1;
    block_ask(4, "PUSH b y\r\nTAKE b 0\r\n", "+OK\r\n+b:y\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

START_TEST(ended_by_others)
{
    block_start(0);
    block_say(0, "TAKE a 0\r\n");
    block_say(1, "TAKE a 100\r\n");
    block_ask(4, "END 1\r\nEND 2 ERROR\r\nEND 2\r\nEND 3\r\n", ":1\r\n:1\r\n:0\r\n:0\r\n");
    block_expect(0, "*-1\r\n");
    block_expect(1, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    toy_expect_row("errorstats", "errorstat_UNBLOCKED:count=1\r\n");
    block_expect_clean();
    block_say(2, "TAKE a 0\r\n");
    block_ask(4, "KILL 3\r\nEND 3\r\n", "+OK\r\n:0\r\n");
    block_stop();
}
END_TEST

/* A gate that holds all has nothing to do with those who wait already. */
START_TEST(held_while_it_waits)
{
    struct toy_bar bar = {.letter = 'h', .verdict = DISPATCH_HOLD};
    block_start(0);
    block_say(0, "TAKE a 0\r\nLOG 1\r\n");
    block_say(1, "TAKE a 0.005\r\nLOG 2\r\n");
    toy_add_bar(&bar, DISPATCH_RANK_PAUSE);
    block_ask(4, "PUSH a x\r\n", "+OK\r\n");
    toy_expect(block_fds[0], "+a:x\r\n");
    peer_expect_nothing(&toy.f, block_fds[0]);
    toy_expect(block_fds[1], "*-1\r\n");
    peer_expect_nothing(&toy.f, block_fds[1]);
    toy_expect_row("clients", "\r\nblocked_clients:2\r\n");
    dispatch_gate_enable(toy.d, bar.handle, false);
    dispatch_release(toy.d);
    toy_expect(block_fds[0], ":1\r\n");
    toy_expect(block_fds[1], ":1\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

START_TEST(replies_that_are_not_wanted)
{
    block_start(0);
    block_say(0, "REPLY SKIP\r\nTAKE a 0\r\nPING\r\n");
    block_ask(4, "PUSH a x\r\n", "+OK\r\n");
    block_expect(0, "+PONG\r\n");
    block_say(0, "REPLY OFF\r\nTAKE a 0\r\nPING\r\nREPLY ON\r\n");
    block_ask(4, "PUSH a x\r\n", "+OK\r\n");
    block_expect(0, "+OK\r\n");
    block_ask(0, "RESP 3\r\n", "$-1\r\n");
    block_say(0, "TAKE a 0.002\r\n");
    block_expect(0, "_\r\n");
    block_stop();
}
END_TEST

START_TEST(without_a_loop_nobody_waits)
{
    toy_start(0);
    block_add_commands();
    int a = toy_join();
    toy_say(a, "TAKE a 0\r\n");
    toy_expect(a, "*-1\r\n");
    toy_expect_row("clients", "\r\nblocked_clients:0\r\n");
    toy_stop();
    close(a);
}
END_TEST

/* One call, however often its handler runs; an answer that is an error has failed. */
START_TEST(counted_once)
{
    block_start(0);
    block_ask(4, "PUSH a x\r\n", "+OK\r\n");
    block_say(0, "WATCH a 0\r\n");
    const struct registry_entry *e = registry_find(dispatch_registry(toy.d), slice_str("watch"));
    ck_assert_uint_eq(e->calls, 1);
    ck_assert_ptr_null(e->histogram);
    block_ask(4, "PUSH a y\r\n", "+OK\r\n");
    block_silent(0);
    ck_assert_ptr_null(e->histogram);
    uint64_t ticks = e->ticks;
    block_ask(4, "DROP a\r\n", "+OK\r\n");
    block_expect(0, "-GONE away\r\n");
    ck_assert_uint_eq(e->calls, 1);
    ck_assert_uint_eq(e->failed, 1);
    ck_assert_uint_gt(e->ticks, ticks);
    ck_assert_ptr_nonnull(e->histogram);
    ck_assert_uint_eq(toy_session(1)->commands, 1);
    block_stop();
}
END_TEST

/* --- time --- */

/* Four at once; how late the worst of them ended. */
static int64_t wait_for_four(void)
{
    static const int ms[] = {40, 1, 20, 5};
    int64_t worst_us = 0;
    int64_t begin_us = clock_mono_now_us();
    for (int i = 0; i < 4; i++) {
        char text[32];
        snprintf(text, sizeof text, "TAKE a 0.%03d\r\n", ms[i]);
        toy_say(block_fds[i], text);
    }
    static const int order[] = {1, 3, 2, 0};
    for (int i = 0; i < 4; i++) {
        toy_expect(block_fds[order[i]], "*-1\r\n");
        int64_t late_us = clock_mono_now_us() - begin_us - ms[order[i]] * 1000;
        ck_assert_int_ge(late_us, 0);
        worst_us = late_us > worst_us ? late_us : worst_us;
    }
    return worst_us;
}

START_TEST(timeouts_are_punctual)
{
    int tries = 0;
    block_start(_i);
    while (wait_for_four() >= SLACK_US)
        ck_assert_int_lt(++tries, TRIES);
    block_expect_clean();
    block_stop();
}
END_TEST

/* How late the answer to TEXT came, which is due after WANTED_US. */
static int64_t look(const char *text, const char *answer, int64_t wanted_us)
{
    toy.trace.len = 0;
    int64_t begin_us = clock_mono_now_us();
    block_say(0, text);
    toy_expect(block_fds[0], answer);
    int64_t late_us = clock_mono_now_us() - begin_us - wanted_us;
    ck_assert_int_ge(late_us, 0);
    return late_us;
}

/* It is called when it has asked for that, though no key is ready; its deadline stays what it was. */
START_TEST(looks_are_punctual)
{
    int tries = 0;
    block_start(_i);
    while (look("LOOK a 5 4 0\r\n", "+looked\r\n", 20000) >= 4 * SLACK_US)
        ck_assert_int_lt(++tries, TRIES);
    ck_assert_str_eq(buf_cstr(&toy.trace), "llll");

    tries = 0;
    while (look("LOOK a 4 1000 0.030\r\n", "*-1\r\n", 30000) >= SLACK_US || toy.trace.len == 0)
        ck_assert_int_lt(++tries, TRIES);

    /* A key that becomes ready comes before that. */
    toy.trace.len = 0;
    block_say(0, "LOOK a 100000 2 0\r\n");
    toy_expect_row("clients", "\r\nclients_in_timeout_table:1\r\n");
    block_ask(1, "PUSH a x\r\n", "+OK\r\n");
    block_silent(0);
    block_ask(1, "PUSH a x\r\n", "+OK\r\n");
    block_expect(0, "+looked\r\n");
    ck_assert_str_eq(buf_cstr(&toy.trace), "kk");

    /* Who has not asked for it is not called, and is ended as any other. */
    toy.trace.len = 0;
    block_say(0, "LOOK b 0 0 0.010\r\n");
    toy_expect(block_fds[0], "*-1\r\n");
    block_say(0, "LOOK b 100000 9 0\r\n");
    block_ask(1, "END 1\r\n", ":1\r\n");
    block_expect(0, "*-1\r\n");
    ck_assert_uint_eq(toy.trace.len, 0);
    block_ask(1, "DROP a\r\n", "+OK\r\n");
    block_expect_clean();
    block_stop();
}
END_TEST

START_TEST(times_as_they_are_written)
{
    static const struct {
        const char *unit, *text, *answer;
    } times[] = {
        {"S", "0", ":0\r\n"},
        {"S", "0.0", ":0\r\n"},
        {"S", "-0.0000001", ":0\r\n"},
        {"S", "1.5", ":1500\r\n"},
        {"S", "+1.5", ":1500\r\n"},
        {"S", ".25", ":250\r\n"},
        {"S", "0.0001", ":1\r\n"},
        {"S", "1e-400", ":1\r\n"},
        {"S", "0.0011", ":2\r\n"},
        {"S", "0x10", ":16000\r\n"},
        {"S", "4611686018", ":4611686018000\r\n"},
        {"S", "9000000000000000", ":0\r\n"},
        {"S", "9223372036854776", "-ERR timeout is out of range\r\n"},
        {"S", "9223372036854770", "-ERR timeout is out of range\r\n"},
        {"S", "1e500", "-ERR timeout is out of range\r\n"},
        {"S", "inf", "-ERR timeout is out of range\r\n"},
        {"S", "-inf", "-ERR timeout is negative\r\n"},
        {"S", "-1", "-ERR timeout is negative\r\n"},
        {"S", "-1e500", "-ERR timeout is negative\r\n"},
        {"S", "nan", "-ERR timeout is not a float or out of range\r\n"},
        {"S", "1e4933", "-ERR timeout is not a float or out of range\r\n"},
        {"S", "\"\"", "-ERR timeout is not a float or out of range\r\n"},
        {"S", "\" 1\"", "-ERR timeout is not a float or out of range\r\n"},
        {"S", "1s", "-ERR timeout is not a float or out of range\r\n"},
        {"MS", "0", ":0\r\n"},
        {"MS", "1500", ":1500\r\n"},
        {"MS", "1.5", "-ERR timeout is not an integer or out of range\r\n"},
        {"MS", "-1", "-ERR timeout is negative\r\n"},
        {"MS", "9223372036854775807", "-ERR timeout is out of range\r\n"},
        {"MS", "9223372036854775808", "-ERR timeout is not an integer or out of range\r\n"},
    };
    block_start(0);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[64];
        snprintf(text, sizeof text, "UNTIL %s %s\r\n", times[i].unit, times[i].text);
        block_ask(0, text, times[i].answer);
    }
    block_stop();
}
END_TEST

/* --- many --- */

#define MANY 60

struct caller {
    int fd;
    char keys[2];
    bool asked; /* its answer has not been read */
    struct session *s;
};

/* Reads what CALLER, which does not wait any more, was answered; true if that is a letter. */
static bool read_answer(struct caller *caller)
{
    char answer[8];
    int error;
    if (!caller->asked)
        return false;
    caller->asked = false;
    ck_assert_uint_eq(peer_hear(&toy.f, caller->fd, answer, 5, &error), 5);
    if (memcmp(answer, "*-1\r\n", 5) == 0)
        return false;
    ck_assert_uint_eq(peer_hear(&toy.f, caller->fd, answer + 5, 1, &error), 1);
    ck_assert(answer[0] == '+' && answer[2] == ':' && answer[5] == '\n');
    return true;
}

static void take_at_random(struct caller *caller, struct random *r)
{
    char text[32];
    uint64_t before = caller->s->commands;
    for (int k = 0; k < 2; k++)
        caller->keys[k] = (char)('a' + (int)random_below(r, 5));
    snprintf(text, sizeof text, "TAKE %c %c 0\r\n", caller->keys[0], caller->keys[1]);
    toy_say(caller->fd, text);
    while (caller->s->commands == before)
        loop_turn(toy.f.loop);
    caller->asked = true;
}

static unsigned push_at_random(struct random *r)
{
    char text[32];
    int letters = (int)random_below(r, 3) + 1;
    snprintf(text, sizeof text, "PUSH %c %.*s\r\n", 'a' + (int)random_below(r, 5), letters, "xyz");
    block_ask(0, text, "+OK\r\n");
    return (unsigned)letters;
}

/* The letters at KEY; nobody waits for one that is there. */
static unsigned left_at(char name, const struct caller *callers)
{
    struct slice key = slice_of(&name, 1);
    const struct entry *e = db_find(keyspace_db(toy.keyspace, 0), key, keyspace_hash(toy.keyspace, key), 0);
    if (e == NULL)
        return 0;
    for (int i = 0; i < MANY; i++)
        ck_assert(!block_is_waiting(callers[i].s) ||
                  (callers[i].keys[0] != name && callers[i].keys[1] != name));
    return (unsigned)entry_packed(keyspace_arena(toy.keyspace), e).len;
}

/* Clients at random keys come, go and are served: each letter is given once, and none is left
 * where somebody waits for it. */
START_TEST(many_at_random)
{
    struct caller callers[MANY];
    struct random r;
    unsigned pushed = 0, taken = 0, over = 0, left = 0;
    random_init_seed(&r, (uint64_t)_i + 1);
    block_start(0);
    for (int i = 0; i < MANY; i++) {
        callers[i] = (struct caller){.fd = toy_join()};
        callers[i].s = toy_session((uint64_t)(BLOCK_CLIENTS + 1 + i));
    }
    for (unsigned n = 0; n < 3000; n++) {
        struct caller *caller = &callers[random_below(&r, MANY)];
        if (block_is_waiting(caller->s)) {
            if (random_below(&r, 8) == 0)
                over += block_end(toy.d, caller->s, false);
        } else {
            taken += read_answer(caller);
            take_at_random(caller, &r);
        }
        if (random_below(&r, 3) == 0)
            pushed += push_at_random(&r);
        left = 0;
        for (char name = 'a'; name <= 'e'; name++)
            left += left_at(name, callers);
    }
    for (int i = 0; i < MANY; i++) {
        block_end(toy.d, callers[i].s, false);
        taken += read_answer(&callers[i]);
        close(callers[i].fd);
    }
    ck_assert_uint_gt(taken, 300);
    ck_assert_uint_gt(over, 10);
    ck_assert_uint_eq(taken + left, pushed);
    block_expect_clean();
    block_stop();
}
END_TEST

UNIT_SUITE(command_block)
{
    tcase_add_loop_test(tc, served_in_order, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, served_before_anything_else_runs, 0, WORLD_KINDS);
    tcase_add_test(tc, one_command_serves_many);
    tcase_add_test(tc, chains);
    tcase_add_test(tc, the_same_key_twice);
    tcase_add_test(tc, a_value_of_another_type_wakes_nobody);
    tcase_add_test(tc, moved_copied_swapped);
    tcase_add_test(tc, gone);
    tcase_add_test(tc, gone_by_its_time);
    tcase_add_loop_test(tc, what_follows_waits, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, gone_clients_are_forgotten, 0, WORLD_KINDS);
    tcase_add_test(tc, ended_by_others);
    tcase_add_test(tc, held_while_it_waits);
    tcase_add_test(tc, replies_that_are_not_wanted);
    tcase_add_test(tc, without_a_loop_nobody_waits);
    tcase_add_test(tc, counted_once);
    tcase_add_loop_test(tc, timeouts_are_punctual, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, looks_are_punctual, 0, WORLD_KINDS);
    tcase_add_test(tc, times_as_they_are_written);
    tcase_add_loop_test(tc, many_at_random, 0, 4);
}
