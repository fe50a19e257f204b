/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long calls take, by two clocks: the thread's own time (CLOCK_THREAD_CPUTIME_ID), in which
 * what the system calls and page faults of a call cost is, and what other processes took is not;
 * beside it the wall time.
 */
#pragma once

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define HISTOGRAM_BUCKETS 24

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS]; /* [0]: below 1 us; [i]: below 2^i us */
    uint64_t count, longest_ns;
};

struct histogram_timing {
    struct histogram cpu, wall;
    uint64_t cpu_ns, wall_ns; /* when the call began */
};

static inline uint64_t histogram_now(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void histogram_note(struct histogram *h, uint64_t ns)
{
    unsigned i = 0;
    while (i < HISTOGRAM_BUCKETS - 1 && ns >= (uint64_t)1000 << i)
        i++;
    h->bucket[i]++;
    h->count++;
    if (ns > h->longest_ns)
        h->longest_ns = ns;
}

static inline void histogram_begin(struct histogram_timing *t)
{
    t->wall_ns = histogram_now(CLOCK_MONOTONIC);
    t->cpu_ns = histogram_now(CLOCK_THREAD_CPUTIME_ID);
}

static inline void histogram_end(struct histogram_timing *t)
{
    histogram_note(&t->cpu, histogram_now(CLOCK_THREAD_CPUTIME_ID) - t->cpu_ns);
    histogram_note(&t->wall, histogram_now(CLOCK_MONOTONIC) - t->wall_ns);
}

static inline double histogram_share(const struct histogram *h, double of)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if ((double)seen >= of * (double)h->count)
            return (double)((uint64_t)1 << i);
    }
    return (double)h->longest_ns / 1000;
}

static inline void histogram_head(void)
{
    printf("%-32s %-5s %10s %8s %8s %8s %10s   %s\n", "microseconds below", "clock", "calls", "50%", "99.9%",
           "99.999%", "longest", "calls from 16 to 32 us, 32 to 64, .. 4096 to 8192");
}

static inline void histogram_line(const char *what, const char *clock, const struct histogram *h)
{
    printf("%-32s %-5s %10" PRIu64 " %8.0f %8.0f %8.0f %10.1f  ", what, clock, h->count,
           histogram_share(h, 0.5), histogram_share(h, 0.999), histogram_share(h, 0.99999),
           (double)h->longest_ns / 1000);
    for (unsigned i = 5; i < 14; i++)
        printf(" %7" PRIu64, h->bucket[i]);
    printf("\n");
}

static inline void histogram_print(const char *what, const struct histogram_timing *t)
{
    histogram_line(what, "cpu", &t->cpu);
    histogram_line(what, "wall", &t->wall);
    fflush(stdout);
}
