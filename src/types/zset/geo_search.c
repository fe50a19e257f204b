/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lies within a circle, a box or a polygon: GEOSEARCH, GEOSEARCHSTORE and the GEORADIUS
 * family. The area is covered with cells, each of which is a range of scores; what stands there is
 * looked at one by one.
 */
#include <math.h>
#include <stdlib.h>

#include "base/heap.h"
#include "types/zset/geo_cmds.h"
#include "types/zset/zset_builder.h"
#include "types/zset/zset_cmds.h"

/* What a command's name says. */
enum search_kind {
    SEARCH_STORES = 1,  /* GEOSEARCHSTORE */
    SEARCH_OLD = 2,     /* the GEORADIUS family: circle first, then words */
    SEARCH_MEMBER = 4,  /* of it, those around a member */
    SEARCH_NO_STORE = 8 /* of it, those that only read */
};

enum from { FROM_NOWHERE, FROM_MEMBER, FROM_PLACE };
enum shape { NO_SHAPE, CIRCLE, BOX, POLYGON };
enum order { AS_FOUND, NEAREST_FIRST, FARTHEST_FIRST };

struct hit {
    struct geo_place place;
    double distance; /* metres */
    double score;
    size_t name, name_len; /* in search.names */
};

struct search {
    struct command_ctx *ctx;
    unsigned kind;
    uint32_t source; /* the argument that is the key */
    struct zset z;
    struct geo_place middle;
    enum from from;
    enum shape shape;
    double width, height; /* of a box; a circle's radius is its width; in units */
    double unit;          /* metres */
    uint32_t polygon, vertices;
    bool with_distance, with_hash, with_place, any, store_distance;
    enum order order;
    int64_t count;  /* 0: all */
    uint32_t store; /* the argument that is the key; 0: to the client */
    struct hit *hits;
    size_t found, room;
    struct buf names;
    int code;
};

/* --- arguments --- */

static struct geo_place vertex(const struct search *s, uint32_t i)
{
    struct geo_place p = {0};
    (void)number_to_double(s->ctx->argv[s->polygon + 2 * i], &p.longitude);
    (void)number_to_double(s->ctx->argv[s->polygon + 2 * i + 1], &p.latitude);
    return p;
}

/* The middle of the vertices as points in space. */
static struct geo_place centroid(const struct search *s)
{
    double x = 0, y = 0, z = 0;
    for (uint32_t i = 0; i < s->vertices; i++) {
        struct geo_place p = vertex(s, i);
        double longitude = p.longitude * M_PI / 180, latitude = p.latitude * M_PI / 180;
        x += cos(latitude) * cos(longitude);
        y += cos(latitude) * sin(longitude);
        z += sin(latitude);
    }
    return (struct geo_place){atan2(y, x) * 180 / M_PI, atan2(z, sqrt(x * x + y * y)) * 180 / M_PI};
}

/* How many arguments BYPOLYGON at I takes; 0: an error has been told. */
static uint32_t read_polygon(struct search *s, uint32_t i)
{
    struct command_ctx *ctx = s->ctx;
    int64_t count;
    if (!number_to_int(ctx->argv[i + 1], &count)) {
        resp_error(ctx->reply, "ERR invalid number of vertices");
        return 0;
    }
    if (count < 3 || count > (ctx->argc - i - 2) / 2) {
        resp_error(ctx->reply, "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices");
        return 0;
    }
    s->polygon = i + 2;
    s->vertices = (uint32_t)count;
    for (uint32_t k = 0; k < s->vertices; k++) {
        struct geo_place p;
        if (!geo_read_place(ctx, s->polygon + 2 * k, &p))
            return 0;
    }
    s->shape = POLYGON;
    s->unit = 1;
    s->middle = centroid(s);
    return 2 + 2 * s->vertices;
}

static bool read_circle(struct search *s, uint32_t i)
{
    if (!geo_read_number(s->ctx, i, "ERR need numeric radius", &s->width))
        return false;
    if (s->width < 0) {
        resp_error(s->ctx->reply, "ERR radius cannot be negative");
        return false;
    }
    s->shape = CIRCLE;
    s->unit = geo_read_unit(s->ctx, i + 1);
    return s->unit != 0;
}

static bool read_box(struct search *s, uint32_t i)
{
    if (!geo_read_number(s->ctx, i, "ERR need numeric width", &s->width) ||
        !geo_read_number(s->ctx, i + 1, "ERR need numeric height", &s->height))
        return false;
    if (s->width < 0 || s->height < 0) {
        resp_error(s->ctx->reply, "ERR height or width cannot be negative");
        return false;
    }
    s->shape = BOX;
    s->unit = geo_read_unit(s->ctx, i + 2);
    return s->unit != 0;
}

