/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which sink the log has.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

struct daemon_options;

/* Opens the sink that OPTIONS ask for, and sets the level. 0; or negative with the reason in
 * WHY. OPTIONS must stay. */
int logging_open(const struct daemon_options *options, struct buf *why) MR_MUST_CHECK;

/* Opens the log file anew, if there is one (somebody may have moved it). On failure the old one
 * stays in use and the reason is in WHY. */
int logging_reopen(const struct daemon_options *options, struct buf *why) MR_MUST_CHECK;

/* Whether who reads standard error sees the lines. */
bool logging_on_stderr(const struct daemon_options *options);
