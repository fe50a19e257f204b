/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of the list commands, and those that push, look and change in place.
 */
#include "types/list/list_cmds.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

bool list_open(struct command_ctx *ctx, uint32_t i, unsigned flags, struct list_key *k)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    k->db = ctx->db;
    k->key = ctx->argv[i];
    k->hash = i == 1 ? ctx->key_hash : dispatch_hash(ctx, i);
    if (unlikely(ctx->session->flags & SESSION_NO_TOUCH))
        flags |= DB_NO_TOUCH;
    k->e = db_find(ctx->db, k->key, k->hash, flags);
    if (k->e == NULL) {
        list_init(&k->l, ks);
        return true;
    }
    if (unlikely(entry_type(k->e) != OBJECT_LIST)) {
        resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
        return false;
    }
    list_of(&k->l, ks, k->e);
    return true;
}

bool list_check_element(struct command_ctx *ctx, struct slice element)
{
    if (likely(element.len <= LIST_ELEMENT_MAX))
        return true;
    resp_error(ctx->reply, "ERR Element too large");
    return false;
}

bool list_arg_side(struct command_ctx *ctx, uint32_t i, bool *front)
{
    *front = slice_is(ctx->argv[i], "LEFT");
    if (*front || slice_is(ctx->argv[i], "RIGHT"))
        return true;
    resp_error_code(ctx->reply, MR_E_SYNTAX);
    return false;
}

bool list_arg_count(struct command_ctx *ctx, uint32_t i, int64_t least, const char *why, int64_t *ret)
{
    if (number_to_int(ctx->argv[i], ret) && *ret >= least)
        return true;
    resp_error(ctx->reply, why);
    return false;
}

/* --- pushing --- */

static void push(struct command_ctx *ctx, bool front, bool only_if_there)
{
    struct list_key k;
    for (uint32_t i = 2; i < ctx->argc; i++)
        if (!list_check_element(ctx, ctx->argv[i]))
            return;
    if (!list_open(ctx, 1, 0, &k))
        return;
    if (k.e == NULL && only_if_there) {
        resp_int(ctx->reply, 0);
        return;
    }
    uint64_t length;
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    int code = list_key_push(&k, front, ctx->argv + 2, ctx->argc - 2, &length);
    if (unlikely(code != 0)) {
        resp_error_code(ctx->reply, code);
        return;
    }
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + ctx->argc - 2);
    db_event(ctx->db, EVENT_LIST, front ? "lpush" : "rpush", ctx->argv[1]);
    resp_int(ctx->reply, (int64_t)length);
}

void list_cmd_lpush(struct command_ctx *ctx)
{
    push(ctx, true, false);
}

void list_cmd_rpush(struct command_ctx *ctx)
{
    push(ctx, false, false);
}

void list_cmd_lpushx(struct command_ctx *ctx)
{
    push(ctx, true, true);
}

void list_cmd_rpushx(struct command_ctx *ctx)
{
    push(ctx, false, true);
}

/* --- looking --- */

void list_cmd_llen(struct command_ctx *ctx)
{
    struct list_key k;
    if (list_open(ctx, 1, DB_COUNT, &k))
        resp_int(ctx->reply, k.e == NULL ? 0 : (int64_t)list_length(&k.l));
}

/* The element that INDEX means, from the end where it is negative; false: there is none. */
static bool index_of(const struct list *l, int64_t index, uint64_t *ret)
{
    uint64_t length = list_length(l);
    *ret = index < 0 ? (uint64_t)index + length : (uint64_t)index;
    return *ret < length;
}

void list_cmd_lindex(struct command_ctx *ctx)
{
    struct list_key k;
    int64_t number;
    uint64_t index;
    if (!list_open(ctx, 1, DB_COUNT, &k))
        return;
    if (k.e == NULL) {
        resp_null(ctx->reply);
        return;
    }
    if (!dispatch_arg_int(ctx, 2, &number))
        return;
    if (index_of(&k.l, number, &index))
        list_reply_range(ctx->reply, &k.l, index, 1, false);
    else
        resp_null(ctx->reply);
}

/* The rest of the node, at most *COUNT of it. */
static void reply_forward(struct resp_writer *w, struct list_walk *walk, uint64_t *count)
{
    const unsigned char *p = walk->p;
    uint64_t left = *count;
    do {
        struct listpack_value v = listpack_inline_get(p);
        list_reply_value(w, &v);
        p += listpack_inline_size(p);
    } while (--left > 0 && *p != LISTPACK_END);
    walk->p = NULL;
    *count = left;
}

