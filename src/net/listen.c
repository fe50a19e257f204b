/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listeners: those that the options name, those that were passed, and accepting.
 *
 * What every connection needs (no delay, keepalive) is set on the listening socket;
 * accepted ones inherit it, so that accepting is one system call. A socket file is
 * replaced only if nobody listens on it, and removed at the end only if it is still
 * ours.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "net/listen_private.h"

#define ACCEPT_PAUSE_US 100000
#define KEEPALIVE_MAX   32767 /* s, what the kernel takes */

/* --- accepting --- */

static void reject(struct net *net, int fd)
{
    static const char text[] = "-ERR max number of clients reached\r\n";
    char scrap[1024];
    char limit[24];
    net->stats.rejected++;
    snprintf(limit, sizeof(limit), "%" PRId64, net->options->maxclients);
    log_event(LOG_EVENT_MAXCLIENTS_REACHED, LOG_FIELDS({"MINIREDIS_LIMIT", limit}),
              "Clients are refused: maxclients, %s, are connected", limit);
    (void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* Unread input would turn the close into a reset, which can overtake the text. */
    (void)shutdown(fd, SHUT_WR);
    (void)!recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT);
    close(fd);
}

static void pause_accepting(struct net *net, int error)
{
    const char *reason = strerror(error);
    log_event(LOG_EVENT_ACCEPT_FAILED, LOG_FIELDS({"MINIREDIS_REASON", reason}),
              "New connections cannot be accepted for now: %s", reason);
    net->accept_paused = true;
    for (uint32_t i = 0; i < net->listener_count; i++)
        loop_io_set(net->loop, &net->listeners[i]->io, 0);
    loop_timer_after(net->loop, &net->accept_timer, ACCEPT_PAUSE_US);
}

void net_listeners_resume(struct net *net)
{
    net->accept_paused = false;
    loop_timer_stop(net->loop, &net->accept_timer);
    for (uint32_t i = 0; i < net->listener_count; i++)
        loop_io_set(net->loop, &net->listeners[i]->io, LOOP_READ);
}

static void listener_ready(struct loop_io *io, unsigned events)
{
    struct net *net = ((struct net_listener *)io)->net;
    (void)events;
    for (int64_t budget = net->options->max_new_per_turn; budget > 0 && !net->accept_paused; budget--) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int fd = accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && net_conn_count(net) >= (uint64_t)net->options->maxclients)
            reject(net, fd);
        else if (fd >= 0)
            net_conn_open(net, fd, (struct sockaddr *)&peer);
        else if (errno == EAGAIN)
            return;
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(net, errno);
        /* Anything else is the fate of that one connection. */
    }
}

/* --- one listener --- */

static void tune(const struct net *net, int fd, int family)
{
    if (family == AF_UNIX)
        return;
    int one = 1, zero = 0;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    int64_t idle = net->options->tcp_keepalive;
    if (idle == 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &zero, sizeof(zero));
        return;
    }
    int idle_s = (int)(idle > KEEPALIVE_MAX ? KEEPALIVE_MAX : idle);
    int step_s = idle_s / 3 > 0 ? idle_s / 3 : 1, tries = 3;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &step_s, sizeof(step_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
}

void net_listeners_tune(struct net *net)
{
    for (uint32_t i = 0; i < net->listener_count; i++)
        tune(net, net->listeners[i]->io.fd, net->listeners[i]->address.sa.sa_family);
}

static void listener_free(struct net_listener *li)
{
    loop_io_remove(li->net->loop, &li->io);
    if (li->io.fd >= 0)
        close(li->io.fd);
    struct stat st;
    if (li->ino != 0 && lstat(li->word, &st) == 0 && st.st_dev == li->dev && st.st_ino == li->ino)
        (void)unlink(li->word);
    heap_free(li->word);
    heap_free(li->name);
    heap_free(li);
}

static struct net_listener *listener_new(struct net *net, int fd, const char *word)
{
    struct net_listener *li = heap_alloc_zero(sizeof(*li));
    li->net = net;
    li->io.fn = listener_ready;
    li->io.fd = fd;
    li->word = heap_strdup(word);
    return li;
}

