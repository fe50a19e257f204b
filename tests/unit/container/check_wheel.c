/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wheel against a plain array of times: random adding, removing, moving, and time
 * that creeps, jumps and goes back.
 */
#include "container/wheel.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/random.h"
#include "unit.h"

#define ELEMENT_SIZE 32
#define ID_AT        24 /* behind the node */
#define PLENTY       1000000000U

struct model {
    struct arena a;
    struct wheel w;
    struct random r;
    unsigned count; /* slots below */
    unsigned inside;
    int64_t now;
    struct {
        char *element;
        bool in;
        int64_t time;
    } * e;
};

static void model_init(struct model *m, unsigned count, int64_t now, uint64_t seed)
{
    *m = (struct model){.count = count, .now = now};
    arena_init(&m->a, 0);
    wheel_init(&m->w, now);
    random_init_seed(&m->r, seed);
    m->e = calloc(count, sizeof *m->e);
    for (unsigned i = 0; i < count; i++) {
        m->e[i].element = arena_alloc(&m->a, ELEMENT_SIZE);
        memcpy(m->e[i].element + ID_AT, &i, sizeof i);
    }
}

static void model_done(struct model *m)
{
    must(wheel_memory(&m->w, &m->a) ==
         m->a.used - m->count * arena_usable(ELEMENT_SIZE) + m->inside * WHEEL_NODE_SIZE);
    wheel_done(&m->w, &m->a);
    must(m->w.count == 0);
    for (unsigned i = 0; i < m->count; i++)
        arena_free(&m->a, m->e[i].element, ELEMENT_SIZE);
    must(m->a.used == 0);
    arena_done(&m->a);
    free(m->e);
}

static void model_add(struct model *m, unsigned i, int64_t time)
{
    wheel_add(&m->w, &m->a, m->e[i].element, time);
    m->e[i].in = true;
    m->e[i].time = time;
    m->inside++;
    must(wheel_time(m->e[i].element) == time);
}

static void model_remove(struct model *m, unsigned i)
{
    wheel_remove(&m->w, &m->a, m->e[i].element);
    m->e[i].in = false;
    m->inside--;
}

static void model_move(struct model *m, unsigned i)
{
    char *to = arena_alloc(&m->a, ELEMENT_SIZE);
    memcpy(to, m->e[i].element, ELEMENT_SIZE);
    /* The old bytes must not matter any more. */
    memset(m->e[i].element, 0xff, ELEMENT_SIZE);
    arena_free(&m->a, m->e[i].element, ELEMENT_SIZE);
    m->e[i].element = to;
    wheel_moved(&m->w, &m->a, to);
}

/* Takes what is due at m->now, BUDGET at a time; false when the budget ended it. */
static bool model_take(struct model *m, unsigned budget)
{
    void *element;
    while ((element = wheel_next(&m->w, &m->a, m->now, &budget)) != NULL) {
        unsigned i;
        memcpy(&i, (char *)element + ID_AT, sizeof i);
        must(i < m->count);
        must(m->e[i].element == element);
        must(m->e[i].in);
        if (m->e[i].time > m->now)
            ck_abort_msg("element of %lld handed out at %lld", (long long)m->e[i].time, (long long)m->now);
        model_remove(m, i);
    }
    return budget > 0;
}

static int64_t earliest(const struct model *m)
{
    int64_t first = INT64_MAX;
    for (unsigned i = 0; i < m->count; i++)
        if (m->e[i].in && m->e[i].time < first)
            first = m->e[i].time;
    return first;
}

/* After all that was due was taken: nothing due is left, the deadline is honest. */
static void model_check(struct model *m)
{
    must(m->w.count == m->inside);
    int64_t first = earliest(m), deadline = wheel_deadline(&m->w, &m->a);
    if (m->inside == 0) {
        must(deadline == INT64_MAX);
        return;
    }
    if (first <= m->now)
        ck_abort_msg("element of %lld kept at %lld", (long long)first, (long long)m->now);
    must(deadline <= first);
    must(deadline > m->now);
}

static int64_t clamp_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

/* Any distance, each order of magnitude as likely as another. */
static int64_t random_distance(struct random *r, unsigned bits)
{
    return (int64_t)(random_next(r) >> (64 - 1 - random_below(r, bits)));
}

static int64_t random_time(struct model *m)
{
    switch (random_below(&m->r, 40)) {
    case 0:
        return INT64_MAX;
    case 1:
        return INT64_MIN;
    case 2:
        return (int64_t)random_next(&m->r);
    case 3:
        return clamp_add(m->now, -random_distance(&m->r, 40));
    case 4:
        return m->now;
    default:
        return clamp_add(m->now, random_distance(&m->r, 45));
    }
}

static void model_step(struct model *m, bool backwards)
{
    unsigned kind = (unsigned)random_below(&m->r, 100);
    if (kind < 60)
        m->now = clamp_add(m->now, (int64_t)random_below(&m->r, 20));
    else if (kind < 95 || !backwards)
        m->now = clamp_add(m->now, random_distance(&m->r, kind == 60 ? 55 : 30));
    else
        m->now = clamp_add(m->now, -random_distance(&m->r, kind == 99 ? 55 : 24));
}

