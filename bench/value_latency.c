/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long single commands take on one element of a value that grows to COUNT elements and shrinks
 * again, and how long the slices of its deletion do: every call of a handler is timed, without
 * the network. What is done in one go where it should not be stands out by orders of magnitude.
 *
 *   usage: value_latency [COUNT [LIMIT_US]]
 *
 * Ends with 1 if a call took more than LIMIT_US of processor time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/random.h"
#include "command/dispatch.h"
#include "histogram.h"
#include "types/hash/hash.h"
#include "types/list/list.h"
#include "types/set/set.h"
#include "types/zset/zset.h"

#define SLICE_US  500 /* of what the keyspace does between requests */
#define WORDS_MAX 8

struct work {
    struct keyspace *ks;
    struct object_types types;
    struct hash_options hash;
    struct list_options list;
    struct set_options set;
    struct zset_options zset;
    struct dispatch_options options;
    struct dispatch *dispatch;
    struct session session;
    struct buf reply;
    uint64_t count;
    uint64_t longest_ns;
};

/* In a command, %i is the number of the call, %r one drawn below COUNT, %h its half. */
struct step {
    const char *command;
    unsigned part; /* calls: COUNT divided by this */
};

static const struct step steps[] = {
    {"nothing", 1}, /* what the machine adds */
    {"HSET h field:%i value:%i", 1},
    {"HGET h field:%r", 10},
    {"HSET h field:%r another", 10},
    {"HRANDFIELD h", 10},
    {"HDEL h field:%i", 1},
    {"SADD s member:%i", 1},
    {"SISMEMBER s member:%r", 10},
    {"SRANDMEMBER s", 10},
    {"SREM s member:%i", 2},
    {"SPOP s", 2},
    {"SADD n %i", 1},
    {"ZADD z %r member:%i", 1},
    {"ZADD z %r member:%r", 10},
    {"ZRANK z member:%r", 10},
    {"ZRANGE z %r %r LIMIT 0 1 BYSCORE", 10},
    {"ZPOPMIN z", 2},
    {"ZREM z member:%i", 1},
    {"RPUSH l item:%i", 2},
    {"LPUSH l item:%i", 2},
    {"LINDEX l %r", 10},
    {"LSET l %r another", 10},
    {"LSET l %h a-longer-one", 10},
    {"LPOP l", 4},
    {"RPOP l", 4},
    /* For the deletion. */
    {"HSET h field:%i value:%i", 1},
    {"SADD s member:%i", 1},
    {"ZADD z %r member:%i", 1},
    {"RPUSH l item:%i", 1},
};

static void work_init(struct work *w, uint64_t count)
{
    *w = (struct work){.session = {.resp = 2}, .options = {.proto_max_bulk_len = 1 << 20}, .count = count};
    w->ks = keyspace_new(1);
    w->dispatch = dispatch_new(w->ks, &w->options);
    struct registry *registry = dispatch_registry(w->dispatch);
    hash_register(registry, &w->types, &w->hash);
    list_register(registry, &w->types, &w->list);
    set_register(registry, &w->types, &w->set);
    zset_register(registry, &w->types, &w->zset);
    memset(w->types.options, 0, sizeof w->types.options);
    keyspace_set_types(w->ks, &w->types);
}

/* Writes WORD with its numbers to AT. */
static struct slice expand(struct work *w, const char *word, size_t len, uint64_t i, char *at)
{
    char *p = at;
    for (size_t k = 0; k < len; k++) {
        if (word[k] != '%') {
            *p++ = word[k];
            continue;
        }
        char kind = word[++k];
        p += sprintf(p, "%" PRIu64,
                     kind == 'i'   ? i
                     : kind == 'h' ? w->count / 2
                                   : random_below(keyspace_random(w->ks), w->count));
    }
    return slice_of(at, (size_t)(p - at));
}

static uint32_t words_of(struct work *w, const char *command, uint64_t i, struct slice *argv,
                         char (*room)[64])
{
    uint32_t argc = 0;
    for (const char *word = command; *word != '\0' && argc < WORDS_MAX; argc++) {
        size_t len = strcspn(word, " ");
        argv[argc] = expand(w, word, len, i, room[argc]);
        word += len + strspn(word + len, " ");
    }
    return argc;
}

static void call(struct work *w, struct histogram_timing *t, const char *command, uint64_t i)
{
    char room[WORDS_MAX][64];
    struct slice argv[WORDS_MAX];
    struct resp_writer reply = {.out = &w->reply, .version = 2};
    struct command_ctx ctx = {.argv = argv, .reply = &reply, .session = &w->session, .dispatch = w->dispatch};
    ctx.argc = words_of(w, command, i, argv, room);
    const struct registry_entry *e = registry_find(dispatch_registry(w->dispatch), argv[0]);
    if (e == NULL) {
        histogram_begin(t);
        histogram_end(t);
        return;
    }
    ctx.db = keyspace_db(w->ks, 0);
    ctx.owner = e->owner;
    ctx.command = e->command;
    ctx.key_hash = keyspace_hash(w->ks, argv[1]);
    w->reply.len = 0;
    histogram_begin(t);
    e->command->handler(&ctx);
    histogram_end(t);
    if (w->reply.data[0] == '-') {
        fprintf(stderr, "%s: %.*s", command, (int)w->reply.len, w->reply.data);
        exit(2);
    }
}

static void finish(struct work *w, const char *what, const struct histogram_timing *t)
{
    histogram_print(what, t);
    if (t->cpu.longest_ns > w->longest_ns)
        w->longest_ns = t->cpu.longest_ns;
}

/* The keys go one by one; what is left of their values, in slices. */
static void delete_all(struct work *w, const char *const *keys)
{
    struct histogram_timing t = {0}, slices = {0};
    for (; *keys != NULL; keys++) {
        struct slice key = slice_str(*keys);
        histogram_begin(&t);
        (void)db_delete(keyspace_db(w->ks, 0), key, keyspace_hash(w->ks, key));
        histogram_end(&t);
    }
    finish(w, "DEL", &t);
    bool more;
    do {
        clock_update();
        histogram_begin(&slices);
        more = keyspace_background(w->ks, SLICE_US);
        histogram_end(&slices);
    } while (more);
    histogram_print("slices of that", &slices);
}

int main(int argc, char **argv)
{
    static struct work w;
    static const char *const keys[] = {"h", "s", "n", "z", "l", NULL};
    uint64_t limit_us = argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX / 1000;
    clock_update();
    work_init(&w, argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000);
    histogram_head();
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
        struct histogram_timing t = {0};
        for (uint64_t i = 0; i < w.count / steps[k].part; i++) {
            if (i % 256 == 0) {
                clock_update();
                (void)keyspace_background(w.ks, SLICE_US);
            }
            call(&w, &t, steps[k].command, i);
        }
        finish(&w, steps[k].command, &t);
    }
    delete_all(&w, keys);
    dispatch_free(w.dispatch);
    keyspace_free(w.ks);
    buf_done(&w.reply);
    return w.longest_ns > limit_us * 1000;
}
