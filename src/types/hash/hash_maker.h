/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash that is put together outside of the keyspace, in whatever form its texts want, until it is
 * let in.
 */
#pragma once

#include "base/buf.h"
#include "types/hash/hash_private.h"

struct hash_maker {
    struct keyspace *ks;
    struct hash_options limits;
    struct buf packed;        /* a listpack of what has come; */
    struct hash_table *table; /* or this, and PACKED is empty */
    struct {
        struct hash_field *f;
        uint64_t hash;
        int64_t time_ms;
    } queue[16]; /* fields whose buckets are on their way */
    unsigned queued;
};

/* EXPECTED fields are to come, as far as is known. */
int hash_maker_init(struct hash_maker *m, struct keyspace *ks, const struct hash_options *limits,
                    uint64_t expected) MR_MUST_CHECK;
/* The next field, which goes at TIME_MS (DB_EXPIRY_NONE); MR_E_CORRUPT or MR_E_MEMORY: it is no use
 * then. */
int hash_maker_add(struct hash_maker *m, struct slice name, struct slice value,
                   int64_t time_ms) MR_MUST_CHECK;
/* What it has come to, which is the caller's then, until hash_maker_done for packed bytes.
 * MR_E_CORRUPT: a field came twice. */
int hash_maker_value(struct hash_maker *m, struct entry_value *v) MR_MUST_CHECK;
void hash_maker_done(struct hash_maker *m);
