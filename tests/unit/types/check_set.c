/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets against a model that is one bit per number: additions, removals, draws, the operations on
 * several of them in every form and while tables grow and shrink; what they are in RDB; and that
 * no memory is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "codec/rdb_writer.h"
#include "types/set/set_builder.h"
#include "types/set/set_rdb.h"
#include "types/set/set_table.h"
#include "types/type_fixture.h"
#include "unit.h"

#define UNIVERSE 6000

static struct keyspace *ks;
static struct db *db;
static struct set_options options;
static struct random draw;
static struct buf out;

struct model {
    bool has[UNIVERSE];
    unsigned count;
};

static void set_up(void)
{
    random_init_seed(&draw, 11);
    options = (struct set_options){512, 128, 64};
    type_set_up(1);
    ks = type_fixture.ks;
    db = type_fixture.db;
    set_register(type_fixture.registry, &type_fixture.types, &options);
}

static void tear_down(void)
{
    type_tear_down();
    buf_done(&out);
}

/* Names of members: every third one is an integer, some are long. */
static struct slice name_of(char *text, unsigned n)
{
    const char *form = n % 3 == 0    ? "%u"
                       : n % 50 == 1 ? "a member of some more bytes than most of them have:%u"
                                     : "m:%u";
    return slice_of(text, (size_t)snprintf(text, 80, form, n));
}

static struct slice integer_of(char *text, unsigned n)
{
    return slice_of(text, (size_t)snprintf(text, 80, "%u", n * 7));
}

typedef struct slice naming(char *text, unsigned n);

/* Adds or removes up to COUNT members in one command. */
static void change(const char *key, struct model *m, naming *name, bool add, unsigned count,
                   unsigned universe)
{
    static char texts[1000][80];
    struct slice more[1000];
    char line[64];
    unsigned changed = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned n = (unsigned)random_below(&draw, universe);
        more[i] = name(texts[i], n);
        changed += m->has[n] != add;
        m->has[n] = add;
    }
    m->count += add ? changed : 0 - changed;
    snprintf(line, sizeof line, "%s %s", add ? "SADD" : "SREM", key);
    must(type_number(type_run_with(line, more, count)) == (long)changed);
}

static void check(const char *key, const struct model *m, naming *name, unsigned universe)
{
    char text[80];
    const struct entry *e = type_find(db, key);
    must((e != NULL) == (m->count > 0));
    if (e == NULL)
        return;
    struct set s = set_of(ks, e);
    must(set_count(&s) == m->count);
    for (unsigned n = 0; n < universe; n++)
        must(set_has(&s, name(text, n)) == m->has[n]);
    struct set_walk w;
    struct set_batch b;
    unsigned seen = 0;
    set_walk_begin(&w, &s);
    while (set_walk_next(&w, &b))
        seen += b.count;
    must(seen == m->count);
}

static void play(naming *name, unsigned universe, unsigned rounds)
{
    static struct model m;
    m = (struct model){0};
    for (unsigned round = 0; round < rounds; round++) {
        bool add = random_below(&draw, 100) < (round / 40 % 2 == 0 ? 75 : 25);
        unsigned count = random_below(&draw, 4) == 0 ? 1 + (unsigned)random_below(&draw, 100) : 1;
        change("k", &m, name, add, count, universe);
        if (round % 16 == 0)
            check("k", &m, name, universe);
    }
    check("k", &m, name, universe);
    type_run("SPOP k 1000000");
    must(type_find(db, "k") == NULL);
    type_free_all();
}

START_TEST(test_model)
{
    static const struct set_options all[] = {
        {512, 128, 64}, {16, 8, 40}, {0, 0, 0}, {1 << 20, 1 << 20, 1 << 20}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        options = all[i];
        play(name_of, 300, 600);
        play(name_of, UNIVERSE, 500);
        play(integer_of, 300, 600);
        play(integer_of, UNIVERSE, 500);
    }
    must(keyspace_arena(ks)->used < 100000);
}
END_TEST

/* --- several sets --- */

enum { SETS = 4 };

static struct model models[SETS];

/* A set of about COUNT members, made in steps that leave its table as it comes. */
static void make(unsigned i, unsigned count, unsigned universe)
{
    char key[8];
    snprintf(key, sizeof key, "s%u", i);
    type_run_with("SPOP", (struct slice[]){slice_str(key), slice_str("1000000")}, 2);
    models[i] = (struct model){0};
    while (models[i].count < count)
        change(key, &models[i], name_of, true, 1 + (unsigned)random_below(&draw, 200), universe);
    for (unsigned k = (unsigned)random_below(&draw, 3); k > 0 && models[i].count > 0; k--)
        change(key, &models[i], name_of, false, 1 + (unsigned)random_below(&draw, 900), universe);
}

