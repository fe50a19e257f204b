/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: the state behind the handlers and the
 * handlers that keys.def names and keys.c does not hold.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "command/dispatch.h"
#include "command/session.h"
#include "keyspace/keyspace.h"

struct keys {
    const struct object_types *types;
    struct buf page; /* replies of one SCAN, collected before its cursor is known */
};

/* The hash of argument I, which is a key. */
static inline uint64_t keys_hash(const struct command_ctx *ctx, uint32_t i)
{
    return i == 1 ? ctx->key_hash : dispatch_hash(ctx, i);
}

/* The key named by argument I; FLAGS as db_find's. NULL: there is none. */
static inline struct entry *keys_find(const struct command_ctx *ctx, uint32_t i, unsigned flags)
{
    if (ctx->session->flags & SESSION_NO_TOUCH)
        flags |= DB_NO_TOUCH;
    return db_find(ctx->db, ctx->argv[i], keys_hash(ctx, i), flags);
}

/* keys_expire.c */
command_handler keys_cmd_expire;
command_handler keys_cmd_pexpire;
command_handler keys_cmd_expireat;
command_handler keys_cmd_pexpireat;
command_handler keys_cmd_ttl;
command_handler keys_cmd_pttl;
command_handler keys_cmd_expiretime;
command_handler keys_cmd_pexpiretime;
command_handler keys_cmd_persist;

/* keys_scan.c */
command_handler keys_cmd_keys;
command_handler keys_cmd_scan;
command_handler keys_cmd_randomkey;
