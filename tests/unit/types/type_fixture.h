/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Types without connections and without a loop: a keyspace, commands that are run by their handlers
 * in one session, the events they tell, and values that are read from bytes as a file's reader has
 * them read.
 */
#pragma once

#include "base/buf.h"
#include "command/dispatch.h"
#include "keyspace/object.h"

#define TYPE_MAX_BULK (1024 * 1024)

struct type_fixture {
    struct keyspace *ks;
    struct arena *a;
    struct db *db; /* the first database */
    struct object_types types;
    struct dispatch_options options;
    struct dispatch *dispatch;
    struct registry *registry; /* the dispatcher's */
    struct session session;
    struct keyspace_observer observer;
    struct buf out;    /* the reply */
    struct buf events; /* the names of what was told since the request, a blank behind each */
};

extern struct type_fixture type_fixture;

/* With DATABASES of them and no types yet: what is put into the types, or into the registry, counts. */
void type_set_up(unsigned databases);
/* Has the events of CLASSES noted. */
void type_observe(unsigned classes);
void type_tear_down(void);

/* --- requests --- */

/* The reply, valid until the next request. */
const char *type_run_slices(const struct slice *argv, uint32_t argc);
/* LINE's words are the request. */
const char *type_run(const char *line);
const char *type_runf(const char *form, ...) __attribute__((format(printf, 1, 2)));
/* The same with COUNT arguments MORE behind them. */
const char *type_run_with(const char *line, const struct slice *more, uint32_t count);
/* The number that REPLY is. */
long type_number(const char *reply);

/* --- keys --- */

/* NULL: not there. */
struct entry *type_find(struct db *db, const char *key);
/* VALUE, which is an object's or a copy's, becomes KEY's, which has no expiry. */
void type_put(struct db *db, const char *key, unsigned number, const struct entry_value *value);
/* Whether it was there. */
bool type_delete(struct db *db, const char *key);
/* Until what was deleted has been freed. */
void type_free_all(void);

/* --- files --- */

/* Appends TYPE's value E, and returns its RDB type. */
unsigned type_save(const struct object_type *type, const struct entry *e, struct buf *out, bool compress);

struct type_load {
    const struct object_type *type;
    unsigned rdb_type;
    struct db *db; /* NULL: it is read past */
    const char *key;
    size_t step;    /* bytes of a window, unless it is asked for more */
    size_t give_up; /* gives up when so many have been read; 0: never */
    /* What the load has left behind. */
    size_t read;   /* bytes */
    size_t wanted; /* by the last call */
    size_t most;   /* bytes of one window */
};

/* One call with the window BYTES, of which a file has REST more; a load that would go on is given up. */
int type_load(struct type_load *l, struct slice bytes, uint64_t rest);
/* To the end, window after window, and no byte beyond them can be read. MR_E_AGAIN: given up. */
int type_load_through(struct type_load *l, struct slice bytes);
