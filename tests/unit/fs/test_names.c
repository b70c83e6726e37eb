/*
 * test_names.c - making and removing names, links, owners, times and extended attributes (src/fs/names.c,
 * attr.c, xattr.c): each behaviour in the running file system, and the same tree after opening again.
 */
#include "config.h"

#include "harness.h"

/* --- making and looking up --------------------------------------------------------------------------- */

/* A new file has the mode, owner and type asked for, no contents, one link, and the times of its making. */
START_TEST(new_file_is_as_asked)
{
	struct fs_attr made, found;
	ck_assert_int_eq(fs_mknod(h_fs, FS_ROOT_INO, "f", S_IFREG | 0640, 0, &h_owner, &made), 0);
	ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, "f", &found), 0);
	ck_assert_mem_eq(&made, &found, sizeof(made));
	ck_assert_uint_eq(made.mode, S_IFREG | 0640);
	ck_assert_uint_eq(made.nlink, 1);
	ck_assert_uint_eq(made.uid, h_owner.uid);
	ck_assert_uint_eq(made.gid, h_owner.gid);
	ck_assert_uint_eq(made.size, 0);
	ck_assert_int_eq(made.mtime.tv_sec, made.btime.tv_sec);
	ck_assert_int_eq(made.mtime.tv_nsec, made.ctime.tv_nsec);
	fs_forget(h_fs, made.ino, 2);
}
END_TEST

/* Device numbers are kept for devices and for nothing else. */
START_TEST(special_files_keep_type_and_device)
{
	static const uint32_t type[] = {S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK};
	struct fs_attr attr;
	char name[] = "0";
	for (int i = 0; i < 4; i++, name[0]++) {
		ck_assert_int_eq(fs_mknod(h_fs, FS_ROOT_INO, name, type[i] | 0600, 0x12345, &h_owner, &attr), 0);
		ck_assert_uint_eq(attr.mode, type[i] | 0600);
		ck_assert_uint_eq(attr.rdev, i < 2 ? 0 : 0x12345);
		fs_forget(h_fs, attr.ino, 1);
	}
	ck_assert_int_eq(fs_mknod(h_fs, FS_ROOT_INO, "d", S_IFDIR | 0755, 0, &h_owner, &attr), -EINVAL);
}
END_TEST

/* A name that exists cannot be made again, whatever it is; one that does not is not found. */
START_TEST(names_are_unique)
{
	struct fs_attr attr;
	h_puts(h_fs, "a", "x");
	ck_assert_int_eq(h_mkdir(h_fs, "a"), -EEXIST);
	ck_assert_int_eq(h_symlink(h_fs, "t", "a"), -EEXIST);
	ck_assert_int_eq(h_link(h_fs, "a", "a"), -EEXIST);
	ck_assert_int_eq(fs_mknod(h_fs, FS_ROOT_INO, "a", 0600, 0, &h_owner, &attr), -EEXIST);
	ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, "b", &attr), -ENOENT);
	ck_assert_int_eq(fs_lookup(h_fs, h_ino(h_fs, "a"), "b", &attr), -ENOTDIR);
	ck_assert_int_eq(fs_lookup(h_fs, 99999, "b", &attr), -ENOENT);
}
END_TEST

/* What cannot be a name is refused, and nothing is written. */
START_TEST(impossible_names_are_refused)
{
	static const char *const name[] = {"", ".", "..", "a/b"};
	struct fs_attr attr;
	size_t size = h_size(h_path);
	h_puts(h_fs, "f", "x");
	size = h_size(h_path);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_lt(fs_mkdir(h_fs, FS_ROOT_INO, name[i], 0755, &h_owner, &attr), 0);
		ck_assert_int_lt(fs_mknod(h_fs, FS_ROOT_INO, name[i], 0644, 0, &h_owner, &attr), 0);
		ck_assert_int_lt(fs_symlink(h_fs, FS_ROOT_INO, name[i], "t", &h_owner, &attr), 0);
		ck_assert_int_lt(fs_link(h_fs, h_ino(h_fs, "f"), FS_ROOT_INO, name[i], &attr), 0);
		ck_assert_int_lt(fs_rename(h_fs, FS_ROOT_INO, "f", FS_ROOT_INO, name[i], 0), 0);
		ck_assert_int_lt(fs_unlink(h_fs, FS_ROOT_INO, name[i]), 0);
		ck_assert_int_lt(fs_rmdir(h_fs, FS_ROOT_INO, name[i]), 0);
	}
	ck_assert_uint_eq(h_size(h_path), size);
	ck_assert(!fs_is_read_only(h_fs));
}
END_TEST

