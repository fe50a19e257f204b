/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listpacks against what redis-server 7.0 dumps for the same content, byte by byte, and against
 * a plain array of texts while they are changed at random. Each stands in an allocation of its
 * own length, so that the sanitizers see what is touched outside.
 */
#include "container/listpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/random.h"
#include "codec/rdb_writer.h"
#include "unit.h"

struct pack {
    unsigned char *lp;
};

static void *take(size_t size)
{
    void *p = malloc(size);
    must(p != NULL);
    return p;
}

static void pack_init(struct pack *p)
{
    p->lp = take(LISTPACK_EMPTY);
    listpack_init(p->lp);
}

/* Makes CHANGE in memory that has just the room it says. */
static void pack_change(struct pack *p, const struct listpack_change *change)
{
    size_t before = listpack_bytes(p->lp);
    size_t after = listpack_change_bytes(p->lp, change);
    unsigned char *room = take(before > after ? before : after);
    memcpy(room, p->lp, before);
    free(p->lp);
    listpack_change(room, change);
    must(listpack_bytes(room) == after);
    p->lp = take(after);
    memcpy(p->lp, room, after);
    free(room);
}

static void pack_append(struct pack *p, struct slice text)
{
    struct listpack_value v = listpack_value_of(text);
    size_t end = listpack_end(p->lp);
    pack_change(p, &(struct listpack_change){.at = end, .end = end, .count = 1, .values = &v});
}

static void pack_fill(struct pack *p, const char *const *texts)
{
    pack_init(p);
    for (; *texts != NULL; texts++)
        pack_append(p, slice_str(*texts));
}

static bool valid(const unsigned char *lp)
{
    struct listpack_shape shape;
    return listpack_validate(lp, listpack_bytes(lp), &shape, NULL, NULL) == 0 &&
           shape.bytes == listpack_bytes(lp) && shape.count == listpack_count(lp);
}

static struct slice text_at(const unsigned char *lp, size_t at, char *scratch)
{
    struct listpack_value v;
    listpack_get(lp, at, &v);
    return listpack_text(&v, scratch);
}

/* --- what redis-server writes --- */

static size_t from_hex(const char *hex, unsigned char *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        must(sscanf(hex + 2 * i, "%2x", &byte) == 1);
        out[i] = (unsigned char)byte;
    }
    return len;
}

static void check_sample(const char *hex, const char *const *texts)
{
    unsigned char bytes[512];
    struct listpack_shape shape;
    struct pack p;
    char scratch[NUMBER_TEXT_MAX];
    size_t len = from_hex(hex, bytes);
    must(listpack_validate(bytes, len, &shape, NULL, NULL) == 0 && shape.bytes == len);
    size_t at = listpack_first(bytes);
    for (unsigned i = 0; texts[i] != NULL; i++, at = listpack_next(bytes, at))
        must(slice_equal(text_at(bytes, at, scratch), slice_str(texts[i])));
    must(at == 0);
    pack_fill(&p, texts);
    must(listpack_bytes(p.lp) == len && memcmp(p.lp, bytes, len) == 0);
    free(p.lp);
}

/* The listpacks in DUMPs of a hash, a node of a list and a sorted set. */
START_TEST(redis_samples)
{
    check_sample("490000001000"
                 "846e616d650583416461048361676504240182696403cfff02836e656704d0000285656d70747906800184"
                 "6e313237057f01846e31323805c08002826d3103dfff02ff",
                 (const char *const[]){"name", "Ada", "age", "36", "id", "4095", "neg", "-4096", "empty", "",
                                       "n127", "127", "n128", "128", "m1", "-1", NULL});
    check_sample("890000001300f1ff7f03f1008003f200800004f2ff7fff04f2ffff7f04f200008004f30000800005f3ffff7fff"
                 "05f3ffffff7f05f30000008005f4000000800000000009f4ffffff7fffffffff09f4ffffffffffffff7f09f400"
                 "0000000000008009933932323333373230333638353437373538303814822d30038330303704822b3103822031"
                 "03ff",
                 (const char *const[]){"32767",
                                       "-32768",
                                       "32768",
                                       "-32769",
                                       "8388607",
                                       "-8388608",
                                       "8388608",
                                       "-8388609",
                                       "2147483647",
                                       "-2147483648",
                                       "2147483648",
                                       "-2147483649",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "9223372036854775808",
                                       "-0",
                                       "007",
                                       "+1",
                                       " 1",
                                       NULL});
    check_sample("2800000008000701dffd02836f6e"
                 "650401018374776f0483322e3504846c6173740583696e6604ff",
                 (const char *const[]){"7", "-3", "one", "1", "two", "2.5", "last", "inf", NULL});
}
END_TEST

