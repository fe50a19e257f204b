/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Choosing the spans that are to be emptied. N spans of a class can go when its free room is
 * that of N whole spans, whichever they are; so their number is known at once, and the N
 * emptiest are taken. How full those are is read off a sample of the spans; which ones they
 * are is decided piece by piece while their objects are asked for, a span at the latest when the
 * first of its objects is. So the beginning costs at most SAMPLE looks, and the end nothing.
 *
 * The span that new objects go to is never chosen, since what was moved there is not asked for
 * again. A leaving span is taken back when its class has no room left, during an evacuation
 * or after it, before a new span is taken.
 */
#include "base/arena_private.h"

#define SAMPLE 16384 /* spans */
#define STEP   64    /* spans decided about when an object is asked for */
#define LEVELS 64    /* of fullness */

struct census {
    uint32_t spans[CLASSES][LEVELS];
};

/* Counts spans with room by how full they are; returns how many spans each look stands for. */
static uint32_t take_census(struct arena_state *st, struct census *census)
{
    uint32_t count = st->span_end - st->span_begin;
    uint32_t step = (count + SAMPLE - 1) / SAMPLE;
    memset(census, 0, sizeof *census);
    for (uint32_t from = st->span_begin; from < st->span_end; from += step) {
        /* Not always the first of a step, lest the order in which they were taken has its beat. */
        uint32_t at = from + (step > 1 ? (from / step * 2654435769U >> 16) % step : 0);
        if (at >= st->span_end)
            break;
        const struct span *s = arena_span(st, at);
        if (s->class_ >= CLASSES || (s->state & SPAN_LEAVING))
            continue;
        uint32_t level = (uint32_t)s->used * LEVELS / st->classes[s->class_].capacity;
        if (level < LEVELS)
            census->spans[s->class_][level]++;
    }
    return step;
}

/* Sets what of class K may be chosen; returns the number of spans that will be free. */
static uint32_t set_quota(struct arena_state *st, unsigned k, const uint32_t *levels, uint32_t step,
                          unsigned keep_percent)
{
    const struct class_ *c = &st->classes[k];
    struct class_rest *rest = &st->rests[k];
    uint64_t room = (uint64_t)rest->spans * c->capacity - c->objects;
    uint64_t go = room / c->capacity;
    uint64_t wanted = go > rest->leaving_spans ? go - rest->leaving_spans : 0;
    uint32_t most = c->capacity * keep_percent / 100;
    uint64_t found = 0;
    rest->quota = rest->leave_max = 0;
    for (uint32_t level = 0;
         level < LEVELS && found < wanted && (level * c->capacity + LEVELS - 1) / LEVELS <= most; level++) {
        uint32_t fullest = ((level + 1) * c->capacity - 1) / LEVELS;
        found += (uint64_t)levels[level] * step;
        rest->leave_max = fullest < most ? fullest : most;
    }
    if (found > wanted)
        found = wanted;
    if (found == 0)
        rest->leave_max = 0;
    else
        rest->quota = (uint32_t)wanted;
    return (uint32_t)found + rest->leaving_spans;
}

size_t arena_evacuate_begin(struct arena *a, unsigned free_percent)
{
    struct arena_state *st = a->state;
    struct census census;
    unsigned keep_percent = free_percent < 100 ? 100 - free_percent : 0;
    uint32_t step = take_census(st, &census);
    size_t gain = 0;
    for (unsigned k = 0; k < CLASSES; k++)
        if (st->rests[k].spans > 0)
            gain += (size_t)set_quota(st, k, census.spans[k], step, keep_percent) * st->rests[k].extent;
    st->evacuating = gain > 0;
    st->undecided = st->span_begin;
    return gain;
}

/* Whether the span is to go now; it was not leaving before. */
static bool choose(struct arena_state *st, uint32_t index)
{
    struct span *s = arena_span(st, index);
    struct class_ *c = &st->classes[s->class_];
    struct class_rest *rest = &st->rests[s->class_];
    if (s->used > rest->leave_max || index == c->room)
        return false;
    arena_list_remove(st, &c->room, index);
    arena_list_insert(st, &rest->leaving, index);
    rest->leaving_spans++;
    s->state |= SPAN_LEAVING;
    if (--rest->quota == 0)
        rest->leave_max = 0;
    return true;
}

static __attribute__((noinline)) void decide(struct arena_state *st)
{
    uint32_t end = st->span_end - st->undecided > STEP ? st->undecided + STEP : st->span_end;
    for (uint32_t index = st->undecided; index < end; index++) {
        const struct span *s = arena_span(st, index);
        if (s->class_ < CLASSES && !(s->state & SPAN_LEAVING))
            choose(st, index);
    }
    st->undecided = end;
}

bool arena_is_leaving(const struct arena *a, const void *ptr, size_t size)
{
    struct arena_state *st = a->state;
    if (!st->evacuating || size > SMALL_MAX)
        return false;
    if (unlikely(st->undecided < st->span_end))
        decide(st);
    uint32_t index = (uint32_t)((size_t)((const char *)ptr - a->base) >> SPAN_SHIFT);
    const struct span *s = arena_span(st, index);
    if (s->state & SPAN_LEAVING)
        return true;
    return s->used <= st->rests[s->class_].leave_max && choose(st, index);
}

void *arena_relocate(struct arena *a, void *ptr, size_t size, size_t *moved)
{
    if (!arena_is_leaving(a, ptr, size))
        return ptr;
    void *to = arena_alloc(a, size);
    memcpy(to, ptr, size);
    arena_free(a, ptr, size);
    ++*moved;
    return to;
}

void arena_evacuate_end(struct arena *a)
{
    struct arena_state *st = a->state;
    for (unsigned k = 0; k < CLASSES; k++)
        st->rests[k].quota = st->rests[k].leave_max = 0;
    st->evacuating = 0;
}

bool arena_is_evacuating(const struct arena *a)
{
    return a->state->evacuating != 0;
}
