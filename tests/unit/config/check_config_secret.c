/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Credentials, and notes about files with a secret that everybody can read; drop-ins.
 */
#include "config_fixture.h"
#include "unit.h"

#include <sys/stat.h>

static struct fixture *begin(bool with_credentials, bool only_looks)
{
    struct fixture *f = fixture_begin();
    const struct config_environment e = {.credentials = with_credentials ? f->folder : NULL,
                                         .only_looks = only_looks};
    config_set_environment(f->config, &e);
    return f;
}

static int load(struct fixture *f, const char *text, mode_t mode)
{
    fixture_file(f, "a.conf", text);
    ck_assert_int_eq(chmod(f->path, mode), 0);
    return config_load_file(f->config, f->path, &f->faults);
}

/* fixture_file writes text; this any bytes. */
static void credential(struct fixture *f, const char *name, const char *bytes, size_t len)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, len, out), len);
    fclose(out);
}

static void add_note(void *owner, enum config_note note, const char *file, const char *option,
                     const char *text)
{
    const char *slash = strrchr(text, '/');
    buf_printf(owner, "%d %s %s: %s\n", note, strrchr(file, '/') + 1, option, slash != NULL ? slash : text);
}

static const char *notes(struct fixture *f)
{
    f->text.len = 0;
    config_take_notes(f->config, add_note, &f->text);
    return buf_cstr(&f->text);
}

static const struct {
    const char *bytes;
    const char *value;
} contents[] = {{"pass", "pass"},     {"pass\n", "pass"}, {"pass\n\n", "pass\n"},
                {" a b \n", " a b "}, {"a\r\n", "a\r"},   {"credential:x", "credential:x"},
                {"\"q\"\n", "\"q\""}};

START_TEST(a_credential_is_read)
{
    struct fixture *f = begin(true, false);
    credential(f, "pw", contents[_i].bytes, strlen(contents[_i].bytes));
    ck_assert_int_eq(load(f, "requirepass = \"credential:pw\"", 0644), 0);
    ck_value(f, "requirepass", contents[_i].value);
    ck_assert_str_eq(notes(f), "");
    fixture_end(f);
}
END_TEST

