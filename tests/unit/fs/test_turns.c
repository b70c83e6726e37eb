/*
 * test_turns.c - what is written to files that stay open reaches the container after a while: as what the file was or
 * may have been, in pieces, for about its own bytes (src/fs/turns.c, plan.c, write.c, syncer.c).
 */
#include "config.h"

#include "contents.h"
#include "disk.h"
#include "harness.h"
#include "open.h"
#include "plan.h"
#include "state.h"
#include "syncer.h"

#define PAGE 4096u

/* What h_fs would be if the process were killed now. */
static struct fs *killed_now(void)
{
	const char *copy = h_beside("killed.reel");
	struct fs *fs;

	h_copy(h_path, copy);
	ck_assert_int_eq(h_try(copy, true, &fs), 0);
	return fs;
}

static void expect_killed(const char *path, const void *data, size_t len)
{
	struct fs *fs = killed_now();

	h_expect(fs, path, data, len);
	h_check(fs);
	fs_close(fs);
}

static size_t size_if_killed(const char *path)
{
	struct fs *fs = killed_now();
	struct fs_attr attr;

	ck_assert_int_eq(h_stat(fs, path, &attr), 0);
	fs_close(fs);
	return attr.size;
}

/* As the kernel writes back what it has cached. */
static int write_back(struct fs_file *f, uint64_t offset, const void *data, size_t len)
{
	struct iovec iov = {(void *)(uintptr_t)data, len};

	return fs_file_write(f, offset, &iov, 1, FS_WRITE_CACHED);
}

/* --- that it is stored ------------------------------------------------------------------------------ */

/* The thread does it without being asked: what was written is in the container while the file is still open. */
START_TEST(open_file_is_stored_after_a_while)
{
	uint8_t *data = h_random(50000, 1);
	size_t size = 0;

	h_close();
	h_options.sync_interval_s = 1;
	h_open();
	struct fs_file *f = h_file(h_fs, "log", 0);
	ck_assert_int_eq(h_write(f, 0, data, 50000), 0);
	for (int i = 0; i < 200 && size == 0; i++) {
		usleep(50000);
		size = size_if_killed("log");
	}
	ck_assert_uint_eq(size, 50000);
	expect_killed("log", data, 50000);
	ck_assert_int_eq(h_end(f), 0);
	free(data);
}
END_TEST

/* Data, a cut, a hole, times: each round stores what descriptors see, and the next one finds nothing to do. */
START_TEST(a_round_stores_what_descriptors_see)
{
	uint8_t *data = h_random(300000, 1);

	h_put(h_fs, "f", data, 200000);
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 200000, data + 200000, 100000), 0);
	ck_assert_int_eq(h_write(f, 5, "changed", 7), 0);
	memcpy(data + 5, "changed", 7);
	ck_assert_int_eq(fs_file_allocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50000, 20000, false), 0);
	memset(data + 50000, 0, 20000);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	expect_killed("f", data, 300000);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 100000), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 150000), 0);
	memset(data + 100000, 0, 50000);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	expect_killed("f", data, 150000);
	size_t before = h_size(h_path);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_uint_eq(h_size(h_path), before);
	char *is = h_tree(h_fs), *after;
	struct fs *fs = killed_now();
	after = h_tree(fs);
	h_same(after, is, "after a kill");
	fs_close(fs);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, 150000);
	free(is);
	free(after);
	free(data);
}
END_TEST

/* What no name leads to would be dead in the container. */
START_TEST(files_without_names_are_not_stored)
{
	uint8_t *data = h_random(100000, 1);
	struct fs_attr attr;
	struct fs_file *f, *g = h_file(h_fs, "g", 0);

	ck_assert_int_eq(fs_file_tmpfile(h_fs, FS_ROOT_INO, 0600, O_RDWR, &h_owner, &attr, &f), 0);
	ck_assert_int_eq(h_unlink(h_fs, "g"), 0);
	size_t before = h_size(h_path);
	ck_assert_int_eq(h_write(f, 0, data, 100000), 0);
	ck_assert_int_eq(h_write(g, 0, data, 100000), 0);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	ck_assert_uint_eq(h_size(h_path), before);
	ck_assert_int_eq(h_end(g), 0);
	ck_assert_int_eq(h_end(f), 0);
	fs_forget(h_fs, attr.ino, 1);
	free(data);
}
END_TEST

