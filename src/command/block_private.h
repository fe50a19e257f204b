/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What waits for what: block.c (waiting, serving) and block_lines.c (the lines at the keys).
 *
 *     line "a"   place <-> place <-> place        in order of arrival
 *                  |         |         |
 *     waiter     1 (a, b)  2 (a)     3 (a)        one per session
 *                  |
 *     line "b"   place
 *
 * A waiter's places are one array in its own allocation, as are its arguments. A line lives
 * while somebody stands in it, or while it is marked ready or being served.
 */
#pragma once

#include "command/block.h"
#include "command/dispatch_private.h"
#include "keyspace/entry.h"
#include "keyspace/observer.h"
#include "loop/loop.h"

struct block_line;
struct block_waiter;

struct block_place {
    struct block_waiter *waiter;
    struct block_line *line; /* NULL: the key was named before */
    struct block_place *prev, *next;
};

struct block_line {
    struct block_line *chain; /* in its bucket */
    struct block_line *next_ready;
    struct block_place *first, *last;
    uint64_t hash; /* of the key */
    uint32_t db;
    uint32_t events;                /* classes that make it ready for one of them at least */
    uint32_t by_type[OBJECT_TYPES]; /* how many wait for a value of that type */
    uint32_t gone;                  /* how many ask to be told when it is not there */
    bool ready, serving;
    size_t key_len;
    char key[];
};

struct block_waiter {
    struct loop_timer timer; /* first */
    struct block *block;
    struct session *session;
    struct registry_entry *entry;
    uint64_t ticks; /* spent in the handler so far */
    uint32_t first, count;
    uint32_t argc;
    unsigned type;
    bool gone;
    bool again;                   /* the handler, called again, has not answered */
    int64_t deadline_us, look_us; /* as block_request's */
    const struct slice *argv;
    struct block_place places[]; /* COUNT of them; then the arguments */
};

struct block {
    struct dispatch *dispatch;
    struct loop *loop;
    struct keyspace_observer observer; /* registered while somebody waits */
    struct block_line **buckets;       /* a power of two of them */
    size_t bucket_count, line_count;
    struct block_line *first_ready, *last_ready;
    struct loop_timer kick; /* serves what became ready outside of a command */
    uint64_t waiting, timed;
    uint64_t gone_lines; /* lines that somebody asks about with .gone */
    struct buf reply;
};

/* --- block_lines.c --- */

struct slice block_key(const struct block_line *line);
/* Puts W in the line of each of its keys. EVENTS: as block_request's. MR_E_MEMORY: it is in none
 * then, and has no keys any more. */
int block_lines_join(struct block *b, struct block_waiter *w, uint32_t events) MR_MUST_CHECK;
void block_lines_leave(struct block *b, struct block_waiter *w);
/* The next one that is ready, not ready any more and marked as served; NULL: there is none. */
struct block_line *block_lines_take(struct block *b);
/* The serving is over. */
void block_lines_done(struct block *b, struct block_line *line);
void block_lines_free(struct block *b);

/* For the observer. */
void block_lines_init(struct block *b);
