/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From statements to values: resolves what the file and the command line say into a
 * value per option, stores it at start, brings it to a running server at a reload.
 *
 * A load keeps its statements only if there was no fault, so a config is always
 * what its statements make of it (and of CONFIG SET since).
 */
#include "config/config_load.h"

#include "base/heap.h"
#include "config/config_read_private.h"

struct resolved {
    union config_value value;
    enum config_origin origin;
    const char *file;
    unsigned line;
};

static void tell_unknown(const struct config *c, const struct config_statement *s, struct buf *faults)
{
    const char *near = config_nearest(c, s->name);
    if (near != NULL)
        config_fault(faults, s->file, s->line, s->name, "unknown option; did you mean '%s%s'?",
                     s->file == NULL ? "--" : "", near);
    else
        config_fault(faults, s->file, s->line, s->name, "unknown option");
}

/* One statement on top of what RS has so far. */
static void resolve_one(const struct config *c, const struct config_statement *s, enum config_origin origin,
                        struct resolved *rs, struct buf *faults)
{
    ssize_t row = config_row_index(c, slice_str(s->name), NULL);
    if (row < 0) {
        tell_unknown(c, s, faults);
        return;
    }
    const struct config_option *o = c->rows[row].option;
    struct resolved *now = &rs[row];
    /* save "" forgets what the same source said, where it stands. */
    bool clears = s->count == 1 && s->words[0][0] == '\0' && (o->flags & CONFIG_CLEAR) != 0;
    bool adds = s->mode == CONFIG_ADDS || (s->mode == CONFIG_REPEATS && now->origin == origin && !clears);
    if (s->mode == CONFIG_ADDS && o->type != CONFIG_LIST) {
        config_fault(faults, s->file, s->line, s->name, "takes one value, to which += cannot add");
        return;
    }
    size_t old = adds && o->type == CONFIG_LIST ? now->value.list.count : 0;
    struct slice *words = heap_alloc((old + s->count + 1) * sizeof *words);
    for (size_t i = 0; i < old; i++)
        words[i] = slice_str(now->value.list.items[i]);
    for (size_t i = 0; i < s->count; i++)
        words[old + i] = slice_str(s->words[i]);
    union config_value value;
    struct buf why = {0};
    if (config_value_parse(o, words, old + s->count, CONFIG_STYLE_FILE, &now->value, &value, &why) == 0) {
        config_value_free(o, &now->value);
        *now = (struct resolved){value, origin, s->file, s->line};
    } else {
        config_fault(faults, s->file, s->line, s->name, "%s", buf_cstr(&why));
    }
    buf_done(&why);
    heap_free(words);
}

/* The defaults; heap, one per row. */
static struct resolved *resolve_nothing(const struct config *c)
{
    struct resolved *rs = heap_alloc_zero((c->count + 1) * sizeof *rs);
    for (size_t i = 0; i < c->count; i++)
        config_value_default(c->rows[i].option, &rs[i].value);
    return rs;
}

static void resolve_list(const struct config *c, const struct config_statements *list,
                         enum config_origin origin, struct resolved *rs, struct buf *faults)
{
    for (size_t i = 0; i < list->count; i++)
        resolve_one(c, &list->items[i], origin, rs, faults);
}

static void free_resolved(const struct config *c, struct resolved *rs)
{
    for (size_t i = 0; i < c->count; i++)
        config_value_free(c->rows[i].option, &rs[i].value);
    heap_free(rs);
}

static void note_origin(struct config_row *row, const struct resolved *r)
{
    row->origin = r->origin;
    row->file = r->file;
    row->line = r->line;
}

/* --- at start --- */

static void store_all(struct config *c, struct resolved *rs)
{
    for (size_t i = 0; i < c->count; i++) {
        struct config_row *row = &c->rows[i];
        if (row->origin == CONFIG_FROM_RUNTIME)
            continue;
        union config_value stored;
        config_value_get(row, &stored);
        config_value_put(row, &rs[i].value);
        rs[i].value = stored;
        note_origin(row, &rs[i]);
    }
}

/* Stores what FRESH makes on top of what the config holds already, and keeps it, unless
 * there is a fault since BEFORE. FRESH is empty then. */
static int load(struct config *c, struct config_statements *fresh, enum config_origin origin,
                struct buf *faults, size_t before)
{
    struct resolved *rs = resolve_nothing(c);
    struct buf ignored = {0}; /* what is held has been found right */
    resolve_list(c, &c->file, CONFIG_FROM_FILE, rs, &ignored);
    if (origin == CONFIG_FROM_FILE)
        resolve_list(c, fresh, CONFIG_FROM_FILE, rs, faults);
    resolve_list(c, &c->args, CONFIG_FROM_COMMAND_LINE, rs, &ignored);
    if (origin == CONFIG_FROM_COMMAND_LINE)
        resolve_list(c, fresh, CONFIG_FROM_COMMAND_LINE, rs, faults);
    int r = faults->len > before ? MR_E_CONFIG : 0;
    if (r == 0) {
        store_all(c, rs);
        config_statements_append(origin == CONFIG_FROM_FILE ? &c->file : &c->args, fresh);
    }
    config_statements_done(fresh);
    free_resolved(c, rs);
    buf_done(&ignored);
    return r;
}

static int read_file(struct config *c, const char *path, bool redis_syntax, struct config_statements *out,
                     struct buf *faults, struct buf *passed_over)
{
    struct config_reading reading = {.config = c,
                                     .out = out,
                                     .faults = faults,
                                     .passed_over = passed_over,
                                     .read = redis_syntax ? config_redis_read : config_confuse_read};
    return config_file_start(&reading, path);
}

