/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XCLAIM and XAUTOCLAIM: pending entries that become another consumer's.
 */
#include "types/stream/stream_group_cmds.h"

#include "base/clock.h"

struct claim {
    struct stream_group_key gk;
    struct slice name;         /* of the consumer, */
    struct stream_consumer *c; /* who is made when there is something for him */
    int64_t now;
    int64_t min_idle;
    int64_t delivered; /* what is claimed counts as delivered then */
    int64_t retry;     /* its deliveries, -1: one more */
    struct stream_id last;
    bool force, just_id;
    uint32_t count; /* of ids, from argument 5 on */
    uint64_t changes;
};

/* Whether P has been pending for as long as is asked. */
static bool is_due(const struct claim *cl, const struct stream_pending *p)
{
    return arena_load_short(p->consumer) == 0 || cl->min_idle == 0 ||
           cl->now - p->delivered_ms >= cl->min_idle;
}

/* Whether there is an entry of ID; W is at it. */
static bool look(struct stream_walk *w, const struct stream_key *k, struct stream_id id)
{
    stream_walk_begin(w, k->s, k->a, id, id, false);
    return stream_walk_next(w);
}

static bool have_consumer(struct command_ctx *ctx, struct claim *cl)
{
    if (cl->c == NULL)
        cl->c = stream_group_consumer(ctx, &cl->gk, cl->name);
    return cl->c != NULL;
}

/* P, of the entry that W is at, becomes the consumer's, and is replied. */
static void take(struct command_ctx *ctx, struct claim *cl, struct stream_pending *p, struct stream_walk *w)
{
    stream_pel_give(cl->gk.g, cl->gk.k.a, p, cl->c, cl->delivered);
    if (cl->retry >= 0)
        p->count = (uint64_t)cl->retry & INT64_MAX;
    else if (!cl->just_id && p->count < INT64_MAX)
        p->count++;
    cl->c->active_ms = cl->now;
    cl->changes++;
    if (cl->just_id)
        stream_reply_id(ctx->reply, w->id);
    else
        stream_walk_reply(w, ctx->reply);
}

static void begin(struct claim *cl, struct slice name)
{
    cl->name = name;
    cl->c = stream_consumer_find(cl->gk.g, cl->gk.k.a, name);
    if (cl->c != NULL)
        cl->c->seen_ms = cl->now;
}

static void finish(struct command_ctx *ctx, struct claim *cl)
{
    if (cl->changes == 0)
        return;
    stream_changed_by(&cl->gk.k, cl->changes);
    db_event(ctx->db, EVENT_SILENT, "", cl->gk.k.key);
}

static bool read_min_idle(struct command_ctx *ctx, struct claim *cl, const char *error)
{
    if (!number_to_int(ctx->argv[4], &cl->min_idle)) {
        resp_error(ctx->reply, error);
        return false;
    }
    if (cl->min_idle < 0)
        cl->min_idle = 0;
    return true;
}

/* --- XCLAIM --- */

static bool read_number(struct command_ctx *ctx, uint32_t i, const char *name, int64_t *value)
{
    if (number_to_int(ctx->argv[i], value))
        return true;
    resp_errorf(ctx->reply, "ERR Invalid %s option argument for XCLAIM", name);
    return false;
}

/* The option at argument *I, moved to its last argument. */
static bool read_option(struct command_ctx *ctx, struct claim *cl, uint32_t *i)
{
    struct slice word = ctx->argv[*i];
    bool more = *i + 1 < ctx->argc;
    int64_t idle;
    if (slice_is(word, "FORCE")) {
        cl->force = true;
    } else if (slice_is(word, "JUSTID")) {
        cl->just_id = true;
    } else if (slice_is(word, "IDLE") && more) {
        if (!read_number(ctx, ++*i, "IDLE", &idle))
            return false;
        cl->delivered = idle < 0 || idle > cl->now ? cl->now : cl->now - idle;
    } else if (slice_is(word, "TIME") && more) {
        if (!read_number(ctx, ++*i, "TIME", &cl->delivered))
            return false;
    } else if (slice_is(word, "RETRYCOUNT") && more) {
        if (!read_number(ctx, ++*i, "RETRYCOUNT", &cl->retry))
            return false;
    } else if (slice_is(word, "LASTID") && more) {
        return stream_arg_strict_id(ctx, ++*i, 0, &cl->last);
    } else {
        resp_errorf(ctx->reply, "ERR Unrecognized XCLAIM option '%.*s'",
                    (int)(word.len < 4096 ? word.len : 4096), word.ptr);
        return false;
    }
    return true;
}

static bool read_claim(struct command_ctx *ctx, struct claim *cl)
{
    struct stream_id id;
    uint32_t i = 5;
    *cl = (struct claim){.now = clock_ms(), .retry = -1};
    cl->delivered = cl->now;
    if (!stream_group_open_sure(ctx, 1, 2, 0, &cl->gk) ||
        !read_min_idle(ctx, cl, "ERR Invalid min-idle-time argument for XCLAIM"))
        return false;
    while (i < ctx->argc && stream_id_parse(ctx->argv[i], 0, true, &id))
        i++;
    cl->count = i - 5;
    for (; i < ctx->argc; i++)
        if (!read_option(ctx, cl, &i))
            return false;
    if (cl->delivered < 0 || cl->delivered > cl->now)
        cl->delivered = cl->now;
    return true;
}

