/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strings as numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
 *
 * A string that is an integer is kept as one, so that counting needs neither text nor a
 * second look for the key.
 */
#include <math.h>

#include "types/string/string_private.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

static void increment(struct command_ctx *ctx, int64_t by)
{
    struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    int64_t value = 0;
    if (!string_check(ctx, e))
        return;
    if (e != NULL && unlikely(!entry_integer(e, &value))) {
        char scratch[NUMBER_TEXT_MAX];
        if (!number_to_int(string_of(ctx, e, scratch), &value)) {
            resp_error_code(ctx->reply, MR_E_NOT_INT);
            return;
        }
    }
    int code = MR_E_OVERFLOW;
    if (!__builtin_add_overflow(value, by, &value))
        code = db_store_integer(ctx->db, e, ctx->argv[1], ctx->key_hash, value);
    if (unlikely(code != 0)) {
        resp_error_code(ctx->reply, code);
        return;
    }
    string_event(ctx, "incrby");
    resp_int(ctx->reply, value);
}

void string_cmd_incr(struct command_ctx *ctx)
{
    increment(ctx, 1);
}

void string_cmd_decr(struct command_ctx *ctx)
{
    increment(ctx, -1);
}

void string_cmd_incrby(struct command_ctx *ctx)
{
    int64_t by;
    if (dispatch_arg_int(ctx, 2, &by))
        increment(ctx, by);
}

void string_cmd_decrby(struct command_ctx *ctx)
{
    int64_t by;
    if (!dispatch_arg_int(ctx, 2, &by))
        return;
    if (by == INT64_MIN)
        resp_error(ctx->reply, "ERR decrement would overflow");
    else
        increment(ctx, -by);
}

void string_cmd_incrbyfloat(struct command_ctx *ctx)
{
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    long double value = 0;
    long double by;
    char text[NUMBER_LONG_TEXT_MAX];
    if (!string_check(ctx, e))
        return;
    if ((e != NULL && !number_to_long_double(string_of(ctx, e, text), &value)) ||
        !number_to_long_double(ctx->argv[2], &by)) {
        resp_error_code(ctx->reply, MR_E_NOT_FLOAT);
        return;
    }
    value += by;
    if (isnan(value) || isinf(value)) {
        resp_error(ctx->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice result = slice_of(text, number_from_long_double(text, value));
    int code = db_set_string(ctx->db, ctx->argv[1], ctx->key_hash, result, DB_EXPIRY_KEEP);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    string_event(ctx, "incrbyfloat");
    resp_bulk(ctx->reply, result);
}
