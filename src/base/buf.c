/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slow paths of the byte buffer: growing, shrinking and formatted text.
 *
 * Capacities are powers of two from BUF_FIRST, except where buf_shrink has cut one
 * to its length or where doubling would leave the range of a size.
 */
#include "base/buf.h"

#include <stdio.h>

#include "base/heap.h"
#include "base/number.h"

#define BUF_FIRST 64

/* The capacity that holds NEED bytes; NEED itself where no power of two does. */
static size_t grown_capacity(size_t cap, size_t need)
{
    if (cap < BUF_FIRST)
        cap = BUF_FIRST;
    while (cap < need) {
        if (cap > SIZE_MAX / 2)
            return need;
        cap *= 2;
    }
    return cap;
}

void buf_done(struct buf *b)
{
    heap_free(b->data);
    buf_init(b);
}

int buf_try_grow(struct buf *b, size_t more)
{
    if (more <= b->cap - b->len && b->data != NULL)
        return 0;
    if (more > SIZE_MAX - b->len)
        return MR_E_MEMORY;
    size_t cap = grown_capacity(b->cap, b->len + more);
    char *data = heap_try_realloc(b->data, cap);
    if (data == NULL)
        return MR_E_MEMORY;
    b->data = data;
    b->cap = cap;
    return 0;
}

void buf_grow(struct buf *b, size_t more)
{
    if (buf_try_grow(b, more) < 0)
        heap_exhausted(more);
}

void buf_shrink(struct buf *b)
{
    if (b->len == 0) {
        buf_done(b);
    } else if (b->len < b->cap) {
        char *data = heap_try_realloc(b->data, b->len);
        if (data == NULL)
            return;
        b->data = data;
        b->cap = b->len;
    }
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char *room = buf_room(b, BUF_FIRST);
    size_t space = b->cap - b->len;
    int len = vsnprintf(room, space, fmt, ap);
    if (len > 0 && (size_t)len >= space) {
        room = buf_room(b, (size_t)len + 1);
        len = vsnprintf(room, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    if (len > 0)
        b->len += (size_t)len;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_append_int(struct buf *b, int64_t value)
{
    b->len += number_from_int(buf_room(b, NUMBER_TEXT_MAX), value);
}

void buf_append_uint(struct buf *b, uint64_t value)
{
    b->len += number_from_uint(buf_room(b, NUMBER_TEXT_MAX), value);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n == 0)
        return;
    b->len -= n;
    if (b->len != 0)
        memmove(b->data, b->data + n, b->len);
}

char *buf_cstr(struct buf *b)
{
    *buf_room(b, 1) = '\0';
    return b->data;
}
