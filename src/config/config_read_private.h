/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How files and the command line become statements: what the readers of this folder
 * share. None of them looks at a value.
 */
#pragma once

#include <sys/types.h>

#include "config/config_private.h"

#define CONFIG_FILE_MAX      (4 << 20) /* bytes of one file */
#define CONFIG_INCLUDE_DEPTH 8
#define CONFIG_INCLUDE_FILES 1000 /* in all, so that files that include two others end */

/* What a file is read with, on top of what includes it. */
struct config_reading {
    struct config *config;
    struct config_statements *out;
    struct buf *faults;
    struct buf *passed_over; /* or NULL */
    int (*read)(struct config_reading *r, const char *path);
    bool plain; /* includes and sections are faults */
    unsigned depth;
    unsigned files;
    struct {
        dev_t dev;
        ino_t ino;
    } open[CONFIG_INCLUDE_DEPTH];
};

/* config_file.c. The whole of a file ("-": standard input); a negated errno, -EFBIG for
 * too long a one. */
int config_file_read(const char *path, struct buf *out) MR_MUST_CHECK;
/* Reads what PATTERN names (globs sorted; relative to the folder of FILE) with R's read. */
void config_file_include(struct config_reading *r, const char *file, unsigned line, const char *pattern);
/* Reads the file that all begins with. */
int config_file_start(struct config_reading *r, const char *path) MR_MUST_CHECK;
/* Reads the regular files of PATH.d that end in ".conf", sorted; their faults are R's. */
void config_file_drop_ins(struct config_reading *r, const char *path);

#define CONFIG_SCAN_OPENS "\002" /* no file can name it */

/* config_scan.c: makes a text ready for libconfuse. Comments become blanks, so that
 * libconfuse counts lines right; include(..) becomes a list; {} becomes {""}; a section begins
 * with the option CONFIG_SCAN_OPENS. NAMES gets what
 * stands before an equal sign and is no option, each with a NUL behind it. Returns
 * false if libconfuse would lose its way in it. */
bool config_scan(const struct config *c, struct slice text, const char *file, struct buf *out,
                 struct buf *names, struct buf *faults);

/* config_confuse.c, config_redis.c: what reading->read points to. */
int config_confuse_read(struct config_reading *r, const char *path);
int config_redis_read(struct config_reading *r, const char *path);

/* config_known.c: whether Redis or Valkey know the directive NAME. */
bool config_known_directive(struct slice name);
/* Notes NAME in the lines of LIST (may be NULL), unless it is there. */
void config_pass_over(struct buf *list, struct slice name);

/* config_args.c: what is wrong is in R's faults. */
void config_args_read(struct config_reading *r, int argc, char **argv);
