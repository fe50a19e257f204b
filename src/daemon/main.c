/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program: what the command line asks for, done and answered with an exit status.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_load.h"
#include "daemon/arguments.h"
#include "daemon/daemon.h"
#include "daemon/reload.h"
#include "systemd/check_listen.h"
#include "systemd/reload_socket.h"
#include "systemd/systemd.h"

#define RELOAD_PATIENCE_MS 25000 /* a little less than a service manager has as a rule */

/* A descriptor that is opened later must not become standard error by accident. */
static void fill_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

static int print(struct buf *text, FILE *where)
{
    if (text->len > 0)
        fwrite(text->data, 1, text->len, where);
    return fflush(where) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A service's faults go to the journal as what they are, where that can be had. */
static void report_faults(struct buf *faults, bool service)
{
    if (service && systemd_stderr_is_journal() && systemd_log_to_journal("miniredis") == 0)
        reload_log_lines(LOG_EVENT_CONFIG_INVALID, "", faults);
    else
        print(faults, stderr);
}

static void print_note(void *owner, enum config_note note, const char *file, const char *option,
                       const char *text)
{
    (void)owner, (void)note, (void)file, (void)option;
    fprintf(stderr, "%s\n", text);
}

static int import_redis_conf(struct config *config, const char *path)
{
    struct buf faults = {0}, passed_over = {0}, out = {0};
    int status = EXIT_FAILURE;
    if (config_load_redis(config, path, &faults, &passed_over) != 0) {
        print(&faults, stderr);
    } else {
        config_print_import(config, path, &passed_over, &out);
        status = print(&out, stdout);
    }
    buf_done(&faults);
    buf_done(&passed_over);
    buf_done(&out);
    return status;
}

/* Standard error may be where the server's own lines went already. */
static int ask_for_reload(void)
{
    struct buf why = {0};
    enum reload_verdict verdict = reload_socket_ask(RELOAD_PATIENCE_MS, &why);
    if (verdict == RELOAD_DONE)
        return EXIT_SUCCESS;
    if (verdict == RELOAD_FAILED_AND_TOLD && systemd_stderr_is_journal())
        why.len = 0;
    fputs("miniredis: the reload failed\n", stderr);
    for (char *line = strtok(buf_cstr(&why), "\n"); line != NULL; line = strtok(NULL, "\n"))
        fprintf(stderr, "miniredis: %s\n", line);
    buf_done(&why);
    return EXIT_FAILURE;
}

/* On standard error, whose lines the journal attributes to the unit that this runs for. */
static int check_listen(const struct arguments *arguments)
{
    struct buf why = {0};
    unsigned faults = systemd_check_listen(arguments->options, arguments->option_count, &why);
    print(&why, stderr);
    buf_done(&why);
    return faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(struct daemon *d, const struct arguments *arguments)
{
    struct buf faults = {0}, passed_over = {0}, out = {0};
    int status = EXIT_FAILURE;
    if (daemon_configure(d, arguments, &faults, &passed_over) != 0) {
        report_faults(&faults, arguments->mode == ARGUMENTS_RUN);
    } else if (arguments->mode == ARGUMENTS_CHECK) {
        config_take_notes(daemon_config(d), print_note, NULL);
        status = puts("OK") >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    } else if (arguments->mode == ARGUMENTS_PRINT) {
        config_take_notes(daemon_config(d), print_note, NULL);
        config_print_all(daemon_config(d), &out);
        status = print(&out, stdout);
    } else {
        status = daemon_run(d, &passed_over);
    }
    buf_done(&faults);
    buf_done(&passed_over);
    buf_done(&out);
    return status;
}

static int serve(const struct arguments *arguments)
{
    struct daemon *d = daemon_new(PACKAGE_VERSION);
    int status = arguments->mode == ARGUMENTS_IMPORT ? import_redis_conf(daemon_config(d), arguments->file)
                                                     : run(d, arguments);
    daemon_free(d);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct buf why = {0};
    int status = EXIT_SUCCESS;
    fill_standard_descriptors();
    if (arguments_parse(&arguments, argc, argv, &why) != 0) {
        fprintf(stderr, "miniredis: %s\n", buf_cstr(&why));
        status = EXIT_FAILURE;
    } else if (arguments.mode == ARGUMENTS_HELP) {
        status = fputs(arguments_help, stdout) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    } else if (arguments.mode == ARGUMENTS_VERSION) {
        status = puts("miniredis " PACKAGE_VERSION) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    } else if (arguments.mode == ARGUMENTS_RELOAD) {
        status = ask_for_reload();
    } else if (arguments.mode == ARGUMENTS_LISTEN) {
        status = check_listen(&arguments);
    } else {
        status = serve(&arguments);
    }
    arguments_done(&arguments);
    buf_done(&why);
    return status;
}
