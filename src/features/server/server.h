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

struct server_ops {
    void *owner;
    /* Ends the process in an orderly way, soon; the current replies are still sent. */
    void (*stop)(void *owner);
    const char *version;
    const struct object_types *types;
    /* The save points: what is configured but cannot be written must not be lost silently. */
    const struct config_list *save;
};

struct server;

/* OPTIONS must outlive it, OPS is copied; it must outlive D. */
struct server *server_new(struct dispatch *d, const struct server_options *options,
                          const struct server_ops *ops);
void server_free(struct server *s);