START_TEST(a_reload_reads_it_again)
{
    struct fixture *f = begin(true, false);
    struct buf changed = {0};
    credential(f, "pw", "one", 3);
    ck_assert_int_eq(load(f, "requirepass = credential:pw", 0600), 0);
    credential(f, "pw", "two", 3);
    ck_assert_int_eq(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_assert_str_eq(buf_cstr(&changed), "requirepass: changed\n");
    ck_value(f, "requirepass", "two");
    credential(f, "pw", "", 0);
    ck_assert_int_lt(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_value(f, "requirepass", "two");
    buf_done(&changed);
    fixture_end(f);
}
END_TEST

START_TEST(only_secrets_and_files_of_ours_take_them)
{
    struct fixture *f = begin(true, false);
    char *args[] = {"--requirepass", "credential:pw"};
    credential(f, "pw", "one", 3);
    ck_assert_int_eq(load(f, "note = \"credential:pw\"", 0600), 0);
    ck_value(f, "note", "credential:pw");
    fixture_file(f, "r.conf", "requirepass credential:pw\n");
    ck_assert_int_eq(config_load_redis(f->config, f->path, &f->faults, NULL), 0);
    ck_value(f, "requirepass", "credential:pw");
    ck_assert_int_eq(config_load_args(f->config, 2, args, &f->faults, NULL), 0);
    ck_value(f, "requirepass", "one");
    ck_assert_str_eq(fixture_set(f, "requirepass", "credential:pw", NULL), "");
    ck_value(f, "requirepass", "credential:pw");
    fixture_end(f);
}
END_TEST

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    const char *reason;
} bad[] = {
    {"none", NULL, 0, "the credential 'none' cannot be read: none: No such file or directory"},
    {"pw", "", 0, "the credential 'pw' cannot be read: pw: it is empty"},
    {"pw", "\n", 1, "the credential 'pw' cannot be read: pw: it is empty"},
    {"pw", "s3\0cret", 7, "the credential 'pw' cannot be read: pw: it holds a NUL byte"},
    {"", NULL, 0, "not the name of a credential; allowed: credential:NAME"},
    {"..", NULL, 0, "not the name of a credential; allowed: credential:NAME"},
    {".", NULL, 0, "not the name of a credential; allowed: credential:NAME"},
    {"../pw", NULL, 0, "not the name of a credential; allowed: credential:NAME"},
    {"a b", NULL, 0, "not the name of a credential; allowed: credential:NAME"},
};

START_TEST(faults_name_the_credential_and_not_the_secret)
{
    struct fixture *f = begin(true, false);
    char *text = heap_printf("port = 1\nrequirepass = \"credential:%s\"", bad[_i].name);
    if (bad[_i].bytes != NULL)
        credential(f, bad[_i].name, bad[_i].bytes, bad[_i].len);
    ck_assert_int_eq(load(f, text, 0600), MR_E_CONFIG);
    const char *told = fixture_faults(f);
    ck_assert_int_eq(strncmp(told, "a.conf:2: requirepass: ", 23), 0);
    ck_assert_msg(strstr(told, bad[_i].reason) != NULL, "%s", told);
    ck_assert_ptr_null(strstr(told, "s3"));
    ck_value(f, "requirepass", "");
    heap_free(text);
    fixture_end(f);
}
END_TEST

START_TEST(its_size_is_bounded)
{
    struct fixture *f = begin(true, false);
    char *large = heap_alloc_zero(65538);
    memset(large, 'x', 65537);
    credential(f, "pw", large, 65536);
    ck_assert_int_eq(load(f, "requirepass = \"credential:pw\"", 0600), 0);
    ck_assert_uint_eq(strlen(f->options.requirepass), 65536);
    credential(f, "pw", large, 65537);
    ck_assert_int_eq(load(f, "requirepass = \"credential:pw\"", 0600), MR_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fixture_faults(f), "it is too long"));
    f->faults.len = 0;
    char path[160];
    snprintf(path, sizeof path, "%s/pw", f->folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(load(f, "requirepass = \"credential:pw\"", 0600), MR_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(fixture_faults(f), "it is not a regular file"));
    heap_free(large);
    fixture_end(f);
}
END_TEST

START_TEST(without_credentials)
{
    struct fixture *f = begin(false, false);
    ck_assert_int_eq(load(f, "requirepass = \"credential:pw\"", 0600), MR_E_CONFIG);
    ck_assert_str_eq(fixture_faults(f),
                     "a.conf:1: requirepass: the credential 'pw' cannot be read: $CREDENTIALS_DIRECTORY is "
                     "not set; a unit that says LoadCredential=pw:FILE sets it\n");
    fixture_end(f);
    f = begin(false, true);
    ck_assert_int_eq(load(f, "requirepass = \"credential:pw\"", 0600), 0);
    ck_assert_str_eq(notes(f), "2 a.conf requirepass: /a.conf:1: requirepass: the credential was not looked "
                               "at: only the service has it\n");
    fixture_end(f);
}
END_TEST

START_TEST(secrets_that_everybody_can_read_are_noted)
{
    struct fixture *f = begin(false, false);
    ck_assert_int_eq(load(f, "port = 1\nrequirepass = xyzzy", 0640), 0);
    ck_assert_str_eq(notes(f), "");
    ck_assert_int_eq(load(f, "port = 1", 0644), 0);
    ck_assert_str_eq(notes(f), "");
    ck_assert_int_eq(load(f, "requirepass = \"\"", 0644), 0);
    ck_assert_str_eq(notes(f), "");
    ck_assert_int_eq(load(f, "port = 1\nrequirepass = xyzzy", 0644), 0);
    ck_assert_str_eq(notes(f), "0 a.conf requirepass: /a.conf:2: requirepass: the secret can be read by "
                               "everybody (the file's mode is 0644); take that away with chmod o-rwx, or "
                               "say \"credential:NAME\" here\n");
    struct buf changed = {0};
    ck_assert_int_eq(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_assert_str_ne(notes(f), "");
    buf_done(&changed);
    fixture_end(f);
}
END_TEST

/* --- drop-ins --- */

START_TEST(drop_ins_come_after_the_file_in_order)
{
    struct fixture *f = fixture_begin();
    char folder[160];
    snprintf(folder, sizeof folder, "%s/a[1].conf.d", f->folder);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    fixture_file(f, "a[1].conf.d/20.conf", "timeout = 3\nbind += c");
    fixture_file(f, "a[1].conf.d/10.conf", "timeout = 2\nport = 2\nbind += b\ninclude(\"more\")");
    fixture_file(f, "a[1].conf.d/more", "maxmemory = 5");
    fixture_file(f, "a[1].conf.d/30.conf.dpkg-old", "timeout = 4");
    fixture_file(f, "a[1].conf", "timeout = 1\nport = 1\nappendonly = yes\nbind = a");
    ck_assert_int_eq(config_load_file(f->config, f->path, &f->faults), 0);
    ck_value(f, "timeout", "3");
    ck_origin(f, "timeout", "a[1].conf.d/20.conf:1");
    ck_value(f, "port", "2");
    ck_value(f, "bind", "a b c");
    ck_value(f, "maxmemory", "5");
    ck_value(f, "appendonly", "yes");
    struct buf changed = {0};
    fixture_file(f, "a[1].conf.d/20.conf", "timeout = 9");
    fixture_file(f, "a[1].conf.d/15.conf", "port = x");
    snprintf(f->path, sizeof f->path, "%s/a[1].conf", f->folder);
    ck_assert_int_lt(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_assert_int_eq(strncmp(fixture_faults(f), "a[1].conf.d/15.conf:1: port: 'x'", 32), 0);
    fixture_file(f, "a[1].conf.d/15.conf", "");
    snprintf(f->path, sizeof f->path, "%s/a[1].conf", f->folder);
    ck_assert_int_eq(config_reload(f->config, f->path, false, &f->faults, &changed), 0);
    ck_assert_str_eq(buf_cstr(&changed), "timeout: '3' is now '9'\nbind: 'a b c' is now 'a b'\n");
    buf_done(&changed);
    static const char *const made[] = {"10.conf", "15.conf", "20.conf", "more", "30.conf.dpkg-old"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        ck_assert_int_eq(unlink(path), 0);
    }
    snprintf(f->path, sizeof f->path, "%s/a[1].conf.d/20.conf", f->folder);
    ck_assert_int_eq(mkdir(f->path, 0700), 0);
    snprintf(f->path, sizeof f->path, "%s/a[1].conf", f->folder);
    f->faults.len = 0;
    ck_assert_int_lt(config_load_file(f->config, f->path, &f->faults), 0);
    ck_assert_str_eq(fixture_faults(f), "a[1].conf.d/20.conf: is not a regular file\n");
    snprintf(f->path, sizeof f->path, "%s/a[1].conf.d/20.conf", f->folder);
    ck_assert_int_eq(rmdir(f->path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    fixture_end(f);
}
END_TEST

UNIT_SUITE(config_secret)
{
    tcase_add_loop_test(tc, a_credential_is_read, 0, sizeof contents / sizeof *contents);
    tcase_add_test(tc, a_reload_reads_it_again);
    tcase_add_test(tc, only_secrets_and_files_of_ours_take_them);
    tcase_add_loop_test(tc, faults_name_the_credential_and_not_the_secret, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tc, its_size_is_bounded);
    tcase_add_test(tc, without_credentials);
    tcase_add_test(tc, secrets_that_everybody_can_read_are_noted);
    tcase_add_test(tc, drop_ins_come_after_the_file_in_order);
}
