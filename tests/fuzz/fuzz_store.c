/*
 * fuzz_store.c - any bytes, also of the older generations, are opened by the functions of reel.h: read, searched for
 * a torn tail, indexed, followed as they grow, converted, written to, compacted.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "engine.h"

enum { OPERATIONS = 10, VALUE_MAX = 300 };

static int open_it(const char *path, unsigned flags, struct reel **ret)
{
	struct reel_options options = {.flags = flags, .log = fuzz_log};
	int r = reel_open(path, &options, ret);

	FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -ENOTSUP, "opening: %s", strerror(-r));
	return r;
}

static int count(void *arg, const struct reel_entry *e)
{
	(void)e;
	__atomic_fetch_add((uint64_t *)arg, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Everything that reads. */
static char *look(struct reel *r)
{
	char *text = live_text(r, false);
	struct reel_compaction c;
	struct reel_entry e;
	struct reel_info info;
	struct reel_iter *it;
	uint64_t visited = 0, all = 0, tombstones = 0, end = reel_file_size(r);
	int err;

	FUZZ_CHECK(reel_info(r, &info) == 0, "info fails");
	FUZZ_CHECK(reel_for_each(r, 1, count, &visited) == 0 && visited == info.live, "%llu visited of %llu",
		   (unsigned long long)visited, (unsigned long long)info.live);
	FUZZ_CHECK(reel_iter_new(r, false, &it) == 0, "iterating fails");
	while ((err = reel_iter_next(it, &e)) == 1) {
		FUZZ_CHECK(e.end == end && e.prev_tail < end && e.offset + e.len <= end, "entries overlap");
		end = e.prev_tail;
		all++;
		tombstones += e.tombstone;
		reel_entry_release(&e);
	}
	FUZZ_CHECK(err == 0 && end == 0, "the walk does not end at the start");
	reel_iter_free(it);
	FUZZ_CHECK(all == info.entries && tombstones == info.tombstones, "info counts other entries");
	err = reel_read_last(r, &e);
	FUZZ_CHECK(err == (all ? 0 : -ENOENT), "the last entry: %s", strerror(-err));
	if (err == 0)
		reel_entry_release(&e);
	FUZZ_CHECK(reel_compact_estimate(r, &c) == 0 && c.entries == info.live, "the estimate fails");
	return text;
}

static void convert(const char *path)
{
	struct reel_options options = {.log = fuzz_log};
	const char *to = fuzz_path("converted");
	struct reel *r;
	int err = reel_convert(path, to, &options, NULL);
	char *text, *live;

	FUZZ_CHECK(err == 0 || err == -EBADMSG || err == -EINVAL || err == -EOPNOTSUPP, "converting: %s", strerror(-err));
	if (err < 0) {
		FUZZ_CHECK(access(to, F_OK) < 0, "a failed conversion leaves a file");
		return;
	}
	FUZZ_CHECK(open_it(path, REEL_RDONLY, &r) == 0, "what is converted cannot be opened");
	live = live_text(r, true);
	reel_close(r);
	FUZZ_CHECK(open_it(to, 0, &r) == 0, "what was converted cannot be opened");
	text = look(r);
	fuzz_same(live, text, "before and after conversion");
	reel_close(r);
	free(live);
	free(text);
}

static void write_some(struct reel *r, uint64_t seed)
{
	static uint8_t value[VALUE_MAX];

	for (unsigned i = 0; i < OPERATIONS; i++) {
		char key[2] = {(char)('a' + fuzz_random(&seed) % 6), 0}, other[2] = {(char)('a' + fuzz_random(&seed) % 6), 0};
		size_t len = 2 + fuzz_random(&seed) % (VALUE_MAX - 2);
		int err;

		memset(value, (int)fuzz_random(&seed), len);
		switch (fuzz_random(&seed) % 4) {
		case 0:
			err = reel_delete(r, key, 1);
			FUZZ_CHECK(err >= 0, "deleting: %s", strerror(-err));
			break;
		case 1:
			err = reel_rename(r, key, 1, other, 1);
			FUZZ_CHECK(err == 0 || err == -EINVAL || err == -ENOENT || err == -EBADMSG, "renaming: %s",
				   strerror(-err));
			break;
		default:
			err = reel_write(r, key, 1, value, len);
			FUZZ_CHECK(err == 0, "writing: %s", strerror(-err));
		}
	}
	FUZZ_CHECK(reel_failed(r) == 0, "the store has failed");
}

static void write_and_compact(const char *path, uint64_t seed, struct reel *r)
{
	char *before, *after;
	int err;

	write_some(r, seed);
	before = look(r);
	FUZZ_CHECK(reel_close(r) == 0, "closing fails");
	FUZZ_CHECK(open_it(path, 0, &r) == 0, "it cannot be opened again");
	after = look(r);
	fuzz_same(before, after, "before and after closing and opening");
	free(after);
	err = reel_compact(r, NULL);
	FUZZ_CHECK(err == 0 || err == -EBADMSG || err == -EOPNOTSUPP, "compacting: %s", strerror(-err));
	after = look(r);
	fuzz_same(before, after, "before and after compaction");
	free(after);
	FUZZ_CHECK(reel_close(r) == 0, "closing fails");
	FUZZ_CHECK(open_it(path, REEL_RDONLY, &r) == 0, "it cannot be opened after compaction");
	after = look(r);
	fuzz_same(before, after, "before and after compaction and opening");
	free(after);
	free(before);
	reel_close(r);
}

/* A reader sees the first part, and then the rest. */
static void follow(const uint8_t *data, size_t size, size_t first)
{
	const char *path = fuzz_path("followed");
	struct reel *r;
	char *text;

	fuzz_store(path, data, first);
	if (open_it(path, REEL_RDONLY, &r) < 0)
		return;
	free(look(r));
	fuzz_store(path, data, size);
	(void)reel_refresh(r);
	text = look(r);
	free(text);
	reel_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_path("c");
	uint64_t seed = reel_hash(data, size);
	char *text, *writable;
	struct reel *r;
	int err;

	fuzz_clean();
	fuzz_store(path, data, size);
	err = open_it(path, REEL_RDONLY, &r);
	fuzz_unchanged(path, data, size, false);
	text = err == 0 ? look(r) : NULL;
	if (err == 0) {
		reel_close(r);
		convert(path);
	}
	if (size > 0)
		follow(data, size, fuzz_random(&seed) % size);
	err = open_it(path, 0, &r);
	fuzz_unchanged(path, data, size, err == 0);
	FUZZ_CHECK(err < 0 || text, "it can be opened for writing and not for reading");
	if (err == 0) {
		writable = look(r);
		fuzz_same(text, writable, "opened for reading and for writing");
		free(writable);
		write_and_compact(path, seed, r);
	}
	free(text);
	return 0;
}
