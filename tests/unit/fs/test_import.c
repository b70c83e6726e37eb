/*
 * test_import.c - containers that other programs have written to or made (src/fs/import.c): the other
 * program is libreel alone here.
 */
#include "config.h"

#include "foreign.h"

/* --- entries that came after ------------------------------------------------------------------------------ */

/* An entry under an unknown key shows in the root under its key hash; a rename names it for good. */
START_TEST(unknown_key_shows_as_hex)
{
	h_puts(h_fs, "known", "x");
	struct reel *r = foreign_open();
	foreign_write(r, "some key", "value");
	foreign_write(r, "other", "to go");
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	ck_assert_uint_eq(foreign_count(), 2);
	h_expects(h_fs, hex("some key"), "value");
	h_expects(h_fs, "known", "x");
	ck_assert_int_eq(h_rename(h_fs, hex("some key"), "named", 0), 0);
	ck_assert_int_eq(h_unlink(h_fs, hex("other")), 0);
	h_crash();
	h_expects(h_fs, "named", "value");
	ck_assert(!h_exists(h_fs, hex("some key")));
	ck_assert(!h_exists(h_fs, hex("other")));
	/* Its key goes with the next change. */
	expect_adopted();
	ck_assert_int_eq(reel_exists(fs_store(h_fs), "some key", 8), 1);
	ck_assert_int_eq(reel_exists(fs_store(h_fs), "other", 5), 0);
}
END_TEST

/*
 * Entries that another program appended after the writer was killed cannot be told from a torn append, so they
 * are no files; but their bytes are saved beside the container before they are cut off.
 */
START_TEST(entries_after_a_kill_are_saved)
{
	h_puts(h_fs, "known", "x");
	h_crash();
	size_t before = h_size(h_path);
	ck_assert_int_eq(fs_close(h_fs), 0);
	h_fs = NULL;
	/* What the close added is taken back: the container is as the kill left it. */
	ck_assert_int_eq(truncate(h_path, (off_t)before), 0);
	struct reel *r;
	ck_assert_int_eq(reel_open(h_path, NULL, &r), 0);
	foreign_write(r, "some key", "value");
	ck_assert_int_eq(reel_close(r), 0);
	size_t with, size;
	uint8_t *all = h_load(h_path, &with), *saved;
	ck_assert_uint_gt(with, before);

	h_open();
	h_expects(h_fs, "known", "x");
	ck_assert_uint_eq(foreign_count(), 0);
	char name[64];
	snprintf(name, sizeof(name), "%s.torn-%zu", strrchr(h_path, '/') + 1, before);
	saved = h_load(h_beside(name), &size);
	ck_assert_uint_eq(size, with - before);
	ck_assert_mem_eq(saved, all + before, size);
	free(saved);
	free(all);
}
END_TEST

/* A hex name that is taken by something else is not: the entry gets a name of its own. */
START_TEST(hex_name_may_be_taken)
{
	ck_assert_int_eq(h_mkdir(h_fs, hex("k")), 0);
	struct reel *r = foreign_open();
	foreign_write(r, "k", "value");
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	char name[32];
	snprintf(name, sizeof(name), "%s-2", hex("k"));
	h_expects(h_fs, name, "value");
	expect_adopted();
}
END_TEST

/* A newer entry under a file's path is its contents, the inode and its other attributes stay. */
START_TEST(known_key_replaces_contents)
{
	struct fs_attr before, after;
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	h_puts(h_fs, "d/f", "ours");
	h_puts(h_fs, "empty", "");
	ck_assert_int_eq(h_stat(h_fs, "d/f", &before), 0);
	struct reel *r = foreign_open();
	foreign_write(r, "d/f", "first");
	foreign_write(r, "d/f", "theirs");
	foreign_write(r, "empty", "no more");
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	h_expects(h_fs, "d/f", "theirs");
	h_expects(h_fs, "empty", "no more");
	ck_assert_int_eq(h_stat(h_fs, "d/f", &after), 0);
	ck_assert_uint_eq(after.ino, before.ino);
	ck_assert_uint_eq(after.mode, before.mode);
	ck_assert_uint_eq(after.uid, before.uid);
	expect_adopted();
}
END_TEST

