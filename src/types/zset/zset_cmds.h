/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handlers of zset.def, and what several of them reply with.
 */
#pragma once

#include "types/zset/zset_private.h"

/* --- zset_reply.c --- */

/* A member with its score: a pair of its own in RESP3. */
void zset_reply_pair(struct resp_writer *w, const struct zset_item *item, bool pair);
/* The members of a walk, WITH_SCORES as such pairs. */
void zset_reply_walk(struct resp_writer *w, struct zset_walk *walk, bool with_scores);

/* --- zset_range.c --- */

struct zset_builder;
/* Puts what B has behind argument I, or deletes that key if it has nothing, tells EVENT and replies. False:
 * it could not be had. */
bool zset_store(struct command_ctx *ctx, uint32_t i, struct zset_builder *b, const char *event);

/* --- handlers --- */

command_handler zset_cmd_zadd;
command_handler zset_cmd_zincrby;
command_handler zset_cmd_zrem;
command_handler zset_cmd_zcard;
command_handler zset_cmd_zscore;
command_handler zset_cmd_zmscore;
command_handler zset_cmd_zrank;
command_handler zset_cmd_zrevrank;

command_handler zset_cmd_zcount;
command_handler zset_cmd_zlexcount;
command_handler zset_cmd_zrange;
command_handler zset_cmd_zrangestore;
command_handler zset_cmd_zrangebyscore;
command_handler zset_cmd_zrevrangebyscore;
command_handler zset_cmd_zrangebylex;
command_handler zset_cmd_zrevrangebylex;
command_handler zset_cmd_zrevrange;
command_handler zset_cmd_zremrangebyrank;
command_handler zset_cmd_zremrangebyscore;
command_handler zset_cmd_zremrangebylex;

command_handler zset_cmd_zpopmin;
command_handler zset_cmd_zpopmax;
command_handler zset_cmd_zmpop;
command_handler zset_cmd_bzpopmin;
command_handler zset_cmd_bzpopmax;
command_handler zset_cmd_bzmpop;
command_handler zset_cmd_zrandmember;
command_handler zset_cmd_zscan;

command_handler zset_cmd_zunion;
command_handler zset_cmd_zinter;
command_handler zset_cmd_zdiff;
command_handler zset_cmd_zunionstore;
command_handler zset_cmd_zinterstore;
command_handler zset_cmd_zdiffstore;
command_handler zset_cmd_zintercard;
