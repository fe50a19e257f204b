/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What single writes promise beyond their result: what stays in place, what costs nothing,
 * what becomes of access stamps and of big values. Results themselves are check_db_model.c's.
 */
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "fake_type.h"
#include "keyspace/background_private.h"
#include "keyspace/evict.h"
#include "keyspace/keyspace.h"
#include "unit.h"

#define START 1700000000000

static struct keyspace *ks;
static struct db *db;
static char scratch[NUMBER_TEXT_MAX];

static void set_up(void)
{
    clock_update();
    clock_freeze_ms(START);
    ks = keyspace_new(2);
    keyspace_set_types(ks, &fake_types);
    db = keyspace_db(ks, 0);
}

static void tear_down(void)
{
    keyspace_free(ks);
    clock_freeze_ms(0);
}

static uint64_t hash_of(const char *key)
{
    return keyspace_hash(ks, slice_str(key));
}

static struct entry *get(const char *key)
{
    return db_find(db, slice_str(key), hash_of(key), DB_NO_TOUCH);
}

static void set(const char *key, const char *value, int64_t expiry_ms)
{
    ck_assert_int_eq(db_set_string(db, slice_str(key), hash_of(key), slice_str(value), expiry_ms), 0);
}

static void store(const char *key, int64_t value)
{
    ck_assert_int_eq(db_store_integer(db, get(key), slice_str(key), hash_of(key), value), 0);
}

static char *edit(const char *key, size_t len)
{
    char *bytes = NULL;
    ck_assert_int_eq(db_edit_string(db, get(key), slice_str(key), hash_of(key), len, &bytes), 0);
    return bytes;
}

static void put_fake(const char *key, uint64_t count, int64_t expiry_ms)
{
    struct entry_value v;
    fake_make(ks, count, 1, &v);
    ck_assert_int_eq(db_put(db, slice_str(key), hash_of(key), OBJECT_LIST, &v, expiry_ms), 0);
}

START_TEST(integers_change_in_place)
{
    static const int64_t steps[] = {1, 127, 128, -40000, 32767, INT64_MAX, INT64_MIN, 0};
    static const int encodings[] = {ENTRY_INT8,  ENTRY_INT8,  ENTRY_INT16, ENTRY_INT32,
                                    ENTRY_INT16, ENTRY_INT64, ENTRY_INT64, ENTRY_INT8};
    /* Of this length of key, all of them share a class. */
    const char *key = "a key";
    store(key, 0);
    const struct entry *e = get(key);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int64_t value;
        store(key, steps[i]);
        ck_assert(entry_integer(get(key), &value));
        ck_assert_int_eq(value, steps[i]);
        ck_assert_int_eq(entry_encoding(get(key)), encodings[i]);
        if (encodings[i] < ENTRY_INT64)
            ck_assert_ptr_eq(get(key), e);
    }
    set(key, "5", START + 100);
    e = get(key);
    store(key, 6);
    ck_assert_ptr_eq(get(key), e);
    ck_assert_int_eq(entry_expiry(e), START + 100);
    ck_assert_uint_eq(db_expires(db), 1);
}
END_TEST

START_TEST(edited_strings_are_raw)
{
    set("key", "12", DB_EXPIRY_NONE);
    ck_assert_str_eq(entry_string_encoding(get("key")), "int");
    memcpy(edit("key", 3) + 2, "3", 1);
    ck_assert_str_eq(entry_string_encoding(get("key")), "raw");
    int64_t integer;
    ck_assert(!entry_integer(get("key"), &integer));
    ck_assert(slice_is(entry_string(keyspace_arena(ks), get("key"), scratch), "123"));
    set("key", "abc", DB_EXPIRY_NONE);
    ck_assert_str_eq(entry_string_encoding(get("key")), "embstr");
    edit("key", 3);
    ck_assert_str_eq(entry_string_encoding(get("key")), "raw");
    store("key", 7);
    ck_assert_str_eq(entry_string_encoding(get("key")), "int");
    /* A copy of it under another name is what it was. */
    struct entry *moved;
    edit("key", 2);
    ck_assert_int_eq(db_move(db, get("key"), db, slice_str("other"), hash_of("other"), &moved), 0);
    ck_assert_str_eq(entry_string_encoding(moved), "raw");
}
END_TEST

