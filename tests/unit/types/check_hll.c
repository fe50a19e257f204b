/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forms of a HyperLogLog: hashes and estimates against figures of redis-server 7.0,
 * opcodes by hand, and both forms against registers in an array.
 */
#include <stdio.h>
#include <string.h>

#include "types/string/hll_private.h"
#include "unit.h"

static struct hll_sketch sketch;

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static size_t from_hex(unsigned char *out, const char *hex)
{
    size_t len = 0;
    for (; hex[0] != '\0'; hex += hex[0] == ' ' ? 1 : 2) {
        unsigned byte;
        if (hex[0] == ' ')
            continue;
        ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
        out[len++] = (unsigned char)byte;
    }
    return len;
}

static const struct hash_row {
    const char *element;
    unsigned index, value;
} hashes[] = {
    {"", 5938, 2},
    {"a", 12711, 2},
    {"b", 15780, 1},
    {"ab", 719, 1},
    {"abc", 9474, 1},
    {"1234567", 10327, 3},
    {"12345678", 10579, 3},
    {"123456789", 9293, 2},
    {"0123456789abcde", 15725, 4},
    {"0123456789abcdef", 5949, 1},
    {"hello world, this is a longer element", 856, 1},
};

START_TEST(hash)
{
    const struct hash_row *r = &hashes[_i];
    uint64_t h = hll_estimate_hash(slice_str(r->element));
    ck_assert_uint_eq(hll_register_of(h), r->index);
    ck_assert_uint_eq(hll_value_of(h), r->value);
}
END_TEST

START_TEST(value_of_hash)
{
    ck_assert_uint_eq(hll_value_of(UINT64_MAX), 1);
    ck_assert_uint_eq(hll_value_of(UINT64_C(1) << 14), 1);
    ck_assert_uint_eq(hll_value_of(UINT64_C(1) << 63), 50);
    ck_assert_uint_eq(hll_value_of(16383), HLL_LAST_VALUE);
    ck_assert_uint_eq(hll_value_of(0), HLL_LAST_VALUE);
}
END_TEST

/* --- estimates --- */

static const struct estimate_row {
    struct {
        unsigned value, count;
    } registers[6]; /* the others are 0 */
    uint64_t estimate;
} estimates[] = {
    {{{0, 0}}, UINT64_C(0)},
    {{{1, 1}}, UINT64_C(1)},
    {{{1, 100}}, UINT64_C(100)},
    {{{1, 8000}, {2, 4000}, {3, 2000}, {4, 1000}}, UINT64_C(28413)},
    {{{1, 16384}}, UINT64_C(23637)},
    {{{10, 16384}}, UINT64_C(12102203)},
    {{{50, 16384}}, UINT64_C(9223372036854775808)},
    {{{51, 1}}, UINT64_C(1)},
    {{{51, 16383}}, UINT64_C(193623433)},
    {{{51, 16384}}, UINT64_C(9223372036854775808)},
    {{{63, 16384}}, UINT64_C(9223372036854775808)},
    {{{5, 3000}, {6, 5000}, {7, 4000}, {8, 3000}, {9, 1384}}, UINT64_C(890085)},
    {{{63, 1}}, UINT64_C(1)},
    {{{1, 16383}}, UINT64_C(23636)},
    {{{51, 8000}, {50, 8384}}, UINT64_C(9223372036854775808)},
    {{{12, 6000}, {13, 6000}, {20, 100}, {33, 1}}, UINT64_C(34831)},
};

START_TEST(estimate)
{
    const struct estimate_row *r = &estimates[_i];
    uint32_t histogram[HLL_VALUES] = {HLL_REGISTERS};
    for (unsigned i = 0; i < 6; i++) {
        histogram[r->registers[i].value] += r->registers[i].count;
        histogram[0] -= r->registers[i].count;
    }
    ck_assert_uint_eq(hll_estimate(histogram), r->estimate);
}
END_TEST

/* --- opcodes --- */

