/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What commands say of idempotent additions: IDMP and IDMPAUTO of XADD, XCFGSET, XIDMPRECORD, the
 * lines of XINFO STREAM. The hash of the fields is compiled in from its library's header.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_idmp_private.h"

#define DURATION_MAX 86400
#define MAXSIZE_MAX  10000

/* --- XADD --- */

static int wrong(struct command_ctx *ctx, const char *why)
{
    resp_error(ctx->reply, why);
    return -1;
}

int stream_idmp_arg(struct command_ctx *ctx, uint32_t *i, struct stream_idmp_args *args)
{
    uint32_t more = ctx->argc - 1 - *i;
    bool is_auto = slice_is(ctx->argv[*i], "IDMPAUTO");
    if (!(is_auto && more >= 1) && !(slice_is(ctx->argv[*i], "IDMP") && more >= 2))
        return 0;
    if (args->used)
        return wrong(ctx, "ERR syntax error, IDMP/IDMPAUTO specified multiple times");
    args->used = true;
    args->is_auto = is_auto;
    args->pid = ctx->argv[++*i];
    if (args->pid.len == 0)
        return wrong(ctx, is_auto ? "ERR syntax error, IDMPAUTO requires a non-empty producer ID"
                                  : "ERR syntax error, IDMP requires a non-empty producer ID");
    if (is_auto)
        return 1;
    args->iid = ctx->argv[++*i];
    if (args->iid.len == 0)
        return wrong(ctx, "ERR syntax error, IDMP requires a non-empty idempotent ID");
    return 1;
}

static uint64_t rotate(uint64_t v)
{
    return v << 1 | v >> 63;
}

void stream_idmp_choose(struct stream_idmp_args *args, const struct stream_fields *fields)
{
    uint64_t sum_low = 0, sum_high = 0, xor_low = 0, xor_high = 0;
    if (!args->is_auto)
        return;
    XXH3_state_t state;
    for (uint64_t i = 0; i < fields->pairs; i++) {
        const struct slice *pair = fields->items + 2 * i;
        unsigned char len[8];
        little_store64(len, pair[0].len);
        XXH3_128bits_reset(&state);
        XXH3_128bits_update(&state, pair[0].ptr, pair[0].len);
        XXH3_128bits_update(&state, len, sizeof len);
        XXH3_128bits_update(&state, pair[1].ptr, pair[1].len);
        XXH128_hash_t h = XXH3_128bits_digest(&state);
        sum_low += h.low64;
        sum_high += h.high64;
        xor_low ^= h.low64;
        xor_high ^= h.high64;
    }
    little_store64((unsigned char *)args->digest, sum_low ^ rotate(xor_high));
    little_store64((unsigned char *)args->digest + 8, sum_high ^ rotate(xor_low));
    args->iid = slice_of(args->digest, sizeof args->digest);
}

/* --- XCFGSET --- */

/* An integer of 1 to MAX at argument I, which is not there twice; false: the error has been written. */
static bool arg_setting(struct command_ctx *ctx, uint32_t i, int64_t max, const char *unit, int64_t *ret)
{
    int64_t value;
    const char *name = max == DURATION_MAX ? "IDMP-DURATION" : "IDMP-MAXSIZE";
    if (*ret != 0) {
        resp_errorf(ctx->reply, "ERR %s specified multiple times", name);
        return false;
    }
    if (!dispatch_arg_int(ctx, i, &value))
        return false;
    if (value < 1 || value > max) {
        resp_errorf(ctx->reply, "ERR %s must be between 1 and %lld %s", name, (long long)max, unit);
        return false;
    }
    *ret = value;
    return true;
}

