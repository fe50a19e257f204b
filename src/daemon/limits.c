/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See limits.h.
 */
#include "daemon/limits.h"

#include <sys/resource.h>

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
