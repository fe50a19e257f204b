/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PFADD, PFCOUNT and PFMERGE.
 *
 * A command works on a copy, or only looks, until it is certain that the sketch is whole
 * and that it changes; so what is refused has changed nothing, and what changes nothing
 * does not write. PFCOUNT keeps its result in the sketch, a change without a name.
 */
#include <endian.h>
#include <string.h>

#include "command/dispatch.h"
#include "types/string/hll.h"
#include "types/string/hll_cmds.h"
#include "types/string/hll_private.h"

const struct config_option hll_config_rows[] = {
    {.name = "hll-sparse-max-bytes",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct hll_options, sparse_max_bytes),
     .fallback = "3000",
     .min = 0,
     .max = INT64_MAX,
     .unit = "bytes",
     .sentence = "The length up to which a HyperLogLog is kept in its sparse form, which takes less "
                 "memory and more time than the dense one of 12304 bytes."},
};
const size_t hll_config_count = sizeof hll_config_rows / sizeof hll_config_rows[0];

static size_t sparse_max(const struct command_ctx *ctx)
{
    const struct hll_options *options = ctx->owner;
    return (size_t)options->sparse_max_bytes;
}

bool hll_cmds_find(struct command_ctx *ctx, uint32_t i, unsigned flags, struct hll_found *found)
{
    found->key = ctx->argv[i];
    found->hash = i == command_first_key(ctx->command) ? ctx->key_hash : dispatch_hash(ctx, i);
    flags |= ctx->session->flags & SESSION_NO_TOUCH ? DB_NO_TOUCH : 0;
    found->entry = db_find(ctx->db, found->key, found->hash, flags);
    if (found->entry == NULL)
        return true;
    if (entry_type(found->entry) != OBJECT_STRING) {
        resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
        return false;
    }
    found->text = entry_string(keyspace_arena(db_keyspace(ctx->db)), found->entry, found->scratch);
    if (hll_sketch_is(found->text))
        return true;
    resp_error(ctx->reply, "WRONGTYPE Key is not a valid HyperLogLog string value.");
    return false;
}

void hll_cmds_tell_corrupt(struct command_ctx *ctx)
{
    resp_error(ctx->reply, "INVALIDOBJ Corrupted HLL object detected");
}

bool hll_cmds_store(struct command_ctx *ctx, const struct hll_found *at, const struct hll_sketch *s)
{
    char *bytes;
    int code = db_edit_string(ctx->db, at->entry, at->key, at->hash, hll_sketch_size(s), &bytes);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return false;
    }
    hll_sketch_write(s, bytes);
    return true;
}

/* --- PFADD --- */

/* CHANGES: since there were so many as DIRTY. */
static void added(struct command_ctx *ctx, uint64_t dirty, uint64_t changes)
{
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + changes);
    db_event(ctx->db, EVENT_STRING, "pfadd", ctx->argv[1]);
    resp_int(ctx->reply, 1);
}

/* A dense sketch is written where it stands, from the first element on that changes it. */
static void add_to_dense(struct command_ctx *ctx, const struct hll_found *at)
{
    const unsigned char *dense = (const unsigned char *)at->text.ptr + HLL_HEAD;
    char *bytes = NULL;
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db)), changes = 0;
    for (uint32_t i = 2; i < ctx->argc; i++) {
        uint64_t hash = hll_estimate_hash(ctx->argv[i]);
        unsigned index = hll_register_of(hash), value = hll_value_of(hash);
        if (hll_dense_get(dense, index) >= value)
            continue;
        if (bytes == NULL) {
            int code = db_edit_string(ctx->db, at->entry, at->key, at->hash, HLL_DENSE_SIZE, &bytes);
            if (code != 0) {
                resp_error_code(ctx->reply, code);
                return;
            }
            bytes[HLL_HEAD - 1] = (char)(bytes[HLL_HEAD - 1] | HLL_COUNT_STALE);
            dense = (const unsigned char *)bytes + HLL_HEAD;
        }
        hll_dense_set((unsigned char *)bytes + HLL_HEAD, index, value);
        changes++;
    }
    if (bytes != NULL)
        added(ctx, dirty, changes);
    else
        resp_int(ctx->reply, 0);
}

/* The first argument from I on that would change the sketch in TEXT, which is sparse; or argc. */
static uint32_t first_news(const struct command_ctx *ctx, struct slice text, uint32_t i)
{
    const unsigned char *sparse = (const unsigned char *)text.ptr + HLL_HEAD;
    for (; i < ctx->argc; i++) {
        uint64_t hash = hll_estimate_hash(ctx->argv[i]);
        if (hll_sparse_get(sparse, text.len - HLL_HEAD, hll_register_of(hash)) < hll_value_of(hash))
            break;
    }
    return i;
}

