/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the text of a miniredis.conf ready for libconfuse, which counts the lines
 * behind a comment wrongly, stops at the first name that it does not know, leaves
 * out characters that no token begins with, and cuts a value at a NUL.
 *
 * What goes out has the same lines as what came in. Comments are gone;
 * include("x") is include={"x"}, an option like any other; {} is {""}. A section begins with
 * an option CONFIG_SCAN_OPENS, which tells that it was opened. Strings are copied as they are. Only where the text cannot be told apart from here on
 * (an open string or comment) is it given up.
 */
#include <ctype.h>

#include "config/config_read_private.h"

#define UNKNOWN_MAX 256 /* names that are let through to be told about, in one file */

struct scanner {
    const struct config *config;
    const char *at;
    const char *end;
    const char *file;
    unsigned line;
    struct buf *out;
    struct buf *names;
    struct buf *faults;
    unsigned unknown;
    struct slice word; /* the last token if it is a word, else empty */
    char last;         /* the last character that is no blank */
    bool touching;     /* nothing stands between that word and here */
    bool in_include;
    bool in_list;
    unsigned section; /* line where the open section begins, or 0 */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
    return is_blank(c) || c == '\n' || strchr("\"'={}()+,#", c) != NULL;
}

static bool starts(const struct scanner *sc, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(sc->end - sc->at) >= len && memcmp(sc->at, text, len) == 0;
}

static void emit(struct scanner *sc)
{
    if (*sc->at == '\n')
        sc->line++;
    buf_append_byte(sc->out, *sc->at++);
}

/* "${NAME}", whose name libconfuse looks for as far as the next brace wherever it is. */
static bool take_variable(struct scanner *sc)
{
    const char *p = sc->at;
    while (p < sc->end && *p != '}' && *p != '"' && *p != '\n')
        p++;
    if (p == sc->end || *p != '}') {
        config_fault(sc->faults, sc->file, sc->line, NULL,
                     "'${' without a closing brace; allowed: ${NAME}, or \"\\${\"");
        return false;
    }
    while (sc->at <= p)
        emit(sc);
    return true;
}

static bool escapes_nul(const struct scanner *sc)
{
    const char *p = sc->at + 1;
    unsigned digits = 0;
    if (p < sc->end && *p == 'x') {
        for (p++; p < sc->end && digits < 2 && *p == '0'; p++)
            digits++;
        bool more = p < sc->end && digits < 2 && strchr("123456789abcdefABCDEF", *p) != NULL && *p != '\0';
        return digits > 0 && !more;
    }
    for (; p < sc->end && digits < 3 && *p == '0'; p++)
        digits++;
    return digits > 0 && !(p < sc->end && digits < 3 && *p >= '1' && *p <= '7');
}

static bool take_string(struct scanner *sc)
{
    char quote = *sc->at;
    unsigned first = sc->line;
    emit(sc);
    while (sc->at < sc->end && *sc->at != quote) {
        if (*sc->at == '\\') {
            if (quote == '"' && escapes_nul(sc))
                config_fault(sc->faults, sc->file, sc->line, NULL, "a value cannot hold a NUL byte");
            emit(sc);
            if (sc->at < sc->end)
                emit(sc);
        } else if (quote == '"' && starts(sc, "${")) {
            if (!take_variable(sc))
                return false;
        } else {
            emit(sc);
        }
    }
    if (sc->at == sc->end) {
        config_fault(sc->faults, sc->file, first, NULL, "a quote is opened here and not closed");
        return false;
    }
    emit(sc);
    sc->word = slice_of(NULL, 0);
    sc->last = quote;
    return true;
}

static bool take_comment(struct scanner *sc)
{
    if (sc->touching && *sc->at != '/')
        config_fault(sc->faults, sc->file, sc->line, NULL,
                     "a '#' within a word would be a comment; put the word in quotes");
    else if (sc->touching)
        config_fault(sc->faults, sc->file, sc->line, NULL,
                     "a '/*' within a word would be a comment; put the word in quotes");
    if (!starts(sc, "/*")) {
        while (sc->at < sc->end && *sc->at != '\n')
            sc->at++;
        return true;
    }
    unsigned first = sc->line;
    for (sc->at += 2; sc->at < sc->end && !starts(sc, "*/"); sc->at++) {
        if (*sc->at == '\n') {
            sc->line++;
            buf_append_byte(sc->out, '\n');
        }
    }
    if (sc->at == sc->end) {
        config_fault(sc->faults, sc->file, first, NULL, "a comment is opened here and not closed");
        return false;
    }
    sc->at += 2;
    buf_append_byte(sc->out, ' ');
    return true;
}

