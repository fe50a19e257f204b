/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The B+ tree against models: by order against a set of numbers with a Fenwick tree of how many
 * there are, by place against an array; while they grow, shrink, lose ranges and are moved.
 * Elements that are out are freed, so that the arena's poison shows who still looks at them.
 */
#include "container/btree.h"

#include <stdlib.h>

#include "base/random.h"
#include "unit.h"

struct element {
    uint64_t key;
    uint64_t mark;
};

#define MARK 0x5eed5eed5eed5eed

static struct element *element_new(struct arena *a, uint64_t key)
{
    struct element *e = arena_alloc(a, sizeof *e);
    *e = (struct element){.key = key, .mark = MARK};
    return e;
}

static void element_free(struct arena *a, struct element *e)
{
    must(e->mark == MARK);
    e->mark = 0;
    arena_free(a, e, sizeof *e);
}

/* --- by order --- */

struct ordered {
    struct arena a;
    struct btree t;
    struct random r;
    uint64_t keys;  /* are below this */
    uint64_t group; /* so many following ones have the same prefix */
    struct element **expect;
    uint32_t *fenwick; /* [1..keys] */
    uint64_t count;
    uint64_t next; /* key that a range's next element must not be below */
};

struct key {
    uint64_t key;
    bool behind; /* all that have it */
    uint64_t *compares;
};

static int compare(const void *element, const void *key)
{
    const struct element *e = element;
    const struct key *k = key;
    must(e->mark == MARK);
    if (k->compares != NULL)
        ++*k->compares;
    if (e->key == k->key)
        return k->behind ? -1 : 0;
    return e->key < k->key ? -1 : 1;
}

static bool before(const void *x, const void *y)
{
    const struct element *left = x, *right = y;
    return left->mark == MARK && right->mark == MARK && left->key < right->key;
}

static uint32_t prefix(const struct ordered *o, uint64_t key)
{
    uint64_t highest = (o->keys - 1) / o->group;
    return UINT32_MAX - (uint32_t)(highest - key / o->group);
}

static void ordered_init(struct ordered *o, uint64_t keys, uint64_t group, uint64_t seed)
{
    *o = (struct ordered){.keys = keys, .group = group};
    arena_init(&o->a, 0);
    btree_init(&o->t, BTREE_BY_ORDER);
    random_init_seed(&o->r, seed);
    o->expect = calloc(keys, sizeof *o->expect);
    o->fenwick = calloc(keys + 1, sizeof *o->fenwick);
    must(o->expect != NULL && o->fenwick != NULL);
}

static void ordered_check(struct ordered *o)
{
    must(btree_check(&o->t, &o->a, before));
    must(o->t.count == o->count && o->t.weight == o->count);
}

static void drain_one(void *arg, void *element)
{
    struct ordered *o = arg;
    struct element *e = element;
    must(o->expect[e->key] == e && e->key >= o->next);
    o->next = e->key + 1;
    o->expect[e->key] = NULL;
    o->count--;
    element_free(&o->a, e);
}

static void ordered_done(struct ordered *o)
{
    ordered_check(o);
    bool empty;
    o->next = 0;
    do {
        uint64_t budget = 1 + random_below(&o->r, 500), gave = budget, had = o->count;
        empty = btree_drain(&o->t, &o->a, &budget, drain_one, o);
        must(had - o->count >= gave - budget && had - o->count < gave + 128);
        must(empty || budget == 0);
    } while (!empty);
    must(o->count == 0 && btree_check(&o->t, &o->a, before));
    must(o->a.used == 0);
    arena_done(&o->a);
    free(o->expect);
    free(o->fenwick);
}

static void fenwick_add(struct ordered *o, uint64_t key, uint32_t delta)
{
    for (uint64_t i = key + 1; i <= o->keys; i += i & -i)
        o->fenwick[i] += delta;
}

static uint64_t model_rank(const struct ordered *o, uint64_t key)
{
    uint64_t sum = 0;
    for (uint64_t i = key; i > 0; i -= i & -i)
        sum += o->fenwick[i];
    return sum;
}

static struct element *model_at(const struct ordered *o, uint64_t rank)
{
    if (rank >= o->count)
        return NULL;
    uint64_t at = 0, bit = 1;
    while (bit * 2 <= o->keys)
        bit *= 2;
    for (; bit > 0; bit /= 2)
        if (at + bit <= o->keys && o->fenwick[at + bit] <= rank) {
            at += bit;
            rank -= o->fenwick[at];
        }
    return o->expect[at];
}

