/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stands in for libFuzzer's main: feeds every file of the corpus directory that is
 * named to the harness it is linked with. An empty or missing corpus fails.
 */
#include <dirent.h>

#include "fuzz.h"

static int replay_file(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return -1;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size) {
        fclose(f);
        free(data);
        return -1;
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned done = 0;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (d == NULL) {
            perror(argv[i]);
            return EXIT_FAILURE;
        }
        for (struct dirent *e; (e = readdir(d)) != NULL;) {
            if (e->d_name[0] == '.')
                continue;
            if (replay_file(argv[i], e->d_name) != 0) {
                fprintf(stderr, "cannot read %s/%s\n", argv[i], e->d_name);
                return EXIT_FAILURE;
            }
            done++;
        }
        closedir(d);
    }
    if (done == 0) {
        fprintf(stderr, "the corpus is empty\n");
        return EXIT_FAILURE;
    }
    printf("%u inputs replayed\n", done);
    return EXIT_SUCCESS;
}
