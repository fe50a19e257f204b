/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that writes to databases against a plain array of what should be in them: random
 * commands, values of several types, all three ways to treat a key whose time has come, and
 * every event that is told. The model knows exactly what is stored, the keys that are due
 * included: one goes when its event "expired" has come, and not before.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "fake_type.h"
#include "keyspace/keyspace.h"
#include "unit.h"

#define START   1700000000000
#define KEYS    60
#define DBS     2
#define TOLD    16
#define LONGEST 700000

struct value {
    unsigned type;
    size_t len; /* of TEXT; else nodes */
    char *text; /* a string, or packed bytes; NULL: an object */
    uint64_t tag;
};

struct key {
    bool there;
    struct value v;
    int64_t expiry_ms;
};

struct told {
    unsigned class_, db, key;
    const char *name;
};

static struct {
    struct keyspace *ks;
    struct random r;
    int64_t now;
    enum keyspace_expiry_mode mode;
    struct key keys[DBS][KEYS];
    struct told told[TOLD];
    unsigned told_count, told_read;
    unsigned flushed, swapped;
    uint64_t expired;
} m;

/* --- the model's own --- */

static uint64_t below(uint64_t n)
{
    return random_below(&m.r, n);
}

static struct slice key_of(unsigned i)
{
    static char text[9000];
    static const unsigned lengths[] = {3, 12, 16, 40, 250, 260, 4090, 4100, 8500};
    memset(text, 'k', sizeof text);
    text[0] = (char)('0' + i / 10);
    text[1] = (char)('0' + i % 10);
    return slice_of(text, lengths[i % (sizeof lengths / sizeof *lengths)]);
}

static uint64_t hash_of(unsigned i)
{
    return keyspace_hash(m.ks, key_of(i));
}

static struct db *db_of(unsigned d)
{
    return keyspace_db(m.ks, d);
}

static void value_free(struct value *v)
{
    free(v->text);
    *v = (struct value){0};
}

static void value_text(struct value *v, unsigned type, const char *text, size_t len)
{
    *v = (struct value){.type = type, .len = len, .text = malloc(len + 1)};
    must(v->text != NULL);
    memcpy(v->text, text, len);
}

static void forget(struct key *k)
{
    value_free(&k->v);
    k->there = false;
}

static bool is_due(const struct key *k)
{
    return k->expiry_ms >= 0 && k->expiry_ms <= m.now;
}

static bool is_live(const struct key *k)
{
    return k->there && (!is_due(k) || m.mode == KEYSPACE_SHOW);
}

/* --- events --- */

static void event(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                  struct slice key)
{
    (void)owner;
    unsigned i = (unsigned)(key.ptr[0] - '0') * 10 + (unsigned)(key.ptr[1] - '0');
    must(slice_equal(key, key_of(i)) && db_index(db) < DBS);
    if (class_ == EVENT_EXPIRED) {
        struct key *k = &m.keys[db_index(db)][i];
        must(strcmp(name, "expired") == 0 && m.mode == KEYSPACE_EXPIRE);
        must(k->there && is_due(k));
        must(db_find(db, key, hash_of(i), DB_NO_TOUCH) == NULL);
        forget(k);
        m.expired++;
        return;
    }
    must(m.told_count < TOLD);
    m.told[m.told_count++] = (struct told){(unsigned)class_, db_index(db), i, name};
}

static void flushed(void *owner, struct db *db)
{
    (void)owner;
    m.flushed += 1 + db_index(db);
}

static void swapped(void *owner, struct db *db, struct db *other)
{
    (void)owner;
    m.swapped += db != other;
}

static struct keyspace_observer observer = {
    .classes = EVENT_CLASSES, .event = event, .flushed = flushed, .swapped = swapped};

static void expect(unsigned class_, const char *name, unsigned d, unsigned i)
{
    must(m.told_read < m.told_count);
    const struct told *t = &m.told[m.told_read++];
    must(t->class_ == class_ && t->db == d && t->key == i);
    must(strcmp(t->name, name) == 0);
}

