/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The string commands without a connection: a keyspace, their rows, one session, and the
 * clock frozen at STRING_NOW.
 */
#pragma once

#include "codec/resp_writer.h"
#include "command/dispatch.h"

#define STRING_NOW      1700000000000
#define STRING_MAX_BULK (1024 * 1024)

struct string_fixture {
    struct keyspace *ks;
    struct db *db;
    struct dispatch_options options;
    struct dispatch *dispatch;
    struct session session;
    struct keyspace_observer observer;
    struct buf out;
    struct buf events; /* the names of what was told, a blank behind each */
};

extern struct string_fixture string_fixture;

void string_set_up(void);
void string_tear_down(void);

void string_run_slices(const struct slice *argv, uint32_t argc);
/* LINE's words are the request; returns the reply. */
const char *string_run(const char *line);
/* The expiry of the key "k", -1 if it has none, -2 if there is no such key. */
int64_t string_expiry(void);
