/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SPOP and SRANDMEMBER. Of different members that are drawn, every choice is as likely as any
 * other; those of a negative count are drawn each for itself.
 */
#include <inttypes.h>

#include "base/heap.h"
#include "base/random.h"
#include "types/set/set_cmds.h"
#include "types/set/set_table.h"

/* The least that a bulk string takes in a reply. */
#define BULK_LEAST 6
/* Where so many draws gave hidden members, all are walked over. */
#define TRIES      100

/* The text of an offset of a listpack, or of an integer, in DIGITS. */
static struct slice packed_text(const struct set *s, size_t at, char *digits)
{
    struct listpack_value v;
    listpack_get(set_bytes(s), at, &v);
    return listpack_text(&v, digits);
}

/* One element that is not hidden; NULL: there is none. */
static void *draw_element(struct keyspace *ks, const struct set *s)
{
    for (unsigned tries = 0; tries < TRIES; tries++) {
        void *element = dict_random(&s->table->dict, keyspace_arena(ks), keyspace_random(ks));
        if (element != NULL && !set_element_hidden(ks, element))
            return element;
    }
    void *element;
    return set_table_draw_seen(ks, s->table, &element, 1) > 0 ? element : NULL;
}

/* One member; its text may stand in DIGITS. No pointer: all are hidden. */
static struct slice draw_one(struct keyspace *ks, const struct set *s, char *digits)
{
    struct random *r = keyspace_random(ks);
    if (s->kind == SET_TABLE) {
        const void *element = draw_element(ks, s);
        return element == NULL ? (struct slice){0} : set_element_text(element);
    }
    uint64_t index = random_below(r, set_count(s));
    if (s->kind == SET_INTSET)
        return slice_of(digits, number_from_int(digits, intset_at(set_bytes(s), (uint32_t)index)));
    return packed_text(s, listpack_seek(set_bytes(s), (int64_t)index), digits);
}

static void reply_one(struct resp_writer *w, struct slice text)
{
    if (text.ptr != NULL)
        resp_bulk(w, text);
    else
        resp_null(w);
}

/* --- several --- */

/* Members that were drawn, as the kind of set has them. */
struct drawn {
    uint64_t count;
    void **elements;   /* of a table */
    size_t *offsets;   /* of a listpack */
    struct buf chosen; /* of an intset: the integers */
};

static void drawn_done(struct drawn *d)
{
    heap_free(d->elements);
    heap_free(d->offsets);
    buf_done(&d->chosen);
}

static int draw_intset(struct keyspace *ks, const struct set *s, struct drawn *d)
{
    uint64_t left = set_count(s), taken = 0;
    int code = buf_try_grow(&d->chosen, d->count * sizeof(int64_t));
    for (uint32_t i = 0; code == 0 && taken < d->count; i++, left--) {
        if (random_below(keyspace_random(ks), left) >= d->count - taken)
            continue;
        int64_t value = intset_at(set_bytes(s), i);
        buf_append(&d->chosen, &value, sizeof value);
        taken++;
    }
    return code;
}

/* Draws COUNT different members of S, which has more; fewer only if it hides some. */
static int draw(struct keyspace *ks, const struct set *s, uint64_t count, struct drawn *ret)
{
    *ret = (struct drawn){.count = count};
    if (s->kind == SET_INTSET)
        return draw_intset(ks, s, ret);
    if (s->kind == SET_LISTPACK) {
        ret->offsets = heap_try_alloc(count * sizeof *ret->offsets);
        if (ret->offsets == NULL)
            return MR_E_MEMORY;
        listpack_draw(set_bytes(s), 1, keyspace_random(ks), ret->offsets, (uint32_t)count);
        return 0;
    }
    ret->elements = count > SIZE_MAX / 16 ? NULL : heap_try_alloc(count * sizeof *ret->elements);
    if (ret->elements == NULL)
        return MR_E_MEMORY;
    if (!set_may_hide(s))
        return set_table_draw(ks, s->table, ret->elements, count);
    ret->count = set_table_draw_seen(ks, s->table, ret->elements, count);
    return 0;
}

static struct slice drawn_text(const struct set *s, const struct drawn *d, uint64_t i, char *digits)
{
    int64_t value;
    if (s->kind == SET_TABLE)
        return set_element_text(d->elements[i]);
    if (s->kind == SET_LISTPACK)
        return packed_text(s, d->offsets[i], digits);
    memcpy(&value, d->chosen.data + i * sizeof value, sizeof value);
    return slice_of(digits, number_from_int(digits, value));
}