/* The middle is where argument I is, if there is a key at all. */
static bool read_member(struct search *s, uint32_t i)
{
    s->from = FROM_MEMBER;
    if (s->z.e == NULL || geo_find_place(&s->z, s->ctx->argv[i], &s->middle))
        return true;
    resp_error(s->ctx->reply, "ERR could not decode requested zset member");
    return false;
}

static bool read_count(struct search *s, uint32_t i)
{
    if (!dispatch_arg_int(s->ctx, i, &s->count))
        return false;
    if (s->count > 0)
        return true;
    resp_error(s->ctx->reply, "ERR COUNT must be > 0");
    return false;
}

/* A word of GEOSEARCH's alone, which may follow itself but not what says the same in another way.
 * How many arguments it takes; 0: an error has been told, -1: it is none of them. */
static int take_area(struct search *s, uint32_t i)
{
    struct slice word = s->ctx->argv[i];
    uint32_t more = s->ctx->argc - i - 1;
    bool polygon = s->shape == POLYGON;
    if (slice_is(word, "FROMMEMBER") && more >= 1 && !polygon && s->from != FROM_PLACE)
        return read_member(s, i + 1) ? 2 : 0;
    if (slice_is(word, "FROMLONLAT") && more >= 2 && !polygon && s->from != FROM_MEMBER) {
        s->from = FROM_PLACE;
        return geo_read_place(s->ctx, i + 1, &s->middle) ? 3 : 0;
    }
    if (slice_is(word, "BYRADIUS") && more >= 2 && (s->shape == NO_SHAPE || s->shape == CIRCLE))
        return read_circle(s, i + 1) ? 3 : 0;
    if (slice_is(word, "BYBOX") && more >= 3 && (s->shape == NO_SHAPE || s->shape == BOX))
        return read_box(s, i + 1) ? 4 : 0;
    if (slice_is(word, "BYPOLYGON") && more >= 1 && s->shape == NO_SHAPE && s->from == FROM_NOWHERE)
        return (int)read_polygon(s, i);
    if (slice_is(word, "STOREDIST") && (s->kind & SEARCH_STORES)) {
        s->store_distance = true;
        return 1;
    }
    return -1;
}

/* The same for STORE and STOREDIST of the old commands. */
static int take_store(struct search *s, uint32_t i)
{
    bool distance = slice_is(s->ctx->argv[i], "STOREDIST");
    if ((s->kind & SEARCH_NO_STORE) || i + 1 == s->ctx->argc ||
        (!distance && !slice_is(s->ctx->argv[i], "STORE")))
        return -1;
    s->store = i + 1;
    s->store_distance = distance;
    return 2;
}

static int take_word(struct search *s, uint32_t i)
{
    struct slice word = s->ctx->argv[i];
    bool *flag = slice_is(word, "WITHDIST")    ? &s->with_distance
                 : slice_is(word, "WITHHASH")  ? &s->with_hash
                 : slice_is(word, "WITHCOORD") ? &s->with_place
                 : slice_is(word, "ANY")       ? &s->any
                                               : NULL;
    if (flag != NULL) {
        *flag = true;
        return 1;
    }
    if (slice_is(word, "ASC") || slice_is(word, "DESC")) {
        s->order = word.len == 3 ? NEAREST_FIRST : FARTHEST_FIRST;
        return 1;
    }
    if (slice_is(word, "COUNT") && i + 1 < s->ctx->argc)
        return read_count(s, i + 1) ? 2 : 0;
    return s->kind & SEARCH_OLD ? take_store(s, i) : take_area(s, i);
}

