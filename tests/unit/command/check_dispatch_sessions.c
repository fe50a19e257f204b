/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions: replies that are dropped, ends of every kind, errors and what is counted.
 */
#include "command/dispatch.h"

#include <stdio.h>
#include <unistd.h>

#include "command/command_fixture.h"

/* --- replies that are dropped --- */

START_TEST(reply_skip)
{
    toy_start(0);
    int a = toy_join();
    toy_say(a, "LOG 1\r\nREPLY SKIP\r\nLOG 2\r\nLOG 3\r\n");
    toy_expect(a, ":1\r\n:1\r\n");
    /* It is the next one that is skipped, however it ends and whenever it comes. */
    toy_say(a, "REPLY SKIP\r\n");
    peer_expect_nothing(&toy.f, a);
    toy_say(a, "FAIL \"BAD luck\"\r\nLOG 4\r\nREPLY SKIP\r\nnothing\r\nLOG 5\r\n");
    toy_expect(a, ":1\r\n:1\r\n");
    peer_expect_nothing(&toy.f, a);
    toy_expect_trace("1 2 3 4 5 ");
    toy_expect_row("errorstats", "errorstat_BAD:count=1\r\n");
    toy_expect_row("errorstats", "errorstat_ERR:count=1\r\n");
    toy_stop();
    close(a);
}
END_TEST

START_TEST(reply_off)
{
    toy_start(0);
    int a = toy_join(), b = toy_join();
    toy_say(a, "LOG a1\r\nREPLY OFF\r\nLOG a2\r\nFAIL BAD\r\n");
    toy_say(b, "LOG b1\r\n");
    toy_expect(a, ":1\r\n");
    toy_expect(b, ":1\r\n");
    toy_say(a, "LOG a3\r\n");
    peer_expect_nothing(&toy.f, a);
    toy_say(a, "REPLY ON\r\nLOG a4\r\n");
    toy_expect(a, "+OK\r\n:1\r\n");
    toy_expect_row("errorstats", "errorstat_BAD:count=1\r\n");
    toy_say(a, "REPLY OFF\r\nRESET\r\nPING\r\n");
    toy_expect(a, "+RESET\r\n+PONG\r\n");
    toy_stop();
    close(a);
    close(b);
}
END_TEST

/* --- sessions that end --- */

START_TEST(finish_inside_a_batch)
{
    toy_start(_i);
    int a = toy_join(), b = toy_join();
    toy_say(a, "LOG a1\r\nFINISH 1\r\nLOG a2\r\nPING\r\n");
    toy_say(b, "LOG b1\r\n");
    toy_expect(a, ":1\r\n+OK\r\n");
    peer_expect_end(&toy.f, a);
    toy_expect(b, ":1\r\n");
    ck_assert_ptr_null(strstr(buf_cstr(&toy.trace), "a2"));
    ck_assert_uint_eq(toy.trace.len, 6);
    ck_assert_uint_eq(toy.resets, 1);
    ck_assert_uint_eq(dispatch_session_count(toy.d), 1);
    toy_stop();
    close(b);
}
END_TEST

/* Each wants the other's end: whose requests come first lives, nothing of the other's runs. */
static void duel(const char *verb, int kind)
{
    toy_start(kind);
    int a = toy_join(), b = toy_join(), c = toy_join();
    char line[64];
    snprintf(line, sizeof line, "%s 2\r\nLOG a1\r\n", verb);
    toy_say(a, line);
    snprintf(line, sizeof line, "%s 1\r\nLOG b1\r\n", verb);
    toy_say(b, line);
    toy_say(c, "LOG c1\r\n");
    toy_expect(c, ":1\r\n");
    bool first = strstr(buf_cstr(&toy.trace), "a1 ") != NULL;
    ck_assert_uint_eq(toy.executes, 1);
    ck_assert_uint_eq(toy.trace.len, 6);
    toy_expect(first ? a : b, "+OK\r\n:1\r\n");
    toy_expect_gone(first ? b : a);
    ck_assert_uint_eq(dispatch_session_count(toy.d), 2);
    toy_stop();
    close(first ? a : b);
    close(c);
}

START_TEST(kill_another)
{
    duel("KILL", _i);
}
END_TEST

START_TEST(finish_another)
{
    duel("FINISH", _i);
}
END_TEST