static struct btree_place ordered_seek(struct ordered *o, uint64_t key, bool behind)
{
    bool exact;
    uint64_t compares = 0, most = 4;
    struct key k = {key, behind, &compares};
    struct btree_place place = btree_seek(&o->t, &o->a, compare, &k, prefix(o, key), &exact);
    uint64_t rank = model_rank(o, behind ? key + 1 : key);
    must(exact == (!behind && o->expect[key] != NULL));
    must(btree_rank(&o->t, &o->a, &place) == rank);
    must(btree_element(&o->a, &place) == model_at(o, rank));
    for (uint64_t n = o->count < o->group ? o->count : o->group; n > 0; n /= 2)
        most += 2;
    must(compares <= most);
    return place;
}

static void ordered_insert(struct ordered *o, uint64_t key)
{
    struct btree_place place = ordered_seek(o, key, false);
    if (o->expect[key] != NULL)
        return;
    struct element *e = element_new(&o->a, key);
    btree_insert(&o->t, &o->a, &place, e, prefix(o, key));
    o->expect[key] = e;
    fenwick_add(o, key, 1);
    o->count++;
}

static void ordered_remove(struct ordered *o, uint64_t key)
{
    struct btree_place place = ordered_seek(o, key, false);
    if (o->expect[key] == NULL)
        return;
    uint64_t rank = model_rank(o, key);
    must(btree_tag(&o->a, &place) == prefix(o, key));
    btree_remove(&o->t, &o->a, &place);
    element_free(&o->a, o->expect[key]);
    o->expect[key] = NULL;
    fenwick_add(o, key, UINT32_MAX);
    o->count--;
    must(btree_element(&o->a, &place) == model_at(o, rank));
    must(btree_rank(&o->t, &o->a, &place) == rank);
}

static void ordered_replace(struct ordered *o, uint64_t key)
{
    struct btree_place place = ordered_seek(o, key, false);
    if (o->expect[key] == NULL)
        return;
    struct element *e = element_new(&o->a, key);
    btree_replace(&o->t, &o->a, &place, e);
    element_free(&o->a, o->expect[key]);
    o->expect[key] = e;
    must(btree_element(&o->a, &place) == e);
}

static void range_one(void *arg, void *element)
{
    struct ordered *o = arg;
    struct element *e = element;
    must(o->expect[e->key] == e && e->key >= o->next);
    o->next = e->key + 1;
    fenwick_add(o, e->key, UINT32_MAX);
    o->expect[e->key] = NULL;
    o->count--;
    element_free(&o->a, e);
}

static void ordered_remove_range(struct ordered *o, uint64_t key, uint64_t most)
{
    struct btree_place place = ordered_seek(o, key, false);
    uint64_t rank = model_rank(o, key), had = o->count, want = had - rank < most ? had - rank : most;
    o->next = key;
    must(btree_remove_range(&o->t, &o->a, &place, most, range_one, o) == want);
    must(had - o->count == want);
    must(btree_element(&o->a, &place) == model_at(o, rank));
    must(btree_rank(&o->t, &o->a, &place) == rank);
}

static void ordered_walk(struct ordered *o)
{
    uint64_t rest, rank = random_below(&o->r, o->count + 2), steps = random_below(&o->r, 200);
    struct btree_place place = btree_at(&o->t, &o->a, rank, &rest);
    if (rank > o->count)
        rank = o->count;
    bool forth = random_below(&o->r, 2) == 0;
    must(rest == 0);
    for (; steps > 0; steps--) {
        must(btree_element(&o->a, &place) == model_at(o, rank));
        must(btree_rank(&o->t, &o->a, &place) == rank);
        if (forth) {
            must(btree_next(&o->a, &place) == (rank + 1 < o->count));
            rank += rank < o->count;
        } else {
            must(btree_prev(&o->a, &place) == (rank > 0));
            rank -= rank > 0;
        }
    }
    must(btree_element(&o->a, &place) == model_at(o, rank));
}

