/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Globs, quoting, splitting and distance. The rows of globs and lines are answers of
 * redis-server 7.0.
 */
#include <stdio.h>
#include <string.h>

#include "base/heap.h"
#include "base/text.h"
#include "unit.h"

static const struct {
    const char *pattern;
    const char *string;
    bool nocase;
    bool match;
} globs[] = {
    {"*", "", false, false},
    {"", "", false, true},
    {"", "a", false, false},
    {"*", "anything", false, true},
    {"**", "a", false, true},
    {"***", "", false, false},
    {"h?llo", "hello", false, true},
    {"h?llo", "hllo", false, false},
    {"?", "", false, false},
    {"h*llo", "hllo", false, true},
    {"h*llo", "heeeello", false, true},
    {"h*llo", "heeeell", false, false},
    {"a**b", "axxb", false, true},
    {"*a*b*", "xxaxxbxx", false, true},
    {"*a", "ba", false, true},
    {"*a", "ab", false, false},
    {"a*", "a", false, true},
    {"a*a", "a", false, false},
    {"*ab", "aab", false, true},
    {"*aab*b", "aaabab", false, true},
    {"h[ae]llo", "hallo", false, true},
    {"h[ae]llo", "hillo", false, false},
    {"h[^e]llo", "hallo", false, true},
    {"h[^e]llo", "hello", false, false},
    {"h[a-c]llo", "hbllo", false, true},
    {"h[a-c]llo", "hdllo", false, false},
    {"[z-a]", "m", false, true},
    {"[a-]", "-", false, false},
    {"[a-]", "]", false, true},
    {"[a-]", "^", false, true},
    {"[a-", "a", false, true},
    {"[a-", "-", false, true},
    {"[a-", "b", false, false},
    {"[]abc]", "a", false, false},
    {"[]", "a", false, false},
    {"[^]", "a", false, true},
    {"[", "[", false, false},
    {"[^", "x", false, true},
    {"[^", "", false, false},
    {"[abc", "c", false, true},
    {"[\\", "\\", false, true},
    {"[a\\", "\\", false, true},
    {"[\\]]", "]", false, true},
    {"[\\]", "]", false, true},
    {"[\\a-c]", "b", false, false},
    {"[\\a-c]", "-", false, true},
    {"[*]", "*", false, true},
    {"[*]", "a", false, false},
    {"\\*", "*", false, true},
    {"\\*", "a", false, false},
    {"\\", "\\", false, true},
    {"a\\", "a\\", false, true},
    {"\\a", "a", false, true},
    {"\\\\", "\\", false, true},
    {"[a-\xff]", "0", false, true},
    {"[a-\xff]", "b", false, false},
    {"[a-\xff]", "\xff", false, true},
    {"\xff", "\xff", false, true},
    {"HELLO", "hello", false, false},
    {"HELLO", "hello", true, true},
    {"h[A-C]llo", "hbllo", true, true},
    {"h[ABC]LLO", "hbllo", true, true},
    {"[Z-a]", "z", true, false},
    {"[\\A]", "a", true, false},
    {"\\A", "a", true, true},
    {"*L*O", "hello", true, true},
};

START_TEST(globs_match_as_known)
{
    /* Exact copies, so that a sanitizer sees a read behind them. */
    size_t pattern_len = strlen(globs[_i].pattern);
    size_t string_len = strlen(globs[_i].string);
    char *pattern = heap_alloc(pattern_len);
    char *string = heap_alloc(string_len);
    memcpy(pattern, globs[_i].pattern, pattern_len);
    memcpy(string, globs[_i].string, string_len);
    bool match = text_glob(slice_of(pattern, pattern_len), slice_of(string, string_len), globs[_i].nocase);
    ck_assert_msg(match == globs[_i].match, "'%s' '%s'", globs[_i].pattern, globs[_i].string);
    heap_free(pattern);
    heap_free(string);
}
END_TEST

START_TEST(globs_take_any_byte)
{
    ck_assert(text_glob(slice_of("a?\0*", 4), slice_of("a\n\0", 3), false));
    ck_assert(!text_glob(slice_of("a", 1), slice_of("a\0", 2), false));
    ck_assert(text_glob(slice_of("[\0]", 3), slice_of("\0", 1), false));
}
END_TEST

START_TEST(no_pattern_takes_for_ever)
{
    char string[20000];
    memset(string, 'a', sizeof string);
    struct slice s = slice_of(string, sizeof string);
    ck_assert(!text_glob(slice_str("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab"), s, true));
    ck_assert(!text_glob(slice_str("*?*?*?*?*?*?*?*?*?*?*?*?*?*[ab]*b"), s, false));
    ck_assert(!text_glob(slice_str("a*[a][a][a]*[^b][a]*a[b]*"), s, false));
    ck_assert(text_glob(slice_str("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a"), s, false));
}
END_TEST

START_TEST(quotes_what_does_not_print)
{
    struct buf out = {0};
    text_quote(&out, slice_of("a\"b\\\n\r\t\a\b\0\x7f\xff ~", 14));
    ck_assert_str_eq(buf_cstr(&out), "\"a\\\"b\\\\\\n\\r\\t\\a\\b\\x00\\x7f\\xff ~\"");
    out.len = 0;
    text_quote(&out, slice_of(NULL, 0));
    ck_assert_str_eq(buf_cstr(&out), "\"\"");
    buf_done(&out);
}
END_TEST

