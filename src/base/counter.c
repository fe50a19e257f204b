/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry of counter tables. It owns the list alone: rows and the memory that
 * they count in stay with the modules that registered them.
 */
#include "base/counter.h"

#include <string.h>

#include "base/heap.h"

struct counter_table {
    const struct counter_row *rows;
    size_t count;
    void *owner;
    void (*on_reset)(void *owner);
};

struct counters {
    struct counter_table *tables;
    size_t count;
};

struct counters *counters_new(void)
{
    return heap_alloc_zero(sizeof(struct counters));
}

void counters_free(struct counters *c)
{
    if (c == NULL)
        return;
    heap_free(c->tables);
    heap_free(c);
}

void counters_add(struct counters *c, const struct counter_row *rows, size_t count, void *owner,
                  void (*on_reset)(void *owner))
{
    c->tables = heap_realloc(c->tables, (c->count + 1) * sizeof *c->tables);
    c->tables[c->count++] = (struct counter_table){rows, count, owner, on_reset};
}

static uint64_t *row_value(const struct counter_table *table, const struct counter_row *row)
{
    return (uint64_t *)(void *)((char *)table->owner + row->offset);
}

static void print_row(const struct counter_table *table, const struct counter_row *row, struct buf *out)
{
    if (row->name != NULL) {
        buf_append_str(out, row->name);
        buf_append_byte(out, ':');
    }
    if (row->format != NULL)
        row->format(table->owner, out);
    else
        buf_append_uint(out, *row_value(table, row));
    if (row->name != NULL)
        buf_append(out, "\r\n", 2);
}

void counters_print(const struct counters *c, const char *section, const char *title, struct buf *out)
{
    bool titled = false;
    for (size_t t = 0; t < c->count; t++) {
        const struct counter_table *table = &c->tables[t];
        for (size_t r = 0; r < table->count; r++) {
            if (strcmp(table->rows[r].section, section) != 0)
                continue;
            if (!titled)
                buf_printf(out, "# %s\r\n", title);
            titled = true;
            print_row(table, &table->rows[r], out);
        }
    }
}

void counters_reset(struct counters *c)
{
    for (size_t t = 0; t < c->count; t++) {
        const struct counter_table *table = &c->tables[t];
        for (size_t r = 0; r < table->count; r++)
            if (table->rows[r].reset && table->rows[r].format == NULL)
                *row_value(table, &table->rows[r]) = 0;
        if (table->on_reset != NULL)
            table->on_reset(table->owner);
    }
}

void counters_zero(const void *owner, struct buf *out)
{
    (void)owner;
    buf_append_byte(out, '0');
}

void counters_never(const void *owner, struct buf *out)
{
    (void)owner;
    buf_append_str(out, "-1");
}
