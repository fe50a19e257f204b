/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A view of bytes that somebody else owns. Never NUL-terminated by promise; PTR
 * may be NULL only where LEN is 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *ptr;
    size_t len;
};

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){(const char *)ptr, len};
}

static inline struct slice slice_str(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Whether S is the word TEXT in any case; ASCII only, as the protocol's words are. */
static inline bool slice_is(struct slice s, const char *text)
{
    size_t len = strlen(text);
    return s.len == len && (len == 0 || strncasecmp(s.ptr, text, len) == 0);
}