static const struct set_row {
    const char *before;
    unsigned index, value, max;
    enum hll_sparse_result result;
    const char *after;
} sets[] = {
    {"7fff", 0, 1, 2984, HLL_SPARSE_SET, "807ffe"},
    {"7fff", 5, 2, 2984, HLL_SPARSE_SET, "04847ff9"},
    {"007ffe", 0, 3, 2984, HLL_SPARSE_SET, "887ffe"},
    {"017ffd", 0, 1, 2984, HLL_SPARSE_SET, "80007ffd"},
    {"017ffd", 1, 1, 2984, HLL_SPARSE_SET, "00807ffd"},
    {"0b7ff3", 6, 2, 2984, HLL_SPARSE_SET, "0584047ff3"},
    {"837ffb", 1, 1, 2984, HLL_SPARSE_SAME, "837ffb"},
    {"837ffb", 1, 2, 2984, HLL_SPARSE_SET, "8084817ffb"},
    {"837ffb", 0, 2, 2984, HLL_SPARSE_SET, "84827ffb"},
    {"837ffb", 3, 3, 2984, HLL_SPARSE_SET, "82887ffb"},
    {"84807ffd", 1, 2, 2984, HLL_SPARSE_SET, "857ffd"},
    {"8480857ffb", 1, 2, 2984, HLL_SPARSE_SET, "877ffb"},
    {"8580857ffa", 2, 2, 2984, HLL_SPARSE_SET, "86857ffa"},
    {"8680847ffa", 3, 2, 2984, HLL_SPARSE_SET, "87847ffa"},
    {"8700877ff6", 4, 2, 2984, HLL_SPARSE_SET, "8784877ff6"},
    {"84848484007ffa", 4, 2, 2984, HLL_SPARSE_SET, "848484857ffa"},
    {"848484008484848484847ff5", 3, 2, 2984, HLL_SPARSE_SET, "8484878584847ff5"},
    {"028484848484807ff6", 8, 2, 2984, HLL_SPARSE_SET, "0284848484857ff6"},
    {"000000000000000000007ff5", 9, 1, 2984, HLL_SPARSE_SET, "000000000000000000807ff5"},
    {"40027ffc", 2, 1, 2984, HLL_SPARSE_SET, "01807ffc"},
    {"40027ffc", 3, 1, 2984, HLL_SPARSE_SET, "4002807ffb"},
    {"8084808480847ff9", 0, 2, 2984, HLL_SPARSE_SET, "85808480847ff9"},
    {"84848480888888887ff7", 3, 3, 2984, HLL_SPARSE_SET, "8484848b887ff7"},
    {"7fff", 5, 2, 2, HLL_SPARSE_FULL, "7fff"},
    {"007ffe", 0, 3, 2, HLL_SPARSE_SET, "887ffe"},
    {"0b7ff3", 6, 2, 2, HLL_SPARSE_FULL, "0b7ff3"},
    {"837ffb", 1, 2, 2, HLL_SPARSE_FULL, "837ffb"},
    {"7fff", 5, 2, 3, HLL_SPARSE_FULL, "7fff"},
    {"007ffe", 0, 3, 3, HLL_SPARSE_SET, "887ffe"},
    {"0b7ff3", 6, 2, 3, HLL_SPARSE_FULL, "0b7ff3"},
    {"837ffb", 1, 2, 3, HLL_SPARSE_FULL, "837ffb"},
    {"7fff", 5, 2, 4, HLL_SPARSE_SET, "04847ff9"},
    {"007ffe", 0, 3, 4, HLL_SPARSE_SET, "887ffe"},
    {"0b7ff3", 6, 2, 4, HLL_SPARSE_FULL, "0b7ff3"},
    {"837ffb", 1, 2, 4, HLL_SPARSE_FULL, "837ffb"},
    {"7fff", 5, 2, 5, HLL_SPARSE_SET, "04847ff9"},
    {"007ffe", 0, 3, 5, HLL_SPARSE_SET, "887ffe"},
    {"0b7ff3", 6, 2, 5, HLL_SPARSE_SET, "0584047ff3"},
    {"837ffb", 1, 2, 5, HLL_SPARSE_SET, "8084817ffb"},
    {"7fff", 5, 2, 6, HLL_SPARSE_SET, "04847ff9"},
    {"007ffe", 0, 3, 6, HLL_SPARSE_SET, "887ffe"},
    {"0b7ff3", 6, 2, 6, HLL_SPARSE_SET, "0584047ff3"},
    {"837ffb", 1, 2, 6, HLL_SPARSE_SET, "8084817ffb"},
    {"7fff", 5, 2, 7, HLL_SPARSE_SET, "04847ff9"},
    {"007ffe", 0, 3, 7, HLL_SPARSE_SET, "887ffe"},
    {"0b7ff3", 6, 2, 7, HLL_SPARSE_SET, "0584047ff3"},
    {"837ffb", 1, 2, 7, HLL_SPARSE_SET, "8084817ffb"},
};

