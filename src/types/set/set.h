/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets: the object type and its commands. What a set is in memory is drawn in set_private.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "keyspace/object.h"

struct registry;

/* Up to where a set is packed bytes. */
struct set_options {
    int64_t max_intset_entries;   /* members of one that has only integers */
    int64_t max_listpack_entries; /* members of any other */
    int64_t max_listpack_value;   /* bytes of its longest member */
};

/* The rows of these options; target is a struct set_options. */
extern const struct config_option set_config_rows[];
extern const size_t set_config_count;

extern const struct object_type set_type;

/* Adds the type to TYPES and the commands to REGISTRY. OPTIONS is kept and read at each use. */
void set_register(struct registry *registry, struct object_types *types, const struct set_options *options);
