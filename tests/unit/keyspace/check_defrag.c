/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Defragmentation: all keys, values and times are as before, wherever they have moved to,
 * with writes and rehashing between the slices; and the memory comes back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "fake_type.h"
#include "keyspace/defrag.h"
#include "keyspace/keyspace.h"
#include "unit.h"

#define START INT64_C(1700000000000)
#define KEYS  120000

static struct keyspace *ks;
static struct defrag_options options;

struct model {
    int64_t expiry; /* DB_EXPIRY_NONE */
    uint32_t len;   /* of the value; 0: no such key */
    uint32_t version;
};

static struct model *model;

static void set_up(void)
{
    clock_update();
    clock_freeze_ms(START);
    ks = keyspace_new(3);
    keyspace_set_types(ks, &fake_types);
    model = calloc(KEYS, sizeof *model);
    options = (struct defrag_options){.on = true,
                                      .ignore_bytes = 1 << 20,
                                      .threshold_lower = 10,
                                      .threshold_upper = 100,
                                      .cycle_min = 1,
                                      .cycle_max = 25};
    defrag_configure(ks, &options);
}

static void tear_down(void)
{
    keyspace_free(ks);
    free(model);
    clock_freeze_ms(0);
}

static struct slice name_of(char *text, unsigned n)
{
    return slice_of(text,
                    (size_t)snprintf(text, 48, n % 7 == 0 ? "a much longer name of a key:%u" : "k:%u", n));
}

static struct slice value_of(char *bytes, unsigned n)
{
    memset(bytes, (int)('a' + (n + model[n].version) % 26), model[n].len);
    return slice_of(bytes, model[n].len);
}

enum kind { STRING, PACKED, OBJECT };

static enum kind kind_of(unsigned n)
{
    return n % 4 == 0 ? PACKED : n % 4 == 1 ? OBJECT : STRING;
}

static bool is_right(const struct entry *e, unsigned n)
{
    char bytes[5000], scratch[NUMBER_TEXT_MAX];
    if (kind_of(n) == OBJECT)
        return fake_is(ks, e, model[n].len / 16, model[n].version);
    if (kind_of(n) == PACKED)
        return entry_type(e) == OBJECT_LIST && entry_is_packed(e) &&
               slice_equal(entry_packed(keyspace_arena(ks), e), value_of(bytes, n));
    return slice_equal(entry_string(keyspace_arena(ks), e, scratch), value_of(bytes, n));
}

static struct db *db_of(unsigned n)
{
    return keyspace_db(ks, n % 3);
}

static void put(struct random *r, unsigned n)
{
    char text[48], bytes[5000];
    struct slice key = name_of(text, n);
    model[n].version++;
    model[n].len = 1 + (uint32_t)random_below(r, random_below(r, 50) == 0 ? sizeof bytes - 1 : 60);
    model[n].expiry =
        random_below(r, 3) == 0 ? START + 1000 + (int64_t)random_below(r, 1000000) : DB_EXPIRY_NONE;
    if (kind_of(n) == STRING) {
        must(db_set_string(db_of(n), key, keyspace_hash(ks, key), value_of(bytes, n), model[n].expiry) == 0);
        return;
    }
    struct entry_value v;
    if (kind_of(n) == PACKED)
        must(entry_value_packed(&v, keyspace_arena(ks), value_of(bytes, n)) == 0);
    else
        fake_make(ks, model[n].len / 16, model[n].version, &v);
    must(db_put(db_of(n), key, keyspace_hash(ks, key), OBJECT_LIST, &v, model[n].expiry) == 0);
}

static void drop(unsigned n)
{
    char text[48];
    struct slice key = name_of(text, n);
    must(db_delete(db_of(n), key, keyspace_hash(ks, key)) == (model[n].len != 0));
    model[n].len = 0;
}

static void check_all(void)
{
    uint64_t count = 0;
    for (unsigned n = 0; n < KEYS; n++) {
        char text[48];
        struct slice key = name_of(text, n);
        struct entry *e = db_find(db_of(n), key, keyspace_hash(ks, key), 0);
        must((e != NULL) == (model[n].len != 0));
        if (e == NULL)
            continue;
        count++;
        must(entry_expiry(e) == model[n].expiry);
        must(is_right(e, n));
    }
    uint64_t sizes = 0;
    for (unsigned i = 0; i < 3; i++)
        sizes += db_size(keyspace_db(ks, i));
    must(sizes == count);
}

/* All expire when their time comes: the wheels have kept up. */
static void check_expiry(void)
{
    for (int64_t now = START; now <= START + 1001000; now += 7777) {
        clock_freeze_ms(now);
        while (keyspace_expire(ks, now, 1000))
            continue;
        uint64_t due = 0;
        for (unsigned n = 0; n < KEYS; n++)
            due += model[n].len != 0 && model[n].expiry != DB_EXPIRY_NONE && model[n].expiry > now;
        uint64_t left = 0;
        for (unsigned i = 0; i < 3; i++)
            left += db_expires(keyspace_db(ks, i));
        must(left == due);
    }
}

static size_t room(void)
{
    struct arena *a = keyspace_arena(ks);
    return a->held - a->used;
}

static void fill_and_thin(struct random *r)
{
    for (unsigned n = 0; n < KEYS; n++)
        put(r, n);
    for (unsigned n = 0; n < KEYS; n++)
        if (random_below(r, 10) != 0)
            drop(n);
}

