/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Databases against a plain array of what should be in them, under random commands and
 * a clock that moves; and what single calls promise.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "keyspace/keyspace.h"
#include "unit.h"

#define START 1700000000000

static struct keyspace *ks;

static void set_up(void)
{
    clock_update();
    clock_freeze_ms(START);
    ks = keyspace_new(4);
}

static void tear_down(void)
{
    keyspace_free(ks);
    clock_freeze_ms(0);
}

static uint64_t hash_of(struct slice key)
{
    return keyspace_hash(ks, key);
}

static void set(struct db *db, const char *key, const char *value, int64_t expiry_ms)
{
    struct slice k = slice_str(key);
    ck_assert_int_eq(db_set_string(db, k, hash_of(k), slice_str(value), expiry_ms), 0);
}

static struct entry *get(struct db *db, const char *key)
{
    return db_find(db, slice_str(key), hash_of(slice_str(key)), DB_COUNT);
}

static bool has(struct db *db, const char *key, const char *value)
{
    char scratch[NUMBER_TEXT_MAX];
    struct entry *e = get(db, key);
    return e != NULL && slice_equal(entry_string(keyspace_arena(ks), e, scratch), slice_str(value));
}

/* --- the model --- */

#define KEYS    400
#define LONGEST 3000

struct model_key {
    bool there;
    size_t len; /* of the value */
    char fill;
    int64_t expiry_ms;
};

struct model {
    struct random r;
    int64_t now;
    struct model_key keys[2][KEYS];
};

/* Keys of all kinds of length, the same for the same number. */
static struct slice key_of(unsigned i)
{
    static char text[5000];
    static const unsigned lengths[] = {4, 12, 16, 40, 250, 260, 4090, 4100};
    memset(text, 'k', sizeof text);
    int len = snprintf(text, sizeof text, "%03u", i);
    text[len] = 'k';
    return slice_of(text, lengths[i % 8]);
}

static struct slice value_of(const struct model_key *k)
{
    static char text[LONGEST];
    memset(text, k->fill, k->len);
    return slice_of(text, k->len);
}

static bool model_live(const struct model *m, const struct model_key *k)
{
    return k->there && (k->expiry_ms < 0 || k->expiry_ms > m->now);
}

static void model_check(struct model *m, unsigned d, unsigned i)
{
    struct model_key *k = &m->keys[d][i];
    struct slice key = key_of(i);
    char scratch[NUMBER_TEXT_MAX];
    struct entry *e = db_find(keyspace_db(ks, d), key, hash_of(key), 0);
    must((e != NULL) == model_live(m, k));
    if (e == NULL)
        return;
    must(slice_equal(entry_key(e), key));
    must(slice_equal(entry_string(keyspace_arena(ks), e, scratch), value_of(k)));
    must(entry_expiry(e) == k->expiry_ms);
}

static int64_t random_expiry(struct model *m)
{
    switch (random_below(&m->r, 4)) {
    case 0:
        return m->now + (int64_t)random_below(&m->r, 50);
    case 1:
        return m->now + (int64_t)random_below(&m->r, 100000);
    case 2:
        return INT64_MAX - (int64_t)random_below(&m->r, 3);
    default:
        return 1 + (int64_t)random_below(&m->r, START);
    }
}

static void model_set(struct model *m, unsigned d, unsigned i)
{
    static const size_t lengths[] = {0, 1, 5, 30, 32, 250, 254, 1020, 1024, 1025, 1030, LONGEST};
    struct model_key *k = &m->keys[d][i];
    struct slice key = key_of(i);
    int64_t old = model_live(m, k) ? k->expiry_ms : -1;
    k->there = true;
    k->len = lengths[random_below(&m->r, sizeof lengths / sizeof *lengths)];
    k->fill = random_below(&m->r, 3) == 0 ? '1' : 'v';
    uint64_t choice = random_below(&m->r, 3);
    int64_t expiry = choice == 0 ? DB_EXPIRY_NONE : choice == 1 ? DB_EXPIRY_KEEP : random_expiry(m);
    k->expiry_ms = choice == 1 ? old : expiry;
    must(db_set_string(keyspace_db(ks, d), key, hash_of(key), value_of(k), expiry) == 0);
}

static void model_rename(struct model *m, unsigned d, unsigned from, unsigned to)
{
    struct slice key = key_of(from);
    struct db *db = keyspace_db(ks, d);
    struct entry *e = db_find(db, key, hash_of(key), 0);
    must((e != NULL) == model_live(m, &m->keys[d][from]));
    if (e == NULL)
        return;
    key = key_of(to);
    must(db_move(db, e, db, key, hash_of(key), NULL) == 0);
    if (from != to) {
        m->keys[d][to] = m->keys[d][from];
        m->keys[d][from].there = false;
    }
}

