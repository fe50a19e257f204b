/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HSCAN, and HRANDFIELD with its ways to draw fields.
 */
#include "base/heap.h"
#include "base/random.h"
#include "command/scan.h"
#include "types/hash/hash_cmds.h"

/* Different fields are drawn one by one where they are at most this part of all; else the whole
 * hash is walked and each is taken with the chance that it has. */
#define DRAW_SHARE 3

/* --- HSCAN --- */

struct scan {
    const struct keyspace *ks;
    struct resp_writer out;
    const struct scan_options *options;
    int64_t seen;
    size_t count; /* elements in the page */
};

static bool scan_pair(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    struct scan *s = arg;
    char scratch[NUMBER_TEXT_MAX];
    s->seen++;
    if (!s->options->all && !scan_matches(s->options, listpack_text(field, scratch)))
        return true;
    hash_cmds_reply(&s->out, field);
    s->count++;
    if (!s->options->bare) {
        hash_cmds_reply(&s->out, value);
        s->count++;
    }
    return true;
}

static void scan_field(void *arg, void *element)
{
    struct scan *s = arg;
    if (!hash_field_seen(s->ks, element)) {
        s->seen++;
        return;
    }
    struct slice name = hash_field_name(element), text = hash_field_value(element);
    struct listpack_value field = {name.ptr, (uint32_t)name.len, 0};
    struct listpack_value value = {text.ptr, (uint32_t)text.len, 0};
    scan_pair(arg, &field, &value);
}

void hash_cmd_hscan(struct command_ctx *ctx)
{
    struct hash h;
    struct buf page = {0};
    struct scan_options options;
    struct scan s = {.ks = db_keyspace(ctx->db),
                     .out = {.out = &page, .version = ctx->reply->version},
                     .options = &options};
    uint64_t cursor;
    if (!scan_read_cursor(ctx, 2, &cursor) || !hash_cmds_find(ctx, DB_COUNT, &h))
        return;
    if (h.e == NULL) {
        scan_begin_reply(ctx, 0);
        resp_array(ctx->reply, 0);
        return;
    }
    if (!scan_read_options(ctx, 3, "NOVALUES", &options))
        return;
    if (h.table == NULL) {
        cursor = 0;
        hash_each(&h, scan_pair, &s);
    } else {
        int64_t steps = options.want < INT64_MAX / SCAN_STEPS ? options.want * SCAN_STEPS : INT64_MAX;
        do
            cursor = dict_scan(&h.table->dict, keyspace_arena(h.ks), cursor, scan_field, &s);
        while (cursor != 0 && --steps > 0 && s.seen < options.want);
    }
    scan_begin_reply(ctx, cursor);
    resp_array(ctx->reply, s.count);
    resp_raw(ctx->reply, page.data, page.len);
    buf_done(&page);
}

/* --- HRANDFIELD --- */

struct drawing {
    struct command_ctx *ctx;
    const struct hash *h;
    struct random *random;
    bool values;
    uint64_t left, wanted; /* of those that come in a walk */
};

static bool reply_drawn(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    struct drawing *d = arg;
    struct resp_writer *reply = d->ctx->reply;
    if (d->values && reply->version == 3)
        resp_array(reply, 2);
    hash_cmds_reply(reply, field);
    if (d->values)
        hash_cmds_reply(reply, value);
    return true;
}

static void reply_at(struct drawing *d, size_t at)
{
    struct listpack_value field, value;
    listpack_get(d->h->packed, at, &field);
    listpack_get(d->h->packed, listpack_next(d->h->packed, at), &value);
    reply_drawn(d, &field, &value);
}

static void reply_element(struct drawing *d, const struct hash_field *f)
{
    struct slice name = hash_field_name(f), text = hash_field_value(f);
    struct listpack_value field = {name.ptr, (uint32_t)name.len, 0};
    struct listpack_value value = {text.ptr, (uint32_t)text.len, 0};
    reply_drawn(d, &field, &value);
}

static void reply_head(const struct drawing *d, uint64_t count)
{
    resp_array(d->ctx->reply, d->values && d->ctx->reply->version != 3 ? 2 * count : count);
}

/* COUNT fields, each of them any. */
static void reply_any(struct drawing *d, uint64_t count)
{
    const struct hash *h = d->h;
    struct buf *out = d->ctx->reply->out;
    /* What so many null bulk strings take, which is the least. */
    if (count > INT64_MAX / 16 || buf_try_grow(out, count * 5 + RESP_HEAD_MAX) != 0) {
        resp_error_code(d->ctx->reply, MR_E_MEMORY);
        return;
    }
    size_t mark = out->len;
    reply_head(d, count);
    if (h->table != NULL) {
        for (; count > 0; count--)
            reply_element(d, dict_random(&h->table->dict, keyspace_arena(h->ks), d->random));
        return;
    }
    uint64_t length = hash_length(h), n = 0;
    uint32_t *offsets = heap_try_alloc(length * sizeof *offsets);
    if (offsets == NULL) {
        out->len = mark;
        resp_error_code(d->ctx->reply, MR_E_MEMORY);
        return;
    }
    for (size_t at = listpack_first(h->packed); at != 0;
         at = listpack_next(h->packed, listpack_next(h->packed, at)))
        offsets[n++] = (uint32_t)at;
    for (; count > 0; count--)
        reply_at(d, offsets[random_below(d->random, n)]);
    heap_free(offsets);
}

