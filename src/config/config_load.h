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

/* What the process finds around it. */
struct config_environment {
    const char *credentials;    /* $CREDENTIALS_DIRECTORY, or NULL */
    const char *state;          /* $STATE_DIRECTORY, of whose folders the first counts, or NULL */
    const char *overlay_option; /* its value names the overlay, "": there is none; NULL: no such option */
    const char *dir_option;     /* its value is the overlay's folder where STATE is NULL */
    bool only_looks; /* nothing will be served: what only the service can see is a note, no fault */
};

/* Before anything is loaded; a relative folder is relative to the working directory of
 * this moment. Secrets may then be "credential:NAME", in miniredis.conf and on the command
 * line, which is the content of that file without the end of its last line. */
void config_set_environment(struct config *c, const struct config_environment *e);

/* What a load or a reload found that is worth a warning and no fault. */
enum config_note {
    CONFIG_NOTE_EXPOSED,     /* a secret in a file that everybody can read */
    CONFIG_NOTE_PASSED_OVER, /* a line of the overlay that is not valid */
    CONFIG_NOTE_UNSEEN       /* what only the service can see */
};

/* Hands over what was found since the last call, in order; TEXT is like a fault's line, without its
 * end. TAKE NULL: they are dropped. */
void config_take_notes(struct config *c,
                       void (*take)(void *owner, enum config_note note, const char *file, const char *option,
                                    const char *text),
                       void *owner);

/* Reads PATH, then the files of the folder PATH.d that end in ".conf", in the order of their
 * names, and what they include (globs sorted) as miniredis.conf. 0; or MR_E_CONFIG
 * with one line per fault in FAULTS; a negated errno (and a line) if the file cannot be read. Values are stored only if there is no fault. */
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

/* Reads the overlay: what CONFIG REWRITE kept. It stands below the command line and above the
 * files, and lies where the environment and the options say as the files and the command line
 * give them. To be called last. A line of it that is not valid any more is passed over with a
 * note, one with a secret excepted; a file that cannot be read, is not in the syntax or
 * could have been written by somebody else is a fault, since it may hold the password. */
int config_load_overlay(struct config *c, struct buf *faults) MR_MUST_CHECK;

/* Writes the overlay: what was set by CONFIG SET, now or by the overlay as it was, and differs from
 * what the files and the command line give. There is no file where nothing does. It is
 * replaced at once and is on the disk when this returns. 0; or negative with the client's error text
 * (prefix included) in WHY. */
int config_rewrite(struct config *c, struct buf *why) MR_MUST_CHECK;

/* Where the overlay lies, heap; NULL: there is none. */
char *config_overlay_path(const struct config *c);

/* Reads the file (PATH NULL: there is none) and the overlay again and brings the running
 * values to what a start with them would give: options that the file no longer names go back to their default, ones set at
 * run time to what the overlay or the file says, ones set on the command line to that. An option
 * that cannot change at run time and differs, or any fault, refuses the whole with the
 * reasons in FAULTS. CHANGED gets one line per change for the log. */
int config_reload(struct config *c, const char *path, bool redis_syntax, struct buf *faults,
                  struct buf *changed) MR_MUST_CHECK;

/* "name = value" in miniredis.conf's syntax; a secret as "(set)". */
void config_print_setting(const struct config *c, const struct config_option *o, struct buf *out);

/* "name = value    # origin" for every option, and the sections, in miniredis.conf's syntax;
 * secrets as "(set)". */
void config_print_all(const struct config *c, struct buf *out);

/* A commented miniredis.conf of all options whose value is not the default. */
void config_print_import(const struct config *c, const char *source, const struct buf *passed_over,
                         struct buf *out);
