/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of all modules: what they are called, what they may be, what they
 * are and where that came from.
 *
 * A module declares its rows in a table beside its code, with the offset of each
 * value in its own options struct, and the daemon adds the tables of all modules
 * to one struct config. The file, the command line, CONFIG GET/SET, --print-config,
 * --check-config, miniredis.conf(5) and the installed file are all made of those
 * rows. The values live in the module's struct and are read there directly.
 *
 * A value has one text form, Redis's: what CONFIG GET prints and CONFIG SET takes.
 *
 * Records that a file may hold any number of (user "alice" { .. }) are declared with
 * config/config_section.h, which says how.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum config_type {
    CONFIG_BOOL,   /* bool; yes, no (a file may also say true, on, 1, ..) */
    CONFIG_INT,    /* int64_t in [min, max]; UNIT "s" or "ms" also takes "5m", "30s" */
    CONFIG_OCTAL,  /* int64_t, written in octal: file modes */
    CONFIG_SIZE,   /* int64_t of bytes in [min, max]; "64mb"; or one of NAMES, if it has any */
    CONFIG_ENUM,   /* int; one of NAMES, any case */
    CONFIG_WORDS,  /* int; some of NAMES, each a bit, in any order; the one of 0 means none of them */
    CONFIG_STRING, /* char *, heap, never NULL */
    CONFIG_LIST,   /* struct config_list: words; a file says {"a", "b"} */
};

enum config_flag {
    CONFIG_RUNTIME = 1 << 0,   /* CONFIG SET and a reload may change it */
    CONFIG_SECRET = 1 << 1,    /* never printed to a log or by --print-config */
    CONFIG_PROTECTED = 1 << 2, /* CONFIG SET only with enable-protected-configs */
    CONFIG_REPEAT = 1 << 3,    /* in redis.conf, repeating it adds to the list (save, bind does not) */
    CONFIG_CLEAR = 1 << 4,     /* LIST: a single empty word means the empty list (save "") */
};

struct config_name {
    const char *name; /* NULL ends the array */
    int value;
};

struct config_list {
    char **items; /* heap, each too */
    size_t count;
};

union config_value {
    bool boolean;
    int64_t number;
    int choice;
    char *string;
    struct config_list list;
};

struct config_option {
    const char *name;
    const char *alias; /* another spelling that is accepted (Redis's old one) or NULL */
    enum config_type type;
    unsigned flags;
    size_t offset;        /* of the value in the module's target */
    const char *fallback; /* the default, in text form */
    int64_t min, max;     /* INT, OCTAL, SIZE; max 0 with min 0: no bounds */
    const char *unit;     /* "s", "ms", "bytes", NULL */
    const struct config_name *names;
    unsigned group; /* LIST: how many words belong together when a file is printed; 0 as 1 */
    /* Further checks of a parsed value, before it is stored: 0, or negative with the reason
     * appended to WHY. May be NULL. It may normalise *VALUE, whose heap parts are owned by
     * the config; OLD is the value it is to replace (for an option whose words change only a
     * part of it), NULL while the default is set. */
    int (*check)(union config_value *value, const union config_value *old, struct buf *why);
    /* Appends what CONFIG GET answers, where that is not the value's text form but what the
     * value came to; TARGET is the module's. May be NULL. */
    void (*show)(const void *target, struct buf *out);
    const char *sentence; /* one sentence for the manual and the file */
};

struct config_module {
    const char *group; /* heading in the manual: "Network" */
    const struct config_option *options;
    size_t count;
    void *target;
    /* Called after run-time changes to any of its options have been stored; what it
     * refuses (negative, reason in WHY) is rolled back, and it is called again with
     * the old values. CHANGED has one bool per option. May be NULL. */
    int (*apply)(void *owner, const bool *changed, struct buf *why);
    void *owner;
};

struct config;

struct config *config_new(void);
/* Frees the heap parts of all values too, so the modules' targets must still be there. */
void config_free(struct config *c);

/* Adds a module and sets its defaults; MODULE must outlive C. An option whose default
 * is not valid is our own bug (assert). */
void config_add(struct config *c, const struct config_module *module);

/* Where a value came from, in rising precedence. */
enum config_origin {
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_OVERLAY,
    CONFIG_FROM_COMMAND_LINE,
    CONFIG_FROM_RUNTIME
};

/* --- walking --- */
size_t config_option_count(const struct config *c);
const struct config_option *config_option_at(const struct config *c, size_t i, const char **ret_group);
/* By name or alias, any case; NULL if unknown. */
const struct config_option *config_find(const struct config *c, struct slice name);
/* The known name nearest to NAME, or NULL if none is near. */
const char *config_nearest(const struct config *c, const char *name);

/* Appends what CONFIG GET answers: the value's text form, or what its option shows instead. */
void config_print_value(const struct config *c, const struct config_option *o, struct buf *out);
/* "default", "/etc/miniredis.conf:12", "/var/lib/miniredis/overlay.conf:7 (CONFIG REWRITE)",
 * "command line", "CONFIG SET". */
void config_print_origin(const struct config *c, const struct config_option *o, struct buf *out);

/* --- CONFIG SET: all or nothing --- */
struct config_change {
    struct slice name;
    struct slice value;
};

/* 0, or negative with the client's error text (prefix included) in WHY, worded as
 * redis-server words it; nothing has changed then. PROTECTED_OK says whether
 * CONFIG_PROTECTED options may be changed by this caller. */
int config_set(struct config *c, const struct config_change *changes, size_t count, bool protected_ok,
               struct buf *why) MR_MUST_CHECK;