/* Names hold up to 255 bytes, any but '/' and NUL; of 256 they are too long for every call. */
START_TEST(names_hold_any_byte)
{
	char name[FS_NAME_MAX + 2] = "", other[FS_NAME_MAX + 2] = "";
	struct fs_attr attr;
	size_t n = 0;
	for (int c = 1; c < 256; c++)
		if (c != '/')
			name[n++] = (char)c;
	name[n++] = 'x';
	ck_assert_uint_eq(n, FS_NAME_MAX);
	memset(other, 'y', FS_NAME_MAX);
	ck_assert_int_eq(fs_mkdir(h_fs, FS_ROOT_INO, name, 0755, &h_owner, &attr), 0);
	ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, name, &attr), 0);
	fs_forget(h_fs, attr.ino, 2);
	ck_assert_int_eq(fs_rename(h_fs, FS_ROOT_INO, name, attr.ino, other, 0), -EINVAL);
	ck_assert_int_eq(fs_rename(h_fs, FS_ROOT_INO, name, FS_ROOT_INO, other, 0), 0);
	ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, name, &attr), -ENOENT);

	strcat(name, "z");
	ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, name, &attr), -ENAMETOOLONG);
	ck_assert_int_eq(fs_mkdir(h_fs, FS_ROOT_INO, name, 0755, &h_owner, &attr), -ENAMETOOLONG);
	ck_assert_int_eq(fs_symlink(h_fs, FS_ROOT_INO, name, "t", &h_owner, &attr), -ENAMETOOLONG);
	ck_assert_int_eq(fs_rename(h_fs, FS_ROOT_INO, other, FS_ROOT_INO, name, 0), -ENAMETOOLONG);
	ck_assert_int_eq(fs_unlink(h_fs, FS_ROOT_INO, name), -ENAMETOOLONG);
	ck_assert_int_eq(fs_rmdir(h_fs, FS_ROOT_INO, name), -ENAMETOOLONG);
}
END_TEST

/* Each byte value alone is a name of its own. */
START_TEST(every_byte_is_a_name)
{
	char name[2] = "", text[16];
	for (int c = 1; c < 256; c++) {
		if (c == '/' || c == '.')
			continue;
		name[0] = (char)c;
		snprintf(text, sizeof(text), "%d", c);
		h_puts(h_fs, name, text);
	}
	h_again();
	for (int c = 1; c < 256; c++) {
		if (c == '/' || c == '.')
			continue;
		name[0] = (char)c;
		snprintf(text, sizeof(text), "%d", c);
		h_expects(h_fs, name, text);
	}
}
END_TEST

/* --- links ---------------------------------------------------------------------------------------------- */

/* A file has up to 65,000 names, which are removed in any order, also after a replay. */
START_TEST(links_up_to_the_limit)
{
	const int most = FS_LINK_MAX;
	char name[32];
	struct fs_attr attr;
	h_puts(h_fs, "0", "x");
	uint64_t ino = h_ino(h_fs, "0");
	for (int i = 1; i < most; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(fs_link(h_fs, ino, FS_ROOT_INO, name, &attr), 0);
	}
	fs_forget(h_fs, ino, (uint64_t)most - 1);
	ck_assert_uint_eq(h_links("0"), FS_LINK_MAX);
	ck_assert_int_eq(h_link(h_fs, "0", "more"), -EMLINK);
	for (int i = 0; i < most / 2; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(fs_unlink(h_fs, FS_ROOT_INO, name), 0);
	}
	h_again();
	for (int i = most - 1; i > most / 2; i--) {
		snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(fs_unlink(h_fs, FS_ROOT_INO, name), 0);
	}
	snprintf(name, sizeof(name), "%d", most / 2);
	ck_assert_uint_eq(h_links(name), 1);
	h_expects(h_fs, name, "x");
}
END_TEST

