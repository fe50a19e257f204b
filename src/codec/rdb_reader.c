/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The primitives of RDB. A length begins with a byte whose two high bits say its form:
 *
 *     +--------+
 *     |00llllll|                          6 bits
 *     +--------+--------+
 *     |01llllll|llllllll|                 14 bits, high byte first
 *     +--------+--------+--- 4 ---+
 *     |10000000| length, high byte first  32 bits
 *     +--------+--------+--- 8 -----------+
 *     |10000001| length, high byte first  64 bits
 *     +--------+
 *     |11eeeeee|                          no length but an encoded string:
 *     +--------+
 *
 *     +--------+--------------------------+
 *     | length | bytes                    | plain
 *     +--------+--------------------------+
 *     |11000000| 1 byte, signed           | an integer, of which the string is the
 *     |11000001| 2 bytes, low byte first  | decimal text
 *     |11000010| 4 bytes, low byte first  |
 *     +--------+---------+-------+--------+
 *     |11000011| packed  | plain | bytes  | LZF; both lengths in the form above
 *     |        | length  | length|        |
 *     +--------+---------+-------+--------+
 *
 * A module's data are items, each a length for its kind, and a value:
 *
 *     0 end   1, 2 a length   3 a float, 4 bytes   4 a double, 8 bytes   5 a string
 *
 * Nothing is allocated for a length that was only claimed: a plain string is never
 * copied, and an LZF string is decompressed only when its packed bytes are there and
 * can hold what they say.
 */
#include "codec/rdb_reader.h"

#include <lzf.h>

#include "base/number.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

enum {
    LEN_14 = 0x40,
    LEN_32 = 0x80,
    LEN_64 = 0x81,
    LEN_ENCODED = 0xc0,
    LZF_MOST = 88, /* three bytes of LZF stand for 264 at most, no others for more each */
};

void rdb_reader_done(struct rdb_reader *r)
{
    buf_done(&r->scratch);
    *r = (struct rdb_reader){0};
}

