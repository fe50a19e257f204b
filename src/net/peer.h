/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is at the other end of a unix socket, as the kernel noted it when that end
 * connected: its effective user and group, its further groups, its process.
 *
 * In a user namespace the kernel shows every id that has no name in there as 65534, so
 * an id says nothing before net_peer_id_known has been asked about it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct net_peer {
    uid_t uid;
    gid_t gid;
    pid_t pid; /* 0: in a process namespace that is not seen from here */
    int fd;    /* of the socket; not owned */
    int pidfd; /* -1 until net_peer_pin */
};

/* Asks the socket FD. 0 and OUT set, to be ended by net_peer_done; or a negated errno. */
int net_peer_get(int fd, struct net_peer *out) MR_MUST_CHECK;
void net_peer_done(struct net_peer *peer);

/* Whether GID is its group or one of its further groups. */
bool net_peer_in_group(const struct net_peer *peer, gid_t gid);

/* Ties PID to the process, so that net_peer_is_pinned can tell afterwards whether the number
 * has still meant the peer. 0; or a negated errno: -ESRCH if the process is gone, -ENOSYS if
 * the kernel has no process descriptors. Before Linux 6.5 the number is all that the socket
 * tells; then one that went to another process of the same user between connecting and this
 * call is not noticed. */
int net_peer_pin(struct net_peer *peer) MR_MUST_CHECK;
/* Whether the pinned process has not ended: what was read of PID up to now was the peer's. */
bool net_peer_is_pinned(const struct net_peer *peer);

/* Whether user (or GROUP) id ID has a meaning in the user namespace of this process. */
bool net_peer_id_known(uint32_t id, bool group);
/* The same, for a map in the text of /proc/self/uid_map. */
bool net_peer_map_has(const char *map, uint32_t id);
