/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: the root of a stream, streams behind keys, walks over
 * entries. How these are laid out is in stream_entry.h; groups of consumers are in stream_group.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "codec/resp_writer.h"
#include "command/dispatch.h"
#include "container/btree.h"
#include "keyspace/keyspace.h"
#include "types/stream/stream.h"
#include "types/stream/stream_id.h"

/* In the arena: the root object of the entry. It stays where its key is empty of entries. */
struct stream {
    struct btree nodes; /* by order of their first ids */
    uint64_t base_ms;   /* that of the first node since there was none: what tags count from */
    uint64_t length;    /* entries that are not deleted */
    uint64_t bytes;     /* of all nodes */
    struct stream_id last_id, max_deleted_id;
    uint64_t entries_added;
    uint64_t groups : 40, sums_low : 24; /* short pointers, 0: none; to what stream_group.h owns, */
    uint64_t idmp : 40, sums_high : 16;  /* stream_idmp.h, and, its bits in two parts, stream_sums.h */
};

/* What becomes of the references that groups have to an entry which is deleted. */
enum stream_refs {
    STREAM_KEEPREF, /* they stay */
    STREAM_DELREF,  /* they go too */
    STREAM_ACKED,   /* only what no group needs any more is deleted */
};

/* --- streams behind keys --- */

struct stream_key {
    struct keyspace *ks;
    struct arena *a;
    struct db *db;
    struct slice key;
    uint64_t hash;
    struct entry *e;  /* NULL: there is no such key */
    struct stream *s; /* the same */
};

/* The stream at argument I. False: it is of another type, and the error has been written. FLAGS as
 * db_find's. */
bool stream_find(struct command_ctx *ctx, uint32_t i, unsigned flags, struct stream_key *k);
/* The same without replies, for any key; false: it is of another type. */
bool stream_lookup(struct db *db, struct slice key, uint64_t hash, unsigned flags, struct stream_key *k);
/* Frees what hangs on S, which stands behind no key: in slices, if there is much of it. */
void stream_discard(struct keyspace *ks, const struct stream *s);
/* Makes an empty one at K, where there is none, which by itself counts as no write. MR_E_MEMORY, with
 * nothing changed. */
int stream_create(struct stream_key *k) MR_MUST_CHECK;
/* It was changed where it stands: counts as a write. Tells no event. */
static inline void stream_changed(struct stream_key *k)
{
    db_changed(k->db, k->e);
}

/* The same as COUNT writes, one at least. */
static inline void stream_changed_by(struct stream_key *k, uint64_t count)
{
    uint64_t dirty = keyspace_dirty(k->ks);
    db_changed(k->db, k->e);
    keyspace_set_dirty(k->ks, dirty + count);
}

static inline struct stream *stream_of(const struct keyspace *ks, const struct entry *e)
{
    return (struct stream *)entry_object(keyspace_arena(ks), e);
}

/* --- entries --- */

/* Whether there is an entry of that id. */
bool stream_contains(const struct stream *s, const struct arena *a, struct stream_id id);
/* The first or the last entry's id; 0-0 of an empty stream. */
struct stream_id stream_first_id(const struct stream *s, const struct arena *a);
struct stream_id stream_newest_id(const struct stream *s, const struct arena *a);
/* Deletes the entry; false: there is none. max_deleted_id follows. Groups are not looked at. */
bool stream_delete(struct stream *s, struct arena *a, struct stream_id id);

/* A walk over the entries from one id to another one, both included. The stream must not change
 * meanwhile. */
#define STREAM_WALK_BACK 64 /* entries of which a walk back knows the places */
struct stream_node;
struct stream_walk {
    struct stream_id id; /* of the entry that it is at */
    /* private: */
    const struct stream *s;
    const struct arena *a;
    struct stream_id from, to;
    struct btree_place place;
    const struct stream_node *n; /* NULL: at the end */
    const unsigned char *p;      /* the entry that is looked at next, forwards */
    const unsigned char *fields; /* of the entry that it is at: its values, or names and values */
    uint64_t pairs;              /* of them */
    bool same;                   /* the names are the node's own */
    bool back;
    unsigned known; /* of BEFORE, that are still ahead; */
    unsigned next;  /* behind the place of the first of them */
    uint32_t before[STREAM_WALK_BACK];
};

/* FROM is the lower id, also BACK. */
void stream_walk_begin(struct stream_walk *w, const struct stream *s, const struct arena *a,
                       struct stream_id from, struct stream_id to, bool back);
/* To the next entry; false: there is none any more. */
bool stream_walk_next(struct stream_walk *w);
/* [name, value, ..] of the entry that W is at. */
void stream_walk_reply_fields(struct stream_walk *w, struct resp_writer *reply);
/* [id, [name, value, ..]] */
void stream_walk_reply(struct stream_walk *w, struct resp_writer *reply);
/* Replies the entry of ID as the latter does; false, with nothing written: there is none. */
bool stream_reply_entry(struct resp_writer *reply, const struct stream *s, const struct arena *a,
                        struct stream_id id);

/* KEEPREF, DELREF or ACKED. */
bool stream_refs_parse(struct slice word, enum stream_refs *ret);