static void ordered_ends(struct ordered *o)
{
    struct btree_place place = btree_first(&o->t);
    must(btree_element(&o->a, &place) == model_at(o, 0));
    place = btree_last(&o->t, &o->a);
    must(o->count == 0 || btree_element(&o->a, &place) == model_at(o, o->count - 1));
    place = btree_end(&o->t, &o->a);
    must(btree_element(&o->a, &place) == NULL && btree_tag(&o->a, &place) == 0);
    must(btree_rank(&o->t, &o->a, &place) == o->count);
    must(!btree_next(&o->a, &place));
}

/* OPS operations; PERCENT of those that put in or take out put in. Keys are drawn from all, or
 * from near one of them. */
static void ordered_ops(struct ordered *o, uint64_t ops, unsigned percent, uint64_t spread)
{
    uint64_t near = random_below(&o->r, o->keys);
    for (uint64_t i = 0; i < ops; i++) {
        if (i % 1000 == 0)
            near = random_below(&o->r, o->keys);
        uint64_t key = (near + random_below(&o->r, spread)) % o->keys;
        switch (random_below(&o->r, 16)) {
        case 0:
            ordered_replace(o, key);
            break;
        case 1:
            (void)ordered_seek(o, key, true);
            break;
        case 2:
            ordered_ends(o);
            break;
        case 3:
            if (i % 32 == 0)
                ordered_walk(o);
            break;
        default:
            if (random_below(&o->r, 100) < percent)
                ordered_insert(o, key);
            else
                ordered_remove(o, key);
        }
    }
    ordered_check(o);
}

static void ordered_ranges(struct ordered *o)
{
    for (unsigned i = 0; i < 40 && o->count > 0; i++) {
        uint64_t most = random_below(&o->r, i % 4 == 0 ? o->count / 2 + 1 : 200);
        ordered_remove_range(o, random_below(&o->r, o->keys), most);
        ordered_check(o);
        for (unsigned k = 0; k < 300; k++)
            ordered_insert(o, random_below(&o->r, o->keys));
    }
    ordered_remove_range(o, 0, o->count / 3);
    ordered_check(o);
    ordered_remove_range(o, o->keys / 2, UINT64_MAX);
    ordered_check(o);
}

struct some {
    struct ordered *o;
    uint64_t next; /* key that is not asked about yet */
    unsigned percent;
};

static bool some_one(void *arg, void *element)
{
    struct some *s = arg;
    struct element *e = element;
    must(s->o->expect[e->key] == e && e->key >= s->next);
    /* None is left out. */
    must(s->next == 0 || model_rank(s->o, s->next) == model_rank(s->o, e->key));
    s->next = e->key + 1;
    if (random_below(&s->o->r, 100) >= s->percent)
        return false;
    s->o->next = 0;
    range_one(s->o, e);
    return true;
}

/* Leaf after leaf from some place on, of which some elements go. */
static void ordered_remove_some(struct ordered *o, unsigned percent, unsigned leaves)
{
    struct some s = {o, random_below(&o->r, o->keys), percent};
    struct btree_place place = ordered_seek(o, s.next, false);
    for (; leaves > 0; leaves--) {
        uint64_t had = o->count, from = s.next;
        must(btree_remove_some(&o->t, &o->a, &place, some_one, &s) == had - o->count);
        must(btree_element(&o->a, &place) == model_at(o, model_rank(o, s.next)));
        must(btree_rank(&o->t, &o->a, &place) == model_rank(o, s.next));
        must(s.next > from || btree_element(&o->a, &place) == NULL);
    }
    ordered_check(o);
}

static void ordered_somes(struct ordered *o)
{
    for (unsigned i = 0; i < 60 && o->count > 0; i++) {
        ordered_remove_some(o, i % 3 == 0 ? 100 : (unsigned)random_below(&o->r, 100),
                            1 + (unsigned)random_below(&o->r, i % 5 == 0 ? 300 : 10));
        for (unsigned k = 0; k < 400; k++)
            ordered_insert(o, random_below(&o->r, o->keys));
    }
}

/* What stands before some place is cut off, and is a tree that can be changed as any; then that is drained,
 * the rest stays. */
