/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading at the start: statements are read, resolved together with what was loaded
 * before, and stored.
 *
 * A load keeps its statements only if there was no fault, so a config is always
 * what its statements make of it (and of CONFIG SET since).
 */
#include "config/config_load.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/heap.h"
#include "config/config_read_private.h"
#include "config/config_resolve_private.h"

void config_set_environment(struct config *c, const struct config_environment *e)
{
    c->overlay_option = e->overlay_option;
    c->dir_option = e->dir_option;
    c->only_looks = e->only_looks;
    c->credentials = e->credentials != NULL ? heap_strdup(e->credentials) : NULL;
    c->state = e->state != NULL && e->state[0] != '\0' ? heap_memdup(e->state, strcspn(e->state, ":")) : NULL;
    char *here = getcwd(NULL, 0);
    c->here = heap_strdup(here != NULL ? here : ".");
    free(here);
}

void config_note(struct config *c, enum config_note note, const char *file, unsigned line, const char *option,
                 const char *fmt, ...)
{
    struct buf text = {0}, whole = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    config_fault(&whole, file, line, option[0] != '\0' ? option : NULL, "%s", buf_cstr(&text));
    c->notes = heap_realloc(c->notes, (c->note_count + 1) * sizeof *c->notes);
    c->notes[c->note_count++] = (struct config_found){.note = note,
                                                      .file = heap_strdup(file),
                                                      .option = heap_strdup(option),
                                                      .text = heap_memdup(whole.data, whole.len - 1)};
    buf_done(&text);
    buf_done(&whole);
}

void config_take_notes(struct config *c,
                       void (*take)(void *owner, enum config_note note, const char *file, const char *option,
                                    const char *text),
                       void *owner)
{
    for (size_t i = 0; i < c->note_count; i++) {
        struct config_found *n = &c->notes[i];
        if (take != NULL)
            take(owner, n->note, n->file, n->option, n->text);
        heap_free(n->file);
        heap_free(n->option);
        heap_free(n->text);
    }
    heap_free(c->notes);
    c->notes = NULL;
    c->note_count = 0;
}

static void store_all(struct config *c, struct config_resolved *rs)
{
    for (size_t i = 0; i < c->count; i++) {
        struct config_row *row = &c->rows[i];
        if (row->origin == CONFIG_FROM_RUNTIME)
            continue;
        union config_value stored;
        config_value_get(row, &stored);
        config_value_put(row, &rs[i].value);
        rs[i].value = stored;
        config_resolve_note_origin(row, &rs[i]);
    }
}

/* What is held has been found right, so only FRESH, which is of ORIGIN, can be faulty. */
static struct config_resolved *resolve_all(const struct config *c, const struct config_statements *fresh,
                                           enum config_origin origin, bool overlaid, struct buf *faults)
{
    const struct config_statements *const held[] = {[CONFIG_FROM_FILE] = &c->file,
                                                    [CONFIG_FROM_OVERLAY] = &c->overlay,
                                                    [CONFIG_FROM_COMMAND_LINE] = &c->args};
    struct config_resolved *rs = config_resolve_nothing(c);
    struct buf ignored = {0};
    for (enum config_origin from = CONFIG_FROM_FILE; from <= CONFIG_FROM_COMMAND_LINE; from++) {
        if (from == CONFIG_FROM_OVERLAY && !overlaid)
            continue;
        config_resolve_list(c, held[from], from, rs, &ignored);
        if (from == origin)
            config_resolve_list(c, fresh, from, rs, faults);
    }
    buf_done(&ignored);
    return rs;
}

/* Stores what FRESH makes on top of what the config holds already, and keeps it, unless
 * there is a fault since BEFORE. FRESH is empty then. */
static int load(struct config *c, struct config_statements *fresh, enum config_origin origin,
                struct buf *faults, size_t before)
{
    static const struct config_statements none = {0};
    struct buf ignored = {0};
    struct config_resolved *rs = resolve_all(c, fresh, origin, true, faults);
    struct config_resolved *base = resolve_all(c, fresh, origin, false, &ignored);
    struct config_records *sets =
        config_parts_resolve(c, &c->file, origin == CONFIG_FROM_FILE ? fresh : &none, faults);
    int r = faults->len > before ? MR_E_CONFIG : 0;
    if (r == 0) {
        store_all(c, rs);
        config_resolve_swap_base(c, base);
        config_parts_swap(c, sets);
        config_secret_note(c, fresh);
        config_statements_append(origin == CONFIG_FROM_FILE      ? &c->file
                                 : origin == CONFIG_FROM_OVERLAY ? &c->overlay
                                                                 : &c->args,
                                 fresh);
    }
    config_statements_done(fresh);
    config_parts_free(c, sets);
    config_resolve_free(c, base);
    config_resolve_free(c, rs);
    buf_done(&ignored);
    return r;
}

int config_load_read(struct config *c, const char *path, bool redis_syntax, struct config_statements *out,
                     struct buf *faults, struct buf *passed_over)
{
    struct config_reading reading = {.config = c,
                                     .out = out,
                                     .faults = faults,
                                     .passed_over = passed_over,
                                     .read = redis_syntax ? config_redis_read : config_confuse_read};
    int r = config_file_start(&reading, path);
    if (r == 0 && !redis_syntax)
        config_file_drop_ins(&reading, path);
    return r;
}

static int load_file(struct config *c, const char *path, bool redis_syntax, struct buf *faults,
                     struct buf *passed_over)
{
    struct config_statements fresh = {0};
    size_t before = faults->len;
    int r = config_load_read(c, path, redis_syntax, &fresh, faults, passed_over);
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

int config_load_overlay(struct config *c, struct buf *faults)
{
    struct config_statements fresh = {0};
    size_t before = faults->len;
    char *path = config_overlay_path(c);
    int r = path != NULL ? config_overlay_read(c, path, &fresh, faults) : 0;
    heap_free(path);
    if (r < 0) {
        config_statements_done(&fresh);
        return r;
    }
    return load(c, &fresh, CONFIG_FROM_OVERLAY, faults, before);
}
