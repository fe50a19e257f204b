/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena: the allocator of all that a key reaches, over one reserved range of
 * addresses.
 *
 * - Size classes 8 bytes apart up to 512, then eight to a doubling up to 32 KiB;
 *   each class takes 64 KiB-aligned spans of pages and keeps per-span free lists;
 *   larger sizes are runs of whole 4 KiB pages.
 * - Every address is a multiple of 8 and less than 8 TiB above the base, so that
 *   (address - base) / 8 fits five bytes: a short pointer. 0 is no address, and nothing
 *   is handed out below ARENA_FIRST_SHORT, so that users can mark things with those.
 * - A size that is a power of two from 64 on is aligned to 64 at least.
 * - Memory in the arena holds no pointer out of it.
 * - Backed by anonymous memory, or by a memfd that also holds the arena's own records, so
 *   that another process can take the whole over (arena_attach).
 * - The last memory that can be had is kept for small allocations that must not fail, so that what
 *   makes many of them can end in time (arena_is_scarce).
 * - One owner thread, no locks. Empty spans are given back to the kernel by
 *   arena_trim. Under AddressSanitizer what is free is poisoned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

struct arena {
    char *base;
    size_t reserved; /* bytes of address space */
    size_t used;     /* bytes handed out, rounded to their classes */
    size_t held;     /* bytes of spans and runs that are in use, with what is free in them */
    size_t dirty;    /* bytes outside of those that have not been given back to the kernel */
    bool scarce;     /* see arena_is_scarce */
    char *aside;     /* address space that the kernel counts in place of the memfd's pages to come */
    size_t aside_bytes;
    struct arena_state *state;
    uint32_t promised; /* spans of a promise that are left of it */
};

/* Reserves address space (RESERVE 0: 16 times the machine's RAM, at least 64 GiB, at
 * most 8 TiB; less where an address-space limit forbids it). Ends the process if not
 * even 1 GiB (or RESERVE, where that is less) can be reserved. */
void arena_init(struct arena *a, size_t reserve);

enum arena_backing { ARENA_ANONYMOUS, ARENA_MEMFD };

struct arena_options {
    size_t reserve; /* as arena_init's */
    uintptr_t base; /* the address to have; 0: one drawn at random */
    enum arena_backing backing;
};

/* The same by OPTIONS; -errno if the memfd or the address cannot be had. */
int arena_open(struct arena *a, const struct arena_options *options) MR_MUST_CHECK;
/* The memfd behind it, which arena_done closes; -1 for anonymous memory. */
int arena_fd(const struct arena *a);
/* Writes down in the memfd what arena_attach needs; nothing may be allocated or freed after. */
void arena_seal(struct arena *a);
/* Takes over the arena in FD (which stays the caller's until it has worked) at the address that
 * it had; the seal is broken by that. MR_E_CORRUPT: it is not sealed, or not of this layout
 * (the fingerprint of sizes and LAYOUT, the caller's); -errno: the address is taken, or else. */
int arena_attach(struct arena *a, int fd, uint64_t layout) MR_MUST_CHECK;
/* LAYOUT goes into the fingerprint at the next seal. */
void arena_set_layout(struct arena *a, uint64_t layout);
void arena_done(struct arena *a);

/* Never NULL: a small allocation that fails ends the process with a clear line. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
/* NULL when SIZE, which a user or a file chose, cannot be had. */
void *arena_try_alloc(struct arena *a, size_t size) MR_MUST_CHECK;
/* The same, all zero: a big one comes untouched from the kernel at no cost. */
void *arena_try_alloc_zero(struct arena *a, size_t size) MR_MUST_CHECK;
/* SIZE is what was asked for at allocation, or any size of the same class. */
void arena_free(struct arena *a, void *ptr, size_t size);

