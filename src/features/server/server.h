/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TIME, SHUTDOWN, LOLWUT and DEBUG. DEBUG is refused unless enable-debug-command
 * allows it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

struct dispatch;
struct object_types;

enum server_allow { SERVER_NO, SERVER_LOCAL, SERVER_YES };

struct server_options {
    int enable_debug_command; /* enum server_allow */
};

extern const struct config_option server_config_rows[];
extern const size_t server_config_count;

/* SHUTDOWN without a word, with SAVE, with NOSAVE. */
enum server_save { SERVER_SAVE_AS_CONFIGURED, SERVER_SAVE_ALWAYS, SERVER_SAVE_NEVER };

struct server_ops {
    void *owner;
    /* Saves the data as SAVE says, then ends the process in an orderly way, soon; the current replies
     * are still sent. False: it could not be saved, the log says why, and the server goes on; with
     * FORCE it ends all the same. */
    bool (*stop)(void *owner, enum server_save save, bool force);
    const char *version;
    const struct object_types *types;
};

struct server;

/* OPTIONS must outlive it, OPS is copied; it must outlive D. */
struct server *server_new(struct dispatch *d, const struct server_options *options,
                          const struct server_ops *ops);
void server_free(struct server *s);
