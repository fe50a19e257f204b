/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists against a model, an array of strings: random commands with small and large nodes, with
 * and without compression, long elements between short ones. After each the structure is checked,
 * now and then the whole list, a copy, a dump that is loaded, and a list whose memory was moved.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/random.h"
#include "types/list/list_private.h"
#include "types/type_fixture.h"
#include "unit.h"

#define MODEL_MAX 6000

static struct {
    struct keyspace *ks;
    struct db *db;
    struct list_options options;
    struct random random;
    bool changing; /* the options, so that nodes are as older ones made them */
    char *model[MODEL_MAX];
    size_t count;
} f;

static void set_up(void)
{
    memset(&f, 0, sizeof f);
    f.options = (struct list_options){.max_listpack_size = -2};
    type_set_up(1);
    f.ks = type_fixture.ks;
    f.db = type_fixture.db;
    list_register(type_fixture.registry, &type_fixture.types, &f.options);
    type_observe(EVENT_LIST | EVENT_GENERIC | EVENT_NEW);
    random_init_seed(&f.random, 5);
}

static void forget_model(void)
{
    while (f.count > 0)
        heap_free(f.model[--f.count]);
}

static void tear_down(void)
{
    type_tear_down();
    forget_model();
}

/* --- structure --- */

static void check_node(const struct list *l, const struct list_spot *s, uint64_t *count, uint64_t *bytes)
{
    struct list_node *n = list_spot_node(l, s);
    struct buf scratch = {0};
    struct slice held = list_node_read(n, &scratch);
    uint64_t have = 1;
    *bytes += n->size;
    ck_assert_uint_eq(n->size, arena_usable(n->size));
    if (!list_node_is_plain(n)) {
        struct listpack_shape shape;
        ck_assert_int_eq(listpack_validate((const unsigned char *)held.ptr, held.len, &shape, NULL, NULL), 0);
        ck_assert_uint_eq(shape.bytes, held.len);
        have = shape.count;
        if (!list_node_is_lzf(n))
            ck_assert_uint_le(n->start + held.len, n->size);
    }
    ck_assert_uint_gt(have, 0);
    ck_assert_uint_eq(list_spot_count(l, s), have);
    ck_assert(s->where == LIST_MIDDLE || !list_node_is_lzf(n));
    *count += have;
    buf_done(&scratch);
}

/* That every node of the middle that has DEPTH nodes on each side, and only those, may be in LZF. */
static void check_depth(const struct list *l)
{
    const struct list_root *root = l->root;
    uint64_t i = 0, n = root->middle.count;
    struct list_spot s = {.where = LIST_HEAD};
    while (list_spot_next(l, &s) && s.where == LIST_MIDDLE) {
        uint64_t near = i + 1 < n - i ? i + 1 : n - i;
        if (near < l->depth || l->depth == 0)
            ck_assert(!list_node_is_lzf(list_spot_node(l, &s)));
        i++;
    }
    ck_assert_uint_eq(i, n);
}

static void check_structure(const char *key)
{
    const struct entry *e = type_find(f.db, key);
    if (e == NULL)
        return;
    struct list l;
    list_of(&l, f.ks, e);
    if (l.packed != NULL) {
        struct slice packed = entry_packed(l.a, e);
        struct listpack_shape shape;
        ck_assert_uint_le(packed.len, LIST_PACKED_MAX);
        ck_assert_int_eq(listpack_validate((const unsigned char *)packed.ptr, packed.len, &shape, NULL, NULL),
                         0);
        ck_assert_uint_gt(shape.count, 0);
        return;
    }
    uint64_t count = 0, bytes = 0;
    struct list_spot s = {.where = LIST_HEAD};
    do
        check_node(&l, &s, &count, &bytes);
    while (list_spot_next(&l, &s));
    ck_assert_uint_eq(count, l.root->count);
    ck_assert_uint_eq(bytes, l.root->bytes);
    ck_assert(btree_check(&l.root->middle, l.a, NULL));
    if (!f.changing)
        check_depth(&l);
}

