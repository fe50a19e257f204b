/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists as commands.
 *
 *   RPUSH key element ..
 */
#include "keyspace/rewrite.h"
#include "types/list/list_private.h"

void list_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e)
{
    struct list l;
    struct list_walk w;
    struct listpack_value v;
    char scratch[NUMBER_TEXT_MAX];
    list_of(&l, ks, e);
    struct rewrite_group g = {out, "RPUSH", entry_key(e), list_length(&l), 1, 0};
    list_walk_begin(&w, &l, 0, false);
    while (out->code == 0 && list_walk_next(&w, &v)) {
        rewrite_group_next(&g);
        rewrite_arg(out, listpack_text(&v, scratch));
    }
    list_walk_done(&w);
}
