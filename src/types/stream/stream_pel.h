/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups, their consumers and what is pending, for the handlers: finding, adding, changing. Every
 * operation on one of them takes O(log n) of how many there are.
 *
 * A group that was found is valid until it is detached, a consumer until it is removed, a pending
 * entry until it is acknowledged: they move only between commands.
 */
#pragma once

#include "types/stream/stream_group.h"

/* --- groups --- */

struct stream_groups *stream_groups_new(struct arena *a);
struct stream_group *stream_group_find(const struct stream_groups *groups, const struct arena *a,
                                       struct slice name);
/* Adds one that is not there; NULL: there is no memory for so long a name. */
struct stream_group *stream_group_add(struct stream_groups *groups, struct arena *a, struct slice name,
                                      struct stream_id last, int64_t entries_read);
/* Takes G out of GROUPS, as the only one of new groups, which are to be freed. */
struct stream_groups *stream_group_detach(struct stream_groups *groups, struct arena *a,
                                          struct stream_group *g);

static inline struct slice stream_group_name(const struct stream_group *g)
{
    return slice_of(g->name, g->name_len);
}

/* --- consumers --- */

struct stream_consumer *stream_consumer_find(const struct stream_group *g, const struct arena *a,
                                             struct slice name);
/* Adds one that is not there, seen at NOW_MS; NULL: there is no memory for so long a name. */
struct stream_consumer *stream_consumer_add(struct stream_groups *groups, struct stream_group *g,
                                            struct arena *a, struct slice name, int64_t now_ms);
/* Forgets C with all that it has pending. What was that, if it was much, is returned as the only group of
 * new groups, which are to be freed; else NULL. */
struct stream_groups *stream_consumer_remove(struct stream_groups *groups, struct stream_group *g,
                                             struct arena *a, struct stream_consumer *c);

static inline struct slice stream_consumer_name(const struct stream_consumer *c)
{
    return slice_of(c->name, c->name_len);
}

/* --- pending entries --- */

/* The one of ID, or NULL; *PLACE (may be NULL): its place in the group's tree, or where it would be. */
struct stream_pending *stream_pel_find(const struct stream_group *g, const struct arena *a,
                                       struct stream_id id, struct btree_place *place);
/* The same for an id that is most likely behind all that are there. */
struct stream_pending *stream_pel_find_last(const struct stream_group *g, const struct arena *a,
                                            struct stream_id id, struct btree_place *place);
/* The first one of ID or behind it, in a tree of a group or one of its consumers'. */
struct btree_place stream_pel_seek(const struct stream_group *g, const struct btree *tree,
                                   const struct arena *a, struct stream_id id);
/* Adds one that is not there, at its PLACE; C NULL: given back, behind the others that are. */
struct stream_pending *stream_pel_add(struct stream_groups *groups, struct stream_group *g, struct arena *a,
                                      const struct btree_place *place, struct stream_id id,
                                      struct stream_consumer *c, int64_t now_ms, uint64_t count);
/* Forgets P, which stands at PLACE (then the next one's) in the group's tree. */
void stream_pel_remove(struct stream_groups *groups, struct stream_group *g, struct arena *a,
                       struct btree_place *place, struct stream_pending *p);
/* It is C's, delivered at NOW_MS. The count stays. */
void stream_pel_give(struct stream_group *g, struct arena *a, struct stream_pending *p,
                     struct stream_consumer *c, int64_t now_ms);
/* It is nobody's, and stands behind the others that were given back. */
void stream_pel_give_back(struct stream_group *g, struct arena *a, struct stream_pending *p);

static inline struct stream_consumer *stream_pending_consumer(const struct arena *a,
                                                              const struct stream_pending *p)
{
    return arena_expand(a, arena_load_short(p->consumer));
}

/* --- in the order of their delivery: those given back, then the longest idle first --- */

/* What the walk has given may be given to another consumer, given back or removed before the next
 * call; others not. What is delivered meanwhile is not walked over. */
struct stream_oldest {
    struct stream_group *g;
    const struct arena *a;
    uint64_t back, back_end; /* short pointers: next ones, and the last ones that there were */
    uint64_t line, line_end;
    int64_t odd_ms; /* the odd one that was given last */
    struct stream_id odd_id;
    uint64_t odd_left;
};
void stream_oldest_begin(struct stream_oldest *w, struct stream_group *g, const struct arena *a);
/* NULL at the end. */
struct stream_pending *stream_oldest_next(struct stream_oldest *w);

/* --- for those who load, copy and check --- */

/* Adds one that has no consumer yet, nor stands in an order of delivery. */
struct stream_pending *stream_pel_add_loose(struct stream_groups *groups, struct stream_group *g,
                                            struct arena *a, const struct btree_place *place,
                                            struct stream_id id, int64_t delivered_ms, uint64_t count);
/* Puts a loose one in the order of its time, and in C's tree, or (C NULL) behind those given back. */
void stream_pel_settle(struct stream_group *g, struct arena *a, struct stream_pending *p,
                       struct stream_consumer *c);
/* P has been copied to TO, all that leads to it in its group but the group's tree is to lead there. */
void stream_pel_moved(struct stream_group *g, struct arena *a, const struct stream_pending *p,
                      struct stream_pending *to);
/* Whether trees, orders and counts agree. O(n log n), for tests. */
bool stream_groups_check(const struct stream_groups *groups, const struct arena *a);
