/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bitmap commands: what they tell, what they count as writes, and what they leave alone
 * where they refuse. Their replies stand in the differential tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/string_fixture.h"
#include "unit.h"

#define WRONG  "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define MEMORY "-ERR not enough memory\r\n"

static const struct row {
    const char *before;  /* "" for none */
    const char *command; /* k is what is looked at */
    const char *events;  /* "- " where the change has no name */
    uint64_t writes;
    const char *value; /* NULL: there is no k */
} rows[] = {
    {"", "SETBIT k 1 1", "setbit ", 1, "\x40"},
    {"", "SETBIT k 1 0", "setbit ", 1, ""},
    {"SET k @", "SETBIT k 1 1", "", 0, "@"},
    {"SET k @", "SETBIT k 1 0", "setbit ", 1, ""},
    {"SET k @", "SETBIT k 17 0", "setbit ", 1, "@"},
    {"SET k @", "SETBIT k 1 2", "", 0, "@"},
    {"SET k @", "SETBIT k 8388608 1", "", 0, "@"},
    {"SET k @", "GETBIT k 1", "", 0, "@"},
    {"SET k @", "BITCOUNT k", "", 0, "@"},
    {"SET k @", "BITPOS k 1", "", 0, "@"},
    {"SET k @", "BITOP OR k k k", "set ", 1, "@"},
    {"SET a A", "BITOP NOT k a", "set ", 1, "\xbe"},
    {"SET k @", "BITOP AND k a b", "del ", 1, NULL},
    {"", "BITOP AND k a b", "", 0, NULL},
    {"SET k @", "BITOP NOT k a b", "", 0, "@"},
    {"SET k @", "BITOP DIFF k a", "", 0, "@"},
    {"", "BITFIELD k SET u8 0 65", "setbit ", 1, "A"},
    {"SET k A", "BITFIELD k SET u8 0 65", "", 0, "A"},
    {"SET k A", "BITFIELD k SET u8 0 66 SET u8 0 65 SET u8 0 65", "setbit ", 2, "A"},
    {"SET k A", "BITFIELD k GET u8 0 INCRBY u8 0 1", "setbit ", 1, "B"},
    {"SET k A", "BITFIELD k SET u8 0 65 SET u8 #1 66", "setbit ", 2, "AB"},
    {"SET k A", "BITFIELD k OVERFLOW FAIL INCRBY u8 0 255", "", 0, "A"},
    {"SET k A", "BITFIELD k OVERFLOW FAIL SET u8 #1 256", "- ", 0, "A"},
    {"", "BITFIELD k OVERFLOW FAIL SET u8 0 256", "- ", 0, ""},
    {"SET k A", "BITFIELD k SET u8 0 66 SET u65 0 1", "", 0, "A"},
    {"SET k A", "BITFIELD k SET u8 0 66 GET u8 8388608", "", 0, "A"},
    {"SET k A", "BITFIELD_RO k SET u8 0 66", "", 0, "A"},
    {"", "BITFIELD k GET u8 0", "", 0, NULL},
};

static void note_silent(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                        struct slice key)
{
    (void)owner, (void)db, (void)class_, (void)name, (void)key;
    buf_append_str(&type_fixture.events, "- ");
}

static const struct entry *find(const char *key)
{
    struct slice name = slice_str(key);
    return db_find(type_fixture.db, name, keyspace_hash(type_fixture.ks, name), 0);
}

