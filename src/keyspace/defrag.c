/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See defrag.h. Whatever refers to an entry by its address has to be mended when it moves:
 * that is its table's slot, which the walk mends, and its neighbours in the wheel. What
 * eviction remembers of candidates is checked there.
 *
 * The walk stops at an object that is too big for one step until that is done, in slices. All big
 * ones of a bucket wait together.
 */
#include "keyspace/defrag.h"

#include "base/counter.h"
#include "base/heap.h"
#include "keyspace/keyspace_ops.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/object.h"

#define STEP_BUCKETS  4   /* between two looks at the clock */
#define STEP_ELEMENTS 128 /* of objects, the same */
#define SPAN_FREE     20  /* percent of a span that must be free for its objects to leave it */
#define PRESSED_LEAST ((size_t)1 << 20)
#define PRESSED_LOWER 1
#define GAIN_SHARE    16 /* of the free room must be this part at least that a pass will gain */
#define AGAIN_SHARE   4  /* free room must have grown by this part of what was settled */

struct move {
    struct keyspace *ks;
    struct db *db;
    uint64_t budget; /* elements */
};

static size_t move_blob(struct keyspace *ks, struct entry *e)
{
    struct entry_blob *blob = arena_expand(&ks->arena, entry_pointer(e));
    size_t moved = 0;
    blob = arena_relocate(&ks->arena, blob, blob->size, &moved);
    if (moved != 0)
        arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(&ks->arena, blob));
    return moved;
}

static void put_off(struct move *m, struct entry *e, uint64_t cursor, bool moved)
{
    struct keyspace *ks = m->ks;
    struct defrag_state *s = &ks->defrag;
    if (s->object_count == s->object_room) {
        s->object_room = s->object_room == 0 ? 4 : s->object_room * 2;
        s->objects = heap_realloc(s->objects, s->object_room * sizeof *s->objects);
    }
    s->objects[s->object_count++] = (struct defrag_object){.db = m->db->index,
                                                           .hash = keyspace_hash(ks, entry_key(e)),
                                                           .root = entry_pointer(e),
                                                           .cursor = cursor,
                                                           .moved = moved};
}

static void move_object(struct move *m, struct entry *e)
{
    struct keyspace *ks = m->ks;
    uint64_t cursor = 0;
    size_t moved = 0;
    bool done = m->budget != 0 && object_types_of(ks->types, e)->relocate(ks, e, &cursor, &m->budget, &moved);
    ks->defrag.hits += moved;
    if (!done)
        put_off(m, e, cursor, moved != 0);
    else
        ks->defrag.misses += moved == 0;
}

static void move_value(struct move *m, struct entry *e)
{
    if (entry_encoding(e) != ENTRY_POINTER) {
        move_object(m, e);
        return;
    }
    size_t moved = move_blob(m->ks, e);
    m->ks->defrag.hits += moved;
    m->ks->defrag.misses += moved == 0;
}

static void *move_entry(void *arg, void *element)
{
    struct move *m = arg;
    struct keyspace *ks = m->ks;
    size_t moved = 0;
    struct entry *e = arena_relocate(&ks->arena, element, entry_size(element), &moved);
    if (moved != 0 && entry_has_expiry(e))
        wheel_moved(&m->db->wheel, &ks->arena, e);
    ks->defrag.key_hits += moved;
    ks->defrag.key_misses += moved == 0;
    if (entry_points(e))
        move_value(m, e);
    return e;
}

/* --- big objects --- */

struct sought {
    uint64_t root;
};

static bool has_root(const void *element, struct slice key)
{
    const struct entry *e = element;
    const struct sought *sought = (const void *)key.ptr;
    return entry_encoding(e) == ENTRY_OBJECT && entry_pointer(e) == sought->root;
}

