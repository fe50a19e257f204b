/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error codes of the whole program and their one table of texts.
 *
 * A function that can fail returns 0 or a negative code: a negated errno value
 * (above -1000) for what the system said, one of MR_E_* for what we say
 * ourselves. No code is positive, so that counts can share the return value.
 */
#pragma once

#define MR_MUST_CHECK        __attribute__((warn_unused_result))
#define MR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum mr_error {
    MR_E_AGAIN = -1000,     /* more bytes are needed before this can be decided */
    MR_E_SYNTAX = -1001,    /* an option or its place is not known */
    MR_E_NOT_INT = -1002,   /* not an integer, or one out of range */
    MR_E_NOT_FLOAT = -1003, /* not a floating point number */
    MR_E_WRONG_TYPE = -1004,
    MR_E_NO_KEY = -1005,
    MR_E_NO_AUTH = -1006,
    MR_E_LOADING = -1007,
    MR_E_TOO_BIG = -1008,  /* a size above the limit that is configured */
    MR_E_OVERFLOW = -1009, /* arithmetic would leave the range */
    MR_E_DB_INDEX = -1010,
    MR_E_CORRUPT = -1011,     /* stored bytes that cannot be what they claim */
    MR_E_TRUNCATED = -1012,   /* stored bytes that end too early */
    MR_E_UNSUPPORTED = -1013, /* well formed, but not known to this version */
    MR_E_CHECKSUM = -1014,
    MR_E_CONFIG = -1015,   /* a faulty configuration; the reason is reported apart */
    MR_E_CLOSED = -1016,   /* the peer is gone */
    MR_E_PROTOCOL = -1017, /* a malformed request */
    MR_E_MEMORY = -1018,   /* a size that was asked for cannot be had */
};

/* The text that a client gets for CODE, with its prefix ("ERR syntax error") and
 * without the leading dash; for a negated errno "ERR " and strerror's text.
 * Never NULL; static storage. */
const char *error_text(int code);

/* The same as a plain phrase for a log line ("truncated"). */
const char *error_phrase(int code);
