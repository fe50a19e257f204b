/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unions, intersections and differences of sorted sets, and of sets, whose members score 1.
 *
 * Sources are taken from the smallest to the largest, since floating point sums depend on the
 * order. Members are handled in groups, for that the memory in which they are looked for is on
 * its way before it is needed.
 */
#include <math.h>

#include "base/heap.h"
#include "keyspace/object.h"
#include "types/zset/zset_builder.h"
#include "types/zset/zset_cmds.h"

#define GROUP 16

enum operation { UNION, INTER, DIFF };
enum aggregate { SUM, MIN, MAX, COUNT };

struct source {
    const struct entry *e;         /* NULL: no such key */
    const struct object_type *set; /* its type, if it is no sorted set */
    struct zset z;                 /* else */
    uint64_t count;
    double weight;
};

/* A member that is looked at, with what its score has come to. */
struct member {
    struct slice text;
    uint64_t hash;
    double score;
    char scratch[NUMBER_TEXT_MAX];
};

struct combination {
    struct command_ctx *ctx;
    struct keyspace *ks;
    enum operation operation;
    enum aggregate aggregate;
    bool with_scores;
    bool card;      /* only count, up to LIMIT */
    uint64_t limit; /* 0: none */
    uint64_t counted;
    struct source *sources;
    uint32_t count;
    const struct source *source; /* whose members are in the group */
    struct member group[GROUP];
    unsigned members;
    struct zset_builder builder;
};

/* --- arguments --- */

static bool find_source(struct command_ctx *ctx, uint32_t i, struct source *s)
{
    unsigned flags = DB_COUNT | (ctx->session->flags & SESSION_NO_TOUCH ? DB_NO_TOUCH : 0);
    struct keyspace *ks = db_keyspace(ctx->db);
    *s = (struct source){.e = db_find(ctx->db, ctx->argv[i], dispatch_hash(ctx, i), flags), .weight = 1};
    if (s->e == NULL)
        return true;
    if (entry_type(s->e) == OBJECT_ZSET) {
        zset_open(&s->z, ks, s->e);
        s->count = zset_count(&s->z);
        return true;
    }
    if (entry_type(s->e) != OBJECT_SET) {
        resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
        return false;
    }
    s->set = object_types_of(keyspace_types(ks), s->e);
    s->count = s->set->length(ks, s->e);
    return true;
}

static bool find_sources(struct combination *c, uint32_t i)
{
    struct command_ctx *ctx = c->ctx;
    int64_t count;
    if (!dispatch_arg_int(ctx, i, &count))
        return false;
    if (count < 1) {
        struct buf name = {0};
        registry_lower_name(ctx->command, &name);
        resp_errorf(ctx->reply, "ERR at least 1 input key is needed for '%s' command", buf_cstr(&name));
        buf_done(&name);
        return false;
    }
    if (count > (int64_t)(ctx->argc - i - 1)) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    c->count = (uint32_t)count;
    c->sources = heap_try_alloc(c->count * sizeof *c->sources);
    if (c->sources == NULL) {
        resp_error_code(ctx->reply, MR_E_MEMORY);
        return false;
    }
    for (uint32_t k = 0; k < c->count; k++)
        if (!find_source(ctx, i + 1 + k, &c->sources[k]))
            return false;
    return true;
}

static bool read_weights(struct combination *c, uint32_t i)
{
    for (uint32_t k = 0; k < c->count; k++) {
        if (!number_to_double(c->ctx->argv[i + k], &c->sources[k].weight)) {
            resp_error(c->ctx->reply, "ERR weight value is not a float");
            return false;
        }
    }
    return true;
}

static bool read_aggregate(struct combination *c, uint32_t i)
{
    static const char *const names[] = {[SUM] = "SUM", [MIN] = "MIN", [MAX] = "MAX", [COUNT] = "COUNT"};
    for (unsigned k = 0; k < sizeof names / sizeof *names; k++) {
        if (slice_is(c->ctx->argv[i], names[k])) {
            c->aggregate = (enum aggregate)k;
            return true;
        }
    }
    resp_error_code(c->ctx->reply, MR_E_SYNTAX);
    return false;
}

static bool read_limit(struct combination *c, uint32_t i)
{
    int64_t limit;
    if (!number_to_int(c->ctx->argv[i], &limit) || limit < 0) {
        resp_error(c->ctx->reply, "ERR LIMIT can't be negative");
        return false;
    }
    c->limit = (uint64_t)limit;
    return true;
}

