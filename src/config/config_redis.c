/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads files in redis.conf's syntax: a directive and its words per line, "#" at the
 * begin of a line for a comment.
 *
 * What neither the config nor Redis knows becomes a statement all the same, so
 * that config_resolve tells about it as about any unknown name.
 */
#include <ctype.h>
#include <sys/stat.h>

#include "base/heap.h"
#include "base/text.h"
#include "config/config_load.h"
#include "config/config_read_private.h"

static struct slice trim(struct slice line)
{
    while (line.len > 0 && isspace((unsigned char)line.ptr[0])) {
        line.ptr++;
        line.len--;
    }
    while (line.len > 0 && isspace((unsigned char)line.ptr[line.len - 1]))
        line.len--;
    return line;
}

/* Takes the next line off TEXT, trimmed. */
static struct slice next_line(struct slice *text)
{
    const char *newline = memchr(text->ptr, '\n', text->len);
    size_t len = newline != NULL ? (size_t)(newline - text->ptr) : text->len;
    struct slice line = slice_of(text->ptr, len);
    size_t taken = len + (newline != NULL);
    *text = slice_of(text->ptr + taken, text->len - taken);
    return trim(line);
}

/* A statement's words are C strings. */
static bool has_nul(const struct slice *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].len != 0 && memchr(words[i].ptr, '\0', words[i].len) != NULL)
            return true;
    return false;
}

static void take_words(struct config_reading *r, const char *file, unsigned line, const struct slice *words,
                       size_t count)
{
    if (slice_is(words[0], "include")) {
        for (size_t i = 1; i < count; i++) {
            char *pattern = heap_memdup(words[i].ptr, words[i].len);
            config_file_include(r, file, line, pattern);
            heap_free(pattern);
        }
        if (count == 1)
            config_fault(r->faults, file, line, "include", "takes the name of a file");
        return;
    }
    const struct config_option *o = config_find(r->config, words[0]);
    if (o == NULL && config_known_directive(words[0])) {
        config_pass_over(r->passed_over, words[0]);
        return;
    }
    struct config_statement *s = config_statements_add(r->out, file, line, words[0]);
    s->mode = o != NULL && (o->flags & CONFIG_REPEAT) != 0 ? CONFIG_REPEATS : CONFIG_REPLACES;
    s->literal = true; /* a password there is what it is to redis-server */
    for (size_t i = 1; i < count; i++)
        config_statement_word(s, words[i]);
}

static void read_line(struct config_reading *r, const char *file, unsigned number, struct slice line)
{
    if (line.len == 0 || line.ptr[0] == '#')
        return;
    if (memchr(line.ptr, '\0', line.len) != NULL) {
        config_fault(r->faults, file, number, NULL, "a NUL byte: this is not a text file");
        return;
    }
    struct buf bytes = {0};
    struct slice *words = NULL;
    int count = text_split(line, &bytes, &words);
    if (count < 0)
        config_fault(r->faults, file, number, NULL, "unbalanced quotes");
    else if (has_nul(words, (size_t)count))
        config_fault(r->faults, file, number, NULL, "a value cannot hold a NUL byte");
    else if (count > 0)
        take_words(r, file, number, words, (size_t)count);
    if (count >= 0)
        heap_free(words);
    buf_done(&bytes);
}

int config_redis_read(struct config_reading *r, const char *path)
{
    struct buf text = {0};
    int result = config_file_read(path, &text);
    if (result == 0) {
        const char *file = config_statements_file(r->out, strcmp(path, "-") == 0 ? "standard input" : path);
        struct slice rest = buf_slice(&text);
        for (unsigned number = 1; rest.len > 0; number++)
            read_line(r, file, number, next_line(&rest));
    }
    buf_done(&text);
    return result;
}

/* 1: redis.conf, 0: miniredis.conf, -1: this line could be of either. */
static int line_syntax(struct slice line)
{
    size_t at = 0;
    if (line.len == 0 || line.ptr[0] == '#')
        return -1;
    while (at < line.len && !isspace((unsigned char)line.ptr[at]) && strchr("=+({\"'/", line.ptr[at]) == NULL)
        at++;
    size_t word = at;
    while (at < line.len && isspace((unsigned char)line.ptr[at]))
        at++;
    if (at == line.len)
        return -1;
    return word > 0 && strchr("=+({/", line.ptr[at]) == NULL ? 1
                                                             : word > 0 && at > word && line.ptr[at] == '/';
}

bool config_looks_like_redis(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
        return true;
    struct buf text = {0};
    int syntax = -1;
    if (config_file_read(path, &text) == 0 && (text.len == 0 || memchr(text.data, '\0', text.len) == NULL)) {
        struct slice rest = buf_slice(&text);
        while (syntax < 0 && rest.len > 0)
            syntax = line_syntax(next_line(&rest));
    }
    buf_done(&text);
    return syntax == 1;
}
