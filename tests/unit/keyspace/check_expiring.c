/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Elements with an expiry of their own, on a type made for it: bags, which are arrays of numbered
 * elements. First against a model, in which bags come and go, are renamed, moved, swapped and
 * flushed away while time goes on; then what the model cannot see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "keyspace/expiring.h"
#include "keyspace/object.h"
#include "unit.h"

#define START    1700000000000
#define ELEMENTS 200 /* a bag has at most; more than a list of the index has */
#define BAGS     12
#define ROUNDS   60000

struct element {
    unsigned char flags, free[3];
    unsigned char node[WHEEL_NODE_SIZE];
    unsigned char id;
    unsigned char rest;
};

struct bag {
    uint64_t word;
    uint64_t count;
    uint64_t elements[ELEMENTS]; /* short pointers, by id; 0: not there */
};

static struct keyspace *ks;
static struct object_types types;
static struct random rng;
static unsigned told_expired, told_deleted;

/* --- the type --- */

static struct bag *bag_of(const struct keyspace *of, const struct entry *e)
{
    return entry_object(keyspace_arena(of), e);
}

static struct element *element_of(const struct bag *bag, unsigned id)
{
    return arena_expand(keyspace_arena(ks), bag->elements[id]);
}

static uint64_t bag_length(const struct keyspace *of, const struct entry *e)
{
    return bag_of(of, e)->count;
}

static void bag_take_out(struct bag *bag, struct element *el)
{
    bag->elements[el->id] = 0;
    bag->count--;
    if (expiring_has(el))
        expiring_remove(ks, &bag->word, el);
    arena_free(keyspace_arena(ks), el, sizeof *el);
}

static void bag_expire(struct keyspace *of, struct entry *e, void *element)
{
    bag_take_out(bag_of(of, e), element);
}

static bool bag_free_some(struct keyspace *of, struct entry *e, uint64_t *budget)
{
    struct arena *a = keyspace_arena(of);
    struct bag *bag = bag_of(of, e);
    for (unsigned i = 0; i < ELEMENTS; i++)
        if (bag->elements[i] != 0) {
            if (*budget == 0)
                return false;
            --*budget;
            arena_free(a, element_of(bag, i), sizeof(struct element));
            bag->elements[i] = 0;
        }
    expiring_free(of, &bag->word);
    arena_free(a, bag, sizeof *bag);
    return true;
}

static size_t bag_memory(const struct keyspace *of, const struct entry *e, size_t samples)
{
    (void)samples;
    const struct bag *bag = bag_of(of, e);
    return arena_usable(sizeof *bag) + bag->count * arena_usable(sizeof(struct element)) +
           expiring_memory(of, &bag->word);
}

static void *moved_if_leaving(void *ptr, size_t size, size_t *moved)
{
    struct arena *a = keyspace_arena(ks);
    if (!arena_is_leaving(a, ptr, size))
        return ptr;
    void *to = arena_alloc(a, size);
    memcpy(to, ptr, size);
    arena_free(a, ptr, size);
    ++*moved;
    return to;
}

static bool bag_relocate(struct keyspace *of, struct entry *e, uint64_t *cursor, uint64_t *budget,
                         size_t *moved)
{
    (void)cursor, (void)budget;
    struct arena *a = keyspace_arena(of);
    struct bag *bag = moved_if_leaving(bag_of(of, e), sizeof *bag, moved);
    arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(a, bag));
    expiring_relocate(of, &bag->word, moved);
    for (unsigned i = 0; i < ELEMENTS; i++) {
        struct element *was = element_of(bag, i), *el = was;
        if (was == NULL || (el = moved_if_leaving(was, sizeof *el, moved)) == was)
            continue;
        bag->elements[i] = arena_shorten(a, el);
        if (expiring_has(el))
            expiring_moved(of, &bag->word, el);
    }
    return true;
}

static const struct object_type bag_type = {
    .number = OBJECT_SET,
    .name = "bag",
    .rdb_types = (const int8_t[]){-1},
    .length = bag_length,
    .memory = bag_memory,
    .free_some = bag_free_some,
    .relocate = bag_relocate,
    .expire = bag_expire,
    .expired_event = "sexpired",
    .expired_class = EVENT_SET,
};

/* --- use of it --- */

