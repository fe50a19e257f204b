/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads a command line as redis-server takes it.
 *
 * "--name" begins an option unless the option before it still wants its first
 * value: "--requirepass --secret" sets a password. Only save may have none then
 * ("--save --port 1"), which is its empty value. One argument may also hold the
 * name and all its words ("--save 900 1" in quotes), or "--name=value".
 */
#include "base/heap.h"
#include "base/text.h"
#include "config/config_read_private.h"

struct parser {
    struct config_reading *reading;
    struct config_statement *now; /* the option whose values are being taken, or NULL */
    struct config_statement skipped;
    bool wants_value;
};

static bool is_option(const char *arg)
{
    return arg[0] == '-' && arg[1] == '-' && arg[2] != '\0';
}

static void begin(struct parser *p, struct slice name)
{
    struct config_reading *r = p->reading;
    const struct config_option *o = config_find(r->config, name);
    if (o == NULL && config_known_directive(name) && !slice_is(name, "include")) {
        config_pass_over(r->passed_over, name);
        p->now = &p->skipped;
        return;
    }
    p->now = config_statements_add(r->out, NULL, 0, name);
    p->now->mode = o != NULL && (o->flags & CONFIG_REPEAT) != 0 ? CONFIG_REPEATS : CONFIG_REPLACES;
}

static void value(struct parser *p, struct slice word)
{
    if (p->now != &p->skipped)
        config_statement_word(p->now, word);
    p->wants_value = false;
}

/* ARG is what follows the dashes, NEXT the argument behind it or NULL. */
static void take_option(struct parser *p, const char *arg, const char *next)
{
    struct buf bytes = {0};
    struct slice *words = NULL;
    int count = text_split(slice_str(arg), &bytes, &words);
    if (count <= 0) {
        /* What follows the name may be a password. */
        char *name = heap_memdup(arg, strcspn(arg, " ="));
        config_fault(p->reading->faults, NULL, 0, name,
                     count < 0 ? "unbalanced quotes" : "not the name of an option");
        heap_free(name);
        p->now = NULL;
        p->wants_value = false;
    } else {
        const char *equal = memchr(words[0].ptr, '=', words[0].len);
        size_t len = equal != NULL ? (size_t)(equal - words[0].ptr) : words[0].len;
        begin(p, slice_of(words[0].ptr, len));
        p->wants_value = true;
        if (equal != NULL)
            value(p, slice_str(strchr(arg, '=') + 1));
        for (int i = 1; equal == NULL && i < count; i++)
            value(p, words[i]);
        if (p->wants_value && slice_is(words[0], "save") && (next == NULL || is_option(next)))
            value(p, slice_str(""));
    }
    if (count >= 0)
        heap_free(words);
    buf_done(&bytes);
}

/* Files that the command line includes come before what else it says. */
static void include_files(struct config_reading *r, struct config_statements *said)
{
    for (size_t i = 0; i < said->count; i++)
        if (strcasecmp(said->items[i].name, "include") == 0)
            for (size_t k = 0; k < said->items[i].count; k++)
                config_file_include(r, NULL, 0, said->items[i].words[k]);
    for (size_t i = 0; i < said->count; i++)
        if (strcasecmp(said->items[i].name, "include") != 0)
            config_statements_take(r->out, &said->items[i]);
}

void config_args_read(struct config_reading *r, int argc, char **argv)
{
    struct config_statements said = {0};
    struct config_reading inner = *r;
    inner.out = &said;
    struct parser p = {.reading = &inner};
    for (int i = 0; i < argc; i++) {
        if (is_option(argv[i]) && !p.wants_value)
            take_option(&p, argv[i] + 2, i + 1 < argc ? argv[i + 1] : NULL);
        else if (p.now != NULL)
            value(&p, slice_str(argv[i]));
        else
            config_fault(r->faults, NULL, 0, NULL, "'%s' is not an option; allowed: --name value ...",
                         argv[i]);
    }
    include_files(r, &said);
    config_statements_done(&said);
}