static void model_expiry(struct model *m, unsigned d, unsigned i)
{
    struct model_key *k = &m->keys[d][i];
    struct slice key = key_of(i);
    struct db *db = keyspace_db(ks, d);
    struct entry *e = db_find(db, key, hash_of(key), 0);
    must((e != NULL) == model_live(m, k));
    if (e == NULL)
        return;
    if (random_below(&m->r, 3) == 0) {
        must(db_clear_expiry(db, e) == (k->expiry_ms >= 0));
        k->expiry_ms = -1;
    } else {
        k->expiry_ms = random_expiry(m);
        db_set_expiry(db, e, k->expiry_ms);
    }
}

static void model_delete(struct model *m, unsigned d, unsigned i)
{
    struct model_key *k = &m->keys[d][i];
    struct slice key = key_of(i);
    must(db_delete(keyspace_db(ks, d), key, hash_of(key)) == model_live(m, k));
    k->there = false;
}

static void model_flush(struct model *m, unsigned d)
{
    db_flush(keyspace_db(ks, d));
    memset(m->keys[d], 0, sizeof m->keys[d]);
}

static void model_swap(struct model *m)
{
    static struct model_key old[KEYS];
    keyspace_swap(ks, 0, 1);
    memcpy(old, m->keys[0], sizeof old);
    memcpy(m->keys[0], m->keys[1], sizeof old);
    memcpy(m->keys[1], old, sizeof old);
}

static void model_tick(struct model *m)
{
    static const int64_t ticks[] = {1, 1, 1, 20, 1000, -500};
    m->now += ticks[random_below(&m->r, sizeof ticks / sizeof *ticks)];
    clock_freeze_ms(m->now);
    if (random_below(&m->r, 2) == 0)
        while (keyspace_expire(ks, m->now, 1 + (unsigned)random_below(&m->r, 100)))
            ;
}

/* After keyspace_expire has said that nothing more is due. */
static void model_count(const struct model *m)
{
    for (unsigned d = 0; d < 2; d++) {
        uint64_t keys = 0, expires = 0;
        for (unsigned i = 0; i < KEYS; i++) {
            keys += model_live(m, &m->keys[d][i]);
            expires += model_live(m, &m->keys[d][i]) && m->keys[d][i].expiry_ms >= 0;
        }
        must(db_size(keyspace_db(ks, d)) == keys);
        must(db_expires(keyspace_db(ks, d)) == expires);
    }
}

static void model_step(struct model *m)
{
    unsigned d = (unsigned)random_below(&m->r, 2);
    unsigned i = (unsigned)random_below(&m->r, KEYS);
    switch (random_below(&m->r, 16)) {
    case 0:
        model_tick(m);
        break;
    case 1:
    case 2:
        model_delete(m, d, i);
        break;
    case 3:
        model_rename(m, d, i, (unsigned)random_below(&m->r, KEYS));
        break;
    case 4:
    case 5:
    case 6:
        model_expiry(m, d, i);
        break;
    case 7:
        keyspace_background(ks, 1);
        break;
    default:
        model_set(m, d, i);
        break;
    }
    model_check(m, d, i);
}

/* A key that expired, and was looked at by nobody, comes to life if the clock goes back; so the
 * model forgets none of those, but the keyspace may. */
static void model_forget(struct model *m)
{
    for (unsigned d = 0; d < 2; d++)
        for (unsigned i = 0; i < KEYS; i++)
            m->keys[d][i].there = model_live(m, &m->keys[d][i]);
}

START_TEST(random_commands_agree_with_a_model)
{
    static struct model m;
    random_init_seed(&m.r, (uint64_t)_i + 1);
    m.now = START;
    for (unsigned step = 0; step < 12000; step++) {
        model_step(&m);
        while (keyspace_expire(ks, m.now, 1000))
            ;
        model_forget(&m);
        if (step % 64 == 0)
            model_count(&m);
        if (random_below(&m.r, 2000) == 0)
            model_flush(&m, (unsigned)random_below(&m.r, 2));
        if (random_below(&m.r, 500) == 0)
            model_swap(&m);
    }
    for (unsigned d = 0; d < 2; d++)
        for (unsigned i = 0; i < KEYS; i++)
            model_check(&m, d, i);
    db_flush(keyspace_db(ks, 0));
    db_flush(keyspace_db(ks, 1));
    while (keyspace_background(ks, 1000))
        ;
    ck_assert_uint_eq(keyspace_arena(ks)->used, 0);
}
END_TEST

