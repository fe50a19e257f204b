/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The primitives of the RDB format, written to a buffer: the other side of
 * codec/rdb_reader.h. Lengths and strings take the shortest form, integers in strings the
 * special encodings, and long strings LZF where that is on and saves something.
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
};

void rdb_write_u8(struct rdb_writer *w, uint8_t v);
void rdb_write_u32(struct rdb_writer *w, uint32_t v); /* little-endian */
void rdb_write_u64(struct rdb_writer *w, uint64_t v);
void rdb_write_len(struct rdb_writer *w, uint64_t len);
void rdb_write_bytes(struct rdb_writer *w, struct slice bytes);
/* A string in its best form: an integer's if it is exactly that integer's text. */
void rdb_write_string(struct rdb_writer *w, struct slice s);
/* The string that is VALUE's text. */
void rdb_write_int(struct rdb_writer *w, int64_t value);
void rdb_write_double(struct rdb_writer *w, double value); /* 8 bytes, little-endian */

/* --- the payload of DUMP: | type u8 | value | version u16 | CRC-64 of all before u64 | --- */

/* Versions of payloads that are known: Redis's up to the newest, and Valkey's. */
#define RDB_DUMP_REDIS_NEWEST  17
#define RDB_DUMP_VALKEY_OLDEST 80
#define RDB_DUMP_VALKEY_NEWEST 81
/* From this value type on, a number means another thing to each family. */
#define RDB_TYPE_OF_FAMILY     22

/* Appends the footer behind what stands in W from FROM on, with the oldest version that can
 * hold a value of that type. */
void rdb_dump_end(struct rdb_writer *w, size_t from);
/* Checks PAYLOAD's footer: MR_E_CHECKSUM if it is too short, its checksum is wrong or its version
 * not known, MR_E_CORRUPT if nothing stands before it; else *VALUE is what stands behind the
 * type. VALKEY: the version is of that family. */
int rdb_dump_open(struct slice payload, unsigned *type, struct slice *value, bool *valkey) MR_MUST_CHECK;
