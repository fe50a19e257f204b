/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The filter of CLIENT LIST and CLIENT KILL: conditions that must all hold, each at
 * most once plain and once with NOT- (a repeated one replaces the one before).
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/number.h"
#include "codec/resp_writer.h"
#include "features/clients/clients_private.h"
#include "net/net.h"

enum filter_word {
    FILTER_ID,
    FILTER_TYPE,
    FILTER_ADDR,
    FILTER_LADDR,
    FILTER_USER,
    FILTER_FLAGS,
    FILTER_NAME,
    FILTER_LIB_NAME,
    FILTER_LIB_VER,
    FILTER_DB,
    FILTER_IP,
    FILTER_NEGATABLE, /* those above also have a NOT- form */
    FILTER_SKIPME = FILTER_NEGATABLE,
    FILTER_MAXAGE,
    FILTER_IDLE,
    FILTER_WORDS
};

static const char *const filter_names[FILTER_WORDS] = {
    "ID",       "TYPE",    "ADDR", "LADDR", "USER",   "FLAGS",  "NAME",
    "LIB-NAME", "LIB-VER", "DB",   "IP",    "SKIPME", "MAXAGE", "IDLE",
};

enum filter_type { FILTER_NORMAL, FILTER_MASTER, FILTER_REPLICA, FILTER_PUBSUB, FILTER_NO_TYPE };

/* The plain form and the NOT- form of the conditions. */
struct filter_side {
    bool set[FILTER_NEGATABLE];
    struct slice text[FILTER_NEGATABLE];
    enum filter_type type;
    int64_t db;
    int64_t *ids; /* heap, ascending once parsed; as given in a plain list of ids */
    size_t id_count;
};

struct filter {
    struct filter_side side[2]; /* [1]: NOT- */
    int64_t max_age_s, idle_s;  /* 0: any */
    bool skip_me;
    bool only_ids; /* nothing but ID was asked for */
    bool lenient_id;
};

/* Which word ARG is; *NEGATED says that it had NOT- before it. FILTER_WORDS: none. */
static enum filter_word filter_word(struct slice arg, bool *negated)
{
    *negated = arg.len > 4 && strncasecmp(arg.ptr, "NOT-", 4) == 0;
    if (*negated)
        arg = slice_of(arg.ptr + 4, arg.len - 4);
    unsigned words = *negated ? FILTER_NEGATABLE : FILTER_WORDS;
    for (unsigned i = 0; i < words; i++)
        if (slice_is(arg, filter_names[i]))
            return i;
    return FILTER_WORDS;
}

static bool filter_refuse(struct command_ctx *ctx, const char *fmt, struct slice value)
{
    struct buf text = {0};
    buf_append_str(&text, fmt);
    if (value.ptr != NULL) {
        buf_append(&text, value.ptr, strnlen(value.ptr, (size_t)clients_shown(value)));
        buf_append_byte(&text, '\'');
    }
    resp_error_slice(ctx->reply, buf_slice(&text));
    buf_done(&text);
    return false;
}

static const struct slice filter_no_value = {NULL, 0};

/* --- reading it --- */

/* Ids from argument *I on; *I is moved to the last one. */
static bool filter_ids(struct command_ctx *ctx, struct filter *f, struct filter_side *side, uint32_t *i)
{
    int64_t id;
    bool unused;
    heap_free(side->ids);
    side->ids = heap_alloc((ctx->argc - *i) * sizeof *side->ids);
    side->id_count = 0;
    for (uint32_t at = *i; at < ctx->argc; at++) {
        bool number = number_to_int(ctx->argv[at], &id);
        if (!number && at > *i && (!f->lenient_id || filter_word(ctx->argv[at], &unused) != FILTER_WORDS))
            break;
        if (!number && f->lenient_id)
            return filter_refuse(ctx, "ERR Invalid client ID", filter_no_value);
        if (!number || (id < 1 && !f->lenient_id))
            return filter_refuse(ctx, "ERR client-id should be greater than 0", filter_no_value);
        side->ids[side->id_count++] = id;
    }
    *i += (uint32_t)side->id_count - 1;
    return true;
}

static bool filter_type(struct command_ctx *ctx, struct filter_side *side, struct slice value)
{
    static const char *const names[] = {"normal", "master", "replica", "pubsub"};
    struct slice word = slice_of(value.ptr, strnlen(value.ptr, value.len));
    side->type = FILTER_NO_TYPE;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_is(word, names[i]))
            side->type = i;
    if (slice_is(word, "primary"))
        side->type = FILTER_MASTER;
    if (slice_is(word, "slave"))
        side->type = FILTER_REPLICA;
    return side->type != FILTER_NO_TYPE || filter_refuse(ctx, "ERR Unknown client type '", value);
}

