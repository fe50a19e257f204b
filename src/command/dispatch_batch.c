/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The batch: requests of one turn, parsed first, then executed in order while the
 * table's memory for the ones ahead is being fetched.
 *
 *   calls:  | A.0 | A.1 | A.2 | B.0 | C.0 | C.1 |     one run per session
 *                    ^execute      ^element    ^bucket
 *
 * What is parsed ahead must not depend on what is executed before it. So parsing of
 * a session stops behind a command that may change how its bytes are taken (its row
 * says CMD_BARRIER), and behind every command while it is not authenticated; and
 * requests that were parsed but may not run now are given back to the connection.
 */
#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/text.h"
#include "command/command_log.h"
#include "command/dispatch_private.h"

/* Commands between the fetch and the use of a key's bucket, its entry, and of the place in an
 * object's table and the element that is there. */
#define AHEAD_BUCKET  12
#define AHEAD_ENTRY   7
#define AHEAD_PLACE   5
#define AHEAD_ELEMENT 2
#define MAX_ARGS      INT32_MAX

/* Replies of one session in one go: beyond this the limit on unsent output must get its
 * chance, and the other clients theirs. */
#define YIELD_AFTER (1024 * 1024)
/* Some tenths of a millisecond: the time that the commands behind a slow one go by is read anew. */
#define SLOW_TICKS  (1u << 20)

void dispatch_forget_request(struct session *s)
{
    if (s->reader == NULL)
        return;
    resp_reader_done(s->reader);
    heap_free(s->reader);
    s->reader = NULL;
}

/* Keeps COPY until the batch is over. */
static void *batch_keep(struct dispatch *d, void *copy)
{
    if (d->copy_count == d->copy_cap) {
        d->copy_cap = d->copy_cap == 0 ? 16 : d->copy_cap * 2;
        d->copies = heap_realloc(d->copies, d->copy_cap * sizeof(void *));
    }
    d->copies[d->copy_count++] = copy;
    return copy;
}

static void batch_clear(struct dispatch *d)
{
    for (size_t i = 0; i < d->copy_count; i++)
        heap_free(d->copies[i]);
    d->copy_count = 0;
    d->call_count = 0;
    d->arg_count = 0;
    if (d->arg_cap > 16 * DISPATCH_BATCH) {
        heap_free(d->args);
        d->args = NULL;
        d->arg_cap = 0;
    }
}

static int batch_more_args(struct dispatch *d, uint32_t more)
{
    uint64_t cap = d->arg_cap == 0 ? 256 : (uint64_t)d->arg_cap * 2;
    while (cap < (uint64_t)d->arg_count + more)
        cap *= 2;
    struct slice *args = cap > UINT32_MAX ? NULL : heap_try_realloc(d->args, cap * sizeof *args);
    if (args == NULL)
        return MR_E_MEMORY;
    d->args = args;
    d->arg_cap = (uint32_t)cap;
    return 0;
}

/* --- parsing --- */

static struct call *batch_add(struct dispatch *d, struct session *s, const char *start)
{
    if (d->calls == NULL)
        d->calls = heap_alloc(DISPATCH_BATCH * sizeof *d->calls);
    struct call *call = &d->calls[d->call_count++];
    *call = (struct call){.session = s, .start = start, .at = d->arg_count};
    return call;
}

static void batch_add_error(struct dispatch *d, struct session *s, const char *start, const char *text)
{
    struct call *call = batch_add(d, s, start);
    call->error = batch_keep(d, heap_strdup(text));
}

/* A quoted inline argument stands in the reader's bytes, which the next request
 * takes over. */
static void keep_inline_args(struct dispatch *d, struct call *call, const char *data, size_t len)
{
    for (uint32_t i = 0; i < call->argc; i++) {
        struct slice *arg = &d->args[call->at + i];
        if (arg->len > 0 && (arg->ptr < data || arg->ptr >= data + len))
            arg->ptr = batch_keep(d, heap_memdup(arg->ptr, arg->len));
    }
}

/* The reader for S's next request: its own while one is incomplete. */
static struct resp_reader *reader_of(struct dispatch *d, struct session *s)
{
    return s->reader != NULL ? s->reader : &d->reader;
}

