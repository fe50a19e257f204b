/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The policies against what they promise, counters against the law they follow, and stamps
 * through ages of a clock that is set by hand.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "keyspace/evict.h"
#include "keyspace/keyspace.h"
#include "unit.h"

#define START    INT64_C(1700000000000)
#define MONO     INT64_C(1000000000)
#define SECOND   INT64_C(1000000)
#define MINUTE   (60 * SECOND)
#define DAY      (1440 * MINUTE)
#define LATER_MS (START + 1000000000)

static struct keyspace *ks;
static struct evict_options options;
static int64_t mono;

static void at(int64_t us)
{
    mono = us;
    clock_freeze_mono_us(us);
}

static void set_up(void)
{
    clock_update();
    clock_freeze_ms(START);
    at(MONO);
    ks = keyspace_new(4);
    options = (struct evict_options){.samples = 5, .lfu_log_factor = 10, .lfu_decay_time = 1};
}

static void tear_down(void)
{
    keyspace_free(ks);
    clock_freeze_ms(0);
    clock_freeze_mono_us(0);
}

static void policy(enum evict_policy p)
{
    options.policy = (int)p;
    evict_configure(ks, &options);
    while (keyspace_background(ks, 1000))
        continue;
}

static struct slice name_of(char *text, unsigned n)
{
    return slice_of(text, (size_t)snprintf(text, 24, "key:%u", n));
}

static void put(unsigned db, unsigned n, int64_t expiry_ms)
{
    char text[24];
    struct slice key = name_of(text, n);
    ck_assert_int_eq(
        db_set_string(keyspace_db(ks, db), key, keyspace_hash(ks, key), slice_str("some value"), expiry_ms),
        0);
}

static struct entry *look(unsigned db, unsigned n, unsigned flags)
{
    char text[24];
    struct slice key = name_of(text, n);
    return db_find(keyspace_db(ks, db), key, keyspace_hash(ks, key), flags);
}

static bool has(unsigned db, unsigned n)
{
    return look(db, n, DB_NO_TOUCH) != NULL;
}

static unsigned count(unsigned db, unsigned from, unsigned to)
{
    unsigned found = 0;
    for (unsigned n = from; n < to; n++)
        found += has(db, n);
    return found;
}

static void evict(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        ck_assert_uint_gt(evict_one(ks), 0);
}

/* --- which keys go --- */

START_TEST(lru_keeps_what_was_used)
{
    policy(EVICT_ALLKEYS_LRU);
    for (unsigned n = 0; n < 10000; n++)
        put(0, n, DB_EXPIRY_NONE);
    at(mono + 100 * SECOND);
    for (unsigned n = 0; n < 5000; n++)
        look(0, n, 0);
    evict(3500);
    /* A few may go: five samples are no certainty. At random it would be 1750. */
    ck_assert_uint_gt(count(0, 0, 5000), 4975);
    ck_assert_uint_eq(db_size(keyspace_db(ks, 0)), 6500);
}
END_TEST

START_TEST(lru_goes_by_age)
{
    policy(EVICT_ALLKEYS_LRU);
    for (unsigned n = 0; n < 20000; n++) {
        at(MONO + (int64_t)n * SECOND);
        put(0, n, DB_EXPIRY_NONE);
    }
    evict(10000);
    /* With five samples and the pool next to none of the younger quarter go, and of the oldest
     * quarter next to all. */
    ck_assert_uint_lt(count(0, 0, 5000), 300);
    ck_assert_uint_gt(count(0, 15000, 20000), 4850);
}
END_TEST

START_TEST(lrm_does_not_see_reads)
{
    policy(EVICT_ALLKEYS_LRM);
    for (unsigned n = 0; n < 4000; n++)
        put(0, n, DB_EXPIRY_NONE);
    at(mono + 50 * SECOND);
    for (unsigned n = 0; n < 2000; n++)
        put(0, n, DB_EXPIRY_NONE);
    at(mono + 50 * SECOND);
    for (unsigned n = 2000; n < 4000; n++)
        look(0, n, 0);
    ck_assert_int_eq(evict_idle_s(ks, look(0, 3000, 0)), 100);
    ck_assert_int_eq(evict_idle_s(ks, look(0, 1000, 0)), 50);
    evict(1400);
    ck_assert_uint_gt(count(0, 0, 2000), 1980);
}
END_TEST

