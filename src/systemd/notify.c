/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the service manager is told: ready, reloading, stopping, a line of status,
 * more time, a sign of life. A message that cannot be sent is lost: the manager's
 * own timeouts are the answer to that, and nothing here could do better.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "systemd/systemd.h"

#ifdef HAVE_SYSTEMD

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "systemd/systemd_private.h"

static void notify(const char *state)
{
    if (getenv("NOTIFY_SOCKET") == NULL)
        return;
    SYSTEMD_FUNCTION(send, sd_notify);
    if (send != NULL)
        (void)send(0, state);
}

bool systemd_is_notified(void)
{
    return getenv("NOTIFY_SOCKET") != NULL && systemd_symbol("sd_notify") != NULL;
}

void systemd_ready(const char *status)
{
    char state[256];
    snprintf(state, sizeof(state), "READY=1\nSTATUS=%s", status);
    notify(state);
}

void systemd_status(const char *fmt, ...)
{
    char status[200], state[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(status, sizeof(status), fmt, ap);
    va_end(ap);
    snprintf(state, sizeof(state), "STATUS=%s", status);
    notify(state);
}

void systemd_reloading(void)
{
    struct timespec now;
    char state[128];
    /* The manager compares this with its own clock, so it is read now, not once a turn. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading", us);
    notify(state);
}

void systemd_stopping(void)
{
    notify("STOPPING=1\nSTATUS=Shutting down");
}

void systemd_extend_timeout(uint64_t us)
{
    char state[64];
    snprintf(state, sizeof(state), "EXTEND_TIMEOUT_USEC=%" PRIu64, us);
    notify(state);
}

uint64_t systemd_watchdog_us(void)
{
    if (getenv("WATCHDOG_USEC") == NULL)
        return 0;
    SYSTEMD_FUNCTION(enabled, sd_watchdog_enabled);
    uint64_t us = 0;
    return enabled != NULL && enabled(0, &us) > 0 ? us : 0;
}

void systemd_watchdog_ping(void)
{
    notify("WATCHDOG=1");
}

#else

bool systemd_is_notified(void)
{
    return false;
}

void systemd_ready(const char *status)
{
    (void)status;
}

void systemd_status(const char *fmt, ...)
{
    (void)fmt;
}

void systemd_reloading(void)
{
}

void systemd_stopping(void)
{
}

void systemd_extend_timeout(uint64_t us)
{
    (void)us;
}

uint64_t systemd_watchdog_us(void)
{
    return 0;
}

void systemd_watchdog_ping(void)
{
}

#endif
