/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds the request reader the same bytes in one piece and cut at places that are
 * drawn from the bytes themselves, moved in memory between the pieces, with room for
 * few arguments or for many. What comes out, requests or error, must be the same.
 * The first byte of the input chooses the limits.
 */
#include "base/buf.h"
#include "base/heap.h"
#include "codec/resp_reader.h"
#include "fuzz.h"

struct feed {
    struct resp_reader reader;
    struct resp_limits limits;
    uint64_t seed;
    struct buf record; /* all that came out, in a form that tells any two results apart */
    uint32_t cap;      /* room for arguments at the first call */
};

static uint64_t draw(struct feed *f)
{
    f->seed ^= f->seed << 13;
    f->seed ^= f->seed >> 7;
    f->seed ^= f->seed << 17;
    return f->seed;
}

static void record_request(struct feed *f, const struct slice *args, uint32_t count)
{
    buf_printf(&f->record, "request %u\n", count);
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(&f->record, "%zu:", args[i].len);
        buf_append_slice(&f->record, args[i]);
    }
}

/* One call, with more room where it is asked for. The bytes are a block of their own,
 * so that a look beyond their end is seen. */
static int64_t read_one(struct feed *f, const char *data, size_t len, const char **error)
{
    char *exact = heap_alloc(len > 0 ? len : 1);
    memcpy(exact, data, len);
    uint32_t count = 0;
    uint32_t cap = f->cap;
    struct slice *args = heap_alloc((cap + 1) * sizeof *args);
    int64_t taken = resp_reader_next(&f->reader, &f->limits, exact, len, args, cap, &count, error);
    if (taken == MR_E_TOO_BIG) {
        require(count > cap);
        args = heap_realloc(args, count * sizeof *args);
        uint32_t again = 0;
        taken = resp_reader_next(&f->reader, &f->limits, exact, len, args, count, &again, error);
        require(taken > 0 && again == count);
    }
    if (taken > 0) {
        require((size_t)taken <= len && f->reader.need == 0 && f->reader.saved == NULL);
        record_request(f, args, count);
    } else if (taken == MR_E_AGAIN) {
        require(len == 0 || f->reader.need > len);
    } else {
        require(taken == MR_E_PROTOCOL);
        require(strncmp(*error, "ERR Protocol error: ", 20) == 0);
        buf_printf(&f->record, "error %s\n", *error);
    }
    heap_free(args);
    heap_free(exact);
    return taken;
}

/* Reads all requests of LEN bytes that come in pieces of at most PIECE bytes. */
static void read_all(struct feed *f, const char *data, size_t len, size_t piece)
{
    size_t from = 0;
    size_t to = 0;
    const char *error = NULL;
    for (;;) {
        int64_t taken = read_one(f, data + from, to - from, &error);
        if (taken > 0) {
            from += (size_t)taken;
            continue;
        }
        if (taken != MR_E_AGAIN || to == len)
            break;
        size_t more = piece == 0 ? len : 1 + draw(f) % piece;
        to = len - to < more ? len : to + more;
    }
    buf_printf(&f->record, "taken %zu\n", from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16)
        return 0;
    bool narrow = (data[0] & 2) != 0;
    struct resp_limits limits = {
        .max_bulk = narrow ? 100 : 512 << 20,
        .max_args = narrow ? 50 : INT32_MAX,
        .max_line = narrow ? 24 : 65536,
        .unauthenticated = (data[0] & 1) != 0,
    };
    uint64_t seed = 0x9e3779b97f4a7c15;
    for (size_t i = 0; i < size; i++)
        seed = (seed ^ data[i]) * 0x100000001b3;
    const char *bytes = (const char *)data + 1;
    struct feed whole = {.limits = limits, .cap = 64};
    read_all(&whole, bytes, size - 1, 0);
    /* Pieces of a few bytes cost a call each, so long inputs get longer ones. */
    size_t least = (size - 1) / 64 + 1;
    static const size_t pieces[] = {1, 7, 64, 1000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct feed cut = {.limits = limits, .cap = i % 2 == 0 ? 64 : 2, .seed = seed | 1};
        read_all(&cut, bytes, size - 1, pieces[i] < least ? least : pieces[i]);
        require(slice_equal(buf_slice(&whole.record), buf_slice(&cut.record)));
        resp_reader_done(&cut.reader);
        buf_done(&cut.record);
    }
    resp_reader_done(&whole.reader);
    buf_done(&whole.record);
    return 0;
}
