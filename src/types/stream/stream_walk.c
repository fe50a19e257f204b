/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over the entries of a stream, and how entries are replied.
 *
 * An entry does not tell where the one before it begins. A walk back therefore goes forward over a
 * node once for every STREAM_WALK_BACK entries that it takes from it, and notes where those are.
 */
#include "types/stream/stream_node.h"

/* --- back --- */

/* Notes the places of the last entries in front of END. */
static void look_back(struct stream_walk *w, const unsigned char *end)
{
    unsigned seen = 0;
    for (const unsigned char *p = stream_node_begin(w->n); p < end; p = stream_entry_next(p))
        w->before[seen++ % STREAM_WALK_BACK] = (uint32_t)(p - (const unsigned char *)w->n);
    w->known = seen < STREAM_WALK_BACK ? seen : STREAM_WALK_BACK;
    w->next = seen;
}

static bool step_back(struct stream_walk *w, struct stream_entry *e)
{
    while (w->known == 0) {
        if (w->p != NULL && w->p > stream_node_begin(w->n)) {
            look_back(w, w->p);
            break;
        }
        if (!btree_prev(w->a, &w->place))
            return false;
        w->n = btree_element(w->a, &w->place);
        w->p = stream_node_end(w->n);
    }
    w->known--;
    w->p = (const unsigned char *)w->n + w->before[--w->next % STREAM_WALK_BACK];
    stream_entry_read(w->n, w->p, e);
    return true;
}

/* --- both --- */

void stream_walk_begin(struct stream_walk *w, const struct stream *s, const struct arena *a,
                       struct stream_id from, struct stream_id to, bool back)
{
    w->s = s;
    w->a = a;
    w->from = from;
    w->to = to;
    w->back = back;
    w->known = w->next = 0;
    w->n = NULL;
    if (stream_id_compare(from, to) > 0 || s->nodes.count == 0)
        return;
    if (!stream_seek_node(s, a, back ? to : from, &w->place)) {
        /* All entries are behind it. */
        if (back)
            return;
        w->place = btree_first(&s->nodes);
    }
    w->n = btree_element(a, &w->place);
    if (back)
        w->p = stream_node_end(w->n);
    else
        w->p = stream_id_compare(from, w->n->first) <= 0 ? stream_node_begin(w->n)
                                                         : stream_node_seek(w->n, from);
}

static bool step(struct stream_walk *w, struct stream_entry *e)
{
    if (w->p == NULL || w->p == stream_node_end(w->n)) {
        if (!btree_next(w->a, &w->place))
            return false;
        w->n = btree_element(w->a, &w->place);
        w->p = stream_node_begin(w->n);
    }
    stream_entry_read(w->n, w->p, e);
    w->p = e->end;
    return true;
}

bool stream_walk_next(struct stream_walk *w)
{
    struct stream_entry e;
    while (w->n != NULL && (w->back ? step_back(w, &e) : step(w, &e))) {
        if (e.flags & STREAM_ENTRY_DELETED)
            continue;
        if (w->back ? stream_id_compare(e.id, w->to) > 0 : stream_id_compare(e.id, w->from) < 0)
            continue;
        if (w->back ? stream_id_compare(e.id, w->from) < 0 : stream_id_compare(e.id, w->to) > 0)
            break;
        w->id = e.id;
        w->same = (e.flags & STREAM_ENTRY_SAME) != 0;
        w->fields = stream_entry_pairs(w->n, &e, &w->pairs);
        return true;
    }
    w->n = NULL;
    return false;
}

/* --- replies --- */

static inline const unsigned char *reply_cell(struct resp_writer *reply, const unsigned char *p)
{
    struct listpack_value v = listpack_inline_get(p);
    if (__builtin_expect(v.text != NULL, 1))
        resp_bulk(reply, slice_of(v.text, v.len));
    else
        resp_bulk_int(reply, v.integer);
    return p + stream_cell_size(p);
}

void stream_walk_reply_fields(struct stream_walk *w, struct resp_writer *reply)
{
    const unsigned char *p = w->fields, *name = stream_node_names(w->n);
    resp_array(reply, 2 * w->pairs);
    for (uint64_t i = 0; i < w->pairs; i++) {
        if (w->same)
            name = reply_cell(reply, name);
        else
            p = reply_cell(reply, p);
        p = reply_cell(reply, p);
    }
}

void stream_walk_reply(struct stream_walk *w, struct resp_writer *reply)
{
    resp_array(reply, 2);
    stream_reply_id(reply, w->id);
    stream_walk_reply_fields(w, reply);
}

bool stream_reply_entry(struct resp_writer *reply, const struct stream *s, const struct arena *a,
                        struct stream_id id)
{
    struct stream_walk w;
    stream_walk_begin(&w, s, a, id, id, false);
    if (!stream_walk_next(&w))
        return false;
    stream_walk_reply(&w, reply);
    return true;
}
