/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Feeds bytes to the RDB loader as a file. Whatever they are, it must end with success
 * or with one line of reason, and may not have taken more memory than the file could
 * account for; what it has loaded must be readable, and be gone after a flush. The
 * keyspace is made once: each one has another place in memory, of which a sanitizer
 * keeps a map.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "persist/rdb_load.h"
#include "types/string/string.h"

/* LZF makes 88 bytes of one, at most; a key of a few bytes costs an entry and a slot. */
#define MEMORY_PER_BYTE 200
#define MEMORY_BASE     ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sum;

static bool read_entry(void *arg, struct entry *e)
{
    char scratch[NUMBER_TEXT_MAX];
    struct slice key = entry_key(e);
    struct slice value = entry_string(keyspace_arena(arg), e, scratch);
    for (size_t i = 0; i < key.len; i++)
        sum += (unsigned char)key.ptr[i];
    for (size_t i = 0; i < value.len; i++)
        sum += (unsigned char)value.ptr[i];
    return true;
}

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static int make_file(const uint8_t *data, size_t size, char *path, size_t path_size)
{
    int fd = memfd_create("fuzz-rdb", MFD_CLOEXEC);
    require(fd >= 0, "no file in memory");
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        require(n > 0, "a file in memory cannot be written");
        done += (size_t)n;
    }
    snprintf(path, path_size, "/proc/self/fd/%d", fd);
    return fd;
}

static void empty(struct keyspace *ks, bool all_added)
{
    for (unsigned i = 0; i < keyspace_databases(ks); i++)
        db_flush(keyspace_db(ks, i));
    while (keyspace_background(ks, 1000))
        ;
    require(!all_added || keyspace_arena(ks)->used == 0, "something is left after a flush");
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
    }
    struct rdb_load *load = rdb_load_open(ks, &types, path, size % 2 == 0, &code, &why);
    require(load != NULL, "the file cannot be opened");
    do {
        code = rdb_load_step(load, size % 3 == 0 ? 0 : 1000, &why);
    } while (code == MR_E_AGAIN);
    require(code == 0 || (code < 0 && why.len > 0), "a failure without a reason");
    require(memchr(why.data != NULL ? why.data : "", '\n', why.len) == NULL, "a reason of several lines");
    require(keyspace_arena(ks)->held <= MEMORY_BASE + size * MEMORY_PER_BYTE,
            "more memory than the file justifies");
    rdb_load_close(load);
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