static void expect_replaced(bool was, unsigned was_type, unsigned type, unsigned d, unsigned i)
{
    if (!was)
        return;
    expect(EVENT_OVERWRITTEN, "overwritten", d, i);
    if (was_type != type)
        expect(EVENT_TYPE_CHANGED, "type_changed", d, i);
}

static void expect_end(void)
{
    must(m.told_read == m.told_count);
    m.told_read = m.told_count = 0;
}

/* --- comparing --- */

static bool same_value(const struct entry *e, const struct value *v)
{
    char scratch[NUMBER_TEXT_MAX];
    if (entry_type(e) != v->type)
        return false;
    if (v->text == NULL)
        return fake_is(m.ks, e, v->len, v->tag);
    if (v->type != OBJECT_STRING && (!entry_is_packed(e) || entry_encoding(e) == ENTRY_EDITED))
        return false;
    struct slice s = v->type == OBJECT_STRING ? entry_string(keyspace_arena(m.ks), e, scratch)
                                              : entry_packed(keyspace_arena(m.ks), e);
    return slice_equal(s, slice_of(v->text, v->len));
}

static void check(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    const struct entry *e = db_find(db_of(d), key_of(i), hash_of(i), 0);
    must((e != NULL) == is_live(k));
    must(m.mode != KEYSPACE_EXPIRE || !k->there || !is_due(k));
    if (e == NULL)
        return;
    must(slice_equal(entry_key(e), key_of(i)));
    must(entry_expiry(e) == k->expiry_ms);
    must(same_value(e, &k->v));
}

struct walk {
    unsigned d, seen;
};

static bool walk_one(void *arg, struct entry *e)
{
    struct walk *w = arg;
    struct slice key = entry_key(e);
    const struct key *k = &m.keys[w->d][(key.ptr[0] - '0') * 10 + key.ptr[1] - '0'];
    must(is_live(k) && same_value(e, &k->v));
    w->seen++;
    return true;
}

static void scan_one(void *arg, struct entry *e)
{
    walk_one(arg, e);
}

static void check_all(void)
{
    for (unsigned d = 0; d < DBS; d++) {
        struct walk each = {.d = d}, scan = {.d = d};
        unsigned there = 0, live = 0, expires = 0;
        for (unsigned i = 0; i < KEYS; i++) {
            const struct key *k = &m.keys[d][i];
            there += k->there;
            live += is_live(k);
            expires += k->there && k->expiry_ms >= 0;
        }
        must(db_size(db_of(d)) == there && db_expires(db_of(d)) == expires);
        db_each(db_of(d), walk_one, &each);
        must(each.seen == live);
        uint64_t cursor = 0;
        while ((cursor = db_scan(db_of(d), cursor, scan_one, &scan)) != 0)
            continue;
        must(scan.seen >= live);
        const struct entry *e = db_random(db_of(d));
        must(e == NULL || walk_one(&each, (struct entry *)(uintptr_t)e));
        must(e != NULL || live == 0 || m.mode != KEYSPACE_SHOW);
    }
}

/* --- commands --- */

static size_t random_length(void)
{
    static const size_t edges[] = {0, 1, 5, 30, 32, 250, 253, 254, 255, 1020, 1023, 1024, 1025, 1030};
    switch (below(16)) {
    case 0:
        return below(LONGEST);
    case 1:
    case 2:
        return below(6000);
    case 3:
    case 4:
        return below(300);
    default:
        return edges[below(sizeof edges / sizeof *edges)];
    }
}

static void random_text(struct value *v)
{
    static char text[LONGEST];
    size_t len = random_length();
    if (below(4) == 0)
        len = (size_t)snprintf(text, sizeof text, "%lld", (long long)random_next(&m.r) >> below(64));
    else
        memset(text, 'a' + (int)below(26), len);
    value_text(v, OBJECT_STRING, text, len);
}

static int64_t random_expiry(void)
{
    switch (below(5)) {
    case 0:
        return m.now + (int64_t)below(100000);
    case 1:
        return INT64_MAX - (int64_t)below(3);
    case 2:
        return 1 + (int64_t)below(START);
    default:
        return m.now + (int64_t)below(50);
    }
}

