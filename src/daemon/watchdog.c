/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See watchdog.h. A ping leaves four times in the period. One that comes so late that half
 * of the period is gone says so in the log: next time it may be all of it.
 */
#include "daemon/watchdog.h"

#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "systemd/systemd.h"

#define PINGS 4

static void tell_lateness(const struct watchdog *w, int64_t since_us)
{
    char seconds[32];
    if (since_us < (int64_t)(w->period_us / 2))
        return;
    snprintf(seconds, sizeof(seconds), "%.3f", (double)since_us / 1e6);
    log_event(LOG_EVENT_WATCHDOG_LATE, LOG_FIELDS({"MINIREDIS_SECONDS", seconds}),
              "Nobody was served for %s seconds; after %g systemd kills the server", seconds,
              (double)w->period_us / 1e6);
}

void watchdog_feed(struct watchdog *w)
{
    if (w->period_us == 0)
        return;
    w->fed_us = clock_mono_now_us();
    systemd_watchdog_ping();
}

static void ping(struct watchdog *w)
{
    watchdog_feed(w);
    loop_timer_after(w->loop, &w->timer, (int64_t)(w->period_us / PINGS));
}

static void due(struct loop_timer *timer)
{
    struct watchdog *w = (struct watchdog *)((char *)timer - offsetof(struct watchdog, timer));
    tell_lateness(w, clock_mono_now_us() - w->fed_us);
    ping(w);
}

void watchdog_start(struct watchdog *w, struct loop *loop)
{
    *w = (struct watchdog){.loop = loop, .timer = {.fn = due}, .period_us = systemd_watchdog_us()};
    if (w->period_us == 0)
        return;
    char seconds[32];
    snprintf(seconds, sizeof(seconds), "%g", (double)w->period_us / 1e6);
    log_event(LOG_EVENT_WATCHDOG, LOG_FIELDS({"MINIREDIS_SECONDS", seconds}),
              "systemd's watchdog expects a sign of life every %s seconds", seconds);
    ping(w);
}