/* --- pieces ------------------------------------------------------------------------------------------- */

/*
 * A large file goes in pieces. After each of them the container has a prefix of it, or, in the place of older contents, these
 * with a part replaced; descriptors see all of it all the time. Loops over spilled or not.
 */
START_TEST(large_changes_go_in_pieces)
{
	const size_t len = 5 * PLAN_PIECE + 777;
	uint8_t *data = h_random(len, 1);
	uint64_t from = 0, pieces = 0;
	struct fs_attr attr;

	h_close();
	h_options.buffer_file = _i ? MIB : 4 * len;
	h_options.buffer_total = 8 * len;
	h_open();
	h_put(h_fs, "f", "an old text", 11);
	struct fs_file *f = h_file(h_fs, "f", O_TRUNC);
	for (size_t at = 0; at < len; at += MIB)
		ck_assert_int_eq(h_write(f, at, data + at, len - at < MIB ? len - at : MIB), 0);
	for (int r = 1; r > 0; pieces++) {
		struct open_state *o = f->open;
		size_t before = h_size(h_path);
		pthread_rwlock_wrlock(&o->io);
		r = contents_commit_piece(h_fs, o, &from);
		pthread_rwlock_unlock(&o->io);
		ck_assert_int_ge(r, 0);
		ck_assert_uint_le(h_size(h_path) - before, PLAN_PIECE + 65536);
		if (r > 0)
			expect_killed("f", data, from);
		ck_assert_int_eq(h_stat(h_fs, "f", &attr), 0);
		ck_assert_uint_eq(attr.size, len);
		ck_assert_uint_eq(attr.blocks, (len + 511) / 512);
		h_expect(h_fs, "f", data, len);
	}
	ck_assert_uint_eq(pieces, 7);
	size_t before = h_size(h_path);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_eq(h_size(h_path), before);
	h_expect_for_good("f", data, len);
	free(data);
}
END_TEST

/* What is changed in front while later pieces go is stored, and no size covers what is not stored. */
START_TEST(changes_between_pieces)
{
	const size_t len = 3 * PLAN_PIECE;
	uint8_t *data = h_random(len, 1);
	uint64_t from = 0;

	struct fs_file *f = h_file(h_fs, "f", 0);
	for (size_t at = 0; at < len; at += MIB)
		ck_assert_int_eq(h_write(f, at, data + at, MIB), 0);
	for (int r = 1, i = 0; r > 0; i++) {
		pthread_rwlock_wrlock(&f->open->io);
		r = contents_commit_piece(h_fs, f->open, &from);
		pthread_rwlock_unlock(&f->open->io);
		ck_assert_int_ge(r, 0);
		ck_assert_int_eq(h_write(f, 1000, &i, sizeof(i)), 0);
		memcpy(data + 1000, &i, sizeof(i));
	}
	ck_assert_uint_eq(size_if_killed("f"), len);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	expect_killed("f", data, len);
	/* Cut between two pieces, and written again. */
	for (size_t at = 0; at < len; at += MIB)
		ck_assert_int_eq(h_write(f, at, data + at, MIB), 0);
	from = 0;
	pthread_rwlock_wrlock(&f->open->io);
	ck_assert_int_eq(contents_commit_piece(h_fs, f->open, &from), PLAN_PIECE);
	pthread_rwlock_unlock(&f->open->io);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), PLAN_PIECE + 100), 0);
	ck_assert_int_eq(h_write(f, PLAN_PIECE + 100, "the end", 7), 0);
	memcpy(data + PLAN_PIECE + 100, "the end", 7);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	expect_killed("f", data, PLAN_PIECE + 107);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, PLAN_PIECE + 107);
	free(data);
}
END_TEST

/* --- gaps --------------------------------------------------------------------------------------------- */

static bool handed;
static struct fs_file *late; /* what the kernel hands over when it is asked, or NULL */
static const uint8_t *late_data;

static bool hand_over(void *arg)
{
	(void)arg;
	if (late)
		ck_assert_int_eq(write_back(late, 0, late_data, 2 * PAGE), 0);
	late = NULL;
	return handed;
}

