/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ids of entries: their order, their text, and how commands write them.
 */
#include <errno.h>
#include <stdlib.h>

#include "types/stream/stream_private.h"

#define ID_TEXT 127 /* longer texts are no ids */

bool stream_id_next(struct stream_id *id)
{
    if (id->seq == UINT64_MAX && id->ms == UINT64_MAX)
        return false;
    if (++id->seq == 0)
        id->ms++;
    return true;
}

bool stream_id_prev(struct stream_id *id)
{
    if (stream_id_is_zero(*id))
        return false;
    if (id->seq-- == 0)
        id->ms--;
    return true;
}

/* Milliseconds for the first 24 days, then steps of four minutes for as long as anyone cares. */
#define FINE ((uint64_t)1 << 31)

uint32_t stream_id_tag(struct stream_id id, uint64_t base_ms)
{
    if (id.ms <= base_ms)
        return 0;
    uint64_t since = id.ms - base_ms;
    if (since < FINE)
        return (uint32_t)since;
    uint64_t coarse = (since - FINE) >> 18;
    return (uint32_t)(FINE + (coarse < FINE ? coarse : FINE - 1));
}

size_t stream_id_print(char *out, struct stream_id id)
{
    char seq[NUMBER_TEXT_MAX], ms[NUMBER_TEXT_MAX];
    size_t len = number_from_uint(ms, id.ms), more = number_from_uint(seq, id.seq);
    memcpy(out, ms, len);
    out[len++] = '-';
    memcpy(out + len, seq, more);
    return len + more;
}

/* A number as redis-server reads it here: what strtoull takes as well, but nothing that is the plain
 * text of a negative one. */
static bool parse_half(const char *text, size_t len, uint64_t *ret)
{
    int64_t plain;
    uint64_t value;
    if (number_to_uint(slice_of(text, len), ret))
        return true;
    if (number_to_int(slice_of(text, len), &plain))
        return false;
    char *end;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || *text == '\0' || *end != '\0')
        return false;
    *ret = value;
    return true;
}

/* The form that is almost always written: digits, a dash, digits, none of them too many. */
static bool parse_plain(struct slice text, struct stream_id *ret)
{
    uint64_t half[2] = {0, 0};
    const char *p = text.ptr, *end = p + text.len;
    for (unsigned i = 0; i < 2; i++) {
        const char *begin = p;
        while (p < end && (unsigned char)(*p - '0') <= 9)
            half[i] = half[i] * 10 + (uint64_t)(*p++ - '0');
        if (p == begin || p - begin > 18 || (i == 0 && (p == end || *p++ != '-')))
            return false;
    }
    *ret = (struct stream_id){half[0], half[1]};
    return p == end;
}

bool stream_id_parse(struct slice text, uint64_t seq, bool strict, struct stream_id *ret)
{
    char copy[ID_TEXT + 1];
    struct stream_id id = {.seq = seq};
    if (__builtin_expect(parse_plain(text, ret), 1))
        return true;
    if (text.len > ID_TEXT)
        return false;
    if (text.len == 1 && (*text.ptr == '-' || *text.ptr == '+')) {
        if (!strict)
            *ret = *text.ptr == '-' ? STREAM_ID_MIN : STREAM_ID_MAX;
        return !strict;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    char *dash = strchr(copy, '-');
    if (dash != NULL)
        *dash++ = '\0';
    if (!parse_half(copy, strlen(copy), &id.ms) || (dash != NULL && !parse_half(dash, strlen(dash), &id.seq)))
        return false;
    *ret = id;
    return true;
}

static bool arg_id(struct command_ctx *ctx, struct slice text, uint64_t seq, bool strict,
                   struct stream_id *ret)
{
    if (stream_id_parse(text, seq, strict, ret))
        return true;
    resp_error(ctx->reply, "ERR Invalid stream ID specified as stream command argument");
    return false;
}

bool stream_arg_id(struct command_ctx *ctx, uint32_t i, uint64_t seq, struct stream_id *ret)
{
    return arg_id(ctx, ctx->argv[i], seq, false, ret);
}

bool stream_arg_strict_id(struct command_ctx *ctx, uint32_t i, uint64_t seq, struct stream_id *ret)
{
    return arg_id(ctx, ctx->argv[i], seq, true, ret);
}

/* An end of an interval; *EXCLUDED: what is next to it is meant. */
static bool arg_interval(struct command_ctx *ctx, uint32_t i, uint64_t seq, struct stream_id *ret,
                         bool *excluded)
{
    struct slice text = ctx->argv[i];
    *excluded = text.len > 1 && *text.ptr == '(';
    if (*excluded)
        text = slice_of(text.ptr + 1, text.len - 1);
    return arg_id(ctx, text, seq, *excluded, ret);
}

bool stream_arg_begin(struct command_ctx *ctx, uint32_t i, struct stream_id *ret)
{
    bool excluded;
    if (!arg_interval(ctx, i, 0, ret, &excluded))
        return false;
    if (!excluded || stream_id_next(ret))
        return true;
    resp_error(ctx->reply, "ERR invalid start ID for the interval");
    return false;
}

bool stream_arg_end(struct command_ctx *ctx, uint32_t i, struct stream_id *ret)
{
    bool excluded;
    if (!arg_interval(ctx, i, UINT64_MAX, ret, &excluded))
        return false;
    if (!excluded || stream_id_prev(ret))
        return true;
    resp_error(ctx->reply, "ERR invalid end ID for the interval");
    return false;
}

bool stream_refs_parse(struct slice word, enum stream_refs *ret)
{
    static const char *const words[] = {"KEEPREF", "DELREF", "ACKED"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is(word, words[i])) {
            *ret = (enum stream_refs)i;
            return true;
        }
    return false;
}
