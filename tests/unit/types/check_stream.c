/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams against a model that is an array of ids: random additions, deletions, trimming and walks,
 * with nodes of all sizes; ids and their texts; what it is in RDB, in parts, and what of it is
 * refused; payloads of other servers; freeing in slices, copies, moving; events; and that no memory is
 * lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_idmp.h"
#include "types/stream/stream_node.h"
#include "types/stream/stream_pack.h"
#include "types/stream/stream_rdb.h"
#include "types/type_fixture.h"
#include "unit.h"

#define MODEL 20000

static struct keyspace *ks;
static struct arena *a;
static struct db *db;
static struct stream_options options;
static struct random draw;

static struct model {
    struct stream_id id[MODEL];
    bool gone[MODEL];
    unsigned count; /* ever added */
    unsigned live;
} model;

static void set_up(void)
{
    random_init_seed(&draw, 7);
    options = (struct stream_options){4096, 100, 100, 100};
    memset(&model, 0, sizeof model);
    type_set_up(1);
    ks = type_fixture.ks;
    a = type_fixture.a;
    db = type_fixture.db;
    stream_register(type_fixture.registry, &type_fixture.types, &options);
}

static uint64_t below(uint64_t n)
{
    return random_below(&draw, n);
}

static struct stream *get(const char *key)
{
    return stream_of(ks, type_find(db, key));
}

/* --- against the model --- */

static void check_all(const char *key)
{
    const struct stream *s = get(key);
    struct stream_walk w;
    must(stream_check(s, a) && s->length == model.live);
    stream_walk_begin(&w, s, a, STREAM_ID_MIN, STREAM_ID_MAX, false);
    for (unsigned i = 0; i < model.count; i++)
        if (!model.gone[i])
            must(stream_walk_next(&w) && stream_id_compare(w.id, model.id[i]) == 0);
    must(!stream_walk_next(&w));
    stream_walk_begin(&w, s, a, STREAM_ID_MIN, STREAM_ID_MAX, true);
    for (unsigned i = model.count; i-- > 0;)
        if (!model.gone[i])
            must(stream_walk_next(&w) && stream_id_compare(w.id, model.id[i]) == 0);
    must(!stream_walk_next(&w));
}

static void add(const char *key)
{
    static const char *const fields[] = {"f %u", "f value:%u", "g %u f -1",
                                         "f xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx%u"};
    struct stream_id id = model.count == 0 ? (struct stream_id){5, 0} : model.id[model.count - 1];
    char pair[80];
    if (below(3) == 0)
        id.ms += 1 + (below(4) == 0 ? below(1 << 20) : below(200));
    id.seq = below(40) == 0 ? below(UINT32_MAX) + id.seq : id.seq + 1;
    snprintf(pair, sizeof pair, fields[below(10) > 6 ? below(4) : 0], model.count);
    must(type_runf("XADD %s %llu-%llu %s", key, (unsigned long long)id.ms, (unsigned long long)id.seq,
                   pair)[0] == '$');
    model.id[model.count++] = id;
    model.live++;
}

static void forget(unsigned i)
{
    model.live -= !model.gone[i];
    model.gone[i] = true;
}

static void trim(const char *key, uint64_t keep)
{
    uint64_t was = model.live;
    for (unsigned i = 0; i < model.count && model.live > keep; i++)
        forget(i);
    char want[40];
    snprintf(want, sizeof want, ":%llu\r\n", (unsigned long long)(was - model.live));
    ck_assert_str_eq(type_runf("XTRIM %s MAXLEN %llu", key, (unsigned long long)keep), want);
}

/* MORE behind the first that is left, if there are as many. */
static unsigned near_first(unsigned more)
{
    unsigned at = 0;
    while (at < model.count && model.gone[at])
        at++;
    return at + more < model.count ? at + more : model.count - 1;
}

/* By id, and not far: so that it meets nodes whose last entries were deleted before. */
static void trim_below(const char *key, unsigned more)
{
    uint64_t was = model.live;
    unsigned at = near_first(more);
    for (unsigned i = 0; i < at; i++)
        forget(i);
    char want[40];
    snprintf(want, sizeof want, ":%llu\r\n", (unsigned long long)(was - model.live));
    ck_assert_str_eq(type_runf("XTRIM %s MINID %llu-%llu", key, (unsigned long long)model.id[at].ms,
                               (unsigned long long)model.id[at].seq),
                     want);
}

