/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sorted set as the handlers see it, packed or big. A packed one is changed in a buffer and
 * put behind its key when all is done, so that what is refused has changed nothing.
 * One that has become too large for a listpack is big from then on.
 */
#include "types/zset/zset.h"

#include "types/zset/geo_cmds.h"
#include "types/zset/zset_cmds.h"
#include "types/zset/zset_pack.h"

static const struct command rows[] = {
#define COMMAND(NAME, HANDLER, ...) {.name = (NAME), .handler = (HANDLER), __VA_ARGS__},
#include "types/zset/geo.def"
#include "types/zset/zset.def"
#undef COMMAND
};

const struct config_option zset_config_rows[] = {
    {.name = "zset-max-listpack-entries",
     .alias = "zset-max-ziplist-entries",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct zset_options, max_entries),
     .fallback = "128",
     .min = 0,
     .max = INT64_MAX,
     .sentence = "Members up to which a sorted set is kept packed, in less memory and more time."},
    {.name = "zset-max-listpack-value",
     .alias = "zset-max-ziplist-value",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct zset_options, max_value),
     .fallback = "64",
     .min = 0,
     .max = INT64_MAX,
     .unit = "bytes",
     .sentence = "Length of a member up to which its sorted set is kept packed."},
};
const size_t zset_config_count = sizeof zset_config_rows / sizeof zset_config_rows[0];

void zset_register(struct registry *registry, struct object_types *types, const struct zset_options *options)
{
    object_types_add(types, &zset_type);
    types->options[OBJECT_ZSET] = options;
    registry_add(registry, rows, sizeof rows / sizeof *rows, NULL);
}

const struct zset_options *zset_options_of(const struct keyspace *ks)
{
    static const struct zset_options fallback = {.max_entries = 128, .max_value = 64};
    const struct object_types *types = keyspace_types(ks);
    const struct zset_options *options = types == NULL ? NULL : types->options[OBJECT_ZSET];
    return options == NULL ? &fallback : options;
}

bool zset_is_small(const struct zset_options *options, uint64_t entries, uint64_t longest)
{
    return entries <= (uint64_t)options->max_entries && longest <= (uint64_t)options->max_value &&
           longest <= LISTPACK_MAX / 2;
}

/* --- finding --- */

void zset_open(struct zset *z, const struct keyspace *ks, const struct entry *e)
{
    *z = (struct zset){.ks = (struct keyspace *)(uintptr_t)ks, .a = keyspace_arena(ks)};
    z->e = (struct entry *)(uintptr_t)e;
    if (entry_is_packed(e))
        z->lp = (const unsigned char *)entry_packed(z->a, e).ptr;
    else
        z->big = entry_object(z->a, e);
}

bool zset_find(struct command_ctx *ctx, uint32_t i, unsigned flags, struct zset *z)
{
    struct keyspace *ks = db_keyspace(ctx->db);
    uint64_t hash = i == command_first_key(ctx->command) ? ctx->key_hash : dispatch_hash(ctx, i);
    flags |= ctx->session->flags & SESSION_NO_TOUCH ? DB_NO_TOUCH : 0;
    struct entry *e = db_find(ctx->db, ctx->argv[i], hash, flags);
    if (e == NULL) {
        *z = (struct zset){.ks = ks, .a = keyspace_arena(ks)};
    } else if (entry_type(e) == OBJECT_ZSET) {
        zset_open(z, ks, e);
    } else {
        resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
        return false;
    }
    z->db = ctx->db;
    z->key = ctx->argv[i];
    z->hash = hash;
    return true;
}

uint64_t zset_count(const struct zset *z)
{
    if (z->big != NULL)
        return z->big->tree.count;
    return z->lp == NULL ? 0 : zset_pack_count(z->lp);
}

bool zset_member(const struct zset *z, struct slice member, uint64_t hash, struct zset_found *found)
{
    *found = (struct zset_found){0};
    if (z->big != NULL) {
        found->el = zset_big_find(z->big, z->a, member, hash, &found->slot);
        if (found->el == NULL)
            return false;
        found->score = zset_element_score(found->el);
        return true;
    }
    if (z->lp == NULL)
        return false;
    found->at = zset_pack_find(z->lp, member);
    if (found->at == 0)
        return false;
    found->score = zset_pack_score(z->lp, found->at);
    return true;
}

