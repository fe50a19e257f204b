/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets as commands, without the members that are overdue.
 *
 *   SADD key member ..
 *   SPEXPIREAT key ms MEMBERS n member ..
 */
#include "keyspace/rewrite.h"
#include "types/set/set_rdb.h"

/* Members that are not hidden. */
static uint64_t count_seen(const struct set *s)
{
    struct set_walk w;
    struct set_batch b;
    uint64_t count = 0;
    if (!set_may_hide(s))
        return set_count(s);
    set_walk_begin(&w, s);
    while (set_walk_next(&w, &b))
        count += b.count;
    return count;
}

static void write_members(struct rewrite *out, const struct set *s, struct slice key)
{
    struct set_walk w;
    struct set_batch b;
    struct rewrite_group g = {out, "SADD", key, count_seen(s), 1, 0};
    set_walk_begin(&w, s);
    while (out->code == 0 && set_walk_next(&w, &b)) {
        struct set_each each = set_each_begin(&b, set_batch_all(&b));
        for (unsigned i; set_each_next(&each, &b, &i);) {
            rewrite_group_next(&g);
            rewrite_arg(out, set_batch_text(&b, i));
        }
    }
}

static void write_times(struct rewrite *out, const struct set *s, struct slice key)
{
    struct set_walk w;
    struct set_batch b;
    struct rewrite_times t = {.out = out, .name = "SPEXPIREAT", .word = "MEMBERS", .key = key};
    set_walk_begin(&w, s);
    while (out->code == 0 && set_walk_next(&w, &b)) {
        struct set_each each = set_each_begin(&b, set_batch_all(&b));
        for (unsigned i; set_each_next(&each, &b, &i);) {
            const void *element = b.members[i].element;
            if (expiring_has(element))
                rewrite_times_add(&t, set_element_text(element), expiring_time(element));
        }
    }
    rewrite_times_end(&t);
}

void set_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e)
{
    struct set s = set_of(ks, e);
    write_members(out, &s, entry_key(e));
    if (s.kind == SET_TABLE && s.table->expiring != 0)
        write_times(out, &s, entry_key(e));
}
