/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See saving.h.
 *
 * What the file has is known by what was loaded or saved last and by the file's own marks: a file
 * that somebody has put in its place since, or taken away, is not what this server would bring
 * back, so it is saved again though no key has changed.
 */
#include "persist/saving.h"

#include <assert.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/number.h"
#include "command/dispatch.h"
#include "keyspace/evict.h"
#include "persist/kept.h"
#include "persist/rdb_save.h"

#define STEP_US 1000000 /* nobody is served in between anyhow */

/* Of the file under dbfilename. */
struct marks {
    bool there;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct saving {
    struct dispatch *dispatch;
    struct keyspace *ks;
    struct saving_setup setup;
    struct rdb_save *save; /* NULL: nothing is being saved */
    struct marks marks;    /* when it had what is here */
    int64_t saved_s;       /* wall time; of the start, if nothing was saved since */
    uint64_t saves;
    bool failed; /* the last one */
};

static command_handler saving_cmd_save, saving_cmd_lastsave;

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "persist/saving.def"
};
#undef COMMAND

const struct config_option saving_config_rows[] = {
    {.name = "rdbcompression",
     .type = CONFIG_BOOL,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct saving_options, rdbcompression),
     .fallback = "yes",
     .sentence = "Whether strings of more than 20 bytes are compressed in an RDB file that is saved: it "
                 "takes longer to save and less room."},
    {.name = "rdb-save-incremental-fsync",
     .type = CONFIG_BOOL,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct saving_options, sync_along),
     .fallback = "yes",
     .sentence = "Whether a file that is being saved goes to the disk a few megabytes at a time, and not "
                 "all at once in the end."},
};
const size_t saving_config_count = sizeof saving_config_rows / sizeof *saving_config_rows;

struct saving *saving_new(struct dispatch *d, const struct saving_setup *setup)
{
    struct saving *s = heap_alloc_zero(sizeof *s);
    s->dispatch = d;
    s->ks = dispatch_keyspace(d);
    s->setup = *setup;
    s->saved_s = clock_now_ms() / 1000;
    registry_add(dispatch_registry(d), rows, sizeof rows / sizeof rows[0], s);
    return s;
}

void saving_free(struct saving *s)
{
    heap_free(s);
}

/* --- whether the file has what is here --- */

static struct marks look(const struct saving *s)
{
    struct stat st;
    if (stat(s->setup.files->dbfilename, &st) != 0)
        return (struct marks){.there = false};
    return (struct marks){
        .there = true, .device = st.st_dev, .inode = st.st_ino, .size = st.st_size, .changed = st.st_mtim};
}

