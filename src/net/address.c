/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a connection's two ends are called. The peer's address was kept when it was
 * accepted, so that a log line about a connection that is gone can name it; the local
 * one is asked of the kernel.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "net/net_private.h"

static void print_unix(const struct net_conn *c, char *out, size_t size)
{
    struct sockaddr_un un = {0};
    socklen_t len = sizeof(un);
    size_t path = 0;
    if (getsockname(c->io.fd, (struct sockaddr *)&un, &len) == 0 &&
        len > offsetof(struct sockaddr_un, sun_path))
        path = strnlen(un.sun_path, len - offsetof(struct sockaddr_un, sun_path));
    snprintf(out, size, "%.*s:0", (int)path, un.sun_path);
}

static void print_inet(int family, const void *address, unsigned port, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(family, address, text, sizeof(text)) == NULL)
        text[0] = '\0';
    snprintf(out, size, family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

void net_conn_peer(const struct net_conn *c, char *out, size_t size)
{
    if (c->family == AF_UNIX)
        print_unix(c, out, size);
    else
        print_inet(c->family, c->address, c->port, out, size);
}

void net_conn_local(const struct net_conn *c, char *out, size_t size)
{
    struct sockaddr_storage storage = {0};
    socklen_t len = sizeof(storage);
    if (c->family == AF_UNIX) {
        print_unix(c, out, size);
    } else if (getsockname(c->io.fd, (struct sockaddr *)&storage, &len) < 0) {
        snprintf(out, size, "?:0");
    } else if (storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&storage;
        print_inet(AF_INET6, &in6->sin6_addr, ntohs(in6->sin6_port), out, size);
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&storage;
        print_inet(AF_INET, &in->sin_addr, ntohs(in->sin_port), out, size);
    }
}

bool net_conn_is_unix(const struct net_conn *c)
{
    return c->family == AF_UNIX;
}

bool net_conn_is_local(const struct net_conn *c)
{
    struct in6_addr six;
    switch (c->family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return c->address[0] == 127;
    default:
        memcpy(&six, c->address, sizeof(six));
        return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && c->address[12] == 127);
    }
}
