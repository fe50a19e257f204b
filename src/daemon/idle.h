/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exit-on-idle: a server that a socket starts ends when nobody has used it for a while;
 * the socket stays with who opened it, and the next client starts the server again.
 *
 * It does not end while that would lose anything: while keys were changed since they were
 * loaded. There are no snapshots yet that would save them first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "loop/loop.h"

struct housekeeping;
struct keyspace;
struct net;

struct idle {
    struct loop *loop;
    const struct net *net;
    struct keyspace *keyspace;
    const struct housekeeping *housekeeping;
    const int64_t *seconds;     /* the option; 0: off */
    void (*leave)(void *owner); /* ends the server */
    void *owner;
    struct loop_timer timer; /* armed while there is nothing to do */
    int64_t armed_for;       /* seconds */
    bool ready;
    bool loaded; /* keys came from a file */
    bool told;   /* that the server stays because of what is unsaved */
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
