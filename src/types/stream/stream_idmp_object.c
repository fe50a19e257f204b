/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a stream remembers of idempotent additions, as part of the object: copying, moving, files.
 *
 *   | len seconds | len maxsize | len producers |
 *   per producer:  | string name | len records | per record: | string iid | len ms | len seq |
 *   | len added | len duplicates |
 */
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "types/stream/stream_idmp_private.h"

#define RECORDS_AT_ONCE 512 /* that are read before the loop turns */

uint64_t stream_idmp_work(const struct stream_idmp *idmp)
{
    return idmp == NULL ? 0 : idmp->records + idmp->producers.count;
}

size_t stream_idmp_memory(const struct stream_idmp *idmp)
{
    return idmp == NULL ? 0 : sizeof *idmp + idmp->bytes;
}

/* --- copying --- */

static bool copy_producer(struct stream_idmp *to, struct arena *a, const struct stream_producer *p)
{
    struct stream_producer *made = stream_idmp_producer(to, a, slice_of(p->name, p->len));
    struct btree_place place = btree_first(&p->by_id);
    const struct stream_record *r = btree_element(a, &place);
    for (; made != NULL && r != NULL; r = btree_next(a, &place) ? btree_element(a, &place) : NULL)
        if (!stream_idmp_put(to, a, made, slice_of(r->iid, r->len), r->id))
            return false;
    return made != NULL;
}

struct stream_idmp *stream_idmp_copy(const struct stream_idmp *idmp, struct arena *a)
{
    struct stream_idmp *to = stream_idmp_new(a);
    struct btree_place place = btree_first(&idmp->producers);
    const struct stream_producer *p = btree_element(a, &place);
    to->duration_s = idmp->duration_s;
    to->maxsize = idmp->maxsize;
    to->added = idmp->added;
    to->duplicates = idmp->duplicates;
    for (; p != NULL; p = btree_next(a, &place) ? btree_element(a, &place) : NULL)
        if (!copy_producer(to, a, p)) {
            uint64_t all = UINT64_MAX;
            (void)stream_idmp_free_some(to, a, &all);
            return NULL;
        }
    return to;
}

/* --- moving --- */

struct moving {
    struct arena *a;
    struct stream_producer *p;
    uint64_t work;
    size_t moved;
};

static void *move_record(void *arg, void *element)
{
    struct moving *m = arg;
    struct stream_record *r = element;
    size_t size = sizeof *r + r->len;
    if (!arena_is_leaving(m->a, r, size))
        return r;
    struct btree_place place =
        btree_seek(&m->p->by_id, m->a, stream_idmp_compare, r, stream_id_tag(r->id, 0), NULL);
    struct stream_record *made = arena_relocate(m->a, r, size, &m->moved);
    btree_replace(&m->p->by_id, m->a, &place, made);
    return made;
}

/* A producer with all of its records, which are not that many. */
static void *move_producer(void *arg, void *element)
{
    struct moving *m = arg;
    uint64_t cursor = 0, all = UINT64_MAX;
    struct stream_producer *p = element;
    m->p = p = arena_relocate(m->a, p, sizeof *p + p->len, &m->moved);
    m->work += p->by_iid.count;
    (void)btree_relocate(&p->by_iid, m->a, &cursor, &all, move_record, m);
    cursor = 0;
    all = UINT64_MAX;
    (void)btree_relocate(&p->by_id, m->a, &cursor, &all, NULL, NULL);
    return p;
}

bool stream_idmp_relocate(struct stream_idmp **idmp, struct arena *a, uint64_t *cursor, uint64_t *budget,
                          size_t *moved)
{
    struct moving m = {.a = a};
    bool done;
    if (*idmp == NULL)
        return true;
    if (*cursor == 0)
        *idmp = arena_relocate(a, *idmp, sizeof **idmp, &m.moved);
    do {
        uint64_t leaf = 1;
        m.work++;
        done = btree_relocate(&(*idmp)->producers, a, cursor, &leaf, move_producer, &m);
    } while (!done && m.work < *budget);
    *budget -= m.work < *budget ? m.work : *budget;
    *moved += m.moved;
    return done;
}

/* --- saving --- */

static void save_producer(struct rdb_writer *out, const struct stream_producer *p, const struct arena *a)
{
    struct btree_place place = btree_first(&p->by_id);
    const struct stream_record *r = btree_element(a, &place);
    rdb_write_string(out, slice_of(p->name, p->len));
    rdb_write_len(out, p->by_id.count);
    for (; r != NULL; r = btree_next(a, &place) ? btree_element(a, &place) : NULL) {
        rdb_write_string(out, slice_of(r->iid, r->len));
        rdb_write_len(out, r->id.ms);
        rdb_write_len(out, r->id.seq);
    }
}

void stream_idmp_save(struct rdb_writer *out, const struct stream_idmp *idmp, const struct arena *a,
                      const struct stream_options *o)
{
    static const struct stream_idmp none;
    if (idmp == NULL)
        idmp = &none;
    rdb_write_len(out, idmp->duration_s != 0 ? idmp->duration_s : (uint64_t)o->idmp_duration);
    rdb_write_len(out, idmp->maxsize != 0 ? idmp->maxsize : (uint64_t)o->idmp_maxsize);
    rdb_write_len(out, idmp->producers.count);
    struct btree_place place = btree_first(&idmp->producers);
    const struct stream_producer *p = btree_element(a, &place);
    for (; p != NULL; p = btree_next(a, &place) ? btree_element(a, &place) : NULL)
        save_producer(out, p, a);
    rdb_write_len(out, idmp->added);
    rdb_write_len(out, idmp->duplicates);
}

