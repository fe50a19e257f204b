/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See stream_pel.h.
 *
 * Pending entries are in the trees by id, whose tags are 26 bits of milliseconds since base_ms, that of
 * the first entry since nothing was pending, and 6 of the sequence number; what is out of these takes the
 * least or the greatest tag, and is told apart by the ids.
 *
 * Deliveries come in the order of the clock, so they are linked; what gets a time before the last one's
 * (XCLAIM with IDLE or TIME, files, a clock that was set back) goes to the odd ones, a tree by time and id.
 */
#include "types/stream/stream_pel.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "types/stream/stream_name.h"

_Static_assert(sizeof(struct stream_pending) == 48, "of the arena's class of 48 bytes");

/* --- trees by name --- */

static int compare_group(const void *element, const void *key)
{
    return stream_name_compare(stream_group_name(element), *(const struct slice *)key);
}

static int compare_consumer(const void *element, const void *key)
{
    return stream_name_compare(stream_consumer_name(element), *(const struct slice *)key);
}

/* --- trees by id --- */

#define TAG_SEQ_BITS 6

static uint32_t id_tag(const struct stream_group *g, struct stream_id id)
{
    const uint64_t seq_max = (1u << TAG_SEQ_BITS) - 1;
    if (id.ms < g->base_ms)
        return 0;
    uint64_t ms = id.ms - g->base_ms;
    if (ms >> (32 - TAG_SEQ_BITS) != 0)
        return UINT32_MAX;
    return (uint32_t)(ms << TAG_SEQ_BITS | (id.seq < seq_max ? id.seq : seq_max));
}

static int compare_id(const void *element, const void *key)
{
    return stream_id_compare(((const struct stream_pending *)element)->id, *(const struct stream_id *)key);
}

/* The place of ID in T, and whether it is there. Entries are mostly acknowledged first to last, and
 * delivered behind all others: the ends are tried before the tree is searched. */
static struct btree_place seek_id(const struct stream_group *g, const struct btree *t, const struct arena *a,
                                  struct stream_id id, bool *exact)
{
    struct btree_place place = btree_first(t);
    const struct stream_pending *p = btree_element(a, &place);
    *exact = false;
    if (p == NULL)
        return place;
    int order = stream_id_compare(id, p->id);
    if (order > 0)
        return btree_seek(t, a, compare_id, &id, id_tag(g, id), exact);
    *exact = order == 0;
    return place;
}

static struct btree_place seek_to_add(const struct stream_group *g, const struct btree *t,
                                      const struct arena *a, struct stream_id id, bool *exact)
{
    struct btree_place place = btree_last(t, a);
    const struct stream_pending *p = btree_element(a, &place);
    *exact = false;
    if (p == NULL || stream_id_compare(p->id, id) < 0)
        return btree_end(t, a);
    return btree_seek(t, a, compare_id, &id, id_tag(g, id), exact);
}

struct stream_pending *stream_pel_find(const struct stream_group *g, const struct arena *a,
                                       struct stream_id id, struct btree_place *place)
{
    bool exact;
    struct btree_place at = seek_id(g, &g->pending, a, id, &exact);
    if (place != NULL)
        *place = at;
    return exact ? btree_element(a, &at) : NULL;
}

struct stream_pending *stream_pel_find_last(const struct stream_group *g, const struct arena *a,
                                            struct stream_id id, struct btree_place *place)
{
    bool exact;
    *place = seek_to_add(g, &g->pending, a, id, &exact);
    return exact ? btree_element(a, place) : NULL;
}

struct btree_place stream_pel_seek(const struct stream_group *g, const struct btree *tree,
                                   const struct arena *a, struct stream_id id)
{
    bool exact;
    return seek_id(g, tree, a, id, &exact);
}

static void own(struct stream_group *g, struct arena *a, struct stream_consumer *c, struct stream_pending *p)
{
    bool exact;
    struct btree_place place = seek_to_add(g, &c->pending, a, p->id, &exact);
    assert(!exact);
    btree_insert(&c->pending, a, &place, p, id_tag(g, p->id));
    arena_store_short(p->consumer, arena_shorten(a, c));
}

