/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handlers of hash.def, and what they share.
 */
#pragma once

#include "codec/resp_writer.h"
#include "command/dispatch.h"
#include "types/hash/hash_private.h"

/* The hash of the first key; FLAGS as db_find's. False: it is none, which has been told. */
bool hash_cmds_find(struct command_ctx *ctx, unsigned flags, struct hash *ret);
/* Where a change of the first key is to be made. */
struct hash_place hash_cmds_place(const struct command_ctx *ctx);

/* The value of FIELD, or null. */
void hash_cmds_reply_field(struct command_ctx *ctx, const struct hash *h, struct slice field);

static inline void hash_cmds_event(const struct command_ctx *ctx, const char *name)
{
    db_event(ctx->db, EVENT_HASH, name, ctx->argv[1]);
}

static inline void hash_cmds_reply(struct resp_writer *w, const struct listpack_value *v)
{
    if (v->text != NULL)
        resp_bulk(w, slice_of(v->text, v->len));
    else
        resp_bulk_int(w, v->integer);
}

/* hash_cmds.c */
command_handler hash_cmd_hset;
command_handler hash_cmd_hmset;
command_handler hash_cmd_hsetnx;
command_handler hash_cmd_hget;
command_handler hash_cmd_hmget;
command_handler hash_cmd_hgetall;
command_handler hash_cmd_hkeys;
command_handler hash_cmd_hvals;
command_handler hash_cmd_hdel;
command_handler hash_cmd_hgetdel;
command_handler hash_cmd_hlen;
command_handler hash_cmd_hexists;
command_handler hash_cmd_hstrlen;

/* hash_number.c */
command_handler hash_cmd_hincrby;
command_handler hash_cmd_hincrbyfloat;

/* hash_expire.c */
command_handler hash_cmd_hexpire;
command_handler hash_cmd_hpexpire;
command_handler hash_cmd_hexpireat;
command_handler hash_cmd_hpexpireat;
command_handler hash_cmd_httl;
command_handler hash_cmd_hpttl;
command_handler hash_cmd_hexpiretime;
command_handler hash_cmd_hpexpiretime;
command_handler hash_cmd_hpersist;
command_handler hash_cmd_hgetex;
command_handler hash_cmd_hsetex;

/* hash_walk.c */
command_handler hash_cmd_hrandfield;
command_handler hash_cmd_hscan;
