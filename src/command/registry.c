/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command table at run time. Top-level names stand in an open hash, in upper
 * case; a container keeps its few subcommands in a list. Entries never move and
 * are never removed.
 */
#include "command/registry.h"

#include <assert.h>
#include <ctype.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/little.h"

#define NAME_MAX 31 /* bytes of a name */

/* A name in upper case, with zeros behind it, the last byte its length: equal words are equal names. */
struct registry_name {
    uint64_t words[4];
};

struct registry_slot {
    struct registry_name name;
    struct registry_entry *entry; /* NULL: free */
};

struct registry {
    struct registry_entry **entries; /* top-level, in order of registration */
    size_t count, cap;
    struct registry_slot *hash; /* by name */
    size_t mask;
};

/* ASCII letters to upper case, eight bytes at a time. */
static inline uint64_t fold_word(uint64_t word)
{
    const uint64_t each = 0x0101010101010101u;
    uint64_t low = word & 0x7f * each;
    uint64_t from_a = low + (0x80 - 'a') * each, behind_z = low + (0x7f - 'z') * each;
    return word ^ (from_a & ~behind_z & ~word & 0x80 * each) >> 2;
}

/* Up to eight bytes as a word with zeros behind them. */
static inline uint64_t load_part(const char *from, size_t len)
{
    if (len >= 8)
        return little_load64(from);
    if (len >= 4)
        return little_load32(from) | (uint64_t)little_load32(from + len - 4) << 8 * (len - 4);
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)(unsigned char)from[i] << 8 * i;
    return word;
}

static inline struct registry_name name_fold(struct slice name)
{
    struct registry_name n = {{0}};
    for (size_t at = 0; at < name.len; at += 8)
        n.words[at / 8] = fold_word(load_part(name.ptr + at, name.len - at));
    n.words[3] |= (uint64_t)name.len << 56;
    return n;
}

static inline size_t name_hash(const struct registry_name *n)
{
    uint64_t h = (n->words[0] ^ n->words[3]) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 32 ^ n->words[1] ^ n->words[2] << 1) * 0xff51afd7ed558ccdu;
    return (size_t)(h >> 32);
}

static inline bool name_equal(const struct registry_name *x, const struct registry_name *y)
{
    return ((x->words[0] ^ y->words[0]) | (x->words[1] ^ y->words[1]) | (x->words[2] ^ y->words[2]) |
            (x->words[3] ^ y->words[3])) == 0;
}

struct registry *registry_new(void)
{
    struct registry *r = heap_alloc_zero(sizeof *r);
    r->mask = 63;
    r->hash = heap_alloc_zero((r->mask + 1) * sizeof *r->hash);
    return r;
}

static void entry_free(struct registry_entry *e)
{
    for (size_t i = 0; i < e->child_count; i++)
        entry_free(e->children[i]);
    heap_free(e->children);
    heap_free(e->histogram);
    heap_free(e);
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        entry_free(r->entries[i]);
    heap_free(r->entries);
    heap_free(r->hash);
    heap_free(r);
}

static void hash_insert(struct registry *r, struct registry_entry *e)
{
    struct registry_name name = name_fold(slice_str(e->command->name));
    size_t i = name_hash(&name) & r->mask;
    while (r->hash[i].entry != NULL)
        i = (i + 1) & r->mask;
    r->hash[i] = (struct registry_slot){.name = name, .entry = e};
}

static void add_top(struct registry *r, struct registry_entry *e)
{
    if (r->count == r->cap) {
        r->cap = r->cap == 0 ? 64 : r->cap * 2;
        r->entries = heap_realloc(r->entries, r->cap * sizeof(struct registry_entry *));
    }
    assert(strcspn(e->command->name, "|") <= NAME_MAX);
    r->entries[r->count++] = e;
    if (r->count * 4 > r->mask + 1) {
        r->mask = (r->mask + 1) * 4 - 1;
        heap_free(r->hash);
        r->hash = heap_alloc_zero((r->mask + 1) * sizeof *r->hash);
        for (size_t i = 0; i + 1 < r->count; i++)
            hash_insert(r, r->entries[i]);
    }
    hash_insert(r, e);
}

static void add_child(struct registry_entry *container, struct registry_entry *e)
{
    container->children =
        heap_realloc(container->children, (container->child_count + 1) * sizeof(struct registry_entry *));
    container->children[container->child_count++] = e;
    e->container = container;
}

