/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands on members that are named, and what the commands of sets share.
 */
#include "types/set/set_cmds.h"

#include "base/heap.h"
#include "types/set/set_builder.h"
#include "types/set/set_table.h"

static inline struct set_table *table_of(const struct command_ctx *ctx, const struct entry *e)
{
    return entry_object(keyspace_arena(db_keyspace(ctx->db)), e);
}

static inline bool find_all(struct command_ctx *ctx, uint32_t i, unsigned flags, struct entry **ret)
{
    if (__builtin_expect(ctx->session->flags & SESSION_NO_TOUCH, 0))
        flags |= DB_NO_TOUCH;
    *ret = db_find(ctx->db, ctx->argv[i], set_cmds_hash(ctx, i), flags);
    if (__builtin_expect(*ret == NULL || entry_type(*ret) == OBJECT_SET, 1))
        return true;
    resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
    return false;
}

bool set_cmds_find_all(struct command_ctx *ctx, uint32_t i, unsigned flags, struct entry **ret)
{
    return find_all(ctx, i, flags, ret);
}

static inline __attribute__((always_inline)) bool find(struct command_ctx *ctx, uint32_t i, unsigned flags,
                                                       struct entry **ret)
{
    if (!find_all(ctx, i, flags, ret))
        return false;
    if (*ret != NULL && !entry_is_packed(*ret) && __builtin_expect(table_of(ctx, *ret)->expiring != 0, 0))
        *ret = expiring_settle(ctx->db, *ret);
    return true;
}

bool set_cmds_find(struct command_ctx *ctx, uint32_t i, unsigned flags, struct entry **ret)
{
    return find(ctx, i, flags, ret);
}

void set_cmds_delete(const struct command_ctx *ctx, struct entry *e, uint32_t i)
{
    db_delete_entry(ctx->db, e);
    db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[i]);
}

void set_cmds_reply_batch(struct resp_writer *w, struct set_batch *b, uint64_t mask)
{
    struct set_each each = set_each_begin(b, mask);
    unsigned i;
    while (set_each_next(&each, b, &i))
        resp_bulk(w, set_batch_text(b, i));
}

void set_cmds_reply_members(struct resp_writer *w, const struct set *s)
{
    struct set_walk walk;
    struct set_batch b;
    set_walk_begin(&walk, s);
    while (set_walk_next(&walk, &b))
        set_cmds_reply_batch(w, &b, set_batch_all(&b));
}

void set_cmds_reply_set(struct resp_writer *w, const struct set *s, char kind)
{
    if (!set_may_hide(s)) {
        (kind == '~' ? resp_set : resp_array)(w, set_count(s));
        set_cmds_reply_members(w, s);
        return;
    }
    size_t mark = resp_later(w);
    struct set_walk walk;
    struct set_batch b;
    uint64_t count = 0;
    set_walk_begin(&walk, s);
    while (set_walk_next(&walk, &b)) {
        set_cmds_reply_batch(w, &b, set_batch_all(&b));
        count += b.count;
    }
    resp_later_end(w, mark, kind, count);
}

/* The hash of TEXT, a member that the request may have been made ready for. */
static uint64_t member_hash(const struct command_ctx *ctx, struct slice text)
{
    if (ctx->element_hash != 0 && text.ptr == ctx->argv[ctx->command->element].ptr)
        return ctx->element_hash;
    return keyspace_hash(db_keyspace(ctx->db), text);
}

/* --- adding --- */

/* Makes what B has come to the value of argument I. */
static int commit(struct command_ctx *ctx, uint32_t i, struct entry *e, struct set_builder *b)
{
    uint64_t hash = set_cmds_hash(ctx, i);
    struct slice packed = buf_slice(&b->packed);
    char *bytes;
    int code = b->code;
    if (code != 0)
        return code;
    if (b->table != NULL) {
        code = db_set_object(ctx->db, e, ctx->argv[i], hash, OBJECT_SET, b->table);
        if (code == 0)
            b->table = NULL;
        return code;
    }
    code = db_edit_packed(ctx->db, e, ctx->argv[i], hash, OBJECT_SET, packed.len, &bytes);
    if (code == 0)
        memcpy(bytes, packed.ptr, packed.len);
    return code;
}

