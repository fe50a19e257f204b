/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Titled sections: what a file may say, the records that come of it, and reloads.
 */
#include "config/config_section.h"
#include "config_fixture.h"
#include "unit.h"

struct person {
    int64_t uid;
    struct config_list groups;
    char *password;
    int access;
};

static const struct config_name accesses[] = {{"full", 1}, {"read-only", 2}, {NULL, 0}};

static const struct config_option person_rows[] = {
    {.name = "peer-uid",
     .type = CONFIG_INT,
     .offset = offsetof(struct person, uid),
     .fallback = "-1",
     .min = -1,
     .max = UINT32_MAX},
    {.name = "groups",
     .type = CONFIG_LIST,
     .flags = CONFIG_CLEAR,
     .offset = offsetof(struct person, groups),
     .fallback = "all"},
    {.name = "password",
     .type = CONFIG_STRING,
     .flags = CONFIG_SECRET,
     .offset = offsetof(struct person, password),
     .fallback = ""},
    {.name = "access",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct person, access),
     .fallback = "read-only",
     .names = accesses},
};

/* What the hook has seen. */
struct seen {
    struct fixture *f;
    unsigned calls;
    size_t count;
    char first[32];
    const char *refuse;
};

static int check_person(const struct config_record *record, struct buf *why)
{
    const struct person *p = record->values;
    if (p->uid != 13)
        return 0;
    buf_append_str(why, "13 is not allowed");
    return MR_E_CONFIG;
}

static int apply_person(void *owner, const struct config_records *records, struct buf *why)
{
    struct seen *seen = owner;
    seen->calls++;
    seen->count = records->count;
    snprintf(seen->first, sizeof seen->first, "%s", records->count > 0 ? records->items[0].title : "");
    if (seen->refuse == NULL)
        return 0;
    buf_append_str(why, seen->refuse);
    seen->refuse = NULL;
    return MR_E_CONFIG;
}

static const struct config_section person_section = {.name = "person",
                                                     .group = "People",
                                                     .options = person_rows,
                                                     .count = sizeof person_rows / sizeof *person_rows,
                                                     .size = sizeof(struct person),
                                                     .check = check_person,
                                                     .apply = apply_person,
                                                     .sentence = "A person."};

static const struct config_option place_rows[] = {
    {.name = "port", .type = CONFIG_INT, .offset = 0, .fallback = "1", .max = 9}};

static const struct config_section place_section = {
    .name = "place", .options = place_rows, .count = 1, .size = sizeof(int64_t)};

static struct fixture *begin(struct seen *seen)
{
    struct fixture *f = fixture_begin();
    *seen = (struct seen){.f = f};
    config_add_section(f->config, &person_section, seen);
    config_add_section(f->config, &place_section, NULL);
    return f;
}

static int load(struct fixture *f, const char *text)
{
    return config_load_file(f->config, fixture_file(f, "a.conf", text), &f->faults);
}

static const struct person *person(struct fixture *f, size_t i, const char *title)
{
    const struct config_records *all = config_section_records(f->config, "person");
    ck_assert_uint_lt(i, all->count);
    ck_assert_str_eq(all->items[i].title, title);
    return all->items[i].values;
}

START_TEST(records_come_in_order)
{
    struct seen seen;
    struct fixture *f = begin(&seen);
    ck_assert_int_eq(load(f, "port = 7000\n"
                             "person \"alice\" {\n"
                             "    peer-uid = 1000\n"
                             "    access = FULL  # a comment\n"
                             "    groups += {\"x\", \"y z\"}\n"
                             "}\n"
                             "place here { port = 3 }\n"
                             "Person 'Alice' {}\n"
                             "timeout = 5\n"
                             "person bob { groups = {} password = \"a}b\" }\n"),
                     0);
    ck_assert_str_eq(fixture_faults(f), "");
    ck_value(f, "port", "7000");
    ck_value(f, "timeout", "5");
    const struct config_records *all = config_section_records(f->config, "person");
    ck_assert_uint_eq(all->count, 3);
    const struct person *p = person(f, 0, "alice");
    ck_assert_int_eq(p->uid, 1000);
    ck_assert_int_eq(p->access, 1);
    ck_assert_uint_eq(p->groups.count, 4);
    ck_assert_str_eq(p->groups.items[0], "all");
    ck_assert_str_eq(p->groups.items[3], "z");
    ck_assert(all->items[0].given[0] && all->items[0].given[3] && !all->items[0].given[2]);
    ck_assert_uint_eq(all->items[0].line, 2);
    p = person(f, 1, "Alice");
    ck_assert_int_eq(p->uid, -1);
    ck_assert_int_eq(p->access, 2);
    ck_assert(!all->items[1].given[0]);
    p = person(f, 2, "bob");
    ck_assert_uint_eq(p->groups.count, 0);
    ck_assert_str_eq(p->password, "a}b");
    all = config_section_records(f->config, "place");
    ck_assert_uint_eq(all->count, 1);
    ck_assert_int_eq(*(const int64_t *)all->items[0].values, 3);
    ck_assert_uint_eq(seen.calls, 0);
    fixture_end(f);
}
END_TEST

