/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ZRANDMEMBER and ZSCAN. Members are drawn by their ranks, so each has the same chance.
 */
#include <stdlib.h>

#include "base/heap.h"
#include "base/random.h"
#include "command/scan.h"
#include "types/zset/zset_cmds.h"
#include "types/zset/zset_pack.h"

/* The least that a bulk string takes in a reply. */
#define BULK_LEAST 6

static void reply_one(struct resp_writer *w, const struct zset *z, uint64_t rank, bool with_score)
{
    struct zset_walk walk;
    struct zset_item item;
    zset_walk_begin(&walk, z, rank, 1, false);
    (void)zset_walk_next(&walk, &item);
    if (with_score)
        zset_reply_pair(w, &item, w->version == 3);
    else
        resp_bulk(w, item.member);
}

static void begin_list(struct resp_writer *w, uint64_t count, bool with_scores)
{
    resp_array(w, (size_t)count * (with_scores && w->version != 3 ? 2 : 1));
}

/* COUNT of them, each on its own. */
static void reply_any(struct command_ctx *ctx, const struct zset *z, uint64_t count, bool with_scores)
{
    uint64_t total = zset_count(z);
    int code = count > SIZE_MAX / 64 ? MR_E_MEMORY : buf_try_grow(ctx->reply->out, count * BULK_LEAST);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    begin_list(ctx->reply, count, with_scores);
    for (uint64_t i = 0; i < count; i++)
        reply_one(ctx->reply, z, random_below(keyspace_random(z->ks), total), with_scores);
}

/* COUNT of them in their order: each one that is met is taken with the chance that leads there. */
static void reply_many(struct command_ctx *ctx, const struct zset *z, uint64_t count, bool with_scores)
{
    struct zset_walk walk;
    struct zset_item item;
    struct random *r = keyspace_random(z->ks);
    uint64_t left = zset_count(z);
    begin_list(ctx->reply, count, with_scores);
    zset_walk_begin(&walk, z, 0, left, false);
    for (; count > 0 && zset_walk_next(&walk, &item); left--) {
        if (random_below(r, left) >= count)
            continue;
        count--;
        if (with_scores)
            zset_reply_pair(ctx->reply, &item, ctx->reply->version == 3);
        else
            resp_bulk(ctx->reply, item.member);
    }
}

static int compare_ranks(const void *x, const void *y)
{
    const uint64_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

/* The same for few of many: COUNT different ranks. */
static void reply_few(struct command_ctx *ctx, const struct zset *z, uint64_t count, bool with_scores)
{
    uint64_t *ranks = heap_try_alloc(count * sizeof *ranks), have = 0, total = zset_count(z);
    if (ranks == NULL) {
        resp_error_code(ctx->reply, MR_E_MEMORY);
        return;
    }
    while (have < count) {
        for (uint64_t i = have; i < count; i++)
            ranks[i] = random_below(keyspace_random(z->ks), total);
        qsort(ranks, count, sizeof *ranks, compare_ranks);
        have = 0;
        for (uint64_t i = 0; i < count; i++)
            if (have == 0 || ranks[have - 1] != ranks[i])
                ranks[have++] = ranks[i];
    }
    begin_list(ctx->reply, count, with_scores);
    for (uint64_t i = 0; i < count; i++)
        reply_one(ctx->reply, z, ranks[i], with_scores);
    heap_free(ranks);
}

#define FEW_OF 16 /* drawing ranks costs less than walking if so many times as many are there */

static void draw(struct command_ctx *ctx, int64_t count, bool with_scores)
{
    struct zset z;
    if (!zset_find(ctx, 1, DB_COUNT, &z))
        return;
    uint64_t total = zset_count(&z);
    if (total == 0 || count == 0)
        resp_array(ctx->reply, 0);
    else if (count < 0)
        reply_any(ctx, &z, 0 - (uint64_t)count, with_scores);
    else if (z.big != NULL && (uint64_t)count < total / FEW_OF)
        reply_few(ctx, &z, (uint64_t)count, with_scores);
    else
        reply_many(ctx, &z, (uint64_t)count < total ? (uint64_t)count : total, with_scores);
}

void zset_cmd_zrandmember(struct command_ctx *ctx)
{
    struct zset z;
    int64_t count;
    if (ctx->argc == 2) {
        if (!zset_find(ctx, 1, DB_COUNT, &z))
            return;
        if (z.e == NULL)
            resp_null(ctx->reply);
        else
            reply_one(ctx->reply, &z, random_below(keyspace_random(z.ks), zset_count(&z)), false);
        return;
    }
    if (!dispatch_arg_int(ctx, 2, &count))
        return;
    if (count == INT64_MIN) {
        resp_error(ctx->reply, "ERR value is out of range, value must between -9223372036854775807 and "
                               "9223372036854775807");
        return;
    }
    bool with_scores = ctx->argc == 4 && slice_is(ctx->argv[3], "WITHSCORES");
    if (ctx->argc > 4 || (ctx->argc == 4 && !with_scores)) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if (with_scores && (count < -(INT64_MAX / 2) || count > INT64_MAX / 2)) {
        resp_error(ctx->reply, "ERR value is out of range");
        return;
    }
    draw(ctx, count, with_scores);
}

/* --- ZSCAN --- */

struct page {
    struct resp_writer out;
    const struct scan_options *options;
    uint64_t seen;
    size_t count; /* elements of the reply */
};

static void scan_item(struct page *page, const struct zset_item *item)
{
    page->seen++;
    if (!scan_matches(page->options, item->member))
        return;
    resp_bulk(&page->out, item->member);
    page->count++;
    if (page->options->bare)
        return;
    char text[NUMBER_TEXT_MAX];
    resp_bulk(&page->out, slice_of(text, number_from_double(text, item->score)));
    page->count++;
}

static void scan_element(void *arg, void *element)
{
    struct zset_item item = {.member = zset_element_member(element), .score = zset_element_score(element)};
    scan_item(arg, &item);
}

void zset_cmd_zscan(struct command_ctx *ctx)
{
    struct zset z;
    uint64_t cursor;
    struct scan_options options;
    if (!scan_read_cursor(ctx, 2, &cursor) || !zset_find(ctx, 1, DB_COUNT, &z))
        return;
    if (z.e == NULL) {
        scan_begin_reply(ctx, 0);
        resp_array(ctx->reply, 0);
        return;
    }
    if (!scan_read_options(ctx, 3, "NOSCORES", &options))
        return;
    struct buf buf = {0};
    struct page page = {.out = {.out = &buf, .version = ctx->reply->version}, .options = &options};
    if (z.big == NULL) {
        struct zset_walk walk;
        struct zset_item item;
        zset_walk_begin(&walk, &z, 0, UINT64_MAX, false);
        while (zset_walk_next(&walk, &item))
            scan_item(&page, &item);
        cursor = 0;
    } else {
        uint64_t want = (uint64_t)options.want;
        uint64_t steps = want < UINT64_MAX / SCAN_STEPS ? want * SCAN_STEPS : UINT64_MAX;
        do
            cursor = dict_scan(&z.big->dict, z.a, cursor, scan_element, &page);
        while (cursor != 0 && --steps > 0 && page.seen < want);
    }
    scan_begin_reply(ctx, cursor);
    resp_array(ctx->reply, page.count);
    resp_raw(ctx->reply, buf.data, buf.len);
    buf_done(&buf);
}
