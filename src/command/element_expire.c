/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See element_expire.h. Arguments are looked at from the left to the right; what is missing in the
 * end is told then.
 */
#include "command/element_expire.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/number.h"

const struct element_words element_words_of_fields = {"FIELDS", "fields", "Fields", "FNX", "FXX"};
const struct element_words element_words_of_members = {"MEMBERS", "members", "Members", "MNX", "MXX"};

/* Bytes of an unknown argument that its error repeats. */
#define SHOWN 128

static bool tell_unknown(struct command_ctx *ctx, uint32_t i)
{
    struct slice word = ctx->argv[i];
    resp_errorf(ctx->reply, "ERR unknown argument: %.*s", word.len < SHOWN ? (int)word.len : SHOWN, word.ptr);
    return false;
}

static bool tell_time(struct command_ctx *ctx)
{
    struct buf name = {0};
    registry_lower_name(ctx->command, &name);
    resp_errorf(ctx->reply, "ERR invalid expire time in '%s' command", buf_cstr(&name));
    buf_done(&name);
    return false;
}

static bool tell_missing(struct command_ctx *ctx, const struct element_words *words)
{
    resp_errorf(ctx->reply, "ERR missing %s argument", words->keyword);
    return false;
}

/* The time of argument I. */
static bool read_time(struct command_ctx *ctx, uint32_t i, int64_t unit_ms, int64_t base_ms, int64_t *at_ms)
{
    int64_t number;
    if (!dispatch_arg_int(ctx, i, &number))
        return false;
    if (number < 0) {
        resp_error(ctx->reply, "ERR invalid expire time, must be >= 0");
        return false;
    }
    if (__builtin_mul_overflow(number, unit_ms, &number) || __builtin_add_overflow(number, base_ms, at_ms))
        return tell_time(ctx);
    return true;
}

/* Elements behind the keyword at argument *AT: their number, and themselves. *AT comes to the last
 * one. INVALID: the error of a number that is none. */
static bool read_elements(struct command_ctx *ctx, const struct element_words *words, uint32_t *at,
                          uint32_t each, const char *invalid, uint32_t *first, uint32_t *count)
{
    int64_t number;
    if (*first != 0) {
        resp_errorf(ctx->reply, "ERR %s keyword specified multiple times", words->keyword);
        return false;
    }
    if (*at + 1 >= ctx->argc)
        return tell_missing(ctx, words);
    if (!number_to_int(ctx->argv[*at + 1], &number) || number < 1 || number > INT32_MAX) {
        resp_error(ctx->reply, invalid);
        return false;
    }
    *first = *at + 2;
    if ((uint64_t)number * each > ctx->argc - *first) {
        resp_error(ctx->reply, "ERR wrong number of arguments");
        return false;
    }
    *count = (uint32_t)number;
    *at = *first + *count * each - 1;
    return true;
}

/* --- HEXPIRE and its like --- */

static enum element_condition condition_of(struct slice word)
{
    static const char *const names[] = {"NX", "XX", "GT", "LT"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(word, names[i]))
            return (enum element_condition)(ELEMENT_NX + i);
    return ELEMENT_ALWAYS;
}

bool element_expire_read(struct command_ctx *ctx, const struct element_words *words, int64_t unit_ms,
                         int64_t base_ms, struct element_expire *ret)
{
    char invalid[64];
    *ret = (struct element_expire){0};
    snprintf(invalid, sizeof invalid, "ERR Parameter `num%s` should be greater than 0", words->capital);
    if (!read_time(ctx, 2, unit_ms, base_ms, &ret->at_ms))
        return false;
    for (uint32_t i = 3; i < ctx->argc; i++) {
        if (slice_is(ctx->argv[i], words->keyword)) {
            if (!read_elements(ctx, words, &i, 1, invalid, &ret->first, &ret->count))
                return false;
            continue;
        }
        enum element_condition condition = condition_of(ctx->argv[i]);
        if (condition == ELEMENT_ALWAYS)
            return tell_unknown(ctx, i);
        if (ret->condition != ELEMENT_ALWAYS && ret->condition != condition) {
            resp_error(ctx->reply, "ERR Multiple condition flags specified");
            return false;
        }
        ret->condition = condition;
    }
    return ret->first != 0 || tell_missing(ctx, words);
}

/* --- HTTL and its like --- */

