/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XADD: the id of the new entry, the entry itself, and what it is remembered by if it is idempotent.
 */
#include "base/clock.h"
#include "types/stream/stream_cmds.h"
#include "types/stream/stream_idmp.h"
#include "types/stream/stream_node.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum id_form { ID_AUTO, ID_MS /* ms-* */, ID_WHOLE };

struct xadd {
    struct stream_trim trim;
    struct stream_idmp_args idmp;
    struct stream_fields fields;
    struct stream_id id;
    enum id_form form;
    bool no_make;
    bool has_refs;
};

static bool is_auto(struct slice word)
{
    return word.len == 1 && *word.ptr == '*';
}

/* --- arguments --- */

static bool parse_id(struct command_ctx *ctx, uint32_t i, struct xadd *x)
{
    struct slice text = ctx->argv[i];
    x->form = ID_WHOLE;
    if (text.len > 2 && memcmp(text.ptr + text.len - 2, "-*", 2) == 0) {
        struct stream_id id;
        struct slice ms = slice_of(text.ptr, text.len - 2);
        if (memchr(ms.ptr, '-', ms.len) == NULL && stream_id_parse(ms, 0, true, &id)) {
            x->form = ID_MS;
            x->id = id;
            return true;
        }
    }
    return stream_arg_strict_id(ctx, i, 0, &x->id);
}

/* An option of XADD's own at argument *I, as stream_trim_arg. */
static int own_option(struct command_ctx *ctx, uint32_t *i, struct xadd *x)
{
    struct slice word = ctx->argv[*i];
    if (slice_is(word, "NOMKSTREAM")) {
        x->no_make = true;
        return 1;
    }
    if (!x->has_refs && stream_refs_parse(word, &x->trim.refs)) {
        x->has_refs = true;
        return 1;
    }
    return stream_idmp_arg(ctx, i, &x->idmp);
}

static bool parse(struct command_ctx *ctx, struct xadd *x)
{
    uint32_t i = 2;
    for (; i < ctx->argc && !is_auto(ctx->argv[i]); i++) {
        int code = stream_trim_arg(ctx, &i, &x->trim);
        if (code == 0)
            code = own_option(ctx, &i, x);
        if (code < 0 || (code == 0 && !parse_id(ctx, i, x)))
            return false;
        if (code == 0)
            break;
    }
    if (!stream_trim_check(ctx, &x->trim))
        return false;
    if (x->idmp.used && x->form != ID_AUTO) {
        resp_error(ctx->reply, "ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs");
        return false;
    }
    if (ctx->argc <= i + 2 || (ctx->argc - i - 1) % 2 != 0) {
        dispatch_wrong_arity(ctx);
        return false;
    }
    x->fields = (struct stream_fields){ctx->argv + i + 1, (ctx->argc - i - 1) / 2};
    if (x->form == ID_WHOLE && stream_id_is_zero(x->id)) {
        resp_error(ctx->reply, "ERR The ID specified in XADD must be greater than 0-0");
        return false;
    }
    return true;
}

/* --- the entry --- */

/* The new entry's id; false: there is none that fits. */
static bool choose_id(const struct stream *s, struct xadd *x)
{
    struct stream_id last = s->last_id;
    if (likely(x->form == ID_AUTO)) {
        x->id = (struct stream_id){(uint64_t)clock_ms(), 0};
        if (x->id.ms <= last.ms) {
            x->id = last;
            return stream_id_next(&x->id);
        }
        return true;
    }
    if (x->form == ID_MS && x->id.ms == last.ms) {
        if (last.seq == UINT64_MAX)
            return false;
        x->id.seq = last.seq + 1;
    }
    return stream_id_compare(x->id, last) > 0;
}

static bool is_too_large(const struct stream_fields *fields)
{
    size_t bytes = 0;
    for (uint64_t i = 0; i < 2 * fields->pairs; i++)
        bytes += fields->items[i].len + 16;
    return unlikely(bytes > LISTPACK_MAX);
}