/* The expiry of a write over K; *RET what it will be. */
static int64_t choose_expiry(const struct key *k, int64_t *ret)
{
    switch (below(3)) {
    case 0:
        *ret = is_live(k) ? k->expiry_ms : -1;
        return DB_EXPIRY_KEEP;
    case 1:
        return *ret = random_expiry();
    default:
        return *ret = DB_EXPIRY_NONE;
    }
}

static void store(struct key *k, struct value v, int64_t expiry_ms)
{
    value_free(&k->v);
    *k = (struct key){.there = true, .v = v, .expiry_ms = expiry_ms};
}

/* A string, or packed bytes, or an object. */
static void random_value(struct value *v, struct entry_value *put)
{
    if (below(3) == 0) {
        value_text(v, OBJECT_STRING, "a text", 6);
        entry_value_inline(put, slice_of(v->text, v->len));
    } else if (below(2) == 0) {
        random_text(v);
        v->type = OBJECT_LIST;
        must(entry_value_packed(put, keyspace_arena(m.ks), slice_of(v->text, v->len)) == 0);
        must(put->encoding == (v->len > ENTRY_INLINE_MAX ? ENTRY_POINTER : ENTRY_INLINE));
    } else {
        *v = (struct value){.type = OBJECT_LIST, .len = below(200), .tag = random_next(&m.r)};
        fake_make(m.ks, v->len, v->tag, put);
    }
}

/* Db_set_string, or db_put of a string or of another type. */
static void do_set(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    bool was = is_live(k);
    unsigned was_type = k->v.type;
    int64_t expiry;
    int64_t given = choose_expiry(k, &expiry);
    struct value v;
    bool as_new = false;
    if (below(4) != 0) {
        random_text(&v);
        must(db_set_string(db_of(d), key_of(i), hash_of(i), slice_of(v.text, v.len), given) == 0);
    } else {
        struct entry_value put;
        random_value(&v, &put);
        as_new = below(2) == 0;
        must((as_new ? db_put_as_new : db_put)(db_of(d), key_of(i), hash_of(i), v.type, &put, given) == 0);
    }
    if (!was || as_new)
        expect(EVENT_NEW, "new", d, i);
    if (as_new)
        db_event_replaced(db_of(d), key_of(i));
    expect_replaced(was, was_type, v.type, d, i);
    store(k, v, expiry);
}

static struct entry *find(unsigned d, unsigned i)
{
    struct entry *e = db_find(db_of(d), key_of(i), hash_of(i), below(2) == 0 ? DB_NO_TOUCH : 0);
    must((e != NULL) == is_live(&m.keys[d][i]));
    return e;
}

static void do_integer(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    struct entry *e = find(d, i);
    if (e != NULL && k->v.type != OBJECT_STRING)
        return;
    int64_t integer = (int64_t)random_next(&m.r) >> below(64);
    must(db_store_integer(db_of(d), e, key_of(i), hash_of(i), integer) == 0);
    if (e == NULL)
        expect(EVENT_NEW, "new", d, i);
    int64_t expiry = e == NULL ? -1 : k->expiry_ms;
    char text[NUMBER_TEXT_MAX];
    struct value v;
    value_text(&v, OBJECT_STRING, text, number_from_int(text, integer));
    store(k, v, expiry);
    const struct entry *made = find(d, i);
    must(made != NULL && entry_integer(made, &integer));
}

static void do_edit(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    struct entry *e = find(d, i);
    if (e != NULL && k->v.type != OBJECT_STRING)
        return;
    size_t was = e == NULL ? 0 : k->v.len;
    /* Mostly a little more; sometimes less, or any other length. */
    size_t len = below(4) == 0 ? random_length() : was + below(40);
    if (len > LONGEST)
        len = LONGEST;
    char *bytes;
    must(db_edit_string(db_of(d), e, key_of(i), hash_of(i), len, &bytes) == 0);
    if (e == NULL)
        expect(EVENT_NEW, "new", d, i);
    size_t keep = was < len ? was : len;
    must(keep == 0 || memcmp(bytes, k->v.text, keep) == 0);
    for (size_t at = keep; at < len; at++)
        must(bytes[at] == 0);
    if (len != 0) {
        size_t from = below(len);
        memset(bytes + from, 'A' + (int)below(26), below(len - from + 1));
    }
    struct value v;
    value_text(&v, OBJECT_STRING, len == 0 ? "" : bytes, len);
    store(k, v, e == NULL ? -1 : k->expiry_ms);
}

