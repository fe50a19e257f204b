/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ids of entries: their order, their text, and how commands write them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/resp_writer.h"
#include "command/dispatch.h"

struct stream_id {
    uint64_t ms, seq;
};

#define STREAM_ID_MIN ((struct stream_id){0, 0})
#define STREAM_ID_MAX ((struct stream_id){UINT64_MAX, UINT64_MAX})

static inline int stream_id_compare(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

static inline bool stream_id_is_zero(struct stream_id id)
{
    return (id.ms | id.seq) == 0;
}

/* The id behind or before; false: there is none, and it stays. */
bool stream_id_next(struct stream_id *id);
bool stream_id_prev(struct stream_id *id);
/* Its tag in a btree by order whose least id is of BASE_MS at least: never falls as ids rise. */
uint32_t stream_id_tag(struct stream_id id, uint64_t base_ms);

#define STREAM_ID_TEXT 42 /* bytes that an id's text takes at most */
size_t stream_id_print(char *out, struct stream_id id);
static inline void stream_reply_id(struct resp_writer *w, struct stream_id id)
{
    char text[STREAM_ID_TEXT];
    resp_bulk(w, slice_of(text, stream_id_print(text, id)));
}

/* "ms-seq", or "ms" with SEQ understood; not STRICT: also "-" and "+". */
bool stream_id_parse(struct slice text, uint64_t seq, bool strict, struct stream_id *ret);
/* The same of argument I; false: the error has been written. */
bool stream_arg_id(struct command_ctx *ctx, uint32_t i, uint64_t seq, struct stream_id *ret);
bool stream_arg_strict_id(struct command_ctx *ctx, uint32_t i, uint64_t seq, struct stream_id *ret);
/* The begin or the end of an interval: "-", "+", an id, or "(" and an id for what is next to it. */
bool stream_arg_begin(struct command_ctx *ctx, uint32_t i, struct stream_id *ret);
bool stream_arg_end(struct command_ctx *ctx, uint32_t i, struct stream_id *ret);
