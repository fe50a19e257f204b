/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over a database: KEYS, SCAN, RANDOMKEY.
 */
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "codec/resp_writer.h"
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
    struct slice pattern;
    bool all;     /* no pattern */
    int type;     /* number of the type asked for, SCAN_ANY_TYPE or SCAN_NO_TYPE */
    int64_t want; /* keys to look at, more or less */
    int64_t seen;
    size_t count; /* keys in the page */
};

/* As strtoul reads it, which is what clients have got used to: signs, leading zeros
 * and an empty text are taken; blanks before it are not. A NUL byte ends it. */
static bool scan_cursor(struct slice text, uint64_t *ret_cursor)
{
    const char *p = text.ptr;
    const char *end = text.ptr + strnlen(text.ptr, text.len);
    bool negative = false;
    uint64_t cursor = 0;
    if (end - p > 1 && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        if (__builtin_mul_overflow(cursor, UINT64_C(10), &cursor) ||
            __builtin_add_overflow(cursor, (uint64_t)(*p - '0'), &cursor))
            return false;
    }
    *ret_cursor = negative ? 0 - cursor : cursor;
    return true;
}

static int scan_type(const struct keys *k, struct slice name)
{
    name.len = strnlen(name.ptr, name.len);
    for (int i = 0; i < OBJECT_TYPES; i++)
        if (k->types->by_number[i] != NULL && slice_is(name, k->types->by_number[i]->name))
            return i;
    return SCAN_NO_TYPE;
}

/* False, with the error written, if the options from argument FIRST on are not right. */
static bool scan_options(struct command_ctx *ctx, uint32_t first, struct scan *scan)
{
    for (uint32_t i = first; i < ctx->argc; i += 2) {
        struct slice word = ctx->argv[i];
        bool more = i + 1 < ctx->argc;
        if (more && slice_is(word, "COUNT")) {
            if (!dispatch_arg_int(ctx, i + 1, &scan->want))
                return false;
            if (scan->want >= 1)
                continue;
        } else if (more && slice_is(word, "MATCH")) {
            scan->pattern = ctx->argv[i + 1];
            scan->all = pattern_is_star(scan->pattern);
            continue;
        } else if (more && slice_is(word, "TYPE")) {
            scan->type = scan_type(ctx->owner, ctx->argv[i + 1]);
            continue;
        }
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    return true;
}

static void scan_one(void *arg, struct entry *e)
{
    struct scan *scan = arg;
    scan->seen++;
    if (scan->type != SCAN_ANY_TYPE && scan->type != (int)entry_type(e))
        return;
    struct slice key = entry_key(e);
    if (!scan->all && !text_glob(scan->pattern, key, false))
        return;
    resp_bulk(&scan->out, key);
    scan->count++;
}

void keys_cmd_scan(struct command_ctx *ctx)
{
    struct keys *k = ctx->owner;
    struct scan scan = {.all = true, .type = SCAN_ANY_TYPE, .want = 10};
    uint64_t cursor;
    if (!scan_cursor(ctx->argv[1], &cursor)) {
        resp_error(ctx->reply, "ERR invalid cursor");
        return;
    }
    if (!scan_options(ctx, 2, &scan))
        return;

    k->page.len = 0;
    scan.out = (struct resp_writer){.out = &k->page, .version = ctx->reply->version};
    /* An empty stretch of the table must not hold the loop up. */
    int64_t steps = scan.want < INT64_MAX / 10 ? scan.want * 10 : INT64_MAX;
    do
        cursor = db_scan(ctx->db, cursor, scan_one, &scan);
    while (cursor != 0 && --steps > 0 && scan.seen < scan.want);

    char text[NUMBER_TEXT_MAX];
    text[number_from_uint(text, cursor)] = '\0';
    resp_array(ctx->reply, 2);
    resp_bulk_str(ctx->reply, text);
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