/* Packed bytes that are made, grow or shrink; an object that becomes such. */
static void do_edit_packed(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    struct entry *e = find(d, i);
    if (e != NULL && k->v.type != OBJECT_LIST)
        return;
    uint64_t dirty = keyspace_dirty(m.ks);
    size_t was = e == NULL || k->v.text == NULL ? 0 : k->v.len;
    size_t len = below(4) == 0 ? random_length() : below(3) == 0 ? was - below(was + 1) : was + below(40);
    if (len > LONGEST)
        len = LONGEST;
    char *bytes;
    must(db_edit_packed(db_of(d), e, key_of(i), hash_of(i), OBJECT_LIST, len, &bytes) == 0);
    must(keyspace_dirty(m.ks) == dirty + 1);
    if (e == NULL)
        expect(EVENT_NEW, "new", d, i);
    size_t keep = was < len ? was : len;
    must(keep == 0 || memcmp(bytes, k->v.text, keep) == 0);
    if (len > keep)
        memset(bytes + keep, 'p', len - keep);
    if (len != 0)
        bytes[below(len)] = (char)('A' + (int)below(26));
    struct value v;
    value_text(&v, OBJECT_LIST, len == 0 ? "" : bytes, len);
    store(k, v, e == NULL ? -1 : k->expiry_ms);
    const struct entry *made = find(d, i);
    must(made != NULL && entry_packed(keyspace_arena(m.ks), made).ptr == bytes);
    must(entry_encoding(made) != ENTRY_INLINE || len <= ENTRY_INLINE_MAX);
    /* What has become small does not keep what it was. */
    must(len > ENTRY_INLINE_MAX / 2 || entry_encoding(made) == ENTRY_INLINE);
    must(db_memory(db_of(d), made, 0) < 2 * (len + key_of(i).len) + 2500 + len / 8);
}

/* An object that is made, of nothing, of packed bytes or of another one, or that grows. */
static void do_object(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    struct entry *e = find(d, i);
    if (e != NULL && k->v.type != OBJECT_LIST)
        return;
    uint64_t dirty = keyspace_dirty(m.ks);
    struct value v = {.type = OBJECT_LIST, .len = below(150), .tag = random_next(&m.r)};
    if (e != NULL && k->v.text == NULL && below(2) == 0) {
        v.tag = k->v.tag;
        struct fake_root *root = entry_object(keyspace_arena(m.ks), e);
        fake_add(m.ks, root, v.len, v.tag);
        v.len += k->v.len;
        if (below(3) == 0)
            must(db_set_object(db_of(d), e, key_of(i), hash_of(i), OBJECT_LIST, root) == 0);
        else
            db_changed(db_of(d), e);
    } else {
        struct fake_root *root = fake_new(m.ks, v.len, v.tag);
        must(db_set_object(db_of(d), e, key_of(i), hash_of(i), OBJECT_LIST, root) == 0);
        if (e == NULL)
            expect(EVENT_NEW, "new", d, i);
    }
    must(keyspace_dirty(m.ks) == dirty + 1);
    store(k, v, e == NULL ? -1 : k->expiry_ms);
    e = find(d, i);
    must(e != NULL && db_memory(db_of(d), e, 0) >= v.len * sizeof(struct fake_node));
}

static void do_delete_entry(unsigned d, unsigned i)
{
    struct entry *e = find(d, i);
    uint64_t dirty = keyspace_dirty(m.ks);
    if (e == NULL)
        return;
    db_delete_entry(db_of(d), e);
    must(keyspace_dirty(m.ks) == dirty + 1);
    forget(&m.keys[d][i]);
}

