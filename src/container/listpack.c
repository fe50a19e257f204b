/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listpacks: stepping, decoding and changing. The search is in listpack_find.c, what deals with
 * bytes from outside in listpack_check.c.
 */
#include "container/listpack.h"

#include "base/random.h"
#include "container/listpack_private.h"

#define SIZES_4(size)  (size), (size) + 1, (size) + 2, (size) + 3
#define SIZES_16(size) SIZES_4(size), SIZES_4((size) + 4), SIZES_4((size) + 8), SIZES_4((size) + 12)
#define SAME_16(size)                                                                                        \
    (size), (size), (size), (size), (size), (size), (size), (size), (size), (size), (size), (size), (size),  \
        (size), (size), (size)

const uint8_t listpack_sizes[256] = {
    /* 7-bit integers */
    SAME_16(2), SAME_16(2), SAME_16(2), SAME_16(2), SAME_16(2), SAME_16(2), SAME_16(2), SAME_16(2),
    /* strings of 0 to 63 bytes */
    SIZES_16(2), SIZES_16(18), SIZES_16(34), SIZES_16(50),
    /* 13-bit integers */
    SAME_16(3), SAME_16(3),
    /* longer strings */
    SAME_16(0), [LISTPACK_INT16] = 4, [LISTPACK_INT24] = 5, [LISTPACK_INT32] = 6, [LISTPACK_INT64] = 10};

static size_t put_int(unsigned char *head, int64_t v)
{
    if (v >= 0 && v <= 127) {
        head[0] = (unsigned char)v;
        return 1;
    }
    if (v >= -4096 && v <= 4095) {
        head[0] = (unsigned char)(LISTPACK_INT13 | (v >> 8 & 31));
        head[1] = (unsigned char)v;
        return 2;
    }
    if (v >= INT16_MIN && v <= INT16_MAX) {
        head[0] = LISTPACK_INT16;
        little_store16(head + 1, (uint16_t)v);
        return 3;
    }
    if (v >= -(1 << 23) && v < 1 << 23) {
        head[0] = LISTPACK_INT24;
        little_store16(head + 1, (uint16_t)v);
        head[3] = (unsigned char)(v >> 16);
        return 4;
    }
    if (v >= INT32_MIN && v <= INT32_MAX) {
        head[0] = LISTPACK_INT32;
        little_store32(head + 1, (uint32_t)v);
        return 5;
    }
    head[0] = LISTPACK_INT64;
    little_store64(head + 1, (uint64_t)v);
    return 9;
}

size_t listpack_put_head(unsigned char *head, const struct listpack_value *v)
{
    if (v->text == NULL)
        return put_int(head, v->integer);
    if (v->len < 64) {
        head[0] = (unsigned char)(LISTPACK_STRING6 | v->len);
        return 1;
    }
    if (v->len < 4096) {
        head[0] = (unsigned char)(LISTPACK_STRING12 | v->len >> 8);
        head[1] = (unsigned char)v->len;
        return 2;
    }
    head[0] = LISTPACK_STRING32;
    little_store32(head + 1, v->len);
    return 5;
}

unsigned char *listpack_put(unsigned char *to, const struct listpack_value *v)
{
    size_t size = listpack_put_head(to, v);
    if (v->text != NULL) {
        memcpy(to + size, v->text, v->len);
        size += v->len;
    }
    to += size;
    unsigned back = listpack_inline_back(size);
    for (unsigned i = back; i-- > 0; size >>= 7)
        to[i] = (unsigned char)((size & 127) | (i > 0 ? 128 : 0));
    return to + back;
}

struct listpack_value listpack_value_of(struct slice text)
{
    int64_t integer;
    if (listpack_put_is_int(text.ptr, text.len, &integer))
        return listpack_value_int(integer);
    return (struct listpack_value){text.len > 0 ? text.ptr : "", (uint32_t)text.len, 0};
}

struct slice listpack_text(const struct listpack_value *v, char *scratch)
{
    if (v->text != NULL)
        return slice_of(v->text, v->len);
    return slice_of(scratch, number_from_int(scratch, v->integer));
}

void listpack_init(unsigned char *lp)
{
    little_store32(lp, LISTPACK_EMPTY);
    little_store16(lp + 4, 0);
    lp[LISTPACK_HEAD] = LISTPACK_END;
}

size_t listpack_bytes(const unsigned char *lp)
{
    return little_load32(lp);
}

static uint64_t count_all(const unsigned char *lp)
{
    uint64_t count = 0;
    for (const unsigned char *p = lp + LISTPACK_HEAD; *p != LISTPACK_END; p += listpack_inline_size(p))
        count++;
    return count;
}

