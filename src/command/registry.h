/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of commands at run time: rows, the state of who registered them, and
 * what INFO commandstats counts of each. Lookups are by name in any case.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "command/command.h"

/* A latency histogram of clock ticks: 4 steps to a doubling, from 2^6 ticks up. */
#define REGISTRY_HISTOGRAM 128

struct registry_entry {
    const struct command *command;
    void *owner;
    struct registry_entry *container; /* of a subcommand */
    struct registry_entry **children; /* of a container */
    size_t child_count;
    uint32_t first_key; /* command_first_key() */
    uint64_t calls;
    uint64_t ticks; /* clock_ticks in its handler */
    uint64_t rejected;
    uint64_t failed;
    uint32_t *histogram; /* heap, from the first call on */
};

struct registry;

struct registry *registry_new(void);
void registry_free(struct registry *r);

/* ROWS must outlive R; a container's row stands before its subcommands'. A name twice is our bug. */
void registry_add(struct registry *r, const struct command *rows, size_t count, void *owner);

/* The command of that name; NULL if unknown. */
struct registry_entry *registry_find(const struct registry *r, struct slice name);
/* The entry for a request: the subcommand where ARGV[1] names one. For a container
 * with an unknown or missing subcommand, the container. NULL: unknown command. */
struct registry_entry *registry_resolve(const struct registry *r, const struct slice *argv, uint32_t argc);
/* Appends the full name in lower case, "config|get"; the second from the row alone. */
void registry_full_name(const struct registry_entry *e, struct buf *out);
void registry_lower_name(const struct command *c, struct buf *out);
/* By full name, "config|get". */
struct registry_entry *registry_find_full(const struct registry *r, struct slice name);

/* Top-level commands, in order of registration. */
size_t registry_count(const struct registry *r);
struct registry_entry *registry_at(const struct registry *r, size_t i);

/* Adds one run of TICKS to E's histogram. */
void registry_record(struct registry_entry *e, uint64_t ticks);

/* Sets the counts to zero. */
void registry_reset_stats(struct registry *r);
/* The P-th percentile (0..100) of an entry's latency, microseconds. */
double registry_percentile(const struct registry_entry *e, double p);
