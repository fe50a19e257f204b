/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading RDB files that are made here: every item, every version, items across the
 * window's end, files that are cut off or damaged at any byte, sizes that lie.
 */
#include "persist/rdb_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "persist/rdb_make.h"
#include "types/string/string.h"
#include "types/zset/zset.h"
#include "unit.h"

#define LATER 4102444800000

static struct keyspace *ks;
static struct object_types types;
static struct buf file, why;
static struct rdb_load_progress progress;

static void set_up(void)
{
    clock_update();
    ks = keyspace_new(4);
    types = (struct object_types){0};
    object_types_add(&types, &string_type);
    buf_init(&file);
    buf_init(&why);
}

static void tear_down(void)
{
    keyspace_free(ks);
    buf_done(&file);
    buf_done(&why);
}

static int run(struct rdb_load *l, int64_t us)
{
    int code;
    do {
        code = rdb_load_step(l, us, &why);
    } while (code == MR_E_AGAIN);
    rdb_load_progress(l, &progress);
    return code;
}

static int load_with(bool verify, int64_t us)
{
    char path[256];
    int code;
    rdb_make_file(&file, path, sizeof path);
    why.len = 0;
    struct rdb_load *l = rdb_load_open(ks, &types, path, verify, &code, &why);
    ck_assert_msg(l != NULL, "%s", buf_cstr(&why));
    code = run(l, us);
    rdb_load_close(l);
    unlink(path);
    return code;
}

static int load(void)
{
    return load_with(true, 1000);
}

static void load_well(void)
{
    int code = load();
    ck_assert_msg(code == 0, "%s", buf_cstr(&why));
}

/* The file is refused with CODE and a line that holds TEXT. */
static void refused(int code, const char *text)
{
    int got = load();
    ck_assert_msg(got == code, "%d, %s", got, buf_cstr(&why));
    ck_assert_msg(strstr(buf_cstr(&why), text) != NULL, "%s", buf_cstr(&why));
    ck_assert_ptr_null(strchr(buf_cstr(&why), '\n'));
}

static struct entry *find(unsigned index, struct slice key)
{
    return db_find(keyspace_db(ks, index), key, keyspace_hash(ks, key), 0);
}

static bool has(unsigned index, const char *key, const char *value)
{
    char scratch[NUMBER_TEXT_MAX];
    const struct entry *e = find(index, slice_str(key));
    return e != NULL && slice_equal(entry_string(keyspace_arena(ks), e, scratch), slice_str(value));
}

static void fresh(void)
{
    keyspace_free(ks);
    ks = keyspace_new(4);
}

static void make_aux(const char *name, const char *value)
{
    rdb_make_byte(&file, 250);
    rdb_make_string(&file, name, strlen(name));
    rdb_make_string(&file, value, strlen(value));
}

static void make_module_aux(void)
{
    rdb_make_byte(&file, 247);
    rdb_make_len(&file, 0x1234567890abcdef);
    rdb_make_bytes(&file, "\x02\x02", 2);
    rdb_make_bytes(&file, "\x01\x05\x02\x40\xff", 5);
    rdb_make_bytes(&file, "\x03xxxx\x04yyyyyyyy\x05\x03str", 19);
    rdb_make_byte(&file, 0);
}

/* One of everything; four keys in database 0, one expired, one in database 2. */
static void make_all(const char *magic)
{
    rdb_make_head(&file, magic);
    make_aux("redis-ver", "7.0.15");
    rdb_make_bytes(&file, "\xfa\x08used-mem\xc2\x00\x00\x10\x00", 15);
    make_aux("a field that nobody knows", "value");
    rdb_make_bytes(&file, "\xf5\x0a#!lua code", 12);
    make_module_aux();
    rdb_make_bytes(&file, "\xfe\x00\xfb\x04\x01\xf4\x01\x02\x03", 9);
    rdb_make_key(&file, "plain", "value");
    rdb_make_byte(&file, 252);
    rdb_make_u64(&file, LATER);
    rdb_make_bytes(&file, "\xf8\x40\x80", 3);
    rdb_make_bytes(&file, "\x00\x01i\xc1\x00\x80", 6);
    rdb_make_bytes(&file, "\xf9\x07", 2);
    rdb_make_bytes(&file, "\x00\xc0\x2a\xc3\x05\x0b\x00t\xe0\x01\x00", 11);
    rdb_make_bytes(&file, "\xfd\xff\xff\xff\x7f", 5);
    rdb_make_key(&file, "seconds", "1234567890123");
    rdb_make_byte(&file, 252);
    rdb_make_u64(&file, 1000);
    rdb_make_key(&file, "expired", "value");
    rdb_make_bytes(&file, "\xfe\x02", 2);
    rdb_make_key(&file, "plain", "other");
    rdb_make_end(&file);
}

