/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop under both back ends: what is reported and what must not be, whatever
 * handlers do to the watches meanwhile; timers, hooks, signals, the wake-up.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "unit.h"

static const enum loop_kind kinds[] = {LOOP_POLL, LOOP_EPOLL};
#define KINDS 2

/* One end of a socket pair, watched. */
struct probe {
    struct loop_io io;
    int peer;
    unsigned seen, calls;
    struct loop *loop;
    struct probe *other;
};

static void note(struct loop_io *io, unsigned events)
{
    struct probe *p = (struct probe *)io;
    p->seen |= events;
    p->calls++;
}

static void probe_open(struct loop *l, struct probe *p, unsigned events,
                       void (*fn)(struct loop_io *, unsigned))
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *p = (struct probe){.peer = fds[1], .loop = l};
    p->io.fn = fn;
    ck_assert_int_eq(loop_io_add(l, &p->io, fds[0], events), 0);
}

static void probe_close(struct loop *l, struct probe *p)
{
    loop_io_remove(l, &p->io);
    close(p->io.fd);
    if (p->peer >= 0)
        close(p->peer);
}

static void put_byte(const struct probe *p)
{
    ck_assert_int_eq(write(p->peer, "x", 1), 1);
}

/* A turn that does not sleep. */
static bool busy(void *owner)
{
    (void)owner;
    return true;
}

static struct loop *busy_loop(enum loop_kind kind)
{
    struct loop *l = loop_new(kind);
    ck_assert_ptr_nonnull(l);
    loop_add_hook(l, busy, NULL);
    loop_turn(l);
    return l;
}

START_TEST(backend_is_named)
{
    struct loop *l = loop_new(kinds[_i]);
    ck_assert_str_eq(loop_backend(l), _i == 0 ? "poll" : "epoll");
    loop_free(l);
}
END_TEST

static void nothing(struct loop_timer *t)
{
    (void)t;
}

struct stopper {
    struct loop_timer timer; /* first */
    struct loop *loop;
};

static void stopper_fn(struct loop_timer *t)
{
    loop_stop(((struct stopper *)t)->loop);
}

START_TEST(reports_what_is_asked_for)
{
    struct loop *l = busy_loop(kinds[_i]);
    struct probe p;
    probe_open(l, &p, LOOP_READ, note);
    loop_turn(l);
    ck_assert_uint_eq(p.seen, 0);
    put_byte(&p);
    loop_turn(l);
    ck_assert_uint_eq(p.seen, LOOP_READ);
    loop_turn(l);
    ck_assert_uint_eq(p.calls, 2); /* level-triggered */
    p.seen = 0;
    loop_io_set(l, &p.io, LOOP_WRITE);
    loop_turn(l);
    ck_assert_uint_eq(p.seen, LOOP_WRITE);
    p.seen = 0;
    loop_io_set(l, &p.io, LOOP_READ | LOOP_WRITE);
    loop_turn(l);
    ck_assert_uint_eq(p.seen, LOOP_READ | LOOP_WRITE);
    p.seen = 0;
    loop_io_set(l, &p.io, 0);
    loop_turn(l);
    ck_assert_uint_eq(p.seen, 0);
    probe_close(l, &p);
    loop_free(l);
}
END_TEST

START_TEST(change_taken_back_changes_nothing)
{
    struct loop *l = busy_loop(kinds[_i]);
    struct probe p;
    probe_open(l, &p, LOOP_READ, note);
    loop_io_set(l, &p.io, LOOP_READ | LOOP_WRITE);
    loop_io_set(l, &p.io, LOOP_READ);
    loop_turn(l);
    ck_assert_uint_eq(p.calls, 0);
    probe_close(l, &p);
    loop_free(l);
}
END_TEST

START_TEST(hangup_is_reported_unasked)
{
    struct loop *l = busy_loop(kinds[_i]);
    struct probe p;
    probe_open(l, &p, 0, note);
    close(p.peer);
    p.peer = -1;
    loop_turn(l);
    ck_assert_uint_eq(p.seen, LOOP_HANGUP);
    loop_io_set(l, &p.io, LOOP_READ);
    loop_turn(l);
    ck_assert_uint_eq(p.seen, LOOP_HANGUP | LOOP_READ);
    probe_close(l, &p);
    loop_free(l);
}
END_TEST

