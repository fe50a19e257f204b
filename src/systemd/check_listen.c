/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See check_listen.h. The addresses are bound and let go again at once; nobody can connect in
 * between, as nothing listens.
 */
#include "systemd/check_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ADDRESS:PORT, both in numbers, an address of IPv6 in brackets; NULL: it is none of these. */
static struct addrinfo *read_address(const char *word)
{
    char host[128];
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(word, ':');
    if (colon == NULL || colon == word || (size_t)(colon - word) >= sizeof host)
        return NULL;
    size_t len = (size_t)(colon - word);
    if (word[0] == '[' && word[len - 1] == ']') {
        word++;
        len -= 2;
    }
    memcpy(host, word, len);
    host[len] = '\0';
    return getaddrinfo(host, colon + 1, &hints, &found) == 0 ? found : NULL;
}

/* 0, or why the address cannot be bound; one that is not there (yet) can. */
static int try_address(const struct addrinfo *address)
{
    const int on = 1;
    bool six = address->ai_family == AF_INET6;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fault = 0;
    if (fd < 0)
        return errno == EAFNOSUPPORT ? 0 : errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_FREEBIND : IP_FREEBIND, &on, sizeof on) <
            0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) < 0)
        fault = errno;
    close(fd);
    return fault;
}

unsigned systemd_check_listen(char *const *words, int count, struct buf *why)
{
    unsigned faults = 0;
    for (int i = 0; i < count; i++) {
        struct addrinfo *address = read_address(words[i]);
        int fault = address != NULL ? try_address(address) : 0;
        if (fault != 0) {
            buf_printf(why, "cannot listen on %s: %s\n", words[i], strerror(fault));
            faults++;
        }
        if (address != NULL)
            freeaddrinfo(address);
    }
    return faults;
}
