/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GET and SET: replies to the byte for every option and every fault. The faults' texts
 * and their order were compared with redis-server 7.0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/string/string.h"
#include "types/string_fixture.h"
#include "unit.h"

#define NOW STRING_NOW

#define OK     "+OK\r\n"
#define NIL    "$-1\r\n"
#define SYNTAX "-ERR syntax error\r\n"
#define NUMBER "-ERR value is not an integer or out of range\r\n"
#define TIME   "-ERR invalid expire time in 'set' command\r\n"

static const struct row {
    const char *before; /* commands, "" for none */
    const char *command;
    const char *reply;
    const char *value; /* of k afterwards, as GET tells it */
    int64_t expiry_ms; /* -2: there is no k */
} rows[] = {
    {"", "SET k v", OK, "$1\r\nv\r\n", -1},
    {"", "set k 12", OK, "$2\r\n12\r\n", -1},
    {"SET k v EX 10", "SET k w", OK, "$1\r\nw\r\n", -1},
    {"SET k v EX 10", "SET k w keepttl", OK, "$1\r\nw\r\n", NOW + 10000},
    {"SET k v", "SET k w KEEPTTL", OK, "$1\r\nw\r\n", -1},
    {"", "SET k v EX 10", OK, "$1\r\nv\r\n", NOW + 10000},
    {"", "SET k v px 10", OK, "$1\r\nv\r\n", NOW + 10},
    {"", "SET k v EXAT 1800000000", OK, "$1\r\nv\r\n", 1800000000000},
    {"", "SET k v PXAT 1800000000001", OK, "$1\r\nv\r\n", 1800000000001},
    {"", "SET k v PXAT 9223372036854775807", OK, "$1\r\nv\r\n", INT64_MAX},
    {"", "SET k v EXAT 1", OK, NIL, -2},
    {"SET k v", "SET k w PXAT 1", OK, NIL, -2},
    {"", "SET k v EX 10 EX 20", OK, "$1\r\nv\r\n", NOW + 20000},
    {"", "SET k v NX NX", OK, "$1\r\nv\r\n", -1},
    {"", "SET k v KEEPTTL KEEPTTL", OK, "$1\r\nv\r\n", -1},
    {"SET k v", "SET k w NX", NIL, "$1\r\nv\r\n", -1},
    {"", "SET k w NX", OK, "$1\r\nw\r\n", -1},
    {"SET k v", "SET k w XX", OK, "$1\r\nw\r\n", -1},
    {"", "SET k w XX", NIL, NIL, -2},
    {"", "SET k w GET", NIL, "$1\r\nw\r\n", -1},
    {"SET k v", "SET k w GET", "$1\r\nv\r\n", "$1\r\nw\r\n", -1},
    {"SET k 77", "SET k w GET GET", "$2\r\n77\r\n", "$1\r\nw\r\n", -1},
    {"SET k v", "SET k w NX GET", "$1\r\nv\r\n", "$1\r\nv\r\n", -1},
    {"", "SET k w GET NX", NIL, "$1\r\nw\r\n", -1},
    {"", "SET k w XX GET", NIL, NIL, -2},
    {"SET k v", "SET k w XX GET EX 5", "$1\r\nv\r\n", "$1\r\nw\r\n", NOW + 5000},
    {"SET k v PX 5", "SET k w NX EX 100", NIL, "$1\r\nv\r\n", NOW + 5},
    {"", "SET k v NX XX", SYNTAX, NIL, -2},
    {"", "SET k v GET NX XX", SYNTAX, NIL, -2},
    {"", "SET k v EX", SYNTAX, NIL, -2},
    {"", "SET k v EX 1 PX 1", SYNTAX, NIL, -2},
    {"", "SET k v EX 1 KEEPTTL", SYNTAX, NIL, -2},
    {"", "SET k v KEEPTTL PXAT 1", SYNTAX, NIL, -2},
    {"", "SET k v foo", SYNTAX, NIL, -2},
    {"", "SET k v EX abc foo", SYNTAX, NIL, -2},
    {"", "SET k v NX EX abc XX", SYNTAX, NIL, -2},
    {"", "SET k v EX abc", NUMBER, NIL, -2},
    {"", "SET k v EX 1.5", NUMBER, NIL, -2},
    {"", "SET k v EX 9223372036854775808", NUMBER, NIL, -2},
    {"", "SET k v EX 0", TIME, NIL, -2},
    {"", "SET k v PX -1", TIME, NIL, -2},
    {"", "SET k v EXAT 0", TIME, NIL, -2},
    {"", "SET k v EX 9223372036854775807", TIME, NIL, -2},
    {"", "SET k v PX 9223372036854775807", TIME, NIL, -2},
    {"", "SET k v EXAT 9223372036854776", TIME, NIL, -2},
    {"", "SET k v EX 9223372036854775", TIME, NIL, -2},
    {"SET k v", "SET k w GET EX 0", TIME, "$1\r\nv\r\n", -1},
};