static bool filter_flags(struct command_ctx *ctx, struct slice value, bool negated)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == '\0' || strchr(clients_known_flags, value.ptr[i]) == NULL) {
            resp_errorf(ctx->reply, "ERR Unknown flags found in the %s filter: %.*s",
                        negated ? "NOT-FLAGS" : "provided", clients_shown(value), value.ptr);
            return false;
        }
    return true;
}

static bool filter_db(struct command_ctx *ctx, struct filter_side *side, struct slice value)
{
    struct keyspace *ks = dispatch_keyspace(ctx->dispatch);
    if (!number_to_int(value, &side->db))
        return filter_refuse(ctx, "ERR DB is not an integer or out of range", filter_no_value);
    if (keyspace_db(ks, side->db) != NULL)
        return true;
    resp_errorf(ctx->reply, "ERR DB number should be between 0 and %u", keyspace_databases(ks) - 1);
    return false;
}

static bool filter_seconds(struct command_ctx *ctx, const char *name, struct slice value, int64_t *out)
{
    if (!number_to_int(value, out)) {
        resp_errorf(ctx->reply, "ERR %s is not an integer or out of range", name);
        return false;
    }
    if (*out >= 1)
        return true;
    resp_errorf(ctx->reply, "ERR %s should be greater than 0", name);
    return false;
}

static bool filter_skip_me(struct command_ctx *ctx, struct filter *f, struct slice value)
{
    f->skip_me = slice_is(value, "yes");
    if (f->skip_me || slice_is(value, "no"))
        return true;
    resp_error_code(ctx->reply, MR_E_SYNTAX);
    return false;
}

/* Takes one condition, whose value is argument *I. */
static bool filter_condition(struct command_ctx *ctx, struct filter *f, enum filter_word word, bool negated,
                             uint32_t *i)
{
    struct filter_side *side = &f->side[negated];
    struct slice value = ctx->argv[*i];
    if (word < FILTER_NEGATABLE) {
        side->set[word] = true;
        side->text[word] = value;
    }
    f->only_ids = f->only_ids && word == FILTER_ID && !negated;
    switch (word) {
    case FILTER_ID:
        return filter_ids(ctx, f, side, i);
    case FILTER_TYPE:
        return filter_type(ctx, side, value);
    case FILTER_USER:
        return dispatch_user_exists(ctx->dispatch, value) || filter_refuse(ctx, "ERR No such user '", value);
    case FILTER_FLAGS:
        return filter_flags(ctx, value, negated);
    case FILTER_DB:
        return filter_db(ctx, side, value);
    case FILTER_SKIPME:
        return filter_skip_me(ctx, f, value);
    case FILTER_MAXAGE:
        return filter_seconds(ctx, "maxage", value, &f->max_age_s);
    case FILTER_IDLE:
        return filter_seconds(ctx, "idle", value, &f->idle_s);
    default:
        return true;
    }
}

static bool filter_parse(struct command_ctx *ctx, uint32_t first, struct filter *f)
{
    for (uint32_t i = first; i < ctx->argc; i++) {
        bool negated;
        enum filter_word word = filter_word(ctx->argv[i], &negated);
        if (word == FILTER_WORDS || ++i == ctx->argc) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        if (!filter_condition(ctx, f, word, negated, &i))
            return false;
    }
    return true;
}

/* --- applying it --- */

static int filter_compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool filter_text_equal(struct slice wanted, const char *text)
{
    return slice_equal(wanted, slice_str(text == NULL ? "" : text));
}

static bool filter_has_flags(const struct session *s, struct slice letters)
{
    char flags[CLIENTS_FLAGS];
    clients_flags(s, flags);
    for (size_t i = 0; i < letters.len; i++)
        if (strchr(flags, letters.ptr[i]) == NULL)
            return false;
    return true;
}

static bool filter_same_ip(const struct session *s, struct slice ip)
{
    char peer[128];
    net_conn_peer(s->conn, peer, sizeof peer);
    const char *end = strrchr(peer, ':');
    struct slice host = slice_of(peer, end == NULL ? strlen(peer) : (size_t)(end - peer));
    if (host.len > 2 && host.ptr[0] == '[')
        host = slice_of(host.ptr + 1, host.len - 2);
    return slice_equal(host, ip);
}

