/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hierarchical timing wheel (Varghese and Lauck 1987) of elements in the arena:
 * the index by time that makes expiry punctual. Insertion, removal and firing cost
 * O(1); each element is moved down at most once per level. Eight levels of 256 slots,
 * the finest one millisecond, cover all of int64; those that nothing is in do not
 * exist. Time may jump by any amount, forwards or backwards.
 *
 * An element carries its node inside itself; the wheel is an allocation in the
 * arena too and is made when the first element comes.
 *
 *   node, 18 bytes at element + 4, unaligned:
 *     | i64 time in ms | 5-byte previous | 5-byte next |
 *
 * Elements are 8-byte aligned; links are short pointers to elements. The first
 * element's previous one is the number of its list, which is below ARENA_FIRST_SHORT.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define WHEEL_NODE_OFFSET 4
#define WHEEL_NODE_SIZE   18

struct wheel {
    uint64_t root; /* short pointer to the lists; 0 until something is in it */
    int64_t now;   /* everything due at or before this has been handed out or is next to be */
    uint64_t count;
};

/* NOW: the wheel's start, ms. */
void wheel_init(struct wheel *w, int64_t now);
/* Frees the slots; elements keep stale nodes and are the caller's. */
void wheel_done(struct wheel *w, struct arena *a);
/* Bytes of the lists and of the elements' nodes. */
size_t wheel_memory(const struct wheel *w, const struct arena *a);

/* The time in ELEMENT's node. */
static inline int64_t wheel_time(const void *element)
{
    int64_t time;
    memcpy(&time, (const char *)element + WHEEL_NODE_OFFSET, sizeof time);
    return time;
}

/* Puts ELEMENT, whose node is not in a wheel, in at TIME (any value; one that is
 * past is handed out by the next wheel_next). */
void wheel_add(struct wheel *w, struct arena *a, void *element, int64_t time);
void wheel_remove(struct wheel *w, struct arena *a, void *element);
/* ELEMENT has moved to a new address with its bytes: mends its neighbours. */
void wheel_moved(struct wheel *w, struct arena *a, void *element);
/* Moves the lists, where they are leaving (arena_is_leaving); returns the allocations moved. */
size_t wheel_relocate(struct wheel *w, struct arena *a);

/* An element whose time is at or before NOW, still in the wheel (the caller removes
 * it), or NULL when nothing is due. Of those due at once, the order is not told. *BUDGET
 * counts down the elements that were moved or returned; at 0 it returns NULL early and
 * goes on at the next call. */
void *wheel_next(struct wheel *w, struct arena *a, int64_t now, unsigned *budget);

/* When wheel_next should be called again at the latest: not later than the time of the
 * earliest element (a level's boundary counts), w->now when there is something to do
 * at once; INT64_MAX if empty. */
int64_t wheel_deadline(const struct wheel *w, const struct arena *a);

/* --- walks, for whoever looks for something to do away with --- */

/* The first element of the list that comes next; NULL if empty. All before the next list in time
 * are in it, in no order. */
void *wheel_soonest(const struct wheel *w, const struct arena *a);
/* The first element of some list; which, says NUMBER. NULL if empty. */
void *wheel_any(const struct wheel *w, const struct arena *a, uint64_t number);
/* The element behind ELEMENT, which is in a wheel, in its list; NULL: it is the last one. */
void *wheel_after(const struct arena *a, const void *element);
