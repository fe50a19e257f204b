/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * miniredis.conf: its syntax, its includes, and what is said about its faults.
 */
#include "config_fixture.h"
#include "unit.h"

#include <errno.h>

/* Loads TEXT as a file; the result must be good. */
static void load(struct fixture *f, const char *text)
{
    int r = config_load_file(f->config, fixture_file(f, "a.conf", text), &f->faults);
    ck_assert_str_eq(fixture_faults(f), "");
    ck_assert_int_eq(r, 0);
}

static const struct {
    const char *text;
    const char *name;
    const char *value;
} forms[] = {
    {"port = 7000", "port", "7000"},
    {"port=7000", "port", "7000"},
    {"PORT = '7000'", "port", "7000"},
    {"\"port\" = \"7000\"\r\n", "port", "7000"},
    {"port\n=\n7000", "port", "7000"},
    {"bind = {\"127.0.0.1\", \"-::1\"}", "bind", "127.0.0.1 -::1"},
    {"bind = {127.0.0.1,\n ::1,\n}", "bind", "127.0.0.1 ::1"},
    {"bind = -::1", "bind", "-::1"},
    {"bind += ::2", "bind", "127.0.0.1 -::1 ::2"},
    {"bind = a\nport = 1\nbind += {b, c}", "bind", "a b c"},
    {"save = {\"3600 1\", \"300 10\"}", "save", "3600 1 300 10"},
    {"save = \"900 1\"", "save", "900 1"},
    {"save = {}", "save", ""},
    {"save = { /* none */ }", "save", ""},
    {"save = \"\"", "save", ""},
    {"save = {\"\"}", "save", ""},
    {"save += {}", "save", "3600 1"},
    {"limits = {\"b 9\"}", "limits", "a 1 b 9"},
    {"limits = {\"b 9\", \"a 8\"}", "limits", "a 8 b 9"},
    {"maxmemory = 64mb", "maxmemory", "67108864"},
    {"maxmemory = \"1k\"", "maxmemory", "1000"},
    {"timeout = 5m", "timeout", "300"},
    {"timeout = 30", "timeout", "30"},
    {"appendonly = yes", "appendonly", "yes"},
    {"appendonly = TRUE", "appendonly", "yes"},
    {"appendonly = on", "appendonly", "yes"},
    {"appendonly = 1", "appendonly", "yes"},
    {"appendonly = off", "appendonly", "no"},
    {"maxmemory-policy = AllKeys-LFU", "maxmemory-policy", "allkeys-lfu"},
    {"moods = quick", "moods", "quick"},
    {"moods = {\"quick\", brave}", "moods", "brave quick"},
    {"moods = \"brave calm\"", "moods", "calm brave"},
    {"unixsocketperm = 0770", "unixsocketperm", "770"},
    {"dir = /var//lib/x", "dir", "/var//lib/x"},
    {"dir = \"/a/*b*/#//c\"", "dir", "/a/*b*/#//c"},
    {"dir = 'a\\'b\"c${HOME}'", "dir", "a'b\"c${HOME}"},
    {"dir = \"a\\x41\\\"\\$\\\\\\tb\"", "dir", "aA\"$\\\tb"},
    {"dir = \"a\nb\"", "dir", "a\nb"},
    {"dir = ${CHECK_CONFIG_VAR}", "dir", "value"},
    {"dir = \"${CHECK_CONFIG_VAR}/x\"", "dir", "value/x"},
    {"dir = \"${CHECK_CONFIG_UNSET:-other}\"", "dir", "other"},
    {"slave-priority = 7", "replica-priority", "7"},
    {"# port = 1\n// port = 2\n/* port = 3 */ port = 4 # port = 5", "port", "4"},
    {"", "port", "6379"},
};

START_TEST(forms_are_read)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(setenv("CHECK_CONFIG_VAR", "value", 1), 0);
    load(f, forms[_i].text);
    ck_value(f, forms[_i].name, forms[_i].value);
    fixture_end(f);
}
END_TEST