/* What must go together, and what must not. */
static bool check_words(struct search *s)
{
    struct command_ctx *ctx = s->ctx;
    struct slice name = ctx->argv[0];
    const char *what = s->kind & SEARCH_STORES ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    if (s->store != 0 && (s->with_distance || s->with_hash || s->with_place))
        resp_errorf(ctx->reply, "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                    what);
    else if (!(s->kind & SEARCH_OLD) && s->from == FROM_NOWHERE && s->shape != POLYGON)
        resp_errorf(ctx->reply, "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %.*s",
                    (int)name.len, name.ptr);
    else if (!(s->kind & SEARCH_OLD) && s->shape == NO_SHAPE)
        resp_errorf(ctx->reply, "ERR exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified for %.*s",
                    (int)name.len, name.ptr);
    else if (s->any && s->count == 0)
        resp_error(ctx->reply, "ERR the ANY argument requires COUNT argument");
    else
        return true;
    return false;
}

static bool read_words(struct search *s, uint32_t i)
{
    while (i < s->ctx->argc) {
        int took = take_word(s, i);
        if (took < 0)
            resp_error_code(s->ctx->reply, MR_E_SYNTAX);
        if (took <= 0)
            return false;
        i += (uint32_t)took;
    }
    /* The first so many are the nearest ones, unless any will do. */
    if (s->count > 0 && s->order == AS_FOUND && !s->any)
        s->order = NEAREST_FIRST;
    return check_words(s);
}

/* Reads the whole request; false: an error has been told. */
static bool read_search(struct search *s)
{
    struct command_ctx *ctx = s->ctx;
    s->source = s->kind & SEARCH_STORES ? 2 : 1;
    s->store = s->kind & SEARCH_STORES ? 1 : 0;
    if (!zset_find(ctx, s->source, DB_COUNT, &s->z))
        return false;
    if (!(s->kind & SEARCH_OLD))
        return read_words(s, s->source + 1);
    if (!(s->kind & SEARCH_MEMBER))
        return geo_read_place(ctx, 2, &s->middle) && read_circle(s, 4) && read_words(s, 6);
    /* Around a member of nothing there is nothing, at whatever distance. */
    return (s->z.e == NULL || (read_member(s, 2) && read_circle(s, 3))) && read_words(s, 5);
}

/* --- finding --- */

static bool in_polygon(const struct search *s, struct geo_place p)
{
    bool inside = false;
    struct geo_place last = vertex(s, s->vertices - 1);
    for (uint32_t i = 0; i < s->vertices; i++) {
        struct geo_place v = vertex(s, i);
        bool crosses = (v.latitude > p.latitude) != (last.latitude > p.latitude);
        if (crosses && p.longitude < (last.longitude - v.longitude) * (p.latitude - v.latitude) /
                                             (last.latitude - v.latitude) +
                                         v.longitude)
            inside = !inside;
        last = v;
    }
    return inside;
}

static bool within(const struct search *s, struct geo_place p, double *distance)
{
    struct geo_place beside = {s->middle.longitude, p.latitude};
    switch (s->shape) {
    case BOX:
        if (geo_distance_latitude(p.latitude, s->middle.latitude) > s->height * s->unit / 2 ||
            geo_distance(p, beside) > s->width * s->unit / 2)
            return false;
        *distance = geo_distance(s->middle, p);
        return true;
    case POLYGON:
        *distance = geo_distance(s->middle, p);
        return in_polygon(s, p);
    default:
        *distance = geo_distance(s->middle, p);
        return *distance <= s->width * s->unit;
    }
}

static void add_hit(struct search *s, const struct zset_item *item, struct geo_place p, double distance)
{
    if (s->found == s->room) {
        size_t room = s->room == 0 ? 32 : s->room * 2;
        struct hit *hits = heap_try_realloc(s->hits, room * sizeof *hits);
        if (hits == NULL) {
            s->code = MR_E_MEMORY;
            return;
        }
        s->hits = hits;
        s->room = room;
    }
    if (s->names.cap - s->names.len < item->member.len && buf_try_grow(&s->names, item->member.len) != 0) {
        s->code = MR_E_MEMORY;
        return;
    }
    s->hits[s->found++] = (struct hit){.place = p,
                                       .distance = distance,
                                       .score = item->score,
                                       .name = s->names.len,
                                       .name_len = item->member.len};
    buf_append_slice(&s->names, item->member);
}

static bool enough(const struct search *s)
{
    return s->code != 0 || (s->any && s->found >= (uint64_t)s->count);
}

static void search_cell(struct search *s, struct geo_cell cell)
{
    uint64_t min, max, rank, count;
    struct zset_walk walk;
    struct zset_item item;
    geo_cell_range(cell, &min, &max);
    const struct zset_range range = {
        .by = ZSET_BY_SCORE, .min = {.score = (double)min}, .max = {.score = (double)max, .exclusive = true}};
    zset_range_window(&s->z, &range, false, &rank, &count);
    zset_walk_begin(&walk, &s->z, rank, count, false);
    while (!enough(s) && zset_walk_next(&walk, &item)) {
        struct geo_place p = geo_hash_decode(geo_number_of(item.score));
        double distance;
        if (within(s, p, &distance))
            add_hit(s, &item, p, distance);
    }
}

static void cover(const struct search *s, struct geo_cell cells[GEO_CELLS])
{
    if (s->shape != POLYGON) {
        double width = s->width * s->unit, height = s->height * s->unit;
        bool circle = s->shape == CIRCLE;
        double radius = circle ? width : sqrt(width / 2 * (width / 2) + height / 2 * (height / 2));
        struct geo_box box =
            geo_box_around(s->middle, circle ? width : width / 2, circle ? width : height / 2);
        geo_hash_cover(s->middle, &box, radius, cells);
        return;
    }
    struct geo_box box = {vertex(s, 0), vertex(s, 0)};
    for (uint32_t i = 1; i < s->vertices; i++) {
        struct geo_place p = vertex(s, i);
        box.min.longitude = fmin(box.min.longitude, p.longitude);
        box.min.latitude = fmin(box.min.latitude, p.latitude);
        box.max.longitude = fmax(box.max.longitude, p.longitude);
        box.max.latitude = fmax(box.max.latitude, p.latitude);
    }
    geo_hash_cover_box(&box, cells);
}

static void find_hits(struct search *s)
{
    struct geo_cell cells[GEO_CELLS], last = {0};
    cover(s, cells);
    for (unsigned i = 0; i < GEO_CELLS && !enough(s); i++) {
        if (cells[i].step == 0 || (cells[i].step == last.step && cells[i].bits == last.bits))
            continue;
        search_cell(s, cells[i]);
        last = cells[i];
    }
}

/* --- the result --- */

static int by_distance(const struct hit *x, const struct hit *y)
{
    return (x->distance > y->distance) - (x->distance < y->distance);
}

static int nearest_first(const void *x, const void *y)
{
    const struct hit *a = x, *b = y;
    int order = by_distance(a, b);
    return order != 0 ? order : (a->name > b->name) - (a->name < b->name);
}

static int farthest_first(const void *x, const void *y)
{
    const struct hit *a = x, *b = y;
    int order = by_distance(b, a);
    return order != 0 ? order : (a->name > b->name) - (a->name < b->name);
}

static struct slice name_of(const struct search *s, const struct hit *h)
{
    return slice_of(h->name_len == 0 ? "" : s->names.data + h->name, h->name_len);
}

static void reply_hits(struct search *s)
{
    struct resp_writer *w = s->ctx->reply;
    size_t more = (size_t)s->with_distance + s->with_hash + s->with_place;
    resp_array(w, s->found);
    for (size_t i = 0; i < s->found; i++) {
        const struct hit *h = &s->hits[i];
        if (more > 0)
            resp_array(w, 1 + more);
        resp_bulk(w, name_of(s, h));
        if (s->with_distance)
            geo_reply_distance(w, h->distance / s->unit);
        if (s->with_hash)
            resp_int(w, (int64_t)h->score);
        if (s->with_place)
            geo_reply_place(w, h->place);
    }
}

static void store_hits(struct search *s)
{
    struct zset_builder b;
    zset_builder_init(&b, s->z.ks, zset_options_of(s->z.ks));
    for (size_t i = 0; i < s->found; i++) {
        const struct hit *h = &s->hits[i];
        zset_builder_add(&b, name_of(s, h), s->store_distance ? h->distance / s->unit : h->score);
    }
    struct keyspace *ks = db_keyspace(s->ctx->db);
    uint64_t dirty = keyspace_dirty(ks), count = b.count;
    const char *event = s->kind & SEARCH_STORES ? "geosearchstore" : "georadiusstore";
    if (zset_store(s->ctx, s->store, &b, event) && count > 0)
        keyspace_set_dirty(ks, dirty + count);
    zset_builder_done(&b);
}

static void search(struct command_ctx *ctx, unsigned kind)
{
    struct search s = {.ctx = ctx, .kind = kind};
    if (!read_search(&s))
        return;
    if (s.z.e != NULL)
        find_hits(&s);
    if (s.code == 0 && s.order != AS_FOUND && s.found > 1)
        qsort(s.hits, s.found, sizeof *s.hits, s.order == NEAREST_FIRST ? nearest_first : farthest_first);
    if (s.count > 0 && s.found > (uint64_t)s.count)
        s.found = (size_t)s.count;
    if (s.code != 0)
        resp_error_code(ctx->reply, s.code);
    else if (s.store != 0)
        store_hits(&s);
    else
        reply_hits(&s);
    heap_free(s.hits);
    buf_done(&s.names);
}

void geo_cmd_geosearch(struct command_ctx *ctx)
{
    search(ctx, 0);
}

void geo_cmd_geosearchstore(struct command_ctx *ctx)
{
    search(ctx, SEARCH_STORES);
}

void geo_cmd_georadius(struct command_ctx *ctx)
{
    search(ctx, SEARCH_OLD);
}

void geo_cmd_georadius_ro(struct command_ctx *ctx)
{
    search(ctx, SEARCH_OLD | SEARCH_NO_STORE);
}

void geo_cmd_georadiusbymember(struct command_ctx *ctx)
{
    search(ctx, SEARCH_OLD | SEARCH_MEMBER);
}

void geo_cmd_georadiusbymember_ro(struct command_ctx *ctx)
{
    search(ctx, SEARCH_OLD | SEARCH_MEMBER | SEARCH_NO_STORE);
}