/* --- single promises --- */

START_TEST(counters_of_lookups)
{
    struct counters *c = counters_new();
    struct buf out = {0};
    struct db *db = keyspace_db(ks, 0);
    keyspace_register_counters(ks, c);
    set(db, "a", "1", DB_EXPIRY_NONE);
    set(db, "b", "1", START + 4000);
    ck_assert_ptr_nonnull(get(db, "a"));
    ck_assert_ptr_nonnull(get(db, "a"));
    ck_assert_ptr_null(get(db, "c"));
    db_find(db, slice_str("a"), hash_of(slice_str("a")), 0);
    counters_print(c, "keyspace", "Keyspace", &out);
    ck_assert_str_eq(buf_cstr(&out), "# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=4000,subexpiry=0\r\n");
    clock_freeze_ms(START + 4000);
    ck_assert_ptr_null(get(db, "b"));
    out.len = 0;
    counters_print(c, "stats", "Stats", &out);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "keyspace_hits:2\r\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "keyspace_misses:2\r\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "expired_keys:1\r\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "expired_stale_perc:0.00\r\n"));
    out.len = 0;
    counters_reset(c);
    counters_print(c, "stats", "Stats", &out);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "keyspace_hits:0\r\n"));
    out.len = 0;
    db_flush(db);
    counters_print(c, "keyspace", "Keyspace", &out);
    ck_assert_str_eq(buf_cstr(&out), "# Keyspace\r\n");
    buf_done(&out);
    counters_free(c);
}
END_TEST

START_TEST(average_ttl_of_times_beyond_any_sum)
{
    struct counters *c = counters_new();
    struct buf out = {0};
    struct db *db = keyspace_db(ks, 3);
    keyspace_register_counters(ks, c);
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        set(db, key, "v", INT64_MAX);
    }
    counters_print(c, "keyspace", "Keyspace", &out);
    char want[100];
    snprintf(want, sizeof want, "# Keyspace\r\ndb3:keys=100,expires=100,avg_ttl=%lld,subexpiry=0\r\n",
             (long long)(INT64_MAX - START));
    ck_assert_str_eq(buf_cstr(&out), want);
    buf_done(&out);
    counters_free(c);
}
END_TEST

START_TEST(same_class_is_overwritten_in_place)
{
    struct db *db = keyspace_db(ks, 0);
    set(db, "makes the wheel", "", START + 10);
    set(db, "key", "abcdefgh", DB_EXPIRY_NONE);
    const struct entry *e = get(db, "key");
    size_t used = keyspace_arena(ks)->used;
    set(db, "key", "ABCDEFGHI", DB_EXPIRY_NONE);
    ck_assert_ptr_eq(get(db, "key"), e);
    ck_assert(has(db, "key", "ABCDEFGHI"));
    set(db, "key", "-12345", DB_EXPIRY_NONE);
    set(db, "key", "abcdefgh", DB_EXPIRY_NONE);
    set(db, "key", "abcdefgh", START + 10);
    ck_assert_uint_gt(keyspace_arena(ks)->used, used);
    e = get(db, "key");
    set(db, "key", "hgfedcba", DB_EXPIRY_KEEP);
    ck_assert_ptr_eq(get(db, "key"), e);
    ck_assert_int_eq(entry_expiry(e), START + 10);
    set(db, "key", "hgfedcba", DB_EXPIRY_NONE);
    ck_assert_uint_eq(keyspace_arena(ks)->used, used);
}
END_TEST

START_TEST(long_values_stand_in_blobs)
{
    struct db *db = keyspace_db(ks, 0);
    struct slice key = slice_str("key");
    char *big = malloc(3 << 20);
    ck_assert_ptr_nonnull(big);
    memset(big, 'b', 3 << 20);
    set(db, "makes the wheel", "", START + 5);
    set(db, "key", "small", DB_EXPIRY_NONE);
    size_t used = keyspace_arena(ks)->used;
    char scratch[NUMBER_TEXT_MAX];
    for (size_t len = 1025; len <= 3 << 20; len += len / 3) {
        ck_assert_int_eq(db_set_string(db, key, hash_of(key), slice_of(big, len), DB_EXPIRY_NONE), 0);
        struct slice got = entry_string(keyspace_arena(ks), get(db, "key"), scratch);
        ck_assert(slice_equal(got, slice_of(big, len)));
        ck_assert_int_eq(db_set_string(db, key, hash_of(key), slice_of(big, len - 1), START + 5), 0);
        got = entry_string(keyspace_arena(ks), get(db, "key"), scratch);
        ck_assert_uint_eq(got.len, len - 1);
    }
    set(db, "key", "small", DB_EXPIRY_NONE);
    ck_assert_uint_eq(keyspace_arena(ks)->used, used);
    free(big);
}
END_TEST

