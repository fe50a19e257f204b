/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saves a keyspace as an RDB file, in steps, in the oldest version that can hold the data.
 *
 * The file is written under another name beside the old one, brought to the disk, and only
 * then renamed over it: whatever happens, under PATH stands a file that is whole. What one
 * that was killed left behind is replaced by the next save.
 *
 * Between two steps the keyspace must not change.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "keyspace/object.h"

/* Behind the file's name while it is being written. */
#define RDB_SAVE_SUFFIX ".saving"

struct kept;
struct rdb_save;

struct rdb_save_options {
    bool compress;             /* rdbcompression */
    bool checksum;             /* rdbchecksum; without: 0 stands in its place */
    bool sync_along;           /* rdb-save-incremental-fsync */
    bool idle;                 /* with how long each key has not been used */
    bool freq;                 /* with how often it has */
    const struct kept *kept;   /* of the file that was loaded; must outlive the save, or NULL */
    const char *redis_version; /* redis-ver; both must outlive the save */
    const char *version;       /* our own */
    uint64_t used_memory;
    /* Called whenever bytes have reached the file; may be NULL. */
    void (*alive)(void *owner);
    void *owner;
};

struct rdb_save_progress {
    uint64_t keys, total; /* the latter as of the start */
    uint64_t bytes;
    unsigned version;   /* of the file, as far as it is known */
    int64_t started_us; /* monotonic */
};

/* NULL with the reason in WHY (*CODE negative). OPTIONS is copied. */
struct rdb_save *rdb_save_open(struct keyspace *ks, const struct object_types *types, const char *path,
                               const struct rdb_save_options *options, int *code, struct buf *why);
/* Works for about US microseconds. 0: the new file has taken its place; MR_E_AGAIN: more to do; other
 * codes: the fault, its text in WHY, and the old file is as it was. */
int rdb_save_step(struct rdb_save *save, int64_t us, struct buf *why) MR_MUST_CHECK;
void rdb_save_progress(const struct rdb_save *save, struct rdb_save_progress *out);
/* One that is not done leaves nothing behind. */
void rdb_save_close(struct rdb_save *save);