static void add_to_sparse(struct command_ctx *ctx, const struct hll_found *at)
{
    struct hll_sketch s;
    uint32_t i = 2;
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db)), changes = at->entry == NULL;
    if (at->entry == NULL) {
        hll_sketch_clear(&s);
    } else {
        if (!hll_sparse_valid((const unsigned char *)at->text.ptr + HLL_HEAD, at->text.len - HLL_HEAD)) {
            hll_cmds_tell_corrupt(ctx);
            return;
        }
        i = first_news(ctx, at->text, i);
        if (i == ctx->argc) {
            resp_int(ctx->reply, 0);
            return;
        }
        hll_sketch_copy(&s, at->text);
        s.head[HLL_HEAD - 1] |= HLL_COUNT_STALE;
    }
    for (; i < ctx->argc; i++) {
        uint64_t hash = hll_estimate_hash(ctx->argv[i]);
        changes += hll_sketch_set(&s, hll_register_of(hash), hll_value_of(hash), sparse_max(ctx));
    }
    if (hll_cmds_store(ctx, at, &s))
        added(ctx, dirty, changes);
}

void hll_cmd_add(struct command_ctx *ctx)
{
    struct hll_found at;
    if (!hll_cmds_find(ctx, 1, 0, &at))
        return;
    if (at.entry != NULL && hll_sketch_encoding(at.text) == HLL_DENSE)
        add_to_dense(ctx, &at);
    else
        add_to_sparse(ctx, &at);
}

/* --- PFCOUNT --- */

static void count_one(struct command_ctx *ctx)
{
    struct hll_found at;
    uint64_t count;
    if (!hll_cmds_find(ctx, 1, DB_COUNT, &at))
        return;
    if (at.entry == NULL) {
        resp_int(ctx->reply, 0);
        return;
    }
    if (((unsigned char)at.text.ptr[HLL_HEAD - 1] & HLL_COUNT_STALE) == 0) {
        memcpy(&count, at.text.ptr + HLL_COUNT_AT, sizeof count);
        resp_int(ctx->reply, (int64_t)le64toh(count));
        return;
    }
    if (hll_sketch_count(at.text, &count) != 0) {
        hll_cmds_tell_corrupt(ctx);
        return;
    }
    resp_int(ctx->reply, (int64_t)count);
    char *bytes;
    /* Without memory to note it, it will be counted again. */
    if (db_edit_string(ctx->db, at.entry, at.key, at.hash, at.text.len, &bytes) != 0)
        return;
    count = htole64(count);
    memcpy(bytes + HLL_COUNT_AT, &count, sizeof count);
    db_event(ctx->db, EVENT_SILENT, "", at.key);
}

/* The highest of each register in the sketches at all arguments; *ANY_DENSE (may be NULL) says
 * whether one of them is dense. False: an error has been told. */
static bool merge_all(struct command_ctx *ctx, uint8_t *registers, bool *any_dense)
{
    memset(registers, 0, HLL_REGISTERS);
    for (uint32_t i = 1; i < ctx->argc; i++) {
        struct hll_found at;
        if (!hll_cmds_find(ctx, i, DB_COUNT, &at))
            return false;
        if (at.entry == NULL)
            continue;
        if (hll_sketch_merge(registers, at.text) != 0) {
            hll_cmds_tell_corrupt(ctx);
            return false;
        }
        if (any_dense != NULL && hll_sketch_encoding(at.text) == HLL_DENSE)
            *any_dense = true;
    }
    return true;
}

void hll_cmd_count(struct command_ctx *ctx)
{
    if (ctx->argc == 2) {
        count_one(ctx);
        return;
    }
    uint8_t registers[HLL_REGISTERS];
    uint32_t histogram[HLL_VALUES];
    if (!merge_all(ctx, registers, NULL))
        return;
    hll_dense_count(registers, histogram);
    resp_int(ctx->reply, (int64_t)hll_estimate(histogram));
}

/* --- PFMERGE --- */

void hll_cmd_merge(struct command_ctx *ctx)
{
    uint8_t registers[HLL_REGISTERS];
    bool dense = false;
    struct hll_found to;
    struct hll_sketch s;
    if (!merge_all(ctx, registers, &dense) || !hll_cmds_find(ctx, 1, DB_NO_TOUCH, &to))
        return;
    if (to.entry == NULL)
        hll_sketch_clear(&s);
    else
        hll_sketch_copy(&s, to.text);
    s.head[HLL_HEAD - 1] |= HLL_COUNT_STALE;
    if (dense)
        hll_sketch_make_dense(&s);
    hll_sketch_set_all(&s, registers, sparse_max(ctx));
    if (!hll_cmds_store(ctx, &to, &s))
        return;
    db_event(ctx->db, EVENT_STRING, "pfadd", to.key);
    resp_ok(ctx->reply);
}

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "types/string/hll.def"
};

void hll_register(struct registry *registry, const struct hll_options *options)
{
    registry_add(registry, rows, sizeof rows / sizeof *rows, (void *)(uintptr_t)options);
}