/* A directory has two links and one for each directory in it; files in it do not count. */
START_TEST(directory_links_count_subdirectories)
{
	ck_assert_uint_eq(h_links(""), 2);
	ck_assert_int_eq(h_mkdir(h_fs, "a"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "a/b"), 0);
	h_puts(h_fs, "a/f", "x");
	ck_assert_uint_eq(h_links(""), 3);
	ck_assert_uint_eq(h_links("a"), 3);
	ck_assert_int_eq(h_rename(h_fs, "a/b", "b", 0), 0);
	ck_assert_uint_eq(h_links(""), 4);
	ck_assert_uint_eq(h_links("a"), 2);
	ck_assert_int_eq(h_rename(h_fs, "a/f", "b", RENAME_EXCHANGE), 0);
	ck_assert_uint_eq(h_links(""), 3);
	ck_assert_uint_eq(h_links("a"), 3);
	ck_assert_int_eq(h_rmdir(h_fs, "a/f"), 0);
	ck_assert_uint_eq(h_links("a"), 2);
}
END_TEST

/* All names of an inode lead to the same; it lives until the last is gone. */
START_TEST(hard_links_share_the_inode)
{
	h_puts(h_fs, "a", "one");
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_link(h_fs, "a", "d/b"), 0);
	ck_assert_uint_eq(h_ino(h_fs, "a"), h_ino(h_fs, "d/b"));
	ck_assert_uint_eq(h_links("a"), 2);
	h_puts(h_fs, "d/b", "two");
	h_expects(h_fs, "a", "two");
	ck_assert_int_eq(h_unlink(h_fs, "a"), 0);
	ck_assert_uint_eq(h_links("d/b"), 1);
	h_again();
	h_expects(h_fs, "d/b", "two");
	ck_assert(!h_exists(h_fs, "a"));
}
END_TEST

/* A directory cannot have a second name. Everything else can. */
START_TEST(directories_have_one_name)
{
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_link(h_fs, "d", "e"), -EPERM);
	ck_assert_int_eq(h_symlink(h_fs, "d", "s"), 0);
	ck_assert_int_eq(h_link(h_fs, "s", "t"), 0);
	ck_assert_uint_eq(h_links("t"), 2);
}
END_TEST

/* A name that changes over to another file does so in one transaction; who had it keeps other names. Directories stay. */
START_TEST(link_over_a_name_is_one_transaction)
{
	struct fs_info before, after;
	struct fs_attr attr;

	h_puts(h_fs, "new", "new contents");
	h_puts(h_fs, "old", "old contents");
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_link(h_fs, "old", "other"), 0);
	uint64_t ino = h_ino(h_fs, "new");
	ck_assert_int_eq(fs_link_over(h_fs, ino, FS_ROOT_INO, "d", &attr), -EISDIR);
	ck_assert_int_eq(fs_info(h_fs, &before), 0);
	ck_assert_int_eq(fs_link_over(h_fs, ino, FS_ROOT_INO, "old", &attr), 0);
	ck_assert_uint_eq(attr.nlink, 2);
	ck_assert_int_eq(fs_link_over(h_fs, ino, FS_ROOT_INO, "old", &attr), -EEXIST);
	ck_assert_int_eq(fs_info(h_fs, &after), 0);
	ck_assert_uint_eq(after.sequence, before.sequence + 1);
	fs_forget(h_fs, ino, 1);
	h_again();
	h_expects(h_fs, "old", "new contents");
	h_expects(h_fs, "other", "old contents");
	ck_assert_uint_eq(h_links("other"), 1);
	ck_assert_int_eq(fs_link_over(h_fs, h_ino(h_fs, "old"), FS_ROOT_INO, "other", &attr), 0);
	fs_forget(h_fs, attr.ino, 1);
	ck_assert_uint_eq(h_links("new"), 3);
}
END_TEST

/* A link's target is any text of 1 to 4095 bytes and is kept as it is. */
START_TEST(symlinks_keep_their_target)
{
	char target[FS_SYMLINK_MAX + 2] = "", read[FS_SYMLINK_MAX + 1];
	struct fs_attr attr;
	memset(target, '/', FS_SYMLINK_MAX);
	ck_assert_int_eq(h_symlink(h_fs, target, "long"), 0);
	ck_assert_int_eq(h_symlink(h_fs, "\xff\x01 ../x", "odd"), 0);
	h_again();
	ck_assert_int_eq(fs_readlink(h_fs, h_ino(h_fs, "long"), read), 0);
	ck_assert_str_eq(read, target);
	ck_assert_int_eq(fs_readlink(h_fs, h_ino(h_fs, "odd"), read), 0);
	ck_assert_str_eq(read, "\xff\x01 ../x");
	ck_assert_int_eq(h_stat(h_fs, "long", &attr), 0);
	ck_assert_uint_eq(attr.size, FS_SYMLINK_MAX);
	ck_assert_int_eq(fs_readlink(h_fs, FS_ROOT_INO, read), -EINVAL);
	strcat(target, "x");
	ck_assert_int_eq(h_symlink(h_fs, target, "longer"), -ENAMETOOLONG);
	ck_assert_int_eq(h_symlink(h_fs, "", "empty"), -ENOENT);
}
END_TEST

