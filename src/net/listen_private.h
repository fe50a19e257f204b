/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan of what to listen on: the words of the bind option as addresses.
 */
#pragma once

#include "net/net_private.h"

struct net_plan_entry {
    const char *word; /* the option's or a listener's own */
    bool optional;    /* the address may be missing on this machine */
    bool kept;        /* it is being listened on already */
    union net_address address;
    socklen_t address_len;
};

struct net_plan {
    struct net_plan_entry *entries;
    size_t count;
};

/* What OPTIONS name for TCP; it refers to their words. 0 or negative with the reason in WHY. */
int net_plan_make(struct net_plan *plan, const struct net_options *options, struct buf *why) MR_MUST_CHECK;
void net_plan_done(struct net_plan *plan);

bool net_address_equal(const union net_address *a, const union net_address *b);
/* 0 for a unix socket. */
unsigned net_address_port(const union net_address *a);
/* The address without its port, or the path. Heap. */
char *net_address_text(const union net_address *a, socklen_t len);
