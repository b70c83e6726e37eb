/*
 * test_wbuf_model.c - random operations on a write buffer (src/fs/wbuf.h) and on a plain array of
 * bytes give the same contents. Each run prints its seed; WBUF_SEED=n runs that one alone.
 */
#include "config.h"

#include "wbuf.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* The part of the file that the operations touch: the chunks of the buffer are 64 KiB. */
#define SPAN       ((size_t)200 << 10)
#define OPERATIONS 4000
/* All offsets are past this, which is no multiple of anything. */
#define ORIGIN (((uint64_t)5 << 30) + 12345)

/* What the buffer should hold; positions are offsets minus ORIGIN. */
static struct model {
	uint8_t byte[SPAN];
	bool dirty[SPAN];
} model;

static unsigned short random_state[3];
static char dir[4096];
static char container[4200];
static struct wbuf_pool pool;
static struct wbuf *w;
static size_t spilled; /* operations that found the data in a spill file */

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof(dir), "%s/test_wbuf_model.XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(container, sizeof(container), "%s/c.reel", dir);
	int fd = open(container, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(container);
	rmdir(dir);
}

/* 0 to n - 1. */
static size_t random_below(size_t n)
{
	return (size_t)nrand48(random_state) % n;
}

/* A range of the file: mostly a few bytes, now and then a large part of it. */
static void random_range(size_t *at, size_t *len)
{
	size_t kind = random_below(100);
	size_t most = kind < 85 ? 48 : kind < 98 ? 5000 : SPAN;
	*at = random_below(SPAN);
	*len = 1 + random_below(most);
	if (*len > SPAN - *at)
		*len = SPAN - *at;
}

static void random_write(void)
{
	size_t at, len;
	random_range(&at, &len);
	for (size_t i = at; i < at + len; i++)
		model.byte[i] = (uint8_t)nrand48(random_state);
	memset(&model.dirty[at], true, len);
	size_t first = random_below(len + 1);
	struct iovec iov[] = {{&model.byte[at], first}, {&model.byte[at + first], len - first}};
	ck_assert_int_eq(wbuf_write(w, ORIGIN + at, iov, 2), 0);
}

static void random_punch(void)
{
	size_t at, len;
	random_range(&at, &len);
	memset(&model.dirty[at], false, len);
	ck_assert_int_eq(wbuf_punch(w, ORIGIN + at, len), 0);
}

static void random_truncate(void)
{
	size_t at = SPAN - random_below(random_below(10) == 0 ? SPAN : SPAN / 20);
	memset(&model.dirty[at], false, SPAN - at);
	ck_assert_int_eq(wbuf_truncate(w, ORIGIN + at), 0);
}

static void clear(void)
{
	memset(model.dirty, false, SPAN);
	wbuf_clear(w);
}

/* A read succeeds exactly where all of the range is dirty. */
static void random_read(void)
{
	static uint8_t buf[SPAN];
	size_t at, len;
	random_range(&at, &len);
	bool readable = memchr(&model.dirty[at], false, len) == NULL;
	int ret = wbuf_read(w, ORIGIN + at, len, buf);
	ck_assert_msg((ret == 0) == readable, "reading %zu bytes at %zu: %d", len, at, ret);
	if (readable)
		ck_assert_mem_eq(buf, &model.byte[at], len);
}

static int compare(void *arg, const void *data, size_t len)
{
	size_t *at = arg;
	ck_assert_mem_eq(data, &model.byte[*at], len);
	*at += len;
	return 0;
}

/* The runs are those of the model, and streaming them gives its bytes. */
static void expect_model(void)
{
	uint64_t start, end, dirty = 0;
	size_t at = 0, runs = 0;
	for (; wbuf_next(w, ORIGIN + at, &start, &end); at = end - ORIGIN, runs++) {
		ck_assert_ptr_null(memchr(&model.dirty[at], true, start - ORIGIN - at));
		ck_assert_ptr_null(memchr(&model.dirty[start - ORIGIN], false, end - start));
		ck_assert_msg(end == ORIGIN + SPAN || !model.dirty[end - ORIGIN], "a run ends too early");
		size_t streamed = start - ORIGIN;
		ck_assert_int_eq(wbuf_stream(w, start, end, compare, &streamed), 0);
		ck_assert_uint_eq(streamed, end - ORIGIN);
		dirty += end - start;
	}
	ck_assert_ptr_null(memchr(&model.dirty[at], true, SPAN - at));
	ck_assert_uint_eq(wbuf_dirty(w), dirty);
	ck_assert_uint_eq(wbuf_runs(w), runs);
	ck_assert_int_eq(wbuf_empty(w), dirty == 0);
}

static void random_operation(void)
{
	size_t kind = random_below(1000);
	if (kind < 600)
		random_write();
	else if (kind < 780)
		random_punch();
	else if (kind < 800)
		random_truncate();
	else if (kind < 998)
		random_read();
	else
		clear();
}

static void run(uint64_t seed, uint64_t per_file)
{
	random_state[0] = (unsigned short)seed;
	random_state[1] = (unsigned short)(seed >> 16);
	random_state[2] = (unsigned short)(seed >> 32);
	ck_assert_int_eq(wbuf_pool_init(&pool, container, per_file, (uint64_t)1 << 30), 0);
	w = wbuf_new(&pool);
	ck_assert_ptr_nonnull(w);
	memset(model.dirty, false, SPAN);
	for (int i = 0; i < OPERATIONS; i++) {
		random_operation();
		spilled += !wbuf_in_memory(w);
		if (i % 16 == 0)
			expect_model();
	}
	expect_model();
	wbuf_free(w);
	ck_assert_uint_eq(wbuf_pool_used(&pool), 0);
	wbuf_pool_end(&pool);
}

/* Runs with the seeds 1 to 4 and a new one, or with WBUF_SEED. */
static void run_seeds(const char *name, uint64_t per_file)
{
	uint64_t seeds[] = {1, 2, 3, 4, 0};
	size_t n = sizeof(seeds) / sizeof(seeds[0]);
	const char *asked = getenv("WBUF_SEED");
	if (asked) {
		seeds[0] = strtoull(asked, NULL, 0);
		n = 1;
	} else {
		ck_assert_int_eq(getrandom(&seeds[n - 1], 4, 0), 4);
	}
	for (size_t i = 0; i < n; i++) {
		fprintf(stderr, "%s: WBUF_SEED=%llu\n", name, (unsigned long long)seeds[i]);
		run(seeds[i], per_file);
	}
}

/* In memory, the buffer behaves as the array. */
START_TEST(in_memory)
{
	run_seeds("in_memory", (uint64_t)1 << 30);
	ck_assert_uint_eq(spilled, 0);
}
END_TEST

/* In a spill file, too. */
START_TEST(in_a_spill_file)
{
	run_seeds("in_a_spill_file", 0);
	ck_assert_uint_gt(spilled, 0);
}
END_TEST

/* And when the limit (three of the four chunks) moves it from one to the other on the way. */
START_TEST(spilling_on_the_way)
{
	run_seeds("spilling_on_the_way", (uint64_t)192 << 10);
	ck_assert_uint_gt(spilled, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wbuf_model");
	TCase *tc = tcase_create("wbuf_model");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, in_memory);
	tcase_add_test(tc, in_a_spill_file);
	tcase_add_test(tc, spilling_on_the_way);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
