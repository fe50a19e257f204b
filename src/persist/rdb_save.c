/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See rdb_save.h; the layout of the items is drawn in rdb_items.c.
 *
 *   | "REDIS" version | AUX .. | kept | 254 db | 251 sizes | key with value .. | kept | 255 | CRC-64 |
 *     RDB_HEAD bytes    CRC of these runs along .........................................|
 *
 * Which version holds the data is known when the last value is written. So the head is written
 * twice, and its share of the checksum is added in the end.
 *
 * Keys are gathered a batch at a time before any of them is written, so that the memory of one
 * is on its way while another is looked at.
 */
#include "persist/rdb_save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/heap.h"
#include "codec/rdb_writer.h"
#include "keyspace/evict.h"
#include "persist/kept.h"

#define RDB_HEAD       9
#define OLDEST_VERSION 10 /* knows all that is kept */
#define BUFFER         ((size_t)1 << 20)
#define BUFFER_MOST    ((size_t)8 << 20) /* what a long value leaves is given back */
#define SYNC_EVERY     ((uint64_t)4 << 20)
#define BATCH          128
#define FILE_MODE      0640

enum {
    OP_IDLE = 248,
    OP_FREQ = 249,
    OP_AUX = 250,
    OP_SIZES = 251,
    OP_EXPIRE_MS = 252,
    OP_DB = 254,
    OP_END = 255,
};

enum stage {
    STAGE_FRONT,
    STAGE_KEYS,
    STAGE_BACK,
    STAGE_SYNC,
    STAGE_RENAME,
    STAGE_DONE,
    STAGE_FAILED,
};

struct rdb_save {
    struct keyspace *ks;
    const struct object_types *types;
    struct rdb_save_options options;
    char *name, *temporary; /* in the directory */
    int directory, fd;
    bool created;

    struct buf out;
    struct rdb_writer w;
    uint64_t crc;    /* of what is behind the head */
    uint64_t synced; /* bytes that are on their way to the disk */

    enum stage stage;
    size_t kept_at; /* bytes of the part at hand that are written */
    unsigned db;
    bool db_begun;
    uint64_t cursor;
    struct entry *batch[BATCH];
    unsigned batched;
    struct rdb_save_progress progress;
};

/* --- the file --- */

static int put(struct rdb_save *s, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(s->fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        len -= (size_t)n;
        s->progress.bytes += (uint64_t)n;
        if (s->options.alive != NULL)
            s->options.alive(s->options.owner);
    }
    return 0;
}

/* Has the disk begin with what was written last, and waits for what it was told before that: so
 * neither the end of the save has to wait long, nor others who write meanwhile. */
static int sync_along(struct rdb_save *s)
{
    uint64_t len = s->progress.bytes - s->synced;
    if (len < SYNC_EVERY)
        return 0;
    int r = sync_file_range(s->fd, (off_t)s->synced, (off_t)len, SYNC_FILE_RANGE_WRITE);
    if (r == 0 && s->synced > 0)
        r = sync_file_range(s->fd, 0, (off_t)s->synced,
                            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    s->synced = s->progress.bytes;
    /* Only what the disk has lost counts: some file systems, and filters, do not know the call. */
    return r != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT) ? -errno : 0;
}

static int drain(void *owner, struct slice bytes)
{
    struct rdb_save *s = owner;
    if (s->options.checksum)
        s->crc = checksum_crc64(s->crc, bytes.ptr, bytes.len);
    int code = put(s, bytes.ptr, bytes.len);
    return code == 0 && s->options.sync_along ? sync_along(s) : code;
}

static int fault(struct rdb_save *s, struct buf *why, int code, const char *what)
{
    s->stage = STAGE_FAILED;
    if (code == MR_E_MEMORY)
        buf_printf(why, "%s: a value is too long for the memory that can be had", s->name);
    else
        buf_printf(why, "%s: %s %s: %s", s->name, s->temporary, what, error_phrase(code));
    return code;
}

static void make_head(char head[RDB_HEAD + 1], unsigned version)
{
    snprintf(head, RDB_HEAD + 1, "REDIS%04u", version % 10000);
}

/* --- the fields in front --- */

static void write_aux(struct rdb_writer *w, const char *field, struct slice value)
{
    rdb_write_u8(w, OP_AUX);
    rdb_write_string(w, slice_str(field));
    rdb_write_string(w, value);
}

static void write_aux_uint(struct rdb_writer *w, const char *field, uint64_t value)
{
    char text[NUMBER_TEXT_MAX];
    write_aux(w, field, slice_of(text, number_from_uint(text, value)));
}

