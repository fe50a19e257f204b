/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first byte chooses one of the RDB types that hashes are loaded from, the second the limits,
 * the rest is the value. Whatever that is, it is refused with nothing left behind, or there is a
 * hash in which every field is found with its value; saved and loaded again it is the same, and
 * a file that ends anywhere within it is never taken for it.
 */
#include "types/hash/hash_private.h"
#include "value.h"

/* LZF makes 88 bytes of one, at most, and a field of two bytes takes 24 with its place. */
#define MEMORY_PER_BYTE 200

static struct hash_options options;

struct comparing {
    struct hash other;
    uint64_t count;
};

static bool compare(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    struct comparing *c = arg;
    char scratch[3][NUMBER_TEXT_MAX];
    struct listpack_value found;
    require(hash_get(&c->other, listpack_text(field, scratch[0]), &found));
    require(slice_equal(listpack_text(value, scratch[1]), listpack_text(&found, scratch[2])));
    c->count++;
    return true;
}

static void check_same(const char *a, const char *b)
{
    struct comparing c = {0};
    struct hash h;
    hash_open(&h, fuzz_value.ks, fuzz_value_find(a));
    hash_open(&c.other, fuzz_value.ks, fuzz_value_find(b));
    require(hash_length(&h) > 0 && hash_length(&h) == hash_length(&c.other));
    hash_each(&h, compare, &c);
    require(c.count == hash_length(&h));
}

static void check_loaded(void)
{
    struct buf out = {0};
    check_same("key", "key");
    unsigned type = fuzz_value_save(fuzz_value_find("key"), &out, false);
    require(fuzz_value_load(type, buf_slice(&out), "again") == 0);
    check_same("key", "again");
    fuzz_value_drop("again");
    size_t step = out.len / 16 + 1;
    for (size_t len = 0; len < out.len; len += step) {
        struct slice part = slice_of(out.data, len);
        require(fuzz_value_load(type, part, "again") != 0);
        require(fuzz_value_load_part(type, part, out.len - len, "again") == MR_E_AGAIN);
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    fuzz_value_begin(&hash_type, &options);
    unsigned count = 0;
    while (hash_rdb_types[count] >= 0)
        count++;
    options.max_listpack_entries = data[1] & 15;
    options.max_listpack_value = data[1] >> 4;
    struct slice bytes = slice_of(data + 2, size - 2);
    int code = fuzz_value_load((unsigned)hash_rdb_types[data[0] % count], bytes, "key");
    fuzz_value_bound(size, MEMORY_PER_BYTE);
    if (code == 0)
        check_loaded();
    fuzz_value_end();
    return 0;
}
