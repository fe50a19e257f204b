/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intersections, unions and differences: told, stored or counted.
 *
 * An intersection walks the smallest set; a difference walks the first one; a union tells all
 * of the largest and of the others what that does not have. What a walk meets is asked of the
 * other sets in batches (set_holds). Where redis-server's order of a reply can be relied on,
 * which is where its result is a set of integers, it is the same here.
 */
#include <stdlib.h>

#include "base/heap.h"
#include "types/set/set_builder.h"
#include "types/set/set_cmds.h"

/* --- the sets that a command names --- */

struct operand {
    struct set set;
    uint64_t count; /* hidden ones too */
    uint32_t order;
};

struct operands {
    struct operand *items; /* those that exist, in their order */
    uint32_t count;
    bool first, all; /* whether the first one, and whether all are there */
    bool expiring;   /* whether some have members that have an expiry */
};

/* Looks at COUNT keys from argument AT on. False, with the error told, if one is no set. */
static bool look(struct command_ctx *ctx, uint32_t at, uint32_t count, unsigned flags, struct operands *ret)
{
    *ret = (struct operands){.items = ret->items, .first = true, .all = true};
    for (uint32_t i = 0; i < count; i++) {
        struct entry *e;
        if (!set_cmds_find_all(ctx, at + i, flags, &e))
            return false;
        if (e == NULL) {
            ret->all = false;
            ret->first = ret->first && i != 0;
            continue;
        }
        struct set s = set_of(db_keyspace(ctx->db), e);
        ret->items[ret->count] = (struct operand){s, set_count(&s), ret->count};
        ret->count++;
        ret->expiring = ret->expiring || (s.kind == SET_TABLE && s.table->expiring != 0);
    }
    return true;
}

/* The same, with less of what is due. */
static bool gather(struct command_ctx *ctx, uint32_t at, uint32_t count, struct operands *ret)
{
    ret->items = heap_try_alloc(count * sizeof *ret->items);
    if (ret->items == NULL) {
        resp_error_code(ctx->reply, MR_E_MEMORY);
        return false;
    }
    bool sets = look(ctx, at, count, DB_COUNT, ret);
    if (sets && ret->expiring) {
        for (uint32_t i = 0; i < count; i++) {
            struct entry *e;
            sets = sets && set_cmds_find(ctx, at + i, DB_NO_TOUCH, &e);
        }
        sets = sets && look(ctx, at, count, DB_NO_TOUCH, ret);
    }
    if (!sets)
        heap_free(ret->items);
    return sets;
}

/* Whether COUNT of O is what it has to tell. */
static bool is_exact(const struct operand *o)
{
    return !set_may_hide(&o->set);
}

