/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changing values while the server runs: all or nothing.
 *
 * New values are stored in all modules, then each module that something changed for is
 * called once. When one refuses, the old values go back and every module that was
 * called, the refusing one too, is called again with them.
 */
#include "base/heap.h"
#include "config/config_private.h"

static void swap_values(struct config *c, struct config_update *updates, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct config_row *row = &c->rows[updates[i].row];
        union config_value stored;
        config_value_get(row, &stored);
        config_value_put(row, &updates[i].value);
        updates[i].value = stored;
    }
}

static void drop_values(struct config *c, struct config_update *updates, size_t count)
{
    for (size_t i = 0; i < count; i++)
        config_value_free(c->rows[updates[i].row].option, &updates[i].value);
}

/* Calls GROUP's hook if an update is for it; *RET_FIRST is the first of them. */
static int apply_group(struct config *c, const struct config_group *group,
                       const struct config_update *updates, size_t count, size_t *ret_first, struct buf *why)
{
    const struct config_module *m = group->module;
    if (m->apply == NULL || m->count == 0)
        return 0;
    bool *changed = heap_alloc_zero(m->count * sizeof *changed);
    size_t first = count;
    for (size_t i = count; i-- > 0;) {
        if (c->rows[updates[i].row].module != m)
            continue;
        changed[updates[i].row - group->first] = true;
        first = i;
    }
    int r = 0;
    if (first < count) {
        r = m->apply(m->owner, changed, why);
        *ret_first = first;
    }
    heap_free(changed);
    return r;
}

static void apply_back(struct config *c, size_t groups, const struct config_update *updates, size_t count)
{
    struct buf ignored = {0};
    size_t first;
    for (size_t g = groups; g-- > 0;) {
        int r = apply_group(c, &c->groups[g], updates, count, &first, &ignored);
        (void)r; /* the old values were in use a moment ago; there is nothing better to go to */
    }
    buf_done(&ignored);
}

int config_commit(struct config *c, struct config_update *updates, size_t count, size_t *ret_failed,
                  struct buf *why)
{
    swap_values(c, updates, count);
    for (size_t g = 0; g < c->group_count; g++) {
        int r = apply_group(c, &c->groups[g], updates, count, ret_failed, why);
        if (r >= 0)
            continue;
        swap_values(c, updates, count);
        apply_back(c, g + 1, updates, count);
        drop_values(c, updates, count);
        return r;
    }
    drop_values(c, updates, count);
    return 0;
}

/* --- CONFIG SET --- */

/* A fault of the request names the option as the request does, a fault of a value as the table. */
static int refuse(struct buf *why, struct slice name, const char *reason)
{
    buf_append_str(why, "ERR CONFIG SET failed (possibly related to argument '");
    buf_append_slice(why, name);
    buf_printf(why, "') - %s", reason);
    return MR_E_CONFIG;
}

struct change {
    size_t row;
    const char *name; /* as the table spells it */
};

/* What can be said before any value is looked at; the first fault in order counts. */
static int check_names(const struct config *c, const struct config_change *changes, size_t count,
                       bool protected_ok, struct change *found, struct buf *why)
{
    for (size_t i = 0; i < count; i++) {
        ssize_t row = config_row_index(c, changes[i].name, &found[i].name);
        if (row < 0) {
            buf_append_str(why, "ERR Unknown option or number of arguments for CONFIG SET - '");
            buf_append_slice(why, changes[i].name);
            buf_append_byte(why, '\'');
            return MR_E_CONFIG;
        }
        unsigned flags = c->rows[row].option->flags;
        if ((flags & CONFIG_RUNTIME) == 0)
            return refuse(why, changes[i].name, "can't set immutable config");
        if ((flags & CONFIG_PROTECTED) != 0 && !protected_ok)
            return refuse(why, changes[i].name, "can't set protected config");
        found[i].row = (size_t)row;
        for (size_t k = 0; k < i; k++)
            if (found[k].row == found[i].row)
                return refuse(why, changes[i].name, "duplicate parameter");
    }
    return 0;
}

/* Values that differ from the present ones, moved to the front; *RET_COUNT of them. */
static int parse_values(struct config *c, const struct config_change *changes, struct change *found,
                        size_t count, struct config_update *updates, size_t *ret_count, struct buf *why)
{
    struct buf reason = {0};
    size_t n = 0;
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        const struct config_row *row = &c->rows[found[i].row];
        union config_value old;
        union config_value value;
        config_value_get(row, &old);
        r = config_value_parse(row->option, &changes[i].value, 1, CONFIG_STYLE_SET, &old, &value, &reason);
        if (r < 0) {
            refuse(why, slice_str(found[i].name), buf_cstr(&reason));
        } else if (config_value_equal(row->option, &old, &value)) {
            config_value_free(row->option, &value);
        } else {
            found[n].name = found[i].name;
            updates[n++] = (struct config_update){found[i].row, value};
        }
    }
    if (r < 0)
        drop_values(c, updates, n);
    buf_done(&reason);
    *ret_count = n;
    return r;
}

int config_set(struct config *c, const struct config_change *changes, size_t count, bool protected_ok,
               struct buf *why)
{
    struct change *found = heap_alloc((count + 1) * sizeof *found);
    struct config_update *updates = heap_alloc((count + 1) * sizeof *updates);
    size_t n;
    int r = check_names(c, changes, count, protected_ok, found, why);
    if (r == 0)
        r = parse_values(c, changes, found, count, updates, &n, why);
    if (r == 0) {
        struct buf reason = {0};
        size_t failed = 0;
        r = config_commit(c, updates, n, &failed, &reason);
        if (r < 0)
            refuse(why, slice_str(found[failed].name), buf_cstr(&reason));
        for (size_t i = 0; r == 0 && i < n; i++) {
            struct config_row *row = &c->rows[updates[i].row];
            row->origin = CONFIG_FROM_RUNTIME;
            row->file = NULL;
        }
        buf_done(&reason);
    }
    heap_free(found);
    heap_free(updates);
    return r;
}