/* --- the model --- */

static char *element(void)
{
    static const char *const few[] = {"a", "bb", "", "17", "-40000", "9223372036854775807", "zz"};
    uint64_t kind = random_below(&f.random, 40);
    if (kind < 14)
        return heap_strdup(few[kind % 7]);
    size_t len = kind == 39 ? 9000 + random_below(&f.random, 3000) : kind > 36 ? 1500 : 1 + kind;
    char *text = heap_alloc(len + 1);
    memset(text, 'a' + (int)random_below(&f.random, 3), len);
    text[len] = '\0';
    if (len > 40)
        snprintf(text, 12, "%u", (unsigned)random_below(&f.random, 100000000));
    return text;
}

static void model_insert(size_t at, char *text)
{
    memmove(f.model + at + 1, f.model + at, (f.count - at) * sizeof *f.model);
    f.model[at] = text;
    f.count++;
}

static void model_remove(size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        heap_free(f.model[at + i]);
    memmove(f.model + at, f.model + at + count, (f.count - at - count) * sizeof *f.model);
    f.count -= count;
}

static void check_list(const char *key)
{
    const struct entry *e = type_find(f.db, key);
    ck_assert_int_eq(e != NULL, f.count > 0);
    if (e == NULL)
        return;
    struct list l;
    char scratch[NUMBER_TEXT_MAX];
    list_of(&l, f.ks, e);
    ck_assert_uint_eq(list_length(&l), f.count);
    for (int back = 0; back < 2; back++) {
        struct list_walk w;
        struct listpack_value v;
        size_t i = 0;
        list_walk_begin(&w, &l, back ? f.count - 1 : 0, back);
        for (; list_walk_next(&w, &v); i++) {
            struct slice text = listpack_text(&v, scratch);
            ck_assert(slice_equal(text, slice_str(f.model[back ? f.count - 1 - i : i])));
        }
        ck_assert_uint_eq(i, f.count);
        list_walk_done(&w);
    }
}

static size_t below(size_t n)
{
    return (size_t)random_below(&f.random, n);
}

static void expect_int(int64_t want)
{
    char text[32];
    snprintf(text, sizeof text, ":%lld\r\n", (long long)want);
    ck_assert_str_eq(buf_cstr(&type_fixture.out), text);
}

static void do_push(bool front)
{
    char *text = element();
    struct slice argv[] = {slice_str(front ? "LPUSH" : "RPUSH"), slice_str("k"), slice_str(text)};
    type_run_slices(argv, 3);
    model_insert(front ? 0 : f.count, text);
    expect_int((int64_t)f.count);
}

static void do_pop(bool front)
{
    size_t n = 1 + below(below(10) == 0 ? 60 : 3);
    char count[24];
    snprintf(count, sizeof count, "%zu", n);
    struct slice argv[] = {slice_str(front ? "LPOP" : "RPOP"), slice_str("k"), slice_str(count)};
    type_run_slices(argv, 3);
    n = n < f.count ? n : f.count;
    model_remove(front ? 0 : f.count - n, n);
}

static void do_insert(void)
{
    size_t at = below(f.count);
    bool after = below(2) == 0;
    char *text = element();
    struct slice argv[] = {slice_str("LINSERT"), slice_str("k"), slice_str(after ? "AFTER" : "BEFORE"),
                           slice_str(f.model[at]), slice_str(text)};
    for (at = 0; strcmp(f.model[at], argv[3].ptr) != 0; at++)
        continue;
    type_run_slices(argv, 5);
    model_insert(at + after, text);
    expect_int((int64_t)f.count);
}

