/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See string_fixture.h.
 */
#include "types/string_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "types/string/string.h"
#include "unit.h"

struct string_fixture string_fixture;

static void note_event(void *owner, struct db *db, enum keyspace_event_class class_, const char *name,
                       struct slice key)
{
    struct string_fixture *f = owner;
    (void)db;
    (void)class_;
    (void)key;
    buf_append_str(&f->events, name);
    buf_append_byte(&f->events, ' ');
}

void string_set_up(void)
{
    struct string_fixture *f = &string_fixture;
    clock_update();
    clock_freeze_ms(STRING_NOW);
    *f = (struct string_fixture){.options = {.proto_max_bulk_len = STRING_MAX_BULK}, .session = {.resp = 2}};
    f->ks = keyspace_new(1);
    f->db = keyspace_db(f->ks, 0);
    f->dispatch = dispatch_new(f->ks, &f->options);
    string_register(dispatch_registry(f->dispatch));
    f->observer = (struct keyspace_observer){
        .classes = EVENT_STRING | EVENT_GENERIC | EVENT_EXPIRED, .owner = f, .event = note_event};
    keyspace_add_observer(f->ks, &f->observer);
}

void string_tear_down(void)
{
    struct string_fixture *f = &string_fixture;
    keyspace_remove_observer(f->ks, &f->observer);
    dispatch_free(f->dispatch);
    keyspace_free(f->ks);
    buf_done(&f->out);
    buf_done(&f->events);
    clock_freeze_ms(0);
}

void string_run_slices(const struct slice *argv, uint32_t argc)
{
    struct string_fixture *f = &string_fixture;
    const struct registry_entry *e = registry_find(dispatch_registry(f->dispatch), argv[0]);
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
}

const char *string_run(const char *line)
{
    char text[512];
    struct slice argv[32];
    uint32_t argc = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = slice_str(word);
    string_run_slices(argv, argc);
    return buf_cstr(&string_fixture.out);
}

int64_t string_expiry(void)
{
    struct slice k = slice_str("k");
    const struct entry *e = db_find(string_fixture.db, k, keyspace_hash(string_fixture.ks, k), 0);
    return e == NULL ? -2 : entry_expiry(e);
}
