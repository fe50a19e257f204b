/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See reload.h.
 */
#include "daemon/reload.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/config_load.h"

#define OPTION_NAME_MAX 64

void reload_log_lines(enum log_event event, const char *prefix, struct buf *text)
{
    char *rest = buf_cstr(text);
    while (*rest != '\0') {
        char option[OPTION_NAME_MAX];
        size_t len = strcspn(rest, "\n");
        size_t name = strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-");
        bool named = name > 0 && name < sizeof(option) && rest[name] == ':';
        snprintf(option, sizeof(option), "%.*s", named ? (int)name : 0, rest);
        if (len > 0)
            log_event(event, LOG_FIELDS({"MINIREDIS_OPTION", named ? option : NULL}), "%s%.*s", prefix,
                      (int)len, rest);
        rest += len + (rest[len] == '\n');
    }
}

static void log_note(void *owner, enum config_note note, const char *file, const char *option,
                     const char *text)
{
    static const enum log_event events[] = {[CONFIG_NOTE_EXPOSED] = LOG_EVENT_SECRET_EXPOSED,
                                            [CONFIG_NOTE_PASSED_OVER] = LOG_EVENT_OVERLAY_IGNORED};
    (void)owner;
    if (note == CONFIG_NOTE_UNSEEN)
        return; /* a server sees all */
    log_event(events[note], LOG_FIELDS({"MINIREDIS_FILE", file}, {"MINIREDIS_OPTION", option}), "%s", text);
}

void reload_log_notes(struct config *config)
{
    config_take_notes(config, log_note, NULL);
}

bool reload_config(struct config *config, const struct reload_source *source, struct buf *why)
{
    static const char unreadable[] = "the configuration came from standard input and cannot be read again";
    if (source->path != NULL && strcmp(source->path, "-") == 0) {
        log_event(LOG_EVENT_RELOAD_NOTHING, NULL, 0, "Reload: %s", unreadable);
        buf_printf(why, "%s\n", unreadable);
        return false;
    }
    struct buf faults = {0}, changed = {0};
    const char *what = source->path != NULL ? source->path : "the overlay; there is no configuration file";
    int r = config_reload(config, source->path, source->redis, &faults, &changed);
    reload_log_notes(config);
    if (r != 0) {
        buf_append_slice(why, buf_slice(&faults));
        reload_log_lines(LOG_EVENT_RELOAD_FAULT, "Reload: ", &faults);
        log_event(LOG_EVENT_RELOAD_REFUSED, LOG_FIELDS({"MINIREDIS_FILE", source->path}),
                  "Reload refused, nothing was changed");
    } else if (source->path == NULL && changed.len == 0) {
        log_event(LOG_EVENT_RELOAD_NOTHING, NULL, 0,
                  "Reload: there is no configuration file, and nothing has changed");
    } else {
        reload_log_lines(LOG_EVENT_RELOAD_CHANGE, "Reload: ", &changed);
        log_event(LOG_EVENT_RELOADED, LOG_FIELDS({"MINIREDIS_FILE", source->path}), "Reloaded %s%s", what,
                  changed.len == 0 ? ", nothing has changed" : "");
    }
    buf_done(&faults);
    buf_done(&changed);
    return r == 0;
}
