/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes RDB files for tests, byte by byte.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* "REDIS0010" or the like. */
void rdb_make_head(struct buf *out, const char *magic);
void rdb_make_bytes(struct buf *out, const char *bytes, size_t len);
void rdb_make_byte(struct buf *out, unsigned byte);
void rdb_make_len(struct buf *out, uint64_t len);
void rdb_make_string(struct buf *out, const void *bytes, size_t len);
/* A string value. */
void rdb_make_key(struct buf *out, const char *key, const char *value);
void rdb_make_u64(struct buf *out, uint64_t number);
/* End mark and CRC. */
void rdb_make_end(struct buf *out);

/* Writes the file to a new path under the system's directory for such things. */
void rdb_make_file(const struct buf *content, char *path, size_t size);
