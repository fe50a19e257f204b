/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list commands that move elements from one list to another, which may be the same.
 *
 * What is to move is copied first, for writing to one key may move the other one's entry; then it
 * is pushed, which is all that can fail, and only then taken out. That is right for one list
 * that is both, too: what is taken at the end where it was pushed is the same.
 */
#include "base/heap.h"
#include "types/list/list_cmds.h"

struct move {
    uint32_t from, to; /* arguments */
    bool from_front, to_front;
    bool exactly; /* COUNT elements or none, else up to so many */
    bool bulk;    /* they keep their order */
    bool one;     /* without an array around it */
    uint64_t count;
};

/* The elements, in the order in which they are pushed. */
struct moved {
    struct slice *elements;
    size_t count;
    struct buf bytes;
};

/* Copies COUNT elements of L in the order in which they are pushed: MR_E_MEMORY. */
static int collect(struct moved *m, const struct list *l, const struct move *o, uint64_t count)
{
    /* One by one they go from the near end on, as a block so that the last one pushed is outermost. */
    bool back = o->bulk ? o->to_front : !o->from_front;
    uint64_t length = list_length(l), first = o->from_front ? 0 : length - count;
    struct list_walk w;
    struct listpack_value v;
    char scratch[NUMBER_TEXT_MAX];
    int code = 0;
    m->elements = heap_try_alloc(count * sizeof *m->elements);
    if (m->elements == NULL)
        return MR_E_MEMORY;
    list_walk_begin(&w, l, back ? first + count - 1 : first, back);
    for (; m->count < count && code == 0 && list_walk_next(&w, &v); m->count++) {
        struct slice text = listpack_text(&v, scratch);
        m->elements[m->count] = slice_of(NULL, text.len);
        code = buf_try_grow(&m->bytes, text.len + 1);
        if (code == 0)
            buf_append_slice(&m->bytes, text);
    }
    list_walk_done(&w);
    size_t at = 0;
    for (size_t i = 0; i < m->count; i++) {
        m->elements[i].ptr = m->bytes.data + at;
        at += m->elements[i].len;
    }
    return code;
}

static void reply_moved(struct command_ctx *ctx, const struct move *o, const struct moved *m)
{
    if (o->one) {
        resp_bulk(ctx->reply, m->elements[0]);
        return;
    }
    resp_array(ctx->reply, m->count);
    for (size_t i = 0; i < m->count; i++)
        resp_bulk(ctx->reply, m->elements[o->to_front ? m->count - 1 - i : i]);
}

/* Moves COUNT elements, and replies. */
static void move(struct command_ctx *ctx, const struct move *o, struct list_key *from, struct list_key *to,
                 uint64_t count)
{
    struct moved m = {0};
    uint64_t length;
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    int code = collect(&m, &from->l, o, count);
    if (code == 0)
        code = list_key_push(to, o->to_front, m.elements, m.count, &length);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
    } else {
        db_event(ctx->db, EVENT_LIST, o->to_front ? "lpush" : "rpush", ctx->argv[o->to]);
        /* The push may have moved it. */
        if (list_open(ctx, o->from, DB_NO_TOUCH, from) && from->e != NULL) {
            uint64_t index = o->from_front ? 0 : list_length(&from->l) - count;
            bool left = list_key_remove(from, index, count);
            keyspace_set_dirty(db_keyspace(ctx->db), dirty + count);
            list_tell_pop(ctx, o->from, o->from_front, left);
        }
        reply_moved(ctx, o, &m);
    }
    heap_free(m.elements);
    buf_done(&m.bytes);
}

