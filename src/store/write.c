/*
 * write.c - the writing functions of reel.h, each as one append (append.c). Values are checked
 * before anything is written.
 */
#include "config.h"

#include <limits.h>

#include "store.h"

/* The format has no place for these. */
static bool is_storable(const void *value, size_t len)
{
	return len > 1 || (len == 1 && *(const uint8_t *)value != 0);
}

static int put_item(struct reel_append *a, const struct reel_batch_item *item)
{
	if (item->value == NULL)
		return reel_append_tombstone(a, item->key_hash);
	int err = reel_append_entry_begin(a, item->key_hash);
	if (err == 0)
		err = append_data_kept(a, item->value, item->value_len);
	return err == 0 ? reel_append_entry_end(a, NULL) : err;
}

int reel_write_batch(struct reel *r, const struct reel_batch_item *items, size_t n)
{
	struct reel_append *a;

	for (size_t i = 0; i < n; i++) {
		if (items[i].value != NULL && !is_storable(items[i].value, items[i].value_len))
			return -EINVAL;
	}
	int err = reel_append_begin(r, &a);
	if (err < 0)
		return err;
	a->all_or_nothing = n > 1;
	for (size_t i = 0; err == 0 && i < n; i++)
		err = put_item(a, &items[i]);
	if (err < 0) {
		reel_append_abort(a);
		return err;
	}
	return reel_append_commit(a);
}

int reel_write_hash(struct reel *r, uint64_t key_hash, const void *value, size_t value_len)
{
	struct reel_batch_item item = {.key_hash = key_hash, .value = value, .value_len = value_len};

	return value == NULL ? -EINVAL : reel_write_batch(r, &item, 1);
}

int reel_write(struct reel *r, const void *key, size_t key_len, const void *value, size_t value_len)
{
	return reel_write_hash(r, reel_hash(key, key_len), value, value_len);
}

static int pull_all(struct reel_append *a, reel_pull_fn pull, void *arg)
{
	for (;;) {
		uint8_t *room;
		size_t size;
		int err = append_room(a, &room, &size);
		if (err < 0)
			return err;
		ssize_t n = pull(arg, room, size);
		if (n <= 0)
			return n < INT_MIN ? -EIO : (int)n;
		if ((size_t)n > size)
			return -EINVAL;
		append_filled(a, (size_t)n);
	}
}

int reel_write_stream(struct reel *r, uint64_t key_hash, reel_pull_fn pull, void *arg)
{
	struct reel_append *a;
	int err = reel_append_begin(r, &a);

	if (err < 0)
		return err;
	err = reel_append_entry_begin(a, key_hash);
	if (err == 0)
		err = pull_all(a, pull, arg);
	if (err == 0)
		err = reel_append_entry_end(a, NULL);
	if (err < 0) {
		reel_append_abort(a);
		return err;
	}
	return reel_append_commit(a);
}

int reel_delete_hash(struct reel *r, uint64_t key_hash)
{
	struct reel_append *a;
	int err = index_need(r);

	if (err == 0)
		err = reel_append_begin(r, &a);
	if (err < 0)
		return err;
	/* Looked up while no one else can append. */
	if (index_find(r, key_hash) == 0) {
		reel_append_abort(a);
		return 0;
	}
	err = reel_append_tombstone(a, key_hash);
	if (err < 0) {
		reel_append_abort(a);
		return err;
	}
	err = reel_append_commit(a);
	return err < 0 ? err : 1;
}

int reel_delete(struct reel *r, const void *key, size_t key_len)
{
	return reel_delete_hash(r, reel_hash(key, key_len));
}
