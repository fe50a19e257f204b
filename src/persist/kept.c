/* SPDX-License-Identifier: BSD-3-Clause */
/* See kept.h. What the bytes mean is drawn in rdb_items.c. */
#include "persist/kept.h"

void kept_done(struct kept *k)
{
    buf_done(&k->front);
    buf_done(&k->back);
}

int kept_add(struct buf *part, struct slice bytes)
{
    int code = buf_try_grow(part, bytes.len);
    if (code == 0)
        buf_append_slice(part, bytes);
    return code;
}

void kept_settle(struct kept *k)
{
    buf_shrink(&k->front);
    buf_shrink(&k->back);
}
