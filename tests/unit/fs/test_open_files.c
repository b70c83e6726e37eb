/*
 * test_open_files.c - what descriptors see of each other, files that outlive their names, and the keys under
 * which other programs find contents (src/fs/file.c, open.c, contents.c).
 */
#include "config.h"

#include "harness.h"

/* --- open files -------------------------------------------------------------------------------------------------- */

/* Two descriptors see each other's writes and cuts at once; the file's attributes, too. */
START_TEST(descriptors_see_each_other)
{
	struct fs_file *a = h_file(h_fs, "f", 0), *b = h_file(h_fs, "f", 0);
	struct fs_attr attr;
	char read[16];
	ck_assert_int_eq(h_write(a, 0, "hello", 5), 0);
	ck_assert_int_eq(h_read(b, 0, read, 16), 5);
	ck_assert_int_eq(h_write(b, 5, " world", 6), 0);
	ck_assert_int_eq(h_read(a, 0, read, 16), 11);
	ck_assert_mem_eq(read, "hello world", 11);
	ck_assert_int_eq(h_stat(h_fs, "f", &attr), 0);
	ck_assert_uint_eq(attr.size, 11);
	ck_assert_int_eq(h_end(a), 0);
	ck_assert_int_eq(h_write(b, 0, "J", 1), 0);
	a = h_file(h_fs, "f", O_TRUNC);
	ck_assert_int_eq(h_read(b, 0, read, 16), 0);
	ck_assert_int_eq(h_write(b, 2, "x", 1), 0);
	ck_assert_int_eq(h_end(b), 0);
	ck_assert_int_eq(h_read(a, 0, read, 16), 3);
	ck_assert_int_eq(h_end(a), 0);
	h_expect_for_good("f", "\0\0x", 3);
}
END_TEST

/* What one reader was given stays as it was, whatever is written, cut and committed meanwhile. */
START_TEST(extracts_do_not_change)
{
	uint8_t *data = h_random(100000, 1);
	struct fs_extract e;
	h_put(h_fs, "f", data, 100000);
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(fs_file_read(f, 0, 100000, &e), 0);
	ck_assert_int_eq(e.pieces, 1);
	h_put(h_fs, "f", "short", 5);
	ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
	h_put(h_fs, "g", data + 1, 90000);
	ck_assert_mem_eq(e.piece[0].iov_base, data, 100000);
	fs_extract_done(&e);
	ck_assert_int_eq(h_end(f), 0);
	free(data);
}
END_TEST

/* A file that was removed, or replaced by a rename, while open goes on for those who have it open, synced or not. */
START_TEST(open_file_outlives_its_name)
{
	struct fs_attr attr;
	char read[32];
	h_puts(h_fs, "f", "old contents");
	h_puts(h_fs, "g", "other");
	struct fs_file *f = h_file(h_fs, "f", 0);
	uint64_t ino = h_ino(h_fs, "f");
	if (_i == 0)
		ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
	else
		ck_assert_int_eq(h_rename(h_fs, "g", "f", 0), 0);
	ck_assert_int_eq(h_read(f, 0, read, 32), 12);
	ck_assert_int_eq(h_write(f, 0, "NEW", 3), 0);
	ck_assert_int_eq(fs_file_fsync(f, false), 0);
	ck_assert_int_eq(h_write(f, 12, "!", 1), 0);
	ck_assert_int_eq(h_read(f, 0, read, 32), 13);
	ck_assert_mem_eq(read, "NEW contents!", 13);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 0);
	h_puts(h_fs, "h", "x");
	if (_i == 0)
		h_puts(h_fs, "f", "a new file");
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), -ENOENT);
	h_expects(h_fs, "f", _i == 0 ? "a new file" : "other");
	h_crash();
	h_expects(h_fs, "f", _i == 0 ? "a new file" : "other");
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), -ENOENT);
	h_again();
	h_check(h_fs);
}
END_TEST

static bool no_name(void *arg, const struct fs_dirent *e)
{
	(void)arg;
	ck_abort_msg("a removed directory lists %s", e->name);
	return false;
}

