/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members with an expiry against a model that knows of each number whether and until when it is
 * there, while time goes on: whether or not the keyspace deletes what is due, nobody sees it. Also
 * that such sets go through RDB, in parts as well, and through relocation; and that no memory is
 * lost.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "types/set/set_rdb.h"
#include "types/set/set_table.h"
#include "types/type_fixture.h"
#include "unit.h"

#define UNIVERSE 700
#define MOST     60 /* members of one command */
#define NOW      INT64_C(1700000000000)
#define NEVER    INT64_MAX
#define ABSENT   INT64_MIN

static struct keyspace *ks;
static struct db *db;
static struct set_options options;
static struct random draw;
static int64_t now_ms;

/* Until when each member is there. */
struct model {
    int64_t until[UNIVERSE];
};

static struct model models[3];
static const char *const keys[3] = {"a", "b", "c"};

static void set_time(int64_t ms)
{
    now_ms = ms;
    clock_freeze_ms(ms);
}

static void set_up(void)
{
    type_set_up(2);
    set_time(NOW);
    random_init_seed(&draw, 17);
    options = (struct set_options){512, 128, 64};
    ks = type_fixture.ks;
    db = type_fixture.db;
    set_register(type_fixture.registry, &type_fixture.types, &options);
    for (unsigned i = 0; i < 3; i++)
        for (unsigned n = 0; n < UNIVERSE; n++)
            models[i].until[n] = ABSENT;
}

/* Runs what FORM and its arguments say, with the COUNT numbers in MEMBERS behind it. */
static __attribute__((format(printf, 3, 4))) const char *line(const unsigned *members, uint32_t count,
                                                              const char *form, ...)
{
    static char texts[UNIVERSE][16];
    static struct slice more[UNIVERSE];
    static char text[256];
    va_list ap;
    va_start(ap, form);
    vsnprintf(text, sizeof text, form, ap);
    va_end(ap);
    for (uint32_t i = 0; i < count; i++)
        more[i] = slice_of(texts[i], (size_t)snprintf(texts[i], 16, "m%u", members[i]));
    return type_run_with(text, more, count);
}

/* The next integer of an array in REPLY. */
static long next(const char **reply)
{
    const char *colon = strchr(*reply, ':');
    must(colon != NULL);
    *reply = colon + 1;
    return strtol(colon + 1, NULL, 10);
}

static bool is_there(const struct model *m, unsigned n)
{
    return m->until[n] != ABSENT && m->until[n] > now_ms;
}

static unsigned count_of(const struct model *m)
{
    unsigned count = 0;
    for (unsigned n = 0; n < UNIVERSE; n++)
        count += is_there(m, n);
    return count;
}

/* What is asked of all members, in one command each. */
static void check(unsigned i)
{
    static unsigned all[UNIVERSE];
    const struct model *m = &models[i];
    for (unsigned n = 0; n < UNIVERSE; n++)
        all[n] = n;
    const char *reply = line(all, UNIVERSE, "SMISMEMBER %s", keys[i]);
    for (unsigned n = 0; n < UNIVERSE; n++)
        must(next(&reply) == is_there(m, n));
    reply = line(all, UNIVERSE, "SPEXPIRETIME %s MEMBERS %u", keys[i], UNIVERSE);
    for (unsigned n = 0; n < UNIVERSE; n++)
        must(next(&reply) == (!is_there(m, n) ? -2 : m->until[n] == NEVER ? -1 : (long)m->until[n]));
    unsigned count = count_of(m);
    must(strtoul(line(NULL, 0, "SMEMBERS %s", keys[i]) + 1, NULL, 10) == count);
    must(strtoul(line(NULL, 0, "SRANDMEMBER %s 100000", keys[i]) + 1, NULL, 10) == count);
    must(type_number(line(NULL, 0, "SINTERCARD 1 %s", keys[i])) == count);
    must(type_number(line(NULL, 0, "SUNIONCARD 2 %s none", keys[i])) == count);
    must(type_number(line(NULL, 0, "SDIFFCARD 2 %s none", keys[i])) == count);
    must(type_number(line(NULL, 0, "SCARD %s", keys[i])) >= count);
    reply = line(NULL, 0, "SRANDMEMBER %s", keys[i]);
    must(strcmp(reply, "$-1\r\n") == 0 ? count == 0 : is_there(m, (unsigned)atoi(strchr(reply, 'm') + 1)));
}

/* --- changes --- */