static void ordered_cut(struct ordered *o)
{
    uint64_t rank = random_below(&o->r, o->count + 1), had = o->count;
    struct btree_place place =
        random_below(&o->r, 2) ? btree_at(&o->t, &o->a, rank, NULL) : btree_end(&o->t, &o->a);
    rank = btree_rank(&o->t, &o->a, &place);
    struct btree head, rest;
    struct element *first = model_at(o, rank);
    btree_init(&head, BTREE_BY_ORDER);
    btree_cut(&o->t, &o->a, &place, &head);
    must(btree_check(&head, &o->a, before) && btree_check(&o->t, &o->a, before));
    must(head.count == rank && o->t.count == had - rank);
    place = btree_first(&o->t);
    must(btree_element(&o->a, &place) == first);
    /* The half that goes on is drawn; of the other one nothing is left. */
    rest = o->t;
    if (random_below(&o->r, 2))
        rest = head, head = o->t;
    o->next = 0;
    for (uint64_t budget = 64; !btree_drain(&head, &o->a, &budget, range_one, o);)
        budget = 64;
    o->t = rest;
    ordered_check(o);
}

static void ordered_cuts(struct ordered *o)
{
    for (unsigned i = 0; i < 30 && o->count > 0; i++) {
        ordered_cut(o);
        for (unsigned k = 0; k < 200u << i % 7; k++)
            ordered_insert(o, random_below(&o->r, o->keys));
        for (unsigned k = 0; k < 100; k++)
            ordered_remove(o, random_below(&o->r, o->keys));
        ordered_check(o);
    }
}

static void *move_one(void *arg, void *element)
{
    struct ordered *o = arg;
    struct element *e = element;
    must(o->expect[e->key] == e);
    if (!arena_is_leaving(&o->a, e, sizeof *e))
        return e;
    struct element *to = element_new(&o->a, e->key);
    o->expect[e->key] = to;
    element_free(&o->a, e);
    return to;
}

/* What is left of a big tree moves together; with changes between the slices. */
static void ordered_relocate(struct ordered *o, bool changes)
{
    size_t held = o->a.held, gain = arena_evacuate_begin(&o->a, 10);
    bool done = false;
    for (uint64_t cursor = 0; !done;) {
        uint64_t budget = 1 + random_below(&o->r, 1000);
        done = btree_relocate(&o->t, &o->a, &cursor, &budget, move_one, o);
        must(done || budget == 0);
        if (changes) {
            ordered_insert(o, random_below(&o->r, o->keys));
            ordered_remove(o, random_below(&o->r, o->keys));
        }
    }
    arena_evacuate_end(&o->a);
    ordered_check(o);
    if (!changes)
        must(o->a.held + gain / 2 <= held);
}

static void ordered_run(uint64_t keys, uint64_t group, uint64_t ops)
{
    struct ordered o;
    ordered_init(&o, keys, group, keys * 31 + group);
    ordered_ops(&o, ops, 90, keys);
    ordered_ops(&o, ops, 50, keys);
    ordered_ops(&o, ops / 2, 70, keys / 50 + 1);
    ordered_ops(&o, ops, 15, keys);
    ordered_relocate(&o, false);
    ordered_ops(&o, ops / 2, 80, keys);
    ordered_ops(&o, ops / 2, 30, keys / 50 + 1);
    ordered_ranges(&o);
    ordered_cuts(&o);
    ordered_somes(&o);
    ordered_relocate(&o, true);
    ordered_ops(&o, ops / 4, 80, keys);
    ordered_done(&o);
}

START_TEST(by_order)
{
    ordered_run(60000, 1, 150000);
}
END_TEST

START_TEST(by_order_equal_prefixes)
{
    ordered_run(60000, 100, 150000);
    ordered_run(60000, 60000, 100000);
}
END_TEST

START_TEST(by_order_small)
{
    for (uint64_t keys = 1; keys < 400; keys = keys * 3 / 2 + 1)
        ordered_run(keys, keys % 7 + 1, 5000);
}
END_TEST

/* In order they fill their leaves, and go in order without a trace. */
static void in_order(bool rising)
{
    struct ordered o;
    ordered_init(&o, 300000, 3, 7);
    for (uint64_t i = 0; i < o.keys; i++)
        ordered_insert(&o, rising ? i : o.keys - 1 - i);
    ordered_check(&o);
    must(o.t.bytes < o.count * 10);
    for (uint64_t i = 0, had = o.t.bytes; i + 5 < o.keys; i++) {
        ordered_remove(&o, rising ? i : o.keys - 1 - i);
        if (o.t.bytes != had && i % 16 == 0)
            ordered_check(&o);
        had = o.t.bytes;
    }
    ordered_check(&o);
    must(o.t.bytes <= 256);
    ordered_done(&o);
}

START_TEST(rising)
{
    in_order(true);
}
END_TEST

