/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long single commands take on one element of a value that grows to COUNT elements and shrinks
 * again, how long the pieces and slices of its deletion do, and the calls that load it from a file:
 * every call is timed, without the network. All is played several times and the least time of each
 * call kept (plays.h): what the program does in one go where it should not stands out, and what the
 * machine adds does not.
 *
 *   usage: value_latency [-n COUNT] [-k PLAYS] [-l LIMIT_US] [-v VALUE,..] [-p PART,..]
 *
 *   values: hash, set, integers, zset, list, stream, trims, groups
 *   parts:  commands, deletion, load
 *
 * The clock of the turn goes on by a microsecond with each call, and what the keyspace does between
 * requests is done piece by piece, so that all plays are alike; but not the row of the slices, which
 * are as long as the server's and end by the real clock.
 * Ends with 1 if a command took more than LIMIT_US (100) in every play, or a piece, a slice or a call
 * of a load more than ten times that.
 */
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "command/dispatch.h"
#include "features/keys/keys.h"
#include "keyspace/keyspace_private.h"
#include "plays.h"
#include "types/hash/hash.h"
#include "types/list/list.h"
#include "types/set/set.h"
#include "types/stream/stream.h"
#include "types/zset/zset.h"

#define SLICE_US  500                /* of what the keyspace does between requests */
#define TURN      256                /* calls */
#define PIECES    64                 /* of what is put off, in a turn, at most */
#define SHOWN     ((size_t)32 << 10) /* of a file, to a call of load, as the server's loader does it */
#define FILE_ROOM ((size_t)2 << 30)  /* of a value in a file; what is not used costs nothing */
#define WORDS_MAX 12
#define STEPS_MAX 16
#define BEGIN_MS  1700000000000

/* In a command, %i is the number of the call, %j the one above, %r one drawn below COUNT, %h its half. */
struct step {
    const char *command;
    unsigned part; /* calls: COUNT divided by this; 0: one */
};

struct value {
    const char *name;
    unsigned type;
    struct step grow[3];
    struct step steps[STEPS_MAX];
};

static const struct value values[] = {
    {"hash",
     OBJECT_HASH,
     {{"HSET v field:%i value:%i", 1}},
     {{"HGET v field:%r", 10},
      {"HSET v field:%r another", 10},
      {"HINCRBY v counter:%r 1", 10},
      {"HRANDFIELD v", 10},
      {"HSCAN v %r COUNT 1", 10},
      {"HEXPIRE v 1000000 FIELDS 1 field:%r", 10},
      {"HPERSIST v FIELDS 1 field:%r", 10},
      {"HGETDEL v FIELDS 1 field:%i", 2},
      {"HDEL v field:%i", 1}}},
    {"set",
     OBJECT_SET,
     {{"SADD v member:%i", 1}},
     {{"SISMEMBER v member:%r", 10},
      {"SADD v member:%r", 10},
      {"SRANDMEMBER v", 10},
      {"SSCAN v %r COUNT 1", 10},
      {"SREM v member:%i", 2},
      {"SPOP v", 2}}},
    {"integers",
     OBJECT_SET,
     {{"SADD v %i", 1}},
     {{"SISMEMBER v %r", 10}, {"SRANDMEMBER v", 10}, {"SREM v %i", 1}}},
    {"zset",
     OBJECT_ZSET,
     {{"ZADD v %r member:%i", 1}},
     {{"ZADD v %r member:%r", 10},
      {"ZINCRBY v 1000 member:%r", 10},
      {"ZSCORE v member:%r", 10},
      {"ZRANK v member:%r", 10},
      {"ZRANGE v %r %r LIMIT 0 1 BYSCORE", 10},
      {"ZRANGE v %r %r BYSCORE LIMIT 1000000 1", 10},
      {"ZCOUNT v %r %r", 10},
      {"ZRANDMEMBER v", 10},
      {"ZPOPMIN v", 4},
      {"ZPOPMAX v", 4},
      {"ZREM v member:%i", 1}}},
    {"list",
     OBJECT_LIST,
     {{"RPUSH v item:%i", 2}, {"LPUSH v item:%i", 2}},
     {{"LINDEX v %r", 10},
      {"LSET v %r another", 10},
      {"LSET v %h a-longer-one", 10},
      {"LMOVE v v LEFT RIGHT", 10},
      {"LRANGE v %h %h", 10},
      {"LPOP v", 2},
      {"RPOP v", 2}}},
    {"stream",
     OBJECT_STREAM,
     {{"XADD v %j-1 field value:%i", 1}},
     {{"XRANGE v %r + COUNT 1", 10},
      {"XREVRANGE v %r - COUNT 1", 10},
      {"XREAD COUNT 1 STREAMS v %r", 10},
      {"XDEL v %r-1", 10},
      {"XTRIM v MINID %i", 1}}},
    {"trims",
     OBJECT_STREAM,
     {{"XADD v %j-1 field value:%i", 1}},
     {{"XTRIM v MINID %h-1", 0},
      {"XADD v * field again", 2},
      {"XTRIM v MAXLEN %h", 0},
      {"XADD v * field once-more", 1},
      {"XTRIM v MAXLEN 0", 0}}},
    {"groups",
     OBJECT_STREAM,
     {{"XADD v %j-1 f %i", 1},
      {"XGROUP CREATE v g 0", 0},
      {"XREADGROUP GROUP g consumer COUNT 1 STREAMS v >", 1}},
     {{"XREADGROUP GROUP g consumer COUNT 1 STREAMS v %r", 10},
      {"XPENDING v g %r + 1", 10},
      {"XCLAIM v g another 0 %r-1", 10},
      {"XACK v g %j-1", 1}}},
};