/* Adds COUNT texts to packed bytes, or to nothing. */
static int64_t add_building(struct command_ctx *ctx, uint32_t i, struct entry *e, const struct slice *texts,
                            size_t count)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    struct set_builder b;
    int64_t added = 0;
    set_builder_init(&b, ks, count);
    if (e != NULL)
        set_builder_begin(&b, entry_packed(keyspace_arena(ks), e));
    for (size_t from = 0, n; from < count; from += n) {
        struct set_batch batch;
        n = count - from < SET_BATCH ? count - from : SET_BATCH;
        set_batch_fill(&batch, texts + from, n);
        added += __builtin_popcountll(set_builder_add_batch(&b, &batch, set_batch_all(&batch)));
    }
    if (added > 0 || b.code != 0) {
        int code = commit(ctx, i, e, &b);
        added = code < 0 ? code : added;
    }
    set_builder_done(&b);
    return added;
}

static int add_packed(struct command_ctx *ctx, uint32_t i, struct entry *e, struct slice text)
{
    const struct keyspace *ks = db_keyspace(ctx->db);
    struct slice packed = {0};
    struct set_change change;
    char *bytes;
    if (e != NULL)
        packed = entry_packed(keyspace_arena(ks), e);
    enum set_plan plan = set_plan_add(set_options_of(ks), packed, text, &change);
    if (plan == SET_THERE)
        return 0;
    if (plan != SET_FITS)
        return (int)add_building(ctx, i, e, &text, 1);
    int code =
        db_edit_packed(ctx->db, e, ctx->argv[i], set_cmds_hash(ctx, i), OBJECT_SET, change.bytes, &bytes);
    if (code != 0)
        return code;
    set_apply_add((unsigned char *)bytes, &change);
    return 1;
}

static inline __attribute__((always_inline)) int add_one(struct command_ctx *ctx, uint32_t i, struct entry *e,
                                                         struct slice text)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    if (e == NULL || entry_is_packed(e))
        return add_packed(ctx, i, e, text);
    int added = set_table_add(ks, entry_object(keyspace_arena(ks), e), text, member_hash(ctx, text));
    if (added > 0)
        db_changed(ctx->db, e);
    return added;
}

int set_cmds_add(struct command_ctx *ctx, uint32_t i, struct entry *e, struct slice text)
{
    return add_one(ctx, i, e, text);
}

/* Adds texts of any length to a table: all or, if memory is short, none. */
static int64_t add_large(struct keyspace *ks, struct set_table *t, const struct slice *texts, size_t count)
{
    int64_t added = 0;
    void **made = heap_try_alloc(count * sizeof *made);
    size_t n = 0;
    if (made == NULL)
        return MR_E_MEMORY;
    while (n < count && (made[n] = set_element_new(ks, texts[n], false)) != NULL)
        n++;
    for (size_t i = 0; i < n; i++) {
        struct dict_slot slot;
        uint64_t hash = keyspace_hash(ks, texts[i]);
        void *old = n < count ? NULL : set_table_find(t, ks, texts[i], hash, &slot);
        if (n < count || (old != NULL && !set_element_hidden(ks, old))) {
            set_element_free(ks, made[i]);
            continue;
        }
        if (old != NULL)
            set_table_replace(ks, t, old, slot, made[i], -1);
        else
            set_table_link(ks, t, made[i], hash, -1);
        added++;
    }
    heap_free(made);
    return n < count ? MR_E_MEMORY : added;
}

