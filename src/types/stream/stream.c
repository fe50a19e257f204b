/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams: the tree of nodes, streams behind keys, finding and deleting entries.
 */
#include "types/stream/stream_node.h"
#include "types/stream/stream_sums.h"

/* --- the tree --- */

static int compare_node(const void *element, const void *key)
{
    const struct stream_node *n = element;
    return stream_id_compare(n->first, *(const struct stream_id *)key);
}

bool stream_seek_node(const struct stream *s, const struct arena *a, struct stream_id id,
                      struct btree_place *place)
{
    bool exact;
    if (s->nodes.count == 0) {
        *place = btree_first(&s->nodes);
        return false;
    }
    /* Most look for what is new. */
    *place = btree_last(&s->nodes, a);
    if (compare_node(btree_element(a, place), &id) <= 0)
        return true;
    *place = btree_seek(&s->nodes, a, compare_node, &id, stream_id_tag(id, s->base_ms), &exact);
    return exact || btree_prev(a, place);
}

void stream_put_node(struct stream *s, struct arena *a, struct stream_node *n)
{
    if (s->nodes.count == 0)
        s->base_ms = n->first.ms;
    if (__builtin_expect(s->nodes.count >= STREAM_RUN, 0))
        stream_sums_put(s, a, n);
    struct btree_place end = btree_end(&s->nodes, a);
    btree_insert(&s->nodes, a, &end, n, stream_id_tag(n->first, s->base_ms));
}

void stream_close(struct stream *s, const struct arena *a)
{
    struct btree_place place = btree_last(&s->nodes, a);
    struct stream_node *n = btree_element(a, &place);
    if (n != NULL && stream_id_compare(stream_node_last_id(n), s->last_id) > 0)
        n->closed = 1;
}

void stream_drop_node(struct stream *s, struct arena *a, struct btree_place *place)
{
    struct stream_node *n = btree_element(a, place);
    btree_remove(&s->nodes, a, place);
    if (stream_has_sums(s))
        stream_sums_dropped(s, a, n);
    stream_node_free(s, a, n);
}

/* --- entries --- */

bool stream_contains(const struct stream *s, const struct arena *a, struct stream_id id)
{
    struct btree_place place;
    struct stream_entry e;
    if (!stream_seek_node(s, a, id, &place))
        return false;
    const struct stream_node *n = btree_element(a, &place);
    const unsigned char *p = stream_node_seek(n, id);
    if (p == NULL)
        return false;
    stream_entry_read(n, p, &e);
    return stream_id_compare(e.id, id) == 0 && (e.flags & STREAM_ENTRY_DELETED) == 0;
}

struct stream_id stream_first_id(const struct stream *s, const struct arena *a)
{
    struct btree_place place = btree_first(&s->nodes);
    struct stream_entry e = {.id = STREAM_ID_MIN};
    if (s->nodes.count == 0)
        return e.id;
    const struct stream_node *n = btree_element(a, &place);
    const unsigned char *p = stream_node_begin(n);
    do {
        stream_entry_read(n, p, &e);
        p = e.end;
    } while (e.flags & STREAM_ENTRY_DELETED);
    return e.id;
}

struct stream_id stream_newest_id(const struct stream *s, const struct arena *a)
{
    struct stream_walk w;
    stream_walk_begin(&w, s, a, STREAM_ID_MIN, STREAM_ID_MAX, true);
    return stream_walk_next(&w) ? w.id : STREAM_ID_MIN;
}

bool stream_delete(struct stream *s, struct arena *a, struct stream_id id)
{
    struct btree_place place;
    struct stream_entry e;
    if (!stream_seek_node(s, a, id, &place))
        return false;
    struct stream_node *n = btree_element(a, &place);
    const unsigned char *p = stream_node_seek(n, id);
    if (p == NULL)
        return false;
    stream_entry_read(n, p, &e);
    if (stream_id_compare(e.id, id) != 0 || (e.flags & STREAM_ENTRY_DELETED))
        return false;
    stream_node_delete(s, a, n, p);
    if (n->live == 0)
        stream_drop_node(s, a, &place);
    if (stream_id_compare(id, s->max_deleted_id) > 0)
        s->max_deleted_id = id;
    return true;
}

/* --- behind keys --- */

bool stream_lookup(struct db *db, struct slice key, uint64_t hash, unsigned flags, struct stream_key *k)
{
    k->ks = db_keyspace(db);
    k->a = keyspace_arena(k->ks);
    k->db = db;
    k->key = key;
    k->hash = hash;
    k->e = db_find(db, key, hash, flags);
    k->s = NULL;
    if (k->e == NULL)
        return true;
    if (entry_type(k->e) != OBJECT_STREAM)
        return false;
    k->s = stream_of(k->ks, k->e);
    return true;
}

bool stream_find(struct command_ctx *ctx, uint32_t i, unsigned flags, struct stream_key *k)
{
    uint64_t hash = i == 1 ? ctx->key_hash : dispatch_hash(ctx, i);
    if (ctx->session->flags & SESSION_NO_TOUCH)
        flags |= DB_NO_TOUCH;
    if (__builtin_expect(stream_lookup(ctx->db, ctx->argv[i], hash, flags, k), 1))
        return true;
    resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
    return false;
}

void stream_discard(struct keyspace *ks, const struct stream *s)
{
    struct arena *a = keyspace_arena(ks);
    struct stream *alone = arena_alloc(a, sizeof *alone);
    struct entry_value v;
    *alone = *s;
    entry_value_object(&v, arena_shorten(a, alone));
    keyspace_free_value(ks, OBJECT_STREAM, &v);
}

int stream_create(struct stream_key *k)
{
    struct stream *s = arena_alloc(k->a, sizeof *s);
    *s = (struct stream){.length = 0};
    btree_init(&s->nodes, BTREE_BY_ORDER);
    uint64_t dirty = keyspace_dirty(k->ks);
    int code = db_set_object(k->db, NULL, k->key, k->hash, OBJECT_STREAM, s);
    if (code != 0) {
        arena_free(k->a, s, sizeof *s);
        return code;
    }
    keyspace_set_dirty(k->ks, dirty);
    k->s = s;
    k->e = db_find(k->db, k->key, k->hash, DB_NO_TOUCH);
    return 0;
}
