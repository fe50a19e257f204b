/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashes as commands, without the fields that are overdue.
 *
 *   HSET key field value ..
 *   HPEXPIREAT key ms FIELDS n field ..
 */
#include "keyspace/rewrite.h"
#include "types/hash/hash_private.h"

static bool write_pair(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    struct rewrite_group *g = arg;
    char scratch[NUMBER_TEXT_MAX];
    rewrite_group_next(g);
    rewrite_arg(g->out, listpack_text(field, scratch));
    rewrite_arg(g->out, listpack_text(value, scratch));
    return g->out->code == 0;
}

struct writing_times {
    struct rewrite_times times;
    const struct keyspace *ks;
};

static bool write_time(void *arg, const struct hash_field *f)
{
    struct writing_times *w = arg;
    if (expiring_has(f) && !expiring_hides(w->ks, f))
        rewrite_times_add(&w->times, hash_field_name(f), expiring_time(f));
    return w->times.out->code == 0;
}

void hash_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e)
{
    struct hash h;
    hash_open(&h, ks, e);
    struct rewrite_group g = {out, "HSET", entry_key(e), hash_seen(&h), 2, 0};
    hash_each(&h, write_pair, &g);
    if (h.table == NULL || h.table->expiring == 0)
        return;
    struct writing_times w = {
        .times = {.out = out, .name = "HPEXPIREAT", .word = "FIELDS", .key = entry_key(e)}, .ks = ks};
    hash_table_each(h.table, keyspace_arena(ks), write_time, &w);
    rewrite_times_end(&w.times);
}
