/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Giving back memory when somebody asks for it. What a connection holds between turns
 * is a partial request or an unsent reply; what goes is the room around those, which
 * was taken in the hope of more. Who is busy keeps it, or would only ask for it again.
 */
#include <sys/mman.h>

#include "base/clock.h"
#include "net/net_private.h"

#define SILENT_US 1000000

static void shrink(struct buf *b, size_t *start)
{
    if (b->data == NULL)
        return;
    buf_consume(b, *start);
    *start = 0;
    buf_shrink(b);
}

bool net_give_back(struct net *net, uint32_t *at, uint32_t budget)
{
    if (net->in_turn)
        return false;
    if (*at == 0) {
        if (net->output.len == 0)
            buf_done(&net->output);
        if (net->input != NULL)
            (void)madvise(net->input, NET_INPUT_SIZE, MADV_DONTNEED);
    }
    int64_t now = clock_mono_us();
    for (; *at < net->conns.count && budget > 0; ++*at, budget--) {
        struct net_conn *c = net->conns.items[*at];
        if (now - c->active_us < SILENT_US)
            continue;
        shrink(&c->in, &c->in_start);
        shrink(&c->out, &c->out_start);
    }
    if (*at < net->conns.count)
        return true;
    *at = 0;
    return false;
}
