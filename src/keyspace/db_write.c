/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing values: whole ones over whatever was there, and changes of a string, or of packed
 * bytes, where they stand.
 *
 * A write allocates all that it needs before it changes anything, so that one that is
 * refused leaves everything as it was.
 */
#include "keyspace/keyspace.h"

#include "keyspace/evict_private.h"
#include "keyspace/keyspace_ops.h"
#include "keyspace/keyspace_private.h"

/* What a string that grows is given more than it asks for: an eighth, up to this. */
#define ROOM_MAX  ((size_t)1 << 20)
/* From this growth on, zeros from the kernel are cheaper than our own. */
#define CLEAN_MIN ((size_t)128 << 10)

/* No string is longer; sums with it do not overflow. */
#define BLOB_MAX (SIZE_MAX / 4)

#define WHOLE_EVENTS (EVENT_NEW | EVENT_OVERWRITTEN | EVENT_TYPE_CHANGED)

/* Whether an allocation of either size can hold the other. */
static inline bool same_class(size_t a, size_t b)
{
    return a == b || arena_usable(a) == arena_usable(b);
}

/* --- what is to be done --- */

struct write {
    struct db_place p;
    struct slice key;
    uint64_t hash;
    unsigned type;
    struct entry_value v;
    int64_t expiry_ms; /* no DB_EXPIRY_KEEP any more */
    uint32_t stamp;
    enum keyspace_replaced replaced;
};

static inline __attribute__((always_inline)) struct entry *find(const struct db *db, struct slice key,
                                                                uint64_t hash, struct dict_slot *slot)
{
    return dict_inline_find(&db->dict, &db->ks->arena, &keyspace_dict_ops, key, hash, slot);
}

/* What is known when the place's OLD and SLOT are: of a value of TYPE that is written as a
 * whole. */
static inline void begin_whole(struct db *db, struct write *w, unsigned type, int64_t expiry_ms)
{
    struct keyspace *ks = db->ks;
    w->type = type;
    w->p.hidden = false;
    if (w->p.old != NULL && unlikely(entry_is_due(w->p.old)))
        db_place_due(db, &w->p, w->hash);
    if (w->p.old == NULL || unlikely(w->p.hidden)) {
        w->replaced = REPLACED_NOTHING;
        w->expiry_ms = expiry_ms == DB_EXPIRY_KEEP ? DB_EXPIRY_NONE : expiry_ms;
        w->stamp = evict_new_stamp(ks);
        return;
    }
    w->expiry_ms = expiry_ms == DB_EXPIRY_KEEP ? entry_expiry(w->p.old) : expiry_ms;
    w->stamp = evict_next_stamp(ks, w->p.old);
    w->replaced = entry_type(w->p.old) == type ? REPLACED_SAME_TYPE : REPLACED_OTHER_TYPE;
}

/* The same of a value E of TYPE that is changed, or made where E is NULL. */
static void begin_edit(struct db *db, struct write *w, unsigned type, struct entry *e, struct slice key,
                       uint64_t hash)
{
    *w = (struct write){.p.old = e, .key = key, .hash = hash, .type = type};
    struct entry *found = find(db, key, hash, &w->p.slot);
    if (e == NULL) {
        w->p.old = found;
        begin_whole(db, w, type, DB_EXPIRY_NONE);
        return;
    }
    evict_wrote(db->ks, e);
    w->stamp = entry_stamp(e);
    w->expiry_ms = entry_expiry(e);
}

static void tell_written(struct db *db, enum keyspace_replaced replaced, struct slice key)
{
    if (replaced == REPLACED_NOTHING)
        db_event_new(db, key);
    else
        db_event_took(db, replaced, key);
}

/* --- blobs --- */

static struct entry_blob *blob_of(const struct keyspace *ks, const struct entry *e)
{
    if (e == NULL || likely(entry_encoding(e) != ENTRY_POINTER))
        return NULL;
    return arena_expand(&ks->arena, entry_pointer(e));
}

