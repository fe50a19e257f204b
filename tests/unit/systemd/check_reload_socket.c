/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reload that is answered, with both ends here: the asker in a process of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "systemd/reload_socket.h"
#include "unit.h"

static char folder[] = "/tmp/miniredis-reload-XXXXXX";

static void begin(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(setenv("RUNTIME_DIRECTORY", folder, 1), 0);
    ck_assert_int_eq(unsetenv("MAINPID"), 0);
}

static void end(void)
{
    ck_assert_int_eq(rmdir(folder), 0);
}

struct side {
    struct loop *loop;
    enum reload_verdict verdict;
    size_t why;
    unsigned asked;
};

static enum reload_verdict do_reload(void *owner, struct buf *why)
{
    struct side *s = owner;
    s->asked++;
    for (size_t i = 0; i < s->why; i++)
        buf_append_byte(why, (char)('a' + i % 26));
    loop_stop(s->loop);
    return s->verdict;
}

/* Exit status of the asker: the verdict; its WHY is compared there. */
static int ask(struct side *s, struct loop *loop)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct buf why = {0};
        enum reload_verdict got = reload_socket_ask(60000, &why);
        size_t same = 0;
        while (same < why.len && same < s->why && why.data[same] == (char)('a' + same % 26))
            same++;
        if (s->why > 4000 ? same < 4000 || why.len > 4096 : why.len != s->why || same != why.len)
            _exit(1);
        _exit((int)got);
    }
    loop_run(loop);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(answers)
{
    static const enum reload_verdict verdicts[] = {RELOAD_DONE, RELOAD_FAILED, RELOAD_FAILED_AND_TOLD};
    static const size_t lengths[] = {0, 1, 4000, 4095, 4096, 100000};
    struct reload_socket end_of_server = {0};
    struct buf why = {0};
    begin();
    clock_update();
    struct side s = {.loop = loop_new(_i == 0 ? LOOP_POLL : LOOP_EPOLL)};
    ck_assert_int_eq(reload_socket_open(&end_of_server, s.loop, do_reload, &s, &why), 0);
    for (size_t v = 0; v < 3; v++) {
        for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
            s.verdict = verdicts[v];
            s.why = lengths[l];
            ck_assert_int_eq(ask(&s, s.loop), (int)verdicts[v]);
        }
    }
    ck_assert_uint_eq(s.asked, 18);
    reload_socket_close(&end_of_server);
    reload_socket_close(&end_of_server);
    loop_free(s.loop);
    buf_done(&why);
    end();
}
END_TEST

/* A server that is there and never turns its loop: the asker does not wait for ever, neither for
 * the answer nor, with the backlog full, for a place in it. */
START_TEST(no_answer)
{
    struct reload_socket end_of_server = {0};
    struct buf why = {0};
    int waiting[64], n = 0;
    begin();
    clock_update();
    struct side s = {.loop = loop_new(LOOP_AUTO), .verdict = RELOAD_DONE};
    ck_assert_int_eq(reload_socket_open(&end_of_server, s.loop, do_reload, &s, &why), 0);
    ck_assert_int_eq(reload_socket_ask(20, &why), RELOAD_FAILED);
    ck_assert_str_eq(buf_cstr(&why), "the server does not answer");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/reload.sock", folder);
    for (; n < 64; n++) {
        waiting[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
        if (connect(waiting[n], (const struct sockaddr *)&address, sizeof(address)) != 0)
            break;
    }
    ck_assert_int_lt(n, 64);
    why.len = 0;
    ck_assert_int_eq(reload_socket_ask(20, &why), RELOAD_FAILED);
    ck_assert_str_eq(buf_cstr(&why), "the server does not answer");
    ck_assert_uint_eq(s.asked, 0);
    for (int i = 0; i <= n; i++)
        close(waiting[i]);
    reload_socket_close(&end_of_server);
    loop_free(s.loop);
    buf_done(&why);
    end();
}
END_TEST

START_TEST(nowhere)
{
    struct reload_socket end_of_server = {0};
    struct buf why = {0};
    struct loop *loop = loop_new(LOOP_AUTO);
    ck_assert_int_eq(unsetenv("RUNTIME_DIRECTORY"), 0);
    ck_assert_int_eq(reload_socket_open(&end_of_server, loop, do_reload, NULL, &why), 0);
    ck_assert_ptr_null(end_of_server.path);
    reload_socket_close(&end_of_server);
    ck_assert_int_eq(setenv("RUNTIME_DIRECTORY", "/nowhere/at/all", 1), 0);
    ck_assert_int_lt(reload_socket_open(&end_of_server, loop, do_reload, NULL, &why), 0);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "/nowhere/at/all/reload.sock"));
    reload_socket_close(&end_of_server);
    loop_free(loop);
    buf_done(&why);
}
END_TEST

UNIT_SUITE(systemd_reload_socket)
{
    tcase_add_loop_test(tc, answers, 0, 2);
    tcase_add_test(tc, no_answer);
    tcase_add_test(tc, nowhere);
}
