/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the server's memory is used for, as one set of figures taken together: for MEMORY
 * and for INFO. All are counts of our own allocators or the kernel's; none is an estimate.
 *
 *   used = arena.used + heap_used          handed out
 *   active = arena.held + heap_held        taken for that, with what is free in it
 *   backed = active + arena.dirty          what the kernel may have to back with pages
 *   overhead + dataset = used              not reached by keys, and reached
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct arena;
struct memory;

struct memory_figures {
    uint64_t used, peak, at_start;
    uint64_t arena_used, arena_held, arena_dirty, arena_reserved;
    uint64_t heap_used, heap_held;
    uint64_t resident, swapped; /* by the kernel's count */

    uint64_t keys, expires;
    uint64_t tables; /* of the databases */
    uint64_t expiry; /* the indexes of expiry times */
    int64_t overdue; /* ms since the time of keys that should be gone by now */

    uint64_t client_count, clients; /* all their memory */
    uint64_t client_most;           /* of one */
    uint64_t client_most_id;

    uint64_t limit;       /* 0: none */
    uint64_t machine;     /* its memory; 0: not known */
    uint64_t recommended; /* what maxmemory = auto would come to; 0: not known. Only for the doctor */
    uint64_t class_size;  /* the size class of the arena with the most free room; 0: runs */
    uint64_t class_free;  /* that room */
};

void memory_figures_take(const struct memory *m, struct memory_figures *out);

static inline uint64_t memory_figures_active(const struct memory_figures *f)
{
    return f->arena_held + f->heap_held;
}

static inline uint64_t memory_figures_backed(const struct memory_figures *f)
{
    return f->arena_held + f->arena_dirty + f->heap_held;
}

static inline uint64_t memory_figures_dataset(const struct memory_figures *f)
{
    uint64_t index = f->tables + f->expiry;
    return f->arena_used > index ? f->arena_used - index : 0;
}

/* What the kernel keeps of this process on swap; 0 also where it does not say. */
uint64_t memory_swapped(void);
/* Bytes that the heap has from the kernel; at least USED. */
uint64_t memory_heap_held(uint64_t used);

/* memory_doctor.c: what is unusual about F, and what to do, as lines of prose. */
void memory_doctor(const struct memory_figures *f, struct buf *out);
/* memory_classes.c: a table of the arena's size classes, and a line for the heap. */
void memory_print_classes(const struct arena *a, const struct memory_figures *f, struct buf *out);
