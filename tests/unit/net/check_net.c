/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests, replies, messages, ends: the turn of the connections under both back ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_fixture.h"

/* --- requests and replies --- */

START_TEST(echoes)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    peer_say(&f, fd, "hello\n");
    peer_expect(&f, fd, "hello\n");
    peer_say(&f, fd, "a\nb\nc\n");
    peer_expect(&f, fd, "a\nb\nc\n");
    ck_assert_uint_gt(world.commits, 0);
    ck_assert_uint_eq(world.uncommitted, 0);
    close(fd);
    for (int i = 0; i < WORLD_TURNS && world.closed == 0; i++)
        loop_turn(f.loop);
    ck_assert_uint_eq(world.closed, 1);
    ck_assert_uint_eq(net_conn_count(f.net), 0);
    world_stop(&f);
}
END_TEST

START_TEST(requests_cut_anywhere)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    const char *text = "first\nsecond\n\nfourth\n";
    for (size_t cut = 1; cut < strlen(text); cut++) {
        peer_say_bytes(&f, fd, text, cut);
        world_turns(&f, 3);
        peer_say(&f, fd, text + cut);
        peer_expect(&f, fd, text);
    }
    for (const char *p = text; *p != '\0'; p++) {
        peer_say_bytes(&f, fd, p, 1);
        world_turns(&f, 2);
    }
    peer_expect(&f, fd, text);
    struct net_conn_stats stats;
    net_conn_get_stats(world_conn(0), &stats);
    ck_assert_uint_eq(stats.in_pending, 0);
    ck_assert_uint_eq(stats.in_capacity, 0);
    ck_assert_uint_eq(stats.out_capacity, 0);
    close(fd);
    world_stop(&f);
}
END_TEST

START_TEST(big_request_gives_its_memory_back)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    size_t size = 5 * 1000 * 1000;
    char *text = malloc(size + 8), *got = malloc(size + 8);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('A' + i % 7);
    memcpy(text + size, "\nnext\n", 6);
    peer_say_bytes(&f, fd, text, size - 10);
    world_turns(&f, 5);
    struct net_conn_stats stats;
    net_conn_get_stats(world_conn(0), &stats);
    ck_assert_uint_gt(stats.in_pending, NET_PARK_MAX);
    ck_assert_uint_ge(stats.memory, stats.in_pending);
    peer_say_bytes(&f, fd, text + size - 10, 16);
    int error;
    ck_assert_uint_eq(peer_hear(&f, fd, got, size + 6, &error), size + 6);
    ck_assert(memcmp(got, text, size + 6) == 0);
    net_conn_get_stats(world_conn(0), &stats);
    ck_assert_uint_eq(stats.in_capacity, 0);
    ck_assert_uint_eq(stats.bytes_in, size + 6);
    ck_assert_uint_eq(stats.bytes_out, size + 6);
    free(text);
    free(got);
    close(fd);
    world_stop(&f);
}
END_TEST

START_TEST(half_closed_peer_gets_its_replies)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    peer_say(&f, fd, "one\ntwo\npart");
    shutdown(fd, SHUT_WR);
    peer_expect(&f, fd, "one\ntwo\n");
    peer_expect_end(&f, fd);
    ck_assert_uint_eq(world.closed, 1);
    /* More than the socket takes at once. */
    fd = peer_join(&f);
    peer_say(&f, fd, "big 6000000\n");
    shutdown(fd, SHUT_WR);
    world_turns(&f, 20);
    char *got = malloc(6000000);
    int error;
    ck_assert_uint_eq(peer_hear(&f, fd, got, 6000000, &error), 6000000);
    free(got);
    peer_expect_end(&f, fd);
    world_stop(&f);
}
END_TEST

