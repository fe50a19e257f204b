/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access stamps: what is written at an access, what they say, and the sweep that keeps
 * them from wrapping around.
 *
 * The clock of the stamps is the monotonic one, so that setting the wall clock makes no key
 * look old. Ages are told by subtraction in 23 bits; a sweep in each eighth of the range
 * (12 days, or 2.8 days of minutes) makes what is older than half the range just that old.
 *
 * When the policy goes from times to counters or back, all stamps there are mean the wrong
 * thing, and going through all of them takes a while. So the start of the new clock is
 * chosen to make the two kinds different by their upper 15 bits:
 *
 *   |<- former: 5/8 of the range ->|<- new, brought over: 1/4 ->|<- new: 1/8 ->|
 *                                  now of the former clock      now of the new one
 *
 * Until the sweep has brought over the last one, each stamp is taken for what it is. A key
 * with a counter that becomes one with a time was last used when its counter was last
 * touched; a key with a time that gets a counter has the counter of one that was
 * used once then.
 */
#include "base/random.h"
#include "keyspace/evict.h"
#include "keyspace/evict_private.h"

#define FAR         (INT64_MIN / 2)
#define SECOND_US   INT64_C(1000000)
#define MINUTE_US   (60 * SECOND_US)
#define EIGHTH      20 /* bits of a stamp below those that tell the eighth */
#define HALF        (ENTRY_STAMP_MAX / 2)
#define COUNT_BITS  8
#define COUNT_MAX   255
#define COUNT_NEW   5 /* that of a new key, so that it is not the next to go */
#define UPPER_MAX   (ENTRY_STAMP_MAX >> COUNT_BITS)
#define UPPER_HALF  (UPPER_MAX / 2)
#define BROUGHT     (UPPER_MAX / 4) /* what a stamp that was brought over can be old, at most */
#define SWEEP_STEPS 16              /* buckets, at a time */

static const struct evict_options defaults = {
    .policy = EVICT_NOTHING, .samples = 5, .lfu_log_factor = 10, .lfu_decay_time = 1};

static const struct evict_options *options_of(const struct keyspace *ks)
{
    return ks->evict.options != NULL ? ks->evict.options : &defaults;
}

static enum evict_meaning meaning_of(int policy)
{
    switch (policy) {
    case EVICT_ALLKEYS_LFU:
    case EVICT_VOLATILE_LFU:
        return EVICT_COUNTED;
    case EVICT_ALLKEYS_LRM:
    case EVICT_VOLATILE_LRM:
        return EVICT_WRITTEN;
    default:
        return EVICT_ACCESSED;
    }
}

/* --- the clock --- */

static int64_t unit_of(enum evict_meaning meaning)
{
    return meaning == EVICT_COUNTED ? MINUTE_US : SECOND_US;
}

/* Seconds or minutes, as many bits as a stamp has for them. */
static uint32_t now_of(const struct keyspace *ks)
{
    const struct evict_state *s = &ks->evict;
    int64_t units = (clock_mono_us() - s->start_us) / unit_of(s->meaning);
    return (uint32_t)units & (s->meaning == EVICT_COUNTED ? UPPER_MAX : ENTRY_STAMP_MAX);
}

/* The upper bits that a stamp of now has. */
static uint32_t upper_now(const struct keyspace *ks)
{
    return ks->evict.meaning == EVICT_COUNTED ? now_of(ks) : now_of(ks) >> COUNT_BITS;
}

static uint32_t eighth_now(const struct keyspace *ks)
{
    return upper_now(ks) >> (EIGHTH - COUNT_BITS);
}

/* The same for accesses in the plain way. */
static uint32_t new_second(struct keyspace *ks)
{
    struct evict_state *s = &ks->evict;
    int64_t seconds = (clock_mono_us() - s->start_us) / SECOND_US;
    s->stamp = (uint32_t)seconds & ENTRY_STAMP_MAX;
    s->second_us = s->start_us + seconds * SECOND_US;
    return s->stamp;
}

/* --- counters --- */

static uint32_t pack(uint32_t minutes, unsigned count)
{
    return (minutes & UPPER_MAX) << COUNT_BITS | count;
}

/* STAMP with the decay that is due by now; what is left of a decay time stays in it. */
static uint32_t decayed(const struct keyspace *ks, uint32_t stamp)
{
    int64_t every = options_of(ks)->lfu_decay_time;
    if (every <= 0)
        return stamp;
    uint32_t since = stamp >> COUNT_BITS;
    uint64_t periods = ((now_of(ks) - since) & UPPER_MAX) / (uint64_t)every;
    if (periods == 0)
        return stamp;
    unsigned count = stamp & COUNT_MAX;
    return pack(since + (uint32_t)(periods * (uint64_t)every),
                periods < count ? count - (unsigned)periods : 0);
}

