/*
 * test_wbuf.c - what a write buffer (src/fs/wbuf.h) does, one behaviour at a time.
 * Spill files go into a folder of their own under TMPDIR.
 */
#include "config.h"

#include "wbuf.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define TIB ((uint64_t)1 << 40)

/* Where the data of a buffer is: the tests that hold for both forms are run with each. */
enum form { MEMORY, SPILLED, FORMS };

static char dir[4096];
static char container[4200];
static struct wbuf_pool pool;
static struct wbuf *w;

static void begin(uint64_t per_file, uint64_t total)
{
	ck_assert_int_eq(wbuf_pool_init(&pool, container, per_file, total), 0);
	w = wbuf_new(&pool);
	ck_assert_ptr_nonnull(w);
}

static void begin_form(int form)
{
	begin(form == MEMORY ? 64 * MIB : 0, 64 * MIB);
}

static void make_container(void)
{
	int fd = open(container, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof(dir), "%s/test_wbuf.XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(container, sizeof(container), "%s/c.reel", dir);
	make_container();
}

static void teardown(void)
{
	wbuf_free(w);
	w = NULL;
	wbuf_pool_end(&pool);
	unlink(container);
	rmdir(dir);
}

static int put(struct wbuf *to, uint64_t off, const void *data, size_t len)
{
	struct iovec iov = {(void *)data, len};
	return wbuf_write(to, off, &iov, 1);
}

/* Writes `len` bytes of value `byte`. */
static int fill(struct wbuf *to, uint64_t off, size_t len, int byte)
{
	void *data = malloc(len);
	ck_assert_ptr_nonnull(data);
	memset(data, byte, len);
	int ret = put(to, off, data, len);
	free(data);
	return ret;
}

/* [off, off + len) is dirty and every byte of it is `byte`. */
static void expect_fill(const struct wbuf *from, uint64_t off, size_t len, int byte)
{
	uint8_t *data = malloc(len);
	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(wbuf_read(from, off, len, data), 0);
	size_t same = 0;
	while (same < len && data[same] == byte)
		same++;
	ck_assert_msg(same == len, "byte %zu of %zu is not %d", same, len, byte);
	free(data);
}

static void expect_run(const struct wbuf *from, uint64_t off, uint64_t start, uint64_t end)
{
	uint64_t s, e;
	ck_assert(wbuf_next(from, off, &s, &e));
	ck_assert_uint_eq(s, start);
	ck_assert_uint_eq(e, end);
}

static void expect_no_run(const struct wbuf *from, uint64_t off)
{
	uint64_t s, e;
	ck_assert(!wbuf_next(from, off, &s, &e));
}

/* --- writing and reading ------------------------------------------------------------------------- */

/* A new buffer is empty, in memory, and has nothing to commit. */
START_TEST(new_buffer_is_empty)
{
	begin_form(MEMORY);
	ck_assert(wbuf_empty(w));
	ck_assert(wbuf_in_memory(w));
	ck_assert_uint_eq(wbuf_dirty(w), 0);
	expect_no_run(w, 0);
}
END_TEST

/* The pieces of one write lie one after another; an empty piece adds nothing. */
START_TEST(pieces_of_a_write_are_joined)
{
	begin_form(_i);
	struct iovec iov[] = {{(void *)"abc", 3}, {NULL, 0}, {(void *)"defgh", 5}};
	ck_assert_int_eq(wbuf_write(w, 65534, iov, 3), 0);
	char got[8];
	ck_assert_int_eq(wbuf_read(w, 65534, 8, got), 0);
	ck_assert_mem_eq(got, "abcdefgh", 8);
	expect_run(w, 0, 65534, 65542);
}
END_TEST

/* A write of no bytes makes nothing dirty. */
START_TEST(empty_write_does_nothing)
{
	begin_form(_i);
	ck_assert_int_eq(put(w, 10, "", 0), 0);
	ck_assert(wbuf_empty(w));
	ck_assert(wbuf_in_memory(w));
}
END_TEST

/* Of two writes to the same bytes the later one counts, and they are dirty once. */
START_TEST(later_write_wins)
{
	begin_form(_i);
	ck_assert_int_eq(fill(w, 0, 10, 'a'), 0);
	ck_assert_int_eq(fill(w, 5, 10, 'b'), 0);
	expect_fill(w, 0, 5, 'a');
	expect_fill(w, 5, 10, 'b');
	ck_assert_uint_eq(wbuf_dirty(w), 15);
	ck_assert_uint_eq(wbuf_runs(w), 1);
}
END_TEST

/* Bytes that were not written are never returned, not even next to written ones. */
START_TEST(reading_what_is_not_dirty_is_refused)
{
	begin_form(_i);
	char buf[16];
	ck_assert_int_eq(fill(w, 100, 8, 'a'), 0);
	ck_assert_int_eq(fill(w, 110, 8, 'a'), 0);
	ck_assert_int_eq(wbuf_read(w, 99, 4, buf), -EINVAL);
	ck_assert_int_eq(wbuf_read(w, 104, 5, buf), -EINVAL);
	ck_assert_int_eq(wbuf_read(w, 104, 8, buf), -EINVAL);
	ck_assert_int_eq(wbuf_read(w, 100, SIZE_MAX, buf), -EINVAL);
	ck_assert_int_eq(wbuf_read(w, 104, 4, buf), 0);
}
END_TEST

/* Runs are found in order; one that begins before the offset is given without that part. */
START_TEST(next_run_is_clipped_at_the_offset)
{
	begin_form(_i);
	ck_assert_int_eq(fill(w, 70000, 10, 'b'), 0);
	ck_assert_int_eq(fill(w, 10, 10, 'a'), 0);
	expect_run(w, 0, 10, 20);
	expect_run(w, 15, 15, 20);
	expect_run(w, 20, 70000, 70010);
	expect_no_run(w, 70010);
}
END_TEST

/* No offset past INT64_MAX can be written (off_t is signed); the one before can be. */
START_TEST(offsets_past_int64_are_refused)
{
	begin_form(MEMORY);
	ck_assert_int_eq(fill(w, INT64_MAX - 4, 4, 'a'), 0);
	ck_assert_int_eq(fill(w, INT64_MAX - 3, 4, 'b'), -EFBIG);
	ck_assert_int_eq(fill(w, UINT64_MAX - 1, 4, 'b'), -EFBIG);
	expect_fill(w, INT64_MAX - 4, 4, 'a');
	ck_assert_uint_eq(wbuf_dirty(w), 4);
}
END_TEST

/* --- dropping ------------------------------------------------------------------------------------ */

/* Truncating drops what lies at or past the new size, and nothing before it. */
START_TEST(truncate_drops_the_end)
{
	begin_form(_i);
	ck_assert_int_eq(fill(w, 0, 300 * KIB, 'a'), 0);
	ck_assert_int_eq(wbuf_truncate(w, 400 * KIB), 0);
	ck_assert_uint_eq(wbuf_dirty(w), 300 * KIB);
	ck_assert_int_eq(wbuf_truncate(w, 100001), 0);
	expect_run(w, 0, 0, 100001);
	expect_no_run(w, 100001);
	expect_fill(w, 0, 100001, 'a');
}
END_TEST

/* Punching drops a range from the middle; what is around it stays. */
START_TEST(punch_drops_the_middle)
{
	begin_form(_i);
	ck_assert_int_eq(fill(w, 0, 300 * KIB, 'a'), 0);
	ck_assert_int_eq(wbuf_punch(w, 1000, 200 * KIB), 0);
	expect_run(w, 0, 0, 1000);
	expect_run(w, 1000, 200 * KIB + 1000, 300 * KIB);
	expect_fill(w, 0, 1000, 'a');
	expect_fill(w, 200 * KIB + 1000, 100 * KIB - 1000, 'a');
	ck_assert_int_eq(wbuf_punch(w, 250 * KIB, UINT64_MAX), 0);
	expect_run(w, 1000, 200 * KIB + 1000, 250 * KIB);
}
END_TEST

/* Memory whose bytes were all dropped is given back at once. */
START_TEST(dropped_chunks_free_their_memory)
{
	begin_form(MEMORY);
	ck_assert_int_eq(fill(w, 0, MIB, 'a'), 0);
	ck_assert_uint_eq(wbuf_pool_used(&pool), MIB);
	ck_assert_int_eq(wbuf_punch(w, 1, 512 * KIB - 1), 0);
	ck_assert_uint_eq(wbuf_pool_used(&pool), 576 * KIB);
	ck_assert_int_eq(wbuf_truncate(w, 512 * KIB), 0);
	ck_assert_uint_eq(wbuf_pool_used(&pool), 64 * KIB);
}
END_TEST

/* A buffer of which everything was dropped is as new: in memory, taking none. */
START_TEST(dropping_everything_begins_anew)
{
	begin_form(_i);
	ck_assert_int_eq(fill(w, 12345, MIB, 'a'), 0);
	ck_assert_int_eq(wbuf_truncate(w, 0), 0);
	ck_assert(wbuf_empty(w));
	ck_assert(wbuf_in_memory(w));
	ck_assert_uint_eq(wbuf_pool_used(&pool), 0);
}
END_TEST

/* After clear, as after a commit, the buffer holds nothing and can be written again. */
START_TEST(cleared_buffer_can_be_used_again)
{
	begin_form(_i);
	ck_assert_int_eq(fill(w, 0, MIB, 'a'), 0);
	wbuf_clear(w);
	ck_assert(wbuf_empty(w));
	ck_assert(wbuf_in_memory(w));
	ck_assert_uint_eq(wbuf_pool_used(&pool), 0);
	ck_assert_int_eq(fill(w, 7, 10, 'b'), 0);
	expect_run(w, 0, 7, 17);
	expect_fill(w, 7, 10, 'b');
}
END_TEST

/* --- limits and spilling ------------------------------------------------------------------------- */

/* A file of 4 KiB takes 4 KiB of memory, and one of 9 KiB at most twice its size. */
START_TEST(small_file_takes_little_memory)
{
	begin_form(MEMORY);
	ck_assert_int_eq(fill(w, 0, 4 * KIB, 'a'), 0);
	ck_assert_uint_eq(wbuf_pool_used(&pool), 4 * KIB);
	ck_assert_int_eq(fill(w, 4 * KIB, 5 * KIB, 'b'), 0);
	ck_assert_uint_eq(wbuf_pool_used(&pool), 16 * KIB);
	expect_fill(w, 0, 4 * KIB, 'a');
	expect_fill(w, 4 * KIB, 5 * KIB, 'b');
}
END_TEST

/* Past the limit for one file, its data moves to a spill file, whole, with its gaps, and takes no memory. */
START_TEST(past_its_limit_a_file_spills)
{
	begin(256 * KIB, 64 * MIB);
	ck_assert_int_eq(fill(w, 0, 100 * KIB, 'a'), 0);
	ck_assert_int_eq(fill(w, 110 * KIB, 10 * KIB, 'b'), 0);
	ck_assert(wbuf_in_memory(w));
	ck_assert_int_eq(fill(w, 115 * KIB, 200 * KIB, 'c'), 0);
	ck_assert(!wbuf_in_memory(w));
	ck_assert_uint_eq(wbuf_pool_used(&pool), 0);
	expect_run(w, 0, 0, 100 * KIB);
	expect_run(w, 100 * KIB, 110 * KIB, 315 * KIB);
	expect_fill(w, 0, 100 * KIB, 'a');
	expect_fill(w, 110 * KIB, 5 * KIB, 'b');
	expect_fill(w, 115 * KIB, 200 * KIB, 'c');
}
END_TEST

/* Past the limit for all files, the one that writes next spills; the others stay as they are. */
START_TEST(past_the_total_limit_the_next_file_spills)
{
	begin(MIB, 192 * KIB);
	struct wbuf *second = wbuf_new(&pool);
	ck_assert_ptr_nonnull(second);
	ck_assert_int_eq(fill(w, 0, 128 * KIB, 'a'), 0);
	ck_assert_int_eq(fill(second, 0, 128 * KIB, 'b'), 0);
	ck_assert(wbuf_in_memory(w));
	ck_assert(!wbuf_in_memory(second));
	ck_assert_uint_eq(wbuf_pool_used(&pool), 128 * KIB);
	expect_fill(w, 0, 128 * KIB, 'a');
	expect_fill(second, 0, 128 * KIB, 'b');
	wbuf_free(second);
}
END_TEST

/* Nobody sees a spill file in the folder, with O_TMPFILE (_i 0) or without (_i 1). */
START_TEST(spill_file_has_no_name)
{
	begin_form(SPILLED);
	atomic_store(&pool.places.no_tmpfile, _i == 1);
	ck_assert_int_eq(fill(w, 0, 100, 'a'), 0);
	ck_assert(!wbuf_in_memory(w));
	DIR *d = opendir(dir);
	ck_assert_ptr_nonnull(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		ck_assert_msg(e->d_name[0] == '.' ? strlen(e->d_name) < 3 : strcmp(e->d_name, "c.reel") == 0, "found %s",
			      e->d_name);
	closedir(d);
	expect_fill(w, 0, 100, 'a');
}
END_TEST

/* Where no more files can be open, there is more room in memory. */
START_TEST(without_spill_files_it_stays_in_memory)
{
	struct rlimit limit, before;
	begin(64 * KIB, 64 * KIB);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int ret = fill(w, 0, 400 * KIB, 'a');
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(ret, 0);
	ck_assert(wbuf_in_memory(w));
	expect_fill(w, 0, 400 * KIB, 'a');
}
END_TEST

/* Where there is none in memory either, the write fails and all that was written before is still there. */
START_TEST(failed_spilling_loses_nothing)
{
	struct rlimit limit, before;
	begin(64 * KIB, 64 * KIB);
	ck_assert_int_eq(fill(w, 0, 60 * KIB, 'a'), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int ret = fill(w, 50 * KIB, 600 * KIB, 'b');
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(ret, -EMFILE);
	ck_assert(wbuf_in_memory(w));
	expect_run(w, 0, 0, 60 * KIB);
	expect_no_run(w, 60 * KIB);
	expect_fill(w, 0, 60 * KIB, 'a');
	ck_assert_uint_eq(wbuf_pool_used(&pool), 64 * KIB);
}
END_TEST

/* The end of a file of 8 TiB can be written, read and streamed; or the file system says EFBIG. */
START_TEST(eight_tebibytes)
{
	begin_form(_i);
	int ret = fill(w, 8 * TIB - 4 * KIB, 4 * KIB, 'z');
	if (ret == -EFBIG) {
		ck_assert(wbuf_empty(w));
		return;
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_int_eq(fill(w, 0, 4 * KIB, 'a'), 0);
	expect_run(w, 4 * KIB, 8 * TIB - 4 * KIB, 8 * TIB);
	expect_fill(w, 8 * TIB - 4 * KIB, 4 * KIB, 'z');
	expect_fill(w, 0, 4 * KIB, 'a');
}
END_TEST

/* A write that the spill file is not allowed to hold is reported to the writer, and nothing of it is dirty. */
START_TEST(spill_file_too_big_is_reported)
{
	struct rlimit limit, before;
	begin_form(SPILLED);
	ck_assert_int_eq(fill(w, 0, 512 * KIB, 'a'), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = MIB;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int ret = fill(w, 768 * KIB, 512 * KIB, 'b');
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0); /* Check itself writes files */
	ck_assert_int_eq(ret, -EFBIG);
	expect_run(w, 0, 0, 512 * KIB);
	expect_no_run(w, 512 * KIB);
	expect_fill(w, 0, 512 * KIB, 'a');
}
END_TEST

/* Fills the small disk at `dir` with a spill file, and looks at what a refused write leaves. */
static void fill_the_disk(void)
{
	begin_form(SPILLED);
	ck_assert_int_eq(fill(w, 0, 512 * KIB, 'a'), 0);
	ck_assert_int_eq(fill(w, MIB, 2 * MIB, 'b'), -ENOSPC);
	expect_no_run(w, 512 * KIB);
	ck_assert_int_eq(fill(w, 256 * KIB, 2 * MIB, 'b'), -ENOSPC);
	expect_run(w, 0, 0, 512 * KIB);
	expect_no_run(w, 512 * KIB);
	expect_fill(w, 0, 512 * KIB, 'a');

	wbuf_clear(w);
	ck_assert_int_eq(fill(w, 0, 900 * KIB, 'c'), 0);
	expect_fill(w, 0, 900 * KIB, 'c');
	ck_assert_int_eq(wbuf_punch(w, 0, 800 * KIB), 0);
	ck_assert_int_eq(fill(w, MIB, 800 * KIB, 'd'), 0);
	expect_fill(w, MIB, 800 * KIB, 'd');

	wbuf_clear(w);
	pool.per_file = 2 * MIB;
	ck_assert_int_eq(fill(w, 0, 2 * MIB, 'e'), 0);
	ck_assert_int_eq(fill(w, MIB, 2 * MIB, 'f'), -ENOSPC);
	ck_assert(wbuf_in_memory(w));
	ck_assert_uint_eq(wbuf_dirty(w), 2 * MIB);
	expect_fill(w, 0, 2 * MIB, 'e');
}

/*
 * On a full disk (a tmpfs of 1 MiB; needs root) the writer gets ENOSPC and keeps what was written
 * before, also under the failed write; clearing and punching make room again; what does not fit stays
 * in memory.
 */
START_TEST(full_disk_is_reported_and_loses_nothing)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=1m") < 0) {
		printf("# SKIP full_disk_is_reported_and_loses_nothing: a tmpfs cannot be mounted here: %s\n", strerror(errno));
		fflush(stdout);
		begin_form(MEMORY);
		return;
	}
	make_container();
	fill_the_disk();
	wbuf_clear(w);
	ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
}
END_TEST

/* --- streaming ----------------------------------------------------------------------------------- */

struct sink {
	const uint8_t *expected; /* what the next bytes have to be */
	size_t taken;
	size_t stop_at; /* returns `result` once this many bytes were taken */
	int result;
};

static int take(void *arg, const void *data, size_t len)
{
	struct sink *s = arg;
	ck_assert_uint_ge(len, 1);
	ck_assert_uint_le(len, WBUF_STREAM_MAX);
	ck_assert_mem_eq(data, s->expected + s->taken, len);
	s->taken += len;
	return s->taken >= s->stop_at ? s->result : 0;
}

/* A run is streamed in order and completely, from any start to any end, in pieces of 1 MiB at most. */
START_TEST(stream_gives_the_bytes_in_order)
{
	begin_form(_i);
	size_t len = 3 * MIB + 12345;
	uint8_t *data = malloc(len);
	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 2654435761U >> 13);
	ck_assert_int_eq(put(w, 777, data, len), 0);
	struct sink all = {data, 0, SIZE_MAX, 0};
	ck_assert_int_eq(wbuf_stream(w, 777, 777 + len, take, &all), 0);
	ck_assert_uint_eq(all.taken, len);
	struct sink part = {data + 1000, 0, SIZE_MAX, 0};
	ck_assert_int_eq(wbuf_stream(w, 1777, 777 + 2 * MIB, take, &part), 0);
	ck_assert_uint_eq(part.taken, 2 * MIB - 1000);
	free(data);
}
END_TEST

/* What the sink returns ends the stream and is its result; a range that is not all dirty is refused before. */
START_TEST(sink_ends_the_stream)
{
	begin_form(_i);
	uint8_t *data = calloc(1, 3 * MIB);
	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(put(w, 0, data, 3 * MIB), 0);
	struct sink s = {data, 0, 1, -EDQUOT};
	ck_assert_int_eq(wbuf_stream(w, 0, 3 * MIB, take, &s), -EDQUOT);
	ck_assert_uint_le(s.taken, WBUF_STREAM_MAX);
	struct sink untouched = {data, 0, SIZE_MAX, 0};
	ck_assert_int_eq(wbuf_stream(w, 0, 3 * MIB + 1, take, &untouched), -EINVAL);
	ck_assert_uint_eq(untouched.taken, 0);
	free(data);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("wbuf");
	TCase *tc = tcase_create("wbuf");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, new_buffer_is_empty);
	tcase_add_loop_test(tc, pieces_of_a_write_are_joined, 0, FORMS);
	tcase_add_loop_test(tc, empty_write_does_nothing, 0, FORMS);
	tcase_add_loop_test(tc, later_write_wins, 0, FORMS);
	tcase_add_loop_test(tc, reading_what_is_not_dirty_is_refused, 0, FORMS);
	tcase_add_loop_test(tc, next_run_is_clipped_at_the_offset, 0, FORMS);
	tcase_add_test(tc, offsets_past_int64_are_refused);
	tcase_add_loop_test(tc, truncate_drops_the_end, 0, FORMS);
	tcase_add_loop_test(tc, punch_drops_the_middle, 0, FORMS);
	tcase_add_test(tc, dropped_chunks_free_their_memory);
	tcase_add_loop_test(tc, dropping_everything_begins_anew, 0, FORMS);
	tcase_add_loop_test(tc, cleared_buffer_can_be_used_again, 0, FORMS);
	tcase_add_test(tc, small_file_takes_little_memory);
	tcase_add_test(tc, past_its_limit_a_file_spills);
	tcase_add_test(tc, past_the_total_limit_the_next_file_spills);
	tcase_add_loop_test(tc, spill_file_has_no_name, 0, 2);
	tcase_add_test(tc, failed_spilling_loses_nothing);
	tcase_add_test(tc, without_spill_files_it_stays_in_memory);
	tcase_add_loop_test(tc, eight_tebibytes, 0, FORMS);
	tcase_add_test(tc, spill_file_too_big_is_reported);
	tcase_add_test(tc, full_disk_is_reported_and_loses_nothing);
	tcase_add_loop_test(tc, stream_gives_the_bytes_in_order, 0, FORMS);
	tcase_add_loop_test(tc, sink_ends_the_stream, 0, FORMS);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
