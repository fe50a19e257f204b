/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena's address space. Arena and table are reserved without access and made
 * accessible as the ends of runs and spans advance, so that the kernel can refuse a size
 * at once and an unused arena costs nothing.
 *
 * The memfd has its full size from the start and is sealed at that, so that nobody who
 * holds it can pull it away from under us; a hole in it costs nothing. What the kernel
 * would refuse as anonymous memory is asked for as such first, since it lets a memfd have
 * any size. A page that it cannot give later ends the process by its out-of-memory killer, as
 * with anonymous memory. Only where it accounts strictly (vm.overcommit_memory=2) it would
 * send SIGBUS instead: there every page is allocated in the file before it is used, which
 * clears it when a run is taken rather than when it is touched. Then the cushion is no promise
 * of the kernel's either, as it is with anonymous memory; so as much anonymous memory is had,
 * untouched, and given back piece by piece for pages that must not fail. Another process may
 * be quicker in between, as it may be before any page.
 *
 * Huge pages are refused for all of it. Even for a table's array of buckets, which is dense
 * and read at random, they save a lookup little, and each costs a stall that no slicing makes
 * smaller: clearing one takes a fifth of a millisecond, collapsing one half of one, and some
 * milliseconds where the machine is a guest that has to get the memory first.
 *
 * It does not know what is in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/arena_private.h"
#include "base/heap.h"
#include "base/random.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

#define REACH         ((size_t)1 << 43) /* what 5 bytes of short pointer can name */
#define RESERVE_LEAST ((size_t)1 << 30)
#define COMMIT_STEP   ((size_t)4 << 20)
#define TABLE_STEP    ((size_t)64 << 10)

_Static_assert(sizeof(struct arena_state) <= STATE_BYTES, "the state has its place in the table");

/* --- reserving --- */

static size_t default_reserve(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    size_t ram = pages > 0 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : RESERVE_LEAST;
    size_t reserve = ram < REACH / 16 ? ram * 16 : REACH;
    return reserve < RESERVE_LEAST * 64 ? RESERVE_LEAST * 64 : reserve;
}

/* Half of the address space that the process may have is for everything else. A file that grows
 * beyond its limit would end the process. */
static size_t limit_reserve(size_t reserve, enum arena_backing backing)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && reserve > limit.rlim_cur / 2)
        reserve = limit.rlim_cur / 2;
    if (backing == ARENA_MEMFD && getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        while (reserve >= ALIGNMENT && reserve + arena_map_table_size(reserve) > limit.rlim_cur)
            reserve = reserve / 2 / ALIGNMENT * ALIGNMENT;
    return reserve > REACH ? REACH : reserve;
}

size_t arena_map_table_size(size_t reserve)
{
    size_t spans = round_up((reserve >> SPAN_SHIFT) * sizeof(struct span), TABLE_STEP);
    size_t pages = round_up((reserve >> PAGE_SHIFT) * sizeof(struct page), TABLE_STEP);
    return round_up(STATE_BYTES + spans + pages, ALIGNMENT);
}

