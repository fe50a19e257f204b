/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over a database: KEYS, SCAN, RANDOMKEY.
 */
#include <string.h>

#include "base/text.h"
#include "codec/resp_writer.h"
#include "command/scan.h"
#include "features/keys/keys_private.h"
#include "keyspace/object.h"

static bool pattern_is_star(struct slice pattern)
{
    return pattern.len == 1 && pattern.ptr[0] == '*';
}

static bool pattern_is_literal(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (strchr("*?[\\", pattern.ptr[i]) != NULL && pattern.ptr[i] != '\0')
            return false;
    return true;
}

/* --- KEYS --- */

struct keys_walk {
    struct resp_writer *out;
    struct slice pattern;
    bool all;
    size_t count;
};

static bool keys_walk_one(void *arg, struct entry *e)
{
    struct keys_walk *walk = arg;
    struct slice key = entry_key(e);
    if (walk->all || text_glob(walk->pattern, key, false)) {
        resp_bulk(walk->out, key);
        walk->count++;
    }
    return true;
}

void keys_cmd_keys(struct command_ctx *ctx)
{
    struct slice pattern = ctx->argv[1];
    if (pattern_is_literal(pattern)) {
        bool found = db_find(ctx->db, pattern, dispatch_hash(ctx, 1), DB_NO_TOUCH) != NULL;
        resp_array(ctx->reply, found);
        if (found)
            resp_bulk(ctx->reply, pattern);
        return;
    }
    struct keys_walk walk = {.out = ctx->reply, .pattern = pattern, .all = pattern_is_star(pattern)};
    size_t mark = resp_later(ctx->reply);
    db_each(ctx->db, keys_walk_one, &walk);
    resp_later_end(ctx->reply, mark, '*', walk.count);
}

/* --- SCAN --- */

#define SCAN_ANY_TYPE (-1)
#define SCAN_NO_TYPE  (-2)

struct scan {
    struct resp_writer out;
    struct scan_options options;
    int type;     /* number of the type asked for, SCAN_ANY_TYPE or SCAN_NO_TYPE */
    int64_t seen; /* keys that were looked at */
    size_t count; /* keys in the page */
};

static int scan_type(const struct keys *k, const struct scan_options *options)
{
    if (!options->typed)
        return SCAN_ANY_TYPE;
    struct slice name = slice_of(options->type.ptr, strnlen(options->type.ptr, options->type.len));
    for (int i = 0; i < OBJECT_TYPES; i++)
        if (k->types->by_number[i] != NULL && slice_is(name, k->types->by_number[i]->name))
            return i;
    return SCAN_NO_TYPE;
}

static void scan_one(void *arg, struct entry *e)
{
    struct scan *scan = arg;
    scan->seen++;
    if (scan->type != SCAN_ANY_TYPE && scan->type != (int)entry_type(e))
        return;
    struct slice key = entry_key(e);
    if (!scan_matches(&scan->options, key))
        return;
    resp_bulk(&scan->out, key);
    scan->count++;
}

void keys_cmd_scan(struct command_ctx *ctx)
{
    struct keys *k = ctx->owner;
    struct scan scan = {0};
    uint64_t cursor;
    if (!scan_read_cursor(ctx, 1, &cursor) || !scan_read_key_options(ctx, 2, &scan.options))
        return;
    scan.type = scan_type(k, &scan.options);

    k->page.len = 0;
    scan.out = (struct resp_writer){.out = &k->page, .version = ctx->reply->version};
    /* An empty stretch of the table must not hold the loop up. */
    int64_t want = scan.options.want;
    int64_t steps = want < INT64_MAX / SCAN_STEPS ? want * SCAN_STEPS : INT64_MAX;
    do
        cursor = db_scan(ctx->db, cursor, scan_one, &scan);
    while (cursor != 0 && --steps > 0 && scan.seen < want);

    scan_begin_reply(ctx, cursor);
    resp_array(ctx->reply, scan.count);
    resp_raw(ctx->reply, k->page.data, k->page.len);
    keys_page_done(k);
}

/* --- RANDOMKEY --- */

void keys_cmd_randomkey(struct command_ctx *ctx)
{
    const struct entry *e = db_random(ctx->db);
    if (e == NULL)
        resp_null(ctx->reply);
    else
        resp_bulk(ctx->reply, entry_key(e));
}