uint64_t zset_rank(const struct zset *z, struct slice member, const struct zset_found *found)
{
    if (z->big == NULL)
        return zset_pack_rank(z->lp, found->at);
    struct btree_place place = zset_big_seek(z->big, z->a, found->score, member);
    return btree_rank(&z->big->tree, z->a, &place);
}

/* --- changing --- */

void zset_edit(struct zset *z)
{
    if (z->big != NULL || z->editing)
        return;
    struct buf *pack = &z->pack;
    if (z->lp == NULL) {
        zset_pack_begin(pack);
    } else {
        pack->len = 0;
        int code = buf_try_grow(pack, listpack_bytes(z->lp));
        if (code != 0) {
            z->code = code;
            return;
        }
        buf_append(pack, z->lp, listpack_bytes(z->lp));
    }
    z->lp = zset_pack_of(pack);
    z->editing = true;
}

/* From here on it is big; false: there is no memory for that. */
static bool grow_big(struct zset *z)
{
    struct zset_big *big = zset_big_new(z->a);
    const unsigned char *lp = z->lp;
    char scratch[NUMBER_TEXT_MAX];
    for (size_t at = LISTPACK_HEAD; at < listpack_end(lp); at = zset_pack_next(lp, at)) {
        struct slice member = zset_pack_text(lp, at, scratch);
        struct zset_element *el =
            arena_is_scarce(z->a) ? NULL : zset_element_new(z->a, member, zset_pack_score(lp, at));
        if (el == NULL) {
            zset_big_free(z->a, big);
            z->code = MR_E_MEMORY;
            return false;
        }
        zset_big_append(z->ks, big, el, keyspace_hash(z->ks, member));
    }
    buf_done(&z->pack);
    z->big = big;
    z->lp = NULL;
    z->editing = false;
    z->made = true;
    return true;
}

/* Whether the member was added to the packed bytes; else the set is big, or Z has the code. */
static bool add_packed(struct zset *z, struct slice member, double score)
{
    if (z->big != NULL || z->code != 0)
        return false;
    bool small = zset_is_small(zset_options_of(z->ks), zset_count(z) + 1, member.len);
    int code = small ? zset_pack_add(&z->pack, member, score) : MR_E_TOO_BIG;
    if (code == MR_E_TOO_BIG)
        (void)grow_big(z);
    else if (code != 0)
        z->code = code;
    else
        z->lp = zset_pack_of(&z->pack);
    return code == 0;
}

void zset_add(struct zset *z, struct slice member, uint64_t hash, double score)
{
    if (!add_packed(z, member, score) && z->code == 0)
        zset_big_add(z->ks, z->big, member, hash, score);
}

void zset_add_element(struct zset *z, struct zset_element *el, uint64_t hash)
{
    if (add_packed(z, zset_element_member(el), zset_element_score(el)) || z->code != 0)
        zset_element_free(z->a, el);
    else
        zset_big_put(z->ks, z->big, el, hash);
}

void zset_rescore(struct zset *z, struct slice member, const struct zset_found *found, double score)
{
    if (z->big != NULL) {
        zset_big_rescore(z->a, z->big, found->el, found->slot, score);
        return;
    }
    if (z->code != 0)
        return;
    struct buf *pack = &z->pack;
    zset_pack_remove(pack, found->at, 1);
    int code = zset_pack_add(pack, member, score);
    if (code == MR_E_TOO_BIG) {
        struct zset_element *el = zset_element_new(z->a, member, score);
        z->lp = zset_pack_of(pack);
        if (el == NULL)
            z->code = MR_E_MEMORY;
        else if (!grow_big(z))
            zset_element_free(z->a, el);
        else
            zset_big_put(z->ks, z->big, el, keyspace_hash(z->ks, member));
        return;
    }
    z->lp = zset_pack_of(pack);
    z->code = code;
}

