/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XINFO STREAM and XINFO HELP.
 */
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_group.h"
#include "types/stream/stream_idmp.h"

#define FULL_COUNT   10  /* entries and pending entries, where nothing is said */
#define NODES_WALKED 512 /* for radix-tree-nodes; of more of them, the number is an estimate */

/* --- radix-tree-nodes --- */

/* Redis keeps the nodes of a stream in a radix tree by the 16 bytes of their first ids, high ones
 * first. Its number of nodes follows from those ids: a leaf for each, one wherever they part, and one
 * for each run of bytes on the way that they have in common, or that leads to a leaf. */

static unsigned id_byte(struct stream_id id, unsigned i)
{
    return (unsigned)((i < 8 ? id.ms : id.seq) >> (56 - 8 * (i % 8)) & 255);
}

/* Bytes that A and B begin with alike. */
static unsigned common(struct stream_id a, struct stream_id b)
{
    unsigned n = 0;
    while (n < 16 && id_byte(a, n) == id_byte(b, n))
        n++;
    return n;
}

struct radix {
    uint64_t nodes;
    unsigned parts[17]; /* bytes before each place where the way to the last id parts, the least first; */
    unsigned depth;     /* how many */
};

/* The way from one place, or the begin (-1), to the next one is over. */
static void count_way(struct radix *r, int from, unsigned to)
{
    r->nodes += (int)to - from > 1;
}

/* The last id's way is left above SHARED bytes, by one that parts there. */
static void leave(struct radix *r, unsigned shared)
{
    unsigned below = 16;
    while (r->depth > 0 && r->parts[r->depth - 1] > shared) {
        count_way(r, (int)r->parts[r->depth - 1], below);
        below = r->parts[--r->depth];
        r->nodes++;
    }
    if (r->depth == 0 || r->parts[r->depth - 1] < shared)
        r->parts[r->depth++] = shared;
    count_way(r, (int)shared, below);
}

static uint64_t radix_nodes(const struct stream *s, const struct arena *a)
{
    struct radix r = {.nodes = 0};
    struct btree_place place = btree_first(&s->nodes);
    const struct stream_node *n = btree_element(a, &place);
    uint64_t walked = 0;
    if (n == NULL)
        return 1;
    struct stream_id last = n->first;
    for (walked = 1; walked < NODES_WALKED && btree_next(a, &place); walked++) {
        n = btree_element(a, &place);
        leave(&r, common(last, n->first));
        last = n->first;
    }
    unsigned below = 16;
    for (; r.depth > 0; below = r.parts[--r.depth], r.nodes++)
        count_way(&r, (int)r.parts[r.depth - 1], below);
    count_way(&r, -1, below);
    r.nodes += walked;
    return walked == s->nodes.count ? r.nodes : s->nodes.count * r.nodes / walked;
}

/* --- the reply --- */

static void reply_number(struct resp_writer *w, const char *name, uint64_t value)
{
    resp_bulk_str(w, name);
    resp_int(w, (int64_t)value);
}

static void reply_named_id(struct resp_writer *w, const char *name, struct stream_id id)
{
    resp_bulk_str(w, name);
    stream_reply_id(w, id);
}

static void reply_edge(struct resp_writer *w, const char *name, const struct stream_key *k, bool back)
{
    struct stream_walk walk;
    resp_bulk_str(w, name);
    stream_walk_begin(&walk, k->s, k->a, STREAM_ID_MIN, STREAM_ID_MAX, back);
    if (stream_walk_next(&walk))
        stream_walk_reply(&walk, w);
    else
        resp_null(w);
}

static void reply_entries(struct resp_writer *w, const struct stream_key *k, uint64_t count)
{
    struct stream_walk walk;
    uint64_t told = 0;
    resp_bulk_str(w, "entries");
    size_t mark = resp_later(w);
    stream_walk_begin(&walk, k->s, k->a, STREAM_ID_MIN, STREAM_ID_MAX, false);
    for (; (count == 0 || told < count) && stream_walk_next(&walk); told++)
        stream_walk_reply(&walk, w);
    resp_later_end(w, mark, '*', told);
}

static void reply_info(struct resp_writer *w, const struct stream_key *k, bool full, uint64_t count)
{
    const struct stream *s = k->s;
    const struct stream_groups *groups = arena_expand(k->a, s->groups);
    resp_map(w, (full ? 9 : 10) + STREAM_IDMP_INFO);
    reply_number(w, "length", s->length);
    reply_number(w, "radix-tree-keys", s->nodes.count);
    reply_number(w, "radix-tree-nodes", radix_nodes(s, k->a));
    reply_named_id(w, "last-generated-id", s->last_id);
    reply_named_id(w, "max-deleted-entry-id", s->max_deleted_id);
    reply_number(w, "entries-added", s->entries_added);
    reply_named_id(w, "recorded-first-entry-id", stream_first_id(s, k->a));
    stream_idmp_reply_info(w, arena_expand(k->a, s->idmp), stream_options_of(k->ks));
    if (full) {
        reply_entries(w, k, count);
        resp_bulk_str(w, "groups");
        stream_groups_reply_full(w, groups, k->a, s, count);
        return;
    }
    reply_number(w, "groups", stream_groups_count(groups));
    reply_edge(w, "first-entry", k, false);
    reply_edge(w, "last-entry", k, true);
}

/* FULL [COUNT count]. */
static bool parse_full(struct command_ctx *ctx, bool *full, uint64_t *count)
{
    int64_t value = FULL_COUNT;
    *full = ctx->argc > 3;
    if (*full && !((ctx->argc == 4 || (ctx->argc == 6 && slice_is(ctx->argv[4], "COUNT"))) &&
                   slice_is(ctx->argv[3], "FULL"))) {
        dispatch_bad_subcommand(ctx);
        return false;
    }
    if (ctx->argc == 6 && !dispatch_arg_int(ctx, 5, &value))
        return false;
    *count = value < 0 ? FULL_COUNT : (uint64_t)value;
    return true;
}

void stream_cmd_xinfo_stream(struct command_ctx *ctx)
{
    struct stream_key k;
    uint64_t count;
    bool full;
    if (!stream_find(ctx, 2, DB_COUNT, &k))
        return;
    if (k.s == NULL) {
        resp_error_code(ctx->reply, MR_E_NO_KEY);
        return;
    }
    if (parse_full(ctx, &full, &count))
        reply_info(ctx->reply, &k, full, count);
}

void stream_cmd_xinfo_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {
        "CONSUMERS <key> <groupname>",
        "    The consumers of a group.",
        "GROUPS <key>",
        "    The groups of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    What is known of the stream; FULL: with its entries, groups and consumers.",
        NULL,
    };
    dispatch_help(ctx, lines);
}
