/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See defrag.h. Whatever refers to an entry by its address has to be mended when it moves:
 * that is its table's slot, which the walk mends, and its neighbours in the wheel. What
 * eviction remembers of candidates is checked there.
 */
#include "keyspace/defrag.h"

#include "base/counter.h"
#include "keyspace/keyspace_ops.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/object.h"

#define STEP_BUCKETS  4  /* between two looks at the clock */
#define SPAN_FREE     20 /* percent of a span that must be free for its objects to leave it */
#define PRESSED_LEAST ((size_t)1 << 20)
#define PRESSED_LOWER 1
#define GAIN_SHARE    16 /* of the free room must be this part at least that a pass will gain */
#define AGAIN_SHARE   4  /* free room must have grown by this part of what was settled */

struct move {
    struct keyspace *ks;
    struct db *db;
};

/* Somewhere else, with the same bytes. */
static void *move(struct arena *a, void *ptr, size_t size)
{
    void *to = arena_alloc(a, size);
    memcpy(to, ptr, size);
    arena_free(a, ptr, size);
    return to;
}

static size_t move_blob(struct keyspace *ks, struct entry *e)
{
    struct entry_blob *blob = arena_expand(&ks->arena, entry_pointer(e));
    if (!arena_is_leaving(&ks->arena, blob, blob->size))
        return 0;
    blob = move(&ks->arena, blob, blob->size);
    arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(&ks->arena, blob));
    return 1;
}

static void move_value(struct keyspace *ks, struct entry *e)
{
    size_t moved = 0;
    if (entry_type(e) == OBJECT_STRING) {
        moved = move_blob(ks, e);
    } else {
        const struct object_type *type = ks->types != NULL ? object_types_of(ks->types, e) : NULL;
        if (type != NULL && type->relocate != NULL)
            moved = type->relocate(ks, e);
    }
    ks->defrag.hits += moved;
    ks->defrag.misses += moved == 0;
}

static void *move_entry(void *arg, void *element)
{
    struct move *m = arg;
    struct keyspace *ks = m->ks;
    struct entry *e = element;
    size_t size = entry_size(e);
    if (arena_is_leaving(&ks->arena, e, size)) {
        e = move(&ks->arena, e, size);
        if (entry_has_expiry(e))
            wheel_moved(&m->db->wheel, &ks->arena, e);
        ks->defrag.key_hits++;
    } else {
        ks->defrag.key_misses++;
    }
    if (unlikely(entry_encoding(e) == ENTRY_POINTER))
        move_value(ks, e);
    return e;
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

void defrag_step(struct keyspace *ks, int64_t us)
{
    struct defrag_state *s = &ks->defrag;
    int64_t end = clock_mono_now_us() + us;
    while (s->running) {
        for (unsigned i = 0; i < STEP_BUCKETS && s->db < ks->databases; i++) {
            struct db *db = &ks->db[s->db];
            struct move m = {.ks = ks, .db = db};
            s->cursor = dict_relocate(&db->dict, &ks->arena, s->cursor, move_entry, &m);
            s->db += s->cursor == 0;
        }
        if (s->db == ks->databases)
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
