/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strings in RDB files: value type 0, one string of the file in any of its encodings.
 */
#include "codec/rdb_reader.h"
#include "types/string/string.h"

static int load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta)
{
    (void)rdb_type;
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

const struct object_type string_type = {
    .number = OBJECT_STRING,
    .name = "string",
    .rdb_types = (const int8_t[]){0, -1},
    .load = load,
    .encoding = encoding,
};
