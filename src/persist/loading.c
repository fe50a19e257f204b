/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading the data at start, and what INFO tells of it.
 *
 * While a load goes on, a gate answers what must not see half of the data. The facts
 * of the last load stay for INFO; there is no append-only file, and its fields say so.
 */
#include "persist/loading.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "command/dispatch.h"
#include "persist/kept.h"

struct loading {
    struct dispatch *dispatch;
    struct keyspace *ks;
    const struct object_types *types;
    const struct loading_options *options;
    unsigned gate;
    struct rdb_load *load; /* NULL: nothing is being loaded */
    struct kept kept;
    char *name;        /* of the file */
    int64_t started_s; /* wall time of the load's start */
    uint64_t last_keys, last_expired;
};

static enum dispatch_verdict gate(void *owner, struct command_ctx *ctx)
{
    (void)owner;
    if (ctx->command->flags & CMD_LOADING)
        return DISPATCH_PASS;
    resp_error_code(ctx->reply, MR_E_LOADING);
    return DISPATCH_REFUSED;
}

struct loading *loading_new(struct dispatch *d, const struct object_types *types,
                            const struct loading_options *options)
{
    struct loading *l = heap_alloc_zero(sizeof *l);
    l->dispatch = d;
    l->ks = dispatch_keyspace(d);
    l->types = types;
    l->options = options;
    l->gate = dispatch_add_gate(d, DISPATCH_RANK_LOADING, gate, l);
    return l;
}

void loading_free(struct loading *l)
{
    if (l == NULL)
        return;
    rdb_load_close(l->load);
    kept_done(&l->kept);
    heap_free(l->name);
    heap_free(l);
}

const struct kept *loading_kept(const struct loading *l)
{
    return &l->kept;
}

bool loading_is_active(const struct loading *l)
{
    return l->load != NULL;
}

int loading_start(struct loading *l, struct buf *why)
{
    assert(l->load == NULL);
    size_t told = why->len;
    int code;
    l->load = rdb_load_open(l->ks, l->types, l->options->dbfilename, l->options->rdbchecksum, &code, why);
    if (l->load == NULL) {
        if (code != -ENOENT)
            return code;
        why->len = told;
        log_event(LOG_EVENT_LOAD_EMPTY, LOG_FIELDS({"MINIREDIS_FILE", l->options->dbfilename}),
                  "There is no %s: the server starts empty", l->options->dbfilename);
        return 0;
    }
    rdb_load_keep(l->load, &l->kept);
    /* The option may change while the file is read. */
    heap_free(l->name);
    l->name = heap_strdup(l->options->dbfilename);
    l->started_s = clock_now_ms() / 1000;
    dispatch_gate_enable(l->dispatch, l->gate, true);
    return MR_E_AGAIN;
}

static void log_count(const struct loading *l, enum log_event event, uint64_t count, const char *what)
{
    if (count == 0)
        return;
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)count);
    log_event(event, LOG_FIELDS({"MINIREDIS_FILE", l->name}, {"MINIREDIS_COUNT", number}), "%s: %s %s",
              l->name, number, what);
}

static void log_done(const struct loading *l, const struct rdb_load_progress *p)
{
    double seconds = (double)(clock_mono_now_us() - p->started_us) / 1e6;
    char keys[24], took[32];
    snprintf(keys, sizeof keys, "%llu", (unsigned long long)p->keys);
    snprintf(took, sizeof took, "%.3f", seconds);
    log_event(LOG_EVENT_LOADED,
              LOG_FIELDS({"MINIREDIS_FILE", l->name}, {"MINIREDIS_KEYS", keys}, {"MINIREDIS_SECONDS", took}),
              "DB loaded from disk: %s seconds (%s, written by %s, %s keys)", took, l->name,
              p->writer[0] != '\0' ? p->writer : "an unnamed server", keys);
    log_count(l, LOG_EVENT_LOAD_EXPIRED, p->expired, "keys had expired and were left out");
    log_count(l, LOG_EVENT_LOAD_KEPT, p->functions,
              "function libraries are kept for the next save, but not executed");
    log_count(l, LOG_EVENT_LOAD_KEPT, p->module_aux,
              "items of data of modules are kept for the next save, but not used");
    log_count(l, LOG_EVENT_LOAD_LEFT_OUT, p->key_meta,
              "items of data that modules have of single keys were left out");
}

static void close_load(struct loading *l)
{
    rdb_load_close(l->load);
    l->load = NULL;
}

int loading_step(struct loading *l, int64_t us, struct buf *why)
{
    if (l->load == NULL)
        return 0;
    int code = rdb_load_step(l->load, us, why);
    if (code == MR_E_AGAIN)
        return code;
    struct rdb_load_progress p;
    rdb_load_progress(l->load, &p);
    l->last_keys = p.keys;
    l->last_expired = p.expired;
    if (code == 0) {
        kept_settle(&l->kept);
        log_done(l, &p);
        keyspace_set_dirty(l->ks, 0);
        dispatch_gate_enable(l->dispatch, l->gate, false);
    }
    close_load(l);
    return code;
}