static struct entry *find_object(struct keyspace *ks, const struct defrag_object *o)
{
    static const struct dict_ops ops = {.hash = keyspace_hash_element, .equal = has_root};
    struct sought sought = {o->root};
    return dict_find(&ks->db[o->db].dict, &ks->arena, &ops, slice_of((const char *)&sought, sizeof sought),
                     o->hash, NULL);
}

/* A slice of the last one that is under way. */
static void move_on(struct keyspace *ks)
{
    struct defrag_state *s = &ks->defrag;
    struct defrag_object *o = &s->objects[s->object_count - 1];
    struct entry *e = find_object(ks, o);
    uint64_t budget = STEP_ELEMENTS;
    size_t moved = 0;
    bool done = e == NULL || object_types_of(ks->types, e)->relocate(ks, e, &o->cursor, &budget, &moved);
    s->hits += moved;
    o->moved |= moved != 0;
    if (!done) {
        o->root = entry_pointer(e);
        return;
    }
    s->misses += !o->moved;
    s->object_count--;
}

void defrag_done(struct keyspace *ks)
{
    heap_free(ks->defrag.objects);
    ks->defrag.objects = NULL;
    ks->defrag.object_count = ks->defrag.object_room = 0;
}

/* --- passes --- */

static size_t room(const struct keyspace *ks)
{
    return ks->arena.held - ks->arena.used;
}

static uint64_t moved(const struct keyspace *ks)
{
    return ks->defrag.hits + ks->defrag.key_hits;
}

static void end_pass(struct keyspace *ks)
{
    struct defrag_state *s = &ks->defrag;
    arena_evacuate_end(&ks->arena);
    defrag_done(ks);
    s->running = false;
    /* What is to move but is not reached would be tried for ever. (How free room has changed says
     * nothing: keys are deleted meanwhile.) */
    s->settled = moved(ks) == s->moved ? room(ks) : 0;
}

static void begin_pass(struct keyspace *ks)
{
    struct defrag_state *s = &ks->defrag;
    size_t free = room(ks);
    s->moved = moved(ks);
    s->db = 0;
    s->cursor = 0;
    s->running = arena_evacuate_begin(&ks->arena, SPAN_FREE) > free / GAIN_SHARE;
    if (s->running)
        return;
    arena_evacuate_end(&ks->arena);
    s->settled = free;
}

static void walk_on(struct keyspace *ks)
{
    struct defrag_state *s = &ks->defrag;
    struct move m = {.ks = ks, .budget = STEP_ELEMENTS};
    for (unsigned i = 0; i < STEP_BUCKETS && s->db < ks->databases && s->object_count == 0; i++) {
        m.db = &ks->db[s->db];
        s->cursor = dict_relocate(&m.db->dict, &ks->arena, s->cursor, move_entry, &m);
        s->db += s->cursor == 0;
    }
}

void defrag_step(struct keyspace *ks, int64_t us)
{
    struct defrag_state *s = &ks->defrag;
    int64_t end = clock_mono_now_us() + us;
    while (s->running) {
        if (s->object_count != 0)
            move_on(ks);
        else
            walk_on(ks);
        if (s->db == ks->databases && s->object_count == 0)
            end_pass(ks);
        else if (clock_mono_now_us() >= end)
            return;
    }
}

/* --- when --- */

static unsigned effort_for(const struct keyspace *ks, bool pressed)
{
    const struct defrag_options *o = ks->defrag.options;
    size_t used = ks->arena.used, free = room(ks);
    size_t ignore = (size_t)o->ignore_bytes;
    int64_t lower = o->threshold_lower;
    if (pressed) {
        ignore = ignore < PRESSED_LEAST ? ignore : PRESSED_LEAST;
        lower = lower < PRESSED_LOWER ? lower : PRESSED_LOWER;
    }
    if (likely(free <= ignore) || (double)free * 100 < (double)used * (double)lower)
        return 0;
    int64_t min = o->cycle_min, max = o->cycle_max > min ? o->cycle_max : min;
    double percent = used == 0 ? INT32_MAX : (double)free * 100 / (double)used;
    if (pressed || percent >= (double)o->threshold_upper)
        return (unsigned)max;
    double share = (percent - (double)lower) / (double)(o->threshold_upper - lower);
    return (unsigned)((double)min + share * (double)(max - min));
}

