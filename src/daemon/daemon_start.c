/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the server is made: a table of steps; the first that fails ends the start with one line,
 * which goes to the log, to whoever waits for a server in the background, and to standard error
 * where the log is not there already. And what the modules and the signals call of it later:
 * reloads, ends, signs of progress.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "config/config_section.h"
#include "daemon/background.h"
#include "daemon/daemon_private.h"
#include "daemon/limits.h"
#include "daemon/pidfile.h"
#include "features/clients/clients.h"
#include "features/commands/commands.h"
#include "features/info/info.h"
#include "features/users/users.h"
#include "loop/loop.h"
#include "systemd/systemd.h"

#define SOCKETS_MAX   64
#define LOAD_SLICE_US 2000
#define STATUS_READY  "Ready to accept connections"

/* --- the end --- */

static bool shutdown_asked(void *owner, enum server_save save, bool force)
{
    static const enum ending_save as[] = {[SERVER_SAVE_AS_CONFIGURED] = ENDING_SAVE_BY_POINTS,
                                          [SERVER_SAVE_ALWAYS] = ENDING_SAVE_ALWAYS,
                                          [SERVER_SAVE_NEVER] = ENDING_SAVE_NEVER};
    struct daemon *d = owner;
    struct buf why = {0};
    int r = ending_ask(&d->ending, as[save], force, &why);
    buf_done(&why);
    return r == 0;
}

static int leave_when_idle(void *owner)
{
    struct daemon *d = owner;
    struct buf why = {0};
    int r = ending_ask(&d->ending, ENDING_SAVE_CHANGES, false, &why);
    buf_done(&why);
    return r;
}

static void end_is_forced(void *owner)
{
    struct daemon *d = owner;
    if (d->has_pidfile)
        pidfile_remove(d->options.pidfile);
}

static void report(struct daemon *d, enum log_event event, const char *reason)
{
    log_event(event, LOG_FIELDS({"MINIREDIS_REASON", reason}), "%s", reason);
    /* Whoever waits at the pipe, or at a terminal while the log goes elsewhere, is told too. */
    if (d->starter >= 0)
        background_failed(d->starter, reason);
    else if (d->log_is_open && !logging_on_stderr(&d->options))
        fprintf(stderr, "miniredis: %s\n", reason);
    d->starter = -1;
}

/* --- signals --- */

/* False, with the reasons in WHY, unless all of it was done. */
static bool reload(struct daemon *d, struct buf *why)
{
    /* The manager knows "starting" and "reloading", not both at once. */
    if (d->ready)
        systemd_reloading();
    bool done = logging_reopen(&d->options, why) == 0;
    if (!done) {
        log_event(LOG_EVENT_LOG_REOPEN_FAILED, LOG_FIELDS({"MINIREDIS_REASON", buf_cstr(why)}),
                  "%s; the old file stays in use", buf_cstr(why));
        buf_append_byte(why, '\n');
    }
    d->reloading = true;
    if (!reload_config(d->config, &d->source, why))
        done = false;
    d->reloading = false;
    memory_reread(d->memory);
    if (d->ready)
        systemd_ready(STATUS_READY);
    return done;
}

static void on_reload_signal(void *owner, int signo)
{
    struct buf why = {0};
    (void)signo;
    (void)reload(owner, &why);
    buf_done(&why);
}

static enum reload_verdict on_reload_asked(void *owner, struct buf *why)
{
    struct daemon *d = owner;
    if (reload(d, why))
        return RELOAD_DONE;
    return logging_in_journal(&d->options) ? RELOAD_FAILED_AND_TOLD : RELOAD_FAILED;
}

static int watch_signals(struct daemon *d, struct buf *why)
{
    d->ending = (struct ending){.loop = d->loop, .options = &d->options, .forced = end_is_forced, .owner = d};
    int r = ending_watch_signals(&d->ending, why);
    if (r < 0)
        return r;
    r = loop_signal(d->loop, SIGHUP, on_reload_signal, d);
    if (r < 0)
        buf_printf(why, "signals cannot be watched: %s", error_phrase(r));
    return r;
}

/* --- the steps of the start --- */

static int enter_directory(struct daemon *d, struct buf *why)
{
    const char *dir = d->loading_options.dir;
    if (strcmp(dir, ".") == 0 || chdir(dir) == 0)
        return 0;
    buf_printf(why, "the directory %s (option dir) cannot be entered: %s", dir, strerror(errno));
    return -errno;
}

static int open_log(struct daemon *d, struct buf *why)
{
    int r = logging_open(&d->options, why);
    d->log_is_open = r == 0; /* until then lines go to standard error, or the journal behind it */
    return r;
}

