/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fields of INFO that monitoring tools ask for by redis-server's names and whose value
 * here is always nothing: there is none of what they count. A module that brings it
 * takes the field's row from here.
 */
#include "base/counter.h"
#include "features/info/info_private.h"

static void zero_rate(const void *owner, struct buf *out)
{
    (void)owner;
    buf_append_str(out, "0.00");
}

static void zero_size(const void *owner, struct buf *out)
{
    (void)owner;
    buf_append_str(out, "0B");
}

#define ABSENT(SECTION, NAME, SENTENCE)                                                                      \
    {                                                                                                        \
        SECTION, NAME, NULL, SENTENCE, 0, false, counters_zero                                               \
    }
#define ABSENT_RATE(SECTION, NAME, SENTENCE)                                                                 \
    {                                                                                                        \
        SECTION, NAME, "kB/s", SENTENCE, 0, false, zero_rate                                                 \
    }
#define ABSENT_SIZE(SECTION, NAME, SENTENCE)                                                                 \
    {                                                                                                        \
        SECTION, NAME, NULL, SENTENCE, 0, false, zero_size                                                   \
    }

static const struct counter_row rows[] = {
    ABSENT("server", "io_threads_active", "Threads for input and output; there are none."),
    ABSENT("memory", "used_memory_lua", "Scripting; there is none."),
    ABSENT_SIZE("memory", "used_memory_lua_human", "The same for people."),
    ABSENT("memory", "used_memory_vm_eval", "Scripting; there is none."),
    ABSENT("memory", "used_memory_scripts_eval", "Scripting; there is none."),
    ABSENT("memory", "number_of_cached_scripts", "Scripting; there is none."),
    ABSENT("memory", "number_of_functions", "Scripting; there is none."),
    ABSENT("memory", "number_of_libraries", "Scripting; there is none."),
    ABSENT("memory", "used_memory_vm_functions", "Scripting; there is none."),
    ABSENT("memory", "used_memory_vm_total", "Scripting; there is none."),
    ABSENT_SIZE("memory", "used_memory_vm_total_human", "The same for people."),
    ABSENT("memory", "used_memory_functions", "Scripting; there is none."),
    ABSENT("memory", "used_memory_scripts", "Scripting; there is none."),
    ABSENT_SIZE("memory", "used_memory_scripts_human", "The same for people."),
    ABSENT("memory", "mem_replication_backlog", "Replication; there is none."),
    ABSENT("memory", "mem_total_replication_buffers", "Replication; there is none."),
    ABSENT("memory", "mem_clients_slaves", "Replication; there is none."),
    ABSENT("memory", "mem_cluster_links", "Cluster; there is none."),
    ABSENT("memory", "mem_aof_buffer", "The append-only file; there is none."),
    ABSENT("stats", "total_net_repl_input_bytes", "Replication; there is none."),
    ABSENT("stats", "total_net_repl_output_bytes", "Replication; there is none."),
    ABSENT_RATE("stats", "instantaneous_input_repl_kbps", "Replication; there is none."),
    ABSENT_RATE("stats", "instantaneous_output_repl_kbps", "Replication; there is none."),
    ABSENT("stats", "sync_full", "Replication; there is none."),
    ABSENT("stats", "sync_partial_ok", "Replication; there is none."),
    ABSENT("stats", "sync_partial_err", "Replication; there is none."),
    ABSENT("stats", "slave_expires_tracked_keys", "Replication; there is none."),
    ABSENT("stats", "evicted_clients", "Clients closed to save memory; it is not done."),
    ABSENT("stats", "pubsub_channels", "Messages; there are none."),
    ABSENT("stats", "pubsub_patterns", "Messages; there are none."),
    ABSENT("stats", "pubsubshard_channels", "Messages; there are none."),
    ABSENT("stats", "latest_fork_usec", "The server never forks."),
    ABSENT("stats", "total_forks", "The server never forks."),
    ABSENT("stats", "migrate_cached_sockets", "Migration of keys; there is none."),
    ABSENT("stats", "tracking_total_keys", "Help for clients' caches; there is none."),
    ABSENT("stats", "tracking_total_items", "Help for clients' caches; there is none."),
    ABSENT("stats", "tracking_total_prefixes", "Help for clients' caches; there is none."),
    ABSENT("stats", "io_threaded_reads_processed", "Threads for input and output; there are none."),
    ABSENT("stats", "io_threaded_writes_processed", "Threads for input and output; there are none."),
};

void info_register_absent(struct info *info)
{
    counters_add(info->counters, rows, sizeof rows / sizeof rows[0], info, NULL);
}
