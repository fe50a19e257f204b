/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Going into the background so that whoever started the server learns whether it came
 * up. The starter stays and waits at a pipe; the server, its grandchild, in a session
 * of its own and without a terminal, writes there that it is ready or why it is not.
 */
#pragma once

#include "base/error.h"

/* Returns in the grandchild only, with the pipe's end, to be given to one of the two below;
 * or, with a negated errno, in the caller when there can be no fork. The starter itself ends in
 * here, with status 0 or 1. Descriptors 0 to 2 are /dev/null afterwards. */
int background_start(void) MR_MUST_CHECK;

/* Lets the starter end with status 0. PIPE -1 is allowed, here and below. */
void background_ready(int pipe);

/* Lets the starter print REASON and end with status 1. */
void background_failed(int pipe, const char *reason);
