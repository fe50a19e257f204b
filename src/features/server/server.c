/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See server.h.
 */
#include "features/server/server.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/random.h"
#include "command/command_log.h"
#include "config/config.h"
#include "features/server/server_private.h"

static const struct config_name allow_names[] = {
    {"no", SERVER_NO}, {"local", SERVER_LOCAL}, {"yes", SERVER_YES}, {NULL, 0}};

const struct config_option server_config_rows[] = {
    {.name = "enable-debug-command",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct server_options, enable_debug_command),
     .fallback = "no",
     .names = allow_names,
     .sentence = "Whether DEBUG may be used: never, from this machine, or always."},
};
const size_t server_config_count = sizeof server_config_rows / sizeof server_config_rows[0];

static command_handler server_cmd_time, server_cmd_shutdown, server_cmd_lolwut;

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "features/server/server.def"
};
#undef COMMAND

static enum dispatch_verdict protected_gate(void *owner, struct command_ctx *ctx)
{
    const struct server *s = owner;
    int allow = s->options->enable_debug_command;
    if (ctx->command->handler != server_cmd_debug || allow == SERVER_YES ||
        (allow == SERVER_LOCAL && net_conn_is_local(ctx->session->conn)))
        return DISPATCH_PASS;
    struct command_log about;
    command_log_request(&about, ctx);
    log_event(LOG_EVENT_DEBUG_REFUSED, about.fields, about.count,
              "DEBUG was refused to %s: enable-debug-command does not allow it", about.client);
    resp_error(
        ctx->reply,
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can "
        "run it from a local connection, otherwise you need to set this option in the configuration file, "
        "and then restart the server.");
    return DISPATCH_REFUSED;
}

struct server *server_new(struct dispatch *d, const struct server_options *options,
                          const struct server_ops *ops)
{
    struct server *s = heap_alloc_zero(sizeof *s);
    s->options = options;
    s->ops = *ops;
    registry_add(dispatch_registry(d), rows, sizeof rows / sizeof rows[0], s);
    unsigned gate = dispatch_add_gate(d, DISPATCH_RANK_PROTECTED, protected_gate, s);
    dispatch_gate_enable(d, gate, options->enable_debug_command != SERVER_YES);
    return s;
}

void server_free(struct server *s)
{
    heap_free(s);
}

static void server_cmd_time(struct command_ctx *ctx)
{
    resp_array(ctx->reply, 2);
    resp_bulk_int(ctx->reply, clock_us() / 1000000);
    resp_bulk_int(ctx->reply, clock_us() % 1000000);
}

/* --- SHUTDOWN --- */

enum shutdown_word { WORD_NOSAVE = 1, WORD_SAVE = 2, WORD_NOW = 4, WORD_FORCE = 8, WORD_ABORT = 16 };

static unsigned shutdown_word(struct slice word)
{
    static const char *const words[] = {"NOSAVE", "SAVE", "NOW", "FORCE", "ABORT"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_is(word, words[i]))
            return 1u << i;
    return 0;
}

static void server_cmd_shutdown(struct command_ctx *ctx)
{
    const struct server *s = ctx->owner;
    unsigned words = 0;
    for (uint32_t i = 1; i < ctx->argc; i++) {
        unsigned word = shutdown_word(ctx->argv[i]);
        words |= word;
        if (word == 0) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return;
        }
    }
    bool both = (words & WORD_SAVE) != 0 && (words & WORD_NOSAVE) != 0;
    if (both || ((words & WORD_ABORT) != 0 && words != WORD_ABORT)) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if ((words & WORD_ABORT) != 0) {
        resp_error(ctx->reply, "ERR No shutdown in progress.");
        return;
    }
    enum server_save save = (words & WORD_NOSAVE) != 0 ? SERVER_SAVE_NEVER
                            : (words & WORD_SAVE) != 0 ? SERVER_SAVE_ALWAYS
                                                       : SERVER_SAVE_AS_CONFIGURED;
    struct command_log about;
    command_log_request(&about, ctx);
    log_event(LOG_EVENT_SHUTDOWN_ASKED, about.fields, about.count, "User %s asked for the shutdown, from %s",
              ctx->session->user, about.client);
    if (s->ops.stop(s->ops.owner, save, (words & WORD_FORCE) != 0)) {
        dispatch_finish_session(ctx->dispatch, ctx->session);
        return;
    }
    log_event(LOG_EVENT_SHUTDOWN_REFUSED, about.fields, about.count,
              "SHUTDOWN of %s was refused, since an end would lose what could not be saved; SHUTDOWN NOSAVE "
              "ends the server without a save",
              about.client);
    resp_error(ctx->reply, "ERR Errors trying to SHUTDOWN. Check logs.");
}

/* --- LOLWUT --- */

#define PICTURE_WIDTH  48
#define PICTURE_HEIGHT 12

/* A one-dimensional cellular automaton from a random line, one of the rules whose
 * pictures are worth a look. */
static void draw(struct buf *out, struct random *random)
{
    static const uint8_t rules[] = {30, 45, 73, 90, 105, 110, 150};
    uint8_t rule = rules[random_below(random, sizeof rules)];
    uint64_t cells = random_next(random) >> (64 - PICTURE_WIDTH);
    for (int row = 0; row < PICTURE_HEIGHT; row++) {
        uint64_t next = 0;
        for (int i = 0; i < PICTURE_WIDTH; i++) {
            unsigned left = cells >> ((i + PICTURE_WIDTH - 1) % PICTURE_WIDTH) & 1;
            unsigned self = cells >> i & 1, right = cells >> ((i + 1) % PICTURE_WIDTH) & 1;
            next |= (uint64_t)(rule >> (left << 2 | self << 1 | right) & 1) << i;
            buf_append_byte(out, self ? '#' : ' ');
        }
        buf_append_byte(out, '\n');
        cells = next;
    }
}

static void server_cmd_lolwut(struct command_ctx *ctx)
{
    const struct server *s = ctx->owner;
    int64_t version = 0;
    if (ctx->argc >= 3 && slice_is(ctx->argv[1], "VERSION") && !dispatch_arg_int(ctx, 2, &version))
        return;
    struct buf out = {0};
    draw(&out, keyspace_random(db_keyspace(ctx->db)));
    buf_printf(&out, "\nminiredis ver. %s\n", s->ops.version);
    resp_verbatim(ctx->reply, "txt", buf_slice(&out));
    buf_done(&out);
}