/* --- removing --------------------------------------------------------------------------------------------- */

/* unlink takes no directory, rmdir nothing else, and only an empty one. */
START_TEST(removal_errors)
{
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	h_puts(h_fs, "d/f", "x");
	ck_assert_int_eq(h_unlink(h_fs, "d"), -EISDIR);
	ck_assert_int_eq(h_rmdir(h_fs, "d/f"), -ENOTDIR);
	ck_assert_int_eq(h_rmdir(h_fs, "d"), -ENOTEMPTY);
	ck_assert_int_eq(h_unlink(h_fs, "none"), -ENOENT);
	ck_assert_int_eq(h_rmdir(h_fs, "none"), -ENOENT);
	ck_assert_int_eq(h_unlink(h_fs, "d/f"), 0);
	ck_assert_int_eq(h_rmdir(h_fs, "d"), 0);
}
END_TEST

/* A removed directory that someone still holds is empty, takes no new names, and ends with its last reference. */
START_TEST(removed_directory_takes_no_names)
{
	struct fs_attr attr;
	ck_assert_int_eq(fs_mkdir(h_fs, FS_ROOT_INO, "d", 0755, &h_owner, &attr), 0);
	uint64_t ino = attr.ino;
	ck_assert_int_eq(h_rmdir(h_fs, "d"), 0);
	ck_assert_int_eq(fs_mkdir(h_fs, ino, "x", 0755, &h_owner, &attr), -ENOENT);
	ck_assert_int_eq(fs_rename(h_fs, FS_ROOT_INO, "d", ino, "x", 0), -ENOENT);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 0);
	fs_forget(h_fs, ino, 1);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), -ENOENT);
}
END_TEST

/* An inode's number is not used again, also after opening anew. */
START_TEST(inode_numbers_are_not_used_again)
{
	h_puts(h_fs, "a", "x");
	uint64_t ino = h_ino(h_fs, "a");
	ck_assert_int_eq(h_unlink(h_fs, "a"), 0);
	h_again();
	h_puts(h_fs, "b", "x");
	ck_assert_uint_gt(h_ino(h_fs, "b"), ino);
}
END_TEST

/* --- owners, times ------------------------------------------------------------------------------------------- */

/* What is made in a setgid directory has its group; directories are setgid in turn. */
START_TEST(setgid_directories_hand_down_the_group)
{
	struct fs_setattr set = {.set = FS_SET_MODE | FS_SET_GID, .mode = 02775, .gid = 77};
	struct fs_attr attr;
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "d"), &set, &attr), 0);
	ck_assert_uint_eq(attr.mode, S_IFDIR | 02775);
	ck_assert_int_eq(h_mkdir(h_fs, "d/e"), 0);
	h_puts(h_fs, "d/e/f", "x");
	ck_assert_int_eq(h_stat(h_fs, "d/e", &attr), 0);
	ck_assert_uint_eq(attr.gid, 77);
	ck_assert_uint_eq(attr.mode, S_IFDIR | 02755);
	ck_assert_int_eq(h_stat(h_fs, "d/e/f", &attr), 0);
	ck_assert_uint_eq(attr.gid, 77);
	ck_assert_uint_eq(attr.mode, S_IFREG | 0644);
	ck_assert_uint_eq(attr.uid, h_owner.uid);
}
END_TEST

/* A change of owner takes set-id bits from files, setgid without group execution excepted, and not from directories. */
START_TEST(chown_clears_set_id_bits)
{
	struct fs_setattr mode = {.set = FS_SET_MODE, .mode = 06755}, owner = {.set = FS_SET_UID, .uid = 5};
	struct fs_attr attr;
	h_puts(h_fs, "f", "x");
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &mode, &attr), 0);
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "d"), &mode, &attr), 0);
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &owner, &attr), 0);
	ck_assert_uint_eq(attr.mode & 07777, 0755);
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "d"), &owner, &attr), 0);
	ck_assert_uint_eq(attr.mode & 07777, 06755);
	mode.mode = 06745;
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &mode, &attr), 0);
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &owner, &attr), 0);
	ck_assert_uint_eq(attr.mode & 07777, 02745);
}
END_TEST