static void remove_other(struct loop_io *io, unsigned events)
{
    struct probe *p = (struct probe *)io;
    note(io, events);
    loop_io_remove(p->loop, &p->other->io);
}

START_TEST(removed_in_the_turn_is_not_reported)
{
    struct loop *l = busy_loop(kinds[_i]);
    struct probe p[2];
    for (int i = 0; i < 2; i++)
        probe_open(l, &p[i], LOOP_READ, remove_other);
    p[0].other = &p[1];
    p[1].other = &p[0];
    put_byte(&p[0]);
    put_byte(&p[1]);
    loop_turn(l);
    ck_assert_uint_eq(p[0].calls + p[1].calls, 1);
    for (int i = 0; i < 2; i++)
        probe_close(l, &p[i]);
    loop_free(l);
}
END_TEST

static void remove_self(struct loop_io *io, unsigned events)
{
    note(io, events);
    loop_io_remove(((struct probe *)io)->loop, io);
}

START_TEST(all_may_remove_themselves)
{
    struct loop *l = busy_loop(kinds[_i]);
    struct probe p[40];
    for (int i = 0; i < 40; i++) {
        probe_open(l, &p[i], LOOP_READ, i % 3 == 0 ? note : remove_self);
        put_byte(&p[i]);
    }
    loop_turn(l);
    for (int i = 0; i < 40; i++)
        ck_assert_uint_eq(p[i].calls, 1);
    loop_turn(l);
    for (int i = 0; i < 40; i++)
        ck_assert_uint_eq(p[i].calls, i % 3 == 0 ? 2 : 1);
    for (int i = 0; i < 40; i++)
        probe_close(l, &p[i]);
    loop_free(l);
}
END_TEST

static struct probe reborn;

/* The descriptor's number is used again by a watch that has nothing to read. */
static void replace_other(struct loop_io *io, unsigned events)
{
    struct probe *p = (struct probe *)io;
    note(io, events);
    if (p->other == NULL)
        return;
    int fd = p->other->io.fd, fds[2];
    loop_io_remove(p->loop, &p->other->io);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert_int_eq(dup2(fds[0], fd), fd);
    close(fds[0]);
    reborn = (struct probe){.peer = fds[1], .loop = p->loop};
    reborn.io.fn = note;
    ck_assert_int_eq(loop_io_add(p->loop, &reborn.io, fd, LOOP_READ), 0);
    p->other->other = NULL;
    p->other = NULL;
}

START_TEST(descriptor_used_again_in_the_turn)
{
    struct loop *l = busy_loop(kinds[_i]);
    struct probe p[2];
    for (int i = 0; i < 2; i++)
        probe_open(l, &p[i], LOOP_READ, replace_other);
    p[0].other = &p[1];
    p[1].other = &p[0];
    put_byte(&p[0]);
    put_byte(&p[1]);
    loop_turn(l);
    ck_assert_uint_eq(p[0].calls + p[1].calls, 1);
    ck_assert_uint_eq(reborn.calls, 0);
    put_byte(&reborn);
    loop_turn(l);
    ck_assert_uint_eq(reborn.calls, 1);
    loop_io_remove(l, &reborn.io);
    struct probe *kept = p[0].calls != 0 ? &p[0] : &p[1];
    close(reborn.peer);
    close((kept == &p[0] ? &p[1] : &p[0])->peer);
    close(reborn.io.fd);
    probe_close(l, kept);
    loop_free(l);
}
END_TEST

static void silence_other(struct loop_io *io, unsigned events)
{
    struct probe *p = (struct probe *)io;
    note(io, events);
    loop_io_set(p->loop, &p->other->io, 0);
}

START_TEST(what_is_no_longer_asked_for_is_not_reported)
{
    struct loop *l = busy_loop(kinds[_i]);
    struct probe p[2];
    for (int i = 0; i < 2; i++)
        probe_open(l, &p[i], LOOP_READ, silence_other);
    p[0].other = &p[1];
    p[1].other = &p[0];
    put_byte(&p[0]);
    put_byte(&p[1]);
    loop_turn(l);
    ck_assert_uint_eq(p[0].calls + p[1].calls, 1);
    for (int i = 0; i < 2; i++)
        probe_close(l, &p[i]);
    loop_free(l);
}
END_TEST

