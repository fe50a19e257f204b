/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trees by name, whose order is that of bytes: groups, consumers, producers, and their records by iid.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "container/btree.h"

static inline uint32_t stream_name_tag(struct slice name)
{
    unsigned char first[4] = {0};
    if (name.len >= 4)
        memcpy(first, name.ptr, 4);
    else
        for (size_t i = 0; i < name.len; i++)
            first[i] = (unsigned char)name.ptr[i];
    return (uint32_t)first[0] << 24 | (uint32_t)first[1] << 16 | (uint32_t)first[2] << 8 | first[3];
}

/* As memcmp; of two the one of which begins with the other, that is less. */
int stream_name_compare(struct slice a, struct slice b);
/* The element of NAME in T, or NULL; *PLACE (may be NULL): its place, or where it would be. COMPARE is T's,
 * for keys that are slices. */
void *stream_name_find(const struct btree *t, const struct arena *a, btree_compare *compare,
                       struct slice name, struct btree_place *place);
