/*
 * test_concurrent.c - readers, a writer and compactions on one container, all at once. What the threads check holds
 * at every moment, so that no timing decides. tests/tsan.sh runs it under ThreadSanitizer.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "runner.h"

enum { READERS = 3, KEYS = 300, ROUNDS = 4000, COMPACTIONS = 25 };

static struct reel *shared;
static atomic_bool writing;

/* Each value says whose it is, and how often that was written. */
struct value {
	uint64_t key, round, check;
};

static bool is_whole(const struct reel_entry *e, uint64_t key, uint64_t *round)
{
	struct value v;

	if (e->len != sizeof(v) || e->key_hash != key)
		return false;
	memcpy(&v, e->payload, sizeof(v));
	*round = v.round;
	return v.key == key && v.check == (v.key ^ ~v.round);
}

static int write_value(uint64_t key, uint64_t round)
{
	struct value v = {key, round, key ^ ~round};

	return reel_write_hash(shared, key, &v, sizeof(v));
}

static void *write_rounds(void *arg)
{
	int err = 0;

	(void)arg;
	for (uint64_t i = 1; err == 0 && i <= ROUNDS; i++) {
		err = write_value(i % KEYS, i);
		if (err == 0 && i % 7 == 0)
			err = write_value(KEYS + i, i);
		if (err == 0 && i % 7 == 3)
			err = reel_delete_hash(shared, KEYS + i - 3) < 0 ? -EIO : 0;
		if (err == 0 && i % 900 == 0)
			err = reel_sync(shared);
	}
	atomic_store(&writing, false);
	return err < 0 ? "a write failed" : NULL;
}

static void *compact_rounds(void *arg)
{
	(void)arg;
	for (int i = 0; i < COMPACTIONS; i++) {
		if (reel_compact(shared, NULL) < 0)
			return "a compaction failed";
	}
	return NULL;
}

/* No key goes missing, and none goes back; entries held meanwhile keep their bytes. */
static void *read_rounds(void *arg)
{
	uint64_t last[KEYS] = {0}, round, held_round = 0;
	struct reel_entry e, held = {.payload = NULL};

	(void)arg;
	while (atomic_load(&writing)) {
		for (uint64_t k = 0; k < KEYS; k++) {
			if (reel_read_hash(shared, k, &e) < 0)
				return "a key is missing";
			bool whole = is_whole(&e, k, &round);
			if (k == 5 && held.payload == NULL) {
				reel_entry_clone(&e, &held);
				held_round = round;
			}
			reel_entry_release(&e);
			if (!whole || round < last[k])
				return "a value is not whole, or an older one came back";
			last[k] = round;
		}
		if (!is_whole(&held, 5, &round) || round != held_round)
			return "an entry in use has changed";
		reel_entry_release(&held);
	}
	return NULL;
}

/* Batches find all that is there. */
static void *batch_rounds(void *arg)
{
	static uint64_t keys[KEYS];
	static struct reel_entry entries[KEYS];
	uint64_t round;

	(void)arg;
	for (uint64_t k = 0; k < KEYS; k++)
		keys[k] = k;
	while (atomic_load(&writing)) {
		if (reel_read_batch_hashes(shared, keys, KEYS, entries) != KEYS)
			return "a batch misses a key";
		for (uint64_t k = 0; k < KEYS; k++) {
			if (!is_whole(&entries[k], k, &round))
				return "a value of a batch is not whole";
			reel_entry_release(&entries[k]);
		}
	}
	return NULL;
}

static int visit_one(void *arg, const struct reel_entry *e)
{
	uint64_t round;

	if (!is_whole(e, e->key_hash, &round))
		return -EBADMSG;
	if (e->key_hash < KEYS)
		atomic_fetch_add((atomic_int *)arg, 1);
	return 0;
}

/* Walks, in one thread and in several, see every key once. */
static void *walk_rounds(void *arg)
{
	(void)arg;
	while (atomic_load(&writing)) {
		struct reel_compaction estimate;
		struct reel_info info;
		struct reel_iter *it;
		struct reel_entry e;
		atomic_int seen = 0;
		int kept = 0, more;
		if (reel_for_each(shared, 2, visit_one, &seen) != 0 || seen != KEYS)
			return "a walk by threads missed a key";
		if (reel_iter_new(shared, true, &it) < 0)
			return "no walk";
		while ((more = reel_iter_next(it, &e)) > 0) {
			kept += e.key_hash < KEYS;
			reel_entry_release(&e);
		}
		reel_iter_free(it);
		if (more < 0 || kept != KEYS)
			return "a walk missed a key";
		if (reel_info(shared, &info) < 0 || info.live < KEYS || info.live > info.entries)
			return "wrong counts";
		if (reel_compact_estimate(shared, &estimate) < 0 || estimate.after > estimate.before)
			return "a wrong estimate";
	}
	return NULL;
}

/* A reader with a file of its own follows the writer through all compactions. */
static void *refresh_rounds(void *arg)
{
	struct reel *r = arg;
	uint64_t last = 0, round;
	struct reel_entry e;

	while (atomic_load(&writing)) {
		if (reel_refresh(r) < 0)
			return "a refresh failed";
		if (reel_read_hash(r, 1, &e) < 0)
			return "a key is missing after a refresh";
		bool whole = is_whole(&e, 1, &round);
		reel_entry_release(&e);
		if (!whole || round < last)
			return "a refresh went back";
		last = round;
	}
	return NULL;
}

static void run_all(struct reel *reader)
{
	void *(*const roles[])(void *) = {write_rounds,   compact_rounds, batch_rounds, walk_rounds, refresh_rounds,
					  refresh_rounds, read_rounds,    read_rounds,  read_rounds};
	enum { THREADS = sizeof(roles) / sizeof(roles[0]) };
	pthread_t thread[THREADS] = {0};
	void *result;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, roles[i], reader), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &result);
		ck_assert_msg(result == NULL, "%s", (const char *)result);
	}
}

/* Readers of all kinds, a writer and compactions: nobody misses a key, sees half a commit, or waits for ever. */
START_TEST(test_trap_14_readers_beside_a_writer_and_compactions)
{
	shared = must_open("c", REEL_CREATE);
	for (uint64_t k = 0; k < KEYS; k++)
		ck_assert_int_eq(write_value(k, 0), 0);
	atomic_store(&writing, true);
	struct reel *reader = must_open("c", REEL_RDONLY);
	run_all(reader);
	ck_assert_int_eq(reel_close(reader), 0);
	for (uint64_t k = 0; k < KEYS; k++)
		ck_assert_int_eq(reel_exists_hash(shared, k), 1);
	ck_assert_int_eq(reel_close(shared), 0);
	shared = must_open("c", 0);
	ck_assert_int_eq(reel_len(shared), KEYS + ROUNDS / 7 - (ROUNDS - 3) / 7);
	ck_assert_int_eq(reel_close(shared), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_trap_14_readers_beside_a_writer_and_compactions};

	return run_tests("concurrent", tests, sizeof(tests) / sizeof(tests[0]));
}
