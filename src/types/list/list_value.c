/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists behind keys: what is packed is changed in a copy on the stack and put back by the
 * keyspace, or becomes an object where it grows too long for that; an object that has become
 * small is packed again.
 */
#include <string.h>

#include "keyspace/object.h"
#include "types/list/list_private.h"

/* An object whose nodes are more is freed by and by. */
#define FREE_AT_ONCE   256
#define ELEMENTS_AHEAD 16
#define ELEMENTS_SURE  16 /* that are pushed without a question whether there is memory */

static const struct list_options defaults = {.max_listpack_size = -2};

void list_init(struct list *l, const struct keyspace *ks)
{
    const struct object_types *types = keyspace_types(ks);
    const struct list_options *o = types == NULL ? NULL : types->options[OBJECT_LIST];
    if (o == NULL)
        o = &defaults;
    int64_t size = o->max_listpack_size;
    l->a = keyspace_arena(ks);
    l->packed = NULL;
    l->root = NULL;
    l->node_bytes = 8192;
    l->node_entries = UINT32_MAX;
    if (size < 0)
        l->node_bytes = size < -4 ? LIST_NODE_MAX : 2048u << -size;
    else
        l->node_entries = size < 1 ? 1 : (uint32_t)size;
    l->depth = (uint64_t)o->compress_depth;
}

void list_of(struct list *l, const struct keyspace *ks, const struct entry *e)
{
    list_init(l, ks);
    if (entry_is_packed(e))
        l->packed = (const unsigned char *)entry_packed(l->a, e).ptr;
    else
        l->root = entry_object(l->a, e);
}

/* --- packed lists --- */

/* Puts the listpack LP, which is not in the entry, in the entry. */
static void put_packed(struct list_key *k, const unsigned char *lp)
{
    char *bytes;
    size_t len = listpack_bytes(lp);
    int code = db_edit_packed(k->db, k->e, k->key, k->hash, OBJECT_LIST, len, &bytes);
    /* The key was there before, and this is short: nothing of it is a size that might not be had. */
    if (code == 0)
        memcpy(bytes, lp, len);
}

/* The list's bytes after more elements are pushed, if it stays packed; else 0. */
static size_t packed_bytes(const struct list *l, const struct slice *elements, size_t count)
{
    size_t bytes = l->packed == NULL ? LISTPACK_EMPTY : listpack_bytes(l->packed);
    if ((l->packed == NULL ? 0 : listpack_count(l->packed)) + count > l->node_entries)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (elements[i].len > LIST_PACKED_MAX)
            return 0;
        struct listpack_value v = listpack_value_of(elements[i]);
        bytes += listpack_entry_bytes(&v);
        if (bytes > LIST_PACKED_MAX)
            return 0;
    }
    return bytes;
}

static void push_packed(unsigned char *lp, bool front, const struct slice *elements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct listpack_value v = listpack_value_of(elements[i]);
        struct listpack_change change = {.count = 1, .values = &v};
        change.at = change.end = front ? LISTPACK_HEAD : listpack_end(lp);
        listpack_change(lp, &change);
    }
}

/* --- objects --- */

/* Deletes the key, or packs the list if it is small; false: it is deleted. */
static bool shrunk(struct list_key *k)
{
    struct list_root *root = k->l.root;
    if (root->count == 0) {
        db_delete_entry(k->db, k->e);
        return false;
    }
    struct list_node *n = list_expand(&k->l, root->head);
    if (__builtin_expect(root->head != root->tail, 1) || n->kind != LIST_PACKED ||
        listpack_bytes(list_node_lp(n)) > LIST_UNPACK_MIN || root->count > k->l.node_entries) {
        db_changed(k->db, k->e);
        return true;
    }
    unsigned char lp[LIST_UNPACK_MIN];
    memcpy(lp, list_node_lp(n), listpack_bytes(list_node_lp(n)));
    put_packed(k, lp);
    return true;
}

/* Pushes all or nothing. */
static int push_all(struct list *l, bool front, const struct slice *elements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        /* SORT has them anywhere. */
        if (i + ELEMENTS_AHEAD < count)
            __builtin_prefetch(elements[i + ELEMENTS_AHEAD].ptr);
        /* Each may take a node, and some to move others to. */
        bool scarce = i % ELEMENTS_SURE == ELEMENTS_SURE - 1 && arena_is_scarce(l->a);
        int code = scarce ? MR_E_MEMORY : list_push(l, front, elements[i]);
        if (__builtin_expect(code != 0, 0)) {
            while (i-- > 0)
                list_pop(l, front);
            return code;
        }
    }
    return 0;
}

