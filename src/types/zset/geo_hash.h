/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places on the earth as numbers of 52 bits, and what lies near them.
 *
 * Longitude and latitude (up to 85.05112878 degrees, where a Mercator map ends) are cut into 2^26
 * parts each, and the bits of the two interleaved, latitude in the even ones; so a cell of 2 * STEP
 * bits is a run of numbers. The earth is a sphere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GEO_STEP_MAX      26
#define GEO_LONGITUDE_MAX 180.0
#define GEO_LATITUDE_MAX  85.05112878
#define GEO_CELLS         9

struct geo_place {
    double longitude, latitude; /* degrees */
};

struct geo_cell {
    uint64_t bits;
    unsigned step; /* 0: no cell */
};

struct geo_box {
    struct geo_place min, max;
};

bool geo_place_valid(struct geo_place p);
/* The number of a valid place. */
uint64_t geo_hash_encode(struct geo_place p);
/* The middle of the cell that is a place's number. */
struct geo_place geo_hash_decode(uint64_t bits);
/* Its geohash text, 11 characters, as it is usual: latitudes up to 90 degrees. */
#define GEO_TEXT 11
void geo_hash_text(uint64_t bits, char *out);

/* Metres. */
double geo_distance(struct geo_place a, struct geo_place b);
double geo_distance_latitude(double a, double b);
/* The box around a circle or a rectangle, by half its sides in metres. */
struct geo_box geo_box_around(struct geo_place middle, double half_width, double half_height);
/* The cells that cover BOX, whose farthest point is RADIUS metres from MIDDLE: its own first, then
 * those around it. A cell may be there twice, one after the other. */
void geo_hash_cover(struct geo_place middle, const struct geo_box *box, double radius,
                    struct geo_cell cells[GEO_CELLS]);
/* The same for a box alone, which lies within the limits; nothing is said of their order. */
void geo_hash_cover_box(const struct geo_box *box, struct geo_cell cells[GEO_CELLS]);
/* The numbers of a cell's places: from *MIN on, less than *MAX. */
void geo_cell_range(struct geo_cell cell, uint64_t *min, uint64_t *max);
