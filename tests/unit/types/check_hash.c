/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashes against a model, an array of values by the number of their field: random changes while
 * the limits of the listpack go up and down, long values between short ones, with an expiry or
 * without. After each the answers are compared, now and then the whole hash, a copy, a dump that is loaded, its memory to
 * the byte, and a hash that was moved. Then what a load does with what is cut off or not right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/random.h"
#include "codec/rdb_writer.h"
#include "types/hash/hash_private.h"
#include "types/type_fixture.h"
#include "unit.h"

#define KEY    "key"
#define FIELDS 600
#define ROUNDS 40000
#define FAR_MS INT64_C(4102444800000)

static struct {
    struct keyspace *ks;
    struct db *db, *other;
    struct hash_options options;
    struct random random;
    struct slice key;
    char *model[FIELDS]; /* NULL: not there */
    int64_t times[FIELDS];
    unsigned timed; /* fields with an expiry */
    bool with_times;
    unsigned count;
} f;

static void set_up(void)
{
    memset(&f, 0, sizeof f);
    f.options = (struct hash_options){512, 64};
    type_set_up(2);
    type_fixture.types.options[OBJECT_HASH] = &f.options;
    object_types_add(&type_fixture.types, &hash_type);
    f.ks = type_fixture.ks;
    f.db = type_fixture.db;
    f.other = keyspace_db(f.ks, 1);
    for (unsigned i = 0; i < FIELDS; i++)
        f.times[i] = DB_EXPIRY_NONE;
    random_init_seed(&f.random, 11);
    f.key = slice_str(KEY);
}

static void tear_down(void)
{
    for (unsigned i = 0; i < FIELDS; i++)
        heap_free(f.model[i]);
    type_tear_down();
}

static struct hash_place place(void)
{
    return (struct hash_place){f.db, f.key, keyspace_hash(f.ks, f.key), &f.options};
}

static struct hash open_hash(void)
{
    struct hash h;
    hash_open(&h, f.ks, type_find(f.db, KEY));
    return h;
}

/* Some fields are integers, some long. */
static struct slice field_name(unsigned i, char *out)
{
    int len = i % 3 == 0 ? sprintf(out, "%d", (int)i * 1000 - 5000) : sprintf(out, "field:%u", i);
    if (i % 50 == 1)
        len += sprintf(out + len, "%0300u", i);
    return slice_of(out, (size_t)len);
}

static char *random_value(void)
{
    static const unsigned lengths[] = {0, 1, 5, 20, 63, 64, 65, 253, 254, 300};
    uint64_t kind = random_below(&f.random, 100);
    if (kind < 30)
        return heap_printf("%lld", (long long)random_next(&f.random) >> random_below(&f.random, 64));
    size_t len = kind == 99 ? 70000 : lengths[random_below(&f.random, kind < 90 ? 5 : 10)];
    char *value = heap_alloc(len + 1);
    memset(value, 'a' + (int)random_below(&f.random, 26), len);
    value[len] = '\0';
    return value;
}

/* --- comparing --- */

static void check_field(const struct hash *h, unsigned i)
{
    char name[400], scratch[NUMBER_TEXT_MAX];
    struct listpack_value value;
    bool found = hash_get(h, field_name(i, name), &value);
    ck_assert_int_eq(found, f.model[i] != NULL);
    ck_assert_int_eq(hash_time(h, field_name(i, name)), found ? f.times[i] : HASH_NO_FIELD);
    if (found)
        ck_assert(slice_equal(listpack_text(&value, scratch), slice_str(f.model[i])));
}

static bool count_one(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    (void)field, (void)value;
    ++*(unsigned *)arg;
    return true;
}

static void check_all(const struct entry *e)
{
    struct hash h;
    unsigned count = 0;
    hash_open(&h, f.ks, e);
    ck_assert_uint_eq(hash_length(&h), f.count);
    for (unsigned i = 0; i < FIELDS; i++)
        check_field(&h, i);
    hash_each(&h, count_one, &count);
    ck_assert_uint_eq(count, f.count);
    ck_assert_uint_eq(hash_seen(&h), f.count);
    ck_assert_uint_eq(h.table != NULL ? expiring_count(f.ks, &h.table->expiring) : 0, f.timed);
    if (h.packed != NULL) {
        ck_assert_uint_le(listpack_bytes(h.packed), entry_packed(keyspace_arena(f.ks), e).len);
        ck_assert_int_eq(hash_packed_check(f.ks, h.packed), 0);
    }
}

