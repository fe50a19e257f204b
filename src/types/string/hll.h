/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HyperLogLog commands: sketches of sets that tell how many different elements they have
 * seen. A sketch is a string (hll_private.h draws it), so the keyspace knows nothing of it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct registry;

struct hll_options {
    int64_t sparse_max_bytes; /* hll-sparse-max-bytes: a sketch above is dense */
};

/* The rows of these options; target is a struct hll_options. */
extern const struct config_option hll_config_rows[];
extern const size_t hll_config_count;

/* Adds PFADD, PFCOUNT, PFMERGE, PFDEBUG and PFSELFTEST. OPTIONS is kept and read at each use. */
void hll_register(struct registry *registry, const struct hll_options *options);
