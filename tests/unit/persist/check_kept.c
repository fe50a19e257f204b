/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is not used but kept: it goes from one file into the next byte for byte, at its place,
 * however large it is; what is cut off, lies of its size or cannot be had is refused.
 */
#include "persist/kept.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "keyspace/object.h"
#include "persist/rdb_load.h"
#include "persist/rdb_make.h"
#include "persist/rdb_save.h"
#include "types/string/string.h"
#include "unit.h"

#define BIG ((size_t)5 << 20)

static struct keyspace *ks;
static struct object_types types;
static struct buf file, why, front, back;
static struct kept kept;
static struct rdb_load_progress progress;
static char path[256];

static void set_up(void)
{
    clock_update();
    ks = keyspace_new(4);
    types = (struct object_types){0};
    object_types_add(&types, &string_type);
    file = why = front = back = (struct buf){0};
    kept = (struct kept){0};
}

static void tear_down(void)
{
    keyspace_free(ks);
    buf_done(&file);
    buf_done(&why);
    buf_done(&front);
    buf_done(&back);
    kept_done(&kept);
}

static int load(struct kept *into, int64_t us)
{
    int code;
    keyspace_free(ks);
    ks = keyspace_new(4);
    why.len = 0;
    struct rdb_load *l = rdb_load_open(ks, &types, path, true, &code, &why);
    must(l != NULL);
    rdb_load_keep(l, into);
    do {
        code = rdb_load_step(l, us, &why);
    } while (code == MR_E_AGAIN);
    rdb_load_progress(l, &progress);
    rdb_load_close(l);
    return code;
}

static int load_file(int64_t us)
{
    kept_done(&kept);
    rdb_make_file(&file, path, sizeof path);
    int code = load(&kept, us);
    unlink(path);
    return code;
}

static void save(const struct kept *from, int64_t us)
{
    const struct rdb_save_options options = {
        .compress = true, .checksum = true, .kept = from, .redis_version = "7.0.15", .version = "1.2.3"};
    int code;
    struct rdb_save *s = rdb_save_open(ks, &types, path, &options, &code, &why);
    must(s != NULL);
    do {
        code = rdb_save_step(s, us, &why);
    } while (code == MR_E_AGAIN);
    ck_assert_msg(code == 0, "%s", buf_cstr(&why));
    rdb_save_close(s);
}

static void read_file(struct buf *out)
{
    int fd = open(path, O_RDONLY);
    ssize_t n;
    must(fd >= 0);
    out->len = 0;
    while ((n = read(fd, buf_room(out, 65536), 65536)) > 0)
        out->len += (size_t)n;
    must(n == 0);
    close(fd);
}

static bool equal(const struct buf *a, const struct buf *b)
{
    return slice_equal(buf_slice(a), buf_slice(b));
}

static void make_function(struct buf *out, const char *bytes, size_t len)
{
    rdb_make_byte(out, 245);
    rdb_make_string(out, bytes, len);
}

static void make_module(struct buf *out, unsigned when, const char *text, size_t len)
{
    rdb_make_byte(out, 247);
    rdb_make_len(out, 0x1234567890abcdef);
    rdb_make_byte(out, 2);
    rdb_make_byte(out, when);
    /* Longer forms than a number needs are forms all the same. */
    rdb_make_bytes(out, "\x01\x80\x00\x00\x00\x05\x02\x40\xff\x03xxxx\x04yyyyyyyy\x05", 24);
    rdb_make_string(out, text, len);
    rdb_make_byte(out, 0);
}

/* A file with all that is kept, in FRONT and BACK as well. TEXT is some of it. */
static void make_all(const char *magic, const char *text, size_t len)
{
    make_module(&front, 1, text, len);
    make_function(&front, "#!lua name=a", 12);
    make_function(&front, text, len);
    rdb_make_bytes(&front, "\xf5\xc3\x05\x0b\x00t\xe0\x01\x00", 9); /* compressed */
    make_module(&back, 2, text, len);
    make_module(&back, 2, "", 0);
    rdb_make_head(&file, magic);
    rdb_make_bytes(&file, front.data, front.len);
    rdb_make_bytes(&file, "\xfe\x01\xfb\x02\x00", 5);
    rdb_make_key(&file, "a", "1");
    rdb_make_key(&file, "b", "2");
    rdb_make_bytes(&file, back.data, back.len);
    rdb_make_end(&file);
}