void list_reply_range(struct resp_writer *w, const struct list *l, uint64_t index, uint64_t count, bool back)
{
    struct list_walk walk;
    struct listpack_value v;
    list_walk_begin(&walk, l, index, back);
    while (count > 0) {
        if (walk.p == NULL && !list_walk_step(&walk))
            break;
        if (walk.lp != NULL && !back) {
            reply_forward(w, &walk, &count);
            continue;
        }
        (void)list_walk_next(&walk, &v);
        list_reply_value(w, &v);
        count--;
    }
    list_walk_done(&walk);
}

/* Arguments 2 and 3 as a range; false: the error has been told. */
static bool arg_range(struct command_ctx *ctx, int64_t *start, int64_t *stop)
{
    return dispatch_arg_int(ctx, 2, start) && dispatch_arg_int(ctx, 3, stop);
}

/* What of LENGTH elements is from START to STOP: *INDEX is the first one; returns how many. */
static uint64_t range_of(uint64_t length, int64_t start, int64_t stop, uint64_t *index)
{
    int64_t size = (int64_t)length;
    if (start < 0)
        start = start < -size ? 0 : start + size;
    if (stop < 0)
        stop += size;
    if (stop >= size)
        stop = size - 1;
    *index = (uint64_t)start;
    return start > stop ? 0 : (uint64_t)(stop - start) + 1;
}

void list_cmd_lrange(struct command_ctx *ctx)
{
    struct list_key k;
    int64_t start, stop;
    uint64_t index = 0, count = 0;
    if (!arg_range(ctx, &start, &stop) || !list_open(ctx, 1, DB_COUNT, &k))
        return;
    if (k.e != NULL)
        count = range_of(list_length(&k.l), start, stop, &index);
    resp_array(ctx->reply, count);
    if (count > 0)
        list_reply_range(ctx->reply, &k.l, index, count, false);
}

/* --- changing in place --- */

void list_cmd_lset(struct command_ctx *ctx)
{
    struct list_key k;
    int64_t number;
    uint64_t index;
    if (!list_check_element(ctx, ctx->argv[3]) || !list_open(ctx, 1, 0, &k))
        return;
    if (k.e == NULL) {
        resp_error_code(ctx->reply, MR_E_NO_KEY);
        return;
    }
    if (!dispatch_arg_int(ctx, 2, &number))
        return;
    if (!index_of(&k.l, number, &index)) {
        resp_error(ctx->reply, "ERR index out of range");
        return;
    }
    int code = list_key_replace(&k, index, ctx->argv[3]);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    db_event(ctx->db, EVENT_LIST, "lset", ctx->argv[1]);
    resp_ok(ctx->reply);
}

void list_cmd_linsert(struct command_ctx *ctx)
{
    struct list_key k;
    struct list_walk walk;
    uint64_t index;
    bool after = slice_is(ctx->argv[2], "AFTER");
    if (!after && !slice_is(ctx->argv[2], "BEFORE")) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if (!list_check_element(ctx, ctx->argv[4]) || !list_open(ctx, 1, 0, &k))
        return;
    if (k.e == NULL) {
        resp_int(ctx->reply, 0);
        return;
    }
    uint64_t length = list_length(&k.l);
    list_walk_begin(&walk, &k.l, 0, false);
    bool found = list_walk_find(&walk, ctx->argv[3], UINT64_MAX, &index);
    list_walk_done(&walk);
    if (!found) {
        resp_int(ctx->reply, -1);
        return;
    }
    int code = list_key_insert(&k, index + after, ctx->argv[4]);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    db_event(ctx->db, EVENT_LIST, "linsert", ctx->argv[1]);
    resp_int(ctx->reply, (int64_t)length + 1);
}

void list_cmd_lrem(struct command_ctx *ctx)
{
    struct list_key k;
    int64_t count;
    bool left;
    if (!dispatch_arg_int(ctx, 2, &count) || !list_open(ctx, 1, 0, &k))
        return;
    if (k.e == NULL) {
        resp_int(ctx->reply, 0);
        return;
    }
    uint64_t max = count == 0 ? UINT64_MAX : count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    uint64_t removed = list_key_remove_equal(&k, ctx->argv[3], max, count < 0, &left);
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + removed);
    if (removed > 0)
        db_event(ctx->db, EVENT_LIST, "lrem", ctx->argv[1]);
    if (!left)
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
    resp_int(ctx->reply, (int64_t)removed);
}

