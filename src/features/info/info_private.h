/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of INFO, shared by the command (info.c) and its rows (info_rows.c).
 */
#pragma once

#include <stdint.h>

#include "features/info/info.h"

struct info {
    struct dispatch *dispatch;
    struct counters *counters;
    struct info_facts facts;
    int64_t started_us; /* monotonic */
    char run_id[41];
    char replid[41];
};

void info_register_rows(struct info *info);
void info_register_absent(struct info *info);
