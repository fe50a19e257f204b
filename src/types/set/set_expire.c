/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members that have an expiry of their own: the SEXPIRE family and SADDEX. A set becomes a table for
 * the first of them. A time that is past removes members at once.
 */
#include "base/clock.h"
#include "base/heap.h"
#include "command/element_expire.h"
#include "types/set/set_cmds.h"
#include "types/set/set_table.h"

/* What happened to a set. */
struct tally {
    uint64_t expired; /* members that were given an expiry */
    uint64_t removed;
};

/* The set of argument 1 as it is found again. */
static struct entry *again(struct command_ctx *ctx)
{
    return db_find(ctx->db, ctx->argv[1], ctx->key_hash, DB_NO_TOUCH);
}

/* Of TEXT in S: -2 if it is not there, -1 if it has no expiry, or that. */
static int64_t expiry_in(const struct set *s, struct slice text)
{
    if (s->kind != SET_TABLE)
        return set_has(s, text) ? -1 : -2;
    const void *element = set_table_find(s->table, s->ks, text, keyspace_hash(s->ks, text), NULL);
    if (element == NULL || set_element_hidden(s->ks, element))
        return -2;
    return expiring_has(element) ? expiring_time(element) : -1;
}

/* Tells and counts what T says was done to argument 1, of which E is what it left. */
static void tell(struct command_ctx *ctx, const struct tally *t, const struct entry *e)
{
    if (t->expired > 0)
        set_cmds_event(ctx, "sexpire", 1);
    if (t->removed > 0)
        set_cmds_event(ctx, "srem", 1);
    if (t->removed > 0 && e == NULL)
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
}

/* --- SEXPIRE and its like --- */

/* Gives TEXT, which is in the set *E, the expiry AT_MS. */
static int expire_member(struct command_ctx *ctx, struct entry **e, struct slice text, int64_t at_ms)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    struct dict_slot slot;
    struct set_table *t = set_cmds_table(ctx, 1, e);
    if (t == NULL)
        return MR_E_MEMORY;
    void *element = set_table_find(t, ks, text, keyspace_hash(ks, text), &slot);
    return set_table_expire(ks, t, element, slot, at_ms);
}

/* What SEXPIRE replies for argument I; or MR_E_MEMORY. */
static int64_t expire_one(struct command_ctx *ctx, struct entry **e, const struct element_expire *x,
                          uint32_t i, struct tally *t)
{
    enum { ABSENT = -2, REFUSED = 0, SET = 1, REMOVED = 2 };
    struct slice text = ctx->argv[i];
    if (*e == NULL)
        return ABSENT;
    struct set s = set_of(db_keyspace(ctx->db), *e);
    int64_t old = expiry_in(&s, text);
    if (old == -2)
        return ABSENT;
    if (!element_expire_allowed(x->condition, old, x->at_ms))
        return REFUSED;
    if (x->at_ms <= clock_ms()) {
        int64_t removed = set_cmds_remove(ctx, 1, e, &text, 1);
        if (removed < 0)
            return MR_E_MEMORY;
        if (*e != NULL)
            *e = again(ctx);
        t->removed++;
        return REMOVED;
    }
    if (expire_member(ctx, e, text, x->at_ms) != 0)
        return MR_E_MEMORY;
    t->expired++;
    return SET;
}

static void expire(struct command_ctx *ctx, int64_t unit_ms, int64_t base_ms)
{
    struct element_expire x;
    struct tally t = {0};
    struct entry *e;
    if (!element_expire_read(ctx, &element_words_of_members, unit_ms, base_ms, &x) ||
        !set_cmds_find(ctx, 1, 0, &e) || !element_reply_room(ctx, x.count))
        return;
    size_t mark = ctx->reply->out->len;
    struct keyspace *ks = db_keyspace(ctx->db);
    uint64_t dirty = keyspace_dirty(ks);
    bool promised;
    bool short_of = set_table_promise(ks, NULL, ctx->argv + x.first, x.count, true, &promised) != 0;
    resp_array(ctx->reply, x.count);
    for (uint32_t i = 0; i < x.count && !short_of; i++) {
        int64_t did = expire_one(ctx, &e, &x, x.first + i, &t);
        short_of = did == MR_E_MEMORY;
        resp_int(ctx->reply, did);
    }
    if (promised)
        arena_promise_end(keyspace_arena(ks));
    if (t.expired > 0 && e != NULL) {
        db_changed(ctx->db, e);
        expiring_enter(ctx->db, e);
    }
    keyspace_set_dirty(ks, dirty + t.expired + t.removed);
    tell(ctx, &t, e);
    if (short_of) {
        ctx->reply->out->len = mark;
        resp_error_code(ctx->reply, MR_E_MEMORY);
    }
}

