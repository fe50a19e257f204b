/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted sets against a model that is one score per number: additions, other scores, removals and
 * ranges, packed and big, while they grow and shrink; the prefixes of scores; sets that are built;
 * what they are in RDB, what of it is refused; freeing in slices, copies, moving; and that no
 * memory is lost.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "codec/rdb_writer.h"
#include "types/type_fixture.h"
#include "types/zset/zset_builder.h"
#include "types/zset/zset_pack.h"
#include "types/zset/zset_private.h"
#include "types/zset/zset_rdb.h"
#include "unit.h"

#define UNIVERSE 3000

static struct keyspace *ks;
static struct arena *a;
static struct db *db;
static struct zset_options options;
static struct random draw;

static struct model {
    double score[UNIVERSE];
    bool has[UNIVERSE];
    unsigned order[UNIVERSE]; /* those that are there, in order */
    unsigned count;
} model;

static void set_up(void)
{
    random_init_seed(&draw, 5);
    options = (struct zset_options){128, 64};
    memset(&model, 0, sizeof model);
    type_set_up(1);
    ks = type_fixture.ks;
    a = type_fixture.a;
    db = type_fixture.db;
    zset_register(type_fixture.registry, &type_fixture.types, &options);
}

/* Every third one is an integer, some are long. */
static struct slice name_of(char *text, unsigned n)
{
    const char *form = n % 3 == 0    ? "%u"
                       : n % 90 == 1 ? "a member of some more bytes than most of them have, and more:%u"
                                     : "m:%u";
    return slice_of(text, (size_t)snprintf(text, 80, form, n));
}

static int by_model(const void *x, const void *y)
{
    unsigned m = *(const unsigned *)x, n = *(const unsigned *)y;
    char text[2][80];
    if (model.score[m] != model.score[n])
        return model.score[m] < model.score[n] ? -1 : 1;
    return zset_compare_members(name_of(text[0], m), name_of(text[1], n));
}

static void order_model(void)
{
    model.count = 0;
    for (unsigned n = 0; n < UNIVERSE; n++)
        if (model.has[n])
            model.order[model.count++] = n;
    qsort(model.order, model.count, sizeof *model.order, by_model);
}

static struct zset find(void)
{
    struct zset z = {.db = db, .ks = ks, .a = a};
    struct slice key = slice_str("z");
    uint64_t hash = keyspace_hash(ks, key);
    struct entry *e = db_find(db, key, hash, 0);
    if (e != NULL)
        zset_open(&z, ks, e);
    z.db = db;
    z.key = key;
    z.hash = hash;
    return z;
}

static bool stands_before(const void *x, const void *y)
{
    double p = zset_element_score(x), q = zset_element_score(y);
    return p < q || (p == q && zset_compare_members(zset_element_member(x), zset_element_member(y)) < 0);
}

static void check_structure(const struct zset_big *big)
{
    must(btree_check(&big->tree, a, stands_before));
    must(big->tree.count == dict_count(&big->dict));
    uint64_t bytes = 0;
    struct btree_place p = btree_first(&big->tree);
    for (const struct zset_element *el; (el = btree_element(a, &p)) != NULL; btree_next(a, &p)) {
        must(btree_tag(a, &p) == zset_score_prefix(zset_element_score(el)));
        bytes += zset_element_bytes(el);
    }
    must(bytes == big->bytes);
}

static void check_walk(const struct zset *z, uint64_t rank, uint64_t count, bool reverse)
{
    struct zset_walk w;
    struct zset_item item;
    char text[80];
    zset_walk_begin(&w, z, rank, count, reverse);
    uint64_t left = rank < model.count ? model.count - rank : 0, i = rank;
    must(w.left == (count < left ? count : left));
    for (; zset_walk_next(&w, &item); i++) {
        unsigned n = model.order[reverse ? model.count - 1 - i : i];
        must(slice_equal(item.member, name_of(text, n)) && item.score == model.score[n]);
    }
    must(i == rank + (count < left ? count : left));
}

static void check_score_range(const struct zset *z)
{
    double low = (double)random_below(&draw, 60) - 30, high = low + (double)random_below(&draw, 10);
    struct zset_range r = {.by = ZSET_BY_SCORE, .min = {.score = low}, .max = {.score = high}};
    r.min.exclusive = random_below(&draw, 2) == 0;
    r.max.exclusive = random_below(&draw, 2) == 0;
    uint64_t first = 0, many = 0, rank, count;
    for (unsigned i = 0; i < model.count; i++) {
        double s = model.score[model.order[i]];
        if (r.min.exclusive ? s <= low : s < low)
            first++;
        else
            many += r.max.exclusive ? s < high : s <= high;
    }
    zset_range_window(z, &r, false, &rank, &count);
    must(count == many && (count == 0 || rank == first));
    zset_range_window(z, &r, true, &rank, &count);
    must(count == many && (count == 0 || rank == model.count - first - many));
}

