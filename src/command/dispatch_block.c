/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the handlers of blocking commands call; who waits is block.c's business.
 */
#include <math.h>

#include "base/clock.h"
#include "base/number.h"
#include "command/block.h"
#include "command/dispatch_private.h"

bool dispatch_block(struct command_ctx *ctx, const struct block_request *r)
{
    if (ctx->retry != NULL) {
        bool more = ctx->retry->ready != 0 || ctx->retry->look;
        if (more)
            block_again(ctx->session, r);
        return more;
    }
    if (ctx->dispatch->block == NULL)
        return false;
    struct block_request whole = *r;
    if (whole.argv == NULL) {
        whole.argv = ctx->argv;
        whole.argc = ctx->argc;
    }
    int code = block_wait(ctx->dispatch->block, ctx->session, &whole);
    if (code != 0)
        resp_error_code(ctx->reply, code);
    return true;
}

bool dispatch_arg_timeout(struct command_ctx *ctx, uint32_t i, enum block_unit unit, int64_t *deadline_us)
{
    int64_t ms;
    if (unit == BLOCK_SECONDS) {
        long double seconds;
        if (!number_to_long_double(ctx->argv[i], &seconds)) {
            resp_error(ctx->reply, "ERR timeout is not a float or out of range");
            return false;
        }
        long double wanted = ceill(seconds * 1000);
        ms = wanted < 0 ? -1 : wanted >= (long double)INT64_MAX ? INT64_MAX : (int64_t)wanted;
    } else if (!number_to_int(ctx->argv[i], &ms)) {
        resp_error(ctx->reply, "ERR timeout is not an integer or out of range");
        return false;
    }
    if (ms < 0) {
        resp_error(ctx->reply, "ERR timeout is negative");
        return false;
    }
    if (ms > INT64_MAX - clock_ms()) {
        resp_error(ctx->reply, "ERR timeout is out of range");
        return false;
    }
    *deadline_us = 0;
    /* What is beyond counting is for ever. */
    if (ms > 0 && ms < INT64_MAX / 2000)
        *deadline_us = clock_mono_now_us() + ms * 1000;
    return true;
}
