/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies and argument checks that handlers of every family share.
 */
#include "base/number.h"
#include "command/dispatch.h"

bool dispatch_arg_int(struct command_ctx *ctx, uint32_t i, int64_t *out)
{
    if (number_to_int(ctx->argv[i], out))
        return true;
    resp_error_code(ctx->reply, MR_E_NOT_INT);
    return false;
}

void dispatch_wrong_arity(struct command_ctx *ctx)
{
    struct buf name = {0};
    registry_lower_name(ctx->command, &name);
    resp_errorf(ctx->reply, "ERR wrong number of arguments for '%s' command", buf_cstr(&name));
    buf_done(&name);
}

/* The container's name as HELP shows it: upper case, up to the bar. */
static int container_len(const struct command_ctx *ctx)
{
    const char *bar = strchr(ctx->command->name, '|');
    return (int)(bar != NULL ? (size_t)(bar - ctx->command->name) : strlen(ctx->command->name));
}

void dispatch_bad_subcommand(struct command_ctx *ctx)
{
    struct slice sub = ctx->argv[ctx->argc > 1 ? 1 : 0];
    resp_errorf(ctx->reply, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %.*s HELP.",
                (int)(sub.len < 128 ? sub.len : 128), sub.ptr, container_len(ctx), ctx->command->name);
}

void dispatch_help(struct command_ctx *ctx, const char *const *lines)
{
    size_t count = 0;
    while (lines[count] != NULL)
        count++;
    struct buf head = {0};
    buf_printf(&head, "%.*s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container_len(ctx),
               ctx->command->name);
    resp_array(ctx->reply, count + 3);
    resp_simple(ctx->reply, buf_cstr(&head));
    buf_done(&head);
    for (size_t i = 0; i < count; i++)
        resp_simple(ctx->reply, lines[i]);
    resp_simple(ctx->reply, "HELP");
    resp_simple(ctx->reply, "    Print this help.");
}
