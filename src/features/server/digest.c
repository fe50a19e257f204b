/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See digest.h. A value is asked for in the form in which it is saved, which every type has, and
 * taken apart again here: texts one after the other are chained, each hashed with what the ones
 * before came to as the key; parts whose order means nothing are added up.
 *
 *   string   its text                       list     its elements, chained
 *   set      the members' sum               hash     the sum of name, value, expiry
 *   zset     the sum of member, score
 *   stream   its entries (id, names and values), chained; the figures; the groups as they are saved,
 *            without the times at which consumers were seen
 *
 * What is saved in a form that is not known here counts by its bytes.
 */
#include "features/server/digest.h"

#include <stdio.h>
#include <string.h>

#include "base/little.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "container/intset.h"
#include "container/listpack.h"
#include "keyspace/siphash.h"

enum {
    FORM_STRING = 0,
    FORM_SET = 2,
    FORM_HASH = 4,
    FORM_ZSET = 5,
    FORM_SET_INTS = 11,
    FORM_HASH_PACKED = 16,
    FORM_ZSET_PACKED = 17,
    FORM_LIST = 18,
    FORM_STREAM = 19,
    FORM_SET_PACKED = 20,
    FORM_STREAM_ACTIVE = 21,
    FORM_HASH_TIMES = 24,
    FORM_STREAM_IDMP = 26,
    FORM_STREAM_BACK = 27,
    FORM_SET_TIMES = 35,
};

enum { NODE_PLAIN = 1, ENTRY_DELETED = 1, ENTRY_SAME_NAMES = 2, ID_BYTES = 16 };

/* --- chains and sums --- */

static void chain(struct digest *d, const void *data, size_t len)
{
    const uint64_t low[2] = {d->low, d->high}, high[2] = {d->high ^ len, ~d->low};
    d->low = siphash(low, data, len, 1, 2);
    d->high = siphash(high, data, len, 1, 2);
}

static void chain_slice(struct digest *d, struct slice s)
{
    chain(d, s.ptr, s.len);
}

static void chain_number(struct digest *d, uint64_t n)
{
    char raw[8];
    little_store64(raw, n);
    chain(d, raw, sizeof raw);
}

static void chain_double(struct digest *d, double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value; /* the sign of nothing is kept by some encodings only */
    memcpy(&bits, &value, sizeof bits);
    chain_number(d, bits);
}

static void chain_digest(struct digest *d, struct digest part)
{
    chain_number(d, part.low);
    chain_number(d, part.high);
}

static void add(struct digest *sum, struct digest d)
{
    sum->high += d.high + __builtin_add_overflow(sum->low, d.low, &sum->low);
}

/* --- what is read here was written a moment ago, so a fault is one of memory --- */

struct value {
    struct rdb_reader in;
    struct digest digest;
    int code;
};

static uint64_t take_len(struct value *v)
{
    uint64_t len = 0;
    if (v->code == 0)
        v->code = rdb_read_len(&v->in, &len);
    return v->code == 0 ? len : 0;
}

static uint64_t take_u64(struct value *v)
{
    uint64_t n = 0;
    if (v->code == 0)
        v->code = rdb_read_u64(&v->in, &n);
    return v->code == 0 ? n : 0;
}

/* Valid until the next one. */
static struct slice take_string(struct value *v)
{
    struct slice s = {0};
    if (v->code == 0)
        v->code = rdb_read_string(&v->in, &s);
    return v->code == 0 ? s : slice_of(NULL, 0);
}

static struct slice take_bytes(struct value *v, size_t len)
{
    struct slice s = {0};
    if (v->code == 0)
        v->code = rdb_read_bytes(&v->in, len, &s);
    return v->code == 0 ? s : slice_of(NULL, 0);
}

/* A walk over the entries of a listpack. */
struct pack {
    const unsigned char *lp;
    size_t at; /* 0: the end */
    char scratch[NUMBER_TEXT_MAX];
};

static void pack_begin(struct value *v, struct pack *p)
{
    struct slice bytes = take_string(v);
    p->lp = (const unsigned char *)bytes.ptr;
    p->at = v->code == 0 ? listpack_first(p->lp) : 0;
}

static struct slice pack_text(struct pack *p)
{
    struct listpack_value value;
    listpack_get(p->lp, p->at, &value);
    p->at = listpack_next(p->lp, p->at);
    return listpack_text(&value, p->scratch);
}

static int64_t pack_integer(struct pack *p)
{
    struct listpack_value value;
    listpack_get(p->lp, p->at, &value);
    p->at = listpack_next(p->lp, p->at);
    return value.integer;
}

