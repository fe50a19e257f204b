/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Titled sections of miniredis.conf: any number of records of the same rows.
 *
 *     user "alice" {
 *         peer-uid = 1000
 *         access = full
 *     }
 *
 * How a module uses them. It declares the struct of one record and a table of
 * struct config_option whose offsets are into that struct, as for options at the top of
 * the file (type, bounds, unit, names, fallback, check, CONFIG_SECRET, CONFIG_CLEAR;
 * CONFIG_RUNTIME and the alias mean nothing here). The daemon adds the section before
 * anything is loaded. After the start the module reads its records with
 * config_section_records; at each reload that changes them its apply hook gets the new ones.
 *
 *     struct user_record { int64_t peer_uid; int access; };
 *     const struct config_option user_rows[] = {
 *         {.name = "peer-uid", .type = CONFIG_INT, .fallback = "-1", .min = -1, .max = UINT32_MAX,
 *          .offset = offsetof(struct user_record, peer_uid), .sentence = "..."}, ...
 *     };
 *     static const struct config_section users = {.name = "user", .options = user_rows, ...};
 *     config_add_section(config, &users, owner);
 *     ...
 *     const struct config_records *all = config_section_records(config, "user");
 *     for (size_t i = 0; i < all->count; i++) {
 *         const struct user_record *u = all->items[i].values;
 *         ... all->items[i].title ...
 *     }
 *
 * The rules of the file hold: an option is named once in a section, a section of one title
 * once in a file; a later file (a drop-in, an include) that has the section again changes the
 * options it names and leaves the others. Order is that of the first appearance. Titles are
 * told apart by their exact bytes, are never empty, and are at most CONFIG_TITLE_MAX long.
 * Sections are not reached by the command line, by CONFIG SET, by the overlay, nor by
 * redis.conf, whose directive of the same name (user) is passed over as before.
 */
#pragma once

#include "config/config.h"

#define CONFIG_TITLE_MAX   256
#define CONFIG_RECORDS_MAX 4096 /* in one file, and of one section in all */

struct config_record {
    char *title;
    void *values;     /* struct of the module, heap parts as in config.h */
    bool *given;      /* per row: whether a file names it; else it has its fallback */
    const char *file; /* where it appears first */
    unsigned line;
};

struct config_records {
    struct config_record *items;
    size_t count;
};

struct config_section {
    const char *name;  /* "user"; no option has that name */
    const char *group; /* heading in the manual */
    const struct config_option *options;
    size_t count;
    size_t size; /* of the struct of one record */
    /* Of a whole record at any load: 0, or negative with the reason appended to WHY, which
     * refuses the load. May be NULL. */
    int (*check)(const struct config_record *record, struct buf *why);
    /* Called at a reload after the records were changed; what it refuses (negative, reason in WHY)
     * is rolled back with the whole reload, and it is called again with the old records. The
     * records are the config's, which keeps them until it calls again or is freed. NULL: they
     * can only change at a restart, and a reload that would change them is refused. */
    int (*apply)(void *owner, const struct config_records *records, struct buf *why);
    const char *sentence; /* for the manual */
};

/* SECTION must outlive C. */
void config_add_section(struct config *c, const struct config_section *section, void *owner);

/* What was loaded for the section NAME, which was added. */
const struct config_records *config_section_records(const struct config *c, const char *name);

/* --- walking, for the manual --- */
size_t config_section_count(const struct config *c);
const struct config_section *config_section_at(const struct config *c, size_t i);
