/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SORT and SORT_RO, over whatever type has elements (object_type's each). Weights and what GET
 * asks for are found by patterns: "*" is replaced by the element, "->field" behind it asks
 * for the field of a hash, "#" is the element itself.
 */
#include <assert.h>
#include <string.h>

#include "base/heap.h"
#include "codec/resp_writer.h"
#include "features/keys/keys_private.h"
#include "features/keys/keys_vector_private.h"
#include "keyspace/object.h"

struct sort {
    struct command_ctx *ctx;
    const struct object_types *types;
    struct slice by; /* no pointer: by the elements */
    bool as_they_are, alpha, descending;
    int64_t offset, limit; /* limit -1: all */
    uint32_t store;        /* the argument that is the key; 0: to the client */
    struct slice *gets;
    uint32_t get_count;
    size_t first, count; /* what is wanted of the ordered whole */
    struct keys_vector vector;
    struct buf key; /* of a pattern */
    char scratch[NUMBER_TEXT_MAX];
};

/* --- arguments --- */

/* Takes the option at argument I; returns the arguments it took, or 0 with the error written. */
static uint32_t sort_option(struct sort *s, uint32_t i, bool read_only)
{
    struct command_ctx *ctx = s->ctx;
    struct slice word = ctx->argv[i];
    uint32_t more = ctx->argc - i - 1;
    if (slice_is(word, "ASC") || slice_is(word, "DESC")) {
        s->descending = word.len == 4;
        return 1;
    }
    if (slice_is(word, "ALPHA")) {
        s->alpha = true;
        return 1;
    }
    if (slice_is(word, "LIMIT") && more >= 2)
        return dispatch_arg_int(ctx, i + 1, &s->offset) && dispatch_arg_int(ctx, i + 2, &s->limit) ? 3 : 0;
    if (slice_is(word, "STORE") && more >= 1 && !read_only) {
        s->store = i + 1;
        return 2;
    }
    if (slice_is(word, "BY") && more >= 1) {
        s->by = ctx->argv[i + 1];
        if (s->by.len == 0 || memchr(s->by.ptr, '*', s->by.len) == NULL)
            s->as_they_are = true;
        return 2;
    }
    if (slice_is(word, "GET") && more >= 1) {
        s->gets[s->get_count++] = ctx->argv[i + 1];
        return 2;
    }
    resp_error_code(ctx->reply, MR_E_SYNTAX);
    return 0;
}

static bool sort_options(struct sort *s, bool read_only)
{
    for (uint32_t i = 2; i < s->ctx->argc;) {
        uint32_t took = sort_option(s, i, read_only);
        if (took == 0)
            return false;
        i += took;
    }
    return true;
}

/* --- patterns --- */

/* PATTERN with ELEMENT for its star. False if there is no such value; *VALUE is valid until the
 * keyspace is looked at again. */
static bool sort_lookup(struct sort *s, struct slice pattern, struct slice element, struct slice *value)
{
    if (pattern.len == 1 && pattern.ptr[0] == '#') {
        *value = element;
        return true;
    }
    const char *star = pattern.len == 0 ? NULL : memchr(pattern.ptr, '*', pattern.len);
    if (star == NULL)
        return false;
    const char *end = pattern.ptr + pattern.len;
    const char *arrow = memmem(star, (size_t)(end - star), "->", 2);
    if (arrow != NULL && arrow + 2 == end)
        arrow = NULL;
    const char *key_end = arrow != NULL ? arrow : end;
    s->key.len = 0;
    if (buf_try_grow(&s->key, pattern.len + element.len) != 0) {
        s->vector.code = MR_E_MEMORY;
        return false;
    }
    buf_append(&s->key, pattern.ptr, (size_t)(star - pattern.ptr));
    buf_append_slice(&s->key, element);
    buf_append(&s->key, star + 1, (size_t)(key_end - star - 1));
    struct keyspace *ks = db_keyspace(s->ctx->db);
    struct slice key = buf_slice(&s->key);
    const struct entry *e = db_find(s->ctx->db, key, keyspace_hash(ks, key), DB_COUNT);
    if (e == NULL)
        return false;
    if (arrow == NULL) {
        if (entry_is_string(e))
            *value = entry_string(keyspace_arena(ks), e, s->scratch);
        return entry_is_string(e);
    }
    const struct object_type *type = object_types_of(s->types, e);
    return type->field != NULL &&
           type->field(ks, e, slice_of(arrow + 2, (size_t)(end - arrow - 2)), s->scratch, value);
}

/* --- the elements --- */

struct sort_walk {
    struct keys_vector *vector;
    size_t skip, take;
};

static bool sort_collect_one(void *arg, struct slice element)
{
    struct sort_walk *walk = arg;
    if (walk->skip > 0) {
        walk->skip--;
        return true;
    }
    if (walk->take == 0)
        return false;
    walk->take--;
    keys_vector_add(walk->vector, element);
    return walk->vector->code == 0 && walk->take > 0;
}

/* What of TOTAL elements LIMIT asks for. */
static void sort_window(struct sort *s, uint64_t total)
{
    uint64_t first = s->offset < 0 ? 0 : (uint64_t)s->offset;
    uint64_t count = s->limit < 0 ? total : (uint64_t)s->limit;
    s->first = first < total ? (size_t)first : (size_t)total;
    s->count = count < total - s->first ? (size_t)count : (size_t)total - s->first;
}

/* Copies the elements of E; in the end vector [first, first + count) is what is wanted, if it need
 * not be ordered. */
static void sort_collect(struct sort *s, const struct object_type *type, const struct entry *e)
{
    const struct keyspace *ks = db_keyspace(s->ctx->db);
    uint64_t total = type->length(ks, e);
    struct sort_walk walk = {.vector = &s->vector, .take = SIZE_MAX};
    /* What is stored must not depend on how a table happens to lie in memory. */
    if (s->as_they_are && !type->ordered && s->store != 0) {
        s->as_they_are = false;
        s->alpha = true;
        s->by = slice_of(NULL, 0);
    }
    s->vector.by = !s->alpha ? KEYS_BY_SCORE : s->by.ptr != NULL ? KEYS_BY_TEXT : KEYS_BY_ELEMENT;
    s->vector.descending = s->descending;
    sort_window(s, total);
    bool backward = s->as_they_are && type->ordered && s->descending;
    if (s->as_they_are) {
        walk.take = s->count;
        walk.skip = backward ? (size_t)total - s->first - s->count : s->first;
        s->first = 0;
    }
    if (walk.take > 0)
        type->each(ks, e, sort_collect_one, &walk);
    if (backward)
        keys_vector_reverse(&s->vector);
    /* A type may have come with less than it had said. */
    if (s->first > s->vector.count)
        s->first = s->vector.count;
    if (s->count > s->vector.count - s->first)
        s->count = s->vector.count - s->first;
}

/* 0, or what is to be answered. */
static int sort_weigh(struct sort *s)
{
    struct keys_vector *v = &s->vector;
    int fault = 0;
    for (size_t i = 0; i < v->count && v->code == 0 && v->by != KEYS_BY_ELEMENT; i++) {
        struct slice weight;
        int code = 0;
        if (s->by.ptr == NULL)
            code = keys_vector_weigh_self(v, i);
        else if (sort_lookup(s, s->by, keys_vector_element(v, i), &weight))
            code = keys_vector_weigh(v, i, weight);
        fault = code != 0 ? code : fault;
    }
    return v->code != 0 ? v->code : fault;
}

/* --- the result --- */

static void sort_reply(struct sort *s)
{
    struct resp_writer *w = s->ctx->reply;
    size_t mark = w->out->len;
    resp_array(w, s->count * (s->get_count > 0 ? s->get_count : 1));
    for (size_t i = s->first; i < s->first + s->count && s->vector.code == 0; i++) {
        struct slice element = keys_vector_element(&s->vector, i), value;
        keys_vector_fetch(&s->vector, i);
        if (s->get_count == 0)
            resp_bulk(w, element);
        for (uint32_t g = 0; g < s->get_count; g++) {
            if (sort_lookup(s, s->gets[g], element, &value))
                resp_bulk(w, value);
            else
                resp_null(w);
        }
    }
    if (s->vector.code == 0)
        return;
    w->out->len = mark;
    resp_error_code(w, s->vector.code);
}

/* Copies what GET asks for, since looking up the one may change the others. */
static void sort_gather(struct sort *s, struct keys_vector *out)
{
    for (size_t i = s->first; i < s->first + s->count && s->vector.code == 0; i++) {
        struct slice element = keys_vector_element(&s->vector, i), value;
        for (uint32_t g = 0; g < s->get_count; g++)
            keys_vector_add(out, sort_lookup(s, s->gets[g], element, &value) ? value : slice_str(""));
    }
    if (out->code == 0)
        out->code = s->vector.code;
}

/* Stores COUNT elements of FROM. */
static int sort_put(struct sort *s, const struct keys_vector *from, size_t first, size_t count)
{
    struct command_ctx *ctx = s->ctx;
    const struct object_type *type = NULL;
    for (unsigned i = 0; i < OBJECT_TYPES && type == NULL; i++)
        if (s->types->by_number[i] != NULL && s->types->by_number[i]->store_elements != NULL)
            type = s->types->by_number[i];
    /* Where one type has elements, there is one that can be made of them. */
    assert(type != NULL);
    struct slice *elements = heap_try_alloc(count * sizeof *elements);
    if (elements == NULL)
        return MR_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        elements[i] = keys_vector_element(from, first + i);
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    int code =
        type->store_elements(ctx->db, ctx->argv[s->store], dispatch_hash(ctx, s->store), elements, count);
    heap_free(elements);
    if (code == 0) {
        keyspace_set_dirty(db_keyspace(ctx->db), dirty + count);
        db_event(ctx->db, EVENT_LIST, "sortstore", ctx->argv[s->store]);
    }
    return code;
}

static void sort_store(struct sort *s)
{
    struct command_ctx *ctx = s->ctx;
    struct keys_vector gathered = {.by = KEYS_BY_ELEMENT};
    const struct keys_vector *out = &s->vector;
    size_t first = s->first, count = s->count;
    if (s->get_count > 0) {
        sort_gather(s, &gathered);
        out = &gathered;
        first = 0;
        count = gathered.count;
    }
    int code = out->code;
    if (code == 0 && count > 0)
        code = sort_put(s, out, first, count);
    else if (code == 0 && db_delete(ctx->db, ctx->argv[s->store], dispatch_hash(ctx, s->store)))
        keys_event(ctx, "del", s->store);
    if (code == 0)
        resp_int(ctx->reply, (int64_t)count);
    else
        resp_error_code(ctx->reply, code);
    keys_vector_done(&gathered);
}

static void sort_run(struct sort *s)
{
    struct command_ctx *ctx = s->ctx;
    const struct entry *e = keys_find(ctx, 1, DB_COUNT);
    if (e != NULL) {
        const struct object_type *type = object_types_of(s->types, e);
        if (type->each == NULL) {
            resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
            return;
        }
        sort_collect(s, type, e);
        int code = s->as_they_are ? s->vector.code : sort_weigh(s);
        if (code == MR_E_NOT_FLOAT) {
            resp_error(ctx->reply, "ERR One or more scores can't be converted into double");
            return;
        }
        if (code != 0) {
            resp_error_code(ctx->reply, code);
            return;
        }
        if (!s->as_they_are)
            keys_vector_order(&s->vector, s->first, s->count, keyspace_random(db_keyspace(ctx->db)));
    }
    if (s->store != 0)
        sort_store(s);
    else
        sort_reply(s);
}

static void sort_command(struct command_ctx *ctx, bool read_only)
{
    const struct keys *k = ctx->owner;
    struct sort s = {.ctx = ctx, .types = k->types, .limit = -1};
    s.gets = heap_alloc(ctx->argc * sizeof *s.gets);
    if (sort_options(&s, read_only))
        sort_run(&s);
    heap_free(s.gets);
    keys_vector_done(&s.vector);
    buf_done(&s.key);
}

void keys_cmd_sort(struct command_ctx *ctx)
{
    sort_command(ctx, false);
}

void keys_cmd_sort_ro(struct command_ctx *ctx)
{
    sort_command(ctx, true);
}
