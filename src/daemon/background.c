/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See background.h. What goes over the pipe is one byte READY, or the reason; an end
 * without either means that the server died.
 */
#include "daemon/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

#define READY '\001'

/* The starter: it holds nothing that wants tidying, and must not run the server's exit handlers. */
static _Noreturn void wait_at(int fd, pid_t child)
{
    struct buf said = {0};
    for (;;) {
        ssize_t n = read(fd, buf_room(&said, 256), 256);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        said.len += (size_t)n;
    }
    waitpid(child, NULL, 0);
    if (said.len == 1 && said.data[0] == READY)
        _exit(0);
    fprintf(stderr, "miniredis: %s\n",
            said.len > 0 ? buf_cstr(&said) : "the server ended before it was ready");
    fflush(stderr);
    _exit(1);
}

static int drop_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    for (int fd = 0; fd <= 2; fd++) {
        if (dup2(null, fd) < 0)
            return -errno;
    }
    if (null > 2)
        close(null);
    return 0;
}

int background_start(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    if (child > 0) {
        close(ends[1]);
        wait_at(ends[0], child);
    }
    close(ends[0]);
    /* A session leader could get a terminal again by opening one; its child cannot. */
    setsid();
    pid_t server = fork();
    if (server < 0)
        background_failed(ends[1], "cannot fork");
    if (server != 0)
        _exit(0);
    int r = drop_terminal();
    if (r < 0) {
        background_failed(ends[1], "/dev/null cannot be opened");
        _exit(1);
    }
    return ends[1];
}

static void say(int fd, const char *bytes, size_t len)
{
    if (fd < 0)
        return;
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        bytes += n;
        len -= (size_t)n;
    }
    close(fd);
}

void background_ready(int fd)
{
    const char ready = READY;
    say(fd, &ready, 1);
}

void background_failed(int fd, const char *reason)
{
    say(fd, reason, strlen(reason));
}