static int64_t add_promised(struct keyspace *ks, struct set_table *t, const struct slice *texts, size_t count)
{
    int64_t added = 0;
    for (size_t i = 0; i < count; i++)
        if (set_element_size(texts[i].len, false) > SET_SURE_MAX)
            return add_large(ks, t, texts, count);
    for (size_t from = 0, n; from < count; from += n) {
        struct set_batch b;
        uint64_t mask;
        n = count - from < SET_BATCH ? count - from : SET_BATCH;
        set_batch_fill(&b, texts + from, n);
        int code = set_table_add_batch(ks, t, &b, set_batch_all(&b), &mask);
        if (code < 0)
            return code;
        added += __builtin_popcountll(mask);
    }
    return added;
}

static int64_t add_to_table(struct keyspace *ks, struct set_table *t, const struct slice *texts, size_t count)
{
    bool promised;
    int code = set_table_promise(ks, t, texts, count, false, &promised);
    int64_t added = code < 0 ? code : add_promised(ks, t, texts, count);
    if (promised)
        arena_promise_end(keyspace_arena(ks));
    return added;
}

int64_t set_cmds_add_many(struct command_ctx *ctx, uint32_t i, struct entry *e, const struct slice *texts,
                          size_t count)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    uint64_t dirty = keyspace_dirty(ks);
    int64_t added;
    if (e == NULL || entry_is_packed(e)) {
        added = add_building(ctx, i, e, texts, count);
    } else {
        added = add_to_table(ks, table_of(ctx, e), texts, count);
        if (added > 0)
            db_changed(ctx->db, e);
    }
    if (added > 0)
        keyspace_set_dirty(ks, dirty + (uint64_t)added);
    return added;
}

void set_cmd_sadd(struct command_ctx *ctx)
{
    struct entry *e;
    int64_t added;
    if (!find(ctx, 1, 0, &e))
        return;
    if (__builtin_expect(ctx->argc == 3, 1))
        added = add_one(ctx, 1, e, ctx->argv[2]);
    else
        added = set_cmds_add_many(ctx, 1, e, ctx->argv + 2, ctx->argc - 2);
    if (added < 0) {
        resp_error_code(ctx->reply, (int)added);
        return;
    }
    if (added > 0)
        set_cmds_event(ctx, "sadd", 1);
    resp_int(ctx->reply, added);
}

/* --- tables, for members with an expiry --- */

struct set_table *set_cmds_table(struct command_ctx *ctx, uint32_t i, struct entry **e)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    struct set_builder b;
    if (*e != NULL && !entry_is_packed(*e))
        return table_of(ctx, *e);
    set_builder_init(&b, ks, 0);
    if (*e != NULL)
        set_builder_begin(&b, entry_packed(keyspace_arena(ks), *e));
    if (b.code == 0)
        set_builder_to_table(&b);
    if (b.code == 0 && *e != NULL) {
        b.code = commit(ctx, i, *e, &b);
        *e = db_find(ctx->db, ctx->argv[i], set_cmds_hash(ctx, i), DB_NO_TOUCH);
    }
    struct set_table *t = NULL;
    if (b.code == 0) {
        t = *e != NULL ? table_of(ctx, *e) : b.table;
        b.table = NULL;
    }
    set_builder_done(&b);
    return t;
}

int set_cmds_enter(struct command_ctx *ctx, uint32_t i, struct entry **e, struct set_table *t)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    uint64_t hash = set_cmds_hash(ctx, i);
    if (*e == NULL) {
        int code = db_set_object(ctx->db, NULL, ctx->argv[i], hash, OBJECT_SET, t);
        if (code != 0) {
            set_table_free(ks, t);
            return code;
        }
        *e = db_find(ctx->db, ctx->argv[i], hash, DB_NO_TOUCH);
    } else {
        db_changed(ctx->db, *e);
    }
    expiring_enter(ctx->db, *e);
    return 0;
}

/* --- removing --- */

