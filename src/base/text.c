/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Matching, quoting and splitting of text. Every pattern and every line is taken as
 * bytes in the C locale; nothing here reads behind a slice.
 */
#include "base/text.h"

#include <stdint.h>

#include "base/heap.h"

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool same_byte(char a, char b, bool nocase)
{
    return a == b || (nocase && lower(a) == lower(b));
}

/* The ends of a range are signed bytes and ordered before their case is folded, as
 * the reference server on x86-64 has it: "[a-\xff]" is the bytes from 0xff over 0 to
 * 'a', and without regard to case "[Z-a]" is empty. */
static bool in_range(signed char from, signed char to, signed char c, bool nocase)
{
    int low = from < to ? from : to;
    int high = from < to ? to : from;
    if (!nocase)
        return c >= low && c <= high;
    return lower(c) >= lower(low) && lower(c) <= lower(high);
}

/* PATTERN[*AT] is behind the opening bracket; on return *AT is behind the closing one
 * or at the end. An escaped byte is compared in its own case always. */
static bool match_bracket(struct slice pattern, size_t *at, char c, bool nocase)
{
    size_t i = *at;
    bool negated = i < pattern.len && pattern.ptr[i] == '^';
    bool found = false;
    if (negated)
        i++;
    while (i < pattern.len && pattern.ptr[i] != ']') {
        size_t left = pattern.len - i;
        if (left >= 2 && pattern.ptr[i] == '\\') {
            found |= pattern.ptr[i + 1] == c;
            i += 2;
        } else if (left >= 3 && pattern.ptr[i + 1] == '-') {
            found |= in_range((signed char)pattern.ptr[i], (signed char)pattern.ptr[i + 2], (signed char)c,
                              nocase);
            i += 3;
        } else {
            found |= same_byte(pattern.ptr[i], c, nocase);
            i++;
        }
    }
    *at = i < pattern.len ? i + 1 : i;
    return found != negated;
}

/* Whether the element of PATTERN at *AT, anything but a star, takes the byte C; *AT
 * moves behind it. */
static bool match_one(struct slice pattern, size_t *at, char c, bool nocase)
{
    char element = pattern.ptr[(*at)++];
    if (element == '?')
        return true;
    if (element == '[')
        return match_bracket(pattern, at, c, nocase);
    if (element == '\\' && *at < pattern.len)
        element = pattern.ptr[(*at)++];
    return same_byte(element, c, nocase);
}

/* Where from FROM on the element behind a star can match at the earliest. */
static size_t next_candidate(struct slice pattern, size_t at, struct slice string, size_t from, bool nocase)
{
    char c = pattern.ptr[at];
    if (nocase || c == '?' || c == '[' || c == '\\')
        return from;
    const char *hit = memchr(string.ptr + from, c, string.len - from);
    return hit != NULL ? (size_t)(hit - string.ptr) : string.len;
}

/* Every element but a star takes one byte, so only the last star passed ever has to
 * be tried again further on: an earlier one could at best lead back to it later. */