START_TEST(one_of_everything)
{
    make_all("REDIS0010");
    load_well();
    ck_assert_uint_eq(db_size(keyspace_db(ks, 0)), 4);
    ck_assert_uint_eq(db_expires(keyspace_db(ks, 0)), 2);
    ck_assert(has(0, "plain", "value"));
    ck_assert(has(0, "i", "-32768"));
    ck_assert_int_eq(entry_encoding(find(0, slice_str("i"))), ENTRY_INT16);
    ck_assert_int_eq(entry_expiry(find(0, slice_str("i"))), LATER);
    ck_assert(has(0, "42", "ttttttttttt"));
    ck_assert(!entry_has_expiry(find(0, slice_str("42"))));
    ck_assert(has(0, "seconds", "1234567890123"));
    ck_assert_int_eq(entry_encoding(find(0, slice_str("seconds"))), ENTRY_INT64);
    ck_assert_int_eq(entry_expiry(find(0, slice_str("seconds"))), 2147483647000);
    ck_assert(has(2, "plain", "other"));
    ck_assert_uint_eq(db_size(keyspace_db(ks, 2)), 1);
    ck_assert_uint_eq(progress.keys, 5);
    ck_assert_uint_eq(progress.expired, 1);
    ck_assert_uint_eq(progress.functions, 1);
    ck_assert_uint_eq(progress.module_aux, 1);
    ck_assert_uint_eq(progress.used_mem, 1048576);
    ck_assert_str_eq(progress.writer, "redis 7.0.15");
    ck_assert_uint_eq(progress.bytes, file.len);
    ck_assert_uint_eq(progress.total, file.len);
}
END_TEST

START_TEST(all_versions)
{
    for (int version = 1; version <= RDB_LOAD_VERSION_MAX; version++) {
        char magic[24];
        snprintf(magic, sizeof magic, "REDIS%04d", version);
        make_all(magic);
        if (version < 5)
            file.len -= 8;
        fresh();
        load_well();
        ck_assert_uint_eq(progress.keys, 5);
    }
    make_all("VALKEY080");
    fresh();
    load_well();
    make_all("VALKEY081");
    fresh();
    load_well();
    ck_assert_uint_eq(progress.keys, 5);
}
END_TEST

START_TEST(versions_that_are_refused)
{
    make_all("REDIS0018");
    refused(MR_E_UNSUPPORTED, "REDIS version 18; 1 to 17 can be read");
    make_all("REDIS0000");
    refused(MR_E_UNSUPPORTED, "REDIS version 0");
    make_all("VALKEY079");
    refused(MR_E_UNSUPPORTED, "VALKEY version 79; 80 and 81");
    make_all("VALKEY082");
    refused(MR_E_UNSUPPORTED, "VALKEY version 82");
    make_all("REDIS00x0");
    refused(MR_E_CORRUPT, "no RDB file");
    make_all("redis0010");
    refused(MR_E_CORRUPT, "no RDB file");
    rdb_make_head(&file, "REDIS");
    refused(MR_E_TRUNCATED, "too short");
    rdb_make_head(&file, "");
    refused(MR_E_TRUNCATED, "empty");
    rdb_make_head(&file, "REDIS0009");
    refused(MR_E_TRUNCATED, "offset 9: the file ends without its end mark");
}
END_TEST

