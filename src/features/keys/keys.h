/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands that work on keys of any type: DEL to TYPE, KEYS and SCAN, the EXPIRE and
 * TTL families, RENAME, and those on whole databases (DBSIZE, FLUSHALL, SWAPDB). It
 * knows no type; names of types come from the table it is given.
 */
#pragma once

struct dispatch;
struct keys;
struct object_types;

/* Adds its commands to D. TYPES may grow until the first command runs; D and TYPES must
 * outlive it. */
struct keys *keys_new(struct dispatch *d, const struct object_types *types);
void keys_free(struct keys *k);
