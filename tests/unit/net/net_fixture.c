/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The line service and the peers that talk to it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "net_fixture.h"

static const enum loop_kind kinds[WORLD_KINDS] = {LOOP_POLL, LOOP_EPOLL};

/* --- the service --- */

struct world world;

static void *world_open(void *owner, struct net_conn *conn)
{
    (void)owner;
    if (world.refuse) {
        net_conn_send(conn, "go away\n", 8);
        return NULL;
    }
    struct client *c = heap_alloc_zero(sizeof(*c));
    c->conn = conn;
    if (world.opened < 64)
        world.clients[world.opened] = c;
    world.opened++;
    return c;
}

static bool is(const struct call *call, const char *word)
{
    return call->len > strlen(word) && memcmp(call->start, word, strlen(word)) == 0;
}

static size_t world_parse(void *owner, void *session, const char *data, size_t len)
{
    struct client *c = session;
    (void)owner;
    size_t taken = 0;
    while (taken < len && world.count < WORLD_CALLS && !c->waits) {
        const char *end = memchr(data + taken, '\n', len - taken);
        if (end == NULL)
            break;
        size_t size = (size_t)(end + 1 - (data + taken));
        world.calls[world.count++] = (struct call){c, data + taken, size};
        taken += size;
        if (c->single || is(&world.calls[world.count - 1], "wait"))
            break;
    }
    return taken;
}

static void run_call(const struct call *call, struct buf *out)
{
    struct client *c = call->client;
    if (is(call, "quit")) {
        net_conn_finish(c->conn);
        buf_append_str(out, "bye\n");
    } else if (is(call, "kill")) {
        net_conn_kill(c->conn);
    } else if (is(call, "hold") && !c->held_once) {
        c->held_once = true;
        net_conn_untake(c->conn, call->start);
    } else if (is(call, "yield") && c->yields++ % 2 == 0) {
        net_conn_yield(c->conn, call->start);
    } else if (is(call, "wait")) {
        c->waits = true;
    } else if (is(call, "single")) {
        c->single = true;
        buf_append_str(out, "ok\n");
    } else if (is(call, "big ")) {
        size_t size = strtoul(call->start + 4, NULL, 10);
        char *at = buf_room(out, size);
        for (size_t i = 0; i < size; i++)
            at[i] = (char)('a' + i % 26);
        out->len += size;
    } else if (is(call, "tell ")) {
        /* In the middle of a reply of its own, to the client of that number. */
        buf_append_str(out, "to");
        net_conn_send(world.clients[call->start[5] - '0']->conn, call->start + 7, call->len - 7);
        buf_append_str(out, "ld\n");
    } else if (!is(call, "silent")) {
        buf_append(out, call->start, call->len);
    }
}

static bool is_held(const struct client *c)
{
    return (c->conn->flags & NET_HELD) != 0;
}

static void world_execute(void *owner)
{
    (void)owner;
    world.executes++;
    for (size_t i = 0; i < world.count; i++) {
        struct client *c = world.calls[i].client;
        if (net_conn_closing(c->conn) || is_held(c))
            continue;
        struct buf *out = net_reply_begin(c->conn);
        run_call(&world.calls[i], out);
        net_reply_end(c->conn);
        world.uncommitted++;
    }
    world.count = 0;
}

static void world_commit(void *owner)
{
    (void)owner;
    world.commits++;
    world.uncommitted = 0;
}

static void world_close(void *owner, void *session)
{
    (void)owner;
    world.closed++;
    for (int i = 0; i < 64; i++)
        if (world.clients[i] == session)
            world.clients[i] = NULL;
    heap_free(session);
}

const struct net_service world_service = {
    .open = world_open,
    .parse = world_parse,
    .execute = world_execute,
    .commit = world_commit,
    .close = world_close,
};

/* --- the set-up --- */

bool world_busy(void *owner)
{
    (void)owner;
    return true;
}

