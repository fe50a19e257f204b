/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dispatcher over real connections, with a table of toy commands:
 *
 *   PING              +PONG                  LOG X      notes X in the trace, :1
 *   ARGC N ..         its number of arguments, which are 00001, 00002 and so on
 *   HASH K            :1 if key_hash is K's  BIG N      a bulk of N bytes
 *   LOGIN, LOGOUT     barriers               BOX|PUT    a subcommand; BOX has no handler
 *   REPLY ON|OFF|SKIP as CLIENT REPLY        RESET      dispatch_reset_session
 *   KILL I, FINISH I  ends the session of that id
 *   FAIL TEXT         -TEXT                  RESP N     sets the session's protocol, null
 *
 * A service between the net and the dispatcher counts the executions, so that tests can
 * say what is executed together.
 */
#pragma once

#include "command/dispatch.h"
#include "net/net_fixture.h"

struct toy {
    struct fixture f;
    struct net_service service;
    struct keyspace *keyspace;
    struct dispatch_options options;
    struct dispatch *d;
    struct buf trace; /* what LOG and the gates noted */
    unsigned executes;
    bool stranger; /* new sessions are not authenticated */
    bool refuse;   /* new sessions are sent away */
    unsigned resets;
};

extern struct toy toy;

void toy_start(int kind);
void toy_stop(void);

/* Connects and waits until it is served. The first session's id is 1, the next one's 2. */
int toy_join(void);
/* The session of that id, which must be there. */
struct session *toy_session(uint64_t id);
void toy_say(int fd, const char *text);
void toy_expect(int fd, const char *text);
/* The end, whether or not it was an orderly one; closes FD. */
void toy_expect_gone(int fd);
void toy_expect_trace(const char *text);
/* TEXT stands in that section of INFO. */
void toy_expect_row(const char *section, const char *text);
/* Appends a request of ARGC with COUNT arguments, its name included. */
void toy_argc(struct buf *out, unsigned count);

/* A gate that notes its letter when it is asked, about LOG and ARGC alone. */
struct toy_bar {
    char letter;
    enum dispatch_verdict verdict;
    unsigned handle;
};

/* Adds the gate and switches it on. */
void toy_add_bar(struct toy_bar *bar, enum dispatch_rank rank);
