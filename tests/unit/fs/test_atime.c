/*
 * test_atime.c - access times: when a read changes them, and when that reaches the container.
 */
#include "config.h"

#include "atime_pack.h"
#include "harness.h"

#define DAY 86400

static void setup(void)
{
	h_setup();
	h_close();
	h_options.atime = FS_ATIME_RELATIVE;
	h_open();
}

static struct fs_attr stat_of(const char *path)
{
	struct fs_attr attr;
	ck_assert_int_eq(h_stat(h_fs, path, &attr), 0);
	return attr;
}

/* The three times, in seconds before now. */
static void set_ages(const char *path, int64_t atime, int64_t mtime, int64_t ctime)
{
	time_t now = time(NULL);
	struct fs_setattr set = {
	    .set = FS_SET_ATIME | FS_SET_MTIME | FS_SET_CTIME,
	    .atime.tv_sec = now - atime,
	    .mtime.tv_sec = now - mtime,
	    .ctime.tv_sec = now - ctime,
	};
	struct fs_attr attr;
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, path), &set, &attr), 0);
}

static void read_file(const char *path)
{
	struct fs_file *f;
	ck_assert_int_eq(fs_file_open(h_fs, h_ino(h_fs, path), O_RDONLY, &f), 0);
	fs_file_accessed(f);
	fs_file_release(f);
}

static void read_dir(const char *path)
{
	struct fs_dir *dir;
	ck_assert_int_eq(fs_dir_open(h_fs, h_ino(h_fs, path), &dir), 0);
	fs_dir_accessed(dir);
	fs_dir_close(dir);
}

static void read_link(const char *path)
{
	char target[FS_SYMLINK_MAX + 1];
	ck_assert_int_eq(fs_readlink(h_fs, h_ino(h_fs, path), target), 0);
}

/* Whether reading changes the atime of the file at these ages. */
static bool changes(const char *path, void (*reading)(const char *), int64_t atime, int64_t mtime, int64_t ctime)
{
	set_ages(path, atime, mtime, ctime);
	struct fs_attr before = stat_of(path);
	reading(path);
	struct fs_attr after = stat_of(path);
	ck_assert_int_eq(after.mtime.tv_sec, before.mtime.tv_sec);
	ck_assert_int_eq(after.ctime.tv_sec, before.ctime.tv_sec);
	if (after.atime.tv_sec == before.atime.tv_sec)
		return false;
	ck_assert_int_le(llabs(after.atime.tv_sec - time(NULL)), 5);
	return true;
}

static const struct {
	const char *path;
	void (*reading)(const char *path);
} kinds[] = {{"f", read_file}, {"d", read_dir}, {"l", read_link}};

static void make_kinds(void)
{
	h_puts(h_fs, "f", "contents");
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	ck_assert_int_eq(h_symlink(h_fs, "target", "l"), 0);
}

/* relatime: a read sets an atime that is not after both other times, or is a day old, and no other. */
START_TEST(relative)
{
	make_kinds();
	for (int k = 0; k < 3; k++) {
		const char *path = kinds[k].path;
		void (*reading)(const char *) = kinds[k].reading;
		ck_assert(!changes(path, reading, 100, 200, 300));
		ck_assert(changes(path, reading, 200, 100, 300));
		ck_assert(changes(path, reading, 200, 300, 100));
		ck_assert(changes(path, reading, 200, 200, 300));
		ck_assert(changes(path, reading, 200, 300, 200));
		ck_assert(changes(path, reading, DAY + 10, 2 * DAY, 2 * DAY));
		ck_assert(!changes(path, reading, DAY - 100, 2 * DAY, 2 * DAY));
		ck_assert(!changes(path, reading, -1000, 2 * DAY, 2 * DAY));
	}
}
END_TEST

/* strictatime: each read sets it. */
START_TEST(strict)
{
	h_close();
	h_options.atime = FS_ATIME_STRICT;
	h_open();
	make_kinds();
	for (int k = 0; k < 3; k++)
		ck_assert(changes(kinds[k].path, kinds[k].reading, 100, 200, 300));
}
END_TEST

