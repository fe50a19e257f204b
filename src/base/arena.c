/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena's small objects, and its interface. A span is a unit of 64 KiB cut into objects
 * of one class: fresh memory is handed out in order of address, so that a page is touched only
 * when it is used, and what was freed is chained through its first two bytes. What a class's
 * objects leave over at the end of a span is never touched and not counted.
 *
 * Free spans are clean (zero and not resident) or dirty; a dirty one knows how many of its
 * pages were ever touched.
 *
 * It does not: move anything, know what is in an object, or lock.
 */
#include <assert.h>

#include "base/arena_private.h"
#include "base/heap.h"

static inline unsigned class_of(size_t size)
{
    size_t last = size - (size != 0);
    if (likely(last < FINE_MAX))
        return (unsigned)(last >> 3);
    unsigned top = 63 - (unsigned)__builtin_clzll(last);
    return FINE_CLASSES + (top - 9) * 8 + (unsigned)(last >> (top - 3) & 7);
}

size_t arena_usable(size_t size)
{
    if (size > SMALL_MAX)
        return pages_of(size) << PAGE_SHIFT;
    return arena_class_size(class_of(size));
}

/* --- lists of spans --- */

void arena_list_insert(struct arena_state *st, uint32_t *first, uint32_t index)
{
    struct span *s = arena_span(st, index);
    s->prev = 0;
    s->next = *first;
    if (s->next != 0)
        arena_span(st, s->next)->prev = index;
    *first = index;
}

void arena_list_remove(struct arena_state *st, uint32_t *first, uint32_t index)
{
    const struct span *s = arena_span(st, index);
    if (s->next != 0)
        arena_span(st, s->next)->prev = s->prev;
    if (s->prev != 0)
        arena_span(st, s->prev)->next = s->next;
    else
        *first = s->next;
}

/* Behind the first, so that the one in use is filled before others. */
static __attribute__((noinline)) void room_insert(struct arena_state *st, struct class_ *c, uint32_t index)
{
    if (c->room == 0) {
        arena_list_insert(st, &c->room, index);
        return;
    }
    arena_list_insert(st, &arena_span(st, c->room)->next, index);
    arena_span(st, index)->prev = c->room;
}

/* --- taking and releasing spans --- */

/* Whether COUNT spans can be taken without asking the kernel, which is asked for what is missing. */
static bool spans_ready(struct arena *a, uint32_t count)
{
    struct arena_state *st = a->state;
    if (count <= st->free_count)
        return true;
    uint32_t fresh = count - st->free_count;
    if (fresh >= st->span_begin)
        return false;
    size_t begin = ((size_t)st->span_begin - fresh) << SPAN_SHIFT;
    if (begin >= st->high_begin || arena_map_high(a, begin))
        return true;
    (void)arena_runs_trim(a, SIZE_MAX);
    return arena_runs_retreat(a) && arena_map_high(a, begin);
}

bool arena_still_scarce(struct arena *a)
{
    a->scarce = !spans_ready(a, a->state->cushion + 1) || !arena_map_set_aside(a);
    return a->scarce;
}

bool arena_promise(struct arena *a, size_t bytes)
{
    if (bytes > a->reserved / 2)
        return false;
    /* What spans leave over at their ends is less than an eighth; those that are not filled are the
     * cushion's. */
    uint32_t spans = (uint32_t)((bytes + bytes / 7) >> SPAN_SHIFT) + 1;
    if (!spans_ready(a, a->state->cushion + spans))
        return false;
    a->promised = spans;
    if (arena_map_set_aside(a))
        return true;
    a->promised = 0;
    return false;
}

void arena_promise_end(struct arena *a)
{
    a->promised = 0;
}

static void free_span_insert(struct arena_state *st, uint32_t index)
{
    arena_list_insert(st, &st->free_spans[arena_span(st, index)->class_ == CLASS_CLEAN], index);
    st->free_count++;
}

/* A free span, or one that never was; 0 when there is no memory, but for the cushion, which is for
 * what MUST not fail. */
static uint32_t span_find(struct arena *a, bool must)
{
    struct arena_state *st = a->state;
    a->scarce = !spans_ready(a, st->cushion + 1) || !arena_map_set_aside(a);
    if (unlikely(a->scarce) && (!must || !spans_ready(a, 1)))
        return 0;
    if (unlikely(a->promised != 0) && !must && !spans_ready(a, st->cushion + a->promised + 1))
        return 0;
    a->promised -= must && a->promised != 0;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t index = st->free_spans[i];
        if (index != 0) {
            arena_list_remove(st, &st->free_spans[i], index);
            st->free_count--;
            return index;
        }
    }
    arena_span(st, --st->span_begin)->class_ = CLASS_CLEAN;
    arena_span(st, st->span_begin)->state = 0;
    return st->span_begin;
}