START_TEST(memory_comes_back)
{
    struct random r;
    random_init_seed(&r, 1);
    fill_and_thin(&r);
    while (keyspace_background(ks, 1000))
        continue;
    size_t before = keyspace_arena(ks)->held;
    must(room() > before / 2);
    unsigned steps = 0;
    while (defrag_effort(ks, false) != 0 && ++steps < 100000)
        defrag_step(ks, 100);
    must(steps > 0 && steps < 100000);
    /* A span that is not full for each size is what must stay. */
    must(room() < keyspace_arena(ks)->used / 4 + ((size_t)4 << 20));
    must(keyspace_arena(ks)->held < before / 2);
    must(!arena_is_evacuating(keyspace_arena(ks)));
    check_all();
    check_expiry();
}
END_TEST

START_TEST(writes_between_the_slices)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct random r;
        random_init_seed(&r, seed);
        fill_and_thin(&r);
        for (unsigned slice = 0; slice < 3000; slice++) {
            if (defrag_effort(ks, seed % 2 == 0) != 0)
                defrag_step(ks, 0);
            for (unsigned i = 0; i < 8; i++) {
                unsigned n = (unsigned)random_below(&r, KEYS);
                if (random_below(&r, 2) == 0 || model[n].len == 0)
                    put(&r, n);
                else
                    drop(n);
            }
            if (slice % 3 == 0)
                keyspace_background(ks, 0);
            if (slice % 1000 == 999)
                check_all();
        }
    }
    check_expiry();
}
END_TEST

START_TEST(it_can_be_switched_off)
{
    struct random r;
    random_init_seed(&r, 3);
    fill_and_thin(&r);
    ck_assert_uint_eq(defrag_effort(ks, false), 25);
    ck_assert(arena_is_evacuating(keyspace_arena(ks)));
    defrag_step(ks, 0);
    options.on = false;
    ck_assert_uint_eq(defrag_effort(ks, true), 0);
    ck_assert(!arena_is_evacuating(keyspace_arena(ks)));
    check_all();
    options.on = true;
    options.ignore_bytes = INT64_MAX;
    ck_assert_uint_eq(defrag_effort(ks, false), 0);
    ck_assert_uint_gt(defrag_effort(ks, true), 0);
    defrag_configure(ks, NULL);
    ck_assert_uint_eq(defrag_effort(ks, true), 0);
    check_all();
}
END_TEST

START_TEST(a_flush_amid_it)
{
    struct random r;
    random_init_seed(&r, 5);
    fill_and_thin(&r);
    ck_assert_uint_gt(defrag_effort(ks, false), 0);
    defrag_step(ks, 0);
    for (unsigned i = 0; i < 3; i++)
        db_flush(keyspace_db(ks, i));
    memset(model, 0, KEYS * sizeof *model);
    while (defrag_effort(ks, false) != 0)
        defrag_step(ks, 0);
    while (keyspace_background(ks, 1000))
        continue;
    ck_assert_uint_lt(keyspace_arena(ks)->used, 100000);
    put(&r, 1);
    check_all();
}
END_TEST

static struct entry *find_big(struct db *db, const char *name)
{
    return db_find(db, slice_str(name), keyspace_hash(ks, slice_str(name)), DB_NO_TOUCH);
}

/* One object, most of whose neighbours are gone; it is under way after a few slices. */
static void begin_big(struct random *r)
{
    struct entry_value v;
    struct slice big = slice_str("big");
    fill_and_thin(r);
    fake_make(ks, 40000, 7, &v);
    must(db_put(keyspace_db(ks, 0), big, keyspace_hash(ks, big), OBJECT_LIST, &v, DB_EXPIRY_NONE) == 0);
    for (unsigned n = 0; n < KEYS; n++)
        if (model[n].len != 0 && random_below(r, 2) == 0)
            drop(n);
    while (keyspace_background(ks, 1000))
        continue;
    must(defrag_effort(ks, false) != 0);
}

/* A slice that does not end a big object leaves it whole, and it may be renamed, grow or go. */
START_TEST(a_big_object_in_slices)
{
    struct random r;
    struct db *from = keyspace_db(ks, 0), *to = keyspace_db(ks, 1);
    random_init_seed(&r, 10 + (uint64_t)_i);
    begin_big(&r);
    unsigned steps = 0;
    struct slice other = slice_str("other");
    for (; defrag_effort(ks, false) != 0; steps++) {
        defrag_step(ks, 0);
        struct entry *e = find_big(from, "big");
        if (e != NULL && steps % 50 == 0)
            must(fake_is(ks, e, 40000, 7));
        if (steps != 200 + (unsigned)_i)
            continue;
        if (_i % 3 == 0)
            must(db_move(from, e, to, other, keyspace_hash(ks, other), NULL) == 0);
        if (_i % 3 == 1)
            must(db_delete(from, slice_str("big"), keyspace_hash(ks, slice_str("big"))));
    }
    must(steps > 40000 / 200);
    must(!arena_is_evacuating(keyspace_arena(ks)));
    struct entry *moved = find_big(_i % 3 == 0 ? to : from, _i % 3 == 0 ? "other" : "big");
    must((moved != NULL) == (_i % 3 != 1));
    must(moved == NULL || fake_is(ks, moved, 40000, 7));
    if (moved != NULL && _i % 3 == 0)
        must(db_delete(to, other, keyspace_hash(ks, other)));
    else if (moved != NULL)
        must(db_delete(from, slice_str("big"), keyspace_hash(ks, slice_str("big"))));
    check_all();
}
END_TEST

UNIT_SUITE(keyspace_defrag)
{
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, memory_comes_back);
    tcase_add_test(tc, writes_between_the_slices);
    tcase_add_loop_test(tc, a_big_object_in_slices, 0, 12);
    tcase_add_test(tc, it_can_be_switched_off);
    tcase_add_test(tc, a_flush_amid_it);
}
