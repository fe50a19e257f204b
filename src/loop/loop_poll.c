/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The poll(2) back end: the reference. One dense array for the kernel, one of the
 * watches beside it, every change O(1).
 *
 * Events are handled from the end of the array to its front. What goes is replaced
 * by the last one, which is then either handled already or new in this turn; as an
 * entry's result is cleared before its handler runs, nothing is handled twice and
 * nothing is missed, whatever handlers add and remove.
 */
#include <errno.h>

#include "base/heap.h"
#include "loop/loop_private.h"

static int poll_open(struct loop *l)
{
    l->poll = (struct loop_poll){0};
    return 0;
}

static void poll_close(struct loop *l)
{
    heap_free(l->poll.fds);
    heap_free(l->poll.ios);
    l->poll = (struct loop_poll){0};
}

static short poll_events(const struct loop_io *io)
{
    return (short)((io->events & LOOP_READ ? POLLIN : 0) | (io->events & LOOP_WRITE ? POLLOUT : 0) |
                   (io->events & LOOP_PRIORITY ? POLLPRI : 0));
}

static int poll_add(struct loop *l, struct loop_io *io)
{
    struct loop_poll *p = &l->poll;
    if (p->count == p->cap) {
        p->cap = p->cap == 0 ? 32 : p->cap * 2;
        p->fds = heap_realloc(p->fds, p->cap * sizeof(*p->fds));
        p->ios = heap_realloc(p->ios, p->cap * sizeof(*p->ios));
    }
    p->fds[p->count] = (struct pollfd){.fd = io->fd, .events = poll_events(io)};
    p->ios[p->count] = io;
    io->index = ++p->count;
    return 0;
}

static void poll_change(struct loop *l, struct loop_io *io)
{
    l->poll.fds[io->index - 1].events = poll_events(io);
}

static void poll_remove(struct loop *l, struct loop_io *io)
{
    struct loop_poll *p = &l->poll;
    uint32_t at = io->index - 1;
    uint32_t last = --p->count;
    if (at != last) {
        p->fds[at] = p->fds[last];
        p->ios[at] = p->ios[last];
        p->ios[at]->index = at + 1;
    }
    io->index = 0;
}

static int poll_wait(struct loop *l, int timeout_ms)
{
    int n = poll(l->poll.fds, l->poll.count, timeout_ms);
    return n < 0 ? 0 : n;
}

static void poll_dispatch(struct loop *l, int count)
{
    struct loop_poll *p = &l->poll;
    for (uint32_t i = p->count; i-- > 0 && count > 0;) {
        /* A handler may have shortened the array below this place. */
        if (i >= p->count || p->fds[i].revents == 0)
            continue;
        unsigned revents = (unsigned)p->fds[i].revents;
        p->fds[i].revents = 0;
        count--;
        struct loop_io *io = p->ios[i];
        unsigned events = 0;
        if (revents & (POLLIN | POLLERR | POLLHUP | POLLNVAL))
            events |= LOOP_READ;
        if (revents & (POLLOUT | POLLERR))
            events |= LOOP_WRITE;
        if (revents & POLLPRI)
            events |= LOOP_PRIORITY;
        events &= io->events;
        if (revents & (POLLHUP | POLLERR | POLLNVAL))
            events |= LOOP_HANGUP;
        if (events != 0)
            io->fn(io, events);
    }
}

const struct loop_backend loop_poll_backend = {
    .name = "poll",
    .open = poll_open,
    .close = poll_close,
    .add = poll_add,
    .change = poll_change,
    .remove = poll_remove,
    .wait = poll_wait,
    .dispatch = poll_dispatch,
};