static void open_with_cache(void)
{
	h_close();
	h_options.hand_over = hand_over;
	late = NULL;
	h_open();
}

/*
 * The kernel writes back a page past others that it still has: what is before it is no hole, and a kill must not make it
 * zeros. Once it has handed over all it had, what is missing is a hole.
 */
START_TEST(a_gap_is_no_hole_before_the_kernel_has_handed_over)
{
	uint8_t *data = h_random(4 * PAGE, 1);

	open_with_cache();
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(write_back(f, 0, data, PAGE), 0);
	ck_assert_int_eq(write_back(f, 3 * PAGE, data + 3 * PAGE, PAGE), 0);
	handed = false;
	ck_assert_int_eq(syncer_round(h_fs), 0);
	expect_killed("f", data, PAGE);
	ck_assert_int_eq(write_back(f, PAGE, data + PAGE, PAGE), 0);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	expect_killed("f", data, 2 * PAGE);
	handed = true;
	ck_assert_int_eq(syncer_round(h_fs), 0);
	memset(data + 2 * PAGE, 0, PAGE);
	expect_killed("f", data, 4 * PAGE);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, 4 * PAGE);
	free(data);
}
END_TEST

/* What arrives while the kernel hands over is stored in the same round. */
START_TEST(what_is_handed_over_is_stored)
{
	uint8_t *data = h_random(4 * PAGE, 1);

	open_with_cache();
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(write_back(f, 3 * PAGE, data + 3 * PAGE, PAGE), 0);
	handed = true;
	late = f;
	late_data = data;
	ck_assert_int_eq(syncer_round(h_fs), 0);
	memset(data + 2 * PAGE, 0, PAGE);
	expect_killed("f", data, 4 * PAGE);
	ck_assert_int_eq(h_end(f), 0);
	free(data);
}
END_TEST

/* --- what it costs ------------------------------------------------------------------------------------- */

/* A log that grows by so much a round, handed over in pages as the kernel does; returns what the container has grown. */
static size_t grow_log(const uint8_t *data, size_t step, size_t rounds)
{
	size_t before = h_size(h_path), len = 0;
	struct fs_file *f = h_file(h_fs, "log", 0);

	for (size_t i = 0; i < rounds; i++) {
		size_t start = len - len % PAGE;
		len += step;
		ck_assert_int_eq(write_back(f, start, data + start, len - start), 0);
		ck_assert_int_eq(syncer_round(h_fs), 0);
	}
	h_expect(h_fs, "log", data, len);
	expect_killed("log", data, len);
	ck_assert_int_eq(h_end(f), 0);
	return h_size(h_path) - before;
}

/* 10 kB a second, and more or less, for 25 minutes. */
START_TEST(a_growing_log_costs_its_bytes)
{
	static const size_t step[] = {10000, 50000, 100000};
	size_t rounds = 300, len = rounds * step[_i];
	uint8_t *data = h_random(len, 3);
	size_t grown = grow_log(data, step[_i], rounds);

	ck_assert_msg(grown < len + len / 5, "%zu bytes cost %zu", len, grown);
	free(data);
}
END_TEST

/* A line now and then costs its transaction, of less than 600 bytes, and its bytes up to three times. */
START_TEST(a_slow_log_costs_its_transactions)
{
	static const size_t step[] = {1, 100, 500, 4000};
	size_t rounds = 1000, len = rounds * step[_i];
	uint8_t *data = h_random(len, 3);
	size_t grown = grow_log(data, step[_i], rounds);

	ck_assert_msg(grown < 3 * len + rounds * 600, "%zu bytes in %zu rounds cost %zu", len, rounds, grown);
	free(data);
}
END_TEST

static unsigned extents_of(const char *path)
{
	struct open_state *o;
	unsigned n;

	ck_assert_int_eq(open_hold(h_fs, h_ino(h_fs, path), &o), 0);
	n = o->inode->extents.n;
	open_put(h_fs, o);
	return n;
}