static void reader_incomplete(struct dispatch *d, struct session *s)
{
    if (s->reader != NULL)
        return;
    s->reader = heap_alloc(sizeof *s->reader);
    *s->reader = d->reader;
    d->reader = (struct resp_reader){0};
}

static bool may_parse(const struct dispatch *d, const struct session *s)
{
    return d->call_count < DISPATCH_BATCH &&
           (s->flags & (SESSION_HELD | SESSION_FINISHED | SESSION_BLOCKED)) == 0;
}

/* Where the next request's arguments go; no place at all before the first has asked. */
static struct slice *args_room(struct dispatch *d)
{
    return d->args == NULL ? NULL : d->args + d->arg_count;
}

/* One request of DATA into the batch. Returns its bytes, 0 if there is none. */
static size_t parse_one(struct dispatch *d, struct session *s, const char *data, size_t len, bool *last)
{
    bool known = (s->flags & SESSION_AUTHENTICATED) != 0;
    struct resp_limits limits = {.max_bulk = d->options->proto_max_bulk_len,
                                 .max_args = MAX_ARGS,
                                 .max_line = 64 * 1024,
                                 .unauthenticated = !known};
    struct resp_reader *reader = reader_of(d, s);
    uint32_t count = 0;
    const char *error = NULL;
    int64_t took;
    while ((took = resp_reader_next(reader, &limits, data, len, args_room(d), d->arg_cap - d->arg_count,
                                    &count, &error)) == MR_E_TOO_BIG)
        if (batch_more_args(d, count) != 0) {
            resp_reader_done(reader);
            took = MR_E_PROTOCOL;
            error = "ERR Protocol error: too many arguments";
            break;
        }
    if (took == MR_E_AGAIN) {
        reader_incomplete(d, s);
        return 0;
    }
    if (took < 0) {
        batch_add_error(d, s, data, error);
        *last = true;
        return len;
    }
    if (count > 0) {
        struct call *call = batch_add(d, s, data);
        call->argc = count;
        if (data[0] != '*')
            keep_inline_args(d, call, data, (size_t)took);
        d->arg_count += count;
        call->entry = registry_resolve(d->registry, &d->args[call->at], count);
        *last = !known || call->entry == NULL || (call->entry->command->flags & CMD_BARRIER) != 0;
    }
    dispatch_forget_request(s);
    return (size_t)took;
}

size_t dispatch_parse(void *owner, void *session, const char *data, size_t len)
{
    struct dispatch *d = owner;
    struct session *s = session;
    size_t taken = 0;
    bool last = false;
    while (taken < len && !last && may_parse(d, s)) {
        size_t took = parse_one(d, s, data + taken, len - taken, &last);
        if (took == 0)
            break;
        taken += took;
    }
    return taken;
}

/* --- executing --- */

static void fetch_bucket(struct dispatch *d, struct call *call)
{
    if (call->entry == NULL || call->entry->first_key == 0 || call->entry->first_key >= call->argc)
        return;
    call->hash = keyspace_hash(d->keyspace, d->args[call->at + call->entry->first_key]);
    db_prefetch_bucket(keyspace_db(d->keyspace, call->session->db), call->hash);
}

static void fetch_entry(struct dispatch *d, const struct call *call)
{
    if (call->entry != NULL && call->entry->first_key != 0 && call->entry->first_key < call->argc)
        db_prefetch_entry(keyspace_db(d->keyspace, call->session->db), call->hash);
}

static void fetch_place(struct dispatch *d, struct call *call)
{
    if (call->entry == NULL || call->entry->command->element == 0 ||
        call->entry->command->element >= call->argc)
        return;
    const struct slice *argv = &d->args[call->at];
    call->element =
        db_prefetch_place(keyspace_db(d->keyspace, call->session->db), argv[call->entry->first_key],
                          call->hash, argv[call->entry->command->element]);
}

static void fetch_element(struct dispatch *d, const struct call *call)
{
    if (call->element != 0)
        db_prefetch_element(keyspace_db(d->keyspace, call->session->db),
                            d->args[call->at + call->entry->first_key], call->hash, call->element);
}

/* Call AT is about to run: brings the cursors to their distance before it, over calls
 * that were skipped too. */
