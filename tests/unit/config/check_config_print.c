/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is printed: for people, and so that it can be read again.
 */
#include "config_fixture.h"
#include "unit.h"

START_TEST(all_is_printed_with_origins)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(config_load_file(f->config,
                                      fixture_file(f, "a.conf", "save = {\"1 2\", \"3 4\"}\nrequirepass = x"),
                                      &f->faults),
                     0);
    ck_assert_str_eq(fixture_set(f, "timeout", "7", NULL), "");
    struct buf out = {0};
    config_print_all(f->config, &out);
    char *text = buf_cstr(&out);
    size_t len = strlen(f->folder) + 1;
    for (char *p = text; (p = strstr(p, f->folder)) != NULL;)
        memmove(p, p + len, strlen(p + len) + 1);
    ck_assert_str_eq(text, "port = 6379    # default\n"
                           "timeout = 7    # CONFIG SET\n"
                           "bind = {\"127.0.0.1\", \"-::1\"}    # default\n"
                           "save = {\"1 2\", \"3 4\"}    # a.conf:1\n"
                           "limits = {\"a 1\", \"b 2\"}    # default\n"
                           "maxmemory = 0    # default\n"
                           "unixsocketperm = 0    # default\n"
                           "maxmemory-policy = noeviction    # default\n"
                           "moods = none    # default\n"
                           "appendonly = no    # default\n"
                           "dir = \".\"    # default\n"
                           "requirepass = \"(set)\"    # a.conf:2\n"
                           "replica-priority = 100    # default\n"
                           "note = \"\"    # default\n");
    buf_done(&out);
    fixture_end(f);
}
END_TEST

START_TEST(import_is_commented)
{
    struct fixture *f = fixture_begin();
    struct buf passed = {0};
    struct buf out = {0};
    fixture_file(
        f, "r.conf",
        "save \"\"\nrequirepass x\nport 6379\nappendonly yes\nslave-priority 1\nuser x\nio-threads 4\n");
    ck_assert_int_eq(config_load_redis(f->config, f->path, &f->faults, &passed), 0);
    config_print_import(f->config, "r.conf", &passed, &out);
    ck_assert_str_eq(buf_cstr(&out),
                     "# miniredis.conf, made from r.conf. An option that is not named has its\n"
                     "# default.\n"
                     "\n"
                     "# --- First ---\n"
                     "\n"
                     "# When to save.\n"
                     "save = {}\n"
                     "\n"
                     "# Whether every write is logged to a file, which takes more of the disk but\n"
                     "# loses less when the machine stops at once.\n"
                     "appendonly = yes\n"
                     "\n"
                     "# Password.\n"
                     "requirepass = \"x\"\n"
                     "\n"
                     "# --- Second ---\n"
                     "\n"
                     "# Priority.\n"
                     "replica-priority = 1\n"
                     "\n"
                     "# Passed over, because it means nothing here:\n"
                     "#   user\n"
                     "#   io-threads\n");
    buf_done(&passed);
    buf_done(&out);
    fixture_end(f);
}
END_TEST

/* What CONFIG SET can store comes back from the file that is printed of it. */
START_TEST(what_is_printed_reads_back)
{
    static const char bytes[] = "\"\\'$${{}}#//**/*\n\r\t\001\177\200\377 =+,()x0aAfF7\b\033";
    static const char *const moods[] = {"none", "brave", "quick brave", "calm brave"};
    struct fixture *f = fixture_begin();
    unsigned seed = 12345;
    for (int round = 0; round < 300; round++) {
        char secret[24];
        size_t len = round % (sizeof secret - 1);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245 + 12345;
            secret[i] = bytes[(seed >> 16) % (sizeof bytes - 1)];
        }
        secret[len] = '\0';
        ck_assert_str_eq(fixture_set(f, "requirepass", secret, "maxmemory", "1gb", "save", "1 2 3 4",
                                     "limits", "b 9", "maxmemory-policy", "allkeys-lfu", "moods",
                                     moods[round % (sizeof moods / sizeof *moods)], NULL),
                         "");
        struct buf out = {0};
        config_print_import(f->config, "a test", NULL, &out);
        struct fixture *g = fixture_begin();
        ck_assert_int_eq(config_load_file(g->config, fixture_file(g, "a.conf", buf_cstr(&out)), &g->faults),
                         0);
        ck_assert_str_eq(g->options.requirepass, secret);
        for (size_t i = 0; i < config_option_count(f->config); i++) {
            const char *name = config_option_at(f->config, i, NULL)->name;
            ck_assert_str_eq(fixture_value(f, name), fixture_value(g, name));
        }
        buf_done(&out);
        fixture_end(g);
    }
    fixture_end(f);
}
END_TEST

START_TEST(words_are_a_list_of_them)
{
    struct fixture *f = fixture_begin();
    struct buf out = {0};
    const struct config_option *o = config_find(f->config, slice_str("moods"));
    ck_assert_str_eq(fixture_set(f, "moods", "quick", NULL), "");
    config_print_setting(f->config, o, &out);
    ck_assert_str_eq(buf_cstr(&out), "moods = quick");
    ck_assert_str_eq(fixture_set(f, "moods", "quick brave", NULL), "");
    out.len = 0;
    config_print_setting(f->config, o, &out);
    ck_assert_str_eq(buf_cstr(&out), "moods = {\"brave\", \"quick\"}");
    buf_done(&out);
    fixture_end(f);
}
END_TEST

UNIT_SUITE(config_print)
{
    tcase_add_test(tc, all_is_printed_with_origins);
    tcase_add_test(tc, import_is_commented);
    tcase_add_test(tc, what_is_printed_reads_back);
    tcase_add_test(tc, words_are_a_list_of_them);
}
