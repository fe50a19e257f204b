/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of the stream commands, and those that delete, look and set.
 */
#include "types/stream/stream_cmds.h"

#include "base/heap.h"
#include "command/registry.h"
#include "types/stream/stream_group.h"
#include "types/stream/stream_group_cmds.h"
#include "types/stream/stream_node.h"

static const struct stream_options defaults = {
    .node_max_bytes = 4096, .node_max_entries = 100, .idmp_duration = 100, .idmp_maxsize = 100};

const struct stream_options *stream_options_of(const struct keyspace *ks)
{
    const struct object_types *types = keyspace_types(ks);
    const struct stream_options *o = types == NULL ? NULL : types->options[OBJECT_STREAM];
    return o == NULL ? &defaults : o;
}

/* --- deleting --- */

static bool parse_trim(struct command_ctx *ctx, struct stream_trim *t)
{
    bool has_refs = false;
    for (uint32_t i = 2; i < ctx->argc; i++) {
        int code = stream_trim_arg(ctx, &i, t);
        if (code < 0)
            return false;
        if (code > 0)
            continue;
        if (has_refs || !stream_refs_parse(ctx->argv[i], &t->refs)) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        has_refs = true;
    }
    if (t->limit == 0 && t->by == STREAM_TRIM_NOT) {
        resp_error(ctx->reply, "ERR syntax error, XTRIM must be called with a trimming strategy");
        return false;
    }
    return stream_trim_check(ctx, t);
}

void stream_cmd_xtrim(struct command_ctx *ctx)
{
    struct stream_trim t = {.by = STREAM_TRIM_NOT};
    struct stream_key k;
    uint64_t deleted = 0;
    if (!parse_trim(ctx, &t) || !stream_find(ctx, 1, 0, &k))
        return;
    if (k.s != NULL)
        deleted = stream_trim(&k, &t);
    if (deleted > 0) {
        stream_changed_by(&k, deleted);
        db_event(ctx->db, EVENT_STREAM, "xtrim", ctx->argv[1]);
    }
    resp_int(ctx->reply, (int64_t)deleted);
}

void stream_cmd_xdel(struct command_ctx *ctx)
{
    struct stream_key k;
    struct stream_id id;
    int64_t deleted = 0;
    if (!stream_find(ctx, 1, 0, &k))
        return;
    if (k.s == NULL) {
        resp_int(ctx->reply, 0);
        return;
    }
    /* All of them are looked at before the first one is deleted. */
    for (uint32_t i = 2; i < ctx->argc; i++)
        if (!stream_arg_strict_id(ctx, i, 0, &id))
            return;
    for (uint32_t i = 2; i < ctx->argc; i++)
        if (stream_id_parse(ctx->argv[i], 0, true, &id))
            deleted += stream_delete(k.s, k.a, id);
    if (deleted > 0) {
        stream_changed_by(&k, (uint64_t)deleted);
        db_event(ctx->db, EVENT_STREAM, "xdel", ctx->argv[1]);
    }
    resp_int(ctx->reply, deleted);
}

/* --- XDELEX --- */

struct xdelex {
    enum stream_refs refs;
    uint32_t first, count; /* arguments that are ids */
};

static bool parse_ids(struct command_ctx *ctx, uint32_t i, struct xdelex *x)
{
    int64_t count;
    if (!number_to_int(ctx->argv[i], &count) || count <= 0) {
        resp_error(ctx->reply, "ERR Number of IDs must be a positive integer");
        return false;
    }
    if (count > (int64_t)ctx->argc - 1 - i) {
        resp_error(ctx->reply, "ERR The `numids` parameter must match the number of arguments");
        return false;
    }
    x->first = i + 1;
    x->count = (uint32_t)count;
    return true;
}

static bool parse_xdelex(struct command_ctx *ctx, struct xdelex *x)
{
    bool has_refs = false;
    for (uint32_t i = 2; i < ctx->argc; i++) {
        if (x->count == 0 && i + 1 < ctx->argc && slice_is(ctx->argv[i], "IDS")) {
            if (!parse_ids(ctx, i + 1, x))
                return false;
            i += 1 + x->count;
        } else if (!has_refs && stream_refs_parse(ctx->argv[i], &x->refs)) {
            has_refs = true;
        } else {
            x->count = 0;
            break;
        }
    }
    if (x->count == 0)
        resp_error_code(ctx->reply, MR_E_SYNTAX);
    return x->count > 0;
}

/* What becomes of the entry of ID: -1 it is not there, 1 deleted, 2 kept. */
static int delete_as(struct stream_key *k, struct stream_groups *groups, enum stream_refs refs,
                     struct stream_id id, bool *changed)
{
    if (refs == STREAM_ACKED && groups != NULL && stream_groups_want(groups, k->a, id))
        return 2;
    if (refs == STREAM_DELREF && groups != NULL)
        *changed |= stream_groups_forget(groups, k->a, id);
    return stream_delete(k->s, k->a, id) ? 1 : -1;
}

static void delete_all(struct command_ctx *ctx, struct stream_key *k, const struct xdelex *x)
{
    struct stream_groups *groups = arena_expand(k->a, k->s->groups);
    struct stream_id id;
    bool changed = false, deleted = false;
    resp_array(ctx->reply, x->count);
    for (uint32_t i = 0; i < x->count; i++) {
        int what = -1;
        if (stream_id_parse(ctx->argv[x->first + i], 0, true, &id))
            what = delete_as(k, groups, x->refs, id, &changed);
        deleted |= what == 1;
        resp_int(ctx->reply, what);
    }
    if (!deleted && !changed)
        return;
    stream_changed(k);
    db_event(ctx->db, deleted ? EVENT_STREAM : EVENT_SILENT, deleted ? "xdel" : "", ctx->argv[1]);
}