static int by_count(const void *a, const void *b)
{
    const struct operand *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void sort_operands(struct operand *items, uint32_t count)
{
    if (count > 1)
        qsort(items, count, sizeof *items, by_count);
}

/* --- where a result goes --- */

enum sink_kind { SINK_COUNT, SINK_REPLY, SINK_STORE };

struct sink {
    enum sink_kind kind;
    struct resp_writer *reply;
    uint64_t count, limit;     /* COUNT, REPLY; limit 0: none */
    struct set_builder result; /* STORE; REPLY: what is held back */
    bool holding;              /* REPLY: until it is known not to be a set of integers */
};

static bool sink_count(struct sink *s, uint64_t more)
{
    s->count += more;
    if (s->limit == 0 || s->count < s->limit)
        return true;
    s->count = s->limit;
    return false;
}

/* Tells what was held back. */
static void sink_tell(struct sink *s)
{
    uint64_t count = set_builder_count(&s->result);
    if (count == 0)
        return;
    struct set held = set_builder_set(&s->result);
    set_cmds_reply_members(s->reply, &held);
    s->count += count;
}

/* Holds members back as long as all are integers, and not too many. */
static uint64_t sink_hold(struct sink *s, struct set_batch *b, uint64_t mask)
{
    while (mask != 0 && s->holding) {
        set_builder_add(&s->result, set_batch_text(b, (unsigned)__builtin_ctzll(mask)));
        mask &= mask - 1;
        s->holding = s->result.code == 0 && set_builder_set(&s->result).kind == SET_INTSET;
    }
    if (!s->holding && s->result.code == 0)
        sink_tell(s);
    return mask;
}

/* Takes the members in MASK, none of which came before; false: no more are wanted. */
static bool sink_put(struct sink *s, struct set_batch *b, uint64_t mask)
{
    if (s->kind == SINK_COUNT)
        return sink_count(s, (uint64_t)__builtin_popcountll(mask));
    if (s->kind == SINK_STORE) {
        set_builder_add_batch(&s->result, b, mask);
        return s->result.code == 0;
    }
    if (s->holding)
        mask = sink_hold(s, b, mask);
    set_cmds_reply_batch(s->reply, b, mask);
    s->count += (uint64_t)__builtin_popcountll(mask);
    return s->result.code == 0;
}

/* --- the three --- */

static unsigned bits_of(const struct set *s)
{
    const struct dict *d = &s->table->dict;
    return (unsigned)(d->table[0].bits > d->table[1].bits ? d->table[0].bits : d->table[1].bits);
}

/* Which of the two smallest sets is to be walked: the second one, where its buckets tell what is
 * to be known of the hashes, the first one's do not, and there are not many more of them. */
static uint32_t inter_driver(const struct operand *items, uint32_t count)
{
    if (count < 2 || items[0].set.kind != SET_TABLE || items[1].set.kind != SET_TABLE)
        return 0;
    unsigned first = bits_of(&items[0].set), second = bits_of(&items[1].set);
    return DICT_SPARE_FROM(first) + 2 < second && second <= first + 3;
}

static void inter(struct operands *o, struct sink *sink)
{
    struct set_walk w;
    struct set_batch b;
    if (!o->all)
        return;
    if (o->count == 1 && sink->kind == SINK_COUNT && is_exact(&o->items[0])) {
        (void)sink_count(sink, o->items[0].count);
        return;
    }
    sort_operands(o->items, o->count);
    uint32_t driver = inter_driver(o->items, o->count);
    set_walk_begin(&w, &o->items[driver].set);
    while (set_walk_next(&w, &b)) {
        uint64_t mask = set_batch_all(&b);
        for (uint32_t i = 0; i < o->count && mask != 0; i++)
            if (i != driver)
                mask = set_holds(&o->items[i].set, &b, mask);
        if (!sink_put(sink, &b, mask))
            return;
    }
}

/* What of FIRST is in none of COUNT others. False: no more is wanted. */
static bool subtract(const struct set *first, const struct operand *others, uint32_t count, struct sink *sink)
{
    struct set_walk w;
    struct set_batch b;
    set_walk_begin(&w, first);
    while (set_walk_next(&w, &b)) {
        uint64_t mask = set_batch_all(&b);
        for (uint32_t i = count; i-- > 0 && mask != 0;)
            mask &= ~set_holds(&others[i].set, &b, mask);
        if (!sink_put(sink, &b, mask))
            return false;
    }
    return true;
}

/* The same, where the others are small beside the first one: they are made one set. */
static void subtract_union(const struct set *first, const struct operand *others, uint32_t count,
                           struct sink *sink)
{
    struct set_builder all;
    set_builder_init(&all, sink->result.ks, 0);
    set_builder_to_table(&all);
    for (uint32_t i = 0; i < count; i++)
        set_builder_add_all(&all, &others[i].set);
    struct operand whole = {.set = set_builder_set(&all)};
    if (all.code == 0)
        (void)subtract(first, &whole, 1, sink);
    else
        sink->result.code = all.code;
    set_builder_done(&all);
}

static void diff(struct operands *o, struct sink *sink)
{
    if (!o->first)
        return;
    const struct operand *first = &o->items[0];
    struct operand *others = o->items + 1;
    uint32_t count = o->count - 1;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += others[i].count;
    if (sink->kind == SINK_COUNT && count == 1 && others[0].count < first->count && is_exact(first)) {
        struct sink common = {.kind = SINK_COUNT};
        uint64_t all = first->count;
        o->all = true; /* missing ones take nothing away */
        inter(o, &common);
        (void)sink_count(sink, all - common.count);
        return;
    }
    sort_operands(others, count);
    if (count > 1 && first->count + 2 * sum < first->count * count)
        subtract_union(&first->set, others, count, sink);
    else
        (void)subtract(&first->set, others, count, sink);
}

/* All that is in none of the others but the last one comes from there; of the others, what none
 * of those before them has. */
static void unite(struct operands *o, struct sink *sink)
{
    struct set_builder seen;
    struct set_batch b;
    struct set_walk w;
    const struct set *largest = &o->items[o->count - 1].set;
    if (sink->kind == SINK_COUNT && !set_may_hide(largest)) {
        if (!sink_count(sink, set_count(largest)))
            return;
    } else if (!subtract(largest, NULL, 0, sink)) {
        return;
    }
    set_builder_init(&seen, sink->result.ks, 0);
    bool more = true;
    for (uint32_t i = o->count - 1; i-- > 0 && more;) {
        set_walk_begin(&w, &o->items[i].set);
        while (more && set_walk_next(&w, &b)) {
            uint64_t mask = set_batch_all(&b);
            mask &= ~set_holds(largest, &b, mask);
            if (o->count > 2)
                mask = set_builder_add_batch(&seen, &b, mask);
            more = sink_put(sink, &b, mask) && seen.code == 0;
        }
    }
    if (seen.code != 0)
        sink->result.code = seen.code;
    set_builder_done(&seen);
}

static void unite_building(struct operands *o, struct sink *sink)
{
    for (uint32_t i = o->count; i-- > 0 && sink->result.code == 0;)
        set_builder_add_all(&sink->result, &o->items[i].set);
}

/* Of a result that may be a set of integers the order is what makes it one. */
static void union_(struct operands *o, struct sink *sink)
{
    if (o->count == 0)
        return;
    sort_operands(o->items, o->count);
    uint64_t largest = o->items[o->count - 1].count;
    bool small = largest <= (uint64_t)set_options_of(sink->result.ks)->max_intset_entries;
    if (sink->kind == SINK_COUNT || (sink->kind == SINK_REPLY && !small)) {
        unite(o, sink);
        return;
    }
    sink->result.hint = largest;
    unite_building(o, sink);
    sink->holding = sink->kind == SINK_REPLY;
}

/* --- the commands --- */

typedef void operation(struct operands *o, struct sink *sink);

static void sink_init(struct sink *s, struct command_ctx *ctx, enum sink_kind kind)
{
    *s = (struct sink){.kind = kind, .reply = ctx->reply};
    set_builder_init(&s->result, db_keyspace(ctx->db), 0);
}

static void tell(struct command_ctx *ctx, operation *run, bool sorted)
{
    struct operands o;
    struct sink s;
    if (!gather(ctx, 1, ctx->argc - 1, &o))
        return;
    sink_init(&s, ctx, SINK_REPLY);
    s.holding = sorted;
    size_t start = ctx->reply->out->len;
    size_t mark = resp_later(ctx->reply);
    run(&o, &s);
    if (s.holding && s.result.code == 0)
        sink_tell(&s);
    if (s.result.code == 0) {
        resp_later_end(ctx->reply, mark, '~', s.count);
    } else {
        ctx->reply->out->len = start;
        resp_error_code(ctx->reply, s.result.code);
    }
    set_builder_done(&s.result);
    heap_free(o.items);
}

/* Makes the result the value of argument 1; the members that it has, or a code. */
static int64_t store_result(struct command_ctx *ctx, struct set_builder *b, const char *event)
{
    uint64_t count = set_builder_count(b);
    struct entry_value v;
    if (b->code != 0)
        return b->code;
    if (count == 0) {
        if (db_delete(ctx->db, ctx->argv[1], ctx->key_hash))
            db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
        return 0;
    }
    int code = set_builder_value(b, &v);
    if (code != 0)
        return code;
    code = db_put(ctx->db, ctx->argv[1], ctx->key_hash, OBJECT_SET, &v, DB_EXPIRY_NONE);
    if (code != 0) {
        keyspace_free_value(db_keyspace(ctx->db), OBJECT_SET, &v);
        return code;
    }
    set_cmds_event(ctx, event, 1);
    return (int64_t)count;
}

/* Gives the members of B the nearest expiry that they have in any of COUNT sets. */
static void inherit(struct set_builder *b, const struct operand *items, uint32_t count)
{
    struct set_walk w;
    struct set_batch batch;
    if (set_builder_count(b) == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].set.kind != SET_TABLE || items[i].set.table->expiring == 0)
            continue;
        set_walk_begin(&w, &items[i].set);
        while (b->code == 0 && set_walk_next(&w, &batch)) {
            struct set_each each = set_each_begin(&batch, set_batch_all(&batch));
            for (unsigned k; b->code == 0 && set_each_next(&each, &batch, &k);)
                if (expiring_has(batch.members[k].element))
                    set_builder_expire(b, set_element_text(batch.members[k].element),
                                       expiring_time(batch.members[k].element));
        }
    }
}

