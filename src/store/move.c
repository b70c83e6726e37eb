/*
 * move.c - values that go to another key or another container. Never gives a damaged value a good checksum, and never
 * deletes a value but the one that was copied.
 */
#include "config.h"

#include "store.h"

/* With the append begun: the entry under the key, in the mapping of the present file, which the append keeps. */
static int find_source(struct reel *r, uint64_t key_hash, uint32_t tag, struct reel_entry *ret)
{
	struct found found = index_peek(r, key_hash);
	struct chain c = store_chain(r, found.end);

	if (found.end == 0)
		return -ENOENT;
	if (found.tag != 0 && tag != 0 && found.tag != tag)
		return -ENOTUNIQ;
	return entry_parse(&c, found.end, ret);
}

/* A free name, or the same one. */
static int check_target(struct reel *r, uint64_t key_hash, uint32_t tag)
{
	struct found found = index_peek(r, key_hash);

	return found.end != 0 && found.tag != 0 && tag != 0 && found.tag != tag ? -ENOTUNIQ : 0;
}

static int put_renamed(struct reel_append *a, const struct reel_entry *from, uint64_t to_hash, uint32_t to_tag)
{
	struct reel_entry placed;
	int err = reel_append_entry_begin(a, to_hash);

	a->tag = to_tag;
	if (err == 0)
		err = append_data_kept(a, from->payload, from->len);
	if (err == 0)
		err = reel_append_entry_end(a, &placed);
	if (err == 0 && placed.crc != from->crc)
		err = -EBADMSG;
	return err == 0 ? reel_append_tombstone(a, from->key_hash) : err;
}

int reel_rename(struct reel *r, const void *from, size_t from_len, const void *to, size_t to_len)
{
	uint64_t from_hash = reel_hash(from, from_len), to_hash = reel_hash(to, to_len);
	uint32_t to_tag = key_tag(r, to, to_len);
	struct reel_append *a;
	struct reel_entry e = {.offset = 0};

	if (from_hash == to_hash)
		return -EINVAL;
	int err = append_begin_indexed(r, &a);
	if (err < 0)
		return err;
	a->all_or_nothing = true;
	err = find_source(r, from_hash, key_tag(r, from, from_len), &e);
	if (err == 0)
		err = check_target(r, to_hash, to_tag);
	if (err == 0)
		err = put_renamed(a, &e, to_hash, to_tag);
	if (err == 0)
		return reel_append_commit(a);
	reel_append_abort(a);
	if (err == -EBADMSG)
		reel_log(r, LOG_ERR, "%s: the entry at offset %" PRIu64 " does not have its checksum; it was not renamed",
			 r->path, e.offset);
	return err;
}

static int is_same_file(struct reel *r, struct reel *other)
{
	struct stat st, other_st;
	int err = r->disk->fstat(r->disk, r->fd, &st);

	if (err == 0)
		err = other->disk->fstat(other->disk, other->fd, &other_st);
	return err < 0 ? err : st.st_dev == other_st.st_dev && st.st_ino == other_st.st_ino;
}

/* *ret is what was copied, for the caller to release when 0 is returned. */
static int copy_value(struct reel *r, const void *key, size_t key_len, struct reel *target, struct reel_entry *ret)
{
	int err = is_same_file(r, target);

	if (err != 0)
		return err < 0 ? err : -EINVAL;
	err = reel_read(r, key, key_len, ret);
	if (err < 0)
		return err;
	if (reel_entry_valid(ret)) {
		err = reel_write(target, key, key_len, ret->payload, ret->len);
	} else {
		err = -EBADMSG;
		reel_log(r, LOG_ERR, "%s: the entry at offset %" PRIu64 " does not have its checksum; it was not copied",
			 r->path, ret->offset);
	}
	if (err < 0)
		reel_entry_release(ret);
	return err;
}

int reel_copy_to(struct reel *r, const void *key, size_t key_len, struct reel *target)
{
	struct reel_entry e;
	int err = copy_value(r, key, key_len, target, &e);

	if (err == 0)
		reel_entry_release(&e);
	return err;
}

int reel_transfer(struct reel *r, const void *key, size_t key_len, struct reel *target)
{
	struct reel_entry e;
	int err = store_writable(r) ? copy_value(r, key, key_len, target, &e) : -EROFS;

	if (err < 0)
		return err;
	err = reel_sync(target);
	if (err == 0)
		err = move_delete_same(r, &e);
	reel_entry_release(&e);
	return err;
}

static bool is_same_value(const struct reel_entry *a, const struct reel_entry *b)
{
	return a->len == b->len && a->crc == b->crc &&
	       (a->payload == b->payload || memcmp(a->payload, b->payload, a->len) == 0);
}

int move_delete_same(struct reel *r, const struct reel_entry *e)
{
	struct reel_append *a;
	struct reel_entry now;
	int err = append_begin_indexed(r, &a);

	if (err < 0)
		return err;
	err = find_source(r, e->key_hash, 0, &now);
	/* Deleted by another: what was asked for is so. */
	bool gone = err == -ENOENT;
	if (err == 0 && !is_same_value(e, &now))
		err = -EAGAIN;
	if (err == 0)
		err = reel_append_tombstone(a, e->key_hash);
	if (err == 0)
		return reel_append_commit(a);
	reel_append_abort(a);
	return gone ? 0 : err;
}
