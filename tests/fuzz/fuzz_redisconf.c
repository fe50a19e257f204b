/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds bytes to the reader of redis.conf's syntax, and the same bytes, cut at
 * newlines, to the reader of the command line.
 */
#include "config_rows.h"

#define ARGS_MAX 16

static void try_args(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    require(copy != NULL);
    memcpy(copy, data, size);
    copy[size] = '\0';
    char *argv[ARGS_MAX];
    int argc = 0;
    char *rest = copy;
    for (char *arg; argc < ARGS_MAX && (arg = strsep(&rest, "\n")) != NULL;)
        argv[argc++] = arg;
    struct config_values values;
    struct config_module module;
    struct config *c = config_make(&values, &module);
    struct buf faults = {0};
    struct buf passed_over = {0};
    int r = config_load_args(c, argc, argv, &faults, &passed_over);
    require((r < 0) == (faults.len > 0));
    if (r == 0)
        config_check_round_trip(c, &passed_over);
    config_free(c);
    buf_done(&faults);
    buf_done(&passed_over);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    config_try(data, size, true);
    if (config_is_tried(data, size))
        try_args(data, size);
    return 0;
}
