/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a socket unit will be able to listen: systemd tells of an address that is taken from a
 * process of its own that ends at once, so that the journal may not know any more which unit it
 * spoke of. What a process of the unit says belongs to it for certain.
 */
#pragma once

#include "base/buf.h"

/* WORDS: as the unit's property Listen has them, "127.0.0.1:6379 (Stream) /run/x.sock (Stream)". Those
 * that are addresses of TCP are tried, as the unit does it with FreeBind=yes; others are passed over.
 * How many cannot be listened on; each has a line in WHY. */
unsigned systemd_check_listen(char *const *words, int count, struct buf *why);
