/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes the parts of the manual and of the shell completion that are made of the
 * option and command tables:
 *
 *   tablegen options | commands | completion    to standard output
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tablegen.h"

static const struct {
    const char *name;
    void (*write)(struct buf *out);
} pieces[] = {
    {"options", tablegen_options},
    {"commands", tablegen_commands},
    {"completion", tablegen_completion},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof pieces / sizeof pieces[0]; i++) {
        if (strcmp(argv[1], pieces[i].name) != 0)
            continue;
        struct buf out = {0};
        pieces[i].write(&out);
        size_t written = fwrite(out.data, 1, out.len, stdout);
        bool ok = written == out.len && fflush(stdout) == 0;
        buf_done(&out);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    fputs("usage: tablegen options | commands | completion\n", stderr);
    return EXIT_FAILURE;
}
