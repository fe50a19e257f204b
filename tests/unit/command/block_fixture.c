/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The toy commands that block, and those that make keys ready.
 */
#include "command/block_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* --- the commands --- */

static struct entry *find(struct command_ctx *ctx, uint32_t i)
{
    return db_find(ctx->db, ctx->argv[i], dispatch_hash(ctx, i), 0);
}

static void append(struct command_ctx *ctx, struct slice key, struct slice letters)
{
    uint64_t hash = keyspace_hash(toy.keyspace, key);
    struct entry *e = db_find(ctx->db, key, hash, 0);
    size_t was = e == NULL ? 0 : entry_packed(keyspace_arena(toy.keyspace), e).len;
    char *bytes;
    ck_assert_int_eq(db_edit_packed(ctx->db, e, key, hash, OBJECT_LIST, was + letters.len, &bytes), 0);
    memcpy(bytes + was, letters.ptr, letters.len);
    db_event(ctx->db, EVENT_LIST, "push", key);
}

static void cmd_push(struct command_ctx *ctx)
{
    append(ctx, ctx->argv[1], ctx->argv[2]);
    resp_ok(ctx->reply);
}

/* The first letter of the row at argument I, which may go by that. */
static bool take(struct command_ctx *ctx, uint32_t i, char *letter)
{
    struct entry *e = find(ctx, i);
    if (e == NULL || entry_type(e) != OBJECT_LIST)
        return false;
    char rest[256];
    struct slice row = entry_packed(keyspace_arena(toy.keyspace), e);
    char *bytes;
    *letter = row.ptr[0];
    memcpy(rest, row.ptr, row.len);
    if (row.len == 1) {
        db_delete_entry(ctx->db, e);
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[i]);
        return true;
    }
    ck_assert_int_eq(
        db_edit_packed(ctx->db, e, ctx->argv[i], dispatch_hash(ctx, i), OBJECT_LIST, row.len - 1, &bytes), 0);
    memcpy(bytes, rest + 1, row.len - 1);
    db_event(ctx->db, EVENT_LIST, "take", ctx->argv[i]);
    return true;
}

static void wait_or_null(struct command_ctx *ctx, const struct block_request *r)
{
    if (!dispatch_block(ctx, r))
        resp_null_array(ctx->reply);
}

static void cmd_take(struct command_ctx *ctx)
{
    struct block_request r = {.first = 1, .count = ctx->argc - 2, .type = OBJECT_LIST};
    char letter;
    if (!dispatch_arg_timeout(ctx, ctx->argc - 1, BLOCK_SECONDS, &r.deadline_us))
        return;
    for (uint32_t i = 1; i < ctx->argc - 1; i++) {
        if (!dispatch_is_ready(ctx, i) || !take(ctx, i, &letter))
            continue;
        char text[64];
        snprintf(text, sizeof text, "%.*s:%c", (int)ctx->argv[i].len, ctx->argv[i].ptr, letter);
        resp_simple(ctx->reply, text);
        return;
    }
    wait_or_null(ctx, &r);
}

static void cmd_pass(struct command_ctx *ctx)
{
    struct block_request r = {.first = 1, .count = 1, .type = OBJECT_LIST};
    char letter;
    if (!dispatch_arg_timeout(ctx, 3, BLOCK_SECONDS, &r.deadline_us))
        return;
    if (!dispatch_is_ready(ctx, 1) || !take(ctx, 1, &letter)) {
        wait_or_null(ctx, &r);
        return;
    }
    append(ctx, ctx->argv[2], slice_of(&letter, 1));
    resp_bulk(ctx->reply, slice_of(&letter, 1));
}

