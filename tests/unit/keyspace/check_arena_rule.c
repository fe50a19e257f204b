/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena rule: memory in the arena holds no pointer out of it. A keyspace with every kind of
 * key, value, expiry and table is made, and then every aligned word of the arena's memory, in
 * use or free, is compared with the address ranges that the process has mapped elsewhere: code,
 * constants, heap, stacks, libraries. Keys and values are text, so that none looks like one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fake_type.h"
#include "keyspace/evict.h"
#include "keyspace/keyspace.h"
#include "unit.h"

#define START      1700000000000
#define RANGES_MAX 4096
/* Below is the address sanitizer's shadow of all that is above. */
#ifdef FAKE_ASAN
#define SHADOW_END 0x10007fff8000
#else
#define SHADOW_END 0
#endif

struct range {
    uint64_t begin, end;
};

static struct keyspace *ks;
static struct range inside[RANGES_MAX], outside[RANGES_MAX];
static size_t inside_count, outside_count;
static uint64_t words;

static void add_range(struct range *ranges, size_t *count, uint64_t begin, uint64_t end)
{
    if (begin >= end)
        return;
    must(*count < RANGES_MAX);
    ranges[(*count)++] = (struct range){begin, end};
}

/* What is mapped readable, in and out of the arena. The kernel tells it in order. */
static void read_maps(void)
{
    const struct arena *a = keyspace_arena(ks);
    uint64_t base = (uintptr_t)a->base, top = base + a->reserved;
    FILE *maps = fopen("/proc/self/maps", "r");
    must(maps != NULL);
    char line[4500];
    inside_count = outside_count = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        uint64_t begin, end;
        char mode[5];
        must(sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &begin, &end, mode) == 3);
        /* Beyond is what the kernel shows of itself. */
        if (mode[0] != 'r' || begin >= (uint64_t)INT64_MAX || end <= SHADOW_END)
            continue;
        add_range(outside, &outside_count, begin, end < base ? end : base);
        add_range(outside, &outside_count, begin > top ? begin : top, end);
        add_range(inside, &inside_count, begin > base ? begin : base, end < top ? end : top);
    }
    fclose(maps);
    must(inside_count != 0 && outside_count != 0);
}

static bool is_outside(uint64_t word)
{
    size_t low = 0, high = outside_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (outside[middle].end <= word)
            low = middle + 1;
        else
            high = middle;
    }
    return low < outside_count && outside[low].begin <= word;
}

/* Words of the arena that look like addresses outside. What is free there is read too. */
__attribute__((no_sanitize("address"))) static unsigned outside_words(void)
{
    unsigned found = 0;
    read_maps();
    words = 0;
    for (size_t i = 0; i < inside_count; i++) {
        const uint64_t *p = (const uint64_t *)(uintptr_t)inside[i].begin;
        const uint64_t *end = (const uint64_t *)(uintptr_t)inside[i].end;
        words += (uint64_t)(end - p);
        for (; p < end; p++)
            found += is_outside(*p);
    }
    return found;
}

/* --- filling --- */

static struct slice key_of(unsigned i)
{
    static char text[9000];
    static const unsigned lengths[] = {8, 12, 16, 23, 40, 250, 260, 4090, 4100, 8500};
    memset(text, 'k', sizeof text);
    int len = snprintf(text, sizeof text, "%07u", i);
    text[len] = 'k';
    /* The long ones are many bytes and show little. */
    return slice_of(text, lengths[i % 64 == 0 ? i / 64 % 10 : i % 5]);
}

static int64_t expiry_of(unsigned i)
{
    switch (i % 8) {
    case 0:
        return START + i % 500;
    case 1:
        return START + (int64_t)i * 1000;
    case 2:
        return INT64_MAX - i;
    default:
        return DB_EXPIRY_NONE;
    }
}

static void fill_one(struct db *db, unsigned i)
{
    static char text[100000];
    struct slice key = key_of(i);
    uint64_t hash = keyspace_hash(ks, key);
    struct entry_value v;
    char *bytes;
    memset(text, 'a' + i % 26, sizeof text);
    static const size_t lengths[] = {0, 1, 7, 32, 100, 253, 254, 1024};
    size_t len = i % 512 == 3 ? 20000 : i % 64 == 5 ? 1025 + i % 5000 : lengths[i % 8];
    switch (i % 12) {
    case 11:
        must(db_edit_packed(db, NULL, key, hash, OBJECT_LIST, len, &bytes) == 0);
        memset(bytes, 'p', len);
        break;
    case 0:
        must(db_store_integer(db, NULL, key, hash, (int64_t)i * (i % 2 ? 1 : -1)) == 0);
        break;
    case 1:
        must(db_edit_string(db, NULL, key, hash, len, &bytes) == 0);
        memset(bytes, 'e', len);
        break;
    case 2:
        fake_make(ks, i % 100, 0x7461672074616720, &v);
        must(db_put(db, key, hash, OBJECT_LIST, &v, expiry_of(i)) == 0);
        break;
    case 3:
        must(db_set_string(keyspace_scratch(ks), key, hash, slice_of(text, len), expiry_of(i)) == 0);
        struct entry *e = db_find(keyspace_scratch(ks), key, hash, 0);
        must(db_move(keyspace_scratch(ks), e, db, key, hash, NULL) == 0);
        break;
    default:
        must(db_set_string(db, key, hash, slice_of(text, len), expiry_of(i)) == 0);
        break;
    }
}

