/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saving: what is loaded again is what was saved, whatever the options; faults leave the old file
 * and nothing else; the version is the oldest that can hold the data.
 */
#include "persist/rdb_save.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/random.h"
#include "codec/rdb_writer.h"
#include "keyspace/evict.h"
#include "persist/rdb_load.h"
#include "types/string/string.h"
#include "unit.h"

#define LATER 4102444800000

static struct keyspace *ks;
static struct object_types types;
static struct object_type newer; /* strings that ask for a type of a later version */
static struct buf why;
static char directory[200], path[256];
static struct rdb_save_options options;
static struct rdb_save_progress progress;

static void set_up(void)
{
    const char *parent = getenv("TMPDIR");
    clock_update();
    ks = keyspace_new(4);
    types = (struct object_types){0};
    object_types_add(&types, &string_type);
    buf_init(&why);
    snprintf(directory, sizeof directory, "%s/save-XXXXXX", parent != NULL ? parent : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/dump.rdb", directory);
    options = (struct rdb_save_options){.compress = true,
                                        .checksum = true,
                                        .sync_along = true,
                                        .redis_version = "7.0.15",
                                        .version = "1.2.3"};
}

static void tear_down(void)
{
    unlink(path);
    ck_assert_msg(rmdir(directory) == 0, "something is left behind");
    keyspace_free(ks);
    buf_done(&why);
}

static void set(unsigned db, const char *key, struct slice value, int64_t expiry_ms)
{
    struct slice name = slice_str(key);
    must(db_set_string(keyspace_db(ks, db), name, keyspace_hash(ks, name), value, expiry_ms) == 0);
}

static void fill(unsigned count)
{
    char key[32], value[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key:%u", i);
        snprintf(value, sizeof value, "%u%s", i, i % 3 == 0 ? "" : " of the values, values, values, values");
        set(i % 3, key, slice_str(value), i % 5 == 0 ? LATER + i : DB_EXPIRY_NONE);
    }
}

static int save(int64_t us)
{
    int code;
    struct rdb_save *s = rdb_save_open(ks, &types, path, &options, &code, &why);
    if (s == NULL)
        return code;
    do {
        code = rdb_save_step(s, us, &why);
    } while (code == MR_E_AGAIN);
    rdb_save_progress(s, &progress);
    rdb_save_close(s);
    return code;
}

static struct keyspace *load(void)
{
    struct keyspace *loaded = keyspace_new(4);
    int code;
    struct rdb_load *l = rdb_load_open(loaded, &types, path, true, &code, &why);
    ck_assert_msg(l != NULL, "%s", buf_cstr(&why));
    while ((code = rdb_load_step(l, 1000000, &why)) == MR_E_AGAIN)
        ;
    ck_assert_msg(code == 0, "%s", buf_cstr(&why));
    struct rdb_load_progress p;
    rdb_load_progress(l, &p);
    ck_assert_str_eq(p.writer, "miniredis 1.2.3");
    ck_assert_uint_eq(p.bytes, progress.bytes);
    rdb_load_close(l);
    return loaded;
}

struct compared {
    struct keyspace *other;
    struct db *db;
};

static bool is_there_too(void *arg, struct entry *e)
{
    struct compared *c = arg;
    char scratch[2][NUMBER_TEXT_MAX];
    struct slice key = entry_key(e);
    struct entry *other = db_find(c->db, key, keyspace_hash(c->other, key), 0);
    must(other != NULL);
    must(slice_equal(entry_string(keyspace_arena(ks), e, scratch[0]),
                     entry_string(keyspace_arena(c->other), other, scratch[1])));
    must(entry_expiry(e) == entry_expiry(other));
    return true;
}

static void must_be_same(struct keyspace *other)
{
    for (unsigned i = 0; i < keyspace_databases(ks); i++) {
        struct compared c = {.other = other, .db = keyspace_db(other, i)};
        ck_assert_uint_eq(db_size(c.db), db_size(keyspace_db(ks, i)));
        db_each(keyspace_db(ks, i), is_there_too, &c);
    }
}

static void read_file(struct buf *out)
{
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    for (;;) {
        ssize_t n = read(fd, buf_room(out, 65536), 65536);
        must(n >= 0);
        if (n == 0)
            break;
        out->len += (size_t)n;
    }
    close(fd);
}

static void write_old(const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void must_be_old(const char *text)
{
    struct buf found = {0};
    read_file(&found);
    ck_assert_str_eq(buf_cstr(&found), text);
    buf_done(&found);
}

START_TEST(what_was_saved_is_loaded)
{
    fill(20000);
    options.compress = _i & 1;
    options.checksum = _i & 2;
    options.sync_along = _i & 4;
    ck_assert_msg(save(_i & 1 ? 0 : 1000000) == 0, "%s", buf_cstr(&why));
    ck_assert_uint_eq(progress.keys, 20000);
    ck_assert_uint_eq(progress.total, 20000);
    ck_assert_uint_eq(progress.version, 10);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, (off_t)progress.bytes);
    ck_assert_uint_eq(st.st_mode & 007, 0);
    struct keyspace *loaded = load();
    must_be_same(loaded);
    keyspace_free(loaded);
}
END_TEST

START_TEST(nothing_at_all)
{
    ck_assert_int_eq(save(0), 0);
    struct keyspace *loaded = load();
    must_be_same(loaded);
    keyspace_free(loaded);
}
END_TEST

/* Longer than the buffer, and than what goes past it. */
START_TEST(long_values)
{
    static char bytes[5000000];
    struct random r;
    random_init_seed(&r, 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i < sizeof bytes / 2 ? random_next(&r) : 'x');
    for (size_t len = 65000, i = 0; len <= sizeof bytes; len = len * 3 / 2, i++) {
        char key[16];
        snprintf(key, sizeof key, "%zu", i);
        set(0, key, slice_of(bytes + (i % 2) * (sizeof bytes - len), len), DB_EXPIRY_NONE);
    }
    options.compress = _i;
    ck_assert_int_eq(save(0), 0);
    struct keyspace *loaded = load();
    must_be_same(loaded);
    keyspace_free(loaded);
}
END_TEST

static unsigned newer_type(const struct keyspace *of, const struct entry *e)
{
    (void)of, (void)e;
    return 21;
}

START_TEST(the_version_that_the_data_needs)
{
    fill(10);
    newer = string_type;
    newer.rdb_type = newer_type;
    types.by_number[OBJECT_STRING] = &newer;
    ck_assert_int_eq(save(0), 0);
    ck_assert_uint_eq(progress.version, 11);
    struct buf file = {0};
    read_file(&file);
    ck_assert_uint_eq(file.len, progress.bytes);
    ck_assert_int_eq(memcmp(file.data, "REDIS0011", 9), 0);
    uint64_t stored;
    memcpy(&stored, file.data + file.len - 8, 8);
    ck_assert_uint_eq(le64toh(stored), checksum_crc64(0, file.data, file.len - 8));
    buf_done(&file);
}
END_TEST

START_TEST(what_the_policies_know)
{
    struct evict_options evict = {.policy = _i ? EVICT_ALLKEYS_LFU : EVICT_ALLKEYS_LRU,
                                  .samples = 5,
                                  .lfu_log_factor = 10,
                                  .lfu_decay_time = 1};
    evict_configure(ks, &evict);
    set(0, "k", slice_str("v"), DB_EXPIRY_NONE);
    struct entry *e = db_find(keyspace_db(ks, 0), slice_str("k"), keyspace_hash(ks, slice_str("k")), 0);
    evict_set_stamp(e, evict_stamp(ks, 70, 33));
    options.idle = !_i;
    options.freq = _i;
    ck_assert_int_eq(save(0), 0);
    struct buf file = {0};
    read_file(&file);
    const char *at =
        memmem(file.data, file.len, _i ? "\xf9\x21\x00\x01k" : "\xf8\x40\x46\x00\x01k", _i ? 5 : 6);
    ck_assert_ptr_nonnull(at);
    buf_done(&file);
    struct keyspace *loaded = load();
    must_be_same(loaded);
    keyspace_free(loaded);
}
END_TEST

/* --- faults --- */

START_TEST(a_full_disk_leaves_the_old_file)
{
    struct rlimit limit;
    fill(20000);
    ck_assert_int_eq(save(0), 0);
    uint64_t whole = progress.bytes;
    write_old("the old one");
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    static const unsigned parts[] = {0, 1, 2, 500, 999, 1000};
    uint64_t most = whole * parts[_i] / 1000;
    limit.rlim_cur = parts[_i] == 1000 ? whole - 1 : parts[_i] < 3 ? parts[_i] : most;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int code = save(1000000);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(code, -EFBIG);
    ck_assert_str_eq(buf_cstr(&why), "dump.rdb: dump.rdb.saving cannot be written: File too large");
    must_be_old("the old one");
}
END_TEST

START_TEST(a_place_that_is_not_there)
{
    char whole[256];
    memcpy(whole, path, sizeof whole);
    snprintf(path, sizeof path, "%.150s/missing/dump.rdb", directory);
    ck_assert_int_eq(save(0), -ENOENT);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "dump.rdb.saving cannot be made, since its directory"));
    memcpy(path, whole, sizeof path);
}
END_TEST

