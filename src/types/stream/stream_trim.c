/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trimming streams: from the first node on whole nodes, as long as all of their entries are to go,
 * then entries within one. Many nodes are counted by the sums that there are of them, cut off, and
 * freed later.
 */
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_group.h"
#include "types/stream/stream_node.h"
#include "types/stream/stream_sums.h"

/* As many nodes are freed at once at most. */
#define MANY 64

struct trim {
    struct keyspace *ks;
    struct stream *s;
    struct arena *a;
    const struct stream_trim *t;
    struct stream_groups *groups; /* NULL: nothing has to do with them */
    uint64_t deleted;
};

/* Whether nothing behind is to go, where N is the first node that is left. */
static bool is_done(const struct trim *w, const struct stream_node *n)
{
    if (w->t->by == STREAM_TRIM_MAXLEN ? w->s->length <= w->t->maxlen
                                       : stream_id_compare(n->first, w->t->minid) >= 0)
        return true;
    return w->t->limit != 0 && w->deleted + n->live > w->t->limit;
}

/* Whether all entries of N are to go; NEXT (may be NULL) is the node behind. */
static bool goes_wholly(const struct trim *w, const struct stream_node *n, const struct stream_node *next)
{
    if (w->t->by == STREAM_TRIM_MAXLEN)
        return w->s->length - n->live >= w->t->maxlen;
    /* Seldom is it needed to go over the entries. */
    if (next != NULL && stream_id_compare(next->first, w->t->minid) <= 0)
        return true;
    return stream_id_compare(stream_node_last_id(n), w->t->minid) < 0;
}

/* --- whole nodes --- */

static void free_node(void *arg, void *element)
{
    const struct trim *w = arg;
    stream_node_free(w->s, w->a, element);
}

/* No group has an entry of N pending after. */
static void forget_node(struct trim *w, const struct stream_node *n)
{
    struct stream_entry e;
    for (const unsigned char *p = stream_node_begin(n), *end = stream_node_end(n); p < end; p = e.end) {
        stream_entry_read(n, p, &e);
        if (!(e.flags & STREAM_ENTRY_DELETED))
            (void)stream_groups_forget(w->groups, w->a, e.id);
    }
}

enum walk {
    WALK_DONE, /* nothing more is to go */
    WALK_PART, /* some of the entries of the first node that is left are to go, or none */
    WALK_MANY, /* and there may be more */
};

/* Counts nodes that go wholly from PLACE on to GONE, until there are MOST of them. */
static enum walk walk_nodes(struct trim *w, struct btree_place place, uint64_t most, struct stream_sum *gone)
{
    const struct stream_node *n = btree_element(w->a, &place), *next;
    for (; n != NULL; n = next) {
        if (is_done(w, n))
            break;
        next = btree_next(w->a, &place) ? btree_element(w->a, &place) : NULL;
        if (!goes_wholly(w, n, next))
            return WALK_PART;
        if (gone->nodes == most)
            return WALK_MANY;
        if (w->groups != NULL)
            forget_node(w, n);
        gone->nodes++;
        gone->live += n->live;
        gone->bytes += n->size;
        w->s->length -= n->live;
        w->deleted += n->live;
    }
    return WALK_DONE;
}

/* The same from the first node on for any number of them, by the sums of their runs. */
static enum walk count_nodes(struct trim *w, struct stream_sum *gone)
{
    uint64_t nodes = w->s->nodes.count, live = w->t->limit == 0 ? UINT64_MAX : w->t->limit;
    struct btree_place place;
    w->s->length += gone->live;
    w->deleted -= gone->live;
    if (w->t->by == STREAM_TRIM_MINID) {
        /* All before the last one that does not begin behind it. */
        (void)stream_seek_node(w->s, w->a, w->t->minid, &place);
        nodes = btree_rank(&w->s->nodes, w->a, &place);
    } else if (live > w->s->length - w->t->maxlen) {
        live = w->s->length - w->t->maxlen;
    }
    *gone = stream_sums_until(w->s, w->a, nodes, live);
    w->s->length -= gone->live;
    w->deleted += gone->live;
    return walk_nodes(w, btree_at(&w->s->nodes, w->a, gone->nodes, NULL), UINT64_MAX, gone);
}

