/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: levels, what a sink is told, and the lines of the file and of standard
 * error.
 */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "unit.h"

#define log_notice(...)  log_write(LOG_LEVEL_NOTICE, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, NULL, 0, __VA_ARGS__)

struct seen {
    int lines;
    enum log_level level;
    size_t fields;
    char name[32];
    char value[32];
    char text[8192];
};

static void remember(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                     const char *text)
{
    struct seen *seen = owner;
    seen->lines++;
    seen->level = level;
    seen->fields = count;
    if (count > 0) {
        snprintf(seen->name, sizeof seen->name, "%s", fields[0].name);
        snprintf(seen->value, sizeof seen->value, "%s", fields[0].value);
    }
    snprintf(seen->text, sizeof seen->text, "%s", text);
    errno = 0;
}

static char directory[64];
static char path[96];

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "/tmp/check_log.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/log", directory);
}

static void remove_directory(void)
{
    log_set_level(LOG_LEVEL_NOTICE);
    log_set_sink(NULL, NULL);
    unlink(path);
    rmdir(directory);
}

static char *content_of(const char *name)
{
    static char content[20000];
    int fd = open(name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ssize_t n = read(fd, content, sizeof content - 1);
    close(fd);
    ck_assert_int_ge(n, 0);
    content[n] = '\0';
    return content;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t re;
    ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int result = regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    ck_assert_msg(result == 0, "'%s' does not match '%s'", text, pattern);
}

START_TEST(levels_hold_back_what_is_below)
{
    struct seen seen = {0};
    ck_assert_int_eq(log_get_level(), LOG_LEVEL_NOTICE);
    log_set_sink(remember, &seen);
    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_NOTHING; level++) {
        seen.lines = 0;
        log_set_level((enum log_level)level);
        ck_assert_int_eq(log_get_level(), level);
        log_debug("d");
        log_verbose("v");
        log_notice("n");
        log_warning("w");
        log_write(LOG_LEVEL_ERROR, NULL, 0, "e");
        ck_assert_int_eq(seen.lines, LOG_LEVEL_NOTHING - level);
    }
    log_write(LOG_LEVEL_NOTHING, NULL, 0, "never");
    ck_assert_int_eq(seen.lines, 0);
}
END_TEST

START_TEST(sinks_get_fields_apart_from_text)
{
    struct seen seen = {0};
    struct log_field field = {"MINIREDIS_CLIENT", "17"};
    log_set_sink(remember, &seen);
    errno = EBADF;
    log_write(LOG_LEVEL_WARNING, &field, 1, "client %d: %s", 17, "gone\n");
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(seen.level, LOG_LEVEL_WARNING);
    ck_assert_uint_eq(seen.fields, 1);
    ck_assert_str_eq(seen.name, "MINIREDIS_CLIENT");
    ck_assert_str_eq(seen.value, "17");
    ck_assert_str_eq(seen.text, "client 17: gone\n");
}
END_TEST

START_TEST(texts_of_any_length_arrive_whole)
{
    struct seen seen = {0};
    size_t before = heap_used();
    log_set_sink(remember, &seen);
    for (int len = 1000; len < 1050; len++) {
        log_notice("%*d", len, 1);
        ck_assert_uint_eq(strlen(seen.text), (size_t)len);
    }
    log_notice("%*d", 8000, 1);
    ck_assert_uint_eq(strlen(seen.text), 8000);
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

START_TEST(file_lines_have_the_known_form)
{
    ck_assert_int_eq(log_to_file(path), 0);
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("one");
    log_verbose("two");
    log_notice("three");
    log_warning("four %s", "x");
    log_write(LOG_LEVEL_ERROR, NULL, 0, "five");
    static const char *const lines[] = {". one", "- two", "\\* three", "# four x", "# five"};
    char *line = strtok(content_of(path), "\n");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char pattern[128];
        snprintf(pattern, sizeof pattern,
                 "^%d:M [0-3][0-9] [A-Z][a-z]{2} 20[0-9]{2} "
                 "[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3} %s$",
                 (int)getpid(), lines[i]);
        ck_assert_ptr_nonnull(line);
        assert_matches(line, pattern);
        line = strtok(NULL, "\n");
    }
    ck_assert_ptr_null(line);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0137, 0);
}
END_TEST

