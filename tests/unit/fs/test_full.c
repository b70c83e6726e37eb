/*
 * test_full.c - no room: whatever could not be written leaves everything else as it was, is told to who
 * wrote it, and works again once there is room. With a limit on the file's size, and on a small tmpfs.
 */
#include "config.h"

#include "harness.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

static char small_dir[4200]; /* the mounted tmpfs, or empty */

/* What keeps bytes from being written: a limit, or a full disk. */
enum { LIMIT, DISK, KINDS };

static bool mount_small(void)
{
	snprintf(small_dir, sizeof(small_dir), "%s/small", h_dir);
	ck_assert_int_eq(mkdir(small_dir, 0700), 0);
	/* In a name space of its own it goes with the process, whatever becomes of the test. */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", small_dir, "tmpfs", 0, "size=2m") == 0)
		return true;
	printf("# SKIP on a small tmpfs: it cannot be mounted here: %s\n", strerror(errno));
	fflush(stdout);
	small_dir[0] = 0;
	return false;
}

/* Uses none of Check's assertions: they write to a file that the limit is for as well. */
static void limit(rlim_t size)
{
	struct rlimit l = {size, RLIM_INFINITY};
	if (setrlimit(RLIMIT_FSIZE, &l) < 0)
		abort();
}

/* Makes the container longer than Check's file ever is. */
static void outgrow_check(void)
{
	uint8_t *data = malloc(2 * MIB);
	ck_assert_ptr_nonnull(data);
	h_fill(data, 2 * MIB, 99);
	h_put(h_fs, "large", data, 2 * MIB);
	free(data);
}

static void set_up(void)
{
	h_setup();
	signal(SIGXFSZ, SIG_IGN);
	small_dir[0] = 0;
}

static void tear_down(void)
{
	limit(RLIM_INFINITY);
	if (h_fs)
		fs_close(h_fs);
	h_fs = NULL;
	if (small_dir[0])
		umount2(small_dir, MNT_DETACH);
	h_teardown();
}

/* An open container where there will be no room. False: it cannot be had. */
static bool begin(int kind)
{
	if (kind == LIMIT) {
		outgrow_check();
		return true;
	}
	if (!mount_small())
		return false;
	h_close();
	snprintf(h_path, sizeof(h_path), "%.4180s/c.reel", small_dir);
	ck_assert_int_eq(fs_create_container(h_path, &h_options), 0);
	h_open();
	return true;
}

/* Room for `more` bytes from now on. */
static void leave(int kind, size_t more)
{
	static uint8_t zeros[4096];
	char path[4400];
	struct statvfs st;
	if (kind == LIMIT) {
		limit(h_size(h_path) + more);
		return;
	}
	snprintf(path, sizeof(path), "%s/ballast", small_dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	while (statvfs(small_dir, &st) == 0 && st.f_bavail * st.f_frsize > more)
		if (write(fd, zeros, sizeof(zeros)) < 0)
			break;
	close(fd);
}

static void make_room(int kind)
{
	char path[4400];
	if (kind == LIMIT) {
		limit(RLIM_INFINITY);
		return;
	}
	snprintf(path, sizeof(path), "%s/ballast", small_dir);
	ck_assert_int_eq(unlink(path), 0);
}

static bool is_no_room(int r)
{
	return r == -ENOSPC || r == -EFBIG;
}

/* Makes directories in what space is left, or is allocated ahead, and then what needs less. The error that ends it. */
static int fill_up(void)
{
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = 0755};
	struct fs_attr attr;
	char name[16];
	int made = 0, r;

	do {
		snprintf(name, sizeof(name), "d%d", made++);
		r = h_mkdir(h_fs, name);
	} while (r == 0 && made < 5000);
	for (made = 0; is_no_room(r) && made < 5000 && fs_setattr(h_fs, FS_ROOT_INO, &set, &attr) == 0;)
		made++;
	return r;
}

/* Names, attributes and contents that do not fit fail and change nothing; afterwards everything works. */
START_TEST(nothing_fits)
{
	static uint8_t data[100000];
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = 0600};
	struct fs_attr attr;
	if (!begin(_i))
		return;
	h_fill(data, sizeof(data), 1);
	h_put(h_fs, "f", data, sizeof(data));
	h_puts(h_fs, "g", "other");
	struct fs_file *f = h_file(h_fs, "f", 0);
	char *before = h_tree(h_fs), *after;
	leave(_i, 0);
	int r = fill_up();
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
	make_room(_i);
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
	if (!begin(_i))
		return;
	h_fill(data, sizeof(data), 1);
	h_puts(h_fs, "old", "kept");
	struct fs_file *f = h_file(h_fs, "new", 0);
	leave(_i, 200000);
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
	make_room(_i);
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
	begin(LIMIT);
	h_fill(data, sizeof(data), 1);
	h_puts(h_fs, "f", "as it was");
	char *before = h_tree(h_fs), *after;
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 0, data, sizeof(data)), 0);
	leave(LIMIT, 100000);
	fs_file_release(f);
	ck_assert_ptr_nonnull(strstr(h_messages(), "/f"));
	after = h_tree(h_fs);
	h_same(after, before, "after the release");
	free(after);
	make_room(LIMIT);
	h_again();
	after = h_tree(h_fs);
	h_same(after, before, "after opening again");
	free(before);
	free(after);
}
END_TEST

