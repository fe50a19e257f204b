/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See ending.h. While the save that a signal asked for goes on, SIGINT, from who sits before the
 * server and has no patience, ends the process at once; SIGTERM waits, since what a service manager
 * repeats is no second thought. The file that was being written is left to the next save.
 */
#include "daemon/ending.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/options.h"
#include "persist/loading.h"
#include "persist/saving.h"

static void end_now(int signo)
{
    (void)signo;
    _exit(EXIT_FAILURE);
}

static void heed(int signo, bool at_once)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    signal(signo, at_once ? end_now : SIG_DFL);
    sigprocmask(at_once ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

void ending_heed_signals(void)
{
    heed(SIGTERM, true);
    heed(SIGINT, true);
}

static bool wants_save(const struct ending *e, enum ending_save save)
{
    if (e->saving == NULL || loading_is_active(e->loading))
        return false;
    switch (save) {
    case ENDING_SAVE_BY_POINTS:
        return saving_has_points(e->saving) && saving_is_due(e->saving);
    case ENDING_SAVE_CHANGES:
        return saving_is_due(e->saving);
    case ENDING_SAVE_ALWAYS:
        return true;
    case ENDING_SAVE_NEVER:
        break;
    }
    return false;
}

static void stop(struct ending *e, int status)
{
    e->stopping = true;
    e->status = status;
    loop_stop(e->loop);
}

void ending_fail(struct ending *e)
{
    stop(e, EXIT_FAILURE);
}

int ending_ask(struct ending *e, enum ending_save save, bool force, struct buf *why)
{
    int code = 0;
    if (wants_save(e, save))
        code = saving_run(e->saving, why);
    if (code != 0 && !force)
        return code;
    if (code != 0)
        log_event(LOG_EVENT_CHANGES_LOST, NULL, 0,
                  "The server ends all the same: what has changed since the last save is lost");
    stop(e, EXIT_SUCCESS);
    return 0;
}

/* --- signals --- */

static const char *signal_name(int signo)
{
    return signo == SIGINT ? "SIGINT" : "SIGTERM";
}

static enum ending_save save_by(int words)
{
    return (words & OPTIONS_SHUTDOWN_NOSAVE) != 0 ? ENDING_SAVE_NEVER
           : (words & OPTIONS_SHUTDOWN_SAVE) != 0 ? ENDING_SAVE_ALWAYS
                                                  : ENDING_SAVE_BY_POINTS;
}

static void on_stop_signal(void *owner, int signo)
{
    struct ending *e = owner;
    struct buf why = {0};
    const char *name = signal_name(signo);
    int words = signo == SIGINT ? e->options->shutdown_on_sigint : e->options->shutdown_on_sigterm;
    if (e->stopping) {
        log_event(LOG_EVENT_STOP_FORCED, LOG_FIELDS({"MINIREDIS_REASON", name}),
                  "Received %s again, ending at once", name);
        e->forced(e->owner);
        _exit(EXIT_FAILURE);
    }
    log_event(LOG_EVENT_STOPPING, LOG_FIELDS({"MINIREDIS_REASON", name}), "Received %s, shutting down", name);
    heed(SIGINT, true);
    if (ending_ask(e, save_by(words), (words & OPTIONS_SHUTDOWN_FORCE) != 0, &why) != 0)
        log_event(LOG_EVENT_STOP_REFUSED, LOG_FIELDS({"MINIREDIS_REASON", buf_cstr(&why)}),
                  "The server goes on in spite of %s, since an end would lose what could not be saved", name);
    heed(SIGINT, false);
    buf_done(&why);
}

int ending_watch_signals(struct ending *e, struct buf *why)
{
    int r = loop_signal(e->loop, SIGTERM, on_stop_signal, e);
    if (r == 0)
        r = loop_signal(e->loop, SIGINT, on_stop_signal, e);
    if (r < 0)
        buf_printf(why, "signals cannot be watched: %s", error_phrase(r));
    return r;
}
