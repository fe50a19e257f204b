/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * COMMAND and its subcommands: the command table told to clients. Everything comes
 * from the rows; nothing here knows a command.
 */
#pragma once

#include <stdint.h>

struct dispatch;

struct commands_name {
    uint32_t bit;
    const char *name; /* NULL ends the array */
};

/* The flags (enum command_flag) and the categories (enum command_acl, with their "@"). */
extern const struct commands_name commands_flag_names[];
extern const struct commands_name commands_acl_names[];

/* Adds the commands to D. */
void commands_register(struct dispatch *d);
