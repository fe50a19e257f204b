/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first byte chooses one of the RDB types that lists are loaded from, the second how big and
 * how deep nodes may be, the third how many bytes come at once, the rest is the value. Whatever
 * that is, it is refused with nothing left behind, or there is a list; read in parts it is the
 * same or refused for the same reason, and so it is when it is saved and loaded again.
 */
#include "types/list/list_private.h"
#include "value.h"

/* LZF makes 88 bytes of one, at most, and an element of one byte takes three in a listpack. */
#define MEMORY_PER_BYTE ((size_t)3000)

static struct list_options options;

static void compare(const struct entry *a, const struct entry *b)
{
    struct list x, y;
    struct list_walk of_x, of_y;
    struct listpack_value v, other;
    char scratch[NUMBER_TEXT_MAX], other_scratch[NUMBER_TEXT_MAX];
    uint64_t count = 0;
    list_of(&x, fuzz_value.ks, a);
    list_of(&y, fuzz_value.ks, b);
    list_walk_begin(&of_x, &x, 0, false);
    list_walk_begin(&of_y, &y, 0, false);
    for (; list_walk_next(&of_x, &v); count++) {
        require(list_walk_next(&of_y, &other));
        require(slice_equal(listpack_text(&v, scratch), listpack_text(&other, other_scratch)));
    }
    require(!list_walk_next(&of_y, &other));
    require(count > 0 && count == list_length(&x) && count == list_length(&y));
    list_walk_done(&of_x);
    list_walk_done(&of_y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned numbers[] = {1, 10, 14, 18};
    static const int8_t sizes[] = {-2, -1, -5, 1, 2, 3, 100, 0};
    if (size < 3)
        return 0;
    fuzz_value_begin(&list_type, &options);
    options =
        (struct list_options){.max_listpack_size = sizes[data[1] % 8], .compress_depth = data[1] / 8 % 4};
    unsigned type = numbers[data[0] % 4];
    struct slice value = slice_of(data + 3, size - 3);
    struct db *db = keyspace_scratch(fuzz_value.ks);
    int code = fuzz_value_load(type, value, "key");
    fuzz_value_bound(size, MEMORY_PER_BYTE);
    require(fuzz_value_load_through(type, value, db, "parts", data[2]) == code);
    require(fuzz_value_load_through(type, value, NULL, "parts", data[2]) <= 0);
    if (code == 0) {
        compare(fuzz_value_find("key"), fuzz_value_find("parts"));
        fuzz_value_again("key", "again", true);
        compare(fuzz_value_find("key"), fuzz_value_find("again"));
    }
    fuzz_value_end();
    return 0;
}
