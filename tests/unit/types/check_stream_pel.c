/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups, consumers and pending entries against a model that is a table of ids: random deliveries,
 * with clocks that go back, changes of owner, giving back, forgetting; the order of delivery; what
 * it is in RDB, byte by byte fed and corrupted; copies, moving, freeing in slices, and that no memory
 * is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/random.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "types/stream/stream_pel.h"
#include "unit.h"

#define IDS       4000
#define CONSUMERS 7

static struct arena arena;
static struct random draw;
static struct stream_groups *groups;
static struct stream_group *g;
static struct stream_consumer *consumers[CONSUMERS];

static struct model {
    bool pending;
    int owner; /* -1: given back */
    int64_t ms;
    uint64_t count, order; /* in which it was delivered or given back */
} model[IDS];
static uint64_t order;

static uint64_t below(uint64_t n)
{
    return random_below(&draw, n);
}

/* Some are of one millisecond, some far apart, some at the ends of what there is. */
static struct stream_id id_of(unsigned n)
{
    if (n < 100)
        return (struct stream_id){0, n + 1};
    if (n >= IDS - 100)
        return (struct stream_id){UINT64_MAX, UINT64_MAX - (IDS - n)};
    return (struct stream_id){UINT64_C(1700000000000) + n / 90 * (n > IDS / 2 ? 100000000 : 1), n % 90};
}

static void set_up(void)
{
    char name[16];
    random_init_seed(&draw, 11);
    arena_init(&arena, (size_t)1 << 30);
    memset(model, 0, sizeof model);
    order = 0;
    groups = stream_groups_new(&arena);
    g = stream_group_add(groups, &arena, slice_str("group"), (struct stream_id){5, 6}, 7);
    must(g != NULL);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        int len = snprintf(name, sizeof name, "%.*s%u", (int)i, "consumer", i);
        consumers[i] = stream_consumer_add(groups, g, &arena, slice_of(name, (size_t)len), 1000 + i);
        must(consumers[i] != NULL);
    }
}

static void tear_down(void)
{
    for (uint64_t budget = 100; !stream_groups_free_some(groups, &arena, &budget); budget = 100)
        continue;
    must(arena.used == 0);
    arena_done(&arena);
}

/* --- checks against the model --- */

static int by_delivery(const void *x, const void *y)
{
    const struct model *m = &model[*(const unsigned *)x], *n = &model[*(const unsigned *)y];
    if ((m->owner < 0) != (n->owner < 0))
        return m->owner < 0 ? -1 : 1;
    if (m->owner >= 0 && m->ms != n->ms)
        return m->ms < n->ms ? -1 : 1;
    return m->order < n->order ? -1 : m->order > n->order;
}

/* By time; those of one time in any order, as the line and the odd ones may stand. */
static void check_order(struct stream_group *of)
{
    static unsigned sorted[IDS];
    unsigned count = 0, i = 0;
    for (unsigned n = 0; n < IDS; n++)
        if (model[n].pending)
            sorted[count++] = n;
    qsort(sorted, count, sizeof *sorted, by_delivery);
    struct stream_oldest w;
    const struct stream_pending *p;
    stream_oldest_begin(&w, of, &arena);
    for (; (p = stream_oldest_next(&w)) != NULL; i++) {
        must(i < count);
        const struct model *m = &model[sorted[i]];
        must((stream_pending_consumer(&arena, p) == NULL) == (m->owner < 0));
        if (m->owner < 0)
            must(stream_id_compare(p->id, id_of(sorted[i])) == 0);
        else
            must(p->delivered_ms == m->ms);
    }
    must(i == count);
}