static void disown(struct stream_group *g, struct arena *a, struct stream_pending *p)
{
    bool exact;
    struct stream_consumer *c = stream_pending_consumer(a, p);
    if (c == NULL)
        return;
    struct btree_place place = seek_id(g, &c->pending, a, p->id, &exact);
    assert(exact);
    btree_remove(&c->pending, a, &place);
    arena_store_short(p->consumer, 0);
}

/* --- the order of delivery --- */

struct time_key {
    int64_t ms;
    struct stream_id id;
};

static uint32_t time_tag(int64_t ms)
{
    return ms < 0 ? 0 : ms >> 42 != 0 ? UINT32_MAX : (uint32_t)(ms >> 10);
}

static int compare_time(const void *element, const void *key)
{
    const struct stream_pending *p = element;
    const struct time_key *k = key;
    if (p->delivered_ms != k->ms)
        return p->delivered_ms < k->ms ? -1 : 1;
    return stream_id_compare(p->id, k->id);
}

static struct btree_place seek_time(const struct stream_group *g, const struct arena *a, int64_t ms,
                                    struct stream_id id, bool *exact)
{
    const struct time_key key = {ms, id};
    return btree_seek(&g->odd, a, compare_time, &key, time_tag(ms), exact);
}

static void link_last(struct stream_line *line, const struct arena *a, struct stream_pending *p)
{
    uint64_t self = arena_shorten(a, p);
    struct stream_pending *last = arena_expand(a, line->last);
    arena_store_short(p->prev, line->last);
    arena_store_short(p->next, 0);
    if (last != NULL)
        arena_store_short(last->next, self);
    else
        line->first = self;
    line->last = self;
}

static void unlink_it(struct stream_line *line, const struct arena *a, const struct stream_pending *p)
{
    uint64_t prev = arena_load_short(p->prev), next = arena_load_short(p->next);
    if (prev != 0)
        arena_store_short(((struct stream_pending *)arena_expand(a, prev))->next, next);
    else
        line->first = next;
    if (next != 0)
        arena_store_short(((struct stream_pending *)arena_expand(a, next))->prev, prev);
    else
        line->last = prev;
}

/* Puts P, delivered at P->delivered_ms, where it belongs. */
static void queue(struct stream_group *g, struct arena *a, struct stream_pending *p)
{
    const struct stream_pending *last = arena_expand(a, g->line.last);
    p->odd = last != NULL && last->delivered_ms > p->delivered_ms;
    if (!p->odd) {
        link_last(&g->line, a, p);
        return;
    }
    bool exact;
    struct btree_place place = seek_time(g, a, p->delivered_ms, p->id, &exact);
    btree_insert(&g->odd, a, &place, p, time_tag(p->delivered_ms));
}

static void queue_back(struct stream_group *g, struct arena *a, struct stream_pending *p)
{
    p->odd = false;
    p->delivered_ms = 0;
    link_last(&g->back, a, p);
    g->nacked++;
}

/* Takes P out of the order that it is in. */
static void unqueue(struct stream_group *g, struct arena *a, struct stream_pending *p)
{
    bool exact;
    if (p->odd) {
        struct btree_place place = seek_time(g, a, p->delivered_ms, p->id, &exact);
        assert(exact);
        btree_remove(&g->odd, a, &place);
    } else if (arena_load_short(p->consumer) == 0) {
        unlink_it(&g->back, a, p);
        g->nacked--;
    } else {
        unlink_it(&g->line, a, p);
    }
}

void stream_oldest_begin(struct stream_oldest *w, struct stream_group *g, const struct arena *a)
{
    *w = (struct stream_oldest){.g = g,
                                .a = a,
                                .back = g->back.first,
                                .back_end = g->back.last,
                                .line = g->line.first,
                                .line_end = g->line.last,
                                .odd_ms = INT64_MIN,
                                .odd_left = g->odd.count};
}

/* The one at *NEXT of a line up to END, which is then behind it. */
static struct stream_pending *step(const struct arena *a, uint64_t *next, uint64_t end)
{
    struct stream_pending *p = arena_expand(a, *next);
    *next = *next == end ? 0 : arena_load_short(p->next);
    return p;
}

