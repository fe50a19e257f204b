/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of the bitmap commands, and those on single bits and on ranges of them.
 *
 * The order in which arguments and the key are looked at is redis-server's: a missing key
 * answers BITCOUNT and BITPOS before their range is read.
 */
#include "types/string/bitmap.h"

#include "types/string/bitmap_private.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

bool bitmap_offset(struct command_ctx *ctx, uint32_t i, unsigned width, uint64_t *ret)
{
    struct slice text = ctx->argv[i];
    bool times = width != 0 && text.len > 0 && text.ptr[0] == '#';
    int64_t value;
    if (times)
        text = slice_of(text.ptr + 1, text.len - 1);
    if (unlikely(!number_to_int(text, &value) || (times && __builtin_mul_overflow(value, width, &value)) ||
                 value < 0 || value >> 3 >= dispatch_max_bulk(ctx->dispatch))) {
        resp_error(ctx->reply, "ERR bit offset is not an integer or out of range");
        return false;
    }
    *ret = (uint64_t)value;
    return true;
}

/* --- single bits --- */

bool bitmap_edit(struct command_ctx *ctx, struct entry *e, size_t *len, char **bytes, bool *grew)
{
    char scratch[NUMBER_TEXT_MAX];
    size_t had = e == NULL ? 0 : string_of(ctx, e, scratch).len;
    *grew = had < *len;
    if (had > *len)
        *len = had;
    int code = db_edit_string(ctx->db, e, ctx->argv[1], ctx->key_hash, *len, bytes);
    if (unlikely(code != 0))
        resp_error_code(ctx->reply, code);
    return code == 0;
}

void bitmap_changed(struct command_ctx *ctx, uint64_t dirty, uint64_t changes, bool grew)
{
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + changes);
    if (changes != 0)
        string_event(ctx, "setbit");
    else if (grew)
        db_event(ctx->db, EVENT_SILENT, "", ctx->argv[1]);
}

void bitmap_cmd_setbit(struct command_ctx *ctx)
{
    uint64_t offset;
    int64_t bit;
    if (!bitmap_offset(ctx, 2, 0, &offset))
        return;
    if (!number_to_int(ctx->argv[3], &bit) || (bit & ~1) != 0) {
        resp_error(ctx->reply, "ERR bit is not an integer or out of range");
        return;
    }
    struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    size_t len = (offset >> 3) + 1;
    char *bytes;
    bool grew;
    if (!string_check(ctx, e) || !bitmap_edit(ctx, e, &len, &bytes, &grew))
        return;
    unsigned char *at = (unsigned char *)bytes + (offset >> 3);
    unsigned shift = 7 - (offset & 7);
    int64_t was = *at >> shift & 1;
    if (was != bit)
        *at ^= (unsigned char)(1u << shift);
    bitmap_changed(ctx, dirty, was != bit || grew, grew);
    resp_int(ctx->reply, was);
}

void bitmap_cmd_getbit(struct command_ctx *ctx)
{
    uint64_t offset;
    if (!bitmap_offset(ctx, 2, 0, &offset))
        return;
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (!string_check(ctx, e))
        return;
    int64_t bit = 0;
    if (e != NULL) {
        char scratch[NUMBER_TEXT_MAX];
        struct slice bytes = string_of(ctx, e, scratch);
        if (offset >> 3 < bytes.len)
            bit = (unsigned char)bytes.ptr[offset >> 3] >> (7 - (offset & 7)) & 1;
    }
    resp_int(ctx->reply, bit);
}

/* --- ranges --- */

/* A range of bits, [from, to). */
struct range {
    uint64_t from, to;
};

/* Makes of an index, which counts from the end where it is negative, one of 0 .. TOTAL. */
static int64_t absolute(int64_t index, int64_t total)
{
    if (index < 0)
        index += total;
    return index < 0 ? 0 : index < total ? index : total;
}

/* START and END, both belonging to the range, in bits or bytes of a string of LEN bytes. */
static struct range range_of(int64_t start, int64_t end, bool in_bits, size_t len)
{
    int64_t total = (int64_t)(in_bits ? len << 3 : len);
    start = absolute(start, total);
    end = absolute(end, total);
    end += end < total;
    if (start >= end)
        return (struct range){0, 0};
    unsigned shift = in_bits ? 0 : 3;
    return (struct range){(uint64_t)start << shift, (uint64_t)end << shift};
}

/* Argument I, if there is one, is BYTE or BIT. False: a syntax error has been told. */
static bool parse_unit(struct command_ctx *ctx, uint32_t i, bool *in_bits)
{
    *in_bits = false;
    if (ctx->argc <= i)
        return true;
    *in_bits = slice_is(ctx->argv[i], "BIT");
    if (*in_bits || slice_is(ctx->argv[i], "BYTE"))
        return true;
    resp_error_code(ctx->reply, MR_E_SYNTAX);
    return false;
}

void bitmap_cmd_bitcount(struct command_ctx *ctx)
{
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (e == NULL) {
        resp_int(ctx->reply, 0);
        return;
    }
    if (!string_check(ctx, e))
        return;
    int64_t start = 0, end = -1;
    bool in_bits;
    if (ctx->argc > 5) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if ((ctx->argc > 2 && !dispatch_arg_int(ctx, 2, &start)) ||
        (ctx->argc > 3 && !dispatch_arg_int(ctx, 3, &end)))
        return;
    /* Told before the unit is looked at, and where both lie before the string. */
    if (start < 0 && end < start) {
        resp_int(ctx->reply, 0);
        return;
    }
    if (!parse_unit(ctx, 4, &in_bits))
        return;
    char scratch[NUMBER_TEXT_MAX];
    struct slice bytes = string_of(ctx, e, scratch);
    struct range r = range_of(start, end, in_bits, bytes.len);
    resp_int(ctx->reply, (int64_t)bits_count(bytes.ptr, r.from, r.to));
}

void bitmap_cmd_bitpos(struct command_ctx *ctx)
{
    int64_t bit, start = 0, end = -1;
    bool in_bits;
    if (!dispatch_arg_int(ctx, 2, &bit))
        return;
    if (bit != 0 && bit != 1) {
        resp_error(ctx->reply, "ERR The bit argument must be 1 or 0.");
        return;
    }
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (e == NULL) {
        resp_int(ctx->reply, bit == 1 ? -1 : 0);
        return;
    }
    if (!string_check(ctx, e))
        return;
    if (ctx->argc > 6) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if ((ctx->argc > 3 && !dispatch_arg_int(ctx, 3, &start)) || !parse_unit(ctx, 5, &in_bits) ||
        (ctx->argc > 4 && !dispatch_arg_int(ctx, 4, &end)))
        return;
    char scratch[NUMBER_TEXT_MAX];
    struct slice bytes = string_of(ctx, e, scratch);
    struct range r = range_of(start, end, in_bits, bytes.len);
    uint64_t at = bits_find(bytes.ptr, r.from, r.to, bit == 1);
    /* Without an end that was named, clear bits follow the string. */
    bool found = at < r.to || (bit == 0 && ctx->argc < 5 && r.to > 0);
    resp_int(ctx->reply, found ? (int64_t)at : -1);
}

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "types/string/bitmap.def"
};

void bitmap_register(struct registry *registry)
{
    registry_add(registry, rows, sizeof rows / sizeof *rows, NULL);
}