START_TEST(last_reply_is_not_lost_to_unread_input)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    char junk[20000];
    memset(junk, 'x', sizeof(junk));
    peer_say(&f, fd, "quit\nafter\n");
    peer_say_bytes(&f, fd, junk, sizeof(junk));
    world_turns(&f, 5);
    peer_say_bytes(&f, fd, junk, sizeof(junk));
    world_turns(&f, 5);
    peer_expect(&f, fd, "bye\n");
    ck_assert_uint_eq(world.closed, 1);
    ck_assert_uint_eq(net_conn_count(f.net), 0);
    ck_assert_uint_eq(f.net->conns.count, 1); /* lingers until the peer closes */
    peer_expect_end(&f, fd);
    world_turns(&f, 20);
    ck_assert_uint_eq(f.net->conns.count, 0);
    world_stop(&f);
}
END_TEST

START_TEST(lingering_ends_by_time)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    peer_say(&f, fd, "quit\n");
    peer_expect(&f, fd, "bye\n");
    world_turns(&f, 5);
    ck_assert_uint_eq(f.net->lingering, 1);
    f.net->conns.items[0]->active_us -= 3000000;
    loop_timer_set(f.loop, &f.net->sweep_timer, 0);
    world_turns(&f, 2);
    ck_assert_uint_eq(f.net->conns.count, 0);
    ck_assert_uint_eq(f.net->lingering, 0);
    close(fd);
    world_stop(&f);
}
END_TEST

START_TEST(finishing_ends_by_time)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    peer_say(&f, fd, "big 20000000\nquit\n");
    for (int i = 0; i < 200; i++)
        loop_turn(f.loop);
    ck_assert_uint_eq(world.closed, 0);
    f.net->conns.items[0]->active_us -= 11000000;
    loop_timer_set(f.loop, &f.net->sweep_timer, 0);
    world_turns(&f, 2);
    ck_assert_uint_eq(world.closed, 1);
    close(fd);
    world_stop(&f);
}
END_TEST

START_TEST(killed_sends_nothing_more)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f), other = peer_join(&f);
    peer_say(&f, fd, "a\nkill\nb\n");
    char got[16];
    int error;
    ck_assert_uint_eq(peer_hear(&f, fd, got, sizeof(got), &error), 0);
    ck_assert_uint_eq(world.closed, 1);
    peer_say(&f, other, "alive\n");
    peer_expect(&f, other, "alive\n");
    close(fd);
    close(other);
    world_stop(&f);
}
END_TEST

START_TEST(refused_gets_the_reason)
{
    struct fixture f;
    world_start(&f, _i);
    world.refuse = true;
    int fd = peer_dial(&f);
    peer_say(&f, fd, "unread\n");
    peer_expect(&f, fd, "go away\n");
    peer_expect_end(&f, fd);
    ck_assert_uint_eq(world.closed, 0);
    world_stop(&f);
}
END_TEST

START_TEST(held_requests_come_again_in_order)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f), other = peer_join(&f);
    peer_say(&f, fd, "a\nhold\nb\n");
    peer_say(&f, other, "x\n");
    peer_expect(&f, fd, "a\n");
    peer_expect(&f, other, "x\n");
    peer_say(&f, fd, "c\nd");
    peer_expect_nothing(&f, fd);
    struct net_conn_stats stats;
    net_conn_get_stats(world_conn(0), &stats);
    ck_assert_uint_eq(stats.in_pending, strlen("hold\nb\nc\nd"));
    net_conn_resume(world_conn(0));
    peer_expect(&f, fd, "hold\nb\nc\n");
    peer_say(&f, fd, "e\n");
    peer_expect(&f, fd, "de\n");
    close(fd);
    close(other);
    world_stop(&f);
}
END_TEST

START_TEST(held_and_half_closed)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    peer_say(&f, fd, "hold\nb\n");
    shutdown(fd, SHUT_WR);
    peer_expect_nothing(&f, fd);
    ck_assert_uint_eq(world.closed, 0);
    net_conn_resume(world_conn(0));
    peer_expect(&f, fd, "hold\nb\n");
    peer_expect_end(&f, fd);
    world_stop(&f);
}
END_TEST

