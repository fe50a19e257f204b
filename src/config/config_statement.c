/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of statements, and the lines that tell what is wrong with one.
 *
 * A list owns its names, words and the paths of its files; a path's string stays
 * where it is as long as its list, so that statements and rows can point to it.
 */
#include <stdio.h>

#include "base/heap.h"
#include "base/text.h"
#include "config/config_private.h"

#define QUOTE_MAX 64 /* bytes of a faulty word that are shown */

/* Room for one more in an array that grows at the powers of two. */
static void *grow(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return items;
    return heap_realloc(items, (count != 0 ? count * 2 : 1) * size);
}

const char *config_statements_file(struct config_statements *list, const char *path)
{
    list->files = grow(list->files, list->file_count, sizeof *list->files);
    return list->files[list->file_count++] = heap_strdup(path);
}

struct config_statement *config_statements_add(struct config_statements *list, const char *file,
                                               unsigned line, struct slice name)
{
    list->items = grow(list->items, list->count, sizeof *list->items);
    struct config_statement *s = &list->items[list->count++];
    *s = (struct config_statement){.file = file, .line = line, .name = heap_memdup(name.ptr, name.len)};
    return s;
}

void config_statement_word(struct config_statement *s, struct slice word)
{
    s->words = grow(s->words, s->count, sizeof *s->words);
    s->words[s->count++] = heap_memdup(word.ptr, word.len);
}

static void drop(struct config_statement *s)
{
    for (size_t i = 0; i < s->count; i++)
        heap_free(s->words[i]);
    heap_free(s->words);
    heap_free(s->name);
    heap_free(s->title);
}

void config_statements_take(struct config_statements *list, struct config_statement *s)
{
    list->items = grow(list->items, list->count, sizeof *list->items);
    list->items[list->count++] = *s;
    *s = (struct config_statement){0};
}

void config_statements_append(struct config_statements *list, struct config_statements *from)
{
    for (size_t i = 0; i < from->count; i++)
        config_statements_take(list, &from->items[i]);
    for (size_t i = 0; i < from->file_count; i++) {
        list->files = grow(list->files, list->file_count, sizeof *list->files);
        list->files[list->file_count++] = from->files[i];
    }
    from->file_count = 0;
    config_statements_done(from);
}

void config_statements_done(struct config_statements *list)
{
    for (size_t i = 0; i < list->count; i++)
        drop(&list->items[i]);
    for (size_t i = 0; i < list->file_count; i++)
        heap_free(list->files[i]);
    heap_free(list->items);
    heap_free(list->files);
    *list = (struct config_statements){0};
}

static void append_printable(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_append_byte(out, (char)c);
    }
}

void config_fault_quote(struct buf *out, struct slice text)
{
    size_t len = text.len > QUOTE_MAX ? QUOTE_MAX : text.len;
    buf_append_byte(out, '\'');
    append_printable(out, text.ptr, len);
    buf_append_str(out, len < text.len ? "...'" : "'");
}

void config_fault(struct buf *faults, const char *file, unsigned line, const char *name, const char *fmt, ...)
{
    if (file == NULL) {
        buf_append_str(faults, "command line: ");
    } else {
        append_printable(faults, file, strlen(file));
        if (line != 0)
            buf_printf(faults, ":%u", line);
        buf_append_str(faults, ": ");
    }
    if (name != NULL) {
        size_t len = strnlen(name, QUOTE_MAX);
        buf_append_str(faults, file == NULL ? "--" : "");
        append_printable(faults, name, len);
        buf_append_str(faults, name[len] != '\0' ? "...: " : ": ");
    }
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    append_printable(faults, text.data, text.len);
    buf_append_byte(faults, '\n');
    buf_done(&text);
}
