/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See mdoc.h.
 */
#include "tools/mdoc.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define LINE_WIDTH 78

void mdoc_literal(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\')
            buf_append_str(out, "\\e");
        else if (text[i] == '-')
            buf_append_str(out, "\\-");
        else
            buf_append_byte(out, text[i]);
    }
}

/* Names of macros look like "Ar", "Sm", "D1"; they and lone punctuation would be taken as such. */
static bool means_something(const char *text, size_t len)
{
    if (len == 1)
        return strchr("([|.,:;)]?!", text[0]) != NULL;
    return len <= 3 && isupper((unsigned char)text[0]) && !isupper((unsigned char)text[1]);
}

void mdoc_argument(struct buf *out, const char *text, size_t len)
{
    bool quoted = len == 0 || memchr(text, ' ', len) != NULL || memchr(text, '"', len) != NULL;
    buf_append_str(out, quoted ? " \"" : means_something(text, len) ? " \\&" : " ");
    for (size_t i = 0; i < len; i++) {
        if (quoted && text[i] == '"')
            buf_append_byte(out, '"');
        mdoc_literal(out, text + i, 1);
    }
    if (quoted)
        buf_append_byte(out, '"');
}

static void word(struct buf *out, const char *text, size_t len, bool *bold)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '`') {
            *bold = !*bold;
            buf_append_str(out, *bold ? "\\fB" : "\\fR");
        } else if (*bold || text[i] == '\\') {
            mdoc_literal(out, text + i, 1);
        } else {
            buf_append_byte(out, text[i]);
        }
    }
}

void mdoc_text(struct buf *out, const char *text)
{
    size_t width = 0;
    bool bold = false, ends = false;
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (width > 0 && (ends || width + 1 + len > LINE_WIDTH)) {
            buf_append_byte(out, '\n');
            width = 0;
        }
        if (width > 0)
            buf_append_byte(out, ' ');
        else if (*text == '.' || *text == '\'')
            buf_append_str(out, "\\&");
        word(out, text, len, &bold);
        width += 1 + len;
        ends = len > 0 && strchr(".?!", text[len - 1]) != NULL;
        text += len;
        text += strspn(text, " ");
    }
    buf_append_byte(out, '\n');
}
