/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See types.h.
 */
#include "daemon/types.h"

#include "types/string/string.h"

void types_register(struct types *t, struct registry *registry)
{
    object_types_add(&t->objects, &string_type);
    string_register(registry);
    hll_register(registry, &t->hll);
    hash_register(registry, &t->objects, &t->hash);
    list_register(registry, &t->objects, &t->list);
    set_register(registry, &t->objects, &t->set);
    zset_register(registry, &t->objects, &t->zset);
    stream_register(registry, &t->objects, &t->stream);
}