static void note_over(struct defrag_state *s, bool over)
{
    if (likely(over == s->over))
        return;
    s->over = over;
    if (over)
        s->over_us = clock_mono_us();
    else
        s->total_us += clock_mono_us() - s->over_us;
}

/* Whether there has come up enough since the last pass that gained nothing. */
static bool is_settled(struct defrag_state *s, size_t free)
{
    if (likely(s->settled == 0))
        return false;
    if (free > s->settled - s->settled / AGAIN_SHARE && free < s->settled + s->settled / AGAIN_SHARE)
        return true;
    s->settled = 0;
    return false;
}

unsigned defrag_effort(struct keyspace *ks, bool pressed)
{
    struct defrag_state *s = &ks->defrag;
    if (s->options == NULL || !s->options->on) {
        if (s->running)
            end_pass(ks);
        s->settled = 0;
        s->effort = 0;
    } else {
        s->effort = effort_for(ks, pressed);
        if (s->running && s->effort == 0)
            s->effort = (unsigned)s->options->cycle_min; /* what has begun is brought to its end */
        else if (!s->running && s->effort != 0 && is_settled(s, room(ks)))
            s->effort = 0;
        if (s->effort != 0 && !s->running)
            begin_pass(ks);
        if (!s->running)
            s->effort = 0;
    }
    note_over(s, s->effort != 0);
    return s->effort;
}

void defrag_configure(struct keyspace *ks, const struct defrag_options *options)
{
    ks->defrag.options = options;
    ks->defrag.settled = 0;
}

/* --- counters --- */

static void format_running(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    buf_append_uint(out, ks->defrag.effort);
}

static int64_t current_ms(const struct keyspace *ks)
{
    return ks->defrag.over ? (clock_mono_us() - ks->defrag.over_us) / 1000 : 0;
}

static void format_current(const void *owner, struct buf *out)
{
    buf_append_int(out, current_ms(owner));
}

static void format_total(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    buf_append_int(out, ks->defrag.total_us / 1000 + current_ms(ks));
}

#define STAT(NAME, FIELD, SENTENCE)                                                                          \
    {                                                                                                        \
        .section = "stats", .name = (NAME), .sentence = (SENTENCE), .reset = true,                           \
        .offset = offsetof(struct keyspace, defrag.FIELD)                                                    \
    }

static const struct counter_row rows[] = {
    {.section = "memory",
     .name = "active_defrag_running",
     .unit = "percent",
     .sentence = "The share of the time that is taken for defragmentation; 0: there is nothing to do.",
     .format = format_running},
    STAT("active_defrag_hits", hits, "Parts of values that were moved."),
    STAT("active_defrag_misses", misses, "Values outside of their entries that did not have to be moved."),
    STAT("active_defrag_key_hits", key_hits, "Keys that were moved."),
    STAT("active_defrag_key_misses", key_misses, "Keys that did not have to be moved."),
    {.section = "stats",
     .name = "total_active_defrag_time",
     .unit = "ms",
     .sentence = "Time in which there was something to defragment.",
     .format = format_total},
    {.section = "stats",
     .name = "current_active_defrag_time",
     .unit = "ms",
     .sentence = "Time since there has been something to defragment.",
     .format = format_current},
};

static void reset_stats(void *owner)
{
    struct keyspace *ks = owner;
    ks->defrag.total_us = 0;
    ks->defrag.over_us = clock_mono_us();
}

void defrag_register_counters(struct keyspace *ks, struct counters *counters)
{
    counters_add(counters, rows, sizeof rows / sizeof *rows, ks, reset_stats);
}
