/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What INFO tells of commands, errors and sessions.
 */
#include <string.h>

#include "base/clock.h"
#include "command/dispatch_private.h"

void dispatch_count_error(struct dispatch *d, const char *reply, size_t len)
{
    d->error_replies++;
    size_t n = 0;
    while (1 + n < len && n < DISPATCH_ERROR_NAME - 1 && reply[1 + n] != ' ' && reply[1 + n] != '\r')
        n++;
    for (unsigned i = 0; i < d->error_count; i++)
        if (strlen(d->errors[i].name) == n && memcmp(d->errors[i].name, reply + 1, n) == 0) {
            d->errors[i].count++;
            return;
        }
    if (d->error_count == DISPATCH_ERRORS)
        return;
    struct error_count *e = &d->errors[d->error_count++];
    memcpy(e->name, reply + 1, n);
    e->name[n] = '\0';
    e->count = 1;
}

/* A sample for each interval that is over; after a long silence all are zero. */
void dispatch_sample(struct dispatch *d)
{
    int64_t now = clock_mono_us(), past = now - d->sampled_us;
    if (past < DISPATCH_SAMPLE_US)
        return;
    if (past > DISPATCH_SAMPLES * (int64_t)DISPATCH_SAMPLE_US)
        memset(d->samples, 0, sizeof d->samples);
    d->samples[d->sample_at++ % DISPATCH_SAMPLES] =
        (d->commands - d->sampled_commands) * 1000000 / (uint64_t)past;
    d->sampled_us = now;
    d->sampled_commands = d->commands;
}

static void format_ops(const void *owner, struct buf *out)
{
    /* Sampling is lazy; a reader is as good an occasion as a command. */
    struct dispatch *d = (struct dispatch *)owner;
    dispatch_sample(d);
    uint64_t sum = 0;
    for (unsigned i = 0; i < DISPATCH_SAMPLES; i++)
        sum += d->samples[i];
    buf_append_uint(out, sum / DISPATCH_SAMPLES);
}

static void format_clients(const void *owner, struct buf *out)
{
    buf_append_uint(out, ((const struct dispatch *)owner)->session_count);
}

static void format_blocked(const void *owner, struct buf *out)
{
    const struct dispatch *d = owner;
    uint64_t held = 0;
    for (const struct session *s = d->first; s != NULL; s = s->next)
        held += (s->flags & (SESSION_HELD | SESSION_BLOCKED)) == SESSION_HELD;
    buf_append_uint(out, held + block_waiting(d->block));
}

static void format_timed(const void *owner, struct buf *out)
{
    buf_append_uint(out, block_timed(((const struct dispatch *)owner)->block));
}

static void format_keys(const void *owner, struct buf *out)
{
    buf_append_uint(out, block_keys(((const struct dispatch *)owner)->block));
}

static void format_keys_gone(const void *owner, struct buf *out)
{
    buf_append_uint(out, block_keys_gone(((const struct dispatch *)owner)->block));
}

static void format_errors(const void *owner, struct buf *out)
{
    const struct dispatch *d = owner;
    for (unsigned i = 0; i < d->error_count; i++)
        buf_printf(out, "errorstat_%s:count=%llu\r\n", d->errors[i].name,
                   (unsigned long long)d->errors[i].count);
}

static void command_line(const struct registry_entry *e, struct buf *out)
{
    if (e->calls > 0 || e->rejected > 0 || e->failed > 0) {
        double us = clock_ticks_to_us(e->ticks);
        buf_append_str(out, "cmdstat_");
        registry_full_name(e, out);
        buf_printf(out, ":calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu\r\n",
                   (unsigned long long)e->calls, (unsigned long long)us,
                   e->calls == 0 ? 0 : us / (double)e->calls, (unsigned long long)e->rejected,
                   (unsigned long long)e->failed);
    }
    for (size_t i = 0; i < e->child_count; i++)
        command_line(e->children[i], out);
}

static void format_commands(const void *owner, struct buf *out)
{
    const struct dispatch *d = owner;
    for (size_t i = 0; i < registry_count(d->registry); i++)
        command_line(registry_at(d->registry, i), out);
}

static void latency_line(const struct registry_entry *e, struct buf *out)
{
    if (e->histogram != NULL) {
        buf_append_str(out, "latency_percentiles_usec_");
        registry_full_name(e, out);
        buf_printf(out, ":p50=%.3f,p99=%.3f,p99.9=%.3f\r\n", registry_percentile(e, 50),
                   registry_percentile(e, 99), registry_percentile(e, 99.9));
    }
    for (size_t i = 0; i < e->child_count; i++)
        latency_line(e->children[i], out);
}

static void format_latency(const void *owner, struct buf *out)
{
    const struct dispatch *d = owner;
    for (size_t i = 0; i < registry_count(d->registry); i++)
        latency_line(registry_at(d->registry, i), out);
}

static const struct counter_row rows[] = {
    {"clients", "connected_clients", NULL, "Clients connected now.", 0, false, format_clients},
    {"clients", "cluster_connections", NULL, "Connections of a cluster's bus; there is none.", 0, false,
     counters_zero},
    {"clients", "blocked_clients", NULL,
     "Clients waiting in a blocking command, or held back by CLIENT PAUSE.", 0, false, format_blocked},
    {"clients", "tracking_clients", NULL, "Clients with caching help switched on.", 0, false, counters_zero},
    {"clients", "clients_in_timeout_table", NULL, "Clients whose wait has a deadline.", 0, false,
     format_timed},
    {"clients", "total_blocking_keys", NULL, "Keys that clients wait for.", 0, false, format_keys},
    {"clients", "total_blocking_keys_on_nokey", NULL,
     "Keys that clients wait for who want to know when they go.", 0, false, format_keys_gone},
    {"stats", "total_commands_processed", NULL, "Commands that ran.", offsetof(struct dispatch, commands),
     true, NULL},
    {"stats", "instantaneous_ops_per_sec", "1/s", "Commands per second, of late.", 0, false, format_ops},
    {"stats", "total_error_replies", NULL, "Replies that were errors.",
     offsetof(struct dispatch, error_replies), true, NULL},
    {"stats", "total_protocol_errors", NULL, "Connections closed for a malformed request.",
     offsetof(struct dispatch, protocol_errors), true, NULL},
    {"errorstats", NULL, NULL, "Error replies by their first word.", 0, false, format_errors},
    {"commandstats", NULL, NULL, "Calls and time of each command.", 0, false, format_commands},
    {"latencystats", NULL, NULL, "Percentiles of each command's time.", 0, false, format_latency},
};

static void on_reset(void *owner)
{
    struct dispatch *d = owner;
    d->error_count = 0;
    d->sampled_commands = 0;
    registry_reset_stats(d->registry);
}

void dispatch_register_counters(struct dispatch *d, struct counters *counters)
{
    counters_add(counters, rows, sizeof rows / sizeof rows[0], d, on_reset);
}
