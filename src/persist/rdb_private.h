/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of a load, for rdb_load.c (the window over the file, steps, faults) and
 * rdb_items.c (what the bytes mean).
 *
 *   window   |.. done ..|.. parsed, not in the CRC yet ..|.. to be parsed ..|
 *            0          crc_pos                          in.pos             in.len
 *   base: where the window's first byte stands in the file
 */
#pragma once

#include "codec/rdb_reader.h"
#include "persist/kept.h"
#include "persist/rdb_load.h"

#define RDB_VALUE_TYPES 241 /* bytes from here on are opcodes */

enum rdb_state {
    RDB_HEADER,
    RDB_ITEMS,
    RDB_VALUE,      /* in a key's value, of which some may have been taken */
    RDB_MODULE_AUX, /* between the items of a module's data */
    RDB_KEY_META,   /* before a class of the next key's */
    RDB_FOOTER,
    RDB_DONE,
    RDB_FAILED,
};

struct rdb_load {
    struct keyspace *ks;
    const struct object_type *by_rdb[RDB_VALUE_TYPES];
    char *path;
    int fd;
    bool verify;

    char *window;
    size_t cap;
    struct rdb_reader in;
    uint64_t base;
    size_t crc_pos;
    size_t need; /* bytes from in.pos without which there is no going on */
    uint64_t crc;

    enum rdb_state state;
    bool valkey;
    unsigned version;
    struct db *db;
    struct object_meta meta; /* of the next key */
    struct buf key;          /* its copy, where what it stood in does not stay */
    bool has_key;            /* meta.key is the key of the item at hand */
    uint8_t value_type;      /* of its value, as the file has it */
    bool expired;            /* it is read past */
    void *partial;           /* what has been made of the value */
    uint64_t classes;        /* of its metadata, to come */
    struct kept *kept;       /* may be NULL */
    struct buf *keeping;     /* where in KEPT the module's data at hand goes; NULL: nowhere */
    size_t show;             /* bytes that the value's type is to see at once */
    int64_t now_ms;
    struct rdb_load_progress progress;
};

/* Reads one item: header, opcode, key with value, opcode of a module's data, or footer.
 * 0: L is behind it. MR_E_AGAIN: it needs L->need bytes from where L is, which is before it, but for
 * a value of which some was taken. Other codes: the fault, its text in WHY. */
int rdb_item(struct rdb_load *l, struct buf *why);
/* Frees what was made of a value that will not go on. */
void rdb_item_drop(struct rdb_load *l);

/* Appends "PATH: offset N: " and the text; returns CODE. */
int rdb_fault(const struct rdb_load *l, struct buf *why, int code, const char *fmt, ...) MR_PRINTF(4, 5);
/* The same for an item that could not be read: says what WHAT is to be and, by CODE, why not. */
int rdb_fault_item(const struct rdb_load *l, struct buf *why, int code, const char *what);
/* The duplicate key that the keyspace has met. */
int rdb_fault_duplicate(const struct rdb_load *l, struct buf *why);

/* What value type or opcode BYTE is called; NULL if nobody uses it. */
const char *rdb_name(unsigned byte, bool valkey);
