/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The turn, and what is common to both back ends: which one is in use, hooks,
 * signals, the wake-up. Timers are in timer.c.
 *
 * Nothing is allocated in a turn; tables grow when something is added.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "loop/loop_private.h"

#define ASKABLE                      (LOOP_READ | LOOP_WRITE | LOOP_PRIORITY)
#define MEMBER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static void wake_ready(struct loop_io *io, unsigned events)
{
    struct loop *l = MEMBER_OF(io, struct loop, wake_io);
    (void)events;
    uint64_t count;
    (void)!read(io->fd, &count, sizeof(count));
    /* Before the call: what is put down from here on wakes again. */
    atomic_store(&l->woken, false);
    if (l->wake_fn != NULL)
        l->wake_fn(l->wake_owner);
}

static int open_wake(struct loop *l)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    l->wake_io.fn = wake_ready;
    int rc = loop_io_add(l, &l->wake_io, fd, LOOP_READ);
    if (rc < 0)
        close(fd);
    return rc;
}

struct loop *loop_new(enum loop_kind kind)
{
    struct loop *l = heap_alloc_zero(sizeof(*l));
    l->backend = kind == LOOP_EPOLL ? &loop_epoll_backend : &loop_poll_backend;
    l->move_above = kind == LOOP_AUTO ? LOOP_AUTO_LIMIT : UINT32_MAX;
    l->epoll.fd = -1;
    sigemptyset(&l->signal_set);
    clock_update();
    l->woke_us = clock_mono_now_us();
    int rc = l->backend->open(l);
    if (rc == 0)
        rc = open_wake(l);
    if (rc < 0) {
        l->backend->close(l);
        heap_free(l);
        errno = -rc;
        return NULL;
    }
    return l;
}

static void close_io(struct loop *l, struct loop_io *io)
{
    if (io->index == 0)
        return;
    int fd = io->fd;
    loop_io_remove(l, io);
    close(fd);
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    close_io(l, &l->wake_io);
    close_io(l, &l->signal_io);
    if (l->signal_count > 0)
        (void)pthread_sigmask(SIG_UNBLOCK, &l->signal_set, NULL);
    l->backend->close(l);
    loop_timers_done(l);
    heap_free(l->signals);
    heap_free(l->hooks);
    heap_free(l);
}

const char *loop_backend(const struct loop *l)
{
    return l->backend->name;
}

/* --- descriptors --- */

int loop_io_add(struct loop *l, struct loop_io *io, int fd, unsigned events)
{
    assert(io->index == 0);
    io->fd = fd;
    io->events = (uint8_t)(events & ASKABLE);
    int rc = l->backend->add(l, io);
    if (rc == 0)
        l->watched++;
    return rc;
}

void loop_io_set(struct loop *l, struct loop_io *io, unsigned events)
{
    uint8_t wanted = (uint8_t)(events & ASKABLE);
    if (io->index == 0 || io->events == wanted)
        return;
    io->events = wanted;
    l->backend->change(l, io);
}

void loop_io_remove(struct loop *l, struct loop_io *io)
{
    if (io->index == 0)
        return;
    l->backend->remove(l, io);
    l->watched--;
}

/* Takes all watches over to epoll; where that is refused, it stays on poll and tries again at twice
 * as many. */
static void move_to_epoll(struct loop *l)
{
    if (loop_epoll_backend.open(l) < 0) {
        l->move_above *= 2;
        return;
    }
    const struct loop_poll *p = &l->poll;
    uint32_t moved = 0;
    while (moved < p->count && loop_epoll_backend.add(l, p->ios[moved]) == 0)
        moved++;
    if (moved < p->count) {
        for (uint32_t i = 0; i < p->count; i++)
            p->ios[i]->index = i + 1;
        loop_epoll_backend.close(l);
        l->move_above *= 2;
        return;
    }
    loop_poll_backend.close(l);
    l->backend = &loop_epoll_backend;
    l->move_above = UINT32_MAX;
}

