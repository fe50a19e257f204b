/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Takes an integer of 8 bytes, and bytes that claim to be an intset. Where they are found valid,
 * the integer is looked for, put in and taken out again, and all must stay in order.
 */
#include "base/little.h"
#include "container/intset.h"
#include "fuzz.h"

static void check(const unsigned char *set, int64_t value)
{
    uint32_t count = intset_count(set), less = 0, index;
    bool is_there = false;
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = intset_at(set, i);
        require(i == 0 || intset_at(set, i - 1) < at);
        less += at < value;
        is_there |= at == value;
        require(intset_find(set, at, &index) && index == i);
    }
    require(intset_find(set, value, &index) == is_there && index == less);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    int64_t value = (int64_t)little_load64(data);
    size -= 8;
    unsigned char *set = fuzz_copy(data + 8, size);
    if (intset_validate(set, size) == 0) {
        uint32_t index;
        require(intset_bytes(set) == size);
        check(set, value);
        if (!intset_find(set, value, &index)) {
            size_t bytes = intset_add_bytes(set, value);
            set = realloc(set, bytes);
            require(set != NULL);
            intset_add(set, value, index);
            require(intset_validate(set, bytes) == 0);
            check(set, value);
        }
        require(intset_find(set, value, &index));
        intset_remove(set, index);
        require(intset_validate(set, intset_bytes(set)) == 0);
        check(set, value);
    }
    free(set);
    return 0;
}
