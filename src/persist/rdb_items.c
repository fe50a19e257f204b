/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The items of an RDB file. Numbers are little-endian, len and string are the
 * primitives of codec/rdb_reader.h.
 *
 *   header   "REDIS" 4 digits, or "VALKEY" 3 digits
 *   opcodes  | 241 |                of the next key, not to be evicted: passed over, as 242 and 243
 *            | 242 | len len string ..   template of a hash: number, names of fields
 *            | 243 | len                 classes of modules' data of the next key, then each
 *                                        as | u32 | the module's data, as for 247 |
 *            (these of Redis; Valkey's 242 and 243 are refused)
 *            | 244 | len len len    slot, keys, keys with expiry: passed over
 *            | 245 | string         a library of functions: kept as it is, counted
 *            | 247 | len len len    module, kind of the next, when (1: it stands before
 *                                   the keys, 2: behind them); then the module's data as
 *                                   | kind len | .. with kind 0 as the end; kept, too
 *            | 248 | len            idle seconds of the next key
 *            | 249 | u8             access frequency of the next key
 *            | 250 | string string  auxiliary field
 *            | 251 | len len        keys, keys with expiry of the database
 *            | 252 | i64            expiry of the next key, ms
 *            | 253 | i32            the same, s
 *            | 254 | len            database of the keys that follow
 *            | 255 |                end
 *   key      | value type | string | the value |
 *   footer   u64, the CRC-64 of all before it, 0 if none was made; from version 5 on
 *
 * An item is read whole or not at all, but for values, whose types may take them in parts
 * (keyspace/object.h). What an opcode says of the next key stays until a key has come.
 */
#include <stdio.h>
#include <string.h>

#include "codec/rdb_writer.h"
#include "persist/rdb_private.h"

enum opcode {
    OP_NO_EVICTION = 241,
    OP_HASH_TEMPLATE = 242,
    OP_KEY_META = 243,
    OP_SLOT_INFO = 244,
    OP_FUNCTION = 245,
    OP_FUNCTION_PRE_GA = 246,
    OP_MODULE_AUX = 247,
    OP_IDLE = 248,
    OP_FREQ = 249,
    OP_AUX = 250,
    OP_RESIZE = 251,
    OP_EXPIRE_MS = 252,
    OP_EXPIRE_S = 253,
    OP_SELECT = 254,
    OP_EOF = 255,
};

enum {
    MODULE_UINT = 2,
    MODULE_AFTER = 2,
};

#define FOOTER_VERSION 5
#define VALKEY_OLDEST  80
#define VALKEY_NEWEST  81
#define SHOW           ((size_t)32 << 10) /* of a value, at once */
#define KEY_BYTES      6                  /* what a key takes in a file at least, on the average of many */

/* --- header and footer --- */

static bool read_version(struct slice digits, unsigned *ret)
{
    unsigned version = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        version = version * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    *ret = version;
    return true;
}

static int item_header(struct rdb_load *l, struct buf *why)
{
    struct slice head;
    if (l->progress.total == 0)
        return rdb_fault(l, why, MR_E_TRUNCATED, "the file is empty");
    int code = rdb_read_bytes(&l->in, 9, &head);
    if (code == MR_E_AGAIN)
        return code;
    if (code != 0)
        return rdb_fault(l, why, code, "the file is too short to be an RDB file");
    l->valkey = memcmp(head.ptr, "VALKEY", 6) == 0;
    size_t magic = l->valkey ? 6 : 5;
    if ((!l->valkey && memcmp(head.ptr, "REDIS", 5) != 0) ||
        !read_version(slice_of(head.ptr + magic, 9 - magic), &l->version))
        return rdb_fault(l, why, MR_E_CORRUPT,
                         "this is no RDB file: it begins neither with REDIS and 4 "
                         "digits nor with VALKEY and 3 digits");
    if (l->valkey && (l->version < VALKEY_OLDEST || l->version > VALKEY_NEWEST))
        return rdb_fault(l, why, MR_E_UNSUPPORTED, "the file has VALKEY version %u; %d and %d can be read",
                         l->version, VALKEY_OLDEST, VALKEY_NEWEST);
    if (!l->valkey && (l->version < 1 || l->version > RDB_LOAD_VERSION_MAX))
        return rdb_fault(l, why, MR_E_UNSUPPORTED, "the file has REDIS version %u; 1 to %d can be read",
                         l->version, RDB_LOAD_VERSION_MAX);
    l->state = RDB_ITEMS;
    return 0;
}

static int item_footer(struct rdb_load *l, struct buf *why)
{
    uint64_t stored;
    if (l->version < FOOTER_VERSION) {
        l->state = RDB_DONE;
        return 0;
    }
    int code = rdb_read_u64(&l->in, &stored);
    if (code == MR_E_AGAIN)
        return code;
    if (code != 0)
        return rdb_fault_item(l, why, code, "the checksum");
    if (l->verify && stored != 0 && stored != l->crc)
        return rdb_fault(l, why, MR_E_CHECKSUM,
                         "the checksum is %016llx, but the bytes before it have %016llx: the file is damaged",
                         (unsigned long long)stored, (unsigned long long)l->crc);
    l->state = RDB_DONE;
    return 0;
}

/* --- opcodes --- */

static int read_lens(struct rdb_reader *in, uint64_t *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int code = rdb_read_len(in, &out[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

/* "redis 7.0.15" of the field redis-ver, and what else is of use. */
static void take_aux(struct rdb_load *l, const char *name, struct slice value)
{
    struct rdb_load_progress *p = &l->progress;
    size_t cut = value.len < 32 ? value.len : 32;
    if (strcmp(name, "redis-ver") == 0)
        snprintf(p->writer, sizeof p->writer, "redis %.*s", (int)cut, value.ptr);
    else if (strcmp(name, "miniredis-ver") == 0)
        snprintf(p->writer, sizeof p->writer, "miniredis %.*s", (int)cut, value.ptr);
    else if (strcmp(name, "valkey-ver") == 0)
        snprintf(p->writer, sizeof p->writer, "valkey %.*s", (int)cut, value.ptr);
    else if (strcmp(name, "used-mem") == 0 && !number_to_uint(value, &p->used_mem))
        p->used_mem = 0;
    for (char *c = p->writer; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static int op_aux(struct rdb_load *l)
{
    struct slice field, value;
    char name[16];
    int code = rdb_read_string(&l->in, &field);
    if (code != 0)
        return code;
    size_t len = field.len < sizeof name ? field.len : 0;
    if (len != 0)
        memcpy(name, field.ptr, len);
    name[len] = '\0';
    code = rdb_read_string(&l->in, &value);
    if (code == 0)
        take_aux(l, name, value);
    return code;
}

static int op_expire_s(struct rdb_load *l)
{
    uint32_t seconds;
    int code = rdb_read_u32(&l->in, &seconds);
    if (code == 0)
        l->meta.expiry_ms = (int64_t)(int32_t)seconds * 1000;
    return code;
}

static int op_expire_ms(struct rdb_load *l)
{
    uint64_t ms;
    int code = rdb_read_u64(&l->in, &ms);
    if (code == 0)
        l->meta.expiry_ms = (int64_t)ms;
    return code;
}

static int op_idle(struct rdb_load *l)
{
    uint64_t seconds;
    int code = rdb_read_len(&l->in, &seconds);
    if (code == 0)
        l->meta.idle_s = seconds > INT64_MAX ? INT64_MAX : (int64_t)seconds;
    return code;
}

static int op_freq(struct rdb_load *l)
{
    uint8_t freq;
    int code = rdb_read_u8(&l->in, &freq);
    if (code == 0)
        l->meta.freq = freq;
    return code;
}

/* The hint may lie: what the rest of the file can hold bounds it. */
static int op_resize(struct rdb_load *l)
{
    uint64_t hint[2];
    int code = read_lens(&l->in, hint, 2);
    if (code != 0)
        return code;
    uint64_t most = (l->in.left + (l->in.len - l->in.pos)) / KEY_BYTES;
    db_reserve(l->db, hint[0] < most ? hint[0] : most);
    return 0;
}

static int op_select(struct rdb_load *l, struct buf *why)
{
    uint64_t index;
    int code = rdb_read_len(&l->in, &index);
    if (code != 0)
        return code;
    unsigned databases = keyspace_databases(l->ks);
    if (index >= databases)
        return rdb_fault(l, why, MR_E_DB_INDEX,
                         "the file has keys in database %llu, but there are %u (option databases)",
                         (unsigned long long)index, databases);
    l->db = keyspace_db(l->ks, (int64_t)index);
    return 0;
}

/* Keeps what was read since START. */
static int keep(struct rdb_load *l, struct buf *part, size_t start)
{
    return part == NULL ? 0 : kept_add(part, slice_of(l->in.data + start, l->in.pos - start));
}

static int op_function(struct rdb_load *l)
{
    size_t start = l->in.pos - 1;
    int code = rdb_skip_string(&l->in);
    if (code == 0)
        code = keep(l, l->kept != NULL ? &l->kept->front : NULL, start);
    l->progress.functions += code == 0;
    return code;
}

static int op_slot_info(struct rdb_load *l)
{
    uint64_t lens[3];
    return read_lens(&l->in, lens, 3);
}

static int op_module_aux(struct rdb_load *l)
{
    uint64_t lens[3];
    size_t start = l->in.pos - 1;
    int code = read_lens(&l->in, lens, 3);
    if (code != 0)
        return code;
    if (lens[1] != MODULE_UINT)
        return MR_E_CORRUPT;
    l->keeping = l->kept == NULL ? NULL : lens[2] == MODULE_AFTER ? &l->kept->back : &l->kept->front;
    l->progress.module_aux++;
    l->state = RDB_MODULE_AUX;
    return keep(l, l->keeping, start);
}

static int module_item(struct rdb_load *l)
{
    bool end = false;
    size_t start = l->in.pos;
    int code = rdb_skip_module(&l->in, &end);
    if (code == 0)
        code = keep(l, l->keeping, start);
    if (code == 0 && end)
        l->state = l->classes > 0 ? RDB_KEY_META : RDB_ITEMS;
    return code;
}

/* What modules have put beside the next key: so many classes .. */
static int op_key_meta(struct rdb_load *l)
{
    int code = rdb_read_len(&l->in, &l->classes);
    if (code == 0 && l->classes > 0)
        l->state = RDB_KEY_META;
    return code;
}

/* .. each of which has a number, and then data as any module's. */
static int key_meta_class(struct rdb_load *l)
{
    uint32_t number;
    int code = rdb_read_u32(&l->in, &number);
    if (code == 0) {
        l->classes--;
        l->keeping = NULL;
        l->progress.key_meta++;
        l->state = RDB_MODULE_AUX;
    }
    return code;
}

/* The names of a hash's fields that values may refer to: those that do are refused by name. */
static int op_hash_template(struct rdb_load *l)
{
    uint64_t lens[2];
    int code = read_lens(&l->in, lens, 2);
    for (uint64_t i = 0; code == 0 && i < lens[1]; i++)
        code = rdb_skip_string(&l->in);
    return code;
}

/* --- keys --- */

static int refuse_type(struct rdb_load *l, struct buf *why, uint8_t type)
{
    const char *name = rdb_name(type, l->valkey);
    if (name == NULL)
        return rdb_fault(l, why, MR_E_UNSUPPORTED, "the value's type, %u, is unknown", type);
    return rdb_fault(l, why, MR_E_UNSUPPORTED,
                     "the value is of type %u, %s, which this version does not load", type, name);
}

/* A type that is loaded, but a value that goes beyond what a string or an element can be here. */
static int refuse_value(struct rdb_load *l, struct buf *why, uint8_t type)
{
    return rdb_fault(l, why, MR_E_UNSUPPORTED,
                     "the value is of type %u, %s, and has a string longer than this version holds, which is "
                     "a little less than 4 GiB",
                     type, rdb_name(type, l->valkey));
}

static bool points_into(const struct buf *b, const char *ptr)
{
    return b->data != NULL && (uintptr_t)ptr >= (uintptr_t)b->data &&
           (uintptr_t)ptr < (uintptr_t)b->data + b->cap;
}

/* Puts the key where neither the value's strings nor the window's moves reach it. */
static int keep_key(struct rdb_load *l)
{
    struct slice *key = &l->meta.key;
    if (points_into(&l->key, key->ptr))
        return 0;
    l->key.len = 0;
    int code = buf_try_grow(&l->key, key->len + 1);
    if (code == 0) {
        buf_append_slice(&l->key, *key);
        *key = buf_slice(&l->key);
    }
    return code;
}

/* The type's call, with as much of the window as it can take in a short time. */
static int call_load(struct rdb_load *l, const struct object_type *type, unsigned number)
{
    struct rdb_reader *in = &l->in;
    size_t rest = in->len - in->pos, hidden = rest > l->show ? rest - l->show : 0;
    in->len -= hidden;
    in->left += hidden;
    in->want = 0;
    int code = type->load(in, number, l->expired ? NULL : l->db, &l->meta, &l->partial);
    in->len += hidden;
    in->left -= hidden;
    return code;
}

static int fault_value(struct rdb_load *l, struct buf *why, int code)
{
    struct slice key;
    unsigned index;
    if (code == MR_E_UNSUPPORTED)
        return refuse_value(l, why, l->value_type);
    if (code == MR_E_CORRUPT && keyspace_load_duplicate(l->ks, &key, &index))
        return rdb_fault_duplicate(l, why);
    char what[96];
    snprintf(what, sizeof what, "the value, of type %u, %s,", l->value_type,
             rdb_name(l->value_type, l->valkey));
    return rdb_fault_item(l, why, code, what);
}

/* The value, or what there is of it, of the key that was read. */
static int item_value(struct rdb_load *l, struct buf *why)
{
    unsigned number = rdb_type_of(l->value_type, l->valkey);
    const struct object_type *type = l->by_rdb[number];
    if (type == NULL)
        return refuse_type(l, why, l->value_type);
    int code = call_load(l, type, number);
    if (code == MR_E_AGAIN) {
        int kept = keep_key(l);
        if (kept != 0)
            return rdb_fault_item(l, why, kept, "the name of a key");
        l->state = RDB_VALUE;
        l->need = l->in.want;
        l->show = l->need > SHOW ? l->need : SHOW;
        return MR_E_AGAIN;
    }
    bool empty = code == MR_E_NO_KEY;
    if (code != 0 && !empty)
        return fault_value(l, why, code);
    l->progress.keys += !l->expired && !empty;
    l->progress.expired += l->expired;
    l->has_key = false;
    l->meta = (struct object_meta){.expiry_ms = DB_EXPIRY_NONE, .idle_s = -1, .freq = -1};
    l->state = RDB_ITEMS;
    return 0;
}

static int item_key(struct rdb_load *l, uint8_t rdb_type, struct buf *why)
{
    l->in.pos++;
    int code = rdb_read_string(&l->in, &l->meta.key);
    if (code == MR_E_AGAIN)
        return code;
    if (code == 0 && points_into(&l->in.scratch, l->meta.key.ptr))
        code = keep_key(l);
    if (code != 0)
        return rdb_fault_item(l, why, code, "the name of a key");
    l->has_key = true;
    l->value_type = rdb_type;
    l->expired = l->meta.expiry_ms != DB_EXPIRY_NONE && l->meta.expiry_ms < l->now_ms;
    l->show = SHOW;
    return item_value(l, why);
}

void rdb_item_drop(struct rdb_load *l)
{
    if (l->partial == NULL)
        return;
    l->by_rdb[rdb_type_of(l->value_type, l->valkey)]->load_drop(l->ks, l->partial);
    l->partial = NULL;
}

/* What only one of the families has. */
static int run_own_opcode(struct rdb_load *l, uint8_t op)
{
    if (l->valkey)
        return MR_E_UNSUPPORTED;
    switch (op) {
    case OP_NO_EVICTION:
        return 0;
    case OP_HASH_TEMPLATE:
        return op_hash_template(l);
    case OP_KEY_META:
        return op_key_meta(l);
    default:
        return MR_E_UNSUPPORTED;
    }
}

static int run_opcode(struct rdb_load *l, uint8_t op, struct buf *why)
{
    switch (op) {
    case OP_SLOT_INFO:
        return op_slot_info(l);
    case OP_FUNCTION:
        return op_function(l);
    case OP_MODULE_AUX:
        return op_module_aux(l);
    case OP_IDLE:
        return op_idle(l);
    case OP_FREQ:
        return op_freq(l);
    case OP_AUX:
        return op_aux(l);
    case OP_RESIZE:
        return op_resize(l);
    case OP_EXPIRE_MS:
        return op_expire_ms(l);
    case OP_EXPIRE_S:
        return op_expire_s(l);
    case OP_SELECT:
        return op_select(l, why);
    case OP_EOF:
        l->state = RDB_FOOTER;
        return 0;
    default:
        return run_own_opcode(l, op);
    }
}

static int item_opcode(struct rdb_load *l, uint8_t op, struct buf *why)
{
    size_t told = why->len;
    l->in.pos++;
    int code = run_opcode(l, op, why);
    if (code == 0 || code == MR_E_AGAIN || why->len != told)
        return code;
    const char *name = rdb_name(op, l->valkey);
    if (code == MR_E_UNSUPPORTED)
        return rdb_fault(l, why, code, "opcode %u (%s) is not known to this version", op,
                         name != NULL ? name : "of no known meaning");
    return rdb_fault_item(l, why, code, name);
}

static int item_any(struct rdb_load *l, struct buf *why)
{
    if (l->in.pos == l->in.len) {
        if (l->in.left == 0)
            return rdb_fault(l, why, MR_E_TRUNCATED, "the file ends without its end mark");
        l->in.want = 1;
        return MR_E_AGAIN;
    }
    uint8_t op = (uint8_t)l->in.data[l->in.pos];
    if (__builtin_expect(op < RDB_VALUE_TYPES, 1))
        return item_key(l, op, why);
    return item_opcode(l, op, why);
}

int rdb_item(struct rdb_load *l, struct buf *why)
{
    size_t start = l->in.pos;
    int code = 0;
    switch (l->state) {
    case RDB_HEADER:
        code = item_header(l, why);
        break;
    case RDB_ITEMS:
        code = item_any(l, why);
        break;
    case RDB_VALUE:
        return item_value(l, why);
    case RDB_MODULE_AUX:
        code = module_item(l);
        if (code != 0 && code != MR_E_AGAIN)
            code = rdb_fault_item(l, why, code, "a module's data");
        break;
    case RDB_KEY_META:
        code = key_meta_class(l);
        if (code != 0 && code != MR_E_AGAIN)
            code = rdb_fault_item(l, why, code, "a key's metadata");
        break;
    case RDB_FOOTER:
        code = item_footer(l, why);
        break;
    default:
        break;
    }
    if (code == MR_E_AGAIN && l->state != RDB_VALUE) {
        l->need = l->in.pos - start + l->in.want;
        l->in.pos = start;
        l->has_key = false;
    }
    return code;
}
