/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intsets. An integer that is too wide for the set is also less or more than all in it, which
 * says where it goes.
 */
#include "container/intset.h"

#include "base/little.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static unsigned width_of(const unsigned char *set)
{
    return little_load32(set);
}

static unsigned width_for(int64_t value)
{
    if (value >= INT16_MIN && value <= INT16_MAX)
        return 2;
    return value >= INT32_MIN && value <= INT32_MAX ? 4 : 8;
}

ALWAYS_INLINE int64_t load(const unsigned char *set, unsigned width, size_t index)
{
    const unsigned char *from = set + INTSET_HEAD + index * width;
    if (width == 2)
        return (int16_t)little_load16(from);
    return width == 4 ? (int32_t)little_load32(from) : (int64_t)little_load64(from);
}

ALWAYS_INLINE void store(unsigned char *set, unsigned width, size_t index, int64_t value)
{
    unsigned char *to = set + INTSET_HEAD + index * width;
    if (width == 2)
        little_store16(to, (uint16_t)value);
    else if (width == 4)
        little_store32(to, (uint32_t)value);
    else
        little_store64(to, (uint64_t)value);
}

void intset_init(unsigned char *set)
{
    little_store32(set, 2);
    little_store32(set + 4, 0);
}

uint32_t intset_count(const unsigned char *set)
{
    return little_load32(set + 4);
}

size_t intset_bytes(const unsigned char *set)
{
    return INTSET_HEAD + (size_t)intset_count(set) * width_of(set);
}

int64_t intset_at(const unsigned char *set, uint32_t index)
{
    return load(set, width_of(set), index);
}

/* How many are less than VALUE. Halves without a jump that could be guessed wrong. */
ALWAYS_INLINE uint32_t lower_bound(const unsigned char *set, unsigned width, uint32_t count, int64_t value)
{
    size_t low = 0;
    while (count > 1) {
        uint32_t half = count / 2;
        low += load(set, width, low + half - 1) < value ? half : 0;
        count -= half;
    }
    return (uint32_t)low + (count > 0 && load(set, width, low) < value);
}

bool intset_find(const unsigned char *set, int64_t value, uint32_t *index)
{
    uint32_t count = intset_count(set);
    unsigned width = width_of(set);
    if (width_for(value) > width) {
        *index = value < 0 ? 0 : count;
        return false;
    }
    if (width == 2)
        *index = lower_bound(set, 2, count, value);
    else if (width == 4)
        *index = lower_bound(set, 4, count, value);
    else
        *index = lower_bound(set, 8, count, value);
    return *index < count && intset_at(set, *index) == value;
}

size_t intset_add_bytes(const unsigned char *set, int64_t value)
{
    unsigned width = width_of(set), wanted = width_for(value);
    return INTSET_HEAD + ((size_t)intset_count(set) + 1) * (wanted > width ? wanted : width);
}

void intset_add(unsigned char *set, int64_t value, uint32_t index)
{
    uint32_t count = intset_count(set);
    unsigned width = width_of(set), wanted = width_for(value);
    if (wanted <= width) {
        unsigned char *at = set + INTSET_HEAD + (size_t)index * width;
        memmove(at + width, at, (size_t)(count - index) * width);
    } else {
        unsigned shift = index == 0;
        for (size_t i = count; i-- > 0;)
            store(set, wanted, i + shift, load(set, width, i));
        width = wanted;
        little_store32(set, width);
    }
    store(set, width, index, value);
    little_store32(set + 4, count + 1);
}

void intset_remove(unsigned char *set, uint32_t index)
{
    unsigned width = width_of(set);
    uint32_t count = intset_count(set);
    unsigned char *at = set + INTSET_HEAD + (size_t)index * width;
    memmove(at, at + width, (size_t)(count - index - 1) * width);
    little_store32(set + 4, count - 1);
}

int intset_validate(const unsigned char *set, size_t len)
{
    if (len < INTSET_HEAD)
        return MR_E_CORRUPT;
    unsigned width = width_of(set);
    uint32_t count = intset_count(set);
    if ((width != 2 && width != 4 && width != 8) || (uint64_t)count * width != len - INTSET_HEAD)
        return MR_E_CORRUPT;
    for (uint32_t i = 1; i < count; i++)
        if (load(set, width, i - 1) >= load(set, width, i))
            return MR_E_CORRUPT;
    return 0;
}
