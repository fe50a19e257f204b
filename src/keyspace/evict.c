/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Choosing the keys that go.
 *
 * Candidates are drawn at random and the best ones remembered in a small pool from call to
 * call; the best of the pool goes. A candidate is remembered by address and hash and looked
 * for again in its table before it is touched, since it may be gone by then, and is
 * judged again, since it may have been used.
 *
 * What is looked at stands in one bucket, which costs little: which bucket will be next is
 * settled two calls ahead, and what is drawn from it is on its way from memory meanwhile.
 *
 * Keys with an expiry are drawn in that way too, while one in SPARSE at least has one. Where
 * they are fewer, they are met by walking along the lists of the timing wheels, from
 * several places at once that lie apart in time. For volatile-ttl the wheel's first list is
 * looked at first; it is all looked at while it is short, and the order is exact then.
 */
#include "keyspace/evict.h"

#include "base/heap.h"
#include "base/random.h"
#include "keyspace/evict_private.h"
#include "keyspace/keyspace_ops.h"

#define SPARSE        16
#define BUCKETS_MAX   64  /* drawn from per eviction, at most */
#define CHAIN_MAX     64  /* elements of one bucket that are looked at */
#define ROUNDS_MAX    8   /* until a candidate holds */
#define WEIGHTS_CALLS 128 /* draws between two looks at the sizes of the databases */
#define PLACE_SKIP    64  /* elements of a list that a new place may begin behind */
#define SOONEST_LOOKS 32  /* elements of the wheel's first list */

static uint64_t keys_of(const struct db *db, bool is_volatile)
{
    return is_volatile ? db->wheel.count : dict_count(&db->dict);
}

/* --- databases, with chances by size --- */

static uint64_t weigh(struct keyspace *ks, bool is_volatile)
{
    struct evict_state *s = &ks->evict;
    if (s->weights == NULL)
        s->weights = heap_alloc(ks->databases * sizeof *s->weights);
    uint64_t sum = 0;
    for (unsigned i = 0; i < ks->databases; i++)
        s->weights[i] = sum += keys_of(&ks->db[i], is_volatile);
    s->weights_age = WEIGHTS_CALLS;
    s->weights_volatile = is_volatile;
    return sum;
}

static struct db *weighted(struct keyspace *ks, uint64_t n)
{
    unsigned low = 0, high = ks->databases - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (ks->evict.weights[middle] > n)
            high = middle;
        else
            low = middle + 1;
    }
    return &ks->db[low];
}

/* NULL: no database has such keys. */
static struct db *draw_db(struct keyspace *ks, bool is_volatile)
{
    struct evict_state *s = &ks->evict;
    for (bool fresh = false;; fresh = true) {
        uint64_t sum;
        if (fresh || s->weights_age == 0 || s->weights_volatile != is_volatile) {
            fresh = true;
            sum = weigh(ks, is_volatile);
        } else {
            s->weights_age--;
            sum = s->weights[ks->databases - 1];
        }
        if (sum == 0 && fresh)
            return NULL;
        struct db *db = sum == 0 ? NULL : weighted(ks, random_below(&ks->random, sum));
        if (db != NULL && keys_of(db, is_volatile) != 0)
            return db;
    }
}

/* --- the pool --- */

static uint64_t hash_of(const struct keyspace *ks, const struct entry *e)
{
    return keyspace_hash(ks, entry_key(e));
}

static void pool_add(struct keyspace *ks, struct db *db, const struct entry *e)
{
    struct evict_state *s = &ks->evict;
    uint64_t score = evict_score(ks, e);
    uint64_t element = arena_shorten(&ks->arena, e);
    if (s->pool_count == EVICT_POOL && score <= s->pool[0].score)
        return;
    for (unsigned i = 0; i < s->pool_count; i++)
        if (s->pool[i].element == element)
            return;
    uint32_t at = 0;
    while (at < s->pool_count && s->pool[at].score < score)
        at++;
    if (s->pool_count == EVICT_POOL) {
        memmove(s->pool, s->pool + 1, --at * sizeof *s->pool);
    } else {
        memmove(s->pool + at + 1, s->pool + at, (s->pool_count - at) * sizeof *s->pool);
        s->pool_count++;
    }
    s->pool[at] =
        (struct evict_candidate){.score = score, .hash = hash_of(ks, e), .element = element, .db = db};
}

