/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See stream_sums.h.
 */
#include "types/stream/stream_sums.h"

#define ROOM_LEAST 4

static size_t size_of(uint32_t room)
{
    return sizeof(struct stream_sums) + room * sizeof(struct stream_sum);
}

static void set_sums(struct stream *s, const struct arena *a, const struct stream_sums *sums)
{
    uint64_t shortened = arena_shorten(a, sums);
    s->sums_low = shortened & 0xffffff;
    s->sums_high = shortened >> 24 & 0xffff;
}

/* Room for ROOM sums, those that are there at the beginning of it; NULL: no memory for it. */
static struct stream_sums *resize(struct stream *s, struct arena *a, uint32_t room)
{
    struct stream_sums *old = stream_sums_of(s, a), *sums = arena_try_alloc(a, size_of(room));
    if (sums == NULL)
        return NULL;
    sums->nodes = sums->first = sums->end = 0;
    sums->room = room;
    if (old != NULL) {
        sums->nodes = old->nodes;
        sums->end = old->end - old->first;
        memcpy(sums->of, old->of + old->first, sums->end * sizeof *sums->of);
        arena_free(a, old, size_of(old->room));
    }
    set_sums(s, a, sums);
    return sums;
}

/* Room for one more sum; NULL: no memory for it. */
static struct stream_sums *make_room(struct stream *s, struct arena *a)
{
    struct stream_sums *sums = stream_sums_of(s, a);
    if (sums == NULL)
        return resize(s, a, ROOM_LEAST);
    if (sums->end < sums->room)
        return sums;
    uint32_t count = sums->end - sums->first;
    if (count > sums->room / 2)
        return resize(s, a, 2 * sums->room);
    memmove(sums->of, sums->of + sums->first, count * sizeof *sums->of);
    sums->first = 0;
    sums->end = count;
    return sums;
}

void stream_sums_put(struct stream *s, struct arena *a, const struct stream_node *n)
{
    struct stream_sums *sums = stream_sums_of(s, a);
    uint64_t open = s->nodes.count - (sums == NULL ? 0 : sums->nodes);
    if (open < STREAM_RUN)
        return;
    struct stream_sum sum = {.end = n->first, .nodes = open};
    struct btree_place place = btree_last(&s->nodes, a);
    for (uint64_t i = 0; i < open; i++, btree_prev(a, &place)) {
        const struct stream_node *one = btree_element(a, &place);
        sum.live += one->live;
        sum.bytes += one->size;
    }
    struct stream_sums *roomy = make_room(s, a);
    if (roomy != NULL) {
        roomy->of[roomy->end++] = sum;
        roomy->nodes += open;
    } else if (sums != NULL) {
        struct stream_sum *last = &sums->of[sums->end - 1];
        last->end = sum.end;
        last->nodes += open;
        last->live += sum.live;
        last->bytes += sum.bytes;
        sums->nodes += open;
    }
}

/* That of the run of N; NULL: the open one. */
static struct stream_sum *find(struct stream_sums *sums, const struct stream_node *n)
{
    uint32_t low = sums->first, high = sums->end;
    /* Most is done at the beginning and at the end. */
    if (stream_id_compare(n->first, sums->of[low].end) < 0)
        return &sums->of[low];
    if (stream_id_compare(n->first, sums->of[high - 1].end) >= 0)
        return NULL;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stream_id_compare(sums->of[middle].end, n->first) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return &sums->of[low];
}

void stream_sums_deleted(struct stream *s, const struct arena *a, const struct stream_node *n)
{
    struct stream_sum *sum = find(stream_sums_of(s, a), n);
    if (sum != NULL)
        sum->live--;
}

/* Sums went, or the nodes of the open run did. */
static void settle(struct stream *s, struct arena *a, struct stream_sums *sums)
{
    /* The last node is in the open run: that is the last one with a sum then. */
    if (sums->nodes == s->nodes.count && sums->first < sums->end)
        sums->nodes -= sums->of[--sums->end].nodes;
    uint32_t count = sums->end - sums->first;
    if (count == 0)
        stream_sums_free(s, a);
    else if (count < sums->room / 8)
        (void)resize(s, a, 2 * count > ROOM_LEAST ? 2 * count : ROOM_LEAST);
}