/* Neither memory nor later readers pay for a log of many short lines: it has few parts, however it was written. */
START_TEST(a_slow_log_has_few_parts)
{
	uint8_t *data = h_random(600000, 3);

	grow_log(data, 200, 3000);
	ck_assert_uint_le(extents_of("log"), 600000 / 8192 + 65);
	for (size_t at = 0; _i && at < 600000; at += 200) {
		struct fs_file *f = h_file(h_fs, "closed", 0);
		ck_assert_int_eq(h_write(f, at, data + at, 200), 0);
		ck_assert_int_eq(h_end(f), 0);
	}
	if (_i)
		ck_assert_uint_le(extents_of("closed"), 600000 / 8192 + 65);
	h_check(h_fs);
	free(data);
}
END_TEST

/* A large file that was stored in parts is not copied when it is closed. One that was closed soon is one entry. */
START_TEST(a_close_copies_nothing_again)
{
	const size_t len = 2 * PLAN_PIECE;
	uint8_t *data = h_random(3 * len, 1);

	struct fs_file *f = h_file(h_fs, "f", 0);
	for (size_t at = 0; at < len; at += MIB)
		ck_assert_int_eq(h_write(f, at, data + at, MIB), 0);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	for (size_t at = len; at < 3 * len; at += MIB)
		ck_assert_int_eq(h_write(f, at, data + at, MIB), 0);
	size_t before = h_size(h_path);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_lt(h_size(h_path) - before, 2 * len + 65536);
	h_expect_for_good("f", data, 3 * len);
	h_put(h_fs, "g", data, len);
	ck_assert_uint_eq(extents_of("g"), 1);
	ck_assert(h_key_exists("g"));
	free(data);
}
END_TEST

/* --- what the kernel sends once more ------------------------------------------------------------------------ */

/* The start of the page of an append is not stored again; a byte of it that is another one is, with all after it. */
START_TEST(the_start_of_a_page_is_not_stored_again)
{
	uint8_t *data = h_random(3000, 1);
	struct fs_file *f = h_file(h_fs, "f", 0);

	ck_assert_int_eq(write_back(f, 0, data, 2900), 0);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(write_back(f, 0, data, 2950), 0);
	ck_assert_uint_eq(wbuf_dirty(f->open->wbuf), 50);
	data[7]++;
	ck_assert_int_eq(write_back(f, 0, data, 3000), 0);
	ck_assert_uint_eq(wbuf_dirty(f->open->wbuf), 2993);
	h_expect(h_fs, "f", data, 3000);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, 3000);
	free(data);
}
END_TEST

/* What was punched, cut or written over is no start to go without, whatever lies beneath. */
START_TEST(only_what_is_still_there_is_known)
{
	uint8_t *data = h_random(3000, 1);
	struct fs_file *f = h_file(h_fs, "f", 0);

	ck_assert_int_eq(write_back(f, 0, data, 2000), 0);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(h_write(f, 100, "other", 5), 0);
	ck_assert_int_eq(write_back(f, 0, data, 2100), 0);
	h_expect(h_fs, "f", data, 2100);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(fs_file_allocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 20, false), 0);
	ck_assert_int_eq(write_back(f, 0, data, 2200), 0);
	h_expect(h_fs, "f", data, 2200);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 1000), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 1500), 0);
	ck_assert_int_eq(write_back(f, 0, data, 2300), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, 2300);
	free(data);
}
END_TEST

/* Damage beneath is not taken for what the kernel sends, though the bytes be the same: it is replaced. */
START_TEST(damage_is_written_over)
{
	uint8_t *data = h_random(3000, 1);
	size_t size, at = 0;

	h_put(h_fs, "f", data, 2900);
	h_close();
	uint8_t *bytes = h_load(h_path, &size);
	while (memcmp(bytes + at, data, 2900) != 0)
		at++;
	free(bytes);
	h_flip(h_path, at + 2000);
	h_open();
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(write_back(f, 0, data, 3000), 0);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_expect(h_fs, "f", data, 3000);
	h_again();
	h_expect(h_fs, "f", data, 3000);
	free(data);
}
END_TEST

