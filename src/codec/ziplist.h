/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers of the packed encodings of old RDB files: the ziplist (of lists, hashes and sorted
 * sets until Redis 7.0) and the zipmap (of hashes until Redis 2.6). They come from outside: every
 * length, offset and count is checked before it is used, nothing is read outside of the bytes,
 * and nothing is allocated. There is no writer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

struct ziplist_value {
    const char *text; /* NULL: an integer */
    uint32_t len;
    int64_t integer;
};

/* Takes one entry, whose text is of the bytes that are read; false: the whole is refused. */
typedef bool ziplist_fn(void *arg, const struct ziplist_value *v);

/* Calls FN (NULL: only checks) for each entry of the ziplist BYTES, first to last, and sets *COUNT
 * to their number, which may be 0. MR_E_CORRUPT if it is not whole and right, or FN refused: FN
 * may have seen entries by then. */
int ziplist_read(struct slice bytes, ziplist_fn *fn, void *arg, uint64_t *count) MR_MUST_CHECK;

/* The same for a zipmap: FN sees field, value, field, value, always as texts; *COUNT is the number
 * of those, hence even. */
int ziplist_read_zipmap(struct slice bytes, ziplist_fn *fn, void *arg, uint64_t *count) MR_MUST_CHECK;
