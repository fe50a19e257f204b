/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See users.h. Rules are made anew at each load. Identities, of which sessions hold
 * pointers, are never dropped: there are no more of them than different users and levels
 * of access were ever written into the file.
 */
#include "features/users/users.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <sys/types.h>

#include "base/counter.h"
#include "base/heap.h"
#include "base/log.h"
#include "codec/resp_writer.h"
#include "command/dispatch.h"
#include "features/users/users_private.h"
#include "net/net.h"
#include "net/peer.h"
#include "systemd/process_unit.h"

/* Those ids of a condition that can be met at all. */
struct id_list {
    uint32_t *ids; /* heap */
    size_t count;
    bool asked; /* else anything fits */
};

struct rule {
    const struct session_identity *identity;
    struct id_list uids, gids;
    char **units; /* heap, each too */
    size_t unit_count;
};

struct identity {
    struct session_identity public; /* first; user is heap */
    struct identity *next;
};

struct users {
    struct dispatch *dispatch; /* NULL until users_register */
    unsigned gate;
    struct rule *rules;
    size_t rule_count;
    struct identity *identities;
    bool any_read_only;
    uint64_t denied;
};

/* --- rules --- */

static void rules_free(struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        heap_free(rules[i].uids.ids);
        heap_free(rules[i].gids.ids);
        for (size_t k = 0; k < rules[i].unit_count; k++)
            heap_free(rules[i].units[k]);
        heap_free(rules[i].units);
    }
    heap_free(rules);
}

static const struct session_identity *intern(struct users *u, const char *name, bool read_only)
{
    for (const struct identity *each = u->identities; each != NULL; each = each->next)
        if (each->public.read_only == read_only && strcmp(each->public.user, name) == 0)
            return &each->public;
    struct identity *fresh = heap_alloc(sizeof(*fresh));
    *fresh = (struct identity){{.user = heap_strdup(name), .read_only = read_only}, u->identities};
    u->identities = fresh;
    u->any_read_only = u->any_read_only || read_only;
    return &fresh->public;
}

static void warn_unknown(const char *user, bool group, const char *word)
{
    const char *option = group ? "peer-gid" : "peer-uid";
    log_event(LOG_EVENT_PEER_ID_UNKNOWN,
              LOG_FIELDS({"MINIREDIS_USER", user}, {"MINIREDIS_OPTION", option}, {"MINIREDIS_WANTED", word}),
              "User %s: %s %s fits nobody, since the user namespace of this process (PrivateUsers= of its "
              "unit) does not have that id",
              user, option, word);
}

static int take_ids(const struct config_record *record, const struct config_list *words, bool group,
                    struct id_list *out, struct buf *why)
{
    out->asked = words->count > 0;
    out->ids = heap_alloc((words->count + 1) * sizeof(*out->ids));
    for (size_t i = 0; i < words->count; i++) {
        uint32_t id;
        int r = users_resolve(words->items[i], group, &id, why);
        if (r < 0)
            return r;
        if (net_peer_id_known(id, group))
            out->ids[out->count++] = id;
        else
            warn_unknown(record->title, group, words->items[i]);
    }
    return 0;
}

static int take_rule(struct users *u, const struct config_record *record, struct rule *out, struct buf *why)
{
    const struct users_record *values = record->values;
    int r = take_ids(record, &values->peer_uid, false, &out->uids, why);
    if (r == 0)
        r = take_ids(record, &values->peer_gid, true, &out->gids, why);
    if (r < 0)
        return r;
    out->units = heap_alloc((values->peer_unit.count + 1) * sizeof(*out->units));
    for (; out->unit_count < values->peer_unit.count; out->unit_count++)
        out->units[out->unit_count] = heap_strdup(values->peer_unit.items[out->unit_count]);
    out->identity = intern(u, record->title, values->access == USERS_READ_ONLY);
    return 0;
}

int users_apply(void *owner, const struct config_records *records, struct buf *why)
{
    struct users *u = owner;
    struct rule *rules = heap_alloc_zero((records->count + 1) * sizeof(*rules));
    for (size_t i = 0; i < records->count; i++) {
        int r = take_rule(u, &records->items[i], &rules[i], why);
        if (r < 0) {
            rules_free(rules, records->count);
            return r;
        }
    }
    rules_free(u->rules, u->rule_count);
    u->rules = rules;
    u->rule_count = records->count;
    if (u->dispatch != NULL)
        dispatch_gate_enable(u->dispatch, u->gate, u->any_read_only);
    return 0;
}

