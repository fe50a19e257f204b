/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fields of 1 to 64 bits at any bit of a string, and what they can hold.
 *
 * A field touches at most nine bytes: eight of them are a word, the ninth is what the
 * field's place within its first byte pushes out of that.
 */
#include "types/string/bits.h"

#include <endian.h>

#define SPAN 9 /* bytes that a field touches at most */

static inline size_t span_of(struct bits_field field, unsigned shift)
{
    return (shift + field.width + 7) / 8;
}

int64_t bits_field_get(struct slice bytes, struct bits_field field, uint64_t offset)
{
    unsigned shift = offset & 7;
    uint64_t first = offset >> 3;
    unsigned char near[SPAN] = {0};
    if (first < bytes.len) {
        size_t there = bytes.len - first;
        size_t span = span_of(field, shift);
        memcpy(near, bytes.ptr + first, span < there ? span : there);
    }
    uint64_t word;
    memcpy(&word, near, sizeof word);
    word = be64toh(word) << shift | (unsigned)near[8] >> (8 - shift);
    if (field.is_signed)
        return (int64_t)word >> (64 - field.width);
    return (int64_t)(word >> (64 - field.width));
}

void bits_field_set(char *bytes, struct bits_field field, uint64_t offset, int64_t value)
{
    unsigned shift = offset & 7;
    char *at = bytes + (offset >> 3);
    size_t span = span_of(field, shift);
    unsigned char near[SPAN] = {0};
    memcpy(near, at, span);
    /* The field at the top of a word, as if it began a byte. */
    uint64_t mask = UINT64_MAX << (64 - field.width);
    uint64_t top = (uint64_t)value << (64 - field.width);
    uint64_t word;
    memcpy(&word, near, sizeof word);
    word = htobe64((be64toh(word) & ~(mask >> shift)) | top >> shift);
    memcpy(near, &word, sizeof word);
    if (span == SPAN) {
        unsigned char low = (unsigned char)(mask << (8 - shift));
        near[8] = (unsigned char)((near[8] & ~low) | (unsigned char)(top << (8 - shift)));
    }
    memcpy(at, near, span);
}

/* The bits of VALUE that FIELD keeps, as it would be read back. */
static inline int64_t wrap(struct bits_field field, uint64_t value)
{
    unsigned above = 64 - field.width;
    if (field.is_signed)
        return (int64_t)(value << above) >> above;
    return (int64_t)(value << above >> above);
}

static inline int64_t field_max(struct bits_field field)
{
    return (int64_t)(UINT64_MAX >> (64 - field.width) >> field.is_signed);
}

/* A value of the low bits WORD is OUTSIDE of FIELD's range: too large if positive, too small if
 * negative, in it if 0. */
static bool settle(struct bits_field field, uint64_t word, int outside, enum bits_overflow rule, int64_t *ret)
{
    if (outside == 0 || rule == BITS_WRAP) {
        *ret = wrap(field, word);
        return true;
    }
    if (rule == BITS_FAIL)
        return false;
    int64_t max = field_max(field);
    *ret = outside > 0 ? max : field.is_signed ? -max - 1 : 0;
    return true;
}

bool bits_field_fit(struct bits_field field, int64_t value, enum bits_overflow rule, int64_t *ret)
{
    int64_t max = field_max(field);
    int outside = value > max ? 1 : 0;
    if (field.is_signed && value < -max - 1)
        outside = -1;
    else if (!field.is_signed && value < 0)
        outside = 1;
    return settle(field, (uint64_t)value, outside, rule, ret);
}

bool bits_field_add(struct bits_field field, int64_t value, int64_t increment, enum bits_overflow rule,
                    int64_t *ret)
{
    int64_t max = field_max(field), min = field.is_signed ? -max - 1 : 0;
    int64_t sum;
    int outside;
    if (__builtin_add_overflow(value, increment, &sum))
        outside = increment > 0 ? 1 : -1;
    else
        outside = sum > max ? 1 : sum < min ? -1 : 0;
    return settle(field, (uint64_t)value + (uint64_t)increment, outside, rule, ret);
}