START_TEST(values_that_are_not_built)
{
    rdb_make_head(&file, "REDIS0011");
    rdb_make_key(&file, "first", "value");
    rdb_make_bytes(&file, "\x10\x04hash\x0bxxxxxxxxxxx", 18);
    refused(MR_E_UNSUPPORTED,
            "offset 28: key \"hash\" in database 0: the value is of type 16, hash (listpack), which");
    rdb_make_head(&file, "VALKEY080");
    rdb_make_bytes(&file, "\xfe\x01\x16\x01\n\x00", 6);
    refused(MR_E_UNSUPPORTED,
            "key \"\\n\" in database 1: the value is of type 22, hash (field expiry), which");
    rdb_make_head(&file, "REDIS0012");
    rdb_make_bytes(&file, "\x16\x01h\x00", 4);
    refused(MR_E_UNSUPPORTED, "type 22, hash (field expiry, pre-release), which");
    rdb_make_head(&file, "REDIS0012");
    rdb_make_bytes(&file, "\x63\x01h\x00", 4);
    refused(MR_E_UNSUPPORTED, "key \"h\" in database 0: the value's type, 99, is unknown");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\x02\x40\xc8", 3);
    for (int i = 0; i < 200; i++)
        rdb_make_byte(&file, 'k');
    refused(MR_E_UNSUPPORTED, "kkk\"... (200 bytes) in database 0: the value is of type 2, set, which");
}
END_TEST

/* Packed so well that its 49 MiB would be 4 GiB and more. */
START_TEST(a_string_that_is_too_long)
{
    const size_t packed = 49 << 20;
    rdb_make_head(&file, "REDIS0010");
    rdb_make_key(&file, "first", "value");
    size_t at = file.len + 3;
    rdb_make_bytes(&file, "\x00\x01k\xc3\x80\x03\x10\x00\x00\x81\x00\x00\x00\x01\x00\x00\x00\x00", 18);
    memset(buf_room(&file, packed), 0, packed);
    file.len += packed;
    rdb_make_end(&file);
    char text[160];
    snprintf(
        text, sizeof text,
        "offset %zu: key \"k\" in database 0: the value is of type 0, string, and has a string longer than",
        at);
    refused(MR_E_UNSUPPORTED, text);
}
END_TEST

