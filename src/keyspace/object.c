/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The register of object types.
 */
#include "keyspace/object.h"

#include <assert.h>

void object_types_add(struct object_types *types, const struct object_type *type)
{
    assert(type->number < OBJECT_TYPES && types->by_number[type->number] == NULL);
    for (const int8_t *t = type->rdb_types; *t >= 0; t++)
        assert(object_types_by_rdb(types, (unsigned)*t) == NULL);
    types->by_number[type->number] = type;
}

const struct object_type *object_types_by_rdb(const struct object_types *types, unsigned rdb_type)
{
    for (unsigned i = 0; i < OBJECT_TYPES; i++) {
        const struct object_type *type = types->by_number[i];
        if (type == NULL)
            continue;
        for (const int8_t *t = type->rdb_types; *t >= 0; t++)
            if ((unsigned)*t == rdb_type)
                return type;
    }
    return NULL;
}

int object_load_whole(const struct object_type *type, struct rdb_reader *in, unsigned rdb_type, struct db *db,
                      const struct object_meta *meta)
{
    void *partial = NULL;
    int code;
    do
        code = type->load(in, rdb_type, db, meta, &partial);
    while (code == MR_E_AGAIN);
    return code;
}

const char *object_types_name(const struct object_types *types, unsigned number)
{
    if (number >= OBJECT_TYPES || types->by_number[number] == NULL)
        return "none";
    return types->by_number[number]->name;
}
