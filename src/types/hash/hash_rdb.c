/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashes in RDB:
 *
 *    4  count, then per field: name, value
 *    9  a string, a zipmap               13  a string, a ziplist of field, value, ..
 *   16  a string, a listpack of field, value, ..
 *   22  count, then per field: time (a length, 0: none), name, value
 *   23  a string, a listpack of field, value, time, ..
 *   24  the least time (u64), then as 22 with times counted from that
 *   25  the least time (u64), then as 23
 *   22 of Valkey  count, then per field: name, value, time (i64, -1: none)
 *
 * Times are absolute, in ms. Written are 16, 4, and 24 where a field has a time; a hash whose times
 * have come is written and read as any other, and they go when it is there. The types that have field
 * by field are read in parts, the packed ones as a whole.
 */
#include <stdlib.h>

#include "base/heap.h"
#include "base/little.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "codec/ziplist.h"
#include "types/hash/hash_maker.h"

enum {
    RDB_HASH = 4,
    RDB_ZIPMAP = 9,
    RDB_ZIPLIST = 13,
    RDB_LISTPACK = 16,
    RDB_TIMES_PRE = 22,
    RDB_LISTPACK_TIMES_PRE = 23,
    RDB_TIMES = 24,
    RDB_LISTPACK_TIMES = 25,
    RDB_VALKEY_TIMES = 22 + RDB_TYPE_OF_VALKEY,
};

const int8_t hash_rdb_types[] = {RDB_HASH,         RDB_ZIPMAP,
                                 RDB_ZIPLIST,      RDB_LISTPACK,
                                 RDB_TIMES_PRE,    RDB_LISTPACK_TIMES_PRE,
                                 RDB_TIMES,        RDB_LISTPACK_TIMES,
                                 RDB_VALKEY_TIMES, -1};

/* Packed forms keep their form whatever their longest text is, as redis-server loads them. */
static struct hash_options limits_of(const struct keyspace *ks, bool packed)
{
    const struct object_types *types = keyspace_types(ks);
    const struct hash_options *o = types != NULL ? types->options[OBJECT_HASH] : NULL;
    struct hash_options limits = o != NULL ? *o : (struct hash_options){512, 64};
    if (packed)
        limits.max_listpack_value = INT64_MAX;
    return limits;
}

static int keep(struct db *db, const struct object_meta *meta, const struct entry_value *v)
{
    return db_load_value(db, meta->key, OBJECT_HASH, v, meta->expiry_ms, meta->idle_s, meta->freq);
}

/* --- field by field --- */

/* Fields as far as they have come. */
struct fields {
    struct keyspace *ks; /* NULL: they are read past */
    struct hash_maker m;
    uint64_t left;
    uint64_t least;  /* time */
    struct buf name; /* one that its value would overwrite */
};

static void fields_done(struct fields *f)
{
    if (f->ks != NULL)
        hash_maker_done(&f->m);
    buf_done(&f->name);
}

/* What stands before and behind a field's name and value. */
static int read_time_before(const struct fields *f, struct rdb_reader *in, unsigned rdb_type,
                            int64_t *time_ms)
{
    uint64_t written = 0;
    if (rdb_type != RDB_TIMES_PRE && rdb_type != RDB_TIMES)
        return 0;
    int code = rdb_read_len(in, &written);
    if (code != 0 || written == 0)
        return code;
    /* Of the least time itself 1 is written. */
    if (rdb_type == RDB_TIMES && __builtin_add_overflow(written - 1, f->least, &written))
        return MR_E_CORRUPT;
    *time_ms = (int64_t)written;
    return written > INT64_MAX ? MR_E_CORRUPT : 0;
}

static int read_time_behind(struct rdb_reader *in, unsigned rdb_type, int64_t *time_ms)
{
    uint64_t written = 0;
    if (rdb_type != RDB_VALKEY_TIMES)
        return 0;
    int code = rdb_read_u64(in, &written);
    if (code == 0)
        *time_ms = (int64_t)written == DB_EXPIRY_NONE || (int64_t)written >= 0 ? (int64_t)written : 0;
    return code;
}

/* A text that is valid as long as the window. */
static int read_name(struct fields *f, struct rdb_reader *in, struct slice *name)
{
    int code = rdb_read_string(in, name);
    if (code != 0 || name->ptr != in->scratch.data)
        return code;
    f->name.len = 0;
    code = buf_try_grow(&f->name, name->len);
    if (code != 0)
        return code;
    buf_append_slice(&f->name, *name);
    *name = buf_slice(&f->name);
    return 0;
}

/* One field; IN stays before one that is not wholly there. */
static int read_field(struct fields *f, struct rdb_reader *in, unsigned rdb_type)
{
    size_t begin = in->pos;
    int64_t time_ms = DB_EXPIRY_NONE;
    struct slice name = {0}, value = {0};
    int code = read_time_before(f, in, rdb_type, &time_ms);
    if (code == 0)
        code = f->ks != NULL ? read_name(f, in, &name) : rdb_skip_string(in);
    if (code == 0)
        code = f->ks != NULL ? rdb_read_string(in, &value) : rdb_skip_string(in);
    if (code == 0)
        code = read_time_behind(in, rdb_type, &time_ms);
    if (code == MR_E_AGAIN) {
        in->want += in->pos - begin;
        in->pos = begin;
    }
    return code == 0 && f->ks != NULL ? hash_maker_add(&f->m, name, value, time_ms) : code;
}

