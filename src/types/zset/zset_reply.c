/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies that list members.
 */
#include "types/zset/zset_cmds.h"

void zset_reply_pair(struct resp_writer *w, const struct zset_item *item, bool pair)
{
    if (pair)
        resp_array(w, 2);
    resp_bulk(w, item->member);
    resp_double(w, item->score);
}

void zset_reply_walk(struct resp_writer *w, struct zset_walk *walk, bool with_scores)
{
    struct zset_item item;
    bool pair = w->version == 3;
    resp_array(w, (size_t)walk->left * (with_scores && !pair ? 2 : 1));
    while (zset_walk_next(walk, &item)) {
        if (with_scores)
            zset_reply_pair(w, &item, pair);
        else
            resp_bulk(w, item.member);
    }
}