static bool policy_is_volatile(int policy)
{
    return policy >= EVICT_VOLATILE_LRU;
}

/* The best candidate that still is one, out of the pool; NULL: none is left. */
static struct entry *pool_take(struct keyspace *ks, struct evict_candidate *c, struct dict_slot *slot)
{
    struct evict_state *s = &ks->evict;
    while (s->pool_count > 0) {
        *c = s->pool[--s->pool_count];
        struct entry *e = arena_expand(&ks->arena, c->element);
        *slot = dict_locate(&c->db->dict, &ks->arena, e, c->hash);
        if (slot->where == NULL || (policy_is_volatile(s->options->policy) && !entry_has_expiry(e)))
            continue;
        uint64_t score = evict_score(ks, e);
        if (likely(score >= c->score) || s->pool_count == 0 || score >= s->pool[s->pool_count - 1].score)
            return e;
        pool_add(ks, c->db, e);
    }
    return NULL;
}

/* What goes next is known now. */
static void pool_prefetch(const struct keyspace *ks)
{
    const struct evict_state *s = &ks->evict;
    if (s->pool_count == 0)
        return;
    const struct evict_candidate *c = &s->pool[s->pool_count - 1];
    __builtin_prefetch(arena_expand(&ks->arena, c->element));
    if (c->db->dict.table[0].buckets != 0)
        dict_inline_prefetch_bucket(&c->db->dict, &ks->arena, c->hash);
}

/* --- drawing from the tables --- */

/* The bucket to be drawn from now; the ones behind it move up. */
static struct evict_draw next_draw(struct keyspace *ks, bool is_volatile, unsigned max)
{
    struct evict_state *s = &ks->evict;
    struct evict_draw draw = s->draws[0];
    for (unsigned i = 0; i + 1 < EVICT_DRAWS; i++)
        s->draws[i] = s->draws[i + 1];
    struct evict_draw *last = &s->draws[EVICT_DRAWS - 1];
    last->db = draw_db(ks, is_volatile);
    last->number = random_next(&ks->random);
    if (last->db != NULL)
        dict_prefetch_draw(&last->db->dict, &ks->arena, last->number, 0);
    if (s->draws[0].db != NULL)
        dict_prefetch_draw(&s->draws[0].db->dict, &ks->arena, s->draws[0].number, max);
    return draw;
}

/* Calls FN for what is drawn from the tables, until it has been for COUNT elements that may go, or
 * too many buckets were looked at. */
static unsigned draw(struct keyspace *ks, bool is_volatile, unsigned count,
                     void (*fn)(struct keyspace *ks, struct db *db, const struct entry *e))
{
    unsigned found = 0;
    /* Among keys of which not all may go it is worth looking at all that the bucket has. */
    unsigned max = is_volatile || count > DICT_DRAW_MAX ? DICT_DRAW_MAX : count;
    for (unsigned bucket = 0; bucket < BUCKETS_MAX && found < count; bucket++) {
        struct evict_draw d = next_draw(ks, is_volatile, max);
        if (d.db == NULL)
            continue;
        void *elements[DICT_DRAW_MAX];
        unsigned n = dict_draw(&d.db->dict, &ks->arena, d.number, elements, max);
        for (unsigned i = 0; i < n; i++) {
            if (is_volatile && !entry_has_expiry(elements[i]))
                continue;
            found++;
            fn(ks, d.db, elements[i]);
        }
    }
    return found;
}

/* --- drawing from the wheels --- */

static struct entry *place_begin(struct keyspace *ks, struct evict_place *p)
{
    p->db = draw_db(ks, true);
    if (p->db == NULL)
        return NULL;
    const struct wheel *w = &p->db->wheel;
    struct entry *e = wheel_any(w, &ks->arena, random_next(&ks->random));
    for (uint64_t skip = random_below(&ks->random, PLACE_SKIP); skip > 0 && e != NULL; skip--) {
        struct entry *next = wheel_after(&ks->arena, e);
        if (next == NULL)
            break;
        e = next;
    }
    return e;
}