static void check_copy(void)
{
    struct entry_value v;
    ck_assert_int_eq(hash_type.copy(f.ks, type_find(f.db, KEY), &v), 0);
    type_put(f.other, "copy", OBJECT_HASH, &v);
    check_all(type_find(f.other, "copy"));
    ck_assert(type_delete(f.other, "copy"));
}

static struct type_load loading(unsigned type)
{
    return (struct type_load){.type = &hash_type, .rdb_type = type, .db = f.other, .key = "loaded"};
}

static int load(unsigned type, struct slice bytes, uint64_t left, size_t *read)
{
    struct type_load l = loading(type);
    int code = type_load(&l, bytes, left);
    *read = l.read;
    return code;
}

/* The same with no more bytes at a time than are asked for. */
static void load_in_parts(unsigned type, struct slice bytes)
{
    struct type_load l = loading(type);
    ck_assert_int_eq(type_load_through(&l, bytes), 0);
}

static void drop_loaded(void)
{
    ck_assert(type_delete(f.other, "loaded"));
}

static void check_dump(void)
{
    struct buf out = {0};
    size_t read;
    unsigned type = type_save(&hash_type, type_find(f.db, KEY), &out, true);
    ck_assert_int_eq(load(type, buf_slice(&out), 0, &read), 0);
    ck_assert_uint_eq(read, out.len);
    check_all(type_find(f.other, "loaded"));
    drop_loaded();
    load_in_parts(type, buf_slice(&out));
    check_all(type_find(f.other, "loaded"));
    drop_loaded();
    buf_done(&out);
}

/* What the type says it takes is what comes back when it is freed, slice by slice. */
static void check_memory(void)
{
    struct entry_value v;
    struct arena *a = keyspace_arena(f.ks);
    size_t before = a->used;
    if (entry_is_packed(type_find(f.db, KEY)))
        return;
    ck_assert_int_eq(hash_type.copy(f.ks, type_find(f.db, KEY), &v), 0);
    size_t takes = a->used - before;
    type_put(f.other, "copy", OBJECT_HASH, &v);
    struct entry *e = type_find(f.other, "copy");
    ck_assert_uint_eq(hash_type.memory(f.ks, e, 5), takes);
    /* Fields behind the change of one have sizes of their own. */
    uint64_t budget = 1, slices = 1;
    before = a->used;
    for (; !hash_type.free_some(f.ks, e, &budget); slices++, budget = 1)
        ck_assert_uint_eq(budget, 0);
    ck_assert_uint_eq(before - a->used, takes);
    ck_assert(f.count < 100 || slices > f.count / 40);
    db_flush(f.other);
    /* The entry is left with a root that is none: it is made one again to be freed with it. */
    arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(a, hash_table_new(a)));
    type_free_all();
}

static void check_moved(void)
{
    struct arena *a = keyspace_arena(f.ks);
    struct entry *e = type_find(f.db, KEY);
    if (entry_is_packed(e))
        return;
    arena_evacuate_begin(a, 0);
    uint64_t cursor = 0, budget = 20, slices = 1;
    size_t moved = 0;
    for (; !hash_type.relocate(f.ks, e, &cursor, &budget, &moved); slices++, budget = 20)
        ck_assert_uint_eq(budget, 0);
    ck_assert(f.count < 100 || slices > f.count / 80);
    arena_evacuate_end(a);
    check_all(e);
}

/* --- changing --- */

static void note_time(unsigned i, int64_t time_ms)
{
    f.timed += (time_ms != DB_EXPIRY_NONE) - (f.times[i] != DB_EXPIRY_NONE);
    f.times[i] = time_ms;
}

static int64_t random_time(void)
{
    return FAR_MS +
           (int64_t)random_below(&f.random, random_below(&f.random, 2) == 0 ? 20 : UINT64_C(1) << 40);
}

/* What hash_set is told; in half of the rounds no field has an expiry. */
static int64_t random_setting(void)
{
    if (!f.with_times)
        return DB_EXPIRY_NONE;
    uint64_t kind = random_below(&f.random, 10);
    return kind < 4 ? DB_EXPIRY_NONE : kind < 7 ? DB_EXPIRY_KEEP : random_time();
}

