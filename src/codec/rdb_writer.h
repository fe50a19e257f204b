/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The primitives of the RDB format, written to a buffer: the other side of
 * codec/rdb_reader.h. Lengths and strings take the shortest form, integers in strings the
 * special encodings, and long strings LZF where that is on and saves something.
 *
 * What is written stays in the buffer, or goes on from there, a buffer full at a time: so
 * that a file needs no memory as large as its values.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct rdb_writer {
    struct buf *out;
    bool compress; /* rdbcompression */
    int code;      /* MR_E_MEMORY once something could not be had; what follows is dropped */
    /* Takes BYTES, the next ones; a code that is not 0 becomes CODE. NULL: all stays in OUT. With
     * it OUT is emptied whenever it has no room, and rdb_write_out takes the rest of it. */
    int (*drain)(void *owner, struct slice bytes);
    void *owner;
};

void rdb_write_u8(struct rdb_writer *w, uint8_t v);
void rdb_write_u32(struct rdb_writer *w, uint32_t v); /* little-endian */
void rdb_write_u64(struct rdb_writer *w, uint64_t v);
void rdb_write_len(struct rdb_writer *w, uint64_t len);
void rdb_write_bytes(struct rdb_writer *w, struct slice bytes);
/* A string in its best form: an integer's if it is exactly that integer's text. */
void rdb_write_string(struct rdb_writer *w, struct slice s);
/* The string of LENGTH bytes that is in LZF already. */
void rdb_write_lzf(struct rdb_writer *w, struct slice packed, uint64_t length);
/* The string that is VALUE's text. */
void rdb_write_int(struct rdb_writer *w, int64_t value);
void rdb_write_double(struct rdb_writer *w, double value); /* 8 bytes, little-endian */
/* Has what stands in OUT taken. */
void rdb_write_out(struct rdb_writer *w);

/* The oldest version whose readers know values of TYPE. */
unsigned rdb_version_of(unsigned type);

/* --- the payload of DUMP: | type u8 | value | version u16 | CRC-64 of all before u64 | --- */

/* Versions of payloads that are known: Redis's up to the newest, and Valkey's. */
#define RDB_DUMP_REDIS_NEWEST  17
#define RDB_DUMP_VALKEY_OLDEST 80
#define RDB_DUMP_VALKEY_NEWEST 81
/* From this value type on, a number means another thing to each family. */
#define RDB_TYPE_OF_FAMILY     22
/* Types of values go by one number: Valkey's own by so much more than their byte. */
#define RDB_TYPE_OF_VALKEY     64
#define RDB_TYPE_NONE          127

/* The number that the types know the value type BYTE by, which no type reads if it is
 * RDB_TYPE_NONE. */
static inline unsigned rdb_type_of(unsigned byte, bool valkey)
{
    if (byte >= RDB_TYPE_OF_VALKEY)
        return RDB_TYPE_NONE;
    return valkey && byte >= RDB_TYPE_OF_FAMILY ? byte + RDB_TYPE_OF_VALKEY : byte;
}

/* Appends the footer behind what stands in W from FROM on, with the oldest version that can
 * hold a value of that type. */
void rdb_dump_end(struct rdb_writer *w, size_t from);
/* Checks PAYLOAD's footer: MR_E_CHECKSUM if it is too short, its checksum is wrong or its version
 * not known, MR_E_CORRUPT if nothing stands before it; else *VALUE is what stands behind the
 * type. VALKEY: the version is of that family. */
int rdb_dump_open(struct slice payload, unsigned *type, struct slice *value, bool *valkey) MR_MUST_CHECK;
