/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handing an arena over: what was in it is there again, at the same address, once; what is
 * not sealed, not ours or not whole is refused and stays as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "base/random.h"
#include "check_arena.h"

#ifdef SHADOWED
#include <sanitizer/asan_interface.h>
#endif

enum { RESERVE = 64, LAYOUT = 0x1234 };

/* A sealed arena with something in it; returns its descriptor. */
static int sealed(struct arena *before, unsigned char **ret_small, unsigned char **ret_run)
{
    struct arena a;
    open_memfd(&a, RESERVE * MIB);
    unsigned char *other = arena_alloc(&a, 300), *run = arena_alloc(&a, 50000);
    *ret_small = memset(arena_alloc(&a, 300), 0xa5, 300);
    *ret_run = memset(arena_alloc(&a, 70000), 0x5a, 70000);
    arena_free(&a, other, 300);
    arena_free(&a, run, 50000);
    int number = arena_fd(&a), fd = dup(number);
    must(fd >= 0);
    arena_set_layout(&a, LAYOUT);
    arena_seal(&a);
    *before = a;
    arena_done(&a);
    /* The same number again: attaching need not change anything but the seal. */
    must(dup2(fd, number) == number && close(fd) == 0);
    return number;
}

static void check_restored(struct arena *a, const struct arena *before, const unsigned char *small,
                           const unsigned char *run)
{
    must(a->base == before->base && a->reserved == before->reserved);
    must(a->used == before->used && a->held == before->held && a->dirty == before->dirty);
    check_sums(a);
    for (unsigned i = 0; i < 300; i++)
        must(small[i] == 0xa5);
    for (unsigned i = 0; i < 70000; i++)
        must(run[i] == 0x5a);
}

START_TEST(restored)
{
    struct arena before, a;
    unsigned char *small, *run;
    int fd = sealed(&before, &small, &run);
    must(arena_attach(&a, fd, LAYOUT) == 0);
    check_restored(&a, &before, small, run);
    must(arena_fd(&a) == fd);
#ifdef SHADOWED
    must(__asan_region_is_poisoned(small, 300) == NULL);
    must(__asan_region_is_poisoned(run, 70000) == NULL);
    must(__asan_address_is_poisoned(small + 304));
    must(__asan_address_is_poisoned(run - 1));
    must(__asan_address_is_poisoned(run + 73728));
    must(__asan_address_is_poisoned(small - 304));
#endif
    memset(arena_alloc(&a, 300), 1, 300);
    arena_free(&a, small, 300);
    arena_free(&a, run, 70000);
    arena_done(&a);
    must(fcntl(fd, F_GETFD) == -1);
}
END_TEST

/* Another process has it, after this one is gone. */
START_TEST(restored_elsewhere)
{
    int pair[2];
    must(pipe(pair) == 0);
    struct arena a, before;
    unsigned char *small, *run;
    open_memfd(&a, RESERVE * MIB);
    int fd = dup(arena_fd(&a));
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        small = memset(arena_alloc(&a, 300), 0xa5, 300);
        run = memset(arena_alloc(&a, 70000), 0x5a, 70000);
        arena_set_layout(&a, LAYOUT);
        arena_seal(&a);
        bool sent = write(pair[1], &a, sizeof a) > 0 && write(pair[1], &small, sizeof small) > 0 &&
                    write(pair[1], &run, sizeof run) > 0;
        _exit(sent ? 0 : 1);
    }
    arena_done(&a);
    int status;
    must(waitpid(child, &status, 0) == child && status == 0);
    must(read(pair[0], &before, sizeof before) == sizeof before);
    must(read(pair[0], &small, sizeof small) == sizeof small &&
         read(pair[0], &run, sizeof run) == sizeof run);
    must(arena_attach(&a, fd, LAYOUT) == 0);
    check_restored(&a, &before, small, run);
    arena_done(&a);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

static void must_refuse(int fd, uint64_t layout, int code)
{
    struct arena a;
    int got = arena_attach(&a, fd, layout);
    if (got != code)
        ck_abort_msg("%d instead of %d", got, code);
    must(fcntl(fd, F_GETFD) != -1);
}

START_TEST(unsealed)
{
    struct arena a;
    open_memfd(&a, RESERVE * MIB);
    memset(arena_alloc(&a, 300), 1, 300);
    int fd = dup(arena_fd(&a));
    arena_done(&a);
    must_refuse(fd, 0, MR_E_CORRUPT);
    close(fd);
}
END_TEST

