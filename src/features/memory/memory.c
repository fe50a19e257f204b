/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See memory.h.
 *
 * The gate is off while there is no limit. Memory of what was deleted or flushed comes
 * back a little at a time, and would count until then; so a command that is above the
 * limit while some is still on its way is not refused but waits for it, and all others
 * go on.
 */
#include "features/memory/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/number.h"
#include "command/dispatch.h"
#include "config/config.h"
#include "features/memory/memory_private.h"
#include "keyspace/keyspace.h"

#define REFUSED_EVERY_US 60000000 /* at most one line about refused commands */

static const struct config_name maxmemory_names[] = {{"auto", MEMORY_AUTO}, {NULL, 0}};

static void show_maxmemory(const void *target, struct buf *out)
{
    buf_append_uint(out, ((const struct memory_options *)target)->limit);
}

const struct config_option memory_config_rows[] = {
    {.name = "maxmemory",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct memory_options, maxmemory),
     .fallback = "0",
     .min = 0,
     .max = INT64_MAX,
     .unit = "bytes",
     .names = maxmemory_names,
     .show = show_maxmemory,
     .sentence =
         "The most memory in use at which commands that need more are still taken; 0: no limit; auto: "
         "the limit of the control group less a tenth, or else the machine's memory less a fifth, less "
         "64mb at least, worked out at start and at each reload."},
};
const size_t memory_config_count = sizeof memory_config_rows / sizeof memory_config_rows[0];

uint64_t memory_used(const struct memory *m)
{
    return heap_used() + keyspace_arena(dispatch_keyspace(m->dispatch))->used;
}

size_t memory_resident(void)
{
    unsigned long total = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu", &total, &pages) != 2)
        pages = 0;
    fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* --- the gate --- */

static void tell_refused(struct memory *m, uint64_t used)
{
    int64_t now = clock_mono_us();
    m->refused++;
    if (m->refused_us != 0 && now - m->refused_us < REFUSED_EVERY_US)
        return;
    m->refused_us = now;
    char in_use[NUMBER_TEXT_MAX], limit[NUMBER_TEXT_MAX];
    int in_use_len = (int)number_human_size(in_use, used);
    int limit_len = (int)number_human_size(limit, m->options->limit);
    log_event(LOG_EVENT_MEMORY_FULL, NULL, 0,
              "Commands that need memory are refused: %.*s are in use, above the limit of %.*s", in_use_len,
              in_use, limit_len, limit);
}

static enum dispatch_verdict gate(void *owner, struct command_ctx *ctx)
{
    struct memory *m = owner;
    if ((ctx->command->flags & CMD_DENYOOM) == 0)
        return DISPATCH_PASS;
    uint64_t used = memory_used(m);
    if (used <= m->options->limit)
        return DISPATCH_PASS;
    if (keyspace_is_freeing(dispatch_keyspace(m->dispatch))) {
        m->holding = true;
        return DISPATCH_HOLD;
    }
    tell_refused(m, used);
    resp_error(ctx->reply, "OOM command not allowed when used memory > 'maxmemory'.");
    return DISPATCH_REFUSED;
}

static bool turn_end(void *owner)
{
    struct memory *m = owner;
    uint64_t used = memory_used(m);
    if (used > m->peak)
        m->peak = used;
    if (m->holding && (used <= m->options->limit || !keyspace_is_freeing(dispatch_keyspace(m->dispatch)))) {
        m->holding = false;
        dispatch_release(m->dispatch);
    }
    return m->pressure.stage != MEMORY_AT_REST && memory_pressure_step(m);
}

/* --- the limit --- */

static void work_out(struct memory *m)
{
    struct buf reason = {0};
    m->options->limit = memory_limit(m->options->maxmemory, "", memory_of_machine(), &reason);
    heap_free(m->reason);
    m->reason = heap_strdup(buf_cstr(&reason));
    buf_done(&reason);
    dispatch_gate_enable(m->dispatch, m->gate, m->enforced && memory_is_limited(m));
    if (m->holding) {
        m->holding = false;
        dispatch_release(m->dispatch);
    }
}

static void tell_limit(const struct memory *m)
{
    char limit[NUMBER_TEXT_MAX], bytes[NUMBER_TEXT_MAX];
    limit[number_human_size(limit, m->options->limit)] = '\0';
    bytes[number_from_uint(bytes, m->options->limit)] = '\0';
    if (!memory_is_limited(m))
        log_event(LOG_EVENT_MAXMEMORY, LOG_FIELDS({"MINIREDIS_BYTES", bytes}), "Memory limit: none (%s)",
                  m->reason);
    else
        log_event(LOG_EVENT_MAXMEMORY, LOG_FIELDS({"MINIREDIS_BYTES", bytes}), "Memory limit: %s (%s)", limit,
                  m->reason);
    if (memory_is_limited(m) && memory_used(m) > m->options->limit)
        log_event(LOG_EVENT_MEMORY_FULL, NULL, 0,
                  "More memory than that is in use already: commands that need memory will be refused");
}

int memory_apply(struct memory *m, const bool *changed, struct buf *why)
{
    (void)changed, (void)why;
    work_out(m);
    tell_limit(m);
    return 0;
}

void memory_reread(struct memory *m)
{
    uint64_t before = m->options->limit;
    if (m->options->maxmemory != MEMORY_AUTO)
        return;
    work_out(m);
    if (m->options->limit != before)
        tell_limit(m);
}

/* --- the whole --- */

struct memory *memory_new(struct dispatch *d, struct loop *loop, struct net *net,
                          struct memory_options *options)
{
    struct memory *m = heap_alloc_zero(sizeof *m);
    m->dispatch = d;
    m->loop = loop;
    m->net = net;
    m->options = options;
    m->gate = dispatch_add_gate(d, DISPATCH_RANK_MEMORY, gate, m);
    m->at_start = m->peak = memory_used(m);
    work_out(m);
    loop_add_hook(loop, turn_end, m);
    return m;
}

void memory_free(struct memory *m)
{
    if (m == NULL)
        return;
    memory_pressure_done(m);
    loop_remove_hook(m->loop, turn_end, m);
    heap_free(m->reason);
    heap_free(m);
}

void memory_begin(struct memory *m)
{
    m->at_start = memory_used(m);
    if (m->options->maxmemory != 0)
        tell_limit(m);
}

void memory_enforce(struct memory *m)
{
    m->enforced = true;
    dispatch_gate_enable(m->dispatch, m->gate, memory_is_limited(m));
    uint64_t used = memory_used(m);
    if (memory_is_limited(m) && used > m->options->limit)
        log_event(LOG_EVENT_MEMORY_FULL, NULL, 0,
                  "The data takes more memory than maxmemory allows: commands that need memory will be "
                  "refused");
}
