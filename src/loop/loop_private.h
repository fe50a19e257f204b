/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the loop: the table of a back end and the state of both. Owned by
 * loop.c; a back end touches only its own part.
 *
 * A back end finds the watch of an event through io->index, which is 0 for what is
 * not watched and a position plus one otherwise.
 */
#pragma once

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "loop/loop.h"

struct loop_backend {
    const char *name;
    /* 0 or a negated errno. */
    int (*open)(struct loop *l);
    void (*close)(struct loop *l);
    /* IO has its descriptor and events set. */
    int (*add)(struct loop *l, struct loop_io *io);
    /* io->events has changed. */
    void (*change)(struct loop *l, struct loop_io *io);
    void (*remove)(struct loop *l, struct loop_io *io);
    /* Sleeps at most TIMEOUT_MS (-1: no limit); the number of events, 0 if there are none. */
    int (*wait)(struct loop *l, int timeout_ms);
    /* Runs the handlers of the COUNT events that wait found. */
    void (*dispatch)(struct loop *l, int count);
};

extern const struct loop_backend loop_poll_backend;
extern const struct loop_backend loop_epoll_backend;

/* Dense: [0, count) are watched, the last one fills the hole of one that goes. */
struct loop_poll {
    struct pollfd *fds;
    struct loop_io **ios;
    uint32_t count, cap;
};

/* A slot keeps its place as long as its watch lives. An event names slot and
 * generation, so that one that belongs to a former user of the slot is told apart. */
struct loop_epoll_slot {
    struct loop_io *io; /* NULL: free */
    uint32_t generation;
    uint32_t next_free; /* position + 1 */
    uint8_t told;       /* what the kernel was told */
    bool dirty;         /* in the list of what it must be told */
};

struct loop_epoll {
    int fd;
    struct loop_epoll_slot *slots;
    uint32_t used, cap;
    uint32_t free; /* position + 1 */
    uint32_t *dirty;
    uint32_t dirty_count, dirty_cap;
    struct epoll_event *events;
};

struct loop_hook {
    bool (*fn)(void *owner);
    void *owner;
};

struct loop_signal {
    int signo;
    void (*fn)(void *owner, int signo);
    void *owner;
};

struct loop {
    const struct loop_backend *backend;
    struct loop_poll poll;
    struct loop_epoll epoll;
    uint32_t watched;
    uint32_t move_above; /* auto: more watches than this move to epoll; UINT32_MAX: never */

    struct loop_timer **timers; /* 4-ary heap by at_us */
    uint32_t timer_count, timer_cap;

    struct loop_hook *hooks;
    uint32_t hook_count;
    bool more; /* a hook has more to do */

    struct loop_io signal_io; /* signalfd */
    sigset_t signal_set;
    struct loop_signal *signals;
    uint32_t signal_count;

    struct loop_io wake_io; /* eventfd */
    atomic_bool woken;
    void (*wake_fn)(void *owner);
    void *wake_owner;

    bool stopped;
    int64_t woke_us; /* when the last wait ended */
    uint64_t turns;
    uint64_t busy_us;
};

/* Milliseconds to sleep until the first timer: never more than up to it, -1 if there is none. */
int loop_timers_wait_ms(const struct loop *l, int64_t now_us);
/* Runs what is due at NOW_US. */
void loop_timers_run(struct loop *l, int64_t now_us);
/* Disarms all. */
void loop_timers_done(struct loop *l);