/* Byte by byte through every form: the value moves seldom, and has little room to spare. */
START_TEST(growing_by_single_bytes)
{
    unsigned moves = 0;
    const char *was = NULL;
    set("key", "", DB_EXPIRY_NONE);
    for (size_t len = 1; len <= (size_t)3 << 20; len++) {
        char *bytes = edit("key", len);
        if (bytes[len - 1] != 0)
            ck_abort_msg("a byte that nobody wrote, at %zu", len);
        bytes[len - 1] = (char)('a' + len % 26);
        if (len > ENTRY_INLINE_MAX) {
            moves += bytes != was;
            was = bytes;
        }
    }
    ck_assert_uint_lt(moves, 100);
    struct slice s = entry_string(keyspace_arena(ks), get("key"), scratch);
    ck_assert_uint_eq(s.len, (size_t)3 << 20);
    for (size_t at = 0; at < s.len; at++)
        if (s.ptr[at] != (char)('a' + (at + 1) % 26))
            ck_abort_msg("another byte at %zu", at);
    ck_assert_uint_lt(keyspace_arena(ks)->used, ((size_t)3 << 20) * 9 / 8 + 10000);
}
END_TEST

/* A sanitizer touches what it guards. */
#ifndef FAKE_ASAN
static size_t resident_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss;
}

START_TEST(zeros_cost_no_memory)
{
    size_t before = resident_kb();
    size_t len = (size_t)512 << 20;
    edit("new", len)[len - 1] = 1;
    memset(edit("grown", 2000), 'x', 2000);
    const char *bytes = edit("grown", len);
    ck_assert_int_eq(bytes[1999], 'x');
    ck_assert_int_eq(bytes[len / 2], 0);
    set("short", "abc", START + 1000);
    ck_assert_int_eq(edit("short", len)[2], 'c');
    ck_assert_int_eq(entry_expiry(get("short")), START + 1000);
    ck_assert_uint_lt(resident_kb() - before, 32 << 10);
    ck_assert_uint_gt(keyspace_arena(ks)->used, 3 * len);
}
END_TEST
#endif

START_TEST(stamps_go_with_their_entries)
{
    struct evict_options options = {.policy = EVICT_ALLKEYS_LFU, .lfu_log_factor = 10, .lfu_decay_time = 1};
    struct entry *moved;
    set("key", "value", DB_EXPIRY_NONE);
    evict_set_stamp(get("key"), evict_stamp(ks, 1000, -1));
    ck_assert_int_eq(evict_idle_s(ks, get("key")), 1000);
    db_set_expiry(db, get("key"), START + 1000);
    edit("key", 900);
    ck_assert_int_eq(evict_idle_s(ks, get("key")), 1000);
    ck_assert_int_eq(db_move(db, get("key"), keyspace_db(ks, 1), slice_str("key"), hash_of("key"), &moved),
                     0);
    ck_assert_int_eq(evict_idle_s(ks, moved), 1000);
    set("key", "value", DB_EXPIRY_NONE);
    evict_set_stamp(get("key"), evict_stamp(ks, 1000, -1));
    set("key", "other", DB_EXPIRY_NONE);
    ck_assert_int_eq(evict_idle_s(ks, get("key")), 0);

    evict_configure(ks, &options);
    set("key", "value", DB_EXPIRY_NONE);
    evict_set_stamp(get("key"), evict_stamp(ks, -1, 200));
    set("key", "equal", DB_EXPIRY_NONE);
    ck_assert_uint_ge(evict_freq(ks, get("key")), 200);
    set("key", "a value that has another size", START + 100);
    ck_assert_uint_ge(evict_freq(ks, get("key")), 200);
    store("key", 1);
    store("key", 2);
    ck_assert_uint_ge(evict_freq(ks, get("key")), 200);
    clock_freeze_ms(START + 100);
    set("key", "after its time", DB_EXPIRY_NONE);
    ck_assert_uint_lt(evict_freq(ks, get("key")), 200);
}
END_TEST

