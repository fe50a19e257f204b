/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashes: the object type and its commands. What a hash is in memory is drawn in hash_private.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "keyspace/object.h"

struct registry;

/* Up to where a hash is a listpack. */
struct hash_options {
    int64_t max_listpack_entries; /* fields */
    int64_t max_listpack_value;   /* bytes of its longest field or value */
};

/* The rows of these options; target is a struct hash_options. */
extern const struct config_option hash_config_rows[];
extern const size_t hash_config_count;

extern const struct object_type hash_type;

/* Adds the type to TYPES and the commands to REGISTRY. OPTIONS is kept and read at each use. */
void hash_register(struct registry *registry, struct object_types *types, const struct hash_options *options);
