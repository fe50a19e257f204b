/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XACK, XACKDEL and XNACK: pending entries that are done with, or given back.
 */
#include "types/stream/stream_group_cmds.h"

#include "base/clock.h"

static bool acknowledge(struct stream_group_key *gk, struct stream_id id)
{
    struct btree_place place;
    struct stream_pending *p = stream_pel_find(gk->g, gk->k.a, id, &place);
    if (p != NULL)
        stream_pel_remove(gk->groups, gk->g, gk->k.a, &place, p);
    return p != NULL;
}

void stream_cmd_xack(struct command_ctx *ctx)
{
    struct stream_group_key gk;
    struct stream_id space[STREAM_IDS_SPACE];
    uint32_t count = ctx->argc - 3;
    int64_t done = 0;
    if (!stream_group_open(ctx, 1, 2, 0, &gk))
        return;
    if (gk.g == NULL) {
        resp_int(ctx->reply, 0);
        return;
    }
    struct stream_id *ids = stream_ids_read(ctx, 3, count, space);
    if (ids == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        done += acknowledge(&gk, ids[i]);
    stream_ids_free(ids, space);
    resp_int(ctx->reply, done);
    if (done != 0) {
        stream_changed_by(&gk.k, (uint64_t)done);
        db_event(ctx->db, EVENT_SILENT, "", gk.k.key);
    }
}

/* --- XACKDEL --- */

/* Reads [KEEPREF|DELREF|ACKED] IDS n id ..., the former on either side, from argument 3 on. */
static bool read_ids_block(struct command_ctx *ctx, enum stream_refs *refs, uint32_t *first, uint32_t *count)
{
    bool has_refs = false;
    *refs = STREAM_KEEPREF;
    *first = 0;
    *count = 0;
    for (uint32_t i = 3; i < ctx->argc; i++) {
        int64_t n;
        if (!has_refs && stream_refs_parse(ctx->argv[i], refs)) {
            has_refs = true;
        } else if (*first == 0 && slice_is(ctx->argv[i], "IDS") && i + 1 < ctx->argc) {
            if (!number_to_int(ctx->argv[i + 1], &n) || n <= 0) {
                resp_error(ctx->reply, "ERR Number of IDs must be a positive integer");
                return false;
            }
            if (n > (int64_t)(ctx->argc - i - 2)) {
                resp_error(ctx->reply, "ERR The `numids` parameter must match the number of arguments");
                return false;
            }
            *first = i + 2;
            *count = (uint32_t)n;
            i += 1 + *count;
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    if (*first == 0)
        resp_error_code(ctx->reply, MR_E_SYNTAX);
    return *first != 0;
}

enum ack_del { NOT_PENDING = -1, GONE = 1, KEPT = 2 };

static enum ack_del ack_and_delete(struct stream_group_key *gk, struct stream_id id, enum stream_refs refs,
                                   bool *deleted)
{
    if (!acknowledge(gk, id))
        return NOT_PENDING;
    if (refs == STREAM_ACKED && stream_groups_want(gk->groups, gk->k.a, id))
        return KEPT;
    if (refs == STREAM_DELREF)
        (void)stream_groups_forget(gk->groups, gk->k.a, id);
    *deleted |= stream_delete(gk->k.s, gk->k.a, id);
    return GONE;
}

void stream_cmd_xackdel(struct command_ctx *ctx)
{
    struct stream_group_key gk;
    struct stream_id space[STREAM_IDS_SPACE], *ids = NULL;
    enum stream_refs refs;
    uint32_t first, count;
    uint64_t changes = 0;
    bool deleted = false;
    if (!read_ids_block(ctx, &refs, &first, &count) || !stream_group_open(ctx, 1, 2, 0, &gk))
        return;
    if (gk.g != NULL && (ids = stream_ids_read(ctx, first, count, space)) == NULL)
        return;
    resp_array(ctx->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        enum ack_del what = ids == NULL ? NOT_PENDING : ack_and_delete(&gk, ids[i], refs, &deleted);
        changes += what != NOT_PENDING;
        resp_int(ctx->reply, what);
    }
    if (ids != NULL)
        stream_ids_free(ids, space);
    if (changes == 0)
        return;
    stream_changed_by(&gk.k, changes);
    if (deleted)
        db_event(ctx->db, EVENT_STREAM, "xdel", gk.k.key);
    else
        db_event(ctx->db, EVENT_SILENT, "", gk.k.key);
}

/* --- XNACK --- */

enum nack_mode { NACK_SILENT, NACK_FAIL, NACK_FATAL };

struct nack {
    enum nack_mode mode;
    int64_t retry; /* -1: by the mode */
    bool force;
    uint32_t first, count;
};

static bool read_nack_options(struct command_ctx *ctx, struct nack *n)
{
    for (uint32_t i = n->first + n->count; i < ctx->argc; i++) {
        struct slice word = ctx->argv[i];
        if (slice_is(word, "FORCE")) {
            n->force = true;
        } else if (slice_is(word, "RETRYCOUNT") && i + 1 < ctx->argc) {
            if (!number_to_int(ctx->argv[++i], &n->retry) || n->retry < 0) {
                resp_error(ctx->reply, "ERR Invalid RETRYCOUNT value, must be >= 0");
                return false;
            }
        } else {
            resp_errorf(ctx->reply, "ERR Unrecognized XNACK option '%.*s'",
                        (int)(word.len < 128 ? word.len : 128), word.ptr);
            return false;
        }
    }
    return true;
}

static bool read_nack(struct command_ctx *ctx, struct nack *n)
{
    int64_t count;
    *n = (struct nack){.retry = -1, .first = 6};
    const struct slice *argv = ctx->argv;
    if (slice_is(argv[3], "SILENT") || slice_is(argv[3], "FAIL") || slice_is(argv[3], "FATAL")) {
        n->mode = slice_is(argv[3], "SILENT") ? NACK_SILENT
                  : slice_is(argv[3], "FAIL") ? NACK_FAIL
                                              : NACK_FATAL;
    } else {
        resp_error(ctx->reply, "ERR mode must be SILENT, FAIL, or FATAL");
        return false;
    }
    if (!slice_is(argv[4], "IDS")) {
        resp_error(ctx->reply, "ERR syntax error, expected IDS keyword");
        return false;
    }
    if (!number_to_int(argv[5], &count) || count <= 0) {
        resp_error(ctx->reply, "ERR numids must be a positive integer");
        return false;
    }
    if (count > (int64_t)(ctx->argc - n->first)) {
        resp_error(ctx->reply, "ERR number of IDs doesn't match numids");
        return false;
    }
    n->count = (uint32_t)count;
    return read_nack_options(ctx, n);
}

static uint64_t nack_count(const struct nack *n, uint64_t was)
{
    if (n->retry >= 0)
        return (uint64_t)n->retry;
    if (n->mode == NACK_FATAL)
        return INT64_MAX;
    return n->mode == NACK_SILENT && was > 0 ? was - 1 : was;
}

static bool give_back(struct stream_group_key *gk, const struct nack *n, struct stream_id id)
{
    struct btree_place place;
    struct stream_pending *p = stream_pel_find(gk->g, gk->k.a, id, &place);
    if (p != NULL) {
        p->count = nack_count(n, p->count) & INT64_MAX;
        stream_pel_give_back(gk->g, gk->k.a, p);
        return true;
    }
    if (!n->force || !stream_contains(gk->k.s, gk->k.a, id))
        return false;
    stream_pel_add(gk->groups, gk->g, gk->k.a, &place, id, NULL, 0, nack_count(n, 0));
    return true;
}

void stream_cmd_xnack(struct command_ctx *ctx)
{
    struct nack n;
    struct stream_group_key gk;
    struct stream_id space[STREAM_IDS_SPACE];
    int64_t done = 0;
    if (!read_nack(ctx, &n) || !stream_group_open_sure(ctx, 1, 2, 0, &gk))
        return;
    struct stream_id *ids = stream_ids_read(ctx, n.first, n.count, space);
    if (ids == NULL)
        return;
    for (uint32_t i = 0; i < n.count; i++)
        done += give_back(&gk, &n, ids[i]);
    stream_ids_free(ids, space);
    resp_int(ctx->reply, done);
    if (done != 0) {
        stream_changed_by(&gk.k, (uint64_t)done);
        db_event(ctx->db, EVENT_SILENT, "", gk.k.key);
    }
}
