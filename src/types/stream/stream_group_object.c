/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the object type does to the groups of a stream; see stream_group.h.
 */
#include <string.h>

#include "types/stream/stream_pel.h"

/* So many pending entries, each of which names its consumer, are told another place of that in a slice at
 * most. Consumers that would be more stay where they are, until another time, or, with more of their own,
 * for ever. */
#define TOLD_MAX 16384

uint64_t stream_groups_count(const struct stream_groups *groups)
{
    return groups == NULL ? 0 : groups->by_name.count;
}

uint64_t stream_groups_work(const struct stream_groups *groups)
{
    return groups == NULL ? 0 : groups->work;
}

/* --- references to entries --- */

bool stream_groups_want(const struct stream_groups *groups, const struct arena *a, struct stream_id id)
{
    if (groups == NULL)
        return false;
    struct btree_place at = btree_first(&groups->by_name);
    for (const struct stream_group *g; (g = btree_element(a, &at)) != NULL; btree_next(a, &at))
        if (stream_id_compare(g->last_id, id) < 0 || stream_pel_find(g, a, id, NULL) != NULL)
            return true;
    return false;
}

bool stream_groups_forget(struct stream_groups *groups, struct arena *a, struct stream_id id)
{
    bool any = false;
    if (groups == NULL)
        return false;
    struct btree_place at = btree_first(&groups->by_name), place;
    for (struct stream_group *g; (g = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        struct stream_pending *p = stream_pel_find(g, a, id, &place);
        if (p != NULL)
            stream_pel_remove(groups, g, a, &place, p);
        any |= p != NULL;
    }
    return any;
}

/* --- freeing --- */

static void free_pending(void *arg, void *element)
{
    arena_free(arg, element, sizeof(struct stream_pending));
}

static bool free_consumer(struct stream_group *g, struct arena *a, struct stream_consumer *c,
                          uint64_t *budget)
{
    struct btree_place first = btree_first(&g->consumers);
    if (!btree_drain(&c->pending, a, budget, NULL, NULL))
        return false;
    btree_remove(&g->consumers, a, &first);
    arena_free(a, c, sizeof *c + c->name_len);
    *budget -= *budget > 0;
    return true;
}

/* The consumers' trees and the odd ones name the pending entries, and so go before these. */
static bool free_group(struct stream_group *g, struct arena *a, uint64_t *budget)
{
    while (g->consumers.count != 0) {
        struct btree_place first = btree_first(&g->consumers);
        if (*budget == 0 || !free_consumer(g, a, btree_element(a, &first), budget))
            return false;
    }
    return btree_drain(&g->odd, a, budget, NULL, NULL) &&
           btree_drain(&g->pending, a, budget, free_pending, a);
}

bool stream_groups_free_some(struct stream_groups *groups, struct arena *a, uint64_t *budget)
{
    if (groups == NULL)
        return true;
    while (groups->by_name.count != 0) {
        struct btree_place first = btree_first(&groups->by_name);
        struct stream_group *g = btree_element(a, &first);
        if (*budget == 0 || !free_group(g, a, budget))
            return false;
        btree_remove(&groups->by_name, a, &first);
        arena_free(a, g, sizeof *g + g->name_len);
        *budget -= *budget > 0;
    }
    arena_free(a, groups, sizeof *groups);
    return true;
}

/* --- copies --- */

/* The pending entries in the order of their delivery, so that they are linked in that order again. */
static void copy_pending(struct stream_groups *to, struct stream_group *into, struct arena *a,
                         const struct stream_group *from)
{
    struct stream_oldest walk;
    stream_oldest_begin(&walk, (struct stream_group *)(uintptr_t)from, a);
    for (const struct stream_pending *p; (p = stream_oldest_next(&walk)) != NULL;) {
        struct btree_place place;
        const struct stream_consumer *owner = stream_pending_consumer(a, p);
        struct stream_consumer *c =
            owner == NULL ? NULL : stream_consumer_find(into, a, stream_consumer_name(owner));
        stream_pel_find_last(into, a, p->id, &place);
        stream_pel_add(to, into, a, &place, p->id, c, p->delivered_ms, p->count);
    }
}

struct stream_groups *stream_groups_copy(const struct stream_groups *groups, struct arena *a)
{
    if (groups == NULL)
        return NULL;
    struct stream_groups *to = stream_groups_new(a);
    struct btree_place at = btree_first(&groups->by_name);
    for (const struct stream_group *from; (from = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        struct stream_group *g =
            stream_group_add(to, a, stream_group_name(from), from->last_id, from->entries_read);
        bool whole = g != NULL;
        struct btree_place place = btree_first(&from->consumers);
        for (const struct stream_consumer *c; whole && (c = btree_element(a, &place)) != NULL;
             btree_next(a, &place)) {
            struct stream_consumer *copy = stream_consumer_add(to, g, a, stream_consumer_name(c), c->seen_ms);
            whole = copy != NULL;
            if (whole)
                copy->active_ms = c->active_ms;
        }
        if (!whole) {
            uint64_t budget = UINT64_MAX;
            while (!stream_groups_free_some(to, a, &budget))
                budget = UINT64_MAX;
            return NULL;
        }
        copy_pending(to, g, a, from);
    }
    return to;
}

/* --- memory --- */

static size_t group_memory(const struct stream_group *g, const struct arena *a)
{
    size_t bytes = arena_usable(sizeof *g + g->name_len) + g->pending.bytes + g->consumers.bytes +
                   g->odd.bytes + g->pending.count * arena_usable(sizeof(struct stream_pending));
    struct btree_place at = btree_first(&g->consumers);
    for (const struct stream_consumer *c; (c = btree_element(a, &at)) != NULL; btree_next(a, &at))
        bytes += arena_usable(sizeof *c + c->name_len) + c->pending.bytes;
    return bytes;
}

size_t stream_groups_memory(const struct stream_groups *groups, const struct arena *a)
{
    if (groups == NULL)
        return 0;
    size_t bytes = arena_usable(sizeof *groups) + groups->by_name.bytes;
    struct btree_place at = btree_first(&groups->by_name);
    for (const struct stream_group *g; (g = btree_element(a, &at)) != NULL; btree_next(a, &at))
        bytes += group_memory(g, a);
    return bytes;
}

/* --- moving --- */

struct move {
    struct arena *a;
    struct stream_group *g;
    uint64_t told;
    size_t moved;
};

/* The old one must be there until all that leads to it has been found by it. */
static void *move_pending(void *arg, void *element)
{
    struct move *m = arg;
    const size_t size = sizeof(struct stream_pending);
    if (!arena_is_leaving(m->a, element, size))
        return element;
    struct stream_pending *to = arena_alloc(m->a, size);
    memcpy(to, element, size);
    stream_pel_moved(m->g, m->a, element, to);
    arena_free(m->a, element, size);
    m->moved++;
    return to;
}

static void *move_group(void *arg, void *element)
{
    struct move *m = arg;
    size_t size = sizeof(struct stream_group) + ((struct stream_group *)element)->name_len;
    return arena_relocate(m->a, element, size, &m->moved);
}

static void *move_consumer(void *arg, void *element)
{
    struct move *m = arg;
    struct stream_consumer *c = element;
    size_t size = sizeof *c + c->name_len;
    if (!arena_is_leaving(m->a, c, size) || m->told + c->pending.count > TOLD_MAX)
        return c;
    struct stream_consumer *to = arena_relocate(m->a, c, size, &m->moved);
    m->told += to->pending.count;
    struct btree_place at = btree_first(&to->pending);
    for (struct stream_pending *p; (p = btree_element(m->a, &at)) != NULL; btree_next(m->a, &at))
        arena_store_short(p->consumer, arena_shorten(m->a, to));
    return to;
}

/* Where the slices stand: *AT units are behind them, DONE of them in what was passed over so far. */
struct progress {
    uint64_t *cursor, *budget;
    uint64_t done;
};

/* A tree of as many units as it has elements, and one for itself. False: the budget is used up. */
static bool move_tree(struct move *m, struct progress *at, struct btree *t,
                      void *(*fn)(void *arg, void *element))
{
    uint64_t units = t->count + 1;
    if (*at->cursor < at->done + units) {
        uint64_t rank = *at->cursor - at->done;
        if (*at->budget == 0)
            return false;
        if (!btree_relocate(t, m->a, &rank, at->budget, fn, m)) {
            *at->cursor = at->done + (rank < units ? rank : units - 1);
            return false;
        }
        *at->cursor = at->done + units;
        *at->budget -= *at->budget > 0;
    }
    at->done += units;
    return true;
}

static bool move_in_group(struct move *m, struct progress *at)
{
    if (!move_tree(m, at, &m->g->pending, move_pending) || !move_tree(m, at, &m->g->odd, NULL) ||
        !move_tree(m, at, &m->g->consumers, move_consumer))
        return false;
    struct btree_place place = btree_first(&m->g->consumers);
    for (struct stream_consumer *c; (c = btree_element(m->a, &place)) != NULL; btree_next(m->a, &place))
        if (!move_tree(m, at, &c->pending, NULL))
            return false;
    return true;
}

bool stream_groups_relocate(struct stream_groups **groups, struct arena *a, uint64_t *cursor,
                            uint64_t *budget, size_t *moved)
{
    struct move m = {.a = a};
    struct progress at = {.cursor = cursor, .budget = budget};
    if (*groups == NULL)
        return true;
    struct stream_groups *to = arena_relocate(a, *groups, sizeof **groups, &m.moved);
    *groups = to;
    bool whole = move_tree(&m, &at, &to->by_name, move_group);
    struct btree_place place = btree_first(&to->by_name);
    while (whole && (m.g = btree_element(a, &place)) != NULL) {
        whole = move_in_group(&m, &at);
        btree_next(a, &place);
    }
    *moved += m.moved;
    return whole;
}
