/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One value: from words, to text, stored in its module's struct, compared, freed.
 *
 * The words that redis-server uses for a faulty value are kept for CONFIG SET;
 * a file gets a longer reason that says what is allowed. Knows nothing of where a
 * value comes from.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/heap.h"
#include "base/number.h"
#include "base/text.h"
#include "config/config_private.h"

enum problem {
    PROBLEM_NONE,
    PROBLEM_COUNT, /* of words */
    PROBLEM_EMPTY,
    PROBLEM_NUL,
    PROBLEM_FORM,
    PROBLEM_RANGE
};

static void *slot_of(const struct config_row *row)
{
    return (char *)row->module->target + row->option->offset;
}

void config_value_get(const struct config_row *row, union config_value *ret)
{
    const void *slot = slot_of(row);
    switch (row->option->type) {
    case CONFIG_BOOL:
        ret->boolean = *(const bool *)slot;
        break;
    case CONFIG_INT:
    case CONFIG_OCTAL:
    case CONFIG_SIZE:
        ret->number = *(const int64_t *)slot;
        break;
    case CONFIG_ENUM:
    case CONFIG_WORDS:
        ret->choice = *(const int *)slot;
        break;
    case CONFIG_STRING:
        ret->string = *(char *const *)slot;
        break;
    case CONFIG_LIST:
        ret->list = *(const struct config_list *)slot;
        break;
    }
}

void config_value_put(const struct config_row *row, const union config_value *value)
{
    void *slot = slot_of(row);
    switch (row->option->type) {
    case CONFIG_BOOL:
        *(bool *)slot = value->boolean;
        break;
    case CONFIG_INT:
    case CONFIG_OCTAL:
    case CONFIG_SIZE:
        *(int64_t *)slot = value->number;
        break;
    case CONFIG_ENUM:
    case CONFIG_WORDS:
        *(int *)slot = value->choice;
        break;
    case CONFIG_STRING:
        *(char **)slot = value->string;
        break;
    case CONFIG_LIST:
        *(struct config_list *)slot = value->list;
        break;
    }
}

void config_value_free(const struct config_option *o, union config_value *value)
{
    if (o->type == CONFIG_STRING) {
        heap_free(value->string);
        value->string = NULL;
    } else if (o->type == CONFIG_LIST) {
        for (size_t i = 0; i < value->list.count; i++)
            heap_free(value->list.items[i]);
        heap_free(value->list.items);
        value->list = (struct config_list){0};
    }
}

