/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of net: the listener, the state of the turn. The connection is in
 * conn_private.h.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "loop/loop.h"
#include "net/conn_private.h"

#define NET_BATCH_MAX   64
#define NET_PARK_MAX    (16 * 1024) /* a partial request up to this moves through the turn's input */
#define NET_READ_MAX    (64 * 1024) /* read from one connection per turn */
#define NET_INPUT_SIZE  (320 * 1024)
#define NET_SAMPLES     16
#define NET_PEAK_SLOTS  8 /* seconds that client_recent_max_* look back */
#define NET_LIMIT_WORDS 4 /* class hard soft seconds */

union net_address {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

struct net_listener {
    struct loop_io io; /* first */
    struct net *net;
    union net_address address;
    socklen_t address_len;
    char *word;  /* as the option says it; for a passed one its address in text, or the path */
    char *name;  /* of a passed one, else NULL */
    bool wanted; /* while net_relisten decides */
    dev_t dev;   /* the socket file that we made, so that no other is removed */
    ino_t ino;
};

struct net_list {
    struct net_conn **items;
    uint32_t count, cap;
};

struct net_input {
    struct net_conn *conn;
    const char *data;
    size_t len, pos; /* bytes taken by the service */
    bool own;        /* DATA is conn->in's, else the turn's */
};

struct net_sample {
    int64_t at_us;
    uint64_t in, out;
};

struct net_peak {
    int64_t second;
    size_t in, out;
};

struct net_stats {
    uint64_t accepted, rejected;
    uint64_t bytes_in, bytes_out;
    uint64_t reads, writes;
    uint64_t input_limit, output_limit; /* closed for it */
};

struct net_buffer_limit {
    int64_t hard; /* bytes; 0: none */
    int64_t soft; /* bytes; 0: none */
    int64_t soft_seconds;
};

struct net {
    struct loop *loop;
    const struct net_options *options;
    const struct net_service *service;
    struct net_buffer_limit limits[NET_CLASSES];

    struct net_listener **listeners;
    uint32_t listener_count;
    bool accept_paused;

    struct net_list conns;   /* dense */
    struct net_list ready;   /* to be read or parsed; NULL for one that went */
    struct net_list touched; /* have output for the next flush, or may be done; NULL likewise */
    struct net_list doomed;
    struct net_list timed; /* dense: lingering, finishing, above a soft limit */
    uint32_t lingering;
    uint32_t sweep_at; /* next in conns */

    bool in_turn;
    bool executed;         /* since the last commit */
    struct net_conn *open; /* between net_reply_begin and net_reply_end */
    struct buf output;     /* replies of this turn */
    char *input;           /* mapping of NET_INPUT_SIZE bytes */
    size_t input_peak, output_peak;
    struct net_conn *heir; /* takes over OUTPUT's memory at the end of the flush */
    size_t heir_at, heir_len;
    struct net_input batch[NET_BATCH_MAX];
    uint32_t batch_count;

    struct loop_timer kick_timer, sweep_timer, accept_timer, trim_timer;

    struct net_stats stats;
    struct net_sample samples[NET_SAMPLES];
    uint32_t sample_next;
    int64_t sampled_us;
    struct net_peak peaks[NET_PEAK_SLOTS];
};

/* net.c */
void net_list_add(struct net_list *list, struct net_conn *conn);
/* The hook runs in this turn or the next one, which does not sleep. */
void net_kick(struct net *net);
/* Something is to be looked at once in a while: TIMEOUT, or the list of timed ones. */
void net_sweep_arm(struct net *net);
void net_timed_add(struct net_conn *conn);
void net_timed_remove(struct net_conn *conn);

/* listen.c */
void net_listeners_tune(struct net *net);
void net_listeners_resume(struct net *net);
int64_t net_port(const struct net *net);

/* turn.c, flush.c */
bool net_turn(void *owner);
void net_turn_trim(struct loop_timer *timer);
/* Commits, then sends all that is new. */
void net_turn_flush(struct net *net);
/* Ends what is doomed. */
void net_turn_reap(struct net *net);

/* options.c */
void net_limits_parse(const struct config_list *words, struct net_buffer_limit *limits);

/* stats.c */
void net_stats_sample(struct net *net);
void net_stats_peak(struct net *net, size_t in, size_t out);