void stream_sums_dropped(struct stream *s, struct arena *a, const struct stream_node *n)
{
    struct stream_sums *sums = stream_sums_of(s, a);
    struct stream_sum *sum = find(sums, n);
    if (sum != NULL) {
        sums->nodes--;
        sum->bytes -= n->size;
        if (--sum->nodes == 0) {
            if (sum == &sums->of[sums->first])
                sums->first++;
            else
                memmove(sum, sum + 1, (size_t)(&sums->of[sums->end--] - (sum + 1)) * sizeof *sum);
        }
    }
    settle(s, a, sums);
}

struct stream_sum stream_sums_until(const struct stream *s, const struct arena *a, uint64_t nodes,
                                    uint64_t live)
{
    const struct stream_sums *sums = stream_sums_of(s, a);
    struct stream_sum all = {.nodes = 0};
    for (uint32_t i = sums == NULL ? 0 : sums->first; sums != NULL && i < sums->end; i++) {
        const struct stream_sum *one = &sums->of[i];
        if (one->nodes > nodes - all.nodes || one->live > live - all.live)
            break;
        all.nodes += one->nodes;
        all.live += one->live;
        all.bytes += one->bytes;
    }
    return all;
}

void stream_sums_cut(struct stream *s, struct arena *a, struct stream_sum gone)
{
    struct stream_sums *sums = stream_sums_of(s, a);
    while (sums->first < sums->end && sums->of[sums->first].nodes <= gone.nodes) {
        const struct stream_sum *one = &sums->of[sums->first++];
        sums->nodes -= one->nodes;
        gone.nodes -= one->nodes;
        gone.live -= one->live;
        gone.bytes -= one->bytes;
    }
    if (sums->first < sums->end) {
        struct stream_sum *one = &sums->of[sums->first];
        sums->nodes -= gone.nodes;
        one->nodes -= gone.nodes;
        one->live -= gone.live;
        one->bytes -= gone.bytes;
    }
    settle(s, a, sums);
}

/* --- for an object of the type --- */

void stream_sums_free(struct stream *s, struct arena *a)
{
    struct stream_sums *sums = stream_sums_of(s, a);
    if (sums != NULL)
        arena_free(a, sums, size_of(sums->room));
    set_sums(s, a, NULL);
}

size_t stream_sums_memory(const struct stream *s, const struct arena *a)
{
    const struct stream_sums *sums = stream_sums_of(s, a);
    return sums == NULL ? 0 : arena_usable(size_of(sums->room));
}

void stream_sums_relocate(struct stream *s, struct arena *a, size_t *moved)
{
    struct stream_sums *sums = stream_sums_of(s, a);
    if (sums != NULL)
        set_sums(s, a, arena_relocate(a, sums, size_of(sums->room), moved));
}

bool stream_sums_check(const struct stream *s, const struct arena *a)
{
    const struct stream_sums *sums = stream_sums_of(s, a);
    if (sums == NULL)
        return true;
    struct btree_place place = btree_first(&s->nodes);
    const struct stream_node *n = btree_element(a, &place);
    uint64_t nodes = 0;
    for (uint32_t i = sums->first; i < sums->end; i++) {
        struct stream_sum left = sums->of[i];
        nodes += left.nodes;
        if (left.nodes == 0)
            return false;
        for (; n != NULL && stream_id_compare(n->first, left.end) < 0;
             n = btree_next(a, &place) ? btree_element(a, &place) : NULL) {
            left.nodes--;
            left.live -= n->live;
            left.bytes -= n->size;
        }
        if (left.nodes != 0 || left.live != 0 || left.bytes != 0)
            return false;
    }
    return sums->first < sums->end && sums->end <= sums->room && nodes == sums->nodes && n != NULL;
}
