/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XGROUP, and how the other commands find groups and consumers.
 */
#include "types/stream/stream_group_cmds.h"

#include "base/clock.h"
#include "base/heap.h"

/* --- for all of them --- */

bool stream_group_open(struct command_ctx *ctx, uint32_t key, uint32_t group, unsigned flags,
                       struct stream_group_key *ret)
{
    ret->groups = NULL;
    ret->g = NULL;
    if (!stream_find(ctx, key, flags, &ret->k))
        return false;
    if (ret->k.s != NULL)
        ret->groups = arena_expand(ret->k.a, ret->k.s->groups);
    ret->g = stream_group_find(ret->groups, ret->k.a, ctx->argv[group]);
    return true;
}

/* The part of a name that an error shows. */
static int shown(struct slice name)
{
    return (int)(name.len < 4096 ? name.len : 4096);
}

bool stream_group_open_sure(struct command_ctx *ctx, uint32_t key, uint32_t group, unsigned flags,
                            struct stream_group_key *ret)
{
    if (!stream_group_open(ctx, key, group, flags, ret))
        return false;
    if (ret->g == NULL)
        resp_errorf(ctx->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s'", shown(ctx->argv[key]),
                    ctx->argv[key].ptr, shown(ctx->argv[group]), ctx->argv[group].ptr);
    return ret->g != NULL;
}

struct stream_consumer *stream_group_consumer(struct command_ctx *ctx, struct stream_group_key *gk,
                                              struct slice name)
{
    struct stream_consumer *c = stream_consumer_find(gk->g, gk->k.a, name);
    if (c != NULL)
        return c;
    c = stream_consumer_add(gk->groups, gk->g, gk->k.a, name, clock_ms());
    if (c == NULL) {
        resp_error_code(ctx->reply, MR_E_MEMORY);
        return NULL;
    }
    stream_changed(&gk->k);
    db_event(ctx->db, EVENT_STREAM, "xgroup-createconsumer", gk->k.key);
    return c;
}

struct stream_id *stream_ids_read(struct command_ctx *ctx, uint32_t first, uint32_t count,
                                  struct stream_id *space)
{
    struct stream_id *ids = count <= STREAM_IDS_SPACE ? space : heap_try_alloc(count * sizeof *ids);
    if (ids == NULL) {
        resp_error_code(ctx->reply, MR_E_MEMORY);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!stream_arg_strict_id(ctx, first + i, 0, &ids[i])) {
            stream_ids_free(ids, space);
            return NULL;
        }
    return ids;
}

void stream_ids_free(struct stream_id *ids, struct stream_id *space)
{
    if (ids != space)
        heap_free(ids);
}

/* --- XGROUP --- */

struct group_options {
    bool make_stream;
    int64_t entries_read;
};

/* Those of CREATE and (not CREATE) SETID. */
static bool read_options(struct command_ctx *ctx, bool create, struct group_options *o)
{
    *o = (struct group_options){.entries_read = STREAM_READ_UNKNOWN};
    for (uint32_t i = 5; i < ctx->argc; i++) {
        if (create && slice_is(ctx->argv[i], "MKSTREAM")) {
            o->make_stream = true;
        } else if (slice_is(ctx->argv[i], "ENTRIESREAD") && i + 1 < ctx->argc) {
            if (!dispatch_arg_int(ctx, ++i, &o->entries_read))
                return false;
            if (o->entries_read < STREAM_READ_UNKNOWN) {
                resp_error(ctx->reply, "ERR value for ENTRIESREAD must be positive or -1");
                return false;
            }
        } else {
            dispatch_bad_subcommand(ctx);
            return false;
        }
    }
    return true;
}

/* The stream at argument 2 and its group, argument 3; each must be there if SURE. */
static bool open_group(struct command_ctx *ctx, bool sure_stream, bool sure_group,
                       struct stream_group_key *gk)
{
    if (!stream_group_open(ctx, 2, 3, 0, gk))
        return false;
    if (gk->k.s == NULL && sure_stream) {
        resp_error(ctx->reply,
                   "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you "
                   "may want to use the MKSTREAM option to create an empty stream automatically.");
        return false;
    }
    if (gk->g == NULL && sure_group) {
        resp_errorf(ctx->reply, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                    shown(ctx->argv[3]), ctx->argv[3].ptr, shown(ctx->argv[2]), ctx->argv[2].ptr);
        return false;
    }
    return true;
}

/* Argument 4: an id, or "$" for that of the entry added last. */
static bool read_last_id(struct command_ctx *ctx, const struct stream *s, struct stream_id *id)
{
    *id = s == NULL ? STREAM_ID_MIN : s->last_id;
    return slice_is(ctx->argv[4], "$") || stream_arg_strict_id(ctx, 4, 0, id);
}

