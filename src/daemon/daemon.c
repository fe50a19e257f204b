/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See daemon.h. The end frees in the reverse order of the start, whatever had been made.
 */
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/heap.h"
#include "base/log.h"
#include "config/config_section.h"
#include "daemon/daemon_private.h"
#include "daemon/pidfile.h"
#include "features/clients/clients.h"
#include "features/info/info.h"
#include "features/users/users.h"
#include "loop/loop.h"
#include "systemd/systemd.h"

struct daemon *daemon_new(const char *version)
{
    struct daemon *d = heap_alloc_zero(sizeof(*d));
    d->version = version;
    d->starter = -1;
    d->config = config_new();
    daemon_add_modules(d);
    d->users = users_new();
#define SECTION(DECLARED, OWNER) config_add_section(d->config, &DECLARED, d->OWNER);
#include "daemon/modules.def"
    return d;
}

struct config *daemon_config(struct daemon *d)
{
    return d->config;
}

static void shut_down(struct daemon *d)
{
    systemd_stopping();
    net_stop_listening(d->net);
    reload_socket_close(&d->reload_socket);
    if (d->has_pidfile)
        pidfile_remove(d->options.pidfile);
    d->has_pidfile = false;
    ending_heed_signals();
    net_flush(d->net);
    log_event_flush(true);
    if (d->ending.status == EXIT_SUCCESS)
        log_event(LOG_EVENT_STOPPED, NULL, 0, "The server ends");
}

int daemon_run(struct daemon *d, struct buf *passed_over)
{
    /* A peer that is gone is an error of write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    clock_update();
    d->passed_over = passed_over;
    /* What goes wrong before the log is open shall be found under its message id too. */
    if (systemd_stderr_is_journal() && systemd_log_to_journal(d->options.syslog_ident) < 0)
        log_to_stderr();
    if (daemon_start(d) < 0) {
        d->ending.status = EXIT_FAILURE;
    } else {
        loop_run(d->loop);
        shut_down(d);
    }
    if (d->has_pidfile)
        pidfile_remove(d->options.pidfile);
    return d->ending.status;
}

/* Features outlive the sessions, which end with the connections. */
void daemon_free(struct daemon *d)
{
    if (d->net != NULL)
        net_free(d->net);
    reload_socket_close(&d->reload_socket);
    housekeeping_done(&d->housekeeping);
    memory_free(d->memory);
    if (d->dispatch != NULL)
        dispatch_free(d->dispatch);
    idle_done(&d->idle);
    saving_free(d->saving);
    loading_free(d->loading);
    info_free(d->info);
    server_free(d->server);
    config_feature_free(d->config_feature);
    clients_free(d->clients);
    keys_free(d->keys);
    connection_free(d->connection);
    users_free(d->users);
    counters_free(d->counters);
    if (d->keyspace != NULL)
        keyspace_free(d->keyspace);
    loop_free(d->loop);
    config_free(d->config);
    heap_free(d->source.path);
    heap_free(d);
}