static const struct {
    const char *text;
    const char *faults;
} bad[] = {
    {"port = 70000", "a.conf:1: port: '70000' is out of range; allowed: 0 to 65535\n"},
    {"\n# c\n/* d\n */ port = x", "a.conf:4: port: 'x' is not an integer; allowed: 0 to 65535\n"},
    {"prot = 1\n\nport = y\nfoobar = {1, 2}\n", "a.conf:1: prot: unknown option; did you mean 'port'?\n"
                                                "a.conf:3: port: 'y' is not an integer; allowed: 0 to 65535\n"
                                                "a.conf:4: foobar: unknown option\n"},
    {"port = 1\nbind = x\nport = 2", "a.conf:3: port: is set already at line 1; allowed: once in a file\n"},
    {"replica-priority = 1\nslave-priority = 2",
     "a.conf:2: slave-priority: is set already at line 1; allowed: once in a file\n"},
    {"bind = a\nbind = b",
     "a.conf:2: bind: is set already at line 1; allowed: once in a file, or += to add to it\n"},
    {"port = {1, 2}", "a.conf:1: port: takes one value, not 2\n"},
    {"port += 1", "a.conf:1: port: takes one value, to which += cannot add\n"},
    {"bind = {}", "a.conf:1: bind: takes at least one value\n"},
    {"save = 900", "a.conf:1: save: Invalid save parameters\n"},
    {"timeout = -1", "a.conf:1: timeout: '-1' is out of range; allowed: seconds, or with a unit as in 5m, "
                     "0 to 2147483647\n"},
    {"maxmemory = 5x", "a.conf:1: maxmemory: '5x' is not a size; allowed: bytes, or with a unit as in 64mb, "
                       "0 or more\n"},
    {"appendonly = si", "a.conf:1: appendonly: 'si' is neither yes nor no; allowed: yes, no\n"},
    {"maxmemory-policy = allkeys-lrx", "a.conf:1: maxmemory-policy: 'allkeys-lrx' is not a choice; allowed: "
                                       "noeviction, allkeys-lru, allkeys-lfu; did "
                                       "you mean 'allkeys-lru'?\n"},
    {"moods = {brave, quik}", "a.conf:1: moods: 'quik' is not a choice; allowed: none, calm, brave, quick; "
                              "did you mean 'quick'?\n"},
    {"moods = {brave, \"\"}", "a.conf:1: moods: '' is not a choice; allowed: none, calm, brave, quick\n"},
    {"moods = {}", "a.conf:1: moods: '' is not a choice; allowed: none, calm, brave, quick\n"},
    {"moods = {calm, quick}", "a.conf:1: moods: calm and quick\n"},
    {"moods += calm", "a.conf:1: moods: takes one value, to which += cannot add\n"},
    {"unixsocketperm = 1000",
     "a.conf:1: unixsocketperm: '1000' is out of range; allowed: an octal number, 0 to 777\n"},
    {"unixsocketperm = 8",
     "a.conf:1: unixsocketperm: '8' is not an octal number; allowed: an octal number, 0 to 777\n"},
    {"slave-priority = x", "a.conf:1: slave-priority: 'x' is not an integer; allowed: an integer\n"},
    {"port 7000", "a.conf:1: missing equal sign after option 'port'\n"},
    {"a = 1\nport = 1 }", "a.conf:2: unexpected closing brace\na.conf:1: a: unknown option\n"},
    {"port = \"1\n", "a.conf:1: a quote is opened here and not closed\n"},
    {"port = 1\n/* x\n", "a.conf:2: a comment is opened here and not closed\n"},
    {"requirepass = a#b", "a.conf:1: a '#' within a word would be a comment; put the word in quotes\n"},
    {"requirepass = a/*b*/", "a.conf:1: a '/*' within a word would be a comment; put the word in quotes\n"},
    {"requirepass = a+", "a.conf:1: a '+' outside of quotes; put the value in quotes\n"},
    {"requirepass = \"a\\x00\"", "a.conf:1: a value cannot hold a NUL byte\n"},
    {"dir = \"${x\"\nnote = \"}\"",
     "a.conf:1: '${' without a closing brace; allowed: ${NAME}, or \"\\${\"\n"},
    {"include(\"none.conf\")", "a.conf:1: include: 'none.conf' cannot be read: No such file or directory\n"},
    {"include(\"a.conf\")", "a.conf:1: include: 'a.conf' is included by itself\n"},
    {"include(\"../\")", "a.conf:1: include: '../' is not a regular file\n"},
};

START_TEST(faults_are_told)
{
    struct fixture *f = fixture_begin();
    int r = config_load_file(f->config, fixture_file(f, "a.conf", bad[_i].text), &f->faults);
    ck_assert_str_eq(fixture_faults(f), bad[_i].faults);
    ck_assert_int_eq(r, MR_E_CONFIG);
    ck_value(f, "port", "6379");
    ck_value(f, "bind", "127.0.0.1 -::1");
    ck_origin(f, "port", "default");
    fixture_end(f);
}
END_TEST

START_TEST(nothing_is_stored_beside_a_fault)
{
    struct fixture *f = fixture_begin();
    fixture_file(f, "a.conf", "port = 1\nrequirepass = x\ntimeout = x\n");
    ck_assert_int_eq(config_load_file(f->config, f->path, &f->faults), MR_E_CONFIG);
    ck_value(f, "port", "6379");
    f->faults.len = 0;
    load(f, "timeout = 3");
    ck_value(f, "port", "6379");
    ck_value(f, "timeout", "3");
    fixture_end(f);
}
END_TEST