static inline void fetch_ahead(struct dispatch *d, uint32_t at)
{
    for (; d->bucket_next < d->call_count && d->bucket_next <= at + AHEAD_BUCKET; d->bucket_next++)
        fetch_bucket(d, &d->calls[d->bucket_next]);
    for (; d->entry_next < d->bucket_next && d->entry_next <= at + AHEAD_ENTRY; d->entry_next++)
        fetch_entry(d, &d->calls[d->entry_next]);
    for (; d->place_next < d->entry_next && d->place_next <= at + AHEAD_PLACE; d->place_next++)
        fetch_place(d, &d->calls[d->place_next]);
    for (; d->element_next < d->place_next && d->element_next <= at + AHEAD_ELEMENT; d->element_next++)
        fetch_element(d, &d->calls[d->element_next]);
}

static void reply_unknown(struct command_ctx *ctx)
{
    struct buf args = {0};
    for (uint32_t i = 1; i < ctx->argc && args.len < 128; i++)
        buf_printf(&args, "'%.*s' ",
                   (int)(ctx->argv[i].len < 128 - args.len ? ctx->argv[i].len : 128 - args.len),
                   ctx->argv[i].ptr);
    resp_errorf(ctx->reply, "ERR unknown command '%.*s', with args beginning with: %s",
                (int)(ctx->argv[0].len < 128 ? ctx->argv[0].len : 128), ctx->argv[0].ptr, buf_cstr(&args));
    buf_done(&args);
}

/* The first words of what a browser sends when a page of somebody's makes it talk to this port:
 * the rest must not be taken for commands. */
static bool is_web_request(struct slice name)
{
    return slice_is(name, "POST") || slice_is(name, "Host:");
}

static void refuse_web_request(struct command_ctx *ctx)
{
    struct command_log about;
    command_log_session(&about, ctx->session);
    log_event(LOG_EVENT_HTTP_REQUEST, about.fields, about.count,
              "Closing the connection of %s: it sends an HTTP request, perhaps a web page's attempt to "
              "reach this server through a browser",
              about.client);
    ctx->session->flags |= SESSION_FINISHED;
    net_conn_kill(ctx->session->conn);
}

/* Whether the request fits its command's row; the error is written if not. */
static bool check_shape(struct command_ctx *ctx, const struct registry_entry *e)
{
    if (e == NULL) {
        if (is_web_request(ctx->argv[0]))
            refuse_web_request(ctx);
        else
            reply_unknown(ctx);
        return false;
    }
    if (e->child_count > 0 && ctx->argc > 1) {
        struct slice sub = ctx->argv[1];
        resp_errorf(ctx->reply, "ERR unknown subcommand '%.*s'. Try %s HELP.",
                    (int)(sub.len < 128 ? sub.len : 128), sub.ptr, e->command->name);
        return false;
    }
    int arity = e->command->arity;
    if ((arity > 0 && ctx->argc != (uint32_t)arity) || (arity < 0 && ctx->argc < (uint32_t)-arity) ||
        e->command->handler == NULL) {
        dispatch_wrong_arity(ctx);
        return false;
    }
    return true;
}

static enum dispatch_verdict ask_gates(struct dispatch *d, struct command_ctx *ctx)
{
    for (unsigned i = 0; i < d->gate_count; i++) {
        if (!d->gates[i].on)
            continue;
        enum dispatch_verdict verdict = d->gates[i].fn(d->gates[i].owner, ctx);
        if (verdict != DISPATCH_PASS)
            return verdict;
    }
    return DISPATCH_PASS;
}

static void yield(struct session *s, const struct call *call)
{
    dispatch_forget_request(s);
    net_conn_yield(s->conn, call->start);
}

static void hold(struct session *s, const struct call *call)
{
    s->flags |= SESSION_HELD;
    dispatch_forget_request(s);
    net_conn_untake(s->conn, call->start);
}

/* What waits behind a blocking command; the end of the connection is not held up by it. */
static void put_back(struct session *s, const struct call *call)
{
    dispatch_forget_request(s);
    net_conn_put_back(s->conn, call->start);
}

