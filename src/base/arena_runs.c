/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs: sizes above the classes, in whole pages. What is free is kept in lists by size, with
 * free neighbours of its kind melted in.
 *
 * Free pages are clean (zero and not resident: never used, or given back) or dirty. The two
 * are never melted together: plain allocations take dirty pages first, zeroed ones clean
 * pages, and trimming turns the one into the other. The newest run stands last, with
 * the never used pages behind it, so that one that grows can take these.
 */
#include <assert.h>

#include "base/arena_private.h"

#define CLEAR_PAGES 64 /* dirty runs up to this size are cleared by hand for a zeroed allocation */
#define BIN_LOOKS   8  /* runs looked at in the list where not every run is long enough */

/* --- lists --- */

static unsigned bin_of(uint32_t pages)
{
    if (pages < BINS_EXACT)
        return pages;
    unsigned top = 31 - (unsigned)__builtin_clz(pages);
    return BINS_EXACT + (top - 5) * 8 + (pages >> (top - 3) & 7);
}

static void run_mark(struct arena_state *st, uint32_t page, uint32_t length, uint32_t kind)
{
    struct page *first = arena_page(st, page), *last = first + length - 1;
    last->length = length;
    last->kind = kind;
    first->length = length;
    first->kind = kind;
}

static void run_insert(struct arena_state *st, uint32_t page, uint32_t length, enum run_kind kind)
{
    struct runs *runs = &st->runs[kind];
    unsigned bin = bin_of(length);
    uint32_t next = runs->first[bin];
    run_mark(st, page, length, kind);
    arena_page(st, page)->next = next;
    arena_page(st, page)->prev = 0;
    if (next != 0)
        arena_page(st, next)->prev = page;
    runs->first[bin] = page;
    runs->map[bin / 64] |= (uint64_t)1 << bin % 64;
}

static void run_remove(struct arena_state *st, uint32_t page)
{
    const struct page *p = arena_page(st, page);
    struct runs *runs = &st->runs[p->kind];
    if (p->next != 0)
        arena_page(st, p->next)->prev = p->prev;
    if (p->prev != 0) {
        arena_page(st, p->prev)->next = p->next;
        return;
    }
    unsigned bin = bin_of(p->length);
    runs->first[bin] = p->next;
    if (p->next == 0)
        runs->map[bin / 64] &= ~((uint64_t)1 << bin % 64);
}

/* Puts a free run in its list, melted with free neighbours of its kind. */
static void run_melt(struct arena_state *st, uint32_t page, uint32_t length, enum run_kind kind)
{
    if (page > RUN_FIRST && arena_page(st, page - 1)->kind == kind) {
        uint32_t before = arena_page(st, page - 1)->length;
        page -= before;
        length += before;
        run_remove(st, page);
    }
    uint32_t behind = page + length;
    if (behind < st->run_end && arena_page(st, behind)->kind == kind) {
        run_remove(st, behind);
        length += arena_page(st, behind)->length;
    }
    run_insert(st, page, length, kind);
}

/* The first list at or above BIN that has a run; BINS if none. */
static unsigned bin_next(const struct runs *runs, unsigned bin)
{
    for (unsigned word = bin / 64; word < BINS / 64; word++) {
        uint64_t map = runs->map[word];
        if (word == bin / 64)
            map &= ~(uint64_t)0 << bin % 64;
        if (map != 0)
            return word * 64 + (unsigned)__builtin_ctzll(map);
    }
    return BINS;
}

/* A free run of at least LENGTH pages, 0 if none is found. */
static uint32_t run_find(struct arena_state *st, uint32_t length, enum run_kind kind)
{
    const struct runs *runs = &st->runs[kind];
    unsigned bin = bin_of(length);
    uint32_t page = runs->first[bin];
    for (unsigned i = 0; page != 0 && i < BIN_LOOKS; i++) {
        if (arena_page(st, page)->length >= length)
            return page;
        page = arena_page(st, page)->next;
    }
    bin = bin_next(runs, bin + 1);
    return bin == BINS ? 0 : runs->first[bin];
}

static uint32_t run_cut(struct arena_state *st, uint32_t length, enum run_kind kind)
{
    uint32_t page = run_find(st, length, kind);
    if (page == 0)
        return 0;
    uint32_t rest = arena_page(st, page)->length - length;
    run_remove(st, page);
    /* The rest is behind it, so that it can grow. */
    if (rest != 0)
        run_insert(st, page + length, rest, kind);
    return page;
}