static void check_group(const struct stream_groups *all, struct stream_group *of)
{
    must(stream_groups_check(all, &arena));
    uint64_t count = 0, owned[CONSUMERS] = {0};
    for (unsigned n = 0; n < IDS; n++) {
        const struct model *m = &model[n];
        const struct stream_pending *p = stream_pel_find(of, &arena, id_of(n), NULL);
        must((p != NULL) == m->pending);
        if (p == NULL)
            continue;
        const struct stream_consumer *c = stream_pending_consumer(&arena, p);
        count++;
        must(p->delivered_ms == m->ms && p->count == m->count);
        must((c == NULL) == (m->owner < 0));
        if (c != NULL) {
            must(slice_equal(stream_consumer_name(c), stream_consumer_name(consumers[m->owner])));
            owned[m->owner]++;
        }
    }
    must(count == of->pending.count);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        const struct stream_consumer *c =
            stream_consumer_find(of, &arena, stream_consumer_name(consumers[i]));
        must(c != NULL && c->pending.count == owned[i]);
    }
    check_order(of);
}

/* --- changes --- */

static int64_t now = 1000000;

/* Mostly the clock, sometimes another time. */
static int64_t draw_time(void)
{
    now += (int64_t)below(3);
    return below(8) == 0 ? now - (int64_t)below(100000) : now;
}

static void deliver(unsigned n)
{
    struct btree_place place;
    unsigned owner = (unsigned)below(CONSUMERS);
    int64_t ms = draw_time();
    struct stream_pending *p = below(2) ? stream_pel_find(g, &arena, id_of(n), &place)
                                        : stream_pel_find_last(g, &arena, id_of(n), &place);
    must((p != NULL) == model[n].pending);
    if (p == NULL)
        p = stream_pel_add(groups, g, &arena, &place, id_of(n), consumers[owner], ms, 1);
    else
        stream_pel_give(g, &arena, p, consumers[owner], ms);
    p->count += n;
    model[n] = (struct model){true, (int)owner, ms, p->count, order++};
}

static void give_back(unsigned n)
{
    struct btree_place place;
    struct stream_pending *p = stream_pel_find(g, &arena, id_of(n), &place);
    if (p != NULL)
        stream_pel_give_back(g, &arena, p);
    else
        p = stream_pel_add(groups, g, &arena, &place, id_of(n), NULL, 0, 3);
    model[n] = (struct model){true, -1, 0, p->count, order++};
}

static void forget(unsigned n)
{
    struct btree_place place;
    if (below(4) == 0) {
        must(stream_groups_forget(groups, &arena, id_of(n)) == model[n].pending);
    } else {
        struct stream_pending *p = stream_pel_find(g, &arena, id_of(n), &place);
        must((p != NULL) == model[n].pending);
        if (p != NULL)
            stream_pel_remove(groups, g, &arena, &place, p);
    }
    model[n].pending = false;
}

/* A range of ids, first to last, as they are delivered and acknowledged mostly. */
static void change_range(bool add)
{
    unsigned from = (unsigned)below(IDS), count = (unsigned)below(IDS / 4);
    for (unsigned n = from; n < IDS && n < from + count; n++)
        if (add)
            deliver(n);
        else
            forget(n);
}

static void change(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        unsigned n = (unsigned)below(IDS), what = (unsigned)below(1000);
        if (what < 10)
            change_range(what < 5);
        else if (what < 500)
            deliver(n);
        else if (what < 600)
            give_back(n);
        else
            forget(n);
        if (i % 400 == 0)
            check_group(groups, g);
    }
    check_group(groups, g);
}

START_TEST(changes_follow_the_model)
{
    change(8000);
    for (unsigned n = 0; n < IDS; n++)
        forget(n);
    check_group(groups, g);
    change(2000);
}
END_TEST

START_TEST(a_walk_allows_changes_of_what_it_gave)
{
    change(1500);
    struct stream_oldest w;
    struct stream_pending *p;
    struct btree_place place;
    uint64_t count = g->pending.count, seen = 0;
    int64_t last = -1;
    now += 100;
    stream_oldest_begin(&w, g, &arena);
    while ((p = stream_oldest_next(&w)) != NULL) {
        must(p->delivered_ms >= last);
        last = p->delivered_ms;
        seen++;
        if (seen % 3 == 0) {
            stream_pel_find(g, &arena, p->id, &place);
            stream_pel_remove(groups, g, &arena, &place, p);
        } else if (seen % 3 == 1) {
            stream_pel_give(g, &arena, p, consumers[seen % CONSUMERS], now);
        } else {
            stream_pel_give_back(g, &arena, p);
        }
    }
    must(seen == count);
    must(stream_groups_check(groups, &arena));
}
END_TEST

