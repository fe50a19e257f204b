/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading the data at start: the options that say from where, the gate that answers
 * clients meanwhile, what INFO tells of it, and the step for the loop to call. What
 * is in a file is rdb_load.h's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/counter.h"
#include "config/config.h"
#include "persist/rdb_load.h"

struct dispatch;
struct kept;
struct loading;

struct loading_options {
    char *dir;        /* entered by the daemon before anything is loaded */
    char *dbfilename; /* in the current directory */
    bool rdbchecksum;
    struct config_list save; /* pairs of seconds and changes */
    bool appendonly;         /* always false */
};

/* The rows of these options; target is a struct loading_options. */
extern const struct config_option loading_config_rows[];
extern const size_t loading_config_count;

/* For struct config_module, OWNER being the struct loading_options: enters a changed dir. */
int loading_apply_options(void *owner, const bool *changed, struct buf *why);

/* All arguments must outlive it. */
struct loading *loading_new(struct dispatch *d, const struct object_types *types,
                            const struct loading_options *options);
void loading_free(struct loading *l);

/* 0: there is no file, nothing is to be done; MR_E_AGAIN: the file is open, loading_step does the
 * rest, and commands without CMD_LOADING are refused until then; other codes: the reason is in
 * WHY. */
int loading_start(struct loading *l, struct buf *why) MR_MUST_CHECK;
/* Works for about US microseconds. MR_E_AGAIN: more to do; 0: done, commands are served; other
 * codes: the file is faulty, its one line is in WHY. */
int loading_step(struct loading *l, int64_t us, struct buf *why) MR_MUST_CHECK;
/* What the saves have to bring back beside the keys. */
const struct kept *loading_kept(const struct loading *l);
bool loading_is_active(const struct loading *l);

/* "Loading dump.rdb: 37 %, 4.1 of 11.0 GiB, 42 s left". */
void loading_status(const struct loading *l, struct buf *out);

/* Rows of the section "persistence". */
void loading_register_counters(struct loading *l, struct counters *counters);