START_TEST(lfu_keeps_what_is_used_often)
{
    policy(EVICT_ALLKEYS_LFU);
    options.lfu_log_factor = 1;
    for (unsigned n = 0; n < 10000; n++)
        put(0, n, DB_EXPIRY_NONE);
    for (unsigned round = 0; round < 20; round++)
        for (unsigned n = 0; n < 3000; n++)
            look(0, n, 0);
    /* The others were used later, but once. */
    at(mono + 30 * SECOND);
    for (unsigned n = 3000; n < 10000; n++)
        look(0, n, 0);
    evict(5000);
    ck_assert_uint_gt(count(0, 0, 3000), 2950);
}
END_TEST

/* Few or many with an expiry: all of these go, and then none. */
START_TEST(volatile_policies_leave_the_others)
{
    static const enum evict_policy policies[] = {EVICT_VOLATILE_LRU, EVICT_VOLATILE_LFU, EVICT_VOLATILE_LRM,
                                                 EVICT_VOLATILE_RANDOM, EVICT_VOLATILE_TTL};
    static const unsigned every[] = {1, 3, 40, 2500};
    for (unsigned p = 0; p < sizeof policies / sizeof *policies; p++) {
        policy(policies[p]);
        for (unsigned i = 0; i < sizeof every / sizeof *every; i++) {
            unsigned some = 0;
            for (unsigned n = 0; n < 10000; n++) {
                bool expires = n % every[i] == 0;
                some += expires;
                put(n % 3, n, expires ? LATER_MS + n * 1000 : DB_EXPIRY_NONE);
            }
            evict(some);
            ck_assert_uint_eq(evict_one(ks), 0);
            ck_assert_uint_eq(count(0, 0, 10000) + count(1, 0, 10000) + count(2, 0, 10000), 10000 - some);
            for (unsigned db = 0; db < 3; db++)
                db_flush(keyspace_db(ks, db));
        }
    }
}
END_TEST

/* Also where the times are such that many stand in one slot of the wheel. */
START_TEST(ttl_goes_by_time)
{
    policy(EVICT_VOLATILE_TTL);
    for (unsigned n = 0; n < 20000; n++)
        put(n % 2, n, START + 1000 + (int64_t)(n * 7919 % 20000) * 1000);
    evict(5000);
    unsigned kept_early = 0, kept_late = 0;
    for (unsigned n = 0; n < 20000; n++) {
        unsigned rank = n * 7919 % 20000;
        kept_early += rank < 4000 && has(n % 2, n);
        kept_late += rank >= 10000 && has(n % 2, n);
    }
    ck_assert_uint_lt(kept_early, 200);
    ck_assert_uint_gt(kept_late, 9980);
}
END_TEST

START_TEST(ttl_is_exact_where_slots_are_short)
{
    policy(EVICT_VOLATILE_TTL);
    for (unsigned n = 0; n < 200; n++)
        put(0, n, START + 10 + (int64_t)(n * 37 % 200) * 40);
    for (unsigned rank = 0; rank < 200; rank++) {
        evict(1);
        for (unsigned n = 0; n < 200; n++)
            ck_assert_int_eq(has(0, n), n * 37 % 200 > rank);
    }
}
END_TEST

START_TEST(random_policies_take_all_alike)
{
    for (unsigned round = 0; round < 2; round++) {
        policy(round == 0 ? EVICT_ALLKEYS_RANDOM : EVICT_VOLATILE_RANDOM);
        for (unsigned n = 0; n < 20000; n++)
            put(0, n, round == 0 ? DB_EXPIRY_NONE : LATER_MS + n);
        evict(10000);
        for (unsigned part = 0; part < 4; part++)
            ck_assert_uint_lt((unsigned)abs((int)count(0, part * 5000, part * 5000 + 5000) - 2500), 300);
        db_flush(keyspace_db(ks, 0));
    }
}
END_TEST

START_TEST(databases_give_by_their_size)
{
    policy(EVICT_ALLKEYS_LRU);
    for (unsigned n = 0; n < 20000; n++)
        put(n % 10 == 0 ? 1 : 3, n, DB_EXPIRY_NONE);
    evict(10000);
    ck_assert_uint_lt((unsigned)llabs((long long)db_size(keyspace_db(ks, 1)) - 1000), 150);
    evict(10000);
    ck_assert_uint_eq(evict_one(ks), 0);
}
END_TEST

