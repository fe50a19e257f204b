/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records of idempotent additions: finding, adding, forgetting; see stream_idmp.h.
 *
 * Whoever adds has the producer looked at for what is too old, and a few others in turn, so that
 * those which have gone quiet do not stay.
 */
#include "types/stream/stream_idmp.h"

#include "base/clock.h"
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_idmp_private.h"
#include "types/stream/stream_name.h"

#define PRUNE_MAX 64 /* records that are forgotten at once for their age */
#define SWEEP     2  /* other producers that are looked at */

/* --- orders --- */

static int compare_name(const void *element, const void *key)
{
    const struct stream_producer *p = element;
    return stream_name_compare(slice_of(p->name, p->len), *(const struct slice *)key);
}

static int compare_iid(const void *element, const void *key)
{
    const struct stream_record *r = element;
    return stream_name_compare(slice_of(r->iid, r->len), *(const struct slice *)key);
}

int stream_idmp_compare(const void *element, const void *key)
{
    const struct stream_record *r = element, *other = key;
    int order = stream_id_compare(r->id, other->id);
    return order != 0 ? order
                      : stream_name_compare(slice_of(r->iid, r->len), slice_of(other->iid, other->len));
}

/* --- memory --- */

static void *try_alloc(struct stream_idmp *idmp, struct arena *a, size_t size)
{
    void *made = arena_try_alloc(a, size);
    if (made != NULL)
        idmp->bytes += arena_usable(size);
    return made;
}

static void give_back(struct stream_idmp *idmp, struct arena *a, void *ptr, size_t size)
{
    idmp->bytes -= arena_usable(size);
    arena_free(a, ptr, size);
}

static void insert(struct stream_idmp *idmp, struct arena *a, struct btree *t,
                   const struct btree_place *place, void *element, uint32_t tag)
{
    uint64_t bytes = t->bytes;
    btree_insert(t, a, place, element, tag);
    idmp->bytes += t->bytes - bytes;
}

static void take_out(struct stream_idmp *idmp, struct arena *a, struct btree *t, struct btree_place *place)
{
    uint64_t bytes = t->bytes;
    btree_remove(t, a, place);
    idmp->bytes -= bytes - t->bytes;
}

struct stream_idmp *stream_idmp_new(struct arena *a)
{
    struct stream_idmp *idmp = arena_alloc(a, sizeof *idmp);
    *idmp = (struct stream_idmp){.records = 0};
    btree_init(&idmp->producers, BTREE_BY_ORDER);
    return idmp;
}

struct stream_idmp *stream_idmp_of(struct stream *s, struct arena *a)
{
    if (s->idmp == 0)
        s->idmp = arena_shorten(a, stream_idmp_new(a));
    return arena_expand(a, s->idmp);
}

/* --- producers and records --- */

struct stream_producer *stream_idmp_find(const struct stream_idmp *idmp, const struct arena *a,
                                         struct slice name)
{
    return stream_name_find(&idmp->producers, a, compare_name, name, NULL);
}

struct stream_producer *stream_idmp_producer(struct stream_idmp *idmp, struct arena *a, struct slice name)
{
    struct btree_place place;
    struct stream_producer *p = NULL;
    if (name.len <= STREAM_IDMP_TEXT_MAX)
        p = try_alloc(idmp, a, sizeof *p + name.len);
    if (p == NULL)
        return NULL;
    btree_init(&p->by_iid, BTREE_BY_ORDER);
    btree_init(&p->by_id, BTREE_BY_ORDER);
    p->len = (uint32_t)name.len;
    memcpy(p->name, name.ptr, name.len);
    (void)stream_name_find(&idmp->producers, a, compare_name, name, &place);
    insert(idmp, a, &idmp->producers, &place, p, stream_name_tag(name));
    return p;
}

struct stream_record *stream_idmp_get(const struct stream_producer *p, const struct arena *a,
                                      struct slice iid)
{
    return stream_name_find(&p->by_iid, a, compare_iid, iid, NULL);
}

bool stream_idmp_put(struct stream_idmp *idmp, struct arena *a, struct stream_producer *p, struct slice iid,
                     struct stream_id id)
{
    struct btree_place place;
    struct stream_record *r = NULL;
    if (iid.len <= STREAM_IDMP_TEXT_MAX)
        r = try_alloc(idmp, a, sizeof *r + iid.len);
    if (r == NULL)
        return false;
    r->id = id;
    r->len = (uint32_t)iid.len;
    memcpy(r->iid, iid.ptr, iid.len);
    (void)stream_name_find(&p->by_iid, a, compare_iid, iid, &place);
    insert(idmp, a, &p->by_iid, &place, r, stream_name_tag(iid));
    place = btree_seek(&p->by_id, a, stream_idmp_compare, r, stream_id_tag(id, 0), NULL);
    insert(idmp, a, &p->by_id, &place, r, stream_id_tag(id, 0));
    idmp->records++;
    return true;
}

