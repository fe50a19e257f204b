/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BITFIELD and BITFIELD_RO: all operations are read before the first is carried out, so
 * that a fault in one leaves the string alone.
 */
#include "base/heap.h"
#include "types/string/bitmap_private.h"

#define OPERATIONS_NEAR 16 /* so many are kept on the stack */

enum kind { GET, SET, INCRBY };

struct operation {
    enum kind kind;
    enum bits_overflow rule;
    struct bits_field field;
    uint64_t offset;
    int64_t value; /* of SET, INCRBY */
};

struct program {
    struct operation *operations;
    size_t count;
    uint64_t end; /* behind the last bit that is written; 0: none is */
};

static bool parse_field(struct command_ctx *ctx, uint32_t i, struct bits_field *ret)
{
    struct slice text = ctx->argv[i];
    int64_t width;
    bool is_signed = text.len > 0 && text.ptr[0] == 'i';
    if (text.len == 0 || (!is_signed && text.ptr[0] != 'u') ||
        !number_to_int(slice_of(text.ptr + 1, text.len - 1), &width) || width < 1 ||
        width > (is_signed ? 64 : 63)) {
        resp_error(ctx->reply, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not "
                               "supported but i64 is.");
        return false;
    }
    *ret = (struct bits_field){.is_signed = is_signed, .width = (unsigned)width};
    return true;
}

static bool parse_rule(struct command_ctx *ctx, uint32_t i, enum bits_overflow *ret)
{
    static const char *const names[] = {[BITS_WRAP] = "WRAP", [BITS_SATURATE] = "SAT", [BITS_FAIL] = "FAIL"};
    for (unsigned rule = 0; rule < sizeof names / sizeof *names; rule++)
        if (slice_is(ctx->argv[i], names[rule])) {
            *ret = (enum bits_overflow)rule;
            return true;
        }
    resp_error(ctx->reply, "ERR Invalid OVERFLOW type specified");
    return false;
}

/* What the word is that REST arguments follow, and how many of those belong to it. False: none
 * that has enough of them. */
static bool find_kind(struct slice word, uint32_t rest, enum kind *ret, uint32_t *ret_takes)
{
    static const char *const names[] = {[GET] = "GET", [SET] = "SET", [INCRBY] = "INCRBY"};
    for (unsigned kind = GET; kind <= INCRBY; kind++) {
        uint32_t takes = kind == GET ? 2 : 3;
        if (rest >= takes && slice_is(word, names[kind])) {
            *ret = (enum kind)kind;
            *ret_takes = takes;
            return true;
        }
    }
    return false;
}

/* Reads the operations into P, which has room for them. False: the error has been told. */
static bool parse(struct command_ctx *ctx, struct program *p)
{
    enum bits_overflow rule = BITS_WRAP;
    uint32_t takes;
    for (uint32_t i = 2; i < ctx->argc; i += 1 + takes) {
        uint32_t rest = ctx->argc - i - 1;
        struct operation *o = &p->operations[p->count];
        if (find_kind(ctx->argv[i], rest, &o->kind, &takes)) {
            o->rule = rule;
            if (!parse_field(ctx, i + 1, &o->field) || !bitmap_offset(ctx, i + 2, o->field.width, &o->offset))
                return false;
            uint64_t end = o->offset + o->field.width;
            if (o->kind != GET && !dispatch_arg_int(ctx, i + 3, &o->value))
                return false;
            if (o->kind != GET && end > p->end)
                p->end = end;
            p->count++;
        } else if (rest >= 1 && slice_is(ctx->argv[i], "OVERFLOW")) {
            if (!parse_rule(ctx, i + 1, &rule))
                return false;
            takes = 1;
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    return true;
}

/* Carries out O, a SET or an INCRBY, and replies. Whether it changed the string, which just GREW or
 * did not. */
static bool carry_out(struct command_ctx *ctx, const struct operation *o, char *bytes, size_t len, bool grew)
{
    int64_t was = bits_field_get(slice_of(bytes, len), o->field, o->offset);
    int64_t becomes;
    bool fits = o->kind == SET ? bits_field_fit(o->field, o->value, o->rule, &becomes)
                               : bits_field_add(o->field, was, o->value, o->rule, &becomes);
    if (!fits) {
        resp_null(ctx->reply);
        return false;
    }
    bits_field_set(bytes, o->field, o->offset, becomes);
    resp_int(ctx->reply, o->kind == SET ? was : becomes);
    return grew || was != becomes;
}

static void reply_field(struct command_ctx *ctx, const struct operation *o, struct slice bytes)
{
    resp_int(ctx->reply, bits_field_get(bytes, o->field, o->offset));
}

static void run_writing(struct command_ctx *ctx, const struct program *p)
{
    struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    uint64_t changes = 0;
    size_t len = ((p->end - 1) >> 3) + 1;
    char *bytes;
    bool grew;
    if (!string_check(ctx, e) || !bitmap_edit(ctx, e, &len, &bytes, &grew))
        return;
    resp_array(ctx->reply, p->count);
    for (size_t i = 0; i < p->count; i++) {
        const struct operation *o = &p->operations[i];
        if (o->kind == GET)
            reply_field(ctx, o, slice_of(bytes, len));
        else
            changes += carry_out(ctx, o, bytes, len, grew);
    }
    bitmap_changed(ctx, dirty, changes, grew);
}

static void run_reading(struct command_ctx *ctx, const struct program *p)
{
    char scratch[NUMBER_TEXT_MAX];
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (!string_check(ctx, e))
        return;
    struct slice bytes = e == NULL ? slice_of(NULL, 0) : string_of(ctx, e, scratch);
    resp_array(ctx->reply, p->count);
    for (size_t i = 0; i < p->count; i++)
        reply_field(ctx, &p->operations[i], bytes);
}

static void run(struct command_ctx *ctx, const struct program *p, bool read_only)
{
    if (p->end == 0)
        run_reading(ctx, p);
    else if (read_only)
        resp_error(ctx->reply, "ERR BITFIELD_RO only supports the GET subcommand");
    else
        run_writing(ctx, p);
}

static void bitfield(struct command_ctx *ctx, bool read_only)
{
    struct operation near[OPERATIONS_NEAR];
    struct program p = {.operations = near};
    /* The shortest operation is three words; one more is where a faulty one begins. */
    size_t room = ctx->argc / 3 + 1;
    if (room > OPERATIONS_NEAR)
        p.operations = heap_try_alloc(room * sizeof *near);
    if (p.operations == NULL)
        resp_error_code(ctx->reply, MR_E_MEMORY);
    else if (parse(ctx, &p))
        run(ctx, &p, read_only);
    if (p.operations != near)
        heap_free(p.operations);
}

void bitmap_cmd_bitfield(struct command_ctx *ctx)
{
    bitfield(ctx, false);
}

void bitmap_cmd_bitfield_ro(struct command_ctx *ctx)
{
    bitfield(ctx, true);
}