START_TEST(nothing_goes_without_a_policy)
{
    put(0, 1, LATER_MS);
    ck_assert_uint_eq(evict_one(ks), 0);
    policy(EVICT_NOTHING);
    ck_assert_uint_eq(evict_one(ks), 0);
    policy(EVICT_VOLATILE_LFU);
    evict(1);
    ck_assert_uint_eq(evict_one(ks), 0);
}
END_TEST

/* What candidates are remembered by does not outlive them: keys come and go in between. */
START_TEST(candidates_may_go)
{
    policy(EVICT_ALLKEYS_LRU);
    uint64_t left = 0;
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned n = 0; n < 300; n++) {
            char text[24];
            struct slice key = name_of(text, round * 150 + n);
            put(0, round * 150 + n, DB_EXPIRY_NONE);
            if (n % 3 == 0)
                db_delete(keyspace_db(ks, 0), key, keyspace_hash(ks, key));
        }
        at(mono + SECOND);
        evict(20);
        if (round % 50 == 49)
            keyspace_swap(ks, 0, 1);
    }
    while (evict_one(ks) != 0)
        left++;
    ck_assert_uint_gt(left, 1000);
    for (unsigned db = 0; db < 4; db++)
        ck_assert_uint_eq(db_size(keyspace_db(ks, db)), 0);
}
END_TEST

struct heard {
    struct keyspace_observer observer;
    unsigned evicted, other;
};

static void event(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                  struct slice key)
{
    struct heard *h = owner;
    ck_assert_uint_eq(db_index(db), 2);
    h->evicted +=
        class_ == EVENT_EVICTED && strcmp(name, "evicted") == 0 && slice_equal(key, slice_str("key:7"));
    h->other += class_ != EVENT_EVICTED;
}

START_TEST(it_is_told)
{
    struct heard h = {.observer = {.classes = EVENT_EVICTED, .event = event}};
    h.observer.owner = &h;
    keyspace_add_observer(ks, &h.observer);
    policy(EVICT_ALLKEYS_RANDOM);
    put(2, 7, DB_EXPIRY_NONE);
    evict(1);
    keyspace_remove_observer(ks, &h.observer);
    ck_assert_uint_eq(h.evicted, 1);
    ck_assert_uint_eq(h.other, 0);
}
END_TEST

/* --- stamps --- */

START_TEST(counters_rise_by_the_logarithm)
{
    /* Means over 200 keys, as the law has them: one in (count - 5) * factor + 1. */
    static const struct {
        unsigned factor, hits, low, high;
    } law[] = {
        {0, 100, 105, 105}, {1, 100, 17, 20}, {10, 1000, 17, 20}, {10, 10000, 45, 52}, {100, 1000, 8, 12}};
    policy(EVICT_ALLKEYS_LFU);
    for (unsigned i = 0; i < sizeof law / sizeof *law; i++) {
        options.lfu_log_factor = law[i].factor;
        unsigned sum = 0;
        for (unsigned n = 0; n < 200; n++) {
            put(0, n, DB_EXPIRY_NONE);
            ck_assert_uint_eq(evict_freq(ks, look(0, n, DB_NO_TOUCH)), 5);
            for (unsigned hit = 0; hit < law[i].hits; hit++)
                look(0, n, 0);
            sum += evict_freq(ks, look(0, n, DB_NO_TOUCH));
        }
        db_flush(keyspace_db(ks, 0));
        ck_assert_uint_ge(sum, law[i].low * 200);
        ck_assert_uint_le(sum, law[i].high * 200);
    }
}
END_TEST

