/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Digests of values and of all data: the same for equal content, however it is encoded, in
 * whichever order its parts came where that means nothing, and on every machine. They are no
 * other server's digests.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "keyspace/object.h"

#define DIGEST_TEXT_MAX 41 /* with the NUL */

struct digest {
    uint64_t low, high;
};

/* That of E's value. MR_E_MEMORY if what it is made of cannot be had. */
int digest_value(const struct object_types *types, const struct keyspace *ks, const struct entry *e,
                 struct digest *ret) MR_MUST_CHECK;
/* That of all databases: keys, whether they have an expiry, and values; zero if there is none. */
int digest_all(const struct object_types *types, struct keyspace *ks, struct digest *ret) MR_MUST_CHECK;
/* 40 hexadecimal digits, in BUF. */
const char *digest_text(struct digest d, char *buf);