START_TEST(falling)
{
    in_order(false);
}
END_TEST

START_TEST(fill)
{
    struct ordered o;
    ordered_init(&o, 1 << 20, 1, 9);
    while (o.count < o.keys / 2)
        ordered_insert(&o, random_below(&o.r, o.keys));
    must(o.t.bytes < o.count * 47 / 4);
    while (o.count > o.keys / 16)
        ordered_remove(&o, random_below(&o.r, o.keys));
    must(o.t.bytes < o.count * 17);
    ordered_check(&o);
    ordered_done(&o);
}
END_TEST

/* --- by place --- */

#define PLACES 6000

struct placed {
    struct arena a;
    struct btree t;
    struct random r;
    struct element *expect[PLACES]; /* the key is the weight */
    uint64_t count, weight;
    uint64_t out; /* index of the next that goes in a range */
};

static uint64_t weight_before(const struct placed *p, uint64_t index)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < index; i++)
        sum += p->expect[i]->key;
    return sum;
}

static uint64_t draw_weight(struct placed *p)
{
    uint64_t kind = random_below(&p->r, 10);
    return kind == 0 ? UINT32_MAX - random_below(&p->r, 5) : 1 + random_below(&p->r, kind < 5 ? 2 : 200);
}

/* The place of a drawn index, found in one of the ways there are. */
static struct btree_place draw_place(struct placed *p, uint64_t *index)
{
    uint64_t rest, kind = random_below(&p->r, 8);
    struct btree_place place;
    *index = 0;
    if (kind == 0 || p->count == 0)
        return btree_first(&p->t);
    if (kind == 1) {
        *index = p->count;
        return btree_end(&p->t, &p->a);
    }
    if (kind == 2) {
        *index = p->count - 1;
        return btree_last(&p->t, &p->a);
    }
    *index = random_below(&p->r, p->count + 1);
    uint64_t rank = weight_before(p, *index), into = 0;
    if (*index < p->count)
        into = random_below(&p->r, p->expect[*index]->key);
    place = btree_at(&p->t, &p->a, rank + into, &rest);
    must(rest == into);
    must(btree_rank(&p->t, &p->a, &place) == rank);
    if (kind == 3) {
        bool moved = btree_next(&p->a, &place);
        must(moved == (*index + 1 < p->count));
        *index += *index < p->count;
    } else if (kind == 4) {
        bool moved = btree_prev(&p->a, &place);
        must(moved == (*index > 0));
        *index -= *index > 0;
    }
    must(btree_element(&p->a, &place) == (*index < p->count ? p->expect[*index] : NULL));
    return place;
}

static void placed_insert(struct placed *p)
{
    uint64_t index;
    struct btree_place place = draw_place(p, &index);
    if (p->count == PLACES)
        return;
    struct element *e = element_new(&p->a, draw_weight(p));
    btree_insert(&p->t, &p->a, &place, e, (uint32_t)e->key);
    memmove(p->expect + index + 1, p->expect + index, (p->count - index) * sizeof *p->expect);
    p->expect[index] = e;
    p->count++;
    p->weight += e->key;
}

static void placed_remove(struct placed *p)
{
    uint64_t index;
    struct btree_place place = draw_place(p, &index);
    if (index == p->count) {
        must(btree_element(&p->a, &place) == NULL);
        return;
    }
    btree_remove(&p->t, &p->a, &place);
    p->count--;
    p->weight -= p->expect[index]->key;
    element_free(&p->a, p->expect[index]);
    memmove(p->expect + index, p->expect + index + 1, (p->count - index) * sizeof *p->expect);
    must(btree_element(&p->a, &place) == (index < p->count ? p->expect[index] : NULL));
}

static void placed_reweigh(struct placed *p)
{
    uint64_t index;
    struct btree_place place = draw_place(p, &index);
    if (index == p->count)
        return;
    uint64_t weight = draw_weight(p);
    must(btree_tag(&p->a, &place) == p->expect[index]->key);
    btree_reweigh(&p->t, &p->a, &place, (uint32_t)weight);
    p->weight += weight - p->expect[index]->key;
    p->expect[index]->key = weight;
    must(p->t.weight == p->weight);
}

static void placed_one(void *arg, void *element)
{
    struct placed *p = arg;
    must(element == p->expect[p->out]);
    p->weight -= p->expect[p->out]->key;
    element_free(&p->a, element);
    p->expect[p->out++] = NULL;
}

