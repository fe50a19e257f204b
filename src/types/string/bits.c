/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bits of byte strings: ranges and operations; fields are in bits_field.c.
 *
 * Operations go over the memory once: a tile of the result that stays in the nearest cache
 * takes one source after the other.
 */
#include "types/string/bits.h"

#include "types/string/bits_private.h"

#define TILE 8192 /* bytes */

const struct bits_kernels *bits_kernels_at(unsigned index)
{
    const struct bits_kernels *kinds[3] = {&bits_kernels_portable};
    unsigned count = 1;
#ifdef BITS_X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        kinds[count++] = &bits_kernels_avx2;
    if (count == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq"))
        kinds[count++] = &bits_kernels_avx512;
#endif
    return index < count ? kinds[index] : NULL;
}

static inline const struct bits_kernels *best(void)
{
#ifdef BITS_X86
    if (__builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512f"))
        return &bits_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        return &bits_kernels_avx2;
#endif
    return &bits_kernels_portable;
}

/* --- ranges --- */

/* The bits of BYTE from FROM (0 .. 7) on, before TO (1 .. 8); others are zero. */
static inline unsigned part_of(unsigned char byte, unsigned from, unsigned to)
{
    return byte & (0xffu >> from) & (0xff00u >> to);
}

uint64_t bits_count_by(const struct bits_kernels *k, const char *bytes, uint64_t from, uint64_t to)
{
    if (from >= to)
        return 0;
    const unsigned char *p = (const unsigned char *)bytes;
    uint64_t first = from >> 3, last = (to - 1) >> 3;
    unsigned begin = from & 7, end = ((to - 1) & 7) + 1;
    if (first == last)
        return bits_word_count(part_of(p[first], begin, end));
    return bits_word_count(part_of(p[first], begin, 8)) + k->count(p + first + 1, last - first - 1) +
           bits_word_count(part_of(p[last], 0, end));
}

uint64_t bits_count(const char *bytes, uint64_t from, uint64_t to)
{
    return bits_count_by(best(), bytes, from, to);
}

/* The place of the first bit of BYTE, which is not zero. */
static inline unsigned first_of(unsigned byte)
{
    return (unsigned)__builtin_clz(byte) - 24;
}

uint64_t bits_find_by(const struct bits_kernels *k, const char *bytes, uint64_t from, uint64_t to, bool value)
{
    if (from >= to)
        return to;
    /* Bits that are looked for are ones in a byte that was flipped with this. */
    unsigned flip = value ? 0 : 0xff;
    const unsigned char *p = (const unsigned char *)bytes;
    uint64_t at = from >> 3, last = (to - 1) >> 3;
    unsigned begin = from & 7, end = ((to - 1) & 7) + 1;
    unsigned found = part_of((unsigned char)(p[at] ^ flip), begin, at == last ? end : 8);
    if (found == 0 && at < last) {
        at++;
        at += k->skip(p + at, last - at, (unsigned char)flip);
        found = part_of((unsigned char)(p[at] ^ flip), 0, at == last ? end : 8);
    }
    return found == 0 ? to : (at << 3) + first_of(found);
}

uint64_t bits_find(const char *bytes, uint64_t from, uint64_t to, bool value)
{
    return bits_find_by(best(), bytes, from, to, value);
}

/* --- operations --- */

/* What sources have from a place on, at most a tile of it. */
static inline struct slice tile_of(struct slice source, size_t at)
{
    size_t len = source.len > at ? source.len - at : 0;
    return slice_of(len > 0 ? source.ptr + at : NULL, len < TILE ? len : TILE);
}

/* OUT[0 .. LEN) becomes A and B joined by PAIR; LEN is not less than either's length, and OUT may
 * be where A is. */
static void join(const struct bits_kernels *k, enum bits_pair pair, unsigned char *out, size_t len,
                 struct slice a, struct slice b)
{
    size_t both = a.len < b.len ? a.len : b.len;
    size_t done = both;
    k->pair[pair](out, (const unsigned char *)a.ptr, (const unsigned char *)b.ptr, both);
    if (pair != BITS_PAIR_AND) {
        struct slice rest = a.len > b.len || pair == BITS_PAIR_DIFF ? a : b;
        if (rest.len > both) {
            if ((const char *)out != rest.ptr)
                memcpy(out + both, rest.ptr + both, rest.len - both);
            done = rest.len;
        }
    }
    memset(out + done, 0, len - done);
}

/* OUT becomes all of COUNT sources joined by PAIR. */
static void fold(const struct bits_kernels *k, enum bits_pair pair, unsigned char *out, size_t at, size_t len,
                 const struct slice *sources, size_t count)
{
    if (count == 1) {
        join(k, BITS_PAIR_OR, out, len, tile_of(sources[0], at), slice_of(NULL, 0));
        return;
    }
    join(k, pair, out, len, tile_of(sources[0], at), tile_of(sources[1], at));
    for (size_t i = 2; i < count; i++)
        join(k, pair, out, len, slice_of(out, len), tile_of(sources[i], at));
}

static void exactly_one(const struct bits_kernels *k, unsigned char *out, size_t at, size_t len,
                        const struct slice *sources, size_t count)
{
    if (count <= 2) {
        fold(k, BITS_PAIR_XOR, out, at, len, sources, count);
        return;
    }
    unsigned char many[TILE];
    join(k, BITS_PAIR_AND, many, len, tile_of(sources[0], at), tile_of(sources[1], at));
    fold(k, BITS_PAIR_OR, out, at, len, sources, 2);
    for (size_t i = 2; i < count; i++) {
        struct slice from = tile_of(sources[i], at);
        k->tell_apart(out, many, (const unsigned char *)from.ptr, from.len);
    }
    k->pair[BITS_PAIR_DIFF](out, out, many, len);
}

/* Of X alone: the bits of OUT, all the others joined, that are in X too, or (DIFF1) that are not. */
static void others(const struct bits_kernels *k, enum bits_op op, unsigned char *out, size_t at, size_t len,
                   const struct slice *sources, size_t count)
{
    fold(k, BITS_PAIR_OR, out, at, len, sources + 1, count - 1);
    join(k, op == BITS_DIFF1 ? BITS_PAIR_DIFF : BITS_PAIR_AND, out, len, slice_of(out, len),
         tile_of(sources[0], at));
}

static void combine_tile(const struct bits_kernels *k, enum bits_op op, unsigned char *out, size_t at,
                         size_t len, const struct slice *sources, size_t count)
{
    static const enum bits_pair pairs[] = {[BITS_AND] = BITS_PAIR_AND,
                                           [BITS_OR] = BITS_PAIR_OR,
                                           [BITS_XOR] = BITS_PAIR_XOR,
                                           [BITS_DIFF] = BITS_PAIR_DIFF};
    switch (op) {
    case BITS_AND:
    case BITS_OR:
    case BITS_XOR:
    case BITS_DIFF:
        fold(k, pairs[op], out, at, len, sources, count);
        break;
    case BITS_NOT:
        k->invert(out, (const unsigned char *)sources[0].ptr + at, len);
        break;
    case BITS_DIFF1:
    case BITS_ANDOR:
        if (count > 1)
            others(k, op, out, at, len, sources, count);
        else
            memset(out, 0, len);
        break;
    case BITS_ONE:
        exactly_one(k, out, at, len, sources, count);
        break;
    }
}

void bits_combine_by(const struct bits_kernels *k, enum bits_op op, char *out, size_t len,
                     const struct slice *sources, size_t count)
{
    for (size_t at = 0; at < len; at += TILE)
        combine_tile(k, op, (unsigned char *)out + at, at, len - at < TILE ? len - at : TILE, sources, count);
}

void bits_combine(enum bits_op op, char *out, size_t len, const struct slice *sources, size_t count)
{
    bits_combine_by(best(), op, out, len, sources, count);
}
