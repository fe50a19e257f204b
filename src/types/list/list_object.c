/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists as an object type, and their options.
 */
#include <string.h>

#include "keyspace/object.h"
#include "types/list/list_private.h"

/* A node costs as much as so many elements of another type would, to free or to move. */
#define ELEMENTS_OF_NODE 16

static const char *encoding(const struct keyspace *ks, const struct entry *e)
{
    (void)ks, (void)e;
    return "quicklist";
}

static uint64_t length(const struct keyspace *ks, const struct entry *e)
{
    struct list l;
    list_of(&l, ks, e);
    return list_length(&l);
}

/* A copy of N for the list L; NULL: no memory for it. */
static struct list_node *copy_node(struct list *l, const struct list_node *n)
{
    struct list_node *made = arena_try_alloc(l->a, n->size);
    if (made != NULL) {
        memcpy(made, n, n->size);
        l->root->bytes += n->size;
    }
    return made;
}

static int copy_object(struct list *from, struct entry_value *ret)
{
    struct list to = *from;
    struct list_spot s = {.where = LIST_HEAD};
    list_root_new(&to);
    struct list_root *root = to.root;
    root->count = from->root->count;
    do {
        struct list_node *n = copy_node(&to, list_spot_node(from, &s));
        if (n == NULL) {
            list_root_free(&to);
            return MR_E_MEMORY;
        }
        struct btree_place end = btree_end(&root->middle, to.a);
        if (s.where == LIST_HEAD)
            root->head = root->tail = arena_shorten(to.a, n);
        else if (s.where == LIST_TAIL)
            root->tail = arena_shorten(to.a, n);
        else
            btree_insert(&root->middle, to.a, &end, n, (uint32_t)list_spot_count(from, &s));
    } while (list_spot_next(from, &s));
    entry_value_object(ret, arena_shorten(to.a, root));
    return 0;
}

static int copy(struct keyspace *ks, const struct entry *e, struct entry_value *ret)
{
    struct list l;
    list_of(&l, ks, e);
    return l.packed != NULL ? entry_value_copy(ret, l.a, e) : copy_object(&l, ret);
}

static size_t memory(const struct keyspace *ks, const struct entry *e, size_t samples)
{
    const struct list_root *root = entry_object(keyspace_arena(ks), e);
    (void)samples;
    return sizeof *root + root->bytes + root->middle.bytes;
}

static void free_element(void *arg, void *element)
{
    list_node_free(arg, element);
}

static bool free_some(struct keyspace *ks, struct entry *e, uint64_t *budget)
{
    struct list l;
    list_of(&l, ks, e);
    struct list_root *root = l.root;
    uint64_t nodes = *budget / ELEMENTS_OF_NODE + 1, had = nodes;
    bool drained = btree_drain(&root->middle, l.a, &nodes, free_element, &l);
    uint64_t freed = (had - nodes) * ELEMENTS_OF_NODE;
    *budget -= freed < *budget ? freed : *budget;
    if (drained)
        list_root_free(&l);
    return drained;
}

/* --- moving --- */

struct moving {
    struct arena *a;
    size_t moved;
};

static void *move_node(void *arg, void *element)
{
    struct moving *m = arg;
    const struct list_node *n = element;
    return arena_relocate(m->a, element, n->size, &m->moved);
}

static bool relocate(struct keyspace *ks, struct entry *e, uint64_t *cursor, uint64_t *budget, size_t *moved)
{
    struct moving m = {.a = keyspace_arena(ks)};
    struct list_root *root = arena_relocate(m.a, entry_object(m.a, e), sizeof *root, &m.moved);
    arena_store_short((unsigned char *)(uintptr_t)entry_value(e), arena_shorten(m.a, root));
    bool one = root->head == root->tail;
    root->head = arena_shorten(m.a, move_node(&m, arena_expand(m.a, root->head)));
    root->tail = one ? root->head : arena_shorten(m.a, move_node(&m, arena_expand(m.a, root->tail)));
    uint64_t nodes = *budget / ELEMENTS_OF_NODE + 1, had = nodes;
    bool done = btree_relocate(&root->middle, m.a, cursor, &nodes, move_node, &m);
    uint64_t looked_at = (had - nodes) * ELEMENTS_OF_NODE;
    *budget -= looked_at < *budget ? looked_at : *budget;
    *moved += m.moved;
    return done;
}

/* --- elements --- */

static void each(const struct keyspace *ks, const struct entry *e,
                 bool (*fn)(void *arg, struct slice element), void *arg)
{
    struct list l;
    struct list_walk w;
    struct listpack_value v;
    char scratch[NUMBER_TEXT_MAX];
    list_of(&l, ks, e);
    list_walk_begin(&w, &l, 0, false);
    while (list_walk_next(&w, &v) && fn(arg, listpack_text(&v, scratch)))
        continue;
    list_walk_done(&w);
}

const struct object_type list_type = {
    .number = OBJECT_LIST,
    .name = "list",
    .rdb_types = list_rdb_types,
    .load = list_rdb_load,
    .load_drop = list_rdb_load_drop,
    .encoding = encoding,
    .rdb_type = list_rdb_type,
    .save = list_rdb_save,
    .rewrite = list_rewrite,
    .copy = copy,
    .length = length,
    .memory = memory,
    .free_some = free_some,
    .relocate = relocate,
    .each = each,
    .ordered = true,
    .store_elements = list_store_elements,
};

/* --- options --- */

const struct config_option list_config_rows[] = {
    {.name = "list-max-listpack-size",
     .alias = "list-max-ziplist-size",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct list_options, max_listpack_size),
     .fallback = "-2",
     .min = INT32_MIN,
     .max = INT32_MAX,
     .sentence =
         "How big a node of a list may become: as a number of elements, or, from -1 to -5, as 4, 8, 16, "
         "32 or 64 kilobytes. What is there already stays as it is."},
    {.name = "list-compress-depth",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct list_options, compress_depth),
     .fallback = "0",
     .min = 0,
     .max = INT32_MAX,
     .sentence =
         "How many nodes at each end of a long list are left as they are, while those between are "
         "compressed; 0 compresses none. It costs time where the middle of a list is read or changed."},
};
const size_t list_config_count = sizeof list_config_rows / sizeof list_config_rows[0];