static int load_file(struct config *c, const char *path, bool redis_syntax, struct buf *faults,
                     struct buf *passed_over)
{
    struct config_statements fresh = {0};
    size_t before = faults->len;
    int r = read_file(c, path, redis_syntax, &fresh, faults, passed_over);
    if (r < 0) {
        config_statements_done(&fresh);
        return r;
    }
    return load(c, &fresh, CONFIG_FROM_FILE, faults, before);
}

int config_load_file(struct config *c, const char *path, struct buf *faults)
{
    return load_file(c, path, false, faults, NULL);
}

int config_load_redis(struct config *c, const char *path, struct buf *faults, struct buf *passed_over)
{
    return load_file(c, path, true, faults, passed_over);
}

int config_load_args(struct config *c, int argc, char **argv, struct buf *faults, struct buf *passed_over)
{
    struct config_statements fresh = {0};
    size_t before = faults->len;
    struct config_reading reading = {
        .config = c, .out = &fresh, .faults = faults, .passed_over = passed_over, .read = config_redis_read};
    config_args_read(&reading, argc, argv);
    return load(c, &fresh, CONFIG_FROM_COMMAND_LINE, faults, before);
}

/* --- at run time --- */

static void append_shown(const struct config_option *o, const union config_value *value, struct buf *out)
{
    struct buf text = {0};
    config_value_print(o, value, &text);
    config_fault_quote(out, buf_slice(&text));
    buf_done(&text);
}

/* "maxmemory: '0' is now '1048576'". */
static void tell_change(const struct config_row *row, const union config_value *value, struct buf *out)
{
    const struct config_option *o = row->option;
    if ((o->flags & CONFIG_SECRET) != 0) {
        buf_printf(out, "%s: changed\n", o->name);
        return;
    }
    union config_value old;
    config_value_get(row, &old);
    buf_printf(out, "%s: ", o->name);
    append_shown(o, &old, out);
    buf_append_str(out, " is now ");
    append_shown(o, value, out);
    buf_append_byte(out, '\n');
}

/* Moves what differs from the running values to UPDATES; returns how many. Differences that
 * must wait for a restart are faults. */
static size_t find_changes(const struct config *c, const char *path, struct resolved *rs,
                           struct config_update *updates, struct buf *faults, struct buf *changed)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct config_row *row = &c->rows[i];
        const struct config_option *o = row->option;
        union config_value now;
        config_value_get(row, &now);
        if (config_value_equal(o, &now, &rs[i].value))
            continue;
        if ((o->flags & CONFIG_RUNTIME) == 0) {
            bool named = rs[i].file != NULL;
            config_fault(faults, named ? rs[i].file : path, named ? rs[i].line : 0, o->name,
                         "differs from the running value and can only change at a restart");
            continue;
        }
        tell_change(row, &rs[i].value, changed);
        updates[n++] = (struct config_update){i, rs[i].value};
        rs[i].value = (union config_value){.list = {0}};
    }
    return n;
}

static int bring_about(struct config *c, const char *path, struct resolved *rs, struct buf *faults,
                       struct buf *changed)
{
    struct config_update *updates = heap_alloc((c->count + 1) * sizeof *updates);
    struct buf lines = {0};
    size_t before = faults->len;
    size_t n = find_changes(c, path, rs, updates, faults, &lines);
    int r = 0;
    if (faults->len > before) {
        for (size_t i = 0; i < n; i++)
            config_value_free(c->rows[updates[i].row].option, &updates[i].value);
        r = MR_E_CONFIG;
    } else {
        struct buf why = {0};
        size_t failed = 0;
        r = config_commit(c, updates, n, &failed, &why);
        if (r < 0) {
            const struct resolved *to_blame = &rs[updates[failed].row];
            config_fault(faults, to_blame->file != NULL ? to_blame->file : path, to_blame->line,
                         c->rows[updates[failed].row].option->name, "%s", buf_cstr(&why));
            r = MR_E_CONFIG;
        }
        buf_done(&why);
    }
    if (r == 0)
        buf_append_slice(changed, buf_slice(&lines));
    buf_done(&lines);
    heap_free(updates);
    return r;
}

int config_reload(struct config *c, const char *path, bool redis_syntax, struct buf *faults,
                  struct buf *changed)
{
    struct config_statements fresh = {0};
    size_t before = faults->len;
    int r;
    if (strcmp(path, "-") == 0) {
        config_fault(faults, "standard input", 0, NULL, "cannot be read a second time");
        return MR_E_CONFIG;
    }
    r = read_file(c, path, redis_syntax, &fresh, faults, NULL);
    if (r < 0) {
        config_statements_done(&fresh);
        return r;
    }
    struct resolved *rs = resolve_nothing(c);
    resolve_list(c, &fresh, CONFIG_FROM_FILE, rs, faults);
    resolve_list(c, &c->args, CONFIG_FROM_COMMAND_LINE, rs, faults);
    r = faults->len > before ? MR_E_CONFIG : bring_about(c, path, rs, faults, changed);
    if (r == 0) {
        for (size_t i = 0; i < c->count; i++)
            note_origin(&c->rows[i], &rs[i]);
        config_statements_done(&c->file);
        c->file = fresh;
    } else {
        config_statements_done(&fresh);
    }
    free_resolved(c, rs);
    return r;
}
