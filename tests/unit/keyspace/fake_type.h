/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A type of values that are packed bytes, or objects that are nothing but many allocations: a root
 * that counts them, and a chain. It stands in for the collections, in the place of lists.
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
    return entry_object(a, e);
}

static inline void fake_add(struct keyspace *ks, struct fake_root *root, uint64_t count, uint64_t tag)
{
    struct arena *a = keyspace_arena(ks);
    root->count += count;
    for (uint64_t i = 0; i < count; i++) {
        struct fake_node *node = arena_alloc(a, sizeof *node);
        *node = (struct fake_node){.next = root->first, .tag = tag};
        root->first = arena_shorten(a, node);
    }
}

/* An object of COUNT nodes, all with TAG. */
static inline struct fake_root *fake_new(struct keyspace *ks, uint64_t count, uint64_t tag)
{
    struct fake_root *root = arena_alloc(keyspace_arena(ks), sizeof *root);
    *root = (struct fake_root){0};
    fake_add(ks, root, count, tag);
    return root;
}

/* The same as a value. */
static inline void fake_make(struct keyspace *ks, uint64_t count, uint64_t tag, struct entry_value *v)
{
    entry_value_object(v, arena_shorten(keyspace_arena(ks), fake_new(ks, count, tag)));
}

static inline bool fake_is(const struct keyspace *ks, const struct entry *e, uint64_t count, uint64_t tag)
{
    if (entry_is_packed(e))
        return false;
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
    return entry_is_packed(e) ? 1 : fake_of(ks, e)->count;
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

static inline void *fake_somewhere_else(struct arena *a, void *ptr, size_t size)
{
    void *to = arena_alloc(a, size);
    memcpy(to, ptr, size);
    arena_free(a, ptr, size);
    return to;
}

static inline bool fake_relocate(struct keyspace *ks, struct entry *e, uint64_t *cursor, uint64_t *budget,
                                 size_t *moved)
{
    struct arena *a = keyspace_arena(ks);
    struct fake_root *root = fake_of(ks, e);
    if (arena_is_leaving(a, root, sizeof *root)) {
        root = fake_somewhere_else(a, root, sizeof *root);
        arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(a, root));
        ++*moved;
    }
    uint64_t at = 0;
    for (uint64_t *link = &root->first; *link != 0; at++) {
        struct fake_node *node = arena_expand(a, *link);
        if (at >= *cursor && *budget == 0) {
            *cursor = at;
            return false;
        }
        if (at >= *cursor) {
            --*budget;
            if (arena_is_leaving(a, node, sizeof *node)) {
                node = fake_somewhere_else(a, node, sizeof *node);
                *link = arena_shorten(a, node);
                ++*moved;
            }
        }
        link = &node->next;
    }
    return true;
}

static const struct object_type fake_type = {
    .number = OBJECT_LIST,
    .name = "fake",
    .rdb_types = (const int8_t[]){-1},
    .memory = fake_memory,
    .length = fake_length,
    .free_some = fake_free_some,
    .relocate = fake_relocate,
};

static const struct object_types fake_types = {.by_number = {[OBJECT_LIST] = &fake_type}};
