/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table, values from and to text, and CONFIG SET, whose texts are redis-server's.
 */
#include "config_fixture.h"
#include "unit.h"

#define FAILED(name) "ERR CONFIG SET failed (possibly related to argument '" name "') - "

START_TEST(defaults_are_set)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(f->options.port, 6379);
    ck_assert_uint_eq(f->options.bind.count, 2);
    ck_assert_str_eq(f->options.bind.items[1], "-::1");
    ck_assert_str_eq(f->options.dir, ".");
    ck_assert_int_eq(f->other.hz, 100);
    ck_value(f, "save", "3600 1");
    ck_value(f, "appendonly", "no");
    ck_value(f, "maxmemory-policy", "noeviction");
    ck_value(f, "requirepass", "");
    ck_origin(f, "port", "default");
    fixture_end(f);
}
END_TEST

START_TEST(options_are_found)
{
    struct fixture *f = fixture_begin();
    const char *group;
    ck_assert_uint_eq(config_option_count(f->config), 14);
    ck_assert_str_eq(config_option_at(f->config, 0, &group)->name, "port");
    ck_assert_str_eq(group, "First");
    ck_assert_str_eq(config_option_at(f->config, 12, &group)->name, "replica-priority");
    ck_assert_str_eq(group, "Second");
    ck_assert_ptr_eq(config_find(f->config, slice_str("PORT")), config_option_at(f->config, 0, NULL));
    ck_assert_ptr_eq(config_find(f->config, slice_str("Slave-Priority")),
                     config_option_at(f->config, 12, NULL));
    ck_assert_ptr_null(config_find(f->config, slice_str("por")));
    ck_assert_ptr_null(config_find(f->config, slice_str("")));
    ck_assert_str_eq(config_nearest(f->config, "prot"), "port");
    ck_assert_str_eq(config_nearest(f->config, "MAX_MEMORY"), "maxmemory");
    ck_assert_str_eq(config_nearest(f->config, "slave-prioritty"), "slave-priority");
    ck_assert_ptr_null(config_nearest(f->config, "zzzzzzzz"));
    ck_assert_ptr_null(config_nearest(f->config, ""));
    fixture_end(f);
}
END_TEST

START_TEST(set_stores_and_applies)
{
    struct fixture *f = fixture_begin();
    ck_assert_str_eq(fixture_set(f, "port", "7000", "MaxMemory", "64MB", NULL), "");
    ck_assert_int_eq(f->options.port, 7000);
    ck_assert_int_eq(f->options.maxmemory, 64 << 20);
    ck_assert_uint_eq(f->applied[0], 1);
    ck_assert_uint_eq(f->applied[1], 0);
    ck_assert_int_eq(f->port_seen, 7000);
    for (size_t i = 0; i < 12; i++)
        ck_assert_int_eq(f->changed[i], i == 0 || i == 5);
    ck_value(f, "maxmemory", "67108864");
    ck_origin(f, "port", "CONFIG SET");
    ck_origin(f, "timeout", "default");
    ck_assert_str_eq(
        fixture_set(f, "timeout", "5m", "maxmemory-policy", "ALLKEYS-LRU", "appendonly", "YES", NULL), "");
    ck_value(f, "timeout", "300");
    ck_value(f, "maxmemory-policy", "allkeys-lru");
    ck_value(f, "appendonly", "yes");
    ck_assert_str_eq(fixture_set(f, "requirepass", "a b", "slave-priority", "-5", NULL), "");
    ck_value(f, "requirepass", "a b");
    ck_value(f, "replica-priority", "-5");
    ck_assert_uint_eq(f->applied[1], 1);
    fixture_end(f);
}
END_TEST

START_TEST(set_of_the_same_value_changes_nothing)
{
    struct fixture *f = fixture_begin();
    ck_assert_str_eq(fixture_set(f, "port", "6379", "bind", "127.0.0.1 -::1", "requirepass", "", NULL), "");
    ck_assert_uint_eq(f->applied[0], 0);
    ck_assert_str_eq(fixture_set(f, NULL), "");
    fixture_end(f);
}
END_TEST

