/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One row per command: everything that the dispatcher, COMMAND INFO/DOCS/GETKEYS,
 * the ACL categories, miniredis-commands(7) and the completion need to know. Rows
 * stand in one .def file per family, beside the handlers:
 *
 *   COMMAND("GET", string_cmd_get, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
 *           .acl = CMD_ACL_STRING, .group = "string", .since = "1.0.0",
 *           COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO | CMD_KEY_ACCESS, 1, 0, 1)),
 *           COMMAND_ARGS({.name = "key", .type = CMD_ARG_KEY}),
 *           .complexity = "O(1)", .summary = "Returns the string at a key.")
 *
 * The family's .c defines COMMAND to build the array with the handler; the command
 * table generator defines it without. Subcommands are rows named "CONFIG|GET" after
 * their container, whose handler is NULL if it can do nothing alone.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "command/command_flags.h"

struct command_ctx;
typedef void command_handler(struct command_ctx *ctx);

enum command_key_begin { CMD_BEGIN_INDEX, CMD_BEGIN_KEYWORD, CMD_BEGIN_UNKNOWN };
enum command_key_find { CMD_FIND_RANGE, CMD_FIND_KEYNUM, CMD_FIND_UNKNOWN };

struct command_key {
    unsigned flags;
    enum command_key_begin begin;
    enum command_key_find find;
    int index;             /* BEGIN_INDEX: its position; KEYWORD: where the search starts */
    const char *keyword;   /* BEGIN_KEYWORD; UNKNOWN: the token that the key stands behind, the last
                            * from INDEX on that is no value of another token (NULL: not found) */
    int last, step, limit; /* FIND_RANGE: last is relative to the first, or negative from the end */
    int keynum_index, first, keynum_step; /* FIND_KEYNUM, relative to begin */
    const char *notes;
    /* CMD_KEY_VARIABLE_FLAGS: FLAGS hold if TOKEN (NULL: anything) or OR_TOKEN (may be NULL) is
     * among the arguments from TOKEN_FROM on, else OTHER_FLAGS do. */
    const char *token, *or_token;
    unsigned token_from, other_flags;
};

enum command_arg_type {
    CMD_ARG_STRING,
    CMD_ARG_INTEGER,
    CMD_ARG_DOUBLE,
    CMD_ARG_KEY,
    CMD_ARG_PATTERN,
    CMD_ARG_UNIX_TIME,
    CMD_ARG_PURE_TOKEN,
    CMD_ARG_ONEOF,
    CMD_ARG_BLOCK
};
enum command_arg_flag { CMD_ARG_OPTIONAL = 1, CMD_ARG_MULTIPLE = 2, CMD_ARG_MULTIPLE_TOKEN = 4 };

struct command_arg {
    const char *name;
    enum command_arg_type type;
    unsigned flags;
    int key_spec; /* CMD_ARG_KEY, PATTERN with one: index of its key spec (0 is the first) */
    const char *token;
    const char *since;
    const char *deprecated_since;
    const struct command_arg *args; /* of ONEOF and BLOCK */
    size_t arg_count;
};

struct command_change {
    const char *since;
    const char *text; /* in our own words */
};

struct command {
    const char *name; /* upper case */
    command_handler *handler;
    int arity; /* with the name itself; negative: at least */
    uint32_t flags;
    uint32_t acl;
    const char *group;
    const char *since;
    const char *complexity;
    const char *summary;
    const char *deprecated_since, *replaced_by;
    /* The argument that names an element of the first key's value, whose memory is fetched ahead
     * where the value is an object; 0: none. */
    unsigned element;
    const struct command_key *keys;
    size_t key_count;
    const struct command_arg *args;
    size_t arg_count;
    const struct command_change *history;
    size_t history_count;
    const char *const *tips;
    size_t tip_count;
};

#define COMMAND_COUNT_OF(type, ...) (sizeof((const type[]){__VA_ARGS__}) / sizeof(type))
#define COMMAND_KEYS(...)                                                                                    \
    .keys = (const struct command_key[]){__VA_ARGS__},                                                       \
    .key_count = COMMAND_COUNT_OF(struct command_key, __VA_ARGS__)
#define COMMAND_ARGS(...)                                                                                    \
    .args = (const struct command_arg[]){__VA_ARGS__},                                                       \
    .arg_count = COMMAND_COUNT_OF(struct command_arg, __VA_ARGS__)
#define COMMAND_HISTORY(...)                                                                                 \
    .history = (const struct command_change[]){__VA_ARGS__},                                                 \
    .history_count = COMMAND_COUNT_OF(struct command_change, __VA_ARGS__)
#define COMMAND_TIPS(...)                                                                                    \
    .tips = (const char *const[]){__VA_ARGS__}, .tip_count = COMMAND_COUNT_OF(char *, __VA_ARGS__)
/* The common key spec: from INDEX, LAST keys on, every STEP. */
#define COMMAND_KEY(FLAGS, INDEX, LAST, STEP)                                                                \
    {                                                                                                        \
        .flags = (FLAGS), .index = (INDEX), .last = (LAST), .step = (STEP)                                   \
    }

/* First key as the fast path needs it: the argument's index, 0 if the command has none. */
unsigned command_first_key(const struct command *c);

/* Finds the keys of a request: up to CAP indexes into ARGV, with their spec's flags (may be
 * NULL). Returns their number, or MR_E_SYNTAX if the arguments do not fit. */
int command_find_keys(const struct command *c, const struct slice *argv, uint32_t argc, uint32_t *indexes,
                      unsigned *flags, uint32_t cap);

/* The categories with those that follow from the flags. */
uint32_t command_acl_categories(const struct command *c);
