/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: the state behind the handlers, the filter of
 * CLIENT LIST and CLIENT KILL, and the handlers that clients.def names and clients.c
 * does not hold.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "command/dispatch.h"
#include "command/session.h"
#include "loop/loop.h"

/* Bytes of a faulty argument that its error repeats. */
#define CLIENTS_SHOWN 4096
static inline int clients_shown(struct slice s)
{
    return s.len < CLIENTS_SHOWN ? (int)s.len : CLIENTS_SHOWN;
}

struct clients {
    struct dispatch *dispatch;
    struct loop *loop;
    struct loop_timer pause_end;
    int64_t pause_until_us; /* monotonic; means something while the gate is on */
    unsigned gate;
    bool paused;
    bool pause_all; /* all commands, not writes alone */
};

/* --- clients.c --- */

/* The word that may stand as argument 3, and nothing behind it: USUAL, as without any, or OTHER. False,
 * with the error written, for another. */
bool clients_choose(struct command_ctx *ctx, const char *usual, const char *other, const char *error,
                    bool *ret_other);

/* --- clients_print.c --- */

/* The letters of flags= in CLIENT LIST: at most 16 of them, and a NUL. */
#define CLIENTS_FLAGS 17
void clients_flags(const struct session *s, char out[CLIENTS_FLAGS]);
/* All letters that any server of the two families shows there. */
extern const char clients_known_flags[];
/* Appends the line of S, with its newline. */
void clients_print(const struct session *s, struct buf *out);

/* --- clients_filter.c --- */

/* Sessions that pass the filter in the arguments from FIRST on, in the heap array
 * *RET_SESSIONS, oldest first or in the order of a plain list of ids. Returns their
 * number, or -1 with the error written. SKIP_ME: whether the caller's own is left
 * out if SKIPME does not say. LENIENT_ID: any number is an id, as CLIENT LIST has it. */
int64_t clients_select(struct command_ctx *ctx, uint32_t first, bool skip_me, bool lenient_id,
                       struct session ***ret_sessions);

/* --- clients_kill.c --- */
command_handler clients_cmd_kill;
command_handler clients_cmd_list;
command_handler clients_cmd_unblock;
command_handler clients_cmd_info;