static struct slice key_of(unsigned number, char *out)
{
    return slice_of(out, (size_t)sprintf(out, "bag:%u", number));
}

static struct entry *find(struct db *db, unsigned number)
{
    char text[16];
    struct slice key = key_of(number, text);
    return db_find(db, key, keyspace_hash(ks, key), DB_NO_TOUCH);
}

static struct bag *bag_new(void)
{
    struct bag *bag = arena_alloc(keyspace_arena(ks), sizeof *bag);
    memset(bag, 0, sizeof *bag);
    return bag;
}

static struct entry *let_in(struct db *db, unsigned number, struct bag *bag)
{
    char text[16];
    struct slice key = key_of(number, text);
    struct entry_value v;
    entry_value_object(&v, arena_shorten(keyspace_arena(ks), bag));
    ck_assert_int_eq(db_put(db, key, keyspace_hash(ks, key), OBJECT_SET, &v, DB_EXPIRY_NONE), 0);
    return find(db, number);
}

/* Gives the element, new or not, this time; -1: none. */
static void set_element(struct bag *bag, unsigned id, int64_t time_ms)
{
    struct element *el = element_of(bag, id);
    if (el == NULL) {
        el = arena_alloc(keyspace_arena(ks), sizeof *el);
        *el = (struct element){.id = (unsigned char)id};
        bag->elements[id] = arena_shorten(keyspace_arena(ks), el);
        bag->count++;
    }
    if (expiring_has(el) && time_ms >= 0) {
        expiring_change(ks, &bag->word, el, time_ms);
    } else if (expiring_has(el)) {
        expiring_remove(ks, &bag->word, el);
        el->flags = 0;
    } else if (time_ms >= 0) {
        el->flags = EXPIRING_ELEMENT;
        expiring_add(ks, &bag->word, el, time_ms);
    }
}

static void put(struct db *db, unsigned number, unsigned id, int64_t time_ms)
{
    struct entry *e = find(db, number);
    if (e == NULL)
        e = let_in(db, number, bag_new());
    set_element(bag_of(ks, e), id, time_ms);
    expiring_enter(db, e);
}

static void on_event(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                     struct slice key)
{
    (void)owner, (void)db;
    ck_assert(memcmp(key.ptr, "bag:", 4) == 0);
    told_expired += class_ == EVENT_SET && strcmp(name, "sexpired") == 0;
    told_deleted += class_ == EVENT_GENERIC && strcmp(name, "del") == 0;
}

static struct keyspace_observer observer = {.classes = EVENT_SET | EVENT_GENERIC, .event = on_event};

static void set_up(void)
{
    clock_update();
    clock_freeze_ms(START);
    memset(&types, 0, sizeof types);
    object_types_add(&types, &bag_type);
    ks = keyspace_new(3);
    keyspace_set_types(ks, &types);
    keyspace_add_observer(ks, &observer);
    random_init_seed(&rng, 5);
    told_expired = told_deleted = 0;
}

static void tear_down(void)
{
    keyspace_free(ks);
    clock_freeze_ms(0);
}

static void finish_background(void)
{
    while (keyspace_background(ks, 1000))
        continue;
}

/* --- against a model --- */

#define GONE (-2)

/* When each element goes; GONE: it is not there. */
static struct model {
    int64_t times[ELEMENTS];
} model[2][BAGS];

static bool is_empty(const struct model *m)
{
    for (unsigned i = 0; i < ELEMENTS; i++)
        if (m->times[i] != GONE)
            return false;
    return true;
}

static void forget(struct model *m)
{
    for (unsigned i = 0; i < ELEMENTS; i++)
        m->times[i] = GONE;
}

/* The first time in the model, and how many bags have one. */
static int64_t model_first(const struct model *bags, unsigned *count)
{
    int64_t first = INT64_MAX;
    *count = 0;
    for (unsigned b = 0; b < BAGS; b++) {
        bool any = false;
        for (unsigned i = 0; i < ELEMENTS; i++)
            if (bags[b].times[i] >= 0) {
                any = true;
                first = bags[b].times[i] < first ? bags[b].times[i] : first;
            }
        *count += any;
    }
    return first;
}

