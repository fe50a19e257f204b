/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share.
 *
 * Every source of values is first read into a list of statements (a name, words, a
 * place); config_resolve then makes of the file's statements, and of the command
 * line's on top of them, the value of every option. The lists are kept, so that the
 * order of loads does not matter and a reload need not know the command line.
 */
#pragma once

#include <sys/types.h>

#include "config/config_load.h"
#include "config/config_section.h"

enum config_mode {
    CONFIG_REPLACES,
    CONFIG_REPEATS, /* adds to what the same source said before, else replaces */
    CONFIG_ADDS     /* adds to the value as it is so far, the default too */
};

struct config_statement {
    const char *file; /* owned by the list; NULL: the command line */
    unsigned line;
    enum config_mode mode;
    bool literal; /* "credential:NAME" is meant as it stands */
    char *name;   /* "" opens SECTION */
    char **words;
    size_t count;
    const struct config_section *section; /* NULL: stands at the top of the file */
    char *title;                          /* of the section's record */
};

struct config_statements {
    struct config_statement *items;
    size_t count;
    char **files;
    size_t file_count;
};

struct config_row {
    const struct config_option *option;
    const struct config_module *module;
    enum config_origin origin;
    const char *file; /* of the config's statements; NULL where the origin is no file */
    unsigned line;
};

struct config_group {
    const struct config_module *module;
    size_t first; /* its first row */
};

struct config_found {
    enum config_note note;
    char *file;
    char *option;
    char *text;
};

struct config_part {
    const struct config_section *section;
    void *owner;
    struct config_records records;
};

struct config {
    struct config_row *rows;
    union config_value *base; /* per row, owned: what the files and the command line alone make of it */
    size_t count;
    struct config_group *groups;
    size_t group_count;
    struct config_part *parts; /* one per section */
    size_t part_count;
    struct config_statements file;
    struct config_statements overlay;
    struct config_statements args;
    const char *overlay_option; /* NULL: there is no overlay */
    const char *dir_option;
    char *state;       /* folder, or NULL */
    char *here;        /* what a relative folder of the data is relative to */
    char *credentials; /* folder, or NULL */
    bool only_looks;
    struct config_found *notes;
    size_t note_count;
};

/* config.c: the index of the row or -1; *RET_NAME is the table's spelling of the name or alias. */
ssize_t config_row_index(const struct config *c, struct slice name, const char **ret_name);

/* config_value.c. A value's bytes are moved, not copied, by get and put: who puts
 * one owns the one that it replaces. */
void config_value_get(const struct config_row *row, union config_value *ret);
void config_value_put(const struct config_row *row, const union config_value *value);
void config_value_free(const struct config_option *o, union config_value *value);
bool config_value_equal(const struct config_option *o, const union config_value *a,
                        const union config_value *b);
void config_value_print(const struct config_option *o, const union config_value *value, struct buf *out);

/* How faults are worded, and whether a file's extra spellings are taken. */
enum config_style { CONFIG_STYLE_FILE, CONFIG_STYLE_SET };

/* 0 and *RET owned by the caller, or negative with the reason in WHY. */
int config_value_parse(const struct config_option *o, const struct slice *words, size_t count,
                       enum config_style style, const union config_value *old, union config_value *ret,
                       struct buf *why) MR_MUST_CHECK;
/* Of the fallback, which is right (asserted). */
void config_value_default(const struct config_option *o, union config_value *ret);

/* config_set.c: one value to be stored. */
struct config_update {
    size_t row;
    union config_value value;
};

/* Stores all, calls the modules' hooks; all or nothing. Frees the values that are not
 * in use afterwards. On refusal the reason is in WHY and *RET_FAILED is the update
 * to blame. Origins are the caller's. */
int config_commit(struct config *c, struct config_update *updates, size_t count, size_t *ret_failed,
                  struct buf *why) MR_MUST_CHECK;

/* config_statement.c */
const char *config_statements_file(struct config_statements *list, const char *path);
struct config_statement *config_statements_add(struct config_statements *list, const char *file,
                                               unsigned line, struct slice name);
void config_statement_word(struct config_statement *s, struct slice word);
/* Moves S behind the statements of LIST; S is empty then. */
void config_statements_take(struct config_statements *list, struct config_statement *s);
/* Moves all of FROM, paths too, behind LIST; FROM is empty then. */
void config_statements_append(struct config_statements *list, struct config_statements *from);
void config_statements_done(struct config_statements *list);

/* Appends "FILE:LINE: NAME: " and the text, one line. FILE NULL is the command line, LINE 0
 * and NAME NULL are left out. */
void config_fault(struct buf *faults, const char *file, unsigned line, const char *name, const char *fmt, ...)
    MR_PRINTF(5, 6);
/* Appends 'TEXT', shortened, what does not print escaped. */
void config_fault_quote(struct buf *out, struct slice text);
