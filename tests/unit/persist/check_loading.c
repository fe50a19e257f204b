/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The load as the daemon sees it: its start, its steps, what INFO and the service
 * manager are told; and the options.
 */
#include "persist/loading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "command/dispatch.h"
#include "persist/rdb_make.h"
#include "types/string/string.h"
#include "unit.h"

static struct keyspace *ks;
static struct dispatch_options dispatch_options = {.proto_max_bulk_len = 1 << 20};
static struct dispatch *dispatch;
static struct object_types types;
static struct loading_options options;
static struct config *config;
static struct config_module module = {.group = "Data",
                                      .options = loading_config_rows,
                                      .target = &options,
                                      .apply = loading_apply_options,
                                      .owner = &options};
static struct counters *counters;
static struct loading *loading;
static struct buf file, why, text;

static void set_up(void)
{
    clock_update();
    log_set_level(LOG_LEVEL_NOTHING);
    config = config_new();
    module.count = loading_config_count;
    config_add(config, &module);
    ks = keyspace_new(4);
    dispatch = dispatch_new(ks, &dispatch_options);
    types = (struct object_types){0};
    object_types_add(&types, &string_type);
    loading = loading_new(dispatch, &types, &options);
    counters = counters_new();
    loading_register_counters(loading, counters);
    file = why = text = (struct buf){0};
}

static void tear_down(void)
{
    loading_free(loading);
    counters_free(counters);
    dispatch_free(dispatch);
    keyspace_free(ks);
    config_free(config);
    buf_done(&file);
    buf_done(&why);
    buf_done(&text);
}

static const char *info(void)
{
    text.len = 0;
    counters_print(counters, "persistence", "Persistence", &text);
    return buf_cstr(&text);
}

static int set(const char *name, const char *value, bool protected_ok)
{
    struct config_change change = {slice_str(name), slice_str(value)};
    why.len = 0;
    return config_set(config, &change, 1, protected_ok, &why);
}

static const char *value_of(const char *name)
{
    text.len = 0;
    config_print_value(config, config_find(config, slice_str(name)), &text);
    return buf_cstr(&text);
}

/* Writes FILE and makes it the one that will be loaded. */
static void use_file(char *path, size_t size)
{
    rdb_make_file(&file, path, size);
    char *slash = strrchr(path, '/');
    ck_assert_ptr_nonnull(slash);
    *slash = '\0';
    ck_assert_msg(set("dir", path, true) == 0, "%s", buf_cstr(&why));
    ck_assert_int_eq(set("dbfilename", slash + 1, true), 0);
    *slash = '/';
}

static void make_many(unsigned count)
{
    rdb_make_head(&file, "REDIS0010");
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "key:%u", i);
        rdb_make_key(&file, key, "a value of some thirty bytes...");
    }
    rdb_make_end(&file);
}

START_TEST(without_a_file_there_is_nothing_to_do)
{
    ck_assert_int_eq(set("dbfilename", "no-such-file.rdb", true), 0);
    ck_assert_int_eq(loading_start(loading, &why), 0);
    ck_assert(!loading_is_active(loading));
    ck_assert_uint_eq(why.len, 0);
    ck_assert_int_eq(loading_step(loading, 1000, &why), 0);
    ck_assert_ptr_nonnull(strstr(info(), "# Persistence\r\nloading:0\r\nasync_loading:0\r\n"));
}
END_TEST

