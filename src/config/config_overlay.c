/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The overlay: what CONFIG REWRITE keeps apart from the administrator's files.
 *
 * It is a miniredis.conf of options alone, without includes or sections, and its words
 * are meant as they stand. It may hold the password, so it is for its owner only, and a
 * file that somebody else could have written is not read. Each writing replaces the whole:
 * a temporary file beside it, synced, is renamed over it, and the folder is synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/heap.h"
#include "config/config_load.h"
#include "config/config_read_private.h"
#include "config/config_resolve_private.h"

static const char *place_value(const struct config *c, const struct config_resolved *rs, const char *name)
{
    ssize_t row = config_row_index(c, slice_str(name), NULL);
    return row < 0 ? "" : rs != NULL ? rs[row].value.string : c->base[row].string;
}

char *config_overlay_place(const struct config *c, const struct config_resolved *rs)
{
    if (c->overlay_option == NULL)
        return NULL;
    const char *name = place_value(c, rs, c->overlay_option);
    if (name[0] == '\0')
        return NULL;
    if (name[0] == '/')
        return heap_strdup(name);
    if (c->state != NULL)
        return heap_printf("%s/%s", c->state, name);
    const char *dir = place_value(c, rs, c->dir_option);
    if (dir[0] == '/')
        return heap_printf("%s/%s", dir, name);
    return heap_printf("%s/%s%s%s", c->here, strcmp(dir, ".") == 0 ? "" : dir,
                       strcmp(dir, ".") == 0 ? "" : "/", name);
}

char *config_overlay_path(const struct config *c)
{
    return config_overlay_place(c, NULL);
}

/* --- reading --- */

static int refuse(struct buf *faults, const char *path, const char *reason)
{
    config_fault(
        faults, path, 0, NULL,
        "%s; this is what CONFIG REWRITE kept: mend it, or delete it to go back to the configuration "
        "files alone",
        reason);
    return MR_E_CONFIG;
}

/* 1: to be read, 0: there is nothing to read; or negative. */
static int look(struct config *c, const char *path, struct buf *faults)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int r = fd < 0 ? -errno : fstat(fd, &st) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r == -EACCES && c->only_looks) {
        config_note(c, CONFIG_NOTE_UNSEEN, path, 0, "", "was not looked at: %s", strerror(-r));
        return 0;
    }
    if (r < 0) {
        char *reason = heap_printf("cannot be read: %s", strerror(-r));
        refuse(faults, path, reason);
        heap_free(reason);
        return r;
    }
    if (!S_ISREG(st.st_mode))
        return refuse(faults, path, "is not a regular file");
    uid_t me = geteuid();
    if (st.st_uid != me && st.st_uid != 0 && me != 0)
        return refuse(faults, path, "belongs to another user, who could have written it");
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse(faults, path, "can be written by others than its owner");
    return 1;
}

/* Whether the line may stay; if not, a note says why. */
static int check_line(struct config *c, const struct config_statement *s, struct buf *faults)
{
    ssize_t row = config_row_index(c, slice_str(s->name), NULL);
    const struct config_option *o = row < 0 ? NULL : c->rows[row].option;
    struct buf why = {0};
    union config_value value;
    if (o == NULL)
        buf_append_str(&why, "unknown option");
    else if ((o->flags & CONFIG_RUNTIME) == 0)
        buf_append_str(&why, "CONFIG SET does not set it");
    else if (config_resolve_words(c, o, s, false, &c->base[row], &value, &why) == 0)
        config_value_free(o, &value);
    int r = why.len == 0;
    /* Without its password the server would be open to everybody. */
    if (r == 0 && o != NULL && (o->flags & CONFIG_SECRET) != 0) {
        config_fault(faults, s->file, s->line, s->name, "%s", buf_cstr(&why));
        r = refuse(faults, s->file, "holds a secret that is not valid");
    } else if (r == 0) {
        config_note(c, CONFIG_NOTE_PASSED_OVER, s->file, s->line, s->name, "%s; the line is passed over",
                    buf_cstr(&why));
    }
    buf_done(&why);
    return r;
}

int config_overlay_read(struct config *c, const char *path, struct config_statements *out, struct buf *faults)
{
    int r = look(c, path, faults);
    if (r <= 0)
        return r;
    struct config_statements all = {0};
    struct config_reading reading = {
        .config = c, .out = &all, .faults = faults, .read = config_confuse_read, .plain = true};
    size_t before = faults->len;
    r = config_file_start(&reading, path);
    if (r == 0 && faults->len > before)
        r = refuse(faults, path, "is not in order");
    for (size_t i = 0; r >= 0 && i < all.count; i++) {
        all.items[i].literal = true;
        r = check_line(c, &all.items[i], faults);
        if (r == 1)
            config_statements_take(out, &all.items[i]);
    }
    const char *file = r >= 0 ? config_statements_file(out, path) : NULL;
    for (size_t i = 0; i < out->count; i++)
        out->items[i].file = file; /* the names of ALL end here */
    config_statements_done(&all);
    return r < 0 ? r : 0;
}

/* --- writing --- */

static void print_overlay(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct config_row *row = &c->rows[i];
        union config_value now;
        config_value_get(row, &now);
        if ((row->origin != CONFIG_FROM_RUNTIME && row->origin != CONFIG_FROM_OVERLAY) ||
            config_value_equal(row->option, &now, &c->base[i]))
            continue;
        config_print_row(row, false, out);
        buf_append_byte(out, '\n');
    }
}

static int write_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text = slice_of(text.ptr + n, text.len - (size_t)n);
    }
    return 0;
}

/* A new file at PATH, on the disk and for its owner only. */
static int write_new(const char *path, struct slice text)
{
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = fchmod(fd, 0600) < 0 ? -errno : write_all(fd, text);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r < 0)
        unlink(path);
    return r;
}

static int sync_folder(const char *path)
{
    char *folder = heap_memdup(path, (size_t)(strrchr(path, '/') - path) + 1);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    heap_free(folder);
    return r;
}

static int replace(const char *path, struct slice text)
{
    char *fresh = heap_printf("%s.new", path);
    int r = write_new(fresh, text);
    if (r == 0 && rename(fresh, path) < 0) {
        r = -errno;
        unlink(fresh);
    }
    heap_free(fresh);
    return r;
}

int config_rewrite(struct config *c, struct buf *why)
{
    static const char head[] =
        "# Written by CONFIG REWRITE: what CONFIG SET changed. It is read after the configuration\n"
        "# files, and each CONFIG REWRITE replaces it. Delete it to go back to what the files say.\n";
    char *path = config_overlay_path(c);
    if (path == NULL) {
        buf_append_str(why, "ERR The server is running without an overlay file");
        return MR_E_CONFIG;
    }
    struct buf text = {0};
    buf_append_str(&text, head);
    print_overlay(c, &text);
    int r;
    if (text.len > sizeof head - 1)
        r = replace(path, buf_slice(&text));
    else
        r = unlink(path) < 0 && errno != ENOENT ? -errno : 0;
    if (r == 0)
        r = sync_folder(path);
    if (r < 0)
        buf_printf(why, "ERR Rewriting config file: %s", strerror(-r));
    explicit_bzero(text.data, text.cap);
    buf_done(&text);
    heap_free(path);
    return r;
}
