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

static size_t size_if_killed(const char *path)
{
	struct fs *fs = h_killed();
	struct fs_attr attr;

	ck_assert_int_eq(h_stat(fs, path, &attr), 0);
	fs_close(fs);
	return attr.size;
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
	h_expect_killed("log", data, 50000);
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
	h_expect_killed("f", data, 300000);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 100000), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 150000), 0);
	memset(data + 100000, 0, 50000);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	h_expect_killed("f", data, 150000);
	size_t before = h_size(h_path);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_uint_eq(h_size(h_path), before);
	char *is = h_tree(h_fs), *after;
	struct fs *fs = h_killed();
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
			h_expect_killed("f", data, from);
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
	h_expect_killed("f", data, len);
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
	h_expect_killed("f", data, PLAN_PIECE + 107);
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
		ck_assert_int_eq(h_write_back(late, 0, late_data, 2 * PAGE), 0);
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
	ck_assert_int_eq(h_write_back(f, 0, data, PAGE), 0);
	ck_assert_int_eq(h_write_back(f, 3 * PAGE, data + 3 * PAGE, PAGE), 0);
	handed = false;
	ck_assert_int_eq(syncer_round(h_fs), 0);
	h_expect_killed("f", data, PAGE);
	ck_assert_int_eq(h_write_back(f, PAGE, data + PAGE, PAGE), 0);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	h_expect_killed("f", data, 2 * PAGE);
	handed = true;
	ck_assert_int_eq(syncer_round(h_fs), 0);
	memset(data + 2 * PAGE, 0, PAGE);
	h_expect_killed("f", data, 4 * PAGE);
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
	ck_assert_int_eq(h_write_back(f, 3 * PAGE, data + 3 * PAGE, PAGE), 0);
	handed = true;
	late = f;
	late_data = data;
	ck_assert_int_eq(syncer_round(h_fs), 0);
	memset(data + 2 * PAGE, 0, PAGE);
	h_expect_killed("f", data, 4 * PAGE);
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
	h_expect_killed("g", data, 1000);
	h_expect(h_fs, "f", data, MIB);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	h_expect_killed("f", data, MIB);
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
	tcase_add_test(tc, a_file_that_does_not_fit_holds_up_no_other);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