static void check_all(void)
{
    char text[80];
    struct zset_found found;
    struct zset z = find();
    order_model();
    must(zset_count(&z) == model.count && (z.e != NULL) == (model.count > 0));
    if (z.big != NULL)
        check_structure(z.big);
    check_walk(&z, 0, UINT64_MAX, false);
    check_walk(&z, 0, UINT64_MAX, true);
    for (unsigned i = 0; i < 5; i++)
        check_walk(&z, random_below(&draw, UNIVERSE), random_below(&draw, 40), i % 2 == 0);
    for (unsigned i = 0; i < 30; i++)
        check_score_range(&z);
    for (unsigned n = 0; n < UNIVERSE; n++) {
        struct slice name = name_of(text, n);
        must(zset_member(&z, name, keyspace_hash(ks, name), &found) == model.has[n]);
        must(!model.has[n] || found.score == model.score[n]);
    }
    for (unsigned i = 0; i < model.count; i += 7) {
        struct slice name = name_of(text, model.order[i]);
        must(zset_member(&z, name, keyspace_hash(ks, name), &found) && zset_rank(&z, name, &found) == i);
    }
}

/* Whole, and halves that no 4 bytes hold, and few of them so that many are equal. */
static double any_score(void)
{
    switch (random_below(&draw, 8)) {
    case 0:
        return (double)random_below(&draw, 1000) / 3;
    case 1:
        return -1e12 * (double)random_below(&draw, 9);
    case 2:
        return random_below(&draw, 2) == 0 ? INFINITY : -INFINITY;
    default:
        return (double)random_below(&draw, 60) - 30;
    }
}

static void change(struct zset *z, unsigned n, bool remove)
{
    char text[80];
    struct slice name = name_of(text, n);
    uint64_t hash = keyspace_hash(ks, name);
    struct zset_found found;
    double score = any_score();
    bool there = zset_member(z, name, hash, &found);
    must(there == model.has[n]);
    if (remove && there)
        zset_remove(z, hash, &found);
    else if (there)
        zset_rescore(z, name, &found, score);
    else if (!remove)
        zset_add(z, name, hash, score);
    model.has[n] = !remove;
    model.score[n] = score;
}

/* CHANGES of them among the first NAMES numbers, a few in each edit. */
static void stir(unsigned changes, unsigned names, unsigned removals)
{
    while (changes > 0) {
        struct zset z = find();
        zset_edit(&z);
        for (unsigned i = 0; i < 4 && changes > 0; i++, changes--)
            change(&z, (unsigned)random_below(&draw, names), random_below(&draw, 100) < removals);
        bool emptied;
        must(zset_commit(&z, &emptied) == 0 && emptied == (find().e == NULL));
    }
}

static void cut(unsigned rank, unsigned count)
{
    struct zset z = find();
    order_model();
    if (rank + count > model.count)
        return;
    for (unsigned i = rank; i < rank + count; i++)
        model.has[model.order[i]] = false;
    zset_edit(&z);
    zset_remove_range(&z, rank, count);
    must(zset_commit(&z, NULL) == 0);
}

static void drain(void)
{
    type_delete(db, "z");
    type_free_all();
}

START_TEST(packed)
{
    options.max_value = 100;
    for (unsigned round = 0; round < 40; round++) {
        stir(60, 90, round % 2 == 0 ? 20 : 70);
        must(find().big == NULL);
        check_all();
        cut((unsigned)random_below(&draw, 5), (unsigned)random_below(&draw, 10));
        check_all();
    }
}
END_TEST

START_TEST(big)
{
    size_t before = a->used;
    options.max_entries = _i == 0 ? 0 : 128;
    for (unsigned round = 0; round < 12; round++) {
        stir(3000, UNIVERSE, round % 3 == 2 ? 80 : 20);
        check_all();
        cut((unsigned)random_below(&draw, 500), (unsigned)random_below(&draw, 900));
        check_all();
    }
    must(find().big != NULL);
    order_model();
    cut(0, model.count);
    check_all();
    must(find().e == NULL);
    drain();
    stir(2000, UNIVERSE, 0);
    drain();
    memset(model.has, 0, sizeof model.has);
    check_all();
    must(a->used - before < 4096);
}
END_TEST

