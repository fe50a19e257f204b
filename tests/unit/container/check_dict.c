/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table against a plain array of what should be in it: while it grows, shrinks,
 * is paused, scanned and drawn from, with good and with bad hashes.
 */
#include "container/dict.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/random.h"
#include "container/dict_inline.h"
#include "unit.h"

struct element {
    uint64_t key;
    uint64_t mark;
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * 0x7fb5d329728ea185;
    x = (x ^ x >> 27) * 0x81dadef4bc2dd44d;
    return x ^ x >> 33;
}

/* OWNER says how many bits of the hash are any good. */
static uint64_t hash_key(const void *owner, uint64_t key)
{
    uint64_t bits = *(const uint64_t *)owner;
    uint64_t hash = mix(key);
    return bits == 64 ? hash : hash & (((uint64_t)1 << bits) - 1);
}

static uint64_t element_hash(const void *owner, const void *element)
{
    return hash_key(owner, ((const struct element *)element)->key);
}

static bool element_equal(const void *element, struct slice key)
{
    return memcmp(&((const struct element *)element)->key, key.ptr, sizeof(uint64_t)) == 0;
}

static const struct dict_ops ops = {element_hash, element_equal};

struct model {
    struct arena a;
    struct dict d;
    struct random r;
    uint64_t hash_bits;
    uint64_t keys;           /* keys are below this */
    struct element **expect; /* by key; NULL: not in the table */
    uint64_t count;
    unsigned *seen;
};

static void model_init(struct model *m, uint64_t keys, uint64_t hash_bits, uint64_t seed)
{
    *m = (struct model){.keys = keys, .hash_bits = hash_bits};
    arena_init(&m->a, 0);
    dict_init(&m->d);
    random_init_seed(&m->r, seed);
    m->expect = calloc(keys, sizeof *m->expect);
    m->seen = calloc(keys, sizeof *m->seen);
}

static void model_done(struct model *m)
{
    for (uint64_t key = 0; key < m->keys; key++)
        if (m->expect[key] != NULL)
            arena_free(&m->a, m->expect[key], sizeof(struct element));
    dict_done(&m->d, &m->a);
    must(dict_count(&m->d) == 0);
    must(m->a.used == 0);
    arena_done(&m->a);
    free(m->expect);
    free(m->seen);
}

static struct element *model_find(struct model *m, uint64_t key, struct dict_slot *slot)
{
    uint64_t hash = hash_key(&m->hash_bits, key);
    struct slice s = slice_of(&key, sizeof key);
    struct element *e = dict_find(&m->d, &m->a, &ops, s, hash, slot);
    if (e != m->expect[key])
        ck_abort_msg("key %llu: found %p, not %p", (unsigned long long)key, (void *)e,
                     (void *)m->expect[key]);
    return e;
}

static void model_add(struct model *m, uint64_t key)
{
    struct element *e = arena_alloc(&m->a, sizeof *e);
    *e = (struct element){.key = key};
    dict_add(&m->d, &m->a, &ops, &m->hash_bits, e, hash_key(&m->hash_bits, key));
    m->expect[key] = e;
    m->count++;
}

static void model_remove(struct model *m, uint64_t key, struct dict_slot slot)
{
    dict_remove(&m->d, &m->a, &ops, &m->hash_bits, slot, hash_key(&m->hash_bits, key));
    arena_free(&m->a, m->expect[key], sizeof(struct element));
    m->expect[key] = NULL;
    m->count--;
}

static void model_replace(struct model *m, uint64_t key, struct dict_slot slot)
{
    struct element *e = arena_alloc(&m->a, sizeof *e);
    *e = *m->expect[key];
    dict_replace(&m->d, &m->a, slot, e);
    arena_free(&m->a, m->expect[key], sizeof *e);
    m->expect[key] = e;
}

/* Looks KEY up, and adds or removes it if it is not as WANTED. */
static void model_want(struct model *m, uint64_t key, bool wanted)
{
    struct dict_slot slot;
    struct element *e = model_find(m, key, &slot);
    must((e == NULL) == (slot.where == NULL));
    if (e == NULL && wanted)
        model_add(m, key);
    else if (e != NULL && !wanted)
        model_remove(m, key, slot);
    else if (e != NULL && random_below(&m->r, 4) == 0)
        model_replace(m, key, slot);
}

