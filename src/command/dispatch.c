/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dispatcher's life, its sessions, gates and hooks. Sessions are in a list,
 * oldest first; a session lives as long as its connection.
 */
#include "command/dispatch.h"

#include <assert.h>

#include "base/heap.h"
#include "command/dispatch_private.h"
#include "config/config.h"
#include "net/net.h"

const struct config_option dispatch_config_rows[] = {
    {.name = "proto-max-bulk-len",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct dispatch_options, proto_max_bulk_len),
     .fallback = "512mb",
     .min = 1024 * 1024,
     .max = INT64_MAX,
     .unit = "bytes",
     .sentence = "The longest single argument that a client may send."},
};
const size_t dispatch_config_count = sizeof dispatch_config_rows / sizeof dispatch_config_rows[0];

static void *service_open(void *owner, struct net_conn *conn);
static void service_close(void *owner, void *session);

struct dispatch *dispatch_new(struct keyspace *ks, const struct dispatch_options *options)
{
    struct dispatch *d = heap_alloc_zero(sizeof *d);
    d->keyspace = ks;
    d->options = options;
    d->registry = registry_new();
    d->next_id = 1;
    d->service = (struct net_service){.owner = d,
                                      .open = service_open,
                                      .parse = dispatch_parse,
                                      .execute = dispatch_execute,
                                      .close = service_close};
    return d;
}

void dispatch_free(struct dispatch *d)
{
    if (d == NULL)
        return;
    assert(d->first == NULL);
    block_free(d->block);
    registry_free(d->registry);
    resp_reader_done(&d->reader);
    heap_free(d->calls);
    heap_free(d->args);
    heap_free(d->copies);
    heap_free(d);
}

struct registry *dispatch_registry(struct dispatch *d)
{
    return d->registry;
}

struct keyspace *dispatch_keyspace(struct dispatch *d)
{
    return d->keyspace;
}

int64_t dispatch_max_bulk(const struct dispatch *d)
{
    return d->options->proto_max_bulk_len;
}

const struct net_service *dispatch_service(struct dispatch *d)
{
    return &d->service;
}

/* --- sessions --- */

static void session_free(struct session *s)
{
    dispatch_forget_request(s);
    heap_free(s->name);
    heap_free(s->lib_name);
    heap_free(s->lib_ver);
    heap_free(s);
}

static void *service_open(void *owner, struct net_conn *conn)
{
    struct dispatch *d = owner;
    struct session *s = heap_alloc_zero(sizeof *s);
    s->conn = conn;
    s->id = d->next_id++;
    s->resp = 2;
    s->user = "default";
    struct buf out = {0};
    struct resp_writer reply = {.out = &out, .version = 2};
    for (unsigned i = 0; i < d->open_hook_count; i++) {
        if (d->open_hooks[i].fn(d->open_hooks[i].owner, s, &reply))
            continue;
        net_conn_send(conn, out.data, out.len);
        buf_done(&out);
        session_free(s);
        return NULL;
    }
    buf_done(&out);
    s->prev = d->last;
    *(d->last != NULL ? &d->last->next : &d->first) = s;
    d->last = s;
    d->session_count++;
    return s;
}

static void service_close(void *owner, void *session)
{
    struct dispatch *d = owner;
    struct session *s = session;
    for (unsigned i = 0; i < d->reset_hook_count; i++)
        d->reset_hooks[i].fn(d->reset_hooks[i].owner, s);
    *(s->prev != NULL ? &s->prev->next : &d->first) = s->next;
    *(s->next != NULL ? &s->next->prev : &d->last) = s->prev;
    d->session_count--;
    session_free(s);
}

void dispatch_set_user_check(struct dispatch *d, dispatch_user_check *check, void *owner)
{
    d->user_check = check;
    d->user_check_owner = owner;
}

bool dispatch_user_exists(const struct dispatch *d, struct slice name)
{
    return slice_equal(name, slice_str("default")) ||
           (d->user_check != NULL && d->user_check(d->user_check_owner, name));
}

struct session *dispatch_first_session(const struct dispatch *d)
{
    return d->first;
}

size_t dispatch_session_count(const struct dispatch *d)
{
    return d->session_count;
}

void dispatch_reset_session(struct dispatch *d, struct session *s)
{
    /* SKIP is about RESET's own reply by now. */
    s->flags &= SESSION_AUTHENTICATED | SESSION_HELD | SESSION_FINISHED | SESSION_REPLY_SKIP;
    s->db = 0;
    s->resp = 2;
    s->user = "default";
    heap_free(s->name);
    s->name = NULL;
    for (unsigned i = 0; i < d->reset_hook_count; i++)
        d->reset_hooks[i].fn(d->reset_hooks[i].owner, s);
}

void dispatch_finish_session(struct dispatch *d, struct session *s)
{
    (void)d;
    s->flags |= SESSION_FINISHED;
    net_conn_finish(s->conn);
}

/* --- gates and hooks --- */

unsigned dispatch_add_gate(struct dispatch *d, enum dispatch_rank rank, dispatch_gate *gate, void *owner)
{
    assert(d->gate_count < DISPATCH_GATES);
    unsigned handle = d->gate_count, i = d->gate_count++;
    for (; i > 0 && d->gates[i - 1].rank > rank; i--)
        d->gates[i] = d->gates[i - 1];
    d->gates[i] = (struct gate){.fn = gate, .owner = owner, .rank = rank, .handle = handle};
    return handle;
}

void dispatch_gate_enable(struct dispatch *d, unsigned handle, bool on)
{
    d->gates_on = 0;
    for (unsigned i = 0; i < d->gate_count; i++) {
        if (d->gates[i].handle == handle)
            d->gates[i].on = on;
        d->gates_on += d->gates[i].on;
    }
}

void dispatch_release(struct dispatch *d)
{
    for (struct session *s = d->first; s != NULL; s = s->next) {
        if ((s->flags & SESSION_HELD) == 0)
            continue;
        s->flags &= ~(uint32_t)SESSION_HELD;
        net_conn_resume(s->conn);
    }
}

void dispatch_add_open_hook(struct dispatch *d, dispatch_open_hook *hook, void *owner)
{
    assert(d->open_hook_count < DISPATCH_HOOKS);
    d->open_hooks[d->open_hook_count].fn = hook;
    d->open_hooks[d->open_hook_count++].owner = owner;
}

void dispatch_add_reset_hook(struct dispatch *d, dispatch_reset_hook *hook, void *owner)
{
    assert(d->reset_hook_count < DISPATCH_HOOKS);
    d->reset_hooks[d->reset_hook_count].fn = hook;
    d->reset_hooks[d->reset_hook_count++].owner = owner;
}