/* Consumer I goes, and what it had is freed, now or after others. */
static struct stream_groups *drop_consumer(unsigned i)
{
    uint64_t owned = consumers[i]->pending.count, left = g->pending.count - owned, work = groups->work;
    uint64_t there = g->consumers.count;
    struct stream_groups *gone = stream_consumer_remove(groups, g, &arena, consumers[i]);
    must(stream_groups_check(groups, &arena) && groups->work == work - owned - 1);
    must((gone != NULL) == (owned > 64) && (gone == NULL || stream_groups_work(gone) >= owned));
    must(g->pending.count == left && g->consumers.count == there - 1);
    for (unsigned n = 0; n < IDS; n++) {
        model[n].pending = model[n].pending && model[n].owner != (int)i;
        must((stream_pel_find(g, &arena, id_of(n), NULL) != NULL) == model[n].pending);
    }
    check_order(g);
    return gone;
}

static void free_gone(struct stream_groups *gone)
{
    for (uint64_t budget = 10; gone != NULL && !stream_groups_free_some(gone, &arena, &budget); budget = 10)
        continue;
}

START_TEST(consumers_go_with_what_is_their_own)
{
    struct stream_groups *gone[CONSUMERS];
    change(3000);
    /* All but the last one of them have few, many or nearly all of what is pending. */
    for (unsigned n = 0; n < IDS; n++)
        if (_i > 0 && model[n].pending && model[n].owner >= 0 && below(4 + 200 * (unsigned)(_i == 2)) > 0) {
            struct stream_pending *p = stream_pel_find(g, &arena, id_of(n), NULL);
            model[n].ms = below(3) == 0 ? draw_time() : now;
            model[n].owner = _i;
            model[n].order = order++;
            stream_pel_give(g, &arena, p, consumers[_i], model[n].ms);
        }
    check_group(groups, g);
    for (unsigned i = 0; i < CONSUMERS; i++)
        gone[i] = drop_consumer((i + (unsigned)_i) % CONSUMERS);
    must(g->pending.count == g->nacked && g->odd.count == 0 && g->line.first == 0);
    for (unsigned i = 0; i < CONSUMERS; i++)
        free_gone(gone[i]);
}
END_TEST

/* None of others, and none that was given back. */
START_TEST(a_consumer_goes_with_all_there_is)
{
    struct stream_groups *gone;
    struct btree_place place;
    size_t used = arena.used;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned n = round; n < IDS; n++) {
            stream_pel_find_last(g, &arena, id_of(n), &place);
            stream_pel_add(groups, g, &arena, &place, id_of(n), consumers[3], draw_time(), 1);
        }
        uint64_t work = groups->work;
        gone = stream_consumer_remove(groups, g, &arena, consumers[3]);
        must(stream_groups_check(groups, &arena) && groups->work + IDS - round + 1 == work);
        must(g->pending.count == 0 && g->line.first == 0 && g->line.last == 0 && g->odd.count == 0);
        consumers[3] = stream_consumer_add(groups, g, &arena, slice_str("again"), 1003);
        free_gone(gone);
        must(stream_groups_check(groups, &arena));
    }
    must(arena.used <= used + 100);
    change(500);
}
END_TEST

START_TEST(groups_are_found_by_name)
{
    char name[32];
    unsigned there[300] = {0};
    for (unsigned i = 0; i < 3000; i++) {
        unsigned n = (unsigned)below(300);
        struct slice s =
            slice_of(name, (size_t)snprintf(name, sizeof name, "%.*s%u", (int)(n % 5), "aaaa", n));
        struct stream_group *found = stream_group_find(groups, &arena, s);
        must((found != NULL) == there[n]);
        if (found == NULL) {
            must(stream_group_add(groups, &arena, s, (struct stream_id){n, 0}, -1) != NULL);
        } else {
            must(found->last_id.ms == n);
            struct stream_groups *alone = stream_group_detach(groups, &arena, found);
            must(alone->work == 1 && stream_groups_check(alone, &arena));
            uint64_t budget = 10;
            must(stream_groups_free_some(alone, &arena, &budget));
        }
        there[n] ^= 1;
    }
    must(stream_groups_check(groups, &arena));
    must(stream_group_find(groups, &arena, slice_of("", 0)) == NULL);
    must(stream_group_find(NULL, &arena, slice_str("group")) == NULL);
}
END_TEST

