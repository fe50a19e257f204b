/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The section "memory" of INFO. Names are redis-server's, as tools know them, and then
 * our own. The arena holds what keys reach, the heap all else, so that dataset and
 * overhead are two counts and no estimate.
 */
#include "base/counter.h"
#include "base/heap.h"
#include "base/number.h"
#include "command/dispatch.h"
#include "features/memory/memory_private.h"
#include "keyspace/keyspace.h"

#define MEMORY_FORMAT(NAME) static void NAME(const void *owner, struct buf *out)
#define OWNER               ((const struct memory *)owner)

static void human(struct buf *out, uint64_t bytes)
{
    char text[NUMBER_TEXT_MAX];
    buf_append(out, text, number_human_size(text, bytes));
}

static void percent(struct buf *out, uint64_t part, uint64_t whole)
{
    buf_printf(out, "%.2f%%", whole == 0 ? 0 : part < whole ? (double)part * 100 / (double)whole : 100);
}

static const struct arena *arena(const struct memory *m)
{
    return keyspace_arena(dispatch_keyspace(m->dispatch));
}

/* The turn that asks has not ended yet. */
static uint64_t peak(const struct memory *m)
{
    uint64_t used = memory_used(m);
    return used > m->peak ? used : m->peak;
}

MEMORY_FORMAT(used)
{
    buf_append_uint(out, memory_used(OWNER));
}

MEMORY_FORMAT(used_human)
{
    human(out, memory_used(OWNER));
}

MEMORY_FORMAT(resident)
{
    (void)owner;
    buf_append_uint(out, memory_resident());
}

MEMORY_FORMAT(resident_human)
{
    (void)owner;
    human(out, memory_resident());
}

MEMORY_FORMAT(used_peak)
{
    buf_append_uint(out, peak(OWNER));
}

MEMORY_FORMAT(used_peak_human)
{
    human(out, peak(OWNER));
}

MEMORY_FORMAT(used_peak_percent)
{
    percent(out, memory_used(OWNER), peak(OWNER));
}

MEMORY_FORMAT(overhead)
{
    (void)owner;
    buf_append_uint(out, heap_used());
}

MEMORY_FORMAT(startup)
{
    buf_append_uint(out, OWNER->at_start);
}

MEMORY_FORMAT(dataset)
{
    buf_append_uint(out, arena(OWNER)->used);
}

MEMORY_FORMAT(dataset_percent)
{
    uint64_t used_now = memory_used(OWNER), before = OWNER->at_start;
    percent(out, arena(OWNER)->used, used_now > before ? used_now - before : 0);
}

static uint64_t held(const struct memory *m)
{
    return heap_used() + arena(m)->held;
}

MEMORY_FORMAT(active)
{
    buf_append_uint(out, held(OWNER));
}

MEMORY_FORMAT(machine)
{
    (void)owner;
    buf_append_uint(out, memory_of_machine());
}

MEMORY_FORMAT(machine_human)
{
    (void)owner;
    human(out, memory_of_machine());
}

MEMORY_FORMAT(limit)
{
    buf_append_uint(out, OWNER->options->limit);
}

MEMORY_FORMAT(limit_human)
{
    human(out, OWNER->options->limit);
}

MEMORY_FORMAT(policy)
{
    buf_append_str(out, memory_policy_name(OWNER->options->evict.policy));
}

MEMORY_FORMAT(exceeded_total)
{
    buf_append_int(out, (OWNER->eviction.over_us + memory_exceeded_us(OWNER)) / 1000);
}

MEMORY_FORMAT(exceeded)
{
    buf_append_int(out, memory_exceeded_us(OWNER) / 1000);
}

MEMORY_FORMAT(frag_ratio)
{
    buf_printf(out, "%.2f", (double)held(OWNER) / (double)memory_used(OWNER));
}

MEMORY_FORMAT(frag_bytes)
{
    buf_append_uint(out, held(OWNER) - memory_used(OWNER));
}

MEMORY_FORMAT(rss_ratio)
{
    buf_printf(out, "%.2f", (double)memory_resident() / (double)held(OWNER));
}

MEMORY_FORMAT(rss_bytes)
{
    buf_append_int(out, (int64_t)memory_resident() - (int64_t)held(OWNER));
}

MEMORY_FORMAT(clients_normal)
{
    uint64_t sum = 0;
    for (const struct session *s = dispatch_first_session(OWNER->dispatch); s != NULL; s = s->next) {
        struct net_conn_stats stats;
        net_conn_get_stats(s->conn, &stats);
        sum += stats.memory + sizeof *s;
    }
    buf_append_uint(out, sum);
}

MEMORY_FORMAT(fragmentation)
{
    buf_printf(out, "%.2f", (double)memory_resident() / (double)memory_used(OWNER));
}

MEMORY_FORMAT(fragmentation_bytes)
{
    buf_append_int(out, (int64_t)memory_resident() - (int64_t)memory_used(OWNER));
}

MEMORY_FORMAT(allocator)
{
    (void)owner;
    buf_append_str(out, "arena");
}

