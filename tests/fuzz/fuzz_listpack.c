/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Takes 8 bytes that choose a change, and bytes that claim to be a listpack. Where they are found
 * valid, a decoder of few lines, which reads them as the layout is drawn, says what is in them;
 * walking both ways, seeking, finding, drawing, loading and changing must tell the same. The first
 * byte's high bit has the rest be texts of which a listpack is made.
 */
#include "base/random.h"
#include "container/listpack.h"
#include "fuzz.h"

#define ENTRIES_MAX 4096
#define LOOKED_AT   24 /* entries for which something is tried that takes a walk */

struct entry {
    size_t at;
    struct slice text;
    char scratch[NUMBER_TEXT_MAX];
};

static struct entry entries[ENTRIES_MAX];

/* Bytes of the integer behind the first byte; -1: none such. */
static int int_bytes(uint8_t first)
{
    if (first < 0x80)
        return 0;
    if (first >= 0xc0 && first <= 0xdf)
        return 1;
    return first == 0xf1 ? 2 : first == 0xf2 ? 3 : first == 0xf3 ? 4 : first == 0xf4 ? 8 : -1;
}

static size_t decode_one(const uint8_t *p, struct entry *e)
{
    int bytes = int_bytes(*p);
    if (bytes >= 0) {
        uint64_t value = bytes == 0 ? *p : bytes == 1 ? (*p & 31u) << 8 | p[1] : 0;
        for (int i = bytes; i > 1 || (i == 1 && bytes > 1); i--)
            value = value << 8 | p[i];
        unsigned unused = bytes == 0 ? 0 : bytes == 1 ? 51 : 64 - 8 * (unsigned)bytes;
        int64_t integer = (int64_t)(value << unused) >> unused;
        e->text = slice_of(e->scratch, number_from_int(e->scratch, integer));
        return 1 + (size_t)bytes;
    }
    size_t head = 1, len = *p & 63u;
    if (*p >= 0xe0) {
        head = *p == 0xf0 ? 5 : 2;
        len = *p == 0xf0 ? p[1] | (size_t)p[2] << 8 | (size_t)p[3] << 16 | (size_t)p[4] << 24
                         : (*p & 15u) * (size_t)256 + p[1];
    }
    e->text = slice_of(p + head, len);
    return head + len;
}

static size_t decode(const uint8_t *lp, size_t size)
{
    size_t count = 0;
    for (size_t at = LISTPACK_HEAD; at < size - 1; count++) {
        if (count == ENTRIES_MAX)
            return SIZE_MAX;
        struct entry *e = &entries[count];
        e->at = at;
        size_t len = decode_one(lp + at, e);
        at += len + (len <= 127 ? 1 : len < 16383 ? 2 : len < 2097151 ? 3 : 4);
    }
    return count;
}

static bool is_text(const uint8_t *lp, size_t at, struct slice text)
{
    char scratch[NUMBER_TEXT_MAX];
    struct listpack_value v;
    listpack_get(lp, at, &v);
    return slice_equal(listpack_text(&v, scratch), text);
}

static void check_walks(const uint8_t *lp, size_t count)
{
    size_t at = listpack_first(lp);
    require(listpack_count(lp) == count);
    for (size_t i = 0; i < count; i++, at = listpack_next(lp, at)) {
        require(at == entries[i].at && is_text(lp, at, entries[i].text));
        if (i < LOOKED_AT || count - i < LOOKED_AT) {
            require(listpack_seek(lp, (int64_t)i) == at);
            require(listpack_seek(lp, (int64_t)i - (int64_t)count) == at);
        }
    }
    require(at == 0 && listpack_seek(lp, (int64_t)count) == 0);
    at = listpack_last(lp);
    for (size_t i = count; i-- > 0; at = listpack_prev(lp, at))
        require(at == entries[i].at);
    require(at == 0);
}

/* What is found, if the shortest encodings are not sure, need only be right. */
static void check_find(const uint8_t *lp, size_t count, struct slice text, bool shortest)
{
    size_t first = 0, last = 0, key = 0;
    unsigned step = 1 + (unsigned)text.len % 3;
    for (size_t i = 0; i < count; i++) {
        if (!slice_equal(entries[i].text, text))
            continue;
        first = first == 0 ? entries[i].at : first;
        last = entries[i].at;
        key = i % step == 0 ? last : key;
    }
    size_t found = listpack_find(lp, listpack_first(lp), text);
    size_t back = listpack_find_back(lp, listpack_last(lp), text);
    size_t found_key = listpack_find_key(lp, text, step);
    require(found == 0 || is_text(lp, found, text));
    require(back == 0 || is_text(lp, back, text));
    require(found_key == 0 || is_text(lp, found_key, text));
    if (shortest) {
        require(found == first && back == last && (found_key == 0) == (key == 0));
        require(first == 0 || listpack_equal(lp, first, text));
    }
}