START_TEST(what_groups_want)
{
    struct stream_id id = {5, 7};
    struct btree_place place;
    must(!stream_groups_want(NULL, &arena, id));
    must(stream_groups_want(groups, &arena, id));
    must(!stream_groups_want(groups, &arena, (struct stream_id){5, 6}));
    must(stream_pel_find(g, &arena, (struct stream_id){5, 1}, &place) == NULL);
    stream_pel_add(groups, g, &arena, &place, (struct stream_id){5, 1}, consumers[0], 1, 1);
    must(stream_groups_want(groups, &arena, (struct stream_id){5, 1}));
    must(stream_groups_forget(groups, &arena, (struct stream_id){5, 1}));
    must(!stream_groups_forget(groups, &arena, (struct stream_id){5, 1}));
    must(!stream_groups_want(groups, &arena, (struct stream_id){5, 1}));
}
END_TEST

/* --- copies, files, moving --- */

static void free_all(struct stream_groups *all)
{
    for (uint64_t budget = 1000; !stream_groups_free_some(all, &arena, &budget); budget = 1000)
        continue;
}

START_TEST(a_copy_is_equal)
{
    must(stream_groups_copy(NULL, &arena) == NULL);
    change(3000);
    struct stream_groups *copy = stream_groups_copy(groups, &arena);
    check_group(copy, stream_group_find(copy, &arena, slice_str("group")));
    must(stream_groups_memory(copy, &arena) <= arena.used);
    free_all(copy);
    must(stream_groups_work(groups) == 1 + CONSUMERS + g->pending.count);
}
END_TEST

static int64_t estimate(void *arg, struct stream_id last)
{
    (void)arg;
    return (int64_t)last.seq + 40;
}

/* Loads BYTES in windows that grow by STEP. */
static int load(struct stream_groups_load *l, struct slice bytes, size_t step)
{
    struct rdb_reader in = {.data = bytes.ptr, .len = bytes.len < step ? bytes.len : step};
    in.left = bytes.len - in.len;
    int code;
    while ((code = stream_groups_load(l, &in)) == MR_E_AGAIN) {
        must(in.left > 0);
        must(in.want > in.len - in.pos && in.want <= in.len - in.pos + in.left);
        size_t more = in.pos + in.want - in.len;
        more = more < step ? step : more;
        more = more < in.left ? more : in.left;
        in.len += more;
        in.left -= more;
    }
    if (code == 0)
        must(in.pos == bytes.len);
    rdb_reader_done(&in);
    return code;
}

START_TEST(files_hold_all)
{
    static const unsigned types[] = {27, 26, 21, 19, 15};
    change(3000);
    for (unsigned n = 0; n < IDS; n++)
        if (model[n].pending && model[n].owner < 0 && n % 3)
            deliver(n);
    must(stream_group_add(groups, &arena, slice_str("empty"), (struct stream_id){UINT64_MAX, 1}, -1) != NULL);
    must(stream_groups_rdb_type(groups, &arena) == 27);
    consumers[2]->active_ms = 77;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        struct buf bytes = {0};
        struct rdb_writer out = {.out = &bytes};
        stream_groups_save(&out, groups, &arena, types[i]);
        for (size_t step = 1; step < 100000; step = step * 7 + 1) {
            struct stream_groups_load l = {.arena = &arena, .rdb_type = types[i], .estimate = estimate},
                                      past = {.rdb_type = types[i]};
            must(load(&past, buf_slice(&bytes), step) == 0);
            must(past.groups == NULL);
            must(load(&l, buf_slice(&bytes), step) == 0);
            struct stream_group *of = stream_group_find(l.groups, &arena, slice_str("group"));
            must(of->entries_read == (types[i] == 15 ? 46 : 7) && of->last_id.ms == 5);
            const struct stream_consumer *c =
                stream_consumer_find(of, &arena, stream_consumer_name(consumers[2]));
            must(c->seen_ms == 1002 && c->active_ms == (types[i] >= 21 ? 77 : 1002));
            check_group(l.groups, of);
            free_all(l.groups);
        }
        buf_done(&bytes);
        /* Older ones cannot hold what was given back. */
        for (unsigned n = 0; n < IDS; n++)
            if (model[n].pending && model[n].owner < 0)
                deliver(n);
        must(stream_groups_rdb_type(groups, &arena) == 19);
    }
}
END_TEST