void stream_cmd_xdelex(struct command_ctx *ctx)
{
    struct xdelex x = {.refs = STREAM_KEEPREF};
    struct stream_key k;
    struct stream_id id;
    if (!parse_xdelex(ctx, &x) || !stream_find(ctx, 1, 0, &k))
        return;
    if (k.s == NULL) {
        resp_array(ctx->reply, x.count);
        for (uint32_t i = 0; i < x.count; i++)
            resp_int(ctx->reply, -1);
        return;
    }
    for (uint32_t i = 0; i < x.count; i++)
        if (!stream_arg_strict_id(ctx, x.first + i, 0, &id))
            return;
    delete_all(ctx, &k, &x);
}

/* --- looking --- */

void stream_cmd_xlen(struct command_ctx *ctx)
{
    struct stream_key k;
    if (stream_find(ctx, 1, DB_COUNT, &k))
        resp_int(ctx->reply, k.s == NULL ? 0 : (int64_t)k.s->length);
}

/* COUNT; *COUNT is then what it says, or all. */
static bool parse_count(struct command_ctx *ctx, uint64_t *count)
{
    *count = UINT64_MAX;
    for (uint32_t i = 4; i < ctx->argc; i += 2) {
        int64_t value;
        if (!slice_is(ctx->argv[i], "COUNT") || i + 1 == ctx->argc) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        if (!dispatch_arg_int(ctx, i + 1, &value))
            return false;
        *count = value < 0 ? 0 : (uint64_t)value;
    }
    return true;
}

static void range(struct command_ctx *ctx, bool back)
{
    struct stream_id from, to;
    struct stream_key k;
    struct stream_walk w;
    uint64_t count, told = 0;
    if (!stream_arg_begin(ctx, back ? 3 : 2, &from) || !stream_arg_end(ctx, back ? 2 : 3, &to) ||
        !parse_count(ctx, &count) || !stream_find(ctx, 1, DB_COUNT, &k))
        return;
    if (k.s == NULL) {
        resp_array(ctx->reply, 0);
        return;
    }
    if (count == 0) {
        resp_null_array(ctx->reply);
        return;
    }
    size_t mark = resp_later(ctx->reply);
    stream_walk_begin(&w, k.s, k.a, from, to, back);
    for (; told < count && stream_walk_next(&w); told++)
        stream_walk_reply(&w, ctx->reply);
    resp_later_end(ctx->reply, mark, '*', told);
}

void stream_cmd_xrange(struct command_ctx *ctx)
{
    range(ctx, false);
}

void stream_cmd_xrevrange(struct command_ctx *ctx)
{
    range(ctx, true);
}

/* --- XSETID --- */

struct xsetid {
    struct stream_id last, max_deleted;
    int64_t added; /* -1: not told */
};

static bool parse_setid(struct command_ctx *ctx, struct xsetid *x)
{
    if (!stream_arg_strict_id(ctx, 2, 0, &x->last))
        return false;
    for (uint32_t i = 3; i < ctx->argc; i += 2) {
        bool more = i + 1 < ctx->argc;
        const char *why = NULL;
        if (more && slice_is(ctx->argv[i], "ENTRIESADDED")) {
            if (!dispatch_arg_int(ctx, i + 1, &x->added))
                return false;
            if (x->added < 0)
                why = "ERR entries_added must be positive";
        } else if (more && slice_is(ctx->argv[i], "MAXDELETEDID")) {
            if (!stream_arg_strict_id(ctx, i + 1, 0, &x->max_deleted))
                return false;
            if (stream_id_compare(x->last, x->max_deleted) < 0)
                why = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
        } else {
            why = error_text(MR_E_SYNTAX);
        }
        if (why != NULL) {
            resp_error(ctx->reply, why);
            return false;
        }
    }
    return true;
}

/* Why it cannot be set; NULL: it can. */
static const char *setid_fault(const struct stream_key *k, const struct xsetid *x)
{
    const struct stream *s = k->s;
    if (s == NULL)
        return error_text(MR_E_NO_KEY);
    if (s->length == 0)
        return NULL;
    if (stream_id_compare(x->last, stream_newest_id(s, k->a)) < 0)
        return "ERR The ID specified in XSETID is smaller than the target stream top item";
    if (x->added != -1 && s->length > (uint64_t)x->added)
        return "ERR The entries_added specified in XSETID is smaller than the target stream length";
    return NULL;
}

void stream_cmd_xsetid(struct command_ctx *ctx)
{
    struct xsetid x = {.max_deleted = STREAM_ID_MIN, .added = -1};
    struct stream_key k;
    if (!parse_setid(ctx, &x) || !stream_find(ctx, 1, 0, &k))
        return;
    const char *why = setid_fault(&k, &x);
    if (why != NULL) {
        resp_error(ctx->reply, why);
        return;
    }
    k.s->last_id = x.last;
    stream_close(k.s, k.a);
    if (x.added != -1)
        k.s->entries_added = (uint64_t)x.added;
    if (!stream_id_is_zero(x.max_deleted))
        k.s->max_deleted_id = x.max_deleted;
    stream_changed(&k);
    db_event(ctx->db, EVENT_STREAM, "xsetid", ctx->argv[1]);
    resp_ok(ctx->reply);
}

/* --- the table --- */

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "types/stream/stream.def"
#include "types/stream/stream_group.def"
};

void stream_register(struct registry *registry, struct object_types *types,
                     const struct stream_options *options)
{
    object_types_add(types, &stream_type);
    types->options[OBJECT_STREAM] = options;
    registry_add(registry, rows, sizeof rows / sizeof *rows, NULL);
}
