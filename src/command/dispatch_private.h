/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dispatcher's state, shared by its files: dispatch.c (sessions, gates, hooks),
 * dispatch_batch.c (parsing and executing), dispatch_stats.c (INFO), dispatch_reply.c.
 */
#pragma once

#include "command/dispatch.h"

#define DISPATCH_BATCH      1024 /* requests parsed before they are executed */
#define DISPATCH_GATES      16
#define DISPATCH_HOOKS      16
#define DISPATCH_ERRORS     128 /* different error prefixes that are told apart */
#define DISPATCH_ERROR_NAME 32
#define DISPATCH_SAMPLES    16
#define DISPATCH_SAMPLE_US  100000

/* One request of the batch. Its arguments are the args pool's from AT on. */
struct call {
    struct session *session;
    struct registry_entry *entry; /* NULL: unknown command, or an error */
    const char *start;            /* its first byte in the connection's data */
    const char *error;            /* a protocol error instead of a request */
    uint64_t hash;                /* of its first key */
    uint32_t at;
    uint32_t argc;
};

struct gate {
    dispatch_gate *fn;
    void *owner;
    enum dispatch_rank rank;
    unsigned handle;
    bool on;
};

struct error_count {
    char name[DISPATCH_ERROR_NAME];
    uint64_t count;
};

struct dispatch {
    struct keyspace *keyspace;
    const struct dispatch_options *options;
    struct registry *registry;
    struct net_service service;

    struct session *first, *last;
    size_t session_count;
    uint64_t next_id;

    struct gate gates[DISPATCH_GATES];
    unsigned gate_count, gates_on;
    struct {
        dispatch_open_hook *fn;
        void *owner;
    } open_hooks[DISPATCH_HOOKS];
    unsigned open_hook_count;
    struct {
        dispatch_reset_hook *fn;
        void *owner;
    } reset_hooks[DISPATCH_HOOKS];
    unsigned reset_hook_count;
    dispatch_user_check *user_check; /* may be NULL */
    void *user_check_owner;

    /* the batch */
    struct call *calls;
    uint32_t call_count;
    uint32_t bucket_next, element_next; /* how far the fetching ahead has come */
    struct slice *args;
    uint32_t arg_count, arg_cap;
    struct resp_reader reader; /* for sessions that are at the start of a request */
    void **copies;             /* arguments and texts that stand in no connection's data */
    size_t copy_count, copy_cap;

    /* counted */
    uint64_t commands, error_replies, protocol_errors;
    struct error_count errors[DISPATCH_ERRORS];
    unsigned error_count;
    uint64_t samples[DISPATCH_SAMPLES]; /* operations per second, every DISPATCH_SAMPLE_US */
    unsigned sample_at;
    int64_t sampled_us;
    uint64_t sampled_commands;
};

/* dispatch_batch.c */
size_t dispatch_parse(void *owner, void *session, const char *data, size_t len);
void dispatch_execute(void *owner);
/* Drops what SESSION's reader remembers of an incomplete request. */
void dispatch_forget_request(struct session *s);

/* dispatch_stats.c */
void dispatch_count_error(struct dispatch *d, const char *reply, size_t len);
void dispatch_sample(struct dispatch *d);
