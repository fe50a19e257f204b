/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections: made, asked, told, ended. Reading, parsing and the order of the turn
 * are in turn.c, sending in flush.c.
 *
 * A connection that is to end goes on the list of the doomed and is freed when the
 * turn is over, so that a pointer to it stays good within the turn. One whose last
 * reply is sent closes its own side first and lingers until the peer has closed too:
 * closing at once would make the kernel reset a connection that has unread input,
 * and the reset can overtake the reply.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "net/net_private.h"

/* --- the loop's side --- */

static void drain(struct net_conn *c)
{
    char scrap[4096];
    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(c->io.fd, scrap, sizeof(scrap), MSG_DONTWAIT);
        if (n > 0)
            continue;
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            net_conn_doom(c);
        return;
    }
}

static void conn_ready(struct loop_io *io, unsigned events)
{
    struct net_conn *c = (struct net_conn *)io;
    if (c->flags & (NET_KILLED | NET_DOOMED))
        return;
    if (c->flags & NET_LINGER) {
        if (events & LOOP_READ)
            drain(c);
        else
            net_conn_doom(c);
        return;
    }
    if (events & LOOP_READ) {
        c->flags |= NET_READABLE;
        if (c->ready_at == 0) {
            net_list_add(&c->net->ready, c);
            c->ready_at = c->net->ready.count;
        }
    } else if (events & LOOP_HANGUP) {
        net_conn_kill(c);
        return;
    }
    if (events & LOOP_WRITE) {
        c->flags &= (uint16_t)~NET_BLOCKED;
        net_conn_touch(c);
    }
}

void net_conn_watch(struct net_conn *c)
{
    unsigned events = c->flags & NET_BLOCKED ? LOOP_WRITE : 0;
    if ((c->flags & (NET_EOF | NET_FINISH | NET_KILLED)) == 0 || (c->flags & NET_LINGER) != 0)
        events |= LOOP_READ;
    loop_io_set(c->net->loop, &c->io, events);
}

/* --- from open to free --- */

static void take_peer(struct net_conn *c, const struct sockaddr *peer)
{
    c->family = (uint8_t)peer->sa_family;
    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        memcpy(c->address, &in->sin_addr, 4);
        c->port = ntohs(in->sin_port);
    } else if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)peer;
        memcpy(c->address, &in6->sin6_addr, 16);
        c->port = ntohs(in6->sin6_port);
    }
}

void net_conn_open(struct net *net, int fd, const struct sockaddr *peer)
{
    struct net_conn *c = heap_alloc_zero(sizeof(*c));
    c->net = net;
    c->io.fn = conn_ready;
    c->opened_us = c->active_us = clock_mono_us();
    take_peer(c, peer);
    int rc = loop_io_add(net->loop, &c->io, fd, LOOP_READ);
    if (rc < 0) {
        const char *reason = strerror(-rc);
        log_event(LOG_EVENT_ACCEPT_FAILED, LOG_FIELDS({"MINIREDIS_REASON", reason}),
                  "A new connection cannot be watched: %s", reason);
        close(fd);
        heap_free(c);
        return;
    }
    c->index = net->conns.count;
    net_list_add(&net->conns, c);
    net->stats.accepted++;
    if (net->options->timeout > 0)
        net_sweep_arm(net);
    if (log_get_level() <= LOG_LEVEL_VERBOSE) {
        char text[128];
        net_conn_peer(c, text, sizeof(text));
        log_write(LOG_LEVEL_VERBOSE, LOG_FIELDS({"MINIREDIS_CLIENT", text}), "Accepted %s", text);
    }
    c->session = net->service->open(net->service->owner, c);
    if (c->session == NULL)
        net_conn_finish(c);
}

static void list_forget(struct net_list *list, const struct net_conn *c)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == c)
            list->items[i] = NULL;
}

void net_conn_free(struct net_conn *c)
{
    struct net *net = c->net;
    int fd = c->io.fd;
    loop_io_remove(net->loop, &c->io);
    close(fd);
    if (c->flags & NET_LINGER)
        net->lingering--;
    net_timed_remove(c);
    if (c->ready_at != 0)
        net->ready.items[c->ready_at - 1] = NULL;
    if (c->flags & NET_TOUCHED)
        list_forget(&net->touched, c);
    struct net_conn *last = net->conns.items[--net->conns.count];
    net->conns.items[c->index] = last;
    last->index = c->index;
    buf_done(&c->in);
    buf_done(&c->out);
    heap_free(c);
    if (net->accept_paused)
        net_listeners_resume(net);
}

void net_conn_doom(struct net_conn *c)
{
    if (c->flags & NET_DOOMED)
        return;
    c->flags |= NET_DOOMED;
    net_list_add(&c->net->doomed, c);
    net_kick(c->net);
}

void net_conn_touch(struct net_conn *c)
{
    if (c->flags & (NET_TOUCHED | NET_DOOMED))
        return;
    c->flags |= NET_TOUCHED;
    net_list_add(&c->net->touched, c);
    net_kick(c->net);
}

/* --- replies and messages --- */

/* Moves what is in the turn's output to the connection's own. */
static void own_region(struct net_conn *c)
{
    buf_append(&c->out, c->net->output.data + c->region_at, c->region_len);
    c->region_len = 0;
}