static bool remove_packed(unsigned char *packed, size_t *len, struct slice text)
{
    struct set s = set_of_packed(NULL, slice_of(packed, *len));
    if (s.kind == SET_INTSET) {
        int64_t integer;
        uint32_t index;
        if (!number_to_int(text, &integer) || !intset_find(packed, integer, &index))
            return false;
        intset_remove(packed, index);
        *len = intset_bytes(packed);
        return true;
    }
    size_t at = listpack_find_key(packed, text, 1);
    if (at == 0)
        return false;
    size_t end = listpack_next(packed, at);
    struct listpack_change change = {.at = at, .end = end != 0 ? end : listpack_end(packed), .removed = 1};
    listpack_change(packed, &change);
    *len = listpack_bytes(packed);
    return true;
}

static int64_t remove_from_packed(struct command_ctx *ctx, uint32_t i, struct entry **e,
                                  const struct slice *texts, size_t count)
{
    const struct keyspace *ks = db_keyspace(ctx->db);
    struct set s = set_of(ks, *e);
    uint64_t left = set_count(&s);
    int64_t removed = 0;
    struct buf copy = {0};
    if (count == 1 && !set_has(&s, *texts))
        return 0;
    int code = buf_try_grow(&copy, s.packed.len);
    if (code != 0)
        return code;
    buf_append_slice(&copy, s.packed);
    for (size_t k = 0; k < count && left > 0; k++) {
        bool was = remove_packed((unsigned char *)copy.data, &copy.len, texts[k]);
        left -= was;
        removed += was;
    }
    char *bytes;
    if (left == 0) {
        db_delete_entry(ctx->db, *e);
        *e = NULL;
    } else if (removed > 0) {
        code = db_edit_packed(ctx->db, *e, ctx->argv[i], set_cmds_hash(ctx, i), OBJECT_SET, copy.len, &bytes);
        if (code == 0)
            memcpy(bytes, copy.data, copy.len);
    }
    buf_done(&copy);
    return code < 0 ? code : removed;
}

static int64_t remove_from_table(struct keyspace *ks, struct set_table *t, const struct slice *texts,
                                 size_t count)
{
    int64_t removed = 0;
    const struct arena *a = keyspace_arena(ks);
    struct set_batch b;
    for (size_t from = 0, n; from < count && dict_count(&t->dict) > 0; from += n) {
        n = count - from < SET_BATCH ? count - from : SET_BATCH;
        set_batch_fill(&b, texts + from, n);
        set_batch_hash(ks, &b, set_batch_all(&b));
        for (unsigned k = 0; k < n + 2 * SET_AHEAD && dict_count(&t->dict) > 0; k++) {
            if (k < n)
                dict_inline_prefetch_bucket(&t->dict, a, b.members[k].hash);
            if (k >= SET_AHEAD && k - SET_AHEAD < n)
                dict_inline_prefetch_element(&t->dict, a, b.members[k - SET_AHEAD].hash);
            if (k >= 2 * SET_AHEAD)
                removed += set_table_remove(ks, t, b.members[k - 2 * SET_AHEAD].text,
                                            b.members[k - 2 * SET_AHEAD].hash);
        }
    }
    return removed;
}

int64_t set_cmds_remove(struct command_ctx *ctx, uint32_t i, struct entry **e, const struct slice *texts,
                        size_t count)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    uint64_t dirty = keyspace_dirty(ks);
    if (entry_is_packed(*e)) {
        int64_t removed = remove_from_packed(ctx, i, e, texts, count);
        if (removed > 0)
            keyspace_set_dirty(ks, dirty + (uint64_t)removed);
        return removed;
    }
    struct set_table *t = entry_object(keyspace_arena(ks), *e);
    int64_t removed = count == 1 ? set_table_remove(ks, t, *texts, member_hash(ctx, *texts))
                                 : remove_from_table(ks, t, texts, count);
    if (dict_count(&t->dict) == 0) {
        db_delete_entry(ctx->db, *e);
        *e = NULL;
    } else if (removed > 0) {
        db_changed(ctx->db, *e);
    }
    keyspace_set_dirty(ks, dirty + (uint64_t)removed);
    return removed;
}

