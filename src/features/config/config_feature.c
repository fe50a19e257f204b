/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See config_feature.h. The rules of what may be set, and the texts, are
 * config/config.h's; here are only the commands.
 */
#include "features/config/config_feature.h"

#include "base/heap.h"
#include "base/log.h"
#include "base/text.h"
#include "command/command_log.h"
#include "command/dispatch.h"
#include "config/config_load.h"

static const struct config_name allow_names[] = {
    {"no", CONFIG_FEATURE_NO}, {"local", CONFIG_FEATURE_LOCAL}, {"yes", CONFIG_FEATURE_YES}, {NULL, 0}};

const struct config_option config_feature_rows[] = {
    {.name = "enable-protected-configs",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct config_feature_options, enable_protected_configs),
     .fallback = "no",
     .names = allow_names,
     .sentence =
         "Whether CONFIG SET may change options that name files: never, from this machine, or always."},
    {.name = "overlay-file",
     .type = CONFIG_STRING,
     .offset = offsetof(struct config_feature_options, overlay_file),
     .fallback = "overlay.conf",
     .sentence =
         "The file that CONFIG REWRITE writes and that is read after the configuration files: in the "
         "service's "
         "state directory, without a service manager in dir, unless it is an absolute path; empty: none."},
};
const size_t config_feature_count = sizeof config_feature_rows / sizeof config_feature_rows[0];

static command_handler config_feature_cmd_get, config_feature_cmd_help, config_feature_cmd_resetstat,
    config_feature_cmd_rewrite, config_feature_cmd_set;

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "features/config/config_feature.def"
};
#undef COMMAND

struct config_feature {
    struct config *config;
    struct counters *counters;
    const struct config_feature_options *options;
};

struct config_feature *config_feature_new(struct dispatch *d, struct config *config,
                                          struct counters *counters,
                                          const struct config_feature_options *options)
{
    struct config_feature *f = heap_alloc_zero(sizeof *f);
    *f = (struct config_feature){.config = config, .counters = counters, .options = options};
    registry_add(dispatch_registry(d), rows, sizeof rows / sizeof rows[0], f);
    return f;
}

void config_feature_free(struct config_feature *f)
{
    heap_free(f);
}

/* Asked for by name, an option is answered under that spelling, by a pattern under its own; one
 * with an old name is answered under each of the two that is asked for. NULL in the result: it is
 * not asked for. */
static struct slice wanted(const struct command_ctx *ctx, const char *name)
{
    for (uint32_t i = 2; name != NULL && i < ctx->argc; i++) {
        if (slice_is(ctx->argv[i], name))
            return ctx->argv[i];
        if (text_glob(ctx->argv[i], slice_str(name), true))
            return slice_str(name);
    }
    return (struct slice){NULL, 0};
}

/* Returns the pairs written: none if there is no NAME. */
static size_t reply_option(struct command_ctx *ctx, const struct config_feature *f,
                           const struct config_option *o, struct slice name)
{
    if (name.ptr == NULL)
        return 0;
    struct buf value = {0};
    config_print_value(f->config, o, &value);
    resp_bulk(ctx->reply, name);
    resp_bulk(ctx->reply, buf_slice(&value));
    buf_done(&value);
    return 1;
}

static void config_feature_cmd_get(struct command_ctx *ctx)
{
    const struct config_feature *f = ctx->owner;
    size_t mark = resp_later(ctx->reply), pairs = 0;
    for (size_t i = 0; i < config_option_count(f->config); i++) {
        const struct config_option *o = config_option_at(f->config, i, NULL);
        pairs += reply_option(ctx, f, o, wanted(ctx, o->name));
        pairs += reply_option(ctx, f, o, wanted(ctx, o->alias));
    }
    bool map = ctx->reply->version == 3;
    resp_later_end(ctx->reply, mark, map ? '%' : '*', map ? pairs : 2 * pairs);
}

