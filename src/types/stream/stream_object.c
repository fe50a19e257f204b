/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams as an object type, and their options. How files hold them is in stream_rdb.c.
 */
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_group.h"
#include "types/stream/stream_idmp.h"
#include "types/stream/stream_node.h"
#include "types/stream/stream_rdb.h"
#include "types/stream/stream_sums.h"

static const char *encoding(const struct keyspace *ks, const struct entry *e)
{
    (void)ks, (void)e;
    return "stream";
}

/* Nodes are what there is to free or to walk, not entries; with what hangs on groups. */
static uint64_t length(const struct keyspace *ks, const struct entry *e)
{
    const struct arena *a = keyspace_arena(ks);
    const struct stream *s = stream_of(ks, e);
    return s->nodes.count + stream_groups_work(arena_expand(a, s->groups)) +
           stream_idmp_work(arena_expand(a, s->idmp));
}

static size_t memory(const struct keyspace *ks, const struct entry *e, size_t samples)
{
    const struct arena *a = keyspace_arena(ks);
    const struct stream *s = stream_of(ks, e);
    (void)samples;
    return sizeof *s + s->bytes + s->nodes.bytes + stream_sums_memory(s, a) +
           stream_groups_memory(arena_expand(a, s->groups), a) + stream_idmp_memory(arena_expand(a, s->idmp));
}

/* --- freeing --- */

struct owner {
    struct stream *s;
    struct arena *a;
};

static void free_node(void *arg, void *element)
{
    const struct owner *o = arg;
    stream_node_free(o->s, o->a, element);
}

bool stream_free_some(struct stream *s, struct arena *a, uint64_t *budget)
{
    struct owner o = {s, a};
    if (!btree_drain(&s->nodes, a, budget, free_node, &o))
        return false;
    if (s->groups != 0) {
        if (!stream_groups_free_some(arena_expand(a, s->groups), a, budget))
            return false;
        s->groups = 0;
    }
    if (s->idmp != 0) {
        if (!stream_idmp_free_some(arena_expand(a, s->idmp), a, budget))
            return false;
        s->idmp = 0;
    }
    stream_sums_free(s, a);
    arena_free(a, s, sizeof *s);
    return true;
}

static bool free_some(struct keyspace *ks, struct entry *e, uint64_t *budget)
{
    return stream_free_some(stream_of(ks, e), keyspace_arena(ks), budget);
}

/* --- copying --- */

static bool copy_nodes(struct stream *to, const struct stream *from, struct arena *a)
{
    struct btree_place place = btree_first(&from->nodes);
    const struct stream_node *n = btree_element(a, &place);
    for (; n != NULL; n = btree_next(a, &place) ? btree_element(a, &place) : NULL) {
        size_t size = arena_usable(n->used);
        struct stream_node *made = arena_try_alloc(a, size);
        if (made == NULL)
            return false;
        memcpy(made, n, n->used);
        made->size = (uint32_t)size;
        to->bytes += size;
        stream_put_node(to, a, made);
    }
    return true;
}

static bool copy_parts(struct stream *to, const struct stream *from, struct arena *a)
{
    if (!copy_nodes(to, from, a))
        return false;
    if (from->groups != 0)
        to->groups = arena_shorten(a, stream_groups_copy(arena_expand(a, from->groups), a));
    if (from->groups != 0 && to->groups == 0)
        return false;
    if (from->idmp == 0)
        return true;
    to->idmp = arena_shorten(a, stream_idmp_copy(arena_expand(a, from->idmp), a));
    return to->idmp != 0;
}

static int copy(struct keyspace *ks, const struct entry *e, struct entry_value *ret)
{
    struct arena *a = keyspace_arena(ks);
    const struct stream *from = stream_of(ks, e);
    struct stream *to = arena_alloc(a, sizeof *to);
    *to = *from;
    btree_init(&to->nodes, BTREE_BY_ORDER);
    to->bytes = to->groups = to->idmp = to->sums_low = to->sums_high = 0;
    if (!copy_parts(to, from, a)) {
        uint64_t all = UINT64_MAX;
        (void)stream_free_some(to, a, &all);
        return MR_E_MEMORY;
    }
    entry_value_object(ret, arena_shorten(a, to));
    return 0;
}

