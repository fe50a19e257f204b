/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena. One reserved range, taken from both ends:
 *
 *   | unit 0: never used | spans, growing up ->     (reserved)     <- runs, growing down |
 *
 * Spans are units of 64 KiB, each cut into objects of one class: fresh memory is
 * handed out in order of address, so that a page is touched only when it is used,
 * and what was freed is chained through its first two bytes. Runs are whole pages,
 * kept when free in lists by size with their neighbours melted in.
 *
 * What is free is clean (zero and not resident: never used, or given back) or dirty.
 * The two are never melted together: plain allocations take dirty memory first,
 * zeroed ones clean memory, and arena_trim turns the one into the other.
 *
 * The records of spans and pages stand in a range of their own and hold numbers, not
 * addresses. Both ranges are reserved without access and made accessible as their
 * ends advance, so that the kernel can refuse a size at once and an unused arena
 * costs nothing.
 *
 * It does not: move anything, know what is in an object, or lock.
 */
#include "base/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/random.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define poison(ptr, size)   __asan_poison_memory_region(ptr, size)
#define unpoison(ptr, size) __asan_unpoison_memory_region(ptr, size)
#else
#define poison(ptr, size)   ((void)(ptr), (void)(size))
#define unpoison(ptr, size) ((void)(ptr), (void)(size))
#endif

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define REACH         ((size_t)1 << 43) /* what 5 bytes of short pointer can name */
#define RESERVE_LEAST ((size_t)1 << 30)
#define ALIGNMENT     ((size_t)1 << 21) /* of the base */
#define SPAN_SHIFT    16
#define SPAN_BYTES    ((size_t)1 << SPAN_SHIFT)
#define SPAN_GRAINS   (SPAN_BYTES / 8)
#define PAGE_SHIFT    12
#define PAGE_BYTES    ((size_t)1 << PAGE_SHIFT)
#define FINE_MAX      512   /* classes 8 bytes apart end here */
#define SMALL_MAX     32768 /* above: runs */
#define FINE_CLASSES  (FINE_MAX / 8)
#define CLASSES       (FINE_CLASSES + 4 * 6)
#define NO_GRAIN      UINT16_MAX
#define COMMIT_STEP   ((size_t)4 << 20)
#define TABLE_STEP    ((size_t)64 << 10)
#define CLEAR_PAGES   64 /* dirty runs up to this size are cleared by hand for a zeroed allocation */

/* Free runs: one list per page count below 32, then eight to a doubling. */
#define BINS_EXACT 32
#define BINS       256
#define BIN_LOOKS  8 /* runs looked at in the list where not every run is long enough */

struct span {
    uint16_t free;   /* grain of the first free object, NO_GRAIN if none */
    uint16_t fresh;  /* grain from which nothing was handed out yet */
    uint16_t used;   /* objects */
    uint16_t class_; /* its index */
    uint32_t next;   /* in the class's list of spans with room, or in a list of empty ones */
    uint32_t prev;
};

struct class_ {
    uint32_t room; /* first span with room, 0 if none */
    uint16_t grains;
    uint16_t capacity;
};

enum run_kind { RUN_DIRTY, RUN_CLEAN, RUN_KINDS, RUN_USED };

/* One page's record; meaningful for the first and the last page of a run only. */
struct page {
    uint32_t length;
    uint32_t kind;
    uint32_t next;
    uint32_t prev;
};

struct runs {
    uint64_t map[BINS / 64];
    uint32_t first[BINS];
};

struct arena_state {
    struct class_ classes[CLASSES];
    struct span *spans;
    struct page *pages;
    uint32_t span_end; /* the first unit that never was a span */
    uint32_t dirty_spans;
    uint32_t clean_spans;
    uint32_t run_begin; /* the lowest page that ever was in a run */
    uint32_t page_end;
    uint32_t trim_least; /* pages of a run in which a page of the kernel must lie whole */
    size_t low_end;      /* what is accessible: [0, low_end) and [high_begin, reserved) */
    size_t high_begin;
    size_t spans_end; /* the same for the records, in bytes of the table */
    size_t pages_begin;
    size_t kernel_page;
    char *table; /* the mappings, as they are to be unmapped */
    size_t table_size;
    char *map;
    size_t map_size;
    struct runs runs[RUN_KINDS];
};