/* --- who it is --- */

static bool uid_fits(const struct rule *rule, const struct net_peer *peer)
{
    bool fits = !rule->uids.asked;
    for (size_t i = 0; !fits && i < rule->uids.count; i++)
        fits = rule->uids.ids[i] == peer->uid;
    return fits;
}

static bool gid_fits(const struct rule *rule, const struct net_peer *peer)
{
    bool fits = !rule->gids.asked;
    for (size_t i = 0; !fits && i < rule->gids.count; i++)
        fits = net_peer_in_group(peer, rule->gids.ids[i]);
    return fits;
}

static bool unit_fits(const struct rule *rule, struct net_peer *peer)
{
    if (rule->unit_count == 0)
        return true;
    if (peer->pidfd < 0 && net_peer_pin(peer) < 0)
        return false;
    bool fits = false;
    for (size_t i = 0; !fits && i < rule->unit_count; i++)
        fits = process_unit_has(&process_unit_here, rule->units[i], peer->pid);
    return fits && net_peer_is_pinned(peer);
}

const struct session_identity *users_identify(const struct users *u, struct net_peer *peer)
{
    for (size_t i = 0; i < u->rule_count; i++) {
        const struct rule *rule = &u->rules[i];
        if (uid_fits(rule, peer) && gid_fits(rule, peer) && unit_fits(rule, peer))
            return rule->identity;
    }
    return NULL;
}

static bool users_opened(void *owner, struct session *s, struct resp_writer *reply)
{
    const struct users *u = owner;
    struct net_peer peer;
    (void)reply;
    if (u->rule_count == 0 || !net_conn_is_unix(s->conn) || net_peer_get(net_conn_fd(s->conn), &peer) < 0)
        return true;
    s->identity = users_identify(u, &peer);
    if (s->identity != NULL)
        log_verbose("Client %" PRIu64 ", process %d of user id %u, is user %s", s->id, (int)peer.pid,
                    (unsigned)peer.uid, s->identity->user);
    net_peer_done(&peer);
    return true;
}

static bool users_know(void *owner, struct slice name)
{
    const struct users *u = owner;
    for (const struct identity *each = u->identities; each != NULL; each = each->next)
        if (slice_equal(name, slice_str(each->public.user)))
            return true;
    return false;
}

/* --- what it may do --- */

static enum dispatch_verdict users_gate(void *owner, struct command_ctx *ctx)
{
    struct users *u = owner;
    if ((ctx->session->flags & SESSION_READ_ONLY) == 0 ||
        (ctx->command->flags & (CMD_WRITE | CMD_ADMIN)) == 0)
        return DISPATCH_PASS;
    struct buf name = {0};
    for (const char *p = ctx->command->name; *p != '\0'; p++)
        buf_append_byte(&name, (char)tolower((unsigned char)*p));
    resp_errorf(ctx->reply, "NOPERM User %s has no permissions to run the '%s' command", ctx->session->user,
                buf_cstr(&name));
    buf_done(&name);
    u->denied++;
    return DISPATCH_REFUSED;
}

/* --- life --- */

struct users *users_new(void)
{
    return heap_alloc_zero(sizeof(struct users));
}

void users_free(struct users *u)
{
    if (u == NULL)
        return;
    rules_free(u->rules, u->rule_count);
    while (u->identities != NULL) {
        struct identity *each = u->identities;
        u->identities = each->next;
        heap_free((char *)each->public.user);
        heap_free(each);
    }
    heap_free(u);
}

void users_register(struct users *u, struct dispatch *d)
{
    u->dispatch = d;
    u->gate = dispatch_add_gate(d, DISPATCH_RANK_ACL, users_gate, u);
    dispatch_gate_enable(d, u->gate, u->any_read_only);
    dispatch_add_open_hook(d, users_opened, u);
    dispatch_set_user_check(d, users_know, u);
}

static const struct counter_row users_counter_rows[] = {
    {.section = "stats",
     .name = "acl_access_denied_cmd",
     .sentence = "Commands refused because the client's user may not run them.",
     .offset = offsetof(struct users, denied),
     .reset = true},
};

void users_register_counters(struct users *u, struct counters *counters)
{
    counters_add(counters, users_counter_rows, sizeof(users_counter_rows) / sizeof(users_counter_rows[0]), u,
                 NULL);
}
