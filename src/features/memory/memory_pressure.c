/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pressure: hearing of it, and giving back.
 *
 * A service manager that wants to say where to listen sets MEMORY_PRESSURE_WATCH: a file
 * of pressure, where a trigger is written (MEMORY_PRESSURE_WRITE, in base64) and an
 * exceptional event follows; a FIFO or a socket, where bytes come; or /dev/null: do not.
 * Without it the process tries the memory.pressure file of its own group. A trigger needs the right
 * to write there, which a service's user has only where its manager gives it (MemoryPressureWatch=,
 * systemd 254), and in a sandbox with ProtectControlGroups= nobody has. Then the file is read every
 * few seconds: what tasks have waited for memory since the last look is the same sign, only later.
 *
 * A round goes through the arena, the clients' buffers, the heap, in slices at the end of
 * turns, so that nobody waits for more than one slice. Rounds keep a distance: the next
 * sign in between is answered when it is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "command/dispatch.h"
#include "features/memory/memory_private.h"
#include "keyspace/defrag.h"
#include "keyspace/keyspace.h"
#include "net/net.h"
#include "systemd/cgroup.h"

/* Some task has waited for memory for 200 ms of 2 s; the window is the one that a process
 * without privileges may ask for. */
#define OWN_TRIGGER   "some 200000 2000000"
#define OWN_AFTER_US  1000000
#define WAITED_US     200000  /* the same as the trigger's, in READ_US */
#define READ_US       5000000 /* between two looks at a file that cannot be watched */
#define TRIGGER_MAX   256
#define ROUND_US      1000000  /* between the end of a round and the next one */
#define TOLD_US       10000000 /* between two lines of the log */
#define ARENA_SLICE   ((size_t)8 << 20)
#define CLIENTS_SLICE 1000
#define PURGE_US      5000 /* that the command itself may take */
#define READS_MAX     16   /* of what a FIFO or a socket says, per turn */

#define MEMBER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* --- giving back --- */

static void begin_round(struct memory *m, bool asked)
{
    struct memory_pressure *p = &m->pressure;
    p->stage = MEMORY_ARENA;
    p->asked = asked;
    p->resident = memory_resident();
    p->conn = 0;
    if (!asked)
        p->rounds++;
}

static void wanted(struct memory *m)
{
    struct memory_pressure *p = &m->pressure;
    p->events++;
    if (p->asked && p->stage != MEMORY_AT_REST) { /* it then is one of the pressure's */
        begin_round(m, false);
        return;
    }
    if (p->stage != MEMORY_AT_REST || p->again.index != 0)
        return;
    int64_t since = clock_mono_us() - p->ended_us;
    if (p->ended_us != 0 && since < ROUND_US)
        loop_timer_after(m->loop, &p->again, ROUND_US - since);
    else
        begin_round(m, false);
}

static void due_again(struct loop_timer *timer)
{
    begin_round(MEMBER_OF(timer, struct memory, pressure.again), false);
}

static void end_round(struct memory *m)
{
    struct memory_pressure *p = &m->pressure;
    size_t now = memory_resident();
    size_t given = p->resident > now ? p->resident - now : 0;
    p->stage = MEMORY_AT_REST;
    if (p->asked)
        return;
    p->ended_us = clock_mono_us();
    p->given += given;
    p->untold_bytes += given;
    p->untold_rounds++;
    if (p->told_us != 0 && p->ended_us - p->told_us < TOLD_US)
        return;
    char gone[NUMBER_TEXT_MAX], left[NUMBER_TEXT_MAX], bytes[NUMBER_TEXT_MAX];
    gone[number_human_size(gone, p->untold_bytes)] = '\0';
    left[number_human_size(left, now)] = '\0';
    bytes[number_from_uint(bytes, p->untold_bytes)] = '\0';
    log_event(LOG_EVENT_MEMORY_PRESSURE, LOG_FIELDS({"MINIREDIS_BYTES", bytes}),
              "Memory is short on this machine: %s given back%s, %s resident", gone,
              p->untold_rounds > 1 ? " since this was last said" : "", left);
    p->told_us = p->ended_us;
    p->untold_bytes = p->untold_rounds = 0;
}