/* The element behind that of P in its list; NULL: P's is gone, or the last one. */
static struct entry *place_after(struct keyspace *ks, const struct evict_place *p)
{
    if (p->element == 0)
        return NULL;
    struct entry *e = arena_expand(&ks->arena, p->element);
    if (dict_locate(&p->db->dict, &ks->arena, e, p->hash).where == NULL || !entry_has_expiry(e))
        return NULL;
    return wheel_after(&ks->arena, e);
}

static void place_set(struct keyspace *ks, struct evict_place *p, struct db *db, const struct entry *e)
{
    p->db = db;
    p->element = arena_shorten(&ks->arena, e);
    p->hash = e != NULL ? hash_of(ks, e) : 0;
}

/* The same, anywhere else where there is none. */
static struct entry *place_next(struct keyspace *ks, struct evict_place *p)
{
    struct entry *e = place_after(ks, p);
    if (e == NULL)
        e = place_begin(ks, p);
    place_set(ks, p, p->db, e);
    return e;
}

static void walk(struct keyspace *ks, unsigned count,
                 void (*fn)(struct keyspace *ks, struct db *db, const struct entry *e))
{
    struct evict_state *s = &ks->evict;
    for (unsigned i = 0; i < count; i++) {
        struct evict_place *p = &s->places[s->place_next++ % EVICT_PLACES];
        struct entry *e = place_next(ks, p);
        if (e != NULL)
            fn(ks, p->db, e);
    }
}

/* The database whose wheel has the list that comes first, and when; of several each in its turn. */
static struct db *soonest_db(struct keyspace *ks, int64_t *ret_ms)
{
    struct db *db = NULL;
    uint32_t turn = ks->evict.place_next++;
    for (uint32_t i = 0; i < ks->active_count; i++) {
        struct db *other = ks->active[(turn + i) % ks->active_count];
        int64_t at = wheel_deadline(&other->wheel, &ks->arena);
        if (db != NULL && at >= *ret_ms)
            continue;
        db = other;
        *ret_ms = at;
    }
    return db;
}

/* The first elements of the list that comes first, and where that is long, some of those behind
 * them, going on where the last call has stopped. */
static void look_at_soonest(struct keyspace *ks)
{
    int64_t at = 0;
    struct db *db = soonest_db(ks, &at);
    if (db == NULL)
        return;
    struct evict_state *s = &ks->evict;
    struct entry *e = wheel_soonest(&db->wheel, &ks->arena);
    /* What is new in a list comes first: with the same beginning, and candidates left of it, all has
     * been seen. */
    uint64_t first = arena_shorten(&ks->arena, e);
    bool seen = first == s->soonest && s->pool_count > 0;
    s->soonest = first;
    for (unsigned i = 0; i < SOONEST_LOOKS && e != NULL && !seen; i++) {
        pool_add(ks, db, e);
        e = wheel_after(&ks->arena, e);
    }
    if (e == NULL)
        return;
    struct evict_place *p = &ks->evict.places[db->index % EVICT_PLACES];
    if (p->db != db || p->soonest_ms != at)
        p->element = 0;
    p->soonest_ms = at;
    for (int64_t i = 0; i < ks->evict.options->samples; i++) {
        struct entry *next = place_after(ks, p);
        place_set(ks, p, db, next != NULL ? next : e);
        pool_add(ks, db, arena_expand(&ks->arena, p->element));
    }
}

/* --- the whole --- */

/* Whether so few keys have an expiry that the tables are the wrong place to look for them. */
static bool is_sparse(const struct keyspace *ks)
{
    uint64_t all = 0, some = 0;
    for (uint32_t i = 0; i < ks->active_count; i++) {
        all += dict_count(&ks->active[i]->dict);
        some += ks->active[i]->wheel.count;
    }
    return some < all / SPARSE;
}

static unsigned samples_of(const struct keyspace *ks)
{
    int64_t samples = ks->evict.options->samples;
    return samples < 1 ? 1 : samples > BUCKETS_MAX ? BUCKETS_MAX : (unsigned)samples;
}

