/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handlers of hll.def, and what they share.
 */
#pragma once

#include "command/dispatch.h"
#include "types/string/hll_private.h"

command_handler hll_cmd_add;
command_handler hll_cmd_count;
command_handler hll_cmd_merge;
command_handler hll_cmd_debug;
command_handler hll_cmd_selftest;

/* A key that a sketch is at, or may be written to. */
struct hll_found {
    struct slice key;
    uint64_t hash;
    struct entry *entry; /* NULL: there is none */
    struct slice text;   /* its string; may refer to SCRATCH */
    char scratch[NUMBER_TEXT_MAX];
};

/* Looks argument I up with FLAGS of db_find. False: it is no sketch, which has been told. */
bool hll_cmds_find(struct command_ctx *ctx, uint32_t i, unsigned flags, struct hll_found *found);
void hll_cmds_tell_corrupt(struct command_ctx *ctx);
/* Makes S what is AT a key. False: it cannot be, which has been told; nothing has changed. */
bool hll_cmds_store(struct command_ctx *ctx, const struct hll_found *at, const struct hll_sketch *s);
