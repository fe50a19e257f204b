/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What maxmemory comes to, and its option: a size or "auto".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_load.h"
#include "features/memory/memory_private.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static char root[64];

/* A tree with one group, whose memory.max says TEXT. */
static void begin(const char *text)
{
    static const char *const dirs[] = {"/proc", "/proc/self", "/sys", "/sys/fs", "/sys/fs/cgroup"};
    static const char *const files[] = {"/proc/self/cgroup", "/sys/fs/cgroup/memory.max"};
    char path[128];
    strcpy(root, "/tmp/check_memory.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        snprintf(path, sizeof path, "%s%s", root, dirs[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s%s", root, files[i]);
        FILE *f = fopen(path, "we");
        ck_assert_ptr_nonnull(f);
        fputs(i == 0 ? "0::/\n" : text, f);
        fclose(f);
    }
}

static void end(void)
{
    static const char *const paths[] = {"/proc/self/cgroup",
                                        "/sys/fs/cgroup/memory.max",
                                        "/sys/fs/cgroup",
                                        "/sys/fs",
                                        "/sys",
                                        "/proc/self",
                                        "/proc",
                                        ""};
    char path[128];
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        snprintf(path, sizeof path, "%s%s", root, paths[i]);
        ck_assert_int_eq(remove(path), 0);
    }
}

static void expect(int64_t setting, const char *group, uint64_t ram, uint64_t limit, const char *reason)
{
    struct buf got = {0};
    begin(group);
    ck_assert_uint_eq(memory_limit(setting, root, ram, &got), limit);
    ck_assert_str_eq(buf_cstr(&got), reason);
    buf_done(&got);
    end();
}

START_TEST(limits)
{
    expect(0, "1048576", GIB, 0, "as maxmemory says");
    expect(12345, "1048576", GIB, 12345, "as maxmemory says");
    expect(MEMORY_AUTO, "10737418240", 64 * GIB, 9 * GIB,
           "auto: 10.00G by /sys/fs/cgroup/memory.max, less 1.00G of headroom");
    expect(MEMORY_AUTO, "268435456", 64 * GIB, 192 * MIB,
           "auto: 256.00M by /sys/fs/cgroup/memory.max, less 64.00M of headroom");
    expect(MEMORY_AUTO, "67108864", 64 * GIB, 32 * MIB,
           "auto: 64.00M by /sys/fs/cgroup/memory.max, less 32.00M of headroom");
    expect(MEMORY_AUTO, "0", 64 * GIB, MIB, "auto: 0B by /sys/fs/cgroup/memory.max, less 0B of headroom");
    expect(MEMORY_AUTO, "max", 10 * GIB, 8 * GIB, "auto: the machine has 10.00G, less 2.00G of headroom");
    expect(MEMORY_AUTO, "99999999999", 10 * GIB, 8 * GIB,
           "auto: the machine has 10.00G, less 2.00G of headroom");
    expect(MEMORY_AUTO, "10737418240", 0, 9 * GIB,
           "auto: 10.00G by /sys/fs/cgroup/memory.max, less 1.00G of headroom");
    expect(MEMORY_AUTO, "max", 0, 0, "auto: neither a limit nor the machine's memory is known");
}
END_TEST

START_TEST(option)
{
    static const struct {
        const char *text;
        int64_t value;
        const char *file; /* what is printed to be read again */
    } good[] = {
        {"auto", MEMORY_AUTO, "auto"},
        {"AUTO", MEMORY_AUTO, "auto"},
        {"0", 0, "0"},
        {"1gb", (int64_t)GIB, "1073741824"},
        {"", 0, "0"},
        {"1000", 1000, "1000"},
    };
    static const char *const bad[] = {"-1", "automatic", "1 gb", "9223372036854775808"};
    struct memory_options options = {.limit = 77};
    const struct config_module module = {
        .group = "Limits", .options = memory_config_rows, .count = memory_config_count, .target = &options};
    struct config *config = config_new();
    struct buf why = {0}, text = {0};
    config_add(config, &module);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const struct config_change change = {slice_str("maxmemory"), slice_str(good[i].text)};
        ck_assert_int_eq(config_set(config, &change, 1, false, &why), 0);
        ck_assert_int_eq(options.maxmemory, good[i].value);
        text.len = 0;
        config_print_all(config, &text);
        char want[64];
        snprintf(want, sizeof want, "maxmemory = %s ", good[i].file);
        ck_assert_ptr_nonnull(strstr(buf_cstr(&text), want));
        /* CONFIG GET answers what it came to. */
        text.len = 0;
        config_print_value(config, config_find(config, slice_str("maxmemory")), &text);
        ck_assert_str_eq(buf_cstr(&text), "77");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct config_change change = {slice_str("maxmemory"), slice_str(bad[i])};
        ck_assert_int_lt(config_set(config, &change, 1, false, &why), 0);
        ck_assert_int_eq(options.maxmemory, 1000);
    }
    buf_done(&why);
    buf_done(&text);
    config_free(config);
}
END_TEST

UNIT_SUITE(features_memory)
{
    tcase_add_test(tc, limits);
    tcase_add_test(tc, option);
}