static int begin_fields(struct fields *f, struct rdb_reader *in, unsigned rdb_type, struct db *db)
{
    const unsigned least = rdb_type == RDB_VALKEY_TIMES ? 10 : rdb_type == RDB_HASH ? 2 : 3;
    size_t begin = in->pos;
    *f = (struct fields){0};
    int code = rdb_type == RDB_TIMES ? rdb_read_u64(in, &f->least) : 0;
    if (code == 0)
        code = rdb_read_len(in, &f->left);
    if (code == MR_E_AGAIN) {
        in->want += in->pos - begin;
        in->pos = begin;
    }
    if (code != 0)
        return code;
    if (f->left == 0)
        return MR_E_NO_KEY;
    if (f->left > (in->left + (in->len - in->pos)) / least)
        return MR_E_TRUNCATED;
    if (db == NULL)
        return 0;
    struct hash_options limits = limits_of(db_keyspace(db), false);
    code = hash_maker_init(&f->m, db_keyspace(db), &limits, f->left);
    if (code == 0)
        f->ks = db_keyspace(db);
    return code;
}

static int load_fields(struct rdb_reader *in, unsigned rdb_type, struct db *db,
                       const struct object_meta *meta, void **partial)
{
    struct fields f, *kept = *partial;
    struct entry_value v;
    int code = 0;
    if (kept != NULL)
        f = *kept;
    else if ((code = begin_fields(&f, in, rdb_type, db)) == MR_E_AGAIN)
        return code;
    unsigned budget = OBJECT_LOAD_ELEMENTS;
    for (; code == 0 && f.left > 0 && budget > 0; f.left -= code == 0, budget--)
        code = read_field(&f, in, rdb_type);
    if (code == 0 && f.left > 0) {
        in->want = 0;
        code = MR_E_AGAIN;
    }
    if (code == MR_E_AGAIN) {
        if (kept == NULL)
            *partial = kept = heap_alloc(sizeof *kept);
        *kept = f;
        return code;
    }
    if (code == 0 && f.ks != NULL)
        code = hash_maker_value(&f.m, &v);
    if (code == 0 && f.ks != NULL)
        code = keep(db, meta, &v);
    fields_done(&f);
    heap_free(kept);
    *partial = NULL;
    return code;
}

void hash_rdb_load_drop(struct keyspace *ks, void *partial)
{
    (void)ks;
    fields_done(partial);
    heap_free(partial);
}

/* --- packed --- */

/* What takes the entries of a packed form and puts the fields that they make into M. */
struct taking {
    struct hash_maker m;
    bool timed;                  /* every third entry is a time */
    unsigned at;                 /* of the two or three */
    struct listpack_value of[2]; /* name and value that have come */
    int code;
};

static bool add_taken(struct taking *t, int64_t time_ms)
{
    char scratch[2][NUMBER_TEXT_MAX];
    t->at = 0;
    t->code = hash_maker_add(&t->m, listpack_text(&t->of[0], scratch[0]),
                             listpack_text(&t->of[1], scratch[1]), time_ms);
    return t->code == 0;
}

static bool take_value(struct taking *t, const struct listpack_value *v)
{
    if (t->at < 2) {
        t->of[t->at++] = *v;
        return t->at < 2 || t->timed || add_taken(t, DB_EXPIRY_NONE);
    }
    t->code = v->text != NULL || v->integer < 0 ? MR_E_CORRUPT : 0;
    return t->code == 0 && add_taken(t, v->integer != 0 ? v->integer : DB_EXPIRY_NONE);
}

static bool take_listpack_value(void *arg, const struct listpack_value *v)
{
    return take_value(arg, v);
}

static bool take_ziplist_value(void *arg, const struct ziplist_value *v)
{
    return take_value(arg, &(struct listpack_value){v->text, v->len, v->integer});
}

static int take_all(unsigned rdb_type, struct slice bytes, struct taking *t)
{
    uint64_t count;
    struct listpack_shape shape;
    if (rdb_type == RDB_ZIPLIST)
        return ziplist_read(bytes, take_ziplist_value, t, &count);
    if (rdb_type == RDB_ZIPMAP)
        return ziplist_read_zipmap(bytes, take_ziplist_value, t, &count);
    return listpack_validate((const unsigned char *)bytes.ptr, bytes.len, &shape, take_listpack_value, t);
}