/* noatime: none does; nor where the container is opened only to read. */
START_TEST(never)
{
	make_kinds();
	for (int k = 0; k < 3; k++)
		set_ages(kinds[k].path, 300, 200, 100);
	for (int way = 0; way < 2; way++) {
		h_close();
		h_options.atime = way == 0 ? FS_ATIME_NEVER : FS_ATIME_RELATIVE;
		ck_assert_int_eq(h_try(h_path, way == 1, &h_fs), 0);
		for (int k = 0; k < 3; k++) {
			struct fs_attr before = stat_of(kinds[k].path);
			kinds[k].reading(kinds[k].path);
			ck_assert_int_eq(stat_of(kinds[k].path).atime.tv_sec, before.atime.tv_sec);
		}
	}
}
END_TEST

/* nodiratime: reads of directories alone do not. */
START_TEST(not_of_directories)
{
	h_close();
	h_options.no_dir_atime = true;
	h_open();
	make_kinds();
	ck_assert(changes("f", read_file, 300, 200, 100));
	ck_assert(!changes("d", read_dir, 300, 200, 100));
	ck_assert(changes("l", read_link, 300, 200, 100));
}
END_TEST

/* Reading writes nothing into the container; a crash then takes back the atime and nothing else. */
START_TEST(reading_writes_nothing)
{
	make_kinds();
	for (int k = 0; k < 3; k++)
		set_ages(kinds[k].path, 300, 200, 100);
	struct fs_attr before = stat_of("f");
	size_t size = h_size(h_path);
	for (int i = 0; i < 100; i++)
		for (int k = 0; k < 3; k++)
			kinds[k].reading(kinds[k].path);
	ck_assert_uint_eq(h_size(h_path), size);
	ck_assert_int_gt(stat_of("f").atime.tv_sec, before.atime.tv_sec);
	char *tree = h_tree(h_fs);
	h_crash();
	char *after = h_tree(h_fs);
	h_same(after, tree, "after a crash");
	ck_assert_int_eq(stat_of("f").atime.tv_sec, before.atime.tv_sec);
	free(tree);
	free(after);
}
END_TEST

static void by_sync(void)
{
	ck_assert_int_eq(fs_sync(h_fs), 0);
}

static void by_fsync(void)
{
	struct fs_file *f = h_file(h_fs, "f", O_RDONLY);
	ck_assert_int_eq(fs_file_fsync(f, false), 0);
	ck_assert_int_eq(h_end(f), 0);
}

static void by_fsync_of_a_directory(void)
{
	struct fs_dir *dir;
	ck_assert_int_eq(fs_dir_open(h_fs, h_ino(h_fs, "d"), &dir), 0);
	ck_assert_int_eq(fs_dir_fsync(dir), 0);
	fs_dir_close(dir);
}

static void by_closing(void)
{
	h_again();
}

static void (*const ways[])(void) = {by_sync, by_fsync, by_fsync_of_a_directory, by_closing};

/* fs_sync(), an fsync of one of them and closing write all atimes that changed; a crash after that takes none back. */
START_TEST(written_at_a_sync)
{
	struct fs_attr is[3];
	make_kinds();
	for (int k = 0; k < 3; k++)
		set_ages(kinds[k].path, 300, 200, 100);
	for (int k = 0; k < 3; k++) {
		kinds[k].reading(kinds[k].path);
		is[k] = stat_of(kinds[k].path);
		ck_assert_int_le(llabs(is[k].atime.tv_sec - time(NULL)), 5);
	}
	ways[_i]();
	h_crash();
	for (int k = 0; k < 3; k++) {
		struct fs_attr after = stat_of(kinds[k].path);
		ck_assert_int_eq(after.atime.tv_sec, is[k].atime.tv_sec);
		ck_assert_int_eq(after.atime.tv_nsec, is[k].atime.tv_nsec);
	}
	size_t size = h_size(h_path);
	ways[0]();
	ck_assert_uint_eq(h_size(h_path), size);
}
END_TEST

