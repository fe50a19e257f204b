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
#include "features/keys/keys.h"
#include "keyspace/keyspace.h"

struct keys {
    const struct object_types *types;
    struct keys_ops ops;
    struct buf page;    /* what is collected before its head is known: one SCAN's keys, a payload */
    uint64_t sanitized; /* payloads whose value was validated */
};

/* A page buffer above this is given back after the reply. */
#define KEYS_PAGE_KEEP 16384
void keys_page_done(struct keys *k);

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

/* Tells the generic event NAME about argument I in the session's database. */
static inline void keys_event(const struct command_ctx *ctx, const char *name, uint32_t i)
{
    db_event(ctx->db, EVENT_GENERIC, name, ctx->argv[i]);
}

/* keys_copy.c */
command_handler keys_cmd_rename;
command_handler keys_cmd_renamenx;
command_handler keys_cmd_move;
command_handler keys_cmd_copy;

/* keys_dump.c */
command_handler keys_cmd_dump;
command_handler keys_cmd_restore;

/* keys_object.c */
command_handler keys_cmd_object_encoding;
command_handler keys_cmd_object_freq;
command_handler keys_cmd_object_idletime;
command_handler keys_cmd_object_refcount;
command_handler keys_cmd_object_help;
command_handler keys_cmd_wait;
command_handler keys_cmd_waitaof;

/* keys_sort.c */
command_handler keys_cmd_sort;
command_handler keys_cmd_sort_ro;

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
