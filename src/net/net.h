/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listeners and connections: bytes in, bytes out, limits. Knows neither commands
 * nor keys; the service it is given does.
 *
 * A turn has four phases over all ready connections, in batches of some dozens:
 * read everything that came into the turn's buffer and let the service parse it;
 * let it execute; then, after net_service.commit, write all replies. A connection
 * owns a buffer only while it has a partial request or an unsent reply.
 *
 * Order is kept per connection: requests are parsed, executed and answered as they
 * came. Sessions are the service's; a connection carries a pointer to its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/counter.h"
#include "base/error.h"
#include "config/config.h"

struct loop;
struct net;
struct net_conn;

/* Classes of client-output-buffer-limit. */
enum net_class { NET_CLASS_NORMAL, NET_CLASS_REPLICA, NET_CLASS_PUBSUB, NET_CLASSES };

struct net_options {
    struct config_list bind; /* "127.0.0.1", "-::1": a dash allows the address to be missing */
    int64_t port;            /* 0: no TCP listener */
    int64_t tcp_backlog;
    char *unixsocket;       /* "" none */
    int64_t unixsocketperm; /* 0: as umask leaves it */
    int64_t timeout;        /* s; 0: never */
    int64_t tcp_keepalive;  /* s; 0: off */
    int64_t maxclients;
    int64_t max_new_per_turn;         /* max-new-connections-per-cycle */
    int64_t query_buffer_limit;       /* client-query-buffer-limit */
    struct config_list output_limits; /* client-output-buffer-limit: class hard soft seconds .. */
};

/* The rows of these options; target is a struct net_options. */
extern const struct config_option net_config_rows[];
extern const size_t net_config_count;

struct net_service {
    void *owner;
    /* A connection was accepted. Returns its session, or NULL to refuse it, after
     * having sent its reason with net_conn_send. */
    void *(*open)(void *owner, struct net_conn *conn);
    /* Takes whole requests off DATA into the service's batch; returns the bytes taken,
     * 0 if there is none complete or the session must wait. Called again after execute
     * with what is left as long as it took something. DATA stays until execute is over. */
    size_t (*parse)(void *owner, void *session, const char *data, size_t len);
    /* Executes the batch. */
    void (*execute)(void *owner);
    /* Makes durable what was executed, before any reply goes out. May be NULL. */
    void (*commit)(void *owner);
    /* The connection is about to go; called once per open that returned a session. */
    void (*close)(void *owner, void *session);
};

/* OPTIONS and SERVICE must outlive the net. */
struct net *net_new(struct loop *loop, const struct net_options *options, const struct net_service *service);
/* Closes listeners and connections. */
void net_free(struct net *net);

/* Opens what the options name (bind x port, unixsocket). 0; or a negated errno with the
 * reason, the address and what was tried, in WHY. */
int net_listen(struct net *net, struct buf *why) MR_MUST_CHECK;
/* Serves a listening socket that somebody else opened (systemd); it is not unlinked. */
int net_adopt_listener(struct net *net, int fd, const char *name, struct buf *why) MR_MUST_CHECK;
/* Stops accepting; connections go on. */
void net_stop_listening(struct net *net);
/* Brings listeners to changed options (bind, port): all or nothing. */
int net_relisten(struct net *net, struct buf *why) MR_MUST_CHECK;
/* Takes over options that may have changed (limits, keepalive, timeout). */
void net_options_changed(struct net *net);

size_t net_listener_count(const struct net *net);
/* "name=tcp,bind=127.0.0.1,port=6379" as INFO prints listeners. */
void net_listener_print(const struct net *net, size_t i, struct buf *out);

/* Tries once more to send all that is pending; for the end of the process. */
void net_flush(struct net *net);

/* Outside of a turn: gives back the turn's buffers and room to spare in those of clients silent for
 * a second. Looks at BUDGET connections from *AT on; true while there are more. */
bool net_give_back(struct net *net, uint32_t *at, uint32_t budget);

/* Connections open now, and rows for INFO (total_connections_received,
 * rejected_connections, total_net_input_bytes, ..). */
uint64_t net_conn_count(const struct net *net);
void net_register_counters(struct net *net, struct counters *counters);

/* --- connections --- */

void *net_conn_session(const struct net_conn *conn);

/* Between begin and end, replies are appended to the buffer that begin returns. Only
 * one connection at a time, from service->execute or outside of a turn. */
struct buf *net_reply_begin(struct net_conn *conn);
void net_reply_end(struct net_conn *conn);

/* Appends to what CONN will be sent, in order, at any time (messages to others). */
void net_conn_send(struct net_conn *conn, const void *bytes, size_t len);

/* Bytes from FROM (inside this round's DATA) on were taken by parse but not executed: they come again
 * after net_conn_resume; with what is parsed next; or in the next turn, behind the others' turn. */
void net_conn_untake(struct net_conn *conn, const char *from);
void net_conn_put_back(struct net_conn *conn, const char *from);
void net_conn_yield(struct net_conn *conn, const char *from);
/* Parses again what waits, in this or the next turn. */
void net_conn_resume(struct net_conn *conn);

/* Sends what is pending, then closes; nothing more is read or parsed. */
void net_conn_finish(struct net_conn *conn);
/* Closes at the end of this turn without sending more. */
void net_conn_kill(struct net_conn *conn);
/* Whether one of the two has been called. */
bool net_conn_closing(const struct net_conn *conn);

void net_conn_set_class(struct net_conn *conn, enum net_class class);
/* TIMEOUT does not apply to it (blocked, subscribed). */
void net_conn_set_patient(struct net_conn *conn, bool patient);

int net_conn_fd(const struct net_conn *conn);
bool net_conn_is_unix(const struct net_conn *conn);
/* From this machine: loopback or a unix socket. */
bool net_conn_is_local(const struct net_conn *conn);
/* "127.0.0.1:50000", "[::1]:50000", "/path:0"; into OUT of at least 128 bytes. */
void net_conn_peer(const struct net_conn *conn, char *out, size_t size);
void net_conn_local(const struct net_conn *conn, char *out, size_t size);

struct net_conn_stats {
    int64_t opened_us; /* monotonic */
    int64_t active_us; /* last bytes from or to it */
    size_t in_pending; /* bytes of a partial or waiting request */
    size_t in_capacity;
    size_t out_pending; /* bytes not sent yet */
    size_t out_capacity;
    size_t memory; /* all its heap bytes */
    uint64_t bytes_in, bytes_out;
    unsigned events; /* LOOP_READ, LOOP_WRITE as watched */
};
void net_conn_get_stats(const struct net_conn *conn, struct net_conn_stats *out);
