/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long single operations of the keyspace take while its table grows to COUNT keys and
 * shrinks again: every call is timed, and a histogram shows what the longest ones took. A
 * table that was rebuilt in one go would stand out by orders of magnitude.
 *
 *   usage: table_latency [COUNT [LIMIT_US]]
 *
 * Two rows show what the machine itself adds: an empty operation, and the
 * first touch of a page, which the kernel makes at that moment (a virtual machine may take
 * hundreds of microseconds for one in a thousand of them).
 * Ends with 1 if an operation took more than LIMIT_US of processor time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/random.h"
#include "histogram.h"
#include "keyspace/keyspace.h"

struct work {
    struct keyspace *ks;
    struct db *db;
    struct random *random;
    uint64_t keys;
    char *fresh; /* never touched, PAGE for each key */
};

#define PAGE        4096
#define FRESH_PAGES 100000

static struct slice name(char *out, uint64_t i)
{
    return slice_of(out, (size_t)snprintf(out, 32, "key:%012" PRIu64, i));
}

static void op_set(struct work *w, uint64_t i)
{
    char key[32];
    struct slice k = name(key, i);
    if (db_set_string(w->db, k, keyspace_hash(w->ks, k), slice_str("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"),
                      DB_EXPIRY_NONE) != 0)
        exit(2);
}

static void op_set_expiry(struct work *w, uint64_t i)
{
    char key[32];
    struct slice k = name(key, i);
    if (db_set_string(w->db, k, keyspace_hash(w->ks, k), slice_str("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"),
                      clock_ms() + 1000000 + (int64_t)(i % 600000)) != 0)
        exit(2);
}

static void op_get(struct work *w, uint64_t i)
{
    char key[32];
    (void)i;
    struct slice k = name(key, random_below(w->random, w->keys));
    (void)db_find(w->db, k, keyspace_hash(w->ks, k), 0);
}

static void op_delete(struct work *w, uint64_t i)
{
    char key[32];
    struct slice k = name(key, i);
    (void)db_delete(w->db, k, keyspace_hash(w->ks, k));
}

static void op_nothing(struct work *w, uint64_t i)
{
    char key[32];
    (void)w;
    (void)name(key, i);
}

static void op_touch(struct work *w, uint64_t i)
{
    w->fresh[i * PAGE] = 1;
}

static uint64_t run(const char *what, void (*op)(struct work *w, uint64_t i), struct work *w, uint64_t count)
{
    struct histogram_timing t = {0};
    for (uint64_t i = 0; i < count; i++) {
        if (i % 1024 == 0) {
            clock_update();
            (void)keyspace_background(w->ks, 100);
        }
        histogram_begin(&t);
        op(w, i);
        histogram_end(&t);
    }
    histogram_print(what, &t);
    return t.cpu.longest_ns;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    uint64_t limit_us = argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX / 1000;
    uint64_t longest = 0;
    clock_update();
    struct work w = {.ks = keyspace_new(1), .keys = count};
    w.db = keyspace_db(w.ks, 0);
    w.random = keyspace_random(w.ks);
    histogram_head();
    run("nothing", op_nothing, &w, count);
    size_t fresh = (size_t)FRESH_PAGES * PAGE;
    w.fresh = mmap(NULL, fresh, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (w.fresh == MAP_FAILED)
        return 2;
    (void)madvise(w.fresh, fresh, MADV_NOHUGEPAGE);
    run("touch a fresh page", op_touch, &w, FRESH_PAGES);
    munmap(w.fresh, fresh);
    static const struct {
        const char *what;
        void (*op)(struct work *w, uint64_t i);
    } rounds[] = {{"set, growing", op_set},
                  {"get", op_get},
                  {"set again", op_set},
                  {"delete, shrinking", op_delete},
                  {"set with expiry", op_set_expiry},
                  {"delete with expiry", op_delete}};
    for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
        uint64_t took = run(rounds[i].what, rounds[i].op, &w, count);
        if (took > longest)
            longest = took;
    }
    keyspace_free(w.ks);
    return longest > limit_us * 1000;
}