/* An allocation of SIZE for a blob, empty. NULL: no memory. */
static struct entry_blob *alloc_blob(struct keyspace *ks, size_t size, bool zero)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    struct entry_blob *blob =
        zero ? arena_try_alloc_zero(&ks->arena, size) : arena_try_alloc(&ks->arena, size);
    if (blob == NULL)
        return NULL;
    blob->size = arena_usable(size);
    blob->len = 0;
    return blob;
}

/* The blob for a long string: OLD, where that has the right size. NULL: no memory. */
static struct entry_blob *make_blob(struct keyspace *ks, struct entry_blob *old, struct slice bytes)
{
    if (bytes.len > BLOB_MAX)
        return NULL;
    size_t size = sizeof *old + bytes.len;
    return old != NULL && arena_usable(size) == old->size ? old : alloc_blob(ks, size, false);
}

static void fill_blob(struct entry_blob *blob, struct slice bytes)
{
    blob->len = bytes.len;
    memcpy(blob->bytes, bytes.ptr, bytes.len);
}

static void free_blob(struct keyspace *ks, struct entry_blob *blob)
{
    arena_free(&ks->arena, blob, blob->size);
}

/* Where it stands. */
static bool resize_blob(struct keyspace *ks, struct entry_blob *blob, size_t size)
{
    if (!arena_resize(&ks->arena, blob, blob->size, size))
        return false;
    blob->size = arena_usable(size);
    return true;
}

/* SIZE, of which MORE are new: with room where it has grown by less than that would be, for then
 * it may well do so again. */
static size_t with_room(size_t size, size_t more)
{
    size_t room = size / 8 < ROOM_MAX ? size / 8 : ROOM_MAX;
    return more < room ? size + room : size;
}

/* --- entries --- */

/* Brings the wheel from what it knows of E to EXPIRY_MS (or none). */
static void set_wheel(struct db *db, struct entry *e, int64_t expiry_ms)
{
    if (entry_has_expiry(e)) {
        if (wheel_time(e) == expiry_ms)
            return;
        db_wheel_remove(db, e);
    }
    if (expiry_ms != DB_EXPIRY_NONE)
        db_wheel_add(db, e, expiry_ms);
}

/* Whether V goes on with what E points to. */
static inline bool takes_over(const struct entry_value *v, const struct entry *e)
{
    return entry_points(e) && v->encoding == entry_encoding(e) && v->number == entry_pointer(e);
}

/* Puts MADE, which is complete but for the wheel, in W's place. What was there is freed, but for
 * its value where KEEP says so. */
static void install(struct db *db, const struct write *w, struct entry *made, bool keep)
{
    struct keyspace *ks = db->ks;
    struct entry *old = w->p.old;
    if (old != NULL) {
        db_wheel_remove(db, old);
        if (unlikely(entry_encoding(old) == ENTRY_OBJECT) && !keep)
            expiring_go(db, old);
        dict_replace(&db->dict, &ks->arena, w->p.slot, made);
        if (keep)
            keyspace_free_shell(ks, old);
        else
            keyspace_free_entry(ks, old);
        if (unlikely(entry_encoding(made) == ENTRY_OBJECT))
            expiring_come(db, made, w->hash);
    } else {
        db_link(db, made, w->hash);
    }
    if (unlikely(w->expiry_ms != DB_EXPIRY_NONE))
        db_wheel_add(db, made, w->expiry_ms);
}

static inline bool wants_node(const struct write *w)
{
    return entry_wants_node(w->expiry_ms != DB_EXPIRY_NONE, w->key.len);
}