START_TEST(refused_at_the_door)
{
    toy_start(_i);
    int a = toy_join();
    toy.refuse = true;
    int b = peer_dial(&toy.f);
    toy_expect(b, "-ERR not today\r\n");
    peer_expect_end(&toy.f, b);
    ck_assert_uint_eq(dispatch_session_count(toy.d), 1);
    toy.refuse = false;
    toy_say(a, "PING\r\n");
    toy_expect(a, "+PONG\r\n");
    toy_stop();
    ck_assert_uint_eq(toy.resets, 1);
    close(a);
}
END_TEST

START_TEST(sessions_in_order)
{
    toy_start(0);
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = toy_join();
    toy_say(fds[0], "FINISH 2\r\n");
    toy_expect(fds[0], "+OK\r\n");
    peer_expect_end(&toy.f, fds[1]);
    uint64_t expected[] = {1, 3, 4};
    struct session *s = dispatch_first_session(toy.d);
    for (int i = 0; i < 3; i++, s = s->next) {
        ck_assert_ptr_nonnull(s);
        ck_assert_uint_eq(s->id, expected[i]);
        ck_assert_uint_eq(s->resp, 2);
        ck_assert_str_eq(s->user, "default");
    }
    ck_assert_ptr_null(s);
    toy_expect_row("clients", "connected_clients:3\r\n");
    toy_stop();
    close(fds[0]);
    close(fds[2]);
    close(fds[3]);
}
END_TEST

START_TEST(protocol_changes_inside_a_batch)
{
    toy_start(0);
    int a = toy_join();
    toy_say(a, "RESP 2\r\nRESP 3\r\nRESP 2\r\nRESP 3\r\n");
    /* Each is answered as what it was before. */
    toy_expect(a, "$-1\r\n$-1\r\n_\r\n$-1\r\n");
    toy_say(a, "RESP 3\r\n");
    toy_expect(a, "_\r\n");
    ck_assert_uint_eq(toy.executes, 2);
    toy_stop();
    close(a);
}
END_TEST

START_TEST(reset_makes_it_new)
{
    toy_start(0);
    int a = toy_join();
    struct session *s = toy_session(1);
    s->db = 3;
    s->resp = 3;
    s->flags |= SESSION_NO_EVICT | SESSION_NO_TOUCH;
    session_set_text(&s->name, slice_str("somebody"));
    ck_assert_str_eq(s->name, "somebody");
    toy_say(a, "RESET\r\n");
    toy_expect(a, "+RESET\r\n");
    ck_assert_int_eq(s->db, 0);
    ck_assert_uint_eq(s->resp, 2);
    ck_assert_ptr_null(s->name);
    ck_assert_uint_eq(s->flags, SESSION_AUTHENTICATED);
    ck_assert_uint_eq(toy.resets, 1);
    toy_stop();
    ck_assert_uint_eq(toy.resets, 2);
    close(a);
}
END_TEST

/* --- errors --- */

