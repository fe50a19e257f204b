/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is unusual about the memory, in plain words. Each check looks at the figures alone
 * and says what it saw and what can be done; amounts that no one would miss are never
 * unusual, whatever their share.
 */
#include <inttypes.h>

#include "base/number.h"
#include "features/memory/memory_figures.h"

#define MIB        ((uint64_t)1 << 20)
#define NOTABLE    (16 * MIB) /* less than this is not worth a word */
#define OVERDUE_MS 1000
#define KEY_SHARE  40 /* bytes of a table per key: twice what a full one has */

struct text {
    char of[NUMBER_TEXT_MAX];
};

static struct text human(uint64_t bytes)
{
    struct text t;
    t.of[number_human_size(t.of, bytes)] = '\0';
    return t;
}

static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (unsigned)((double)part * 100 / (double)whole);
}

static uint64_t beyond(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* PART counts in WHOLE: a share of it, and no small amount. */
static bool notable(uint64_t part, uint64_t whole, unsigned share)
{
    return part >= NOTABLE && percent(part, whole) >= share;
}

static void check_limit(const struct memory_figures *f, struct buf *out)
{
    if (f->limit != 0 && f->used > f->limit)
        buf_printf(
            out,
            "* Limit: %s are in use, more than the %s of maxmemory. Commands that need memory are refused, "
            "or keys evicted, as maxmemory-policy says.\n",
            human(f->used).of, human(f->limit).of);
    else if (f->limit != 0 && percent(f->used, f->limit) >= 90)
        buf_printf(out,
                   "* Limit: %u%% of maxmemory, %s of %s, are in use; what comes then is up to "
                   "maxmemory-policy.\n",
                   percent(f->used, f->limit), human(f->used).of, human(f->limit).of);
    if (f->limit != 0 && f->machine != 0 && f->limit > f->machine)
        buf_printf(out, "* Limit: maxmemory is %s, but this machine has only %s. Set it lower, or to auto.\n",
                   human(f->limit).of, human(f->machine).of);
    if (f->limit == 0 && f->recommended != 0 && f->used > f->recommended)
        buf_printf(
            out,
            "* Limit: maxmemory is not set, and %s are in use. The system would end the server before it "
            "refuses anything; maxmemory = auto would be %s.\n",
            human(f->used).of, human(f->recommended).of);
}

static void check_peak(const struct memory_figures *f, struct buf *out)
{
    if (f->peak / 2 > f->used && f->peak - f->used >= NOTABLE)
        buf_printf(out,
                   "* Peak: once %s were in use, now %s. Keys were deleted or have expired; nothing has to "
                   "be done.\n",
                   human(f->peak).of, human(f->used).of);
}

static void check_arena(const struct memory_figures *f, struct buf *out)
{
    uint64_t room = beyond(f->arena_held, f->arena_used);
    if (notable(room, f->arena_used, 25)) {
        buf_printf(out,
                   "* Fragmentation: the arena holds %s for the %s that keys reach, %u%% more: what was "
                   "deleted stood "
                   "between what stays.",
                   human(f->arena_held).of, human(f->arena_used).of, percent(room, f->arena_used));
        if (f->class_size != 0)
            buf_printf(out, " Most of it, %s, is room for objects of %" PRIu64 " bytes.",
                       human(f->class_free).of, f->class_size);
        buf_append_str(out, " New keys of such sizes use it; with activedefrag it is given back.\n");
    }
    if (notable(f->arena_dirty, f->arena_used, 25))
        buf_printf(out,
                   "* Free pages: %s are free and not given back to the kernel yet, which happens in the "
                   "background; "
                   "MEMORY PURGE does it now.\n",
                   human(f->arena_dirty).of);
}

static void check_process(const struct memory_figures *f, struct buf *out)
{
    uint64_t heap = beyond(f->heap_held, f->heap_used);
    uint64_t other = beyond(f->resident, memory_figures_backed(f));
    if (notable(heap, f->heap_used, 50))
        buf_printf(out,
                   "* Heap: it holds %s for the %s in use by clients and all else that is no key. MEMORY "
                   "PURGE gives "
                   "back what it can.\n",
                   human(f->heap_held).of, human(f->heap_used).of);
    if (notable(other, f->resident, 25))
        buf_printf(
            out,
            "* Process: %s are resident, %s more than the allocators hold. Libraries, or a debugging tool, "
            "may be the cause.\n",
            human(f->resident).of, human(other).of);
    if (notable(f->swapped, f->swapped + f->resident, 1))
        buf_printf(
            out,
            "* Swap: %s of this process are on swap, and every key there costs a read from the disk. The "
            "machine is short of memory: set maxmemory lower, or keep the service off swap "
            "(MemorySwapMax=0).\n",
            human(f->swapped).of);
}

static void check_clients(const struct memory_figures *f, struct buf *out)
{
    if (!notable(f->clients, f->used, 10))
        return;
    buf_printf(out, "* Clients: their buffers take %s, %u%% of what is in use, for %" PRIu64 " of them.",
               human(f->clients).of, percent(f->clients, f->used), f->client_count);
    if (f->client_most > f->clients / 2)
        buf_printf(out, " Most of it, %s, is that of the client with id=%" PRIu64 ".",
                   human(f->client_most).of, f->client_most_id);
    buf_append_str(out, " CLIENT LIST shows who does not read its replies (omem) or sends requests in pieces "
                        "(qbuf).\n");
}

static void check_keys(const struct memory_figures *f, struct buf *out)
{
    if (f->overdue >= OVERDUE_MS)
        buf_printf(out,
                   "* Expiry: keys whose time came %" PRId64
                   " s ago are still there; more of them end at once than "
                   "can be deleted between the requests.\n",
                   f->overdue / 1000);
    if (f->tables >= NOTABLE && f->tables / KEY_SHARE > f->keys)
        buf_printf(out,
                   "* Tables: those of the databases take %s for %" PRIu64
                   " keys. Many were deleted; a table becomes "
                   "smaller with the next writes.\n",
                   human(f->tables).of, f->keys);
}

void memory_doctor(const struct memory_figures *f, struct buf *out)
{
    struct buf found = {0};
    check_limit(f, &found);
    check_peak(f, &found);
    check_arena(f, &found);
    check_process(f, &found);
    check_clients(f, &found);
    check_keys(f, &found);
    if (found.len == 0) {
        buf_printf(out, "Nothing is unusual: %s in use, %s resident, for %" PRIu64 " keys.\n",
                   human(f->used).of, human(f->resident).of, f->keys);
    } else {
        buf_printf(out, "With %s in use and %s resident, for %" PRIu64 " keys, this is unusual:\n",
                   human(f->used).of, human(f->resident).of, f->keys);
        buf_append_slice(out, buf_slice(&found));
    }
    buf_done(&found);
}
