/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers as text. The C library's number functions see only short NUL-terminated
 * copies, and rely on the program never leaving the C locale for numbers.
 */
#include "base/number.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

#define INT_DIGITS_SAFE 19 /* so many digits never leave 64 unsigned bits */
#define DIGITS_MAX      17 /* so many digits tell any two doubles apart */
#define DIGITS_SURE     15 /* so many digits survive the way through any normal double */
#define POWER_EXACT     22 /* 10 to this is a double without rounding */

#define LONG_PLACES    17 /* decimals of a long double's text */
#define LONG_PLACE_ONE UINT64_C(100000000000000000)

/* So many bits behind the point leave room for two more and for a decimal digit. */
#define FRACTION_BITS_MAX 122

static const double powers[POWER_EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Eight digits at once: neighbours are joined into pairs, pairs into fours, fours
 * into the number, each step one multiplication over all of them. */
static bool eight_digits(const char *text, uint64_t *value)
{
    uint64_t word;
    memcpy(&word, text, 8);
    word = le64toh(word) - UINT64_C(0x3030303030303030);
    /* A byte of 10 or more shows in its high nibble, at the latest with 6 added. */
    if (((word | (word + UINT64_C(0x0606060606060606))) & UINT64_C(0xf0f0f0f0f0f0f0f0)) != 0)
        return false;
    word = (word * 10 + (word >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word * 100 + (word >> 16)) & UINT64_C(0x0000ffff0000ffff);
    word = (word * 10000 + (word >> 32)) & UINT64_C(0xffffffff);
    *value = *value * 100000000 + word;
    return true;
}

bool number_to_uint(struct slice s, uint64_t *out)
{
    if (s.len == 0 || s.len > INT_DIGITS_SAFE + 1)
        return false;
    unsigned digit = (unsigned)(unsigned char)s.ptr[0] - '0';
    if (digit > 9 || (digit == 0 && s.len > 1))
        return false;
    uint64_t value = 0;
    size_t sure = s.len < INT_DIGITS_SAFE ? s.len : INT_DIGITS_SAFE;
    size_t i = 0;
    for (; sure - i >= 8; i += 8)
        if (!eight_digits(s.ptr + i, &value))
            return false;
    for (; i < sure; i++) {
        digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    if (s.len > sure) {
        digit = (unsigned)(unsigned char)s.ptr[sure] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool number_to_int(struct slice s, int64_t *out)
{
    uint64_t value;
    if (s.len == 0)
        return false;
    if (s.ptr[0] != '-') {
        if (!number_to_uint(s, &value) || value > INT64_MAX)
            return false;
        *out = (int64_t)value;
        return true;
    }
    if (!number_to_uint(slice_of(s.ptr + 1, s.len - 1), &value) || value == 0 ||
        value > (uint64_t)INT64_MAX + 1)
        return false;
    *out = (int64_t)(0 - value);
    return true;
}

/* Plain decimal text of at most 19 digits whose digits and power of ten are both
 * exact doubles: one correctly rounded operation then gives the nearest double. */
static bool exact_to_double(struct slice s, double *out)
{
    size_t i = s.len > 0 && s.ptr[0] == '-' ? 1 : 0;
    size_t first = i;
    size_t point = s.len;
    uint64_t digits = 0;
    if (s.len - i == 0 || s.len - i > INT_DIGITS_SAFE)
        return false;
    for (; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (digit <= 9)
            digits = digits * 10 + digit;
        else if (s.ptr[i] == '.' && point == s.len && s.len - first > 1)
            point = i;
        else
            return false;
    }
    if (digits > UINT64_C(1) << 53)
        return false;
    size_t places = point < s.len ? s.len - point - 1 : 0;
    double value = (double)digits / powers[places];
    *out = first == 1 ? -value : value;
    return true;
}

/* Nothing that strtod would pass over stands before the number. */
static bool begins_number(struct slice s)
{
    return s.len != 0 && s.ptr[0] != ' ' && !(s.ptr[0] >= '\t' && s.ptr[0] <= '\r');
}

/* All of TEXT, as a number that a double, or a LONG one, can hold. */
static bool read_number(const char *text, size_t len, bool is_long, long double *out)
{
    char *end;
    int saved = errno;
    errno = 0;
    long double value = is_long ? strtold(text, &end) : strtod(text, &end);
    bool lost = errno == ERANGE && (isinf(value) || value == 0);
    errno = saved;
    if ((size_t)(end - text) != len || isnan(value) || lost)
        return false;
    *out = value;
    return true;
}

bool number_to_double(struct slice s, double *out)
{
    if (exact_to_double(s, out))
        return true;
    if (!begins_number(s))
        return false;
    char small[256];
    char *text = s.len < sizeof small ? small : heap_try_alloc(s.len + 1);
    if (text == NULL)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    long double value;
    bool ok = read_number(text, s.len, false, &value);
    if (text != small)
        heap_free(text);
    if (ok)
        *out = (double)value;
    return ok;
}

bool number_to_long_double(struct slice s, long double *out)
{
    char text[NUMBER_LONG_TEXT_MAX];
    if (!begins_number(s) || s.len >= sizeof text)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return read_number(text, s.len, true, out);
}

static const char pairs[200] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* 1233 / 4096 is the logarithm of 2 to base 10 as exactly as 64 bits need it. */
static unsigned count_digits(uint64_t value)
{
    static const uint64_t limits[20] = {0,
                                        10,
                                        100,
                                        1000,
                                        10000,
                                        100000,
                                        1000000,
                                        10000000,
                                        100000000,
                                        1000000000,
                                        10000000000,
                                        100000000000,
                                        1000000000000,
                                        10000000000000,
                                        100000000000000,
                                        1000000000000000,
                                        10000000000000000,
                                        100000000000000000,
                                        1000000000000000000,
                                        10000000000000000000U};
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12;
    return guess + (value >= limits[guess]);
}

size_t number_from_uint(char *out, uint64_t value)
{
    size_t len = count_digits(value);
    char *at = out + len;
    while (value >= 100) {
        at -= 2;
        memcpy(at, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10)
        memcpy(out, pairs + value * 2, 2);
    else
        *out = (char)('0' + value);
    return len;
}

size_t number_from_int(char *out, int64_t value)
{
    if (value >= 0)
        return number_from_uint(out, (uint64_t)value);
    *out = '-';
    return 1 + number_from_uint(out + 1, 0 - (uint64_t)value);
}

/* A decimal: DIGITS times 10 to POWER. */
struct decimal {
    uint64_t digits;
    int power;
};

/* The shortest decimal of a VALUE with a fraction, digit by digit in exact binary
 * fractions, where 128 bits hold those: VALUE is MANTISSA / 2^SCALE, and the doubles
 * around it are half a unit of its last place away, a quarter below a power of two.
 * Digits are taken until cutting off the rest, or rounding it up, stays so near that
 * VALUE is read back, to the nearer side if both do; a decimal just on the border is
 * read as the even mantissa. */
static bool fraction_decimal(double value, struct decimal *ret)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(value, &exponent), 53);
    int scale = 53 - exponent;
    if (scale <= 0 || scale > FRACTION_BITS_MAX)
        return false;
    bool even = mantissa % 2 == 0;
    bool denser_below = mantissa == UINT64_C(1) << 52;
    unsigned __int128 one = (unsigned __int128)4 << scale;
    unsigned __int128 rest = (unsigned __int128)mantissa * 4;
    unsigned __int128 below = denser_below ? 1 : 2;
    unsigned __int128 above = 2;
    struct decimal d = {(uint64_t)(rest >> (scale + 2)), 0};
    rest &= one - 1;
    for (;;) {
        rest *= 10;
        below *= 10;
        above *= 10;
        d.digits = d.digits * 10 + (uint64_t)(rest >> (scale + 2));
        d.power--;
        rest &= one - 1;
        bool cut = rest < below || (even && rest == below);
        bool up = rest + above > one || (even && rest + above == one);
        if (cut || up) {
            bool nearer_up = rest > one / 2 || (rest == one / 2 && d.digits % 2 == 1);
            d.digits += up && (!cut || nearer_up);
            *ret = d;
            return true;
        }
    }
}

static struct decimal parse_decimal(const char *text)
{
    struct decimal d = {0, 0};
    const char *at = text;
    for (; *at != 'e'; at++)
        if (*at != '.')
            d.digits = d.digits * 10 + (uint64_t)(*at - '0');
    /* The text is D.DDDe+X: all digits but the first stand behind the point. */
    int places = at - text > 1 ? (int)(at - text) - 2 : 0;
    d.power = atoi(at + 1) - places;
    return d;
}

static bool reads_back(struct decimal d, double value)
{
    char text[48];
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)d.digits, d.power);
    return strtod(text, NULL) == value;
}

/* The shortest decimal that reads back, the nearest where several do. Below VALUE the
 * doubles are twice as dense where VALUE is a power of two: there the decimal above
 * may read back although the nearest one, below, does not. */
static struct decimal shortest_decimal(double value)
{
    struct decimal d;
    if (fraction_decimal(value, &d))
        return d;
    int places = isnormal(value) ? DIGITS_SURE : 1;
    for (;; places++) {
        char text[48];
        snprintf(text, sizeof text, "%.*e", places - 1, value);
        d = parse_decimal(text);
        if (places >= DIGITS_MAX || reads_back(d, value))
            break;
        d.digits++;
        if (reads_back(d, value))
            break;
    }
    return d;
}

static size_t plain_text(char *out, const char *digits, int count, int power)
{
    if (power >= 0) {
        memcpy(out, digits, (size_t)count);
        memset(out + count, '0', (size_t)power);
        return (size_t)(count + power);
    }
    int whole = count + power;
    if (whole > 0) {
        memcpy(out, digits, (size_t)whole);
        out[whole] = '.';
        memcpy(out + whole + 1, digits + whole, (size_t)-power);
        return (size_t)count + 1;
    }
    memcpy(out, "0.", 2);
    memset(out + 2, '0', (size_t)-whole);
    memcpy(out + 2 - whole, digits, (size_t)count);
    return (size_t)(2 - whole + count);
}

static size_t scientific_text(char *out, const char *digits, int count, int exponent)
{
    size_t len = 0;
    out[len++] = digits[0];
    if (count > 1) {
        out[len++] = '.';
        memcpy(out + len, digits + 1, (size_t)count - 1);
        len += (size_t)count - 1;
    }
    out[len++] = 'e';
    out[len++] = exponent < 0 ? '-' : '+';
    return len + number_from_uint(out + len, (uint64_t)abs(exponent));
}

size_t number_from_double(char *out, double value)
{
    size_t len = 0;
    if (isnan(value)) {
        memcpy(out, "nan", 3);
        return 3;
    }
    if (signbit(value)) {
        out[len++] = '-';
        value = -value;
    }
    if (isinf(value)) {
        memcpy(out + len, "inf", 3);
        return len + 3;
    }
    if (value <= 0x1p62 && value == (double)(uint64_t)value)
        return len + number_from_uint(out + len, (uint64_t)value);

    struct decimal d = shortest_decimal(value);
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.power++;
    }
    char digits[NUMBER_TEXT_MAX];
    int count = (int)number_from_uint(digits, d.digits);
    int exponent = d.power + count - 1;
    if ((d.power >= 0 && abs(exponent) < count + 7) || (d.power < 0 && (d.power > -7 || abs(exponent) < 4)))
        return len + plain_text(out + len, digits, count, d.power);
    return len + scientific_text(out + len, digits, count, exponent);
}

/* VALUE, not negative and below 2^63, as an integer and LONG_PLACES decimals, where the
 * fraction's bits fit 64 (they always do on x86): their product with the power of ten is then
 * exact in 128, and is rounded once, ties to even. */
static bool split_long_double(long double value, uint64_t *whole, uint64_t *decimals)
{
    *whole = (uint64_t)value;
    *decimals = 0;
    int exponent;
    long double fraction = frexpl(value - (long double)*whole, &exponent);
    if (fraction == 0)
        return true;
    int shift = 64 - exponent;
    if (shift >= 128)
        return true; /* far below half of the last place */
    uint64_t mantissa = (uint64_t)ldexpl(fraction, 64);
    if (ldexpl((long double)mantissa, -64) != fraction)
        return false;
    unsigned __int128 product = (unsigned __int128)mantissa * LONG_PLACE_ONE;
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
    unsigned __int128 rest = product & (half * 2 - 1);
    *decimals = (uint64_t)(product >> shift);
    *decimals += rest > half || (rest == half && *decimals % 2 == 1);
    *whole += *decimals / LONG_PLACE_ONE;
    *decimals %= LONG_PLACE_ONE;
    return true;
}

static size_t cut_zeros(const char *text, size_t len)
{
    while (text[len - 1] == '0')
        len--;
    return text[len - 1] == '.' ? len - 1 : len;
}

size_t number_from_long_double(char *out, long double value)
{
    if (isnan(value) || isinf(value))
        return number_from_double(out, (double)value);
    size_t len = 0;
    uint64_t whole;
    uint64_t decimals;
    if (fabsl(value) < 0x1p63L && split_long_double(fabsl(value), &whole, &decimals)) {
        if (value < 0 && (whole | decimals) != 0)
            out[len++] = '-';
        len += number_from_uint(out + len, whole);
        if (decimals == 0)
            return len;
        /* With a one in front, zeros that lead keep their places. */
        char digits[NUMBER_TEXT_MAX];
        size_t count = number_from_uint(digits, LONG_PLACE_ONE + decimals);
        memcpy(out + len + 1, digits + 1, count - 1);
        out[len] = '.';
        return cut_zeros(out, len + count);
    }
    int printed = snprintf(out, NUMBER_LONG_TEXT_MAX, "%.*Lf", LONG_PLACES, value);
    len = cut_zeros(out, (size_t)printed);
    if (len == 2 && memcmp(out, "-0", 2) == 0) {
        out[0] = '0';
        len = 1;
    }
    return len;
}

/* Splits "123unit" into the number and the rest. */
static bool leading_number(struct slice s, uint64_t *ret_value, struct slice *ret_unit)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (unsigned)(s.ptr[i] - '0'), &value))
            return false;
    *ret_value = value;
    *ret_unit = slice_of(s.ptr + i, s.len - i);
    return i > 0;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static bool find_unit(const struct unit *units, size_t count, struct slice name, uint64_t *ret_factor)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(name, units[i].name)) {
            *ret_factor = units[i].factor;
            return true;
        }
    return false;
}