/* DUMP of a hash of one field f, of so many x, by its CRC-64, which is of all before it. */
START_TEST(redis_lengths)
{
    static const struct {
        size_t len;
        uint64_t crc;
    } rows[] = {
        {0, 0xae97f1f34492d6ac},       {1, 0xa06c0315984a44ff},       {62, 0x1cd732d86c958c39},
        {63, 0xb6c708b20d765c84},      {64, 0x8d4f019c269d72f1},      {65, 0x6e45248e0ed3c953},
        {124, 0xf9a2148b391f1605},     {125, 0xd3840f072481302e},     {126, 0x95c3bf61609b8b11},
        {127, 0xcdee48e8a85c114b},     {4094, 0xfde122365833891d},    {4095, 0x40201a0649555b0e},
        {4096, 0xf439b6247a9f15cb},    {16376, 0x733d68877899aa08},   {16377, 0x344e2ed963350cbc},
        {16378, 0xb7bd9b9682a61bde},   {16379, 0x396ae1b76f43efc5},   {16380, 0x63c0c62ec7f381b1},
        {65520, 0x9d5b36cd6341da6c},   {65535, 0xb8266008aab14655},   {65536, 0xd09d03e9c6452bdd},
        {2097145, 0x502514dcacba2301}, {2097146, 0xe8bfaa74da80e0ad}, {2097147, 0x03d7f4be6edc2038},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = {0};
        struct rdb_writer w = {.out = &out};
        struct pack p;
        char *text = take(rows[i].len + 1);
        memset(text, 'x', rows[i].len);
        pack_init(&p);
        pack_append(&p, slice_str("f"));
        pack_append(&p, slice_of(text, rows[i].len));
        rdb_write_u8(&w, 16);
        rdb_write_string(&w, slice_of(p.lp, listpack_bytes(p.lp)));
        rdb_write_u8(&w, 10);
        rdb_write_u8(&w, 0);
        must(checksum_crc64(0, out.data, out.len) == rows[i].crc);
        buf_done(&out);
        free(text);
        free(p.lp);
    }
}
END_TEST

/* --- encodings --- */

