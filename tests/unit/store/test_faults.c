/*
 * test_faults.c - what the store does when the disk fails, is full, or the process is killed in the
 * middle of an append.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faulty.h"
#include "runner.h"

static struct faulty disk;

/* A container with one key on the faulty disk. */
static struct reel *begin(void)
{
	logged[0] = 0;
	faulty_init(&disk);
	struct reel *r = faulty_open(&disk, "c", REEL_CREATE);
	must_write(r, "a", "before");
	return r;
}

/* An append that fits the buffer is one write; so is a value of any size, without being copied. */
START_TEST(an_append_is_one_write)
{
	static uint8_t big[3 << 20];
	struct reel *r = begin();
	struct reel_append *a;

	memset(big, 1, sizeof(big));
	disk.writes = 0;
	must_write(r, "b", "value");
	ck_assert_uint_eq(disk.writes, 1);
	ck_assert_int_eq(reel_write_hash(r, 1, big, sizeof(big)), 0);
	ck_assert_uint_eq(disk.writes, 2);
	ck_assert_int_eq(reel_append_begin(r, &a), 0);
	for (uint64_t i = 0; i < 100; i++) {
		ck_assert_int_eq(reel_append_entry_begin(a, i), 0);
		ck_assert_int_eq(reel_append_data(a, big, 1000), 0);
		ck_assert_int_eq(reel_append_entry_end(a, NULL), 0);
	}
	ck_assert_int_eq(reel_append_commit(a), 0);
	ck_assert_uint_eq(disk.writes, 3);
	reel_close(r);
}
END_TEST

/* Short and interrupted writes are gone on with, and the file has the same bytes as without. */
START_TEST(short_and_interrupted_writes_are_continued)
{
	struct reel_batch_item items[] = {{1, "first value", 11}, {2, "second", 6}, {1, NULL, 0}};
	struct reel *r = begin();

	ck_assert_int_eq(reel_write_batch(r, items, 3), 0);
	reel_close(r);
	struct file want = file_read("c");
	ck_assert_int_eq(remove("c"), 0);
	faulty_init(&disk);
	disk.piece = 3;
	r = faulty_open(&disk, "c", REEL_CREATE);
	must_write(r, "a", "before");
	ck_assert_int_eq(reel_write_batch(r, items, 3), 0);
	reel_close(r);
	ck_assert(file_is("c", want.bytes, want.len));
	file_free(&want);
}
END_TEST

/* A full disk: the error of the write, nothing changed, and writing goes on when there is room again. */
START_TEST(full_disk_changes_nothing)
{
	static const int errors[] = {-ENOSPC, -EDQUOT, -EFBIG};

	for (int i = 0; i < 3; i++) {
		struct reel *r = begin();
		struct file before = file_read("c");
		disk.write_error = errors[i];
		for (uint64_t room = 0; room < 60; room += 7) {
			disk.room = room;
			ck_assert_int_eq(reel_write(r, "b", 1, "a value of some length", 22), errors[i]);
			ck_assert(file_is("c", before.bytes, before.len));
		}
		disk.room = UINT64_MAX;
		ck_assert_int_eq(reel_failed(r), 0);
		ck_assert_ptr_nonnull(strstr(logged, "no room to append"));
		must_write(r, "b", "after");
		ck_assert(reads(r, "a", "before") && reads(r, "b", "after"));
		ck_assert_int_eq(reel_close(r), 0);
		r = must_open("c", 0);
		ck_assert(reads(r, "b", "after"));
		reel_close(r);
		file_free(&before);
		ck_assert_int_eq(remove("c"), 0);
	}
}
END_TEST

/* After any other write error nothing more is written, and what was committed is read on. */
START_TEST(write_error_ends_writing)
{
	struct reel *r = begin();

	disk.room = 10;
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EIO);
	disk.room = UINT64_MAX;
	ck_assert_int_eq(reel_failed(r), -EIO);
	ck_assert_ptr_nonnull(strstr(logged, "nothing more will be written"));
	unsigned writes = disk.writes;
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EROFS);
	ck_assert_int_eq(reel_delete(r, "a", 1), -EROFS);
	ck_assert_int_eq(reel_reserve(r, 1), -EROFS);
	ck_assert_uint_eq(disk.writes, writes);
	ck_assert(reads(r, "a", "before") && reads(r, "b", NULL));
	reel_close(r);
	ck_assert_uint_eq(file_size("c"), 26);
}
END_TEST

