/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The request side of RESP: bytes in, arguments as slices of those bytes out. A
 * pure function over bytes: no descriptor, no copy. It remembers how far it came
 * in an incomplete request, so that a request that arrives in many pieces is
 * looked at once, however many arguments it has. How the bytes were cut never
 * changes what comes out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* What a client that has still to authenticate may send, whatever the limits say. */
#define RESP_UNAUTHENTICATED_ARGS 10
#define RESP_UNAUTHENTICATED_BULK 16384

struct resp_limits {
    int64_t max_bulk;     /* proto-max-bulk-len */
    int64_t max_args;     /* of one request; redis-server's is INT32_MAX, no more is possible */
    int64_t max_line;     /* an inline request or a length line: 65536 */
    bool unauthenticated; /* the two limits above apply as well, with errors of their own */
};

struct resp_span; /* an argument as its distance from the request's start, and its length */

/* All-zero is a reader at the start of a request. */
struct resp_reader {
    size_t need;             /* bytes from the request's start before a new look is worth while; 0 at it */
    uint32_t kind;           /* 0 nothing is remembered but need, '*' array, 'i' inline */
    uint32_t count;          /* arguments found */
    size_t pos;              /* bytes of the current request that are done with */
    size_t scanned;          /* bytes of it that do not end the line that begins at pos */
    int64_t bulk;            /* length of the bulk being waited for, -1: its line has not come */
    uint32_t args_left;      /* arguments to come */
    uint32_t saved_cap;      /* room in saved */
    struct resp_span *saved; /* heap: the COUNT arguments of an incomplete array */
    struct buf inline_bytes; /* unquoted words of the last inline request, or an error's text */
};

/* Frees what R holds and sets it to the start. */
void resp_reader_done(struct resp_reader *r);

/*
 * Reads one request from DATA, which begins where the request begins (the same
 * request again, with more bytes, after MR_E_AGAIN; it may have moved).
 *
 * > 0: the bytes the request took. ARGS[0..*COUNT) are its arguments, slices of DATA
 *      (of R's own bytes for an inline request with quotes: valid until R reads the
 *      next one). *COUNT is 0 for an empty request ("\r\n", "*0\r\n", "*-1\r\n"),
 *      which wants no answer.
 * MR_E_AGAIN: incomplete.
 * MR_E_TOO_BIG: it has more than CAP arguments and is complete: call again with
 *      room for *COUNT.
 * MR_E_PROTOCOL: malformed; *ERROR is the text for the client, with its prefix
 *      ("ERR Protocol error: invalid multibulk length"), static or in R's bytes.
 *      Nothing more can be read from this peer.
 */
int64_t resp_reader_next(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                         size_t len, struct slice *args, uint32_t cap, uint32_t *count,
                         const char **error) MR_MUST_CHECK;
