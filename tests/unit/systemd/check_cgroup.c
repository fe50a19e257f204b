/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits and the pressure file, in trees made here: the unified hierarchy, the old one,
 * both, and what a container sees of them.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "systemd/cgroup.h"
#include "unit.h"

static char root[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void put(const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        ck_assert(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *p = '/';
    }
    FILE *f = fopen(whole, "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void begin(void)
{
    strcpy(root, "/tmp/check_cgroup.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void end(void)
{
    ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void expect(uint64_t bytes, const char *file)
{
    struct cgroup_limit limit;
    ck_assert(cgroup_memory_limit(root, &limit));
    ck_assert_uint_eq(limit.bytes, bytes);
    ck_assert_str_eq(limit.file, file);
}

static void expect_none(void)
{
    struct cgroup_limit limit = {.bytes = 7};
    ck_assert(!cgroup_memory_limit(root, &limit));
    ck_assert_uint_eq(limit.bytes, 7);
}

START_TEST(nothing_limits)
{
    struct cgroup_limit limit;
    char path[CGROUP_PATH_MAX];
    begin();
    expect_none();
    ck_assert(!cgroup_pressure_file(root, path, sizeof path));
    put("/proc/self/cgroup", "");
    expect_none();
    put("/proc/self/cgroup", "0::/a/b\n");
    expect_none();
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/memory.high", "max\n");
    expect_none();
    put("/sys/fs/cgroup/a/b/memory.high", "");
    put("/sys/fs/cgroup/a/memory.high", "-5\n");
    put("/sys/fs/cgroup/memory.high", "99999999999999999999999999\n");
    expect_none();
    /* A limit of this machine's own must not show. */
    ck_assert(!cgroup_memory_limit("/nonexistent", &limit));
    end();
}
END_TEST

START_TEST(unified_the_lowest_up_the_tree)
{
    begin();
    put("/proc/self/cgroup", "0::/system.slice/miniredis.service\n");
    put("/sys/fs/cgroup/system.slice/miniredis.service/memory.max", "1073741824\n");
    expect(1073741824, "/sys/fs/cgroup/system.slice/miniredis.service/memory.max");
    put("/sys/fs/cgroup/system.slice/miniredis.service/memory.high", "536870912\n");
    expect(536870912, "/sys/fs/cgroup/system.slice/miniredis.service/memory.high");
    put("/sys/fs/cgroup/system.slice/memory.max", "268435456\n");
    expect(268435456, "/sys/fs/cgroup/system.slice/memory.max");
    put("/sys/fs/cgroup/memory.max", "0\n");
    expect(0, "/sys/fs/cgroup/memory.max");
    put("/sys/fs/cgroup/memory.max", "max\n");
    put("/sys/fs/cgroup/system.slice/memory.max", "2147483648\n");
    expect(536870912, "/sys/fs/cgroup/system.slice/miniredis.service/memory.high");
    end();
}
END_TEST

START_TEST(legacy_and_both)
{
    begin();
    put("/proc/self/cgroup",
        "12:cpu,cpuacct:/x\n5:memoryhog:/z\n4:hugetlb,memory,pids:/box/in\n1:name=systemd:/s\n0::/u\n");
    put("/sys/fs/cgroup/memory/box/in/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/z/memory.limit_in_bytes", "5\n");
    put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "104857600\n");
    expect(104857600, "/sys/fs/cgroup/memory/box/memory.limit_in_bytes");
    put("/sys/fs/cgroup/unified/u/memory.max", "104857599\n");
    expect(104857599, "/sys/fs/cgroup/unified/u/memory.max");
    put("/sys/fs/cgroup/memory/box/in/memory.limit_in_bytes", "104857598\n");
    expect(104857598, "/sys/fs/cgroup/memory/box/in/memory.limit_in_bytes");
    end();
}
END_TEST

/* The path is the machine's, the mount begins at the container's group. */
START_TEST(container)
{
    begin();
    put("/proc/self/cgroup", "4:memory:/docker/0123456789abcdef\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "33554432\n");
    expect(33554432, "/sys/fs/cgroup/memory/memory.limit_in_bytes");
    put("/proc/self/cgroup", "0::/../../elsewhere\n");
    put("/sys/fs/cgroup/memory.max", "44554432\n");
    put("/elsewhere/memory.max", "1\n");
    expect(44554432, "/sys/fs/cgroup/memory.max");
    put("/proc/self/cgroup", "0::/\n");
    expect(44554432, "/sys/fs/cgroup/memory.max");
    end();
}
END_TEST

START_TEST(malformed)
{
    static const char *const texts[] = {"0", "0:", "::", "0:\n:::\n", "no colon here\n\n\n", "0::"};
    char *path = malloc(9000);
    begin();
    put("/sys/fs/cgroup/a/memory.max", "5\n");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put("/proc/self/cgroup", texts[i]);
        expect_none();
    }
    /* Longer than any path. */
    memset(path, 'x', 8999);
    memcpy(path, "0::/", 4);
    path[8999] = '\0';
    put("/proc/self/cgroup", path);
    expect_none();
    path[CGROUP_PATH_MAX - 2] = '\0';
    put("/proc/self/cgroup", path);
    expect_none();
    free(path);
    end();
}
END_TEST

START_TEST(pressure_file)
{
    char path[CGROUP_PATH_MAX], want[200];
    begin();
    put("/proc/self/cgroup", "4:memory:/box\n0::/a/b\n");
    put("/sys/fs/cgroup/a/memory.pressure", "");
    ck_assert(!cgroup_pressure_file(root, path, sizeof path)); /* not of a group above */
    put("/sys/fs/cgroup/unified/a/b/memory.pressure", "");
    ck_assert(cgroup_pressure_file(root, path, sizeof path));
    snprintf(want, sizeof want, "%s/sys/fs/cgroup/unified/a/b/memory.pressure", root);
    ck_assert_str_eq(path, want);
    ck_assert(!cgroup_pressure_file(root, path, strlen(want)));
    ck_assert(cgroup_pressure_file(root, path, strlen(want) + 1));
    put("/sys/fs/cgroup/a/b/memory.pressure", "");
    ck_assert(cgroup_pressure_file(root, path, sizeof path));
    snprintf(want, sizeof want, "%s/sys/fs/cgroup/a/b/memory.pressure", root);
    ck_assert_str_eq(path, want);
    end();
}
END_TEST

UNIT_SUITE(systemd_cgroup)
{
    tcase_add_test(tc, nothing_limits);
    tcase_add_test(tc, unified_the_lowest_up_the_tree);
    tcase_add_test(tc, legacy_and_both);
    tcase_add_test(tc, container);
    tcase_add_test(tc, malformed);
    tcase_add_test(tc, pressure_file);
}