void set_cmd_sexpire(struct command_ctx *ctx)
{
    expire(ctx, 1000, clock_ms());
}

void set_cmd_spexpire(struct command_ctx *ctx)
{
    expire(ctx, 1, clock_ms());
}

void set_cmd_sexpireat(struct command_ctx *ctx)
{
    expire(ctx, 1000, 0);
}

void set_cmd_spexpireat(struct command_ctx *ctx)
{
    expire(ctx, 1, 0);
}

/* --- STTL and its like --- */

static void times(struct command_ctx *ctx, int64_t unit_ms, int64_t base_ms)
{
    uint32_t first, count;
    struct entry *e;
    if (!element_list_read(ctx, &element_words_of_members, &first, &count) ||
        !set_cmds_find(ctx, 1, DB_COUNT, &e))
        return;
    struct set s = {0};
    if (e != NULL)
        s = set_of(db_keyspace(ctx->db), e);
    resp_array(ctx->reply, count);
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = e == NULL ? -2 : expiry_in(&s, ctx->argv[first + i]);
        resp_int(ctx->reply, at < 0 ? at : element_time_told(at, unit_ms, base_ms));
    }
}

void set_cmd_sttl(struct command_ctx *ctx)
{
    times(ctx, 1000, clock_ms());
}

void set_cmd_spttl(struct command_ctx *ctx)
{
    times(ctx, 1, clock_ms());
}

void set_cmd_sexpiretime(struct command_ctx *ctx)
{
    times(ctx, 1000, 0);
}

void set_cmd_spexpiretime(struct command_ctx *ctx)
{
    times(ctx, 1, 0);
}

/* --- SPERSIST --- */

void set_cmd_spersist(struct command_ctx *ctx)
{
    uint32_t first, count;
    struct entry *e;
    uint64_t lost = 0;
    if (!element_list_read(ctx, &element_words_of_members, &first, &count) || !set_cmds_find(ctx, 1, 0, &e) ||
        !element_reply_room(ctx, count))
        return;
    size_t mark = ctx->reply->out->len;
    struct keyspace *ks = db_keyspace(ctx->db);
    bool promised;
    bool short_of = set_table_promise(ks, NULL, ctx->argv + first, count, false, &promised) != 0;
    resp_array(ctx->reply, count);
    for (uint32_t i = 0; i < count && !short_of; i++) {
        struct slice text = ctx->argv[first + i];
        struct set s = {0};
        if (e != NULL)
            s = set_of(ks, e);
        int64_t old = e == NULL ? -2 : expiry_in(&s, text);
        if (old >= 0) {
            short_of = expire_member(ctx, &e, text, -1) != 0;
            lost += !short_of;
        }
        resp_int(ctx->reply, old < 0 ? old : 1);
    }
    if (promised)
        arena_promise_end(keyspace_arena(ks));
    if (lost > 0) {
        uint64_t dirty = keyspace_dirty(ks);
        db_changed(ctx->db, e);
        keyspace_set_dirty(ks, dirty + lost);
        set_cmds_event(ctx, "spersist", 1);
    }
    if (short_of) {
        ctx->reply->out->len = mark;
        resp_error_code(ctx->reply, MR_E_MEMORY);
    }
}

/* --- SADDEX --- */

/* Whether the condition on the members that are there already holds. */
static bool members_allow(const struct command_ctx *ctx, const struct entry *e,
                          const struct element_options *o)
{
    if ((o->set & (ELEMENT_NONE | ELEMENT_ALL)) == 0)
        return true;
    bool want = (o->set & ELEMENT_ALL) != 0;
    if (e == NULL)
        return !want;
    struct set s = set_of(db_keyspace(ctx->db), e);
    for (uint32_t i = 0; i < o->count; i++)
        if (set_has(&s, ctx->argv[o->first + i]) != want)
            return false;
    return true;
}

/* Removes the members that O names. */
static int remove_members(struct command_ctx *ctx, struct entry *e, const struct element_options *o)
{
    struct tally t = {0};
    if (e == NULL)
        return 0;
    int64_t removed = set_cmds_remove(ctx, 1, &e, ctx->argv + o->first, o->count);
    if (removed < 0)
        return (int)removed;
    t.removed = (uint64_t)removed;
    tell(ctx, &t, e);
    return 0;
}

