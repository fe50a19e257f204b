/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the words of the bind option to addresses. Numbers need no resolver, so the
 * usual server does not load one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "base/heap.h"
#include "net/listen_private.h"

static bool parse_number(const char *word, in_port_t port, struct net_plan_entry *e)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
    if (strcmp(word, "*") == 0 || inet_pton(AF_INET, word, &in.sin_addr) == 1) {
        e->address.in = in;
        e->address_len = sizeof(in);
        return true;
    }
    if (strcmp(word, "::*") == 0 || inet_pton(AF_INET6, word, &in6.sin6_addr) == 1) {
        e->address.in6 = in6;
        e->address_len = sizeof(in6);
        return true;
    }
    return false;
}

static int resolve(const char *word, in_port_t port, struct net_plan_entry *e, struct buf *why)
{
    struct addrinfo hints = {.ai_family = strchr(word, ':') != NULL ? AF_INET6 : AF_INET,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(word, NULL, &hints, &found);
    if (rc != 0) {
        buf_printf(why, "cannot listen on %s: %s", word, gai_strerror(rc));
        return -EADDRNOTAVAIL;
    }
    memcpy(&e->address, found->ai_addr, found->ai_addrlen);
    e->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    if (e->address.sa.sa_family == AF_INET6)
        e->address.in6.sin6_port = port;
    else
        e->address.in.sin_port = port;
    return 0;
}

int net_plan_make(struct net_plan *plan, const struct net_options *options, struct buf *why)
{
    *plan = (struct net_plan){0};
    if (options->port == 0 || options->bind.count == 0)
        return 0;
    in_port_t port = htons((uint16_t)options->port);
    plan->entries = heap_alloc_zero(options->bind.count * sizeof(*plan->entries));
    for (size_t i = 0; i < options->bind.count; i++) {
        const char *word = options->bind.items[i];
        if (word[0] == '\0')
            continue;
        struct net_plan_entry *e = &plan->entries[plan->count];
        e->word = word;
        e->optional = word[0] == '-';
        if (e->optional)
            word++;
        if (!parse_number(word, port, e)) {
            int rc = resolve(word, port, e, why);
            if (rc < 0) {
                net_plan_done(plan);
                return rc;
            }
        }
        plan->count++;
    }
    return 0;
}

void net_plan_done(struct net_plan *plan)
{
    heap_free(plan->entries);
    *plan = (struct net_plan){0};
}

bool net_address_equal(const union net_address *a, const union net_address *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET)
        return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    if (a->sa.sa_family == AF_INET6)
        return a->in6.sin6_port == b->in6.sin6_port && a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
               memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
    return false;
}

unsigned net_address_port(const union net_address *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohs(a->in.sin_port);
    return a->sa.sa_family == AF_INET6 ? ntohs(a->in6.sin6_port) : 0;
}

char *net_address_text(const union net_address *a, socklen_t len)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (a->sa.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &a->in.sin_addr, text, sizeof(text));
    } else if (a->sa.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &a->in6.sin6_addr, text, sizeof(text));
    } else if (len > offsetof(struct sockaddr_un, sun_path)) {
        const char *path = ((const struct sockaddr_un *)(const void *)a)->sun_path;
        return heap_memdup(path, strnlen(path, len - offsetof(struct sockaddr_un, sun_path)));
    }
    return heap_strdup(text);
}
