/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making sets: what adding a member to packed bytes leads to, and a set that is put together
 * outside of the keyspace, in whatever form its members want, until it is let in.
 */
#pragma once

#include "base/buf.h"
#include "types/set/set_batch.h"

/* --- packed bytes --- */

enum set_plan {
    SET_THERE,    /* the member is in it */
    SET_FITS,     /* it is as described */
    SET_CONVERTS, /* an intset that is to become a listpack */
    SET_OUTGROWN, /* it is to become a table */
};

struct set_change {
    enum set_kind kind;
    bool fresh;   /* there are no bytes yet */
    size_t bytes; /* of the whole, after it */
    uint32_t index;
    struct listpack_value value;
};

/* What adding TEXT to PACKED (empty: to nothing) leads to. */
enum set_plan set_plan_add(const struct set_options *o, struct slice packed, struct slice text,
                           struct set_change *ret);
/* Makes it; there must be room for ret->bytes. */
void set_apply_add(unsigned char *packed, const struct set_change *change);

/* --- the builder --- */

struct set_builder {
    struct keyspace *ks;
    struct buf packed; /* as long as TABLE is NULL; empty: there is no member */
    struct set_table *table;
    uint64_t hint; /* members that it may come to */
    int code;      /* MR_E_MEMORY once something could not be had; it is no use then */
};

void set_builder_init(struct set_builder *b, struct keyspace *ks, uint64_t hint);
/* Begins with a copy of packed bytes. */
void set_builder_begin(struct set_builder *b, struct slice packed);
/* Whether TEXT was not there. */
bool set_builder_add(struct set_builder *b, struct slice text);
/* Adds the members in MASK; those that were not there. */
uint64_t set_builder_add_batch(struct set_builder *b, struct set_batch *batch, uint64_t mask);
void set_builder_add_all(struct set_builder *b, const struct set *s);
void set_builder_to_table(struct set_builder *b);
/* Gives TEXT, if it is there, the expiry EXPIRY_MS, unless it has an earlier one. B, which is not empty,
 * becomes a table for that. */
void set_builder_expire(struct set_builder *b, struct slice text, int64_t expiry_ms);
uint64_t set_builder_count(const struct set_builder *b);
struct set set_builder_set(const struct set_builder *b);
/* What it has come to, which is the caller's then, until set_builder_done for packed bytes. */
int set_builder_value(struct set_builder *b, struct entry_value *v) MR_MUST_CHECK;
void set_builder_done(struct set_builder *b);
