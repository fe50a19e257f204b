/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams: the object type, its options and its commands. stream_private.h draws them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "keyspace/object.h"

struct registry;

struct stream_options {
    int64_t node_max_bytes;   /* stream-node-max-bytes; 0: no limit */
    int64_t node_max_entries; /* stream-node-max-entries; 0: no limit */
    int64_t idmp_duration; /* stream-idmp-duration: seconds; of streams that have no setting of their own */
    int64_t idmp_maxsize;  /* stream-idmp-maxsize: ids for each producer */
};

/* The rows of these options; target is a struct stream_options, which object_types holds too. */
extern const struct config_option stream_config_rows[];
extern const size_t stream_config_count;

extern const struct object_type stream_type;

/* Adds the type and its commands, those of groups too. OPTIONS is kept and read at each use. */
void stream_register(struct registry *registry, struct object_types *types,
                     const struct stream_options *options);
