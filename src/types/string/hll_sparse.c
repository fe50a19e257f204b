/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sparse form: runs of equal registers.
 *
 * Finding the run of a register means to add up the runs before it. Where the processor
 * has vectors this is done for 64 bytes at a time: all bytes are taken for opcodes, but the
 * second bytes of XZERO are told apart by arithmetic on a mask of the first ones (as
 * backslashes are in G. Langdale, D. Lemire, "Parsing gigabytes of JSON per second", 2019),
 * and the few runs of XZERO are then added one by one.
 *
 * How a run is split, and which neighbours grow together after, is visible in the string,
 * and so does as redis-server does.
 */
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "types/string/hll_private.h"

#define KIND_MASK  0xc0
#define KIND_ZERO  0x00
#define KIND_XZERO 0x40
#define VAL        0x80

#define ZERO_MAX 64
#define VAL_MAX  4

#define ENCODED_MOST 8 /* bytes that a string may grow to for a while when a register is set */

#define JOINED 5 /* runs that are looked at for neighbours to join after one was set */

static inline bool is_xzero(unsigned char byte)
{
    return (byte & KIND_MASK) == KIND_XZERO;
}

static inline bool is_val(unsigned char byte)
{
    return (byte & VAL) != 0;
}

static inline unsigned val_value(unsigned char byte)
{
    return (byte >> 2 & 31) + 1;
}

static inline unsigned val_count(unsigned char byte)
{
    return (byte & 3) + 1;
}

static inline unsigned xzero_count(const unsigned char *p)
{
    return ((unsigned)(p[0] & 63) << 8 | p[1]) + 1;
}

static inline unsigned char val_byte(unsigned value, unsigned count)
{
    return (unsigned char)(VAL | (value - 1) << 2 | (count - 1));
}

/* Registers and bytes of the opcode at P. */
static inline unsigned opcode(const unsigned char *p, unsigned *size)
{
    *size = 1;
    if (is_val(*p))
        return val_count(*p);
    if (!is_xzero(*p))
        return *p + 1u;
    *size = 2;
    return xzero_count(p);
}

struct hll_run hll_sparse_run(const unsigned char *sparse, size_t at, unsigned first)
{
    unsigned size;
    unsigned count = opcode(sparse + at, &size);
    return (struct hll_run){.at = at,
                            .size = size,
                            .first = first,
                            .count = count,
                            .value = is_val(sparse[at]) ? val_value(sparse[at]) : 0};
}

/* --- adding up runs --- */

/* How far one has come: the opcode at AT begins with register FIRST. BEFORE is where the one before
 * it is. */
struct place {
    size_t at, before;
    uint64_t first;
};

#define NOWHERE SIZE_MAX

#if defined(__SSE2__)

#define BLOCK 64

/* Second bytes of XZERO among those of a block, of which SECOND says whether the first is one.
 * FIRSTS are the bytes that look like XZERO's first. */
static inline uint64_t second_bytes(uint64_t firsts, unsigned second)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    firsts &= ~(uint64_t)second;
    uint64_t behind = firsts << 1 | second;
    /* In a row of such bytes every other one is a first. Adding where rows begin at an odd place
     * turns those rows over, so that parity tells which. */
    uint64_t odd_rows = firsts & ~even & ~behind;
    return (even ^ (odd_rows + firsts) << 1) & behind;
}

/* The runs of the 64 bytes at P, of those of XZERO that end there; *SECONDS gets the bytes that are
 * no opcodes, *OPEN whether an XZERO's second byte is the next one. */
