/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading lists, packed or not.
 */
#pragma once

#include "types/list/list_node_private.h"

static inline uint64_t list_length(const struct list *l)
{
    return l->packed != NULL ? listpack_count(l->packed) : l->root->count;
}

/* A walk over the elements, node by node; the list must not be changed meanwhile. */
struct list_walk {
    const struct list *l;
    struct list_spot spot;
    bool back;
    const unsigned char *lp; /* the node's listpack; NULL: its one element is */
    struct slice plain;
    const unsigned char *p; /* the entry that comes next; NULL: the node is done */
    struct buf scratch;
};

/* The element at INDEX, which is there, comes first. */
void list_walk_begin(struct list_walk *w, const struct list *l, uint64_t index, bool back);
/* Goes to the next node's first element (or its last, going back); false: there is none. */
bool list_walk_step(struct list_walk *w);
void list_walk_done(struct list_walk *w);

/* The next element, valid until the next call; false: there is none. */
static inline bool list_walk_next(struct list_walk *w, struct listpack_value *v)
{
    if (__builtin_expect(w->p == NULL, 0) && !list_walk_step(w))
        return false;
    if (__builtin_expect(w->lp == NULL, 0)) {
        *v = (struct listpack_value){w->plain.ptr, (uint32_t)w->plain.len, 0};
        w->p = NULL;
        return true;
    }
    *v = listpack_inline_get(w->p);
    if (w->back) {
        w->p = w->p == w->lp + LISTPACK_HEAD ? NULL : listpack_inline_prev(w->p);
    } else {
        w->p += listpack_inline_size(w->p);
        if (*w->p == LISTPACK_END)
            w->p = NULL;
    }
    return true;
}

/* The next element that is TEXT; *SKIPPED elements were before it, or are all that were left. At most
 * MAX are looked at. Going on from it is the caller's: the walk stands at it. */
bool list_walk_find(struct list_walk *w, struct slice text, uint64_t max, uint64_t *skipped);
