/*
 * test_stale.c - what the mount is told of when the kernel has cached of an inode what is no longer so, and what attributes
 * say meanwhile. Room is taken away by a limit on the file's size.
 */
#include "config.h"

#include "harness.h"

#include <signal.h>
#include <sys/resource.h>

static struct {
	uint64_t ino;
	unsigned what, times;
} told;

static uint8_t data[2 * MIB];

static void on_stale(void *arg, uint64_t ino, unsigned what)
{
	ck_assert_ptr_eq(arg, &told);
	told.ino = ino;
	told.what = what;
	told.times++;
}

/* Uses none of Check's assertions: they write to a file that the limit is for as well. */
static void limit(rlim_t size)
{
	struct rlimit l = {size, RLIM_INFINITY};
	if (setrlimit(RLIMIT_FSIZE, &l) < 0)
		abort();
}

static void set_up(void)
{
	h_setup();
	signal(SIGXFSZ, SIG_IGN);
	h_close();
	h_options.stale = on_stale;
	h_options.cache_arg = &told;
	h_open();
	memset(&told, 0, sizeof(told));
	/* The container is longer than Check's file ever is. */
	h_fill(data, sizeof(data), 1);
	h_put(h_fs, "large", data, sizeof(data));
}

static void tear_down(void)
{
	limit(RLIM_INFINITY);
	h_teardown();
}

static struct fs_attr attributes(const char *name)
{
	struct fs_attr attr;
	ck_assert_int_eq(fs_getattr(h_fs, h_ino(h_fs, name), &attr), 0);
	return attr;
}

/* A file that was written to and does not fit any more. */
static struct fs_file *written(const char *name)
{
	struct fs_file *f = h_file(h_fs, name, 0);
	ck_assert_int_eq(h_write(f, 0, data, sizeof(data)), 0);
	ck_assert(!attributes(name).failing);
	limit(h_size(h_path) + 100000);
	ck_assert_int_eq(fs_file_flush(f), -EFBIG);
	ck_assert(attributes(name).failing);
	return f;
}

/* What is given up is told of once, when the last writer goes. */
START_TEST(giving_up)
{
	h_puts(h_fs, "f", "as it was");
	struct fs_file *other = h_file(h_fs, "f", 0), *f = written("f");
	fs_file_release(f);
	ck_assert_uint_eq(told.times, 0);
	ck_assert(attributes("f").failing);
	fs_file_release(other);
	ck_assert_uint_eq(told.times, 1);
	ck_assert_uint_eq(told.ino, h_ino(h_fs, "f"));
	ck_assert_uint_eq(told.what, FS_STALE_ATTR | FS_STALE_CONTENTS);
	ck_assert(!attributes("f").failing);
	fs_settle(h_fs, told.ino);
	h_expects(h_fs, "f", "as it was");
}
END_TEST

/* A commit that works later leaves nothing to tell. */
START_TEST(room_later)
{
	struct fs_file *f = written("f");
	limit(RLIM_INFINITY);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_eq(told.times, 0);
	ck_assert(!attributes("f").failing);
	h_expect(h_fs, "f", data, sizeof(data));
}
END_TEST

/* Pages that the kernel wrote back and that could not be taken are told of, though what was taken is committed. */
START_TEST(missing_pages)
{
	const struct iovec page = {data, 4096};
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 0, data, 1000), 0);
	ck_assert_int_eq(fs_file_write(f, INT64_MAX - 10, &page, 1, FS_WRITE_CACHED), -EFBIG);
	ck_assert(attributes("f").failing);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_eq(told.times, 1);
	ck_assert_uint_eq(told.what, FS_STALE_ATTR | FS_STALE_CONTENTS);
	h_expect(h_fs, "f", data, 1000);
}
END_TEST

/* Of what a writer sends itself it hears itself. */
START_TEST(refused_write)
{
	const struct iovec page = {data, 4096};
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(fs_file_write(f, INT64_MAX - 10, &page, 1, 0), -EFBIG);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_eq(told.times, 0);
}
END_TEST

/* Attributes that were asked for after the last flush, while a writer was left, are told of when it goes. */
START_TEST(attributes_of_writers)
{
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 0, "one", 3), 0);
	ck_assert(attributes("f").writers);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_eq(told.times, 0);
	ck_assert(!attributes("f").writers);
	f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert(attributes("f").writers);
	fs_file_release(f);
	ck_assert_uint_eq(told.times, 1);
	ck_assert_uint_eq(told.what, FS_STALE_ATTR);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stale");
	TCase *tc = tcase_create("stale");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, giving_up);
	tcase_add_test(tc, room_later);
	tcase_add_test(tc, missing_pages);
	tcase_add_test(tc, refused_write);
	tcase_add_test(tc, attributes_of_writers);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
