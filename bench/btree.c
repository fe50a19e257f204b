/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the B+ tree takes in time and memory: COUNT elements of 32 bytes with a score go in, in
 * random order, in order, or with a few different scores, are looked for and go again.
 *
 *   usage: btree [COUNT [CASE]]    (CASE: 0 to 5)
 *
 * Times are the thread's own, in ns for each operation; bytes are those of the nodes for each
 * element. Elements lie in the arena as a sorted set's do: made in the order of their insertion.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "container/btree.h"

struct element {
    double score;
    char member[24];
};

struct key {
    uint32_t prefix;
    double score;
    const char *member;
};

static uint64_t compares;

static int compare(const void *element, const void *key)
{
    const struct element *e = element;
    const struct key *k = key;
    compares++;
    if (e->score != k->score)
        return e->score < k->score ? -1 : 1;
    return memcmp(e->member, k->member, sizeof e->member);
}

static uint32_t prefix(double score)
{
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    return (uint32_t)((bits >> 63 ? ~bits : bits | (uint64_t)1 << 63) >> 32);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct bench {
    struct arena a;
    struct btree t;
    struct random r;
    struct element **elements;
    uint64_t count;
    double begin;
};

static void start(struct bench *b)
{
    compares = 0;
    b->begin = now_ns();
}

static void report(struct bench *b, const char *what, uint64_t count)
{
    double took = now_ns() - b->begin;
    printf("  %-22s %8.1f ns  %6.2f compared  %6.2f bytes each\n", what, took / (double)count,
           (double)compares / (double)count, b->t.count == 0 ? 0 : (double)b->t.bytes / (double)b->t.count);
    fflush(stdout);
}

static struct key key_of(const struct element *e)
{
    return (struct key){prefix(e->score), e->score, e->member};
}

static struct btree_place seek(const struct bench *b, const struct element *e, bool *exact)
{
    struct key k = key_of(e);
    return btree_seek(&b->t, &b->a, compare, &k, k.prefix, exact);
}

static void insert_all(struct bench *b, double (*score)(struct bench *b, uint64_t i))
{
    for (uint64_t i = 0; i < b->count; i++) {
        struct element *e = arena_alloc(&b->a, sizeof *e);
        *e = (struct element){.score = score(b, i)};
        snprintf(e->member, sizeof e->member, "member:%010" PRIu64, random_next(&b->r) % 10000000000);
        b->elements[i] = e;
    }
    start(b);
    for (uint64_t i = 0; i < b->count; i++) {
        struct btree_place place = seek(b, b->elements[i], NULL);
        btree_insert(&b->t, &b->a, &place, b->elements[i], prefix(b->elements[i]->score));
    }
    report(b, "insert", b->count);
}

static uint64_t sink;

static void look(struct bench *b)
{
    uint64_t rounds = b->count < 1000000 ? b->count : 1000000;
    start(b);
    for (uint64_t i = 0; i < rounds; i++)
        sink += seek(b, b->elements[random_below(&b->r, b->count)], NULL).slot;
    report(b, "seek", rounds);
    start(b);
    for (uint64_t i = 0; i < rounds; i++) {
        struct btree_place place = seek(b, b->elements[random_below(&b->r, b->count)], NULL);
        sink += btree_rank(&b->t, &b->a, &place);
    }
    report(b, "seek and rank", rounds);
    start(b);
    for (uint64_t i = 0; i < rounds; i++)
        sink += btree_at(&b->t, &b->a, random_below(&b->r, b->count), NULL).leaf;
    report(b, "at rank", rounds);
    start(b);
    struct btree_place place = btree_first(&b->t);
    do {
        const struct element *e = btree_element(&b->a, &place);
        sink += (uint64_t)e->member[0];
    } while (btree_next(&b->a, &place));
    report(b, "walk and look", b->count);
}

static void shrink(struct bench *b, uint64_t to)
{
    uint64_t left = b->count, rounds = left - to;
    if (rounds == 0)
        return;
    start(b);
    for (; left > to; left--) {
        uint64_t i = random_below(&b->r, left);
        struct btree_place place = seek(b, b->elements[i], NULL);
        btree_remove(&b->t, &b->a, &place);
        struct element *gone = b->elements[i];
        b->elements[i] = b->elements[left - 1];
        b->elements[left - 1] = gone;
    }
    report(b, "seek and remove", rounds);
    struct btree_place place = btree_first(&b->t);
    start(b);
    while (b->t.count > 0)
        btree_remove(&b->t, &b->a, &place);
    report(b, "remove the first", to);
}

static double timed_insert(struct bench *b, struct element *e)
{
    double begin = now_ns();
    struct btree_place place = seek(b, e, NULL);
    btree_insert(&b->t, &b->a, &place, e, prefix(e->score));
    return now_ns() - begin;
}

static double timed_remove(struct bench *b, struct element *e)
{
    double begin = now_ns();
    struct btree_place place = seek(b, e, NULL);
    btree_remove(&b->t, &b->a, &place);
    return now_ns() - begin;
}

static void longest(struct bench *b)
{
    double (*const ops[])(struct bench * b, struct element * e) = {timed_insert, timed_remove};
    for (unsigned op = 0; op < 2; op++) {
        double most = 0;
        uint64_t slow = 0;
        for (uint64_t i = 0; i < b->count; i++) {
            double took = ops[op](b, b->elements[i]);
            most = took > most ? took : most;
            slow += took > 20000;
        }
        printf("  longest %-14s %8.1f us  (%" PRIu64 " of more than 20)\n", op == 0 ? "insert" : "remove",
               most / 1000, slow);
    }
}

static void append(struct bench *b)
{
    uint64_t budget = UINT64_MAX;
    start(b);
    for (uint64_t i = 0; i < b->count; i++) {
        struct btree_place place = btree_end(&b->t, &b->a);
        btree_insert(&b->t, &b->a, &place, b->elements[i], 0);
    }
    report(b, "append", b->count);
    start(b);
    (void)btree_drain(&b->t, &b->a, &budget, NULL, NULL);
    report(b, "drain", b->count);
}

static double score_random(struct bench *b, uint64_t i)
{
    (void)i;
    return (double)(random_next(&b->r) >> 11) * 0x1p-53;
}

static double score_rising(struct bench *b, uint64_t i)
{
    (void)b;
    return (double)i;
}

static double score_falling(struct bench *b, uint64_t i)
{
    (void)b;
    return -(double)i;
}

static double score_integer(struct bench *b, uint64_t i)
{
    (void)i;
    return (double)random_below(&b->r, b->count);
}

static double score_few(struct bench *b, uint64_t i)
{
    (void)i;
    return (double)random_below(&b->r, 10);
}

/* A thousand rising rows, their turns drawn. */
static double score_rows(struct bench *b, uint64_t i)
{
    return (double)random_below(&b->r, 1000) * 1e12 + (double)i;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *what;
        double (*score)(struct bench *b, uint64_t i);
    } cases[] = {{"random scores", score_random},   {"rising scores", score_rising},
                 {"falling scores", score_falling}, {"random integers", score_integer},
                 {"ten scores", score_few},         {"a thousand rising rows", score_rows}};
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (argc > 2 && strtoull(argv[2], NULL, 10) != i)
            continue;
        struct bench b = {.count = count, .elements = malloc(count * sizeof(void *))};
        if (b.elements == NULL)
            return 2;
        arena_init(&b.a, 0);
        btree_init(&b.t, BTREE_BY_ORDER);
        random_init_seed(&b.r, i + 1);
        printf("%s:\n", cases[i].what);
        insert_all(&b, cases[i].score);
        look(&b);
        shrink(&b, count / 10);
        longest(&b);
        append(&b);
        arena_done(&b.a);
        free(b.elements);
    }
    return sink == 1;
}
