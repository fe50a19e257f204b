/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bits of byte strings, beside models that go bit by bit: every kind of loop that this
 * processor can run, at all alignments and lengths around those of its vectors; fields
 * beside arithmetic that is wider than any of them.
 */
#include "types/string/bits.h"

#include <stdlib.h>
#include <string.h>

#include "types/string/bits_private.h"
#include "unit.h"

#define SHORT_MAX 300 /* bytes: longer than a turn of the portable loops */
#define ALIGNMENT 64
#define LONG_MAX  70000 /* more than a few tiles and turns of any loop */
#define SOURCES   5

__extension__ typedef __int128 wide;

/* check notes every assertion in a file: here are millions. */
#define MUST(...)                                                                                            \
    do {                                                                                                     \
        if (!(__VA_ARGS__))                                                                                  \
            ck_abort_msg("%s", #__VA_ARGS__);                                                                \
    } while (0)

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t below(uint64_t limit)
{
    return draw() % limit;
}

static void set_up(void)
{
    state = 88172645463325252u;
}

/* Bytes of half, few or nearly all bits, ALIGNMENT behind the start of an allocation that ends with
 * them, so that the sanitizer sees a look beyond. */
static char *make_bytes(size_t len, size_t alignment, unsigned kind)
{
    char *whole = malloc(alignment + len);
    if (whole == NULL)
        ck_abort_msg("no memory");
    for (size_t i = 0; i < len; i++) {
        uint64_t r = draw();
        uint64_t few = r & r >> 8 & r >> 16 & r >> 24 & r >> 32;
        whole[alignment + i] = (char)(kind == 0 ? r : kind == 1 ? few : ~few);
    }
    return whole;
}

static bool bit_at(const char *bytes, uint64_t i)
{
    return (bytes[i >> 3] >> (7 - (i & 7)) & 1) != 0;
}

static uint64_t model_count(const char *bytes, uint64_t from, uint64_t to)
{
    uint64_t sum = 0;
    for (uint64_t i = from; i < to; i++)
        sum += bit_at(bytes, i);
    return sum;
}

static uint64_t model_find(const char *bytes, uint64_t from, uint64_t to, bool value)
{
    for (uint64_t i = from; i < to; i++)
        if (bit_at(bytes, i) == value)
            return i;
    return to;
}

/* --- ranges --- */

static void compare_range(const char *bytes, uint64_t from, uint64_t to)
{
    uint64_t set = model_count(bytes, from, to);
    uint64_t first[2] = {model_find(bytes, from, to, false), model_find(bytes, from, to, true)};
    const struct bits_kernels *k;
    for (unsigned kind = 0; (k = bits_kernels_at(kind)) != NULL; kind++) {
        MUST(bits_count_by(k, bytes, from, to) == set);
        for (unsigned value = 0; value < 2; value++)
            MUST(bits_find_by(k, bytes, from, to, value) == first[value]);
    }
    MUST(bits_count(bytes, from, to) == set);
    MUST(bits_find(bytes, from, to, true) == first[1]);
}

START_TEST(ranges_of_all_lengths)
{
    for (size_t len = 0; len <= SHORT_MAX; len++) {
        size_t alignment = below(ALIGNMENT);
        char *whole = make_bytes(len, alignment, (unsigned)(len % 3));
        const char *bytes = whole + alignment;
        compare_range(bytes, 0, len * 8);
        for (unsigned i = 0; i < 4; i++) {
            uint64_t from = below(len * 8 + 1);
            compare_range(bytes, from, from + below(len * 8 - from + 1));
        }
        free(whole);
    }
}
END_TEST

START_TEST(ranges_of_all_alignments)
{
    for (size_t alignment = 0; alignment < ALIGNMENT; alignment++)
        for (unsigned i = 0; i < 16; i++) {
            size_t len = 1 + below(3 * SHORT_MAX);
            char *whole = make_bytes(len, alignment, i % 3);
            uint64_t from = below(len * 8);
            compare_range(whole + alignment, from, from + below(len * 8 - from + 1));
            free(whole);
        }
}
END_TEST

START_TEST(big_ranges)
{
    for (unsigned i = 0; i < 24; i++) {
        size_t len = 1 + below(LONG_MAX);
        char *whole = make_bytes(len, i, i % 3);
        uint64_t from = below(len * 4);
        compare_range(whole + i, from, len * 8 - below(len * 4));
        free(whole);
    }
}
END_TEST

/* One bit is unlike all the others, in every place of a range. */
START_TEST(one_bit_alone)
{
    static char bytes[SHORT_MAX];
    const struct bits_kernels *k;
    for (unsigned kind = 0; (k = bits_kernels_at(kind)) != NULL; kind++)
        for (unsigned value = 0; value < 2; value++)
            for (uint64_t at = 0; at < sizeof bytes * 8; at++) {
                memset(bytes, value ? 0 : 0xff, sizeof bytes);
                bytes[at >> 3] = (char)(bytes[at >> 3] ^ 0x80 >> (at & 7));
                MUST(bits_find_by(k, bytes, 0, sizeof bytes * 8, value) == at);
                MUST(bits_find_by(k, bytes, at, sizeof bytes * 8, value) == at);
                MUST(bits_find_by(k, bytes, 0, at, value) == at);
                MUST(bits_find_by(k, bytes, at + 1, sizeof bytes * 8, value) == sizeof bytes * 8);
                MUST(bits_count_by(k, bytes, 0, sizeof bytes * 8) == (value ? 1 : sizeof bytes * 8 - 1));
            }
}
END_TEST

START_TEST(empty_ranges)
{
    ck_assert_uint_eq(bits_count(NULL, 0, 0), 0);
    ck_assert_uint_eq(bits_count("\xff", 3, 3), 0);
    ck_assert_uint_eq(bits_find(NULL, 0, 0, true), 0);
    ck_assert_uint_eq(bits_find("\xff", 3, 3, true), 3);
}
END_TEST

/* More ones than a lane of counters of one byte each could hold. */
START_TEST(all_ones)
{
    char *bytes = malloc(LONG_MAX);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 0xff, LONG_MAX);
    const struct bits_kernels *k;
    for (unsigned kind = 0; (k = bits_kernels_at(kind)) != NULL; kind++) {
        ck_assert_uint_eq(bits_count_by(k, bytes, 0, LONG_MAX * 8), LONG_MAX * 8);
        ck_assert_uint_eq(bits_find_by(k, bytes, 0, LONG_MAX * 8, false), LONG_MAX * 8);
    }
    free(bytes);
}
END_TEST

