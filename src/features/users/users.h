/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Users that are known by where they come from, without a password: sections of the
 * configuration, each of which says who the process at the other end of a unix socket has
 * to be.
 *
 *     user "web" {
 *         peer-uid = "www-data"
 *         peer-unit = "nginx.service"
 *         access = read-only
 *     }
 *
 * The first section in the order of the file all of whose conditions hold gives the
 * connection its identity (struct session_identity); a connection that none fits is as any
 * other. A reload changes who new connections are; those that are open stay what they are.
 *
 * What a user may do is asked here as well, by a gate at the rank of access control: all, or
 * (read-only) no command that writes or administers. The default user, that is whoever has
 * the password, may do all; so read-only holds nobody back as long as there is no password.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "config/config_section.h"

struct users;
struct counters;
struct dispatch;
struct net_peer;
struct session_identity;

/* To be added with the users as owner, before anything is loaded. */
extern const struct config_section users_section;

struct users *users_new(void);
void users_free(struct users *u);

/* Takes what was loaded for the section. 0, or negative with the reason in WHY; the users are
 * as before then. Is the section's apply hook. */
int users_apply(void *owner, const struct config_records *records, struct buf *why);

/* Adds its hook and gate to D, before features/connection adds its own. U must outlive D's
 * sessions. */
void users_register(struct users *u, struct dispatch *d);

/* Who PEER is; NULL: nobody in particular. It lives as long as U. May pin PEER. */
const struct session_identity *users_identify(const struct users *u, struct net_peer *peer);

/* Row: acl_access_denied_cmd in "stats". */
void users_register_counters(struct users *u, struct counters *counters);
