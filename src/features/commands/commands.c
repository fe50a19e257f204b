/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See commands.h. The replies' shapes are redis-server's: sets of flags as simple
 * strings, key specs and documentation as maps.
 */
#include "features/commands/commands.h"

#include "base/heap.h"
#include "base/text.h"
#include "command/dispatch.h"
#include "features/commands/commands_private.h"

static command_handler commands_cmd_all, commands_cmd_count, commands_cmd_getkeys,
    commands_cmd_getkeysandflags, commands_cmd_help, commands_cmd_info, commands_cmd_list;

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "features/commands/commands.def"
};
#undef COMMAND

#define KEYS_MAX 65536

void commands_register(struct dispatch *d)
{
    registry_add(dispatch_registry(d), rows, sizeof rows / sizeof rows[0], NULL);
}

const struct commands_name commands_flag_names[] = {
    {CMD_WRITE, "write"},
    {CMD_READONLY, "readonly"},
    {CMD_DENYOOM, "denyoom"},
    {CMD_MODULE, "module"},
    {CMD_ADMIN, "admin"},
    {CMD_PUBSUB, "pubsub"},
    {CMD_NOSCRIPT, "noscript"},
    {CMD_BLOCKING, "blocking"},
    {CMD_LOADING, "loading"},
    {CMD_STALE, "stale"},
    {CMD_SKIP_MONITOR, "skip_monitor"},
    {CMD_SKIP_SLOWLOG, "skip_slowlog"},
    {CMD_ASKING, "asking"},
    {CMD_FAST, "fast"},
    {CMD_NO_AUTH, "no_auth"},
    {CMD_MAY_REPLICATE, "may_replicate"},
    {CMD_NO_MANDATORY_KEYS, "no_mandatory_keys"},
    {CMD_NO_ASYNC_LOADING, "no_async_loading"},
    {CMD_NO_MULTI, "no_multi"},
    {CMD_MOVABLE_KEYS, "movablekeys"},
    {CMD_ALLOW_BUSY, "allow_busy"},
    {0, NULL},
};

const struct commands_name commands_acl_names[] = {
    {CMD_ACL_KEYSPACE, "@keyspace"},
    {CMD_ACL_READ, "@read"},
    {CMD_ACL_WRITE, "@write"},
    {CMD_ACL_SET, "@set"},
    {CMD_ACL_SORTEDSET, "@sortedset"},
    {CMD_ACL_LIST, "@list"},
    {CMD_ACL_HASH, "@hash"},
    {CMD_ACL_STRING, "@string"},
    {CMD_ACL_BITMAP, "@bitmap"},
    {CMD_ACL_HYPERLOGLOG, "@hyperloglog"},
    {CMD_ACL_GEO, "@geo"},
    {CMD_ACL_STREAM, "@stream"},
    {CMD_ACL_PUBSUB, "@pubsub"},
    {CMD_ACL_ADMIN, "@admin"},
    {CMD_ACL_FAST, "@fast"},
    {CMD_ACL_SLOW, "@slow"},
    {CMD_ACL_BLOCKING, "@blocking"},
    {CMD_ACL_DANGEROUS, "@dangerous"},
    {CMD_ACL_CONNECTION, "@connection"},
    {CMD_ACL_TRANSACTION, "@transaction"},
    {CMD_ACL_SCRIPTING, "@scripting"},
    {0, NULL},
};

static const struct commands_name key_flag_names[] = {
    {CMD_KEY_RO, "RO"},
    {CMD_KEY_RW, "RW"},
    {CMD_KEY_OW, "OW"},
    {CMD_KEY_RM, "RM"},
    {CMD_KEY_ACCESS, "access"},
    {CMD_KEY_UPDATE, "update"},
    {CMD_KEY_INSERT, "insert"},
    {CMD_KEY_DELETE, "delete"},
    {CMD_KEY_NOT_KEY, "not_key"},
    {CMD_KEY_INCOMPLETE, "incomplete"},
    {CMD_KEY_VARIABLE_FLAGS, "variable_flags"},
    {0, NULL},
};

void commands_reply_flags(struct resp_writer *w, const struct commands_name *names, uint32_t bits)
{
    size_t count = 0;
    for (const struct commands_name *n = names; n->name != NULL; n++)
        count += (bits & n->bit) != 0;
    resp_set(w, count);
    for (const struct commands_name *n = names; n->name != NULL; n++)
        if ((bits & n->bit) != 0)
            resp_simple(w, n->name);
}

void commands_reply_name(struct resp_writer *w, const struct registry_entry *e)
{
    struct buf name = {0};
    registry_full_name(e, &name);
    resp_bulk(w, buf_slice(&name));
    buf_done(&name);
}

/* --- COMMAND INFO --- */