START_TEST(opcodes_that_are_refused)
{
    static const struct {
        const char *magic;
        unsigned op;
        const char *text;
    } rows[] = {
        {"REDIS0010", 246, "opcode 246 (function of a pre-release)"},
        {"VALKEY080", 243, "opcode 243 (slot import)"},
        {"VALKEY081", 242, "opcode 242 (update)"},
        {"VALKEY080", 241, "opcode 241 (of no known meaning)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rdb_make_head(&file, rows[i].magic);
        rdb_make_byte(&file, rows[i].op);
        rdb_make_end(&file);
        refused(MR_E_UNSUPPORTED, rows[i].text);
    }
}
END_TEST

/* Of Redis's newer versions: what stands before a key. */
START_TEST(opcodes_that_are_passed_over)
{
    rdb_make_head(&file, "REDIS0015");
    rdb_make_bytes(&file,
                   "\xf2\x05\x02\x01"
                   "a"
                   "\x01"
                   "b",
                   7);
    rdb_make_bytes(&file, "\xfc\x00\xd8\xc3\x2c\xbb\x03\x00\x00", 9);
    rdb_make_bytes(&file,
                   "\xf1\xf3\x02"
                   "abcd\x05\x03str\x01\x40\x80\x00"
                   "efgh\x04yyyyyyyy\x00",
                   30);
    rdb_make_key(&file, "k", "value");
    rdb_make_bytes(&file, "\xf3\x00", 2);
    rdb_make_key(&file, "l", "value");
    rdb_make_end(&file);
    size_t whole = file.len;
    load_well();
    must(has(0, "k", "value") && has(0, "l", "value"));
    must(entry_expiry(find(0, slice_str("k"))) == LATER);
    must(progress.keys == 2 && progress.key_meta == 2 && progress.module_aux == 0);
    for (size_t len = 9; len < whole; len++) {
        fresh();
        file.len = len;
        must(load() == MR_E_TRUNCATED);
    }
}
END_TEST

START_TEST(faults_are_told_with_their_place)
{
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\xfe\x04", 2);
    rdb_make_end(&file);
    refused(MR_E_DB_INDEX, "offset 11: the file has keys in database 4, but there are 4 (option databases)");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_key(&file, "twice", "a");
    rdb_make_key(&file, "once", "a");
    rdb_make_key(&file, "twice", "b");
    rdb_make_end(&file);
    /* How much more was read before it was met depends on when the step ended. */
    refused(MR_E_CORRUPT, ": key \"twice\" in database 0 is there twice");
    fresh();
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\x00\x01k\xc4x", 5);
    refused(MR_E_CORRUPT, "offset 12: key \"k\" in database 0: the value, of type 0, string, is damaged");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\x00\x01k\x05xx", 6);
    refused(
        MR_E_TRUNCATED,
        "offset 12: key \"k\" in database 0: the value, of type 0, string, is cut off: the file ends at 15");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\x00\x81\x00\x00\x00\x40\x00\x00\x00\x00", 10);
    refused(MR_E_TRUNCATED, "offset 10: the name of a key is cut off");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\xf7\x01\x03", 3);
    rdb_make_end(&file);
    refused(MR_E_CORRUPT, "module data is damaged");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\xf7\x01\x02\x00\x06", 5);
    refused(MR_E_CORRUPT, "a module's data is damaged");
    make_all("REDIS0010");
    file.data[file.len - 1] ^= 1;
    refused(MR_E_CHECKSUM, "the file is damaged");
    fresh();
    ck_assert_int_eq(load_with(false, 1000), 0);
}
END_TEST

START_TEST(checksums_that_are_not_there)
{
    make_all("REDIS0010");
    memset(file.data + file.len - 8, 0, 8);
    load_well();
    fresh();
    make_all("REDIS0010");
    rdb_make_bytes(&file, "what follows is nobody's business", 33);
    load_well();
    ck_assert_uint_eq(progress.keys, 5);
    fresh();
    make_all("REDIS0004");
    load_well();
}
END_TEST

START_TEST(cut_off_anywhere)
{
    make_all("REDIS0010");
    size_t len = file.len;
    for (size_t cut = 0; cut < len; cut++) {
        make_all("REDIS0010");
        file.len = cut;
        fresh();
        int code = load();
        ck_assert_msg(code == MR_E_TRUNCATED, "at %zu: %d, %s", cut, code, buf_cstr(&why));
    }
}
END_TEST

START_TEST(damaged_anywhere)
{
    make_all("REDIS0010");
    size_t len = file.len;
    for (size_t at = 9; at < len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            make_all("REDIS0010");
            file.data[at] = (char)(file.data[at] ^ 1 << bit);
            fresh();
            int code = load();
            ck_assert_msg(code < 0 && why.len > 0, "byte %zu, bit %u: %d", at, bit, code);
        }
    }
}
END_TEST

START_TEST(no_step_without_progress)
{
    make_all("REDIS0010");
    ck_assert_int_eq(load_with(true, 0), 0);
    ck_assert_uint_eq(progress.keys, 5);
}
END_TEST

/* Pseudo-random values, told by key and length alone. */
static void make_value(struct buf *out, unsigned key, size_t len)
{
    struct random r;
    random_init_seed(&r, key);
    out->len = 0;
    for (size_t i = 0; i < len; i++)
        buf_append_byte(out, (char)random_next(&r));
}

static size_t length_of(unsigned key)
{
    switch (key % 500) {
    case 0:
        return 1200000 + key;
    case 1:
        return (1 << 20) - 30 + key % 60;
    case 2:
        return 3 << 20;
    default:
        return key % 7 * 300;
    }
}

START_TEST(items_across_the_window)
{
    struct buf value = {0};
    rdb_make_head(&file, "REDIS0010");
    for (unsigned i = 0; i < 2000; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%u", i);
        make_value(&value, i, length_of(i));
        rdb_make_byte(&file, 0);
        rdb_make_string(&file, key, strlen(key));
        rdb_make_string(&file, value.data, value.len);
    }
    rdb_make_end(&file);
    ck_assert_int_eq(load_with(true, 100), 0);
    ck_assert_uint_eq(progress.keys, 2000);
    for (unsigned i = 0; i < 2000; i++) {
        char key[16], scratch[NUMBER_TEXT_MAX];
        snprintf(key, sizeof key, "key-%u", i);
        make_value(&value, i, length_of(i));
        const struct entry *e = find(0, slice_str(key));
        must(e != NULL && slice_equal(entry_string(keyspace_arena(ks), e, scratch), buf_slice(&value)));
    }
    buf_done(&value);
}
END_TEST

