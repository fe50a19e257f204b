/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The timing wheel. Times are taken as unsigned numbers of eight digits to base 256
 * (the sign bit turned, so that order is kept). An element stands on the level of the
 * highest digit in which its time differs from the wheel's now, in the slot of that
 * digit. So:
 *
 * - every slot that is in use lies ahead of now on its level, and all of a lower level
 *   comes before all of a higher one: the next slot is the first bit of a map;
 * - now may move up to the beginning of that slot without touching anything. There
 *   the slot's list as a whole becomes the due list, where all of it is due, or the
 *   falling list, whose elements are put in again one by one, on lower levels.
 *
 * When now moves back by a difference in digit D, what stands on level D and above is
 * still right. What stands below is now read as earlier than it is, never as later: its
 * slots come up too early, are seen not to be due, and are put in again. No time is
 * lost by it, and the work is in slices as all other.
 *
 *   lists: 1 due, 2 falling, then 8 x 256 slots
 *   root:  | map [8] of 256 bits | short pointers [8] to levels | due | falling |
 *   level: | 256 x 5-byte short pointer to the first element |
 */
#include "container/wheel.h"

#include <assert.h>

#define LEVELS     8
#define SLOTS      256
#define LEVEL_SIZE ((size_t)SLOTS * ARENA_SHORT)

#define LIST_DUE     1
#define LIST_FALLING 2
#define LIST_SLOTS   3 /* the first slot's number */

_Static_assert(LIST_SLOTS + LEVELS * SLOTS <= ARENA_FIRST_SHORT, "lists are told from elements");

struct root {
    uint64_t map[LEVELS][SLOTS / 64];
    uint64_t level[LEVELS];
    uint64_t due;
    uint64_t falling;
};

/* --- nodes --- */

static char *node_prev(const void *element)
{
    return (char *)(uintptr_t)element + WHEEL_NODE_OFFSET + sizeof(int64_t);
}

static char *node_next(const void *element)
{
    return node_prev(element) + ARENA_SHORT;
}

static uint64_t digits_of(int64_t time)
{
    return (uint64_t)time ^ (uint64_t)1 << 63;
}

static int64_t time_of(uint64_t digits)
{
    return (int64_t)(digits ^ (uint64_t)1 << 63);
}

static struct root *root_of(const struct wheel *w, const struct arena *a)
{
    return arena_expand(a, w->root);
}

/* --- lists --- */

static char *slot_head(const struct root *root, const struct arena *a, unsigned n)
{
    return (char *)arena_expand(a, root->level[n / SLOTS]) + (size_t)(n % SLOTS) * ARENA_SHORT;
}

static uint64_t list_get(const struct root *root, const struct arena *a, unsigned list)
{
    if (list == LIST_DUE)
        return root->due;
    if (list == LIST_FALLING)
        return root->falling;
    unsigned n = list - LIST_SLOTS;
    return root->level[n / SLOTS] == 0 ? 0 : arena_load_short(slot_head(root, a, n));
}

static void list_set(struct root *root, struct arena *a, unsigned list, uint64_t first)
{
    if (list == LIST_DUE) {
        root->due = first;
        return;
    }
    if (list == LIST_FALLING) {
        root->falling = first;
        return;
    }
    unsigned n = list - LIST_SLOTS;
    uint64_t *map = &root->map[n / SLOTS][n % SLOTS / 64];
    uint64_t bit = (uint64_t)1 << n % 64;
    if (root->level[n / SLOTS] == 0) {
        void *heads = arena_alloc(a, LEVEL_SIZE);
        memset(heads, 0, LEVEL_SIZE);
        root->level[n / SLOTS] = arena_shorten(a, heads);
    }
    arena_store_short(slot_head(root, a, n), first);
    *map = first != 0 ? *map | bit : *map & ~bit;
}

static void link_element(struct root *root, struct arena *a, unsigned list, void *element)
{
    uint64_t first = list_get(root, a, list);
    uint64_t self = arena_shorten(a, element);
    arena_store_short(node_prev(element), list);
    arena_store_short(node_next(element), first);
    if (first != 0)
        arena_store_short(node_prev(arena_expand(a, first)), self);
    list_set(root, a, list, self);
}

