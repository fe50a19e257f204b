/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal as a sink of the log: the text is MESSAGE, the level PRIORITY, and
 * each field of the caller's an own field, so that nothing has to be parsed back
 * out of text.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "systemd/systemd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* JOURNAL_STREAM stays in the environment of whatever the service starts, also behind a pipe or
 * a file of its own: only if it names this very descriptor does it say anything. */
bool systemd_stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    unsigned long long device, inode;
    if (stream == NULL || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
        return false;
    return fstat(2, &st) == 0 && st.st_dev == (dev_t)device && st.st_ino == (ino_t)inode;
}

#ifdef HAVE_SYSTEMD

#define SD_JOURNAL_SUPPRESS_LOCATION

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "systemd/systemd_private.h"

enum { FIELDS_MAX = 16, FIELD_BYTES = 512, FIXED_FIELDS = 3 };

static const char *priority(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return "PRIORITY=7";
    case LOG_LEVEL_VERBOSE:
        return "PRIORITY=6";
    case LOG_LEVEL_NOTICE:
        return "PRIORITY=5";
    case LOG_LEVEL_ERROR:
        return "PRIORITY=3";
    default:
        return "PRIORITY=4";
    }
}

static struct iovec field(const char *text, size_t len)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)text, .iov_len = len};
}

/* "NAME=value" in ROOM; a value that does not fit is cut. */
static struct iovec print_field(char *room, const char *name, const char *value)
{
    int n = snprintf(room, FIELD_BYTES, "%s=%s", name, value);
    return field(room, n < FIELD_BYTES ? (size_t)n : FIELD_BYTES - 1);
}

/* As in the other sinks: one line each, and nothing for a terminal to obey. */
static void blank_controls(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = ' ';
}

static void journal_sink(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                         const char *text)
{
    char room[FIELDS_MAX][FIELD_BYTES], ident[128];
    struct iovec iov[FIXED_FIELDS + FIELDS_MAX];
    SYSTEMD_FUNCTION(sendv, sd_journal_sendv);
    char *message = malloc(strlen("MESSAGE=") + strlen(text) + 1);
    if (sendv == NULL || message == NULL) {
        free(message);
        return;
    }
    int len = sprintf(message, "MESSAGE=%s", text);
    blank_controls(message);
    int ident_len = snprintf(ident, sizeof(ident), "SYSLOG_IDENTIFIER=%s", (const char *)owner);
    iov[0] = field(message, (size_t)len);
    iov[1] = field(priority(level), strlen("PRIORITY=n"));
    iov[2] = field(ident, (size_t)ident_len < sizeof(ident) ? (size_t)ident_len : sizeof(ident) - 1);
    if (count > FIELDS_MAX)
        count = FIELDS_MAX;
    int n = FIXED_FIELDS;
    for (size_t i = 0; i < count; i++)
        if (fields[i].value != NULL)
            iov[n++] = print_field(room[i], fields[i].name, fields[i].value);
    (void)sendv(iov, n);
    free(message);
}

int systemd_log_to_journal(const char *ident)
{
    /* Without a journal libsystemd throws the lines away and says that all is well. */
    if (access("/run/systemd/journal/socket", W_OK) != 0)
        return -errno;
    if (systemd_symbol("sd_journal_sendv") == NULL)
        return -ENOSYS;
    log_set_sink(journal_sink, (void *)(uintptr_t)ident);
    return 0;
}

#else

#include <errno.h>

int systemd_log_to_journal(const char *ident)
{
    (void)ident;
    return -ENOSYS;
}

#endif