/* Frees the orphan that there is, and says in how many slices of 50. */
static unsigned free_in_slices(void)
{
    unsigned slices = 1;
    ck_assert(keyspace_is_freeing(ks));
    size_t used = keyspace_arena(ks)->used;
    while (keyspace_free_orphans(ks, 50)) {
        ck_assert_uint_le(used - keyspace_arena(ks)->used, 50 * sizeof(struct fake_node));
        used = keyspace_arena(ks)->used;
        slices++;
    }
    ck_assert(!keyspace_is_freeing(ks));
    return slices;
}

START_TEST(big_values_are_freed_in_slices)
{
    set("makes the table", "", START + 1000);
    set("makes all of the wheel", "", START + 3);
    ck_assert(!keyspace_expire(ks, START, 10));
    size_t used = keyspace_arena(ks)->used;
    put_fake("big", 10000, DB_EXPIRY_NONE);
    ck_assert(db_delete(db, slice_str("big"), hash_of("big")));
    ck_assert_ptr_null(get("big"));
    ck_assert_uint_gt(free_in_slices(), 200);
    ck_assert_uint_eq(keyspace_arena(ks)->used, used);

    put_fake("big", 10000, START + 5);
    clock_freeze_ms(START + 5);
    ck_assert_ptr_null(get("big"));
    ck_assert_uint_gt(free_in_slices(), 200);

    put_fake("big", 10000, DB_EXPIRY_NONE);
    set("big", "a text in its place", DB_EXPIRY_NONE);
    ck_assert_uint_gt(free_in_slices(), 200);

    put_fake("big", 10000, DB_EXPIRY_NONE);
    put_fake("other", 64, DB_EXPIRY_NONE);
    ck_assert_int_eq(db_move(db, get("other"), db, slice_str("big"), hash_of("big"), NULL), 0);
    ck_assert_uint_gt(free_in_slices(), 200);

    /* What is small goes at once. */
    ck_assert(db_delete(db, slice_str("big"), hash_of("big")));
    ck_assert(!keyspace_is_freeing(ks));
    ck_assert_uint_eq(keyspace_arena(ks)->used, used);
    put_fake("big", 10000, DB_EXPIRY_NONE);
    put_fake("bigger", 20000, DB_EXPIRY_NONE);
    db_flush(db);
    while (keyspace_background(ks, 100))
        continue;
    ck_assert_uint_eq(keyspace_arena(ks)->used, 0);
    put_fake("left for the end", 1000, DB_EXPIRY_NONE);
    ck_assert(db_delete(db, slice_str("left for the end"), hash_of("left for the end")));
}
END_TEST

START_TEST(memory_of_a_key)
{
    set("key", "0123456789", DB_EXPIRY_NONE);
    size_t table = 64;
    ck_assert_uint_eq(db_memory(db, get("key"), 0), arena_usable(4 + 1 + 3 + 1 + 10) + table);
    edit("key", 100000);
    ck_assert_uint_eq(db_memory(db, get("key"), 0), arena_usable(4 + 1 + 3 + 5) + 102400 + table);
    put_fake("key", 10, DB_EXPIRY_NONE);
    ck_assert_uint_eq(db_memory(db, get("key"), 0), 16 + 16 + 10 * 16 + table);
    set("another", "", DB_EXPIRY_NONE);
    ck_assert_uint_eq(db_memory(db, get("another"), 0), 16 + table / 2);
}
END_TEST

UNIT_SUITE(keyspace_db_write)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, integers_change_in_place);
    tcase_add_test(tc, edited_strings_are_raw);
    tcase_add_test(tc, growing_by_single_bytes);
#ifndef FAKE_ASAN
    tcase_add_test(tc, zeros_cost_no_memory);
#endif
    tcase_add_test(tc, stamps_go_with_their_entries);
    tcase_add_test(tc, big_values_are_freed_in_slices);
    tcase_add_test(tc, memory_of_a_key);
}
