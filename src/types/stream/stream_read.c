/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XREAD and XREADGROUP: one parser, and one handler for those who wait and those who do not.
 *
 * What a group hands out, it hands out as it is written to the reply: an entry becomes pending, the
 * group's last id and its count follow. With CLAIM, what has been pending for long comes first.
 *
 * Who waits sees its ids as they were when it began to: "$" and "+" become the last one's.
 */
#include "types/stream/stream_group_cmds.h"

#include "base/clock.h"
#include "base/heap.h"
#include "command/block.h"

/* What is wanted of one stream. */
enum wish {
    WISH_AFTER,   /* what stands behind an id */
    WISH_NEWEST,  /* "+": the last entry */
    WISH_NEW,     /* ">": what the group has not been given */
    WISH_HISTORY, /* what the consumer has pending behind an id */
};

struct target {
    struct stream_group_key gk;
    enum wish wish;
    struct stream_id id;
};

#define TARGETS_SPACE 4

struct read {
    bool is_group; /* the command is XREADGROUP */
    uint32_t group, consumer;
    bool noack, waits;
    int64_t count;               /* of each stream; 0: all */
    int64_t max_count, max_size; /* 0: none */
    int64_t claim;               /* milliseconds, -1: no claim */
    int64_t deadline_us;
    uint32_t keys, first; /* how many, and the argument that is the first */
    struct target *targets, space[TARGETS_SPACE];
    int64_t now;
    /* So far: */
    size_t begin;    /* of the reply */
    int64_t entries; /* in it */
    int64_t due_ms;  /* when the next pending entry can be claimed; INT64_MAX: none */
};

/* --- arguments --- */

static bool positive(struct command_ctx *ctx, uint32_t i, const char *name, int64_t *value)
{
    if (!dispatch_arg_int(ctx, i, value))
        return false;
    if (*value < 1)
        resp_errorf(ctx->reply, "ERR %s must be a positive integer", name);
    return *value >= 1;
}

static bool only_group(struct command_ctx *ctx, const struct read *r, const char *option)
{
    if (!r->is_group)
        resp_errorf(ctx->reply,
                    "ERR The %s option is only supported by XREADGROUP. You called XREAD instead.", option);
    return r->is_group;
}

static bool read_claim(struct command_ctx *ctx, struct read *r, uint32_t i)
{
    if (!only_group(ctx, r, "CLAIM"))
        return false;
    if (!number_to_int(ctx->argv[i], &r->claim))
        resp_error(ctx->reply, "ERR min-idle-time is not an integer or out of range");
    else if (r->claim < 0)
        resp_error(ctx->reply, "ERR min-idle-time must be a positive integer");
    else
        return true;
    return false;
}

/* The option at argument *I, moved to its last argument. */
static bool read_option(struct command_ctx *ctx, struct read *r, uint32_t *i)
{
    struct slice word = ctx->argv[*i];
    uint32_t more = ctx->argc - *i - 1;
    if (slice_is(word, "COUNT") && more > 0) {
        if (!dispatch_arg_int(ctx, ++*i, &r->count))
            return false;
        r->count = r->count < 0 ? 0 : r->count;
        return true;
    }
    if (slice_is(word, "BLOCK") && more > 0) {
        r->waits = true;
        return dispatch_arg_timeout(ctx, ++*i, BLOCK_MS, &r->deadline_us);
    }
    if (slice_is(word, "GROUP") && more > 1) {
        r->group = *i + 1;
        r->consumer = *i + 2;
        *i += 2;
        return only_group(ctx, r, "GROUP");
    }
    if (slice_is(word, "NOACK")) {
        r->noack = true;
        return only_group(ctx, r, "NOACK");
    }
    if (slice_is(word, "CLAIM") && more > 0)
        return read_claim(ctx, r, ++*i);
    if (slice_is(word, "MAXCOUNT") && more > 0)
        return positive(ctx, ++*i, "MAXCOUNT", &r->max_count);
    if (slice_is(word, "MAXSIZE") && more > 0)
        return positive(ctx, ++*i, "MAXSIZE", &r->max_size);
    resp_error_code(ctx->reply, MR_E_SYNTAX);
    return false;
}