START_TEST(model)
{
    static const int64_t starts[] = {0, 1700000000000, -5, INT64_MIN, INT64_MAX - 100000, -1700000000000};
    enum { COUNT = 400, OPS = 400000 };
    struct model m;
    model_init(&m, COUNT, starts[_i % 6], (uint64_t)_i);
    bool slices = false;
    for (unsigned op = 0; op < OPS; op++) {
        unsigned i = (unsigned)random_below(&m.r, COUNT);
        unsigned what = (unsigned)random_below(&m.r, 100);
        if (what < 50 && !m.e[i].in)
            model_add(&m, i, random_time(&m));
        else if (what < 60 && m.e[i].in)
            model_remove(&m, i);
        else if (what < 75 && m.e[i].in)
            model_move(&m, i);
        else if (what < 90) {
            /* Only every now and then with enough budget, so that slices overlap all else. */
            model_step(&m, _i >= 6);
            slices = random_below(&m.r, 10) != 0;
            if (!model_take(&m, slices ? (unsigned)random_below(&m.r, 8) : PLENTY))
                must(slices);
            if (!slices)
                model_check(&m);
        }
    }
    must(model_take(&m, PLENTY));
    model_check(&m);
    m.now = INT64_MAX;
    must(model_take(&m, PLENTY));
    must(m.inside == 0);
    model_done(&m);
}
END_TEST

/* Each is handed out at its very millisecond when the caller follows the deadlines, and
 * those wake it at most once per level. */
START_TEST(punctual)
{
    enum { COUNT = 3000 };
    struct model m;
    model_init(&m, COUNT, 1700000000123, 77);
    for (unsigned i = 0; i < COUNT; i++)
        model_add(&m, i, m.now + 1 + random_distance(&m.r, 36));
    unsigned wakes = 0;
    while (m.inside > 0) {
        int64_t deadline = wheel_deadline(&m.w, &m.a), first = earliest(&m);
        must(deadline > m.now);
        must(deadline <= first);
        m.now = deadline;
        unsigned before = m.inside;
        must(model_take(&m, PLENTY));
        must(before == m.inside || deadline == first);
        wakes++;
    }
    must(wakes <= 5 * COUNT);
    model_done(&m);
}
END_TEST

/* Work in proportion to the elements, not to the time that passed. */
START_TEST(jump)
{
    enum { COUNT = 50000 };
    struct model m;
    model_init(&m, COUNT, 0, 78);
    for (unsigned i = 0; i < COUNT; i++)
        model_add(&m, i, (int64_t)random_below(&m.r, (uint64_t)1 << 50));
    m.now = (int64_t)1 << 50;
    unsigned budget = COUNT * 9;
    must(model_take(&m, budget));
    must(m.inside == 0);
    /* The same in slices: each does no more than its budget. */
    for (unsigned i = 0; i < COUNT; i++)
        model_add(&m, i, m.now + (1 << 20) + 5);
    m.now += (1 << 20) + 4;
    unsigned slices = 0;
    while (!model_take(&m, 100))
        slices++;
    must(slices >= COUNT / 100);
    must(m.inside == COUNT);
    m.now++;
    must(model_take(&m, PLENTY));
    must(m.inside == 0);
    model_done(&m);
}
END_TEST

/* A clock that is set back neither hands out early nor forgets. */
START_TEST(set_back)
{
    enum { COUNT = 1000 };
    struct model m;
    int64_t start = 1700000000000;
    model_init(&m, COUNT, start, 79);
    for (unsigned i = 0; i < COUNT / 2; i++)
        model_add(&m, i, start + 60000 + (int64_t)i * 10);
    must(model_take(&m, PLENTY));
    m.now = start - 3600000;
    must(model_take(&m, PLENTY));
    for (unsigned i = COUNT / 2; i < COUNT; i++)
        model_add(&m, i, m.now + (int64_t)i * 1000);
    must(m.inside == COUNT);
    while (m.inside > 0) {
        model_check(&m);
        m.now = wheel_deadline(&m.w, &m.a);
        int64_t first = earliest(&m);
        unsigned before = m.inside;
        must(model_take(&m, PLENTY));
        must(before == m.inside || first == m.now);
    }
    must(m.now == start + 60000 + (COUNT / 2 - 1) * 10);
    model_done(&m);
}
END_TEST

START_TEST(empty)
{
    struct arena a;
    struct wheel w;
    arena_init(&a, 0);
    wheel_init(&w, 100);
    unsigned budget = 5;
    must(wheel_deadline(&w, &a) == INT64_MAX);
    must(wheel_next(&w, &a, INT64_MAX, &budget) == NULL);
    must(wheel_next(&w, &a, INT64_MIN, &budget) == NULL);
    must(budget == 5);
    must(a.used == 0);
    char *element = arena_alloc(&a, ELEMENT_SIZE);
    wheel_add(&w, &a, element, INT64_MIN);
    must(wheel_next(&w, &a, INT64_MIN, &budget) == element);
    budget = 0;
    must(wheel_next(&w, &a, INT64_MIN, &budget) == NULL);
    wheel_remove(&w, &a, element);
    arena_free(&a, element, ELEMENT_SIZE);
    wheel_done(&w, &a);
    must(a.used == 0);
    arena_done(&a);
}
END_TEST

UNIT_SUITE(container_wheel)
{
    tcase_add_loop_test(tc, model, 0, 12);
    tcase_add_test(tc, punctual);
    tcase_add_test(tc, jump);
    tcase_add_test(tc, set_back);
    tcase_add_test(tc, empty);
}
