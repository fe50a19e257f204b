/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Elements that have an expiry of their own: fields of hashes, members of sets.
 *
 * A type that has such (object_type.expire is set) begins its root with a word, a uint64_t that is 0
 * at first: the short pointer to the object's struct expiring, which is there while some element has
 * an expiry. That knows those elements by their time, and stands itself in a wheel of its database,
 * at a time not later than that of the first of them; the keyspace puts it there and takes it away
 * as the object comes, goes, is moved or renamed. An object that no database has, yet or any more,
 * may have one as well.
 *
 *   element with an expiry:  | u8, bit 0 set | 3 free | 18-byte node, container/wheel.h's | ..
 *   element without:         | u8, bit 0 clear | ..
 *
 * An element is 8-byte aligned, and has the first form exactly while it is in its object's index:
 * giving it an expiry, or taking that away, makes it anew. Below, WORD is the address of the root's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container/wheel.h"
#include "keyspace/keyspace.h"

/* The bit in an element's first byte. */
#define EXPIRING_ELEMENT 1u
/* The bytes before the rest of an element that has it. */
#define EXPIRING_HEAD    (WHEEL_NODE_OFFSET + WHEEL_NODE_SIZE)

static inline bool expiring_has(const void *element)
{
    return __builtin_expect((*(const unsigned char *)element & EXPIRING_ELEMENT) != 0, 0);
}

/* When ELEMENT, which has an expiry, is to go. */
static inline int64_t expiring_time(const void *element)
{
    return wheel_time(element);
}

/* Whether ELEMENT, which has an expiry, is due and not to be seen. To be asked as
 *     if (expiring_has(f) && expiring_hides(ks, f))
 * before anything is done with an element; one that is hidden is as if it were not there, and what
 * is written takes its place. */
bool expiring_hides(const struct keyspace *ks, const void *element);
/* Whether some element of the object may be hidden; else none is. O(1). */
bool expiring_may_hide(const struct keyspace *ks, const uint64_t *word);

/* --- what the type does --- */

/* Puts ELEMENT, whose first byte and rest are written, into the index. Where a database has the
 * object already, expiring_enter must follow. */
void expiring_add(struct keyspace *ks, uint64_t *word, void *element, int64_t time_ms);
/* Takes it out; its node is nothing then, its first byte the caller's to change. */
void expiring_remove(struct keyspace *ks, uint64_t *word, void *element);
/* Gives ELEMENT, which is in the index, another time. */
void expiring_change(struct keyspace *ks, uint64_t *word, void *element, int64_t time_ms);
/* What was in the index elsewhere stands at ELEMENT now, its node with it. */
void expiring_moved(struct keyspace *ks, uint64_t *word, void *element);
/* For the type's relocate, at every call, when the root is where it is to be: moves the index, and
 * makes it know the root again. */
void expiring_relocate(struct keyspace *ks, uint64_t *word, size_t *moved);
/* Makes DB look after E, an object of its, if it has elements with an expiry and DB does not know. */
void expiring_enter(struct db *db, struct entry *e);
/* Elements that have an expiry. */
uint64_t expiring_count(const struct keyspace *ks, const uint64_t *word);
/* Bytes of the index, without the elements' nodes. */
size_t expiring_memory(const struct keyspace *ks, const uint64_t *word);
/* Frees the index, if there is one, of an object that no database has any more (free_some, or one
 * that was made in vain); the elements stay, with nodes that are nothing. */
void expiring_free(struct keyspace *ks, uint64_t *word);

/* --- before an object is looked at --- */

/* To be called with E, an object whose word is not 0, when a command opens it: removes elements that
 * are due, about 100 of them, so that few hidden ones are met, and tells so. Returns E, or NULL: that
 * was all of it, and the key is gone. A command with several keys calls it for all of them before it
 * keeps any of their entries, as the same key may stand there twice. */
struct entry *expiring_settle(struct db *db, struct entry *e);