static bool are_same(const struct marks *a, const struct marks *b)
{
    if (!a->there || !b->there)
        return a->there == b->there;
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool has_keys(const struct saving *s)
{
    for (unsigned n = 0; n < keyspace_databases(s->ks); n++)
        if (db_size(keyspace_db(s->ks, n)) > 0)
            return true;
    return false;
}

static bool has_data(const struct saving *s)
{
    return !kept_is_empty(s->setup.kept) || has_keys(s);
}

void saving_begin(struct saving *s)
{
    s->marks = look(s);
}

bool saving_has_points(const struct saving *s)
{
    return s->setup.files->save.count > 0;
}

bool saving_is_due(const struct saving *s)
{
    struct marks now = look(s);
    /* Keys that were all made and deleted again have left nothing. */
    if (!now.there && !has_data(s))
        return false;
    return keyspace_dirty(s->ks) > 0 || !are_same(&now, &s->marks);
}

/* --- one save --- */

static void alive(void *owner)
{
    struct saving *s = owner;
    if (s->save != NULL && s->setup.alive != NULL)
        s->setup.alive(s->setup.owner);
}

static struct rdb_save *open_save(struct saving *s, int *code, struct buf *why)
{
    int policy = s->setup.evict->policy;
    const struct rdb_save_options options = {
        .compress = s->setup.options->rdbcompression,
        .checksum = s->setup.files->rdbchecksum,
        .sync_along = s->setup.options->sync_along,
        .freq = evict_counts(s->ks),
        .idle = !evict_counts(s->ks) && (policy == EVICT_ALLKEYS_LRU || policy == EVICT_VOLATILE_LRU),
        .kept = s->setup.kept,
        .redis_version = *s->setup.redis_version,
        .version = s->setup.version,
        .used_memory = keyspace_arena(s->ks)->used + heap_used(),
        .alive = alive,
        .owner = s};
    return rdb_save_open(s->ks, s->setup.types, s->setup.files->dbfilename, &options, code, why);
}

static void log_saved(const struct saving *s, const struct rdb_save_progress *p)
{
    double took = (double)(clock_mono_now_us() - p->started_us) / 1e6;
    char keys[NUMBER_TEXT_MAX], bytes[NUMBER_TEXT_MAX], size[NUMBER_TEXT_MAX], seconds[32];
    keys[number_from_uint(keys, p->keys)] = '\0';
    bytes[number_from_uint(bytes, p->bytes)] = '\0';
    size[number_human_size(size, p->bytes)] = '\0';
    snprintf(seconds, sizeof seconds, "%.3f", took);
    log_event(LOG_EVENT_SAVED,
              LOG_FIELDS({"MINIREDIS_FILE", s->setup.files->dbfilename}, {"MINIREDIS_KEYS", keys},
                         {"MINIREDIS_BYTES", bytes}, {"MINIREDIS_SECONDS", seconds}),
              "DB saved on disk: %s seconds (%s, version %u, %s keys, %s)", seconds,
              s->setup.files->dbfilename, p->version, keys, size);
}

static int run_steps(struct saving *s, struct buf *why)
{
    int code;
    s->save = open_save(s, &code, why);
    if (s->save == NULL)
        return code;
    do {
        alive(s);
        code = rdb_save_step(s->save, STEP_US, why);
    } while (code == MR_E_AGAIN);
    return code;
}

int saving_run(struct saving *s, struct buf *why)
{
    assert(s->save == NULL);
    size_t from = why->len;
    int code = run_steps(s, why);
    s->failed = code != 0;
    if (code != 0) {
        const char *reason = buf_cstr(why) + from;
        log_event(LOG_EVENT_SAVE_FAILED, LOG_FIELDS({"MINIREDIS_REASON", reason}),
                  "The data could not be saved: %s", reason);
    } else {
        struct rdb_save_progress p;
        rdb_save_progress(s->save, &p);
        keyspace_set_dirty(s->ks, 0);
        s->saved_s = clock_now_ms() / 1000;
        s->saves++;
        s->marks = look(s);
        log_saved(s, &p);
    }
    rdb_save_close(s->save);
    s->save = NULL;
    if (s->setup.over != NULL)
        s->setup.over(s->setup.owner);
    return code;
}

void saving_flushed(struct saving *s)
{
    if (!saving_has_points(s) || has_keys(s) || !saving_is_due(s))
        return;
    struct buf why = {0};
    int ignored = saving_run(s, &why); /* the keys are gone in any case, and the log says the rest */
    (void)ignored;
    buf_done(&why);
}

void saving_status(const struct saving *s, struct buf *out)
{
    if (s->save == NULL)
        return;
    struct rdb_save_progress p;
    rdb_save_progress(s->save, &p);
    double share = p.total == 0 ? 1 : (double)p.keys / (double)p.total;
    double elapsed = (double)(clock_mono_now_us() - p.started_us) / 1e6;
    buf_printf(out, "Saving %s: %.0f %%", s->setup.files->dbfilename, share * 100);
    if (p.keys > 0)
        buf_printf(out, ", %.0f s left", elapsed * (1 - share) / share);
}

/* --- the commands --- */

static void saving_cmd_save(struct command_ctx *ctx)
{
    struct buf why = {0};
    if (saving_run(ctx->owner, &why) == 0) {
        resp_simple(ctx->reply, "OK");
    } else {
        struct buf text = {0};
        buf_printf(&text, "ERR The data could not be saved: %s", buf_cstr(&why));
        resp_error(ctx->reply, buf_cstr(&text));
        buf_done(&text);
    }
    buf_done(&why);
}

static void saving_cmd_lastsave(struct command_ctx *ctx)
{
    resp_int(ctx->reply, ((const struct saving *)ctx->owner)->saved_s);
}

/* --- INFO --- */

static void format_percent(const void *owner, struct buf *out)
{
    (void)owner;
    buf_append_str(out, "0.00");
}

static void format_status(const void *owner, struct buf *out)
{
    buf_append_str(out, ((const struct saving *)owner)->failed ? "err" : "ok");
}

static void format_changes(const void *owner, struct buf *out)
{
    buf_append_uint(out, keyspace_dirty(((const struct saving *)owner)->ks));
}

static void format_saved(const void *owner, struct buf *out)
{
    buf_append_int(out, ((const struct saving *)owner)->saved_s);
}

#define ROW(NAME, UNIT, FORMAT, SENTENCE)                                                                    \
    {                                                                                                        \
        .section = "persistence", .name = NAME, .unit = UNIT, .format = FORMAT, .sentence = SENTENCE         \
    }

static const struct counter_row counted[] = {
    ROW("current_cow_peak", "bytes", counters_zero, "Memory copied for the running save: none is, ever."),
    ROW("current_cow_size", "bytes", counters_zero, "The same, now."),
    ROW("current_cow_size_age", "s", counters_zero, "Age of that figure."),
    ROW("current_fork_perc", "percent", format_percent, "Progress of the running save."),
    ROW("current_save_keys_processed", NULL, counters_zero, "Keys that the running save has written."),
    ROW("current_save_keys_total", NULL, counters_zero, "Keys that the running save is to write."),
    ROW("rdb_changes_since_last_save", NULL, format_changes, "Writes since the data was saved or loaded."),
    ROW("rdb_bgsave_in_progress", NULL, counters_zero, "Whether a snapshot is being written."),
    ROW("rdb_last_save_time", "s since 1970", format_saved, "The last save, or else the start."),
    ROW("rdb_last_bgsave_status", NULL, format_status, "How the last save ended; ok before the first."),
    ROW("rdb_last_bgsave_time_sec", "s", counters_never, "What the last snapshot took; -1 before the first."),
    ROW("rdb_current_bgsave_time_sec", "s", counters_never,
        "What the running snapshot has taken; -1 if none."),
    {.section = "persistence",
     .name = "rdb_saves",
     .offset = offsetof(struct saving, saves),
     .sentence = "Saves since the start."},
    ROW("rdb_last_cow_size", "bytes", counters_zero, "Memory copied for the last snapshot."),
};

void saving_register_counters(struct saving *s, struct counters *counters)
{
    counters_add(counters, counted, sizeof counted / sizeof *counted, s, NULL);
}