START_TEST(becomes_big)
{
    options.max_entries = 50;
    char text[80];
    for (unsigned n = 2; n < 80; n++) {
        struct zset z = find();
        struct slice name = slice_of(text, (size_t)snprintf(text, sizeof text, "%u", n));
        zset_edit(&z);
        zset_add(&z, name, keyspace_hash(ks, name), n);
        must(zset_commit(&z, NULL) == 0);
        must((find().big != NULL) == (n - 1 > 50));
    }
}
END_TEST

/* --- scores --- */

START_TEST(prefixes)
{
    static const double special[] = {0,
                                     -0.0,
                                     1,
                                     -1,
                                     0x1p-10,
                                     0x1p-11,
                                     0x1p52,
                                     0x1p53,
                                     1e308,
                                     -1e308,
                                     5e-324,
                                     -5e-324,
                                     INFINITY,
                                     -INFINITY,
                                     0x1.fffffffffffffp-11,
                                     0x1.fffffffffffffp51,
                                     -0x1p-10,
                                     -0x1p52};
    for (unsigned i = 0; i < 200000; i++) {
        double x[2];
        for (unsigned k = 0; k < 2; k++) {
            uint64_t bits = random_next(&draw);
            memcpy(&x[k], &bits, sizeof bits);
            if (i % 4 == 1 || isnan(x[k]))
                x[k] = special[random_below(&draw, sizeof special / sizeof *special)];
            if (i % 4 == 2)
                x[k] = (double)(int64_t)(bits >> 20) / 1024;
            if (i % 4 == 3)
                x[k] = (double)((int64_t)(bits >> 38) - (1 << 25));
        }
        uint32_t p = zset_score_prefix(x[0]), q = zset_score_prefix(x[1]);
        must(x[0] < x[1] ? p <= q : x[0] > x[1] ? p >= q : p == q);
        must((x[0] < x[1]) == (zset_score_image(x[0]) < zset_score_image(x[1])));
        /* Whole numbers up to 2^26 are told apart. */
        must(i % 4 != 3 || (p == q) == (x[0] == x[1]));
    }
}
END_TEST

START_TEST(elements)
{
    static const double scores[] = {1,          0.5,           -0.0,          0,       2147483647,
                                    2147483648, -2147483648.0, -2147483649.0, INFINITY};
    char member[70000];
    memset(member, 'm', sizeof member);
    for (size_t len = 0; len < sizeof member; len += len < 300 ? 1 : 20011) {
        struct zset_element *el = zset_element_new(a, slice_of(member, len), 7);
        for (unsigned i = 0; i < sizeof scores / sizeof *scores; i++) {
            el = zset_element_rescore(a, el, scores[i]);
            double score = zset_element_score(el);
            must(memcmp(&score, &scores[i], sizeof score) == 0);
            must(slice_equal(zset_element_member(el), slice_of(member, len)));
        }
        zset_element_free(a, el);
    }
    must(zset_element_bytes(zset_element_new(a, slice_str("member:0000000001"), 5)) == 24);
}
END_TEST

/* --- building, copying, moving --- */

START_TEST(built)
{
    char text[80];
    struct slice key = slice_str("z");
    options.max_entries = _i == 0 ? 0 : 128;
    for (unsigned names = 1; names < UNIVERSE; names = names * 3 + 1) {
        struct zset_builder b;
        zset_builder_init(&b, ks, &options);
        memset(model.has, 0, sizeof model.has);
        if (names % 2 == 0)
            zset_builder_index(&b, names);
        for (unsigned i = 0; i < names; i++) {
            unsigned n = (i * 37 + 11) % UNIVERSE;
            struct slice name = name_of(text, n);
            uint64_t hash = keyspace_hash(ks, name);
            struct dict_slot slot;
            must(!model.has[n]);
            model.has[n] = true;
            model.score[n] = any_score();
            if (names % 2 != 0) {
                zset_builder_add(&b, name, model.score[n]);
                continue;
            }
            must(zset_builder_find(&b, name, hash, &slot) == NULL);
            zset_builder_add_indexed(&b, name, hash, 3);
            zset_builder_rescore(&b, zset_builder_find(&b, name, hash, &slot), slot, model.score[n]);
        }
        must(zset_builder_store(&b, db, key, keyspace_hash(ks, key)) == 0);
        zset_builder_done(&b);
        check_all();
    }
}
END_TEST