START_TEST(a_later_file_changes_what_it_names)
{
    struct seen seen;
    struct fixture *f = begin(&seen);
    fixture_file(f, "b.conf", "person bob { peer-uid = 5 }\nperson alice { access = full groups += w }\n");
    ck_assert_int_eq(load(f, "person alice { peer-uid = 1 groups = v }\ninclude(\"b.conf\")\n"
                             "person carol { }\n"),
                     0);
    const struct person *p = person(f, 0, "alice");
    ck_assert_int_eq(p->uid, 1);
    ck_assert_int_eq(p->access, 1);
    ck_assert_uint_eq(p->groups.count, 2);
    ck_assert_int_eq(person(f, 1, "bob")->uid, 5);
    person(f, 2, "carol");
    fixture_end(f);
}
END_TEST

static const struct {
    const char *text;
    const char *faults;
} faults[] = {
    {"person \"a\" { peer-uid = x }",
     "a.conf:1: person \"a\" peer-uid: 'x' is not an integer; allowed: -1 to 4294967295\n"},
    {"person a {\npeer-udi = 1\n}",
     "a.conf:2: peer-udi: unknown in the section person; allowed: peer-uid, groups, password, access\n"},
    {"person a {\nport = 1\n}",
     "a.conf:2: port: unknown in the section person; allowed: peer-uid, groups, password, access\n"},
    {"peer-uid = 1", "a.conf:1: peer-uid: unknown option\n"},
    {"person a { peer-uid = 1\npeer-uid = 2 }",
     "a.conf:2: peer-uid: is set already at line 1; allowed: once in a file\n"},
    {"person a { }\nperson a { }",
     "a.conf:2: person: \"a\" begins already at line 1; allowed: once in a file\n"},
    {"person \"\" { }", "a.conf:1: person: its title is empty; allowed: 1 to 256 bytes\n"},
    {"person a { include(\"x\") }", "a.conf:1: include: is not allowed here\n"},
    {"person a { peer-uid += 1 }",
     "a.conf:1: person \"a\" peer-uid: takes one value, to which += cannot add\n"},
    {"person a {\n peer-uid = 13 }", "a.conf:1: person: \"a\": 13 is not allowed\n"},
    {"person a { password = {x, \"y\"} }", "a.conf:1: person \"a\" password: takes one value, not 2\n"},
};

START_TEST(faults_are_told)
{
    struct seen seen;
    struct fixture *f = begin(&seen);
    ck_assert_int_eq(load(f, faults[_i].text), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), faults[_i].faults);
    ck_assert_uint_eq(config_section_records(f->config, "person")->count, 0);
    fixture_end(f);
}
END_TEST

static const char *const malformed[] = {
    "person",
    "person {",
    "person a",
    "person a {",
    "person a { peer-uid }",
    "person { peer-uid = 1 }",
    "person = 5",
    "person a b { }",
    "person a { person b { } }",
    "nobody a { x = 1 }",
    "{ }",
    "person a } {",
    "bind { 1 }",
    "person a { \"\\x02\" = 1 }",
};

START_TEST(malformed_text_is_refused)
{
    struct seen seen;
    struct fixture *f = begin(&seen);
    ck_assert_int_eq(load(f, malformed[_i]), MR_E_CONFIG);
    ck_assert_str_ne(fixture_faults(f), "");
    fixture_end(f);
}
END_TEST

START_TEST(titles_and_numbers_are_bounded)
{
    struct seen seen;
    struct fixture *f = begin(&seen);
    struct buf text = {0};
    buf_printf(&text, "person \"%0300d\" { }", 0);
    ck_assert_int_eq(load(f, buf_cstr(&text)), MR_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fixture_faults(f), "too long"));
    text.len = f->faults.len = 0;
    for (int i = 0; i <= CONFIG_RECORDS_MAX; i++)
        buf_printf(&text, "person p%d {}\n", i);
    ck_assert_int_eq(load(f, buf_cstr(&text)), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), "a.conf:4097: person: there are too many of them\n");
    buf_done(&text);
    fixture_end(f);
}
END_TEST

static int reload(struct fixture *f, const char *text, struct buf *changed)
{
    fixture_file(f, "a.conf", text);
    changed->len = f->faults.len = 0;
    return config_reload(f->config, f->path, false, &f->faults, changed);
}