/* --- hooks, wake-up, signals --- */

void loop_add_hook(struct loop *l, bool (*fn)(void *owner), void *owner)
{
    l->hooks = heap_realloc(l->hooks, (l->hook_count + 1) * sizeof(*l->hooks));
    l->hooks[l->hook_count++] = (struct loop_hook){fn, owner};
    l->more = true;
}

void loop_remove_hook(struct loop *l, bool (*fn)(void *owner), void *owner)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < l->hook_count; i++)
        if (l->hooks[i].fn != fn || l->hooks[i].owner != owner)
            l->hooks[kept++] = l->hooks[i];
    l->hook_count = kept;
}

void loop_set_wake(struct loop *l, void (*fn)(void *owner), void *owner)
{
    l->wake_fn = fn;
    l->wake_owner = owner;
}

void loop_wake(struct loop *l)
{
    if (atomic_exchange(&l->woken, true))
        return;
    uint64_t one = 1;
    (void)!write(l->wake_io.fd, &one, sizeof(one));
}

static void signal_ready(struct loop_io *io, unsigned events)
{
    struct loop *l = MEMBER_OF(io, struct loop, signal_io);
    (void)events;
    struct signalfd_siginfo info;
    while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        for (uint32_t i = 0; i < l->signal_count; i++) {
            if (l->signals[i].signo == (int)info.ssi_signo) {
                l->signals[i].fn(l->signals[i].owner, l->signals[i].signo);
                break;
            }
        }
    }
}

static int signal_watch(struct loop *l, int signo)
{
    sigset_t one;
    sigemptyset(&one);
    if (sigaddset(&one, signo) < 0)
        return -errno;
    sigaddset(&l->signal_set, signo);
    bool first = l->signal_io.index == 0;
    int fd = signalfd(first ? -1 : l->signal_io.fd, &l->signal_set, SFD_NONBLOCK | SFD_CLOEXEC);
    int rc = fd < 0 ? -errno : 0;
    if (rc == 0 && first) {
        l->signal_io.fn = signal_ready;
        rc = loop_io_add(l, &l->signal_io, fd, LOOP_READ);
        if (rc < 0)
            close(fd);
    }
    if (rc == 0)
        rc = -pthread_sigmask(SIG_BLOCK, &one, NULL);
    return rc;
}

int loop_signal(struct loop *l, int signo, void (*fn)(void *owner, int signo), void *owner)
{
    for (uint32_t i = 0; i < l->signal_count; i++) {
        if (l->signals[i].signo == signo) {
            l->signals[i].fn = fn;
            l->signals[i].owner = owner;
            return 0;
        }
    }
    int rc = signal_watch(l, signo);
    if (rc < 0)
        return rc;
    l->signals = heap_realloc(l->signals, (l->signal_count + 1) * sizeof(*l->signals));
    l->signals[l->signal_count++] = (struct loop_signal){signo, fn, owner};
    return 0;
}

/* --- the turn --- */

void loop_turn(struct loop *l)
{
    if (l->watched > l->move_above)
        move_to_epoll(l);
    int64_t now = clock_mono_now_us();
    l->busy_us += (uint64_t)(now - l->woke_us);
    int count = l->backend->wait(l, l->more ? 0 : loop_timers_wait_ms(l, now));
    clock_update();
    l->woke_us = clock_mono_us();
    l->turns++;
    if (count > 0)
        l->backend->dispatch(l, count);
    if (l->timer_count > 0)
        loop_timers_run(l, l->woke_us);
    l->more = false;
    for (uint32_t i = 0; i < l->hook_count; i++)
        l->more |= l->hooks[i].fn(l->hooks[i].owner);
}

void loop_run(struct loop *l)
{
    while (!l->stopped)
        loop_turn(l);
    l->stopped = false;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

uint64_t loop_turns(const struct loop *l)
{
    return l->turns;
}

uint64_t loop_busy_us(const struct loop *l)
{
    return l->busy_us;
}
