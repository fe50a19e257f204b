/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See options.h. Of these only the log level, exit-on-idle and what a signal ends the daemon with
 * can change while it runs.
 */
#include "daemon/options.h"

#include <syslog.h>

#include "base/log.h"
#include "config/config.h"
#include "loop/loop.h"

static const struct config_name supervised_names[] = {
    {"no", 0}, {"upstart", 1}, {"systemd", 2}, {"auto", 3}, {NULL, 0}};

static const struct config_name loop_names[] = {
    {"auto", LOOP_AUTO}, {"poll", LOOP_POLL}, {"epoll", LOOP_EPOLL}, {NULL, 0}};

static const struct config_name level_names[] = {
    {"debug", LOG_LEVEL_DEBUG},     {"verbose", LOG_LEVEL_VERBOSE}, {"notice", LOG_LEVEL_NOTICE},
    {"warning", LOG_LEVEL_WARNING}, {"nothing", LOG_LEVEL_NOTHING}, {NULL, 0}};

static const struct config_name target_names[] = {
    {"auto", OPTIONS_LOG_AUTO},     {"stderr", OPTIONS_LOG_STDERR},   {"file", OPTIONS_LOG_FILE},
    {"syslog", OPTIONS_LOG_SYSLOG}, {"journal", OPTIONS_LOG_JOURNAL}, {NULL, 0}};

static const struct config_name facility_names[] = {{"user", LOG_USER},
                                                    {"daemon", LOG_DAEMON},
                                                    {"local0", LOG_LOCAL0},
                                                    {"local1", LOG_LOCAL1},
                                                    {"local2", LOG_LOCAL2},
                                                    {"local3", LOG_LOCAL3},
                                                    {"local4", LOG_LOCAL4},
                                                    {"local5", LOG_LOCAL5},
                                                    {"local6", LOG_LOCAL6},
                                                    {"local7", LOG_LOCAL7},
                                                    {NULL, 0}};

static const struct config_name shutdown_names[] = {{"default", 0},
                                                    {"save", OPTIONS_SHUTDOWN_SAVE},
                                                    {"nosave", OPTIONS_SHUTDOWN_NOSAVE},
                                                    {"now", OPTIONS_SHUTDOWN_NOW},
                                                    {"force", OPTIONS_SHUTDOWN_FORCE},
                                                    {NULL, 0}};

static int check_shutdown(union config_value *value, const union config_value *old, struct buf *why)
{
    const int both = OPTIONS_SHUTDOWN_SAVE | OPTIONS_SHUTDOWN_NOSAVE;
    (void)old;
    if ((value->choice & both) != both)
        return 0;
    buf_append_str(why, "shutdown options SAVE and NOSAVE can't be used simultaneously");
    return MR_E_CONFIG;
}

const struct config_option options_rows[] = {
    {.name = "daemonize",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct daemon_options, daemonize),
     .fallback = "no",
     .sentence = "Goes into the background; the command that starts it returns when the server is ready, "
                 "with status 0, or with the reason when it could not start."},
    {.name = "pidfile",
     .type = CONFIG_STRING,
     .offset = offsetof(struct daemon_options, pidfile),
     .fallback = "",
     .sentence = "A file that holds the process id while the server runs; empty: none."},
    {.name = "supervised",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct daemon_options, supervised),
     .fallback = "no",
     .names = supervised_names,
     .sentence = "Taken for the sake of existing files; a service manager that wants to be told is "
                 "recognised by itself."},
    {.name = "event-loop",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct daemon_options, event_loop),
     .fallback = "auto",
     .names = loop_names,
     .sentence = "How descriptors are watched: by poll, by epoll, or by poll until there are many."},
    {.name = "databases",
     .type = CONFIG_INT,
     .offset = offsetof(struct daemon_options, databases),
     .fallback = "16",
     .min = 1,
     .max = INT32_MAX,
     .sentence = "How many numbered databases there are for SELECT."},
    {.name = "exit-on-idle",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct daemon_options, exit_on_idle),
     .fallback = "0",
     .min = 0,
     .max = INT32_MAX,
     .unit = "s",
     .sentence =
         "After so long without a client the server ends, with status 0, for the socket unit to start "
         "it again at the next one. What has changed is saved before, also where the option save is "
         "empty; where that fails the server stays. Refused where no "
         "socket was passed at start. 0: never."},
    {.name = "shutdown-on-sigterm",
     .type = CONFIG_WORDS,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct daemon_options, shutdown_on_sigterm),
     .fallback = "default",
     .names = shutdown_names,
     .check = check_shutdown,
     .sentence = "How SIGTERM, which a service manager stops the server by, ends it: the words that SHUTDOWN "
                 "takes. save saves what there is even where the option save is empty, nosave saves nothing; "
                 "force ends the server even if it could not be saved; now is taken, as nobody is waited "
                 "for anyhow; default saves what has changed where the option save has points, and stays if "
                 "that fails."},
    {.name = "shutdown-on-sigint",
     .type = CONFIG_WORDS,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct daemon_options, shutdown_on_sigint),
     .fallback = "default",
     .names = shutdown_names,
     .check = check_shutdown,
     .sentence = "The same for SIGINT, which Ctrl-C at a terminal sends."},
    {.name = "loglevel",
     .type = CONFIG_ENUM,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct daemon_options, loglevel),
     .fallback = "notice",
     .names = level_names,
     .sentence = "The least severe kind of lines that still goes to the log."},
    {.name = "log-target",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct daemon_options, log_target),
     .fallback = "auto",
     .names = target_names,
     .sentence = "Where the log goes; auto: to logfile or syslog where those are set, else to the journal "
                 "if standard error is the journal, else to standard error."},
    {.name = "logfile",
     .type = CONFIG_STRING,
     .flags = CONFIG_PROTECTED,
     .offset = offsetof(struct daemon_options, logfile),
     .fallback = "",
     .sentence = "The file that the log is appended to, opened anew at each SIGHUP; empty: none."},
    {.name = "syslog-enabled",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct daemon_options, syslog_enabled),
     .fallback = "no",
     .sentence = "Sends the log to syslog."},
    {.name = "syslog-ident",
     .type = CONFIG_STRING,
     .offset = offsetof(struct daemon_options, syslog_ident),
     .fallback = "miniredis",
     .sentence = "The name under which lines stand in syslog and in the journal."},
    {.name = "syslog-facility",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct daemon_options, syslog_facility),
     .fallback = "local0",
     .names = facility_names,
     .sentence = "The facility of lines in syslog."},
};

const size_t options_count = sizeof(options_rows) / sizeof(options_rows[0]);
