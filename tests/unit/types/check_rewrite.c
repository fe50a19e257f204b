/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values as commands: which ones they are for each type, word by word; that long values take several,
 * and go through one buffer in parts; that overdue elements are left out; that a failure ends it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "keyspace/rewrite.h"
#include "types/hash/hash.h"
#include "types/list/list.h"
#include "types/set/set.h"
#include "types/stream/stream.h"
#include "types/string/string.h"
#include "types/type_fixture.h"
#include "types/zset/zset.h"
#include "unit.h"

#define NOW  INT64_C(1700000000000)
#define LONG (4 * REWRITE_BUFFER)

static const struct hash_options hash_options = {.max_listpack_entries = 8, .max_listpack_value = 64};
static const struct list_options list_options = {.max_listpack_size = -2};
static const struct set_options set_options = {8, 8, 64};
static const struct zset_options zset_options = {8, 64};
static const struct stream_options stream_options = {4096, 100, 100, 100};

static void set_up(void)
{
    struct type_fixture *f = &type_fixture;
    type_set_up(1);
    clock_freeze_ms(NOW);
    object_types_add(&f->types, &string_type);
    string_register(f->registry);
    hash_register(f->registry, &f->types, &hash_options);
    list_register(f->registry, &f->types, &list_options);
    set_register(f->registry, &f->types, &set_options);
    zset_register(f->registry, &f->types, &zset_options);
    stream_register(f->registry, &f->types, &stream_options);
}

static void expire_at(const char *key, int64_t ms)
{
    db_set_expiry(type_fixture.db, type_find(type_fixture.db, key), ms);
}

/* LINE is a subcommand, the key behind it. */
static void xgroup(const char *line)
{
    struct type_fixture *f = &type_fixture;
    char text[128];
    struct slice argv[16];
    uint32_t argc = 0;
    must(snprintf(text, sizeof text, "%s", line) < (int)sizeof text);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = slice_str(word);
    const struct registry_entry *e = registry_resolve(f->registry, argv, argc);
    struct resp_writer reply = {.out = &f->out, .version = 2};
    struct command_ctx ctx = {.argv = argv,
                              .argc = argc,
                              .reply = &reply,
                              .session = &f->session,
                              .db = f->db,
                              .command = e->command,
                              .dispatch = f->dispatch,
                              .key_hash = keyspace_hash(f->ks, argv[2])};
    f->out.len = 0;
    e->command->handler(&ctx);
    must(buf_cstr(&f->out)[0] != '-');
}

/* --- what takes the bytes --- */

struct taken {
    struct buf bytes;
    unsigned calls;
    size_t longest;      /* but for the one of LONG bytes */
    const char *at;      /* that one */
    unsigned fail_after; /* calls; 0: never */
};

static int take(void *owner, struct slice bytes)
{
    struct taken *t = owner;
    must(bytes.len > 0);
    must(t->fail_after == 0 || t->calls < t->fail_after); /* it is not asked again */
    if (++t->calls == t->fail_after)
        return -ENOSPC;
    if (bytes.len == LONG)
        t->at = bytes.ptr;
    else if (bytes.len > t->longest)
        t->longest = bytes.len;
    buf_append(&t->bytes, bytes.ptr, bytes.len);
    return 0;
}

/* The commands of KEY, how many there are. */
static uint64_t rewrite(const char *key, struct taken *t, int code)
{
    struct rewrite w;
    const struct entry *e = type_find(type_fixture.db, key);
    ck_assert_ptr_nonnull(e);
    rewrite_init(&w, take, t);
    rewrite_entry(&w, &type_fixture.types, type_fixture.ks, e);
    ck_assert_int_eq(rewrite_done(&w), code);
    return w.commands;
}

/* The number behind KIND at *P, which is then behind its line. */
static size_t take_head(const char **p, char kind)
{
    char *end;
    must(**p == kind);
    size_t n = strtoul(*p + 1, &end, 10);
    must(end[0] == '\r' && end[1] == '\n');
    *p = end + 2;
    return n;
}

