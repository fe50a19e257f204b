/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files: the bytes of one, and what its includes name.
 *
 * An include may not lead back to a file that is being read, nor go deeper than
 * CONFIG_INCLUDE_DEPTH, and only regular files are included, so that a pattern never
 * waits for a terminal or a pipe. The file that all begins with may be any.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/heap.h"
#include "config/config_read_private.h"

#define CHUNK 16384

static int read_all(int fd, struct buf *out)
{
    for (;;) {
        ssize_t n = read(fd, buf_room(out, CHUNK), CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        out->len += (size_t)n;
        if (out->len > CONFIG_FILE_MAX)
            return -EFBIG;
    }
}

int config_file_read(const char *path, struct buf *out)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = read_all(fd, out);
    if (!standard_input)
        close(fd);
    return r;
}

static void tell_unreadable(struct config_reading *r, const char *file, unsigned line, const char *path,
                            int code)
{
    if (file == NULL)
        config_fault(r->faults, path, 0, NULL, "cannot be read: %s", strerror(-code));
    else
        config_fault(r->faults, file, line, "include", "'%s' cannot be read: %s", path, strerror(-code));
}

/* Reads PATH unless it is being read already; R's faults get the reason else, at the
 * place that includes it (FILE NULL: nothing does). */
static int read_one(struct config_reading *r, const char *file, unsigned line, const char *path)
{
    struct stat st = {0};
    if (strcmp(path, "-") != 0 && stat(path, &st) < 0) {
        int result = -errno;
        tell_unreadable(r, file, line, path, result);
        return result;
    }
    if (file != NULL && !S_ISREG(st.st_mode)) {
        config_fault(r->faults, file, line, "include", "'%s' is not a regular file", path);
        return MR_E_CONFIG;
    }
    for (unsigned i = 0; i < r->depth; i++) {
        if (r->open[i].dev == st.st_dev && r->open[i].ino == st.st_ino) {
            config_fault(r->faults, file, line, "include", "'%s' is included by itself", path);
            return MR_E_CONFIG;
        }
    }
    if (r->depth == CONFIG_INCLUDE_DEPTH || r->files == CONFIG_INCLUDE_FILES) {
        config_fault(r->faults, file, line, "include", "'%s': too many includes; allowed: %d deep, %d in all",
                     path, CONFIG_INCLUDE_DEPTH - 1, CONFIG_INCLUDE_FILES - 1);
        if (r->files == CONFIG_INCLUDE_FILES)
            r->files++; /* told once */
        return MR_E_CONFIG;
    }
    r->open[r->depth].dev = st.st_dev;
    r->open[r->depth].ino = st.st_ino;
    r->depth++;
    r->files++;
    int result = r->read(r, path);
    r->depth--;
    if (result < 0 && result > -1000)
        tell_unreadable(r, file, line, path, result);
    return result;
}

int config_file_start(struct config_reading *r, const char *path)
{
    return read_one(r, NULL, 0, path);
}

/* What stands in the name of a file is meant as it stands. */
static void append_escaped(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr("*?[]\\", text[i]) != NULL)
            buf_append_byte(out, '\\');
        buf_append_byte(out, text[i]);
    }
}

void config_file_include(struct config_reading *r, const char *file, unsigned line, const char *pattern)
{
    if (r->files > CONFIG_INCLUDE_FILES)
        return;
    struct buf path = {0};
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    if (pattern[0] != '/' && slash != NULL)
        append_escaped(&path, file, (size_t)(slash - file) + 1);
    buf_append_str(&path, pattern);
    glob_t found = {0};
    int g = glob(buf_cstr(&path), 0, NULL, &found);
    if (g == 0) {
        for (size_t i = 0; i < found.gl_pathc && r->files <= CONFIG_INCLUDE_FILES; i++) {
            /* The fault is told already; the next file may have some too. */
            int ignored = read_one(r, file != NULL ? file : "command line", line, found.gl_pathv[i]);
            (void)ignored;
        }
        globfree(&found);
    } else if (g == GLOB_NOMATCH && strpbrk(pattern, "*?[") != NULL) {
        globfree(&found); /* a folder of fragments may be empty */
    } else {
        globfree(&found);
        config_fault(r->faults, file, line, "include", "'%s' cannot be read: %s", path.data,
                     g == GLOB_NOMATCH ? strerror(ENOENT) : strerror(EIO));
    }
    buf_done(&path);
}

static void read_drop_in(struct config_reading *r, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        config_fault(r->faults, path, 0, NULL, "is not a regular file");
        return;
    }
    int ignored = read_one(r, NULL, 0, path); /* the fault is told already */
    (void)ignored;
}

void config_file_drop_ins(struct config_reading *r, const char *path)
{
    struct buf pattern = {0};
    append_escaped(&pattern, path, strlen(path));
    buf_append_str(&pattern, ".d/*.conf");
    glob_t found = {0};
    int g = glob(buf_cstr(&pattern), 0, NULL, &found);
    for (size_t i = 0; g == 0 && i < found.gl_pathc && r->files <= CONFIG_INCLUDE_FILES; i++)
        read_drop_in(r, found.gl_pathv[i]);
    if (g != 0 && g != GLOB_NOMATCH)
        config_fault(r->faults, path, 0, NULL, "the files of %s.d cannot be listed", path);
    globfree(&found);
    buf_done(&pattern);
}
