/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slow readers, and what is closed or refused because of a limit.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_fixture.h"

START_TEST(slow_reader_does_not_stop_others)
{
    struct fixture f;
    world_start(&f, _i);
    int slow = peer_join(&f), other = peer_join(&f);
    size_t size = 30 * 1000 * 1000;
    peer_say(&f, slow, "big 30000000\ntail\n");
    for (int i = 0; i < 50; i++) {
        peer_say(&f, other, "quick\n");
        peer_expect(&f, other, "quick\n");
    }
    struct net_conn_stats stats;
    net_conn_get_stats(world_conn(0), &stats);
    ck_assert_uint_gt(stats.out_pending, 1000000);
    ck_assert_uint_eq(stats.events, LOOP_READ | LOOP_WRITE);
    net_conn_send(world_conn(0), "note\n", 5);
    char *got = malloc(size);
    int error;
    ck_assert_uint_eq(peer_hear(&f, slow, got, size, &error), size);
    for (size_t i = 0; i < size; i += 997)
        ck_assert_int_eq(got[i], 'a' + (int)(i % 26));
    peer_expect(&f, slow, "tail\nnote\n");
    net_conn_get_stats(world_conn(0), &stats);
    ck_assert_uint_eq(stats.out_capacity, 0);
    world_turns(&f, 2);
    net_conn_get_stats(world_conn(0), &stats);
    ck_assert_uint_eq(stats.events, LOOP_READ);
    ck_assert_uint_le(f.net->output.cap, 17 * 1024 * 1024);
    free(got);
    close(slow);
    close(other);
    world_stop(&f);
}
END_TEST

START_TEST(output_limits_close)
{
    struct fixture f;
    world_start(&f, _i);
    f.net->limits[NET_CLASS_PUBSUB].hard = 100000;
    int slow = peer_join(&f);
    peer_say(&f, slow, "big 8000000\n"); /* its class has no limit yet */
    world_turns(&f, 20);
    ck_assert_uint_eq(world.closed, 0);
    net_conn_set_class(world_conn(0), NET_CLASS_PUBSUB);
    world_turns(&f, 2);
    ck_assert_uint_eq(world.closed, 1);
    ck_assert_uint_eq(f.net->stats.output_limit, 1);
    close(slow);
    /* The soft one lasts. */
    f.net->limits[NET_CLASS_NORMAL] = (struct net_buffer_limit){.soft = 100000, .soft_seconds = 5};
    slow = peer_join(&f);
    struct client *c = world.clients[1];
    peer_say(&f, slow, "big 8000000\n");
    world_turns(&f, 20);
    ck_assert_uint_eq(world.closed, 1);
    ck_assert_uint_ne(c->conn->soft_since, 0);
    c->conn->soft_since -= 6;
    loop_timer_set(f.loop, &f.net->sweep_timer, 0);
    world_turns(&f, 2);
    ck_assert_uint_eq(world.closed, 2);
    ck_assert_uint_eq(f.net->stats.output_limit, 2);
    close(slow);
    world_stop(&f);
}
END_TEST

START_TEST(soft_limit_is_forgotten_when_drained)
{
    struct fixture f;
    world_start(&f, _i);
    f.net->limits[NET_CLASS_NORMAL] = (struct net_buffer_limit){.soft = 100000, .soft_seconds = 5};
    int slow = peer_join(&f);
    peer_say(&f, slow, "big 8000000\n");
    world_turns(&f, 20);
    ck_assert_uint_ne(world_conn(0)->soft_since, 0);
    char *got = malloc(8000000);
    int error;
    ck_assert_uint_eq(peer_hear(&f, slow, got, 8000000, &error), 8000000);
    free(got);
    world_turns(&f, 2);
    ck_assert_uint_eq(world_conn(0)->soft_since, 0);
    loop_timer_set(f.loop, &f.net->sweep_timer, 0);
    world_turns(&f, 2);
    ck_assert_uint_eq(f.net->timed.count, 0);
    ck_assert_uint_eq(world.closed, 0);
    close(slow);
    world_stop(&f);
}
END_TEST

