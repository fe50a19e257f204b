/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether the groups of a stream are as they should be, for tests.
 */
#include "types/stream/stream_name.h"
#include "types/stream/stream_pel.h"

static bool id_before(const void *x, const void *y)
{
    return stream_id_compare(((const struct stream_pending *)x)->id, ((const struct stream_pending *)y)->id) <
           0;
}

static bool time_before(const void *x, const void *y)
{
    const struct stream_pending *p = x, *q = y;
    return p->delivered_ms < q->delivered_ms || (p->delivered_ms == q->delivered_ms && id_before(x, y));
}

static bool group_before(const void *x, const void *y)
{
    return stream_name_compare(stream_group_name(x), stream_group_name(y)) < 0;
}

static bool consumer_before(const void *x, const void *y)
{
    return stream_name_compare(stream_consumer_name(x), stream_consumer_name(y)) < 0;
}

/* How many stand in LINE, or UINT64_MAX if its links, the order or the owners are not right. */
static uint64_t count_line(const struct stream_line *line, const struct arena *a, bool owned)
{
    uint64_t prev = 0, count = 0;
    int64_t ms = INT64_MIN;
    for (uint64_t at = line->first; at != 0; count++) {
        const struct stream_pending *p = arena_expand(a, at);
        if (arena_load_short(p->prev) != prev || p->odd || p->delivered_ms < ms ||
            (stream_pending_consumer(a, p) != NULL) != owned)
            return UINT64_MAX;
        ms = p->delivered_ms;
        prev = at;
        at = arena_load_short(p->next);
    }
    return line->last == prev ? count : UINT64_MAX;
}

static bool check_consumers(const struct stream_group *g, const struct arena *a, uint64_t *owned)
{
    struct btree_place at = btree_first(&g->consumers);
    *owned = 0;
    for (const struct stream_consumer *c; (c = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        if (!btree_check(&c->pending, a, id_before))
            return false;
        struct btree_place place = btree_first(&c->pending);
        for (const struct stream_pending *p; (p = btree_element(a, &place)) != NULL; btree_next(a, &place))
            if (stream_pending_consumer(a, p) != c || stream_pel_find(g, a, p->id, NULL) != p)
                return false;
        *owned += c->pending.count;
    }
    return true;
}

static bool check_group(const struct stream_group *g, const struct arena *a)
{
    uint64_t owned;
    if (!btree_check(&g->pending, a, id_before) || !btree_check(&g->odd, a, time_before) ||
        !btree_check(&g->consumers, a, consumer_before) || !check_consumers(g, a, &owned))
        return false;
    uint64_t back = count_line(&g->back, a, false), line = count_line(&g->line, a, true);
    return back == g->nacked && line != UINT64_MAX && line + g->odd.count == owned &&
           owned + back == g->pending.count;
}

bool stream_groups_check(const struct stream_groups *groups, const struct arena *a)
{
    uint64_t work = 0;
    if (!btree_check(&groups->by_name, a, group_before))
        return false;
    struct btree_place at = btree_first(&groups->by_name);
    for (const struct stream_group *g; (g = btree_element(a, &at)) != NULL; btree_next(a, &at)) {
        if (!check_group(g, a))
            return false;
        work += 1 + g->pending.count + g->consumers.count;
    }
    return work == groups->work;
}
