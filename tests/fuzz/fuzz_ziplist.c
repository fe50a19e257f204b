/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds bytes to the readers of ziplists and zipmaps: nothing outside of them is read, every text
 * that is handed out stands in them, the count is that of the entries, and what reads well does so
 * again with nobody looking.
 */
#include "codec/ziplist.h"
#include "fuzz.h"

struct seen {
    const char *bytes;
    size_t len;
    uint64_t count;
    unsigned sum;
};

static bool see(void *arg, const struct ziplist_value *v)
{
    struct seen *seen = arg;
    seen->count++;
    if (v->text == NULL) {
        require(v->len == 0);
        return true;
    }
    require(v->text >= seen->bytes && (size_t)(v->text - seen->bytes) <= seen->len);
    require(v->len <= seen->len - (size_t)(v->text - seen->bytes));
    for (uint32_t i = 0; i < v->len; i++)
        seen->sum += (unsigned char)v->text[i];
    return true;
}

static void check(int (*read)(struct slice, ziplist_fn *, void *, uint64_t *), const char *bytes, size_t len)
{
    struct seen seen = {.bytes = bytes, .len = len};
    uint64_t count = 77, again = 77;
    int code = read(slice_of(bytes, len), see, &seen, &count);
    require(code == 0 || code == MR_E_CORRUPT);
    require(read(slice_of(bytes, len), NULL, NULL, &again) == code && again == count);
    require(count == (code == 0 ? seen.count : 77));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = fuzz_copy(data, size);
    check(ziplist_read, bytes, size);
    check(ziplist_read_zipmap, bytes, size);
    free(bytes);
    return 0;
}
