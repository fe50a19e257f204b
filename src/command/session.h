/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session: what the server knows of one client beyond its connection. Made and
 * freed by the dispatcher; features read and change it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "codec/resp_reader.h"

struct block_waiter;
struct net_conn;
struct registry_entry;

enum session_flag {
    SESSION_AUTHENTICATED = 1 << 0,
    SESSION_REPLY_OFF = 1 << 1,
    SESSION_REPLY_SKIP_NEXT = 1 << 2, /* CLIENT REPLY SKIP was just run */
    SESSION_REPLY_SKIP = 1 << 3,      /* this command's reply is dropped */
    SESSION_NO_EVICT = 1 << 4,
    SESSION_NO_TOUCH = 1 << 5,
    SESSION_HELD = 1 << 6,      /* a gate holds its next command back */
    SESSION_FINISHED = 1 << 7,  /* nothing behind the current command is to run */
    SESSION_READ_ONLY = 1 << 8, /* its user may neither write nor administer */
    SESSION_BLOCKED = 1 << 9,   /* it waits in a blocking command, as WAITING says */
};

/* Who a client is by how it came, without having said anything. */
struct session_identity {
    const char *user;
    bool read_only;
};

struct session {
    struct net_conn *conn;
    struct session *prev, *next; /* all sessions, oldest first */
    uint64_t id;
    uint32_t flags;
    int32_t db;
    uint8_t resp;                    /* 2 or 3 */
    char *name, *lib_name, *lib_ver; /* heap, or NULL: empty */
    const char *user;                /* "default", or a name that outlives all sessions */
    /* What it is from its open on and again after RESET; NULL: the default user. Set by an open
     * hook before that of features/connection, which applies it; outlives all sessions. */
    const struct session_identity *identity;
    struct registry_entry *last; /* last command, for CLIENT LIST */
    uint64_t commands;
    struct resp_reader *reader;   /* heap; only while a request is incomplete */
    struct block_waiter *waiting; /* command/block.h's; NULL: it does not wait */
};

/* Whether TEXT may be a client's or its library's name: printing ASCII without blanks. */
bool session_text_valid(struct slice text);
/* Sets one of S's heap texts (name, lib_name, lib_ver) to a copy; empty: to NULL. */
void session_set_text(char **text, struct slice to);