/* A walk between two ids, in either direction. */
static void check_walk(const char *key)
{
    unsigned from = (unsigned)below(model.count), to = (unsigned)below(model.count);
    bool back = below(2) == 0;
    struct stream_walk w;
    stream_walk_begin(&w, get(key), a, model.id[from], model.id[to], back);
    for (unsigned i = 0; from + i <= to && from < to; i++) {
        unsigned at = back ? to - i : from + i;
        if (!model.gone[at])
            must(stream_walk_next(&w) && stream_id_compare(w.id, model.id[at]) == 0);
    }
    must(from == to || !stream_walk_next(&w));
}

static void stir(const char *key, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        unsigned what = (unsigned)below(100), at = (unsigned)below(2ull * model.count + 1);
        if (what < 70 || model.count < 10) {
            add(key);
        } else if (what < 90) {
            at = at < model.count ? at : near_first((unsigned)below(9));
            must(stream_contains(get(key), a, model.id[at]) == !model.gone[at]);
            must(stream_delete(get(key), a, model.id[at]) == !model.gone[at]);
            forget(at);
            must(!stream_contains(get(key), a, model.id[at]));
        } else if (what < 97) {
            check_walk(key);
        } else if (what < 99) {
            trim_below(key, (unsigned)below(9));
            must(stream_check(get(key), a));
        } else {
            trim(key, below(model.live + 3));
        }
    }
}

static void set_shape(int i)
{
    static const int64_t bytes[] = {4096, 4096, 100, 0}, entries[] = {100, 3, 0, 0};
    options.node_max_bytes = bytes[i];
    options.node_max_entries = entries[i];
}

START_TEST(by_model)
{
    set_shape(_i);
    for (unsigned i = 0; i < 12; i++) {
        stir("k", 500);
        check_all("k");
    }
    trim("k", 0);
    check_all("k");
    must(get("k")->nodes.count == 0);
    stir("k", 300);
    check_all("k");
}
END_TEST

/* The same with nodes of few entries, so that there are sums, and trims of all kinds that take many of
 * them; what was cut off is freed between the requests or after several more of them. */
static void trim_somehow(const char *key)
{
    struct stream_id from = model.id[below(model.count)];
    uint64_t was = model.live, keep = below(model.live + 1);
    bool by_id = below(2) == 0, with_add = below(3) == 0;
    char trim[80], want[40];
    if (by_id)
        snprintf(trim, sizeof trim, "MINID %llu-%llu", (unsigned long long)from.ms,
                 (unsigned long long)from.seq);
    else
        snprintf(trim, sizeof trim, "MAXLEN %llu", (unsigned long long)keep);
    if (with_add) {
        struct stream_id id = model.id[model.count - 1];
        model.id[model.count++] = (struct stream_id){++id.ms, id.seq};
        model.live++;
        must(type_runf("XADD %s %s %llu-%llu f v", key, trim, (unsigned long long)id.ms,
                       (unsigned long long)id.seq)[0] == '$');
    }
    for (unsigned i = 0; i < model.count; i++)
        if (by_id ? stream_id_compare(model.id[i], from) < 0 : model.live > keep)
            forget(i);
    snprintf(want, sizeof want, ":%llu\r\n", (unsigned long long)(was - model.live));
    if (!with_add)
        ck_assert_str_eq(type_runf("XTRIM %s %s", key, trim), want);
}

START_TEST(trimmed_by_model)
{
    size_t used = a->used;
    options.node_max_entries = 1 + _i % 3;
    for (unsigned round = 0; round < 12; round++) {
        /* Some of these do not trim, for many to be there. */
        for (unsigned i = 0; i < 1500; i++)
            add("k");
        for (unsigned i = 0, many = (unsigned)below(3) * 300; i < many; i++) {
            unsigned at = (unsigned)below(model.count);
            must(stream_delete(get("k"), a, model.id[at]) == !model.gone[at]);
            forget(at);
        }
        must(stream_check(get("k"), a));
        if (round % 3 == 1)
            for (unsigned i = model.count; i-- > model.count - 600;) {
                (void)stream_delete(get("k"), a, model.id[i]);
                forget(i);
            }
        for (unsigned i = 0; i < round % 4; i++) {
            trim_somehow("k");
            check_all("k");
        }
        if (below(2) == 0)
            type_free_all();
    }
    type_delete(db, "k");
    must(keyspace_is_freeing(ks));
    type_free_all();
    must(a->used <= used + 4096);
}
END_TEST

