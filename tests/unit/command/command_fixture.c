/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The toy commands, the service in between, and what its tests say and hear.
 */
#include "command/command_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "base/heap.h"

struct toy toy;

/* --- the commands --- */

static void cmd_ping(struct command_ctx *ctx)
{
    resp_simple(ctx->reply, "PONG");
}

static void cmd_log(struct command_ctx *ctx)
{
    ck_assert_ptr_eq(ctx->owner, &toy);
    buf_append_slice(&toy.trace, ctx->argv[1]);
    buf_append_byte(&toy.trace, ' ');
    resp_int(ctx->reply, 1);
}

static void cmd_argc(struct command_ctx *ctx)
{
    for (uint32_t i = 1; i < ctx->argc; i++) {
        char expect[16];
        snprintf(expect, sizeof expect, "%05u", i);
        if (!slice_is(ctx->argv[i], expect))
            ck_abort_msg("argument %u is %.*s", i, (int)ctx->argv[i].len, ctx->argv[i].ptr);
    }
    resp_int(ctx->reply, ctx->argc);
}

static void cmd_hash(struct command_ctx *ctx)
{
    bool right =
        ctx->key_hash == keyspace_hash(toy.keyspace, ctx->argv[1]) && ctx->key_hash == dispatch_hash(ctx, 1);
    resp_int(ctx->reply, right);
}

static void cmd_login(struct command_ctx *ctx)
{
    ctx->session->flags |= SESSION_AUTHENTICATED;
    resp_ok(ctx->reply);
}

static void cmd_logout(struct command_ctx *ctx)
{
    ctx->session->flags &= ~(uint32_t)SESSION_AUTHENTICATED;
    resp_ok(ctx->reply);
}

static void cmd_reply(struct command_ctx *ctx)
{
    struct session *s = ctx->session;
    if (slice_is(ctx->argv[1], "ON")) {
        s->flags &= ~(uint32_t)(SESSION_REPLY_OFF | SESSION_REPLY_SKIP_NEXT | SESSION_REPLY_SKIP);
        resp_ok(ctx->reply);
    } else {
        s->flags |= slice_is(ctx->argv[1], "OFF") ? SESSION_REPLY_OFF : SESSION_REPLY_SKIP_NEXT;
    }
}

static void cmd_big(struct command_ctx *ctx)
{
    int64_t size;
    if (!dispatch_arg_int(ctx, 1, &size))
        return;
    char *bytes = heap_alloc((size_t)size);
    memset(bytes, 'b', (size_t)size);
    resp_bulk(ctx->reply, slice_of(bytes, (size_t)size));
    heap_free(bytes);
}

struct session *toy_session(uint64_t id)
{
    struct session *s = dispatch_first_session(toy.d);
    while (s != NULL && s->id != id)
        s = s->next;
    ck_assert_ptr_nonnull(s);
    return s;
}

static void cmd_kill(struct command_ctx *ctx)
{
    int64_t id;
    if (!dispatch_arg_int(ctx, 1, &id))
        return;
    net_conn_kill(toy_session((uint64_t)id)->conn);
    resp_ok(ctx->reply);
}

static void cmd_finish(struct command_ctx *ctx)
{
    int64_t id;
    if (!dispatch_arg_int(ctx, 1, &id))
        return;
    dispatch_finish_session(ctx->dispatch, toy_session((uint64_t)id));
    resp_ok(ctx->reply);
}

static void cmd_fail(struct command_ctx *ctx)
{
    resp_error_slice(ctx->reply, ctx->argv[1]);
}

static void cmd_reset(struct command_ctx *ctx)
{
    dispatch_reset_session(ctx->dispatch, ctx->session);
    resp_simple(ctx->reply, "RESET");
}

static void cmd_resp(struct command_ctx *ctx)
{
    ctx->session->resp = ctx->argv[1].ptr[0] == '3' ? 3 : 2;
    resp_null(ctx->reply);
}

static void cmd_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {"PUT <thing>", "    Puts it.", NULL};
    dispatch_help(ctx, lines);
}

static void cmd_put(struct command_ctx *ctx)
{
    dispatch_bad_subcommand(ctx);
}

static const struct command rows[] = {
    {.name = "PING", .handler = cmd_ping, .arity = -1},
    {.name = "LOG", .handler = cmd_log, .arity = 2},
    {.name = "ARGC", .handler = cmd_argc, .arity = -1},
    {.name = "HASH", .handler = cmd_hash, .arity = -2, COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO, 1, 0, 1))},
    {.name = "LOGIN", .handler = cmd_login, .arity = 1, .flags = CMD_BARRIER},
    {.name = "LOGOUT", .handler = cmd_logout, .arity = 1, .flags = CMD_BARRIER},
    {.name = "REPLY", .handler = cmd_reply, .arity = 2},
    {.name = "BIG", .handler = cmd_big, .arity = 2},
    {.name = "KILL", .handler = cmd_kill, .arity = 2},
    {.name = "FINISH", .handler = cmd_finish, .arity = 2},
    {.name = "FAIL", .handler = cmd_fail, .arity = 2},
    {.name = "RESET", .handler = cmd_reset, .arity = 1},
    {.name = "RESP", .handler = cmd_resp, .arity = 2},
    {.name = "BOX", .arity = -2},
    {.name = "BOX|PUT", .handler = cmd_put, .arity = 3},
    {.name = "BOX|HELP", .handler = cmd_help, .arity = 2},
};

