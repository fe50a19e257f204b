/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See keys_vector_private.h: the order of many items. Eight bytes of what decides, a number or a
 * piece of a text, are a key; the keys are put in order byte by byte, from the last to the first,
 * which keeps what is equal as it was. Where keys are equal, the next piece decides. Few
 * items, and texts that are alike for too long, are compared as they are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "features/keys/keys_vector_private.h"

#define FEW       96 /* items that are compared */
#define PIECES    64 /* of a text, before that is compared */
#define BYTES     sizeof(uint64_t)
#define BYTE_SIZE 256

struct ref {
    uint64_t key;
    size_t item;
};

struct radix {
    const struct keys_vector *v;
    struct keys_item *items; /* as they stood */
    struct ref *refs, *spare;
    size_t count[BYTES][BYTE_SIZE];
};

static int compare_refs(const void *x, const void *y, void *owner)
{
    const struct radix *r = owner;
    const struct ref *a = x, *b = y;
    return keys_vector_compare(r->v, r->items + a->item, r->items + b->item);
}

static void order_few(struct radix *r, size_t begin, size_t end)
{
    size_t i = begin + 1;
    while (i < end && compare_refs(r->refs + i - 1, r->refs + i, r) < 0)
        i++;
    if (i < end)
        qsort_r(r->refs + begin, end - begin, sizeof *r->refs, compare_refs, r);
}

/* Puts COUNT refs from BEGIN on in the order of their keys. */
static void order_keys(struct radix *r, size_t begin, size_t count)
{
    struct ref *from = r->refs + begin, *to = r->spare + begin;
    memset(r->count, 0, sizeof r->count);
    for (size_t i = 0; i < count; i++)
        for (unsigned byte = 0; byte < BYTES; byte++)
            r->count[byte][from[i].key >> 8 * byte & 0xff]++;
    for (unsigned byte = 0; byte < BYTES; byte++) {
        size_t *where = r->count[byte], place = 0;
        if (where[from[0].key >> 8 * byte & 0xff] == count)
            continue;
        for (unsigned value = 0; value < BYTE_SIZE; value++) {
            size_t here = where[value];
            where[value] = place;
            place += here;
        }
        for (size_t i = 0; i < count; i++)
            to[where[from[i].key >> 8 * byte & 0xff]++] = from[i];
        struct ref *other = from;
        from = to;
        to = other;
    }
    if (from != r->refs + begin)
        memcpy(r->refs + begin, from, count * sizeof *from);
}

static inline struct slice text_of(const struct radix *r, size_t i)
{
    const struct keys_item *item = r->items + r->refs[i].item;
    struct keys_text t = r->v->by == KEYS_BY_TEXT ? item->weight.text : item->element;
    return slice_of(r->v->bytes.data + t.at, t.len);
}

/* Eight bytes of TEXT from AT on, zeros where it has none. */
static inline uint64_t piece_of(struct slice text, size_t at)
{
    unsigned char bytes[BYTES] = {0};
    if (at < text.len)
        memcpy(bytes, text.ptr + at, text.len - at < BYTES ? text.len - at : BYTES);
    uint64_t piece;
    memcpy(&piece, bytes, sizeof piece);
    return be64toh(piece);
}

/* How far all texts are alike, which they are up to AT; *LONGER: one of them goes on there. */
static size_t alike_to(const struct radix *r, size_t begin, size_t end, size_t at, bool *longer)
{
    struct slice first = text_of(r, begin);
    size_t alike = first.len;
    *longer = first.len > at;
    for (size_t i = begin + 1; i < end; i++) {
        struct slice text = text_of(r, i);
        size_t most = text.len < alike ? text.len : alike, same = at < most ? at : most;
        *longer |= text.len > at;
        while (same < most && text.ptr[same] == first.ptr[same])
            same++;
        alike = same;
    }
    return alike > at ? alike : at;
}

static void order_text(struct radix *r, size_t begin, size_t end, size_t at, unsigned pieces);

/* Orders by the texts, from AT on, what has the same key. */
static void order_equal(struct radix *r, size_t begin, size_t end, size_t at, unsigned pieces)
{
    while (begin < end) {
        size_t same = begin + 1;
        while (same < end && r->refs[same].key == r->refs[begin].key)
            same++;
        if (same - begin > 1)
            order_text(r, begin, same, at, pieces);
        begin = same;
    }
}

static void order_text(struct radix *r, size_t begin, size_t end, size_t at, unsigned pieces)
{
    bool longer = false;
    if (end - begin > FEW && pieces > 0)
        at = alike_to(r, begin, end, at, &longer);
    if (!longer) {
        order_few(r, begin, end);
        return;
    }
    for (size_t i = begin; i < end; i++) {
        uint64_t piece = piece_of(text_of(r, i), at);
        r->refs[i].key = r->v->descending ? ~piece : piece;
    }
    order_keys(r, begin, end - begin);
    order_equal(r, begin, end, at + BYTES, pieces - 1);
}

/* The bits of SCORE as a number in the same order; -0 is 0. */
static inline uint64_t score_key(double score)
{
    uint64_t bits;
    score += 0.0;
    memcpy(&bits, &score, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static void order_scores(struct radix *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t key = score_key(r->items[i].weight.score);
        r->refs[i].key = r->v->descending ? ~key : key;
    }
    order_keys(r, 0, count);
    order_equal(r, 0, count, 0, PIECES);
}

/* Items without a text stand before all that have one, and have but their places. */
static void order_texts(struct radix *r, size_t count)
{
    size_t without = 0;
    for (size_t i = 0; i < count && r->v->by == KEYS_BY_TEXT; i++) {
        bool has = r->items[i].weight.text.len != KEYS_NO_TEXT;
        r->refs[i].key = has != r->v->descending;
        without += !has;
    }
    if (without > 0)
        order_keys(r, 0, count);
    size_t middle = r->v->descending ? count - without : without;
    if (middle > 0)
        order_text(r, 0, middle, 0, r->v->descending ? PIECES : 0);
    if (middle < count)
        order_text(r, middle, count, 0, r->v->descending ? 0 : PIECES);
}

/* Puts the items where the refs say, all at once, for to follow them would be to wait for each. */
static void move_items(const struct radix *r, struct keys_item *moved, size_t count)
{
    for (size_t i = 0; i < count; i++)
        moved[i] = r->items[r->refs[i].item];
    memcpy(r->items, moved, count * sizeof *moved);
}

bool keys_radix_order(struct keys_vector *v, size_t first, size_t count)
{
    if (count <= FEW)
        return false;
    struct radix *r = heap_try_alloc(sizeof *r);
    struct ref *refs = heap_try_alloc(count * sizeof *refs);
    struct keys_item *moved = heap_try_alloc(count * sizeof *moved);
    bool done = r != NULL && refs != NULL && moved != NULL;
    if (done) {
        r->v = v;
        r->items = keys_vector_at(v, first);
        r->refs = refs;
        r->spare = (struct ref *)(void *)moved;
        for (size_t i = 0; i < count; i++)
            refs[i] = (struct ref){.item = i};
        if (v->by == KEYS_BY_SCORE)
            order_scores(r, count);
        else
            order_texts(r, count);
        move_items(r, moved, count);
    }
    heap_free(moved);
    heap_free(refs);
    heap_free(r);
    return done;
}
