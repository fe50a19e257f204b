/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See housekeeping.h.
 *
 * Every turn ends with a look at the keyspace's next deadline: a write of that turn may
 * have set an earlier one. What is due goes in slices of SLICE_EXPIRE_US, and while more
 * is due the loop does not sleep, so that a million keys that end in the same
 * millisecond delay a request by one slice at most.
 *
 * Deadlines are wall time and the loop's timers monotonic; the two drift apart when
 * somebody sets the clock. A timer of the kernel's that is cancelled by that wakes the
 * loop, and the look at the end of the turn does the rest.
 */
#include "daemon/housekeeping.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "keyspace/keyspace.h"

#define EXPIRE_STEP     64 /* keys between two looks at the clock */
#define SLICE_EXPIRE_US 500
#define SLICE_IDLE_US   500 /* put-off work, while nobody asks for anything */
#define SLICE_MIN_US    20
#define QUIET_TURN_US   20
#define LONG_TURN_MS    1000
#define BUSY_SHARE      4 /* under load: a quarter of the time that the turn took */

static bool expire(struct housekeeping *h)
{
    int64_t deadline = keyspace_expire_deadline(h->keyspace);
    if (deadline == INT64_MAX)
        return false;
    int64_t now = clock_ms();
    /* What the turn took counts: a key whose time came during it is late already. */
    if (deadline - now < LONG_TURN_MS)
        now = clock_now_ms();
    if (deadline <= now) {
        int64_t end = clock_mono_now_us() + SLICE_EXPIRE_US;
        while (keyspace_expire(h->keyspace, now, EXPIRE_STEP))
            if (clock_mono_now_us() >= end)
                return true;
        deadline = keyspace_expire_deadline(h->keyspace);
        if (deadline == INT64_MAX)
            return false;
    }
    if (deadline != h->due_ms) {
        h->due_ms = deadline;
        int64_t delay_ms = deadline - clock_ms();
        /* A time far off must not overflow; the timer then comes early and is armed again. */
        if (delay_ms > INT32_MAX)
            delay_ms = INT32_MAX;
        int64_t delay_us = delay_ms * 1000 - clock_us() % 1000;
        loop_timer_set(h->loop, &h->due, clock_mono_us() + (delay_us > 0 ? delay_us : 0));
    }
    return false;
}

/* How long the next slice may be, after TOOK microseconds since the last one ended: a turn
 * without requests takes next to nothing, and then there is time. */
static int64_t next_slice(int64_t took)
{
    if (took < QUIET_TURN_US)
        return SLICE_IDLE_US;
    int64_t share = took / BUSY_SHARE;
    return share < SLICE_MIN_US ? SLICE_MIN_US : share < SLICE_IDLE_US ? share : SLICE_IDLE_US;
}

static bool turn_end(void *owner)
{
    struct housekeeping *h = owner;
    if (h->paused)
        return false;
    bool more = expire(h);
    int64_t began = h->working ? clock_mono_now_us() : 0;
    if (h->working)
        h->slice_us = next_slice(began - h->ended_us);
    h->working = keyspace_background(h->keyspace, h->slice_us);
    if (!h->working) {
        h->slice_us = SLICE_MIN_US;
        int64_t wait = keyspace_background_wait(h->keyspace);
        if (wait >= 0 && h->later.index == 0)
            loop_timer_after(h->loop, &h->later, wait);
        return more;
    }
    h->ended_us = clock_mono_now_us();
    return true;
}

static void due(struct loop_timer *timer)
{
    struct housekeeping *h = (struct housekeeping *)((char *)timer - offsetof(struct housekeeping, due));
    h->due_ms = INT64_MAX; /* the end of this turn does it, or arms the timer again */
}

/* The end of this turn has a look. */
static void later(struct loop_timer *timer)
{
    (void)timer;
}

/* --- the wall clock --- */

static void arm_clock(int fd)
{
    struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX}};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    never.it_value.tv_sec += now.tv_sec;
    (void)timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void clock_was_set(struct loop_io *io, unsigned events)
{
    struct housekeeping *h = (struct housekeeping *)((char *)io - offsetof(struct housekeeping, clock));
    uint64_t ticks;
    (void)events;
    /* Fails with ECANCELED: that is the news. */
    if (read(io->fd, &ticks, sizeof(ticks)) < 0 && errno == EAGAIN)
        return;
    arm_clock(io->fd);
    h->due_ms = INT64_MAX;
}

int housekeeping_init(struct housekeeping *h, struct loop *loop, struct keyspace *keyspace)
{
    *h = (struct housekeeping){.loop = loop,
                               .keyspace = keyspace,
                               .due = {.fn = due},
                               .later = {.fn = later},
                               .due_ms = INT64_MAX,
                               .slice_us = SLICE_MIN_US,
                               .clock = {.fn = clock_was_set}};
    loop_add_hook(loop, turn_end, h);
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    arm_clock(fd);
    int r = loop_io_add(loop, &h->clock, fd, LOOP_READ);
    if (r < 0) {
        close(fd);
        return r;
    }
    h->has_clock = true;
    return 0;
}

void housekeeping_done(struct housekeeping *h)
{
    if (h->has_clock) {
        loop_io_remove(h->loop, &h->clock);
        close(h->clock.fd);
        h->has_clock = false;
    }
    if (h->loop != NULL) {
        loop_timer_stop(h->loop, &h->due);
        loop_timer_stop(h->loop, &h->later);
    }
}

void housekeeping_pause(struct housekeeping *h, bool paused)
{
    h->paused = paused;
}
