/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An intset: distinct integers in rising order, all of one width, in the layout that RDB files
 * have.
 *
 *   | u32 width: 2, 4 or 8 | u32 count | integers |       all little-endian
 *
 * It grows to a wider width for an integer that needs it, and keeps that. Nothing here
 * allocates: the owner asks for the bytes that a change leads to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define INTSET_HEAD 8

/* Makes INTSET_HEAD bytes at SET an empty one, of the narrowest width. */
void intset_init(unsigned char *set);
uint32_t intset_count(const unsigned char *set);
size_t intset_bytes(const unsigned char *set);
int64_t intset_at(const unsigned char *set, uint32_t index);
/* True and *INDEX where VALUE stands; false: where it would. */
bool intset_find(const unsigned char *set, int64_t value, uint32_t *index);
/* Bytes after VALUE, which is not there, has been added. */
size_t intset_add_bytes(const unsigned char *set, int64_t value);
/* Adds it at INDEX, where intset_find said; there must be room for these bytes. */
void intset_add(unsigned char *set, int64_t value, uint32_t index);
/* It keeps its width. */
void intset_remove(unsigned char *set, uint32_t index);
/* MR_E_CORRUPT unless the LEN bytes, from whoever, are an intset whole and in order. */
int intset_validate(const unsigned char *set, size_t len) MR_MUST_CHECK;
