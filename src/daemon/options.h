/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of the daemon itself: how it runs, where its log goes, which loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum options_log_target {
    OPTIONS_LOG_AUTO,
    OPTIONS_LOG_STDERR,
    OPTIONS_LOG_FILE,
    OPTIONS_LOG_SYSLOG,
    OPTIONS_LOG_JOURNAL
};

/* What SHUTDOWN takes, asked for by a signal. */
enum options_shutdown {
    OPTIONS_SHUTDOWN_SAVE = 1 << 0,
    OPTIONS_SHUTDOWN_NOSAVE = 1 << 1,
    OPTIONS_SHUTDOWN_NOW = 1 << 2, /* as without: nobody is waited for */
    OPTIONS_SHUTDOWN_FORCE = 1 << 3,
};

struct daemon_options {
    bool daemonize;
    char *pidfile;           /* "": none */
    int supervised;          /* accepted; a service manager is recognised by itself */
    int event_loop;          /* enum loop_kind */
    int64_t databases;       /* numbered from 0 */
    int64_t exit_on_idle;    /* s; 0: never */
    int shutdown_on_sigterm; /* enum options_shutdown, or 0; this and the next */
    int shutdown_on_sigint;
    int loglevel;   /* enum log_level */
    int log_target; /* enum options_log_target */
    char *logfile;  /* "": none */
    bool syslog_enabled;
    char *syslog_ident;
    int syslog_facility; /* as openlog takes it */
};

/* The rows of these options; target is a struct daemon_options. */
extern const struct config_option options_rows[];
extern const size_t options_count;
