/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is told what, in which order, and when coming and going counts. That the keyspace tells
 * every change of its own is check_db_model.c's.
 */
#include "keyspace/observer.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "keyspace/keyspace.h"
#include "unit.h"

#define START 1700000000000

static struct keyspace *ks;
static struct db *db;
static struct buf told;

static void event(void *owner, struct db *where, enum keyspace_event_class class_, const char *name,
                  struct slice key)
{
    (void)class_;
    buf_printf(&told, "%s %s %u %.*s\n", (const char *)owner, name, db_index(where), (int)key.len, key.ptr);
}

static void flushed(void *owner, struct db *where)
{
    buf_printf(&told, "%s flushed %u with %llu\n", (const char *)owner, db_index(where),
               (unsigned long long)db_size(where));
}

static void swapped(void *owner, struct db *where, struct db *other)
{
    buf_printf(&told, "%s swapped %u %u\n", (const char *)owner, db_index(where), db_index(other));
}

static void set_up(void)
{
    clock_update();
    clock_freeze_ms(START);
    ks = keyspace_new(2);
    db = keyspace_db(ks, 0);
    told = (struct buf){0};
}

static void tear_down(void)
{
    keyspace_free(ks);
    buf_done(&told);
    clock_freeze_ms(0);
}

static void set(const char *key, int64_t expiry_ms)
{
    struct slice k = slice_str(key);
    ck_assert_int_eq(db_set_string(db, k, keyspace_hash(ks, k), slice_str("value"), expiry_ms), 0);
}

static struct entry *get(const char *key)
{
    return db_find(db, slice_str(key), keyspace_hash(ks, slice_str(key)), DB_COUNT);
}

static void expect(const char *want)
{
    ck_assert_str_eq(told.len == 0 ? "" : buf_cstr(&told), want);
    told.len = 0;
}

START_TEST(coming_going_and_changing)
{
    struct keyspace_observer a = {.classes = EVENT_NEW, .owner = "a", .event = event, .flushed = flushed};
    struct keyspace_observer b = {.classes = EVENT_NEW | EVENT_MISS, .owner = "b", .event = event};
    set("before", DB_EXPIRY_NONE);
    keyspace_add_observer(ks, &a);
    keyspace_add_observer(ks, &b);
    set("key", DB_EXPIRY_NONE);
    expect("a new 0 key\nb new 0 key\n");
    get("none");
    expect("b keymiss 0 none\n");
    a.classes = EVENT_MISS | EVENT_STRING;
    keyspace_observer_changed(ks);
    get("none");
    db_event(db, EVENT_STRING, "set", slice_str("key"));
    db_event(db, EVENT_SILENT, "", slice_str("key"));
    expect("a keymiss 0 none\nb keymiss 0 none\na set 0 key\n");
    keyspace_remove_observer(ks, &a);
    db_event(db, EVENT_STRING, "set", slice_str("key"));
    db_flush(db);
    set("key", DB_EXPIRY_NONE);
    expect("b new 0 key\n");
    keyspace_remove_observer(ks, &b);
    keyspace_add_observer(ks, &a);
    get("none");
    expect("a keymiss 0 none\n");
    keyspace_remove_observer(ks, &a);
    get("none");
    expect("");
}
END_TEST

START_TEST(expiry_by_access_and_by_time)
{
    struct keyspace_observer o = {.classes = EVENT_EXPIRED, .owner = "o", .event = event};
    keyspace_add_observer(ks, &o);
    set("looked-at", START + 1);
    set("waited-for", START + 2);
    set("replaced", START + 2);
    set("forever", DB_EXPIRY_NONE);
    clock_freeze_ms(START + 1);
    get("looked-at");
    expect("o expired 0 looked-at\n");
    clock_freeze_ms(START + 2);
    set("replaced", DB_EXPIRY_NONE);
    expect("o expired 0 replaced\n");
    ck_assert(!keyspace_expire(ks, START + 2, 10));
    expect("o expired 0 waited-for\n");
    get("waited-for");
    expect("");
}
END_TEST

START_TEST(renaming_and_copying)
{
    struct keyspace_observer o = {.classes = EVENT_CLASSES, .owner = "o", .event = event};
    set("from", DB_EXPIRY_NONE);
    set("to", DB_EXPIRY_NONE);
    set("copy", DB_EXPIRY_NONE);
    keyspace_add_observer(ks, &o);
    struct slice to = slice_str("to"), copy = slice_str("copy");
    ck_assert_int_eq(db_move(db, get("from"), db, to, keyspace_hash(ks, to), NULL), 0);
    db_event(db, EVENT_GENERIC, "rename_to", to);
    db_event_replaced(db, to);
    expect("o new 0 to\no rename_to 0 to\no overwritten 0 to\n");
    struct entry_value v;
    entry_value_of(&v, get("to"));
    ck_assert_int_eq(db_put_as_new(db, copy, keyspace_hash(ks, copy), OBJECT_HASH, &v, DB_EXPIRY_NONE), 0);
    db_event(db, EVENT_GENERIC, "copy_to", copy);
    db_event_replaced(db, copy);
    expect("o new 0 copy\no copy_to 0 copy\no overwritten 0 copy\no type_changed 0 copy\n");
    set("copy", DB_EXPIRY_NONE);
    expect("o overwritten 0 copy\no type_changed 0 copy\n");
    ck_assert_int_eq(db_move(db, get("to"), keyspace_db(ks, 1), to, keyspace_hash(ks, to), NULL), 0);
    db_event_replaced(keyspace_db(ks, 1), to);
    expect("o new 1 to\n");
}
END_TEST

START_TEST(whole_databases)
{
    struct keyspace_observer a = {.owner = "a", .event = event, .flushed = flushed, .swapped = swapped};
    struct keyspace_observer b = {.owner = "b", .event = event};
    keyspace_add_observer(ks, &b);
    keyspace_add_observer(ks, &a);
    set("key", DB_EXPIRY_NONE);
    db_flush(db);
    db_flush(keyspace_db(ks, 1));
    db_flush(keyspace_scratch(ks));
    expect("a flushed 0 with 1\na flushed 1 with 0\n");
    keyspace_swap(ks, 1, 0);
    keyspace_swap(ks, 1, 1);
    expect("a swapped 1 0\n");
}
END_TEST

UNIT_SUITE(keyspace_observer)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, coming_going_and_changing);
    tcase_add_test(tc, expiry_by_access_and_by_time);
    tcase_add_test(tc, renaming_and_copying);
    tcase_add_test(tc, whole_databases);
}
