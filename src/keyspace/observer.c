/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of observers, in the order in which they came. The classes that anybody asks for
 * are kept as one mask, so that an event that nobody asks for costs a look at it.
 */
#include "keyspace/observer.h"

#include <assert.h>

#include "keyspace/keyspace_private.h"

void keyspace_observer_changed(struct keyspace *ks)
{
    ks->observed = 0;
    for (const struct keyspace_observer *o = ks->observers; o != NULL; o = o->next)
        ks->observed |= o->classes;
}

void keyspace_add_observer(struct keyspace *ks, struct keyspace_observer *observer)
{
    struct keyspace_observer **place = &ks->observers;
    while (*place != NULL)
        place = &(*place)->next;
    observer->next = NULL;
    *place = observer;
    keyspace_observer_changed(ks);
}

void keyspace_remove_observer(struct keyspace *ks, struct keyspace_observer *observer)
{
    struct keyspace_observer **place = &ks->observers;
    while (*place != NULL && *place != observer)
        place = &(*place)->next;
    assert(*place == observer);
    *place = observer->next;
    keyspace_observer_changed(ks);
}
