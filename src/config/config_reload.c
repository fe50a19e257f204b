/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bringing what the files say now to a running server, all or nothing.
 */
#include "base/heap.h"
#include "config/config_resolve_private.h"

/* PATH for a fault of no statement. */
static const char *named(const char *path)
{
    return path != NULL ? path : "reload";
}

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
static size_t find_changes(const struct config *c, const char *path, struct config_resolved *rs,
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
            bool is_named = rs[i].file != NULL;
            config_fault(faults, is_named ? rs[i].file : named(path), is_named ? rs[i].line : 0, o->name,
                         "differs from the running value and can only change at a restart");
            continue;
        }
        tell_change(row, &rs[i].value, changed);
        updates[n++] = (struct config_update){i, rs[i].value};
        rs[i].value = (union config_value){.list = {0}};
    }
    return n;
}

static int bring_about(struct config *c, const char *path, struct config_resolved *rs, struct buf *faults,
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
            const struct config_resolved *to_blame = &rs[updates[failed].row];
            config_fault(faults, to_blame->file != NULL ? to_blame->file : named(path), to_blame->line,
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

/* What a reload has read, and made of it. */
struct reload {
    struct config_statements file;
    struct config_statements overlay;
    struct config_resolved *base;
    struct config_resolved *rs;
    struct config_records *sets;
    bool *differs; /* per section */
};

static int read_overlay(struct config *c, struct reload *re, struct buf *faults)
{
    char *path = config_overlay_place(c, re->base);
    int r = path != NULL ? config_overlay_read(c, path, &re->overlay, faults) : 0;
    heap_free(path);
    return r;
}

static int resolve_all(struct config *c, struct reload *re, struct buf *faults)
{
    static const struct config_statements none = {0};
    struct buf ignored = {0};
    size_t before = faults->len;
    re->base = config_resolve_nothing(c);
    config_resolve_list(c, &re->file, CONFIG_FROM_FILE, re->base, &ignored);
    config_resolve_list(c, &c->args, CONFIG_FROM_COMMAND_LINE, re->base, &ignored);
    buf_done(&ignored);
    int r = read_overlay(c, re, faults);
    re->rs = config_resolve_nothing(c);
    config_resolve_list(c, &re->file, CONFIG_FROM_FILE, re->rs, faults);
    config_resolve_list(c, &re->overlay, CONFIG_FROM_OVERLAY, re->rs, faults);
    config_resolve_list(c, &c->args, CONFIG_FROM_COMMAND_LINE, re->rs, faults);
    re->sets = config_parts_resolve(c, &re->file, &none, faults);
    return r == 0 && faults->len > before ? MR_E_CONFIG : r;
}

/* Notes in RE which sections differ; those that must wait for a restart are faults. */
static int compare_sections(const struct config *c, const char *path, struct reload *re, struct buf *faults,
                            struct buf *changed)
{
    int r = 0;
    for (size_t i = 0; i < c->part_count; i++) {
        const struct config_section *section = c->parts[i].section;
        re->differs[i] = !config_part_compare(c, i, &re->sets[i], changed);
        if (!re->differs[i] || section->apply != NULL)
            continue;
        config_fault(faults, named(path), 0, section->name,
                     "differs from what runs and can only change at a restart");
        r = MR_E_CONFIG;
    }
    return r;
}

/* The sections first: they go back without a trace when an option is refused. */
static int bring_all_about(struct config *c, const char *path, struct reload *re, struct buf *faults,
                           struct buf *changed)
{
    struct buf lines = {0}, why = {0};
    int r = compare_sections(c, path, re, faults, &lines);
    if (r == 0 && (r = config_parts_apply(c, re->differs, re->sets, &why)) < 0) {
        config_fault(faults, named(path), 0, NULL, "%s",
                     why.len > 0 ? buf_cstr(&why) : "a section is refused");
        r = MR_E_CONFIG;
    } else if (r == 0) {
        r = bring_about(c, path, re->rs, faults, &lines);
        if (r < 0)
            config_parts_revert(c, re->differs, re->sets);
    }
    if (r == 0)
        buf_append_slice(changed, buf_slice(&lines));
    buf_done(&lines);
    buf_done(&why);
    return r;
}

/* What has become the running state is kept, and the old one left in RE. */
static void keep(struct config *c, struct reload *re)
{
    for (size_t i = 0; i < c->count; i++)
        config_resolve_note_origin(&c->rows[i], &re->rs[i]);
    config_resolve_swap_base(c, re->base);
    struct config_statements file = c->file, overlay = c->overlay;
    c->file = re->file;
    c->overlay = re->overlay;
    re->file = file;
    re->overlay = overlay;
    config_secret_note(c, &c->file);
}

int config_reload(struct config *c, const char *path, bool redis_syntax, struct buf *faults,
                  struct buf *changed)
{
    struct reload re = {0};
    size_t before = faults->len;
    if (path != NULL && strcmp(path, "-") == 0) {
        config_fault(faults, "standard input", 0, NULL, "cannot be read a second time");
        return MR_E_CONFIG;
    }
    int r = path != NULL ? config_load_read(c, path, redis_syntax, &re.file, faults, NULL) : 0;
    if (r == 0) {
        re.differs = heap_alloc_zero((c->part_count + 1) * sizeof *re.differs);
        r = resolve_all(c, &re, faults);
        if (r == 0 && faults->len > before)
            r = MR_E_CONFIG;
        if (r == 0)
            r = bring_all_about(c, path, &re, faults, changed);
        if (r == 0)
            keep(c, &re);
        config_parts_free(c, re.sets);
        config_resolve_free(c, re.base);
        config_resolve_free(c, re.rs);
        heap_free(re.differs);
    }
    config_statements_done(&re.file);
    config_statements_done(&re.overlay);
    return r;
}