static unsigned random_calls;
static struct probe crowd[64];

/* Opens and closes others at random; each is told at most once a turn, never when it is gone. */
static void stir(struct loop_io *io, unsigned events)
{
    struct probe *p = (struct probe *)io;
    (void)events;
    ck_assert_uint_ne(io->index, 0);
    ck_assert_uint_eq(p->seen, 0);
    p->seen = 1;
    random_calls++;
    for (int i = 0; i < 3; i++) {
        struct probe *q = &crowd[rand() % 64];
        if (q->io.index != 0) {
            probe_close(q->loop, q);
        } else {
            probe_open(p->loop, q, LOOP_READ, stir);
            q->seen = 1; /* nothing may come for it before the next turn */
            put_byte(q);
        }
    }
}

START_TEST(any_handler_may_change_any_watch)
{
    struct loop *l = busy_loop(kinds[_i]);
    srand(1);
    random_calls = 0;
    for (int i = 0; i < 64; i++) {
        probe_open(l, &crowd[i], LOOP_READ, stir);
        put_byte(&crowd[i]);
    }
    for (int turn = 0; turn < 200; turn++) {
        loop_turn(l);
        for (int i = 0; i < 64; i++)
            crowd[i].seen = 0;
    }
    ck_assert_uint_gt(random_calls, 200);
    for (int i = 0; i < 64; i++)
        if (crowd[i].io.index != 0)
            probe_close(l, &crowd[i]);
    loop_free(l);
}
END_TEST

START_TEST(auto_moves_to_epoll)
{
    struct loop *l = busy_loop(LOOP_AUTO);
    struct probe p[LOOP_AUTO_LIMIT + 1];
    ck_assert_str_eq(loop_backend(l), "poll");
    for (int i = 0; i <= LOOP_AUTO_LIMIT; i++)
        probe_open(l, &p[i], LOOP_READ, note);
    put_byte(&p[0]);
    put_byte(&p[LOOP_AUTO_LIMIT]);
    loop_turn(l);
    ck_assert_str_eq(loop_backend(l), "epoll");
    for (int i = 0; i <= LOOP_AUTO_LIMIT; i++)
        ck_assert_uint_eq(p[i].calls, i == 0 || i == LOOP_AUTO_LIMIT);
    for (int i = 0; i <= LOOP_AUTO_LIMIT; i++)
        probe_close(l, &p[i]);
    loop_turn(l);
    ck_assert_str_eq(loop_backend(l), "epoll");
    loop_free(l);
}
END_TEST

/* --- timers --- */

struct clocked {
    struct loop_timer timer; /* first */
    int64_t wanted_us;
    unsigned runs;
    struct loop *loop;
};

static int64_t last_ran;

static void in_order(struct loop_timer *t)
{
    struct clocked *c = (struct clocked *)t;
    c->runs++;
    ck_assert_int_ge(c->wanted_us, last_ran);
    ck_assert_int_ge(clock_mono_us(), c->wanted_us);
    last_ran = c->wanted_us;
}

START_TEST(timers_run_in_order_and_once)
{
    struct loop *l = busy_loop(kinds[_i]);
    static struct clocked c[500];
    memset(c, 0, sizeof(c));
    srand(2);
    int64_t past = clock_mono_now_us() - 1000000;
    for (int i = 0; i < 500; i++) {
        c[i].timer.fn = in_order;
        for (int again = rand() % 3; again >= 0; again--) {
            c[i].wanted_us = past + rand() % 100000;
            loop_timer_set(l, &c[i].timer, c[i].wanted_us);
        }
        if (i % 5 == 0)
            loop_timer_stop(l, &c[rand() % (i + 1)].timer);
    }
    unsigned armed = 0;
    for (int i = 0; i < 500; i++)
        armed += c[i].timer.index != 0;
    last_ran = 0;
    loop_turn(l);
    unsigned ran = 0;
    for (int i = 0; i < 500; i++) {
        ck_assert_uint_le(c[i].runs, 1);
        ck_assert_uint_eq(c[i].timer.index, 0);
        ran += c[i].runs;
    }
    ck_assert_uint_eq(ran, armed);
    loop_free(l);
}
END_TEST

