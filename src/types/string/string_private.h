/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: the handlers of string.def, how a handler finds its
 * string, and the options that several commands have.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/number.h"
#include "codec/resp_writer.h"
#include "command/dispatch.h"

/* Keys whose memory is fetched together by commands that take many. */
#define STRING_AHEAD 16

/* The key named by argument I, whose hash is HASH; FLAGS as db_find's. */
static inline struct entry *string_find(const struct command_ctx *ctx, uint32_t i, uint64_t hash,
                                        unsigned flags)
{
    if (__builtin_expect(ctx->session->flags & SESSION_NO_TOUCH, 0))
        flags |= DB_NO_TOUCH;
    return db_find(ctx->db, ctx->argv[i], hash, flags);
}

static inline struct slice string_of(const struct command_ctx *ctx, const struct entry *e, char *scratch)
{
    return entry_string(keyspace_arena(db_keyspace(ctx->db)), e, scratch);
}

/* Whether E (NULL: yes) is a string; else the error has been told. */
static inline bool string_check(struct command_ctx *ctx, const struct entry *e)
{
    if (__builtin_expect(e == NULL || entry_type(e) == OBJECT_STRING, 1))
        return true;
    resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
    return false;
}

static inline void string_event(const struct command_ctx *ctx, const char *name)
{
    db_event(ctx->db, EVENT_STRING, name, ctx->argv[1]);
}

/* Sets HASH to those of N keys, every STEP arguments from FIRST on, and has their memory
 * fetched; N is at most STRING_AHEAD. */
void string_fetch(const struct command_ctx *ctx, uint32_t first, uint32_t step, uint32_t n, uint64_t *hash);

/* XXH3 with 64 bits and no seed; hexadecimal digits that it has as a text. */
#define STRING_DIGEST_DIGITS 16
uint64_t string_digest(struct slice bytes);

/* --- options --- */

enum string_option {
    STRING_NX = 1 << 0,
    STRING_XX = 1 << 1,
    STRING_IFEQ = 1 << 2,
    STRING_IFNE = 1 << 3,
    STRING_IFDEQ = 1 << 4,
    STRING_IFDNE = 1 << 5,
    STRING_GET = 1 << 6,
    STRING_KEEPTTL = 1 << 7,
    STRING_PERSIST = 1 << 8,
    STRING_EX = 1 << 9,
    STRING_PX = 1 << 10,
    STRING_EXAT = 1 << 11,
    STRING_PXAT = 1 << 12,
    STRING_ENX = 1 << 13,
    STRING_BYINT = 1 << 14,
    STRING_BYFLOAT = 1 << 15,
    STRING_LBOUND = 1 << 16,
    STRING_UBOUND = 1 << 17,
    STRING_SATURATE = 1 << 18,
};

#define STRING_MATCHES    (STRING_IFEQ | STRING_IFNE | STRING_IFDEQ | STRING_IFDNE)
#define STRING_CONDITIONS (STRING_NX | STRING_XX | STRING_MATCHES)
#define STRING_TIMES      (STRING_EX | STRING_PX | STRING_EXAT | STRING_PXAT)

/* The options of a request, and the arguments that stand behind them (0: none). */
struct string_options {
    uint32_t set;
    uint32_t match, time, by, lower, upper;
};

/* Reads the options from argument FIRST on; those not in ALLOWED are unknown, and with ONCE
 * each may stand there once. False: a syntax error has been told. */
bool string_parse_options(struct command_ctx *ctx, uint32_t first, uint32_t allowed, bool once,
                          struct string_options *ret);
/* The one of IFEQ, IFNE, IFDEQ, IFDNE that WORD is; 0: none. */
uint32_t string_match_option(struct slice word);
/* The expiry that O means, for db_set_string. False: an error has been told. */
bool string_parse_expiry(struct command_ctx *ctx, const struct string_options *o, int64_t *expiry_ms);
/* The same for a number that stands in argument I, of seconds or milliseconds from now on. */
bool string_parse_lifetime(struct command_ctx *ctx, uint32_t i, bool seconds, int64_t *expiry_ms);
/* Whether E (NULL: no key), a string where O has a match, meets O's condition. MR_E_SYNTAX: the
 * digest that is to be compared is none. */
int string_condition(const struct command_ctx *ctx, const struct string_options *o, const struct entry *e,
                     bool *met) MR_MUST_CHECK;
/* The error for that code. */
void string_bad_digest(struct command_ctx *ctx);

/* --- handlers --- */

/* string_cmds.c */
command_handler string_cmd_get;
command_handler string_cmd_set;
command_handler string_cmd_setnx;
command_handler string_cmd_setex;
command_handler string_cmd_psetex;
command_handler string_cmd_getset;
command_handler string_cmd_getdel;
command_handler string_cmd_getex;
command_handler string_cmd_digest;
command_handler string_cmd_delex;
command_handler string_cmd_delifeq;

/* string_many.c */
command_handler string_cmd_mget;
command_handler string_cmd_mset;
command_handler string_cmd_msetnx;
command_handler string_cmd_msetex;

/* string_number.c */
command_handler string_cmd_incr;
command_handler string_cmd_decr;
command_handler string_cmd_incrby;
command_handler string_cmd_decrby;
command_handler string_cmd_incrbyfloat;

/* string_increx.c */
command_handler string_cmd_increx;

/* string_range.c */
command_handler string_cmd_append;
command_handler string_cmd_strlen;
command_handler string_cmd_getrange;
command_handler string_cmd_setrange;

/* string_lcs.c */
command_handler string_cmd_lcs;
