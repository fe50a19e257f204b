/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See arguments.h. Options may have values of several words, so where an option ends can
 * only be told from where the next one begins: the program's own switches are known
 * anywhere on the line, only not right behind an option's name, where "-c" or "-" is
 * a value.
 */
#include "daemon/arguments.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/heap.h"

const char arguments_help[] =
    "usage: miniredis [FILE] [--OPTION VALUE ...]\n"
    "\n"
    "FILE is a configuration file, in the syntax of miniredis.conf(5) or of redis.conf; \"-\" is\n"
    "standard input in redis.conf's syntax. If none is named,\n" MINIREDIS_SYSCONFDIR
    "/miniredis.conf is read where it exists.\n"
    "\n"
    "Every option of the file can be given on the command line and then has precedence:\n"
    "miniredis --port 7000 --save \"\" --bind 127.0.0.1 ::1\n"
    "\n"
    "  -c FILE                   read FILE, in the syntax of miniredis.conf(5)\n"
    "  --redis-conf FILE         read FILE, in the syntax of redis.conf\n"
    "  --check-config            say OK, or what is wrong with the configuration, and end\n"
    "  --print-config            print the value of every option and where it comes from, and end\n"
    "  --import-redis-conf FILE  print a redis.conf as a miniredis.conf, and end\n"
    "  --reload                  have the server that runs in $RUNTIME_DIRECTORY read its\n"
    "                            configuration again, and end as that did\n"
    "  --check-listen [ADDRESS ...]  say which of these addresses are taken, and end\n"
    "  -v, --version             print the version and end\n"
    "  -h, --help                print this text and end\n";

struct own_switch {
    const char *name;
    const char *letter; /* short form, or NULL */
    bool takes_file;
    enum arguments_mode mode; /* ARGUMENTS_RUN: none of its own */
    enum arguments_syntax syntax;
};

static const struct own_switch switches[] = {
    {NULL, "-c", true, ARGUMENTS_RUN, ARGUMENTS_NATIVE},
    {"--redis-conf", NULL, true, ARGUMENTS_RUN, ARGUMENTS_REDIS},
    {"--import-redis-conf", NULL, true, ARGUMENTS_IMPORT, ARGUMENTS_REDIS},
    {"--check-config", NULL, false, ARGUMENTS_CHECK, ARGUMENTS_NATIVE},
    {"--print-config", NULL, false, ARGUMENTS_PRINT, ARGUMENTS_NATIVE},
    {"--reload", NULL, false, ARGUMENTS_RELOAD, ARGUMENTS_NATIVE},
    {"--check-listen", NULL, false, ARGUMENTS_LISTEN, ARGUMENTS_NATIVE},
    {"--version", "-v", false, ARGUMENTS_VERSION, ARGUMENTS_NATIVE},
    {"--help", "-h", false, ARGUMENTS_HELP, ARGUMENTS_NATIVE},
};

static const struct own_switch *find_switch(const char *word, bool behind_option)
{
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        const struct own_switch *s = &switches[i];
        if ((s->name != NULL && strcmp(word, s->name) == 0) ||
            (s->letter != NULL && !behind_option && strcmp(word, s->letter) == 0))
            return s;
    }
    return NULL;
}

static int take_file(struct arguments *a, const char *file, enum arguments_syntax syntax, struct buf *why)
{
    if (a->file != NULL) {
        buf_printf(why, "two configuration files are named, %s and %s; one can include the other", a->file,
                   file);
        return MR_E_CONFIG;
    }
    a->file = file;
    a->syntax = syntax;
    return 0;
}

static int take_mode(struct arguments *a, enum arguments_mode mode, const char *word, struct buf *why)
{
    if (mode == ARGUMENTS_RUN || a->mode == mode)
        return 0;
    if (a->mode != ARGUMENTS_RUN) {
        buf_printf(why, "%s does not go together with another switch of its kind", word);
        return MR_E_CONFIG;
    }
    a->mode = mode;
    return 0;
}

int arguments_parse(struct arguments *a, int argc, char **argv, struct buf *why)
{
    *a = (struct arguments){.options = heap_alloc_zero((size_t)(argc > 0 ? argc : 1) * sizeof(char *))};
    bool behind_option = false;
    int r = 0;
    for (int i = 1; r == 0 && i < argc; i++) {
        const struct own_switch *s = find_switch(argv[i], behind_option);
        if (a->mode == ARGUMENTS_LISTEN) {
            a->options[a->option_count++] = argv[i];
        } else if (s != NULL) {
            r = take_mode(a, s->mode, argv[i], why);
            if (r == 0 && s->takes_file && i + 1 >= argc) {
                buf_printf(why, "%s wants the name of a file", argv[i]);
                r = MR_E_CONFIG;
            } else if (r == 0 && s->takes_file) {
                r = take_file(a, argv[i + 1], s->syntax, why);
                i++;
            }
            behind_option = false;
        } else if (a->option_count == 0 && strncmp(argv[i], "--", 2) != 0) {
            bool is_input = strcmp(argv[i], "-") == 0;
            if (!is_input && argv[i][0] == '-') {
                buf_printf(why, "%s is no switch; see --help", argv[i]);
                r = MR_E_CONFIG;
            } else {
                r = take_file(a, argv[i], is_input ? ARGUMENTS_REDIS : ARGUMENTS_EITHER, why);
            }
        } else if (strcmp(argv[i], "-") == 0 && !behind_option) {
            r = take_file(a, argv[i], ARGUMENTS_REDIS, why);
        } else {
            behind_option = strncmp(argv[i], "--", 2) == 0 && strchr(argv[i], '=') == NULL;
            a->options[a->option_count++] = argv[i];
        }
    }
    if (r == 0 && a->mode == ARGUMENTS_LISTEN && a->file != NULL) {
        buf_printf(why, "--check-listen takes addresses alone, and no file before them");
        r = MR_E_CONFIG;
    }
    if (r == 0 && a->mode == ARGUMENTS_RELOAD && (a->file != NULL || a->option_count > 0)) {
        buf_printf(why, "--reload takes neither a file nor options: the server that runs has its own");
        r = MR_E_CONFIG;
    }
    return r;
}

void arguments_done(struct arguments *a)
{
    heap_free(a->options);
    a->options = NULL;
}

char *arguments_absolute(const char *path)
{
    if (path[0] == '/' || strcmp(path, "-") == 0)
        return heap_strdup(path);
    char *here = getcwd(NULL, 0);
    char *whole = heap_printf("%s/%s", here != NULL ? here : ".", path);
    free(here);
    return whole;
}
