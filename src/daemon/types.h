/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The types of values that this server has, and their options: the one place that lists them.
 */
#pragma once

#include "keyspace/object.h"
#include "types/hash/hash.h"
#include "types/list/list.h"
#include "types/set/set.h"
#include "types/stream/stream.h"
#include "types/string/hll.h"
#include "types/zset/zset.h"

struct registry;

struct types {
    struct object_types objects;
    struct hll_options hll;
    struct hash_options hash;
    struct list_options list;
    struct set_options set;
    struct zset_options zset;
    struct stream_options stream;
};

/* Makes the commands of all types known, and T->objects what the keyspace can hold. T must outlive
 * REGISTRY. */
void types_register(struct types *t, struct registry *registry);