/* Cuts the nodes of GONE off and lets them be freed by and by. */
static void cut_nodes(struct trim *w, const struct stream_sum *gone)
{
    struct btree_place place = btree_at(&w->s->nodes, w->a, gone->nodes, NULL);
    struct stream alone = {.bytes = gone->bytes, .length = gone->live};
    btree_init(&alone.nodes, BTREE_BY_ORDER);
    btree_cut(&w->s->nodes, w->a, &place, &alone.nodes);
    w->s->bytes -= gone->bytes;
    stream_discard(w->ks, &alone);
}

/* Takes the nodes out that go wholly, some at least. True: there is nothing more to do. */
static __attribute__((noinline)) bool remove_nodes(struct trim *w)
{
    struct stream_sum gone = {.nodes = 0};
    struct btree_place first = btree_first(&w->s->nodes);
    enum walk end = walk_nodes(w, first, w->groups == NULL ? MANY : UINT64_MAX, &gone);
    if (end == WALK_MANY)
        end = count_nodes(w, &gone);
    if (gone.nodes > MANY)
        cut_nodes(w, &gone);
    else if (gone.nodes > 0)
        (void)btree_remove_range(&w->s->nodes, w->a, &first, gone.nodes, free_node, w);
    if (gone.nodes > 0 && stream_has_sums(w->s))
        stream_sums_cut(w->s, w->a, gone);
    return end == WALK_DONE;
}

/* The same if there are any. */
static bool trim_nodes(struct trim *w)
{
    struct btree_place place = btree_first(&w->s->nodes);
    const struct stream_node *n = btree_element(w->a, &place), *next = NULL;
    if (n == NULL || is_done(w, n))
        return true;
    if (w->t->by == STREAM_TRIM_MINID && btree_next(w->a, &place))
        next = btree_element(w->a, &place);
    return goes_wholly(w, n, next) && remove_nodes(w);
}

/* --- entries --- */

/* Whether the entry of ID, and what is behind, is to stay. */
static bool stays(const struct trim *w, struct stream_id id)
{
    return w->t->by == STREAM_TRIM_MAXLEN ? w->s->length <= w->t->maxlen
                                          : stream_id_compare(id, w->t->minid) >= 0;
}

/* Deletes entries of N as far as they are to go; with WANTED: and no group wants them. */
static void trim_entries(struct trim *w, struct stream_node *n, bool wanted)
{
    struct stream_entry e;
    for (const unsigned char *p = stream_node_begin(n), *end = stream_node_end(n); p < end; p = e.end) {
        stream_entry_read(n, p, &e);
        if (stays(w, e.id))
            return;
        if ((e.flags & STREAM_ENTRY_DELETED) || (wanted && stream_groups_want(w->groups, w->a, e.id)))
            continue;
        if (w->groups != NULL && !wanted)
            (void)stream_groups_forget(w->groups, w->a, e.id);
        stream_node_delete(w->s, w->a, n, p);
        w->deleted++;
    }
}

/* --- only what no group wants --- */

static bool is_wanted(const struct trim *w, const struct stream_node *n)
{
    struct stream_entry e;
    for (const unsigned char *p = stream_node_begin(n), *end = stream_node_end(n); p < end; p = e.end) {
        stream_entry_read(n, p, &e);
        if (!(e.flags & STREAM_ENTRY_DELETED) && stream_groups_want(w->groups, w->a, e.id))
            return true;
    }
    return false;
}

static void trim_acked(struct trim *w)
{
    struct btree_place place = btree_first(&w->s->nodes);
    struct stream_node *n = btree_element(w->a, &place);
    for (; n != NULL && !is_done(w, n); n = btree_element(w->a, &place)) {
        struct btree_place behind = place;
        const struct stream_node *next = btree_next(w->a, &behind) ? btree_element(w->a, &behind) : NULL;
        bool whole = goes_wholly(w, n, next);
        if (!whole && w->t->approx)
            return;
        if (!w->t->approx || !is_wanted(w, n))
            trim_entries(w, n, true);
        if (n->live == 0)
            stream_drop_node(w->s, w->a, &place);
        else if (!btree_next(w->a, &place))
            return;
    }
}