/* Damage in a log of many short parts keeps nobody from writing on. */
START_TEST(damage_keeps_nobody_from_writing_on)
{
	uint8_t *data = h_random(20000, 1);
	size_t size, at = 0, len = 0;

	struct fs_file *f = h_file(h_fs, "log", 0);
	for (; len < 6000; len += 100) {
		ck_assert_int_eq(h_write(f, len, data + len, 100), 0);
		ck_assert_int_eq(syncer_round(h_fs), 0);
	}
	ck_assert_int_eq(h_end(f), 0);
	h_close();
	uint8_t *bytes = h_load(h_path, &size);
	while (memcmp(bytes + at, data + 3000, 100) != 0)
		at++;
	free(bytes);
	h_flip(h_path, at + 50);
	h_open();
	f = h_file(h_fs, "log", 0);
	for (; len < 20000; len += 100) {
		ck_assert_int_eq(h_write(f, len, data + len, 100), 0);
		ck_assert_int_eq(syncer_round(h_fs), 0);
	}
	uint8_t read[3000];
	ck_assert_int_eq(h_read(f, 0, read, 3000), 3000);
	ck_assert_mem_eq(read, data, 3000);
	ck_assert_int_eq(h_read(f, 3000, read, 100), -EIO);
	ck_assert_int_eq(h_read(f, 3100, read, 3000), 3000);
	ck_assert_mem_eq(read, data + 3100, 3000);
	ck_assert_int_eq(h_end(f), 0);
	free(data);
}
END_TEST

/* --- errors --------------------------------------------------------------------------------------------- */

static size_t longest_write = SIZE_MAX;

/* A disk that has no room for a long write. */
static ssize_t write_short(const struct disk_ops *d, int fd, const struct iovec *iov, int n, uint64_t offset)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len > longest_write ? -ENOSPC : disk_real.pwritev(d, fd, iov, n, offset);
}

static unsigned count(const char *text, const char *of)
{
	unsigned n = 0;

	for (; (text = strstr(text, of)); text++)
		n++;
	return n;
}

/* A file that cannot be stored is told of once, keeps its bytes, and holds up no other; its close tells the error. */
START_TEST(a_file_that_does_not_fit_holds_up_no_other)
{
	uint8_t *data = h_random(2 * MIB, 1);

	struct disk_ops disk = disk_real;
	disk.pwritev = write_short;
	h_close();
	h_options.disk = &disk;
	h_open();
	struct fs_file *f = h_file(h_fs, "f", 0), *g = h_file(h_fs, "g", 0);
	ck_assert_int_eq(h_write(f, 0, data, MIB), 0);
	ck_assert_int_eq(h_write(g, 0, data, 1000), 0);
	longest_write = 50000;
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(syncer_round(h_fs), 0);
	ck_assert_int_eq(fs_file_flush(f), -ENOSPC);
	longest_write = SIZE_MAX;
	ck_assert_uint_eq(count(h_messages(), "what was written to /f, which is open, cannot be stored for now"), 1);
	ck_assert_uint_eq(count(h_messages(), "/g"), 0);
	expect_killed("g", data, 1000);
	h_expect(h_fs, "f", data, MIB);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	expect_killed("f", data, MIB);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_int_eq(h_end(g), 0);
	h_close();
	h_options.disk = NULL;
	h_open();
	free(data);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("turns");
	TCase *tc = tcase_create("turns");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, open_file_is_stored_after_a_while);
	tcase_add_test(tc, a_round_stores_what_descriptors_see);
	tcase_add_test(tc, files_without_names_are_not_stored);
	tcase_add_loop_test(tc, large_changes_go_in_pieces, 0, 2);
	tcase_add_test(tc, changes_between_pieces);
	tcase_add_test(tc, a_gap_is_no_hole_before_the_kernel_has_handed_over);
	tcase_add_test(tc, what_is_handed_over_is_stored);
	tcase_add_loop_test(tc, a_growing_log_costs_its_bytes, 0, 3);
	tcase_add_loop_test(tc, a_slow_log_costs_its_transactions, 0, 4);
	tcase_add_loop_test(tc, a_slow_log_has_few_parts, 0, 2);
	tcase_add_test(tc, a_close_copies_nothing_again);
	tcase_add_test(tc, the_start_of_a_page_is_not_stored_again);
	tcase_add_test(tc, only_what_is_still_there_is_known);
	tcase_add_test(tc, damage_is_written_over);
	tcase_add_test(tc, damage_keeps_nobody_from_writing_on);
	tcase_add_test(tc, a_file_that_does_not_fit_holds_up_no_other);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
