/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the arena share: the layout, the records, and who does what.
 *
 *   table:  | struct arena_state | struct span of each unit | struct page of each page |
 *   arena:  | unit 0: never used | runs, growing up -> (reserved) <- spans, growing down |
 *
 * The arena is counted in units of 64 KiB and in pages of 4 KiB. A memfd holds both, the
 * table first. All in the table is numbers, no addresses; index 0 means none.
 *
 *   arena.c           small objects and the interface
 *   arena_runs.c      runs of pages
 *   arena_map.c       reserving, making accessible, giving back
 *   arena_seal.c      handing a memfd over
 *   arena_evacuate.c  choosing what is to be moved
 */
#pragma once

#include "base/arena.h"

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

#define ALIGNMENT     ((size_t)1 << 21) /* of the base, and of the arena in the memfd */
#define SPAN_SHIFT    16
#define SPAN_BYTES    ((size_t)1 << SPAN_SHIFT)
#define PAGE_SHIFT    12
#define PAGE_BYTES    ((size_t)1 << PAGE_SHIFT)
#define SPAN_PAGES    (1U << (SPAN_SHIFT - PAGE_SHIFT))
#define RUN_FIRST     SPAN_PAGES /* the first page that can be in a run */
#define FINE_MAX      512        /* classes 8 bytes apart end here */
#define SMALL_MAX     32768      /* above: runs */
#define FINE_CLASSES  (FINE_MAX / 8)
#define CLASSES       (FINE_CLASSES + 8 * 6)
#define CLASS_DIRTY   254 /* a free span; not given back */
#define CLASS_CLEAN   255
#define NO_GRAIN      UINT16_MAX
#define STATE_BYTES   ((size_t)64 << 10) /* the state's part of the table */
/* Spans that are kept for what must not fail; in a small arena this share of it. */
#define CUSHION       (ARENA_CUSHION_OBJECTS + ARENA_CUSHION_OBJECTS / 4)
#define CUSHION_SHARE 64

/* Free runs: one list per page count below 32, then eight to a doubling. */
#define BINS_EXACT 32
#define BINS       256

struct span {
    uint16_t free;  /* grain of the first free object, NO_GRAIN if none */
    uint16_t fresh; /* grain from which nothing was handed out yet */
    uint16_t used;  /* objects */
    uint8_t class_; /* its index */
    uint8_t state;  /* see below */
    uint32_t next;  /* in the class's list of spans with room or of leaving ones, */
    uint32_t prev;  /* or in a list of free ones */
};

/* span.state: how many of its pages were dirty when it was taken, and whether it is leaving. */
#define SPAN_TOUCHED 0x1f
#define SPAN_LEAVING 0x80

/* What an allocation looks at. */
struct class_ {
    uint32_t room; /* first span with room, 0 if none; new objects go there */
    uint16_t grains;
    uint16_t capacity;
    uint64_t objects;
};

struct class_rest {
    uint32_t spans;
    uint32_t extent;        /* bytes of a span in which objects lie, in whole pages of the kernel */
    uint32_t leaving;       /* first of the spans that are leaving */
    uint32_t leaving_spans; /* how many these are */
    uint32_t quota;         /* how many more may be chosen, */
    uint32_t leave_max;     /* of those with at most so many objects */
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
    /* Written at the seal, believed at the attachment. */
    uint64_t magic;
    uint64_t fingerprint;
    uint64_t sealed;
    uint64_t sum; /* of all that follows */
    uint64_t base, reserved, used, held, dirty;
    uint64_t layout;

    uint64_t table_size;
    uint64_t pages_at; /* the page records' place in the table */
    uint64_t kernel_page;
    int32_t fd;
    uint32_t populates; /* as arena_map_populates has it */

    struct class_ classes[CLASSES];
    struct class_rest rests[CLASSES];
    uint32_t evacuating;
    uint32_t undecided;     /* the first span not looked at in the evacuation */
    uint32_t free_spans[2]; /* lists: dirty, clean */
    uint32_t free_count;    /* spans in both */
    uint32_t cushion;       /* spans that are to be free, or accessible, before any span */
    uint32_t span_begin;    /* the lowest unit that ever was a span */
    uint32_t span_end;
    uint32_t run_end;    /* the first page that never was in a run */
    uint32_t trim_least; /* pages of a run in which a page of the kernel must lie whole */
    uint64_t run_count;
    uint64_t run_bytes;
    uint64_t low_end; /* what is accessible: [SPAN_BYTES, low_end) and [high_begin, reserved) */
    uint64_t high_begin;
    uint64_t spans_begin; /* the same for the records, as places in the table */
    uint64_t pages_end;
    struct runs runs[RUN_KINDS];
};

static inline struct span *arena_span(struct arena_state *st, uint32_t index)
{
    return (struct span *)((char *)st + STATE_BYTES) + index;
}

static inline struct page *arena_page(struct arena_state *st, uint32_t page)
{
    return (struct page *)((char *)st + st->pages_at) + page;
}

static inline char *arena_at(const struct arena *a, size_t offset)
{
    return a->base + offset;
}

static inline size_t arena_class_size(unsigned k)
{
    if (k < FINE_CLASSES)
        return (size_t)(k + 1) * 8;
    unsigned step = k - FINE_CLASSES;
    return (size_t)(9 + step % 8) << (6 + step / 8);
}

static inline size_t pages_of(size_t size)
{
    return (size + PAGE_BYTES - 1) >> PAGE_SHIFT;
}

/* TO is a power of two. */
static inline size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) & -to;
}

/* Make [0, END) or [BEGIN, reserved) accessible, and the records of what is in it. */
bool arena_map_low(struct arena *a, size_t end);
bool arena_map_high(struct arena *a, size_t begin);
/* Whether pages in FD must be allocated before they are used (arena_map.c). */
bool arena_map_populates(int fd);
/* Before clean memory is used: whether the kernel has it. */
bool arena_map_fill(struct arena *a, size_t offset, size_t bytes);
/* The same for what must not fail: takes of what was set aside, and then memory is scarce. */
bool arena_map_fill_sure(struct arena *a, size_t offset, size_t bytes);
/* Whether the pages of the cushion, and of a promise, will be had; they are set aside, untouched, if they
 * were not. */
bool arena_map_set_aside(struct arena *a);
/* Gives memory back, whole pages of the kernel; it is zero then. */
bool arena_map_discard(struct arena *a, size_t offset, size_t bytes);
/* Maps the memfd of RESERVE bytes at BASE, and of TABLE_SIZE bytes of records, all without access. */
int arena_map_at(struct arena *a, int fd, uintptr_t base, size_t reserve);
size_t arena_map_table_size(size_t reserve);
/* Access to what the state says is accessible. */
bool arena_map_restore(struct arena *a);

void *arena_runs_alloc(struct arena *a, size_t size, bool zero);
void arena_runs_free(struct arena *a, char *ptr, size_t size);
bool arena_runs_resize(struct arena *a, char *ptr, size_t size, size_t to);
/* arena_trim for runs. */
size_t arena_runs_trim(struct arena *a, size_t max_bytes);
/* Gives free pages at the end of the runs, the spans, back to the middle, all being clean; true if
 * there were any. */
bool arena_runs_retreat(struct arena *a);
/* But for the cushion. */
bool arena_spans_retreat(struct arena *a);

/* Takes a span out of the list that begins at *FIRST, or puts it in front. */
void arena_list_remove(struct arena_state *st, uint32_t *first, uint32_t index);
void arena_list_insert(struct arena_state *st, uint32_t *first, uint32_t index);
