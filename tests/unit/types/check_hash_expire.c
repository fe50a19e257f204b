/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands on the expiry of fields, and all others on hashes of which fields are due: replies
 * and events, with a clock that stands still.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "types/hash/hash.h"
#include "types/type_fixture.h"
#include "unit.h"

#define NOW    INT64_C(1700000000000)
#define FUTURE "1700000100000"

static struct hash_options options;

static void set_up(void)
{
    type_set_up(1);
    clock_freeze_ms(NOW);
    options = (struct hash_options){512, 64};
    hash_register(type_fixture.registry, &type_fixture.types, &options);
    type_observe(EVENT_HASH | EVENT_GENERIC);
}

struct row {
    const char *request, *reply, *events;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *reply = type_run(rows[i].request);
        ck_assert_msg(strcmp(reply, rows[i].reply) == 0, "%s: %s", rows[i].request, reply);
        ck_assert_msg(strcmp(buf_cstr(&type_fixture.events), rows[i].events) == 0, "%s: %s", rows[i].request,
                      buf_cstr(&type_fixture.events));
    }
}

#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        static const struct row rows_[] = {__VA_ARGS__};                                                     \
        check_rows(rows_, sizeof rows_ / sizeof *rows_);                                                     \
    } while (0)

START_TEST(events)
{
    options.max_listpack_entries = _i == 0 ? 512 : 0;
    CHECK({"HSET k a 1 b 2 c 3 d 4", ":4\r\n", "hset "},
          {"HPEXPIREAT k " FUTURE " FIELDS 2 a zz", "*2\r\n:1\r\n:-2\r\n", "hexpire "},
          {"HPEXPIREAT k " FUTURE " NX FIELDS 1 a", "*1\r\n:0\r\n", ""},
          {"HPEXPIREAT k " FUTURE " FIELDS 1 zz", "*1\r\n:-2\r\n", ""},
          {"HTTL k FIELDS 2 a b", "*2\r\n:100\r\n:-1\r\n", ""},
          {"HPERSIST k FIELDS 2 a b", "*2\r\n:1\r\n:-1\r\n", "hpersist "},
          {"HPERSIST k FIELDS 2 a b", "*2\r\n:-1\r\n:-1\r\n", ""},
          {"HGETEX k FIELDS 1 a", "*1\r\n$1\r\n1\r\n", ""},
          {"HGETEX k PXAT " FUTURE " FIELDS 1 a", "*1\r\n$1\r\n1\r\n", "hexpire "},
          {"HGETEX k PXAT " FUTURE " FIELDS 1 zz", "*1\r\n$-1\r\n", ""},
          {"HGETEX k PERSIST FIELDS 2 a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", "hpersist "},
          {"HGETEX k PERSIST FIELDS 2 a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", ""},
          {"HGETEX k PX 0 FIELDS 1 a", "*1\r\n$1\r\n1\r\n", "hdel "},
          {"HGETEX k PX 0 FIELDS 1 a", "*1\r\n$-1\r\n", ""},
          {"HEXPIRE k 0 FIELDS 2 b zz", "*2\r\n:2\r\n:-2\r\n", "hdel "},
          {"HEXPIRE k 0 GT FIELDS 1 c", "*1\r\n:0\r\n", ""}, {"HSETEX k FIELDS 1 c 1", ":1\r\n", "hset "},
          {"HSETEX k KEEPTTL FIELDS 1 c 1", ":1\r\n", "hset "}, {"HSETEX k FNX FIELDS 1 c 1", ":0\r\n", ""},
          {"HSETEX k PXAT " FUTURE " FIELDS 1 c 1", ":1\r\n", "hset hexpire "},
          {"HINCRBY k c 1", ":2\r\n", "hincrby "}, {"HINCRBYFLOAT k c 1", "$1\r\n3\r\n", "hincrbyfloat "},
          {"HPTTL k FIELDS 1 c", "*1\r\n:100000\r\n", ""},
          {"HSETEX k PX 0 FIELDS 1 c 1", ":1\r\n", "hset hdel "},
          {"HSETEX k PX 0 FIELDS 1 c 1", ":1\r\n", ""}, {"HSETEX none PX 0 FIELDS 1 c 1", ":1\r\n", ""},
          {"HPEXPIREAT k 1 FIELDS 1 d", "*1\r\n:2\r\n", "hdel del "},
          {"HSETEX k PXAT " FUTURE " FIELDS 2 a 1 b 2", ":1\r\n", "hset hexpire "},
          {"HSETEX k PX 0 FIELDS 2 a 1 b 2", ":1\r\n", "hset hdel del "},
          {"HSETEX k NX PXAT " FUTURE " FIELDS 1 a 1", ":1\r\n", "hset hexpire "},
          {"HGETEX k EXAT 1 FIELDS 2 a a", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n", "hdel del "},
          {"HSETEX k PX 5 FIELDS 1 a 1", ":1\r\n", "hset hexpire "},
          {"HGETDEL k FIELDS 1 a", "*1\r\n$1\r\n1\r\n", "hdel del "});
    ck_assert_uint_eq(db_size(type_fixture.db), 0);
}
END_TEST

START_TEST(seconds_are_rounded_up)
{
    CHECK({"HSETEX k PX 1300 FIELDS 1 a 1", ":1\r\n", "hset hexpire "},
          {"HTTL k FIELDS 1 a", "*1\r\n:2\r\n", ""}, {"HPTTL k FIELDS 1 a", "*1\r\n:1300\r\n", ""},
          {"HEXPIRETIME k FIELDS 1 a", "*1\r\n:1700000002\r\n", ""},
          {"HPEXPIRETIME k FIELDS 1 a", "*1\r\n:1700000001300\r\n", ""});
    clock_freeze_ms(NOW + 1299);
    CHECK({"HTTL k FIELDS 1 a", "*1\r\n:1\r\n", ""}, {"HPTTL k FIELDS 1 a", "*1\r\n:1\r\n", ""});
}
END_TEST

/* What each command makes of a hash with a field that is due, and with one that is not. */
static const struct row looks[] = {
    {"HGET k a", "$-1\r\n", "hexpired "},
    {"HMGET k a b", "*2\r\n$-1\r\n$1\r\n2\r\n", "hexpired "},
    {"HGETALL k", "*2\r\n$1\r\nb\r\n$1\r\n2\r\n", "hexpired "},
    {"HKEYS k", "*1\r\n$1\r\nb\r\n", "hexpired "},
    {"HVALS k", "*1\r\n$1\r\n2\r\n", "hexpired "},
    {"HLEN k", ":1\r\n", "hexpired "},
    {"HEXISTS k a", ":0\r\n", "hexpired "},
    {"HSTRLEN k a", ":0\r\n", "hexpired "},
    {"HRANDFIELD k", "$1\r\nb\r\n", "hexpired "},
    {"HRANDFIELD k 5", "*1\r\n$1\r\nb\r\n", "hexpired "},
    {"HRANDFIELD k -3", "*3\r\n$1\r\nb\r\n$1\r\nb\r\n$1\r\nb\r\n", "hexpired "},
    {"HSCAN k 0", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n", "hexpired "},
    {"HDEL k a", ":0\r\n", "hexpired "},
    {"HGETDEL k FIELDS 1 a", "*1\r\n$-1\r\n", "hexpired "},
    {"HTTL k FIELDS 1 a", "*1\r\n:-2\r\n", "hexpired "},
    {"HEXPIRETIME k FIELDS 1 a", "*1\r\n:-2\r\n", "hexpired "},
    {"HPERSIST k FIELDS 1 a", "*1\r\n:-2\r\n", "hexpired "},
    {"HEXPIRE k 10 FIELDS 1 a", "*1\r\n:-2\r\n", "hexpired "},
    {"HEXPIRE k 0 FIELDS 1 a", "*1\r\n:-2\r\n", "hexpired "},
    {"HGETEX k EX 10 FIELDS 1 a", "*1\r\n$-1\r\n", "hexpired "},
    {"HSETEX k FNX FIELDS 1 a 5", ":1\r\n", "hexpired hset "},
    {"HSETEX k FXX FIELDS 1 a 5", ":0\r\n", "hexpired "},
    {"HSETEX k KEEPTTL FIELDS 1 a 5", ":1\r\n", "hexpired hset "},
    {"HSET k a 5", ":1\r\n", "hexpired hset "},
    {"HSETNX k a 5", ":1\r\n", "hexpired hset "},
    {"HINCRBY k a 5", ":5\r\n", "hexpired hincrby "},
    {"HINCRBYFLOAT k a 5", "$1\r\n5\r\n", "hexpired hincrbyfloat "},
};

START_TEST(one_field_is_due)
{
    type_run("HSETEX k PX 10 FIELDS 1 a 1");
    type_run("HSETEX k PX 20 FIELDS 1 b 2");
    clock_freeze_ms(NOW + 10);
    check_rows(&looks[_i], 1);
    clock_freeze_ms(NOW + 19);
    ck_assert_str_eq(type_run("HGET k b"), "$1\r\n2\r\n");
}
END_TEST

/* Where they are not deleted, but hidden, all is told but for the length. */
START_TEST(one_field_is_hidden)
{
    struct row row = looks[_i];
    type_run("HSETEX k PX 10 FIELDS 1 a 1");
    type_run("HSETEX k PX 20 FIELDS 1 b 2");
    clock_freeze_ms(NOW + 10);
    keyspace_set_expiry_mode(type_fixture.ks, KEYSPACE_HIDE);
    row.events += strlen("hexpired ");
    if (strcmp(row.request, "HLEN k") == 0)
        row.reply = ":2\r\n";
    check_rows(&row, 1);
    ck_assert_str_eq(type_run("HLEN k"), ":2\r\n");
}
END_TEST

/* The same where nothing is left: the key is as if it had not been there. */
static const struct row empty_looks[] = {
    {"HGET k a", "$-1\r\n", "hexpired del "},
    {"HMGET k a b", "*2\r\n$-1\r\n$-1\r\n", "hexpired del "},
    {"HGETALL k", "*0\r\n", "hexpired del "},
    {"HLEN k", ":0\r\n", "hexpired del "},
    {"HRANDFIELD k", "$-1\r\n", "hexpired del "},
    {"HRANDFIELD k -3", "*0\r\n", "hexpired del "},
    {"HSCAN k 0", "*2\r\n$1\r\n0\r\n*0\r\n", "hexpired del "},
    {"HDEL k a", ":0\r\n", "hexpired del "},
    {"HGETDEL k FIELDS 1 a", "*1\r\n$-1\r\n", "hexpired del "},
    {"HTTL k FIELDS 1 a", "*1\r\n:-2\r\n", "hexpired del "},
    {"HPERSIST k FIELDS 1 a", "*1\r\n:-2\r\n", "hexpired del "},
    {"HEXPIRE k 10 FIELDS 1 a", "*1\r\n:-2\r\n", "hexpired del "},
    {"HGETEX k EX 0 FIELDS 1 a", "*1\r\n$-1\r\n", "hexpired del "},
    {"HSETEX k XX FIELDS 1 a 5", ":0\r\n", "hexpired del "},
    {"HSETEX k NX FNX FIELDS 1 a 5", ":1\r\n", "hexpired del hset "},
    {"HSET k a 5", ":1\r\n", "hexpired del hset "},
    {"HINCRBY k a 5", ":5\r\n", "hexpired del hincrby "},
};

START_TEST(all_fields_are_due)
{
    type_run("HSETEX k PX 10 FIELDS 2 a 1 b 2");
    clock_freeze_ms(NOW + 10);
    check_rows(&empty_looks[_i], 1);
}
END_TEST

/* More than one look removes: what is left of them is not seen either. */
START_TEST(many_fields_are_due)
{
    static const char *const requests[][2] = {
        {"HGETALL k", "*2\r\n$4\r\nstay\r\n$1\r\n1\r\n"},
        {"HKEYS k", "*1\r\n$4\r\nstay\r\n"},
        {"HVALS k", "*1\r\n$1\r\n1\r\n"},
        {"HRANDFIELD k", "$4\r\nstay\r\n"},
        {"HRANDFIELD k 1000", "*1\r\n$4\r\nstay\r\n"},
        {"HRANDFIELD k 10 WITHVALUES", "*2\r\n$4\r\nstay\r\n$1\r\n1\r\n"},
        {"HRANDFIELD k -2", "*2\r\n$4\r\nstay\r\n$4\r\nstay\r\n"},
        {"HSCAN k 0 COUNT 100000", "*2\r\n$1\r\n0\r\n*2\r\n$4\r\nstay\r\n$1\r\n1\r\n"},
    };
    char request[64];
    type_run("HSET k stay 1");
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(request, sizeof request, "HSETEX k PX 10 FIELDS 1 f%u v", i);
        ck_assert_str_eq(type_run(request), ":1\r\n");
    }
    clock_freeze_ms(NOW + 10);
    const char *reply = type_run("HLEN k");
    unsigned length = (unsigned)strtoul(reply + 1, NULL, 10);
    ck_assert(length > 4800 && length < 4950);
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
        reply = type_run(requests[i][0]);
        ck_assert_msg(strcmp(reply, requests[i][1]) == 0, "%s: %s", requests[i][0], reply);
        ck_assert_str_eq(buf_cstr(&type_fixture.events), "hexpired ");
    }
    for (unsigned i = 0; i < 5000; i += 100) {
        snprintf(request, sizeof request, "HGET k f%u", i);
        ck_assert_str_eq(type_run(request), "$-1\r\n");
    }
    while (keyspace_expire(type_fixture.ks, clock_ms(), 1000))
        continue;
    ck_assert_str_eq(type_run("HLEN k"), ":1\r\n");
    ck_assert_str_eq(buf_cstr(&type_fixture.events), "");
}
END_TEST

UNIT_SUITE(types_hash_expire)
{
    tcase_add_checked_fixture(tc, set_up, type_tear_down);
    tcase_add_loop_test(tc, events, 0, 2);
    tcase_add_test(tc, seconds_are_rounded_up);
    tcase_add_loop_test(tc, one_field_is_due, 0, sizeof looks / sizeof *looks);
    tcase_add_loop_test(tc, one_field_is_hidden, 0, sizeof looks / sizeof *looks);
    tcase_add_loop_test(tc, all_fields_are_due, 0, sizeof empty_looks / sizeof *empty_looks);
    tcase_add_test(tc, many_fields_are_due);
}