/* --- classes --- */

static inline unsigned class_of(size_t size)
{
    size_t last = size - (size != 0);
    if (likely(last < FINE_MAX))
        return (unsigned)(last >> 3);
    unsigned top = 63 - (unsigned)__builtin_clzll(last);
    return FINE_CLASSES + (top - 9) * 4 + (unsigned)(last >> (top - 2) & 3);
}

static inline size_t class_size(unsigned k)
{
    if (k < FINE_CLASSES)
        return (size_t)(k + 1) * 8;
    unsigned step = k - FINE_CLASSES;
    return (size_t)(5 + step % 4) << (7 + step / 4);
}

static inline size_t pages_of(size_t size)
{
    return (size + PAGE_BYTES - 1) >> PAGE_SHIFT;
}

size_t arena_usable(size_t size)
{
    if (size > SMALL_MAX)
        return pages_of(size) << PAGE_SHIFT;
    return class_size(class_of(size));
}

/* --- reserving and making accessible --- */

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t default_reserve(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    size_t ram = pages > 0 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : RESERVE_LEAST;
    size_t reserve = ram < REACH / 16 ? ram * 16 : REACH;
    return reserve < RESERVE_LEAST * 64 ? RESERVE_LEAST * 64 : reserve;
}

/* Half of the address space that the process may have is for everything else. */
static size_t limit_reserve(size_t reserve)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && reserve > limit.rlim_cur / 2)
        reserve = limit.rlim_cur / 2;
    return reserve > REACH ? REACH : reserve;
}

