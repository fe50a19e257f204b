/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the allocators hold, as a table for people: a row per size class of the arena that
 * anything is held for, their sum, and the heap. The sum is the arena's own count, made
 * apart from the rows.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "features/memory/memory_figures.h"

static double percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 100.0 : (double)part * 100 / (double)whole;
}

static void print_row(const char *name, const struct arena_class *c, struct buf *out)
{
    buf_printf(out, "%10s %12" PRIu64 " %16" PRIu64 " %16" PRIu64 " %8" PRIu64 " %7.1f%%\n", name, c->objects,
               c->used, c->held, c->spans, percent(c->used, c->held));
}

void memory_print_classes(const struct arena *a, const struct memory_figures *f, struct buf *out)
{
    struct arena_class c, sum = {0};
    char name[24];
    buf_append_str(out, "The arena, which holds all that keys reach (sizes and amounts in bytes):\n");
    buf_printf(out, "%10s %12s %16s %16s %8s %8s\n", "size", "objects", "in use", "held", "spans", "in use");
    for (unsigned i = 0; i < arena_classes(); i++) {
        arena_class_figures(a, i, &c);
        if (c.held == 0)
            continue;
        snprintf(name, sizeof name, "%zu", c.size);
        print_row(c.size == 0 ? "runs" : name, &c, out);
        sum.objects += c.objects;
        sum.spans += c.spans;
    }
    sum.used = f->arena_used;
    sum.held = f->arena_held;
    print_row("all", &sum, out);
    buf_printf(out, "Free, and not given back to the kernel: %" PRIu64 "; address space: %" PRIu64 "\n",
               f->arena_dirty, f->arena_reserved);
    buf_printf(out, "The heap, which holds all else: %" PRIu64 " in use, %" PRIu64 " held, %.1f%%\n",
               f->heap_used, f->heap_held, percent(f->heap_used, f->heap_held));
    buf_printf(out, "The process: %" PRIu64 " resident, %" PRIu64 " on swap\n", f->resident, f->swapped);
}
