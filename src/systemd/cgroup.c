/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See cgroup.h. A line of /proc/self/cgroup is "number:controllers:path"; the unified
 * hierarchy has number 0 and no controllers. The path is below the place where the
 * hierarchy is mounted, which is one of a few by custom of every system manager.
 *
 * A group is bound by the limits of all groups above it too, so that the walk goes up
 * to the mount. Where a container's mount begins at its own group, its path does not
 * exist there, and the walk ends at what is its group in truth.
 */
#include "systemd/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NO_LIMIT ((uint64_t)1 << 62) /* the old hierarchy says a number near 2^63 for none */

static const char *const unified_mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL};
static const char *const unified_files[] = {"memory.high", "memory.max", NULL};
static const char *const legacy_mounts[] = {"/sys/fs/cgroup/memory", NULL};
static const char *const legacy_files[] = {"memory.limit_in_bytes", NULL};

/* The first SIZE - 1 bytes of the file; false if there is none or it is empty. */
static bool read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t len = 0;
    while (len + 1 < size) {
        ssize_t n = read(fd, out + len, size - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    close(fd);
    out[len] = '\0';
    return len > 0;
}

static bool has_word(const char *words, size_t len, const char *word)
{
    size_t want = strlen(word);
    for (size_t at = 0; at <= len;) {
        const char *comma = memchr(words + at, ',', len - at);
        size_t end = comma != NULL ? (size_t)(comma - words) : len;
        if (end - at == want && memcmp(words + at, word, want) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

/* The path of this process in the hierarchy of CONTROLLER ("": the unified one), without a
 * slash at its end, so that the root is "". */
static bool own_path(const char *root, const char *controller, char *out)
{
    char path[CGROUP_PATH_MAX], text[8192];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (!read_text(path, text, sizeof text))
        return false;
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        char *words = strchr(line, ':');
        char *own = words != NULL ? strchr(words + 1, ':') : NULL;
        if (own == NULL)
            continue;
        size_t len = (size_t)(own - words) - 1;
        if (controller[0] == '\0' ? len != 0 : !has_word(words + 1, len, controller))
            continue;
        own++;
        /* A group outside of what this namespace shows: what is shown is all there is to see. */
        if (strstr(own, "/..") != NULL)
            own = "";
        size_t end = strlen(own);
        while (end > 0 && own[end - 1] == '/')
            end--;
        if (end >= CGROUP_PATH_MAX)
            return false;
        memcpy(out, own, end);
        out[end] = '\0';
        return true;
    }
    return false;
}

/* The number in the file; false if it is missing, "max", or as good as that. */
static bool read_limit(const char *path, uint64_t *ret)
{
    char text[32];
    uint64_t bytes = 0;
    if (!read_text(path, text, sizeof text) || text[0] < '0' || text[0] > '9')
        return false;
    for (const char *p = text; *p >= '0' && *p <= '9' && bytes < NO_LIMIT; p++)
        bytes = bytes * 10 + (uint64_t)(*p - '0');
    *ret = bytes;
    return bytes < NO_LIMIT;
}

static void look_at(const char *root, const char *mount, const char *group, const char *name,
                    struct cgroup_limit *best)
{
    char path[3 * CGROUP_PATH_MAX];
    uint64_t bytes;
    int len = snprintf(path, sizeof path, "%s%s%s/%s", root, mount, group, name);
    size_t skip = strlen(root);
    if (len < 0 || (size_t)len - skip >= sizeof best->file || !read_limit(path, &bytes))
        return;
    if (bytes >= best->bytes)
        return;
    best->bytes = bytes;
    memcpy(best->file, path + skip, (size_t)len - skip + 1);
}

static void walk(const char *root, const char *controller, const char *const *mounts,
                 const char *const *files, struct cgroup_limit *best)
{
    char group[CGROUP_PATH_MAX];
    if (!own_path(root, controller, group))
        return;
    for (;;) {
        for (const char *const *mount = mounts; *mount != NULL; mount++)
            for (const char *const *file = files; *file != NULL; file++)
                look_at(root, *mount, group, *file, best);
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return;
        *slash = '\0';
    }
}

bool cgroup_memory_limit(const char *root, struct cgroup_limit *ret)
{
    struct cgroup_limit best = {.bytes = NO_LIMIT};
    walk(root, "", unified_mounts, unified_files, &best);
    walk(root, "memory", legacy_mounts, legacy_files, &best);
    if (best.bytes == NO_LIMIT)
        return false;
    *ret = best;
    return true;
}

bool cgroup_pressure_file(const char *root, char *out, size_t size)
{
    char group[CGROUP_PATH_MAX];
    if (!own_path(root, "", group))
        return false;
    for (const char *const *mount = unified_mounts; *mount != NULL; mount++) {
        int len = snprintf(out, size, "%s%s%s/memory.pressure", root, *mount, group);
        if (len > 0 && (size_t)len < size && access(out, F_OK) == 0)
            return true;
    }
    return false;
}
