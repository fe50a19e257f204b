/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From statements to values: what the loading, the reload and the overlay share.
 *
 * Resolving never changes the config; what it makes is stored by its callers.
 */
#pragma once

#include "config/config_private.h"

/* What a row is to be. */
struct config_resolved {
    union config_value value;
    enum config_origin origin;
    const char *file;
    unsigned line;
};

/* config_resolve.c. The defaults; heap, one per row. */
struct config_resolved *config_resolve_nothing(const struct config *c);
/* Puts what LIST says about options on top of RS; faults are told. */
void config_resolve_list(const struct config *c, const struct config_statements *list,
                         enum config_origin origin, struct config_resolved *rs, struct buf *faults);
void config_resolve_free(const struct config *c, struct config_resolved *rs);
void config_resolve_note_origin(struct config_row *row, const struct config_resolved *r);
/* Swaps the values of RS with the config's base. */
void config_resolve_swap_base(struct config *c, struct config_resolved *rs);
/* One statement's value on top of NOW, to which it adds the words if REPEATS or its mode says so.
 * 0 and *RET owned by the caller, or MR_E_CONFIG and the reason in WHY. */
int config_resolve_words(const struct config *c, const struct config_option *o,
                         const struct config_statement *s, bool repeats, const union config_value *now,
                         union config_value *ret, struct buf *why) MR_MUST_CHECK;

/* config_load.c. The statements of PATH and of its drop-ins; a negated errno if PATH cannot be read, which is
 * told as all faults are. */
int config_load_read(struct config *c, const char *path, bool redis_syntax, struct config_statements *out,
                     struct buf *faults, struct buf *passed_over) MR_MUST_CHECK;

/* Keeps a note; LINE 0 and OPTION "" are left out of its text. */
void config_note(struct config *c, enum config_note note, const char *file, unsigned line, const char *option,
                 const char *fmt, ...) MR_PRINTF(6, 7);

/* config_part.c: sections. The records that MORE makes on top of LIST: heap, one set per part; faults are
 * told. */
struct config_records *config_parts_resolve(const struct config *c, const struct config_statements *list,
                                            const struct config_statements *more, struct buf *faults);
void config_parts_free(const struct config *c, struct config_records *sets);
/* Swaps SETS with the records of C. */
void config_parts_swap(struct config *c, struct config_records *sets);
/* Whether the records of the part at I are those of SET; appends a line per difference to CHANGED. */
bool config_part_compare(const struct config *c, size_t i, const struct config_records *set,
                         struct buf *changed);
/* Calls the hooks of the parts that DIFFERS (one per part) names; what one refuses is told to all that were
 * called after the old records are back from SETS. */
int config_parts_apply(struct config *c, const bool *differs, struct config_records *sets,
                       struct buf *why) MR_MUST_CHECK;
/* Puts the old records back from SETS and tells the hooks. */
void config_parts_revert(struct config *c, const bool *differs, struct config_records *sets);

/* config_secret.c. Replaces WORD, "credential:NAME", by what the credential holds (in OUT). 1 if it is one, 0
 * if WORD is an ordinary one, MR_E_CONFIG with the reason in WHY. */
int config_secret_read(const struct config *c, const char *word, struct buf *out,
                       struct buf *why) MR_MUST_CHECK;
/* Notes, once per file, secrets that stand in a file that everybody can read, and credentials
 * that were not looked at. */
void config_secret_note(struct config *c, const struct config_statements *list);

/* config_overlay.c. Where it lies by the values of RS (NULL: by the config's base), heap, or NULL: there is none. */
char *config_overlay_place(const struct config *c, const struct config_resolved *rs);
/* Reads PATH, leaving out, with a note, what is not valid. 0 also if there is no such file; or negative with
 * lines in FAULTS. */
int config_overlay_read(struct config *c, const char *path, struct config_statements *out,
                        struct buf *faults) MR_MUST_CHECK;

/* config_print.c: "NAME = VALUE" as a file says it; HIDE: secrets as "(set)". */
void config_print_row(const struct config_row *row, bool hide, struct buf *out);
