/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads miniredis.conf by libconfuse.
 *
 * To libconfuse every option is a list of strings, and so is every name that no
 * option has: its callback for a value notes word and line, and the values are
 * looked at later, so that one faulty value does not hide the next. Each list is
 * seeded with one value, which "=" drops and "+=" keeps: that tells the two apart.
 * libconfuse never opens a file, never includes one, and prints nothing.
 *
 * The reading is handed to the callbacks in the first option of the array, a
 * pointer that no file can set.
 */
#include <confuse.h>
#include <stdio.h>

#include "base/heap.h"
#include "config/config_read_private.h"

struct confuse {
    struct config_reading *reading;
    struct config_statements found; /* of this one file */
    const char *file;
    bool told; /* why the parser stopped */
};

static struct confuse *confuse_of(cfg_t *cfg)
{
    return (struct confuse *)cfg->opts[0].simple_value.ptr;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
    struct confuse *cf = confuse_of(cfg);
    char text[512];
    vsnprintf(text, sizeof text, fmt, ap);
    config_fault(cf->reading->faults, cf->file, (unsigned)cfg->line, NULL, "%s", text);
    cf->told = true;
}

/* Two statements for one option in one file are a slip more often than a wish. */
static void check_twice(struct confuse *cf, const char *name, unsigned line)
{
    const struct config *c = cf->reading->config;
    ssize_t row = config_row_index(c, slice_str(name), NULL);
    if (row < 0)
        return;
    for (size_t i = 0; i < cf->found.count; i++) {
        const struct config_statement *s = &cf->found.items[i];
        if (config_row_index(c, slice_str(s->name), NULL) != row)
            continue;
        config_fault(cf->reading->faults, cf->file, line, name,
                     "is set already at line %u; allowed: once in a file%s", s->line,
                     c->rows[row].option->type == CONFIG_LIST ? ", or += to add to it" : "");
        return;
    }
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    struct confuse *cf = confuse_of(cfg);
    struct config_statements *found = &cf->found;
    struct config_statement *s = found->count > 0 ? &found->items[found->count - 1] : NULL;
    if (opt->nvalues == 1 || s == NULL || strcmp(s->name, opt->name) != 0) {
        if (opt->nvalues == 1)
            check_twice(cf, opt->name, (unsigned)cfg->line);
        s = config_statements_add(found, cf->file, (unsigned)cfg->line, slice_str(opt->name));
        s->mode = opt->nvalues == 1 ? CONFIG_REPLACES : CONFIG_ADDS;
    }
    config_statement_word(s, slice_str(value));
    *(const char **)result = value;
    return 0;
}

static int refuse_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    (void)cfg, (void)opt, (void)value, (void)result;
    return -1;
}

static cfg_opt_t list_option(const char *name)
{
    return (cfg_opt_t){
        .name = name, .type = CFGT_STR, .flags = CFGF_LIST | CFGF_NODEFAULT, .parsecb = on_value};
}

/* NAMES: what config_scan found. Heap; the strings are not copied. */
static cfg_opt_t *make_options(struct confuse *cf, const struct buf *names)
{
    const struct config *c = cf->reading->config;
    size_t most = 2 * c->count + 3;
    for (size_t i = 0; i < names->len; i++)
        most += names->data[i] == '\0';
    cfg_opt_t *options = heap_alloc_zero(most * sizeof *options);
    size_t n = 0;
    options[n++] = (cfg_opt_t){.name = "\001",
                               .type = CFGT_PTR,
                               .flags = CFGF_NODEFAULT,
                               .simple_value = {.ptr = (void **)cf},
                               .parsecb = refuse_value};
    options[n++] = list_option("include");
    for (size_t i = 0; i < c->count; i++) {
        options[n++] = list_option(c->rows[i].option->name);
        if (c->rows[i].option->alias != NULL)
            options[n++] = list_option(c->rows[i].option->alias);
    }
    for (size_t at = 0; at < names->len; at += strlen(names->data + at) + 1)
        options[n++] = list_option(names->data + at);
    return options; /* the last is zero, which is the end */
}

static void parse(struct confuse *cf, const char *text, const struct buf *names)
{
    cfg_opt_t *options = make_options(cf, names);
    cfg_t *cfg = cfg_init(options, CFGF_NOCASE);
    heap_free(options);
    if (cfg == NULL)
        heap_exhausted(sizeof *cfg);
    cfg_set_error_function(cfg, on_error);
    for (size_t i = 1; cfg->opts[i].name != NULL; i++)
        if (cfg_opt_setnstr(&cfg->opts[i], "", 0) != CFG_SUCCESS)
            heap_exhausted(1);
    if (cfg_parse_buf(cfg, text) != CFG_SUCCESS && !cf->told)
        config_fault(cf->reading->faults, cf->file, (unsigned)cfg->line, NULL,
                     "not in the syntax of this file");
    cfg_free(cfg);
}

/* Puts what was found behind what the reading has, with the includes in their places. */
static void hand_over(struct confuse *cf)
{
    for (size_t i = 0; i < cf->found.count; i++) {
        struct config_statement *s = &cf->found.items[i];
        if (strcasecmp(s->name, "include") != 0) {
            config_statements_take(cf->reading->out, s);
            continue;
        }
        for (size_t k = 0; k < s->count; k++)
            config_file_include(cf->reading, s->file, s->line, s->words[k]);
    }
}

int config_confuse_read(struct config_reading *r, const char *path)
{
    struct buf text = {0};
    int result = config_file_read(path, &text);
    if (result < 0) {
        buf_done(&text);
        return result;
    }
    struct confuse cf = {.reading = r, .file = config_statements_file(r->out, path)};
    struct buf clean = {0};
    struct buf names = {0};
    if (config_scan(r->config, buf_slice(&text), cf.file, &clean, &names, r->faults))
        parse(&cf, buf_cstr(&clean), &names);
    hand_over(&cf);
    config_statements_done(&cf.found);
    buf_done(&names);
    buf_done(&clean);
    buf_done(&text);
    return 0;
}
