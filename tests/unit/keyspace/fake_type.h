/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A type of values that are nothing but many allocations: a root that counts them, and a chain.
 * It stands in for the collections, in the place of lists.
 */
#pragma once

#include "keyspace/object.h"

/* Whether the address sanitizer is at work. */
#if defined(__SANITIZE_ADDRESS__)
#define FAKE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FAKE_ASAN 1
#endif
#endif

struct fake_node {
    uint64_t next; /* short pointers */
    uint64_t tag;
};

struct fake_root {
    uint64_t count;
    uint64_t first;
};

static inline struct fake_root *fake_of(const struct keyspace *ks, const struct entry *e)
{
    const struct arena *a = keyspace_arena((struct keyspace *)(uintptr_t)ks);
    return (struct fake_root *)arena_expand(a, arena_load_short(entry_value(e)));
}

/* A value of COUNT nodes, all with TAG. */
static inline void fake_make(struct keyspace *ks, uint64_t count, uint64_t tag, struct entry_value *v)
{
    struct arena *a = keyspace_arena(ks);
    struct fake_root *root = arena_alloc(a, sizeof *root);
    *root = (struct fake_root){.count = count};
    for (uint64_t i = 0; i < count; i++) {
        struct fake_node *node = arena_alloc(a, sizeof *node);
        *node = (struct fake_node){.next = root->first, .tag = tag};
        root->first = arena_shorten(a, node);
    }
    entry_value_pointer(v, arena_shorten(a, root));
}

static inline bool fake_is(const struct keyspace *ks, const struct entry *e, uint64_t count, uint64_t tag)
{
    const struct arena *a = keyspace_arena((struct keyspace *)(uintptr_t)ks);
    const struct fake_root *root = fake_of(ks, e);
    uint64_t seen = 0;
    for (const struct fake_node *node = arena_expand(a, root->first); node != NULL;
         node = arena_expand(a, node->next), seen++)
        if (node->tag != tag)
            return false;
    return entry_type(e) == OBJECT_LIST && root->count == count && seen == count;
}

static inline uint64_t fake_length(const struct keyspace *ks, const struct entry *e)
{
    return fake_of(ks, e)->count;
}

static inline size_t fake_memory(const struct keyspace *ks, const struct entry *e, size_t samples)
{
    (void)samples;
    return sizeof(struct fake_root) + fake_of(ks, e)->count * sizeof(struct fake_node);
}

static inline bool fake_free_some(struct keyspace *ks, struct entry *e, uint64_t *budget)
{
    struct arena *a = keyspace_arena(ks);
    struct fake_root *root = fake_of(ks, e);
    while (root->first != 0 && *budget != 0) {
        struct fake_node *node = arena_expand(a, root->first);
        root->first = node->next;
        root->count--;
        --*budget;
        arena_free(a, node, sizeof *node);
    }
    if (root->first != 0)
        return false;
    arena_free(a, root, sizeof *root);
    return true;
}

static const struct object_type fake_type = {
    .number = OBJECT_LIST,
    .name = "fake",
    .rdb_types = (const int8_t[]){-1},
    .memory = fake_memory,
    .length = fake_length,
    .free_some = fake_free_some,
};

static const struct object_types fake_types = {.by_number = {[OBJECT_LIST] = &fake_type}};
