/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strings as a command; integers, bitmaps and sketches are strings.
 *
 *   SET key value
 */
#include "keyspace/rewrite.h"
#include "types/string/string.h"

void string_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e)
{
    char scratch[NUMBER_TEXT_MAX];
    rewrite_command(out, "SET", entry_key(e), 1);
    rewrite_arg(out, entry_string(keyspace_arena(ks), e, scratch));
}