/* The oldest record of P goes. */
static void drop_oldest(struct stream_idmp *idmp, struct arena *a, struct stream_producer *p)
{
    struct btree_place place = btree_first(&p->by_id), same;
    struct stream_record *r = btree_element(a, &place);
    take_out(idmp, a, &p->by_id, &place);
    (void)stream_name_find(&p->by_iid, a, compare_iid, slice_of(r->iid, r->len), &same);
    take_out(idmp, a, &p->by_iid, &same);
    give_back(idmp, a, r, sizeof *r + r->len);
    idmp->records--;
}

static void drop_producer(struct stream_idmp *idmp, struct arena *a, struct stream_producer *p)
{
    struct btree_place place;
    (void)stream_name_find(&idmp->producers, a, compare_name, slice_of(p->name, p->len), &place);
    take_out(idmp, a, &idmp->producers, &place);
    give_back(idmp, a, p, sizeof *p + p->len);
}

/* --- forgetting --- */

static uint64_t duration_ms(const struct stream_idmp *idmp, const struct stream_options *o)
{
    return 1000 * (idmp->duration_s != 0 ? (uint64_t)idmp->duration_s : (uint64_t)o->idmp_duration);
}

/* Whether a record with that id is too old. */
static bool is_old(const struct stream_idmp *idmp, const struct stream_options *o, int64_t now_ms,
                   struct stream_id id)
{
    uint64_t keep = duration_ms(idmp, o);
    return (uint64_t)now_ms >= keep && id.ms <= (uint64_t)now_ms - keep;
}

bool stream_idmp_prune(struct stream_idmp *idmp, struct arena *a, struct stream_producer *p,
                       const struct stream_options *o, int64_t now_ms)
{
    uint64_t most = idmp->maxsize != 0 ? idmp->maxsize : (uint64_t)o->idmp_maxsize;
    for (unsigned i = 0; p->by_id.count > 0; i++) {
        struct btree_place place = btree_first(&p->by_id);
        const struct stream_record *r = btree_element(a, &place);
        if (p->by_id.count <= most && (i >= PRUNE_MAX || !is_old(idmp, o, now_ms, r->id)))
            return false;
        drop_oldest(idmp, a, p);
    }
    drop_producer(idmp, a, p);
    return true;
}

static void sweep(struct stream_idmp *idmp, struct arena *a, const struct stream_options *o, int64_t now_ms)
{
    for (unsigned i = 0; i < SWEEP && idmp->producers.count > 0; i++) {
        if (idmp->sweep >= idmp->producers.count)
            idmp->sweep = 0;
        struct btree_place place = btree_at(&idmp->producers, a, idmp->sweep, NULL);
        if (!stream_idmp_prune(idmp, a, btree_element(a, &place), o, now_ms))
            idmp->sweep++;
    }
}

bool stream_idmp_free_some(struct stream_idmp *idmp, struct arena *a, uint64_t *budget)
{
    while (idmp->producers.count > 0) {
        struct btree_place place = btree_first(&idmp->producers);
        struct stream_producer *p = btree_element(a, &place);
        while (p->by_id.count > 0) {
            if (*budget == 0)
                return false;
            drop_oldest(idmp, a, p);
            --*budget;
        }
        drop_producer(idmp, a, p);
    }
    arena_free(a, idmp, sizeof *idmp);
    return true;
}

void stream_idmp_clear(struct stream_idmp *idmp, struct arena *a)
{
    while (idmp->producers.count > 0) {
        struct btree_place place = btree_first(&idmp->producers);
        struct stream_producer *p = btree_element(a, &place);
        while (p->by_id.count > 0)
            drop_oldest(idmp, a, p);
        drop_producer(idmp, a, p);
    }
}

/* --- for XADD --- */

bool stream_idmp_seen(struct stream_key *k, const struct stream_idmp_args *args, int64_t now_ms,
                      struct stream_id *ret)
{
    struct stream_idmp *idmp = arena_expand(k->a, k->s->idmp);
    const struct stream_options *o = stream_options_of(k->ks);
    if (idmp == NULL)
        return false;
    sweep(idmp, k->a, o, now_ms);
    const struct stream_producer *p = stream_idmp_find(idmp, k->a, args->pid);
    const struct stream_record *r = p == NULL ? NULL : stream_idmp_get(p, k->a, args->iid);
    if (r == NULL || is_old(idmp, o, now_ms, r->id))
        return false;
    *ret = r->id;
    idmp->duplicates++;
    return true;
}

void stream_idmp_record(struct stream_key *k, const struct stream_idmp_args *args, struct stream_id id)
{
    struct stream_idmp *idmp = stream_idmp_of(k->s, k->a);
    const struct stream_options *o = stream_options_of(k->ks);
    struct stream_producer *p = stream_idmp_find(idmp, k->a, args->pid);
    idmp->added++;
    /* One of the same iid that is too old is among the oldest, and goes now. */
    while (p != NULL && stream_idmp_get(p, k->a, args->iid) != NULL)
        if (stream_idmp_prune(idmp, k->a, p, o, clock_ms()))
            p = NULL;
    if (p == NULL)
        p = stream_idmp_producer(idmp, k->a, args->pid);
    if (p == NULL)
        return;
    (void)stream_idmp_put(idmp, k->a, p, args->iid, id);
    (void)stream_idmp_prune(idmp, k->a, p, o, clock_ms());
}