/* --- moving --- */

struct moving {
    struct arena *a;
    size_t moved;
};

static void *move_node(void *arg, void *element)
{
    struct moving *m = arg;
    const struct stream_node *n = element;
    return arena_relocate(m->a, element, n->size, &m->moved);
}

/* One part after the other; which one it is stands in the cursor's highest bits. */
#define PART_SHIFT 62
#define PART_MASK  (((uint64_t)1 << PART_SHIFT) - 1)
enum part { PART_NODES, PART_GROUPS, PART_IDMP, PART_END };

static bool relocate_part(struct stream *s, struct moving *m, enum part part, uint64_t *at, uint64_t *budget)
{
    if (part == PART_NODES)
        return btree_relocate(&s->nodes, m->a, at, budget, move_node, m);
    if (part == PART_GROUPS) {
        struct stream_groups *groups = arena_expand(m->a, s->groups);
        bool done = stream_groups_relocate(&groups, m->a, at, budget, &m->moved);
        s->groups = arena_shorten(m->a, groups);
        return done;
    }
    struct stream_idmp *idmp = arena_expand(m->a, s->idmp);
    bool done = stream_idmp_relocate(&idmp, m->a, at, budget, &m->moved);
    s->idmp = arena_shorten(m->a, idmp);
    return done;
}

static bool relocate(struct keyspace *ks, struct entry *e, uint64_t *cursor, uint64_t *budget, size_t *moved)
{
    struct moving m = {.a = keyspace_arena(ks)};
    struct stream *was = stream_of(ks, e), *s = arena_relocate(m.a, was, sizeof *s, &m.moved);
    unsigned part = (unsigned)(*cursor >> PART_SHIFT);
    uint64_t at = *cursor & PART_MASK;
    if (s != was)
        arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(m.a, s));
    if (*cursor == 0)
        stream_sums_relocate(s, m.a, &m.moved);
    while (part<PART_END && * budget> 0 && relocate_part(s, &m, part, &at, budget)) {
        part++;
        at = 0;
    }
    *cursor = (uint64_t)part << PART_SHIFT | (at & PART_MASK);
    *moved += m.moved;
    return part == PART_END;
}

const struct object_type stream_type = {
    .number = OBJECT_STREAM,
    .name = "stream",
    .rdb_types = stream_rdb_types,
    .load = stream_rdb_load,
    .load_drop = stream_rdb_load_drop,
    .encoding = encoding,
    .rdb_type = stream_rdb_type,
    .save = stream_rdb_save,
    .rewrite = stream_rewrite,
    .copy = copy,
    .length = length,
    .memory = memory,
    .free_some = free_some,
    .relocate = relocate,
};

/* --- options --- */

const struct config_option stream_config_rows[] = {
    {.name = "stream-node-max-bytes",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct stream_options, node_max_bytes),
     .fallback = "4096",
     .min = 0,
     .max = INT64_MAX,
     .sentence =
         "How many bytes of entries a node of a stream may have, as they would be in a file; 0: no limit. "
         "What is there already stays as it is."},
    {.name = "stream-node-max-entries",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct stream_options, node_max_entries),
     .fallback = "100",
     .min = 0,
     .max = INT64_MAX,
     .sentence =
         "How many entries a node of a stream may have, those that were deleted counted; 0: no limit, "
         "but what stream-node-max-bytes says."},
    {.name = "stream-idmp-duration",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct stream_options, idmp_duration),
     .fallback = "100",
     .min = 1,
     .max = 86400,
     .sentence = "For how many seconds a stream remembers the idempotent ids that messages were added with, "
                 "unless XCFGSET says something else for that stream."},
    {.name = "stream-idmp-maxsize",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct stream_options, idmp_maxsize),
     .fallback = "100",
     .min = 1,
     .max = 10000,
     .sentence = "How many idempotent ids a stream remembers of each producer, unless XCFGSET says something "
                 "else for that stream."},
};
const size_t stream_config_count = sizeof stream_config_rows / sizeof stream_config_rows[0];
