/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * COMMAND DOCS: maps of what a row says for people and for redis-cli's hints. Pairs
 * that a row has nothing for are left out, as redis-server does.
 */
#include "features/commands/commands_private.h"

static const struct commands_name arg_flag_names[] = {
    {CMD_ARG_OPTIONAL, "optional"},
    {CMD_ARG_MULTIPLE, "multiple"},
    {CMD_ARG_MULTIPLE_TOKEN, "multiple_token"},
    {0, NULL},
};

static const char *const arg_types[] = {
    [CMD_ARG_STRING] = "string",         [CMD_ARG_INTEGER] = "integer",
    [CMD_ARG_DOUBLE] = "double",         [CMD_ARG_KEY] = "key",
    [CMD_ARG_PATTERN] = "pattern",       [CMD_ARG_UNIX_TIME] = "unix-time",
    [CMD_ARG_PURE_TOKEN] = "pure-token", [CMD_ARG_ONEOF] = "oneof",
    [CMD_ARG_BLOCK] = "block",
};

/* A pair of the map, if there is TEXT; returns whether. */
static bool pair(struct resp_writer *w, const char *name, const char *text)
{
    if (text == NULL)
        return false;
    resp_bulk_str(w, name);
    resp_bulk_str(w, text);
    return true;
}

static void reply_args(struct resp_writer *w, const struct command_arg *args, size_t count)
{
    resp_array(w, count);
    for (size_t i = 0; i < count; i++) {
        const struct command_arg *a = &args[i];
        size_t mark = resp_later(w), pairs = 0;
        pairs += pair(w, "name", a->name);
        pairs += pair(w, "type", arg_types[a->type]);
        if (a->type == CMD_ARG_KEY || (a->type == CMD_ARG_PATTERN && a->key_spec > 0)) {
            resp_bulk_str(w, "key_spec_index");
            resp_int(w, a->key_spec);
            pairs++;
        }
        pairs += pair(w, "token", a->token);
        pairs += pair(w, "since", a->since);
        pairs += pair(w, "deprecated_since", a->deprecated_since);
        if (a->flags != 0) {
            resp_bulk_str(w, "flags");
            commands_reply_flags(w, arg_flag_names, a->flags);
            pairs++;
        }
        if (a->arg_count > 0) {
            resp_bulk_str(w, "arguments");
            reply_args(w, a->args, a->arg_count);
            pairs++;
        }
        resp_later_end(w, mark, w->version == 3 ? '%' : '*', w->version == 3 ? pairs : 2 * pairs);
    }
}

static size_t reply_history(struct resp_writer *w, const struct command *c)
{
    if (c->history_count == 0)
        return 0;
    resp_bulk_str(w, "history");
    resp_set(w, c->history_count);
    for (size_t i = 0; i < c->history_count; i++) {
        resp_array(w, 2);
        resp_bulk_str(w, c->history[i].since);
        resp_bulk_str(w, c->history[i].text);
    }
    return 1;
}

static size_t reply_deprecation(struct resp_writer *w, const struct command *c)
{
    static const struct commands_name deprecated[] = {{1, "deprecated"}, {0, NULL}};
    if (c->deprecated_since == NULL)
        return 0;
    resp_bulk_str(w, "doc_flags");
    commands_reply_flags(w, deprecated, 1);
    return 1 + pair(w, "deprecated_since", c->deprecated_since) + pair(w, "replaced_by", c->replaced_by);
}

static void reply_docs(struct resp_writer *w, const struct registry_entry *e)
{
    const struct command *c = e->command;
    commands_reply_name(w, e);
    size_t mark = resp_later(w), pairs = 0;
    pairs += pair(w, "summary", c->summary);
    pairs += pair(w, "since", c->since);
    pairs += pair(w, "group", c->group);
    pairs += pair(w, "complexity", c->complexity);
    pairs += reply_deprecation(w, c);
    pairs += reply_history(w, c);
    if (c->arg_count > 0) {
        resp_bulk_str(w, "arguments");
        reply_args(w, c->args, c->arg_count);
        pairs++;
    }
    if (e->child_count > 0) {
        resp_bulk_str(w, "subcommands");
        resp_map(w, e->child_count);
        for (size_t i = 0; i < e->child_count; i++)
            reply_docs(w, e->children[i]);
        pairs++;
    }
    resp_later_end(w, mark, w->version == 3 ? '%' : '*', w->version == 3 ? pairs : 2 * pairs);
}

void commands_cmd_docs(struct command_ctx *ctx)
{
    const struct registry *r = dispatch_registry(ctx->dispatch);
    struct resp_writer *w = ctx->reply;
    if (ctx->argc == 2) {
        resp_map(w, registry_count(r));
        for (size_t i = 0; i < registry_count(r); i++)
            reply_docs(w, registry_at(r, i));
        return;
    }
    size_t mark = resp_later(w), count = 0;
    for (uint32_t i = 2; i < ctx->argc; i++) {
        const struct registry_entry *e = registry_find_full(r, ctx->argv[i]);
        if (e == NULL)
            continue;
        reply_docs(w, e);
        count++;
    }
    resp_later_end(w, mark, w->version == 3 ? '%' : '*', w->version == 3 ? count : 2 * count);
}
