/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See set_builder.h. The forms that members may have, and when one gives way to the next, are
 * decided here alone.
 */
#include "types/set/set_builder.h"

#include "types/set/set_table.h"

/* --- packed bytes --- */

static uint32_t least(int64_t option, uint64_t most)
{
    return option < 0 ? 0 : (uint64_t)option < most ? (uint32_t)option : (uint32_t)most;
}

/* The layout counts with 32 bits. */
static uint32_t intset_most(const struct set_options *o)
{
    return least(o->max_intset_entries, UINT32_C(1) << 30);
}

static bool listpack_takes(const struct set_options *o, uint64_t count, size_t longest)
{
    return o->max_listpack_entries > 0 && count <= (uint64_t)o->max_listpack_entries &&
           longest <= least(o->max_listpack_value, LISTPACK_MAX / 2);
}

static enum set_plan plan_fresh(const struct set_options *o, struct slice text, struct set_change *ret)
{
    int64_t integer;
    ret->fresh = true;
    ret->kind = SET_LISTPACK;
    if (intset_most(o) > 0 && number_to_int(text, &integer)) {
        unsigned char none[INTSET_HEAD];
        intset_init(none);
        ret->kind = SET_INTSET;
        ret->value = listpack_value_int(integer);
        ret->index = 0;
        ret->bytes = intset_add_bytes(none, integer);
        return SET_FITS;
    }
    if (!listpack_takes(o, 1, text.len))
        return SET_OUTGROWN;
    ret->value = listpack_value_of(text);
    ret->bytes = LISTPACK_EMPTY + listpack_entry_bytes(&ret->value);
    return SET_FITS;
}

/* Digits of the longest integer in it. */
static size_t intset_longest(const unsigned char *set)
{
    char digits[NUMBER_TEXT_MAX];
    uint32_t count = intset_count(set);
    if (count == 0)
        return 0;
    size_t low = number_from_int(digits, intset_at(set, 0));
    size_t high = number_from_int(digits, intset_at(set, count - 1));
    return low > high ? low : high;
}

static enum set_plan plan_intset(const struct set_options *o, const unsigned char *set, struct slice text,
                                 struct set_change *ret)
{
    int64_t integer;
    uint32_t count = intset_count(set);
    ret->kind = SET_INTSET;
    if (!number_to_int(text, &integer)) {
        size_t longest = intset_longest(set);
        return listpack_takes(o, (uint64_t)count + 1, text.len > longest ? text.len : longest) ? SET_CONVERTS
                                                                                               : SET_OUTGROWN;
    }
    if (intset_find(set, integer, &ret->index))
        return SET_THERE;
    if (count >= intset_most(o))
        return SET_OUTGROWN;
    ret->value = listpack_value_int(integer);
    ret->bytes = intset_add_bytes(set, integer);
    return SET_FITS;
}

static struct listpack_change append(const unsigned char *lp, const struct listpack_value *value)
{
    size_t end = listpack_end(lp);
    return (struct listpack_change){.at = end, .end = end, .count = 1, .values = value};
}

enum set_plan set_plan_add(const struct set_options *o, struct slice packed, struct slice text,
                           struct set_change *ret)
{
    const unsigned char *bytes = (const unsigned char *)packed.ptr;
    if (packed.len == 0)
        return plan_fresh(o, text, ret);
    ret->fresh = false;
    if (set_of_packed(NULL, packed).kind == SET_INTSET)
        return plan_intset(o, bytes, text, ret);
    if (listpack_find_key(bytes, text, 1) != 0)
        return SET_THERE;
    if (!listpack_takes(o, listpack_count(bytes) + 1, text.len))
        return SET_OUTGROWN;
    ret->kind = SET_LISTPACK;
    ret->value = listpack_value_of(text);
    struct listpack_change change = append(bytes, &ret->value);
    ret->bytes = listpack_change_bytes(bytes, &change);
    return ret->bytes <= LISTPACK_MAX ? SET_FITS : SET_OUTGROWN;
}

void set_apply_add(unsigned char *packed, const struct set_change *change)
{
    if (change->kind == SET_INTSET) {
        if (change->fresh)
            intset_init(packed);
        intset_add(packed, change->value.integer, change->index);
        return;
    }
    if (change->fresh)
        listpack_init(packed);
    struct listpack_change lp = append(packed, &change->value);
    listpack_change(packed, &lp);
}

/* --- the builder --- */

void set_builder_init(struct set_builder *b, struct keyspace *ks, uint64_t hint)
{
    *b = (struct set_builder){.ks = ks, .hint = hint};
}

void set_builder_begin(struct set_builder *b, struct slice packed)
{
    if (packed.len != 0 && b->code == 0)
        b->code = buf_try_grow(&b->packed, packed.len);
    if (b->code == 0)
        buf_append_slice(&b->packed, packed);
}

struct set set_builder_set(const struct set_builder *b)
{
    if (b->table != NULL)
        return set_of_table(b->ks, b->table);
    return set_of_packed(b->ks, buf_slice(&b->packed));
}

uint64_t set_builder_count(const struct set_builder *b)
{
    if (b->table == NULL && b->packed.len == 0)
        return 0;
    struct set s = set_builder_set(b);
    return set_count(&s);
}

