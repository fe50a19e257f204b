/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far groups have come, and XINFO.
 *
 * Entries are counted as they are added, so that where an id stands in that count can be told as long as
 * nothing behind the stream's first entry has been deleted: for the first and the last entry, and for what
 * is out of these. A group counts what it is given; deleted entries that it may not have been given yet
 * make its count worth nothing.
 */
#include "base/clock.h"
#include "types/stream/stream_group_cmds.h"

bool stream_has_holes(const struct stream *s, const struct arena *a, struct stream_id from)
{
    return s->length != 0 && !stream_id_is_zero(s->max_deleted_id) &&
           stream_id_compare(s->max_deleted_id, from) >= 0 &&
           stream_id_compare(s->max_deleted_id, stream_first_id(s, a)) >= 0;
}

int64_t stream_entries_until(const struct stream *s, const struct arena *a, struct stream_id id)
{
    int64_t added = (int64_t)s->entries_added;
    int to_last = stream_id_compare(id, s->last_id);
    if (added == 0)
        return 0;
    if (to_last == 0 || (s->length == 0 && to_last < 0))
        return added;
    if (to_last > 0)
        return STREAM_READ_UNKNOWN;
    struct stream_id first = stream_first_id(s, a);
    if (!stream_id_is_zero(s->max_deleted_id) && stream_id_compare(s->max_deleted_id, first) >= 0)
        return STREAM_READ_UNKNOWN;
    int to_first = stream_id_compare(id, first);
    if (to_first > 0)
        return STREAM_READ_UNKNOWN;
    return added - (int64_t)s->length + (to_first == 0);
}

bool stream_group_lag(const struct stream_group *g, const struct stream *s, const struct arena *a,
                      int64_t *lag)
{
    int64_t read = g->entries_read;
    *lag = 0;
    if (s->entries_added == 0)
        return true;
    if (read == STREAM_READ_UNKNOWN || stream_has_holes(s, a, g->last_id))
        read = stream_entries_until(s, a, g->last_id);
    *lag = (int64_t)s->entries_added - read;
    return read != STREAM_READ_UNKNOWN;
}

/* "entries-read" and "lag". */
static void reply_progress(struct resp_writer *w, const struct stream_group *g, const struct stream *s,
                           const struct arena *a)
{
    int64_t lag;
    resp_bulk_str(w, "entries-read");
    if (g->entries_read == STREAM_READ_UNKNOWN)
        resp_null(w);
    else
        resp_int(w, g->entries_read);
    resp_bulk_str(w, "lag");
    if (stream_group_lag(g, s, a, &lag))
        resp_int(w, lag);
    else
        resp_null(w);
}

static int64_t since(int64_t ms)
{
    int64_t now = clock_ms();
    return now > ms ? now - ms : 0;
}

void stream_cmd_xinfo_groups(struct command_ctx *ctx)
{
    struct stream_key k;
    if (!stream_find(ctx, 2, DB_COUNT, &k))
        return;
    if (k.s == NULL) {
        resp_error_code(ctx->reply, MR_E_NO_KEY);
        return;
    }
    const struct stream_groups *groups = arena_expand(k.a, k.s->groups);
    resp_array(ctx->reply, stream_groups_count(groups));
    if (groups == NULL)
        return;
    struct btree_place at = btree_first(&groups->by_name);
    for (const struct stream_group *g; (g = btree_element(k.a, &at)) != NULL; btree_next(k.a, &at)) {
        resp_map(ctx->reply, 6);
        resp_bulk_str(ctx->reply, "name");
        resp_bulk(ctx->reply, stream_group_name(g));
        resp_bulk_str(ctx->reply, "consumers");
        resp_int(ctx->reply, (int64_t)g->consumers.count);
        resp_bulk_str(ctx->reply, "pending");
        resp_int(ctx->reply, (int64_t)g->pending.count);
        resp_bulk_str(ctx->reply, "last-delivered-id");
        stream_reply_id(ctx->reply, g->last_id);
        reply_progress(ctx->reply, g, k.s, k.a);
    }
}