static bool take_word(struct scanner *sc)
{
    const char *start = sc->at;
    while (sc->at < sc->end && !ends_word(*sc->at)) {
        if (starts(sc, "${")) {
            if (!take_variable(sc))
                return false;
        } else if (starts(sc, "/*") || (sc->at == start && starts(sc, "//"))) {
            break;
        } else {
            emit(sc);
        }
    }
    sc->word = slice_of(start, (size_t)(sc->at - start));
    sc->last = 'a';
    return true;
}

/* Whether libconfuse may be told of an option of that name. */
static bool is_name(struct slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!isalnum((unsigned char)word.ptr[i]) && word.ptr[i] != '-' && word.ptr[i] != '_' &&
            word.ptr[i] != '.')
            return false;
    return word.len > 0;
}

static bool names_section(const struct config *c, struct slice word)
{
    for (size_t i = 0; i < c->part_count; i++)
        if (slice_is(word, c->parts[i].section->name))
            return true;
    return false;
}

/* The word before an equal sign is a name. */
static void note_name(struct scanner *sc)
{
    struct slice name = sc->word;
    if (!is_name(name) || sc->unknown == UNKNOWN_MAX || slice_is(name, "include") ||
        config_find(sc->config, name) != NULL || names_section(sc->config, name))
        return;
    for (size_t at = 0; at < sc->names->len; at += strlen(sc->names->data + at) + 1)
        if (slice_is(name, sc->names->data + at))
            return;
    buf_append_slice(sc->names, name);
    buf_append_byte(sc->names, '\0');
    sc->unknown++;
}

static void take_mark(struct scanner *sc)
{
    char c = *sc->at;
    bool assigns = c == '=' || starts(sc, "+=");
    if (assigns) {
        note_name(sc);
    } else if (c == '+') {
        config_fault(sc->faults, sc->file, sc->line, NULL,
                     "a '+' outside of quotes; put the value in quotes");
        sc->at++;
        return;
    } else if ((c == '}' || (c == ')' && sc->in_include)) && sc->last == '{') {
        buf_append_str(sc->out, "\"\"");
    }
    if (c == '(' && slice_is(sc->word, "include")) {
        buf_append_str(sc->out, "={");
        sc->in_include = true;
        c = '{';
        sc->at++;
    } else if (c == ')' && sc->in_include) {
        buf_append_byte(sc->out, '}');
        sc->in_include = false;
        sc->at++;
    } else {
        bool opens = c == '{' && strchr("a\"'", sc->last) != NULL && sc->last != '\0';
        emit(sc);
        if (c == '+')
            emit(sc);
        if (c == '}' && !sc->in_list)
            sc->section = 0;
        if (c == '{' || c == '}')
            sc->in_list = c == '{' && !opens;
        if (opens) {
            sc->section = sc->line;
            buf_append_str(sc->out, "\"" CONFIG_SCAN_OPENS "\"=\"\" ");
            c = ' ';
        }
    }
    sc->word = slice_of(NULL, 0);
    sc->last = c;
}

static bool holds_nul(const struct scanner *sc)
{
    unsigned line = sc->line;
    for (const char *p = sc->at; p < sc->end; p++) {
        if (*p == '\0') {
            config_fault(sc->faults, sc->file, line, NULL, "a NUL byte: this is not a text file");
            return true;
        }
        line += *p == '\n';
    }
    return false;
}

bool config_scan(const struct config *c, struct slice text, const char *file, struct buf *out,
                 struct buf *names, struct buf *faults)
{
    struct scanner sc = {.config = c,
                         .at = text.ptr,
                         .end = text.ptr + text.len,
                         .file = file,
                         .line = 1,
                         .out = out,
                         .names = names,
                         .faults = faults};
    bool ok = !holds_nul(&sc);
    while (ok && sc.at < sc.end) {
        const char *before = sc.at;
        bool word = false;
        if (is_blank(*sc.at) || *sc.at == '\n')
            emit(&sc);
        else if (*sc.at == '#' || starts(&sc, "/*") || starts(&sc, "//"))
            ok = take_comment(&sc);
        else if (*sc.at == '"' || *sc.at == '\'')
            ok = take_string(&sc);
        else if (ends_word(*before))
            take_mark(&sc);
        else {
            ok = take_word(&sc);
            word = true;
        }
        sc.touching = word;
    }
    /* libconfuse takes the end of the file for the end of a section. */
    if (ok && sc.section != 0)
        config_fault(faults, file, sc.section, NULL, "a section is opened here and not closed");
    return ok;
}
