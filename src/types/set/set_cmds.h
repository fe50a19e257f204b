/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handlers of set.def, and what they share.
 */
#pragma once

#include "codec/resp_writer.h"
#include "command/dispatch.h"
#include "types/set/set_batch.h"

/* The hash of argument I, which is a key. */
static inline uint64_t set_cmds_hash(const struct command_ctx *ctx, uint32_t i)
{
    return i == 1 ? ctx->key_hash : dispatch_hash(ctx, i);
}

/* The key named by argument I, less what is due of it (expiring_settle); FLAGS as db_find's. Entries
 * that were found before are not valid after. False: it is there and is no set, which has been told. */
bool set_cmds_find(struct command_ctx *ctx, uint32_t i, unsigned flags, struct entry **ret);
/* The same with what is due of it. */
bool set_cmds_find_all(struct command_ctx *ctx, uint32_t i, unsigned flags, struct entry **ret);

static inline void set_cmds_event(const struct command_ctx *ctx, const char *name, uint32_t i)
{
    db_event(ctx->db, EVENT_SET, name, ctx->argv[i]);
}

/* Deletes E, the key of argument I, which has no members any more, and tells so. */
void set_cmds_delete(const struct command_ctx *ctx, struct entry *e, uint32_t i);

/* Writes all members, with a head of KIND: '*' or '~'. */
void set_cmds_reply_set(struct resp_writer *w, const struct set *s, char kind);
/* The same without a head. */
void set_cmds_reply_members(struct resp_writer *w, const struct set *s);
void set_cmds_reply_batch(struct resp_writer *w, struct set_batch *b, uint64_t mask);

/* Adds TEXT to the set E (NULL: none yet) of argument I: 1, 0 if it was there, or MR_E_MEMORY.
 * E is not valid after. */
int set_cmds_add(struct command_ctx *ctx, uint32_t i, struct entry *e, struct slice text);
/* Adds COUNT texts likewise: how many were not there, which are so many changes. */
int64_t set_cmds_add_many(struct command_ctx *ctx, uint32_t i, struct entry *e, const struct slice *texts,
                          size_t count);
/* The table of the set E (NULL: none yet) of argument I, which becomes one where it is packed; of a
 * set that is not there, an empty one that set_cmds_enter must let in. NULL: no memory. *E may move. */
struct set_table *set_cmds_table(struct command_ctx *ctx, uint32_t i, struct entry **e);
/* T, which set_cmds_table made for *E, has been changed, and is not empty: counts as a write.
 * MR_E_MEMORY: a set that was not there is not to be had; T is freed. */
int set_cmds_enter(struct command_ctx *ctx, uint32_t i, struct entry **e, struct set_table *t) MR_MUST_CHECK;
/* Takes COUNT texts out of E, the set of argument I: how many were there, which are so many changes,
 * or MR_E_MEMORY. *E is NULL then if nothing is left, which is not told yet. */
int64_t set_cmds_remove(struct command_ctx *ctx, uint32_t i, struct entry **e, const struct slice *texts,
                        size_t count);

/* set_cmds.c */
command_handler set_cmd_sadd;
command_handler set_cmd_srem;
command_handler set_cmd_smembers;
command_handler set_cmd_sismember;
command_handler set_cmd_smismember;
command_handler set_cmd_scard;
command_handler set_cmd_smove;

/* set_expire.c */
command_handler set_cmd_sexpire;
command_handler set_cmd_spexpire;
command_handler set_cmd_sexpireat;
command_handler set_cmd_spexpireat;
command_handler set_cmd_sttl;
command_handler set_cmd_spttl;
command_handler set_cmd_sexpiretime;
command_handler set_cmd_spexpiretime;
command_handler set_cmd_spersist;
command_handler set_cmd_saddex;

/* set_random.c */
command_handler set_cmd_spop;
command_handler set_cmd_srandmember;

/* set_algebra.c */
command_handler set_cmd_sinter;
command_handler set_cmd_sinterstore;
command_handler set_cmd_sintercard;
command_handler set_cmd_sunion;
command_handler set_cmd_sunionstore;
command_handler set_cmd_sunioncard;
command_handler set_cmd_sdiff;
command_handler set_cmd_sdiffstore;
command_handler set_cmd_sdiffcard;

/* set_scan.c */
command_handler set_cmd_sscan;
