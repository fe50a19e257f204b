/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sockets that systemd, or anybody who speaks its protocol, passes at start:
 * descriptors from 3 on, LISTEN_FDS of them, meant for LISTEN_PID, called
 * LISTEN_FDNAMES. Every one is checked before any is used: one that nobody here
 * expects means that the unit and this program disagree, and serving half of what
 * was meant would hide that.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "systemd/systemd.h"

#ifdef HAVE_SYSTEMD

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "systemd/systemd_private.h"

/* What stands for a name where the one who passed the socket gave none. */
static bool is_placeholder(const char *name)
{
    return strcmp(name, "unknown") == 0 || strcmp(name, "connection") == 0;
}

static bool is_known(const char *name)
{
    return strcmp(name, "miniredis") == 0 || strncmp(name, "miniredis-", 10) == 0 ||
           strcmp(name, "miniredis.socket") == 0 || fnmatch("miniredis@*.socket", name, 0) == 0;
}

static bool is_listening_stream(__typeof__(sd_is_socket) *is_socket, int fd)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (is_socket(fd, families[i], SOCK_STREAM, 1) > 0)
            return true;
    return false;
}

static int check_sockets(char **names, size_t count, size_t cap, char *why, size_t why_size)
{
    SYSTEMD_FUNCTION(is_socket, sd_is_socket);
    if (is_socket == NULL) {
        snprintf(why, why_size, "libsystemd.so.0 has no sd_is_socket");
        return MR_E_UNSUPPORTED;
    }
    if (count > cap) {
        snprintf(why, why_size, "%zu sockets were passed, at most %zu are served", count, cap);
        return MR_E_UNSUPPORTED;
    }
    bool nameless = true;
    for (size_t i = 0; i < count; i++)
        nameless = nameless && is_placeholder(names[i]);
    for (size_t i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + (int)i;
        if (!nameless && !is_known(names[i])) {
            snprintf(why, why_size,
                     "the passed descriptor %d has the unknown name \"%.40s\" "
                     "(known: \"miniredis\" and \"miniredis-...\")",
                     fd, names[i]);
            return MR_E_UNSUPPORTED;
        }
        if (!is_listening_stream(is_socket, fd)) {
            snprintf(why, why_size,
                     "the passed descriptor %d (\"%.40s\") is not a listening TCP or unix stream socket", fd,
                     names[i]);
            return MR_E_UNSUPPORTED;
        }
    }
    return 0;
}

int systemd_take_sockets(struct systemd_socket *out, size_t cap, size_t *count, char *why, size_t why_size)
{
    *count = 0;
    if (getenv("LISTEN_FDS") == NULL)
        return 0;
    SYSTEMD_FUNCTION(listen_fds, sd_listen_fds_with_names);
    if (listen_fds == NULL) {
        snprintf(why, why_size, "sockets were passed, but libsystemd.so.0 is not there to take them");
        return MR_E_UNSUPPORTED;
    }
    char **names = NULL;
    int n = listen_fds(1, &names);
    if (n < 0) {
        snprintf(why, why_size, "the passed sockets cannot be taken: %s", strerror(-n));
        return n;
    }
    int r = check_sockets(names, (size_t)n, cap, why, why_size);
    for (size_t i = 0; r == 0 && i < (size_t)n; i++) {
        out[i].fd = SD_LISTEN_FDS_START + (int)i;
        snprintf(out[i].name, sizeof(out[i].name), "%s", names[i]);
        *count = i + 1;
    }
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return r;
}

#else

int systemd_take_sockets(struct systemd_socket *out, size_t cap, size_t *count, char *why, size_t why_size)
{
    (void)out, (void)cap, (void)why, (void)why_size;
    *count = 0;
    return 0;
}

#endif
