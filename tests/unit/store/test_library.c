/*
 * test_library.c - the functions of reel.h beyond single entries: handles, batches, streams, walks by threads, moves
 * between keys and containers, name spaces and what is built on them, imports.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format.h"
#include "runner.h"

/* A handle's clone has a life of its own, and both say where the entry is. */
START_TEST(entry_tells_its_facts)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry e, clone;
	struct reel_entry_facts facts;

	must_write(r, "a", "0123456789");
	must_write(r, "b", "abc");
	ck_assert_int_eq(reel_read(r, "b", 1, &e), 0);
	reel_entry_clone(&e, &clone);
	reel_entry_release(&e);
	reel_entry_release(&e);
	reel_entry_facts(&clone, &facts);
	ck_assert(facts.payload_start == 64 && facts.payload_end == 67);
	ck_assert(facts.address_start == clone.payload && facts.address_end == clone.payload + 3);
	ck_assert_uint_eq((uintptr_t)clone.payload % 64, 0);
	/* 34 bytes of pad after the first entry's end at 30. */
	ck_assert_uint_eq(facts.disk_size, 34 + 3 + 20);
	ck_assert_uint_eq(load_u32(facts.raw_checksum), reel_crc32(0, "abc", 3));
	ck_assert(facts.valid);
	reel_entry_release(&clone);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* Chunks add up to the payload, with and without a copy, from any position. */
START_TEST(chunks_add_up_to_the_payload)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_chunks chunks;
	struct reel_entry e;
	const uint8_t *at;
	char text[32] = "";
	size_t n, got = 0;

	must_write(r, "k", "one two three four");
	ck_assert_int_eq(reel_read(r, "k", 1, &e), 0);
	reel_chunks_begin(&e, &chunks);
	reel_entry_release(&e);
	while ((n = reel_chunks_read(&chunks, text + got, 5)) > 0)
		got += n;
	ck_assert_str_eq(text, "one two three four");
	chunks.position = 14;
	ck_assert_uint_eq(reel_chunks_next(&chunks, 100, &at), 4);
	ck_assert_int_eq(memcmp(at, "four", 4), 0);
	chunks.position = 1000;
	ck_assert_uint_eq(reel_chunks_next(&chunks, 100, &at), 0);
	reel_chunks_end(&chunks);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A batch of keys is read in its order; keys that are not there have no payload. */
