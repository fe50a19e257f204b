/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other string commands: the events that each tells, keys of other types, all or nothing
 * where memory cannot be had, how numbers are kept. Their replies are compared with
 * redis-server's by the wire tests' tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/string/string.h"
#include "types/string_fixture.h"
#include "unit.h"

static const struct told {
    const char *before; /* a command, "" for none */
    const char *command;
    const char *events;
} told[] = {
    {"", "SET k v", "set "},
    {"", "SET k v EX 10", "set expire "},
    {"", "SET k v XX", ""},
    {"SET k v", "SET k w NX GET", ""},
    {"SET k v", "SET k w IFEQ v PX 5", "set expire "},
    {"SET k v EX 5", "SET k w KEEPTTL", "set "},
    {"", "SETNX k v", "set "},
    {"SET k v", "SETNX k v", ""},
    {"", "SETEX k 10 v", "set expire "},
    {"", "PSETEX k 10 v", "set expire "},
    {"", "PSETEX k 0 v", ""},
    {"", "GETSET k v", "set "},
    {"", "GETDEL k", ""},
    {"SET k v", "GETDEL k", "del "},
    {"SET k v", "GETEX k", ""},
    {"SET k v", "GETEX k EX 10", "expire "},
    {"SET k v", "GETEX k PXAT 1", "del "},
    {"SET k v", "GETEX k PERSIST", ""},
    {"SET k v EX 5", "GETEX k PERSIST", "persist "},
    {"", "MSET k v k2 v", "set set "},
    {"", "MSETNX k v k2 v", "set set "},
    {"SET k v", "MSETNX k2 v k v", ""},
    {"", "MSETEX 2 k v k2 v EX 10", "set expire set expire "},
    {"", "INCR k", "incrby "},
    {"", "DECR k", "incrby "},
    {"", "INCRBY k 5", "incrby "},
    {"", "DECRBY k 5", "incrby "},
    {"", "INCRBYFLOAT k 5", "incrbyfloat "},
    {"SET k v", "INCR k", ""},
    {"", "INCREX k", "incrby "},
    {"", "INCREX k BYFLOAT 1 EX 10", "incrbyfloat expire "},
    {"SET k 1 EX 5", "INCREX k PERSIST", "incrby persist "},
    {"SET k 1", "INCREX k PERSIST", "incrby "},
    {"SET k 1 EX 5", "INCREX k EX 10 ENX", "incrby "},
    {"SET k 1", "INCREX k UBOUND 1", ""},
    {"SET k 1", "INCREX k EXAT 1", "del "},
    {"", "INCREX k EXAT 1", ""},
    {"", "APPEND k v", "append "},
    {"SET k v", "APPEND k v", "append "},
    {"", "SETRANGE k 2 v", "setrange "},
    {"SET k v", "DELEX k", "del "},
    {"SET k v", "DELEX k IFNE v", ""},
    {"SET k v", "DELIFEQ k v", "del "},
    {"", "DELIFEQ k v", ""},
    {"SET k v", "GET k", ""},
    {"SET k v", "GETRANGE k 0 1", ""},
    {"SET k v PXAT 1", "APPEND k v", "expired append "},
};

START_TEST(events_are_told)
{
    const struct told *t = &told[_i];
    if (t->before[0] != '\0')
        type_run(t->before);
    type_run(t->command);
    ck_assert_msg(strcmp(buf_cstr(&type_fixture.events), t->events) == 0, "%s: %s", t->command,
                  buf_cstr(&type_fixture.events));
}
END_TEST

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

/* What a key that holds no string is answered. */
static const struct wrong {
    const char *command;
    const char *reply;
} wrong[] = {
    {"GET k", WRONG_TYPE},
    {"SET k v GET", WRONG_TYPE},
    {"SET k v NX GET", WRONG_TYPE},
    {"SET k v IFEQ v", WRONG_TYPE},
    {"SET k v IFNE v", WRONG_TYPE},
    {"SET k v IFDEQ zz", WRONG_TYPE},
    {"SET k v NX", "$-1\r\n"},
    {"SETNX k v", ":0\r\n"},
    {"GETSET k v", WRONG_TYPE},
    {"GETDEL k", WRONG_TYPE},
    {"GETEX k", WRONG_TYPE},
    {"GETEX k EX 0", WRONG_TYPE},
    {"GETEX k foo", "-ERR syntax error\r\n"},
    {"DIGEST k", WRONG_TYPE},
    {"DELEX k IFEQ v", "-ERR Key should be of string type if conditions are specified\r\n"},
    {"DELEX k IFDEQ v", "-ERR Key should be of string type if conditions are specified\r\n"},
    {"DELIFEQ k v", WRONG_TYPE},
    {"MGET k", "*1\r\n$-1\r\n"},
    {"MSETNX n v k v", ":0\r\n"},
    {"MSETEX 1 k v NX", ":0\r\n"},
    {"INCR k", WRONG_TYPE},
    {"DECR k", WRONG_TYPE},
    {"INCRBY k 1", WRONG_TYPE},
    {"INCRBY k x", "-ERR value is not an integer or out of range\r\n"},
    {"DECRBY k 1", WRONG_TYPE},
    {"INCRBYFLOAT k 1", WRONG_TYPE},
    {"INCRBYFLOAT k x", WRONG_TYPE},
    {"INCREX k", WRONG_TYPE},
    {"INCREX k BYFLOAT 1", WRONG_TYPE},
    {"APPEND k v", WRONG_TYPE},
    {"STRLEN k", WRONG_TYPE},
    {"GETRANGE k 0 1", WRONG_TYPE},
    {"SETRANGE k 0 v", WRONG_TYPE},
    {"SETRANGE k 9999999 v", WRONG_TYPE},
    {"SETRANGE k -1 v", "-ERR offset is out of range\r\n"},
    {"LCS k n", "-ERR The specified keys must contain string values\r\n"},
    {"LCS n k foo", "-ERR The specified keys must contain string values\r\n"},
};

