/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The option tables of all modules, as the manual and the completion show them. The
 * modules' own structs are not known here: each table gets a block of memory that is
 * large enough for the values at its rows' offsets.
 */
#include <inttypes.h>
#include <string.h>

#include "base/heap.h"
#include "config/config_load.h"
#include "config/config_section.h"
#include "tools/mdoc.h"
#include "tools/tablegen.h"

#define MODULE(NAME, GROUP, ROWS, COUNT, TARGET, APPLY)                                                      \
    extern const struct config_option ROWS[];                                                                \
    extern const size_t COUNT;
#define SECTION(DECLARED, OWNER) extern const struct config_section DECLARED;
#include "daemon/modules.def"

struct table {
    struct config_module *modules;
    size_t count;
    struct config *config;
};

static void *target(const struct config_option *rows, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].offset > size)
            size = rows[i].offset;
    return heap_alloc_zero(size + sizeof(union config_value));
}

static void table_init(struct table *t)
{
    const struct config_module modules[] = {
#define MODULE(NAME, GROUP, ROWS, COUNT, TARGET, APPLY) {.group = GROUP, .options = ROWS, .count = COUNT},
#include "daemon/modules.def"
    };
    t->config = config_new();
    t->count = sizeof modules / sizeof modules[0];
    t->modules = heap_alloc(sizeof modules);
    memcpy(t->modules, modules, sizeof modules);
    for (size_t i = 0; i < t->count; i++) {
        t->modules[i].target = target(t->modules[i].options, t->modules[i].count);
        config_add(t->config, &t->modules[i]);
    }
#define SECTION(DECLARED, OWNER) config_add_section(t->config, &DECLARED, NULL);
#include "daemon/modules.def"
}

static void table_done(struct table *t)
{
    config_free(t->config);
    for (size_t i = 0; i < t->count; i++)
        heap_free(t->modules[i].target);
    heap_free(t->modules);
}

/* --- one option --- */

static void names(const struct config_option *o, struct buf *out)
{
    for (const struct config_name *n = o->names; n->name != NULL; n++) {
        buf_append_str(out, n == o->names ? " Cm" : " | Cm");
        mdoc_argument(out, n->name, strlen(n->name));
    }
}

static const char *placeholder(const struct config_option *o)
{
    if (o->type == CONFIG_INT && o->unit != NULL)
        return strcmp(o->unit, "s") == 0 ? "seconds" : strcmp(o->unit, "ms") == 0 ? "milliseconds" : o->unit;
    return o->type == CONFIG_SIZE ? "size" : o->type == CONFIG_OCTAL ? "mode" : "number";
}

static void heading(const struct config_option *o, struct buf *out)
{
    buf_append_str(out, ".It Ic");
    mdoc_argument(out, o->name, strlen(o->name));
    buf_append_str(out, " =");
    if (o->type == CONFIG_BOOL)
        buf_append_str(out, " Cm yes | Cm no");
    else if (o->type == CONFIG_ENUM)
        names(o, out);
    else if (o->type == CONFIG_WORDS) {
        buf_append_str(out, " {");
        names(o, out);
        buf_append_str(out, " , No ... }");
    } else if (o->type == CONFIG_STRING)
        buf_append_str(out, " \\(dq Ns Ar text Ns \\(dq");
    else if (o->type == CONFIG_LIST)
        buf_append_str(out, " { Ns \\(dq Ns Ar word Ns \\(dq , No ... Ns }");
    else {
        buf_printf(out, " Ar %s", placeholder(o));
        if (o->type == CONFIG_SIZE && o->names != NULL) {
            buf_append_str(out, " |");
            names(o, out);
        }
    }
    buf_append_byte(out, '\n');
}

static void number(const struct config_option *o, int64_t n, struct buf *out)
{
    static const char *const units[] = {"", "kb", "mb", "gb"};
    unsigned unit = 0;
    if (o->type == CONFIG_OCTAL) {
        buf_printf(out, "%" PRIo64, (uint64_t)n);
        return;
    }
    while (o->type == CONFIG_SIZE && n != 0 && n % 1024 == 0 && unit < 3) {
        n /= 1024;
        unit++;
    }
    buf_printf(out, "%" PRId64 "%s", n, units[unit]);
}

static void bounds(const struct config_option *o, struct buf *out)
{
    bool is_number = o->type == CONFIG_INT || o->type == CONFIG_SIZE || o->type == CONFIG_OCTAL;
    if (!is_number || (o->min == 0 && (o->max == 0 || o->max == INT64_MAX)))
        return;
    buf_append_str(out, o->max == INT64_MAX ? "At least " : "From ");
    number(o, o->min, out);
    if (o->max != INT64_MAX) {
        buf_append_str(out, " to ");
        number(o, o->max, out);
    }
    buf_append_str(out, ".\n");
}