static bool lists_equal(const struct config_list *a, const struct config_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

bool config_value_equal(const struct config_option *o, const union config_value *a,
                        const union config_value *b)
{
    switch (o->type) {
    case CONFIG_BOOL:
        return a->boolean == b->boolean;
    case CONFIG_ENUM:
    case CONFIG_WORDS:
        return a->choice == b->choice;
    case CONFIG_STRING:
        return strcmp(a->string, b->string) == 0;
    case CONFIG_LIST:
        return lists_equal(&a->list, &b->list);
    default:
        return a->number == b->number;
    }
}

static const char *choice_name(const struct config_option *o, int choice)
{
    for (const struct config_name *n = o->names; n->name != NULL; n++)
        if (n->value == choice)
            return n->name;
    return "";
}

static void print_words(const struct config_option *o, int bits, struct buf *out)
{
    const char *blank = "";
    for (const struct config_name *n = o->names; n->name != NULL; n++) {
        if (n->value == 0 ? bits != 0 : (bits & n->value) == 0)
            continue;
        buf_printf(out, "%s%s", blank, n->name);
        blank = " ";
    }
}

/* Names of a size stand for numbers that no size can be. */
static bool named_size(const struct config_option *o, int64_t size)
{
    return o->names != NULL && size < 0;
}

void config_value_print(const struct config_option *o, const union config_value *value, struct buf *out)
{
    switch (o->type) {
    case CONFIG_BOOL:
        buf_append_str(out, value->boolean ? "yes" : "no");
        break;
    case CONFIG_SIZE:
        if (named_size(o, value->number)) {
            buf_append_str(out, choice_name(o, (int)value->number));
            break;
        }
        buf_append_int(out, value->number);
        break;
    case CONFIG_INT:
        buf_append_int(out, value->number);
        break;
    case CONFIG_OCTAL:
        buf_printf(out, "%llo", (unsigned long long)value->number);
        break;
    case CONFIG_ENUM:
        buf_append_str(out, choice_name(o, value->choice));
        break;
    case CONFIG_WORDS:
        print_words(o, value->choice, out);
        break;
    case CONFIG_STRING:
        buf_append_str(out, value->string);
        break;
    case CONFIG_LIST:
        for (size_t i = 0; i < value->list.count; i++) {
            if (i > 0)
                buf_append_byte(out, ' ');
            buf_append_str(out, value->list.items[i]);
        }
        break;
    }
}

/* --- from words --- */

static bool parse_bool(struct slice word, enum config_style style, bool *ret)
{
    static const char *const more_true[] = {"true", "on", "1"};
    static const char *const more_false[] = {"false", "off", "0"};
    bool yes = slice_is(word, "yes");
    bool no = slice_is(word, "no");
    for (size_t i = 0; style == CONFIG_STYLE_FILE && i < sizeof more_true / sizeof *more_true; i++) {
        yes |= slice_is(word, more_true[i]);
        no |= slice_is(word, more_false[i]);
    }
    *ret = yes;
    return yes || no;
}

static bool parse_int(const struct config_option *o, struct slice word, int64_t *ret)
{
    if (number_to_int(word, ret))
        return true;
    if (o->unit == NULL)
        return false;
    if (strcmp(o->unit, "s") == 0)
        return number_parse_duration(word, 1000, ret) == 0;
    if (strcmp(o->unit, "ms") == 0)
        return number_parse_duration(word, 1, ret) == 0;
    return false;
}

static bool parse_octal(struct slice word, int64_t *ret)
{
    int64_t value = 0;
    if (word.len == 0 || word.len > 20)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '7')
            return false;
        value = value * 8 + (word.ptr[i] - '0');
    }
    *ret = value;
    return true;
}

static bool parse_choice(const struct config_option *o, struct slice word, int *ret)
{
    for (const struct config_name *n = o->names; n->name != NULL; n++) {
        if (slice_is(word, n->name)) {
            *ret = n->value;
            return true;
        }
    }
    return false;
}

static void list_push(struct config_list *list, const char *ptr, size_t len)
{
    if ((list->count & (list->count - 1)) == 0)
        list->items =
            heap_realloc(list->items, (list->count != 0 ? list->count * 2 : 1) * sizeof *list->items);
    list->items[list->count++] = heap_memdup(ptr, len);
}

/* Takes the next item off REST; one never holds a blank, so that the text form says where each begins. */
static bool next_item(struct slice *rest, struct slice *item)
{
    const char *at = rest->ptr;
    const char *end = at + rest->len;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    const char *start = at;
    while (at < end && *at != ' ' && *at != '\t')
        at++;
    *item = slice_of(start, (size_t)(at - start));
    *rest = slice_of(at, (size_t)(end - at));
    return item->len > 0;
}

static enum problem parse_list(const struct config_option *o, const struct slice *words, size_t count,
                               struct config_list *ret)
{
    *ret = (struct config_list){0};
    for (size_t i = 0; i < count; i++) {
        struct slice rest = words[i], item;
        while (next_item(&rest, &item))
            list_push(ret, item.ptr, item.len);
    }
    if (ret->count == 0 && (o->flags & CONFIG_CLEAR) == 0 && o->fallback[0] != '\0')
        return PROBLEM_EMPTY;
    return PROBLEM_NONE;
}

/* The first item that is not one of the names, or the word without any; else one with a NULL. */
static struct slice stray_item(const struct config_option *o, const struct slice *words, size_t count)
{
    int ignored;
    for (size_t i = 0; i < count; i++) {
        struct slice rest = words[i], item;
        bool any = false;
        for (; next_item(&rest, &item); any = true)
            if (!parse_choice(o, item, &ignored))
                return item;
        if (!any)
            return slice_str("");
    }
    return slice_of(NULL, 0);
}

