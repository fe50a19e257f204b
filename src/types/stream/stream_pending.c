/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XPENDING: what a group has pending, in all or entry by entry.
 */
#include "base/clock.h"
#include "types/stream/stream_group_cmds.h"

struct query {
    int64_t min_idle; /* 0: any */
    struct stream_id from, to;
    int64_t count;
    uint32_t consumer; /* the argument that names it, 0: all of them */
};

/* Reads [IDLE ms] from to count [consumer]. */
static bool read_query(struct command_ctx *ctx, struct query *q)
{
    uint32_t i = 3;
    *q = (struct query){.min_idle = 0};
    if (ctx->argc < 6 || ctx->argc > 9) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    if (slice_is(ctx->argv[3], "IDLE")) {
        if (!dispatch_arg_int(ctx, 4, &q->min_idle))
            return false;
        i = 5;
    }
    if (ctx->argc < i + 3) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    if (!dispatch_arg_int(ctx, i + 2, &q->count) || !stream_arg_begin(ctx, i, &q->from) ||
        !stream_arg_end(ctx, i + 1, &q->to))
        return false;
    q->consumer = ctx->argc > i + 3 ? i + 3 : 0;
    return true;
}

static void reply_entry(struct resp_writer *w, const struct arena *a, const struct stream_pending *p,
                        int64_t now)
{
    const struct stream_consumer *c = stream_pending_consumer(a, p);
    resp_array(w, 4);
    stream_reply_id(w, p->id);
    resp_bulk(w, c == NULL ? slice_of("", 0) : stream_consumer_name(c));
    resp_int(w, c == NULL ? -1 : now > p->delivered_ms ? now - p->delivered_ms : 0);
    resp_int(w, (int64_t)p->count);
}

static void reply_entries(struct command_ctx *ctx, const struct stream_group_key *gk, const struct query *q)
{
    const struct btree *t = &gk->g->pending;
    if (q->consumer != 0) {
        const struct stream_consumer *c = stream_consumer_find(gk->g, gk->k.a, ctx->argv[q->consumer]);
        if (c == NULL) {
            resp_array(ctx->reply, 0);
            return;
        }
        t = &c->pending;
    }
    int64_t now = clock_ms(), left = q->count;
    size_t mark = resp_later(ctx->reply), written = 0;
    struct btree_place at = stream_pel_seek(gk->g, t, gk->k.a, q->from);
    for (const struct stream_pending *p; left > 0 && (p = btree_element(gk->k.a, &at)) != NULL;
         btree_next(gk->k.a, &at)) {
        if (stream_id_compare(p->id, q->to) > 0)
            break;
        if (q->min_idle > 0 && now - p->delivered_ms < q->min_idle)
            continue;
        reply_entry(ctx->reply, gk->k.a, p, now);
        written++;
        left--;
    }
    resp_later_end(ctx->reply, mark, '*', written);
}

static void reply_summary(struct resp_writer *w, const struct stream_group *g, const struct arena *a)
{
    struct btree_place first = btree_first(&g->pending), last = btree_last(&g->pending, a);
    const struct stream_pending *p = btree_element(a, &first), *q = btree_element(a, &last);
    resp_array(w, 4);
    resp_int(w, (int64_t)g->pending.count);
    if (p == NULL) {
        resp_null(w);
        resp_null(w);
        resp_null_array(w);
        return;
    }
    stream_reply_id(w, p->id);
    stream_reply_id(w, q->id);
    size_t mark = resp_later(w), written = 0;
    struct btree_place at = btree_first(&g->consumers);
    for (const struct stream_consumer *c; (c = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        if (c->pending.count == 0)
            continue;
        resp_array(w, 2);
        resp_bulk(w, stream_consumer_name(c));
        resp_bulk_int(w, (int64_t)c->pending.count);
        written++;
    }
    resp_later_end(w, mark, '*', written);
}

void stream_cmd_xpending(struct command_ctx *ctx)
{
    struct query q;
    struct stream_group_key gk;
    if (ctx->argc > 3 && !read_query(ctx, &q))
        return;
    if (!stream_group_open_sure(ctx, 1, 2, DB_COUNT, &gk))
        return;
    if (ctx->argc == 3)
        reply_summary(ctx->reply, gk.g, gk.k.a);
    else
        reply_entries(ctx, &gk, &q);
}
