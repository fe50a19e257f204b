/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands on the expiry of fields. A time that is past deletes at once. A reply begins when
 * nothing can be refused any more.
 */
#include "base/clock.h"
#include "base/heap.h"
#include "command/element_expire.h"
#include "types/hash/hash_cmds.h"

/* What the replies say of a field. */
enum { TOLD_NOTHING = -2, TOLD_NO_TIME = -1, TOLD_REFUSED = 0, TOLD_DONE = 1, TOLD_DELETED = 2 };

/* Replies COUNT times the same. */
static void reply_same(struct command_ctx *ctx, uint32_t count, int64_t number)
{
    resp_array(ctx->reply, count);
    for (uint32_t i = 0; i < count; i++)
        resp_int(ctx->reply, number);
}

/* Deletes FIELD of the hash at PLACE, which may have become another since H was opened. *EMPTY: it
 * is gone. */
static bool delete_one(const struct hash_place *p, struct slice field, bool *empty)
{
    struct hash h;
    hash_open(&h, db_keyspace(p->db), db_find(p->db, p->key, p->hash, DB_NO_TOUCH));
    return hash_delete(&h, p, &field, 1, empty) != 0;
}

static void tell_deleted(const struct command_ctx *ctx, bool any, bool empty)
{
    if (any)
        hash_cmds_event(ctx, "hdel");
    if (empty)
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
}

/* --- HEXPIRE and its like --- */

static bool may_expire(const void *arg, int64_t was_ms)
{
    const struct element_expire *x = arg;
    return element_expire_allowed(x->condition, was_ms, x->at_ms);
}

static void expire_past(struct command_ctx *ctx, struct hash *h, const struct element_expire *x)
{
    struct hash_place place = hash_cmds_place(ctx);
    bool empty = false, any = false;
    resp_array(ctx->reply, x->count);
    for (uint32_t i = x->first; i < x->first + x->count; i++) {
        int64_t was_ms = empty ? HASH_NO_FIELD : hash_time(h, ctx->argv[i]);
        if (was_ms == HASH_NO_FIELD) {
            resp_int(ctx->reply, TOLD_NOTHING);
        } else if (!may_expire(x, was_ms)) {
            resp_int(ctx->reply, TOLD_REFUSED);
        } else {
            any |= delete_one(&place, ctx->argv[i], &empty);
            if (!empty)
                hash_open(h, h->ks, db_find(ctx->db, ctx->argv[1], ctx->key_hash, DB_NO_TOUCH));
            resp_int(ctx->reply, TOLD_DELETED);
        }
    }
    tell_deleted(ctx, any, empty);
}

static void expire_later(struct command_ctx *ctx, struct hash *h, const struct element_expire *x)
{
    struct hash_place place = hash_cmds_place(ctx);
    int64_t *results = heap_try_alloc(x->count * sizeof *results);
    uint32_t changed;
    int code = results == NULL ? MR_E_MEMORY
                               : hash_set_times(h, &place, ctx->argv + x->first, x->count, x->at_ms,
                                                may_expire, x, results, &changed);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
    } else {
        resp_array(ctx->reply, x->count);
        for (uint32_t i = 0; i < x->count; i++)
            resp_int(ctx->reply, results[i] == HASH_NO_FIELD ? TOLD_NOTHING
                                 : results[i] == INT64_MIN   ? TOLD_REFUSED
                                                             : TOLD_DONE);
        if (changed != 0)
            hash_cmds_event(ctx, "hexpire");
    }
    heap_free(results);
}

static void expire(struct command_ctx *ctx, int64_t unit_ms, int64_t base_ms)
{
    struct hash h;
    struct element_expire x;
    if (!element_expire_read(ctx, &element_words_of_fields, unit_ms, base_ms, &x) ||
        !hash_cmds_find(ctx, 0, &h))
        return;
    if (h.e == NULL)
        reply_same(ctx, x.count, TOLD_NOTHING);
    else if (!element_reply_room(ctx, x.count))
        return;
    else if (x.at_ms <= clock_ms())
        expire_past(ctx, &h, &x);
    else
        expire_later(ctx, &h, &x);
}

