/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What INFO shows of the net. Rates and recent peaks are kept without a timer: a
 * turn that moves bytes takes a sample when the last one is old enough, and whoever
 * asks computes from those that are still recent.
 */
#include <stddef.h>

#include "base/clock.h"
#include "net/net_private.h"

#define SAMPLE_US 100000
#define WINDOW_US (NET_SAMPLES * SAMPLE_US)

void net_stats_sample(struct net *net)
{
    int64_t now_us = clock_mono_us();
    if (now_us - net->sampled_us < SAMPLE_US)
        return;
    net->sampled_us = now_us;
    net->samples[net->sample_next] = (struct net_sample){now_us, net->stats.bytes_in, net->stats.bytes_out};
    net->sample_next = (net->sample_next + 1) % NET_SAMPLES;
}

void net_stats_peak(struct net *net, size_t in, size_t out)
{
    int64_t second = clock_mono_us() / 1000000;
    struct net_peak *p = &net->peaks[second % NET_PEAK_SLOTS];
    if (p->second != second)
        *p = (struct net_peak){.second = second};
    if (in > p->in)
        p->in = in;
    if (out > p->out)
        p->out = out;
}

/* Where the rate is computed from: the oldest sample of the window, else the newest one of all. */
static const struct net_sample *rate_base(const struct net *net, int64_t now_us)
{
    const struct net_sample *base = &net->samples[(net->sample_next + NET_SAMPLES - 1) % NET_SAMPLES];
    for (int i = 0; i < NET_SAMPLES; i++) {
        const struct net_sample *s = &net->samples[i];
        if (s->at_us != 0 && now_us - s->at_us <= WINDOW_US && s->at_us < base->at_us)
            base = s;
    }
    return base;
}

static void print_rate(const struct net *net, bool out, struct buf *text)
{
    int64_t now_us = clock_mono_us();
    const struct net_sample *base = rate_base(net, now_us);
    uint64_t bytes = out ? net->stats.bytes_out - base->out : net->stats.bytes_in - base->in;
    double seconds = (double)(now_us - base->at_us) / 1e6;
    if (base->at_us == 0 || seconds <= 0)
        bytes = 0, seconds = 1;
    buf_printf(text, "%.2f", (double)bytes / 1024 / seconds);
}

static void print_input_rate(const void *owner, struct buf *text)
{
    print_rate(owner, false, text);
}

static void print_output_rate(const void *owner, struct buf *text)
{
    print_rate(owner, true, text);
}

static struct net_peak recent_peak(const struct net *net)
{
    struct net_peak max = {.second = clock_mono_us() / 1000000};
    for (int i = 0; i < NET_PEAK_SLOTS; i++) {
        const struct net_peak *p = &net->peaks[i];
        if (max.second - p->second >= NET_PEAK_SLOTS)
            continue;
        max.in = p->in > max.in ? p->in : max.in;
        max.out = p->out > max.out ? p->out : max.out;
    }
    return max;
}

static void print_peak_input(const void *owner, struct buf *text)
{
    buf_append_uint(text, recent_peak(owner).in);
}

static void print_peak_output(const void *owner, struct buf *text)
{
    buf_append_uint(text, recent_peak(owner).out);
}

static void print_maxclients(const void *owner, struct buf *text)
{
    const struct net *net = owner;
    buf_append_int(text, net->options->maxclients);
}

static void print_port(const void *owner, struct buf *text)
{
    buf_append_int(text, net_port(owner));
}

static void print_listeners(const void *owner, struct buf *text)
{
    const struct net *net = owner;
    for (size_t i = 0; i < net_listener_count(net); i++) {
        buf_printf(text, "listener%zu:", i);
        net_listener_print(net, i, text);
        buf_append_str(text, "\r\n");
    }
}

static void forget_samples(void *owner)
{
    struct net *net = owner;
    for (int i = 0; i < NET_SAMPLES; i++)
        net->samples[i] = (struct net_sample){0};
    net->sampled_us = 0;
}

#define STAT(NAME, FIELD, UNIT, SENTENCE)                                                                    \
    {                                                                                                        \
        .section = "stats", .name = NAME, .unit = UNIT, .sentence = SENTENCE,                                \
        .offset = offsetof(struct net, stats.FIELD), .reset = true                                           \
    }
#define TEXT(SECTION, NAME, UNIT, SENTENCE, FORMAT)                                                          \
    {                                                                                                        \
        .section = SECTION, .name = NAME, .unit = UNIT, .sentence = SENTENCE, .format = FORMAT               \
    }

static const struct counter_row rows[] = {
    TEXT("server", "tcp_port", NULL, "the TCP port that is listened on", print_port),
    TEXT("server", NULL, NULL, "listener0, listener1 ..: kind, addresses and port of what is listened on",
         print_listeners),
    TEXT("clients", "maxclients", NULL, "connections that may be open at a time", print_maxclients),
    TEXT("clients", "client_recent_max_input_buffer", "bytes",
         "the most unprocessed request bytes of one connection within the last seconds", print_peak_input),
    TEXT("clients", "client_recent_max_output_buffer", "bytes",
         "the most unsent reply bytes of one connection within the last seconds", print_peak_output),
    STAT("total_connections_received", accepted, NULL, "connections accepted"),
    STAT("total_net_input_bytes", bytes_in, "bytes", "bytes read from connections"),
    STAT("total_net_output_bytes", bytes_out, "bytes", "bytes written to connections"),
    TEXT("stats", "instantaneous_input_kbps", "KiB/s", "rate of bytes read, of the last seconds",
         print_input_rate),
    TEXT("stats", "instantaneous_output_kbps", "KiB/s", "rate of bytes written, of the last seconds",
         print_output_rate),
    STAT("rejected_connections", rejected, NULL, "connections refused because of maxclients"),
    STAT("client_query_buffer_limit_disconnections", input_limit, NULL,
         "connections closed because of client-query-buffer-limit"),
    STAT("client_output_buffer_limit_disconnections", output_limit, NULL,
         "connections closed because of client-output-buffer-limit"),
    STAT("total_reads_processed", reads, NULL, "reads from connections that gave bytes"),
    STAT("total_writes_processed", writes, NULL, "writes to connections that took bytes"),
};

void net_register_counters(struct net *net, struct counters *counters)
{
    counters_add(counters, rows, sizeof(rows) / sizeof(rows[0]), net, forget_samples);
}