START_TEST(a_missing_file_is_told)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(config_load_file(f->config, "/nowhere/x.conf", &f->faults), -ENOENT);
    ck_assert_str_eq(fixture_faults(f), "/nowhere/x.conf: cannot be read: No such file or directory\n");
    f->faults.len = 0;
    ck_assert_int_eq(config_load_file(f->config, f->folder, &f->faults), -EISDIR);
    fixture_end(f);
}
END_TEST

START_TEST(origins_name_the_line)
{
    struct fixture *f = fixture_begin();
    fixture_file(f, "b.conf", "// x\ntimeout = 4\n");
    load(f, "# one\n\n/* two\n lines */\nport = 1 bind = {a,\n b}\ninclude(\"b.conf\")\n");
    ck_origin(f, "port", "a.conf:5");
    ck_origin(f, "bind", "a.conf:5");
    ck_origin(f, "timeout", "b.conf:2");
    ck_origin(f, "save", "default");
    fixture_end(f);
}
END_TEST

START_TEST(includes_are_read_in_order)
{
    struct fixture *f = fixture_begin();
    fixture_file(f, "d2.conf", "port = 2\nbind += {d2}\n");
    fixture_file(f, "d1.conf", "port = 1\ntimeout = 1\nbind = {d1}\n");
    load(f, "port = 9\ninclude(\"d*.conf\")\ntimeout = 5\ninclude(\"none*.conf\")\nbind += last\n");
    ck_value(f, "port", "2");
    ck_value(f, "timeout", "5");
    ck_value(f, "bind", "d1 d2 last");
    ck_origin(f, "port", "d2.conf:1");
    fixture_end(f);
}
END_TEST

START_TEST(include_may_be_an_option)
{
    struct fixture *f = fixture_begin();
    fixture_file(f, "b.conf", "port = 1\n");
    fixture_file(f, "c.conf", "timeout = 1\n");
    load(f, "include = {\"b.conf\", \"c.conf\"}");
    ck_value(f, "port", "1");
    ck_value(f, "timeout", "1");
    fixture_end(f);
}
END_TEST

START_TEST(include_cycles_are_refused)
{
    struct fixture *f = fixture_begin();
    fixture_file(f, "b.conf", "port = 1\ninclude(\"a.conf\")\n");
    fixture_file(f, "a.conf", "include(\"b.conf\", \"b.conf\")\n");
    ck_assert_int_eq(config_load_file(f->config, f->path, &f->faults), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), "b.conf:2: include: 'a.conf' is included by itself\n"
                                        "b.conf:2: include: 'a.conf' is included by itself\n");
    fixture_end(f);
}
END_TEST

START_TEST(includes_that_multiply_end)
{
    struct fixture *f = fixture_begin();
    for (int i = 0; i < 7; i++) {
        char name[32];
        char text[256];
        snprintf(name, sizeof name, "%d.conf", i);
        snprintf(text, sizeof text,
                 "include(\"%d.conf\", \"%d.conf\", \"%d.conf\", \"%d.conf\", \"%d.conf\")", i + 1, i + 1,
                 i + 1, i + 1, i + 1);
        fixture_file(f, name, i < 6 ? text : "port = 1");
    }
    snprintf(f->path, sizeof f->path, "%s/0.conf", f->folder);
    ck_assert_int_eq(config_load_file(f->config, f->path, &f->faults), MR_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&f->faults), "too many includes"));
    fixture_end(f);
}
END_TEST

START_TEST(names_that_could_confuse_are_unknown)
{
    struct fixture *f = fixture_begin();
    const char *const texts[] = {"\001 = 1",
                                 "\"\\x01\" = 1",
                                 "save|x = 1",
                                 "root = 1",
                                 "= 1",
                                 "\"\" = 1",
                                 "{",
                                 ")",
                                 "include",
                                 "include(",
                                 "include = ",
                                 "include(a b)",
                                 "port = ",
                                 "port = {1",
                                 "port = {1,{2}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        f->faults.len = 0;
        ck_assert_int_eq(config_load_file(f->config, fixture_file(f, "a.conf", texts[i]), &f->faults),
                         MR_E_CONFIG);
        ck_assert_uint_gt(f->faults.len, 0);
    }
    f->faults.len = 0;
    load(f, "port = 5");
    fixture_end(f);
}
END_TEST

UNIT_SUITE(config_confuse)
{
    tcase_add_loop_test(tc, forms_are_read, 0, sizeof forms / sizeof *forms);
    tcase_add_loop_test(tc, faults_are_told, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tc, nothing_is_stored_beside_a_fault);
    tcase_add_test(tc, a_missing_file_is_told);
    tcase_add_test(tc, origins_name_the_line);
    tcase_add_test(tc, includes_are_read_in_order);
    tcase_add_test(tc, include_may_be_an_option);
    tcase_add_test(tc, include_cycles_are_refused);
    tcase_add_test(tc, includes_that_multiply_end);
    tcase_add_test(tc, names_that_could_confuse_are_unknown);
}
