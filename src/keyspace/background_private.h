/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the jobs of keyspace/background.c offer it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct keyspace;

/* Big values that were deleted: frees about BUDGET elements of them; true while there are more. */
bool keyspace_free_orphans(struct keyspace *ks, uint64_t budget);
/* Whether there are any. */
bool keyspace_has_orphans(const struct keyspace *ks);
