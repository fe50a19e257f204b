/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flags of a command's row: what it does, its ACL categories, and what it does to
 * its keys. Names are those that COMMAND INFO prints.
 */
#pragma once

/* Named as COMMAND INFO names them, in its order. */
enum command_flag {
    CMD_WRITE = 1 << 0,
    CMD_READONLY = 1 << 1,
    CMD_DENYOOM = 1 << 2,
    CMD_MODULE = 1 << 3,
    CMD_ADMIN = 1 << 4,
    CMD_PUBSUB = 1 << 5,
    CMD_NOSCRIPT = 1 << 6,
    CMD_BLOCKING = 1 << 7,
    CMD_LOADING = 1 << 8, /* allowed while loading */
    CMD_STALE = 1 << 9,
    CMD_SKIP_MONITOR = 1 << 10,
    CMD_SKIP_SLOWLOG = 1 << 11,
    CMD_ASKING = 1 << 12,
    CMD_FAST = 1 << 13,
    CMD_NO_AUTH = 1 << 14, /* allowed before authentication */
    CMD_MAY_REPLICATE = 1 << 15,
    CMD_SENTINEL = 1 << 16,
    CMD_ONLY_SENTINEL = 1 << 17,
    CMD_NO_MANDATORY_KEYS = 1 << 18,
    CMD_PROTECTED = 1 << 19, /* only where enable-debug-command and the like allow it */
    CMD_NO_ASYNC_LOADING = 1 << 20,
    CMD_NO_MULTI = 1 << 21,
    CMD_ALLOW_BUSY = 1 << 22,
    CMD_MOVABLE_KEYS = 1 << 23,
    /* Not shown: the bytes behind it are parsed only after it has run. */
    CMD_BARRIER = 1 << 30,
};

/* Explicit categories; @write @read @slow @fast @admin @dangerous @pubsub @blocking
 * @keyspace follow from flags as far as redis-server derives them. */
enum command_acl {
    CMD_ACL_KEYSPACE = 1 << 0,
    CMD_ACL_READ = 1 << 1,
    CMD_ACL_WRITE = 1 << 2,
    CMD_ACL_SET = 1 << 3,
    CMD_ACL_SORTEDSET = 1 << 4,
    CMD_ACL_LIST = 1 << 5,
    CMD_ACL_HASH = 1 << 6,
    CMD_ACL_STRING = 1 << 7,
    CMD_ACL_BITMAP = 1 << 8,
    CMD_ACL_HYPERLOGLOG = 1 << 9,
    CMD_ACL_GEO = 1 << 10,
    CMD_ACL_STREAM = 1 << 11,
    CMD_ACL_PUBSUB = 1 << 12,
    CMD_ACL_ADMIN = 1 << 13,
    CMD_ACL_FAST = 1 << 14,
    CMD_ACL_SLOW = 1 << 15,
    CMD_ACL_BLOCKING = 1 << 16,
    CMD_ACL_DANGEROUS = 1 << 17,
    CMD_ACL_CONNECTION = 1 << 18,
    CMD_ACL_TRANSACTION = 1 << 19,
    CMD_ACL_SCRIPTING = 1 << 20,
};

enum command_key_flag {
    CMD_KEY_RO = 1 << 0,
    CMD_KEY_RW = 1 << 1,
    CMD_KEY_OW = 1 << 2,
    CMD_KEY_RM = 1 << 3,
    CMD_KEY_ACCESS = 1 << 4,
    CMD_KEY_UPDATE = 1 << 5,
    CMD_KEY_INSERT = 1 << 6,
    CMD_KEY_DELETE = 1 << 7,
    CMD_KEY_NOT_KEY = 1 << 8,
    CMD_KEY_INCOMPLETE = 1 << 9,
    CMD_KEY_VARIABLE_FLAGS = 1 << 10,
};