START_TEST(a_size_that_cannot_be_had_changes_nothing)
{
    struct db *db = keyspace_db(ks, 0);
    struct slice key = slice_str("key");
    set(db, "key", "old", START + 100);
    uint64_t dirty = keyspace_dirty(ks);
    size_t used = keyspace_arena(ks)->used;
    /* Never read: the allocation is refused first. */
    struct slice value = slice_of("x", (size_t)1 << 50);
    ck_assert_int_eq(db_set_string(db, key, hash_of(key), value, DB_EXPIRY_NONE), MR_E_MEMORY);
    ck_assert_int_eq(db_set_string(db, slice_str("new"), hash_of(slice_str("new")), value, DB_EXPIRY_NONE),
                     MR_E_MEMORY);
    ck_assert_int_eq(db_move(db, get(db, "key"), db, slice_of("x", (size_t)1 << 50), 7, NULL), MR_E_MEMORY);
    ck_assert(has(db, "key", "old"));
    ck_assert_int_eq(entry_expiry(get(db, "key")), START + 100);
    ck_assert_uint_eq(db_size(db), 1);
    ck_assert_uint_eq(keyspace_dirty(ks), dirty);
    ck_assert_uint_eq(keyspace_arena(ks)->used, used);
}
END_TEST

static void count_entry(void *arg, struct entry *e)
{
    (void)e;
    ++*(uint64_t *)arg;
}

static bool count_some(void *arg, struct entry *e)
{
    (void)e;
    return ++*(uint64_t *)arg < 10;
}

START_TEST(walks_leave_out_what_has_expired)
{
    struct db *db = keyspace_db(ks, 0);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        set(db, key, "v", i % 4 == 0 ? DB_EXPIRY_NONE : START + 1);
    }
    clock_freeze_ms(START + 1);
    uint64_t count = 0, cursor = 0;
    do {
        cursor = db_scan(db, cursor, count_entry, &count);
    } while (cursor != 0);
    ck_assert_uint_eq(count, 250);
    count = 0;
    db_each(db, count_some, &count);
    ck_assert_uint_eq(count, 10);
    for (int i = 0; i < 100; i++)
        must(!entry_has_expiry(db_random(db)));
    ck_assert_uint_lt(db_size(db), 1000);
    db_flush(db);
    ck_assert_ptr_null(db_random(db));
}
END_TEST

START_TEST(flushing_while_a_flush_is_drained)
{
    struct db *db = keyspace_db(ks, 0);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3000; i++) {
            char key[16];
            snprintf(key, sizeof key, "k%d", i);
            set(db, key, "value", i % 2 ? DB_EXPIRY_NONE : START + i + 1);
        }
        must(db_size(db) == 3000 && db_expires(db) == 1500);
        db_flush(db);
        must(db_size(db) == 0 && db_expires(db) == 0);
        keyspace_background(ks, 0);
        ck_assert_int_eq(keyspace_expire_deadline(ks), INT64_MAX);
        clock_freeze_ms(START + round * 100);
        ck_assert(!keyspace_expire(ks, clock_ms(), 1000));
    }
    while (keyspace_background(ks, 1000))
        ;
    ck_assert_uint_eq(keyspace_arena(ks)->used, 0);
}
END_TEST

START_TEST(swapping_keeps_the_indexes)
{
    struct db *a = keyspace_db(ks, 0);
    struct db *b = keyspace_db(ks, 2);
    set(a, "in-a", "1", START + 10);
    set(b, "in-b", "2", DB_EXPIRY_NONE);
    keyspace_swap(ks, 0, 2);
    ck_assert_uint_eq(db_index(a), 0);
    ck_assert_uint_eq(db_index(b), 2);
    ck_assert(has(b, "in-a", "1"));
    ck_assert(has(a, "in-b", "2"));
    ck_assert_uint_eq(db_expires(a), 0);
    ck_assert_uint_eq(db_expires(b), 1);
    clock_freeze_ms(START + 10);
    ck_assert(!keyspace_expire(ks, clock_ms(), 100));
    ck_assert_uint_eq(db_size(b), 0);
    keyspace_swap(ks, 1, 1);
    ck_assert(has(a, "in-b", "2"));
    ck_assert_ptr_null(keyspace_db(ks, 4));
    ck_assert_ptr_null(keyspace_db(ks, -1));
    ck_assert_uint_eq(keyspace_databases(ks), 4);
}
END_TEST