/* Whether S is what condition WORD of SIDE names. */
static bool filter_holds(const struct filter_side *side, enum filter_word word, const struct session *s)
{
    char address[128];
    int64_t id = (int64_t)s->id;
    switch (word) {
    case FILTER_ID:
        return bsearch(&id, side->ids, side->id_count, sizeof id, filter_compare_ids) != NULL;
    case FILTER_TYPE:
        /* The kind that every session is until there are subscribers and replicas. */
        return side->type == FILTER_NORMAL;
    case FILTER_ADDR:
        net_conn_peer(s->conn, address, sizeof address);
        return filter_text_equal(side->text[word], address);
    case FILTER_LADDR:
        net_conn_local(s->conn, address, sizeof address);
        return filter_text_equal(side->text[word], address);
    case FILTER_USER:
        return filter_text_equal(side->text[word], s->user);
    case FILTER_FLAGS:
        return filter_has_flags(s, side->text[word]);
    case FILTER_NAME:
        return filter_text_equal(side->text[word], s->name);
    case FILTER_LIB_NAME:
        return filter_text_equal(side->text[word], s->lib_name);
    case FILTER_LIB_VER:
        return filter_text_equal(side->text[word], s->lib_ver);
    case FILTER_DB:
        return s->db == side->db;
    case FILTER_IP:
        return filter_same_ip(s, side->text[word]);
    default:
        return false;
    }
}

static bool filter_passes(const struct filter *f, const struct command_ctx *ctx, const struct session *s)
{
    if (f->skip_me && s == ctx->session)
        return false;
    for (unsigned negated = 0; negated < 2; negated++)
        for (unsigned word = 0; word < FILTER_NEGATABLE; word++)
            if (f->side[negated].set[word] && filter_holds(&f->side[negated], word, s) == negated)
                return false;
    if (f->max_age_s == 0 && f->idle_s == 0)
        return true;
    struct net_conn_stats stats;
    net_conn_get_stats(s->conn, &stats);
    int64_t now = clock_mono_us();
    return (now - stats.opened_us) / 1000000 >= f->max_age_s &&
           (now - stats.active_us) / 1000000 >= f->idle_s;
}

static int filter_find_session(const void *key, const void *element)
{
    uint64_t id = *(const uint64_t *)key, other = (*(struct session *const *)element)->id;
    return (id > other) - (id < other);
}

/* Redis answers a plain list of ids in its order, repeated ones repeatedly. SESSIONS,
 * which come in ascending order of ids, are replaced. */
static size_t filter_order(const struct filter_side *side, struct session ***sessions, size_t count)
{
    struct session **ordered = heap_alloc((side->id_count + 1) * sizeof(*ordered));
    size_t n = 0;
    for (size_t i = 0; i < side->id_count; i++) {
        uint64_t id = (uint64_t)side->ids[i];
        struct session **found = bsearch(&id, *sessions, count, sizeof **sessions, filter_find_session);
        if (found != NULL)
            ordered[n++] = *found;
    }
    heap_free(*sessions);
    *sessions = ordered;
    return n;
}

int64_t clients_select(struct command_ctx *ctx, uint32_t first, bool skip_me, bool lenient_id,
                       struct session ***ret_sessions)
{
    struct filter f = {.skip_me = skip_me, .only_ids = first < ctx->argc, .lenient_id = lenient_id};
    bool parsed = filter_parse(ctx, first, &f);
    size_t count = 0;
    if (parsed) {
        bool as_listed = lenient_id && f.only_ids;
        struct session **sessions =
            heap_alloc((dispatch_session_count(ctx->dispatch) + 1) * sizeof(*sessions));
        f.side[0].set[FILTER_ID] = f.side[0].set[FILTER_ID] && !as_listed;
        for (unsigned i = 0; i < 2; i++)
            if (f.side[i].set[FILTER_ID])
                qsort(f.side[i].ids, f.side[i].id_count, sizeof *f.side[i].ids, filter_compare_ids);
        for (struct session *s = dispatch_first_session(ctx->dispatch); s != NULL; s = s->next)
            if (filter_passes(&f, ctx, s))
                sessions[count++] = s;
        if (as_listed)
            count = filter_order(&f.side[0], &sessions, count);
        *ret_sessions = sessions;
    }
    heap_free(f.side[0].ids);
    heap_free(f.side[1].ids);
    return parsed ? (int64_t)count : -1;
}
