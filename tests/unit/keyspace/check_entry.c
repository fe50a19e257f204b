/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entries as the keyspace makes them: the size classes that the budgets stand on, and
 * every form of key and value at the edges of its length.
 */
#include "keyspace/entry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "keyspace/keyspace.h"
#include "unit.h"

static struct keyspace *ks;
static struct db *db;

static void set_up(void)
{
    clock_update();
    ks = keyspace_new(1);
    db = keyspace_db(ks, 0);
}

static void tear_down(void)
{
    keyspace_free(ks);
}

static struct entry *set(struct slice key, struct slice value, int64_t expiry_ms)
{
    uint64_t hash = keyspace_hash(ks, key);
    ck_assert_int_eq(db_set_string(db, key, hash, value, expiry_ms), 0);
    struct entry *e = db_find(db, key, hash, 0);
    ck_assert_ptr_nonnull(e);
    return e;
}

static struct slice filled(size_t len, char c)
{
    static char bytes[2][200000];
    char *p = bytes[c == 'k'];
    ck_assert_uint_le(len, sizeof bytes[0]);
    memset(p, c, len);
    return slice_of(p, len);
}

START_TEST(sizes_stay_in_their_classes)
{
    int64_t later = clock_ms() + 1000000;
    struct entry *e = set(filled(16, 'k'), filled(32, 'v'), DB_EXPIRY_NONE);
    ck_assert_uint_eq(entry_size(e), 54);
    ck_assert_uint_eq(arena_usable(entry_size(e)), 56);
    e = set(filled(16, 'k'), filled(32, 'v'), later);
    ck_assert_uint_eq(entry_size(e), 72);
    ck_assert_uint_eq(arena_usable(entry_size(e)), 72);
    e = set(filled(16, 'k'), slice_str("-9223372036854775808"), DB_EXPIRY_NONE);
    ck_assert_uint_eq(arena_usable(entry_size(e)), 32);
}
END_TEST

START_TEST(lengths_at_every_edge)
{
    static const size_t keys[] = {0, 1, 7, 8, 253, 254, 255, 4095, 4096, 65535, 65536, 100000};
    static const size_t values[] = {0, 1, 253, 254, 255, 1023, 1024, 1025, 32768, 65536, 200000};
    char scratch[NUMBER_TEXT_MAX];
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            struct slice key = filled(keys[k], 'k');
            struct slice value = filled(values[v], 'v');
            struct entry *e = set(key, value, DB_EXPIRY_NONE);
            ck_assert(slice_equal(entry_key(e), key));
            ck_assert(slice_equal(entry_string(keyspace_arena(ks), e, scratch), value));
            ck_assert_int_eq(entry_expiry(e), -1);
            ck_assert_int_eq(entry_encoding(e), values[v] <= ENTRY_INLINE_MAX ? ENTRY_INLINE : ENTRY_POINTER);
            ck_assert_str_eq(entry_string_encoding(e), values[v] <= 44 ? "embstr" : "raw");
            ck_assert_uint_eq(entry_type(e), OBJECT_STRING);
        }
        ck_assert_uint_eq(db_size(db), k + 1);
    }
}
END_TEST

START_TEST(integers_and_what_only_looks_like_one)
{
    static const struct {
        const char *text;
        bool integer;
        int encoding;
    } rows[] = {
        {"0", true, ENTRY_INT8},
        {"-1", true, ENTRY_INT8},
        {"127", true, ENTRY_INT8},
        {"128", true, ENTRY_INT16},
        {"-128", true, ENTRY_INT8},
        {"-129", true, ENTRY_INT16},
        {"32767", true, ENTRY_INT16},
        {"32768", true, ENTRY_INT32},
        {"2147483647", true, ENTRY_INT32},
        {"-2147483649", true, ENTRY_INT64},
        {"9223372036854775807", true, ENTRY_INT64},
        {"-9223372036854775808", true, ENTRY_INT64},
        {"9223372036854775808", false, ENTRY_INLINE},
        {"-9223372036854775809", false, ENTRY_INLINE},
        {"", false, ENTRY_INLINE},
        {"-", false, ENTRY_INLINE},
        {"-0", false, ENTRY_INLINE},
        {"01", false, ENTRY_INLINE},
        {"+1", false, ENTRY_INLINE},
        {" 1", false, ENTRY_INLINE},
        {"1 ", false, ENTRY_INLINE},
        {"1a", false, ENTRY_INLINE},
        {"1a1", false, ENTRY_INLINE},
        {"123456789012345678901", false, ENTRY_INLINE},
    };
    char scratch[NUMBER_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice value = slice_str(rows[i].text);
        struct entry *e = set(slice_str("number"), value, DB_EXPIRY_NONE);
        int64_t integer;
        ck_assert_msg(entry_integer(e, &integer) == rows[i].integer, "%s", rows[i].text);
        ck_assert_int_eq(entry_encoding(e), rows[i].encoding);
        ck_assert_msg(slice_equal(entry_string(keyspace_arena(ks), e, scratch), value), "%s", rows[i].text);
        if (rows[i].integer) {
            ck_assert_int_eq(integer, strtoll(rows[i].text, NULL, 10));
            ck_assert_str_eq(entry_string_encoding(e), "int");
        }
    }
}
END_TEST

START_TEST(an_expiry_comes_and_goes_with_any_key)
{
    static const size_t keys[] = {0, 16, 300, 4095, 4096, 70000};
    char scratch[NUMBER_TEXT_MAX];
    int64_t later = clock_ms() + 100000;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        struct slice key = filled(keys[k], 'k');
        uint64_t hash = keyspace_hash(ks, key);
        struct entry *e = set(key, slice_str("value"), DB_EXPIRY_NONE);
        for (int round = 0; round < 3; round++) {
            db_set_expiry(db, e, later + round);
            e = db_find(db, key, hash, 0);
            ck_assert_int_eq(entry_expiry(e), later + round);
            ck_assert(slice_equal(entry_key(e), key));
            ck_assert(slice_equal(entry_string(keyspace_arena(ks), e, scratch), slice_str("value")));
            if (round == 1) {
                ck_assert(db_clear_expiry(db, e));
                e = db_find(db, key, hash, 0);
                ck_assert(!entry_has_expiry(e));
                ck_assert(!db_clear_expiry(db, e));
                ck_assert(slice_equal(entry_string(keyspace_arena(ks), e, scratch), slice_str("value")));
            }
        }
        ck_assert_uint_eq(db_expires(db), 1);
        ck_assert(db_delete(db, key, hash));
        ck_assert_uint_eq(db_expires(db), 0);
    }
}
END_TEST

UNIT_SUITE(keyspace_entry)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, sizes_stay_in_their_classes);
    tcase_add_test(tc, lengths_at_every_edge);
    tcase_add_test(tc, integers_and_what_only_looks_like_one);
    tcase_add_test(tc, an_expiry_comes_and_goes_with_any_key);
}
