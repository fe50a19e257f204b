/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parts of strings: APPEND, STRLEN, GETRANGE (SUBSTR), SETRANGE.
 */
#include <string.h>

#include "types/string/string_private.h"

/* Whether a string may be as long as A and B together; else the error has been told. */
static bool check_length(struct command_ctx *ctx, uint64_t a, uint64_t b)
{
    uint64_t sum;
    if (!__builtin_add_overflow(a, b, &sum) && sum <= (uint64_t)dispatch_max_bulk(ctx->dispatch))
        return true;
    resp_error_code(ctx->reply, MR_E_TOO_BIG);
    return false;
}

/* Writes argument I at OFFSET of the first key's string, which E (NULL: none) has LEN bytes of,
 * and replies with its length then. */
static void write_part(struct command_ctx *ctx, struct entry *e, size_t len, size_t offset, uint32_t i,
                       const char *event)
{
    struct slice part = ctx->argv[i];
    char *bytes;
    if (len < offset + part.len)
        len = offset + part.len;
    int code = db_edit_string(ctx->db, e, ctx->argv[1], ctx->key_hash, len, &bytes);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    if (part.len > 0)
        memcpy(bytes + offset, part.ptr, part.len);
    string_event(ctx, event);
    resp_int(ctx->reply, (int64_t)len);
}

void string_cmd_append(struct command_ctx *ctx)
{
    struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    if (!string_check(ctx, e))
        return;
    if (e != NULL) {
        char scratch[NUMBER_TEXT_MAX];
        size_t len = string_of(ctx, e, scratch).len;
        if (check_length(ctx, len, ctx->argv[2].len))
            write_part(ctx, e, len, len, 2, "append");
        return;
    }
    int code = db_set_string(ctx->db, ctx->argv[1], ctx->key_hash, ctx->argv[2], DB_EXPIRY_NONE);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    string_event(ctx, "append");
    resp_int(ctx->reply, (int64_t)ctx->argv[2].len);
}

void string_cmd_strlen(struct command_ctx *ctx)
{
    char scratch[NUMBER_TEXT_MAX];
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (string_check(ctx, e))
        resp_int(ctx->reply, e == NULL ? 0 : (int64_t)string_of(ctx, e, scratch).len);
}

/* Counted from the end where it is negative; before the first byte is the first. */
static int64_t place_of(int64_t i, int64_t len)
{
    return i >= 0 ? i : i + len < 0 ? 0 : i + len;
}

/* The bytes of S from FIRST to LAST. */
static struct slice part_of(struct slice s, int64_t first, int64_t last)
{
    int64_t len = (int64_t)s.len;
    bool crossed = first < 0 && last < 0 && first > last;
    first = place_of(first, len);
    last = place_of(last, len);
    if (last >= len)
        last = len - 1;
    return crossed || first > last ? slice_of("", 0) : slice_of(s.ptr + first, (size_t)(last - first) + 1);
}

void string_cmd_getrange(struct command_ctx *ctx)
{
    int64_t first, last;
    if (!dispatch_arg_int(ctx, 2, &first) || !dispatch_arg_int(ctx, 3, &last))
        return;
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    char scratch[NUMBER_TEXT_MAX];
    if (string_check(ctx, e))
        resp_bulk(ctx->reply, e == NULL ? slice_of("", 0) : part_of(string_of(ctx, e, scratch), first, last));
}

void string_cmd_setrange(struct command_ctx *ctx)
{
    int64_t offset;
    if (!dispatch_arg_int(ctx, 2, &offset))
        return;
    if (offset < 0) {
        resp_error(ctx->reply, "ERR offset is out of range");
        return;
    }
    struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    if (!string_check(ctx, e))
        return;
    char scratch[NUMBER_TEXT_MAX];
    size_t len = e == NULL ? 0 : string_of(ctx, e, scratch).len;
    if (ctx->argv[3].len == 0)
        resp_int(ctx->reply, (int64_t)len);
    else if (check_length(ctx, (uint64_t)offset, ctx->argv[3].len))
        write_part(ctx, e, len, (size_t)offset, 3, "setrange");
}
