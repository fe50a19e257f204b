/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See zset_builder.h. Scores are sorted by their images, least byte first, and then what has
 * equal ones by member.
 */
#include "types/zset/zset_builder.h"

#include <stdlib.h>

#include "base/heap.h"
#include "types/zset/zset_pack.h"
#include "types/zset/zset_private.h"

#define AHEAD 12 /* elements whose buckets are fetched together */

void zset_builder_init(struct zset_builder *b, struct keyspace *ks, const struct zset_options *options)
{
    *b = (struct zset_builder){.ks = ks, .a = keyspace_arena(ks), .options = options};
}

void zset_builder_done(struct zset_builder *b)
{
    if (b->big != NULL)
        zset_big_free(b->a, b->big);
    else
        for (size_t i = 0; i < b->count; i++)
            zset_element_free(b->a, arena_expand(b->a, b->items[i].element));
    heap_free(b->items);
    b->items = NULL;
    b->big = NULL;
    b->count = b->room = 0;
}

void zset_builder_reserve(struct zset_builder *b, uint64_t count)
{
    if (count <= b->room)
        return;
    struct zset_built *items =
        count > SIZE_MAX / sizeof *items ? NULL : heap_try_realloc(b->items, count * sizeof *items);
    if (items == NULL) {
        b->code = MR_E_MEMORY;
        return;
    }
    b->items = items;
    b->room = count;
}

static struct zset_element *add(struct zset_builder *b, struct slice member, double score)
{
    if (b->count == b->room)
        zset_builder_reserve(b, b->room < 32 ? 64 : b->room * 2);
    if (b->code != 0)
        return NULL;
    struct zset_element *el = arena_is_scarce(b->a) ? NULL : zset_element_new(b->a, member, score);
    if (el == NULL) {
        b->code = MR_E_MEMORY;
        return NULL;
    }
    b->items[b->count++].element = arena_shorten(b->a, el);
    b->longest = member.len > b->longest ? member.len : b->longest;
    return el;
}

void zset_builder_add(struct zset_builder *b, struct slice member, double score)
{
    (void)add(b, member, score);
}

void zset_builder_index(struct zset_builder *b, uint64_t count)
{
    b->big = zset_big_new(b->a);
    if (dict_reserve(&b->big->dict, b->a, count) != 0)
        b->code = MR_E_MEMORY;
}

void zset_builder_add_indexed(struct zset_builder *b, struct slice member, uint64_t hash, double score)
{
    struct zset_element *el = add(b, member, score);
    if (el != NULL)
        dict_add(&b->big->dict, b->a, &zset_dict_ops, b->ks, el, hash);
}

void zset_builder_rescore(struct zset_builder *b, struct zset_element *el, struct dict_slot slot,
                          double score)
{
    if (arena_is_scarce(b->a)) {
        b->code = MR_E_MEMORY;
        return;
    }
    struct zset_element *now = zset_element_rescore(b->a, el, score);
    if (now == el)
        return;
    dict_replace(&b->big->dict, b->a, slot, now);
    b->moved = true;
}

/* --- order --- */

static void collect_one(void *arg, void *element)
{
    struct zset_builder *b = arg;
    b->items[b->count++].element = arena_shorten(b->a, element);
}

static void collect(struct zset_builder *b)
{
    uint64_t cursor = 0;
    b->count = 0;
    /* Nothing changes the table meanwhile, so each of them is seen once. */
    do
        cursor = dict_scan(&b->big->dict, b->a, cursor, collect_one, b);
    while (cursor != 0);
    b->moved = false;
}

static int compare_built(const void *x, const void *y, void *arg)
{
    const struct arena *a = arg;
    const struct zset_built *p = x, *q = y;
    return zset_compare_members(zset_element_member(arena_expand(a, p->element)),
                                zset_element_member(arena_expand(a, q->element)));
}

static bool in_order(const struct zset_builder *b)
{
    for (size_t i = 1; i < b->count; i++) {
        if (b->items[i - 1].image > b->items[i].image)
            return false;
        if (b->items[i - 1].image == b->items[i].image &&
            compare_built(&b->items[i - 1], &b->items[i], b->a) > 0)
            return false;
    }
    return true;
}

static void sort_ties(struct zset_builder *b)
{
    for (size_t first = 0, end; first < b->count; first = end) {
        for (end = first + 1; end < b->count && b->items[end].image == b->items[first].image;)
            end++;
        if (end > first + 1)
            qsort_r(b->items + first, end - first, sizeof *b->items, compare_built, b->a);
    }
}

