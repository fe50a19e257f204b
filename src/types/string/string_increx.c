/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INCREX: counting within bounds, with an expiry.
 *
 * The command is newer than the servers that this one is compared with; where its
 * description leaves the order of faults open, it is: words, numbers in the order
 * increment, bounds, time, then the key.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "types/string/string_private.h"

/* What is asked for, and what has become of it, for integers and for floating point. */
struct integer_step {
    int64_t by, lower, upper; /* the bounds, or the type's */
    int64_t value, applied;
};
struct float_step {
    long double by, lower, upper;
    long double value, applied;
};

/* A reply's numbers are texts of this kind; those of integers are short. */
struct increx {
    struct string_options o;
    int64_t expiry_ms;
    struct integer_step i;
    struct float_step f;
};

enum increx_outcome { INCREX_APPLIED, INCREX_UNCHANGED, INCREX_FAILED };

static bool is_float(const struct increx *x)
{
    return (x->o.set & STRING_BYFLOAT) != 0;
}

/* --- the request --- */

static bool bad_number(struct command_ctx *ctx, const char *what, bool floating)
{
    resp_errorf(ctx->reply, "ERR %s is not %s", what,
                floating ? "a valid float" : "an integer or out of range");
    return false;
}

/* The number in argument I, where there is one; false: WHAT is none, which has been told. */
static bool parse_number(struct command_ctx *ctx, struct increx *x, uint32_t i, const char *what,
                         int64_t *integer, long double *floating)
{
    if (i == 0)
        return true;
    bool ok =
        is_float(x) ? number_to_long_double(ctx->argv[i], floating) : number_to_int(ctx->argv[i], integer);
    return ok || bad_number(ctx, what, is_float(x));
}

static bool parse(struct command_ctx *ctx, struct increx *x)
{
    *x = (struct increx){.i = {.by = 1, .lower = INT64_MIN, .upper = INT64_MAX},
                         .f = {.by = 1, .lower = -LDBL_MAX, .upper = LDBL_MAX}};
    uint32_t allowed = STRING_BYINT | STRING_BYFLOAT | STRING_LBOUND | STRING_UBOUND | STRING_SATURATE |
                       STRING_TIMES | STRING_PERSIST | STRING_ENX | STRING_NX | STRING_XX;
    if (!string_parse_options(ctx, 2, allowed, true, &x->o))
        return false;
    if ((x->o.set & STRING_ENX) != 0 && x->o.time == 0) {
        resp_error(ctx->reply, "ERR ENX flag requires an expiration");
        return false;
    }
    if (!parse_number(ctx, x, x->o.by, "Increment", &x->i.by, &x->f.by) ||
        !parse_number(ctx, x, x->o.lower, "LBOUND", &x->i.lower, &x->f.lower) ||
        !parse_number(ctx, x, x->o.upper, "UBOUND", &x->i.upper, &x->f.upper))
        return false;
    if (is_float(x) ? x->f.lower > x->f.upper : x->i.lower > x->i.upper) {
        resp_error(ctx->reply, "ERR LBOUND can't be greater than UBOUND");
        return false;
    }
    return string_parse_expiry(ctx, &x->o, &x->expiry_ms);
}

/* --- the arithmetic --- */

static enum increx_outcome step_integer(struct command_ctx *ctx, struct increx *x)
{
    struct integer_step *s = &x->i;
    int64_t result;
    bool over = __builtin_add_overflow(s->value, s->by, &result);
    if (over)
        result = s->by > 0 ? INT64_MAX : INT64_MIN;
    if (over || result < s->lower || result > s->upper) {
        if ((x->o.set & STRING_SATURATE) == 0)
            return INCREX_UNCHANGED;
        result = result < s->lower ? s->lower : result > s->upper ? s->upper : result;
    }
    if (__builtin_sub_overflow(result, s->value, &s->applied)) {
        resp_error(ctx->reply, "ERR applied increment would overflow");
        return INCREX_FAILED;
    }
    s->value = result;
    return INCREX_APPLIED;
}

