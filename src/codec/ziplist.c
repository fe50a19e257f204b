/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ziplist:
 *
 *   | u32 bytes, all of them | u32 offset of the last entry | u16 entries, 65535: count them |
 *   | entry .. | 0xff |
 *   entry: | bytes of the entry before: u8 below 254, or 254 + u32 | encoding | data |
 *   encodings: 00xxxxxx string of n < 64          01xxxxxx + 1: of n < 16384, high bits first
 *              10...... + u32, high byte first: string of n
 *              c0 + 2, f0 + 3, d0 + 4, e0 + 8, fe + 1: integers of so many bytes
 *              f1 .. fd: the integers 0 to 12
 *
 * A zipmap:
 *
 *   | u8 pairs, 254 and more: count them | pair .. | 0xff |
 *   pair: | length | field | length | u8 unused bytes | value | the unused bytes |
 *   length: u8 below 254, or 254 + u32
 *
 * All else little-endian. The writers of old left the wide form of a length in place where a
 * narrow one would do, so that is no fault.
 */
#include "codec/ziplist.h"

#include "base/little.h"

#define ZIPLIST_HEAD    10
#define ZIPLIST_UNKNOWN 0xffff /* stands for the number of entries where that is not less */
#define ZIPMAP_UNKNOWN  254
#define BIG_LENGTH      254
#define END             255

/* The bytes from POS on that are not read yet; all reads go through take(). */
struct cursor {
    const unsigned char *bytes;
    size_t len, pos;
};

/* The next N bytes, or NULL. */
static const unsigned char *take(struct cursor *c, size_t n)
{
    if (n > c->len - c->pos)
        return NULL;
    const unsigned char *p = c->bytes + c->pos;
    c->pos += n;
    return p;
}

/* A u8 below 254, or 254 and a u32. */
static bool take_length(struct cursor *c, uint32_t *ret)
{
    const unsigned char *p = take(c, 1);
    if (p == NULL || *p == END)
        return false;
    *ret = *p;
    if (*p < BIG_LENGTH)
        return true;
    if ((p = take(c, 4)) == NULL)
        return false;
    *ret = little_load32(p);
    return true;
}

static bool take_text(struct cursor *c, uint32_t len, struct ziplist_value *ret)
{
    const unsigned char *p = take(c, len);
    *ret = (struct ziplist_value){(const char *)p, len, 0};
    return p != NULL;
}

/* Integers of 1, 2, 3, 4 or 8 bytes with their sign. */
static bool take_integer(struct cursor *c, unsigned width, struct ziplist_value *ret)
{
    const unsigned char *p = take(c, width);
    if (p == NULL)
        return false;
    uint64_t bits = 0;
    for (unsigned i = 0; i < width; i++)
        bits |= (uint64_t)p[i] << (8 * i);
    unsigned unused = 64 - 8 * width;
    *ret = (struct ziplist_value){NULL, 0, (int64_t)(bits << unused) >> unused};
    return true;
}

/* The encoding and the data of an entry. */
static bool take_value(struct cursor *c, struct ziplist_value *ret)
{
    const unsigned char *p = take(c, 1);
    if (p == NULL)
        return false;
    unsigned encoding = *p;
    switch (encoding >> 6) {
    case 0:
        return take_text(c, encoding & 63, ret);
    case 1:
        p = take(c, 1);
        return p != NULL && take_text(c, (encoding & 63) << 8 | *p, ret);
    case 2:
        p = take(c, 4);
        return p != NULL &&
               take_text(c, (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3], ret);
    default:
        break;
    }
    switch (encoding) {
    case 0xfe:
        return take_integer(c, 1, ret);
    case 0xc0:
        return take_integer(c, 2, ret);
    case 0xf0:
        return take_integer(c, 3, ret);
    case 0xd0:
        return take_integer(c, 4, ret);
    case 0xe0:
        return take_integer(c, 8, ret);
    default:
        *ret = (struct ziplist_value){NULL, 0, (int64_t)encoding - 0xf1};
        return encoding >= 0xf1 && encoding <= 0xfd;
    }
}

int ziplist_read(struct slice bytes, ziplist_fn *fn, void *arg, uint64_t *count)
{
    struct cursor c = {(const unsigned char *)bytes.ptr, bytes.len, 0};
    const unsigned char *head = take(&c, ZIPLIST_HEAD);
    if (head == NULL || bytes.len == ZIPLIST_HEAD || little_load32(head) != bytes.len ||
        c.bytes[--c.len] != END)
        return MR_E_CORRUPT;
    uint64_t seen = 0;
    size_t last = ZIPLIST_HEAD;
    uint32_t before, size = 0;
    struct ziplist_value value;
    for (; c.pos < c.len; seen++) {
        last = c.pos;
        if (!take_length(&c, &before) || before != size || !take_value(&c, &value) ||
            (fn != NULL && !fn(arg, &value)))
            return MR_E_CORRUPT;
        size = (uint32_t)(c.pos - last);
    }
    uint16_t claimed = little_load16(head + 8);
    if (little_load32(head + 4) != last || (claimed != ZIPLIST_UNKNOWN && claimed != seen))
        return MR_E_CORRUPT;
    *count = seen;
    return 0;
}

int ziplist_read_zipmap(struct slice bytes, ziplist_fn *fn, void *arg, uint64_t *count)
{
    struct cursor c = {(const unsigned char *)bytes.ptr, bytes.len, 0};
    const unsigned char *head = take(&c, 1), *unused;
    if (head == NULL || bytes.len == 1 || c.bytes[--c.len] != END)
        return MR_E_CORRUPT;
    uint64_t pairs = 0;
    uint32_t len;
    struct ziplist_value field, value;
    for (; c.pos < c.len; pairs++)
        if (!take_length(&c, &len) || !take_text(&c, len, &field) || !take_length(&c, &len) ||
            (unused = take(&c, 1)) == NULL || !take_text(&c, len, &value) || take(&c, *unused) == NULL ||
            (fn != NULL && (!fn(arg, &field) || !fn(arg, &value))))
            return MR_E_CORRUPT;
    if (*head < ZIPMAP_UNKNOWN && *head != pairs)
        return MR_E_CORRUPT;
    *count = pairs * 2;
    return 0;
}