START_TEST(one_row)
{
    const struct row *r = &rows[_i];
    struct keyspace_observer silent = {.classes = EVENT_SILENT, .event = note_silent};
    keyspace_add_observer(type_fixture.ks, &silent);
    if (*r->before != '\0')
        type_run(r->before);
    uint64_t dirty = keyspace_dirty(type_fixture.ks);
    type_run(r->command);
    ck_assert_str_eq(buf_cstr(&type_fixture.events), r->events);
    ck_assert_uint_eq(keyspace_dirty(type_fixture.ks) - dirty, r->writes);
    const struct entry *e = find("k");
    ck_assert_int_eq(e != NULL, r->value != NULL);
    if (e != NULL) {
        char scratch[NUMBER_TEXT_MAX];
        struct slice value = entry_string(keyspace_arena(type_fixture.ks), e, scratch);
        size_t len = strlen(r->value);
        ck_assert_uint_ge(value.len, len);
        ck_assert_mem_eq(value.ptr, r->value, len);
        for (size_t i = len; i < value.len; i++)
            ck_assert_int_eq(value.ptr[i], 0);
    }
    keyspace_remove_observer(type_fixture.ks, &silent);
}
END_TEST

START_TEST(other_types)
{
    static const struct {
        const char *command, *reply;
    } refused[] = {
        {"SETBIT l 0 1", WRONG},
        {"SETBIT l 0 2", "-ERR bit is not an integer or out of range\r\n"},
        {"SETBIT l x 1", "-ERR bit offset is not an integer or out of range\r\n"},
        {"GETBIT l 0", WRONG},
        {"GETBIT l x", "-ERR bit offset is not an integer or out of range\r\n"},
        {"BITCOUNT l", WRONG},
        {"BITCOUNT l x y z", WRONG},
        {"BITPOS l 1", WRONG},
        {"BITPOS l 1 x", WRONG},
        {"BITPOS l 2", "-ERR The bit argument must be 1 or 0.\r\n"},
        {"BITOP AND d l", WRONG},
        {"BITOP OR d s nosuch l", WRONG},
        {"BITOP NOPE d l", "-ERR syntax error\r\n"},
        {"BITOP NOT d l l", "-ERR BITOP NOT must be called with a single source key.\r\n"},
        {"BITFIELD l", WRONG},
        {"BITFIELD l GET u8 0", WRONG},
        {"BITFIELD l SET u8 0 1", WRONG},
        {"BITFIELD l GET u8 x", "-ERR bit offset is not an integer or out of range\r\n"},
        {"BITFIELD_RO l GET u8 0", WRONG},
        {"BITFIELD_RO l SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand\r\n"},
    };
    struct slice l = slice_str("l");
    struct entry_value v;
    entry_value_inline(&v, slice_str("not a string"));
    ck_assert_int_eq(
        db_put(type_fixture.db, l, keyspace_hash(type_fixture.ks, l), OBJECT_LIST, &v, DB_EXPIRY_NONE), 0);
    type_run("SET s v");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ck_assert_str_eq(type_run(refused[i].command), refused[i].reply);
        ck_assert_uint_eq(type_fixture.events.len, 0);
    }
    ck_assert_ptr_null(find("d"));
    ck_assert_uint_eq(entry_type(find("l")), OBJECT_LIST);
    /* It may be what is written over. */
    ck_assert_str_eq(type_run("BITOP OR l s"), ":1\r\n");
    ck_assert_str_eq(type_run("GET l"), "$1\r\nv\r\n");
}
END_TEST

START_TEST(what_cannot_be_had)
{
    type_fixture.options.proto_max_bulk_len = INT64_MAX;
    type_run("SET k 12");
    uint64_t dirty = keyspace_dirty(type_fixture.ks);
    ck_assert_str_eq(type_run("SETBIT k 9223372036854775807 1"), MEMORY);
    ck_assert_str_eq(type_run("SETBIT nosuch 9223372036854775807 1"), MEMORY);
    ck_assert_str_eq(type_run("BITFIELD k SET i64 9223372036854775807 1"), MEMORY);
    ck_assert_str_eq(type_run("BITFIELD k GET u8 0 SET u8 0 1 SET i64 9223372036854775807 1"), MEMORY);
    ck_assert_str_eq(type_run("GET k"), "$2\r\n12\r\n");
    ck_assert_ptr_null(find("nosuch"));
    ck_assert_uint_eq(keyspace_dirty(type_fixture.ks), dirty);
    ck_assert_str_eq(type_run("BITFIELD k GET i64 9223372036854775807"), "*1\r\n:0\r\n");
    ck_assert_str_eq(type_run("GETBIT k 9223372036854775807"), ":0\r\n");
}
END_TEST