static void check_bag(struct db *db, unsigned number, const struct model *m)
{
    struct entry *e = find(db, number);
    uint64_t timed = 0;
    ck_assert_int_eq(e == NULL, is_empty(m));
    for (unsigned i = 0; i < ELEMENTS && e != NULL; i++) {
        const struct element *el = element_of(bag_of(ks, e), i);
        ck_assert_int_eq(el == NULL, m->times[i] == GONE);
        if (el == NULL)
            continue;
        ck_assert_int_eq(expiring_has(el), m->times[i] >= 0);
        if (expiring_has(el)) {
            ck_assert_int_eq(expiring_time(el), m->times[i]);
            timed++;
        }
    }
    if (e != NULL) {
        ck_assert_uint_eq(expiring_count(ks, &bag_of(ks, e)->word), timed);
        ck_assert_int_eq(bag_of(ks, e)->word == 0, timed == 0);
    }
}

static void check_info(unsigned index, unsigned count)
{
    struct counters *counters = counters_new();
    struct buf out = {0};
    char line[64];
    keyspace_register_counters(ks, counters);
    counters_print(counters, "keyspace", "Keyspace", &out);
    sprintf(line, "subexpiry=%u\r\n", count);
    const char *at = strstr(buf_cstr(&out), index == 0 ? "db0:" : "db1:");
    ck_assert(at == NULL ? count == 0 : strncmp(strstr(at, "subexpiry"), line, strlen(line)) == 0);
    buf_done(&out);
    counters_free(counters);
}

static void check_all(void)
{
    unsigned count[2];
    int64_t first[2];
    for (unsigned d = 0; d < 2; d++) {
        for (unsigned b = 0; b < BAGS; b++)
            check_bag(keyspace_db(ks, d), b, &model[d][b]);
        first[d] = model_first(model[d], &count[d]);
        check_info(d, count[d]);
    }
    int64_t earliest = first[0] < first[1] ? first[0] : first[1];
    ck_assert_int_le(keyspace_expire_deadline(ks), earliest);
    ck_assert_int_eq(keyspace_expire_deadline(ks) == INT64_MAX, earliest == INT64_MAX);
}

/* Time goes on, and what is due goes, in calls of few. */
static void pass(int64_t ms)
{
    unsigned budget = 1 + (unsigned)random_below(&rng, 40), bags = 0, emptied = 0, calls = 0;
    int64_t now = clock_ms() + ms;
    clock_freeze_ms(now);
    for (unsigned d = 0; d < 2; d++)
        for (unsigned b = 0; b < BAGS; b++) {
            bool was = is_empty(&model[d][b]), any = false;
            for (unsigned i = 0; i < ELEMENTS; i++)
                if (model[d][b].times[i] >= 0 && model[d][b].times[i] <= now) {
                    model[d][b].times[i] = GONE;
                    any = true;
                }
            bags += any;
            emptied += !was && is_empty(&model[d][b]);
        }
    told_expired = told_deleted = 0;
    while (keyspace_expire(ks, now, budget))
        ck_assert_uint_lt(++calls, 100000);
    ck_assert_uint_eq(told_deleted, emptied);
    /* One event for each call in which some went. */
    ck_assert(told_expired >= bags && (budget < 2 * ELEMENTS || bags > 0 || told_expired == 0));
    ck_assert_int_gt(keyspace_expire_deadline(ks), now);
}

static int64_t random_time(void)
{
    static const int64_t spans[] = {10, 300, 100000, 100000000};
    switch (random_below(&rng, 4)) {
    case 0:
        return -1;
    default:
        return clock_ms() + 1 + (int64_t)random_below(&rng, (uint64_t)spans[random_below(&rng, 4)]);
    }
}

static void change_some(struct db *db, unsigned d, unsigned b)
{
    unsigned count = random_below(&rng, 20) == 0 ? 150 : 1 + (unsigned)random_below(&rng, 10);
    while (count-- > 0) {
        unsigned id = (unsigned)random_below(&rng, ELEMENTS);
        int64_t time_ms = random_time();
        put(db, b, id, time_ms);
        model[d][b].times[id] = time_ms;
    }
}