/* --- the end --- */

/* The clean run at the end, 0 if there is none. */
static uint32_t last_clean(struct arena_state *st)
{
    if (st->run_end == RUN_FIRST || arena_page(st, st->run_end - 1)->kind != RUN_CLEAN)
        return 0;
    return st->run_end - arena_page(st, st->run_end - 1)->length;
}

/* A clean run from never used pages, together with the clean run next to them. */
static uint32_t run_extend(struct arena *a, uint32_t length)
{
    struct arena_state *st = a->state;
    uint32_t last = last_clean(st);
    uint32_t begin = last != 0 ? last : st->run_end;
    uint32_t end = begin + length;
    if (!arena_map_low(a, (size_t)end << PAGE_SHIFT))
        return 0;
    if (last != 0)
        run_remove(st, last);
    if (end < st->run_end)
        run_insert(st, end, st->run_end - end, RUN_CLEAN);
    else
        st->run_end = end;
    return begin;
}

bool arena_runs_retreat(struct arena *a)
{
    struct arena_state *st = a->state;
    uint32_t last = last_clean(st);
    if (last == 0)
        return false;
    run_remove(st, last);
    st->run_end = last;
    size_t end = round_up((size_t)last << PAGE_SHIFT, SPAN_BYTES);
    unpoison(arena_at(a, end), st->low_end - end);
    st->low_end = end;
    return true;
}

/* --- allocating and freeing --- */

static uint32_t run_take_clean(struct arena *a, uint32_t length)
{
    uint32_t page = run_cut(a->state, length, RUN_CLEAN);
    return page != 0 ? page : run_extend(a, length);
}

static uint32_t run_take(struct arena *a, uint32_t length)
{
    uint32_t page = run_take_clean(a, length);
    if (page != 0)
        return page;
    bool given = arena_trim(a, SIZE_MAX) > 0;
    if (arena_spans_retreat(a) || given)
        page = run_take_clean(a, length);
    return page;
}

static void run_count(struct arena *a, uint32_t page, uint32_t length)
{
    size_t bytes = (size_t)length << PAGE_SHIFT;
    unpoison(arena_at(a, (size_t)page << PAGE_SHIFT), bytes);
    a->used += bytes;
    a->held += bytes;
    a->state->run_bytes += bytes;
}

static void run_uncount(struct arena *a, uint32_t page, uint32_t length)
{
    size_t bytes = (size_t)length << PAGE_SHIFT;
    poison(arena_at(a, (size_t)page << PAGE_SHIFT), bytes);
    a->used -= bytes;
    a->held -= bytes;
    a->dirty += bytes;
    a->state->run_bytes -= bytes;
}

void *arena_runs_alloc(struct arena *a, size_t size, bool zero)
{
    struct arena_state *st = a->state;
    if (size > a->reserved)
        return NULL;
    uint32_t length = (uint32_t)pages_of(size);
    size_t bytes = (size_t)length << PAGE_SHIFT;
    uint32_t page = !zero || length <= CLEAR_PAGES ? run_cut(st, length, RUN_DIRTY) : 0;
    bool dirty = page != 0;
    if (!dirty) {
        page = run_take(a, length);
        if (page == 0)
            return NULL;
        run_mark(st, page, length, RUN_USED);
        if (!arena_map_fill(a, (size_t)page << PAGE_SHIFT, bytes)) {
            /* A part of it may be there now. */
            a->dirty += bytes;
            run_melt(st, page, length, RUN_DIRTY);
            return NULL;
        }
    } else {
        run_mark(st, page, length, RUN_USED);
        a->dirty -= bytes;
    }
    run_count(a, page, length);
    st->run_count++;
    char *ptr = arena_at(a, (size_t)page << PAGE_SHIFT);
    if (zero && dirty)
        memset(ptr, 0, bytes);
    return ptr;
}

static uint32_t run_of(struct arena *a, const char *ptr, size_t size)
{
    struct arena_state *st = a->state;
    uint32_t page = (uint32_t)((size_t)(ptr - a->base) >> PAGE_SHIFT);
    assert(page < st->run_end && arena_page(st, page)->kind == RUN_USED &&
           arena_page(st, page)->length == pages_of(size));
    (void)st;
    (void)size;
    return page;
}

