/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handlers of geo.def, and what they share.
 */
#pragma once

#include "types/zset/geo_hash.h"
#include "types/zset/zset_private.h"

/* Reads longitude and latitude from argument I on. False: an error has been told. */
bool geo_read_place(struct command_ctx *ctx, uint32_t i, struct geo_place *p);
/* Metres of the unit that argument I names; 0: an error has been told. */
double geo_read_unit(struct command_ctx *ctx, uint32_t i);
/* Argument I as a number, or the error WHY. */
bool geo_read_number(struct command_ctx *ctx, uint32_t i, const char *why, double *ret);
/* The number that a score stands for: itself, where it is of a place. */
uint64_t geo_number_of(double score);
/* The place of MEMBER; false: there is none. */
bool geo_find_place(const struct zset *z, struct slice member, struct geo_place *p);
void geo_reply_place(struct resp_writer *w, struct geo_place p);
void geo_reply_distance(struct resp_writer *w, double distance);

/* geo_cmds.c */
command_handler geo_cmd_geoadd;
command_handler geo_cmd_geodist;
command_handler geo_cmd_geohash;
command_handler geo_cmd_geopos;

/* geo_search.c */
command_handler geo_cmd_geosearch;
command_handler geo_cmd_geosearchstore;
command_handler geo_cmd_georadius;
command_handler geo_cmd_georadius_ro;
command_handler geo_cmd_georadiusbymember;
command_handler geo_cmd_georadiusbymember_ro;
