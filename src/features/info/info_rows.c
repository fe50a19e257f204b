/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows of INFO about the process and the machine. Names are redis-server's, as
 * tools know them; what has no meaning here is left out, except for fields that
 * clients are known to read.
 */
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counter.h"
#include "features/info/info_private.h"
#include "loop/loop.h"

#define INFO_FORMAT(NAME) static void NAME(const void *owner, struct buf *out)
#define OWNER             ((const struct info *)owner)

/* --- server --- */

INFO_FORMAT(version)
{
    buf_append_str(out, OWNER->facts.version);
}

INFO_FORMAT(mode)
{
    (void)owner;
    buf_append_str(out, "standalone");
}

INFO_FORMAT(os)
{
    (void)owner;
    struct utsname u;
    if (uname(&u) == 0)
        buf_printf(out, "%s %s %s", u.sysname, u.release, u.machine);
}

INFO_FORMAT(arch_bits)
{
    (void)owner;
    buf_append_uint(out, 8 * sizeof(long));
}

INFO_FORMAT(multiplexing)
{
    buf_append_str(out, loop_backend(OWNER->facts.loop));
}

INFO_FORMAT(gcc_version)
{
    (void)owner;
#ifdef __GNUC__
    buf_printf(out, "%d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
    buf_append_str(out, "0.0.0");
#endif
}

INFO_FORMAT(process_id)
{
    (void)owner;
    buf_append_int(out, getpid());
}

INFO_FORMAT(supervised)
{
    buf_append_str(out, OWNER->facts.supervised);
}

INFO_FORMAT(run_id)
{
    buf_append_str(out, OWNER->run_id);
}

INFO_FORMAT(server_time)
{
    (void)owner;
    buf_append_int(out, clock_us());
}

static int64_t uptime(const struct info *info)
{
    return (clock_mono_us() - info->started_us) / 1000000;
}

INFO_FORMAT(uptime_seconds)
{
    buf_append_int(out, uptime(OWNER));
}

INFO_FORMAT(uptime_days)
{
    buf_append_int(out, uptime(OWNER) / 86400);
}

INFO_FORMAT(lru_clock)
{
    (void)owner;
    buf_append_int(out, clock_ms() / 1000 & 0xffffff);
}

INFO_FORMAT(executable)
{
    buf_append_str(out, OWNER->facts.executable);
}

INFO_FORMAT(config_file)
{
    buf_append_str(out, OWNER->facts.config_file);
}

/* --- replication --- */

INFO_FORMAT(role)
{
    (void)owner;
    buf_append_str(out, "master");
}

INFO_FORMAT(no_failover)
{
    (void)owner;
    buf_append_str(out, "no-failover");
}

INFO_FORMAT(replid)
{
    buf_append_str(out, OWNER->replid);
}

INFO_FORMAT(replid2)
{
    (void)owner;
    buf_printf(out, "%040d", 0);
}

/* --- cpu --- */

static void cpu(struct buf *out, int who, bool user)
{
    struct rusage r = {0};
    getrusage(who, &r);
    const struct timeval *t = user ? &r.ru_utime : &r.ru_stime;
    buf_printf(out, "%ld.%06ld", (long)t->tv_sec, (long)t->tv_usec);
}

INFO_FORMAT(cpu_sys)
{
    (void)owner;
    cpu(out, RUSAGE_SELF, false);
}

INFO_FORMAT(cpu_user)
{
    (void)owner;
    cpu(out, RUSAGE_SELF, true);
}

INFO_FORMAT(cpu_sys_children)
{
    (void)owner;
    cpu(out, RUSAGE_CHILDREN, false);
}

INFO_FORMAT(cpu_user_children)
{
    (void)owner;
    cpu(out, RUSAGE_CHILDREN, true);
}

INFO_FORMAT(cpu_sys_main)
{
    (void)owner;
    cpu(out, RUSAGE_THREAD, false);
}

INFO_FORMAT(cpu_user_main)
{
    (void)owner;
    cpu(out, RUSAGE_THREAD, true);
}

INFO_FORMAT(no_lines)
{
    (void)owner;
    (void)out;
}

INFO_FORMAT(loop_turns_total)
{
    buf_append_uint(out, loop_turns(OWNER->facts.loop));
}

INFO_FORMAT(loop_busy_total)
{
    buf_append_uint(out, loop_busy_us(OWNER->facts.loop));
}

#define ROW(SECTION, NAME, UNIT, FORMAT, SENTENCE)                                                           \
    {                                                                                                        \
        SECTION, NAME, UNIT, SENTENCE, 0, false, FORMAT                                                      \
    }

static const struct counter_row rows[] = {
    ROW("server", "miniredis_version", NULL, version, "The version of miniredis."),
    ROW("server", "redis_mode", NULL, mode, "Always standalone: there is no cluster."),
    ROW("server", "os", NULL, os, "The kernel."),
    ROW("server", "arch_bits", NULL, arch_bits, "Bits of a machine word."),
    ROW("server", "multiplexing_api", NULL, multiplexing, "The loop's back end in use now."),
    ROW("server", "gcc_version", NULL, gcc_version, "The compiler's version."),
    ROW("server", "process_id", NULL, process_id, "The process."),
    ROW("server", "process_supervised", NULL, supervised, "Who watches the process."),
    ROW("server", "run_id", NULL, run_id, "Drawn at each start."),
    ROW("server", "server_time_usec", "us", server_time, "The server's clock, since 1970."),
    ROW("server", "uptime_in_seconds", "s", uptime_seconds, "Time since the start."),
    ROW("server", "uptime_in_days", "d", uptime_days, "The same in days."),
    ROW("server", "lru_clock", "s", lru_clock, "The clock of key accesses."),
    ROW("server", "executable", NULL, executable, "The program's path."),
    ROW("server", "config_file", NULL, config_file, "The configuration that was read."),
    ROW("replication", "role", NULL, role, "Always master: there is no replication."),
    ROW("replication", "connected_slaves", NULL, counters_zero, "Replicas that follow."),
    ROW("replication", "master_failover_state", NULL, no_failover, "Whether a failover goes on."),
    ROW("replication", "master_replid", NULL, replid, "Identity of this data set's history."),
    ROW("replication", "master_replid2", NULL, replid2, "Identity of the history before that."),
    ROW("replication", "master_repl_offset", "bytes", counters_zero, "How far the history has come."),
    ROW("replication", "second_repl_offset", "bytes", counters_never,
        "Up to where the second identity holds."),
    ROW("replication", "repl_backlog_active", NULL, counters_zero, "Whether history is kept for replicas."),
    ROW("replication", "repl_backlog_size", "bytes", counters_zero, "How much of it may be kept."),
    ROW("replication", "repl_backlog_first_byte_offset", "bytes", counters_zero,
        "Where what is kept begins."),
    ROW("replication", "repl_backlog_histlen", "bytes", counters_zero, "How much is kept."),
    ROW("cpu", "used_cpu_sys", "s", cpu_sys, "Kernel time of the process."),
    ROW("cpu", "used_cpu_user", "s", cpu_user, "User time of the process."),
    ROW("cpu", "used_cpu_sys_children", "s", cpu_sys_children, "Kernel time of its children."),
    ROW("cpu", "used_cpu_user_children", "s", cpu_user_children, "User time of its children."),
    ROW("cpu", "used_cpu_sys_main_thread", "s", cpu_sys_main, "Kernel time of the loop's thread."),
    ROW("cpu", "used_cpu_user_main_thread", "s", cpu_user_main, "User time of the loop's thread."),
    ROW("stats", "eventloop_cycles", NULL, loop_turns_total, "Turns of the loop."),
    ROW("stats", "eventloop_duration_sum", "us", loop_busy_total, "Time outside of waiting."),
    ROW("modules", NULL, NULL, no_lines, "Loaded modules; there are none."),
    ROW("cluster", "cluster_enabled", NULL, counters_zero, "Always 0: there is no cluster."),
};

void info_register_rows(struct info *info)
{
    counters_add(info->counters, rows, sizeof rows / sizeof rows[0], info, NULL);
}