static void temporary_path(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/kept-XXXXXX", parent != NULL ? parent : "/tmp");
    int fd = mkstemp(path);
    must(fd >= 0);
    close(fd);
}

static void must_be_in_its_place(const struct buf *saved)
{
    static const char keys[] = "\xfe\x01\xfb\x02\x00\x00\x01";
    char *at = memmem(saved->data, saved->len, front.data, front.len);
    must(at != NULL);
    must(memcmp(at + front.len, keys, sizeof keys - 1) == 0);
    const char *end = saved->data + saved->len - 9;
    must((unsigned char)*end == 255);
    must(memcmp(end - back.len, back.data, back.len) == 0);
    must(memcmp(saved->data, "REDIS0010", 9) == 0);
    /* Nothing else is behind the keys. */
    must((size_t)(end - at) == front.len + 5 + 2 * 5 + back.len);
}

static void goes_round(const char *magic, const char *text, size_t len, int64_t us)
{
    struct buf saved = {0}, again = {0};
    make_all(magic, text, len);
    ck_assert_msg(load_file(us) == 0, "%s", buf_cstr(&why));
    must(progress.functions == 3 && progress.module_aux == 3 && progress.key_meta == 0);
    must(progress.keys == 2);
    must(equal(&kept.front, &front) && equal(&kept.back, &back));
    kept_settle(&kept);
    must(equal(&kept.front, &front) && equal(&kept.back, &back));
    must(kept.front.cap == front.len && kept.back.cap == back.len);
    temporary_path();
    save(&kept, us);
    read_file(&saved);
    must_be_in_its_place(&saved);
    struct kept second = {0};
    must(load(&second, us) == 0 && progress.keys == 2);
    must(equal(&second.front, &front) && equal(&second.back, &back));
    save(&second, us);
    read_file(&again);
    must_be_in_its_place(&again);
    must(again.len == saved.len);
    kept_done(&second);
    unlink(path);
    buf_done(&saved);
    buf_done(&again);
}

START_TEST(it_goes_round)
{
    static const char *const magics[] = {"REDIS0010", "REDIS0017", "VALKEY080", "VALKEY081"};
    goes_round(magics[_i], "some text", 9, _i % 2 ? 0 : 1000);
}
END_TEST

/* Longer than the window of a load and the buffer of a save. */
START_TEST(long_parts)
{
    struct random r;
    struct buf text = {0};
    random_init_seed(&r, 1);
    for (size_t i = 0; i < BIG; i++)
        buf_append_byte(&text, (char)random_next(&r));
    goes_round("REDIS0010", text.data, text.len, _i ? 0 : 1000);
    buf_done(&text);
}
END_TEST

START_TEST(without_any)
{
    struct kept none = {0};
    rdb_make_head(&file, "REDIS0010");
    rdb_make_key(&file, "a", "1");
    rdb_make_end(&file);
    must(load_file(1000) == 0 && kept_is_empty(&kept));
    kept_settle(&kept);
    temporary_path();
    for (int i = 0; i < 2; i++) {
        save(i ? &none : NULL, 1000);
        must(load(&none, 0) == 0 && progress.keys == 1 && kept_is_empty(&none));
    }
    unlink(path);
    /* Nor is there anything to be kept where nobody wants it. */
    make_all("REDIS0010", "text", 4);
    rdb_make_file(&file, path, sizeof path);
    must(load(NULL, 0) == 0 && progress.functions == 3 && progress.module_aux == 3);
    unlink(path);
}
END_TEST