START_TEST(other_types_are_left_alone)
{
    const struct wrong *w = &wrong[_i];
    struct slice k = slice_str("k");
    uint64_t hash = keyspace_hash(type_fixture.ks, k);
    struct entry_value v;
    entry_value_inline(&v, slice_str("elements"));
    ck_assert_int_eq(db_put(type_fixture.db, k, hash, OBJECT_LIST, &v, DB_EXPIRY_NONE), 0);
    ck_assert_msg(strcmp(type_run(w->command), w->reply) == 0, "%s: %s", w->command,
                  buf_cstr(&type_fixture.out));
    ck_assert_uint_eq(type_fixture.events.len, 0);
    const struct entry *e = db_find(type_fixture.db, k, hash, 0);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(entry_type(e), OBJECT_LIST);
    ck_assert_uint_eq(db_size(type_fixture.db), 1);
}
END_TEST

/* What OBJECT ENCODING would say. */
static const char *encoding(void)
{
    struct slice k = slice_str("k");
    return entry_string_encoding(db_find(type_fixture.db, k, keyspace_hash(type_fixture.ks, k), 0));
}

START_TEST(numbers_stay_numbers)
{
    type_run("INCR k");
    ck_assert_str_eq(encoding(), "int");
    type_run("INCRBY k 9223372036854775806");
    ck_assert_str_eq(encoding(), "int");
    ck_assert_str_eq(type_run("GET k"), "$19\r\n9223372036854775807\r\n");
    type_run("APPEND k 0");
    ck_assert_str_eq(encoding(), "raw");
    type_run("SETRANGE k 0 0");
    ck_assert_str_eq(type_run("INCR k"), "-ERR value is not an integer or out of range\r\n");
    type_run("SET k 5 EX 7");
    type_run("APPEND k 5");
    ck_assert_str_eq(type_run("INCR k"), ":56\r\n");
    ck_assert_str_eq(encoding(), "int");
    ck_assert_int_eq(string_expiry(), STRING_NOW + 7000);
}
END_TEST

/* A size that no machine has. */
static struct slice impossible(void)
{
    return slice_of("x", (size_t)1 << 50);
}

static void run_mset(const char *command, struct slice last, const char *reply)
{
    struct slice argv[] = {slice_str(command),
                           slice_str("a"),
                           slice_str("1"),
                           slice_str("b"),
                           slice_str("2"),
                           slice_str("c"),
                           last};
    type_run_slices(argv, 7);
    ck_assert_str_eq(buf_cstr(&type_fixture.out), reply);
}

START_TEST(many_are_set_all_or_not_at_all)
{
    run_mset("MSET", impossible(), "-ERR not enough memory\r\n");
    run_mset("MSETNX", impossible(), "-ERR not enough memory\r\n");
    ck_assert_uint_eq(db_size(type_fixture.db), 0);
    run_mset("MSET", slice_str("3"), "+OK\r\n");
    ck_assert_uint_eq(db_size(type_fixture.db), 3);
    run_mset("MSET", impossible(), "-ERR not enough memory\r\n");
    run_mset("MSETNX", impossible(), ":0\r\n");
    ck_assert_str_eq(type_run("MGET a b c"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
    struct slice getset[] = {slice_str("GETSET"), slice_str("a"), impossible()};
    type_run_slices(getset, 3);
    ck_assert_str_eq(buf_cstr(&type_fixture.out), "-ERR not enough memory\r\n");
    ck_assert_str_eq(type_run("GET a"), "$1\r\n1\r\n");
}
END_TEST

START_TEST(lengths_end_at_the_limit)
{
    static const char too_long[] = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
    ck_assert_str_eq(type_run("SETRANGE k 1048576 x"), too_long);
    ck_assert_str_eq(type_run("SETRANGE k 9223372036854775807 x"), too_long);
    ck_assert_int_eq(string_expiry(), -2);
    ck_assert_str_eq(type_run("SETRANGE k 1048575 x"), ":1048576\r\n");
    ck_assert_str_eq(type_run("APPEND k x"), too_long);
    ck_assert_str_eq(type_run("GETRANGE k 1048574 -1"), "$2\r\n\0x\r\n");
    ck_assert_mem_eq(type_fixture.out.data, "$2\r\n\0x\r\n", 8);
    ck_assert_str_eq(type_run("STRLEN k"), ":1048576\r\n");
}
END_TEST

UNIT_SUITE(types_string_family)
{
    tcase_add_checked_fixture(tc, string_set_up, type_tear_down);
    tcase_add_loop_test(tc, events_are_told, 0, sizeof told / sizeof *told);
    tcase_add_loop_test(tc, other_types_are_left_alone, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, numbers_stay_numbers);
    tcase_add_test(tc, many_are_set_all_or_not_at_all);
    tcase_add_test(tc, lengths_end_at_the_limit);
}
