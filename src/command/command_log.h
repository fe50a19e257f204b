/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the log says of a client: the fields that every event which a client causes has.
 *
 *   struct command_log about;
 *   command_log_request(&about, ctx);
 *   log_event(LOG_EVENT_X, about.fields, about.count, "... %s ...", about.client);
 *
 * A command is named by its row, never by what was sent; arguments, which hold keys,
 * values and passwords, are never here.
 */
#pragma once

#include <stddef.h>

#include "base/log.h"

struct command_ctx;
struct session;

#define COMMAND_LOG_FIELDS 9 /* room for some of the caller's own */

struct command_log {
    char client[128]; /* its address */
    char id[24], db[12];
    struct log_field fields[COMMAND_LOG_FIELDS];
    size_t count;
};

/* MINIREDIS_CLIENT, _CLIENT_ID, _USER (where it is authenticated) and _DB. */
void command_log_session(struct command_log *out, const struct session *s);
/* The same, with MINIREDIS_COMMAND. */
void command_log_request(struct command_log *out, const struct command_ctx *ctx);
/* One more field; VALUE must stay. */
void command_log_add(struct command_log *out, const char *name, const char *value);
