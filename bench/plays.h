/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same calls, played several times: each play is a child process that goes on from the same
 * memory, and so does the same at the same call. What is kept of a call is the least time that it
 * took in any play: what the machine adds (interrupts, the host of a virtual machine, neighbours)
 * comes at another call each time, and what the program does, at the same.
 *
 * A row, which all plays share, has the times of calls of one kind. The time is the thread's own
 * (CLOCK_THREAD_CPUTIME_ID): system calls and page faults are in it, other processes are not.
 */
#pragma once

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PLAYS_MAX     16
#define PLAYS_BUCKETS 65536 /* of 16 ns */

struct plays_row {
    char what[40];
    uint64_t room, calls;
    uint64_t longest_ns[PLAYS_MAX], over[PLAYS_MAX]; /* of each play */
    uint64_t sum[PLAYS_MAX];                         /* of what it did */
    uint32_t least_ns[];                             /* of each call */
};

/* A row for ROOM calls; the pages that are not used cost nothing. */
static inline struct plays_row *plays_row_new(const char *what, uint64_t room)
{
    size_t size = sizeof(struct plays_row) + room * sizeof(uint32_t);
    struct plays_row *row =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (row == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    snprintf(row->what, sizeof row->what, "%s", what);
    row->room = room;
    return row;
}

static inline void plays_row_free(struct plays_row *row)
{
    munmap(row, sizeof *row + row->room * sizeof(uint32_t));
}

static inline uint64_t plays_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Call I of PLAY took NS. Behind the row's room only the longest of the play is kept. */
static inline void plays_note(struct plays_row *row, unsigned play, uint64_t i, uint64_t ns,
                              uint64_t limit_ns)
{
    row->over[play] += ns > limit_ns;
    if (ns > row->longest_ns[play])
        row->longest_ns[play] = ns;
    if (i >= row->room)
        return;
    if (i >= row->calls) {
        row->least_ns[i] = UINT32_MAX;
        row->calls = i + 1;
    }
    if (ns < row->least_ns[i])
        row->least_ns[i] = (uint32_t)ns;
}

/* Calls BODY PLAYS times, each in a process of its own. False: one of them failed. */
static inline bool plays_run(unsigned plays, void (*body)(void *arg, unsigned play), void *arg)
{
    for (unsigned play = 0; play < plays; play++) {
        int status = 0;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            body(arg, play);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            return false;
    }
    return true;
}

static inline void plays_head(unsigned plays, uint64_t limit_ns)
{
    printf("us of %-34s %10s %7s %7s %8s %9s %10s %6s   %s\n", "the thread, the least of the plays", "calls",
           "50%", "99.9%", "99.999%", "worst", "at call", "over", "in each play alone: the longest (over)");
    printf("over: calls of more than %" PRIu64 " us in every one of %u plays\n", limit_ns / 1000, plays);
}

static inline double plays_share(const uint32_t *buckets, uint64_t calls, double of)
{
    uint64_t seen = 0;
    for (unsigned k = 0; k < PLAYS_BUCKETS; k++) {
        seen += buckets[k];
        if ((double)seen >= of * (double)calls)
            return (k + 1) * 16 / 1000.0;
    }
    return PLAYS_BUCKETS * 16 / 1000.0;
}

/* Prints the row; returns the number of calls that took more than the limit in every play. SAME: its
 * calls are the same ones in every play. */
static inline uint64_t plays_print(const struct plays_row *row, unsigned plays, uint64_t limit_ns, bool same)
{
    static uint32_t buckets[PLAYS_BUCKETS];
    uint64_t worst = 0, at = 0, over = 0;
    memset(buckets, 0, sizeof buckets);
    for (uint64_t i = 0; i < row->calls; i++) {
        uint32_t ns = row->least_ns[i], k = ns / 16;
        buckets[k < PLAYS_BUCKETS ? k : PLAYS_BUCKETS - 1]++;
        over += ns > limit_ns;
        if (ns > worst) {
            worst = ns;
            at = i;
        }
    }
    printf("%-40s %10" PRIu64 " %7.2f %7.1f %8.1f %9.1f %10" PRIu64 " %6" PRIu64 "  ", row->what, row->calls,
           plays_share(buckets, row->calls, 0.5), plays_share(buckets, row->calls, 0.999),
           plays_share(buckets, row->calls, 0.99999), (double)worst / 1000, at, over);
    for (unsigned play = 0; play < plays; play++)
        printf(" %9.1f (%" PRIu64 ")", (double)row->longest_ns[play] / 1000, row->over[play]);
    printf("\n");
    for (unsigned play = 1; same && play < plays; play++)
        if (row->sum[play] != row->sum[0])
            printf("  (play %u did something else than the first one)\n", play + 1);
    fflush(stdout);
    return over;
}
