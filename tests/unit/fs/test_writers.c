/*
 * test_writers.c - two writers of one container at the same time, neither of which notices the other, as earlier versions
 * did where a lock did not reach: what they leave is told from what one of them would have left.
 */
#include "config.h"

#include "disk.h"
#include "harness.h"

static struct disk_ops blind;

static int no_flock(const struct disk_ops *d, int fd, int operation)
{
	(void)d, (void)fd, (void)operation;
	return 0;
}

static ssize_t no_pread(const struct disk_ops *d, int fd, void *buf, size_t len, uint64_t offset)
{
	(void)d, (void)fd, (void)buf, (void)len, (void)offset;
	return -EIO;
}

/* A disk on which every lock is had, what others append is written over, and nothing can be looked at. */
static void begin(void)
{
	blind = disk_real;
	blind.flock = no_flock;
	blind.pread = no_pread;
	blind.append = NULL;
	blind.size = NULL;
	h_close();
	h_options.disk = &blind;
	h_open();
}

static void find(void *arg, const char *text)
{
	*(bool *)arg |= strstr(text, "two programs have written at the same time") != NULL;
}

/*
 * Each wrote its transactions in the same places, and what is left of them makes a whole chain: their writers' numbers
 * show that it is of two.
 */
START_TEST(transactions_of_two_writers_are_told)
{
	struct fs *other, *fs;
	bool found = false;

	begin();
	ck_assert_int_eq(fs_open(h_path, &h_options, &other), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "a1"), 0);
	ck_assert_int_eq(h_mkdir(other, "b1"), 0);
	ck_assert_int_eq(h_mkdir(h_fs, "a2"), 0);
	h_copy(h_path, h_beside("both"));
	ck_assert_int_eq(h_try(h_beside("both"), true, &fs), 0);
	ck_assert(h_exists(fs, "b1") && h_exists(fs, "a2") && !h_exists(fs, "a1"));
	ck_assert_ptr_nonnull(strstr(h_messages(), "two programs have written to the container at the same time"));
	ck_assert_int_eq(fs_check(fs, find, &found), 1);
	ck_assert(found);
	fs_close(fs);
	fs_close(other);
	h_options.disk = NULL;
	h_copy(h_beside("both"), h_path);
}
END_TEST

/* Writers that follow one another are not. */
START_TEST(writers_one_after_another_are_not_told)
{
	struct fs *fs;
	bool found = false;

	for (int i = 0; i < 4; i++) {
		char name[8];
		snprintf(name, sizeof(name), "d%d", i);
		ck_assert_int_eq(h_mkdir(h_fs, name), 0);
		if (i % 2 == 0)
			h_again();
		else
			h_crash();
	}
	h_copy(h_path, h_beside("copy"));
	ck_assert_int_eq(h_try(h_beside("copy"), true, &fs), 0);
	ck_assert_ptr_null(strstr(h_messages(), "two programs"));
	ck_assert_int_eq(fs_check(fs, find, &found), 0);
	fs_close(fs);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("writers");
	TCase *tc = tcase_create("writers");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_add_test(tc, transactions_of_two_writers_are_told);
	tcase_add_test(tc, writers_one_after_another_are_not_told);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