void registry_add(struct registry *r, const struct command *rows, size_t count, void *owner)
{
    for (size_t i = 0; i < count; i++) {
        struct registry_entry *e = heap_alloc_zero(sizeof *e);
        e->command = &rows[i];
        e->owner = owner;
        e->first_key = command_first_key(&rows[i]);
        assert(registry_find_full(r, slice_str(rows[i].name)) == NULL);
        const char *bar = strchr(rows[i].name, '|');
        if (bar == NULL) {
            add_top(r, e);
            continue;
        }
        struct registry_entry *container =
            registry_find(r, slice_of(rows[i].name, (size_t)(bar - rows[i].name)));
        assert(container != NULL);
        add_child(container, e);
    }
}

struct registry_entry *registry_find(const struct registry *r, struct slice given)
{
    if (given.len == 0 || given.len > NAME_MAX)
        return NULL;
    struct registry_name name = name_fold(given);
    size_t i = name_hash(&name) & r->mask;
    while (r->hash[i].entry != NULL && !name_equal(&r->hash[i].name, &name))
        i = (i + 1) & r->mask;
    return r->hash[i].entry;
}

static struct registry_entry *find_child(const struct registry_entry *container, struct slice name)
{
    for (size_t i = 0; i < container->child_count; i++)
        if (slice_is(name, strchr(container->children[i]->command->name, '|') + 1))
            return container->children[i];
    return NULL;
}

struct registry_entry *registry_resolve(const struct registry *r, const struct slice *argv, uint32_t argc)
{
    struct registry_entry *e = registry_find(r, argv[0]);
    if (e == NULL || e->child_count == 0 || argc < 2)
        return e;
    struct registry_entry *child = find_child(e, argv[1]);
    return child != NULL ? child : e;
}

struct registry_entry *registry_find_full(const struct registry *r, struct slice name)
{
    const char *bar = name.len == 0 ? NULL : memchr(name.ptr, '|', name.len);
    if (bar == NULL)
        return registry_find(r, name);
    size_t head = (size_t)(bar - name.ptr);
    struct registry_entry *container = registry_find(r, slice_of(name.ptr, head));
    return container == NULL ? NULL : find_child(container, slice_of(bar + 1, name.len - head - 1));
}

void registry_lower_name(const struct command *c, struct buf *out)
{
    for (const char *p = c->name; *p != '\0'; p++)
        buf_append_byte(out, (char)tolower((unsigned char)*p));
}

void registry_full_name(const struct registry_entry *e, struct buf *out)
{
    registry_lower_name(e->command, out);
}

size_t registry_count(const struct registry *r)
{
    return r->count;
}

struct registry_entry *registry_at(const struct registry *r, size_t i)
{
    return r->entries[i];
}

void registry_record(struct registry_entry *e, uint64_t ticks)
{
    if (__builtin_expect(e->histogram == NULL, 0))
        e->histogram = heap_alloc_zero(REGISTRY_HISTOGRAM * sizeof *e->histogram);
    uint64_t t = ticks < 64 ? 64 : ticks;
    unsigned log = 63 - (unsigned)__builtin_clzll(t);
    unsigned step = (log - 6) * 4 + (unsigned)(t >> (log - 2) & 3);
    e->histogram[step < REGISTRY_HISTOGRAM ? step : REGISTRY_HISTOGRAM - 1]++;
}

double registry_percentile(const struct registry_entry *e, double p)
{
    if (e->histogram == NULL)
        return 0;
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < REGISTRY_HISTOGRAM; i++)
        total += e->histogram[i];
    for (unsigned i = 0; i < REGISTRY_HISTOGRAM; i++) {
        seen += e->histogram[i];
        if (seen > 0 && (double)seen >= (double)total * p / 100)
            return clock_ticks_to_us((uint64_t)(4 + i % 4 + 1) << (i / 4 + 4));
    }
    return 0;
}

static void reset_entry(struct registry_entry *e)
{
    e->calls = e->ticks = e->rejected = e->failed = 0;
    heap_free(e->histogram);
    e->histogram = NULL;
    for (size_t i = 0; i < e->child_count; i++)
        reset_entry(e->children[i]);
}

void registry_reset_stats(struct registry *r)
{
    for (size_t i = 0; i < r->count; i++)
        reset_entry(r->entries[i]);
}
