/*
 * test_moved.c - containers that another program compacted, so that nothing is where its seals say
 * (src/fs/moved.c): the other program is libreel alone here.
 */
#include "config.h"

#include "foreign.h"

static void make_rich_tree(void)
{
	static uint8_t data[200000];
	struct fs_setattr set = {.set = FS_SET_MODE | FS_SET_MTIME, .mode = 0400, .mtime = {1000000000, 123456789}};
	struct fs_attr attr;
	h_fill(data, sizeof(data), 1);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "d/e"), 0);
	h_put(h_fs, "d/big", data, sizeof(data));
	h_put(h_fs, "d/e/one", "x", 1);
	h_put(h_fs, "nul", "", 1);
	h_put(h_fs, "empty", "", 0);
	h_puts(h_fs, "a", "first a");
	ck_assert_int_eq(h_rename(h_fs, "a", "b", 0), 0);
	h_puts(h_fs, "a", "second a");
	ck_assert_int_eq(h_link(h_fs, "b", "d/link"), 0);
	ck_assert_int_eq(h_symlink(h_fs, "d/big", "s"), 0);
	ck_assert_int_eq(fs_setxattr(h_fs, h_ino(h_fs, "s"), "user.x", "value", 5, 0), 0);
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "d/big"), &set, &attr), 0);
	h_again();
	struct fs_file *f = h_file(h_fs, "d/big", 0);
	ck_assert_int_eq(h_write(f, 100000, "patched", 7), 0);
	ck_assert_int_eq(h_write(f, 300000, "far", 3), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_puts(h_fs, "removed", "x");
	ck_assert_int_eq(h_unlink(h_fs, "removed"), 0);
	h_puts(h_fs, "replaced", "x");
	h_puts(h_fs, "replaced", "y");
}

/* Puts the compacted container in the place of the open one, closed or (crash) as it is. */
static void compact(bool crash)
{
	if (crash)
		h_crash();
	char *before = h_tree(h_fs), *after;
	h_close();
	h_compact(h_path, h_beside("compacted"));
	ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
	h_open();
	after = h_tree(h_fs);
	h_same(after, before, "after another program's compaction");
	ck_assert_uint_eq(foreign_count(), 0);
	h_check(h_fs);
	free(before);
	free(after);
}

/* After another program's compaction tree and contents are the same, also when it is done again and after changes. */
START_TEST(foreign_compaction_changes_nothing)
{
	make_rich_tree();
	compact(_i);
	expect_adopted();
	compact(false);
	h_puts(h_fs, "d/e/one", "changed");
	compact(true);
	h_expects(h_fs, "d/e/one", "changed");
	expect_adopted();
}
END_TEST

/*
 * The same when the compaction keeps the order, or is done twice: what lies before the first dead entry has
 * kept its place, and nothing behind it is taken for a torn append, nor for other programs' entries.
 */
START_TEST(compaction_that_keeps_places)
{
	size_t size;
	if (_i < 4)
		make_rich_tree();
	for (int i = 0; i < 3; i++) {
		h_puts(h_fs, "first", "x");
		h_puts(h_fs, "second", i < 2 ? "old" : "new");
	}
	if (_i & 1)
		h_crash();
	if (_i & 2)
		compact(false);
	char *before = h_tree(h_fs);
	h_close();
	h_compact(h_path, h_beside("reversed"));
	h_compact(h_beside("reversed"), h_path);
	uint8_t *bytes = h_load(h_path, &size);
	int error;
	char *is = h_tree_of(h_path, &error);
	h_same(is, before, "read-only");
	ck_assert(h_is(h_path, bytes, size));
	h_open();
	free(is);
	is = h_tree(h_fs);
	h_same(is, before, "for writing");
	ck_assert(h_is(h_path, bytes, size));
	expect_adopted();
	free(is);
	free(before);
	free(bytes);
}
END_TEST

/* Opening a compacted container without a change leaves it as it is, in any mode. */
START_TEST(looking_at_a_compacted_one_changes_nothing)
{
	size_t size;
	make_rich_tree();
	compact(false);
	h_close();
	uint8_t *bytes = h_load(h_path, &size);
	h_open();
	h_close();
	ck_assert(h_is(h_path, bytes, size));
	free(bytes);
}
END_TEST

/* Files that were removed while the kernel or a program still had them stay removed, and do not hinder the opening. */
START_TEST(compaction_after_removal_of_a_held_file)
{
	struct fs_attr attr;
	h_puts(h_fs, "held", "x");
	h_puts(h_fs, "held and made anew", "x");
	ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, "held", &attr), 0);
	ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, "held and made anew", &attr), 0);
	ck_assert_int_eq(h_unlink(h_fs, "held"), 0);
	ck_assert_int_eq(h_unlink(h_fs, "held and made anew"), 0);
	h_puts(h_fs, "held and made anew", "new");
	/* As a process that is killed, or ends: the checkpoint has the inodes without names. */
	if (_i == 0)
		h_copy(h_path, h_beside("copy"));
	h_close();
	if (_i == 0)
		ck_assert_int_eq(rename(h_beside("copy"), h_path), 0);
	h_compact(h_path, h_beside("compacted"));
	ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
	h_open();
	ck_assert(!h_exists(h_fs, "held"));
	h_expects(h_fs, "held and made anew", "new");
	ck_assert_uint_eq(foreign_count(), 0);
	expect_adopted();
}
END_TEST

