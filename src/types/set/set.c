/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading sets: what a value is, walks over its members, and whether it holds others.
 *
 * What is read of tables is read in batches, memory fetched ahead. A bucket tells so much of
 * the hashes of its elements that most elements of one table can be looked for in another one
 * of its size without being looked at: the two are then walked side by side.
 */
#include "types/set/set_batch.h"

#include "types/set/set_table.h"

/* --- what a value is --- */

struct set set_of_packed(const struct keyspace *ks, struct slice packed)
{
    uint32_t first = little_load32(packed.ptr);
    bool intset = first == 2 || first == 4 || first == 8;
    return (struct set){.kind = intset ? SET_INTSET : SET_LISTPACK, .ks = ks, .packed = packed};
}

struct set set_of_table(const struct keyspace *ks, struct set_table *table)
{
    return (struct set){.kind = SET_TABLE, .ks = ks, .table = table};
}

struct set set_of(const struct keyspace *ks, const struct entry *e)
{
    const struct arena *a = keyspace_arena(ks);
    if (entry_is_packed(e))
        return set_of_packed(ks, entry_packed(a, e));
    return set_of_table(ks, entry_object(a, e));
}

uint64_t set_count(const struct set *s)
{
    if (s->kind == SET_TABLE)
        return dict_count(&s->table->dict);
    return s->kind == SET_INTSET ? intset_count(set_bytes(s)) : listpack_count(set_bytes(s));
}

const struct set_options *set_options_of(const struct keyspace *ks)
{
    static const struct set_options defaults = {512, 128, 64};
    const struct object_types *types = keyspace_types(ks);
    const void *options = types == NULL ? NULL : types->options[OBJECT_SET];
    return options == NULL ? &defaults : options;
}

static bool packed_has(const struct set *s, struct slice text)
{
    int64_t integer;
    uint32_t index;
    if (s->kind == SET_LISTPACK)
        return listpack_find_key(set_bytes(s), text, 1) != 0;
    return number_to_int(text, &integer) && intset_find(set_bytes(s), integer, &index);
}

bool set_has(const struct set *s, struct slice text)
{
    if (s->kind != SET_TABLE)
        return packed_has(s, text);
    const void *element = set_table_find(s->table, s->ks, text, keyspace_hash(s->ks, text), NULL);
    return element != NULL && !set_element_hidden(s->ks, element);
}

/* --- batches --- */

struct slice set_batch_text(struct set_batch *b, unsigned i)
{
    const struct set_member *m = &b->members[i];
    if (m->element != NULL)
        return set_element_text(m->element);
    if (m->text.ptr != NULL)
        return m->text;
    return slice_of(b->digits[i], number_from_int(b->digits[i], m->integer));
}

void set_batch_fill(struct set_batch *b, const struct slice *texts, size_t count)
{
    b->count = (unsigned)count;
    for (size_t i = 0; i < count; i++)
        b->members[i] = (struct set_member){.text = texts[i].len != 0 ? texts[i] : slice_of("", 0)};
}

void set_batch_hash(const struct keyspace *ks, struct set_batch *b, uint64_t mask)
{
    struct set_each each = set_each_begin(b, mask);
    unsigned i;
    while (set_each_next(&each, b, &i)) {
        struct set_member *m = &b->members[i];
        if (m->known < 64)
            m->hash = keyspace_hash(ks, set_batch_text(b, i));
        m->known = 64;
    }
}

/* Whether M, whose bucket is there, may be in D: it and what it may be equal to are fetched. */
static inline bool may_hold(const struct dict *d, const struct arena *a, const struct set_member *m)
{
    const char *bucket = dict_inline_bucket(d, a, m->hash);
    uint32_t flags = dict_inline_flags(bucket);
    unsigned match = dict_inline_match(bucket, dict_inline_fingerprint(m->hash), flags);
    if (match == 0 && (flags & DICT_CHAINED) == 0)
        return false;
    if (match != 0)
        __builtin_prefetch(a->base +
                           (arena_load_short(dict_inline_slot(bucket, (unsigned)__builtin_ctz(match))) << 3));
    else
        __builtin_prefetch(dict_inline_next(a, bucket));
    __builtin_prefetch(m->element);
    return true;
}

/* Those in MASK of whose hash less than NEED bits are known. */
static uint64_t unknown(const struct set_batch *b, uint64_t mask, unsigned need)
{
    uint64_t ret = 0;
    for (; mask != 0; mask &= mask - 1)
        if (b->members[__builtin_ctzll(mask)].known < need)
            ret |= mask & -mask;
    return ret;
}

static uint64_t table_holds(const struct set *s, struct set_batch *b, uint64_t mask)
{
    const struct arena *a = keyspace_arena(s->ks);
    const struct dict *d = &s->table->dict;
    uint64_t held = 0, maybe = 0;
    uint8_t order[SET_BATCH];
    unsigned n = set_batch_order(mask, order);
    if (d->table[0].buckets == 0)
        return 0;
    unsigned need = (unsigned)(d->table[0].bits > d->table[1].bits ? d->table[0].bits : d->table[1].bits);
    if (need == 0)
        need = 1; /* without the index it takes the top byte all the same */
    set_batch_hash(s->ks, b, unknown(b, mask, need));
    for (unsigned k = 0; k < n + 2 * SET_AHEAD; k++) {
        if (k < n)
            __builtin_prefetch(dict_inline_bucket(d, a, b->members[order[k]].hash));
        if (k >= SET_AHEAD && k - SET_AHEAD < n && may_hold(d, a, &b->members[order[k - SET_AHEAD]]))
            maybe |= UINT64_C(1) << order[k - SET_AHEAD];
        if (k < 2 * SET_AHEAD || (maybe >> order[k - 2 * SET_AHEAD] & 1) == 0)
            continue;
        unsigned i = order[k - 2 * SET_AHEAD];
        const void *element =
            dict_inline_find(d, a, &set_dict_ops, set_batch_text(b, i), b->members[i].hash, NULL);
        if (element != NULL && !set_element_hidden(s->ks, element))
            held |= UINT64_C(1) << i;
    }
    return held;
}

