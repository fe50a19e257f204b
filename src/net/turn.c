/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The turn of the connections: read, parse and execute, in batches of ready ones.
 *
 * All of a batch is read into one buffer, one behind the other, and parsed there:
 *
 *     net.input  | conn 3 .......... | conn 7 .. | conn 9 ....... |      free      |
 *                  ^ parked bytes, then what was read
 *
 * What is left of a request that is not complete yet is parked in a block of its
 * own size and copied to the front of that place in the next turn. A big one is not
 * moved about: it stays in the connection's own buffer, is read there, and that one
 * grows by a quarter of its length at a time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "net/net_private.h"

#define OWN_READ_MAX  (1024 * 1024)
#define OUTPUT_EARLY  (1024 * 1024) /* replies in hand that are sent before the turn goes on */
#define KEEP_IDLE     (64 * 1024)   /* of either buffer, when nothing happens */
#define TRIM_AFTER_US 1000000

/* --- read --- */

static void add_input(struct net *net, struct net_conn *c, const char *data, size_t len, bool own)
{
    net->batch[net->batch_count++] = (struct net_input){.conn = c, .data = data, .len = len, .own = own};
    c->batch_at = (uint8_t)net->batch_count;
}

static void read_failed(struct net_conn *c, ssize_t n)
{
    if (n == 0) {
        c->flags |= NET_EOF;
        net_conn_watch(c);
    } else if (errno != EAGAIN && errno != EINTR) {
        net_conn_kill(c);
    }
}

static void count_read(struct net *net, struct net_conn *c, size_t n)
{
    c->active_us = clock_mono_us();
    c->bytes_in += n;
    net->stats.bytes_in += n;
    net->stats.reads++;
}

/* Room for one more read behind a big request. */
static bool grow_own(struct net_conn *c)
{
    if (c->in.cap - c->in.len >= NET_READ_MAX)
        return true;
    size_t len = c->in.len;
    size_t cap = len + (len < OWN_READ_MAX ? len : len / 4);
    if (cap < len + NET_READ_MAX)
        cap = len + NET_READ_MAX;
    char *data = heap_try_realloc(c->in.data, cap);
    if (data == NULL)
        return false;
    c->in.data = data;
    c->in.cap = cap;
    return true;
}

static void read_own(struct net *net, struct net_conn *c)
{
    if (!grow_own(c)) {
        char peer[128], bytes[24];
        net_conn_peer(c, peer, sizeof(peer));
        snprintf(bytes, sizeof(bytes), "%zu", c->in.len - c->in_start);
        log_event(
            LOG_EVENT_CLIENT_NO_MEMORY, LOG_FIELDS({"MINIREDIS_CLIENT", peer}, {"MINIREDIS_BYTES", bytes}),
            "Closing the connection of %s: no memory for its request of more than %s bytes", peer, bytes);
        net_conn_kill(c);
        return;
    }
    size_t room = c->in.cap - c->in.len;
    ssize_t n = recv(c->io.fd, c->in.data + c->in.len, room < OWN_READ_MAX ? room : OWN_READ_MAX, 0);
    if (n <= 0) {
        read_failed(c, n);
        return;
    }
    c->in.len += (size_t)n;
    count_read(net, c, (size_t)n);
}

/* Adds C to the batch with all the input that it has; returns the bytes of the turn's buffer used. */
static size_t read_conn(struct net *net, struct net_conn *c, char *at)
{
    size_t parked = c->in.len - c->in_start;
    /* What it has must be done with before there is more, or a flood of requests whose replies are long
     * piles up here. */
    bool readable = (c->flags & (NET_READABLE | NET_YIELDED)) == NET_READABLE;
    c->flags &= (uint16_t) ~(NET_READABLE | NET_YIELDED);
    if ((c->flags & NET_CLOSING) != 0)
        return 0;
    if (readable && parked <= NET_PARK_MAX) {
        if (parked > 0)
            memcpy(at, c->in.data + c->in_start, parked);
        ssize_t n = recv(c->io.fd, at + parked, NET_READ_MAX, 0);
        if (n > 0) {
            if (c->in.data != NULL) {
                buf_done(&c->in);
                c->in_start = 0;
            }
            count_read(net, c, (size_t)n);
            add_input(net, c, at, parked + (size_t)n, false);
            return parked + (size_t)n;
        }
        read_failed(c, n);
    } else if (readable) {
        read_own(net, c);
    }
    /* One at its end has nothing parked, and is still to be settled. */
    if ((c->flags & NET_CLOSING) == 0)
        add_input(net, c, c->in.data == NULL ? "" : c->in.data + c->in_start, c->in.len - c->in_start, true);
    return 0;
}

