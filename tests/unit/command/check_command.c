/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What follows from a row: the keys of a request for every way a key spec can say where
 * they are, and the ACL categories.
 */
#include "command/command.h"

#include "base/error.h"
#include "base/heap.h"
#include "base/text.h"
#include "unit.h"

#define CAP 32

struct found {
    int count;
    uint32_t indexes[CAP];
    unsigned flags[CAP];
};

/* The keys of TEXT's words, as "1 3 5"; "syntax" for what does not fit. */
static const char *keys_of(const struct command *c, const char *text, uint32_t cap, struct found *ret)
{
    static char line[256];
    struct buf bytes = {0}, out = {0};
    struct slice *argv = NULL;
    int argc = text_split(slice_str(text), &bytes, &argv);
    ck_assert_int_gt(argc, 0);
    /* A trap for who reads one too many. */
    argv = heap_realloc(argv, ((size_t)argc + 1) * sizeof *argv);
    argv[argc] = slice_str("0");
    ret->count = command_find_keys(c, argv, (uint32_t)argc, ret->indexes, ret->flags, cap);
    for (int i = 0; i < ret->count; i++)
        buf_printf(&out, "%s%u", i > 0 ? " " : "", ret->indexes[i]);
    if (ret->count < 0) {
        ck_assert_int_eq(ret->count, MR_E_SYNTAX);
        buf_append_str(&out, "syntax");
    }
    ck_assert_uint_lt(out.len, sizeof line);
    memcpy(line, buf_cstr(&out), out.len + 1);
    heap_free(argv);
    buf_done(&bytes);
    buf_done(&out);
    return line;
}

static void expect_keys(const struct command *c, const char *text, const char *keys)
{
    struct found found;
    ck_assert_str_eq(keys_of(c, text, CAP, &found), keys);
}

/* --- index and range --- */

START_TEST(no_keys)
{
    const struct command ping = {.name = "PING"};
    expect_keys(&ping, "ping a b", "");
    ck_assert_uint_eq(command_first_key(&ping), 0);
}
END_TEST

START_TEST(one_key)
{
    const struct command get = {.name = "GET", COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO, 1, 0, 1))};
    expect_keys(&get, "get a", "1");
    expect_keys(&get, "get a b c", "1");
    expect_keys(&get, "get", "");
    ck_assert_uint_eq(command_first_key(&get), 1);
}
END_TEST

START_TEST(range_to_the_end)
{
    const struct command mget = {.name = "MGET", COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO, 1, -1, 1))};
    expect_keys(&mget, "mget a", "1");
    expect_keys(&mget, "mget a b c", "1 2 3");
    const struct command mset = {.name = "MSET", COMMAND_KEYS(COMMAND_KEY(CMD_KEY_OW, 1, -1, 2))};
    expect_keys(&mset, "mset a 1 b 2", "1 3");
    expect_keys(&mset, "mset a 1 b", "1 3");
    ck_assert_uint_eq(command_first_key(&mset), 1);
}
END_TEST

START_TEST(range_before_the_end)
{
    const struct command blpop = {.name = "BLPOP", COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RW, 1, -2, 1))};
    expect_keys(&blpop, "blpop a 0", "1");
    expect_keys(&blpop, "blpop a b c 0", "1 2 3");
    expect_keys(&blpop, "blpop a", "");
}
END_TEST

START_TEST(range_of_fixed_length)
{
    const struct command rename = {.name = "RENAME", COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RW, 1, 1, 1))};
    expect_keys(&rename, "rename a b", "1 2");
    expect_keys(&rename, "rename a b c", "1 2");
    expect_keys(&rename, "rename a", "syntax");
    const struct command third = {.name = "BITOP", COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO, 3, 4, 2))};
    expect_keys(&third, "x y z a b c d e", "3 5 7");
    expect_keys(&third, "x y z a b c d", "syntax");
}
END_TEST

START_TEST(two_specs)
{
    const struct command c = {
        .name = "COPYALL",
        COMMAND_KEYS(COMMAND_KEY(CMD_KEY_OW | CMD_KEY_UPDATE, 2, 0, 1), COMMAND_KEY(CMD_KEY_RO, 3, -1, 1))};
    struct found found;
    ck_assert_str_eq(keys_of(&c, "x and to a b", CAP, &found), "2 3 4");
    ck_assert_uint_eq(found.flags[0], CMD_KEY_OW | CMD_KEY_UPDATE);
    ck_assert_uint_eq(found.flags[1], CMD_KEY_RO);
    ck_assert_uint_eq(found.flags[2], CMD_KEY_RO);
    ck_assert_uint_eq(command_first_key(&c), 2);
    expect_keys(&c, "x and to", "2");
}
END_TEST

