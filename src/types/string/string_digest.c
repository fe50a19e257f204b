/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The digest of a string. The hash is compiled in from its library's header, so that the
 * program needs no library for it.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "types/string/string_private.h"

uint64_t string_digest(struct slice bytes)
{
    return XXH3_64bits(bytes.ptr, bytes.len);
}
