/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GET and SET.
 *
 * SET looks at its options in two passes as redis-server does: all words first, then
 * the expiry's number, so that a wrong word is told before a wrong number.
 */
#include "base/clock.h"
#include "types/string/string.h"
#include "types/string/string_private.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static inline unsigned touch_flags(const struct command_ctx *ctx)
{
    return ctx->session->flags & SESSION_NO_TOUCH ? DB_NO_TOUCH : 0;
}

/* Replies with the string at the first key, or null. False if it is no string, which
 * has been told; *FOUND (may be NULL) says whether there is one. */
static inline bool reply_value(struct command_ctx *ctx, bool *found)
{
    const struct entry *e = db_find(ctx->db, ctx->argv[1], ctx->key_hash, DB_COUNT | touch_flags(ctx));
    if (found != NULL)
        *found = e != NULL;
    if (e == NULL) {
        resp_null(ctx->reply);
        return true;
    }
    if (unlikely(entry_type(e) != OBJECT_STRING)) {
        resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
        return false;
    }
    char scratch[NUMBER_TEXT_MAX];
    resp_bulk(ctx->reply, entry_string(keyspace_arena(db_keyspace(ctx->db)), e, scratch));
    return true;
}

void string_cmd_get(struct command_ctx *ctx)
{
    reply_value(ctx, NULL);
}

enum set_option {
    SET_NX = 1,
    SET_XX = 2,
    SET_GET = 4,
    SET_KEEPTTL = 8,
    SET_EX = 16,
    SET_PX = 32,
    SET_EXAT = 64,
    SET_PXAT = 128,
};

#define SET_TIMES (SET_KEEPTTL | SET_EX | SET_PX | SET_EXAT | SET_PXAT)

static const struct set_word {
    const char *word;
    unsigned option;
    unsigned excludes;
    bool value;
} set_words[] = {
    {"NX", SET_NX, SET_XX, false},
    {"XX", SET_XX, SET_NX, false},
    {"GET", SET_GET, 0, false},
    {"KEEPTTL", SET_KEEPTTL, SET_TIMES & ~SET_KEEPTTL, false},
    {"EX", SET_EX, SET_TIMES & ~SET_EX, true},
    {"PX", SET_PX, SET_TIMES & ~SET_PX, true},
    {"EXAT", SET_EXAT, SET_TIMES & ~SET_EXAT, true},
    {"PXAT", SET_PXAT, SET_TIMES & ~SET_PXAT, true},
};

static const struct set_word *find_word(struct slice s)
{
    for (size_t i = 0; i < sizeof set_words / sizeof *set_words; i++)
        if (slice_is(s, set_words[i].word))
            return &set_words[i];
    return NULL;
}

/* The options of a SET; *TIME is the argument that has the expiry's number, if one has.
 * False: a syntax error has been told. */
static bool parse_options(struct command_ctx *ctx, unsigned *options, uint32_t *time)
{
    *options = 0;
    *time = 0;
    for (uint32_t i = 3; i < ctx->argc; i++) {
        const struct set_word *w = find_word(ctx->argv[i]);
        if (w == NULL || (*options & w->excludes) != 0 || (w->value && i + 1 == ctx->argc)) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        *options |= w->option;
        if (w->value)
            *time = ++i;
    }
    return true;
}

/* The expiry that OPTIONS mean, in *EXPIRY_MS. False: an error has been told. */
static bool parse_expiry(struct command_ctx *ctx, unsigned options, uint32_t time, int64_t *expiry_ms)
{
    *expiry_ms = options & SET_KEEPTTL ? DB_EXPIRY_KEEP : DB_EXPIRY_NONE;
    if (time == 0)
        return true;
    int64_t value;
    if (!dispatch_arg_int(ctx, time, &value))
        return false;
    bool seconds = (options & (SET_EX | SET_EXAT)) != 0;
    bool relative = (options & (SET_EX | SET_PX)) != 0;
    if (value <= 0 || (seconds && __builtin_mul_overflow(value, 1000, &value)) ||
        (relative && __builtin_add_overflow(value, clock_ms(), &value))) {
        resp_error(ctx->reply, "ERR invalid expire time in 'set' command");
        return false;
    }
    *expiry_ms = value;
    return true;
}

static inline int set_key(struct command_ctx *ctx, int64_t expiry_ms)
{
    return db_set_string(ctx->db, ctx->argv[1], ctx->key_hash, ctx->argv[2], expiry_ms);
}

static void set_with_options(struct command_ctx *ctx)
{
    unsigned options;
    uint32_t time;
    int64_t expiry_ms;
    if (!parse_options(ctx, &options, &time) || !parse_expiry(ctx, options, time, &expiry_ms))
        return;
    bool get = (options & SET_GET) != 0;
    bool found = false;
    size_t mark = ctx->reply->out->len;
    if (get) {
        if (!reply_value(ctx, &found))
            return;
    } else if (options & (SET_NX | SET_XX)) {
        found = db_find(ctx->db, ctx->argv[1], ctx->key_hash, touch_flags(ctx)) != NULL;
    }
    if ((options & SET_NX && found) || (options & SET_XX && !found)) {
        if (!get)
            resp_null(ctx->reply);
        return;
    }
    int code = set_key(ctx, expiry_ms);
    if (unlikely(code != 0)) {
        /* The error stands alone, without the old value. */
        ctx->reply->out->len = mark;
        resp_error_code(ctx->reply, code);
    } else if (!get) {
        resp_ok(ctx->reply);
    }
}

void string_cmd_set(struct command_ctx *ctx)
{
    if (unlikely(ctx->argc != 3)) {
        set_with_options(ctx);
        return;
    }
    int code = set_key(ctx, DB_EXPIRY_NONE);
    if (likely(code == 0))
        resp_ok(ctx->reply);
    else
        resp_error_code(ctx->reply, code);
}

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "types/string/string.def"
};

void string_register(struct registry *registry)
{
    registry_add(registry, rows, sizeof rows / sizeof *rows, NULL);
}
