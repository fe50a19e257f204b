/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A listpack: strings and integers packed in one run of bytes, in the layout that RDB files
 * have, so that one can be written as it is.
 *
 *   | u32 bytes, all of them | u16 entries, 65535: count them | entry .. | 0xff |
 *   entry: | encoding and data | length of those, 1 to 5 bytes, to be read backwards |
 *   encodings: 0xxxxxxx 7-bit unsigned integer       110xxxxx + 1: 13-bit integer, high bits first
 *              f1 + 2, f2 + 3, f3 + 4, f4 + 8: integers of 16, 24, 32, 64 bits
 *              10xxxxxx + n: string of n < 64        1110xxxx + 1 + n: string of n < 4096
 *              f0 + 4 + n: string of n
 *   length: 7 bits to a byte, high ones first; all but the first byte have the high bit set. A
 *           length of 2^14-1, 2^21-1 or 2^28-1 takes one byte more than it needs.
 *   All else little-endian.
 *
 * Entries are told by their offset from the begin; 0 is no entry. A text that is exactly an
 * integer's is kept as that integer, and everything in its shortest encoding, so that equal
 * entries are equal bytes: listpack_load sees to it for those from outside. Nothing here
 * allocates: whoever owns the memory asks how many bytes a change leads to, makes room, and has
 * it made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/number.h"
#include "base/slice.h"

#define LISTPACK_HEAD    6
#define LISTPACK_EMPTY   7      /* bytes of one without entries */
#define LISTPACK_UNKNOWN 0xffff /* stands for the number of entries where that is not less */
/* No listpack is made longer than this; the layout could not tell. */
#define LISTPACK_MAX     ((size_t)1 << 30)

struct listpack_value {
    const char *text; /* NULL: an integer */
    uint32_t len;
    int64_t integer;
};

/* The value that TEXT, at most LISTPACK_MAX bytes, is kept as. */
struct listpack_value listpack_value_of(struct slice text);
static inline struct listpack_value listpack_value_int(int64_t integer)
{
    return (struct listpack_value){NULL, 0, integer};
}
/* The value's text: of the listpack, or in SCRATCH (NUMBER_TEXT_MAX bytes). */
struct slice listpack_text(const struct listpack_value *v, char *scratch);

/* Makes LISTPACK_EMPTY bytes at LP an empty listpack. */
void listpack_init(unsigned char *lp);
size_t listpack_bytes(const unsigned char *lp);
/* O(1) below 65535 entries. */
uint64_t listpack_count(const unsigned char *lp);

size_t listpack_first(const unsigned char *lp);
size_t listpack_last(const unsigned char *lp);
size_t listpack_next(const unsigned char *lp, size_t at);
/* The entry before AT, which may be listpack_end. */
size_t listpack_prev(const unsigned char *lp, size_t at);
/* The entry at INDEX, from the end where that is negative; walks from the nearer end. */
size_t listpack_seek(const unsigned char *lp, int64_t index);
/* Where the entries end: the offset that stands behind the last one. */
size_t listpack_end(const unsigned char *lp);

void listpack_get(const unsigned char *lp, size_t at, struct listpack_value *ret);
bool listpack_equal(const unsigned char *lp, size_t at, struct slice text);
/* The first entry from AT on that is TEXT. */
size_t listpack_find(const unsigned char *lp, size_t at, struct slice text);
/* The last entry that is TEXT and is not behind AT, an entry. */
size_t listpack_find_back(const unsigned char *lp, size_t at, struct slice text);
/* The entry that is TEXT of those of which each is there once at most: every STEP-th from the
 * first on (1: all; 2: keys of pairs). If it is there more often, any of them. */
size_t listpack_find_key(const unsigned char *lp, struct slice text, unsigned step);

/* --- changes --- */

/* Bytes of an entry for VALUE. */
size_t listpack_entry_bytes(const struct listpack_value *value);

/* Replaces the entries in [AT, END) by COUNT others. AT and END are entries or listpack_end. */
struct listpack_change {
    size_t at, end;
    uint32_t removed; /* entries in [AT, END) */
    uint32_t count;
    const struct listpack_value *values;
    /* With PACKED: COUNT entries as they stand in a listpack, in so many bytes; no VALUES. */
    const unsigned char *packed;
    size_t packed_bytes;
};

/* Bytes of the whole after CHANGE; not to be made if they are more than LISTPACK_MAX. */
size_t listpack_change_bytes(const unsigned char *lp, const struct listpack_change *change);
/* Makes it; there must be room for these bytes. What is put in must not lie in LP. */
void listpack_change(unsigned char *lp, const struct listpack_change *change);

/* Offsets of COUNT entries drawn at random, in rising order and distinct (COUNT at most the
 * number of entries / STEP); STEP as in listpack_find_key. */
struct random;
void listpack_draw(const unsigned char *lp, unsigned step, struct random *r, size_t *offsets, uint32_t count);

/* --- listpacks from outside --- */

struct listpack_shape {
    size_t bytes; /* with every entry in its shortest encoding; never more than it has */
    uint64_t count;
};

/* Whether the LEN bytes at LP, from whoever, are a listpack whole and right: every length within
 * the bytes, every backward length that of its entry, the count true or unknown. MR_E_CORRUPT if
 * not. FN (may be NULL) sees each entry and may refuse. Nothing is read outside of LEN. Then all
 * of the above may be used on it; but the finding functions may miss what is not in its shortest
 * encoding, until it is loaded. */
int listpack_validate(const unsigned char *lp, size_t len, struct listpack_shape *ret,
                      bool (*fn)(void *arg, const struct listpack_value *v), void *arg) MR_MUST_CHECK;
/* Makes the SHAPE->bytes at TO of the listpack at FROM, which was found valid and of SHAPE. */
void listpack_load(unsigned char *to, const unsigned char *from, const struct listpack_shape *shape);
