/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor, the options, the pattern.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"
#include "command/dispatch.h"

/* Bounds the steps over an empty stretch of a table: so many for each element asked for. */
#define SCAN_STEPS 10

struct scan_options {
    struct slice pattern;
    bool all;  /* every element matches */
    bool bare; /* without values or scores */
    bool typed;
    struct slice type; /* if TYPED: what the type is to be called */
    int64_t want;      /* COUNT: elements to look at, more or less */
};

/* Reads argument I; false, with the error told, if it is no cursor. */
bool scan_read_cursor(struct command_ctx *ctx, uint32_t i, uint64_t *ret);
/* Reads the options from argument FIRST on; BARE is the word that sets it ("NOVALUES"), NULL: none.
 * False, with the error told, if they are not right. */
bool scan_read_options(struct command_ctx *ctx, uint32_t first, const char *bare, struct scan_options *ret);
/* The same for SCAN, which knows TYPE. */
bool scan_read_key_options(struct command_ctx *ctx, uint32_t first, struct scan_options *ret);

static inline bool scan_matches(const struct scan_options *o, struct slice element)
{
    return o->all || text_glob(o->pattern, element, false);
}

/* Writes the head of a page and the cursor; an array of what was found is to follow. */
void scan_begin_reply(struct command_ctx *ctx, uint64_t cursor);
