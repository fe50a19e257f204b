/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eviction at the limit, and the pace of defragmentation.
 *
 * What counts. With a policy that evicts, the process is to stay within maxmemory as the
 * kernel counts it, and that is more than what is handed out: there is free room
 * in the arena's spans and free pages that it keeps, and there is the program itself. But what an
 * eviction frees is such room at first, so counting all of it would make eviction chase itself. So:
 *
 *   counted = handed out + free room that could not be used + the rest of the process
 *
 * The middle one is what was free in the arena when that last grew: evidently it was of no use for
 * what was wanted then. It counts up to ROOM_SHARE of the limit; what is beyond is for
 * defragmentation to bring back, which begins early and hurries while the process is above its limit.
 * The rest is measured (resident less what arena and heap know of) ten times a second. Limits of a
 * few megabytes, less than the program itself, count none of it.
 *
 * When. Any command above the limit evicts first, as long as the turn has time for it
 * (maxmemory-eviction-tenacity), and the end of the turn goes on. Writers are not refused while there
 * is something to evict; but those who write more than is evicted wait, so that memory does not
 * grow any further. They are refused where nothing may be evicted and what is handed out is above
 * the limit.
 */
#include "base/clock.h"
#include "base/heap.h"
#include "command/dispatch.h"
#include "features/memory/memory_private.h"
#include "keyspace/keyspace.h"

#define ROOM_SHARE       50                   /* of the limit: free room that counts */
#define REST_FREE        ((uint64_t)16 << 20) /* limits up to this count nothing of the rest .. */
#define REST_SHARE       4                    /* .. and of what is beyond, this part at most */
#define SLACK_SHARE      128 /* of the limit: what the arena may keep above it, or writers may add */
#define MEASURE_US       100000
#define END_US           500 /* of eviction at the end of a turn */
#define BETWEEN_CLOCKS   8   /* evictions */
#define TRIM_SLICE       ((size_t)256 << 10)
#define TENACITY_LINEAR  10 /* up to this, 50 us each .. */
#define TENACITY_US      50
#define TENACITY_FOREVER 100
#define DEFRAG_SLICE_US  500
#define DAY_US           (INT64_C(86400) * 1000000)

#define MEMBER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static struct keyspace *keyspace(const struct memory *m)
{
    return dispatch_keyspace(m->dispatch);
}

bool memory_evicts(const struct memory *m)
{
    return memory_is_limited(m) && m->options->evict.policy != EVICT_NOTHING;
}

/* --- what counts --- */

