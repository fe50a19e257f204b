/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The events that commands on keys and strings tell, in their order: what redis-server 7.0
 * publishes on __keyevent@*__ with notify-keyspace-events EAmn, and, for the classes
 * that came later, what the newer servers do. And the option that chooses among them.
 */
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/text.h"
#include "config/config.h"
#include "features/keys_fixture.h"
#include "unit.h"

static struct buf heard;
static struct keyspace_observer observer;

static void hear(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                 struct slice key)
{
    (void)owner, (void)class_;
    buf_append_str(&heard, heard.len > 0 ? " " : "");
    buf_printf(&heard, "%u:%s:%.*s", db_index(db), name, (int)key.len, key.ptr);
}

#define OF_7_0 ((uint32_t)EVENT_CLASSES & ~(uint32_t)(EVENT_OVERWRITTEN | EVENT_TYPE_CHANGED | EVENT_SILENT))

static void set_up(void)
{
    shop_open();
    observer = (struct keyspace_observer){.classes = OF_7_0, .event = hear};
}

static void tear_down(void)
{
    buf_done(&heard);
    shop_close();
}

/* Runs what is between semicolons. */
static void run_all(const char *commands)
{
    char *copy = heap_strdup(commands), *rest = copy;
    for (char *one = strsep(&rest, ";"); one != NULL; one = strsep(&rest, ";"))
        if (*one != '\0')
            shop_run(one);
    heap_free(copy);
}

/* Listens to COMMAND, in which DUMP is a payload. */
static const char *listen_to(const char *command)
{
    static const char mark[] = "DUMP ";
    const char *at = strstr(command, " DUMP");
    struct buf line = {0};
    if (at != NULL && strncmp(command, mark, sizeof mark - 1) != 0) {
        buf_append(&line, command, (size_t)(at - command) + 1);
        text_quote(&line, slice_of("\x00\xc0\x01\x0a\x00\x26\x78\xe7\xb6\xd1\x01\x11\xfc", 13));
        buf_append_str(&line, at + 5);
    } else {
        buf_append_str(&line, command);
    }
    heard.len = 0;
    keyspace_add_observer(shop.keyspace, &observer);
    shop_run(buf_cstr(&line));
    keyspace_remove_observer(shop.keyspace, &observer);
    buf_done(&line);
    return buf_cstr(&heard);
}

