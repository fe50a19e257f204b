/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file with the process id: there from start to end, never half written.
 */
#pragma once

#include "base/error.h"

/* Writes our process id to PATH, in one step for whoever reads it. 0 or a negated errno. */
int pidfile_write(const char *path) MR_MUST_CHECK;

/* Removes PATH if what it holds is our process id. */
void pidfile_remove(const char *path);
