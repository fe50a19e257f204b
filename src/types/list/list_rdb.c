/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists in RDB:
 *
 *   1   count, then so many strings
 *   10  a string that is a ziplist
 *   14  count, then so many strings that are ziplists
 *   18  count, then so many nodes: a length, 1 or 2, and a string: 1 the element, 2 a listpack
 *
 * Written is 18. A value is read node by node as the window brings them, so that a list that is
 * longer than any window never has to be in one; a string of these may be.
 */
#include "base/heap.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "codec/ziplist.h"
#include "keyspace/object.h"
#include "types/list/list_private.h"

enum { RDB_LIST = 1, RDB_ZIPLIST = 10, RDB_ZIPLISTS = 14, RDB_NODES = 18 };
enum { NODE_PLAIN = 1, NODE_PACKED = 2 };

const int8_t list_rdb_types[] = {RDB_LIST, RDB_ZIPLIST, RDB_ZIPLISTS, RDB_NODES, -1};

/* --- reading --- */

/* A list of which something has been read. */
struct list_partial {
    struct list_root *root; /* NULL: it is read past */
    uint64_t left;          /* nodes or elements to come */
};

static int read_count(struct rdb_reader *in, unsigned rdb_type, uint64_t *count)
{
    *count = 1;
    return rdb_type == RDB_ZIPLIST ? 0 : rdb_read_len(in, count);
}

static int read_kind(struct rdb_reader *in, unsigned rdb_type, uint64_t *kind)
{
    *kind = NODE_PACKED;
    if (rdb_type != RDB_NODES)
        return 0;
    int code = rdb_read_len(in, kind);
    return code == 0 && *kind != NODE_PLAIN && *kind != NODE_PACKED ? MR_E_CORRUPT : code;
}

static int push_text(struct list *l, struct slice text)
{
    return arena_is_scarce(l->a) ? MR_E_MEMORY : list_push(l, false, text);
}

struct push {
    struct list *l;
    int code;
};

static bool push_ziplist_value(void *arg, const struct ziplist_value *v)
{
    struct push *p = arg;
    char scratch[NUMBER_TEXT_MAX];
    struct slice text =
        v->text != NULL ? slice_of(v->text, v->len) : slice_of(scratch, number_from_int(scratch, v->integer));
    p->code = push_text(p->l, text);
    return p->code == 0;
}

static int push_ziplist(struct list *l, struct slice bytes)
{
    struct push p = {.l = l};
    uint64_t count;
    int code = ziplist_read(bytes, push_ziplist_value, &p, &count);
    return p.code != 0 ? p.code : code;
}

/* The entries of the listpack, which is valid, one by one. */
static int push_entries(struct list *l, const unsigned char *lp)
{
    char scratch[NUMBER_TEXT_MAX];
    for (size_t at = listpack_first(lp); at != 0; at = listpack_next(lp, at)) {
        struct listpack_value v;
        listpack_get(lp, at, &v);
        int code = push_text(l, listpack_text(&v, scratch));
        if (code != 0)
            return code;
    }
    return 0;
}

/* A node of its own; small ones that follow each other become one. */
static int push_listpack(struct list *l, struct slice bytes)
{
    const unsigned char *lp = (const unsigned char *)bytes.ptr;
    struct listpack_shape shape;
    int code = listpack_validate(lp, bytes.len, &shape, NULL, NULL);
    if (code != 0 || shape.count == 0)
        return code;
    struct list_node *tail = list_expand(l, l->root->tail);
    bool joins = tail != NULL && list_node_fits(l, tail, shape.bytes) &&
                 listpack_count(list_node_lp(tail)) + shape.count <= l->node_entries;
    if (joins || LIST_NODE_HEAD + shape.bytes > LIST_NODE_MAX)
        return push_entries(l, lp);
    if (arena_is_scarce(l->a))
        return MR_E_MEMORY;
    struct list_node *n = list_node_new(l, NULL, LISTPACK_EMPTY, LIST_NODE_HEAD + shape.bytes, false);
    listpack_load(list_node_lp(n), lp, &shape);
    list_put_node(l, l->root->count, n);
    return 0;
}