static const struct row {
    const char *before, *command, *events;
} rows[] = {
    {"", "DEL k", ""},
    {"SET k v", "DEL k", "0:del:k"},
    {"SET k v;SET b v", "DEL k nosuch b", "0:del:k 0:del:b"},
    {"SET k v", "UNLINK k k", "0:del:k"},
    {"SET k v", "EXISTS k nosuch", "0:keymiss:nosuch"},
    {"SET k v", "TOUCH k nosuch", "0:keymiss:nosuch"},
    {"SET k v", "TYPE k", ""},
    {"", "TYPE nosuch", "0:keymiss:nosuch"},
    {"SET k v", "TTL nosuch", "0:keymiss:nosuch"},
    {"SET k v", "EXPIRE k 100", "0:expire:k"},
    {"SET k v", "PEXPIRE k 100000", "0:expire:k"},
    {"SET k v", "EXPIREAT k 4000000000", "0:expire:k"},
    {"SET k v", "PEXPIREAT k 4000000000000", "0:expire:k"},
    {"SET k v", "EXPIRE k 0", "0:del:k"},
    {"SET k v", "EXPIRE k -5", "0:del:k"},
    {"SET k v", "PEXPIREAT k 1", "0:del:k"},
    {"SET k v", "EXPIRE k 100 XX", ""},
    {"", "EXPIRE nosuch 100", ""},
    {"SET k v EX 100", "EXPIRE k 100 NX", ""},
    {"SET k v EX 100", "PERSIST k", "0:persist:k"},
    {"SET k v", "PERSIST k", ""},
    {"SET k v", "RENAME k b", "0:new:b 0:rename_from:k 0:rename_to:b"},
    {"SET k v;SET b w", "RENAME k b", "0:new:b 0:rename_from:k 0:rename_to:b"},
    {"SET k v", "RENAME k k", ""},
    {"", "RENAME nosuch b", ""},
    {"SET k v", "RENAMENX k b", "0:new:b 0:rename_from:k 0:rename_to:b"},
    {"SET k v;SET b w", "RENAMENX k b", ""},
    {"SET k v", "COPY k b", "0:new:b 0:copy_to:b"},
    {"SET k v;SET b w", "COPY k b", ""},
    {"SET k v;SET b w", "COPY k b REPLACE", "0:new:b 0:copy_to:b"},
    {"SET k v", "COPY k b DB 1", "1:new:b 1:copy_to:b"},
    {"", "COPY nosuch b", "0:keymiss:nosuch"},
    {"SET k v", "MOVE k 1", "1:new:k 0:move_from:k 1:move_to:k"},
    {"", "MOVE nosuch 1", ""},
    {"SET k v", "DUMP k", ""},
    {"", "DUMP nosuch", "0:keymiss:nosuch"},
    {"", "RESTORE k 0 DUMP", "0:new:k 0:restore:k"},
    {"", "RESTORE k 1000 DUMP", "0:new:k 0:restore:k"},
    {"SET k v", "RESTORE k 0 DUMP", ""},
    {"SET k v", "RESTORE k 0 DUMP REPLACE", "0:new:k 0:restore:k"},
    {"SET k v", "RESTORE k 1 DUMP REPLACE ABSTTL", "0:del:k"},
    {"", "RESTORE k 1 DUMP REPLACE ABSTTL", ""},
    {"", "RESTORE k 0 bad", ""},
    {"", "OBJECT ENCODING nosuch", ""},
    {"SET k v", "OBJECT ENCODING k", ""},
    {"", "SORT nosuch", "0:keymiss:nosuch"},
    {"", "SORT nosuch STORE b", "0:keymiss:nosuch"},
    {"SET b w", "SORT nosuch STORE b", "0:keymiss:nosuch 0:del:b"},
    {"SET k v", "SORT k", ""},
    {"", "GET nosuch", "0:keymiss:nosuch"},
    {"SET k v", "GET k", ""},
    {"", "SET k v", "0:new:k 0:set:k"},
    {"SET k v", "SET k w", "0:set:k"},
    {"SET k v EX 100", "SET k w", "0:set:k"},
    {"SET k v", "SET k w EX 100", "0:set:k 0:expire:k"},
    {"SET k v", "SET k w NX", ""},
    {"", "SET k w XX", ""},
    {"", "SET k w GET", "0:keymiss:k 0:new:k 0:set:k"},
    {"SET k v", "SET k w GET", "0:set:k"},
    {"SET k v", "SETNX k w", ""},
    {"", "SETNX k w", "0:new:k 0:set:k"},
    {"", "SETEX k 100 v", "0:new:k 0:set:k 0:expire:k"},
    {"", "PSETEX k 100000 v", "0:new:k 0:set:k 0:expire:k"},
    {"SET k v", "SETEX k 100 v", "0:set:k 0:expire:k"},
    {"", "GETSET k v", "0:keymiss:k 0:new:k 0:set:k"},
    {"SET k v", "GETSET k w", "0:set:k"},
    {"SET k v", "GETDEL k", "0:del:k"},
    {"", "GETDEL k", "0:keymiss:k"},
    {"SET k v", "GETEX k", ""},
    {"SET k v", "GETEX k EX 100", "0:expire:k"},
    {"SET k v", "GETEX k PXAT 1", "0:del:k"},
    {"SET k v EX 100", "GETEX k PERSIST", "0:persist:k"},
    {"SET k v", "GETEX k PERSIST", ""},
    {"", "GETEX k EX 100", "0:keymiss:k"},
    {"", "APPEND k v", "0:new:k 0:append:k"},
    {"SET k v", "APPEND k w", "0:append:k"},
    {"", "INCR k", "0:new:k 0:incrby:k"},
    {"SET k 5", "INCR k", "0:incrby:k"},
    {"SET k 5", "INCRBY k 5", "0:incrby:k"},
    {"SET k 5", "DECR k", "0:incrby:k"},
    {"SET k 5", "DECRBY k 5", "0:incrby:k"},
    {"SET k 5", "INCRBYFLOAT k 1.5", "0:incrbyfloat:k"},
    {"", "INCRBYFLOAT k 1.5", "0:new:k 0:incrbyfloat:k"},
    {"SET k v", "INCR k", ""},
    {"", "SETRANGE k 2 x", "0:new:k 0:setrange:k"},
    {"SET k v", "SETRANGE k 2 x", "0:setrange:k"},
    {"", "SETRANGE k 2 ''", ""},
    {"SET k v", "STRLEN k", ""},
    {"", "STRLEN k", "0:keymiss:k"},
    {"", "GETRANGE k 0 1", "0:keymiss:k"},
    {"", "MGET k b", "0:keymiss:k 0:keymiss:b"},
    {"", "MSET k 1 b 2", "0:new:k 0:set:k 0:new:b 0:set:b"},
    {"SET k v", "MSET k 1 b 2", "0:set:k 0:new:b 0:set:b"},
    {"", "MSETNX k 1 b 2", "0:new:k 0:set:k 0:new:b 0:set:b"},
    {"SET k v", "MSETNX k 1 b 2", ""},
    {"SET k v", "LCS k b", "0:keymiss:b"},
    {"", "SETBIT k 1 1", "0:new:k 0:setbit:k"},
    {"SET k v", "SETBIT k 1 1", ""},
    {"", "GETBIT k 1", "0:keymiss:k"},
    {"", "BITCOUNT k", "0:keymiss:k"},
    {"", "BITPOS k 1", "0:keymiss:k"},
    {"SET k v", "BITOP NOT b k", "0:new:b 0:set:b"},
    {"SET k v;SET b w", "BITOP AND b k nosuch", "0:keymiss:nosuch 0:set:b"},
    {"", "BITOP AND b k nosuch", "0:keymiss:k 0:keymiss:nosuch"},
    {"SET b v", "BITOP AND b k nosuch", "0:keymiss:k 0:keymiss:nosuch 0:del:b"},
    {"", "BITFIELD k SET u8 0 1", "0:new:k 0:setbit:k"},
    {"SET k v", "BITFIELD k SET u8 0 1 INCRBY u8 0 1", "0:setbit:k"},
    {"SET k v", "BITFIELD k GET u8 0", ""},
    {"", "BITFIELD k GET u8 0", "0:keymiss:k"},
    {"", "BITFIELD_RO k GET u8 0", "0:keymiss:k"},
    {"", "PFADD k", "0:new:k 0:pfadd:k"},
    {"", "PFADD k a", "0:new:k 0:pfadd:k"},
    {"PFADD k a", "PFADD k a", ""},
    {"PFADD k a", "PFADD k b", "0:pfadd:k"},
    {"PFADD k a", "PFCOUNT k", ""},
    {"", "PFCOUNT k", "0:keymiss:k"},
    {"PFADD k a", "PFMERGE b k", "0:keymiss:b 0:new:b 0:pfadd:b"},
    {"PFADD k a;PFADD b c", "PFMERGE b k", "0:pfadd:b"},
    {"", "PFMERGE b k", "0:keymiss:b 0:keymiss:k 0:new:b 0:pfadd:b"},
    {"SET k v", "FLUSHDB", ""},
    {"SET k v", "FLUSHALL", ""},
    {"SET k v", "SWAPDB 0 1", ""},
    {"", "RANDOMKEY", ""},
    {"SET k v", "KEYS *", ""},
};

