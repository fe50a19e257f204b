/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An open hash table of 64-byte buckets holding short pointers to elements in the
 * arena. The dict owns its buckets, never the elements.
 *
 *   bucket:  | 10 x 1-byte fingerprint | 10 x 5-byte short pointer | u32 flags |
 *   flags:   | 10 presence bits | chain bit | unused bit | 10 x 2 spare hash bits |
 *
 * With the chain bit set the last slot's pointer leads to one more bucket; only the
 * last bucket of a chain has free slots, and it holds two elements at least.
 *
 * Tables are powers of two of buckets: the low bits of the hash choose the bucket, its top byte is the
 * fingerprint. The spare bits are those that the next two growths will want, so that two growths of three
 * need not look at the elements. Growth (above 8 elements per bucket) and shrinking (below 2) move a bucket
 * per operation from the old table to the new one; no operation does unbounded work, and the bucket array
 * of a big table comes zeroed from the kernel. An element always stands in exactly one place: in table[0]
 * if its bucket there has not been moved yet, else in table[1]. While the caller has dict_pause'd it,
 * nothing moves.
 *
 * The caller passes the element's hash and, for a lookup, a function that compares;
 * both sit in a constant struct dict_ops. container/dict_inline.h has the lookup for
 * callers that want it specialised for their ops.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

struct dict_ops {
    /* The hash of an element in the table; used when the table is rebuilt. */
    uint64_t (*hash)(const void *owner, const void *element);
    /* Whether ELEMENT has this key. */
    bool (*equal)(const void *element, struct slice key);
};

struct dict_table {
    uint64_t buckets; /* short pointer to the array, 0 if none */
    uint64_t bits;    /* log2 of the number of buckets */
};

/* Lives in the arena or outside of it; holds no pointer out of the arena. */
struct dict {
    struct dict_table table[2]; /* [1] only while rehashing */
    uint64_t moved;             /* buckets of table[0] below this one have been moved */
    uint64_t count;             /* elements */
    uint64_t chained;           /* buckets outside of the arrays */
    uint32_t paused;
};

void dict_init(struct dict *d);
/* Frees the buckets in one go; the elements are the caller's (see dict_drain). */
void dict_done(struct dict *d, struct arena *a);

static inline uint64_t dict_count(const struct dict *d)
{
    return d->count;
}

static inline bool dict_rehashing(const struct dict *d)
{
    return d->table[1].buckets != 0;
}

/* Where an element's short pointer stands; valid until the next change of the dict. */
struct dict_slot {
    void *where; /* its 5 bytes; NULL: not found */
};

/* The element with KEY, or NULL; *SLOT (may be NULL) says where it stands. */
void *dict_find(const struct dict *d, const struct arena *a, const struct dict_ops *ops, struct slice key,
                uint64_t hash, struct dict_slot *slot);

/* Adds ELEMENT, which must not be there yet. OWNER is handed to ops->hash. */
void dict_add(struct dict *d, struct arena *a, const struct dict_ops *ops, const void *owner, void *element,
              uint64_t hash);
/* What COUNT additions may take of small objects, where the table itself cannot grow, at most. */
size_t dict_add_bytes(const struct dict *d, uint64_t count);
/* Takes the element at SLOT out; may shrink the table later. */
void dict_remove(struct dict *d, struct arena *a, const struct dict_ops *ops, const void *owner,
                 struct dict_slot slot, uint64_t hash);

/* Puts ELEMENT, which has the same key, in the place of the one at SLOT. */
void dict_replace(struct dict *d, struct arena *a, struct dict_slot slot, void *element);

/* Makes room for COUNT elements at once (an empty dict: no rehash will follow). One that has elements begins
 * to grow, by 8 times at most, and one that is being rehashed is left alone. MR_E_MEMORY. */
int dict_reserve(struct dict *d, struct arena *a, uint64_t count) MR_MUST_CHECK;

/* Prefetches for batches: first the bucket, some commands later the element whose
 * fingerprint fits. */
void dict_prefetch_bucket(const struct dict *d, const struct arena *a, uint64_t hash);
void dict_prefetch_element(const struct dict *d, const struct arena *a, uint64_t hash);

/* One step of a scan: calls FN for each element of the bucket(s) that CURSOR names and returns the next
 * cursor, 0 at the end. Every element that stays from the first to the last call is reported at least once,
 * whatever grows or shrinks in between (reverse-binary cursor). FN must not change the dict. */
uint64_t dict_scan(const struct dict *d, const struct arena *a, uint64_t cursor,
                   void (*fn)(void *arg, void *element), void *arg);

/* An element drawn nearly uniformly at random; NULL if empty. */
struct random;
void *dict_random(const struct dict *d, const struct arena *a, struct random *r);
/* COUNT different ones, which should be few of all: each choice as likely. MR_E_MEMORY. */
int dict_random_few(const struct dict *d, const struct arena *a, struct random *r, void **elements,
                    uint64_t count) MR_MUST_CHECK;

/* At most MAX of what stands in the chain that NUMBER, of 64 random bits, stands for until the next
 * change; their number. Each element has the same chance (behind DICT_DRAW_MAX in a chain: none). */
#define DICT_DRAW_MAX 64
unsigned dict_draw(const struct dict *d, const struct arena *a, uint64_t number, void **elements,
                   unsigned max);
/* Prefetches the bucket (MAX 0), or, when that is there, the elements of a draw of MAX. */
void dict_prefetch_draw(const struct dict *d, const struct arena *a, uint64_t number, unsigned max);

/* Where ELEMENT stands, if it, which had HASH, is still there; else NULL. ELEMENT is not looked at:
 * it may have been freed. (One that came to stand at its address with a like hash is as good.) */
struct dict_slot dict_locate(const struct dict *d, const struct arena *a, const void *element, uint64_t hash);

/* One step of a walk as dict_scan's in which elements may move: FN gives an element's address, where
 * it stands or has just put it. Chained buckets that are leaving (arena_is_leaving) move too. FN
 * must not change the dict. */
uint64_t dict_relocate(struct dict *d, struct arena *a, uint64_t cursor,
                       void *(*fn)(void *arg, void *element), void *arg);

/* Takes elements out bucket by bucket for a sliced free: calls FN (which frees) for
 * each element of up to BUCKETS buckets from *CURSOR (0 at first); returns true when all is out
 * and the buckets are freed. Nothing else may use the dict meanwhile. */
bool dict_drain(struct dict *d, struct arena *a, uint64_t *cursor, uint64_t buckets,
                void (*fn)(void *arg, void *element), void *arg);

/* Moves up to BUCKETS buckets of a rehash that is going on; true while there is more. */
bool dict_rehash_step(struct dict *d, struct arena *a, const struct dict_ops *ops, const void *owner,
                      uint64_t buckets);

static inline void dict_pause(struct dict *d)
{
    d->paused++;
}

static inline void dict_resume(struct dict *d)
{
    d->paused--;
}

/* Bytes of the bucket arrays and chained buckets. */
size_t dict_memory(const struct dict *d);
