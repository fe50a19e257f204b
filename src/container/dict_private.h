/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What dict.c and dict_walk.c share: elements of a bucket, and what is freed bucket by bucket.
 */
#pragma once

#include "container/dict_inline.h"

static inline void *dict_private_element(const struct arena *a, const char *bucket, unsigned slot)
{
    return a->base + (arena_load_short(dict_inline_slot(bucket, slot)) << 3);
}

static inline void dict_private_prefetch(const struct arena *a, const char *bucket)
{
    for (uint32_t left = dict_inline_flags(bucket) & DICT_ALL; left != 0; left &= left - 1)
        __builtin_prefetch(dict_private_element(a, bucket, (unsigned)__builtin_ctz(left)));
}

/* The bucket behind BUCKET in the chain of HEAD, or NULL; BUCKET, if it is not HEAD, is freed. */
static inline char *dict_private_leave(struct dict *d, struct arena *a, const char *head, char *bucket)
{
    bool chained = (dict_inline_flags(bucket) & DICT_CHAINED) != 0;
    char *next = chained ? dict_inline_next(a, bucket) : NULL;
    if (bucket != head) {
        arena_free(a, bucket, DICT_BUCKET);
        d->chained--;
    }
    return next;
}

/* Frees the buckets of T, which are in no chain any more. */
static inline void dict_private_free(struct dict_table *t, struct arena *a)
{
    if (t->buckets != 0)
        arena_free(a, arena_expand(a, t->buckets), (size_t)DICT_BUCKET << t->bits);
    *t = (struct dict_table){0};
}
