/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The accounted heap: the count follows every way in and out, refusals are refusals,
 * and exhaustion says so in one line.
 */
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/heap.h"
#include "unit.h"

/* Refused sizes are what is tested here; the sanitizer ends the process by default. */
__attribute__((weak)) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Not known to the compiler, which warns of sizes that cannot be. */
static volatile size_t impossible = (size_t)PTRDIFF_MAX - 64;

START_TEST(used_is_the_sum_of_usable_sizes)
{
    size_t before = heap_used();
    char *a = heap_alloc(100);
    char *b = heap_alloc_zero(1000);
    char *c = heap_strdup("some text");
    ck_assert_uint_eq(heap_used() - before,
                      malloc_usable_size(a) + malloc_usable_size(b) + malloc_usable_size(c));
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(b[i], 0);
    a = heap_realloc(a, 50000);
    ck_assert_uint_eq(heap_used() - before,
                      malloc_usable_size(a) + malloc_usable_size(b) + malloc_usable_size(c));
    a = heap_realloc(a, 10);
    heap_free(b);
    heap_free(c);
    ck_assert_uint_eq(heap_used() - before, malloc_usable_size(a));
    heap_free(a);
    heap_free(NULL);
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

START_TEST(size_zero_is_a_block)
{
    size_t before = heap_used();
    void *a = heap_alloc(0);
    void *b = heap_alloc_zero(0);
    void *c = heap_realloc(NULL, 0);
    void *d = heap_try_alloc(0);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_nonnull(d);
    c = heap_realloc(c, 0);
    ck_assert_ptr_nonnull(c);
    heap_free(a);
    heap_free(b);
    heap_free(c);
    heap_free(d);
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

START_TEST(copies_and_texts)
{
    char *copy = heap_memdup("a\0b", 3);
    ck_assert_mem_eq(copy, "a\0b\0", 4);
    heap_free(copy);
    copy = heap_memdup(NULL, 0);
    ck_assert_str_eq(copy, "");
    heap_free(copy);
    char *text = heap_printf("%s=%d", "n", 42);
    ck_assert_str_eq(text, "n=42");
    heap_free(text);
    text = heap_printf("%300d", 7);
    ck_assert_uint_eq(strlen(text), 300);
    heap_free(text);
    text = heap_printf("%s", "");
    ck_assert_str_eq(text, "");
    heap_free(text);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    size_t before = heap_used();
    ck_assert_ptr_null(heap_try_alloc(impossible));
    char *kept = heap_strdup("kept");
    ck_assert_ptr_null(heap_try_realloc(kept, impossible));
    ck_assert_str_eq(kept, "kept");
    heap_free(kept);
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

static void ends_with_line(void (*act)(void), const char *line)
{
    int ends[2];
    char said[512];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n; len < sizeof said - 1 && (n = read(ends[0], said + len, sizeof said - 1 - len)) > 0;)
        len += (size_t)n;
    said[len] = '\0';
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(said, line));
}

static void exhaust(void)
{
    heap_exhausted(12345);
}

static void alloc_too_much(void)
{
    void *ptr = heap_alloc(impossible);
    memset(ptr, 1, 1);
}

START_TEST(exhaustion_ends_with_a_line)
{
    ends_with_line(exhaust, "miniredis: out of memory allocating 12345 bytes\n");
    ends_with_line(alloc_too_much, "miniredis: out of memory allocating 9223372036854775743 bytes\n");
}
END_TEST

static void *churn(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++)
        heap_free(heap_alloc((size_t)i % 500));
    return NULL;
}

START_TEST(threads_do_not_lose_counts)
{
    size_t before = heap_used();
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

UNIT_SUITE(base_heap)
{
    tcase_add_test(tc, used_is_the_sum_of_usable_sizes);
    tcase_add_test(tc, size_zero_is_a_block);
    tcase_add_test(tc, copies_and_texts);
    tcase_add_test(tc, impossible_sizes_are_refused);
    tcase_add_test(tc, exhaustion_ends_with_a_line);
    tcase_add_test(tc, threads_do_not_lose_counts);
}