static void unlink_element(struct root *root, struct arena *a, void *element)
{
    uint64_t prev = arena_load_short(node_prev(element));
    uint64_t next = arena_load_short(node_next(element));
    if (next != 0)
        arena_store_short(node_prev(arena_expand(a, next)), prev);
    if (prev < ARENA_FIRST_SHORT)
        list_set(root, a, (unsigned)prev, next);
    else
        arena_store_short(node_next(arena_expand(a, prev)), next);
}

/* Makes all of list FROM the list TO, which is empty. */
static void list_move(struct root *root, struct arena *a, unsigned from, unsigned to)
{
    uint64_t first = list_get(root, a, from);
    arena_store_short(node_prev(arena_expand(a, first)), to);
    list_set(root, a, to, first);
    list_set(root, a, from, 0);
}

/* The first slot in use and its span of time; 0 if none is. */
static unsigned next_slot(const struct wheel *w, const struct root *root, int64_t *begin, int64_t *end)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        for (unsigned word = 0; word < SLOTS / 64; word++) {
            if (root->map[level][word] == 0)
                continue;
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(root->map[level][word]);
            uint64_t below = ((uint64_t)1 << 8 * level) - 1;
            uint64_t above = ~(below << 8 | 255);
            uint64_t first = (digits_of(w->now) & above) | (uint64_t)slot << 8 * level;
            *begin = time_of(first);
            *end = time_of(first | below);
            return LIST_SLOTS + level * SLOTS + slot;
        }
    }
    return 0;
}

static void place(const struct wheel *w, struct root *root, struct arena *a, void *element)
{
    int64_t time = wheel_time(element);
    if (time <= w->now) {
        link_element(root, a, LIST_DUE, element);
        return;
    }
    uint64_t digits = digits_of(time);
    unsigned level = (63 - (unsigned)__builtin_clzll(digits ^ digits_of(w->now))) / 8;
    link_element(root, a, LIST_SLOTS + level * SLOTS + (unsigned)(digits >> 8 * level & 255), element);
}

/* --- the interface --- */

void wheel_init(struct wheel *w, int64_t now)
{
    *w = (struct wheel){.now = now};
}

void wheel_done(struct wheel *w, struct arena *a)
{
    struct root *root = root_of(w, a);
    if (root != NULL) {
        for (unsigned level = 0; level < LEVELS; level++)
            if (root->level[level] != 0)
                arena_free(a, arena_expand(a, root->level[level]), LEVEL_SIZE);
        arena_free(a, root, sizeof *root);
    }
    wheel_init(w, w->now);
}

size_t wheel_memory(const struct wheel *w, const struct arena *a)
{
    const struct root *root = root_of(w, a);
    size_t size = (size_t)w->count * WHEEL_NODE_SIZE;
    if (root != NULL)
        size += arena_usable(sizeof *root);
    for (unsigned level = 0; root != NULL && level < LEVELS; level++)
        if (root->level[level] != 0)
            size += arena_usable(LEVEL_SIZE);
    return size;
}

void wheel_add(struct wheel *w, struct arena *a, void *element, int64_t time)
{
    struct root *root = root_of(w, a);
    if (root == NULL) {
        root = arena_alloc(a, sizeof *root);
        memset(root, 0, sizeof *root);
        w->root = arena_shorten(a, root);
    }
    memcpy((char *)element + WHEEL_NODE_OFFSET, &time, sizeof time);
    place(w, root, a, element);
    w->count++;
}

void wheel_remove(struct wheel *w, struct arena *a, void *element)
{
    assert(w->count > 0);
    unlink_element(root_of(w, a), a, element);
    w->count--;
}

void wheel_moved(struct wheel *w, struct arena *a, void *element)
{
    uint64_t self = arena_shorten(a, element);
    uint64_t prev = arena_load_short(node_prev(element));
    uint64_t next = arena_load_short(node_next(element));
    if (next != 0)
        arena_store_short(node_prev(arena_expand(a, next)), self);
    if (prev < ARENA_FIRST_SHORT)
        list_set(root_of(w, a), a, (unsigned)prev, self);
    else
        arena_store_short(node_next(arena_expand(a, prev)), self);
}

