/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shop where key commands are tried, and its toy types.
 */
#include "features/keys_fixture.h"

#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/text.h"
#include "command/registry.h"
#include "command/session.h"
#include "types/string/hll.h"
#include "types/string/string.h"
#include "unit.h"

struct shop shop;

static const struct dispatch_options options = {.proto_max_bulk_len = 512 << 20};
static const struct hll_options hll = {.sparse_max_bytes = 3000};

/* --- toy types --- */

static struct slice text_of(const struct entry *e)
{
    return entry_counted(entry_value(e));
}

/* The next piece of *REST up to SEPARATOR; false at the end. */
static bool piece(struct slice *rest, char separator, struct slice *ret)
{
    if (rest->ptr == NULL)
        return false;
    const char *end = memchr(rest->ptr, separator, rest->len);
    *ret = slice_of(rest->ptr, end != NULL ? (size_t)(end - rest->ptr) : rest->len);
    *rest = end != NULL ? slice_of(end + 1, rest->len - ret->len - 1) : slice_of(NULL, 0);
    return true;
}

static void toy_each(const struct keyspace *ks, const struct entry *e,
                     bool (*fn)(void *arg, struct slice element), void *arg)
{
    struct slice rest = text_of(e), element;
    (void)ks;
    while (piece(&rest, ',', &element))
        if (!fn(arg, element))
            return;
}

static bool toy_count_one(void *arg, struct slice element)
{
    (void)element;
    ++*(uint64_t *)arg;
    return true;
}

static uint64_t toy_length(const struct keyspace *ks, const struct entry *e)
{
    uint64_t count = 0;
    toy_each(ks, e, toy_count_one, &count);
    return count;
}

static bool toy_field(const struct keyspace *ks, const struct entry *e, struct slice field, char *scratch,
                      struct slice *value)
{
    struct slice rest = text_of(e), pair, name;
    (void)ks, (void)scratch;
    while (piece(&rest, ',', &pair))
        if (piece(&pair, '=', &name) && slice_equal(name, field)) {
            *value = pair;
            return true;
        }
    return false;
}

static int toy_store(struct db *db, struct slice key, uint64_t hash, const struct slice *elements,
                     size_t count)
{
    struct buf text = {0};
    struct entry_value v;
    for (size_t i = 0; i < count; i++) {
        buf_append_str(&text, i > 0 ? "," : "");
        buf_append_slice(&text, elements[i]);
    }
    entry_value_inline(&v, buf_slice(&text));
    int code = db_put(db, key, hash, OBJECT_LIST, &v, DB_EXPIRY_NONE);
    buf_done(&text);
    return code;
}

static int toy_copy(struct keyspace *ks, const struct entry *e, struct entry_value *ret)
{
    (void)ks;
    entry_value_of(ret, e);
    return 0;
}

static const int8_t no_rdb[] = {-1};
static const struct object_type toy_list = {.number = OBJECT_LIST,
                                            .name = "list",
                                            .rdb_types = no_rdb,
                                            .length = toy_length,
                                            .copy = toy_copy,
                                            .each = toy_each,
                                            .ordered = true,
                                            .store_elements = toy_store};
static const struct object_type toy_set = {
    .number = OBJECT_SET, .name = "set", .rdb_types = no_rdb, .length = toy_length, .each = toy_each};
static const struct object_type toy_hash = {
    .number = OBJECT_HASH, .name = "hash", .rdb_types = no_rdb, .length = toy_length, .field = toy_field};

void shop_put(unsigned number, const char *key, const char *text)
{
    struct entry_value v;
    struct slice name = slice_str(key);
    entry_value_inline(&v, slice_str(text));
    ck_assert_int_eq(db_put(keyspace_db(shop.keyspace, 0), name, keyspace_hash(shop.keyspace, name), number,
                            &v, DB_EXPIRY_NONE),
                     0);
}

const char *shop_value(unsigned db, const char *key)
{
    static char text[2048];
    char scratch[NUMBER_TEXT_MAX];
    struct slice name = slice_str(key), value = slice_str("(none)");
    const struct entry *e =
        db_find(keyspace_db(shop.keyspace, db), name, keyspace_hash(shop.keyspace, name), DB_NO_TOUCH);
    if (e != NULL)
        value = entry_string(keyspace_arena(shop.keyspace), e, scratch);
    ck_assert_uint_lt(value.len, sizeof text);
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    return text;
}

/* --- life --- */

void shop_open(void)
{
    clock_update();
    clock_freeze_ms(SHOP_NOW);
    shop = (struct shop){.keyspace = keyspace_new(3), .session = {.resp = 2}};
    object_types_add(&shop.types, &string_type);
    object_types_add(&shop.types, &toy_list);
    object_types_add(&shop.types, &toy_set);
    object_types_add(&shop.types, &toy_hash);
    keyspace_set_types(shop.keyspace, &shop.types);
    shop.dispatch = dispatch_new(shop.keyspace, &options);
    shop.keys = keys_new(shop.dispatch, &shop.types, &(struct keys_ops){.owner = NULL});
    string_register(dispatch_registry(shop.dispatch));
    hll_register(dispatch_registry(shop.dispatch), &hll);
}

void shop_close(void)
{
    dispatch_free(shop.dispatch);
    keys_free(shop.keys);
    keyspace_free(shop.keyspace);
    buf_done(&shop.out);
    clock_freeze_ms(0);
}

const char *shop_run(const char *line)
{
    struct buf bytes = {0};
    struct slice *argv = NULL;
    int argc = text_split(slice_str(line), &bytes, &argv);
    ck_assert_int_gt(argc, 0);
    const struct registry_entry *e = registry_resolve(dispatch_registry(shop.dispatch), argv, (uint32_t)argc);
    ck_assert_msg(e != NULL && e->command->handler != NULL, "no command %s", line);
    unsigned first = command_first_key(e->command);
    struct resp_writer w = {.out = &shop.out, .version = shop.session.resp};
    struct command_ctx ctx = {.argv = argv,
                              .argc = (uint32_t)argc,
                              .reply = &w,
                              .session = &shop.session,
                              .db = keyspace_db(shop.keyspace, shop.session.db),
                              .owner = e->owner,
                              .command = e->command,
                              .dispatch = shop.dispatch};
    if (first != 0 && first < ctx.argc)
        ctx.key_hash = keyspace_hash(shop.keyspace, argv[first]);
    shop.out.len = 0;
    e->command->handler(&ctx);
    heap_free(argv);
    buf_done(&bytes);
    return buf_cstr(&shop.out);
}

void shop_expect(const char *line, const char *reply)
{
    ck_assert_msg(strcmp(shop_run(line), reply) == 0, "%s: %s", line, buf_cstr(&shop.out));
}