bool text_glob(struct slice pattern, struct slice string, bool nocase)
{
    size_t p = 0;
    size_t s = 0;
    size_t star = SIZE_MAX; /* behind the last star */
    size_t retry = 0;       /* where in STRING it is tried next */
    if (string.len == 0)
        return pattern.len == 0;
    while (s < string.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            while (p < pattern.len && pattern.ptr[p] == '*')
                p++;
            if (p == pattern.len)
                return true;
            star = p;
            s = next_candidate(pattern, star, string, s, nocase);
            retry = s + 1;
        } else if (p < pattern.len && match_one(pattern, &p, string.ptr[s], nocase)) {
            s++;
        } else if (star != SIZE_MAX && retry < string.len) {
            p = star;
            s = next_candidate(pattern, star, string, retry, nocase);
            retry = s + 1;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static char escape_letter(char c)
{
    switch (c) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\a':
        return 'a';
    case '\b':
        return 'b';
    case '\\':
    case '"':
        return c;
    default:
        return '\0';
    }
}

void text_quote(struct buf *out, struct slice s)
{
    static const char digits[16] = "0123456789abcdef";
    buf_append_byte(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        char letter = escape_letter(c);
        if (letter != '\0') {
            char escape[2] = {'\\', letter};
            buf_append(out, escape, 2);
        } else if (c >= ' ' && c <= '~') {
            buf_append_byte(out, c);
        } else {
            char escape[4] = {'\\', 'x', digits[(unsigned char)c >> 4], digits[c & 15]};
            buf_append(out, escape, 4);
        }
    }
    buf_append_byte(out, '"');
}

/* A line that is being split: AT is the next byte; words go to the buffer. */
struct splitter {
    struct slice line;
    size_t at;
    struct buf *out;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 'a' ^ 'A';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

/* What follows a backslash in double quotes, of which at least one byte is there. */
static char take_escape(struct splitter *sp)
{
    const char *rest = sp->line.ptr + sp->at;
    if (sp->line.len - sp->at >= 3 && rest[0] == 'x' && hex_digit(rest[1]) >= 0 && hex_digit(rest[2]) >= 0) {
        sp->at += 3;
        return (char)(hex_digit(rest[1]) << 4 | hex_digit(rest[2]));
    }
    sp->at++;
    return unescape(rest[0]);
}

/* A quoted part from behind its opening QUOTE; it ends its word. */
static int take_quoted(struct splitter *sp, char quote)
{
    while (sp->at < sp->line.len) {
        char c = sp->line.ptr[sp->at++];
        bool more = sp->at < sp->line.len;
        if (c == quote)
            return !more || is_blank(sp->line.ptr[sp->at]) ? 0 : MR_E_SYNTAX;
        if (c == '\\' && more && quote == '"') {
            c = take_escape(sp);
        } else if (c == '\\' && more && sp->line.ptr[sp->at] == '\'') {
            c = '\'';
            sp->at++;
        }
        buf_append_byte(sp->out, c);
    }
    return MR_E_SYNTAX;
}

/* A vertical tab or a form feed may stand between words, but ends none. */
static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int take_word(struct splitter *sp)
{
    while (sp->at < sp->line.len) {
        char c = sp->line.ptr[sp->at];
        if (ends_word(c))
            break;
        sp->at++;
        if (c == '"' || c == '\'')
            return take_quoted(sp, c);
        buf_append_byte(sp->out, c);
    }
    return 0;
}

int text_split(struct slice line, struct buf *out, struct slice **ret_words)
{
    /* A NUL ends the line. No word is longer than its text, so with this room OUT does
     * not move while slices into it are made. */
    size_t len = line.len != 0 ? strnlen(line.ptr, line.len) : 0;
    struct splitter sp = {{line.ptr, len}, 0, out};
    struct slice *words = NULL;
    int count = 0;
    int room = 0;
    size_t before = out->len;
    buf_grow(out, len + 1);
    for (;;) {
        while (sp.at < len && is_blank(line.ptr[sp.at]))
            sp.at++;
        if (sp.at == len)
            break;
        if (count == room) {
            room = room != 0 ? room * 2 : 8;
            words = heap_realloc(words, (size_t)room * sizeof *words);
        }
        size_t start = out->len;
        if (take_word(&sp) < 0) {
            heap_free(words);
            out->len = before;
            return MR_E_SYNTAX;
        }
        words[count++] = slice_of(out->data + start, out->len - start);
    }
    *ret_words = words;
    return count;
}

unsigned text_distance(const char *a, const char *b, unsigned limit)
{
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if ((a_len > b_len ? a_len - b_len : b_len - a_len) > limit)
        return limit + 1;
    unsigned *row = heap_alloc((b_len + 1) * sizeof *row);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = (unsigned)j;
    unsigned least = 0;
    for (size_t i = 1; i <= a_len && least <= limit; i++) {
        unsigned diagonal = row[0];
        least = row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned cost = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < cost)
                cost = row[j] + 1;
            if (row[j - 1] + 1 < cost)
                cost = row[j - 1] + 1;
            row[j] = cost;
            if (cost < least)
                least = cost;
        }
    }
    unsigned distance = least > limit || row[b_len] > limit ? limit + 1 : row[b_len];
    heap_free(row);
    return distance;
}
