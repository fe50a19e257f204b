/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PFDEBUG and PFSELFTEST, as redis-server has them.
 */
#include "types/string/hll_cmds.h"

#define NAME_SHOWN 4096 /* of an unknown subcommand */

/* The opcodes as text, "z:" ZERO, "Z:" XZERO, "v:value," VAL, each with its registers. */
static void decode(struct command_ctx *ctx, const struct hll_found *at)
{
    const unsigned char *sparse = (const unsigned char *)at->text.ptr + HLL_HEAD;
    size_t len = at->text.len - HLL_HEAD;
    if (hll_sketch_encoding(at->text) != HLL_SPARSE) {
        resp_error(ctx->reply, "ERR HLL encoding is not sparse");
        return;
    }
    if (!hll_sparse_valid(sparse, len)) {
        hll_cmds_tell_corrupt(ctx);
        return;
    }
    struct buf out = {0};
    struct hll_run run = {0};
    for (size_t i = 0; i < len; i += run.size) {
        run = hll_sparse_run(sparse, i, run.first + run.count);
        if (run.value > 0)
            buf_printf(&out, "v:%u,%u ", run.value, run.count);
        else
            buf_printf(&out, "%c:%u ", run.size == 1 ? 'z' : 'Z', run.count);
    }
    resp_bulk(ctx->reply, slice_of(out.data, out.len - 1));
    buf_done(&out);
}

/* Makes the sketch dense; S is what it is then. False: an error has been told. */
static bool to_dense(struct command_ctx *ctx, const struct hll_found *at, struct hll_sketch *s)
{
    if (hll_sketch_read(s, at->text) != 0) {
        hll_cmds_tell_corrupt(ctx);
        return false;
    }
    if (!s->is_sparse)
        return true;
    hll_sketch_make_dense(s);
    if (!hll_cmds_store(ctx, at, s))
        return false;
    db_event(ctx->db, EVENT_SILENT, "", at->key);
    return true;
}

static void registers(struct command_ctx *ctx, const struct hll_found *at)
{
    struct hll_sketch s;
    if (!to_dense(ctx, at, &s))
        return;
    resp_array(ctx->reply, HLL_REGISTERS);
    for (unsigned i = 0; i < HLL_REGISTERS; i++)
        resp_int(ctx->reply, s.registers[i]);
}

void hll_cmd_debug(struct command_ctx *ctx)
{
    struct hll_found at;
    struct hll_sketch s;
    if (!hll_cmds_find(ctx, 2, 0, &at))
        return;
    if (at.entry == NULL) {
        resp_error(ctx->reply, "ERR The specified key does not exist");
        return;
    }
    bool is_sparse = hll_sketch_encoding(at.text) == HLL_SPARSE;
    struct slice what = ctx->argv[1];
    if (slice_is(what, "GETREG"))
        registers(ctx, &at);
    else if (slice_is(what, "DECODE"))
        decode(ctx, &at);
    else if (slice_is(what, "ENCODING"))
        resp_simple(ctx->reply, is_sparse ? "sparse" : "dense");
    else if (!slice_is(what, "TODENSE"))
        resp_errorf(ctx->reply, "ERR Unknown PFDEBUG subcommand '%.*s'",
                    (int)(what.len < NAME_SHOWN ? what.len : NAME_SHOWN), what.ptr);
    else if (to_dense(ctx, &at, &s))
        resp_int(ctx->reply, is_sparse);
}

void hll_cmd_selftest(struct command_ctx *ctx)
{
    const char *fault = hll_selftest();
    if (fault == NULL)
        resp_ok(ctx->reply);
    else
        resp_errorf(ctx->reply, "TESTFAILED %s", fault);
}
