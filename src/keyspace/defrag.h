/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Defragmentation: when much of the arena is free but not empty, what stands in the emptiest
 * spans is moved into the room of the others, and the pages go back to the kernel.
 *
 * A pass begins an evacuation of the arena (base/arena.h), walks through the tables of all
 * databases in slices, moving each entry, value and bucket that is leaving, and ends it; a big
 * collection takes as many slices as it needs (object_type.relocate). Passes
 * follow each other while they gain. When slices are run, and how many, is
 * features/memory's business.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counters;
struct keyspace;

struct defrag_options {
    bool on;
    int64_t ignore_bytes;         /* free room below this is left alone */
    int64_t threshold_lower;      /* free room in percent of what is used: from here on with cycle_min .. */
    int64_t threshold_upper;      /* .. up to here, with cycle_max */
    int64_t cycle_min, cycle_max; /* percent of the time */
};

/* OPTIONS is kept and read at each use. Without: nothing is moved. */
void defrag_configure(struct keyspace *ks, const struct defrag_options *options);

/* The percentage of the time that slices should take now; 0: there is nothing to do. PRESSED: there
 * is no memory to spare, so it begins early and hurries. Cheap; may begin or end a pass. */
unsigned defrag_effort(struct keyspace *ks, bool pressed);
/* About US microseconds of the pass that is going on. */
void defrag_step(struct keyspace *ks, int64_t us);
/* For keyspace_free. */
void defrag_done(struct keyspace *ks);

/* Rows: active_defrag_running, active_defrag_hits .. */
void defrag_register_counters(struct keyspace *ks, struct counters *counters);
