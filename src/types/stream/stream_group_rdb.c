/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The groups of a stream in RDB:
 *
 *   | groups | per group:
 *       name | last: ms, seq | entries read (not in type 15) |
 *       pending | per entry, by id: 16-byte id | delivered u64 | deliveries |
 *       consumers | per consumer: name | seen u64 | active u64 (from type 21 on) |
 *                     pending | per entry: 16-byte id |
 *       given back (type 27) | per entry, in that order: 16-byte id |
 *
 * Ids are big-endian; u64 are little-endian milliseconds; all other numbers are lengths. Every pending
 * entry must be some consumer's, one's only, or given back.
 */
#include <endian.h>
#include <string.h>

#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "types/stream/stream_pel.h"

enum { RDB_FIRST = 15, RDB_COUNTED = 19, RDB_ACTIVE = 21, RDB_BACK = 27 };
#define RAW_ID 16

/* --- saving --- */

unsigned stream_groups_rdb_type(const struct stream_groups *groups, const struct arena *a)
{
    if (groups == NULL)
        return RDB_COUNTED;
    struct btree_place at = btree_first(&groups->by_name);
    for (const struct stream_group *g; (g = btree_element(a, &at)) != NULL; btree_next(a, &at))
        if (g->nacked != 0)
            return RDB_BACK;
    return RDB_COUNTED;
}

static void save_id(struct rdb_writer *out, struct stream_id id)
{
    uint64_t raw[2] = {htobe64(id.ms), htobe64(id.seq)};
    rdb_write_bytes(out, slice_of(raw, sizeof raw));
}

