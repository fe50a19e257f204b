/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BITOP: the result is made in the memory where it is to stay, and put in the place of what
 * was there only then, for the destination may be one of the sources.
 */
#include "base/heap.h"
#include "types/string/bitmap_private.h"

#define SOURCES_NEAR 8 /* so many are collected on the stack */

static const struct operation {
    const char *name;
    enum bits_op op;
    uint32_t sources_min;
} operations[] = {
    {"AND", BITS_AND, 1},   {"OR", BITS_OR, 1},       {"XOR", BITS_XOR, 1},     {"NOT", BITS_NOT, 1},
    {"DIFF", BITS_DIFF, 2}, {"DIFF1", BITS_DIFF1, 2}, {"ANDOR", BITS_ANDOR, 2}, {"ONE", BITS_ONE, 1},
};

/* The operation that the request names, with as many sources as it takes; else NULL, and the
 * error has been told. */
static const struct operation *parse_operation(struct command_ctx *ctx)
{
    uint32_t sources = ctx->argc - 3;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const struct operation *o = &operations[i];
        if (!slice_is(ctx->argv[1], o->name))
            continue;
        if (o->op == BITS_NOT && sources != 1)
            resp_error(ctx->reply, "ERR BITOP NOT must be called with a single source key.");
        else if (sources < o->sources_min)
            resp_errorf(ctx->reply, "ERR BITOP %s must be called with at least two source keys.", o->name);
        else
            return o;
        return NULL;
    }
    resp_error_code(ctx->reply, MR_E_SYNTAX);
    return NULL;
}

/* A source, and the text of one that is stored as an integer. */
struct source_text {
    char bytes[NUMBER_TEXT_MAX];
};

/* Collects the values; *LONGEST is the longest one's length. False: one is no string, which has
 * been told. */
static bool collect(struct command_ctx *ctx, struct slice *sources, struct source_text *texts,
                    size_t *longest)
{
    uint64_t hash[STRING_AHEAD];
    uint32_t count = ctx->argc - 3;
    *longest = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t left = count - i;
        if (i % STRING_AHEAD == 0)
            string_fetch(ctx, i + 3, 1, left < STRING_AHEAD ? left : STRING_AHEAD, hash);
        const struct entry *e = string_find(ctx, i + 3, hash[i % STRING_AHEAD], DB_COUNT);
        if (!string_check(ctx, e))
            return false;
        sources[i] = e == NULL ? slice_of(NULL, 0) : string_of(ctx, e, texts[i].bytes);
        if (sources[i].len > *longest)
            *longest = sources[i].len;
    }
    return true;
}

/* Puts the result of LEN bytes at the destination. */
static int put_result(struct command_ctx *ctx, enum bits_op op, const struct slice *sources, size_t len)
{
    struct arena *arena = keyspace_arena(db_keyspace(ctx->db));
    char near[ENTRY_INLINE_MAX];
    size_t size = sizeof(struct entry_blob) + len;
    struct entry_blob *blob = NULL;
    struct entry_value v;
    if (len <= sizeof near) {
        bits_combine(op, near, len, sources, ctx->argc - 3);
        entry_value_inline(&v, slice_of(near, len));
        v.encoding = ENTRY_EDITED;
    } else {
        blob = arena_try_alloc(arena, size);
        if (blob == NULL)
            return MR_E_MEMORY;
        blob->size = arena_usable(size);
        blob->len = len;
        bits_combine(op, blob->bytes, len, sources, ctx->argc - 3);
        entry_value_pointer(&v, arena_shorten(arena, blob));
    }
    int code = db_put(ctx->db, ctx->argv[2], ctx->key_hash, OBJECT_STRING, &v, DB_EXPIRY_NONE);
    if (code != 0 && blob != NULL)
        arena_free(arena, blob, size);
    return code;
}

static void combine(struct command_ctx *ctx, enum bits_op op, struct slice *sources,
                    struct source_text *texts)
{
    size_t len;
    if (!collect(ctx, sources, texts, &len))
        return;
    if (len == 0) {
        if (db_delete(ctx->db, ctx->argv[2], ctx->key_hash))
            db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[2]);
    } else {
        int code = put_result(ctx, op, sources, len);
        if (code != 0) {
            resp_error_code(ctx->reply, code);
            return;
        }
        db_event(ctx->db, EVENT_STRING, "set", ctx->argv[2]);
    }
    resp_int(ctx->reply, (int64_t)len);
}

void bitmap_cmd_bitop(struct command_ctx *ctx)
{
    struct slice near[SOURCES_NEAR];
    struct source_text near_texts[SOURCES_NEAR];
    const struct operation *o = parse_operation(ctx);
    if (o == NULL)
        return;
    size_t count = ctx->argc - 3;
    if (count <= SOURCES_NEAR) {
        combine(ctx, o->op, near, near_texts);
        return;
    }
    struct slice *sources = heap_try_alloc(count * (sizeof *sources + sizeof *near_texts));
    if (sources == NULL) {
        resp_error_code(ctx->reply, MR_E_MEMORY);
        return;
    }
    combine(ctx, o->op, sources, (struct source_text *)(sources + count));
    heap_free(sources);
}
