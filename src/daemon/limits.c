/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See limits.h.
 */
#include "daemon/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/log.h"

int64_t limits_fit_clients(int64_t clients, uint64_t *ret_limit)
{
    struct rlimit limit;
    *ret_limit = 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return clients; /* nothing is known; accept will say */
    rlim_t needed = (rlim_t)clients + LIMITS_RESERVED;
    if (limit.rlim_cur < needed) {
        /* The hard limit only with privileges; then up to the hard one without. */
        struct rlimit raised = {.rlim_cur = needed,
                                .rlim_max = needed > limit.rlim_max ? needed : limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        } else if (limit.rlim_cur < limit.rlim_max) {
            raised = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
            if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
                limit = raised;
        }
    }
    *ret_limit = limit.rlim_cur;
    if (limit.rlim_cur >= needed)
        return clients;
    return limit.rlim_cur > LIMITS_RESERVED ? (int64_t)(limit.rlim_cur - LIMITS_RESERVED) : 0;
}

void limits_lower_clients(int64_t *clients, int64_t fit, uint64_t limit)
{
    char wanted[24], files[24], count[24];
    snprintf(wanted, sizeof(wanted), "%" PRId64, *clients);
    snprintf(files, sizeof(files), "%" PRIu64, limit);
    snprintf(count, sizeof(count), "%" PRId64, fit);
    log_event(LOG_EVENT_MAXCLIENTS_LOWERED,
              LOG_FIELDS({"MINIREDIS_OPTION", "maxclients"}, {"MINIREDIS_WANTED", wanted},
                         {"MINIREDIS_LIMIT", files}, {"MINIREDIS_COUNT", count}),
              "maxclients is %s instead of %s: the limit of open files is %s and cannot be raised", count,
              wanted, files);
    *clients = fit;
}
