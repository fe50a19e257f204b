/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See expiring.h. The index of an object with few such elements is a list of them in no order,
 * which is looked through; with more it is a wheel, and stays one. A wheel takes more than a
 * kilobyte, which a million small hashes should not each have to pay.
 *
 *   struct expiring, 64 bytes:
 *     | u32 home | node in the database's wheel | u16 is_wheel | u64 hash | u64 root | struct wheel |
 *     as a list: wheel.root is the first element, wheel.count their number
 *   list: the elements' nodes as container/wheel.h draws them; the first one's previous is 0
 *
 * The node's time is never later than that of the first element, be the node in a wheel or not. It
 * may be earlier: who removes an element does not look for the one that is first then. At that time
 * the database looks, finds nothing due, and makes it right.
 *
 * The object is found again by the hash of its key and its root: the key's entry may have moved.
 */
#include "keyspace/expiring.h"

#include <assert.h>

#include "container/dict_inline.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/object.h"

#define FEW         64 /* elements that a list has at most */
#define SETTLE_MOST 100
#define NOWHERE     UINT32_MAX

struct expiring {
    uint32_t home; /* whose content has the object: place in ks->homes */
    unsigned char node[WHEEL_NODE_SIZE];
    uint16_t is_wheel;
    uint64_t hash; /* of the key, where home is known */
    uint64_t root; /* short pointer */
    struct wheel wheel;
};

_Static_assert(offsetof(struct expiring, node) == WHEEL_NODE_OFFSET, "an element of a wheel");

static struct expiring *expiring_of(const struct keyspace *ks, const uint64_t *word)
{
    return arena_expand(&ks->arena, *word);
}

static uint64_t *word_of(const struct keyspace *ks, const struct entry *e)
{
    return object_types_of(ks->types, e)->expire != NULL ? entry_object(&ks->arena, e) : NULL;
}

/* --- lists --- */

#define PREVIOUS (WHEEL_NODE_OFFSET + sizeof(int64_t))
#define NEXT     (PREVIOUS + ARENA_SHORT)

static uint64_t list_get(const void *element, size_t offset)
{
    return arena_load_short((const char *)element + offset);
}

static void list_set(void *element, size_t offset, uint64_t shortened)
{
    arena_store_short((char *)element + offset, shortened);
}

/* What stands behind ELEMENT has AS_PREVIOUS before it then, what stands before it AS_NEXT behind. */
static void list_mend(struct expiring *x, struct arena *a, const void *element, uint64_t as_previous,
                      uint64_t as_next)
{
    uint64_t previous = list_get(element, PREVIOUS), next = list_get(element, NEXT);
    if (next != 0)
        list_set(arena_expand(a, next), PREVIOUS, as_previous);
    if (previous != 0)
        list_set(arena_expand(a, previous), NEXT, as_next);
    else
        x->wheel.root = as_next;
}

static void list_add(struct expiring *x, struct arena *a, void *element, int64_t time_ms)
{
    uint64_t self = arena_shorten(a, element);
    memcpy((char *)element + WHEEL_NODE_OFFSET, &time_ms, sizeof time_ms);
    list_set(element, PREVIOUS, 0);
    list_set(element, NEXT, x->wheel.root);
    if (x->wheel.root != 0)
        list_set(arena_expand(a, x->wheel.root), PREVIOUS, self);
    x->wheel.root = self;
    x->wheel.count++;
}

static void list_remove(struct expiring *x, struct arena *a, void *element)
{
    list_mend(x, a, element, list_get(element, PREVIOUS), list_get(element, NEXT));
    x->wheel.count--;
}

/* An element that is due; or NULL, and *FIRST is when the first one will be. */
static void *list_next(const struct expiring *x, const struct arena *a, int64_t now_ms, int64_t *first)
{
    *first = INT64_MAX;
    uint64_t at = x->wheel.root;
    for (void *element; (element = arena_expand(a, at)) != NULL; at = list_get(element, NEXT)) {
        int64_t time_ms = wheel_time(element);
        if (time_ms <= now_ms)
            return element;
        if (time_ms < *first)
            *first = time_ms;
    }
    return NULL;
}

static void list_to_wheel(struct expiring *x, struct arena *a)
{
    uint64_t at = x->wheel.root;
    wheel_init(&x->wheel, clock_ms());
    x->is_wheel = 1;
    for (void *element; (element = arena_expand(a, at)) != NULL;) {
        at = list_get(element, NEXT);
        wheel_add(&x->wheel, a, element, wheel_time(element));
    }
}

/* --- the object's place in its database's wheel --- */

