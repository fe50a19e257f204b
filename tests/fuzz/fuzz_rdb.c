/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds bytes to the RDB loader as a file. Whatever they are, it must end with success
 * or with one line of reason, and may not have taken more memory than the file could
 * account for; what it has loaded must be readable, and be gone after a flush; and what is
 * only kept must be bytes of the file. The
 * keyspace is made once: each one has another place in memory, of which a sanitizer
 * keeps a map.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz.h"
#include "persist/kept.h"
#include "persist/rdb_load.h"
#include "types/hash/hash.h"
#include "types/list/list.h"
#include "types/set/set.h"
#include "types/stream/stream_pack.h"
#include "types/string/string.h"
#include "types/zset/zset.h"

/* LZF makes 88 bytes of one, at most; a key of a few bytes costs an entry and a slot. */
#define MEMORY_PER_BYTE 200
#define MEMORY_BASE     ((size_t)4 << 20)

static const struct stream_options stream_options = {4096, 100, 100, 100};
static volatile size_t sum;

static bool read_element(void *arg, struct slice element)
{
    (void)arg;
    for (size_t i = 0; i < element.len; i++)
        sum += (unsigned char)element.ptr[i];
    return true;
}

static bool read_entry(void *arg, struct entry *e)
{
    char scratch[NUMBER_TEXT_MAX];
    struct slice key = entry_key(e);
    if (!entry_is_string(e)) {
        const struct object_type *type = object_types_of(keyspace_types(arg), e);
        if (type == &stream_type)
            require(stream_check(stream_of(arg, e), keyspace_arena(arg)));
        else
            require(type->length(arg, e) > 0);
        if (type->each != NULL)
            type->each(arg, e, read_element, arg);
        return true;
    }
    struct slice value = entry_string(keyspace_arena(arg), e, scratch);
    for (size_t i = 0; i < key.len; i++)
        sum += (unsigned char)key.ptr[i];
    for (size_t i = 0; i < value.len; i++)
        sum += (unsigned char)value.ptr[i];
    return true;
}

static int make_file(const uint8_t *data, size_t size, char *path, size_t path_size)
{
    int fd = memfd_create("fuzz-rdb", MFD_CLOEXEC);
    require(fd >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        require(n > 0);
        done += (size_t)n;
    }
    snprintf(path, path_size, "/proc/self/fd/%d", fd);
    return fd;
}

static void check_kept(const struct buf *part, const uint8_t *data, size_t size)
{
    require(part->len <= size && part->cap <= 64 + 2 * size);
    require(part->len == 0 || memchr("\xf5\xf7", part->data[0], 2) != NULL);
    size_t found = 0;
    for (size_t at = 0; at < size && found < part->len; at++)
        found += data[at] == (uint8_t)part->data[found];
    require(found == part->len);
}

static void empty(struct keyspace *ks, bool all_added)
{
    for (unsigned i = 0; i < keyspace_databases(ks); i++)
        db_flush(keyspace_db(ks, i));
    while (keyspace_background(ks, 1000))
        ;
    require(!all_added || keyspace_arena(ks)->used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyspace *ks;
    static struct object_types types;
    char path[64];
    int fd = make_file(data, size, path, sizeof path);
    struct buf why = {0};
    int code;
    clock_update();
    if (ks == NULL) {
        ks = keyspace_new(16);
        object_types_add(&types, &string_type);
        object_types_add(&types, &list_type);
        object_types_add(&types, &hash_type);
        object_types_add(&types, &set_type);
        object_types_add(&types, &zset_type);
        object_types_add(&types, &stream_type);
        types.options[OBJECT_STREAM] = &stream_options;
        keyspace_set_types(ks, &types);
    }
    struct rdb_load *load = rdb_load_open(ks, &types, path, size % 2 == 0, &code, &why);
    require(load != NULL);
    struct kept kept = {0};
    rdb_load_keep(load, &kept);
    do {
        code = rdb_load_step(load, size % 3 == 0 ? 0 : 1000, &why);
    } while (code == MR_E_AGAIN);
    require(code == 0 || (code < 0 && why.len > 0));
    require(memchr(why.data != NULL ? why.data : "", '\n', why.len) == NULL);
    require(keyspace_arena(ks)->held <= MEMORY_BASE + size * MEMORY_PER_BYTE);
    rdb_load_close(load);
    check_kept(&kept.front, data, size);
    check_kept(&kept.back, data, size);
    require(kept.front.len + kept.back.len <= size);
    kept_done(&kept);
    for (unsigned i = 0; i < keyspace_databases(ks); i++)
        db_each(keyspace_db(ks, i), read_entry, ks);
    keyspace_expire(ks, INT64_MAX, 1000);
    /* A duplicate key is kept for the reason's sake, until the next addition. */
    struct slice key;
    unsigned index;
    empty(ks, !keyspace_load_duplicate(ks, &key, &index));
    buf_done(&why);
    close(fd);
    return 0;
}
