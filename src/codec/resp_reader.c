/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests out of bytes. Two ways lead through an array request:
 *
 * - The straight way (read_array) takes a complete request whose lengths are plain
 *   numbers and keeps no state. Nearly all requests go it. It gives up at anything
 *   else, without judging it.
 * - The patient way (continue_array) judges errors and incomplete requests. It
 *   remembers the arguments it has found as distances from the request's start, so
 *   that the bytes may move between calls and none is looked at twice.
 *
 * An incomplete request of at most FORGET arguments is not remembered but read
 * again: cheaper than an allocation for the request that a read cut at its end.
 *
 * The form of a request, as redis-server takes it:
 *
 *     "*" count CR any  { "$" length CR any  bytes any any } * count
 *
 * where the byte behind a CR and the two behind a bulk are not looked at, count and
 * length are plain integers (no sign but minus, no leading zero), and a count below 1
 * is an empty request. All else is one inline line that ends in LF. A line that does
 * not end within max_line bytes is an error wherever its end may be.
 *
 * Where redis-server finds a NUL in a line it waits until the line is too long. Here
 * a NUL hides the rest of an inline line, and makes a length invalid at once.
 *
 * Does not know commands, nor which limits apply to whom.
 */
#include "codec/resp_reader.h"

#include "base/heap.h"
#include "base/number.h"
#include "base/text.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

enum { FORGET = 16, SAVED_FIRST = 32 };

struct resp_span {
    size_t from;
    size_t len;
};

static void forget(struct resp_reader *r)
{
    if (r->saved != NULL) {
        heap_free(r->saved);
        r->saved = NULL;
        r->saved_cap = 0;
    }
    r->kind = 0;
    r->need = 0;
}

void resp_reader_done(struct resp_reader *r)
{
    heap_free(r->saved);
    buf_done(&r->inline_bytes);
    *r = (struct resp_reader){0};
}

static __attribute__((cold)) int64_t fail(struct resp_reader *r, const char **error, const char *text)
{
    forget(r);
    *error = text;
    return MR_E_PROTOCOL;
}

/*
 * The number at P up to its CR, of at most nine digits, with at least one byte behind
 * the CR: returns the place behind that byte, or NULL for anything else. P has three
 * bytes or more.
 */
static inline const char *plain_number(const char *p, const char *end, size_t *ret)
{
    size_t n = (unsigned char)p[0] - (size_t)'0';
    if (unlikely(n > 9))
        return NULL;
    if (p[1] == '\r') {
        *ret = n;
        return p + 3;
    }
    if (unlikely(n == 0))
        return NULL;
    const char *stop = end - p > 11 ? p + 10 : end - 1;
    for (p++; p < stop; p++) {
        size_t digit = (unsigned char)*p - (size_t)'0';
        if (digit > 9) {
            if (unlikely(*p != '\r'))
                return NULL;
            *ret = n;
            return p + 2;
        }
        n = n * 10 + digit;
    }
    return NULL;
}

/* Takes a whole array request of at most CAP arguments; 0 for anything else, and
 * MR_E_AGAIN with need set where only bytes of a bulk are missing. */
static inline int64_t read_array(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                                 size_t len, struct slice *args, uint32_t cap, uint32_t *count)
{
    if (unlikely(len < 4 || *data != '*' || limits->unauthenticated))
        return 0;
    const char *end = data + len;
    size_t n;
    const char *p = plain_number(data + 1, end, &n);
    if (unlikely(p == NULL || n > cap || (int64_t)n > limits->max_args))
        return 0;
    for (size_t i = 0; i < n; i++) {
        size_t size;
        if (unlikely(end - p < 4 || *p != '$'))
            return 0;
        p = plain_number(p + 1, end, &size);
        if (unlikely(p == NULL || (int64_t)size > limits->max_bulk))
            return 0;
        if (unlikely((size_t)(end - p) < size + 2)) {
            if (i >= FORGET)
                return 0;
            r->need = (size_t)(p - data) + size + 2;
            return MR_E_AGAIN;
        }
        args[i] = slice_of(p, size);
        p += size + 2;
    }
    *count = (uint32_t)n;
    return p - data;
}

/*
 * The line that begins at r->pos, without its CR: 0 with its length in *RET, MR_E_AGAIN, or the
 * failure TOO_LONG for one that is longer than a line may be.
 */
