/*
 * test_full.c - no room: whatever could not be written leaves everything else as it was, is told to who
 * wrote it, and works again once there is room. With a limit on the file's size, and on a small tmpfs.
 */
#include "config.h"

#include "no_room.h"

/* Names, attributes and contents that do not fit fail and change nothing; afterwards everything works. */
START_TEST(nothing_fits)
{
	static uint8_t data[100000];
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = 0600};
	struct fs_attr attr;
	if (!no_room_begin(_i))
		return;
	h_fill(data, sizeof(data), 1);
	h_put(h_fs, "f", data, sizeof(data));
	h_puts(h_fs, "g", "other");
	struct fs_file *f = h_file(h_fs, "f", 0);
	char *before = h_tree(h_fs), *after;
	no_room_leave(_i, 0);
	int r = no_room_fill_up();
	ck_assert_msg(is_no_room(r), "mkdir: %s", strerror(-r));
	free(before);
	before = h_tree(h_fs);
	ck_assert(is_no_room(fs_setattr(h_fs, h_ino(h_fs, "g"), &set, &attr)));
	ck_assert(is_no_room(h_rename(h_fs, "g", "h", 0)));
	ck_assert(_i == DISK || is_no_room(h_unlink(h_fs, "g")));
	ck_assert(is_no_room(h_link(h_fs, "g", "h")));
	ck_assert(is_no_room(fs_setxattr(h_fs, FS_ROOT_INO, "user.x", data, 1000, 0)));
	ck_assert(_i == DISK || is_no_room(h_truncate(h_fs, h_ino(h_fs, "g"), 2)));
	after = h_tree(h_fs);
	h_same(after, before, "after what did not fit");
	ck_assert(!fs_is_read_only(h_fs));
	free(after);
	ck_assert_int_eq(h_end(f), 0);
	no_room_end(_i);
	h_puts(h_fs, "h", "more");
	ck_assert_int_eq(h_unlink(h_fs, "g"), 0);
	free(before);
	before = h_tree(h_fs);
	h_again();
	after = h_tree(h_fs);
	h_same(after, before, "after making room");
	h_check(h_fs);
	free(before);
	free(after);
}
END_TEST

/* A file that does not fit: the writer is told, at the latest by the flush; with room the flush can be repeated. */
START_TEST(contents_do_not_fit)
{
	static uint8_t data[1600000];
	if (!no_room_begin(_i))
		return;
	h_fill(data, sizeof(data), 1);
	h_puts(h_fs, "old", "kept");
	struct fs_file *f = h_file(h_fs, "new", 0);
	no_room_leave(_i, 200000);
	size_t size = h_size(h_path), written = 0;
	int r = 0;
	while (r == 0 && written < sizeof(data)) {
		r = h_write(f, written, data + written, 40000);
		written += r == 0 ? 40000 : 0;
	}
	if (r == 0)
		r = fs_file_flush(f);
	ck_assert_msg(is_no_room(r), "%s", strerror(-r));
	ck_assert_uint_eq(h_size(h_path), size);
	h_expects(h_fs, "old", "kept");
	no_room_end(_i);
	for (; written < sizeof(data); written += 40000)
		ck_assert_int_eq(h_write(f, written, data + written, 40000), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_expect(h_fs, "new", data, sizeof(data));
	h_again();
	h_expect(h_fs, "new", data, sizeof(data));
	h_expects(h_fs, "old", "kept");
	h_check(h_fs);
}
END_TEST

/* What nobody could commit before its last release is given up, with a message; the file stays as it was. */
START_TEST(release_gives_up_what_does_not_fit)
{
	static uint8_t data[900000];
	no_room_begin(LIMIT);
	h_fill(data, sizeof(data), 1);
	h_puts(h_fs, "f", "as it was");
	char *before = h_tree(h_fs), *after;
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 0, data, sizeof(data)), 0);
	no_room_leave(LIMIT, 100000);
	fs_file_release(f);
	ck_assert_ptr_nonnull(strstr(h_messages(), "/f"));
	after = h_tree(h_fs);
	h_same(after, before, "after the release");
	free(after);
	no_room_end(LIMIT);
	h_again();
	after = h_tree(h_fs);
	h_same(after, before, "after opening again");
	free(before);
	free(after);
}
END_TEST

/* No room for the last checkpoint: closing says so; everything is there all the same. */
START_TEST(closing_without_room)
{
	char name[16];
	if (!no_room_begin(_i))
		return;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		h_puts(h_fs, name, name);
	}
	char *before = h_tree(h_fs), *after;
	no_room_leave(_i, 0);
	int r = fs_close(h_fs);
	h_fs = NULL;
	ck_assert(r == 0 || is_no_room(r));
	h_open();
	after = h_tree(h_fs);
	h_same(after, before, "after closing without room");
	no_room_end(_i);
	h_puts(h_fs, "g", "x");
	h_again();
	h_expects(h_fs, "g", "x");
	h_expects(h_fs, "f7", "f7");
	h_check(h_fs);
	free(before);
	free(after);
}
END_TEST