static void enqueue(struct db *db, struct expiring *x)
{
    wheel_add(&db->expiring, &db->ks->arena, x, wheel_time(x));
    if (db->expiring.count == 1)
        db_note_active(db);
}

static void dequeue(struct db *db, struct expiring *x)
{
    wheel_remove(&db->expiring, &db->ks->arena, x);
    if (db->expiring.count == 0)
        db_note_active(db);
}

static void set_time(struct keyspace *ks, struct expiring *x, int64_t time_ms)
{
    struct wheel *w = x->home != NOWHERE ? &ks->homes[x->home]->expiring : NULL;
    if (w != NULL)
        wheel_remove(w, &ks->arena, x);
    memcpy(x->node, &time_ms, sizeof time_ms);
    if (w != NULL)
        wheel_add(w, &ks->arena, x, time_ms);
}

void expiring_come(struct db *db, struct entry *e, uint64_t hash)
{
    uint64_t *word = word_of(db->ks, e);
    struct expiring *x = word != NULL ? expiring_of(db->ks, word) : NULL;
    if (x == NULL || x->home != NOWHERE)
        return;
    x->home = db->home;
    x->hash = hash;
    x->root = entry_pointer(e);
    enqueue(db, x);
}

void expiring_go(struct db *db, struct entry *e)
{
    uint64_t *word = word_of(db->ks, e);
    struct expiring *x = word != NULL ? expiring_of(db->ks, word) : NULL;
    if (x == NULL || x->home == NOWHERE)
        return;
    dequeue(db, x);
    x->home = NOWHERE;
}

void expiring_enter(struct db *db, struct entry *e)
{
    expiring_come(db, e, keyspace_hash(db->ks, entry_key(e)));
}

/* --- what the type does --- */

void expiring_add(struct keyspace *ks, uint64_t *word, void *element, int64_t time_ms)
{
    struct arena *a = &ks->arena;
    struct expiring *x = expiring_of(ks, word);
    if (x == NULL) {
        x = arena_alloc(a, sizeof *x);
        *x = (struct expiring){.home = NOWHERE};
        memcpy(x->node, &time_ms, sizeof time_ms);
        *word = arena_shorten(a, x);
    }
    if (x->wheel.count == FEW && !x->is_wheel)
        list_to_wheel(x, a);
    if (x->is_wheel)
        wheel_add(&x->wheel, a, element, time_ms);
    else
        list_add(x, a, element, time_ms);
    if (time_ms < wheel_time(x))
        set_time(ks, x, time_ms);
}

void expiring_remove(struct keyspace *ks, uint64_t *word, void *element)
{
    struct expiring *x = expiring_of(ks, word);
    if (x->is_wheel)
        wheel_remove(&x->wheel, &ks->arena, element);
    else
        list_remove(x, &ks->arena, element);
    if (x->wheel.count != 0)
        return;
    if (x->home != NOWHERE)
        dequeue(ks->homes[x->home], x);
    expiring_free(ks, word);
}

void expiring_change(struct keyspace *ks, uint64_t *word, void *element, int64_t time_ms)
{
    struct expiring *x = expiring_of(ks, word);
    if (x->is_wheel) {
        wheel_remove(&x->wheel, &ks->arena, element);
        wheel_add(&x->wheel, &ks->arena, element, time_ms);
    } else {
        memcpy((char *)element + WHEEL_NODE_OFFSET, &time_ms, sizeof time_ms);
    }
    if (time_ms < wheel_time(x))
        set_time(ks, x, time_ms);
}

void expiring_moved(struct keyspace *ks, uint64_t *word, void *element)
{
    struct expiring *x = expiring_of(ks, word);
    uint64_t self = arena_shorten(&ks->arena, element);
    if (x->is_wheel)
        wheel_moved(&x->wheel, &ks->arena, element);
    else
        list_mend(x, &ks->arena, element, self, self);
}

void expiring_relocate(struct keyspace *ks, uint64_t *word, size_t *moved)
{
    struct arena *a = &ks->arena;
    struct expiring *was = expiring_of(ks, word);
    if (was == NULL)
        return;
    struct expiring *x = arena_relocate(a, was, sizeof *x, moved);
    if (x != was) {
        *word = arena_shorten(a, x);
        if (x->home != NOWHERE)
            wheel_moved(&ks->homes[x->home]->expiring, a, x);
    }
    x->root = arena_shorten(a, word);
    if (x->is_wheel)
        *moved += wheel_relocate(&x->wheel, a);
}

uint64_t expiring_count(const struct keyspace *ks, const uint64_t *word)
{
    return *word == 0 ? 0 : expiring_of(ks, word)->wheel.count;
}