static void write_front(struct rdb_save *s)
{
    write_aux(&s->w, "redis-ver", slice_str(s->options.redis_version));
    write_aux(&s->w, "miniredis-ver", slice_str(s->options.version));
    write_aux_uint(&s->w, "redis-bits", 8 * sizeof(void *));
    write_aux_uint(&s->w, "ctime", (uint64_t)(clock_now_ms() / 1000));
    write_aux_uint(&s->w, "used-mem", s->options.used_memory);
    write_aux_uint(&s->w, "aof-base", 0);
}

/* A buffer full of PART, one of what is kept. */
static void save_kept(struct rdb_save *s, const struct buf *part, enum stage next)
{
    size_t len = part == NULL ? 0 : part->len - s->kept_at;
    if (len > BUFFER)
        len = BUFFER;
    if (len > 0)
        rdb_write_bytes(&s->w, slice_of(part->data + s->kept_at, len));
    s->kept_at += len;
    if (part != NULL && s->kept_at < part->len)
        return;
    s->kept_at = 0;
    s->stage = next;
}

/* --- keys --- */

static void write_entry(struct rdb_save *s, const struct entry *e)
{
    struct rdb_writer *w = &s->w;
    const struct object_type *type = object_types_of(s->types, e);
    if (entry_has_expiry(e)) {
        rdb_write_u8(w, OP_EXPIRE_MS);
        rdb_write_u64(w, (uint64_t)entry_expiry(e));
    }
    if (s->options.idle) {
        rdb_write_u8(w, OP_IDLE);
        rdb_write_len(w, (uint64_t)evict_idle_s(s->ks, e));
    } else if (s->options.freq) {
        rdb_write_u8(w, OP_FREQ);
        rdb_write_u8(w, (uint8_t)evict_freq(s->ks, e));
    }
    unsigned rdb_type = type->rdb_type(s->ks, e);
    unsigned version = rdb_version_of(rdb_type);
    if (version > s->progress.version)
        s->progress.version = version;
    rdb_write_u8(w, (uint8_t)rdb_type);
    rdb_write_string(w, entry_key(e));
    type->save(w, s->ks, e);
    s->progress.keys++;
}

static void write_batch(struct rdb_save *s)
{
    for (unsigned i = 0; i < s->batched && s->w.code == 0; i++)
        write_entry(s, s->batch[i]);
    s->batched = 0;
}

static void gather(void *arg, struct entry *e)
{
    struct rdb_save *s = arg;
    if (s->batched == BATCH)
        write_batch(s);
    s->batch[s->batched++] = e;
}

static void write_db_begin(struct rdb_save *s, const struct db *db)
{
    rdb_write_u8(&s->w, OP_DB);
    rdb_write_len(&s->w, s->db);
    rdb_write_u8(&s->w, OP_SIZES);
    rdb_write_len(&s->w, db_size(db));
    rdb_write_len(&s->w, db_expires(db));
}

/* About a batch of keys. */
static void save_keys(struct rdb_save *s)
{
    struct db *db = keyspace_db(s->ks, s->db);
    if (db_size(db) > 0) {
        if (!s->db_begun)
            write_db_begin(s, db);
        s->db_begun = true;
        do {
            s->cursor = db_scan(db, s->cursor, gather, s);
        } while (s->cursor != 0 && s->batched < BATCH / 2);
        write_batch(s);
    }
    if (s->cursor != 0)
        return;
    s->db_begun = false;
    s->db++;
    if (s->db == keyspace_databases(s->ks))
        s->stage = STAGE_BACK;
}

/* --- the end --- */

/* Behind all items: the end mark, the checksum of all, and the head as it has to be. */
static int write_end(struct rdb_save *s)
{
    char head[RDB_HEAD + 1];
    rdb_write_u8(&s->w, OP_END);
    rdb_write_out(&s->w);
    if (s->w.code != 0)
        return s->w.code;
    make_head(head, s->progress.version);
    uint64_t crc = 0;
    if (s->options.checksum)
        crc = checksum_crc64_join(checksum_crc64(0, head, RDB_HEAD), s->crc, s->progress.bytes - RDB_HEAD);
    rdb_write_u64(&s->w, crc);
    rdb_write_out(&s->w);
    if (s->w.code == 0 && s->progress.version != OLDEST_VERSION) {
        ssize_t n = pwrite(s->fd, head, RDB_HEAD, 0);
        s->w.code = n == RDB_HEAD ? 0 : n < 0 ? -errno : -EIO;
    }
    return s->w.code;
}

static int sync_file(struct rdb_save *s, struct buf *why)
{
    int code = write_end(s);
    if (code != 0)
        return fault(s, why, code, "cannot be written");
    if (fsync(s->fd) != 0)
        return fault(s, why, -errno, "cannot be brought to the disk");
    s->stage = STAGE_RENAME;
    return 0;
}

/* A directory that cannot be synced, as on some file systems, has no say in whether the file is
 * there; one whose disk fails has. */
