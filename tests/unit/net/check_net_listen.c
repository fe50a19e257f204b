/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listeners: what is opened, what is refused, and the change of both at run time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net_fixture.h"

static int free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    close(fd);
    return ntohs(in.sin_port);
}

static bool answers(const char *host, int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &in.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0;
    close(fd);
    return ok;
}

static void set_bind(struct fixture *f, const char *a, const char *b)
{
    f->options.bind.count = 0;
    if (a != NULL)
        f->bind[f->options.bind.count++] = (char *)a;
    if (b != NULL)
        f->bind[f->options.bind.count++] = (char *)b;
}

static void expect_listener(struct fixture *f, size_t i, const char *fmt, int port)
{
    char wanted[256];
    snprintf(wanted, sizeof(wanted), fmt, port);
    struct buf out = {0};
    net_listener_print(f->net, i, &out);
    ck_assert_str_eq(buf_cstr(&out), wanted);
    buf_done(&out);
}

START_TEST(listens_where_told)
{
    struct fixture f;
    world_setup(&f, _i);
    int port = free_port();
    f.options.port = port;
    f.options.tcp_keepalive = 90;
    set_bind(&f, "127.0.0.1", "-198.51.100.7"); /* the second is not on this machine */
    struct buf why = {0};
    ck_assert_int_eq(net_listen(f.net, &why), 0);
    ck_assert_uint_eq(why.len, 0);
    buf_done(&why);
    ck_assert_uint_eq(net_listener_count(f.net), 1);
    expect_listener(&f, 0, "name=tcp,bind=127.0.0.1,port=%d", port);
    f.address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = peer_join(&f), value = 0;
    socklen_t len = sizeof(value);
    int served = net_conn_fd(world_conn(0));
    getsockopt(served, IPPROTO_TCP, TCP_NODELAY, &value, &len);
    ck_assert_int_ne(value, 0);
    getsockopt(served, IPPROTO_TCP, TCP_KEEPIDLE, &value, &len);
    ck_assert_int_eq(value, 90);
    getsockopt(served, SOL_SOCKET, SO_KEEPALIVE, &value, &len);
    ck_assert_int_ne(value, 0);
    ck_assert_int_ne(fcntl(served, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(served, F_GETFD) & FD_CLOEXEC, 0);
    char text[128], wanted[128];
    struct sockaddr_in mine;
    len = sizeof(mine);
    getsockname(fd, (struct sockaddr *)&mine, &len);
    snprintf(wanted, sizeof(wanted), "127.0.0.1:%d", ntohs(mine.sin_port));
    net_conn_peer(world_conn(0), text, sizeof(text));
    ck_assert_str_eq(text, wanted);
    snprintf(wanted, sizeof(wanted), "127.0.0.1:%d", port);
    net_conn_local(world_conn(0), text, sizeof(text));
    ck_assert_str_eq(text, wanted);
    ck_assert(net_conn_is_local(world_conn(0)));
    ck_assert(!net_conn_is_unix(world_conn(0)));
    net_stop_listening(f.net);
    ck_assert(!answers("127.0.0.1", port));
    peer_say(&f, fd, "goes on\n");
    peer_expect(&f, fd, "goes on\n");
    close(fd);
    world_stop(&f);
}
END_TEST

START_TEST(listen_says_why_not)
{
    struct fixture f;
    world_setup(&f, _i);
    f.options.port = free_port();
    set_bind(&f, "127.0.0.1", "198.51.100.7");
    struct buf why = {0};
    ck_assert_int_eq(net_listen(f.net, &why), -EADDRNOTAVAIL);
    char wanted[128];
    snprintf(wanted, sizeof(wanted),
             "cannot listen on 198.51.100.7 port %d: bind: Cannot assign requested address",
             (int)f.options.port);
    ck_assert_str_eq(buf_cstr(&why), wanted);
    ck_assert_uint_eq(net_listener_count(f.net), 0);
    ck_assert(!answers("127.0.0.1", (int)f.options.port));
    buf_done(&why);
    world_stop(&f);
}
END_TEST

START_TEST(relisten_is_all_or_nothing)
{
    struct fixture f;
    world_setup(&f, _i);
    int port = free_port();
    f.options.port = port;
    set_bind(&f, "127.0.0.1", NULL);
    struct buf why = {0};
    ck_assert_int_eq(net_listen(f.net, &why), 0);
    int kept = f.net->listeners[0]->io.fd;
    set_bind(&f, "127.0.0.1", "127.0.0.2");
    ck_assert_int_eq(net_relisten(f.net, &why), 0);
    expect_listener(&f, 0, "name=tcp,bind=127.0.0.1,bind=127.0.0.2,port=%d", port);
    ck_assert_int_eq(f.net->listeners[0]->io.fd, kept);
    ck_assert(answers("127.0.0.2", port));
    /* Two of one address, and one that is not here. */
    set_bind(&f, "127.0.0.3", "127.0.0.3");
    ck_assert_int_eq(net_relisten(f.net, &why), -EADDRINUSE);
    ck_assert_uint_gt(why.len, 0);
    set_bind(&f, "127.0.0.3", "198.51.100.7");
    ck_assert_int_lt(net_relisten(f.net, &why), 0);
    expect_listener(&f, 0, "name=tcp,bind=127.0.0.1,bind=127.0.0.2,port=%d", port);
    ck_assert(answers("127.0.0.1", port));
    ck_assert(answers("127.0.0.2", port));
    ck_assert(!answers("127.0.0.3", port));
    /* The old ones are in the way of the new one. */
    set_bind(&f, "*", NULL);
    ck_assert_int_eq(net_relisten(f.net, &why), 0);
    expect_listener(&f, 0, "name=tcp,bind=*,port=%d", port);
    ck_assert(answers("127.0.0.3", port));
    int moved = free_port();
    f.options.port = moved;
    ck_assert_int_eq(net_relisten(f.net, &why), 0);
    ck_assert(answers("127.0.0.1", moved));
    ck_assert(!answers("127.0.0.1", port));
    set_bind(&f, NULL, NULL);
    ck_assert_int_eq(net_relisten(f.net, &why), 0);
    ck_assert_uint_eq(net_listener_count(f.net), 0);
    world_turns(&f, 20);
    buf_done(&why);
    world_stop(&f);
}
END_TEST

static void use_path(struct fixture *f)
{
    snprintf(f->dir, sizeof(f->dir), "/tmp/check_net.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
}

static int dial_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

START_TEST(unix_socket)
{
    struct fixture f;
    world_setup(&f, _i);
    use_path(&f);
    /* A file that a dead server left. */
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", f.path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(dead, (struct sockaddr *)&un, sizeof(un)), 0);
    close(dead);
    f.options.unixsocketperm = 0660;
    struct buf why = {0};
    ck_assert_int_eq(net_listen(f.net, &why), 0);
    struct stat st;
    ck_assert_int_eq(stat(f.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0660);
    char wanted[256];
    snprintf(wanted, sizeof(wanted), "name=unix,bind=%s", f.path);
    expect_listener(&f, 0, wanted, 0);
    int fd = dial_unix(f.path);
    peer_say(&f, fd, "hello\n");
    peer_expect(&f, fd, "hello\n");
    char text[128];
    net_conn_peer(world_conn(0), text, sizeof(text));
    snprintf(wanted, sizeof(wanted), "%s:0", f.path);
    ck_assert_str_eq(text, wanted);
    net_conn_local(world_conn(0), text, sizeof(text));
    ck_assert_str_eq(text, wanted);
    ck_assert(net_conn_is_unix(world_conn(0)));
    ck_assert(net_conn_is_local(world_conn(0)));
    /* A second server does not take a live one's place. */
    struct net *second = net_new(f.loop, &f.options, &world_service);
    ck_assert_int_eq(net_listen(second, &why), -EADDRINUSE);
    net_free(second);
    ck_assert_int_eq(stat(f.path, &st), 0);
    net_stop_listening(f.net);
    ck_assert_int_lt(stat(f.path, &st), 0);
    close(fd);
    buf_done(&why);
    world_stop(&f);
}
END_TEST

START_TEST(unix_socket_spares_other_files)
{
    struct fixture f;
    world_setup(&f, _i);
    use_path(&f);
    int fd = open(f.path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    struct buf why = {0};
    ck_assert_int_eq(net_listen(f.net, &why), -EEXIST);
    struct stat st;
    ck_assert_int_eq(stat(f.path, &st), 0);
    unlink(f.path);
    buf_done(&why);
    why = (struct buf){0};
    ck_assert_int_eq(net_listen(f.net, &why), 0);
    /* Somebody else's now. */
    unlink(f.path);
    fd = open(f.path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    net_stop_listening(f.net);
    ck_assert_int_eq(stat(f.path, &st), 0);
    unlink(f.path);
    buf_done(&why);
    world_stop(&f);
}
END_TEST

START_TEST(adopts_only_listeners)
{
    struct fixture f;
    world_start(&f, _i);
    struct buf why = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_lt(net_adopt_listener(f.net, fd, "x", &why), 0);
    ck_assert_uint_gt(why.len, 0);
    close(fd);
    expect_listener(&f, 0, "name=tcp,bind=127.0.0.1,port=%d,passed=test", ntohs(f.address.sin_port));
    /* Changed options do not touch it. */
    f.options.port = free_port();
    set_bind(&f, "127.0.0.1", NULL);
    ck_assert_int_eq(net_relisten(f.net, &why), 0);
    ck_assert_uint_eq(net_listener_count(f.net), 1);
    ck_assert_int_eq(net_port(f.net), ntohs(f.address.sin_port));
    buf_done(&why);
    world_stop(&f);
}
END_TEST

UNIT_SUITE(net_listen)
{
    tcase_add_loop_test(tc, listens_where_told, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, listen_says_why_not, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, relisten_is_all_or_nothing, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, unix_socket, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, unix_socket_spares_other_files, 0, WORLD_KINDS);
    tcase_add_loop_test(tc, adopts_only_listeners, 0, WORLD_KINDS);
}