/* LINSERT goes to the first one; this everywhere. */
static void do_insert_at(void)
{
    struct list_key k = {.db = f.db, .key = slice_str("k"), .hash = keyspace_hash(f.ks, slice_str("k"))};
    size_t at = below(f.count + 1);
    char *text = element();
    k.e = type_find(f.db, "k");
    list_of(&k.l, f.ks, k.e);
    ck_assert_int_eq(list_key_insert(&k, at, slice_str(text)), 0);
    model_insert(at, text);
}

static void do_set(void)
{
    size_t at = below(f.count);
    char *text = element(), index[24];
    snprintf(index, sizeof index, "%lld", (long long)at - (below(2) == 0 ? (long long)f.count : 0));
    struct slice argv[] = {slice_str("LSET"), slice_str("k"), slice_str(index), slice_str(text)};
    ck_assert_str_eq(type_run_slices(argv, 4), "+OK\r\n");
    heap_free(f.model[at]);
    f.model[at] = text;
}

static void do_rem(void)
{
    int64_t count = (int64_t)below(7) - 3, removed = 0;
    char *text = heap_strdup(f.model[below(f.count)]), number[24];
    snprintf(number, sizeof number, "%lld", (long long)count);
    struct slice argv[] = {slice_str("LREM"), slice_str("k"), slice_str(number), slice_str(text)};
    type_run_slices(argv, 4);
    int64_t max = count == 0 ? INT64_MAX : count < 0 ? -count : count;
    for (size_t i = count < 0 ? f.count : 0; removed < max && (count < 0 ? i > 0 : i < f.count);) {
        size_t at = count < 0 ? --i : i;
        if (strcmp(f.model[at], text) == 0) {
            model_remove(at, 1);
            removed++;
        } else if (count >= 0) {
            i++;
        }
    }
    expect_int(removed);
    heap_free(text);
}

static void do_trim(void)
{
    size_t from = below(4) == 0 ? below(f.count) : below(3),
           behind = below(4) == 0 ? below(f.count) : below(3);
    char line[80];
    snprintf(line, sizeof line, "LTRIM k %zu -%zu", from, behind + 1);
    ck_assert_str_eq(type_run(line), "+OK\r\n");
    if (from + behind >= f.count) {
        forget_model();
    } else {
        model_remove(f.count - behind, behind);
        model_remove(0, from);
    }
}

static void do_remove_at(void)
{
    struct list_key k = {.db = f.db, .key = slice_str("k"), .hash = keyspace_hash(f.ks, slice_str("k"))};
    size_t at = below(f.count), n = 1 + below(20);
    n = n < f.count - at ? n : f.count - at;
    k.e = type_find(f.db, "k");
    list_of(&k.l, f.ks, k.e);
    ck_assert_int_eq(list_key_remove(&k, at, n), n < f.count);
    model_remove(at, n);
}

static void do_look(void)
{
    size_t at = below(f.count);
    char line[80];
    struct buf want = {0};
    snprintf(line, sizeof line, "LINDEX k %zu", at);
    type_run(line);
    buf_printf(&want, "$%zu\r\n%s\r\n", strlen(f.model[at]), f.model[at]);
    ck_assert_str_eq(buf_cstr(&type_fixture.out), buf_cstr(&want));
    size_t first = 0;
    while (strcmp(f.model[first], f.model[at]) != 0)
        first++;
    struct slice argv[] = {slice_str("LPOS"), slice_str("k"), slice_str(f.model[at])};
    type_run_slices(argv, 3);
    expect_int((int64_t)first);
    struct slice back[] = {slice_str("LPOS"), slice_str("k"), slice_str(f.model[at]), slice_str("RANK"),
                           slice_str("-1")};
    size_t last = f.count - 1;
    while (strcmp(f.model[last], f.model[at]) != 0)
        last--;
    type_run_slices(back, 5);
    expect_int((int64_t)last);
    buf_done(&want);
}

