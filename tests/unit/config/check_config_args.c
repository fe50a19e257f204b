/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line as redis-server takes it, precedence, and reload.
 */
#include "config_fixture.h"
#include "unit.h"

#define ARGS_MAX 12

struct line {
    const char *args[ARGS_MAX];
    const char *name;
    const char *value;
};

static int load(struct fixture *f, const char *const *args)
{
    char *argv[ARGS_MAX];
    int argc = 0;
    while (args[argc] != NULL) {
        argv[argc] = heap_strdup(args[argc]);
        argc++;
    }
    int r = config_load_args(f->config, argc, argv, &f->faults, NULL);
    for (int i = 0; i < argc; i++)
        heap_free(argv[i]);
    return r;
}

#define LOAD(f, ...) load((f), (const char *const[]){__VA_ARGS__, NULL})

static const struct line lines[] = {
    {{"--port", "7000"}, "port", "7000"},
    {{"--PORT", "7000"}, "port", "7000"},
    {{"--port=7000"}, "port", "7000"},
    {{"--port 7000"}, "port", "7000"},
    {{"--port", "1", "--port", "2"}, "port", "2"},
    {{"--save", ""}, "save", ""},
    {{"--save", "--port", "1"}, "save", ""},
    {{"--port", "1", "--save"}, "save", ""},
    {{"--save", "900", "1", "300", "10"}, "save", "900 1 300 10"},
    {{"--save", "900 1 300 10"}, "save", "900 1 300 10"},
    {{"--save 900 1"}, "save", "900 1"},
    {{"--save=900 1"}, "save", "900 1"},
    {{"--save", "900", "1", "--save", "5 6"}, "save", "900 1 5 6"},
    {{"--save", "900", "1", "--save", "", "--save", "7", "8"}, "save", "7 8"},
    {{"--bind", "127.0.0.1", "::1", "--port", "2"}, "bind", "127.0.0.1 ::1"},
    {{"--bind", "127.0.0.1 ::1"}, "bind", "127.0.0.1 ::1"},
    {{"--bind", "a", "--bind", "b"}, "bind", "b"},
    {{"--bind", "-::1"}, "bind", "-::1"},
    {{"--requirepass", "--foo", "--port", "3"}, "requirepass", "--foo"},
    {{"--requirepass", "a b\"c"}, "requirepass", "a b\"c"},
    {{"--requirepass=a=b --c"}, "requirepass", "a=b --c"},
    {{"--requirepass", ""}, "requirepass", ""},
    {{"--requirepass="}, "requirepass", ""},
    {{"--moods", "quick", "brave", "--port", "1"}, "moods", "brave quick"},
    {{"--moods", "brave quick"}, "moods", "brave quick"},
    {{"--slave-priority", "-1"}, "replica-priority", "-1"},
    {{"--limits", "b", "9", "--limits", "a", "8"}, "limits", "a 8 b 9"},
    {{"--appendfsync", "always", "--port", "4"}, "port", "4"},
    {{NULL}, "port", "6379"},
};

START_TEST(lines_are_read)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(load(f, lines[_i].args), 0);
    ck_assert_str_eq(fixture_faults(f), "");
    ck_value(f, lines[_i].name, lines[_i].value);
    fixture_end(f);
}
END_TEST

static const struct line bad[] = {
    {{"--prot", "1"}, "port", "command line: --prot: unknown option; did you mean '--port'?\n"},
    {{"--port", "1", "2"}, "port", "command line: --port: takes one value, not 2\n"},
    {{"--port"}, "port", "command line: --port: takes one value, not 0\n"},
    {{"--port", "--port"}, "port", "command line: --port: '--port' is not an integer; allowed: 0 to 65535\n"},
    {{"7000"}, "port", "command line: '7000' is not an option; allowed: --name value ...\n"},
    {{"--"}, "port", "command line: '--' is not an option; allowed: --name value ...\n"},
    {{"-x", "--port", "1"}, "port", "command line: '-x' is not an option; allowed: --name value ...\n"},
    {{"--save", "900"}, "save", "command line: --save: Invalid save parameters\n"},
    {{"--port \"1"}, "port", "command line: --port: unbalanced quotes\n"},
    {{"-- "}, "port", "command line: --: not the name of an option\n"},
    {{"--foo", "1", "--port", "x"},
     "port",
     "command line: --foo: unknown option\n"
     "command line: --port: 'x' is not an integer; allowed: 0 to 65535\n"},
    {{"--=", "1"}, "port", "command line: --: unknown option\n"},
};

START_TEST(faults_are_told)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(load(f, bad[_i].args), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), bad[_i].value);
    ck_origin(f, bad[_i].name, "default");
    fixture_end(f);
}
END_TEST

START_TEST(what_means_nothing_is_passed_over)
{
    struct fixture *f = fixture_begin();
    char *argv[] = {(char[]){"--io-threads"}, (char[]){"4"}, (char[]){"--port=3"}, (char[]){"--IO-Threads"},
                    (char[]){"--x"}};
    struct buf passed = {0};
    ck_assert_int_eq(config_load_args(f->config, 5, argv, &f->faults, &passed), 0);
    ck_assert_str_eq(buf_cstr(&passed), "io-threads\n");
    ck_value(f, "port", "3");
    buf_done(&passed);
    fixture_end(f);
}
END_TEST