uint64_t listpack_count(const unsigned char *lp)
{
    unsigned count = little_load16(lp + 4);
    return __builtin_expect(count < LISTPACK_UNKNOWN, 1) ? count : count_all(lp);
}

size_t listpack_first(const unsigned char *lp)
{
    return lp[LISTPACK_HEAD] == LISTPACK_END ? 0 : LISTPACK_HEAD;
}

size_t listpack_end(const unsigned char *lp)
{
    return listpack_bytes(lp) - 1;
}

size_t listpack_next(const unsigned char *lp, size_t at)
{
    at += listpack_inline_size(lp + at);
    return lp[at] == LISTPACK_END ? 0 : at;
}

size_t listpack_prev(const unsigned char *lp, size_t at)
{
    return at == LISTPACK_HEAD ? 0 : (size_t)(listpack_inline_prev(lp + at) - lp);
}

size_t listpack_last(const unsigned char *lp)
{
    return listpack_prev(lp, listpack_end(lp));
}

static size_t step_forward(const unsigned char *lp, uint64_t steps)
{
    const unsigned char *p = lp + LISTPACK_HEAD;
    for (; *p != LISTPACK_END; p += listpack_inline_size(p))
        if (steps-- == 0)
            return (size_t)(p - lp);
    return 0;
}

/* The entry that has STEPS behind it. */
static size_t step_back(const unsigned char *lp, uint64_t steps)
{
    const unsigned char *p = lp + listpack_end(lp);
    while (p != lp + LISTPACK_HEAD) {
        p = listpack_inline_prev(p);
        if (steps-- == 0)
            return (size_t)(p - lp);
    }
    return 0;
}

size_t listpack_seek(const unsigned char *lp, int64_t index)
{
    uint64_t count = little_load16(lp + 4);
    uint64_t steps = index < 0 ? ~(uint64_t)index : (uint64_t)index;
    bool back = index < 0;
    if (count != LISTPACK_UNKNOWN) {
        if (steps >= count)
            return 0;
        if (steps > count / 2) {
            steps = count - 1 - steps;
            back = !back;
        }
    }
    return back ? step_back(lp, steps) : step_forward(lp, steps);
}

void listpack_get(const unsigned char *lp, size_t at, struct listpack_value *ret)
{
    *ret = listpack_inline_get(lp + at);
}

size_t listpack_entry_bytes(const struct listpack_value *value)
{
    return listpack_put_bytes(value);
}

static size_t bytes_put_in(const struct listpack_change *change)
{
    size_t bytes = 0;
    if (change->packed != NULL)
        return change->packed_bytes;
    for (uint32_t i = 0; i < change->count; i++)
        bytes += listpack_put_bytes(&change->values[i]);
    return bytes;
}

size_t listpack_change_bytes(const unsigned char *lp, const struct listpack_change *change)
{
    return listpack_bytes(lp) - (change->end - change->at) + bytes_put_in(change);
}

static void update_count(unsigned char *lp, const struct listpack_change *change)
{
    uint64_t count = little_load16(lp + 4);
    if (count != LISTPACK_UNKNOWN)
        count = count - change->removed + change->count;
    else if (listpack_bytes(lp) < LISTPACK_EMPTY + 2 * LISTPACK_UNKNOWN)
        count = count_all(lp); /* known from here on, for no more would fit in these bytes */
    little_store16(lp + 4, count < LISTPACK_UNKNOWN ? (uint16_t)count : LISTPACK_UNKNOWN);
}

void listpack_change(unsigned char *lp, const struct listpack_change *change)
{
    size_t before = listpack_bytes(lp);
    size_t put_in = bytes_put_in(change);
    unsigned char *to = lp + change->at;
    if (put_in != change->end - change->at)
        memmove(to + put_in, lp + change->end, before - change->end);
    if (change->packed != NULL)
        memcpy(to, change->packed, put_in);
    else
        for (uint32_t i = 0; i < change->count; i++)
            to = listpack_put(to, &change->values[i]);
    little_store32(lp, (uint32_t)(before - (change->end - change->at) + put_in));
    update_count(lp, change);
}

void listpack_draw(const unsigned char *lp, unsigned step, struct random *r, size_t *offsets, uint32_t count)
{
    uint64_t left = listpack_count(lp) / step;
    if (count == 1) {
        offsets[0] = listpack_seek(lp, (int64_t)(random_below(r, left) * step));
        return;
    }
    /* Each is taken with the chance that so many of those left are wanted. */
    const unsigned char *p = lp + LISTPACK_HEAD;
    for (uint32_t wanted = count; wanted > 0; left--) {
        if (random_below(r, left) < wanted) {
            offsets[count - wanted] = (size_t)(p - lp);
            wanted--;
        }
        for (unsigned i = 0; i < step && *p != LISTPACK_END; i++)
            p += listpack_inline_size(p);
    }
}
