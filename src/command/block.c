/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See block.h. Here: who waits, until when, and how handlers are called again. What is ready is
 * served behind each command (dispatch_batch.c), or, where it became so by itself (a key that
 * expired), as soon as the loop comes round.
 *
 * The time that a command took is what its handler took, all calls of it together; it counts as
 * one call.
 */
#include "command/block.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "command/block_private.h"
#include "net/net.h"

/* --- waiting --- */

static struct block_waiter *waiter_new(const struct block_request *r)
{
    const struct slice *argv = r->argv;
    uint32_t argc = r->argc;
    size_t places = r->count * sizeof(struct block_place), slices = argc * sizeof(struct slice), bytes = 0;
    for (uint32_t i = 0; i < argc; i++)
        bytes += argv[i].len;
    struct block_waiter *w = heap_try_alloc(sizeof *w + places + slices + bytes);
    if (w == NULL)
        return NULL;
    *w = (struct block_waiter){
        .first = r->first, .count = r->count, .argc = argc, .type = r->type, .gone = r->gone};
    struct slice *copies = (struct slice *)(void *)((char *)w->places + places);
    char *at = (char *)copies + slices;
    for (uint32_t i = 0; i < argc; i++) {
        if (argv[i].len != 0)
            memcpy(at, argv[i].ptr, argv[i].len);
        copies[i] = slice_of(at, argv[i].len);
        at += argv[i].len;
    }
    w->argv = copies;
    return w;
}

static void stop_timer(struct block *b, struct block_waiter *w)
{
    if (w->timer.index != 0) {
        loop_timer_stop(b->loop, &w->timer);
        b->timed--;
    }
}

/* Whether W's next time is one to look, and not its end. */
static bool looks_first(const struct block_waiter *w)
{
    return w->look_us != 0 && (w->deadline_us == 0 || w->look_us < w->deadline_us);
}

static void set_timer(struct block *b, struct block_waiter *w)
{
    int64_t at_us = looks_first(w) ? w->look_us : w->deadline_us;
    stop_timer(b, w);
    if (at_us != 0) {
        loop_timer_set(b->loop, &w->timer, at_us);
        b->timed++;
    }
}

/* Takes W out of everything; its session is as if it had not waited. */
static void waiter_end(struct block *b, struct block_waiter *w)
{
    struct session *s = w->session;
    stop_timer(b, w);
    block_lines_leave(b, w);
    s->flags &= ~(uint32_t)SESSION_BLOCKED;
    s->waiting = NULL;
    net_conn_set_patient(s->conn, false);
    heap_free(w);
    if (--b->waiting == 0)
        keyspace_remove_observer(b->dispatch->keyspace, &b->observer);
}

static void on_time(struct loop_timer *timer);

int block_wait(struct block *b, struct session *s, const struct block_request *r)
{
    struct block_waiter *w = waiter_new(r);
    if (w == NULL)
        return MR_E_MEMORY;
    w->block = b;
    w->session = s;
    w->timer.fn = on_time;
    s->waiting = w;
    s->flags |= SESSION_BLOCKED;
    if (b->waiting++ == 0)
        keyspace_add_observer(b->dispatch->keyspace, &b->observer);
    if (block_lines_join(b, w, r->events) != 0) {
        waiter_end(b, w);
        return MR_E_MEMORY;
    }
    w->deadline_us = r->deadline_us;
    w->look_us = r->look_us;
    set_timer(b, w);
    net_conn_set_patient(s->conn, true);
    return 0;
}

void block_again(struct session *s, const struct block_request *r)
{
    struct block_waiter *w = s->waiting;
    w->again = true;
    if (w->look_us != 0 || r->look_us != 0) {
        w->look_us = r->look_us;
        set_timer(w->block, w);
    }
}

void block_started(struct session *s, struct registry_entry *e, uint64_t ticks)
{
    s->waiting->entry = e;
    s->waiting->ticks = ticks;
}

bool block_is_waiting(const struct session *s)
{
    return s->waiting != NULL;
}

/* --- calling again --- */

/* Sends the answer in B's buffer; W is no more. */
static void answer(struct block *b, struct block_waiter *w)
{
    struct session *s = w->session;
    struct registry_entry *e = w->entry;
    uint64_t ticks = w->ticks;
    waiter_end(b, w);
    registry_record(e, ticks);
    dispatch_settle_reply(b->dispatch, s, &b->reply, 0, &e->failed);
    net_conn_send(s->conn, b->reply.data, b->reply.len);
    net_conn_resume(s->conn);
}