START_TEST(files_can_be_included)
{
    struct fixture *f = fixture_begin();
    fixture_file(f, "x.conf", "port 1\ntimeout 2\n");
    ck_assert_int_eq(LOAD(f, "--timeout", "3", "--include", f->path), 0);
    ck_value(f, "port", "1");
    ck_value(f, "timeout", "3");
    ck_assert_int_eq(LOAD(f, "--include", "/nowhere/x"), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f),
                     "command line: --include: '/nowhere/x' cannot be read: No such file or directory\n");
    fixture_end(f);
}
END_TEST

START_TEST(the_command_line_is_above_the_file)
{
    for (int args_first = 0; args_first < 2; args_first++) {
        struct fixture *f = fixture_begin();
        fixture_file(f, "a.conf", "port = 1\ntimeout = 1\nsave = \"1 1\"\nlimits = \"a 5\"\n");
        if (args_first)
            ck_assert_int_eq(LOAD(f, "--port", "2", "--save", "2 2", "--limits", "b 6"), 0);
        ck_assert_int_eq(config_load_file(f->config, f->path, &f->faults), 0);
        if (!args_first)
            ck_assert_int_eq(LOAD(f, "--port", "2", "--save", "2 2", "--limits", "b 6"), 0);
        ck_value(f, "port", "2");
        ck_value(f, "timeout", "1");
        ck_value(f, "save", "2 2");
        ck_value(f, "limits", "a 5 b 6");
        ck_origin(f, "port", "command line");
        ck_origin(f, "timeout", "a.conf:2");
        fixture_end(f);
    }
}
END_TEST

START_TEST(reload_brings_the_file)
{
    struct fixture *f = fixture_begin();
    fixture_file(f, "a.conf", "port = 1\ntimeout = 1\nrequirepass = a\nbind = {x}\nunixsocketperm = 7\n");
    ck_assert_int_eq(config_load_file(f->config, f->path, &f->faults), 0);
    ck_assert_int_eq(LOAD(f, "--port", "2"), 0);
    ck_assert_str_eq(fixture_set(f, "maxmemory", "5", "port", "3", "timeout", "4", NULL), "");
    f->applied[0] = 0;
    fixture_file(f, "a.conf",
                 "# new\nport = 9\nrequirepass = b\nunixsocketperm = 7\nnote = x\ntimeout = 4\n");
    struct buf changed = {0};
    ck_assert_int_eq(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_assert_str_eq(buf_cstr(&changed), "port: '3' is now '2'\n"
                                         "bind: 'x' is now '127.0.0.1 -::1'\n"
                                         "maxmemory: '5' is now '0'\n"
                                         "requirepass: changed\n"
                                         "note: '' is now 'x'\n");
    ck_assert_uint_eq(f->applied[0], 1);
    ck_assert_uint_eq(f->applied[1], 1);
    ck_value(f, "requirepass", "b");
    ck_origin(f, "port", "command line");
    ck_origin(f, "bind", "default");
    ck_origin(f, "timeout", "a.conf:6");
    ck_origin(f, "unixsocketperm", "a.conf:4");
    changed.len = 0;
    ck_assert_int_eq(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_assert_uint_eq(changed.len, 0);
    buf_done(&changed);
    fixture_end(f);
}
END_TEST

START_TEST(reload_is_all_or_nothing)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(config_load_redis(f->config, fixture_file(f, "a.conf", "port 1\nunixsocketperm 7\n"),
                                       &f->faults, NULL),
                     0);
    struct buf changed = {0};
    fixture_file(f, "a.conf", "port 2\ntimeout x\n");
    ck_assert_int_eq(config_reload(f->config, f->path, true, &f->faults, &changed), MR_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fixture_faults(f), "a.conf:2: timeout: 'x' is not an integer"));
    f->faults.len = 0;
    fixture_file(f, "a.conf", "port 2\nunixsocketperm 6\n");
    ck_assert_int_eq(config_reload(f->config, f->path, true, &f->faults, &changed), MR_E_CONFIG);
    ck_assert_str_eq(
        fixture_faults(f),
        "a.conf:2: unixsocketperm: differs from the running value and can only change at a restart\n");
    f->faults.len = 0;
    fixture_file(f, "a.conf", "port 2\n");
    ck_assert_int_eq(config_reload(f->config, f->path, true, &f->faults, &changed), MR_E_CONFIG);
    ck_assert_str_eq(
        fixture_faults(f),
        "a.conf: unixsocketperm: differs from the running value and can only change at a restart\n");
    f->faults.len = 0;
    f->refuse = "not now";
    fixture_file(f, "a.conf", "port 2\nunixsocketperm 7\nnote x\n");
    ck_assert_int_eq(config_reload(f->config, f->path, true, &f->faults, &changed), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), "a.conf:3: note: not now\n");
    f->faults.len = 0;
    ck_assert_int_lt(config_reload(f->config, "/nowhere/x", true, &f->faults, &changed), 0);
    ck_value(f, "port", "1");
    ck_assert_int_eq(f->port_seen, 1);
    ck_origin(f, "unixsocketperm", "a.conf:2");
    ck_assert_uint_eq(changed.len, 0);
    buf_done(&changed);
    fixture_end(f);
}
END_TEST

UNIT_SUITE(config_args)
{
    tcase_add_loop_test(tc, lines_are_read, 0, sizeof lines / sizeof *lines);
    tcase_add_loop_test(tc, faults_are_told, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tc, what_means_nothing_is_passed_over);
    tcase_add_test(tc, files_can_be_included);
    tcase_add_test(tc, the_command_line_is_above_the_file);
    tcase_add_test(tc, reload_brings_the_file);
    tcase_add_test(tc, reload_is_all_or_nothing);
}