START_TEST(integers)
{
    static const struct {
        int64_t value;
        size_t bytes;
    } rows[] = {
        {0, 2},           {127, 2},          {-1, 3},         {128, 3},        {4095, 3},      {-4096, 3},
        {4096, 4},        {-4097, 4},        {INT16_MAX, 4},  {INT16_MIN, 4},  {32768, 5},     {-32769, 5},
        {8388607, 5},     {-8388608, 5},     {8388608, 6},    {-8388609, 6},   {INT32_MAX, 6}, {INT32_MIN, 6},
        {2147483648, 10}, {-2147483649, 10}, {INT64_MAX, 10}, {INT64_MIN, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char scratch[NUMBER_TEXT_MAX], other[NUMBER_TEXT_MAX];
        struct pack p;
        struct listpack_value v = listpack_value_int(rows[i].value);
        struct slice text = listpack_text(&v, scratch);
        pack_init(&p);
        pack_append(&p, text);
        must(listpack_bytes(p.lp) == LISTPACK_EMPTY + rows[i].bytes);
        must(listpack_entry_bytes(&v) == rows[i].bytes);
        listpack_get(p.lp, listpack_first(p.lp), &v);
        must(v.text == NULL && v.integer == rows[i].value);
        must(slice_equal(text_at(p.lp, listpack_last(p.lp), other), text));
        must(listpack_find(p.lp, LISTPACK_HEAD, text) == LISTPACK_HEAD);
        must(!listpack_equal(p.lp, LISTPACK_HEAD, slice_of(scratch, text.len - 1)));
        must(valid(p.lp));
        free(p.lp);
    }
}
END_TEST

/* Around each length an encoding or a backward length begins with, alone and between others. */
START_TEST(lengths)
{
    static const size_t edges[] = {0, 7, 15, 16, 63, 126, 4095, 4096, 16378, 65535, 2097146};
    for (size_t i = 0; i < 3 * sizeof edges / sizeof edges[0]; i++) {
        size_t len = edges[i / 3] + i % 3;
        char *text = take(len + 1);
        for (size_t j = 0; j < len; j++)
            text[j] = (char)('a' + j % 23);
        struct slice s = slice_of(text, len);
        struct pack p;
        pack_init(&p);
        pack_append(&p, s);
        pack_append(&p, slice_str("7"));
        pack_append(&p, s);
        size_t at = listpack_first(p.lp), last = listpack_last(p.lp);
        must(slice_equal(text_at(p.lp, at, NULL), s) && slice_equal(text_at(p.lp, last, NULL), s));
        must(listpack_next(p.lp, listpack_next(p.lp, at)) == last && listpack_next(p.lp, last) == 0);
        must(listpack_prev(p.lp, listpack_prev(p.lp, last)) == at && listpack_prev(p.lp, at) == 0);
        must(listpack_find(p.lp, at, s) == at && listpack_find_back(p.lp, last, s) == last);
        must(listpack_find(p.lp, listpack_next(p.lp, at), s) == last);
        must(listpack_find_back(p.lp, listpack_prev(p.lp, last), s) == at);
        /* One byte that differs, wherever it is. */
        for (size_t j = 0; j < len; j += len / 40 + 1) {
            text[j] ^= 1;
            must(listpack_find(p.lp, at, s) == 0);
            text[j] ^= 1;
        }
        must(valid(p.lp));
        free(p.lp);
        free(text);
    }
}
END_TEST

/* --- the model --- */

#define MODEL_MAX 400

struct model {
    struct pack p;
    struct random r;
    struct slice texts[MODEL_MAX + 8];
    uint32_t count;
};

static struct slice model_text(struct model *m)
{
    char *text;
    size_t len;
    switch (random_below(&m->r, 6)) {
    case 0: {
        text = take(NUMBER_TEXT_MAX);
        return slice_of(text, number_from_int(text, (int64_t)random_next(&m->r) >> random_below(&m->r, 64)));
    }
    case 1:
        len = 60 + random_below(&m->r, 140);
        break;
    case 2:
        len = random_below(&m->r, 50) == 0 ? 4000 + random_below(&m->r, 14000) : 0;
        break;
    default: /* few of them, so that some are there more than once */
        len = random_below(&m->r, 18);
    }
    text = take(len + 1);
    memset(text, 'a' + (int)random_below(&m->r, 3), len);
    if (len > 0)
        text[random_below(&m->r, len)] = 'x';
    return slice_of(text, len);
}

static void model_check(struct model *m)
{
    const unsigned char *lp = m->p.lp;
    char scratch[NUMBER_TEXT_MAX];
    size_t at = listpack_first(lp), offsets[MODEL_MAX + 8];
    must(valid(lp) && listpack_count(lp) == m->count);
    for (uint32_t i = 0; i < m->count; i++, at = listpack_next(lp, at)) {
        must(slice_equal(text_at(lp, at, scratch), m->texts[i]));
        must(listpack_equal(lp, at, m->texts[i]));
        must(listpack_seek(lp, i) == at && listpack_seek(lp, (int64_t)i - m->count) == at);
        offsets[i] = at;
    }
    must(at == 0 && listpack_seek(lp, m->count) == 0 && listpack_seek(lp, ~(int64_t)m->count) == 0);
    must(listpack_seek(lp, INT64_MAX) == 0 && listpack_seek(lp, INT64_MIN) == 0);
    at = listpack_end(lp);
    for (uint32_t i = m->count; i-- > 0;) {
        at = listpack_prev(lp, at);
        must(at == offsets[i]);
    }
    must(m->count == 0 ? listpack_last(lp) == 0 : listpack_prev(lp, at) == 0);
}

static void model_find(struct model *m)
{
    const unsigned char *lp = m->p.lp;
    struct slice absent = {NULL, 0};
    bool is_there = m->count > 0 && random_below(&m->r, 3) > 0;
    struct slice text = is_there ? m->texts[random_below(&m->r, m->count)] : (absent = model_text(m));
    uint32_t from = m->count > 0 ? (uint32_t)random_below(&m->r, m->count) : 0;
    uint32_t first = from, last = from;
    while (first < m->count && !slice_equal(m->texts[first], text))
        first++;
    must(listpack_find(lp, listpack_seek(lp, from), text) == listpack_seek(lp, first));
    while (last + 1 > 0 && m->count > 0 && !slice_equal(m->texts[last], text))
        last--;
    must(listpack_find_back(lp, listpack_seek(lp, from), text) ==
         (last < m->count ? listpack_seek(lp, last) : 0));
    for (unsigned step = 1; step <= 4; step++) {
        size_t found = listpack_find_key(lp, text, step);
        bool is_key = false, is_found = false;
        for (uint32_t i = 0; i < m->count; i += step) {
            bool is = slice_equal(m->texts[i], text);
            is_key |= is;
            is_found |= is && found == listpack_seek(lp, i);
        }
        must(is_key ? is_found : found == 0);
    }
    free((char *)(uintptr_t)absent.ptr);
}

static void model_change(struct model *m)
{
    struct listpack_value values[8];
    struct slice put_in[8];
    struct pack other;
    uint32_t from = (uint32_t)random_below(&m->r, m->count + 1);
    uint32_t left = m->count - from;
    uint32_t removed = (uint32_t)random_below(&m->r, (left < 7 ? left : 7) + 1);
    uint32_t count = (uint32_t)random_below(&m->r, m->count > MODEL_MAX - 8 ? 1 : 8);
    const unsigned char *lp = m->p.lp;
    size_t end = listpack_end(lp);
    struct listpack_change change = {
        .at = from == m->count ? end : listpack_seek(lp, from),
        .end = from + removed == m->count ? end : listpack_seek(lp, from + removed),
        .removed = removed,
        .count = count,
        .values = values,
    };
    pack_init(&other);
    for (uint32_t i = 0; i < count; i++) {
        put_in[i] = model_text(m);
        values[i] = listpack_value_of(put_in[i]);
        pack_append(&other, put_in[i]);
    }
    if (random_below(&m->r, 3) == 0) {
        change.packed = other.lp + LISTPACK_HEAD;
        change.packed_bytes = listpack_end(other.lp) - LISTPACK_HEAD;
    }
    pack_change(&m->p, &change);
    free(other.lp);
    for (uint32_t i = from; i < from + removed; i++)
        free((char *)(uintptr_t)m->texts[i].ptr);
    memmove(m->texts + from + count, m->texts + from + removed, (left - removed) * sizeof m->texts[0]);
    memcpy(m->texts + from, put_in, count * sizeof put_in[0]);
    m->count = m->count - removed + count;
}

START_TEST(model)
{
    struct model m = {.count = 0};
    random_init_seed(&m.r, 4711);
    pack_init(&m.p);
    for (unsigned i = 0; i < 3000; i++) {
        model_change(&m);
        model_find(&m);
        if (i % 16 == 0)
            model_check(&m);
    }
    model_check(&m);
    while (m.count > 0)
        free((char *)(uintptr_t)m.texts[--m.count].ptr);
    free(m.p.lp);
}
END_TEST

/* --- more entries than the head can tell --- */

#define MANY 70000

static void cut(struct pack *p, uint32_t keep)
{
    uint32_t count = (uint32_t)listpack_count(p->lp);
    pack_change(p, &(struct listpack_change){.at = listpack_seek(p->lp, keep),
                                             .end = listpack_end(p->lp),
                                             .removed = count - keep});
}

START_TEST(many)
{
    struct pack p;
    struct listpack_value *values = take(MANY * sizeof *values);
    char scratch[NUMBER_TEXT_MAX];
    pack_init(&p);
    for (int64_t i = 0; i < MANY; i++)
        values[i] = listpack_value_int(i);
    for (uint32_t i = 0; i < MANY; i += 10000) {
        size_t end = listpack_end(p.lp);
        pack_change(&p,
                    &(struct listpack_change){.at = end, .end = end, .count = 10000, .values = values + i});
    }
    must(listpack_count(p.lp) == MANY && valid(p.lp) && p.lp[4] == 0xff && p.lp[5] == 0xff);
    must(slice_equal(text_at(p.lp, listpack_seek(p.lp, 69999), scratch), slice_str("69999")));
    must(slice_equal(text_at(p.lp, listpack_seek(p.lp, -70000), scratch), slice_str("0")));
    must(listpack_seek(p.lp, MANY) == 0 && listpack_seek(p.lp, -MANY - 1) == 0);
    must(listpack_find_key(p.lp, slice_str("68000"), 2) == listpack_seek(p.lp, 68000));
    must(listpack_find_key(p.lp, slice_str("68001"), 2) == 0);
    cut(&p, 65535);
    must(listpack_count(p.lp) == 65535 && valid(p.lp));
    cut(&p, 65534);
    must(listpack_count(p.lp) == 65534 && valid(p.lp));
    cut(&p, 20000);
    must(listpack_count(p.lp) == 20000 && p.lp[4] + p.lp[5] * 256 == 20000 && valid(p.lp));
    cut(&p, 0);
    must(listpack_bytes(p.lp) == LISTPACK_EMPTY && listpack_first(p.lp) == 0 && listpack_last(p.lp) == 0);
    for (uint32_t i = 0; i < 65534; i++)
        values[i] = listpack_value_int(5);
    pack_change(&p, &(struct listpack_change){.at = 6, .end = 6, .count = 65534, .values = values});
    must(p.lp[4] == 0xfe && p.lp[5] == 0xff);
    pack_append(&p, slice_str("5"));
    must(p.lp[4] == 0xff && p.lp[5] == 0xff && listpack_count(p.lp) == 65535);
    free(values);
    free(p.lp);
}
END_TEST

/* --- drawing --- */

#define DRAWN 20000

static void check_draw(uint32_t entries, unsigned step, uint32_t count)
{
    struct pack p;
    struct random r;
    uint32_t seen[64] = {0}, choices = entries / step;
    size_t offsets[64];
    char scratch[NUMBER_TEXT_MAX];
    random_init_seed(&r, entries + step + count);
    pack_init(&p);
    for (uint32_t i = 0; i < entries; i++)
        pack_append(&p, slice_of(scratch, number_from_int(scratch, i)));
    for (unsigned n = 0; n < DRAWN; n++) {
        listpack_draw(p.lp, step, &r, offsets, count);
        for (uint32_t i = 0; i < count; i++) {
            struct listpack_value v;
            must(i == 0 || offsets[i] > offsets[i - 1]);
            listpack_get(p.lp, offsets[i], &v);
            must(v.integer % step == 0 && v.integer / step < choices);
            seen[v.integer / step]++;
        }
    }
    /* Chi-square; with its mean and deviation beyond a millionth for these numbers. */
    double expect = (double)DRAWN * count / choices, chi = 0;
    for (uint32_t i = 0; i < choices; i++)
        chi += (seen[i] - expect) * (seen[i] - expect) / expect;
    must(count == choices ? chi == 0 : chi < choices + 60);
    free(p.lp);
}

START_TEST(draw)
{
    check_draw(1, 1, 1);
    check_draw(20, 1, 1);
    check_draw(20, 1, 7);
    check_draw(20, 1, 20);
    check_draw(40, 2, 1);
    check_draw(40, 2, 13);
    check_draw(41, 3, 13);
}
END_TEST

/* --- bytes from outside --- */

/* A listpack that tells COUNT entries and has ENTRIES, and 0xff, in right many bytes. */
static int check_entries(const char *entries, unsigned count, struct listpack_shape *shape)
{
    size_t len = LISTPACK_EMPTY + strlen(entries) / 2;
    unsigned char *exact = take(len);
    from_hex(entries, exact + LISTPACK_HEAD);
    memcpy(exact,
           (unsigned char[]){(unsigned char)len, 0, 0, 0, (unsigned char)count, (unsigned char)(count >> 8)},
           LISTPACK_HEAD);
    exact[len - 1] = 0xff;
    int code = listpack_validate(exact, len, shape, NULL, NULL);
    free(exact);
    return code;
}

START_TEST(refused)
{
    static const struct {
        const char *entries;
        unsigned count;
    } rows[] = {
        {"", 1},                      /* an entry that is not there */
        {"0501", 0},                  /* one more than told */
        {"05010601", 1},              /* the same */
        {"05", 1},                    /* no backward length */
        {"0502", 1},                  /* a wrong one */
        {"0581", 1},                  /* one that does not end */
        {"050081", 1},                /* one that is longer than it must be */
        {"f501", 1},                  /* no encodings */
        {"fe01", 1},     {"ff01", 1}, /* the end, too early */
        {"e0", 1},                    /* cut off */
        {"c5", 1},       {"f0", 1},           {"f0000000", 1},       {"f4010203", 1},
        {"8161", 1},     {"bf02", 1}, /* longer than what is left */
        {"e10002", 1},   {"f0fffffffff0", 1}, {"f0faffffffffff", 1}, {"f00100000006", 1},
    };
    struct listpack_shape shape;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(check_entries(rows[i].entries, rows[i].count, &shape) == MR_E_CORRUPT, "%s",
                      rows[i].entries);
    /* A string to the end, whose backward length of two bytes would stand behind that. */
    char hex[2 * 2 + 2 * 126 + 1] = "e07e";
    memset(hex + 4, '6', 2 * 126);
    must(check_entries(hex, 1, &shape) == MR_E_CORRUPT);
    must(check_entries("", 0, &shape) == 0 && shape.count == 0 && shape.bytes == LISTPACK_EMPTY);
    must(check_entries("", LISTPACK_UNKNOWN, &shape) == 0 && shape.count == 0);
    must(check_entries("0501", 1, &shape) == 0 && shape.count == 1 && shape.bytes == LISTPACK_EMPTY + 2);
    must(check_entries("0501", LISTPACK_UNKNOWN, &shape) == 0 && shape.count == 1);
    /* Bytes told that are more or fewer than there are, and no end. */
    must(listpack_validate((const unsigned char *)"\x08\0\0\0\0\0\xff", 7, &shape, NULL, NULL) ==
         MR_E_CORRUPT);
    must(listpack_validate((const unsigned char *)"\x06\0\0\0\0\0\xff", 7, &shape, NULL, NULL) ==
         MR_E_CORRUPT);
    must(listpack_validate((const unsigned char *)"\x07\0\0\0\0\0\0", 7, &shape, NULL, NULL) == MR_E_CORRUPT);
}
END_TEST

static bool see(void *arg, const struct listpack_value *v)
{
    int64_t *sum = arg;
    *sum += v->text == NULL ? v->integer : v->len;
    return v->text == NULL || v->len != 3;
}

START_TEST(validate_shows)
{
    struct pack p;
    struct listpack_shape shape;
    int64_t sum = 0;
    pack_fill(&p, (const char *const[]){"40", "ab", "-1", NULL});
    must(listpack_validate(p.lp, listpack_bytes(p.lp), &shape, see, &sum) == 0 && sum == 41);
    pack_append(&p, slice_str("abc"));
    must(listpack_validate(p.lp, listpack_bytes(p.lp), &shape, see, &sum) == MR_E_CORRUPT);
    free(p.lp);
}
END_TEST

/* Each encoding where a shorter one would do, texts of integers too, and the count unknown. */
START_TEST(load_shortens)
{
    static const char hex[] = "4d000000ffff"
                              "c00502"               /* 5 */
                              "f1050003"             /* 5 */
                              "f205000004"           /* 5 */
                              "f30500000005"         /* 5 */
                              "f4ffffffffffffffff09" /* -1 */
                              "813502"               /* 5 as a string */
                              "e002616204"           /* ab */
                              "f00300000061626308"   /* abc */
                              "f00300000031323308"   /* 123 as a string */
                              "822d3003"             /* -0, which is one */
                              "85313233333406"       /* 12334 as a string */
                              "82616203"             /* ab */
                              "ff";
    unsigned char bytes[128];
    size_t len = from_hex(hex, bytes);
    bytes[0] = (unsigned char)len;
    struct listpack_shape shape;
    struct pack expect;
    must(listpack_validate(bytes, len, &shape, NULL, NULL) == 0 && shape.count == 12);
    unsigned char *lp = take(shape.bytes);
    listpack_load(lp, bytes, &shape);
    pack_fill(&expect, (const char *const[]){"5", "5", "5", "5", "-1", "5", "ab", "abc", "123", "-0", "12334",
                                             "ab", NULL});
    must(listpack_bytes(expect.lp) == shape.bytes && memcmp(lp, expect.lp, shape.bytes) == 0);
    free(expect.lp);
    free(lp);
}
END_TEST

/* Bytes of a right listpack that are changed at random: refused, or right. */
START_TEST(damaged)
{
    struct pack p;
    struct random r;
    unsigned accepted = 0;
    random_init_seed(&r, 99);
    pack_fill(&p,
              (const char *const[]){"one", "1", "two", "-2000", "three", "3000000000", "", "70000", "four",
                                    "a text that is longer than sixty-three bytes, for the next encoding",
                                    "five", "x", NULL});
    size_t len = listpack_bytes(p.lp);
    unsigned char *bytes = take(len);
    for (unsigned i = 0; i < 50000; i++) {
        struct listpack_shape shape;
        memcpy(bytes, p.lp, len);
        for (uint64_t n = random_below(&r, 3) + 1; n > 0; n--)
            bytes[random_below(&r, len)] = (unsigned char)random_next(&r);
        if (listpack_validate(bytes, len, &shape, NULL, NULL) != 0)
            continue;
        accepted++;
        unsigned char *lp = take(shape.bytes);
        listpack_load(lp, bytes, &shape);
        must(valid(lp) && listpack_count(lp) == shape.count);
        free(lp);
    }
    must(accepted > 1000);
    for (size_t cut_to = 0; cut_to < len; cut_to++) {
        struct listpack_shape shape;
        unsigned char *exact = take(cut_to + 1);
        memcpy(exact, p.lp, cut_to);
        must(listpack_validate(exact, cut_to, &shape, NULL, NULL) == MR_E_CORRUPT);
        free(exact);
    }
    free(bytes);
    free(p.lp);
}
END_TEST

UNIT_SUITE(container_listpack)
{
    tcase_add_test(tc, redis_samples);
    tcase_add_test(tc, redis_lengths);
    tcase_add_test(tc, integers);
    tcase_add_test(tc, lengths);
    tcase_add_test(tc, model);
    tcase_add_test(tc, many);
    tcase_add_test(tc, draw);
    tcase_add_test(tc, refused);
    tcase_add_test(tc, validate_shows);
    tcase_add_test(tc, load_shortens);
    tcase_add_test(tc, damaged);
}