static void map_input(struct net *net)
{
    void *map = mmap(NULL, NET_INPUT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        heap_exhausted(NET_INPUT_SIZE);
    net->input = map;
}

/* Fills the batch from the ready ones in [AT, END); returns where it stopped. */
static uint32_t gather(struct net *net, uint32_t at, uint32_t end)
{
    size_t used = 0;
    net->batch_count = 0;
    for (; at < end && net->batch_count < NET_BATCH_MAX; at++) {
        if (used + NET_PARK_MAX + NET_READ_MAX > NET_INPUT_SIZE)
            break;
        struct net_conn *c = net->ready.items[at];
        if (c == NULL)
            continue;
        net->ready.items[at] = NULL;
        c->ready_at = 0;
        used += read_conn(net, c, net->input + used);
    }
    if (used > net->input_peak)
        net->input_peak = used;
    return at;
}

/* --- parse and execute --- */

static void run_rounds(struct net *net)
{
    const struct net_service *service = net->service;
    for (;;) {
        bool took = false;
        for (uint32_t i = 0; i < net->batch_count; i++) {
            struct net_input *e = &net->batch[i];
            if (e->pos == e->len || (e->conn->flags & (NET_CLOSING | NET_HELD)) != 0)
                continue;
            size_t n = service->parse(service->owner, e->conn->session, e->data + e->pos, e->len - e->pos);
            e->pos += n;
            took |= n > 0;
        }
        if (!took)
            return;
        service->execute(service->owner);
        net->executed = true;
        if (net->output.len > OUTPUT_EARLY)
            net_turn_flush(net);
    }
}

/* Keeps LEN bytes of the turn's buffer for the next turn. */
static bool park(struct net_conn *c, const char *data, size_t len)
{
    char *copy = heap_try_alloc(len);
    if (copy == NULL)
        return false;
    memcpy(copy, data, len);
    c->in = (struct buf){.data = copy, .len = len, .cap = len};
    c->in_start = 0;
    return true;
}

/* Drops what was taken of a connection's own buffer. What is left moves when that is at most half of
 * it, so that a byte is moved once however many small requests wait. */
static bool keep_own(struct net_conn *c, size_t taken)
{
    c->in_start += taken;
    size_t rest = c->in.len - c->in_start;
    if (rest > c->in_start)
        return true;
    if (rest > 0 && c->in_start > 0 && c->in.cap > NET_READ_MAX && rest < c->in.cap / 4) {
        struct buf old = c->in;
        if (!park(c, old.data + c->in_start, rest))
            return false;
        buf_done(&old);
        return true;
    }
    if (rest == 0)
        buf_done(&c->in);
    else
        buf_consume(&c->in, c->in_start);
    c->in_start = 0;
    return true;
}

static void over_query_limit(struct net *net, struct net_conn *c, size_t rest)
{
    char peer[128], bytes[24], limit[24];
    net_conn_peer(c, peer, sizeof(peer));
    snprintf(bytes, sizeof(bytes), "%zu", rest);
    snprintf(limit, sizeof(limit), "%" PRId64, net->options->query_buffer_limit);
    log_event(LOG_EVENT_CLIENT_INPUT_LIMIT,
              LOG_FIELDS({"MINIREDIS_CLIENT", peer}, {"MINIREDIS_BYTES", bytes}, {"MINIREDIS_LIMIT", limit}),
              "Closing the connection of %s: its %s bytes of unprocessed requests exceed "
              "client-query-buffer-limit",
              peer, bytes);
    net->stats.input_limit++;
    net_conn_kill(c);
}

static void settle_input(struct net *net, const struct net_input *e)
{
    struct net_conn *c = e->conn;
    size_t rest = e->len - e->pos;
    c->batch_at = 0;
    if ((c->flags & NET_CLOSING) != 0)
        return;
    bool ok = true;
    if (e->own)
        ok = keep_own(c, e->pos);
    else if (rest > 0)
        ok = park(c, e->data + e->pos, rest);
    if (!ok)
        net_conn_kill(c);
    else if (rest > (size_t)net->options->query_buffer_limit)
        over_query_limit(net, c, rest);
    else if (rest > 0)
        net_stats_peak(net, rest, 0);
    if (c->flags & NET_YIELDED)
        net_conn_resume(c);
    /* What came before the end has been answered; what waits to be tried again keeps it open. */
    if ((c->flags & NET_EOF) != 0 && (c->flags & NET_HELD) == 0 && c->ready_at == 0)
        net_conn_finish(c);
}

/* --- the turn --- */

static void run_batches(struct net *net)
{
    /* What is resumed meanwhile comes behind END and has its turn in the next one. */
    uint32_t end = net->ready.count;
    if (net->input == NULL)
        map_input(net);
    for (uint32_t at = 0; at < end;) {
        at = gather(net, at, end);
        run_rounds(net);
        for (uint32_t i = 0; i < net->batch_count; i++)
            settle_input(net, &net->batch[i]);
        net->batch_count = 0;
        net_turn_flush(net);
    }
    net->ready.count -= end;
    memmove(net->ready.items, net->ready.items + end, net->ready.count * sizeof(struct net_conn *));
    for (uint32_t i = 0; i < net->ready.count; i++)
        if (net->ready.items[i] != NULL)
            net->ready.items[i]->ready_at = i + 1;
    net_stats_sample(net);
}

bool net_turn(void *owner)
{
    struct net *net = owner;
    net->in_turn = true;
    if (net->kick_timer.index != 0)
        loop_timer_stop(net->loop, &net->kick_timer);
    if (net->ready.count > 0)
        run_batches(net);
    while (net->touched.count > 0 || net->doomed.count > 0) {
        net_turn_flush(net);
        net_turn_reap(net);
    }
    if ((net->output.cap > KEEP_IDLE || net->input_peak > KEEP_IDLE) && net->trim_timer.index == 0)
        loop_timer_after(net->loop, &net->trim_timer, TRIM_AFTER_US);
    net->in_turn = false;
    return net->ready.count > 0;
}

void net_turn_trim(struct loop_timer *timer)
{
    struct net *net = (struct net *)(void *)((char *)timer - offsetof(struct net, trim_timer));
    if (net->output.len == 0 && net->output.cap > KEEP_IDLE && net->output_peak < net->output.cap / 4)
        buf_done(&net->output);
    /* No turn has used it for a whole period: its pages go back. */
    if (net->input_peak == 0 && net->input != NULL)
        (void)madvise(net->input, NET_INPUT_SIZE, MADV_DONTNEED);
    bool again = net->output.cap > KEEP_IDLE || net->input_peak > 0;
    net->output_peak = net->input_peak = 0;
    if (again)
        loop_timer_after(net->loop, timer, TRIM_AFTER_US);
}