/* Whether B is of use yet, and may take a batch. */
static bool has_memory(struct set_builder *b)
{
    if (arena_is_scarce(keyspace_arena(b->ks)))
        b->code = MR_E_MEMORY;
    return b->code == 0;
}

void set_builder_to_table(struct set_builder *b)
{
    uint64_t count = set_builder_count(b);
    struct set_table *t = set_table_new(b->ks, b->hint > count ? b->hint : count + 1);
    if (count > 0) {
        struct set from = set_builder_set(b);
        struct set_walk w;
        struct set_batch batch;
        uint64_t added;
        set_walk_begin_all(&w, &from);
        while (has_memory(b) && set_walk_next(&w, &batch))
            b->code = set_table_add_batch(b->ks, t, &batch, set_batch_all(&batch), &added);
    }
    b->table = t;
    b->packed.len = 0;
}

/* An intset becomes a listpack. */
static void convert(struct set_builder *b)
{
    struct buf lp = {0};
    const unsigned char *set = (const unsigned char *)b->packed.data;
    uint32_t count = intset_count(set);
    size_t bytes = LISTPACK_EMPTY;
    for (uint32_t i = 0; i < count; i++) {
        struct listpack_value v = listpack_value_int(intset_at(set, i));
        bytes += listpack_entry_bytes(&v);
    }
    b->code = buf_try_grow(&lp, bytes);
    if (b->code != 0)
        return;
    unsigned char *to = (unsigned char *)lp.data;
    listpack_init(to);
    for (uint32_t i = 0; i < count; i++) {
        struct listpack_value v = listpack_value_int(intset_at(set, i));
        struct listpack_change change = append(to, &v);
        listpack_change(to, &change);
    }
    lp.len = bytes;
    buf_done(&b->packed);
    b->packed = lp;
}

/* True if TEXT, which is not there, was added to the packed bytes. */
static bool add_packed(struct set_builder *b, struct slice text)
{
    const struct set_options *o = set_options_of(b->ks);
    struct set_change change;
    enum set_plan plan = set_plan_add(o, buf_slice(&b->packed), text, &change);
    if (plan == SET_CONVERTS) {
        convert(b);
        plan = b->code == 0 ? set_plan_add(o, buf_slice(&b->packed), text, &change) : SET_THERE;
    }
    if (plan == SET_OUTGROWN)
        set_builder_to_table(b);
    if (plan != SET_FITS || b->code != 0)
        return false;
    b->code = buf_try_grow(&b->packed, change.bytes - b->packed.len);
    if (b->code != 0)
        return false;
    set_apply_add((unsigned char *)b->packed.data, &change);
    b->packed.len = change.bytes;
    return true;
}

bool set_builder_add(struct set_builder *b, struct slice text)
{
    if (b->code != 0)
        return false;
    if (b->table == NULL) {
        if (add_packed(b, text))
            return true;
        if (b->table == NULL || b->code != 0)
            return false;
    }
    if (!has_memory(b))
        return false;
    int code = set_table_add(b->ks, b->table, text, keyspace_hash(b->ks, text));
    if (code < 0)
        b->code = code;
    return code > 0;
}

uint64_t set_builder_add_batch(struct set_builder *b, struct set_batch *batch, uint64_t mask)
{
    uint64_t added = 0, more;
    while (mask != 0 && b->table == NULL && b->code == 0) {
        if (set_builder_add(b, set_batch_text(batch, (unsigned)__builtin_ctzll(mask))))
            added |= mask & -mask;
        mask &= mask - 1;
    }
    if (mask == 0 || !has_memory(b))
        return added;
    b->code = set_table_add_batch(b->ks, b->table, batch, mask, &more);
    return added | more;
}

void set_builder_add_all(struct set_builder *b, const struct set *s)
{
    struct set_walk w;
    struct set_batch batch;
    set_walk_begin(&w, s);
    while (b->code == 0 && set_walk_next(&w, &batch))
        set_builder_add_batch(b, &batch, set_batch_all(&batch));
}

void set_builder_expire(struct set_builder *b, struct slice text, int64_t expiry_ms)
{
    struct dict_slot slot;
    if (b->table == NULL) {
        struct set packed = set_builder_set(b);
        if (!set_has(&packed, text))
            return;
        set_builder_to_table(b);
    }
    if (!has_memory(b))
        return;
    void *element = set_table_find(b->table, b->ks, text, keyspace_hash(b->ks, text), &slot);
    if (element != NULL && !(expiring_has(element) && expiring_time(element) <= expiry_ms))
        b->code = set_table_expire(b->ks, b->table, element, slot, expiry_ms);
}

int set_builder_value(struct set_builder *b, struct entry_value *v)
{
    if (b->code != 0)
        return b->code;
    struct arena *a = keyspace_arena(b->ks);
    if (b->table == NULL)
        return entry_value_packed(v, a, buf_slice(&b->packed));
    entry_value_object(v, arena_shorten(a, b->table));
    b->table = NULL;
    return 0;
}

void set_builder_done(struct set_builder *b)
{
    if (b->table != NULL)
        set_table_free(b->ks, b->table);
    buf_done(&b->packed);
}
