/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files in redis.conf's syntax, and how they are told from miniredis.conf.
 */
#include "config_fixture.h"
#include "unit.h"

#include <fcntl.h>

static int load(struct fixture *f, const char *text, struct buf *passed_over)
{
    return config_load_redis(f->config, fixture_file(f, "redis.conf", text), &f->faults, passed_over);
}

static const struct {
    const char *text;
    const char *name;
    const char *value;
} forms[] = {
    {"port 7000\n", "port", "7000"},
    {"\t Port   7000 \r\n", "port", "7000"},
    {"\"port\" '7000'", "port", "7000"},
    {"port 1\n# port 2\n\n  # port 3\nport 4\n", "port", "4"},
    {"requirepass \"a b\\x41\\n#\"\n", "requirepass", "a bA\n#"},
    {"requirepass a#b\n", "requirepass", "a#b"},
    {"requirepass \"\"\n", "requirepass", ""},
    {"requirepass ${HOME}\n", "requirepass", "${HOME}"},
    {"bind 127.0.0.1 ::1\nbind 10.0.0.1\n", "bind", "10.0.0.1"},
    {"save 60 1\nsave 61 2 62 3\n", "save", "60 1 61 2 62 3"},
    {"save \"60 1\"\n", "save", "60 1"},
    {"save 60 1\nsave \"\"\nsave 7 8\n", "save", "7 8"},
    {"save \"\"\n", "save", ""},
    {"save\n", "save", ""},
    {"limits b 7\nlimits a 6\n", "limits", "a 6 b 7"},
    {"maxmemory 2GB\n", "maxmemory", "2147483648"},
    {"appendonly YES\n", "appendonly", "yes"},
    {"unixsocketperm 0700\n", "unixsocketperm", "700"},
    {"slave-priority 3\n", "replica-priority", "3"},
    {"moods quick BRAVE\n", "moods", "brave quick"},
    {"moods \"brave quick\"\n", "moods", "brave quick"},
    {"moods quick\nmoods calm\n", "moods", "calm"},
    {"timeout 60\nunknown-module-thing 1", "timeout", NULL},
};

START_TEST(forms_are_read)
{
    struct fixture *f = fixture_begin();
    int r = load(f, forms[_i].text, NULL);
    if (forms[_i].value == NULL) {
        ck_assert_int_eq(r, MR_E_CONFIG);
        ck_value(f, forms[_i].name, "0");
    } else {
        ck_assert_str_eq(fixture_faults(f), "");
        ck_assert_int_eq(r, 0);
        ck_value(f, forms[_i].name, forms[_i].value);
    }
    fixture_end(f);
}
END_TEST

START_TEST(faults_are_collected)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(
        load(f,
             "prot 1\nport x\n\nrequirepass \"abc\nrequirepass \"a\" # b\nmaxmemory\nappendonly yes no\n"
             "include\n",
             NULL),
        MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), "redis.conf:4: unbalanced quotes\n"
                                        "redis.conf:8: include: takes the name of a file\n"
                                        "redis.conf:1: prot: unknown option; did you mean 'port'?\n"
                                        "redis.conf:2: port: 'x' is not an integer; allowed: 0 to 65535\n"
                                        "redis.conf:5: requirepass: takes one value, not 3\n"
                                        "redis.conf:6: maxmemory: takes one value, not 0\n"
                                        "redis.conf:7: appendonly: takes one value, not 2\n");
    fixture_end(f);
}
END_TEST

START_TEST(what_means_nothing_is_passed_over)
{
    struct fixture *f = fixture_begin();
    struct buf passed = {0};
    ck_assert_int_eq(
        load(f,
             "rename-command CONFIG \"\"\nuser alice on >x\nport 1\nRename-Command X Y\n"
             "loadmodule /x.so\nlist-max-ziplist-entries 1\nhash-seed x\nlookahead 3\nslaveof a 1\n",
             &passed),
        0);
    ck_assert_str_eq(buf_cstr(&passed),
                     "rename-command\nuser\nloadmodule\nlist-max-ziplist-entries\nhash-seed\n"
                     "lookahead\nslaveof\n");
    ck_value(f, "port", "1");
    ck_origin(f, "port", "redis.conf:3");
    buf_done(&passed);
    fixture_end(f);
}
END_TEST

START_TEST(includes_are_read_in_place)
{
    struct fixture *f = fixture_begin();
    fixture_file(f, "x2.inc", "port 2\nsave 2 2\n");
    fixture_file(f, "x1.inc", "port 1\nsave 1 1\n");
    ck_assert_int_eq(load(f, "save 9 9\ninclude x*.inc\ninclude none*.inc\nsave 3 3\n", NULL), 0);
    ck_value(f, "port", "2");
    ck_value(f, "save", "9 9 1 1 2 2 3 3");
    ck_origin(f, "port", "x2.inc:1");
    ck_assert_int_eq(load(f, "include \"none.inc\"\ninclude redis.conf\n", NULL), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f),
                     "redis.conf:1: include: 'none.inc' cannot be read: No such file or directory\n"
                     "redis.conf:2: include: 'redis.conf' is included by itself\n");
    fixture_end(f);
}
END_TEST

