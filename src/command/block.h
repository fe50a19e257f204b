/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocking commands: clients that wait for keys.
 *
 * A handler that finds nothing calls dispatch_block and returns without a reply. When one of
 * the keys becomes ready, behind the command that made it so and before any other one, the
 * same handler is called again, with the same arguments (ctx->retry is set); it either
 * answers, or calls dispatch_block again, which keeps the client's place in line. When the
 * time is over it is called once more, no key being ready, and dispatch_block says no. So a
 * handler is one piece for all three:
 *
 *     int64_t deadline_us;
 *     if (!dispatch_arg_timeout(ctx, ctx->argc - 1, BLOCK_SECONDS, &deadline_us))
 *         return;
 *     for (uint32_t i = 1; i < ctx->argc - 1; i++) {
 *         if (!dispatch_is_ready(ctx, i))
 *             continue;
 *         ... look for the key; wrong type: error, return; there is something: pop, reply, return
 *     }
 *     struct block_request r = {.first = 1, .count = ctx->argc - 2, .type = <list>,
 *                               .deadline_us = deadline_us};
 *     if (!dispatch_block(ctx, &r))
 *         resp_null_array(ctx->reply);
 *
 * A key becomes ready by the keyspace's events: EVENT_NEW, EVENT_TYPE_CHANGED, and those that
 * the request names; hence by whatever command makes or fills it. A key that is not there, or
 * of another type, wakes nobody but those who ask for it (.gone). Keys are served in the order
 * in which they became ready, the clients of a key in the order in which they came.
 *
 * What follows the command on the same connection waits, without a CMD_BARRIER in its row. A
 * client that is gone, killed or reset is forgotten.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "command/dispatch.h"

struct loop;

/* Handed to the handler when it is called again. */
struct block_retry {
    uint32_t ready; /* the argument that names the key which is ready; 0: none, the time is over */
    bool look;      /* none is, but the time has come to look at all (block_request.look_us) */
};

struct block_request {
    uint32_t first, count; /* the arguments that are its keys */
    unsigned type;         /* what a key must be: the number of an object type */
    uint32_t events;       /* classes of events that make a key ready, beside NEW and TYPE_CHANGED */
    bool gone;             /* a key that is not there, or not of TYPE, makes it ready too */
    int64_t deadline_us;   /* monotonic; 0: none */
    /* When the handler is to be called though no key is ready, because time itself may make one so;
     * monotonic, 0: never. Asked for anew with every call of dispatch_block. */
    int64_t look_us;
    /* What the handler is to see as its arguments then; NULL: the same as now. Copied. */
    const struct slice *argv;
    uint32_t argc;
};

/* True: the client waits (or there was no memory for that, and the error has been written); the
 * handler must return without a reply. False: it cannot wait, or not any more, and the handler
 * answers as for a time that is over. */
bool dispatch_block(struct command_ctx *ctx, const struct block_request *r) MR_MUST_CHECK;

/* Whether the key at argument I is to be looked at: always, when the handler is called for the
 * first time or to look at all, else if it is the one that is ready. */
static inline bool dispatch_is_ready(const struct command_ctx *ctx, uint32_t i)
{
    return ctx->retry == NULL || ctx->retry->ready == i || ctx->retry->look;
}

enum block_unit { BLOCK_SECONDS /* with a fraction */, BLOCK_MS };

/* Argument I, a time to wait, as a deadline (0: none). False: the error has been written. */
bool dispatch_arg_timeout(struct command_ctx *ctx, uint32_t i, enum block_unit unit, int64_t *deadline_us);

/* --- for those who are not handlers --- */

/* Makes D able to block; without it dispatch_block says no. Must come before the first session;
 * LOOP must outlive D. */
void block_attach(struct dispatch *d, struct loop *loop);

/* Whether S waits for keys. */
bool block_is_waiting(const struct session *s);
/* Ends S's waiting as if its time were over, or with an error of its own. False: it did not wait. */
bool block_end(struct dispatch *d, struct session *s, bool with_error);