static bool intset_holds(const struct set *s, struct set_batch *b, unsigned i)
{
    const struct set_member *m = &b->members[i];
    uint32_t index;
    int64_t integer = m->integer;
    if ((m->element != NULL || m->text.ptr != NULL) && !number_to_int(set_batch_text(b, i), &integer))
        return false;
    return intset_find(set_bytes(s), integer, &index);
}

uint64_t set_holds(const struct set *s, struct set_batch *b, uint64_t mask)
{
    uint64_t held = 0;
    if (s->kind == SET_TABLE)
        return table_holds(s, b, mask);
    for (; mask != 0; mask &= mask - 1) {
        unsigned i = (unsigned)__builtin_ctzll(mask);
        if (s->kind == SET_INTSET ? intset_holds(s, b, i)
                                  : listpack_find_key(set_bytes(s), set_batch_text(b, i), 1) != 0)
            held |= mask & -mask;
    }
    return held;
}

/* --- walks --- */

void set_walk_begin(struct set_walk *w, const struct set *s)
{
    set_walk_begin_all(w, s);
    w->hides = set_may_hide(s);
}

void set_walk_begin_all(struct set_walk *w, const struct set *s)
{
    *w = (struct set_walk){.set = s};
    if (s->kind == SET_LISTPACK)
        w->at = listpack_first(set_bytes(s));
    if (s->kind == SET_TABLE)
        w->bucket = s->table->dict.moved;
}

static bool walk_intset(struct set_walk *w, struct set_batch *b)
{
    const unsigned char *set = set_bytes(w->set);
    uint32_t count = intset_count(set);
    for (; w->at < count && b->count < SET_BATCH; w->at++)
        b->members[b->count++] = (struct set_member){.integer = intset_at(set, (uint32_t)w->at)};
    return b->count > 0;
}

static bool walk_listpack(struct set_walk *w, struct set_batch *b)
{
    const unsigned char *lp = set_bytes(w->set);
    for (; w->at != 0 && b->count < SET_BATCH; w->at = listpack_next(lp, w->at)) {
        struct listpack_value v;
        listpack_get(lp, w->at, &v);
        b->members[b->count++] = (struct set_member){.text = slice_of(v.text, v.len), .integer = v.integer};
    }
    return b->count > 0;
}

/* Comes to the next bucket of the tables; false: there is none. */
static bool walk_bucket(struct set_walk *w, const struct arena *a)
{
    const struct dict *d = &w->set->table->dict;
    while (w->table < 2) {
        const struct dict_table *t = &d->table[w->table];
        uint64_t size = dict_inline_size(t);
        if (w->bucket >= size) {
            w->table++;
            w->bucket = 0;
            continue;
        }
        w->chain = dict_inline_at(t, a, w->bucket);
        w->left = dict_inline_flags(w->chain) & DICT_ALL;
        w->part = (struct set_member){.hash = w->bucket, .known = DICT_SPARE_FROM(t->bits) + 2};
        w->bucket++;
        return true;
    }
    return false;
}

static bool walk_table(struct set_walk *w, struct set_batch *b)
{
    const struct arena *a = keyspace_arena(w->set->ks);
    for (;;) {
        unsigned from = w->part.known - 2;
        for (; w->left != 0 && b->count < SET_BATCH; w->left &= w->left - 1) {
            unsigned slot = (unsigned)__builtin_ctz(w->left);
            uint64_t spare = dict_inline_flags(w->chain) >> (DICT_SPARE_AT + 2 * slot) & 3;
            struct set_member *m = &b->members[b->count++];
            m->element = a->base + (arena_load_short(dict_inline_slot(w->chain, slot)) << 3);
            m->hash = w->part.hash | spare << from | (uint64_t)(uint8_t)w->chain[slot] << 56;
            m->known = w->part.known;
        }
        if (w->left != 0)
            return true;
        if (w->chain != NULL && (dict_inline_flags(w->chain) & DICT_CHAINED) != 0) {
            w->chain = dict_inline_next(a, w->chain);
            w->left = dict_inline_flags(w->chain) & DICT_ALL;
        } else if (!walk_bucket(w, a)) {
            w->chain = NULL;
            return b->count > 0;
        }
    }
}

/* Drops the hidden ones of B. */
static void leave_hidden(const struct keyspace *ks, struct set_batch *b)
{
    struct set_each each = set_each_begin(b, set_batch_all(b));
    unsigned kept = 0;
    for (unsigned i; set_each_next(&each, b, &i);)
        if (!set_element_hidden(ks, b->members[i].element))
            b->members[kept++] = b->members[i];
    b->count = kept;
}

static bool walk_seen(struct set_walk *w, struct set_batch *b)
{
    do {
        b->count = 0;
        if (!walk_table(w, b))
            return false;
        leave_hidden(w->set->ks, b);
    } while (b->count == 0);
    return true;
}

bool set_walk_next(struct set_walk *w, struct set_batch *b)
{
    b->count = 0;
    if (w->set->kind == SET_TABLE)
        return w->hides ? walk_seen(w, b) : walk_table(w, b);
    return w->set->kind == SET_INTSET ? walk_intset(w, b) : walk_listpack(w, b);
}
