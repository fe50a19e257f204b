/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the entries of a stream are made of:
 *
 *   cell:    an entry of a listpack without its backward length
 *   number:  a byte less than 248; or 247 + n, and n bytes, the low ones first
 */
#pragma once

#include "base/little.h"
#include "container/listpack_inline.h"

enum { STREAM_NUMBER = 248 };

static inline const unsigned char *stream_number_bytes(const unsigned char *p, unsigned bytes, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * i;
    *ret = v;
    return p + bytes;
}

static inline const unsigned char *stream_number_read(const unsigned char *p, uint64_t *ret)
{
    unsigned first = *p++;
    if (__builtin_expect(first < STREAM_NUMBER, 1)) {
        *ret = first;
        return p;
    }
    return stream_number_bytes(p, first - (STREAM_NUMBER - 1), ret);
}

/* Bytes that V has; 1 for 0. */
static inline unsigned stream_number_width(uint64_t v)
{
    return v == 0 ? 1 : (64 - (unsigned)__builtin_clzll(v) + 7) / 8;
}

static inline unsigned stream_number_size(uint64_t v)
{
    return v < STREAM_NUMBER ? 1 : 1 + stream_number_width(v);
}

static inline size_t stream_cell_size(const unsigned char *p)
{
    size_t size = listpack_sizes[*p];
    if (__builtin_expect(size != 0, 1))
        return size - 1;
    return *p < LISTPACK_STRING32 ? 2 + (((size_t)*p & 15) << 8 | p[1]) : 5 + (size_t)little_load32(p + 1);
}

/* Bytes of the same in a listpack. */
static inline size_t stream_cell_packed(size_t size)
{
    return size + listpack_inline_back(size);
}

/* Bytes of the cell of an integer. */
static inline size_t stream_int_size(int64_t v)
{
    uint64_t bits = (uint64_t)(v ^ v >> 63);
    return 1u + (v < 0 || bits > 127) + (bits > 4095) + (bits > INT16_MAX) + (bits >= 1u << 23) +
           (bits > INT32_MAX) * 4u;
}

/* The same in a listpack. */
static inline size_t stream_int_packed(int64_t v)
{
    return stream_int_size(v) + 1;
}

/* Writes the cell of an integer; returns its bytes. */
size_t stream_int_put(unsigned char *p, int64_t v);