static bool parse_settings(struct command_ctx *ctx, int64_t *duration, int64_t *maxsize)
{
    for (uint32_t i = 2; i < ctx->argc; i += 2) {
        bool more = i + 1 < ctx->argc;
        if (more && slice_is(ctx->argv[i], "IDMP-DURATION")) {
            if (!arg_setting(ctx, i + 1, DURATION_MAX, "seconds", duration))
                return false;
        } else if (more && slice_is(ctx->argv[i], "IDMP-MAXSIZE")) {
            if (!arg_setting(ctx, i + 1, MAXSIZE_MAX, "entries", maxsize))
                return false;
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    if (*duration != 0 || *maxsize != 0)
        return true;
    resp_error(ctx->reply, "ERR At least one parameter must be specified");
    return false;
}

void stream_cmd_xcfgset(struct command_ctx *ctx)
{
    int64_t duration = 0, maxsize = 0;
    struct stream_key k;
    if (!parse_settings(ctx, &duration, &maxsize) || !stream_find(ctx, 1, 0, &k))
        return;
    if (k.s == NULL) {
        resp_error_code(ctx->reply, MR_E_NO_KEY);
        return;
    }
    const struct stream_options *o = stream_options_of(k.ks);
    const struct stream_idmp *was = arena_expand(k.a, k.s->idmp);
    int64_t old_duration = was != NULL && was->duration_s != 0 ? was->duration_s : o->idmp_duration;
    int64_t old_maxsize = was != NULL && was->maxsize != 0 ? was->maxsize : o->idmp_maxsize;
    if ((duration != 0 && duration != old_duration) || (maxsize != 0 && maxsize != old_maxsize)) {
        struct stream_idmp *idmp = stream_idmp_of(k.s, k.a);
        stream_idmp_clear(idmp, k.a);
        if (duration != 0)
            idmp->duration_s = (uint32_t)duration;
        if (maxsize != 0)
            idmp->maxsize = (uint32_t)maxsize;
        stream_changed(&k);
        db_event(ctx->db, EVENT_SILENT, "", ctx->argv[1]);
    }
    resp_ok(ctx->reply);
}

/* --- XIDMPRECORD --- */

/* Records it; an error, or NULL. */
static const char *record(struct stream_key *k, struct slice pid, struct slice iid, struct stream_id id)
{
    const struct stream_options *o = stream_options_of(k->ks);
    struct stream_idmp *idmp = stream_idmp_of(k->s, k->a);
    struct stream_producer *p = stream_idmp_find(idmp, k->a, pid);
    const struct stream_record *r = p == NULL ? NULL : stream_idmp_get(p, k->a, iid);
    if (r != NULL)
        return stream_id_compare(r->id, id) == 0
                   ? NULL
                   : "ERR IID already exists for this producer with a different stream ID";
    if (p == NULL)
        p = stream_idmp_producer(idmp, k->a, pid);
    bool put = p != NULL && stream_idmp_put(idmp, k->a, p, iid, id);
    if (p != NULL)
        (void)stream_idmp_prune(idmp, k->a, p, o, clock_ms());
    return put ? NULL : error_text(MR_E_MEMORY);
}

void stream_cmd_xidmprecord(struct command_ctx *ctx)
{
    struct stream_key k;
    struct stream_id id;
    const char *why = NULL;
    if (ctx->argv[2].len == 0) {
        resp_error(ctx->reply, "ERR producer ID must be non-empty");
        return;
    }
    if (ctx->argv[3].len == 0) {
        resp_error(ctx->reply, "ERR idempotent ID must be non-empty");
        return;
    }
    if (!stream_arg_strict_id(ctx, 4, 0, &id) || !stream_find(ctx, 1, 0, &k))
        return;
    if (k.s == NULL)
        why = error_text(MR_E_NO_KEY);
    else if (!stream_contains(k.s, k.a, id))
        why = "ERR No such message in stream";
    else
        why = record(&k, ctx->argv[2], ctx->argv[3], id);
    if (why != NULL) {
        resp_error(ctx->reply, why);
        return;
    }
    stream_changed(&k);
    db_event(ctx->db, EVENT_SILENT, "", ctx->argv[1]);
    resp_ok(ctx->reply);
}

/* --- XINFO STREAM --- */

static void reply_pair(struct resp_writer *w, const char *name, uint64_t value)
{
    resp_bulk_str(w, name);
    resp_int(w, (int64_t)value);
}

void stream_idmp_reply_info(struct resp_writer *w, const struct stream_idmp *idmp,
                            const struct stream_options *o)
{
    static const struct stream_idmp none;
    if (idmp == NULL)
        idmp = &none;
    reply_pair(w, "idmp-duration", idmp->duration_s != 0 ? idmp->duration_s : (uint64_t)o->idmp_duration);
    reply_pair(w, "idmp-maxsize", idmp->maxsize != 0 ? idmp->maxsize : (uint64_t)o->idmp_maxsize);
    reply_pair(w, "pids-tracked", idmp->producers.count);
    reply_pair(w, "iids-tracked", idmp->records);
    reply_pair(w, "iids-added", idmp->added);
    reply_pair(w, "iids-duplicates", idmp->duplicates);
}
