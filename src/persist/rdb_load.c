/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A load as a whole: the file, the window that slides over it, the checksum that
 * follows the parser while the bytes are still in the processor's cache, steps that
 * end in time, and the texts of faults.
 *
 * The window is read(2), not mapped: a file that is cut off meanwhile must be an
 * error and not a signal. It grows only to hold an item that is longer than it (a string, not
 * a collection), never beyond what the file has, and becomes small again behind such an item.
 */
#include "persist/rdb_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/text.h"
#include "persist/rdb_private.h"

#define WINDOW    ((size_t)1 << 20)
#define CRC_CHUNK ((size_t)32 << 10) /* parsed, then summed, then the clock is asked */
#define CRC_MOST  ((size_t)4 << 20)  /* of one long item at once */
#define KEY_SHOWN 128

/* --- faults --- */

static uint64_t offset_of(const struct rdb_load *l)
{
    return l->base + l->in.pos;
}

static void put_key(struct buf *why, struct slice key)
{
    bool cut = key.len > KEY_SHOWN;
    text_quote(why, slice_of(key.ptr, cut ? KEY_SHOWN : key.len));
    if (cut)
        buf_printf(why, "... (%zu bytes)", key.len);
}

static void put_place(const struct rdb_load *l, struct buf *why)
{
    buf_printf(why, "%s: offset %llu: ", l->path, (unsigned long long)offset_of(l));
    if (!l->has_key)
        return;
    buf_append_str(why, "key ");
    put_key(why, l->meta.key);
    buf_printf(why, " in database %u: ", db_index(l->db));
}

int rdb_fault(const struct rdb_load *l, struct buf *why, int code, const char *fmt, ...)
{
    put_place(l, why);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(why, fmt, ap);
    va_end(ap);
    return code;
}

int rdb_fault_item(const struct rdb_load *l, struct buf *why, int code, const char *what)
{
    put_place(l, why);
    buf_printf(why, "%s ", what);
    switch (code) {
    case MR_E_TRUNCATED:
        buf_printf(why, "is cut off: the file ends at %llu", (unsigned long long)l->progress.total);
        break;
    case MR_E_CORRUPT:
        buf_append_str(why, "is damaged: these bytes cannot stand there");
        break;
    case MR_E_MEMORY:
        buf_append_str(why, "is too big for the memory that can be had");
        break;
    default:
        buf_printf(why, "cannot be read: %s", error_phrase(code));
        break;
    }
    return code;
}

int rdb_fault_duplicate(const struct rdb_load *l, struct buf *why)
{
    struct slice key;
    unsigned index;
    if (!keyspace_load_duplicate(l->ks, &key, &index))
        return MR_E_CORRUPT;
    buf_printf(why, "%s: before offset %llu: key ", l->path, (unsigned long long)offset_of(l));
    put_key(why, key);
    buf_printf(why, " in database %u is there twice", index);
    return MR_E_CORRUPT;
}

/* --- the window --- */

/* Moves what is not parsed to the front of a window of the right size. */
static int make_room(struct rdb_load *l, struct buf *why)
{
    size_t rest = l->in.len - l->in.pos;
    size_t cap = l->cap;
    /* An item that did not fit into the whole window may need more again and again. */
    if (l->need > WINDOW && l->need > cap)
        cap = l->need > cap * 2 ? l->need : cap * 2;
    else if (l->need <= WINDOW && rest <= WINDOW)
        cap = WINDOW;
    uint64_t most = rest + l->in.left;
    if (cap > most && cap > WINDOW)
        cap = most > WINDOW ? (size_t)most : WINDOW;
    if (rest != 0 && l->in.pos != 0)
        memmove(l->window, l->window + l->in.pos, rest);
    l->base += l->in.pos;
    l->in.pos = 0;
    l->in.len = rest;
    l->crc_pos = 0;
    if (cap == l->cap)
        return 0;
    char *window = heap_try_realloc(l->window, cap);
    if (window == NULL)
        return rdb_fault(l, why, MR_E_MEMORY,
                         "an item of at least %zu bytes is too big for the memory that can be had", l->need);
    l->window = window;
    l->in.data = window;
    l->cap = cap;
    if (cap > l->progress.window)
        l->progress.window = cap;
    return 0;
}

static int fill(struct rdb_load *l, struct buf *why)
{
    size_t room = l->cap - l->in.len;
    if (room > WINDOW)
        room = WINDOW;
    if (room > l->in.left)
        room = (size_t)l->in.left;
    ssize_t got = read(l->fd, l->window + l->in.len, room);
    if (got < 0)
        return errno == EINTR ? 0 : rdb_fault(l, why, -errno, "the file cannot be read: %s", strerror(errno));
    if (got == 0)
        return rdb_fault(l, why, MR_E_TRUNCATED, "the file became shorter while it was read");
    l->in.len += (size_t)got;
    l->in.left -= (uint64_t)got;
    return 0;
}