static void set_some(void)
{
    char names[8][400];
    struct slice pairs[16];
    struct hash h = open_hash();
    struct hash_place p = place();
    uint32_t count = random_below(&f.random, 4) == 0 ? 1 + (uint32_t)random_below(&f.random, 8) : 1;
    int64_t added = 0, time_ms = random_setting();
    for (uint32_t k = 0; k < count; k++) {
        unsigned i = (unsigned)random_below(&f.random, FIELDS);
        for (uint32_t j = 0; j < k; j++)
            while (slice_equal(pairs[2 * (size_t)j], field_name(i, names[k])))
                i = (i + 1) % FIELDS, j = 0;
        pairs[2 * (size_t)k] = field_name(i, names[k]);
        added += f.model[i] == NULL;
        f.count += f.model[i] == NULL;
        if (f.model[i] == NULL || time_ms != DB_EXPIRY_KEEP)
            note_time(i, time_ms == DB_EXPIRY_KEEP ? DB_EXPIRY_NONE : time_ms);
        heap_free(f.model[i]);
        f.model[i] = random_value();
        pairs[2 * (size_t)k + 1] = slice_str(f.model[i]);
    }
    ck_assert_int_eq(hash_set(&h, &p, pairs, count, time_ms), added);
}

static bool is_another(const void *arg, int64_t was_ms)
{
    return was_ms != *(const int64_t *)arg;
}

static void time_some(void)
{
    char names[4][400];
    struct slice fields[4];
    unsigned numbers[4];
    int64_t results[4];
    struct hash h = open_hash();
    struct hash_place p = place();
    uint32_t count = 1 + (uint32_t)random_below(&f.random, 4), changed, expected = 0;
    int64_t time_ms = random_below(&f.random, 2) == 0 ? DB_EXPIRY_NONE : random_time();
    if (h.e == NULL)
        return;
    for (uint32_t k = 0; k < count; k++) {
        numbers[k] = (unsigned)random_below(&f.random, FIELDS);
        fields[k] = field_name(numbers[k], names[k]);
    }
    ck_assert_int_eq(hash_set_times(&h, &p, fields, count, time_ms, is_another, &time_ms, results, &changed),
                     0);
    for (uint32_t k = 0; k < count; k++) {
        unsigned i = numbers[k];
        if (f.model[i] == NULL) {
            ck_assert_int_eq(results[k], HASH_NO_FIELD);
        } else if (f.times[i] == time_ms) {
            ck_assert_int_eq(results[k], INT64_MIN);
        } else {
            ck_assert_int_eq(results[k], f.times[i]);
            note_time(i, time_ms);
            expected++;
        }
    }
    ck_assert_uint_eq(changed, expected);
}

static void delete_some(void)
{
    char names[4][400];
    struct slice fields[4];
    struct hash h = open_hash();
    struct hash_place p = place();
    uint32_t count = 1 + (uint32_t)random_below(&f.random, 4), expected = 0;
    for (uint32_t k = 0; k < count; k++) {
        unsigned i = (unsigned)random_below(&f.random, FIELDS);
        fields[k] = field_name(i, names[k]);
        expected += f.model[i] != NULL;
        f.count -= f.model[i] != NULL;
        note_time(i, DB_EXPIRY_NONE);
        heap_free(f.model[i]);
        f.model[i] = NULL;
    }
    bool empty;
    ck_assert_uint_eq(hash_delete(&h, &p, fields, count, &empty), expected);
    ck_assert_int_eq(empty, expected != 0 && f.count == 0);
    ck_assert_int_eq(type_find(f.db, KEY) != NULL, f.count != 0);
}

static void delete_all(void)
{
    for (unsigned i = 0; i < FIELDS; i++) {
        heap_free(f.model[i]);
        f.model[i] = NULL;
        note_time(i, DB_EXPIRY_NONE);
    }
    f.count = 0;
    ck_assert_int_eq(db_delete(f.db, f.key, keyspace_hash(f.ks, f.key)), 1);
    type_free_all();
}