START_TEST(copied)
{
    struct entry_value v;
    struct slice key = slice_str("z");
    stir(2500, UNIVERSE, 10);
    struct zset z = find();
    must(zset_type.copy(ks, z.e, &v) == 0);
    type_put(db, "y", OBJECT_ZSET, &v);
    struct entry *e = type_find(db, "y");
    must(zset_type.length(ks, e) == zset_count(&z) &&
         zset_type.memory(ks, e, 0) <= zset_type.memory(ks, z.e, 0));
    struct zset copy;
    zset_open(&copy, ks, e);
    check_structure(copy.big);
    type_delete(db, "z");
    must(db_move(db, e, db, key, keyspace_hash(ks, key), NULL) == 0);
    check_all();
}
END_TEST

/* A few elements at a time, as the defragmenter has it. */
static size_t relocate_in_slices(struct zset_big **set)
{
    uint64_t cursor = 0, budget = 100;
    size_t count = 0;
    for (unsigned slices = 0; !zset_big_relocate(ks, set, &cursor, &budget, &count); slices++) {
        must(slices < 2000 && budget < 100);
        budget = 100;
    }
    return count;
}

START_TEST(moved)
{
    struct zset_big *set = zset_big_new(a);
    char text[80];
    const unsigned many = 60000;
    for (unsigned n = 0; n < many; n++) {
        struct slice name = slice_of(text, (size_t)snprintf(text, sizeof text, "member:%u", n));
        zset_big_add(ks, set, name, keyspace_hash(ks, name), n * 37 % many);
    }
    for (unsigned n = 0; n < many; n++) {
        struct slice name = slice_of(text, (size_t)snprintf(text, sizeof text, "member:%u", n));
        struct dict_slot slot;
        uint64_t hash = keyspace_hash(ks, name);
        struct zset_element *el = zset_big_find(set, a, name, hash, &slot);
        if (n % 5 != 0)
            zset_big_remove(ks, set, el, slot, hash);
    }
    must(arena_evacuate_begin(a, 10) > 0);
    must(relocate_in_slices(&set) > 1000);
    must(relocate_in_slices(&set) == 0);
    arena_evacuate_end(a);
    check_structure(set);
    for (unsigned n = 0; n < many; n += 5) {
        struct slice name = slice_of(text, (size_t)snprintf(text, sizeof text, "member:%u", n));
        const struct zset_element *el = zset_big_find(set, a, name, keyspace_hash(ks, name), NULL);
        must(el != NULL && zset_element_score(el) == n * 37 % many);
    }
    zset_big_free(a, set);
}
END_TEST

START_TEST(freed_in_slices)
{
    size_t before = a->used;
    struct zset_big *set = zset_big_new(a);
    char text[80];
    for (unsigned n = 0; n < UNIVERSE; n++) {
        struct slice name = name_of(text, n);
        zset_big_add(ks, set, name, keyspace_hash(ks, name), n % 17);
    }
    uint64_t slices = 0, budget;
    do
        budget = 50;
    while (slices++ < UNIVERSE && !zset_big_free_some(a, set, &budget));
    must(slices > UNIVERSE / 60 && slices < UNIVERSE && a->used == before);
}
END_TEST

/* --- RDB --- */

static int load(unsigned type, const char *bytes, size_t len, uint64_t rest)
{
    struct type_load l = {.type = &zset_type, .rdb_type = type, .db = db, .key = "z"};
    drain();
    uint64_t used = a->used;
    int code = type_load(&l, slice_of(bytes, len), rest);
    must(code == 0 || a->used == used);
    must((find().e != NULL) == (code == 0));
    return code;
}

/* The same by a window that moves on, of no more than what is wanted and STEP bytes. */
static int load_through(unsigned type, struct slice bytes, size_t step, bool past)
{
    struct type_load l = {
        .type = &zset_type, .rdb_type = type, .db = past ? NULL : db, .key = "z", .step = step};
    drain();
    uint64_t used = a->used;
    int code = type_load_through(&l, bytes);
    must(l.most <= step + 400);
    must((find().e != NULL) == (code == 0 && !past));
    must((code == 0 && !past) || a->used == used);
    return code;
}