/* What the arena has and has not handed out. */
static size_t free_room(const struct arena *a)
{
    return a->held - a->used + a->dirty;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void note_room(struct memory_eviction *ev, const struct arena *a)
{
    size_t has = a->held + a->dirty, room = free_room(a);
    if (has > ev->arena || room < ev->room)
        ev->room = room;
    ev->arena = has;
}

static void measure(struct memory *m)
{
    struct memory_eviction *ev = &m->eviction;
    const struct arena *a = keyspace_arena(keyspace(m));
    uint64_t limit = m->options->limit;
    int64_t rest = (int64_t)memory_resident() - (int64_t)(heap_used() + a->held + a->dirty);
    int64_t most = limit > REST_FREE ? (int64_t)((limit - REST_FREE) / REST_SHARE) : 0;
    ev->rest = rest;
    ev->rest_counted = rest < 0 ? 0 : rest < most ? (uint64_t)rest : (uint64_t)most;
    ev->measured_us = clock_mono_us();
}

uint64_t memory_counted(struct memory *m)
{
    uint64_t used = memory_used(m);
    if (!memory_evicts(m))
        return used;
    struct memory_eviction *ev = &m->eviction;
    note_room(ev, keyspace_arena(keyspace(m)));
    return used + least(ev->room, m->options->limit / ROOM_SHARE) + ev->rest_counted;
}

/* As far as is known without asking the kernel. */
static int64_t resident_about(const struct memory *m)
{
    const struct arena *a = keyspace_arena(keyspace(m));
    return (int64_t)(heap_used() + a->held + a->dirty) + m->eviction.rest;
}

/* Above the limit by so much that the arena should give something back; how much. */
static size_t excess(const struct memory *m)
{
    uint64_t limit = m->options->limit;
    int64_t resident = resident_about(m);
    if (m->eviction.rest > (int64_t)m->eviction.rest_counted)
        resident -= m->eviction.rest - (int64_t)m->eviction.rest_counted;
    int64_t beyond = resident - (int64_t)(limit + limit / SLACK_SHARE);
    return beyond > 0 ? (size_t)beyond : 0;
}

/* --- evicting --- */

/* Microseconds of a turn. */
static int64_t turn_budget(const struct memory *m)
{
    int64_t tenacity = m->options->tenacity;
    if (tenacity >= TENACITY_FOREVER)
        return INT64_MAX / 2;
    if (tenacity <= TENACITY_LINEAR)
        return tenacity * TENACITY_US;
    double us = TENACITY_LINEAR * TENACITY_US;
    for (; tenacity > TENACITY_LINEAR; tenacity--)
        us *= 1.15;
    return (int64_t)us;
}

static void run_begin(struct memory *m, uint64_t counted)
{
    struct memory_eviction *ev = &m->eviction;
    if (ev->running)
        return;
    ev->running = true;
    ev->exhausted = false;
    ev->began_us = clock_mono_us();
    ev->ceiling = counted;
}

static void run_end(struct memory *m)
{
    struct memory_eviction *ev = &m->eviction;
    if (!ev->running)
        return;
    ev->running = false;
    ev->exhausted = false;
    ev->over_us += clock_mono_us() - ev->began_us;
}

/* Evicts until all is well, the time is up, or nothing may go. */
static void evict(struct memory *m, int64_t us)
{
    struct memory_eviction *ev = &m->eviction;
    struct keyspace *ks = keyspace(m);
    uint64_t limit = m->options->limit, counted;
    int64_t end = INT64_MIN;
    for (unsigned n = 1; (counted = memory_counted(m)) > limit; n++) {
        if (evict_one(ks) == 0) {
            ev->exhausted = true;
            break;
        }
        if (n % BETWEEN_CLOCKS != 0)
            continue;
        int64_t now = clock_mono_now_us();
        if (end == INT64_MIN)
            end = now + us;
        else if (now >= end)
            break;
    }
    if (counted <= limit)
        run_end(m);
    else if (counted < ev->ceiling)
        ev->ceiling = counted;
}

/* The same for a command, out of the turn's time; a little is done even where that has been used up. */
static void evict_for_command(struct memory *m)
{
    struct memory_eviction *ev = &m->eviction;
    if (ev->turn_us <= 0) {
        evict(m, 0);
        return;
    }
    uint64_t began = clock_ticks();
    evict(m, (int64_t)ev->turn_us);
    ev->turn_us -= clock_ticks_to_us(clock_ticks() - began);
}

/* Whether what is above the limit is no more than what writers may be ahead of eviction. */
static bool is_keeping_up(struct memory *m)
{
    return memory_counted(m) <= m->eviction.ceiling + m->options->limit / SLACK_SHARE;
}

enum memory_room memory_make_room(struct memory *m, bool grows)
{
    struct memory_eviction *ev = &m->eviction;
    uint64_t limit = m->options->limit;
    uint64_t counted = memory_counted(m);
    if (__builtin_expect(counted <= limit, 1))
        return MEMORY_HAS_ROOM;
    run_begin(m, counted);
    evict_for_command(m);
    if (!ev->running || !grows)
        return MEMORY_HAS_ROOM;
    if (ev->exhausted) {
        if (memory_used(m) <= limit)
            return MEMORY_HAS_ROOM;
        return keyspace_is_freeing(keyspace(m)) ? MEMORY_WILL_HAVE_ROOM : MEMORY_HAS_NO_ROOM;
    }
    return is_keeping_up(m) ? MEMORY_HAS_ROOM : MEMORY_WILL_HAVE_ROOM;
}

static bool is_measure_due(const struct memory *m)
{
    return memory_used(m) > m->options->limit / 2 && clock_mono_us() - m->eviction.measured_us >= MEASURE_US;
}

bool memory_evict_turn(struct memory *m)
{
    struct memory_eviction *ev = &m->eviction;
    if (!m->enforced || !memory_evicts(m)) {
        run_end(m);
        return false;
    }
    ev->turn_us = (double)turn_budget(m);
    if (is_measure_due(m))
        measure(m);
    uint64_t counted = memory_counted(m);
    if (counted > m->options->limit) {
        run_begin(m, counted);
        evict(m, END_US);
    } else {
        run_end(m);
    }
    size_t beyond = excess(m);
    if (beyond > 0 && keyspace_arena(keyspace(m))->dirty > 0)
        arena_trim(keyspace_arena(keyspace(m)), beyond < TRIM_SLICE ? beyond : TRIM_SLICE);
    return ev->running && !ev->exhausted;
}

bool memory_evict_may_release(struct memory *m)
{
    return !m->eviction.running ||
           (m->eviction.exhausted ? !keyspace_is_freeing(keyspace(m)) : is_keeping_up(m));
}

void memory_evict_configure(struct memory *m)
{
    struct memory_eviction *ev = &m->eviction;
    evict_configure(keyspace(m), &m->options->evict);
    defrag_configure(keyspace(m), &m->options->defrag);
    ev->turn_us = (double)turn_budget(m);
    ev->arena = 0;
    ev->ceiling = UINT64_MAX;
    ev->exhausted = false;
    if (memory_evicts(m))
        measure(m);
}

int64_t memory_exceeded_us(const struct memory *m)
{
    return m->eviction.running ? clock_mono_us() - m->eviction.began_us : 0;
}

/* --- defragmentation --- */

/* Between two slices there is as much time as the effort leaves. */
void memory_defrag_turn(struct memory *m)
{
    struct loop_timer *timer = &m->eviction.defrag;
    unsigned effort = defrag_effort(keyspace(m), m->enforced && memory_evicts(m) && excess(m) > 0);
    if (effort == 0) {
        if (timer->index != 0)
            loop_timer_stop(m->loop, timer);
    } else if (timer->index == 0) {
        loop_timer_after(m->loop, timer, DEFRAG_SLICE_US * (100 - (int64_t)effort) / effort);
    }
}

static void defrag_due(struct loop_timer *timer)
{
    defrag_step(keyspace(MEMBER_OF(timer, struct memory, eviction.defrag)), DEFRAG_SLICE_US);
}

/* A server that nobody asks for anything has no turns; the access stamps want one at times. */
static void day_is_over(struct loop_timer *timer)
{
    loop_timer_after(MEMBER_OF(timer, struct memory, eviction.day)->loop, timer, DAY_US);
}

void memory_evict_begin(struct memory *m)
{
    m->eviction.defrag.fn = defrag_due;
    m->eviction.day.fn = day_is_over;
    loop_timer_after(m->loop, &m->eviction.day, DAY_US);
    memory_evict_configure(m);
}

void memory_evict_done(struct memory *m)
{
    loop_timer_stop(m->loop, &m->eviction.defrag);
    loop_timer_stop(m->loop, &m->eviction.day);
    evict_configure(keyspace(m), NULL);
    defrag_configure(keyspace(m), NULL);
}