/* Takes what comes in a walk with the chance that so many of those left are wanted. */
static bool take_some(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    struct drawing *d = arg;
    if (random_below(d->random, d->left--) < d->wanted) {
        d->wanted--;
        reply_drawn(d, field, value);
    }
    return d->wanted > 0;
}

/* COUNT different fields of a table, few of all; false: no memory. */
static bool reply_few(struct drawing *d, uint64_t count)
{
    const struct dict *dict = &d->h->table->dict;
    void **fields = heap_try_alloc(count * sizeof *fields);
    if (fields == NULL || dict_random_few(dict, keyspace_arena(d->h->ks), d->random, fields, count) != 0) {
        heap_free(fields);
        return false;
    }
    reply_head(d, count);
    for (uint64_t i = 0; i < count; i++)
        reply_element(d, fields[i]);
    heap_free(fields);
    return true;
}

/* COUNT different fields, or all. */
static void reply_different(struct drawing *d, uint64_t count)
{
    uint64_t length = hash_length(d->h);
    if (count > length)
        count = length;
    if (d->h->table != NULL && count < length / DRAW_SHARE && reply_few(d, count))
        return;
    d->left = length;
    d->wanted = count;
    reply_head(d, count);
    hash_each(d->h, take_some, d);
}

/* What stands behind the key; false, with the error told, if that is not right. */
static bool read_count(struct command_ctx *ctx, int64_t *count, bool *values)
{
    *values = ctx->argc == 4 && slice_is(ctx->argv[3], "WITHVALUES");
    if (!dispatch_arg_int(ctx, 2, count))
        return false;
    if (*count == INT64_MIN)
        resp_errorf(ctx->reply, "ERR value is out of range, value must between %lld and %lld",
                    (long long)-INT64_MAX, (long long)INT64_MAX);
    else if (ctx->argc > 4 || (ctx->argc == 4 && !*values))
        resp_error_code(ctx->reply, MR_E_SYNTAX);
    else if (*values && (*count < -(INT64_MAX / 2) || *count > INT64_MAX / 2))
        resp_error(ctx->reply, "ERR value is out of range");
    else
        return true;
    return false;
}

/* --- of a table of which some fields may be hidden --- */

struct collecting {
    const struct keyspace *ks;
    const struct hash_field **fields;
    uint64_t count;
};

static bool collect_field(void *arg, const struct hash_field *f)
{
    struct collecting *c = arg;
    if (hash_field_seen(c->ks, f))
        c->fields[c->count++] = f;
    return true;
}

/* As reply_any and reply_different, by COUNT's sign; SINGLE: one, not in an array. */
static void reply_seen(struct drawing *d, bool single, int64_t count)
{
    struct collecting c = {.ks = d->h->ks};
    c.fields = heap_try_alloc(hash_length(d->h) * sizeof *c.fields);
    if (c.fields == NULL) {
        resp_error_code(d->ctx->reply, MR_E_MEMORY);
        return;
    }
    hash_table_each(d->h->table, keyspace_arena(d->h->ks), collect_field, &c);
    bool any = count < 0;
    uint64_t wanted = any ? (uint64_t)-count : (uint64_t)count;
    if (!any && wanted > c.count)
        wanted = c.count;
    if (c.count == 0 && single) {
        resp_null(d->ctx->reply);
    } else if (c.count == 0) {
        resp_array(d->ctx->reply, 0);
    } else if (wanted > INT64_MAX / 16 || buf_try_grow(d->ctx->reply->out, wanted * 5 + RESP_HEAD_MAX) != 0) {
        resp_error_code(d->ctx->reply, MR_E_MEMORY);
    } else {
        if (!single)
            reply_head(d, wanted);
        for (uint64_t i = 0; i < wanted; i++) {
            uint64_t at = any ? random_below(d->random, c.count) : i + random_below(d->random, c.count - i);
            reply_element(d, c.fields[at]);
            if (!any)
                c.fields[at] = c.fields[i];
        }
    }
    heap_free(c.fields);
}

void hash_cmd_hrandfield(struct command_ctx *ctx)
{
    struct hash h;
    struct drawing d = {.ctx = ctx, .h = &h, .random = keyspace_random(db_keyspace(ctx->db))};
    int64_t count = 1;
    if ((ctx->argc > 2 && !read_count(ctx, &count, &d.values)) || !hash_cmds_find(ctx, DB_COUNT, &h))
        return;
    if (h.table != NULL && count != 0 && expiring_may_hide(h.ks, &h.table->expiring)) {
        reply_seen(&d, ctx->argc == 2, count);
    } else if (ctx->argc == 2) {
        if (h.e == NULL)
            resp_null(ctx->reply);
        else if (h.table != NULL)
            reply_element(&d, dict_random(&h.table->dict, keyspace_arena(h.ks), d.random));
        else
            reply_at(&d, listpack_seek(h.packed, (int64_t)(random_below(d.random, hash_length(&h)) * 2)));
    } else if (h.e == NULL || count == 0) {
        resp_array(ctx->reply, 0);
    } else if (count < 0) {
        reply_any(&d, (uint64_t)-count);
    } else {
        reply_different(&d, (uint64_t)count);
    }
}
