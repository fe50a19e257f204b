/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that the daemon says to and takes from systemd; the only callers of sd_*.
 * Built without libsystemd every call is there and does nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

/* --- passed sockets --- */

struct systemd_socket {
    int fd;
    char name[64]; /* FileDescriptorName, "unknown" if none was given */
};

/* The listening stream sockets that were passed, at most CAP; *COUNT is set. A descriptor that is none
 * of ours (not a listening AF_INET, AF_INET6 or AF_UNIX stream socket, or of an unknown name)
 * is MR_E_UNSUPPORTED, with WHY (at least 160 bytes) naming it. Known names: "miniredis",
 * anything that begins with "miniredis-", and what systemd makes of a unit's name
 * ("miniredis.socket", "miniredis@x.socket"); systemd-socket-activate's default "unknown"
 * and "connection" only if no name at all was given. Unsets the environment. */
int systemd_take_sockets(struct systemd_socket *out, size_t cap, size_t *count, char *why,
                         size_t why_size) MR_MUST_CHECK;

/* --- notify --- */

/* Whether somebody listens (NOTIFY_SOCKET). */
bool systemd_is_notified(void);
void systemd_ready(const char *status);
void systemd_status(const char *fmt, ...) MR_PRINTF(1, 2);
/* With MONOTONIC_USEC, as Type=notify-reload wants it; systemd_ready ends it. */
void systemd_reloading(void);
void systemd_stopping(void);
/* Start or stop may take US more from now. */
void systemd_extend_timeout(uint64_t us);
/* Period in which a ping must come, microseconds; 0: no watchdog. */
uint64_t systemd_watchdog_us(void);
void systemd_watchdog_ping(void);

/* --- journal --- */

/* Whether standard error is the journal (JOURNAL_STREAM). */
bool systemd_stderr_is_journal(void);
/* Makes the log write to the journal natively, fields apart, as IDENT, which must stay. 0; or a
 * negated errno, the old sink stays: -ENOENT if no journal runs here, -ENOSYS without libsystemd. */
int systemd_log_to_journal(const char *ident) MR_MUST_CHECK;
