/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lookup of container/dict.h for callers that have a constant struct dict_ops and
 * want it compiled into their own loop. Also the layout of a bucket, for dict.c.
 */
#pragma once

#include "container/dict.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define DICT_BUCKET           64
#define DICT_SLOTS            10
#define DICT_FLAGS_AT         60
#define DICT_ALL              ((1U << DICT_SLOTS) - 1)
#define DICT_LAST             (DICT_SLOTS - 1) /* the slot that a chained bucket gives up */
#define DICT_CHAINED          (1U << DICT_SLOTS)
#define DICT_SPARE_AT         12                                /* first of the spare hash bits */
#define DICT_SPARE_FROM(BITS) ((unsigned)((BITS) - (BITS) % 3)) /* which one of the hash that is */

#define DICT_INLINE static inline __attribute__((always_inline))

DICT_INLINE uint32_t dict_inline_flags(const char *bucket)
{
    uint32_t flags;
    memcpy(&flags, bucket + DICT_FLAGS_AT, sizeof flags);
    return flags;
}

DICT_INLINE uint8_t dict_inline_fingerprint(uint64_t hash)
{
    return (uint8_t)(hash >> 56);
}

DICT_INLINE char *dict_inline_slot(const char *bucket, unsigned slot)
{
    return (char *)(uintptr_t)bucket + DICT_SLOTS + (size_t)slot * ARENA_SHORT;
}

/* The next bucket of a chained one. */
DICT_INLINE char *dict_inline_next(const struct arena *a, const char *bucket)
{
    return a->base + (arena_load_short(dict_inline_slot(bucket, DICT_LAST)) << 3);
}

DICT_INLINE uint64_t dict_inline_size(const struct dict_table *t)
{
    return t->buckets == 0 ? 0 : (uint64_t)1 << t->bits;
}

DICT_INLINE char *dict_inline_at(const struct dict_table *t, const struct arena *a, uint64_t index)
{
    return a->base + (t->buckets << 3) + index * DICT_BUCKET;
}

DICT_INLINE uint64_t dict_inline_index(const struct dict_table *t, uint64_t hash)
{
    return hash & (((uint64_t)1 << t->bits) - 1);
}

/* Which of the two tables an element of HASH belongs in. */
DICT_INLINE unsigned dict_inline_table(const struct dict *d, uint64_t hash)
{
    return __builtin_expect(dict_inline_index(&d->table[0], hash) < d->moved, 0) ? 1 : 0;
}

/* The first bucket of the chain where HASH belongs; the dict must have buckets. */
DICT_INLINE char *dict_inline_bucket(const struct dict *d, const struct arena *a, uint64_t hash)
{
    const struct dict_table *t = &d->table[dict_inline_table(d, hash)];
    return dict_inline_at(t, a, dict_inline_index(t, hash));
}

/* A bit for each present slot whose fingerprint is FP. */
DICT_INLINE unsigned dict_inline_match(const char *bucket, uint8_t fp, uint32_t flags)
{
#if defined(__SSE2__)
    __m128i have = _mm_loadu_si128((const __m128i *)(const void *)bucket);
    __m128i same = _mm_cmpeq_epi8(have, _mm_set1_epi8((char)fp));
    return (unsigned)_mm_movemask_epi8(same) & flags & DICT_ALL;
#elif defined(__aarch64__) && defined(__ARM_NEON)
    static const uint8_t weight[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t same = vceqq_u8(vld1q_u8((const uint8_t *)bucket), vdupq_n_u8(fp));
    uint8x16_t bit = vandq_u8(same, vld1q_u8(weight));
    unsigned low = vaddv_u8(vget_low_u8(bit));
    unsigned high = vaddv_u8(vget_high_u8(bit));
    return (low | high << 8) & flags & DICT_ALL;
#else
    unsigned match = 0;
    for (unsigned slot = 0; slot < DICT_SLOTS; slot++)
        match |= (unsigned)((uint8_t)bucket[slot] == fp) << slot;
    return match & flags;
#endif
}

/* dict_find, specialised for OPS where that is a constant. */
DICT_INLINE void *dict_inline_find(const struct dict *d, const struct arena *a, const struct dict_ops *ops,
                                   struct slice key, uint64_t hash, struct dict_slot *slot)
{
    if (slot != NULL)
        slot->where = NULL;
    if (__builtin_expect(d->table[0].buckets == 0, 0))
        return NULL;
    const char *bucket = dict_inline_bucket(d, a, hash);
    uint8_t fp = dict_inline_fingerprint(hash);
    for (;;) {
        uint32_t flags = dict_inline_flags(bucket);
        unsigned match = dict_inline_match(bucket, fp, flags);
        for (; match != 0; match &= match - 1) {
            char *where = dict_inline_slot(bucket, (unsigned)__builtin_ctz(match));
            void *element = a->base + (arena_load_short(where) << 3);
            if (!ops->equal(element, key))
                continue;
            if (slot != NULL)
                slot->where = where;
            return element;
        }
        if (__builtin_expect((flags & DICT_CHAINED) == 0, 1))
            return NULL;
        bucket = dict_inline_next(a, bucket);
    }
}

DICT_INLINE void dict_inline_prefetch_bucket(const struct dict *d, const struct arena *a, uint64_t hash)
{
    __builtin_prefetch(dict_inline_bucket(d, a, hash));
}

/* Prefetches the first element that may be meant, or else the chained bucket. */
DICT_INLINE void dict_inline_prefetch_element(const struct dict *d, const struct arena *a, uint64_t hash)
{
    if (d->table[0].buckets == 0)
        return;
    const char *bucket = dict_inline_bucket(d, a, hash);
    uint32_t flags = dict_inline_flags(bucket);
    unsigned match = dict_inline_match(bucket, dict_inline_fingerprint(hash), flags);
    const char *ptr;
    if (match != 0)
        ptr = a->base + (arena_load_short(dict_inline_slot(bucket, (unsigned)__builtin_ctz(match))) << 3);
    else if ((flags & DICT_CHAINED) != 0)
        ptr = dict_inline_next(a, bucket);
    else
        return;
    __builtin_prefetch(ptr);
    __builtin_prefetch(ptr + 48); /* most elements end in the second line */
}
