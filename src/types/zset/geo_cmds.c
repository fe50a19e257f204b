/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GEOADD, which is ZADD with numbers of places as scores, and what is asked about single places.
 */
#include "types/zset/geo_cmds.h"

#include <stdio.h>

#include "base/heap.h"
#include "types/zset/zset_cmds.h"

#define DISTANCE_TEXT_MAX 400 /* four decimals of any double */

bool geo_read_number(struct command_ctx *ctx, uint32_t i, const char *why, double *ret)
{
    if (number_to_double(ctx->argv[i], ret))
        return true;
    resp_error(ctx->reply, why);
    return false;
}

bool geo_read_place(struct command_ctx *ctx, uint32_t i, struct geo_place *p)
{
    const char *why = error_text(MR_E_NOT_FLOAT);
    if (!geo_read_number(ctx, i, why, &p->longitude) || !geo_read_number(ctx, i + 1, why, &p->latitude))
        return false;
    if (geo_place_valid(*p))
        return true;
    resp_errorf(ctx->reply, "ERR invalid longitude,latitude pair %f,%f", p->longitude, p->latitude);
    return false;
}

double geo_read_unit(struct command_ctx *ctx, uint32_t i)
{
    static const struct {
        const char *name;
        double metres;
    } units[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
        if (slice_is(ctx->argv[i], units[k].name))
            return units[k].metres;
    resp_error(ctx->reply, "ERR unsupported unit provided. please use M, KM, FT, MI");
    return 0;
}

uint64_t geo_number_of(double score)
{
    if (score < 0)
        return score < -0x1p63 ? UINT64_C(1) << 63 : (uint64_t)(int64_t)score;
    return score < 0x1p64 ? (uint64_t)score : 0;
}

bool geo_find_place(const struct zset *z, struct slice member, struct geo_place *p)
{
    struct zset_found found;
    uint64_t hash = z->big == NULL ? 0 : keyspace_hash(z->ks, member);
    if (!zset_member(z, member, hash, &found))
        return false;
    *p = geo_hash_decode(geo_number_of(found.score));
    return true;
}

void geo_reply_place(struct resp_writer *w, struct geo_place p)
{
    char text[NUMBER_LONG_TEXT_MAX];
    const double both[] = {p.longitude, p.latitude};
    resp_array(w, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct slice s = slice_of(text, number_from_long_double(text, both[i]));
        if (w->version == 2) {
            resp_bulk(w, s);
        } else {
            resp_raw(w, ",", 1);
            resp_raw(w, s.ptr, s.len);
            resp_raw(w, "\r\n", 2);
        }
    }
}

void geo_reply_distance(struct resp_writer *w, double distance)
{
    char text[DISTANCE_TEXT_MAX];
    snprintf(text, sizeof text, "%.4f", distance);
    resp_bulk_str(w, text);
}

/* --- GEOADD --- */

/* Makes it ZADD's request: its words, then a number and a name for each place. */
static void add_places(struct command_ctx *ctx, uint32_t first, struct slice *argv,
                       char (*texts)[NUMBER_TEXT_MAX])
{
    uint32_t places = (ctx->argc - first) / 3;
    memcpy(argv, ctx->argv, first * sizeof *argv);
    for (uint32_t k = 0; k < places; k++) {
        struct geo_place p;
        if (!geo_read_place(ctx, first + 3 * k, &p))
            return;
        argv[first + 2 * k] = slice_of(texts[k], number_from_uint(texts[k], geo_hash_encode(p)));
        argv[first + 2 * k + 1] = ctx->argv[first + 3 * k + 2];
    }
    struct command_ctx zadd = *ctx;
    zadd.argv = argv;
    zadd.argc = first + 2 * places;
    zset_cmd_zadd(&zadd);
}

void geo_cmd_geoadd(struct command_ctx *ctx)
{
    uint32_t first = 2;
    bool nx = false, xx = false;
    for (; first < ctx->argc; first++) {
        if (slice_is(ctx->argv[first], "NX"))
            nx = true;
        else if (slice_is(ctx->argv[first], "XX"))
            xx = true;
        else if (!slice_is(ctx->argv[first], "CH"))
            break;
    }
    if ((ctx->argc - first) % 3 != 0 || ctx->argc == first || (nx && xx)) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    struct slice *argv = heap_try_alloc(ctx->argc * sizeof *argv);
    char(*texts)[NUMBER_TEXT_MAX] = heap_try_alloc(ctx->argc / 3 * sizeof *texts);
    if (argv == NULL || texts == NULL)
        resp_error_code(ctx->reply, MR_E_MEMORY);
    else
        add_places(ctx, first, argv, texts);
    heap_free(texts);
    heap_free(argv);
}

/* --- questions --- */

void geo_cmd_geodist(struct command_ctx *ctx)
{
    struct zset z;
    struct geo_place a, b;
    double unit = ctx->argc == 5 ? geo_read_unit(ctx, 4) : 1;
    if (unit == 0)
        return;
    if (ctx->argc > 5) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if (!zset_find(ctx, 1, DB_COUNT, &z))
        return;
    if (geo_find_place(&z, ctx->argv[2], &a) && geo_find_place(&z, ctx->argv[3], &b))
        geo_reply_distance(ctx->reply, geo_distance(a, b) / unit);
    else
        resp_null(ctx->reply);
}

void geo_cmd_geohash(struct command_ctx *ctx)
{
    struct zset z;
    struct zset_found found;
    if (!zset_find(ctx, 1, DB_COUNT, &z))
        return;
    resp_array(ctx->reply, ctx->argc - 2);
    for (uint32_t i = 2; i < ctx->argc; i++) {
        char text[GEO_TEXT];
        if (zset_member(&z, ctx->argv[i], dispatch_hash(ctx, i), &found)) {
            geo_hash_text(geo_number_of(found.score), text);
            resp_bulk(ctx->reply, slice_of(text, sizeof text));
        } else {
            resp_null(ctx->reply);
        }
    }
}

void geo_cmd_geopos(struct command_ctx *ctx)
{
    struct zset z;
    struct geo_place p;
    if (!zset_find(ctx, 1, DB_COUNT, &z))
        return;
    resp_array(ctx->reply, ctx->argc - 2);
    for (uint32_t i = 2; i < ctx->argc; i++) {
        if (geo_find_place(&z, ctx->argv[i], &p))
            geo_reply_place(ctx->reply, p);
        else
            resp_null_array(ctx->reply);
    }
}
