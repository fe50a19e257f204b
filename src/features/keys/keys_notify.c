/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The option notify-keyspace-events: letters of the classes of events, with A for most of
 * them, and K and E for how they are told. The value is kept in one order and each letter
 * once, so that what CONFIG GET prints does not depend on how it was set.
 */
#include <string.h>

#include "base/heap.h"
#include "features/keys/keys.h"
#include "keyspace/observer.h"

#define LETTERS_MAX 20

/* In the order in which they are printed. */
static const struct {
    char letter;
    uint32_t bit;
} letters[] = {
    {'g', EVENT_GENERIC},
    {'$', EVENT_STRING},
    {'l', EVENT_LIST},
    {'s', EVENT_SET},
    {'h', EVENT_HASH},
    {'z', EVENT_ZSET},
    {'x', EVENT_EXPIRED},
    {'e', EVENT_EVICTED},
    {'t', EVENT_STREAM},
    {'d', EVENT_MODULE},
    {'n', EVENT_NEW},
    {'o', EVENT_OVERWRITTEN},
    {'c', EVENT_TYPE_CHANGED},
    {'K', KEYS_NOTIFY_KEYSPACE},
    {'E', KEYS_NOTIFY_KEYEVENT},
    {'m', EVENT_MISS},
};

#define LETTERS (sizeof letters / sizeof letters[0])

/* What A stands for: whatever is no news about the keyspace itself. */
#define ALL                                                                                                  \
    ((uint32_t)(EVENT_GENERIC | EVENT_STRING | EVENT_LIST | EVENT_SET | EVENT_HASH | EVENT_ZSET |            \
                EVENT_EXPIRED | EVENT_EVICTED | EVENT_STREAM | EVENT_MODULE))

_Static_assert(((KEYS_NOTIFY_KEYSPACE | KEYS_NOTIFY_KEYEVENT) & EVENT_CLASSES) == 0,
               "bits stand for two things");

static bool parse(const char *text, uint32_t *ret)
{
    uint32_t mask = 0;
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < LETTERS && letters[i].letter != *text)
            i++;
        if (i == LETTERS && *text != 'A')
            return false;
        mask |= i == LETTERS ? ALL : letters[i].bit;
    }
    *ret = mask;
    return true;
}

static void print(uint32_t mask, char text[LETTERS_MAX])
{
    if ((mask & ALL) == ALL) {
        *text++ = 'A';
        mask &= ~ALL;
    }
    for (size_t i = 0; i < LETTERS; i++)
        if ((mask & letters[i].bit) != 0)
            *text++ = letters[i].letter;
    *text = '\0';
}

static int check(union config_value *value, const union config_value *old, struct buf *why)
{
    uint32_t mask;
    char text[LETTERS_MAX];
    (void)old;
    if (!parse(value->string, &mask)) {
        buf_append_str(why, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        return MR_E_CONFIG;
    }
    print(mask, text);
    heap_free(value->string);
    value->string = heap_strdup(text);
    return 0;
}

const struct config_option keys_config_rows[] = {
    {.name = "notify-keyspace-events",
     .type = CONFIG_STRING,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct keys_options, notify_keyspace_events),
     .fallback = "",
     .check = check,
     .sentence = "Which changes of keys clients are to be told of, as letters: K on the channel of the key, "
                 "E on that of the event; g generic, $ l s h z t of a type, x expired, e evicted, d of "
                 "modules, A all of these; m missed, n new, o overwritten, c of another type. They are kept "
                 "and shown, but this version has no SUBSCRIBE to hear the events by."},
};
const size_t keys_config_count = sizeof keys_config_rows / sizeof keys_config_rows[0];

uint32_t keys_notify_mask(const struct keys_options *options)
{
    const uint32_t how = KEYS_NOTIFY_KEYSPACE | KEYS_NOTIFY_KEYEVENT;
    uint32_t mask;
    if (!parse(options->notify_keyspace_events, &mask) || (mask & how) == 0)
        return 0;
    return mask;
}