#define VALUES (sizeof values / sizeof values[0])

struct work {
    struct keyspace *ks;
    struct object_types types;
    struct hash_options hash;
    struct list_options list;
    struct set_options set;
    struct zset_options zset;
    struct keys_options keys_options;
    struct keys *keys;
    struct dispatch_options options;
    struct dispatch *dispatch;
    struct session session;
    struct buf reply;
    uint64_t count, limit_ns;
    uint64_t calls; /* of the play, all */
    uint64_t sum;   /* of the replies of the step */
    /* Of the value that is played: */
    const struct value *value;
    unsigned rows_count;
    struct plays_row *rows[STEPS_MAX + 4];
    char *file; /* its bytes in a file */
    uint64_t *file_len;
    unsigned rdb_type;
};

static void work_init(struct work *w)
{
    w->session.resp = 2;
    w->options.proto_max_bulk_len = 1 << 20;
    clock_freeze_ms(BEGIN_MS);
    clock_freeze_mono_us(1);
    w->ks = keyspace_new(1);
    w->ks->hash_key[0] = 4711;
    w->ks->hash_key[1] = 1147;
    random_init_seed(&w->ks->random, 1);
    w->dispatch = dispatch_new(w->ks, &w->options);
    struct registry *registry = dispatch_registry(w->dispatch);
    hash_register(registry, &w->types, &w->hash);
    list_register(registry, &w->types, &w->list);
    set_register(registry, &w->types, &w->set);
    zset_register(registry, &w->types, &w->zset);
    stream_register(registry, &w->types, NULL);
    memset(w->types.options, 0, sizeof w->types.options);
    w->keys_options.notify_keyspace_events = "";
    w->keys = keys_new(w->dispatch, &w->types, &(struct keys_ops){.owner = NULL});
    keyspace_set_types(w->ks, &w->types);
}

/* --- one call --- */

/* Writes WORD with its numbers to AT. */
static struct slice expand(struct work *w, const char *word, size_t len, uint64_t i, char *at)
{
    char *p = at;
    for (size_t k = 0; k < len; k++) {
        if (word[k] != '%') {
            *p++ = word[k];
            continue;
        }
        char kind = word[++k];
        uint64_t number = kind == 'i'   ? i
                          : kind == 'j' ? i + 1
                          : kind == 'h' ? w->count / 2
                                        : random_below(keyspace_random(w->ks), w->count);
        p += sprintf(p, "%" PRIu64, number);
    }
    return slice_of(at, (size_t)(p - at));
}

static uint32_t words_of(struct work *w, const char *command, uint64_t i, struct slice *argv,
                         char (*room)[64])
{
    uint32_t argc = 0;
    for (const char *word = command; *word != '\0' && argc < WORDS_MAX; argc++) {
        size_t len = strcspn(word, " ");
        argv[argc] = expand(w, word, len, i, room[argc]);
        word += len + strspn(word + len, " ");
    }
    return argc;
}

/* Returns its nanoseconds. */
static uint64_t call(struct work *w, const char *command, uint64_t i)
{
    char room[WORDS_MAX][64];
    struct slice argv[WORDS_MAX];
    struct resp_writer reply = {.out = &w->reply, .version = 2};
    struct command_ctx ctx = {.argv = argv, .reply = &reply, .session = &w->session, .dispatch = w->dispatch};
    ctx.argc = words_of(w, command, i, argv, room);
    const struct registry_entry *e = registry_resolve(dispatch_registry(w->dispatch), argv, ctx.argc);
    if (e == NULL) {
        fprintf(stderr, "%s: no such command\n", command);
        _exit(2);
    }
    ctx.db = keyspace_db(w->ks, 0);
    ctx.owner = e->owner;
    ctx.command = e->command;
    ctx.key_hash = keyspace_hash(w->ks, slice_str("v"));
    w->reply.len = 0;
    uint64_t begin = plays_now();
    e->command->handler(&ctx);
    uint64_t took = plays_now() - begin;
    if (w->reply.len > 0 && w->reply.data[0] == '-') {
        fprintf(stderr, "%s: %.*s", command, (int)w->reply.len, w->reply.data);
        _exit(2);
    }
    for (size_t k = 0; k < w->reply.len; k++)
        w->sum = w->sum * 31 + (unsigned char)w->reply.data[k];
    return took;
}