static void remove_some(struct db *db, unsigned d, unsigned b)
{
    struct entry *e = find(db, b);
    for (unsigned count = 0; count < 20 && e != NULL; count++) {
        unsigned id = (unsigned)random_below(&rng, ELEMENTS);
        struct element *el = element_of(bag_of(ks, e), id);
        if (el == NULL || bag_of(ks, e)->count == 1)
            continue;
        bag_take_out(bag_of(ks, e), el);
        model[d][b].times[id] = GONE;
    }
}

static void rename_one(struct db *db, unsigned d, unsigned b)
{
    char text[16];
    unsigned to = (unsigned)random_below(&rng, BAGS), other = (unsigned)random_below(&rng, 2);
    struct entry *e = find(db, b);
    struct slice key = key_of(to, text);
    if (e == NULL || (to == b && other == d))
        return;
    ck_assert_int_eq(db_move(db, e, keyspace_db(ks, other), key, keyspace_hash(ks, key), NULL), 0);
    model[other][to] = model[d][b];
    forget(&model[d][b]);
}

static void replace_one(struct db *db, unsigned d, unsigned b)
{
    struct bag *bag = bag_new();
    forget(&model[d][b]);
    for (unsigned i = 0; i < 80; i++) {
        int64_t time_ms = random_time();
        set_element(bag, i, time_ms);
        model[d][b].times[i] = time_ms;
    }
    let_in(db, b, bag);
}

static void delete_one(struct db *db, unsigned d, unsigned b)
{
    char text[16];
    struct slice key = key_of(b, text);
    uint64_t hash = keyspace_hash(ks, key);
    if (random_below(&rng, 2) == 0)
        (void)!db_delete(db, key, hash);
    else
        ck_assert_int_eq(db_set_string(db, key, hash, slice_str("v"), DB_EXPIRY_NONE), 0);
    (void)!db_delete(db, key, hash);
    forget(&model[d][b]);
}

static void swap_dbs(void)
{
    struct model old[BAGS];
    keyspace_swap(ks, 0, 1);
    memcpy(old, model[0], sizeof old);
    memcpy(model[0], model[1], sizeof old);
    memcpy(model[1], old, sizeof old);
}

static void relocate_all(void)
{
    struct arena *a = keyspace_arena(ks);
    arena_evacuate_begin(a, 0);
    for (unsigned d = 0; d < 2; d++)
        for (unsigned b = 0; b < BAGS; b++) {
            struct entry *e = find(keyspace_db(ks, d), b);
            uint64_t cursor = 0, budget = UINT64_MAX;
            size_t moved = 0;
            if (e != NULL)
                ck_assert(bag_relocate(ks, e, &cursor, &budget, &moved));
        }
    arena_evacuate_end(a);
}

static void flush_one(struct db *db, unsigned d)
{
    db_flush(db);
    for (unsigned b = 0; b < BAGS; b++)
        forget(&model[d][b]);
}

static void one_change(void)
{
    unsigned d = (unsigned)random_below(&rng, 2), b = (unsigned)random_below(&rng, BAGS);
    struct db *db = keyspace_db(ks, d);
    uint64_t what = random_below(&rng, 1000);
    if (what < 700)
        change_some(db, d, b);
    else if (what < 850)
        remove_some(db, d, b);
    else if (what < 890)
        rename_one(db, d, b);
    else if (what < 920)
        replace_one(db, d, b);
    else if (what < 945)
        delete_one(db, d, b);
    else if (what < 965)
        swap_dbs();
    else if (what < 980)
        relocate_all();
    else if (what < 983)
        flush_one(db, d);
    else
        finish_background();
}

START_TEST(against_a_model)
{
    size_t used = keyspace_arena(ks)->used;
    uint64_t lists = 0, wheels = 0;
    for (unsigned b = 0; b < BAGS; b++)
        forget(&model[0][b]), forget(&model[1][b]);
    for (unsigned round = 0; round < ROUNDS; round++) {
        one_change();
        if (round % 3 == 0)
            pass((int64_t)random_below(&rng, round % 50 == 0 ? 200000 : 30));
        if (round % 101 == 0)
            check_all();
        struct entry *e = find(keyspace_db(ks, 0), 0);
        if (e != NULL && bag_of(ks, e)->word != 0) {
            bool is_list = expiring_memory(ks, &bag_of(ks, e)->word) == 64;
            lists += is_list;
            wheels += !is_list;
        }
    }
    ck_assert_uint_gt(lists, ROUNDS / 50);
    ck_assert_uint_gt(wheels, ROUNDS / 50);
    for (unsigned d = 0; d < 2; d++)
        flush_one(keyspace_db(ks, d), d);
    check_all();
    finish_background();
    /* The tables of the databases may stay. */
    ck_assert_uint_le(keyspace_arena(ks)->used, used + 4096);
}
END_TEST

