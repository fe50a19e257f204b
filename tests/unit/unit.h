/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a unit suite makes itself known: one file per module, one UNIT_SUITE in it,
 * collected before main. tests/unit/main.c runs all of them, or those named. And what all of
 * them may say.
 */
#pragma once

#include <check.h>

void unit_register(const char *name, void (*fill)(TCase *tc));

/* UNIT_SUITE(base_buf) { tcase_add_test(tc, ...); } */
#define UNIT_SUITE(NAME)                                                                                     \
    static void unit_fill_##NAME(TCase *tc);                                                                 \
    __attribute__((constructor)) static void unit_constructor_##NAME(void)                                   \
    {                                                                                                        \
        unit_register(#NAME, unit_fill_##NAME);                                                              \
    }                                                                                                        \
    static void unit_fill_##NAME(TCase *tc)

/* Each ck_assert writes to check's file; in loops that is most of the time. */
#define must(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            ck_abort_msg("%s", #condition);                                                                  \
    } while (0)
