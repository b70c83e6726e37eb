/*
 * test_rename.c - renaming, replacing, exchanging, and reading directories meanwhile (src/fs/rename.c, dir.c):
 * each behaviour in the running file system, and the same tree after opening again.
 */
#include "config.h"

#include "harness.h"

#include <linux/fs.h>

/* --- renaming --------------------------------------------------------------------------------------------- */

/* A rename moves the inode with all that hangs below it; the number stays. */
START_TEST(rename_moves_a_tree)
{
	ck_assert_int_eq(h_mkdir(h_fs, "a"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "a/b"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "c"), 0);
	h_puts(h_fs, "a/b/f", "x");
	uint64_t ino = h_ino(h_fs, "a/b/f");
	ck_assert_int_eq(h_rename(h_fs, "a/b", "c/n", 0), 0);
	ck_assert_int_eq(h_rename(h_fs, "c", "a/c", 0), 0);
	h_again();
	h_expects(h_fs, "a/c/n/f", "x");
	ck_assert_uint_eq(h_ino(h_fs, "a/c/n/f"), ino);
	ck_assert(!h_exists(h_fs, "c"));
	ck_assert(!h_exists(h_fs, "a/b"));
}
END_TEST

/* A file replaces a file, an empty directory a directory; the replaced inode is gone. */
START_TEST(rename_replaces)
{
	struct fs_attr attr;
	h_puts(h_fs, "a", "new");
	h_puts(h_fs, "b", "old");
	uint64_t old = h_ino(h_fs, "b");
	ck_assert_int_eq(h_rename(h_fs, "a", "b", 0), 0);
	h_expects(h_fs, "b", "new");
	ck_assert_int_eq(fs_getattr(h_fs, old, &attr), -ENOENT);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "e"), 0);
	h_puts(h_fs, "d/f", "x");
	ck_assert_int_eq(h_rename(h_fs, "d", "e", 0), 0);
	h_expects(h_fs, "e/f", "x");
	ck_assert_uint_eq(h_links(""), 3);
}
END_TEST

/* Replacing what does not fit is refused as rename(2) does. */
START_TEST(rename_errors)
{
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "e"), 0);
	h_puts(h_fs, "d/f", "x");
	h_puts(h_fs, "f", "x");
	ck_assert_int_eq(h_rename(h_fs, "e", "d", 0), -ENOTEMPTY);
	ck_assert_int_eq(h_rename(h_fs, "f", "e", 0), -EISDIR);
	ck_assert_int_eq(h_rename(h_fs, "e", "f", 0), -ENOTDIR);
	ck_assert_int_eq(h_rename(h_fs, "none", "g", 0), -ENOENT);
	ck_assert_int_eq(h_rename(h_fs, "f", "none", RENAME_EXCHANGE), -ENOENT);
	ck_assert_int_eq(h_rename(h_fs, "f", "e", RENAME_NOREPLACE), -EEXIST);
	ck_assert_int_eq(h_rename(h_fs, "f", "f", RENAME_NOREPLACE), -EEXIST);
	ck_assert_int_eq(h_rename(h_fs, "f", "g", RENAME_EXCHANGE | RENAME_NOREPLACE), -EINVAL);
	ck_assert_int_eq(h_rename(h_fs, "f", "g", RENAME_WHITEOUT), -EINVAL);
	ck_assert_int_eq(h_rename(h_fs, "f", "g", RENAME_NOREPLACE), 0);
}
END_TEST

/* A directory cannot be moved into itself or below, nor exchanged with what holds it or is held by it. */
START_TEST(rename_makes_no_circle)
{
	ck_assert_int_eq(h_mkdir(h_fs, "a"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "a/b"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "a/b/c"), 0);
	ck_assert_int_eq(h_rename(h_fs, "a", "a/x", 0), -EINVAL);
	ck_assert_int_eq(h_rename(h_fs, "a", "a/b/c/x", 0), -EINVAL);
	ck_assert_int_eq(h_rename(h_fs, "a", "a/b", 0), -EINVAL);
	ck_assert_int_eq(h_rename(h_fs, "a", "a/b/c", RENAME_EXCHANGE), -EINVAL);
	ck_assert_int_eq(h_rename(h_fs, "a/b/c", "a", RENAME_EXCHANGE), -EINVAL);
	ck_assert_int_eq(h_rename(h_fs, "a/b/c", "a", 0), -ENOTEMPTY);
	ck_assert_int_eq(h_rename(h_fs, "a", "a", 0), 0);
}
END_TEST

