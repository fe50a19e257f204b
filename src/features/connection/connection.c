/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See connection.h. Passwords are compared in a time that depends on the length of
 * what was sent alone, so that a client cannot feel its way to the right one.
 */
#include "features/connection/connection.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/counter.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/number.h"
#include "base/slice.h"
#include "codec/resp_writer.h"
#include "command/command.h"
#include "command/command_log.h"
#include "command/dispatch.h"
#include "command/registry.h"
#include "command/session.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "net/net.h"

struct connection {
    struct dispatch *dispatch;
    const struct connection_options *options;
    unsigned gate;
    uint64_t denied; /* wrong passwords */
};

static int check_version(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    if (value->string[0] != '\0' && strspn(value->string, "0123456789.") == strlen(value->string))
        return 0;
    buf_append_str(why, "a version consists of digits and dots, for example 7.2.4");
    return MR_E_CONFIG;
}

const struct config_option connection_config_rows[] = {
    {.name = "requirepass",
     .type = CONFIG_STRING,
     .flags = CONFIG_RUNTIME | CONFIG_SECRET,
     .offset = offsetof(struct connection_options, requirepass),
     .fallback = "",
     .sentence =
         "The password that clients must send with AUTH or HELLO before anything else; empty: none is "
         "asked for."},
    {.name = "protected-mode",
     .type = CONFIG_BOOL,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct connection_options, protected_mode),
     .fallback = "yes",
     .sentence = "Refuses clients from other machines as long as no password is set."},
    {.name = "compat-version",
     .type = CONFIG_STRING,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct connection_options, compat_version),
     .fallback = "7.2.4",
     .check = check_version,
     .sentence = "The Redis version that HELLO and INFO name to clients which choose their features by it."},
};
const size_t connection_config_count = sizeof connection_config_rows / sizeof connection_config_rows[0];

static bool connection_has_password(const struct connection *c)
{
    return c->options->requirepass[0] != '\0';
}

static bool connection_same_secret(struct slice given, const char *secret)
{
    size_t len = strlen(secret);
    size_t different = given.len ^ len;
    /* The index runs over the secret in a circle: no branch tells where it ends. */
    for (size_t i = 0; i < given.len; i++)
        different |= (unsigned char)(given.ptr[i] ^ secret[i % (len + 1)]);
    return different == 0;
}

/* What was sent is not shown, not even as the name of a user, unless there is one of that name: it may
 * be a password in its place. */
static void log_denied(struct command_ctx *ctx, struct slice user)
{
    bool known = dispatch_user_exists(ctx->dispatch, user);
    struct buf name = {0};
    struct command_log about;
    buf_append_slice(&name, user);
    command_log_request(&about, ctx);
    command_log_add(&about, "MINIREDIS_AUTH_USER", known ? buf_cstr(&name) : NULL);
    log_event(LOG_EVENT_AUTH_FAILED, about.fields, about.count, "%s failed to authenticate as %s",
              about.client, known ? buf_cstr(&name) : "a user that does not exist");
    buf_done(&name);
}

/* False, with the error written, unless USER may come in with PASSWORD. */
static bool connection_log_in(struct command_ctx *ctx, struct slice user, struct slice password)
{
    struct connection *c = ctx->owner;
    bool known = slice_equal(user, slice_str("default"));
    bool right = !connection_has_password(c) || connection_same_secret(password, c->options->requirepass);
    if (!known || !right) {
        c->denied++;
        log_denied(ctx, user);
        resp_error(ctx->reply, "WRONGPASS invalid username-password pair or user is disabled.");
        return false;
    }
    ctx->session->flags |= SESSION_AUTHENTICATED;
    ctx->session->flags &= ~(uint32_t)SESSION_READ_ONLY;
    ctx->session->user = "default";
    return true;
}

static enum dispatch_verdict connection_gate(void *owner, struct command_ctx *ctx)
{
    (void)owner;
    if ((ctx->session->flags & SESSION_AUTHENTICATED) || (ctx->command->flags & CMD_NO_AUTH))
        return DISPATCH_PASS;
    resp_error(ctx->reply, "NOAUTH Authentication required.");
    return DISPATCH_REFUSED;
}

