/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets in RDB:
 *
 *   type 2   | len | string .. |    members
 *   type 11  | string |             an intset
 *   type 20  | string |             a listpack of the members
 *   type 34  | u64 min | string |   a listpack of member, time, member, time ..
 *   type 35  | u64 min | len | (len ttl, string) .. |
 *            min: the first expiry, in wall milliseconds, 0 if there is none; ttl: 0 of a member that
 *            has none, else what it is later than min, and 1; time: the expiry itself, or 0
 *
 * Written are 11 and 2, which the oldest servers read too, and 35 where a member has an expiry. No
 * release knows 34 and 35: their layout is our reading of what is told of a development version,
 * which is that it is as the hashes' types 25 and 24 are, without the values.
 *
 * What is read is validated wholly: a member that is there twice, or an empty intset, is corrupt.
 * Other empty sets, which some servers wrote once, are no keys. Members that are due are read: they
 * go as they would have gone.
 */
#include "types/set/set_rdb.h"

#include "base/heap.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "types/set/set_builder.h"
#include "types/set/set_table.h"

/* Up to so many members, each is compared to each. */
#define PAIRS_MAX 128

/* --- loading --- */

static int let_in(struct set_builder *b, struct db *db, const struct object_meta *meta)
{
    struct entry_value v;
    int code = set_builder_value(b, &v);
    if (code != 0)
        return code;
    return db_load_value(db, meta->key, OBJECT_SET, &v, meta->expiry_ms, meta->idle_s, meta->freq);
}

/* --- members one by one --- */

/* A set that is being read. */
struct partial {
    struct set_builder builder; /* of a key that is wanted */
    bool wanted, expiring;
    uint64_t min; /* of type 35 */
    uint64_t left;
};

static void partial_done(struct partial *p)
{
    if (p->wanted)
        set_builder_done(&p->builder);
}

void set_rdb_load_drop(struct keyspace *ks, void *partial)
{
    (void)ks;
    partial_done(partial);
    heap_free(partial);
}

/* Brings IN back to START, where an item begins of which a part is missing. */
static int rewind_to(struct rdb_reader *in, size_t start, int code)
{
    if (code == MR_E_AGAIN) {
        in->want += in->pos - start;
        in->pos = start;
    }
    return code;
}

static int read_head(struct rdb_reader *in, unsigned rdb_type, struct db *db, struct partial *p)
{
    size_t start = in->pos;
    int code = 0;
    *p = (struct partial){.wanted = db != NULL, .expiring = rdb_type == SET_RDB_TABLE_EX};
    if (p->expiring)
        code = rdb_read_u64(in, &p->min);
    if (code == 0)
        code = rdb_read_len(in, &p->left);
    if (code != 0)
        return rewind_to(in, start, code);
    /* Each takes a byte at least; so nothing is made that is larger than what comes. */
    size_t here = in->len - in->pos;
    if (p->left > here && p->left - here > in->left)
        return MR_E_TRUNCATED;
    if (p->min > INT64_MAX)
        return MR_E_CORRUPT;
    if (!p->wanted)
        return 0;
    const struct set_options *o = set_options_of(db_keyspace(db));
    set_builder_init(&p->builder, db_keyspace(db), p->left);
    if (p->left > 0 && (p->expiring || (p->left > (uint64_t)o->max_intset_entries &&
                                        p->left > (uint64_t)o->max_listpack_entries)))
        set_builder_to_table(&p->builder);
    return 0;
}

/* Reads past members that nobody wants. */
static int skip_members(struct rdb_reader *in, struct partial *p)
{
    for (uint64_t ttl; p->left > 0; p->left--) {
        size_t start = in->pos;
        int code = p->expiring ? rdb_read_len(in, &ttl) : 0;
        if (code == 0)
            code = rdb_skip_string(in);
        if (code != 0)
            return rewind_to(in, start, code);
    }
    return 0;
}

/* Fills BATCH with the next strings, at most LEFT. One whose bytes will not stay is the last. */
static int read_batch(struct rdb_reader *in, uint64_t left, struct set_batch *batch)
{
    batch->count = 0;
    while (batch->count < SET_BATCH && batch->count < left) {
        struct set_member *m = &batch->members[batch->count];
        struct slice text = {0};
        bool is_int = false;
        int64_t integer = 0;
        int code = rdb_read_string_or_int(in, &text, &is_int, &integer);
        if (code != 0)
            return code;
        *m = (struct set_member){.text = is_int ? (struct slice){0} : text, .integer = integer};
        if (!is_int && text.len == 0)
            m->text = slice_of("", 0);
        batch->count++;
        if (!is_int && text.ptr == in->scratch.data)
            return 0;
    }
    return 0;
}

static int read_members(struct rdb_reader *in, struct partial *p)
{
    struct set_builder *b = &p->builder;
    struct set_batch batch;
    int code = 0;
    for (unsigned taken = 0; p->left > 0 && code == 0; taken += batch.count) {
        if (taken >= OBJECT_LOAD_ELEMENTS) {
            in->want = 0;
            return MR_E_AGAIN;
        }
        code = read_batch(in, p->left, &batch);
        if (batch.count == 0)
            break;
        uint64_t all = set_batch_all(&batch);
        uint64_t added = set_builder_add_batch(b, &batch, all);
        if (b->code != 0)
            return b->code;
        if (added != all)
            return MR_E_CORRUPT;
        p->left -= batch.count;
    }
    return code;
}

