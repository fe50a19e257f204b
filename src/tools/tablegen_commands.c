/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command rows of all families, without their handlers, as the manual shows them:
 * by group, and by name within it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "command/command.h"
#include "features/commands/commands.h"
#include "tools/mdoc.h"
#include "tools/tablegen.h"

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, __VA_ARGS__},
static const struct command rows[] = {
#include "features/clients/clients.def"
#include "features/commands/commands.def"
#include "features/config/config_feature.def"
#include "features/connection/connection.def"
#include "features/info/info.def"
#include "features/keys/keys.def"
#include "features/memory/memory.def"
#include "features/server/server.def"
#include "persist/saving.def"
#include "types/hash/hash.def"
#include "types/list/list.def"
#include "types/set/set.def"
#include "types/stream/stream.def"
#include "types/stream/stream_group.def"
#include "types/string/bitmap.def"
#include "types/string/hll.def"
#include "types/string/string.def"
#include "types/zset/geo.def"
#include "types/zset/zset.def"
};
#undef COMMAND

#define COUNT (sizeof rows / sizeof rows[0])

/* --- the synopsis, of the tree of arguments --- */

static void write_args(const struct command_arg *args, size_t count, const char *between, struct buf *out);

static void write_token(const struct command_arg *a, struct buf *out)
{
    if (a->token == NULL)
        return;
    buf_append_str(out, ".Cm");
    mdoc_argument(out, a->token, strlen(a->token));
    buf_append_byte(out, '\n');
}

static void write_value(const struct command_arg *a, bool enclosed, struct buf *out)
{
    if (a->type == CMD_ARG_BLOCK || a->type == CMD_ARG_ONEOF) {
        buf_append_str(out, enclosed ? ".Bro\n" : "");
        write_args(a->args, a->arg_count, a->type == CMD_ARG_ONEOF ? "|\n" : "", out);
        buf_append_str(out, enclosed ? ".Brc\n" : "");
    } else if (a->type != CMD_ARG_PURE_TOKEN) {
        buf_append_str(out, ".Ar");
        mdoc_argument(out, a->name, strlen(a->name));
        buf_append_byte(out, '\n');
    }
}

static void write_arg(const struct command_arg *a, struct buf *out)
{
    bool optional = (a->flags & CMD_ARG_OPTIONAL) != 0;
    bool multiple = (a->flags & CMD_ARG_MULTIPLE) != 0;
    bool with_token = (a->flags & CMD_ARG_MULTIPLE_TOKEN) != 0;
    buf_append_str(out, optional ? ".Oo\n" : "");
    buf_append_str(out, with_token ? ".Bro\n" : "");
    write_token(a, out);
    /* Brackets around a choice tell where it ends as well as braces do. */
    bool alone = a->type == CMD_ARG_ONEOF && optional && a->token == NULL;
    write_value(a, (multiple && !with_token) || (a->type == CMD_ARG_ONEOF && !alone), out);
    buf_append_str(out, with_token ? ".Brc\n" : "");
    buf_append_str(out, multiple ? "\\&...\n" : "");
    buf_append_str(out, optional ? ".Oc\n" : "");
}

static void write_args(const struct command_arg *args, size_t count, const char *between, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        /* A choice has each alternative in brackets of its own only by way of speaking. */
        struct command_arg a = args[i];
        if (between[0] != '\0')
            a.flags &= ~(unsigned)CMD_ARG_OPTIONAL;
        buf_append_str(out, i > 0 ? between : "");
        write_arg(&a, out);
    }
}

/* "CONFIG|GET" as it is typed. */
static void write_name(const char *name, struct buf *out)
{
    for (const char *c = name; *c != '\0'; c++)
        buf_append_byte(out, *c == '|' ? ' ' : *c);
}

/* A container's subcommands are described by themselves. */
static bool is_container(const struct command *c)
{
    size_t len = strlen(c->name);
    for (size_t i = 0; i < COUNT; i++)
        if (strncmp(rows[i].name, c->name, len) == 0 && rows[i].name[len] == '|')
            return true;
    return false;
}