/* Tells the events of a removal from argument I, of which E is what it left. */
static void tell_removed(struct command_ctx *ctx, uint32_t i, const struct entry *e)
{
    set_cmds_event(ctx, "srem", i);
    if (e == NULL)
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[i]);
}

void set_cmd_srem(struct command_ctx *ctx)
{
    struct entry *e;
    int64_t removed = 0;
    if (!set_cmds_find(ctx, 1, 0, &e))
        return;
    if (e != NULL)
        removed = set_cmds_remove(ctx, 1, &e, ctx->argv + 2, ctx->argc - 2);
    if (removed < 0) {
        resp_error_code(ctx->reply, (int)removed);
        return;
    }
    if (removed > 0)
        tell_removed(ctx, 1, e);
    resp_int(ctx->reply, removed);
}

/* --- moving --- */

/* The expiry of TEXT in the set E, or -1. */
static int64_t expiry_of(const struct command_ctx *ctx, const struct entry *e, struct slice text)
{
    const struct keyspace *ks = db_keyspace(ctx->db);
    if (entry_is_packed(e))
        return -1;
    const void *element = set_table_find(table_of(ctx, e), ks, text, member_hash(ctx, text), NULL);
    return element != NULL && expiring_has(element) ? expiring_time(element) : -1;
}

/* As set_cmds_add; a member that was not there is given EXPIRY_MS, if that is not -1. */
static int add_with(struct command_ctx *ctx, uint32_t i, struct entry *e, struct slice text,
                    int64_t expiry_ms)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    if (expiry_ms < 0)
        return set_cmds_add(ctx, i, e, text);
    if (e != NULL) {
        struct set s = set_of(ks, e);
        if (set_has(&s, text))
            return 0;
    }
    struct set_table *t = set_cmds_table(ctx, i, &e);
    void *element = t == NULL ? NULL : set_element_new(ks, text, true);
    if (element == NULL) {
        if (t != NULL && e == NULL)
            set_table_free(ks, t);
        return MR_E_MEMORY;
    }
    struct dict_slot slot;
    uint64_t hash = member_hash(ctx, text);
    void *old = set_table_find(t, ks, text, hash, &slot);
    if (old != NULL)
        set_table_replace(ks, t, old, slot, element, expiry_ms);
    else
        set_table_link(ks, t, element, hash, expiry_ms);
    int code = set_cmds_enter(ctx, i, &e, t);
    return code != 0 ? code : 1;
}

/* The member of argument 3 goes from argument 1, FROM, to argument 2. */
static int64_t move_member(struct command_ctx *ctx, struct entry *from)
{
    struct slice text = ctx->argv[3];
    struct entry *to;
    struct keyspace *ks = db_keyspace(ctx->db);
    uint64_t dirty = keyspace_dirty(ks);
    int64_t expiry_ms = expiry_of(ctx, from, text);
    int64_t removed = set_cmds_remove(ctx, 1, &from, &text, 1);
    if (removed <= 0)
        return removed;
    tell_removed(ctx, 1, from);
    to = db_find(ctx->db, ctx->argv[2], set_cmds_hash(ctx, 2), DB_NO_TOUCH);
    int added = add_with(ctx, 2, to, text, expiry_ms);
    if (added > 0)
        set_cmds_event(ctx, "sadd", 2);
    /* Gone from one, and come to the other: whatever form that takes. */
    keyspace_set_dirty(ks, dirty + (added >= 0 ? 1 + (uint64_t)added : 0));
    if (added >= 0)
        return 1;
    /* There is no room there, but where it came from. */
    from = db_find(ctx->db, ctx->argv[1], ctx->key_hash, DB_NO_TOUCH);
    if (add_with(ctx, 1, from, text, expiry_ms) > 0)
        set_cmds_event(ctx, "sadd", 1);
    keyspace_set_dirty(ks, dirty);
    return added;
}