/* --- types --- */

static void take_list(struct value *v)
{
    struct pack p;
    for (uint64_t nodes = take_len(v); nodes > 0 && v->code == 0; nodes--) {
        if (take_len(v) == NODE_PLAIN) {
            chain_slice(&v->digest, take_string(v));
            continue;
        }
        pack_begin(v, &p);
        while (p.at != 0)
            chain_slice(&v->digest, pack_text(&p));
    }
}

static void take_ints(struct value *v)
{
    char text[NUMBER_TEXT_MAX];
    const unsigned char *set = (const unsigned char *)take_string(v).ptr;
    uint32_t count = v->code == 0 ? intset_count(set) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct digest d = {0};
        struct listpack_value member = listpack_value_int(intset_at(set, i));
        chain_slice(&d, listpack_text(&member, text));
        add(&v->digest, d);
    }
}

/* A set or a hash (PAIRS); with TIMES that are counted from LEAST. */
static void take_strings(struct value *v, bool pairs, bool times)
{
    uint64_t least = times ? take_u64(v) : 0;
    for (uint64_t count = take_len(v); count > 0 && v->code == 0; count--) {
        struct digest d = {0};
        uint64_t time = times ? take_len(v) : 0;
        chain_slice(&d, take_string(v));
        if (pairs)
            chain_slice(&d, take_string(v));
        if (time != 0)
            chain_number(&d, least + time - 1);
        add(&v->digest, d);
    }
}

static void take_packed(struct value *v, bool pairs)
{
    struct pack p;
    pack_begin(v, &p);
    while (p.at != 0) {
        struct digest d = {0};
        chain_slice(&d, pack_text(&p));
        if (pairs && p.at != 0)
            chain_slice(&d, pack_text(&p));
        add(&v->digest, d);
    }
}

static void take_zset(struct value *v)
{
    for (uint64_t count = take_len(v); count > 0 && v->code == 0; count--) {
        struct digest d = {0};
        uint64_t bits;
        double score;
        chain_slice(&d, take_string(v));
        bits = take_u64(v);
        memcpy(&score, &bits, sizeof score);
        chain_double(&d, score);
        add(&v->digest, d);
    }
}

static void take_zset_packed(struct value *v)
{
    struct pack p;
    pack_begin(v, &p);
    while (p.at != 0) {
        struct digest d = {0};
        double score = 0;
        chain_slice(&d, pack_text(&p));
        if (p.at != 0 && !number_to_double(pack_text(&p), &score))
            score = 0;
        chain_double(&d, score);
        add(&v->digest, d);
    }
}

/* --- streams --- */

/* The entries of the node with the first id MS-SEQ. Ahead of them: how many there are, how many
 * are deleted, and the names that most of them have, with a 0 behind. */
static void take_entries(struct value *v, struct pack *p, uint64_t ms, uint64_t seq)
{
    (void)pack_integer(p);
    (void)pack_integer(p);
    int64_t named = pack_integer(p);
    size_t names = p->at;
    for (int64_t i = 0; i <= named; i++)
        p->at = listpack_next(p->lp, p->at);
    while (p->at != 0) {
        int64_t flags = pack_integer(p);
        uint64_t id_ms = ms + (uint64_t)pack_integer(p), id_seq = seq + (uint64_t)pack_integer(p);
        bool same = (flags & ENTRY_SAME_NAMES) != 0;
        int64_t count = same ? named : pack_integer(p);
        struct digest d = {id_ms, id_seq};
        struct pack name = {.lp = p->lp, .at = names};
        for (int64_t i = 0; i < count; i++) {
            chain_slice(&d, pack_text(same ? &name : p));
            chain_slice(&d, pack_text(p));
        }
        p->at = listpack_next(p->lp, p->at); /* how many pieces the entry has, to be read backwards */
        if ((flags & ENTRY_DELETED) == 0)
            chain_digest(&v->digest, d);
    }
}

static void take_pending(struct value *v, bool whole)
{
    uint64_t count = take_len(v);
    chain_number(&v->digest, count);
    for (; count > 0 && v->code == 0; count--) {
        chain_slice(&v->digest, take_bytes(v, ID_BYTES));
        if (whole) {
            chain_number(&v->digest, take_u64(v));
            chain_number(&v->digest, take_len(v));
        }
    }
}