/* Puts the entry behind the last one. MR_E_MEMORY, with nothing changed. */
static int append(struct stream_key *k, const struct xadd *x)
{
    struct stream *s = k->s;
    struct stream_node *n = NULL, *now;
    struct btree_place last;
    if (likely(s->nodes.count > 0)) {
        last = btree_last(&s->nodes, k->a);
        n = btree_element(k->a, &last);
    }
    if (likely(n != NULL && !stream_node_is_full(n, stream_options_of(k->ks), &x->fields))) {
        now = stream_node_append(s, k->a, n, x->id, &x->fields);
        if (now != n && now != NULL)
            btree_replace(&s->nodes, k->a, &last, now);
        return now == NULL ? MR_E_MEMORY : 0;
    }
    struct stream_node *made = stream_node_new(s, k->a, x->id, &x->fields);
    if (made == NULL)
        return MR_E_MEMORY;
    now = stream_node_append(s, k->a, made, x->id, &x->fields);
    if (now == NULL) {
        stream_node_free(s, k->a, made);
        return MR_E_MEMORY;
    }
    if (n != NULL) {
        struct stream_node *settled = stream_node_settle(s, k->a, n);
        if (settled != n)
            btree_replace(&s->nodes, k->a, &last, settled);
    }
    stream_put_node(s, k->a, now);
    return 0;
}

/* The stream, which is *MADE if need be; false: a reply has been written. */
static bool open_or_make(struct command_ctx *ctx, const struct xadd *x, struct stream_key *k, bool *made)
{
    *made = false;
    if (unlikely(!stream_find(ctx, 1, 0, k)))
        return false;
    if (likely(k->s != NULL))
        return true;
    *made = true;
    if (x->no_make) {
        resp_null(ctx->reply);
        return false;
    }
    if (is_too_large(&x->fields)) {
        resp_error(ctx->reply, "ERR Elements are too large to be stored");
        return false;
    }
    int code = stream_create(k);
    if (code != 0)
        resp_error_code(ctx->reply, code);
    return code == 0;
}

/* Adds it, to a stream that was just MADE or not; false: it cannot be, which has been told. */
static bool add(struct command_ctx *ctx, struct stream_key *k, struct xadd *x, bool made)
{
    struct stream *s = k->s;
    const char *why = NULL;
    if (unlikely(stream_id_compare(s->last_id, STREAM_ID_MAX) == 0))
        why = "ERR The stream has exhausted the last possible ID, unable to add more items";
    else if (unlikely(!choose_id(s, x)))
        why = "ERR The ID specified in XADD is equal or smaller than the target stream top item";
    else if (unlikely(is_too_large(&x->fields)))
        why = "ERR Elements are too large to be stored";
    if (unlikely(why != NULL)) {
        resp_error(ctx->reply, why);
        return false;
    }
    int code = append(k, x);
    if (unlikely(code != 0)) {
        if (made)
            db_delete_entry(k->db, k->e);
        resp_error_code(ctx->reply, code);
        return false;
    }
    s->length++;
    s->entries_added++;
    s->last_id = x->id;
    stream_changed(k);
    return true;
}

/* The entry of the same producer and idempotent id; false: there is none, and the new one is to be. */
static bool is_duplicate(struct command_ctx *ctx, struct stream_key *k, struct xadd *x)
{
    struct stream_id first;
    stream_idmp_choose(&x->idmp, &x->fields);
    if (!stream_idmp_seen(k, &x->idmp, clock_ms(), &first))
        return false;
    stream_changed(k);
    stream_reply_id(ctx->reply, first);
    return true;
}

void stream_cmd_xadd(struct command_ctx *ctx)
{
    struct stream_key k;
    struct xadd x;
    bool made;
    x.trim = (struct stream_trim){.by = STREAM_TRIM_NOT};
    x.idmp.used = x.no_make = x.has_refs = false;
    x.form = ID_AUTO;
    if (unlikely(!parse(ctx, &x) || !open_or_make(ctx, &x, &k, &made)))
        return;
    if (unlikely(x.idmp.used) && is_duplicate(ctx, &k, &x))
        return;
    if (unlikely(!add(ctx, &k, &x, made)))
        return;
    if (unlikely(x.idmp.used))
        stream_idmp_record(&k, &x.idmp, x.id);
    stream_reply_id(ctx->reply, x.id);
    db_event(ctx->db, EVENT_STREAM, "xadd", ctx->argv[1]);
    if (x.trim.by != STREAM_TRIM_NOT && stream_trim(&k, &x.trim) > 0)
        db_event(ctx->db, EVENT_STREAM, "xtrim", ctx->argv[1]);
}