static void store(struct command_ctx *ctx, operation *run, const char *event)
{
    struct operands o;
    struct sink s;
    if (!gather(ctx, 2, ctx->argc - 2, &o))
        return;
    sink_init(&s, ctx, SINK_STORE);
    /* RUN puts the others in order, but leaves the first one of a difference where it is. */
    run(&o, &s);
    if (__builtin_expect(o.expiring, 0))
        inherit(&s.result, o.items, run == diff ? o.first : o.count);
    int64_t count = store_result(ctx, &s.result, event);
    if (count < 0)
        resp_error_code(ctx->reply, (int)count);
    else
        resp_int(ctx->reply, count);
    set_builder_done(&s.result);
    heap_free(o.items);
}

/* The options behind the keys. False: the error has been told. */
static bool card_options(struct command_ctx *ctx, uint32_t first, bool approx, uint64_t *limit)
{
    *limit = 0;
    for (uint32_t i = first; i < ctx->argc; i++) {
        int64_t number;
        if (approx && slice_is(ctx->argv[i], "APPROX"))
            continue;
        if (!slice_is(ctx->argv[i], "LIMIT") || i + 1 == ctx->argc) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        if (!number_to_int(ctx->argv[++i], &number) || number < 0) {
            resp_error(ctx->reply, "ERR LIMIT can't be negative");
            return false;
        }
        *limit = (uint64_t)number;
    }
    return true;
}

