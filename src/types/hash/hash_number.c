/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fields as numbers: HINCRBY and HINCRBYFLOAT.
 */
#include <math.h>

#include "types/hash/hash_cmds.h"

/* Sets the field of argument 2 to TEXT; false: the error has been told. */
static bool store(struct command_ctx *ctx, struct hash *h, struct slice text, const char *event)
{
    struct hash_place place = hash_cmds_place(ctx);
    struct slice pair[2] = {ctx->argv[2], text};
    int64_t code = hash_set(h, &place, pair, 1, DB_EXPIRY_KEEP);
    if (code < 0) {
        resp_error_code(ctx->reply, (int)code);
        return false;
    }
    hash_cmds_event(ctx, event);
    return true;
}

void hash_cmd_hincrby(struct command_ctx *ctx)
{
    struct hash h;
    int64_t by, value = 0;
    struct listpack_value found;
    if (!dispatch_arg_int(ctx, 3, &by) || !hash_cmds_find(ctx, 0, &h))
        return;
    if (hash_get(&h, ctx->argv[2], &found)) {
        value = found.integer;
        if (found.text != NULL && !number_to_int(slice_of(found.text, found.len), &value)) {
            resp_error(ctx->reply, "ERR hash value is not an integer");
            return;
        }
    }
    if (__builtin_add_overflow(value, by, &value)) {
        resp_error_code(ctx->reply, MR_E_OVERFLOW);
        return;
    }
    char text[NUMBER_TEXT_MAX];
    if (store(ctx, &h, slice_of(text, number_from_int(text, value)), "hincrby"))
        resp_int(ctx->reply, value);
}

void hash_cmd_hincrbyfloat(struct command_ctx *ctx)
{
    struct hash h;
    long double by, value = 0;
    struct listpack_value found;
    char text[NUMBER_LONG_TEXT_MAX];
    if (!number_to_long_double(ctx->argv[3], &by)) {
        resp_error_code(ctx->reply, MR_E_NOT_FLOAT);
        return;
    }
    if (isinf(by)) {
        resp_error(ctx->reply, "ERR value is NaN or Infinity");
        return;
    }
    if (!hash_cmds_find(ctx, 0, &h))
        return;
    if (hash_get(&h, ctx->argv[2], &found)) {
        value = (long double)found.integer;
        if (found.text != NULL && !number_to_long_double(slice_of(found.text, found.len), &value)) {
            resp_error(ctx->reply, "ERR hash value is not a float");
            return;
        }
    }
    value += by;
    if (isnan(value) || isinf(value)) {
        resp_error(ctx->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice result = slice_of(text, number_from_long_double(text, value));
    if (store(ctx, &h, result, "hincrbyfloat"))
        resp_bulk(ctx->reply, result);
}
