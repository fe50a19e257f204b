/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of all options: one row per option of each module that was added, in
 * the order of adding, with where its value came from.
 *
 * The values themselves are in the modules' structs; their heap parts are owned
 * here and freed with the config.
 */
#include "config/config.h"

#include <assert.h>
#include <ctype.h>

#include "base/heap.h"
#include "base/text.h"
#include "config/config_resolve_private.h"

#define NEAR_MAX 3 /* edits that a mistyped name is away from the one that was meant */

struct config *config_new(void)
{
    return heap_alloc_zero(sizeof(struct config));
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++) {
        union config_value value;
        config_value_get(&c->rows[i], &value);
        config_value_free(c->rows[i].option, &value);
        config_value_put(&c->rows[i], &value);
        config_value_free(c->rows[i].option, &c->base[i]);
    }
    struct config_records *sets = heap_alloc_zero((c->part_count + 1) * sizeof *sets);
    config_parts_swap(c, sets);
    config_parts_free(c, sets);
    config_statements_done(&c->file);
    config_statements_done(&c->overlay);
    config_statements_done(&c->args);
    heap_free(c->rows);
    heap_free(c->base);
    heap_free(c->groups);
    heap_free(c->parts);
    heap_free(c->state);
    heap_free(c->here);
    heap_free(c->credentials);
    config_take_notes(c, NULL, NULL);
    heap_free(c);
}

void config_add(struct config *c, const struct config_module *module)
{
    c->groups = heap_realloc(c->groups, (c->group_count + 1) * sizeof *c->groups);
    c->groups[c->group_count++] = (struct config_group){module, c->count};
    c->rows = heap_realloc(c->rows, (c->count + module->count + 1) * sizeof *c->rows);
    c->base = heap_realloc(c->base, (c->count + module->count + 1) * sizeof *c->base);
    for (size_t i = 0; i < module->count; i++) {
        const struct config_option *o = &module->options[i];
        assert(config_find(c, slice_str(o->name)) == NULL);
        assert(o->alias == NULL || config_find(c, slice_str(o->alias)) == NULL);
        struct config_row *row = &c->rows[c->count++];
        *row = (struct config_row){.option = o, .module = module, .origin = CONFIG_FROM_DEFAULT};
        union config_value value;
        config_value_default(o, &value);
        config_value_put(row, &value);
        config_value_default(o, &c->base[row - c->rows]);
    }
}

size_t config_option_count(const struct config *c)
{
    return c->count;
}

const struct config_option *config_option_at(const struct config *c, size_t i, const char **ret_group)
{
    if (ret_group != NULL)
        *ret_group = c->rows[i].module->group;
    return c->rows[i].option;
}

ssize_t config_row_index(const struct config *c, struct slice name, const char **ret_name)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct config_option *o = c->rows[i].option;
        bool by_name = slice_is(name, o->name);
        if (!by_name && (o->alias == NULL || !slice_is(name, o->alias)))
            continue;
        if (ret_name != NULL)
            *ret_name = by_name ? o->name : o->alias;
        return (ssize_t)i;
    }
    return -1;
}

const struct config_option *config_find(const struct config *c, struct slice name)
{
    ssize_t i = config_row_index(c, name, NULL);
    return i < 0 ? NULL : c->rows[i].option;
}

const char *config_nearest(const struct config *c, const char *name)
{
    char *lower = heap_strdup(name);
    for (char *p = lower; *p != '\0'; p++)
        *p = (char)(*p == '_' ? '-' : tolower((unsigned char)*p));
    unsigned limit = (unsigned)(strlen(lower) / 4) + 1;
    unsigned least = (limit > NEAR_MAX ? NEAR_MAX : limit) + 1;
    const char *best = NULL;
    for (size_t i = 0; i < c->count && least > 0; i++) {
        const char *const names[] = {c->rows[i].option->name, c->rows[i].option->alias};
        for (size_t k = 0; k < 2 && names[k] != NULL && least > 0; k++) {
            unsigned distance = text_distance(lower, names[k], least - 1);
            if (distance < least) {
                least = distance;
                best = names[k];
            }
        }
    }
    heap_free(lower);
    return best;
}

/* Options are pointed at by their callers, who had them from config_find or config_option_at. */
static const struct config_row *row_of(const struct config *c, const struct config_option *o)
{
    for (size_t g = 0; g < c->group_count; g++) {
        const struct config_module *m = c->groups[g].module;
        if (o >= m->options && o < m->options + m->count)
            return &c->rows[c->groups[g].first + (size_t)(o - m->options)];
    }
    assert(!"an option that was not added");
    return NULL;
}

void config_print_value(const struct config *c, const struct config_option *o, struct buf *out)
{
    const struct config_row *row = row_of(c, o);
    union config_value value;
    if (o->show != NULL) {
        o->show(row->module->target, out);
        return;
    }
    config_value_get(row, &value);
    config_value_print(o, &value, out);
}

void config_print_origin(const struct config *c, const struct config_option *o, struct buf *out)
{
    const struct config_row *row = row_of(c, o);
    switch (row->origin) {
    case CONFIG_FROM_DEFAULT:
        buf_append_str(out, "default");
        break;
    case CONFIG_FROM_FILE:
        buf_printf(out, "%s:%u", row->file, row->line);
        break;
    case CONFIG_FROM_OVERLAY:
        buf_printf(out, "%s:%u (CONFIG REWRITE)", row->file, row->line);
        break;
    case CONFIG_FROM_COMMAND_LINE:
        buf_append_str(out, "command line");
        break;
    case CONFIG_FROM_RUNTIME:
        buf_append_str(out, "CONFIG SET");
        break;
    }
}