/* Names alone: a value may be a secret. */
static void log_set(struct command_ctx *ctx, const struct config_change *changes, size_t count)
{
    const struct config_feature *f = ctx->owner;
    struct command_log about;
    struct buf names = {0};
    for (size_t i = 0; i < count; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", config_find(f->config, changes[i].name)->name);
    command_log_request(&about, ctx);
    command_log_add(&about, "MINIREDIS_OPTION", buf_cstr(&names));
    log_event(LOG_EVENT_CONFIG_SET, about.fields, about.count, "User %s, from %s, set %s", ctx->session->user,
              about.client, buf_cstr(&names));
    buf_done(&names);
}

static void log_refused(struct command_ctx *ctx, const struct config_change *changes, size_t count)
{
    const struct config_feature *f = ctx->owner;
    for (size_t i = 0; i < count; i++) {
        const struct config_option *o = config_find(f->config, changes[i].name);
        if (o == NULL || (o->flags & CONFIG_PROTECTED) == 0)
            continue;
        struct command_log about;
        command_log_request(&about, ctx);
        command_log_add(&about, "MINIREDIS_OPTION", o->name);
        log_event(LOG_EVENT_CONFIG_SET_REFUSED, about.fields, about.count,
                  "User %s, from %s, may not set %s: enable-protected-configs does not allow it",
                  ctx->session->user, about.client, o->name);
        return;
    }
}

static void config_feature_cmd_set(struct command_ctx *ctx)
{
    struct config_feature *f = ctx->owner;
    if (ctx->argc % 2 != 0) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    size_t count = (ctx->argc - 2) / 2;
    struct config_change *changes = heap_alloc(count * sizeof *changes);
    for (size_t i = 0; i < count; i++)
        changes[i] = (struct config_change){.name = ctx->argv[2 + 2 * i], .value = ctx->argv[3 + 2 * i]};
    int allow = f->options->enable_protected_configs;
    bool protected_ok = allow == CONFIG_FEATURE_YES ||
                        (allow == CONFIG_FEATURE_LOCAL && net_conn_is_local(ctx->session->conn));
    struct buf why = {0};
    if (config_set(f->config, changes, count, protected_ok, &why) == 0) {
        resp_ok(ctx->reply);
        log_set(ctx, changes, count);
    } else {
        resp_error_slice(ctx->reply, buf_slice(&why));
        if (!protected_ok)
            log_refused(ctx, changes, count);
    }
    buf_done(&why);
    heap_free(changes);
}

static void config_feature_cmd_resetstat(struct command_ctx *ctx)
{
    const struct config_feature *f = ctx->owner;
    counters_reset(f->counters);
    resp_ok(ctx->reply);
}

static void config_feature_cmd_rewrite(struct command_ctx *ctx)
{
    struct config_feature *f = ctx->owner;
    struct command_log about;
    struct buf why = {0};
    char *path = config_overlay_path(f->config);
    int r = config_rewrite(f->config, &why);
    command_log_request(&about, ctx);
    command_log_add(&about, "MINIREDIS_FILE", path);
    if (r == 0) {
        resp_ok(ctx->reply);
        log_event(LOG_EVENT_OVERLAY_WRITTEN, about.fields, about.count, "User %s, from %s, had %s rewritten",
                  ctx->session->user, about.client, path);
    } else {
        resp_error_slice(ctx->reply, buf_slice(&why));
    }
    if (r < 0 && path != NULL) {
        command_log_add(&about, "MINIREDIS_REASON", error_phrase(r));
        log_event(LOG_EVENT_OVERLAY_FAILED, about.fields, about.count, "%s cannot be rewritten: %s", path,
                  error_phrase(r));
    }
    buf_done(&why);
    heap_free(path);
}

static void config_feature_cmd_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {
        "GET <pattern> [<pattern> ...]",
        "    The options whose names match, with their values.",
        "SET <option> <value> [<option> <value> ...]",
        "    Change options, all or none.",
        "RESETSTAT",
        "    Set the counters of INFO to zero.",
        "REWRITE",
        "    Keep what was changed by SET, for the next start.",
        NULL,
    };
    dispatch_help(ctx, lines);
}
