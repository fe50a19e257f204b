/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See pidfile.h. The text is written to a file beside PATH that then takes its name.
 */
#include "daemon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/heap.h"

int pidfile_write(const char *path)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    char *beside = heap_printf("%s.%d", path, (int)getpid());
    int r = 0;
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        r = -errno;
        heap_free(beside);
        return r;
    }
    ssize_t n = write(fd, text, (size_t)len);
    if (n != len)
        r = n < 0 ? -errno : -ENOSPC;
    close(fd);
    if (r == 0 && rename(beside, path) != 0)
        r = -errno;
    if (r != 0)
        unlink(beside);
    heap_free(beside);
    return r;
}

void pidfile_remove(const char *path)
{
    char text[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return;
    text[n] = '\0';
    if (strtol(text, NULL, 10) == (long)getpid())
        unlink(path);
}
