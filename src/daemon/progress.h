/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signs of progress for the service manager while something takes long (a load, a save): a line
 * of status, more time, and the watchdog's ping, which the loop cannot give meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct watchdog;

struct progress {
    struct watchdog *watchdog;
    int64_t told_us; /* when it was last told */
    bool told;       /* and not yet taken back */
};

/* Whether it is time for the next sign: at once, and then once a second. */
bool progress_is_due(const struct progress *p);
/* To be called when something has come forward, and only then: one that hangs says nothing, and the
 * manager's patience ends. */
void progress_tell(struct progress *p, const char *line);
/* It has ended, and LINE is the status again. */
void progress_over(struct progress *p, const char *line);