static int go_background(struct daemon *d, struct buf *why)
{
    if (!d->options.daemonize)
        return 0;
    if (systemd_is_notified()) {
        log_event(LOG_EVENT_DAEMONIZE_IGNORED, LOG_FIELDS({"MINIREDIS_OPTION", "daemonize"}),
                  "daemonize is passed over: the service manager that started this keeps it itself");
        return 0;
    }
    d->starter = background_start();
    if (d->starter >= 0)
        return 0;
    buf_printf(why, "cannot go into the background: %s", strerror(-d->starter));
    return d->starter;
}

static int fit_limits(struct daemon *d, struct buf *why)
{
    uint64_t limit;
    int64_t fit = limits_fit_clients(d->net_options.maxclients, &limit);
    if (fit == 0) {
        buf_printf(why,
                   "the limit of open files, %" PRIu64
                   ", leaves no room for clients; %d are needed beside them",
                   limit, LIMITS_RESERVED);
        return MR_E_CONFIG;
    }
    if (fit < d->net_options.maxclients)
        limits_lower_clients(&d->net_options.maxclients, fit, limit);
    return 0;
}

static int make_core(struct daemon *d, struct buf *why)
{
    d->loop = loop_new((enum loop_kind)d->options.event_loop);
    if (d->loop == NULL) {
        buf_printf(why, "the event loop cannot be made: %s", strerror(errno));
        return -errno;
    }
    d->keyspace = keyspace_new((unsigned)d->options.databases);
    keyspace_set_types(d->keyspace, &d->types.objects);
    d->counters = counters_new();
    d->dispatch = dispatch_new(d->keyspace, &d->dispatch_options);
    d->net = net_new(d->loop, &d->net_options, dispatch_service(d->dispatch));
    logging_held_init(&d->held, d->loop);
    int r = housekeeping_init(&d->housekeeping, d->loop, d->keyspace);
    if (r < 0)
        buf_printf(why, "the clock cannot be watched: %s", error_phrase(r));
    return r;
}

/* Of the load or the save that goes on. */
static void work_goes_on(void *owner)
{
    struct daemon *d = owner;
    if (!progress_is_due(&d->progress))
        return;
    struct buf line = {0};
    if (loading_is_active(d->loading))
        loading_status(d->loading, &line);
    else
        saving_status(d->saving, &line);
    progress_tell(&d->progress, buf_cstr(&line));
    buf_done(&line);
}

static void save_is_over(void *owner)
{
    struct daemon *d = owner;
    progress_over(&d->progress, STATUS_READY);
}

static void keys_are_flushed(void *owner)
{
    struct daemon *d = owner;
    saving_flushed(d->saving);
}

static void make_persistence(struct daemon *d)
{
    d->loading = loading_new(d->dispatch, &d->types.objects, &d->loading_options);
    const struct saving_setup setup = {.options = &d->saving_options,
                                       .kept = loading_kept(d->loading),
                                       .files = &d->loading_options,
                                       .types = &d->types.objects,
                                       .evict = &d->memory_options.evict,
                                       .redis_version = &d->connection_options.compat_version,
                                       .version = d->version,
                                       .alive = work_goes_on,
                                       .over = save_is_over,
                                       .owner = d};
    d->progress.watchdog = &d->watchdog;
    d->saving = saving_new(d->dispatch, &setup);
    d->ending.loading = d->loading;
    d->ending.saving = d->saving;
}

static int make_features(struct daemon *d, struct buf *why)
{
    ssize_t len = readlink("/proc/self/exe", d->executable, sizeof(d->executable) - 1);
    d->executable[len > 0 ? len : 0] = '\0';
    const struct info_facts facts = {.version = d->version,
                                     .config_file = d->source.path != NULL ? d->source.path : "",
                                     .executable = d->executable,
                                     .supervised = systemd_is_notified() ? "systemd" : "no",
                                     .loop = d->loop};
    const struct server_ops ops = {
        .owner = d, .stop = shutdown_asked, .version = d->version, .types = &d->types.objects};
    types_register(&d->types, dispatch_registry(d->dispatch));
    users_register(d->users, d->dispatch);
    d->connection = connection_new(d->dispatch, &d->connection_options);
    d->keys =
        keys_new(d->dispatch, &d->types.objects, &(struct keys_ops){.owner = d, .flushed = keys_are_flushed});
    d->clients = clients_new(d->dispatch, d->loop);
    commands_register(d->dispatch);
    d->config_feature = config_feature_new(d->dispatch, d->config, d->counters, &d->config_feature_options);
    d->server = server_new(d->dispatch, &d->server_options, &ops);
    make_persistence(d);
    /* Clients look for redis_version, its first row, at the head of the section. */
    connection_register_counters(d->connection, d->counters);
    d->info = info_new(d->dispatch, d->counters, &facts);
    d->memory = memory_new(d->dispatch, d->loop, d->net, &d->memory_options);
    memory_begin(d->memory);
    return users_apply(d->users, config_section_records(d->config, users_section.name), why);
}

