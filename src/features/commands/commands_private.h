/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What commands.c (INFO, LIST, GETKEYS) and docs.c (DOCS) share.
 */
#pragma once

#include "command/dispatch.h"
#include "features/commands/commands.h"

/* The names of the bits that are set, as a set of simple strings. */
void commands_reply_flags(struct resp_writer *w, const struct commands_name *names, uint32_t bits);
/* The full name in lower case, a bulk string. */
void commands_reply_name(struct resp_writer *w, const struct registry_entry *e);

command_handler commands_cmd_docs;