static bool read_options(struct command_ctx *ctx, struct read *r)
{
    for (uint32_t i = 1; i < ctx->argc; i++) {
        if (slice_is(ctx->argv[i], "STREAMS") && i + 1 < ctx->argc) {
            r->first = i + 1;
            r->keys = (ctx->argc - r->first) / 2;
            if ((ctx->argc - r->first) % 2 == 0)
                break;
            resp_error(ctx->reply, "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' "
                                   "must be specified.");
            return false;
        }
        if (!read_option(ctx, r, &i))
            return false;
    }
    if (r->first == 0) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    if (r->is_group && r->group == 0) {
        resp_error(ctx->reply, "ERR Missing GROUP option for XREADGROUP");
        return false;
    }
    if (r->max_count != 0 && r->count > r->max_count) {
        resp_error(ctx->reply, "ERR MAXCOUNT must be greater than or equal to COUNT");
        return false;
    }
    return true;
}

static bool meaningless(struct command_ctx *ctx, const char *id)
{
    resp_errorf(ctx->reply,
                "ERR The %s ID is meaningless in the context of XREADGROUP: you want to read the history of "
                "this consumer by specifying a proper ID, or use the > ID to get new messages. The %s ID "
                "would just return an empty result set.",
                id, id);
    return false;
}

/* The id at argument I, of T. */
static bool read_id(struct command_ctx *ctx, const struct read *r, uint32_t i, struct target *t)
{
    struct slice word = ctx->argv[i];
    const struct stream *s = t->gk.k.s;
    t->wish = r->is_group ? WISH_HISTORY : WISH_AFTER;
    if (word.len == 1 && (*word.ptr == '$' || *word.ptr == '+')) {
        if (r->is_group)
            return meaningless(ctx, *word.ptr == '$' ? "$" : "+");
        if (*word.ptr == '+')
            t->wish = WISH_NEWEST;
        t->id = s == NULL ? STREAM_ID_MIN : s->last_id;
        return true;
    }
    if (word.len == 1 && *word.ptr == '>') {
        if (!r->is_group)
            resp_error(ctx->reply, "ERR The > ID can be specified only when calling XREADGROUP using the "
                                   "GROUP <group> <consumer> option.");
        t->wish = WISH_NEW;
        return r->is_group;
    }
    if (!stream_arg_strict_id(ctx, i, 0, &t->id))
        return false;
    /* Behind the greatest id there is no history; it stands for ">". */
    if (r->is_group && stream_id_compare(t->id, STREAM_ID_MAX) == 0)
        t->wish = WISH_NEW;
    return true;
}

static bool no_group(struct command_ctx *ctx, const struct read *r, uint32_t key)
{
    struct slice name = ctx->argv[key], group = ctx->argv[r->group];
    resp_errorf(ctx->reply,
                "NOGROUP No such key '%.*s' or consumer group '%.*s' in XREADGROUP with GROUP option",
                (int)(name.len < 4096 ? name.len : 4096), name.ptr,
                (int)(group.len < 4096 ? group.len : 4096), group.ptr);
    return false;
}

/* Opens the stream at argument KEY, and its group. */
static bool open_target(struct command_ctx *ctx, const struct read *r, uint32_t key, struct target *t)
{
    if (!r->is_group)
        return stream_find(ctx, key, DB_COUNT, &t->gk.k);
    if (!stream_group_open(ctx, key, r->group, DB_COUNT, &t->gk))
        return false;
    return t->gk.g != NULL || no_group(ctx, r, key);
}

