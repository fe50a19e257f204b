/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands that work on keys of any type: DEL to TYPE, KEYS and SCAN, the EXPIRE and
 * TTL families, RENAME, COPY and MOVE, DUMP and RESTORE, SORT, OBJECT, WAIT, and those on
 * whole databases (DBSIZE, FLUSHALL, SWAPDB). It knows no type; what a value is and can do
 * comes from the table it is given.
 *
 * Also the option notify-keyspace-events: which events are to be told to clients.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct counters;
struct dispatch;
struct keys;
struct object_types;

struct keys_options {
    char *notify_keyspace_events; /* letters, in one order and each once */
};

/* The rows of these options; target is a struct keys_options. */
extern const struct config_option keys_config_rows[];
extern const size_t keys_config_count;

/* How events are told, beside the classes of keyspace/observer.h. */
enum keys_notify {
    KEYS_NOTIFY_KEYSPACE = 1 << 29, /* K: on the channel of the key */
    KEYS_NOTIFY_KEYEVENT = 1 << 30, /* E: on the channel of the event */
};

/* The classes that the option asks for, with how. Without any how, 0: nothing is to be told. */
uint32_t keys_notify_mask(const struct keys_options *options);

struct keys_ops {
    void *owner;
    /* FLUSHDB or FLUSHALL is done, and its reply not yet written. NULL: nobody wants to know. */
    void (*flushed)(void *owner);
};

/* Adds its commands to D. TYPES may grow until the first command runs; D and TYPES must
 * outlive it, OPS is copied. */
struct keys *keys_new(struct dispatch *d, const struct object_types *types, const struct keys_ops *ops);
void keys_free(struct keys *k);
void keys_register_counters(struct keys *k, struct counters *counters);
