/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena against a model, millions of random operations: contents, figures, what is
 * resident, what is refused; objects move out of leaving spans, and the whole arena is
 * handed over, while all that goes on.
 */
#include "base/random.h"
#include "check_arena.h"

enum { LIVE = 6000, OPS = 700000, WAVE = 60000, RUNS_FROM = 32768 };

struct object {
    unsigned char *ptr;
    size_t size;
    unsigned char tag;
};

struct model {
    struct arena a;
    struct random r;
    bool memfd;
    bool tight; /* a small reserve: sizes are refused */
    struct object live[LIVE];
    size_t used;
    uint64_t refusals, moves, grown, resizes;
    uint64_t *objects; /* per class */
    unsigned cursor;   /* of an evacuation */
};

static size_t random_size(struct random *r)
{
    switch (random_below(r, 20)) {
    case 0:
        return RUNS_FROM + 1 + random_below(r, 200000);
    case 1:
        return 513 + random_below(r, 32256);
    case 2:
        return (size_t)1 << random_below(r, 18);
    case 3:
        return 0;
    default:
        return 1 + random_below(r, 300);
    }
}

/* The whole of small ones, the ends and some of the middle of big ones. */
static size_t step(size_t size, size_t at)
{
    if (size <= 512)
        return 1;
    return at + 4096 < size ? 1021 : 1 + (size - at) / 2;
}

static void mark(const struct object *o)
{
    for (size_t at = 0; at < o->size; at += step(o->size, at))
        o->ptr[at] = o->tag;
}

static void check(const struct object *o)
{
    for (size_t at = 0; at < o->size; at += step(o->size, at))
        if (o->ptr[at] != o->tag)
            ck_abort_msg("byte %zu of %zu changed", at, o->size);
}

static unsigned class_index(size_t size)
{
    static unsigned index[RUNS_FROM / 8 + 1];
    if (size > RUNS_FROM)
        return arena_classes() - 1;
    unsigned *known = &index[arena_usable(size) / 8];
    struct arena a = {0};
    if (*known == 0) {
        arena_init(&a, 16 * MIB);
        for (unsigned k = 0; k < arena_classes() - 1; k++) {
            struct arena_class c;
            arena_class_figures(&a, k, &c);
            if (c.size == arena_usable(size))
                *known = k + 1;
        }
        arena_done(&a);
    }
    return *known - 1;
}

static void count(struct model *m, size_t size, int by)
{
    m->used += (size_t)by * arena_usable(size);
    m->objects[class_index(size)] += (uint64_t)(int64_t)by;
}

static void add(struct model *m, struct object *o)
{
    o->size = random_size(&m->r);
    o->tag = (unsigned char)random_next(&m->r);
    bool zero = random_below(&m->r, 8) == 0;
    if (zero)
        o->ptr = arena_try_alloc_zero(&m->a, o->size);
    else if (m->tight || random_below(&m->r, 2) == 0)
        o->ptr = arena_try_alloc(&m->a, o->size);
    else
        o->ptr = arena_alloc(&m->a, o->size);
    if (o->ptr == NULL) {
        must(m->tight);
        m->refusals++;
        return;
    }
    for (size_t i = 0; zero && i < o->size; i++)
        if (o->ptr[i] != 0)
            ck_abort_msg("byte %zu of %zu is not zero", i, o->size);
    must((uintptr_t)o->ptr % 8 == 0);
    must(arena_shorten(&m->a, o->ptr) >= ARENA_FIRST_SHORT);
    must(arena_expand(&m->a, arena_shorten(&m->a, o->ptr)) == o->ptr);
    if (o->size >= 64 && (o->size & (o->size - 1)) == 0)
        must((uintptr_t)o->ptr % 64 == 0);
    count(m, o->size, 1);
    mark(o);
}

static void drop(struct model *m, struct object *o)
{
    check(o);
    count(m, o->size, -1);
    arena_free(&m->a, o->ptr, random_below(&m->r, 2) == 0 ? o->size : arena_usable(o->size));
    o->ptr = NULL;
}

static void resize(struct model *m, struct object *o)
{
    size_t to = random_below(&m->r, 3) == 0 ? random_size(&m->r) : o->size + random_below(&m->r, 20000);
    check(o);
    size_t held = m->a.held, dirty = m->a.dirty;
    bool same = arena_usable(o->size) == arena_usable(to) && (o->size > RUNS_FROM) == (to > RUNS_FROM);
    m->resizes++;
    if (!arena_resize(&m->a, o->ptr, o->size, to)) {
        must(!same);
        must(o->size <= RUNS_FROM || to <= RUNS_FROM || to > o->size);
        must(m->a.held == held);
        must(m->a.dirty == dirty);
        check(o);
        return;
    }
    must(same || (o->size > RUNS_FROM && to > RUNS_FROM));
    m->grown += arena_usable(to) > arena_usable(o->size);
    count(m, o->size, -1);
    count(m, to, 1);
    /* What was marked of the part that stays. */
    for (size_t at = 0; at < o->size && at < to; at += step(o->size, at))
        must(o->ptr[at] == o->tag);
    o->size = to;
    mark(o);
}