/* Whole nodes only, and no more than the limit; the entries that go are counted by the nodes. */
START_TEST(trimmed_by_nodes)
{
    options.node_max_entries = 4;
    for (unsigned i = 0; i < 8000; i++)
        add("k");
    ck_assert_str_eq(type_run("XTRIM k MAXLEN ~ 5001 LIMIT 0"), ":2996\r\n");
    must(stream_check(get("k"), a) && get("k")->length == 5004);
    must(get("k")->nodes.count == 5004 / 4);
    /* None has been freed, and it counts for nothing. */
    must(keyspace_is_freeing(ks));
    must(stream_type.memory(ks, type_find(db, "k"), 0) < 5004 * 100);
    ck_assert_str_eq(type_run("XTRIM k MAXLEN ~ 0 LIMIT 1003"), ":1000\r\n");
    must(stream_check(get("k"), a) && get("k")->length == 4004);
    ck_assert_str_eq(type_runf("XTRIM k MINID ~ %llu-%llu LIMIT 2000", (unsigned long long)model.id[7999].ms,
                               (unsigned long long)model.id[7999].seq),
                     ":2000\r\n");
    must(stream_check(get("k"), a) && get("k")->length == 2004);
    ck_assert_str_eq(type_run("XTRIM k MAXLEN 0"), ":2004\r\n");
    must(stream_check(get("k"), a) && get("k")->length == 0 && get("k")->bytes == 0);
    type_free_all();
}
END_TEST

/* What was deleted may be above what comes after XSETID. */
START_TEST(last_id_set_back)
{
    type_run("XADD k 5-1 f v");
    type_run("XADD k 9-1 f v");
    type_run("XDEL k 9-1");
    ck_assert_str_eq(type_run("XSETID k 7-1"), "+OK\r\n");
    type_run("XADD k 8-1 f w");
    type_run("XADD k 9-1 f x");
    must(get("k")->nodes.count == 2 && get("k")->length == 3 && stream_check(get("k"), a));
    must(stream_contains(get("k"), a, (struct stream_id){9, 1}));
}
END_TEST

/* --- ids --- */