/* The same for one who has waited: for a reader, a key that is no stream is none. */
static bool open_again(struct command_ctx *ctx, const struct read *r, uint32_t key, struct target *t)
{
    struct stream_key *k = &t->gk.k;
    bool is_stream = stream_lookup(ctx->db, ctx->argv[key], dispatch_hash(ctx, key), DB_NO_TOUCH, k);
    if (!is_stream)
        k->s = NULL;
    if (!r->is_group)
        return true;
    t->gk.groups = k->s == NULL ? NULL : arena_expand(k->a, k->s->groups);
    t->gk.g = stream_group_find(t->gk.groups, k->a, ctx->argv[r->group]);
    if (k->s == NULL)
        resp_error(ctx->reply, "UNBLOCKED the stream key no longer exists");
    else if (t->gk.g == NULL)
        resp_error(ctx->reply, "NOGROUP the consumer group this client was blocked on no longer exists");
    return t->gk.g != NULL;
}

/* Opens the streams, and reads their ids. */
static bool read_targets(struct command_ctx *ctx, struct read *r)
{
    r->targets = r->keys <= TARGETS_SPACE ? r->space : heap_try_alloc(r->keys * sizeof *r->targets);
    if (r->targets == NULL) {
        resp_error_code(ctx->reply, MR_E_MEMORY);
        return false;
    }
    for (uint32_t i = 0; i < r->keys; i++) {
        struct target *t = &r->targets[i];
        if (!(ctx->retry == NULL ? open_target : open_again)(ctx, r, r->first + i, t) ||
            !read_id(ctx, r, r->first + r->keys + i, t))
            return false;
    }
    return true;
}

/* --- replies --- */

/* Whether another entry fits: there is always room for the first. */
static bool has_room(const struct read *r, const struct resp_writer *w)
{
    return r->entries == 0 || ((r->max_count == 0 || r->entries < r->max_count) &&
                               (r->max_size == 0 || w->out->len - r->begin < (uint64_t)r->max_size));
}

/* The head of a stream in the reply, with which an array of entries begins; its mark. */
static size_t begin_stream(struct command_ctx *ctx, const struct target *t)
{
    if (ctx->reply->version == 2)
        resp_array(ctx->reply, 2);
    resp_bulk(ctx->reply, t->gk.k.key);
    return resp_later(ctx->reply);
}

static void reply_aged(struct resp_writer *w, struct stream_walk *walk, int64_t idle, uint64_t count)
{
    resp_array(w, 4);
    stream_reply_id(w, walk->id);
    stream_walk_reply_fields(walk, w);
    resp_int(w, idle);
    resp_int(w, (int64_t)count);
}

/* --- XREAD --- */

static size_t reply_after(struct command_ctx *ctx, struct read *r, const struct target *t)
{
    struct stream_walk w;
    const struct stream *s = t->gk.k.s;
    struct stream_id from = t->id;
    size_t written = 0;
    if (t->wish == WISH_NEWEST)
        stream_walk_begin(&w, s, t->gk.k.a, STREAM_ID_MIN, STREAM_ID_MAX, true);
    else if (stream_id_next(&from))
        stream_walk_begin(&w, s, t->gk.k.a, from, STREAM_ID_MAX, false);
    else
        return 0;
    uint64_t most = t->wish == WISH_NEWEST ? 1 : r->count == 0 ? UINT64_MAX : (uint64_t)r->count;
    while (written < most && has_room(r, ctx->reply) && stream_walk_next(&w)) {
        stream_walk_reply(&w, ctx->reply);
        written++;
        r->entries++;
    }
    return written;
}

/* --- XREADGROUP --- */

/* ID, which G has not been given yet, is given to it. */
static void pass(struct stream_group *g, const struct stream *s, const struct arena *a, struct stream_id id)
{
    if (stream_id_compare(id, g->last_id) <= 0)
        return;
    if (g->entries_read != STREAM_READ_UNKNOWN && !stream_has_holes(s, a, id))
        g->entries_read++;
    else if (s->entries_added != 0)
        g->entries_read = stream_entries_until(s, a, id);
    g->last_id = id;
}

