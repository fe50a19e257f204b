/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How late keys go and what INFO says of it; the ways to treat those whose time has come, where
 * check_db_model.c cannot see them.
 */
#include <stdio.h>

#include "base/clock.h"
#include "keyspace/keyspace.h"
#include "unit.h"

#define START 1700000000000

static struct keyspace *ks;
static struct db *db;
static struct counters *counters;

static void set_up(void)
{
    clock_update();
    clock_freeze_ms(START);
    ks = keyspace_new(2);
    db = keyspace_db(ks, 0);
    counters = counters_new();
    keyspace_register_counters(ks, counters);
}

static void tear_down(void)
{
    counters_free(counters);
    keyspace_free(ks);
    clock_freeze_ms(0);
}

static void set(unsigned i, int64_t expiry_ms)
{
    char text[16];
    struct slice key = slice_of(text, (size_t)snprintf(text, sizeof text, "k%u", i));
    ck_assert_int_eq(db_set_string(db, key, keyspace_hash(ks, key), slice_str("v"), expiry_ms), 0);
}

static bool is_there(unsigned i)
{
    char text[16];
    struct slice key = slice_of(text, (size_t)snprintf(text, sizeof text, "k%u", i));
    return db_find(db, key, keyspace_hash(ks, key), 0) != NULL;
}

/* Whether INFO has this line. */
static void expect(const char *line)
{
    struct buf out = {0};
    counters_print(counters, "stats", "Stats", &out);
    ck_assert_msg(strstr(buf_cstr(&out), line) != NULL, "%s: not in %s", line, buf_cstr(&out));
    buf_done(&out);
}

static void expire_at(int64_t ms)
{
    clock_freeze_ms(ms);
    while (keyspace_expire(ks, ms, 1000))
        continue;
}

START_TEST(lateness_is_counted)
{
    expect("\r\nexpired_lag_ms_p50:0\r\nexpired_lag_ms_p99:0\r\nexpired_lag_ms_max:0\r\n");
    for (unsigned i = 0; i < 900; i++)
        set(i, START + 10);
    expire_at(START + 10);
    for (unsigned i = 0; i < 99; i++)
        set(i, START + 20);
    expire_at(START + 24);
    expect("\r\nexpired_lag_ms_p50:0\r\nexpired_lag_ms_p99:4\r\nexpired_lag_ms_max:4\r\n");
    set(0, START + 30);
    clock_freeze_ms(START + 1530);
    ck_assert(!is_there(0));
    expect("\r\nexpired_lag_ms_p50:0\r\nexpired_lag_ms_p99:5\r\nexpired_lag_ms_max:1500\r\n");
    expect("\r\nexpired_lag_ms_histogram:0=900,1=0,2=0,5=99,10=0,20=0,50=0,100=0,500=0,1000=0,more=1\r\n");
    expect("\r\nexpired_keys:1000\r\n");
    expect("\r\nexpired_keys_active:999\r\n");
    counters_reset(counters);
    expect("\r\nexpired_lag_ms_p50:0\r\nexpired_lag_ms_p99:0\r\nexpired_lag_ms_max:0\r\n");
    expect("\r\nexpired_lag_ms_histogram:0=0,1=0,2=0,5=0,10=0,20=0,50=0,100=0,500=0,1000=0,more=0\r\n");
    expect("\r\nexpired_keys_active:0\r\n");
    set(1, START + 1531);
    set(2, START + 1531);
    set(3, START + 1531);
    clock_freeze_ms(START + 3000);
    ck_assert(!is_there(1));
    expire_at(START + 4000);
    expect("\r\nexpired_lag_ms_p50:2469\r\nexpired_lag_ms_p99:2469\r\nexpired_lag_ms_max:2469\r\n");
}
END_TEST

static void count(void *arg, struct entry *e)
{
    (void)e;
    ++*(unsigned *)arg;
}

static unsigned scanned(void)
{
    unsigned seen = 0;
    uint64_t cursor = 0;
    while ((cursor = db_scan(db, cursor, count, &seen)) != 0)
        continue;
    return seen;
}

START_TEST(hidden_and_shown)
{
    for (unsigned i = 0; i < 20; i++)
        set(i, i < 10 ? START + 1 : DB_EXPIRY_NONE);
    keyspace_set_expiry_mode(ks, KEYSPACE_HIDE);
    clock_freeze_ms(START + 1);
    ck_assert(!is_there(0));
    ck_assert(is_there(10));
    ck_assert_uint_eq(scanned(), 10);
    ck_assert_uint_eq(db_size(db), 20);
    ck_assert(!keyspace_expire(ks, START + 1, 1000));
    ck_assert_int_eq(keyspace_expire_deadline(ks), INT64_MAX);
    for (unsigned i = 0; i < 100; i++) {
        const struct entry *e = db_random(db);
        ck_assert(e == NULL || !entry_has_expiry(e));
    }
    set(0, DB_EXPIRY_KEEP);
    ck_assert(is_there(0));
    ck_assert_uint_eq(db_size(db), 20);
    ck_assert_uint_eq(db_expires(db), 9);
    keyspace_set_expiry_mode(ks, KEYSPACE_SHOW);
    ck_assert(is_there(1));
    ck_assert_uint_eq(scanned(), 20);
    set(1, DB_EXPIRY_KEEP);
    ck_assert_uint_eq(db_expires(db), 9);
    keyspace_set_expiry_mode(ks, KEYSPACE_EXPIRE);
    ck_assert_int_le(keyspace_expire_deadline(ks), START + 1);
    ck_assert(!is_there(1));
    expire_at(START + 1);
    ck_assert_uint_eq(db_size(db), 11);
    ck_assert_uint_eq(db_expires(db), 0);
    expect("\r\nexpired_keys:9\r\n");
}
END_TEST

START_TEST(a_draw_gives_up)
{
    for (unsigned i = 0; i < 1000; i++)
        set(i, START + 1);
    keyspace_set_expiry_mode(ks, KEYSPACE_HIDE);
    clock_freeze_ms(START + 1);
    ck_assert_ptr_null(db_random(db));
    ck_assert_uint_eq(db_size(db), 1000);
    keyspace_set_expiry_mode(ks, KEYSPACE_EXPIRE);
    ck_assert_ptr_null(db_random(db));
    ck_assert_uint_eq(db_size(db), 900);
    set(5000, DB_EXPIRY_NONE);
    for (unsigned i = 0; i < 100; i++)
        db_random(db);
    ck_assert_uint_eq(db_size(db), 1);
    ck_assert_ptr_nonnull(db_random(db));
}
END_TEST

UNIT_SUITE(keyspace_expiry)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, lateness_is_counted);
    tcase_add_test(tc, hidden_and_shown);
    tcase_add_test(tc, a_draw_gives_up);
}
