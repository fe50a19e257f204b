/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arguments of commands on the expiry of elements, as the families of hash fields and of set
 * members share them:
 *
 *   HEXPIRE ..    key time [NX | XX | GT | LT] FIELDS n field ..     in any order behind the time
 *   HTTL ..       key FIELDS n field ..
 *   HSETEX ..     key [conditions] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] FIELDS n field value ..
 *                                                                    in any order
 *
 * All that is wrong with the arguments is told here, before the key is looked at. Within, a time is
 * in wall milliseconds.
 */
#pragma once

#include "command/dispatch.h"

/* How a family speaks of its elements. */
struct element_words {
    const char *keyword;    /* "FIELDS" */
    const char *plural;     /* "fields" */
    const char *capital;    /* "Fields" */
    const char *none, *all; /* the conditions that none, or all of them are there: "FNX", "FXX" */
};

extern const struct element_words element_words_of_fields, element_words_of_members;

enum element_condition { ELEMENT_ALWAYS, ELEMENT_NX, ELEMENT_XX, ELEMENT_GT, ELEMENT_LT };

/* What HEXPIRE and its like ask for. */
struct element_expire {
    int64_t at_ms;
    enum element_condition condition;
    uint32_t first, count; /* the arguments that name elements */
};

/* UNIT_MS: of the number; BASE_MS: what it counts from. False: the error has been told. */
bool element_expire_read(struct command_ctx *ctx, const struct element_words *words, int64_t unit_ms,
                         int64_t base_ms, struct element_expire *ret);

/* Whether an element with OLD_MS (-1: no expiry, which is later than any) may be given AT_MS. */
static inline bool element_expire_allowed(enum element_condition condition, int64_t old_ms, int64_t at_ms)
{
    switch (condition) {
    case ELEMENT_NX:
        return old_ms < 0;
    case ELEMENT_XX:
        return old_ms >= 0;
    case ELEMENT_GT:
        return old_ms >= 0 && at_ms > old_ms;
    case ELEMENT_LT:
        return old_ms < 0 || at_ms < old_ms;
    default:
        return true;
    }
}

/* The elements of HTTL and its like, whose keyword is argument 2. False: the error has been told. */
bool element_list_read(struct command_ctx *ctx, const struct element_words *words, uint32_t *first,
                       uint32_t *count);

/* Whether there is memory to reply a number of one digit for each of COUNT elements; else that has been
 * told. For what is asked before it changes anything. */
bool element_reply_room(struct command_ctx *ctx, uint32_t count);

/* An expiry as HTTL and its like tell it: less BASE_MS, in UNIT_MS, rounded up, so that what is
 * there never has 0 left. */
static inline int64_t element_time_told(int64_t at_ms, int64_t unit_ms, int64_t base_ms)
{
    int64_t left = at_ms > base_ms ? at_ms - base_ms : 0;
    return left / unit_ms + (left % unit_ms != 0);
}

enum element_option {
    ELEMENT_NONE = 1,    /* only if none of the elements is there */
    ELEMENT_ALL = 2,     /* only if all are */
    ELEMENT_NO_KEY = 4,  /* NX: only if the key is not there */
    ELEMENT_HAS_KEY = 8, /* XX: only if it is */
    ELEMENT_KEEPTTL = 16,
    ELEMENT_PERSIST = 32,
    ELEMENT_TIME = 64, /* one of EX, PX, EXAT, PXAT */
};

/* What HSETEX, HGETEX and SADDEX ask for. */
struct element_options {
    unsigned set; /* of enum element_option */
    int64_t at_ms;
    uint32_t first, count; /* the arguments that name elements; COUNT elements */
};

/* ALLOWED: the options that the command has; EACH: arguments of an element. False: the error has
 * been told. */
bool element_options_read(struct command_ctx *ctx, const struct element_words *words, unsigned allowed,
                          uint32_t each, struct element_options *ret);