START_TEST(saved)
{
    struct buf out = {0};
    stir(_i < 2 ? 100 : 4000, _i < 2 ? 60 : UNIVERSE, 10);
    options.max_value = 100;
    unsigned type = type_save(&zset_type, find().e, &out, _i % 2 == 0);
    must(type == (find().big != NULL ? 5 : 17));
    must(load(type, out.data, out.len, 0) == 0);
    check_all();
    for (size_t len = 0; len < out.len; len += 1 + out.len / 60) {
        must(load(type, out.data, len, out.len - len) == MR_E_AGAIN);
        must(load(type, out.data, len, 0) == MR_E_TRUNCATED);
    }
    buf_done(&out);
}
END_TEST

START_TEST(loaded_in_parts)
{
    struct buf out = {0};
    stir(4000, UNIVERSE, 10);
    must(find().big != NULL);
    must(type_save(&zset_type, find().e, &out, false) == 5);
    for (size_t step = 1; step < out.len * 2; step *= 3) {
        must(load_through(5, buf_slice(&out), step, false) == 0);
        check_all();
        check_structure(find().big);
        must(load_through(5, buf_slice(&out), step, true) == 0);
        for (size_t len = 0; len < out.len; len += 1 + out.len / 7)
            must(load_through(5, slice_of(out.data, len), step, step % 2 == 0) == MR_E_TRUNCATED);
    }
    /* The first member again at the end, and its score is another one. */
    out.data[out.len - 1] ^= 1;
    size_t head = out.data[0] & 0x40 ? 2 : 1;
    size_t first = 1 + (size_t)out.data[head] + 8;
    must(out.data[head] < 0x40);
    buf_append(&out, out.data + head, first);
    unsigned count = 1 + ((unsigned)(out.data[0] & 0x3f) << 8 | (unsigned char)out.data[1]);
    out.data[0] = (char)(0x40 | count >> 8);
    out.data[1] = (char)count;
    for (size_t step = 1; step < out.len * 2; step *= 5)
        must(load_through(5, buf_slice(&out), step, false) == MR_E_CORRUPT);
    buf_done(&out);
}
END_TEST

static int load_doubles(unsigned count, const char *const *members, const double *scores)
{
    struct buf out = {0};
    struct rdb_writer w = {.out = &out};
    rdb_write_len(&w, count);
    for (unsigned i = 0; i < count; i++) {
        rdb_write_string(&w, slice_str(members[i]));
        rdb_write_double(&w, scores[i]);
    }
    int code = load(5, out.data, out.len, 0);
    buf_done(&out);
    return code;
}

START_TEST(refused_members)
{
    must(load_doubles(2, (const char *[]){"a", "b"}, (double[]){2, 1}) == 0);
    must(zset_count(&(struct zset){.lp = find().lp}) == 2);
    must(load_doubles(2, (const char *[]){"a", "a"}, (double[]){2, 1}) == MR_E_CORRUPT);
    must(load_doubles(1, (const char *[]){"a"}, (double[]){NAN}) == MR_E_CORRUPT);
    /* texts: inf, -inf, 1.5; nan; no number */
    must(load(3, "\3\1a\376\1b\377\1c\0031.5", 13, 0) == 0);
    must(isinf(zset_pack_score(find().lp, LISTPACK_HEAD)));
    must(load(3, "\1\1a\375", 4, 0) == MR_E_CORRUPT);
    must(load(3, "\1\1a\2x1", 6, 0) == MR_E_CORRUPT);
    must(load(3, "\1\1a\0", 4, 0) == MR_E_CORRUPT);
}
END_TEST

static int load_listpack(const char *const *texts, unsigned count)
{
    struct buf out = {0}, pack = {0};
    struct rdb_writer w = {.out = &out};
    zset_pack_begin(&pack);
    for (unsigned i = 0; i < count; i++) {
        struct listpack_value v = listpack_value_of(slice_str(texts[i]));
        struct listpack_change c = {.count = 1, .values = &v};
        c.at = c.end = listpack_end(zset_pack_of(&pack));
        size_t bytes = listpack_change_bytes(zset_pack_of(&pack), &c);
        buf_grow(&pack, bytes - pack.len);
        listpack_change((unsigned char *)pack.data, &c);
        pack.len = bytes;
    }
    rdb_write_string(&w, buf_slice(&pack));
    int code = load(17, out.data, out.len, 0);
    buf_done(&out);
    buf_done(&pack);
    return code;
}

