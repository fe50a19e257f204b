/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sketch between its string and its string: what was sparse stays so as long as it may,
 * the rest is worked on with a register in a byte.
 */
#include <string.h>

#include "types/string/hll_private.h"

static const char magic[] = "HYLL";

static const unsigned char *body(struct slice text)
{
    return (const unsigned char *)text.ptr + HLL_HEAD;
}

bool hll_sketch_is(struct slice text)
{
    if (text.len < HLL_HEAD || memcmp(text.ptr, magic, sizeof magic - 1) != 0)
        return false;
    switch (text.ptr[HLL_ENCODING_AT]) {
    case HLL_DENSE:
        return text.len == HLL_DENSE_SIZE;
    case HLL_SPARSE:
        return true;
    default:
        return false;
    }
}

void hll_sketch_clear(struct hll_sketch *s)
{
    memset(s->head, 0, HLL_HEAD);
    memcpy(s->head, magic, sizeof magic - 1);
    s->head[HLL_ENCODING_AT] = HLL_SPARSE;
    s->head[HLL_HEAD - 1] = HLL_COUNT_STALE;
    s->is_sparse = true;
    s->sparse_len = hll_sparse_clear(s->sparse);
}

void hll_sketch_copy(struct hll_sketch *s, struct slice text)
{
    memcpy(s->head, text.ptr, HLL_HEAD);
    s->is_sparse = hll_sketch_encoding(text) == HLL_SPARSE;
    if (s->is_sparse) {
        s->sparse_len = text.len - HLL_HEAD;
        memcpy(s->sparse, body(text), s->sparse_len);
    } else {
        memset(s->registers, 0, sizeof s->registers);
        hll_dense_merge(s->registers, body(text));
    }
}

int hll_sketch_read(struct hll_sketch *s, struct slice text)
{
    if (hll_sketch_encoding(text) == HLL_SPARSE && !hll_sparse_valid(body(text), text.len - HLL_HEAD))
        return MR_E_CORRUPT;
    hll_sketch_copy(s, text);
    return 0;
}

static void become_dense(struct hll_sketch *s)
{
    s->is_sparse = false;
    s->head[HLL_ENCODING_AT] = HLL_DENSE;
}

void hll_sketch_make_dense(struct hll_sketch *s)
{
    if (!s->is_sparse)
        return;
    memset(s->registers, 0, sizeof s->registers);
    hll_sparse_merge(s->registers, s->sparse, s->sparse_len);
    become_dense(s);
}

static size_t sparse_room(size_t max)
{
    return max > HLL_HEAD ? max - HLL_HEAD : 0;
}

bool hll_sketch_set(struct hll_sketch *s, unsigned index, unsigned value, size_t max)
{
    if (s->is_sparse) {
        enum hll_sparse_result r = hll_sparse_set(s->sparse, &s->sparse_len, index, value, sparse_room(max));
        if (r != HLL_SPARSE_FULL)
            return r == HLL_SPARSE_SET;
        hll_sketch_make_dense(s);
    }
    if (s->registers[index] >= value)
        return false;
    s->registers[index] = (uint8_t)value;
    return true;
}

static bool is_clear(const struct hll_sketch *s)
{
    unsigned char clear[2];
    return s->sparse_len == hll_sparse_clear(clear) && memcmp(s->sparse, clear, s->sparse_len) == 0;
}

void hll_sketch_set_all(struct hll_sketch *s, const uint8_t *registers, size_t max)
{
    if (s->is_sparse && is_clear(s)) {
        s->sparse_len = hll_sparse_encode(s->sparse, registers, sparse_room(max));
        if (s->sparse_len > 0)
            return;
        s->sparse_len = hll_sparse_clear(s->sparse);
    }
    uint8_t now[HLL_REGISTERS] = {0};
    if (s->is_sparse)
        hll_sparse_merge(now, s->sparse, s->sparse_len);
    for (unsigned i = 0; i < HLL_REGISTERS && s->is_sparse; i++)
        if (registers[i] > now[i])
            hll_sketch_set(s, i, registers[i], max);
    if (!s->is_sparse)
        memcpy(s->registers, registers, sizeof s->registers);
}

size_t hll_sketch_size(const struct hll_sketch *s)
{
    return s->is_sparse ? HLL_HEAD + s->sparse_len : HLL_DENSE_SIZE;
}

void hll_sketch_write(const struct hll_sketch *s, char *out)
{
    memcpy(out, s->head, HLL_HEAD);
    if (s->is_sparse)
        memcpy(out + HLL_HEAD, s->sparse, s->sparse_len);
    else
        hll_dense_pack((unsigned char *)out + HLL_HEAD, s->registers);
}

int hll_sketch_merge(uint8_t *registers, struct slice text)
{
    size_t len = text.len - HLL_HEAD;
    if (hll_sketch_encoding(text) == HLL_DENSE) {
        hll_dense_merge(registers, body(text));
        return 0;
    }
    if (!hll_sparse_valid(body(text), len))
        return MR_E_CORRUPT;
    hll_sparse_merge(registers, body(text), len);
    return 0;
}

int hll_sketch_count(struct slice text, uint64_t *count)
{
    uint32_t histogram[HLL_VALUES];
    size_t len = text.len - HLL_HEAD;
    if (hll_sketch_encoding(text) == HLL_DENSE) {
        hll_dense_histogram(body(text), histogram);
    } else {
        if (!hll_sparse_valid(body(text), len))
            return MR_E_CORRUPT;
        hll_sparse_histogram(body(text), len, histogram);
    }
    *count = hll_estimate(histogram);
    return 0;
}