/* A full disk whose leftovers cannot be cut off is a failure for good. */
START_TEST(full_disk_that_cannot_be_cut_ends_writing)
{
	struct reel *r = begin();

	disk.room = 10;
	disk.write_error = -ENOSPC;
	disk.truncate_error = -EIO;
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -ENOSPC);
	disk.room = UINT64_MAX;
	ck_assert_int_eq(reel_failed(r), -EIO);
	ck_assert_int_eq(reel_write(r, "b", 1, "value", 5), -EROFS);
	ck_assert(reads(r, "a", "before"));
	reel_close(r);
	r = must_open("c", 0);
	ck_assert(reads(r, "a", "before"));
	ck_assert_uint_eq(file_size("c"), 26);
	reel_close(r);
}
END_TEST

/* A failed sync is told to its caller, and is the last: writing and syncing end. */
START_TEST(failed_sync_ends_writing)
{
	struct reel *r = begin();

	ck_assert_int_eq(reel_sync(r), 0);
	uint64_t durable = reel_durable_tail(r);
	ck_assert_uint_eq(durable, reel_tail_offset(r));
	must_write(r, "b", "value");
	disk.sync_error = -EIO;
	ck_assert_int_eq(reel_sync(r), -EIO);
	disk.sync_error = 0;
	ck_assert_int_eq(reel_sync(r), -EIO);
	ck_assert_uint_eq(reel_durable_tail(r), durable);
	ck_assert_int_eq(reel_write(r, "c", 1, "value", 5), -EROFS);
	ck_assert(reads(r, "b", "value"));
	ck_assert_int_eq(reel_close(r), -EIO);
}
END_TEST

/* A sync when there is nothing new does nothing. */
START_TEST(nothing_new_is_not_synced)
{
	struct reel *r = begin();

	ck_assert_int_eq(reel_sync(r), 0);
	unsigned syncs = disk.syncs;
	ck_assert_int_eq(reel_sync(r), 0);
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert_uint_eq(disk.syncs, syncs);
}
END_TEST

/* Writes of `bytes` bytes reach the disk, then none: the process was killed. The container as it was is left open. */
static void kill_batch_after(uint64_t bytes, const struct reel_batch_item *items, size_t n)
{
	struct reel *r = begin();

	disk.room = bytes;
	disk.dead = true;
	(void)reel_write_batch(r, items, n);
	disk.truncate_error = -EIO;
	reel_close(r);
}

/* Killed after any number of bytes, a batch is there as a whole or not at all, and the container opens for writing. */
START_TEST(killed_batch_is_all_or_nothing)
{
	static const char long_value[5000] = "a value of more than one page";
	uint64_t b = reel_hash("b", 1), c = reel_hash("c", 1), a = reel_hash("a", 1);
	struct reel_batch_item items[] = {{b, "1", 1}, {a, NULL, 0}, {c, long_value, sizeof(long_value)}, {b, "2", 1}};
	uint64_t whole = 0;

	for (uint64_t bytes = 0; whole == 0; bytes += bytes > 200 && bytes < 5000 ? 97 : 1) {
		kill_batch_after(bytes, items, 4);
		for (int readonly = 1; readonly >= 0; readonly--) {
			struct reel *r = must_open("c", readonly ? REEL_RDONLY : 0);
			if (reads(r, "b", NULL)) {
				ck_assert(reads(r, "a", "before") && reads(r, "c", NULL));
				ck_assert_uint_eq(count_entries(r, false), 1);
			} else {
				ck_assert(reads(r, "a", NULL) && reads(r, "b", "2"));
				ck_assert_int_eq(reel_exists(r, "c", 1), 1);
				ck_assert_uint_eq(count_entries(r, false), 5);
				whole = bytes;
			}
			reel_close(r);
		}
		ck_assert_int_eq(remove("c"), 0);
	}
	ck_assert_uint_gt(whole, sizeof(long_value));
}
END_TEST

