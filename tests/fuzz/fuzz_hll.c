/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Takes bytes for the body of a sparse HyperLogLog, behind two that choose a register and a
 * value. A decoder of few lines, which reads as the format is drawn, says whether they are
 * valid and what the registers are; all that the real code tells of them must be the same,
 * also after the register was set in the sparse form and in the dense one.
 */
#include "fuzz.h"
#include "types/string/hll_private.h"

/* Whether the bytes are valid; REGISTERS is what they hold then. */
static bool decode(const uint8_t *p, size_t size, uint8_t registers[HLL_REGISTERS])
{
    size_t at = 0;
    memset(registers, 0, HLL_REGISTERS);
    for (size_t i = 0; i < size; i++) {
        size_t count = p[i] + 1u;
        uint8_t value = 0;
        if (p[i] >= 0x80) {
            count = p[i] % 4 + 1u;
            value = (uint8_t)(p[i] / 4 % 32 + 1);
        } else if (p[i] >= 0x40) {
            if (i + 1 == size)
                return false;
            count = (p[i] - 0x40u) * 256 + p[i + 1] + 1;
            i++;
        }
        if (at + count > HLL_REGISTERS)
            return false;
        memset(registers + at, value, count);
        at += count;
    }
    return at == HLL_REGISTERS;
}

static void check_form(const uint8_t *sparse, size_t size, const uint8_t *registers)
{
    uint8_t merged[HLL_REGISTERS] = {0};
    uint32_t histogram[HLL_VALUES], counted[HLL_VALUES] = {0};
    unsigned first = 0;
    for (unsigned i = 0; i < HLL_REGISTERS; i++)
        counted[registers[i]]++;
    for (unsigned i = 0; i < HLL_REGISTERS; i += 97)
        require(hll_sparse_get(sparse, size, i) == registers[i]);
    hll_sparse_merge(merged, sparse, size);
    require(memcmp(merged, registers, sizeof merged) == 0);
    hll_sparse_histogram(sparse, size, histogram);
    require(memcmp(histogram, counted, sizeof counted) == 0);
    for (size_t at = 0; at < size;) {
        struct hll_run run = hll_sparse_run(sparse, at, first);
        require(run.count > 0 && run.value == registers[first]);
        first += run.count;
        at += run.size;
    }
    require(first == HLL_REGISTERS);
}

static void check_set(const struct hll_sketch *from, uint8_t *registers, unsigned index, unsigned value,
                      size_t max)
{
    static struct hll_sketch s;
    s = *from;
    size_t before = hll_sketch_size(&s);
    bool changes = registers[index] < value;
    uint8_t was = registers[index];
    require(hll_sketch_set(&s, index, value, max) == changes);
    registers[index] = (uint8_t)(changes ? value : was);
    if (s.is_sparse) {
        require(hll_sketch_size(&s) <= before || hll_sketch_size(&s) <= max);
        require(hll_sparse_valid(s.sparse, s.sparse_len));
        check_form(s.sparse, s.sparse_len, registers);
    } else {
        require(memcmp(s.registers, registers, HLL_REGISTERS) == 0);
    }
    static char text[HLL_HEAD + HLL_SPARSE_BYTES];
    static struct hll_sketch again;
    hll_sketch_write(&s, text);
    struct slice written = slice_of(text, hll_sketch_size(&s));
    uint64_t count;
    require(hll_sketch_is(written) && hll_sketch_read(&again, written) == 0);
    require(again.is_sparse == s.is_sparse && hll_sketch_count(written, &count) == 0);
    registers[index] = was;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    unsigned index = (data[0] | (unsigned)data[1] << 8) % HLL_REGISTERS;
    unsigned value = data[2] % HLL_LAST_VALUE + 1;
    size_t max = data[3] * 16u;
    /* A copy of its own length, so that what is read beyond is seen. */
    size -= 4;
    char *text = malloc(HLL_HEAD + size);
    require(text != NULL);
    memcpy(text, "HYLL\1\0\0\0\0\0\0\0\0\0\0\x80", HLL_HEAD);
    memcpy(text + HLL_HEAD, data + 4, size);
    static uint8_t registers[HLL_REGISTERS];
    static struct hll_sketch s;
    bool valid = decode(data + 4, size, registers);
    require(hll_sketch_is(slice_of(text, HLL_HEAD + size)));
    require((hll_sketch_read(&s, slice_of(text, HLL_HEAD + size)) == 0) == valid);
    if (valid) {
        check_form((const uint8_t *)text + HLL_HEAD, size, registers);
        check_set(&s, registers, index, value, max);
        check_set(&s, registers, HLL_REGISTERS - 1 - index, value % HLL_SPARSE_VALUES + 1, SIZE_MAX);
    }
    free(text);
    return 0;
}
