/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes of a stream as files have them.
 */
#pragma once

#include "base/buf.h"
#include "types/stream/stream_private.h"

/* Appends N's listpack to OUT. MR_E_MEMORY. */
int stream_pack_node(const struct stream_node *n, struct buf *out) MR_MUST_CHECK;
/* Puts what the listpack LP, whose ids count from FIRST, holds behind the last node of S, whose length
 * follows. MR_E_CORRUPT, MR_E_MEMORY: what it has got until then it keeps. */
int stream_unpack(struct stream *s, struct arena *a, struct stream_id first, struct slice lp) MR_MUST_CHECK;

/* Whether S is as it should be: order, lengths, bytes; O(n), for tests. */
bool stream_check(const struct stream *s, const struct arena *a);
