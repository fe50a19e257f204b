/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listpacks from outside: whether they are right, and loading them in the shortest encodings.
 */
#include "container/listpack_private.h"

/* Bytes of the encoding and data of the long string at P, which may be more than the ROOM up to
 * the end's byte; 0: it is none. */
static uint64_t long_size(const unsigned char *p, size_t room)
{
    if (*p > LISTPACK_STRING32)
        return 0;
    if (*p == LISTPACK_STRING32)
        return room < 5 ? 0 : 5 + (uint64_t)little_load32(p + 1);
    return 2 + ((*p & UINT64_C(15)) << 8 | p[1]);
}

/* All that the entry at P takes, with ROOM bytes to its end; 0: it is not right. */
static size_t checked_size(const unsigned char *p, size_t room)
{
    size_t whole = listpack_sizes[*p];
    if (__builtin_expect(whole != 0, 1))
        return whole <= room && p[whole - 1] == whole - 1 ? whole : 0;
    uint64_t size = long_size(p, room);
    unsigned back = listpack_inline_back(size);
    if (size == 0 || size > room || room - size < back)
        return 0;
    whole = (size_t)size + back;
    for (unsigned i = back; i-- > 0; size >>= 7)
        if (p[whole - back + i] != ((size & 127) | (i > 0 ? 128 : 0)))
            return 0;
    return whole;
}

/* The value at P as it would be kept here. */
static inline struct listpack_value shortest(const unsigned char *p)
{
    int64_t integer;
    struct listpack_value v = listpack_inline_get(p);
    if (v.text != NULL && listpack_put_is_int(v.text, v.len, &integer))
        return listpack_value_int(integer);
    return v;
}

int listpack_validate(const unsigned char *lp, size_t len, struct listpack_shape *ret,
                      bool (*fn)(void *arg, const struct listpack_value *v), void *arg)
{
    struct listpack_shape shape = {LISTPACK_EMPTY, 0};
    if (len < LISTPACK_EMPTY || listpack_bytes(lp) != len || lp[len - 1] != LISTPACK_END)
        return MR_E_CORRUPT;
    const unsigned char *end = lp + len - 1;
    for (const unsigned char *p = lp + LISTPACK_HEAD; p < end;) {
        size_t size = checked_size(p, (size_t)(end - p));
        if (size == 0)
            return MR_E_CORRUPT;
        struct listpack_value v = shortest(p);
        if (fn != NULL && !fn(arg, &v))
            return MR_E_CORRUPT;
        shape.bytes += listpack_put_bytes(&v);
        shape.count++;
        p += size;
    }
    unsigned count = little_load16(lp + 4);
    if (count != LISTPACK_UNKNOWN && count != shape.count)
        return MR_E_CORRUPT;
    *ret = shape;
    return 0;
}

void listpack_load(unsigned char *to, const unsigned char *from, const struct listpack_shape *shape)
{
    if (shape->bytes == listpack_bytes(from)) {
        memcpy(to, from, shape->bytes);
    } else {
        unsigned char *put = to + LISTPACK_HEAD;
        for (const unsigned char *p = from + LISTPACK_HEAD; *p != LISTPACK_END;
             p += listpack_inline_size(p)) {
            struct listpack_value v = shortest(p);
            put = listpack_put(put, &v);
        }
        *put = LISTPACK_END;
        little_store32(to, (uint32_t)shape->bytes);
    }
    little_store16(to + 4, shape->count < LISTPACK_UNKNOWN ? (uint16_t)shape->count : LISTPACK_UNKNOWN);
}
