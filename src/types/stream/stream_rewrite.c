/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams as commands:
 *
 *   XADD key id name value ..                    every entry, with its id
 *   XCFGSET, XIDMPRECORD                         what is remembered of idempotent additions
 *   XSETID key last ENTRIESADDED n MAXDELETEDID id
 *   XGROUP CREATE, CREATECONSUMER                groups and consumers; then, in the order of delivery:
 *   XNACK key group FAIL IDS .. RETRYCOUNT FORCE entries that were given back
 *   XCLAIM key group consumer 0 id .. TIME RETRYCOUNT JUSTID FORCE
 *
 * Entries that were deleted and are pending still, or the id of a record, must be there when they
 * are named: they are added with a field x of value y, and trimmed (those before all others, which
 * leaves no trace) or deleted in the end. Only then does XSETID say what holds; where there are groups
 * it stands before them as well, with an id and a number that are high enough for them.
 *
 * No command can say when consumers were seen or active, how many additions were idempotent, settings
 * of these that are the same as the options, a time of delivery in the future or below 0, that no entry
 * was ever deleted where one behind another had to be; nor what only a file can hold: entries without
 * fields (they get one without name and value), pending entries and records of the id 0-0, counts that
 * are less than the length or beyond what the commands take.
 */
#include <stddef.h>

#include "base/clock.h"
#include "base/heap.h"
#include "keyspace/rewrite.h"
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_idmp_private.h"
#include "types/stream/stream_pel.h"
#include "types/stream/stream_rdb.h"

/* What XCFGSET takes. */
enum { DURATION_MAX = 86400, MAXSIZE_MAX = 10000 };

struct writing {
    struct rewrite *out;
    const struct arena *a;
    const struct stream *s;
    struct slice key;
    const struct stream_groups *groups;  /* NULL: */
    const struct stream_idmp *idmp;      /* none */
    uint64_t old_ms;                     /* records of ids up to there are too old to be remembered */
    struct stream_id first_live, newest; /* of what is added: the first that stays, and the last */
    uint64_t added;                      /* entries, with those that do not stay: */
    uint64_t dead;                       /* before the first one that does, */
    uint64_t dead_behind;                /* and behind it */
};

static void write_id(struct rewrite *out, struct stream_id id)
{
    char text[STREAM_ID_TEXT];
    rewrite_arg(out, slice_of(text, stream_id_print(text, id)));
}

/* --- the ids that are named: those of entries, pending ones and records, in their order --- */

/* A tree by id, and where in it we are. */
struct source {
    struct btree_place place;
    struct stream_id id;
};

struct naming {
    const struct arena *a;
    struct stream_walk walk;
    bool live;           /* WALK is at an entry, */
    bool taken;          /* which was the last that was given */
    struct source *heap; /* by their ids, the least first */
    size_t count;
};

_Static_assert(offsetof(struct stream_pending, id) == 0 && offsetof(struct stream_record, id) == 0,
               "the elements of both trees begin with their ids");

static void sift_down(struct naming *n, size_t i)
{
    struct source down = n->heap[i];
    for (size_t child; (child = 2 * i + 1) < n->count; i = child) {
        if (child + 1 < n->count && stream_id_compare(n->heap[child + 1].id, n->heap[child].id) < 0)
            child++;
        if (stream_id_compare(down.id, n->heap[child].id) <= 0)
            break;
        n->heap[i] = n->heap[child];
    }
    n->heap[i] = down;
}

/* Adds what stands in TREE from PLACE on, to a heap that is none yet. */
static void add_source(struct naming *n, struct btree_place place)
{
    const struct stream_id *id = btree_element(n->a, &place);
    if (id != NULL)
        n->heap[n->count++] = (struct source){place, *id};
}

/* The first of P's records that is not too old. */
static struct btree_place first_record(const struct writing *w, const struct stream_producer *p)
{
    struct btree_place place = btree_first(&p->by_id);
    const struct stream_record *r;
    while ((r = btree_element(w->a, &place)) != NULL && r->id.ms <= w->old_ms)
        btree_next(w->a, &place);
    return place;
}

