/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values as miniredis.conf writes them, so that what is printed can be read again.
 */
#include "base/heap.h"
#include "config/config_load.h"
#include "config/config_resolve_private.h"

#define LINE_WIDTH 78

/* In double quotes, with libconfuse's escapes; a dollar would begin a variable. */
static void quote(struct buf *out, const char *text, size_t len)
{
    buf_append_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\' || c == '$')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_append_str(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_append_byte(out, (char)c);
    }
    buf_append_byte(out, '"');
}

static void print_list(const struct config_option *o, const struct config_list *list, struct buf *out)
{
    size_t group = o->group != 0 ? o->group : 1;
    struct buf item = {0};
    buf_append_byte(out, '{');
    for (size_t i = 0; i < list->count; i += group) {
        buf_append_str(out, i == 0 ? "" : ", ");
        item.len = 0;
        for (size_t k = i; k < list->count && k < i + group; k++) {
            buf_append_str(&item, k == i ? "" : " ");
            buf_append_str(&item, list->items[k]);
        }
        quote(out, item.data, item.len);
    }
    buf_append_byte(out, '}');
    buf_done(&item);
}

/* A word alone stands for itself; several are written as a list is. */
static void print_words(const struct config_option *o, const union config_value *value, struct buf *out)
{
    struct buf text = {0};
    config_value_print(o, value, &text);
    struct slice rest = buf_slice(&text);
    const char *blank = memchr(rest.ptr, ' ', rest.len);
    buf_append_str(out, blank != NULL ? "{" : "");
    for (; blank != NULL; blank = memchr(rest.ptr, ' ', rest.len)) {
        size_t len = (size_t)(blank - rest.ptr);
        quote(out, rest.ptr, len);
        buf_append_str(out, ", ");
        rest = slice_of(blank + 1, rest.len - len - 1);
    }
    if (rest.len < text.len) {
        quote(out, rest.ptr, rest.len);
        buf_append_byte(out, '}');
    } else {
        buf_append_slice(out, rest);
    }
    buf_done(&text);
}

void config_print_row(const struct config_row *row, bool hide, struct buf *out)
{
    const struct config_option *o = row->option;
    union config_value value;
    config_value_get(row, &value);
    buf_printf(out, "%s = ", o->name);
    if (o->type == CONFIG_LIST) {
        if (hide && (o->flags & CONFIG_SECRET) != 0 && value.list.count > 0)
            buf_append_str(out, "{\"(set)\"}");
        else
            print_list(o, &value.list, out);
    } else if (o->type == CONFIG_STRING) {
        bool secret = hide && (o->flags & CONFIG_SECRET) != 0 && value.string[0] != '\0';
        const char *text = secret ? "(set)" : value.string;
        quote(out, text, strlen(text));
    } else if (hide && (o->flags & CONFIG_SECRET) != 0) {
        buf_append_str(out, "\"(set)\"");
    } else if (o->type == CONFIG_WORDS) {
        print_words(o, &value, out);
    } else {
        config_value_print(o, &value, out);
    }
}

void config_print_setting(const struct config *c, const struct config_option *o, struct buf *out)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->rows[i].option == o)
            config_print_row(&c->rows[i], true, out);
}

static void print_record(const struct config_section *section, const struct config_record *record,
                         struct buf *out)
{
    buf_printf(out, "%s ", section->name);
    quote(out, record->title, strlen(record->title));
    buf_printf(out, " {    # %s:%u\n", record->file, record->line);
    for (size_t i = 0; i < section->count; i++) {
        const struct config_module module = {.target = record->values};
        const struct config_row row = {.option = &section->options[i], .module = &module};
        if (!record->given[i])
            continue;
        buf_append_str(out, "    ");
        config_print_row(&row, true, out);
        buf_append_byte(out, '\n');
    }
    buf_append_str(out, "}\n");
}

void config_print_all(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->count; i++) {
        config_print_row(&c->rows[i], true, out);
        buf_append_str(out, "    # ");
        config_print_origin(c, c->rows[i].option, out);
        buf_append_byte(out, '\n');
    }
    for (size_t i = 0; i < c->part_count; i++)
        for (size_t k = 0; k < c->parts[i].records.count; k++)
            print_record(c->parts[i].section, &c->parts[i].records.items[k], out);
}

/* TEXT as comment lines of at most LINE_WIDTH characters. */
static void comment(struct buf *out, const char *text)
{
    size_t width = 0;
    while (*text != '\0') {
        size_t word = strcspn(text, " \n");
        if (width != 0 && width + 1 + word > LINE_WIDTH) {
            buf_append_byte(out, '\n');
            width = 0;
        }
        if (width == 0) {
            buf_append_byte(out, '#');
            width = 1;
        }
        buf_append_byte(out, ' ');
        buf_append(out, text, word);
        width += 1 + word;
        text += word;
        text += strspn(text, " \n");
    }
    if (width != 0)
        buf_append_byte(out, '\n');
}

static bool is_default(const struct config_row *row)
{
    union config_value fallback;
    union config_value value;
    config_value_default(row->option, &fallback);
    config_value_get(row, &value);
    bool equal = config_value_equal(row->option, &value, &fallback);
    config_value_free(row->option, &fallback);
    return equal;
}

static void print_passed_over(struct buf *out, const struct buf *passed_over)
{
    buf_append_byte(out, '\n');
    comment(out, "Passed over, because it means nothing here:");
    struct slice rest = buf_slice(passed_over);
    while (rest.len > 0) {
        const char *newline = memchr(rest.ptr, '\n', rest.len);
        size_t len = newline != NULL ? (size_t)(newline - rest.ptr) : rest.len;
        buf_append_str(out, "#   ");
        buf_append(out, rest.ptr, len);
        buf_append_byte(out, '\n');
        size_t taken = len + (newline != NULL);
        rest = slice_of(rest.ptr + taken, rest.len - taken);
    }
}

void config_print_import(const struct config *c, const char *source, const struct buf *passed_over,
                         struct buf *out)
{
    char *head =
        heap_printf("miniredis.conf, made from %s. An option that is not named has its default.", source);
    comment(out, head);
    heap_free(head);
    const struct config_module *group = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct config_row *row = &c->rows[i];
        if (is_default(row))
            continue;
        buf_append_byte(out, '\n');
        if (row->module != group && row->module->group != NULL)
            buf_printf(out, "# --- %s ---\n\n", row->module->group);
        group = row->module;
        if (row->option->sentence != NULL)
            comment(out, row->option->sentence);
        config_print_row(row, false, out);
        buf_append_byte(out, '\n');
    }
    if (passed_over != NULL && passed_over->len > 0)
        print_passed_over(out, passed_over);
}
