/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other end of a unix socket: real processes at the ends of real sockets. What needs
 * a change of user is tested only as root.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/peer.h"
#include "unit.h"

struct ends {
    int listener, accepted;
    pid_t child;
    int stop; /* closed: the child ends */
};

/* A child that has become UID and GID with GROUPS connects, and stays until ends_done. */
static void ends_init(struct ends *e, uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(sa_family_t);
    int pipes[2];
    e->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Of no given name: the kernel chooses one that is not in the file system. */
    ck_assert_int_eq(bind(e->listener, (struct sockaddr *)&address, len), 0);
    len = sizeof(address);
    ck_assert_int_eq(getsockname(e->listener, (struct sockaddr *)&address, &len), 0);
    ck_assert_int_eq(listen(e->listener, 1), 0);
    ck_assert_int_eq(pipe(pipes), 0);
    e->child = fork();
    if (e->child == 0) {
        char byte;
        close(pipes[1]);
        int s = socket(AF_UNIX, SOCK_STREAM, 0);
        if (geteuid() == 0 &&
            (setgroups(count, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
            _exit(1);
        if (connect(s, (struct sockaddr *)&address, len) < 0)
            _exit(1);
        (void)!read(pipes[0], &byte, 1);
        _exit(0);
    }
    close(pipes[0]);
    e->stop = pipes[1];
    ck_assert_int_gt(e->child, 0);
    e->accepted = accept(e->listener, NULL, NULL);
    ck_assert_int_ge(e->accepted, 0);
}

static void ends_reap(struct ends *e)
{
    int status;
    if (e->child == 0)
        return;
    close(e->stop);
    ck_assert_int_eq(waitpid(e->child, &status, 0), e->child);
    ck_assert_int_eq(status, 0);
    e->child = 0;
}

static void ends_done(struct ends *e)
{
    ends_reap(e);
    close(e->accepted);
    close(e->listener);
}

START_TEST(own_credentials)
{
    struct ends e;
    struct net_peer peer;
    ends_init(&e, getuid(), getgid(), NULL, 0);
    ck_assert_int_eq(net_peer_get(e.accepted, &peer), 0);
    ck_assert_int_eq(peer.uid, getuid());
    ck_assert_int_eq(peer.gid, getgid());
    ck_assert_int_eq(peer.pid, e.child);
    ck_assert(net_peer_in_group(&peer, getgid()));
    ck_assert(!net_peer_in_group(&peer, 4000000));
    net_peer_done(&peer);
    ends_done(&e);
}
END_TEST

START_TEST(another_user)
{
    if (geteuid() != 0)
        return;
    /* More groups than the first guess holds. */
    gid_t groups[200];
    for (unsigned i = 0; i < 200; i++)
        groups[i] = 5000 + i;
    struct ends e;
    struct net_peer peer;
    ends_init(&e, 4242, 4343, groups, 200);
    ck_assert_int_eq(net_peer_get(e.accepted, &peer), 0);
    ck_assert_int_eq(peer.uid, 4242);
    ck_assert_int_eq(peer.gid, 4343);
    ck_assert(net_peer_in_group(&peer, 4343));
    ck_assert(net_peer_in_group(&peer, 5000));
    ck_assert(net_peer_in_group(&peer, 5199));
    ck_assert(!net_peer_in_group(&peer, 5200));
    ck_assert(!net_peer_in_group(&peer, 0));
    net_peer_done(&peer);
    ends_done(&e);
}
END_TEST

START_TEST(pinned_until_it_ends)
{
    struct ends e;
    struct net_peer peer;
    ends_init(&e, getuid(), getgid(), NULL, 0);
    ck_assert_int_eq(net_peer_get(e.accepted, &peer), 0);
    ck_assert(!net_peer_is_pinned(&peer));
    ck_assert_int_eq(net_peer_pin(&peer), 0);
    ck_assert(net_peer_is_pinned(&peer));
    ends_reap(&e);
    ck_assert(!net_peer_is_pinned(&peer));
    net_peer_done(&peer);
    ends_done(&e);
}
END_TEST

START_TEST(gone_before_it_is_pinned)
{
    struct ends e;
    struct net_peer peer;
    ends_init(&e, getuid(), getgid(), NULL, 0);
    ck_assert_int_eq(net_peer_get(e.accepted, &peer), 0);
    ends_reap(&e);
    /* Newer kernels give a descriptor of what is gone, older ones none. */
    int r = net_peer_pin(&peer);
    ck_assert(r == 0 || r == -ESRCH || r == -EINVAL);
    ck_assert(!net_peer_is_pinned(&peer));
    net_peer_done(&peer);
    ends_done(&e);
}
END_TEST

START_TEST(not_a_socket)
{
    struct net_peer peer;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(net_peer_get(ends[0], &peer), -ENOTSOCK);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(maps)
{
    static const char whole[] = "         0          0 4294967295\n";
    static const char private[] = "         0          0          1\n       998        998          1\n";
    ck_assert(net_peer_map_has(whole, 0));
    ck_assert(net_peer_map_has(whole, 65534));
    ck_assert(net_peer_map_has(whole, 4294967294u));
    ck_assert(!net_peer_map_has(whole, 4294967295u));
    ck_assert(net_peer_map_has(private, 0));
    ck_assert(net_peer_map_has(private, 998));
    ck_assert(!net_peer_map_has(private, 997));
    ck_assert(!net_peer_map_has(private, 999));
    ck_assert(!net_peer_map_has(private, 65534));
    ck_assert(!net_peer_map_has("", 0));
    ck_assert(net_peer_id_known(getuid(), false));
    ck_assert(net_peer_id_known(getgid(), true));
}
END_TEST

UNIT_SUITE(net_peer)
{
    tcase_add_test(tc, own_credentials);
    tcase_add_test(tc, another_user);
    tcase_add_test(tc, pinned_until_it_ends);
    tcase_add_test(tc, gone_before_it_is_pinned);
    tcase_add_test(tc, not_a_socket);
    tcase_add_test(tc, maps);
}
