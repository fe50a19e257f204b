/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See rewrite.h.
 */
#include "keyspace/rewrite.h"

#include <assert.h>

#include "base/number.h"
#include "codec/resp_writer.h"

/* Longer arguments are not copied. */
#define COPIED_MAX (REWRITE_BUFFER / 4)

/* --- bytes --- */

static void hand_on(struct rewrite *w, struct slice bytes)
{
    if (w->code == 0 && bytes.len > 0)
        w->code = w->take(w->owner, bytes);
}

static void flush(struct rewrite *w)
{
    hand_on(w, buf_slice(&w->out));
    w->out.len = 0;
}

/* Where to write something of BYTES at most, which is less than the buffer has. */
static struct resp_writer room(struct rewrite *w, size_t bytes)
{
    if (w->out.cap - w->out.len < bytes)
        flush(w);
    return (struct resp_writer){.out = &w->out, .version = 2};
}

void rewrite_init(struct rewrite *w, int (*take)(void *owner, struct slice bytes), void *owner)
{
    *w = (struct rewrite){.take = take, .owner = owner};
    buf_grow(&w->out, REWRITE_BUFFER);
}

int rewrite_done(struct rewrite *w)
{
    assert(w->left == 0 || w->code != 0);
    flush(w);
    buf_done(&w->out);
    return w->code;
}

/* --- commands --- */

void rewrite_begin(struct rewrite *w, uint64_t args)
{
    assert(w->left == 0 || w->code != 0);
    struct resp_writer resp = room(w, RESP_HEAD_MAX);
    resp_array(&resp, args);
    w->left = args;
    w->commands++;
}

void rewrite_arg(struct rewrite *w, struct slice bytes)
{
    assert(w->left > 0 || w->code != 0);
    w->left--;
    if (__builtin_expect(bytes.len <= COPIED_MAX, 1)) {
        struct resp_writer resp = room(w, bytes.len + RESP_HEAD_MAX + 2);
        resp_bulk(&resp, bytes);
        return;
    }
    struct resp_writer resp = room(w, RESP_HEAD_MAX);
    resp_head(&resp, '$', (int64_t)bytes.len);
    flush(w);
    hand_on(w, bytes);
    resp_raw(&resp, "\r\n", 2);
}

void rewrite_word(struct rewrite *w, const char *word)
{
    rewrite_arg(w, slice_str(word));
}

void rewrite_int(struct rewrite *w, int64_t value)
{
    char text[NUMBER_TEXT_MAX];
    rewrite_arg(w, slice_of(text, number_from_int(text, value)));
}

void rewrite_uint(struct rewrite *w, uint64_t value)
{
    char text[NUMBER_TEXT_MAX];
    rewrite_arg(w, slice_of(text, number_from_uint(text, value)));
}

void rewrite_double(struct rewrite *w, double value)
{
    char text[NUMBER_TEXT_MAX];
    rewrite_arg(w, slice_of(text, number_from_double(text, value)));
}

void rewrite_command(struct rewrite *w, const char *name, struct slice key, uint64_t more)
{
    rewrite_begin(w, 2 + more);
    rewrite_word(w, name);
    rewrite_arg(w, key);
}

void rewrite_entry(struct rewrite *w, const struct object_types *types, const struct keyspace *ks,
                   const struct entry *e)
{
    uint64_t before = w->commands;
    object_types_of(types, e)->rewrite(w, ks, e);
    if (w->commands == before || entry_expiry(e) == DB_EXPIRY_NONE)
        return;
    rewrite_command(w, "PEXPIREAT", entry_key(e), 1);
    rewrite_int(w, entry_expiry(e));
}

/* --- elements --- */

void rewrite_group_next(struct rewrite_group *g)
{
    if (g->room == 0) {
        assert(g->count > 0);
        g->room = g->count < REWRITE_GROUP ? (unsigned)g->count : REWRITE_GROUP;
        rewrite_command(g->out, g->name, g->key, (uint64_t)g->room * g->args);
    }
    g->room--;
    g->count--;
}

void rewrite_times_end(struct rewrite_times *t)
{
    struct rewrite *out = t->out;
    if (t->count == 0)
        return;
    rewrite_command(out, t->name, t->key, 3 + (uint64_t)t->count);
    rewrite_int(out, t->time_ms);
    rewrite_word(out, t->word);
    rewrite_uint(out, t->count);
    for (unsigned i = 0; i < t->count; i++)
        rewrite_arg(out, t->elements[i]);
    t->count = 0;
}

void rewrite_times_add(struct rewrite_times *t, struct slice element, int64_t time_ms)
{
    if (t->count == REWRITE_GROUP || (t->count > 0 && t->time_ms != time_ms))
        rewrite_times_end(t);
    t->time_ms = time_ms;
    t->elements[t->count++] = element;
}