/* Adds TEXT, which must not be there, with an expiry or none (-1). */
static int add_member(struct set_builder *b, struct slice text, int64_t expiry_ms)
{
    uint64_t hash = keyspace_hash(b->ks, text);
    if (set_table_find(b->table, b->ks, text, hash, NULL) != NULL)
        return MR_E_CORRUPT;
    void *element =
        arena_is_scarce(keyspace_arena(b->ks)) ? NULL : set_element_new(b->ks, text, expiry_ms >= 0);
    if (element == NULL)
        return MR_E_MEMORY;
    set_table_link(b->ks, b->table, element, hash, expiry_ms);
    return 0;
}

static int read_expiring(struct rdb_reader *in, struct partial *p)
{
    for (unsigned budget = OBJECT_LOAD_ELEMENTS; p->left > 0; p->left--, budget--) {
        if (budget == 0) {
            in->want = 0;
            return MR_E_AGAIN;
        }
        size_t start = in->pos;
        uint64_t ttl = 0;
        int64_t expiry_ms = -1;
        struct slice text = {0};
        int code = rdb_read_len(in, &ttl);
        if (code == 0)
            code = rdb_read_string(in, &text);
        if (code != 0)
            return rewind_to(in, start, code);
        if (ttl > INT64_MAX ||
            (ttl > 0 && __builtin_add_overflow((int64_t)p->min, (int64_t)ttl - 1, &expiry_ms)))
            return MR_E_CORRUPT;
        code = add_member(&p->builder, text, expiry_ms);
        if (code != 0)
            return code;
    }
    return 0;
}

static int load_strings(struct rdb_reader *in, unsigned rdb_type, struct db *db,
                        const struct object_meta *meta, void **partial)
{
    struct partial first, *p = *partial;
    bool empty = false;
    if (p == NULL) {
        int code = read_head(in, rdb_type, db, &first);
        if (code != 0)
            return code;
        p = &first;
        empty = p->left == 0;
    }
    int code = !p->wanted ? skip_members(in, p) : p->expiring ? read_expiring(in, p) : read_members(in, p);
    if (code == MR_E_AGAIN) {
        if (p == &first)
            *partial = heap_memdup(p, sizeof *p);
        return code;
    }
    if (code == 0 && p->wanted)
        code = empty ? MR_E_NO_KEY : let_in(&p->builder, db, meta);
    partial_done(p);
    heap_free(*partial);
    *partial = NULL;
    return code;
}

/* --- whole ones --- */

static int load_intset(struct slice bytes, struct db *db, const struct object_meta *meta)
{
    const unsigned char *set = (const unsigned char *)bytes.ptr;
    if (intset_validate(set, bytes.len) != 0 || intset_count(set) == 0)
        return MR_E_CORRUPT;
    struct set_builder b;
    set_builder_init(&b, db_keyspace(db), intset_count(set));
    set_builder_begin(&b, bytes);
    if (b.code == 0 && intset_count(set) > (uint64_t)set_options_of(b.ks)->max_intset_entries)
        set_builder_to_table(&b);
    int code = let_in(&b, db, meta);
    set_builder_done(&b);
    return code;
}

static bool has_pair(const unsigned char *lp)
{
    char scratch[NUMBER_TEXT_MAX];
    for (size_t at = listpack_first(lp), next; at != 0; at = next) {
        struct listpack_value v;
        next = listpack_next(lp, at);
        listpack_get(lp, at, &v);
        if (next != 0 && listpack_find(lp, next, listpack_text(&v, scratch)) != 0)
            return true;
    }
    return false;
}

/* Makes B, which is the listpack, what it is to be. */
static int settle_listpack(struct set_builder *b, uint64_t count)
{
    struct slice packed = buf_slice(&b->packed);
    bool stays = count <= (uint64_t)set_options_of(b->ks)->max_listpack_entries;
    if (stays && count <= PAIRS_MAX)
        return has_pair((const unsigned char *)packed.ptr) ? MR_E_CORRUPT : 0;
    struct set_builder table;
    struct set whole = set_of_packed(b->ks, packed);
    set_builder_init(&table, b->ks, count);
    set_builder_to_table(&table);
    set_builder_add_all(&table, &whole);
    int code = table.code;
    if (code == 0 && set_builder_count(&table) != count)
        code = MR_E_CORRUPT;
    if (code != 0 || stays) {
        set_builder_done(&table);
        return code;
    }
    set_builder_done(b);
    *b = table;
    return 0;
}