/* INFO shows the fields of a section in the order of these calls. */
static int count_all(struct daemon *d, struct buf *why)
{
    (void)why;
    memory_register_counters(d->memory, d->counters);
    users_register_counters(d->users, d->counters);
    net_register_counters(d->net, d->counters);
    keys_register_counters(d->keys, d->counters);
    loading_register_counters(d->loading, d->counters);
    saving_register_counters(d->saving, d->counters);
    dispatch_register_counters(d->dispatch, d->counters);
    keyspace_register_counters(d->keyspace, d->counters);
    return 0;
}

static int adopt_sockets(struct daemon *d, struct buf *why)
{
    struct systemd_socket sockets[SOCKETS_MAX];
    size_t count;
    char reason[256] = "";
    int r = systemd_take_sockets(sockets, SOCKETS_MAX, &count, reason, sizeof(reason));
    if (r < 0) {
        buf_append_str(why, reason);
        return r;
    }
    for (size_t i = 0; i < count; i++) {
        r = net_adopt_listener(d->net, sockets[i].fd, sockets[i].name, why);
        if (r < 0)
            return r;
    }
    d->adopted = count > 0;
    /* Taking them empties the environment; what is still there was left alone. */
    const char *meant_for = getenv("LISTEN_PID");
    if (meant_for != NULL && strtol(meant_for, NULL, 10) == (long)getpid())
        log_event(LOG_EVENT_SOCKETS_UNTAKEN, NULL, 0,
                  "Sockets were passed at start, but this program was built without libsystemd to take them");
    return 0;
}

static int open_listeners(struct daemon *d, struct buf *why)
{
    int r = adopt_sockets(d, why);
    if (r == 0 && !d->adopted)
        r = net_listen(d->net, why);
    if (r < 0)
        return r;
    if (net_listener_count(d->net) == 0)
        log_event(LOG_EVENT_NOT_LISTENING, NULL, 0,
                  "Nothing is listened on: port is 0 and there is no unixsocket");
    struct buf line = {0};
    for (size_t i = 0; i < net_listener_count(d->net); i++) {
        line.len = 0;
        net_listener_print(d->net, i, &line);
        log_event(LOG_EVENT_LISTENING, LOG_FIELDS({"MINIREDIS_ADDRESS", buf_cstr(&line)}), "%s %s",
                  d->adopted ? "Serving the passed socket" : "Listening on", buf_cstr(&line));
    }
    buf_done(&line);
    if (d->adopted)
        log_event(LOG_EVENT_SOCKETS_PASSED, NULL, 0,
                  "Sockets were passed at start; bind, port and unixsocket are not opened");
    return 0;
}

static int start_idle(struct daemon *d, struct buf *why)
{
    d->idle = (struct idle){.loop = d->loop,
                            .net = d->net,
                            .housekeeping = &d->housekeeping,
                            .seconds = &d->options.exit_on_idle,
                            .leave = leave_when_idle,
                            .owner = d};
    idle_begin(&d->idle);
    return idle_check(d->options.exit_on_idle, d->adopted, why);
}

static int leave_pid(struct daemon *d, struct buf *why)
{
    const char *path = d->options.pidfile;
    (void)why;
    if (path[0] == '\0')
        return 0;
    int r = pidfile_write(path);
    if (r < 0)
        log_event(LOG_EVENT_PIDFILE_FAILED,
                  LOG_FIELDS({"MINIREDIS_FILE", path}, {"MINIREDIS_REASON", error_phrase(r)}),
                  "The pidfile %s cannot be written: %s", path, error_phrase(r));
    d->has_pidfile = r == 0;
    return 0;
}

/* Without it there are still the signals. */
static int listen_for_reloads(struct daemon *d, struct buf *why)
{
    if (reload_socket_open(&d->reload_socket, d->loop, on_reload_asked, d, why) < 0)
        log_event(LOG_EVENT_RELOAD_UNHEARD, LOG_FIELDS({"MINIREDIS_REASON", buf_cstr(why)}),
                  "Nobody can wait for a reload by --reload: %s", buf_cstr(why));
    return 0;
}

static int start_watchdog(struct daemon *d, struct buf *why)
{
    (void)why;
    watchdog_start(&d->watchdog, d->loop);
    return 0;
}

/* --- loading --- */

