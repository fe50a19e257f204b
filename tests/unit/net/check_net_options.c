/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options' further checks, and the counters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/heap.h"
#include "net_fixture.h"

static const struct config_option *row(const char *name)
{
    for (size_t i = 0; i < net_config_count; i++)
        if (strcmp(net_config_rows[i].name, name) == 0)
            return &net_config_rows[i];
    ck_abort_msg("no option %s", name);
    return NULL;
}

static union config_value words_of(const char *text)
{
    union config_value v = {.list = {heap_alloc_zero(32 * sizeof(char *)), 0}};
    char *copy = strdup(text), *save = NULL;
    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        v.list.items[v.list.count++] = heap_strdup(w);
    free(copy);
    return v;
}

static void free_value(union config_value *v)
{
    for (size_t i = 0; i < v->list.count; i++)
        heap_free(v->list.items[i]);
    heap_free(v->list.items);
}

static void expect_limits(const char *old_text, const char *text, const char *wanted)
{
    union config_value old = words_of(old_text), value = words_of(text);
    struct buf why = {0};
    int rc = row("client-output-buffer-limit")->check(&value, old.list.count > 0 ? &old : NULL, &why);
    if (rc == 0) {
        for (size_t i = 0; i < value.list.count; i++)
            buf_printf(&why, i > 0 ? " %s" : "%s", value.list.items[i]);
    }
    ck_assert_str_eq(buf_cstr(&why), wanted);
    buf_done(&why);
    free_value(&old);
    free_value(&value);
}

#define LIMITS   "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
#define BAD_SIZE "Error in hard, soft or soft_seconds setting in buffer limit configuration."

START_TEST(output_limit_option)
{
    expect_limits("", LIMITS, LIMITS);
    expect_limits(LIMITS, "", LIMITS);
    expect_limits(LIMITS, "normal 1mb 2kb 3 REPLICA 1 2 3",
                  "normal 1048576 2048 3 slave 1 2 3 pubsub 33554432 8388608 60");
    expect_limits(LIMITS, "normal 1 2 3 normal 4 5 6",
                  "normal 4 5 6 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
    expect_limits(LIMITS, "normal 1", "Wrong number of arguments in buffer limit configuration.");
    expect_limits(LIMITS, "master 1 2 3", "Invalid client class specified in buffer limit configuration.");
    expect_limits(LIMITS, "normal -1 0 0", BAD_SIZE);
    expect_limits(LIMITS, "normal 1 2x 0", BAD_SIZE);
    expect_limits(LIMITS, "normal 1 2 -3", BAD_SIZE);
    expect_limits(LIMITS, "normal 1 2 3x", BAD_SIZE);
    union config_value old = words_of(LIMITS);
    struct net_buffer_limit limits[NET_CLASSES];
    net_limits_parse(&old.list, limits);
    ck_assert_int_eq(limits[NET_CLASS_REPLICA].hard, 268435456);
    ck_assert_int_eq(limits[NET_CLASS_PUBSUB].soft, 8388608);
    ck_assert_int_eq(limits[NET_CLASS_PUBSUB].soft_seconds, 60);
    free_value(&old);
}
END_TEST

START_TEST(bind_and_path_options)
{
    struct buf why = {0};
    union config_value v = words_of("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
    ck_assert_int_eq(row("bind")->check(&v, NULL, &why), 0);
    v.list.items[v.list.count++] = heap_strdup("17");
    ck_assert_int_lt(row("bind")->check(&v, NULL, &why), 0);
    ck_assert_str_eq(buf_cstr(&why), "Too many bind addresses specified.");
    free_value(&v);
    char path[200];
    memset(path, 'p', sizeof(path));
    path[107] = '\0';
    v = (union config_value){.string = path};
    ck_assert_int_eq(row("unixsocket")->check(&v, NULL, &why), 0);
    path[107] = 'p';
    path[108] = '\0';
    ck_assert_int_lt(row("unixsocket")->check(&v, NULL, &why), 0);
    buf_done(&why);
}
END_TEST

START_TEST(counters_count)
{
    struct fixture f;
    world_start(&f, _i);
    struct counters *counters = counters_new();
    net_register_counters(f.net, counters);
    int fd = peer_join(&f);
    peer_say(&f, fd, "12345\n");
    peer_expect(&f, fd, "12345\n");
    struct buf out = {0};
    counters_print(counters, "stats", "Stats", &out);
    const char *text = buf_cstr(&out);
    ck_assert_ptr_nonnull(strstr(text, "total_connections_received:1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "total_net_input_bytes:6\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "total_net_output_bytes:6\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "rejected_connections:0\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "total_reads_processed:1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "total_writes_processed:1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "instantaneous_input_kbps:"));
    out.len = 0;
    counters_reset(counters);
    counters_print(counters, "stats", "Stats", &out);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "total_net_input_bytes:0\r\n"));
    out.len = 0;
    counters_print(counters, "server", "Server", &out);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "listener0:name=tcp,bind=127.0.0.1,port="));
    peer_say(&f, fd, "part");
    world_turns(&f, 5);
    out.len = 0;
    counters_print(counters, "clients", "Clients", &out);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "maxclients:100\r\nclient_recent_max_input_buffer:4\r\n"
                                                 "client_recent_max_output_buffer:0\r\n"));
    buf_done(&out);
    counters_free(counters);
    close(fd);
    world_stop(&f);
}
END_TEST

UNIT_SUITE(net_options)
{
    tcase_add_test(tc, output_limit_option);
    tcase_add_test(tc, bind_and_path_options);
    tcase_add_loop_test(tc, counters_count, 0, WORLD_KINDS);
}