/* More sources, and more operations, than have room on the stack. */
START_TEST(many_arguments)
{
    enum { SOURCES = 1000 };
    struct slice *argv = malloc((3 + SOURCES * 4) * sizeof *argv);
    ck_assert_ptr_nonnull(argv);
    type_run("SET a 7");
    type_run("SET b 77");
    argv[0] = slice_str("BITOP");
    argv[1] = slice_str("XOR");
    argv[2] = slice_str("d");
    for (uint32_t i = 0; i < SOURCES; i++)
        argv[3 + i] = slice_str(i % 2 == 0 ? "a" : "b");
    type_run_slices(argv, 3 + SOURCES);
    ck_assert_str_eq(buf_cstr(&type_fixture.out), ":2\r\n");
    type_run("BITOP XOR e a b");
    ck_assert_str_eq(type_run("BITCOUNT d"), ":0\r\n");
    ck_assert_str_eq(type_run("BITCOUNT e"), ":5\r\n");

    argv[0] = slice_str("BITFIELD");
    argv[1] = slice_str("f");
    for (uint32_t i = 0; i < SOURCES; i++) {
        argv[2 + i * 4] = slice_str("INCRBY");
        argv[3 + i * 4] = slice_str("u16");
        argv[4 + i * 4] = slice_str("#3");
        argv[5 + i * 4] = slice_str("1");
    }
    type_run_slices(argv, 2 + SOURCES * 4);
    ck_assert_int_eq(strncmp(buf_cstr(&type_fixture.out), "*1000\r\n:1\r\n:2\r\n", 15), 0);
    ck_assert_str_eq(type_run("BITFIELD_RO f GET u16 48"), "*1\r\n:1000\r\n");
    free(argv);
}
END_TEST

/* Results of every kind of memory, over destinations of every kind. */
START_TEST(results_of_all_sizes)
{
    static const unsigned sizes[] = {1, 2, 40, 1023, 1024, 1025, 1026, 8192, 9000, 100000, 1048576};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    char line[128], reply[32];
    for (unsigned i = 0; i < SIZES; i++)
        for (unsigned j = 0; j < SIZES; j++) {
            snprintf(line, sizeof line, "SETBIT a %u 1", sizes[i] * 8 - 1);
            type_run(line);
            snprintf(line, sizeof line, "SETBIT d %u 1", sizes[j] * 8 - 1);
            type_run(line);
            snprintf(reply, sizeof reply, ":%u\r\n", sizes[i]);
            ck_assert_str_eq(type_run("BITOP NOT d a"), reply);
            snprintf(reply, sizeof reply, ":%u\r\n", sizes[i] * 8 - 1);
            ck_assert_str_eq(type_run("BITCOUNT d"), reply);
            ck_assert_str_eq(type_run("BITPOS d 0"), reply);
            snprintf(reply, sizeof reply, ":%u\r\n", sizes[i]);
            ck_assert_str_eq(type_run("BITOP AND d d a"), reply);
            ck_assert_str_eq(type_run("BITCOUNT d"), ":0\r\n");
            type_run("BITOP AND a nosuch");
            type_run("BITOP AND d nosuch");
        }
}
END_TEST

UNIT_SUITE(types_bitmap)
{
    tcase_add_checked_fixture(tc, string_set_up, type_tear_down);
    tcase_add_loop_test(tc, one_row, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tc, other_types);
    tcase_add_test(tc, what_cannot_be_had);
    tcase_add_test(tc, many_arguments);
    tcase_add_test(tc, results_of_all_sizes);
}