START_TEST(set)
{
    const struct set_row *r = &sets[_i];
    unsigned char bytes[HLL_SPARSE_BYTES], wanted[64];
    size_t len = from_hex(bytes, r->before), wanted_len = from_hex(wanted, r->after);
    ck_assert(hll_sparse_valid(bytes, len));
    ck_assert_int_eq(hll_sparse_set(bytes, &len, r->index, r->value, r->max), r->result);
    ck_assert_uint_eq(len, wanted_len);
    ck_assert_mem_eq(bytes, wanted, len);
    ck_assert(hll_sparse_valid(bytes, len));
}
END_TEST

static const char *const faults[] = {
    "",                  /* nothing */
    "7f",                /* half an opcode */
    "7ffe",              /* a register is missing */
    "7fff00",  "7fff80", /* one too many */
    "7ffe 7f", "7ffe 84 40", "7fff7fff", "7fbf 3f 3f", "00 7fff",
};

START_TEST(not_valid)
{
    unsigned char bytes[16];
    size_t len = from_hex(bytes, faults[_i]);
    ck_assert(!hll_sparse_valid(bytes, len));
}
END_TEST

/* Pairs of bytes that all look like the first of an XZERO, at each distance from a block's start. */
START_TEST(rows_of_firsts)
{
    static unsigned char bytes[HLL_SPARSE_BYTES];
    for (size_t lead = 0; lead < 140; lead++) {
        size_t at = 0;
        unsigned left = HLL_REGISTERS - (unsigned)lead;
        while (at < lead)
            bytes[at++] = 0x80;
        for (; left >= 65 + 65; left -= 65) {
            bytes[at++] = 0x40;
            bytes[at++] = 0x40;
        }
        bytes[at++] = 0x40;
        bytes[at++] = (unsigned char)(left - 1);
        ck_assert(hll_sparse_valid(bytes, at));
        ck_assert(!hll_sparse_valid(bytes, at - 1));
        bytes[at - 1]--;
        ck_assert(!hll_sparse_valid(bytes, at));
        bytes[at - 1]++;
        for (unsigned i = 0; i < 300; i++)
            ck_assert_uint_eq(hll_sparse_get(bytes, at, i), i < lead);
        uint32_t histogram[HLL_VALUES];
        hll_sparse_histogram(bytes, at, histogram);
        ck_assert_uint_eq(histogram[0], HLL_REGISTERS - lead);
        ck_assert_uint_eq(histogram[1], lead);
    }
}
END_TEST

/* --- against a model --- */

static void compare(const uint8_t *model)
{
    static char text[HLL_HEAD + HLL_SPARSE_BYTES];
    static struct hll_sketch again;
    uint8_t read[HLL_REGISTERS] = {0};
    struct slice s = slice_of(text, hll_sketch_size(&sketch));
    hll_sketch_write(&sketch, text);
    ck_assert(hll_sketch_is(s));
    ck_assert_int_eq(hll_sketch_merge(read, s), 0);
    ck_assert_mem_eq(read, model, sizeof read);
    ck_assert_int_eq(hll_sketch_read(&again, s), 0);
    hll_sketch_make_dense(&again);
    ck_assert_mem_eq(again.registers, model, sizeof again.registers);

    uint32_t histogram[HLL_VALUES] = {0};
    uint64_t count;
    for (unsigned i = 0; i < HLL_REGISTERS; i++)
        histogram[model[i]]++;
    ck_assert_int_eq(hll_sketch_count(s, &count), 0);
    ck_assert_uint_eq(count, hll_estimate(histogram));
}