/* ID is C's now, whether it was somebody's before or not. */
static void deliver(const struct read *r, struct stream_group_key *gk, struct stream_consumer *c,
                    struct stream_id id)
{
    struct btree_place place;
    struct stream_pending *p = stream_pel_find_last(gk->g, gk->k.a, id, &place);
    if (p == NULL) {
        stream_pel_add(gk->groups, gk->g, gk->k.a, &place, id, c, r->now, 1);
        return;
    }
    p->count = 1;
    stream_pel_give(gk->g, gk->k.a, p, c, r->now);
}

/* Whether there is something that G has not been given; W is at the first of that. */
static bool find_new(struct stream_walk *w, const struct stream_group_key *gk)
{
    const struct stream *s = gk->k.s;
    struct stream_id from = gk->g->last_id;
    if (stream_id_compare(s->last_id, from) <= 0 || s->length == 0 || !stream_id_next(&from))
        return false;
    stream_walk_begin(w, s, gk->k.a, from, STREAM_ID_MAX, false);
    return stream_walk_next(w);
}

/* MOST entries, at least one, from the one on that W is at. */
static size_t reply_new(struct command_ctx *ctx, struct read *r, struct target *t, struct stream_consumer *c,
                        size_t most, struct stream_walk *w)
{
    struct stream_group_key *gk = &t->gk;
    size_t written = 0;
    do {
        if (r->claim >= 0)
            reply_aged(ctx->reply, w, 0, 0);
        else
            stream_walk_reply(w, ctx->reply);
        pass(gk->g, gk->k.s, gk->k.a, w->id);
        if (!r->noack)
            deliver(r, gk, c, w->id);
        written++;
        r->entries++;
    } while (written < most && has_room(r, ctx->reply) && stream_walk_next(w));
    return written;
}

/* The entries that have been pending for long, whoever's they are. */
static size_t reply_claimed(struct command_ctx *ctx, struct read *r, struct target *t,
                            struct stream_consumer *c, size_t most)
{
    struct stream_walk w;
    struct stream_oldest old;
    struct stream_pending *p;
    struct stream_group_key *gk = &t->gk;
    size_t written = 0;
    stream_oldest_begin(&old, gk->g, gk->k.a);
    while (written < most && has_room(r, ctx->reply) && (p = stream_oldest_next(&old)) != NULL) {
        bool back = stream_pending_consumer(gk->k.a, p) == NULL;
        if (!back && r->now - p->delivered_ms < r->claim)
            break;
        stream_walk_begin(&w, gk->k.s, gk->k.a, p->id, p->id, false);
        if (!stream_walk_next(&w))
            continue;
        reply_aged(ctx->reply, &w, back ? -1 : r->now - p->delivered_ms, p->count);
        p->count += p->count < INT64_MAX;
        stream_pel_give(gk->g, gk->k.a, p, c, r->now);
        written++;
        r->entries++;
    }
    return written;
}

/* Whether a pending entry that is still there is due; else when the first will be goes to R. Looks past
 * what has been deleted from the stream. */
static bool claimable(struct read *r, const struct target *t)
{
    struct stream_oldest old;
    const struct stream_pending *p;
    const struct stream_group_key *gk = &t->gk;
    stream_oldest_begin(&old, gk->g, gk->k.a);
    while ((p = stream_oldest_next(&old)) != NULL) {
        if (!stream_contains(gk->k.s, gk->k.a, p->id))
            continue;
        if (stream_pending_consumer(gk->k.a, p) == NULL || r->now - p->delivered_ms >= r->claim)
            return true;
        int64_t due = r->claim > INT64_MAX - p->delivered_ms ? INT64_MAX : p->delivered_ms + r->claim;
        r->due_ms = due < r->due_ms ? due : r->due_ms;
        return false;
    }
    return false;
}