static unsigned pick(unsigned *members)
{
    unsigned count = random_below(&draw, 3) == 0 ? 1 + (unsigned)random_below(&draw, MOST) : 1;
    for (unsigned i = 0; i < count; i++)
        members[i] = (unsigned)random_below(&draw, UNIVERSE);
    return count;
}

static void add(unsigned i)
{
    unsigned members[MOST], count = pick(members), added = 0;
    struct model *m = &models[i];
    for (unsigned k = 0; k < count; k++)
        if (!is_there(m, members[k])) {
            m->until[members[k]] = NEVER;
            added++;
        }
    must(type_number(line(members, count, "SADD %s", keys[i])) == added);
}

static void remove_some(unsigned i)
{
    unsigned members[MOST], count = pick(members), removed = 0;
    struct model *m = &models[i];
    for (unsigned k = 0; k < count; k++) {
        removed += is_there(m, members[k]);
        m->until[members[k]] = ABSENT;
    }
    must(type_number(line(members, count, "SREM %s", keys[i])) == removed);
}

static int64_t some_time(void)
{
    static const int64_t spans[] = {3, 100, 1000, 1000000};
    return now_ms - 1 + (int64_t)random_below(&draw, (uint64_t)spans[random_below(&draw, 4)]);
}

static void expire(unsigned i)
{
    static const char *const conditions[] = {"", "NX", "XX", "GT", "LT"};
    unsigned members[MOST], count = pick(members), condition = (unsigned)random_below(&draw, 5);
    struct model *m = &models[i];
    int64_t at = some_time();
    const char *reply = line(members, count, "SPEXPIREAT %s %lld %s MEMBERS %u", keys[i], (long long)at,
                             conditions[condition], count);
    for (unsigned k = 0; k < count; k++) {
        int64_t *until = &m->until[members[k]];
        bool has = *until != NEVER;
        bool may = condition == 0 || (condition == 1 && !has) || (condition == 2 && has) ||
                   (condition == 3 && at > *until) || (condition == 4 && at < *until);
        int want = !is_there(m, members[k]) ? -2 : !may ? 0 : at <= now_ms ? 2 : 1;
        must(next(&reply) == want);
        if (want > 0)
            *until = want == 2 ? ABSENT : at;
    }
}

static void persist(unsigned i)
{
    unsigned members[MOST], count = pick(members);
    struct model *m = &models[i];
    const char *reply = line(members, count, "SPERSIST %s MEMBERS %u", keys[i], count);
    for (unsigned k = 0; k < count; k++) {
        int64_t *until = &m->until[members[k]];
        bool there = is_there(m, members[k]);
        must(next(&reply) == (!there ? -2 : *until == NEVER ? -1 : 1));
        if (there)
            *until = NEVER;
    }
}

static void add_with_time(unsigned i)
{
    unsigned members[MOST], count = pick(members), there = 0;
    unsigned condition = (unsigned)random_below(&draw, 3), kind = (unsigned)random_below(&draw, 3);
    struct model *m = &models[i];
    int64_t at = some_time();
    char time[64] = "";
    if (kind == 1)
        snprintf(time, sizeof time, "PXAT %lld", (long long)at);
    if (kind == 2)
        snprintf(time, sizeof time, "KEEPTTL");
    for (unsigned k = 0; k < count; k++)
        there += is_there(m, members[k]);
    bool may = condition == 0 || (condition == 1 && there == 0) || (condition == 2 && there == count);
    static const char *const conditions[] = {"", "MNX", "MXX"};
    must(type_number(line(members, count, "SADDEX %s %s %s MEMBERS %u", keys[i], conditions[condition], time,
                          count)) == may);
    for (unsigned k = 0; may && k < count; k++) {
        int64_t *until = &m->until[members[k]];
        if (kind == 1)
            *until = at <= now_ms ? ABSENT : at;
        else if (kind == 0 || !is_there(m, members[k]))
            *until = NEVER;
    }
}

static void move_one(unsigned i)
{
    unsigned n = (unsigned)random_below(&draw, UNIVERSE), to = (unsigned)random_below(&draw, 3);
    bool there = is_there(&models[i], n);
    must(type_number(line(&n, 1, "SMOVE %s %s", keys[i], keys[to])) == there);
    if (!there || to == i)
        return;
    if (!is_there(&models[to], n))
        models[to].until[n] = models[i].until[n];
    models[i].until[n] = ABSENT;
}

