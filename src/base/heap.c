/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The accounted heap: the C library's allocator with a count of usable bytes.
 *
 * Nothing is stored in front of a block: the allocator is asked for the usable size
 * both when a block comes and when it goes, so blocks may be passed to and taken
 * from code that calls malloc and free itself, at the price of the count only. The
 * count is the one word of state, and relaxed: it orders nothing.
 */
#include "base/heap.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_size_t used;

static void *account(void *ptr)
{
    if (ptr != NULL)
        atomic_fetch_add_explicit(&used, malloc_usable_size(ptr), memory_order_relaxed);
    return ptr;
}

void *heap_try_alloc(size_t size)
{
    return account(malloc(size != 0 ? size : 1));
}

void *heap_alloc(size_t size)
{
    void *ptr = heap_try_alloc(size);
    if (__builtin_expect(ptr == NULL, 0))
        heap_exhausted(size);
    return ptr;
}

void *heap_alloc_zero(size_t size)
{
    void *ptr = account(calloc(1, size != 0 ? size : 1));
    if (__builtin_expect(ptr == NULL, 0))
        heap_exhausted(size);
    return ptr;
}

void *heap_try_realloc(void *ptr, size_t size)
{
    size_t before = ptr != NULL ? malloc_usable_size(ptr) : 0;
    void *moved = realloc(ptr, size != 0 ? size : 1);
    if (moved == NULL)
        return NULL;
    atomic_fetch_add_explicit(&used, malloc_usable_size(moved) - before, memory_order_relaxed);
    return moved;
}

void *heap_realloc(void *ptr, size_t size)
{
    void *moved = heap_try_realloc(ptr, size);
    if (__builtin_expect(moved == NULL, 0))
        heap_exhausted(size);
    return moved;
}

char *heap_memdup(const void *ptr, size_t len)
{
    if (__builtin_expect(len == SIZE_MAX, 0))
        heap_exhausted(len);
    char *copy = heap_alloc(len + 1);
    if (len != 0)
        memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

char *heap_strdup(const char *text)
{
    return heap_memdup(text, strlen(text));
}

char *heap_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    size_t size = len < 0 ? 1 : (size_t)len + 1;
    char *text = heap_alloc(size);
    text[0] = '\0';
    if (len > 0) {
        va_start(ap, fmt);
        vsnprintf(text, size, fmt, ap);
        va_end(ap);
    }
    return text;
}

void heap_free(void *ptr)
{
    if (ptr == NULL)
        return;
    atomic_fetch_sub_explicit(&used, malloc_usable_size(ptr), memory_order_relaxed);
    free(ptr);
}

size_t heap_used(void)
{
    return atomic_load_explicit(&used, memory_order_relaxed);
}

_Noreturn void heap_exhausted(size_t size)
{
    /* One write of a buffer on the stack: nothing here may want memory. */
    char line[80];
    int len = snprintf(line, sizeof line, "miniredis: out of memory allocating %zu bytes\n", size);
    if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
        _exit(EXIT_FAILURE);
    abort();
}