static void synopsis(const struct command *c, struct buf *out)
{
    buf_append_str(out, ".Bd -ragged -offset indent\n.Ic ");
    write_name(c->name, out);
    buf_append_byte(out, '\n');
    if (is_container(c) && c->arity < -1)
        buf_append_str(out, ".Ar subcommand\n.Op Ar argument ...\n");
    write_args(c->args, c->arg_count, "", out);
    buf_append_str(out, ".Ed\n.Pp\n");
}

/* --- the facts --- */

static void item(struct buf *out, const char *name, const char *text)
{
    if (text == NULL)
        return;
    buf_printf(out, ".It %s\n", name);
    mdoc_text(out, text);
}

static void bits(struct buf *out, const char *name, const struct commands_name *names, uint32_t set)
{
    struct buf text = {0};
    for (; names->name != NULL; names++)
        if ((set & names->bit) != 0)
            buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", names->name);
    if (text.len > 0)
        item(out, name, buf_cstr(&text));
    buf_done(&text);
}

static void facts(const struct command *c, struct buf *out)
{
    buf_append_str(out, ".Bl -tag -width \"Changed in 6.2.0\" -compact\n");
    item(out, "Since", c->since);
    item(out, "Complexity", c->complexity);
    bits(out, "Flags", commands_flag_names, c->flags);
    bits(out, "Categories", commands_acl_names, command_acl_categories(c));
    for (size_t i = 0; i < c->history_count; i++) {
        buf_printf(out, ".It Changed in %s\n", c->history[i].since);
        mdoc_text(out, c->history[i].text);
    }
    if (c->deprecated_since != NULL) {
        buf_printf(out, ".It Deprecated in %s\n", c->deprecated_since);
        mdoc_text(out, c->replaced_by != NULL ? c->replaced_by : "Without a replacement.");
    }
    buf_append_str(out, ".El\n");
}

/* --- the order --- */

static const struct {
    const char *group;
    const char *heading;
} groups[] = {
    {"connection", "CONNECTION COMMANDS"},
    {"generic", "COMMANDS ON KEYS OF ANY TYPE"},
    {"string", "STRING COMMANDS"},
    {"bitmap", "BITMAP COMMANDS"},
    {"hyperloglog", "HYPERLOGLOG COMMANDS"},
    {"list", "LIST COMMANDS"},
    {"hash", "HASH COMMANDS"},
    {"set", "SET COMMANDS"},
    {"sorted-set", "SORTED SET COMMANDS"},
    {"geo", "GEO COMMANDS"},
    {"stream", "STREAM COMMANDS"},
    {"pubsub", "PUBLISH AND SUBSCRIBE COMMANDS"},
    {"transactions", "TRANSACTION COMMANDS"},
    {"scripting", "SCRIPTING COMMANDS"},
    {"server", "SERVER COMMANDS"},
};

#define GROUPS (sizeof groups / sizeof groups[0])

static size_t rank(const struct command *c)
{
    size_t i = 0;
    while (i < GROUPS && strcmp(groups[i].group, c->group) != 0)
        i++;
    /* A new group needs its heading, else its commands would be missing from the manual. */
    assert(i < GROUPS);
    return i;
}

static int compare(const void *a, const void *b)
{
    const struct command *x = *(const struct command *const *)a, *y = *(const struct command *const *)b;
    size_t rx = rank(x), ry = rank(y);
    return rx != ry ? (rx < ry ? -1 : 1) : strcmp(x->name, y->name);
}

void tablegen_commands(struct buf *out)
{
    const struct command **sorted = heap_alloc(COUNT * sizeof *sorted);
    size_t last = GROUPS;
    for (size_t i = 0; i < COUNT; i++)
        sorted[i] = &rows[i];
    qsort(sorted, COUNT, sizeof *sorted, compare);
    for (size_t i = 0; i < COUNT; i++) {
        const struct command *c = sorted[i];
        if (rank(c) != last)
            buf_printf(out, ".Sh %s\n", groups[rank(c)].heading);
        last = rank(c);
        buf_append_str(out, ".Ss ");
        write_name(c->name, out);
        buf_append_byte(out, '\n');
        synopsis(c, out);
        mdoc_text(out, c->summary);
        buf_append_str(out, ".Pp\n");
        facts(c, out);
    }
    heap_free(sorted);
}