static enum problem parse_bits(const struct config_option *o, const struct slice *words, size_t count,
                               int *ret)
{
    *ret = 0;
    if (count == 0)
        return PROBLEM_EMPTY;
    if (stray_item(o, words, count).ptr != NULL)
        return PROBLEM_FORM;
    for (size_t i = 0; i < count; i++) {
        struct slice rest = words[i], item;
        int bit = 0;
        while (next_item(&rest, &item) && parse_choice(o, item, &bit))
            *ret |= bit;
    }
    return PROBLEM_NONE;
}

static bool is_digits(struct slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return false;
    return word.len > 0;
}

static enum problem parse_number(const struct config_option *o, struct slice word, int64_t *ret)
{
    bool bounded = o->min != 0 || o->max != 0;
    int named;
    if (o->type == CONFIG_SIZE && word.len == 0)
        word = slice_str("0"); /* as redis-server takes it */
    if (o->type == CONFIG_SIZE && o->names != NULL && parse_choice(o, word, &named)) {
        *ret = named;
        return PROBLEM_NONE;
    }
    bool ok = o->type == CONFIG_INT    ? parse_int(o, word, ret)
              : o->type == CONFIG_SIZE ? number_parse_size(word, ret) == 0
                                       : parse_octal(word, ret);
    if (!ok) /* bytes beyond what a number holds are too many rather than none */
        return bounded && o->type == CONFIG_SIZE && is_digits(word) ? PROBLEM_RANGE : PROBLEM_FORM;
    return bounded && (*ret < o->min || *ret > o->max) ? PROBLEM_RANGE : PROBLEM_NONE;
}

static enum problem parse_words(const struct config_option *o, const struct slice *words, size_t count,
                                enum config_style style, union config_value *ret)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].len != 0 && memchr(words[i].ptr, '\0', words[i].len) != NULL)
            return PROBLEM_NUL;
    if (o->type == CONFIG_LIST)
        return parse_list(o, words, count, &ret->list);
    if (o->type == CONFIG_WORDS)
        return parse_bits(o, words, count, &ret->choice);
    if (count != 1)
        return PROBLEM_COUNT;
    switch (o->type) {
    case CONFIG_BOOL:
        return parse_bool(words[0], style, &ret->boolean) ? PROBLEM_NONE : PROBLEM_FORM;
    case CONFIG_ENUM:
        return parse_choice(o, words[0], &ret->choice) ? PROBLEM_NONE : PROBLEM_FORM;
    case CONFIG_STRING:
        ret->string = heap_memdup(words[0].ptr, words[0].len);
        return PROBLEM_NONE;
    default:
        return parse_number(o, words[0], &ret->number);
    }
}

/* --- what is wrong --- */

static void print_names(const struct config_option *o, struct buf *out)
{
    for (const struct config_name *n = o->names; n->name != NULL; n++)
        buf_printf(out, n == o->names ? "%s" : ", %s", n->name);
}

static void word_for_set(const struct config_option *o, enum problem problem, struct buf *why)
{
    bool octal = o->type == CONFIG_OCTAL;
    if (problem == PROBLEM_RANGE && octal)
        buf_printf(why, "argument must be between %llo and %llo inclusive", (unsigned long long)o->min,
                   (unsigned long long)o->max);
    else if (problem == PROBLEM_RANGE)
        buf_printf(why, "argument must be between %lld and %lld inclusive", (long long)o->min,
                   (long long)o->max);
    else if (problem == PROBLEM_NUL)
        buf_append_str(why, "argument must not hold a NUL byte");
    else if (problem != PROBLEM_FORM)
        buf_append_str(why, "wrong number of arguments");
    else if (o->type == CONFIG_BOOL)
        buf_append_str(why, "argument must be 'yes' or 'no'");
    else if (o->type == CONFIG_SIZE)
        buf_append_str(why, "argument must be a memory value");
    else if (o->type == CONFIG_ENUM || o->type == CONFIG_WORDS) {
        buf_append_str(why, "argument(s) must be one of the following: ");
        print_names(o, why);
    } else
        buf_append_str(why, octal ? "argument couldn't be parsed as an octal number"
                                  : "argument couldn't be parsed into an integer");
}

