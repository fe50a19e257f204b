/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of the server: the limit maxmemory, its enforcement, what the server gives
 * back when the machine is short of it, and the section "memory" of INFO.
 *
 * What counts against the limit is what is handed out: the arena's used bytes (all that
 * keys reach) and those of the heap (everything else, clients' buffers too); where the policy
 * evicts, the rest of the process too, in a way that memory_evict.c tells. Above it keys are
 * evicted by maxmemory-policy; a command that may need memory (CMD_DENYOOM) is refused
 * where there are none to evict.
 *
 * maxmemory = auto is the lowest limit of the control groups that the process is in, less
 * a tenth of it, or where there is none the machine's memory, less a fifth; less at least
 * 64 MiB either way, but never more than half.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "keyspace/defrag.h"
#include "keyspace/evict.h"

struct counters;
struct dispatch;
struct loop;
struct memory;
struct net;

#define MEMORY_AUTO (-1)

struct memory_options {
    int64_t maxmemory; /* bytes; 0: none; MEMORY_AUTO */
    uint64_t limit;    /* what it came to; 0: none. Not an option. */
    int64_t tenacity;  /* maxmemory-eviction-tenacity */
    struct evict_options evict;
    struct defrag_options defrag;
};

/* The rows of these options; target is a struct memory_options. */
extern const struct config_option memory_config_rows[];
extern const size_t memory_config_count;

/* All must outlive it; NET may be told to give back buffers. Works out the limit. */
struct memory *memory_new(struct dispatch *d, struct loop *loop, struct net *net,
                          struct memory_options *options);
void memory_free(struct memory *m);
void memory_register_counters(struct memory *m, struct counters *counters);

/* For struct config_module: options were changed. */
int memory_apply(struct memory *m, const bool *changed, struct buf *why) MR_MUST_CHECK;
/* Works out anew what auto comes to, and tells the log if that is something else. */
void memory_reread(struct memory *m);

/* Tells the log of the limit. */
void memory_begin(struct memory *m);
/* From now on the limit holds: not while data is being loaded. */
void memory_enforce(struct memory *m);
/* Begins to listen for pressure: where MEMORY_PRESSURE_WATCH says; else, a second later, at the
 * memory.pressure file of the process's own group, if it may. */
void memory_listen(struct memory *m);