static enum increx_outcome step_float(struct command_ctx *ctx, struct increx *x)
{
    struct float_step *s = &x->f;
    long double result = s->value + s->by;
    if (isnan(result)) {
        resp_error(ctx->reply, "ERR applied increment would be Infinity");
        return INCREX_FAILED;
    }
    if (isinf(result) || result < s->lower || result > s->upper) {
        if ((x->o.set & STRING_SATURATE) == 0)
            return INCREX_UNCHANGED;
        result = fminl(fmaxl(result, s->lower), s->upper);
        result = fminl(fmaxl(result, -LDBL_MAX), LDBL_MAX);
    }
    s->applied = result - s->value;
    if (isinf(s->applied)) {
        resp_error(ctx->reply, "ERR applied increment would be Infinity");
        return INCREX_FAILED;
    }
    s->value = result;
    return INCREX_APPLIED;
}

/* The number that E (NULL: 0) is; false: it is none, which has been told. */
static bool read_value(struct command_ctx *ctx, struct increx *x, const struct entry *e)
{
    char scratch[NUMBER_TEXT_MAX];
    if (!string_check(ctx, e))
        return false;
    if (e == NULL)
        return true;
    struct slice text = string_of(ctx, e, scratch);
    if (is_float(x) ? number_to_long_double(text, &x->f.value) : number_to_int(text, &x->i.value))
        return true;
    resp_error_code(ctx->reply, is_float(x) ? MR_E_NOT_FLOAT : MR_E_NOT_INT);
    return false;
}

/* --- what comes of it --- */

/* In RESP2 a double is the same text as a bulk string. */
static void reply_float(struct command_ctx *ctx, struct slice text)
{
    if (ctx->reply->version != 3) {
        resp_bulk(ctx->reply, text);
        return;
    }
    resp_raw(ctx->reply, ",", 1);
    resp_raw(ctx->reply, text.ptr, text.len);
    resp_raw(ctx->reply, "\r\n", 2);
}

/* The value as it is to be stored. */
static struct slice value_text(const struct increx *x, char *text)
{
    return slice_of(text, is_float(x) ? number_from_long_double(text, x->f.value)
                                      : number_from_int(text, x->i.value));
}

static void reply(struct command_ctx *ctx, const struct increx *x)
{
    char text[NUMBER_LONG_TEXT_MAX];
    resp_array(ctx->reply, 2);
    if (!is_float(x)) {
        resp_int(ctx->reply, x->i.value);
        resp_int(ctx->reply, x->i.applied);
        return;
    }
    reply_float(ctx, value_text(x, text));
    reply_float(ctx, slice_of(text, number_from_long_double(text, x->f.applied)));
}

/* Stores the value, or deletes the key where its time is past. FOUND, HAS_EXPIRY: as the key was. */
static int apply(struct command_ctx *ctx, struct increx *x, bool found, bool has_expiry)
{
    char text[NUMBER_LONG_TEXT_MAX];
    bool persist = (x->o.set & STRING_PERSIST) != 0;
    bool time = x->o.time != 0 && !((x->o.set & STRING_ENX) != 0 && has_expiry);
    if (time && x->expiry_ms <= clock_ms()) {
        if (found && db_delete(ctx->db, ctx->argv[1], ctx->key_hash))
            db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
        return 0;
    }
    int64_t expiry_ms = time ? x->expiry_ms : persist ? DB_EXPIRY_NONE : DB_EXPIRY_KEEP;
    int code = db_set_string(ctx->db, ctx->argv[1], ctx->key_hash, value_text(x, text), expiry_ms);
    if (code != 0)
        return code;
    string_event(ctx, is_float(x) ? "incrbyfloat" : "incrby");
    if (time)
        db_event(ctx->db, EVENT_GENERIC, "expire", ctx->argv[1]);
    else if (persist && has_expiry)
        db_event(ctx->db, EVENT_GENERIC, "persist", ctx->argv[1]);
    return 0;
}

void string_cmd_increx(struct command_ctx *ctx)
{
    struct increx x;
    if (!parse(ctx, &x))
        return;
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    if (!read_value(ctx, &x, e))
        return;
    bool found = e != NULL;
    bool has_expiry = found && entry_has_expiry(e);
    bool unmet = (x.o.set & (found ? STRING_NX : STRING_XX)) != 0;
    enum increx_outcome outcome = unmet          ? INCREX_UNCHANGED
                                  : is_float(&x) ? step_float(ctx, &x)
                                                 : step_integer(ctx, &x);
    if (outcome == INCREX_FAILED)
        return;
    int code = outcome == INCREX_APPLIED ? apply(ctx, &x, found, has_expiry) : 0;
    if (code != 0)
        resp_error_code(ctx->reply, code);
    else
        reply(ctx, &x);
}
