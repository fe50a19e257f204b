/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See reload_socket.h.
 *
 * The answer is written without waiting: it is shorter than what a socket's buffer takes
 * at least, so an asker that is slow, or gone, costs nothing and needs no state.
 */
#include "systemd/reload_socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"

#define FILE_NAME  "/reload.sock"
#define BACKLOG    16
#define PACKET_MAX 4096
#define AGAIN_US   100000
#define CUT        "\n(and more)"

/* The address, of the first directory where several are named. 0 or a negated errno; -ENOENT: none is. */
static int find(struct sockaddr_un *out)
{
    const char *folder = getenv("RUNTIME_DIRECTORY");
    size_t len = folder != NULL ? strcspn(folder, ":") : 0;
    if (len == 0)
        return -ENOENT;
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len + sizeof(FILE_NAME) > sizeof(out->sun_path))
        return -ENAMETOOLONG;
    memcpy(out->sun_path, folder, len);
    memcpy(out->sun_path + len, FILE_NAME, sizeof(FILE_NAME));
    return 0;
}

/* Whether whoever is at the other end may be there: the rights of the file say the same, once more. */
static bool is_ours(int fd, pid_t *ret_pid)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *ret_pid = peer.pid;
    return peer.uid == 0 || peer.uid == geteuid();
}

/* --- the server's end --- */

static void answer(struct reload_socket *s, int fd)
{
    pid_t pid;
    struct buf why = {0}, packet = {0};
    if (!is_ours(fd, &pid))
        return;
    buf_append_byte(&packet, (char)s->reload(s->owner, &why));
    if (1 + why.len > PACKET_MAX) {
        buf_append(&packet, why.data, PACKET_MAX - 1 - strlen(CUT));
        buf_append_str(&packet, CUT);
    } else {
        buf_append_slice(&packet, buf_slice(&why));
    }
    (void)!send(fd, packet.data, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    buf_done(&packet);
    buf_done(&why);
}

static void asked(struct loop_io *io, unsigned events)
{
    struct reload_socket *s = (struct reload_socket *)((char *)io - offsetof(struct reload_socket, io));
    (void)events;
    int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        answer(s, fd);
        close(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        /* The asker still waits, and would wake the loop without end. */
        loop_io_set(s->loop, io, 0);
        loop_timer_after(s->loop, &s->again, AGAIN_US);
    }
}

static void look_again(struct loop_timer *timer)
{
    struct reload_socket *s = (struct reload_socket *)((char *)timer - offsetof(struct reload_socket, again));
    loop_io_set(s->loop, &s->io, LOOP_READ);
}

static int listen_at(struct reload_socket *s, const struct sockaddr_un *address)
{
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* The file gets the mode of the descriptor: there is no moment in which others can use it. */
    int r = fchmod(fd, 0600) != 0 ? -errno : 0;
    /* One that a crash has left; the directory is the service's, of which only one runs. */
    if (r == 0 && lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(address->sun_path);
    if (r == 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
        r = -errno;
    if (r == 0 && (lstat(address->sun_path, &st) != 0 || listen(fd, BACKLOG) != 0))
        r = -errno;
    if (r == 0)
        r = loop_io_add(s->loop, &s->io, fd, LOOP_READ);
    if (r < 0) {
        close(fd);
        return r;
    }
    s->path = heap_strdup(address->sun_path);
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return 0;
}

int reload_socket_open(struct reload_socket *s, struct loop *loop,
                       enum reload_verdict (*reload)(void *owner, struct buf *why), void *owner,
                       struct buf *why)
{
    struct sockaddr_un address = {0};
    *s = (struct reload_socket){
        .loop = loop, .io = {.fn = asked}, .again = {.fn = look_again}, .reload = reload, .owner = owner};
    int r = find(&address);
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = listen_at(s, &address);
    if (r < 0)
        buf_printf(why, "%s cannot be listened on: %s",
                   address.sun_path[0] != '\0' ? address.sun_path : "the socket in RUNTIME_DIRECTORY",
                   strerror(-r));
    return r;
}

void reload_socket_close(struct reload_socket *s)
{
    struct stat st;
    if (s->path == NULL)
        return;
    loop_timer_stop(s->loop, &s->again);
    loop_io_remove(s->loop, &s->io);
    close(s->io.fd);
    if (lstat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode)
        (void)unlink(s->path);
    heap_free(s->path);
    s->path = NULL;
}

/* --- the asker's end --- */

static struct timeval until(int64_t end_us)
{
    int64_t left = end_us - clock_mono_now_us();
    if (left < 1)
        left = 1; /* 0 would mean for ever */
    return (struct timeval){.tv_sec = left / 1000000, .tv_usec = left % 1000000};
}

static int set_patience(int fd, int64_t end_us)
{
    struct timeval left = until(end_us);
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof(left)) != 0 ||
                   setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof(left)) != 0
               ? -errno
               : 0;
}

/* Connects, and waits for the packet of up to PACKET_MAX bytes. Its length; 0: the server is gone. */
static ssize_t converse(int fd, const struct sockaddr_un *address, int64_t end_us, char *packet)
{
    const char *named = getenv("MAINPID");
    pid_t pid = 0;
    ssize_t n;
    int r;
    do {
        r = set_patience(fd, end_us) < 0 ||
                    connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0
                ? -errno
                : 0;
    } while (r == -EINTR);
    if (r < 0)
        return r;
    /* 0: a process that cannot be seen from here. */
    if (!is_ours(fd, &pid) || (named != NULL && pid != 0 && strtol(named, NULL, 10) != (long)pid))
        return -EPERM;
    do {
        r = set_patience(fd, end_us);
        n = r < 0 ? r : recv(fd, packet, PACKET_MAX, 0);
    } while (r == 0 && n < 0 && errno == EINTR);
    if (r < 0)
        return r;
    return n < 0 ? (errno == ECONNRESET ? 0 : -errno) : n;
}

static void explain(ssize_t error, const char *path, struct buf *why)
{
    if (error == 0)
        buf_append_str(why, "the server ended before it had answered");
    else if (error == -EAGAIN)
        buf_append_str(why, "the server does not answer");
    else if (error == -EPERM)
        buf_printf(why, "the process that listens on %s is another one than the server", path);
    else if (error == -ENOENT || error == -ECONNREFUSED)
        buf_printf(why, "no server listens on %s", path);
    else
        buf_printf(why, "the server cannot be asked by %s: %s", path, strerror((int)-error));
}

enum reload_verdict reload_socket_ask(int64_t timeout_ms, struct buf *why)
{
    struct sockaddr_un address = {0};
    char packet[PACKET_MAX];
    int r = find(&address);
    if (r < 0) {
        buf_append_str(why, r == -ENOENT ? "RUNTIME_DIRECTORY, which names the directory of the server's "
                                           "socket, is not set"
                                         : "RUNTIME_DIRECTORY is too long for the name of a socket");
        return RELOAD_FAILED;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ssize_t n = fd < 0 ? -errno : converse(fd, &address, clock_mono_now_us() + timeout_ms * 1000, packet);
    if (fd >= 0)
        close(fd);
    if (n <= 0) {
        explain(n, address.sun_path, why);
        return RELOAD_FAILED;
    }
    buf_append(why, packet + 1, (size_t)n - 1);
    switch (packet[0]) {
    case RELOAD_DONE:
        return RELOAD_DONE;
    case RELOAD_FAILED_AND_TOLD:
        return RELOAD_FAILED_AND_TOLD;
    default:
        return RELOAD_FAILED;
    }
}
