/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exit-on-idle: a server that a socket starts ends when nobody has used it for a while;
 * the socket stays with who opened it, and the next client starts the server again.
 *
 * What was changed is saved first. Where that fails the server stays, and tries again later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "loop/loop.h"

struct housekeeping;
struct net;

struct idle {
    struct loop *loop;
    const struct net *net;
    const struct housekeeping *housekeeping;
    const int64_t *seconds; /* the option; 0: off */
    /* Saves what has changed and ends the server; negative: it could not be saved. */
    int (*leave)(void *owner);
    void *owner;
    struct loop_timer timer; /* armed while there is nothing to do */
    int64_t armed_for;       /* seconds */
    bool ready;
};

/* 0, or negative with the reason in WHY: SECONDS asks for an end that nobody would undo,
 * because no socket was PASSED at start. */
int idle_check(int64_t seconds, bool passed, struct buf *why) MR_MUST_CHECK;

/* Registers I, whose members from LOOP to OWNER are set, for good. *SECONDS is read at the end
 * of each turn. */
void idle_begin(struct idle *i);
/* The data is loaded: from now on there may be nothing to do. */
void idle_ready(struct idle *i);
/* Before the loop goes; also for one that never began. */
void idle_done(struct idle *i);