/* From the entry of FROM on. False: there is no memory. */
static bool naming_begin(struct naming *n, const struct writing *w, struct stream_id from)
{
    uint64_t most =
        stream_groups_count(w->groups) + (w->idmp == NULL ? 0 : (uint64_t)w->idmp->producers.count);
    *n = (struct naming){.a = w->a};
    stream_walk_begin(&n->walk, w->s, w->a, from, STREAM_ID_MAX, false);
    n->live = stream_walk_next(&n->walk);
    if (most == 0)
        return true;
    n->heap = heap_try_alloc(most * sizeof *n->heap);
    if (n->heap == NULL)
        return false;
    if (w->groups != NULL) {
        struct btree_place at = btree_first(&w->groups->by_name);
        for (const struct stream_group *g; (g = btree_element(w->a, &at)) != NULL; btree_next(w->a, &at))
            add_source(n, stream_pel_seek(g, &g->pending, w->a, from));
    }
    if (w->idmp != NULL) {
        struct btree_place at = btree_first(&w->idmp->producers);
        for (const struct stream_producer *p; (p = btree_element(w->a, &at)) != NULL; btree_next(w->a, &at))
            add_source(n, first_record(w, p));
    }
    for (size_t i = n->count / 2; i-- > 0;)
        sift_down(n, i);
    return true;
}

static void naming_done(struct naming *n)
{
    heap_free(n->heap);
}

/* The source at the top goes on. */
static void step_top(struct naming *n)
{
    struct source *top = n->heap;
    const struct stream_id *id = btree_next(n->a, &top->place) ? btree_element(n->a, &top->place) : NULL;
    if (id != NULL)
        top->id = *id;
    else
        *top = n->heap[--n->count];
    if (n->count > 1)
        sift_down(n, 0);
}

/* The next one; *LIVE: there is an entry of it, which the walk is at. */
static bool naming_next(struct naming *n, struct stream_id *id, bool *live)
{
    if (n->taken)
        n->live = stream_walk_next(&n->walk);
    if (!n->live && n->count == 0)
        return false;
    *live = n->taken = n->live && (n->count == 0 || stream_id_compare(n->walk.id, n->heap->id) <= 0);
    *id = *live ? n->walk.id : n->heap->id;
    while (n->count > 0 && stream_id_compare(n->heap->id, *id) <= 0)
        step_top(n);
    return true;
}

/* --- entries --- */

static const unsigned char *write_cell(struct rewrite *out, const unsigned char *p)
{
    char scratch[NUMBER_TEXT_MAX];
    struct listpack_value v = listpack_inline_get(p);
    rewrite_arg(out, listpack_text(&v, scratch));
    return p + stream_cell_size(p);
}

static void write_entry(struct rewrite *out, struct slice key, const struct stream_walk *w)
{
    const unsigned char *p = w->fields, *name = stream_node_names(w->n);
    rewrite_command(out, "XADD", key, 1 + 2 * (w->pairs > 0 ? w->pairs : 1));
    write_id(out, w->id);
    for (uint64_t i = 0; i < w->pairs; i++) {
        if (w->same)
            name = write_cell(out, name);
        else
            p = write_cell(out, p);
        p = write_cell(out, p);
    }
    for (unsigned i = 0; w->pairs == 0 && i < 2; i++)
        rewrite_word(out, "");
}

/* One that is there only to be named. */
static void write_dead(struct rewrite *out, struct slice key, struct stream_id id)
{
    rewrite_command(out, "XADD", key, 3);
    write_id(out, id);
    rewrite_word(out, "x");
    rewrite_word(out, "y");
}

