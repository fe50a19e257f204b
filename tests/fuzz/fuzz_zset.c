/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first byte chooses one of the RDB types that sorted sets are loaded from and the limits, the
 * rest is the value. Whatever that is, it is refused with nothing left behind, or there is a sorted
 * set, in order, in which every member is found with its score and rank; saved and loaded again it
 * is the same.
 */
#include <math.h>

#include "types/zset/zset_private.h"
#include "value.h"

static struct zset_options options;

static void check(const struct zset *z)
{
    struct zset_walk w;
    struct zset_item item;
    struct zset_found found;
    double last = -INFINITY;
    uint64_t rank = 0;
    zset_walk_begin(&w, z, 0, UINT64_MAX, false);
    for (; zset_walk_next(&w, &item); rank++) {
        require(!isnan(item.score) && item.score >= last);
        require(zset_member(z, item.member, keyspace_hash(fuzz_value.ks, item.member), &found));
        require(found.score == item.score && zset_rank(z, item.member, &found) == rank);
        last = item.score;
    }
    require(rank == zset_count(z) && rank > 0);
}

static void check_same(const struct zset *x, const struct zset *y)
{
    struct zset_walk w;
    struct zset_item item;
    struct zset_found found;
    require(zset_count(x) == zset_count(y));
    zset_walk_begin(&w, x, 0, UINT64_MAX, false);
    while (zset_walk_next(&w, &item)) {
        require(zset_member(y, item.member, keyspace_hash(fuzz_value.ks, item.member), &found));
        require(found.score == item.score);
    }
}

static void save_and_load(void)
{
    struct zset first, second;
    fuzz_value_again("first", "second", false);
    zset_open(&first, fuzz_value.ks, fuzz_value_find("first"));
    zset_open(&second, fuzz_value.ks, fuzz_value_find("second"));
    check_same(&first, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned rdb_types[] = {3, 5, 12, 17};
    if (size < 1)
        return 0;
    fuzz_value_begin(&zset_type, &options);
    options = (struct zset_options){data[0] & 4 ? 3 : 128, data[0] & 8 ? 5 : 64};
    if (fuzz_value_load(rdb_types[data[0] & 3], slice_of(data + 1, size - 1), "first") == 0) {
        struct zset z;
        zset_open(&z, fuzz_value.ks, fuzz_value_find("first"));
        check(&z);
        save_and_load();
    }
    fuzz_value_end();
    return 0;
}
