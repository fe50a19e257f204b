/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the keyspace's tables hash and compare: constant and in a header, so that every
 * file of this folder has its lookups specialised.
 */
#pragma once

#include "container/dict_inline.h"
#include "keyspace/entry.h"
#include "keyspace/keyspace.h"

static inline uint64_t keyspace_hash_element(const void *owner, const void *element)
{
    return keyspace_hash(owner, entry_key(element));
}

static inline bool keyspace_equal_words(const char *a, const char *b, size_t len)
{
    uint64_t x, y;
    for (size_t i = 0; i + 8 < len; i += 8) {
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        if (x != y)
            return false;
    }
    memcpy(&x, a + len - 8, sizeof x);
    memcpy(&y, b + len - 8, sizeof y);
    return x == y;
}

/* slice_equal, faster for texts as names are. */
static inline bool keyspace_equal_text(struct slice own, struct slice key)
{
    if (own.len != key.len)
        return false;
    if (__builtin_expect(key.len - 8 <= 56, 1))
        return keyspace_equal_words(own.ptr, key.ptr, key.len);
    return key.len == 0 || memcmp(own.ptr, key.ptr, key.len) == 0;
}

static inline bool keyspace_equal_element(const void *element, struct slice key)
{
    return keyspace_equal_text(entry_key(element), key);
}

static const struct dict_ops keyspace_dict_ops
    __attribute__((unused)) = {.hash = keyspace_hash_element, .equal = keyspace_equal_element};