static void reply_drawn(struct resp_writer *w, const struct set *s, const struct drawn *d)
{
    char digits[NUMBER_TEXT_MAX];
    for (uint64_t i = 0; i < d->count; i++) {
        if (d->elements != NULL && i + 8 < d->count)
            __builtin_prefetch(d->elements[i + 8]);
        resp_bulk(w, drawn_text(s, d, i, digits));
    }
}

/* --- SRANDMEMBER --- */

/* Members may come again. */
static void reply_repeating(struct command_ctx *ctx, const struct set *s, uint64_t count)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    char digits[NUMBER_TEXT_MAX];
    size_t *offsets = NULL, n = 0;
    int code = count > SIZE_MAX / 64 ? MR_E_MEMORY : buf_try_grow(ctx->reply->out, count * BULK_LEAST);
    if (code == 0 && s->kind == SET_LISTPACK) {
        offsets = heap_try_alloc(set_count(s) * sizeof *offsets);
        code = offsets == NULL ? MR_E_MEMORY : 0;
    }
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    if (offsets != NULL)
        for (size_t at = listpack_first(set_bytes(s)); at != 0; at = listpack_next(set_bytes(s), at))
            offsets[n++] = at;
    if (set_may_hide(s) && draw_element(ks, s) == NULL)
        count = 0;
    resp_array(ctx->reply, count);
    for (uint64_t i = 0; i < count; i++) {
        if (offsets != NULL)
            resp_bulk(ctx->reply, packed_text(s, offsets[random_below(keyspace_random(ks), n)], digits));
        else
            resp_bulk(ctx->reply, draw_one(ks, s, digits));
    }
    heap_free(offsets);
}

static void reply_different(struct command_ctx *ctx, const struct set *s, uint64_t count)
{
    struct drawn d;
    if (count >= set_count(s)) {
        set_cmds_reply_set(ctx->reply, s, '*');
        return;
    }
    int code = draw(db_keyspace(ctx->db), s, count, &d);
    if (code == 0) {
        resp_array(ctx->reply, d.count);
        reply_drawn(ctx->reply, s, &d);
    } else {
        resp_error_code(ctx->reply, code);
    }
    drawn_done(&d);
}

static void randmember_count(struct command_ctx *ctx)
{
    int64_t count;
    struct entry *e;
    if (!dispatch_arg_int(ctx, 2, &count))
        return;
    if (count == INT64_MIN) {
        resp_errorf(ctx->reply, "ERR value is out of range, value must between %" PRId64 " and %" PRId64,
                    -INT64_MAX, INT64_MAX);
        return;
    }
    if (!set_cmds_find(ctx, 1, DB_COUNT, &e))
        return;
    if (e == NULL || count == 0) {
        resp_array(ctx->reply, 0);
        return;
    }
    struct set s = set_of(db_keyspace(ctx->db), e);
    if (count < 0)
        reply_repeating(ctx, &s, (uint64_t)-count);
    else
        reply_different(ctx, &s, (uint64_t)count);
}

void set_cmd_srandmember(struct command_ctx *ctx)
{
    char digits[NUMBER_TEXT_MAX];
    struct entry *e;
    if (ctx->argc == 3) {
        randmember_count(ctx);
        return;
    }
    if (ctx->argc > 3) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if (!set_cmds_find(ctx, 1, DB_COUNT, &e))
        return;
    if (e == NULL) {
        resp_null(ctx->reply);
        return;
    }
    struct set s = set_of(db_keyspace(ctx->db), e);
    reply_one(ctx->reply, draw_one(db_keyspace(ctx->db), &s, digits));
}

/* --- SPOP --- */

