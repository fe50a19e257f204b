/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the control groups that this process is in say about its memory: the limit and
 * the file that tells of pressure. The unified hierarchy, the old one, and both side by
 * side. Plain reads of /proc/self/cgroup and below /sys/fs/cgroup; nothing is kept.
 *
 * A container or a private cgroup namespace shows less of the tree than there is, and
 * may name a path that is not there: what cannot be read is passed over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CGROUP_PATH_MAX 1024

struct cgroup_limit {
    uint64_t bytes;
    char file[CGROUP_PATH_MAX]; /* where it stands */
};

/* The lowest of memory.high, memory.max and memory.limit_in_bytes of the groups of this
 * process and of those above them. False: none limits it. ROOT is in front of every path
 * that is read, and left out of *RET: "" but in tests. */
bool cgroup_memory_limit(const char *root, struct cgroup_limit *ret);

/* The memory.pressure file of this process's own group into OUT; false if there is none. */
bool cgroup_pressure_file(const char *root, char *out, size_t size);
