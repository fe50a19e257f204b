/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters and the fields of INFO. A module declares its rows in a table beside its
 * code and registers the table with its state; INFO, CONFIG RESETSTAT and the
 * documentation read the rows. Fields appear in the order of registration within
 * their section.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct counter_row {
    const char *section;  /* lower case: "server", "stats" */
    const char *name;     /* NULL: FORMAT writes whole lines itself ("db0:keys=..\r\n") */
    const char *unit;     /* "bytes", "s"; NULL for a plain count or text */
    const char *sentence; /* what it counts, for the manual */
    size_t offset;        /* of a uint64_t in the owner, where FORMAT is NULL */
    bool reset;           /* CONFIG RESETSTAT sets that uint64_t to 0 */
    void (*format)(const void *owner, struct buf *out); /* appends the value alone */
};

struct counters;

struct counters *counters_new(void);
void counters_free(struct counters *c);

/* ROWS and OWNER must outlive C. ON_RESET may be NULL. */
void counters_add(struct counters *c, const struct counter_row *rows, size_t count, void *owner,
                  void (*on_reset)(void *owner));

/* Appends "# Section\r\nname:value\r\n..." of one section; nothing if it has no rows. */
void counters_print(const struct counters *c, const char *section, const char *title, struct buf *out);

void counters_reset(struct counters *c);

/* Formats of rows for what there is none of: 0, and -1 for what has never been. */
void counters_zero(const void *owner, struct buf *out);
void counters_never(const void *owner, struct buf *out);