START_TEST(set_of_lists)
{
    struct fixture *f = fixture_begin();
    ck_assert_str_eq(fixture_set(f, "save", "900 1 300 10", NULL), "");
    ck_value(f, "save", "900 1 300 10");
    ck_assert_str_eq(fixture_set(f, "save", "900", NULL), FAILED("save") "Invalid save parameters");
    ck_value(f, "save", "900 1 300 10");
    ck_assert_str_eq(fixture_set(f, "save", "", NULL), "");
    ck_value(f, "save", "");
    ck_assert_str_eq(fixture_set(f, "bind", "", NULL), FAILED("bind") "wrong number of arguments");
    ck_assert_str_eq(fixture_set(f, "limits", "b 7", NULL), "");
    ck_value(f, "limits", "a 1 b 7");
    ck_assert_str_eq(fixture_set(f, "limits", "a 8", NULL), "");
    ck_value(f, "limits", "a 8 b 7");
    ck_assert_str_eq(fixture_set(f, "limits", "", NULL), "");
    ck_value(f, "limits", "a 8 b 7");
    fixture_end(f);
}
END_TEST

START_TEST(set_of_words)
{
    struct fixture *f = fixture_begin();
    ck_value(f, "moods", "none");
    ck_assert_str_eq(fixture_set(f, "moods", " Quick\tbrave  quick", NULL), "");
    ck_value(f, "moods", "brave quick");
    ck_assert_int_eq(f->options.moods, 6);
    ck_assert_uint_eq(f->applied[0], 1);
    ck_assert_str_eq(fixture_set(f, "moods", "quick brave", NULL), "");
    ck_assert_uint_eq(f->applied[0], 1);
    ck_assert_str_eq(fixture_set(f, "moods", "none calm", NULL), "");
    ck_value(f, "moods", "calm");
    ck_assert_str_eq(fixture_set(f, "moods", "none", NULL), "");
    ck_value(f, "moods", "none");
    ck_assert_int_eq(f->options.moods, 0);
    fixture_end(f);
}
END_TEST

static const struct {
    const char *name;
    const char *value;
    const char *error;
} refusals[] = {
    {"foo", "1", "ERR Unknown option or number of arguments for CONFIG SET - 'foo'"},
    {"port", "99999", FAILED("port") "argument must be between 0 and 65535 inclusive"},
    {"Port", "abc", FAILED("port") "argument couldn't be parsed into an integer"},
    {"port", "", FAILED("port") "argument couldn't be parsed into an integer"},
    {"port", "07", FAILED("port") "argument couldn't be parsed into an integer"},
    {"port", "5m", FAILED("port") "argument couldn't be parsed into an integer"},
    {"slave-priority", "x", FAILED("slave-priority") "argument couldn't be parsed into an integer"},
    {"unixsocketperm", "700", FAILED("unixsocketperm") "can't set immutable config"},
    {"dir", "/x", FAILED("dir") "can't set protected config"},
    {"appendonly", "maybe", FAILED("appendonly") "argument must be 'yes' or 'no'"},
    {"appendonly", "true", FAILED("appendonly") "argument must be 'yes' or 'no'"},
    {"maxmemory", "foo", FAILED("maxmemory") "argument must be a memory value"},
    {"maxmemory", "99999999999999999999",
     FAILED("maxmemory") "argument must be between 0 and 9223372036854775807 inclusive"},
    {"maxmemory", "-1", FAILED("maxmemory") "argument must be a memory value"},
    {"maxmemory-policy", "lru",
     FAILED("maxmemory-policy") "argument(s) must be one of the following: noeviction, allkeys-lru, "
                                "allkeys-lfu"},
    {"moods", "", FAILED("moods") "argument(s) must be one of the following: none, calm, brave, quick"},
    {"moods", " \t", FAILED("moods") "argument(s) must be one of the following: none, calm, brave, quick"},
    {"moods", "brave sad",
     FAILED("moods") "argument(s) must be one of the following: none, calm, brave, quick"},
    {"moods", "quick brave calm", FAILED("moods") "calm and quick"},
};

