/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted sets in RDB:
 *
 *   type 3   | len | (string, text) ..   |    members and scores; text: u8 length, digits, or
 *                                             253 nan, 254 inf, 255 -inf
 *   type 5   | len | (string, double) .. |    the doubles 8 bytes, little-endian
 *   type 12  | string |                       a ziplist of members and scores
 *   type 17  | string |                       the same as a listpack
 *
 * Written are 17 and 5, the latter from the last member to the first, as redis-server does it.
 * What is read is validated wholly: a score that is none, or a member that is there twice, is
 * corrupt. Types 3 and 5 are taken member by member, in any order, the tree growing with the table,
 * which costs little where they come in order. Empty sets, which some servers wrote once, are no keys. A listpack
 * out of order is put in order.
 */
#include "types/zset/zset_rdb.h"

#include <math.h>

#include "base/heap.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "codec/ziplist.h"
#include "types/zset/zset_builder.h"
#include "types/zset/zset_pack.h"
#include "types/zset/zset_private.h"

enum { RDB_TEXTS = 3, RDB_DOUBLES = 5, RDB_ZIPLIST = 12, RDB_LISTPACK = 17 };
#define WAITING 12 /* elements whose buckets are fetched together */
enum { TEXT_NAN = 253, TEXT_INF = 254, TEXT_MINUS_INF = 255 };

const int8_t zset_rdb_types[] = {RDB_TEXTS, RDB_DOUBLES, RDB_ZIPLIST, RDB_LISTPACK, -1};

/* --- members and scores one by one --- */

static int read_text_score(struct rdb_reader *in, double *score)
{
    uint8_t len = 0;
    struct slice text;
    int code = rdb_read_u8(in, &len);
    if (code != 0)
        return code;
    if (len == TEXT_INF || len == TEXT_MINUS_INF) {
        *score = len == TEXT_INF ? INFINITY : -INFINITY;
        return 0;
    }
    if (len == TEXT_NAN)
        return MR_E_CORRUPT;
    code = rdb_read_bytes(in, len, &text);
    if (code != 0)
        return code;
    return number_to_double(text, score) ? 0 : MR_E_CORRUPT;
}

static int read_score(struct rdb_reader *in, unsigned rdb_type, double *score)
{
    uint64_t bits = 0;
    if (rdb_type == RDB_TEXTS)
        return read_text_score(in, score);
    int code = rdb_read_u64(in, &bits);
    memcpy(score, &bits, sizeof bits);
    return code == 0 && isnan(*score) ? MR_E_CORRUPT : code;
}

static int add_new(struct zset_builder *b, struct slice member, double score)
{
    struct dict_slot slot;
    uint64_t hash = keyspace_hash(b->ks, member);
    if (zset_builder_find(b, member, hash, &slot) != NULL)
        return MR_E_CORRUPT;
    zset_builder_add_indexed(b, member, hash, score);
    return b->code;
}

static int let_in(struct zset_builder *b, struct db *db, const struct object_meta *meta)
{
    struct entry_value v;
    struct buf pack = {0};
    int code = zset_builder_value(b, &pack, &v);
    if (code == 0)
        code = db_load_value(db, meta->key, OBJECT_ZSET, &v, meta->expiry_ms, meta->idle_s, meta->freq);
    buf_done(&pack);
    return code;
}

/* Members one by one, as far as they have come. */
struct members {
    struct keyspace *ks; /* NULL: they are read past */
    uint64_t left;
    struct zset_builder b; /* of a set that may become packed */
    struct zset_big *big;  /* of one that does not */
    /* Of BIG, while their places in the table are on their way: */
    struct zset_element *waiting[WAITING];
    uint64_t hashes[WAITING];
    unsigned waits;
};

static void members_done(struct members *m)
{
    if (m->ks == NULL)
        return;
    if (m->big != NULL)
        zset_big_free(keyspace_arena(m->ks), m->big);
    zset_builder_done(&m->b);
}

/* Lets in those that wait. */
static int members_settle(struct members *m)
{
    struct arena *a = m->ks != NULL ? keyspace_arena(m->ks) : NULL;
    int code = 0;
    for (unsigned i = 0; i < m->waits; i++) {
        struct zset_element *el = m->waiting[i];
        if (code == 0 && zset_big_find(m->big, a, zset_element_member(el), m->hashes[i], NULL) == NULL) {
            zset_big_put(m->ks, m->big, el, m->hashes[i]);
        } else {
            zset_element_free(a, el);
            code = MR_E_CORRUPT;
        }
    }
    m->waits = 0;
    return code;
}

static int members_add(struct members *m, struct slice member, double score)
{
    if (m->ks == NULL)
        return 0;
    if (m->big == NULL)
        return add_new(&m->b, member, score);
    uint64_t hash = keyspace_hash(m->ks, member);
    dict_prefetch_bucket(&m->big->dict, keyspace_arena(m->ks), hash);
    struct zset_element *el = NULL;
    if (!arena_is_scarce(keyspace_arena(m->ks)))
        el = zset_element_new(keyspace_arena(m->ks), member, score);
    if (el == NULL)
        return MR_E_MEMORY;
    m->waiting[m->waits] = el;
    m->hashes[m->waits++] = hash;
    return m->waits == WAITING ? members_settle(m) : 0;
}