/* False: there is nothing to move, and nothing has been written. */
static bool try_move(struct command_ctx *ctx, const struct move *o)
{
    struct list_key from, to;
    if (!dispatch_is_ready(ctx, o->from))
        return false;
    if (!list_open(ctx, o->from, 0, &from))
        return true;
    if (from.e == NULL)
        return false;
    uint64_t length = list_length(&from.l);
    if (o->exactly && length < o->count)
        return false;
    if (!list_open(ctx, o->to, 0, &to))
        return true;
    /* Looking for the destination may have deleted it, being due, and so moved the source. */
    if (list_open(ctx, o->from, DB_NO_TOUCH, &from))
        move(ctx, o, &from, &to, o->count < length ? o->count : length);
    return true;
}

static bool arg_sides(struct command_ctx *ctx, struct move *o)
{
    *o = (struct move){.from = 1, .to = 2, .one = true, .count = 1};
    return list_arg_side(ctx, 3, &o->from_front) && list_arg_side(ctx, 4, &o->to_front);
}

void list_cmd_lmove(struct command_ctx *ctx)
{
    struct move o;
    if (arg_sides(ctx, &o) && !try_move(ctx, &o))
        resp_null(ctx->reply);
}

static const struct move pop_push = {.from = 1, .to = 2, .to_front = true, .one = true, .count = 1};

void list_cmd_rpoplpush(struct command_ctx *ctx)
{
    if (!try_move(ctx, &pop_push))
        resp_null(ctx->reply);
}

/* The arguments of LMOVEM from AT on: how many, and in which order. */
static bool movem_arguments(struct command_ctx *ctx, uint32_t at, struct move *o)
{
    int64_t count;
    o->one = false;
    if (ctx->argc == at)
        return true;
    bool whole = ctx->argc == at + 3;
    o->exactly = whole && slice_is(ctx->argv[at], "EXACTLY");
    o->bulk = whole && slice_is(ctx->argv[at + 2], "BULK");
    if (!whole || (!o->exactly && !slice_is(ctx->argv[at], "COUNT")) ||
        (!o->bulk && !slice_is(ctx->argv[at + 2], "OBO"))) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    if (!list_arg_count(ctx, at + 1, 1, "ERR count should be greater than 0", &count))
        return false;
    o->count = (uint64_t)count;
    return true;
}

void list_cmd_lmovem(struct command_ctx *ctx)
{
    struct move o;
    if (arg_sides(ctx, &o) && movem_arguments(ctx, 5, &o) && !try_move(ctx, &o))
        resp_null_array(ctx->reply);
}

/* --- blocking --- */

/* Waits; true: it cannot. */
static bool must_answer(struct command_ctx *ctx, const struct move *o, int64_t deadline_us)
{
    struct block_request r = {.first = o->from,
                              .count = 1,
                              .type = OBJECT_LIST,
                              .events = o->exactly ? EVENT_LIST : 0,
                              .deadline_us = deadline_us};
    return !dispatch_block(ctx, &r);
}

static void blocking_move(struct command_ctx *ctx, const struct move *o, uint32_t timeout)
{
    int64_t deadline_us;
    if (!dispatch_arg_timeout(ctx, timeout, BLOCK_SECONDS, &deadline_us) || try_move(ctx, o) ||
        !must_answer(ctx, o, deadline_us))
        return;
    /* Who has waited gets another null than who could not. */
    if (ctx->retry != NULL)
        resp_null_array(ctx->reply);
    else
        resp_null(ctx->reply);
}

void list_cmd_blmove(struct command_ctx *ctx)
{
    struct move o;
    if (arg_sides(ctx, &o))
        blocking_move(ctx, &o, 5);
}

void list_cmd_brpoplpush(struct command_ctx *ctx)
{
    blocking_move(ctx, &pop_push, 3);
}

void list_cmd_blmovem(struct command_ctx *ctx)
{
    struct move o;
    int64_t deadline_us;
    if (arg_sides(ctx, &o) && dispatch_arg_timeout(ctx, 5, BLOCK_SECONDS, &deadline_us) &&
        movem_arguments(ctx, 6, &o) && !try_move(ctx, &o) && must_answer(ctx, &o, deadline_us))
        resp_null_array(ctx->reply);
}
