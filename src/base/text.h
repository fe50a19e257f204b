/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Matching, quoting and splitting of text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* Whether STRING matches the glob PATTERN with the rules of KEYS: * ? [abc] [^a]
 * [a-z] and backslash; an unclosed bracket ends at the end of the pattern. An empty
 * STRING matches the empty pattern alone, as there. Takes at most as many steps as
 * the product of the two lengths. */
bool text_glob(struct slice pattern, struct slice string, bool nocase);

/* Appends S in double quotes, with \n \r \t \a \b, \" \\ and \xHH for what does not print. */
void text_quote(struct buf *out, struct slice s);

/* Splits a line as a shell-like command line is split by redis.conf and inline
 * requests: blanks separate, "..." with \n \r \t \b \a \xHH escapes, '...' with \'
 * only, a quote must close and a blank must follow it. Words are appended to OUT's
 * bytes and described by *RET_WORDS (heap; slices into out->data; caller frees with
 * heap_free). Returns the number of words or MR_E_SYNTAX for unbalanced quotes. */
int text_split(struct slice line, struct buf *out, struct slice **ret_words) MR_MUST_CHECK;

/* The edit distance of two words, at most LIMIT + 1; for "did you mean". */
unsigned text_distance(const char *a, const char *b, unsigned limit);