/* Renaming one name of a file onto another of the same file does nothing. */
START_TEST(rename_onto_own_link_does_nothing)
{
	h_puts(h_fs, "a", "x");
	ck_assert_int_eq(h_link(h_fs, "a", "b"), 0);
	size_t size = h_size(h_path);
	ck_assert_int_eq(h_rename(h_fs, "a", "b", 0), 0);
	ck_assert_int_eq(h_rename(h_fs, "a", "b", RENAME_EXCHANGE), 0);
	ck_assert_int_eq(h_rename(h_fs, "a", "a", 0), 0);
	ck_assert_uint_eq(h_size(h_path), size);
	ck_assert_uint_eq(h_links("a"), 2);
}
END_TEST

/* An exchange swaps what two names stand for, of any types, in one directory or in two. */
START_TEST(exchange_swaps)
{
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "d/e"), 0);
	h_puts(h_fs, "d/e/f", "inner");
	h_puts(h_fs, "a", "A");
	h_puts(h_fs, "b", "B");
	ck_assert_int_eq(h_rename(h_fs, "a", "b", RENAME_EXCHANGE), 0);
	h_expects(h_fs, "a", "B");
	h_expects(h_fs, "b", "A");
	ck_assert_int_eq(h_rename(h_fs, "a", "d/e", RENAME_EXCHANGE), 0);
	h_expects(h_fs, "d/e", "B");
	h_expects(h_fs, "a/f", "inner");
	ck_assert_int_eq(h_rename(h_fs, "a", "d", RENAME_EXCHANGE), 0);
	h_expects(h_fs, "a/e", "B");
	h_expects(h_fs, "d/f", "inner");
}
END_TEST

/* A rename can leave a whiteout under the old name: character device 0:0, without permissions, of who renames. */
START_TEST(whiteout_is_left)
{
	const struct fs_cred cred = {.uid = 1, .gid = 2, .umask = 022};
	struct fs_attr attr;
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "e"), 0);
	h_puts(h_fs, "d/f", "new");
	h_puts(h_fs, "e/f", "old");
	uint64_t d = h_ino(h_fs, "d"), e = h_ino(h_fs, "e");
	ck_assert_int_eq(fs_rename_whiteout(h_fs, d, "f", e, "f", RENAME_NOREPLACE, &cred), -EEXIST);
	ck_assert_int_eq(fs_rename_whiteout(h_fs, d, "f", e, "f", RENAME_EXCHANGE, &cred), -EINVAL);
	ck_assert_int_eq(fs_rename_whiteout(h_fs, d, "none", e, "g", 0, &cred), -ENOENT);
	ck_assert_int_eq(fs_rename_whiteout(h_fs, d, "f", e, "f", 0, &cred), 0);
	ck_assert_int_eq(fs_rename_whiteout(h_fs, FS_ROOT_INO, "e", FS_ROOT_INO, "g", 0, &cred), 0);
	h_again();
	h_expects(h_fs, "g/f", "new");
	for (const char *const *path = (const char *const[]){"d/f", "e", NULL}; *path; path++) {
		ck_assert_int_eq(fs_getattr(h_fs, h_ino(h_fs, *path), &attr), 0);
		ck_assert_uint_eq(attr.mode, S_IFCHR);
		ck_assert_uint_eq(attr.rdev, 0);
		ck_assert_uint_eq(attr.nlink, 1);
		ck_assert_uint_eq(attr.uid, 1);
		ck_assert_uint_eq(attr.gid, 2);
	}
	ck_assert_uint_eq(h_links(""), 4);
}
END_TEST

/* --- reading directories ------------------------------------------------------------------------------------ */

struct listing {
	char names[64][16];
	uint64_t cookie[64];
	int n, most;
};

static bool list_name(void *arg, const struct fs_dirent *e)
{
	struct listing *l = arg;
	if (l->n == l->most)
		return false;
	snprintf(l->names[l->n], sizeof(l->names[0]), "%s", e->name);
	l->cookie[l->n++] = e->cookie;
	return true;
}