static void pop_some(unsigned i)
{
    unsigned most = (unsigned)random_below(&draw, 6), count = count_of(&models[i]), told = 0;
    const char *reply = line(NULL, 0, "SPOP %s %u", keys[i], most);
    must(strtoul(reply + 1, NULL, 10) == (most < count ? most : count));
    for (const char *at = strchr(reply, 'm'); at != NULL; at = strchr(at + 1, 'm'), told++) {
        unsigned n = (unsigned)atoi(at + 1);
        must(is_there(&models[i], n));
        models[i].until[n] = ABSENT;
    }
    must(told == (most < count ? most : count));
}

static int64_t nearer(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void store(unsigned i)
{
    static const char *const names[] = {"SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"};
    unsigned kind = (unsigned)random_below(&draw, 3), j = (unsigned)random_below(&draw, 3);
    unsigned to = (unsigned)random_below(&draw, 3), count = 0;
    struct model made;
    for (unsigned n = 0; n < UNIVERSE; n++) {
        bool x = is_there(&models[i], n), y = is_there(&models[j], n);
        int64_t a = x ? models[i].until[n] : NEVER, b = y ? models[j].until[n] : NEVER;
        bool in = kind == 0 ? x || y : kind == 1 ? x && y : x && !y;
        made.until[n] = in ? nearer(a, b) : ABSENT;
        count += in;
    }
    must(type_number(line(NULL, 0, "%s %s %s %s", names[kind], keys[to], keys[i], keys[j])) == count);
    models[to] = made;
}

typedef void change(unsigned i);

/* Plays changes while time goes on; the keyspace looks for what is due every EXPIRE rounds. */
static void play(unsigned rounds, unsigned expire_every)
{
    static change *const changes[] = {add,      add,           add,     add,           remove_some,
                                      expire,   expire,        persist, add_with_time, move_one,
                                      pop_some, add_with_time, expire,  add_with_time};
    for (unsigned round = 0; round < rounds; round++) {
        changes[random_below(&draw, sizeof changes / sizeof *changes)]((unsigned)random_below(&draw, 3));
        if (random_below(&draw, 40) == 0)
            store((unsigned)random_below(&draw, 3));
        if (random_below(&draw, 3) == 0)
            set_time(now_ms + (int64_t)random_below(&draw, 60));
        if (expire_every != 0 && round % expire_every == 0)
            keyspace_expire(ks, now_ms, 1000);
        if (round % 20 == 0)
            check(round / 20 % 3);
    }
}

static void forget_all(void)
{
    for (unsigned i = 0; i < 3; i++)
        for (unsigned n = 0; n < UNIVERSE; n++)
            models[i].until[n] = ABSENT;
    db_flush(db);
    type_free_all();
}

START_TEST(test_model)
{
    static const unsigned every[] = {1, 30, 0};
    for (unsigned i = 0; i < 3; i++) {
        play(4000, every[i]);
        forget_all();
    }
    must(keyspace_arena(ks)->used < 100000);
    must(keyspace_expire_deadline(ks) == INT64_MAX);
}
END_TEST

/* What is due stays, though nobody sees it. */
START_TEST(test_hidden)
{
    keyspace_set_expiry_mode(ks, KEYSPACE_HIDE);
    unsigned members[3] = {1, 2, 3};
    line(members, 3, "SADDEX a PXAT %lld MEMBERS 3", (long long)NOW + 10);
    models[0].until[1] = models[0].until[2] = models[0].until[3] = NOW + 10;
    check(0);
    set_time(NOW + 10);
    keyspace_expire(ks, now_ms, 1000);
    check(0);
    must(type_number(line(NULL, 0, "SCARD a")) == 3);
    must(type_number(line(members, 1, "SADD a")) == 1);
    models[0].until[1] = NEVER;
    check(0);
    keyspace_set_expiry_mode(ks, KEYSPACE_SHOW);
    must(type_number(line(members + 1, 1, "SISMEMBER a")) == 1);
    keyspace_set_expiry_mode(ks, KEYSPACE_EXPIRE);
    keyspace_expire(ks, now_ms, 1000);
    must(type_number(line(NULL, 0, "SCARD a")) == 1);
    check(0);
}
END_TEST

/* All members go at once, and the key with them. */
START_TEST(test_the_last_ones)
{
    unsigned members[UNIVERSE];
    for (unsigned n = 0; n < UNIVERSE; n++)
        members[n] = n;
    for (unsigned most = 1; most <= UNIVERSE; most = most * 3 + 1) {
        line(members, most, "SADDEX a PX 5 MEMBERS %u", most);
        set_time(now_ms + 4);
        while (keyspace_expire(ks, now_ms, 10))
            continue;
        must(type_number(line(NULL, 0, "SCARD a")) == most);
        set_time(now_ms + 1);
        must(keyspace_expire_deadline(ks) <= now_ms);
        while (keyspace_expire(ks, now_ms, 10))
            continue;
        must(db_size(db) == 0);
        must(keyspace_expire_deadline(ks) == INT64_MAX);
    }
}
END_TEST

/* --- events --- */

static void note_event(void *owner, struct db *in, enum keyspace_event_class class_, const char *name,
                       struct slice key)
{
    (void)in, (void)key;
    buf_printf(owner, "%s%s ", class_ == EVENT_SET ? "" : "generic:", name);
}

START_TEST(test_events)
{
    static const char *const steps[][2] = {
        {"SADDEX s EX 100 MEMBERS 3 a b c", "sadd sexpire "},
        {"SADDEX s MNX EX 100 MEMBERS 1 a", ""},
        {"SADDEX s KEEPTTL MEMBERS 1 a", ""},
        {"SADDEX s KEEPTTL MEMBERS 2 a d", "sadd "},
        {"SADDEX s MEMBERS 1 d", ""},
        {"SADDEX s MEMBERS 1 c", "sadd "},
        {"SEXPIRE s 10 MEMBERS 3 a b zz", "sexpire "},
        {"SEXPIRE s 5 GT MEMBERS 1 a", ""},
        {"SEXPIRE s 5 MEMBERS 1 zz", ""},
        {"SPERSIST s MEMBERS 2 a d", "spersist "},
        {"SPERSIST s MEMBERS 2 a d", ""},
        {"SEXPIRE s 0 MEMBERS 2 a zz", "srem "},
        {"SADDEX s PX 0 MEMBERS 2 a zz", ""},
        {"SADDEX s PX 0 MEMBERS 1 c", "srem "},
        {"SMOVE s t b", "srem sadd "},
        {"SEXPIRE s 0 MEMBERS 2 d d", "srem generic:del "},
        {"SADDEX t PX 7 MEMBERS 2 x y", "sadd sexpire "},
    };
    struct buf told = {0};
    struct keyspace_observer observer = {
        .classes = EVENT_SET | EVENT_GENERIC, .owner = &told, .event = note_event};
    keyspace_add_observer(ks, &observer);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        told.len = 0;
        line(NULL, 0, "%s", steps[i][0]);
        if (strcmp(buf_cstr(&told), steps[i][1]) != 0)
            ck_abort_msg("%s tells %s", steps[i][0], buf_cstr(&told));
    }
    told.len = 0;
    set_time(now_ms + 7);
    keyspace_expire(ks, now_ms, 1000);
    must(strcmp(buf_cstr(&told), "sexpired ") == 0);
    told.len = 0;
    set_time(now_ms + 100000);
    must(type_number(line(NULL, 0, "SCARD t")) == 0);
    must(strcmp(buf_cstr(&told), "sexpired generic:del ") == 0);
    keyspace_remove_observer(ks, &observer);
    buf_done(&told);
}
END_TEST

