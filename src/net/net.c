/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The net as a whole: making and ending it, changed options, and what has to be
 * looked at by time rather than by event: idle connections, ones that are slow to
 * close, ones above a soft limit. Where nothing of that kind is there no timer runs,
 * so an idle server sleeps.
 */
#include <stddef.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "net/net_private.h"

#define SWEEP_SHARES                 10 /* of a second, above SWEEP_WHOLE connections */
#define SWEEP_WHOLE                  512
#define LINGER_US                    2000000
#define FINISH_US                    10000000 /* without a byte taken */
#define MEMBER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

void net_list_add(struct net_list *list, struct net_conn *conn)
{
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 64 : list->cap * 2;
        list->items = heap_realloc(list->items, list->cap * sizeof(struct net_conn *));
    }
    list->items[list->count++] = conn;
}

static void kicked(struct loop_timer *timer)
{
    (void)timer; /* that the loop did not sleep is all */
}

void net_kick(struct net *net)
{
    if (!net->in_turn && net->kick_timer.index == 0)
        loop_timer_set(net->loop, &net->kick_timer, 0);
}

/* --- by time --- */

void net_timed_add(struct net_conn *conn)
{
    if (conn->timed_at != 0)
        return;
    net_list_add(&conn->net->timed, conn);
    conn->timed_at = conn->net->timed.count;
    net_sweep_arm(conn->net);
}

void net_timed_remove(struct net_conn *conn)
{
    if (conn->timed_at == 0)
        return;
    struct net_list *list = &conn->net->timed;
    struct net_conn *last = list->items[--list->count];
    list->items[conn->timed_at - 1] = last;
    last->timed_at = conn->timed_at;
    conn->timed_at = 0;
}

void net_sweep_arm(struct net *net)
{
    if (net->sweep_timer.index != 0)
        return;
    if (net->timed.count == 0 && (net->options->timeout == 0 || net->conns.count == 0))
        return;
    int64_t delay_us = net->conns.count > SWEEP_WHOLE ? 1000000 / SWEEP_SHARES : 1000000;
    loop_timer_after(net->loop, &net->sweep_timer, delay_us);
}

static void sweep_timed(struct net *net, int64_t now_us)
{
    for (uint32_t i = net->timed.count; i-- > 0;) {
        if (i >= net->timed.count)
            continue;
        struct net_conn *c = net->timed.items[i];
        if (c->flags & NET_DOOMED)
            continue;
        if (c->flags & NET_LINGER) {
            if (now_us - c->active_us > LINGER_US)
                net_conn_doom(c);
        } else if (c->flags & NET_FINISH) {
            if (now_us - c->active_us > FINISH_US)
                net_conn_kill(c);
        } else if (c->soft_since != 0) {
            net_conn_check_output(c);
        } else {
            net_timed_remove(c);
        }
    }
}

static void sweep_idle(struct net *net, int64_t now_us)
{
    uint32_t count = net->conns.count;
    uint32_t share = count > SWEEP_WHOLE ? count / SWEEP_SHARES + 1 : count;
    int64_t limit_us = net->options->timeout * 1000000;
    for (; share > 0; share--) {
        if (net->sweep_at >= count)
            net->sweep_at = 0;
        struct net_conn *c = net->conns.items[net->sweep_at++];
        if ((c->flags & (NET_CLOSING | NET_PATIENT)) != 0 || c->class == NET_CLASS_REPLICA)
            continue;
        if (now_us - c->active_us > limit_us) {
            char peer[128];
            net_conn_peer(c, peer, sizeof(peer));
            log_write(LOG_LEVEL_VERBOSE, LOG_FIELDS({"MINIREDIS_CLIENT", peer}),
                      "Closing the idle connection of %s", peer);
            net_conn_kill(c);
        }
    }
}

static void sweep(struct loop_timer *timer)
{
    struct net *net = MEMBER_OF(timer, struct net, sweep_timer);
    int64_t now_us = clock_mono_us();
    sweep_timed(net, now_us);
    if (net->options->timeout > 0)
        sweep_idle(net, now_us);
    net_sweep_arm(net);
}

static void accept_again(struct loop_timer *timer)
{
    net_listeners_resume(MEMBER_OF(timer, struct net, accept_timer));
}

/* --- the whole --- */

struct net *net_new(struct loop *loop, const struct net_options *options, const struct net_service *service)
{
    struct net *net = heap_alloc_zero(sizeof(*net));
    net->loop = loop;
    net->options = options;
    net->service = service;
    net->kick_timer.fn = kicked;
    net->sweep_timer.fn = sweep;
    net->accept_timer.fn = accept_again;
    net->trim_timer.fn = net_turn_trim;
    net_limits_parse(&options->output_limits, net->limits);
    loop_add_hook(loop, net_turn, net);
    return net;
}

void net_free(struct net *net)
{
    if (net == NULL)
        return;
    net_stop_listening(net);
    net->in_turn = true;
    for (uint32_t i = 0; i < net->conns.count; i++)
        net_conn_kill(net->conns.items[i]);
    net_turn_reap(net);
    loop_remove_hook(net->loop, net_turn, net);
    loop_timer_stop(net->loop, &net->kick_timer);
    loop_timer_stop(net->loop, &net->sweep_timer);
    loop_timer_stop(net->loop, &net->accept_timer);
    loop_timer_stop(net->loop, &net->trim_timer);
    heap_free(net->conns.items);
    heap_free(net->ready.items);
    heap_free(net->touched.items);
    heap_free(net->doomed.items);
    heap_free(net->timed.items);
    buf_done(&net->output);
    if (net->input != NULL)
        munmap(net->input, NET_INPUT_SIZE);
    heap_free(net);
}

void net_options_changed(struct net *net)
{
    net_limits_parse(&net->options->output_limits, net->limits);
    net_listeners_tune(net);
    net_sweep_arm(net);
}

uint64_t net_conn_count(const struct net *net)
{
    return net->conns.count - net->lingering;
}