static uint32_t counted_up(struct keyspace *ks, uint32_t stamp)
{
    int64_t every = options_of(ks)->lfu_decay_time;
    stamp = decayed(ks, stamp);
    uint32_t since = every > 0 ? stamp >> COUNT_BITS : now_of(ks);
    unsigned count = stamp & COUNT_MAX;
    if (count == COUNT_MAX)
        return pack(since, count);
    /* The chance is one in above * factor + 1, above being what it has beyond a new key's. */
    uint64_t above = count > COUNT_NEW ? count - COUNT_NEW : 0;
    uint64_t in = above * (uint64_t)options_of(ks)->lfu_log_factor + 1;
    return pack(since, count + (in == 1 || random_below(&ks->random, in) == 0));
}

/* --- stamps of the former meaning --- */

static bool is_former(const struct keyspace *ks, uint32_t stamp)
{
    uint32_t upper = stamp >> COUNT_BITS;
    return ((upper - ks->evict.former_end) & UPPER_MAX) >= BROUGHT + UPPER_MAX / 8;
}

/* Only ever from counters to times or back. */
static uint32_t brought_over(const struct keyspace *ks, uint32_t stamp)
{
    if (ks->evict.meaning == EVICT_COUNTED) {
        uint32_t minutes = ((ks->evict.former_now - stamp) & ENTRY_STAMP_MAX) / 60;
        return pack(now_of(ks) - (minutes < BROUGHT ? minutes : BROUGHT), COUNT_NEW);
    }
    uint32_t seconds = ((ks->evict.former_now - (stamp >> COUNT_BITS)) & UPPER_MAX) * 60;
    uint32_t most = BROUGHT << COUNT_BITS;
    return (now_of(ks) - (seconds < most ? seconds : most)) & ENTRY_STAMP_MAX;
}

static uint32_t stamp_of(const struct keyspace *ks, const struct entry *e)
{
    uint32_t stamp = entry_stamp(e);
    return unlikely(ks->evict.changing) && is_former(ks, stamp) ? brought_over(ks, stamp) : stamp;
}

/* --- accesses --- */

void evict_touch_rest(struct keyspace *ks, struct entry *e)
{
    if (ks->evict.meaning == EVICT_ACCESSED)
        entry_set_stamp(e, new_second(ks));
    else if (ks->evict.meaning == EVICT_COUNTED)
        entry_set_stamp(e, counted_up(ks, stamp_of(ks, e)));
}

uint32_t evict_stamp_rest(struct keyspace *ks, const struct entry *old)
{
    if (ks->evict.meaning == EVICT_ACCESSED)
        return new_second(ks);
    if (ks->evict.meaning == EVICT_WRITTEN)
        return now_of(ks);
    return old != NULL ? counted_up(ks, stamp_of(ks, old)) : pack(now_of(ks), COUNT_NEW);
}

/* --- what stamps say --- */

bool evict_counts(const struct keyspace *ks)
{
    return ks->evict.meaning == EVICT_COUNTED;
}

int64_t evict_idle_s(struct keyspace *ks, const struct entry *e)
{
    if (evict_counts(ks))
        return 0;
    uint32_t idle = (now_of(ks) - stamp_of(ks, e)) & ENTRY_STAMP_MAX;
    return idle < HALF ? idle : HALF;
}

unsigned evict_freq(struct keyspace *ks, const struct entry *e)
{
    return evict_counts(ks) ? decayed(ks, stamp_of(ks, e)) & COUNT_MAX : 0;
}

/* Least used first; of those that are used alike, the one whose last use is longer ago. */
static uint64_t score_of_counter(struct keyspace *ks, const struct entry *e)
{
    uint32_t stamp = stamp_of(ks, e);
    unsigned count = decayed(ks, stamp) & COUNT_MAX;
    return (uint64_t)(COUNT_MAX - count) << 16 | ((now_of(ks) - (stamp >> COUNT_BITS)) & UPPER_MAX);
}

uint64_t evict_score(struct keyspace *ks, const struct entry *e)
{
    if (options_of(ks)->policy == EVICT_VOLATILE_TTL)
        return ~((uint64_t)entry_expiry(e) ^ (uint64_t)1 << 63);
    return evict_counts(ks) ? score_of_counter(ks, e) : (uint64_t)evict_idle_s(ks, e);
}