void hash_cmd_hexpire(struct command_ctx *ctx)
{
    expire(ctx, 1000, clock_ms());
}

void hash_cmd_hpexpire(struct command_ctx *ctx)
{
    expire(ctx, 1, clock_ms());
}

void hash_cmd_hexpireat(struct command_ctx *ctx)
{
    expire(ctx, 1000, 0);
}

void hash_cmd_hpexpireat(struct command_ctx *ctx)
{
    expire(ctx, 1, 0);
}

/* --- HTTL and its like --- */

static void tell_times(struct command_ctx *ctx, int64_t unit_ms, int64_t base_ms)
{
    struct hash h;
    uint32_t first, count;
    if (!element_list_read(ctx, &element_words_of_fields, &first, &count) ||
        !hash_cmds_find(ctx, DB_COUNT, &h))
        return;
    resp_array(ctx->reply, count);
    for (uint32_t i = first; i < first + count; i++) {
        int64_t at_ms = hash_time(&h, ctx->argv[i]);
        resp_int(ctx->reply, at_ms == HASH_NO_FIELD    ? TOLD_NOTHING
                             : at_ms == DB_EXPIRY_NONE ? TOLD_NO_TIME
                                                       : element_time_told(at_ms, unit_ms, base_ms));
    }
}

void hash_cmd_httl(struct command_ctx *ctx)
{
    tell_times(ctx, 1000, clock_ms());
}

void hash_cmd_hpttl(struct command_ctx *ctx)
{
    tell_times(ctx, 1, clock_ms());
}

void hash_cmd_hexpiretime(struct command_ctx *ctx)
{
    tell_times(ctx, 1000, 0);
}

void hash_cmd_hpexpiretime(struct command_ctx *ctx)
{
    tell_times(ctx, 1, 0);
}

/* --- HPERSIST --- */

static bool has_time(const void *arg, int64_t was_ms)
{
    (void)arg;
    return was_ms != DB_EXPIRY_NONE;
}

void hash_cmd_hpersist(struct command_ctx *ctx)
{
    struct hash h;
    uint32_t first, count, changed;
    if (!element_list_read(ctx, &element_words_of_fields, &first, &count) || !hash_cmds_find(ctx, 0, &h))
        return;
    if (h.e == NULL) {
        reply_same(ctx, count, TOLD_NOTHING);
        return;
    }
    if (!element_reply_room(ctx, count))
        return;
    struct hash_place place = hash_cmds_place(ctx);
    int64_t *results = heap_try_alloc(count * sizeof *results);
    int code = results == NULL ? MR_E_MEMORY
                               : hash_set_times(&h, &place, ctx->argv + first, count, DB_EXPIRY_NONE,
                                                has_time, NULL, results, &changed);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
    } else {
        resp_array(ctx->reply, count);
        for (uint32_t i = 0; i < count; i++)
            resp_int(ctx->reply, results[i] == HASH_NO_FIELD ? TOLD_NOTHING
                                 : results[i] == INT64_MIN   ? TOLD_NO_TIME
                                                             : TOLD_DONE);
        if (changed != 0)
            hash_cmds_event(ctx, "hpersist");
    }
    heap_free(results);
}

/* --- HGETEX --- */

static void reply_values(struct command_ctx *ctx, const struct hash *h, const struct element_options *o)
{
    resp_array(ctx->reply, o->count);
    for (uint32_t i = o->first; i < o->first + o->count; i++)
        hash_cmds_reply_field(ctx, h, ctx->argv[i]);
}

static bool may_always(const void *arg, int64_t was_ms)
{
    (void)arg, (void)was_ms;
    return true;
}

/* Gives the fields of O their times, or takes those away; false: the error has been told. */
static bool change_times(struct command_ctx *ctx, struct hash *h, const struct element_options *o)
{
    struct hash_place place = hash_cmds_place(ctx);
    bool persist = (o->set & ELEMENT_PERSIST) != 0;
    int64_t *results = heap_try_alloc(o->count * sizeof *results);
    uint32_t changed;
    int code = results == NULL ? MR_E_MEMORY
                               : hash_set_times(h, &place, ctx->argv + o->first, o->count,
                                                persist ? DB_EXPIRY_NONE : o->at_ms,
                                                persist ? has_time : may_always, NULL, results, &changed);
    heap_free(results);
    if (code != 0)
        resp_error_code(ctx->reply, code);
    else if (changed != 0)
        hash_cmds_event(ctx, persist ? "hpersist" : "hexpire");
    return code == 0;
}

