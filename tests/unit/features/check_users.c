/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * User sections: what may stand in them, and whom they fit. The peer is this process
 * itself, at the other end of a pair of sockets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command/session.h"
#include "config/config_load.h"
#include "config/config_section.h"
#include "features/users/users.h"
#include "net/peer.h"
#include "unit.h"

static struct config *config;
static struct users *users;
static struct buf faults;
static char path[64];
static int ends[2];
static struct net_peer peer;

static void set_up(void)
{
    faults = (struct buf){0};
    users = users_new();
    config = config_new();
    strcpy(path, "/tmp/check-users-XXXXXX");
    close(mkstemp(path));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(net_peer_get(ends[0], &peer), 0);
}

static void tear_down(void)
{
    net_peer_done(&peer);
    close(ends[0]);
    close(ends[1]);
    unlink(path);
    config_free(config);
    users_free(users);
    buf_done(&faults);
}

/* Each load is the first one: later ones would add to it, as drop-ins do. */
static int load(const char *text)
{
    config_free(config);
    config = config_new();
    config_add_section(config, &users_section, users);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    faults.len = 0;
    return config_load_file(config, path, &faults);
}

/* The name of the peer under the sections TEXT, "" for nobody; in *IDENTITY more of it. */
static const char *who(const char *text, const struct session_identity **identity)
{
    int r = load(text);
    ck_assert_msg(r == 0, "%s", buf_cstr(&faults));
    ck_assert_int_eq(users_apply(users, config_section_records(config, "user"), &faults), 0);
    const struct session_identity *found = users_identify(users, &peer);
    if (identity != NULL)
        *identity = found;
    return found != NULL ? found->user : "";
}

/* TEXT with the numbers of this process's user and group for %u and %g. */
static const char *own(const char *text)
{
    static char out[1024];
    size_t n = 0;
    for (; *text != '\0'; text++)
        if (*text == '%' && (text[1] == 'u' || text[1] == 'g'))
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%u", *++text == 'u' ? getuid() : getgid());
        else
            out[n++] = *text;
    out[n] = '\0';
    return out;
}

START_TEST(by_user_and_group)
{
    const struct session_identity *id;
    ck_assert_str_eq(who("", NULL), "");
    ck_assert_str_eq(who(own("user \"me\" { peer-uid = %u }\n"), &id), "me");
    ck_assert(!id->read_only);
    ck_assert_str_eq(who(own("user \"me\" { peer-gid = %g\n access = read-only }\n"), &id), "me");
    ck_assert(id->read_only);
    ck_assert_str_eq(who("user \"other\" { peer-uid = 4242 }\n", NULL), "");
    ck_assert_str_eq(who("user \"other\" { peer-gid = 4242 }\n", NULL), "");
    ck_assert_str_eq(who(own("user \"me\" { peer-uid = {\"4242\", \"%u\"} }\n"), NULL), "me");
}
END_TEST

START_TEST(all_conditions_hold)
{
    ck_assert_str_eq(who(own("user \"me\" { peer-uid = %u\n peer-gid = %g }\n"), NULL), "me");
    ck_assert_str_eq(who(own("user \"me\" { peer-uid = %u\n peer-gid = 4242 }\n"), NULL), "");
    ck_assert_str_eq(who(own("user \"me\" { peer-uid = 4242\n peer-gid = %g }\n"), NULL), "");
    ck_assert_str_eq(who(own("user \"me\" { peer-uid = %u\n peer-unit = \"no-such.service\" }\n"), NULL), "");
}
END_TEST

START_TEST(the_first_one_counts)
{
    ck_assert_str_eq(who(own("user \"a\" { peer-uid = 4242 }\nuser \"b\" { peer-uid = %u }\n"
                             "user \"c\" { peer-uid = %u }\n"),
                         NULL),
                     "b");
}
END_TEST

START_TEST(names_are_looked_up)
{
    ck_assert_str_eq(who("user \"me\" { peer-uid = {\"root\", \"65000\"} }\n", NULL),
                     getuid() == 0 ? "me" : "");
    ck_assert_str_eq(who("user \"me\" { peer-gid = \"root\" }\n", NULL), getgid() == 0 ? "me" : "");
}
END_TEST

START_TEST(identities_stay)
{
    const struct session_identity *first, *second, *third;
    who(own("user \"me\" { peer-uid = %u }\n"), &first);
    who(own("user \"me\" { peer-uid = %u\n access = read-only }\n"), &second);
    who("user \"other\" { peer-uid = 4242 }\n", NULL);
    ck_assert_str_eq(first->user, "me");
    ck_assert(!first->read_only);
    ck_assert_str_eq(second->user, "me");
    ck_assert(second->read_only);
    who(own("user \"me\" { peer-uid = %u }\n"), &third);
    ck_assert_ptr_eq(first, third);
}
END_TEST

START_TEST(faults_are_told)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"user \"x\" { }\n", "says nothing about who this is"},
        {"user \"x\" { access = full }\n", "says nothing about who this is"},
        {"user \"x y\" { peer-uid = 1 }\n", "without blanks"},
        {"user \"x\" { peer-uid = \"no-such-user\" }\n", "there is no user called \"no-such-user\""},
        {"user \"x\" { peer-gid = \"no-such-group\" }\n", "there is no group called \"no-such-group\""},
        {"user \"x\" { peer-uid = {\"root\", \"no-such-user\"} }\n", "there is no user called"},
        {"user \"x\" { peer-uid = \"\" }\n", "says nothing about who this is"},
        {"user \"x\" { peer-uid = -1 }\n", "from 0 to 4294967294"},
        {"user \"x\" { peer-uid = 4294967295 }\n", "from 0 to 4294967294"},
        {"user \"x\" { peer-unit = \"nginx\" }\n", "nginx.service"},
        {"user \"x\" { peer-uid = 1\n access = some }\n", "read-only"},
        {"user \"default\" { peer-uid = 1\n access = read-only }\n", "full access"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(load(cases[i].text) < 0, "%s", cases[i].text);
        ck_assert_msg(strstr(buf_cstr(&faults), cases[i].told) != NULL, "%s: %s", cases[i].text,
                      buf_cstr(&faults));
    }
}
END_TEST

UNIT_SUITE(features_users)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, by_user_and_group);
    tcase_add_test(tc, all_conditions_hold);
    tcase_add_test(tc, the_first_one_counts);
    tcase_add_test(tc, names_are_looked_up);
    tcase_add_test(tc, identities_stay);
    tcase_add_test(tc, faults_are_told);
}
