/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events: their table, the fields that they add, and the limit on what clients cause.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "unit.h"

#define LINES_MAX 64

static const struct {
    const char *name, *subject, *text;
} texts[LOG_EVENTS] = {
#define EVENT(NAME, LEVEL, ID, BURST, SUBJECT, TEXT) {#NAME, SUBJECT, TEXT},
#include "base/log_event.def"
#undef EVENT
};

struct line {
    enum log_level level;
    char text[160];
    char event[40], id[40], count[16], suppressed[40];
    size_t fields;
};

static struct {
    size_t lines;
    struct line line[LINES_MAX];
} seen;

static void copy_field(const struct log_field *f, const char *name, char *out, size_t size)
{
    if (strcmp(f->name, name) == 0)
        snprintf(out, size, "%s", f->value);
}

static void remember(void *owner, enum log_level level, const struct log_field *fields, size_t count,
                     const char *text)
{
    (void)owner;
    ck_assert_uint_lt(seen.lines, LINES_MAX);
    struct line *l = &seen.line[seen.lines++];
    *l = (struct line){.level = level, .fields = count};
    snprintf(l->text, sizeof l->text, "%s", text);
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_nonnull(fields[i].value);
        copy_field(&fields[i], "MESSAGE_ID", l->id, sizeof l->id);
        copy_field(&fields[i], "MINIREDIS_EVENT", l->event, sizeof l->event);
        copy_field(&fields[i], "MINIREDIS_COUNT", l->count, sizeof l->count);
        copy_field(&fields[i], "MINIREDIS_SUPPRESSED", l->suppressed, sizeof l->suppressed);
    }
}

static void begin(void)
{
    memset(&seen, 0, sizeof seen);
    clock_freeze_mono_us(1000000);
    log_set_sink(remember, NULL);
}

static void end(void)
{
    log_set_sink(remember, NULL);
    seen.lines = 0;
    log_event_flush(true);
    log_set_sink(NULL, NULL);
    log_set_level(LOG_LEVEL_NOTICE);
    clock_freeze_mono_us(0);
}

/* A line as a client at CLIENT causes it. */
static void fail_from(const char *client)
{
    log_event(LOG_EVENT_AUTH_FAILED, LOG_FIELDS({"MINIREDIS_CLIENT", client}), "%s failed", client);
}

static unsigned burst(void)
{
    return log_event_row(LOG_EVENT_AUTH_FAILED)->burst;
}

static void pass(int64_t us)
{
    static int64_t now_us;
    now_us = clock_mono_us() + us;
    clock_freeze_mono_us(now_us);
}