/* Serves it from now on; LI is freed if that fails. */
static int listener_add(struct net *net, struct net_listener *li)
{
    int rc = loop_io_add(net->loop, &li->io, li->io.fd, net->accept_paused ? 0 : LOOP_READ);
    if (rc < 0) {
        listener_free(li);
        return rc;
    }
    net->listeners = heap_realloc(net->listeners, (net->listener_count + 1) * sizeof(struct net_listener *));
    net->listeners[net->listener_count++] = li;
    return 0;
}

static void listener_remove(struct net *net, uint32_t at)
{
    struct net_listener *li = net->listeners[at];
    memmove(&net->listeners[at], &net->listeners[at + 1],
            (--net->listener_count - at) * sizeof(struct net_listener *));
    listener_free(li);
}

/* What failed, and why; returns the error. */
static int failed(struct buf *why, const char *what, const char *step, int error)
{
    buf_printf(why, "cannot listen on %s: %s: %s", what, step, strerror(error));
    return -error;
}

/* --- tcp --- */

static int open_tcp(struct net *net, const struct net_plan_entry *a, struct buf *why)
{
    char what[160];
    snprintf(what, sizeof(what), "%s port %u", a->word, net_address_port(&a->address));
    int fd = socket(a->address.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return failed(why, what, "socket", errno);
    int one = 1;
    const char *step = "bind";
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (a->address.sa.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    int rc = bind(fd, &a->address.sa, a->address_len);
    if (rc == 0) {
        tune(net, fd, a->address.sa.sa_family);
        step = "listen";
        rc = listen(fd, (int)net->options->tcp_backlog);
    }
    if (rc < 0) {
        int error = errno;
        close(fd);
        return failed(why, what, step, error);
    }
    struct net_listener *li = listener_new(net, fd, a->word);
    memcpy(&li->address, &a->address, sizeof(a->address));
    li->address_len = a->address_len;
    rc = listener_add(net, li);
    return rc < 0 ? failed(why, what, "watch", -rc) : 0;
}

static bool may_be_missing(const struct net_plan_entry *a, int rc)
{
    return a->optional && (rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT || rc == -EPROTONOSUPPORT ||
                           rc == -ESOCKTNOSUPPORT || rc == -EPFNOSUPPORT || rc == -ENOPROTOOPT);
}

/* Opens those of the addresses that are not open yet. */
static int open_missing(struct net *net, const struct net_plan *plan, struct buf *why)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct net_plan_entry *a = &plan->entries[i];
        if (a->kept)
            continue;
        size_t mark = why->len;
        int rc = open_tcp(net, a, why);
        if (rc < 0 && !may_be_missing(a, rc))
            return rc;
        why->len = mark;
    }
    return 0;
}

/* --- unix --- */