void arena_runs_free(struct arena *a, char *ptr, size_t size)
{
    uint32_t page = run_of(a, ptr, size);
    uint32_t length = (uint32_t)pages_of(size);
    run_uncount(a, page, length);
    a->state->run_count--;
    run_melt(a->state, page, length, RUN_DIRTY);
}

/* --- resizing --- */

/* Whether all of [AT, END) is free, or never used; makes the latter accessible. */
static bool behind_is_free(struct arena *a, uint32_t at, uint32_t end)
{
    struct arena_state *st = a->state;
    uint32_t from = at;
    while (at < end && at < st->run_end) {
        if (arena_page(st, at)->kind == RUN_USED)
            return false;
        at += arena_page(st, at)->length;
    }
    if (at < end && !arena_map_low(a, (size_t)end << PAGE_SHIFT))
        return false;
    return arena_map_fill(a, (size_t)from << PAGE_SHIFT, (size_t)(end - from) << PAGE_SHIFT);
}

static bool run_grow(struct arena *a, uint32_t page, uint32_t length, uint32_t to)
{
    struct arena_state *st = a->state;
    uint32_t at = page + length, end = page + to;
    if (!behind_is_free(a, at, end))
        return false;
    while (at < end && at < st->run_end) {
        uint32_t free_pages = arena_page(st, at)->length;
        enum run_kind kind = arena_page(st, at)->kind;
        uint32_t taken = free_pages < end - at ? free_pages : end - at;
        run_remove(st, at);
        if (kind == RUN_DIRTY)
            a->dirty -= (size_t)taken << PAGE_SHIFT;
        at += taken;
        if (taken < free_pages)
            run_insert(st, at, free_pages - taken, kind);
    }
    if (st->run_end < end)
        st->run_end = end;
    run_mark(st, page, to, RUN_USED);
    run_count(a, page + length, to - length);
    return true;
}

bool arena_runs_resize(struct arena *a, char *ptr, size_t size, size_t to)
{
    struct arena_state *st = a->state;
    uint32_t page = run_of(a, ptr, size);
    uint32_t length = (uint32_t)pages_of(size);
    if (to > a->reserved)
        return false;
    uint32_t wanted = (uint32_t)pages_of(to);
    if (wanted > length)
        return run_grow(a, page, length, wanted);
    if (wanted < length) {
        run_mark(st, page, wanted, RUN_USED);
        run_uncount(a, page + wanted, length - wanted);
        run_melt(st, page + wanted, length - wanted, RUN_DIRTY);
    }
    return true;
}

/* --- trimming --- */

/* Gives up to MAX_BYTES of the dirty run at PAGE back; returns the bytes given. */
static size_t trim_run(struct arena *a, uint32_t page, size_t max_bytes)
{
    struct arena_state *st = a->state;
    size_t kernel_page = st->kernel_page;
    uint32_t length = arena_page(st, page)->length;
    size_t begin = round_up((size_t)page << PAGE_SHIFT, kernel_page);
    size_t end = ((size_t)page + length) << PAGE_SHIFT;
    size_t bytes = (end - begin) / kernel_page * kernel_page;
    if (bytes > max_bytes)
        bytes = max_bytes < kernel_page ? kernel_page : max_bytes / kernel_page * kernel_page;
    if (!arena_map_discard(a, begin, bytes))
        return 0;
    a->dirty -= bytes;
    uint32_t first = (uint32_t)(begin >> PAGE_SHIFT);
    uint32_t count = (uint32_t)(bytes >> PAGE_SHIFT);
    run_remove(st, page);
    if (first > page)
        run_insert(st, page, first - page, RUN_DIRTY);
    if (first + count < page + length)
        run_insert(st, first + count, page + length - first - count, RUN_DIRTY);
    run_melt(st, first, count, RUN_CLEAN);
    return bytes;
}

size_t arena_runs_trim(struct arena *a, size_t max_bytes)
{
    struct arena_state *st = a->state;
    size_t given = 0;
    while (given < max_bytes) {
        unsigned bin = bin_next(&st->runs[RUN_DIRTY], bin_of(st->trim_least));
        size_t bytes = bin == BINS ? 0 : trim_run(a, st->runs[RUN_DIRTY].first[bin], max_bytes - given);
        if (bytes == 0)
            break;
        given += bytes;
    }
    return given;
}