/* As a loader; where the key is there already, nothing happens. */
static void do_load(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    bool was = k->there;
    uint64_t dirty = keyspace_dirty(m.ks);
    int64_t expiry = below(2) == 0 ? DB_EXPIRY_NONE : random_expiry();
    struct value v;
    struct entry_value put;
    random_value(&v, &put);
    must(db_load_value(db_of(d), key_of(i), v.type, &put, expiry, -1, -1) == 0);
    must(keyspace_load_flush(m.ks) == (was ? MR_E_CORRUPT : 0) && keyspace_dirty(m.ks) == dirty);
    if (was)
        value_free(&v);
    else
        store(k, v, expiry);
    db_find(db_of(d), key_of(i), hash_of(i), 0);
}

/* A copy, as COPY makes it of packed bytes, under another name. */
static void do_copy(unsigned d, unsigned i)
{
    unsigned to = (unsigned)below(KEYS);
    struct key *k = &m.keys[d][i], *target = &m.keys[d][to];
    const struct entry *e = find(d, i);
    struct entry_value put;
    if (e == NULL || to == i || k->v.text == NULL)
        return;
    /* Looking for the other key may take one away that is due. */
    bool was = db_find(db_of(d), key_of(to), hash_of(to), DB_NO_TOUCH) != NULL;
    unsigned was_type = target->v.type;
    e = find(d, i);
    must(entry_value_copy(&put, keyspace_arena(m.ks), e) == 0);
    must(db_put_as_new(db_of(d), key_of(to), hash_of(to), k->v.type, &put, entry_expiry(e)) == 0);
    expect(EVENT_NEW, "new", d, to);
    db_event_replaced(db_of(d), key_of(to));
    expect_replaced(was, was_type, k->v.type, d, to);
    struct value v;
    value_text(&v, k->v.type, k->v.text, k->v.len);
    store(target, v, k->expiry_ms);
}

/* From one name to another one, of the same database or of another one. */
static void do_move(unsigned d, unsigned i)
{
    unsigned to_d = (unsigned)below(DBS), to = (unsigned)below(KEYS);
    struct key *k = &m.keys[d][i], *target = &m.keys[to_d][to];
    struct entry *e = find(d, i), *moved;
    if (e == NULL)
        return;
    bool same = k == target, was = is_live(target);
    unsigned was_type = target->v.type;
    must(db_move(db_of(d), e, db_of(to_d), key_of(to), hash_of(to), &moved) == 0);
    must(slice_equal(entry_key(moved), key_of(to)) &&
         (same || !target->there || !is_due(target) || was || m.mode == KEYSPACE_HIDE));
    if (!same)
        expect(EVENT_NEW, "new", to_d, to);
    db_event_replaced(db_of(to_d), key_of(to));
    if (same)
        return;
    expect_replaced(was, was_type, k->v.type, to_d, to);
    store(target, k->v, k->expiry_ms);
    *k = (struct key){0};
}

/* A value that is made apart and then let in, as RESTORE does. */
static void do_restore(unsigned d, unsigned i)
{
    struct db *scratch = keyspace_scratch(m.ks);
    struct key *k = &m.keys[d][i];
    bool was = is_live(k);
    unsigned was_type = k->v.type;
    uint64_t dirty = keyspace_dirty(m.ks);
    int64_t expiry = below(2) == 0 ? DB_EXPIRY_NONE : random_expiry();
    struct value v;
    random_text(&v);
    must(db_set_string(scratch, key_of(7), hash_of(7), slice_of(v.text, v.len), expiry) == 0);
    must(keyspace_dirty(m.ks) == dirty && m.told_count == 0);
    struct entry *e = db_find(scratch, key_of(7), hash_of(7), 0);
    must(e != NULL && same_value(e, &v));
    must(db_move(scratch, e, db_of(d), key_of(i), hash_of(i), NULL) == 0);
    must(keyspace_dirty(m.ks) == dirty + 1 && db_size(scratch) == 0 && db_expires(scratch) == 0);
    expect(EVENT_NEW, "new", d, i);
    db_event_replaced(db_of(d), key_of(i));
    expect_replaced(was, was_type, OBJECT_STRING, d, i);
    store(k, v, expiry);
    /* It may have come with a time that is past, which the next look finds. */
    db_find(db_of(d), key_of(i), hash_of(i), 0);
}