static bool read_words(struct combination *c, uint32_t i, bool store)
{
    struct command_ctx *ctx = c->ctx;
    bool scored = c->operation != DIFF && !c->card;
    while (i < ctx->argc) {
        struct slice word = ctx->argv[i];
        uint32_t more = ctx->argc - i - 1, took = 2;
        bool ok = true;
        if (scored && more >= c->count && slice_is(word, "WEIGHTS")) {
            ok = read_weights(c, i + 1);
            took = c->count + 1;
        } else if (scored && more >= 1 && slice_is(word, "AGGREGATE")) {
            ok = read_aggregate(c, i + 1);
        } else if (!store && !c->card && slice_is(word, "WITHSCORES")) {
            c->with_scores = true;
            took = 1;
        } else if (c->card && more >= 1 && slice_is(word, "LIMIT")) {
            ok = read_limit(c, i + 1);
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            ok = false;
        }
        if (!ok)
            return false;
        i += took;
    }
    return true;
}

/* --- scores --- */

static double weigh(const struct combination *c, const struct source *s, double score)
{
    return c->aggregate == COUNT ? s->weight : score * s->weight;
}

static double aggregate(const struct combination *c, double have, double score)
{
    double sum;
    switch (c->aggregate) {
    case MIN:
        return score < have ? score : have;
    case MAX:
        return score > have ? score : have;
    default:
        sum = have + score;
        return isnan(sum) ? 0 : sum;
    }
}

/* --- groups --- */

static void prefetch(struct combination *c, const struct dict *d)
{
    struct arena *a = keyspace_arena(c->ks);
    if (d->table[0].buckets == 0)
        return;
    for (unsigned i = 0; i < c->members; i++)
        dict_prefetch_bucket(d, a, c->group[i].hash);
    for (unsigned i = 0; i < c->members; i++)
        dict_prefetch_element(d, a, c->group[i].hash);
}

static void unite_group(struct combination *c)
{
    struct zset_builder *b = &c->builder;
    prefetch(c, &b->big->dict);
    for (unsigned i = 0; i < c->members; i++) {
        struct member *m = &c->group[i];
        struct dict_slot slot;
        struct zset_element *el =
            c->source == c->sources ? NULL : zset_builder_find(b, m->text, m->hash, &slot);
        if (el == NULL) {
            zset_builder_add_indexed(b, m->text, m->hash, m->score);
            continue;
        }
        double have = zset_element_score(el), score = aggregate(c, have, m->score);
        if (score != have)
            zset_builder_rescore(b, el, slot, score);
    }
}

static bool find_in(const struct combination *c, const struct source *s, const struct member *m,
                    double *score)
{
    struct zset_found found;
    *score = 1;
    if (s->set != NULL)
        return s->set->contains(c->ks, s->e, m->text);
    if (s->e == NULL || !zset_member(&s->z, m->text, m->hash, &found))
        return false;
    *score = found.score;
    return true;
}

/* Leaves those in the group that S has, or has not with DIFF. */
static void sift_group(struct combination *c, const struct source *s)
{
    unsigned left = 0;
    double score;
    if (s->set == NULL && s->e != NULL && s->z.big != NULL)
        prefetch(c, &s->z.big->dict);
    for (unsigned i = 0; i < c->members; i++) {
        struct member *m = &c->group[i];
        bool there = find_in(c, s, m, &score);
        if (there == (c->operation == DIFF))
            continue;
        if (there)
            m->score = aggregate(c, m->score, weigh(c, s, score));
        if (left != i) {
            bool own = m->text.ptr == m->scratch;
            c->group[left] = *m;
            if (own)
                c->group[left].text.ptr = c->group[left].scratch;
        }
        left++;
    }
    c->members = left;
}

static void end_group(struct combination *c)
{
    if (c->operation == UNION) {
        unite_group(c);
    } else {
        for (uint32_t k = 1; k < c->count && c->members > 0; k++)
            sift_group(c, &c->sources[k]);
        c->counted += c->members;
        for (unsigned i = 0; i < c->members && !c->card; i++)
            zset_builder_add(&c->builder, c->group[i].text, c->group[i].score);
    }
    c->members = 0;
}

