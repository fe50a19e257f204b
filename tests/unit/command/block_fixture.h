/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The toy dispatcher (command_fixture.h) with commands that block, over a type whose values are
 * rows of letters:
 *
 *   PUSH K LETTERS   appends them                TAKE K.. S        BLPOP: "K:c" or null
 *   PASS K TO S      takes one, appends it       WATCH K S         tells when K goes: "gone"
 *   LOOK K MS N S    looks every MS, N times, then "looked"
 *   OTHER K          a value of another type     DROP K            deletes it
 *   MOVE K DB TO     db_move                     COPY K TO         the same value elsewhere
 *   EXPIRE K         due at once                 GO DB             SELECT
 *   SWAP, FLUSH      databases 0 and 1, 0        END ID [ERROR]    CLIENT UNBLOCK
 *   UNTIL UNIT T     dispatch_arg_timeout alone
 */
#pragma once

#include "command/block.h"
#include "command/command_fixture.h"

#define BLOCK_CLIENTS 5

/* The connections, whose ids are 1 and so on; a test that closes one sets it to -1. */
extern int block_fds[BLOCK_CLIENTS];

/* Adds the commands to the dispatcher. */
void block_add_commands(void);
void block_start(int kind);
void block_stop(void);

/* Client I says what must make it wait. */
void block_say(int i, const char *text);
/* What it says is answered at once. */
void block_ask(int i, const char *text, const char *answer);
/* It has been answered and waits no more. */
void block_expect(int i, const char *answer);
/* It still waits. */
void block_silent(int i);
/* Nobody waits, and nothing is left of those who did. */
void block_expect_clean(void);
