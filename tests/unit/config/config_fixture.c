/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The modules that the config's suites work on. The rows are like Redis's, but for
 * "limits", whose words change one class of a table as client-output-buffer-limit's do.
 */
#include "config_fixture.h"

#include <dirent.h>
#include <stdarg.h>
#include <stddef.h>

static const struct config_name policies[] = {
    {"noeviction", 0}, {"allkeys-lru", 1}, {"allkeys-lfu", 2}, {NULL, 0}};

static const struct config_name moods[] = {{"none", 0}, {"calm", 1}, {"brave", 2}, {"quick", 4}, {NULL, 0}};

/* Who is calm is not quick. */
static int check_moods(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    if ((value->choice & 5) != 5)
        return 0;
    buf_append_str(why, "calm and quick");
    return MR_E_CONFIG;
}

static int check_save(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    for (size_t i = 0; i < value->list.count; i++)
        if (strspn(value->list.items[i], "0123456789") != strlen(value->list.items[i]))
            goto bad;
    if (value->list.count % 2 == 0)
        return 0;
bad:
    buf_append_str(why, "Invalid save parameters");
    return MR_E_CONFIG;
}

/* "a 1" changes a's number and leaves b's: the value is always "a N b N". */
static int check_limits(union config_value *value, const union config_value *old, struct buf *why)
{
    if (old == NULL)
        return 0;
    struct config_list given = value->list;
    if (given.count % 2 != 0) {
        buf_append_str(why, "Wrong number of arguments");
        return MR_E_CONFIG;
    }
    char **items = heap_alloc(4 * sizeof *items);
    for (size_t i = 0; i < 4; i++)
        items[i] = heap_strdup(old->list.items[i]);
    for (size_t i = 0; i < given.count; i += 2) {
        size_t at = given.items[i][0] == 'a' ? 1 : 3;
        heap_free(items[at]);
        items[at] = heap_strdup(given.items[i + 1]);
    }
    for (size_t i = 0; i < given.count; i++)
        heap_free(given.items[i]);
    heap_free(given.items);
    value->list = (struct config_list){items, 4};
    return 0;
}

#define AT(field) .offset = offsetof(struct fixture_options, field)

static const struct config_option rows[] = {
    {"port", NULL, CONFIG_INT, CONFIG_RUNTIME, AT(port), .fallback = "6379", .min = 0, .max = 65535,
     .sentence = "TCP port to listen on; 0 for none."},
    {"timeout", NULL, CONFIG_INT, CONFIG_RUNTIME, AT(timeout), .fallback = "0", .min = 0, .max = INT32_MAX,
     .unit = "s", .sentence = "Seconds after which an idle client is disconnected."},
    {"bind", NULL, CONFIG_LIST, CONFIG_RUNTIME, AT(bind), .fallback = "127.0.0.1 -::1",
     .sentence = "Addresses to listen on."},
    {"save", NULL, CONFIG_LIST, CONFIG_RUNTIME | CONFIG_REPEAT | CONFIG_CLEAR, AT(save), .fallback = "3600 1",
     .group = 2, .check = check_save, .sentence = "When to save."},
    {"limits", NULL, CONFIG_LIST, CONFIG_RUNTIME | CONFIG_CLEAR, AT(limits), .fallback = "a 1 b 2",
     .group = 2, .check = check_limits, .sentence = "Limits per class."},
    {"maxmemory", NULL, CONFIG_SIZE, CONFIG_RUNTIME, AT(maxmemory), .fallback = "0", .min = 0,
     .max = INT64_MAX, .unit = "bytes", .sentence = "Memory limit."},
    {"unixsocketperm", NULL, CONFIG_OCTAL, 0, AT(perm), .fallback = "0", .min = 0, .max = 0777,
     .sentence = "Mode of the socket."},
    {"maxmemory-policy", NULL, CONFIG_ENUM, CONFIG_RUNTIME, AT(policy), .fallback = "noeviction",
     .names = policies, .sentence = "What to evict."},
    {"moods", NULL, CONFIG_WORDS, CONFIG_RUNTIME, AT(moods), .fallback = "none", .names = moods,
     .check = check_moods, .sentence = "Moods."},
    {"appendonly", NULL, CONFIG_BOOL, CONFIG_RUNTIME, AT(appendonly), .fallback = "no",
     .sentence =
         "Whether every write is logged to a file, which takes more of the disk but loses less when the "
         "machine stops at once."},
    {"dir", NULL, CONFIG_STRING, CONFIG_RUNTIME | CONFIG_PROTECTED, AT(dir), .fallback = ".",
     .sentence = "Data directory."},
    {"requirepass", NULL, CONFIG_STRING, CONFIG_RUNTIME | CONFIG_SECRET, AT(requirepass), .fallback = "",
     .sentence = "Password."},
};