/* The packed list, or nothing, becomes an object that has more. */
static int push_outgrown(struct list_key *k, bool front, const struct slice *elements, size_t count,
                         uint64_t *length)
{
    struct list *l = &k->l;
    if (l->packed != NULL)
        list_root_unpack(l);
    else
        list_root_new(l);
    int code = push_all(l, front, elements, count);
    if (code == 0) {
        *length = l->root->count;
        code = db_set_object(k->db, k->e, k->key, k->hash, OBJECT_LIST, l->root);
    }
    if (code != 0)
        list_root_free(l);
    return code;
}

int list_key_push(struct list_key *k, bool front, const struct slice *elements, size_t count,
                  uint64_t *length)
{
    struct list *l = &k->l;
    if (l->root != NULL) {
        int code = push_all(l, front, elements, count);
        *length = l->root->count;
        if (code == 0)
            db_changed(k->db, k->e);
        return code;
    }
    size_t bytes = packed_bytes(l, elements, count);
    if (bytes == 0)
        return push_outgrown(k, front, elements, count, length);
    char *lp;
    int code = db_edit_packed(k->db, k->e, k->key, k->hash, OBJECT_LIST, bytes, &lp);
    if (code != 0)
        return code;
    if (k->e == NULL)
        listpack_init((unsigned char *)lp);
    push_packed((unsigned char *)lp, front, elements, count);
    *length = listpack_count((unsigned char *)lp);
    return 0;
}

bool list_key_remove(struct list_key *k, uint64_t index, uint64_t count)
{
    struct list *l = &k->l;
    if (l->packed == NULL) {
        if (count == 1 && (index == 0 || index == l->root->count - 1))
            list_pop(l, index == 0);
        else
            list_remove(l, index, count);
        return shrunk(k);
    }
    if (count == list_length(l)) {
        db_delete_entry(k->db, k->e);
        return false;
    }
    unsigned char lp[LIST_PACKED_MAX];
    memcpy(lp, l->packed, listpack_bytes(l->packed));
    struct listpack_change change = {.removed = (uint32_t)count};
    change.at = listpack_seek(lp, (int64_t)index);
    change.end =
        index + count == list_length(l) ? listpack_end(lp) : listpack_seek(lp, (int64_t)(index + count));
    listpack_change(lp, &change);
    put_packed(k, lp);
    return true;
}

static void keep_in_object(struct list_key *k, uint64_t index, uint64_t count)
{
    struct list *l = &k->l;
    uint64_t length = l->root->count;
    if (l->root->middle.count < FREE_AT_ONCE || count > length / 2) {
        if (index + count < length)
            list_remove(l, index + count, length - index - count);
        if (index > 0)
            list_remove(l, 0, index);
        return;
    }
    /* What is kept moves out of all that goes, which then is freed by and by. */
    struct list rest = *l;
    rest.depth = 0;
    rest.root = arena_alloc(l->a, sizeof *rest.root);
    *rest.root = *l->root;
    *l->root = (struct list_root){0};
    btree_init(&l->root->middle, BTREE_BY_PLACE);
    list_extract(&rest, index, count, l);
    struct entry_value gone;
    entry_value_object(&gone, arena_shorten(l->a, rest.root));
    keyspace_free_value(db_keyspace(k->db), OBJECT_LIST, &gone);
}

bool list_key_keep(struct list_key *k, uint64_t index, uint64_t count)
{
    struct list *l = &k->l;
    uint64_t length = list_length(l);
    if (count == 0) {
        db_delete_entry(k->db, k->e);
        return false;
    }
    if (count == length)
        return true;
    if (l->packed != NULL) {
        unsigned char lp[LIST_PACKED_MAX];
        memcpy(lp, l->packed, listpack_bytes(l->packed));
        size_t from = listpack_seek(lp, (int64_t)index);
        size_t to = index + count == length ? listpack_end(lp) : listpack_seek(lp, (int64_t)(index + count));
        struct listpack_change behind = {
            .at = to, .end = listpack_end(lp), .removed = (uint32_t)(length - index - count)};
        listpack_change(lp, &behind);
        struct listpack_change before = {.at = LISTPACK_HEAD, .end = from, .removed = (uint32_t)index};
        listpack_change(lp, &before);
        put_packed(k, lp);
        return true;
    }
    keep_in_object(k, index, count);
    return shrunk(k);
}