/* Byte by byte from the lowest, but for those that are the same in all. */
static bool sort_images(struct zset_builder *b)
{
    size_t(*sums)[256] = heap_alloc_zero(8 * sizeof *sums);
    struct zset_built *from = b->items, *to = heap_try_alloc(b->room * sizeof *to);
    if (to == NULL) {
        heap_free(sums);
        return false;
    }
    for (size_t i = 0; i < b->count; i++)
        for (unsigned byte = 0; byte < 8; byte++)
            sums[byte][from[i].image >> byte * 8 & 255]++;
    for (unsigned byte = 0; byte < 8; byte++) {
        size_t *sum = sums[byte], before = 0;
        if (sum[from[0].image >> byte * 8 & 255] == b->count)
            continue;
        for (unsigned v = 0; v < 256; v++) {
            size_t here = sum[v];
            sum[v] = before;
            before += here;
        }
        for (size_t i = 0; i < b->count; i++)
            to[sum[from[i].image >> byte * 8 & 255]++] = from[i];
        struct zset_built *swap = from;
        from = to;
        to = swap;
    }
    b->items = from;
    heap_free(to);
    heap_free(sums);
    return true;
}

static int compare_whole(const void *x, const void *y, void *arg)
{
    const struct zset_built *p = x, *q = y;
    return p->image != q->image ? (p->image > q->image) - (p->image < q->image) : compare_built(x, y, arg);
}

#define SORT_SMALL 256

void zset_builder_sort(struct zset_builder *b)
{
    if (b->moved)
        collect(b);
    for (size_t i = 0; i < b->count; i++)
        b->items[i].image = zset_score_image(zset_element_score(zset_builder_at(b, i)));
    if (in_order(b))
        return;
    if (b->count > SORT_SMALL && sort_images(b))
        sort_ties(b);
    else
        qsort_r(b->items, b->count, sizeof *b->items, compare_whole, b->a);
}

/* --- the value --- */

/* MR_E_TOO_BIG: it is not to be packed. */
static int value_packed(struct zset_builder *b, struct buf *pack)
{
    if (!zset_is_small(b->options, b->count, b->longest))
        return MR_E_TOO_BIG;
    zset_pack_begin(pack);
    int code = 0;
    for (size_t i = 0; i < b->count && code == 0; i++) {
        const struct zset_element *el = zset_builder_at(b, i);
        code = zset_pack_append(pack, zset_element_member(el), zset_element_score(el));
    }
    return code;
}

/* Makes the big one, with a table of all. MR_E_MEMORY: elements that it has not are freed. */
static int index_all(struct zset_builder *b)
{
    uint64_t hashes[AHEAD];
    struct zset_big *big = zset_big_new(b->a);
    if (dict_reserve(&big->dict, b->a, b->count) != 0) {
        zset_big_free(b->a, big);
        return MR_E_MEMORY;
    }
    b->big = big;
    for (size_t i = 0; i < b->count; i += AHEAD) {
        if (arena_is_scarce(b->a)) {
            for (; i < b->count; i++)
                zset_element_free(b->a, arena_expand(b->a, b->items[i].element));
            return MR_E_MEMORY;
        }
        size_t n = b->count - i < AHEAD ? b->count - i : AHEAD;
        for (size_t k = 0; k < n; k++) {
            hashes[k] = keyspace_hash(b->ks, zset_element_member(zset_builder_at(b, i + k)));
            dict_prefetch_bucket(&big->dict, b->a, hashes[k]);
        }
        for (size_t k = 0; k < n; k++)
            dict_add(&big->dict, b->a, &zset_dict_ops, b->ks, arena_expand(b->a, b->items[i + k].element),
                     hashes[k]);
    }
    return 0;
}

int zset_builder_value(struct zset_builder *b, struct buf *pack, struct entry_value *ret)
{
    if (b->code != 0)
        return b->code;
    zset_builder_sort(b);
    int code = value_packed(b, pack);
    if (code == 0)
        return entry_value_packed(ret, b->a, buf_slice(pack));
    if (code == MR_E_TOO_BIG)
        code = b->big == NULL ? index_all(b) : 0;
    if (code != 0)
        return code;
    struct zset_big *big = b->big;
    for (size_t i = 0; i < b->count; i++) {
        if (arena_is_scarce(b->a))
            return MR_E_MEMORY;
        if (i + AHEAD < b->count)
            __builtin_prefetch(arena_expand(b->a, b->items[i + AHEAD].element));
        zset_big_append_tree(b->a, big, arena_expand(b->a, b->items[i].element));
    }
    b->big = NULL;
    b->count = 0;
    entry_value_object(ret, arena_shorten(b->a, big));
    return 0;
}

void zset_builder_drop_value(struct arena *a, const struct entry_value *v)
{
    if (v->encoding == ENTRY_OBJECT) {
        zset_big_free(a, arena_expand(a, v->number));
    } else if (v->encoding == ENTRY_POINTER) {
        struct entry_blob *blob = arena_expand(a, v->number);
        arena_free(a, blob, blob->size);
    }
}

int zset_builder_store(struct zset_builder *b, struct db *db, struct slice key, uint64_t hash)
{
    struct entry_value v;
    struct buf pack = {0};
    int code = zset_builder_value(b, &pack, &v);
    if (code == 0) {
        code = db_put(db, key, hash, OBJECT_ZSET, &v, DB_EXPIRY_NONE);
        if (code != 0)
            zset_builder_drop_value(b->a, &v);
    }
    buf_done(&pack);
    return code;
}