/* What modules have of one key goes with the key that it came with, and nowhere else. */
START_TEST(what_belongs_to_a_key)
{
    rdb_make_head(&file, "REDIS0015");
    make_module(&front, 1, "before", 6);
    rdb_make_bytes(&file, front.data, front.len);
    rdb_make_bytes(&file, "\xf3\x01uuuu\x05\x03str\x00", 12);
    rdb_make_key(&file, "a", "1");
    make_module(&back, 2, "behind", 6);
    rdb_make_bytes(&file, back.data, back.len);
    rdb_make_end(&file);
    must(load_file(1000) == 0);
    must(progress.module_aux == 2 && progress.key_meta == 1);
    must(equal(&kept.front, &front) && equal(&kept.back, &back));
}
END_TEST

START_TEST(cut_off_anywhere)
{
    make_all("REDIS0010", "some text", 9);
    size_t len = file.len;
    for (file.len = 9; file.len < len; file.len++) {
        must(load_file(1000) == MR_E_TRUNCATED);
        must(kept.front.len <= front.len && kept.back.len <= back.len);
        must(kept.front.len == 0 || memcmp(kept.front.data, front.data, kept.front.len) == 0);
    }
}
END_TEST

static void refused(int code, const char *text)
{
    int got = load_file(0);
    ck_assert_msg(got == code, "%d, %s", got, buf_cstr(&why));
    ck_assert_msg(strstr(buf_cstr(&why), text) != NULL, "%s", buf_cstr(&why));
    must(kept.front.cap <= 4096 && kept.back.cap <= 4096);
}

START_TEST(sizes_that_lie)
{
    rdb_make_head(&file, "REDIS0010");
    rdb_make_byte(&file, 245);
    rdb_make_len(&file, (uint64_t)1 << 39);
    rdb_make_bytes(&file, "#!lua", 5);
    refused(MR_E_TRUNCATED, "offset 10: function library is cut off");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_byte(&file, 245);
    rdb_make_len(&file, UINT64_MAX);
    refused(MR_E_CORRUPT, "offset 10: function library is damaged");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\xf7\x01\x02\x01\x05", 5);
    rdb_make_len(&file, (uint64_t)1 << 39);
    refused(MR_E_TRUNCATED, "a module's data is cut off");
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, "\xf7\x01\x05\x01\x05", 5);
    refused(MR_E_CORRUPT, "module data is damaged");
}
END_TEST

/* As where all memory is taken: the parts are as long as can be. */
START_TEST(memory_that_cannot_be_had)
{
    static char byte;
    const struct buf full = {.data = &byte, .len = SIZE_MAX - 2, .cap = SIZE_MAX - 2};
    struct kept whole = {.front = full, .back = full};
    static const char *const items[] = {("\xf5\x03"
                                         "abc"),
                                        "\xf7\x01\x02\x01\x00", "\xf7\x01\x02\x02\x00"};
    static const char *const texts[] = {
        "offset 14: function library is too big for the memory that can be had",
        "is too big for the memory that can be had", "is too big for the memory that can be had"};
    rdb_make_head(&file, "REDIS0010");
    rdb_make_bytes(&file, items[_i], 5);
    rdb_make_end(&file);
    rdb_make_file(&file, path, sizeof path);
    must(load(&whole, 1000) == MR_E_MEMORY);
    ck_assert_msg(strstr(buf_cstr(&why), texts[_i]) != NULL, "%s", buf_cstr(&why));
    must(whole.front.len == full.len && whole.back.len == full.len);
    unlink(path);
}
END_TEST

UNIT_SUITE(persist_kept)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, it_goes_round, 0, 4);
    tcase_add_loop_test(tc, long_parts, 0, 2);
    tcase_add_test(tc, without_any);
    tcase_add_test(tc, what_belongs_to_a_key);
    tcase_add_test(tc, cut_off_anywhere);
    tcase_add_test(tc, sizes_that_lie);
    tcase_add_loop_test(tc, memory_that_cannot_be_had, 0, 3);
}
