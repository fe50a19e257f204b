/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See geo_hash.h. What is computed, and in which order, is what other servers compute, so that
 * the numbers and the order of what is found are theirs to the last bit.
 */
#include "types/zset/geo_hash.h"

#include <math.h>

#define EARTH_RADIUS 6372797.560856
#define MERCATOR_MAX 20037726.37
#define EVEN         UINT64_C(0x5555555555555555)
#define ODD          UINT64_C(0xaaaaaaaaaaaaaaaa)

static const double degree = M_PI / 180.0;

static double radians(double degrees)
{
    return degrees * degree;
}

static double degrees(double radians)
{
    return radians / degree;
}

bool geo_place_valid(struct geo_place p)
{
    return p.longitude >= -GEO_LONGITUDE_MAX && p.longitude <= GEO_LONGITUDE_MAX &&
           p.latitude >= -GEO_LATITUDE_MAX && p.latitude <= GEO_LATITUDE_MAX;
}

/* --- numbers --- */

/* The bits of V with a zero before each of them. */
static uint64_t spread(uint32_t v)
{
    uint64_t x = v;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    return (x | x << 1) & EVEN;
}

static uint32_t gather(uint64_t x)
{
    x &= EVEN;
    x = (x | x >> 1) & UINT64_C(0x3333333333333333);
    x = (x | x >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(x | x >> 16);
}

static uint64_t encode(struct geo_place p, double latitude_max, unsigned step)
{
    double latitude = (p.latitude + latitude_max) / (2 * latitude_max);
    double longitude = (p.longitude + GEO_LONGITUDE_MAX) / (2 * GEO_LONGITUDE_MAX);
    latitude *= (double)(UINT64_C(1) << step);
    longitude *= (double)(UINT64_C(1) << step);
    return spread((uint32_t)latitude) | spread((uint32_t)longitude) << 1;
}

static struct geo_box decode(struct geo_cell cell)
{
    double parts = (double)(UINT64_C(1) << cell.step);
    double latitude = gather(cell.bits), longitude = gather(cell.bits >> 1);
    const double high = 2 * GEO_LATITUDE_MAX, wide = 2 * GEO_LONGITUDE_MAX;
    return (struct geo_box){
        .min = {-GEO_LONGITUDE_MAX + longitude / parts * wide, -GEO_LATITUDE_MAX + latitude / parts * high},
        .max = {-GEO_LONGITUDE_MAX + (longitude + 1) / parts * wide,
                -GEO_LATITUDE_MAX + (latitude + 1) / parts * high},
    };
}

uint64_t geo_hash_encode(struct geo_place p)
{
    return encode(p, GEO_LATITUDE_MAX, GEO_STEP_MAX);
}

struct geo_place geo_hash_decode(uint64_t bits)
{
    struct geo_box box = decode((struct geo_cell){bits, GEO_STEP_MAX});
    struct geo_place p = {(box.min.longitude + box.max.longitude) / 2,
                          (box.min.latitude + box.max.latitude) / 2};
    p.longitude = fmin(fmax(p.longitude, -GEO_LONGITUDE_MAX), GEO_LONGITUDE_MAX);
    p.latitude = fmin(fmax(p.latitude, -GEO_LATITUDE_MAX), GEO_LATITUDE_MAX);
    return p;
}

void geo_hash_text(uint64_t bits, char *out)
{
    static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    bits = encode(geo_hash_decode(bits), 90, GEO_STEP_MAX);
    /* 52 bits are ten digits and two bits; the last digit is left open. */
    for (unsigned i = 0; i < GEO_TEXT - 1; i++)
        out[i] = digits[bits >> (2 * GEO_STEP_MAX - 5 * (i + 1)) & 31];
    out[GEO_TEXT - 1] = digits[0];
}

/* --- distances --- */

double geo_distance_latitude(double a, double b)
{
    return EARTH_RADIUS * fabs(radians(b) - radians(a));
}

double geo_distance(struct geo_place a, struct geo_place b)
{
    double v = sin((radians(b.longitude) - radians(a.longitude)) / 2);
    if (v == 0)
        return geo_distance_latitude(a.latitude, b.latitude);
    double from = radians(a.latitude), to = radians(b.latitude);
    double u = sin((to - from) / 2);
    double x = u * u + cos(from) * cos(to) * v * v;
    return 2.0 * EARTH_RADIUS * asin(sqrt(x));
}

struct geo_box geo_box_around(struct geo_place middle, double half_width, double half_height)
{
    double high = degrees(half_height / EARTH_RADIUS);
    double top = degrees(half_width / EARTH_RADIUS / cos(radians(middle.latitude + high)));
    double bottom = degrees(half_width / EARTH_RADIUS / cos(radians(middle.latitude - high)));
    /* A degree is shortest where the box is nearest to a pole. */
    double wide = middle.latitude < 0 ? bottom : top;
    return (struct geo_box){.min = {middle.longitude - wide, middle.latitude - high},
                            .max = {middle.longitude + wide, middle.latitude + high}};
}

/* --- cells --- */

/* The length of cells such that those around one cover RADIUS. */
static unsigned step_for(double radius, double latitude)
{
    int step = 1;
    if (radius == 0)
        return GEO_STEP_MAX;
    for (; radius < MERCATOR_MAX; radius *= 2)
        step++;
    step -= 2;
    /* Cells are narrow near the poles. */
    if (fabs(latitude) > 66)
        step--;
    if (fabs(latitude) > 80)
        step--;
    return step < 1 ? 1 : step > GEO_STEP_MAX ? GEO_STEP_MAX : (unsigned)step;
}

/* Moves one coordinate, whose bits are those of MASK, by BY; it goes around at the ends. At 180
 * degrees it has a bit more than the others, which stays where nothing moves. */
static uint64_t move(uint64_t bits, uint64_t mask, unsigned step, int by)
{
    if (by == 0)
        return bits;
    unsigned unused = 64 - 2 * step;
    uint64_t mine = bits & mask, others = bits & ~mask, gaps = ~mask >> unused;
    mine = by > 0 ? mine + (gaps + 1) : (mine | gaps) - (gaps + 1);
    return (mine & mask >> unused) | others;
}

static struct geo_cell neighbour(struct geo_cell cell, int east, int north)
{
    cell.bits = move(cell.bits, ODD, cell.step, east);
    cell.bits = move(cell.bits, EVEN, cell.step, north);
    return cell;
}

enum { MIDDLE, NORTH, SOUTH, EAST, WEST, NORTH_EAST, NORTH_WEST, SOUTH_EAST, SOUTH_WEST };

static void cells_around(struct geo_place middle, unsigned step, struct geo_cell cells[GEO_CELLS])
{
    static const signed char moves[GEO_CELLS][2] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                                                    {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    struct geo_cell cell = {encode(middle, GEO_LATITUDE_MAX, step), step};
    for (unsigned i = 0; i < GEO_CELLS; i++)
        cells[i] = neighbour(cell, moves[i][0], moves[i][1]);
}

static bool covers(const struct geo_cell cells[GEO_CELLS], const struct geo_box *box)
{
    return decode(cells[NORTH]).max.latitude >= box->max.latitude &&
           decode(cells[SOUTH]).min.latitude <= box->min.latitude &&
           decode(cells[EAST]).max.longitude >= box->max.longitude &&
           decode(cells[WEST]).min.longitude <= box->min.longitude;
}

static void leave_out(struct geo_cell cells[GEO_CELLS], unsigned a, unsigned b, unsigned c)
{
    cells[a] = cells[b] = cells[c] = (struct geo_cell){0};
}

void geo_hash_cover(struct geo_place middle, const struct geo_box *box, double radius,
                    struct geo_cell cells[GEO_CELLS])
{
    unsigned step = step_for(radius, middle.latitude);
    cells_around(middle, step, cells);
    if (step > 1 && !covers(cells, box))
        cells_around(middle, --step, cells);
    if (step < 2)
        return;
    struct geo_box own = decode(cells[MIDDLE]);
    if (own.min.latitude < box->min.latitude)
        leave_out(cells, SOUTH, SOUTH_WEST, SOUTH_EAST);
    if (own.max.latitude > box->max.latitude)
        leave_out(cells, NORTH, NORTH_EAST, NORTH_WEST);
    if (own.min.longitude < box->min.longitude)
        leave_out(cells, WEST, SOUTH_WEST, NORTH_WEST);
    if (own.max.longitude > box->max.longitude)
        leave_out(cells, EAST, SOUTH_EAST, NORTH_EAST);
}

void geo_hash_cover_box(const struct geo_box *box, struct geo_cell cells[GEO_CELLS])
{
    double wide = box->max.longitude - box->min.longitude, high = box->max.latitude - box->min.latitude;
    struct geo_place middle = {box->min.longitude + wide / 2, box->min.latitude + high / 2};
    unsigned step = GEO_STEP_MAX;
    while (step > 1 && (2 * GEO_LONGITUDE_MAX / (double)(UINT64_C(1) << step) < wide ||
                        2 * GEO_LATITUDE_MAX / (double)(UINT64_C(1) << step) < high))
        step--;
    cells_around(middle, step, cells);
}

void geo_cell_range(struct geo_cell cell, uint64_t *min, uint64_t *max)
{
    unsigned rest = 2 * (GEO_STEP_MAX - cell.step);
    *min = cell.bits << rest;
    *max = (cell.bits + 1) << rest;
}