size_t expiring_memory(const struct keyspace *ks, const uint64_t *word)
{
    const struct expiring *x = expiring_of(ks, word);
    if (x == NULL)
        return 0;
    size_t lists =
        x->is_wheel ? wheel_memory(&x->wheel, &ks->arena) - (size_t)x->wheel.count * WHEEL_NODE_SIZE : 0;
    return arena_usable(sizeof *x) + lists;
}

void expiring_free(struct keyspace *ks, uint64_t *word)
{
    struct expiring *x = expiring_of(ks, word);
    if (x == NULL)
        return;
    if (x->is_wheel)
        wheel_done(&x->wheel, &ks->arena);
    arena_free(&ks->arena, x, sizeof *x);
    *word = 0;
}

/* --- what is due --- */

bool expiring_hides(const struct keyspace *ks, const void *element)
{
    return wheel_time(element) <= clock_ms() && ks->expiry_mode != KEYSPACE_SHOW;
}

bool expiring_may_hide(const struct keyspace *ks, const uint64_t *word)
{
    const struct expiring *x = expiring_of(ks, word);
    return x != NULL && expiring_hides(ks, x);
}

/* An element of the object that is due; or NULL, and, if there is *BUDGET left, the node's time is
 * later than NOW_MS. */
static void *next_due(struct keyspace *ks, uint64_t *word, int64_t now_ms, unsigned *budget)
{
    struct expiring *x = expiring_of(ks, word);
    if (x == NULL || *budget == 0)
        return NULL;
    int64_t first = 0;
    void *element;
    if (x->is_wheel) {
        element = wheel_next(&x->wheel, &ks->arena, now_ms, budget);
        first = wheel_deadline(&x->wheel, &ks->arena);
    } else {
        element = list_next(x, &ks->arena, now_ms, &first);
        *budget -= element != NULL;
    }
    if (element == NULL && *budget != 0)
        set_time(ks, x, first);
    return element;
}

/* Deletes E, which is empty. */
static void drop_empty(struct db *db, struct entry *e)
{
    db_unlink_entry(db, e);
    db_event(db, EVENT_GENERIC, "del", entry_key(e));
    keyspace_free_entry(db->ks, e);
}

/* Deletes what is due of E, an object of DB: *DELETED. E, or NULL if that was all of it. */
static struct entry *expire_some(struct db *db, struct entry *e, int64_t now_ms, unsigned *budget,
                                 uint64_t *deleted)
{
    struct keyspace *ks = db->ks;
    const struct object_type *type = object_types_of(ks->types, e);
    uint64_t *word = entry_object(&ks->arena, e);
    uint64_t count = 0;
    for (void *element; (element = next_due(ks, word, now_ms, budget)) != NULL; count++) {
        keyspace_stats_lag(ks, now_ms - wheel_time(element));
        type->expire(ks, e, element);
    }
    *deleted = count;
    if (count == 0)
        return e;
    ks->stats.expired_elements += count;
    ks->dirty += count;
    db_event(db, type->expired_class, type->expired_event, entry_key(e));
    if (type->length(ks, e) != 0)
        return e;
    drop_empty(db, e);
    return NULL;
}

static bool equal_root(const void *element, struct slice root)
{
    const struct entry *e = element;
    uint64_t shortened;
    memcpy(&shortened, root.ptr, sizeof shortened);
    return entry_encoding(e) == ENTRY_OBJECT && entry_pointer(e) == shortened;
}

static const struct dict_ops root_ops = {.equal = equal_root};

void expiring_expire(struct db *db, int64_t now_ms, unsigned *budget)
{
    struct arena *a = &db->ks->arena;
    struct expiring *x;
    while ((x = wheel_next(&db->expiring, a, now_ms, budget)) != NULL) {
        struct slice root = slice_of(&x->root, sizeof x->root);
        struct entry *e = dict_inline_find(&db->dict, a, &root_ops, root, x->hash, NULL);
        assert(e != NULL);
        /* An object costs something only where nothing of it is due: a budget of one is one element. */
        uint64_t deleted;
        ++*budget;
        expire_some(db, e, now_ms, budget, &deleted);
        *budget -= deleted == 0 && *budget != 0;
    }
}

struct entry *expiring_settle(struct db *db, struct entry *e)
{
    struct keyspace *ks = db->ks;
    unsigned budget = SETTLE_MOST;
    if (ks->expiry_mode != KEYSPACE_EXPIRE || db->scratch ||
        !expiring_may_hide(ks, entry_object(&ks->arena, e)))
        return e;
    uint64_t deleted;
    return expire_some(db, e, clock_ms(), &budget, &deleted);
}