static int rename_file(struct rdb_save *s, struct buf *why)
{
    int closed = close(s->fd);
    s->fd = -1;
    if (closed != 0 && errno != EINTR)
        return fault(s, why, -errno, "cannot be written");
    if (renameat(s->directory, s->temporary, s->directory, s->name) != 0)
        return fault(s, why, -errno, "cannot take its place");
    s->created = false;
    if (fsync(s->directory) != 0 && errno != EINVAL && errno != EROFS)
        return fault(s, why, -errno, "has taken its place, but the directory cannot be brought to the disk");
    s->stage = STAGE_DONE;
    return 0;
}

/* --- steps --- */

static int save_items(struct rdb_save *s, struct buf *why)
{
    const struct kept *kept = s->options.kept;
    if (s->stage == STAGE_KEYS)
        save_keys(s);
    else if (s->stage == STAGE_FRONT)
        save_kept(s, kept != NULL ? &kept->front : NULL, STAGE_KEYS);
    else
        save_kept(s, kept != NULL ? &kept->back : NULL, STAGE_SYNC);
    if (s->w.code != 0)
        return fault(s, why, s->w.code, "cannot be written");
    if (s->out.cap > BUFFER_MOST) {
        rdb_write_out(&s->w);
        buf_done(&s->out);
        buf_grow(&s->out, BUFFER);
    }
    return 0;
}

static int advance(struct rdb_save *s, struct buf *why)
{
    switch (s->stage) {
    case STAGE_FRONT:
    case STAGE_KEYS:
    case STAGE_BACK:
        return save_items(s, why);
    case STAGE_SYNC:
        return sync_file(s, why);
    case STAGE_RENAME:
        return rename_file(s, why);
    case STAGE_DONE:
        return 0;
    case STAGE_FAILED:
        break;
    }
    buf_printf(why, "%s: saving has failed before", s->name);
    return MR_E_CORRUPT;
}

int rdb_save_step(struct rdb_save *s, int64_t us, struct buf *why)
{
    int64_t end = clock_mono_now_us() + us;
    int code;
    do {
        code = advance(s, why);
    } while (code == 0 && s->stage != STAGE_DONE && clock_mono_now_us() < end);
    return code == 0 && s->stage != STAGE_DONE ? MR_E_AGAIN : code;
}

void rdb_save_progress(const struct rdb_save *s, struct rdb_save_progress *out)
{
    *out = s->progress;
}

/* --- opening and closing --- */

static int open_files(struct rdb_save *s, const char *path, struct buf *why)
{
    const char *slash = strrchr(path, '/');
    struct buf text = {0};
    buf_append(&text, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
    s->directory = open(text.len == 0 ? "." : buf_cstr(&text), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buf_done(&text);
    s->name = heap_strdup(slash == NULL ? path : slash + 1);
    buf_printf(&text, "%s" RDB_SAVE_SUFFIX, s->name);
    s->temporary = heap_strdup(buf_cstr(&text));
    buf_done(&text);
    if (s->directory < 0)
        return fault(s, why, -errno, "cannot be made, since its directory cannot be opened");
    (void)unlinkat(s->directory, s->temporary, 0);
    s->fd =
        openat(s->directory, s->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (s->fd < 0)
        return fault(s, why, -errno, "cannot be made");
    s->created = true;
    char head[RDB_HEAD + 1];
    make_head(head, OLDEST_VERSION);
    int code = put(s, head, RDB_HEAD);
    return code == 0 ? 0 : fault(s, why, code, "cannot be written");
}

struct rdb_save *rdb_save_open(struct keyspace *ks, const struct object_types *types, const char *path,
                               const struct rdb_save_options *options, int *code, struct buf *why)
{
    struct rdb_save *s = heap_alloc_zero(sizeof *s);
    s->ks = ks;
    s->types = types;
    s->options = *options;
    s->fd = s->directory = -1;
    s->progress.version = OLDEST_VERSION;
    s->progress.started_us = clock_mono_now_us();
    for (unsigned i = 0; i < keyspace_databases(ks); i++)
        s->progress.total += db_size(keyspace_db(ks, i));
    *code = open_files(s, path, why);
    if (*code != 0) {
        rdb_save_close(s);
        return NULL;
    }
    buf_grow(&s->out, BUFFER);
    s->w = (struct rdb_writer){.out = &s->out, .compress = options->compress, .drain = drain, .owner = s};
    write_front(s);
    return s;
}

void rdb_save_close(struct rdb_save *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->created)
        (void)unlinkat(s->directory, s->temporary, 0);
    if (s->directory >= 0)
        close(s->directory);
    buf_done(&s->out);
    heap_free(s->name);
    heap_free(s->temporary);
    heap_free(s);
}