/* --- files --- */

static int load(struct slice bytes, unsigned type, size_t window)
{
    struct type_load l = {.type = &set_type, .rdb_type = type, .db = db, .key = "b", .step = window};
    return type_load_through(&l, bytes);
}

START_TEST(test_rdb)
{
    struct buf bytes = {0};
    unsigned type;
    for (unsigned timed = 0; timed < 2; timed++) {
        for (unsigned round = 0; round < 20; round++) {
            add(0);
            if (timed)
                add_with_time(0);
        }
        bytes.len = 0;
        type = type_save(&set_type, type_find(db, "a"), &bytes, true);
        must(type == (timed ? SET_RDB_TABLE_EX : SET_RDB_TABLE));
        for (size_t window = 1; window < bytes.len; window += window < 40 ? 1 : window) {
            line(NULL, 0, "SPOP b 100000");
            must(load(buf_slice(&bytes), type, window) == 0);
            models[1] = models[0];
            check(1);
        }
        /* What is cut off is refused, with nothing left behind. */
        for (size_t cut = 0; cut < bytes.len; cut += 1 + cut / 7) {
            line(NULL, 0, "SPOP b 100000");
            must(load(slice_of(bytes.data, cut), type, 10) != 0);
            must(type_find(db, "b") == NULL);
        }
    }
    buf_done(&bytes);
    forget_all();
    must(keyspace_arena(ks)->used < 100000);
}
END_TEST