START_TEST(batch_of_reads_keeps_its_order)
{
	enum { KEYS = 1000 };
	struct reel *r = must_open("c", REEL_CREATE);
	static uint64_t hashes[2 * KEYS];
	static struct reel_key keys[2 * KEYS];
	static struct reel_entry entries[2 * KEYS];
	static char names[2 * KEYS][16];

	for (size_t i = 0; i < 2 * KEYS; i++) {
		snprintf(names[i], sizeof(names[i]), "key %zu", i);
		keys[i] = (struct reel_key){names[i], strlen(names[i])};
		if (i % 2 == 0)
			ck_assert_int_eq(reel_write(r, keys[i].data, keys[i].len, &i, sizeof(i)), 0);
	}
	reel_hash_batch(keys, 2 * KEYS, hashes);
	for (int by_hash = 0; by_hash < 2; by_hash++) {
		ck_assert_int_eq(by_hash ? reel_read_batch_hashes(r, hashes, 2 * KEYS, entries)
					 : reel_read_batch(r, keys, 2 * KEYS, entries),
				 KEYS);
		for (size_t i = 0; i < 2 * KEYS; i++) {
			ck_assert_int_eq(entries[i].payload != NULL, i % 2 == 0);
			if (i % 2 == 0)
				ck_assert_int_eq(memcmp(entries[i].payload, &i, 8), 0);
			reel_entry_release(&entries[i]);
		}
	}
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A batch of deletions writes one tombstone for each key that is there, and nothing when none is. */
START_TEST(batch_of_deletions_counts_what_was_there)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_key keys[] = {{"a", 1}, {"absent", 6}, {"b", 1}, {"a", 1}};
	uint64_t hashes[] = {reel_hash("c", 1), 12345};

	must_write(r, "a", "value");
	must_write(r, "b", "value");
	must_write(r, "c", "value");
	ck_assert_int_eq(reel_delete_batch(r, keys, 4), 2);
	ck_assert_uint_eq(count_entries(r, false), 5);
	ck_assert_int_eq(reel_delete_batch_hashes(r, hashes, 2), 1);
	uint64_t size = file_size("c");
	ck_assert_int_eq(reel_delete_batch(r, keys, 4), 0);
	ck_assert_int_eq(reel_delete_batch(r, keys, 0), 0);
	ck_assert_uint_eq(file_size("c"), size);
	ck_assert_int_eq(reel_is_empty(r), 1);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A batch with one value that cannot be stored writes nothing. */
START_TEST(batch_of_keys_is_all_or_nothing)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_key_item items[] = {{{"a", 1}, "value", 5}, {{"b", 1}, "", 1}};

	ck_assert_int_eq(reel_write_batch_keys(r, items, 2), -EINVAL);
	ck_assert_uint_eq(file_size("c"), 0);
	items[1] = (struct reel_key_item){{"b", 1}, "other", 5};
	ck_assert_int_eq(reel_write_batch_keys(r, items, 2), 0);
	ck_assert(reads(r, "a", "value") && reads(r, "b", "other"));
	ck_assert_uint_eq(reel_file_size(r), file_size("c"));
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A pushed stream is one entry, invisible before its commit. */
START_TEST(pushed_stream_is_one_entry)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_stream *s;
	struct reel_entry e;
	static uint8_t piece[70000];

	ck_assert_int_eq(reel_stream_begin(r, "k", 1, &s), 0);
	for (int i = 0; i < 50; i++) {
		memset(piece, 'a' + i % 26, sizeof(piece));
		ck_assert_int_eq(reel_stream_append(s, piece, i % 2 ? 100 : sizeof(piece)), 0);
		ck_assert_int_eq(reel_exists(r, "k", 1), 0);
	}
	ck_assert_int_eq(reel_stream_commit(s), 0);
	ck_assert_int_eq(reel_read(r, "k", 1, &e), 0);
	ck_assert_uint_eq(e.len, 25 * (sizeof(piece) + 100));
	ck_assert(reel_entry_valid(&e) && e.payload[0] == 'a' && e.payload[e.len - 1] == 'a' + 49 % 26);
	reel_entry_release(&e);
	ck_assert_uint_eq(count_entries(r, false), 1);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

struct seen {
	_Atomic uint64_t sum, n;
	int stop_at;
};

static int add_up(void *arg, const struct reel_entry *e)
{
	struct seen *seen = arg;

	atomic_fetch_add(&seen->sum, e->key_hash);
	return atomic_fetch_add(&seen->n, 1) + 1 == (uint64_t)seen->stop_at ? 42 : 0;
}

/* Each live entry is visited once, with any number of threads; a result other than 0 ends the walk and is returned. */
START_TEST(every_live_entry_is_visited_once)
{
	static const unsigned threads[] = {1, 2, 7, 0};
	enum { KEYS = 20000 };
	struct reel *r = must_open("c", REEL_CREATE);

	for (uint64_t i = 1; i <= KEYS; i++)
		ck_assert_int_eq(reel_write_hash(r, i, "value", 5), 0);
	ck_assert_int_eq(reel_write_hash(r, 1, "again", 5), 0);
	ck_assert_int_eq(reel_delete_hash(r, KEYS), 1);
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		struct seen seen = {.stop_at = -1}, stopped = {.stop_at = 5};
		ck_assert_int_eq(reel_for_each(r, threads[i], add_up, &seen), 0);
		ck_assert_uint_eq(seen.n, KEYS - 1);
		ck_assert_uint_eq(seen.sum, (uint64_t)KEYS * (KEYS - 1) / 2);
		ck_assert_int_eq(reel_for_each(r, threads[i], add_up, &stopped), 42);
	}
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* Rename moves a value in one step; to the same key it is an error, and what is absent stays so. */
START_TEST(rename_moves_the_value)
{
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "value");
	must_write(r, "b", "replaced");
	uint64_t size = file_size("c");
	ck_assert_int_eq(reel_rename(r, "a", 1, "a", 1), -EINVAL);
	ck_assert_int_eq(reel_rename(r, "absent", 6, "z", 1), -ENOENT);
	ck_assert_uint_eq(file_size("c"), size);
	ck_assert_int_eq(reel_rename(r, "a", 1, "b", 1), 0);
	ck_assert(reads(r, "a", NULL) && reads(r, "b", "value"));
	ck_assert_int_eq(reel_len(r), 1);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* Copy and transfer go to another container; the same file is refused, by another path too. */
START_TEST(values_go_to_another_container)
{
	struct reel *r = must_open("c", REEL_CREATE), *other = must_open("d", REEL_CREATE);

	must_write(r, "a", "first");
	must_write(r, "b", "second");
	ck_assert_int_eq(symlink("c", "link"), 0);
	struct reel *same = must_open("link", REEL_RDONLY);
	ck_assert_int_eq(reel_copy_to(r, "a", 1, r), -EINVAL);
	ck_assert_int_eq(reel_copy_to(same, "a", 1, r), -EINVAL);
	ck_assert_int_eq(reel_transfer(r, "a", 1, r), -EINVAL);
	ck_assert_int_eq(reel_transfer(same, "a", 1, other), -EROFS);
	ck_assert_int_eq(reel_copy_to(r, "absent", 6, other), -ENOENT);
	ck_assert_int_eq(reel_copy_to(r, "a", 1, other), 0);
	ck_assert_int_eq(reel_transfer(r, "b", 1, other), 0);
	ck_assert(reads(r, "a", "first") && reads(r, "b", NULL));
	ck_assert(reads(other, "a", "first") && reads(other, "b", "second"));
	ck_assert_int_eq(reel_close(same) | reel_close(other) | reel_close(r), 0);
}
END_TEST

/* A key in a name space is the two hashes, little-endian, so that name spaces do not meet. */
START_TEST(namespaced_keys_are_two_hashes)
{
	struct reel_namespace ns = reel_namespace("opt", 3);
	uint8_t key[REEL_NAMESPACE_KEY], other[REEL_NAMESPACE_KEY];

	reel_namespace_key(ns, "my_key", 6, key);
	ck_assert_uint_eq(load_u64(key), reel_hash("opt", 3));
	ck_assert_uint_eq(load_u64(key + 8), reel_hash("my_key", 6));
	reel_namespace_key(reel_namespace("opu", 3), "my_key", 6, other);
	ck_assert_int_ne(memcmp(key, other, sizeof(key)), 0);
}
END_TEST

/* An option is a value, or expressly nothing (FF FE), or not there; its key is apart from the plain one. */
START_TEST(options_can_be_nothing)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry e;
	uint8_t key[REEL_NAMESPACE_KEY];

	ck_assert_int_eq(reel_read_option(r, "k", 1, &e), -ENOENT);
	ck_assert_int_eq(reel_write_option(r, "k", 1, "value", 5), 0);
	ck_assert_int_eq(reel_read_option(r, "k", 1, &e), 1);
	ck_assert(e.len == 5 && memcmp(e.payload, "value", 5) == 0);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_write_option(r, "k", 1, NULL, 0), 0);
	ck_assert_int_eq(reel_read_option(r, "k", 1, &e), 0);
	ck_assert_int_eq(reel_write_option(r, "k", 1, "\xff\xfe", 2), -EINVAL);
	ck_assert_int_eq(reel_write_option(r, "k", 1, "", 0), -EINVAL);
	ck_assert(reads(r, "k", NULL));
	reel_namespace_key(reel_namespace("\xf7option\xfd", 8), "k", 1, key);
	ck_assert_int_eq(reel_read(r, key, sizeof(key), &e), 0);
	ck_assert(e.len == 2 && memcmp(e.payload, "\xff\xfe", 2) == 0);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A value with a time to live has its expiry before it; expired it is gone, and deleted where that is possible. */