START_TEST(corrupt_files_are_refused)
{
    struct buf bytes = {0};
    struct rdb_writer out = {.out = &bytes};
    unsigned refused = 0, taken = 0;
    for (unsigned n = 100; n < 130; n++)
        deliver(n);
    give_back(110);
    give_back(105);
    stream_groups_save(&out, groups, &arena, 27);
    /* Cut anywhere, it is too short. */
    for (size_t len = 0; len < bytes.len; len++) {
        struct stream_groups_load l = {.arena = &arena, .rdb_type = 27};
        must(load(&l, slice_of(bytes.data, len), len + 1) == MR_E_TRUNCATED);
        if (l.groups != NULL)
            free_all(l.groups);
    }
    for (unsigned i = 0; i < 40000; i++) {
        size_t at = below(bytes.len);
        char was = bytes.data[at];
        bytes.data[at] = (char)(i % 3 == 0 ? was ^ (1 << below(8)) : (char)below(256));
        struct rdb_reader in = {.data = bytes.data, .len = bytes.len};
        struct stream_groups_load l = {.arena = &arena, .rdb_type = 27};
        int code = stream_groups_load(&l, &in);
        must(code != MR_E_AGAIN);
        *(code == 0 ? &taken : &refused) += 1;
        if (l.groups != NULL) {
            must(code != 0 || stream_groups_check(l.groups, &arena));
            free_all(l.groups);
        }
        rdb_reader_done(&in);
        bytes.data[at] = was;
    }
    must(refused > 5000 && taken > 5000);
    buf_done(&bytes);
}
END_TEST

START_TEST(all_of_it_can_be_moved)
{
    change(3000);
    for (unsigned n = 0; n < IDS; n++)
        deliver(n);
    for (unsigned n = 0; n < IDS; n++)
        if (n % 8)
            forget(n);
    size_t moved = 0;
    uint64_t cursor = 0;
    arena_evacuate_begin(&arena, 10);
    for (unsigned calls = 0;; calls++) {
        uint64_t budget = 50;
        bool whole = stream_groups_relocate(&groups, &arena, &cursor, &budget, &moved);
        g = stream_group_find(groups, &arena, slice_str("group"));
        struct btree_place at = btree_first(&g->consumers);
        for (struct stream_consumer *c; (c = btree_element(&arena, &at)) != NULL; btree_next(&arena, &at))
            consumers[c->seen_ms - 1000] = c;
        must(stream_groups_check(groups, &arena));
        if (whole)
            break;
        must(calls < 10000);
        forget((unsigned)below(IDS));
        deliver((unsigned)below(IDS));
    }
    arena_evacuate_end(&arena);
    must(moved > 100);
    check_group(groups, g);
}
END_TEST

UNIT_SUITE(types_stream_pel)
{
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, changes_follow_the_model);
    tcase_add_test(tc, a_walk_allows_changes_of_what_it_gave);
    tcase_add_loop_test(tc, consumers_go_with_what_is_their_own, 0, 3);
    tcase_add_test(tc, a_consumer_goes_with_all_there_is);
    tcase_add_test(tc, groups_are_found_by_name);
    tcase_add_test(tc, what_groups_want);
    tcase_add_test(tc, a_copy_is_equal);
    tcase_add_test(tc, files_hold_all);
    tcase_add_test(tc, corrupt_files_are_refused);
    tcase_add_test(tc, all_of_it_can_be_moved);
}