/* --- keywords --- */

/* The first half of what stands behind STREAMS. */
static const struct command xread = {.name = "XREAD",
                                     COMMAND_KEYS({.flags = CMD_KEY_RO,
                                                   .begin = CMD_BEGIN_KEYWORD,
                                                   .keyword = "STREAMS",
                                                   .index = 1,
                                                   .last = -1,
                                                   .step = 1,
                                                   .limit = 2})};

START_TEST(keyword_and_limit)
{
    expect_keys(&xread, "xread streams a b 0 0", "2 3");
    expect_keys(&xread, "xread count 2 Streams a b c 0 0 0", "4 5 6");
    expect_keys(&xread, "xread streams a 0", "2");
    expect_keys(&xread, "xread streams a b 0", "2");
    expect_keys(&xread, "xread streams a", "");
    expect_keys(&xread, "xread a b streams", "");
    expect_keys(&xread, "xread a b", "");
    expect_keys(&xread, "xread", "");
    ck_assert_uint_eq(command_first_key(&xread), 0);
}
END_TEST

START_TEST(keyword_and_one_key)
{
    const struct command c = {
        .name = "GEORADIUS",
        COMMAND_KEYS({.begin = CMD_BEGIN_KEYWORD, .keyword = "STORE", .index = 2, .step = 1})};
    expect_keys(&c, "georadius a store b", "3");
    expect_keys(&c, "georadius store store b c", "3");
    expect_keys(&c, "georadius store b", "");
    expect_keys(&c, "georadius a b store", "");
}
END_TEST

START_TEST(limit_of_an_index)
{
    const struct command c = {.name = "HALF", COMMAND_KEYS({.index = 1, .last = -1, .step = 1, .limit = 3})};
    expect_keys(&c, "x a b c d e f", "1 2");
    expect_keys(&c, "x a b c", "1");
    expect_keys(&c, "x a b", "");
    const struct command all = {.name = "ALL", COMMAND_KEYS({.index = 1, .last = -1, .step = 1, .limit = 1})};
    expect_keys(&all, "x a b c", "1 2 3");
}
END_TEST

START_TEST(keyword_from_the_end)
{
    const struct command c = {
        .name = "MIGRATE",
        COMMAND_KEYS({.begin = CMD_BEGIN_KEYWORD, .keyword = "KEYS", .index = -2, .last = -1, .step = 1})};
    expect_keys(&c, "migrate host 1 keys a b", "4 5");
    expect_keys(&c, "migrate keys keys a", "3");
    expect_keys(&c, "migrate host a b", "");
    /* The command's name is not looked at, nor is the last argument. */
    expect_keys(&c, "keys a b", "");
    expect_keys(&c, "migrate a keys", "");
    expect_keys(&c, "migrate", "");
}
END_TEST

/* --- keys that are counted --- */

static const struct command zunion = {
    .name = "ZUNION",
    COMMAND_KEYS({.flags = CMD_KEY_RO, .find = CMD_FIND_KEYNUM, .index = 1, .first = 1, .keynum_step = 1})};

START_TEST(counted_keys)
{
    expect_keys(&zunion, "zunion 1 a", "2");
    expect_keys(&zunion, "zunion 2 a b", "2 3");
    expect_keys(&zunion, "zunion 2 a b weights 1 2", "2 3");
    expect_keys(&zunion, "zunion 0", "syntax");
    expect_keys(&zunion, "zunion 0 a", "syntax");
    expect_keys(&zunion, "zunion", "");
    ck_assert_uint_eq(command_first_key(&zunion), 0);
}
END_TEST

START_TEST(no_counted_keys)
{
    const struct command_key spec = {
        .flags = CMD_KEY_RO, .find = CMD_FIND_KEYNUM, .index = 2, .first = 1, .keynum_step = 1};
    const struct command eval = {
        .name = "EVAL", .flags = CMD_NO_MANDATORY_KEYS, .keys = &spec, .key_count = 1};
    expect_keys(&eval, "eval x 0", "");
    expect_keys(&eval, "eval x 0 a b", "");
    expect_keys(&eval, "eval x 1 a b", "3");
    expect_keys(&eval, "eval x 3 a b", "syntax");
    /* Another key does not make up for those that are missing. */
    const struct command store = {
        .name = "ZUNIONSTORE",
        COMMAND_KEYS(
            COMMAND_KEY(CMD_KEY_OW, 1, 0, 1),
            {.flags = CMD_KEY_RO, .find = CMD_FIND_KEYNUM, .index = 2, .first = 1, .keynum_step = 1})};
    expect_keys(&store, "zunionstore to 1 a", "1 3");
    expect_keys(&store, "zunionstore to 0 a", "syntax");
}
END_TEST

