/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Telling observers. The scratch database tells nothing.
 */
#include "keyspace/observer.h"

#include "keyspace/keyspace_private.h"

void db_event(struct db *db, enum keyspace_event_class class_, const char *name, struct slice key)
{
    struct keyspace *ks = db->ks;
    if (likely((ks->observed & (uint32_t)class_) == 0) || db->scratch)
        return;
    for (struct keyspace_observer *o = ks->observers; o != NULL; o = o->next)
        if ((o->classes & (uint32_t)class_) != 0)
            o->event(o->owner, db, class_, name, key);
}

void db_event_replaced(struct db *db, struct slice key)
{
    db_event_took(db, db->ks->replaced, key);
}

void db_event_new(struct db *db, struct slice key)
{
    db_event(db, EVENT_NEW, "new", key);
}

void db_event_took(struct db *db, enum keyspace_replaced replaced, struct slice key)
{
    if (replaced == REPLACED_NOTHING)
        return;
    db_event(db, EVENT_OVERWRITTEN, "overwritten", key);
    if (replaced == REPLACED_OTHER_TYPE)
        db_event(db, EVENT_TYPE_CHANGED, "type_changed", key);
}

void db_event_flushed(struct db *db)
{
    if (db->scratch)
        return;
    for (struct keyspace_observer *o = db->ks->observers; o != NULL; o = o->next)
        if (o->flushed != NULL)
            o->flushed(o->owner, db);
}

void db_event_swapped(struct db *db, struct db *other)
{
    for (struct keyspace_observer *o = db->ks->observers; o != NULL; o = o->next)
        if (o->swapped != NULL)
            o->swapped(o->owner, db, other);
}
