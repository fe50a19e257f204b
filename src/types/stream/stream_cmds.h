/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handlers of stream.def, and trimming.
 */
#pragma once

#include "types/stream/stream_private.h"

/* --- stream_trim.c --- */

enum stream_trim_by { STREAM_TRIM_NOT, STREAM_TRIM_MAXLEN, STREAM_TRIM_MINID };

struct stream_trim {
    enum stream_trim_by by;
    bool approx; /* whole nodes only */
    bool has_limit;
    uint64_t maxlen; /* entries to keep */
    struct stream_id minid;
    uint64_t limit; /* entries to delete at most; 0: any number */
    enum stream_refs refs;
};

/* Deletes the oldest entries of K's stream as T says; returns how many. */
uint64_t stream_trim(struct stream_key *k, const struct stream_trim *t);
/* Reads the option at argument *I, if it is one of trimming, and moves *I to its last argument.
 * 1: it is, 0: it is none, -1: it is wrong, which has been told. */
int stream_trim_arg(struct command_ctx *ctx, uint32_t *i, struct stream_trim *t);
/* Whether the options fit together; else the error has been written. Sets the limit that there is
 * without LIMIT. */
bool stream_trim_check(struct command_ctx *ctx, struct stream_trim *t);

/* --- */

/* The options that hold. */
const struct stream_options *stream_options_of(const struct keyspace *ks);

/* stream_add.c */
command_handler stream_cmd_xadd;

/* stream_cmds.c */
command_handler stream_cmd_xtrim;
command_handler stream_cmd_xdel;
command_handler stream_cmd_xdelex;
command_handler stream_cmd_xlen;
command_handler stream_cmd_xrange;
command_handler stream_cmd_xrevrange;
command_handler stream_cmd_xsetid;

/* stream_idmp_cmds.c */
command_handler stream_cmd_xcfgset;
command_handler stream_cmd_xidmprecord;

/* stream_info.c */
command_handler stream_cmd_xinfo_stream;
command_handler stream_cmd_xinfo_help;
