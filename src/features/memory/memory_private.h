/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the memory feature, shared by its files: memory.c (limit, gate, the end of
 * the turn), memory_evict.c (what counts, evicting, the pace of defragmentation),
 * memory_pressure.c (listening and giving back), memory_options.c, memory_rows.c (INFO).
 */
#pragma once

#include "features/memory/memory.h"
#include "loop/loop.h"

enum memory_source {
    MEMORY_SOURCE_NONE,
    MEMORY_SOURCE_MANAGER,
    MEMORY_SOURCE_CGROUP,
    MEMORY_SOURCE_CGROUP_READ
};
enum memory_stage { MEMORY_AT_REST, MEMORY_ARENA, MEMORY_CLIENTS, MEMORY_HEAP };

struct memory_pressure {
    struct loop_io io;     /* watched while source is neither NONE nor CGROUP_READ, which reads its fd */
    struct loop_timer own; /* until the group's file is tried; then to read it */
    uint64_t waited_us;    /* CGROUP_READ: what the file said last */
    struct loop_timer again;
    enum memory_source source;
    enum memory_stage stage; /* of the round that goes on */
    bool asked;              /* for by a client, not by pressure */
    uint32_t conn;           /* how far the clients have been looked at */
    size_t resident;         /* when the round began */
    int64_t ended_us;        /* of the last round; 0: there was none */
    int64_t told_us;         /* when the log was told; 0: never */
    size_t untold_rounds, untold_bytes;
    uint64_t events, rounds, given; /* counted */
};

/* memory_options.c */
enum memory_row { MEMORY_ROW_LIMIT };
/* NULL if there is none such. */
const char *memory_policy_name(int policy);

struct memory_eviction {
    bool running;          /* memory is above the limit */
    bool exhausted;        /* nothing more may be evicted */
    size_t arena;          /* what the arena had at the last look, handed out or not .. */
    size_t room;           /* .. and what of it was of no use */
    int64_t rest;          /* resident memory that neither arena nor heap know of, at the last look */
    uint64_t rest_counted; /* what of it counts */
    int64_t measured_us;
    double turn_us;   /* what is left of this turn's time for commands to evict in */
    uint64_t ceiling; /* the least that counted since this run began */
    int64_t began_us; /* this run */
    int64_t over_us;  /* all runs that have ended */
    struct loop_timer defrag;
    struct loop_timer day;
};

enum memory_room { MEMORY_HAS_ROOM, MEMORY_WILL_HAVE_ROOM, MEMORY_HAS_NO_ROOM };

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
    struct memory_eviction eviction;
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
/* The same without pressure: some of it now, the rest as a round. */
void memory_purge(struct memory *m);

/* memory_cmds.c: the command MEMORY. */
void memory_register_commands(struct memory *m);

/* memory_evict.c */
void memory_evict_begin(struct memory *m);
void memory_evict_done(struct memory *m);
/* After a change of options, or of the limit. */
void memory_evict_configure(struct memory *m);
/* Whether there is a limit and a policy that evicts. */
bool memory_evicts(const struct memory *m);
/* What counts against the limit. */
uint64_t memory_counted(struct memory *m);
/* Evicts before a command, which GROWS the data or does not, where memory is above the limit. */
enum memory_room memory_make_room(struct memory *m, bool grows);
/* At the end of a turn; true if there is more to evict. */
bool memory_evict_turn(struct memory *m);
/* Whether those who were told to wait may try again. */
bool memory_evict_may_release(struct memory *m);
void memory_defrag_turn(struct memory *m);
/* How long memory has been above the limit. */
int64_t memory_exceeded_us(const struct memory *m);
