/*
 * test_foreign.c - a container that is not this process's alone: what was known of it before the lock, and what another
 * program puts at its end, wherever the file is written or cut.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "faulty.h"
#include "runner.h"

/* --- a size that is outdated ---------------------------------------------------------------------------------- */

/* A disk whose fstat tells the size that the file had when the disk was made, until the descriptor is synced. */
static struct stale {
	struct disk_ops ops;
	uint64_t size;
	bool synced, sync_fails;
} stale;

static int stale_fstat(const struct disk_ops *d, int fd, struct stat *ret)
{
	int err = disk_real.fstat(&disk_real, fd, ret);

	(void)d;
	if (!stale.synced)
		ret->st_size = (off_t)stale.size;
	return err;
}

static int stale_fsync(const struct disk_ops *d, int fd)
{
	(void)d;
	stale.synced = true;
	return stale.sync_fails ? -EINVAL : disk_real.fsync(&disk_real, fd);
}

static void stale_begin(void)
{
	stale = (struct stale){.ops = disk_real, .size = file_size("c")};
	stale.ops.fstat = stale_fstat;
	stale.ops.fsync = stale_fsync;
}

static int stale_open(struct reel **ret)
{
	struct reel_engine_options options = {.base.log = keep_log, .disk = &stale.ops};

	return reel_engine_open("c", &options, ret);
}

/* What another machine has written is there for the writer that gets the lock after it, and is not cut off. */
START_TEST(the_size_counts_that_is_asked_after_the_lock)
{
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "first");
	stale_begin();
	must_write(r, "b", "of another machine");
	reel_close(r);
	ck_assert_int_eq(stale_open(&r), 0);
	ck_assert(reads(r, "a", "first") && reads(r, "b", "of another machine"));
	must_write(r, "c", "last");
	ck_assert_int_eq(reel_close(r), 0);
	r = must_open("c", REEL_RDONLY);
	ck_assert(reads(r, "a", "first") && reads(r, "b", "of another machine") && reads(r, "c", "last"));
	reel_close(r);
}
END_TEST

/* A file system that cannot sync is told of, and nothing is written there. */
START_TEST(a_file_that_cannot_be_synced_is_not_opened_for_writing)
{
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "first");
	reel_close(r);
	stale_begin();
	stale.sync_fails = true;
	ck_assert_int_eq(stale_open(&r), -EINVAL);
	ck_assert_ptr_nonnull(strstr(logged, "cannot be synced"));
}
END_TEST

/* --- another writer ------------------------------------------------------------------------------------------- */

static const char theirs[] = "bytes of another program";

static void append_theirs(void)
{
	int fd = open("c", O_WRONLY | O_APPEND | O_CLOEXEC);

	ck_assert_int_eq(write(fd, theirs, sizeof(theirs)), sizeof(theirs));
	close(fd);
}

/* The file still ends with what the other program has put behind `tail`, and it was told of once. */
static void ck_theirs_are_kept(uint64_t tail)
{
	struct file f = file_read("c");
	const char *told = strstr(logged, "another program has written to the container");

	ck_assert_uint_eq(f.len, tail + sizeof(theirs));
	ck_assert_int_eq(memcmp(f.bytes + tail, theirs, sizeof(theirs)), 0);
	ck_assert_ptr_nonnull(told);
	ck_assert_ptr_null(strstr(told + 1, "another program has written to the container"));
	file_free(&f);
}

static struct faulty disk;

static struct reel *begin(void)
{
	faulty_init(&disk);
	struct reel *r = faulty_open(&disk, "c", REEL_CREATE);
	must_write(r, "a", "before");
	/* Within a tick of the clock nothing is looked for, and what comes is appended behind it. */
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	return r;
}

/* Before an append. */
START_TEST(foreign_bytes_are_not_written_over)
{
	struct reel *r = begin();
	uint64_t tail = reel_tail_offset(r);

	append_theirs();
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EIO);
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EROFS);
	ck_assert_int_eq(reel_failed(r), -EIO);
	ck_assert(reads(r, "a", "before"));
	(void)reel_close(r);
	ck_theirs_are_kept(tail);
}
END_TEST

static void ck_saved(const char *name, unsigned n)
{
	struct file f = file_read(name);

	ck_assert_uint_eq(f.len, n * sizeof(theirs));
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(memcmp(f.bytes + i * sizeof(theirs), theirs, sizeof(theirs)), 0);
	file_free(&f);
	ck_assert_int_eq(remove(name), 0);
}

/* When they are seen; at the end only what came since. */
START_TEST(foreign_bytes_are_saved_when_they_are_seen)
{
	struct reel *r = begin();
	char name[64], again[80];

	snprintf(name, sizeof(name), "c.foreign-%llu", (unsigned long long)reel_tail_offset(r));
	snprintf(again, sizeof(again), "%s.1", name);
	append_theirs();
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EIO);
	ck_saved(name, 1);
	(void)reel_close(r);
	ck_assert_int_lt(access(name, F_OK), 0);
	remove("c");

	r = begin();
	append_theirs();
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EIO);
	append_theirs();
	(void)reel_close(r);
	ck_saved(name, 1);
	ck_saved(again, 2);
}
END_TEST