/* Makes a free span ready for class K. */
static bool span_prepare(struct arena *a, uint32_t index, unsigned k, bool must)
{
    struct arena_state *st = a->state;
    struct span *s = arena_span(st, index);
    size_t offset = (size_t)index << SPAN_SHIFT;
    size_t extent = st->rests[k].extent;
    size_t touched = (size_t)s->state << PAGE_SHIFT;
    if (!(must ? arena_map_fill_sure(a, offset, extent) : arena_map_fill(a, offset, extent))) {
        free_span_insert(st, index);
        return false;
    }
    a->dirty -= touched;
    if (touched > extent && arena_map_discard(a, offset + extent, touched - extent))
        touched = extent;
    *s = (struct span){.free = NO_GRAIN, .class_ = (uint8_t)k, .state = (uint8_t)(touched >> PAGE_SHIFT)};
    return true;
}

/* Room for class K, which has none: what is leaving stays, before more memory is taken. 0 when
 * there is no memory. */
static uint32_t span_take(struct arena *a, unsigned k, bool must)
{
    struct arena_state *st = a->state;
    struct class_rest *rest = &st->rests[k];
    uint32_t index = rest->leaving;
    if (index != 0) {
        arena_list_remove(st, &rest->leaving, index);
        rest->leaving_spans--;
        arena_span(st, index)->state &= SPAN_TOUCHED;
    } else {
        index = span_find(a, must);
        if (index == 0 || !span_prepare(a, index, k, must))
            return 0;
        rest->spans++;
        a->held += rest->extent;
    }
    room_insert(st, &st->classes[k], index);
    return index;
}

static __attribute__((noinline)) void span_release(struct arena *a, uint32_t index)
{
    struct arena_state *st = a->state;
    struct span *s = arena_span(st, index);
    struct class_rest *rest = &st->rests[s->class_];
    if (s->state & SPAN_LEAVING) {
        arena_list_remove(st, &rest->leaving, index);
        rest->leaving_spans--;
    } else {
        arena_list_remove(st, &st->classes[s->class_].room, index);
    }
    size_t touched = round_up((size_t)s->fresh * 8, st->kernel_page);
    size_t before = (size_t)(s->state & SPAN_TOUCHED) << PAGE_SHIFT;
    if (touched < before)
        touched = before;
    rest->spans--;
    a->held -= rest->extent;
    a->dirty += touched;
    s->class_ = CLASS_DIRTY;
    s->state = (uint8_t)(touched >> PAGE_SHIFT);
    free_span_insert(st, index);
}

bool arena_spans_retreat(struct arena *a)
{
    struct arena_state *st = a->state;
    uint32_t begin = st->span_begin;
    for (; begin < st->span_end && arena_span(st, begin)->class_ == CLASS_CLEAN; begin++) {
        arena_list_remove(st, &st->free_spans[1], begin);
        st->free_count--;
    }
    st->span_begin = begin;
    uint32_t keep = begin != st->span_end ? st->cushion + a->promised : a->promised;
    uint32_t kept = keep > st->free_count ? keep - st->free_count : 0;
    size_t to = ((size_t)begin - kept) << SPAN_SHIFT;
    if (begin < kept || to <= st->high_begin)
        return false;
    unpoison(arena_at(a, st->high_begin), to - st->high_begin);
    st->high_begin = to;
    return true;
}

/* --- objects --- */

/* What is rare is called in a last position, so that what is not needs no stack. */

static __attribute__((noinline)) void *span_filled(struct arena_state *st, struct class_ *c, uint32_t index,
                                                   void *ptr)
{
    arena_list_remove(st, &c->room, index);
    return ptr;
}

/* An object of a class that has room. */
static inline void *small_alloc(struct arena *a, struct class_ *c)
{
    struct arena_state *st = a->state;
    uint32_t index = c->room;
    struct span *s = arena_span(st, index);
    char *base = a->base + ((size_t)index << SPAN_SHIFT);
    size_t bytes = (size_t)c->grains * 8;
    char *ptr;
    if (s->free != NO_GRAIN) {
        ptr = base + (size_t)s->free * 8;
        unpoison(ptr, bytes);
        memcpy(&s->free, ptr, sizeof s->free);
    } else {
        ptr = base + (size_t)s->fresh * 8;
        unpoison(ptr, bytes);
        s->fresh = (uint16_t)(s->fresh + c->grains);
    }
    a->used += bytes;
    c->objects++;
    if (unlikely(++s->used == c->capacity))
        return span_filled(st, c, index, ptr);
    return ptr;
}

/* A run, or an object of a class that has no room; NULL when it cannot be had. */
static __attribute__((noinline)) void *alloc_more(struct arena *a, size_t size, bool must)
{
    if (size > SMALL_MAX)
        return arena_runs_alloc(a, size, false);
    unsigned k = class_of(size);
    struct class_ *c = &a->state->classes[k];
    return c->room != 0 || span_take(a, k, must) != 0 ? small_alloc(a, c) : NULL;
}