START_TEST(one_row)
{
    const struct row *r = &rows[_i];
    if (r->before[0] != '\0')
        ck_assert_str_eq(type_run(r->before), OK);
    ck_assert_msg(strcmp(type_run(r->command), r->reply) == 0, "%s: %s", r->command,
                  buf_cstr(&type_fixture.out));
    ck_assert_msg(strcmp(type_run("GET k"), r->value) == 0, "%s: %s", r->command,
                  buf_cstr(&type_fixture.out));
    ck_assert_msg(string_expiry() == r->expiry_ms, "%s: %lld", r->command, (long long)string_expiry());
}
END_TEST

START_TEST(null_in_resp3)
{
    type_fixture.session.resp = 3;
    ck_assert_str_eq(type_run("GET k"), "_\r\n");
    ck_assert_str_eq(type_run("SET k v XX"), "_\r\n");
    ck_assert_str_eq(type_run("SET k v GET"), "_\r\n");
}
END_TEST

static void print_stats(struct buf *text)
{
    struct counters *c = counters_new();
    keyspace_register_counters(type_fixture.ks, c);
    counters_print(c, "stats", "Stats", text);
    counters_free(c);
}

START_TEST(only_reads_count_as_lookups)
{
    struct buf text = {0};
    type_run("SET k v");
    type_run("SET k v NX");
    type_run("SET k v XX");
    type_run("SET k v GET");
    type_run("SET other v GET");
    type_run("GET k");
    type_run("GET nothing");
    print_stats(&text);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "keyspace_hits:2\r\nkeyspace_misses:2\r\n"));
    buf_done(&text);
}
END_TEST

START_TEST(no_memory_is_one_error)
{
    struct slice argv[] = {slice_str("SET"), slice_str("k"), slice_of("x", (size_t)1 << 50),
                           slice_str("GET")};
    type_run("SET k old");
    size_t before = strlen("$3\r\nold\r\n");
    type_run_slices(argv, 4);
    ck_assert_int_eq(type_fixture.out.data[0], '-');
    ck_assert_ptr_null(memmem(type_fixture.out.data, type_fixture.out.len, "old", 3));
    type_run_slices(argv, 3);
    ck_assert_int_eq(type_fixture.out.data[0], '-');
    ck_assert_uint_eq(strlen(type_run("GET k")), before);
}
END_TEST

START_TEST(values_of_any_bytes)
{
    for (size_t len = 0; len < 100000; len += 1 + len * 2 / 3) {
        char *bytes = malloc(len + 1);
        ck_assert_ptr_nonnull(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(i * 7);
        struct slice argv[] = {slice_str("SET"), slice_of("k\0\r\n", 4), slice_of(bytes, len)};
        type_run_slices(argv, 3);
        ck_assert(slice_equal(buf_slice(&type_fixture.out), slice_str(OK)));
        argv[0] = slice_str("GET");
        type_run_slices(argv, 2);
        char head[32];
        size_t head_len = (size_t)snprintf(head, sizeof head, "$%zu\r\n", len);
        ck_assert_uint_eq(type_fixture.out.len, head_len + len + 2);
        ck_assert_mem_eq(type_fixture.out.data, head, head_len);
        ck_assert(slice_equal(slice_of(type_fixture.out.data + head_len, len), slice_of(bytes, len)));
        free(bytes);
    }
}
END_TEST

UNIT_SUITE(types_string)
{
    tcase_add_checked_fixture(tc, string_set_up, type_tear_down);
    tcase_add_loop_test(tc, one_row, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tc, null_in_resp3);
    tcase_add_test(tc, only_reads_count_as_lookups);
    tcase_add_test(tc, no_memory_is_one_error);
    tcase_add_test(tc, values_of_any_bytes);
}
