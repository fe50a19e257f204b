/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INFO: the sections of all registered counters, and the rows about the process and
 * the machine that no other module owns (server, cpu, replication, cluster).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct counters;
struct dispatch;
struct loop;

struct info;

/* What only the daemon knows; strings must outlive the info. */
struct info_facts {
    const char *version;
    const char *config_file; /* "" if none */
    const char *executable;
    const char *supervised; /* "systemd" or "no" */
    const struct loop *loop;
};

/* Registers the command with D and its rows with COUNTERS; all must outlive it. */
struct info *info_new(struct dispatch *d, struct counters *counters, const struct info_facts *facts);
void info_free(struct info *info);
