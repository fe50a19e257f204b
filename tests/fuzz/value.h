/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of one type that are loaded from bytes nobody vouches for, into the scratch database of a
 * keyspace that is made once: each has another place in memory, of which a sanitizer keeps a map. A
 * harness begins, loads, judges what it finds by what it knows of the type, and ends; whatever is
 * true of all types is required here.
 */
#pragma once

#include "base/clock.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "fuzz.h"
#include "keyspace/object.h"

/* Bytes of memory that are there before a value. */
#define FUZZ_MEMORY_BASE ((size_t)4 << 20)

static struct fuzz_value {
    const struct object_type *type;
    struct keyspace *ks;
    struct object_types types;
    size_t used; /* of the arena at the beginning */
} fuzz_value;

/* OPTIONS: TYPE's own, NULL if it has none. */
static inline void fuzz_value_begin(const struct object_type *type, const void *options)
{
    struct fuzz_value *f = &fuzz_value;
    clock_update();
    if (f->ks == NULL) {
        f->type = type;
        f->ks = keyspace_new(1);
        f->types.options[type->number] = options;
        object_types_add(&f->types, type);
        keyspace_set_types(f->ks, &f->types);
        /* An element whose time is past is to be seen, as what is saved of it is. */
        keyspace_set_expiry_mode(f->ks, KEYSPACE_SHOW);
    }
    f->used = keyspace_arena(f->ks)->used;
}

/* NULL: there is none. */
static inline struct entry *fuzz_value_find(const char *key)
{
    struct slice k = slice_str(key);
    require(keyspace_load_flush(fuzz_value.ks) == 0);
    return db_find(keyspace_scratch(fuzz_value.ks), k, keyspace_hash(fuzz_value.ks, k), DB_NO_TOUCH);
}

static inline void fuzz_value_drop(const char *key)
{
    struct slice k = slice_str(key);
    if (fuzz_value_find(key) != NULL)
        require(db_delete(keyspace_scratch(fuzz_value.ks), k, keyspace_hash(fuzz_value.ks, k)));
}

/* The end of an input: nothing may be left of it. */
static inline void fuzz_value_end(void)
{
    struct fuzz_value *f = &fuzz_value;
    db_flush(keyspace_scratch(f->ks));
    while (keyspace_background(f->ks, 1000))
        continue;
    require(db_size(keyspace_scratch(f->ks)) == 0);
    require(keyspace_arena(f->ks)->used <= f->used + 4096);
}

/* What SIZE bytes of input may have taken. */
static inline void fuzz_value_bound(size_t size, size_t memory_per_byte)
{
    require(keyspace_arena(fuzz_value.ks)->held <= FUZZ_MEMORY_BASE + size * memory_per_byte);
}

/* One call with the window BYTES, of which a file has REST more. What was taken goes to *READ. */
static inline int fuzz_value_call(unsigned rdb_type, struct slice bytes, uint64_t rest, struct db *db,
                                  const char *key, void **partial, size_t *want, size_t *read)
{
    struct object_meta meta = {.key = slice_str(key), .expiry_ms = DB_EXPIRY_NONE, .idle_s = -1, .freq = -1};
    char *window = fuzz_copy(bytes.ptr, bytes.len);
    struct rdb_reader in = {.data = window, .len = bytes.len, .left = rest};
    int code = fuzz_value.type->load(&in, rdb_type, db, &meta, partial);
    require(code <= 0 && in.pos <= in.len);
    if (code == MR_E_AGAIN) {
        require(*partial != NULL || in.pos == 0);
        require(in.want <= in.len - in.pos + rest);
        require(in.want > in.len - in.pos || (in.want == 0 && *partial != NULL));
    } else {
        require(*partial == NULL);
    }
    *want = in.want;
    *read += in.pos;
    rdb_reader_done(&in);
    free(window);
    return code;
}

/* Through windows of STEP bytes, or as many as it asks for; DB NULL: past it. */
static inline int fuzz_value_load_through(unsigned rdb_type, struct slice bytes, struct db *db,
                                          const char *key, size_t step)
{
    void *partial = NULL;
    size_t read = 0, want = 0;
    int code;
    do {
        size_t left = bytes.len - read, len = want > step ? want : step;
        len = len < left ? len : left;
        code = fuzz_value_call(rdb_type, slice_of(bytes.ptr + read, len), left - len, db, key, &partial,
                               &want, &read);
    } while (code == MR_E_AGAIN);
    require(db == NULL || (fuzz_value_find(key) != NULL) == (code == 0));
    return code;
}

/* In one window, all that there is. */
static inline int fuzz_value_load(unsigned rdb_type, struct slice bytes, const char *key)
{
    return fuzz_value_load_through(rdb_type, bytes, keyspace_scratch(fuzz_value.ks), key, SIZE_MAX);
}

/* With the rest to come; a load that would go on is given up. */
static inline int fuzz_value_load_part(unsigned rdb_type, struct slice bytes, uint64_t rest, const char *key)
{
    void *partial = NULL;
    size_t read = 0, want;
    int code =
        fuzz_value_call(rdb_type, bytes, rest, keyspace_scratch(fuzz_value.ks), key, &partial, &want, &read);
    if (partial != NULL)
        fuzz_value.type->load_drop(fuzz_value.ks, partial);
    require((fuzz_value_find(key) != NULL) == (code == 0));
    return code;
}

/* Appends E's value to OUT; its RDB type. */
static inline unsigned fuzz_value_save(const struct entry *e, struct buf *out, bool compress)
{
    struct rdb_writer w = {.out = out, .compress = compress};
    fuzz_value.type->save(&w, fuzz_value.ks, e);
    require(w.code == 0);
    return fuzz_value.type->rdb_type(fuzz_value.ks, e);
}

/* Saves KEY's value and loads that as AGAIN. */
static inline void fuzz_value_again(const char *key, const char *again, bool compress)
{
    struct buf out = {0};
    unsigned rdb_type = fuzz_value_save(fuzz_value_find(key), &out, compress);
    require(fuzz_value_load(rdb_type, buf_slice(&out), again) == 0);
    buf_done(&out);
}
