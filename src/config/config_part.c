/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Titled sections: their records, made of the statements of the files, compared and
 * brought to the modules at a reload.
 */
#include <assert.h>

#include "base/heap.h"
#include "config/config_resolve_private.h"

#define TITLE_SHOWN 24 /* bytes of a title that a fault shows */

void config_add_section(struct config *c, const struct config_section *section, void *owner)
{
    assert(config_find(c, slice_str(section->name)) == NULL);
    for (size_t i = 0; i < c->part_count; i++)
        assert(strcasecmp(c->parts[i].section->name, section->name) != 0);
    c->parts = heap_realloc(c->parts, (c->part_count + 1) * sizeof *c->parts);
    c->parts[c->part_count++] = (struct config_part){.section = section, .owner = owner};
}

const struct config_records *config_section_records(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->part_count; i++)
        if (strcmp(c->parts[i].section->name, name) == 0)
            return &c->parts[i].records;
    assert(!"a section that was not added");
    return NULL;
}

size_t config_section_count(const struct config *c)
{
    return c->part_count;
}

const struct config_section *config_section_at(const struct config *c, size_t i)
{
    return c->parts[i].section;
}

/* A row whose target is the record, so that its values are got and put like any. */
struct cell {
    struct config_module module;
    struct config_row row;
};

static const struct config_row *cell_of(struct cell *cell, const struct config_option *o,
                                        const struct config_record *record)
{
    cell->module.target = record->values;
    cell->row.option = o;
    cell->row.module = &cell->module;
    return &cell->row;
}

static void free_records(const struct config_section *section, struct config_records *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct config_record *record = &set->items[i];
        for (size_t k = 0; k < section->count; k++) {
            struct cell cell = {0};
            union config_value value;
            config_value_get(cell_of(&cell, &section->options[k], record), &value);
            config_value_free(&section->options[k], &value);
        }
        heap_free(record->values);
        heap_free(record->given);
        heap_free(record->title);
    }
    heap_free(set->items);
    *set = (struct config_records){0};
}

void config_parts_free(const struct config *c, struct config_records *sets)
{
    for (size_t i = 0; i < c->part_count; i++)
        free_records(c->parts[i].section, &sets[i]);
    heap_free(sets);
}

static struct config_record *find_record(const struct config_records *set, const char *title)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i].title, title) == 0)
            return &set->items[i];
    return NULL;
}

static struct config_record *open_record(struct config_records *set, const struct config_statement *s)
{
    struct config_record *record = find_record(set, s->title);
    if (record != NULL || set->count == CONFIG_RECORDS_MAX)
        return record;
    const struct config_section *section = s->section;
    if ((set->count & (set->count - 1)) == 0)
        set->items = heap_realloc(set->items, (set->count != 0 ? set->count * 2 : 1) * sizeof *set->items);
    record = &set->items[set->count++];
    *record = (struct config_record){.title = heap_strdup(s->title),
                                     .values = heap_alloc_zero(section->size),
                                     .given = heap_alloc_zero(section->count * sizeof *record->given + 1),
                                     .file = s->file,
                                     .line = s->line};
    for (size_t i = 0; i < section->count; i++) {
        struct cell cell = {0};
        union config_value value;
        config_value_default(&section->options[i], &value);
        config_value_put(cell_of(&cell, &section->options[i], record), &value);
    }
    return record;
}

static void tell_unknown(const struct config_statement *s, struct buf *faults)
{
    struct buf allowed = {0};
    for (size_t i = 0; i < s->section->count; i++)
        buf_printf(&allowed, i == 0 ? "%s" : ", %s", s->section->options[i].name);
    config_fault(faults, s->file, s->line, s->name, "unknown in the section %s; allowed: %s",
                 s->section->name, buf_cstr(&allowed));
    buf_done(&allowed);
}

static void tell_fault(const struct config_statement *s, const struct config_record *record,
                       const char *reason, struct buf *faults)
{
    char *label = heap_printf("%s \"%.*s\" %s", s->section->name, TITLE_SHOWN, record->title, s->name);
    config_fault(faults, s->file, s->line, label, "%s", reason);
    heap_free(label);
}

static void resolve_one(const struct config *c, const struct config_statement *s,
                        struct config_record *record, struct buf *faults)
{
    for (size_t i = 0; i < s->section->count; i++) {
        const struct config_option *o = &s->section->options[i];
        if (strcasecmp(o->name, s->name) != 0)
            continue;
        struct cell cell = {0};
        const struct config_row *row = cell_of(&cell, o, record);
        union config_value now, value;
        config_value_get(row, &now);
        struct buf why = {0};
        if (config_resolve_words(c, o, s, false, &now, &value, &why) == 0) {
            config_value_free(o, &now);
            config_value_put(row, &value);
            record->given[i] = true;
        } else {
            tell_fault(s, record, buf_cstr(&why), faults);
        }
        buf_done(&why);
        return;
    }
    tell_unknown(s, faults);
}

