/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handing a memfd over: the state says at which address the arena stood and what the arena's
 * numbers were, with a fingerprint of all that a program must agree on to read it. Every way out
 * but the seal leaves the mark of the seal unset, and to attach breaks it at once: what a process
 * died over is never believed.
 *
 * The records of spans and pages are taken at their word.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena_private.h"
#include "base/checksum.h"

#define MAGIC  0x616e657261726d01 /* differs in either byte order */
#define SEALED 0x9e3779b97f4a7c15

static uint64_t fingerprint(uint64_t layout)
{
    const uint64_t facts[] = {
        MAGIC,
        sizeof(struct arena_state),
        sizeof(struct span),
        sizeof(struct page),
        SPAN_SHIFT,
        PAGE_SHIFT,
        FINE_MAX,
        SMALL_MAX,
        CLASSES,
        BINS_EXACT,
        BINS,
        (uint64_t)sysconf(_SC_PAGESIZE),
        layout,
    };
    return checksum_crc64(0, facts, sizeof facts);
}

static uint64_t sum_of(const struct arena_state *st)
{
    const size_t from = offsetof(struct arena_state, base);
    return checksum_crc64(0, (const char *)st + from, sizeof *st - from);
}

void arena_set_layout(struct arena *a, uint64_t layout)
{
    a->state->layout = layout;
}

void arena_seal(struct arena *a)
{
    struct arena_state *st = a->state;
    assert(st->fd >= 0);
    st->base = (uintptr_t)a->base;
    st->reserved = a->reserved;
    st->used = a->used;
    st->held = a->held;
    st->dirty = a->dirty;
    st->magic = MAGIC;
    st->fingerprint = fingerprint(st->layout);
    st->sum = sum_of(st);
    st->sealed = SEALED;
}

/* Whether ST is a sealed state of ours, of a file of SIZE bytes. */
static bool is_sound(const struct arena_state *st, uint64_t layout, size_t size)
{
    if (st->magic != MAGIC || st->sealed != SEALED || st->fingerprint != fingerprint(layout) ||
        st->sum != sum_of(st))
        return false;
    if (st->base == 0 || st->base % ALIGNMENT != 0 || st->reserved % ALIGNMENT != 0 || st->reserved > size)
        return false;
    return st->table_size == arena_map_table_size(st->reserved) && st->table_size + st->reserved == size &&
           st->low_end <= st->high_begin && st->high_begin <= st->reserved &&
           st->spans_begin <= st->pages_at && st->pages_at <= st->pages_end &&
           st->pages_end <= st->table_size;
}

static int read_state(int fd, uint64_t layout, struct arena_state *st)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return -errno;
    /* A file that its other holders could make shorter is none of ours. */
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || pread(fd, st, sizeof *st, 0) != (ssize_t)sizeof *st ||
        !is_sound(st, layout, (size_t)about.st_size))
        return MR_E_CORRUPT;
    return 0;
}

#ifdef ARENA_ASAN
static void poison_span(struct arena *a, uint32_t index)
{
    struct arena_state *st = a->state;
    const struct span *s = arena_span(st, index);
    char *base = arena_at(a, (size_t)index << SPAN_SHIFT);
    if (s->class_ >= CLASSES) {
        poison(base, SPAN_BYTES);
        return;
    }
    poison(base + (size_t)s->fresh * 8, SPAN_BYTES - (size_t)s->fresh * 8);
    for (uint16_t grain = s->free; grain != NO_GRAIN;) {
        char *ptr = base + (size_t)grain * 8;
        memcpy(&grain, ptr, sizeof grain);
        poison(ptr, (size_t)st->classes[s->class_].grains * 8);
    }
}

static void poison_again(struct arena *a)
{
    struct arena_state *st = a->state;
    for (uint32_t page = RUN_FIRST; page < st->run_end; page += arena_page(st, page)->length)
        if (arena_page(st, page)->kind != RUN_USED)
            poison(arena_at(a, (size_t)page << PAGE_SHIFT),
                   (size_t)arena_page(st, page)->length << PAGE_SHIFT);
    size_t runs_end = (size_t)st->run_end << PAGE_SHIFT;
    poison(arena_at(a, runs_end), st->low_end - runs_end);
    poison(arena_at(a, st->high_begin), ((size_t)st->span_begin << SPAN_SHIFT) - st->high_begin);
    for (uint32_t index = st->span_begin; index < st->span_end; index++)
        poison_span(a, index);
}
#else
static void poison_again(struct arena *a)
{
    (void)a;
}
#endif

int arena_attach(struct arena *a, int fd, uint64_t layout)
{
    struct arena_state sealed;
    *a = (struct arena){0};
    int code = read_state(fd, layout, &sealed);
    if (code < 0)
        return code;
    code = arena_map_at(a, fd, (uintptr_t)sealed.base, sealed.reserved);
    if (code < 0) {
        *a = (struct arena){0};
        return code;
    }
    struct arena_state *st = a->state;
    if (!arena_map_restore(a)) {
        munmap(a->base, a->reserved);
        munmap(a->state, sealed.table_size);
        *a = (struct arena){0};
        return -ENOMEM;
    }
    st->sealed = 0;
    st->fd = fd;
    st->populates = arena_map_populates(fd);
    a->used = st->used;
    a->held = st->held;
    a->dirty = st->dirty;
    poison_again(a);
    return 0;
}
