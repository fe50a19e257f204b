/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the keyspace has to have done beside requests: keys deleted at their time, work
 * that was put off. Both in slices, at the end of turns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "loop/loop.h"

struct keyspace;

struct housekeeping {
    struct loop *loop;
    struct keyspace *keyspace;
    struct loop_timer due;
    int64_t due_ms;          /* the deadline that the timer is armed for; INT64_MAX: not armed */
    struct loop_timer later; /* for work that comes up by itself */
    bool working;            /* work was left over from the last turn */
    int64_t slice_us;        /* how much of it this turn does */
    int64_t ended_us;        /* when the last turn's slice ended, while working */
    struct loop_io clock;    /* becomes readable when somebody sets the wall clock */
    bool has_clock;
    bool paused; /* nothing expires and nothing is worked off */
};

/* Registers with LOOP, for good. 0, or a negated errno. */
int housekeeping_init(struct housekeeping *h, struct loop *loop, struct keyspace *keyspace) MR_MUST_CHECK;
/* Before the loop goes. */
void housekeeping_done(struct housekeeping *h);

/* While a file is being loaded, expiry is the loader's. */
void housekeeping_pause(struct housekeeping *h, bool paused);
