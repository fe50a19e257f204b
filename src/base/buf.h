/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A growable run of bytes on the heap. Grows by doubling (from 64 bytes), keeps
 * no NUL unless asked by buf_cstr. All-zero bytes are an empty buffer, so an
 * embedded one needs no init.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/slice.h"

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

static inline void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

/* Frees what B holds and leaves it empty. */
void buf_done(struct buf *b);

/* Makes room for MORE bytes behind the end; ends the process when it cannot. */
void buf_grow(struct buf *b, size_t more);

/* The same for a size that a peer chose: MR_E_MEMORY, B unchanged, when it cannot. */
int buf_try_grow(struct buf *b, size_t more) MR_MUST_CHECK;

/* Gives memory back: to nothing when empty, else to what LEN needs. */
void buf_shrink(struct buf *b);

/* Where the next MORE bytes may be written; the caller adds to b->len what it wrote. */
static inline char *buf_room(struct buf *b, size_t more)
{
    if (__builtin_expect(b->cap - b->len < more, 0))
        buf_grow(b, more);
    return b->data + b->len;
}

static inline void buf_append(struct buf *b, const void *ptr, size_t len)
{
    if (len == 0)
        return;
    memcpy(buf_room(b, len), ptr, len);
    b->len += len;
}

static inline void buf_append_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.ptr, s.len);
}

static inline void buf_append_str(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

static inline void buf_append_byte(struct buf *b, char c)
{
    *buf_room(b, 1) = c;
    b->len++;
}

void buf_printf(struct buf *b, const char *fmt, ...) MR_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) MR_PRINTF(2, 0);

/* Decimal text of VALUE. */
void buf_append_int(struct buf *b, int64_t value);
void buf_append_uint(struct buf *b, uint64_t value);

/* Drops N bytes from the front; costs a move of the rest. */
void buf_consume(struct buf *b, size_t n);

/* The content with a NUL behind it (not counted); valid until the next change. */
char *buf_cstr(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->data, b->len);
}
