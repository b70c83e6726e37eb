/*
 * write.c - writes and deletions of single keys and batches, each as one append (append.c). Everything is checked
 * before anything is written.
 */
#include "config.h"

#include <stdlib.h>

#include "store.h"

/* The format has no place for these. */
static bool is_storable(const void *value, size_t len)
{
	return len > 1 || (len == 1 && *(const uint8_t *)value != 0);
}

int write_check_item(const struct reel_batch_item *item)
{
	return item->value == NULL || is_storable(item->value, item->value_len) ? 0 : -EINVAL;
}

/* What a batch made of its keys so far: for each hash, whether it is live, and the tag of its name. */
struct batch {
	struct reel *r;
	struct reel_append *append;
	bool lookup; /* the keys' state is needed */
	bool many;
	struct u64table keys;
	size_t written;
};

enum { KEY_IS_LIVE = 1, KEY_IS_DEAD = 2, KEY_TAG = 32 };

static uint64_t state_of(struct batch *b, uint64_t key_hash)
{
	uint64_t state = u64table_peek(&b->keys, key_hash, NULL);

	if (state != 0)
		return state;
	struct found found = index_peek(b->r, key_hash);
	return found.end == 0 ? KEY_IS_DEAD : KEY_IS_LIVE | (uint64_t)found.tag << KEY_TAG;
}

/* Is the key live, and does the tag not contradict its name? 1, 0 or -ENOTUNIQ. */
static int check_key(struct batch *b, const struct tagged_item *item)
{
	uint64_t state = state_of(b, item->item.key_hash);
	uint32_t known = (uint32_t)(state >> KEY_TAG);

	if (!(state & KEY_IS_LIVE))
		return 0;
	return known != 0 && item->tag != 0 && known != item->tag ? -ENOTUNIQ : 1;
}

static int put_value(struct batch *b, const struct tagged_item *item)
{
	struct reel_append *a = b->append;
	int err = reel_append_entry_begin(a, item->item.key_hash);

	a->tag = item->tag;
	if (err == 0)
		err = append_data_kept(a, item->item.value, item->item.value_len);
	return err == 0 ? reel_append_entry_end(a, NULL) : err;
}

static int put_item(struct batch *b, const struct tagged_item *item)
{
	bool deletes = item->item.value == NULL;
	int err = 0;

	if (b->lookup) {
		int live = check_key(b, item);
		if (live < 0 || (live == 0 && deletes))
			return live;
		if (b->many)
			err = u64table_put(&b->keys, item->item.key_hash,
					   deletes ? KEY_IS_DEAD : KEY_IS_LIVE | (uint64_t)item->tag << KEY_TAG);
	}
	if (err == 0)
		err = deletes ? reel_append_tombstone(b->append, item->item.key_hash) : put_value(b, item);
	b->written += err == 0;
	return err;
}

/*
 * With the append begun, which is ended. The number of entries written. When nothing is to be written, nothing is.
 */
static ssize_t put_all(struct batch *b, const struct tagged_item *items, size_t n)
{
	int err = 0;

	b->append->all_or_nothing = n > 1;
	for (size_t i = 0; err == 0 && i < n; i++)
		err = put_item(b, &items[i]);
	u64table_free(&b->keys);
	if (err < 0 || b->written == 0) {
		reel_append_abort(b->append);
		return err;
	}
	err = reel_append_commit(b->append);
	return err < 0 ? err : (ssize_t)b->written;
}

ssize_t write_items(struct reel *r, const struct tagged_item *items, size_t n)
{
	struct batch b = {.r = r, .lookup = keys_checked(r), .many = n > 1};
	int err = 0;

	for (size_t i = 0; err == 0 && i < n; i++) {
		err = write_check_item(&items[i].item);
		b.lookup |= items[i].item.value == NULL;
	}
	if (err == 0)
		err = b.lookup ? append_begin_indexed(r, &b.append) : reel_append_begin(r, &b.append);
	return err < 0 ? err : put_all(&b, items, n);
}

int reel_write_batch(struct reel *r, const struct reel_batch_item *items, size_t n)
{
	struct tagged_item *tagged = calloc(n + 1, sizeof(*tagged));

	if (tagged == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		tagged[i].item = items[i];
	ssize_t written = write_items(r, tagged, n);
	free(tagged);
	return written < 0 ? (int)written : 0;
}

static struct tagged_item tagged_of(struct reel *r, const struct reel_key *key, const void *value, size_t value_len)
{
	return (struct tagged_item){
	    .item = {.key_hash = reel_hash(key->data, key->len), .value = value, .value_len = value_len},
	    .tag = key_tag(r, key->data, key->len),
	};
}

struct tagged_item *write_tagged(struct reel *r, const struct reel_key_item *items, size_t n)
{
	struct tagged_item *tagged = calloc(n + 1, sizeof(*tagged));

	for (size_t i = 0; tagged != NULL && i < n; i++)
		tagged[i] = tagged_of(r, &items[i].key, items[i].value, items[i].value_len);
	return tagged;
}

int reel_write_batch_keys(struct reel *r, const struct reel_key_item *items, size_t n)
{
	struct tagged_item *tagged = write_tagged(r, items, n);

	if (tagged == NULL)
		return -ENOMEM;
	ssize_t written = write_items(r, tagged, n);
	free(tagged);
	return written < 0 ? (int)written : 0;
}

int reel_write_hash(struct reel *r, uint64_t key_hash, const void *value, size_t value_len)
{
	struct tagged_item item = {.item = {.key_hash = key_hash, .value = value, .value_len = value_len}};

	if (value == NULL)
		return -EINVAL;
	ssize_t written = write_items(r, &item, 1);
	return written < 0 ? (int)written : 0;
}

int reel_write(struct reel *r, const void *key, size_t key_len, const void *value, size_t value_len)
{
	struct tagged_item item = tagged_of(r, &(struct reel_key){key, key_len}, value, value_len);

	if (value == NULL)
		return -EINVAL;
	ssize_t written = write_items(r, &item, 1);
	return written < 0 ? (int)written : 0;
}

int reel_delete_hash(struct reel *r, uint64_t key_hash)
{
	struct tagged_item item = {.item = {.key_hash = key_hash}};

	return (int)write_items(r, &item, 1);
}

int reel_delete(struct reel *r, const void *key, size_t key_len)
{
	struct tagged_item item = tagged_of(r, &(struct reel_key){key, key_len}, NULL, 0);

	return (int)write_items(r, &item, 1);
}

ssize_t reel_delete_batch_hashes(struct reel *r, const uint64_t *key_hashes, size_t n)
{
	struct tagged_item *items = calloc(n + 1, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		items[i].item.key_hash = key_hashes[i];
	ssize_t deleted = write_items(r, items, n);
	free(items);
	return deleted;
}

ssize_t reel_delete_batch(struct reel *r, const struct reel_key *keys, size_t n)
{
	struct tagged_item *items = calloc(n + 1, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		items[i] = tagged_of(r, &keys[i], NULL, 0);
	ssize_t deleted = write_items(r, items, n);
	free(items);
	return deleted;
}