START_TEST(set_refuses_as_redis_does)
{
    struct fixture *f = fixture_begin();
    ck_assert_str_eq(fixture_set(f, refusals[_i].name, refusals[_i].value, NULL), refusals[_i].error);
    ck_assert_uint_eq(f->applied[0] + f->applied[1], 0);
    ck_value(f, "port", "6379");
    fixture_end(f);
}
END_TEST

START_TEST(set_is_all_or_nothing)
{
    struct fixture *f = fixture_begin();
    ck_assert_str_eq(fixture_set(f, "maxmemory", "1", "port", "99999", NULL),
                     FAILED("port") "argument must be between 0 and 65535 inclusive");
    ck_assert_int_eq(f->options.maxmemory, 0);
    ck_assert_str_eq(fixture_set(f, "port", "1", "bar", "2", NULL),
                     "ERR Unknown option or number of arguments for CONFIG SET - 'bar'");
    ck_assert_str_eq(fixture_set(f, "unixsocketperm", "1", "bar", "2", NULL),
                     FAILED("unixsocketperm") "can't set immutable config");
    ck_assert_str_eq(fixture_set(f, "MAXMEMORY", "1", "maxmemory", "2", NULL),
                     FAILED("maxmemory") "duplicate parameter");
    ck_assert_str_eq(fixture_set(f, "replica-priority", "1", "slave-priority", "2", NULL),
                     FAILED("slave-priority") "duplicate parameter");
    ck_assert_str_eq(fixture_set(f, "requirepass", "secret", "timeout", "-1", "appendonly", "x", NULL),
                     FAILED("timeout") "argument must be between 0 and 2147483647 inclusive");
    ck_value(f, "requirepass", "");
    fixture_end(f);
}
END_TEST

START_TEST(set_refused_by_a_module_is_rolled_back)
{
    struct fixture *f = fixture_begin();
    f->refuse = "no such priority";
    ck_assert_str_eq(fixture_set(f, "requirepass", "new", "port", "7000", "slave-priority", "3", NULL),
                     FAILED("slave-priority") "no such priority");
    ck_assert_int_eq(f->options.port, 6379);
    ck_assert_int_eq(f->other.hz, 100);
    ck_value(f, "requirepass", "");
    ck_origin(f, "port", "default");
    ck_assert_uint_eq(f->applied[0], 2);
    ck_assert_uint_eq(f->applied[1], 2);
    ck_assert_int_eq(f->port_seen, 6379);
    fixture_end(f);
}
END_TEST

START_TEST(set_of_protected_options_can_be_allowed)
{
    struct fixture *f = fixture_begin();
    struct config_change change = {slice_str("dir"), slice_str("/x")};
    struct buf why = {0};
    ck_assert_int_eq(config_set(f->config, &change, 1, true, &why), 0);
    ck_assert_uint_eq(why.len, 0);
    ck_value(f, "dir", "/x");
    change = (struct config_change){slice_str("requirepass"), slice_of("a\0b", 3)};
    ck_assert_int_lt(config_set(f->config, &change, 1, true, &why), 0);
    ck_value(f, "requirepass", "");
    buf_done(&why);
    fixture_end(f);
}
END_TEST

UNIT_SUITE(config)
{
    tcase_add_test(tc, defaults_are_set);
    tcase_add_test(tc, options_are_found);
    tcase_add_test(tc, set_stores_and_applies);
    tcase_add_test(tc, set_of_the_same_value_changes_nothing);
    tcase_add_test(tc, set_of_lists);
    tcase_add_test(tc, set_of_words);
    tcase_add_loop_test(tc, set_refuses_as_redis_does, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(tc, set_is_all_or_nothing);
    tcase_add_test(tc, set_refused_by_a_module_is_rolled_back);
    tcase_add_test(tc, set_of_protected_options_can_be_allowed);
}