bool memory_pressure_step(struct memory *m)
{
    struct memory_pressure *p = &m->pressure;
    struct keyspace *ks = dispatch_keyspace(m->dispatch);
    size_t given;
    switch (p->stage) {
    case MEMORY_ARENA:
        given = arena_trim(keyspace_arena(ks), ARENA_SLICE);
        /* What was deleted comes free little by little; the loop has no rest until then. */
        if (given < ARENA_SLICE && !keyspace_is_freeing(ks))
            p->stage = MEMORY_CLIENTS;
        return true;
    case MEMORY_CLIENTS:
        if (!net_give_back(m->net, &p->conn, CLIENTS_SLICE))
            p->stage = MEMORY_HEAP;
        return true;
    case MEMORY_HEAP:
#ifdef __GLIBC__
        (void)malloc_trim(0);
#endif
        end_round(m);
        return false;
    case MEMORY_AT_REST:
        break;
    }
    return false;
}

/* The clients' buffers are in use while a command is executed: they come at the end of the turn. */
void memory_purge(struct memory *m)
{
    struct memory_pressure *p = &m->pressure;
    struct keyspace *ks = dispatch_keyspace(m->dispatch);
    int64_t end = clock_mono_now_us() + PURGE_US;
    (void)defrag_effort(ks, true);
    if (p->stage == MEMORY_AT_REST)
        begin_round(m, true);
    while (arena_trim(keyspace_arena(ks), ARENA_SLICE) == ARENA_SLICE && clock_mono_now_us() < end)
        continue;
}

/* --- listening --- */

static void unwatch(struct memory *m)
{
    struct memory_pressure *p = &m->pressure;
    if (p->source == MEMORY_SOURCE_NONE)
        return;
    if (p->source != MEMORY_SOURCE_CGROUP_READ)
        loop_io_remove(m->loop, &p->io);
    close(p->io.fd);
    p->source = MEMORY_SOURCE_NONE;
}

/* What is said on a FIFO or a socket means nothing but that it is said. True if there was
 * any; false, and *OVER set, when no more can come. */
static bool swallow(int fd, bool *over)
{
    char bytes[512];
    bool any = false;
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n > 0) {
            any = true;
            continue;
        }
        *over = n == 0 || (errno != EAGAIN && errno != EINTR);
        break;
    }
    return any;
}

static void ready(struct loop_io *io, unsigned events)
{
    struct memory *m = MEMBER_OF(io, struct memory, pressure.io);
    bool over = (events & LOOP_HANGUP) != 0, said = (events & LOOP_PRIORITY) != 0;
    if ((events & LOOP_READ) != 0) {
        over = false; /* what was said before the end is read first */
        said = swallow(io->fd, &over);
    }
    if (said)
        wanted(m);
    if (over) {
        unwatch(m);
        log_event(LOG_EVENT_PRESSURE_UNWATCHED, NULL, 0,
                  "Nothing more will be heard of memory pressure: the other side has closed");
    }
}