/* A blob of any kind, entry by entry. */
static int load_entries(unsigned rdb_type, struct slice bytes, struct db *db, const struct object_meta *meta)
{
    bool timed = rdb_type == RDB_LISTPACK_TIMES || rdb_type == RDB_LISTPACK_TIMES_PRE;
    struct keyspace *ks = db_keyspace(db);
    struct hash_options limits = limits_of(ks, rdb_type != RDB_ZIPMAP);
    struct taking t = {.timed = timed};
    struct entry_value v;
    int code = hash_maker_init(&t.m, ks, &limits, 0);
    if (code != 0)
        return code;
    code = take_all(rdb_type, bytes, &t);
    if (code != 0 && t.code != 0)
        code = t.code;
    if (code == 0 && t.at != 0)
        code = MR_E_CORRUPT;
    if (code == 0 && t.m.table == NULL && t.m.packed.len == LISTPACK_EMPTY)
        code = MR_E_NO_KEY;
    if (code == 0)
        code = hash_maker_value(&t.m, &v);
    if (code == 0)
        code = keep(db, meta, &v);
    hash_maker_done(&t.m);
    return code;
}

/* A listpack that can stay as it is. *DONE: it was one. */
static int load_listpack(struct slice bytes, struct db *db, const struct object_meta *meta, bool *done)
{
    struct keyspace *ks = db_keyspace(db);
    const unsigned char *packed = (const unsigned char *)bytes.ptr;
    struct listpack_shape shape;
    struct entry_value v;
    *done = true;
    int code = listpack_validate(packed, bytes.len, &shape, NULL, NULL);
    if (code != 0)
        return code;
    if (shape.count == 0)
        return MR_E_NO_KEY;
    if (shape.count % 2 != 0)
        return MR_E_CORRUPT;
    *done = shape.bytes == bytes.len && bytes.len < LISTPACK_MAX / 2 && shape.count < LISTPACK_UNKNOWN &&
            little_load16(packed + 4) == shape.count &&
            shape.count / 2 <= (uint64_t)limits_of(ks, true).max_listpack_entries;
    if (!*done)
        return 0;
    code = hash_packed_check(ks, packed);
    if (code == 0)
        code = entry_value_packed(&v, keyspace_arena(ks), bytes);
    return code == 0 ? keep(db, meta, &v) : code;
}

static int load_packed(struct rdb_reader *in, unsigned rdb_type, struct db *db,
                       const struct object_meta *meta)
{
    uint64_t least;
    struct slice bytes = {0};
    bool done = false;
    int code = rdb_type == RDB_LISTPACK_TIMES ? rdb_read_u64(in, &least) : 0;
    if (code != 0)
        return code;
    if (db == NULL)
        return rdb_skip_string(in);
    code = rdb_read_string(in, &bytes);
    if (code == 0 && rdb_type == RDB_LISTPACK)
        code = load_listpack(bytes, db, meta, &done);
    if (code == 0 && !done)
        code = load_entries(rdb_type, bytes, db, meta);
    return code;
}

int hash_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                  void **partial)
{
    switch (rdb_type) {
    case RDB_HASH:
    case RDB_TIMES_PRE:
    case RDB_TIMES:
    case RDB_VALKEY_TIMES:
        return load_fields(in, rdb_type, db, meta, partial);
    default:
        break;
    }
    size_t begin = in->pos;
    int code = load_packed(in, rdb_type, db, meta);
    if (code == MR_E_AGAIN) {
        in->want += in->pos - begin;
        in->pos = begin;
    }
    return code;
}

/* --- saving --- */

unsigned hash_rdb_type(const struct keyspace *ks, const struct entry *e)
{
    if (entry_is_packed(e))
        return RDB_LISTPACK;
    const struct hash_table *t = entry_object(keyspace_arena(ks), e);
    return t->expiring != 0 ? RDB_TIMES : RDB_HASH;
}

static bool save_pair(void *arg, const struct hash_field *f)
{
    struct rdb_writer *out = arg;
    rdb_write_string(out, hash_field_name(f));
    rdb_write_string(out, hash_field_value(f));
    return out->code == 0;
}

static bool find_least(void *arg, const struct hash_field *f)
{
    int64_t *least = arg;
    if (expiring_has(f) && expiring_time(f) < *least)
        *least = expiring_time(f);
    return true;
}

struct saving {
    struct rdb_writer *out;
    int64_t least;
};

static bool save_timed(void *arg, const struct hash_field *f)
{
    const struct saving *s = arg;
    rdb_write_len(s->out, expiring_has(f) ? (uint64_t)(expiring_time(f) - s->least) + 1 : 0);
    return save_pair(s->out, f);
}

void hash_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e)
{
    const struct arena *a = keyspace_arena(ks);
    if (entry_is_packed(e)) {
        const unsigned char *packed = (const unsigned char *)entry_packed(a, e).ptr;
        rdb_write_string(out, slice_of(packed, listpack_bytes(packed)));
        return;
    }
    const struct hash_table *t = entry_object(a, e);
    struct saving s = {out, INT64_MAX};
    if (t->expiring != 0) {
        hash_table_each(t, a, find_least, &s.least);
        rdb_write_u64(out, (uint64_t)s.least);
    }
    rdb_write_len(out, dict_count(&t->dict));
    hash_table_each(t, a, t->expiring != 0 ? save_timed : save_pair, t->expiring != 0 ? (void *)&s : out);
}
