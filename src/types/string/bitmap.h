/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands that take a string for an array of bits: SETBIT, GETBIT, BITCOUNT, BITPOS,
 * BITOP, BITFIELD.
 */
#pragma once

struct registry;

void bitmap_register(struct registry *registry);