START_TEST(one_row)
{
    run_all(rows[_i].before);
    const char *events = listen_to(rows[_i].command);
    ck_assert_msg(strcmp(events, rows[_i].events) == 0, "%s; %s: %s", rows[_i].before, rows[_i].command,
                  events);
}
END_TEST

/* What came with the classes o and c. */
static const struct row newer[] = {
    {"SET k v", "SET k w", "0:overwritten:k 0:set:k"},
    {"", "SET k w", "0:new:k 0:set:k"},
    {"SET k v", "APPEND k w", "0:append:k"},
    {"SET k v", "INCR nosuch", "0:new:nosuch 0:incrby:nosuch"},
    {"SET k v;SET b w", "RENAME k b", "0:new:b 0:rename_from:k 0:rename_to:b 0:overwritten:b"},
    {"SET k v", "RENAME k l", "0:new:l 0:rename_from:k 0:rename_to:l 0:overwritten:l 0:type_changed:l"},
    {"SET k v", "RENAME k b", "0:new:b 0:rename_from:k 0:rename_to:b"},
    {"SET k v;SET b w", "COPY k b REPLACE", "0:new:b 0:copy_to:b 0:overwritten:b"},
    {"SET k v", "COPY k l REPLACE", "0:new:l 0:copy_to:l 0:overwritten:l 0:type_changed:l"},
    {"SET k v", "COPY k b", "0:new:b 0:copy_to:b"},
    {"SET k v", "MOVE k 2", "2:new:k 0:move_from:k 2:move_to:k"},
    {"", "RESTORE l 0 DUMP REPLACE", "0:new:l 0:restore:l 0:overwritten:l 0:type_changed:l"},
    {"", "SORT l STORE b", "0:new:b 0:sortstore:b"},
    {"SET b v", "SORT l STORE b", "0:overwritten:b 0:type_changed:b 0:sortstore:b"},
    {"", "SORT l STORE l", "0:overwritten:l 0:sortstore:l"},
    {"SET b v", "SORT nosuch STORE b", "0:keymiss:nosuch 0:del:b"},
};