/* Few values in few registers make neighbours that join; all of them make dense ones. */
START_TEST(as_the_model)
{
    static const struct {
        unsigned registers, values, steps;
        size_t max;
    } kinds[] = {{40, 2, 4000, SIZE_MAX},  {300, 3, 4000, SIZE_MAX}, {16384, 4, 6000, SIZE_MAX},
                 {16384, 32, 3000, 3000},  {16384, 51, 500, 3000},   {16384, 3, 30000, SIZE_MAX},
                 {16384, 12, 20000, 1000}, {100, 2, 300, 30},        {5, 2, 50, 0}};
    uint8_t model[HLL_REGISTERS] = {0};
    uint64_t state = 88172645463325252u + (unsigned)_i;
    unsigned spread = HLL_REGISTERS / kinds[_i].registers > 8 ? 1 : HLL_REGISTERS / kinds[_i].registers;
    hll_sketch_clear(&sketch);
    for (unsigned n = 0; n < kinds[_i].steps; n++) {
        unsigned index = (unsigned)(draw(&state) % kinds[_i].registers) * spread;
        unsigned value = (unsigned)(draw(&state) % kinds[_i].values) + 1;
        bool was_sparse = sketch.is_sparse;
        ck_assert_int_eq(hll_sketch_set(&sketch, index, value, kinds[_i].max), model[index] < value);
        model[index] = model[index] < value ? (uint8_t)value : model[index];
        ck_assert(!was_sparse || !sketch.is_sparse || sketch.sparse_len + HLL_HEAD <= kinds[_i].max ||
                  sketch.sparse_len <= 2);
        if (n % 64 == 0 || n + 1 == kinds[_i].steps)
            compare(model);
    }
}
END_TEST

/* All at once is the same as one after the other, for any limit. */
START_TEST(encoded)
{
    static struct hll_sketch single, whole;
    uint64_t state = 99;
    for (unsigned round = 0; round < 120; round++) {
        uint8_t registers[HLL_REGISTERS] = {0};
        unsigned run = (unsigned)draw(&state) % 6 + 1, gap = (unsigned)draw(&state) % 300 + 1;
        unsigned values = (unsigned)draw(&state) % (round % 4 == 0 ? 34 : 4) + 1;
        for (unsigned i = 0; i < HLL_REGISTERS; i += (unsigned)draw(&state) % gap)
            for (unsigned j = (unsigned)draw(&state) % run + 1; j > 0 && i < HLL_REGISTERS; j--)
                registers[i++] = (uint8_t)(draw(&state) % values + 1);
        hll_sketch_clear(&single);
        for (unsigned i = 0; i < HLL_REGISTERS; i++)
            if (registers[i] > 0)
                hll_sketch_set(&single, i, registers[i], SIZE_MAX);
        size_t size = hll_sketch_size(&single);
        for (size_t max = size - 6; max <= size + 12; max++) {
            hll_sketch_clear(&single);
            hll_sketch_clear(&whole);
            for (unsigned i = 0; i < HLL_REGISTERS; i++)
                if (registers[i] > 0)
                    hll_sketch_set(&single, i, registers[i], max);
            hll_sketch_set_all(&whole, registers, max);
            ck_assert_int_eq(whole.is_sparse, single.is_sparse);
            ck_assert_uint_eq(hll_sketch_size(&whole), hll_sketch_size(&single));
            if (whole.is_sparse)
                ck_assert_mem_eq(whole.sparse, single.sparse, whole.sparse_len);
            else
                ck_assert_mem_eq(whole.registers, single.registers, HLL_REGISTERS);
        }
    }
}
END_TEST