static void rearm(struct loop_timer *t)
{
    struct clocked *c = (struct clocked *)t;
    c->runs++;
    loop_timer_set(c->loop, t, 0);
}

START_TEST(timer_that_arms_itself_runs_once_a_turn)
{
    struct loop *l = loop_new(kinds[_i]);
    struct clocked c = {.loop = l};
    c.timer.fn = rearm;
    loop_timer_set(l, &c.timer, 0);
    loop_turn(l);
    ck_assert_uint_eq(c.runs, 1);
    loop_turn(l);
    ck_assert_uint_eq(c.runs, 2);
    loop_free(l);
    ck_assert_uint_eq(c.timer.index, 0);
}
END_TEST

START_TEST(timer_ends_the_sleep_and_is_not_early)
{
    struct loop *l = loop_new(kinds[_i]);
    struct clocked c = {.loop = l};
    c.timer.fn = in_order;
    last_ran = 0;
    for (int us = 100; us < 3000; us += 700) {
        c.runs = 0;
        c.wanted_us = clock_mono_now_us() + us;
        loop_timer_set(l, &c.timer, c.wanted_us);
        loop_turn(l); /* one sleep is enough for a short one */
        ck_assert_uint_eq(c.runs, 1);
    }
    loop_free(l);
}
END_TEST

START_TEST(run_until_stopped)
{
    struct loop *l = loop_new(kinds[_i]);
    struct stopper s = {.loop = l};
    s.timer.fn = stopper_fn;
    loop_timer_after(l, &s.timer, 1500);
    loop_run(l);
    ck_assert_uint_ge(loop_turns(l), 1);
    loop_free(l);
}
END_TEST

/* --- hooks, signals, wake-up --- */

static char order[16];

static void order_io(struct loop_io *io, unsigned events)
{
    note(io, events);
    strcat(order, "i");
}

static void order_timer(struct loop_timer *t)
{
    (void)t;
    strcat(order, "t");
}

static bool order_hook(void *owner)
{
    strcat(order, owner);
    return false;
}

START_TEST(handlers_then_timers_then_hooks)
{
    struct loop *l = loop_new(kinds[_i]);
    char first[] = "h", second[] = "k";
    loop_add_hook(l, order_hook, first);
    loop_add_hook(l, order_hook, second);
    struct probe p;
    probe_open(l, &p, LOOP_READ, order_io);
    put_byte(&p);
    struct loop_timer t = {.fn = order_timer};
    loop_timer_set(l, &t, 0);
    order[0] = '\0';
    loop_turn(l);
    ck_assert_str_eq(order, "ithk");
    loop_remove_hook(l, order_hook, first);
    order[0] = '\0';
    loop_turn(l);
    ck_assert_str_eq(order, "ik");
    probe_close(l, &p);
    loop_free(l);
}
END_TEST

static int got_signal;

static void on_signal(void *owner, int signo)
{
    ck_assert_ptr_eq(owner, &got_signal);
    got_signal = got_signal * 100 + signo;
}

START_TEST(signals_run_in_the_loop)
{
    struct loop *l = loop_new(kinds[_i]);
    got_signal = 0;
    ck_assert_int_eq(loop_signal(l, SIGUSR1, on_signal, &got_signal), 0);
    ck_assert_int_eq(loop_signal(l, SIGUSR2, on_signal, &got_signal), 0);
    ck_assert_int_lt(loop_signal(l, 4000, on_signal, &got_signal), 0);
    raise(SIGUSR2);
    ck_assert_int_eq(got_signal, 0);
    loop_turn(l);
    ck_assert_int_eq(got_signal, SIGUSR2);
    raise(SIGUSR1);
    loop_turn(l);
    ck_assert_int_eq(got_signal, SIGUSR2 * 100 + SIGUSR1);
    loop_free(l);
}
END_TEST

static int wakes;

static void on_wake(void *owner)
{
    (void)owner;
    wakes++;
}

static void *waker(void *loop)
{
    loop_wake(loop);
    loop_wake(loop);
    return NULL;
}

