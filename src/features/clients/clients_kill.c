/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLIENT LIST, CLIENT INFO, CLIENT KILL, CLIENT UNBLOCK: what is done with the sessions that
 * a filter, or an id, selects.
 */
#include <string.h>

#include "base/heap.h"
#include "codec/resp_writer.h"
#include "command/block.h"
#include "features/clients/clients_private.h"
#include "net/net.h"

void clients_cmd_info(struct command_ctx *ctx)
{
    struct buf text = {0};
    clients_print(ctx->session, &text);
    resp_verbatim(ctx->reply, "txt", buf_slice(&text));
    buf_done(&text);
}

void clients_cmd_list(struct command_ctx *ctx)
{
    struct session **sessions;
    int64_t count = clients_select(ctx, 2, false, true, &sessions);
    if (count < 0)
        return;
    struct buf text = {0};
    for (int64_t i = 0; i < count; i++)
        clients_print(sessions[i], &text);
    heap_free(sessions);
    resp_verbatim(ctx->reply, "txt", buf_slice(&text));
    buf_done(&text);
}

/* The caller's own connection still gets its reply; others end with this turn, and
 * nothing more of what they sent is run. */
static void kill_session(struct command_ctx *ctx, struct session *s)
{
    if (s == ctx->session)
        dispatch_finish_session(ctx->dispatch, s);
    else
        net_conn_kill(s->conn);
}

static void kill_by_address(struct command_ctx *ctx)
{
    char peer[128];
    for (struct session *s = dispatch_first_session(ctx->dispatch); s != NULL; s = s->next) {
        net_conn_peer(s->conn, peer, sizeof peer);
        if (!slice_equal(ctx->argv[2], slice_str(peer)) || net_conn_closing(s->conn))
            continue;
        resp_ok(ctx->reply);
        kill_session(ctx, s);
        return;
    }
    resp_error(ctx->reply, "ERR No such client");
}

void clients_cmd_kill(struct command_ctx *ctx)
{
    if (ctx->argc == 3) {
        kill_by_address(ctx);
        return;
    }
    struct session **sessions;
    int64_t count = clients_select(ctx, 2, true, false, &sessions);
    if (count < 0)
        return;
    int64_t killed = 0;
    for (int64_t i = 0; i < count; i++)
        if (!net_conn_closing(sessions[i]->conn)) {
            kill_session(ctx, sessions[i]);
            killed++;
        }
    heap_free(sessions);
    resp_int(ctx->reply, killed);
}

void clients_cmd_unblock(struct command_ctx *ctx)
{
    bool with_error;
    int64_t id;
    if (!clients_choose(ctx, "TIMEOUT", "ERROR", "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
                        &with_error) ||
        !dispatch_arg_int(ctx, 2, &id))
        return;
    struct session *s = dispatch_first_session(ctx->dispatch);
    while (s != NULL && s->id != (uint64_t)id)
        s = s->next;
    resp_int(ctx->reply, s != NULL && block_end(ctx->dispatch, s, with_error));
}
