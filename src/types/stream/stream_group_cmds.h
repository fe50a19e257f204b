/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handlers of stream_group.def, and what several of them share.
 */
#pragma once

#include "types/stream/stream_pel.h"
#include "types/stream/stream_private.h"

/* A group behind a key, as a handler has it. */
struct stream_group_key {
    struct stream_key k;
    struct stream_groups *groups; /* NULL: none, or no such key */
    struct stream_group *g;       /* NULL: no such group */
};

/* --- stream_group_cmds.c --- */

/* The group named by argument GROUP of the stream at argument KEY. False: that is no stream, which has
 * been told. A key or a group that is not there is no error here. */
bool stream_group_open(struct command_ctx *ctx, uint32_t key, uint32_t group, unsigned flags,
                       struct stream_group_key *ret);
/* The same where both must be there: else the NOGROUP error of CLAIM and PENDING has been written. */
bool stream_group_open_sure(struct command_ctx *ctx, uint32_t key, uint32_t group, unsigned flags,
                            struct stream_group_key *ret);
/* Its consumer of that name, made and told of if there is none; NULL: there is no memory for it, which
 * has been told. */
struct stream_consumer *stream_group_consumer(struct command_ctx *ctx, struct stream_group_key *gk,
                                              struct slice name);
/* The ids from argument FIRST on, COUNT of them; NULL: one is wrong, which has been told. To be freed
 * by stream_ids_free with the same SPACE. */
#define STREAM_IDS_SPACE 32
struct stream_id *stream_ids_read(struct command_ctx *ctx, uint32_t first, uint32_t count,
                                  struct stream_id *space);
void stream_ids_free(struct stream_id *ids, struct stream_id *space);

/* --- stream_group_info.c --- */

/* How many entries had been added when the one of ID was, as far as that can be told. */
int64_t stream_entries_until(const struct stream *s, const struct arena *a, struct stream_id id);
/* Whether an entry between FROM and the end may have been deleted from among others. */
bool stream_has_holes(const struct stream *s, const struct arena *a, struct stream_id from);
/* What G has not been given yet; false: cannot be told. */
bool stream_group_lag(const struct stream_group *g, const struct stream *s, const struct arena *a,
                      int64_t *lag);

/* --- handlers --- */

command_handler stream_cmd_xgroup_create;
command_handler stream_cmd_xgroup_setid;
command_handler stream_cmd_xgroup_destroy;
command_handler stream_cmd_xgroup_createconsumer;
command_handler stream_cmd_xgroup_delconsumer;
command_handler stream_cmd_xgroup_help;
command_handler stream_cmd_xread;
command_handler stream_cmd_xreadgroup;
command_handler stream_cmd_xack;
command_handler stream_cmd_xackdel;
command_handler stream_cmd_xnack;
command_handler stream_cmd_xpending;
command_handler stream_cmd_xclaim;
command_handler stream_cmd_xautoclaim;
command_handler stream_cmd_xinfo_groups;
command_handler stream_cmd_xinfo_consumers;
