/*
 * test_threads.c - any number of threads on one container. What the threads check holds at every
 * moment, so that no timing decides; ThreadSanitizer says more.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"

enum { WRITERS = 2, READERS = 3, ROUNDS = 3000, KEYS = 7 };

static struct reel *shared;
static atomic_int writing;

static int found_at_end(void *arg, const struct reel_view *view, struct reel_tail *ret)
{
	(void)arg;
	*ret = (struct reel_tail){.verdict = REEL_TAIL_FOUND, .tail = view->size};
	return 0;
}

/* Opens so that the index is built when the threads first need it. */
static struct reel *open_without_index(const char *path)
{
	struct reel_engine_options options = {.base = {.log = keep_log}, .find_tail = found_at_end};
	struct reel *r = NULL;

	ck_assert_int_eq(reel_engine_open(path, &options, &r), 0);
	return r;
}

/* Each writer counts up in its own keys, and writes and deletes another in one batch. */
static void *write_rounds(void *arg)
{
	uint64_t writer = (uint64_t)(uintptr_t)arg;

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		uint64_t key = writer * 100 + i % KEYS, value[2] = {i, ~i};
		struct reel_batch_item items[] = {
		    {key, value, sizeof(value)}, {writer * 100 + 50, &i, 8}, {writer * 100 + 50, NULL, 0}};
		int err = i % 2 ? reel_write_batch(shared, items, 3) : reel_write_hash(shared, key, value, sizeof(value));
		if (err == 0 && i % 500 == 0)
			err = reel_sync(shared);
		if (err < 0)
			return (void *)(intptr_t)err;
	}
	atomic_fetch_sub(&writing, 1);
	return NULL;
}

/* A key's count never goes back, its entries are whole, and what a batch deletes is never seen. */
static void *read_rounds(void *arg)
{
	uint64_t last[WRITERS][KEYS] = {{0}};
	struct reel_entry e;

	(void)arg;
	while (atomic_load(&writing) > 0) {
		for (uint64_t w = 0; w < WRITERS; w++) {
			for (uint64_t k = 0; k < KEYS; k++) {
				uint64_t value[2];
				int err = reel_read_hash(shared, w * 100 + k, &e);
				if (err == -ENOENT && last[w][k] == 0)
					continue;
				if (err < 0 || e.len != sizeof(value) || !reel_entry_valid(&e))
					return "an entry cannot be read";
				memcpy(value, e.payload, sizeof(value));
				reel_entry_release(&e);
				if (value[0] != ~value[1] || value[0] < last[w][k])
					return "an older value came back";
				last[w][k] = value[0];
			}
			if (reel_exists_hash(shared, w * 100 + 50) != 0)
				return "half of a batch was seen";
		}
	}
	return NULL;
}

/* Every walk ends at the first entry, without damage. */
static void *walk_rounds(void *arg)
{
	(void)arg;
	while (atomic_load(&writing) > 0) {
		struct reel_iter *it;
		struct reel_entry e;
		uint64_t begin = 1;
		int more;
		if (reel_iter_new(shared, true, &it) < 0)
			return "no walk";
		while ((more = reel_iter_next(it, &e)) > 0) {
			begin = e.prev_tail;
			reel_entry_release(&e);
		}
		reel_iter_free(it);
		if (more < 0 || begin != 0)
			return "a walk did not reach the first entry";
	}
	return NULL;
}

/* Readers beside writers of one process always see whole and ever newer values, from the first use of the index on. */
START_TEST(readers_beside_writers_see_whole_commits)
{
	pthread_t writers[WRITERS], readers[READERS], walker;
	void *result;

	shared = must_open("c", REEL_CREATE);
	must_write(shared, "first", "entry");
	ck_assert_int_eq(reel_close(shared), 0);
	shared = open_without_index("c");
	atomic_store(&writing, WRITERS);
	for (uintptr_t i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_create(&writers[i], NULL, write_rounds, (void *)i), 0);
	for (int i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, read_rounds, NULL), 0);
	ck_assert_int_eq(pthread_create(&walker, NULL, walk_rounds, NULL), 0);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(writers[i], &result);
		ck_assert_ptr_null(result);
	}
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i], &result);
		ck_assert_msg(result == NULL, "%s", (char *)result);
	}
	pthread_join(walker, &result);
	ck_assert_msg(result == NULL, "%s", (char *)result);
	ck_assert_uint_eq(count_entries(shared, true), 1 + WRITERS * KEYS);
	ck_assert_uint_eq(count_entries(shared, false), 1 + WRITERS * ROUNDS * 2);
	ck_assert_int_eq(reel_close(shared), 0);
}
END_TEST

/* A reader of another process's container, here of another open file, follows it while it is written. */
static void *refresh_rounds(void *arg)
{
	struct reel *r = arg;

	while (atomic_load(&writing) > 0) {
		if (reel_refresh(r) < 0 || reel_exists_hash(r, 50) != 0)
			return "a refresh failed, or half of a batch was seen";
	}
	return reel_refresh(r) < 0 ? "the last refresh failed" : NULL;
}

/* A refresh in the middle of writes sees whole commits only, and at the end everything. */
START_TEST(refresh_beside_a_writer_sees_whole_commits)
{
	pthread_t writer, reader;
	void *result;

	shared = must_open("c", REEL_CREATE);
	must_write(shared, "first", "entry");
	struct reel *r = must_open("c", REEL_RDONLY);
	atomic_store(&writing, 1);
	ck_assert_int_eq(pthread_create(&reader, NULL, refresh_rounds, r), 0);
	ck_assert_int_eq(pthread_create(&writer, NULL, write_rounds, NULL), 0);
	pthread_join(writer, &result);
	ck_assert_ptr_null(result);
	pthread_join(reader, &result);
	ck_assert_msg(result == NULL, "%s", (char *)result);
	ck_assert_uint_eq(reel_tail_offset(r), reel_tail_offset(shared));
	ck_assert_uint_eq(count_entries(r, false), 1 + ROUNDS * 2);
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert_int_eq(reel_close(shared), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {readers_beside_writers_see_whole_commits, refresh_beside_a_writer_sees_whole_commits};

	return run_tests("threads", tests, sizeof(tests) / sizeof(tests[0]));
}