/* Where *SHORTENED, of SIZE bytes, is to be from now on. */
static void relocate(struct arena *a, uint64_t *shortened, size_t size, size_t *moved)
{
    void *ptr = arena_expand(a, *shortened);
    if (ptr != NULL)
        *shortened = arena_shorten(a, arena_relocate(a, ptr, size, moved));
}

size_t wheel_relocate(struct wheel *w, struct arena *a)
{
    size_t moved = 0;
    relocate(a, &w->root, sizeof(struct root), &moved);
    struct root *root = root_of(w, a);
    for (unsigned level = 0; root != NULL && level < LEVELS; level++)
        relocate(a, &root->level[level], LEVEL_SIZE, &moved);
    return moved;
}

/* Moves now on to the next slot in use, or to NOW when none comes before it. */
static bool advance(struct wheel *w, struct root *root, struct arena *a, int64_t now)
{
    int64_t begin, end;
    unsigned list = next_slot(w, root, &begin, &end);
    if (list == 0 || begin > now) {
        w->now = now;
        return false;
    }
    list_move(root, a, list, end <= now ? LIST_DUE : LIST_FALLING);
    if (begin > w->now)
        w->now = begin;
    return true;
}

void *wheel_next(struct wheel *w, struct arena *a, int64_t now, unsigned *budget)
{
    if (w->count == 0 || now < w->now)
        w->now = now;
    if (w->count == 0)
        return NULL;
    struct root *root = root_of(w, a);
    for (; *budget > 0; --*budget) {
        while (root->due == 0 && root->falling == 0)
            if (!advance(w, root, a, now))
                return NULL;
        void *element = arena_expand(a, root->due != 0 ? root->due : root->falling);
        if (wheel_time(element) <= now && root->due != 0) {
            --*budget;
            return element;
        }
        unlink_element(root, a, element);
        place(w, root, a, element);
    }
    return NULL;
}

int64_t wheel_deadline(const struct wheel *w, const struct arena *a)
{
    if (w->count == 0)
        return INT64_MAX;
    const struct root *root = root_of(w, a);
    int64_t begin, end;
    if (root->due != 0 || root->falling != 0 || next_slot(w, root, &begin, &end) == 0)
        return w->now;
    return begin > w->now ? begin : w->now;
}

/* --- walks --- */

void *wheel_soonest(const struct wheel *w, const struct arena *a)
{
    if (w->count == 0)
        return NULL;
    const struct root *root = root_of(w, a);
    int64_t begin, end;
    unsigned list = root->due != 0       ? LIST_DUE
                    : root->falling != 0 ? LIST_FALLING
                                         : next_slot(w, root, &begin, &end);
    return list == 0 ? NULL : arena_expand(a, list_get(root, a, list));
}

void *wheel_any(const struct wheel *w, const struct arena *a, uint64_t number)
{
    if (w->count == 0)
        return NULL;
    const struct root *root = root_of(w, a);
    unsigned lists = (root->due != 0 ? 1u : 0) + (root->falling != 0 ? 1u : 0);
    for (unsigned word = 0; word < LEVELS * SLOTS / 64; word++)
        lists += (unsigned)__builtin_popcountll(root->map[word / (SLOTS / 64)][word % (SLOTS / 64)]);
    if (lists == 0)
        return NULL;
    unsigned n = (unsigned)(number % lists);
    if (root->due != 0 && n-- == 0)
        return arena_expand(a, root->due);
    if (root->falling != 0 && n-- == 0)
        return arena_expand(a, root->falling);
    for (unsigned word = 0;; word++) {
        uint64_t map = root->map[word / (SLOTS / 64)][word % (SLOTS / 64)];
        unsigned here = (unsigned)__builtin_popcountll(map);
        if (n >= here) {
            n -= here;
            continue;
        }
        for (; n > 0; n--)
            map &= map - 1;
        return arena_expand(a, list_get(root, a, LIST_SLOTS + word * 64 + (unsigned)__builtin_ctzll(map)));
    }
}

void *wheel_after(const struct arena *a, const void *element)
{
    return arena_expand(a, arena_load_short(node_next(element)));
}