/* Whether member N is in what WHAT makes of the first SETS sets. */
static bool wanted(char what, unsigned sets, unsigned n)
{
    unsigned in = 0;
    for (unsigned i = 0; i < sets; i++)
        in += models[i].has[n];
    if (what == 'I')
        return in == sets;
    return what == 'U' ? in > 0 : models[0].has[n] && in == 1;
}

static void check_operation(char what, unsigned sets, unsigned universe)
{
    static const char *const names[] = {"SINTER", "SUNION", "SDIFF"};
    const char *name = names[what == 'I' ? 0 : what == 'U' ? 1 : 2];
    static const struct slice keys[] = {{"s0", 2}, {"s1", 2}, {"s2", 2}, {"s3", 2}};
    static struct model m;
    char line[64];
    m = (struct model){0};
    for (unsigned n = 0; n < universe; n++) {
        m.has[n] = wanted(what, sets, n);
        m.count += m.has[n];
    }
    snprintf(line, sizeof line, "%sSTORE d", name);
    must(type_number(type_run_with(line, keys, sets)) == (long)m.count);
    check("d", &m, name_of, universe);
    snprintf(line, sizeof line, "%s", name);
    must(strtoul(type_run_with(line, keys, sets) + 1, NULL, 10) == m.count);
    snprintf(line, sizeof line, "%sCARD %u", name, sets);
    must(type_number(type_run_with(line, keys, sets)) == (long)m.count);
    struct slice more[SETS + 2] = {keys[0], keys[1], keys[2], keys[3]};
    more[sets] = slice_str("LIMIT");
    more[sets + 1] = slice_str("10");
    must(type_number(type_run_with(line, more, sets + 2)) == (m.count < 10 ? (long)m.count : 10));
}

START_TEST(test_operations)
{
    static const unsigned sizes[] = {0, 1, 5, 60, 120, 200, 700, 1500, 3000, 5500};
    for (unsigned round = 0; round < 60; round++) {
        unsigned universe = random_below(&draw, 3) == 0 ? 500 : UNIVERSE;
        for (unsigned i = 0; i < SETS; i++) {
            unsigned size = sizes[random_below(&draw, sizeof sizes / sizeof *sizes)];
            make(i, size < universe / 2 ? size : universe / 2, universe);
        }
        for (unsigned sets = 1; sets <= SETS; sets++)
            for (const char *what = "IUD"; *what != '\0'; what++)
                check_operation(*what, sets, universe);
    }
}
END_TEST

/* --- draws --- */

static void check_draws(unsigned members, unsigned count, bool pop)
{
    enum { ROUNDS = 4000 };
    static unsigned drawn[1000];
    memset(drawn, 0, sizeof drawn);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char text[80], line[64];
        if (round == 0 || pop) {
            type_run("SPOP k 100000");
            for (unsigned n = 0; n < members; n++) {
                struct slice more = slice_of(text, (size_t)snprintf(text, sizeof text, "m%u", n));
                type_run_with("SADD k", &more, 1);
            }
        }
        snprintf(line, sizeof line, "%s k %u", pop ? "SPOP" : "SRANDMEMBER", count);
        const char *p = type_run(line);
        bool seen[1000] = {0};
        must(strtoul(p + 1, NULL, 10) == count);
        for (unsigned i = 0; i < count; i++) {
            p = strchr(p, 'm') + 1;
            unsigned n = (unsigned)strtoul(p, NULL, 10);
            must(n < members && !seen[n]);
            seen[n] = true;
            drawn[n]++;
        }
    }
    /* Six deviations of a binomial distribution: one run of many millions fails. */
    double chance = (double)count / members, mean = ROUNDS * chance;
    double deviation = 0;
    for (double x = mean * (1 - chance); deviation * deviation < x;)
        deviation += 0.1;
    for (unsigned n = 0; n < members; n++)
        must(drawn[n] > mean - 6 * deviation - 1 && drawn[n] < mean + 6 * deviation + 1);
}

START_TEST(test_draws_are_fair)
{
    check_draws(20, 3, false);
    check_draws(20, 3, true);
    check_draws(300, 10, false);
    check_draws(300, 200, false);
    options.max_listpack_entries = 0;
    check_draws(20, 3, true);
    check_draws(20, 17, true);
}
END_TEST

/* --- RDB --- */