void zset_remove(struct zset *z, uint64_t hash, const struct zset_found *found)
{
    if (z->big != NULL)
        zset_big_remove(z->ks, z->big, found->el, found->slot, hash);
    else if (z->code == 0)
        zset_pack_remove(&z->pack, found->at, 1);
}

void zset_remove_range(struct zset *z, uint64_t rank, uint64_t count)
{
    if (count == 0)
        return;
    if (z->big != NULL)
        zset_big_remove_range(z->ks, z->big, rank, count);
    else if (z->code == 0)
        zset_pack_remove(&z->pack, zset_pack_at(z->lp, rank), count);
}

static int commit_pack(struct zset *z)
{
    struct buf *pack = &z->pack;
    char *bytes;
    int code = db_edit_packed(z->db, z->e, z->key, z->hash, OBJECT_ZSET, pack->len, &bytes);
    if (code == 0)
        memcpy(bytes, pack->data, pack->len);
    return code;
}

int zset_commit(struct zset *z, bool *emptied)
{
    int code = z->code;
    bool empty = code == 0 && zset_count(z) == 0;
    if (emptied != NULL)
        *emptied = empty;
    if (empty && z->made)
        zset_big_free(z->a, z->big);
    if (code != 0) {
        if (z->made)
            zset_big_free(z->a, z->big);
    } else if (empty) {
        if (z->e != NULL)
            db_delete_entry(z->db, z->e);
    } else if (z->big == NULL) {
        code = commit_pack(z);
    } else if (!z->made) {
        db_changed(z->db, z->e);
    } else {
        code = db_set_object(z->db, z->e, z->key, z->hash, OBJECT_ZSET, z->big);
        if (code != 0)
            zset_big_free(z->a, z->big);
    }
    buf_done(&z->pack);
    return code;
}

bool zset_finish_from(struct command_ctx *ctx, struct zset *z, const char *name, uint64_t changes,
                      size_t mark)
{
    bool emptied;
    uint64_t dirty = keyspace_dirty(z->ks);
    int code = zset_commit(z, &emptied);
    if (code != 0) {
        ctx->reply->out->len = mark;
        resp_error_code(ctx->reply, code);
        return false;
    }
    keyspace_set_dirty(z->ks, dirty + changes);
    db_event(ctx->db, EVENT_ZSET, name, z->key);
    if (emptied)
        db_event(ctx->db, EVENT_GENERIC, "del", z->key);
    return true;
}

bool zset_finish(struct command_ctx *ctx, struct zset *z, const char *name, uint64_t changes)
{
    return zset_finish_from(ctx, z, name, changes, ctx->reply->out->len);
}

/* --- walking --- */

void zset_walk_begin(struct zset_walk *w, const struct zset *z, uint64_t rank, uint64_t count, bool reverse)
{
    uint64_t total = zset_count(z);
    *w = (struct zset_walk){.z = z, .reverse = reverse};
    if (rank >= total || count == 0)
        return;
    w->left = count < total - rank ? count : total - rank;
    if (reverse)
        rank = total - 1 - rank;
    if (z->big != NULL)
        w->place = btree_at(&z->big->tree, z->a, rank, NULL);
    else
        w->at = zset_pack_at(z->lp, rank);
}

static void step(struct zset_walk *w)
{
    const struct zset *z = w->z;
    if (z->big != NULL && w->reverse)
        btree_prev(z->a, &w->place);
    else if (z->big != NULL)
        btree_next(z->a, &w->place);
    else if (w->reverse)
        w->at = zset_pack_prev(z->lp, w->at);
    else
        w->at = zset_pack_next(z->lp, w->at);
}

bool zset_walk_next(struct zset_walk *w, struct zset_item *item)
{
    if (w->left == 0)
        return false;
    if (w->begun)
        step(w);
    w->begun = true;
    w->left--;
    if (w->z->big != NULL) {
        const struct zset_element *el = btree_element(w->z->a, &w->place);
        item->member = zset_element_member(el);
        item->score = zset_element_score(el);
    } else {
        item->member = zset_pack_text(w->z->lp, w->at, item->scratch);
        item->score = zset_pack_score(w->z->lp, w->at);
    }
    return true;
}
