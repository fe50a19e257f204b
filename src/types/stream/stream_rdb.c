/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams in RDB:
 *
 *   | len nodes | per node: string: 16-byte first id, high bytes first | string: stream_pack.c |
 *   | len length | len ms, len seq of the last id |
 *   | first id, highest deleted id: len ms, len seq each | len entries ever added |  (not in type 15)
 *   | groups: stream_group_rdb.c |
 *   | idempotent additions: stream_idmp_object.c |  (from type 26 on)
 *
 * Written is 19, where nothing is there that only a newer type can hold. What is read is validated
 * wholly: ids must rise, and lengths be true. A value is read node by node as the window brings
 * them.
 */
#include "types/stream/stream_rdb.h"

#include <endian.h>

#include "base/heap.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_group.h"
#include "types/stream/stream_group_cmds.h"
#include "types/stream/stream_idmp.h"
#include "types/stream/stream_node.h"
#include "types/stream/stream_pack.h"

enum { RDB_FIRST = 15, RDB_COUNTED = 19, RDB_ACTIVE = 21, RDB_IDMP = 26, RDB_BACK = 27 };
#define RAW_ID 16

const int8_t stream_rdb_types[] = {RDB_FIRST, RDB_COUNTED, RDB_ACTIVE, RDB_IDMP, RDB_BACK, -1};

/* --- saving --- */

unsigned stream_rdb_type(const struct keyspace *ks, const struct entry *e)
{
    const struct arena *a = keyspace_arena(ks);
    const struct stream *s = stream_of(ks, e);
    unsigned type = stream_groups_rdb_type(arena_expand(a, s->groups), a);
    return s->idmp != 0 && type < RDB_IDMP ? RDB_IDMP : type;
}

static void write_id(struct rdb_writer *out, struct stream_id id)
{
    rdb_write_len(out, id.ms);
    rdb_write_len(out, id.seq);
}

static void save_nodes(struct rdb_writer *out, const struct stream *s, const struct arena *a)
{
    struct btree_place place = btree_first(&s->nodes);
    const struct stream_node *n = btree_element(a, &place);
    struct buf lp = {0};
    rdb_write_len(out, s->nodes.count);
    for (; n != NULL && out->code == 0; n = btree_next(a, &place) ? btree_element(a, &place) : NULL) {
        uint64_t raw[2] = {htobe64(n->first.ms), htobe64(n->first.seq)};
        lp.len = 0;
        int code = stream_pack_node(n, &lp);
        if (code != 0)
            out->code = code;
        rdb_write_string(out, slice_of(raw, sizeof raw));
        rdb_write_string(out, buf_slice(&lp));
    }
    buf_done(&lp);
}

void stream_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e)
{
    const struct arena *a = keyspace_arena(ks);
    const struct stream *s = stream_of(ks, e);
    unsigned type = stream_rdb_type(ks, e);
    save_nodes(out, s, a);
    rdb_write_len(out, s->length);
    write_id(out, s->last_id);
    write_id(out, stream_first_id(s, a));
    write_id(out, s->max_deleted_id);
    rdb_write_len(out, s->entries_added);
    stream_groups_save(out, arena_expand(a, s->groups), a, type);
    if (type >= RDB_IDMP)
        stream_idmp_save(out, arena_expand(a, s->idmp), a, stream_options_of(ks));
}

/* --- loading --- */

enum stage { COUNT, NODES, FIGURES, GROUPS, IDMP };

/* A stream of which something has been read. */
struct stream_partial {
    enum stage stage;
    unsigned rdb_type;
    struct arena *a;  /* NULL: it is read past */
    struct stream *s; /* the same */
    uint64_t left;    /* nodes to come */
    struct stream_groups_load groups;
    struct stream_idmp_load idmp;
};

static int read_id(struct rdb_reader *in, struct stream_id *id)
{
    int code = rdb_read_len(in, &id->ms);
    return code == 0 ? rdb_read_len(in, &id->seq) : code;
}

static int read_node(struct stream_partial *p, struct rdb_reader *in)
{
    struct slice bytes;
    uint64_t raw[2];
    int code;
    if (p->s == NULL) {
        code = rdb_skip_string(in);
        return code == 0 ? rdb_skip_string(in) : code;
    }
    code = rdb_read_string(in, &bytes);
    if (code != 0)
        return code;
    if (bytes.len != RAW_ID)
        return MR_E_CORRUPT;
    memcpy(raw, bytes.ptr, sizeof raw);
    code = rdb_read_string(in, &bytes);
    if (code != 0)
        return code;
    return stream_unpack(p->s, p->a, (struct stream_id){be64toh(raw[0]), be64toh(raw[1])}, bytes);
}