/* False: there is no memory, and the reply is an error. */
static bool claim_one(struct command_ctx *ctx, struct claim *cl, struct stream_id id, size_t *written)
{
    struct stream_walk w;
    struct btree_place place;
    struct arena *a = cl->gk.k.a;
    struct stream_pending *p = stream_pel_find(cl->gk.g, a, id, &place);
    if (p == NULL && !cl->force)
        return true;
    if (!look(&w, &cl->gk.k, id)) {
        if (p != NULL)
            stream_pel_remove(cl->gk.groups, cl->gk.g, a, &place, p);
        cl->changes += p != NULL;
        return true;
    }
    if (p != NULL && !is_due(cl, p))
        return true;
    if (!have_consumer(ctx, cl))
        return false;
    if (p == NULL)
        p = stream_pel_add(cl->gk.groups, cl->gk.g, a, &place, id, cl->c, cl->delivered, 1);
    take(ctx, cl, p, &w);
    ++*written;
    return true;
}

void stream_cmd_xclaim(struct command_ctx *ctx)
{
    struct claim cl;
    struct stream_id id;
    bool last = false;
    if (!read_claim(ctx, &cl))
        return;
    begin(&cl, ctx->argv[3]);
    if (stream_id_compare(cl.last, cl.gk.g->last_id) > 0) {
        cl.gk.g->last_id = cl.last;
        last = true;
    }
    size_t begun = ctx->reply->out->len, mark = resp_later(ctx->reply), written = 0;
    for (uint32_t i = 5; i < 5 + cl.count; i++) {
        size_t len = ctx->reply->out->len;
        if (stream_id_parse(ctx->argv[i], 0, true, &id) && !claim_one(ctx, &cl, id, &written)) {
            /* The error stands alone, in the place of the reply. */
            struct buf *out = ctx->reply->out;
            memmove(out->data + begun, out->data + len, out->len - len);
            out->len -= len - begun;
            finish(ctx, &cl);
            return;
        }
    }
    resp_later_end(ctx->reply, mark, '*', written);
    /* The last id counts where nothing else does. */
    cl.changes += last && cl.changes == 0;
    finish(ctx, &cl);
}

/* --- XAUTOCLAIM --- */

/* Entries that are looked at for each that is asked for. */
#define ATTEMPTS  10
#define COUNT_MAX (INT64_MAX / 16)

static bool read_auto(struct command_ctx *ctx, struct claim *cl, struct stream_id *start, int64_t *count)
{
    *cl = (struct claim){.now = clock_ms(), .retry = -1};
    cl->delivered = cl->now;
    *count = 100;
    if (!read_min_idle(ctx, cl, "ERR Invalid min-idle-time argument for XAUTOCLAIM") ||
        !stream_arg_begin(ctx, 5, start))
        return false;
    for (uint32_t i = 6; i < ctx->argc; i++) {
        if (slice_is(ctx->argv[i], "COUNT") && i + 1 < ctx->argc) {
            if (!number_to_int(ctx->argv[++i], count) || *count < 1 || *count > COUNT_MAX) {
                resp_error(ctx->reply, "ERR COUNT must be > 0");
                return false;
            }
        } else if (slice_is(ctx->argv[i], "JUSTID")) {
            cl->just_id = true;
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    return stream_group_open_sure(ctx, 1, 2, 0, &cl->gk);
}

static void reply_cursor(struct resp_writer *w, const struct arena *a, const struct btree_place *at)
{
    const struct stream_pending *next = btree_element(a, at);
    stream_reply_id(w, next == NULL ? STREAM_ID_MIN : next->id);
}

/* What of the pending entries from *AT on is due, COUNT of them at most, is replied; what has been
 * deleted from the stream is forgotten, its ids go to DELETED. False: there is no memory. */
static bool claim_from(struct command_ctx *ctx, struct claim *cl, struct btree_place *at, int64_t count,
                       struct resp_writer *deleted, size_t *deletions)
{
    struct arena *a = cl->gk.k.a;
    struct stream_walk w;
    size_t mark = resp_later(ctx->reply), written = 0;
    struct stream_pending *p;
    for (int64_t tries = count * ATTEMPTS; tries > 0 && count > 0; tries--) {
        if ((p = btree_element(a, at)) == NULL)
            break;
        if (!look(&w, &cl->gk.k, p->id)) {
            stream_reply_id(deleted, p->id);
            ++*deletions;
            stream_pel_remove(cl->gk.groups, cl->gk.g, a, at, p);
            cl->changes++;
            count--;
            continue;
        }
        if (is_due(cl, p)) {
            if (!have_consumer(ctx, cl))
                return false;
            take(ctx, cl, p, &w);
            written++;
            count--;
        }
        btree_next(a, at);
    }
    resp_later_end(ctx->reply, mark, '*', written);
    return true;
}

void stream_cmd_xautoclaim(struct command_ctx *ctx)
{
    struct claim cl;
    struct stream_id start;
    int64_t count;
    if (!read_auto(ctx, &cl, &start, &count))
        return;
    begin(&cl, ctx->argv[3]);
    struct buf entries = {0}, ids = {0};
    struct resp_writer *reply = ctx->reply, whole = {&entries, reply->version},
                       deleted = {&ids, reply->version};
    size_t deletions = 0;
    struct btree_place at = stream_pel_seek(cl.gk.g, &cl.gk.g->pending, cl.gk.k.a, start);
    ctx->reply = &whole;
    bool done = claim_from(ctx, &cl, &at, count < COUNT_MAX / ATTEMPTS ? count : COUNT_MAX / ATTEMPTS,
                           &deleted, &deletions);
    ctx->reply = reply;
    if (done) {
        resp_array(reply, 3);
        reply_cursor(reply, cl.gk.k.a, &at);
        resp_raw(reply, entries.data, entries.len);
        resp_array(reply, deletions);
        resp_raw(reply, ids.data, ids.len);
    } else {
        resp_error_code(reply, MR_E_MEMORY);
    }
    buf_done(&entries);
    buf_done(&ids);
    finish(ctx, &cl);
}