static inline uint64_t block_sum(const unsigned char *p, unsigned *open, uint64_t *seconds)
{
    const __m128i kind = _mm_set1_epi8((char)KIND_MASK), xzero = _mm_set1_epi8(KIND_XZERO);
    const __m128i zero_bits = _mm_set1_epi8(63), val_bits = _mm_set1_epi8(3), one = _mm_set1_epi8(1);
    const __m128i nought = _mm_setzero_si128();
    __m128i sums = nought;
    uint64_t firsts = 0;
    for (unsigned i = 0; i < BLOCK / 16; i++) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        __m128i x = _mm_cmpeq_epi8(_mm_and_si128(b, kind), xzero);
        __m128i v = _mm_cmpgt_epi8(nought, b);
        __m128i bits = _mm_or_si128(_mm_and_si128(v, val_bits), _mm_andnot_si128(v, zero_bits));
        __m128i runs = _mm_andnot_si128(x, _mm_add_epi8(_mm_and_si128(b, bits), one));
        sums = _mm_add_epi64(sums, _mm_sad_epu8(runs, nought));
        firsts |= (uint64_t)(unsigned)_mm_movemask_epi8(x) << (16 * i);
    }
    uint64_t sum = (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(sums, _mm_unpackhi_epi64(sums, sums)));
    *seconds = second_bytes(firsts, *open);
    *open = (unsigned)((firsts & ~*seconds) >> (BLOCK - 1));
    for (uint64_t left = *seconds; left != 0; left &= left - 1) {
        const unsigned char *q = p + __builtin_ctzll(left);
        unsigned size;
        sum += xzero_count(q - 1);
        sum -= is_xzero(*q) ? 0 : opcode(q, &size);
    }
    return sum;
}

/* Goes from the start over whole blocks as long as they end before register INDEX. */
static struct place skip_blocks(const unsigned char *sparse, size_t len, uint64_t index)
{
    uint64_t first = 0, seconds_before = 0;
    unsigned open = 0;
    size_t at = 0;
    while (len - at >= BLOCK) {
        unsigned next_open = open;
        uint64_t seconds;
        uint64_t sum = block_sum(sparse + at, &next_open, &seconds);
        if (first + sum > index)
            break;
        first += sum;
        at += BLOCK;
        open = next_open;
        seconds_before = seconds;
    }
    struct place p = {.at = at - open, .before = NOWHERE, .first = first};
    if (at > 0)
        p.before = p.at - 1 - (seconds_before >> (BLOCK - 1 - open) & 1);
    return p;
}

#else

static struct place skip_blocks(const unsigned char *sparse, size_t len, uint64_t index)
{
    (void)sparse;
    (void)len;
    (void)index;
    return (struct place){.before = NOWHERE};
}

#endif

bool hll_sparse_valid(const unsigned char *sparse, size_t len)
{
    if (len > HLL_SPARSE_BYTES)
        return false;
    struct place p = skip_blocks(sparse, len, UINT64_MAX);
    while (p.at < len) {
        unsigned size;
        if (is_xzero(sparse[p.at]) && p.at + 1 == len)
            return false;
        p.first += opcode(sparse + p.at, &size);
        p.at += size;
    }
    return p.first == HLL_REGISTERS;
}

/* The run that register INDEX is in. */
static struct place find(const unsigned char *sparse, size_t len, unsigned index)
{
    struct place p = skip_blocks(sparse, len, index);
    for (;;) {
        unsigned size;
        unsigned count = opcode(sparse + p.at, &size);
        if (p.first + count > index)
            return p;
        p.first += count;
        p.before = p.at;
        p.at += size;
    }
}

/* --- reading --- */

unsigned hll_sparse_get(const unsigned char *sparse, size_t len, unsigned index)
{
    unsigned char byte = sparse[find(sparse, len, index).at];
    return is_val(byte) ? val_value(byte) : 0;
}

void hll_sparse_merge(uint8_t *registers, const unsigned char *sparse, size_t len)
{
    unsigned size;
    for (size_t at = 0; at < len; at += size) {
        unsigned count = opcode(sparse + at, &size);
        if (is_val(sparse[at])) {
            uint8_t value = (uint8_t)val_value(sparse[at]);
            for (unsigned i = 0; i < count; i++)
                registers[i] = registers[i] > value ? registers[i] : value;
        }
        registers += count;
    }
}

#if defined(__SSE2__)

/* Counts the bytes of whole blocks, but for second ones; returns where the rest begins. */
static size_t count_blocks(const unsigned char *sparse, size_t len, uint32_t bytes[256])
{
    unsigned open = 0;
    size_t at = 0;
    uint64_t seconds;
    for (; len - at >= BLOCK; at += BLOCK) {
        block_sum(sparse + at, &open, &seconds);
        for (unsigned i = 0; i < BLOCK; i++)
            bytes[sparse[at + i]]++;
        for (; seconds != 0; seconds &= seconds - 1)
            bytes[sparse[at + (unsigned)__builtin_ctzll(seconds)]]--;
    }
    return at + open;
}