/* An atime that changed goes along with the next change of the inode, and is not written again. */
START_TEST(goes_along_with_a_change)
{
	make_kinds();
	set_ages("f", 300, 200, 100);
	read_file("f");
	struct fs_attr is = stat_of("f"), attr;
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = 0600};
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &set, &attr), 0);
	size_t size = h_size(h_path);
	ck_assert_int_eq(fs_sync(h_fs), 0);
	ck_assert_uint_eq(h_size(h_path), size);
	h_crash();
	ck_assert_int_eq(stat_of("f").atime.tv_sec, is.atime.tv_sec);
}
END_TEST

/* One that is set by hand stays as it is set, whatever was read before. */
START_TEST(set_after_a_read)
{
	make_kinds();
	set_ages("f", 300, 200, 100);
	read_file("f");
	struct fs_setattr set = {.set = FS_SET_ATIME, .atime = {-5, 7}};
	struct fs_attr attr;
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &set, &attr), 0);
	h_again();
	ck_assert_int_eq(stat_of("f").atime.tv_sec, -5);
	ck_assert_int_eq(stat_of("f").atime.tv_nsec, 7);
}
END_TEST

/* Of a file that is being written, the atime of a read is seen at once and committed with the data. */
START_TEST(of_a_file_being_written)
{
	make_kinds();
	set_ages("f", 300, 200, 100);
	struct fs_file *f = h_file(h_fs, "f", O_RDWR);
	ck_assert_int_eq(h_write(f, 0, "new", 3), 0);
	fs_file_accessed(f);
	struct fs_attr is = stat_of("f");
	ck_assert_int_le(llabs(is.atime.tv_sec - time(NULL)), 5);
	ck_assert_int_eq(h_end(f), 0);
	h_crash();
	ck_assert_int_eq(stat_of("f").atime.tv_sec, is.atime.tv_sec);
	ck_assert_int_eq(stat_of("f").atime.tv_nsec, is.atime.tv_nsec);
}
END_TEST

/* What was read and then removed is written nowhere. */
START_TEST(of_a_removed_file)
{
	make_kinds();
	set_ages("f", 300, 200, 100);
	read_file("f");
	ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
	size_t size = h_size(h_path);
	ck_assert_int_eq(fs_sync(h_fs), 0);
	ck_assert_uint_eq(h_size(h_path), size);
}
END_TEST

/* A backup that reads thousands of files costs a few bytes for each, in one transaction. */
START_TEST(many_cost_little)
{
	enum { FILES = 5000 };
	struct fs_info before, after;
	char name[32];
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		h_puts(h_fs, name, "");
		set_ages(name, 300, 200, 100);
	}
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		read_file(name);
	}
	size_t size = h_size(h_path);
	ck_assert_int_eq(fs_info(h_fs, &before), 0);
	ck_assert_int_eq(fs_sync(h_fs), 0);
	ck_assert_int_eq(fs_info(h_fs, &after), 0);
	ck_assert_uint_eq(after.sequence, before.sequence + 1);
	ck_assert_uint_lt(h_size(h_path) - size, 8 * FILES);
	struct fs_attr first = stat_of("f0"), last = stat_of("f4999");
	h_crash();
	ck_assert_int_eq(stat_of("f0").atime.tv_sec, first.atime.tv_sec);
	ck_assert_int_eq(stat_of("f4999").atime.tv_sec, last.atime.tv_sec);
	ck_assert_int_eq(stat_of("f4999").atime.tv_nsec, last.atime.tv_nsec);
}
END_TEST

/* touch(1): the kernel says what it has set mtime and ctime to, and of atime just that it is now: the same time. */
START_TEST(now_is_the_kernels)
{
	struct fs_setattr set = {.set = FS_SET_ATIME_NOW | FS_SET_MTIME | FS_SET_CTIME};
	struct fs_attr attr;
	set.mtime = set.ctime = (struct timespec){time(NULL) - 1, 123};
	h_puts(h_fs, "f", "");
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "f"), &set, &attr), 0);
	ck_assert(attr.atime.tv_sec == set.mtime.tv_sec && attr.atime.tv_nsec == 123);
}
END_TEST