/* One member; IN stays before one that is not wholly there. */
static int members_read(struct members *m, struct rdb_reader *in, unsigned rdb_type)
{
    size_t begin = in->pos;
    struct slice member = {0};
    double score = 0;
    int code = m->ks == NULL ? rdb_skip_string(in) : rdb_read_string(in, &member);
    if (code == 0 && member.len > UINT32_MAX)
        code = MR_E_UNSUPPORTED;
    /* A score that lies behind the scratch of the member does not touch it. */
    if (code == 0)
        code = read_score(in, rdb_type, &score);
    if (code == 0)
        code = members_add(m, member, score);
    if (code == MR_E_AGAIN) {
        in->want += in->pos - begin;
        in->pos = begin;
    }
    return code;
}

static int members_begin(struct members *m, struct rdb_reader *in, unsigned rdb_type, struct db *db)
{
    const size_t least = rdb_type == RDB_TEXTS ? 2 : 9;
    *m = (struct members){0};
    int code = rdb_read_len(in, &m->left);
    if (code != 0)
        return code;
    if (m->left == 0)
        return MR_E_NO_KEY;
    if (m->left > (in->left + (in->len - in->pos)) / least)
        return MR_E_TRUNCATED;
    if (db == NULL)
        return 0;
    m->ks = db_keyspace(db);
    const struct zset_options *options = zset_options_of(m->ks);
    zset_builder_init(&m->b, m->ks, options);
    if (zset_is_small(options, m->left, 0)) {
        zset_builder_index(&m->b, m->left);
        return m->b.code;
    }
    m->big = zset_big_new(m->b.a);
    return dict_reserve(&m->big->dict, m->b.a, m->left) != 0 ? MR_E_MEMORY : 0;
}

static int members_let_in(struct members *m, struct db *db, const struct object_meta *meta)
{
    if (m->ks == NULL)
        return 0;
    if (m->big == NULL)
        return let_in(&m->b, db, meta);
    struct entry_value v;
    entry_value_object(&v, arena_shorten(m->b.a, m->big));
    m->big = NULL;
    return db_load_value(db, meta->key, OBJECT_ZSET, &v, meta->expiry_ms, meta->idle_s, meta->freq);
}

static int load_members(struct rdb_reader *in, unsigned rdb_type, struct db *db,
                        const struct object_meta *meta, void **partial)
{
    struct members m, *kept = *partial;
    size_t begin = in->pos;
    int code = 0;
    if (kept != NULL)
        m = *kept;
    else
        code = members_begin(&m, in, rdb_type, db);
    if (code == MR_E_AGAIN) {
        in->pos = begin;
        return code;
    }
    unsigned budget = OBJECT_LOAD_ELEMENTS;
    for (; code == 0 && m.left > 0 && budget > 0; m.left -= code == 0, budget--)
        code = members_read(&m, in, rdb_type);
    if (code == 0 && m.left > 0) {
        in->want = 0;
        code = MR_E_AGAIN;
    }
    int settled = members_settle(&m);
    if (settled != 0)
        code = settled;
    if (code == MR_E_AGAIN) {
        if (kept == NULL)
            *partial = kept = heap_alloc(sizeof *kept);
        *kept = m;
        return code;
    }
    if (code == 0)
        code = members_let_in(&m, db, meta);
    members_done(&m);
    heap_free(kept);
    *partial = NULL;
    return code;
}

void zset_rdb_drop(struct keyspace *ks, void *partial)
{
    (void)ks;
    members_done(partial);
    heap_free(partial);
}

/* --- packed ones --- */

struct packed {
    struct zset_builder b;
    struct slice member;
    char scratch[NUMBER_TEXT_MAX];
    uint64_t seen;
    int code;
};

static bool take_entry(struct packed *p, const char *text, uint32_t len, int64_t integer)
{
    double score = (double)integer;
    if (p->seen++ % 2 == 0) {
        p->member =
            text != NULL ? slice_of(text, len) : slice_of(p->scratch, number_from_int(p->scratch, integer));
        return true;
    }
    p->code = text == NULL || number_to_double(slice_of(text, len), &score) ? 0 : MR_E_CORRUPT;
    if (p->code == 0)
        p->code = add_new(&p->b, p->member, score);
    return p->code == 0;
}

static bool take_ziplist_entry(void *arg, const struct ziplist_value *v)
{
    return take_entry(arg, v->text, v->len, v->integer);
}

static bool take_listpack_entry(void *arg, const struct listpack_value *v)
{
    return take_entry(arg, v->text, v->len, v->integer);
}