/* A foreign tombstone removes the file, all of its names; one after a new value counts, one before does not. */
START_TEST(tombstone_removes_the_file)
{
	h_puts(h_fs, "gone", "x");
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_link(h_fs, "gone", "d/also"), 0);
	h_puts(h_fs, "back", "x");
	h_puts(h_fs, "gone2", "x");
	struct reel *r = foreign_open();
	foreign_delete(r, "gone");
	foreign_delete(r, "back");
	foreign_write(r, "back", "again");
	foreign_write(r, "gone2", "again");
	foreign_delete(r, "gone2");
	foreign_write(r, "never seen", "x");
	foreign_delete(r, "never seen");
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	ck_assert(!h_exists(h_fs, "gone"));
	ck_assert(!h_exists(h_fs, "d/also"));
	ck_assert(!h_exists(h_fs, "gone2"));
	ck_assert(!h_exists(h_fs, hex("never seen")));
	h_expects(h_fs, "back", "again");
	expect_adopted();
}
END_TEST

/*
 * A renamed file has two keys: of its path and of its contents. Of foreign entries under both the
 * newest decides, in either order, deleted or written; another value shows by its own.
 */
START_TEST(newest_of_two_keys_decides)
{
	h_puts(h_fs, "a", "x");
	ck_assert_int_eq(h_rename(h_fs, "a", "b", 0), 0);
	struct reel *r = foreign_open();
	switch (_i) {
	case 0:
		foreign_write(r, "a", "by contents");
		foreign_write(r, "b", "by path");
		break;
	case 1:
		foreign_write(r, "b", "by path");
		foreign_write(r, "a", "by contents");
		break;
	case 2:
		foreign_delete(r, "a");
		foreign_write(r, "b", "by path");
		break;
	default:
		foreign_write(r, "b", "by path");
		foreign_delete(r, "a");
	}
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	if (_i == 0 || _i == 2)
		h_expects(h_fs, "b", "by path");
	if (_i == 1)
		h_expects(h_fs, "b", "by contents");
	if (_i == 0)
		h_expects(h_fs, hex("a"), "by contents");
	if (_i == 1 || _i == 3)
		h_expects(h_fs, hex("b"), "by path");
	ck_assert(_i != 3 || !h_exists(h_fs, "b"));
	expect_adopted();
}
END_TEST

/* Opening read-only shows the entries and changes nothing; so does opening for writing without a change. */
START_TEST(looking_changes_nothing)
{
	size_t size;
	struct fs *fs;
	h_puts(h_fs, "f", "x");
	struct reel *r = foreign_open();
	foreign_write(r, "k", "value");
	ck_assert_int_eq(reel_close(r), 0);
	uint8_t *bytes = h_load(h_path, &size);
	ck_assert_int_eq(h_try(h_path, true, &fs), 0);
	h_expects(fs, hex("k"), "value");
	ck_assert_int_eq(fs_close(fs), 0);
	ck_assert(h_is(h_path, bytes, size));
	h_open();
	h_expects(h_fs, hex("k"), "value");
	h_close();
	ck_assert(h_is(h_path, bytes, size));
	free(bytes);
}
END_TEST

/* A large foreign entry, checked as a whole, is read in parts as well, and damage in it is found. */
START_TEST(large_foreign_entry)
{
	uint8_t *data = malloc(MIB);
	h_fill(data, MIB, 1);
	struct reel *r = foreign_open();
	ck_assert_int_eq(reel_write(r, "big", 3, data, MIB), 0);
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	h_expect(h_fs, hex("big"), data, MIB);
	expect_adopted();
	h_close();
	uint8_t *file, *at;
	size_t size;
	file = h_load(h_path, &size);
	at = memmem(file, size, data, MIB);
	ck_assert_ptr_nonnull(at);
	h_flip(h_path, (size_t)(at - file) + 700000);
	free(file);
	h_open();
	struct fs_file *f = h_file(h_fs, hex("big"), 0);
	ck_assert_int_eq(h_read(f, 0, data, 100), -EIO);
	ck_assert_int_eq(h_end(f), 0);
	free(data);
}
END_TEST