/* The old triple of first key, last key and step, as far as one can be told. */
static void legacy_range(const struct command *c, int *first, int *last, int *step)
{
    *first = *last = *step = 0;
    for (size_t i = 0; i < c->key_count; i++) {
        const struct command_key *k = &c->keys[i];
        if (k->begin != CMD_BEGIN_INDEX || k->find != CMD_FIND_RANGE)
            continue;
        int end = k->last < 0 ? k->last : k->index + k->last;
        if (*first == 0) {
            *first = k->index;
            *last = end;
            *step = k->step;
            continue;
        }
        *step = *step == k->step || k->last == 0 ? *step : k->step;
        *last = end < 0 || *last < 0 ? (end < 0 ? end : *last) : (end > *last ? end : *last);
    }
}

static void reply_begin_search(struct resp_writer *w, const struct command_key *k)
{
    resp_map(w, 2);
    resp_bulk_str(w, "type");
    if (k->begin == CMD_BEGIN_UNKNOWN) {
        resp_bulk_str(w, "unknown");
        resp_bulk_str(w, "spec");
        resp_map(w, 0);
        return;
    }
    bool keyword = k->begin == CMD_BEGIN_KEYWORD;
    resp_bulk_str(w, keyword ? "keyword" : "index");
    resp_bulk_str(w, "spec");
    resp_map(w, keyword ? 2 : 1);
    if (keyword) {
        resp_bulk_str(w, "keyword");
        resp_bulk_str(w, k->keyword);
    }
    resp_bulk_str(w, keyword ? "startfrom" : "index");
    resp_int(w, k->index);
}

static void reply_triple(struct resp_writer *w, const char *const names[3], const int values[3])
{
    resp_map(w, 3);
    for (int i = 0; i < 3; i++) {
        resp_bulk_str(w, names[i]);
        resp_int(w, values[i]);
    }
}

static void reply_find_keys(struct resp_writer *w, const struct command_key *k)
{
    static const char *const range[3] = {"lastkey", "keystep", "limit"};
    static const char *const keynum[3] = {"keynumidx", "firstkey", "keystep"};
    static const char *const types[] = {"range", "keynum", "unknown"};
    resp_map(w, 2);
    resp_bulk_str(w, "type");
    resp_bulk_str(w, types[k->find]);
    resp_bulk_str(w, "spec");
    if (k->find == CMD_FIND_RANGE)
        reply_triple(w, range, (const int[3]){k->last, k->step, k->limit});
    else if (k->find == CMD_FIND_KEYNUM)
        reply_triple(w, keynum, (const int[3]){k->keynum_index, k->first, k->keynum_step});
    else
        resp_map(w, 0);
}

static void reply_key_spec(struct resp_writer *w, const struct command_key *k)
{
    resp_map(w, k->notes != NULL ? 4 : 3);
    if (k->notes != NULL) {
        resp_bulk_str(w, "notes");
        resp_bulk_str(w, k->notes);
    }
    resp_bulk_str(w, "flags");
    commands_reply_flags(w, key_flag_names, k->flags);
    resp_bulk_str(w, "begin_search");
    reply_begin_search(w, k);
    resp_bulk_str(w, "find_keys");
    reply_find_keys(w, k);
}

static void reply_info(struct resp_writer *w, const struct registry_entry *e)
{
    if (e == NULL) {
        resp_null(w);
        return;
    }
    const struct command *c = e->command;
    int first, last, step;
    legacy_range(c, &first, &last, &step);
    resp_array(w, 10);
    commands_reply_name(w, e);
    resp_int(w, c->arity);
    commands_reply_flags(w, commands_flag_names, c->flags);
    resp_int(w, first);
    resp_int(w, last);
    resp_int(w, step);
    commands_reply_flags(w, commands_acl_names, command_acl_categories(c));
    resp_set(w, c->tip_count);
    for (size_t i = 0; i < c->tip_count; i++)
        resp_bulk_str(w, c->tips[i]);
    resp_set(w, c->key_count);
    for (size_t i = 0; i < c->key_count; i++)
        reply_key_spec(w, &c->keys[i]);
    resp_set(w, e->child_count);
    for (size_t i = 0; i < e->child_count; i++)
        reply_info(w, e->children[i]);
}

static void commands_cmd_all(struct command_ctx *ctx)
{
    const struct registry *r = dispatch_registry(ctx->dispatch);
    resp_array(ctx->reply, registry_count(r));
    for (size_t i = 0; i < registry_count(r); i++)
        reply_info(ctx->reply, registry_at(r, i));
}

static void commands_cmd_count(struct command_ctx *ctx)
{
    resp_int(ctx->reply, (int64_t)registry_count(dispatch_registry(ctx->dispatch)));
}

static void commands_cmd_info(struct command_ctx *ctx)
{
    if (ctx->argc == 2) {
        commands_cmd_all(ctx);
        return;
    }
    resp_array(ctx->reply, ctx->argc - 2);
    for (uint32_t i = 2; i < ctx->argc; i++)
        reply_info(ctx->reply, registry_find_full(dispatch_registry(ctx->dispatch), ctx->argv[i]));
}

/* --- COMMAND LIST --- */