static const struct {
    const char *line;
    int count; /* -1: unbalanced quotes */
    const char *words[4];
} lines[] = {
    {"", 0, {NULL}},
    {" \t\v\f\r\n", 0, {NULL}},
    {"set key value", 3, {"set", "key", "value"}},
    {"  set\tkey \r", 2, {"set", "key"}},
    {"\"a b\" c", 2, {"a b", "c"}},
    {"\"\" ''", 2, {"", ""}},
    {"\"\\n\\r\\t\\b\\a\\q\\\"\\\\\"", 1, {"\n\r\t\b\aq\"\\"}},
    {"\"\\x41\\x4a\\x4A\"", 1, {"AJJ"}},
    {"\"\\x4\" \"\\xg1\" \"\\x\"", 3, {"x4", "xg1", "x"}},
    {"'a\\nb' 'it\\'s'", 2, {"a\\nb", "it's"}},
    {"'\\\\'", -1, {NULL}},
    {"'\\\\ '", 1, {"\\\\ "}},
    {"foo\"bar baz\" x", 2, {"foobar baz", "x"}},
    {"a\\nb", 1, {"a\\nb"}},
    {"a\vb\fc \vd", 2, {"a\vb\fc", "d"}},
    {"\"a\"\vb", 2, {"a", "b"}},
    {"\"a", -1, {NULL}},
    {"'a", -1, {NULL}},
    {"\"a\"b", -1, {NULL}},
    {"'a'b", -1, {NULL}},
    {"\"a\"\"b\"", -1, {NULL}},
    {"\"a\\", -1, {NULL}},
    {"\"a\\\"", -1, {NULL}},
    {"'a\\'", -1, {NULL}},
    {"ok \"", -1, {NULL}},
};

START_TEST(lines_are_split)
{
    size_t before = heap_used();
    struct buf out = {0};
    struct slice *words = NULL;
    buf_append_str(&out, "before");
    int count = text_split(slice_str(lines[_i].line), &out, &words);
    ck_assert_int_eq(count, lines[_i].count < 0 ? MR_E_SYNTAX : lines[_i].count);
    for (int i = 0; i < count; i++) {
        ck_assert_msg(slice_equal(words[i], slice_str(lines[_i].words[i])), "%d of '%s': '%.*s'", i,
                      lines[_i].line, (int)words[i].len, words[i].ptr);
        ck_assert(words[i].ptr >= out.data + 6 && words[i].ptr + words[i].len <= out.data + out.len);
    }
    ck_assert_mem_eq(out.data, "before", 6);
    if (count < 0)
        ck_assert_uint_eq(out.len, 6);
    heap_free(words);
    buf_done(&out);
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

START_TEST(a_nul_ends_the_line)
{
    struct buf out = {0};
    struct slice *words;
    ck_assert_int_eq(text_split(slice_of("a b\0c", 5), &out, &words), 2);
    ck_assert(slice_equal(words[1], slice_str("b")));
    heap_free(words);
    ck_assert_int_eq(text_split(slice_of("\"a\0\"", 4), &out, &words), MR_E_SYNTAX);
    buf_done(&out);
}
END_TEST

START_TEST(many_words_stay_where_they_are)
{
    struct buf line = {0};
    struct buf out = {0};
    struct slice *words;
    for (int i = 0; i < 5000; i++)
        buf_printf(&line, "'w %d' ", i);
    ck_assert_int_eq(text_split(buf_slice(&line), &out, &words), 5000);
    for (int i = 0; i < 5000; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "w %d", i);
        ck_assert(slice_equal(words[i], slice_str(expected)));
    }
    heap_free(words);
    buf_done(&out);
    buf_done(&line);
}
END_TEST

static const struct {
    const char *a;
    const char *b;
    unsigned limit;
    unsigned distance;
} distances[] = {
    {"", "", 3, 0},
    {"port", "port", 0, 0},
    {"prt", "port", 3, 1},
    {"porrt", "port", 3, 1},
    {"pont", "port", 3, 1},
    {"prot", "port", 3, 2},
    {"", "abc", 3, 3},
    {"abc", "", 2, 3},
    {"kitten", "sitting", 5, 3},
    {"kitten", "sitting", 2, 3},
    {"kitten", "sitting", 1, 2},
    {"timeout", "maxmemory", 3, 4},
    {"abcdefgh", "hgfedcba", 20, 8},
};

START_TEST(distances_are_least)
{
    ck_assert_uint_eq(text_distance(distances[_i].a, distances[_i].b, distances[_i].limit),
                      distances[_i].distance);
    ck_assert_uint_eq(text_distance(distances[_i].b, distances[_i].a, distances[_i].limit),
                      distances[_i].distance);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

UNIT_SUITE(base_text)
{
    tcase_add_loop_test(tc, globs_match_as_known, 0, ROWS(globs));
    tcase_add_test(tc, globs_take_any_byte);
    tcase_add_test(tc, no_pattern_takes_for_ever);
    tcase_add_test(tc, quotes_what_does_not_print);
    tcase_add_loop_test(tc, lines_are_split, 0, ROWS(lines));
    tcase_add_test(tc, a_nul_ends_the_line);
    tcase_add_test(tc, many_words_stay_where_they_are);
    tcase_add_loop_test(tc, distances_are_least, 0, ROWS(distances));
}