static inline uint64_t load_le(const char *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = bytes; i-- > 0;)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static inline uint64_t load_be(const char *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

/* Judges an item whose last LEN bytes begin at AT and go beyond the window. */
static __attribute__((noinline, cold)) int beyond(struct rdb_reader *r, size_t at, uint64_t len)
{
    if (len > RDB_STRING_MAX)
        return MR_E_CORRUPT;
    uint64_t have = r->len - at;
    if (have < len && len - have > r->left)
        return MR_E_TRUNCATED;
    r->want = at - r->pos + (size_t)len;
    return MR_E_AGAIN;
}

static inline int have(struct rdb_reader *r, size_t at, uint64_t len)
{
    return unlikely(len > r->len - at) ? beyond(r, at, len) : 0;
}

/* Reads a length at *AT and moves that, not the reader. *RET gets an encoding instead
 * where ENCODED becomes true. */
static inline int length_at(struct rdb_reader *r, size_t *at, uint64_t *ret, bool *encoded)
{
    size_t p = *at;
    int code = have(r, p, 1);
    if (code != 0)
        return code;
    unsigned char head = (unsigned char)r->data[p++];
    unsigned bytes = head == LEN_64 ? 8 : head == LEN_32 ? 4 : head >> 6 == LEN_14 >> 6 ? 1 : 0;
    *encoded = head >= LEN_ENCODED;
    if (bytes == 0) {
        if (head > LEN_64 && head < LEN_ENCODED)
            return MR_E_CORRUPT;
        *ret = head & 0x3f;
        *at = p;
        return 0;
    }
    code = have(r, p, bytes);
    if (code != 0)
        return code;
    *ret = load_be(r->data + p, bytes);
    if (bytes == 1)
        *ret |= (uint64_t)(head & 0x3f) << 8;
    *at = p + bytes;
    return 0;
}

int rdb_read_u8(struct rdb_reader *r, uint8_t *out)
{
    int code = have(r, r->pos, 1);
    if (code != 0)
        return code;
    *out = (uint8_t)r->data[r->pos++];
    return 0;
}

int rdb_read_u32(struct rdb_reader *r, uint32_t *out)
{
    int code = have(r, r->pos, 4);
    if (code != 0)
        return code;
    *out = (uint32_t)load_le(r->data + r->pos, 4);
    r->pos += 4;
    return 0;
}

int rdb_read_u64(struct rdb_reader *r, uint64_t *out)
{
    int code = have(r, r->pos, 8);
    if (code != 0)
        return code;
    *out = load_le(r->data + r->pos, 8);
    r->pos += 8;
    return 0;
}

int rdb_read_bytes(struct rdb_reader *r, size_t len, struct slice *out)
{
    int code = have(r, r->pos, len);
    if (code != 0)
        return code;
    *out = slice_of(r->data + r->pos, len);
    r->pos += len;
    return 0;
}

int rdb_read_len(struct rdb_reader *r, uint64_t *out)
{
    size_t at = r->pos;
    uint64_t len;
    bool encoded;
    int code = length_at(r, &at, &len, &encoded);
    if (code != 0)
        return code;
    if (encoded)
        return MR_E_CORRUPT;
    *out = len;
    r->pos = at;
    return 0;
}

/* A string taken apart but not decoded. */
struct item {
    uint64_t encoding; /* of the form above where ENCODED */
    bool encoded;
    uint64_t plain_len; /* of LZF */
    struct slice bytes;
    size_t end;
};

static int take_item(struct rdb_reader *r, struct item *it)
{
    size_t at = r->pos;
    uint64_t len;
    int code = length_at(r, &at, &len, &it->encoded);
    if (code != 0)
        return code;
    if (it->encoded) {
        bool odd = false, odd2 = false;
        it->encoding = len;
        if (len > RDB_LEN_ENC_LZF)
            return MR_E_CORRUPT;
        if (len != RDB_LEN_ENC_LZF) {
            len = (uint64_t)1 << len;
        } else {
            code = length_at(r, &at, &len, &odd);
            if (code == 0)
                code = length_at(r, &at, &it->plain_len, &odd2);
            if (code != 0)
                return code;
            if (odd || odd2 || it->plain_len == 0 || len > RDB_STRING_MAX || it->plain_len > len * LZF_MOST)
                return MR_E_CORRUPT;
        }
    }
    code = have(r, at, len);
    if (code != 0)
        return code;
    it->bytes = slice_of(r->data + at, (size_t)len);
    it->end = at + (size_t)len;
    return 0;
}

static int64_t item_int(const struct item *it)
{
    uint64_t v = load_le(it->bytes.ptr, (unsigned)it->bytes.len);
    switch (it->encoding) {
    case RDB_LEN_ENC_INT8:
        return (int8_t)v;
    case RDB_LEN_ENC_INT16:
        return (int16_t)v;
    default:
        return (int32_t)v;
    }
}

static int item_unpack(struct rdb_reader *r, const struct item *it, struct slice *out)
{
    if (it->plain_len > UINT32_MAX || it->bytes.len > UINT32_MAX)
        return MR_E_UNSUPPORTED;
    r->scratch.len = 0;
    int code = buf_try_grow(&r->scratch, (size_t)it->plain_len);
    if (code != 0)
        return code;
    unsigned len = (unsigned)it->plain_len;
    if (lzf_decompress(it->bytes.ptr, (unsigned)it->bytes.len, r->scratch.data, len) != len)
        return MR_E_CORRUPT;
    r->scratch.len = len;
    *out = buf_slice(&r->scratch);
    return 0;
}

static __attribute__((noinline)) int string_slow(struct rdb_reader *r, struct slice *out, bool *is_int,
                                                 int64_t *value)
{
    struct item it = {0};
    int code = take_item(r, &it);
    if (code != 0)
        return code;
    *is_int = it.encoded && it.encoding != RDB_LEN_ENC_LZF;
    if (*is_int)
        *value = item_int(&it);
    else if (!it.encoded)
        *out = it.bytes;
    else
        code = item_unpack(r, &it, out);
    if (code == 0)
        r->pos = it.end;
    return code;
}

/* A plain string of at most 63 bytes that is wholly there. */
static inline bool string_short(struct rdb_reader *r, struct slice *out)
{
    size_t rest = r->len - r->pos;
    if (unlikely(rest == 0))
        return false;
    size_t len = (unsigned char)r->data[r->pos];
    if (len >= LEN_14 || len >= rest)
        return false;
    *out = slice_of(r->data + r->pos + 1, len);
    r->pos += len + 1;
    return true;
}

int rdb_read_string(struct rdb_reader *r, struct slice *out)
{
    if (string_short(r, out))
        return 0;
    bool is_int;
    int64_t value;
    int code = string_slow(r, out, &is_int, &value);
    if (code == 0 && is_int) {
        r->scratch.len = 0;
        buf_append_int(&r->scratch, value);
        *out = buf_slice(&r->scratch);
    }
    return code;
}

int rdb_read_string_or_int(struct rdb_reader *r, struct slice *out, bool *is_int, int64_t *value)
{
    if (string_short(r, out)) {
        *is_int = false;
        return 0;
    }
    return string_slow(r, out, is_int, value);
}

int rdb_skip_string(struct rdb_reader *r)
{
    struct item it = {0};
    int code = take_item(r, &it);
    if (code == 0)
        r->pos = it.end;
    return code;
}

enum module_kind { MODULE_EOF, MODULE_SINT, MODULE_UINT, MODULE_FLOAT, MODULE_DOUBLE, MODULE_STRING };

/* One item; *END: it is the mark. */
static int skip_module_item(struct rdb_reader *r, bool *end)
{
    uint64_t kind, number;
    struct slice bytes;
    int code = rdb_read_len(r, &kind);
    if (code != 0)
        return code;
    switch (kind) {
    case MODULE_EOF:
        *end = true;
        return 0;
    case MODULE_SINT:
    case MODULE_UINT:
        return rdb_read_len(r, &number);
    case MODULE_FLOAT:
        return rdb_read_bytes(r, 4, &bytes);
    case MODULE_DOUBLE:
        return rdb_read_bytes(r, 8, &bytes);
    case MODULE_STRING:
        return rdb_skip_string(r);
    default:
        return MR_E_CORRUPT;
    }
}

int rdb_skip_module(struct rdb_reader *r, bool *end)
{
    size_t begin = r->pos;
    int code = skip_module_item(r, end);
    if (code == MR_E_AGAIN)
        r->want += r->pos - begin;
    if (code != 0)
        r->pos = begin;
    return code;
}
