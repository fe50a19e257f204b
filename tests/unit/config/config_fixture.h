/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the suites of the config share: two made-up modules with a row of every type,
 * and a folder for files. Not a suite by itself.
 */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/heap.h"
#include "config/config.h"
#include "config/config_load.h"

struct fixture_options {
    int64_t port;
    int64_t timeout;
    struct config_list bind;
    struct config_list save;
    struct config_list limits;
    int64_t maxmemory;
    int64_t perm;
    int policy;
    int moods;
    bool appendonly;
    char *dir;
    char *requirepass;
};

struct fixture_other {
    int64_t hz;
    char *note;
};

struct fixture {
    struct config *config;
    struct fixture_options options;
    struct fixture_other other;
    struct config_module modules[2];
    struct buf faults;
    struct buf text;
    char folder[64];
    char path[128]; /* of the file written last */
    unsigned applied[2];
    bool changed[16];   /* as the first module's hook was told last */
    const char *refuse; /* what the second module's hook says, or NULL */
    int64_t port_seen;  /* by the first module's hook */
};

/* Sets up a config with both modules; every fixture_begin needs a fixture_end. */
struct fixture *fixture_begin(void);
void fixture_end(struct fixture *f);

/* Writes NAME in the fixture's folder, and leaves its path in f->path. */
const char *fixture_file(struct fixture *f, const char *name, const char *text);

/* The text form of an option's value, and where it is from; valid until the next call. */
const char *fixture_value(struct fixture *f, const char *name);
const char *fixture_origin(struct fixture *f, const char *name);

/* CONFIG SET of pairs "name", "value", ... NULL: "" or the error. */
const char *fixture_set(struct fixture *f, ...);

/* The faults without the folder's path. */
const char *fixture_faults(struct fixture *f);

#define ck_value(f, name, text)  ck_assert_str_eq(fixture_value((f), (name)), (text))
#define ck_origin(f, name, text) ck_assert_str_eq(fixture_origin((f), (name)), (text))