static void change_one(struct db *db, unsigned i)
{
    struct slice key = key_of(i);
    uint64_t hash = keyspace_hash(ks, key);
    struct entry *e = db_find(db, key, hash, DB_COUNT);
    char *bytes, scratch[NUMBER_TEXT_MAX];
    if (e == NULL)
        return;
    if (i % 7 == 0) {
        db_delete(db, key, hash);
    } else if (i % 7 == 1) {
        db_set_expiry(db, e, START + 700 + i);
    } else if (i % 7 == 2) {
        db_clear_expiry(db, e);
    } else if (i % 7 == 3 && entry_type(e) == OBJECT_STRING) {
        size_t was = entry_string(keyspace_arena(ks), e, scratch).len, len = was + 1 + i % 3000;
        must(db_edit_string(db, e, key, hash, len, &bytes) == 0);
        memset(bytes + was, 'g', len - was);
    }
}

static void set_up(void)
{
    static const struct evict_options options = {.policy = EVICT_ALLKEYS_LFU, .lfu_log_factor = 10};
    static struct keyspace_observer observer;
    clock_update();
    clock_freeze_ms(START);
    ks = keyspace_new(3);
    keyspace_set_types(ks, &fake_types);
    keyspace_add_observer(ks, &observer);
    evict_configure(ks, &options);
}

static void tear_down(void)
{
    keyspace_free(ks);
    clock_freeze_ms(0);
}

START_TEST(nothing_in_the_arena_points_out_of_it)
{
    struct db *db = keyspace_db(ks, 0), *other = keyspace_db(ks, 1);
    for (unsigned i = 0; i < 60000; i++)
        fill_one(db, i);
    for (unsigned i = 0; i < 7000; i++)
        fill_one(other, i);
    for (unsigned i = 0; i < 60000; i++)
        change_one(db, i);
    must(evict_one(ks) != 0);
    ck_assert_uint_eq(outside_words(), 0);
    ck_assert_uint_gt(words * 8, (uint64_t)8 << 20);
    ck_assert_uint_ge(words * 8, keyspace_arena(ks)->used);

    /* With tables on their way to other sizes, lists of due keys, half freed values. */
    db_reserve(db, 400000);
    db_reserve(other, 40000);
    keyspace_swap(ks, 1, 2);
    clock_freeze_ms(START + 900);
    keyspace_expire(ks, START + 900, 500);
    db_flush(other);
    keyspace_background(ks, 1);
    for (unsigned i = 20000; i < 30000; i++)
        change_one(db, i);
    ck_assert_uint_eq(outside_words(), 0);
    db_flush(db);
    keyspace_background(ks, 100);
    ck_assert_uint_eq(outside_words(), 0);
}
END_TEST

/* The same walk does see a pointer of any kind. */
START_TEST(a_pointer_that_is_planted_is_found)
{
    struct slice key = slice_str("key");
    uint64_t hash = keyspace_hash(ks, key);
    int on_stack = 0;
    void *on_heap = malloc(100);
    char *bytes;
    const void *planted[] = {on_heap,
                             &on_stack,
                             key.ptr,
                             &fake_types,
                             (const void *)(uintptr_t)outside_words,
                             ks,
                             (const void *)(uintptr_t)malloc};
    must(on_heap != NULL);
    must(db_edit_string(keyspace_db(ks, 0), NULL, key, hash, 2000, &bytes) == 0);
    must((uintptr_t)bytes % 8 == 0);
    ck_assert_uint_eq(outside_words(), 0);
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        memcpy(bytes + 800, &planted[i], sizeof planted[i]);
        ck_assert_uint_eq(outside_words(), 1);
    }
    const void *own = bytes;
    memcpy(bytes + 800, &own, sizeof own);
    ck_assert_uint_eq(outside_words(), 0);
    free(on_heap);
}
END_TEST

UNIT_SUITE(keyspace_arena_rule)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, nothing_in_the_arena_points_out_of_it);
    tcase_add_test(tc, a_pointer_that_is_planted_is_found);
}
