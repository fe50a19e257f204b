/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of the whole server: the modules that have any, what a change of theirs calls, and
 * where the first values come from.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "config/config_load.h"
#include "daemon/arguments.h"
#include "daemon/daemon_private.h"
#include "daemon/limits.h"

static bool has_changed(const struct config_module *m, const bool *changed, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (changed[i] && strcmp(m->options[i].name, name) == 0)
            return true;
    return false;
}

static int apply_daemon(void *owner, const bool *changed, struct buf *why)
{
    struct daemon *d = owner;
    (void)changed;
    log_set_level((enum log_level)d->options.loglevel);
    return d->net == NULL ? 0 : idle_check(d->options.exit_on_idle, d->adopted, why);
}

static int apply_maxclients(struct daemon *d, struct buf *why)
{
    uint64_t limit;
    int64_t fit = limits_fit_clients(d->net_options.maxclients, &limit);
    if (fit >= d->net_options.maxclients)
        return 0;
    /* A file that asks for more than the machine gives is served as far as it goes, as at start;
     * who asks by CONFIG SET is there to hear the truth. */
    if (d->reloading && fit > 0) {
        limits_lower_clients(&d->net_options.maxclients, fit, limit);
        return 0;
    }
    buf_printf(
        why, "The operating system is not able to handle the specified number of clients, try with %" PRId64,
        fit);
    return MR_E_CONFIG;
}

static int apply_net(void *owner, const bool *changed, struct buf *why)
{
    struct daemon *d = owner;
    const struct config_module *m = &d->modules[OF_NET];
    if (d->net == NULL)
        return 0;
    if (has_changed(m, changed, "maxclients")) {
        int r = apply_maxclients(d, why);
        if (r < 0)
            return r;
    }
    net_options_changed(d->net);
    if (!has_changed(m, changed, "bind") && !has_changed(m, changed, "port"))
        return 0;
    if (d->adopted) {
        log_event(LOG_EVENT_BIND_UNUSED, NULL, 0,
                  "bind and port were changed but are not used: the sockets were passed at start");
        return 0;
    }
    return net_relisten(d->net, why);
}

static int apply_connection(void *owner, const bool *changed, struct buf *why)
{
    struct daemon *d = owner;
    return d->connection == NULL ? 0 : connection_apply(d->connection, changed, why);
}

static int apply_loading(void *owner, const bool *changed, struct buf *why)
{
    struct daemon *d = owner;
    return loading_apply_options(&d->loading_options, changed, why);
}

static int apply_memory(void *owner, const bool *changed, struct buf *why)
{
    struct daemon *d = owner;
    return d->memory == NULL ? 0 : memory_apply(d->memory, changed, why);
}

void daemon_add_modules(struct daemon *d)
{
#define MODULE(NAME, GROUP, ROWS, COUNT, TARGET, APPLY)                                                      \
    [OF_##NAME] = {GROUP, ROWS, COUNT, &d->TARGET, APPLY, d},
    const struct config_module modules[MODULES] = {
#include "daemon/modules.def"
    };
    memcpy(d->modules, modules, sizeof(modules));
    for (size_t i = 0; i < MODULES; i++)
        config_add(d->config, &d->modules[i]);
}

static const char *folder_from(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

int daemon_configure(struct daemon *d, const struct arguments *a, struct buf *faults, struct buf *passed_over)
{
    static const char installed[] = MINIREDIS_SYSCONFDIR "/miniredis.conf";
    const struct config_environment environment = {.credentials = folder_from("CREDENTIALS_DIRECTORY"),
                                                   .state = folder_from("STATE_DIRECTORY"),
                                                   .overlay_option = "overlay-file",
                                                   .dir_option = "dir",
                                                   .only_looks = a->mode != ARGUMENTS_RUN};
    const char *path = a->file;
    bool redis = false;
    if (path != NULL)
        redis =
            a->syntax == ARGUMENTS_REDIS || (a->syntax == ARGUMENTS_EITHER && config_looks_like_redis(path));
    else if (access(installed, F_OK) == 0)
        path = installed;
    config_set_environment(d->config, &environment);
    int r = 0;
    if (path != NULL) {
        d->source = (struct reload_source){.path = arguments_absolute(path), .redis = redis};
        r = redis ? config_load_redis(d->config, path, faults, passed_over)
                  : config_load_file(d->config, path, faults);
    }
    int args = config_load_args(d->config, a->option_count, a->options, faults, passed_over);
    if (r == 0 && args == 0)
        r = config_load_overlay(d->config, faults);
    return r < 0 ? r : args;
}