static struct slice payload_of(const char *key, unsigned *rdb_type)
{
    out.len = 0;
    *rdb_type = type_save(&set_type, type_find(db, key), &out, true);
    return buf_slice(&out);
}

static int load(struct slice bytes, unsigned rdb_type, const char *key)
{
    struct type_load l = {.type = &set_type, .rdb_type = rdb_type, .db = db, .key = key, .step = bytes.len};
    return type_load_through(&l, bytes);
}

static void delete (const char *key)
{
    type_delete(db, key);
    type_free_all();
}

/* Begins with what is the first part of it, and gives up. */
static void begin_load(struct slice bytes, uint64_t left, unsigned rdb_type)
{
    struct type_load l = {.type = &set_type, .rdb_type = rdb_type, .db = db, .key = "copy"};
    must(type_load(&l, bytes, left) == MR_E_AGAIN);
}

static void round_trip(naming *name, unsigned members)
{
    static struct model m;
    unsigned rdb_type;
    delete ("k");
    m = (struct model){0};
    while (m.count < members)
        change("k", &m, name, true, 1, members);
    struct slice payload = payload_of("k", &rdb_type);
    size_t used = keyspace_arena(ks)->used;
    for (size_t cut = 0; cut < payload.len; cut += 1 + payload.len / 200) {
        begin_load(slice_of(payload.ptr, cut), payload.len - cut, rdb_type);
        must(load(slice_of(payload.ptr, cut), rdb_type, "copy") == MR_E_TRUNCATED);
    }
    must(keyspace_arena(ks)->used == used);
    must(load(payload, rdb_type, "copy") == 0);
    check("copy", &m, name, members);
    must(set_of(ks, type_find(db, "copy")).kind == set_of(ks, type_find(db, "k")).kind);
    delete ("copy");
    must(keyspace_arena(ks)->used == used);
}

START_TEST(test_rdb)
{
    static const unsigned sizes[] = {1, 5, 127, 512, 3000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        round_trip(name_of, sizes[i]);
        round_trip(integer_of, sizes[i]);
    }
}
END_TEST

/* The bytes of text after its own length, as a string of a file. */
static struct slice blob(const void *bytes, size_t len)
{
    struct rdb_writer w = {.out = &out};
    out.len = 0;
    rdb_write_len(&w, len);
    rdb_write_bytes(&w, slice_of(bytes, len));
    return buf_slice(&out);
}

static struct slice listpack_blob(unsigned count, const char *const *texts)
{
    static unsigned char lp[4096];
    listpack_init(lp);
    for (unsigned i = 0; i < count; i++) {
        struct listpack_value v = listpack_value_of(slice_str(texts[i]));
        size_t end = listpack_end(lp);
        struct listpack_change c = {.at = end, .end = end, .count = 1, .values = &v};
        listpack_change(lp, &c);
    }
    return blob(lp, listpack_bytes(lp));
}

START_TEST(test_listpacks_of_files)
{
    static const char *const good[] = {"a", "1", "b", "-77"};
    static const char *const pair[] = {"a", "1", "b", "1"};
    must(load(listpack_blob(4, good), SET_RDB_LISTPACK, "k") == 0);
    must(set_of(ks, type_find(db, "k")).kind == SET_LISTPACK);
    must(type_number(type_run("SCARD k")) == 4);
    must(type_number(type_run("SREM k a b 1 -77")) == 4);
    must(load(listpack_blob(4, pair), SET_RDB_LISTPACK, "k") == MR_E_CORRUPT);
    must(load(listpack_blob(0, NULL), SET_RDB_LISTPACK, "k") == MR_E_NO_KEY);
    options.max_listpack_entries = 3;
    must(load(listpack_blob(4, pair), SET_RDB_LISTPACK, "k") == MR_E_CORRUPT);
    must(load(listpack_blob(4, good), SET_RDB_LISTPACK, "k") == 0);
    must(set_of(ks, type_find(db, "k")).kind == SET_TABLE);
    must(type_number(type_run("SREM k a b 1 -77")) == 4);
    struct slice bytes = listpack_blob(4, good);
    ((char *)(uintptr_t)bytes.ptr)[bytes.len - 1] = 0;
    must(load(bytes, SET_RDB_LISTPACK, "k") == MR_E_CORRUPT);
    must(db_size(db) == 0);
}
END_TEST