/* Between two turns; the pieces go to ROW, unless NULL, from *AT on. */
static void turn(struct work *w, struct plays_row *row, unsigned play, uint64_t *at, unsigned most)
{
    clock_freeze_ms(BEGIN_MS + (int64_t)w->calls / 1000);
    clock_freeze_mono_us((int64_t)w->calls + 1);
    for (bool more = true; more && most > 0; most--) {
        uint64_t begin = plays_now();
        more = keyspace_background(w->ks, 0);
        uint64_t took = plays_now() - begin;
        if (row != NULL)
            plays_note(row, play, (*at)++, took, w->limit_ns * 10);
    }
}

/* ROW NULL: the calls are not noted. */
static void run_step(struct work *w, const struct step *s, struct plays_row *row, struct plays_row *pieces,
                     unsigned play, uint64_t *piece)
{
    uint64_t calls = s->part == 0 ? 1 : w->count / s->part;
    w->sum = 0;
    for (uint64_t i = 0; i < calls; i++, w->calls++) {
        if (w->calls % TURN == 0)
            turn(w, pieces, play, piece, PIECES);
        uint64_t took = call(w, s->command, i);
        if (row != NULL)
            plays_note(row, play, i, took, w->limit_ns);
    }
    if (row != NULL)
        row->sum[play] = w->sum ^ w->ks->arena.used;
}

static void grow(struct work *w)
{
    for (const struct step *s = w->value->grow; s < w->value->grow + 3 && s->command != NULL; s++)
        run_step(w, s, NULL, NULL, 0, NULL);
}

/* --- the commands --- */

static void commands_body(void *arg, unsigned play)
{
    struct work *w = arg;
    uint64_t piece = 0;
    unsigned row = 1;
    for (const struct step *s = w->value->grow; s < w->value->grow + 3 && s->command != NULL; s++)
        run_step(w, s, w->rows[row++], w->rows[0], play, &piece);
    for (const struct step *s = w->value->steps; s < w->value->steps + STEPS_MAX && s->command != NULL; s++)
        run_step(w, s, w->rows[row++], w->rows[0], play, &piece);
}

static void add_row(struct work *w, const char *what, uint64_t room)
{
    w->rows[w->rows_count++] = plays_row_new(what, room);
}

static void add_rows(struct work *w, const struct step *steps, size_t most)
{
    for (const struct step *s = steps; s < steps + most && s->command != NULL; s++)
        add_row(w, s->command, s->part == 0 ? 1 : w->count / s->part);
}

/* --- the deletion: by DEL in single pieces, by UNLINK in slices --- */

static void deletion_body(void *arg, unsigned play)
{
    static const struct step del = {"DEL v", 0}, unlink_ = {"UNLINK v", 0};
    struct work *w = arg;
    uint64_t at = 0;
    grow(w);
    turn(w, NULL, play, NULL, UINT32_MAX);
    run_step(w, &del, w->rows[0], NULL, play, NULL);
    while (keyspace_is_freeing(w->ks))
        turn(w, w->rows[1], play, &at, 1);
    w->rows[1]->sum[play] = at;
    grow(w);
    turn(w, NULL, play, NULL, UINT32_MAX);
    run_step(w, &unlink_, w->rows[2], NULL, play, NULL);
    bool more = true;
    for (at = 0; more; at++) {
        uint64_t begin = plays_now();
        more = keyspace_background(w->ks, SLICE_US);
        plays_note(w->rows[3], play, at, plays_now() - begin, w->limit_ns * 10);
    }
}

/* --- the load from a file --- */

static int take_bytes(void *owner, struct slice bytes)
{
    struct work *w = owner;
    if (*w->file_len + bytes.len > FILE_ROOM)
        return MR_E_MEMORY;
    memcpy(w->file + *w->file_len, bytes.ptr, bytes.len);
    *w->file_len += bytes.len;
    return 0;
}

static void save_body(void *arg, unsigned play)
{
    struct work *w = arg;
    struct buf out = {0};
    (void)play;
    grow(w);
    const struct entry *e =
        db_find(keyspace_db(w->ks, 0), slice_str("v"), keyspace_hash(w->ks, slice_str("v")), 0);
    const struct object_type *type = w->types.by_number[w->value->type];
    buf_grow(&out, 1 << 20);
    struct rdb_writer writer = {.out = &out, .drain = take_bytes, .owner = w};
    rdb_write_u8(&writer, (uint8_t)type->rdb_type(w->ks, e));
    type->save(&writer, w->ks, e);
    rdb_write_out(&writer);
    if (writer.code != 0)
        _exit(2);
}