/* The words of KEY's commands, "; " between these. */
static const char *commands_of(const char *key)
{
    static struct buf lines;
    struct taken t = {.calls = 0};
    uint64_t count = rewrite(key, &t, 0);
    const char *p = buf_cstr(&t.bytes), *end = p + t.bytes.len;
    lines.len = 0;
    for (; p < end; count--) {
        buf_append_str(&lines, lines.len > 0 ? "; " : "");
        for (size_t words = take_head(&p, '*'); words > 0; words--) {
            size_t len = take_head(&p, '$');
            must(len + 2 <= (size_t)(end - p) && p[len] == '\r' && p[len + 1] == '\n');
            buf_append(&lines, p, len);
            buf_append_str(&lines, words > 1 ? " " : "");
            p += len + 2;
        }
    }
    must(p == end && count == 0);
    buf_done(&t.bytes);
    return buf_cstr(&lines);
}

static void check_commands(const char *key, const char *expected)
{
    ck_assert_str_eq(commands_of(key), expected);
}

/* --- types --- */

START_TEST(strings)
{
    type_run("SET k value");
    check_commands("k", "SET k value");
    type_run("SET k -12345");
    check_commands("k", "SET k -12345");
    type_run("SET k v PXAT 1800000000000");
    check_commands("k", "SET k v; PEXPIREAT k 1800000000000");
    type_run_with("SET k", (struct slice[]){slice_of("", 0)}, 1);
    check_commands("k", "SET k ");
}
END_TEST

START_TEST(lists)
{
    type_run("RPUSH k a 7 b");
    type_run("LPUSH k -1");
    check_commands("k", "RPUSH k -1 a 7 b");
}
END_TEST

START_TEST(sets)
{
    type_run("SADD ints 3 1 2 -70000");
    check_commands("ints", "SADD ints -70000 1 2 3");
    type_run("SADD k b a 5");
    check_commands("k", "SADD k b a 5");
}
END_TEST

START_TEST(sorted_sets)
{
    type_run("ZADD k 1 a -inf b inf c -0.5 d 5e-324 e 1.7976931348623157e308 f 0.1 g 3 h");
    check_commands("k", "ZADD k -inf b -0.5 d 5e-324 e 0.1 g 1 a 3 h 1.7976931348623157e+308 f inf c");
    type_run("ZADD k -0 i 1e21 j");
    check_commands("k", "ZADD k -inf b -0.5 d -0 i 5e-324 e 0.1 g 1 a 3 h 1e+21 j "
                        "1.7976931348623157e+308 f inf c");
}
END_TEST

START_TEST(hashes)
{
    type_run("HSET k a 1 b 2 c 3");
    check_commands("k", "HSET k a 1 b 2 c 3");
    ck_assert(type_delete(type_fixture.db, "k"));
    type_run("HSET k a 1");
    type_run("HPEXPIREAT k 1800000000000 FIELDS 1 a");
    check_commands("k", "HSET k a 1; HPEXPIREAT k 1800000000000 FIELDS 1 a");
}
END_TEST

START_TEST(overdue_elements_are_left_out)
{
    type_run("HSET h a 1 b 2 c 3");
    type_runf("HPEXPIREAT h %lld FIELDS 2 a c", (long long)NOW + 10);
    type_run("SADD s a b c");
    type_runf("SPEXPIREAT s %lld MEMBERS 2 a c", (long long)NOW + 10);
    expire_at("s", NOW + 1000);
    clock_freeze_ms(NOW + 20);
    check_commands("h", "HSET h b 2");
    check_commands("s", "SADD s b; PEXPIREAT s 1700000001000");
    type_runf("SPEXPIREAT s %lld MEMBERS 1 b", (long long)NOW + 30);
    check_commands("s", "SADD s b; SPEXPIREAT s 1700000000030 MEMBERS 1 b; PEXPIREAT s 1700000001000");
}
END_TEST

START_TEST(nothing_is_said_of_what_has_nothing_left)
{
    struct taken t = {.calls = 0};
    struct rewrite w;
    type_run("SADD s a b");
    type_runf("SPEXPIREAT s %lld MEMBERS 2 a b", (long long)NOW + 10);
    expire_at("s", NOW + 1000);
    const struct entry *e = type_find(type_fixture.db, "s");
    clock_freeze_ms(NOW + 20);
    rewrite_init(&w, take, &t);
    rewrite_entry(&w, &type_fixture.types, type_fixture.ks, e);
    ck_assert_int_eq(rewrite_done(&w), 0);
    ck_assert_uint_eq(w.commands, 0);
    ck_assert_uint_eq(t.calls, 0);
}
END_TEST

