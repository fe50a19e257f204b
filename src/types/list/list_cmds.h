/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files with handlers share: the handlers of list.def, and what they begin and end with.
 */
#pragma once

#include "codec/resp_writer.h"
#include "command/block.h"
#include "command/dispatch.h"
#include "types/list/list_private.h"

/* The list at argument I, which K then has in hand; none, with K->e NULL, where there is no such key.
 * False: it is of another type, and the error has been written. FLAGS as db_find's. */
bool list_open(struct command_ctx *ctx, uint32_t i, unsigned flags, struct list_key *k);

static inline void list_reply_value(struct resp_writer *w, const struct listpack_value *v)
{
    if (v->text != NULL)
        resp_bulk(w, slice_of(v->text, v->len));
    else
        resp_bulk_int(w, v->integer);
}

/* COUNT elements from INDEX on, without a head. */
void list_reply_range(struct resp_writer *w, const struct list *l, uint64_t index, uint64_t count, bool back);
/* Elements were taken from that end of the list at argument I, of which something is LEFT. */
void list_tell_pop(const struct command_ctx *ctx, uint32_t i, bool front, bool left);

/* LEFT or RIGHT; false: a syntax error has been told. */
bool list_arg_side(struct command_ctx *ctx, uint32_t i, bool *front);
/* An integer from LEAST on; false: the error, WHY where it is one of range, has been told. */
bool list_arg_count(struct command_ctx *ctx, uint32_t i, int64_t least, const char *why, int64_t *ret);
/* Whether ELEMENT is not too long; else the error has been told. */
bool list_check_element(struct command_ctx *ctx, struct slice element);

/* list_cmds.c */
command_handler list_cmd_lpush;
command_handler list_cmd_rpush;
command_handler list_cmd_lpushx;
command_handler list_cmd_rpushx;
command_handler list_cmd_llen;
command_handler list_cmd_lindex;
command_handler list_cmd_lrange;
command_handler list_cmd_lset;
command_handler list_cmd_linsert;
command_handler list_cmd_lrem;
command_handler list_cmd_ltrim;
command_handler list_cmd_lpos;

/* list_pop.c */
command_handler list_cmd_lpop;
command_handler list_cmd_rpop;
command_handler list_cmd_lmpop;
command_handler list_cmd_blpop;
command_handler list_cmd_brpop;
command_handler list_cmd_blmpop;

/* list_move.c */
command_handler list_cmd_lmove;
command_handler list_cmd_rpoplpush;
command_handler list_cmd_lmovem;
command_handler list_cmd_blmove;
command_handler list_cmd_brpoplpush;
command_handler list_cmd_blmovem;
