/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See progress.h.
 */
#include "daemon/progress.h"

#include "base/clock.h"
#include "daemon/watchdog.h"
#include "systemd/systemd.h"

#define EVERY_US 1000000
#define GIVES_US 30000000 /* the time that each sign asks for */

bool progress_is_due(const struct progress *p)
{
    return systemd_is_notified() && (!p->told || clock_mono_now_us() >= p->told_us + EVERY_US);
}

void progress_tell(struct progress *p, const char *line)
{
    p->told_us = clock_mono_now_us();
    p->told = true;
    systemd_extend_timeout(GIVES_US);
    systemd_status("%s", line);
    watchdog_feed(p->watchdog);
}

void progress_over(struct progress *p, const char *line)
{
    if (!p->told)
        return;
    p->told = false;
    systemd_status("%s", line);
    watchdog_feed(p->watchdog);
}
