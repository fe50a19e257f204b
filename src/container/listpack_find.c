/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search in a listpack. Equal values are equal bytes, so what is sought is encoded once, and
 * every entry is compared with it by its first eight bytes and the eight that would be the last
 * ones, in one go and without knowing what it is; up to sixteen bytes that is all. The time goes
 * to the way from entry to entry, each of which must be read to find the next; so two such ways
 * are gone at once, from both ends.
 */
#include "container/listpack_private.h"

#define WORD 8

struct needle {
    uint64_t first, last, mask;
    size_t size;        /* bytes of the encoding */
    size_t reach;       /* so many bytes must be there for the words to be loaded */
    size_t last_at;     /* where the last word stands in it */
    const char *middle; /* what the words leave out */
    size_t middle_len;
    unsigned char head[2 * WORD]; /* the first bytes of the encoding */
};

static inline uint64_t load_word(const unsigned char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* False for what no listpack has. */
static bool needle_init(struct needle *n, struct slice text)
{
    if (text.len > LISTPACK_MAX)
        return false;
    struct listpack_value v = listpack_value_of(text);
    memset(n->head, 0, sizeof n->head);
    size_t head = listpack_put_head(n->head, &v);
    n->size = head;
    n->middle_len = 0;
    n->last_at = 0;
    if (v.text != NULL) {
        size_t room = sizeof n->head - head;
        memcpy(n->head + head, v.text, v.len < room ? v.len : room);
        n->size += v.len;
    }
    n->first = load_word(n->head);
    n->last = n->first;
    n->reach = n->size < WORD ? WORD : n->size;
    n->mask = n->size < WORD ? le64toh((UINT64_C(1) << 8 * n->size) - 1) : UINT64_MAX;
    if (n->size <= WORD)
        return true;
    n->last_at = n->size - WORD;
    if (n->size <= sizeof n->head) {
        n->last = load_word(n->head + n->last_at);
    } else {
        n->last = load_word((const unsigned char *)v.text + v.len - WORD);
        n->middle = v.text + WORD - head;
        n->middle_len = n->size - sizeof n->head;
    }
    return true;
}

/* Whether the entry at P is it. */
static inline __attribute__((always_inline)) bool is_needle(const struct needle *n, const unsigned char *p)
{
    if ((((load_word(p) ^ n->first) | (load_word(p + n->last_at) ^ n->last)) & n->mask) != 0)
        return false;
    return n->middle_len == 0 || memcmp(p + WORD, n->middle, n->middle_len) == 0;
}

/* The same where less than a word may be left. */
static bool is_needle_near(const struct needle *n, const unsigned char *p, const unsigned char *end)
{
    if ((size_t)(end - p) < n->size)
        return false;
    return n->size < WORD ? memcmp(p, n->head, n->size) == 0 : is_needle(n, p);
}

static inline __attribute__((always_inline)) bool matches(const struct needle *n, const unsigned char *p,
                                                          const unsigned char *end)
{
    if (__builtin_expect((size_t)(end - p) >= n->reach, 1))
        return is_needle(n, p);
    return is_needle_near(n, p, end);
}

/* Walks from both ends until they meet, for these two ways do not wait for each other; the one
 * back is twice as fast. There is a multiple of STEP entries from P on. ANY: there is one at most. */
static inline __attribute__((always_inline)) const unsigned char *
find_both(const struct needle *n, const unsigned char *p, const unsigned char *end, unsigned step, bool any)
{
    const unsigned char *found = NULL;
    const unsigned char *q = end - 1;
    while (p < q) {
        if (__builtin_expect(matches(n, p, end), 0))
            return p;
        for (unsigned i = 0; i < step; i++)
            p += listpack_inline_size(p);
        for (unsigned twice = 0; twice < 2 && p < q; twice++) {
            for (unsigned i = 0; i < step; i++)
                q = listpack_inline_prev(q);
            if (__builtin_expect(matches(n, q, end), 0)) {
                found = q;
                if (any)
                    return found;
            }
        }
    }
    return found;
}

static const unsigned char *find_forward(const struct needle *n, const unsigned char *p,
                                         const unsigned char *end, unsigned step)
{
    while (*p != LISTPACK_END) {
        if (matches(n, p, end))
            return p;
        for (unsigned i = 0; i < step && *p != LISTPACK_END; i++)
            p += listpack_inline_size(p);
    }
    return NULL;
}

size_t listpack_find(const unsigned char *lp, size_t at, struct slice text)
{
    struct needle n;
    const unsigned char *end = lp + listpack_bytes(lp);
    if (at == 0 || !needle_init(&n, text))
        return 0;
    const unsigned char *p = find_both(&n, lp + at, end, 1, false);
    return p == NULL ? 0 : (size_t)(p - lp);
}

size_t listpack_find_key(const unsigned char *lp, struct slice text, unsigned step)
{
    struct needle n;
    const unsigned char *end = lp + listpack_bytes(lp);
    unsigned count = little_load16(lp + 4);
    const unsigned char *p = lp + LISTPACK_HEAD;
    if (!needle_init(&n, text))
        return 0;
    if (step == 1)
        p = find_both(&n, p, end, 1, true);
    else if (count == LISTPACK_UNKNOWN || count % step != 0)
        p = find_forward(&n, p, end, step);
    else if (step == 2)
        p = find_both(&n, p, end, 2, true);
    else
        p = find_both(&n, p, end, step, true);
    return p == NULL ? 0 : (size_t)(p - lp);
}

size_t listpack_find_back(const unsigned char *lp, size_t at, struct slice text)
{
    struct needle n;
    const unsigned char *end = lp + listpack_bytes(lp);
    if (at == 0 || !needle_init(&n, text))
        return 0;
    for (const unsigned char *p = lp + at;; p = listpack_inline_prev(p)) {
        if (matches(&n, p, end))
            return (size_t)(p - lp);
        if (p == lp + LISTPACK_HEAD)
            return 0;
    }
}

bool listpack_equal(const unsigned char *lp, size_t at, struct slice text)
{
    struct needle n;
    return needle_init(&n, text) && matches(&n, lp + at, lp + listpack_bytes(lp));
}