#else

static size_t count_blocks(const unsigned char *sparse, size_t len, uint32_t bytes[256])
{
    (void)sparse;
    (void)len;
    (void)bytes;
    return 0;
}

#endif

void hll_sparse_histogram(const unsigned char *sparse, size_t len, uint32_t histogram[HLL_VALUES])
{
    uint32_t bytes[256] = {0};
    for (size_t at = count_blocks(sparse, len, bytes); at < len; at += is_xzero(sparse[at]) ? 2 : 1)
        bytes[sparse[at]]++;
    memset(histogram, 0, HLL_VALUES * sizeof *histogram);
    histogram[0] = HLL_REGISTERS;
    for (unsigned byte = VAL; byte < 256; byte++) {
        uint32_t count = bytes[byte] * val_count((unsigned char)byte);
        histogram[val_value((unsigned char)byte)] += count;
        histogram[0] -= count;
    }
}

/* --- writing --- */

static size_t put_zeros(unsigned char *out, unsigned count)
{
    if (count <= ZERO_MAX) {
        out[0] = (unsigned char)(KIND_ZERO | (count - 1));
        return 1;
    }
    out[0] = (unsigned char)(KIND_XZERO | (count - 1) >> 8);
    out[1] = (unsigned char)(count - 1);
    return 2;
}

static size_t put_run(unsigned char *out, unsigned value, unsigned count)
{
    if (count == 0)
        return 0;
    if (value == 0)
        return put_zeros(out, count);
    out[0] = val_byte(value, count);
    return 1;
}

size_t hll_sparse_clear(unsigned char *sparse)
{
    return put_zeros(sparse, HLL_REGISTERS);
}

size_t hll_sparse_encode(unsigned char *sparse, const uint8_t *registers, size_t max)
{
    size_t len = 0;
    unsigned count;
    for (unsigned i = 0; i < HLL_REGISTERS; i += count) {
        unsigned most = registers[i] > 0 ? VAL_MAX : HLL_REGISTERS;
        for (count = 1; count < most && i + count < HLL_REGISTERS; count++)
            if (registers[i + count] != registers[i])
                break;
        if (registers[i] > HLL_SPARSE_VALUES || len + ENCODED_MOST > max)
            return 0;
        len += put_run(sparse + len, registers[i], count);
    }
    return len;
}

/* Joins runs of the same value, from the one at AT on, as far as they fit in one. */
static void join(unsigned char *sparse, size_t *len, size_t at)
{
    for (unsigned looked = 0; looked < JOINED && at < *len; looked++) {
        unsigned char *p = sparse + at;
        if (!is_val(p[0])) {
            at += is_xzero(p[0]) ? 2 : 1;
            continue;
        }
        if (at + 1 < *len && is_val(p[1]) && val_value(p[0]) == val_value(p[1]) &&
            val_count(p[0]) + val_count(p[1]) <= VAL_MAX) {
            p[1] = val_byte(val_value(p[0]), val_count(p[0]) + val_count(p[1]));
            memmove(p, p + 1, *len - at - 1);
            (*len)--;
            continue;
        }
        at++;
    }
}

enum hll_sparse_result hll_sparse_set(unsigned char *sparse, size_t *len, unsigned index, unsigned value,
                                      size_t max)
{
    if (value > HLL_SPARSE_VALUES)
        return HLL_SPARSE_FULL;
    struct place p = find(sparse, *len, index);
    struct hll_run run = hll_sparse_run(sparse, p.at, (unsigned)p.first);
    if (run.value >= value)
        return HLL_SPARSE_SAME;
    unsigned char parts[5];
    size_t size = put_run(parts, run.value, index - run.first);
    size += put_run(parts + size, value, 1);
    size += put_run(parts + size, run.value, run.first + run.count - index - 1);
    if (size > run.size && *len + size - run.size > max)
        return HLL_SPARSE_FULL;
    unsigned char *at = sparse + run.at;
    if (size != run.size)
        memmove(at + size, at + run.size, *len - run.at - run.size);
    memcpy(at, parts, size);
    *len = *len + size - run.size;
    join(sparse, len, p.before == NOWHERE ? 0 : p.before);
    return HLL_SPARSE_SET;
}
