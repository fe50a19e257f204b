/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the bitmap commands share: the handlers of bitmap.def, and how a bit's
 * offset is read.
 */
#pragma once

#include "types/string/bits.h"
#include "types/string/string_private.h"

/* Argument I as the offset of a bit: below eight times what a string may grow to. Where WIDTH is
 * not 0, "#N" means N times WIDTH. False: the error has been told. */
bool bitmap_offset(struct command_ctx *ctx, uint32_t i, unsigned width, uint64_t *ret);

/* Makes E (NULL: a new one), the string at the first key, at least *LEN bytes long. *BYTES is its
 * memory, *LEN its length then, and *GREW whether it was shorter. False: the error has been told.
 * What this counts as a write is put right by bitmap_changed. */
bool bitmap_edit(struct command_ctx *ctx, struct entry *e, size_t *len, char **bytes, bool *grew);

/* Behind bitmap_edit, before which DIRTY writes had been counted: tells of CHANGES. */
void bitmap_changed(struct command_ctx *ctx, uint64_t dirty, uint64_t changes, bool grew);

/* bitmap_cmds.c */
command_handler bitmap_cmd_setbit;
command_handler bitmap_cmd_getbit;
command_handler bitmap_cmd_bitcount;
command_handler bitmap_cmd_bitpos;

/* bitmap_op.c */
command_handler bitmap_cmd_bitop;

/* bitmap_field.c */
command_handler bitmap_cmd_bitfield;
command_handler bitmap_cmd_bitfield_ro;