/* What was taken in has its room: neither another program nor another file takes it, and nothing else is refused for it. */
START_TEST(room_is_promised)
{
	static uint8_t data[700000];
	struct fs_file *f, *g;
	size_t taken = 0;
	int r = 0;
	if (!begin(DISK))
		return;
	h_fill(data, sizeof(data), 1);
	f = h_file(h_fs, "f", 0);
	g = h_file(h_fs, "g", 0);
	for (size_t at = 0; at < 400000; at += 40000)
		ck_assert_int_eq(h_write(f, at, data + at, 40000), 0);
	leave(DISK, 0);
	for (; r == 0 && taken < 680000; taken += r == 0 ? 40000 : 0)
		r = h_write(g, taken, data + taken, 40000);
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_int_eq(fill_up(), -ENOSPC);
	h_expect(h_fs, "g", data, taken);
	ck_assert_int_eq(h_end(g), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_again();
	h_expect(h_fs, "f", data, 400000);
	h_expect(h_fs, "g", data, taken);
	h_check(h_fs);
}
END_TEST

/* A promise is given back when what it was for is cut, punched, or closed without a name, and to others at once. */
START_TEST(promises_are_given_back)
{
	static uint8_t data[900000];
	struct fs_file *f;
	if (!begin(DISK))
		return;
	h_fill(data, sizeof(data), 1);
	for (int i = 0; i < 8; i++) {
		f = h_file(h_fs, "f", O_TRUNC);
		ck_assert_int_eq(h_write(f, 0, data, sizeof(data)), 0);
		if (i % 3 == 0)
			ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 0), 0);
		if (i % 3 == 1)
			ck_assert_int_eq(
			    fs_file_allocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, sizeof(data), false), 0);
		if (i % 3 == 2)
			ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
		ck_assert_int_eq(h_end(f), 0);
	}
	h_put(h_fs, "g", data, sizeof(data));
	h_again();
	h_expect(h_fs, "g", data, sizeof(data));
}
END_TEST

/* No room for the last checkpoint: closing says so; everything is there all the same. */
START_TEST(closing_without_room)
{
	char name[16];
	if (!begin(_i))
		return;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		h_puts(h_fs, name, name);
	}
	char *before = h_tree(h_fs), *after;
	leave(_i, 0);
	int r = fs_close(h_fs);
	h_fs = NULL;
	ck_assert(r == 0 || is_no_room(r));
	h_open();
	after = h_tree(h_fs);
	h_same(after, before, "after closing without room");
	make_room(_i);
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
	if (!begin(DISK))
		return;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		h_puts(h_fs, name, name);
	}
	leave(DISK, 0);
	ck_assert_int_eq(fill_up(), -ENOSPC);
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
	make_room(DISK);
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
	if (!begin(DISK))
		return;
	for (int i = 0; i < left; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ck_assert_int_eq(h_mkdir(h_fs, name), 0);
	}
	leave(DISK, 0);
	(void)fill_up();
	for (; left > 0 && r == 0; left--) {
		snprintf(name, sizeof(name), "f%d", left - 1);
		r = h_rmdir(h_fs, name);
	}
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_ptr_nonnull(strstr(h_messages(), "kept back to record removals"));
	ck_assert(!fs_is_read_only(h_fs));
	make_room(DISK);
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
	limit(100);
	int r = fs_create_container(h_beside("new.reel"), &h_options);
	limit(RLIM_INFINITY);
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
	outgrow_check();
	h_fill(data, sizeof(data), 1);
	h_puts(h_fs, "a", "first");
	for (size_t more = 0; more < 2600; more += 13) {
		struct fs_file *f = h_file(h_fs, "a", 0);
		ck_assert_int_eq(h_write(f, 0, data, sizeof(data)), 0);
		leave(LIMIT, more);
		int made = h_mkdir(h_fs, "d");
		int written = fs_file_flush(f);
		int renamed = h_rename(h_fs, "a", "b", 0);
		make_room(LIMIT);
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
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, nothing_fits, 0, KINDS);
	tcase_add_loop_test(tc, contents_do_not_fit, 0, KINDS);
	tcase_add_test(tc, release_gives_up_what_does_not_fit);
	tcase_add_test(tc, room_is_promised);
	tcase_add_test(tc, promises_are_given_back);
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
