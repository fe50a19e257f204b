/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Key commands run by their handlers, without connections, over a keyspace of its own with
 * strings and toy types: a list, a set and a hash whose values are text, with ',' between
 * elements and "name=value" for fields.
 */
#pragma once

#include "base/buf.h"
#include "command/dispatch.h"
#include "features/keys/keys.h"
#include "keyspace/keyspace.h"
#include "keyspace/object.h"

struct shop {
    struct keyspace *keyspace;
    struct dispatch *dispatch;
    struct keys *keys;
    struct object_types types;
    struct session session;
    struct buf out;
};

extern struct shop shop;

/* The wall clock stands still at this. */
#define SHOP_NOW 1700000000000

void shop_open(void);
void shop_close(void);

/* Runs LINE's words, quoted as for a shell, with ctx->owner and the like as the dispatcher would have
 * them, in database 0; the reply is valid until the next one. */
const char *shop_run(const char *line);
void shop_expect(const char *line, const char *reply);
/* Puts a value of a toy type, whose NUMBER is the type's, at KEY. */
void shop_put(unsigned number, const char *key, const char *text);
/* The text of the value at KEY, whatever its type; "(none)". */
const char *shop_value(unsigned db, const char *key);
