/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets that are tables: changes of one.
 */
#pragma once

#include "types/set/set_batch.h"

/* Larger elements are asked for with arena_try_alloc. */
#define SET_SURE_MAX 8192

/* An empty one, with room for HINT elements if that can be had. */
struct set_table *set_table_new(struct keyspace *ks, uint64_t hint);
/* Frees all of it at once. */
void set_table_free(struct keyspace *ks, struct set_table *t);

/* Bytes of an element, by its text's length, and whether it has an expiry. */
static inline size_t set_element_size(size_t len, bool expires)
{
    return (expires ? EXPIRING_HEAD : 1) + entry_counted_size(len);
}

size_t set_element_bytes(const void *element);
/* Has room promised (arena_promise) for COUNT elements, and for their addition to T unless that is NULL,
 * where those are more than there is certain to be room for; the larger ones are not counted. *PROMISED: so
 * it is, and to be ended. MR_E_MEMORY. */
int set_table_promise(struct keyspace *ks, const struct set_table *t, const struct slice *texts, size_t count,
                      bool expire, bool *promised) MR_MUST_CHECK;
/* An element for TEXT; one that EXPIRES must be put into its set's index. NULL: no memory, for one
 * that is large. */
void *set_element_new(struct keyspace *ks, struct slice text, bool expires);
/* Frees an element that is in no table and no index. */
void set_element_free(struct keyspace *ks, void *element);

/* The element, hidden or not. */
void *set_table_find(const struct set_table *t, const struct keyspace *ks, struct slice text, uint64_t hash,
                     struct dict_slot *slot);
/* 1: added, or in the place of one that was hidden; 0: it was there; MR_E_MEMORY. HASH is
 * keyspace_hash's. */
int set_table_add(struct keyspace *ks, struct set_table *t, struct slice text, uint64_t hash);
/* Adds ELEMENT, which must not be there yet; with EXPIRY_MS if it is of the form that has one. */
void set_table_link(struct keyspace *ks, struct set_table *t, void *element, uint64_t hash,
                    int64_t expiry_ms);
/* Puts ELEMENT, with EXPIRY_MS as above, in the place of OLD, which has the same text and stands at
 * SLOT; frees that. */
void set_table_replace(struct keyspace *ks, struct set_table *t, void *old, struct dict_slot slot,
                       void *element, int64_t expiry_ms);
/* Gives OLD, which stands at SLOT, the expiry EXPIRY_MS, or none (-1). OLD is not valid after.
 * MR_E_MEMORY, with nothing changed. */
int set_table_expire(struct keyspace *ks, struct set_table *t, void *old, struct dict_slot slot,
                     int64_t expiry_ms) MR_MUST_CHECK;
/* Adds the members in MASK; *ADDED: those that were not there. MR_E_MEMORY: some may be missing. */
int set_table_add_batch(struct keyspace *ks, struct set_table *t, struct set_batch *b, uint64_t mask,
                        uint64_t *added) MR_MUST_CHECK;
/* True if it was there and not hidden. */
bool set_table_remove(struct keyspace *ks, struct set_table *t, struct slice text, uint64_t hash);
/* Takes ELEMENT, which is there, hidden or not, out and frees it. */
void set_table_drop(struct keyspace *ks, struct set_table *t, void *element);
/* The same with COUNT of them. */
void set_table_drop_all(struct keyspace *ks, struct set_table *t, void *const *elements, uint64_t count);
/* COUNT different elements, at most as many as there are, each choice of them as likely as any
 * other. None may be hidden. MR_E_MEMORY if that takes memory that cannot be had. */
int set_table_draw(struct keyspace *ks, struct set_table *t, void **elements, uint64_t count) MR_MUST_CHECK;
/* The same where some may be hidden, in one walk: how many there were of those that are not, if
 * fewer than COUNT. */
uint64_t set_table_draw_seen(struct keyspace *ks, struct set_table *t, void **elements, uint64_t count);
