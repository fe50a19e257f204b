/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text to numbers and back, with the acceptance rules of the protocol: for integers no
 * spaces, no plus sign, no leading zeros, nothing behind the number; for floating point
 * what the C library reads, as far as the protocol allows it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

/* Bytes that any of the texts below needs, with a NUL. */
#define NUMBER_TEXT_MAX 32

/* True and *OUT set if S is exactly what number_from_int would print: "-0", "+1",
 * "01", " 1" and 2^63 are refused. This is also the test for storing a string as
 * an integer. */
bool number_to_int(struct slice s, int64_t *out);
bool number_to_uint(struct slice s, uint64_t *out);

/* A double as redis-server reads scores and timeouts: whole text, no NaN. */
bool number_to_double(struct slice s, double *out);

/* Texts of long doubles, with a NUL: what is longer is not read, nothing longer is written. */
#define NUMBER_LONG_TEXT_MAX 5120

/* A long double as redis-server reads what INCRBYFLOAT adds: whole text, no blanks, no NaN;
 * "inf", "+1" and hexadecimal are numbers, what is too big or rounds to zero is none. */
bool number_to_long_double(struct slice s, long double *out);

/* Its text with 17 decimals, rounded, without zeros at the end: 0.1, 100, inf; never -0.
 * OUT has NUMBER_LONG_TEXT_MAX bytes; no NUL. */
size_t number_from_long_double(char *out, long double value);

/* Write decimal text to OUT (NUMBER_TEXT_MAX bytes, no NUL) and return its length. */
size_t number_from_int(char *out, int64_t value);
size_t number_from_uint(char *out, uint64_t value);

/* The shortest text that reads back as VALUE, in the newer servers' form (0.1,
 * 1e+21, inf, -0); NUMBER_TEXT_MAX bytes. */
size_t number_from_double(char *out, double value);

/* "64mb", "1k", "5GB", "100": k, m, g are powers of 1000, kb, mb, gb (and b) of
 * 1024. MR_E_NOT_INT when it is none, or negative, or over INT64_MAX. */
int number_parse_size(struct slice s, int64_t *ret_bytes) MR_MUST_CHECK;

/* "30", "500ms", "5m", "2h", "1d" in units of UNIT_MS milliseconds, where a bare
 * number means that unit already; not a whole number of units is refused. */
int number_parse_duration(struct slice s, int64_t unit_ms, int64_t *ret_units) MR_MUST_CHECK;

/* "1.50M", "900B": what INFO's *_human fields show. Returns the length. */
size_t number_human_size(char *out, uint64_t bytes);
