/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds bytes to RESTORE's way in: as a payload whose footer is judged, and as one whose
 * footer is right, so that the value behind it is reached. Whatever they are, the scratch
 * database ends with one key or none, the value can be read, saved again and is the same
 * then, it has not taken more memory than the payload could account for, and nothing of
 * it is left after it was deleted.
 */
#include "types/string/string.h"
#include "value.h"

/* LZF makes 88 bytes of one, at most. */
#define MEMORY_PER_BYTE 200

static void save(struct buf *out)
{
    struct rdb_writer w = {.out = out, .compress = true};
    struct entry *e = fuzz_value_find("key");
    rdb_write_u8(&w, (uint8_t)fuzz_value.type->rdb_type(fuzz_value.ks, e));
    fuzz_value_save(e, out, true);
    rdb_dump_end(&w, 0);
    require(w.code == 0);
}

/* Whether PAYLOAD is not refused, but becomes the key. */
static bool load(struct slice payload)
{
    unsigned rdb_type;
    struct slice value;
    bool valkey;
    return rdb_dump_open(payload, &rdb_type, &value, &valkey) == 0 &&
           !(valkey && rdb_type >= RDB_TYPE_OF_FAMILY) &&
           object_types_by_rdb(&fuzz_value.types, rdb_type) != NULL &&
           fuzz_value_load(rdb_type, value, "key") == 0;
}

static void restore(struct slice payload)
{
    bool loaded = load(payload);
    fuzz_value_bound(payload.len, MEMORY_PER_BYTE);
    if (!loaded) {
        require(db_size(keyspace_scratch(fuzz_value.ks)) == 0);
        return;
    }
    struct buf once = {0}, twice = {0};
    save(&once);
    fuzz_value_drop("key");
    require(load(buf_slice(&once)));
    save(&twice);
    require(slice_equal(buf_slice(&once), buf_slice(&twice)));
    fuzz_value_drop("key");
    buf_done(&once);
    buf_done(&twice);
}

/* VALUE as one of TYPE, with a right footer. */
static void restore_value(uint8_t type, struct slice value)
{
    struct buf payload = {0};
    struct rdb_writer w = {.out = &payload};
    rdb_write_u8(&w, type);
    rdb_write_bytes(&w, value);
    rdb_dump_end(&w, 0);
    restore(buf_slice(&payload));
    buf_done(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_value_begin(&string_type, NULL);
    restore(slice_of(data, size));
    if (size > 0)
        restore_value(data[0], slice_of(data + 1, size - 1));
    restore_value(0, slice_of(data, size));
    require(db_size(keyspace_scratch(fuzz_value.ks)) == 0);
    fuzz_value_end();
    return 0;
}