/* On a full disk files are removed and cut, a mount ends cleanly, and all is so when it is opened again. */
START_TEST(removing_needs_no_room)
{
	char name[16];
	if (!no_room_begin(DISK))
		return;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		h_puts(h_fs, name, name);
	}
	no_room_leave(DISK, 0);
	ck_assert_int_eq(no_room_fill_up(), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(h_messages(), "the disk is full. Files can still be removed"));
	ck_assert_int_eq(fs_setxattr(h_fs, FS_ROOT_INO, "user.x", "y", 1, 0), -ENOSPC);
	for (int i = 0; i < 49; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ck_assert_int_eq(h_unlink(h_fs, name), 0);
	}
	ck_assert_int_eq(h_rmdir(h_fs, "d0"), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f49"), 1), 0);
	char *before = h_tree(h_fs), *after;
	ck_assert_int_eq(fs_close(h_fs), 0);
	h_open();
	after = h_tree(h_fs);
	h_same(after, before, "after closing on a full disk");
	no_room_end(DISK);
	h_puts(h_fs, "g", "x");
	h_again();
	h_expects(h_fs, "g", "x");
	h_expects(h_fs, "f49", "f");
	h_check(h_fs);
	free(before);
	free(after);
}
END_TEST

/* When what was kept back for removals is used up, they fail, with a message that says what to do, and work later. */
START_TEST(removing_without_any_room)
{
	char name[16];
	int left = 3000, r = 0;
	if (!no_room_begin(DISK))
		return;
	for (int i = 0; i < left; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ck_assert_int_eq(h_mkdir(h_fs, name), 0);
	}
	no_room_leave(DISK, 0);
	(void)no_room_fill_up();
	for (; left > 0 && r == 0; left--) {
		snprintf(name, sizeof(name), "f%d", left - 1);
		r = h_rmdir(h_fs, name);
	}
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_ptr_nonnull(strstr(h_messages(), "kept back to record removals"));
	ck_assert(!fs_is_read_only(h_fs));
	no_room_end(DISK);
	ck_assert_int_eq(h_rmdir(h_fs, name), 0);
	char *before = h_tree(h_fs), *after;
	h_again();
	after = h_tree(h_fs);
	h_same(after, before, "after making room");
	h_check(h_fs);
	free(before);
	free(after);
}
END_TEST

/* Making a container without room leaves no file. */
START_TEST(no_room_for_a_container)
{
	no_room_limit(100);
	int r = fs_create_container(h_beside("new.reel"), &h_options);
	no_room_limit(RLIM_INFINITY);
	ck_assert(is_no_room(r));
	ck_assert_int_lt(access(h_beside("new.reel"), F_OK), 0);
	char command[4600];
	snprintf(command, sizeof(command), "test $(ls '%s' | wc -l) = 1", h_dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Every size of room in turn: each operation happens or does not, and a crash at any point finds what was told. */
START_TEST(room_for_so_much)
{
	static uint8_t data[700];
	(void)no_room_begin(LIMIT);
	h_fill(data, sizeof(data), 1);
	h_puts(h_fs, "a", "first");
	for (size_t more = 0; more < 2600; more += 13) {
		struct fs_file *f = h_file(h_fs, "a", 0);
		ck_assert_int_eq(h_write(f, 0, data, sizeof(data)), 0);
		no_room_leave(LIMIT, more);
		int made = h_mkdir(h_fs, "d");
		int written = fs_file_flush(f);
		int renamed = h_rename(h_fs, "a", "b", 0);
		no_room_end(LIMIT);
		ck_assert_int_eq(h_end(f), 0);
		ck_assert(made == 0 || is_no_room(made));
		ck_assert(written == 0 || is_no_room(written));
		ck_assert(renamed == 0 || is_no_room(renamed));
		h_crash();
		ck_assert(h_exists(h_fs, "d") == (made == 0));
		ck_assert(h_exists(h_fs, "b") == (renamed == 0));
		h_expect(h_fs, renamed == 0 ? "b" : "a", data, sizeof(data));
		if (made == 0)
			ck_assert_int_eq(h_rmdir(h_fs, "d"), 0);
		if (renamed == 0)
			ck_assert_int_eq(h_rename(h_fs, "b", "a", 0), 0);
		data[more % sizeof(data)]++;
	}
	h_check(h_fs);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("full");
	TCase *tc = tcase_create("full");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, no_room_set_up, no_room_tear_down);
	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, nothing_fits, 0, KINDS);
	tcase_add_loop_test(tc, contents_do_not_fit, 0, KINDS);
	tcase_add_test(tc, release_gives_up_what_does_not_fit);
	tcase_add_loop_test(tc, closing_without_room, 0, KINDS);
	tcase_add_test(tc, removing_needs_no_room);
	tcase_add_test(tc, removing_without_any_room);
	tcase_add_test(tc, no_room_for_a_container);
	tcase_add_test(tc, room_for_so_much);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