START_TEST(dense)
{
    unsigned char bytes[HLL_DENSE_BYTES + 1] = {0};
    uint8_t model[HLL_REGISTERS] = {0};
    uint64_t state = 7;
    bytes[HLL_DENSE_BYTES] = 0xa5;
    for (unsigned n = 0; n < 100000; n++) {
        unsigned index = (unsigned)draw(&state) % HLL_REGISTERS;
        model[index] = (uint8_t)(draw(&state) % HLL_VALUES);
        hll_dense_set(bytes, index, model[index]);
    }
    for (unsigned i = 0; i < HLL_REGISTERS; i++)
        ck_assert_uint_eq(hll_dense_get(bytes, i), model[i]);
    unsigned char packed[HLL_DENSE_BYTES + 1];
    packed[HLL_DENSE_BYTES] = 0x5a;
    hll_dense_pack(packed, model);
    ck_assert_mem_eq(packed, bytes, HLL_DENSE_BYTES);
    ck_assert_uint_eq(packed[HLL_DENSE_BYTES], 0x5a);
    ck_assert_uint_eq(bytes[HLL_DENSE_BYTES], 0xa5);
    ck_assert(hll_dense_agrees(model));

    uint8_t merged[HLL_REGISTERS];
    memset(merged, 30, sizeof merged);
    hll_dense_merge(merged, bytes);
    for (unsigned i = 0; i < HLL_REGISTERS; i++)
        ck_assert_uint_eq(merged[i], model[i] > 30 ? model[i] : 30);
}
END_TEST

/* Counting compares with each value from the lowest to the highest: every range of both. */
START_TEST(counted)
{
    uint8_t registers[HLL_REGISTERS];
    for (unsigned low = 0; low < HLL_VALUES; low += 3)
        for (unsigned high = low; high < HLL_VALUES; high += 5) {
            uint32_t wanted[HLL_VALUES] = {0}, counts[HLL_VALUES];
            for (unsigned i = 0; i < HLL_REGISTERS; i++) {
                registers[i] = (uint8_t)(low + i * 7 % (high - low + 1));
                wanted[registers[i]]++;
            }
            hll_dense_count(registers, counts);
            ck_assert_mem_eq(counts, wanted, sizeof wanted);
        }
}
END_TEST

START_TEST(looks_like_one)
{
    static char text[HLL_DENSE_SIZE + 1];
    memcpy(text, "HYLL", 4);
    ck_assert(hll_sketch_is(slice_of(text, HLL_DENSE_SIZE)));
    ck_assert(!hll_sketch_is(slice_of(text, HLL_DENSE_SIZE + 1)));
    ck_assert(!hll_sketch_is(slice_of(text, HLL_DENSE_SIZE - 1)));
    text[HLL_ENCODING_AT] = HLL_SPARSE;
    ck_assert(hll_sketch_is(slice_of(text, HLL_HEAD)));
    ck_assert(!hll_sketch_is(slice_of(text, HLL_HEAD - 1)));
    ck_assert(!hll_sketch_is(slice_of(text, 0)));
    text[HLL_ENCODING_AT] = 2;
    ck_assert(!hll_sketch_is(slice_of(text, HLL_HEAD)));
    text[HLL_ENCODING_AT] = HLL_SPARSE;
    text[0] = 'h';
    ck_assert(!hll_sketch_is(slice_of(text, HLL_HEAD)));
}
END_TEST

START_TEST(selftest)
{
    const char *fault = hll_selftest();
    ck_assert_msg(fault == NULL, "%s", fault);
}
END_TEST

#define COUNT(ROWS) (int)(sizeof ROWS / sizeof ROWS[0])

UNIT_SUITE(types_hll)
{
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, hash, 0, COUNT(hashes));
    tcase_add_test(tc, value_of_hash);
    tcase_add_loop_test(tc, estimate, 0, COUNT(estimates));
    tcase_add_loop_test(tc, set, 0, COUNT(sets));
    tcase_add_loop_test(tc, not_valid, 0, COUNT(faults));
    tcase_add_test(tc, rows_of_firsts);
    tcase_add_loop_test(tc, as_the_model, 0, 9);
    tcase_add_test(tc, encoded);
    tcase_add_test(tc, dense);
    tcase_add_test(tc, counted);
    tcase_add_test(tc, looks_like_one);
    tcase_add_test(tc, selftest);
}
