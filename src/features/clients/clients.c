/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See clients.h. Here: the table of commands, what a connection sets for itself, and
 * CLIENT PAUSE. A pause is a gate that holds sessions back, and a timer that takes it
 * off; of several pauses the longest and the strictest counts.
 */
#include "features/clients/clients.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/number.h"
#include "codec/resp_writer.h"
#include "command/block.h"
#include "command/registry.h"
#include "features/clients/clients_private.h"

bool clients_choose(struct command_ctx *ctx, const char *usual, const char *other, const char *error,
                    bool *ret_other)
{
    *ret_other = false;
    if (ctx->argc > 4) {
        dispatch_bad_subcommand(ctx);
        return false;
    }
    if (ctx->argc < 4 || slice_is(ctx->argv[3], usual))
        return true;
    *ret_other = slice_is(ctx->argv[3], other);
    if (!*ret_other)
        resp_error(ctx->reply, error);
    return *ret_other;
}

/* --- a connection about itself --- */

static void clients_cmd_id(struct command_ctx *ctx)
{
    resp_int(ctx->reply, (int64_t)ctx->session->id);
}

static void clients_cmd_getname(struct command_ctx *ctx)
{
    if (ctx->session->name == NULL)
        resp_null(ctx->reply);
    else
        resp_bulk_str(ctx->reply, ctx->session->name);
}

static void clients_cmd_setname(struct command_ctx *ctx)
{
    if (!session_text_valid(ctx->argv[2])) {
        resp_error(ctx->reply, "ERR Client names cannot contain spaces, newlines or special characters.");
        return;
    }
    session_set_text(&ctx->session->name, ctx->argv[2]);
    resp_ok(ctx->reply);
}

static void clients_cmd_setinfo(struct command_ctx *ctx)
{
    struct slice what = ctx->argv[2];
    char **text;
    if (slice_is(what, "LIB-NAME"))
        text = &ctx->session->lib_name;
    else if (slice_is(what, "LIB-VER"))
        text = &ctx->session->lib_ver;
    else {
        resp_errorf(ctx->reply, "ERR Unrecognized option '%.*s'", clients_shown(what), what.ptr);
        return;
    }
    if (!session_text_valid(ctx->argv[3])) {
        resp_errorf(ctx->reply, "ERR %.*s cannot contain spaces, newlines or special characters.",
                    clients_shown(what), what.ptr);
        return;
    }
    session_set_text(text, ctx->argv[3]);
    resp_ok(ctx->reply);
}

static void clients_switch(struct command_ctx *ctx, uint32_t flag)
{
    if (slice_is(ctx->argv[2], "ON"))
        ctx->session->flags |= flag;
    else if (slice_is(ctx->argv[2], "OFF"))
        ctx->session->flags &= ~flag;
    else {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    resp_ok(ctx->reply);
}

static void clients_cmd_no_evict(struct command_ctx *ctx)
{
    clients_switch(ctx, SESSION_NO_EVICT);
}

static void clients_cmd_no_touch(struct command_ctx *ctx)
{
    clients_switch(ctx, SESSION_NO_TOUCH);
}

static void clients_cmd_reply(struct command_ctx *ctx)
{
    struct session *s = ctx->session;
    if (slice_is(ctx->argv[2], "ON")) {
        s->flags &= ~(uint32_t)(SESSION_REPLY_OFF | SESSION_REPLY_SKIP_NEXT | SESSION_REPLY_SKIP);
        resp_ok(ctx->reply);
    } else if (slice_is(ctx->argv[2], "OFF"))
        s->flags |= SESSION_REPLY_OFF;
    else if (!slice_is(ctx->argv[2], "SKIP"))
        resp_error_code(ctx->reply, MR_E_SYNTAX);
    else if (!(s->flags & SESSION_REPLY_OFF))
        s->flags |= SESSION_REPLY_SKIP_NEXT;
}

static void clients_cmd_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {
        "GETNAME",
        "    Tell this connection's name.",
        "ID",
        "    Tell this connection's number.",
        "INFO",
        "    Describe this connection.",
        "KILL <ip:port>",
        "    Close the connection from that address.",
        "KILL <filter> <value> [<filter> <value> [...]]",
        "    Close connections for which all filters hold. SKIPME is yes unless given.",
        "LIST [<filter> <value> [...]]",
        "    Describe connections, one per line; all, or those for which all filters hold:",
        "    * ID <id> [<id> [...]], NAME <name>, USER <user>",
        "    * ADDR (<ip:port>|<unixsocket>:0), LADDR (<ip:port>|<unixsocket>:0), IP <ip>",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB), FLAGS <letters>, DB <number>",
        "    * LIB-NAME <name>, LIB-VER <version>",
        "    * NOT-<filter>, for each of the above: it must not hold",
        "    * MAXAGE <seconds>: open for so long or longer",
        "    * IDLE <seconds>: silent for so long or longer",
        "    * SKIPME (YES|NO): whether this connection is left out",
        "NO-EVICT (ON|OFF)",
        "    Spare this connection when memory runs out.",
        "NO-TOUCH (ON|OFF)",
        "    Leave the access times of keys alone in this connection's commands.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Hold back all commands, or writes, of all clients for so many milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Answer this connection's commands, do not, or leave the next one unanswered.",
        "SETINFO (LIB-NAME <name>|LIB-VER <version>)",
        "    Note which library this connection uses.",
        "SETNAME <name>",
        "    Name this connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    End that client's waiting in a blocking command, as if its time were over or by an error.",
        "UNPAUSE",
        "    End the pause that PAUSE began.",
        NULL,
    };
    dispatch_help(ctx, lines);
}