static void fallback(const struct table *t, const struct config_option *o, struct buf *out)
{
    struct buf text = {0};
    buf_append_str(out, "Default:\n.Cm");
    if (o->type == CONFIG_STRING || o->type == CONFIG_LIST) {
        config_print_setting(t->config, o, &text);
        buf_consume(&text, strlen(o->name) + strlen(" = "));
    } else {
        buf_append_str(&text, o->fallback);
    }
    mdoc_argument(out, text.data, text.len);
    buf_append_str(out, " .\n");
    buf_done(&text);
}

static void runtime(const struct config_option *o, struct buf *out)
{
    if ((o->flags & CONFIG_PROTECTED) != 0 && (o->flags & CONFIG_RUNTIME) != 0)
        buf_append_str(out, "Can change at run time; over a connection only where\n"
                            ".Ic enable\\-protected\\-configs\nallows it.\n");
    else if ((o->flags & CONFIG_RUNTIME) != 0)
        buf_append_str(out, "Can change at run time.\n");
    else
        buf_append_str(out, "Read at start only.\n");
    if ((o->flags & CONFIG_SECRET) != 0)
        buf_append_str(out, "Secret: never logged, never printed.\n");
    if (o->alias != NULL) {
        buf_append_str(out, "Also spelled\n.Ic");
        mdoc_argument(out, o->alias, strlen(o->alias));
        buf_append_str(out, " .\n");
    }
}

/* A heading, and the options under it in the order of their tables. */
static void write_group(const struct table *t, const char *name, struct buf *out)
{
    buf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", name);
    for (size_t i = 0; i < config_option_count(t->config); i++) {
        const char *group;
        const struct config_option *o = config_option_at(t->config, i, &group);
        if (strcmp(group, name) != 0)
            continue;
        heading(o, out);
        mdoc_text(out, o->sentence);
        buf_append_str(out, ".Pp\n");
        fallback(t, o, out);
        bounds(o, out);
        runtime(o, out);
    }
    buf_append_str(out, ".El\n");
}

/* Several tables may have one heading. */
static bool is_first_of_group(const struct table *t, size_t module)
{
    for (size_t i = 0; i < module; i++)
        if (strcmp(t->modules[i].group, t->modules[module].group) == 0)
            return false;
    return true;
}

/* An option of a section has no value until a section is written, so it has no default to show
 * other than the text in its row. */
static void write_section(const struct config_section *section, struct buf *out)
{
    buf_printf(out, ".Ss %s\n.Bd -ragged -offset indent\n.Ic", section->group);
    mdoc_argument(out, section->name, strlen(section->name));
    buf_append_str(out, " \\(dq Ns Ar name Ns \\(dq { ... }\n.Ed\n.Pp\n");
    mdoc_text(out, section->sentence);
    buf_append_str(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < section->count; i++) {
        const struct config_option *o = &section->options[i];
        heading(o, out);
        mdoc_text(out, o->sentence);
        if (o->fallback[0] != '\0') {
            buf_append_str(out, "Default:\n.Cm");
            mdoc_argument(out, o->fallback, strlen(o->fallback));
            buf_append_str(out, " .\n");
        }
        bounds(o, out);
    }
    buf_append_str(out, ".El\n");
}

void tablegen_options(struct buf *out)
{
    struct table t;
    table_init(&t);
    for (size_t i = 0; i < t.count; i++)
        if (is_first_of_group(&t, i))
            write_group(&t, t.modules[i].group, out);
    for (size_t i = 0; i < config_section_count(t.config); i++)
        write_section(config_section_at(t.config, i), out);
    table_done(&t);
}

void tablegen_completion(struct buf *out)
{
    struct table t;
    table_init(&t);
    for (size_t i = 0; i < config_option_count(t.config); i++) {
        const struct config_option *o = config_option_at(t.config, i, NULL);
        bool choice = o->type == CONFIG_BOOL || o->type == CONFIG_ENUM || o->type == CONFIG_WORDS;
        buf_printf(out, "%s %s", o->name,
                   choice                     ? "word"
                   : o->type == CONFIG_STRING ? "text"
                   : o->type == CONFIG_LIST   ? "list"
                                              : "number");
        if (o->type == CONFIG_BOOL)
            buf_append_str(out, " yes no");
        for (const struct config_name *n = o->names; n != NULL && n->name != NULL; n++)
            buf_printf(out, " %s", n->name);
        buf_append_byte(out, '\n');
    }
    table_done(&t);
}
