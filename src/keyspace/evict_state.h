/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What eviction keeps in the keyspace, embedded there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct db;
struct evict_options;

/* What the access stamps of all entries mean; see keyspace/evict.h. */
enum evict_meaning {
    EVICT_ACCESSED, /* seconds, of the last access */
    EVICT_WRITTEN,  /* seconds, of the last write */
    EVICT_COUNTED,  /* minutes and a counter */
};

/* Candidates that are remembered from one eviction to the next. */
#define EVICT_POOL   16
/* Places in the timing wheels from which keys with an expiry are drawn where few have one. */
#define EVICT_PLACES 16
/* Draws that are on their way from memory. */
#define EVICT_DRAWS  2

struct evict_candidate {
    uint64_t score; /* the higher, the better to evict */
    uint64_t hash;
    uint64_t element; /* short pointer; it may have gone since, or be another one */
    struct db *db;
};

/* A bucket of a table, by a random number that stands for its index. */
struct evict_draw {
    struct db *db; /* NULL: none */
    uint64_t number;
};

/* An element in a wheel, found again by its hash; 0: none. */
struct evict_place {
    struct db *db;
    int64_t soonest_ms; /* volatile-ttl: when the time of its list begins */
    uint64_t element;
    uint64_t hash;
};

struct evict_state {
    /* Of an access now, valid for a second from second_us of the turn's clock. Without a plain
     * stamp (counting, or the meaning is being changed) second_us is far off for good. */
    int64_t second_us;
    uint32_t stamp;
    enum evict_meaning meaning;
    const struct evict_options *options; /* NULL: the defaults */
    int64_t start_us;                    /* the clock's time at stamp 0 */

    /* A change of meaning or a round of the sweep, while it goes through the tables. */
    bool sweeping;
    bool changing;       /* stamps of the former meaning are still about */
    uint32_t former_now; /* its clock then: seconds or minutes */
    uint32_t former_end; /* the upper bits behind those of its stamps */
    uint32_t sweep_db;
    uint64_t sweep_cursor;
    uint32_t swept; /* the eighth of the range in which the last sweep began */

    struct evict_candidate pool[EVICT_POOL]; /* by rising score */
    uint32_t pool_count;
    int pool_policy; /* that it was filled for */
    struct evict_draw draws[EVICT_DRAWS];
    struct evict_place places[EVICT_PLACES];
    uint32_t place_next;
    uint64_t soonest;  /* short pointer to the first element of the list that comes first */
    uint64_t *weights; /* heap: keys in the databases up to each one, when last looked at */
    uint32_t weights_age;
    bool weights_volatile;
};