/* By way of a builder, whatever the order and the number. */
static int load_packed(struct slice bytes, bool ziplist, struct db *db, const struct object_meta *meta)
{
    struct packed p = {.code = 0};
    struct listpack_shape shape;
    uint64_t count;
    int code;
    zset_builder_init(&p.b, db_keyspace(db), zset_options_of(db_keyspace(db)));
    zset_builder_index(&p.b, 0);
    if (ziplist)
        code = ziplist_read(bytes, take_ziplist_entry, &p, &count);
    else
        code =
            listpack_validate((const unsigned char *)bytes.ptr, bytes.len, &shape, take_listpack_entry, &p);
    if (p.code != 0)
        code = p.code;
    if (code == 0 && p.seen % 2 != 0)
        code = MR_E_CORRUPT;
    if (code == 0 && p.seen == 0)
        code = MR_E_NO_KEY;
    if (code == 0)
        code = let_in(&p.b, db, meta);
    zset_builder_done(&p.b);
    return code;
}

#define STAYS_MAX 256 /* members of a listpack that is looked at for staying as it is */

/* Whether HASH was not among those in SEEN yet; it is then. */
static bool is_new(uint64_t *seen, uint64_t hash)
{
    hash += hash == 0;
    uint64_t i = hash % (STAYS_MAX * 2);
    for (; seen[i] != 0; i = (i + 1) % (STAYS_MAX * 2))
        if (seen[i] == hash)
            return false;
    seen[i] = hash;
    return true;
}

/* Whether the valid listpack LP is all that a small sorted set is to be. */
static bool may_stay(const struct keyspace *ks, const unsigned char *lp, uint64_t entries)
{
    uint64_t seen[STAYS_MAX * 2] = {0}, longest = 0;
    char scratch[2][NUMBER_TEXT_MAX], digits[NUMBER_TEXT_MAX];
    struct slice last = {0};
    double last_score = -INFINITY;
    if (entries % 2 != 0 || entries / 2 > STAYS_MAX)
        return false;
    size_t at = LISTPACK_HEAD;
    for (uint64_t i = 0; i < entries / 2; i++) {
        struct slice member = zset_pack_text(lp, at, scratch[i % 2]);
        at = listpack_next(lp, at);
        double score;
        if (!number_to_double(zset_pack_text(lp, at, digits), &score) || score < last_score ||
            (score == last_score && i > 0 && zset_compare_members(last, member) >= 0) ||
            !is_new(seen, keyspace_hash(ks, member)))
            return false;
        at = listpack_next(lp, at);
        longest = member.len > longest ? member.len : longest;
        last = member;
        last_score = score;
    }
    return zset_is_small(zset_options_of(ks), entries / 2, longest);
}

static int load_listpack(struct slice bytes, struct db *db, const struct object_meta *meta)
{
    const unsigned char *lp = (const unsigned char *)bytes.ptr;
    struct keyspace *ks = db_keyspace(db);
    struct listpack_shape shape;
    int code = listpack_validate(lp, bytes.len, &shape, NULL, NULL);
    if (code != 0)
        return code;
    if (shape.count == 0)
        return MR_E_NO_KEY;
    if (!may_stay(ks, lp, shape.count))
        return load_packed(bytes, false, db, meta);
    struct buf pack = {0};
    struct entry_value v;
    code = buf_try_grow(&pack, shape.bytes);
    if (code == 0) {
        listpack_load((unsigned char *)pack.data, lp, &shape);
        code = entry_value_packed(&v, keyspace_arena(ks), slice_of(pack.data, shape.bytes));
    }
    if (code == 0)
        code = db_load_value(db, meta->key, OBJECT_ZSET, &v, meta->expiry_ms, meta->idle_s, meta->freq);
    buf_done(&pack);
    return code;
}

int zset_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                  void **partial)
{
    struct slice bytes = {0};
    if (rdb_type == RDB_TEXTS || rdb_type == RDB_DOUBLES)
        return load_members(in, rdb_type, db, meta, partial);
    if (db == NULL)
        return rdb_skip_string(in);
    int code = rdb_read_string(in, &bytes);
    if (code != 0)
        return code;
    return rdb_type == RDB_ZIPLIST ? load_packed(bytes, true, db, meta) : load_listpack(bytes, db, meta);
}

/* --- saving --- */

unsigned zset_rdb_type(const struct keyspace *ks, const struct entry *e)
{
    (void)ks;
    return entry_is_packed(e) ? RDB_LISTPACK : RDB_DOUBLES;
}

void zset_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e)
{
    struct zset z;
    struct zset_walk walk;
    struct zset_item item;
    zset_open(&z, ks, e);
    if (z.big == NULL) {
        rdb_write_string(out, slice_of(z.lp, listpack_bytes(z.lp)));
        return;
    }
    rdb_write_len(out, zset_count(&z));
    zset_walk_begin(&walk, &z, 0, UINT64_MAX, true);
    while (out->code == 0 && zset_walk_next(&walk, &item)) {
        rdb_write_string(out, item.member);
        rdb_write_double(out, item.score);
    }
}
