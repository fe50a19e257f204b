/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the server ends: who may ask for it (a signal, SHUTDOWN, exit-on-idle), the save that comes
 * first, and that it stays where that save fails.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "loop/loop.h"

struct daemon_options;
struct loading;
struct saving;

enum ending_save {
    ENDING_SAVE_BY_POINTS, /* if the option save has points, and anything has changed */
    ENDING_SAVE_CHANGES,   /* if anything has changed */
    ENDING_SAVE_ALWAYS,
    ENDING_SAVE_NEVER,
};

struct ending {
    struct loop *loop;
    const struct daemon_options *options; /* how a signal ends it */
    struct loading *loading;              /* both may be NULL while the server starts */
    struct saving *saving;
    void (*forced)(void *owner); /* tidies before the process ends at once */
    void *owner;
    bool stopping; /* the loop turns no more */
    int status;    /* the process's */
};

/* Has the loop watch SIGTERM and SIGINT. */
int ending_watch_signals(struct ending *e, struct buf *why) MR_MUST_CHECK;

/* Saves as SAVE says, and then ends the loop. Negative with the line in WHY: the save has failed,
 * and the server goes on; with FORCE it ends all the same. While a file is loaded nothing is saved. */
int ending_ask(struct ending *e, enum ending_save save, bool force, struct buf *why) MR_MUST_CHECK;
/* Without any ado, for a server that could not begin to serve. */
void ending_fail(struct ending *e);

/* The loop turns no more; who now asks again by a signal is heard all the same. */
void ending_heed_signals(void);