static void load_body(void *arg, unsigned play)
{
    struct work *w = arg;
    const struct object_type *type = w->types.by_number[w->value->type];
    struct object_meta meta = {slice_str("v"), DB_EXPIRY_NONE, -1, -1};
    struct rdb_reader in = {.data = w->file + 1};
    size_t all = *w->file_len - 1, show = SHOWN;
    void *partial = NULL;
    uint64_t at = 0;
    int code;
    w->ks->hash_key[0]++; /* the elements do not come in the order of the table */
    do {
        in.len = all - in.pos < show ? all : in.pos + show;
        in.left = all - in.len;
        in.want = 0;
        uint64_t begin = plays_now();
        code = type->load(&in, (unsigned char)w->file[0], keyspace_db(w->ks, 0), &meta, &partial);
        plays_note(w->rows[0], play, at++, plays_now() - begin, w->limit_ns * 10);
        show = in.want > SHOWN ? in.want : SHOWN;
    } while (code == MR_E_AGAIN);
    w->rows[0]->sum[play] = at ^ w->ks->arena.used;
    if (code != 0 || in.pos != all) {
        fprintf(stderr, "load: %d at %zu of %zu\n", code, in.pos, all);
        _exit(2);
    }
}

/* --- all --- */

static bool named(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; at != NULL && *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    return list == NULL;
}

/* The row at UNLIKE, if there is one, is not the same in every play. */
static uint64_t show(struct work *w, unsigned plays, unsigned tenfold, unsigned unlike)
{
    uint64_t over = 0;
    for (unsigned i = 0; i < w->rows_count; i++) {
        uint64_t limit_ns = tenfold >> i & 1 ? w->limit_ns * 10 : w->limit_ns;
        over += plays_print(w->rows[i], plays, limit_ns, i != unlike);
        plays_row_free(w->rows[i]);
    }
    w->rows_count = 0;
    return over;
}

static uint64_t play_value(struct work *w, const struct value *v, unsigned plays, const char *parts)
{
    uint64_t over = 0;
    bool right = true;
    w->value = v;
    printf("%s of %" PRIu64 "\n", v->name, w->count);
    if (named(parts, "commands")) {
        add_row(w, "pieces of what is put off", w->count);
        add_rows(w, v->grow, 3);
        add_rows(w, v->steps, STEPS_MAX);
        right = plays_run(plays, commands_body, w);
        over += show(w, plays, 1, STEPS_MAX);
    }
    if (named(parts, "deletion") && right) {
        add_row(w, "DEL v", 1);
        add_row(w, "its pieces (limit: tenfold)", w->count);
        add_row(w, "UNLINK v", 1);
        add_row(w, "its slices (limit: tenfold)", w->count);
        right = plays_run(plays, deletion_body, w);
        over += show(w, plays, 1 << 1 | 1 << 3, 3);
    }
    if (named(parts, "load") && right) {
        *w->file_len = 0;
        add_row(w, "calls of load (limit: tenfold)", w->count);
        right = plays_run(1, save_body, w) && plays_run(plays, load_body, w);
        over += show(w, plays, 1, STEPS_MAX);
        madvise(w->file, FILE_ROOM, MADV_REMOVE);
    }
    if (!right)
        exit(2);
    return over;
}

int main(int argc, char **argv)
{
    static struct work w = {.count = 10000000, .limit_ns = 100000};
    const char *names = NULL, *parts = NULL;
    unsigned plays = 3;
    int option;
    while ((option = getopt(argc, argv, "n:k:l:v:p:")) != -1) {
        if (option == 'n')
            w.count = strtoull(optarg, NULL, 10);
        else if (option == 'k')
            plays = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'l')
            w.limit_ns = strtoull(optarg, NULL, 10) * 1000;
        else if (option == 'v')
            names = optarg;
        else if (option == 'p')
            parts = optarg;
        else
            return 2;
    }
    if (w.count < 1000 || plays == 0 || plays > PLAYS_MAX)
        return 2;
    int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
    w.file = mmap(NULL, FILE_ROOM, PROT_READ | PROT_WRITE, flags, -1, 0);
    w.file_len = mmap(NULL, sizeof *w.file_len, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (w.file == MAP_FAILED || w.file_len == MAP_FAILED)
        return 2;
    work_init(&w);
    plays_head(plays, w.limit_ns);
    uint64_t over = 0;
    for (size_t k = 0; k < VALUES; k++)
        if (named(names, values[k].name))
            over += play_value(&w, &values[k], plays, parts);
    keys_free(w.keys);
    dispatch_free(w.dispatch);
    keyspace_free(w.ks);
    buf_done(&w.reply);
    return over > 0;
}