struct stream_pending *stream_oldest_next(struct stream_oldest *w)
{
    if (w->back != 0)
        return step(w->a, &w->back, w->back_end);
    struct stream_pending *odd = NULL, *p = arena_expand(w->a, w->line);
    if (w->odd_left != 0) {
        bool exact = false;
        struct btree_place place = seek_time(w->g, w->a, w->odd_ms, w->odd_id, &exact);
        if (exact)
            btree_next(w->a, &place);
        odd = btree_element(w->a, &place);
    }
    if (odd == NULL || (p != NULL && p->delivered_ms < odd->delivered_ms))
        return p == NULL ? NULL : step(w->a, &w->line, w->line_end);
    w->odd_left--;
    w->odd_ms = odd->delivered_ms;
    w->odd_id = odd->id;
    return odd;
}

/* --- pending entries --- */

struct stream_pending *stream_pel_add_loose(struct stream_groups *groups, struct stream_group *g,
                                            struct arena *a, const struct btree_place *place,
                                            struct stream_id id, int64_t delivered_ms, uint64_t count)
{
    struct stream_pending *p = arena_alloc(a, sizeof *p);
    *p = (struct stream_pending){.id = id, .delivered_ms = delivered_ms, .count = count};
    if (g->pending.count == 0)
        g->base_ms = id.ms;
    btree_insert(&g->pending, a, place, p, id_tag(g, id));
    groups->work++;
    return p;
}

void stream_pel_settle(struct stream_group *g, struct arena *a, struct stream_pending *p,
                       struct stream_consumer *c)
{
    if (c == NULL) {
        queue_back(g, a, p);
        return;
    }
    own(g, a, c, p);
    queue(g, a, p);
}

struct stream_pending *stream_pel_add(struct stream_groups *groups, struct stream_group *g, struct arena *a,
                                      const struct btree_place *place, struct stream_id id,
                                      struct stream_consumer *c, int64_t now_ms, uint64_t count)
{
    struct stream_pending *p = stream_pel_add_loose(groups, g, a, place, id, now_ms, count);
    stream_pel_settle(g, a, p, c);
    return p;
}

void stream_pel_remove(struct stream_groups *groups, struct stream_group *g, struct arena *a,
                       struct btree_place *place, struct stream_pending *p)
{
    unqueue(g, a, p);
    disown(g, a, p);
    btree_remove(&g->pending, a, place);
    arena_free(a, p, sizeof *p);
    groups->work--;
}

void stream_pel_give(struct stream_group *g, struct arena *a, struct stream_pending *p,
                     struct stream_consumer *c, int64_t now_ms)
{
    unqueue(g, a, p);
    if (stream_pending_consumer(a, p) != c) {
        disown(g, a, p);
        own(g, a, c, p);
    }
    p->delivered_ms = now_ms;
    queue(g, a, p);
}

void stream_pel_give_back(struct stream_group *g, struct arena *a, struct stream_pending *p)
{
    unqueue(g, a, p);
    disown(g, a, p);
    queue_back(g, a, p);
}

void stream_pel_moved(struct stream_group *g, struct arena *a, const struct stream_pending *p,
                      struct stream_pending *to)
{
    uint64_t self = arena_shorten(a, to);
    bool exact;
    struct stream_consumer *c = stream_pending_consumer(a, p);
    if (c != NULL) {
        struct btree_place place = seek_id(g, &c->pending, a, p->id, &exact);
        btree_replace(&c->pending, a, &place, to);
    }
    if (p->odd) {
        struct btree_place place = seek_time(g, a, p->delivered_ms, p->id, &exact);
        btree_replace(&g->odd, a, &place, to);
        return;
    }
    struct stream_line *line = c == NULL ? &g->back : &g->line;
    struct stream_pending *prev = arena_expand(a, arena_load_short(p->prev)),
                          *next = arena_expand(a, arena_load_short(p->next));
    if (prev != NULL)
        arena_store_short(prev->next, self);
    else
        line->first = self;
    if (next != NULL)
        arena_store_short(next->prev, self);
    else
        line->last = self;
}

