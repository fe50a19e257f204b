/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of listeners and connections, with what their values must fulfil
 * beyond their bounds.
 *
 * client-output-buffer-limit names one or more classes with three figures each; the
 * classes that a new value does not name keep theirs. Its text is always the whole:
 * "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60".
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/heap.h"
#include "base/number.h"
#include "net/net_private.h"

#define BIND_MAX 16

static const char *const class_names[NET_CLASSES] = {"normal", "slave", "pubsub"};

static int check_bind(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    if (value->list.count <= BIND_MAX)
        return 0;
    buf_append_str(why, "Too many bind addresses specified.");
    return MR_E_CONFIG;
}

static int check_path(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    if (strlen(value->string) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return 0;
    buf_append_str(why, "the path is too long for a unix socket");
    return MR_E_CONFIG;
}

static int class_of(const char *name)
{
    if (strcasecmp(name, "replica") == 0)
        return NET_CLASS_REPLICA;
    for (int i = 0; i < NET_CLASSES; i++)
        if (strcasecmp(name, class_names[i]) == 0)
            return i;
    return -1;
}

/* Stores what WORDS say over LIMITS; NULL, or what is wrong. */
static const char *read_limits(const struct config_list *words, struct net_buffer_limit *limits)
{
    if (words->count % NET_LIMIT_WORDS != 0)
        return "Wrong number of arguments in buffer limit configuration.";
    for (size_t i = 0; i < words->count; i += NET_LIMIT_WORDS) {
        char *const *w = &words->items[i];
        int class = class_of(w[0]);
        if (class < 0)
            return "Invalid client class specified in buffer limit configuration.";
        struct net_buffer_limit limit;
        if (number_parse_size(slice_str(w[1]), &limit.hard) < 0 ||
            number_parse_size(slice_str(w[2]), &limit.soft) < 0 ||
            !number_to_int(slice_str(w[3]), &limit.soft_seconds) || limit.soft_seconds < 0)
            return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
        limits[class] = limit;
    }
    return NULL;
}

void net_limits_parse(const struct config_list *words, struct net_buffer_limit *limits)
{
    memset(limits, 0, NET_CLASSES * sizeof(*limits));
    (void)read_limits(words, limits);
}

static void free_words(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        heap_free(list->items[i]);
    heap_free(list->items);
}

static int check_limits(union config_value *value, const union config_value *old, struct buf *why)
{
    struct net_buffer_limit limits[NET_CLASSES] = {0};
    if (old != NULL)
        net_limits_parse(&old->list, limits);
    const char *fault = read_limits(&value->list, limits);
    if (fault != NULL) {
        buf_append_str(why, fault);
        return MR_E_CONFIG;
    }
    char **items = heap_alloc((size_t)NET_CLASSES * NET_LIMIT_WORDS * sizeof(*items));
    for (size_t i = 0; i < NET_CLASSES; i++) {
        char **w = &items[i * NET_LIMIT_WORDS];
        w[0] = heap_strdup(class_names[i]);
        w[1] = heap_printf("%lld", (long long)limits[i].hard);
        w[2] = heap_printf("%lld", (long long)limits[i].soft);
        w[3] = heap_printf("%lld", (long long)limits[i].soft_seconds);
    }
    free_words(&value->list);
    value->list = (struct config_list){items, (size_t)NET_CLASSES * NET_LIMIT_WORDS};
    return 0;
}

const struct config_option net_config_rows[] = {
    {.name = "bind",
     .type = CONFIG_LIST,
     .flags = CONFIG_RUNTIME | CONFIG_CLEAR,
     .offset = offsetof(struct net_options, bind),
     .fallback = "127.0.0.1 -::1",
     .check = check_bind,
     .sentence =
         "Addresses to listen on: \"*\" is every IPv4 address, \"::*\" every IPv6 address, and a dash "
         "in front lets the address be missing on this machine."},
    {.name = "port",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct net_options, port),
     .fallback = "6379",
     .min = 0,
     .max = 65535,
     .sentence = "The TCP port; 0 listens on none."},
    {.name = "tcp-backlog",
     .type = CONFIG_INT,
     .offset = offsetof(struct net_options, tcp_backlog),
     .fallback = "511",
     .min = 0,
     .max = INT32_MAX,
     .sentence = "Connections that may wait to be accepted; the kernel's net.core.somaxconn bounds it."},
    {.name = "unixsocket",
     .type = CONFIG_STRING,
     .offset = offsetof(struct net_options, unixsocket),
     .fallback = "",
     .check = check_path,
     .sentence = "The path of a unix socket to listen on; empty for none."},
    {.name = "unixsocketperm",
     .type = CONFIG_OCTAL,
     .offset = offsetof(struct net_options, unixsocketperm),
     .fallback = "0",
     .min = 0,
     .max = 0777,
     .sentence = "The mode of the unix socket, in octal; 0 leaves it to the umask."},
    {.name = "timeout",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct net_options, timeout),
     .fallback = "0",
     .min = 0,
     .max = INT32_MAX,
     .unit = "s",
     .sentence = "A connection that has been idle for so long is closed; 0 closes none."},
    {.name = "tcp-keepalive",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct net_options, tcp_keepalive),
     .fallback = "300",
     .min = 0,
     .max = INT32_MAX,
     .unit = "s",
     .sentence = "After so long in silence the kernel asks whether a peer is still there; 0 never asks. "
                 "It holds for connections made after a change."},
    {.name = "maxclients",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct net_options, maxclients),
     .fallback = "10000",
     .min = 1,
     .max = UINT32_MAX,
     .sentence = "Connections that may be open at a time."},
    {.name = "max-new-connections-per-cycle",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct net_options, max_new_per_turn),
     .fallback = "200",
     .min = 1,
     .max = 1000,
     .sentence = "New connections that are accepted before those that are there have their turn."},
    {.name = "client-query-buffer-limit",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct net_options, query_buffer_limit),
     .fallback = "1gb",
     .min = 1024 * 1024,
     .max = INT64_MAX,
     .unit = "bytes",
     .sentence = "A connection whose unprocessed requests exceed this is closed."},
    {.name = "client-output-buffer-limit",
     .type = CONFIG_LIST,
     .flags = CONFIG_RUNTIME | CONFIG_REPEAT | CONFIG_CLEAR,
     .offset = offsetof(struct net_options, output_limits),
     .fallback = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
     .group = 4,
     .check = check_limits,
     .sentence = "For the classes normal, replica and pubsub: the unsent output at which a connection is "
                 "closed at once, and the one at which it is closed after so many seconds; 0 is no limit."},
};

const size_t net_config_count = sizeof(net_config_rows) / sizeof(net_config_rows[0]);