static int push_node(struct list *l, unsigned rdb_type, uint64_t kind, struct slice bytes)
{
    if (rdb_type == RDB_NODES && kind == NODE_PACKED)
        return push_listpack(l, bytes);
    if (rdb_type == RDB_ZIPLIST || rdb_type == RDB_ZIPLISTS)
        return push_ziplist(l, bytes);
    return bytes.len > LIST_ELEMENT_MAX ? MR_E_UNSUPPORTED : push_text(l, bytes);
}

/* Reads one node, or past it where L has no root; MR_E_AGAIN leaves IN before all of it. */
static int read_node(struct rdb_reader *in, unsigned rdb_type, struct list *l)
{
    size_t begin = in->pos;
    uint64_t kind;
    struct slice bytes;
    int code = read_kind(in, rdb_type, &kind);
    if (code == 0)
        code = l->root == NULL ? rdb_skip_string(in) : rdb_read_string(in, &bytes);
    if (code == MR_E_AGAIN) {
        in->want += in->pos - begin;
        in->pos = begin;
    }
    return code != 0 || l->root == NULL ? code : push_node(l, rdb_type, kind, bytes);
}

static int add(struct list *l, struct db *db, const struct object_meta *meta)
{
    unsigned char scratch[LIST_PACKED_MAX];
    struct entry_value v;
    list_to_value(l, &v, scratch);
    return db_load_value(db, meta->key, OBJECT_LIST, &v, meta->expiry_ms, meta->idle_s, meta->freq);
}

/* Frees what has been read; all at once if it is little. */
static void drop(struct keyspace *ks, struct list *l)
{
    if (l->root == NULL)
        return;
    struct entry_value gone;
    entry_value_object(&gone, arena_shorten(l->a, l->root));
    keyspace_free_value(ks, OBJECT_LIST, &gone);
}

void list_rdb_load_drop(struct keyspace *ks, void *partial)
{
    struct list l;
    struct list_partial *p = partial;
    list_init(&l, ks);
    l.root = p->root;
    heap_free(p);
    drop(ks, &l);
}

static int keep(const struct list *l, uint64_t left, void **partial)
{
    struct list_partial *p = heap_alloc(sizeof *p);
    *p = (struct list_partial){.root = l->root, .left = left};
    *partial = p;
    return MR_E_AGAIN;
}

int list_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                  void **partial)
{
    struct list l = {0};
    struct list_partial *p = *partial;
    uint64_t left;
    int code = 0;
    if (db != NULL)
        list_init(&l, db_keyspace(db));
    if (p != NULL) {
        left = p->left;
        l.root = p->root;
        *partial = NULL;
        heap_free(p);
    } else {
        code = read_count(in, rdb_type, &left);
        if (code != 0)
            return code;
        if (db != NULL)
            list_root_new(&l);
    }
    for (; left > 0 && code == 0; left--)
        code = read_node(in, rdb_type, &l);
    if (code == MR_E_AGAIN)
        return keep(&l, left + 1, partial);
    if (code == 0 && db != NULL && l.root->count > 0)
        return add(&l, db, meta);
    if (db != NULL)
        drop(db_keyspace(db), &l);
    /* A list of nothing is no fault, and no key. */
    return code != 0 || db == NULL ? code : MR_E_NO_KEY;
}

/* --- writing --- */

unsigned list_rdb_type(const struct keyspace *ks, const struct entry *e)
{
    (void)ks, (void)e;
    return RDB_NODES;
}

static void save_node(struct rdb_writer *out, struct list_node *n)
{
    struct slice packed;
    uint32_t length;
    rdb_write_len(out, list_node_is_plain(n) ? NODE_PLAIN : NODE_PACKED);
    if (!list_node_lzf(n, &packed, &length))
        rdb_write_string(out, list_node_bytes(n));
    else
        rdb_write_lzf(out, packed, length);
}

void list_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e)
{
    struct list l;
    list_of(&l, ks, e);
    if (l.packed != NULL) {
        rdb_write_len(out, 1);
        rdb_write_len(out, NODE_PACKED);
        rdb_write_string(out, slice_of(l.packed, listpack_bytes(l.packed)));
        return;
    }
    const struct list_root *root = l.root;
    struct list_spot s = {.where = LIST_HEAD};
    rdb_write_len(out, root->middle.count + (root->head != root->tail ? 2 : 1));
    do
        save_node(out, list_spot_node(&l, &s));
    while (list_spot_next(&l, &s));
}