/* --- operations --- */

static unsigned model_byte(enum bits_op op, const unsigned char *x, size_t count)
{
    unsigned all = 0xff, any = 0, odd = 0, others = 0, one = 0;
    for (size_t i = 0; i < count; i++) {
        all &= x[i];
        any |= x[i];
        odd ^= x[i];
        others |= i > 0 ? x[i] : 0;
    }
    for (unsigned bit = 0; bit < 8; bit++) {
        unsigned with = 0;
        for (size_t i = 0; i < count; i++)
            with += x[i] >> bit & 1;
        one |= (unsigned)(with == 1) << bit;
    }
    const unsigned results[] = {[BITS_AND] = all,
                                [BITS_OR] = any,
                                [BITS_XOR] = odd,
                                [BITS_NOT] = (unsigned)~x[0] & 0xff,
                                [BITS_DIFF] = x[0] & ~others,
                                [BITS_DIFF1] = others & ~(unsigned)x[0],
                                [BITS_ANDOR] = others & x[0],
                                [BITS_ONE] = one};
    return results[op];
}

static void compare_op(enum bits_op op, const struct slice *sources, size_t count, size_t len)
{
    size_t alignment = below(ALIGNMENT);
    char *whole = make_bytes(len, alignment, 0);
    unsigned char *out = (unsigned char *)whole + alignment;
    const struct bits_kernels *k;
    for (unsigned kind = 0; (k = bits_kernels_at(kind)) != NULL; kind++) {
        memset(out, 0x5a, len);
        bits_combine_by(k, op, (char *)out, len, sources, count);
        for (size_t i = 0; i < len; i++) {
            unsigned char x[SOURCES];
            for (size_t s = 0; s < count; s++)
                x[s] = (unsigned char)(i < sources[s].len ? sources[s].ptr[i] : 0);
            if (out[i] != model_byte(op, x, count))
                ck_abort_msg("kind %u: operation %u of %zu sources: byte %zu of %zu", kind, op, count, i,
                             len);
        }
    }
    free(whole);
}

/* COUNT sources, the longest of LEN bytes, through all operations that take so many. */
static void compare_ops(size_t len, size_t count)
{
    struct slice sources[SOURCES];
    char *whole[SOURCES];
    size_t longest = below(count);
    for (size_t i = 0; i < count; i++) {
        size_t alignment = below(ALIGNMENT);
        size_t mine = i == longest ? len : below(4) == 0 ? 0 : below(len + 1);
        whole[i] = make_bytes(mine, alignment, 0);
        sources[i] = slice_of(mine == 0 ? NULL : whole[i] + alignment, mine);
    }
    for (unsigned op = BITS_AND; op <= BITS_ONE; op++)
        if (op != BITS_NOT || count == 1)
            compare_op(op, sources, count, len);
    for (size_t i = 0; i < count; i++)
        free(whole[i]);
}

START_TEST(operations_of_all_lengths)
{
    for (size_t len = 1; len <= SHORT_MAX; len++)
        compare_ops(len, 1 + len % SOURCES);
}
END_TEST

START_TEST(big_operations)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t count = 1; count <= SOURCES; count++)
            compare_ops(1 + below(LONG_MAX / 2), count);
}
END_TEST

/* --- fields --- */

static wide least(struct bits_field f)
{
    return f.is_signed ? -((wide)1 << (f.width - 1)) : 0;
}

static wide most(struct bits_field f)
{
    return ((wide)1 << (f.width - (f.is_signed ? 1 : 0))) - 1;
}

/* VALUE as so many bits have it. */
static wide wrapped(struct bits_field f, wide value)
{
    wide size = (wide)1 << f.width;
    value %= size;
    if (value < 0)
        value += size;
    return value > most(f) ? value - size : value;
}