/* Waits again as long as the row is there; its arguments are others when it is called again. */
static void cmd_watch(struct command_ctx *ctx)
{
    struct slice argv[] = {ctx->argv[0], ctx->argv[1], ctx->argv[2], slice_str("again")};
    struct block_request r = {.first = 1,
                              .count = 1,
                              .type = OBJECT_LIST,
                              .events = EVENT_LIST,
                              .gone = true,
                              .argv = argv,
                              .argc = 4};
    if (!dispatch_arg_timeout(ctx, 2, BLOCK_SECONDS, &r.deadline_us))
        return;
    ck_assert_uint_eq(ctx->argc, ctx->retry == NULL ? 3 : 4);
    const struct entry *e = find(ctx, 1);
    if (ctx->retry != NULL)
        buf_append_byte(&toy.trace, 'w');
    if (ctx->retry == NULL || ctx->retry->ready == 0 || (e != NULL && entry_type(e) == OBJECT_LIST))
        wait_or_null(ctx, &r);
    else
        resp_error(ctx->reply, "GONE away");
}

/* Looks MS milliseconds after each call, as often as TIMES says, then answers; null when the time S is
 * over. Every call leaves an "l" or, with a key that is ready, a "k". */
static void cmd_look(struct command_ctx *ctx)
{
    int64_t ms = 0, times = 0, deadline_us;
    struct block_request r = {.first = 1, .count = 1, .type = OBJECT_LIST, .events = EVENT_LIST};
    if (!dispatch_arg_timeout(ctx, 4, BLOCK_SECONDS, &deadline_us) || !dispatch_arg_int(ctx, 2, &ms) ||
        !dispatch_arg_int(ctx, 3, &times))
        return;
    r.deadline_us = deadline_us;
    if (ctx->retry != NULL && (ctx->retry->look || ctx->retry->ready != 0)) {
        ck_assert(dispatch_is_ready(ctx, 1));
        buf_append_byte(&toy.trace, ctx->retry->look ? 'l' : 'k');
    }
    if (ms != 0 && (int64_t)toy.trace.len >= times) {
        resp_simple(ctx->reply, "looked");
        return;
    }
    r.look_us = ms == 0 ? 0 : clock_mono_now_us() + ms * 1000;
    wait_or_null(ctx, &r);
}

static void cmd_other(struct command_ctx *ctx)
{
    struct entry_value v;
    entry_value_inline(&v, slice_str("other"));
    ck_assert_int_eq(db_put(ctx->db, ctx->argv[1], ctx->key_hash, OBJECT_SET, &v, DB_EXPIRY_NONE), 0);
    resp_ok(ctx->reply);
}

static void cmd_drop(struct command_ctx *ctx)
{
    if (db_delete(ctx->db, ctx->argv[1], ctx->key_hash))
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
    resp_ok(ctx->reply);
}

static void cmd_move(struct command_ctx *ctx)
{
    struct db *to = keyspace_db(toy.keyspace, ctx->argv[2].ptr[0] - '0');
    ck_assert_int_eq(
        db_move(ctx->db, find(ctx, 1), to, ctx->argv[3], keyspace_hash(toy.keyspace, ctx->argv[3]), NULL), 0);
    db_event(ctx->db, EVENT_GENERIC, "move_from", ctx->argv[1]);
    db_event(to, EVENT_GENERIC, "move_to", ctx->argv[3]);
    db_event_replaced(to, ctx->argv[3]);
    resp_ok(ctx->reply);
}

static void cmd_copy(struct command_ctx *ctx)
{
    struct entry_value v;
    const struct entry *e = find(ctx, 1);
    ck_assert_int_eq(entry_value_copy(&v, keyspace_arena(toy.keyspace), e), 0);
    ck_assert_int_eq(
        db_put_as_new(ctx->db, ctx->argv[2], dispatch_hash(ctx, 2), OBJECT_LIST, &v, DB_EXPIRY_NONE), 0);
    db_event_replaced(ctx->db, ctx->argv[2]);
    resp_ok(ctx->reply);
}

static void cmd_expire(struct command_ctx *ctx)
{
    db_set_expiry(ctx->db, find(ctx, 1), clock_ms() - 1);
    resp_ok(ctx->reply);
}

static void cmd_go(struct command_ctx *ctx)
{
    ctx->session->db = ctx->argv[1].ptr[0] - '0';
    resp_ok(ctx->reply);
}

static void cmd_swap(struct command_ctx *ctx)
{
    keyspace_swap(toy.keyspace, 0, 1);
    resp_ok(ctx->reply);
}