static void check_records(const struct config_section *section, const struct config_records *set,
                          struct buf *faults)
{
    for (size_t i = 0; section->check != NULL && i < set->count; i++) {
        struct buf why = {0};
        if (section->check(&set->items[i], &why) < 0)
            config_fault(faults, set->items[i].file, set->items[i].line, section->name, "\"%s\": %s",
                         set->items[i].title, why.len > 0 ? buf_cstr(&why) : "is not valid");
        buf_done(&why);
    }
}

static void resolve_list(const struct config *c, const struct config_section *section,
                         const struct config_statements *list, struct config_records *set, struct buf *faults)
{
    struct config_record *record = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct config_statement *s = &list->items[i];
        if (s->section != section)
            continue;
        if (s->name[0] == '\0') {
            record = open_record(set, s);
            if (record == NULL)
                config_fault(faults, s->file, s->line, section->name, "too many of them; allowed: %d",
                             CONFIG_RECORDS_MAX);
        } else if (record != NULL) {
            resolve_one(c, s, record, faults);
        }
    }
}

struct config_records *config_parts_resolve(const struct config *c, const struct config_statements *list,
                                            const struct config_statements *more, struct buf *faults)
{
    struct config_records *sets = heap_alloc_zero((c->part_count + 1) * sizeof *sets);
    for (size_t i = 0; i < c->part_count; i++) {
        size_t before = faults->len;
        resolve_list(c, c->parts[i].section, list, &sets[i], faults);
        resolve_list(c, c->parts[i].section, more, &sets[i], faults);
        if (faults->len == before)
            check_records(c->parts[i].section, &sets[i], faults);
    }
    return sets;
}

void config_parts_swap(struct config *c, struct config_records *sets)
{
    for (size_t i = 0; i < c->part_count; i++) {
        struct config_records held = c->parts[i].records;
        c->parts[i].records = sets[i];
        sets[i] = held;
    }
}

/* --- at a reload --- */

static bool records_equal(const struct config_section *section, const struct config_record *a,
                          const struct config_record *b)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct config_option *o = &section->options[i];
        struct cell cell = {0};
        union config_value left, right;
        config_value_get(cell_of(&cell, o, a), &left);
        config_value_get(cell_of(&cell, o, b), &right);
        if (a->given[i] != b->given[i] || !config_value_equal(o, &left, &right))
            return false;
    }
    return true;
}

static void tell_change(const struct config_section *section, const struct config_record *record,
                        const char *what, struct buf *changed)
{
    buf_printf(changed, "%s ", section->name);
    config_fault_quote(changed, slice_str(record->title));
    buf_printf(changed, ": %s\n", what);
}

bool config_part_compare(const struct config *c, size_t i, const struct config_records *set,
                         struct buf *changed)
{
    const struct config_section *section = c->parts[i].section;
    const struct config_records *held = &c->parts[i].records;
    size_t before = changed->len;
    bool same_order = held->count == set->count;
    for (size_t k = 0; k < set->count; k++) {
        const struct config_record *old = find_record(held, set->items[k].title);
        same_order = same_order && old == &held->items[k];
        if (old == NULL)
            tell_change(section, &set->items[k], "added", changed);
        else if (!records_equal(section, old, &set->items[k]))
            tell_change(section, &set->items[k], "changed", changed);
    }
    for (size_t k = 0; k < held->count; k++)
        if (find_record(set, held->items[k].title) == NULL)
            tell_change(section, &held->items[k], "removed", changed);
    if (changed->len == before && !same_order)
        buf_printf(changed, "%s: in another order\n", section->name);
    return changed->len == before;
}

static int apply_one(struct config *c, size_t i, struct buf *why)
{
    struct config_part *part = &c->parts[i];
    return part->section->apply == NULL ? 0 : part->section->apply(part->owner, &part->records, why);
}

static void revert(struct config *c, size_t parts, const bool *differs, struct config_records *sets)
{
    struct buf ignored = {0};
    config_parts_swap(c, sets);
    for (size_t i = parts; i-- > 0;) {
        if (!differs[i])
            continue;
        int r = apply_one(c, i, &ignored);
        (void)r; /* the old records were in use a moment ago; there is nothing better to go to */
    }
    buf_done(&ignored);
}

int config_parts_apply(struct config *c, const bool *differs, struct config_records *sets, struct buf *why)
{
    config_parts_swap(c, sets);
    for (size_t i = 0; i < c->part_count; i++) {
        int r = differs[i] ? apply_one(c, i, why) : 0;
        if (r >= 0)
            continue;
        revert(c, i + 1, differs, sets);
        return r;
    }
    return 0;
}

void config_parts_revert(struct config *c, const bool *differs, struct config_records *sets)
{
    revert(c, c->part_count, differs, sets);
}
