/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members of sets, a batch at a time, so that memory can be fetched ahead of its use: walks over
 * sets, and what is asked of one set about the members of another.
 */
#pragma once

#include "types/set/set_private.h"

#define SET_BATCH 64

struct set_member {
    const void *element; /* of a table; else NULL, and it is TEXT, or INTEGER where that has no pointer */
    struct slice text;
    int64_t integer;
    uint64_t hash; /* right in its lowest KNOWN bits, and if there are any, in its top byte */
    unsigned known;
};

struct set_batch {
    unsigned count;
    struct set_member members[SET_BATCH];
    char digits[SET_BATCH][NUMBER_TEXT_MAX];
};

/* Bits for all members of B. */
static inline uint64_t set_batch_all(const struct set_batch *b)
{
    return b->count == SET_BATCH ? UINT64_MAX : (UINT64_C(1) << b->count) - 1;
}

/* The members in MASK one by one, with what those stand in that come some steps later fetched. So
 * many at once would be dropped. */
#define SET_AHEAD 12

struct set_each {
    uint64_t left, ahead;
};

static inline void set_each_fetch(struct set_each *e, const struct set_batch *b)
{
    if (e->ahead == 0)
        return;
    __builtin_prefetch(b->members[__builtin_ctzll(e->ahead)].element);
    e->ahead &= e->ahead - 1;
}

static inline struct set_each set_each_begin(const struct set_batch *b, uint64_t mask)
{
    struct set_each e = {mask, mask};
    for (unsigned n = 0; n < SET_AHEAD; n++)
        set_each_fetch(&e, b);
    return e;
}

static inline bool set_each_next(struct set_each *e, const struct set_batch *b, unsigned *i)
{
    if (e->left == 0)
        return false;
    set_each_fetch(e, b);
    *i = (unsigned)__builtin_ctzll(e->left);
    e->left &= e->left - 1;
    return true;
}

/* The text of member I, which may stand in the batch. */
struct slice set_batch_text(struct set_batch *b, unsigned i);
/* Makes the batch COUNT texts, at most SET_BATCH. */
void set_batch_fill(struct set_batch *b, const struct slice *texts, size_t count);
/* Which of the members in MASK are in S. */
uint64_t set_holds(const struct set *s, struct set_batch *b, uint64_t mask);
/* The indexes of the members in MASK, and how many they are. */
static inline unsigned set_batch_order(uint64_t mask, uint8_t order[SET_BATCH])
{
    unsigned n = 0;
    for (; mask != 0; mask &= mask - 1)
        order[n++] = (uint8_t)__builtin_ctzll(mask);
    return n;
}

/* Makes sure that the members in MASK have all of their hash. */
void set_batch_hash(const struct keyspace *ks, struct set_batch *b, uint64_t mask);

/* A walk over all members that are not hidden; the set must not change meanwhile. */
struct set_walk {
    const struct set *set;
    bool hides; /* some may be hidden */
    size_t at;  /* in packed bytes: index or offset */
    unsigned table;
    uint64_t bucket; /* the next one */
    const char *chain;
    uint32_t left;
    struct set_member part; /* what is known of what is in CHAIN */
};

void set_walk_begin(struct set_walk *w, const struct set *s);
/* The same over hidden ones too. */
void set_walk_begin_all(struct set_walk *w, const struct set *s);
/* The next members; false: there are none. */
bool set_walk_next(struct set_walk *w, struct set_batch *b);
