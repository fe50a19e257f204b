/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options that SET, GETEX, MSETEX and INCREX share: words, times, conditions.
 *
 * They are looked at in two passes as redis-server does: all words first, then the
 * numbers behind them, so that a wrong word is told before a wrong number.
 */
#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "types/string/string_private.h"

struct option_word {
    const char *word;
    size_t len;
    uint32_t option;
    uint32_t excludes;
    size_t argument; /* where struct string_options has it; 0: none follows */
};

#define WORD(NAME, EXCLUDES)                                                                                 \
    {                                                                                                        \
#NAME, sizeof #NAME - 1, STRING_##NAME, EXCLUDES, 0                                                  \
    }
#define WORD_WITH(NAME, EXCLUDES, ARGUMENT)                                                                  \
    {                                                                                                        \
#NAME, sizeof #NAME - 1, STRING_##NAME, EXCLUDES, offsetof(struct string_options, ARGUMENT)          \
    }
#define BUT(ALL, NAME) ((uint32_t)(ALL) & ~(uint32_t)STRING_##NAME)
#define ANY_TIME       (STRING_TIMES | STRING_KEEPTTL | STRING_PERSIST)

/* A condition with a value may stand there once, a bare one again and again. */
static const struct option_word words[] = {
    WORD_WITH(EX, BUT(ANY_TIME, EX), time),
    WORD_WITH(PX, BUT(ANY_TIME, PX), time),
    WORD(NX, BUT(STRING_CONDITIONS, NX)),
    WORD(XX, BUT(STRING_CONDITIONS, XX)),
    WORD(GET, 0),
    WORD(KEEPTTL, BUT(ANY_TIME, KEEPTTL)),
    WORD_WITH(EXAT, BUT(ANY_TIME, EXAT), time),
    WORD_WITH(PXAT, BUT(ANY_TIME, PXAT), time),
    WORD(PERSIST, BUT(ANY_TIME, PERSIST) | STRING_ENX),
    WORD_WITH(IFEQ, STRING_CONDITIONS, match),
    WORD_WITH(IFNE, STRING_CONDITIONS, match),
    WORD_WITH(IFDEQ, STRING_CONDITIONS, match),
    WORD_WITH(IFDNE, STRING_CONDITIONS, match),
    WORD(ENX, STRING_PERSIST),
    WORD_WITH(BYINT, STRING_BYFLOAT, by),
    WORD_WITH(BYFLOAT, STRING_BYINT, by),
    WORD_WITH(LBOUND, 0, lower),
    WORD_WITH(UBOUND, 0, upper),
    WORD(SATURATE, 0),
};

static const struct option_word *find_word(struct slice s)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].len == s.len && strncasecmp(words[i].word, s.ptr, s.len) == 0)
            return &words[i];
    return NULL;
}

bool string_parse_options(struct command_ctx *ctx, uint32_t first, uint32_t allowed, bool once,
                          struct string_options *ret)
{
    *ret = (struct string_options){0};
    for (uint32_t i = first; i < ctx->argc; i++) {
        const struct option_word *w = find_word(ctx->argv[i]);
        if (w == NULL || (w->option & allowed) == 0 || (ret->set & w->excludes) != 0 ||
            (once && (ret->set & w->option) != 0) || (w->argument != 0 && i + 1 == ctx->argc)) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        ret->set |= w->option;
        if (w->argument != 0) {
            i++;
            memcpy((char *)ret + w->argument, &i, sizeof i);
        }
    }
    return true;
}

uint32_t string_match_option(struct slice word)
{
    const struct option_word *w = find_word(word);
    return w == NULL ? 0 : w->option & STRING_MATCHES;
}

static bool expiry_of(struct command_ctx *ctx, int64_t number, bool seconds, bool relative,
                      int64_t *expiry_ms)
{
    if (number <= 0 || (seconds && __builtin_mul_overflow(number, 1000, &number)) ||
        (relative && __builtin_add_overflow(number, clock_ms(), &number))) {
        struct buf name = {0};
        registry_lower_name(ctx->command, &name);
        resp_errorf(ctx->reply, "ERR invalid expire time in '%s' command", buf_cstr(&name));
        buf_done(&name);
        return false;
    }
    *expiry_ms = number;
    return true;
}

bool string_parse_expiry(struct command_ctx *ctx, const struct string_options *o, int64_t *expiry_ms)
{
    int64_t number;
    if (o->time == 0) {
        *expiry_ms = o->set & STRING_KEEPTTL ? DB_EXPIRY_KEEP : DB_EXPIRY_NONE;
        return true;
    }
    return dispatch_arg_int(ctx, o->time, &number) &&
           expiry_of(ctx, number, (o->set & (STRING_EX | STRING_EXAT)) != 0,
                     (o->set & (STRING_EX | STRING_PX)) != 0, expiry_ms);
}

bool string_parse_lifetime(struct command_ctx *ctx, uint32_t i, bool seconds, int64_t *expiry_ms)
{
    int64_t number;
    return dispatch_arg_int(ctx, i, &number) && expiry_of(ctx, number, seconds, true, expiry_ms);
}

/* --- conditions --- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_digest(struct slice s, uint64_t *digest)
{
    if (s.len != STRING_DIGEST_DIGITS)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = hex_digit(s.ptr[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *digest = value;
    return true;
}

int string_condition(const struct command_ctx *ctx, const struct string_options *o, const struct entry *e,
                     bool *met)
{
    uint32_t condition = o->set & STRING_CONDITIONS;
    if (condition == 0 || e == NULL || (condition & (STRING_NX | STRING_XX)) != 0) {
        uint32_t unless = e == NULL ? STRING_XX | STRING_IFEQ | STRING_IFDEQ : STRING_NX;
        *met = (condition & unless) == 0;
        return 0;
    }
    char scratch[NUMBER_TEXT_MAX];
    struct slice value = string_of(ctx, e, scratch);
    struct slice wanted = ctx->argv[o->match];
    uint64_t digest;
    bool equal;
    if ((condition & (STRING_IFEQ | STRING_IFNE)) != 0)
        equal = slice_equal(value, wanted);
    else if (parse_digest(wanted, &digest))
        equal = digest == string_digest(value);
    else
        return MR_E_SYNTAX;
    *met = equal == ((condition & (STRING_IFEQ | STRING_IFDEQ)) != 0);
    return 0;
}

void string_bad_digest(struct command_ctx *ctx)
{
    resp_error(ctx->reply, "ERR must be exactly 16 hexadecimal characters");
}
