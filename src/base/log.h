/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one level, one sink, process-wide (the program's one global beside the
 * turn's clock). The sink is told the fields apart from the text, so that the
 * journal gets them natively. Called from the loop thread; log_write itself keeps
 * no state besides level and sink and is safe in other threads if the sink is.
 *
 * Layers from base to keyspace, net apart, log nothing above debug: they return
 * codes, and their callers, who know what it means, log.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* ERROR is for what ends or prevents something that was asked for; Redis's log levels do not have
 * it, so wherever a level is chosen it goes with WARNING. */
enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_VERBOSE,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_NOTHING
};

/* A journal field: NAME in the journal's spelling ("MINIREDIS_CLIENT"), VALUE any text. A field
 * without a value (NULL) is left out. */
struct log_field {
    const char *name;
    const char *value;
};

/* Fields and their number, for log_write and log_event. */
#define LOG_FIELDS(...)                                                                                      \
    (const struct log_field[]){__VA_ARGS__},                                                                 \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)

typedef void log_sink_fn(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                         const char *text);

/* Until a sink is set, lines go to standard error. NULL sets that one again. */
void log_set_sink(log_sink_fn *sink, void *owner);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_write(enum log_level level, const struct log_field *fields, size_t count, const char *fmt, ...)
    MR_PRINTF(4, 5);
void log_vwrite(enum log_level level, const struct log_field *fields, size_t count, const char *fmt,
                va_list ap) MR_PRINTF(4, 0);

/* Above verbose there are only events. */
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, NULL, 0, __VA_ARGS__)
#define log_verbose(...) log_write(LOG_LEVEL_VERBOSE, NULL, 0, __VA_ARGS__)

/* --- events --- */

/* What whoever runs the server may act on: a row of log_event.def, which gives it its level, its
 * MESSAGE_ID and its entry in the journal's catalog. Everything else is log_write's. */
enum log_event {
#define EVENT(NAME, ...) LOG_EVENT_##NAME,
#include "base/log_event.def"
#undef EVENT
    LOG_EVENTS
};

struct log_event_row {
    const char *name; /* "AUTH_FAILED" */
    const char *message_id;
    enum log_level level;
    unsigned burst; /* lines in LOG_EVENT_WINDOW_US from clients of one address; 0: all of them */
};

#define LOG_EVENT_FIELDS_MAX 14 /* more of the caller's are left out */
#define LOG_EVENT_WINDOW_US  10000000

/* Writes a line of EVENT, at its level, with MESSAGE_ID and MINIREDIS_EVENT before FIELDS. Names to
 * use: MINIREDIS_CLIENT (address:port), _CLIENT_ID, _USER, _COMMAND, _DB, _FILE, _OPTION, _ADDRESS,
 * _REASON (begins small, no full stop), _BYTES, _COUNT, _LIMIT, _WANTED, _SECONDS; command_log.h has
 * those of a client. Never a password, a key, or what a client sent in place of one. A line beyond
 * the burst is only counted, and one of SUPPRESSED tells the count when the window is over: before
 * the next line of that kind, or by log_event_flush. Loop thread only. */
void log_event(enum log_event event, const struct log_field *fields, size_t count, const char *fmt, ...)
    MR_PRINTF(4, 5);

/* Lines held back and not told of yet. */
size_t log_event_held(void);
/* Tells of them where the window is over, or, at the end of the program, of all. */
void log_event_flush(bool all);

const struct log_event_row *log_event_row(enum log_event event);

/* --- sinks --- */

/* Sinks for a daemon without a journal. A line is "PID:M DD Mon YYYY HH:MM:SS.mmm
 * MARK text" with Redis's marks (. - * #). log_to_file opens PATH for appending
 * (0640) and replaces the file it wrote to; 0 or a negated errno, the old sink
 * stays. Calling it again with the same path reopens it (logrotate). */
void log_to_stderr(void);
int log_to_file(const char *path) MR_MUST_CHECK;
void log_to_syslog(const char *ident, int facility);
