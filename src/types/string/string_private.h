/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handlers of string.def.
 */
#pragma once

#include "command/dispatch.h"

command_handler string_cmd_get;
command_handler string_cmd_set;