/* Calls FN for COUNT elements that may go, or about as many; for none if there are none. */
static void look(struct keyspace *ks, bool is_volatile, unsigned count,
                 void (*fn)(struct keyspace *ks, struct db *db, const struct entry *e))
{
    if (is_volatile && is_sparse(ks)) {
        walk(ks, count, fn);
        return;
    }
    if (draw(ks, is_volatile, count, fn) != 0)
        return;
    if (is_volatile) {
        walk(ks, count, fn);
        return;
    }
    /* A table that is nearly empty; this one searches. */
    struct db *db = draw_db(ks, false);
    struct entry *e = db != NULL ? dict_random(&db->dict, &ks->arena, &ks->random) : NULL;
    if (e != NULL)
        fn(ks, db, e);
}

/* Places that E is the element of go on to the next. */
static void leave_places(struct keyspace *ks, const struct entry *e)
{
    if (!entry_has_expiry(e))
        return;
    uint64_t self = arena_shorten(&ks->arena, e);
    for (unsigned i = 0; i < EVICT_PLACES; i++) {
        struct evict_place *p = &ks->evict.places[i];
        if (unlikely(p->element == self))
            place_set(ks, p, p->db, wheel_after(&ks->arena, e));
    }
}

static size_t evict_entry(struct keyspace *ks, struct db *db, struct entry *e, struct dict_slot slot,
                          uint64_t hash)
{
    size_t bytes = arena_usable(entry_size(e));
    if (entry_points(e))
        bytes = db_memory(db, e, samples_of(ks));
    leave_places(ks, e);
    db_unlink(db, e, slot, hash);
    ks->stats.evicted++;
    db_event(db, EVENT_EVICTED, "evicted", entry_key(e));
    keyspace_free_entry(ks, e);
    return bytes;
}

/* One of those that it is called for, each with the same chance, ends up as the first of the pool. */
static void note_one(struct keyspace *ks, struct db *db, const struct entry *e)
{
    struct evict_state *s = &ks->evict;
    if (random_below(&ks->random, ++s->pool_count) != 0)
        return;
    s->pool[0] =
        (struct evict_candidate){.hash = hash_of(ks, e), .element = arena_shorten(&ks->arena, e), .db = db};
}

static size_t evict_any(struct keyspace *ks, bool is_volatile)
{
    struct evict_state *s = &ks->evict;
    s->pool_count = 0;
    look(ks, is_volatile, 1, note_one);
    if (s->pool_count == 0)
        return 0;
    s->pool_count = 0;
    struct evict_candidate *c = &s->pool[0];
    struct entry *e = arena_expand(&ks->arena, c->element);
    return evict_entry(ks, c->db, e, dict_locate(&c->db->dict, &ks->arena, e, c->hash), c->hash);
}

static size_t evict_best(struct keyspace *ks, int policy)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        if (policy == EVICT_VOLATILE_TTL)
            look_at_soonest(ks);
        else
            look(ks, policy_is_volatile(policy), samples_of(ks), pool_add);
        struct evict_candidate c;
        struct dict_slot slot;
        struct entry *e = pool_take(ks, &c, &slot);
        if (e == NULL)
            continue;
        size_t bytes = evict_entry(ks, c.db, e, slot, c.hash);
        pool_prefetch(ks);
        return bytes;
    }
    return 0;
}

size_t evict_one(struct keyspace *ks)
{
    struct evict_state *s = &ks->evict;
    int policy = s->options != NULL ? s->options->policy : EVICT_NOTHING;
    if (policy == EVICT_NOTHING || (policy_is_volatile(policy) && ks->active_count == 0))
        return 0;
    if (policy != s->pool_policy) {
        s->pool_policy = policy;
        s->pool_count = 0;
        memset(s->draws, 0, sizeof s->draws);
        memset(s->places, 0, sizeof s->places);
    }
    if (policy == EVICT_ALLKEYS_RANDOM || policy == EVICT_VOLATILE_RANDOM)
        return evict_any(ks, policy == EVICT_VOLATILE_RANDOM);
    return evict_best(ks, policy);
}

void evict_done(struct keyspace *ks)
{
    heap_free(ks->evict.weights);
}
