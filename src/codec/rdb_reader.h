/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The primitives of RDB: lengths, strings, little-endian numbers, over a window of
 * bytes that somebody else fills. Layouts are drawn in rdb_reader.c. No value types
 * here: each type's codec stands on these.
 *
 * Every call either takes a whole item and moves POS, or returns a code and leaves
 * POS where it was: MR_E_AGAIN when the window ends inside the item (the caller
 * makes the window WANT bytes long, which the file has, and calls again),
 * MR_E_TRUNCATED when the file ends inside it, MR_E_CORRUPT for what no bytes
 * behind could mend.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct rdb_reader {
    const char *data;
    size_t len;
    size_t pos;
    size_t want;        /* after MR_E_AGAIN: bytes from pos that the item needs at least */
    uint64_t left;      /* bytes of the file behind the window; bounds what a length may claim */
    struct buf scratch; /* a decompressed string or an integer's text */
};

/* No string is longer, so one that claims to be is corrupt and not truncated. */
#define RDB_STRING_MAX ((uint64_t)1 << 40)

enum {
    RDB_LEN_ENC_INT8 = 0,
    RDB_LEN_ENC_INT16 = 1,
    RDB_LEN_ENC_INT32 = 2,
    RDB_LEN_ENC_LZF = 3,
};

void rdb_reader_done(struct rdb_reader *r);

int rdb_read_u8(struct rdb_reader *r, uint8_t *out) MR_MUST_CHECK;
int rdb_read_u32(struct rdb_reader *r, uint32_t *out) MR_MUST_CHECK; /* little-endian */
int rdb_read_u64(struct rdb_reader *r, uint64_t *out) MR_MUST_CHECK; /* little-endian */
int rdb_read_bytes(struct rdb_reader *r, size_t len, struct slice *out) MR_MUST_CHECK;
/* A plain length; MR_E_CORRUPT where an encoded string stands. */
int rdb_read_len(struct rdb_reader *r, uint64_t *out) MR_MUST_CHECK;

/* A string as its bytes: a slice of the window, or of R's scratch (valid until the
 * next string) for integers and LZF. MR_E_MEMORY for one that cannot be had,
 * MR_E_UNSUPPORTED for LZF of 4 GiB or more. */
int rdb_read_string(struct rdb_reader *r, struct slice *out) MR_MUST_CHECK;

/* The same, telling integers apart: *IS_INT with *VALUE set, or *OUT. */
int rdb_read_string_or_int(struct rdb_reader *r, struct slice *out, bool *is_int,
                           int64_t *value) MR_MUST_CHECK;

/* Moves past one item of what a module has written; *END: it is the mark behind the last one. */
int rdb_skip_module(struct rdb_reader *r, bool *end) MR_MUST_CHECK;

/* Moves past one string without decoding it. */
int rdb_skip_string(struct rdb_reader *r) MR_MUST_CHECK;
