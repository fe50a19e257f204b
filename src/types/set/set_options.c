/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of sets.
 */
#include "types/set/set.h"

#define LIMIT(NAME, FIELD, FALLBACK, SENTENCE)                                                               \
    {                                                                                                        \
        .name = (NAME), .type = CONFIG_INT, .flags = CONFIG_RUNTIME,                                         \
        .offset = offsetof(struct set_options, FIELD), .fallback = (FALLBACK), .min = 0, .max = INT64_MAX,   \
        .sentence = (SENTENCE)                                                                               \
    }

const struct config_option set_config_rows[] = {
    LIMIT("set-max-intset-entries", max_intset_entries, "512",
          "The members up to which a set that has only integers is kept as a packed array of them."),
    LIMIT("set-max-listpack-entries", max_listpack_entries, "128",
          "The members up to which any other set is kept packed, which takes less memory and, where they "
          "are many, more time than a table."),
    LIMIT("set-max-listpack-value", max_listpack_value, "64",
          "The bytes up to which the members of a set may be long for it to be kept packed."),
};
const size_t set_config_count = sizeof set_config_rows / sizeof set_config_rows[0];