START_TEST(long_keys_and_long_things_that_are_skipped)
{
    struct buf key = {0};
    make_value(&key, 1, 2500000);
    rdb_make_head(&file, "REDIS0010");
    rdb_make_byte(&file, 245);
    rdb_make_string(&file, key.data, key.len);
    rdb_make_byte(&file, 252);
    rdb_make_u64(&file, LATER);
    rdb_make_byte(&file, 0);
    rdb_make_string(&file, key.data, key.len);
    rdb_make_bytes(&file, "\xc0\x07", 2);
    rdb_make_byte(&file, 252);
    rdb_make_u64(&file, 5);
    rdb_make_byte(&file, 0);
    rdb_make_string(&file, key.data, key.len - 1);
    rdb_make_string(&file, key.data, key.len - 1);
    rdb_make_end(&file);
    load_well();
    ck_assert_uint_eq(progress.keys, 1);
    ck_assert_uint_eq(progress.expired, 1);
    const struct entry *e = find(0, buf_slice(&key));
    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(entry_expiry(e), LATER);
    ck_assert_uint_eq(db_size(keyspace_db(ks, 0)), 1);
    buf_done(&key);
}
END_TEST

START_TEST(hints_that_lie)
{
    rdb_make_head(&file, "REDIS0010");
    rdb_make_byte(&file, 251);
    rdb_make_len(&file, UINT64_MAX);
    rdb_make_len(&file, UINT64_MAX / 2);
    rdb_make_key(&file, "k", "v");
    rdb_make_end(&file);
    size_t before = keyspace_arena(ks)->held;
    load_well();
    ck_assert_uint_le(keyspace_arena(ks)->held - before, 200000);
    ck_assert(has(0, "k", "v"));
}
END_TEST

START_TEST(a_file_that_shrinks_meanwhile)
{
    char path[256];
    int code;
    rdb_make_head(&file, "REDIS0010");
    for (unsigned i = 0; i < 100000; i++) {
        char key[32];
        snprintf(key, sizeof key, "key:%u", i);
        rdb_make_key(&file, key, "a value of some thirty bytes...");
    }
    rdb_make_end(&file);
    rdb_make_file(&file, path, sizeof path);
    struct rdb_load *l = rdb_load_open(ks, &types, path, true, &code, &why);
    ck_assert_ptr_nonnull(l);
    ck_assert_int_eq(rdb_load_step(l, 0, &why), MR_E_AGAIN);
    ck_assert_int_eq(truncate(path, 100), 0);
    ck_assert_int_eq(run(l, 1000), MR_E_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "became shorter"));
    /* It stays a failure. */
    ck_assert_int_lt(rdb_load_step(l, 1000, &why), 0);
    rdb_load_close(l);
    unlink(path);
}
END_TEST

#define MANY 200000

/* A sorted set of MANY members between two strings; the offset of the one in the middle. */
static size_t make_many(void)
{
    size_t middle = 0;
    rdb_make_head(&file, "REDIS0010");
    rdb_make_key(&file, "before", "value");
    rdb_make_byte(&file, 5);
    rdb_make_string(&file, "many", 4);
    rdb_make_len(&file, MANY);
    for (unsigned n = 0; n < MANY; n++) {
        char text[24];
        double score = MANY - n;
        if (n == MANY / 2)
            middle = file.len;
        rdb_make_string(&file, text, (size_t)snprintf(text, sizeof text, "member:%u", n));
        rdb_make_bytes(&file, (const char *)&score, sizeof score);
    }
    rdb_make_key(&file, "behind", "value");
    rdb_make_end(&file);
    return middle;
}

static struct rdb_load *open_many(char *path, size_t room)
{
    int code;
    if (types.by_number[OBJECT_ZSET] == NULL)
        object_types_add(&types, &zset_type);
    keyspace_set_types(ks, &types);
    rdb_make_file(&file, path, room);
    why.len = 0;
    struct rdb_load *l = rdb_load_open(ks, &types, path, true, &code, &why);
    must(l != NULL);
    return l;
}