/* A program that compacted the container and then went on with it: its newer entries count as ever. */
START_TEST(entries_after_a_compaction)
{
	make_rich_tree();
	h_close();
	h_compact(h_path, h_beside("compacted"));
	ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
	struct reel *r = foreign_open();
	foreign_write(r, "unknown", "new");
	foreign_write(r, "replaced", "by them");
	foreign_delete(r, "d/e/one");
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	h_expects(h_fs, hex("unknown"), "new");
	h_expects(h_fs, "replaced", "by them");
	ck_assert(!h_exists(h_fs, "d/e/one"));
	h_expects(h_fs, "a", "second a");
	expect_adopted();
}
END_TEST

/*
 * A file removed just before a crash stays removed through two compactions, with nothing but the beginning of a
 * session between them.
 */
START_TEST(removal_between_compactions)
{
	struct fs_attr attr;
	h_puts(h_fs, "kept", "x");
	h_puts(h_fs, "removed", "x");
	ck_assert_int_eq(h_unlink(h_fs, "removed"), 0);
	compact(true);
	/* Fails, but for it the session has begun. */
	ck_assert_int_eq(fs_mknod(h_fs, FS_ROOT_INO, "kept", 0600, 0, &h_owner, &attr), -EEXIST);
	compact(true);
	expect_adopted();
}
END_TEST

/* Another program compacts what is in `bytes`, or in the container. */
static void compact_theirs(const uint8_t *bytes, size_t size)
{
	if (bytes)
		h_store(h_path, bytes, size);
	h_compact(h_path, h_beside("compacted"));
	ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
	h_open();
}

/*
 * A power cut between two sectors can leave a tombstone without its key, which no checksum covers. The contents that it was to
 * bury are in the container after another program's compaction; the file stays removed, and they get their tombstone.
 */
START_TEST(torn_tombstone_before_a_compaction)
{
	uint64_t hash = reel_hash("removed", 7);
	size_t size;
	h_puts(h_fs, "kept", "x");
	h_puts(h_fs, "removed", "y");
	ck_assert_int_eq(h_unlink(h_fs, "removed"), 0);
	size_t tail = h_size(h_path);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	char *before = h_tree(h_fs);
	uint8_t *bytes = h_load(h_path, &size);
	h_close();
	ck_assert_mem_eq(bytes + tail + 1, &hash, 8);
	memset(bytes + tail + 1, 0, 8);
	compact_theirs(bytes, size);
	char *after = h_tree(h_fs);
	h_same(after, before, "after another program's compaction");
	ck_assert_uint_eq(foreign_count(), 0);
	ck_assert(h_key_exists("removed"));
	expect_adopted();
	ck_assert(!h_key_exists("removed"));
	free(before);
	free(after);
	free(bytes);
}
END_TEST

/* What another program wrote under the key of a file that was removed just before a kill is that program's. */
START_TEST(a_new_value_under_a_dead_key)
{
	size_t size;
	h_puts(h_fs, "removed", "ours");
	ck_assert_int_eq(h_unlink(h_fs, "removed"), 0);
	uint8_t *bytes = h_load(h_path, &size);
	h_close();
	h_store(h_path, bytes, size);
	struct reel *r = foreign_open();
	foreign_write(r, "removed", "theirs");
	ck_assert_int_eq(reel_close(r), 0);
	compact_theirs(NULL, 0);
	h_expects(h_fs, hex("removed"), "theirs");
	expect_adopted();
	h_expects(h_fs, hex("removed"), "theirs");
	free(bytes);
}
END_TEST

/* So it is after a clean end when it is the value that the file had. */
START_TEST(the_same_value_under_a_dead_key)
{
	char name[16];
	/* So that the session to come ends without a checkpoint. */
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		ck_assert_int_eq(h_mkdir(h_fs, name), 0);
	}
	h_again();
	h_puts(h_fs, "removed", "ours");
	ck_assert_int_eq(h_unlink(h_fs, "removed"), 0);
	struct reel *r = foreign_open();
	foreign_write(r, "removed", "ours");
	ck_assert_int_eq(reel_close(r), 0);
	compact_theirs(NULL, 0);
	h_expects(h_fs, hex("removed"), "ours");
	expect_adopted();
	h_expects(h_fs, hex("removed"), "ours");
}
END_TEST

/* An adopted container that has no checkpoint yet is compacted: nothing changes. */
START_TEST(compaction_of_an_adopted_one)
{
	struct reel_options create = {.flags = REEL_CREATE};
	struct reel *r;
	h_close();
	unlink(h_path);
	ck_assert_int_eq(reel_open(h_path, &create, &r), 0);
	foreign_write(r, "one", "1");
	foreign_write(r, "two", "2");
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	h_puts(h_fs, "f", "contents");
	ck_assert_int_eq(h_rename(h_fs, hex("one"), "one", 0), 0);
	ck_assert_int_eq(h_unlink(h_fs, hex("two")), 0);
	compact(true);
	h_expects(h_fs, "one", "1");
	expect_adopted();
	compact(false);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("moved");
	TCase *tc = tcase_create("moved");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, foreign_compaction_changes_nothing, 0, 2);
	tcase_add_loop_test(tc, compaction_that_keeps_places, 0, 8);
	tcase_add_test(tc, looking_at_a_compacted_one_changes_nothing);
	tcase_add_loop_test(tc, compaction_after_removal_of_a_held_file, 0, 2);
	tcase_add_test(tc, entries_after_a_compaction);
	tcase_add_test(tc, removal_between_compactions);
	tcase_add_test(tc, torn_tombstone_before_a_compaction);
	tcase_add_test(tc, a_new_value_under_a_dead_key);
	tcase_add_test(tc, the_same_value_under_a_dead_key);
	tcase_add_test(tc, compaction_of_an_adopted_one);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