static void see(void *arg, void *element)
{
    struct model *m = arg;
    struct element *e = element;
    must(e->key < m->keys);
    must(m->expect[e->key] == e);
    m->seen[e->key]++;
}

static void scan_all(struct model *m)
{
    uint64_t cursor = 0;
    memset(m->seen, 0, m->keys * sizeof *m->seen);
    do
        cursor = dict_scan(&m->d, &m->a, cursor, see, m);
    while (cursor != 0);
}

/* Everything is there, found, and seen once by a scan that nothing disturbs. */
static void model_check(struct model *m)
{
    must(dict_count(&m->d) == m->count);
    scan_all(m);
    for (uint64_t key = 0; key < m->keys; key++) {
        model_find(m, key, NULL);
        if (m->seen[key] != (m->expect[key] != NULL))
            ck_abort_msg("key %llu seen %u times", (unsigned long long)key, m->seen[key]);
    }
    must(m->a.used == m->count * sizeof(struct element) + dict_memory(&m->d));
}

START_TEST(model)
{
    static const struct {
        uint64_t keys, hash_bits, ops;
    } runs[] = {{20000, 64, 500000}, {30, 64, 200000}, {3000, 64, 500000}, {300, 3, 200000}, {600, 0, 30000}};
    struct model m;
    model_init(&m, runs[_i].keys, runs[_i].hash_bits, (uint64_t)_i + 42);
    uint64_t chance = 50;
    for (uint64_t op = 0; op < runs[_i].ops; op++) {
        if (random_below(&m.r, m.keys * 2) == 0)
            chance = random_below(&m.r, 5) * 25;
        if (random_below(&m.r, m.keys * 4) == 0)
            m.d.paused == 0 ? dict_pause(&m.d) : dict_resume(&m.d);
        model_want(&m, random_below(&m.r, m.keys), random_below(&m.r, 100) < chance);
        if (op % (runs[_i].ops / 50) == 0)
            model_check(&m);
    }
    model_check(&m);
    model_done(&m);
}
END_TEST

/* Keys below STAY never change; every scan must see all of them, whatever the others do. */
START_TEST(scan_guarantee)
{
    enum { STAY = 300, KEYS = 12000 };
    struct model m;
    model_init(&m, KEYS, 64, (uint64_t)_i);
    for (uint64_t key = 0; key < STAY; key++)
        model_add(&m, key);
    bool filling = true;
    unsigned rehashing[3] = {0};
    for (unsigned scan = 0; scan < 400; scan++) {
        uint64_t cursor = 0;
        memset(m.seen, 0, m.keys * sizeof *m.seen);
        uint64_t pace = 1 + random_below(&m.r, (uint64_t)1 << random_below(&m.r, 11));
        do {
            cursor = dict_scan(&m.d, &m.a, cursor, see, &m);
            if (dict_rehashing(&m.d))
                rehashing[1 + (m.d.table[1].bits > m.d.table[0].bits)]++;
            for (uint64_t i = random_below(&m.r, pace); i > 0; i--) {
                if (random_below(&m.r, KEYS * 2) == 0)
                    filling = !filling;
                model_want(&m, STAY + random_below(&m.r, KEYS - STAY), filling);
            }
            if (random_below(&m.r, 200) == 0)
                must(dict_reserve(&m.d, &m.a, m.count * (1 + random_below(&m.r, 64))) == 0);
        } while (cursor != 0);
        for (uint64_t key = 0; key < STAY; key++)
            if (m.seen[key] == 0)
                ck_abort_msg("scan %u missed key %llu", scan, (unsigned long long)key);
    }
    must(rehashing[1] > 100);
    must(rehashing[2] > 100);
    model_done(&m);
}
END_TEST

