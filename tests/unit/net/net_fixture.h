/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A net in one thread with a service that knows lines: each line is a request, each
 * reply is a line. Tests turn the loop until what they wait for has come.
 *
 *   quit    answers "bye" and ends        big N   answers N bytes
 *   kill    is killed                     tell I TEXT  sends TEXT to client I, amid its reply
 *   hold    is untaken, the first time    single  is parsed one at a time from now on
 *   wait    takes nothing more            silent  is not answered
 *   yield   is put off to the next turn, every first time
 *   any other line is its own answer
 */
#pragma once

#include <netinet/in.h>

#include "loop/loop.h"
#include "net/net_private.h"
#include "unit.h"

#define WORLD_KINDS 2 /* back ends: for tcase_add_loop_test */
#define WORLD_CALLS 256
#define WORLD_TURNS 200000 /* more than anything takes */

struct client {
    struct net_conn *conn;
    bool waits;  /* takes nothing until told */
    bool single; /* one request at a time */
    bool held_once;
    unsigned yields;
};

struct call {
    struct client *client;
    const char *start;
    size_t len;
};

/* What the service saw. */
struct world {
    struct call calls[WORLD_CALLS];
    size_t count;
    struct client *clients[64]; /* in order of their opening */
    unsigned opened, closed, commits, executes;
    size_t uncommitted;
    bool refuse;
};

extern struct world world;
extern const struct net_service world_service;

struct fixture {
    struct loop *loop;
    struct net *net;
    struct net_options options;
    char *bind[4];
    char *limits[NET_CLASSES * NET_LIMIT_WORDS];
    struct sockaddr_in address;
    char dir[64];
    char path[100];
};

/* A hook: with it no turn sleeps. */
bool world_busy(void *owner);
/* A net that does not listen yet. */
void world_setup(struct fixture *f, int kind);
/* The same around another service than the lines'. */
void world_setup_for(struct fixture *f, int kind, const struct net_service *service);
/* Has it serve a socket of 127.0.0.1, on a port of the kernel's choice. */
void world_adopt(struct fixture *f);
/* Both. */
void world_start(struct fixture *f, int kind);
void world_stop(struct fixture *f);
void world_turns(struct fixture *f, int count);
/* The connection that was opened as number I. */
struct net_conn *world_conn(int i);

int peer_dial(struct fixture *f);
/* Connects and waits until it is served. */
int peer_join(struct fixture *f);
void peer_say_bytes(struct fixture *f, int fd, const char *data, size_t len);
void peer_say(struct fixture *f, int fd, const char *text);
/* Reads until LEN bytes or the end came; an error counts as the end and is put into *ERROR. */
size_t peer_hear(struct fixture *f, int fd, char *out, size_t len, int *error);
void peer_expect(struct fixture *f, int fd, const char *text);
/* The end and no error; closes FD. */
void peer_expect_end(struct fixture *f, int fd);
void peer_expect_nothing(struct fixture *f, int fd);