/* --- streams --- */

START_TEST(streams)
{
    type_run("XADD k 1-1 a 1 b 2");
    type_run("XADD k 2-0 a 3 b 4");
    type_run("XADD k 3-0 c 5");
    check_commands("k", "XADD k 1-1 a 1 b 2; XADD k 2-0 a 3 b 4; XADD k 3-0 c 5; "
                        "XSETID k 3-0 ENTRIESADDED 3 MAXDELETEDID 0-0");
    type_run("XDEL k 2-0 3-0");
    check_commands("k", "XADD k 1-1 a 1 b 2; XSETID k 3-0 ENTRIESADDED 3 MAXDELETEDID 3-0");
    type_run("XTRIM k MAXLEN 0");
    check_commands("k", "XADD k MAXLEN 0 0-1 x y; XSETID k 3-0 ENTRIESADDED 3 MAXDELETEDID 3-0");
    type_run("XSETID k 2-5");
    check_commands("k", "XADD k MAXLEN 0 0-1 x y; XSETID k 3-0 ENTRIESADDED 3 MAXDELETEDID 3-0; "
                        "XSETID k 2-5");
}
END_TEST

START_TEST(groups_of_consumers)
{
    for (int i = 1; i < 5; i++)
        type_runf("XADD k %d-0 f v", i);
    xgroup("XGROUP CREATE k g 2-0 ENTRIESREAD 2");
    xgroup("XGROUP CREATECONSUMER k g idle");
    type_run("XCLAIM k g c 0 1-0 3-0 4-0 TIME 1000 RETRYCOUNT 7 FORCE JUSTID");
    type_run("XCLAIM k g c 0 2-0 TIME 500 RETRYCOUNT 7 FORCE JUSTID");
    type_run("XNACK k g FAIL IDS 2 4-0 3-0");
#define ENTRIES "XADD k 1-0 f v; XADD k 2-0 f v; XADD k 3-0 f v; XADD k 4-0 f v; "
#define GROUP                                                                                                \
    "XGROUP CREATE k g 2-0 ENTRIESREAD 2; XGROUP CREATECONSUMER k g c; XGROUP CREATECONSUMER k g idle; "     \
    "XNACK k g FAIL IDS 2 4-0 3-0 RETRYCOUNT 7 FORCE; "                                                      \
    "XCLAIM k g c 0 2-0 TIME 500 RETRYCOUNT 7 JUSTID FORCE; "                                                \
    "XCLAIM k g c 0 1-0 TIME 1000 RETRYCOUNT 7 JUSTID FORCE"
    check_commands("k", ENTRIES "XSETID k 4-0 ENTRIESADDED 4 MAXDELETEDID 0-0; " GROUP);
    /* What is pending and gone is there until it was named. */
    type_run("XDEL k 1-0 3-0");
    check_commands("k", "XADD k 1-0 x y; XADD k 2-0 f v; XADD k 3-0 x y; XADD k 4-0 f v; "
                        "XSETID k 4-0 ENTRIESADDED 4; " GROUP "; XTRIM k MINID 2-0; XDEL k 3-0; "
                        "XSETID k 4-0 ENTRIESADDED 4 MAXDELETEDID 3-0");
    type_run("XTRIM k MAXLEN 0");
    check_commands("k", "XADD k 1-0 x y; XADD k 2-0 x y; XADD k 3-0 x y; XADD k 4-0 x y; "
                        "XSETID k 4-0 ENTRIESADDED 4; " GROUP "; XTRIM k MAXLEN 0; "
                        "XSETID k 4-0 ENTRIESADDED 4 MAXDELETEDID 3-0");
}
END_TEST