static void cmd_flush(struct command_ctx *ctx)
{
    db_flush(ctx->db);
    resp_ok(ctx->reply);
}

static void cmd_end(struct command_ctx *ctx)
{
    int64_t id;
    if (dispatch_arg_int(ctx, 1, &id))
        resp_int(ctx->reply, block_end(ctx->dispatch, toy_session((uint64_t)id), ctx->argc > 2));
}

static void cmd_until(struct command_ctx *ctx)
{
    int64_t deadline_us = -1;
    bool seconds = slice_is(ctx->argv[1], "S");
    int64_t now_us = clock_mono_now_us();
    if (!dispatch_arg_timeout(ctx, 2, seconds ? BLOCK_SECONDS : BLOCK_MS, &deadline_us))
        return;
    int64_t us = deadline_us == 0 ? 0 : deadline_us - now_us;
    resp_int(ctx->reply, (us + 500) / 1000);
}

#define KEYED COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RW, 1, 0, 1))
static const struct command rows[] = {
    {.name = "PUSH", .handler = cmd_push, .arity = 3, KEYED},
    {.name = "TAKE", .handler = cmd_take, .arity = -3, KEYED},
    {.name = "PASS", .handler = cmd_pass, .arity = 4, KEYED},
    {.name = "WATCH", .handler = cmd_watch, .arity = 3, KEYED},
    {.name = "LOOK", .handler = cmd_look, .arity = 5, KEYED},
    {.name = "OTHER", .handler = cmd_other, .arity = 2, KEYED},
    {.name = "DROP", .handler = cmd_drop, .arity = 2, KEYED},
    {.name = "MOVE", .handler = cmd_move, .arity = 4, KEYED},
    {.name = "COPY", .handler = cmd_copy, .arity = 3, KEYED},
    {.name = "EXPIRE", .handler = cmd_expire, .arity = 2, KEYED},
    {.name = "GO", .handler = cmd_go, .arity = 2},
    {.name = "SWAP", .handler = cmd_swap, .arity = 1},
    {.name = "FLUSH", .handler = cmd_flush, .arity = 1},
    {.name = "END", .handler = cmd_end, .arity = -2},
    {.name = "UNTIL", .handler = cmd_until, .arity = 3},
};

/* --- the set-up --- */

int block_fds[BLOCK_CLIENTS];

void block_add_commands(void)
{
    registry_add(dispatch_registry(toy.d), rows, sizeof rows / sizeof rows[0], &toy);
}

void block_start(int kind)
{
    clock_update();
    toy_start(kind);
    block_add_commands();
    block_attach(toy.d, toy.f.loop);
    for (int i = 0; i < BLOCK_CLIENTS; i++)
        block_fds[i] = toy_join();
}

void block_stop(void)
{
    toy_stop();
    for (int i = 0; i < BLOCK_CLIENTS; i++)
        if (block_fds[i] >= 0)
            close(block_fds[i]);
}

void block_say(int i, const char *text)
{
    struct session *s = toy_session((uint64_t)i + 1);
    toy_say(block_fds[i], text);
    for (int n = 0; n < WORLD_TURNS && !block_is_waiting(s); n++)
        loop_turn(toy.f.loop);
    ck_assert(block_is_waiting(s));
}

void block_ask(int i, const char *text, const char *answer)
{
    toy_say(block_fds[i], text);
    toy_expect(block_fds[i], answer);
}

void block_expect(int i, const char *answer)
{
    toy_expect(block_fds[i], answer);
    ck_assert(!block_is_waiting(toy_session((uint64_t)i + 1)));
}

void block_silent(int i)
{
    peer_expect_nothing(&toy.f, block_fds[i]);
    ck_assert(block_is_waiting(toy_session((uint64_t)i + 1)));
}

void block_expect_clean(void)
{
    toy_expect_row("clients", "\r\nblocked_clients:0\r\n");
    toy_expect_row("clients", "\r\nclients_in_timeout_table:0\r\n");
    toy_expect_row("clients", "\r\ntotal_blocking_keys:0\r\n");
    toy_expect_row("clients", "\r\ntotal_blocking_keys_on_nokey:0\r\n");
}