START_TEST(random_fair)
{
    enum { KEYS = 1100, DRAWS = 1000000 };
    struct model m;
    model_init(&m, KEYS, 64, 5);
    /* The last runs are in the middle of growing. */
    uint64_t count = _i == 0 ? 900 : (uint64_t)68 << _i;
    for (uint64_t key = 0; key < count; key++)
        model_add(&m, key);
    must(dict_rehashing(&m.d) == (_i != 0));
    for (unsigned i = 0; i < DRAWS; i++)
        see(&m, dict_random(&m.d, &m.a, &m.r));
    for (uint64_t key = 0; key < count; key++) {
        double share = (double)m.seen[key] * (double)count / DRAWS;
        if (share < 0.8 || share > 1.2)
            ck_abort_msg("key %llu drawn %.2f times what is fair", (unsigned long long)key, share);
    }
    model_done(&m);
}
END_TEST

/* The empty part of the table that a rehash moves to is not drawn from: a draw that has to step over
 * it would take long, and what stands behind it would come too often. */
START_TEST(random_while_moving)
{
    enum { KEYS = 40000, DRAWS = 200000 };
    struct model m;
    void *element;
    unsigned nothing = 0;
    model_init(&m, KEYS, 64, 12);
    uint64_t key = 0;
    if (_i < 2) {
        for (; !dict_rehashing(&m.d) || m.d.table[1].bits < 12; key++)
            model_add(&m, key);
    } else {
        for (; key < KEYS; key++)
            model_add(&m, key);
        for (key = 0; !dict_rehashing(&m.d) || m.d.table[1].bits > m.d.table[0].bits; key++)
            model_want(&m, key, false);
    }
    /* At the beginning, and where half has been moved. */
    uint64_t half = (uint64_t)1 << m.d.table[0].bits >> 1;
    if (_i % 2 == 1)
        must(dict_rehash_step(&m.d, &m.a, &ops, &m.hash_bits, half));
    /* Two elements to a bucket at least. */
    for (unsigned i = 0; i < DRAWS; i++)
        nothing += dict_draw(&m.d, &m.a, random_next(&m.r), &element, 1) == 0;
    must(nothing < DRAWS / 5);
    for (uint64_t i = 0; i < m.count * 200; i++)
        see(&m, dict_random(&m.d, &m.a, &m.r));
    for (key = 0; key < KEYS; key++)
        if (m.expect[key] != NULL && (m.seen[key] < 100 || m.seen[key] > 300))
            ck_abort_msg("key %llu drawn %u times, not 200", (unsigned long long)key, m.seen[key]);
    model_done(&m);
}
END_TEST

START_TEST(random_sparse)
{
    struct model m;
    model_init(&m, 10, 64, 6);
    must(dict_random(&m.d, &m.a, &m.r) == NULL);
    must(dict_reserve(&m.d, &m.a, 1000000) == 0);
    must(dict_random(&m.d, &m.a, &m.r) == NULL);
    model_add(&m, 7);
    must(dict_random(&m.d, &m.a, &m.r) == m.expect[7]);
    model_done(&m);
}
END_TEST

START_TEST(memory)
{
    enum { KEYS = 1000000 };
    struct model m;
    model_init(&m, KEYS, 64, 8);
    for (uint64_t key = 0; key < KEYS; key++) {
        model_add(&m, key);
        must(m.d.count <= ((uint64_t)9 << (m.d.table[0].bits)) + 16);
    }
    while (dict_rehash_step(&m.d, &m.a, &ops, &m.hash_bits, 100))
        continue;
    must(m.d.table[0].bits == 17);
    must(dict_memory(&m.d) <= KEYS * 10);
    /* And back: removing all but a few gives the buckets back. */
    for (uint64_t key = 0; key < KEYS - 100; key++)
        model_want(&m, key, false);
    while (dict_rehash_step(&m.d, &m.a, &ops, &m.hash_bits, 100))
        continue;
    must(m.d.table[0].bits <= 6);
    model_check(&m);
    for (uint64_t key = KEYS - 100; key < KEYS; key++)
        model_want(&m, key, false);
    must(dict_memory(&m.d) <= DICT_BUCKET);
    model_done(&m);
}
END_TEST