static char *reserve_range(size_t size, uintptr_t hint)
{
    void *map = mmap((void *)hint, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

static bool reserve_all(struct arena *a, size_t reserve)
{
    struct arena_state *st = a->state;
    size_t spans = round_up((reserve >> SPAN_SHIFT) * sizeof(struct span), TABLE_STEP);
    size_t pages = round_up((reserve >> PAGE_SHIFT) * sizeof(struct page), TABLE_STEP);
    uint64_t draw;
    random_bytes(&draw, sizeof draw);
    /* Between 17 and 64 TiB nothing else is mapped as a rule; where the kernel cannot
     * give that address it takes one of its own. */
    uintptr_t hint = (uintptr_t)17 << 40;
    hint += draw % ((uintptr_t)47 << 40) / ALIGNMENT * ALIGNMENT;
    st->map_size = reserve + ALIGNMENT;
    st->table_size = spans + pages;
    st->map = reserve_range(st->map_size, hint);
    if (st->map == NULL)
        return false;
    st->table = reserve_range(st->table_size, 0);
    if (st->table == NULL) {
        munmap(st->map, st->map_size);
        return false;
    }
    a->base = (char *)round_up((uintptr_t)st->map, ALIGNMENT);
    a->reserved = reserve;
    st->spans = (struct span *)st->table;
    st->pages = (struct page *)(st->table + spans);
    st->pages_begin = (reserve >> PAGE_SHIFT) * sizeof(struct page);
    return true;
}

static bool make_accessible(char *from, char *to)
{
    return from >= to || mprotect(from, (size_t)(to - from), PROT_READ | PROT_WRITE) == 0;
}

/* Makes [0, end) of the arena accessible, and the records of its spans. */
static bool commit_low(struct arena *a, size_t end)
{
    struct arena_state *st = a->state;
    size_t records = round_up((end >> SPAN_SHIFT) * sizeof(struct span), TABLE_STEP);
    if (records > st->spans_end) {
        if (!make_accessible(st->table + st->spans_end, st->table + records))
            return false;
        st->spans_end = records;
    }
    if (end <= st->low_end)
        return true;
    size_t ahead = round_up(end, COMMIT_STEP);
    if (ahead > st->high_begin)
        ahead = st->high_begin / SPAN_BYTES * SPAN_BYTES;
    if (end > ahead)
        return false;
    if (!make_accessible(a->base + st->low_end, a->base + ahead)) {
        ahead = end;
        if (!make_accessible(a->base + st->low_end, a->base + ahead))
            return false;
    }
    st->low_end = ahead;
    return true;
}

/* The same for [begin, reserved) and the records of its pages. */
static bool commit_high(struct arena *a, size_t begin)
{
    struct arena_state *st = a->state;
    char *pages = (char *)st->pages;
    size_t records = (begin >> PAGE_SHIFT) * sizeof(struct page) / TABLE_STEP * TABLE_STEP;
    if (records < st->pages_begin) {
        if (!make_accessible(pages + records, pages + st->pages_begin))
            return false;
        st->pages_begin = records;
    }
    if (begin >= st->high_begin)
        return true;
    size_t ahead = begin / COMMIT_STEP * COMMIT_STEP;
    if (ahead < st->low_end)
        ahead = st->low_end;
    if (begin < ahead)
        return false;
    if (!make_accessible(a->base + ahead, a->base + st->high_begin)) {
        ahead = begin / SPAN_BYTES * SPAN_BYTES;
        if (ahead < st->low_end || !make_accessible(a->base + ahead, a->base + st->high_begin))
            return false;
    }
    st->high_begin = ahead;
    return true;
}

void arena_init(struct arena *a, size_t reserve)
{
    struct arena_state *st = heap_alloc_zero(sizeof *st);
    *a = (struct arena){.state = st};
    reserve = reserve > REACH ? REACH : reserve;
    size_t least = reserve != 0 && reserve < RESERVE_LEAST ? round_up(reserve, ALIGNMENT) : RESERVE_LEAST;
    reserve = limit_reserve(reserve == 0 ? default_reserve() : round_up(reserve, ALIGNMENT));
    reserve = reserve / ALIGNMENT * ALIGNMENT;
    while (reserve < least || !reserve_all(a, reserve)) {
        reserve = reserve / 2 / ALIGNMENT * ALIGNMENT;
        if (reserve < least)
            heap_exhausted(least);
    }
    /* One byte used in a huge page costs two megabytes and the time to clear them. */
    (void)madvise(a->base, a->reserved, MADV_NOHUGEPAGE);
    st->span_end = 1;
    st->low_end = 0;
    st->high_begin = reserve;
    st->page_end = (uint32_t)(reserve >> PAGE_SHIFT);
    st->run_begin = st->page_end;
    st->kernel_page = (size_t)sysconf(_SC_PAGESIZE);
    st->trim_least = (uint32_t)(2 * pages_of(st->kernel_page) - 1);
    for (unsigned k = 0; k < CLASSES; k++) {
        st->classes[k].grains = (uint16_t)(class_size(k) / 8);
        st->classes[k].capacity = (uint16_t)(SPAN_BYTES / class_size(k));
    }
}

void arena_done(struct arena *a)
{
    struct arena_state *st = a->state;
    unpoison(a->base, st->low_end);
    unpoison(a->base + st->high_begin, a->reserved - st->high_begin);
    munmap(st->map, st->map_size);
    munmap(st->table, st->table_size);
    heap_free(st);
    *a = (struct arena){0};
}

/* --- runs --- */

static unsigned bin_of(uint32_t pages)
{
    if (pages < BINS_EXACT)
        return pages;
    unsigned top = 31 - (unsigned)__builtin_clz(pages);
    return BINS_EXACT + (top - 5) * 8 + (pages >> (top - 3) & 7);
}

static void run_mark(struct arena_state *st, uint32_t page, uint32_t length, uint32_t kind)
{
    struct page *last = &st->pages[page + length - 1];
    last->length = length;
    last->kind = kind;
    st->pages[page].length = length;
    st->pages[page].kind = kind;
}

static void run_insert(struct arena_state *st, uint32_t page, uint32_t length, enum run_kind kind)
{
    struct runs *runs = &st->runs[kind];
    unsigned bin = bin_of(length);
    uint32_t next = runs->first[bin];
    run_mark(st, page, length, kind);
    st->pages[page].next = next;
    st->pages[page].prev = 0;
    if (next != 0)
        st->pages[next].prev = page;
    runs->first[bin] = page;
    runs->map[bin / 64] |= (uint64_t)1 << bin % 64;
}

static void run_remove(struct arena_state *st, uint32_t page)
{
    const struct page *p = &st->pages[page];
    struct runs *runs = &st->runs[p->kind];
    if (p->next != 0)
        st->pages[p->next].prev = p->prev;
    if (p->prev != 0) {
        st->pages[p->prev].next = p->next;
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
    if (page > st->run_begin && st->pages[page - 1].kind == kind) {
        uint32_t before = st->pages[page - 1].length;
        page -= before;
        length += before;
        run_remove(st, page);
    }
    uint32_t behind = page + length;
    if (behind < st->page_end && st->pages[behind].kind == kind) {
        run_remove(st, behind);
        length += st->pages[behind].length;
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
static uint32_t run_find(const struct arena_state *st, uint32_t length, enum run_kind kind)
{
    const struct runs *runs = &st->runs[kind];
    unsigned bin = bin_of(length);
    uint32_t page = runs->first[bin];
    for (unsigned i = 0; page != 0 && i < BIN_LOOKS; i++) {
        if (st->pages[page].length >= length)
            return page;
        page = st->pages[page].next;
    }
    bin = bin_next(runs, bin + 1);
    return bin == BINS ? 0 : runs->first[bin];
}

static uint32_t run_cut(struct arena_state *st, uint32_t length, enum run_kind kind)
{
    uint32_t page = run_find(st, length, kind);
    if (page == 0)
        return 0;
    uint32_t rest = st->pages[page].length - length;
    run_remove(st, page);
    if (rest != 0)
        run_insert(st, page, rest, kind);
    return page + rest;
}

/* A clean run from never used pages, together with the clean run next to them. */
static uint32_t run_extend(struct arena *a, uint32_t length)
{
    struct arena_state *st = a->state;
    uint32_t begin = st->run_begin;
    uint32_t have = begin < st->page_end && st->pages[begin].kind == RUN_CLEAN ? st->pages[begin].length : 0;
    uint32_t need = length > have ? length - have : 0;
    if (need >= begin || !commit_high(a, (size_t)(begin - need) << PAGE_SHIFT))
        return 0;
    if (have != 0)
        run_remove(st, begin);
    if (have > length)
        run_insert(st, begin + length, have - length, RUN_CLEAN);
    st->run_begin = begin - need;
    return st->run_begin;
}

/* Gives the lowest free pages of the runs' end back to the middle; true if there were any. */
static bool run_retreat(struct arena *a)
{
    struct arena_state *st = a->state;
    (void)arena_trim(a, SIZE_MAX);
    uint32_t begin = st->run_begin;
    if (begin == st->page_end || st->pages[begin].kind != RUN_CLEAN)
        return false;
    run_remove(st, begin);
    st->run_begin += st->pages[begin].length;
    unpoison(a->base + ((size_t)begin << PAGE_SHIFT), (size_t)(st->run_begin - begin) << PAGE_SHIFT);
    st->high_begin = round_up((size_t)st->run_begin << PAGE_SHIFT, SPAN_BYTES);
    return true;
}

static char *run_use(struct arena *a, uint32_t page, uint32_t length)
{
    size_t bytes = (size_t)length << PAGE_SHIFT;
    char *ptr = a->base + ((size_t)page << PAGE_SHIFT);
    run_mark(a->state, page, length, RUN_USED);
    unpoison(ptr, bytes);
    a->used += bytes;
    a->held += bytes;
    return ptr;
}

static void *run_alloc(struct arena *a, size_t size, bool zero)
{
    struct arena_state *st = a->state;
    if (size > a->reserved)
        return NULL;
    uint32_t length = (uint32_t)pages_of(size);
    bool dirty = false;
    uint32_t page = 0;
    if (!zero || length <= CLEAR_PAGES) {
        page = run_cut(st, length, RUN_DIRTY);
        dirty = page != 0;
    }
    if (page == 0)
        page = run_cut(st, length, RUN_CLEAN);
    if (page == 0)
        page = run_extend(a, length);
    if (page == 0 && arena_trim(a, SIZE_MAX) > 0) {
        page = run_cut(st, length, RUN_CLEAN);
        if (page == 0)
            page = run_extend(a, length);
    }
    if (page == 0)
        return NULL;
    char *ptr = run_use(a, page, length);
    if (zero && dirty)
        memset(ptr, 0, (size_t)length << PAGE_SHIFT);
    return ptr;
}

static void run_free(struct arena *a, char *ptr, size_t size)
{
    struct arena_state *st = a->state;
    uint32_t page = (uint32_t)((size_t)(ptr - a->base) >> PAGE_SHIFT);
    uint32_t length = (uint32_t)pages_of(size);
    size_t bytes = (size_t)length << PAGE_SHIFT;
    assert(page >= st->run_begin && st->pages[page].kind == RUN_USED && st->pages[page].length == length);
    poison(ptr, bytes);
    a->used -= bytes;
    a->held -= bytes;
    run_melt(st, page, length, RUN_DIRTY);
}

/* --- spans --- */

static void room_insert(struct arena_state *st, struct class_ *c, uint32_t index)
{
    struct span *s = &st->spans[index];
    /* Behind the first, so that the one in use is filled before others. */
    uint32_t first = c->room;
    s->prev = first;
    if (first == 0) {
        s->next = 0;
        c->room = index;
        return;
    }
    s->next = st->spans[first].next;
    st->spans[first].next = index;
    if (s->next != 0)
        st->spans[s->next].prev = index;
}

static void room_remove(struct arena_state *st, struct class_ *c, uint32_t index)
{
    struct span *s = &st->spans[index];
    if (s->next != 0)
        st->spans[s->next].prev = s->prev;
    if (s->prev != 0)
        st->spans[s->prev].next = s->next;
    else
        c->room = s->next;
}

static uint32_t span_find(struct arena *a)
{
    struct arena_state *st = a->state;
    uint32_t *list = st->dirty_spans != 0 ? &st->dirty_spans : &st->clean_spans;
    uint32_t index = *list;
    if (index != 0) {
        *list = st->spans[index].next;
        return index;
    }
    size_t end = ((size_t)st->span_end + 1) << SPAN_SHIFT;
    if (end > st->low_end && !commit_low(a, end) && !(run_retreat(a) && commit_low(a, end)))
        return 0;
    return st->span_end++;
}

/* A span for class K, first in its list; 0 when there is no memory. */
static __attribute__((noinline, cold)) uint32_t span_take(struct arena *a, unsigned k)
{
    struct arena_state *st = a->state;
    uint32_t index = span_find(a);
    if (index == 0)
        return 0;
    st->spans[index] = (struct span){.free = NO_GRAIN, .class_ = (uint16_t)k};
    poison(a->base + ((size_t)index << SPAN_SHIFT), SPAN_BYTES);
    room_insert(st, &st->classes[k], index);
    a->held += SPAN_BYTES;
    return index;
}

static __attribute__((noinline)) void span_release(struct arena *a, uint32_t index)
{
    struct arena_state *st = a->state;
    struct span *s = &st->spans[index];
    room_remove(st, &st->classes[s->class_], index);
    s->next = st->dirty_spans;
    st->dirty_spans = index;
    a->held -= SPAN_BYTES;
}

static inline void *small_alloc(struct arena *a, size_t size)
{
    struct arena_state *st = a->state;
    unsigned k = class_of(size);
    struct class_ *c = &st->classes[k];
    uint32_t index = c->room;
    if (unlikely(index == 0)) {
        index = span_take(a, k);
        if (index == 0)
            return NULL;
    }
    struct span *s = &st->spans[index];
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
    if (unlikely(++s->used == c->capacity))
        room_remove(st, c, index);
    return ptr;
}

static inline void small_free(struct arena *a, char *ptr, size_t size)
{
    struct arena_state *st = a->state;
    size_t offset = (size_t)(ptr - a->base);
    uint32_t index = (uint32_t)(offset >> SPAN_SHIFT);
    struct span *s = &st->spans[index];
    struct class_ *c = &st->classes[s->class_];
    assert(offset >= SPAN_BYTES && index < st->span_end && s->class_ == class_of(size) && s->used > 0);
    (void)size;
    memcpy(ptr, &s->free, sizeof s->free);
    s->free = (uint16_t)((offset & (SPAN_BYTES - 1)) >> 3);
    size_t bytes = (size_t)c->grains * 8;
    poison(ptr, bytes);
    a->used -= bytes;
    unsigned used = s->used--;
    if (unlikely(used == c->capacity))
        room_insert(st, c, index);
    else if (unlikely(used == 1))
        span_release(a, index);
}

/* --- the interface --- */

void *arena_alloc(struct arena *a, size_t size)
{
    void *ptr = likely(size <= SMALL_MAX) ? small_alloc(a, size) : run_alloc(a, size, false);
    if (unlikely(ptr == NULL))
        heap_exhausted(size);
    return ptr;
}

void *arena_try_alloc(struct arena *a, size_t size)
{
    return likely(size <= SMALL_MAX) ? small_alloc(a, size) : run_alloc(a, size, false);
}

void *arena_try_alloc_zero(struct arena *a, size_t size)
{
    if (size > SMALL_MAX)
        return run_alloc(a, size, true);
    void *ptr = small_alloc(a, size);
    if (ptr != NULL)
        memset(ptr, 0, size);
    return ptr;
}

void arena_free(struct arena *a, void *ptr, size_t size)
{
    if (likely(size <= SMALL_MAX))
        small_free(a, ptr, size);
    else
        run_free(a, ptr, size);
}

/* Gives up to MAX_BYTES of the dirty run at PAGE back; returns the bytes given. */
static size_t trim_run(struct arena *a, uint32_t page, size_t max_bytes)
{
    struct arena_state *st = a->state;
    uint32_t length = st->pages[page].length;
    size_t begin = round_up((size_t)page << PAGE_SHIFT, st->kernel_page);
    size_t end = ((size_t)page + length) << PAGE_SHIFT;
    size_t bytes = (end - begin) / st->kernel_page * st->kernel_page;
    if (bytes > max_bytes)
        bytes = max_bytes < st->kernel_page ? st->kernel_page : max_bytes / st->kernel_page * st->kernel_page;
    if (madvise(a->base + begin, bytes, MADV_DONTNEED) != 0)
        return 0;
    uint32_t first = (uint32_t)(begin >> PAGE_SHIFT);
    uint32_t count = (uint32_t)(bytes >> PAGE_SHIFT);
    run_remove(st, page);
    if (first > page)
        run_insert(st, page, first - page, RUN_DIRTY);
    if (first + count < page + length)
        run_insert(st, first + count, page + length - first - count, RUN_DIRTY);
    /* What is cut off must not be taken for a part of the clean neighbours. */
    run_mark(st, first, count, RUN_USED);
    run_melt(st, first, count, RUN_CLEAN);
    return bytes;
}

size_t arena_trim(struct arena *a, size_t max_bytes)
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
    while (given < max_bytes && st->dirty_spans != 0) {
        uint32_t index = st->dirty_spans;
        if (madvise(a->base + ((size_t)index << SPAN_SHIFT), SPAN_BYTES, MADV_DONTNEED) != 0)
            break;
        st->dirty_spans = st->spans[index].next;
        st->spans[index].next = st->clean_spans;
        st->clean_spans = index;
        given += SPAN_BYTES;
    }
    return given;
}