/* An open directory that was removed lists nothing and takes no names; its inode ends when it is closed. */
START_TEST(open_directory_outlives_its_name)
{
	struct fs_dir *dir;
	struct fs_attr attr;
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	uint64_t ino = h_ino(h_fs, "d");
	ck_assert_int_eq(fs_dir_open(h_fs, ino, &dir), 0);
	ck_assert_int_eq(h_rmdir(h_fs, "d"), 0);
	ck_assert_int_eq(fs_dir_read(dir, 0, no_name, NULL), 0);
	ck_assert_int_eq(fs_mkdir(h_fs, ino, "x", 0755, &h_owner, &attr), -ENOENT);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 0);
	fs_dir_close(dir);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), -ENOENT);
}
END_TEST

/* An unnamed file gets a name with all that was written to it, and is gone without one. */
START_TEST(unnamed_file_can_be_named)
{
	struct fs_attr attr, linked;
	struct fs_file *f, *lost;
	ck_assert_int_eq(fs_file_tmpfile(h_fs, FS_ROOT_INO, 0600, O_RDWR, &h_owner, &attr, &lost), 0);
	ck_assert_int_eq(h_write(lost, 0, "lost", 4), 0);
	fs_forget(h_fs, attr.ino, 1);
	ck_assert_int_eq(fs_file_tmpfile(h_fs, FS_ROOT_INO, 0600, O_RDWR, &h_owner, &attr, &f), 0);
	ck_assert_uint_eq(attr.nlink, 0);
	ck_assert_int_eq(h_write(f, 0, "contents", 8), 0);
	ck_assert_int_eq(fs_link(h_fs, attr.ino, FS_ROOT_INO, "named", &linked), 0);
	ck_assert_uint_eq(linked.nlink, 1);
	h_expects(h_fs, "named", "contents");
	ck_assert_int_eq(h_write(f, 8, " more", 5), 0);
	ck_assert_int_eq(h_end(f), 0);
	fs_forget(h_fs, attr.ino, 2);
	ck_assert_int_eq(h_end(lost), 0);
	h_expect_for_good("named", "contents more", 13);
	struct fs_info info;
	ck_assert_int_eq(fs_info(h_fs, &info), 0);
	ck_assert_uint_eq(info.inodes, 2);
}
END_TEST

/* A file whose last name was removed does not come back by a link. */
START_TEST(removed_file_cannot_be_named)
{
	struct fs_attr attr;
	h_puts(h_fs, "f", "x");
	struct fs_file *f = h_file(h_fs, "f", 0);
	uint64_t ino = h_ino(h_fs, "f");
	ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
	ck_assert_int_eq(fs_link(h_fs, ino, FS_ROOT_INO, "g", &attr), -ENOENT);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert(!h_exists(h_fs, "g"));
}
END_TEST

/* fs_sync() commits what is buffered in files that are open. */
START_TEST(sync_commits_open_files)
{
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 0, "synced", 6), 0);
	ck_assert_int_eq(fs_sync(h_fs), 0);
	h_copy(h_path, h_beside("copy"));
	int error;
	char *tree = h_tree_of(h_beside("copy"), &error), *now = h_tree(h_fs);
	h_same(tree, now, "a copy after the sync");
	free(tree);
	free(now);
	ck_assert_int_eq(h_end(f), 0);
}
END_TEST

/* A write by someone without the privilege clears set-id bits; others keep them. */
START_TEST(writes_clear_set_id_bits)
{
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = 06777};
	struct fs_attr attr;
	struct fs_file *f = h_file(h_fs, "f", 0);
	struct iovec iov = {(void *)"x", 1};
	uint64_t ino = h_ino(h_fs, "f");
	ck_assert_int_eq(fs_setattr(h_fs, ino, &set, &attr), 0);
	ck_assert_int_eq(fs_file_write(f, 0, &iov, 1, 0), 0);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), 0);
	ck_assert_uint_eq(attr.mode & 07777, 06777);
	ck_assert_int_eq(fs_file_write(f, 0, &iov, 1, FS_WRITE_KILL_SET_ID), 0);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), 0);
	ck_assert_uint_eq(attr.mode & 07777, 0777);
	ck_assert_int_eq(h_end(f), 0);
}
END_TEST

/* --- keys ---------------------------------------------------------------------------------------------------------- */