static void become_ready(struct daemon *d)
{
    d->ready = true;
    housekeeping_pause(&d->housekeeping, false);
    saving_begin(d->saving);
    memory_enforce(d->memory);
    idle_ready(&d->idle);
    log_event(LOG_EVENT_READY, NULL, 0, "Ready to accept connections (event loop: %s)",
              loop_backend(d->loop));
    background_ready(d->starter);
    d->starter = -1;
    systemd_ready(STATUS_READY);
    d->progress.told = false;
    memory_listen(d->memory);
}

static bool load_slice(void *owner)
{
    struct daemon *d = owner;
    if (!loading_is_active(d->loading) || d->ending.stopping)
        return false;
    struct buf why = {0};
    int r = loading_step(d->loading, LOAD_SLICE_US, &why);
    if (r == MR_E_AGAIN) {
        work_goes_on(d);
    } else if (r < 0) {
        report(d, LOG_EVENT_LOAD_FAILED, buf_cstr(&why));
        ending_fail(&d->ending);
    } else {
        become_ready(d);
    }
    buf_done(&why);
    return true; /* after the load too: one more turn looks at the expiry times that came with it */
}

static int start_loading(struct daemon *d, struct buf *why)
{
    housekeeping_pause(&d->housekeeping, true);
    loop_add_hook(d->loop, load_slice, d);
    int r = loading_start(d->loading, why);
    if (r == 0)
        become_ready(d);
    if (r != MR_E_AGAIN)
        return r;
    loop_wake(d->loop); /* the first turn would sleep until a client comes */
    return 0;
}

/* --- run --- */

static void log_passed_over(const struct buf *names)
{
    struct buf line = {0};
    for (size_t i = 0; i < names->len; i++) {
        if (names->data[i] != '\n')
            buf_append_byte(&line, names->data[i]);
        else if (i + 1 < names->len)
            buf_append_str(&line, ", ");
    }
    if (line.len > 0)
        log_event(LOG_EVENT_CONFIG_IGNORED, LOG_FIELDS({"MINIREDIS_OPTION", buf_cstr(&line)}),
                  "Passed over, since they mean nothing here: %s", buf_cstr(&line));
    buf_done(&line);
}

static int introduce(struct daemon *d, struct buf *why)
{
    (void)why;
    log_event(LOG_EVENT_STARTING, LOG_FIELDS({"MINIREDIS_VERSION", d->version}),
              "miniredis %s starts, process %d", d->version, (int)getpid());
    if (d->source.path == NULL)
        log_event(LOG_EVENT_CONFIG_MISSING, NULL, 0,
                  "There is no configuration file; the built-in defaults are used");
    else
        log_event(LOG_EVENT_CONFIG_READ, LOG_FIELDS({"MINIREDIS_FILE", d->source.path}), "Configuration: %s",
                  d->source.path);
    log_passed_over(d->passed_over);
    reload_log_notes(d->config);
    if (getenv("NOTIFY_SOCKET") != NULL && !systemd_is_notified())
        log_event(LOG_EVENT_NOTIFY_UNAVAILABLE, NULL, 0,
                  "NOTIFY_SOCKET is set, but libsystemd, which could tell the service manager that this "
                  "server is ready, is not there");
    return 0;
}

static const struct {
    int (*fn)(struct daemon *d, struct buf *why);
    enum log_event failure;
} steps[] = {
    {enter_directory, LOG_EVENT_DIRECTORY_UNUSABLE},
    {open_log, LOG_EVENT_LOG_UNUSABLE},
    {go_background, LOG_EVENT_START_FAILED},
    {introduce, LOG_EVENT_START_FAILED},
    {fit_limits, LOG_EVENT_START_FAILED},
    {make_core, LOG_EVENT_START_FAILED},
    {watch_signals, LOG_EVENT_START_FAILED},
    {make_features, LOG_EVENT_START_FAILED},
    {count_all, LOG_EVENT_START_FAILED},
    {open_listeners, LOG_EVENT_LISTEN_FAILED},
    {start_idle, LOG_EVENT_START_FAILED},
    {leave_pid, LOG_EVENT_START_FAILED},
    {listen_for_reloads, LOG_EVENT_START_FAILED},
    {start_watchdog, LOG_EVENT_START_FAILED},
    {start_loading, LOG_EVENT_LOAD_FAILED},
};

int daemon_start(struct daemon *d)
{
    struct buf why = {0};
    int r = 0;
    size_t step = 0;
    while (step < sizeof(steps) / sizeof(steps[0]) && (r = steps[step].fn(d, &why)) >= 0)
        step++;
    if (r < 0)
        report(d, steps[step].failure, buf_cstr(&why));
    buf_done(&why);
    return r < 0 ? r : 0;
}