/* Writes the value over the old entry's if that can stay where it is. */
static inline bool overwrite(struct db *db, const struct write *w)
{
    struct entry *e = w->p.old;
    bool node = wants_node(w);
    if (entry_has_node(e) != node || !same_class(entry_size(e), entry_layout(node, w->key.len, w->v.size)))
        return false;
    if (entry_points(e) && !takes_over(&w->v, e)) {
        if (entry_encoding(e) == ENTRY_OBJECT)
            return false;
        free_blob(db->ks, blob_of(db->ks, e));
    }
    uint32_t keep = e->head & (ENTRY_EXPIRY | ENTRY_NODE | ENTRY_COLOUR);
    e->head =
        keep | w->type | (uint32_t)w->v.encoding << ENTRY_ENCODING_SHIFT | w->stamp << ENTRY_STAMP_SHIFT;
    /* Where the value stands depends on the key alone, which stays. */
    entry_value_write((unsigned char *)(uintptr_t)entry_value(e), &w->v);
    if (node)
        set_wheel(db, e, w->expiry_ms);
    if (unlikely(w->v.encoding == ENTRY_OBJECT))
        expiring_come(db, e, w->hash);
    return true;
}

/* Puts W's value in its place. False: no memory, nothing has changed. */
static inline bool put_value(struct db *db, const struct write *w)
{
    if (w->p.old != NULL && likely(overwrite(db, w)))
        return true;
    bool node = wants_node(w);
    struct entry *e = keyspace_alloc_entry(db->ks, entry_layout(node, w->key.len, w->v.size));
    if (unlikely(e == NULL))
        return false;
    entry_write(e, w->type, w->stamp, node, w->key, &w->v);
    if (w->p.old == NULL && likely(w->expiry_ms == DB_EXPIRY_NONE))
        db_link(db, e, w->hash);
    else
        install(db, w, e, w->p.old != NULL && takes_over(&w->v, w->p.old));
    return true;
}

/* --- whole values --- */

/* Any string, over anything. W has place, key and hash. */
static int set_any(struct db *db, struct write *w, struct slice value, int64_t expiry_ms)
{
    struct keyspace *ks = db->ks;
    begin_whole(db, w, OBJECT_STRING, expiry_ms);
    struct entry_blob *old_blob = blob_of(ks, w->p.old);
    struct entry_blob *blob = NULL;
    int64_t integer;
    if (entry_may_be_integer(value) && number_to_int(value, &integer)) {
        entry_value_integer(&w->v, integer);
    } else if (likely(value.len <= ENTRY_INLINE_MAX)) {
        entry_value_inline(&w->v, value);
    } else {
        blob = make_blob(ks, old_blob, value);
        if (blob == NULL)
            return MR_E_MEMORY;
        entry_value_pointer(&w->v, arena_shorten(&ks->arena, blob));
    }
    if (unlikely(!put_value(db, w))) {
        if (blob != NULL && blob != old_blob)
            free_blob(ks, blob);
        return MR_E_MEMORY;
    }
    if (unlikely(blob != NULL))
        fill_blob(blob, value);
    ks->dirty += !db->scratch;
    if (unlikely(ks->observed & WHOLE_EVENTS))
        tell_written(db, w->replaced, w->key);
    return 0;
}

/* The short way: a value that takes the bytes of the one before it, neither with an expiry. */
static inline bool set_same(struct keyspace *ks, struct entry *old, struct slice value)
{
    if (entry_is_plain(old)) {
        struct slice was = entry_counted(entry_value(old));
        if (was.len != value.len || entry_may_be_integer(value))
            return false;
        memcpy((char *)(uintptr_t)was.ptr, value.ptr, value.len);
    } else {
        int64_t integer;
        struct entry_value v;
        if (!entry_is_plain_integer(old) || !entry_may_be_integer(value) || !number_to_int(value, &integer))
            return false;
        entry_value_integer(&v, integer);
        if (v.encoding != entry_encoding(old))
            return false;
        entry_value_write((unsigned char *)(uintptr_t)entry_value(old), &v);
    }
    entry_set_stamp(old, evict_next_stamp(ks, old));
    return true;
}