/* Looks at some of the live ones, and moves what is leaving. */
static void relocate(struct model *m, unsigned steps)
{
    for (; steps > 0 && m->cursor < LIVE; steps--, m->cursor++) {
        struct object *o = &m->live[m->cursor];
        if (o->ptr == NULL || !arena_is_leaving(&m->a, o->ptr, o->size))
            continue;
        must(o->size <= RUNS_FROM);
        void *to = arena_try_alloc(&m->a, o->size);
        must(to != NULL);
        memcpy(to, o->ptr, o->size);
        arena_free(&m->a, o->ptr, o->size);
        o->ptr = to;
        check(o);
        m->moves++;
    }
}

static void evacuate(struct model *m)
{
    if (!arena_is_evacuating(&m->a)) {
        size_t gain = arena_evacuate_begin(&m->a, 10 + (unsigned)random_below(&m->r, 60));
        must(arena_is_evacuating(&m->a) == (gain > 0));
        must(gain <= m->a.held - m->a.used);
        m->cursor = 0;
        return;
    }
    relocate(m, 2000);
    if (m->cursor == LIVE || random_below(&m->r, 20) == 0) {
        arena_evacuate_end(&m->a);
        must(!arena_is_evacuating(&m->a));
        for (unsigned i = 0; i < LIVE; i++)
            if (m->live[i].ptr != NULL)
                must(!arena_is_leaving(&m->a, m->live[i].ptr, m->live[i].size));
    }
}

static void hand_over(struct model *m)
{
    struct arena before = m->a;
    arena_set_layout(&m->a, 77);
    int fd = dup(arena_fd(&m->a));
    must(fd >= 0);
    arena_seal(&m->a);
    arena_done(&m->a);
    must(arena_attach(&m->a, fd, 77) == 0);
    must(m->a.base == before.base && m->a.reserved == before.reserved);
    must(m->a.used == before.used && m->a.held == before.held && m->a.dirty == before.dirty);
    must(arena_fd(&m->a) == fd);
}

static void check_all(struct model *m)
{
    must(m->a.used == m->used);
    must(m->a.held >= m->used);
    check_sums(&m->a);
    for (unsigned k = 0; k < arena_classes(); k++) {
        struct arena_class c;
        arena_class_figures(&m->a, k, &c);
        must(c.objects == m->objects[k]);
    }
    must(resident(m->a.base, m->a.reserved) <= m->a.held + m->a.dirty);
}

static void operate(struct model *m, bool filling)
{
    struct object *o = &m->live[random_below(&m->r, LIVE)];
    if (o->ptr == NULL) {
        if (filling || random_below(&m->r, 4) == 0)
            add(m, o);
    } else if (random_below(&m->r, 8) == 0) {
        resize(m, o);
    } else if (!filling || random_below(&m->r, 4) == 0) {
        drop(m, o);
    }
    must(m->a.used == m->used);
}

static void finish(struct model *m)
{
    for (unsigned i = 0; i < LIVE; i++)
        if (m->live[i].ptr != NULL)
            drop(m, &m->live[i]);
    check_all(m);
    must(m->a.used == 0);
    must(m->a.held == 0);
    while (m->a.dirty > 0) {
        size_t dirty = m->a.dirty, given = arena_trim(&m->a, MIB);
        must(given > 0);
        must(m->a.dirty == dirty - given);
    }
    must(arena_trim(&m->a, SIZE_MAX) == 0);
    must(resident(m->a.base, m->a.reserved) == 0);
    must(m->moves > 100);
    must(m->grown > 100);
    must(m->refusals > 100 || !m->tight);
    arena_done(&m->a);
    free(m->objects);
}

START_TEST(random_operations)
{
    static struct model model;
    struct model *m = &model;
    m->memfd = _i % 2 != 0;
    m->tight = _i >= 2;
    m->objects = calloc(arena_classes(), sizeof *m->objects);
    random_init_seed(&m->r, (uint64_t)_i + 1);
    size_t reserve = m->tight ? 48 * MIB : 1024 * MIB;
    if (m->memfd)
        open_memfd(&m->a, reserve);
    else
        arena_init(&m->a, reserve);
    must((arena_fd(&m->a) >= 0) == m->memfd);
    for (unsigned op = 0; op < OPS; op++) {
        /* Waves of filling and emptying, so that spans and runs are left and come back. */
        operate(m, op / WAVE % 2 == 0);
        if (op % 256 == 0)
            evacuate(m);
        if (op % 4000 == 0)
            arena_trim(&m->a, random_below(&m->r, 4 * MIB));
        if (op % 7001 == 0)
            check_all(m);
        if (m->memfd && op % 50021 == 0)
            hand_over(m);
    }
    finish(m);
}
END_TEST

UNIT_SUITE(base_arena_model)
{
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, random_operations, 0, 4);
}