/* --- containers of others ------------------------------------------------------------------------------------- */

/* A container without a file system shows its live entries; the first change makes it one, at which nothing moves. */
START_TEST(foreign_container_is_adopted)
{
	h_close();
	unlink(h_path);
	struct reel *r;
	struct reel_options create = {.flags = REEL_CREATE};
	ck_assert_int_eq(reel_open(h_path, &create, &r), 0);
	foreign_write(r, "one", "1");
	foreign_write(r, "two", "old");
	foreign_write(r, "two", "2");
	foreign_write(r, "three", "3");
	foreign_delete(r, "three");
	ck_assert_int_eq(reel_close(r), 0);
	size_t size;
	uint8_t *bytes = h_load(h_path, &size);
	h_open();
	ck_assert(!fs_has_tree(h_fs));
	h_expects(h_fs, hex("one"), "1");
	h_expects(h_fs, hex("two"), "2");
	ck_assert(!h_exists(h_fs, hex("three")));
	ck_assert_uint_eq(h_ino(h_fs, ""), FS_ROOT_INO);
	h_close();
	ck_assert(h_is(h_path, bytes, size));
	h_open();
	h_puts(h_fs, "first", "x");
	ck_assert(fs_has_tree(h_fs));
	expect_adopted();
	h_expects(h_fs, hex("one"), "1");
	h_close();
	uint8_t *now = h_load(h_path, &size);
	ck_assert_mem_eq(now, bytes, 100);
	free(now);
	free(bytes);
}
END_TEST

/* An adopted container that is torn anywhere after its superblock is a prefix of what it was; before, the foreign one. */
START_TEST(torn_adoption)
{
	struct reel_options create = {.flags = REEL_CREATE};
	struct reel *r;
	struct fs *fs;
	size_t size, start;
	h_close();
	unlink(h_path);
	ck_assert_int_eq(reel_open(h_path, &create, &r), 0);
	foreign_write(r, "one", "1");
	ck_assert_int_eq(reel_close(r), 0);
	start = h_size(h_path);
	h_open();
	h_puts(h_fs, "f", "contents");
	uint8_t *bytes = h_load(h_path, &size);
	h_close();
	for (size_t cut = start; cut <= size; cut++) {
		h_store(h_path, bytes, cut);
		int e = h_try(h_path, false, &fs);
		ck_assert_msg(e == 0, "cut at %zu of %zu: %s\n%s", cut, size, strerror(-e), h_messages());
		h_expects(fs, hex("one"), "1");
		if (cut == size)
			h_expects(fs, "f", "contents");
		h_puts(fs, "g", "more");
		h_expects(fs, "g", "more");
		ck_assert_int_eq(fs_close(fs), 0);
		h_open();
		h_expects(h_fs, hex("one"), "1");
		h_expects(h_fs, "g", "more");
		h_close();
	}
	free(bytes);
}
END_TEST

/* An empty file is an empty file system, which nothing is written to before the first change. */
START_TEST(empty_file_is_an_empty_tree)
{
	h_close();
	h_store(h_path, "", 0);
	h_open();
	char *tree = h_tree(h_fs);
	ck_assert_msg(strchr(tree, '\n')[1] == 0, "the root alone: %s", tree);
	free(tree);
	h_close();
	ck_assert_uint_eq(h_size(h_path), 0);
	h_open();
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	expect_adopted();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("import");
	TCase *tc = tcase_create("import");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, unknown_key_shows_as_hex);
	tcase_add_test(tc, entries_after_a_kill_are_saved);
	tcase_add_test(tc, hex_name_may_be_taken);
	tcase_add_test(tc, known_key_replaces_contents);
	tcase_add_test(tc, tombstone_removes_the_file);
	tcase_add_loop_test(tc, newest_of_two_keys_decides, 0, 4);
	tcase_add_test(tc, looking_changes_nothing);
	tcase_add_test(tc, large_foreign_entry);
	tcase_add_test(tc, foreign_container_is_adopted);
	tcase_add_test(tc, torn_adoption);
	tcase_add_test(tc, empty_file_is_an_empty_tree);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