/* A run of what is kept for spans, which it counts for as well. */
static void *run_of_cushion(struct arena *a, size_t size)
{
    struct arena_state *st = a->state;
    uint32_t cushion = st->cushion, promised = a->promised;
    st->cushion = a->promised = 0;
    void *ptr = arena_spans_retreat(a) ? arena_runs_alloc(a, size, false) : NULL;
    st->cushion = cushion;
    a->promised = promised;
    a->scarce = true;
    return ptr;
}

static __attribute__((noinline)) void *must_alloc_more(struct arena *a, size_t size)
{
    void *ptr = alloc_more(a, size, true);
    if (ptr == NULL && size > SMALL_MAX)
        ptr = run_of_cushion(a, size);
    if (unlikely(ptr == NULL))
        heap_exhausted(size);
    return ptr;
}

static void small_free(struct arena *a, char *ptr, size_t size)
{
    struct arena_state *st = a->state;
    size_t offset = (size_t)(ptr - a->base);
    uint32_t index = (uint32_t)(offset >> SPAN_SHIFT);
    struct span *s = arena_span(st, index);
    unsigned k = class_of(size);
    struct class_ *c = &st->classes[k];
    assert(s->class_ == k);
    memcpy(ptr, &s->free, sizeof s->free);
    s->free = (uint16_t)((offset & (SPAN_BYTES - 1)) >> 3);
    size_t bytes = (size_t)c->grains * 8;
    poison(ptr, bytes);
    a->used -= bytes;
    c->objects--;
    unsigned used = s->used--;
    if (unlikely(used == c->capacity))
        room_insert(st, c, index);
    else if (unlikely(used == 1))
        span_release(a, index);
}

/* --- the interface --- */

void *arena_alloc(struct arena *a, size_t size)
{
    struct class_ *c;
    if (unlikely(size > SMALL_MAX || (c = &a->state->classes[class_of(size)])->room == 0))
        return must_alloc_more(a, size);
    return small_alloc(a, c);
}

void *arena_try_alloc(struct arena *a, size_t size)
{
    struct class_ *c;
    if (unlikely(size > SMALL_MAX || (c = &a->state->classes[class_of(size)])->room == 0))
        return alloc_more(a, size, false);
    return small_alloc(a, c);
}

void *arena_try_alloc_zero(struct arena *a, size_t size)
{
    if (size > SMALL_MAX)
        return arena_runs_alloc(a, size, true);
    void *ptr = arena_try_alloc(a, size);
    if (ptr != NULL)
        memset(ptr, 0, size);
    return ptr;
}

void arena_free(struct arena *a, void *ptr, size_t size)
{
    if (likely(size <= SMALL_MAX))
        small_free(a, ptr, size);
    else
        arena_runs_free(a, ptr, size);
}

bool arena_resize(struct arena *a, void *ptr, size_t size, size_t to)
{
    if (size <= SMALL_MAX || to <= SMALL_MAX)
        return size <= SMALL_MAX && to <= SMALL_MAX && class_of(size) == class_of(to);
    return arena_runs_resize(a, ptr, size, to);
}

size_t arena_trim(struct arena *a, size_t max_bytes)
{
    struct arena_state *st = a->state;
    size_t given = arena_runs_trim(a, max_bytes);
    while (given < max_bytes && st->free_spans[0] != 0) {
        uint32_t index = st->free_spans[0];
        struct span *s = arena_span(st, index);
        size_t touched = (size_t)s->state << PAGE_SHIFT;
        if ((given > 0 && touched > max_bytes - given) ||
            !arena_map_discard(a, (size_t)index << SPAN_SHIFT, touched))
            break;
        arena_list_remove(st, &st->free_spans[0], index);
        arena_list_insert(st, &st->free_spans[1], index);
        s->class_ = CLASS_CLEAN;
        s->state = 0;
        a->dirty -= touched;
        given += touched;
    }
    return given;
}

/* --- figures --- */

unsigned arena_classes(void)
{
    return CLASSES + 1;
}

void arena_class_figures(const struct arena *a, unsigned index, struct arena_class *ret)
{
    const struct arena_state *st = a->state;
    assert(index <= CLASSES);
    if (index == CLASSES) {
        *ret = (struct arena_class){
            .objects = st->run_count, .used = st->run_bytes, .held = st->run_bytes, .spans = st->run_count};
        return;
    }
    uint64_t size = arena_class_size(index), spans = st->rests[index].spans;
    uint64_t objects = st->classes[index].objects;
    *ret = (struct arena_class){.size = size,
                                .objects = objects,
                                .used = objects * size,
                                .held = spans * st->rests[index].extent,
                                .spans = spans};
}
