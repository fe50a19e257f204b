/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See zset_big.h. An element stands in the tree by its score, so it is taken out there before
 * that changes; in the table it stands by its member, and only its address may change.
 */
#include "types/zset/zset_big.h"

#include "keyspace/keyspace_ops.h"

#define DRAIN_BUCKET 8 /* elements that a bucket of a table holds, more or less */

/* --- elements --- */

static bool score_is_int(double score, size_t len)
{
    if (len > ZSET_SURE_MAX || !(score >= INT32_MIN && score <= INT32_MAX))
        return false;
    double back = (int32_t)score;
    return memcmp(&back, &score, sizeof back) == 0;
}

static size_t element_size(size_t len, bool is_int)
{
    return offsetof(struct zset_element, rest) + (is_int ? 4 : 8) + entry_counted_size(len);
}

static size_t size_of(const struct zset_element *el)
{
    return element_size(zset_element_member(el).len, (el->flags & ZSET_ELEMENT_INT) != 0);
}

size_t zset_element_bytes(const struct zset_element *el)
{
    return arena_usable(size_of(el));
}

static void put_score(struct zset_element *el, double score, bool is_int)
{
    el->flags = is_int ? ZSET_ELEMENT_INT : 0;
    if (is_int) {
        int32_t i = (int32_t)score;
        memcpy(el->rest, &i, sizeof i);
    } else {
        memcpy(el->rest, &score, sizeof score);
    }
}

struct zset_element *zset_element_new(struct arena *a, struct slice member, double score)
{
    bool is_int = score_is_int(score, member.len);
    size_t size = element_size(member.len, is_int);
    if (__builtin_expect(member.len > UINT32_MAX, 0))
        return NULL;
    struct zset_element *el = member.len <= ZSET_SURE_MAX ? arena_alloc(a, size) : arena_try_alloc(a, size);
    if (el == NULL)
        return NULL;
    put_score(el, score, is_int);
    entry_put_counted(el->rest + (is_int ? 4 : 8), member);
    return el;
}

void zset_element_free(struct arena *a, struct zset_element *el)
{
    arena_free(a, el, size_of(el));
}

struct zset_element *zset_element_rescore(struct arena *a, struct zset_element *el, double score)
{
    struct slice member = zset_element_member(el);
    bool was = (el->flags & ZSET_ELEMENT_INT) != 0, is = score_is_int(score, member.len);
    if (was != is) {
        size_t size = element_size(member.len, was), to = element_size(member.len, is);
        size_t counted = entry_counted_size(member.len);
        unsigned char *from = el->rest + (was ? 4 : 8);
        if (arena_usable(size) != arena_usable(to)) {
            struct zset_element *now = arena_alloc(a, to);
            memcpy(now->rest + (is ? 4 : 8), from, counted);
            arena_free(a, el, size);
            el = now;
        } else {
            memmove(el->rest + (is ? 4 : 8), from, counted);
        }
    }
    put_score(el, score, is);
    return el;
}

/* --- the table --- */

static uint64_t element_hash(const void *owner, const void *element)
{
    return keyspace_hash(owner, zset_element_member(element));
}

static bool element_equal(const void *element, struct slice key)
{
    return keyspace_equal_text(zset_element_member(element), key);
}

const struct dict_ops zset_dict_ops = {.hash = element_hash, .equal = element_equal};

struct zset_element *zset_big_find(const struct zset_big *big, const struct arena *a, struct slice member,
                                   uint64_t hash, struct dict_slot *slot)
{
    return dict_inline_find(&big->dict, a, &zset_dict_ops, member, hash, slot);
}

/* --- the tree --- */

struct target {
    double score;
    struct slice member;
};

static int compare_target(const void *element, const void *key)
{
    const struct target *t = key;
    double score = zset_element_score(element);
    if (score != t->score)
        return score < t->score ? -1 : 1;
    return zset_compare_members(zset_element_member(element), t->member);
}

static int compare_score(const void *element, const void *key)
{
    const double *score = key;
    return zset_element_score(element) < *score ? -1 : 1;
}

static int compare_score_upto(const void *element, const void *key)
{
    const double *score = key;
    return zset_element_score(element) <= *score ? -1 : 1;
}

static int compare_member(const void *element, const void *key)
{
    return zset_compare_members(zset_element_member(element), *(const struct slice *)key) < 0 ? -1 : 1;
}

static int compare_member_upto(const void *element, const void *key)
{
    return zset_compare_members(zset_element_member(element), *(const struct slice *)key) <= 0 ? -1 : 1;
}

struct btree_place zset_big_seek(const struct zset_big *big, const struct arena *a, double score,
                                 struct slice member)
{
    struct target t = {score, member};
    return btree_seek(&big->tree, a, compare_target, &t, zset_score_prefix(score), NULL);
}

uint64_t zset_big_below_score(const struct zset_big *big, const struct arena *a, double score, bool equal)
{
    struct btree_place place = btree_seek(&big->tree, a, equal ? compare_score_upto : compare_score, &score,
                                          zset_score_prefix(score), NULL);
    return btree_rank(&big->tree, a, &place);
}