/* --- consumers --- */

struct stream_consumer *stream_consumer_find(const struct stream_group *g, const struct arena *a,
                                             struct slice name)
{
    return stream_name_find(&g->consumers, a, compare_consumer, name, NULL);
}

struct stream_consumer *stream_consumer_add(struct stream_groups *groups, struct stream_group *g,
                                            struct arena *a, struct slice name, int64_t now_ms)
{
    struct btree_place place;
    struct stream_consumer *c = stream_name_find(&g->consumers, a, compare_consumer, name, &place);
    assert(c == NULL);
    c = name.len > UINT32_MAX ? NULL : arena_try_alloc(a, sizeof *c + name.len);
    if (c == NULL)
        return NULL;
    *c = (struct stream_consumer){.seen_ms = now_ms, .active_ms = -1, .name_len = (uint32_t)name.len};
    btree_init(&c->pending, BTREE_BY_ORDER);
    memcpy(c->name, name.ptr, name.len);
    btree_insert(&g->consumers, a, &place, c, stream_name_tag(name));
    groups->work++;
    return c;
}

/* --- groups --- */

struct stream_groups *stream_groups_new(struct arena *a)
{
    struct stream_groups *groups = arena_alloc(a, sizeof *groups);
    *groups = (struct stream_groups){.work = 0};
    btree_init(&groups->by_name, BTREE_BY_ORDER);
    return groups;
}

struct stream_group *stream_group_find(const struct stream_groups *groups, const struct arena *a,
                                       struct slice name)
{
    return groups == NULL ? NULL : stream_name_find(&groups->by_name, a, compare_group, name, NULL);
}

static void insert_group(struct stream_groups *groups, struct arena *a, struct stream_group *g)
{
    struct btree_place place;
    struct slice name = stream_group_name(g);
    stream_name_find(&groups->by_name, a, compare_group, name, &place);
    btree_insert(&groups->by_name, a, &place, g, stream_name_tag(name));
    groups->work += 1 + g->pending.count + g->consumers.count;
}

struct stream_group *stream_group_add(struct stream_groups *groups, struct arena *a, struct slice name,
                                      struct stream_id last, int64_t entries_read)
{
    struct stream_group *g = name.len > UINT32_MAX ? NULL : arena_try_alloc(a, sizeof *g + name.len);
    if (g == NULL)
        return NULL;
    *g = (struct stream_group){.last_id = last, .entries_read = entries_read, .name_len = (uint32_t)name.len};
    btree_init(&g->pending, BTREE_BY_ORDER);
    btree_init(&g->consumers, BTREE_BY_ORDER);
    btree_init(&g->odd, BTREE_BY_ORDER);
    memcpy(g->name, name.ptr, name.len);
    insert_group(groups, a, g);
    return g;
}

struct stream_groups *stream_group_detach(struct stream_groups *groups, struct arena *a,
                                          struct stream_group *g)
{
    struct btree_place place;
    struct stream_groups *alone = stream_groups_new(a);
    stream_name_find(&groups->by_name, a, compare_group, stream_group_name(g), &place);
    btree_remove(&groups->by_name, a, &place);
    groups->work -= 1 + g->pending.count + g->consumers.count;
    insert_group(alone, a, g);
    return alone;
}

/* --- consumers that go --- */

/* A consumer with more pending entries leaves them to be freed later. */
#define FEW_PENDING 64

/* Of as many in a group, a consumer that has one or more is taken for one that has many. */
#define FAR_APART 16

static void remove_few(struct stream_groups *groups, struct stream_group *g, struct arena *a,
                       struct stream_consumer *c)
{
    struct btree_place place = btree_first(&c->pending);
    struct stream_pending *p;
    while ((p = btree_element(a, &place)) != NULL) {
        struct btree_place at;
        stream_pel_find(g, a, p->id, &at);
        unqueue(g, a, p);
        btree_remove(&c->pending, a, &place);
        btree_remove(&g->pending, a, &at);
        arena_free(a, p, sizeof *p);
        groups->work--;
    }
}