/* An empty stream is one from which all went. */
static void write_empty(struct rewrite *out, struct slice key)
{
    static const char *const words[] = {"MAXLEN", "0", "0-1", "x", "y"};
    rewrite_command(out, "XADD", key, sizeof words / sizeof *words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        rewrite_word(out, words[i]);
}

static void write_entries(struct writing *w)
{
    struct naming n;
    struct stream_id id;
    bool live, any = false;
    if (!naming_begin(&n, w, STREAM_ID_MIN)) {
        w->out->code = MR_E_MEMORY;
        return;
    }
    while (w->out->code == 0 && naming_next(&n, &id, &live)) {
        if (live) {
            write_entry(w->out, w->key, &n.walk);
            if (!any)
                w->first_live = id;
            any = true;
        } else if (stream_id_is_zero(id)) {
            continue;
        } else {
            write_dead(w->out, w->key, id);
            w->dead += !any;
            w->dead_behind += any;
        }
        w->added++;
        w->newest = id;
    }
    naming_done(&n);
    if (w->added == 0)
        write_empty(w->out, w->key);
}

/* --- ids, one after the other, that the same can be said of --- */

struct ids {
    unsigned count;
    struct stream_id at[REWRITE_GROUP];
};

static void write_ids(struct rewrite *out, struct ids *ids)
{
    for (unsigned i = 0; i < ids->count; i++)
        write_id(out, ids->at[i]);
    ids->count = 0;
}

static void write_xdel(const struct writing *w, struct ids *ids)
{
    if (ids->count == 0)
        return;
    rewrite_command(w->out, "XDEL", w->key, ids->count);
    write_ids(w->out, ids);
}

/* Takes out what is there only to be named. */
static void write_deletions(const struct writing *w)
{
    struct naming n;
    struct ids ids = {0};
    struct stream_id id;
    bool live;
    if (w->dead > 0) {
        bool all = w->dead == w->added;
        rewrite_command(w->out, "XTRIM", w->key, 2);
        rewrite_word(w->out, all ? "MAXLEN" : "MINID");
        if (all)
            rewrite_word(w->out, "0");
        else
            write_id(w->out, w->first_live);
    }
    if (w->dead_behind == 0)
        return;
    if (!naming_begin(&n, w, w->first_live)) {
        w->out->code = MR_E_MEMORY;
        return;
    }
    while (w->out->code == 0 && naming_next(&n, &id, &live)) {
        if (live)
            continue;
        ids.at[ids.count++] = id;
        if (ids.count == REWRITE_GROUP)
            write_xdel(w, &ids);
    }
    write_xdel(w, &ids);
    naming_done(&n);
}

/* --- figures --- */

static struct stream_id later(struct stream_id a, struct stream_id b)
{
    return stream_id_compare(a, b) < 0 ? b : a;
}

static void write_number(struct rewrite *out, const char *word, uint64_t n)
{
    rewrite_word(out, word);
    rewrite_uint(out, n < INT64_MAX ? n : INT64_MAX);
}

/* How many entries must have been added that what stands before the groups can be said. */
static uint64_t added_for_groups(const struct writing *w)
{
    uint64_t most = w->s->entries_added > w->added ? w->s->entries_added : w->added;
    struct btree_place at = btree_first(&w->groups->by_name);
    for (const struct stream_group *g; (g = btree_element(w->a, &at)) != NULL; btree_next(w->a, &at))
        if (g->entries_read > 0 && (uint64_t)g->entries_read > most)
            most = (uint64_t)g->entries_read;
    return most;
}

static void write_figures(const struct writing *w)
{
    const struct stream *s = w->s;
    struct stream_id last = later(s->last_id, stream_newest_id(s, w->a));
    bool back = stream_id_compare(last, s->max_deleted_id) < 0; /* it was set back behind that */
    rewrite_command(w->out, "XSETID", w->key, 5);
    write_id(w->out, back ? s->max_deleted_id : last);
    write_number(w->out, "ENTRIESADDED", s->entries_added > s->length ? s->entries_added : s->length);
    rewrite_word(w->out, "MAXDELETEDID");
    write_id(w->out, s->max_deleted_id);
    if (back) {
        rewrite_command(w->out, "XSETID", w->key, 1);
        write_id(w->out, last);
    }
}

/* --- idempotent additions --- */

static void write_settings(const struct writing *w)
{
    uint64_t duration = w->idmp->duration_s, maxsize = w->idmp->maxsize;
    bool has_duration = duration != 0 && duration <= DURATION_MAX;
    bool has_maxsize = maxsize != 0 && maxsize <= MAXSIZE_MAX;
    if (!has_duration && !has_maxsize)
        return;
    rewrite_command(w->out, "XCFGSET", w->key, 2 * (uint64_t)has_duration + 2 * (uint64_t)has_maxsize);
    if (has_duration)
        write_number(w->out, "IDMP-DURATION", duration);
    if (has_maxsize)
        write_number(w->out, "IDMP-MAXSIZE", maxsize);
}

static void write_records(const struct writing *w, const struct stream_producer *p)
{
    struct btree_place at = first_record(w, p);
    const struct stream_record *r;
    for (; w->out->code == 0 && (r = btree_element(w->a, &at)) != NULL; btree_next(w->a, &at)) {
        if (stream_id_is_zero(r->id))
            continue;
        rewrite_command(w->out, "XIDMPRECORD", w->key, 3);
        rewrite_arg(w->out, slice_of(p->name, p->len));
        rewrite_arg(w->out, slice_of(r->iid, r->len));
        write_id(w->out, r->id);
    }
}

static void write_idmp(const struct writing *w)
{
    write_settings(w);
    struct btree_place at = btree_first(&w->idmp->producers);
    for (const struct stream_producer *p; (p = btree_element(w->a, &at)) != NULL; btree_next(w->a, &at))
        write_records(w, p);
}

/* --- groups --- */

/* Pending entries that came one after the other and are alike. */
struct alike {
    const struct stream_consumer *c; /* NULL: given back */
    int64_t delivered_ms;
    uint64_t count;
    struct ids ids;
};

static void write_alike(const struct writing *w, struct slice group, struct alike *l)
{
    struct rewrite *out = w->out;
    unsigned count = l->ids.count;
    if (count == 0)
        return;
    if (l->c == NULL) {
        rewrite_command(out, "XNACK", w->key, 7 + (uint64_t)count);
        rewrite_arg(out, group);
        rewrite_word(out, "FAIL");
        rewrite_word(out, "IDS");
        rewrite_uint(out, count);
        write_ids(out, &l->ids);
        write_number(out, "RETRYCOUNT", l->count);
    } else {
        rewrite_command(out, "XCLAIM", w->key, 9 + (uint64_t)count);
        rewrite_arg(out, group);
        rewrite_arg(out, stream_consumer_name(l->c));
        rewrite_word(out, "0");
        write_ids(out, &l->ids);
        rewrite_word(out, "TIME");
        rewrite_int(out, l->delivered_ms);
        write_number(out, "RETRYCOUNT", l->count);
        rewrite_word(out, "JUSTID");
    }
    rewrite_word(out, "FORCE");
}

static void write_pending(const struct writing *w, struct stream_group *g)
{
    struct alike l = {.c = NULL};
    struct stream_oldest walk;
    const struct stream_pending *p;
    struct slice group = stream_group_name(g);
    stream_oldest_begin(&walk, g, w->a);
    while (w->out->code == 0 && (p = stream_oldest_next(&walk)) != NULL) {
        const struct stream_consumer *c = stream_pending_consumer(w->a, p);
        if (stream_id_is_zero(p->id))
            continue;
        if (l.ids.count == REWRITE_GROUP || l.c != c || l.count != p->count ||
            (c != NULL && l.delivered_ms != p->delivered_ms))
            write_alike(w, group, &l);
        l.c = c;
        l.delivered_ms = p->delivered_ms;
        l.count = p->count;
        l.ids.at[l.ids.count++] = p->id;
    }
    write_alike(w, group, &l);
}

static void write_group(const struct writing *w, struct stream_group *g)
{
    struct rewrite *out = w->out;
    struct slice name = stream_group_name(g);
    rewrite_begin(out, 7);
    rewrite_word(out, "XGROUP");
    rewrite_word(out, "CREATE");
    rewrite_arg(out, w->key);
    rewrite_arg(out, name);
    write_id(out, g->last_id);
    rewrite_word(out, "ENTRIESREAD");
    rewrite_int(out, g->entries_read < 0 ? STREAM_READ_UNKNOWN : g->entries_read);
    struct btree_place at = btree_first(&g->consumers);
    const struct stream_consumer *c;
    for (; out->code == 0 && (c = btree_element(w->a, &at)) != NULL; btree_next(w->a, &at)) {
        rewrite_begin(out, 5);
        rewrite_word(out, "XGROUP");
        rewrite_word(out, "CREATECONSUMER");
        rewrite_arg(out, w->key);
        rewrite_arg(out, name);
        rewrite_arg(out, stream_consumer_name(c));
    }
    write_pending(w, g);
}

static void write_groups(const struct writing *w)
{
    struct btree_place at = btree_first(&w->groups->by_name);
    struct stream_group *g;
    for (; w->out->code == 0 && (g = btree_element(w->a, &at)) != NULL; btree_next(w->a, &at))
        write_group(w, g);
}

/* Whether the figures that hold let the groups be made behind them. */
static bool figures_first(const struct writing *w)
{
    return w->dead + w->dead_behind == 0 && added_for_groups(w) == w->s->entries_added;
}

/* --- all of it --- */

void stream_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e)
{
    const struct arena *a = keyspace_arena(ks);
    const struct stream *s = stream_of(ks, e);
    struct writing w = {.out = out,
                        .a = a,
                        .s = s,
                        .key = entry_key(e),
                        .groups = arena_expand(a, s->groups),
                        .idmp = arena_expand(a, s->idmp)};
    if (w.idmp != NULL) {
        uint64_t seconds =
            w.idmp->duration_s != 0 ? w.idmp->duration_s : (uint64_t)stream_options_of(ks)->idmp_duration;
        uint64_t now = (uint64_t)clock_ms(), keep = seconds * 1000;
        w.old_ms = now > keep ? now - keep : 0;
    }
    write_entries(&w);
    if (w.idmp != NULL)
        write_idmp(&w);
    if (stream_groups_count(w.groups) == 0) {
        write_deletions(&w);
        write_figures(&w);
    } else if (figures_first(&w)) {
        write_figures(&w);
        write_groups(&w);
    } else {
        rewrite_command(out, "XSETID", w.key, 3);
        write_id(out, later(s->last_id, w.newest));
        write_number(out, "ENTRIESADDED", added_for_groups(&w));
        write_groups(&w);
        write_deletions(&w);
        write_figures(&w);
    }
}
