/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What maxmemory comes to.
 *
 * Headroom is what the process holds beyond what counts: free room in the arena's pages,
 * the program itself, the kernel's share of sockets and page tables. Without a limit of
 * its own it shares the machine with everything else, and leaves more.
 */
#include <inttypes.h>
#include <sys/sysinfo.h>

#include "base/number.h"
#include "features/memory/memory_private.h"
#include "systemd/cgroup.h"

#define SHARE_OF_GROUP 10
#define SHARE_OF_RAM   5
#define HEADROOM_LEAST ((uint64_t)64 << 20)
#define LIMIT_LEAST    ((uint64_t)1 << 20)

uint64_t memory_of_machine(void)
{
    struct sysinfo si;
    return sysinfo(&si) == 0 ? (uint64_t)si.totalram * si.mem_unit : 0;
}

static void size(struct buf *out, uint64_t bytes)
{
    char text[NUMBER_TEXT_MAX];
    buf_append(out, text, number_human_size(text, bytes));
}

static uint64_t less_headroom(uint64_t bytes, uint64_t share, struct buf *reason)
{
    uint64_t headroom = bytes / share;
    if (headroom < HEADROOM_LEAST)
        headroom = HEADROOM_LEAST < bytes / 2 ? HEADROOM_LEAST : bytes / 2;
    buf_append_str(reason, ", less ");
    size(reason, headroom);
    buf_append_str(reason, " of headroom");
    uint64_t limit = bytes - headroom;
    return limit < LIMIT_LEAST ? LIMIT_LEAST : limit;
}

uint64_t memory_limit(int64_t setting, const char *root, uint64_t ram, struct buf *reason)
{
    struct cgroup_limit group;
    if (setting != MEMORY_AUTO) {
        buf_append_str(reason, "as maxmemory says");
        return (uint64_t)setting;
    }
    /* A group that may use more than there is is not what limits it. */
    if (cgroup_memory_limit(root, &group) && (ram == 0 || group.bytes < ram)) {
        buf_append_str(reason, "auto: ");
        size(reason, group.bytes);
        buf_printf(reason, " by %s", group.file);
        return less_headroom(group.bytes, SHARE_OF_GROUP, reason);
    }
    if (ram == 0) {
        buf_append_str(reason, "auto: neither a limit nor the machine's memory is known");
        return 0;
    }
    buf_append_str(reason, "auto: the machine has ");
    size(reason, ram);
    return less_headroom(ram, SHARE_OF_RAM, reason);
}
