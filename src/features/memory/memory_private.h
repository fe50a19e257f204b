/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the memory feature, shared by its files: memory.c (limit, gate, the end of
 * the turn), memory_pressure.c (listening and giving back), memory_rows.c (INFO).
 */
#pragma once

#include "features/memory/memory.h"
#include "loop/loop.h"

enum memory_source { MEMORY_SOURCE_NONE, MEMORY_SOURCE_MANAGER, MEMORY_SOURCE_CGROUP };
enum memory_stage { MEMORY_AT_REST, MEMORY_ARENA, MEMORY_CLIENTS, MEMORY_HEAP };

struct memory_pressure {
    struct loop_io io;     /* watched while source is not NONE */
    struct loop_timer own; /* until the group's file is tried */
    struct loop_timer again;
    enum memory_source source;
    enum memory_stage stage; /* of the round that goes on */
    uint32_t conn;           /* how far the clients have been looked at */
    size_t resident;         /* when the round began */
    int64_t ended_us;        /* of the last round; 0: there was none */
    int64_t told_us;         /* when the log was told; 0: never */
    size_t untold_rounds, untold_bytes;
    uint64_t events, rounds, given; /* counted */
};

struct memory {
    struct dispatch *dispatch;
    struct loop *loop;
    struct net *net;
    struct memory_options *options;
    unsigned gate;
    bool enforced;
    bool holding;       /* sessions wait for memory that is being freed */
    uint64_t peak;      /* most memory in use at the end of a turn */
    uint64_t at_start;  /* in use before anything was loaded */
    uint64_t refused;   /* commands */
    int64_t refused_us; /* when the log was told of that; 0: never */
    char *reason;       /* heap: why the limit is what it is, for the log */
    struct memory_pressure pressure;
};

static inline bool memory_is_limited(const struct memory *m)
{
    return m->options->limit != 0;
}

uint64_t memory_used(const struct memory *m);
size_t memory_resident(void);
uint64_t memory_of_machine(void);

/* What maxmemory SETTING comes to on a machine of RAM bytes, with ROOT in front of the paths
 * that are read, and why (appended to REASON). */
uint64_t memory_limit(int64_t setting, const char *root, uint64_t ram, struct buf *reason);

/* memory_pressure.c */
void memory_pressure_done(struct memory *m);
/* One slice of the round that goes on; true if there is more to do. */
bool memory_pressure_step(struct memory *m);
