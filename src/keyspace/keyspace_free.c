/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allocating and freeing entries with what their values point to: a blob, or an object, which
 * its type frees. Big objects become orphans: their entries stay, in a list, until a background pass
 * has freed all of their elements.
 */
#include "base/heap.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/object.h"

/* Elements that are freed at once. */
#define SMALL_VALUE 64

struct entry *keyspace_alloc_entry(struct keyspace *ks, size_t size)
{
    if (likely(size <= ENTRY_SURE_MAX))
        return arena_alloc(&ks->arena, size);
    return arena_try_alloc(&ks->arena, size);
}

void keyspace_free_shell(struct keyspace *ks, struct entry *e)
{
    arena_free(&ks->arena, e, entry_size(e));
}

static void free_blob(struct keyspace *ks, uint64_t shortened)
{
    struct entry_blob *blob = arena_expand(&ks->arena, shortened);
    arena_free(&ks->arena, blob, blob->size);
}

/* Frees what E points to; false: it is an orphan now, and E is the list's. */
static bool free_value(struct keyspace *ks, struct entry *e)
{
    if (entry_encoding(e) == ENTRY_POINTER) {
        free_blob(ks, entry_pointer(e));
        return true;
    }
    const struct object_type *type = object_types_of(ks->types, e);
    uint64_t budget = UINT64_MAX;
    if (type->length(ks, e) <= SMALL_VALUE && type->free_some(ks, e, &budget))
        return true;
    struct keyspace_orphan *orphan = heap_alloc(sizeof *orphan);
    *orphan = (struct keyspace_orphan){.e = e, .next = ks->orphans};
    ks->orphans = orphan;
    return false;
}

void keyspace_free_entry(struct keyspace *ks, struct entry *e)
{
    if (entry_points(e) && !free_value(ks, e))
        return;
    keyspace_free_shell(ks, e);
}

void keyspace_free_value(struct keyspace *ks, unsigned type, const struct entry_value *v)
{
    if (v->encoding == ENTRY_POINTER)
        free_blob(ks, v->number);
    if (v->encoding != ENTRY_OBJECT)
        return;
    /* What frees objects, some of them by and by, does so with the entry that they are in. */
    struct entry *e = arena_alloc(&ks->arena, entry_layout(false, 0, v->size));
    entry_write(e, type, 0, false, slice_of("", 0), v);
    keyspace_free_entry(ks, e);
}

bool keyspace_free_orphans(struct keyspace *ks, uint64_t budget)
{
    while (ks->orphans != NULL && budget != 0) {
        struct keyspace_orphan *orphan = ks->orphans;
        /* Room for the entry itself, whatever the type counts. */
        budget--;
        if (!object_types_of(ks->types, orphan->e)->free_some(ks, orphan->e, &budget))
            break;
        ks->orphans = orphan->next;
        keyspace_free_shell(ks, orphan->e);
        heap_free(orphan);
    }
    return ks->orphans != NULL;
}

bool keyspace_has_orphans(const struct keyspace *ks)
{
    return ks->orphans != NULL;
}

void keyspace_free_orphan_list(struct keyspace *ks)
{
    while (ks->orphans != NULL) {
        struct keyspace_orphan *orphan = ks->orphans;
        ks->orphans = orphan->next;
        heap_free(orphan);
    }
}