START_TEST(one_newer_row)
{
    observer.classes = EVENT_CLASSES;
    shop_put(OBJECT_LIST, "l", "2,1");
    run_all(newer[_i].before);
    const char *events = listen_to(newer[_i].command);
    ck_assert_msg(strcmp(events, newer[_i].events) == 0, "%s; %s: %s", newer[_i].before, newer[_i].command,
                  events);
}
END_TEST

START_TEST(expired_when_it_is_met)
{
    shop_run("SET k v PX 10");
    clock_freeze_ms(SHOP_NOW + 10);
    ck_assert_str_eq(listen_to("DEL k"), "0:expired:k");
    shop_run("SET k v PX 10");
    clock_freeze_ms(SHOP_NOW + 20);
    ck_assert_str_eq(listen_to("SORT nosuch BY k STORE k"), "0:keymiss:nosuch 0:expired:k");
}
END_TEST

/* --- the option --- */

static struct keys_options options;
static struct config_module module;

static uint32_t set_option(const char *letters, const char *printed)
{
    struct config *c = config_new();
    struct buf why = {0}, text = {0};
    module = (struct config_module){
        .group = "Data", .options = keys_config_rows, .count = keys_config_count, .target = &options};
    config_add(c, &module);
    struct config_change change = {slice_str("notify-keyspace-events"), slice_str(letters)};
    int code = config_set(c, &change, 1, false, &why);
    uint32_t mask = keys_notify_mask(&options);
    if (printed == NULL) {
        ck_assert_int_lt(code, 0);
        ck_assert_ptr_nonnull(
            strstr(buf_cstr(&why), "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."));
    } else {
        config_print_value(c, &keys_config_rows[0], &text);
        ck_assert_str_eq(buf_cstr(&text), printed);
    }
    config_free(c);
    buf_done(&why);
    buf_done(&text);
    return mask;
}

START_TEST(letters)
{
    const uint32_t both = KEYS_NOTIFY_KEYSPACE | KEYS_NOTIFY_KEYEVENT;
    const uint32_t all = EVENT_GENERIC | EVENT_STRING | EVENT_LIST | EVENT_SET | EVENT_HASH | EVENT_ZSET |
                         EVENT_EXPIRED | EVENT_EVICTED | EVENT_STREAM | EVENT_MODULE;
    ck_assert_uint_eq(set_option("", ""), 0);
    ck_assert_uint_eq(set_option("KEA", "AKE"), both | all);
    ck_assert_uint_eq(set_option("KEg$lshzxetd", "AKE"), both | all);
    ck_assert_uint_eq(set_option("KEg$lshzxet", "g$lshzxetKE"), both | (all & ~(uint32_t)EVENT_MODULE));
    ck_assert_uint_eq(set_option("Kg", "gK"), KEYS_NOTIFY_KEYSPACE | EVENT_GENERIC);
    ck_assert_uint_eq(set_option("xxEE", "xE"), KEYS_NOTIFY_KEYEVENT | EVENT_EXPIRED);
    ck_assert_uint_eq(set_option("Emnoc", "nocEm"),
                      KEYS_NOTIFY_KEYEVENT | EVENT_MISS | EVENT_NEW | EVENT_OVERWRITTEN | EVENT_TYPE_CHANGED);
    ck_assert_uint_eq(set_option("AKEn", "AnKE"), both | all | EVENT_NEW);
    /* Whoever is told nowhere is told nothing. */
    ck_assert_uint_eq(set_option("A", "A"), 0);
    ck_assert_uint_eq(set_option("gx", "gx"), 0);
    set_option("k", NULL);
    set_option("KEA ", NULL);
    set_option("AKE,x", NULL);
}
END_TEST

UNIT_SUITE(features_keys_events)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, one_row, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(tc, one_newer_row, 0, sizeof newer / sizeof *newer);
    tcase_add_test(tc, expired_when_it_is_met);
    tcase_add_test(tc, letters);
}
