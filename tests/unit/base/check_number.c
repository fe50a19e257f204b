/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers as text: what is accepted, what is written, and that the way there and
 * back leads to the same number.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/number.h"
#include "base/random.h"
#include "unit.h"

/* A copy of exactly the bytes, so that a sanitizer sees a read behind them. */
static struct slice exact_copy(const char *text, size_t len)
{
    char *copy = heap_alloc(len);
    memcpy(copy, text, len);
    return slice_of(copy, len);
}

static bool to_int(const char *text, size_t len, int64_t *out)
{
    struct slice s = exact_copy(text, len);
    bool ok = number_to_int(s, out);
    heap_free((char *)(uintptr_t)s.ptr);
    return ok;
}

static void write_int(int64_t value, char *text)
{
    size_t len = number_from_int(text, value);
    ck_assert_uint_lt(len, NUMBER_TEXT_MAX);
    text[len] = '\0';
}

static void assert_int_round_trip(int64_t value)
{
    char text[NUMBER_TEXT_MAX];
    char expected[NUMBER_TEXT_MAX];
    int64_t back = ~value;
    write_int(value, text);
    snprintf(expected, sizeof expected, "%" PRId64, value);
    ck_assert_str_eq(text, expected);
    ck_assert_msg(to_int(text, strlen(text), &back) && back == value, "%s", text);

    uint64_t bits = (uint64_t)value;
    uint64_t bits_back = ~bits;
    size_t len = number_from_uint(text, bits);
    snprintf(expected, sizeof expected, "%" PRIu64, bits);
    ck_assert_uint_eq(len, strlen(expected));
    ck_assert_mem_eq(text, expected, len);
    ck_assert(number_to_uint(slice_of(text, len), &bits_back));
    ck_assert_uint_eq(bits_back, bits);
}

START_TEST(integers_go_there_and_back)
{
    struct random r;
    random_init_seed(&r, 3);
    for (int64_t i = -1100; i <= 1100; i++)
        assert_int_round_trip(i);
    for (uint64_t power = 1, i = 0; i < 20; i++, power *= 10)
        for (int64_t near = -2; near <= 2; near++) {
            assert_int_round_trip((int64_t)(power + (uint64_t)near));
            assert_int_round_trip((int64_t)(0 - power + (uint64_t)near));
        }
    for (int64_t near = 0; near < 3; near++) {
        assert_int_round_trip(INT64_MAX - near);
        assert_int_round_trip(INT64_MIN + near);
    }
    for (int i = 0; i < 20000; i++)
        assert_int_round_trip((int64_t)(random_next(&r) >> random_below(&r, 64)));
}
END_TEST

static const char *const not_integers[] = {"",
                                           "-",
                                           "-0",
                                           "+1",
                                           "01",
                                           "-01",
                                           "00",
                                           " 1",
                                           "1 ",
                                           "1.0",
                                           "1e3",
                                           "--1",
                                           "0x1",
                                           "a",
                                           "12345678a",
                                           "a2345678",
                                           "1234567/",
                                           "1234567:",
                                           "1234567\xb0",
                                           "123456789012345678x",
                                           "9223372036854775808",
                                           "-9223372036854775809",
                                           "10000000000000000000",
                                           "18446744073709551615",
                                           "18446744073709551616",
                                           "99999999999999999999",
                                           "-99999999999999999999",
                                           "100000000000000000000",
                                           "12345678901234567890123456789012345678901234567890"};

START_TEST(what_is_no_integer_is_refused)
{
    int64_t out = 4711;
    ck_assert(!to_int(not_integers[_i], strlen(not_integers[_i]), &out));
    ck_assert_int_eq(out, 4711);
}
END_TEST

START_TEST(one_wrong_byte_anywhere_is_refused)
{
    int64_t out;
    for (size_t len = 1; len <= 20; len++)
        for (size_t at = 0; at < len; at++)
            for (int byte = 0; byte < 256; byte++) {
                char text[21];
                memset(text, '1', sizeof text);
                text[at] = (char)byte;
                bool digit = byte >= '0' && byte <= '9';
                bool leading_zero = at == 0 && byte == '0' && len > 1;
                bool minus = at == 0 && byte == '-' && len > 1;
                bool fits = len <= 19 || (minus && len == 20);
                ck_assert_msg(to_int(text, len, &out) == (((digit && !leading_zero) || minus) && fits),
                              "%zu %zu %d", len, at, byte);
            }
}
END_TEST