static int64_t take_line(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                         size_t len, size_t *ret, const char *too_long, const char **error)
{
    size_t from = r->scanned > r->pos ? r->scanned : r->pos;
    size_t limit = r->pos + (size_t)limits->max_line + 1;
    size_t stop = len < limit ? len : limit;
    const char *cr = from < stop ? memchr(data + from, '\r', stop - from) : NULL;
    if (cr == NULL) {
        r->scanned = stop;
        r->need = len + 1;
        return len >= limit ? fail(r, error, too_long) : MR_E_AGAIN;
    }
    size_t at = (size_t)(cr - data);
    if (at + 1 >= len) {
        r->scanned = at;
        r->need = at + 2;
        return MR_E_AGAIN;
    }
    *ret = at - r->pos;
    return 0;
}

/* Reads "*COUNT"; leaves the number of arguments in r->args_left. */
static int64_t start_array(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                           size_t len, const char **error)
{
    size_t line;
    int64_t code =
        take_line(r, limits, data, len, &line, "ERR Protocol error: too big mbulk count string", error);
    if (code != 0)
        return code;
    int64_t n;
    int64_t max = limits->max_args < INT32_MAX ? limits->max_args : INT32_MAX;
    if (!number_to_int(slice_of(data + 1, line - 1), &n) || n > max)
        return fail(r, error, "ERR Protocol error: invalid multibulk length");
    if (limits->unauthenticated && n > RESP_UNAUTHENTICATED_ARGS)
        return fail(r, error, "ERR Protocol error: unauthenticated multibulk length");
    r->kind = '*';
    r->pos = line + 2;
    r->bulk = -1;
    r->count = 0;
    r->args_left = n > 0 ? (uint32_t)n : 0;
    return 0;
}

static __attribute__((cold)) int64_t fail_not_bulk(struct resp_reader *r, char got, const char **error)
{
    /* The text is a C string of one line. */
    if (got == '\0' || got == '\r' || got == '\n')
        got = ' ';
    r->inline_bytes.len = 0;
    buf_printf(&r->inline_bytes, "ERR Protocol error: expected '$', got '%c'", got);
    return fail(r, error, buf_cstr(&r->inline_bytes));
}

/* Reads "$LENGTH" into r->bulk. */
static int64_t start_bulk(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                          size_t len, const char **error)
{
    size_t line;
    int64_t code =
        take_line(r, limits, data, len, &line, "ERR Protocol error: too big bulk count string", error);
    if (code != 0)
        return code;
    if (data[r->pos] != '$')
        return fail_not_bulk(r, data[r->pos], error);
    int64_t n;
    if (!number_to_int(slice_of(data + r->pos + 1, line - 1), &n) || n < 0 || n > limits->max_bulk)
        return fail(r, error, "ERR Protocol error: invalid bulk length");
    if (limits->unauthenticated && n > RESP_UNAUTHENTICATED_BULK)
        return fail(r, error, "ERR Protocol error: unauthenticated bulk length");
    r->pos += line + 2;
    r->bulk = n;
    return 0;
}

/* Room for one more argument; grows with what has come, never with what was announced. */
static bool save_room(struct resp_reader *r)
{
    if (r->count < r->saved_cap)
        return true;
    uint32_t cap = r->saved_cap == 0 ? SAVED_FIRST : r->saved_cap * 2;
    struct resp_span *saved = heap_try_realloc(r->saved, cap * sizeof *saved);
    if (saved == NULL)
        return false;
    r->saved = saved;
    r->saved_cap = cap;
    return true;
}

/* Reads arguments into r->saved until none is left. */
static int64_t take_bulks(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                          size_t len, const char **error)
{
    while (r->args_left > 0) {
        if (r->bulk < 0) {
            int64_t code = start_bulk(r, limits, data, len, error);
            if (code != 0)
                return code;
        }
        size_t size = (size_t)r->bulk;
        if (len - r->pos < size + 2) {
            r->need = r->pos + size + 2;
            return MR_E_AGAIN;
        }
        if (!save_room(r))
            return fail(r, error, "ERR Protocol error: no memory for so many arguments");
        r->saved[r->count++] = (struct resp_span){r->pos, size};
        r->pos += size + 2;
        r->bulk = -1;
        r->args_left--;
    }
    return 0;
}

