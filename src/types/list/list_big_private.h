/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Big lists: objects of many nodes, by place and by index.
 */
#pragma once

#include "types/list/list_node_private.h"

/* An empty one, which is no value: something must be pushed to it. */
void list_root_new(struct list *l);
void list_root_free(struct list *l);
/* Makes the packed list an object. */
void list_root_unpack(struct list *l);

static inline struct list_node *list_expand(const struct list *l, uint64_t shortened)
{
    return (struct list_node *)arena_expand(l->a, shortened);
}

struct list_spot list_spot_at(const struct list *l, uint64_t index, uint64_t *rest);
struct list_node *list_spot_node(const struct list *l, const struct list_spot *s);
/* Elements of the node. */
uint64_t list_spot_count(const struct list *l, const struct list_spot *s);
bool list_spot_next(const struct list *l, struct list_spot *s);
bool list_spot_prev(const struct list *l, struct list_spot *s);
/* N, made of the node at S, or in its place, stands there. */
void list_store(struct list *l, const struct list_spot *s, struct list_node *n);
/* Compresses it if it is far enough from the ends. */
void list_compress(struct list *l, const struct list_spot *s);
/* Puts N, whose elements are not counted yet, between two nodes, or at an end: before INDEX. */
void list_put_node(struct list *l, uint64_t index, struct list_node *n);

/* MR_E_MEMORY, with nothing changed. */
int list_push(struct list *l, bool front, struct slice element) MR_MUST_CHECK;
/* Takes the first or the last element out. */
void list_pop(struct list *l, bool front);
/* Takes COUNT elements from INDEX on out, which are there. */
void list_remove(struct list *l, uint64_t index, uint64_t count);

/* Takes the node at S with its COUNT elements out. */
void list_drop_node(struct list *l, const struct list_spot *s, uint64_t count);
/* The same; the node is the caller's then. */
struct list_node *list_take_node(struct list *l, const struct list_spot *s, uint64_t count);

/* --- list_edit.c: changes within objects --- */

/* Puts ELEMENT before INDEX, or behind the last. MR_E_MEMORY, with nothing changed. */
int list_insert(struct list *l, uint64_t index, struct slice element) MR_MUST_CHECK;
/* Puts ELEMENT in the place of the one at INDEX, the same way. */
int list_replace(struct list *l, uint64_t index, struct slice element) MR_MUST_CHECK;
/* Takes out up to MAX elements that are ELEMENT, from the begin or from the end; returns how many. */
uint64_t list_remove_equal(struct list *l, struct slice element, uint64_t max, bool back);
/* The entry of a listpack from which on MAX entries are TEXT, or as many as there are. */
size_t list_last_equal(const unsigned char *lp, struct slice text, uint64_t max);
/* Moves COUNT elements from INDEX on, not all, behind those of TO. */
void list_extract(struct list *l, uint64_t index, uint64_t count, struct list *to);
