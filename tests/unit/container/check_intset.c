/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intsets against what redis-server 7.0 dumps for the same integers, and against a plain sorted
 * array while they are changed at random.
 */
#include "container/intset.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "unit.h"

/* In an allocation of its own length. */
static unsigned char *add(unsigned char *set, int64_t value)
{
    uint32_t index;
    must(!intset_find(set, value, &index));
    size_t bytes = intset_add_bytes(set, value);
    set = realloc(set, bytes);
    must(set != NULL);
    intset_add(set, value, index);
    must(intset_bytes(set) == bytes && intset_at(set, index) == value);
    return set;
}

static unsigned char *make(const int64_t *values, size_t count)
{
    unsigned char *set = malloc(INTSET_HEAD);
    must(set != NULL);
    intset_init(set);
    for (size_t i = 0; i < count; i++)
        set = add(set, values[i]);
    return set;
}

#define same_as(bytes, ...)                                                                                  \
    do {                                                                                                     \
        static const int64_t values[] = {__VA_ARGS__};                                                       \
        unsigned char *set = make(values, sizeof values / sizeof values[0]);                                 \
        must(intset_bytes(set) == sizeof bytes - 1 && memcmp(set, bytes, sizeof bytes - 1) == 0);            \
        must(intset_validate(set, sizeof bytes - 1) == 0);                                                   \
        free(set);                                                                                           \
    } while (0)

START_TEST(redis_samples)
{
    same_as("\2\0\0\0\3\0\0\0\xfd\xff\5\0d\0", 5, -3, 100);
    same_as("\4\0\0\0\5\0\0\0\xff\x7f\xff\xff\xfd\xff\xff\xff\5\0\0\0d\0\0\0@\x9c\0\0", 5, -3, 100, 40000,
            -32769);
    same_as("\10\0\0\0\6\0\0\0\0\0\0\0\0\0\0\x80\xfd\xff\xff\xff\xff\xff\xff\xff\5\0\0\0\0\0\0\0"
            "d\0\0\0\0\0\0\0\0\xf2\5*\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f",
            5, -3, 100, 5000000000, INT64_MIN, INT64_MAX);
    /* SADD s 5 40000, SREM s 40000 */
    unsigned char *set = make((const int64_t[]){5, 40000}, 2);
    intset_remove(set, 1);
    must(intset_bytes(set) == 12 && memcmp(set, "\4\0\0\0\1\0\0\0\5\0\0\0", 12) == 0);
    free(set);
}
END_TEST

START_TEST(widths)
{
    static const struct {
        int64_t value;
        size_t bytes;
    } rows[] = {
        {0, 2},         {INT16_MAX, 2}, {INT16_MIN, 2}, {INT16_MAX + 1, 4},          {INT16_MIN - 1, 4},
        {INT32_MAX, 4}, {INT32_MIN, 4}, {1L << 31, 8},  {(int64_t)INT32_MIN - 1, 8}, {INT64_MAX, 8},
        {INT64_MIN, 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++) {
            uint32_t index;
            unsigned char *set = make(&rows[i].value, 1);
            must(intset_bytes(set) == INTSET_HEAD + rows[i].bytes);
            must(intset_find(set, rows[j].value, &index) == (i == j));
            if (i != j) {
                must(index == (rows[j].value > rows[i].value));
                set = add(set, rows[j].value);
                size_t wide = rows[i].bytes > rows[j].bytes ? rows[i].bytes : rows[j].bytes;
                must(intset_bytes(set) == INTSET_HEAD + 2 * wide);
                must(intset_at(set, !index) == rows[i].value);
            }
            must(intset_validate(set, intset_bytes(set)) == 0);
            free(set);
        }
}
END_TEST

#define MODEL_MAX 300

/* The sorted integers; returns where VALUE is or would be. */
static uint32_t place(const int64_t *values, uint32_t count, int64_t value)
{
    uint32_t i = 0;
    while (i < count && values[i] < value)
        i++;
    return i;
}

static void run_model(unsigned shift, uint64_t seed)
{
    int64_t values[MODEL_MAX];
    uint32_t count = 0;
    struct random r;
    random_init_seed(&r, seed);
    unsigned char *set = make(NULL, 0);
    for (unsigned n = 0; n < 4000; n++) {
        int64_t value = count > 0 && random_below(&r, 3) == 0
                            ? values[random_below(&r, count)]
                            : (int64_t)random_next(&r) >> (n < 1000 ? 55 : shift);
        uint32_t index, expect = place(values, count, value);
        bool is_there = expect < count && values[expect] == value;
        must(intset_find(set, value, &index) == is_there && index == expect);
        if (!is_there && count < MODEL_MAX) {
            set = add(set, value);
            memmove(values + index + 1, values + index, (count - index) * sizeof values[0]);
            values[index] = value;
            count++;
        } else if (is_there && random_below(&r, 2) == 0) {
            intset_remove(set, index);
            set = realloc(set, intset_bytes(set));
            count--;
            memmove(values + index, values + index + 1, (count - index) * sizeof values[0]);
        }
        must(intset_count(set) == count);
        for (uint32_t i = 0; i < count; i++)
            must(intset_at(set, i) == values[i]);
        must(intset_validate(set, intset_bytes(set)) == 0);
    }
    free(set);
}

START_TEST(model)
{
    run_model(54, 1);
    run_model(40, 2);
    run_model(20, 3);
    run_model(0, 4);
}
END_TEST

START_TEST(validate)
{
    unsigned char *set = make((const int64_t[]){-5, 3, 900, 30000}, 4);
    size_t len = intset_bytes(set);
    for (size_t i = 0; i < len; i++) {
        unsigned char *exact = malloc(i + 1);
        must(exact != NULL);
        memcpy(exact, set, i);
        must(intset_validate(exact, i) == MR_E_CORRUPT);
        free(exact);
    }
    must(intset_validate(set, len + 1) == MR_E_CORRUPT);
    for (unsigned width = 0; width < 256; width++) {
        set[0] = (unsigned char)width;
        must((intset_validate(set, len) == 0) == (width == 2));
    }
    free(set);
    must(intset_validate((const unsigned char *)"\2\0\0\0\0\0\0\0", 8) == 0);
    must(intset_validate((const unsigned char *)"\2\0\0\0\2\0\0\0\1\0\2\0", 12) == 0);
    must(intset_validate((const unsigned char *)"\2\0\0\0\2\0\0\0\1\0\1\0", 12) == MR_E_CORRUPT);
    must(intset_validate((const unsigned char *)"\2\0\0\0\2\0\0\0\2\0\1\0", 12) == MR_E_CORRUPT);
    /* A count whose bytes are 2^32 + 8. */
    must(intset_validate((const unsigned char *)"\10\0\0\0\1\0\0\x20\1\0\0\0\0\0\0\0", 16) == MR_E_CORRUPT);
}
END_TEST

UNIT_SUITE(container_intset)
{
    tcase_add_test(tc, redis_samples);
    tcase_add_test(tc, widths);
    tcase_add_test(tc, model);
    tcase_add_test(tc, validate);
}