void hash_cmd_hgetex(struct command_ctx *ctx)
{
    struct hash h;
    struct element_options o;
    if (!element_options_read(ctx, &element_words_of_fields, ELEMENT_TIME | ELEMENT_PERSIST, 1, &o) ||
        !hash_cmds_find(ctx, 0, &h))
        return;
    bool past = (o.set & ELEMENT_TIME) != 0 && o.at_ms <= clock_ms();
    if (h.e != NULL && o.set != 0 && !past) {
        if (!change_times(ctx, &h, &o))
            return;
        hash_open(&h, h.ks, db_find(ctx->db, ctx->argv[1], ctx->key_hash, DB_NO_TOUCH));
    }
    reply_values(ctx, &h, &o);
    if (h.e == NULL || !past)
        return;
    struct hash_place place = hash_cmds_place(ctx);
    uint64_t dirty = keyspace_dirty(h.ks);
    bool empty;
    uint32_t deleted = hash_delete(&h, &place, ctx->argv + o.first, o.count, &empty);
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + deleted);
    tell_deleted(ctx, deleted != 0, empty);
}

/* --- HSETEX --- */

/* Whether the fields, and the key, are there or not as the options want it. */
static bool holds(const struct command_ctx *ctx, const struct hash *h, const struct element_options *o)
{
    if (((o->set & ELEMENT_NO_KEY) != 0 && h->e != NULL) || ((o->set & ELEMENT_HAS_KEY) != 0 && h->e == NULL))
        return false;
    if ((o->set & (ELEMENT_NONE | ELEMENT_ALL)) == 0)
        return true;
    for (uint32_t i = 0; i < o->count; i++) {
        bool there = hash_time(h, ctx->argv[o->first + 2 * i]) != HASH_NO_FIELD;
        if (there != ((o->set & ELEMENT_ALL) != 0))
            return false;
    }
    return true;
}

/* Fields that would go at once: those that are there go. */
static void set_past(struct command_ctx *ctx, struct hash *h, const struct element_options *o)
{
    struct hash_place place = hash_cmds_place(ctx);
    bool empty = false, any = false;
    for (uint32_t i = 0; i < o->count && h->e != NULL && !empty; i++)
        any |= delete_one(&place, ctx->argv[o->first + 2 * i], &empty);
    if (any)
        hash_cmds_event(ctx, "hset");
    tell_deleted(ctx, any, empty);
    resp_int(ctx->reply, 1);
}

void hash_cmd_hsetex(struct command_ctx *ctx)
{
    struct hash h;
    struct element_options o;
    const unsigned allowed =
        ELEMENT_NONE | ELEMENT_ALL | ELEMENT_NO_KEY | ELEMENT_HAS_KEY | ELEMENT_KEEPTTL | ELEMENT_TIME;
    if (!element_options_read(ctx, &element_words_of_fields, allowed, 2, &o) || !hash_cmds_find(ctx, 0, &h))
        return;
    if (!holds(ctx, &h, &o)) {
        resp_int(ctx->reply, 0);
        return;
    }
    bool timed = (o.set & ELEMENT_TIME) != 0;
    if (timed && o.at_ms <= clock_ms()) {
        set_past(ctx, &h, &o);
        return;
    }
    struct hash_place place = hash_cmds_place(ctx);
    int64_t time_ms = timed ? o.at_ms : (o.set & ELEMENT_KEEPTTL) != 0 ? DB_EXPIRY_KEEP : DB_EXPIRY_NONE;
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    int64_t added = hash_set(&h, &place, ctx->argv + o.first, o.count, time_ms);
    if (added < 0) {
        resp_error_code(ctx->reply, (int)added);
        return;
    }
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + o.count);
    hash_cmds_event(ctx, "hset");
    if (timed)
        hash_cmds_event(ctx, "hexpire");
    resp_int(ctx->reply, 1);
}
