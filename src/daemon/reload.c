/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See reload.h.
 */
#include "daemon/reload.h"

#include <string.h>

#include "base/log.h"
#include "config/config_load.h"

void reload_log_lines(const char *prefix, struct buf *text, bool warning)
{
    char *rest = buf_cstr(text);
    while (*rest != '\0') {
        size_t len = strcspn(rest, "\n");
        if (len > 0)
            log_write(warning ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, NULL, 0, "%s%.*s", prefix, (int)len,
                      rest);
        rest += len + (rest[len] == '\n');
    }
}

void reload_config(struct config *config, const struct reload_source *source)
{
    if (source->path == NULL) {
        log_notice("Reload: there is no configuration file, so nothing changes");
        return;
    }
    if (strcmp(source->path, "-") == 0) {
        log_warning("Reload: the configuration came from standard input and cannot be read again");
        return;
    }
    struct buf faults = {0}, changed = {0};
    if (config_reload(config, source->path, source->redis, &faults, &changed) != 0) {
        reload_log_lines("Reload: ", &faults, true);
        log_warning("Reload refused, nothing was changed");
    } else {
        reload_log_lines("Reload: ", &changed, false);
        log_notice("Reloaded %s%s", source->path, changed.len == 0 ? ", nothing has changed" : "");
    }
    buf_done(&faults);
    buf_done(&changed);
}
