/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strings: the object type and its commands. The bytes themselves stand in the entry
 * or in its blob and are the keyspace's; here is what can be done with them.
 */
#pragma once

#include "keyspace/object.h"

struct registry;

extern const struct object_type string_type;

/* string_rewrite.c: its hook. */
void string_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e);

/* Adds the commands of strings, and those of bitmaps; hll.h has its own. */
void string_register(struct registry *registry);