static void check_all(const uint8_t *lp, bool shortest)
{
    size_t count = decode(lp, listpack_bytes(lp));
    if (count == SIZE_MAX)
        return;
    check_walks(lp, count);
    for (size_t i = 0; i < count && i < LOOKED_AT; i++)
        check_find(lp, count, entries[i].text, shortest);
    check_find(lp, count, slice_str("7"), shortest);
    check_find(lp, count, slice_str(""), shortest);
    check_find(lp, count, slice_str("some text that is long enough"), shortest);
    struct random r;
    size_t offsets[LOOKED_AT];
    random_init_seed(&r, count);
    uint32_t drawn = count / 2 < LOOKED_AT ? (uint32_t)count / 2 : LOOKED_AT;
    listpack_draw(lp, 2, &r, offsets, drawn);
    for (uint32_t i = 1; i < drawn; i++)
        require(offsets[i] > offsets[i - 1]);
}

/* Replaces some entries, as CONTROL says, by texts that stand in the listpack too. */
static void check_change(const uint8_t *lp, const uint8_t *control)
{
    struct listpack_value values[4];
    struct listpack_shape shape;
    uint64_t count = listpack_count(lp);
    uint64_t from = control[1] % (count + 1), to = from + control[2] % (count - from + 1);
    uint8_t *other = fuzz_copy(lp, listpack_bytes(lp));
    struct listpack_change change = {
        .at = from == count ? listpack_end(lp) : listpack_seek(lp, (int64_t)from),
        .end = to == count ? listpack_end(lp) : listpack_seek(lp, (int64_t)to),
        .removed = (uint32_t)(to - from),
        .count = control[3] % 5,
        .values = values,
    };
    for (uint32_t i = 0; i < change.count; i++) {
        values[i] = listpack_value_int((int8_t)control[4 + i]);
        if (count > 0 && control[4 + i] % 2 == 0)
            listpack_get(other, listpack_seek(other, (int64_t)(control[4 + i] % count)), &values[i]);
    }
    if (control[0] % 2 == 1) {
        change.packed = other + LISTPACK_HEAD;
        change.packed_bytes = listpack_end(other) - LISTPACK_HEAD;
        change.count = (uint32_t)count;
    }
    size_t before = listpack_bytes(lp), after = listpack_change_bytes(lp, &change);
    uint8_t *room = malloc(before > after ? before : after);
    require(room != NULL);
    memcpy(room, lp, before);
    listpack_change(room, &change);
    uint8_t *changed = fuzz_copy(room, after);
    require(listpack_validate(changed, after, &shape, NULL, NULL) == 0);
    require(shape.count == count - change.removed + change.count);
    check_all(changed, shape.bytes == after);
    free(changed);
    free(room);
    free(other);
}

static void check_claim(const uint8_t *data, size_t size, const uint8_t *control)
{
    struct listpack_shape shape, again;
    uint8_t *lp = fuzz_copy(data, size);
    if (listpack_validate(lp, size, &shape, NULL, NULL) == 0) {
        check_all(lp, shape.bytes == size);
        uint8_t *loaded = malloc(shape.bytes);
        require(loaded != NULL);
        listpack_load(loaded, lp, &shape);
        require(listpack_validate(loaded, shape.bytes, &again, NULL, NULL) == 0);
        require(again.bytes == shape.bytes && again.count == shape.count);
        check_all(loaded, true);
        check_change(lp, control);
        check_change(loaded, control);
        free(loaded);
    }
    free(lp);
}

/* Each text has its length before it. */
static void check_made(const uint8_t *data, size_t size, const uint8_t *control)
{
    uint8_t *lp = malloc(LISTPACK_EMPTY);
    require(lp != NULL);
    listpack_init(lp);
    while (size > 0) {
        size_t len = data[0] < size ? data[0] : size - 1;
        struct listpack_value v = listpack_value_of(slice_of(data + 1, len));
        struct listpack_change change = {
            .at = listpack_end(lp), .end = listpack_end(lp), .count = 1, .values = &v};
        lp = realloc(lp, listpack_change_bytes(lp, &change));
        require(lp != NULL);
        listpack_change(lp, &change);
        require(is_text(lp, listpack_last(lp), slice_of(data + 1, len)));
        data += len + 1;
        size -= len + 1;
    }
    check_claim(lp, listpack_bytes(lp), control);
    free(lp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    if (data[0] >= 0x80)
        check_made(data + 8, size - 8, data);
    else
        check_claim(data + 8, size - 8, data);
    return 0;
}
