/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists: the object type, its options and its commands. Small ones are packed bytes of the
 * entry, big ones an object; list_private.h draws them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "keyspace/object.h"

struct registry;

struct list_options {
    int64_t max_listpack_size; /* list-max-listpack-size: entries of a node, or -1 .. -5: its bytes */
    int64_t compress_depth;    /* list-compress-depth: nodes at each end that are not compressed; 0: all */
};

/* The rows of these options; target is a struct list_options, which object_types holds too. */
extern const struct config_option list_config_rows[];
extern const size_t list_config_count;

extern const struct object_type list_type;

/* Adds the type and its commands. OPTIONS is kept and read at each use. */
void list_register(struct registry *registry, struct object_types *types, const struct list_options *options);
