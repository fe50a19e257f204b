/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events of the log: their table, and how many lines of each a client can cause.
 *
 * An event with a burst has a few slots; the address of the client that a line is about
 * chooses one, so that the noise of one client does not hide what another does. Each
 * slot passes a burst of lines per window and counts the rest. That all of it is of a
 * fixed size is the point: who comes from a million addresses shares SLOTS slots.
 */
#include "base/log.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define SLOTS         8
#define FIXED_FIELDS  2
#define FIELDS_IN_ALL (FIXED_FIELDS + LOG_EVENT_FIELDS_MAX)

static const struct log_event_row rows[LOG_EVENTS] = {
#define EVENT(NAME, LEVEL, ID, BURST, SUBJECT, TEXT)                                                         \
    [LOG_EVENT_##NAME] = {.name = #NAME, .message_id = ID, .level = LOG_LEVEL_##LEVEL, .burst = BURST},
#include "base/log_event.def"
#undef EVENT
};

struct slot {
    int64_t began_us; /* the window; 0: none yet */
    uint32_t passed;
    uint32_t held;
};

static struct {
    struct slot slots[LOG_EVENTS][SLOTS];
    size_t held; /* in all of them */
} limiter;

/* FNV-1a over the address without its port. */
static unsigned slot_of(const struct log_field *fields, size_t count)
{
    const char *client = NULL;
    for (size_t i = 0; client == NULL && i < count; i++)
        if (strcmp(fields[i].name, "MINIREDIS_CLIENT") == 0)
            client = fields[i].value;
    if (client == NULL)
        return 0;
    const char *end = strrchr(client, ':');
    uint32_t hash = 2166136261u;
    for (const char *p = client; *p != '\0' && p != end; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    return (hash ^ hash >> 16) % SLOTS;
}

static void write_event(enum log_event event, enum log_level level, const struct log_field *fields,
                        size_t count, const char *fmt, va_list ap) MR_PRINTF(5, 0);

static void write_event(enum log_event event, enum log_level level, const struct log_field *fields,
                        size_t count, const char *fmt, va_list ap)
{
    struct log_field all[FIELDS_IN_ALL] = {{"MESSAGE_ID", rows[event].message_id},
                                           {"MINIREDIS_EVENT", rows[event].name}};
    size_t n = FIXED_FIELDS;
    for (size_t i = 0; i < count && n < FIELDS_IN_ALL; i++)
        if (fields[i].value != NULL)
            all[n++] = fields[i];
    log_vwrite(level, all, n, fmt, ap);
}

static void write_line(enum log_event event, enum log_level level, const struct log_field *fields,
                       size_t count, const char *fmt, ...) MR_PRINTF(5, 6);

static void write_line(enum log_event event, enum log_level level, const struct log_field *fields,
                       size_t count, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    write_event(event, level, fields, count, fmt, ap);
    va_end(ap);
}

/* Begins a new window, and tells what the old one held back. */
static void settle(const struct log_event_row *row, struct slot *slot)
{
    uint32_t held = slot->held;
    limiter.held -= held;
    *slot = (struct slot){0};
    if (held == 0)
        return;
    char count[16];
    snprintf(count, sizeof count, "%u", (unsigned)held);
    write_line(LOG_EVENT_SUPPRESSED, row->level,
               LOG_FIELDS({"MINIREDIS_COUNT", count}, {"MINIREDIS_SUPPRESSED", row->name}),
               "%s more messages of the kind %s were held back", count, row->name);
}

static bool is_over(const struct slot *slot, int64_t now_us)
{
    return now_us - slot->began_us >= LOG_EVENT_WINDOW_US;
}

static bool admit(const struct log_event_row *row, struct slot *slot)
{
    int64_t now_us = clock_mono_us();
    if (slot->passed > 0 && is_over(slot, now_us))
        settle(row, slot);
    if (slot->passed == 0)
        slot->began_us = now_us;
    if (slot->passed < row->burst) {
        slot->passed++;
        return true;
    }
    if (slot->held < UINT32_MAX) {
        slot->held++;
        limiter.held++;
    }
    return false;
}

void log_event(enum log_event event, const struct log_field *fields, size_t count, const char *fmt, ...)
{
    const struct log_event_row *row = &rows[event];
    if (row->level < log_get_level() ||
        (row->burst > 0 && !admit(row, &limiter.slots[event][slot_of(fields, count)])))
        return;
    va_list ap;
    va_start(ap, fmt);
    write_event(event, row->level, fields, count, fmt, ap);
    va_end(ap);
}

size_t log_event_held(void)
{
    return limiter.held;
}

void log_event_flush(bool all)
{
    int64_t now_us = clock_mono_us();
    for (size_t event = 0; limiter.held > 0 && event < LOG_EVENTS; event++)
        for (size_t i = 0; i < SLOTS; i++) {
            struct slot *slot = &limiter.slots[event][i];
            if (slot->held > 0 && (all || is_over(slot, now_us)))
                settle(&rows[event], slot);
        }
}

const struct log_event_row *log_event_row(enum log_event event)
{
    return &rows[event];
}
