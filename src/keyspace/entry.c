/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading and writing entries. Layout and invariants are in keyspace/entry.h. Knows
 * nothing of tables, wheels' neighbours or the clock.
 */
#include "keyspace/entry.h"

#include "keyspace/entry_private.h"

/* What redis-server keeps in one allocation with its header. */
#define EMBEDDED_MAX 44

static const uint8_t int_size[] = {[ENTRY_INT8] = 1, [ENTRY_INT16] = 2, [ENTRY_INT32] = 4, [ENTRY_INT64] = 8};

static int64_t read_integer(const unsigned char *p, enum entry_encoding encoding)
{
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    switch (encoding) {
    case ENTRY_INT8:
        memcpy(&i8, p, sizeof i8);
        return i8;
    case ENTRY_INT16:
        memcpy(&i16, p, sizeof i16);
        return i16;
    case ENTRY_INT32:
        memcpy(&i32, p, sizeof i32);
        return i32;
    default:
        memcpy(&i64, p, sizeof i64);
        return i64;
    }
}

static bool is_integer(enum entry_encoding encoding)
{
    return encoding >= ENTRY_INT8 && encoding <= ENTRY_INT64;
}

static bool is_counted(enum entry_encoding encoding)
{
    return encoding == ENTRY_INLINE || encoding == ENTRY_EDITED;
}

size_t entry_size(const struct entry *e)
{
    const unsigned char *value = entry_value(e);
    size_t head = (size_t)(value - (const unsigned char *)e);
    enum entry_encoding encoding = entry_encoding(e);
    if (is_counted(encoding))
        return head + entry_counted_size(entry_counted(value).len);
    return head + (is_integer(encoding) ? int_size[encoding] : ARENA_SHORT);
}

struct slice entry_string_rest(const struct arena *a, const struct entry *e, char *scratch)
{
    const unsigned char *value = entry_value(e);
    enum entry_encoding encoding = entry_encoding(e);
    if (is_counted(encoding))
        return entry_counted(value);
    if (encoding == ENTRY_POINTER) {
        const struct entry_blob *blob = arena_expand(a, arena_load_short(value));
        return slice_of(blob->bytes, blob->len);
    }
    return slice_of(scratch, number_from_int(scratch, read_integer(value, encoding)));
}

bool entry_integer(const struct entry *e, int64_t *value)
{
    enum entry_encoding encoding = entry_encoding(e);
    if (!is_integer(encoding))
        return false;
    *value = read_integer(entry_value(e), encoding);
    return true;
}

const char *entry_string_encoding(const struct entry *e)
{
    if (is_integer(entry_encoding(e)))
        return "int";
    if (entry_encoding(e) != ENTRY_INLINE)
        return "raw";
    return entry_counted(entry_value(e)).len <= EMBEDDED_MAX ? "embstr" : "raw";
}

void entry_value_integer(struct entry_value *v, int64_t integer)
{
    v->encoding = integer == (int8_t)integer    ? ENTRY_INT8
                  : integer == (int16_t)integer ? ENTRY_INT16
                  : integer == (int32_t)integer ? ENTRY_INT32
                                                : ENTRY_INT64;
    v->size = int_size[v->encoding];
    v->number = (uint64_t)integer;
}

void entry_value_of(struct entry_value *v, const struct entry *e)
{
    const unsigned char *value = entry_value(e);
    enum entry_encoding encoding = entry_encoding(e);
    if (is_counted(encoding)) {
        entry_value_inline(v, entry_counted(value));
        v->encoding = encoding;
    } else if (is_integer(encoding)) {
        entry_value_integer(v, read_integer(value, encoding));
    } else {
        entry_value_pointer(v, arena_load_short(value));
        v->encoding = encoding;
    }
}

/* A new blob with these bytes. */
static int value_blob(struct entry_value *v, struct arena *a, struct slice bytes)
{
    struct entry_blob *blob = bytes.len > SIZE_MAX / 2 ? NULL : arena_try_alloc(a, sizeof *blob + bytes.len);
    if (blob == NULL)
        return MR_E_MEMORY;
    blob->size = arena_usable(sizeof *blob + bytes.len);
    blob->len = bytes.len;
    memcpy(blob->bytes, bytes.ptr, bytes.len);
    entry_value_pointer(v, arena_shorten(a, blob));
    return 0;
}

int entry_value_packed(struct entry_value *v, struct arena *a, struct slice bytes)
{
    if (bytes.len > ENTRY_INLINE_MAX)
        return value_blob(v, a, bytes);
    entry_value_inline(v, bytes);
    return 0;
}

int entry_value_copy(struct entry_value *v, struct arena *a, const struct entry *e)
{
    if (entry_encoding(e) == ENTRY_POINTER)
        return value_blob(v, a, entry_packed(a, e));
    entry_value_of(v, e);
    return 0;
}

static inline void write_value(unsigned char *p, const struct entry_value *v)
{
    int8_t i8 = (int8_t)v->number;
    int16_t i16 = (int16_t)v->number;
    int32_t i32 = (int32_t)v->number;
    switch (v->encoding) {
    case ENTRY_INLINE:
    case ENTRY_EDITED:
        entry_put_counted(p, v->bytes);
        break;
    case ENTRY_INT8:
        memcpy(p, &i8, sizeof i8);
        break;
    case ENTRY_INT16:
        memcpy(p, &i16, sizeof i16);
        break;
    case ENTRY_INT32:
        memcpy(p, &i32, sizeof i32);
        break;
    case ENTRY_INT64:
        memcpy(p, &v->number, sizeof v->number);
        break;
    case ENTRY_POINTER:
    case ENTRY_OBJECT:
        arena_store_short(p, v->number);
        break;
    }
}

void entry_value_write(unsigned char *p, const struct entry_value *v)
{
    write_value(p, v);
}

static inline unsigned char *write_head(struct entry *e, unsigned type, enum entry_encoding encoding,
                                        uint32_t stamp, bool node, struct slice key)
{
    e->head = type | (uint32_t)encoding << ENTRY_ENCODING_SHIFT | (node ? ENTRY_NODE : 0) |
              stamp << ENTRY_STAMP_SHIFT;
    return entry_put_counted(e->body + (node ? WHEEL_NODE_SIZE : 0), key);
}

unsigned char *entry_write_head(struct entry *e, unsigned type, enum entry_encoding encoding, uint32_t stamp,
                                bool node, struct slice key)
{
    return write_head(e, type, encoding, stamp, node, key);
}

void entry_write(struct entry *e, unsigned type, uint32_t stamp, bool node, struct slice key,
                 const struct entry_value *v)
{
    write_value(write_head(e, type, v->encoding, stamp, node, key), v);
}
