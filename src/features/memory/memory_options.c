/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options: the limit, eviction, defragmentation.
 */
#include "features/memory/memory_private.h"

static const struct config_name maxmemory_names[] = {{"auto", MEMORY_AUTO}, {NULL, 0}};

static const struct config_name policy_names[] = {
    {"volatile-lru", EVICT_VOLATILE_LRU},
    {"volatile-lfu", EVICT_VOLATILE_LFU},
    {"volatile-random", EVICT_VOLATILE_RANDOM},
    {"volatile-ttl", EVICT_VOLATILE_TTL},
    {"volatile-lrm", EVICT_VOLATILE_LRM},
    {"allkeys-lru", EVICT_ALLKEYS_LRU},
    {"allkeys-lfu", EVICT_ALLKEYS_LFU},
    {"allkeys-random", EVICT_ALLKEYS_RANDOM},
    {"allkeys-lrm", EVICT_ALLKEYS_LRM},
    {"noeviction", EVICT_NOTHING},
    {NULL, 0},
};

const char *memory_policy_name(int policy)
{
    const struct config_name *n = policy_names;
    while (n->name != NULL && n->value != policy)
        n++;
    return n->name;
}

static void show_maxmemory(const void *target, struct buf *out)
{
    buf_append_uint(out, ((const struct memory_options *)target)->limit);
}

#define NUMBER(NAME, FIELD, FALLBACK, MIN, MAX, SENTENCE)                                                    \
    {                                                                                                        \
        .name = (NAME), .type = CONFIG_INT, .flags = CONFIG_RUNTIME,                                         \
        .offset = offsetof(struct memory_options, FIELD), .fallback = (FALLBACK), .min = (MIN),              \
        .max = (MAX), .sentence = (SENTENCE)                                                                 \
    }

/* In the order of enum memory_row. */
const struct config_option memory_config_rows[] = {
    {.name = "maxmemory",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct memory_options, maxmemory),
     .fallback = "0",
     .min = 0,
     .max = INT64_MAX,
     .unit = "bytes",
     .names = maxmemory_names,
     .show = show_maxmemory,
     .sentence =
         "The most memory in use at which commands that need more are still taken, or above which keys are "
         "evicted; 0: no limit; auto: the limit of the control group less a tenth, or else the machine's "
         "memory less a fifth, less 64mb at least, worked out at start and at each reload."},
    {.name = "maxmemory-policy",
     .type = CONFIG_ENUM,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct memory_options, evict.policy),
     .fallback = "noeviction",
     .names = policy_names,
     .sentence =
         "Which keys go at the limit: of all keys or only of those that have an expiry (volatile), the least "
         "recently used (lru), the least often used (lfu), the least recently modified (lrm), any (random), "
         "the next to expire (ttl); or none: commands that need memory are refused instead."},
    NUMBER("maxmemory-samples", evict.samples, "5", 1, INT32_MAX,
           "How many keys are looked at for each one that is evicted; more come closer to the policy and "
           "take longer."),
    NUMBER("maxmemory-eviction-tenacity", tenacity, "10", 0, 100,
           "How long commands may evict, per turn of the loop: 50 us per unit up to 10, then 15 % more "
           "each; 100: as long as it takes. What is left is done in the background."),
    NUMBER("lfu-log-factor", evict.lfu_log_factor, "10", 0, INT32_MAX,
           "How slowly the counters of lfu rise: from n beyond a new key's to the next by one access in "
           "n times this, about."),
    NUMBER("lfu-decay-time", evict.lfu_decay_time, "1", 0, INT32_MAX,
           "After how many minutes the counters of lfu fall by one; 0: never."),
    {.name = "activedefrag",
     .type = CONFIG_BOOL,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct memory_options, defrag.on),
     .fallback = "yes",
     .sentence =
         "Whether what is in memory is moved together when much around it has been deleted: without, that "
         "memory comes back only with a restart, so it is on; it costs nothing where there is nothing to "
         "do."},
    {.name = "active-defrag-ignore-bytes",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct memory_options, defrag.ignore_bytes),
     .fallback = "8mb",
     .min = 1,
     .max = INT64_MAX,
     .unit = "bytes",
     .sentence = "Free room below this is not defragmented; at maxmemory, 1mb if this is more."},
    NUMBER("active-defrag-threshold-lower", defrag.threshold_lower, "10", 0, 1000,
           "Percentage that free room is of used memory from which on it is defragmented; at maxmemory, 1."),
    NUMBER("active-defrag-threshold-upper", defrag.threshold_upper, "100", 0, 1000,
           "Percentage from which on that is done with all effort."),
    NUMBER("active-defrag-cycle-min", defrag.cycle_min, "1", 1, 99,
           "Percentage of a processor that defragmentation takes at the lower threshold."),
    NUMBER("active-defrag-cycle-max", defrag.cycle_max, "25", 1, 99,
           "Percentage that it takes at the upper threshold, and at maxmemory."),
};
const size_t memory_config_count = sizeof memory_config_rows / sizeof memory_config_rows[0];