static size_t reply_history(struct command_ctx *ctx, struct read *r, struct target *t,
                            struct stream_consumer *c, size_t most)
{
    struct stream_walk w;
    struct stream_group_key *gk = &t->gk;
    struct stream_pending *p;
    struct stream_id from = t->id;
    size_t written = 0;
    if (!stream_id_next(&from))
        return 0;
    struct btree_place at = stream_pel_seek(gk->g, &c->pending, gk->k.a, from);
    while (written < most && has_room(r, ctx->reply) && (p = btree_element(gk->k.a, &at)) != NULL) {
        btree_next(gk->k.a, &at);
        stream_walk_begin(&w, gk->k.s, gk->k.a, p->id, p->id, false);
        if (stream_walk_next(&w)) {
            stream_walk_reply(&w, ctx->reply);
            stream_pel_give(gk->g, gk->k.a, p, c, r->now);
            p->count += p->count < INT64_MAX;
        } else {
            resp_array(ctx->reply, 2);
            stream_reply_id(ctx->reply, p->id);
            resp_null_array(ctx->reply);
        }
        written++;
        r->entries++;
    }
    return written;
}

/* --- serving --- */

enum served { SERVED_NOT, SERVED, SERVED_FAILED /* the error is the reply */ };

static enum served serve_group(struct command_ctx *ctx, struct read *r, struct target *t)
{
    struct stream_walk w;
    struct stream_group_key *gk = &t->gk;
    size_t most = r->count == 0 ? SIZE_MAX : (size_t)r->count, written = 0, undo = ctx->reply->out->len;
    struct stream_consumer *c = stream_consumer_find(gk->g, gk->k.a, ctx->argv[r->consumer]);
    if (c != NULL)
        c->seen_ms = r->now;
    bool claim = t->wish == WISH_NEW && r->claim >= 0 && claimable(r, t);
    bool fresh = t->wish == WISH_NEW && find_new(&w, gk);
    if (t->wish == WISH_NEW && !claim && !fresh)
        return SERVED_NOT;
    if (c == NULL) {
        ctx->reply->out->len = r->begin;
        c = stream_group_consumer(ctx, gk, ctx->argv[r->consumer]);
        if (c == NULL)
            return SERVED_FAILED;
        ctx->reply->out->len = undo;
    }
    size_t mark = begin_stream(ctx, t);
    if (t->wish == WISH_HISTORY) {
        written = reply_history(ctx, r, t, c, most);
    } else {
        if (claim)
            written = reply_claimed(ctx, r, t, c, most);
        if (fresh && written < most && has_room(r, ctx->reply))
            written += reply_new(ctx, r, t, c, most - written, &w);
    }
    resp_later_end(ctx->reply, mark, '*', written);
    stream_changed(&gk->k);
    if (written != 0) {
        c->active_ms = r->now;
        db_event(ctx->db, EVENT_SILENT, "", gk->k.key);
    }
    return SERVED;
}

static enum served serve(struct command_ctx *ctx, struct read *r, struct target *t)
{
    if (!has_room(r, ctx->reply) || t->gk.k.s == NULL)
        return SERVED_NOT;
    if (r->is_group)
        return serve_group(ctx, r, t);
    if (t->gk.k.s->length == 0)
        return SERVED_NOT;
    size_t undo = ctx->reply->out->len, mark = begin_stream(ctx, t), written = reply_after(ctx, r, t);
    if (written == 0)
        ctx->reply->out->len = undo;
    else
        resp_later_end(ctx->reply, mark, '*', written);
    return written == 0 ? SERVED_NOT : SERVED;
}

/* Replies with what there is. False: nothing, the reply is empty. */
static bool serve_all(struct command_ctx *ctx, struct read *r)
{
    size_t streams = 0;
    size_t begin = ctx->reply->out->len, mark = resp_later(ctx->reply);
    r->begin = ctx->reply->out->len;
    for (uint32_t i = 0; i < r->keys; i++) {
        if (!dispatch_is_ready(ctx, r->first + i))
            continue;
        enum served what = serve(ctx, r, &r->targets[i]);
        streams += what == SERVED;
        if (what == SERVED_FAILED) {
            struct buf *out = ctx->reply->out;
            memmove(out->data + begin, out->data + r->begin, out->len - r->begin);
            out->len -= r->begin - begin;
            return true;
        }
    }
    if (streams == 0)
        ctx->reply->out->len = begin;
    else
        resp_later_end(ctx->reply, mark, ctx->reply->version == 2 ? '*' : '%', streams);
    return streams != 0;
}

