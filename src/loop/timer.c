/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop's timers: a heap of pointers with four children per node, ordered by
 * time. A timer knows its place, so that moving and stopping need no search.
 *
 *     position i: parent (i - 1) / 4, children 4i + 1 .. 4i + 4
 */
#include <limits.h>

#include "base/clock.h"
#include "base/heap.h"
#include "loop/loop_private.h"

#define FANOUT 4

static void timer_put(struct loop *l, uint32_t at, struct loop_timer *t)
{
    l->timers[at] = t;
    t->index = at + 1;
}

static void timer_up(struct loop *l, uint32_t at, struct loop_timer *t)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / FANOUT;
        if (l->timers[parent]->at_us <= t->at_us)
            break;
        timer_put(l, at, l->timers[parent]);
        at = parent;
    }
    timer_put(l, at, t);
}

static void timer_down(struct loop *l, uint32_t at, struct loop_timer *t)
{
    for (;;) {
        uint32_t first = at * FANOUT + 1, best = at;
        int64_t best_us = t->at_us;
        for (uint32_t i = first; i < first + FANOUT && i < l->timer_count; i++) {
            if (l->timers[i]->at_us < best_us) {
                best = i;
                best_us = l->timers[i]->at_us;
            }
        }
        if (best == at)
            break;
        timer_put(l, at, l->timers[best]);
        at = best;
    }
    timer_put(l, at, t);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_us)
{
    t->at_us = at_us;
    if (t->index == 0) {
        if (l->timer_count == l->timer_cap) {
            l->timer_cap = l->timer_cap == 0 ? 16 : l->timer_cap * 2;
            l->timers = heap_realloc(l->timers, l->timer_cap * sizeof(*l->timers));
        }
        timer_up(l, l->timer_count++, t);
        return;
    }
    uint32_t at = t->index - 1;
    timer_up(l, at, t);
    if (t->index - 1 == at)
        timer_down(l, at, t);
}

void loop_timer_after(struct loop *l, struct loop_timer *t, int64_t delay_us)
{
    /* Not the turn's clock: a long turn would make the timer early. */
    loop_timer_set(l, t, clock_mono_now_us() + delay_us);
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
    if (t->index == 0)
        return;
    uint32_t at = t->index - 1;
    struct loop_timer *last = l->timers[--l->timer_count];
    t->index = 0;
    if (last == t)
        return;
    timer_up(l, at, last);
    if (last->index - 1 == at)
        timer_down(l, at, last);
}

int loop_timers_wait_ms(const struct loop *l, int64_t now_us)
{
    if (l->timer_count == 0)
        return -1;
    int64_t left = l->timers[0]->at_us - now_us;
    if (left <= 0)
        return 0;
    /* The kernel may end a sleep late by a thousandth of its length. So a long one is cut in
     * two, the second being short enough to end within the millisecond. */
    if (left > 500000)
        left -= left / 256;
    int64_t ms = (left + 999) / 1000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

void loop_timers_run(struct loop *l, int64_t now_us)
{
    /* As many as there are now: one that arms itself for at once has its turn next time. */
    for (uint32_t budget = l->timer_count; budget > 0 && l->timer_count > 0; budget--) {
        struct loop_timer *t = l->timers[0];
        if (t->at_us > now_us)
            break;
        loop_timer_stop(l, t);
        t->fn(t);
    }
}

void loop_timers_done(struct loop *l)
{
    while (l->timer_count > 0)
        l->timers[--l->timer_count]->index = 0;
    heap_free(l->timers);
    l->timers = NULL;
    l->timer_cap = 0;
}
