/*
 * read.c - the reading functions of reel.h, by key and by hash. Takes no lock but what lookup.c does.
 */
#include "config.h"

#include <stdlib.h>

#include "store.h"

enum {
	GROUP = 256, /* keys of a batch that are worked on at a time, in memory of the stack */
};

/* Is what was found of the name with this tag? Where its name is not known yet, it is from now on. */
static int check_name(struct reel *r, uint64_t key_hash, const struct found *found, uint32_t tag)
{
	uint32_t known = found->tag;

	if (tag == 0 || found->end == 0)
		return 0;
	if (known == 0)
		known = index_claim(r, key_hash, found->end, tag);
	return known == tag ? 0 : -ENOTUNIQ;
}

static int read_one(struct reel *r, uint64_t key_hash, uint32_t tag, struct reel_entry *ret)
{
	struct found found;
	int err = index_find(r, key_hash, &found);

	if (err < 0)
		return err;
	if (found.end == 0)
		return -ENOENT;
	err = check_name(r, key_hash, &found, tag);
	if (err < 0) {
		mapping_unref(found.map);
		return err;
	}
	return store_entry(r, found.map, found.end, ret);
}

int reel_read_hash(struct reel *r, uint64_t key_hash, struct reel_entry *ret)
{
	return read_one(r, key_hash, 0, ret);
}

int reel_read(struct reel *r, const void *key, size_t key_len, struct reel_entry *ret)
{
	return read_one(r, reel_hash(key, key_len), key_tag(r, key, key_len), ret);
}

static int exists(struct reel *r, uint64_t key_hash, uint32_t tag)
{
	struct found found;
	int err = index_find(r, key_hash, &found);

	if (err < 0 || found.end == 0)
		return err;
	mapping_unref(found.map);
	err = check_name(r, key_hash, &found, tag);
	return err < 0 ? err : 1;
}

int reel_exists_hash(struct reel *r, uint64_t key_hash)
{
	return exists(r, key_hash, 0);
}

int reel_exists(struct reel *r, const void *key, size_t key_len)
{
	return exists(r, reel_hash(key, key_len), key_tag(r, key, key_len));
}

int reel_read_last(struct reel *r, struct reel_entry *ret)
{
	struct snapshot s;

	snapshot_take(r, &s);
	return store_entry(r, s.map, s.tail, ret);
}

int64_t reel_len(struct reel *r)
{
	return index_count(r);
}

int reel_is_empty(struct reel *r)
{
	int64_t n = index_count(r);

	return n < 0 ? (int)n : n == 0;
}

/* Turns what was found into entries. Every reference of found[] is used up. How many there are, or an error. */
static ssize_t to_entries(struct reel *r, struct found *found, size_t n, struct reel_entry *ret)
{
	ssize_t live = 0;
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		if (found[i].end != 0)
			__builtin_prefetch(found[i].map->base + found[i].end - found[i].map->gen->trailer);
	}
	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct reel_entry){.payload = NULL};
		if (found[i].end == 0)
			continue;
		int one = store_entry(r, found[i].map, found[i].end, &ret[i]);
		if (one < 0)
			err = one;
		else
			live++;
	}
	return err < 0 ? err : live;
}

static void release_all(struct reel_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		reel_entry_release(&entries[i]);
}

static void release_found(const struct found *found, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (found[i].end != 0)
			mapping_unref(found[i].map);
	}
}

static int check_names(struct reel *r, const struct reel_key *keys, const uint64_t *key_hashes, size_t n,
		       const struct found *found)
{
	int err = 0;

	for (size_t i = 0; keys != NULL && err == 0 && i < n; i++)
		err = check_name(r, key_hashes[i], &found[i], key_tag(r, keys[i].data, keys[i].len));
	return err;
}

/* `keys` may be NULL: the names are not known. found[] has room for n. */
static ssize_t read_many(struct reel *r, const struct reel_key *keys, const uint64_t *key_hashes, size_t n, struct found *found,
			 struct reel_entry *ret)
{
	int err = index_find_many(r, key_hashes, n, found);
	ssize_t live = 0;

	if (err < 0)
		return err;
	err = check_names(r, keys, key_hashes, n, found);
	if (err < 0) {
		release_found(found, n);
		return err;
	}
	for (size_t done = 0; done < n; done += GROUP) {
		size_t some = n - done < GROUP ? n - done : GROUP;
		ssize_t more = to_entries(r, found + done, some, ret + done);
		if (more < 0) {
			release_all(ret, done + some);
			release_found(found + done + some, n - done - some);
			return more;
		}
		live += more;
	}
	return live;
}

ssize_t reel_read_batch_hashes(struct reel *r, const uint64_t *key_hashes, size_t n, struct reel_entry *ret)
{
	struct found few[GROUP], *found = n <= GROUP ? few : calloc(n, sizeof(*found));

	if (found == NULL)
		return -ENOMEM;
	ssize_t live = read_many(r, NULL, key_hashes, n, found, ret);
	if (found != few)
		free(found);
	return live;
}

ssize_t reel_read_batch(struct reel *r, const struct reel_key *keys, size_t n, struct reel_entry *ret)
{
	uint64_t few_hashes[GROUP], *key_hashes = n <= GROUP ? few_hashes : calloc(n, sizeof(*key_hashes));
	struct found few[GROUP], *found = n <= GROUP ? few : calloc(n, sizeof(*found));
	ssize_t live = -ENOMEM;

	if (key_hashes != NULL && found != NULL) {
		reel_hash_batch(keys, n, key_hashes);
		live = read_many(r, keys, key_hashes, n, found, ret);
	}
	if (found != few)
		free(found);
	if (key_hashes != few_hashes)
		free(key_hashes);
	return live;
}