START_TEST(unsigned_limits)
{
    uint64_t out = 5;
    ck_assert(number_to_uint(slice_str("18446744073709551615"), &out));
    ck_assert_uint_eq(out, UINT64_MAX);
    ck_assert(!number_to_uint(slice_str("18446744073709551616"), &out));
    ck_assert(!number_to_uint(slice_str("-1"), &out));
    ck_assert(!number_to_uint(slice_str("99999999999999999999"), &out));
    ck_assert(number_to_uint(slice_str("0"), &out));
    ck_assert_uint_eq(out, 0);
}
END_TEST

static const struct {
    const char *text;
    double value;
} doubles[] = {
    {"0", 0},
    {"-0", -0.0},
    {"1", 1},
    {"-1.5", -1.5},
    {".5", 0.5},
    {"5.", 5},
    {"+1", 1},
    {"00001", 1},
    {"0.1", 0.1},
    {"1e5", 1e5},
    {"1e-5", 1e-5},
    {"0x1p3", 8},
    {"0x10", 16},
    {"inf", INFINITY},
    {"-inf", -INFINITY},
    {"+inf", INFINITY},
    {"infinity", INFINITY},
    {"INFINITY", INFINITY},
    {"5e-324", 5e-324},
    {"1e-310", 1e-310},
    {"1.7976931348623157e308", DBL_MAX},
    {"0e999999", 0},
    {"-.25", -0.25},
    {"9007199254740993", 9007199254740992.0},
    {"1234567890123456789", 1234567890123456789.0},
    {"0.300000000000000044", 0.30000000000000004},
};

START_TEST(doubles_that_are_read)
{
    double out = NAN;
    ck_assert(number_to_double(slice_str(doubles[_i].text), &out));
    ck_assert_mem_eq(&out, &doubles[_i].value, sizeof out);
}
END_TEST

static const char *const not_doubles[] = {"",       " 1",   "1 ",     "\t1",    ".",     "-",      "-.",
                                          "nan",    "-nan", "NaN",    "nan(1)", "1e400", "-1e400", "1e-400",
                                          "2e-324", "0x",   "1e",     "1_0",    "1,5",   "1.2.3",  "--1",
                                          "infin",  "one",  "1.5abc", "1-"};

START_TEST(doubles_that_are_refused)
{
    double out = 47;
    ck_assert(!number_to_double(slice_str(not_doubles[_i]), &out));
    ck_assert_double_eq(out, 47);
}
END_TEST

START_TEST(doubles_are_read_as_whole_slices)
{
    double out;
    char zeros[600];
    memset(zeros, '0', sizeof zeros);
    zeros[599] = '7';
    ck_assert(number_to_double(slice_of(zeros, sizeof zeros), &out));
    ck_assert_double_eq(out, 7);
    ck_assert(number_to_double(slice_of("12345", 2), &out));
    ck_assert_double_eq(out, 12);
    ck_assert(!number_to_double(slice_of("1\0", 2), &out));
    ck_assert(!number_to_double(slice_of("1e5\0x", 5), &out));
}
END_TEST

START_TEST(doubles_are_read_to_the_last_bit)
{
    struct random r;
    random_init_seed(&r, 4);
    for (int i = 0; i < 50000; i++) {
        char text[64];
        double out;
        snprintf(text, sizeof text, "%s%" PRIu64 ".%0*" PRIu64, i % 3 == 0 ? "-" : "",
                 random_next(&r) >> (1 + random_below(&r, 63)), (int)random_below(&r, 12) + 1,
                 random_next(&r) >> (30 + random_below(&r, 34)));
        ck_assert(number_to_double(slice_str(text), &out));
        double expected = strtod(text, NULL);
        ck_assert_msg(memcmp(&out, &expected, sizeof out) == 0, "%s", text);
    }
}
END_TEST