/* However close to an append of our own they come: on the real disk, which has calls that never write over anything. */
START_TEST(bytes_that_come_at_any_moment_are_not_written_over)
{
	for (int i = 0; i < 200; i++) {
		struct reel *r = must_open("c", REEL_CREATE);
		must_write(r, "a", "before");
		append_theirs();
		/* It may be written behind them, unseen, but not over them. */
		(void)reel_write(r, "b", 1, "value", 5);
		(void)reel_close(r);
		struct file f = file_read("c");
		ck_assert_int_eq(memcmp(f.bytes + 26, theirs, sizeof(theirs)), 0);
		file_free(&f);
		ck_assert_int_eq(remove("c"), 0);
	}
}
END_TEST

/* Before the second write of an append: what the first has written stays, too. */
START_TEST(foreign_bytes_within_an_append_are_not_cut_off)
{
	static const uint8_t long_value[1 << 20] = {1};
	struct reel *r = begin();
	uint64_t start = reel_tail_offset(r);
	struct reel_append *a;

	ck_assert_int_eq(reel_append_begin(r, &a), 0);
	ck_assert_int_eq(reel_append_entry_begin(a, 1), 0);
	ck_assert_int_eq(reel_append_data(a, long_value, sizeof(long_value)), 0);
	uint64_t end = file_size("c");
	ck_assert_uint_gt(end, start);
	append_theirs();
	reel_append_abort(a);
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EROFS);
	(void)reel_close(r);
	ck_theirs_are_kept(end);
}
END_TEST

/* When an append fails for want of room, and is undone. */
START_TEST(foreign_bytes_are_not_cut_off_after_a_failed_append)
{
	struct reel *r = begin();
	uint64_t tail = reel_tail_offset(r);
	struct reel_append *a;

	disk.write_error = -ENOSPC;
	disk.room = 0;
	ck_assert_int_eq(reel_append_begin(r, &a), 0);
	ck_assert_int_eq(reel_append_entry_begin(a, 1), 0);
	ck_assert_int_eq(reel_append_data(a, "value", 5), 0);
	ck_assert_int_eq(reel_append_entry_end(a, NULL), 0);
	append_theirs();
	ck_assert_int_lt(reel_append_commit(a), 0);
	(void)reel_close(r);
	ck_theirs_are_kept(tail);
}
END_TEST

/* At a sync, which is told to have stored what is there, and after which nothing is written. */
START_TEST(foreign_bytes_are_found_by_a_sync)
{
	struct reel *r = begin();
	uint64_t tail = reel_tail_offset(r);

	append_theirs();
	ck_assert_int_eq(reel_sync(r), 0);
	ck_assert_int_eq(reel_failed(r), -EIO);
	(void)reel_close(r);
	ck_theirs_are_kept(tail);
}
END_TEST

/* When space that was allocated ahead is given back. */
START_TEST(foreign_bytes_are_not_cut_off_at_the_end)
{
	struct reel *r = begin();
	uint64_t tail = reel_tail_offset(r);

	ck_assert_int_eq(reel_reserve(r, 1 << 20), 0);
	ck_assert_int_eq(reel_sync(r), 0);
	append_theirs();
	(void)reel_close(r);
	ck_theirs_are_kept(tail);
}
END_TEST

/* When a compaction would put another file in place. */
START_TEST(a_container_with_foreign_bytes_is_not_replaced)
{
	struct reel *r = begin();
	uint64_t tail = reel_tail_offset(r);

	append_theirs();
	ck_assert_int_lt(reel_compact(r, NULL), 0);
	(void)reel_close(r);
	ck_theirs_are_kept(tail);
}
END_TEST

/* When a torn append is to be cut off that grew since it was found. */
START_TEST(a_torn_append_that_grows_is_not_cut_off)
{
	struct reel_engine_options options = {.base.log = keep_log, .defer_cut = true};
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "before");
	reel_close(r);
	append_theirs();
	ck_assert_int_eq(reel_engine_open("c", &options, &r), 0);
	append_theirs();
	ck_assert_int_eq(reel_cut_torn(r, NULL), -EIO);
	(void)reel_close(r);
	ck_assert_uint_eq(file_size("c"), 26 + 2 * sizeof(theirs));
}
END_TEST

/* The file's last bytes are others, and as many: a sync does not say that what was written is stored. */
START_TEST(another_last_trailer_is_found)
{
	struct reel *r = begin();
	int fd = open("c", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, "another", 7, (off_t)reel_tail_offset(r) - 7), 7);
	close(fd);
	ck_assert_int_eq(reel_sync(r), -EIO);
	ck_assert_ptr_nonnull(strstr(logged, "another program has written over the container"));
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EROFS);
	(void)reel_close(r);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    the_size_counts_that_is_asked_after_the_lock,
	    a_file_that_cannot_be_synced_is_not_opened_for_writing,
	    foreign_bytes_are_not_written_over,
	    foreign_bytes_are_saved_when_they_are_seen,
	    bytes_that_come_at_any_moment_are_not_written_over,
	    foreign_bytes_within_an_append_are_not_cut_off,
	    foreign_bytes_are_not_cut_off_after_a_failed_append,
	    foreign_bytes_are_found_by_a_sync,
	    foreign_bytes_are_not_cut_off_at_the_end,
	    a_container_with_foreign_bytes_is_not_replaced,
	    a_torn_append_that_grows_is_not_cut_off,
	    another_last_trailer_is_found,
	};
	return run_tests("foreign", tests, sizeof(tests) / sizeof(tests[0]));
}
