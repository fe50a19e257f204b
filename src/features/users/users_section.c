/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows of a user section, and the names in it.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "base/heap.h"
#include "base/number.h"
#include "command/session.h"
#include "features/users/users.h"
#include "features/users/users_private.h"
#include "systemd/process_unit.h"

#define NAME_MAX_BYTES   256
#define LOOKUP_BYTES     1024
#define LOOKUP_MAX_BYTES (1024 * 1024) /* a group's line holds all its members */

/* 1 and the number, 0 if there is none of that name, or a negated errno. */
static int look_up(const char *name, bool group, uint32_t *ret_id)
{
    int r = ERANGE;
    bool found = false;
    for (size_t size = LOOKUP_BYTES; r == ERANGE && size <= LOOKUP_MAX_BYTES; size *= 4) {
        char *space = heap_alloc(size);
        if (group) {
            struct group line, *got = NULL;
            r = getgrnam_r(name, &line, space, size, &got);
            if ((found = r == 0 && got != NULL))
                *ret_id = got->gr_gid;
        } else {
            struct passwd line, *got = NULL;
            r = getpwnam_r(name, &line, space, size, &got);
            if ((found = r == 0 && got != NULL))
                *ret_id = got->pw_uid;
        }
        heap_free(space);
    }
    /* Some back ends call a name that they do not have an error. */
    if (r == ENOENT || r == ESRCH)
        return 0;
    return r != 0 ? -r : found;
}

int users_resolve(const char *word, bool group, uint32_t *ret_id, struct buf *why)
{
    const char *kind = group ? "group" : "user";
    int64_t number;
    if (number_to_int(slice_str(word), &number)) {
        /* The greatest one means "none" to the kernel. */
        if (number >= 0 && number < UINT32_MAX) {
            *ret_id = (uint32_t)number;
            return 0;
        }
        buf_printf(why, "%s ids are from 0 to %u", kind, UINT32_MAX - 1);
        return MR_E_CONFIG;
    }
    int r = word[0] == '\0' ? 0 : look_up(word, group, ret_id);
    if (r == 1)
        return 0;
    if (r == 0)
        buf_printf(why, "there is no %s called \"%s\"", kind, word);
    else
        buf_printf(why, "the %s \"%s\" cannot be looked up: %s", kind, word, strerror(-r));
    return MR_E_CONFIG;
}

static int check_ids(const union config_value *value, bool group, struct buf *why)
{
    uint32_t id;
    for (size_t i = 0; i < value->list.count; i++) {
        int r = users_resolve(value->list.items[i], group, &id, why);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_uid(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    return check_ids(value, false, why);
}

static int check_gid(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    return check_ids(value, true, why);
}

static int check_unit(union config_value *value, const union config_value *old, struct buf *why)
{
    (void)old;
    for (size_t i = 0; i < value->list.count; i++) {
        if (process_unit_is_name(value->list.items[i]))
            continue;
        buf_append_str(why, "a unit is named with its suffix, for example nginx.service, one of a user's "
                            "own behind that user's manager, for example user@1000.service/app.service");
        return MR_E_CONFIG;
    }
    return 0;
}

static const struct config_name access_names[] = {
    {"full", USERS_FULL}, {"read-only", USERS_READ_ONLY}, {NULL, 0}};

static const struct config_option users_rows[] = {
    {.name = "peer-uid",
     .type = CONFIG_LIST,
     .offset = offsetof(struct users_record, peer_uid),
     .fallback = "",
     .check = check_uid,
     .sentence = "The user that the process runs as, by name or number; of several, one has to fit."},
    {.name = "peer-gid",
     .type = CONFIG_LIST,
     .offset = offsetof(struct users_record, peer_gid),
     .fallback = "",
     .check = check_gid,
     .sentence = "A group that the process is in, by name or number; of several, one has to fit."},
    {.name = "peer-unit",
     .type = CONFIG_LIST,
     .offset = offsetof(struct users_record, peer_unit),
     .fallback = "",
     .check = check_unit,
     .sentence = "The systemd unit that the process runs in, with its suffix (nginx.service), or one of a "
                 "user's own manager (user@1000.service/app.service); of several, one has to fit."},
    {.name = "access",
     .type = CONFIG_ENUM,
     .offset = offsetof(struct users_record, access),
     .fallback = "full",
     .names = access_names,
     .sentence = "What the user may do: everything, or only what neither writes nor administers."},
};

static int check_record(const struct config_record *record, struct buf *why)
{
    const struct users_record *values = record->values;
    struct slice name = slice_str(record->title);
    if (name.len == 0 || name.len > NAME_MAX_BYTES || !session_text_valid(name)) {
        buf_printf(why, "the name of a user is 1 to %d printing characters without blanks", NAME_MAX_BYTES);
        return MR_E_CONFIG;
    }
    if (values->peer_uid.count + values->peer_gid.count + values->peer_unit.count == 0) {
        buf_append_str(why, "says nothing about who this is; one of peer-uid, peer-gid and peer-unit has to");
        return MR_E_CONFIG;
    }
    if (slice_equal(name, slice_str("default")) && values->access != USERS_FULL) {
        buf_append_str(why, "the default user has full access");
        return MR_E_CONFIG;
    }
    return 0;
}

const struct config_section users_section = {
    .name = "user",
    .group = "Users",
    .options = users_rows,
    .count = sizeof(users_rows) / sizeof(users_rows[0]),
    .size = sizeof(struct users_record),
    .check = check_record,
    .apply = users_apply,
    .sentence = "A client on a unix socket that is this user at once, without a password: the title is the "
                "user's name, all conditions that are given have to hold, and of several sections that fit "
                "the first one counts. A reload changes who new clients are. Without requirepass, who is "
                "read-only can still become the default user. Under systemd, peer-uid and peer-gid need "
                "PrivateUsers=no in the unit of the server.",
};