START_TEST(ids)
{
    static const struct {
        const char *text;
        bool strict, ok;
        struct stream_id id;
    } rows[] = {
        {"1-2", true, true, {1, 2}},
        {"7", true, true, {7, 99}},
        {"18446744073709551615-18446744073709551615", true, true, {UINT64_MAX, UINT64_MAX}},
        {"18446744073709551616-1", true, false, {0, 0}},
        {"1-18446744073709551616", true, false, {0, 0}},
        {"-", false, true, {0, 0}},
        {"+", false, true, {UINT64_MAX, UINT64_MAX}},
        {"-", true, false, {0, 0}},
        {"+", true, false, {0, 0}},
        {"", true, false, {0, 0}},
        {"-1", true, false, {0, 0}},
        {"1-", true, false, {0, 0}},
        {"1--1", true, false, {0, 0}},
        {"01-007", true, true, {1, 7}},
        {"1-2-3", true, false, {0, 0}},
        {"x", true, false, {0, 0}},
        {"1-*", true, false, {0, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stream_id id = {0, 0};
        char text[STREAM_ID_TEXT];
        bool ok = stream_id_parse(slice_str(rows[i].text), 99, rows[i].strict, &id);
        ck_assert_msg(ok == rows[i].ok && (!ok || stream_id_compare(id, rows[i].id) == 0), "%s",
                      rows[i].text);
        size_t len = stream_id_print(text, id);
        must(!ok ||
             (stream_id_parse(slice_of(text, len), 0, true, &id) && stream_id_compare(id, rows[i].id) == 0));
    }
    struct stream_id id = {1, UINT64_MAX};
    must(stream_id_next(&id) && id.ms == 2 && id.seq == 0);
    must(stream_id_prev(&id) && id.ms == 1 && id.seq == UINT64_MAX);
    id = STREAM_ID_MAX;
    must(!stream_id_next(&id) && stream_id_compare(id, STREAM_ID_MAX) == 0);
    id = STREAM_ID_MIN;
    must(!stream_id_prev(&id) && stream_id_is_zero(id));
}
END_TEST

START_TEST(tags_do_not_fall)
{
    uint64_t base = UINT64_C(1700000000000);
    uint32_t last = 0;
    for (uint64_t since = 0; since < UINT64_C(1) << 62; since += since / 50 + 1) {
        uint32_t tag = stream_id_tag((struct stream_id){base + since, below(3)}, base);
        must(tag >= last && (since >= 1u << 31 || tag == since));
        last = tag;
    }
    must(stream_id_tag(STREAM_ID_MAX, 0) == UINT32_MAX && stream_id_tag((struct stream_id){5, 0}, 9) == 0);
}
END_TEST

/* --- files --- */

static int load_through(unsigned type, struct slice bytes, size_t step, bool past)
{
    struct type_load l = {
        .type = &stream_type, .rdb_type = type, .db = past ? NULL : db, .key = "l", .step = step};
    type_delete(db, "l");
    return type_load_through(&l, bytes);
}

START_TEST(saved)
{
    struct buf out = {0}, again = {0};
    set_shape(_i);
    stir("k", 3000);
    must(type_save(&stream_type, type_find(db, "k"), &out, false) == 19);
    for (size_t step = 1; step < out.len * 2; step *= 7) {
        must(load_through(19, buf_slice(&out), step, false) == 0);
        check_all("l");
        must(get("l")->entries_added == model.count &&
             get("l")->max_deleted_id.ms == get("k")->max_deleted_id.ms);
        must(load_through(19, buf_slice(&out), step, true) == 0);
        for (size_t len = 0; len < out.len; len += 1 + out.len / 9)
            must(load_through(19, slice_of(out.data, len), step, step % 2 == 0) == MR_E_TRUNCATED);
    }
    must(load_through(19, buf_slice(&out), SIZE_MAX, false) == 0);
    must(type_save(&stream_type, type_find(db, "l"), &again, false) == 19);
    must(slice_equal(buf_slice(&out), buf_slice(&again)));
    buf_done(&out);
    buf_done(&again);
}
END_TEST

static size_t from_hex(const char *hex, unsigned char *out)
{
    size_t n = 0;
    unsigned byte;
    for (; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
        out[n] = (unsigned char)byte;
    return n;
}

#define NODE "10000000000000000100000000000000011d"
#define PACK "1d0000000a0001010001010181660200010201000100018176020401ff"

/* Values of all types, made by hand and by other servers, and what is wrong with others. */
static const struct {
    unsigned type;
    int code;
    const char *hex;
} values[] = {
    {15, 0, "01" NODE PACK "01010100"},
    {19, 0,
     "01" NODE PACK "0101010101000001"
     "00"},
    {21, 0,
     "01" NODE PACK "0101010101000001"
     "00"},
    {26, 0,
     "01" NODE PACK "01010101010000010040644064010170010169010101"
     "00"},
    {26, 0,
     "01" NODE PACK "0101010101000001004064406400"
     "0000"},
    {27, 0,
     "01" NODE PACK "0101010101000001004064406400"
     "0000"},
    {19, 0, "00000000000000000000"},
    {19, 0, "00000505000000000000"},
    {15, MR_E_TRUNCATED, "01" NODE PACK "010101"},
    {19, MR_E_CORRUPT,
     "01" NODE PACK "0201010101000001"
     "00"}, /* length */
    {19, MR_E_CORRUPT,
     "01" NODE PACK "0101000101000001"
     "00"}, /* last id */
    {19, MR_E_CORRUPT,
     "02" NODE PACK NODE PACK "0201010101000001"
     "00"}, /* the same ids twice */
    {19, MR_E_CORRUPT,
     "01"
     "0f0000000000000001000000000000001d" PACK "0101010101000001"
     "00"},
    {19, MR_E_CORRUPT,
     "01" NODE "1d0000000a0002010001010181660200010201000100018176020401ff"
     "0101010101000001"
     "00"},
    {19, MR_E_CORRUPT,
     "01" NODE "1d0000000a0001010001020181660200010201000100018176020401ff"
     "0101010101000001"
     "00"},
    {19, MR_E_CORRUPT,
     "01" NODE "1d0000000a0001010001010181660200010401000100018176020401ff"
     "0101010101000001"
     "00"},
    {19, MR_E_CORRUPT,
     "01" NODE "1d0000000a0001010001010181660200010201000100018176020501ff"
     "0101010101000001"
     "00"},
    {19, MR_E_CORRUPT,
     "01" NODE "1d0000000a0001010001010181660201010201000100018176020401ff"
     "0101010101000001"
     "00"},
    {26, MR_E_CORRUPT,
     "01" NODE PACK "01010101010000010040644064010170020169010101690101"
     "0200"},
    {26, MR_E_CORRUPT,
     "01" NODE PACK "010101010100000100406440640201700101690101"
     "01700101690101"
     "0200"},
    {26, MR_E_CORRUPT,
     "01" NODE PACK "010101010100000100406440640100010169010101"
     "00"},
};

START_TEST(payloads)
{
    unsigned char bytes[300];
    size_t used = a->used;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct slice value = slice_of(bytes, from_hex(values[i].hex, bytes));
        for (size_t step = 1; step < 2 * value.len; step *= 4)
            ck_assert_msg(load_through(values[i].type, value, step, false) == values[i].code, "row %zu", i);
        if (values[i].code == 0)
            must(stream_check(get("l"), a) && load_through(values[i].type, value, 1, true) == 0);
        else
            must(type_find(db, "l") == NULL);
    }
    type_delete(db, "l");
    type_free_all();
    must(a->used <= used + 4096);
}
END_TEST

/* --- as an object --- */

START_TEST(copied)
{
    struct entry_value v;
    stir("k", 3000);
    type_run("XADD k IDMP p i * f v");
    struct stream_id last = get("k")->last_id;
    model.id[model.count++] = last;
    model.live++;
    must(stream_type.copy(ks, type_find(db, "k"), &v) == 0);
    type_put(db, "l", OBJECT_STREAM, &v);
    check_all("l");
    uint64_t was = model.live;
    char want[60];
    snprintf(want, sizeof want, "%llu-%llu\r\n", (unsigned long long)last.ms, (unsigned long long)last.seq);
    must(strstr(type_run("XADD l IDMP p i * f v"), want) != NULL);
    must(stream_type.memory(ks, type_find(db, "l"), 0) <= stream_type.memory(ks, type_find(db, "k"), 0));
    trim("k", 10);
    check_all("k");
    must(get("l")->length == was && stream_check(get("l"), a));
}
END_TEST

static size_t relocate_in_slices(const char *key)
{
    uint64_t cursor = 0, budget;
    size_t moved = 0;
    do
        budget = 20;
    while (!stream_type.relocate(ks, type_find(db, key), &cursor, &budget, &moved));
    return moved;
}

START_TEST(moved)
{
    const unsigned many = 100000;
    options.node_max_entries = 5;
    for (unsigned i = 1; i <= many; i++)
        type_runf("XADD k %u-1 f v", i);
    for (unsigned i = 0; i < 300; i++)
        type_runf("XADD p IDMP p%u i%u * f v", i % 7, i);
    for (unsigned i = 1; i <= many; i++)
        if (i / 100 % 5 != 0)
            must(stream_delete(get("k"), a, (struct stream_id){i, 1}));
    must(arena_evacuate_begin(a, 10) > 0);
    must(relocate_in_slices("k") > 100);
    must(relocate_in_slices("k") == 0);
    (void)relocate_in_slices("p");
    must(relocate_in_slices("p") == 0);
    arena_evacuate_end(a);
    must(stream_check(get("k"), a) && stream_check(get("p"), a));
    for (unsigned i = 1; i <= many; i++)
        must(stream_contains(get("k"), a, (struct stream_id){i, 1}) == (i / 100 % 5 == 0));
}
END_TEST

START_TEST(freed_in_slices)
{
    size_t used = a->used;
    uint64_t slices = 1, budget = 10;
    stir("k", 4000);
    for (unsigned i = 0; i < 100; i++)
        type_runf("XADD k IDMP p%u i%u * f v", i % 7, i);
    must(stream_type.length(ks, type_find(db, "k")) >= get("k")->nodes.count + 100);
    struct stream *s = get("k");
    struct stream *copy = arena_alloc(a, sizeof *copy);
    *copy = *s;
    btree_init(&s->nodes, BTREE_BY_ORDER);
    s->groups = s->idmp = s->bytes = s->sums_low = s->sums_high = 0;
    for (; !stream_free_some(copy, a, &budget); budget = 10)
        must(++slices < 1000);
    must(slices > 10);
    type_delete(db, "k");
    type_free_all();
    must(a->used <= used + 4096);
}
END_TEST

/* --- idempotence by the clock --- */

START_TEST(old_records_go)
{
    char first[60], text[60];
    clock_freeze_ms(1000000);
    snprintf(first, sizeof first, "%s", type_run("XADD k IDMP p i * f v"));
    type_run("XADD k IDMP q i * f v");
    clock_freeze_ms(1000000 + 99999);
    ck_assert_str_eq(type_run("XADD k IDMP p i * f v"), first);
    const struct stream_idmp *idmp = arena_expand(a, get("k")->idmp);
    must(idmp->records == 2 && idmp->duplicates == 1 && idmp->added == 2);
    clock_freeze_ms(1000000 + 100000);
    snprintf(text, sizeof text, "%s", type_run("XADD k IDMP p i * f v"));
    must(strcmp(text, first) != 0);
    ck_assert_str_eq(type_run("XADD k IDMP p i * f v"), text);
    /* The other producer has gone quiet, and is forgotten as well. */
    must(idmp->records == 1 && idmp->producers.count == 1 && get("k")->length == 3);
    clock_freeze_ms(0);
}
END_TEST

/* --- events --- */

START_TEST(events_told)
{
    static const char *const rows[][2] = {
        {"XADD k NOMKSTREAM 1-1 f v", ""},
        {"XADD k 1-1 f v", "new xadd "},
        {"XADD k 1-1 f v", ""},
        {"XADD k MAXLEN 1 2-1 f v", "xadd xtrim "},
        {"XADD k MAXLEN 9 3-1 f v", "xadd "},
        {"XTRIM k MAXLEN 9", ""},
        {"XTRIM k MAXLEN 1", "xtrim "},
        {"XDEL k 1-1", ""},
        {"XDEL k 3-1", "xdel "},
        {"XSETID k 9-1", "xsetid "},
        {"XSETID k 9-1 ENTRIESADDED x", ""},
        {"XADD k 10-1 f v", "xadd "},
        {"XDELEX k IDS 1 9-1", ""},
        {"XDELEX k IDS 2 9-1 10-1", "xdel "},
        {"XADD k IDMP p i * f v", "xadd "},
        {"XADD k IDMP p i * f v", ""},
        {"XCFGSET k IDMP-MAXSIZE 100", ""},
        {"XCFGSET k IDMP-MAXSIZE 7", "silent "},
        {"XRANGE k - +", ""},
        {"XLEN k", ""},
    };
    type_observe(EVENT_CLASSES & ~(unsigned)EVENT_MISS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        type_run(rows[i][0]);
        ck_assert_str_eq(buf_cstr(&type_fixture.events), rows[i][1]);
    }
}
END_TEST

UNIT_SUITE(types_stream)
{
    tcase_add_checked_fixture(tc, set_up, type_tear_down);
    tcase_add_loop_test(tc, by_model, 0, 4);
    tcase_add_loop_test(tc, trimmed_by_model, 0, 6);
    tcase_add_test(tc, trimmed_by_nodes);
    tcase_add_test(tc, last_id_set_back);
    tcase_add_test(tc, ids);
    tcase_add_test(tc, tags_do_not_fall);
    tcase_add_loop_test(tc, saved, 0, 4);
    tcase_add_test(tc, payloads);
    tcase_add_test(tc, copied);
    tcase_add_test(tc, moved);
    tcase_add_test(tc, freed_in_slices);
    tcase_add_test(tc, old_records_go);
    tcase_add_test(tc, events_told);
}