START_TEST(standard_input_is_a_file)
{
    struct fixture *f = fixture_begin();
    int fd = open(fixture_file(f, "in", "port 5\nfoo\n"), O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(config_load_redis(f->config, "-", &f->faults, NULL), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), "standard input:2: foo: unknown option\n");
    ck_assert_int_eq(lseek(STDIN_FILENO, 0, SEEK_SET), 0);
    ck_assert_int_eq(ftruncate(STDIN_FILENO, 0), -1);
    close(fd);
    fd = open(fixture_file(f, "in", "port 5\n"), O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(config_load_redis(f->config, "-", &f->faults, NULL), 0);
    ck_origin(f, "port", "standard input:1");
    close(fd);
    f->faults.len = 0;
    ck_assert_int_eq(config_reload(f->config, "-", true, &f->faults, &f->text), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), "standard input: cannot be read a second time\n");
    fixture_end(f);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
    struct fixture *f = fixture_begin();
    FILE *out = fopen(fixture_file(f, "x", ""), "w");
    ck_assert_uint_eq(fwrite("port 1\nmaxmemory 1\0 2\n", 1, 22, out), 22);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(config_load_redis(f->config, f->path, &f->faults, NULL), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f), "x:2: a NUL byte: this is not a text file\n");
    f->faults.len = 0;
    ck_assert_int_eq(config_load_file(f->config, f->path, &f->faults), MR_E_CONFIG);
    ck_assert(!config_looks_like_redis(f->path));
    f->faults.len = 0;
    ck_assert_int_eq(load(f, "requirepass \"\\x00\"\n", NULL), MR_E_CONFIG);
    fixture_end(f);
}
END_TEST

static const struct {
    const char *text;
    bool redis;
} looks[] = {
    {"port 6379\n", true},
    {"# comment\n\n  port 6379", true},
    {"dir /var/lib\n", true},
    {"save \"\"\n", true},
    {"save\nport 1\n", true},
    {"port = 6379\n", false},
    {"port=6379\n", false},
    {"port += 6379\n", false},
    {"include(\"x\")\n", false},
    {"include (\"x\")\n", false},
    {"include /etc/x.conf\n", true},
    {"// port 1\n", false},
    {"/* port 1 */\n", false},
    {"# port 1\nbind = {\n", false},
    {"port\n= 1\n", false},
    {"# nothing\n", false},
    {"", false},
};

START_TEST(syntaxes_are_told_apart)
{
    struct fixture *f = fixture_begin();
    ck_assert_int_eq(config_looks_like_redis(fixture_file(f, "x", looks[_i].text)), looks[_i].redis);
    fixture_end(f);
}
END_TEST

START_TEST(a_pipe_is_not_emptied)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "port 5\n", 7), 7);
    close(ends[1]);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    struct fixture *f = fixture_begin();
    ck_assert(config_looks_like_redis(path));
    ck_assert_int_eq(config_load_redis(f->config, path, &f->faults, NULL), 0);
    ck_value(f, "port", "5");
    close(ends[0]);
    fixture_end(f);
}
END_TEST

/* From all corners of the list, so that one that is out of order is found missing. */
START_TEST(directives_are_known)
{
    static const char *const names[] = {"acl-pubsub-default",
                                        "aclfile",
                                        "aof-rewrite-cpulist",
                                        "aof_rewrite_cpulist",
                                        "appendfsync",
                                        "AvailaBility-Zone",
                                        "bgsave-cpulist",
                                        "bgsave_cpulist",
                                        "bio_cpulist",
                                        "cluster-enabled",
                                        "commandlog-request-larger-than",
                                        "databases",
                                        "hash-max-ziplist-value",
                                        "hz",
                                        "import-mode",
                                        "include-x",
                                        "io-threads-do-reads",
                                        "key-memory-histograms",
                                        "list-max-ziplist-entries",
                                        "loadmodule",
                                        "lua-time-limit",
                                        "masterauth",
                                        "mptcp",
                                        "oom-score-adj-values",
                                        "primaryauth",
                                        "rdbcompression",
                                        "rename-command",
                                        "replicaof",
                                        "sentinel",
                                        "server-cpulist",
                                        "server_cpulist",
                                        "slaveof",
                                        "slowlog-entry-max-argc",
                                        "tls-auto-reload-interval",
                                        "tls-port",
                                        "unixsocketgroup",
                                        "user",
                                        "watchdog-period",
                                        "zset-max-listpack-entries",
                                        "zset-max-ziplist-value"};
    struct fixture *f = fixture_begin();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[80];
        snprintf(line, sizeof line, "%s x\n", names[i]);
        struct buf passed = {0};
        f->faults.len = 0;
        int r = load(f, line, &passed);
        ck_assert_msg((r == 0 && passed.len > 0) == (strcmp(names[i], "include-x") != 0), "%s", names[i]);
        buf_done(&passed);
    }
    fixture_end(f);
}
END_TEST

START_TEST(a_missing_file_looks_like_nothing)
{
    ck_assert(!config_looks_like_redis("/nowhere/redis.conf"));
}
END_TEST

UNIT_SUITE(config_redis)
{
    tcase_add_loop_test(tc, forms_are_read, 0, sizeof forms / sizeof *forms);
    tcase_add_test(tc, faults_are_collected);
    tcase_add_test(tc, what_means_nothing_is_passed_over);
    tcase_add_test(tc, includes_are_read_in_place);
    tcase_add_test(tc, standard_input_is_a_file);
    tcase_add_test(tc, bytes_that_are_no_text_are_refused);
    tcase_add_loop_test(tc, syntaxes_are_told_apart, 0, sizeof looks / sizeof *looks);
    tcase_add_test(tc, directives_are_known);
    tcase_add_test(tc, a_pipe_is_not_emptied);
    tcase_add_test(tc, a_missing_file_looks_like_nothing);
}
