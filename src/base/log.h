/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one level, one sink, process-wide (the program's one global beside the
 * turn's clock). The sink is told the fields apart from the text, so that the
 * journal gets them natively. Called from the loop thread; log_write itself keeps
 * no state besides level and sink and is safe in other threads if the sink is.
 *
 * Layers from base to keyspace log nothing above debug: they return codes, and
 * their callers, who know what it means, log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_VERBOSE, LOG_LEVEL_NOTICE, LOG_LEVEL_WARNING, LOG_LEVEL_NOTHING };

/* A journal field: NAME in the journal's spelling ("MINIREDIS_CLIENT"). */
struct log_field {
    const char *name;
    const char *value;
};

typedef void log_sink_fn(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                         const char *text);

/* Until a sink is set, lines go to standard error. NULL sets that one again. */
void log_set_sink(log_sink_fn *sink, void *owner);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_write(enum log_level level, const struct log_field *fields, size_t count, const char *fmt, ...)
    MR_PRINTF(4, 5);

#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, NULL, 0, __VA_ARGS__)
#define log_verbose(...) log_write(LOG_LEVEL_VERBOSE, NULL, 0, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_LEVEL_NOTICE, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, NULL, 0, __VA_ARGS__)

/* Sinks for a daemon without a journal. A line is "PID:M DD Mon YYYY HH:MM:SS.mmm
 * MARK text" with Redis's marks (. - * #). log_to_file opens PATH for appending
 * (0640) and replaces the file it wrote to; 0 or a negated errno, the old sink
 * stays. Calling it again with the same path reopens it (logrotate). */
void log_to_stderr(void);
int log_to_file(const char *path) MR_MUST_CHECK;
void log_to_syslog(const char *ident, int facility);