static void save_pending(struct rdb_writer *out, const struct btree *t, const struct arena *a, bool whole)
{
    rdb_write_len(out, t->count);
    struct btree_place at = btree_first(t);
    for (const struct stream_pending *p; (p = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        save_id(out, p->id);
        if (whole) {
            rdb_write_u64(out, (uint64_t)p->delivered_ms);
            rdb_write_len(out, p->count);
        }
    }
}

static void save_back(struct rdb_writer *out, const struct stream_group *g, const struct arena *a)
{
    rdb_write_len(out, g->nacked);
    for (uint64_t at = g->back.first; at != 0;) {
        const struct stream_pending *p = arena_expand(a, at);
        save_id(out, p->id);
        at = arena_load_short(p->next);
    }
}

static void save_group(struct rdb_writer *out, const struct stream_group *g, const struct arena *a,
                       unsigned rdb_type)
{
    rdb_write_string(out, stream_group_name(g));
    rdb_write_len(out, g->last_id.ms);
    rdb_write_len(out, g->last_id.seq);
    if (rdb_type >= RDB_COUNTED)
        rdb_write_len(out, (uint64_t)g->entries_read);
    save_pending(out, &g->pending, a, true);
    rdb_write_len(out, g->consumers.count);
    struct btree_place at = btree_first(&g->consumers);
    for (const struct stream_consumer *c; (c = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        rdb_write_string(out, stream_consumer_name(c));
        rdb_write_u64(out, (uint64_t)c->seen_ms);
        if (rdb_type >= RDB_ACTIVE)
            rdb_write_u64(out, (uint64_t)c->active_ms);
        save_pending(out, &c->pending, a, false);
    }
    if (rdb_type >= RDB_BACK)
        save_back(out, g, a);
}

void stream_groups_save(struct rdb_writer *out, const struct stream_groups *groups, const struct arena *a,
                        unsigned rdb_type)
{
    rdb_write_len(out, stream_groups_count(groups));
    if (groups == NULL)
        return;
    struct btree_place at = btree_first(&groups->by_name);
    for (const struct stream_group *g; out->code == 0 && (g = btree_element(a, &at)) != NULL;
         btree_next(a, &at))
        save_group(out, g, a, rdb_type);
}

/* --- loading --- */

/* Where a loader stands: what comes next. */
enum stage { GROUPS, GROUP, PENDING, CONSUMERS, CONSUMER, OWNED, BACK, GIVEN_BACK, WHOLE };

static int read_id(struct rdb_reader *in, struct stream_id *id)
{
    struct slice bytes = {0};
    uint64_t raw[2];
    int code = rdb_read_bytes(in, RAW_ID, &bytes);
    if (code != 0)
        return code;
    memcpy(raw, bytes.ptr, sizeof raw);
    *id = (struct stream_id){be64toh(raw[0]), be64toh(raw[1])};
    return 0;
}

static struct stream_group *group_of(const struct stream_groups_load *l)
{
    return arena_expand(l->arena, l->group);
}

static int load_group(struct stream_groups_load *l, struct rdb_reader *in)
{
    struct slice name = {0};
    struct stream_id last = {0, 0};
    uint64_t read = 0, pending = 0, unsure = (uint64_t)STREAM_READ_UNKNOWN;
    size_t begin = in->pos;
    int code = rdb_skip_string(in);
    if (code == 0)
        code = rdb_read_len(in, &last.ms);
    if (code == 0)
        code = rdb_read_len(in, &last.seq);
    if (code == 0 && l->rdb_type >= RDB_COUNTED)
        code = rdb_read_len(in, &read);
    if (code == 0)
        code = rdb_read_len(in, &pending);
    if (code != 0)
        return code;
    size_t end = in->pos;
    l->left = pending;
    l->stage = PENDING;
    if (l->arena == NULL)
        return 0;
    if (l->rdb_type < RDB_COUNTED)
        read = l->estimate == NULL ? unsure : (uint64_t)l->estimate(l->arg, last);
    if (read > INT64_MAX && read != unsure)
        return MR_E_CORRUPT;
    in->pos = begin;
    code = rdb_read_string(in, &name);
    in->pos = end;
    if (code != 0)
        return code;
    if (stream_group_find(l->groups, l->arena, name) != NULL)
        return MR_E_CORRUPT;
    struct stream_group *g = stream_group_add(l->groups, l->arena, name, last, (int64_t)read);
    if (g == NULL)
        return MR_E_MEMORY;
    l->group = arena_shorten(l->arena, g);
    return 0;
}

static int load_pending(struct stream_groups_load *l, struct rdb_reader *in)
{
    struct stream_id id = {0, 0};
    uint64_t delivered = 0, count = 0;
    int code = read_id(in, &id);
    if (code == 0)
        code = rdb_read_u64(in, &delivered);
    if (code == 0)
        code = rdb_read_len(in, &count);
    if (code != 0 || l->arena == NULL)
        return code;
    if (delivered > INT64_MAX || count > INT64_MAX)
        return MR_E_CORRUPT;
    struct btree_place place;
    if (stream_pel_find_last(group_of(l), l->arena, id, &place) != NULL)
        return MR_E_CORRUPT;
    stream_pel_add_loose(l->groups, group_of(l), l->arena, &place, id, (int64_t)delivered, count);
    return 0;
}

static int load_consumer(struct stream_groups_load *l, struct rdb_reader *in)
{
    struct slice name = {0};
    uint64_t seen = 0, active = 0, pending = 0;
    size_t begin = in->pos;
    int code = rdb_skip_string(in);
    if (code == 0)
        code = rdb_read_u64(in, &seen);
    active = seen;
    if (code == 0 && l->rdb_type >= RDB_ACTIVE)
        code = rdb_read_u64(in, &active);
    if (code == 0)
        code = rdb_read_len(in, &pending);
    if (code != 0)
        return code;
    size_t end = in->pos;
    l->left = pending;
    l->stage = OWNED;
    if (l->arena == NULL)
        return 0;
    if (seen > INT64_MAX || (active > INT64_MAX && active != UINT64_MAX))
        return MR_E_CORRUPT;
    in->pos = begin;
    code = rdb_read_string(in, &name);
    in->pos = end;
    if (code != 0)
        return code;
    if (stream_consumer_find(group_of(l), l->arena, name) != NULL)
        return MR_E_CORRUPT;
    struct stream_consumer *c = stream_consumer_add(l->groups, group_of(l), l->arena, name, (int64_t)seen);
    if (c == NULL)
        return MR_E_MEMORY;
    c->active_ms = (int64_t)active;
    l->consumer = arena_shorten(l->arena, c);
    return 0;
}

/* Whether P has been settled: is a consumer's, or in the line of those given back. */
static bool is_settled(const struct stream_group *g, const struct arena *a, const struct stream_pending *p)
{
    return stream_pending_consumer(a, p) != NULL || arena_load_short(p->prev) != 0 ||
           g->back.first == arena_shorten(a, p);
}

static int load_owned(struct stream_groups_load *l, struct rdb_reader *in, struct stream_consumer *c)
{
    struct stream_id id = {0, 0};
    int code = read_id(in, &id);
    if (code != 0 || l->arena == NULL)
        return code;
    struct stream_group *g = group_of(l);
    struct stream_pending *p = stream_pel_find(g, l->arena, id, NULL);
    if (p == NULL || is_settled(g, l->arena, p))
        return MR_E_CORRUPT;
    stream_pel_settle(g, l->arena, p, c);
    return 0;
}

/* The group is whole: nothing pending may be left without an owner. */
static int check_group(const struct stream_groups_load *l)
{
    if (l->arena == NULL)
        return 0;
    const struct stream_group *g = group_of(l);
    uint64_t owned = g->nacked;
    struct btree_place at = btree_first(&g->consumers);
    for (const struct stream_consumer *c; (c = btree_element(l->arena, &at)) != NULL;
         btree_next(l->arena, &at))
        owned += c->pending.count;
    return owned == g->pending.count ? 0 : MR_E_CORRUPT;
}

/* LEFT items of ITEM, then NEXT. */
static int load_items(struct stream_groups_load *l, struct rdb_reader *in, enum stage next)
{
    if (l->left == 0) {
        l->stage = next;
        return 0;
    }
    int code =
        l->stage == PENDING
            ? load_pending(l, in)
            : load_owned(l, in,
                         l->stage == OWNED && l->arena != NULL ? arena_expand(l->arena, l->consumer) : NULL);
    l->left -= code == 0;
    return code;
}

static int load_step(struct stream_groups_load *l, struct rdb_reader *in)
{
    uint64_t count = 0;
    int code = 0;
    switch ((enum stage)l->stage) {
    case GROUPS:
        code = rdb_read_len(in, &l->group_count);
        if (code == 0 && l->group_count != 0 && l->arena != NULL)
            l->groups = stream_groups_new(l->arena);
        l->stage = code == 0 ? GROUP : GROUPS;
        break;
    case GROUP:
        if (l->group_count == 0) {
            l->stage = WHOLE;
            break;
        }
        code = load_group(l, in);
        l->group_count -= code == 0;
        break;
    case PENDING:
        code = load_items(l, in, CONSUMERS);
        break;
    case CONSUMERS:
        code = rdb_read_len(in, &count);
        l->consumer_count = count;
        l->stage = code == 0 ? CONSUMER : CONSUMERS;
        break;
    case CONSUMER:
        if (l->consumer_count == 0) {
            l->stage = BACK;
            break;
        }
        code = load_consumer(l, in);
        l->consumer_count -= code == 0;
        break;
    case OWNED:
        code = load_items(l, in, CONSUMER);
        break;
    case BACK:
        if (l->rdb_type >= RDB_BACK)
            code = rdb_read_len(in, &count);
        l->left = count;
        l->stage = code == 0 ? GIVEN_BACK : BACK;
        break;
    case GIVEN_BACK:
        code = l->left == 0 ? check_group(l) : 0;
        if (code == 0)
            code = load_items(l, in, GROUP);
        break;
    case WHOLE:
        break;
    }
    return code;
}

int stream_groups_load(struct stream_groups_load *l, struct rdb_reader *in)
{
    while (l->stage != WHOLE) {
        size_t begin = in->pos;
        int stage = l->stage;
        uint64_t left = l->left;
        int code = load_step(l, in);
        if (code == 0)
            continue;
        if (code == MR_E_AGAIN) {
            in->want += in->pos - begin;
            in->pos = begin;
            l->stage = stage;
            l->left = left;
        }
        return code;
    }
    return 0;
}
