/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SSCAN. A packed set comes as one page; of a table, as dict_scan promises it, what stays is
 * told at least once.
 */
#include "command/scan.h"
#include "types/set/set_cmds.h"

struct page {
    const struct keyspace *ks;
    struct resp_writer out;
    struct scan_options options;
    int64_t seen;
    size_t count;
};

static void page_add(struct page *p, struct slice text)
{
    p->seen++;
    if (!scan_matches(&p->options, text))
        return;
    resp_bulk(&p->out, text);
    p->count++;
}

static void page_element(void *arg, void *element)
{
    const struct page *p = arg;
    if (!set_element_hidden(p->ks, element))
        page_add(arg, set_element_text(element));
}

static uint64_t page_fill(struct page *p, const struct set *s, uint64_t cursor)
{
    if (s->kind == SET_TABLE) {
        int64_t want = p->options.want;
        int64_t steps = want < INT64_MAX / SCAN_STEPS ? want * SCAN_STEPS : INT64_MAX;
        do
            cursor = dict_scan(&s->table->dict, keyspace_arena(s->ks), cursor, page_element, p);
        while (cursor != 0 && --steps > 0 && p->seen < want);
        return cursor;
    }
    struct set_walk w;
    struct set_batch b;
    set_walk_begin(&w, s);
    while (set_walk_next(&w, &b))
        for (unsigned i = 0; i < b.count; i++)
            page_add(p, set_batch_text(&b, i));
    return 0;
}

void set_cmd_sscan(struct command_ctx *ctx)
{
    struct buf bytes = {0};
    struct page p = {.ks = db_keyspace(ctx->db), .out = {.out = &bytes, .version = ctx->reply->version}};
    uint64_t cursor;
    struct entry *e;
    if (!scan_read_cursor(ctx, 2, &cursor) || !set_cmds_find(ctx, 1, DB_COUNT, &e))
        return;
    if (e == NULL) {
        scan_begin_reply(ctx, 0);
        resp_array(ctx->reply, 0);
        return;
    }
    if (!scan_read_options(ctx, 3, NULL, &p.options))
        return;
    struct set s = set_of(db_keyspace(ctx->db), e);
    cursor = page_fill(&p, &s, cursor);
    scan_begin_reply(ctx, cursor);
    resp_array(ctx->reply, p.count);
    resp_raw(ctx->reply, bytes.data, bytes.len);
    buf_done(&bytes);
}
