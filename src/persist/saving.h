/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saving the data in the foreground: SAVE and LASTSAVE, the saves with which a server ends,
 * and those of FLUSHALL, their options, and what INFO tells of them. How a file is written is rdb_save.h's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "persist/loading.h"

struct counters;
struct dispatch;
struct evict_options;
struct kept;
struct saving;

struct saving_options {
    bool rdbcompression;
    bool sync_along; /* rdb-save-incremental-fsync */
};

/* The rows of these options; target is a struct saving_options. */
extern const struct config_option saving_config_rows[];
extern const size_t saving_config_count;

/* What it uses of others; all of it must outlive it. */
struct saving_setup {
    const struct saving_options *options;
    const struct loading_options *files; /* dbfilename, rdbchecksum, save */
    const struct object_types *types;
    const struct kept *kept; /* of the load */
    const struct evict_options *evict;
    char *const *redis_version; /* that we say we are */
    const char *version;
    /* Called while a save goes on and comes forward; saving_status has the words. */
    void (*alive)(void *owner);
    /* Called when it has ended, well or not. */
    void (*over)(void *owner);
    void *owner;
};

/* Adds its commands to D, which must outlive it; SETUP is copied. */
struct saving *saving_new(struct dispatch *d, const struct saving_setup *setup);
void saving_free(struct saving *s);

/* The data is what the file has: after the load, also where there is no file. */
void saving_begin(struct saving *s);

/* Saves all of it, and returns when that is done: 0, or negative with the one line in WHY; the old
 * file is as it was then. The log is told either way. */
int saving_run(struct saving *s, struct buf *why) MR_MUST_CHECK;

/* After a command that empties databases: if that has left no key, and the option save has points, the
 * file is brought to that at once, so that what was deleted does not come back even if the process
 * dies. A failure goes to the log. */
void saving_flushed(struct saving *s);

/* Whether the option save has any points. */
bool saving_has_points(const struct saving *s);
/* Whether a restart would bring anything else than what is there now. */
bool saving_is_due(const struct saving *s);

/* "Saving dump.rdb: 37 %, 12 s left". */
void saving_status(const struct saving *s, struct buf *out);

/* Rows of the section "persistence". */
void saving_register_counters(struct saving *s, struct counters *counters);