static void do_one(size_t grow)
{
    size_t what = below(100);
    if (f.count < 2 || (what < grow && f.count < MODEL_MAX - 1))
        do_push(below(2) == 0);
    else if (what < 64)
        do_pop(below(2) == 0);
    else if (what < 70)
        do_insert();
    else if (what < 78 && f.count < MODEL_MAX - 1)
        do_insert_at();
    else if (what < 86)
        do_set();
    else if (what < 90)
        do_look();
    else if (what < 93)
        do_rem();
    else if (what < 97)
        do_remove_at();
    else if (what == 97)
        do_trim();
}

/* --- the hooks --- */

static void check_copy(void)
{
    const struct entry *e = type_find(f.db, "k");
    struct entry_value v;
    if (e == NULL)
        return;
    ck_assert_int_eq(list_type.copy(f.ks, e, &v), 0);
    type_put(f.db, "c", OBJECT_LIST, &v);
    check_structure("c");
    check_list("c");
    check_list("k");
    ck_assert(type_delete(f.db, "c"));
}

/* Loads what is in BYTES as "c" (DB NULL: reads past it), or more than a half of it. */
static void load_in_parts(const struct buf *bytes, unsigned type, struct db *db, size_t step, bool drop)
{
    struct type_load l = {.type = &list_type, .rdb_type = type, .db = db, .key = "c", .step = step};
    l.give_up = drop ? bytes->len / 2 + 1 : 0;
    int code = type_load_through(&l, buf_slice(bytes));
    ck_assert(code == 0 || (drop && code == MR_E_AGAIN));
}

static void check_dump(bool compress)
{
    const struct entry *e = type_find(f.db, "k");
    if (e == NULL)
        return;
    struct buf bytes = {0};
    unsigned type = type_save(&list_type, e, &bytes, compress);
    type_free_all();
    size_t used = keyspace_arena(f.ks)->used;
    load_in_parts(&bytes, type, NULL, 0, false);
    load_in_parts(&bytes, type, f.db, 0, true);
    (void)type_delete(f.db, "c");
    type_free_all();
    ck_assert_uint_eq(keyspace_arena(f.ks)->used, used);
    load_in_parts(&bytes, type, f.db, compress ? 0 : bytes.len / 3, false);
    check_structure("c");
    check_list("c");
    ck_assert(type_delete(f.db, "c"));
    buf_done(&bytes);
}

static void check_moved(void)
{
    struct arena *a = keyspace_arena(f.ks);
    struct entry *e = type_find(f.db, "k");
    if (e == NULL || entry_is_packed(e))
        return;
    arena_evacuate_begin(a, 1);
    uint64_t cursor = 0, budget = 1;
    size_t moved = 0;
    while (!list_type.relocate(f.ks, e, &cursor, &budget, &moved)) {
        ck_assert_uint_eq(budget, 0);
        budget = 1;
    }
    arena_evacuate_end(a);
    check_structure("k");
    check_list("k");
}

static void play(int64_t size, int64_t depth, unsigned steps)
{
    f.options = (struct list_options){.max_listpack_size = size, .compress_depth = depth};
    for (unsigned i = 0; i < steps; i++) {
        /* It grows and shrinks in turn, so that it is sometimes packed. */
        do_one(i / 400 % 2 == 0 ? 58 : 45);
        check_structure("k");
        if (i % 16 == 0)
            check_list("k");
        if (i % 64 == 0)
            check_copy();
        if (i % 64 == 32)
            check_dump(i % 128 == 32);
        if (i % 64 == 48)
            check_moved();
    }
    check_list("k");
    type_run("LTRIM k 1 0");
    forget_model();
    type_free_all();
}

static const struct {
    int64_t size, depth;
} shapes[] = {{-2, 0}, {-1, 1}, {4, 0}, {1, 0}, {3, 1}, {5, 2}, {1, 3}, {-5, 0}, {7, 4}, {0, 1}};

START_TEST(test_model)
{
    play(shapes[_i].size, shapes[_i].depth, 2400);
}
END_TEST

