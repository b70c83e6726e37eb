/*
 * test_whole.c - containers that were written as a whole (compacted, repaired), as they are and used a little afterwards: cut
 * anywhere they are refused and told as a copy that is not complete. And containers that appear filled (fs_open_new()).
 */
#include "config.h"

#include "disk.h"
#include "foreign.h"
#include "written.h"

/* The first `len` bytes of what was written as a whole: no state that there was. */
static void expect_refused(const uint8_t *bytes, size_t len, size_t end)
{
	struct fs *fs;
	char said[64];

	h_store(W_COPY, bytes, len);
	snprintf(said, sizeof(said), "it has %zu of %zu bytes", len, end);
	for (int read_only = 0; read_only < 2; read_only++) {
		ck_assert_msg(h_try(W_COPY, read_only, &fs) == -EBADMSG, "the first %zu of %zu bytes open", len, end);
		if (len >= 400)
			ck_assert_msg(strstr(h_messages(), "a copy that is not complete") && strstr(h_messages(), said),
				      "the first %zu of %zu bytes: %s", len, end, h_messages());
	}
	ck_assert_msg(h_is(W_COPY, bytes, len), "the first %zu of %zu bytes were changed", len, end);
}

/* The superblock and no more: nothing else can be in it, but it is not clean. */
static void expect_unclean(const uint8_t *bytes, size_t len)
{
	struct fs *fs;

	h_store(W_COPY, bytes, len);
	ck_assert_int_eq(h_try(W_COPY, true, &fs), 0);
	ck_assert_msg(h_faults(fs) > 0, "the first %zu bytes are clean", len);
	fs_close(fs);
}

/* Expects no part of it, whatever its length, to be opened or changed; not even when just the last byte is missing. */
START_TEST(no_part_is_taken_for_the_whole)
{
	size_t size, end;
	uint8_t *bytes;

	w_make(_i / 2, _i % 2, W_FEW);
	bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	ck_assert_uint_eq(_i % 2, end < size);
	for (size_t len = 1; len < end; len += len < 400 || len + 100 > end ? 1 : 37) {
		if (len >= 268 && len < 327)
			expect_unclean(bytes, len);
		else
			expect_refused(bytes, len, end);
	}
	free(bytes);
}
END_TEST

/* Expects a copy that has its length from the start, and zeros where it ends, to be refused as well. */
START_TEST(zeros_for_the_end)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs *fs;

	w_make(W_COMPACTED, _i, W_FEW);
	bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	for (size_t len = end - 20; len > 512; len = len * 3 / 4) {
		memset(bytes + len, 0, size - len);
		h_store(W_COPY, bytes, size);
		ck_assert_int_eq(h_try(W_COPY, false, &fs), -EBADMSG);
		ck_assert_msg(strstr(h_messages(), "not complete") != NULL, "%s", h_messages());
		ck_assert(h_is(W_COPY, bytes, size));
	}
	free(bytes);
}
END_TEST

/* Expects what came after the whole writing to be cut off as ever, with a message that says of when the rest is. */
START_TEST(what_came_later_may_be_torn)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs *fs;

	w_make(W_COMPACTED, true, W_FEW);
	bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	for (size_t len = end; len < size; len += 13) {
		h_store(W_COPY, bytes, len);
		ck_assert_msg(h_try(W_COPY, false, &fs) == 0, "%zu of %zu: %s", len, size, h_messages());
		ck_assert(!strstr(h_messages(), "cut off") || strstr(h_messages(), "what is left is of 20"));
		ck_assert_msg(h_exists(fs, "d/f1"), "%zu of %zu", len, size);
		h_check(fs);
		fs_close(fs);
	}
	free(bytes);
}
END_TEST

/* Expects the same of containers that older versions wrote: no transaction is left, and no crash leaves that. */
START_TEST(a_superblock_without_any_transaction)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs *fs;

	w_make(W_COMPACTED, false, W_FEW);
	bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	/* As if it were contents. */
	memset(bytes + 320, 'x', sizeof(struct fs_whole));
	for (size_t len = 420; len < end; len += 101) {
		h_store(W_COPY, bytes, len);
		int r = h_try(W_COPY, false, &fs);
		/* With the first of its two checkpoints it can be used. */
		if (r == 0)
			fs_close(fs);
		else
			ck_assert_msg(h_is(W_COPY, bytes, len) && h_messages()[0], "%zu of %zu", len, end);
		ck_assert_msg(r == -EBADMSG || len > end - (end - 400) / 2, "%zu of %zu opens", len, end);
	}
	free(bytes);
}
END_TEST

/* Expects the entry to be nobody's file where another program has compacted the container, nor to be believed. */
START_TEST(another_program_compacts_it)
{
	w_make(W_COMPACTED, true, W_FEW);
	for (int times = 0; times < 2; times++) {
		h_compact(h_path, h_beside("compacted"));
		ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
		h_open();
		ck_assert_uint_eq(foreign_count(), 0);
		ck_assert(h_exists(h_fs, "d/f1"));
		if (times > 0)
			h_puts(h_fs, "later", "x");
		h_close();
	}
	h_open();
	ck_assert(h_exists(h_fs, "later") && h_exists(h_fs, "new2"));
}
END_TEST

