/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See command_log.h.
 */
#include "command/command_log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "command/command.h"
#include "command/dispatch.h"
#include "command/session.h"
#include "net/net.h"

void command_log_add(struct command_log *out, const char *name, const char *value)
{
    assert(out->count < COMMAND_LOG_FIELDS);
    out->fields[out->count++] = (struct log_field){name, value};
}

void command_log_session(struct command_log *out, const struct session *s)
{
    out->count = 0;
    net_conn_peer(s->conn, out->client, sizeof out->client);
    snprintf(out->id, sizeof out->id, "%" PRIu64, s->id);
    snprintf(out->db, sizeof out->db, "%" PRId32, s->db);
    command_log_add(out, "MINIREDIS_CLIENT", out->client);
    command_log_add(out, "MINIREDIS_CLIENT_ID", out->id);
    if ((s->flags & SESSION_AUTHENTICATED) != 0)
        command_log_add(out, "MINIREDIS_USER", s->user);
    command_log_add(out, "MINIREDIS_DB", out->db);
}

void command_log_request(struct command_log *out, const struct command_ctx *ctx)
{
    command_log_session(out, ctx->session);
    if (ctx->command != NULL)
        command_log_add(out, "MINIREDIS_COMMAND", ctx->command->name);
}