static void print_allowed(const struct config_option *o, struct buf *out)
{
    bool bounded = o->min != 0 || o->max != 0;
    const char *comma = ", ";
    buf_append_str(out, "; allowed: ");
    switch (o->type) {
    case CONFIG_BOOL:
        buf_append_str(out, "yes, no");
        return;
    case CONFIG_ENUM:
    case CONFIG_WORDS:
        print_names(o, out);
        return;
    case CONFIG_OCTAL:
        buf_append_str(out, "an octal number");
        if (bounded)
            buf_printf(out, ", %llo to %llo", (unsigned long long)o->min, (unsigned long long)o->max);
        return;
    case CONFIG_SIZE:
        if (o->names != NULL) {
            print_names(o, out);
            buf_append_str(out, ", or ");
        }
        buf_append_str(out, "bytes, or with a unit as in 64mb");
        break;
    default:
        if (o->unit != NULL && (strcmp(o->unit, "s") == 0 || strcmp(o->unit, "ms") == 0))
            buf_printf(out, "%s, or with a unit as in 5m", o->unit[0] == 's' ? "seconds" : "milliseconds");
        else if (bounded)
            comma = "";
        else
            buf_append_str(out, "an integer");
        break;
    }
    if (!bounded)
        return;
    if (o->max == INT64_MAX)
        buf_printf(out, "%s%lld or more", comma, (long long)o->min);
    else
        buf_printf(out, "%s%lld to %lld", comma, (long long)o->min, (long long)o->max);
}

static void suggest_choice(const struct config_option *o, struct slice word, struct buf *why)
{
    char *text = heap_memdup(word.ptr, word.len);
    const char *best = NULL;
    unsigned least = 3;
    for (const struct config_name *n = o->names; n->name != NULL; n++) {
        unsigned distance = text_distance(text, n->name, 2);
        if (distance < least) {
            least = distance;
            best = n->name;
        }
    }
    if (best != NULL)
        buf_printf(why, "; did you mean '%s'?", best);
    heap_free(text);
}

static void word_for_file(const struct config_option *o, enum problem problem, const struct slice *words,
                          size_t count, struct buf *why)
{
    static const char *const forms[] = {
        [CONFIG_BOOL] = "neither yes nor no",   [CONFIG_INT] = "not an integer",
        [CONFIG_OCTAL] = "not an octal number", [CONFIG_SIZE] = "not a size",
        [CONFIG_ENUM] = "not a choice",         [CONFIG_WORDS] = "not a choice",
    };
    switch (problem) {
    case PROBLEM_COUNT:
        buf_printf(why, "takes one value, not %zu", count);
        return;
    case PROBLEM_EMPTY:
        buf_append_str(why, "takes at least one value");
        return;
    case PROBLEM_NUL:
        buf_append_str(why, "a value cannot hold a NUL byte");
        return;
    default:
        break;
    }
    struct slice faulty = o->type == CONFIG_WORDS ? stray_item(o, words, count) : words[0];
    if ((o->flags & CONFIG_SECRET) != 0)
        buf_append_str(why, "what it is set to");
    else
        config_fault_quote(why, faulty);
    buf_printf(why, " is %s", problem == PROBLEM_RANGE ? "out of range" : forms[o->type]);
    print_allowed(o, why);
    if (o->type == CONFIG_ENUM || o->type == CONFIG_WORDS)
        suggest_choice(o, faulty, why);
}

int config_value_parse(const struct config_option *o, const struct slice *words, size_t count,
                       enum config_style style, const union config_value *old, union config_value *ret,
                       struct buf *why)
{
    union config_value value = {.list = {0}};
    enum problem problem = parse_words(o, words, count, style, &value);
    if (problem != PROBLEM_NONE) {
        config_value_free(o, &value);
        if (style == CONFIG_STYLE_SET)
            word_for_set(o, problem, why);
        else
            word_for_file(o, problem, words, count, why);
        return MR_E_CONFIG;
    }
    size_t before = why->len;
    if (o->check != NULL && o->check(&value, old, why) < 0) {
        config_value_free(o, &value);
        if (why->len == before)
            buf_append_str(why, "is not valid");
        return MR_E_CONFIG;
    }
    *ret = value;
    return 0;
}

void config_value_default(const struct config_option *o, union config_value *ret)
{
    struct buf why = {0};
    struct slice word = slice_str(o->fallback);
    int r = config_value_parse(o, &word, 1, CONFIG_STYLE_FILE, NULL, ret, &why);
    assert(r == 0 && "the default of an option is not valid");
    (void)r;
    buf_done(&why);
}