START_TEST(query_limit_closes)
{
    struct fixture f;
    world_start(&f, _i);
    f.options.query_buffer_limit = 1 << 20;
    int fd = peer_join(&f);
    char *junk = malloc(3 << 20);
    memset(junk, 'x', 3 << 20);
    for (size_t sent = 0; sent < 3 << 20 && world.closed == 0;) {
        ssize_t n = send(fd, junk, (3 << 20) - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        loop_turn(f.loop);
    }
    free(junk);
    world_turns(&f, 100);
    ck_assert_uint_eq(world.closed, 1);
    ck_assert_uint_eq(f.net->stats.input_limit, 1);
    close(fd);
    world_stop(&f);
}
END_TEST

START_TEST(maxclients_rejects)
{
    struct fixture f;
    world_start(&f, _i);
    f.options.maxclients = 2;
    int a = peer_join(&f), b = peer_join(&f);
    int c = peer_dial(&f);
    peer_expect(&f, c, "-ERR max number of clients reached\r\n");
    peer_expect_end(&f, c);
    ck_assert_uint_eq(f.net->stats.rejected, 1);
    ck_assert_uint_eq(f.net->stats.accepted, 2);
    peer_say(&f, a, "quit\n");
    peer_expect(&f, a, "bye\n");
    world_turns(&f, 3);
    c = peer_join(&f); /* one that lingers takes no place */
    peer_say(&f, c, "in\n");
    peer_expect(&f, c, "in\n");
    close(a);
    close(b);
    close(c);
    world_stop(&f);
}
END_TEST

START_TEST(idle_ones_are_closed)
{
    struct fixture f;
    world_start(&f, _i);
    f.options.timeout = 10;
    int idle = peer_join(&f), patient = peer_join(&f), live = peer_join(&f);
    net_conn_set_patient(world_conn(1), true);
    world_turns(&f, 2);
    ck_assert_uint_ne(f.net->sweep_timer.index, 0);
    world_conn(0)->active_us -= 11000000;
    world_conn(1)->active_us -= 11000000;
    world_conn(2)->active_us -= 9000000;
    loop_timer_set(f.loop, &f.net->sweep_timer, 0);
    world_turns(&f, 2);
    peer_expect_end(&f, idle);
    ck_assert_uint_eq(world.closed, 1);
    peer_say(&f, live, "hi\n");
    peer_expect(&f, live, "hi\n");
    close(patient);
    close(live);
    world_stop(&f);
}
END_TEST

START_TEST(no_descriptors_left)
{
    struct fixture f;
    world_start(&f, _i);
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    int fd = peer_dial(&f);
    int spare = dup(fd);
    close(spare);
    low = old;
    low.rlim_cur = (rlim_t)spare;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int i = 0; i < WORLD_TURNS && !f.net->accept_paused; i++)
        loop_turn(f.loop);
    ck_assert(f.net->accept_paused);
    ck_assert_uint_ne(f.net->accept_timer.index, 0);
    /* Not looked at again until the pause is over. */
    ck_assert_uint_eq(f.net->listeners[0]->io.events, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    loop_timer_set(f.loop, &f.net->accept_timer, 0);
    peer_say(&f, fd, "there\n");
    peer_expect(&f, fd, "there\n");
    close(fd);
    world_stop(&f);
}
END_TEST

/* A client that stopped in the middle of something long keeps that and nothing around it. */
START_TEST(spare_room_is_given_back)
{
    struct fixture f;
    world_start(&f, _i);
    int silent = peer_join(&f), slow = peer_join(&f), other = peer_join(&f);
    size_t size = 100000, reply = 30 * 1000 * 1000;
    char *part = malloc(size + 1);
    memset(part, 'x', size);
    part[size] = '\0';
    peer_say(&f, silent, part);
    peer_say(&f, slow, "big 30000000\n");
    struct net_conn_stats before, after;
    uint32_t at = 0;
    for (int i = 0; i < 1000; i++) {
        world_turns(&f, 1);
        net_conn_get_stats(world_conn(0), &before);
        if (before.in_pending == size)
            break;
    }
    ck_assert_uint_eq(before.in_pending, size);
    ck_assert_uint_gt(before.in_capacity, size);
    /* Who was heard of just now may be about to go on. */
    ck_assert(!net_give_back(f.net, &at, 100));
    net_conn_get_stats(world_conn(0), &after);
    ck_assert_uint_eq(after.in_capacity, before.in_capacity);
    for (int i = 0; i < 3; i++)
        world_conn(i)->active_us -= 2000000;
    /* One at a time. */
    ck_assert(net_give_back(f.net, &at, 1));
    ck_assert(net_give_back(f.net, &at, 1));
    ck_assert(!net_give_back(f.net, &at, 1));
    ck_assert_uint_eq(at, 0);
    ck_assert_uint_eq(f.net->output.cap, 0);
    net_conn_get_stats(world_conn(0), &after);
    ck_assert_uint_eq(after.in_capacity, size);
    net_conn_get_stats(world_conn(1), &after);
    ck_assert_uint_eq(after.out_capacity, after.out_pending);
    ck_assert_uint_gt(after.out_pending, 1000000);
    /* Nothing is lost, and all go on. */
    peer_say(&f, other, "still\n");
    peer_expect(&f, other, "still\n");
    char *got = malloc(reply);
    int error;
    ck_assert_uint_eq(peer_hear(&f, slow, got, reply, &error), reply);
    for (size_t i = 0; i < reply; i += 997)
        ck_assert_int_eq(got[i], 'a' + (int)(i % 26));
    peer_say(&f, silent, "y\n");
    ck_assert_uint_eq(peer_hear(&f, silent, got, size + 2, &error), size + 2);
    ck_assert_int_eq(memcmp(got, part, size), 0);
    ck_assert_int_eq(memcmp(got + size, "y\n", 2), 0);
    free(got);
    free(part);
    close(silent);
    close(slow);
    close(other);
    world_stop(&f);
}
END_TEST

UNIT_SUITE(net_limits)
{
    tcase_add_loop_test(tc, spare_room_is_given_back, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, slow_reader_does_not_stop_others, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, output_limits_close, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, soft_limit_is_forgotten_when_drained, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, query_limit_closes, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, maxclients_rejects, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, idle_ones_are_closed, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, no_descriptors_left, 0, WORLD_KINDS);
}
