/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reload that is answered: the socket by which it is asked for, both ends of it.
 *
 * It is reload.sock in $RUNTIME_DIRECTORY, for packets, and for this process's user and
 * root alone. To connect is to ask; one packet comes back when the server has done it:
 *
 *   verdict 1 | why, lines of text
 *
 * A packet comes whole or not at all, so that no end of the server can pass for an answer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "loop/loop.h"

enum reload_verdict {
    RELOAD_DONE = '+',
    RELOAD_FAILED = '-',
    RELOAD_FAILED_AND_TOLD = '!', /* WHY stands in the journal already */
};

struct reload_socket {
    struct loop *loop;
    struct loop_io io;
    struct loop_timer again; /* after no descriptor was to be had */
    char *path;              /* heap; NULL: there is none */
    dev_t device;            /* of the socket's file, which may have been replaced since */
    ino_t inode;
    enum reload_verdict (*reload)(void *owner, struct buf *why);
    void *owner;
};

/* Listens; RELOAD runs in the loop, once per asker. 0, also where $RUNTIME_DIRECTORY is not set
 * and there is nothing to do; or a negated errno, with the reason in WHY. */
int reload_socket_open(struct reload_socket *s, struct loop *loop,
                       enum reload_verdict (*reload)(void *owner, struct buf *why), void *owner,
                       struct buf *why) MR_MUST_CHECK;
/* Who has not been answered is refused. S all zero is allowed. */
void reload_socket_close(struct reload_socket *s);

/* Asks the server that listens in $RUNTIME_DIRECTORY, which has to be process $MAINPID where that
 * is set, and waits for its verdict, at most TIMEOUT_MS. RELOAD_FAILED also when nobody answers.
 * WHY: lines of text. */
enum reload_verdict reload_socket_ask(int64_t timeout_ms, struct buf *why);