START_TEST(expiry_is_cut_into_slices)
{
    for (unsigned d = 0; d < 4; d++) {
        for (int i = 0; i < 500; i++) {
            char key[16];
            snprintf(key, sizeof key, "k%d", i);
            set(keyspace_db(ks, d), key, "v", START + 5);
        }
    }
    int64_t deadline = keyspace_expire_deadline(ks);
    ck_assert_int_le(deadline, START + 5);
    ck_assert(!keyspace_expire(ks, START + 4, 100000));
    clock_freeze_ms(START + 100);
    unsigned slices = 0;
    uint64_t left = 2000;
    bool more;
    do {
        more = keyspace_expire(ks, START + 100, 100);
        uint64_t now = 0;
        for (unsigned d = 0; d < 4; d++)
            now += db_size(keyspace_db(ks, d));
        must(left - now <= 100);
        left = now;
        must(++slices < 1000);
    } while (more);
    ck_assert_uint_eq(left, 0);
    ck_assert_int_eq(keyspace_expire_deadline(ks), INT64_MAX);
}
END_TEST

START_TEST(additions_of_a_loader)
{
    struct db *db = keyspace_db(ks, 0);
    struct slice key;
    unsigned index;
    char text[16];
    db_reserve(db, 1000);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "k%d", i);
        must(db_load_string(db, slice_str(text), slice_str("value"), i % 3 == 0, i,
                            i % 2 ? -1 : START + i + 1, i, -1) == 0);
    }
    ck_assert_int_eq(keyspace_load_flush(ks), 0);
    ck_assert(!keyspace_load_duplicate(ks, &key, &index));
    ck_assert_uint_eq(db_size(db), 1000);
    ck_assert_uint_eq(db_expires(db), 500);
    ck_assert(has(db, "k999", "999"));
    ck_assert(has(db, "k998", "value"));
    ck_assert_int_eq(entry_expiry(get(db, "k998")), START + 999);
    ck_assert_int_eq(
        db_load_string(keyspace_db(ks, 1), slice_str("k7"), slice_str("v"), false, 0, -1, -1, -1), 0);
    ck_assert_int_eq(db_load_string(db, slice_str("k7"), slice_str("v"), false, 0, START + 7, -1, 5), 0);
    ck_assert_int_eq(keyspace_load_flush(ks), MR_E_CORRUPT);
    ck_assert(keyspace_load_duplicate(ks, &key, &index));
    ck_assert(slice_equal(key, slice_str("k7")));
    ck_assert_uint_eq(index, 0);
    ck_assert_uint_eq(db_size(db), 1000);
    ck_assert_uint_eq(db_expires(db), 500);
}
END_TEST

START_TEST(memory_goes_back_to_the_kernel)
{
    struct db *db = keyspace_db(ks, 0);
    char text[32];
    for (int i = 0; i < 200000; i++) {
        snprintf(text, sizeof text, "key:%d", i);
        must(db_set_string(db, slice_str(text), hash_of(slice_str(text)), slice_str("some value of a length"),
                           DB_EXPIRY_NONE) == 0);
    }
    size_t held = keyspace_arena(ks)->held;
    keyspace_background(ks, 10);
    db_flush(db);
    /* What is free goes when nobody has wanted it for a while. */
    int64_t now = clock_mono_us(), wait = 0;
    do {
        clock_freeze_mono_us(now += wait);
        while (keyspace_background(ks, 1000))
            ;
        wait = keyspace_background_wait(ks);
    } while (wait >= 0);
    clock_freeze_mono_us(0);
    ck_assert_uint_gt(held, (size_t)8 << 20);
    ck_assert_uint_eq(keyspace_arena(ks)->held, 0);
    /* Nothing is left to give. */
    ck_assert_uint_eq(arena_trim(keyspace_arena(ks), SIZE_MAX), 0);
}
END_TEST

UNIT_SUITE(keyspace_db)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, random_commands_agree_with_a_model, 0, 4);
    tcase_add_test(tc, counters_of_lookups);
    tcase_add_test(tc, average_ttl_of_times_beyond_any_sum);
    tcase_add_test(tc, same_class_is_overwritten_in_place);
    tcase_add_test(tc, long_values_stand_in_blobs);
    tcase_add_test(tc, a_size_that_cannot_be_had_changes_nothing);
    tcase_add_test(tc, walks_leave_out_what_has_expired);
    tcase_add_test(tc, flushing_while_a_flush_is_drained);
    tcase_add_test(tc, swapping_keeps_the_indexes);
    tcase_add_test(tc, expiry_is_cut_into_slices);
    tcase_add_test(tc, additions_of_a_loader);
    tcase_add_test(tc, memory_goes_back_to_the_kernel);
}