/* --- pausing --- */

static enum dispatch_verdict clients_pause_gate(void *owner, struct command_ctx *ctx)
{
    const struct clients *c = owner;
    if (c->pause_all || (ctx->command->flags & (CMD_WRITE | CMD_MAY_REPLICATE)))
        return DISPATCH_HOLD;
    return DISPATCH_PASS;
}

static void clients_unpause(struct clients *c)
{
    if (!c->paused)
        return;
    c->paused = false;
    c->pause_all = false;
    loop_timer_stop(c->loop, &c->pause_end);
    dispatch_gate_enable(c->dispatch, c->gate, false);
    dispatch_release(c->dispatch);
}

static void clients_pause_over(struct loop_timer *timer)
{
    clients_unpause((struct clients *)((char *)timer - offsetof(struct clients, pause_end)));
}

static void clients_pause(struct clients *c, int64_t until_us, bool all)
{
    if (!c->paused || until_us > c->pause_until_us)
        c->pause_until_us = until_us;
    c->paused = true;
    c->pause_all = c->pause_all || all;
    loop_timer_set(c->loop, &c->pause_end, c->pause_until_us);
    dispatch_gate_enable(c->dispatch, c->gate, true);
}

static void clients_cmd_pause(struct command_ctx *ctx)
{
    struct clients *c = ctx->owner;
    bool writes;
    int64_t ms, until_us;
    if (!clients_choose(ctx, "ALL", "WRITE", "ERR CLIENT PAUSE mode must be WRITE or ALL", &writes))
        return;
    if (!number_to_int(ctx->argv[2], &ms)) {
        resp_error(ctx->reply, "ERR timeout is not an integer or out of range");
        return;
    }
    if (ms < 0) {
        resp_error(ctx->reply, "ERR timeout is negative");
        return;
    }
    if (__builtin_mul_overflow(ms, 1000, &until_us) ||
        __builtin_add_overflow(until_us, clock_mono_us(), &until_us)) {
        resp_error(ctx->reply, "ERR timeout is out of range");
        return;
    }
    if (ms > 0)
        clients_pause(c, until_us, !writes);
    resp_ok(ctx->reply);
}

static void clients_cmd_unpause(struct command_ctx *ctx)
{
    clients_unpause(ctx->owner);
    resp_ok(ctx->reply);
}

/* --- life --- */

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command clients_rows[] = {
#include "features/clients/clients.def"
};
#undef COMMAND

struct clients *clients_new(struct dispatch *d, struct loop *loop)
{
    struct clients *c = heap_alloc_zero(sizeof *c);
    c->dispatch = d;
    c->loop = loop;
    c->pause_end.fn = clients_pause_over;
    block_attach(d, loop);
    registry_add(dispatch_registry(d), clients_rows, sizeof clients_rows / sizeof clients_rows[0], c);
    c->gate = dispatch_add_gate(d, DISPATCH_RANK_PAUSE, clients_pause_gate, c);
    dispatch_gate_enable(d, c->gate, false);
    return c;
}

void clients_free(struct clients *c)
{
    if (c == NULL)
        return;
    loop_timer_stop(c->loop, &c->pause_end);
    heap_free(c);
}