void list_cmd_ltrim(struct command_ctx *ctx)
{
    struct list_key k;
    int64_t start, stop;
    uint64_t index;
    if (!arg_range(ctx, &start, &stop) || !list_open(ctx, 1, 0, &k))
        return;
    if (k.e != NULL) {
        uint64_t length = list_length(&k.l), count = range_of(length, start, stop, &index);
        uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
        bool left = list_key_keep(&k, index, count);
        keyspace_set_dirty(db_keyspace(ctx->db), dirty + (length - count));
        db_event(ctx->db, EVENT_LIST, "ltrim", ctx->argv[1]);
        if (!left)
            db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
    }
    resp_ok(ctx->reply);
}

/* --- LPOS --- */

struct lpos {
    int64_t rank, count, maxlen; /* COUNT -1: one, and not as an array; 0: all */
};

static bool lpos_options(struct command_ctx *ctx, struct lpos *o)
{
    *o = (struct lpos){.rank = 1, .count = -1};
    for (uint32_t i = 3; i < ctx->argc; i += 2) {
        struct slice word = ctx->argv[i];
        bool more = i + 1 < ctx->argc;
        if (more && slice_is(word, "RANK")) {
            if (!dispatch_arg_int(ctx, i + 1, &o->rank))
                return false;
            if (o->rank == 0 || o->rank == INT64_MIN) {
                resp_error(ctx->reply,
                           o->rank == 0
                               ? "ERR RANK can't be zero: use 1 to start from the first match, 2 from the "
                                 "second ... or use negative to start from the end of the list"
                               : "ERR value is out of range, value must between -9223372036854775807 and "
                                 "9223372036854775807");
                return false;
            }
        } else if (more && slice_is(word, "COUNT")) {
            if (!list_arg_count(ctx, i + 1, 0, "ERR COUNT can't be negative", &o->count))
                return false;
        } else if (more && slice_is(word, "MAXLEN")) {
            if (!list_arg_count(ctx, i + 1, 0, "ERR MAXLEN can't be negative", &o->maxlen))
                return false;
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    return true;
}

/* Writes the indexes of the matches; returns how many. */
static size_t lpos_reply(struct command_ctx *ctx, const struct list *l, const struct lpos *o)
{
    struct list_walk walk;
    struct listpack_value v;
    bool back = o->rank < 0;
    uint64_t length = list_length(l), seen = 0, skipped;
    uint64_t rank = back ? 0 - (uint64_t)o->rank : (uint64_t)o->rank;
    uint64_t max = o->maxlen == 0 ? UINT64_MAX : (uint64_t)o->maxlen;
    uint64_t wanted = o->count < 0 ? 1 : o->count == 0 ? UINT64_MAX : (uint64_t)o->count;
    size_t told = 0;
    list_walk_begin(&walk, l, back ? length - 1 : 0, back);
    while (told < wanted && list_walk_find(&walk, ctx->argv[2], max - seen, &skipped)) {
        seen += skipped;
        if (rank <= 1) {
            resp_int(ctx->reply, (int64_t)(back ? length - 1 - seen : seen));
            told++;
        } else {
            rank--;
        }
        (void)list_walk_next(&walk, &v);
        seen++;
    }
    list_walk_done(&walk);
    return told;
}

void list_cmd_lpos(struct command_ctx *ctx)
{
    struct list_key k;
    struct lpos o;
    if (!lpos_options(ctx, &o) || !list_open(ctx, 1, DB_COUNT, &k))
        return;
    if (o.count < 0) {
        if (k.e == NULL || lpos_reply(ctx, &k.l, &o) == 0)
            resp_null(ctx->reply);
        return;
    }
    size_t mark = resp_later(ctx->reply);
    resp_later_end(ctx->reply, mark, '*', k.e == NULL ? 0 : lpos_reply(ctx, &k.l, &o));
}

/* --- the table --- */

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "types/list/list.def"
};

void list_register(struct registry *registry, struct object_types *types, const struct list_options *options)
{
    object_types_add(types, &list_type);
    types->options[OBJECT_LIST] = options;
    registry_add(registry, rows, sizeof rows / sizeof *rows, NULL);
}
