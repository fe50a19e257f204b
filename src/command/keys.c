/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What follows from a command's row: where the keys of a request are, and the ACL
 * categories that its flags imply.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/number.h"
#include "command/command.h"

unsigned command_first_key(const struct command *c)
{
    if (c->key_count == 0 || c->keys[0].begin != CMD_BEGIN_INDEX || c->keys[0].find != CMD_FIND_RANGE)
        return 0;
    return (c->keys[0].flags & CMD_KEY_NOT_KEY) != 0 ? 0 : (unsigned)c->keys[0].index;
}

/* How many words stand behind WORD where it is the token of one of C's arguments. */
static uint32_t words_behind(const struct command *c, struct slice word)
{
    for (size_t i = 0; i < c->arg_count; i++) {
        const struct command_arg *a = &c->args[i];
        if (a->token != NULL && slice_is(word, a->token))
            return a->type == CMD_ARG_PURE_TOKEN ? 0 : a->type == CMD_ARG_BLOCK ? (uint32_t)a->arg_count : 1;
    }
    return 0;
}

/* Behind the last of SPEC's keywords that is one, and not what another token wants. */
static uint32_t behind_token(const struct command *c, const struct command_key *spec,
                             const struct slice *argv, uint32_t argc)
{
    uint32_t found = 0;
    for (uint32_t i = (uint32_t)spec->index; i < argc; i++) {
        if (!slice_is(argv[i], spec->keyword))
            i += words_behind(c, argv[i]);
        else if (i + 1 < argc)
            found = i + 1;
    }
    return found;
}

/* Where the search of SPEC begins, 0 if the request does not have it. */
static uint32_t begin_of(const struct command *c, const struct command_key *spec, const struct slice *argv,
                         uint32_t argc)
{
    if (spec->begin == CMD_BEGIN_INDEX)
        return (uint32_t)spec->index < argc ? (uint32_t)spec->index : 0;
    if (spec->begin == CMD_BEGIN_UNKNOWN && spec->keyword != NULL)
        return behind_token(c, spec, argv, argc);
    if (spec->begin != CMD_BEGIN_KEYWORD)
        return 0;
    bool backward = spec->index < 0;
    uint32_t i = backward ? argc - (uint32_t)-spec->index : (uint32_t)spec->index;
    for (; i > 0 && i < argc; backward ? i-- : i++)
        if (slice_is(argv[i], spec->keyword))
            return i + 1 < argc ? i + 1 : 0;
    return 0;
}

struct key_range {
    int64_t first, last, step;
};

static int range_of(const struct command_key *spec, const struct slice *argv, uint32_t argc, uint32_t begin,
                    struct key_range *ret)
{
    if (spec->find == CMD_FIND_UNKNOWN) {
        if (spec->begin != CMD_BEGIN_UNKNOWN)
            return MR_E_SYNTAX;
        *ret = (struct key_range){.first = begin, .last = begin, .step = 1};
        return 0;
    }
    if (spec->find == CMD_FIND_RANGE) {
        ret->first = begin;
        ret->step = spec->step;
        if (spec->last >= 0)
            ret->last = (int64_t)begin + spec->last;
        else if (spec->limit > 1)
            ret->last = (int64_t)begin + ((int64_t)argc - begin) / spec->limit + spec->last;
        else
            ret->last = (int64_t)argc + spec->last;
        return 0;
    }
    int64_t at = (int64_t)begin + spec->keynum_index, count;
    if (at >= argc || !number_to_int(argv[at], &count) || count < 0 || count > argc)
        return MR_E_SYNTAX;
    ret->first = (int64_t)begin + spec->first;
    ret->step = spec->keynum_step;
    ret->last = ret->first + (count - 1) * spec->keynum_step;
    return 0;
}

/* How this very request would use SPEC's keys. */
static unsigned flags_of(const struct command_key *spec, const struct slice *argv, uint32_t argc)
{
    if (spec->token_from == 0)
        return spec->flags;
    for (uint32_t i = spec->token_from; i < argc; i++)
        if (spec->token == NULL || slice_is(argv[i], spec->token) ||
            (spec->or_token != NULL && slice_is(argv[i], spec->or_token)))
            return spec->flags & ~(unsigned)CMD_KEY_VARIABLE_FLAGS;
    return spec->other_flags;
}

int command_find_keys(const struct command *c, const struct slice *argv, uint32_t argc, uint32_t *indexes,
                      unsigned *flags, uint32_t cap)
{
    uint32_t found = 0;
    for (size_t k = 0; k < c->key_count; k++) {
        const struct command_key *spec = &c->keys[k];
        if ((spec->flags & CMD_KEY_NOT_KEY) != 0)
            continue;
        uint32_t begin = begin_of(c, spec, argv, argc);
        if (begin == 0)
            continue;
        struct key_range range;
        if (range_of(spec, argv, argc, begin, &range) != 0)
            return MR_E_SYNTAX;
        if (range.last >= argc || range.step <= 0)
            return MR_E_SYNTAX;
        /* To name no keys where some are named by their number is for those alone that need none. */
        if (spec->find == CMD_FIND_KEYNUM && range.last < range.first &&
            (c->flags & CMD_NO_MANDATORY_KEYS) == 0)
            return MR_E_SYNTAX;
        unsigned use = flags_of(spec, argv, argc);
        for (int64_t i = range.first; i <= range.last && found < cap; i += range.step) {
            if (flags != NULL)
                flags[found] = use;
            indexes[found++] = (uint32_t)i;
        }
    }
    return (int)found;
}

uint32_t command_acl_categories(const struct command *c)
{
    uint32_t acl = c->acl;
    if ((c->flags & CMD_WRITE) != 0)
        acl |= CMD_ACL_WRITE;
    /* A read-only command of a scripting family does not tell anything of the keyspace by itself. */
    if ((c->flags & CMD_READONLY) != 0 && (acl & CMD_ACL_SCRIPTING) == 0)
        acl |= CMD_ACL_READ;
    if ((c->flags & CMD_ADMIN) != 0)
        acl |= CMD_ACL_ADMIN | CMD_ACL_DANGEROUS;
    if ((c->flags & CMD_PUBSUB) != 0)
        acl |= CMD_ACL_PUBSUB;
    if ((c->flags & CMD_FAST) != 0)
        acl |= CMD_ACL_FAST;
    if ((c->flags & CMD_BLOCKING) != 0)
        acl |= CMD_ACL_BLOCKING;
    if ((acl & CMD_ACL_FAST) == 0)
        acl |= CMD_ACL_SLOW;
    return acl;
}