START_TEST(counters_fall_with_time)
{
    policy(EVICT_ALLKEYS_LFU);
    options.lfu_log_factor = 0;
    put(0, 1, DB_EXPIRY_NONE);
    for (unsigned i = 0; i < 300; i++)
        look(0, 1, 0);
    ck_assert_uint_eq(evict_freq(ks, look(0, 1, DB_NO_TOUCH)), 255);
    at(mono + 10 * MINUTE);
    ck_assert_uint_eq(evict_freq(ks, look(0, 1, DB_NO_TOUCH)), 245);
    options.lfu_decay_time = 4;
    ck_assert_uint_eq(evict_freq(ks, look(0, 1, DB_NO_TOUCH)), 253);
    /* What is left of a decay time is not lost by an access. */
    look(0, 1, 0);
    at(mono + 2 * MINUTE);
    ck_assert_uint_eq(evict_freq(ks, look(0, 1, DB_NO_TOUCH)), 253);
    options.lfu_decay_time = 0;
    at(mono + 100 * MINUTE);
    ck_assert_uint_eq(evict_freq(ks, look(0, 1, DB_NO_TOUCH)), 254);
    ck_assert_int_eq(evict_idle_s(ks, look(0, 1, DB_NO_TOUCH)), 0);
    options.lfu_decay_time = 1;
    at(mono + 2000 * MINUTE);
    ck_assert_uint_eq(evict_freq(ks, look(0, 1, DB_NO_TOUCH)), 0);
}
END_TEST

static void days(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        at(mono + DAY);
        while (keyspace_background(ks, 1000))
            continue;
    }
}

START_TEST(old_stamps_do_not_wrap)
{
    policy(EVICT_ALLKEYS_LRU);
    for (unsigned n = 0; n < 1000; n++)
        put(n % 4, n, DB_EXPIRY_NONE);
    ck_assert_int_eq(evict_idle_s(ks, look(0, 0, DB_NO_TOUCH)), 0);
    days(20);
    ck_assert_int_eq(evict_idle_s(ks, look(0, 0, DB_NO_TOUCH)), 20 * 86400);
    /* From half the range of 97 days on it says that much. */
    for (unsigned i = 0; i < 30; i++) {
        days(20);
        int64_t idle = evict_idle_s(ks, look(3, 999, DB_NO_TOUCH));
        ck_assert_int_eq(idle, i == 0 ? 40 * 86400 : (1 << 22) - 1);
    }
    put(0, 5000, DB_EXPIRY_NONE);
    at(mono + SECOND);
    for (unsigned i = 0; i < 1000; i++)
        evict(1);
    ck_assert(has(0, 5000));
}
END_TEST

START_TEST(old_counters_do_not_wrap)
{
    policy(EVICT_ALLKEYS_LFU);
    options.lfu_log_factor = 0;
    options.lfu_decay_time = 30 * 1440;
    for (unsigned n = 0; n < 400; n++) {
        put(0, n, DB_EXPIRY_NONE);
        for (unsigned i = 0; i < 95; i++)
            look(0, n, 0);
        ck_assert_uint_eq(evict_freq(ks, look(0, n, DB_NO_TOUCH)), 100);
    }
    /* A decay time that is longer than the range of the minutes, 22 days. */
    days(300);
    unsigned sum = 0;
    for (unsigned n = 0; n < 400; n++)
        sum += evict_freq(ks, look(0, n, DB_NO_TOUCH));
    ck_assert_uint_ge(sum, 89 * 400);
    ck_assert_uint_le(sum, 91 * 400);
}
END_TEST

/* From times to counters and back, at any time of the clocks, while keys are used. */
START_TEST(stamps_are_brought_over)
{
    for (unsigned round = 0; round < 40; round++) {
        policy(EVICT_ALLKEYS_LRU);
        put(1, 1, DB_EXPIRY_NONE);
        at(mono + 3 * MINUTE);
        put(1, 2, DB_EXPIRY_NONE);
        put(1, 3, DB_EXPIRY_NONE);
        options.policy = EVICT_ALLKEYS_LFU;
        evict_configure(ks, &options); /* the sweep has yet to come */
        ck_assert(evict_counts(ks));
        ck_assert_uint_eq(evict_freq(ks, look(1, 1, DB_NO_TOUCH)), 2);
        ck_assert_uint_eq(evict_freq(ks, look(1, 2, DB_NO_TOUCH)), 5);
        ck_assert_uint_eq(evict_freq(ks, look(1, 3, 0)), 6);
        put(1, 4, DB_EXPIRY_NONE);
        policy(EVICT_VOLATILE_LFU);
        ck_assert_uint_eq(evict_freq(ks, look(1, 1, DB_NO_TOUCH)), 2);
        ck_assert_uint_eq(evict_freq(ks, look(1, 3, DB_NO_TOUCH)), 6);
        ck_assert_uint_eq(evict_freq(ks, look(1, 4, DB_NO_TOUCH)), 5);
        at(mono + 2 * MINUTE);
        options.policy = EVICT_ALLKEYS_LRU;
        evict_configure(ks, &options);
        put(1, 5, DB_EXPIRY_NONE);
        ck_assert_int_eq(evict_idle_s(ks, look(1, 2, DB_NO_TOUCH)), 120);
        ck_assert_int_eq(evict_idle_s(ks, look(1, 5, DB_NO_TOUCH)), 0);
        policy(EVICT_NOTHING);
        ck_assert_int_eq(evict_idle_s(ks, look(1, 2, DB_NO_TOUCH)), 120);
        ck_assert_int_eq(evict_idle_s(ks, look(1, 1, DB_NO_TOUCH)), 300);
        at(mono + 7 * SECOND);
        ck_assert_int_eq(evict_idle_s(ks, look(1, 5, DB_NO_TOUCH)), 7);
        db_flush(keyspace_db(ks, 1));
        days(round * 3 % 31);
    }
}
END_TEST