/* Takes D out of the packed set E: they are found again by their texts, of which there are few. */
static int pop_packed(struct command_ctx *ctx, struct entry *e, const struct set *s, const struct drawn *d)
{
    struct buf bytes = {0};
    struct slice *texts = heap_try_alloc(d->count * sizeof *texts);
    char(*digits)[NUMBER_TEXT_MAX] = heap_try_alloc(d->count * sizeof *digits);
    int64_t code = texts == NULL || digits == NULL ? MR_E_MEMORY : buf_try_grow(&bytes, s->packed.len);
    if (code == 0) {
        /* The texts must not be those of the bytes that change. */
        struct set copy = *s;
        buf_append_slice(&bytes, s->packed);
        copy.packed = buf_slice(&bytes);
        for (uint64_t i = 0; i < d->count; i++)
            texts[i] = drawn_text(&copy, d, i, digits[i]);
        code = set_cmds_remove(ctx, 1, &e, texts, d->count);
    }
    heap_free(texts);
    heap_free(digits);
    buf_done(&bytes);
    return code < 0 ? (int)code : 0;
}

/* Takes one of several members. */
static void pop_one(struct command_ctx *ctx, struct entry *e)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    struct set s = set_of(ks, e);
    size_t mark = ctx->reply->out->len;
    int64_t code = 0;
    if (s.kind == SET_TABLE) {
        void *element = draw_element(ks, &s);
        if (element == NULL) {
            resp_null(ctx->reply);
            return;
        }
        resp_bulk(ctx->reply, set_element_text(element));
        set_table_drop(ks, s.table, element);
        db_changed(ctx->db, e);
    } else {
        char digits[NUMBER_TEXT_MAX];
        struct slice text = draw_one(ks, &s, digits);
        resp_bulk(ctx->reply, text);
        code = set_cmds_remove(ctx, 1, &e, &text, 1);
    }
    if (code >= 0) {
        set_cmds_event(ctx, "spop", 1);
        return;
    }
    ctx->reply->out->len = mark;
    resp_error_code(ctx->reply, (int)code);
}

static void pop_some(struct command_ctx *ctx, struct entry *e, uint64_t count)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    struct set s = set_of(ks, e);
    struct drawn d;
    size_t mark = ctx->reply->out->len;
    int code = draw(ks, &s, count, &d);
    if (code == 0) {
        resp_set(ctx->reply, d.count);
        reply_drawn(ctx->reply, &s, &d);
        if (s.kind != SET_TABLE)
            code = pop_packed(ctx, e, &s, &d);
    }
    if (code == 0 && s.kind == SET_TABLE) {
        set_table_drop_all(ks, s.table, d.elements, d.count);
        uint64_t dirty = keyspace_dirty(ks);
        if (d.count > 0)
            db_changed(ctx->db, e);
        keyspace_set_dirty(ks, dirty + d.count);
    }
    drawn_done(&d);
    if (code == 0 && d.count == 0)
        return;
    if (code == 0) {
        set_cmds_event(ctx, "spop", 1);
        return;
    }
    ctx->reply->out->len = mark;
    resp_error_code(ctx->reply, code);
}

static void pop_count(struct command_ctx *ctx)
{
    int64_t count;
    struct entry *e;
    if (!number_to_int(ctx->argv[2], &count) || count < 0) {
        resp_error(ctx->reply, "ERR value is out of range, must be positive");
        return;
    }
    if (!set_cmds_find(ctx, 1, 0, &e))
        return;
    if (e == NULL || count == 0) {
        resp_set(ctx->reply, 0);
        return;
    }
    struct set s = set_of(db_keyspace(ctx->db), e);
    if ((uint64_t)count < set_count(&s)) {
        pop_some(ctx, e, (uint64_t)count);
        return;
    }
    uint64_t after = keyspace_dirty(db_keyspace(ctx->db)) + set_count(&s);
    set_cmds_reply_set(ctx->reply, &s, '~');
    set_cmds_event(ctx, "spop", 1);
    set_cmds_delete(ctx, e, 1);
    keyspace_set_dirty(db_keyspace(ctx->db), after);
}

void set_cmd_spop(struct command_ctx *ctx)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    char digits[NUMBER_TEXT_MAX];
    struct entry *e;
    if (ctx->argc == 3) {
        pop_count(ctx);
        return;
    }
    if (ctx->argc > 3) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if (!set_cmds_find(ctx, 1, 0, &e))
        return;
    if (e == NULL) {
        resp_null(ctx->reply);
        return;
    }
    struct set s = set_of(ks, e);
    if (set_count(&s) > 1) {
        pop_one(ctx, e);
        return;
    }
    struct slice text = draw_one(ks, &s, digits);
    reply_one(ctx->reply, text);
    if (text.ptr == NULL)
        return;
    set_cmds_event(ctx, "spop", 1);
    set_cmds_delete(ctx, e, 1);
}
