/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first byte chooses one of the RDB types that streams are loaded from, the rest is the value.
 * Whatever that is, it is refused with nothing left behind, or there is a stream, whole and in order,
 * in which every entry is found by walks in both directions; saved and loaded again it is the same,
 * byte by byte; and what is read in small parts is read as in one.
 */
#include "types/stream/stream_pack.h"
#include "types/stream/stream_rdb.h"
#include "value.h"

static const struct stream_options options = {4096, 100, 100, 100};

static void check(const struct stream *s, const struct arena *a)
{
    struct stream_walk w, back;
    uint64_t seen = 0;
    require(stream_check(s, a));
    stream_walk_begin(&w, s, a, STREAM_ID_MIN, STREAM_ID_MAX, false);
    for (; stream_walk_next(&w); seen++) {
        require(seen > 0 || stream_id_compare(stream_first_id(s, a), w.id) == 0);
        if (seen < 1000)
            require(stream_contains(s, a, w.id));
    }
    require(seen == s->length);
    stream_walk_begin(&back, s, a, STREAM_ID_MIN, STREAM_ID_MAX, true);
    while (stream_walk_next(&back))
        seen--;
    require(seen == 0);
}

static const struct stream *loaded(const char *key)
{
    return stream_of(fuzz_value.ks, fuzz_value_find(key));
}

static void save_and_load(const struct arena *a)
{
    struct buf one = {0}, two = {0};
    unsigned type = fuzz_value_save(fuzz_value_find("first"), &one, false);
    require(fuzz_value_load_through(type, buf_slice(&one), keyspace_scratch(fuzz_value.ks), "second", 1) ==
            0);
    check(loaded("second"), a);
    require(fuzz_value_save(fuzz_value_find("second"), &two, false) == type);
    require(slice_equal(buf_slice(&one), buf_slice(&two)));
    buf_done(&one);
    buf_done(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned rdb_types[] = {15, 19, 21, 26, 27};
    if (size < 1 || data[0] >= sizeof rdb_types / sizeof *rdb_types)
        return 0;
    unsigned type = rdb_types[data[0]];
    struct slice bytes = slice_of(data + 1, size - 1);
    fuzz_value_begin(&stream_type, &options);
    const struct arena *a = keyspace_arena(fuzz_value.ks);
    int code = fuzz_value_load(type, bytes, "first");
    if (code == 0) {
        check(loaded("first"), a);
        save_and_load(a);
        require(fuzz_value_load_through(type, bytes, NULL, "first", SIZE_MAX) == 0);
    }
    struct db *db = keyspace_scratch(fuzz_value.ks);
    require(fuzz_value_load_through(type, bytes, db, "parts", 1) == code);
    fuzz_value_end();
    return 0;
}