void dispatch_settle_reply(struct dispatch *d, struct session *s, struct buf *out, size_t mark,
                           uint64_t *failed)
{
    if (out->len > mark && out->data[mark] == '-') {
        dispatch_count_error(d, out->data + mark, out->len - mark);
        if (failed != NULL)
            ++*failed;
    }
    if ((s->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0)
        out->len = mark;
    s->flags &= ~(uint32_t)SESSION_REPLY_SKIP;
    if ((s->flags & SESSION_REPLY_SKIP_NEXT) != 0)
        s->flags = (s->flags & ~(uint32_t)SESSION_REPLY_SKIP_NEXT) | SESSION_REPLY_SKIP;
}

static void run_protocol_error(struct dispatch *d, const struct call *call, struct resp_writer *reply)
{
    size_t mark = reply->out->len;
    resp_error(reply, call->error);
    d->protocol_errors++;
    dispatch_settle_reply(d, call->session, reply->out, mark, NULL);
    dispatch_finish_session(d, call->session);
}

/* TICKS: when the command before it was done; set to when this one was. */
static void run_call(struct dispatch *d, const struct call *call, struct resp_writer *reply, uint64_t *ticks)
{
    struct session *s = call->session;
    struct registry_entry *e = call->entry;
    struct command_ctx ctx = {.argv = &d->args[call->at],
                              .argc = call->argc,
                              .reply = reply,
                              .session = s,
                              .db = keyspace_db(d->keyspace, s->db),
                              .owner = e != NULL ? e->owner : NULL,
                              .key_hash = call->hash,
                              .element_hash = call->element,
                              .command = e != NULL ? e->command : NULL,
                              .dispatch = d};
    size_t mark = reply->out->len;
    enum dispatch_verdict verdict = check_shape(&ctx, e) ? DISPATCH_PASS : DISPATCH_REFUSED;
    if (verdict == DISPATCH_PASS && d->gates_on > 0)
        verdict = ask_gates(d, &ctx);
    if (verdict == DISPATCH_HOLD) {
        hold(s, call);
        return;
    }
    if (verdict == DISPATCH_REFUSED) {
        bool found = e != NULL && (e->child_count == 0 || ctx.argc == 1);
        dispatch_settle_reply(d, s, reply->out, mark, found ? &e->rejected : NULL);
        return;
    }
    s->last = e;
    e->command->handler(&ctx);
    uint64_t done = clock_ticks(), spent = done - *ticks;
    *ticks = done;
    e->calls++;
    e->ticks += spent;
    if (spent > SLOW_TICKS)
        clock_update();
    d->commands++;
    s->commands++;
    if (__builtin_expect((s->flags & SESSION_BLOCKED) != 0, 0)) {
        block_started(s, e, spent);
    } else {
        registry_record(e, spent);
        dispatch_settle_reply(d, s, reply->out, mark, &e->failed);
    }
    if (__builtin_expect(d->ready, 0)) {
        block_serve(d->block);
        *ticks = clock_ticks();
    }
}

/* The calls of one session that stand together, from I on; returns where they end. */
static uint32_t run_session(struct dispatch *d, uint32_t i, uint64_t *ticks)
{
    struct session *s = d->calls[i].session;
    uint32_t end = i;
    if (net_conn_closing(s->conn) || (s->flags & (SESSION_FINISHED | SESSION_HELD)) != 0) {
        while (end < d->call_count && d->calls[end].session == s)
            end++;
        return end;
    }
    struct resp_writer reply = {.out = net_reply_begin(s->conn), .version = s->resp};
    size_t enough = reply.out->len + YIELD_AFTER;
    bool over = false;
    for (; end < d->call_count && d->calls[end].session == s; end++) {
        fetch_ahead(d, end);
        const struct call *call = &d->calls[end];
        if (over || (s->flags & (SESSION_FINISHED | SESSION_HELD)) != 0)
            continue;
        if (reply.out->len > enough || (s->flags & SESSION_BLOCKED) != 0) {
            ((s->flags & SESSION_BLOCKED) != 0 ? put_back : yield)(s, call);
            over = true;
            continue;
        }
        if (call->error != NULL)
            run_protocol_error(d, call, &reply);
        else
            run_call(d, call, &reply, ticks);
        reply.version = s->resp;
    }
    net_reply_end(s->conn);
    return end;
}

void dispatch_execute(void *owner)
{
    struct dispatch *d = owner;
    d->bucket_next = d->entry_next = d->place_next = d->element_next = 0;
    uint64_t ticks = clock_ticks();
    d->executing = true;
    for (uint32_t i = 0; i < d->call_count;)
        i = run_session(d, i, &ticks);
    d->executing = false;
    dispatch_sample(d);
    batch_clear(d);
}
