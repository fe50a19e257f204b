/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the configuration came from, and reading it again while the server runs.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"

struct config;

struct reload_source {
    char *path; /* absolute, heap; NULL: there is no file; "-": standard input */
    bool redis; /* in redis.conf's syntax */
};

/* Brings the running configuration to what the file says now, all or nothing, and writes to
 * the log what changed or why nothing did. False: it was refused, or cannot be read again; the
 * reasons are then also in WHY, as lines. */
bool reload_config(struct config *config, const struct reload_source *source, struct buf *why);

/* Writes what config_take_notes hands over to the log. */
void reload_log_notes(struct config *config);

/* Writes each line of TEXT to the log as a line of EVENT's. Where a line begins with an option's
 * name and a colon, that is its MINIREDIS_OPTION. */
void reload_log_lines(enum log_event event, const char *prefix, struct buf *text);