START_TEST(against_a_model)
{
    static const int64_t entries[] = {512, 512, 16, 128, 0};
    size_t used = keyspace_arena(f.ks)->used;
    unsigned packed = 0, tables = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round % 4000 == 0) {
            f.options.max_listpack_entries = entries[round / 4000 % 5];
            f.options.max_listpack_value = round / 4000 % 2 == 0 ? 100000 : 64;
        }
        if (round % 2000 == 1999 && f.count != 0)
            delete_all();
        if (round % 2000 == 1999)
            f.with_times = round / 2000 % 2 == 0;
        if (f.with_times && round % 3 == 0)
            time_some();
        /* A time of growth, then one of shrinking. */
        if (random_below(&f.random, 100) < (round % 2000 < 1200 ? 70 : 25))
            set_some();
        else
            delete_some();
        struct hash h = open_hash();
        check_field(&h, (unsigned)random_below(&f.random, FIELDS));
        packed += h.packed != NULL;
        tables += h.table != NULL;
        if (round % 97 != 0 || f.count == 0)
            continue;
        check_all(h.e);
        check_copy();
        check_dump();
        check_memory();
        check_moved();
    }
    ck_assert_uint_gt(packed, ROUNDS / 10);
    ck_assert_uint_gt(tables, ROUNDS / 10);
    if (f.count != 0)
        delete_all();
    /* What stays are the tables of the databases. */
    ck_assert_uint_le(keyspace_arena(f.ks)->used, used + 4096);
}
END_TEST

/* --- loading --- */

#define LOAD(TYPE, BYTES) load(TYPE, slice_of(BYTES, sizeof(BYTES) - 1), 0, &(size_t){0})

static void check_loaded(unsigned type, const char *bytes, size_t len, bool packed)
{
    size_t read;
    struct hash h;
    struct listpack_value value;
    ck_assert_int_eq(load(type, slice_of(bytes, len), 0, &read), 0);
    ck_assert_uint_eq(read, len);
    struct entry *e = type_find(f.other, "loaded");
    ck_assert_int_eq(entry_is_packed(e), packed);
    hash_open(&h, f.ks, e);
    ck_assert_uint_eq(hash_length(&h), 2);
    char scratch[NUMBER_TEXT_MAX];
    ck_assert(hash_get(&h, slice_str("a"), &value));
    ck_assert(slice_equal(listpack_text(&value, scratch), slice_str("1")));
    ck_assert(hash_get(&h, slice_str("7"), &value));
    ck_assert(slice_equal(listpack_text(&value, scratch), slice_str("xyz")));
    drop_loaded();
    load_in_parts(type, slice_of(bytes, len));
    drop_loaded();
    /* Cut off anywhere, with the rest to come or without. */
    for (size_t have = 0; have < len; have++) {
        ck_assert_int_eq(load(type, slice_of(bytes, have), len - have, &read), MR_E_AGAIN);
        ck_assert_int_eq(load(type, slice_of(bytes, have), 0, &read), MR_E_TRUNCATED);
        ck_assert_ptr_null(type_find(f.other, "loaded"));
    }
}

#define LISTPACK                                                                                             \
    "\x13\0\0\0\x04\0\x81"                                                                                   \
    "a\x02\x01\x01\x07\x01\x83xyz\x04\xff"
#define TRIPLES                                                                                              \
    "\x17\0\0\0\x06\0\x81"                                                                                   \
    "a\x02\x01\x01\0\x01\x07\x01\x83xyz\x04\0\x01\xff"
#define ZIPLIST                                                                                              \
    "\x17\0\0\0\x11\0\0\0\x04\0\0\x01"                                                                       \
    "a\x03\xf2\x02\xf8\x02\x03xyz\xff"
#define ZIPMAP                                                                                               \
    "\x02\x01"                                                                                               \
    "a\x01\x00"                                                                                              \
    "1\x01"                                                                                                  \
    "7\x03\x02xyz\0\0\xff"
#define NO_TIME "\0\0\0\0\0\0\0\0"
#define NEVER   "\xff\xff\xff\xff\xff\xff\xff\xff"
#define LEN(S)  S, sizeof(S) - 1

