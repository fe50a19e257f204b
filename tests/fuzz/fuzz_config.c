/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds bytes to the reader of miniredis.conf.
 */
#include "config_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    config_try(data, size, false);
    return 0;
}
