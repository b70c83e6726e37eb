/*
 * test_copy_threads.c - copies that share bytes (src/fs/copy.c), made by several threads at once.
 */
#include "config.h"

#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>

#define LEN ((size_t)300000)

static const char *const names[] = {"p", "q", "r"};
static atomic_bool failed;

struct thread {
	pthread_t id;
	unsigned short random[3];
	struct fs_file *file[3];
};

/* Whether the file has only one byte's repetitions. */
static bool is_uniform(struct fs_file *f)
{
	struct fs_extract e;
	bool uniform = true;
	int first = -1;
	if (fs_file_read(f, 0, LEN, &e) < 0)
		return false;
	for (int i = 0; i < e.pieces; i++) {
		const uint8_t *p = e.piece[i].iov_base;
		if (first < 0)
			first = p[0];
		uniform = uniform && p[0] == first && memcmp(p, p + 1, e.piece[i].iov_len - 1) == 0;
	}
	uniform = uniform && e.len == LEN;
	fs_extract_done(&e);
	return uniform;
}

static void *copy_around(void *arg)
{
	struct thread *t = arg;
	uint8_t *bytes = malloc(LEN);
	for (int i = 0; i < 200 && !atomic_load(&failed); i++) {
		long from = nrand48(t->random) % 3, to = nrand48(t->random) % 3, what = nrand48(t->random) % 8;
		struct iovec iov = {bytes, LEN};
		uint64_t copied = LEN;
		int r = 0;
		memset(bytes, (int)(1 + what * 8 + i % 8), LEN);
		if (what == 0)
			r = fs_file_write(t->file[to], 0, &iov, 1, 0);
		else if (what == 1)
			r = fs_file_flush(t->file[to]);
		else if (what < 5 && from != to)
			r = fs_file_copy(t->file[from], 0, t->file[to], 0, LEN, false, false, &copied);
		else if (!is_uniform(t->file[from]))
			r = -EIO;
		if (r < 0 || copied != LEN)
			atomic_store(&failed, true);
	}
	free(bytes);
	return NULL;
}

/* Copies in all directions at once, with writes and reads beside, neither wait for each other for ever nor show half a copy. */
START_TEST(copies_by_threads)
{
	static struct thread threads[4];
	uint8_t *data = malloc(LEN);
	for (int i = 0; i < 3; i++) {
		memset(data, 'a' + i, LEN);
		h_put(h_fs, names[i], data, LEN);
	}
	for (int i = 0; i < 4; i++) {
		threads[i].random[0] = (unsigned short)i;
		for (int n = 0; n < 3; n++)
			threads[i].file[n] = h_file(h_fs, names[n], 0);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i].id, NULL, copy_around, &threads[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i].id, NULL);
	ck_assert(!atomic_load(&failed));
	for (int i = 0; i < 12; i++)
		ck_assert_int_eq(h_end(threads[i / 3].file[i % 3]), 0);
	h_check(h_fs);
	free(data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("copy_threads");
	TCase *tc = tcase_create("threads");
	suite_add_tcase(suite, tc);
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, h_setup, h_teardown_same);
	tcase_add_test(tc, copies_by_threads);
	return h_main(suite);
}