/* --- the set-up --- */

static void *toy_open(void *owner, struct net_conn *conn)
{
    const struct net_service *inner = owner;
    return inner->open(inner->owner, conn);
}

static size_t toy_parse(void *owner, void *session, const char *data, size_t len)
{
    const struct net_service *inner = owner;
    return inner->parse(inner->owner, session, data, len);
}

static void toy_execute(void *owner)
{
    const struct net_service *inner = owner;
    toy.executes++;
    inner->execute(inner->owner);
}

static void toy_close(void *owner, void *session)
{
    const struct net_service *inner = owner;
    inner->close(inner->owner, session);
}

static bool on_open(void *owner, struct session *s, struct resp_writer *reply)
{
    const struct toy *t = owner;
    if (t->refuse) {
        resp_error(reply, "ERR not today");
        return false;
    }
    if (!t->stranger)
        s->flags |= SESSION_AUTHENTICATED;
    return true;
}

static void on_reset(void *owner, struct session *s)
{
    ck_assert_ptr_nonnull(s);
    ((struct toy *)owner)->resets++;
}

void toy_start(int kind)
{
    memset(&toy, 0, sizeof toy);
    toy.keyspace = keyspace_new(4);
    toy.options.proto_max_bulk_len = 1024 * 1024;
    toy.d = dispatch_new(toy.keyspace, &toy.options);
    registry_add(dispatch_registry(toy.d), rows, sizeof rows / sizeof rows[0], &toy);
    dispatch_add_open_hook(toy.d, on_open, &toy);
    dispatch_add_reset_hook(toy.d, on_reset, &toy);
    toy.service = (struct net_service){.owner = (void *)(uintptr_t)dispatch_service(toy.d),
                                       .open = toy_open,
                                       .parse = toy_parse,
                                       .execute = toy_execute,
                                       .close = toy_close};
    world_setup_for(&toy.f, kind, &toy.service);
    world_adopt(&toy.f);
}

void toy_stop(void)
{
    world_stop(&toy.f);
    ck_assert_uint_eq(dispatch_session_count(toy.d), 0);
    dispatch_free(toy.d);
    keyspace_free(toy.keyspace);
    buf_done(&toy.trace);
}

int toy_join(void)
{
    size_t before = dispatch_session_count(toy.d);
    int fd = peer_dial(&toy.f);
    for (int i = 0; i < WORLD_TURNS && dispatch_session_count(toy.d) == before; i++)
        loop_turn(toy.f.loop);
    ck_assert_uint_eq(dispatch_session_count(toy.d), before + 1);
    return fd;
}

void toy_say(int fd, const char *text)
{
    peer_say(&toy.f, fd, text);
}

void toy_expect(int fd, const char *text)
{
    peer_expect(&toy.f, fd, text);
}

void toy_expect_trace(const char *text)
{
    ck_assert_str_eq(buf_cstr(&toy.trace), text);
}

void toy_expect_gone(int fd)
{
    char more[16];
    int error;
    ck_assert_uint_eq(peer_hear(&toy.f, fd, more, 1, &error), 0);
    close(fd);
}

void toy_argc(struct buf *out, unsigned count)
{
    buf_printf(out, "*%u\r\n$4\r\nARGC\r\n", count);
    for (unsigned i = 1; i < count; i++)
        buf_printf(out, "$5\r\n%05u\r\n", i);
}

void toy_expect_row(const char *section, const char *text)
{
    struct counters *counters = counters_new();
    dispatch_register_counters(toy.d, counters);
    struct buf out = {0};
    counters_print(counters, section, section, &out);
    if (strstr(buf_cstr(&out), text) == NULL)
        ck_abort_msg("no %s in %s", text, buf_cstr(&out));
    buf_done(&out);
    counters_free(counters);
}

/* --- the bars --- */

/* Asks only of LOG and ARGC, so that other commands can go on. */
static enum dispatch_verdict bar_gate(void *owner, struct command_ctx *ctx)
{
    const struct toy_bar *bar = owner;
    if (!slice_is(ctx->argv[0], "LOG") && !slice_is(ctx->argv[0], "ARGC"))
        return DISPATCH_PASS;
    buf_append_byte(&toy.trace, bar->letter);
    if (bar->verdict == DISPATCH_REFUSED)
        resp_errorf(ctx->reply, "BAR %c", bar->letter);
    return bar->verdict;
}

void toy_add_bar(struct toy_bar *bar, enum dispatch_rank rank)
{
    bar->handle = dispatch_add_gate(toy.d, rank, bar_gate, bar);
    dispatch_gate_enable(toy.d, bar->handle, true);
}
