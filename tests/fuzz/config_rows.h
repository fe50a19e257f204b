/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the two config harnesses share: a config with a row of every type, the input as
 * a file, and the check that what was read can be printed and read again.
 *
 * Inputs that include by a path are not tried: what they do depends on the machine.
 */
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/config_section.h"
#include "fuzz.h"

struct config_values {
    int64_t number;
    int64_t seconds;
    int64_t octal;
    int64_t size;
    int choice;
    int words;
    bool boolean;
    char *text;
    struct config_list list;
    struct config_list pairs;
    char *overlay;
};

static const struct config_name config_choices[] = {{"one", 1}, {"two", 2}, {NULL, 0}};
static const struct config_name config_words[] = {
    {"default", 0}, {"save", 1}, {"nosave", 2}, {"now", 4}, {NULL, 0}};

#define ROW(NAME, TYPE, FIELD, FLAGS, FALLBACK, ...)                                                         \
    {                                                                                                        \
        .name = NAME, .type = TYPE, .offset = offsetof(struct config_values, FIELD),                         \
        .flags = CONFIG_RUNTIME | (FLAGS), .fallback = FALLBACK, .sentence = "A row.", __VA_ARGS__           \
    }

static const struct config_option config_rows[] = {
    ROW("port", CONFIG_INT, number, 0, "1", .max = 65535, .alias = "slave-port"),
    ROW("timeout", CONFIG_INT, seconds, 0, "0", .min = -1, .max = INT32_MAX, .unit = "s"),
    ROW("perm", CONFIG_OCTAL, octal, 0, "0", .max = 0777),
    ROW("maxmemory", CONFIG_SIZE, size, 0, "0", .max = INT64_MAX),
    ROW("policy", CONFIG_ENUM, choice, 0, "one", .names = config_choices),
    ROW("shutdown-on-sigterm", CONFIG_WORDS, words, 0, "default", .names = config_words),
    ROW("appendonly", CONFIG_BOOL, boolean, 0, "no"),
    ROW("requirepass", CONFIG_STRING, text, CONFIG_SECRET, ""),
    ROW("bind", CONFIG_LIST, list, 0, "a b"),
    ROW("save", CONFIG_LIST, pairs, CONFIG_REPEAT | CONFIG_CLEAR, "1 2", .group = 2),
    ROW("overlay", CONFIG_STRING, overlay, 0, ""),
};

struct config_person {
    int64_t uid;
    struct config_list groups;
    char *password;
};

static const struct config_option config_person_rows[] = {
    {.name = "peer-uid", .type = CONFIG_INT, .offset = offsetof(struct config_person, uid), .fallback = "-1"},
    {.name = "groups",
     .type = CONFIG_LIST,
     .flags = CONFIG_CLEAR,
     .offset = offsetof(struct config_person, groups),
     .fallback = "a"},
    {.name = "password",
     .type = CONFIG_STRING,
     .flags = CONFIG_SECRET,
     .offset = offsetof(struct config_person, password),
     .fallback = ""},
};

static const struct config_section config_person_section = {
    .name = "user", .options = config_person_rows, .count = 3, .size = sizeof(struct config_person)};

static struct config *config_make(struct config_values *values, struct config_module *module)
{
    *module = (struct config_module){.group = "G",
                                     .options = config_rows,
                                     .count = sizeof config_rows / sizeof *config_rows,
                                     .target = values};
    struct config *c = config_new();
    config_add(c, module);
    config_add_section(c, &config_person_section, NULL);
    const struct config_environment environment = {.credentials = "/nonexistent",
                                                   .overlay_option = "overlay",
                                                   .dir_option = "overlay",
                                                   .only_looks = true};
    config_set_environment(c, &environment);
    return c;
}

/* Leaves the path of a file with these bytes in PATH; returns what keeps it open. */
static int config_file(const void *data, size_t size, char path[64])
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    require(fd >= 0);
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, (const char *)data + at, size - at);
        require(n > 0);
        at += (size_t)n;
    }
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static bool config_is_tried(const uint8_t *data, size_t size)
{
    static const char word[] = "include";
    bool includes = false;
    for (size_t i = 0; i + sizeof word - 1 <= size; i++)
        includes |= strncasecmp((const char *)data + i, word, sizeof word - 1) == 0;
    return !includes || memchr(data, '/', size) == NULL;
}