/* --- loading --- */

enum stage { SETTINGS, PRODUCER, RECORD, COUNTS };

static int read_settings(struct stream_idmp_load *l, struct rdb_reader *in)
{
    uint64_t duration, maxsize;
    size_t begin = in->pos;
    int code = rdb_read_len(in, &duration);
    if (code == 0)
        code = rdb_read_len(in, &maxsize);
    if (code == 0)
        code = rdb_read_len(in, &l->producers);
    if (code != 0) {
        in->want += code == MR_E_AGAIN ? in->pos - begin : 0;
        in->pos = begin;
        return code;
    }
    if (duration > UINT32_MAX || maxsize > UINT32_MAX)
        return MR_E_CORRUPT;
    if (l->arena != NULL) {
        l->idmp = stream_idmp_new(l->arena);
        /* What is the default is no setting of the stream's own. */
        l->idmp->duration_s = duration == (uint64_t)l->options->idmp_duration ? 0 : (uint32_t)duration;
        l->idmp->maxsize = maxsize == (uint64_t)l->options->idmp_maxsize ? 0 : (uint32_t)maxsize;
    }
    l->stage = l->producers > 0 ? PRODUCER : COUNTS;
    return 0;
}

static int read_producer(struct stream_idmp_load *l, struct rdb_reader *in)
{
    struct slice name;
    size_t begin = in->pos;
    int code = rdb_read_string(in, &name);
    if (code == 0 && l->arena == NULL) {
        code = rdb_read_len(in, &l->records);
    } else if (code == 0) {
        /* The number does not touch the scratch that the name may stand in. */
        code = rdb_read_len(in, &l->records);
        if (code == 0) {
            if (name.len == 0 || stream_idmp_find(l->idmp, l->arena, name) != NULL)
                return MR_E_CORRUPT;
            struct stream_producer *p = stream_idmp_producer(l->idmp, l->arena, name);
            if (p == NULL)
                return MR_E_MEMORY;
            l->producer = arena_shorten(l->arena, p);
        }
    }
    if (code != 0) {
        in->want += code == MR_E_AGAIN ? in->pos - begin : 0;
        in->pos = begin;
        return code;
    }
    l->producers--;
    l->stage = l->records > 0 ? RECORD : l->producers > 0 ? PRODUCER : COUNTS;
    return 0;
}

static int put_record(struct stream_idmp_load *l, struct slice iid, struct stream_id id)
{
    struct stream_producer *p = arena_expand(l->arena, l->producer);
    if (iid.len == 0 || stream_idmp_get(p, l->arena, iid) != NULL)
        return MR_E_CORRUPT;
    return stream_idmp_put(l->idmp, l->arena, p, iid, id) ? 0 : MR_E_MEMORY;
}

static int read_record(struct stream_idmp_load *l, struct rdb_reader *in)
{
    struct slice iid;
    struct stream_id id;
    size_t begin = in->pos;
    int code = rdb_read_string(in, &iid);
    if (code == 0)
        code = rdb_read_len(in, &id.ms);
    if (code == 0)
        code = rdb_read_len(in, &id.seq);
    if (code != 0) {
        in->want += code == MR_E_AGAIN ? in->pos - begin : 0;
        in->pos = begin;
        return code;
    }
    if (l->arena != NULL && (code = put_record(l, iid, id)) != 0)
        return code;
    l->records--;
    l->stage = l->records > 0 ? RECORD : l->producers > 0 ? PRODUCER : COUNTS;
    return 0;
}

static int read_counts(struct stream_idmp_load *l, struct rdb_reader *in)
{
    uint64_t added, duplicates;
    size_t begin = in->pos;
    int code = rdb_read_len(in, &added);
    if (code == 0)
        code = rdb_read_len(in, &duplicates);
    if (code != 0) {
        in->want += code == MR_E_AGAIN ? in->pos - begin : 0;
        in->pos = begin;
        return code;
    }
    if (l->idmp != NULL) {
        l->idmp->added = added;
        l->idmp->duplicates = duplicates;
        /* Nothing that a stream without one would not say. */
        const struct stream_idmp *i = l->idmp;
        if (i->records == 0 && i->duration_s == 0 && i->maxsize == 0 && added == 0 && duplicates == 0) {
            uint64_t all = UINT64_MAX;
            (void)stream_idmp_free_some(l->idmp, l->arena, &all);
            l->idmp = NULL;
        }
    }
    return 0;
}

int stream_idmp_load(struct stream_idmp_load *l, struct rdb_reader *in)
{
    for (unsigned i = 0; i < RECORDS_AT_ONCE; i++) {
        int code = 0;
        bool last = l->stage == COUNTS;
        if (l->stage == SETTINGS)
            code = read_settings(l, in);
        else if (l->stage == PRODUCER)
            code = read_producer(l, in);
        else if (l->stage == RECORD)
            code = read_record(l, in);
        else
            code = read_counts(l, in);
        if (code != 0 || last)
            return code;
    }
    in->want = 0;
    return MR_E_AGAIN;
}
