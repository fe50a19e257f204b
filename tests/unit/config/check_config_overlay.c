/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The overlay: what CONFIG REWRITE writes, how it is read back, what is made of one that is not in order.
 */
#include "config_fixture.h"
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>

static const char head[] =
    "# Written by CONFIG REWRITE: what CONFIG SET changed. It is read after the configuration\n"
    "# files, and each CONFIG REWRITE replaces it. Delete it to go back to what the files say.\n";

/* "note" names the overlay's file, "dir" its folder. */
static struct fixture *begin(const char *state)
{
    struct fixture *f = fixture_begin();
    const struct config_environment e = {.state = state, .overlay_option = "note", .dir_option = "dir"};
    config_set_environment(f->config, &e);
    return f;
}

/* Loads TEXT, with the overlay's place, as the start does. */
static int load(struct fixture *f, const char *text)
{
    char *whole = heap_printf("%s\nnote = \"over.conf\"\ndir = \"%s\"\n", text, f->folder);
    fixture_file(f, "a.conf", whole);
    heap_free(whole);
    int r = config_load_file(f->config, f->path, &f->faults);
    return r < 0 ? r : config_load_overlay(f->config, &f->faults);
}

static const char *overlay_path(struct fixture *f)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/over.conf", f->folder);
    return path;
}

/* What is in the overlay behind its head, or NULL: there is none. */
static const char *overlay(struct fixture *f)
{
    static char text[4096];
    FILE *in = fopen(overlay_path(f), "r");
    if (in == NULL)
        return NULL;
    size_t len = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[len] = '\0';
    ck_assert_int_eq(strncmp(text, head, sizeof head - 1), 0);
    return text + sizeof head - 1;
}

static void rewrite(struct fixture *f)
{
    struct buf why = {0};
    ck_assert_int_eq(config_rewrite(f->config, &why), 0);
    ck_assert_uint_eq(why.len, 0);
}

/* A second start with the same files. */
static struct fixture *again(struct fixture *f, const char *text)
{
    struct fixture *g = begin(NULL);
    rmdir(g->folder);
    snprintf(g->folder, sizeof g->folder, "%s", f->folder);
    config_free(f->config);
    buf_done(&f->faults);
    buf_done(&f->text);
    heap_free(f);
    ck_assert_int_eq(load(g, text), 0);
    return g;
}

static void add_note(void *owner, enum config_note note, const char *file, const char *option,
                     const char *text)
{
    buf_printf(owner, "%d %s %s: %s\n", note, strrchr(file, '/') + 1, option, strrchr(text, '/') + 1);
}

