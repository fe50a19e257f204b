/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See scan.h.
 */
#include "command/scan.h"

/* As strtoul reads it, which is what clients have got used to: signs, leading zeros and an empty
 * text are taken; blanks before it are not. A NUL byte ends it. */
bool scan_read_cursor(struct command_ctx *ctx, uint32_t i, uint64_t *ret)
{
    struct slice text = ctx->argv[i];
    const char *p = text.ptr;
    const char *end = text.ptr + strnlen(text.ptr, text.len);
    bool negative = false;
    uint64_t cursor = 0;
    if (end - p > 1 && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    for (; p < end; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(cursor, UINT64_C(10), &cursor) ||
            __builtin_add_overflow(cursor, (uint64_t)(*p - '0'), &cursor)) {
            resp_error(ctx->reply, "ERR invalid cursor");
            return false;
        }
    }
    *ret = negative ? 0 - cursor : cursor;
    return true;
}

/* The error for a word that is no option here. */
static void refuse(struct command_ctx *ctx, struct slice word)
{
    if (slice_is(word, "NOVALUES"))
        resp_error(ctx->reply, "ERR NOVALUES option can only be used in HSCAN");
    else if (slice_is(word, "NOSCORES"))
        resp_error(ctx->reply, "ERR NOSCORES option can only be used in ZSCAN");
    else
        resp_error_code(ctx->reply, MR_E_SYNTAX);
}

static bool read_options(struct command_ctx *ctx, uint32_t first, const char *bare, bool keys,
                         struct scan_options *ret)
{
    *ret = (struct scan_options){.all = true, .want = 10};
    for (uint32_t i = first; i < ctx->argc; i++) {
        struct slice word = ctx->argv[i];
        bool more = i + 1 < ctx->argc;
        if (more && slice_is(word, "COUNT")) {
            if (!dispatch_arg_int(ctx, ++i, &ret->want))
                return false;
            if (ret->want >= 1)
                continue;
        } else if (more && slice_is(word, "MATCH")) {
            ret->pattern = ctx->argv[++i];
            ret->all = ret->pattern.len == 1 && ret->pattern.ptr[0] == '*';
            continue;
        } else if (bare != NULL && slice_is(word, bare)) {
            ret->bare = true;
            continue;
        } else if (keys && more && slice_is(word, "TYPE")) {
            ret->type = ctx->argv[++i];
            ret->typed = true;
            continue;
        }
        refuse(ctx, word);
        return false;
    }
    return true;
}

bool scan_read_options(struct command_ctx *ctx, uint32_t first, const char *bare, struct scan_options *ret)
{
    return read_options(ctx, first, bare, false, ret);
}

bool scan_read_key_options(struct command_ctx *ctx, uint32_t first, struct scan_options *ret)
{
    return read_options(ctx, first, NULL, true, ret);
}

void scan_begin_reply(struct command_ctx *ctx, uint64_t cursor)
{
    char text[NUMBER_TEXT_MAX];
    text[number_from_uint(text, cursor)] = '\0';
    resp_array(ctx->reply, 2);
    resp_bulk_str(ctx->reply, text);
}