/* Whether no more is left than is kept for what must not fail. Who makes as many small objects as a
 * user or a file chose asks at least once per ARENA_CUSHION_OBJECTS of them, of whatever sizes up to
 * 8 KiB, and ends with MR_E_MEMORY; they are certain to be had meanwhile. */
#define ARENA_CUSHION_OBJECTS 100
bool arena_still_scarce(struct arena *a);
static inline bool arena_is_scarce(struct arena *a)
{
    return __builtin_expect(a->scarce, 0) && arena_still_scarce(a);
}

/* The same for any number of small objects, where something is changed step by step: false if BYTES,
 * the sum of their arena_usable, cannot be had; else so much is kept for what must not fail, until
 * arena_promise_end. */
bool arena_promise(struct arena *a, size_t bytes) MR_MUST_CHECK;
void arena_promise_end(struct arena *a);

/* Makes an allocation of SIZE bytes one of TO bytes where it stands: within its class, or by
 * taking or giving back the pages behind a run. False: it is as it was. What is new is not
 * cleared. */
bool arena_resize(struct arena *a, void *ptr, size_t size, size_t to);

/* What an allocation of SIZE really takes; sizes with the same answer share a class. */
size_t arena_usable(size_t size);

/* Gives empty spans back to the kernel, at most MAX_BYTES of them; returns the bytes given. */
size_t arena_trim(struct arena *a, size_t max_bytes);

/* --- relocation: moving objects out of spans that are nearly empty --- */

/* Chooses, per class, the emptiest spans whose objects fit in the free room of the others, and
 * takes them out of use for new objects; what they hold is now leaving. Only spans with at
 * least FREE_PERCENT free are chosen. Returns the bytes that will be free when all has left, 0
 * if there is nothing to gain. Ends an evacuation that is under way. */
size_t arena_evacuate_begin(struct arena *a, unsigned free_percent);
/* Whether the object at PTR, allocated with SIZE, is leaving: its owner should allocate it anew,
 * copy, mend what points to it, and free it. Cheap; false while no evacuation is under way. */
bool arena_is_leaving(const struct arena *a, const void *ptr, size_t size);
/* PTR; or, if it was leaving, where its bytes are now, having counted *MOVED up. */
void *arena_relocate(struct arena *a, void *ptr, size_t size, size_t *moved);
/* Puts the spans that still hold something back to use. */
void arena_evacuate_end(struct arena *a);
bool arena_is_evacuating(const struct arena *a);

/* --- figures, exact, per size class --- */

struct arena_class {
    size_t size;      /* bytes of an object; 0: runs, of any size */
    uint64_t objects; /* in use */
    uint64_t used;    /* their bytes */
    uint64_t held;    /* bytes of the spans */
    uint64_t spans;   /* runs: runs */
};

/* Number of classes, the runs' one (the last) included; each has an index below it. */
unsigned arena_classes(void);
void arena_class_figures(const struct arena *a, unsigned index, struct arena_class *ret);

/* --- short pointers --- */

/* Short pointers: 5 bytes, little-endian, (address - base) / 8. */
#define ARENA_SHORT       5
#define ARENA_FIRST_SHORT 8192

static inline uint64_t arena_shorten(const struct arena *a, const void *ptr)
{
    return ptr == NULL ? 0 : (uint64_t)((const char *)ptr - a->base) >> 3;
}

static inline void *arena_expand(const struct arena *a, uint64_t shortened)
{
    return shortened == 0 ? NULL : a->base + (shortened << 3);
}

static inline void arena_store_short(void *where, uint64_t shortened)
{
    uint32_t low = (uint32_t)shortened;
    uint8_t high = (uint8_t)(shortened >> 32);
    memcpy(where, &low, 4);
    memcpy((char *)where + 4, &high, 1);
}

static inline uint64_t arena_load_short(const void *where)
{
    uint32_t low;
    uint8_t high;
    memcpy(&low, where, 4);
    memcpy(&high, (const char *)where + 4, 1);
    return (uint64_t)high << 32 | low;
}
