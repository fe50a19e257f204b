/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sizes and writing of entries, shared by the files of the listpack.
 */
#pragma once

#include "container/listpack_inline.h"

#define LISTPACK_HEAD_MAX 9 /* bytes of the longest integer, and more than of any string's head */

/* Writes an integer, or what stands before a string, to HEAD; returns its bytes. */
size_t listpack_put_head(unsigned char *head, const struct listpack_value *v);
/* Writes the entry for V; returns where it ends. */
unsigned char *listpack_put(unsigned char *to, const struct listpack_value *v);

/* Bytes of the entry for V, without a jump for its kind of integer or string. */
static inline size_t listpack_put_bytes(const struct listpack_value *v)
{
    size_t size;
    if (v->text != NULL) {
        size = (size_t)v->len + 1 + (v->len >= 64) + (v->len >= 4096) * 3u;
    } else {
        uint64_t bits = (uint64_t)(v->integer ^ v->integer >> 63);
        size = 1u + (v->integer < 0 || bits > 127) + (bits > 4095) + (bits > INT16_MAX) + (bits >= 1u << 23) +
               (bits > INT32_MAX) * 4u;
    }
    return size + listpack_inline_back(size);
}

/* Whether TEXT is kept as an integer; of most it is seen at once that it is none. */
static inline bool listpack_put_is_int(const char *text, size_t len, int64_t *ret)
{
    return len > 0 && ((unsigned char)(*text - '0') <= 9 || *text == '-') &&
           number_to_int(slice_of(text, len), ret);
}