int list_key_insert(struct list_key *k, uint64_t index, struct slice element)
{
    struct list *l = &k->l;
    size_t bytes = l->packed == NULL ? 0 : packed_bytes(l, &element, 1);
    if (bytes > 0) {
        unsigned char lp[LIST_PACKED_MAX];
        memcpy(lp, l->packed, listpack_bytes(l->packed));
        struct listpack_value v = listpack_value_of(element);
        struct listpack_change change = {.count = 1, .values = &v};
        change.at = change.end =
            index == listpack_count(lp) ? listpack_end(lp) : listpack_seek(lp, (int64_t)index);
        listpack_change(lp, &change);
        put_packed(k, lp);
        return 0;
    }
    bool was_packed = l->packed != NULL;
    if (was_packed)
        list_root_unpack(l);
    int code = list_insert(l, index, element);
    if (code == 0 && was_packed)
        code = db_set_object(k->db, k->e, k->key, k->hash, OBJECT_LIST, l->root);
    else if (code == 0)
        db_changed(k->db, k->e);
    if (code != 0 && was_packed)
        list_root_free(l);
    return code;
}

int list_key_replace(struct list_key *k, uint64_t index, struct slice element)
{
    struct list *l = &k->l;
    bool was_packed = l->packed != NULL;
    if (was_packed && element.len <= LIST_PACKED_MAX) {
        struct listpack_value v = listpack_value_of(element);
        struct listpack_change change = {.removed = 1, .count = 1, .values = &v};
        change.at = listpack_seek(l->packed, (int64_t)index);
        change.end = change.at + listpack_inline_size(l->packed + change.at);
        if (listpack_change_bytes(l->packed, &change) <= LIST_PACKED_MAX) {
            unsigned char lp[LIST_PACKED_MAX];
            memcpy(lp, l->packed, listpack_bytes(l->packed));
            listpack_change(lp, &change);
            put_packed(k, lp);
            return 0;
        }
    }
    if (was_packed)
        list_root_unpack(l);
    int code = list_replace(l, index, element);
    if (code == 0 && was_packed)
        code = db_set_object(k->db, k->e, k->key, k->hash, OBJECT_LIST, l->root);
    else if (code == 0)
        (void)shrunk(k);
    if (code != 0 && was_packed)
        list_root_free(l);
    return code;
}

uint64_t list_key_remove_equal(struct list_key *k, struct slice element, uint64_t max, bool back, bool *left)
{
    struct list *l = &k->l;
    *left = true;
    if (l->packed == NULL) {
        uint64_t removed = list_remove_equal(l, element, max, back);
        if (removed > 0)
            *left = shrunk(k);
        return removed;
    }
    unsigned char lp[LIST_PACKED_MAX];
    memcpy(lp, l->packed, listpack_bytes(l->packed));
    uint64_t removed =
        list_cut_equal(lp, back ? list_last_equal(lp, element, max) : LISTPACK_HEAD, element, max);
    if (removed == 0)
        return 0;
    *left = listpack_count(lp) > 0;
    if (*left)
        put_packed(k, lp);
    else
        db_delete_entry(k->db, k->e);
    return removed;
}

/* --- new values --- */

void list_to_value(struct list *l, struct entry_value *v, unsigned char *scratch)
{
    struct list_root *root = l->root;
    struct list_node *n = list_expand(l, root->head);
    if (root->head == root->tail && n->kind == LIST_PACKED &&
        listpack_bytes(list_node_lp(n)) <= LIST_PACKED_MAX && root->count <= l->node_entries) {
        size_t bytes = listpack_bytes(list_node_lp(n));
        memcpy(scratch, list_node_lp(n), bytes);
        list_root_free(l);
        entry_value_inline(v, slice_of(scratch, bytes));
        return;
    }
    entry_value_object(v, arena_shorten(l->a, root));
}

int list_store_elements(struct db *db, struct slice key, uint64_t hash, const struct slice *elements,
                        size_t count)
{
    struct list l;
    struct entry_value v;
    unsigned char scratch[LIST_PACKED_MAX];
    list_init(&l, db_keyspace(db));
    list_root_new(&l);
    int code = push_all(&l, false, elements, count);
    if (code != 0) {
        list_root_free(&l);
        return code;
    }
    list_to_value(&l, &v, scratch);
    code = db_put(db, key, hash, OBJECT_LIST, &v, DB_EXPIRY_NONE);
    if (code != 0 && v.encoding == ENTRY_OBJECT)
        list_root_free(&l);
    return code;
}