START_TEST(a_name_that_cannot_be_had)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(save(0), -EISDIR);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "cannot take its place: Is a directory"));
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(one_that_is_given_up_leaves_nothing)
{
    int code;
    fill(20000);
    write_old("the old one");
    struct rdb_save *s = rdb_save_open(ks, &types, path, &options, &code, &why);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(rdb_save_step(s, 0, &why), MR_E_AGAIN);
    must_be_old("the old one");
    rdb_save_close(s);
    must_be_old("the old one");
}
END_TEST

/* Whatever it is, it is not written to. */
START_TEST(what_was_left_behind_is_replaced)
{
    char left[300], other[300];
    snprintf(left, sizeof left, "%s" RDB_SAVE_SUFFIX, path);
    snprintf(other, sizeof other, "%s/other", directory);
    fill(100);
    ck_assert_int_eq(symlink(other, left), 0);
    ck_assert_int_eq(save(0), 0);
    ck_assert_int_eq(access(other, F_OK), -1);
    ck_assert_int_eq(access(left, F_OK), -1);
    struct keyspace *loaded = load();
    must_be_same(loaded);
    keyspace_free(loaded);
}
END_TEST

static unsigned signs;

static void alive(void *owner)
{
    ck_assert_ptr_eq(owner, &signs);
    signs++;
}

START_TEST(it_gives_signs_of_life_within_a_value)
{
    static char bytes[3000000];
    set(0, "long", slice_of(bytes, sizeof bytes), DB_EXPIRY_NONE);
    options.compress = false;
    options.alive = alive;
    options.owner = &signs;
    signs = 0;
    ck_assert_int_eq(save(0), 0);
    ck_assert_uint_ge(signs, 3);
}
END_TEST

UNIT_SUITE(persist_rdb_save)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, what_was_saved_is_loaded, 0, 8);
    tcase_add_test(tc, nothing_at_all);
    tcase_add_loop_test(tc, long_values, 0, 2);
    tcase_add_test(tc, the_version_that_the_data_needs);
    tcase_add_loop_test(tc, what_the_policies_know, 0, 2);
    tcase_add_loop_test(tc, a_full_disk_leaves_the_old_file, 0, 6);
    tcase_add_test(tc, a_place_that_is_not_there);
    tcase_add_test(tc, a_name_that_cannot_be_had);
    tcase_add_test(tc, one_that_is_given_up_leaves_nothing);
    tcase_add_test(tc, what_was_left_behind_is_replaced);
    tcase_add_test(tc, it_gives_signs_of_life_within_a_value);
}