MEMORY_FORMAT(pressure_source)
{
    static const char *const names[] = {[MEMORY_SOURCE_NONE] = "none",
                                        [MEMORY_SOURCE_MANAGER] = "manager",
                                        [MEMORY_SOURCE_CGROUP] = "cgroup",
                                        [MEMORY_SOURCE_CGROUP_READ] = "cgroup-read"};
    buf_append_str(out, names[OWNER->pressure.source]);
}

#define ROW(NAME, UNIT, FORMAT, SENTENCE)                                                                    \
    {                                                                                                        \
        .section = "memory", .name = (NAME), .unit = (UNIT), .format = (FORMAT), .sentence = (SENTENCE)      \
    }
#define COUNT(NAME, FIELD, UNIT, SENTENCE)                                                                   \
    {                                                                                                        \
        .section = "memory", .name = (NAME), .unit = (UNIT), .offset = offsetof(struct memory, FIELD),       \
        .reset = true, .sentence = (SENTENCE)                                                                \
    }

static const struct counter_row rows[] = {
    ROW("used_memory", "bytes", used, "Bytes in use by keys and everything else."),
    ROW("used_memory_human", NULL, used_human, "The same for people."),
    ROW("used_memory_rss", "bytes", resident, "Resident memory, as the kernel counts it."),
    ROW("used_memory_rss_human", NULL, resident_human, "The same for people."),
    ROW("used_memory_peak", "bytes", used_peak, "The most used_memory at the end of a turn of the loop."),
    ROW("used_memory_peak_human", NULL, used_peak_human, "The same for people."),
    ROW("used_memory_peak_perc", "percent", used_peak_percent, "What used_memory is of the most it was."),
    ROW("used_memory_overhead", "bytes", overhead, "Bytes that no key reaches."),
    ROW("used_memory_startup", "bytes", startup, "Bytes in use before the data was loaded."),
    ROW("used_memory_dataset", "bytes", dataset, "Bytes that keys reach."),
    ROW("used_memory_dataset_perc", "percent", dataset_percent,
        "What those are of all that came into use since the start."),
    ROW("allocator_allocated", "bytes", used, "Bytes handed out."),
    ROW("allocator_active", "bytes", active, "Bytes held for handing out."),
    ROW("allocator_resident", "bytes", resident, "Resident memory."),
    ROW("total_system_memory", "bytes", machine, "The machine's memory."),
    ROW("total_system_memory_human", NULL, machine_human, "The same for people."),
    ROW("maxmemory", "bytes", limit, "The limit on used_memory, as it was worked out; 0: none."),
    ROW("maxmemory_human", NULL, limit_human, "The same for people."),
    ROW("maxmemory_policy", NULL, policy, "Which keys are evicted at the limit."),
    ROW("mem_fragmentation_ratio", NULL, fragmentation, "Resident memory over used memory."),
    ROW("mem_fragmentation_bytes", "bytes", fragmentation_bytes, "Resident memory beyond used memory."),
    ROW("allocator_frag_ratio", NULL, frag_ratio, "Held over handed out."),
    ROW("allocator_frag_bytes", "bytes", frag_bytes, "Held and not handed out."),
    ROW("allocator_rss_ratio", NULL, rss_ratio, "Resident over held."),
    ROW("allocator_rss_bytes", "bytes", rss_bytes, "Resident less held."),
    ROW("mem_clients_normal", "bytes", clients_normal, "Memory of clients."),
    ROW("mem_not_counted_for_evict", "bytes", counters_zero,
        "Used memory that the limit does not count; none."),
    ROW("mem_allocator", NULL, allocator, "The allocator of keys."),
    COUNT("maxmemory_refused_commands", refused, NULL, "Commands refused because of the limit."),
    ROW("memory_pressure_source", NULL, pressure_source,
        "Where the server hears of memory pressure: manager (MEMORY_PRESSURE_WATCH), cgroup, "
        "cgroup-read (its file, read every few seconds), none."),
    COUNT("memory_pressure_events", pressure.events, NULL, "Times that it heard of memory pressure."),
    COUNT("memory_pressure_rounds", pressure.rounds, NULL, "Times that it gave memory back because of it."),
    COUNT("memory_pressure_given_back", pressure.given, "bytes", "Resident memory that went in those."),
};

#define STAT(NAME, FORMAT, SENTENCE)                                                                         \
    {                                                                                                        \
        .section = "stats", .name = (NAME), .unit = "ms", .format = (FORMAT), .sentence = (SENTENCE)         \
    }

static const struct counter_row stats[] = {
    STAT("total_eviction_exceeded_time", exceeded_total, "Time spent above maxmemory."),
    STAT("current_eviction_exceeded_time", exceeded, "Time above maxmemory since it was last below."),
};

static void reset_stats(void *owner)
{
    struct memory *m = owner;
    m->eviction.over_us = 0;
}

void memory_register_counters(struct memory *m, struct counters *counters)
{
    counters_add(counters, rows, sizeof rows / sizeof rows[0], m, NULL);
    counters_add(counters, stats, sizeof stats / sizeof stats[0], m, reset_stats);
    defrag_register_counters(dispatch_keyspace(m->dispatch), counters);
}