/* --- the packed form ------------------------------------------------------------------------------------------ */

/* Any times come back as they were, however far apart. */
START_TEST(packed_times_come_back)
{
	static const struct timespec time[] = {{0, 0},
					       {0, 999999999},
					       {1, 0},
					       {0, 1},
					       {-1, 999999999},
					       {-3000000000, 5},
					       {3000000000, 999999999},
					       {INT64_MAX, 999999999},
					       {INT64_MIN, 0},
					       {1795246620, 518924357}};
	enum { TIMES = sizeof(time) / sizeof(time[0]), ROUNDS = 1000 };
	struct body body = {0};
	struct atime_pack pack = {.body = &body};
	struct record rec;
	uint64_t ino = 0;
	size_t at = 0;
	int n = 0;
	for (int i = 0; i < TIMES * ROUNDS; i++)
		atime_pack_add(&pack, ino += 1 + (uint64_t)i * i, &time[i % TIMES]);
	atime_pack_end(&pack);
	ck_assert_int_eq(body.error, 0);
	ino = 0;
	while (record_next(body.bytes, body.len, &at, &rec) == 1) {
		struct atime_unpack u;
		ck_assert_int_eq(atime_unpack_begin(&u, rec.fixed, rec.rest, rec.rest_len), 0);
		while (atime_unpack_next(&u) == 1) {
			ck_assert_uint_eq(u.ino, ino += 1 + (uint64_t)n * n);
			ck_assert_int_eq(u.time.tv_sec, time[n % TIMES].tv_sec);
			ck_assert_int_eq(u.time.tv_nsec, time[n % TIMES].tv_nsec);
			n++;
		}
		ck_assert_ptr_eq(u.at, u.end);
	}
	ck_assert_int_eq(n, TIMES * ROUNDS);
	body_free(&body);
}
END_TEST

/* Bytes that are no list are refused: numbers cut short or too long, no step, sums out of range, no time. */
START_TEST(unsound_lists_are_refused)
{
	static const struct {
		struct fs_time time;
		size_t len;
		uint8_t bytes[24];
	} list[] = {
	    {{0, 1000000000, 0}, 2, {1, 0}},
	    {{0}, 1, {1}},
	    {{0}, 1, {128}},
	    {{0}, 2, {1, 128}},
	    {{0}, 2, {0, 0}},
	    {{0}, 4, {1, 0, 0, 0}},
	    {{0}, 11, {255, 255, 255, 255, 255, 255, 255, 255, 255, 2, 0}},
	    {{0}, 12, {128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1, 0}},
	    {{0}, 13, {255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 1, 0}},
	    {{INT64_MAX, 999999999, 0}, 2, {1, 2}},
	    {{INT64_MIN, 0, 0}, 2, {1, 1}},
	};
	struct fs_record_atimes first = {list[_i].time};
	struct atime_unpack u;
	int r = atime_unpack_begin(&u, &first, list[_i].bytes, list[_i].len);
	if (r == 0)
		while ((r = atime_unpack_next(&u)) == 1)
			;
	ck_assert_int_eq(r, -EBADMSG);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("atime");
	TCase *tc = tcase_create("atime"), *pack = tcase_create("packed");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, h_teardown_same);
	tcase_add_test(tc, relative);
	tcase_add_test(tc, strict);
	tcase_add_test(tc, never);
	tcase_add_test(tc, not_of_directories);
	tcase_add_test(tc, reading_writes_nothing);
	tcase_add_loop_test(tc, written_at_a_sync, 0, 4);
	tcase_add_test(tc, goes_along_with_a_change);
	tcase_add_test(tc, set_after_a_read);
	tcase_add_test(tc, of_a_file_being_written);
	tcase_add_test(tc, of_a_removed_file);
	tcase_add_test(tc, many_cost_little);
	tcase_add_test(tc, now_is_the_kernels);
	suite_add_tcase(suite, pack);
	tcase_add_test(pack, packed_times_come_back);
	tcase_add_loop_test(pack, unsound_lists_are_refused, 0, 11);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
