/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access stamps, as the databases keep them: what is done at each access, in line.
 *
 * Under a policy that keeps times of accesses (all but lfu and lrm) a stamp is written only
 * when its second is another one, so that reads leave the entry's line clean. All else takes
 * the way around, by a second that never is the current one.
 */
#pragma once

#include "base/clock.h"
#include "keyspace/entry_private.h"
#include "keyspace/evict_state.h"
#include "keyspace/keyspace_private.h"

/* For keyspace_new and keyspace_free. */
void evict_init(struct keyspace *ks);
void evict_done(struct keyspace *ks);

/* The rest of the functions below. */
void evict_touch_rest(struct keyspace *ks, struct entry *e);
uint32_t evict_stamp_rest(struct keyspace *ks, const struct entry *old);

static inline bool evict_is_plain(const struct keyspace *ks)
{
    return likely((uint64_t)(clock_mono_us() - ks->evict.second_us) < 1000000);
}

/* An access to E. */
static inline void evict_touch(struct keyspace *ks, struct entry *e)
{
    if (unlikely(!evict_is_plain(ks)))
        evict_touch_rest(ks, e);
    else if (unlikely(entry_stamp(e) != ks->evict.stamp))
        entry_set_stamp(e, ks->evict.stamp);
}

/* E, which was found for that (evict_touch), has been written to. */
static inline void evict_wrote(struct keyspace *ks, struct entry *e)
{
    if (unlikely(ks->evict.meaning == EVICT_WRITTEN))
        entry_set_stamp(e, evict_stamp_rest(ks, NULL));
}

/* The stamp of a new entry. */
static inline uint32_t evict_new_stamp(struct keyspace *ks)
{
    return evict_is_plain(ks) ? ks->evict.stamp : evict_stamp_rest(ks, NULL);
}

/* The stamp of an entry that is written over OLD, which nobody found for that: an access and a
 * write in one. */
static inline uint32_t evict_next_stamp(struct keyspace *ks, const struct entry *old)
{
    return evict_is_plain(ks) ? ks->evict.stamp : evict_stamp_rest(ks, old);
}

/* How good E is to evict by the policy. */
uint64_t evict_score(struct keyspace *ks, const struct entry *e);

/* Whether there is something to sweep, and a slice of it. */
bool evict_wants_sweep(struct keyspace *ks);
void evict_sweep(struct keyspace *ks);