START_TEST(reserve)
{
    struct model m;
    model_init(&m, 50000, 64, 9);
    must(dict_reserve(&m.d, &m.a, UINT64_MAX) == MR_E_MEMORY);
    must(dict_reserve(&m.d, &m.a, (uint64_t)1 << 38) == MR_E_MEMORY);
    must(dict_memory(&m.d) == 0);
    must(dict_reserve(&m.d, &m.a, 50000) == 0);
    uint64_t bits = m.d.table[0].bits;
    for (uint64_t key = 0; key < 50000; key++) {
        model_add(&m, key);
        must(!dict_rehashing(&m.d));
    }
    must(m.d.table[0].bits == bits);
    must(dict_reserve(&m.d, &m.a, 10) == 0);
    must(!dict_rehashing(&m.d));
    must(dict_reserve(&m.d, &m.a, 400000) == 0);
    must(dict_rehashing(&m.d));
    dict_pause(&m.d);
    must(dict_rehash_step(&m.d, &m.a, &ops, &m.hash_bits, UINT64_MAX));
    must(m.d.moved == 0);
    dict_resume(&m.d);
    must(!dict_rehash_step(&m.d, &m.a, &ops, &m.hash_bits, UINT64_MAX));
    must(m.d.table[0].bits == bits + 3);
    model_check(&m);
    model_done(&m);
}
END_TEST

static void drop(void *arg, void *element)
{
    struct model *m = arg;
    struct element *e = element;
    must(m->expect[e->key] == e);
    m->expect[e->key] = NULL;
    m->count--;
    arena_free(&m->a, e, sizeof *e);
}

/* In one go, in slices of any size, and in the middle of growing and of shrinking. */
START_TEST(drain)
{
    struct model m;
    model_init(&m, 5000, _i % 2 == 0 ? 64 : 4, 10);
    uint64_t cursor = 0;
    must(dict_drain(&m.d, &m.a, &cursor, 1, drop, &m));
    for (uint64_t key = 0; key < 4100; key++)
        model_add(&m, key);
    if (_i / 2 == 1)
        for (uint64_t key = 0; !dict_rehashing(&m.d) || m.d.table[1].bits > m.d.table[0].bits; key++)
            model_want(&m, key, false);
    must(dict_rehashing(&m.d));
    uint64_t slices = 0;
    while (!dict_drain(&m.d, &m.a, &cursor, 1 + random_below(&m.r, 20), drop, &m)) {
        must(dict_count(&m.d) == m.count);
        slices++;
    }
    must(slices > 20);
    must(m.count == 0);
    must(cursor == 0);
    must(m.a.used == 0);
    /* It can be used again. */
    for (uint64_t key = 0; key < 100; key++)
        model_add(&m, key);
    model_check(&m);
    must(dict_drain(&m.d, &m.a, &cursor, UINT64_MAX, drop, &m));
    model_done(&m);
}
END_TEST

/* Prefetching must be harmless in every state, and the inlined lookup the same one. */
START_TEST(prefetch)
{
    struct model m;
    model_init(&m, 3000, 6, 11);
    for (uint64_t key = 0; key <= 3000; key++) {
        uint64_t probe = random_below(&m.r, 3000);
        uint64_t hash = hash_key(&m.hash_bits, probe);
        dict_prefetch_bucket(&m.d, &m.a, hash);
        dict_prefetch_element(&m.d, &m.a, hash);
        struct slice s = slice_of(&probe, sizeof probe);
        must(dict_inline_find(&m.d, &m.a, &ops, s, hash, NULL) == m.expect[probe]);
        if (key < 3000)
            model_add(&m, key);
    }
    model_done(&m);
}
END_TEST

UNIT_SUITE(container_dict)
{
    tcase_add_loop_test(tc, model, 0, 5);
    tcase_add_loop_test(tc, scan_guarantee, 0, 3);
    tcase_add_loop_test(tc, random_fair, 0, 4);
    tcase_add_loop_test(tc, random_while_moving, 0, 4);
    tcase_add_test(tc, random_sparse);
    tcase_add_test(tc, memory);
    tcase_add_test(tc, reserve);
    tcase_add_loop_test(tc, drain, 0, 4);
    tcase_add_test(tc, prefetch);
}
