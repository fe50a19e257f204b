/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small parts of struct keyspace.
 */
#pragma once

#include <stdint.h>

#include "container/dict.h"

struct db;
struct entry;

/* A flushed database that is being freed. */
struct keyspace_drain {
    struct dict dict;
    uint64_t cursor;
    struct keyspace_drain *next;
};

/* Giving memory back (background.c). */
struct keyspace_trim {
    int64_t since_us; /* when the window began */
    size_t low;       /* the least that was free in it */
    size_t left;      /* of what is to go back now */
    size_t stuck;     /* what was free when nothing could be given: parts of pages */
};

/* An entry that nothing refers to any more, with a big value. */
struct keyspace_orphan {
    struct entry *e;
    struct keyspace_orphan *next;
};

/* An addition of a loader on its way. */
struct keyspace_addition {
    struct db *db;
    struct entry *e; /* its expiry time is in the node, if it has one */
    uint64_t hash;
};

#define KEYSPACE_QUEUE 32 /* additions; a power of two */

#define KEYSPACE_LAGS 11 /* buckets of the histogram of lags */

struct keyspace_stats {
    uint64_t hits, misses;
    uint64_t expired, expired_active;
    uint64_t expired_elements;
    uint64_t lags[KEYSPACE_LAGS]; /* what was deleted so late, see keyspace_stats.c */
    int64_t lag_max;              /* ms */
    uint64_t expired_late;        /* percent, hundredths: running share of keys found late */
    uint64_t expire_cut;          /* calls of keyspace_expire that ended with more due */
    uint64_t expire_ticks;
    uint64_t evicted;
};