/* The handler, because of RETRY. */
static void call_again(struct block *b, struct block_waiter *w, struct block_retry retry)
{
    struct dispatch *d = b->dispatch;
    struct session *s = w->session;
    struct registry_entry *e = w->entry;
    struct resp_writer reply = {.out = &b->reply, .version = s->resp};
    struct command_ctx ctx = {.argv = w->argv,
                              .argc = w->argc,
                              .reply = &reply,
                              .session = s,
                              .db = keyspace_db(d->keyspace, s->db),
                              .owner = e->owner,
                              .command = e->command,
                              .dispatch = d,
                              .retry = &retry};
    if (e->first_key != 0 && e->first_key < w->argc)
        ctx.key_hash = dispatch_hash(&ctx, e->first_key);
    b->reply.len = 0;
    w->again = false;
    uint64_t began = clock_ticks();
    e->command->handler(&ctx);
    uint64_t spent = clock_ticks() - began;
    e->ticks += spent;
    w->ticks += spent;
    assert(w->again == (b->reply.len == 0));
    if (!w->again)
        answer(b, w);
}

/* Whether W is one to call again because of a key with a value of TYPE (OBJECT_TYPES: none). */
static bool concerns(const struct block_waiter *w, unsigned type)
{
    return (w->type == type || w->gone) && !net_conn_closing(w->session->conn);
}

static void serve_line(struct block *b, const struct block_line *line)
{
    struct db *db = keyspace_db(b->dispatch->keyspace, line->db);
    struct block_place *last = line->last;
    for (struct block_place *p = line->first, *next; p != NULL; p = next) {
        const struct entry *e = db_find(db, block_key(line), line->hash, DB_NO_TOUCH);
        unsigned type = e == NULL ? OBJECT_TYPES : entry_type(e);
        if (line->gone == 0 && (e == NULL || line->by_type[type] == 0))
            return;
        next = p == last ? NULL : p->next;
        if (concerns(p->waiter, type))
            call_again(b, p->waiter,
                       (struct block_retry){.ready = p->waiter->first + (uint32_t)(p - p->waiter->places)});
    }
}

void block_serve(struct block *b)
{
    struct block_line *line;
    b->dispatch->ready = false;
    while ((line = block_lines_take(b)) != NULL) {
        serve_line(b, line);
        block_lines_done(b, line);
    }
    b->dispatch->ready = false;
    if (b->reply.cap > 64 * 1024)
        buf_done(&b->reply);
}

static void on_kick(struct loop_timer *timer)
{
    block_serve((struct block *)(void *)((char *)timer - offsetof(struct block, kick)));
}

/* --- ending it --- */

static void on_time(struct loop_timer *timer)
{
    struct block_waiter *w = (struct block_waiter *)(void *)timer;
    w->block->timed--;
    if (!net_conn_closing(w->session->conn))
        call_again(w->block, w, (struct block_retry){.look = looks_first(w)});
}

bool block_end(struct dispatch *d, struct session *s, bool with_error)
{
    struct block_waiter *w = s->waiting;
    struct block *b = d->block;
    if (w == NULL || net_conn_closing(s->conn))
        return false;
    if (!with_error) {
        call_again(b, w, (struct block_retry){.ready = 0});
        return true;
    }
    struct resp_writer reply = {.out = &b->reply, .version = s->resp};
    b->reply.len = 0;
    resp_error(&reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    answer(b, w);
    return true;
}

static void on_reset(void *owner, struct session *s)
{
    if (s->waiting != NULL)
        waiter_end(owner, s->waiting);
}

/* --- life --- */

void block_attach(struct dispatch *d, struct loop *loop)
{
    struct block *b = heap_alloc_zero(sizeof *b);
    b->dispatch = d;
    b->loop = loop;
    b->kick.fn = on_kick;
    block_lines_init(b);
    d->block = b;
    dispatch_add_reset_hook(d, on_reset, b);
}

void block_free(struct block *b)
{
    if (b == NULL)
        return;
    loop_timer_stop(b->loop, &b->kick);
    block_lines_free(b);
    buf_done(&b->reply);
    heap_free(b);
}

uint64_t block_waiting(const struct block *b)
{
    return b == NULL ? 0 : b->waiting;
}

uint64_t block_timed(const struct block *b)
{
    return b == NULL ? 0 : b->timed;
}

uint64_t block_keys(const struct block *b)
{
    return b == NULL ? 0 : b->line_count;
}

uint64_t block_keys_gone(const struct block *b)
{
    return b == NULL ? 0 : b->gone_lines;
}
