/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted sets: the object type and its commands, and those of geographic indexes, which are
 * sorted sets by geohash. Small ones are listpacks of members and scores, in order; others a
 * table and a tree over the same elements (zset_big.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "keyspace/object.h"

struct registry;

struct zset_options {
    int64_t max_entries; /* zset-max-listpack-entries */
    int64_t max_value;   /* zset-max-listpack-value: bytes of a member */
};

/* The rows of these options; target is a struct zset_options. */
extern const struct config_option zset_config_rows[];
extern const size_t zset_config_count;

extern const struct object_type zset_type;

/* Adds the type to TYPES and the commands to REGISTRY. OPTIONS is kept and read at each use. */
void zset_register(struct registry *registry, struct object_types *types, const struct zset_options *options);