START_TEST(yielded_requests_come_in_the_next_turn)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f), other = peer_join(&f);
    char line[64], text[20 * 64] = "";
    for (int i = 0; i < 20; i++) {
        snprintf(line, sizeof(line), "yield %d\nnext %d\n", i, i);
        strcat(text, line);
    }
    unsigned before = world.executes;
    peer_say(&f, fd, text);
    peer_say(&f, other, "meanwhile\n");
    peer_expect(&f, other, "meanwhile\n");
    shutdown(fd, SHUT_WR); /* does not cut off what waits */
    peer_expect(&f, fd, text);
    ck_assert_uint_ge(world.executes - before, 20);
    peer_expect_end(&f, fd);
    close(other);
    world_stop(&f);
}
END_TEST

START_TEST(waiting_session_is_asked_again_when_resumed)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    peer_say(&f, fd, "wait\nb\n");
    peer_expect_nothing(&f, fd);
    world.clients[0]->waits = false;
    net_conn_resume(world_conn(0));
    peer_expect(&f, fd, "b\n");
    /* The peer goes while it waits. */
    peer_say(&f, fd, "wait\nc\n");
    world_turns(&f, 10);
    close(fd);
    for (int i = 0; i < WORLD_TURNS && world.closed == 0; i++)
        loop_turn(f.loop);
    ck_assert_uint_eq(world.closed, 1);
    world_stop(&f);
}
END_TEST

START_TEST(one_at_a_time_keeps_order)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f), other = peer_join(&f);
    peer_say(&f, fd, "single\n");
    peer_say(&f, other, "p\n");
    peer_expect(&f, fd, "ok\n");
    peer_expect(&f, other, "p\n");
    peer_say(&f, fd, "1\n2\n3\n4\n5\n");
    peer_say(&f, other, "a\nb\n");
    peer_expect(&f, fd, "1\n2\n3\n4\n5\n");
    peer_expect(&f, other, "a\nb\n");
    close(fd);
    close(other);
    world_stop(&f);
}
END_TEST

/* --- messages --- */

START_TEST(messages_stand_between_replies)
{
    struct fixture f;
    world_start(&f, _i);
    int a = peer_join(&f), b = peer_join(&f);
    for (int i = 0; i < 20; i++) {
        /* Both are read in one turn; whichever runs first, no reply is torn. */
        peer_say(&f, a, "1\ntell 1 msg\n2\n");
        peer_say(&f, b, "x\ny\n");
        peer_expect(&f, a, "1\ntold\n2\n");
        char got[16] = {0};
        int error;
        ck_assert_uint_eq(peer_hear(&f, b, got, 8, &error), 8);
        ck_assert_msg(strcmp(got, "x\ny\nmsg\n") == 0 || strcmp(got, "msg\nx\ny\n") == 0, "%s", got);
    }
    close(a);
    close(b);
    world_stop(&f);
}
END_TEST

START_TEST(message_to_itself_and_out_of_a_turn)
{
    struct fixture f;
    world_start(&f, _i);
    int a = peer_join(&f);
    peer_say(&f, a, "tell 0 me\n");
    peer_expect(&f, a, "tome\nld\n");
    net_conn_send(world_conn(0), "event\n", 6);
    struct buf *out = net_reply_begin(world_conn(0));
    buf_append_str(out, "late\n");
    net_reply_end(world_conn(0));
    net_conn_send(world_conn(0), "event\n", 6);
    peer_expect(&f, a, "event\nlate\nevent\n");
    close(a);
    world_stop(&f);
}
END_TEST

