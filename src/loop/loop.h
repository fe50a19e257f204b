/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event loop: descriptors, timers, signals, a wake-up from other threads. One
 * turn waits once, runs the handlers of what is ready, then the due timers, then
 * the turn hook. Two back ends, poll(2) and epoll(7), behind one table; "auto"
 * starts on poll and moves to epoll when it watches more than LOOP_AUTO_LIMIT
 * descriptors. Level-triggered. Handlers may add, change and remove any watch,
 * their own too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum loop_kind { LOOP_AUTO, LOOP_POLL, LOOP_EPOLL };

/* A server that is faster than its clients finds one or two ready per wait, however many are busy: per
 * request poll then costs a tenth more than epoll at 5 descriptors and a third more at 50. */
#define LOOP_AUTO_LIMIT 32

enum loop_event {
    LOOP_READ = 1, /* readable, or the peer closed, or an error to be read */
    LOOP_WRITE = 2,
    LOOP_HANGUP = 4,   /* both directions are closed; reported even if not asked for */
    LOOP_PRIORITY = 8, /* what the file's own kind calls exceptional: a trigger of pressure */
};

struct loop;

/* Embedded in its owner; 0-filled before the first add. */
struct loop_io {
    int fd;
    uint8_t events; /* LOOP_READ, LOOP_WRITE, LOOP_PRIORITY as asked for */
    uint32_t index; /* the loop's own: position in its tables */
    void (*fn)(struct loop_io *io, unsigned events);
};

struct loop_timer {
    int64_t at_us;  /* monotonic; the loop's own */
    uint32_t index; /* heap position + 1; 0: not armed */
    void (*fn)(struct loop_timer *timer);
};

/* NULL, with errno set, if the kernel refuses the descriptors it needs. */
struct loop *loop_new(enum loop_kind kind);
void loop_free(struct loop *l);
/* "poll" or "epoll": what is in use now. */
const char *loop_backend(const struct loop *l);

/* 0 or a negated errno. */
int loop_io_add(struct loop *l, struct loop_io *io, int fd, unsigned events) MR_MUST_CHECK;
/* Cheap when nothing changes; the kernel is told lazily, before the next wait. */
void loop_io_set(struct loop *l, struct loop_io *io, unsigned events);
/* Must come before the descriptor is closed. Nothing more is reported for IO. */
void loop_io_remove(struct loop *l, struct loop_io *io);

/* Arms or moves: FN runs once at AT_US (clock_mono_us scale) or in the turn after. */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_us);
void loop_timer_after(struct loop *l, struct loop_timer *t, int64_t delay_us);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* FN runs in the loop, not in the signal's context. Blocks SIGNO for the process's
 * ordinary delivery (signalfd). */
int loop_signal(struct loop *l, int signo, void (*fn)(void *owner, int signo), void *owner) MR_MUST_CHECK;

/* Called from any thread: the loop's next wait returns at once and FN_WAKE runs. */
void loop_set_wake(struct loop *l, void (*fn)(void *owner), void *owner);
void loop_wake(struct loop *l);

/* FN runs at the end of each turn, after handlers and timers; it returns true if it
 * has more to do, and the next wait then does not sleep. Several may be added; the wait
 * after adding one does not sleep either. */
void loop_add_hook(struct loop *l, bool (*fn)(void *owner), void *owner);
/* Not from within a hook. */
void loop_remove_hook(struct loop *l, bool (*fn)(void *owner), void *owner);

/* One turn, sleeping at most until the next timer. Then for ever, until loop_stop. */
void loop_turn(struct loop *l);
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Turns taken, and microseconds spent outside the wait. */
uint64_t loop_turns(const struct loop *l);
uint64_t loop_busy_us(const struct loop *l);