/* Prints C as a file; a config that reads it must have the same values. */
static void config_check_round_trip(const struct config *c, const struct buf *passed_over)
{
    struct buf text = {0};
    struct buf faults = {0};
    config_print_import(c, "input", passed_over, &text);
    char path[64];
    int fd = config_file(text.data, text.len, path);
    struct config_values values;
    struct config_module module;
    struct config *again = config_make(&values, &module);
    require(config_load_file(again, path, &faults) == 0 && faults.len == 0);
    struct buf a = {0};
    struct buf b = {0};
    for (size_t i = 0; i < config_option_count(c); i++) {
        const struct config_option *o = config_option_at(c, i, NULL);
        config_print_value(c, o, &a);
        config_print_value(again, o, &b);
        require(slice_equal(buf_slice(&a), buf_slice(&b)));
    }
    config_free(again);
    close(fd);
    buf_done(&a);
    buf_done(&b);
    buf_done(&faults);
    buf_done(&text);
}

/* What CONFIG REWRITE makes of values that CONFIG SET took from C must be read back as they are. */
static void config_check_overlay(const struct config *c)
{
    struct config_values values;
    struct config_module module;
    struct config *other = config_make(&values, &module);
    struct buf a = {0}, b = {0}, why = {0};
    char path[] = "/tmp/miniredis-fuzz.XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0 && close(fd) == 0 && unlink(path) == 0);
    char *place[] = {"--overlay", path};
    require(config_load_args(other, 2, place, &why, NULL) == 0);
    for (size_t i = 0; i < config_option_count(c); i++) {
        const struct config_option *o = config_option_at(c, i, NULL);
        a.len = why.len = 0;
        config_print_value(c, o, &a);
        const struct config_change change = {slice_str(o->name), buf_slice(&a)};
        if (strcmp(o->name, "overlay") != 0)
            require(config_set(other, &change, 1, true, &why) == 0);
    }
    require(config_rewrite(other, &why) == 0);
    struct config_values read;
    struct config_module read_module;
    struct config *again = config_make(&read, &read_module);
    require(config_load_args(again, 2, place, &why, NULL) == 0);
    require(config_load_overlay(again, &why) == 0);
    for (size_t i = 0; i < config_option_count(c); i++) {
        const struct config_option *o = config_option_at(c, i, NULL);
        a.len = b.len = 0;
        config_print_value(other, o, &a);
        config_print_value(again, o, &b);
        require(slice_equal(buf_slice(&a), buf_slice(&b)));
    }
    unlink(path);
    config_free(again);
    config_free(other);
    buf_done(&a);
    buf_done(&b);
    buf_done(&why);
}

/* Reads the input by one reader and looks at what comes of it. */
static void config_try(const uint8_t *data, size_t size, bool redis)
{
    if (!config_is_tried(data, size))
        return;
    struct config_values values;
    struct config_module module;
    struct config *c = config_make(&values, &module);
    char path[64];
    int fd = config_file(data, size, path);
    struct buf faults = {0};
    struct buf passed_over = {0};
    struct buf changed = {0};
    config_looks_like_redis(path);
    int r = redis ? config_load_redis(c, path, &faults, &passed_over) : config_load_file(c, path, &faults);
    require((r < 0) == (faults.len > 0));
    require(faults.len == 0 || faults.data[faults.len - 1] == '\n');
    if (r == 0) {
        config_check_round_trip(c, &passed_over);
        config_check_overlay(c);
        require(config_reload(c, path, redis, &faults, &changed) == 0 && changed.len == 0);
    }
    config_print_all(c, &changed);
    require(changed.len > 0);
    config_free(c);
    close(fd);
    buf_done(&faults);
    buf_done(&passed_over);
    buf_done(&changed);
}