/* The limits change under a list that is there. */
START_TEST(test_model_changing)
{
    f.changing = true;
    for (size_t i = 0; i < 60; i++) {
        f.options = (struct list_options){.max_listpack_size = (int64_t)below(12) - 5,
                                          .compress_depth = (int64_t)below(4)};
        for (unsigned step = 0; step < 40; step++)
            do_one(56);
        check_list("k");
        check_copy();
        check_dump(true);
    }
}
END_TEST

/* --- what is kept how --- */

START_TEST(test_becomes_packed_again)
{
    char line[64];
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof line, "RPUSH k element:%d", i);
        type_run(line);
    }
    ck_assert(!entry_is_packed(type_find(f.db, "k")));
    type_run("LTRIM k 1000 1009");
    ck_assert(entry_is_packed(type_find(f.db, "k")));
    ck_assert_str_eq(type_run("LINDEX k 0"), "$12\r\nelement:1000\r\n");
    ck_assert_str_eq(type_run("LLEN k"), ":10\r\n");
}
END_TEST

/* Pushes and pops at the ends leave the middle alone, and a node in the middle is as long as its
 * elements. */
START_TEST(test_memory)
{
    const unsigned count = 200000;
    char line[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line, "RPUSH k item:%010u", i);
        type_run(line);
    }
    size_t bytes = list_type.memory(f.ks, type_find(f.db, "k"), 0);
    ck_assert_uint_lt(bytes, count * 175 / 10);
    check_structure("k");
    for (unsigned i = 0; i < count; i++)
        type_run("RPOP k");
    ck_assert_ptr_null(type_find(f.db, "k"));
    type_free_all();
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line, "LPUSH k item:%010u", i);
        type_run(line);
    }
    ck_assert_uint_lt(list_type.memory(f.ks, type_find(f.db, "k"), 0), count * 175 / 10);
    check_structure("k");
}
END_TEST

START_TEST(test_compression)
{
    char line[300];
    f.options.compress_depth = 1;
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(line, sizeof line,
                 "RPUSH k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%u", i);
        type_run(line);
    }
    struct list l;
    list_of(&l, f.ks, type_find(f.db, "k"));
    struct list_spot s = {.where = LIST_HEAD};
    ck_assert_uint_gt(l.root->middle.count, 4);
    while (list_spot_next(&l, &s) && s.where == LIST_MIDDLE)
        ck_assert(list_node_is_lzf(list_spot_node(&l, &s)));
    ck_assert_uint_lt(l.root->bytes, 2000 * 66 / 2);
    type_run("LINDEX k 1000");
    ck_assert_ptr_nonnull(strstr(buf_cstr(&type_fixture.out), "aa1000\r\n"));
    check_structure("k");
}
END_TEST

/* --- events --- */

static const struct told {
    const char *before;
    const char *command;
    const char *events;
} told[] = {
    {"", "LPUSH k a b", "new lpush "},
    {"LPUSH k a", "RPUSH k b", "rpush "},
    {"", "RPUSHX k b", ""},
    {"RPUSH k a b", "LPOP k", "lpop "},
    {"RPUSH k a b", "RPOP k 2", "rpop del "},
    {"RPUSH k a b", "LPOP k 0", ""},
    {"RPUSH k a b", "LSET k 0 x", "lset "},
    {"RPUSH k a b", "LSET k 7 x", ""},
    {"RPUSH k a b", "LINSERT k BEFORE b x", "linsert "},
    {"RPUSH k a b", "LINSERT k BEFORE c x", ""},
    {"RPUSH k a b", "LREM k 0 a", "lrem "},
    {"RPUSH k a a", "LREM k 0 a", "lrem del "},
    {"RPUSH k a b", "LREM k 0 c", ""},
    {"RPUSH k a b", "LTRIM k 0 0", "ltrim "},
    {"RPUSH k a b", "LTRIM k 0 -1", "ltrim "},
    {"RPUSH k a b", "LTRIM k 5 9", "ltrim del "},
    {"RPUSH k a b", "LMOVE k d LEFT RIGHT", "new rpush lpop "},
    {"RPUSH k a", "RPOPLPUSH k d", "new lpush rpop del "},
    {"RPUSH k a", "LMOVE k k LEFT RIGHT", "rpush lpop "},
    {"RPUSH k a b", "LMPOP 2 d k LEFT", "lpop "},
    {"RPUSH k a b", "LMPOP 2 d k RIGHT COUNT 5", "rpop del "},
    {"RPUSH k a b c", "LMOVEM k d LEFT RIGHT COUNT 2 OBO", "new rpush lpop "},
    {"RPUSH k a b c", "LMOVEM k d RIGHT LEFT EXACTLY 3 BULK", "new lpush rpop del "},
    {"RPUSH k a b c", "LMOVEM k d RIGHT LEFT EXACTLY 4 BULK", ""},
};

