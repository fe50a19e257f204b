/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the keyspace tells about changes to whoever has asked: notifications, watched keys,
 * blocked clients, caches of clients. One event is at the same time the news "this key was
 * changed" (but for EVENT_MISS), so every change tells at least one, a change that has no
 * public name EVENT_SILENT.
 *
 * A handler tells its event behind the change, with the key's name; deletions by the
 * keyspace itself (expired, evicted), and the classes NEW, OVERWRITTEN, TYPE_CHANGED and
 * MISS, are told by the keyspace: behind the change, hence before the handler's event. The
 * exception are RENAME, MOVE, RESTORE (db_move) and COPY (db_put_as_new), where NEW comes at
 * once, even where a key was there, and the handler has what was replaced told behind its own
 * event (db_event_replaced).
 *
 * Observers must not write to the keyspace, nor look for a key (which may be due, and go by
 * that); they may come and go at any time but from within a call of one.
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"

struct db;
struct keyspace;

/* The letters are those of notify-keyspace-events. */
enum keyspace_event_class {
    EVENT_GENERIC = 1 << 0,       /* g: del, rename_from, rename_to, expire, persist, move_from .. */
    EVENT_STRING = 1 << 1,        /* $ */
    EVENT_LIST = 1 << 2,          /* l */
    EVENT_SET = 1 << 3,           /* s */
    EVENT_HASH = 1 << 4,          /* h */
    EVENT_ZSET = 1 << 5,          /* z */
    EVENT_EXPIRED = 1 << 6,       /* x */
    EVENT_EVICTED = 1 << 7,       /* e */
    EVENT_STREAM = 1 << 8,        /* t */
    EVENT_MISS = 1 << 9,          /* m: keymiss */
    EVENT_MODULE = 1 << 10,       /* d: never told here */
    EVENT_NEW = 1 << 11,          /* n: new */
    EVENT_OVERWRITTEN = 1 << 12,  /* o: overwritten */
    EVENT_TYPE_CHANGED = 1 << 13, /* c: type_changed */
    EVENT_SILENT = 1 << 14,       /* a change without a name; NAME is "" */
    EVENT_CLASSES = (1 << 15) - 1,
};

struct keyspace_observer {
    uint32_t classes; /* what it asks for */
    void *owner;
    void (*event)(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                  struct slice key);
    /* All keys of DB are about to go, or to change places with those of OTHER; may be NULL. */
    void (*flushed)(void *owner, struct db *db);
    void (*swapped)(void *owner, struct db *db, struct db *other);
    struct keyspace_observer *next; /* the keyspace's */
};

/* The observer stays the caller's and must outlive its registration. */
void keyspace_add_observer(struct keyspace *ks, struct keyspace_observer *observer);
void keyspace_remove_observer(struct keyspace *ks, struct keyspace_observer *observer);
/* After a change of its classes. */
void keyspace_observer_changed(struct keyspace *ks);

/* Tells all who ask for CLASS; next to nothing where nobody does. */
void db_event(struct db *db, enum keyspace_event_class class_, const char *name, struct slice key);
/* Behind db_move and db_put_as_new, when the handler has told its own event: tells OVERWRITTEN
 * and TYPE_CHANGED of what the last one of them took the place of, if it did. */
void db_event_replaced(struct db *db, struct slice key);