static wide model_get(struct slice bytes, struct bits_field f, uint64_t offset)
{
    wide value = 0;
    for (uint64_t i = offset; i < offset + f.width; i++)
        value = value * 2 + (i >> 3 < bytes.len && bit_at(bytes.ptr, i));
    return wrapped(f, value);
}

/* Every width, at every bit of a string that it fits in, begins in or is behind of. */
START_TEST(reading_fields)
{
    enum { LEN = 20 };
    for (unsigned turn = 0; turn < 4; turn++) {
        char *bytes = malloc(LEN);
        ck_assert_ptr_nonnull(bytes);
        for (unsigned i = 0; i < LEN; i++)
            bytes[i] = (char)(turn == 0 ? 0xff : draw());
        for (unsigned width = 1; width <= 64; width++)
            for (unsigned is_signed = width == 64; is_signed < 2; is_signed++)
                for (uint64_t offset = 0; offset < (LEN + 9) * 8; offset++) {
                    struct bits_field f = {is_signed != 0, width};
                    wide value = bits_field_get(slice_of(bytes, LEN), f, offset);
                    MUST(value == model_get(slice_of(bytes, LEN), f, offset));
                }
        free(bytes);
    }
    ck_assert_int_eq(bits_field_get(slice_of(NULL, 0), (struct bits_field){true, 64}, UINT64_C(1) << 32), 0);
}
END_TEST

START_TEST(writing_fields)
{
    enum { LEN = 17 };
    for (unsigned width = 1; width <= 64; width++)
        for (uint64_t offset = 0; offset + width <= LEN * 8; offset++) {
            struct bits_field f = {width == 64 || draw() % 2 == 0, width};
            char *bytes = malloc(LEN), before[LEN];
            ck_assert_ptr_nonnull(bytes);
            for (unsigned i = 0; i < LEN; i++)
                before[i] = bytes[i] = (char)draw();
            int64_t value = (int64_t)draw();
            bits_field_set(bytes, f, offset, value);
            MUST(bits_field_get(slice_of(bytes, LEN), f, offset) == wrapped(f, value));
            for (uint64_t i = 0; i < LEN * 8; i++)
                if (i < offset || i >= offset + width)
                    MUST(bit_at(bytes, i) == bit_at(before, i));
            free(bytes);
        }
}
END_TEST

/* RESULT is what becomes of EXACT in F under RULE. TOO_LARGE: saturated, it is the largest. */
static void compare_rule(struct bits_field f, wide exact, bool too_large, enum bits_overflow rule, bool fits,
                         int64_t result)
{
    bool in_range = exact >= least(f) && exact <= most(f);
    if (in_range || rule == BITS_WRAP) {
        MUST(fits);
        MUST(result == wrapped(f, exact));
    } else if (rule == BITS_SATURATE) {
        MUST(fits);
        MUST(result == (too_large ? most(f) : least(f)));
    } else {
        MUST(!fits);
    }
}

/* Numbers around the bounds of fields and of 64 bits, and any. */
static int64_t interesting(struct bits_field f)
{
    uint64_t bound = UINT64_C(1) << below(64);
    uint64_t near = below(5) - 2;
    switch (below(6)) {
    case 0:
        return (int64_t)((uint64_t)most(f) + near);
    case 1:
        return (int64_t)((uint64_t)least(f) + near);
    case 2:
        return (int64_t)(bound + near);
    case 3:
        return (int64_t)(0 - bound + near);
    case 4:
        return (int64_t)near;
    default:
        return (int64_t)draw();
    }
}

START_TEST(what_fields_hold)
{
    for (unsigned i = 0; i < 400000; i++) {
        bool is_signed = draw() % 2 == 0;
        struct bits_field f = {is_signed, 1 + (unsigned)below(is_signed ? 64 : 63)};
        enum bits_overflow rule = (enum bits_overflow)below(3);
        int64_t value = interesting(f), result = 0;
        bool fits = bits_field_fit(f, value, rule, &result);
        /* A negative number stands for the large one of the same 64 bits. */
        wide exact = is_signed ? value : (wide)(uint64_t)value;
        compare_rule(f, exact, exact > most(f), rule, fits, result);

        int64_t old = (int64_t)wrapped(f, interesting(f)), increment = interesting(f);
        exact = (wide)old + increment;
        fits = bits_field_add(f, old, increment, rule, &result);
        compare_rule(f, exact, exact > most(f), rule, fits, result);
    }
}
END_TEST

UNIT_SUITE(types_bits)
{
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, ranges_of_all_lengths);
    tcase_add_test(tc, ranges_of_all_alignments);
    tcase_add_test(tc, big_ranges);
    tcase_add_test(tc, one_bit_alone);
    tcase_add_test(tc, empty_ranges);
    tcase_add_test(tc, all_ones);
    tcase_add_test(tc, operations_of_all_lengths);
    tcase_add_test(tc, big_operations);
    tcase_add_test(tc, reading_fields);
    tcase_add_test(tc, writing_fields);
    tcase_add_test(tc, what_fields_hold);
}
