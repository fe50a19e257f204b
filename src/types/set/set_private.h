/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a set is, for the files of this folder.
 *
 *   packed   an intset (all members are integers), or a listpack of the members in the order
 *            in which they came; told apart by the first u32, an intset's width (2, 4 or 8) or a
 *            listpack's length, which is 7 or at least 9
 *   object   a struct set_table: a dict of elements
 *
 *   element  | u8 flags | varint length | bytes |
 *            | u8 flags | 3 free | 18-byte wheel node | varint length | bytes |
 *            flags: bit 0: it has an expiry, and the second form, which is keyspace/expiring.h's.
 *            Lengths are as in an entry.
 *
 * Only members of a table can have an expiry: a set becomes one for the first that gets it. A
 * member whose time has come is hidden until it is removed: it is told to nobody, and what is added
 * takes its place; set_count alone counts it.
 *
 * Invariants: a set has at least one member; an intset becomes a listpack or a table, a
 * listpack a table, and nothing ever becomes smaller again.
 */
#pragma once

#include "base/little.h"
#include "container/dict_inline.h"
#include "container/intset.h"
#include "container/listpack.h"
#include "keyspace/entry_value.h"
#include "keyspace/expiring.h"
#include "keyspace/keyspace_ops.h"
#include "types/set/set.h"

struct set_table {
    uint64_t expiring; /* keyspace/expiring.h's word */
    struct dict dict;
    uint64_t drained; /* buckets that were emptied while it is being freed */
};

enum set_kind { SET_INTSET, SET_LISTPACK, SET_TABLE };

/* A set as it stands: valid until the keyspace is written to. */
struct set {
    enum set_kind kind;
    const struct keyspace *ks;
    struct slice packed;
    struct set_table *table;
};

struct set set_of(const struct keyspace *ks, const struct entry *e);
struct set set_of_packed(const struct keyspace *ks, struct slice packed);
struct set set_of_table(const struct keyspace *ks, struct set_table *table);
/* Members, hidden ones too. */
uint64_t set_count(const struct set *s);
/* Whether some of them may be hidden. */
static inline bool set_may_hide(const struct set *s)
{
    return s->kind == SET_TABLE && __builtin_expect(s->table->expiring != 0, 0) &&
           expiring_may_hide(s->ks, &s->table->expiring);
}
bool set_has(const struct set *s, struct slice text);
/* The options that hold for KS. */
const struct set_options *set_options_of(const struct keyspace *ks);

static inline const unsigned char *set_bytes(const struct set *s)
{
    return (const unsigned char *)s->packed.ptr;
}

/* --- elements --- */

static inline struct slice set_element_text(const void *element)
{
    const unsigned char *p = element;
    return entry_counted(p + (expiring_has(p) ? EXPIRING_HEAD : 1));
}

/* Whether ELEMENT is as if it were not there. */
static inline bool set_element_hidden(const struct keyspace *ks, const void *element)
{
    return expiring_has(element) && expiring_hides(ks, element);
}

static inline uint64_t set_element_hash(const void *owner, const void *element)
{
    return keyspace_hash(owner, set_element_text(element));
}

static inline bool set_element_equal(const void *element, struct slice key)
{
    return keyspace_equal_text(set_element_text(element), key);
}

static const struct dict_ops set_dict_ops
    __attribute__((unused)) = {.hash = set_element_hash, .equal = set_element_equal};
