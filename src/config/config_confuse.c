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
 * A section is an option of its own kind, whose inside takes the same names as the top of
 * the file; who knows the section tells later which of them mean nothing there. The
 * scanner puts an option in front of its first that tells that a section was opened, which
 * is also when the lists of the section are seeded.
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
    bool told;      /* why the parser stopped */
    size_t *opened; /* where in FOUND sections begin */
    size_t opened_count;
};

static struct confuse *confuse_of(cfg_t *cfg)
{
    return (struct confuse *)cfg->opts[0].simple_value.ptr;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
    struct confuse *cf = confuse_of(cfg);
    char text[512];
    const struct config_statement *before =
        cf->found.count > 0 ? &cf->found.items[cf->found.count - 1] : NULL;
    vsnprintf(text, sizeof text, fmt, ap);
    /* What stands behind a value without quotes may be the rest of a secret. */
    if (before != NULL && before->name[0] != '\0' && before->line == (unsigned)cfg->line &&
        strncmp(fmt, "no such option", 14) == 0)
        snprintf(text, sizeof text, "%s: more words behind the value; put it in quotes", before->name);
    config_fault(cf->reading->faults, cf->file, (unsigned)cfg->line, NULL, "%s", text);
    cf->told = true;
}

/* Two statements for one option in one file are a slip more often than a wish. */
static void tell_twice(struct confuse *cf, const char *name, unsigned line, unsigned first, bool list)
{
    config_fault(cf->reading->faults, cf->file, line, name,
                 "is set already at line %u; allowed: once in a file%s", first,
                 list ? ", or += to add to it" : "");
}

static void check_twice(struct confuse *cf, const char *name, unsigned line)
{
    const struct config *c = cf->reading->config;
    ssize_t row = config_row_index(c, slice_str(name), NULL);
    for (size_t i = 0; row >= 0 && i < cf->found.count; i++) {
        const struct config_statement *s = &cf->found.items[i];
        if (s->section != NULL || config_row_index(c, slice_str(s->name), NULL) != row)
            continue;
        tell_twice(cf, name, line, s->line, c->rows[row].option->type == CONFIG_LIST);
        return;
    }
}

static bool has_row(const struct config_section *section, const char *name)
{
    for (size_t i = 0; i < section->count; i++)
        if (strcasecmp(section->options[i].name, name) == 0)
            return true;
    return false;
}

/* The statements of the section that is open are the last ones. */
static void check_twice_inside(struct confuse *cf, const struct config_section *section, const char *name,
                               unsigned line)
{
    size_t first = cf->opened[cf->opened_count - 1];
    for (size_t i = cf->found.count; has_row(section, name) && --i > first;) {
        if (strcasecmp(cf->found.items[i].name, name) == 0) {
            tell_twice(cf, name, line, cf->found.items[i].line, false);
            return;
        }
    }
}

/* The section that CFG is the inside of, or NULL at the top. */
static const struct config_section *section_of(struct confuse *cf, cfg_t *cfg)
{
    const struct config *c = cf->reading->config;
    for (size_t i = 0; cfg->title != NULL && i < c->part_count; i++)
        if (strcasecmp(c->parts[i].section->name, cfg->name) == 0)
            return c->parts[i].section;
    return NULL;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    struct confuse *cf = confuse_of(cfg);
    struct config_statements *found = &cf->found;
    struct config_statement *s = found->count > 0 ? &found->items[found->count - 1] : NULL;
    const struct config_section *section = section_of(cf, cfg);
    if (opt->nvalues == 1 || s == NULL || s->section != section || strcmp(s->name, opt->name) != 0) {
        if (opt->nvalues == 1 && section == NULL)
            check_twice(cf, opt->name, (unsigned)cfg->line);
        else if (opt->nvalues == 1)
            check_twice_inside(cf, section, opt->name, (unsigned)cfg->line);
        s = config_statements_add(found, cf->file, (unsigned)cfg->line, slice_str(opt->name));
        s->mode = opt->nvalues == 1 ? CONFIG_REPLACES : CONFIG_ADDS;
        s->section = section;
    }
    config_statement_word(s, slice_str(value));
    *(const char **)result = value;
    return 0;
}

