/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LCS: the longest common subsequence of two strings.
 *
 * The textbook's table L(i, j), the length for the first I bytes of one string and the
 * first J of the other, grows by 0 or 1 from one cell to the next. So a row is kept as one
 * bit per cell, 0 where L grows, and 64 cells are made by a few operations on a word
 * (Hyyro 2004, after Crochemore and others 2001): the bits of the shorter string, one row
 * for each byte of the longer one.
 *
 *            c o l u m n s  (the shorter)
 *    row 0   1 1 1 1 1 1 1  ...          checkpoint 0
 *    row 1   1 0 1 1 1 1 1  ...    \
 *     ..                            > a block: the rows between two checkpoints
 *    row K                         /     checkpoint 1, row 0 of the next block
 *
 * For the length one row is enough. To walk back from the last cell to the first, all rows
 * are wanted: only each K-th is kept, with K about the square root of their number, and
 * the block that the walk is in is made anew from its checkpoint. Of the walks that are
 * possible the one is taken that redis-server takes: over equal bytes; else back in the
 * first string where that is longer, else in the second.
 */
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "types/string/string_private.h"

/* More cells than this are refused: it would take seconds. */
#define CELLS_MAX   (UINT64_C(1) << 36)
/* Words of rows that are kept without checkpoints. */
#define BLOCK_WORDS (UINT64_C(1) << 16)
#define BYTE_VALUES 256

struct lcs {
    struct slice rows, cols;        /* the longer and the shorter string */
    bool first_is_rows;             /* which of them is the request's first */
    size_t words;                   /* of a row */
    size_t block_rows;              /* K */
    uint64_t *matches;              /* for each byte value that COLS has: a row with its places set */
    uint16_t match_of[BYTE_VALUES]; /* its index + 1 in MATCHES; 0: COLS does not have it */
    uint64_t *checkpoints;
    uint64_t *block; /* K + 1 rows, of the block BLOCK_AT */
    size_t block_at;
};

/* Finds out which byte values COLS has; returns how many. */
static size_t number_bytes(struct lcs *l)
{
    uint16_t count = 0;
    for (size_t i = 0; i < l->cols.len; i++) {
        uint16_t *index = &l->match_of[(unsigned char)l->cols.ptr[i]];
        if (*index == 0)
            *index = ++count;
    }
    return count;
}

static bool alloc_words(uint64_t **ret, size_t count)
{
    *ret = heap_try_alloc(count * sizeof **ret);
    return *ret != NULL;
}

static void lcs_done(struct lcs *l)
{
    heap_free(l->matches);
    heap_free(l->checkpoints);
    heap_free(l->block);
}

/* False: there is no room. WALK: the rows will be wanted. Neither string is empty. */
static bool lcs_init(struct lcs *l, struct slice a, struct slice b, bool walk)
{
    *l = (struct lcs){.rows = a, .cols = b, .first_is_rows = true};
    if (a.len < b.len) {
        l->rows = b;
        l->cols = a;
        l->first_is_rows = false;
    }
    l->words = (l->cols.len + 63) / 64;
    l->block_rows = l->rows.len;
    size_t blocks = 1;
    if (!walk) {
        l->block_rows = 0;
    } else if (l->words * (uint64_t)l->rows.len > BLOCK_WORDS) {
        for (l->block_rows = 1; l->block_rows * l->block_rows < l->rows.len;)
            l->block_rows *= 2;
        blocks = (l->rows.len + l->block_rows - 1) / l->block_rows;
    }
    size_t values = number_bytes(l);
    if (!alloc_words(&l->matches, values * l->words) || !alloc_words(&l->checkpoints, blocks * l->words) ||
        !alloc_words(&l->block, (l->block_rows + 1) * l->words)) {
        lcs_done(l);
        return false;
    }
    memset(l->matches, 0, values * l->words * sizeof(uint64_t));
    for (size_t i = 0; i < l->cols.len; i++) {
        size_t index = l->match_of[(unsigned char)l->cols.ptr[i]] - 1u;
        l->matches[index * l->words + i / 64] |= UINT64_C(1) << i % 64;
    }
    return true;
}

/* Row R of the table, from the one before it; TO may be FROM. */
static void make_row(const struct lcs *l, size_t r, const uint64_t *from, uint64_t *to)
{
    size_t index = l->match_of[(unsigned char)l->rows.ptr[r - 1]];
    if (index == 0) {
        memmove(to, from, l->words * sizeof *to);
        return;
    }
    const uint64_t *match = l->matches + (index - 1) * l->words;
    uint64_t carry = 0;
    for (size_t w = 0; w < l->words; w++) {
        uint64_t old = from[w];
        uint64_t found = old & match[w];
        unsigned __int128 sum = (unsigned __int128)old + found + carry;
        carry = (uint64_t)(sum >> 64);
        to[w] = (uint64_t)sum | (old - found);
    }
}

