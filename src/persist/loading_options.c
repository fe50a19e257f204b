/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of loading and saving.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "persist/loading.h"

static int check_dir(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    if (value->string[0] != '\0')
        return 0;
    buf_append_str(why, "dir can't be empty");
    return MR_E_CONFIG;
}

static int check_dbfilename(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    if (value->string[0] == '\0') {
        buf_append_str(why, "dbfilename can't be empty");
        return MR_E_CONFIG;
    }
    if (strchr(value->string, '/') != NULL) {
        buf_append_str(why, "dbfilename can't be a path, just a filename");
        return MR_E_CONFIG;
    }
    return 0;
}

static int check_save(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    const struct config_list *list = &value->list;
    bool ok = list->count % 2 == 0;
    for (size_t i = 0; ok && i < list->count; i++) {
        int64_t number;
        ok = number_to_int(slice_str(list->items[i]), &number) && number >= (i % 2 == 0 ? 1 : 0);
    }
    if (ok)
        return 0;
    buf_append_str(why, "Invalid save parameters");
    return MR_E_CONFIG;
}

/* Accepting what is not done would lose somebody's data silently. */
static int check_appendonly(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    if (!value->boolean)
        return 0;
    buf_append_str(why, "this version writes no append-only file");
    return MR_E_CONFIG;
}

int loading_apply_options(void *owner, const bool *changed, struct buf *why)
{
    const struct loading_options *options = owner;
    for (size_t i = 0; i < loading_config_count; i++) {
        if (!changed[i] || strcmp(loading_config_rows[i].name, "dir") != 0)
            continue;
        if (chdir(options->dir) != 0) {
            buf_append_str(why, strerror(errno));
            return -errno;
        }
    }
    return 0;
}

const struct config_option loading_config_rows[] = {
    {.name = "dir",
     .type = CONFIG_STRING,
     .flags = CONFIG_RUNTIME | CONFIG_PROTECTED,
     .offset = offsetof(struct loading_options, dir),
     .fallback = ".",
     .check = check_dir,
     .sentence = "The directory of the data, which becomes the server's current directory."},
    {.name = "dbfilename",
     .type = CONFIG_STRING,
     .flags = CONFIG_RUNTIME | CONFIG_PROTECTED,
     .offset = offsetof(struct loading_options, dbfilename),
     .fallback = "dump.rdb",
     .check = check_dbfilename,
     .sentence = "The name of the RDB file in dir that is loaded at start and saved to."},
    {.name = "rdbchecksum",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct loading_options, rdbchecksum),
     .fallback = "yes",
     .sentence = "Whether an RDB file is saved with a checksum, and that of one that is loaded is checked."},
    {.name = "save",
     .type = CONFIG_LIST,
     .flags = CONFIG_RUNTIME | CONFIG_REPEAT | CONFIG_CLEAR,
     .group = 2,
     .offset = offsetof(struct loading_options, save),
     .fallback = "",
     .check = check_save,
     .sentence =
         "Pairs of seconds and changes after which the data is to be saved. If there are any, "
         "a stop of the server (a signal, SHUTDOWN) saves what has changed, and FLUSHALL, or a FLUSHDB "
         "that leaves no key, saves that at once; what this version does not do yet is to save while "
         "it runs, so that a crash loses what came since the start or the last SAVE."},
    {.name = "appendonly",
     .type = CONFIG_BOOL,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct loading_options, appendonly),
     .fallback = "no",
     .check = check_appendonly,
     .sentence = "Whether every write goes to an append-only file; this version writes none and accepts "
                 "only no."},
};

const size_t loading_config_count = sizeof loading_config_rows / sizeof *loading_config_rows;