START_TEST(idempotent_additions)
{
    type_run("XADD k 1700000000000-0 f v");
    type_run("XADD k 1700000000000-1 f v");
    type_run("XCFGSET k IDMP-DURATION 300");
    type_run("XIDMPRECORD k p b 1700000000000-0");
    type_run("XIDMPRECORD k p a 1700000000000-1");
    type_run("XDEL k 1700000000000-1");
    check_commands("k",
                   "XADD k 1700000000000-0 f v; XADD k 1700000000000-1 x y; XCFGSET k IDMP-DURATION 300; "
                   "XIDMPRECORD k p b 1700000000000-0; XIDMPRECORD k p a 1700000000000-1; "
                   "XDEL k 1700000000000-1; "
                   "XSETID k 1700000000000-1 ENTRIESADDED 2 MAXDELETEDID 1700000000000-1");
    clock_freeze_ms(NOW + 300 * 1000);
    check_commands("k", "XADD k 1700000000000-0 f v; XCFGSET k IDMP-DURATION 300; "
                        "XSETID k 1700000000000-1 ENTRIESADDED 2 MAXDELETEDID 1700000000000-1");
}
END_TEST

/* --- many elements --- */

/* Adds COUNT elements by "COMMAND .. FORM", where FORM has a number. */
static void add_many(const char *form, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        type_runf(form, i, i);
}

/* That TEXT's commands have the words of WORDS, a number for each, 0 at the end. */
static void check_words(const char *text, const unsigned *words)
{
    for (; *words != 0; words++) {
        unsigned count = 1;
        const char *end = strstr(text, "; ");
        for (const char *p = text; *p != '\0' && p != end; p++)
            count += *p == ' ';
        ck_assert_uint_eq(count, *words);
        text = end == NULL ? "" : end + 2;
    }
    ck_assert_str_eq(text, "");
}

START_TEST(many_elements_take_several_commands)
{
    _Static_assert(REWRITE_GROUP == 64, "the numbers below are of groups of 64");
    add_many("RPUSH l %u", 64);
    check_words(commands_of("l"), (const unsigned[]){66, 0});
    add_many("RPUSH l %u", 1);
    check_words(commands_of("l"), (const unsigned[]){66, 3, 0});
    add_many("RPUSH l %u", 63);
    check_words(commands_of("l"), (const unsigned[]){66, 66, 0});
    add_many("SADD s %u", 130);
    check_words(commands_of("s"), (const unsigned[]){66, 66, 4, 0});
    add_many("SADD t m%u", 130);
    check_words(commands_of("t"), (const unsigned[]){66, 66, 4, 0});
    add_many("ZADD z %u m%u", 129);
    check_words(commands_of("z"), (const unsigned[]){130, 130, 4, 0});
    add_many("HSET h f%u %u", 100);
    check_words(commands_of("h"), (const unsigned[]){130, 74, 0});
    add_many("HPEXPIREAT h 1800000000000 FIELDS 1 f%u", 100);
    check_words(commands_of("h"), (const unsigned[]){130, 74, 69, 41, 0});
    add_many("SPEXPIREAT t 1800000000000 MEMBERS 1 m%u", 70);
    ck_assert_ptr_nonnull(strstr(commands_of("t"), "; SPEXPIREAT t 1800000000000 MEMBERS 64 m"));
    xgroup("XGROUP CREATE x g 0 MKSTREAM");
    for (unsigned i = 1; i <= 70; i++) {
        type_runf("XADD x %u f v", i);
        type_runf("XCLAIM x g c 0 %u-0 TIME 7 RETRYCOUNT 2 FORCE JUSTID", i);
    }
    const char *claim = strstr(commands_of("x"), "XCLAIM");
    ck_assert_ptr_nonnull(claim);
    check_words(claim, (const unsigned[]){11 + 64, 11 + 6, 0});
}
END_TEST

START_TEST(big_values_are_handed_over_in_parts)
{
    struct taken t = {.calls = 0};
    add_many("RPUSH l element-%u", 20000);
    ck_assert_uint_eq(rewrite("l", &t, 0), (20000 + REWRITE_GROUP - 1) / REWRITE_GROUP);
    ck_assert_uint_le(t.longest, REWRITE_BUFFER);
    ck_assert_uint_gt(t.longest, REWRITE_BUFFER / 2);
    ck_assert_uint_ge(t.calls, t.bytes.len / REWRITE_BUFFER);
    ck_assert_uint_le(t.calls, t.bytes.len / (REWRITE_BUFFER / 2));
    buf_done(&t.bytes);
    const char *text = commands_of("l");
    ck_assert_int_eq(strncmp(text, "RPUSH l element-0 element-1 ", 28), 0);
    ck_assert_ptr_nonnull(strstr(text, " element-19999"));
}
END_TEST

