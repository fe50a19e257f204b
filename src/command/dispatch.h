/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dispatcher: the service behind the connections. Parses requests into the
 * turn's batch, prefetches the table's buckets and entries for commands ahead,
 * passes each command through the gates and runs its handler. It owns the sessions
 * and the registry; it does not know any command.
 *
 * Order of checks for a request: unknown command, arity, then the gates in order of
 * their registration rank.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/slice.h"
#include "codec/resp_writer.h"
#include "command/command.h"
#include "command/registry.h"
#include "command/session.h"
#include "keyspace/keyspace.h"
#include "net/net.h"

struct block_retry;
struct dispatch;

/* What a handler gets. */
struct command_ctx {
    const struct slice *argv; /* argv[0] is the command's name as sent */
    uint32_t argc;
    struct resp_writer *reply;
    struct session *session;
    struct db *db;
    void *owner;           /* what the family registered with */
    uint64_t key_hash;     /* keyspace_hash of the first key, if the command has one */
    uint64_t element_hash; /* of the element that the command's row points at; 0: not known */
    const struct command *command;
    struct dispatch *dispatch;
    const struct block_retry *retry; /* a blocking command is called again; else NULL */
};

struct dispatch_options {
    int64_t proto_max_bulk_len;
};

extern const struct config_option dispatch_config_rows[];
extern const size_t dispatch_config_count;

struct dispatch *dispatch_new(struct keyspace *ks, const struct dispatch_options *options);
/* After net_free: no session may be left. */
void dispatch_free(struct dispatch *d);

struct registry *dispatch_registry(struct dispatch *d);
struct keyspace *dispatch_keyspace(struct dispatch *d);
/* To hand to net_new. */
const struct net_service *dispatch_service(struct dispatch *d);

/* Rows: total_commands_processed, errorstats, commandstats, latencystats, connected_clients .. */
void dispatch_register_counters(struct dispatch *d, struct counters *counters);

/* --- gates: run before each handler, in rising rank --- */

enum dispatch_verdict {
    DISPATCH_PASS,
    DISPATCH_REFUSED, /* the gate has written the error */
    DISPATCH_HOLD,    /* not now: the session waits until dispatch_release */
};

enum dispatch_rank {
    DISPATCH_RANK_PROTECTED,
    DISPATCH_RANK_AUTH,
    DISPATCH_RANK_ACL,
    DISPATCH_RANK_MEMORY,
    DISPATCH_RANK_LOADING,
    DISPATCH_RANK_QUEUE,
    DISPATCH_RANK_PAUSE
};

typedef enum dispatch_verdict dispatch_gate(void *owner, struct command_ctx *ctx);

/* A gate is asked only while it is on: dispatch_gate_enable switches (a gate that has
 * nothing to refuse costs nothing). Returns its handle. */
unsigned dispatch_add_gate(struct dispatch *d, enum dispatch_rank rank, dispatch_gate *gate, void *owner);
void dispatch_gate_enable(struct dispatch *d, unsigned handle, bool on);
/* Lets sessions that a gate holds try again. */
void dispatch_release(struct dispatch *d);

/* --- sessions --- */

/* A new connection: returns false after having replied, to refuse it. One hook per
 * feature that cares. */
typedef bool dispatch_open_hook(void *owner, struct session *s, struct resp_writer *reply);
void dispatch_add_open_hook(struct dispatch *d, dispatch_open_hook *hook, void *owner);
/* RESET, and just before a session is freed. */
typedef void dispatch_reset_hook(void *owner, struct session *s);
void dispatch_add_reset_hook(struct dispatch *d, dispatch_reset_hook *hook, void *owner);

/* Whether NAME is a user's: "default", or a name that the one who knows the others says yes to. */
typedef bool dispatch_user_check(void *owner, struct slice name);
void dispatch_set_user_check(struct dispatch *d, dispatch_user_check *check, void *owner);
bool dispatch_user_exists(const struct dispatch *d, struct slice name);

struct session *dispatch_first_session(const struct dispatch *d);
size_t dispatch_session_count(const struct dispatch *d);
/* As RESET: default state, reset hooks called. */
void dispatch_reset_session(struct dispatch *d, struct session *s);
/* Ends it after the reply of the current command; nothing behind that runs. */
void dispatch_finish_session(struct dispatch *d, struct session *s);

/* --- for handlers --- */

/* proto-max-bulk-len: also what a string may grow to. */
int64_t dispatch_max_bulk(const struct dispatch *d);
/* True and *OUT set; else the integer error has been written. */
bool dispatch_arg_int(struct command_ctx *ctx, uint32_t i, int64_t *out);
void dispatch_wrong_arity(struct command_ctx *ctx);
/* "ERR unknown subcommand or wrong number of arguments for 'X'. Try CMD HELP." */
void dispatch_bad_subcommand(struct command_ctx *ctx);
/* The reply of X HELP: LINES end with NULL; the first and last lines are Redis's frame
 * ("CMD <subcommand> [<arg> ..]. Subcommands are:" and "HELP"). */
void dispatch_help(struct command_ctx *ctx, const char *const *lines);
static inline uint64_t dispatch_hash(const struct command_ctx *ctx, uint32_t i)
{
    return keyspace_hash(db_keyspace(ctx->db), ctx->argv[i]);
}