/* Reads until the item at hand may be there, or the time is over. */
static int refill(struct rdb_load *l, struct buf *why)
{
    bool fits = l->cap - l->in.pos >= l->need && l->in.pos < l->cap / 2;
    int code = fits && l->in.len < l->cap ? 0 : make_room(l, why);
    return code == 0 ? fill(l, why) : code;
}

/* --- steps --- */

/* Sums up to MOST bytes of what was parsed. */
static void sum(struct rdb_load *l, size_t most)
{
    size_t len = l->in.pos - l->crc_pos;
    if (len > most)
        len = most;
    if (l->verify)
        l->crc = checksum_crc64(l->crc, l->in.data + l->crc_pos, len);
    l->crc_pos += len;
}

/* Reads items until a chunk is to be summed, more bytes are needed, the file is done, or there is a
 * fault. */
static int run_items(struct rdb_load *l, struct buf *why)
{
    do {
        enum rdb_state before = l->state;
        int code = rdb_item(l, why);
        if (code != 0)
            return code;
        if (l->state != before && (l->state == RDB_FOOTER || l->state == RDB_DONE))
            return 0;
    } while (l->in.pos - l->crc_pos < CRC_CHUNK);
    return 0;
}

/* One piece of work between two looks at the clock. */
static int advance(struct rdb_load *l, struct buf *why)
{
    if (l->in.pos - l->crc_pos > CRC_MOST) {
        sum(l, CRC_MOST);
        return 0;
    }
    sum(l, SIZE_MAX);
    if (l->need > l->in.len - l->in.pos)
        return refill(l, why);
    l->need = 0;
    int code = run_items(l, why);
    return code == MR_E_AGAIN ? 0 : code;
}

int rdb_load_step(struct rdb_load *l, int64_t us, struct buf *why)
{
    if (l->state == RDB_FAILED)
        return rdb_fault(l, why, MR_E_CORRUPT, "loading has failed before");
    int64_t end = clock_mono_now_us() + us;
    int code = 0;
    while (l->state != RDB_DONE && code == 0) {
        code = advance(l, why);
        if (clock_mono_now_us() >= end)
            break;
    }
    int flushed = keyspace_load_flush(l->ks);
    if (code == 0 && flushed != 0)
        code = rdb_fault_duplicate(l, why);
    if (code != 0)
        l->state = RDB_FAILED;
    else if (l->state != RDB_DONE)
        code = MR_E_AGAIN;
    return code;
}

void rdb_load_keep(struct rdb_load *l, struct kept *kept)
{
    l->kept = kept;
}

void rdb_load_progress(const struct rdb_load *l, struct rdb_load_progress *out)
{
    *out = l->progress;
    out->bytes = offset_of(l);
}

/* --- opening and closing --- */

static int open_file(const char *path, uint64_t *size, struct buf *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int code = -errno;
        buf_printf(why, "%s: the file cannot be opened: %s", path, strerror(-code));
        if (fd >= 0)
            close(fd);
        return code;
    }
    if (!S_ISREG(st.st_mode)) {
        buf_printf(why, "%s: this is no regular file", path);
        close(fd);
        return MR_E_CORRUPT;
    }
    *size = (uint64_t)st.st_size;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return fd;
}

struct rdb_load *rdb_load_open(struct keyspace *ks, const struct object_types *types, const char *path,
                               bool verify, int *code, struct buf *why)
{
    uint64_t size = 0;
    int fd = open_file(path, &size, why);
    *code = fd < 0 ? fd : 0;
    if (fd < 0)
        return NULL;
    struct rdb_load *l = heap_alloc_zero(sizeof *l);
    l->ks = ks;
    for (unsigned i = 0; i < RDB_VALUE_TYPES; i++)
        l->by_rdb[i] = object_types_by_rdb(types, i);
    l->path = heap_strdup(path);
    l->fd = fd;
    l->verify = verify;
    l->cap = l->progress.window = WINDOW;
    l->window = heap_alloc(l->cap);
    l->in.data = l->window;
    l->in.left = size;
    l->db = keyspace_db(ks, 0);
    l->meta = (struct object_meta){.expiry_ms = DB_EXPIRY_NONE, .idle_s = -1, .freq = -1};
    l->now_ms = clock_now_ms();
    l->progress.total = size;
    l->progress.started_us = clock_mono_now_us();
    return l;
}

void rdb_load_close(struct rdb_load *l)
{
    if (l == NULL)
        return;
    close(l->fd);
    rdb_item_drop(l);
    rdb_reader_done(&l->in);
    buf_done(&l->key);
    heap_free(l->window);
    heap_free(l->path);
    heap_free(l);
}