static void placed_remove_range(struct placed *p, uint64_t most)
{
    uint64_t index, end, weight = 0;
    struct btree_place place = draw_place(p, &index);
    for (end = index; end < p->count && weight + p->expect[end]->key <= most; end++)
        weight += p->expect[end]->key;
    p->out = index;
    must(btree_remove_range(&p->t, &p->a, &place, most, placed_one, p) == weight);
    must(p->out == end);
    memmove(p->expect + index, p->expect + end, (p->count - end) * sizeof *p->expect);
    p->count -= end - index;
    must(btree_element(&p->a, &place) == (index < p->count ? p->expect[index] : NULL));
    must(btree_rank(&p->t, &p->a, &place) == weight_before(p, index));
}

static void placed_check(struct placed *p)
{
    must(btree_check(&p->t, &p->a, NULL));
    must(p->t.count == p->count && p->t.weight == p->weight);
    struct btree_place place = btree_first(&p->t);
    for (uint64_t i = 0; i < p->count; i++) {
        must(btree_element(&p->a, &place) == p->expect[i]);
        must(btree_next(&p->a, &place) == (i + 1 < p->count));
    }
    must(btree_element(&p->a, &place) == NULL);
}

static void placed_ops(struct placed *p, unsigned ops, unsigned percent)
{
    for (unsigned i = 0; i < ops; i++) {
        if (random_below(&p->r, 5) == 0)
            placed_reweigh(p);
        else if (random_below(&p->r, 100) < percent)
            placed_insert(p);
        else
            placed_remove(p);
    }
    placed_check(p);
}

START_TEST(by_place)
{
    struct placed *p = calloc(1, sizeof *p);
    must(p != NULL);
    arena_init(&p->a, 0);
    btree_init(&p->t, BTREE_BY_PLACE);
    random_init_seed(&p->r, 3);
    static const unsigned percents[] = {95, 50, 70, 20, 90, 5, 80};
    for (unsigned i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        placed_ops(p, 10000, percents[i]);
        for (unsigned k = 0; k < 20; k++) {
            placed_remove_range(p, random_below(&p->r, k % 2 == 0 ? 2000 : (uint64_t)50 << 32));
            placed_ops(p, 100, 80);
        }
        (void)arena_evacuate_begin(&p->a, 5);
        for (uint64_t cursor = 0, budget = 100; !btree_relocate(&p->t, &p->a, &cursor, &budget, NULL, NULL);)
            budget = 100;
        arena_evacuate_end(&p->a);
        placed_check(p);
    }
    uint64_t budget = UINT64_MAX;
    must(btree_drain(&p->t, &p->a, &budget, NULL, NULL));
    for (uint64_t i = 0; i < p->count; i++)
        element_free(&p->a, p->expect[i]);
    must(p->a.used == 0);
    arena_done(&p->a);
    free(p);
}
END_TEST

/* Pushed on one side and popped on the other: what is left is small, and full. */
START_TEST(queue)
{
    struct arena a;
    struct btree t;
    arena_init(&a, 0);
    for (unsigned side = 0; side < 2; side++) {
        btree_init(&t, BTREE_BY_PLACE);
        for (uint64_t i = 0; i < 200000; i++) {
            struct btree_place place = side == 0 ? btree_end(&t, &a) : btree_first(&t);
            btree_insert(&t, &a, &place, element_new(&a, i), 2);
            if (i < 3000)
                continue;
            place = side == 0 ? btree_first(&t) : btree_last(&t, &a);
            struct element *e = btree_element(&a, &place);
            must(e->key == i - 3000);
            element_free(&a, e);
            btree_remove(&t, &a, &place);
            must(t.bytes < 3000 * 10 + 4096);
        }
        must(btree_check(&t, &a, NULL));
        uint64_t budget = UINT64_MAX;
        must(t.weight == 6000 && btree_drain(&t, &a, &budget, NULL, NULL));
    }
    arena_done(&a);
}
END_TEST

UNIT_SUITE(container_btree)
{
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, by_order);
    tcase_add_test(tc, by_order_equal_prefixes);
    tcase_add_test(tc, by_order_small);
    tcase_add_test(tc, rising);
    tcase_add_test(tc, falling);
    tcase_add_test(tc, fill);
    tcase_add_test(tc, by_place);
    tcase_add_test(tc, queue);
}