struct buf *net_reply_begin(struct net_conn *c)
{
    struct net *net = c->net;
    assert(net->open == NULL);
    net->open = c;
    net_conn_touch(c);
    if (net_conn_pending(c) > 0)
        return &c->out;
    if (c->region_len == 0)
        c->region_at = net->output.len;
    if (c->region_at + c->region_len == net->output.len)
        return &net->output;
    own_region(c);
    return &c->out;
}

void net_reply_end(struct net_conn *c)
{
    struct net *net = c->net;
    assert(net->open == c);
    net->open = NULL;
    if (net_conn_pending(c) > 0)
        net_conn_check_output(c);
    else
        c->region_len = net->output.len - c->region_at;
}

void net_conn_send(struct net_conn *c, const void *bytes, size_t len)
{
    struct net *net = c->net;
    if (net->open == c) {
        buf_append(net_conn_pending(c) > 0 ? &c->out : &net->output, bytes, len);
        return;
    }
    if ((c->flags & NET_CLOSING) != 0 || len == 0)
        return;
    if (net->open == NULL) {
        buf_append(net_reply_begin(c), bytes, len);
        net_reply_end(c);
        return;
    }
    /* Another one's reply is being written and must stay in one piece. */
    if (c->region_len > 0)
        own_region(c);
    buf_append(&c->out, bytes, len);
    net_conn_touch(c);
    net_conn_check_output(c);
}

void net_conn_check_output(struct net_conn *c)
{
    struct net *net = c->net;
    const struct net_buffer_limit *limit = &net->limits[c->class];
    if ((limit->hard == 0 && limit->soft == 0) || (c->flags & NET_KILLED) != 0)
        return;
    int64_t pending = (int64_t)net_conn_pending(c);
    bool over = limit->hard > 0 && pending > limit->hard;
    if (limit->soft > 0 && pending > limit->soft) {
        uint32_t now = (uint32_t)(clock_mono_us() / 1000000) + 1;
        if (c->soft_since == 0) {
            c->soft_since = now;
            net_timed_add(c);
        }
        over |= now - c->soft_since > limit->soft_seconds;
    } else {
        c->soft_since = 0;
    }
    if (!over)
        return;
    char peer[128], bytes[24];
    net_conn_peer(c, peer, sizeof(peer));
    snprintf(bytes, sizeof(bytes), "%" PRId64, pending);
    log_event(LOG_EVENT_CLIENT_OUTPUT_LIMIT,
              LOG_FIELDS({"MINIREDIS_CLIENT", peer}, {"MINIREDIS_BYTES", bytes}),
              "Closing the connection of %s: its %s bytes of unsent output exceed client-output-buffer-limit",
              peer, bytes);
    net->stats.output_limit++;
    net_conn_kill(c);
}

/* --- what the service says --- */

void net_conn_put_back(struct net_conn *c, const char *from)
{
    assert(c->batch_at != 0);
    struct net_input *e = &c->net->batch[c->batch_at - 1];
    assert(from >= e->data && from <= e->data + e->pos);
    e->pos = (size_t)(from - e->data);
}

void net_conn_untake(struct net_conn *c, const char *from)
{
    net_conn_put_back(c, from);
    c->flags |= NET_HELD;
}

void net_conn_yield(struct net_conn *c, const char *from)
{
    net_conn_untake(c, from);
    c->flags |= NET_YIELDED;
}

void net_conn_resume(struct net_conn *c)
{
    c->flags &= (uint16_t)~NET_HELD;
    if ((c->flags & NET_CLOSING) != 0 || c->ready_at != 0)
        return;
    net_list_add(&c->net->ready, c);
    c->ready_at = c->net->ready.count;
    net_kick(c->net);
}

void net_conn_finish(struct net_conn *c)
{
    if (c->flags & NET_CLOSING)
        return;
    net_conn_touch(c);
    c->flags |= NET_FINISH;
    c->active_us = clock_mono_us();
    net_conn_watch(c);
}

void net_conn_kill(struct net_conn *c)
{
    c->flags |= NET_KILLED;
    net_conn_doom(c);
}

bool net_conn_closing(const struct net_conn *c)
{
    return (c->flags & NET_CLOSING) != 0;
}

void net_conn_set_class(struct net_conn *c, enum net_class class)
{
    c->class = (uint8_t) class;
    net_conn_check_output(c);
}

void net_conn_set_patient(struct net_conn *c, bool patient)
{
    if (patient) {
        c->flags |= NET_PATIENT;
    } else {
        c->flags &= (uint16_t)~NET_PATIENT;
        c->active_us = clock_mono_us();
    }
}

/* --- what the service asks --- */

void *net_conn_session(const struct net_conn *c)
{
    return c->session;
}

int net_conn_fd(const struct net_conn *c)
{
    return c->io.fd;
}

void net_conn_get_stats(const struct net_conn *c, struct net_conn_stats *out)
{
    size_t waiting = c->in.len - c->in_start;
    if (c->batch_at != 0) {
        const struct net_input *e = &c->net->batch[c->batch_at - 1];
        waiting = e->len - e->pos;
    }
    *out = (struct net_conn_stats){
        .opened_us = c->opened_us,
        .active_us = c->active_us,
        .in_pending = waiting,
        .in_capacity = c->in.cap,
        .out_pending = net_conn_pending(c) + c->region_len,
        .out_capacity = c->out.cap,
        .memory = sizeof(*c) + c->in.cap + c->out.cap,
        .bytes_in = c->bytes_in,
        .bytes_out = c->bytes_out,
        .events = c->io.events,
    };
}