/* --- progress --- */

static int64_t eta_seconds(const struct rdb_load_progress *p)
{
    int64_t elapsed_us = clock_mono_now_us() - p->started_us;
    if (p->bytes == 0)
        return 1;
    return (int64_t)((double)elapsed_us / 1e6 * (double)(p->total - p->bytes) / (double)p->bytes);
}

static double percent(const struct rdb_load_progress *p)
{
    return p->total == 0 ? 100 : (double)p->bytes * 100 / (double)p->total;
}

void loading_status(const struct loading *l, struct buf *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    if (l->load == NULL)
        return;
    struct rdb_load_progress p;
    rdb_load_progress(l->load, &p);
    unsigned unit = 0;
    double scale = 1;
    while ((double)p.total / scale >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        scale *= 1024;
        unit++;
    }
    buf_printf(out, "Loading %s: %.0f %%, %.*f of %.*f %s, %lld s left", l->name, percent(&p), unit > 0,
               (double)p.bytes / scale, unit > 0, (double)p.total / scale, units[unit],
               (long long)eta_seconds(&p));
}

/* --- INFO --- */

static void format_ok(const void *owner, struct buf *out)
{
    (void)owner;
    buf_append_str(out, "ok");
}

static void format_loading(const void *owner, struct buf *out)
{
    buf_append_byte(out, loading_is_active(owner) ? '1' : '0');
}

static void format_progress(const void *owner, struct buf *out)
{
    const struct loading *l = owner;
    if (l->load == NULL)
        return;
    struct rdb_load_progress p;
    rdb_load_progress(l->load, &p);
    buf_printf(out,
               "loading_start_time:%lld\r\nloading_total_bytes:%llu\r\nloading_rdb_used_mem:%llu\r\n"
               "loading_loaded_bytes:%llu\r\nloading_loaded_perc:%.2f\r\nloading_eta_seconds:%lld\r\n",
               (long long)l->started_s, (unsigned long long)p.total, (unsigned long long)p.used_mem,
               (unsigned long long)p.bytes, percent(&p), (long long)eta_seconds(&p));
}

#define ROW(NAME, UNIT, FORMAT, SENTENCE)                                                                    \
    {                                                                                                        \
        .section = "persistence", .name = NAME, .unit = UNIT, .format = FORMAT, .sentence = SENTENCE         \
    }
#define COUNT(NAME, FIELD, SENTENCE)                                                                         \
    {                                                                                                        \
        .section = "persistence", .name = NAME, .offset = offsetof(struct loading, FIELD),                   \
        .sentence = SENTENCE                                                                                 \
    }

static const struct counter_row rows[] = {
    ROW("loading", NULL, format_loading, "Whether data is being loaded."),
    ROW("async_loading", NULL, counters_zero, "Whether a replica loads beside serving its old data."),
    COUNT("rdb_last_load_keys_expired", last_expired, "Keys that the load left out as expired."),
    COUNT("rdb_last_load_keys_loaded", last_keys, "Keys that were loaded."),
    ROW("aof_enabled", NULL, counters_zero, "Whether writes go to an append-only file."),
    ROW("aof_rewrite_in_progress", NULL, counters_zero, "Whether that file is being rewritten."),
    ROW("aof_rewrite_scheduled", NULL, counters_zero, "Whether a rewrite waits for its turn."),
    ROW("aof_last_rewrite_time_sec", "s", counters_never, "What the last rewrite took; -1 before the first."),
    ROW("aof_current_rewrite_time_sec", "s", counters_never, "What the running rewrite has taken."),
    ROW("aof_last_bgrewrite_status", NULL, format_ok, "How the last rewrite ended; ok before the first."),
    ROW("aof_rewrites", NULL, counters_zero, "Rewrites since the start."),
    ROW("aof_rewrites_consecutive_failures", NULL, counters_zero, "Rewrites that failed in a row."),
    ROW("aof_last_write_status", NULL, format_ok, "How the last write to the append-only file ended."),
    ROW("aof_last_cow_size", "bytes", counters_zero, "Memory copied for the last rewrite."),
    ROW("module_fork_in_progress", NULL, counters_zero, "Whether a module runs a child process."),
    ROW("module_fork_last_cow_size", "bytes", counters_zero, "Memory copied for the last one."),
    ROW(NULL, NULL, format_progress, "While loading: its start, bytes, percent and the seconds left."),
};

void loading_register_counters(struct loading *l, struct counters *counters)
{
    counters_add(counters, rows, sizeof rows / sizeof *rows, l, NULL);
}