void world_setup(struct fixture *f, int kind)
{
    world_setup_for(f, kind, &world_service);
}

void world_setup_for(struct fixture *f, int kind, const struct net_service *service)
{
    memset(f, 0, sizeof(*f));
    memset(&world, 0, sizeof(world));
    log_set_level(LOG_LEVEL_NOTHING);
    f->loop = loop_new(kinds[kind]);
    ck_assert_ptr_nonnull(f->loop);
    f->options = (struct net_options){.tcp_backlog = 64,
                                      .unixsocket = f->path,
                                      .maxclients = 100,
                                      .max_new_per_turn = 10,
                                      .query_buffer_limit = 1 << 30};
    f->options.bind.items = f->bind;
    f->options.output_limits.items = f->limits;
    f->net = net_new(f->loop, &f->options, service);
    loop_add_hook(f->loop, world_busy, NULL);
}

void world_adopt(struct fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    f->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(f->address);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&f->address, len), 0);
    ck_assert_int_eq(listen(fd, 64), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&f->address, &len), 0);
    struct buf why = {0};
    ck_assert_int_eq(net_adopt_listener(f->net, fd, "test", &why), 0);
    buf_done(&why);
}

void world_start(struct fixture *f, int kind)
{
    world_setup(f, kind);
    world_adopt(f);
}

void world_stop(struct fixture *f)
{
    net_free(f->net);
    ck_assert_uint_eq(world.opened, world.closed);
    loop_free(f->loop);
    if (f->dir[0] != '\0')
        rmdir(f->dir);
}

void world_turns(struct fixture *f, int count)
{
    while (count-- > 0)
        loop_turn(f->loop);
}

int peer_dial(struct fixture *f)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

int peer_join(struct fixture *f)
{
    unsigned before = world.opened;
    int fd = peer_dial(f);
    for (int i = 0; i < WORLD_TURNS && world.opened == before; i++)
        loop_turn(f->loop);
    ck_assert_uint_eq(world.opened, before + 1);
    return fd;
}

void peer_say_bytes(struct fixture *f, int fd, const char *data, size_t len)
{
    for (int i = 0; i < WORLD_TURNS && len > 0; i++) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        } else {
            ck_assert_int_eq(errno, EAGAIN);
        }
        if (len > 0)
            loop_turn(f->loop);
    }
    ck_assert_uint_eq(len, 0);
}

void peer_say(struct fixture *f, int fd, const char *text)
{
    peer_say_bytes(f, fd, text, strlen(text));
}

size_t peer_hear(struct fixture *f, int fd, char *out, size_t len, int *error)
{
    size_t got = 0;
    *error = 0;
    for (int i = 0; i < WORLD_TURNS && got < len; i++) {
        ssize_t n = recv(fd, out + got, len - got, 0);
        if (n > 0) {
            got += (size_t)n;
            continue;
        }
        if (n == 0)
            return got;
        if (errno != EAGAIN) {
            *error = errno;
            return got;
        }
        loop_turn(f->loop);
    }
    return got;
}

void peer_expect(struct fixture *f, int fd, const char *text)
{
    char got[512] = {0};
    int error;
    ck_assert_uint_lt(strlen(text), sizeof(got));
    peer_hear(f, fd, got, strlen(text), &error);
    ck_assert_str_eq(got, text);
}

void peer_expect_end(struct fixture *f, int fd)
{
    char more[16] = {0};
    int error;
    ck_assert_uint_eq(peer_hear(f, fd, more, 1, &error), 0);
    ck_assert_int_eq(error, 0);
    close(fd);
}

void peer_expect_nothing(struct fixture *f, int fd)
{
    char more[16];
    world_turns(f, 20);
    ck_assert_int_lt(recv(fd, more, sizeof(more), 0), 0);
    ck_assert_int_eq(errno, EAGAIN);
}

struct net_conn *world_conn(int i)
{
    ck_assert_ptr_nonnull(world.clients[i]);
    return world.clients[i]->conn;
}