static void connection_set_default_auth(struct connection *c, struct session *s)
{
    const struct session_identity *known = s->identity;
    s->user = known != NULL ? known->user : "default";
    s->flags &= ~(uint32_t)(SESSION_AUTHENTICATED | SESSION_READ_ONLY);
    if (known != NULL || !connection_has_password(c))
        s->flags |= SESSION_AUTHENTICATED;
    if (known != NULL && known->read_only)
        s->flags |= SESSION_READ_ONLY;
}

static bool connection_opened(void *owner, struct session *s, struct resp_writer *reply)
{
    struct connection *c = owner;
    connection_set_default_auth(c, s);
    if (!c->options->protected_mode || connection_has_password(c) || net_conn_is_local(s->conn))
        return true;
    struct command_log about;
    command_log_session(&about, s);
    log_event(LOG_EVENT_PROTECTED_MODE, about.fields, about.count,
              "%s was turned away: it comes from another machine, and no password is set", about.client);
    resp_error(
        reply,
        "DENIED miniredis is running in protected mode because protected mode is enabled and no password "
        "is set for the default user. In this mode only clients on the same machine are served. To let "
        "this client in, do one of these on the server's machine: 1) set a password (requirepass) in the "
        "configuration file, or with CONFIG SET requirepass from a local client; 2) turn the mode off "
        "with CONFIG SET protected-mode no, or protected-mode = no in the configuration file, once you "
        "are sure that the server cannot be reached from the internet; 3) start it with "
        "--protected-mode no, for a test.");
    return false;
}

static void connection_was_reset(void *owner, struct session *s)
{
    connection_set_default_auth(owner, s);
}

/* --- commands --- */

static void connection_cmd_ping(struct command_ctx *ctx)
{
    if (ctx->argc > 2)
        dispatch_wrong_arity(ctx);
    else if (ctx->argc == 2)
        resp_bulk(ctx->reply, ctx->argv[1]);
    else
        resp_raw(ctx->reply, "+PONG\r\n", 7);
}

static void connection_cmd_echo(struct command_ctx *ctx)
{
    resp_bulk(ctx->reply, ctx->argv[1]);
}

static void connection_cmd_quit(struct command_ctx *ctx)
{
    resp_ok(ctx->reply);
    dispatch_finish_session(ctx->dispatch, ctx->session);
}

static void connection_cmd_reset(struct command_ctx *ctx)
{
    dispatch_reset_session(ctx->dispatch, ctx->session);
    ctx->reply->version = ctx->session->resp;
    resp_simple(ctx->reply, "RESET");
}

static void connection_cmd_select(struct command_ctx *ctx)
{
    int64_t index;
    if (!dispatch_arg_int(ctx, 1, &index))
        return;
    if (index < INT32_MIN || index > INT32_MAX)
        resp_errorf(ctx->reply, "ERR value is out of range, value must between %" PRId32 " and %" PRId32,
                    INT32_MIN, INT32_MAX);
    else if (keyspace_db(dispatch_keyspace(ctx->dispatch), index) == NULL)
        resp_error_code(ctx->reply, MR_E_DB_INDEX);
    else {
        ctx->session->db = (int32_t)index;
        resp_ok(ctx->reply);
    }
}

static void connection_cmd_auth(struct command_ctx *ctx)
{
    struct connection *c = ctx->owner;
    if (ctx->argc > 3) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if (ctx->argc == 2 && !connection_has_password(c)) {
        resp_error(ctx->reply,
                   "ERR AUTH <password> called without any password configured for the default user. "
                   "Are you sure your configuration is correct?");
        return;
    }
    struct slice user = ctx->argc == 2 ? slice_str("default") : ctx->argv[1];
    if (connection_log_in(ctx, user, ctx->argv[ctx->argc - 1]))
        resp_ok(ctx->reply);
}

/* Bytes of an unknown option that its error repeats. */
#define HELLO_SHOWN 4096

/* False, with the error written, if HELLO's version is not right; 0: none is given. */
static bool hello_version(struct command_ctx *ctx, int64_t *ret_version)
{
    *ret_version = 0;
    if (ctx->argc == 1)
        return true;
    if (!number_to_int(ctx->argv[1], ret_version)) {
        resp_error(ctx->reply, "ERR Protocol version is not an integer or out of range");
        return false;
    }
    if (*ret_version < 2 || *ret_version > 3) {
        resp_error(ctx->reply, "NOPROTO unsupported protocol version");
        return false;
    }
    return true;
}

/* Applies HELLO's options one by one. False, with the error written, at the first that
 * is not right; those before it stay applied, as they do in redis-server. */
