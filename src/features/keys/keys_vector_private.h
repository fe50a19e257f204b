/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vector that SORT orders: elements with what they are weighed by, all of it copied,
 * because looking up weights may change the keyspace under the elements. Sizes are the
 * users': what cannot be had is an error, and what follows it is dropped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct random;

/* Bytes at a place of the vector's buffer. */
struct keys_text {
    size_t at, len;
};

struct keys_item {
    struct keys_text element;
    union {
        double score;
        struct keys_text text;
    } weight;
};

#define KEYS_AHEAD   16       /* items */
#define KEYS_NO_TEXT SIZE_MAX /* length of a weight that is not there */

enum keys_weight {
    KEYS_BY_SCORE,
    KEYS_BY_TEXT,
    KEYS_BY_ELEMENT, /* the element itself, as text */
};

struct keys_vector {
    struct buf bytes;
    struct buf items; /* of struct keys_item */
    size_t count;
    enum keys_weight by;
    bool descending;
    int code; /* MR_E_MEMORY once something could not be had */
};

void keys_vector_done(struct keys_vector *v);

static inline struct keys_item *keys_vector_at(const struct keys_vector *v, size_t i)
{
    return (struct keys_item *)(void *)v->items.data + i;
}

static inline struct slice keys_vector_element(const struct keys_vector *v, size_t i)
{
    struct keys_text text = keys_vector_at(v, i)->element;
    return slice_of(v->bytes.data + text.at, text.len);
}

/* Has the bytes fetched of the one that will be asked for when I has been done with. */
static inline void keys_vector_fetch(const struct keys_vector *v, size_t i)
{
    if (i + KEYS_AHEAD < v->count)
        __builtin_prefetch(v->bytes.data + keys_vector_at(v, i + KEYS_AHEAD)->element.at);
}

/* Adds one that is weighed by nothing: score 0, or less than any text. */
void keys_vector_add(struct keys_vector *v, struct slice element);
/* Weighs I by TEXT, which is no part of V; MR_E_NOT_FLOAT if it is to be a number and is none. */
int keys_vector_weigh(struct keys_vector *v, size_t i, struct slice text) MR_MUST_CHECK;
/* Weighs I by the number that the element itself is; MR_E_NOT_FLOAT. */
int keys_vector_weigh_self(struct keys_vector *v, size_t i) MR_MUST_CHECK;
/* Puts in order what of the ordered whole stands in [FIRST, FIRST + COUNT). */
void keys_vector_order(struct keys_vector *v, size_t first, size_t count, struct random *random);
void keys_vector_reverse(struct keys_vector *v);
/* Less than or greater than 0 as A stands before or behind B; equal to it if they are one. */
int keys_vector_compare(const struct keys_vector *v, const struct keys_item *a, const struct keys_item *b);

/* keys_radix.c: puts [FIRST, FIRST + COUNT) in order; false, and it is as it was: these are few, or
 * there is no memory for it. */
bool keys_radix_order(struct keys_vector *v, size_t first, size_t count);
