/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which sink the log has, and when it tells of the lines that it held back.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "loop/loop.h"

struct daemon_options;

/* Opens the sink that OPTIONS ask for, and sets the level. 0; or negative with the reason in
 * WHY. OPTIONS must stay. */
int logging_open(const struct daemon_options *options, struct buf *why) MR_MUST_CHECK;

/* Opens the log file anew, if there is one (somebody may have moved it). On failure the old one
 * stays in use and the reason is in WHY. */
int logging_reopen(const struct daemon_options *options, struct buf *why) MR_MUST_CHECK;

/* Sees to it that lines held back by their limit are told of once the limit's window is over, also
 * if no other line comes. H must stay as long as LOOP turns. */
struct logging_held {
    struct loop *loop;
    struct loop_timer timer;
    bool armed;
};
void logging_held_init(struct logging_held *h, struct loop *loop);

/* Whether who reads standard error sees the lines. */
bool logging_on_stderr(const struct daemon_options *options);
/* Whether the lines go to the journal, natively or by way of standard error. */
bool logging_in_journal(const struct daemon_options *options);