static void card(struct command_ctx *ctx, operation *run, bool approx)
{
    struct operands o;
    struct sink s;
    int64_t keys;
    uint64_t limit;
    if (!number_to_int(ctx->argv[1], &keys) || keys < 1) {
        resp_error(ctx->reply, "ERR numkeys should be greater than 0");
        return;
    }
    if (keys > ctx->argc - 2) {
        resp_error(ctx->reply, "ERR Number of keys can't be greater than number of args");
        return;
    }
    if (!card_options(ctx, 2 + (uint32_t)keys, approx, &limit) || !gather(ctx, 2, (uint32_t)keys, &o))
        return;
    sink_init(&s, ctx, SINK_COUNT);
    s.limit = limit;
    run(&o, &s);
    if (s.result.code == 0)
        resp_int(ctx->reply, (int64_t)s.count);
    else
        resp_error_code(ctx->reply, s.result.code);
    set_builder_done(&s.result);
    heap_free(o.items);
}

void set_cmd_sinter(struct command_ctx *ctx)
{
    tell(ctx, inter, false);
}

void set_cmd_sunion(struct command_ctx *ctx)
{
    tell(ctx, union_, false);
}

void set_cmd_sdiff(struct command_ctx *ctx)
{
    tell(ctx, diff, true);
}

void set_cmd_sinterstore(struct command_ctx *ctx)
{
    store(ctx, inter, "sinterstore");
}

void set_cmd_sunionstore(struct command_ctx *ctx)
{
    store(ctx, union_, "sunionstore");
}

void set_cmd_sdiffstore(struct command_ctx *ctx)
{
    store(ctx, diff, "sdiffstore");
}

void set_cmd_sintercard(struct command_ctx *ctx)
{
    card(ctx, inter, false);
}

/* Exact counts are as good as approximate ones, and the walk is the same. */
void set_cmd_sunioncard(struct command_ctx *ctx)
{
    card(ctx, union_, true);
}

void set_cmd_sdiffcard(struct command_ctx *ctx)
{
    card(ctx, diff, false);
}
