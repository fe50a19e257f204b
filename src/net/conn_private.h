/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of net: the connection.
 *
 * Where its bytes are:
 *   input:  in.data[in_start, in.len) waits between turns; in a turn, net.batch[batch_at - 1]
 *           says where its data lies (the turn's input, or IN itself).
 *   output: out.data[out_start, out.len) if that is not empty, and then all of it;
 *           else net.output[region_at, region_at + region_len) until the next flush.
 */
#pragma once

#include <sys/socket.h>

#include "loop/loop.h"
#include "net/net.h"

enum net_flag {
    NET_READABLE = 1 << 0, /* reported by the loop, not read yet */
    NET_TOUCHED = 1 << 1,  /* in net.touched */
    NET_BLOCKED = 1 << 2,  /* the socket took no more; watched for writing */
    NET_HELD = 1 << 3,     /* not parsed until net_conn_resume */
    NET_EOF = 1 << 4,      /* the peer sends no more */
    NET_FINISH = 1 << 5,
    NET_KILLED = 1 << 6,
    NET_DOOMED = 1 << 7, /* in net.doomed: goes at the end of the turn */
    NET_LINGER = 1 << 8, /* all is sent and the session closed; waits for the peer to close */
    NET_PATIENT = 1 << 9,
    NET_YIELDED = 1 << 10, /* held for the rest of this turn; not read in the next one */
};

#define NET_CLOSING (NET_FINISH | NET_KILLED | NET_DOOMED | NET_LINGER)

struct net_conn {
    struct loop_io io; /* first */
    struct net *net;
    void *session; /* NULL: refused, or closed already */
    struct buf in, out;
    size_t in_start, out_start;
    size_t region_at, region_len;
    int64_t opened_us, active_us;
    uint64_t bytes_in, bytes_out;
    uint32_t index;      /* in net.conns */
    uint32_t ready_at;   /* in net.ready, + 1 */
    uint32_t timed_at;   /* in net.timed, + 1 */
    uint32_t soft_since; /* s, monotonic; 0: below the soft limit */
    uint16_t flags;
    uint8_t class;
    uint8_t batch_at;    /* in net.batch, + 1 */
    uint8_t family;      /* AF_INET, AF_INET6, AF_UNIX */
    uint8_t address[16]; /* of the peer; 4 bytes of it for AF_INET */
    uint16_t port;
};

/* conn.c */
/* Takes FD over; PEER is what accept said. */
void net_conn_open(struct net *net, int fd, const struct sockaddr *peer);
/* Closes and frees; the session must be closed before. */
void net_conn_free(struct net_conn *conn);
/* Tells the loop what CONN waits for. */
void net_conn_watch(struct net_conn *conn);
void net_conn_touch(struct net_conn *conn);
/* Puts CONN on the list of those that go at the end of the turn. */
void net_conn_doom(struct net_conn *conn);
/* Closes it if it has more unsent output than its class allows. */
void net_conn_check_output(struct net_conn *conn);
static inline size_t net_conn_pending(const struct net_conn *conn)
{
    return conn->out.len - conn->out_start;
}