uint32_t evict_stamp(struct keyspace *ks, int64_t idle_s, int freq)
{
    if (evict_counts(ks)) {
        unsigned count = freq < 0 ? COUNT_NEW : freq > COUNT_MAX ? COUNT_MAX : (unsigned)freq;
        return pack(now_of(ks), count);
    }
    uint32_t most = ks->evict.changing ? BROUGHT << COUNT_BITS : HALF;
    uint32_t idle = idle_s <= 0 ? 0 : idle_s > most ? most : (uint32_t)idle_s;
    return (now_of(ks) - idle) & ENTRY_STAMP_MAX;
}

void evict_set_stamp(struct entry *e, uint32_t stamp)
{
    entry_set_stamp(e, stamp);
}

/* --- the sweep --- */

static void sweep_counter(struct keyspace *ks, struct entry *e)
{
    uint32_t now = now_of(ks);
    uint32_t stamp = stamp_of(ks, e);
    if (((now - (stamp >> COUNT_BITS)) & UPPER_MAX) >= UPPER_HALF / 2)
        stamp = decayed(ks, stamp);
    uint32_t age = (now - (stamp >> COUNT_BITS)) & UPPER_MAX;
    if (age >= UPPER_HALF / 2) {
        /* The decay time is longer than what a stamp can tell for long: the part of it that
         * has gone by is the chance that the step is made now. */
        int64_t every = options_of(ks)->lfu_decay_time;
        unsigned count = stamp & COUNT_MAX;
        bool step = every > 0 && count > 0 && random_below(&ks->random, (uint64_t)every) < age;
        stamp = pack(now, count - step);
    }
    if (stamp != entry_stamp(e))
        entry_set_stamp(e, stamp);
}

static void sweep_element(void *arg, void *element)
{
    struct keyspace *ks = arg;
    struct entry *e = element;
    if (evict_counts(ks)) {
        sweep_counter(ks, e);
        return;
    }
    uint32_t now = now_of(ks);
    uint32_t stamp = stamp_of(ks, e);
    if (((now - stamp) & ENTRY_STAMP_MAX) > HALF)
        stamp = (now - HALF) & ENTRY_STAMP_MAX;
    if (stamp != entry_stamp(e))
        entry_set_stamp(e, stamp);
}

static void begin_sweep(struct keyspace *ks)
{
    struct evict_state *s = &ks->evict;
    s->sweeping = true;
    s->sweep_db = 0;
    s->sweep_cursor = 0;
    s->swept = eighth_now(ks);
}

static void set_meaning(struct keyspace *ks, enum evict_meaning meaning)
{
    ks->evict.meaning = meaning;
    ks->evict.second_us = FAR; /* the next access works out its second, or finds that it has none */
    ks->evict.pool_count = 0;
}

static void change_meaning(struct keyspace *ks, enum evict_meaning meaning)
{
    struct evict_state *s = &ks->evict;
    s->former_now = now_of(ks);
    s->former_end = (upper_now(ks) + 1) & UPPER_MAX;
    set_meaning(ks, meaning);
    int64_t upper = (int64_t)((s->former_end + BROUGHT) & UPPER_MAX);
    int64_t units = meaning == EVICT_COUNTED ? upper : upper << COUNT_BITS;
    s->start_us = clock_mono_us() - units * unit_of(meaning);
    s->changing = true;
    begin_sweep(ks);
}

static void end_sweep(struct keyspace *ks)
{
    ks->evict.sweeping = ks->evict.changing = false;
    evict_configure(ks, ks->evict.options);
}

void evict_configure(struct keyspace *ks, const struct evict_options *options)
{
    struct evict_state *s = &ks->evict;
    s->options = options;
    s->weights_age = 0;
    enum evict_meaning meaning = meaning_of(options_of(ks)->policy);
    if (meaning == s->meaning)
        return;
    if ((meaning == EVICT_COUNTED) == evict_counts(ks))
        set_meaning(ks, meaning);
    else if (!s->changing) /* else when that has ended */
        change_meaning(ks, meaning);
}

bool evict_wants_sweep(struct keyspace *ks)
{
    if (ks->evict.sweeping)
        return true;
    if (likely(eighth_now(ks) == ks->evict.swept))
        return false;
    begin_sweep(ks);
    return true;
}

void evict_sweep(struct keyspace *ks)
{
    struct evict_state *s = &ks->evict;
    for (unsigned step = 0; step < SWEEP_STEPS; step++) {
        if (s->sweep_db == ks->databases) {
            end_sweep(ks);
            return;
        }
        s->sweep_cursor =
            dict_scan(&ks->db[s->sweep_db].dict, &ks->arena, s->sweep_cursor, sweep_element, ks);
        s->sweep_db += s->sweep_cursor == 0;
    }
}

void evict_init(struct keyspace *ks)
{
    ks->evict = (struct evict_state){.start_us = clock_mono_us(), .second_us = FAR};
}
