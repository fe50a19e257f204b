/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a stream remembers of idempotent additions: of each producer the ids (iid) that it named its
 * last messages by, so that a message which comes twice is added once.
 *
 *   stream -- idmp --> struct stream_idmp -- by name --> producer -- by iid --> record
 *                                                                 \-- by id --> the same
 *
 * A record stays until it is too old (by the clock and the entry's own time), or its producer has
 * too many and it is the oldest; what becomes of the entry does not matter. All of it is in the
 * arena and holds no pointer out of it.
 */
#pragma once

#include "types/stream/stream_node.h"

struct rdb_reader;
struct rdb_writer;

struct stream_idmp {
    struct btree producers; /* by name */
    uint32_t duration_s;    /* 0: as the option says */
    uint32_t maxsize;
    uint64_t records;
    uint64_t bytes; /* of producers and records, their trees with them */
    uint64_t added, duplicates;
    uint64_t sweep; /* the producer, by its rank, that is looked at next for what is too old */
};

/* What XADD says of it. */
#define STREAM_IDMP_AUTO 16 /* bytes of an iid that is made of the fields */
struct stream_idmp_args {
    bool used, is_auto;
    struct slice pid, iid;
    char digest[STREAM_IDMP_AUTO];
};

/* IDMP and IDMPAUTO; as stream_trim_arg. */
int stream_idmp_arg(struct command_ctx *ctx, uint32_t *i, struct stream_idmp_args *args);
/* Makes the iid of the fields, where it is to be made. */
void stream_idmp_choose(struct stream_idmp_args *args, const struct stream_fields *fields);
/* Whether there is a record of it, with the id of the entry; counts as a duplicate. Forgets what is too
 * old at NOW_MS. */
bool stream_idmp_seen(struct stream_key *k, const struct stream_idmp_args *args, int64_t now_ms,
                      struct stream_id *ret);
/* Makes a record, which is not there. */
void stream_idmp_record(struct stream_key *k, const struct stream_idmp_args *args, struct stream_id id);

/* --- of the object; IDMP is what the short pointer leads to, maybe NULL --- */

uint64_t stream_idmp_work(const struct stream_idmp *idmp);
bool stream_idmp_free_some(struct stream_idmp *idmp, struct arena *a, uint64_t *budget);
struct stream_idmp *stream_idmp_copy(const struct stream_idmp *idmp, struct arena *a);
size_t stream_idmp_memory(const struct stream_idmp *idmp);
/* As stream_groups_relocate. */
bool stream_idmp_relocate(struct stream_idmp **idmp, struct arena *a, uint64_t *cursor, uint64_t *budget,
                          size_t *moved);
/* The tail of types 26 and 27. IDMP may be NULL. */
void stream_idmp_save(struct rdb_writer *out, const struct stream_idmp *idmp, const struct arena *a,
                      const struct stream_options *o);

/* Where a loader stands; as struct stream_groups_load. */
struct stream_idmp_load {
    struct arena *arena; /* NULL: reads past it */
    const struct stream_options *options;
    struct stream_idmp *idmp; /* what is there so far */
    int stage;
    uint64_t producers, records; /* to come */
    uint64_t producer;           /* short pointer to the one under way */
};
int stream_idmp_load(struct stream_idmp_load *l, struct rdb_reader *in) MR_MUST_CHECK;

/* The pairs that XINFO STREAM has of it. */
#define STREAM_IDMP_INFO 6
void stream_idmp_reply_info(struct resp_writer *w, const struct stream_idmp *idmp,
                            const struct stream_options *o);
