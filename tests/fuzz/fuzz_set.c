/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first byte chooses one of the RDB types that sets are loaded from, the second the limits of
 * the encodings, the rest is the value. Whatever that is, it is refused with nothing left behind,
 * or there is a set that has every member that a walk meets, each once; saved and loaded again it
 * has the same ones.
 */
#include "types/set/set_batch.h"
#include "types/set/set_rdb.h"
#include "value.h"

/* LZF makes 88 bytes of one, at most, and a member of one byte takes 16 with its place. */
#define MEMORY_PER_BYTE ((size_t)3000)

static struct set_options options;

/* All of A is in B, and there is no more. */
static void compare(const struct entry *a, const struct entry *b)
{
    struct set x = set_of(fuzz_value.ks, a), y = set_of(fuzz_value.ks, b);
    struct set_walk w;
    struct set_batch batch;
    uint64_t count = 0;
    set_walk_begin(&w, &x);
    while (set_walk_next(&w, &batch)) {
        require(set_holds(&y, &batch, set_batch_all(&batch)) == set_batch_all(&batch));
        for (unsigned i = 0; i < batch.count; i++)
            require(set_has(&y, set_batch_text(&batch, i)));
        count += batch.count;
    }
    require(count > 0 && count == set_count(&x) && count == set_count(&y));
}

static void check(const struct entry *e)
{
    fuzz_value_again("key", "again", true);
    const struct entry *again = fuzz_value_find("again");
    compare(e, e);
    compare(e, again);
    compare(again, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned numbers[] = {SET_RDB_TABLE, SET_RDB_INTSET, SET_RDB_LISTPACK, SET_RDB_LISTPACK_EX,
                                       SET_RDB_TABLE_EX};
    if (size < 2)
        return 0;
    fuzz_value_begin(&set_type, &options);
    /* Members that are due are members. */
    keyspace_set_expiry_mode(fuzz_value.ks, KEYSPACE_SHOW);
    options = (struct set_options){data[1] % 8 * 10, data[1] / 8 % 8 * 10, data[1] / 64 * 20};
    int code = fuzz_value_load(numbers[data[0] % 5], slice_of(data + 2, size - 2), "key");
    fuzz_value_bound(size, MEMORY_PER_BYTE);
    if (code == 0)
        check(fuzz_value_find("key"));
    fuzz_value_end();
    return 0;
}