START_TEST(message_before_and_after_replies_of_the_turn)
{
    struct fixture f;
    world_start(&f, _i);
    int a = peer_join(&f), b = peer_join(&f);
    struct net_conn *one = world_conn(0), *two = world_conn(1);
    buf_append_str(net_reply_begin(two), "r1\n");
    net_reply_end(two);
    struct buf *out = net_reply_begin(one);
    buf_append_str(out, "ab");
    net_conn_send(two, "m1\n", 3);
    buf_append_str(out, "cd\n");
    net_reply_end(one);
    buf_append_str(net_reply_begin(two), "r2\n");
    net_reply_end(two);
    net_conn_send(one, "m2\n", 3);
    world_turns(&f, 1);
    peer_expect(&f, b, "r1\nm1\nr2\n");
    peer_expect(&f, a, "abcd\nm2\n");
    ck_assert_uint_eq(two->out.cap, 0);
    close(a);
    close(b);
    world_stop(&f);
}
END_TEST

START_TEST(output_out_of_a_turn_wakes_the_loop)
{
    struct fixture f;
    world_start(&f, _i);
    int a = peer_join(&f);
    loop_remove_hook(f.loop, world_busy, NULL);
    world_turns(&f, 1);
    /* No hook keeps the loop awake now: a turn that slept would sleep for ever. */
    net_conn_send(world_conn(0), "event\n", 6);
    world_turns(&f, 1);
    peer_expect(&f, a, "event\n");
    net_conn_kill(world_conn(0));
    world_turns(&f, 1);
    ck_assert_uint_eq(world.closed, 1);
    close(a);
    world_stop(&f);
}
END_TEST

START_TEST(many_connections_in_batches)
{
    struct fixture f;
    world_start(&f, _i);
    int fds[150];
    f.options.maxclients = 150;
    for (int i = 0; i < 150; i++)
        fds[i] = peer_join(&f);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 150; i++) {
            char line[32];
            snprintf(line, sizeof(line), "%d\nround %d\n", i, round);
            peer_say(&f, fds[i], line);
        }
        for (int i = 149; i >= 0; i--) {
            char line[32];
            snprintf(line, sizeof(line), "%d\nround %d\n", i, round);
            peer_expect(&f, fds[i], line);
        }
    }
    /* Some go in the middle of it. */
    for (int i = 0; i < 150; i += 2)
        peer_say(&f, fds[i], i % 4 == 0 ? "quit\n" : "kill\n");
    for (int i = 1; i < 150; i += 2)
        peer_say(&f, fds[i], "still\n");
    for (int i = 1; i < 150; i += 2)
        peer_expect(&f, fds[i], "still\n");
    for (int i = 0; i < 150; i++)
        close(fds[i]);
    world_turns(&f, 50);
    ck_assert_uint_eq(f.net->conns.count, 0);
    world_stop(&f);
}
END_TEST

/* Random pieces of random lines over several connections; what comes back must be what went. */
struct talker {
    int fd;
    char *text;
    size_t len, sent, got;
};

static void talk(struct fixture *f, struct talker *t)
{
    size_t piece = (size_t)(rand() % (rand() % 10 == 0 ? 200000 : 300)) + 1;
    if (piece > t->len - t->sent)
        piece = t->len - t->sent;
    ssize_t n = piece > 0 ? send(t->fd, t->text + t->sent, piece, MSG_NOSIGNAL) : 0;
    if (n > 0)
        t->sent += (size_t)n;
    if (rand() % 3 == 0)
        loop_turn(f->loop);
    static char got[300000];
    n = recv(t->fd, got, (size_t)(rand() % 300000) + 1, 0);
    if (n > 0) {
        ck_assert_uint_le(t->got + (size_t)n, t->sent);
        ck_assert(memcmp(got, t->text + t->got, (size_t)n) == 0);
        t->got += (size_t)n;
    }
}