/* False: there are enough. STAYS: TEXT is there until the end. */
static bool take(struct combination *c, struct slice text, double score, bool stays)
{
    struct member *m = &c->group[c->members++];
    m->text = text;
    if (!stays && text.len <= sizeof m->scratch) {
        /* No longer text is made for the while. */
        memcpy(m->scratch, text.ptr, text.len);
        m->text.ptr = m->scratch;
    }
    m->hash = keyspace_hash(c->ks, m->text);
    m->score = weigh(c, c->source, score);
    if (isnan(m->score))
        m->score = 0;
    if (c->members == GROUP)
        end_group(c);
    return c->builder.code == 0 && (c->limit == 0 || c->counted < c->limit);
}

static bool take_element(void *arg, struct slice element)
{
    return take(arg, element, 1, false);
}

static void take_all(struct combination *c, const struct source *s)
{
    struct zset_walk walk;
    struct zset_item item;
    c->source = s;
    if (s->e == NULL)
        return;
    if (s->set != NULL) {
        s->set->each(c->ks, s->e, take_element, c);
    } else {
        zset_walk_begin(&walk, &s->z, 0, UINT64_MAX, false);
        while (zset_walk_next(&walk, &item) && take(c, item.member, item.score, s->z.big != NULL))
            continue;
    }
    end_group(c);
}

/* --- the operations --- */

/* Smallest first; those of a size stay as they are. There are few. */
static void order_sources(struct combination *c)
{
    for (uint32_t i = 1; i < c->count; i++) {
        struct source s = c->sources[i];
        uint32_t k = i;
        for (; k > 0 && c->sources[k - 1].count > s.count; k--)
            c->sources[k] = c->sources[k - 1];
        c->sources[k] = s;
    }
}

static void combine(struct combination *c)
{
    if (c->operation != DIFF)
        order_sources(c);
    if (c->operation != UNION) {
        if (c->sources[0].count > 0)
            take_all(c, &c->sources[0]);
        return;
    }
    zset_builder_index(&c->builder, c->sources[c->count - 1].count);
    for (uint32_t k = 0; k < c->count && c->builder.code == 0; k++)
        take_all(c, &c->sources[k]);
}

static void reply_members(struct combination *c)
{
    struct resp_writer *w = c->ctx->reply;
    struct zset_builder *b = &c->builder;
    if (b->code != 0) {
        resp_error_code(w, b->code);
        return;
    }
    bool pair = w->version == 3;
    zset_builder_sort(b);
    resp_array(w, b->count * (c->with_scores && !pair ? 2 : 1));
    for (size_t i = 0; i < b->count; i++) {
        const struct zset_element *el = zset_builder_at(b, i);
        struct zset_item item = {.member = zset_element_member(el), .score = zset_element_score(el)};
        if (c->with_scores)
            zset_reply_pair(w, &item, pair);
        else
            resp_bulk(w, item.member);
    }
}

/* KEYS: the argument that is the number of keys; EVENT: for a result that is stored. */
static void run(struct command_ctx *ctx, enum operation operation, uint32_t keys, const char *event,
                bool card)
{
    struct combination c = {.ctx = ctx, .ks = db_keyspace(ctx->db), .operation = operation, .card = card};
    zset_builder_init(&c.builder, c.ks, zset_options_of(c.ks));
    if (find_sources(&c, keys) && read_words(&c, keys + 1 + c.count, event != NULL)) {
        combine(&c);
        if (card)
            resp_int(ctx->reply, (int64_t)(c.limit > 0 && c.counted > c.limit ? c.limit : c.counted));
        else if (event != NULL)
            zset_store(ctx, 1, &c.builder, event);
        else
            reply_members(&c);
    }
    zset_builder_done(&c.builder);
    heap_free(c.sources);
}

void zset_cmd_zunion(struct command_ctx *ctx)
{
    run(ctx, UNION, 1, NULL, false);
}

void zset_cmd_zinter(struct command_ctx *ctx)
{
    run(ctx, INTER, 1, NULL, false);
}

void zset_cmd_zdiff(struct command_ctx *ctx)
{
    run(ctx, DIFF, 1, NULL, false);
}

void zset_cmd_zunionstore(struct command_ctx *ctx)
{
    run(ctx, UNION, 2, "zunionstore", false);
}

void zset_cmd_zinterstore(struct command_ctx *ctx)
{
    run(ctx, INTER, 2, "zinterstore", false);
}

void zset_cmd_zdiffstore(struct command_ctx *ctx)
{
    run(ctx, DIFF, 2, "zdiffstore", false);
}

void zset_cmd_zintercard(struct command_ctx *ctx)
{
    run(ctx, INTER, 1, NULL, true);
}