/* The disk has what the process wrote of a batch, all but the byte that ends it; and the container without it in `r`. */
static struct reel *leave_batch(bool killed)
{
	static const struct reel_batch_item items[] = {{1, "first", 5}, {2, "second", 6}, {3, "third", 5}};
	struct reel *r = begin();
	uint64_t start = file_size("c");

	ck_assert_int_eq(reel_write_batch(r, items, 3), 0);
	uint64_t len = file_size("c") - start;
	reel_close(r);
	ck_assert_int_eq(remove("c"), 0);
	if (killed) {
		kill_batch_after(len, items, 3);
		faulty_init(&disk);
		r = faulty_open(&disk, "c", 0);
	} else {
		r = begin();
		disk.room = len;
		disk.write_error = -ENOSPC;
		ck_assert_int_eq(reel_write_batch(r, items, 3), -ENOSPC);
		disk.room = UINT64_MAX;
	}
	ck_assert_uint_eq(file_size("c"), start);
	return r;
}

/*
 * What was cut off is gone for good when something is written in its place, also after a power cut that keeps just what was
 * synced of truncations: the rest of an unfinished batch would be behind the new entry. Where that ends as the batch's first
 * one did, it would be linked to it and so be there, else it would be damage. So it is with a batch of a process that was
 * killed, and with one that was given up.
 */
START_TEST(a_cut_is_synced_before_it_is_written_over)
{
	static const char *const values[] = {"other", "of another length", "x"};

	for (int i = 0; i < 6; i++) {
		struct reel *r = leave_batch(i < 3);
		must_write(r, "b", values[i % 3]);
		faulty_lose_cut(&disk, "c", "crashed");
		reel_close(r);
		r = must_open("crashed", 0);
		ck_assert(reads(r, "a", "before") && reads(r, "b", values[i % 3]));
		ck_assert_uint_eq(count_entries(r, false), 2);
		reel_close(r);
		ck_assert(remove("c") == 0 && remove("crashed") == 0);
	}
}
END_TEST

/* Killed after any number of bytes, a single value is there or not; so are the entries of an append, in order. */
START_TEST(killed_append_leaves_a_prefix)
{
	uint64_t seen = 0;

	for (uint64_t bytes = 0; seen < 3; bytes++) {
		struct reel *r = begin();
		struct reel_append *a;
		disk.room = bytes;
		disk.dead = true;
		ck_assert_int_eq(reel_append_begin(r, &a), 0);
		for (uint64_t key = 0; key < 3; key++) {
			ck_assert_int_eq(reel_append_entry_begin(a, key), 0);
			ck_assert_int_eq(reel_append_data(a, "value", 5), 0);
			ck_assert_int_eq(reel_append_entry_end(a, NULL), 0);
		}
		(void)reel_append_commit(a);
		disk.truncate_error = -EIO;
		reel_close(r);
		r = must_open("c", 0);
		ck_assert(reads(r, "a", "before"));
		uint64_t live = 0;
		while (live < 3 && reel_exists_hash(r, live) == 1)
			live++;
		ck_assert_uint_ge(live, seen);
		ck_assert_uint_eq(count_entries(r, false), 1 + live);
		seen = live;
		reel_close(r);
		ck_assert_int_eq(remove("c"), 0);
	}
}
END_TEST

/* What a killed writer left unsynced is synced with the end of the next one, though that wrote nothing. */
START_TEST(closing_syncs_what_was_found)
{
	struct faulty f;

	reel_close(must_open("c", REEL_CREATE));
	faulty_init(&f);
	struct reel *r = faulty_open(&f, "c", 0);
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert_uint_eq(f.syncs, 0);
	r = must_open("c", 0);
	must_write(r, "a", "value");
	reel_close(r);
	r = faulty_open(&f, "c", 0);
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert_uint_eq(f.syncs, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    an_append_is_one_write,
	    short_and_interrupted_writes_are_continued,
	    full_disk_changes_nothing,
	    write_error_ends_writing,
	    full_disk_that_cannot_be_cut_ends_writing,
	    failed_sync_ends_writing,
	    nothing_new_is_not_synced,
	    closing_syncs_what_was_found,
	    killed_batch_is_all_or_nothing,
	    killed_append_leaves_a_prefix,
	    a_cut_is_synced_before_it_is_written_over,
	};
	return run_tests("faults", tests, sizeof(tests) / sizeof(tests[0]));
}
