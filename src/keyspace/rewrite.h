/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values as commands: the sink that the types' `rewrite` hooks write the commands to which would
 * make a value again. Commands are requests of RESP, arrays of bulk strings; how many arguments
 * one has is said when it begins, so that it never has to be kept as a whole. A value of any size
 * goes through one buffer: full ones are handed on, and long arguments pass it by.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "keyspace/object.h"

#define REWRITE_GROUP  64            /* elements that one command names at most */
#define REWRITE_BUFFER (16u * 1024u) /* bytes that are handed on at once, but for long arguments */

struct rewrite {
    /* Takes BYTES, the next ones; a code that is not 0 becomes CODE. */
    int (*take)(void *owner, struct slice bytes);
    void *owner;
    int code;          /* 0, or why what follows is dropped: hooks stop early then */
    uint64_t commands; /* begun so far */
    /* private: */
    struct buf out;
    uint64_t left; /* arguments of the last command that are to come */
};

void rewrite_init(struct rewrite *w, int (*take)(void *owner, struct slice bytes), void *owner);
/* Has the rest taken, frees what W holds; its code. */
int rewrite_done(struct rewrite *w) MR_MUST_CHECK;

/* E's value as its type has it, and PEXPIREAT behind where it has an expiry. No command at all: all
 * of its elements are overdue. */
void rewrite_entry(struct rewrite *w, const struct object_types *types, const struct keyspace *ks,
                   const struct entry *e);

/* Begins a command of ARGS arguments, its name counted; they follow one by one. */
void rewrite_begin(struct rewrite *w, uint64_t args);
void rewrite_arg(struct rewrite *w, struct slice bytes);
void rewrite_word(struct rewrite *w, const char *word);
void rewrite_int(struct rewrite *w, int64_t value);
void rewrite_uint(struct rewrite *w, uint64_t value);
/* The shortest text that reads back as VALUE. */
void rewrite_double(struct rewrite *w, double value);
/* Begins "NAME key .." with MORE arguments behind these two. */
void rewrite_command(struct rewrite *w, const char *name, struct slice key, uint64_t more);

/* --- COUNT elements, each of ARGS arguments, in commands "NAME key element .." --- */

struct rewrite_group {
    struct rewrite *out;
    const char *name;
    struct slice key;
    uint64_t count; /* elements that are to come */
    unsigned args;
    unsigned room; /* elements that the command under way still takes */
};

/* To be called before the arguments of each element. */
void rewrite_group_next(struct rewrite_group *g);

/* --- elements that have an expiry, in commands "NAME key ms WORD n element .." --- */

/* Those that come one after the other and have the same time stand in one command. The elements
 * must stay where they are until the end. */
struct rewrite_times {
    struct rewrite *out;
    const char *name, *word; /* "HPEXPIREAT", "FIELDS" */
    struct slice key;
    /* 0 at first: */
    int64_t time_ms;
    unsigned count;
    struct slice elements[REWRITE_GROUP];
};

void rewrite_times_add(struct rewrite_times *t, struct slice element, int64_t time_ms);
void rewrite_times_end(struct rewrite_times *t);
