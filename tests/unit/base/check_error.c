/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Texts of error codes: ours to the letter, the system's as the C library has them.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "unit.h"

static const struct {
    int code;
    const char *text;
} known[] = {
    {MR_E_SYNTAX, "ERR syntax error"},
    {MR_E_NOT_INT, "ERR value is not an integer or out of range"},
    {MR_E_NOT_FLOAT, "ERR value is not a valid float"},
    {MR_E_WRONG_TYPE, "WRONGTYPE Operation against a key holding the wrong kind of value"},
    {MR_E_NO_KEY, "ERR no such key"},
    {MR_E_NO_AUTH, "NOAUTH Authentication required."},
    {MR_E_LOADING, "LOADING Redis is loading the dataset in memory"},
    {MR_E_TOO_BIG, "ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
    {MR_E_OVERFLOW, "ERR increment or decrement would overflow"},
    {MR_E_DB_INDEX, "ERR DB index is out of range"},
    {-ENOENT, "ERR No such file or directory"},
    {-EADDRINUSE, "ERR Address already in use"},
};

START_TEST(texts_are_exact)
{
    ck_assert_str_eq(error_text(known[_i].code), known[_i].text);
}
END_TEST

START_TEST(every_own_code_has_its_text)
{
    for (int code = MR_E_AGAIN; code >= MR_E_MEMORY; code--) {
        ck_assert_str_ne(error_text(code), error_text(MR_E_MEMORY - 1));
        ck_assert_str_ne(error_phrase(code), error_phrase(MR_E_MEMORY - 1));
        ck_assert_ptr_nonnull(strchr(error_text(code), ' '));
    }
}
END_TEST

#ifdef __GLIBC__
START_TEST(system_texts_are_the_library_s)
{
    int compared = 0;
    for (int number = 1; number < 200; number++) {
        const char *text = strerrordesc_np(number);
        if (text == NULL)
            continue;
        ck_assert_msg(strncmp(error_text(-number), "ERR ", 4) == 0, "%d", number);
        ck_assert_str_eq(error_text(-number) + 4, text);
        ck_assert_str_eq(error_phrase(-number), text);
        compared++;
    }
    ck_assert_int_gt(compared, 100);
}
END_TEST
#endif

START_TEST(phrases_are_plain)
{
    ck_assert_str_eq(error_phrase(MR_E_TRUNCATED), "truncated");
    ck_assert_str_eq(error_phrase(MR_E_SYNTAX), "syntax error");
    ck_assert_str_eq(error_phrase(MR_E_WRONG_TYPE), "wrong kind of value");
    ck_assert_str_eq(error_phrase(0), "no error");
}
END_TEST

START_TEST(unknown_codes_have_a_text)
{
    static const int codes[] = {1, INT_MAX, INT_MIN, -999, MR_E_MEMORY - 1, -41};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ck_assert_str_eq(error_text(codes[i]), "ERR unknown error");
        ck_assert_str_eq(error_phrase(codes[i]), "unknown error");
    }
}
END_TEST

UNIT_SUITE(base_error)
{
    tcase_add_loop_test(tc, texts_are_exact, 0, sizeof known / sizeof *known);
    tcase_add_test(tc, every_own_code_has_its_text);
#ifdef __GLIBC__
    tcase_add_test(tc, system_texts_are_the_library_s);
#endif
    tcase_add_test(tc, phrases_are_plain);
    tcase_add_test(tc, unknown_codes_have_a_text);
}
