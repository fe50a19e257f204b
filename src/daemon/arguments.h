/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line: the program's own switches, the configuration file, and the rest,
 * which are options.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

enum arguments_mode {
    ARGUMENTS_RUN,
    ARGUMENTS_HELP,
    ARGUMENTS_VERSION,
    ARGUMENTS_CHECK,  /* --check-config */
    ARGUMENTS_PRINT,  /* --print-config */
    ARGUMENTS_IMPORT, /* --import-redis-conf FILE */
    ARGUMENTS_RELOAD, /* --reload */
    ARGUMENTS_LISTEN, /* --check-listen WORD .., which are the options then */
};

enum arguments_syntax {
    ARGUMENTS_NATIVE, /* -c FILE */
    ARGUMENTS_REDIS,  /* --redis-conf FILE, -, --import-redis-conf FILE */
    ARGUMENTS_EITHER, /* FILE: as its first directives look */
};

struct arguments {
    enum arguments_mode mode;
    const char *file; /* NULL: none was named */
    enum arguments_syntax syntax;
    int option_count; /* what is left, in order: "--port 7000 .." */
    char **options;   /* heap; the words are those of argv */
};

/* Sorts ARGV. 0; or MR_E_CONFIG with the reason in WHY. */
int arguments_parse(struct arguments *out, int argc, char **argv, struct buf *why) MR_MUST_CHECK;
void arguments_done(struct arguments *a);

/* The text of --help. */
extern const char arguments_help[];

/* PATH, on the heap, as it is found also after the working directory has changed; "-" stays. */
char *arguments_absolute(const char *path);