/* After a -> b and a new a both files are right, and both keep being so when written again. */
START_TEST(renamed_file_keeps_its_contents)
{
	h_puts(h_fs, "a", "first");
	ck_assert_int_eq(h_rename(h_fs, "a", "b", 0), 0);
	h_puts(h_fs, "a", "second");
	h_crash();
	h_expects(h_fs, "a", "second");
	h_expects(h_fs, "b", "first");
	h_puts(h_fs, "b", "third");
	h_again();
	h_expects(h_fs, "a", "second");
	h_expects(h_fs, "b", "third");
	/* b has its own key now, and so the key a is free for the next contents of a. */
	h_puts(h_fs, "a", "fourth");
	h_again();
	h_expects(h_fs, "a", "fourth");
	size_t len;
	uint8_t *value = h_by_key("a", &len);
	ck_assert(value != NULL && len == 6 && memcmp(value, "fourth", 6) == 0);
	free(value);
	value = h_by_key("b", &len);
	ck_assert(value != NULL && len == 5 && memcmp(value, "third", 5) == 0);
	free(value);
	h_check(h_fs);
}
END_TEST

/* Removed files leave no live entry behind, whatever was done to them before, held by the kernel or not. */
START_TEST(removed_files_leave_no_key)
{
	uint8_t *data = h_random(100000, 1);
	struct fs_attr attr;
	h_put(h_fs, "f", data, 100000);
	if (_i & 1) { /* a change in the middle makes three extents of two entries */
		struct fs_file *f = h_file(h_fs, "f", 0);
		ck_assert_int_eq(h_write(f, 50000, "changed", 7), 0);
		ck_assert_int_eq(h_end(f), 0);
	}
	ck_assert(h_key_exists("f"));
	if (_i & 2) /* the kernel still knows it at the end */
		ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, "f", &attr), 0);
	if (_i & 4)
		ck_assert_int_eq(h_rename(h_fs, "f", "g", 0), 0);
	ck_assert_int_eq(h_unlink(h_fs, _i & 4 ? "g" : "f"), 0);
	h_again();
	ck_assert(!h_key_exists("f"));
	h_puts(h_fs, "f", "new");
	h_again();
	ck_assert(h_key_exists("f"));
	h_expects(h_fs, "f", "new");
	h_check(h_fs);
	free(data);
}
END_TEST

/* Contents that were written anew leave the old ones dead; emptied files have no key. */
START_TEST(emptied_files_leave_no_key)
{
	h_puts(h_fs, "f", "x");
	ck_assert(h_key_exists("f"));
	h_put(h_fs, "f", "", _i ? 1 : 0);
	h_again();
	ck_assert(!h_key_exists("f"));
	h_puts(h_fs, "f", "y");
	h_again();
	ck_assert(h_key_exists("f"));
	h_expects(h_fs, "f", "y");
}
END_TEST

/* A tombstone is written once, not again in each session until the next checkpoint. */
START_TEST(tombstones_are_written_once)
{
	char name[16];
	struct reel_info info;
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "kept%d", i);
		h_puts(h_fs, name, "x");
	}
	h_again();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "gone%d", i);
		h_puts(h_fs, name, "x");
		ck_assert_int_eq(h_unlink(h_fs, name), 0);
	}
	for (int i = 0; i < 10; i++) {
		h_again();
		h_puts(h_fs, "kept0", "y");
	}
	ck_assert_int_eq(reel_info(fs_store(h_fs), &info), 0);
	ck_assert_msg(info.tombstones <= 22, "%llu tombstones", (unsigned long long)info.tombstones);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("open_files");
	TCase *tc = tcase_create("open_files");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, descriptors_see_each_other);
	tcase_add_test(tc, extracts_do_not_change);
	tcase_add_loop_test(tc, open_file_outlives_its_name, 0, 2);
	tcase_add_test(tc, open_directory_outlives_its_name);
	tcase_add_test(tc, unnamed_file_can_be_named);
	tcase_add_test(tc, removed_file_cannot_be_named);
	tcase_add_test(tc, sync_commits_open_files);
	tcase_add_test(tc, writes_clear_set_id_bits);
	tcase_add_test(tc, renamed_file_keeps_its_contents);
	tcase_add_loop_test(tc, removed_files_leave_no_key, 0, 8);
	tcase_add_loop_test(tc, emptied_files_leave_no_key, 0, 2);
	tcase_add_test(tc, tombstones_are_written_once);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