static const struct {
    double value;
    const char *text;
} shortest[] = {
    {0, "0"},
    {-0.0, "-0"},
    {INFINITY, "inf"},
    {-INFINITY, "-inf"},
    {NAN, "nan"},
    {-NAN, "nan"},
    {1, "1"},
    {-5, "-5"},
    {0.1, "0.1"},
    {0.3, "0.3"},
    {0.1 + 0.2, "0.30000000000000004"},
    {-3.25, "-3.25"},
    {100, "100"},
    {123456.789, "123456.789"},
    {1e-5, "0.00001"},
    {1.5e-5, "0.000015"},
    {1e-6, "0.000001"},
    {1e-7, "1e-7"},
    {1.5e-7, "1.5e-7"},
    {5e-324, "5e-324"},
    {2.2250738585072014e-308, "2.2250738585072014e-308"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {-1.7976931348623157e308, "-1.7976931348623157e+308"},
    {1e17, "100000000000000000"},
    {0x1p62, "4611686018427387904"},
    {-0x1p62, "-4611686018427387904"},
    {0x1p63, "9223372036854776000"},
    {12345678901234567890.0, "12345678901234567000"},
    {1e20, "1e+20"},
    {1e21, "1e+21"},
    {1e23, "1e+23"},
    {-1e100, "-1e+100"},
    {32792.7199162623, "3.27927199162623e+4"},
    {0x1p-44, "5.684341886080802e-14"},
    {9007199254740993.0, "9007199254740992"},
    {2251799813685247.75, "2251799813685247.8"},
    {2251799813685248.5, "2251799813685248.5"},
    {0.7310585786300049, "0.7310585786300049"},
    {0x1p-68, "3.3881317890172014e-21"},
    {0x1p-69, "1.6940658945086007e-21"},
};

START_TEST(doubles_are_written_short)
{
    char text[NUMBER_TEXT_MAX];
    size_t len = number_from_double(text, shortest[_i].value);
    ck_assert_uint_lt(len, sizeof text);
    text[len] = '\0';
    ck_assert_str_eq(text, shortest[_i].text);
}
END_TEST

/* Digits of a text without leading and trailing zeros. */
static size_t count_digits(const char *text, size_t len)
{
    size_t first = len;
    size_t last = 0;
    size_t count = 0;
    for (size_t i = 0; i < len && text[i] != 'e'; i++) {
        if (text[i] < '0' || text[i] > '9')
            continue;
        count++;
        if (text[i] != '0') {
            last = count;
            first = first == len ? count - 1 : first;
        }
    }
    return first == len ? 0 : last - first;
}

static void assert_double_round_trip(double value)
{
    char text[NUMBER_TEXT_MAX];
    char other[64];
    double back;
    size_t len = number_from_double(text, value);
    ck_assert_uint_lt(len, sizeof text);
    ck_assert_msg(number_to_double(slice_of(text, len), &back), "%a", value);
    ck_assert_msg(back == value, "%a", value);

    /* No shorter text of the C library reads back, and no other text of this length is
     * nearer. Integers are written whole. */
    size_t digits = count_digits(text, len);
    if (digits <= 1 || (fabs(value) <= 0x1p62 && value == trunc(value)))
        return;
    ck_assert_uint_le(digits, 17);
    snprintf(other, sizeof other, "%.*e", (int)digits - 2, value);
    ck_assert_msg(strtod(other, NULL) != value, "%a: %s", value, other);
    snprintf(other, sizeof other, "%.*e", (int)digits - 1, value);
    text[len] = '\0';
    if (strtod(other, NULL) == value)
        ck_assert_msg(strtold(text, NULL) == strtold(other, NULL), "%a: %s and %s", value, text, other);
}

START_TEST(doubles_go_there_and_back)
{
    struct random r;
    random_init_seed(&r, 5);
    for (int i = -1074; i < 1024; i++) {
        assert_double_round_trip(ldexp(1, i));
        assert_double_round_trip(nextafter(ldexp(1, i), 0));
        assert_double_round_trip(-nextafter(ldexp(1, i), INFINITY));
    }
    for (int i = 0; i < 20000; i++) {
        double value;
        uint64_t bits = random_next(&r);
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            assert_double_round_trip(value);
        assert_double_round_trip(ldexp((double)(bits >> 11), (int)random_below(&r, 140) - 130));
        assert_double_round_trip((double)(bits >> 40) / 1000);
    }
}
END_TEST

static const struct {
    const char *text;
    int64_t bytes; /* -1: refused */
} sizes[] = {
    {"0", 0},
    {"100", 100},
    {"900b", 900},
    {"1k", 1000},
    {"1K", 1000},
    {"1kb", 1024},
    {"64mb", 67108864},
    {"64MB", 67108864},
    {"5m", 5000000},
    {"5GB", 5368709120},
    {"5g", 5000000000},
    {"9223372036854775807", INT64_MAX},
    {"9223372036854775808", -1},
    {"9223372036854775807b", INT64_MAX},
    {"8589934592gb", -1},
    {"8589934591gb", 9223372035781033984},
    {"99999999999999999999", -1},
    {"", -1},
    {"mb", -1},
    {"-1", -1},
    {"+1", -1},
    {"1 mb", -1},
    {"1tb", -1},
    {"1kbb", -1},
    {"1.5gb", -1},
    {" 1", -1},
};

static const struct long_text {
    const char *text;
    const char *written; /* NULL: it is no number */
} long_texts[] = {
    {"0", "0"},
    {"-0", "0"},
    {"-0.0", "0"},
    {"1", "1"},
    {"+1", "1"},
    {"-1", "-1"},
    {"+-1", NULL},
    {" 1", NULL},
    {"\t1", NULL},
    {"1 ", NULL},
    {"", NULL},
    {".", NULL},
    {"1.", "1"},
    {".5", "0.5"},
    {"1e", NULL},
    {"1e5", "100000"},
    {"0x10", "16"},
    {"0x1p-3", "0.125"},
    {"0x1.8p1", "3"},
    {"inf", "inf"},
    {"-Infinity", "-inf"},
    {"nan", NULL},
    {"nan(1)", NULL},
    {"1e5000", NULL},
    {"-1e5000", NULL},
    {"1e-5000", NULL},
    {"1e-4950", "0"},
    {"-1e-20", "0"},
    {"4e-18", "0"},
    {"6e-18", "0.00000000000000001"},
    {"-6e-18", "-0.00000000000000001"},
    {"0.1", "0.1"},
    {"1.10", "1.1"},
    {"0.99999999999999999", "0.99999999999999999"},
    {"0.999999999999999999", "1"},
    {"9.9999999999999999999", "10"},
    {"9223372036854775807", "9223372036854775807"},
    {"9223372036854775807.5", "9223372036854775807.5"},
    {"9223372036854775808", "9223372036854775808"},
    {"18446744073709551615", "18446744073709551615"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"100000000000000000000", "100000000000000000000"},
};

static bool to_long_double(const char *text, size_t len, long double *out)
{
    struct slice s = exact_copy(text, len);
    bool ok = number_to_long_double(s, out);
    heap_free((char *)(uintptr_t)s.ptr);
    return ok;
}

START_TEST(long_doubles_are_read_and_written)
{
    const struct long_text *t = &long_texts[_i];
    char text[NUMBER_LONG_TEXT_MAX];
    long double value = 0;
    bool ok = to_long_double(t->text, strlen(t->text), &value);
    ck_assert_msg(ok == (t->written != NULL), "%s", t->text);
    if (!ok)
        return;
    size_t len = number_from_long_double(text, value);
    ck_assert_msg(slice_equal(slice_of(text, len), slice_str(t->written)), "%s: %.*s", t->text, (int)len,
                  text);
}
END_TEST

START_TEST(long_doubles_have_a_limit)
{
    char text[NUMBER_LONG_TEXT_MAX];
    long double value = 0;
    memset(text, '0', sizeof text);
    ck_assert(to_long_double(text, sizeof text - 1, &value));
    ck_assert(!to_long_double(text, sizeof text, &value));
    ck_assert(!to_long_double("1\0", 2, &value));
    ck_assert_uint_lt(number_from_long_double(text, LDBL_MAX), sizeof text);
    ck_assert_uint_lt(number_from_long_double(text, -LDBL_MAX), sizeof text);
    ck_assert_uint_eq(number_from_long_double(text, NAN), 3);
}
END_TEST

/* What printf writes, with the zeros at the end cut. */
static size_t printed(char *text, long double value)
{
    size_t len = (size_t)snprintf(text, NUMBER_LONG_TEXT_MAX, "%.17Lf", value);
    while (text[len - 1] == '0')
        len--;
    len -= text[len - 1] == '.';
    text[len] = '\0';
    if (strcmp(text, "-0") != 0)
        return len;
    strcpy(text, "0");
    return 1;
}

START_TEST(long_doubles_are_written_as_printf_does)
{
    struct random r;
    random_init_seed(&r, 17);
    for (int i = 0; i < 300000; i++) {
        char text[NUMBER_LONG_TEXT_MAX];
        char expected[NUMBER_LONG_TEXT_MAX];
        /* All mantissas, short ones too, from far below the last decimal to beyond 64 bits. */
        uint64_t mantissa = random_next(&r) >> random_below(&r, 64) << random_below(&r, 64);
        long double value = ldexpl((long double)mantissa, (int)random_below(&r, 150) - 140);
        value = random_below(&r, 2) == 0 ? value : -value;
        size_t len = number_from_long_double(text, value);
        ck_assert_msg(len == printed(expected, value) && memcmp(text, expected, len) == 0, "%La", value);
    }
}
END_TEST

START_TEST(sizes_are_parsed)
{
    int64_t bytes = 4711;
    int result = number_parse_size(slice_str(sizes[_i].text), &bytes);
    ck_assert_int_eq(result, sizes[_i].bytes < 0 ? MR_E_NOT_INT : 0);
    ck_assert_int_eq(bytes, sizes[_i].bytes < 0 ? 4711 : sizes[_i].bytes);
}
END_TEST

static const struct {
    const char *text;
    int64_t unit_ms;
    int64_t units; /* -1: refused */
} durations[] = {
    {"30", 1000, 30},
    {"30", 1, 30},
    {"30s", 1000, 30},
    {"30s", 1, 30000},
    {"500ms", 1, 500},
    {"500ms", 1000, -1},
    {"2000ms", 1000, 2},
    {"5m", 1000, 300},
    {"2h", 1000, 7200},
    {"1d", 1000, 86400},
    {"1D", 60000, 1440},
    {"90s", 60000, -1},
    {"0", 1000, 0},
    {"0ms", 1000, 0},
    {"", 1000, -1},
    {"s", 1000, -1},
    {"-1", 1000, -1},
    {"1w", 1000, -1},
    {"1.5s", 1, -1},
    {"1 s", 1000, -1},
    {"9223372036854775807", 1000, INT64_MAX},
    {"9223372036854775808", 1000, -1},
    {"99999999999999999d", 1, -1},
};

START_TEST(durations_are_parsed)
{
    int64_t units = 4711;
    int result = number_parse_duration(slice_str(durations[_i].text), durations[_i].unit_ms, &units);
    ck_assert_int_eq(result, durations[_i].units < 0 ? MR_E_NOT_INT : 0);
    ck_assert_int_eq(units, durations[_i].units < 0 ? 4711 : durations[_i].units);
}
END_TEST

static const struct {
    uint64_t bytes;
    const char *text;
} human[] = {
    {0, "0B"},
    {1023, "1023B"},
    {1024, "1.00K"},
    {1572864, "1.50M"},
    {1073741824, "1.00G"},
    {UINT64_C(5) << 40, "5.00T"},
    {UINT64_C(3) << 50, "3.00P"},
    {UINT64_MAX, "16384.00P"},
};

START_TEST(sizes_for_humans)
{
    char text[NUMBER_TEXT_MAX];
    size_t len = number_human_size(text, human[_i].bytes);
    ck_assert_uint_eq(len, strlen(human[_i].text));
    ck_assert_mem_eq(text, human[_i].text, len);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

UNIT_SUITE(base_number)
{
    tcase_add_test(tc, integers_go_there_and_back);
    tcase_add_loop_test(tc, what_is_no_integer_is_refused, 0, ROWS(not_integers));
    tcase_add_test(tc, one_wrong_byte_anywhere_is_refused);
    tcase_add_test(tc, unsigned_limits);
    tcase_add_loop_test(tc, doubles_that_are_read, 0, ROWS(doubles));
    tcase_add_loop_test(tc, doubles_that_are_refused, 0, ROWS(not_doubles));
    tcase_add_test(tc, doubles_are_read_as_whole_slices);
    tcase_add_test(tc, doubles_are_read_to_the_last_bit);
    tcase_add_loop_test(tc, doubles_are_written_short, 0, ROWS(shortest));
    tcase_add_test(tc, doubles_go_there_and_back);
    tcase_add_loop_test(tc, long_doubles_are_read_and_written, 0, ROWS(long_texts));
    tcase_add_test(tc, long_doubles_have_a_limit);
    tcase_add_test(tc, long_doubles_are_written_as_printf_does);
    tcase_add_loop_test(tc, sizes_are_parsed, 0, ROWS(sizes));
    tcase_add_loop_test(tc, durations_are_parsed, 0, ROWS(durations));
    tcase_add_loop_test(tc, sizes_for_humans, 0, ROWS(human));
}
