/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a data file has beside the keys that this server makes no use of, but must not lose:
 * libraries of functions, and data that modules keep of their own. It is held as it stands in the
 * file, opcodes and all, and every save writes it back, byte for byte. No command changes it;
 * FLUSHALL leaves it, as redis-server leaves functions.
 *
 * It is on the heap, beside the arena, and counts as memory that is used.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* All-zero: nothing. */
struct kept {
    struct buf front; /* goes before the keys, in the order in which it came */
    struct buf back;  /* goes behind them */
};

void kept_done(struct kept *k);

/* Appends BYTES to PART, one of the two. The file chose how many they are: MR_E_MEMORY, nothing
 * changed, when they cannot be had. */
int kept_add(struct buf *part, struct slice bytes) MR_MUST_CHECK;
/* Nothing more comes: gives back what was taken in advance. */
void kept_settle(struct kept *k);

static inline bool kept_is_empty(const struct kept *k)
{
    return k->front.len == 0 && k->back.len == 0;
}