START_TEST(every_row_is_whole)
{
    for (enum log_event e = 0; e < LOG_EVENTS; e++) {
        const struct log_event_row *row = log_event_row(e);
        ck_assert_str_eq(row->name, texts[e].name);
        ck_assert_uint_eq(strspn(row->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(row->name));
        ck_assert_uint_eq(strlen(row->message_id), 32);
        ck_assert_uint_eq(strspn(row->message_id, "0123456789abcdef"), 32);
        ck_assert_int_ge(row->level, LOG_LEVEL_NOTICE);
        ck_assert_int_le(row->level, LOG_LEVEL_ERROR);
        ck_assert_uint_gt(strlen(texts[e].subject), 10);
        ck_assert_msg(strlen(texts[e].text) > 40, "%s explains nothing", row->name);
        for (enum log_event other = 0; other < e; other++) {
            ck_assert_str_ne(row->message_id, log_event_row(other)->message_id);
            ck_assert_str_ne(row->name, log_event_row(other)->name);
            ck_assert_str_ne(texts[e].subject, texts[other].subject);
        }
    }
}
END_TEST

START_TEST(placeholders_are_fields)
{
    for (size_t e = 0; e < LOG_EVENTS; e++) {
        ck_assert_ptr_null(strchr(texts[e].subject, '@'));
        const char *p = texts[e].text;
        while ((p = strchr(p, '@')) != NULL) {
            const char *close = strchr(p + 1, '@');
            ck_assert_msg(close != NULL, "%s: a placeholder has no end", texts[e].name);
            ck_assert_msg(strncmp(p + 1, "MINIREDIS_", 10) == 0, "%s: a placeholder of somebody else's",
                          texts[e].name);
            ck_assert_uint_eq(strspn(p + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), (size_t)(close - p - 1));
            p = close + 1;
        }
    }
}
END_TEST

START_TEST(what_clients_cause_is_limited)
{
    static const enum log_event theirs[] = {
        LOG_EVENT_AUTH_FAILED,         LOG_EVENT_PROTECTED_MODE,     LOG_EVENT_DEBUG_REFUSED,
        LOG_EVENT_MAXCLIENTS_REACHED,  LOG_EVENT_CLIENT_NO_MEMORY,   LOG_EVENT_CLIENT_INPUT_LIMIT,
        LOG_EVENT_CLIENT_OUTPUT_LIMIT, LOG_EVENT_HTTP_REQUEST,       LOG_EVENT_SHUTDOWN_REFUSED,
        LOG_EVENT_CONFIG_SET,          LOG_EVENT_CONFIG_SET_REFUSED, LOG_EVENT_ACCEPT_FAILED,
    };
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        ck_assert_uint_gt(log_event_row(theirs[i])->burst, 0);
}
END_TEST

START_TEST(an_event_brings_its_fields)
{
    log_event(LOG_EVENT_READY, NULL, 0, "now %d", 7);
    log_event(LOG_EVENT_LISTEN_FAILED, LOG_FIELDS({"MINIREDIS_REASON", "why"}, {"MINIREDIS_FILE", NULL}),
              "no");
    ck_assert_uint_eq(seen.lines, 2);
    ck_assert_str_eq(seen.line[0].text, "now 7");
    ck_assert_str_eq(seen.line[0].event, "READY");
    ck_assert_str_eq(seen.line[0].id, log_event_row(LOG_EVENT_READY)->message_id);
    ck_assert_int_eq(seen.line[0].level, LOG_LEVEL_NOTICE);
    ck_assert_uint_eq(seen.line[0].fields, 2);
    ck_assert_int_eq(seen.line[1].level, LOG_LEVEL_ERROR);
    ck_assert_msg(seen.line[1].fields == 3, "a field without a value is left out");
}
END_TEST

START_TEST(too_many_fields_do_no_harm)
{
    struct log_field many[LOG_EVENT_FIELDS_MAX + 5];
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        many[i] = (struct log_field){"MINIREDIS_FILE", "x"};
    log_event(LOG_EVENT_READY, many, sizeof many / sizeof many[0], "%s", "");
    ck_assert_uint_eq(seen.line[0].fields, LOG_EVENT_FIELDS_MAX + 2);
}
END_TEST

START_TEST(the_level_holds_back_events_too)
{
    log_set_level(LOG_LEVEL_WARNING);
    log_event(LOG_EVENT_READY, NULL, 0, "notice");
    log_event(LOG_EVENT_START_FAILED, NULL, 0, "error");
    ck_assert_uint_eq(seen.lines, 1);
    log_set_level(LOG_LEVEL_NOTHING);
    for (unsigned i = 0; i < 3 * burst(); i++)
        fail_from("192.0.2.1:1");
    log_event(LOG_EVENT_START_FAILED, NULL, 0, "error");
    ck_assert_uint_eq(seen.lines, 1);
    ck_assert_msg(log_event_held() == 0, "what nobody wants to see is not counted");
}
END_TEST

START_TEST(a_burst_passes_and_the_rest_is_counted)
{
    for (unsigned i = 0; i < burst() + 5; i++)
        fail_from("192.0.2.1:1000");
    ck_assert_uint_eq(seen.lines, burst());
    ck_assert_uint_eq(log_event_held(), 5);
    pass(LOG_EVENT_WINDOW_US - 1);
    fail_from("192.0.2.1:1001");
    log_event_flush(false);
    ck_assert_uint_eq(seen.lines, burst());
    pass(1);
    fail_from("192.0.2.1:1002");
    ck_assert_uint_eq(seen.lines, burst() + 2);
    const struct line *l = &seen.line[burst()];
    ck_assert_str_eq(l->event, "SUPPRESSED");
    ck_assert_str_eq(l->count, "6");
    ck_assert_str_eq(l->suppressed, "AUTH_FAILED");
    ck_assert_int_eq(l->level, LOG_LEVEL_WARNING);
    ck_assert_str_eq(seen.line[burst() + 1].text, "192.0.2.1:1002 failed");
    ck_assert_uint_eq(log_event_held(), 0);
}
END_TEST

START_TEST(the_count_is_told_without_another_line)
{
    for (unsigned i = 0; i < burst() + 3; i++)
        fail_from("192.0.2.1:1");
    pass(LOG_EVENT_WINDOW_US);
    log_event_flush(false);
    log_event_flush(false);
    ck_assert_uint_eq(seen.lines, burst() + 1);
    ck_assert_str_eq(seen.line[burst()].count, "3");
    for (unsigned i = 0; i < burst() + 1; i++)
        fail_from("192.0.2.1:1");
    ck_assert_uint_eq(seen.lines, 2 * burst() + 1);
    log_event_flush(true);
    ck_assert_msg(seen.lines == 2 * burst() + 2, "at the end also before the window is over");
}
END_TEST

START_TEST(one_client_does_not_hide_another)
{
    char client[32];
    size_t hidden = 0;
    for (unsigned i = 0; i < 2 * burst(); i++)
        fail_from("192.0.2.1:1");
    size_t before = seen.lines;
    for (int i = 2; i < 34; i++) {
        snprintf(client, sizeof client, "192.0.2.%d:1", i);
        size_t lines = seen.lines;
        fail_from(client);
        hidden += seen.lines == lines;
    }
    ck_assert_uint_eq(before, burst());
    ck_assert_uint_lt(hidden, 16);
}
END_TEST

START_TEST(many_addresses_do_not_fill_the_log)
{
    char client[32];
    size_t most = 8 * burst();
    for (int i = 0; i < 20000; i++) {
        snprintf(client, sizeof client, "10.1.%d.%d:%d", i / 256, i % 256, i);
        if (seen.lines == LINES_MAX) {
            most -= seen.lines;
            seen.lines = 0;
        }
        fail_from(client);
    }
    ck_assert_uint_le(seen.lines, most);
    ck_assert_uint_ge(log_event_held(), 20000 - 8 * burst());
}
END_TEST

START_TEST(what_only_the_server_causes_is_never_held_back)
{
    for (int i = 0; i < 40; i++)
        log_event(LOG_EVENT_RELOAD_CHANGE, NULL, 0, "%d", i);
    ck_assert_uint_eq(seen.lines, 40);
}
END_TEST

START_TEST(errno_stays)
{
    errno = EBADF;
    fail_from("/run/x.sock:0");
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

UNIT_SUITE(base_log_event)
{
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, every_row_is_whole);
    tcase_add_test(tc, placeholders_are_fields);
    tcase_add_test(tc, what_clients_cause_is_limited);
    tcase_add_test(tc, an_event_brings_its_fields);
    tcase_add_test(tc, too_many_fields_do_no_harm);
    tcase_add_test(tc, the_level_holds_back_events_too);
    tcase_add_test(tc, a_burst_passes_and_the_rest_is_counted);
    tcase_add_test(tc, the_count_is_told_without_another_line);
    tcase_add_test(tc, one_client_does_not_hide_another);
    tcase_add_test(tc, many_addresses_do_not_fill_the_log);
    tcase_add_test(tc, what_only_the_server_causes_is_never_held_back);
    tcase_add_test(tc, errno_stays);
}
