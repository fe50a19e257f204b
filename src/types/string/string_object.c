/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strings as an object type. In RDB they are value type 0, one string of the file in any
 * of its encodings; in memory what keyspace/entry.h draws: bytes in the entry, an
 * integer, or one blob.
 */
#include <string.h>

#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "types/string/string.h"

#define STRING_RDB_TYPE 0

static int load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                void **partial)
{
    (void)rdb_type, (void)partial;
    if (db == NULL)
        return rdb_skip_string(in);
    struct slice value = {0};
    bool is_int = false;
    int64_t integer = 0;
    int code = rdb_read_string_or_int(in, &value, &is_int, &integer);
    if (code != 0)
        return code;
    return db_load_string(db, meta->key, value, is_int, integer, meta->expiry_ms, meta->idle_s, meta->freq);
}

static const char *encoding(const struct keyspace *ks, const struct entry *e)
{
    (void)ks;
    return entry_string_encoding(e);
}

static unsigned rdb_type(const struct keyspace *ks, const struct entry *e)
{
    (void)ks, (void)e;
    return STRING_RDB_TYPE;
}

static void save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e)
{
    int64_t integer;
    char scratch[NUMBER_TEXT_MAX];
    if (entry_integer(e, &integer))
        rdb_write_int(out, integer);
    else
        rdb_write_string(out, entry_string(keyspace_arena(ks), e, scratch));
}

static int copy(struct keyspace *ks, const struct entry *e, struct entry_value *ret)
{
    return entry_value_copy(ret, keyspace_arena(ks), e);
}

static uint64_t length(const struct keyspace *ks, const struct entry *e)
{
    (void)ks, (void)e;
    return 1;
}

const struct object_type string_type = {
    .number = OBJECT_STRING,
    .name = "string",
    .rdb_types = (const int8_t[]){STRING_RDB_TYPE, -1},
    .load = load,
    .encoding = encoding,
    .rdb_type = rdb_type,
    .save = save,
    .rewrite = string_rewrite,
    .copy = copy,
    .length = length,
};
