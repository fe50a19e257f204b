/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking over lists, packed or big, forward or back.
 */
#include "types/list/list_private.h"

/* Makes the node at the walk's spot its own. */
static void enter(struct list_walk *w)
{
    struct list_node *n = list_spot_node(w->l, &w->spot);
    struct slice bytes = list_node_read(n, &w->scratch);
    if (list_node_is_plain(n)) {
        w->lp = NULL;
        w->plain = bytes;
    } else {
        w->lp = (const unsigned char *)bytes.ptr;
    }
}

void list_walk_begin(struct list_walk *w, const struct list *l, uint64_t index, bool back)
{
    uint64_t rest = index;
    *w = (struct list_walk){.l = l, .back = back, .lp = l->packed};
    if (l->packed == NULL) {
        w->spot = list_spot_at(l, index, &rest);
        enter(w);
    }
    w->p = w->lp == NULL ? (const unsigned char *)w->plain.ptr : w->lp + listpack_seek(w->lp, (int64_t)rest);
}

bool list_walk_step(struct list_walk *w)
{
    w->p = NULL;
    if (w->l->packed != NULL || !(w->back ? list_spot_prev(w->l, &w->spot) : list_spot_next(w->l, &w->spot)))
        return false;
    enter(w);
    if (w->lp == NULL)
        w->p = (const unsigned char *)w->plain.ptr;
    else
        w->p = w->lp + (w->back ? listpack_last(w->lp) : LISTPACK_HEAD);
    return true;
}

void list_walk_done(struct list_walk *w)
{
    buf_done(&w->scratch);
}

/* Entries from the one at FROM on to the one at TO. */
static uint64_t distance(const unsigned char *lp, size_t from, size_t to)
{
    uint64_t n = 0;
    for (; from < to; n++)
        from += listpack_inline_size(lp + from);
    return n;
}

/* Looks for TEXT in what is left of the node: true, and the walk stands there. *SKIPPED counts on. */
static bool find_in(struct list_walk *w, struct slice text, uint64_t *skipped)
{
    if (w->lp == NULL) {
        if (slice_equal(w->plain, text))
            return true;
        ++*skipped;
        return false;
    }
    size_t at = (size_t)(w->p - w->lp);
    size_t match = w->back ? listpack_find_back(w->lp, at, text) : listpack_find(w->lp, at, text);
    if (match == 0) {
        if (at == (w->back ? listpack_last(w->lp) : LISTPACK_HEAD))
            *skipped += listpack_count(w->lp);
        else
            *skipped +=
                w->back ? distance(w->lp, LISTPACK_HEAD, at) + 1 : distance(w->lp, at, listpack_end(w->lp));
        return false;
    }
    *skipped += w->back ? distance(w->lp, match, at) : distance(w->lp, at, match);
    w->p = w->lp + match;
    return true;
}

bool list_walk_find(struct list_walk *w, struct slice text, uint64_t max, uint64_t *skipped)
{
    *skipped = 0;
    while (*skipped < max && (w->p != NULL || list_walk_step(w))) {
        if (find_in(w, text, skipped))
            return *skipped < max;
        w->p = NULL;
    }
    return false;
}
