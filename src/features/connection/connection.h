/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handshake: PING ECHO QUIT RESET HELLO AUTH SELECT, the gate that keeps commands
 * of clients without the password away, and protected mode. Only the user "default" has a
 * password, the option requirepass.
 *
 * SESSION_AUTHENTICATED and SESSION_READ_ONLY are set and cleared here alone. A session that
 * opens (or is reset) with an identity is that user at once; AUTH makes it the default user,
 * RESET makes it again what it was. One without an identity that opens (or is reset) while
 * there is no password is authenticated, and stays so when a password is set later.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "config/config.h"

struct connection;
struct counters;
struct dispatch;

struct connection_options {
    char *requirepass; /* "": none */
    bool protected_mode;
    char *compat_version; /* what HELLO and INFO call redis_version */
};

/* The rows of these options; target is a struct connection_options. */
extern const struct config_option connection_config_rows[];
extern const size_t connection_config_count;

/* Adds its commands, gate and hooks to D. OPTIONS and D must outlive it, and it must
 * outlive D's sessions. */
struct connection *connection_new(struct dispatch *d, const struct connection_options *options);
void connection_free(struct connection *c);

/* Takes over changed options. Has the shape of config_module.apply, with the
 * connection as owner; it refuses nothing. */
int connection_apply(void *owner, const bool *changed, struct buf *why);

/* Rows: redis_version in "server", acl_access_denied_auth in "stats". */
void connection_register_counters(struct connection *c, struct counters *counters);