START_TEST(refused_packs)
{
    must(load_listpack((const char *[]){"a", "1", "b", "2"}, 4) == 0 && find().big == NULL);
    must(load_listpack((const char *[]){"a", "1", "b"}, 3) == MR_E_CORRUPT);
    must(load_listpack((const char *[]){"a", "1", "a", "2"}, 4) == MR_E_CORRUPT);
    must(load_listpack((const char *[]){"a", "x"}, 2) == MR_E_CORRUPT);
    must(load_listpack((const char *[]){"a", "nan"}, 2) == MR_E_CORRUPT);
    must(load_listpack((const char *[]){"a", ""}, 2) == MR_E_CORRUPT);
    /* What is only out of order is put in order. */
    must(load_listpack((const char *[]){"b", "2", "a", "1", "c", "-inf"}, 6) == 0);
    must(zset_pack_score(find().lp, LISTPACK_HEAD) == -INFINITY && zset_pack_count(find().lp) == 3);
    must(load_listpack((const char *[]){"b", "1", "a", "1"}, 4) == 0);
    must(*zset_pack_text(find().lp, LISTPACK_HEAD, (char[NUMBER_TEXT_MAX]){0}).ptr == 'a');
    options.max_entries = 1;
    must(load_listpack((const char *[]){"a", "1", "b", "2"}, 4) == 0 && find().big != NULL);
}
END_TEST

/* --- what commands tell --- */

START_TEST(events_told)
{
    static const char *const rows[][2] = {
        {"ZADD z 1 a 2 b", "new zadd "},
        {"ZADD z 1 a", ""},
        {"ZADD z XX 1 new", ""},
        {"ZADD z CH 5 a", "zadd "},
        {"ZADD z INCR 1 a", "zincr "},
        {"ZINCRBY z 0 a", ""},
        {"ZINCRBY z 1 c", "zincr "},
        {"ZREM z nosuch", ""},
        {"ZREM z c", "zrem "},
        {"ZREM z a b", "zrem del "},
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g", "new zadd "},
        {"ZPOPMIN z", "zpopmin "},
        {"ZPOPMAX z 2", "zpopmax "},
        {"ZMPOP 1 z MIN", "zpopmin "},
        {"ZREMRANGEBYRANK z 50 60", ""},
        {"ZREMRANGEBYRANK z 0 0", "zremrangebyrank "},
        {"ZREMRANGEBYSCORE z 4 4", "zremrangebyscore "},
        {"ZREMRANGEBYLEX z - +", "zremrangebylex del "},
        {"ZADD z 1 a 2 b", "new zadd "},
        {"ZUNIONSTORE y 1 z", "new zunionstore "},
        {"ZUNIONSTORE y 2 z y", "overwritten zunionstore "},
        {"ZINTERSTORE y 1 z", "overwritten zinterstore "},
        {"ZDIFFSTORE y 1 z", "overwritten zdiffstore "},
        {"ZRANGESTORE y z 0 0", "overwritten zrangestore "},
        {"ZRANGESTORE y z 8 9", "del "},
        {"ZDIFFSTORE y 2 z z", ""},
        {"ZPOPMIN z 10", "zpopmin del "},
        {"GEOADD g 1 1 a 2 2 b", "new zadd "},
        {"GEOADD g 1 1 a", ""},
        {"GEOSEARCHSTORE h g FROMMEMBER a BYRADIUS 1 km", "new geosearchstore "},
        {"GEORADIUS g 1 1 1 km STOREDIST h", "overwritten georadiusstore "},
        {"GEORADIUS g 9 9 1 km STORE h", "del "},
    };
    type_observe(EVENT_CLASSES & ~(unsigned)EVENT_MISS);
    options.max_entries = _i == 0 ? 0 : 128;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *reply = type_run(rows[i][0]);
        must(reply[0] != '\0' && reply[0] != '-');
        ck_assert_str_eq(buf_cstr(&type_fixture.events), rows[i][1]);
    }
}
END_TEST

UNIT_SUITE(types_zset)
{
    tcase_add_loop_test(tc, events_told, 0, 2);
    tcase_add_checked_fixture(tc, set_up, type_tear_down);
    tcase_add_test(tc, packed);
    tcase_add_loop_test(tc, big, 0, 2);
    tcase_add_test(tc, becomes_big);
    tcase_add_test(tc, prefixes);
    tcase_add_test(tc, elements);
    tcase_add_loop_test(tc, built, 0, 2);
    tcase_add_test(tc, copied);
    tcase_add_test(tc, moved);
    tcase_add_test(tc, freed_in_slices);
    tcase_add_test(tc, loaded_in_parts);
    tcase_add_loop_test(tc, saved, 0, 4);
    tcase_add_test(tc, refused_members);
    tcase_add_test(tc, refused_packs);
}
