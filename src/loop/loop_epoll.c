/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The epoll(7) back end, level-triggered. Watches live in slots that keep their
 * place; the kernel hands back slot and generation. A new watch is told to the
 * kernel at once, because that can fail, and one that goes too, because its
 * descriptor is about to be closed; changes of what is asked for are collected and
 * told before the next wait, so that one which is taken back costs nothing.
 */
#include <errno.h>
#include <unistd.h>

#include "base/heap.h"
#include "loop/loop_private.h"

#define EVENTS_MAX 256 /* per wait */

static int epoll_open(struct loop *l)
{
    l->epoll = (struct loop_epoll){.fd = epoll_create1(EPOLL_CLOEXEC)};
    if (l->epoll.fd < 0)
        return -errno;
    l->epoll.events = heap_alloc(EVENTS_MAX * sizeof(*l->epoll.events));
    return 0;
}

static void epoll_close(struct loop *l)
{
    if (l->epoll.fd >= 0)
        close(l->epoll.fd);
    heap_free(l->epoll.slots);
    heap_free(l->epoll.dirty);
    heap_free(l->epoll.events);
    l->epoll = (struct loop_epoll){.fd = -1};
}

static uint32_t slot_take(struct loop_epoll *e)
{
    if (e->free != 0) {
        uint32_t at = e->free - 1;
        e->free = e->slots[at].next_free;
        return at;
    }
    if (e->used == e->cap) {
        e->cap = e->cap == 0 ? 32 : e->cap * 2;
        e->slots = heap_realloc(e->slots, e->cap * sizeof(*e->slots));
    }
    e->slots[e->used] = (struct loop_epoll_slot){0};
    return e->used++;
}

static void slot_release(struct loop_epoll *e, uint32_t at)
{
    struct loop_epoll_slot *s = &e->slots[at];
    s->io = NULL;
    s->generation++;
    s->next_free = e->free;
    e->free = at + 1;
}

static int slot_tell(struct loop_epoll *e, uint32_t at, int operation)
{
    struct loop_epoll_slot *s = &e->slots[at];
    struct epoll_event ev = {
        .events = (s->io->events & LOOP_READ ? (unsigned)EPOLLIN : 0) |
                  (s->io->events & LOOP_WRITE ? (unsigned)EPOLLOUT : 0) |
                  (s->io->events & LOOP_PRIORITY ? (unsigned)EPOLLPRI : 0),
        .data.u64 = (uint64_t)s->generation << 32 | at,
    };
    s->told = s->io->events;
    return epoll_ctl(e->fd, operation, s->io->fd, &ev) < 0 ? -errno : 0;
}

static int epoll_add(struct loop *l, struct loop_io *io)
{
    struct loop_epoll *e = &l->epoll;
    uint32_t at = slot_take(e);
    e->slots[at].io = io;
    int rc = slot_tell(e, at, EPOLL_CTL_ADD);
    if (rc < 0) {
        slot_release(e, at);
        return rc;
    }
    io->index = at + 1;
    return 0;
}

static void epoll_change(struct loop *l, struct loop_io *io)
{
    struct loop_epoll *e = &l->epoll;
    struct loop_epoll_slot *s = &e->slots[io->index - 1];
    if (s->dirty)
        return;
    if (e->dirty_count == e->dirty_cap) {
        e->dirty_cap = e->dirty_cap == 0 ? 32 : e->dirty_cap * 2;
        e->dirty = heap_realloc(e->dirty, e->dirty_cap * sizeof(*e->dirty));
    }
    e->dirty[e->dirty_count++] = io->index - 1;
    s->dirty = true;
}

static void epoll_remove(struct loop *l, struct loop_io *io)
{
    struct loop_epoll *e = &l->epoll;
    /* Other holders of the same open file (a descriptor store) keep it watched past the
     * close otherwise. The event argument is for kernels that want one. */
    struct epoll_event none = {0};
    (void)epoll_ctl(e->fd, EPOLL_CTL_DEL, io->fd, &none);
    slot_release(e, io->index - 1);
    io->index = 0;
}

static void tell_changes(struct loop_epoll *e)
{
    for (uint32_t i = 0; i < e->dirty_count; i++) {
        struct loop_epoll_slot *s = &e->slots[e->dirty[i]];
        s->dirty = false;
        /* It cannot fail for what is watched, but for kernel memory that a change does not need. */
        if (s->io != NULL && s->told != s->io->events)
            (void)slot_tell(e, e->dirty[i], EPOLL_CTL_MOD);
    }
    e->dirty_count = 0;
}

static int epoll_wait_events(struct loop *l, int timeout_ms)
{
    struct loop_epoll *e = &l->epoll;
    if (e->dirty_count > 0)
        tell_changes(e);
    int n = epoll_wait(e->fd, e->events, EVENTS_MAX, timeout_ms);
    return n < 0 ? 0 : n;
}

static void epoll_dispatch(struct loop *l, int count)
{
    struct loop_epoll *e = &l->epoll;
    for (int i = 0; i < count; i++) {
        uint64_t tag = e->events[i].data.u64;
        const struct loop_epoll_slot *s = &e->slots[(uint32_t)tag];
        struct loop_io *io = s->io;
        if (io == NULL || s->generation != (uint32_t)(tag >> 32))
            continue;
        uint32_t got = e->events[i].events;
        unsigned events = 0;
        if (got & (EPOLLIN | EPOLLERR | EPOLLHUP))
            events |= LOOP_READ;
        if (got & (EPOLLOUT | EPOLLERR))
            events |= LOOP_WRITE;
        if (got & EPOLLPRI)
            events |= LOOP_PRIORITY;
        events &= io->events;
        if (got & (EPOLLHUP | EPOLLERR))
            events |= LOOP_HANGUP;
        if (events != 0)
            io->fn(io, events);
    }
}

const struct loop_backend loop_epoll_backend = {
    .name = "epoll",
    .open = epoll_open,
    .close = epoll_close,
    .add = epoll_add,
    .change = epoll_change,
    .remove = epoll_remove,
    .wait = epoll_wait_events,
    .dispatch = epoll_dispatch,
};