/* --- what the model cannot see --- */

static uint64_t count_of(const char *row)
{
    struct counters *counters = counters_new();
    struct buf out = {0};
    keyspace_register_counters(ks, counters);
    counters_print(counters, "stats", "Stats", &out);
    const char *at = strstr(buf_cstr(&out), row);
    ck_assert_ptr_nonnull(at);
    uint64_t value = strtoull(at + strlen(row) + 1, NULL, 10);
    buf_done(&out);
    counters_free(counters);
    return value;
}

START_TEST(modes)
{
    struct db *db = keyspace_db(ks, 0);
    for (unsigned i = 0; i < 10; i++)
        put(db, 1, i, START + 100 + i);
    put(db, 1, 20, -1);
    struct bag *bag = bag_of(ks, find(db, 1));
    ck_assert(!expiring_may_hide(ks, &bag->word));
    clock_freeze_ms(START + 104);
    ck_assert(expiring_may_hide(ks, &bag->word));
    ck_assert(expiring_hides(ks, element_of(bag, 4)) && !expiring_hides(ks, element_of(bag, 5)));
    keyspace_set_expiry_mode(ks, KEYSPACE_HIDE);
    ck_assert(expiring_hides(ks, element_of(bag, 4)));
    ck_assert(!keyspace_expire(ks, START + 104, 100));
    ck_assert_int_eq(keyspace_expire_deadline(ks), INT64_MAX);
    ck_assert_ptr_eq(expiring_settle(db, find(db, 1)), find(db, 1));
    ck_assert_uint_eq(bag->count, 11);
    keyspace_set_expiry_mode(ks, KEYSPACE_SHOW);
    ck_assert(!expiring_hides(ks, element_of(bag, 4)) && !expiring_may_hide(ks, &bag->word));
    ck_assert_ptr_eq(expiring_settle(db, find(db, 1)), find(db, 1));
    ck_assert_uint_eq(bag->count, 11);
    keyspace_set_expiry_mode(ks, KEYSPACE_EXPIRE);
    ck_assert_int_le(keyspace_expire_deadline(ks), START + 104);
    ck_assert_ptr_eq(expiring_settle(db, find(db, 1)), find(db, 1));
    ck_assert_uint_eq(bag->count, 6);
    ck_assert_uint_eq(told_expired, 1);
    ck_assert_uint_eq(count_of("expired_subkeys"), 5);
    ck_assert_uint_eq(count_of("expired_keys"), 0);
    ck_assert_uint_eq(count_of("expired_lag_ms_max"), 4);
    clock_freeze_ms(START + 1000);
    ck_assert_ptr_nonnull(expiring_settle(db, find(db, 1)));
    ck_assert_uint_eq(bag->count, 1);
    ck_assert_uint_eq(bag->word, 0);
    ck_assert_uint_eq(told_deleted, 0);
}
END_TEST

START_TEST(a_look_removes_some_and_at_last_the_key)
{
    struct db *db = keyspace_db(ks, 0);
    for (unsigned i = 0; i < ELEMENTS; i++)
        put(db, 1, i, START + 1);
    uint64_t dirty = keyspace_dirty(ks);
    clock_freeze_ms(START + 1);
    struct entry *e = expiring_settle(db, find(db, 1));
    ck_assert_ptr_nonnull(e);
    uint64_t left = bag_of(ks, e)->count;
    ck_assert(left >= ELEMENTS - 101 && left < ELEMENTS - 50);
    ck_assert_uint_eq(keyspace_dirty(ks), dirty + ELEMENTS - left);
    ck_assert_uint_eq(told_expired, 1);
    unsigned looks = 1;
    for (; e != NULL; looks++)
        e = expiring_settle(db, find(db, 1));
    ck_assert_uint_le(looks, 5);
    ck_assert_ptr_null(find(db, 1));
    ck_assert_uint_eq(told_expired, looks);
    ck_assert_uint_eq(told_deleted, 1);
    ck_assert_int_eq(keyspace_expire_deadline(ks), INT64_MAX);
    ck_assert_uint_eq(count_of("expired_subkeys"), ELEMENTS);
}
END_TEST