START_TEST(once)
{
    struct arena before, a;
    unsigned char *small, *run;
    int fd = sealed(&before, &small, &run), again = dup(fd);
    must_refuse(fd, LAYOUT + 1, MR_E_CORRUPT);
    must_refuse(fd, 0, MR_E_CORRUPT);
    must(arena_attach(&a, fd, LAYOUT) == 0);
    must_refuse(again, LAYOUT, MR_E_CORRUPT);
    arena_done(&a);
    must_refuse(again, LAYOUT, MR_E_CORRUPT);
    close(again);
}
END_TEST

START_TEST(sealed_again)
{
    struct arena before, a;
    unsigned char *small, *run;
    int fd = sealed(&before, &small, &run), again = dup(fd);
    must(arena_attach(&a, fd, LAYOUT) == 0);
    arena_set_layout(&a, LAYOUT + 1);
    arena_seal(&a);
    arena_done(&a);
    must_refuse(again, LAYOUT, MR_E_CORRUPT);
    must(arena_attach(&a, again, LAYOUT + 1) == 0);
    check_restored(&a, &before, small, run);
    arena_done(&a);
}
END_TEST

/* Where something else stands; the seal holds until it has worked. */
START_TEST(taken)
{
    struct arena before, a;
    unsigned char *small, *run;
    int fd = sealed(&before, &small, &run);
    void *there = mmap(before.base + 8 * MIB, 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    must(there == before.base + 8 * MIB);
    must_refuse(fd, LAYOUT, -EEXIST);
    munmap(there, 4096);
    must(arena_attach(&a, fd, LAYOUT) == 0);
    check_restored(&a, &before, small, run);
    arena_done(&a);
}
END_TEST

/* Each bit of what is believed, wrong by itself. */
START_TEST(damaged)
{
    struct arena before, a;
    unsigned char *small, *run;
    int fd = sealed(&before, &small, &run);
    struct random r;
    random_init_seed(&r, 5);
    for (unsigned i = 0; i < 4000; i++) {
        off_t at = i < 800 ? i / 8 : (off_t)random_below(&r, 6000);
        unsigned char byte, wrong;
        must(pread(fd, &byte, 1, at) == 1);
        wrong = (unsigned char)(byte ^ 1U << (i < 800 ? i % 8 : random_below(&r, 8)));
        must(pwrite(fd, &wrong, 1, at) == 1);
        must_refuse(fd, LAYOUT, MR_E_CORRUPT);
        must(pwrite(fd, &byte, 1, at) == 1);
    }
    must(arena_attach(&a, fd, LAYOUT) == 0);
    check_restored(&a, &before, small, run);
    arena_done(&a);
}
END_TEST

static void copy_start(int from, int to)
{
    static char bytes[65536];
    must(pread(from, bytes, sizeof bytes, 0) == sizeof bytes);
    must(pwrite(to, bytes, sizeof bytes, 0) == sizeof bytes);
}

/* A file of the right content that is of another size, or could become so; and no file. */
START_TEST(not_ours)
{
    struct arena before, a;
    unsigned char *small, *run;
    int fd = sealed(&before, &small, &run);
    off_t size = lseek(fd, 0, SEEK_END);
    int open_file = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int short_file = memfd_create("short", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int empty = memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    must(open_file >= 0 && short_file >= 0 && empty >= 0);
    must(ftruncate(open_file, size) == 0 && ftruncate(short_file, size - 4096) == 0);
    copy_start(fd, open_file);
    copy_start(fd, short_file);
    must(fcntl(short_file, F_ADD_SEALS, F_SEAL_SHRINK) == 0 && fcntl(empty, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    must_refuse(open_file, LAYOUT, MR_E_CORRUPT);
    must_refuse(short_file, LAYOUT, MR_E_CORRUPT);
    must_refuse(empty, LAYOUT, MR_E_CORRUPT);
    int ends[2];
    must(pipe(ends) == 0);
    must_refuse(ends[0], LAYOUT, MR_E_CORRUPT);
    must(arena_attach(&a, -1, LAYOUT) == -EBADF);
    /* The very file cannot be made shorter. */
    must(ftruncate(fd, size - 4096) == -1 && errno == EPERM);
    must(arena_attach(&a, fd, LAYOUT) == 0);
    arena_done(&a);
    close(open_file);
    close(short_file);
    close(empty);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

UNIT_SUITE(base_arena_seal)
{
    tcase_add_test(tc, restored);
    tcase_add_test(tc, restored_elsewhere);
    tcase_add_test(tc, unsealed);
    tcase_add_test(tc, once);
    tcase_add_test(tc, sealed_again);
    tcase_add_test(tc, taken);
    tcase_add_test(tc, damaged);
    tcase_add_test(tc, not_ours);
}
