/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ordinary heap, accounted. Everything that does not live in the arena comes
 * from here: connections, configuration, features, buffers.
 *
 * An allocation of a size that the program chose ends the process with one clear
 * line when it fails; a size that a user or a file chose is asked for with
 * heap_try_* and refused with an error.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

void *heap_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *heap_alloc_zero(size_t size) __attribute__((malloc, returns_nonnull));
void *heap_realloc(void *ptr, size_t size) __attribute__((returns_nonnull));
char *heap_strdup(const char *text) __attribute__((malloc, returns_nonnull));
/* A NUL-terminated copy of LEN bytes. */
char *heap_memdup(const void *ptr, size_t len) __attribute__((malloc, returns_nonnull));
char *heap_printf(const char *fmt, ...) MR_PRINTF(1, 2);

/* NULL when SIZE cannot be had. */
void *heap_try_alloc(size_t size) MR_MUST_CHECK;
void *heap_try_realloc(void *ptr, size_t size) MR_MUST_CHECK;

/* NULL is allowed. */
void heap_free(void *ptr);

/* Bytes in use, as the allocator counts them (usable sizes). Another thread may
 * read it at any time. */
size_t heap_used(void);

/* Writes a line to standard error and ends the process; for what cannot go on. */
_Noreturn void heap_exhausted(size_t size);
