/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eviction: choosing the keys that go when memory is short, and what is remembered of
 * accesses for it. When to evict and how much is features/memory's business.
 *
 * The access stamp in an entry's head (23 bits) is, by the policy:
 *   lfu       | minutes 15 | logarithmic counter 8 |
 *   else      seconds since a start of its own; of the last access, or under lrm of the last
 *             write. A sweep in the background keeps old ones from wrapping around: what was
 *             idle for longer than half the range says half the range.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keyspace/keyspace.h"

enum evict_policy {
    EVICT_NOTHING,
    EVICT_ALLKEYS_LRU,
    EVICT_ALLKEYS_LFU,
    EVICT_ALLKEYS_LRM,
    EVICT_ALLKEYS_RANDOM,
    EVICT_VOLATILE_LRU,
    EVICT_VOLATILE_LFU,
    EVICT_VOLATILE_LRM,
    EVICT_VOLATILE_RANDOM,
    EVICT_VOLATILE_TTL,
};

struct evict_options {
    int policy;             /* enum evict_policy */
    int64_t samples;        /* maxmemory-samples: entries looked at per eviction */
    int64_t lfu_log_factor; /* lfu-log-factor, lfu-decay-time: as redis-server's */
    int64_t lfu_decay_time; /* minutes */
};

/* OPTIONS is kept and read at each use; call it again after a change. */
void evict_configure(struct keyspace *ks, const struct evict_options *options);
/* Deletes one key by the policy, in whichever database; tells the event. Returns the bytes that
 * it took (at once, or when a big value has been freed), 0 if no key may go. */
size_t evict_one(struct keyspace *ks);
/* Whether accesses are counted (lfu), or times kept. */
bool evict_counts(const struct keyspace *ks);

/* Seconds since the last access of E; 0 under lfu. */
int64_t evict_idle_s(struct keyspace *ks, const struct entry *e);
/* E's counter as it has decayed by now; 0 if not under lfu. */
unsigned evict_freq(struct keyspace *ks, const struct entry *e);
/* The stamp that says so, for an entry that comes from elsewhere; -1: unknown, as new. */
uint32_t evict_stamp(struct keyspace *ks, int64_t idle_s, int freq);
void evict_set_stamp(struct entry *e, uint32_t stamp);