/* What a group has read is not more than there was to be read. */
static int64_t cut_read(const struct stream *s, int64_t entries_read)
{
    return entries_read > 0 && (uint64_t)entries_read > s->entries_added ? (int64_t)s->entries_added
                                                                         : entries_read;
}

void stream_cmd_xgroup_create(struct command_ctx *ctx)
{
    struct group_options o;
    struct stream_group_key gk;
    struct stream_id last;
    if (!read_options(ctx, true, &o) || !open_group(ctx, !o.make_stream, false, &gk) ||
        !read_last_id(ctx, gk.k.s, &last))
        return;
    if (gk.g != NULL) {
        resp_error(ctx->reply, "BUSYGROUP Consumer Group name already exists");
        return;
    }
    int code = gk.k.s == NULL ? stream_create(&gk.k) : 0;
    if (code == 0 && gk.groups == NULL) {
        gk.groups = stream_groups_new(gk.k.a);
        gk.k.s->groups = arena_shorten(gk.k.a, gk.groups);
    }
    if (code == 0 &&
        stream_group_add(gk.groups, gk.k.a, ctx->argv[3], last, cut_read(gk.k.s, o.entries_read)) == NULL)
        code = MR_E_MEMORY;
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    stream_changed(&gk.k);
    resp_ok(ctx->reply);
    db_event(ctx->db, EVENT_STREAM, "xgroup-create", gk.k.key);
}

void stream_cmd_xgroup_setid(struct command_ctx *ctx)
{
    struct group_options o;
    struct stream_group_key gk;
    struct stream_id last;
    if (!read_options(ctx, false, &o) || !open_group(ctx, true, true, &gk) ||
        !read_last_id(ctx, gk.k.s, &last))
        return;
    gk.g->last_id = last;
    gk.g->entries_read = cut_read(gk.k.s, o.entries_read);
    stream_changed(&gk.k);
    resp_ok(ctx->reply);
    db_event(ctx->db, EVENT_STREAM, "xgroup-setid", gk.k.key);
}

/* Frees GROUPS, which are no stream's any more. */
static void free_groups(struct stream_group_key *gk, const struct stream_groups *groups)
{
    struct stream alone = {.groups = arena_shorten(gk->k.a, groups)};
    btree_init(&alone.nodes, BTREE_BY_ORDER);
    stream_discard(gk->k.ks, &alone);
}

void stream_cmd_xgroup_destroy(struct command_ctx *ctx)
{
    struct stream_group_key gk;
    if (!open_group(ctx, true, false, &gk))
        return;
    resp_int(ctx->reply, gk.g != NULL);
    if (gk.g == NULL)
        return;
    free_groups(&gk, stream_group_detach(gk.groups, gk.k.a, gk.g));
    stream_changed(&gk.k);
    db_event(ctx->db, EVENT_STREAM, "xgroup-destroy", gk.k.key);
}

void stream_cmd_xgroup_createconsumer(struct command_ctx *ctx)
{
    struct stream_group_key gk;
    if (!open_group(ctx, true, true, &gk))
        return;
    bool is_new = stream_consumer_find(gk.g, gk.k.a, ctx->argv[4]) == NULL;
    if (stream_group_consumer(ctx, &gk, ctx->argv[4]) != NULL)
        resp_int(ctx->reply, is_new);
}

void stream_cmd_xgroup_delconsumer(struct command_ctx *ctx)
{
    struct stream_group_key gk;
    if (!open_group(ctx, true, true, &gk))
        return;
    struct stream_consumer *c = stream_consumer_find(gk.g, gk.k.a, ctx->argv[4]);
    resp_int(ctx->reply, c == NULL ? 0 : (int64_t)c->pending.count);
    if (c == NULL)
        return;
    struct stream_groups *gone = stream_consumer_remove(gk.groups, gk.g, gk.k.a, c);
    if (gone != NULL)
        free_groups(&gk, gone);
    stream_changed(&gk.k);
    db_event(ctx->db, EVENT_STREAM, "xgroup-delconsumer", gk.k.key);
}

void stream_cmd_xgroup_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {
        "CREATE <key> <groupname> <id|$> [option ...]",
        "    Makes a group that is given what comes behind <id>. Options:",
        "    * MKSTREAM",
        "      Makes an empty stream where there is none.",
        "    * ENTRIESREAD <count>",
        "      How many entries it counts as read.",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Makes a consumer.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Deletes a consumer and what it has pending.",
        "DESTROY <key> <groupname>",
        "    Deletes a group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD <count>]",
        "    Sets what the group was given last, and how many entries it counts as read.",
        NULL,
    };
    dispatch_help(ctx, lines);
}