START_TEST(every_rdb_type)
{
    static const struct {
        unsigned type;
        const char *bytes;
        size_t len;
        bool by_length; /* a value that is too long makes it a table */
    } rows[] = {
        {4,
         LEN("\x02\x01"
             "a\xc0\x01\xc0\x07\x03xyz"),
         true},
        {9, LEN("\x10" ZIPMAP), true},
        {13, LEN("\x17" ZIPLIST), false},
        {16, LEN("\x13" LISTPACK), false},
        {22,
         LEN("\x02\0\x01"
             "a\xc0\x01\0\x01"
             "7\x03xyz"),
         true},
        {23, LEN("\x17" TRIPLES), false},
        {24,
         LEN(NO_TIME "\x02\0\x01"
                     "a\xc0\x01\0\x01"
                     "7\x03xyz"),
         true},
        {25, LEN(NO_TIME "\x17" TRIPLES), false},
        {22 + RDB_TYPE_OF_VALKEY,
         LEN("\x02\x01"
             "a\x01"
             "1" NEVER "\x01"
             "7\x03xyz" NEVER),
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        f.options = (struct hash_options){2, 3};
        check_loaded(rows[i].type, rows[i].bytes, rows[i].len, true);
        f.options.max_listpack_value = 2;
        check_loaded(rows[i].type, rows[i].bytes, rows[i].len, !rows[i].by_length);
        f.options = (struct hash_options){1, 3};
        check_loaded(rows[i].type, rows[i].bytes, rows[i].len, false);
    }
}
END_TEST

static void check_times(unsigned type, const char *bytes, size_t len)
{
    struct hash h;
    load_in_parts(type, slice_of(bytes, len));
    hash_open(&h, f.ks, type_find(f.other, "loaded"));
    ck_assert_ptr_nonnull(h.table);
    ck_assert_uint_eq(expiring_count(f.ks, &h.table->expiring), 2);
    ck_assert_int_eq(hash_time(&h, slice_str("a")), FAR_MS);
    ck_assert_int_eq(hash_time(&h, slice_str("b")), DB_EXPIRY_NONE);
    ck_assert_int_eq(hash_time(&h, slice_str("c")), FAR_MS + 500);
    drop_loaded();
}

START_TEST(times_in_every_rdb_type)
{
    /* | least | 3 | time, name, value | .. */
    static const char redis[] = "\x00\xd8\xc3\x2c\xbb\x03\x00\x00\x03\x01\x01"
                                "a\xc0\x01\x00\x01"
                                "b\xc0\x02\x41\xf5\x01"
                                "c\xc0\x03";
    static const char valkey[] = "\x03\x01"
                                 "a\xc0\x01\x00\xd8\xc3\x2c\xbb\x03\x00\x00\x01"
                                 "b\xc0\x02\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                 "c\xc0\x03\xf4\xd9\xc3\x2c\xbb\x03\x00\x00";
    static const char before[] = "\x03\x81\x00\x00\x03\xbb\x2c\xc3\xd8\x00\x01"
                                 "a\xc0\x01\x00\x01"
                                 "b\xc0\x02\x81\x00\x00\x03\xbb\x2c\xc3\xd9\xf4\x01"
                                 "c\xc0\x03";
    check_times(24, LEN(redis));
    check_times(22 + RDB_TYPE_OF_VALKEY, LEN(valkey));
    check_times(22, LEN(before));
}
END_TEST

START_TEST(what_is_refused)
{
    ck_assert_int_eq(LOAD(4, "\0"), MR_E_NO_KEY);
    ck_assert_int_eq(LOAD(16, "\x07\x07\0\0\0\0\0\xff"), MR_E_NO_KEY);
    ck_assert_int_eq(LOAD(13, "\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff"), MR_E_NO_KEY);
    ck_assert_int_eq(LOAD(9, "\x02\0\xff"), MR_E_NO_KEY);
    /* A field that comes twice, also as a number and as its text. */
    ck_assert_int_eq(LOAD(4, "\x02\x01"
                             "7\x01x\xc0\x07\x01y"),
                     MR_E_CORRUPT);
    f.options.max_listpack_entries = 0;
    ck_assert_int_eq(LOAD(4, "\x02\x01"
                             "7\x01x\xc0\x07\x01y"),
                     MR_E_CORRUPT);
    ck_assert_int_eq(LOAD(16, "\x0f\x0f\0\0\0\x04\0\x07\x01\x01\x01\x07\x01\x02\x01\xff"), MR_E_CORRUPT);
    f.options.max_listpack_entries = 512;
    ck_assert_int_eq(LOAD(16, "\x0f\x0f\0\0\0\x04\0\x07\x01\x01\x01\x07\x01\x02\x01\xff"), MR_E_CORRUPT);
    ck_assert_int_eq(LOAD(16, "\x10\x10\0\0\0\x04\0\x07\x01\x01\x01\x81"
                              "7\x02\x02\x01\xff"),
                     MR_E_CORRUPT);
    /* An odd number of entries. */
    ck_assert_int_eq(LOAD(16, "\x09\x09\0\0\0\x01\0\x07\x01\xff"), MR_E_CORRUPT);
    ck_assert_int_eq(LOAD(23, "\x0b\x0b\0\0\0\x02\0\x07\x01\x07\x01\xff"), MR_E_CORRUPT);
    /* A time that is no number, or less than none, or later than any. */
    ck_assert_int_eq(LOAD(23, "\x0e\x0e\0\0\0\x03\0\x07\x01\x07\x01\x81x\x02\xff"), MR_E_CORRUPT);
    ck_assert_int_eq(LOAD(23, "\x0e\x0e\0\0\0\x03\0\x07\x01\x07\x01\xdf\xff\x02\xff"), MR_E_CORRUPT);
    ck_assert_int_eq(LOAD(22, "\x01\x81\x80\0\0\0\0\0\0\0\x01"
                              "a\x01"
                              "b"),
                     MR_E_CORRUPT);
    ck_assert_int_eq(LOAD(24, "\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x02\x01"
                              "a\x01"
                              "b"),
                     MR_E_CORRUPT);
    ck_assert_int_eq(LOAD(24, "\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x01"
                              "a\x01"
                              "b"),
                     MR_E_CORRUPT);
    /* A count that lies. */
    ck_assert_int_eq(LOAD(4, "\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                             "a\x01"
                             "b"),
                     MR_E_TRUNCATED);
    ck_assert_uint_eq(db_size(f.other), 0);
}
END_TEST

/* --- fields that are due --- */

static bool never_called(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    (void)arg, (void)field, (void)value;
    ck_abort();
}

/* In a database where nobody deletes them, they are not there, and what is written takes their
 * place. */
START_TEST(what_is_hidden)
{
    struct slice pairs[] = {slice_str("a"), slice_str("1"), slice_str("b"), slice_str("2")};
    struct hash h = open_hash();
    struct hash_place p = place();
    struct listpack_value value;
    bool empty;
    clock_freeze_ms(FAR_MS);
    ck_assert_int_eq(hash_set(&h, &p, pairs, 2, FAR_MS + 10), 2);
    keyspace_set_expiry_mode(f.ks, KEYSPACE_HIDE);
    clock_freeze_ms(FAR_MS + 10);
    h = open_hash();
    ck_assert_uint_eq(hash_length(&h), 2);
    ck_assert_uint_eq(hash_seen(&h), 0);
    ck_assert(!hash_get(&h, pairs[0], &value));
    ck_assert_int_eq(hash_time(&h, pairs[0]), HASH_NO_FIELD);
    hash_each(&h, never_called, NULL);
    ck_assert_uint_eq(hash_delete(&h, &p, pairs, 1, &empty), 0);
    ck_assert(!empty);
    char scratch[NUMBER_TEXT_MAX];
    ck_assert(!hash_type.field(f.ks, h.e, pairs[0], scratch, &pairs[3]));
    /* A new one, which does not inherit the time. */
    ck_assert_int_eq(hash_set(&h, &p, pairs, 1, DB_EXPIRY_KEEP), 1);
    h = open_hash();
    ck_assert_uint_eq(hash_seen(&h), 1);
    ck_assert_int_eq(hash_time(&h, pairs[0]), DB_EXPIRY_NONE);
    /* Saved, copied and shown it is as it was. */
    struct buf out = {0};
    ck_assert_uint_eq(type_save(&hash_type, h.e, &out, true), 24);
    ck_assert_uint_eq((unsigned char)out.data[8], 2);
    buf_done(&out);
    keyspace_set_expiry_mode(f.ks, KEYSPACE_SHOW);
    ck_assert_uint_eq(hash_seen(&h), 2);
    ck_assert_int_eq(hash_time(&h, pairs[2]), FAR_MS + 10);
    keyspace_set_expiry_mode(f.ks, KEYSPACE_EXPIRE);
    ck_assert(!keyspace_expire(f.ks, clock_ms(), 100));
    h = open_hash();
    ck_assert_uint_eq(hash_length(&h), 1);
    ck_assert_uint_eq(hash_type.rdb_type(f.ks, h.e), 4);
    clock_freeze_ms(0);
}
END_TEST

UNIT_SUITE(types_hash)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, against_a_model);
    tcase_add_test(tc, every_rdb_type);
    tcase_add_test(tc, times_in_every_rdb_type);
    tcase_add_test(tc, what_is_hidden);
    tcase_add_test(tc, what_is_refused);
}