START_TEST(counts_out_of_range)
{
    static const char *const wrong[] = {"-1",
                                        "3",
                                        "4",
                                        "5",
                                        "x",
                                        "''",
                                        "1.0",
                                        "+1",
                                        "01",
                                        "2147483648",
                                        "4294967297",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775808"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct buf text = {0};
        buf_printf(&text, "zunion %s a b", wrong[i]);
        expect_keys(&zunion, buf_cstr(&text), "syntax");
        buf_done(&text);
    }
}
END_TEST

START_TEST(count_not_at_the_begin)
{
    /* Pairs of a key and its value, behind their number. */
    const struct command c = {
        .name = "PAIRS",
        COMMAND_KEYS({.find = CMD_FIND_KEYNUM, .index = 1, .keynum_index = 1, .first = 2, .keynum_step = 2})};
    expect_keys(&c, "x any 2 a 1 b 2", "3 5");
    expect_keys(&c, "x any 2 a 1", "syntax");
    expect_keys(&c, "x any", "syntax");
    const struct command behind = {.name = "BEHIND",
                                   COMMAND_KEYS({.begin = CMD_BEGIN_KEYWORD,
                                                 .keyword = "OF",
                                                 .find = CMD_FIND_KEYNUM,
                                                 .index = 1,
                                                 .first = 1,
                                                 .keynum_step = 1})};
    expect_keys(&behind, "x y of 2 a b c", "4 5");
    expect_keys(&behind, "x y of 9 a b c", "syntax");
}
END_TEST

/* --- what is not plain --- */

START_TEST(unknown_places)
{
    const struct command begin = {
        .name = "SORT",
        COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO, 1, 0, 1), {.flags = CMD_KEY_OW, .begin = CMD_BEGIN_UNKNOWN})};
    expect_keys(&begin, "sort a store b", "1");
    const struct command find = {.name = "X", COMMAND_KEYS({.index = 1, .find = CMD_FIND_UNKNOWN})};
    expect_keys(&find, "x a", "syntax");
    ck_assert_uint_eq(command_first_key(&find), 0);
}
END_TEST

START_TEST(behind_a_token_anywhere)
{
    const struct command c = {.name = "SORT",
                              COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO, 1, 0, 1), {.flags = CMD_KEY_OW,
                                                                              .begin = CMD_BEGIN_UNKNOWN,
                                                                              .find = CMD_FIND_UNKNOWN,
                                                                              .keyword = "STORE",
                                                                              .index = 2}),
                              COMMAND_ARGS({.name = "by", .type = CMD_ARG_PATTERN, .token = "BY"},
                                           {.name = "alpha", .type = CMD_ARG_PURE_TOKEN, .token = "ALPHA"},
                                           {.name = "limit",
                                            .type = CMD_ARG_BLOCK,
                                            .token = "LIMIT",
                                            COMMAND_ARGS({.name = "offset"}, {.name = "count"})})};
    struct found found;
    expect_keys(&c, "sort a", "1");
    expect_keys(&c, "sort store", "1");
    expect_keys(&c, "sort a store b", "1 3");
    expect_keys(&c, "sort a alpha store b limit 1 2", "1 4");
    expect_keys(&c, "sort a store b store c", "1 5");
    expect_keys(&c, "sort a store", "1");
    expect_keys(&c, "sort a store b by store", "1 3");
    expect_keys(&c, "sort a by store c", "1");
    expect_keys(&c, "sort a limit store b c", "1");
    expect_keys(&c, "sort a limit 1", "1");
    ck_assert_str_eq(keys_of(&c, "sort a store b", CAP, &found), "1 3");
    ck_assert_uint_eq(found.flags[1], CMD_KEY_OW);
}
END_TEST

START_TEST(not_a_key)
{
    const struct command c = {
        .name = "SPUBLISH",
        COMMAND_KEYS(COMMAND_KEY(CMD_KEY_NOT_KEY, 1, 0, 1), COMMAND_KEY(CMD_KEY_RO, 2, 0, 1))};
    expect_keys(&c, "x channel key", "2");
    ck_assert_uint_eq(command_first_key(&c), 0);
}
END_TEST