START_TEST(wake_from_another_thread)
{
    struct loop *l = loop_new(kinds[_i]);
    loop_set_wake(l, on_wake, NULL);
    wakes = 0;
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, waker, l), 0);
        while (wakes == i)
            loop_turn(l);
        pthread_join(thread, NULL);
        /* The second call may have come after the first was served. */
        loop_wake(l);
        loop_turn(l);
        wakes = i + 1;
    }
    loop_free(l);
}
END_TEST

START_TEST(time_outside_of_the_wait_is_counted)
{
    struct loop *l = loop_new(kinds[_i]);
    struct loop_timer t = {.fn = nothing};
    uint64_t before = loop_busy_us(l);
    int64_t until = clock_mono_now_us() + 3000;
    while (clock_mono_now_us() < until)
        ;
    loop_timer_set(l, &t, 0);
    loop_turn(l);
    ck_assert_uint_ge(loop_busy_us(l) - before, 3000);
    ck_assert_uint_eq(loop_turns(l), 1);
    loop_free(l);
}
END_TEST

/* Urgent data of TCP is the exceptional event that needs no privileges. */
START_TEST(priority_is_reported_where_asked_for)
{
    struct loop *l = loop_new(kinds[_i]);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    struct probe p = {.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .loop = l};
    ck_assert_int_eq(connect(p.peer, (struct sockaddr *)&at, len), 0);
    int fd = accept(listener, NULL, NULL);
    p.io.fn = note;
    ck_assert_int_eq(loop_io_add(l, &p.io, fd, LOOP_PRIORITY), 0);
    loop_add_hook(l, busy, NULL);
    put_byte(&p);
    loop_turn(l);
    loop_turn(l);
    ck_assert_uint_eq(p.calls, 0);
    ck_assert_int_eq(send(p.peer, "!", 1, MSG_OOB), 1);
    for (int i = 0; i < 100000 && p.calls == 0; i++)
        loop_turn(l);
    ck_assert_uint_eq(p.seen, LOOP_PRIORITY);
    loop_io_set(l, &p.io, LOOP_READ);
    p.seen = 0;
    loop_turn(l);
    ck_assert_uint_eq(p.seen, LOOP_READ);
    probe_close(l, &p);
    close(listener);
    loop_free(l);
}
END_TEST

UNIT_SUITE(loop_loop)
{
    tcase_add_loop_test(tc, priority_is_reported_where_asked_for, 0, KINDS);
    tcase_add_loop_test(tc, backend_is_named, 0, KINDS);
    tcase_add_loop_test(tc, reports_what_is_asked_for, 0, KINDS);
    tcase_add_loop_test(tc, change_taken_back_changes_nothing, 0, KINDS);
    tcase_add_loop_test(tc, hangup_is_reported_unasked, 0, KINDS);
    tcase_add_loop_test(tc, removed_in_the_turn_is_not_reported, 0, KINDS);
    tcase_add_loop_test(tc, all_may_remove_themselves, 0, KINDS);
    tcase_add_loop_test(tc, descriptor_used_again_in_the_turn, 0, KINDS);
    tcase_add_loop_test(tc, what_is_no_longer_asked_for_is_not_reported, 0, KINDS);
    tcase_add_loop_test(tc, any_handler_may_change_any_watch, 0, KINDS);
    tcase_add_test(tc, auto_moves_to_epoll);
    tcase_add_loop_test(tc, timers_run_in_order_and_once, 0, KINDS);
    tcase_add_loop_test(tc, timer_that_arms_itself_runs_once_a_turn, 0, KINDS);
    tcase_add_loop_test(tc, timer_ends_the_sleep_and_is_not_early, 0, KINDS);
    tcase_add_loop_test(tc, run_until_stopped, 0, KINDS);
    tcase_add_loop_test(tc, handlers_then_timers_then_hooks, 0, KINDS);
    tcase_add_loop_test(tc, signals_run_in_the_loop, 0, KINDS);
    tcase_add_loop_test(tc, wake_from_another_thread, 0, KINDS);
    tcase_add_loop_test(tc, time_outside_of_the_wait_is_counted, 0, KINDS);
}