/* A collection is taken in parts: by a window much smaller than it, in steps that end. */
START_TEST(big_values_in_parts)
{
    char path[256];
    make_many();
    size_t size = file.len;
    struct rdb_load *l = open_many(path, sizeof path);
    unsigned steps = 0, before = 0;
    while (rdb_load_step(l, 0, &why) == MR_E_AGAIN) {
        steps++;
        before += has(0, "before", "value") && find(0, slice_str("many")) == NULL;
    }
    rdb_load_progress(l, &progress);
    rdb_load_close(l);
    unlink(path);
    must(progress.keys == 3 && has(0, "behind", "value"));
    must(size > (4U << 20) && progress.window <= 1 << 20);
    must(steps > size / (64U << 10) && before > steps - 10);
    must(zset_type.length(ks, find(0, slice_str("many"))) == MANY);
}
END_TEST

/* What was made of a value that does not end well is not there any more. */
START_TEST(big_values_that_end_badly)
{
    char path[256], offset[48];
    size_t middle = make_many();
    file.len = middle + 3;
    struct rdb_load *l = open_many(path, sizeof path);
    must(run(l, 0) == MR_E_TRUNCATED);
    must(strstr(buf_cstr(&why), "key \"many\" in database 0: the value, of type 5, zset, is cut off") !=
         NULL);
    snprintf(offset, sizeof offset, "offset %zu:", middle);
    must(strstr(buf_cstr(&why), offset) != NULL);
    must(find(0, slice_str("many")) == NULL && keyspace_arena(ks)->used < 100000);
    rdb_load_close(l);
    unlink(path);
    fresh();
    (void)make_many();
    memset(file.data + middle + 15, 0xff, 8); /* a score that is no number */
    l = open_many(path, sizeof path);
    must(run(l, 0) == MR_E_CORRUPT);
    must(strstr(buf_cstr(&why), "key \"many\" in database 0: the value, of type 5, zset, is damaged") !=
         NULL);
    must(strstr(buf_cstr(&why), "offset ") != NULL && keyspace_arena(ks)->used < 100000);
    rdb_load_close(l);
    unlink(path);
    /* Given up amid it. */
    fresh();
    (void)make_many();
    l = open_many(path, sizeof path);
    for (unsigned steps = 0; steps < 30; steps++)
        must(rdb_load_step(l, 0, &why) == MR_E_AGAIN);
    must(keyspace_arena(ks)->used > 500000);
    rdb_load_close(l);
    must(keyspace_arena(ks)->used < 100000);
    unlink(path);
}
END_TEST

START_TEST(what_is_no_file)
{
    int code;
    ck_assert_ptr_null(rdb_load_open(ks, &types, "/nowhere/dump.rdb", true, &code, &why));
    ck_assert_int_eq(code, -ENOENT);
    why.len = 0;
    ck_assert_ptr_null(rdb_load_open(ks, &types, "/", true, &code, &why));
    ck_assert_int_lt(code, 0);
    ck_assert_str_eq(buf_cstr(&why), "/: this is no regular file");
}
END_TEST

UNIT_SUITE(persist_rdb_load)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, one_of_everything);
    tcase_add_test(tc, all_versions);
    tcase_add_test(tc, versions_that_are_refused);
    tcase_add_test(tc, values_that_are_not_built);
    tcase_add_test(tc, a_string_that_is_too_long);
    tcase_add_test(tc, opcodes_that_are_refused);
    tcase_add_test(tc, opcodes_that_are_passed_over);
    tcase_add_test(tc, faults_are_told_with_their_place);
    tcase_add_test(tc, checksums_that_are_not_there);
    tcase_add_test(tc, cut_off_anywhere);
    tcase_add_test(tc, damaged_anywhere);
    tcase_add_test(tc, no_step_without_progress);
    tcase_add_test(tc, items_across_the_window);
    tcase_add_test(tc, long_keys_and_long_things_that_are_skipped);
    tcase_add_test(tc, hints_that_lie);
    tcase_add_test(tc, a_file_that_shrinks_meanwhile);
    tcase_add_test(tc, big_values_in_parts);
    tcase_add_test(tc, big_values_that_end_badly);
    tcase_add_test(tc, what_is_no_file);
}