START_TEST(values_expire)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry e;
	uint8_t key[REEL_NAMESPACE_KEY];

	ck_assert_int_eq(reel_read_ttl(r, "k", 1, &e), -ENOENT);
	ck_assert_int_eq(reel_write_ttl(r, "k", 1, "value", 5, 1000), 0);
	ck_assert_int_eq(reel_read_ttl(r, "k", 1, &e), 1);
	ck_assert(e.len == 13 && memcmp(e.payload + REEL_TTL_PREFIX, "value", 5) == 0);
	uint64_t expiry = load_u64(e.payload), now = (uint64_t)time(NULL);
	ck_assert(expiry > now && expiry <= now + 1000);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_write_ttl(r, "for ever", 8, NULL, 0, UINT64_MAX), 0);
	ck_assert_int_eq(reel_read_ttl(r, "for ever", 8, &e), 1);
	ck_assert(e.len == 8 && load_u64(e.payload) == UINT64_MAX);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_write_ttl(r, "k", 1, "value", 5, 0), 0);
	struct reel *reader = must_open("c", REEL_RDONLY);
	ck_assert_int_eq(reel_read_ttl(reader, "k", 1, &e), 0);
	ck_assert_int_eq(reel_read_ttl(r, "k", 1, &e), 0);
	ck_assert_int_eq(reel_read_ttl(r, "k", 1, &e), -ENOENT);
	reel_namespace_key(reel_namespace("\xf7ttl\xfd", 5), "short", 5, key);
	ck_assert_int_eq(reel_write(r, key, sizeof(key), "1234567", 7), 0);
	ck_assert_int_eq(reel_read_ttl(r, "short", 5, &e), -EBADMSG);
	ck_assert_int_eq(reel_close(reader) | reel_close(r), 0);
}
END_TEST