uint64_t zset_big_below_member(const struct zset_big *big, const struct arena *a, struct slice member,
                               bool equal)
{
    struct btree_place first = btree_first(&big->tree);
    struct btree_place place = btree_seek(&big->tree, a, equal ? compare_member_upto : compare_member,
                                          &member, btree_tag(a, &first), NULL);
    return btree_rank(&big->tree, a, &place);
}

/* --- sets --- */

struct zset_big *zset_big_new(struct arena *a)
{
    struct zset_big *big = arena_alloc(a, sizeof *big);
    dict_init(&big->dict);
    btree_init(&big->tree, BTREE_BY_ORDER);
    big->bytes = 0;
    big->drained = 0;
    return big;
}

static void free_element(void *arg, void *element)
{
    zset_element_free(arg, element);
}

bool zset_big_free_some(struct arena *a, struct zset_big *big, uint64_t *budget)
{
    /* The tree goes first: the elements' sizes are not asked for there. */
    uint64_t count = big->tree.count;
    if (count > 0) {
        uint64_t nodes = *budget > UINT64_MAX / 4 ? UINT64_MAX : *budget * 4;
        bool done = btree_drain(&big->tree, a, &nodes, NULL, NULL);
        uint64_t cost = (count - big->tree.count) / 4 + 1;
        *budget -= cost < *budget ? cost : *budget;
        if (!done || *budget == 0)
            return false;
    }
    uint64_t had = big->dict.count;
    if (!dict_drain(&big->dict, a, &big->drained, *budget / DRAIN_BUCKET + 1, free_element, a)) {
        uint64_t gone = had - big->dict.count + 1;
        *budget -= gone < *budget ? gone : *budget;
        return false;
    }
    *budget -= had < *budget ? had : *budget;
    arena_free(a, big, sizeof *big);
    return true;
}

void zset_big_free(struct arena *a, struct zset_big *big)
{
    uint64_t budget;
    do
        budget = UINT64_MAX;
    while (!zset_big_free_some(a, big, &budget));
}

static void insert_tree(struct arena *a, struct zset_big *big, struct zset_element *el, double score)
{
    struct btree_place place = zset_big_seek(big, a, score, zset_element_member(el));
    btree_insert(&big->tree, a, &place, el, zset_score_prefix(score));
}

void zset_big_add(struct keyspace *ks, struct zset_big *big, struct slice member, uint64_t hash, double score)
{
    struct arena *a = keyspace_arena(ks);
    struct zset_element *el = zset_element_new(a, member, score);
    big->bytes += zset_element_bytes(el);
    dict_add(&big->dict, a, &zset_dict_ops, ks, el, hash);
    insert_tree(a, big, el, score);
}

int zset_big_promise(const struct zset_big *big, struct arena *a, const struct slice *texts, uint32_t pairs)
{
    size_t bytes = dict_add_bytes(&big->dict, pairs) + btree_insert_bytes(&big->tree, pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        struct slice member = texts[2 * (size_t)i + 1];
        if (member.len <= ZSET_SURE_MAX)
            bytes += arena_usable(element_size(member.len, false));
    }
    return arena_promise(a, bytes) ? 0 : MR_E_MEMORY;
}

void zset_big_append_tree(struct arena *a, struct zset_big *big, struct zset_element *el)
{
    struct btree_place end = btree_end(&big->tree, a);
    big->bytes += zset_element_bytes(el);
    btree_insert(&big->tree, a, &end, el, zset_score_prefix(zset_element_score(el)));
}

void zset_big_append(struct keyspace *ks, struct zset_big *big, struct zset_element *el, uint64_t hash)
{
    dict_add(&big->dict, keyspace_arena(ks), &zset_dict_ops, ks, el, hash);
    zset_big_append_tree(keyspace_arena(ks), big, el);
}

/* Whether X stands before Y. */
static bool stands_before(const struct zset_element *x, const struct zset_element *y)
{
    double p = zset_element_score(x), q = zset_element_score(y);
    return p != q ? p < q : zset_compare_members(zset_element_member(x), zset_element_member(y)) < 0;
}

void zset_big_put(struct keyspace *ks, struct zset_big *big, struct zset_element *el, uint64_t hash)
{
    struct arena *a = keyspace_arena(ks);
    struct btree_place place = btree_first(&big->tree), last = btree_last(&big->tree, a);
    double score = zset_element_score(el);
    dict_add(&big->dict, a, &zset_dict_ops, ks, el, hash);
    big->bytes += zset_element_bytes(el);
    if (place.leaf != 0 && !stands_before(el, btree_element(a, &place))) {
        if (stands_before(btree_element(a, &last), el))
            place = btree_end(&big->tree, a);
        else
            place = zset_big_seek(big, a, score, zset_element_member(el));
    }
    btree_insert(&big->tree, a, &place, el, zset_score_prefix(score));
}