bool element_list_read(struct command_ctx *ctx, const struct element_words *words, uint32_t *first,
                       uint32_t *count)
{
    int64_t number;
    if (!slice_is(ctx->argv[2], words->keyword)) {
        resp_errorf(ctx->reply, "ERR Mandatory argument %s is missing or not at the right position",
                    words->keyword);
        return false;
    }
    if (!number_to_int(ctx->argv[3], &number) || number < 1 || number > INT32_MAX) {
        resp_errorf(ctx->reply, "ERR Number of %s must be a positive integer", words->plural);
        return false;
    }
    if ((uint64_t)number != ctx->argc - 4) {
        resp_errorf(ctx->reply, "ERR The `num%s` parameter must match the number of arguments",
                    words->plural);
        return false;
    }
    *first = 4;
    *count = (uint32_t)number;
    return true;
}

/* --- HSETEX and its like --- */

struct time_word {
    const char *word;
    int64_t unit_ms;
    bool relative;
};

static const struct time_word *time_word_of(struct slice word)
{
    static const struct time_word words[] = {
        {"EX", 1000, true}, {"PX", 1, true}, {"EXAT", 1000, false}, {"PXAT", 1, false}};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is(word, words[i].word))
            return &words[i];
    return NULL;
}

/* The option that WORD is by itself; 0: none. */
static unsigned option_of(const struct element_words *words, struct slice word)
{
    if (slice_is(word, words->none))
        return ELEMENT_NONE;
    if (slice_is(word, words->all))
        return ELEMENT_ALL;
    if (slice_is(word, "NX"))
        return ELEMENT_NO_KEY;
    if (slice_is(word, "XX"))
        return ELEMENT_HAS_KEY;
    if (slice_is(word, "KEEPTTL"))
        return ELEMENT_KEEPTTL;
    return slice_is(word, "PERSIST") ? ELEMENT_PERSIST : 0;
}

#define LIFETIMES (ELEMENT_KEEPTTL | ELEMENT_PERSIST | ELEMENT_TIME)

/* Adds OPTION to those of RET, which exclude each other in groups. */
static bool add_option(struct command_ctx *ctx, const struct element_words *words, unsigned allowed,
                       unsigned option, struct element_options *ret)
{
    unsigned elements = ELEMENT_NONE | ELEMENT_ALL, key = ELEMENT_NO_KEY | ELEMENT_HAS_KEY;
    if ((option & LIFETIMES) != 0 && (ret->set & LIFETIMES) != 0) {
        resp_errorf(ctx->reply, "ERR Only one of EX, PX, EXAT, PXAT or %s arguments can be specified",
                    (allowed & ELEMENT_PERSIST) != 0 ? "PERSIST" : "KEEPTTL");
        return false;
    }
    ret->set |= option;
    if ((ret->set & elements) == elements) {
        resp_errorf(ctx->reply, "ERR Only one of %s or %s arguments can be specified", words->all,
                    words->none);
        return false;
    }
    if ((ret->set & key) == key) {
        resp_error(ctx->reply, "ERR Only one of XX or NX arguments can be specified");
        return false;
    }
    return true;
}

bool element_options_read(struct command_ctx *ctx, const struct element_words *words, unsigned allowed,
                          uint32_t each, struct element_options *ret)
{
    char invalid[64];
    *ret = (struct element_options){0};
    snprintf(invalid, sizeof invalid, "ERR invalid number of %s", words->plural);
    for (uint32_t i = 2; i < ctx->argc; i++) {
        if (slice_is(ctx->argv[i], words->keyword)) {
            if (!read_elements(ctx, words, &i, each, invalid, &ret->first, &ret->count))
                return false;
            continue;
        }
        const struct time_word *time = time_word_of(ctx->argv[i]);
        unsigned option = time != NULL ? ELEMENT_TIME : option_of(words, ctx->argv[i]);
        if ((option & allowed) == 0)
            return tell_unknown(ctx, i);
        if (!add_option(ctx, words, allowed, option, ret))
            return false;
        if (time == NULL)
            continue;
        if (++i == ctx->argc) {
            resp_error(ctx->reply, "ERR missing expire time");
            return false;
        }
        if (!read_time(ctx, i, time->unit_ms, time->relative ? clock_ms() : 0, &ret->at_ms))
            return false;
    }
    return ret->first != 0 || tell_missing(ctx, words);
}

bool element_reply_room(struct command_ctx *ctx, uint32_t count)
{
    const size_t digit = sizeof ":-2\r\n" - 1;
    if (buf_try_grow(ctx->reply->out, count * digit + 2 * (size_t)RESP_HEAD_MAX) == 0)
        return true;
    resp_error_code(ctx->reply, MR_E_MEMORY);
    return false;
}