START_TEST(random_pieces)
{
    struct fixture f;
    world_start(&f, _i);
    srand(7);
    struct talker t[6];
    size_t left = 6;
    for (int i = 0; i < 6; i++) {
        t[i] = (struct talker){.fd = peer_join(&f), .len = 1500000};
        t[i].text = malloc(t[i].len);
        for (size_t at = 0, line = 0; at < t[i].len; at++, line--) {
            if (line == 0)
                line = (size_t)(rand() % (rand() % 200 == 0 ? 150000 : 100)) + 1;
            t[i].text[at] = line == 1 ? '\n' : (char)('A' + rand() % 26);
        }
        t[i].text[t[i].len - 1] = '\n';
    }
    for (long step = 0; left > 0 && step < 1000000; step++) {
        struct talker *one = &t[rand() % 6];
        if (one->got == one->len)
            continue;
        talk(&f, one);
        left -= one->got == one->len;
    }
    ck_assert_uint_eq(left, 0);
    for (int i = 0; i < 6; i++) {
        close(t[i].fd);
        free(t[i].text);
    }
    world_stop(&f);
}
END_TEST

START_TEST(idle_connection_is_small)
{
    ck_assert_uint_le(sizeof(struct net_conn), 200);
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    peer_say(&f, fd, "warm\n");
    peer_expect(&f, fd, "warm\n");
    struct net_conn_stats stats;
    net_conn_get_stats(world_conn(0), &stats);
    ck_assert_uint_eq(stats.memory, sizeof(struct net_conn));
    ck_assert_int_ge(stats.active_us, stats.opened_us);
    close(fd);
    world_stop(&f);
}
END_TEST

START_TEST(turn_buffers_go_back_when_idle)
{
    struct fixture f;
    world_start(&f, _i);
    int fd = peer_join(&f);
    peer_say(&f, fd, "big 700000\n");
    char *got = malloc(700000);
    int error;
    ck_assert_uint_eq(peer_hear(&f, fd, got, 700000, &error), 700000);
    free(got);
    world_turns(&f, 1);
    ck_assert_uint_ne(f.net->trim_timer.index, 0);
    for (int i = 0; i < 2; i++) {
        loop_timer_set(f.loop, &f.net->trim_timer, 0);
        world_turns(&f, 1);
    }
    ck_assert_uint_eq(f.net->output.cap, 0);
    ck_assert_uint_eq(f.net->trim_timer.index, 0);
    peer_say(&f, fd, "again\n");
    peer_expect(&f, fd, "again\n");
    close(fd);
    world_stop(&f);
}
END_TEST

START_TEST(flush_and_free_with_connections)
{
    struct fixture f;
    world_start(&f, _i);
    int a = peer_join(&f), b = peer_join(&f);
    peer_say(&f, b, "big 9000000\n");
    world_turns(&f, 5);
    net_conn_send(world_conn(0), "farewell\n", 9);
    net_flush(f.net);
    char got[16] = {0};
    ck_assert_int_eq(recv(a, got, sizeof(got), 0), 9);
    ck_assert_str_eq(got, "farewell\n");
    world_stop(&f);
    close(a);
    close(b);
}
END_TEST

UNIT_SUITE(net_net)
{
    tcase_add_loop_test(tc, echoes, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, requests_cut_anywhere, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, big_request_gives_its_memory_back, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, half_closed_peer_gets_its_replies, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, last_reply_is_not_lost_to_unread_input, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, lingering_ends_by_time, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, finishing_ends_by_time, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, killed_sends_nothing_more, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, refused_gets_the_reason, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, held_requests_come_again_in_order, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, held_and_half_closed, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, yielded_requests_come_in_the_next_turn, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, waiting_session_is_asked_again_when_resumed, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, one_at_a_time_keeps_order, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, messages_stand_between_replies, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, message_to_itself_and_out_of_a_turn, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, message_before_and_after_replies_of_the_turn, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, output_out_of_a_turn_wakes_the_loop, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, many_connections_in_batches, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, random_pieces, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, idle_connection_is_small, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, turn_buffers_go_back_when_idle, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, flush_and_free_with_connections, 0, WORLD_KINDS);
}
