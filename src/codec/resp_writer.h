/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reply side of RESP2 and RESP3: each call appends one reply element to the
 * buffer. Aggregates announce their number of elements and the caller then writes
 * them. What RESP2 lacks is written as redis-server does there (a map as a flat
 * array, a double as a bulk string, and so on).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/slice.h"

struct resp_writer {
    struct buf *out;
    int version; /* 2 or 3 */
};

/* Bytes that a kind, any 64-bit number and CR LF take at most. */
#define RESP_HEAD_MAX 24

static inline void resp_raw(struct resp_writer *w, const char *bytes, size_t len)
{
    buf_append(w->out, bytes, len);
}

/* "+TEXT\r\n"; TEXT without CR and LF. */
void resp_simple(struct resp_writer *w, const char *text);

static inline void resp_ok(struct resp_writer *w)
{
    resp_raw(w, "+OK\r\n", 5);
}

/* "-TEXT\r\n" with TEXT's own prefix ("ERR no such key"); CR and LF become blanks. */
void resp_error(struct resp_writer *w, const char *text);
void resp_error_slice(struct resp_writer *w, struct slice text);
void resp_errorf(struct resp_writer *w, const char *fmt, ...) MR_PRINTF(2, 3);
/* error_text(CODE) */
void resp_error_code(struct resp_writer *w, int code);

/* Writes KIND, VALUE and CR LF at AT (RESP_HEAD_MAX bytes); returns the place behind. */
char *resp_put_head_long(char *at, char kind, int64_t value);

static inline char *resp_put_head(char *at, char kind, int64_t value)
{
    if (__builtin_expect((uint64_t)value >= 100, 0))
        return resp_put_head_long(at, kind, value);
    *at++ = kind;
    if (value >= 10) {
        *at++ = (char)('0' + value / 10);
        value %= 10;
    }
    at[0] = (char)('0' + value);
    at[1] = '\r';
    at[2] = '\n';
    return at + 3;
}

static inline void resp_head(struct resp_writer *w, char kind, int64_t value)
{
    char *at = buf_room(w->out, RESP_HEAD_MAX);
    w->out->len += (size_t)(resp_put_head(at, kind, value) - at);
}

static inline void resp_int(struct resp_writer *w, int64_t value)
{
    resp_head(w, ':', value);
}

/* memcpy, without a call where the bytes are few: loads and stores that may overlap. */
static inline void resp_copy(char *to, const char *from, size_t len)
{
    char head[16], tail[16];
    if (len > 32) {
        memcpy(to, from, len);
    } else if (len >= 16) {
        memcpy(head, from, 16);
        memcpy(tail, from + len - 16, 16);
        memcpy(to, head, 16);
        memcpy(to + len - 16, tail, 16);
    } else if (len >= 8) {
        memcpy(head, from, 8);
        memcpy(tail, from + len - 8, 8);
        memcpy(to, head, 8);
        memcpy(to + len - 8, tail, 8);
    } else {
        for (size_t i = 0; i < len; i++)
            to[i] = from[i];
    }
}

static inline void resp_bulk(struct resp_writer *w, struct slice bytes)
{
    char *at = buf_room(w->out, bytes.len + RESP_HEAD_MAX + 2);
    char *p = resp_put_head(at, '$', (int64_t)bytes.len);
    resp_copy(p, bytes.ptr, bytes.len);
    p += bytes.len;
    p[0] = '\r';
    p[1] = '\n';
    w->out->len += (size_t)(p + 2 - at);
}

static inline void resp_bulk_str(struct resp_writer *w, const char *text)
{
    resp_bulk(w, slice_str(text));
}

void resp_bulk_int(struct resp_writer *w, int64_t value);

/* RESP2: $-1, RESP3: _ */
static inline void resp_null(struct resp_writer *w)
{
    if (w->version == 3)
        resp_raw(w, "_\r\n", 3);
    else
        resp_raw(w, "$-1\r\n", 5);
}

/* RESP2: *-1, RESP3: _ */
void resp_null_array(struct resp_writer *w);

static inline void resp_array(struct resp_writer *w, size_t count)
{
    resp_head(w, '*', (int64_t)count);
}

/* COUNT pairs; RESP2: an array of 2 * COUNT. */
void resp_map(struct resp_writer *w, size_t count);
void resp_set(struct resp_writer *w, size_t count);
void resp_push(struct resp_writer *w, size_t count);
/* COUNT pairs, beside the reply that follows; RESP3 only, RESP2 has no place for it. */
void resp_attribute(struct resp_writer *w, size_t count);
/* RESP2: :1 or :0 */
void resp_bool(struct resp_writer *w, bool value);
/* RESP2: a bulk string of the same text. */
void resp_double(struct resp_writer *w, double value);
/* FORMAT is three letters ("txt"); RESP2: a bulk string. */
void resp_verbatim(struct resp_writer *w, const char *format, struct slice text);

/* For a count that is known only afterwards: leaves room for the head and returns
 * its mark; resp_later_end writes it. KIND is one of * % ~ >; COUNT as for its call.
 * A count of ten or more moves what was written since; they nest, last one first. */
size_t resp_later(struct resp_writer *w);
void resp_later_end(struct resp_writer *w, size_t mark, char kind, size_t count);
