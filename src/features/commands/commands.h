/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * COMMAND and its subcommands: the command table told to clients. Everything comes
 * from the rows; nothing here knows a command.
 */
#pragma once

struct dispatch;

/* Adds the commands to D. */
void commands_register(struct dispatch *d);
