/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lines of clients at keys: a table of keys by database and name, and the list of those
 * that have become ready, which the keyspace's events fill. Nothing here runs a command.
 */
#include <string.h>

#include "base/heap.h"
#include "command/block_private.h"

#define BUCKETS_LEAST 64
#define ALWAYS        (EVENT_NEW | EVENT_TYPE_CHANGED)
/* What may take a key away, or make something else of it. */
#define GOING         (EVENT_GENERIC | EVENT_EXPIRED | EVENT_EVICTED | EVENT_OVERWRITTEN)

struct slice block_key(const struct block_line *line)
{
    return slice_of(line->key, line->key_len);
}

/* --- the table --- */

static struct block_line **bucket_of(const struct block *b, uint32_t db, uint64_t hash)
{
    return &b->buckets[(hash + db) & (b->bucket_count - 1)];
}

static struct block_line *find(const struct block *b, uint32_t db, struct slice key, uint64_t hash)
{
    if (b->bucket_count == 0)
        return NULL;
    struct block_line *line = *bucket_of(b, db, hash);
    while (line != NULL && (line->hash != hash || line->db != db || !slice_equal(block_key(line), key)))
        line = line->chain;
    return line;
}

static void grow(struct block *b)
{
    struct block_line **old = b->buckets;
    size_t old_count = b->bucket_count;
    b->bucket_count = old_count == 0 ? BUCKETS_LEAST : old_count * 2;
    b->buckets = heap_alloc_zero(b->bucket_count * sizeof(struct block_line *));
    for (size_t i = 0; i < old_count; i++)
        for (struct block_line *line = old[i], *chain; line != NULL; line = chain) {
            struct block_line **bucket = bucket_of(b, line->db, line->hash);
            chain = line->chain;
            line->chain = *bucket;
            *bucket = line;
        }
    heap_free(old);
}

/* NULL: no memory. */
static struct block_line *find_or_make(struct block *b, uint32_t db, struct slice key, uint64_t hash)
{
    struct block_line *line = find(b, db, key, hash);
    if (line != NULL)
        return line;
    if (b->line_count >= b->bucket_count)
        grow(b);
    line = heap_try_alloc(sizeof *line + key.len);
    if (line == NULL)
        return NULL;
    *line = (struct block_line){.hash = hash, .db = db, .key_len = key.len};
    memcpy(line->key, key.ptr, key.len);
    struct block_line **bucket = bucket_of(b, db, hash);
    line->chain = *bucket;
    *bucket = line;
    b->line_count++;
    return line;
}

static void release(struct block *b, struct block_line *line)
{
    if (line->first != NULL || line->ready || line->serving)
        return;
    struct block_line **at = bucket_of(b, line->db, line->hash);
    while (*at != line)
        at = &(*at)->chain;
    *at = line->chain;
    heap_free(line);
    if (--b->line_count == 0) {
        heap_free(b->buckets);
        b->buckets = NULL;
        b->bucket_count = 0;
    }
}

/* --- places --- */

static void join(struct block *b, struct block_line *line, struct block_place *p)
{
    const struct block_waiter *w = p->waiter;
    p->line = line;
    p->prev = line->last;
    *(line->last != NULL ? &line->last->next : &line->first) = p;
    line->last = p;
    line->by_type[w->type]++;
    b->gone_lines += w->gone && line->gone == 0;
    line->gone += w->gone;
}

int block_lines_join(struct block *b, struct block_waiter *w, uint32_t events)
{
    struct keyspace *ks = b->dispatch->keyspace;
    events |= ALWAYS | (w->gone ? GOING : 0);
    for (uint32_t i = 0; i < w->count; i++) {
        struct slice key = w->argv[w->first + i];
        struct block_line *line = find_or_make(b, (uint32_t)w->session->db, key, keyspace_hash(ks, key));
        if (line == NULL) {
            w->count = i;
            block_lines_leave(b, w);
            w->count = 0;
            return MR_E_MEMORY;
        }
        w->places[i] = (struct block_place){.waiter = w};
        if (line->last != NULL && line->last->waiter == w)
            continue;
        join(b, line, &w->places[i]);
        line->events |= events;
    }
    if ((b->observer.classes | events) != b->observer.classes) {
        b->observer.classes |= events;
        keyspace_observer_changed(ks);
    }
    return 0;
}

void block_lines_leave(struct block *b, struct block_waiter *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        struct block_place *p = &w->places[i];
        struct block_line *line = p->line;
        if (line == NULL)
            continue;
        *(p->prev != NULL ? &p->prev->next : &line->first) = p->next;
        *(p->next != NULL ? &p->next->prev : &line->last) = p->prev;
        line->by_type[w->type]--;
        line->gone -= w->gone;
        b->gone_lines -= w->gone && line->gone == 0;
        release(b, line);
    }
}

/* --- what is ready --- */

static void mark(struct block *b, struct block_line *line)
{
    if (line->ready)
        return;
    line->ready = true;
    line->next_ready = NULL;
    *(b->last_ready != NULL ? &b->last_ready->next_ready : &b->first_ready) = line;
    b->last_ready = line;
    if (b->dispatch->executing)
        b->dispatch->ready = true;
    else
        loop_timer_set(b->loop, &b->kick, 0);
}

struct block_line *block_lines_take(struct block *b)
{
    struct block_line *line = b->first_ready;
    if (line == NULL)
        return NULL;
    b->first_ready = line->next_ready;
    if (b->first_ready == NULL)
        b->last_ready = NULL;
    line->ready = false;
    line->serving = true;
    return line;
}

void block_lines_done(struct block *b, struct block_line *line)
{
    line->serving = false;
    release(b, line);
}

static void on_event(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                     struct slice key)
{
    struct block *b = owner;
    struct block_line *line = find(b, db_index(db), key, keyspace_hash(b->dispatch->keyspace, key));
    (void)name;
    if (line != NULL && (line->events & (uint32_t)class_) != 0)
        mark(b, line);
}

/* Marks the lines at DB's keys; GONE: those alone of which somebody asks that. */
static void mark_all(struct block *b, uint32_t db, bool gone)
{
    for (size_t i = 0; i < b->bucket_count; i++)
        for (struct block_line *line = b->buckets[i]; line != NULL; line = line->chain)
            if (line->db == db && (!gone || line->gone > 0))
                mark(b, line);
}

static void on_flush(void *owner, struct db *db)
{
    struct block *b = owner;
    if (b->gone_lines > 0)
        mark_all(b, db_index(db), true);
}

static void on_swap(void *owner, struct db *db, struct db *other)
{
    mark_all(owner, db_index(db), false);
    mark_all(owner, db_index(other), false);
}

void block_lines_init(struct block *b)
{
    b->observer = (struct keyspace_observer){
        .classes = ALWAYS, .owner = b, .event = on_event, .flushed = on_flush, .swapped = on_swap};
}

void block_lines_free(struct block *b)
{
    struct block_line *line;
    while ((line = block_lines_take(b)) != NULL)
        block_lines_done(b, line);
}