struct filter {
    struct slice pattern; /* of names; no pointer: none */
    uint32_t acl;         /* category; 0: none */
    bool nothing;
};

static size_t list_entry(struct resp_writer *w, const struct registry_entry *e, const struct filter *f)
{
    struct buf name = {0};
    registry_full_name(e, &name);
    bool shown = !f->nothing && (f->acl == 0 || (command_acl_categories(e->command) & f->acl) != 0) &&
                 (f->pattern.ptr == NULL || text_glob(f->pattern, buf_slice(&name), true));
    if (shown)
        resp_bulk(w, buf_slice(&name));
    buf_done(&name);
    size_t count = shown;
    /* Without a filter only top-level names are listed. */
    for (size_t i = 0; (f->acl != 0 || f->pattern.ptr != NULL) && i < e->child_count; i++)
        count += list_entry(w, e->children[i], f);
    return count;
}

static bool parse_filter(struct command_ctx *ctx, struct filter *f)
{
    *f = (struct filter){.pattern = {NULL, 0}};
    if (ctx->argc == 2)
        return true;
    if (ctx->argc != 5 || !slice_is(ctx->argv[2], "FILTERBY"))
        return false;
    struct slice kind = ctx->argv[3], value = ctx->argv[4];
    if (slice_is(kind, "PATTERN")) {
        f->pattern = value.ptr != NULL ? value : slice_str("");
    } else if (slice_is(kind, "ACLCAT")) {
        for (const struct commands_name *n = commands_acl_names; n->name != NULL; n++)
            if (slice_is(value, n->name + 1))
                f->acl = n->bit;
        f->nothing = f->acl == 0;
    } else if (slice_is(kind, "MODULE")) {
        f->nothing = true;
    } else {
        return false;
    }
    return true;
}

static void commands_cmd_list(struct command_ctx *ctx)
{
    struct filter f;
    if (!parse_filter(ctx, &f)) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    const struct registry *r = dispatch_registry(ctx->dispatch);
    size_t mark = resp_later(ctx->reply), count = 0;
    for (size_t i = 0; i < registry_count(r); i++)
        count += list_entry(ctx->reply, registry_at(r, i), &f);
    resp_later_end(ctx->reply, mark, '*', count);
}

/* --- COMMAND GETKEYS --- */

static void reply_keys(struct command_ctx *ctx, bool with_flags)
{
    const struct slice *argv = ctx->argv + 2;
    uint32_t argc = ctx->argc - 2;
    const struct registry_entry *e = registry_resolve(dispatch_registry(ctx->dispatch), argv, argc);
    const struct command *c = e != NULL ? e->command : NULL;
    if (c == NULL || (e->child_count > 0 && argc > 1)) {
        resp_error(ctx->reply, "ERR Invalid command specified");
        return;
    }
    if (c->key_count == 0) {
        resp_error(ctx->reply, "ERR The command has no key arguments");
        return;
    }
    if ((c->arity > 0 && argc != (uint32_t)c->arity) || (c->arity < 0 && argc < (uint32_t)-c->arity)) {
        resp_error(ctx->reply, "ERR Invalid number of arguments specified for command");
        return;
    }
    uint32_t cap = argc < KEYS_MAX ? argc : KEYS_MAX;
    uint32_t *indexes = heap_alloc(cap * sizeof *indexes);
    unsigned *flags = heap_alloc(cap * sizeof *flags);
    int count = command_find_keys(c, argv, argc, indexes, flags, cap);
    if (count <= 0 && (c->flags & CMD_NO_MANDATORY_KEYS) == 0) {
        resp_error(ctx->reply, "ERR Invalid arguments specified for command");
    } else {
        count = count < 0 ? 0 : count;
        resp_array(ctx->reply, (size_t)count);
        for (int i = 0; i < count; i++) {
            if (with_flags)
                resp_array(ctx->reply, 2);
            resp_bulk(ctx->reply, argv[indexes[i]]);
            if (with_flags)
                commands_reply_flags(ctx->reply, key_flag_names, flags[i]);
        }
    }
    heap_free(indexes);
    heap_free(flags);
}

static void commands_cmd_getkeys(struct command_ctx *ctx)
{
    reply_keys(ctx, false);
}

static void commands_cmd_getkeysandflags(struct command_ctx *ctx)
{
    reply_keys(ctx, true);
}

static void commands_cmd_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    The details of every command.",
        "COUNT",
        "    How many commands there are.",
        "LIST [FILTERBY <MODULE name|ACLCAT category|PATTERN pattern>]",
        "    The names of the commands.",
        "INFO [<command-name> ...]",
        "    The details of the named commands, or of all.",
        "DOCS [<command-name> ...]",
        "    The documentation of the named commands, or of all.",
        "GETKEYS <full-command>",
        "    Which arguments of a request are keys.",
        "GETKEYSANDFLAGS <full-command>",
        "    The keys of a request and how each would be used.",
        NULL,
    };
    dispatch_help(ctx, lines);
}
