/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes of a list of statements the value of every option.
 */
#include "base/heap.h"
#include "config/config_resolve_private.h"

static void tell_unknown(const struct config *c, const struct config_statement *s, struct buf *faults)
{
    const char *near = config_nearest(c, s->name);
    if (near != NULL)
        config_fault(faults, s->file, s->line, s->name, "unknown option; did you mean '%s%s'?",
                     s->file == NULL ? "--" : "", near);
    else
        config_fault(faults, s->file, s->line, s->name, "unknown option");
}

/* The statement's words, credentials replaced by what they hold (in SECRETS, one after the other with
 * a NUL behind each, so that they can be pointed to once all are there). */
static int own_words(const struct config *c, const struct config_option *o, const struct config_statement *s,
                     struct slice *words, struct buf *secrets, struct buf *why)
{
    size_t *at = heap_alloc((s->count + 1) * sizeof *at);
    int r = 0;
    for (size_t i = 0; r >= 0 && i < s->count; i++) {
        at[i] = secrets->len;
        r = (o->flags & CONFIG_SECRET) != 0 && !s->literal ? config_secret_read(c, s->words[i], secrets, why)
                                                           : 0;
        if (r == 0)
            buf_append_str(secrets, s->words[i]);
        buf_append_byte(secrets, '\0');
    }
    for (size_t i = 0; r >= 0 && i < s->count; i++)
        words[i] = slice_str(secrets->data + at[i]);
    heap_free(at);
    return r < 0 ? r : 0;
}

int config_resolve_words(const struct config *c, const struct config_option *o,
                         const struct config_statement *s, bool repeats, const union config_value *now,
                         union config_value *ret, struct buf *why)
{
    bool adds = s->mode == CONFIG_ADDS || repeats;
    if (s->mode == CONFIG_ADDS && o->type != CONFIG_LIST) {
        buf_append_str(why, "takes one value, to which += cannot add");
        return MR_E_CONFIG;
    }
    size_t old = adds && o->type == CONFIG_LIST ? now->list.count : 0;
    struct slice *words = heap_alloc((old + s->count + 1) * sizeof *words);
    for (size_t i = 0; i < old; i++)
        words[i] = slice_str(now->list.items[i]);
    struct buf bytes = {0};
    int r = own_words(c, o, s, words + old, &bytes, why);
    if (r == 0)
        r = config_value_parse(o, words, old + s->count, CONFIG_STYLE_FILE, now, ret, why);
    if (bytes.len > 0)
        explicit_bzero(bytes.data, bytes.len);
    buf_done(&bytes);
    heap_free(words);
    return r;
}

/* One statement on top of what RS has so far. */
static void resolve_one(const struct config *c, const struct config_statement *s, enum config_origin origin,
                        struct config_resolved *rs, struct buf *faults)
{
    ssize_t row = config_row_index(c, slice_str(s->name), NULL);
    if (row < 0) {
        tell_unknown(c, s, faults);
        return;
    }
    const struct config_option *o = c->rows[row].option;
    struct config_resolved *now = &rs[row];
    /* save "" forgets what the same source said, where it stands. */
    bool clears = s->count == 1 && s->words[0][0] == '\0' && (o->flags & CONFIG_CLEAR) != 0;
    bool repeats = s->mode == CONFIG_REPEATS && now->origin == origin && !clears;
    union config_value value;
    struct buf why = {0};
    if (config_resolve_words(c, o, s, repeats, &now->value, &value, &why) == 0) {
        config_value_free(o, &now->value);
        *now = (struct config_resolved){value, origin, s->file, s->line};
    } else {
        config_fault(faults, s->file, s->line, s->name, "%s", buf_cstr(&why));
    }
    buf_done(&why);
}

struct config_resolved *config_resolve_nothing(const struct config *c)
{
    struct config_resolved *rs = heap_alloc_zero((c->count + 1) * sizeof *rs);
    for (size_t i = 0; i < c->count; i++)
        config_value_default(c->rows[i].option, &rs[i].value);
    return rs;
}

void config_resolve_list(const struct config *c, const struct config_statements *list,
                         enum config_origin origin, struct config_resolved *rs, struct buf *faults)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].section == NULL)
            resolve_one(c, &list->items[i], origin, rs, faults);
}

void config_resolve_free(const struct config *c, struct config_resolved *rs)
{
    for (size_t i = 0; i < c->count; i++)
        config_value_free(c->rows[i].option, &rs[i].value);
    heap_free(rs);
}

void config_resolve_note_origin(struct config_row *row, const struct config_resolved *r)
{
    row->origin = r->origin;
    row->file = r->file;
    row->line = r->line;
}

void config_resolve_swap_base(struct config *c, struct config_resolved *rs)
{
    for (size_t i = 0; i < c->count; i++) {
        union config_value held = c->base[i];
        c->base[i] = rs[i].value;
        rs[i].value = held;
    }
}