static int load_listpack(struct slice bytes, struct db *db, const struct object_meta *meta)
{
    struct listpack_shape shape;
    const unsigned char *lp = (const unsigned char *)bytes.ptr;
    int code = listpack_validate(lp, bytes.len, &shape, NULL, NULL);
    if (code != 0)
        return code;
    if (shape.count == 0)
        return MR_E_NO_KEY;
    struct set_builder b;
    set_builder_init(&b, db_keyspace(db), shape.count);
    code = buf_try_grow(&b.packed, shape.bytes);
    if (code == 0) {
        listpack_load((unsigned char *)b.packed.data, lp, &shape);
        b.packed.len = shape.bytes;
        code = settle_listpack(&b, shape.count);
    }
    if (code == 0)
        code = let_in(&b, db, meta);
    set_builder_done(&b);
    return code;
}

/* A listpack of members, each with its time behind it. */
static int load_pairs(struct slice bytes, struct db *db, const struct object_meta *meta)
{
    struct listpack_shape shape;
    char digits[NUMBER_TEXT_MAX];
    const unsigned char *lp = (const unsigned char *)bytes.ptr;
    int code = listpack_validate(lp, bytes.len, &shape, NULL, NULL);
    if (code != 0)
        return code;
    if (shape.count == 0)
        return MR_E_NO_KEY;
    if (shape.count % 2 != 0)
        return MR_E_CORRUPT;
    /* What its head says need not be what it has. */
    struct buf copy = {0};
    struct set_builder b;
    set_builder_init(&b, db_keyspace(db), shape.count / 2);
    set_builder_to_table(&b);
    code = buf_try_grow(&copy, shape.bytes);
    if (code == 0) {
        listpack_load((unsigned char *)copy.data, lp, &shape);
        lp = (const unsigned char *)copy.data;
    }
    for (size_t at = code == 0 ? listpack_first(lp) : 0; at != 0 && code == 0;) {
        struct listpack_value member, time;
        listpack_get(lp, at, &member);
        at = listpack_next(lp, at);
        listpack_get(lp, at, &time);
        at = listpack_next(lp, at);
        if (time.text != NULL || time.integer < 0)
            code = MR_E_CORRUPT;
        else
            code = add_member(&b, listpack_text(&member, digits), time.integer == 0 ? -1 : time.integer);
    }
    if (code == 0)
        code = let_in(&b, db, meta);
    set_builder_done(&b);
    buf_done(&copy);
    return code;
}

static int load_bytes(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta)
{
    struct slice bytes;
    uint64_t min;
    size_t start = in->pos;
    int code = rdb_type == SET_RDB_LISTPACK_EX ? rdb_read_u64(in, &min) : 0;
    if (code == 0)
        code = db == NULL ? rdb_skip_string(in) : rdb_read_string(in, &bytes);
    if (code != 0 || db == NULL)
        return rewind_to(in, start, code);
    if (rdb_type == SET_RDB_LISTPACK_EX)
        return load_pairs(bytes, db, meta);
    return rdb_type == SET_RDB_INTSET ? load_intset(bytes, db, meta) : load_listpack(bytes, db, meta);
}

int set_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                 void **partial)
{
    if (rdb_type == SET_RDB_TABLE || rdb_type == SET_RDB_TABLE_EX)
        return load_strings(in, rdb_type, db, meta, partial);
    return load_bytes(in, rdb_type, db, meta);
}

/* --- saving --- */

unsigned set_rdb_type(const struct keyspace *ks, const struct entry *e)
{
    struct set s = set_of(ks, e);
    if (s.kind == SET_TABLE && s.table->expiring != 0)
        return SET_RDB_TABLE_EX;
    return s.kind == SET_INTSET ? SET_RDB_INTSET : SET_RDB_TABLE;
}

/* The first expiry of S, which has some. */
static int64_t first_expiry(const struct set *s)
{
    struct set_walk w;
    struct set_batch b;
    int64_t first = INT64_MAX;
    set_walk_begin_all(&w, s);
    while (set_walk_next(&w, &b)) {
        struct set_each each = set_each_begin(&b, set_batch_all(&b));
        for (unsigned i; set_each_next(&each, &b, &i);)
            if (expiring_has(b.members[i].element) && expiring_time(b.members[i].element) < first)
                first = expiring_time(b.members[i].element);
    }
    return first;
}

void set_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e)
{
    struct set s = set_of(ks, e);
    struct set_walk w;
    struct set_batch b;
    bool expiring = s.kind == SET_TABLE && s.table->expiring != 0;
    int64_t first = 0;
    if (s.kind == SET_INTSET) {
        rdb_write_string(out, s.packed);
        return;
    }
    if (expiring) {
        first = first_expiry(&s);
        rdb_write_u64(out, (uint64_t)first);
    }
    rdb_write_len(out, set_count(&s));
    set_walk_begin_all(&w, &s);
    while (set_walk_next(&w, &b)) {
        struct set_each each = set_each_begin(&b, set_batch_all(&b));
        for (unsigned i; set_each_next(&each, &b, &i);) {
            const void *element = b.members[i].element;
            if (expiring)
                rdb_write_len(out,
                              expiring_has(element) ? (uint64_t)(expiring_time(element) - first) + 1 : 0);
            rdb_write_string(out, set_batch_text(&b, i));
        }
    }
}