START_TEST(flags_that_vary)
{
    const struct command set = {.name = "SET",
                                COMMAND_KEYS({.flags = CMD_KEY_RW | CMD_KEY_ACCESS | CMD_KEY_VARIABLE_FLAGS,
                                              .index = 1,
                                              .step = 1,
                                              .token = "GET",
                                              .token_from = 3,
                                              .other_flags = CMD_KEY_OW | CMD_KEY_UPDATE})};
    struct found found;
    keys_of(&set, "set get get", CAP, &found);
    ck_assert_uint_eq(found.flags[0], CMD_KEY_OW | CMD_KEY_UPDATE);
    keys_of(&set, "set a b nx gEt", CAP, &found);
    ck_assert_uint_eq(found.flags[0], CMD_KEY_RW | CMD_KEY_ACCESS);
}
END_TEST

START_TEST(room_for_some)
{
    const struct command mget = {.name = "MGET", COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO, 1, -1, 1))};
    struct found found = {.indexes = {[3] = 77}};
    ck_assert_str_eq(keys_of(&mget, "mget a b c d e", 3, &found), "1 2 3");
    ck_assert_uint_eq(found.indexes[3], 77);
    ck_assert_str_eq(keys_of(&mget, "mget a b c d e", 0, &found), "");
    const struct slice argv[] = {slice_str("mget"), slice_str("a")};
    uint32_t index;
    ck_assert_int_eq(command_find_keys(&mget, argv, 2, &index, NULL, 1), 1);
    ck_assert_uint_eq(index, 1);
}
END_TEST

/* --- categories --- */

static void expect_acl(uint32_t flags, uint32_t acl, uint32_t categories)
{
    const struct command c = {.name = "X", .flags = flags, .acl = acl};
    ck_assert_uint_eq(command_acl_categories(&c), categories);
}

START_TEST(categories)
{
    expect_acl(0, 0, CMD_ACL_SLOW);
    expect_acl(CMD_FAST, 0, CMD_ACL_FAST);
    expect_acl(CMD_FAST | CMD_READONLY, CMD_ACL_STRING, CMD_ACL_STRING | CMD_ACL_READ | CMD_ACL_FAST);
    expect_acl(CMD_WRITE | CMD_DENYOOM, CMD_ACL_LIST, CMD_ACL_LIST | CMD_ACL_WRITE | CMD_ACL_SLOW);
    expect_acl(CMD_ADMIN, 0, CMD_ACL_ADMIN | CMD_ACL_DANGEROUS | CMD_ACL_SLOW);
    expect_acl(CMD_PUBSUB | CMD_FAST, 0, CMD_ACL_PUBSUB | CMD_ACL_FAST);
    expect_acl(CMD_BLOCKING | CMD_WRITE, 0, CMD_ACL_BLOCKING | CMD_ACL_WRITE | CMD_ACL_SLOW);
    expect_acl(CMD_READONLY, CMD_ACL_SCRIPTING, CMD_ACL_SCRIPTING | CMD_ACL_SLOW);
    expect_acl(0, CMD_ACL_FAST | CMD_ACL_CONNECTION, CMD_ACL_FAST | CMD_ACL_CONNECTION);
}
END_TEST

UNIT_SUITE(command_command)
{
    tcase_add_test(tc, no_keys);
    tcase_add_test(tc, one_key);
    tcase_add_test(tc, range_to_the_end);
    tcase_add_test(tc, range_before_the_end);
    tcase_add_test(tc, range_of_fixed_length);
    tcase_add_test(tc, two_specs);
    tcase_add_test(tc, keyword_and_limit);
    tcase_add_test(tc, keyword_and_one_key);
    tcase_add_test(tc, limit_of_an_index);
    tcase_add_test(tc, keyword_from_the_end);
    tcase_add_test(tc, counted_keys);
    tcase_add_test(tc, no_counted_keys);
    tcase_add_test(tc, counts_out_of_range);
    tcase_add_test(tc, count_not_at_the_begin);
    tcase_add_test(tc, unknown_places);
    tcase_add_test(tc, behind_a_token_anywhere);
    tcase_add_test(tc, not_a_key);
    tcase_add_test(tc, flags_that_vary);
    tcase_add_test(tc, room_for_some);
    tcase_add_test(tc, categories);
}