uint64_t stream_trim(struct stream_key *k, const struct stream_trim *t)
{
    struct trim w = {.ks = k->ks, .s = k->s, .a = k->a, .t = t};
    struct stream_groups *groups = arena_expand(k->a, k->s->groups);
    if (t->refs != STREAM_KEEPREF && groups != NULL && stream_groups_count(groups) > 0)
        w.groups = groups;
    if (w.groups != NULL && t->refs == STREAM_ACKED) {
        trim_acked(&w);
    } else if (!trim_nodes(&w) && !t->approx) {
        struct btree_place place = btree_first(&k->s->nodes);
        struct stream_node *n = btree_element(k->a, &place);
        trim_entries(&w, n, false);
        /* Where its last entries had been deleted before. */
        if (n->live == 0)
            stream_drop_node(k->s, k->a, &place);
    }
    return w.deleted;
}

/* --- arguments --- */

static bool arg_threshold(struct command_ctx *ctx, uint32_t i, struct stream_trim *t)
{
    int64_t maxlen;
    if (t->by == STREAM_TRIM_MINID)
        return stream_arg_strict_id(ctx, i, 0, &t->minid);
    if (!dispatch_arg_int(ctx, i, &maxlen))
        return false;
    t->maxlen = (uint64_t)maxlen;
    if (maxlen >= 0)
        return true;
    resp_error(ctx->reply, "ERR The MAXLEN argument must be >= 0.");
    return false;
}

static bool arg_limit(struct command_ctx *ctx, uint32_t i, struct stream_trim *t)
{
    int64_t limit;
    if (!dispatch_arg_int(ctx, i, &limit))
        return false;
    t->limit = (uint64_t)limit;
    t->has_limit = true;
    if (limit >= 0)
        return true;
    resp_error(ctx->reply, "ERR The LIMIT argument must be >= 0.");
    return false;
}

static bool is_char(struct slice word, char c)
{
    return word.len == 1 && *word.ptr == c;
}

int stream_trim_arg(struct command_ctx *ctx, uint32_t *i, struct stream_trim *t)
{
    struct slice word = ctx->argv[*i];
    uint32_t more = ctx->argc - 1 - *i;
    enum stream_trim_by by = slice_is(word, "MAXLEN")  ? STREAM_TRIM_MAXLEN
                             : slice_is(word, "MINID") ? STREAM_TRIM_MINID
                                                       : STREAM_TRIM_NOT;
    if (more > 0 && by != STREAM_TRIM_NOT) {
        if (t->by != STREAM_TRIM_NOT) {
            resp_error(ctx->reply,
                       "ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
            return -1;
        }
        struct slice next = ctx->argv[*i + 1];
        t->by = by;
        t->approx = more >= 2 && is_char(next, '~');
        *i += 1 + (t->approx || (more >= 2 && is_char(next, '=')));
        return arg_threshold(ctx, *i, t) ? 1 : -1;
    }
    if (more > 0 && slice_is(word, "LIMIT")) {
        ++*i;
        return arg_limit(ctx, *i, t) ? 1 : -1;
    }
    return 0;
}

bool stream_trim_check(struct command_ctx *ctx, struct stream_trim *t)
{
    if (t->limit > 0 && t->by == STREAM_TRIM_NOT) {
        resp_error(ctx->reply,
                   "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
        return false;
    }
    if (t->has_limit && !t->approx) {
        resp_error(ctx->reply, "ERR syntax error, LIMIT cannot be used without the special ~ option");
        return false;
    }
    if (!t->has_limit && t->approx)
        t->limit = 100 * (uint64_t)stream_options_of(db_keyspace(ctx->db))->node_max_entries;
    return true;
}
