/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole server: all modules made in the order of their dependencies, wired, run and
 * taken down in reverse. What it consists of is known in the files daemon*.c alone.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct arguments;
struct config;
struct daemon;

/* All options are known and have their defaults; nothing runs. */
struct daemon *daemon_new(const char *version);
void daemon_free(struct daemon *d);

struct config *daemon_config(struct daemon *d);

/* Reads the file and the options that ARGUMENTS name; without a file the installed one if it
 * exists. 0; or negative with one line per fault in FAULTS. PASSED_OVER gets the directives of
 * redis.conf that mean nothing here. */
int daemon_configure(struct daemon *d, const struct arguments *arguments, struct buf *faults,
                     struct buf *passed_over) MR_MUST_CHECK;

/* Serves until it is told to stop; returns the exit status. PASSED_OVER is for the log. */
int daemon_run(struct daemon *d, struct buf *passed_over);