/* A walk over the pending entries of C. */
struct leaving {
    struct stream_group *g;
    const struct arena *a;
    const struct stream_consumer *c;
    struct btree_place place;
    struct stream_pending *next; /* NULL: at the end */
};

static void go_on(struct leaving *w)
{
    w->next = btree_next(w->a, &w->place) ? btree_element(w->a, &w->place) : NULL;
}

static void leaving_begin(struct leaving *w, struct stream_group *g, const struct arena *a,
                          const struct stream_consumer *c)
{
    *w = (struct leaving){g, a, c, btree_first(&c->pending), NULL};
    w->next = btree_element(a, &w->place);
}

/* Those of the group's tree are asked about in the order of the walk. */
static bool leaves(void *arg, void *element)
{
    struct leaving *w = arg;
    if (element != w->next)
        return false;
    if (!w->next->odd)
        unlink_it(&w->g->line, w->a, w->next);
    go_on(w);
    return true;
}

static bool leaves_odd(void *arg, void *element)
{
    const struct leaving *w = arg;
    struct stream_pending *p = element;
    if (stream_pending_consumer(w->a, p) != w->c)
        return false;
    p->odd = false;
    return true;
}

/* Takes what C has pending out of all but its own tree: leaf by leaf, which for one that has many of the
 * group's is much less than a search for each. */
static void take_out(struct stream_group *g, struct arena *a, const struct stream_consumer *c)
{
    struct leaving w;
    struct btree_place at;
    bool exact, far_apart = c->pending.count < g->pending.count / FAR_APART;
    for (leaving_begin(&w, g, a, c); w.next != NULL;) {
        at = btree_seek(&g->pending, a, compare_id, &w.next->id, id_tag(g, w.next->id), &exact);
        assert(exact);
        btree_remove_some(&g->pending, a, &at, leaves, &w);
    }
    if (g->odd.count == 0)
        return;
    for (leaving_begin(&w, g, a, c); w.next != NULL; go_on(&w)) {
        if (!w.next->odd)
            continue;
        at = seek_time(g, a, w.next->delivered_ms, w.next->id, &exact);
        assert(exact);
        if (far_apart)
            btree_remove(&g->odd, a, &at);
        else
            btree_remove_some(&g->odd, a, &at, leaves_odd, &w);
    }
}

/* All that is pending in G is C's, and goes with it: its orders of delivery too. */
static void take_all(struct stream_group *g, struct arena *a, struct stream_consumer *c,
                     struct stream_group *to)
{
    struct btree_place none = btree_first(&to->consumers);
    to->pending = g->pending;
    to->odd = g->odd;
    btree_init(&g->pending, BTREE_BY_ORDER);
    btree_init(&g->odd, BTREE_BY_ORDER);
    g->line = (struct stream_line){.first = 0};
    btree_insert(&to->consumers, a, &none, c, 0);
}

struct stream_groups *stream_consumer_remove(struct stream_groups *groups, struct stream_group *g,
                                             struct arena *a, struct stream_consumer *c)
{
    struct btree_place place;
    stream_name_find(&g->consumers, a, compare_consumer, stream_consumer_name(c), &place);
    btree_remove(&g->consumers, a, &place);
    groups->work--;
    if (c->pending.count <= FEW_PENDING) {
        remove_few(groups, g, a, c);
        arena_free(a, c, sizeof *c + c->name_len);
        return NULL;
    }
    groups->work -= c->pending.count;
    struct stream_group *part = arena_alloc(a, sizeof *part);
    *part = (struct stream_group){.name_len = 0};
    btree_init(&part->consumers, BTREE_BY_ORDER);
    btree_init(&part->odd, BTREE_BY_ORDER);
    if (c->pending.count == g->pending.count) {
        take_all(g, a, c, part);
    } else {
        take_out(g, a, c);
        part->pending = c->pending;
        arena_free(a, c, sizeof *c + c->name_len);
    }
    struct stream_groups *gone = stream_groups_new(a);
    insert_group(gone, a, part);
    return gone;
}