static void do_delete(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    bool live = is_live(k);
    must(db_delete(db_of(d), key_of(i), hash_of(i)) == live);
    if (live)
        forget(k);
}

static void do_expiry(unsigned d, unsigned i)
{
    struct key *k = &m.keys[d][i];
    struct entry *e = find(d, i);
    if (e == NULL)
        return;
    if (below(3) == 0) {
        must(db_clear_expiry(db_of(d), e) == (k->expiry_ms >= 0));
        k->expiry_ms = -1;
    } else {
        k->expiry_ms = random_expiry();
        db_set_expiry(db_of(d), e, k->expiry_ms);
    }
}

/* The keyspace remembers a duplicate until the next addition. */
static void forget_duplicate(void)
{
    struct entry_value v;
    entry_value_integer(&v, 1);
    must(db_load_value(db_of(0), slice_of("", (size_t)1 << 50), OBJECT_STRING, &v, -1, -1, -1) ==
         MR_E_MEMORY);
}

static void do_impossible(unsigned d, unsigned i)
{
    size_t huge = (size_t)1 << (below(2) == 0 ? 50 : 62);
    struct key *k = &m.keys[d][i];
    struct slice key = key_of(i), never_read = slice_of("", huge);
    struct entry *e = find(d, i);
    struct entry_value v;
    char *bytes;
    forget_duplicate();
    while (keyspace_background(m.ks, 1000))
        continue;
    e = find(d, i);
    uint64_t dirty = keyspace_dirty(m.ks);
    size_t used = keyspace_arena(m.ks)->used;
    must(db_set_string(db_of(d), key, hash_of(i), never_read, DB_EXPIRY_NONE) == MR_E_MEMORY);
    if (e == NULL || k->v.type == OBJECT_STRING)
        must(db_edit_string(db_of(d), e, key, hash_of(i), huge, &bytes) == MR_E_MEMORY);
    else
        must(db_edit_packed(db_of(d), e, key, hash_of(i), OBJECT_LIST, huge, &bytes) == MR_E_MEMORY);
    must(db_edit_packed(db_of(d), NULL, never_read, 7, OBJECT_LIST, 1, &bytes) == MR_E_MEMORY);
    must(db_set_object(db_of(d), NULL, never_read, 7, OBJECT_LIST, m.ks) == MR_E_MEMORY);
    must(entry_value_packed(&v, keyspace_arena(m.ks), never_read) == MR_E_MEMORY);
    fake_make(m.ks, below(3000), 1, &v);
    must(db_put(db_of(d), never_read, 7, OBJECT_LIST, &v, DB_EXPIRY_NONE) == MR_E_MEMORY);
    if (below(2) == 0)
        keyspace_free_value(m.ks, OBJECT_LIST, &v);
    else
        must(db_load_value(db_of(d), never_read, OBJECT_LIST, &v, -1, -1, -1) == MR_E_MEMORY);
    entry_value_integer(&v, 7);
    must(db_put(db_of(d), never_read, 7, OBJECT_STRING, &v, DB_EXPIRY_NONE) == MR_E_MEMORY);
    must(db_store_integer(db_of(d), NULL, never_read, 7, 7) == MR_E_MEMORY);
    if (e != NULL)
        must(db_move(db_of(d), e, db_of(0), never_read, 7, NULL) == MR_E_MEMORY);
    /* A big value that found no place goes in slices. */
    while (keyspace_background(m.ks, 1000))
        continue;
    must(keyspace_dirty(m.ks) == dirty && keyspace_arena(m.ks)->used == used);
}

