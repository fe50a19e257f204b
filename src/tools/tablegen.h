/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the generator share. Each writes one piece that a handwritten file
 * of man/ or completions/ takes in; none of them depends on where or for what machine
 * the program was built, so the pieces are shipped ready-made.
 */
#pragma once

#include "base/buf.h"

/* The options as mdoc, for miniredis.conf(5). */
void tablegen_options(struct buf *out);
/* The options for the completion: a line "NAME KIND [WORD ...]" for each. */
void tablegen_completion(struct buf *out);
/* The commands as mdoc, for miniredis-commands(7). */
void tablegen_commands(struct buf *out);