int number_parse_size(struct slice s, int64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1 << 10},
        {"m", 1000000}, {"mb", 1 << 20}, {"g", 1000000000}, {"gb", 1 << 30},
    };
    uint64_t value;
    uint64_t factor;
    struct slice unit;
    if (!leading_number(s, &value, &unit) || !find_unit(units, sizeof units / sizeof *units, unit, &factor) ||
        __builtin_mul_overflow(value, factor, &value) || value > INT64_MAX)
        return MR_E_NOT_INT;
    *ret_bytes = (int64_t)value;
    return 0;
}

int number_parse_duration(struct slice s, int64_t unit_ms, int64_t *ret_units)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
    };
    uint64_t value;
    uint64_t factor;
    struct slice unit;
    if (!leading_number(s, &value, &unit))
        return MR_E_NOT_INT;
    if (unit.len != 0) {
        if (!find_unit(units, sizeof units / sizeof *units, unit, &factor) ||
            __builtin_mul_overflow(value, factor, &value) || value % (uint64_t)unit_ms != 0)
            return MR_E_NOT_INT;
        value /= (uint64_t)unit_ms;
    }
    if (value > INT64_MAX)
        return MR_E_NOT_INT;
    *ret_units = (int64_t)value;
    return 0;
}

size_t number_human_size(char *out, uint64_t bytes)
{
    static const char letters[] = "KMGTP";
    double scaled = (double)bytes;
    int steps = -1;
    while (scaled >= 1024 && letters[steps + 1] != '\0') {
        scaled /= 1024;
        steps++;
    }
    if (steps < 0) {
        size_t len = number_from_uint(out, bytes);
        out[len] = 'B';
        return len + 1;
    }
    int len = snprintf(out, NUMBER_TEXT_MAX, "%.2f%c", scaled, letters[steps]);
    return len < 0 ? 0 : (size_t)len;
}
