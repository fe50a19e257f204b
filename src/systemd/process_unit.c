/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See process_unit.h.
 *
 * The lists of processes are found without walking the whole tree: systemd puts units
 * into slices only, so the way to a unit leads through directories named *.slice.
 */
#include "systemd/process_unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_LIMIT  255
#define DEPTH_LIMIT 32 /* of nested control groups that are looked into */

const struct process_unit_place process_unit_here = {.proc = "/proc", .cgroup = "/sys/fs/cgroup"};

/* One name of a path, without its slashes. */
struct part {
    const char *at;
    size_t len;
};

static bool part_next(const char **path, struct part *out)
{
    const char *p = *path + strspn(*path, "/");
    *out = (struct part){.at = p, .len = strcspn(p, "/")};
    *path = p + out->len;
    return out->len > 0;
}

static bool part_ends(const struct part *p, const char *end)
{
    size_t len = strlen(end);
    return p->len > len && memcmp(p->at + p->len - len, end, len) == 0;
}

/* Those kinds of unit that have processes. */
static bool part_is_unit(const struct part *p)
{
    static const char *const kinds[] = {".service", ".scope", ".socket", ".mount", ".swap"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (part_ends(p, kinds[i]))
            return true;
    return false;
}

/* A name that could be taken for a file of the kernel's gets an underscore in front. */
static struct part part_unescape(struct part p)
{
    if (p.len > 1 && p.at[0] == '_')
        p = (struct part){.at = p.at + 1, .len = p.len - 1};
    return p;
}

bool process_unit_is_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@/";
    struct part p;
    if (text[0] == '/' || strspn(text, allowed) != strlen(text) || strstr(text, "//") != NULL)
        return false;
    bool any = false;
    while (part_next(&text, &p)) {
        if (!part_is_unit(&p) || p.len > NAME_LIMIT)
            return false;
        any = true;
        if (strcmp(text, "/") == 0)
            return false;
    }
    return any;
}

/* The next unit of a path behind the slices before it; false if something else comes. */
static bool next_unit(const char **path, struct part *out)
{
    while (part_next(path, out))
        if (!part_ends(out, ".slice")) {
            *out = part_unescape(*out);
            return part_is_unit(out);
        }
    return false;
}

bool process_unit_has_path(const char *unit, const char *path)
{
    struct part want, have;
    while (part_next(&unit, &want))
        if (!next_unit(&path, &have) || have.len != want.len || memcmp(have.at, want.at, want.len) != 0)
            return false;
    return true;
}

/* --- by the process --- */

/* Whether one of the lines of /proc/PID/cgroup is about a hierarchy of systemd's, and what
 * it says: it uses the second version's or, on old systems, one named after itself. */
static bool lines_have(FILE *lines, const char *unit)
{
    char *line = NULL;
    size_t cap = 0;
    bool has = false;
    ssize_t n;
    while (!has && (n = getline(&line, &cap, lines)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        const char *path = NULL;
        if (strncmp(line, "0::", 3) == 0)
            path = line + 3;
        else if ((path = strstr(line, ":name=systemd:")) != NULL)
            path += strlen(":name=systemd:");
        has = path != NULL && process_unit_has_path(unit, path);
    }
    free(line);
    return has;
}

/* --- by the unit --- */

static bool list_has(int dir, pid_t pid)
{
    int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *list = fd < 0 ? NULL : fdopen(fd, "r");
    if (list == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    long each;
    bool has = false;
    while (!has && fscanf(list, "%ld", &each) == 1)
        has = each == (long)pid;
    fclose(list);
    return has;
}

typedef bool visit(int dir, const char *rest, pid_t pid, unsigned depth);

static int open_group(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whether VISIT says yes to one of the groups in DIR, or in its slices if SLICES. */
static bool any_child(int dir, bool slices, visit *fn, const char *rest, pid_t pid, unsigned depth)
{
    int own = depth >= DEPTH_LIMIT ? -1 : open_group(dir, ".");
    DIR *stream = own < 0 ? NULL : fdopendir(own);
    if (stream == NULL) {
        if (own >= 0)
            close(own);
        return false;
    }
    bool found = false;
    const struct dirent *e;
    while (!found && (e = readdir(stream)) != NULL) {
        struct part name = {.at = e->d_name, .len = strlen(e->d_name)};
        if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) ||
            (slices && !part_ends(&name, ".slice")))
            continue;
        int child = open_group(dir, e->d_name);
        if (child < 0)
            continue;
        found = fn(child, rest, pid, depth + 1);
        close(child);
    }
    closedir(stream);
    return found;
}

static bool group_holds(int dir, const char *rest, pid_t pid, unsigned depth)
{
    return list_has(dir, pid) || any_child(dir, false, group_holds, rest, pid, depth);
}

/* Looks for the units of REST, one inside the other, from group DIR on. */
static bool slice_holds(int dir, const char *rest, pid_t pid, unsigned depth)
{
    const char *behind = rest;
    struct part unit;
    if (!part_next(&behind, &unit))
        return group_holds(dir, rest, pid, depth);
    char name[1 + NAME_LIMIT + 1];
    snprintf(name, sizeof(name), "_%.*s", (int)unit.len, unit.at);
    for (unsigned escaped = 0; escaped < 2; escaped++) {
        int group = open_group(dir, escaped ? name : name + 1);
        if (group < 0)
            continue;
        bool has = depth < DEPTH_LIMIT && slice_holds(group, behind, pid, depth + 1);
        close(group);
        return has;
    }
    return any_child(dir, true, slice_holds, rest, pid, depth);
}

static bool tree_has(const char *root, const char *unit, pid_t pid)
{
    static const char *const trees[] = {".", "unified", "systemd"};
    int top = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool has = false;
    for (size_t i = 0; top >= 0 && !has && i < sizeof(trees) / sizeof(trees[0]); i++) {
        int tree = open_group(top, trees[i]);
        has = tree >= 0 && slice_holds(tree, unit, pid, 0);
        if (tree >= 0)
            close(tree);
    }
    if (top >= 0)
        close(top);
    return has;
}

bool process_unit_has(const struct process_unit_place *place, const char *unit, pid_t pid)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%ld/cgroup", place->proc, (long)pid);
    FILE *lines = fopen(path, "re");
    if (lines == NULL)
        return tree_has(place->cgroup, unit, pid);
    bool has = lines_have(lines, unit);
    fclose(lines);
    return has;
}