START_TEST(protocol_errors)
{
    toy_start(_i);
    int a = toy_join(), b = toy_join();
    toy_say(a, "LOG a1\r\nLOG a2\r\n*2\r\n$3\r\nLOG\r\n!2\r\na3\r\nLOG a4\r\n");
    toy_say(b, "*2\r\n$3\r\nLOG\r\n$2\r\nb1\r\n");
    toy_expect(a, ":1\r\n:1\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    peer_expect_end(&toy.f, a);
    /* The shared reader has forgotten it. */
    toy_expect(b, ":1\r\n");
    int c = toy_join();
    toy_say(c, "*1\r\n$1048577\r\n");
    toy_expect(c, "-ERR Protocol error: invalid bulk length\r\n");
    peer_expect_end(&toy.f, c);
    int d = toy_join();
    toy_say(d, "LOG 'd1\r\n");
    toy_expect(d, "-ERR Protocol error: unbalanced quotes in request\r\n");
    peer_expect_end(&toy.f, d);
    toy_say(b, "LOG b2\r\n");
    toy_expect(b, ":1\r\n");
    ck_assert_uint_eq(toy.trace.len, 12);
    toy_expect_row("stats", "total_protocol_errors:3\r\n");
    toy_expect_row("stats", "total_error_replies:3\r\n");
    toy_stop();
    close(b);
}
END_TEST

/* A text that names what was found is made in the reader, which all share. */
START_TEST(protocol_errors_of_one_batch)
{
    toy_start(_i);
    int a = toy_join(), b = toy_join(), c = toy_join();
    toy_say(a, "*1\r\n!\r\n");
    toy_say(b, "*1\r\n?\r\n");
    toy_say(c, "LOG \"a longer text than the two others have\"\r\n");
    toy_expect(a, "-ERR Protocol error: expected '$', got '!'\r\n");
    toy_expect(b, "-ERR Protocol error: expected '$', got '?'\r\n");
    toy_expect(c, ":1\r\n");
    ck_assert_uint_eq(toy.executes, 1);
    peer_expect_end(&toy.f, a);
    peer_expect_end(&toy.f, b);
    toy_stop();
    close(c);
}
END_TEST

START_TEST(an_error_behind_a_held_one)
{
    struct toy_bar bar = {.letter = 'h', .verdict = DISPATCH_HOLD};
    toy_start(0);
    toy_add_bar(&bar, DISPATCH_RANK_PAUSE);
    int a = toy_join();
    toy_say(a, "LOG 1\r\n*x\r\n");
    peer_expect_nothing(&toy.f, a);
    bar.verdict = DISPATCH_PASS;
    dispatch_release(toy.d);
    toy_expect(a, ":1\r\n-ERR Protocol error: invalid multibulk length\r\n");
    peer_expect_end(&toy.f, a);
    toy_expect_trace("hh1 ");
    toy_expect_row("stats", "total_protocol_errors:1\r\n");
    toy_stop();
}
END_TEST

START_TEST(shapes)
{
    toy_start(0);
    int a = toy_join();
    toy_say(a, "what a \"b c\"\r\n");
    toy_expect(a, "-ERR unknown command 'what', with args beginning with: 'a' 'b c' \r\n");
    toy_say(a, "LOG\r\nhash\r\nPING a b c\r\n");
    toy_expect(a, "-ERR wrong number of arguments for 'log' command\r\n"
                  "-ERR wrong number of arguments for 'hash' command\r\n+PONG\r\n");
    toy_say(a, "BOX\r\nbox shut\r\nbox put\r\nbox|put a b\r\nbox PUT it\r\nBIG x\r\n");
    toy_expect(a, "-ERR wrong number of arguments for 'box' command\r\n"
                  "-ERR unknown subcommand 'shut'. Try BOX HELP.\r\n"
                  "-ERR wrong number of arguments for 'box|put' command\r\n"
                  "-ERR unknown command 'box|put', with args beginning with: 'a' 'b' \r\n"
                  "-ERR unknown subcommand or wrong number of arguments for 'PUT'. Try BOX HELP.\r\n"
                  "-ERR value is not an integer or out of range\r\n");
    toy_say(a, "box help\r\n");
    toy_expect(a, "*5\r\n+BOX <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"
                  "+PUT <thing>\r\n+    Puts it.\r\n+HELP\r\n+    Print this help.\r\n");
    toy_stop();
    close(a);
}
END_TEST

START_TEST(long_unknown_commands)
{
    toy_start(0);
    int a = toy_join();
    struct buf request = {0}, reply = {0};
    buf_append_str(&request, "*3\r\n$200\r\n");
    for (int i = 0; i < 200; i++)
        buf_append_byte(&request, 'n');
    buf_append_str(&request, "\r\n$300\r\n");
    for (int i = 0; i < 300; i++)
        buf_append_byte(&request, 'x');
    buf_append_str(&request, "\r\n$1\r\ny\r\n");
    buf_append_str(&reply, "-ERR unknown command '");
    for (int i = 0; i < 128; i++)
        buf_append_byte(&reply, 'n');
    buf_append_str(&reply, "', with args beginning with: '");
    for (int i = 0; i < 128; i++)
        buf_append_byte(&reply, 'x');
    buf_append_str(&reply, "' \r\n");
    peer_say_bytes(&toy.f, a, request.data, request.len);
    toy_expect(a, buf_cstr(&reply));
    buf_done(&request);
    buf_done(&reply);
    toy_stop();
    close(a);
}
END_TEST

START_TEST(statistics)
{
    toy_start(0);
    int a = toy_join();
    toy_say(a, "FAIL BADLY\r\nFAIL \"BAD luck\"\r\nFAIL BAD\r\nFAIL \"ERR x\"\r\nwhat\r\nPING\r\nLOG\r\nbox "
               "shut\r\n");
    toy_expect(a, "-BADLY\r\n-BAD luck\r\n-BAD\r\n-ERR x\r\n"
                  "-ERR unknown command 'what', with args beginning with: \r\n+PONG\r\n"
                  "-ERR wrong number of arguments for 'log' command\r\n"
                  "-ERR unknown subcommand 'shut'. Try BOX HELP.\r\n");
    toy_expect_row("errorstats", "errorstat_BAD:count=2\r\n");
    toy_expect_row("errorstats", "errorstat_BADLY:count=1\r\n");
    toy_expect_row("errorstats", "errorstat_ERR:count=4\r\n");
    toy_expect_row("stats", "total_error_replies:7\r\n");
    toy_expect_row("stats", "total_commands_processed:5\r\n");
    toy_expect_row("commandstats", "cmdstat_fail:calls=4,");
    toy_expect_row("commandstats", ",rejected_calls=0,failed_calls=4\r\n");
    toy_expect_row("commandstats",
                   "cmdstat_log:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n");
    toy_expect_row("latencystats", "latency_percentiles_usec_ping:p50=");
    ck_assert_uint_eq(toy_session(1)->commands, 5);
    ck_assert_str_eq(toy_session(1)->last->command->name, "PING");
    ck_assert_uint_eq(registry_find(dispatch_registry(toy.d), slice_str("box"))->rejected, 0);

    struct counters *counters = counters_new();
    dispatch_register_counters(toy.d, counters);
    counters_reset(counters);
    struct buf out = {0};
    counters_print(counters, "errorstats", "Errorstats", &out);
    counters_print(counters, "commandstats", "Commandstats", &out);
    ck_assert_ptr_null(strstr(buf_cstr(&out), "count="));
    ck_assert_ptr_null(strstr(buf_cstr(&out), "cmdstat"));
    buf_done(&out);
    counters_free(counters);
    toy_expect_row("stats", "total_error_replies:0\r\n");
    toy_expect_row("stats", "total_commands_processed:0\r\n");
    toy_stop();
    close(a);
}
END_TEST

/* A client can make any number of error prefixes; only so many are told apart. */
START_TEST(many_kinds_of_errors)
{
    toy_start(0);
    int a = toy_join();
    for (int i = 0; i < 300; i++) {
        char line[64];
        snprintf(line, sizeof line, "FAIL E%03d%040d\r\n", i, 0);
        toy_say(a, line);
        char reply[64];
        snprintf(reply, sizeof reply, "-E%03d%040d\r\n", i, 0);
        toy_expect(a, reply);
    }
    struct counters *counters = counters_new();
    dispatch_register_counters(toy.d, counters);
    struct buf out = {0};
    counters_print(counters, "errorstats", "Errorstats", &out);
    unsigned lines = 0;
    for (const char *p = buf_cstr(&out); (p = strstr(p, "errorstat_")) != NULL; p++)
        lines++;
    ck_assert_uint_gt(lines, 16);
    ck_assert_uint_lt(lines, 300);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "errorstat_E000000000000000000000000000000:count=1\r\n"));
    /* It is the first ones that are. */
    char name[64];
    snprintf(name, sizeof name, "errorstat_E%03u0", lines - 1);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), name));
    buf_done(&out);
    counters_free(counters);
    toy_expect_row("stats", "total_error_replies:300\r\n");
    toy_stop();
    close(a);
}
END_TEST

UNIT_SUITE(command_dispatch_sessions)
{
    tcase_add_test(tc, reply_skip);
    tcase_add_test(tc, reply_off);
    tcase_add_loop_test(tc, finish_inside_a_batch, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, kill_another, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, finish_another, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, refused_at_the_door, 0, WORLD_KINDS);
    tcase_add_test(tc, sessions_in_order);
    tcase_add_test(tc, protocol_changes_inside_a_batch);
    tcase_add_test(tc, reset_makes_it_new);
    tcase_add_loop_test(tc, protocol_errors, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, protocol_errors_of_one_batch, 0, WORLD_KINDS);
    tcase_add_test(tc, an_error_behind_a_held_one);
    tcase_add_test(tc, shapes);
    tcase_add_test(tc, long_unknown_commands);
    tcase_add_test(tc, statistics);
    tcase_add_test(tc, many_kinds_of_errors);
}