/* Whether what S says of itself can be true. */
static bool is_sound(const struct stream *s, const struct arena *a, uint64_t length)
{
    return length == s->length && stream_id_compare(stream_newest_id(s, a), s->last_id) <= 0;
}

static int read_figures(struct stream_partial *p, struct rdb_reader *in)
{
    struct stream_id last, first, deleted = STREAM_ID_MIN;
    uint64_t length, added = 0;
    int code = rdb_read_len(in, &length);
    if (code == 0)
        code = read_id(in, &last);
    if (code == 0 && p->rdb_type >= RDB_COUNTED) {
        code = read_id(in, &first);
        if (code == 0)
            code = read_id(in, &deleted);
        if (code == 0)
            code = rdb_read_len(in, &added);
    } else if (code == 0) {
        added = length;
    }
    if (code != 0 || p->s == NULL)
        return code;
    p->s->last_id = last;
    p->s->max_deleted_id = deleted;
    p->s->entries_added = added;
    stream_close(p->s, p->a);
    return is_sound(p->s, p->a, length) ? 0 : MR_E_CORRUPT;
}

/* One item that is read whole or not at all. */
static int read_whole(struct stream_partial *p, struct rdb_reader *in,
                      int (*read)(struct stream_partial *p, struct rdb_reader *in))
{
    size_t begin = in->pos;
    int code = read(p, in);
    if (code == MR_E_AGAIN) {
        in->want += in->pos - begin;
        in->pos = begin;
    }
    return code;
}

static int64_t estimate(void *arg, struct stream_id last)
{
    const struct stream_partial *p = arg;
    return stream_entries_until(p->s, p->a, last);
}

static int read_on(struct stream_partial *p, struct rdb_reader *in)
{
    int code = 0;
    if (p->stage == COUNT) {
        code = rdb_read_len(in, &p->left);
        p->stage += code == 0;
    }
    for (; code == 0 && p->stage == NODES && p->left > 0; p->left -= code == 0)
        code = read_whole(p, in, read_node);
    if (code == 0 && p->stage == NODES)
        p->stage = FIGURES;
    if (code == 0 && p->stage == FIGURES) {
        code = read_whole(p, in, read_figures);
        p->stage += code == 0;
    }
    if (code == 0 && p->stage == GROUPS) {
        p->groups.estimate = p->s == NULL ? NULL : estimate;
        p->groups.arg = p;
        code = stream_groups_load(&p->groups, in);
        p->stage += code == 0;
    }
    if (code == 0 && p->stage == IDMP && p->rdb_type >= RDB_IDMP)
        code = stream_idmp_load(&p->idmp, in);
    return code;
}

static struct stream_partial *begin(unsigned rdb_type, struct db *db)
{
    struct stream_partial *p = heap_alloc_zero(sizeof *p);
    p->rdb_type = p->groups.rdb_type = rdb_type;
    if (db != NULL) {
        p->a = p->groups.arena = p->idmp.arena = keyspace_arena(db_keyspace(db));
        p->idmp.options = stream_options_of(db_keyspace(db));
        p->s = arena_alloc(p->a, sizeof *p->s);
        *p->s = (struct stream){.length = 0};
        btree_init(&p->s->nodes, BTREE_BY_ORDER);
    }
    return p;
}

/* What was read is a value, and the keyspace's. */
static int let_in(struct stream_partial *p, struct db *db, const struct object_meta *meta)
{
    struct entry_value v;
    if (p->s == NULL)
        return 0;
    p->s->groups = arena_shorten(p->a, p->groups.groups);
    p->s->idmp = arena_shorten(p->a, p->idmp.idmp);
    entry_value_object(&v, arena_shorten(p->a, p->s));
    p->s = NULL;
    p->groups.groups = NULL;
    p->idmp.idmp = NULL;
    return db_load_value(db, meta->key, OBJECT_STREAM, &v, meta->expiry_ms, meta->idle_s, meta->freq);
}

static void drop_partial(struct stream_partial *p)
{
    if (p->s != NULL) {
        uint64_t all = UINT64_MAX;
        p->s->groups = arena_shorten(p->a, p->groups.groups);
        p->s->idmp = arena_shorten(p->a, p->idmp.idmp);
        (void)stream_free_some(p->s, p->a, &all);
    }
    heap_free(p);
}

void stream_rdb_load_drop(struct keyspace *ks, void *partial)
{
    (void)ks;
    drop_partial(partial);
}

int stream_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                    void **partial)
{
    struct stream_partial *p = *partial != NULL ? *partial : begin(rdb_type, db);
    int code = read_on(p, in);
    /* The number of nodes is little enough to be read again. */
    if (code == MR_E_AGAIN && p->stage > COUNT) {
        *partial = p;
        return code;
    }
    if (code == 0)
        code = let_in(p, db, meta);
    *partial = NULL;
    drop_partial(p);
    return code;
}
