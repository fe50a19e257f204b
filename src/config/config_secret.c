/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Secrets in files: credentials of the service manager, and who can read a file that
 * holds a secret itself.
 *
 * A credential is read each time its option is resolved, so that a reload finds a new one. No
 * message ever shows what one holds.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/heap.h"
#include "config/config_read_private.h"
#include "config/config_resolve_private.h"

#define PREFIX     "credential:"
#define NAME_LEN   255
#define SECRET_MAX 65536

static bool is_credential(const char *word)
{
    return strncmp(word, PREFIX, sizeof PREFIX - 1) == 0;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_LEN || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '/')
            return false;
    return true;
}

/* The end of a line is not part of what it holds: files that a person writes have one. */
static const char *check_content(struct buf *content)
{
    if (content->len > 0 && content->data[content->len - 1] == '\n')
        content->len--;
    if (content->len == 0)
        return "it is empty";
    if (content->len > SECRET_MAX)
        return "it is too long; allowed: 64 kb";
    if (memchr(content->data, '\0', content->len) != NULL)
        return "it holds a NUL byte";
    return NULL;
}

static const char *read_content(const char *path, struct buf *content)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode))
        return "it is not a regular file";
    if (st.st_size > SECRET_MAX + 1)
        return "it is too long; allowed: 64 kb";
    int r = config_file_read(path, content);
    return r < 0 ? strerror(-r) : check_content(content);
}

/* systemd 252 names the directory to the commands of ExecReload= too, but lets them not into it. */
static bool is_hidden(const struct config *c)
{
    return c->credentials == NULL || (access(c->credentials, X_OK) != 0 && errno == EACCES);
}

int config_secret_read(const struct config *c, const char *word, struct buf *out, struct buf *why)
{
    if (!is_credential(word))
        return 0;
    const char *name = word + sizeof PREFIX - 1;
    if (!is_name(name)) {
        buf_append_str(why, "not the name of a credential; allowed: " PREFIX
                            "NAME, with a NAME of printable characters without '/'");
        return MR_E_CONFIG;
    }
    if (c->only_looks && is_hidden(c)) {
        buf_append_str(out, word);
        return 1;
    }
    if (c->credentials == NULL) {
        buf_printf(why,
                   "the credential '%s' cannot be read: $CREDENTIALS_DIRECTORY is not set; a unit that says "
                   "LoadCredential=%s:FILE sets it",
                   name, name);
        return MR_E_CONFIG;
    }
    struct buf content = {0};
    char *path = heap_printf("%s/%s", c->credentials, name);
    const char *reason = read_content(path, &content);
    if (reason != NULL)
        buf_printf(why, "the credential '%s' cannot be read: %s: %s", name, path, reason);
    else
        buf_append_slice(out, buf_slice(&content));
    if (content.cap > 0)
        explicit_bzero(content.data, content.cap);
    buf_done(&content);
    heap_free(path);
    return reason != NULL ? MR_E_CONFIG : 1;
}

/* --- what the administrator should know --- */

static bool is_secret(const struct config *c, const struct config_statement *s)
{
    if (s->section == NULL) {
        const struct config_option *o = config_find(c, slice_str(s->name));
        return o != NULL && (o->flags & CONFIG_SECRET) != 0;
    }
    for (size_t i = 0; i < s->section->count; i++)
        if (strcasecmp(s->section->options[i].name, s->name) == 0)
            return (s->section->options[i].flags & CONFIG_SECRET) != 0;
    return false;
}

/* Whether the file was told about. */
static bool note_mode(struct config *c, const struct config_statement *s)
{
    struct stat st;
    if (s->file == NULL || stat(s->file, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & S_IROTH) == 0)
        return false;
    config_note(c, CONFIG_NOTE_EXPOSED, s->file, s->line, s->name,
                "the secret can be read by everybody (the file's mode is %04o); take that away with chmod "
                "o-rwx, or say \"" PREFIX "NAME\" here",
                (unsigned)(st.st_mode & 07777));
    return true;
}

void config_secret_note(struct config *c, const struct config_statements *list)
{
    const char *told = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct config_statement *s = &list->items[i];
        bool by_name = false, plain = false;
        if (s->count == 0 || !is_secret(c, s))
            continue;
        for (size_t k = 0; k < s->count; k++) {
            by_name = by_name || (is_credential(s->words[k]) && !s->literal);
            plain = plain || (s->words[k][0] != '\0' && (s->literal || !is_credential(s->words[k])));
        }
        if (plain && s->file != told && note_mode(c, s))
            told = s->file;
        if (by_name && c->only_looks && is_hidden(c))
            config_note(c, CONFIG_NOTE_UNSEEN, s->file != NULL ? s->file : "command line", s->line, s->name,
                        "the credential was not looked at: only the service has it");
    }
}
