/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files about idempotent additions share.
 */
#pragma once

#include "types/stream/stream_idmp.h"

#define STREAM_IDMP_TEXT_MAX ((size_t)1 << 29) /* no name of a producer and no iid is longer */

struct stream_record {
    struct stream_id id;
    uint32_t len;
    char iid[];
};

struct stream_producer {
    struct btree by_iid, by_id;
    uint32_t len;
    char name[];
};

/* The order of a producer's records by id; keys are records. */
btree_compare stream_idmp_compare;

/* The stream's, which is made if there is none. */
struct stream_idmp *stream_idmp_of(struct stream *s, struct arena *a);
struct stream_idmp *stream_idmp_new(struct arena *a);
/* Forgets all producers and records at once. */
void stream_idmp_clear(struct stream_idmp *idmp, struct arena *a);

struct stream_producer *stream_idmp_find(const struct stream_idmp *idmp, const struct arena *a,
                                         struct slice name);
/* NULL: no memory for it. It is not there yet. */
struct stream_producer *stream_idmp_producer(struct stream_idmp *idmp, struct arena *a, struct slice name);
struct stream_record *stream_idmp_get(const struct stream_producer *p, const struct arena *a,
                                      struct slice iid);
/* Adds a record, which is not there; false: no memory for it. */
bool stream_idmp_put(struct stream_idmp *idmp, struct arena *a, struct stream_producer *p, struct slice iid,
                     struct stream_id id);
/* Forgets what is too old or too many of P; true: P is gone, as nothing of it is left. */
bool stream_idmp_prune(struct stream_idmp *idmp, struct arena *a, struct stream_producer *p,
                       const struct stream_options *o, int64_t now_ms);
