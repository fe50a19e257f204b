/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Units of processes: paths as systemd makes them, and as others might to be taken for
 * somebody; then trees of files that look like /proc and /sys/fs/cgroup.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "systemd/process_unit.h"
#include "unit.h"

START_TEST(names)
{
    static const char *const good[] = {"nginx.service",
                                       "php8.2-fpm.service",
                                       "getty@tty1.service",
                                       "foo-\\x2d.service",
                                       "session-3.scope",
                                       "init.scope",
                                       "user@1000.service/app.service",
                                       "user@1000.service/app-gnome\\x2dx-12.scope"};
    static const char *const bad[] = {"",
                                      "nginx",
                                      ".service",
                                      "system.slice",
                                      "system.slice/nginx.service",
                                      "/nginx.service",
                                      "nginx.service/",
                                      "user@1000.service//app.service",
                                      "nginx.service/worker",
                                      "nginx service",
                                      "nginx.service\n",
                                      "../x.service",
                                      "*.service"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(process_unit_is_name(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!process_unit_is_name(bad[i]), "%s", bad[i]);
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 255 - 8, ".service", 9);
    ck_assert(process_unit_is_name(longest));
    memset(longest, 'a', 260);
    memcpy(longest + 256 - 8, ".service", 9);
    ck_assert(!process_unit_is_name(longest));
}
END_TEST

START_TEST(paths)
{
    static const struct {
        const char *unit, *path;
        bool has;
    } cases[] = {
        {"nginx.service", "/system.slice/nginx.service", true},
        {"nginx.service", "/system.slice/nginx.service/", true},
        {"nginx.service", "/nginx.service", true},
        {"nginx.service", "/system.slice/system-web.slice/nginx.service/worker/1", true},
        {"nginx.service", "/system.slice/nginx.service/x.scope", true},
        {"nginx.service", "/system.slice/nginx.service2", false},
        {"nginx.service", "/system.slice/xnginx.service", false},
        {"nginx.service", "/system.slice", false},
        {"nginx.service", "/", false},
        {"nginx.service", "", false},
        {"init.scope", "/init.scope", true},
        {"getty@tty1.service", "/system.slice/system-getty.slice/getty@tty1.service", true},
        {"session-3.scope", "/user.slice/user-1000.slice/session-3.scope", true},
        /* escaped, since it would be a file of the kernel's */
        {"cpu.service", "/system.slice/_cpu.service", true},
        {"_cpu.service", "/system.slice/__cpu.service", true},
        /* in a subtree that somebody else has the naming of */
        {"nginx.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service", false},
        {"nginx.service", "/user.slice/user-1000.slice/user@1000.service/nginx.service", false},
        {"nginx.service", "/system.slice/docker-1234.scope/system.slice/nginx.service", false},
        {"nginx.service", "/docker/1234/system.slice/nginx.service", false},
        {"nginx.service", "/lxc.payload.x/nginx.service", false},
        {"nginx.service", "/../system.slice/nginx.service", false},
        /* of a user's own manager */
        {"user@1000.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", true},
        {"user@1000.service/x.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
         true},
        {"user@1000.service/x.service",
         "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.slice/x.service/sub", true},
        {"user@1000.service/x.service", "/user.slice/user-1001.slice/user@1001.service/app.slice/x.service",
         false},
        {"user@1000.service/x.service", "/user.slice/user-1000.slice/user@1000.service/y.service/x.service",
         false},
        {"user@1000.service/x.service", "/user.slice/user-1000.slice/user@1000.service", false},
        {"user@1000.service/x.service", "/system.slice/x.service", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(process_unit_has_path(cases[i].unit, cases[i].path) == cases[i].has, "%s in %s",
                      cases[i].unit, cases[i].path);
}
END_TEST

/* --- trees of files --- */

static char top[64], proc_dir[96], cgroup_dir[96];
static struct process_unit_place place;

static void make_tree(void)
{
    strcpy(top, "/tmp/check-units-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(proc_dir, sizeof(proc_dir), "%s/proc", top);
    snprintf(cgroup_dir, sizeof(cgroup_dir), "%s/cgroup", top);
    place = (struct process_unit_place){.proc = proc_dir, .cgroup = cgroup_dir};
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void remove_tree(void)
{
    nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes TEXT to the file RELATIVE to the top, with the directories on the way. */
static void put(const char *relative, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", top, relative);
    for (char *p = path + strlen(top) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(path, 0755);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(by_the_process)
{
    put("proc/10/cgroup", "0::/system.slice/nginx.service\n");
    put("proc/11/cgroup", "12:pids:/system.slice/x.service\n1:name=systemd:/system.slice/nginx.service\n");
    put("proc/12/cgroup", "12:pids:/system.slice/nginx.service\n0::/system.slice/x.service\n");
    put("proc/13/cgroup", "1:name=systemd:/\n0::/system.slice/nginx.service");
    put("proc/14/cgroup", "");
    put("proc/15/cgroup", "0::/system.slice/nginx.service (deleted)\n");
    /* Not looked at while the process shows its own. */
    put("cgroup/system.slice/nginx.service/cgroup.procs", "12\n14\n");
    ck_assert(process_unit_has(&place, "nginx.service", 10));
    ck_assert(process_unit_has(&place, "nginx.service", 11));
    ck_assert(!process_unit_has(&place, "nginx.service", 12));
    ck_assert(process_unit_has(&place, "nginx.service", 13));
    ck_assert(!process_unit_has(&place, "nginx.service", 14));
    ck_assert(!process_unit_has(&place, "nginx.service", 15));
    ck_assert(!process_unit_has(&place, "x.service", 11));
    ck_assert(process_unit_has(&place, "x.service", 12));
}
END_TEST

static void check_hidden(void)
{
    ck_assert(process_unit_has(&place, "nginx.service", 20));
    ck_assert(process_unit_has(&place, "nginx.service", 21));
    ck_assert(process_unit_has(&place, "nginx.service", 22));
    ck_assert(!process_unit_has(&place, "nginx.service", 2));
    ck_assert(!process_unit_has(&place, "nginx.service", 30));
    ck_assert(!process_unit_has(&place, "nginx.service", 31));
    ck_assert(!process_unit_has(&place, "nginx.service", 32));
    ck_assert(!process_unit_has(&place, "nginx.service", 99));
    ck_assert(!process_unit_has(&place, "other.service", 20));
    ck_assert(process_unit_has(&place, "cpu.service", 40));
    ck_assert(process_unit_has(&place, "user@1000.service/nginx.service", 31));
    ck_assert(process_unit_has(&place, "user@1000.service", 31));
    ck_assert(!process_unit_has(&place, "user@1001.service/nginx.service", 31));
    ck_assert(process_unit_has(&place, "init.scope", 1));
}

static void put_hidden(const char *tree)
{
    static const struct {
        const char *group, *pids;
    } groups[] = {
        {"", "7\n8\n"},
        {"init.scope/", "1\n"},
        {"system.slice/system-web.slice/nginx.service/", "20\n21\n"},
        {"system.slice/system-web.slice/nginx.service/a/b.service/", "22\n"},
        {"system.slice/docker-12.scope/", "30\n"},
        {"system.slice/docker-12.scope/nginx.service/", "32\n"},
        {"system.slice/_cpu.service/", "40\n"},
        {"user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service/", "31\n"},
        {"user.slice/user-1000.slice/session-3.scope/", "33\n"},
    };
    char path[256];
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        snprintf(path, sizeof(path), "cgroup/%s%scgroup.procs", tree, groups[i].group);
        put(path, groups[i].pids);
    }
}

START_TEST(by_the_unit)
{
    put_hidden("");
    check_hidden();
}
END_TEST

START_TEST(by_the_unit_of_mixed_trees)
{
    put("cgroup/cpu/cgroup.procs", "99\n");
    put_hidden("unified/");
    check_hidden();
}
END_TEST

START_TEST(by_the_unit_of_old_trees)
{
    put("cgroup/cpu/nginx.service/cgroup.procs", "99\n");
    put_hidden("systemd/");
    check_hidden();
}
END_TEST

START_TEST(too_deep_to_look)
{
    char path[512] = "cgroup/x.service/";
    for (unsigned i = 0; i < 60; i++)
        strcat(path, "d/");
    strcat(path, "cgroup.procs");
    put(path, "5\n");
    ck_assert(!process_unit_has(&place, "x.service", 5));
    put("cgroup/x.service/d/d/cgroup.procs", "6\n");
    ck_assert(process_unit_has(&place, "x.service", 6));
}
END_TEST

START_TEST(links_are_not_followed)
{
    char path[256];
    put("cgroup/system.slice/real.service/cgroup.procs", "5\n");
    snprintf(path, sizeof(path), "%s/nginx.service", cgroup_dir);
    ck_assert_int_eq(symlink("system.slice/real.service", path), 0);
    ck_assert(!process_unit_has(&place, "nginx.service", 5));
    ck_assert(process_unit_has(&place, "real.service", 5));
}
END_TEST

START_TEST(nothing_there)
{
    ck_assert(!process_unit_has(&place, "nginx.service", 5));
}
END_TEST

START_TEST(nobody_is_in_a_unit_that_is_not)
{
    ck_assert(!process_unit_has(&process_unit_here, "no-such-unit-anywhere.service", getpid()));
    ck_assert(!process_unit_has(&process_unit_here, "no-such-unit-anywhere.service", 0));
}
END_TEST

UNIT_SUITE(systemd_process_unit)
{
    tcase_add_checked_fixture(tc, make_tree, remove_tree);
    tcase_add_test(tc, names);
    tcase_add_test(tc, paths);
    tcase_add_test(tc, by_the_process);
    tcase_add_test(tc, by_the_unit);
    tcase_add_test(tc, by_the_unit_of_mixed_trees);
    tcase_add_test(tc, by_the_unit_of_old_trees);
    tcase_add_test(tc, too_deep_to_look);
    tcase_add_test(tc, links_are_not_followed);
    tcase_add_test(tc, nothing_there);
    tcase_add_test(tc, nobody_is_in_a_unit_that_is_not);
}