START_TEST(a_load_is_told_of_while_it_goes_on)
{
    char path[256];
    make_many(200000);
    use_file(path, sizeof path);
    ck_assert_int_eq(loading_start(loading, &why), MR_E_AGAIN);
    ck_assert(loading_is_active(loading));
    /* The first slices read and parse a part only. */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(loading_step(loading, 0, &why), MR_E_AGAIN);
    ck_assert_ptr_nonnull(strstr(info(), "loading:1\r\n"));
    char want[64];
    snprintf(want, sizeof want, "loading_total_bytes:%zu\r\n", file.len);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), want));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "loading_start_time:"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "loading_eta_seconds:"));
    ck_assert_ptr_null(strstr(buf_cstr(&text), "loading_loaded_bytes:0\r\n"));
    text.len = 0;
    loading_status(loading, &text);
    snprintf(want, sizeof want, "Loading %s: ", strrchr(path, '/') + 1);
    ck_assert_uint_eq(strncmp(buf_cstr(&text), want, strlen(want)), 0);
    snprintf(want, sizeof want, " of %.1f MiB, ", (double)file.len / 1048576);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), want));
    int code;
    while ((code = loading_step(loading, 1000, &why)) == MR_E_AGAIN)
        ;
    ck_assert_int_eq(code, 0);
    ck_assert(!loading_is_active(loading));
    ck_assert_ptr_nonnull(strstr(info(), "loading:0\r\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "rdb_last_load_keys_loaded:200000\r\n"));
    ck_assert_uint_eq(keyspace_dirty(ks), 0);
    ck_assert_ptr_null(strstr(buf_cstr(&text), "loading_start_time"));
    ck_assert_uint_eq(db_size(keyspace_db(ks, 0)), 200000);
    unlink(path);
}
END_TEST

START_TEST(a_faulty_file_is_told_in_one_line)
{
    char path[256];
    make_many(10);
    file.data[20] ^= 1;
    use_file(path, sizeof path);
    ck_assert_int_eq(loading_start(loading, &why), MR_E_AGAIN);
    ck_assert_int_eq(loading_step(loading, 100000, &why), MR_E_CHECKSUM);
    ck_assert_uint_eq(strncmp(buf_cstr(&why), strrchr(path, '/') + 1, strlen(strrchr(path, '/') + 1)), 0);
    ck_assert_ptr_null(strchr(buf_cstr(&why), '\n'));
    unlink(path);
}
END_TEST

START_TEST(defaults)
{
    ck_assert_str_eq(options.dir, ".");
    ck_assert_str_eq(options.dbfilename, "dump.rdb");
    ck_assert(options.rdbchecksum);
    ck_assert_uint_eq(options.save.count, 0);
    ck_assert_str_eq(value_of("save"), "");
}
END_TEST

START_TEST(values_that_are_refused)
{
    static const char *const saves[] = {"3600", "0 1", "-1 5", "3600 -1", "3600 x", "x 1", "1 2 3", "01 1"};
    for (size_t i = 0; i < sizeof saves / sizeof *saves; i++) {
        ck_assert_int_lt(set("save", saves[i], false), 0);
        ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "Invalid save parameters"));
    }
    ck_assert_int_lt(set("dbfilename", "a/b", true), 0);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "dbfilename can't be a path, just a filename"));
    ck_assert_int_lt(set("dbfilename", "", true), 0);
    ck_assert_int_lt(set("dir", "", true), 0);
    ck_assert_int_lt(set("dir", "/nowhere/at/all", true), 0);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "No such file or directory"));
    ck_assert_int_lt(set("dir", "/", false), 0);
    ck_assert_int_lt(set("dbfilename", "x.rdb", false), 0);
    ck_assert_int_lt(set("rdbchecksum", "no", true), 0);
    ck_assert_str_eq(options.dir, ".");
    ck_assert_str_eq(options.dbfilename, "dump.rdb");
}
END_TEST

START_TEST(values_that_are_taken)
{
    ck_assert_int_eq(set("save", "3600 1 300 100", false), 0);
    ck_assert_str_eq(value_of("save"), "3600 1 300 100");
    ck_assert_int_eq(set("save", "60 0", false), 0);
    ck_assert_str_eq(value_of("save"), "60 0");
    ck_assert_int_eq(set("save", "", false), 0);
    ck_assert_str_eq(value_of("save"), "");
    char here[256];
    ck_assert_int_eq(set("dir", "/", true), 0);
    ck_assert_str_eq(getcwd(here, sizeof here), "/");
}
END_TEST

UNIT_SUITE(persist_loading)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, without_a_file_there_is_nothing_to_do);
    tcase_add_test(tc, a_load_is_told_of_while_it_goes_on);
    tcase_add_test(tc, a_faulty_file_is_told_in_one_line);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, values_that_are_refused);
    tcase_add_test(tc, values_that_are_taken);
}
