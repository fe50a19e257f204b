/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work that is put off: freeing flushed databases and big values, rehashing, giving memory
 * back to the kernel, the sweep over old access stamps. In slices, the most useful first.
 */
#include "base/heap.h"
#include "keyspace/background_private.h"
#include "keyspace/evict_private.h"
#include "keyspace/keyspace_ops.h"
#include "keyspace/keyspace_private.h"

/* How much is done between two looks at the clock. */
#define DRAIN_BUCKETS  8
#define ORPHAN_BUDGET  64
#define REHASH_BUCKETS 16
#define TRIM_BYTES     ((size_t)256 << 10)
/* Free memory goes back to the kernel when nobody has wanted it for so long, and it is so much. */
#define TRIM_WINDOW_US 100000
#define TRIM_LEAST     ((size_t)128 << 10)

static void drain_element(void *arg, void *element)
{
    keyspace_free_entry(arg, element);
}

/* The rehash of one table; the flag goes when no table has more. */
static void background_rehash(struct keyspace *ks)
{
    for (unsigned i = 0; i < ks->databases; i++) {
        struct db *db = &ks->db[i];
        if (!dict_rehashing(&db->dict) || db->dict.paused != 0)
            continue;
        dict_rehash_step(&db->dict, &ks->arena, &keyspace_dict_ops, ks, REHASH_BUCKETS);
        return;
    }
    ks->rehashing = false;
}

static void background_drain(struct keyspace *ks)
{
    struct keyspace_drain *drain = ks->drains;
    if (!dict_drain(&drain->dict, &ks->arena, &drain->cursor, DRAIN_BUCKETS, drain_element, ks))
        return;
    ks->drains = drain->next;
    heap_free(drain);
}

/* --- giving back --- */

static void background_trim(struct keyspace *ks)
{
    struct keyspace_trim *t = &ks->trim;
    size_t given = arena_trim(&ks->arena, t->left < TRIM_BYTES ? t->left : TRIM_BYTES);
    t->left = given == 0 || given >= t->left ? 0 : t->left - given;
    if (given == 0)
        t->stuck = ks->arena.dirty;
}

/* Of the arena's free memory that goes back which was not used again for a whole window, so that an
 * arena whose size goes up and down does not trade pages with the kernel. */
static bool background_wants_trim(struct keyspace *ks)
{
    struct keyspace_trim *t = &ks->trim;
    size_t dirty = ks->arena.dirty;
    if (dirty < t->low)
        t->low = dirty;
    if (likely(t->left == 0 && (t->low < TRIM_LEAST || clock_mono_us() - t->since_us < TRIM_WINDOW_US))) {
        if (unlikely(dirty >= TRIM_LEAST && t->low < TRIM_LEAST)) {
            t->low = dirty;
            t->since_us = clock_mono_us();
        }
        return false;
    }
    if (t->left == 0) {
        t->left = dirty == t->stuck ? 0 : t->low;
        t->low = dirty;
        t->since_us = clock_mono_us();
    }
    return t->left != 0;
}

int64_t keyspace_background_wait(const struct keyspace *ks)
{
    const struct keyspace_trim *t = &ks->trim;
    return t->low < TRIM_LEAST || ks->arena.dirty == t->stuck ? -1 : TRIM_WINDOW_US;
}

static bool background_is_idle(struct keyspace *ks)
{
    return ks->drains == NULL && !ks->rehashing && !keyspace_has_orphans(ks) && !background_wants_trim(ks) &&
           !evict_wants_sweep(ks);
}

bool keyspace_background(struct keyspace *ks, int64_t us)
{
    if (likely(background_is_idle(ks)))
        return false;
    int64_t end = clock_mono_now_us() + us;
    do {
        if (keyspace_has_orphans(ks))
            keyspace_free_orphans(ks, ORPHAN_BUDGET);
        else if (ks->drains != NULL)
            background_drain(ks);
        else if (ks->rehashing)
            background_rehash(ks);
        else if (background_wants_trim(ks))
            background_trim(ks);
        else if (evict_wants_sweep(ks))
            evict_sweep(ks);
        else
            return false;
    } while (clock_mono_now_us() < end);
    return !background_is_idle(ks);
}

bool keyspace_is_freeing(const struct keyspace *ks)
{
    return ks->drains != NULL || keyspace_has_orphans(ks);
}
