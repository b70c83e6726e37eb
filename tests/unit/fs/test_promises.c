/*
 * test_promises.c - a disk that becomes full while data is taken in: what was taken in has its room, and what was refused after
 * the kernel had taken it in never becomes zeros (src/fs/room.c, refused.c).
 */
#include "config.h"

#include "no_room.h"
#include "syncer.h"

/* What was taken in has its room: neither another program nor another file takes it, and nothing else is refused for it. */
START_TEST(room_is_promised)
{
	static uint8_t data[700000];
	struct fs_file *f, *g;
	size_t taken = 0;
	int r = 0;
	if (!no_room_begin(DISK))
		return;
	h_fill(data, sizeof(data), 1);
	f = h_file(h_fs, "f", 0);
	g = h_file(h_fs, "g", 0);
	for (size_t at = 0; at < 400000; at += 40000)
		ck_assert_int_eq(h_write(f, at, data + at, 40000), 0);
	no_room_leave(DISK, 0);
	for (; r == 0 && taken < 680000; taken += r == 0 ? 40000 : 0)
		r = h_write(g, taken, data + taken, 40000);
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_int_eq(no_room_fill_up(), -ENOSPC);
	h_expect(h_fs, "g", data, taken);
	ck_assert_int_eq(h_end(g), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_again();
	h_expect(h_fs, "f", data, 400000);
	h_expect(h_fs, "g", data, taken);
	h_check(h_fs);
}
END_TEST

/* What was allocated for a file that was removed before it was stored is given back while the container stays open. */
START_TEST(the_disk_gets_it_back)
{
	static uint8_t data[1 << 20];
	struct stat st;
	struct fs_file *f = h_file(h_fs, "f", 0);
	for (uint64_t at = 0; at < 40 * MIB; at += MIB)
		ck_assert_int_eq(h_write(f, at, data, MIB), 0);
	ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	ck_assert_int_eq(stat(h_path, &st), 0);
	ck_assert_uint_lt((uint64_t)st.st_blocks * 512, (uint64_t)st.st_size + 8 * MIB);
	h_puts(h_fs, "g", "more");
	h_again();
	h_expects(h_fs, "g", "more");
}
END_TEST

static unsigned stale_calls;

static void stale(void *arg, uint64_t ino, unsigned what)
{
	(void)arg;
	(void)ino;
	if (what == (FS_STALE_ATTR | FS_STALE_CONTENTS))
		stale_calls++;
}

/* A file of `*stored` bytes that the kernel has cached more of, which were refused; there is room again. NULL: no small disk.
 */
static struct fs_file *refused_file(const uint8_t *data, size_t *stored)
{
	h_options.stale = stale;
	stale_calls = 0;
	if (!no_room_begin(DISK))
		return NULL;
	struct fs_file *f = h_file(h_fs, "f", 0);
	/* As the kernel does, which knows the inode as long as it has it cached. */
	ck_assert_int_eq(fs_ref(h_fs, h_ino(h_fs, "f"), &(struct fs_attr){0}), 0);
	no_room_leave(DISK, 900000);
	*stored = 0;
	while (h_write_back(f, *stored, data + *stored, 40000) == 0)
		*stored += 40000;
	ck_assert_uint_gt(*stored, 2000);
	ck_assert_uint_eq(stale_calls, 0);
	ck_assert_int_eq(fs_file_refused(f), -ENOSPC);
	no_room_end(DISK);
	return f;
}

/*
 * What the kernel was refused it drops. What it writes back behind that is refused, too, until the gap was written: a file
 * never gets zeros, and a size, in the place of what could not be stored.
 */
START_TEST(refused_bytes_never_become_zeros)
{
	uint8_t *data = h_random(2000000, 1);
	size_t n;
	struct fs_file *f = refused_file(data, &n);
	if (!f)
		return;
	ck_assert_int_eq(h_write_back(f, n + 40000, data + n + 40000, 40000), -ENOSPC);
	ck_assert_int_eq(h_write(f, n + 60000, data, 10), -ENOSPC);
	ck_assert_int_eq(fs_file_allocate(f, 0, n + 50000, 10, false), -ENOSPC);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), n + 10), -ENOSPC);
	ck_assert_int_eq(fs_file_refused(f), -ENOSPC);
	h_expect(h_fs, "f", data, n);
	if (_i == 0) {
		/* Closed and opened again, as long as the kernel may take the file for longer. */
		ck_assert_int_eq(h_end(f), 0);
		ck_assert_uint_eq(stale_calls, 1);
		f = h_file(h_fs, "f", 0);
		ck_assert_int_eq(h_write_back(f, n + 40000, data, 40000), -ENOSPC);
	} else if (_i == 1) {
		ck_assert_int_eq(h_write_back(f, n, data + n, 80000), 0);
		ck_assert_int_eq(fs_file_refused(f), 0);
		ck_assert_int_eq(h_write_back(f, n + 80000, data + n + 80000, 40000), 0);
		n += 120000;
	} else if (_i == 2) {
		n = 1000;
		ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), n), 0);
		ck_assert_int_eq(fs_file_refused(f), 0);
		ck_assert_int_eq(h_write(f, 2000, data, 10), 0);
		memset(data + 1000, 0, 1000);
		memcpy(data + 2000, data, 10);
		n = 2010;
	}
	ck_assert_int_eq(h_end(f), 0);
	fs_forget(h_fs, h_ino(h_fs, "f"), 1);
	h_expect(h_fs, "f", data, n);
	h_again();
	h_expect(h_fs, "f", data, n);
	f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, n, "more", 4), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_check(h_fs);
	free(data);
}
END_TEST