static bool hello_options(struct command_ctx *ctx)
{
    for (uint32_t i = 2; i < ctx->argc; i++) {
        struct slice word = ctx->argv[i];
        uint32_t more = ctx->argc - 1 - i;
        if (slice_is(word, "AUTH") && more >= 2) {
            if (!connection_log_in(ctx, ctx->argv[i + 1], ctx->argv[i + 2]))
                return false;
            i += 2;
        } else if (slice_is(word, "SETNAME") && more >= 1) {
            struct slice name = ctx->argv[++i];
            if (!session_text_valid(name)) {
                resp_error(ctx->reply,
                           "ERR Client names cannot contain spaces, newlines or special characters.");
                return false;
            }
            session_set_text(&ctx->session->name, name);
        } else {
            int shown = word.len < HELLO_SHOWN ? (int)word.len : HELLO_SHOWN;
            resp_errorf(ctx->reply, "ERR Syntax error in HELLO option '%.*s'", shown, word.ptr);
            return false;
        }
    }
    return true;
}

static void hello_reply(struct command_ctx *ctx)
{
    struct connection *c = ctx->owner;
    struct resp_writer *w = ctx->reply;
    resp_map(w, 7);
    resp_bulk_str(w, "server");
    resp_bulk_str(w, "redis");
    resp_bulk_str(w, "version");
    resp_bulk_str(w, c->options->compat_version);
    resp_bulk_str(w, "proto");
    resp_int(w, ctx->session->resp);
    resp_bulk_str(w, "id");
    resp_int(w, (int64_t)ctx->session->id);
    resp_bulk_str(w, "mode");
    resp_bulk_str(w, "standalone");
    resp_bulk_str(w, "role");
    resp_bulk_str(w, "master");
    resp_bulk_str(w, "modules");
    resp_array(w, 0);
}

static void connection_cmd_hello(struct command_ctx *ctx)
{
    int64_t version;
    if (!hello_version(ctx, &version) || !hello_options(ctx))
        return;
    if (!(ctx->session->flags & SESSION_AUTHENTICATED)) {
        resp_error(ctx->reply,
                   "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
                   "AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
                   "protocol version at the same time");
        return;
    }
    if (version != 0)
        ctx->reply->version = ctx->session->resp = (uint8_t)version;
    hello_reply(ctx);
}

/* --- life --- */

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command connection_rows[] = {
#include "features/connection/connection.def"
};
#undef COMMAND

struct connection *connection_new(struct dispatch *d, const struct connection_options *options)
{
    struct connection *c = heap_alloc_zero(sizeof *c);
    c->dispatch = d;
    c->options = options;
    registry_add(dispatch_registry(d), connection_rows, sizeof connection_rows / sizeof connection_rows[0],
                 c);
    c->gate = dispatch_add_gate(d, DISPATCH_RANK_AUTH, connection_gate, c);
    dispatch_gate_enable(d, c->gate, connection_has_password(c));
    dispatch_add_open_hook(d, connection_opened, c);
    dispatch_add_reset_hook(d, connection_was_reset, c);
    return c;
}

void connection_free(struct connection *c)
{
    heap_free(c);
}

int connection_apply(void *owner, const bool *changed, struct buf *why)
{
    struct connection *c = owner;
    (void)changed;
    (void)why;
    bool gated = connection_has_password(c);
    dispatch_gate_enable(c->dispatch, c->gate, gated);
    /* Without a password everybody is in, those who came before it went too. */
    if (!gated)
        for (struct session *s = dispatch_first_session(c->dispatch); s != NULL; s = s->next)
            s->flags |= SESSION_AUTHENTICATED;
    return 0;
}

static void connection_format_version(const void *owner, struct buf *out)
{
    const struct connection *c = owner;
    buf_append_str(out, c->options->compat_version);
}

static const struct counter_row connection_counter_rows[] = {
    {.section = "server",
     .name = "redis_version",
     .sentence = "The version of Redis that clients may take this server for (compat-version).",
     .format = connection_format_version},
    {.section = "stats",
     .name = "acl_access_denied_auth",
     .sentence = "Attempts to authenticate with a wrong user or password.",
     .offset = offsetof(struct connection, denied),
     .reset = true},
};

void connection_register_counters(struct connection *c, struct counters *counters)
{
    counters_add(counters, connection_counter_rows,
                 sizeof connection_counter_rows / sizeof connection_counter_rows[0], c, NULL);
}
