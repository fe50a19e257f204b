/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See type_fixture.h.
 */
#include "types/type_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "codec/resp_writer.h"
#include "unit.h"

enum { WORDS = 64 };

struct type_fixture type_fixture;

void type_set_up(unsigned databases)
{
    struct type_fixture *f = &type_fixture;
    clock_update();
    *f = (struct type_fixture){.options = {.proto_max_bulk_len = TYPE_MAX_BULK}, .session = {.resp = 2}};
    f->ks = keyspace_new(databases);
    f->a = keyspace_arena(f->ks);
    f->db = keyspace_db(f->ks, 0);
    f->dispatch = dispatch_new(f->ks, &f->options);
    f->registry = dispatch_registry(f->dispatch);
    keyspace_set_types(f->ks, &f->types);
}

static void note_event(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                       struct slice key)
{
    struct type_fixture *f = owner;
    (void)db, (void)key;
    buf_append_str(&f->events, class_ == EVENT_SILENT ? "silent" : name);
    buf_append_byte(&f->events, ' ');
}

void type_observe(unsigned classes)
{
    struct type_fixture *f = &type_fixture;
    f->observer = (struct keyspace_observer){.classes = classes, .owner = f, .event = note_event};
    keyspace_add_observer(f->ks, &f->observer);
}

void type_tear_down(void)
{
    struct type_fixture *f = &type_fixture;
    if (f->observer.event != NULL)
        keyspace_remove_observer(f->ks, &f->observer);
    dispatch_free(f->dispatch);
    keyspace_free(f->ks);
    buf_done(&f->out);
    buf_done(&f->events);
    clock_freeze_ms(0);
}

/* --- requests --- */

const char *type_run_slices(const struct slice *argv, uint32_t argc)
{
    struct type_fixture *f = &type_fixture;
    const struct registry_entry *e = registry_find(f->registry, argv[0]);
    struct resp_writer w = {.out = &f->out, .version = f->session.resp};
    ck_assert_ptr_nonnull(e);
    struct command_ctx ctx = {.argv = argv,
                              .argc = argc,
                              .reply = &w,
                              .session = &f->session,
                              .db = f->db,
                              .owner = e->owner,
                              .command = e->command,
                              .dispatch = f->dispatch};
    if (e->first_key != 0)
        ctx.key_hash = keyspace_hash(f->ks, argv[e->first_key]);
    f->out.len = 0;
    f->events.len = 0;
    e->command->handler(&ctx);
    return buf_cstr(&f->out);
}

const char *type_run_with(const char *line, const struct slice *more, uint32_t count)
{
    char text[512];
    struct slice *argv = heap_alloc((WORDS + count) * sizeof *argv);
    uint32_t argc = 0;
    must(strlen(line) < sizeof text);
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        must(argc < WORDS);
        argv[argc++] = slice_str(word);
    }
    for (uint32_t i = 0; i < count; i++)
        argv[argc++] = more[i];
    type_run_slices(argv, argc);
    heap_free(argv);
    return buf_cstr(&type_fixture.out);
}

const char *type_run(const char *line)
{
    return type_run_with(line, NULL, 0);
}

const char *type_runf(const char *form, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, form);
    must(vsnprintf(line, sizeof line, form, ap) < (int)sizeof line);
    va_end(ap);
    return type_run(line);
}

long type_number(const char *reply)
{
    must(reply[0] == ':');
    return strtol(reply + 1, NULL, 10);
}

/* --- keys --- */

struct entry *type_find(struct db *db, const char *key)
{
    struct slice k = slice_str(key);
    return db_find(db, k, keyspace_hash(type_fixture.ks, k), DB_NO_TOUCH);
}

void type_put(struct db *db, const char *key, unsigned number, const struct entry_value *value)
{
    struct slice k = slice_str(key);
    must(db_put(db, k, keyspace_hash(type_fixture.ks, k), number, value, DB_EXPIRY_NONE) == 0);
}

bool type_delete(struct db *db, const char *key)
{
    struct slice k = slice_str(key);
    return db_delete(db, k, keyspace_hash(type_fixture.ks, k));
}

void type_free_all(void)
{
    while (keyspace_background(type_fixture.ks, 100000))
        continue;
}

/* --- files --- */

unsigned type_save(const struct object_type *type, const struct entry *e, struct buf *out, bool compress)
{
    struct rdb_writer w = {.out = out, .compress = compress};
    type->save(&w, type_fixture.ks, e);
    must(w.code == 0);
    return type->rdb_type(type_fixture.ks, e);
}

/* A call with the LEN bytes at AT, and none behind them. */
static int load_window(struct type_load *l, const char *at, size_t len, uint64_t rest, void **partial)
{
    struct object_meta meta = {
        .key = slice_str(l->key), .expiry_ms = DB_EXPIRY_NONE, .idle_s = -1, .freq = -1};
    char *window = malloc(len > 0 ? len : 1);
    must(window != NULL);
    if (len > 0)
        memcpy(window, at, len);
    struct rdb_reader in = {.data = window, .len = len, .left = rest};
    int code = l->type->load(&in, l->rdb_type, l->db, &meta, partial);
    must(in.pos <= len);
    if (code == MR_E_AGAIN) {
        must(*partial != NULL || in.pos == 0);
        must(in.want <= len - in.pos + rest);
        must(in.want > len - in.pos || (in.want == 0 && *partial != NULL));
    } else {
        must(*partial == NULL);
    }
    l->read += in.pos;
    l->wanted = in.want;
    l->most = len > l->most ? len : l->most;
    rdb_reader_done(&in);
    free(window);
    return code;
}

static int loaded(struct type_load *l, int code, void *partial)
{
    if (partial != NULL)
        l->type->load_drop(type_fixture.ks, partial);
    must(keyspace_load_flush(type_fixture.ks) == 0);
    must(l->db == NULL || (type_find(l->db, l->key) != NULL) == (code == 0));
    return code;
}

int type_load(struct type_load *l, struct slice bytes, uint64_t rest)
{
    void *partial = NULL;
    l->read = l->most = 0;
    int code;
    do
        code = load_window(l, bytes.ptr + l->read, bytes.len - l->read, rest, &partial);
    while (code == MR_E_AGAIN && l->wanted == 0);
    must(partial == NULL || l->read != 0);
    return loaded(l, code, partial);
}

int type_load_through(struct type_load *l, struct slice bytes)
{
    void *partial = NULL;
    int code;
    l->read = l->most = l->wanted = 0;
    do {
        size_t left = bytes.len - l->read, len = l->wanted > l->step ? l->wanted : l->step;
        len = len < left ? len : left;
        code = load_window(l, bytes.ptr + l->read, len, left - len, &partial);
    } while (code == MR_E_AGAIN && (l->give_up == 0 || l->read < l->give_up));
    must(code != 0 || l->read == bytes.len);
    return loaded(l, code, partial);
}