/* Times are kept to the nanosecond, also before 1970 and far ahead; what is no time is refused. */
START_TEST(times_are_kept)
{
	struct fs_setattr set = {.set = FS_SET_ATIME | FS_SET_MTIME, .atime = {-5, 999999999}, .mtime = {1LL << 36, 1}};
	struct fs_attr attr;
	h_puts(h_fs, "f", "x");
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &set, &attr), 0);
	h_again();
	ck_assert_int_eq(h_stat(h_fs, "f", &attr), 0);
	ck_assert_int_eq(attr.atime.tv_sec, -5);
	ck_assert_int_eq(attr.atime.tv_nsec, 999999999);
	ck_assert_int_eq(attr.mtime.tv_sec, 1LL << 36);
	ck_assert_int_eq(attr.mtime.tv_nsec, 1);
	set.mtime.tv_nsec = 1000000000;
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &set, &attr), -EINVAL);
	ck_assert_int_eq(fs_setattr(h_fs, FS_ROOT_INO, &set, &attr), -EINVAL);
	ck_assert(!fs_is_read_only(h_fs));
}
END_TEST

/* --- extended attributes ---------------------------------------------------------------------------------------- */

/* Values of 0 to 65,536 bytes are kept; create and replace ask for what they say. */
START_TEST(xattrs_are_kept)
{
	static uint8_t big[FS_XATTR_SIZE_MAX], read[FS_XATTR_SIZE_MAX];
	char list[64];
	h_fill(big, sizeof(big), 1);
	h_puts(h_fs, "f", "x");
	uint64_t ino = h_ino(h_fs, "f");
	ck_assert_int_eq(fs_setxattr(h_fs, ino, "user.empty", NULL, 0, 0), 0);
	ck_assert_int_eq(fs_setxattr(h_fs, ino, "user.big", big, sizeof(big), 1), 0);
	ck_assert_int_eq(fs_setxattr(h_fs, ino, "user.big", big, 3, 1), -EEXIST);
	ck_assert_int_eq(fs_setxattr(h_fs, ino, "user.none", big, 3, 2), -ENODATA);
	ck_assert_int_eq(fs_setxattr(h_fs, ino, "user.none", big, sizeof(big) + 1, 0), -E2BIG);
	h_again();
	ck_assert_int_eq(fs_getxattr(h_fs, ino, "user.empty", read, sizeof(read)), 0);
	ck_assert_int_eq(fs_getxattr(h_fs, ino, "user.big", NULL, 0), sizeof(big));
	ck_assert_int_eq(fs_getxattr(h_fs, ino, "user.big", read, 10), -ERANGE);
	ck_assert_int_eq(fs_getxattr(h_fs, ino, "user.big", read, sizeof(read)), sizeof(big));
	ck_assert_mem_eq(read, big, sizeof(big));
	ck_assert_int_eq(fs_listxattr(h_fs, ino, true, list, sizeof(list)), 20);
	ck_assert_int_eq(fs_listxattr(h_fs, ino, true, list, 19), -ERANGE);
	ck_assert_int_eq(fs_removexattr(h_fs, ino, "user.big"), 0);
	ck_assert_int_eq(fs_removexattr(h_fs, ino, "user.big"), -ENODATA);
	ck_assert_int_eq(fs_getxattr(h_fs, ino, "user.big", NULL, 0), -ENODATA);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("names");
	TCase *tc = tcase_create("names");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown_same);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, new_file_is_as_asked);
	tcase_add_test(tc, special_files_keep_type_and_device);
	tcase_add_test(tc, names_are_unique);
	tcase_add_test(tc, impossible_names_are_refused);
	tcase_add_test(tc, names_hold_any_byte);
	tcase_add_test(tc, every_byte_is_a_name);
	tcase_add_test(tc, links_up_to_the_limit);
	tcase_add_test(tc, directory_links_count_subdirectories);
	tcase_add_test(tc, hard_links_share_the_inode);
	tcase_add_test(tc, link_over_a_name_is_one_transaction);
	tcase_add_test(tc, directories_have_one_name);
	tcase_add_test(tc, symlinks_keep_their_target);
	tcase_add_test(tc, removal_errors);
	tcase_add_test(tc, removed_directory_takes_no_names);
	tcase_add_test(tc, inode_numbers_are_not_used_again);
	tcase_add_test(tc, setgid_directories_hand_down_the_group);
	tcase_add_test(tc, chown_clears_set_id_bits);
	tcase_add_test(tc, times_are_kept);
	tcase_add_test(tc, xattrs_are_kept);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
