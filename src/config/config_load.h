/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the values of a struct config come from: miniredis.conf (libconfuse),
 * files in redis.conf's syntax, the command line. Faults are collected, not only
 * the first one told; each is a line "FILE:LINE: option: what is wrong; what is
 * allowed; did you mean".
 *
 * Precedence is that of enum config_origin, whatever the order of calls. A load at
 * start stores values directly; a reload (config_reload) goes through the same
 * checks and apply hooks as CONFIG SET, all or nothing.
 */
#pragma once

#include "config/config.h"

/* Reads PATH (and what it includes, globs sorted) as miniredis.conf. 0; or
 * MR_E_CONFIG with one line per fault in FAULTS; a negated errno (and a line) if
 * the file cannot be read. Values are stored only if there is no fault. */
int config_load_file(struct config *c, const char *path, struct buf *faults) MR_MUST_CHECK;

/* The same for redis.conf syntax; PATH "-" is standard input. Directives of Redis
 * that mean nothing here are passed over and named, once each, in PASSED_OVER
 * (one per line); ones that neither knows are faults. */
int config_load_redis(struct config *c, const char *path, struct buf *faults,
                      struct buf *passed_over) MR_MUST_CHECK;

/* Whether the file is in redis.conf's syntax rather than miniredis.conf's: looks at its
 * first directives. A pipe, which cannot be read twice, is taken to be. */
bool config_looks_like_redis(const char *path);

/* The options of a command line as redis-server takes them: "--name value [value ...]
 * --name2 ..."; also "--name=value". ARGV[0..ARGC) are what is left after the
 * program's own switches. PASSED_OVER as above. */
int config_load_args(struct config *c, int argc, char **argv, struct buf *faults,
                     struct buf *passed_over) MR_MUST_CHECK;

/* Reads the file again and brings the running values to what a start with it would
 * give: options that the file no longer names go back to their default, ones set at
 * run time to what the file says, ones set on the command line to that. An option
 * that cannot change at run time and differs, or any fault, refuses the whole with the
 * reasons in FAULTS. CHANGED gets one line per change for the log. */
int config_reload(struct config *c, const char *path, bool redis_syntax, struct buf *faults,
                  struct buf *changed) MR_MUST_CHECK;

/* "name = value    # origin" for every option, in miniredis.conf's syntax; secrets as "(set)". */
void config_print_all(const struct config *c, struct buf *out);

/* A commented miniredis.conf of all options whose value is not the default. */
void config_print_import(const struct config *c, const char *source, const struct buf *passed_over,
                         struct buf *out);
