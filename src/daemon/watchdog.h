/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The service manager's watchdog: pings from the loop, so that a loop that hangs gives none.
 */
#pragma once

#include <stdint.h>

#include "loop/loop.h"

struct watchdog {
    struct loop *loop;
    struct loop_timer timer;
    uint64_t period_us; /* a ping must come within it; 0: there is no watchdog */
    int64_t fed_us;     /* the last ping */
};

/* Pings now and from then on, if the manager asked for it. W must stay as long as LOOP turns. */
void watchdog_start(struct watchdog *w, struct loop *loop);
/* A ping out of turn, from what keeps the loop from turning and comes forward. */
void watchdog_feed(struct watchdog *w);