static void *map_nothing(uintptr_t where, size_t size, int flags)
{
    return mmap((void *)where, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* Addresses for the arena: at BASE, or at one drawn at random. */
static int reserve_base(struct arena *a, uintptr_t base, size_t reserve)
{
    if (base != 0) {
        if (base % ALIGNMENT != 0)
            return -EINVAL;
        void *map = map_nothing(base, reserve, MAP_FIXED_NOREPLACE);
        if (map == MAP_FAILED)
            return -errno;
        if ((uintptr_t)map != base) { /* a kernel that does not know the flag */
            munmap(map, reserve);
            return -EEXIST;
        }
        a->base = map;
        return 0;
    }
    uint64_t draw;
    random_bytes(&draw, sizeof draw);
    /* Between 17 and 64 TiB nothing else is mapped as a rule; where the kernel cannot
     * give that address it takes one of its own. */
    uintptr_t hint = (uintptr_t)17 << 40;
    hint += draw % ((uintptr_t)47 << 40) / ALIGNMENT * ALIGNMENT;
    char *map = map_nothing(hint, reserve + ALIGNMENT, 0);
    if (map == MAP_FAILED)
        return -ENOMEM;
    size_t before = (size_t)(-(uintptr_t)map % ALIGNMENT);
    if (before != 0)
        munmap(map, before);
    munmap(map + before + reserve, ALIGNMENT - before);
    a->base = map + before;
    return 0;
}

static bool map_over(void *where, size_t size, int fd, size_t offset)
{
    return mmap(where, size, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, (off_t)offset) != MAP_FAILED;
}

int arena_map_at(struct arena *a, int fd, uintptr_t base, size_t reserve)
{
    size_t table_size = arena_map_table_size(reserve);
    int code = reserve_base(a, base, reserve);
    if (code < 0)
        return code;
    void *table = map_nothing(0, table_size, 0);
    if (table == MAP_FAILED) {
        code = -ENOMEM;
    } else if (fd >= 0 &&
               (!map_over(table, table_size, fd, 0) || !map_over(a->base, reserve, fd, table_size))) {
        code = -errno;
        munmap(table, table_size);
    }
    if (code < 0) {
        munmap(a->base, reserve);
        return code;
    }
    if (mprotect(table, STATE_BYTES, PROT_READ | PROT_WRITE) != 0) {
        munmap(table, table_size);
        munmap(a->base, reserve);
        return -ENOMEM;
    }
    /* Also, one byte used in a huge page costs two megabytes. */
    (void)madvise(a->base, reserve, MADV_NOHUGEPAGE);
    a->state = table;
    a->reserved = reserve;
    return 0;
}

/* --- the memfd --- */

static int memfd_open(void)
{
    int fd = memfd_create("miniredis-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("miniredis-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

static int memfd_size(int fd, size_t size)
{
    if (ftruncate(fd, (off_t)size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return -errno;
    return 0;
}

static bool is_granted(size_t size, int flags)
{
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (map == MAP_FAILED)
        return false;
    munmap(map, size);
    return true;
}

/* Strict accounting alone does not care for MAP_NORESERVE. */
bool arena_map_populates(int fd)
{
    struct sysinfo info;
    if (fd < 0 || sysinfo(&info) != 0)
        return false;
    size_t machine = (info.totalram + info.totalswap) * info.mem_unit;
    return !is_granted(machine * 4, MAP_NORESERVE);
}

static bool fill_file(const struct arena_state *st, size_t at, size_t bytes)
{
    if (likely(!st->populates))
        return true;
    while (fallocate(st->fd, 0, (off_t)at, (off_t)bytes) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

bool arena_map_fill(struct arena *a, size_t offset, size_t bytes)
{
    return fill_file(a->state, a->state->table_size + offset, bytes);
}

bool arena_map_fill_sure(struct arena *a, size_t offset, size_t bytes)
{
    while (!arena_map_fill(a, offset, bytes)) {
        size_t less = a->aside_bytes < bytes ? a->aside_bytes : bytes;
        if (less == 0)
            return false;
        a->aside_bytes -= less;
        munmap(a->aside + a->aside_bytes, less);
        a->scarce = true;
    }
    return true;
}

bool arena_map_set_aside(struct arena *a)
{
    const struct arena_state *st = a->state;
    size_t bytes = ((size_t)st->cushion + a->promised) << SPAN_SHIFT;
    if (likely(!st->populates || a->aside_bytes == bytes))
        return true;
    void *map = a->aside_bytes != 0
                    ? mremap(a->aside, a->aside_bytes, bytes, MREMAP_MAYMOVE)
                    : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return false;
    a->aside = map;
    a->aside_bytes = bytes;
    return true;
}

bool arena_map_discard(struct arena *a, size_t offset, size_t bytes)
{
    const struct arena_state *st = a->state;
    if (st->fd < 0)
        return madvise(a->base + offset, bytes, MADV_DONTNEED) == 0;
    return fallocate(st->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(st->table_size + offset),
                     (off_t)bytes) == 0;
}

/* --- making accessible --- */

static bool protect(char *from, char *to)
{
    return from >= to || mprotect(from, (size_t)(to - from), PROT_READ | PROT_WRITE) == 0;
}

static bool make_accessible(const struct arena_state *st, char *from, char *to)
{
    return from >= to || ((st->fd < 0 || is_granted((size_t)(to - from), 0)) && protect(from, to));
}

bool arena_map_low(struct arena *a, size_t end)
{
    struct arena_state *st = a->state;
    char *table = (char *)st;
    size_t records = st->pages_at + round_up((end >> PAGE_SHIFT) * sizeof(struct page), TABLE_STEP);
    if (records > st->pages_end) {
        if (!make_accessible(st, table + st->pages_end, table + records) ||
            !fill_file(st, st->pages_end, records - st->pages_end))
            return false;
        st->pages_end = records;
    }
    if (end <= st->low_end)
        return true;
    if (end > st->high_begin)
        return false;
    size_t ahead = round_up(end, COMMIT_STEP);
    if (ahead > st->high_begin)
        ahead = st->high_begin;
    if (!make_accessible(st, a->base + st->low_end, a->base + ahead)) {
        ahead = round_up(end, SPAN_BYTES);
        if (ahead > st->high_begin || !make_accessible(st, a->base + st->low_end, a->base + ahead))
            return false;
    }
    poison(a->base + st->low_end, ahead - st->low_end);
    st->low_end = ahead;
    return true;
}

bool arena_map_high(struct arena *a, size_t begin)
{
    struct arena_state *st = a->state;
    char *table = (char *)st;
    size_t records = STATE_BYTES + (begin >> SPAN_SHIFT) * sizeof(struct span) / TABLE_STEP * TABLE_STEP;
    if (records < st->spans_begin) {
        if (!make_accessible(st, table + records, table + st->spans_begin) ||
            !fill_file(st, records, st->spans_begin - records))
            return false;
        st->spans_begin = records;
    }
    if (begin >= st->high_begin)
        return true;
    if (begin < st->low_end)
        return false;
    size_t ahead = begin / COMMIT_STEP * COMMIT_STEP;
    if (ahead < st->low_end)
        ahead = st->low_end;
    if (!make_accessible(st, a->base + ahead, a->base + st->high_begin)) {
        ahead = begin;
        if (!make_accessible(st, a->base + ahead, a->base + st->high_begin))
            return false;
    }
    poison(a->base + ahead, st->high_begin - ahead);
    st->high_begin = ahead;
    return true;
}

bool arena_map_restore(struct arena *a)
{
    const struct arena_state *st = a->state;
    char *table = (char *)a->state;
    return protect(table + st->spans_begin, table + st->pages_end) &&
           protect(a->base + SPAN_BYTES, a->base + st->low_end) &&
           protect(a->base + st->high_begin, a->base + a->reserved);
}

/* --- open and done --- */

static void state_init(struct arena *a, int fd)
{
    struct arena_state *st = a->state;
    size_t spans = round_up((a->reserved >> SPAN_SHIFT) * sizeof(struct span), TABLE_STEP);
    st->table_size = arena_map_table_size(a->reserved);
    st->kernel_page = (uint64_t)sysconf(_SC_PAGESIZE);
    st->fd = fd;
    st->populates = arena_map_populates(fd);
    st->pages_at = STATE_BYTES + spans;
    st->pages_end = st->pages_at;
    st->spans_begin = st->pages_at;
    st->low_end = SPAN_BYTES;
    st->high_begin = a->reserved;
    st->run_end = RUN_FIRST;
    st->span_end = st->span_begin = (uint32_t)(a->reserved >> SPAN_SHIFT);
    st->cushion = st->span_end / CUSHION_SHARE < CUSHION ? st->span_end / CUSHION_SHARE : CUSHION;
    st->trim_least = (uint32_t)(2 * pages_of(st->kernel_page) - 1);
    for (unsigned k = 0; k < CLASSES; k++) {
        size_t size = arena_class_size(k);
        size_t capacity = SPAN_BYTES / size;
        st->classes[k].grains = (uint16_t)(size / 8);
        st->classes[k].capacity = (uint16_t)capacity;
        st->rests[k].extent = (uint32_t)round_up(capacity * size, st->kernel_page);
    }
}

int arena_open(struct arena *a, const struct arena_options *options)
{
    *a = (struct arena){0};
    size_t reserve = options->reserve > REACH ? REACH : options->reserve;
    size_t least = reserve != 0 && reserve < RESERVE_LEAST ? round_up(reserve, ALIGNMENT) : RESERVE_LEAST;
    reserve = reserve == 0 ? default_reserve() : round_up(reserve, ALIGNMENT);
    reserve = limit_reserve(reserve, options->backing) / ALIGNMENT * ALIGNMENT;
    if (reserve < least)
        return -ENOMEM;
    int fd = -1;
    if (options->backing == ARENA_MEMFD && (fd = memfd_open()) < 0)
        return fd;
    int code;
    while ((code = arena_map_at(a, fd, options->base, reserve)) == -ENOMEM) {
        reserve = reserve / 2 / ALIGNMENT * ALIGNMENT;
        if (reserve < least)
            break;
    }
    if (code == 0 && fd >= 0 && (code = memfd_size(fd, arena_map_table_size(reserve) + reserve)) < 0) {
        munmap(a->state, arena_map_table_size(reserve));
        munmap(a->base, reserve);
    }
    if (code < 0) {
        if (fd >= 0)
            close(fd);
        *a = (struct arena){0};
        return code;
    }
    state_init(a, fd);
    return 0;
}

void arena_init(struct arena *a, size_t reserve)
{
    const struct arena_options options = {.reserve = reserve};
    if (arena_open(a, &options) < 0)
        heap_exhausted(reserve != 0 && reserve < RESERVE_LEAST ? reserve : RESERVE_LEAST);
}

int arena_fd(const struct arena *a)
{
    return a->state->fd;
}

void arena_done(struct arena *a)
{
    const struct arena_state *st = a->state;
    int fd = st->fd;
    unpoison(a->base, st->low_end);
    unpoison(a->base + st->high_begin, a->reserved - st->high_begin);
    munmap(a->base, a->reserved);
    munmap(a->state, st->table_size);
    if (a->aside_bytes != 0)
        munmap(a->aside, a->aside_bytes);
    if (fd >= 0)
        close(fd);
    *a = (struct arena){0};
}