/* Many elements that are due do not keep keys, nor many keys elements. */
START_TEST(keys_and_elements_take_turns)
{
    struct db *db = keyspace_db(ks, 0);
    char text[16];
    for (unsigned i = 0; i < ELEMENTS; i++) {
        struct slice key = slice_of(text, (size_t)sprintf(text, "key:%u", i));
        ck_assert_int_eq(db_set_string(db, key, keyspace_hash(ks, key), slice_str("v"), START + 10), 0);
        put(db, 1, i, START + 10);
    }
    clock_freeze_ms(START + 10);
    keyspace_set_expiry_mode(ks, KEYSPACE_EXPIRE);
    keyspace_remove_observer(ks, &observer);
    for (unsigned calls = 0; calls < 20; calls++)
        ck_assert(keyspace_expire(ks, START + 10, 10));
    ck_assert_uint_gt(count_of("expired_subkeys"), 20);
    ck_assert_uint_gt(count_of("expired_keys"), 20);
    while (keyspace_expire(ks, START + 10, 10))
        continue;
    ck_assert_uint_eq(db_size(db), 0);
    ck_assert_uint_eq(count_of("expired_subkeys"), ELEMENTS);
    ck_assert_uint_eq(count_of("expired_keys"), ELEMENTS);
}
END_TEST

/* In the scratch database nothing goes; from there an object is moved with what it has. */
START_TEST(the_scratch_database)
{
    struct db *db = keyspace_db(ks, 0), *scratch = keyspace_scratch(ks);
    char text[16];
    struct slice key = key_of(1, text);
    put(scratch, 1, 0, START - 5);
    put(scratch, 1, 1, START + 5);
    struct entry *e = find(scratch, 1);
    ck_assert_ptr_eq(expiring_settle(scratch, e), e);
    ck_assert_int_eq(db_move(scratch, e, db, key, keyspace_hash(ks, key), NULL), 0);
    ck_assert_int_le(keyspace_expire_deadline(ks), START);
    ck_assert(!keyspace_expire(ks, START, 10));
    ck_assert_uint_eq(bag_of(ks, find(db, 1))->count, 1);
    clock_freeze_ms(START + 5);
    ck_assert(!keyspace_expire(ks, START + 5, 10));
    ck_assert_ptr_null(find(db, 1));
}
END_TEST

/* The furthest times there are, and a clock that is set back. */
START_TEST(far_and_back)
{
    struct db *db = keyspace_db(ks, 0);
    put(db, 1, 0, INT64_MAX);
    put(db, 1, 1, START + 3600000);
    put(db, 1, 2, 0);
    ck_assert(!keyspace_expire(ks, START, 10));
    ck_assert_uint_eq(bag_of(ks, find(db, 1))->count, 2);
    clock_freeze_ms(START - 100000000);
    put(db, 1, 3, START - 100000000 + 50);
    ck_assert_int_le(keyspace_expire_deadline(ks), START - 100000000 + 50);
    clock_freeze_ms(START - 100000000 + 50);
    ck_assert(!keyspace_expire(ks, clock_ms(), 10));
    ck_assert_uint_eq(bag_of(ks, find(db, 1))->count, 2);
    clock_freeze_ms(START + 3600000);
    ck_assert(!keyspace_expire(ks, clock_ms(), 10));
    ck_assert_uint_eq(bag_of(ks, find(db, 1))->count, 1);
    ck_assert_int_eq(expiring_time(element_of(bag_of(ks, find(db, 1)), 0)), INT64_MAX);
    ck_assert_uint_gt(db_expiry_memory(db), 0);
}
END_TEST

UNIT_SUITE(keyspace_expiring)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, against_a_model);
    tcase_add_test(tc, modes);
    tcase_add_test(tc, a_look_removes_some_and_at_last_the_key);
    tcase_add_test(tc, keys_and_elements_take_turns);
    tcase_add_test(tc, the_scratch_database);
    tcase_add_test(tc, far_and_back);
}
