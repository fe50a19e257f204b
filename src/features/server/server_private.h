/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What server.c and debug.c share.
 */
#pragma once

#include "command/dispatch.h"
#include "features/server/server.h"

struct server {
    const struct server_options *options;
    struct server_ops ops;
};

command_handler server_cmd_debug;