static int watch(struct memory *m, int fd, unsigned events, enum memory_source source)
{
    struct memory_pressure *p = &m->pressure;
    p->io.fn = ready;
    int r = loop_io_add(m->loop, &p->io, fd, events);
    if (r < 0) {
        close(fd);
        return r;
    }
    p->source = source;
    return 0;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* The bytes of TEXT, in base64, into OUT of TRIGGER_MAX bytes; their number, or -EINVAL. */
static ssize_t decode(const char *text, char *out)
{
    size_t len = 0, padding = 0, i = 0;
    uint32_t bits = 0;
    for (; text[i] != '\0'; i++) {
        int digit = base64_digit(text[i]);
        if (text[i] == '=' && i % 4 >= 2)
            padding++;
        else if (digit < 0 || padding > 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)(digit < 0 ? 0 : digit);
        if (i % 4 != 3)
            continue;
        if (len + 3 > TRIGGER_MAX)
            return -EINVAL;
        out[len++] = (char)(bits >> 16);
        out[len++] = (char)(bits >> 8);
        out[len++] = (char)bits;
    }
    if (i % 4 != 0 || padding > 2)
        return -EINVAL;
    return (ssize_t)(len - padding);
}

/* All of it or nothing: these are a few bytes. */
static int put(int fd, const char *bytes, size_t len)
{
    ssize_t n = len > 0 ? write(fd, bytes, len) : 0;
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}

static int watch_file(struct memory *m, const char *path, const char *trigger, size_t len,
                      enum memory_source source)
{
    struct statfs where;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = fstatfs(fd, &where) < 0 ? -errno : 0;
    /* Any other file would be always ready, or refused by epoll. */
    if (r == 0 && where.f_type != CGROUP2_SUPER_MAGIC && where.f_type != PROC_SUPER_MAGIC)
        r = -EBADF;
    if (r == 0)
        r = put(fd, trigger, len);
    if (r == 0)
        return watch(m, fd, LOOP_PRIORITY, source);
    close(fd);
    return r;
}

static int watch_fifo(struct memory *m, const char *path)
{
    /* For writing too where that is allowed, so that one writer's end is not the end. */
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? -errno : watch(m, fd, LOOP_READ, MEMORY_SOURCE_MANAGER);
}

static int watch_socket(struct memory *m, const char *path, const char *trigger, size_t len)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    memcpy(to.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = connect(fd, (const struct sockaddr *)&to, sizeof to) < 0 ? -errno : 0;
    if (r == 0)
        r = put(fd, trigger, len);
    if (r == 0)
        return watch(m, fd, LOOP_READ, MEMORY_SOURCE_MANAGER);
    close(fd);
    return r;
}

static int watch_named(struct memory *m, const char *path)
{
    const char *text = getenv("MEMORY_PRESSURE_WRITE");
    char trigger[TRIGGER_MAX];
    ssize_t len = text != NULL ? decode(text, trigger) : 0;
    struct stat st;
    if (len < 0 || path[0] != '/')
        return -EINVAL;
    if (stat(path, &st) < 0)
        return -errno;
    if (S_ISREG(st.st_mode))
        return watch_file(m, path, trigger, (size_t)len, MEMORY_SOURCE_MANAGER);
    if (S_ISFIFO(st.st_mode))
        return watch_fifo(m, path);
    if (S_ISSOCK(st.st_mode))
        return watch_socket(m, path, trigger, (size_t)len);
    return -EBADF;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234" is the first line: *US is the 1234. */
static int read_waited(int fd, uint64_t *us)
{
    char text[256];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    const char *total = strstr(text, " total=");
    return strncmp(text, "some ", 5) == 0 && total != NULL && number_to_uint(slice_str(total + 7), us)
               ? 0
               : -EBADMSG;
}

static void read_again(struct loop_timer *timer)
{
    struct memory *m = MEMBER_OF(timer, struct memory, pressure.own);
    struct memory_pressure *p = &m->pressure;
    uint64_t before = p->waited_us;
    int r = read_waited(p->io.fd, &p->waited_us);
    if (r < 0) {
        unwatch(m);
        log_event(LOG_EVENT_PRESSURE_UNWATCHED, NULL, 0, "Memory pressure is not watched any more: %s",
                  error_phrase(r));
        return;
    }
    if (p->waited_us - before >= WAITED_US)
        wanted(m);
    loop_timer_after(m->loop, timer, READ_US);
}

static int begin_reading(struct memory *m, const char *path)
{
    struct memory_pressure *p = &m->pressure;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int r = fd < 0 ? -errno : read_waited(fd, &p->waited_us);
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return r;
    }
    p->io.fd = fd;
    p->source = MEMORY_SOURCE_CGROUP_READ;
    p->own.fn = read_again;
    loop_timer_after(m->loop, &p->own, READ_US);
    return 0;
}

static void watch_own(struct loop_timer *timer)
{
    struct memory *m = MEMBER_OF(timer, struct memory, pressure.own);
    char path[CGROUP_PATH_MAX];
    if (!cgroup_pressure_file("", path, sizeof path) ||
        (watch_file(m, path, OWN_TRIGGER, sizeof OWN_TRIGGER, MEMORY_SOURCE_CGROUP) < 0 &&
         begin_reading(m, path) < 0))
        log_debug("Memory pressure is not watched: this process has no such file that it may use");
}

void memory_listen(struct memory *m)
{
    const char *named = getenv("MEMORY_PRESSURE_WATCH");
    m->pressure.own.fn = watch_own;
    m->pressure.again.fn = due_again;
    if (named != NULL && strcmp(named, "/dev/null") == 0)
        return;
    if (named != NULL && named[0] != '\0') {
        int r = watch_named(m, named);
        if (r < 0)
            log_event(LOG_EVENT_PRESSURE_UNWATCHED, NULL, 0,
                      "Memory pressure is not watched: %s, which MEMORY_PRESSURE_WATCH names, cannot be "
                      "used: %s",
                      named, error_phrase(r));
        return;
    }
    /* The kernel takes a millisecond or two for a trigger, for which nobody is to wait at start. */
    loop_timer_after(m->loop, &m->pressure.own, OWN_AFTER_US);
}

void memory_pressure_done(struct memory *m)
{
    unwatch(m);
    loop_timer_stop(m->loop, &m->pressure.own);
    loop_timer_stop(m->loop, &m->pressure.again);
}