/* Requests overtake each other: what was stored behind refused bytes goes with them; holes that were asked for stay. */
START_TEST(overtaken_bytes_never_become_zeros)
{
	uint8_t *data = h_random(3000000, 1);
	struct fs_attr attr;
	uint64_t n = 0;
	int r = 0;
	if (!no_room_begin(DISK))
		return;
	struct fs_file *f = h_file(h_fs, "f", 0);
	if (_i)
		ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 3000000), 0);
	for (; r == 0 && n < 3000000; n += 60000) {
		r = h_write_back(f, n + 20000, data + n + 20000, 40000);
		if (r == 0)
			r = h_write_back(f, n, data + n, 20000);
	}
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_int_eq(h_stat(h_fs, "f", &attr), 0);
	if (_i == 0) {
		ck_assert_uint_eq(attr.size, n - 60000);
		h_expect(h_fs, "f", data, n - 60000);
	} else {
		ck_assert_uint_eq(attr.size, 3000000);
	}
	free(data);
}
END_TEST

/* In the middle of a file the old bytes stay where new ones were refused. */
START_TEST(refused_changes_leave_the_old_bytes)
{
	uint8_t *data = h_random(600000, 1), *other = h_random(600000, 2);
	size_t done = 0;
	h_options.stale = stale;
	stale_calls = 0;
	if (!no_room_begin(DISK))
		return;
	h_put(h_fs, "f", data, 600000);
	struct fs_file *f = h_file(h_fs, "f", 0);
	no_room_leave(DISK, 0);
	while (done < 600000 && h_write_back(f, done, other + done, 40000) == 0)
		done += 40000;
	ck_assert_uint_lt(done, 600000);
	memcpy(data, other, done);
	h_expect(h_fs, "f", data, 600000);
	no_room_end(DISK);
	ck_assert_int_eq(h_write_back(f, done + 80000, other + done + 80000, 100), 0);
	memcpy(data + done + 80000, other + done + 80000, 100);
	ck_assert_int_eq(fs_file_refused(f), 0);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_eq(stale_calls, 1);
	h_expect(h_fs, "f", data, 600000);
	free(data);
	free(other);
}
END_TEST

/* A promise is given back when what it was for is cut, punched, or closed without a name, and to others at once. */
START_TEST(promises_are_given_back)
{
	static uint8_t data[900000];
	struct fs_file *f;
	if (!no_room_begin(DISK))
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

static Suite *make_suite(void)
{
	Suite *suite = suite_create("promises");
	TCase *tc = tcase_create("promises");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, no_room_set_up, no_room_tear_down);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, room_is_promised);
	tcase_add_test(tc, promises_are_given_back);
	tcase_add_test(tc, the_disk_gets_it_back);
	tcase_add_loop_test(tc, refused_bytes_never_become_zeros, 0, 4);
	tcase_add_loop_test(tc, overtaken_bytes_never_become_zeros, 0, 2);
	tcase_add_test(tc, refused_changes_leave_the_old_bytes);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