/* L at column COL of ROW: the zeros before it. */
static size_t count_grown(const uint64_t *row, size_t col)
{
    size_t ones = 0;
    size_t w = 0;
    for (; w < col / 64; w++)
        ones += (size_t)__builtin_popcountll(row[w]);
    if (col % 64 != 0)
        ones += (size_t)__builtin_popcountll(row[w] & ((UINT64_C(1) << col % 64) - 1));
    return col - ones;
}

static size_t row_bytes(const struct lcs *l)
{
    return l->words * sizeof(uint64_t);
}

/* The length alone. */
static size_t lcs_length(struct lcs *l)
{
    memset(l->block, 0xff, row_bytes(l));
    for (size_t r = 1; r <= l->rows.len; r++)
        make_row(l, r, l->block, l->block);
    return count_grown(l->block, l->cols.len);
}

/* Makes the rows of block AT from its checkpoint. */
static void make_block(struct lcs *l, size_t at)
{
    size_t first = at * l->block_rows;
    size_t last = first + l->block_rows < l->rows.len ? first + l->block_rows : l->rows.len;
    memcpy(l->block, l->checkpoints + at * l->words, row_bytes(l));
    uint64_t *row = l->block;
    for (size_t r = first + 1; r <= last; r++, row += l->words)
        make_row(l, r, row, row + l->words);
    l->block_at = at;
}

/* Makes the checkpoints, and the last block; returns the length. */
static size_t make_rows(struct lcs *l)
{
    memset(l->checkpoints, 0xff, row_bytes(l));
    size_t last = (l->rows.len - 1) / l->block_rows;
    for (size_t at = 0; at < last; at++) {
        make_block(l, at);
        memcpy(l->checkpoints + (at + 1) * l->words, l->block + l->block_rows * l->words, row_bytes(l));
    }
    make_block(l, last);
    return count_grown(l->block + (l->rows.len - last * l->block_rows) * l->words, l->cols.len);
}

/* Row R with the one before it in front of it; R is not 0. */
static const uint64_t *row_at(struct lcs *l, size_t r)
{
    size_t at = (r - 1) / l->block_rows;
    if (at != l->block_at)
        make_block(l, at);
    return l->block + (r - at * l->block_rows) * l->words;
}

/* --- the walk back --- */

/* Bytes of both strings that are equal, LEN of them from A of the first and B of the second. */
struct match {
    size_t a, b, len;
};

/* A cell, with L there and in the row before it. */
struct walk {
    struct lcs *l;
    size_t r, c;
    const uint64_t *row; /* R's */
    size_t here, above;
};

static bool grows(const uint64_t *row, size_t c)
{
    return (row[(c - 1) / 64] >> (c - 1) % 64 & 1) == 0;
}

static void walk_left(struct walk *w)
{
    w->here -= grows(w->row, w->c);
    w->above -= grows(w->row - w->l->words, w->c);
    w->c--;
}

static void walk_up(struct walk *w)
{
    w->r--;
    w->here = w->above;
    if (w->r == 0)
        return;
    w->row = row_at(w->l, w->r);
    w->above = count_grown(w->row - w->l->words, w->c);
}

/* Along equal bytes, as far as they go; returns how many there were. */
static size_t walk_equal(struct walk *w)
{
    const struct lcs *l = w->l;
    size_t start = w->r;
    size_t r = w->r;
    size_t c = w->c;
    while (r > 0 && c > 0 && l->rows.ptr[r - 1] == l->cols.ptr[c - 1]) {
        r--;
        c--;
    }
    if (r == start)
        return 0;
    /* Equal bytes are always part of a longest one: each step takes one from L. */
    w->r = r;
    w->c = c;
    w->here -= start - r;
    if (r > 0) {
        w->row = row_at(w->l, r);
        w->above = count_grown(w->row - l->words, c);
    }
    return start - r;
}

static void walk_start(struct walk *w, struct lcs *l, size_t length)
{
    *w = (struct walk){.l = l, .r = l->rows.len, .c = l->cols.len, .here = length};
    w->row = row_at(l, w->r);
    w->above = count_grown(w->row - l->words, w->c);
}

/* The next run of equal bytes towards the beginning; false: there is none. */
static bool walk_next(struct walk *w, struct match *ret)
{
    while (w->here > 0) {
        size_t len = walk_equal(w);
        if (len > 0) {
            bool rows = w->l->first_is_rows;
            *ret = (struct match){.a = rows ? w->r : w->c, .b = rows ? w->c : w->r, .len = len};
            return true;
        }
        size_t left = w->here - grows(w->row, w->c);
        bool up = w->l->first_is_rows ? w->above > left : w->above >= left;
        if (up)
            walk_up(w);
        else
            walk_left(w);
    }
    return false;
}

/* --- the command --- */

struct lcs_request {
    bool length, matches, with_length;
    int64_t min;
};