static void do_miss(unsigned d, unsigned i)
{
    if (db_find(db_of(d), key_of(i), hash_of(i), DB_COUNT) == NULL)
        expect(EVENT_MISS, "keymiss", d, i);
}

static void do_tick(void)
{
    static const int64_t ticks[] = {1, 1, 1, 20, 1000};
    m.now += ticks[below(sizeof ticks / sizeof *ticks)];
    clock_freeze_ms(m.now);
    while (below(2) == 0)
        keyspace_expire(m.ks, m.now, 1 + (unsigned)below(20));
    if (below(4) == 0) {
        m.mode = (enum keyspace_expiry_mode)below(3);
        keyspace_set_expiry_mode(m.ks, m.mode);
        must(m.mode == KEYSPACE_EXPIRE || keyspace_expire_deadline(m.ks) == INT64_MAX);
    }
}

static void do_flush(unsigned d)
{
    unsigned before = m.flushed;
    db_flush(db_of(d));
    must(m.flushed == before + 1 + d);
    for (unsigned i = 0; i < KEYS; i++)
        forget(&m.keys[d][i]);
}

static void do_swap(void)
{
    static struct key old[KEYS];
    unsigned before = m.swapped;
    keyspace_swap(m.ks, 0, 1);
    must(m.swapped == before + 1);
    memcpy(old, m.keys[0], sizeof old);
    memcpy(m.keys[0], m.keys[1], sizeof old);
    memcpy(m.keys[1], old, sizeof old);
}

static void (*const commands[])(unsigned d, unsigned i) = {
    do_set,         do_set,    do_set,        do_integer,      do_integer,     do_edit,
    do_edit,        do_edit,   do_edit,       do_move,         do_move,        do_restore,
    do_delete,      do_delete, do_miss,       do_expiry,       do_expiry,      do_expiry,
    do_expiry,      do_copy,   do_impossible, do_edit_packed,  do_edit_packed, do_edit_packed,
    do_edit_packed, do_object, do_object,     do_delete_entry, do_load,
};

static void step(void)
{
    unsigned d = (unsigned)below(DBS), i = (unsigned)below(KEYS);
    if (below(8) == 0)
        do_tick();
    /* A look, so that what is due and goes by that has gone before the model is asked. */
    db_find(db_of(d), key_of(i), hash_of(i), DB_NO_TOUCH);
    commands[below(sizeof commands / sizeof *commands)](d, i);
    expect_end();
    check(d, i);
    if (below(8) == 0)
        keyspace_background(m.ks, 1);
    if (below(2000) == 0)
        do_flush(d);
    if (below(300) == 0)
        do_swap();
    if (below(64) == 0)
        check_all();
}

static void set_up(void)
{
    clock_update();
    clock_freeze_ms(START);
    memset(&m, 0, sizeof m);
    m.now = START;
    m.ks = keyspace_new(DBS);
    keyspace_set_types(m.ks, &fake_types);
    keyspace_add_observer(m.ks, &observer);
}

static void tear_down(void)
{
    keyspace_free(m.ks);
    for (unsigned d = 0; d < DBS; d++)
        for (unsigned i = 0; i < KEYS; i++)
            forget(&m.keys[d][i]);
    clock_freeze_ms(0);
}

START_TEST(everything_agrees_with_the_model)
{
    random_init_seed(&m.r, (uint64_t)_i + 1);
    for (unsigned n = 0; n < 40000; n++)
        step();
    must(m.expired > 50);
    for (unsigned d = 0; d < DBS; d++) {
        for (unsigned i = 0; i < KEYS; i++) {
            db_find(db_of(d), key_of(i), hash_of(i), DB_NO_TOUCH);
            check(d, i);
        }
        do_flush(d);
    }
    db_flush(keyspace_scratch(m.ks));
    forget_duplicate();
    while (keyspace_background(m.ks, 1000))
        continue;
    must(!keyspace_is_freeing(m.ks));
    ck_assert_uint_eq(keyspace_arena(m.ks)->used, 0);
}
END_TEST

UNIT_SUITE(keyspace_db_model)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, everything_agrees_with_the_model, 0, 4);
}
