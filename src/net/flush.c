/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of the turn: commit, send, end what is to end.
 *
 * Replies are sent from where they were written, the turn's output. Only what the
 * socket does not take is copied to the connection's own buffer, and where that is
 * most of the output, the connection gets the output's memory instead of a copy.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/heap.h"
#include "net/net_private.h"

#define SEND_MAX    (1024 * 1024) /* to one connection at a time, so that others have their turn */
#define HEIR_MIN    (256 * 1024)
#define OUTPUT_MAX  (16 * 1024 * 1024) /* of the turn's output, kept for the next turn */
#define LINGER_MOST 64

/* The bytes that the socket took, or -1: it is gone. */
static ssize_t send_some(struct net_conn *c, const char *data, size_t len)
{
    size_t part = len < SEND_MAX ? len : SEND_MAX;
    ssize_t n = send(c->io.fd, data, part, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            net_conn_kill(c);
            return -1;
        }
        n = 0;
    }
    if (n > 0) {
        struct net *net = c->net;
        c->active_us = clock_mono_us();
        c->bytes_out += (size_t)n;
        net->stats.bytes_out += (size_t)n;
        net->stats.writes++;
    }
    return n;
}

static void send_region(struct net *net, struct net_conn *c)
{
    const char *data = net->output.data + c->region_at;
    size_t len = c->region_len;
    c->region_len = 0;
    ssize_t n = send_some(c, data, len);
    if (n < 0)
        return;
    size_t rest = len - (size_t)n;
    if (rest == 0)
        return;
    net_stats_peak(net, 0, rest);
    if (rest > HEIR_MIN && rest > net->output.cap / 2) {
        net->heir = c;
        net->heir_at = c->region_at + (size_t)n;
        net->heir_len = rest;
    } else {
        buf_append(&c->out, data + n, rest);
    }
}

static void send_own(struct net_conn *c)
{
    ssize_t n = send_some(c, c->out.data + c->out_start, net_conn_pending(c));
    if (n < 0)
        return;
    c->out_start += (size_t)n;
    size_t rest = net_conn_pending(c);
    if (rest == 0) {
        buf_done(&c->out);
        c->out_start = 0;
    } else if (c->out_start >= rest && c->out_start >= SEND_MAX) {
        buf_consume(&c->out, c->out_start);
        buf_shrink(&c->out);
        c->out_start = 0;
    }
}

/* What follows from what is left to send. */
static void settle_output(struct net_conn *c)
{
    if (c->flags & NET_KILLED)
        return;
    if (net_conn_pending(c) > 0) {
        c->flags |= NET_BLOCKED;
        net_conn_check_output(c);
        if (c->flags & NET_FINISH)
            net_timed_add(c);
    } else {
        c->flags &= (uint16_t)~NET_BLOCKED;
        c->soft_since = 0;
        if (c->flags & NET_FINISH)
            net_conn_doom(c);
    }
    net_conn_watch(c);
}

static void push(struct net *net, struct net_conn *c)
{
    if (c->flags & (NET_KILLED | NET_DOOMED)) {
        c->region_len = 0;
        return;
    }
    if (c->region_len > 0)
        send_region(net, c);
    else if (net_conn_pending(c) > 0 && (c->flags & NET_BLOCKED) == 0)
        send_own(c);
    /* The common case, all sent and nothing else to say, has nothing to settle. */
    if (c != net->heir && (net_conn_pending(c) > 0 || (c->flags & (NET_BLOCKED | NET_FINISH)) != 0 ||
                           c->io.events != LOOP_READ))
        settle_output(c);
}

static void hand_over_output(struct net *net)
{
    struct net_conn *c = net->heir;
    net->heir = NULL;
    c->out = net->output;
    c->out.len = net->heir_at + net->heir_len;
    c->out_start = net->heir_at;
    buf_init(&net->output);
    settle_output(c);
}

void net_turn_flush(struct net *net)
{
    const struct net_service *service = net->service;
    if (net->touched.count == 0 && !net->executed)
        return;
    if (service->commit != NULL)
        service->commit(service->owner);
    net->executed = false;
    /* Nothing is added meanwhile: only the service writes, and it is not called. */
    for (uint32_t i = 0; i < net->touched.count; i++) {
        struct net_conn *c = net->touched.items[i];
        if (c == NULL)
            continue;
        c->flags &= (uint16_t)~NET_TOUCHED;
        push(net, c);
    }
    net->touched.count = 0;
    if (net->output.len > net->output_peak)
        net->output_peak = net->output.len;
    if (net->heir != NULL)
        hand_over_output(net);
    net->output.len = 0;
    if (net->output.cap > OUTPUT_MAX)
        buf_done(&net->output);
}

/* The session is closed and all is sent: waits for the peer's end, within limits. */
static void linger(struct net *net, struct net_conn *c)
{
    if ((c->flags & NET_EOF) != 0 || net->lingering >= LINGER_MOST || shutdown(c->io.fd, SHUT_WR) < 0) {
        net_conn_free(c);
        return;
    }
    c->flags = (uint16_t)((c->flags & ~(NET_DOOMED | NET_FINISH | NET_BLOCKED)) | NET_LINGER);
    c->active_us = clock_mono_us();
    buf_done(&c->in);
    c->in_start = 0;
    net->lingering++;
    net_conn_watch(c);
    net_timed_add(c);
}

void net_turn_reap(struct net *net)
{
    for (uint32_t i = 0; i < net->doomed.count; i++) {
        struct net_conn *c = net->doomed.items[i];
        if (c->session != NULL) {
            void *session = c->session;
            c->session = NULL;
            net->service->close(net->service->owner, session);
        }
        if ((c->flags & (NET_KILLED | NET_LINGER)) != 0)
            net_conn_free(c);
        else
            linger(net, c);
    }
    net->doomed.count = 0;
}

void net_flush(struct net *net)
{
    bool in_turn = net->in_turn;
    net->in_turn = true;
    net_turn_flush(net);
    for (uint32_t i = 0; i < net->conns.count; i++) {
        struct net_conn *c = net->conns.items[i];
        if (net_conn_pending(c) > 0 && (c->flags & (NET_KILLED | NET_DOOMED)) == 0)
            send_own(c);
    }
    net->in_turn = in_turn;
}
