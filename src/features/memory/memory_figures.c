/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See memory_figures.h.
 */
#include "features/memory/memory_figures.h"

#include <inttypes.h>
#include <stdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/arena.h"
#include "base/clock.h"
#include "base/heap.h"
#include "command/dispatch.h"
#include "features/memory/memory_private.h"
#include "keyspace/keyspace.h"

uint64_t memory_swapped(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmSwap: %" SCNu64 " kB", &kib) == 1)
            break;
    fclose(f);
    return kib * 1024;
}

uint64_t memory_heap_held(uint64_t used)
{
    uint64_t held = 0;
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
    struct mallinfo2 said = mallinfo2();
    held = (uint64_t)said.arena + said.hblkhd;
#endif
#endif
    return held > used ? held : used;
}

static void take_clients(const struct memory *m, struct memory_figures *out)
{
    for (const struct session *s = dispatch_first_session(m->dispatch); s != NULL; s = s->next) {
        struct net_conn_stats stats;
        net_conn_get_stats(s->conn, &stats);
        uint64_t bytes = stats.memory + sizeof *s;
        out->client_count++;
        out->clients += bytes;
        if (bytes > out->client_most) {
            out->client_most = bytes;
            out->client_most_id = s->id;
        }
    }
}

static void take_databases(struct keyspace *ks, struct memory_figures *out)
{
    for (unsigned i = 0; i < keyspace_databases(ks); i++) {
        const struct db *db = keyspace_db(ks, i);
        out->keys += db_size(db);
        out->expires += db_expires(db);
        out->tables += db_table_memory(db);
        out->expiry += db_expiry_memory(db);
    }
    int64_t since = clock_ms() - keyspace_expire_deadline(ks);
    out->overdue = since > 0 ? since : 0;
}

static void take_classes(const struct arena *a, struct memory_figures *out)
{
    struct arena_class c;
    for (unsigned i = 0; i < arena_classes(); i++) {
        arena_class_figures(a, i, &c);
        if (c.held - c.used > out->class_free) {
            out->class_free = c.held - c.used;
            out->class_size = c.size;
        }
    }
}

void memory_figures_take(const struct memory *m, struct memory_figures *out)
{
    struct keyspace *ks = dispatch_keyspace(m->dispatch);
    const struct arena *a = keyspace_arena(ks);
    *out = (struct memory_figures){.at_start = m->at_start,
                                   .arena_used = a->used,
                                   .arena_held = a->held,
                                   .arena_dirty = a->dirty,
                                   .arena_reserved = a->reserved,
                                   .heap_used = heap_used(),
                                   .limit = m->options->limit,
                                   .machine = memory_of_machine(),
                                   .resident = memory_resident(),
                                   .swapped = memory_swapped()};
    out->heap_held = memory_heap_held(out->heap_used);
    out->used = out->arena_used + out->heap_used;
    out->peak = out->used > m->peak ? out->used : m->peak; /* the turn that asks has not ended yet */
    take_clients(m, out);
    take_databases(ks, out);
    take_classes(a, out);
}
