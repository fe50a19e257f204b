/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LZF, which RDB files have and lists use in memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Compresses BYTES, less than 4 GiB, to TO, which has ROOM bytes; returns the bytes written, 0 if
 * that is not room enough. */
size_t compress_pack(struct slice bytes, void *to, size_t room);
/* The other way, to TO; false: PACKED does not make LEN bytes. */
bool compress_unpack(struct slice packed, void *to, size_t len);
