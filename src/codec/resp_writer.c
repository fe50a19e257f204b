/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies into bytes: the parts that are not written in line. An element of RESP3
 * and what stands for it in RESP2:
 *
 *     %N  map          *2N            _   null       $-1 or *-1
 *     ~N  set          *N             #t  boolean    :1
 *     >N  push         *N             ,d  double     $len text
 *     |N  attribute    nothing        =L  verbatim   $len text, without the format
 *
 * Does not check that an aggregate gets the elements that it announces.
 */
#include "codec/resp_writer.h"

#include <assert.h>

#include "base/error.h"

enum { FORMAT_LEN = 3, LATER_ROOM = 4 };

char *resp_put_head_long(char *at, char kind, int64_t value)
{
    *at++ = kind;
    at += number_from_int(at, value);
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

void resp_simple(struct resp_writer *w, const char *text)
{
    size_t len = strlen(text);
    char *at = buf_room(w->out, len + 3);
    *at = '+';
    memcpy(at + 1, text, len);
    memcpy(at + 1 + len, "\r\n", 2);
    w->out->len += len + 3;
}

/* Makes one line of what stands behind START and ends it. */
static void end_error(struct resp_writer *w, size_t start)
{
    struct buf *out = w->out;
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == '\r' || out->data[i] == '\n')
            out->data[i] = ' ';
    buf_append(out, "\r\n", 2);
}

void resp_error_slice(struct resp_writer *w, struct slice text)
{
    buf_append_byte(w->out, '-');
    size_t start = w->out->len;
    buf_append_slice(w->out, text);
    end_error(w, start);
}

void resp_error(struct resp_writer *w, const char *text)
{
    resp_error_slice(w, slice_str(text));
}

void resp_errorf(struct resp_writer *w, const char *fmt, ...)
{
    buf_append_byte(w->out, '-');
    size_t start = w->out->len;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(w->out, fmt, ap);
    va_end(ap);
    end_error(w, start);
}

void resp_error_code(struct resp_writer *w, int code)
{
    resp_error(w, error_text(code));
}

void resp_bulk_int(struct resp_writer *w, int64_t value)
{
    char text[NUMBER_TEXT_MAX];
    resp_bulk(w, slice_of(text, number_from_int(text, value)));
}

void resp_null_array(struct resp_writer *w)
{
    if (w->version == 3)
        resp_raw(w, "_\r\n", 3);
    else
        resp_raw(w, "*-1\r\n", 5);
}

/* Brings an aggregate's kind and count to what the client's version has. */
static char aggregate(const struct resp_writer *w, char kind, size_t *count)
{
    if (w->version == 3)
        return kind;
    if (kind == '%')
        *count *= 2;
    return '*';
}

static void write_aggregate(struct resp_writer *w, char kind, size_t count)
{
    kind = aggregate(w, kind, &count);
    resp_head(w, kind, (int64_t)count);
}

void resp_map(struct resp_writer *w, size_t count)
{
    write_aggregate(w, '%', count);
}

void resp_set(struct resp_writer *w, size_t count)
{
    write_aggregate(w, '~', count);
}

void resp_push(struct resp_writer *w, size_t count)
{
    write_aggregate(w, '>', count);
}

void resp_attribute(struct resp_writer *w, size_t count)
{
    assert(w->version == 3);
    resp_head(w, '|', (int64_t)count);
}

void resp_bool(struct resp_writer *w, bool value)
{
    if (w->version == 3)
        resp_raw(w, value ? "#t\r\n" : "#f\r\n", 4);
    else
        resp_int(w, value);
}

void resp_double(struct resp_writer *w, double value)
{
    char text[NUMBER_TEXT_MAX];
    size_t len = number_from_double(text, value);
    if (w->version != 3) {
        resp_bulk(w, slice_of(text, len));
        return;
    }
    char *at = buf_room(w->out, len + 3);
    *at = ',';
    memcpy(at + 1, text, len);
    memcpy(at + 1 + len, "\r\n", 2);
    w->out->len += len + 3;
}

void resp_verbatim(struct resp_writer *w, const char *format, struct slice text)
{
    if (w->version != 3) {
        resp_bulk(w, text);
        return;
    }
    assert(strlen(format) == FORMAT_LEN);
    resp_head(w, '=', (int64_t)text.len + FORMAT_LEN + 1);
    buf_append(w->out, format, FORMAT_LEN);
    buf_append_byte(w->out, ':');
    buf_append_slice(w->out, text);
    buf_append(w->out, "\r\n", 2);
}

size_t resp_later(struct resp_writer *w)
{
    size_t mark = w->out->len;
    buf_room(w->out, LATER_ROOM);
    w->out->len += LATER_ROOM;
    return mark;
}

void resp_later_end(struct resp_writer *w, size_t mark, char kind, size_t count)
{
    char head[RESP_HEAD_MAX];
    kind = aggregate(w, kind, &count);
    size_t len = (size_t)(resp_put_head(head, kind, (int64_t)count) - head);
    size_t more = len - LATER_ROOM;
    struct buf *out = w->out;
    assert(mark + LATER_ROOM <= out->len);
    buf_room(out, more);
    if (more > 0)
        memmove(out->data + mark + len, out->data + mark + LATER_ROOM, out->len - mark - LATER_ROOM);
    memcpy(out->data + mark, head, len);
    out->len += more;
}
