/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See rdb_writer.h; the layouts are drawn in rdb_reader.c. Every write is refused
 * where its memory cannot be had, since what is written is as long as the values that
 * users stored.
 */
#include "codec/rdb_writer.h"

#include <lzf.h>
#include <string.h>

#include "base/checksum.h"
#include "base/number.h"
#include "codec/rdb_reader.h"

enum {
    LEN_6_MAX = 0x3f,
    LEN_14_MAX = 0x3fff,
    LEN_14 = 0x40,
    LEN_32 = 0x80,
    LEN_64 = 0x81,
    LEN_ENCODED = 0xc0,
    LEN_SIZE_MAX = 9,
    INT_TEXT_MAX = 11, /* of an integer that one of the special encodings holds */
    LZF_WORTH = 20,    /* strings up to this are never compressed */
    LZF_GAIN = 4,      /* bytes that compression must save */
    DUMP_FOOTER = 10,  /* u16, u64 */
    LONG = 64 << 10,   /* not copied to where it only goes on from */
};

void rdb_write_out(struct rdb_writer *w)
{
    if (w->code == 0 && w->out->len > 0)
        w->code = w->drain(w->owner, buf_slice(w->out));
    w->out->len = 0;
}

static void make_room(struct rdb_writer *w, size_t more)
{
    if (w->drain != NULL)
        rdb_write_out(w);
    if (w->code == 0 && w->out->cap - w->out->len < more)
        w->code = buf_try_grow(w->out, more);
}

/* Room for MORE bytes, or NULL. */
static char *room(struct rdb_writer *w, size_t more)
{
    if (w->code == 0 && w->out->cap - w->out->len < more)
        make_room(w, more);
    return w->code == 0 ? w->out->data + w->out->len : NULL;
}

static void store_le(char *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, v >>= 8)
        p[i] = (char)v;
}

static void store_be(char *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0; v >>= 8)
        p[i] = (char)v;
}

static void write_le(struct rdb_writer *w, uint64_t v, unsigned bytes)
{
    char *p = room(w, bytes);
    if (p == NULL)
        return;
    store_le(p, v, bytes);
    w->out->len += bytes;
}

/* Writes LEN at P (LEN_SIZE_MAX bytes); returns what it took. */
static size_t put_len(char *p, uint64_t len)
{
    if (len <= LEN_6_MAX) {
        p[0] = (char)len;
        return 1;
    }
    if (len <= LEN_14_MAX) {
        store_be(p, len | LEN_14 << 8, 2);
        return 2;
    }
    bool wide = len > UINT32_MAX;
    p[0] = (char)(wide ? LEN_64 : LEN_32);
    store_be(p + 1, len, wide ? 8 : 4);
    return wide ? 9 : 5;
}

void rdb_write_u8(struct rdb_writer *w, uint8_t v)
{
    write_le(w, v, 1);
}

void rdb_write_u32(struct rdb_writer *w, uint32_t v)
{
    write_le(w, v, 4);
}

void rdb_write_u64(struct rdb_writer *w, uint64_t v)
{
    write_le(w, v, 8);
}

void rdb_write_double(struct rdb_writer *w, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    write_le(w, bits, 8);
}

void rdb_write_len(struct rdb_writer *w, uint64_t len)
{
    char *p = room(w, LEN_SIZE_MAX);
    if (p != NULL)
        w->out->len += put_len(p, len);
}

void rdb_write_bytes(struct rdb_writer *w, struct slice bytes)
{
    if (w->drain != NULL && bytes.len >= LONG) {
        rdb_write_out(w);
        if (w->code == 0)
            w->code = w->drain(w->owner, bytes);
        return;
    }
    char *p = room(w, bytes.len);
    if (p == NULL || bytes.len == 0)
        return;
    memcpy(p, bytes.ptr, bytes.len);
    w->out->len += bytes.len;
}