START_TEST(a_reload_brings_new_records)
{
    struct seen seen;
    struct fixture *f = begin(&seen);
    struct buf changed = {0};
    ck_assert_int_eq(load(f, "person a { peer-uid = 1 }\nperson b { }\nperson c { password = x }\n"), 0);
    ck_assert_int_eq(
        reload(f, "person a { peer-uid = 1 }\nperson b { }\nperson c { password = x }\n", &changed), 0);
    ck_assert_uint_eq(changed.len, 0);
    ck_assert_uint_eq(seen.calls, 0);
    ck_assert_int_eq(
        reload(f, "person a { peer-uid = 2 }\nperson c { password = y }\nperson d { }\n", &changed), 0);
    ck_assert_str_eq(buf_cstr(&changed), "person 'a': changed\nperson 'c': changed\nperson 'd': added\n"
                                         "person 'b': removed\n");
    ck_assert_uint_eq(seen.calls, 1);
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_int_eq(person(f, 0, "a")->uid, 2);
    ck_assert_int_eq(
        reload(f, "person c { password = y }\nperson a { peer-uid = 2 }\nperson d { }\n", &changed), 0);
    ck_assert_str_eq(buf_cstr(&changed), "person: in another order\n");
    ck_assert_str_eq(seen.first, "c");
    ck_assert_int_eq(reload(f, "", &changed), 0);
    ck_assert_uint_eq(seen.count, 0);
    buf_done(&changed);
    fixture_end(f);
}
END_TEST

START_TEST(a_refused_reload_changes_nothing)
{
    struct seen seen;
    struct fixture *f = begin(&seen);
    struct buf changed = {0};
    ck_assert_int_eq(load(f, "timeout = 1\nperson a { }\nplace p { }\n"), 0);
    seen.refuse = "no more people";
    ck_assert_int_lt(reload(f, "timeout = 2\nperson b { }\nplace p { }\n", &changed), 0);
    ck_assert_str_eq(fixture_faults(f), "a.conf: no more people\n");
    ck_assert_uint_eq(seen.calls, 2);
    ck_assert_str_eq(seen.first, "a");
    ck_value(f, "timeout", "1");
    person(f, 0, "a");
    /* an option's hook refuses when the sections are done already */
    f->refuse = "no";
    ck_assert_int_lt(reload(f, "note = x\nperson b { }\nplace p { }\n", &changed), 0);
    ck_assert_uint_eq(seen.calls, 4);
    ck_assert_str_eq(seen.first, "a");
    person(f, 0, "a");
    f->refuse = NULL;
    /* a section without a hook waits for a restart */
    ck_assert_int_lt(reload(f, "timeout = 1\nperson b { }\nplace q { }\n", &changed), 0);
    ck_assert_str_eq(fixture_faults(f),
                     "a.conf: place: differs from what runs and can only change at a restart\n");
    ck_assert_int_lt(reload(f, "timeout = 1\nperson a { peer-uid = x }\nplace p { }\n", &changed), 0);
    ck_assert_uint_eq(changed.len, 0);
    ck_assert_uint_eq(seen.calls, 4);
    person(f, 0, "a");
    buf_done(&changed);
    fixture_end(f);
}
END_TEST

START_TEST(secrets_are_not_printed)
{
    struct seen seen;
    struct fixture *f = begin(&seen);
    ck_assert_int_eq(load(f, "person \"a\\\"b\" {\n password = xyzzy groups = q }\n"), 0);
    f->text.len = 0;
    config_print_all(f->config, &f->text);
    ck_assert_ptr_null(strstr(buf_cstr(&f->text), "xyzzy"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&f->text), "\nperson \"a\\\"b\" {    # "));
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&f->text), "a.conf:1\n    groups = {\"q\"}\n    password = \"(set)\"\n}\n"));
    fixture_end(f);
}
END_TEST

START_TEST(redis_conf_passes_over_user)
{
    struct fixture *f = fixture_begin();
    static const struct config_section user = {
        .name = "user", .options = place_rows, .count = 1, .size = sizeof(int64_t)};
    config_add_section(f->config, &user, NULL);
    struct buf passed_over = {0};
    fixture_file(f, "r.conf", "user alice on >secret ~* +@all\nport 5\n");
    ck_assert_int_eq(config_load_redis(f->config, f->path, &f->faults, &passed_over), 0);
    ck_assert_str_eq(buf_cstr(&passed_over), "user\n");
    ck_assert_uint_eq(config_section_records(f->config, "user")->count, 0);
    buf_done(&passed_over);
    fixture_end(f);
}
END_TEST

UNIT_SUITE(config_section)
{
    tcase_add_test(tc, records_come_in_order);
    tcase_add_test(tc, a_later_file_changes_what_it_names);
    tcase_add_loop_test(tc, faults_are_told, 0, sizeof faults / sizeof *faults);
    tcase_add_loop_test(tc, malformed_text_is_refused, 0, sizeof malformed / sizeof *malformed);
    tcase_add_test(tc, titles_and_numbers_are_bounded);
    tcase_add_test(tc, a_reload_brings_new_records);
    tcase_add_test(tc, a_refused_reload_changes_nothing);
    tcase_add_test(tc, secrets_are_not_printed);
    tcase_add_test(tc, redis_conf_passes_over_user);
}
