/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See logging.h. "auto" is decided from the options and the kind of standard error
 * alone, both of which stay as they were at start, so it can be asked again.
 */
#include "daemon/logging.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "daemon/options.h"
#include "systemd/systemd.h"

static enum options_log_target target(const struct daemon_options *o)
{
    if (o->log_target != OPTIONS_LOG_AUTO)
        return (enum options_log_target)o->log_target;
    if (o->syslog_enabled)
        return OPTIONS_LOG_SYSLOG;
    if (o->logfile[0] != '\0')
        return OPTIONS_LOG_FILE;
    return systemd_stderr_is_journal() ? OPTIONS_LOG_JOURNAL : OPTIONS_LOG_STDERR;
}

static int open_file(const struct daemon_options *o, struct buf *why)
{
    if (o->logfile[0] == '\0') {
        buf_append_str(why, "log-target is file, but logfile is empty");
        return MR_E_CONFIG;
    }
    int r = log_to_file(o->logfile);
    if (r < 0)
        buf_printf(why, "the log file %s cannot be opened: %s", o->logfile, error_phrase(r));
    return r;
}

static int open_journal(const struct daemon_options *o, struct buf *why)
{
    int r = systemd_log_to_journal(o->syslog_ident);
    if (r == 0)
        return 0;
    if (o->log_target == OPTIONS_LOG_AUTO) {
        log_to_stderr(); /* which is the journal, only without fields */
        return 0;
    }
    buf_append_str(why, r == -ENOSYS ? "log-target is journal, but libsystemd is not there"
                                     : "log-target is journal, but no journal is running here");
    return r;
}

int logging_open(const struct daemon_options *o, struct buf *why)
{
    log_set_level((enum log_level)o->loglevel);
    switch (target(o)) {
    case OPTIONS_LOG_FILE:
        return open_file(o, why);
    case OPTIONS_LOG_JOURNAL:
        return open_journal(o, why);
    case OPTIONS_LOG_SYSLOG:
        log_to_syslog(o->syslog_ident, o->syslog_facility);
        if (o->logfile[0] != '\0')
            log_event(LOG_EVENT_LOGFILE_UNUSED, LOG_FIELDS({"MINIREDIS_FILE", o->logfile}),
                      "The log goes to syslog; nothing is written to the logfile %s", o->logfile);
        return 0;
    default:
        log_to_stderr();
        return 0;
    }
}

int logging_reopen(const struct daemon_options *o, struct buf *why)
{
    return target(o) == OPTIONS_LOG_FILE ? open_file(o, why) : 0;
}

/* --- lines held back --- */

static void window_over(struct loop_timer *timer)
{
    struct logging_held *h = (struct logging_held *)((char *)timer - offsetof(struct logging_held, timer));
    h->armed = false;
    log_event_flush(false);
}

static bool turn_end(void *owner)
{
    struct logging_held *h = owner;
    if (log_event_held() > 0 && !h->armed) {
        h->armed = true;
        loop_timer_after(h->loop, &h->timer, LOG_EVENT_WINDOW_US);
    }
    return false;
}

void logging_held_init(struct logging_held *h, struct loop *loop)
{
    *h = (struct logging_held){.loop = loop, .timer = {.fn = window_over}};
    loop_add_hook(loop, turn_end, h);
}

bool logging_on_stderr(const struct daemon_options *o)
{
    enum options_log_target t = target(o);
    return t == OPTIONS_LOG_STDERR || (t == OPTIONS_LOG_JOURNAL && systemd_stderr_is_journal());
}

bool logging_in_journal(const struct daemon_options *o)
{
    enum options_log_target t = target(o);
    return t == OPTIONS_LOG_JOURNAL || (t == OPTIONS_LOG_STDERR && systemd_stderr_is_journal());
}
