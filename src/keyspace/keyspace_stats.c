/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keyspace's counters and what INFO shows of them. How late keys, and elements, were deleted is counted
 * in buckets, each up to a bound; a percentile is told as the bound of the bucket that it
 * falls in, or the greatest lateness there was where that is less.
 */
#include "keyspace/keyspace_private.h"

static const int64_t lag_bounds[KEYSPACE_LAGS - 1] = {0, 1, 2, 5, 10, 20, 50, 100, 500, 1000};

void keyspace_stats_lag(struct keyspace *ks, int64_t lag_ms)
{
    unsigned i = 0;
    while (i < KEYSPACE_LAGS - 1 && lag_ms > lag_bounds[i])
        i++;
    ks->stats.lags[i]++;
    if (lag_ms > ks->stats.lag_max)
        ks->stats.lag_max = lag_ms;
}

/* The lateness that SHARE of 1000 keys did not exceed. */
static int64_t lag_percentile(const struct keyspace *ks, uint64_t share)
{
    uint64_t all = 0, below = 0;
    for (unsigned i = 0; i < KEYSPACE_LAGS; i++)
        all += ks->stats.lags[i];
    /* Rounded up: of few keys the high percentiles are the last one. */
    uint64_t wanted = all / 1000 * share + (all % 1000 * share + 999) / 1000;
    for (unsigned i = 0; i < KEYSPACE_LAGS - 1; i++) {
        below += ks->stats.lags[i];
        if (below >= wanted)
            return lag_bounds[i] < ks->stats.lag_max ? lag_bounds[i] : ks->stats.lag_max;
    }
    return ks->stats.lag_max;
}

static void format_lag_p50(const void *owner, struct buf *out)
{
    buf_append_uint(out, (uint64_t)lag_percentile(owner, 500));
}

static void format_lag_p99(const void *owner, struct buf *out)
{
    buf_append_uint(out, (uint64_t)lag_percentile(owner, 990));
}

static void format_lag_max(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    buf_append_uint(out, (uint64_t)ks->stats.lag_max);
}

static void format_lags(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    for (unsigned i = 0; i < KEYSPACE_LAGS - 1; i++)
        buf_printf(out, "%lld=%llu,", (long long)lag_bounds[i], (unsigned long long)ks->stats.lags[i]);
    buf_printf(out, "more=%llu", (unsigned long long)ks->stats.lags[KEYSPACE_LAGS - 1]);
}

static void format_late(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    buf_printf(out, "%.2f", (double)ks->stats.expired_late / 100);
}

static void format_expire_cpu(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    buf_append_uint(out, (uint64_t)(clock_ticks_to_us(ks->stats.expire_ticks) / 1000));
}

static int64_t average_ttl(const struct db *db)
{
    if (db->wheel.count == 0)
        return 0;
    int64_t ttl = (int64_t)(db->expiry_sum / (keyspace_sum)db->wheel.count - clock_ms());
    return ttl < 0 ? 0 : ttl;
}

static void format_databases(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    for (unsigned i = 0; i < ks->databases; i++) {
        const struct db *db = &ks->db[i];
        if (db_size(db) == 0)
            continue;
        buf_printf(out, "db%u:keys=%llu,expires=%llu,avg_ttl=%lld,subexpiry=%llu\r\n", i,
                   (unsigned long long)db_size(db), (unsigned long long)db_expires(db),
                   (long long)average_ttl(db), (unsigned long long)db->expiring.count);
    }
}

#define STAT(NAME, FIELD, UNIT, SENTENCE)                                                                    \
    {                                                                                                        \
        .section = "stats", .name = (NAME), .unit = (UNIT), .sentence = (SENTENCE), .reset = true,           \
        .offset = offsetof(struct keyspace, stats.FIELD)                                                     \
    }

static const struct counter_row rows[] = {
    STAT("expired_keys", expired, NULL, "Keys deleted because their time had come."),
    STAT("expired_subkeys", expired_elements, NULL,
         "Elements of keys deleted because their own time had come: fields of hashes, members of sets."),
    {.section = "stats",
     .name = "expired_stale_perc",
     .unit = "percent",
     .sentence = "Of the keys that expired lately, the share that was deleted more than 10 ms late.",
     .format = format_late},
    {.section = "stats",
     .name = "expired_lag_ms_p50",
     .unit = "ms",
     .sentence = "How late half of the keys and elements that expired were deleted at most.",
     .format = format_lag_p50},
    {.section = "stats",
     .name = "expired_lag_ms_p99",
     .unit = "ms",
     .sentence = "How late 99 of 100 keys and elements that expired were deleted at most.",
     .format = format_lag_p99},
    {.section = "stats",
     .name = "expired_lag_ms_max",
     .unit = "ms",
     .sentence = "How late the latest of the keys and elements that expired was deleted.",
     .format = format_lag_max},
    {.section = "stats",
     .name = "expired_lag_ms_histogram",
     .sentence = "Keys and elements that expired by how many ms late they were deleted: up to each number, "
                 "from the one before it on.",
     .format = format_lags},
    STAT("expired_keys_active", expired_active, NULL,
         "Keys deleted because their time had come, without anybody asking for them."),
    STAT("expired_time_cap_reached_count", expire_cut, NULL,
         "Times that deleting expired keys was cut off with more of them due."),
    {.section = "stats",
     .name = "expire_cycle_cpu_milliseconds",
     .unit = "ms",
     .sentence = "Time spent deleting expired keys that nobody had asked for.",
     .format = format_expire_cpu},
    STAT("evicted_keys", evicted, NULL, "Keys deleted because of maxmemory."),
    STAT("keyspace_hits", hits, NULL, "Lookups of keys that were there."),
    STAT("keyspace_misses", misses, NULL, "Lookups of keys that were not there."),
    {.section = "keyspace",
     .sentence =
         "Per database that is not empty: keys, keys with an expiry, their average time to live in ms, keys "
         "of which some elements have an expiry of their own.",
     .format = format_databases},
};

static void reset_stats(void *owner)
{
    struct keyspace *ks = owner;
    ks->stats.expired_late = 0;
    ks->stats.lag_max = 0;
    memset(ks->stats.lags, 0, sizeof ks->stats.lags);
    ks->stats.expire_ticks = 0;
}

void keyspace_register_counters(struct keyspace *ks, struct counters *counters)
{
    counters_add(counters, rows, sizeof rows / sizeof *rows, ks, reset_stats);
}