static int64_t continue_array(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                              size_t len, struct slice *args, uint32_t cap, uint32_t *count,
                              const char **error)
{
    int64_t code = 0;
    if (r->kind == 0) {
        r->pos = r->scanned = 0;
        code = start_array(r, limits, data, len, error);
    }
    if (code == 0)
        code = take_bulks(r, limits, data, len, error);
    if (code == MR_E_AGAIN && r->kind != 0 && r->count <= FORGET) {
        size_t need = r->need;
        forget(r);
        r->need = need;
    }
    if (code != 0)
        return code;
    *count = r->count;
    if (r->count > cap) {
        r->need = r->pos;
        return MR_E_TOO_BIG;
    }
    for (uint32_t i = 0; i < r->count; i++)
        args[i] = slice_of(data + r->saved[i].from, r->saved[i].len);
    forget(r);
    return (int64_t)r->pos;
}

static inline bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Splits a line without quotes; counts on where ARGS has no more room. */
static uint32_t split_plain(struct slice line, struct slice *args, uint32_t cap)
{
    const char *p = line.ptr;
    const char *end = p + line.len;
    uint32_t n = 0;
    for (;;) {
        /* Two blanks more come before a word than end one. */
        while (p < end && (ends_word(*p) || *p == '\v' || *p == '\f'))
            p++;
        if (p == end)
            return n;
        const char *from = p;
        while (p < end && !ends_word(*p))
            p++;
        if (n < cap)
            args[n] = slice_of(from, (size_t)(p - from));
        n++;
    }
}

/* Returns the number of words, or -1 for quotes that do not match. */
static int64_t split_inline(struct resp_reader *r, struct slice line, struct slice *args, uint32_t cap)
{
    /* As for text_split. No client means a NUL here: it is not an inline request. */
    line.len = strnlen(line.ptr, line.len);
    if (memchr(line.ptr, '"', line.len) == NULL && memchr(line.ptr, '\'', line.len) == NULL)
        return split_plain(line, args, cap);
    struct slice *words = NULL;
    r->inline_bytes.len = 0;
    int n = text_split(line, &r->inline_bytes, &words);
    if (n < 0)
        return -1;
    for (uint32_t i = 0; i < (uint32_t)n && i < cap; i++)
        args[i] = words[i];
    heap_free(words);
    return n;
}

static int64_t read_inline(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                           size_t len, struct slice *args, uint32_t cap, uint32_t *count, const char **error)
{
    size_t from = r->kind == 'i' ? r->scanned : 0;
    size_t limit = (size_t)limits->max_line + 1;
    size_t stop = len < limit ? len : limit;
    const char *lf = memchr(data + from, '\n', stop - from);
    if (lf == NULL) {
        if (len >= limit)
            return fail(r, error, "ERR Protocol error: too big inline request");
        r->kind = 'i';
        r->scanned = stop;
        r->need = len + 1;
        return MR_E_AGAIN;
    }
    size_t line = (size_t)(lf - data);
    int64_t n = split_inline(r, slice_of(data, line), args, cap);
    if (n < 0)
        return fail(r, error, "ERR Protocol error: unbalanced quotes in request");
    *count = (uint32_t)n;
    if (*count > cap) {
        r->kind = 'i';
        r->scanned = line;
        r->need = line + 1;
        return MR_E_TOO_BIG;
    }
    forget(r);
    return (int64_t)line + 1;
}

static __attribute__((noinline, cold)) int64_t
next_patiently(struct resp_reader *r, const struct resp_limits *limits, const char *data, size_t len,
               struct slice *args, uint32_t cap, uint32_t *count, const char **error)
{
    if (len == 0 || len < r->need)
        return MR_E_AGAIN;
    if (r->kind == 0 && r->need > 0) {
        r->need = 0;
        int64_t taken = read_array(r, limits, data, len, args, cap, count);
        if (taken != 0)
            return taken;
    }
    if (*data == '*')
        return continue_array(r, limits, data, len, args, cap, count, error);
    return read_inline(r, limits, data, len, args, cap, count, error);
}

int64_t resp_reader_next(struct resp_reader *r, const struct resp_limits *limits, const char *data,
                         size_t len, struct slice *args, uint32_t cap, uint32_t *count, const char **error)
{
    if (r->need == 0) {
        int64_t taken = read_array(r, limits, data, len, args, cap, count);
        if (taken != 0)
            return taken;
    }
    return next_patiently(r, limits, data, len, args, cap, count, error);
}