/* Removes a socket file that nobody listens on. */
static int clear_path(const struct sockaddr_un *un)
{
    struct stat st;
    if (lstat(un->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 ? errno : 0;
    close(fd);
    if (rc != ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(un->sun_path) < 0 ? -errno : 0;
}

static int bind_unix(struct net *net, int fd, const struct sockaddr_un *un, const char **step)
{
    *step = "bind";
    int rc = clear_path(un);
    if (rc < 0)
        return rc;
    if (bind(fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
        return -errno;
    *step = "chmod";
    if (net->options->unixsocketperm != 0 && chmod(un->sun_path, (mode_t)net->options->unixsocketperm) < 0)
        return -errno;
    *step = "listen";
    return listen(fd, (int)net->options->tcp_backlog) < 0 ? -errno : 0;
}

static int open_unix(struct net *net, struct buf *why)
{
    const char *path = net->options->unixsocket, *step = "socket";
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(un.sun_path))
        return failed(why, path, "path", ENAMETOOLONG);
    memcpy(un.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return failed(why, path, step, errno);
    int rc = bind_unix(net, fd, &un, &step);
    struct net_listener *li = listener_new(net, fd, path);
    li->address.sa.sa_family = AF_UNIX;
    struct stat st;
    if ((rc == 0 || strcmp(step, "bind") != 0) && lstat(path, &st) == 0) {
        li->dev = st.st_dev;
        li->ino = st.st_ino;
    }
    if (rc < 0)
        listener_free(li);
    else
        rc = listener_add(net, li);
    return rc < 0 ? failed(why, path, step, -rc) : 0;
}

/* --- all --- */

static void warn_backlog(const struct net *net)
{
    char text[32] = {0};
    int fd = open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    long most = n > 0 ? strtol(text, NULL, 10) : 0;
    if (most <= 0 || most >= net->options->tcp_backlog)
        return;
    char wanted[24], limit[24];
    snprintf(wanted, sizeof(wanted), "%" PRId64, net->options->tcp_backlog);
    snprintf(limit, sizeof(limit), "%ld", most);
    log_event(LOG_EVENT_BACKLOG_LOWERED,
              LOG_FIELDS({"MINIREDIS_OPTION", "tcp-backlog"}, {"MINIREDIS_WANTED", wanted},
                         {"MINIREDIS_LIMIT", limit}),
              "tcp-backlog is %s, but net.core.somaxconn bounds it to %s", wanted, limit);
}

static bool is_own_tcp(const struct net_listener *li)
{
    return li->name == NULL && li->address.sa.sa_family != AF_UNIX;
}

static void close_from(struct net *net, uint32_t at)
{
    while (net->listener_count > at)
        listener_remove(net, net->listener_count - 1);
}

int net_listen(struct net *net, struct buf *why)
{
    struct net_plan plan;
    int rc = net_plan_make(&plan, net->options, why);
    if (rc < 0)
        return rc;
    uint32_t before = net->listener_count;
    if (plan.count > 0)
        warn_backlog(net);
    rc = open_missing(net, &plan, why);
    net_plan_done(&plan);
    if (rc == 0 && net->options->unixsocket[0] != '\0')
        rc = open_unix(net, why);
    if (rc < 0)
        close_from(net, before);
    return rc;
}

int net_adopt_listener(struct net *net, int fd, const char *name, struct buf *why)
{
    int listening = 0, type = 0;
    socklen_t len = sizeof(listening);
    int rc = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len);
    len = sizeof(type);
    if (rc == 0)
        rc = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    if (rc < 0)
        return failed(why, name, "getsockopt", errno);
    if (!listening || type != SOCK_STREAM)
        return failed(why, name, "not a listening stream socket", EINVAL);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return failed(why, name, "fcntl", errno);
    struct net_listener *li = listener_new(net, fd, "");
    li->address_len = sizeof(li->address);
    if (getsockname(fd, &li->address.sa, &li->address_len) < 0)
        li->address.sa.sa_family = AF_UNSPEC;
    heap_free(li->word);
    li->word = net_address_text(&li->address, li->address_len);
    li->name = heap_strdup(name);
    tune(net, fd, li->address.sa.sa_family);
    rc = listener_add(net, li);
    return rc < 0 ? failed(why, name, "watch", -rc) : 0;
}

void net_stop_listening(struct net *net)
{
    close_from(net, 0);
    heap_free(net->listeners);
    net->listeners = NULL;
    loop_timer_stop(net->loop, &net->accept_timer);
    net->accept_paused = false;
}

/* --- changed options --- */

/* Marks which of our own TCP listeners PLAN wants and which of its entries are open. */
static void match_plan(struct net *net, struct net_plan *plan)
{
    for (uint32_t i = 0; i < net->listener_count; i++)
        net->listeners[i]->wanted = !is_own_tcp(net->listeners[i]);
    for (size_t p = 0; p < plan->count; p++) {
        struct net_plan_entry *e = &plan->entries[p];
        for (uint32_t i = 0; i < net->listener_count && !e->kept; i++) {
            struct net_listener *li = net->listeners[i];
            if (li->wanted || !net_address_equal(&li->address, &e->address))
                continue;
            li->wanted = e->kept = true;
            heap_free(li->word);
            li->word = heap_strdup(e->word);
        }
    }
}

/* Closes the unwanted ones of [0, END); returns where the range ends then. Where OLD is not NULL it is
 * told what they were. */
static uint32_t close_unwanted(struct net *net, uint32_t end, struct net_plan *old)
{
    for (uint32_t i = 0; i < end;) {
        struct net_listener *li = net->listeners[i];
        if (li->wanted) {
            i++;
            continue;
        }
        if (old != NULL)
            old->entries[old->count++] = (struct net_plan_entry){
                .word = heap_strdup(li->word), .address = li->address, .address_len = li->address_len};
        listener_remove(net, i);
        end--;
    }
    return end;
}

/* An old socket may be in the way of a new one on the same port (127.0.0.1 of *): closes the old
 * ones first, and opens them again if the new ones still cannot be had. */
static int replace_listeners(struct net *net, const struct net_plan *plan, struct buf *why)
{
    struct net_plan old = {.entries = heap_alloc_zero((net->listener_count + 1) * sizeof(*old.entries))};
    uint32_t kept = close_unwanted(net, net->listener_count, &old);
    int rc = open_missing(net, plan, why);
    if (rc < 0) {
        close_from(net, kept);
        struct buf again = {0};
        if (open_missing(net, &old, &again) < 0)
            log_event(LOG_EVENT_LISTEN_LOST, LOG_FIELDS({"MINIREDIS_REASON", buf_cstr(&again)}),
                      "After a change that failed: %s", buf_cstr(&again));
        buf_done(&again);
    }
    for (size_t i = 0; i < old.count; i++)
        heap_free((char *)old.entries[i].word);
    net_plan_done(&old);
    return rc;
}

int net_relisten(struct net *net, struct buf *why)
{
    for (uint32_t i = 0; i < net->listener_count; i++) {
        if (net->listeners[i]->name == NULL)
            continue;
        log_event(LOG_EVENT_BIND_UNUSED, NULL, 0,
                  "The sockets that are listened on were passed; bind and port change nothing");
        return 0;
    }
    struct net_plan plan;
    int rc = net_plan_make(&plan, net->options, why);
    if (rc < 0)
        return rc;
    match_plan(net, &plan);
    uint32_t before = net->listener_count;
    size_t mark = why->len;
    rc = open_missing(net, &plan, why);
    if (rc == 0) {
        close_unwanted(net, before, NULL);
    } else {
        close_from(net, before);
        if (rc == -EADDRINUSE) {
            why->len = mark;
            rc = replace_listeners(net, &plan, why);
        }
    }
    net_plan_done(&plan);
    return rc;
}

/* --- as INFO shows them --- */

/* Our own TCP sockets are one listener, with several addresses. */
static bool is_listed(const struct net *net, uint32_t at)
{
    if (!is_own_tcp(net->listeners[at]))
        return true;
    for (uint32_t i = 0; i < at; i++)
        if (is_own_tcp(net->listeners[i]))
            return false;
    return true;
}

size_t net_listener_count(const struct net *net)
{
    size_t count = 0;
    for (uint32_t i = 0; i < net->listener_count; i++)
        count += is_listed(net, i);
    return count;
}

static void print_listener(const struct net *net, uint32_t at, struct buf *out)
{
    const struct net_listener *li = net->listeners[at];
    bool is_unix = li->address.sa.sa_family == AF_UNIX;
    buf_printf(out, "name=%s,bind=%s", is_unix ? "unix" : "tcp", li->word);
    for (uint32_t i = at + 1; is_own_tcp(li) && i < net->listener_count; i++)
        if (is_own_tcp(net->listeners[i]))
            buf_printf(out, ",bind=%s", net->listeners[i]->word);
    if (!is_unix)
        buf_printf(out, ",port=%u", net_address_port(&li->address));
    if (li->name != NULL)
        buf_printf(out, ",passed=%s", li->name);
}

void net_listener_print(const struct net *net, size_t i, struct buf *out)
{
    for (uint32_t at = 0; at < net->listener_count; at++)
        if (is_listed(net, at) && i-- == 0)
            print_listener(net, at, out);
}

int64_t net_port(const struct net *net)
{
    for (uint32_t i = 0; i < net->listener_count; i++)
        if (net->listeners[i]->name != NULL && net->listeners[i]->address.sa.sa_family != AF_UNIX)
            return net_address_port(&net->listeners[i]->address);
    return net->options->port;
}