void stream_cmd_xinfo_consumers(struct command_ctx *ctx)
{
    struct stream_group_key gk;
    if (!stream_group_open(ctx, 2, 3, DB_COUNT, &gk))
        return;
    if (gk.k.s == NULL) {
        resp_error_code(ctx->reply, MR_E_NO_KEY);
        return;
    }
    if (gk.g == NULL) {
        struct slice key = ctx->argv[2], name = ctx->argv[3];
        resp_errorf(ctx->reply, "NOGROUP No such consumer group '%.*s' for key name '%.*s'", (int)name.len,
                    name.ptr, (int)key.len, key.ptr);
        return;
    }
    resp_array(ctx->reply, gk.g->consumers.count);
    struct btree_place at = btree_first(&gk.g->consumers);
    for (const struct stream_consumer *c; (c = btree_element(gk.k.a, &at)) != NULL; btree_next(gk.k.a, &at)) {
        resp_map(ctx->reply, 4);
        resp_bulk_str(ctx->reply, "name");
        resp_bulk(ctx->reply, stream_consumer_name(c));
        resp_bulk_str(ctx->reply, "pending");
        resp_int(ctx->reply, (int64_t)c->pending.count);
        resp_bulk_str(ctx->reply, "idle");
        resp_int(ctx->reply, since(c->seen_ms));
        resp_bulk_str(ctx->reply, "inactive");
        resp_int(ctx->reply, c->active_ms < 0 ? -1 : since(c->active_ms));
    }
}

/* --- XINFO STREAM FULL --- */

/* At most COUNT (0: all) entries of T; each with its consumer if OWNER. */
static void reply_pending(struct resp_writer *w, const struct btree *t, const struct arena *a, uint64_t count,
                          bool owner)
{
    uint64_t left = count == 0 || count > t->count ? t->count : count;
    resp_bulk_str(w, "pending");
    resp_array(w, left);
    struct btree_place at = btree_first(t);
    for (const struct stream_pending *p; left > 0 && (p = btree_element(a, &at)) != NULL; left--) {
        resp_array(w, owner ? 4 : 3);
        stream_reply_id(w, p->id);
        if (owner) {
            const struct stream_consumer *c = stream_pending_consumer(a, p);
            resp_bulk(w, c == NULL ? slice_of("", 0) : stream_consumer_name(c));
        }
        resp_int(w, p->delivered_ms);
        resp_int(w, (int64_t)p->count);
        btree_next(a, &at);
    }
}

static void reply_consumers(struct resp_writer *w, const struct stream_group *g, const struct arena *a,
                            uint64_t count)
{
    resp_bulk_str(w, "consumers");
    resp_array(w, g->consumers.count);
    struct btree_place at = btree_first(&g->consumers);
    for (const struct stream_consumer *c; (c = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        resp_map(w, 5);
        resp_bulk_str(w, "name");
        resp_bulk(w, stream_consumer_name(c));
        resp_bulk_str(w, "seen-time");
        resp_int(w, c->seen_ms);
        resp_bulk_str(w, "active-time");
        resp_int(w, c->active_ms);
        resp_bulk_str(w, "pel-count");
        resp_int(w, (int64_t)c->pending.count);
        reply_pending(w, &c->pending, a, count, false);
    }
}

void stream_groups_reply_full(struct resp_writer *w, const struct stream_groups *groups,
                              const struct arena *a, const struct stream *s, uint64_t count)
{
    resp_array(w, stream_groups_count(groups));
    if (groups == NULL)
        return;
    struct btree_place at = btree_first(&groups->by_name);
    for (const struct stream_group *g; (g = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        resp_map(w, 8);
        resp_bulk_str(w, "name");
        resp_bulk(w, stream_group_name(g));
        resp_bulk_str(w, "last-delivered-id");
        stream_reply_id(w, g->last_id);
        reply_progress(w, g, s, a);
        resp_bulk_str(w, "pel-count");
        resp_int(w, (int64_t)g->pending.count);
        resp_bulk_str(w, "nacked-count");
        resp_int(w, (int64_t)g->nacked);
        reply_pending(w, &g->pending, a, count, true);
        reply_consumers(w, g, a, count);
    }
}
