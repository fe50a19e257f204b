/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See keys_vector_private.h. The order is total: what is equal by weight is ordered by the
 * elements' bytes where weights are numbers, and in the end by its place before, so
 * that the reply is the same each time.
 *
 * Where a part of the whole is wanted, two partitions isolate it first, and only that
 * part is sorted.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/random.h"
#include "features/keys/keys_vector_private.h"

#define SELECT_LEAST 32 /* fewer are sorted rather than partitioned */

void keys_vector_done(struct keys_vector *v)
{
    buf_done(&v->bytes);
    buf_done(&v->items);
    v->count = 0;
}

/* Copies TEXT and puts a NUL behind it, as strtod wants it. */
static struct keys_text keep(struct keys_vector *v, struct slice text)
{
    struct keys_text kept = {.at = v->bytes.len, .len = text.len};
    if (v->code == 0)
        v->code = buf_try_grow(&v->bytes, text.len + 1);
    if (v->code != 0)
        return (struct keys_text){.len = 0};
    buf_append_slice(&v->bytes, text);
    buf_append_byte(&v->bytes, '\0');
    return kept;
}

void keys_vector_add(struct keys_vector *v, struct slice element)
{
    struct keys_item item = {.element = keep(v, element)};
    if (v->by == KEYS_BY_TEXT)
        item.weight.text.len = KEYS_NO_TEXT;
    if (v->code == 0)
        v->code = buf_try_grow(&v->items, sizeof item);
    if (v->code != 0)
        return;
    buf_append(&v->items, &item, sizeof item);
    v->count++;
}

/* As strtod reads it, blanks before it and hexadecimals too; whole, no NaN, within the range.
 * A NUL stands behind TEXT. */
static int read_score(struct slice text, double *ret)
{
    int64_t integer;
    if (number_to_int(text, &integer)) {
        *ret = (double)integer;
        return 0;
    }
    char *end;
    errno = 0;
    *ret = strtod(text.ptr, &end);
    return *end == '\0' && errno != ERANGE && !isnan(*ret) ? 0 : MR_E_NOT_FLOAT;
}

int keys_vector_weigh(struct keys_vector *v, size_t i, struct slice text)
{
    size_t before = v->bytes.len;
    struct keys_text kept = keep(v, text);
    if (v->code != 0)
        return v->code;
    if (v->by == KEYS_BY_TEXT) {
        keys_vector_at(v, i)->weight.text = kept;
        return 0;
    }
    v->bytes.len = before;
    return read_score(slice_of(v->bytes.data + kept.at, kept.len), &keys_vector_at(v, i)->weight.score);
}

int keys_vector_weigh_self(struct keys_vector *v, size_t i)
{
    return read_score(keys_vector_element(v, i), &keys_vector_at(v, i)->weight.score);
}

/* --- order --- */

static int compare_bytes(const struct keys_vector *v, struct keys_text a, struct keys_text b)
{
    int c = memcmp(v->bytes.data + a.at, v->bytes.data + b.at, a.len < b.len ? a.len : b.len);
    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

static int compare_weights(const struct keys_vector *v, const struct keys_item *a, const struct keys_item *b)
{
    if (v->by == KEYS_BY_SCORE && a->weight.score != b->weight.score)
        return a->weight.score > b->weight.score ? 1 : -1;
    if (v->by != KEYS_BY_TEXT)
        return compare_bytes(v, a->element, b->element);
    bool has_a = a->weight.text.len != KEYS_NO_TEXT, has_b = b->weight.text.len != KEYS_NO_TEXT;
    return has_a && has_b ? compare_bytes(v, a->weight.text, b->weight.text) : has_a - has_b;
}

int keys_vector_compare(const struct keys_vector *v, const struct keys_item *a, const struct keys_item *b)
{
    int c = compare_weights(v, a, b);
    if (c != 0)
        return v->descending ? -c : c;
    return (a->element.at > b->element.at) - (a->element.at < b->element.at);
}

static int compare(const void *x, const void *y, void *owner)
{
    return keys_vector_compare(owner, x, y);
}

static void swap(struct keys_vector *v, size_t i, size_t j)
{
    struct keys_item *a = keys_vector_at(v, i), *b = keys_vector_at(v, j), kept = *a;
    *a = *b;
    *b = kept;
}

/* Partitions [BEGIN, END) until what stands at K is what would if all were ordered. The pivots are
 * drawn, so that no data can be made to take long. */
static void isolate(struct keys_vector *v, size_t begin, size_t end, size_t k, struct random *random)
{
    while (end - begin > SELECT_LEAST) {
        swap(v, end - 1, begin + random_below(random, end - begin));
        const struct keys_item pivot = *keys_vector_at(v, end - 1);
        size_t place = begin;
        for (size_t i = begin; i + 1 < end; i++)
            if (compare(keys_vector_at(v, i), &pivot, v) < 0)
                swap(v, i, place++);
        swap(v, place, end - 1);
        if (place == k)
            return;
        if (k < place)
            end = place;
        else
            begin = place + 1;
    }
    qsort_r(keys_vector_at(v, begin), end - begin, sizeof(struct keys_item), compare, v);
}

void keys_vector_order(struct keys_vector *v, size_t first, size_t count, struct random *random)
{
    if (count == 0)
        return;
    size_t end = first + count;
    if (first > 0)
        isolate(v, 0, v->count, first, random);
    if (end < v->count)
        isolate(v, first, v->count, end, random);
    if (!keys_radix_order(v, first, count))
        qsort_r(keys_vector_at(v, first), count, sizeof(struct keys_item), compare, v);
}

void keys_vector_reverse(struct keys_vector *v)
{
    for (size_t i = 0, j = v->count; i + 1 < j; i++)
        swap(v, i, --j);
}
