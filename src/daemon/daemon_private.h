/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the server consists of, for daemon.c (its life), daemon_config.c (its options) and
 * daemon_start.c (how it is made, and what its modules call).
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "command/dispatch.h"
#include "config/config.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/housekeeping.h"
#include "daemon/idle.h"
#include "daemon/logging.h"
#include "daemon/options.h"
#include "daemon/progress.h"
#include "daemon/reload.h"
#include "daemon/types.h"
#include "daemon/watchdog.h"
#include "features/config/config_feature.h"
#include "features/connection/connection.h"
#include "features/keys/keys.h"
#include "features/memory/memory.h"
#include "features/server/server.h"
#include "net/net.h"
#include "persist/loading.h"
#include "persist/saving.h"
#include "systemd/reload_socket.h"

#define MODULE(NAME, ...) OF_##NAME,
enum module {
#include "daemon/modules.def"
    MODULES
};

struct daemon {
    const char *version;
    struct config *config;
    struct config_module modules[MODULES];
    struct reload_source source;
    const struct buf *passed_over; /* for one line in the log */

    struct daemon_options options;
    struct net_options net_options;
    struct dispatch_options dispatch_options;
    struct connection_options connection_options;
    struct config_feature_options config_feature_options;
    struct server_options server_options;
    struct loading_options loading_options;
    struct saving_options saving_options;
    struct memory_options memory_options;
    struct keys_options keys_options;
    struct types types;

    struct loop *loop;
    struct keyspace *keyspace;
    struct counters *counters;
    struct dispatch *dispatch;
    struct net *net;
    struct users *users;
    struct connection *connection;
    struct clients *clients;
    struct keys *keys;
    struct config_feature *config_feature;
    struct server *server;
    struct info *info;
    struct memory *memory;
    struct loading *loading;
    struct saving *saving;
    struct housekeeping housekeeping;
    struct idle idle;
    struct watchdog watchdog;
    struct reload_socket reload_socket;
    struct logging_held held;
    struct progress progress;
    struct ending ending;

    char executable[512];
    int starter; /* pipe to who waits for a server in the background, or -1 */
    bool adopted;
    bool reloading;
    bool has_pidfile;
    bool log_is_open;
    bool ready;
};

/* daemon_config.c: declares the options of all modules. */
void daemon_add_modules(struct daemon *d);

/* daemon_start.c: makes the modules and begins to load. Negative, and told, when that cannot be. */
int daemon_start(struct daemon *d) MR_MUST_CHECK;
