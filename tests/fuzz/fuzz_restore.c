/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds bytes to RESTORE's way in: as a payload whose footer is judged, and as one whose
 * footer is right, so that the value behind it is reached. Whatever they are, the scratch
 * database ends with one key or none, the value can be read, saved again and is the same
 * then, it has not taken more memory than the payload could account for, and nothing of
 * it is left after it was deleted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "keyspace/object.h"
#include "types/string/string.h"

/* LZF makes 88 bytes of one, at most. */
#define MEMORY_PER_BYTE 200
#define MEMORY_BASE     ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyspace *ks;
static struct object_types types;

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void save(const struct entry *e, struct buf *out)
{
    const struct object_type *type = object_types_of(&types, e);
    struct rdb_writer w = {.out = out, .compress = true};
    rdb_write_u8(&w, (uint8_t)type->rdb_type(ks, e));
    type->save(&w, ks, e);
    rdb_dump_end(&w, 0);
    require(w.code == 0, "a value cannot be saved");
}

/* Loads PAYLOAD into the scratch database; its entry, or NULL if it is refused. */
static struct entry *load(struct slice payload, struct slice key)
{
    unsigned rdb_type;
    struct slice value;
    bool valkey;
    struct db *scratch = keyspace_scratch(ks);
    if (rdb_dump_open(payload, &rdb_type, &value, &valkey) != 0)
        return NULL;
    const struct object_type *type =
        valkey && rdb_type >= RDB_TYPE_OF_FAMILY ? NULL : object_types_by_rdb(&types, rdb_type);
    if (type == NULL)
        return NULL;
    struct rdb_reader in = {.data = value.ptr, .len = value.len};
    struct object_meta meta = {.key = key, .expiry_ms = DB_EXPIRY_NONE, .idle_s = -1, .freq = -1};
    int code = type->load(&in, rdb_type, scratch, &meta);
    require(code <= 0 && code != MR_E_AGAIN, "a payload of which more is awaited");
    require(in.pos <= in.len, "more was read than there is");
    rdb_reader_done(&in);
    require(keyspace_load_flush(ks) == 0, "the key was there already");
    struct entry *e = db_find(scratch, key, keyspace_hash(ks, key), DB_NO_TOUCH);
    require((e != NULL) == (code == 0), "a value that was refused and is there, or the other way round");
    return e;
}

static void restore(struct slice payload)
{
    struct db *scratch = keyspace_scratch(ks);
    struct slice key = slice_str("key");
    struct entry *e = load(payload, key);
    require(keyspace_arena(ks)->held <= MEMORY_BASE + payload.len * MEMORY_PER_BYTE,
            "more memory than the payload justifies");
    if (e == NULL) {
        require(db_size(scratch) == 0, "a refused payload left something");
        return;
    }
    struct buf once = {0}, twice = {0};
    save(e, &once);
    require(db_delete(scratch, key, keyspace_hash(ks, key)), "the value is gone");
    e = load(buf_slice(&once), key);
    require(e != NULL, "what was saved cannot be loaded");
    save(e, &twice);
    require(slice_equal(buf_slice(&once), buf_slice(&twice)), "what was loaded is another value");
    require(db_delete(scratch, key, keyspace_hash(ks, key)), "the value is gone");
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
    clock_update();
    if (ks == NULL) {
        ks = keyspace_new(1);
        object_types_add(&types, &string_type);
        keyspace_set_types(ks, &types);
    }
    restore(slice_of(data, size));
    if (size > 0)
        restore_value(data[0], slice_of(data + 1, size - 1));
    restore_value(0, slice_of(data, size));
    while (keyspace_background(ks, 1000))
        ;
    require(db_size(keyspace_scratch(ks)) == 0, "something is left");
    return 0;
}