static void seed(cfg_opt_t *options)
{
    for (size_t i = 0; options[i].name != NULL; i++)
        if (options[i].parsecb == on_value && cfg_opt_setnstr(&options[i], "", 0) != CFG_SUCCESS)
            heap_exhausted(1);
}

static bool is_title(struct confuse *cf, const struct config_section *section, const char *title,
                     unsigned line)
{
    size_t len = strlen(title);
    if (len == 0 || len > CONFIG_TITLE_MAX) {
        config_fault(cf->reading->faults, cf->file, line, section->name,
                     "its title is %s; allowed: 1 to %d bytes", len == 0 ? "empty" : "too long",
                     CONFIG_TITLE_MAX);
        return false;
    }
    for (size_t i = 0; i < cf->opened_count; i++) {
        const struct config_statement *s = &cf->found.items[cf->opened[i]];
        if (s->section != section || strcmp(s->title, title) != 0)
            continue;
        config_fault(cf->reading->faults, cf->file, line, section->name,
                     "\"%s\" begins already at line %u; allowed: once in a file", title, s->line);
        return false;
    }
    return true;
}

/* A failure here ends the parse, so that at most CONFIG_RECORDS_MAX titles are compared. */
static int on_open(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    struct confuse *cf = confuse_of(cfg);
    const struct config_section *section = section_of(cf, cfg);
    unsigned line = (unsigned)cfg->line;
    (void)opt;
    if (section == NULL)
        return -1;
    if (cf->reading->plain || cf->opened_count == CONFIG_RECORDS_MAX) {
        config_fault(cf->reading->faults, cf->file, line, section->name,
                     cf->reading->plain ? "sections are not allowed here" : "there are too many of them");
        cf->told = true;
        return -1;
    }
    if (!is_title(cf, section, cfg->title, line)) {
        cf->told = true;
        return -1;
    }
    struct config_statement *s = config_statements_add(&cf->found, cf->file, line, slice_str(""));
    s->section = section;
    s->title = heap_strdup(cfg->title);
    cf->opened = heap_realloc(cf->opened, (cf->opened_count + 1) * sizeof *cf->opened);
    cf->opened[cf->opened_count++] = cf->found.count - 1;
    seed(cfg->opts);
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

/* NAMES: what config_scan found. INSIDE a section there is no other. Heap; the strings are not
 * copied. */
static cfg_opt_t *make_options(struct confuse *cf, const struct buf *names, cfg_opt_t *inside)
{
    const struct config *c = cf->reading->config;
    size_t most = 2 * c->count + c->part_count + 4;
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
    for (size_t i = 0; inside != NULL && i < c->part_count; i++)
        options[n++] = (cfg_opt_t){.name = c->parts[i].section->name,
                                   .type = CFGT_SEC,
                                   .flags = CFGF_MULTI | CFGF_TITLE | CFGF_NODEFAULT,
                                   .subopts = inside};
    if (inside == NULL) {
        options[n] = list_option(CONFIG_SCAN_OPENS);
        options[n++].parsecb = on_open;
    }
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
    cfg_opt_t *inside = make_options(cf, names, NULL);
    cfg_opt_t *options = make_options(cf, names, inside);
    cfg_t *cfg = cfg_init(options, CFGF_NOCASE);
    heap_free(options);
    heap_free(inside);
    if (cfg == NULL)
        heap_exhausted(sizeof *cfg);
    cfg_set_error_function(cfg, on_error);
    seed(cfg->opts);
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
        if (cf->reading->plain || s->section != NULL) {
            config_fault(cf->reading->faults, s->file, s->line, "include", "is not allowed here");
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
    heap_free(cf.opened);
    buf_done(&names);
    buf_done(&clean);
    buf_done(&text);
    return 0;
}
