/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the first bytes of items are called, for messages: also those that are not
 * read, so that a refusal can name them. From 22 on and among the opcodes the two
 * families give the same numbers to different things.
 */
#include <stddef.h>

#include "persist/rdb_private.h"

static const char *const common[256] = {
    [0] = "string",
    [1] = "list",
    [2] = "set",
    [3] = "zset (text scores)",
    [4] = "hash",
    [5] = "zset",
    [6] = "module (first form)",
    [7] = "module",
    [9] = "hash (zipmap)",
    [10] = "list (ziplist)",
    [11] = "set (intset)",
    [12] = "zset (ziplist)",
    [13] = "hash (ziplist)",
    [14] = "list (quicklist of ziplists)",
    [15] = "stream (first form)",
    [16] = "hash (listpack)",
    [17] = "zset (listpack)",
    [18] = "list (quicklist of listpacks)",
    [19] = "stream (second form)",
    [20] = "set (listpack)",
    [21] = "stream (third form)",
    [244] = "slot sizes",
    [245] = "function library",
    [246] = "function of a pre-release",
    [247] = "module data",
    [248] = "idle time",
    [249] = "access frequency",
    [250] = "auxiliary field",
    [251] = "table sizes",
    [252] = "expiry in ms",
    [253] = "expiry in s",
    [254] = "database number",
    [255] = "end",
};

static const char *const of_redis[256] = {
    [22] = "hash (field expiry, pre-release)",
    [23] = "hash (listpack, field expiry, pre-release)",
    [24] = "hash (field expiry)",
    [25] = "hash (listpack, field expiry)",
    [26] = "stream (fourth form)",
    [27] = "stream (fifth form)",
    [28] = "array",
    [29] = "hash (template, listpack)",
    [30] = "hash (template by reference, listpack)",
    [31] = "hash (template)",
    [32] = "hash (template by reference)",
    [33] = "rate limit",
    [34] = "set (listpack, member expiry)",
    [35] = "set (member expiry)",
    [241] = "key without eviction",
    [242] = "hash template",
    [243] = "key metadata",
};

static const char *const of_valkey[256] = {
    [22] = "hash (field expiry)",
    [23] = "path hash",
    [242] = "update",
    [243] = "slot import",
};

const char *rdb_name(unsigned byte, bool valkey)
{
    if (byte > 255)
        return NULL;
    if (common[byte] != NULL)
        return common[byte];
    return valkey ? of_valkey[byte] : of_redis[byte];
}
