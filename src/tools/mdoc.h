/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text as mdoc(7) source: nothing of it is taken for markup, and lines are broken
 * where the language wants them, after each sentence and within 80 columns.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/* TEXT as lines of running text; `words` between backquotes are set in bold. */
void mdoc_text(struct buf *out, const char *text);

/* LEN bytes of TEXT as one argument of a macro, with a blank in front; set literally:
 * its dashes can be copied from a terminal. */
void mdoc_argument(struct buf *out, const char *text, size_t len);

/* LEN bytes of TEXT to be shown as they are, within running text. */
void mdoc_literal(struct buf *out, const char *text, size_t len);