static void write_overlay(struct fixture *f, const char *text)
{
    FILE *out = fopen(overlay_path(f), "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
    ck_assert_int_eq(chmod(overlay_path(f), 0600), 0);
}

START_TEST(only_what_differs_is_written)
{
    struct fixture *f = begin(NULL);
    ck_assert_int_eq(load(f, "timeout = 30\nport = 7000"), 0);
    rewrite(f);
    ck_assert_ptr_null(overlay(f));
    ck_assert_str_eq(fixture_set(f, "maxmemory", "2mb", "save", "60 5 900 1", "requirepass", "a\"$\\\tb",
                                 "timeout", "31", "replica-priority", "100", NULL),
                     "");
    rewrite(f);
    ck_assert_str_eq(overlay(f), "timeout = 31\nsave = {\"60 5\", \"900 1\"}\nmaxmemory = 2097152\n"
                                 "requirepass = \"a\\\"\\$\\\\\\x09b\"\n");
    struct stat st;
    ck_assert_int_eq(stat(overlay_path(f), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_str_eq(fixture_set(f, "timeout", "30", "save", "3600 1", NULL), "");
    rewrite(f);
    ck_assert_str_eq(overlay(f), "maxmemory = 2097152\nrequirepass = \"a\\\"\\$\\\\\\x09b\"\n");
    ck_assert_str_eq(fixture_set(f, "maxmemory", "0", "requirepass", "", NULL), "");
    rewrite(f);
    ck_assert_ptr_null(overlay(f));
    fixture_end(f);
}
END_TEST

START_TEST(what_was_written_is_read_back)
{
    struct fixture *f = begin(NULL);
    ck_assert_int_eq(load(f, "timeout = 30"), 0);
    ck_assert_str_eq(fixture_set(f, "limits", "b 7", "requirepass", "credential:x", "bind", "::1", "timeout",
                                 "31", "appendonly", "yes", NULL),
                     "");
    rewrite(f);
    f = again(f, "timeout = 30");
    ck_value(f, "limits", "a 1 b 7");
    ck_value(f, "requirepass", "credential:x");
    ck_value(f, "bind", "::1");
    ck_value(f, "timeout", "31");
    ck_origin(f, "timeout", "over.conf:3 (CONFIG REWRITE)");
    ck_origin(f, "port", "default");
    rewrite(f);
    ck_assert_ptr_nonnull(strstr(overlay(f), "timeout = 31\nbind = {\"::1\"}\n"));
    /* the administrator says now what the overlay says: nothing is left to keep */
    f = again(f, "timeout = 31");
    ck_value(f, "timeout", "31");
    rewrite(f);
    ck_assert_ptr_null(strstr(overlay(f), "timeout"));
    ck_assert_int_eq(unlink(overlay_path(f)), 0);
    f = again(f, "timeout = 30");
    ck_value(f, "timeout", "30");
    ck_value(f, "limits", "a 1 b 2");
    fixture_end(f);
}
END_TEST

START_TEST(the_command_line_stands_above)
{
    struct fixture *f = begin(NULL);
    char *args[] = {"--timeout", "5", "--dir", f->folder, "--note", "over.conf"};
    write_overlay(f, "timeout = 6\nport = 7\n");
    ck_assert_int_eq(config_load_args(f->config, 6, args, &f->faults, NULL), 0);
    ck_assert_int_eq(config_load_overlay(f->config, &f->faults), 0);
    ck_value(f, "timeout", "5");
    ck_value(f, "port", "7");
    ck_assert_str_eq(fixture_set(f, "timeout", "8", NULL), "");
    rewrite(f);
    ck_assert_str_eq(overlay(f), "port = 7\ntimeout = 8\n");
    fixture_end(f);
}
END_TEST

START_TEST(lines_that_are_not_valid_are_passed_over)
{
    struct fixture *f = begin(NULL);
    write_overlay(f, "timeout = soon\nnosuch = 1\nunixsocketperm = 700\nport = 7\nmaxmemory += 5\n");
    ck_assert_int_eq(load(f, "timeout = 30"), 0);
    ck_assert_str_eq(fixture_faults(f), "");
    ck_value(f, "timeout", "30");
    ck_value(f, "port", "7");
    struct buf notes = {0};
    config_take_notes(f->config, add_note, &notes);
    ck_assert_str_eq(buf_cstr(&notes),
                     "1 over.conf timeout: over.conf:1: timeout: 'soon' is not an integer; allowed: seconds, "
                     "or with a unit as in 5m, 0 to 2147483647; the line is passed over\n"
                     "1 over.conf nosuch: over.conf:2: nosuch: unknown option; the line is passed over\n"
                     "1 over.conf unixsocketperm: over.conf:3: unixsocketperm: CONFIG SET does not set it; "
                     "the line is passed over\n"
                     "1 over.conf maxmemory: over.conf:5: maxmemory: takes one value, to which += cannot "
                     "add; the line is passed over\n");
    notes.len = 0;
    config_take_notes(f->config, add_note, &notes);
    ck_assert_uint_eq(notes.len, 0);
    rewrite(f);
    ck_assert_str_eq(overlay(f), "port = 7\n");
    buf_done(&notes);
    fixture_end(f);
}
END_TEST

static const struct {
    const char *text;
    const char *fault;
} broken[] = {
    {"timeout = 6\nbind = {", "is not in order; this is what CONFIG REWRITE kept: mend it, or delete it"},
    {"timeout = 6\ninclude(\"a.conf\")", "over.conf:2: include: is not allowed here"},
    {"requirepass = {a, b}", "holds a secret that is not valid; this is what CONFIG REWRITE kept"},
    {"timeout = 6\ntimeout = 7", "over.conf:2: timeout: is set already at line 1"},
    {"timeout 6", "over.conf: is not in order"},
};

START_TEST(a_broken_overlay_is_a_fault)
{
    struct fixture *f = begin(NULL);
    write_overlay(f, broken[_i].text);
    ck_assert_int_lt(load(f, ""), 0);
    ck_assert_msg(strstr(fixture_faults(f), broken[_i].fault) != NULL, "%s", fixture_faults(f));
    ck_value(f, "timeout", "0");
    fixture_end(f);
}
END_TEST

START_TEST(others_may_not_write_it)
{
    static const mode_t modes[] = {0620, 0602, 0666};
    struct fixture *f = begin(NULL);
    write_overlay(f, "timeout = 6\n");
    ck_assert_int_eq(chmod(overlay_path(f), modes[_i]), 0);
    ck_assert_int_lt(load(f, ""), 0);
    ck_assert_ptr_nonnull(strstr(fixture_faults(f), "over.conf: can be written by others than its owner;"));
    fixture_end(f);
}
END_TEST

START_TEST(a_folder_is_no_overlay)
{
    struct fixture *f = begin(NULL);
    ck_assert_int_eq(mkdir(overlay_path(f), 0700), 0);
    ck_assert_int_lt(load(f, ""), 0);
    ck_assert_ptr_nonnull(strstr(fixture_faults(f), "over.conf: is not a regular file;"));
    struct buf why = {0};
    ck_assert_str_eq(fixture_set(f, "timeout", "3", NULL), "");
    ck_assert_int_eq(config_rewrite(f->config, &why), -EISDIR);
    ck_assert_str_eq(buf_cstr(&why), "ERR Rewriting config file: Is a directory");
    buf_done(&why);
    ck_assert_int_eq(rmdir(overlay_path(f)), 0);
    fixture_end(f); /* finds no temporary file either */
}
END_TEST

START_TEST(there_may_be_none)
{
    struct fixture *f = fixture_begin();
    struct buf why = {0};
    ck_assert_int_eq(config_load_overlay(f->config, &f->faults), 0);
    ck_assert_int_eq(config_rewrite(f->config, &why), MR_E_CONFIG);
    ck_assert_str_eq(buf_cstr(&why), "ERR The server is running without an overlay file");
    ck_assert_ptr_null(config_overlay_path(f->config));
    const struct config_environment e = {.overlay_option = "note", .dir_option = "dir"};
    config_set_environment(f->config, &e);
    ck_assert_ptr_null(config_overlay_path(f->config));
    buf_done(&why);
    fixture_end(f);
}
END_TEST

static void check_place(struct fixture *f, const char *wanted)
{
    char *path = config_overlay_path(f->config);
    ck_assert_str_eq(path, wanted);
    heap_free(path);
}

START_TEST(its_place_follows_a_rule)
{
    char here[512];
    char *wanted;
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    struct fixture *f = begin(NULL);
    char *args[] = {"--note", "x.conf"};
    ck_assert_int_eq(config_load_args(f->config, 2, args, &f->faults, NULL), 0);
    check_place(f, (wanted = heap_printf("%s/x.conf", here)));
    heap_free(wanted);
    char *dir[] = {"--dir", "sub"};
    ck_assert_int_eq(config_load_args(f->config, 2, dir, &f->faults, NULL), 0);
    check_place(f, (wanted = heap_printf("%s/sub/x.conf", here)));
    heap_free(wanted);
    /* what CONFIG SET says of dir does not move it: the next start would look elsewhere */
    ck_assert_str_ne(fixture_set(f, "dir", "/tmp", NULL), "");
    struct config_change change = {slice_str("dir"), slice_str("/tmp")};
    ck_assert_int_eq(config_set(f->config, &change, 1, true, &f->text), 0);
    check_place(f, (wanted = heap_printf("%s/sub/x.conf", here)));
    heap_free(wanted);
    char *absolute[] = {"--note", "/a/b", "--dir", "/c"};
    ck_assert_int_eq(config_load_args(f->config, 4, absolute, &f->faults, NULL), 0);
    check_place(f, "/a/b");
    fixture_end(f);
    f = begin("/var/lib/x:/var/lib/y");
    ck_assert_int_eq(config_load_args(f->config, 2, args, &f->faults, NULL), 0);
    check_place(f, "/var/lib/x/x.conf");
    fixture_end(f);
}
END_TEST

START_TEST(a_reload_reads_it_again)
{
    struct fixture *f = begin(NULL);
    struct buf changed = {0};
    ck_assert_int_eq(load(f, "timeout = 30"), 0);
    ck_assert_str_eq(fixture_set(f, "timeout", "31", "port", "7", NULL), "");
    rewrite(f);
    ck_assert_str_eq(fixture_set(f, "timeout", "32", NULL), "");
    ck_assert_int_eq(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_assert_str_eq(buf_cstr(&changed), "timeout: '32' is now '31'\n");
    ck_value(f, "port", "7");
    write_overlay(f, "timeout = 6\nport = {");
    ck_assert_int_lt(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_value(f, "timeout", "31");
    ck_assert_int_eq(unlink(overlay_path(f)), 0);
    changed.len = 0;
    ck_assert_int_eq(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_assert_str_eq(buf_cstr(&changed), "port: '7' is now '6379'\ntimeout: '31' is now '30'\n");
    rewrite(f);
    ck_assert_ptr_null(overlay(f));
    buf_done(&changed);
    fixture_end(f);
}
END_TEST

UNIT_SUITE(config_overlay)
{
    tcase_add_test(tc, only_what_differs_is_written);
    tcase_add_test(tc, what_was_written_is_read_back);
    tcase_add_test(tc, the_command_line_stands_above);
    tcase_add_test(tc, lines_that_are_not_valid_are_passed_over);
    tcase_add_loop_test(tc, a_broken_overlay_is_a_fault, 0, sizeof broken / sizeof *broken);
    tcase_add_loop_test(tc, others_may_not_write_it, 0, 3);
    tcase_add_test(tc, a_folder_is_no_overlay);
    tcase_add_test(tc, there_may_be_none);
    tcase_add_test(tc, its_place_follows_a_rule);
    tcase_add_test(tc, a_reload_reads_it_again);
}
