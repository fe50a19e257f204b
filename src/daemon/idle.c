/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See idle.h. The timer runs from the end of the turn that left nothing to do, and is
 * stopped at the end of one that finds a client. One who connects in the moment of the
 * end is not lost: the socket keeps him until the next server takes him.
 */
#include "daemon/idle.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "daemon/housekeeping.h"
#include "net/net.h"

#define RETRY_S 60 /* behind a save that has failed, at least */

int idle_check(int64_t seconds, bool passed, struct buf *why)
{
    if (seconds == 0 || passed)
        return 0;
    buf_append_str(why,
                   "exit-on-idle is for a server whose sockets are passed at start, which the next client "
                   "then starts again; this one was passed none");
    return MR_E_CONFIG;
}

static bool is_busy(const struct idle *i)
{
    return !i->ready || net_conn_count(i->net) > 0 || i->housekeeping->working;
}

static bool turn_end(void *owner)
{
    struct idle *i = owner;
    int64_t seconds = *i->seconds;
    if (seconds == 0 || is_busy(i)) {
        if (i->timer.index != 0)
            loop_timer_stop(i->loop, &i->timer);
    } else if (i->timer.index == 0 || i->armed_for != seconds) {
        i->armed_for = seconds;
        loop_timer_after(i->loop, &i->timer, seconds * 1000000);
    }
    return false;
}

static void due(struct loop_timer *timer)
{
    struct idle *i = (struct idle *)((char *)timer - offsetof(struct idle, timer));
    char seconds[24];
    if (is_busy(i))
        return;
    snprintf(seconds, sizeof seconds, "%" PRId64, i->armed_for);
    if (i->leave(i->owner) == 0) {
        log_event(LOG_EVENT_IDLE_EXIT, LOG_FIELDS({"MINIREDIS_SECONDS", seconds}),
                  "No client for %s s: ending, as exit-on-idle asks for, until the next one comes", seconds);
        return;
    }
    log_event(LOG_EVENT_IDLE_KEPT, LOG_FIELDS({"MINIREDIS_SECONDS", seconds}),
              "No client for %s s, but the server stays in spite of exit-on-idle: an end would lose what "
              "could not be saved",
              seconds);
    int64_t again = i->armed_for > RETRY_S ? i->armed_for : RETRY_S;
    loop_timer_after(i->loop, timer, again * 1000000);
}

void idle_begin(struct idle *i)
{
    i->timer.fn = due;
    loop_add_hook(i->loop, turn_end, i);
}

void idle_ready(struct idle *i)
{
    i->ready = true;
}

void idle_done(struct idle *i)
{
    if (i->loop != NULL)
        loop_timer_stop(i->loop, &i->timer);
}