/*
 * A container that is filled before it gets its name: nothing is there until then, and what a killed process leaves cannot be
 * opened.
 */
START_TEST(a_new_one_appears_filled)
{
	struct fs *new, *fs;
	size_t size;

	h_close();
	ck_assert_int_eq(fs_open_new(h_path, &h_options, &new), -EEXIST);
	ck_assert_int_eq(unlink(h_path), 0);
	ck_assert_int_eq(fs_open_new(h_path, &h_options, &new), 0);
	h_mkdir(new, "d");
	h_puts(new, "d/f", "contents");
	ck_assert_int_eq(fs_sync(new), 0);
	ck_assert_int_ne(access(h_path, F_OK), 0);
	h_copy(reel_path(fs_store(new)), W_COPY);
	for (int read_only = 0; read_only < 2; read_only++) {
		ck_assert_int_eq(h_try(W_COPY, read_only, &fs), -EBADMSG);
		ck_assert_msg(strstr(h_messages(), "its writing was never finished") != NULL, "%s", h_messages());
	}
	ck_assert_int_eq(fs_close_new(new), 0);
	uint8_t *bytes = h_load(h_path, &size);
	ck_assert_uint_eq(w_end_of(bytes, size), size);
	expect_refused(bytes, size - 1, size);
	free(bytes);
	h_open();
	h_expects(h_fs, "d/f", "contents");
	h_check(h_fs);
}
END_TEST

/* No file is replaced that took the name meanwhile, and no other is left. */
START_TEST(a_name_that_is_taken_meanwhile)
{
	struct fs *new;
	char temporary[4400];

	h_close();
	ck_assert_int_eq(unlink(h_path), 0);
	ck_assert_int_eq(fs_open_new(h_path, &h_options, &new), 0);
	snprintf(temporary, sizeof(temporary), "%s", reel_path(fs_store(new)));
	h_store(h_path, "mine", 4);
	ck_assert_int_eq(fs_close_new(new), -EEXIST);
	ck_assert(h_is(h_path, "mine", 4));
	ck_assert_int_ne(access(temporary, F_OK), 0);
}
END_TEST

static int calls_until_failure;

static ssize_t failing_pwritev(const struct disk_ops *d, int fd, const struct iovec *iov, int n, uint64_t offset)
{
	(void)d;
	return --calls_until_failure < 0 ? -EIO : disk_real.pwritev(&disk_real, fd, iov, n, offset);
}

static int failing_fdatasync(const struct disk_ops *d, int fd)
{
	(void)d;
	return --calls_until_failure < 0 ? -EIO : disk_real.fdatasync(&disk_real, fd);
}

static int failing_fsync(const struct disk_ops *d, int fd)
{
	(void)d;
	return --calls_until_failure < 0 ? -EIO : disk_real.fsync(&disk_real, fd);
}

/* Whichever write or sync fails, it appears not at all; or it is there as a whole. */
START_TEST(a_disk_that_fails_a_new_one)
{
	struct disk_ops disk = disk_real;
	struct fs_options options = h_options;
	char *is;
	int r = -EIO, error;

	disk.pwritev = failing_pwritev;
	disk.fdatasync = failing_fdatasync;
	disk.fsync = failing_fsync;
	options.disk = &disk;
	h_close();
	ck_assert_int_eq(unlink(h_path), 0);
	for (int calls = 0; r < 0; calls++) {
		struct fs_attr attr;
		struct fs *new;

		ck_assert_int_lt(calls, 100);
		calls_until_failure = calls;
		r = fs_open_new(h_path, &options, &new);
		if (r == 0) {
			(void)fs_mkdir(new, FS_ROOT_INO, "d", 0700, &h_owner, &attr);
			r = fs_close_new(new);
		}
		ck_assert_int_eq(access(h_path, F_OK), r == 0 ? 0 : -1);
	}
	is = h_tree_of(h_path, &error);
	ck_assert_msg(is && strstr(is, "/d ") != NULL, "%s", is);
	free(is);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("whole");
	TCase *tc = tcase_create("parts");

	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, no_part_is_taken_for_the_whole, 0, 2 * W_KINDS);
	tcase_add_loop_test(tc, zeros_for_the_end, 0, 2);
	tcase_add_test(tc, what_came_later_may_be_torn);
	tcase_add_test(tc, a_superblock_without_any_transaction);
	tcase_add_test(tc, another_program_compacts_it);
	tcase_add_test(tc, a_new_one_appears_filled);
	tcase_add_test(tc, a_name_that_is_taken_meanwhile);
	tcase_add_test(tc, a_disk_that_fails_a_new_one);
	suite_add_tcase(suite, tc);
	return h_main(suite);
}
