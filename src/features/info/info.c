/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command INFO: which sections, in which order, under which titles.
 */
#include "features/info/info.h"

#include "base/clock.h"
#include "base/counter.h"
#include "base/heap.h"
#include "base/random.h"
#include "command/dispatch.h"
#include "features/info/info_private.h"

static command_handler info_cmd_info;

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "features/info/info.def"
};
#undef COMMAND

static const struct section {
    const char *name, *title;
    bool by_default;
} sections[] = {
    {"server", "Server", true},
    {"clients", "Clients", true},
    {"memory", "Memory", true},
    {"persistence", "Persistence", true},
    {"stats", "Stats", true},
    {"replication", "Replication", true},
    {"cpu", "CPU", true},
    {"modules", "Modules", true},
    {"commandstats", "Commandstats", false},
    {"errorstats", "Errorstats", true},
    {"latencystats", "Latencystats", false},
    {"cluster", "Cluster", true},
    {"keyspace", "Keyspace", true},
};
#define SECTIONS (sizeof sections / sizeof sections[0])

struct info *info_new(struct dispatch *d, struct counters *counters, const struct info_facts *facts)
{
    struct info *info = heap_alloc_zero(sizeof *info);
    info->dispatch = d;
    info->counters = counters;
    info->facts = *facts;
    info->started_us = clock_mono_us();
    random_hex(info->run_id, 40);
    random_hex(info->replid, 40);
    registry_add(dispatch_registry(d), rows, sizeof rows / sizeof rows[0], info);
    info_register_rows(info);
    info_register_absent(info);
    return info;
}

void info_free(struct info *info)
{
    heap_free(info);
}

/* One bit per section that a word asks for; unknown words ask for none. */
static unsigned asked_by(struct slice word)
{
    bool all = slice_is(word, "all") || slice_is(word, "everything"), defaults = slice_is(word, "default");
    unsigned bits = 0;
    for (unsigned i = 0; i < SECTIONS; i++)
        if (all || (defaults && sections[i].by_default) || slice_is(word, sections[i].name))
            bits |= 1u << i;
    /* "all" leaves out what modules would add; there are none. */
    return bits;
}

static void info_cmd_info(struct command_ctx *ctx)
{
    const struct info *info = ctx->owner;
    unsigned bits = ctx->argc == 1 ? asked_by(slice_str("default")) : 0;
    for (uint32_t i = 1; i < ctx->argc; i++)
        bits |= asked_by(ctx->argv[i]);
    struct buf out = {0};
    for (unsigned i = 0; i < SECTIONS; i++) {
        if ((bits & 1u << i) == 0)
            continue;
        if (out.len > 0)
            buf_append_str(&out, "\r\n");
        counters_print(info->counters, sections[i].name, sections[i].title, &out);
    }
    resp_verbatim(ctx->reply, "txt", buf_slice(&out));
    buf_done(&out);
}