int db_set_string(struct db *db, struct slice key, uint64_t hash, struct slice value, int64_t expiry_ms)
{
    struct keyspace *ks = db->ks;
    struct dict_slot slot;
    struct entry *old = find(db, key, hash, &slot);
    if (old != NULL && expiry_ms < 0 && likely(set_same(ks, old, value))) {
        ks->dirty += !db->scratch;
        if (unlikely(ks->observed & EVENT_OVERWRITTEN))
            db_event_took(db, REPLACED_SAME_TYPE, key);
        return 0;
    }
    if (unlikely(key.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    struct write w;
    w.p.old = old;
    w.p.slot = slot;
    w.key = key;
    w.hash = hash;
    return set_any(db, &w, value, expiry_ms);
}

static int put(struct db *db, struct write *w, unsigned type, const struct entry_value *v, int64_t expiry_ms)
{
    if (unlikely(w->key.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    w->p.old = find(db, w->key, w->hash, &w->p.slot);
    begin_whole(db, w, type, expiry_ms);
    w->v = *v;
    if (!put_value(db, w))
        return MR_E_MEMORY;
    db->ks->dirty += !db->scratch;
    return 0;
}

int db_put(struct db *db, struct slice key, uint64_t hash, unsigned type, const struct entry_value *v,
           int64_t expiry_ms)
{
    struct write w = {.key = key, .hash = hash};
    int code = put(db, &w, type, v, expiry_ms);
    if (code == 0)
        tell_written(db, w.replaced, key);
    return code;
}

int db_put_as_new(struct db *db, struct slice key, uint64_t hash, unsigned type, const struct entry_value *v,
                  int64_t expiry_ms)
{
    struct write w = {.key = key, .hash = hash};
    int code = put(db, &w, type, v, expiry_ms);
    if (code != 0)
        return code;
    db->ks->replaced = w.replaced;
    db_event_new(db, key);
    return 0;
}

/* --- changes --- */

static inline void edited(struct db *db, bool made, struct slice key)
{
    db->ks->dirty += !db->scratch;
    if (made)
        db_event_new(db, key);
}

int db_store_integer(struct db *db, struct entry *e, struct slice key, uint64_t hash, int64_t value)
{
    struct entry_value v;
    entry_value_integer(&v, value);
    if (likely(e != NULL && entry_encoding(e) == v.encoding)) {
        entry_value_write((unsigned char *)(uintptr_t)entry_value(e), &v);
        evict_wrote(db->ks, e);
        edited(db, false, key);
        return 0;
    }
    if (unlikely(key.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    struct write w;
    begin_edit(db, &w, OBJECT_STRING, e, key, hash);
    w.v = v;
    if (!put_value(db, &w))
        return MR_E_MEMORY;
    edited(db, e == NULL, key);
    return 0;
}

/* A change of bytes where they stand. */
struct edit {
    struct db *db;
    struct entry *e; /* NULL: a new one */
    struct slice key;
    uint64_t hash;
    unsigned type;
    size_t len;
    struct slice was; /* the bytes, where E is not a blob; they may be E's own */
};

/* A string's new bytes are zero, those of packed bytes anything. */
static inline bool is_cleared(const struct edit *ed)
{
    return ed->type == OBJECT_STRING;
}

static inline enum entry_encoding edit_encoding(const struct edit *ed)
{
    return ed->type == OBJECT_STRING ? ENTRY_EDITED : ENTRY_INLINE;
}

/* Makes TO, which has room for the bytes, begin as they were. */
static void fill_edited(const struct edit *ed, char *to)
{
    size_t keep = ed->was.len < ed->len ? ed->was.len : ed->len;
    if (keep != 0)
        memmove(to, ed->was.ptr, keep);
    if (is_cleared(ed))
        memset(to + keep, 0, ed->len - keep);
}

/* The value becomes bytes in the entry; false: its place has not the size for it. */
static bool edit_in_place(const struct edit *ed, char **bytes)
{
    struct entry *e = ed->e;
    size_t size = entry_layout(entry_has_node(e), ed->key.len, entry_counted_size(ed->len));
    if (entry_points(e) || !same_class(entry_size(e), size))
        return false;
    unsigned char *p = (unsigned char *)(uintptr_t)entry_value(e);
    *bytes = (char *)p + entry_counted_size(ed->len) - ed->len;
    fill_edited(ed, *bytes);
    entry_put_length(p, ed->len);
    e->head = (e->head & ~ENTRY_ENCODING_MASK) | (uint32_t)edit_encoding(ed) << ENTRY_ENCODING_SHIFT;
    evict_wrote(ed->db->ks, e);
    return true;
}

static int edit_inline(const struct edit *ed, char **bytes)
{
    struct db *db = ed->db;
    struct entry *e = ed->e;
    if (e != NULL && edit_in_place(ed, bytes)) {
        edited(db, false, ed->key);
        return 0;
    }
    bool node = entry_wants_node(e != NULL && entry_has_expiry(e), ed->key.len);
    size_t size = entry_layout(node, ed->key.len, entry_counted_size(ed->len));
    struct entry *made = keyspace_alloc_entry(db->ks, size);
    if (unlikely(made == NULL))
        return MR_E_MEMORY;
    struct write w;
    begin_edit(db, &w, ed->type, e, ed->key, ed->hash);
    unsigned char *at = entry_write_head(made, ed->type, edit_encoding(ed), w.stamp, node, ed->key);
    *bytes = (char *)entry_put_length(at, ed->len);
    fill_edited(ed, *bytes);
    install(db, &w, made, false);
    edited(db, e == NULL, ed->key);
    return 0;
}

/* The value, which is no blob yet, becomes one. */
static int edit_outgrown(const struct edit *ed, char **bytes)
{
    struct keyspace *ks = ed->db->ks;
    if (ed->len > BLOB_MAX)
        return MR_E_MEMORY;
    size_t size = sizeof(struct entry_blob) + ed->len;
    bool clean = is_cleared(ed) && ed->len >= CLEAN_MIN;
    struct entry_blob *blob = alloc_blob(ks, clean ? size : with_room(size, ed->len - ed->was.len), clean);
    if (blob == NULL)
        return MR_E_MEMORY;
    blob->len = ed->len;
    if (!clean)
        fill_edited(ed, blob->bytes);
    else if (ed->was.len != 0)
        memcpy(blob->bytes, ed->was.ptr, ed->was.len);
    struct write w;
    begin_edit(ed->db, &w, ed->type, ed->e, ed->key, ed->hash);
    entry_value_pointer(&w.v, arena_shorten(&ks->arena, blob));
    if (unlikely(!put_value(ed->db, &w))) {
        free_blob(ks, blob);
        return MR_E_MEMORY;
    }
    *bytes = blob->bytes;
    edited(ed->db, ed->e == NULL, ed->key);
    return 0;
}

/* BLOB, or a new one in its place, with room for the bytes; behind those that were there they are
 * as is_cleared says. NULL: no memory, and nothing has changed. */
static struct entry_blob *grow_blob(const struct edit *ed, struct entry_blob *blob)
{
    struct keyspace *ks = ed->db->ks;
    size_t size = sizeof *blob + ed->len, keep = blob->len, more = ed->len - keep;
    /* Where most of it will be zeros, clean memory is better than what is behind the blob. */
    bool clean = is_cleared(ed) && more >= CLEAN_MIN && more > keep;
    size_t roomy = clean ? size : with_room(size, more);
    size_t zeros = is_cleared(ed) && !clean ? more : 0;
    if (!clean && (resize_blob(ks, blob, roomy) || resize_blob(ks, blob, size))) {
        memset(blob->bytes + keep, 0, zeros);
        return blob;
    }
    struct entry_blob *made = alloc_blob(ks, roomy, clean);
    if (made == NULL)
        made = alloc_blob(ks, size, clean);
    if (made == NULL)
        return NULL;
    memcpy(made->bytes, blob->bytes, keep);
    memset(made->bytes + keep, 0, zeros);
    return made;
}

/* BLOB, or a smaller one in its place: most of it is given back, if that can be done. */
static struct entry_blob *shrink_blob(const struct edit *ed, struct entry_blob *blob)
{
    struct keyspace *ks = ed->db->ks;
    size_t size = sizeof *blob + ed->len;
    if (size >= blob->size / 2 || resize_blob(ks, blob, size))
        return blob;
    struct entry_blob *made = alloc_blob(ks, size, false);
    if (made == NULL)
        return blob;
    memcpy(made->bytes, blob->bytes, ed->len);
    return made;
}

static int edit_blob(const struct edit *ed, char **bytes)
{
    struct keyspace *ks = ed->db->ks;
    struct entry_blob *old = blob_of(ks, ed->e);
    struct entry_blob *blob = old;
    if (ed->len > BLOB_MAX)
        return MR_E_MEMORY;
    if (sizeof *old + ed->len > old->size)
        blob = grow_blob(ed, old);
    else if (ed->len < old->len)
        blob = shrink_blob(ed, old);
    else if (is_cleared(ed))
        memset(old->bytes + old->len, 0, ed->len - old->len);
    if (blob == NULL)
        return MR_E_MEMORY;
    blob->len = ed->len;
    if (blob != old) {
        arena_store_short((unsigned char *)(uintptr_t)entry_value(ed->e), arena_shorten(&ks->arena, blob));
        free_blob(ks, old);
    }
    evict_wrote(ks, ed->e);
    ks->dirty += !ed->db->scratch;
    *bytes = blob->bytes;
    return 0;
}

int db_edit_string(struct db *db, struct entry *e, struct slice key, uint64_t hash, size_t len, char **bytes)
{
    struct edit ed = {.db = db, .e = e, .key = key, .hash = hash, .type = OBJECT_STRING, .len = len};
    if (e != NULL && entry_encoding(e) == ENTRY_POINTER)
        return edit_blob(&ed, bytes);
    if (unlikely(key.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    char scratch[NUMBER_TEXT_MAX];
    if (e != NULL)
        ed.was = entry_string(&db->ks->arena, e, scratch);
    return len <= ENTRY_INLINE_MAX ? edit_inline(&ed, bytes) : edit_outgrown(&ed, bytes);
}

/* --- values of other types --- */

int db_edit_packed(struct db *db, struct entry *e, struct slice key, uint64_t hash, unsigned type, size_t len,
                   char **bytes)
{
    struct edit ed = {.db = db, .e = e, .key = key, .hash = hash, .type = type, .len = len};
    if (unlikely(key.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    if (e != NULL && entry_is_packed(e))
        ed.was = entry_packed(&db->ks->arena, e);
    if (e == NULL || entry_encoding(e) != ENTRY_POINTER)
        return len <= ENTRY_INLINE_MAX ? edit_inline(&ed, bytes) : edit_outgrown(&ed, bytes);
    /* A blob is left only when it is much too large, so that one more element needs no other. */
    if (len <= ENTRY_INLINE_MAX / 2 && edit_inline(&ed, bytes) == 0)
        return 0;
    return edit_blob(&ed, bytes);
}

int db_set_object(struct db *db, struct entry *e, struct slice key, uint64_t hash, unsigned type, void *root)
{
    struct write w;
    if (unlikely(key.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    begin_edit(db, &w, type, e, key, hash);
    entry_value_object(&w.v, arena_shorten(&db->ks->arena, root));
    if (!put_value(db, &w))
        return MR_E_MEMORY;
    edited(db, e == NULL, key);
    return 0;
}

void db_changed(struct db *db, struct entry *e)
{
    evict_wrote(db->ks, e);
    db->ks->dirty += !db->scratch;
}