START_TEST(test_events)
{
    const struct told *t = &told[_i];
    if (t->before[0] != '\0')
        type_run(t->before);
    type_run(t->command);
    ck_assert_str_eq(buf_cstr(&type_fixture.events), t->events);
}
END_TEST

/* --- what a file may hold --- */

static const struct {
    int rdb_type, code;
    size_t len;
    const char *bytes;
} loads[] = {
#define BYTES(text) sizeof(text) - 1, text
    {1, 0,
     BYTES("\x02\x01"
           "a\xc0\x07")},
    {1, MR_E_TRUNCATED,
     BYTES("\x02\x01"
           "a")},
    {18, 0,
     BYTES("\x01\x02\x0c\x0c\x00\x00\x00\x02\x00\x81"
           "a\x02\x07\x01\xff")},
    {18, MR_E_CORRUPT,
     BYTES("\x01\x03\x0c\x0c\x00\x00\x00\x02\x00\x81"
           "a\x02\x07\x01\xff")},
    {18, MR_E_CORRUPT,
     BYTES("\x01\x02\x0c\x0c\x00\x00\x00\x03\x00\x81"
           "a\x02\x07\x01\xff")},
    {18, MR_E_CORRUPT,
     BYTES("\x01\x02\x0c\x0c\x00\x00\x00\x02\x00\x81"
           "a\x03\x07\x01\xff")},
    {18, 0,
     BYTES("\x01\x01\x01"
           "a")},
    {10, 0,
     BYTES("\x0e\x0e\x00\x00\x00\x0a\x00\x00\x00\x01\x00\x00\x01"
           "a\xff")},
    {14, MR_E_CORRUPT,
     BYTES("\x01\x0e\x0e\x00\x00\x00\x0a\x00\x00\x00\x02\x00\x00\x01"
           "a\xff")},
    {18, MR_E_NO_KEY, BYTES("\x00")},
    {18, MR_E_NO_KEY, BYTES("\x01\x02\x07\x07\x00\x00\x00\x00\x00\xff")},
};

START_TEST(test_load)
{
    struct type_load l = {.type = &list_type,
                          .rdb_type = (unsigned)loads[_i].rdb_type,
                          .db = f.db,
                          .key = "c",
                          .step = SIZE_MAX};
    int code = type_load_through(&l, slice_of(loads[_i].bytes, loads[_i].len));
    ck_assert_int_eq(code, loads[_i].code);
    check_structure("c");
    if (code != 0)
        ck_assert_ptr_null(type_find(f.db, "c"));
}
END_TEST

UNIT_SUITE(types_list)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, test_model, 0, sizeof shapes / sizeof *shapes);
    tcase_add_test(tc, test_model_changing);
    tcase_add_test(tc, test_becomes_packed_again);
    tcase_add_test(tc, test_memory);
    tcase_add_test(tc, test_compression);
    tcase_add_loop_test(tc, test_events, 0, sizeof told / sizeof *told);
    tcase_add_loop_test(tc, test_load, 0, sizeof loads / sizeof *loads);
}
