/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See memory.h.
 *
 * The gate is off while there is no limit. Without eviction: memory of what was deleted or flushed comes
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

static enum dispatch_verdict hold(struct memory *m)
{
    m->holding = true;
    return DISPATCH_HOLD;
}

static enum dispatch_verdict refuse(struct memory *m, struct command_ctx *ctx)
{
    tell_refused(m, memory_used(m));
    resp_error(ctx->reply, "OOM command not allowed when used memory > 'maxmemory'.");
    return DISPATCH_REFUSED;
}

static enum dispatch_verdict gate(void *owner, struct command_ctx *ctx)
{
    struct memory *m = owner;
    bool grows = (ctx->command->flags & CMD_DENYOOM) != 0;
    if (memory_evicts(m)) {
        enum memory_room room = memory_make_room(m, grows);
        if (__builtin_expect(room == MEMORY_HAS_ROOM, 1))
            return DISPATCH_PASS;
        return room == MEMORY_WILL_HAVE_ROOM ? hold(m) : refuse(m, ctx);
    }
    if (!grows || memory_used(m) <= m->options->limit)
        return DISPATCH_PASS;
    return keyspace_is_freeing(dispatch_keyspace(m->dispatch)) ? hold(m) : refuse(m, ctx);
}

static bool may_release(struct memory *m)
{
    return memory_used(m) <= m->options->limit ||
           (memory_evicts(m) ? memory_evict_may_release(m)
                             : !keyspace_is_freeing(dispatch_keyspace(m->dispatch)));
}

static bool turn_end(void *owner)
{
    struct memory *m = owner;
    uint64_t used = memory_used(m);
    if (used > m->peak)
        m->peak = used;
    bool more = memory_evict_turn(m);
    if (m->holding && may_release(m)) {
        m->holding = false;
        dispatch_release(m->dispatch);
    }
    memory_defrag_turn(m);
    return (m->pressure.stage != MEMORY_AT_REST && memory_pressure_step(m)) || more;
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
    memory_evict_configure(m);
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
                  memory_evicts(m) ? "More memory than that is in use already: keys will be evicted"
                                   : "More memory than that is in use already: commands that need memory "
                                     "will be refused");
}

int memory_apply(struct memory *m, const bool *changed, struct buf *why)
{
    (void)why;
    uint64_t before = m->options->limit;
    work_out(m);
    if (changed[MEMORY_ROW_LIMIT] || m->options->limit != before)
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
    memory_evict_begin(m);
    work_out(m);
    loop_add_hook(loop, turn_end, m);
    memory_register_commands(m);
    return m;
}

void memory_free(struct memory *m)
{
    if (m == NULL)
        return;
    memory_pressure_done(m);
    memory_evict_done(m);
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
                  memory_evicts(m) ? "The data takes more memory than maxmemory allows: keys will be evicted"
                                   : "The data takes more memory than maxmemory allows: commands that need "
                                     "memory will be refused");
}
