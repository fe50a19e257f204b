/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CONFIG GET, SET, RESETSTAT, REWRITE: the options of all modules over a connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

struct counters;
struct dispatch;

/* Who may do what is dangerous over a connection. */
enum config_feature_allow { CONFIG_FEATURE_NO, CONFIG_FEATURE_LOCAL, CONFIG_FEATURE_YES };

struct config_feature_options {
    int enable_protected_configs; /* enum config_feature_allow */
    char *overlay_file;           /* for config/config_load.h, which asks for it by name */
};

extern const struct config_option config_feature_rows[];
extern const size_t config_feature_count;

struct config_feature;

/* All arguments must outlive it, and it must outlive D. */
struct config_feature *config_feature_new(struct dispatch *d, struct config *config,
                                          struct counters *counters,
                                          const struct config_feature_options *options);
void config_feature_free(struct config_feature *f);
