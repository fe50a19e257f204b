/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lines of CLIENT LIST and CLIENT INFO. Tools take them apart at blanks and
 * equals signs, so fields of things that this server does not have are printed with
 * their resting value (multi=-1, redir=-1), and the fields of redis-server 7.0 come
 * first.
 */
#include <ctype.h>
#include <inttypes.h>

#include "base/clock.h"
#include "command/registry.h"
#include "features/clients/clients_private.h"
#include "net/net.h"

const char clients_known_flags[] = "OSMPxbtRBdcuAUreTNIiECgo";

void clients_flags(const struct session *s, char out[CLIENTS_FLAGS])
{
    char *p = out;
    if (s->flags & (SESSION_HELD | SESSION_BLOCKED))
        *p++ = 'b';
    if (s->flags & SESSION_FINISHED)
        *p++ = 'c';
    else if (net_conn_closing(s->conn))
        *p++ = 'A';
    if (net_conn_is_unix(s->conn))
        *p++ = 'U';
    if (s->flags & SESSION_NO_EVICT)
        *p++ = 'e';
    if (s->flags & SESSION_NO_TOUCH)
        *p++ = 'T';
    if (p == out)
        *p++ = 'N';
    *p = '\0';
}

static void print_text(struct buf *out, const char *field, const char *text)
{
    buf_append_str(out, field);
    if (text != NULL)
        buf_append_str(out, text);
}

static void print_command(struct buf *out, const struct registry_entry *e)
{
    buf_append_str(out, " cmd=");
    if (e == NULL) {
        buf_append_str(out, "NULL");
        return;
    }
    for (const char *p = e->command->name; *p != '\0'; p++)
        buf_append_byte(out, (char)tolower((unsigned char)*p));
}

void clients_print(const struct session *s, struct buf *out)
{
    struct net_conn_stats stats;
    char peer[128], local[128], flags[CLIENTS_FLAGS];
    net_conn_get_stats(s->conn, &stats);
    net_conn_peer(s->conn, peer, sizeof peer);
    net_conn_local(s->conn, local, sizeof local);
    clients_flags(s, flags);
    int64_t now = clock_mono_us();
    int64_t age = now > stats.opened_us ? (now - stats.opened_us) / 1000000 : 0;
    int64_t idle = now > stats.active_us ? (now - stats.active_us) / 1000000 : 0;
    size_t in_free = stats.in_capacity > stats.in_pending ? stats.in_capacity - stats.in_pending : 0;

    buf_printf(out, "id=%" PRIu64 " addr=%s laddr=%s fd=%d", s->id, peer, local, net_conn_fd(s->conn));
    print_text(out, " name=", s->name);
    buf_printf(out, " age=%" PRId64 " idle=%" PRId64 " flags=%s db=%" PRId32, age, idle, flags, s->db);
    buf_append_str(out, " sub=0 psub=0 ssub=0 multi=-1 watch=0");
    buf_printf(out, " qbuf=%zu qbuf-free=%zu argv-mem=0 multi-mem=0 rbs=0 rbp=0", stats.in_pending, in_free);
    buf_printf(out, " obl=%zu oll=0 omem=%zu tot-mem=%zu", stats.out_pending, stats.out_capacity,
               stats.memory + sizeof *s);
    buf_append_str(out, " events=");
    if (stats.events & LOOP_READ)
        buf_append_byte(out, 'r');
    if (stats.events & LOOP_WRITE)
        buf_append_byte(out, 'w');
    print_command(out, s->last);
    print_text(out, " user=", s->user);
    buf_printf(out, " redir=-1 resp=%d", s->resp);
    print_text(out, " lib-name=", s->lib_name);
    print_text(out, " lib-ver=", s->lib_ver);
    buf_printf(out, " tot-net-in=%" PRIu64 " tot-net-out=%" PRIu64 " tot-cmds=%" PRIu64 "\n", stats.bytes_in,
               stats.bytes_out, s->commands);
}
