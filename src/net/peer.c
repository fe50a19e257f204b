/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See peer.h. Numbers of socket options and calls that the C library's headers may be
 * too old for stand here; the kernel says by itself whether it has them.
 */
#include "net/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/heap.h"

#ifndef SO_PEERPIDFD
#if defined(__hppa__)
#define SO_PEERPIDFD 0x404B
#elif defined(__sparc__)
#define SO_PEERPIDFD 0x0056
#else
#define SO_PEERPIDFD 77
#endif
#endif

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define GROUPS_GUESS     64
#define GROUPS_MAX_BYTES (1024 * 1024) /* the kernel's own limit is 65536 groups */
#define NOBODY           65534

int net_peer_get(int fd, struct net_peer *out)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -errno;
    if (len != sizeof(cred))
        return -EINVAL;
    *out = (struct net_peer){.uid = cred.uid, .gid = cred.gid, .pid = cred.pid, .fd = fd, .pidfd = -1};
    return 0;
}

void net_peer_done(struct net_peer *peer)
{
    if (peer->pidfd >= 0)
        close(peer->pidfd);
    peer->pidfd = -1;
}

bool net_peer_in_group(const struct net_peer *peer, gid_t gid)
{
    if (peer->gid == gid)
        return true;
    gid_t few[GROUPS_GUESS], *groups = few;
    socklen_t len = sizeof(few);
    int r = getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
    if (r < 0 && errno == ERANGE && len <= GROUPS_MAX_BYTES) {
        groups = heap_alloc(len);
        r = getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
    }
    bool found = false;
    for (size_t i = 0; r == 0 && !found && i < len / sizeof(gid_t); i++)
        found = groups[i] == gid;
    if (groups != few)
        heap_free(groups);
    return found;
}

/* A number that has gone to a stranger since is mostly given away by the owner of its
 * directory; that is root also for a process that has changed its user. */
static bool owner_fits(const struct net_peer *peer)
{
    char path[32];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%d", (int)peer->pid);
    return stat(path, &st) < 0 || st.st_uid == peer->uid || st.st_uid == 0;
}

int net_peer_pin(struct net_peer *peer)
{
    int pidfd = -1;
    socklen_t len = sizeof(pidfd);
    if (peer->pid <= 0)
        return -ESRCH;
    if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0) {
        peer->pidfd = pidfd;
        return 0;
    }
    if (errno != ENOPROTOOPT)
        return errno == ENODATA ? -ESRCH : -errno;
    pidfd = (int)syscall(SYS_pidfd_open, peer->pid, 0);
    if (pidfd < 0)
        return -errno;
    peer->pidfd = pidfd;
    return owner_fits(peer) ? 0 : -ESRCH;
}

bool net_peer_is_pinned(const struct net_peer *peer)
{
    struct pollfd p = {.fd = peer->pidfd, .events = POLLIN};
    return peer->pidfd >= 0 && poll(&p, 1, 0) == 0;
}

bool net_peer_map_has(const char *map, uint32_t id)
{
    uint64_t inside, outside, count;
    int taken;
    for (; sscanf(map, " %" SCNu64 " %" SCNu64 " %" SCNu64 "%n", &inside, &outside, &count, &taken) == 3;
         map += taken)
        if (id >= inside && id - inside < count)
            return true;
    return false;
}

bool net_peer_id_known(uint32_t id, bool group)
{
    char map[4096];
    int fd = open(group ? "/proc/self/gid_map" : "/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, map, sizeof(map) - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return id != NOBODY;
    map[n] = '\0';
    return net_peer_map_has(map, id);
}