START_TEST(long_arguments_are_not_copied)
{
    struct taken t = {.calls = 0};
    char *value = malloc(LONG), expected[64];
    must(value != NULL);
    memset(value, 'v', LONG);
    type_run_with("SET k", (struct slice[]){slice_of(value, LONG)}, 1);
    expire_at("k", INT64_C(1800000000000));
    ck_assert_uint_eq(rewrite("k", &t, 0), 2);
    ck_assert_uint_eq(t.calls, 3);
    ck_assert_ptr_nonnull(t.at);
    int head = snprintf(expected, sizeof expected, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%u\r\n", LONG);
    const char *tail = "\r\n*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$13\r\n1800000000000\r\n";
    ck_assert_uint_eq(t.bytes.len, (size_t)head + LONG + strlen(tail));
    ck_assert_int_eq(memcmp(t.bytes.data, expected, (size_t)head), 0);
    ck_assert_int_eq(memcmp(t.bytes.data + head, value, LONG), 0);
    ck_assert_int_eq(memcmp(t.bytes.data + head + LONG, tail, strlen(tail)), 0);
    buf_done(&t.bytes);
    free(value);
}
END_TEST

START_TEST(lengths_around_the_buffer)
{
    char *value = malloc(REWRITE_BUFFER + 64);
    must(value != NULL);
    memset(value, 'v', REWRITE_BUFFER + 64);
    static const size_t near[] = {REWRITE_BUFFER / 4, REWRITE_BUFFER / 2, REWRITE_BUFFER};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        for (size_t len = near[i] - 60; len < near[i] + 60; len++) {
            (void)type_delete(type_fixture.db, "k");
            for (unsigned n = 0; n < 5; n++)
                type_run_with("RPUSH k", (struct slice[]){slice_of(value, len)}, 1);
            const char *text = commands_of("k");
            ck_assert_uint_eq(strlen(text), strlen("RPUSH k") + 5 * (len + 1));
        }
    free(value);
}
END_TEST

START_TEST(a_failure_ends_it)
{
    static const char *const keys[] = {"l", "s", "z", "h", "x"};
    add_many("RPUSH l element-%u", 9000);
    add_many("SADD s element-%u", 9000);
    add_many("ZADD z %u element-%u", 9000);
    add_many("HSET h element-%u %u", 9000);
    for (unsigned i = 1; i <= 9000; i++)
        type_runf("XADD x %u f v", i);
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct taken whole = {.calls = 0}, t = {.fail_after = 3};
        uint64_t commands = rewrite(keys[i], &whole, 0);
        ck_assert_uint_gt(whole.calls, 6);
        ck_assert_uint_lt(rewrite(keys[i], &t, -ENOSPC), commands);
        ck_assert_uint_eq(t.calls, 3);
        ck_assert_uint_le(t.bytes.len, 2 * REWRITE_BUFFER);
        ck_assert_int_eq(memcmp(t.bytes.data, whole.bytes.data, t.bytes.len), 0);
        buf_done(&whole.bytes);
        buf_done(&t.bytes);
    }
}
END_TEST

UNIT_SUITE(types_rewrite)
{
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, type_tear_down);
    tcase_add_test(tc, strings);
    tcase_add_test(tc, lists);
    tcase_add_test(tc, sets);
    tcase_add_test(tc, sorted_sets);
    tcase_add_test(tc, hashes);
    tcase_add_test(tc, overdue_elements_are_left_out);
    tcase_add_test(tc, nothing_is_said_of_what_has_nothing_left);
    tcase_add_test(tc, streams);
    tcase_add_test(tc, groups_of_consumers);
    tcase_add_test(tc, idempotent_additions);
    tcase_add_test(tc, many_elements_take_several_commands);
    tcase_add_test(tc, big_values_are_handed_over_in_parts);
    tcase_add_test(tc, long_arguments_are_not_copied);
    tcase_add_test(tc, lengths_around_the_buffer);
    tcase_add_test(tc, a_failure_ends_it);
}