static int load_bytes(const char *bytes, size_t len, unsigned type)
{
    return load(slice_of(bytes, len), type, len);
}

START_TEST(test_files)
{
    static const char pairs[] = "\0\0\0\0\0\0\0\0\x11\x11\0\0\0\4\0\x81"
                                "a\2\7\1\x81"
                                "b\2\0\1\xff";
    static const char odd[] = "\0\0\0\0\0\0\0\0\x0a\x0a\0\0\0\1\0\x81"
                              "a\2\xff";
    static const char text[] = "\0\0\0\0\0\0\0\0\x0d\x0d\0\0\0\2\0\x81"
                               "a\2\x81"
                               "b\2\xff";
    static const char twice[] = "\1\0\0\0\0\0\0\0\2\0\1a\1\1a";
    static const char late[] = "\1\0\0\0\0\0\0\x80\1\1\1a";
    static const char beyond[] = "\xff\xff\xff\xff\xff\xff\xff\x7f\1\2\1a";
    static const char empty[] = "\0\0\0\0\0\0\0\0\0";
    must(load_bytes(odd, sizeof odd - 1, SET_RDB_LISTPACK_EX) == MR_E_CORRUPT);
    must(load_bytes(text, sizeof text - 1, SET_RDB_LISTPACK_EX) == MR_E_CORRUPT);
    must(load_bytes(twice, sizeof twice - 1, SET_RDB_TABLE_EX) == MR_E_CORRUPT);
    must(load_bytes(late, sizeof late - 1, SET_RDB_TABLE_EX) == MR_E_CORRUPT);
    must(load_bytes(beyond, sizeof beyond - 1, SET_RDB_TABLE_EX) == MR_E_CORRUPT);
    must(load_bytes(empty, sizeof empty - 1, SET_RDB_TABLE_EX) == MR_E_NO_KEY);
    must(db_size(db) == 0);
    set_time(6);
    must(load_bytes(pairs, sizeof pairs - 1, SET_RDB_LISTPACK_EX) == 0);
    must(strcmp(type_run("SPEXPIRETIME b MEMBERS 2 a b"), "*2\r\n:7\r\n:-1\r\n") == 0);
    set_time(7);
    must(!keyspace_expire(ks, now_ms, 100) && type_number(line(NULL, 0, "SCARD b")) == 1);
}
END_TEST

/* --- memory --- */

static bool relocate_all(unsigned i, uint64_t each, size_t *moved)
{
    uint64_t cursor = 0, budget;
    bool done = false;
    for (unsigned steps = 0; steps < 100000 && !done; steps++) {
        struct entry *e = type_find(db, keys[i]);
        if (e == NULL || entry_is_packed(e))
            return false;
        budget = each;
        done = set_type.relocate(ks, e, &cursor, &budget, moved);
    }
    return done;
}

START_TEST(test_relocation)
{
    for (unsigned round = 0; round < 10; round++) {
        size_t moved = 0;
        for (unsigned n = 0; n < 20000; n++) {
            line(&n, 1, "SADDEX junk EX 1000000 MEMBERS 1");
            if (n % 20 == 0)
                play(1, 5);
        }
        type_delete(db, "junk");
        type_free_all();
        bool some = arena_evacuate_begin(keyspace_arena(ks), 10) > 0;
        for (unsigned i = 0; i < 3; i++)
            (void)relocate_all(i, 1 + random_below(&draw, 50), &moved);
        arena_evacuate_end(keyspace_arena(ks));
        must((moved > 0) == some || round > 0);
        for (unsigned i = 0; i < 3; i++)
            check(i);
        play(200, 5);
    }
}
END_TEST

UNIT_SUITE(types_set_expire)
{
    tcase_add_checked_fixture(tc, set_up, type_tear_down);
    tcase_add_test(tc, test_model);
    tcase_add_test(tc, test_hidden);
    tcase_add_test(tc, test_the_last_ones);
    tcase_add_test(tc, test_events);
    tcase_add_test(tc, test_rdb);
    tcase_add_test(tc, test_files);
    tcase_add_test(tc, test_relocation);
}
