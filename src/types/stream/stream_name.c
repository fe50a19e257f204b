/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See stream_name.h.
 */
#include "types/stream/stream_name.h"

int stream_name_compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

void *stream_name_find(const struct btree *t, const struct arena *a, btree_compare *compare,
                       struct slice name, struct btree_place *place)
{
    bool exact = false;
    struct btree_place at = btree_seek(t, a, compare, &name, stream_name_tag(name), &exact);
    if (place != NULL)
        *place = at;
    return exact ? btree_element(a, &at) : NULL;
}