/* Puts ELEMENT, made for a member of O, into T; or frees it where what is there is right already.
 * Whether something has changed. */
static bool put_member(struct keyspace *ks, struct set_table *t, void *element,
                       const struct element_options *o)
{
    struct slice text = set_element_text(element);
    struct dict_slot slot;
    uint64_t hash = keyspace_hash(ks, text);
    void *old = set_table_find(t, ks, text, hash, &slot);
    bool there = old != NULL && !set_element_hidden(ks, old);
    if (there && ((o->set & ELEMENT_KEEPTTL) != 0 || (!expiring_has(old) && !expiring_has(element)))) {
        set_element_free(ks, element);
        return false;
    }
    if (old != NULL)
        set_table_replace(ks, t, old, slot, element, o->at_ms);
    else
        set_table_link(ks, t, element, hash, o->at_ms);
    return true;
}

/* Puts the members TEXTS that O names into T: how many have changed, or MR_E_MEMORY with none. */
static int64_t put_members(struct keyspace *ks, struct set_table *t, const struct slice *texts,
                           const struct element_options *o)
{
    bool timed = (o->set & ELEMENT_TIME) != 0;
    void **made = heap_try_alloc(o->count * sizeof *made);
    uint32_t n = 0;
    int64_t changed = made == NULL ? MR_E_MEMORY : 0;
    while (changed == 0 && n < o->count) {
        made[n] = set_element_new(ks, texts[n], timed);
        if (made[n] == NULL)
            changed = MR_E_MEMORY;
        else
            n++;
    }
    for (uint32_t i = 0; i < n; i++)
        if (n == o->count)
            changed += put_member(ks, t, made[i], o);
        else
            set_element_free(ks, made[i]);
    heap_free(made);
    return changed;
}

/* Adds the members that O names, with its time if it has one. How many have changed, or
 * MR_E_MEMORY with nothing changed. */
static int64_t add_members(struct command_ctx *ctx, struct entry *e, const struct element_options *o)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    bool timed = (o->set & ELEMENT_TIME) != 0;
    const struct slice *texts = ctx->argv + o->first;
    struct set_table *t = set_cmds_table(ctx, 1, &e);
    if (t == NULL)
        return MR_E_MEMORY;
    bool promised;
    int code = set_table_promise(ks, t, texts, o->count, timed, &promised);
    int64_t changed = code < 0 ? code : put_members(ks, t, texts, o);
    if (promised)
        arena_promise_end(keyspace_arena(ks));
    if (changed > 0)
        code = set_cmds_enter(ctx, 1, &e, t);
    else if (e == NULL)
        set_table_free(ks, t);
    return code != 0 ? code : changed;
}

static int add_or_remove(struct command_ctx *ctx, struct entry *e, const struct element_options *o)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    bool timed = (o->set & ELEMENT_TIME) != 0;
    if (timed && o->at_ms <= clock_ms())
        return remove_members(ctx, e, o);
    uint64_t dirty = keyspace_dirty(ks);
    /* Of a set that is packed no member has a time to be kept or lost. */
    int64_t changed = timed || (e != NULL && !entry_is_packed(e))
                          ? add_members(ctx, e, o)
                          : set_cmds_add_many(ctx, 1, e, ctx->argv + o->first, o->count);
    if (changed < 0)
        return (int)changed;
    keyspace_set_dirty(ks, dirty + (uint64_t)changed);
    if (changed > 0)
        set_cmds_event(ctx, "sadd", 1);
    if (changed > 0 && timed)
        set_cmds_event(ctx, "sexpire", 1);
    return 0;
}

void set_cmd_saddex(struct command_ctx *ctx)
{
    struct element_options o;
    struct entry *e;
    if (!element_options_read(ctx, &element_words_of_members,
                              ELEMENT_NONE | ELEMENT_ALL | ELEMENT_KEEPTTL | ELEMENT_TIME, 1, &o) ||
        !set_cmds_find(ctx, 1, 0, &e))
        return;
    if (!members_allow(ctx, e, &o)) {
        resp_int(ctx->reply, 0);
        return;
    }
    int code = add_or_remove(ctx, e, &o);
    if (code != 0)
        resp_error_code(ctx->reply, code);
    else
        resp_int(ctx->reply, 1);
}
