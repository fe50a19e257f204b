/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the unit suites: all, or those whose names begin with an argument.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define SUITES_MAX  128
#define SUITE_LIMIT 120 /* seconds for one test, sanitizers and slow machines included */

static struct {
    const char *name;
    void (*fill)(TCase *tc);
} suites[SUITES_MAX];
static size_t suite_count;

void unit_register(const char *name, void (*fill)(TCase *tc))
{
    if (suite_count == SUITES_MAX)
        abort();
    suites[suite_count].name = name;
    suites[suite_count++].fill = fill;
}

static int wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return 1;
    return argc == 1;
}

/* A runner of its own, since it keeps what every check has said: the next suites' processes would be
 * copies of all that. */
static void run(const char *name, void (*fill)(TCase *tc), int *ret_checks, int *ret_failed)
{
    Suite *s = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, SUITE_LIMIT);
    fill(tc);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    *ret_checks += srunner_ntests_run(runner);
    *ret_failed += srunner_ntests_failed(runner);
    srunner_free(runner);
}

int main(int argc, char **argv)
{
    int checks = 0, failed = 0;
    for (size_t i = 0; i < suite_count; i++)
        if (wanted(suites[i].name, argc, argv))
            run(suites[i].name, suites[i].fill, &checks, &failed);
    if (checks == 0) {
        fprintf(stderr, "no suite of that name\n");
        return EXIT_FAILURE;
    }
    printf("all suites: %d checks, %d failed\n", checks, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