static char told[1024];

static int tell(void *arg, const char *path, int result)
{
	size_t used = strlen(told);

	(void)arg;
	snprintf(told + used, sizeof(told) - used, "%s %d\n", path, result);
	return 0;
}

/* Files of a folder are entries under their paths, in the order of names; what cannot be an entry is told. */
START_TEST(folder_is_imported_by_paths)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_namespace ns = reel_namespace("files", 5);
	struct reel_entry e;

	ck_assert_int_eq(mkdir("dir", 0755) | mkdir("dir/sub", 0755), 0);
	file_write("dir/z", "last", 4);
	file_write("dir/empty", "", 0);
	file_write("dir/nul", "", 1);
	file_write("dir/sub/one", "inner", 5);
	ck_assert_int_eq(symlink("z", "dir/link"), 0);
	ck_assert_int_eq(reel_import(r, "dir/", NULL, tell, NULL), 2);
	ck_assert_str_eq(told, "empty -22\nlink -22\nnul -22\nsub/one 0\nz 0\n");
	ck_assert(reads(r, "sub/one", "inner") && reads(r, "z", "last"));
	ck_assert_int_eq(reel_import(r, "dir", &ns, NULL, NULL), 2);
	ck_assert_int_eq(reel_read_file(r, "sub/one", &ns, &e), 0);
	ck_assert(e.len == 5 && memcmp(e.payload, "inner", 5) == 0);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_read_file(r, "z", NULL, &e), 0);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_import(r, "absent", NULL, NULL, NULL), -ENOENT);
	ck_assert_int_eq(reel_import(r, "c", NULL, NULL, NULL), -ENOTDIR);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

static void *hold_and_end(void *arg)
{
	struct reel_entry *entries = arg;

	reel_entry_clone(&entries[0], &entries[1]);
	return NULL;
}

/* Entries taken in one thread may be released in another, in any number, also after the container was closed. */
START_TEST(entries_go_from_thread_to_thread)
{
	enum { THREADS = 200 };
	struct reel *r = must_open("c", REEL_CREATE);
	static struct reel_entry entries[THREADS + 1];
	pthread_t thread;

	must_write(r, "k", "value");
	ck_assert_int_eq(reel_read(r, "k", 1, &entries[0]), 0);
	ck_assert_int_eq(reel_close(r), 0);
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_create(&thread, NULL, hold_and_end, &entries[i]), 0);
		pthread_join(thread, NULL);
		reel_entry_release(&entries[i]);
	}
	ck_assert_int_eq(memcmp(entries[THREADS].payload, "value", 5), 0);
	reel_entry_release(&entries[THREADS]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    entry_tells_its_facts,
	    chunks_add_up_to_the_payload,
	    batch_of_reads_keeps_its_order,
	    batch_of_deletions_counts_what_was_there,
	    batch_of_keys_is_all_or_nothing,
	    pushed_stream_is_one_entry,
	    every_live_entry_is_visited_once,
	    rename_moves_the_value,
	    values_go_to_another_container,
	    namespaced_keys_are_two_hashes,
	    options_can_be_nothing,
	    values_expire,
	    folder_is_imported_by_paths,
	    entries_go_from_thread_to_thread,
	};
	return run_tests("library", tests, sizeof(tests) / sizeof(tests[0]));
}