/* --- waiting --- */

/* When the first pending entry that can be claimed will be old enough; 0: none will. */
static int64_t look_time(struct command_ctx *ctx, struct read *r)
{
    if (r->claim < 0)
        return 0;
    for (uint32_t i = 0; i < r->keys; i++)
        if (!dispatch_is_ready(ctx, r->first + i) && r->targets[i].wish == WISH_NEW &&
            claimable(r, &r->targets[i]))
            r->due_ms = r->now;
    if (r->due_ms == INT64_MAX)
        return 0;
    int64_t wait_ms = r->due_ms - r->now;
    if (wait_ms > INT64_MAX / 2000)
        return 0;
    int64_t at = clock_mono_us() + r->due_ms * 1000 - clock_us();
    return at > 0 ? at : 1;
}

/* The arguments with ids in the place of "$" and "+"; NULL: none of them is one. TEXTS has
 * STREAM_ID_TEXT bytes for each id. */
static struct slice *fixed_arguments(const struct command_ctx *ctx, const struct read *r)
{
    uint32_t ids = r->first + r->keys;
    bool any = false;
    for (uint32_t i = ids; i < ctx->argc; i++)
        any |= ctx->argv[i].len == 1 && (*ctx->argv[i].ptr == '$' || *ctx->argv[i].ptr == '+');
    if (!any)
        return NULL;
    struct slice *argv = heap_alloc(ctx->argc * sizeof *argv + (size_t)r->keys * STREAM_ID_TEXT);
    char *texts = (char *)(argv + ctx->argc);
    memcpy(argv, ctx->argv, ctx->argc * sizeof *argv);
    for (uint32_t i = 0; i < r->keys; i++) {
        struct slice word = ctx->argv[ids + i];
        if (word.len == 1 && (*word.ptr == '$' || *word.ptr == '+'))
            argv[ids + i] = slice_of(texts, stream_id_print(texts, r->targets[i].id));
        texts += STREAM_ID_TEXT;
    }
    return argv;
}

static bool wait_for_more(struct command_ctx *ctx, struct read *r)
{
    struct block_request request = {.first = r->first,
                                    .count = r->keys,
                                    .type = OBJECT_STREAM,
                                    .events = EVENT_STREAM | (r->claim >= 0 ? EVENT_SILENT : 0),
                                    .gone = r->is_group,
                                    .deadline_us = r->deadline_us,
                                    .look_us = look_time(ctx, r)};
    struct slice *argv = ctx->retry == NULL ? fixed_arguments(ctx, r) : NULL;
    request.argv = argv;
    request.argc = ctx->argc;
    bool waits = dispatch_block(ctx, &request);
    heap_free(argv);
    return waits;
}

static void read_streams(struct command_ctx *ctx, bool is_group)
{
    struct read r = {.is_group = is_group, .claim = -1, .now = clock_ms(), .due_ms = INT64_MAX};
    if (ctx->retry != NULL && ctx->retry->ready == 0 && !ctx->retry->look) {
        resp_null_array(ctx->reply);
        return;
    }
    if (read_options(ctx, &r) && read_targets(ctx, &r) && !serve_all(ctx, &r) &&
        (!r.waits || !wait_for_more(ctx, &r)))
        resp_null_array(ctx->reply);
    if (r.targets != r.space)
        heap_free(r.targets);
}

void stream_cmd_xread(struct command_ctx *ctx)
{
    read_streams(ctx, false);
}

void stream_cmd_xreadgroup(struct command_ctx *ctx)
{
    read_streams(ctx, true);
}
