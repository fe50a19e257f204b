/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads an RDB file into a keyspace, in steps, so that the loop goes on turning.
 * Reads all versions up to RDB_LOAD_VERSION_MAX of Redis and the VALKEY versions 80
 * and 81; checks the CRC where the file has one. The file is only read.
 *
 * A fault is final: its text names the offset, the key where there is one, and the
 * reason. What had been loaded before it stays in the keyspace; the daemon does not
 * serve it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "keyspace/object.h"

#define RDB_LOAD_VERSION_MAX 17

struct kept;
struct rdb_load;

struct rdb_load_progress {
    uint64_t bytes, total;
    uint64_t keys, expired;
    uint64_t functions, module_aux; /* libraries, data of modules: kept, if there is where */
    uint64_t key_meta;              /* what modules keep of one key: passed over */
    uint64_t window;                /* bytes of the file that were held at once, at most */
    uint64_t used_mem;              /* of the server that wrote the file; 0 if it does not say */
    int64_t started_us;             /* monotonic */
    char writer[64];                /* "redis 7.0.15"; empty if it does not say */
};

/* NULL with the reason in WHY (*CODE negative; -ENOENT: there is no such file). VERIFY:
 * check the CRC (rdbchecksum). */
struct rdb_load *rdb_load_open(struct keyspace *ks, const struct object_types *types, const char *path,
                               bool verify, int *code, struct buf *why);
/* What is of no use here but must come again when the data is saved goes to KEPT, which is to outlive
 * LOAD; without it, all that is passed over. Of a load that fails it is worth nothing. */
void rdb_load_keep(struct rdb_load *load, struct kept *kept);
/* Works for about US microseconds. 0: done; MR_E_AGAIN: more to do; other codes: the
 * fault, its text in WHY. The keyspace may be used between steps. */
int rdb_load_step(struct rdb_load *load, int64_t us, struct buf *why) MR_MUST_CHECK;
void rdb_load_progress(const struct rdb_load *load, struct rdb_load_progress *out);
void rdb_load_close(struct rdb_load *load);