/* The second change waits for the first one's sweep. */
START_TEST(a_change_amid_a_change)
{
    policy(EVICT_ALLKEYS_LRU);
    put(0, 1, DB_EXPIRY_NONE);
    at(mono + 10 * MINUTE);
    options.policy = EVICT_ALLKEYS_LFU;
    evict_configure(ks, &options);
    options.policy = EVICT_ALLKEYS_LRM;
    evict_configure(ks, &options);
    policy(EVICT_ALLKEYS_LRM);
    ck_assert(!evict_counts(ks));
    ck_assert_int_eq(evict_idle_s(ks, look(0, 1, 0)), 600);
    put(0, 1, DB_EXPIRY_NONE);
    ck_assert_int_eq(evict_idle_s(ks, look(0, 1, 0)), 0);
}
END_TEST

START_TEST(stamps_from_elsewhere)
{
    put(0, 1, DB_EXPIRY_NONE);
    struct entry *e = look(0, 1, DB_NO_TOUCH);
    evict_set_stamp(e, evict_stamp(ks, 1234, 7));
    ck_assert_int_eq(evict_idle_s(ks, e), 1234);
    evict_set_stamp(e, evict_stamp(ks, INT64_MAX, -1));
    ck_assert_int_eq(evict_idle_s(ks, e), (1 << 22) - 1);
    evict_set_stamp(e, evict_stamp(ks, -1, -1));
    ck_assert_int_eq(evict_idle_s(ks, e), 0);
    policy(EVICT_ALLKEYS_LFU);
    e = look(0, 1, DB_NO_TOUCH);
    evict_set_stamp(e, evict_stamp(ks, 1234, 200));
    ck_assert_uint_eq(evict_freq(ks, e), 200);
    evict_set_stamp(e, evict_stamp(ks, 1234, -1));
    ck_assert_uint_eq(evict_freq(ks, e), 5);
    evict_set_stamp(e, evict_stamp(ks, 0, 4000));
    ck_assert_uint_eq(evict_freq(ks, e), 255);
}
END_TEST

UNIT_SUITE(keyspace_evict)
{
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, lru_keeps_what_was_used);
    tcase_add_test(tc, lru_goes_by_age);
    tcase_add_test(tc, lrm_does_not_see_reads);
    tcase_add_test(tc, lfu_keeps_what_is_used_often);
    tcase_add_test(tc, volatile_policies_leave_the_others);
    tcase_add_test(tc, ttl_goes_by_time);
    tcase_add_test(tc, ttl_is_exact_where_slots_are_short);
    tcase_add_test(tc, random_policies_take_all_alike);
    tcase_add_test(tc, databases_give_by_their_size);
    tcase_add_test(tc, nothing_goes_without_a_policy);
    tcase_add_test(tc, candidates_may_go);
    tcase_add_test(tc, it_is_told);
    tcase_add_test(tc, counters_rise_by_the_logarithm);
    tcase_add_test(tc, counters_fall_with_time);
    tcase_add_test(tc, old_stamps_do_not_wrap);
    tcase_add_test(tc, old_counters_do_not_wrap);
    tcase_add_test(tc, stamps_are_brought_over);
    tcase_add_test(tc, a_change_amid_a_change);
    tcase_add_test(tc, stamps_from_elsewhere);
}
