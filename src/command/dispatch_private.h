/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dispatcher's state, shared by its files: dispatch.c (sessions, gates, hooks),
 * dispatch_batch.c (parsing and executing), dispatch_stats.c (INFO), dispatch_reply.c.
 */
#pragma once

#include "command/dispatch.h"

struct block;
struct block_request;

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
    uint64_t element;             /* hash of the element that it is about; 0: not known */
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
    struct block *block;   /* NULL: it cannot block */
    bool executing, ready; /* commands are being run; some have made a key ready that is waited for */
    dispatch_user_check *user_check; /* may be NULL */
    void *user_check_owner;

    /* the batch */
    struct call *calls;
    uint32_t call_count;
    uint32_t bucket_next, entry_next, place_next, element_next; /* how far the fetching ahead has come */
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

/* Drops or counts the reply that was written to OUT from MARK on. FAILED: counted up for an error;
 * may be NULL. */
void dispatch_settle_reply(struct dispatch *d, struct session *s, struct buf *out, size_t mark,
                           uint64_t *failed);

/* block.c */
void block_free(struct block *b);
/* S waits, as R, which has arguments, says. MR_E_MEMORY: it does not. */
int block_wait(struct block *b, struct session *s, const struct block_request *r) MR_MUST_CHECK;
/* The handler of S, called again, has nothing to answer yet. */
void block_again(struct session *s, const struct block_request *r);
/* The handler that has just blocked S is E's; it took TICKS. */
void block_started(struct session *s, struct registry_entry *e, uint64_t ticks);
/* Serves those who wait for keys that have become ready. */
void block_serve(struct block *b);
/* Sessions that wait; those of them with a deadline; keys that are waited for, and those of them
 * that are to be told about when they go. */
uint64_t block_waiting(const struct block *b);
uint64_t block_timed(const struct block *b);
uint64_t block_keys(const struct block *b);
uint64_t block_keys_gone(const struct block *b);

/* dispatch_stats.c */
void dispatch_count_error(struct dispatch *d, const char *reply, size_t len);
void dispatch_sample(struct dispatch *d);