/* False: an error has been told. */
static bool parse_request(struct command_ctx *ctx, struct lcs_request *q)
{
    *q = (struct lcs_request){0};
    for (uint32_t i = 3; i < ctx->argc; i++) {
        struct slice word = ctx->argv[i];
        if (slice_is(word, "IDX")) {
            q->matches = true;
        } else if (slice_is(word, "LEN")) {
            q->length = true;
        } else if (slice_is(word, "WITHMATCHLEN")) {
            q->with_length = true;
        } else if (slice_is(word, "MINMATCHLEN") && i + 1 < ctx->argc) {
            if (!dispatch_arg_int(ctx, ++i, &q->min))
                return false;
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    if (q->matches && q->length) {
        resp_error(ctx->reply, "ERR If you want both the length and indexes, please just use IDX.");
        return false;
    }
    return true;
}

static void reply_range(struct command_ctx *ctx, size_t first, size_t len)
{
    resp_array(ctx->reply, 2);
    resp_int(ctx->reply, (int64_t)first);
    resp_int(ctx->reply, (int64_t)(first + len - 1));
}

/* W NULL: the strings have nothing in common. */
static void reply_matches(struct command_ctx *ctx, const struct lcs_request *q, struct walk *w, size_t length)
{
    resp_map(ctx->reply, 2);
    resp_bulk_str(ctx->reply, "matches");
    size_t mark = resp_later(ctx->reply);
    size_t count = 0;
    struct match m;
    while (w != NULL && walk_next(w, &m)) {
        if (q->min > 0 && m.len < (uint64_t)q->min)
            continue;
        resp_array(ctx->reply, q->with_length ? 3 : 2);
        reply_range(ctx, m.a, m.len);
        reply_range(ctx, m.b, m.len);
        if (q->with_length)
            resp_int(ctx->reply, (int64_t)m.len);
        count++;
    }
    resp_later_end(ctx->reply, mark, '*', count);
    resp_bulk_str(ctx->reply, "len");
    resp_int(ctx->reply, (int64_t)length);
}

/* The subsequence itself, written from its end. */
static void reply_text(struct command_ctx *ctx, struct slice a, struct walk *w, size_t length)
{
    struct buf *out = ctx->reply->out;
    resp_head(ctx->reply, '$', (int64_t)length);
    char *text = buf_room(out, length + 2);
    size_t left = length;
    struct match m;
    while (w != NULL && walk_next(w, &m)) {
        left -= m.len;
        memcpy(text + left, a.ptr + m.a, m.len);
    }
    memcpy(text + length, "\r\n", 2);
    out->len += length + 2;
}

/* As in redis-server a table larger than proto-max-bulk-len is refused, which also bounds the
 * time; but here a cell is a bit, not four bytes. */
static bool is_too_much(const struct command_ctx *ctx, struct slice a, struct slice b)
{
    uint64_t cells;
    return __builtin_mul_overflow((uint64_t)a.len, (uint64_t)b.len, &cells) ||
           cells / 8 > (uint64_t)dispatch_max_bulk(ctx->dispatch);
}

static void reply_lcs(struct command_ctx *ctx, const struct lcs_request *q, struct slice a, struct slice b)
{
    struct lcs l = {0};
    struct walk w;
    size_t length = 0;
    bool some = a.len > 0 && b.len > 0;
    if (is_too_much(ctx, a, b)) {
        resp_error(ctx->reply,
                   "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
        return;
    }
    if (some && !lcs_init(&l, a, b, !q->length)) {
        resp_error(ctx->reply, "ERR Insufficient memory, failed allocating transient memory for LCS");
        return;
    }
    if (some && q->length)
        length = lcs_length(&l);
    else if (some)
        walk_start(&w, &l, length = make_rows(&l));
    if (q->length)
        resp_int(ctx->reply, (int64_t)length);
    else if (q->matches)
        reply_matches(ctx, q, some ? &w : NULL, length);
    else
        reply_text(ctx, a, some ? &w : NULL, length);
    lcs_done(&l);
}

void string_cmd_lcs(struct command_ctx *ctx)
{
    uint64_t hash = dispatch_hash(ctx, 2);
    const struct entry *first = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    bool found = first != NULL;
    const struct entry *second = string_find(ctx, 2, hash, DB_COUNT);
    /* Looking for the second may have deleted it and moved the first. */
    first = found ? string_find(ctx, 1, ctx->key_hash, DB_NO_TOUCH) : NULL;
    if ((first != NULL && entry_type(first) != OBJECT_STRING) ||
        (second != NULL && entry_type(second) != OBJECT_STRING)) {
        resp_error(ctx->reply, "ERR The specified keys must contain string values");
        return;
    }
    struct lcs_request q;
    if (!parse_request(ctx, &q))
        return;
    char scratch_a[NUMBER_TEXT_MAX];
    char scratch_b[NUMBER_TEXT_MAX];
    struct slice none = slice_of("", 0);
    reply_lcs(ctx, &q, first == NULL ? none : string_of(ctx, first, scratch_a),
              second == NULL ? none : string_of(ctx, second, scratch_b));
}
