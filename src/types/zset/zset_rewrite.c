/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted sets as commands, in their order.
 *
 *   ZADD key score member ..
 */
#include "keyspace/rewrite.h"
#include "types/zset/zset_private.h"
#include "types/zset/zset_rdb.h"

void zset_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e)
{
    struct zset z;
    struct zset_walk walk;
    struct zset_item item;
    zset_open(&z, ks, e);
    struct rewrite_group g = {out, "ZADD", entry_key(e), zset_count(&z), 2, 0};
    zset_walk_begin(&walk, &z, 0, UINT64_MAX, false);
    while (out->code == 0 && zset_walk_next(&walk, &item)) {
        rewrite_group_next(&g);
        rewrite_double(out, item.score);
        rewrite_arg(out, item.member);
    }
}