static const struct config_option other_rows[] = {
    {"replica-priority", "slave-priority", CONFIG_INT, CONFIG_RUNTIME, offsetof(struct fixture_other, hz),
     .fallback = "100", .sentence = "Priority."},
    {"note", NULL, CONFIG_STRING, CONFIG_RUNTIME, offsetof(struct fixture_other, note), .fallback = "",
     .sentence = "Note."},
};

static int apply_first(void *owner, const bool *changed, struct buf *why)
{
    struct fixture *f = owner;
    (void)why;
    f->applied[0]++;
    memcpy(f->changed, changed, sizeof rows / sizeof *rows);
    f->port_seen = f->options.port;
    return 0;
}

static int apply_second(void *owner, const bool *changed, struct buf *why)
{
    struct fixture *f = owner;
    (void)changed;
    f->applied[1]++;
    if (f->refuse == NULL)
        return 0;
    buf_append_str(why, f->refuse);
    return MR_E_CONFIG;
}

struct fixture *fixture_begin(void)
{
    struct fixture *f = heap_alloc_zero(sizeof *f);
    const char *base = getenv("TMPDIR");
    snprintf(f->folder, sizeof f->folder, "%.40s/config.XXXXXX",
             base != NULL && strlen(base) < 40 ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    f->modules[0] =
        (struct config_module){"First", rows, sizeof rows / sizeof *rows, &f->options, apply_first, f};
    f->modules[1] = (struct config_module){"Second",  other_rows,   sizeof other_rows / sizeof *other_rows,
                                           &f->other, apply_second, f};
    f->config = config_new();
    config_add(f->config, &f->modules[0]);
    config_add(f->config, &f->modules[1]);
    return f;
}

void fixture_end(struct fixture *f)
{
    DIR *d = opendir(f->folder);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", f->folder, e->d_name);
        if (e->d_name[0] != '.')
            ck_assert_int_eq(unlink(path), 0);
    }
    closedir(d);
    ck_assert_int_eq(rmdir(f->folder), 0);
    config_free(f->config);
    ck_assert_ptr_null(f->options.dir);
    buf_done(&f->faults);
    buf_done(&f->text);
    heap_free(f);
}

const char *fixture_file(struct fixture *f, const char *name, const char *text)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
    FILE *out = fopen(f->path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), out), strlen(text));
    ck_assert_int_eq(fclose(out), 0);
    return f->path;
}

const char *fixture_value(struct fixture *f, const char *name)
{
    const struct config_option *o = config_find(f->config, slice_str(name));
    ck_assert_ptr_nonnull(o);
    f->text.len = 0;
    config_print_value(f->config, o, &f->text);
    return buf_cstr(&f->text);
}

/* Every occurrence of the folder's path goes, so that texts can be compared. */
static const char *without_folder(struct fixture *f, struct buf *b)
{
    char *text = buf_cstr(b);
    size_t len = strlen(f->folder) + 1;
    for (char *p = text; (p = strstr(p, f->folder)) != NULL;)
        memmove(p, p + len, strlen(p + len) + 1);
    return text;
}

const char *fixture_origin(struct fixture *f, const char *name)
{
    const struct config_option *o = config_find(f->config, slice_str(name));
    ck_assert_ptr_nonnull(o);
    f->text.len = 0;
    config_print_origin(f->config, o, &f->text);
    return without_folder(f, &f->text);
}

const char *fixture_set(struct fixture *f, ...)
{
    struct config_change changes[8];
    size_t count = 0;
    va_list ap;
    va_start(ap, f);
    for (const char *name; (name = va_arg(ap, const char *)) != NULL; count++) {
        ck_assert_uint_lt(count, 8);
        changes[count] = (struct config_change){slice_str(name), slice_str(va_arg(ap, const char *))};
    }
    va_end(ap);
    f->text.len = 0;
    int r = config_set(f->config, changes, count, false, &f->text);
    ck_assert_int_eq(r<0, f->text.len> 0);
    return buf_cstr(&f->text);
}

const char *fixture_faults(struct fixture *f)
{
    return without_folder(f, &f->faults);
}