static void take_group(struct value *v, unsigned form)
{
    chain_slice(&v->digest, take_string(v));
    for (int i = 0; i < 3; i++) /* the last id's halves, entries read */
        chain_number(&v->digest, take_len(v));
    take_pending(v, true);
    uint64_t consumers = take_len(v);
    chain_number(&v->digest, consumers);
    for (; consumers > 0 && v->code == 0; consumers--) {
        chain_slice(&v->digest, take_string(v));
        (void)take_u64(v);
        if (form >= FORM_STREAM_ACTIVE)
            (void)take_u64(v);
        take_pending(v, false);
    }
    if (form < FORM_STREAM_BACK)
        return;
    for (uint64_t back = take_len(v); back > 0 && v->code == 0; back--)
        chain_slice(&v->digest, take_bytes(v, ID_BYTES));
}

static void take_stream(struct value *v, unsigned form)
{
    struct pack p;
    for (uint64_t nodes = take_len(v); nodes > 0 && v->code == 0; nodes--) {
        struct slice id = take_string(v);
        uint64_t halves[2] = {0};
        if (id.len == sizeof halves)
            memcpy(halves, id.ptr, sizeof halves);
        pack_begin(v, &p);
        if (p.at != 0)
            take_entries(v, &p, be64toh(halves[0]), be64toh(halves[1]));
    }
    for (int i = 0; i < 8; i++) /* length, last, first and greatest deleted id, entries added */
        chain_number(&v->digest, take_len(v));
    for (uint64_t groups = take_len(v); groups > 0 && v->code == 0; groups--)
        take_group(v, form);
    if (form >= FORM_STREAM_IDMP && v->code == 0)
        chain(&v->digest, v->in.data + v->in.pos, v->in.len - v->in.pos);
}

/* --- all of them --- */

static void take_form(struct value *v, unsigned form)
{
    switch (form) {
    case FORM_STRING:
        chain_slice(&v->digest, take_string(v));
        break;
    case FORM_LIST:
        take_list(v);
        break;
    case FORM_SET_INTS:
        take_ints(v);
        break;
    case FORM_SET:
    case FORM_SET_TIMES:
        take_strings(v, false, form == FORM_SET_TIMES);
        break;
    case FORM_HASH:
    case FORM_HASH_TIMES:
        take_strings(v, true, form == FORM_HASH_TIMES);
        break;
    case FORM_SET_PACKED:
    case FORM_HASH_PACKED:
        take_packed(v, form == FORM_HASH_PACKED);
        break;
    case FORM_ZSET:
        take_zset(v);
        break;
    case FORM_ZSET_PACKED:
        take_zset_packed(v);
        break;
    case FORM_STREAM:
    case FORM_STREAM_ACTIVE:
    case FORM_STREAM_IDMP:
    case FORM_STREAM_BACK:
        take_stream(v, form);
        break;
    default:
        chain(&v->digest, v->in.data, v->in.len);
    }
}

int digest_value(const struct object_types *types, const struct keyspace *ks, const struct entry *e,
                 struct digest *ret)
{
    const struct object_type *type = object_types_of(types, e);
    struct buf bytes = {0};
    struct rdb_writer out = {.out = &bytes};
    type->save(&out, ks, e);
    struct value v = {.in = {.data = bytes.data, .len = bytes.len}, .code = out.code};
    if (v.code == 0)
        take_form(&v, type->rdb_type(ks, e));
    *ret = (struct digest){type->number, 0};
    chain_digest(ret, v.digest);
    rdb_reader_done(&v.in);
    buf_done(&bytes);
    return v.code == 0 ? 0 : MR_E_MEMORY;
}

struct all {
    const struct object_types *types;
    struct db *db;
    struct digest sum;
    int code;
};

static bool add_key(void *arg, struct entry *e)
{
    struct all *all = arg;
    struct digest value, d = {db_index(all->db), entry_expiry(e) != DB_EXPIRY_NONE};
    all->code = digest_value(all->types, db_keyspace(all->db), e, &value);
    chain_slice(&d, entry_key(e));
    chain_digest(&d, value);
    add(&all->sum, d);
    return all->code == 0;
}

int digest_all(const struct object_types *types, struct keyspace *ks, struct digest *ret)
{
    struct all all = {.types = types};
    for (unsigned i = 0; i < keyspace_databases(ks) && all.code == 0; i++) {
        all.db = keyspace_db(ks, i);
        db_each(all.db, add_key, &all);
    }
    *ret = all.sum;
    return all.code;
}

const char *digest_text(struct digest d, char *buf)
{
    uint64_t fold = d.low * 0x9e3779b97f4a7c15 ^ d.high;
    snprintf(buf, DIGEST_TEXT_MAX, "%016llx%016llx%08llx", (unsigned long long)d.high,
             (unsigned long long)d.low, (unsigned long long)(fold >> 32));
    return buf;
}