static bool write_special_int(struct rdb_writer *w, int64_t value)
{
    unsigned kind = value == (int8_t)value    ? RDB_LEN_ENC_INT8
                    : value == (int16_t)value ? RDB_LEN_ENC_INT16
                    : value == (int32_t)value ? RDB_LEN_ENC_INT32
                                              : RDB_LEN_ENC_LZF;
    if (kind == RDB_LEN_ENC_LZF)
        return false;
    rdb_write_u8(w, (uint8_t)(LEN_ENCODED | kind));
    write_le(w, (uint64_t)value, 1U << kind);
    return true;
}

/* Compresses S straight to where it is to stand, behind a head of the longest form, and
 * closes the gap when the head's true length is known. False: nothing was saved. */
static bool write_packed(struct rdb_writer *w, struct slice s)
{
    enum { HEAD = 1 + 2 * LEN_SIZE_MAX };
    size_t most = s.len - LZF_GAIN;
    if (s.len > UINT32_MAX || w->code != 0)
        return false;
    char *p = room(w, HEAD + most);
    if (p == NULL) {
        /* As it is it may need no room. */
        w->code = w->code == MR_E_MEMORY ? 0 : w->code;
        return false;
    }
    unsigned packed = lzf_compress(s.ptr, (unsigned)s.len, p + HEAD, (unsigned)most);
    if (packed == 0)
        return false;
    char *at = p;
    *at++ = (char)(LEN_ENCODED | RDB_LEN_ENC_LZF);
    at += put_len(at, packed);
    at += put_len(at, s.len);
    memmove(at, p + HEAD, packed);
    w->out->len += (size_t)(at - p) + packed;
    return true;
}

void rdb_write_string(struct rdb_writer *w, struct slice s)
{
    int64_t value;
    if (s.len <= INT_TEXT_MAX && number_to_int(s, &value) && write_special_int(w, value))
        return;
    if (w->compress && s.len > LZF_WORTH && write_packed(w, s))
        return;
    rdb_write_len(w, s.len);
    rdb_write_bytes(w, s);
}

void rdb_write_lzf(struct rdb_writer *w, struct slice packed, uint64_t length)
{
    rdb_write_u8(w, LEN_ENCODED | RDB_LEN_ENC_LZF);
    rdb_write_len(w, packed.len);
    rdb_write_len(w, length);
    rdb_write_bytes(w, packed);
}

void rdb_write_int(struct rdb_writer *w, int64_t value)
{
    if (write_special_int(w, value))
        return;
    char text[NUMBER_TEXT_MAX];
    size_t len = number_from_int(text, value);
    rdb_write_len(w, len);
    rdb_write_bytes(w, slice_of(text, len));
}

/* --- DUMP --- */

unsigned rdb_version_of(unsigned type)
{
    static const struct {
        unsigned types, version; /* types below this one */
    } steps[] = {{20, 10}, {22, 11}, {26, 12}, {27, 13}, {28, 14}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (type < steps[i].types)
            return steps[i].version;
    return RDB_DUMP_REDIS_NEWEST;
}

void rdb_dump_end(struct rdb_writer *w, size_t from)
{
    if (room(w, DUMP_FOOTER) == NULL)
        return;
    write_le(w, rdb_version_of((unsigned char)w->out->data[from]), 2);
    write_le(w, checksum_crc64(0, w->out->data + from, w->out->len - from), 8);
}

static uint64_t load_le(const char *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = bytes; i-- > 0;)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

int rdb_dump_open(struct slice payload, unsigned *type, struct slice *value, bool *valkey)
{
    if (payload.len < DUMP_FOOTER)
        return MR_E_CHECKSUM;
    size_t body = payload.len - DUMP_FOOTER;
    unsigned version = (unsigned)load_le(payload.ptr + body, 2);
    bool of_valkey = version >= RDB_DUMP_VALKEY_OLDEST;
    if (version > (of_valkey ? RDB_DUMP_VALKEY_NEWEST : RDB_DUMP_REDIS_NEWEST))
        return MR_E_CHECKSUM;
    if (load_le(payload.ptr + body + 2, 8) != checksum_crc64(0, payload.ptr, body + 2))
        return MR_E_CHECKSUM;
    if (body == 0)
        return MR_E_CORRUPT;
    *type = (unsigned char)payload.ptr[0];
    *value = slice_of(payload.ptr + 1, body - 1);
    *valkey = of_valkey;
    return 0;
}