static struct listing list(const char *path, uint64_t cookie, int most)
{
	struct listing l = {.most = most};
	struct fs_dir *dir;
	ck_assert_int_eq(fs_dir_open(h_fs, h_ino(h_fs, path), &dir), 0);
	ck_assert_int_eq(fs_dir_read(dir, cookie, list_name, &l), 0);
	fs_dir_close(dir);
	return l;
}

static int seen(const struct listing *l, const char *name)
{
	int n = 0;
	for (int i = 0; i < l->n; i++)
		n += strcmp(l->names[i], name) == 0;
	return n;
}

/* A walk gives "." and ".." first and every name once, in any number of calls. */
START_TEST(readdir_goes_on_from_any_cookie)
{
	char name[16];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		h_puts(h_fs, name, "");
	}
	struct listing all = list("", 0, 64);
	ck_assert_int_eq(all.n, 22);
	ck_assert_str_eq(all.names[0], ".");
	ck_assert_str_eq(all.names[1], "..");
	for (int from = 0; from < all.n; from++) {
		struct listing rest = list("", all.cookie[from], 64);
		ck_assert_int_eq(rest.n, all.n - from - 1);
		for (int i = 0; i < rest.n; i++)
			ck_assert_str_eq(rest.names[i], all.names[from + 1 + i]);
	}
	ck_assert_int_eq(list("", UINT64_MAX, 64).n, 0);
}
END_TEST

/* Names that are neither added nor removed during a walk appear exactly once, whatever happens to others. */
START_TEST(readdir_is_stable_under_changes)
{
	char name[16];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		h_puts(h_fs, name, "");
	}
	struct listing whole = {.most = 64};
	uint64_t cookie = 0;
	for (int round = 0;; round++) {
		struct listing part = list("", cookie, 3);
		if (part.n == 0)
			break;
		for (int i = 0; i < part.n; i++) {
			memcpy(whole.names[whole.n++], part.names[i], sizeof(part.names[0]));
			cookie = part.cookie[i];
		}
		/* The name the walk stands on goes, too. */
		if (round == 1)
			ck_assert_int_eq(h_unlink(h_fs, part.names[part.n - 1]), 0);
		if (round == 2) {
			ck_assert_int_eq(h_unlink(h_fs, "n19"), 0);
			h_puts(h_fs, "late", "");
			ck_assert_int_eq(h_rename(h_fs, "n00", "moved", 0), 0);
		}
		if (round == 3)
			ck_assert_int_eq(h_rename(h_fs, "n01", "n18", 0), 0);
		ck_assert_int_lt(whole.n, 60);
	}
	for (int i = 2; i < 18; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		ck_assert_msg(seen(&whole, name) == 1, "%s appears %d times", name, seen(&whole, name));
	}
	ck_assert_int_eq(seen(&whole, "n19"), 0);
	ck_assert_int_le(seen(&whole, "late"), 1);
}
END_TEST

/* ".." of a directory is the directory it was moved to. */
START_TEST(dotdot_follows_a_move)
{
	struct fs_attr attr;
	ck_assert_int_eq(h_mkdir(h_fs, "a"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "b"), 0);
	ck_assert_int_eq(h_rename(h_fs, "a", "b/a", 0), 0);
	ck_assert_int_eq(fs_lookup(h_fs, h_ino(h_fs, "b/a"), "..", &attr), 0);
	ck_assert_uint_eq(attr.ino, h_ino(h_fs, "b"));
	fs_forget(h_fs, attr.ino, 1);
	ck_assert_uint_eq(h_ino(h_fs, "b/a/../.."), FS_ROOT_INO);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("rename");
	TCase *tc = tcase_create("rename");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown_same);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, rename_moves_a_tree);
	tcase_add_test(tc, rename_replaces);
	tcase_add_test(tc, rename_errors);
	tcase_add_test(tc, rename_makes_no_circle);
	tcase_add_test(tc, rename_onto_own_link_does_nothing);
	tcase_add_test(tc, exchange_swaps);
	tcase_add_test(tc, whiteout_is_left);
	tcase_add_test(tc, readdir_goes_on_from_any_cookie);
	tcase_add_test(tc, readdir_is_stable_under_changes);
	tcase_add_test(tc, dotdot_follows_a_move);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