void zset_big_rescore(struct arena *a, struct zset_big *big, struct zset_element *el, struct dict_slot slot,
                      double score)
{
    struct btree_place place = zset_big_seek(big, a, zset_element_score(el), zset_element_member(el));
    btree_remove(&big->tree, a, &place);
    big->bytes -= zset_element_bytes(el);
    struct zset_element *now = zset_element_rescore(a, el, score);
    big->bytes += zset_element_bytes(now);
    if (now != el)
        dict_replace(&big->dict, a, slot, now);
    insert_tree(a, big, now, score);
}

void zset_big_remove(struct keyspace *ks, struct zset_big *big, struct zset_element *el,
                     struct dict_slot slot, uint64_t hash)
{
    struct arena *a = keyspace_arena(ks);
    struct btree_place place = zset_big_seek(big, a, zset_element_score(el), zset_element_member(el));
    btree_remove(&big->tree, a, &place);
    big->bytes -= zset_element_bytes(el);
    /* What the table does may want the hash of each element in it, but for this one. */
    dict_remove(&big->dict, a, &zset_dict_ops, ks, slot, hash);
    zset_element_free(a, el);
}

struct removal {
    struct keyspace *ks;
    struct zset_big *big;
};

static void remove_one(void *arg, void *element)
{
    struct removal *r = arg;
    struct arena *a = keyspace_arena(r->ks);
    uint64_t hash = element_hash(r->ks, element);
    struct dict_slot slot = dict_locate(&r->big->dict, a, element, hash);
    r->big->bytes -= zset_element_bytes(element);
    dict_remove(&r->big->dict, a, &zset_dict_ops, r->ks, slot, hash);
    zset_element_free(a, element);
}

void zset_big_remove_range(struct keyspace *ks, struct zset_big *big, uint64_t rank, uint64_t count)
{
    struct arena *a = keyspace_arena(ks);
    struct removal r = {ks, big};
    struct btree_place place = btree_at(&big->tree, a, rank, NULL);
    btree_remove_range(&big->tree, a, &place, count, remove_one, &r);
}

size_t zset_big_memory(const struct zset_big *big)
{
    return arena_usable(sizeof *big) + dict_memory(&big->dict) + big->tree.bytes + big->bytes;
}

struct zset_big *zset_big_copy(struct keyspace *ks, const struct zset_big *from)
{
    struct arena *a = keyspace_arena(ks);
    struct zset_big *to = zset_big_new(a);
    if (dict_reserve(&to->dict, a, dict_count(&from->dict)) != 0) {
        zset_big_free(a, to);
        return NULL;
    }
    struct btree_place place = btree_first(&from->tree);
    for (const struct zset_element *el; (el = btree_element(a, &place)) != NULL; btree_next(a, &place)) {
        struct slice member = zset_element_member(el);
        struct zset_element *made =
            arena_is_scarce(a) ? NULL : zset_element_new(a, member, zset_element_score(el));
        if (made == NULL) {
            zset_big_free(a, to);
            return NULL;
        }
        zset_big_append(ks, to, made, keyspace_hash(ks, member));
    }
    return to;
}

/* --- moving --- */

struct moving {
    struct keyspace *ks;
    struct zset_big *big;
    size_t moved;
};

static void *move_element(void *arg, void *element)
{
    struct moving *m = arg;
    struct arena *a = keyspace_arena(m->ks);
    size_t size = size_of(element);
    if (!arena_is_leaving(a, element, size))
        return element;
    struct dict_slot slot = dict_locate(&m->big->dict, a, element, element_hash(m->ks, element));
    void *now = arena_relocate(a, element, size, &m->moved);
    dict_replace(&m->big->dict, a, slot, now);
    return now;
}

static void *stay(void *arg, void *element)
{
    (void)arg;
    return element;
}

#define BY_BUCKETS (UINT64_C(1) << 63) /* in a cursor: the tree is done, the rest is the table's */

static void move_root(struct moving *m, struct zset_big **big)
{
    *big = m->big = arena_relocate(keyspace_arena(m->ks), *big, sizeof **big, &m->moved);
}

/* Chained buckets; the elements have been moved by way of the tree. */
static bool move_buckets(struct zset_big *big, struct arena *a, uint64_t *cursor, uint64_t *budget)
{
    uint64_t bucket = *cursor & ~BY_BUCKETS;
    while (big->dict.chained != 0) {
        bucket = dict_relocate(&big->dict, a, bucket, stay, NULL);
        if (bucket == 0)
            return true;
        *budget -= *budget != 0;
        *cursor = bucket | BY_BUCKETS;
        if (*budget == 0)
            return false;
    }
    return true;
}

bool zset_big_relocate(struct keyspace *ks, struct zset_big **big, uint64_t *cursor, uint64_t *budget,
                       size_t *moved)
{
    struct arena *a = keyspace_arena(ks);
    struct moving m = {.ks = ks, .big = *big};
    move_root(&m, big);
    if ((*cursor & BY_BUCKETS) == 0 && btree_relocate(&m.big->tree, a, cursor, budget, move_element, &m))
        *cursor = BY_BUCKETS;
    *moved += m.moved;
    return (*cursor & BY_BUCKETS) != 0 && *budget != 0 && move_buckets(m.big, a, cursor, budget);
}