START_TEST(test_intsets_of_files)
{
    static const unsigned char good[] = {2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0};
    static const unsigned char order[] = {2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0};
    static const unsigned char empty[] = {2, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char width[] = {3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0};
    must(load(blob(order, sizeof order), SET_RDB_INTSET, "k") == MR_E_CORRUPT);
    must(load(blob(empty, sizeof empty), SET_RDB_INTSET, "k") == MR_E_CORRUPT);
    must(load(blob(width, sizeof width), SET_RDB_INTSET, "k") == MR_E_CORRUPT);
    must(load(blob(good, sizeof good - 1), SET_RDB_INTSET, "k") == MR_E_CORRUPT);
    must(load(blob(good, sizeof good), SET_RDB_INTSET, "k") == 0);
    must(type_number(type_run("SISMEMBER k 2")) == 1);
    delete ("k");
    options.max_intset_entries = 1;
    must(load(blob(good, sizeof good), SET_RDB_INTSET, "k") == 0);
    must(set_of(ks, type_find(db, "k")).kind == SET_TABLE);
    must(type_number(type_run("SISMEMBER k 2")) == 1);
}
END_TEST

START_TEST(test_members_of_files)
{
    must(load(slice_str("\x02\x01x\x01x"), SET_RDB_TABLE, "k") == MR_E_CORRUPT);
    must(load(slice_str("\x02\x01x\xc0\x05"), SET_RDB_TABLE, "k") == 0);
    must(type_number(type_run("SISMEMBER k 5")) == 1);
    delete ("k");
    must(load(slice_str("\x02\x01"
                        "5\xc0\x05"),
              SET_RDB_TABLE, "k") == MR_E_CORRUPT);
    must(load(slice_of("", 1), SET_RDB_TABLE, "k") == MR_E_NO_KEY);
    must(load(slice_str("\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01x"), SET_RDB_TABLE, "k") == MR_E_TRUNCATED);
    must(db_size(db) == 0);
}
END_TEST

/* --- memory --- */

START_TEST(test_memory_is_told_and_given_back)
{
    static struct model m;
    struct entry_value v;
    m = (struct model){0};
    while (m.count < 5000)
        change("k", &m, name_of, true, 500, UNIVERSE);
    struct entry *e = type_find(db, "k");
    size_t before = keyspace_arena(ks)->used;
    must(set_type.copy(ks, e, &v) == 0);
    size_t took = keyspace_arena(ks)->used - before;
    type_put(db, "c", OBJECT_SET, &v);
    must(set_type.memory(ks, type_find(db, "c"), 0) == took);
    size_t guess = set_type.memory(ks, type_find(db, "c"), 100);
    must(guess > took / 2 && guess < took * 2);
    change("k", &m, name_of, false, 900, UNIVERSE);
    must(set_type.length(ks, type_find(db, "c")) > m.count);
    must(type_delete(db, "c"));
    /* In slices: not all of it is gone at once. */
    must(keyspace_is_freeing(ks));
    delete ("c");
    delete ("k");
    must(keyspace_arena(ks)->used < 1000);
}
END_TEST

START_TEST(test_relocation)
{
    static struct model m;
    m = (struct model){0};
    char text[80];
    for (unsigned n = 0; n < 100000; n++) {
        struct slice name = slice_of(text, (size_t)snprintf(text, sizeof text, "x:%u", n));
        must(type_number(type_run_with("SADD junk", &name, 1)) == 1);
        if (n % 20 == 0)
            change("k", &m, name_of, true, 1, UNIVERSE);
    }
    delete ("junk");
    must(arena_evacuate_begin(keyspace_arena(ks), 10) > 0);
    size_t used = keyspace_arena(ks)->used;
    for (unsigned pass = 0; pass < 2; pass++) {
        uint64_t cursor = 0, budget = UINT64_MAX;
        size_t moved = 0;
        while (!set_type.relocate(ks, type_find(db, "k"), &cursor, &budget, &moved))
            budget = UINT64_MAX;
        must((moved > 0) == (pass == 0));
    }
    arena_evacuate_end(keyspace_arena(ks));
    must(keyspace_arena(ks)->used == used);
    check("k", &m, name_of, UNIVERSE);
    change("k", &m, name_of, false, 900, UNIVERSE);
    check("k", &m, name_of, UNIVERSE);
}
END_TEST

UNIT_SUITE(types_set)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_model);
    tcase_add_test(tc, test_operations);
    tcase_add_test(tc, test_draws_are_fair);
    tcase_add_test(tc, test_rdb);
    tcase_add_test(tc, test_listpacks_of_files);
    tcase_add_test(tc, test_intsets_of_files);
    tcase_add_test(tc, test_members_of_files);
    tcase_add_test(tc, test_memory_is_told_and_given_back);
    tcase_add_test(tc, test_relocation);
}
