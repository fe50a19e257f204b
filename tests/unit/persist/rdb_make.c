/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See rdb_make.h.
 */
#include "persist/rdb_make.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"

void rdb_make_bytes(struct buf *out, const char *bytes, size_t len)
{
    buf_append(out, bytes, len);
}

void rdb_make_head(struct buf *out, const char *magic)
{
    out->len = 0;
    buf_append_str(out, magic);
}

void rdb_make_byte(struct buf *out, unsigned byte)
{
    buf_append_byte(out, (char)(unsigned char)byte);
}

void rdb_make_len(struct buf *out, uint64_t len)
{
    if (len < 64) {
        rdb_make_byte(out, (unsigned)len);
    } else if (len < 16384) {
        rdb_make_byte(out, 0x40 | (unsigned)(len >> 8));
        rdb_make_byte(out, (unsigned)(len & 255));
    } else {
        int bytes = len <= UINT32_MAX ? 4 : 8;
        rdb_make_byte(out, bytes == 4 ? 0x80 : 0x81);
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
            rdb_make_byte(out, (unsigned)(len >> shift & 255));
    }
}

void rdb_make_string(struct buf *out, const void *bytes, size_t len)
{
    rdb_make_len(out, len);
    buf_append(out, bytes, len);
}

void rdb_make_key(struct buf *out, const char *key, const char *value)
{
    rdb_make_byte(out, 0);
    rdb_make_string(out, key, strlen(key));
    rdb_make_string(out, value, strlen(value));
}

void rdb_make_u64(struct buf *out, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        rdb_make_byte(out, (unsigned)(number >> 8 * i & 255));
}

void rdb_make_end(struct buf *out)
{
    rdb_make_byte(out, 255);
    rdb_make_u64(out, checksum_crc64(0, out->data, out->len));
}

void rdb_make_file(const struct buf *content, char *path, size_t size)
{
    const char *dir = getenv("TMPDIR");
    snprintf(path, size, "%s/rdb-XXXXXX", dir != NULL ? dir : "/tmp");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    for (size_t done = 0; done < content->len;) {
        ssize_t n = write(fd, content->data + done, content->len - done);
        ck_assert_int_gt(n, 0);
        done += (size_t)n;
    }
    ck_assert_int_eq(close(fd), 0);
}
