/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: the level, the sink, and the sinks for standard error, a file and syslog.
 *
 * A line leaves by one write, so that lines of several processes or threads do not
 * mix. Control characters in a text become blanks, so that nobody who can choose a
 * part of a text can forge a line. A log file that is reopened keeps its descriptor
 * number: who is just writing writes to the one file or the other.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/heap.h"

#define LOG_TEXT_SIZE 1024 /* longer texts take memory */
#define LOG_HEAD_SIZE 96
#define LOG_IDENT_MAX 64

static void stderr_sink(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                        const char *text);

static struct {
    enum log_level level;
    log_sink_fn *sink;
    void *owner;
    int fd; /* the log file, -1 */
    char ident[LOG_IDENT_MAX];
} logger = {.level = LOG_LEVEL_NOTICE, .sink = stderr_sink, .fd = -1};

static size_t line_head(char *out, size_t size, enum log_level level)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const char marks[] = {'.', '-', '*', '#', '#'};
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    if (localtime_r(&now.tv_sec, &tm) == NULL)
        tm = (struct tm){.tm_mday = 1};
    int len = snprintf(out, size, "%d:M %02d %s %04d %02d:%02d:%02d.%03d %c ", (int)getpid(), tm.tm_mday,
                       months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
                       (int)(now.tv_nsec / 1000000), marks[level]);
    return len < 0 ? 0 : (size_t)len < size ? (size_t)len : size - 1;
}

static void write_line(int fd, enum log_level level, const char *text)
{
    char small[LOG_HEAD_SIZE + LOG_TEXT_SIZE];
    char *line = small;
    size_t len = strlen(text);
    if (len >= LOG_TEXT_SIZE) {
        line = heap_try_alloc(LOG_HEAD_SIZE + len + 1);
        if (line == NULL) {
            line = small;
            len = LOG_TEXT_SIZE - 1;
        }
    }
    size_t at = line_head(line, LOG_HEAD_SIZE, level);
    for (size_t i = 0; i < len; i++)
        line[at++] = (unsigned char)text[i] < ' ' || text[i] == 127 ? ' ' : text[i];
    line[at++] = '\n';
    for (size_t done = 0; done < at;) {
        ssize_t n = write(fd, line + done, at - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (line != small)
        heap_free(line);
}

static void stderr_sink(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                        const char *text)
{
    (void)owner;
    (void)fields;
    (void)count;
    write_line(STDERR_FILENO, level, text);
}

static void file_sink(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                      const char *text)
{
    (void)owner;
    (void)fields;
    (void)count;
    write_line(logger.fd, level, text);
}

static void syslog_sink(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                        const char *text)
{
    static const int priorities[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERR};
    (void)owner;
    (void)fields;
    (void)count;
    syslog(priorities[level], "%s", text);
}

static void use_sink(log_sink_fn *sink, void *owner)
{
    logger.sink = sink;
    logger.owner = owner;
    if (sink != file_sink && logger.fd >= 0) {
        close(logger.fd);
        logger.fd = -1;
    }
}

void log_set_sink(log_sink_fn *sink, void *owner)
{
    use_sink(sink != NULL ? sink : stderr_sink, owner);
}

void log_set_level(enum log_level level)
{
    logger.level = level;
}

enum log_level log_get_level(void)
{
    return logger.level;
}

void log_vwrite(enum log_level level, const struct log_field *fields, size_t count, const char *fmt,
                va_list ap)
{
    if (level < logger.level || level >= LOG_LEVEL_NOTHING)
        return;
    int saved = errno;
    char small[LOG_TEXT_SIZE];
    char *text = small;
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(small, sizeof small, fmt, ap);
    if (len < 0)
        snprintf(small, sizeof small, "%s", fmt);
    if (len >= (int)sizeof small) {
        /* Where memory is short the cut text has to do. */
        text = heap_try_alloc((size_t)len + 1);
        if (text != NULL)
            vsnprintf(text, (size_t)len + 1, fmt, again);
        else
            text = small;
    }
    va_end(again);
    logger.sink(logger.owner, level, fields, count, text);
    if (text != small)
        heap_free(text);
    errno = saved;
}

void log_write(enum log_level level, const struct log_field *fields, size_t count, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_vwrite(level, fields, count, fmt, ap);
    va_end(ap);
}

void log_to_stderr(void)
{
    use_sink(stderr_sink, NULL);
}

int log_to_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0)
        return -errno;
    if (logger.fd < 0) {
        logger.fd = fd;
    } else {
        int moved = dup3(fd, logger.fd, O_CLOEXEC);
        int error = errno;
        close(fd);
        if (moved < 0)
            return -error;
    }
    use_sink(file_sink, NULL);
    return 0;
}

void log_to_syslog(const char *ident, int facility)
{
    /* openlog keeps the pointer that it is given. */
    closelog();
    snprintf(logger.ident, sizeof logger.ident, "%s", ident);
    openlog(logger.ident, LOG_PID | LOG_NDELAY, facility);
    use_sink(syslog_sink, NULL);
}