void set_cmd_smove(struct command_ctx *ctx)
{
    struct entry *from, *to;
    from = db_find(ctx->db, ctx->argv[1], ctx->key_hash, 0);
    if (from == NULL) {
        resp_int(ctx->reply, 0);
        return;
    }
    if (!set_cmds_find(ctx, 2, 0, &to) || !set_cmds_find(ctx, 1, 0, &from))
        return;
    int64_t moved = 0;
    if (from != NULL && slice_equal(ctx->argv[1], ctx->argv[2])) {
        struct set s = set_of(db_keyspace(ctx->db), from);
        moved = set_has(&s, ctx->argv[3]);
    } else if (from != NULL) {
        moved = move_member(ctx, from);
    }
    if (moved < 0)
        resp_error_code(ctx->reply, (int)moved);
    else
        resp_int(ctx->reply, moved);
}

/* --- looking --- */

void set_cmd_smembers(struct command_ctx *ctx)
{
    struct entry *e;
    if (!set_cmds_find(ctx, 1, DB_COUNT, &e))
        return;
    if (e == NULL) {
        resp_set(ctx->reply, 0);
        return;
    }
    struct set s = set_of(db_keyspace(ctx->db), e);
    set_cmds_reply_set(ctx->reply, &s, '~');
}

static bool table_has(const struct set *s, struct slice text, uint64_t hash)
{
    const void *element = set_table_find(s->table, s->ks, text, hash, NULL);
    return element != NULL && !set_element_hidden(s->ks, element);
}

void set_cmd_sismember(struct command_ctx *ctx)
{
    struct entry *e;
    bool has = false;
    if (!set_cmds_find(ctx, 1, DB_COUNT, &e))
        return;
    if (e != NULL) {
        struct set s = set_of(db_keyspace(ctx->db), e);
        if (s.kind == SET_TABLE)
            has = table_has(&s, ctx->argv[2], member_hash(ctx, ctx->argv[2]));
        else
            has = set_has(&s, ctx->argv[2]);
    }
    resp_int(ctx->reply, has);
}

void set_cmd_smismember(struct command_ctx *ctx)
{
    struct entry *e;
    struct set s = {0};
    struct set_batch b;
    if (!set_cmds_find(ctx, 1, DB_COUNT, &e))
        return;
    if (e != NULL)
        s = set_of(db_keyspace(ctx->db), e);
    resp_array(ctx->reply, ctx->argc - 2);
    for (uint32_t from = 2, n; from < ctx->argc; from += n) {
        n = ctx->argc - from < SET_BATCH ? ctx->argc - from : SET_BATCH;
        set_batch_fill(&b, ctx->argv + from, n);
        uint64_t held = e == NULL ? 0 : set_holds(&s, &b, set_batch_all(&b));
        for (uint32_t k = 0; k < n; k++)
            resp_int(ctx->reply, (int64_t)(held >> k & 1));
    }
}

void set_cmd_scard(struct command_ctx *ctx)
{
    struct entry *e;
    if (!set_cmds_find(ctx, 1, DB_COUNT, &e))
        return;
    struct set s;
    if (e != NULL)
        s = set_of(db_keyspace(ctx->db), e);
    resp_int(ctx->reply, e == NULL ? 0 : (int64_t)set_count(&s));
}

/* --- the table --- */

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "types/set/set.def"
};

void set_register(struct registry *registry, struct object_types *types, const struct set_options *options)
{
    object_types_add(types, &set_type);
    types->options[OBJECT_SET] = options;
    registry_add(registry, rows, sizeof rows / sizeof *rows, NULL);
}