START_TEST(file_lines_show_the_local_time)
{
    ck_assert_int_eq(log_to_file(path), 0);
    setenv("TZ", "TST-05:30", 1);
    tzset();
    time_t from = time(NULL);
    log_notice("now");
    time_t to = time(NULL);
    struct tm tm = {.tm_isdst = -1};
    ck_assert_ptr_nonnull(strptime(strstr(content_of(path), ":M ") + 3, "%d %b %Y %H:%M:%S", &tm));
    time_t shown = mktime(&tm);
    ck_assert(shown >= from && shown <= to);
    unsetenv("TZ");
    tzset();
}
END_TEST

START_TEST(nobody_forges_a_line)
{
    ck_assert_int_eq(log_to_file(path), 0);
    log_notice("a\nb\rc\033[1md\177e\xc3\xa4");
    const char *content = content_of(path);
    ck_assert_ptr_eq(strchr(content, '\n'), content + strlen(content) - 1);
    ck_assert_ptr_nonnull(strstr(content, "* a b c [1md e\xc3\xa4\n"));
}
END_TEST

START_TEST(long_lines_reach_the_file_whole)
{
    size_t before = heap_used();
    ck_assert_int_eq(log_to_file(path), 0);
    log_notice("%*d", 10000, 5);
    const char *content = content_of(path);
    const char *text = strstr(content, "* ") + 2;
    ck_assert_uint_eq(strlen(text), 10001);
    ck_assert_str_eq(text + 9999, "5\n");
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

START_TEST(reopening_follows_a_rename)
{
    char old[128];
    snprintf(old, sizeof old, "%s.1", path);
    ck_assert_int_eq(log_to_file(path), 0);
    log_notice("first");
    ck_assert_int_eq(rename(path, old), 0);
    log_notice("second");
    ck_assert_int_eq(log_to_file(path), 0);
    log_notice("third");
    ck_assert_ptr_null(strstr(content_of(path), "second"));
    ck_assert_ptr_nonnull(strstr(content_of(path), "third"));
    ck_assert_ptr_nonnull(strstr(content_of(old), "second"));
    ck_assert_ptr_null(strstr(content_of(old), "third"));
    unlink(old);
    ck_assert_int_eq(log_to_file(path), 0);
    log_notice("fourth");
    ck_assert_ptr_nonnull(strstr(content_of(path), "third"));
    ck_assert_ptr_nonnull(strstr(content_of(path), "fourth"));
}
END_TEST

START_TEST(a_file_that_cannot_be_leaves_the_sink)
{
    struct seen seen = {0};
    char missing[128];
    snprintf(missing, sizeof missing, "%s/none/log", directory);
    log_set_sink(remember, &seen);
    ck_assert_int_eq(log_to_file(missing), -ENOENT);
    ck_assert_int_eq(log_to_file(directory), -EISDIR);
    log_notice("still here");
    ck_assert_str_eq(seen.text, "still here");
    ck_assert_int_eq(log_to_file(path), 0);
    ck_assert_int_eq(log_to_file(missing), -ENOENT);
    log_notice("in the file");
    ck_assert_ptr_nonnull(strstr(content_of(path), "in the file"));
}
END_TEST

START_TEST(standard_error_is_the_default)
{
    int saved = dup(STDERR_FILENO);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    log_notice("by default");
    struct seen seen = {0};
    log_set_sink(remember, &seen);
    log_notice("elsewhere");
    log_to_stderr();
    log_notice("by choice");
    log_set_sink(remember, &seen);
    log_set_sink(NULL, NULL);
    log_notice("by NULL");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
    assert_matches(content_of(path), "\\* by default\n[^\n]*\\* by choice\n[^\n]*\\* by NULL\n$");
    ck_assert_str_eq(seen.text, "elsewhere");
}
END_TEST

UNIT_SUITE(base_log)
{
    tcase_add_checked_fixture(tc, make_directory, remove_directory);
    tcase_add_test(tc, levels_hold_back_what_is_below);
    tcase_add_test(tc, sinks_get_fields_apart_from_text);
    tcase_add_test(tc, texts_of_any_length_arrive_whole);
    tcase_add_test(tc, file_lines_have_the_known_form);
    tcase_add_test(tc, file_lines_show_the_local_time);
    tcase_add_test(tc, nobody_forges_a_line);
    tcase_add_test(tc, long_lines_reach_the_file_whole);
    tcase_add_test(tc, reopening_follows_a_rename);
    tcase_add_test(tc, a_file_that_cannot_be_leaves_the_sink);
    tcase_add_test(tc, standard_error_is_the_default);
}
